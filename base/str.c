#include "base/str.h"

#include <assert.h>

bool str_eq_nocase(str a, str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (ascii_lower(a.p[i]) != ascii_lower(b.p[i])) {
            return false;
        }
    }
    return true;
}

bool str_starts(str s, str prefix)
{
    return s.len >= prefix.len && str_eq(str_n(s.p, prefix.len), prefix);
}

bool str_starts_nocase(str s, str prefix)
{
    return s.len >= prefix.len && str_eq_nocase(str_n(s.p, prefix.len), prefix);
}

bool str_ends(str s, str suffix)
{
    return s.len >= suffix.len && str_eq(str_n(s.p + (s.len - suffix.len), suffix.len), suffix);
}

bool str_ends_nocase(str s, str suffix)
{
    return s.len >= suffix.len && str_eq_nocase(str_n(s.p + (s.len - suffix.len), suffix.len), suffix);
}

str str_trim(str s)
{
    while (s.len && ascii_is_space(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len && ascii_is_space(s.p[s.len - 1])) {
        s.len--;
    }
    return s;
}

str str_from(str s, size_t at)
{
    return at >= s.len ? (str){NULL, 0} : (str){s.p + at, s.len - at};
}

ptrdiff_t str_find(str s, str needle)
{
    if (needle.len == 0) {
        return 0;
    }
    const char *at = s.len ? memmem(s.p, s.len, needle.p, needle.len) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t str_find_char(str s, char c)
{
    const char *at = s.len ? memchr(s.p, c, s.len) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t str_find_nocase(str s, str needle)
{
    for (size_t i = 0; i + needle.len <= s.len; i++) {
        if (str_eq_nocase(str_n(s.p + i, needle.len), needle)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

str str_cut(str *rest, char sep)
{
    assert(rest->p || rest->len == 0);
    ptrdiff_t at = str_find_char(*rest, sep);
    str part = *rest;
    if (at < 0) {
        *rest = (str){NULL, 0};
        return part;
    }
    part.len = (size_t)at;
    rest->p += at + 1;
    rest->len -= (size_t)at + 1;
    return part;
}

bool str_to_u64(str s, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_digit(s.p[i]) || __builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v)) {
            return false;
        }
    }
    if (s.len == 0 || v > max) {
        return false;
    }
    *ret = v;
    return true;
}

/* Length of the sequence that starts with lead, and the legal range of its second byte. */
static size_t utf8_sequence(uint8_t lead, uint8_t *lo, uint8_t *hi)
{
    *lo = 0x80;
    *hi = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *lo = lead == 0xe0 ? 0xa0 : 0x80;
        *hi = lead == 0xed ? 0x9f : 0xbf;
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *lo = lead == 0xf0 ? 0x90 : 0x80;
        *hi = lead == 0xf4 ? 0x8f : 0xbf;
        return 4;
    }
    return 0;
}

size_t str_utf8_next(str s, bool *ret_valid)
{
    assert(s.len > 0);
    const uint8_t *p = (const uint8_t *)s.p;
    if (p[0] < 0x80) {
        *ret_valid = true;
        return 1;
    }
    uint8_t lo, hi;
    size_t want = utf8_sequence(p[0], &lo, &hi), n = 1;
    while (n < want && n < s.len && p[n] >= lo && p[n] <= hi) {
        n++;
        lo = 0x80;
        hi = 0xbf;
    }
    *ret_valid = n == want;
    return n;
}

bool str_is_utf8(str s)
{
    while (s.len) {
        bool valid;
        size_t n = str_utf8_next(s, &valid);
        if (!valid) {
            return false;
        }
        s = str_n(s.p + n, s.len - n);
    }
    return true;
}
