/* str.h: a slice of bytes that somebody else owns; not NUL-terminated. The empty slice may have p == NULL. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/decls.h"

DECLS_BEGIN

typedef struct str {
    const char *p;
    size_t len;
} str;

#define STR(lit) ((str){"" lit, sizeof(lit) - 1})
#define STR_FMT(s) (int)(s).len, (s).p ? (s).p : "" /* for "%.*s" */

static inline str str_of(const char *s) /* NULL gives the empty slice */
{
    return s ? (str){s, strlen(s)} : (str){NULL, 0};
}
static inline str str_n(const char *p, size_t len)
{
    return (str){p, len};
}
static inline bool str_eq(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}
static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}
static inline bool ascii_is_space(char c) /* the WHATWG set: tab, LF, FF, CR, space */
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}
static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool ascii_is_alpha(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}
static inline int ascii_hex(char c) /* 0..15, or -1 */
{
    return ascii_is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

bool str_eq_nocase(str a, str b); /* ASCII only, as the web's protocols want */
bool str_starts(str s, str prefix);
bool str_starts_nocase(str s, str prefix);
bool str_ends(str s, str suffix);
bool str_ends_nocase(str s, str suffix);
str str_trim(str s);                    /* ASCII white space off both ends */
str str_from(str s, size_t at);         /* the rest from at; empty when at is past the end */
ptrdiff_t str_find(str s, str needle);  /* index, or -1 */
ptrdiff_t str_find_char(str s, char c); /* index, or -1 */
ptrdiff_t str_find_nocase(str s, str needle);
/* Cuts *rest at the first sep: returns the part before it and moves *rest behind it. At the last part *rest
 * becomes the empty slice with p == NULL; a slice whose p is NULL has no more parts. */
str str_cut(str *rest, char sep);
/* Decimal digits only, no sign; false when empty, not all digits, or over max. */
bool str_to_u64(str s, uint64_t max, uint64_t *ret);
bool str_is_utf8(str s); /* RFC 3629: no overlong forms, no surrogates, at most U+10FFFF */
/* Bytes of the UTF-8 sequence that s (not empty) starts with. When it is no valid one, *ret_valid is false and the
 * result the length of the longest prefix of a valid one, at least 1: what one U+FFFD stands for (Unicode 3.9). */
size_t str_utf8_next(str s, bool *ret_valid);

DECLS_END

#endif
