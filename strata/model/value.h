/* value.h: members of structs as values, by their descriptor; private to Strata.
 *
 * The one place that knows how each C type lies in memory: reading, comparing, copying and hashing a member. */
#ifndef STRATA_MODEL_VALUE_H
#define STRATA_MODEL_VALUE_H

#include "base/arena.h"
#include "strata/model.h"

/* The member of obj that a describes, as a value to bind; borrows what the member points to. */
st_value st_value_get(const st_attr *a, const void *obj);
/* Writes v, of the member's type, into obj; pointers are shared. */
void st_value_put(const st_attr *a, void *obj, const st_value *v);
/* Item i of an array of the member's plain C type (struct st_expr's list). */
st_value st_value_item(const st_attr *a, const void *list, size_t i);
/* Makes a value of the member's type ready to bind: an enum learns its names, null its type. False: of another type. */
bool st_value_adapt(const st_attr *a, st_value *v);
size_t st_value_plain_size(enum st_type type); /* of the C type, without what makes it nullable */
bool st_value_is_null(const st_attr *a, const void *obj);
/* Whether x and y are equal in the member; doubles by their bits, so that NaN equals itself. */
bool st_value_same(const st_attr *a, const void *x, const void *y);
/* Replaces what the member points to by a copy in to. 0 or -ENOMEM (obj is unchanged then). */
int st_value_keep(const st_attr *a, void *obj, arena *to);
uint64_t st_value_hash(const st_attr *a, const void *obj, uint64_t seed);

static inline uint64_t st_mix(uint64_t a, uint64_t b) /* 128-bit product folded: good bits from few instructions */
{
    __uint128_t p = (__uint128_t)(a ^ 0x9e3779b97f4a7c15ull) * (b ^ 0xe7037ed1a0b428dbull);
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}
uint64_t st_hash_bytes(const void *p, size_t len, uint64_t seed);

#endif
