/* Character references, by the list that html_entities.py takes from the standard. */
#include <assert.h>

#include "waymark/scrape/charset.h"
#include "waymark/scrape/html.h"

enum {
    NAME_LONGEST = 31,
    BARE_LONGEST = 6, /* of the names that need no semicolon */
    DIGITS_MAX = 32,  /* leading zeros included; what follows is text */
};

struct entity {
    char name[NAME_LONGEST];
    uint8_t name_len;
    bool bare;
    uint8_t n;
    char utf8[8];
};

static const struct entity entities[] = {
#include "html_entities.inc"
};

static const struct entity *find(const char *p, size_t n)
{
    size_t lo = 0, hi = sizeof entities / sizeof *entities;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct entity *e = &entities[mid];
        int c = memcmp(p, e->name, n < e->name_len ? n : e->name_len);
        if (c == 0 && n == e->name_len) {
            return e;
        }
        if (c < 0 || (c == 0 && n < e->name_len)) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return NULL;
}

static uint32_t numeric_value(uint32_t cp)
{
    if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) {
        return 0xfffd;
    }
    return cp >= 0x80 && cp < 0xa0 ? windows_1252((uint8_t)cp) : cp;
}

/* "&#65;" and "&#x41;"; n > 0 and p[0] is '#'. */
static size_t numeric(const char *p, size_t n, bool more, char out[static 8], size_t *ret_n)
{
    bool hex = n > 1 && (p[1] | 0x20) == 'x';
    size_t start = hex ? 2 : 1, i = start;
    uint32_t cp = 0;
    for (; i < n && i - start < DIGITS_MAX && (hex ? ascii_hex(p[i]) >= 0 : ascii_is_digit(p[i])); i++) {
        cp = cp > 0x10ffff ? cp : cp * (hex ? 16 : 10) + (uint32_t)ascii_hex(p[i]);
    }
    if (i == n && more) {
        return SIZE_MAX;
    }
    if (i == start) {
        return 0;
    }
    *ret_n = utf8_put(numeric_value(cp), out);
    return i + (i < n && p[i] == ';');
}

size_t html_charref(const char *p, size_t n, bool in_attribute, bool more, char out[static 8], size_t *ret_n)
{
    if (n && p[0] == '#') {
        return numeric(p, n, more, out, ret_n);
    }
    size_t len = 0;
    while (len < n && len <= NAME_LONGEST && (ascii_is_alpha(p[len]) || ascii_is_digit(p[len]))) {
        len++;
    }
    if (len == n && len <= NAME_LONGEST && more) {
        return SIZE_MAX;
    }
    bool closed = len < n && p[len] == ';';
    const struct entity *e = closed && len <= NAME_LONGEST ? find(p, len) : NULL;
    size_t used = len + 1;
    /* Without a semicolon of its own, the longest name that needs none. */
    for (size_t k = len < BARE_LONGEST ? len : BARE_LONGEST; !e && k >= 2; k--) {
        e = find(p, k);
        e = e && e->bare ? e : NULL;
        used = k;
        if (e && in_attribute && (k < len || (k < n && p[k] == '='))) {
            return 0; /* as in href="?a=1&copy=2" */
        }
    }
    if (!e) {
        return 0;
    }
    assert(used <= n && e->n <= 8);
    memcpy(out, e->utf8, e->n);
    *ret_n = e->n;
    return used;
}

size_t html_unescape(str s, bool in_attribute, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len;) {
        const char *amp = memchr(s.p + i, '&', s.len - i);
        size_t run = amp ? (size_t)(amp - s.p) - i : s.len - i;
        memcpy(out + n, s.p + i, run);
        n += run;
        i += run;
        if (amp) {
            char ref[8];
            size_t n_ref = 0, used = html_charref(amp + 1, s.len - i - 1, in_attribute, false, ref, &n_ref);
            if (used == 0) {
                ref[0] = '&';
                n_ref = 1;
            }
            memcpy(out + n, ref, n_ref);
            n += n_ref;
            i += 1 + used;
        }
    }
    return n;
}
