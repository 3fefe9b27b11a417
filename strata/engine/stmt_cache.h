/* stmt_cache.h: which statements are prepared on a connection: bounded, found by their key in a few steps.
 *
 * Four places share a set; when all are taken, the one used least recently goes. What a place holds is the driver's. */
#ifndef STRATA_ENGINE_STMT_CACHE_H
#define STRATA_ENGINE_STMT_CACHE_H

#include <stddef.h>
#include <stdint.h>

enum { STMT_CACHE_WAYS = 4, STMT_CACHE_SETS = 32, STMT_CACHE_SIZE = STMT_CACHE_WAYS * STMT_CACHE_SETS };

struct stmt_slot {
    uint64_t key; /* 0: free */
    uint64_t used;
    void *stmt;
    unsigned state;
};
struct stmt_cache {
    struct stmt_slot slots[STMT_CACHE_SIZE];
    uint64_t clock;
};

/* The place that holds key, or NULL. key is not 0. */
static inline struct stmt_slot *stmt_cache_find(struct stmt_cache *c, uint64_t key)
{
    struct stmt_slot *set = &c->slots[key % STMT_CACHE_SETS * STMT_CACHE_WAYS];
    for (int i = 0; i < STMT_CACHE_WAYS; i++) {
        if (set[i].key == key) {
            set[i].used = ++c->clock;
            return &set[i];
        }
    }
    return NULL;
}

/* The place for key, which is not in the cache: a free one, or one whose content the caller has to release first. */
static inline struct stmt_slot *stmt_cache_place(struct stmt_cache *c, uint64_t key)
{
    struct stmt_slot *set = &c->slots[key % STMT_CACHE_SETS * STMT_CACHE_WAYS];
    struct stmt_slot *best = set;
    for (int i = 1; i < STMT_CACHE_WAYS; i++) {
        if (best->key && (!set[i].key || set[i].used < best->used)) {
            best = &set[i];
        }
    }
    best->used = ++c->clock;
    return best;
}

#endif
