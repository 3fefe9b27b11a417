/* identity.h: which rows a session has loaded: one object a model and key; private to the session.
 *
 * Open addressing over slots that keep the whole hash, so that a probe touches an object only when it is very likely
 * the one. Removal shifts the followers back: no tombstones, and a lookup's cost does not depend on history.
 *
 * What a large select found may wait in a list (identity_defer) until somebody looks for an object of its model: most
 * programs never do. Who looks, adds or removes settles first; nothing else sees the difference. */
#ifndef STRATA_SESSION_IDENTITY_H
#define STRATA_SESSION_IDENTITY_H

#include "strata/model/mapper.h"

struct identity_slot {
    uint64_t hash;
    void *obj; /* NULL: free */
};
struct identity_list {
    struct identity_list *next;
    const st_mapper *m;
    void **objs; /* of keys that differ */
    size_t n;
};
typedef struct identity {
    struct identity_slot *slots;
    struct identity_list *later; /* not in slots yet */
    size_t n, mask;              /* mask + 1 slots, a power of two; 0 before the first */
    uint64_t seed;
} identity;

/* All zero but the seed is an empty map. Memory of lists is the caller's. */
void identity_release(identity *map);
/* Empties it, in time linear to what it held; a table much too large for that is given back. */
void identity_clear(identity *map);
int identity_reserve(identity *map, size_t more); /* -ENOMEM; what follows cannot fail for that many */

uint64_t identity_hash(const identity *map, const st_mapper *m, const void *obj); /* never 0 */
/* Has the slot fetched from memory that a find or add with this hash will look at. */
static inline void identity_prefetch(const identity *map, uint64_t hash)
{
    __builtin_prefetch(&map->slots[hash & map->mask], 1);
}
/* The object with obj's key, or NULL. */
void *identity_find(const identity *map, const st_mapper *m, const void *obj, uint64_t hash);
/* Room must have been reserved, and no object of that key be there. */
void identity_add(identity *map, void *obj, uint64_t hash);
/* Both in one, for n objects of m (some may be there): objs[i] becomes the object of its key. -ENOMEM: none was. */
int identity_take(identity *map, const st_mapper *m, void **objs, size_t n);
void identity_defer(identity *map, struct identity_list *list);
int identity_settle(identity *map, const st_mapper *m); /* those lists of m (NULL: all); -ENOMEM: they still wait */
/* Forgets exactly this object, if it is there. */
void identity_remove(identity *map, const st_mapper *m, const void *obj);

#endif
