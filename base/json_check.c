/* Whether a text is JSON, without making values of it: no heap, no recursion. */
#include <string.h>

#include "base/json.h"

struct check {
    const char *p, *end;
};

static bool is_digit(const struct check *c)
{
    return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static size_t skip_digits(struct check *c)
{
    const char *from = c->p;
    while (is_digit(c)) {
        c->p++;
    }
    return (size_t)(c->p - from);
}

static bool take(struct check *c, char wanted)
{
    bool there = c->p < c->end && *c->p == wanted;
    c->p += there;
    return there;
}

static void skip_space(struct check *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r')) {
        c->p++;
    }
}

/* Digits and exponents without measure are valid JSON, and no number of any database. */
static bool number(struct check *c)
{
    enum { NUMBER_MAX = 1000, EXPONENT_MAX = 4 };
    const char *from = c->p;
    (void)take(c, '-');
    if (!take(c, '0') && skip_digits(c) == 0) {
        return false;
    }
    if (take(c, '.') && skip_digits(c) == 0) {
        return false;
    }
    if (take(c, 'e') || take(c, 'E')) {
        if (!take(c, '-')) {
            (void)take(c, '+');
        }
        size_t n = skip_digits(c);
        if (n == 0 || n > EXPONENT_MAX) {
            return false;
        }
    }
    return c->p - from <= NUMBER_MAX;
}

static bool hex4(struct check *c, unsigned *ret)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    *ret = 0;
    for (int i = 0; i < 4; i++) {
        const char *at = c->p < c->end && *c->p ? strchr(digits, *c->p) : NULL;
        if (!at) {
            return false;
        }
        unsigned v = (unsigned)(at - digits);
        *ret = *ret * 16 + (v < 16 ? v : v - 6);
        c->p++;
    }
    return true;
}

/* Behind "\u". No NUL and no half of a surrogate pair: neither is text to a database. */
static bool escaped_character(struct check *c)
{
    unsigned high, low;
    if (!hex4(c, &high) || high == 0 || (high >= 0xdc00 && high <= 0xdfff)) {
        return false;
    }
    if (high < 0xd800 || high > 0xdbff) {
        return true;
    }
    return take(c, '\\') && take(c, 'u') && hex4(c, &low) && low >= 0xdc00 && low <= 0xdfff;
}

/* Behind the opening quote. */
static bool string(struct check *c)
{
    while (c->p < c->end) {
        char ch = *c->p++;
        if (ch == '"') {
            return true;
        }
        if ((unsigned char)ch < ' ') {
            return false;
        }
        if (ch != '\\') {
            continue;
        }
        if (take(c, 'u')) {
            if (!escaped_character(c)) {
                return false;
            }
        } else if (c->p == c->end || !*c->p || !strchr("\"\\/bfnrt", *c->p++)) {
            return false;
        }
    }
    return false;
}

static bool word(struct check *c, const char *w)
{
    size_t n = strlen(w);
    bool there = (size_t)(c->end - c->p) >= n && memcmp(c->p, w, n) == 0;
    c->p += there ? n : 0;
    return there;
}

static bool scalar(struct check *c)
{
    return take(c, '"') ? string(c) : word(c, "true") || word(c, "false") || word(c, "null") || number(c);
}

static bool key(struct check *c)
{
    skip_space(c);
    if (!take(c, '"') || !string(c)) {
        return false;
    }
    skip_space(c);
    return take(c, ':');
}

/* Behind a value: closes what ends there. Returns 1 when another value follows, 0 at the end, -1 for what is wrong. */
static int behind_value(struct check *c, uint64_t *arrays, int *depth)
{
    for (skip_space(c); *depth > 0; skip_space(c)) {
        bool array = *arrays & 1;
        if (take(c, ',')) {
            return array || key(c) ? 1 : -1;
        }
        if (!take(c, array ? ']' : '}')) {
            return -1;
        }
        *arrays >>= 1;
        --*depth;
    }
    return c->p == c->end ? 0 : -1;
}

bool json_is_valid(str text)
{
    struct check c = {text.p, text.p + text.len};
    uint64_t arrays = 0; /* bit 0: the innermost is one */
    int depth = 0, more = 1;
    if (text.len > JSON_SIZE_MAX || !str_is_utf8(text)) {
        return false;
    }
    while (more == 1) {
        skip_space(&c);
        bool array = take(&c, '['), object = !array && take(&c, '{');
        if (!array && !object) {
            more = scalar(&c) ? behind_value(&c, &arrays, &depth) : -1;
            continue;
        }
        if (++depth > JSON_DEPTH_MAX) {
            return false;
        }
        arrays = arrays << 1 | array;
        skip_space(&c);
        bool empty = c.p < c.end && *c.p == (array ? ']' : '}');
        if (empty) {
            more = behind_value(&c, &arrays, &depth);
        } else if (object && !key(&c)) {
            return false;
        }
    }
    return more == 0;
}
