/* keys.h: where the objects of a chunk have which key, for matching related rows; private to the session.
 *
 * One column of each object is its key. Objects of equal keys share the number of the first of them; a null key has
 * none. All memory is the session's scratch. */
#ifndef STRATA_SESSION_KEYS_H
#define STRATA_SESSION_KEYS_H

#include "strata/session/internal.h"

enum { KEYS_NONE = UINT32_MAX };

struct keys {
    const st_attr *attr;
    const st_attr *tenant; /* compared too: of sessions across tenants */
    const void *const *objs;
    size_t n;
    uint32_t *first; /* of each object: the number of the first one with its key, or KEYS_NONE */
    uint32_t *slots; /* a number in list + 1; open addressing, half full at most */
    size_t mask;
    void *list;   /* the distinct keys, as ST_OP_IN takes them */
    uint32_t *of; /* beside list: the number of the object */
    size_t size;  /* of a key in list */
    uint32_t n_list;
    uint64_t seed;
};

/* n objects of m; -ENOMEM. objs is kept. */
st_err keys_read(struct keys *k, st_session *s, const st_mapper *m, const st_attr *attr, const void *const *objs,
                 size_t n);
/* The number of the first object whose key is attr of obj (of the same type; tenant NULL: obj has none), or KEYS_NONE.
 */
uint32_t keys_find(const struct keys *k, const st_attr *attr, const st_attr *tenant, const void *obj);
/* The same, for rows that often follow one of the same key, whose number last was. */
uint32_t keys_find_next(const struct keys *k, uint32_t last, const st_attr *attr, const st_attr *tenant,
                        const void *obj);

/* Keys in one query. SQLite's lists are filled up to a power of two; where the list is one parameter, the database
 * reads a large part of the table just once. */
size_t keys_chunk(const st_session *s, const st_attr *attr);
/* The rows of m whose attr is one of k's keys, into s->found. plan: its condition and order hold; what it says to join
 * is loaded, too; or NULL. */
st_err keys_select(const struct keys *k, st_session *s, const st_mapper *m, const st_attr *attr,
                   const struct st_load *plan);
int keys_compare(const st_mapper *m, const void *x, const void *y); /* by primary key */
/* Sorts objects of m by primary key, in time n log n. -ENOMEM. */
st_err keys_sort(st_session *s, const st_mapper *m, const void **objs, size_t n);
/* Whether attr of x and other of y, of one type, are equal and not null. */
bool keys_same(const st_attr *attr, const void *x, const st_attr *other, const void *y);

#endif
