/* pairs.h: pairs of objects, each once, numbered in the order they came; private to the session.
 *
 * All zero is an empty set. Its memory is its own, so that any thread may fill it. */
#ifndef STRATA_SESSION_PAIRS_H
#define STRATA_SESSION_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pair {
    const void *a, *b;
};
struct pairs {
    struct pair *v;
    uint32_t n;
    uint32_t *slots; /* a number + 1; open addressing, half full at most */
    size_t mask;
};

/* 1: it is new; 0: it was there; -ENOMEM. *ret, when not NULL, gets its number. */
int pairs_add(struct pairs *p, const void *a, const void *b, uint32_t *ret);
void pairs_release(struct pairs *p);

#endif
