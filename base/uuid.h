/* uuid.h: 128-bit identifiers (RFC 9562). */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/decls.h"
#include "base/str.h"

DECLS_BEGIN

typedef struct uuid {
    uint8_t b[16];
} uuid;

enum { UUID_TEXT_LEN = 36 };

/* Version 7: milliseconds of the real-time clock, then a counter that keeps those made by one thread in
 * strictly rising order even within a millisecond or when the clock steps back, then random bits from
 * getrandom(2). Never fails. */
uuid uuid_v7(void);
/* The canonical form, any case, optionally in braces or with "urn:uuid:" before it. False leaves *ret alone. */
bool uuid_parse(str s, uuid *ret) DECLS_OWN_SYMBOL(uuid_parse);
/* Writes 36 characters and a NUL, lower case. */
void uuid_format(uuid u, char out[DECLS_AT_LEAST(UUID_TEXT_LEN + 1)]);

static inline int uuid_cmp(uuid a, uuid b)
{
    return memcmp(a.b, b.b, sizeof a.b);
}
static inline bool uuid_eq(uuid a, uuid b)
{
    return uuid_cmp(a, b) == 0;
}
static inline bool uuid_is_nil(uuid u)
{
    return uuid_eq(u, (uuid){{0}});
}

DECLS_END

#endif
