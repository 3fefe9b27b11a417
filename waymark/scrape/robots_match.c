#include "waymark/scrape/robots_impl.h"
#include "waymark/scrape/url_impl.h"

/* RFC 3986: unreserved 1, reserved 2, and 4 for the two that mean something in a rule. */
static const uint8_t kinds[256] = {
    ['a' ... 'z'] = 1, ['A' ... 'Z'] = 1, ['0' ... '9'] = 1, ['-'] = 1, ['.'] = 1, ['_'] = 1, ['~'] = 1,
    [':'] = 2,         ['/'] = 2,         ['?'] = 2,         ['#'] = 2, ['['] = 2, [']'] = 2, ['@'] = 2,
    ['!'] = 2,         ['&'] = 2,         ['\''] = 2,        ['('] = 2, [')'] = 2, ['+'] = 2, [','] = 2,
    [';'] = 2,         ['='] = 2,         ['*'] = 4,         ['$'] = 4,
};

static size_t escape(char *to, uint8_t c)
{
    static const char hex[] = "0123456789ABCDEF";
    to[0] = '%';
    to[1] = hex[c >> 4];
    to[2] = hex[c & 15];
    return 3;
}

size_t robots_normalize(char *to, str s, bool is_pattern)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (url_is_escape(s, i)) {
            uint8_t byte = (uint8_t)url_unescape(s.p + i);
            i += 2;
            if (kinds[byte] == 1) {
                to[n++] = (char)byte;
            } else {
                n += escape(to + n, byte);
            }
        } else if (kinds[c] == 1 || kinds[c] == 2 || c == '%' || (c == '*' && is_pattern)) {
            to[n++] = s.p[i];
        } else {
            n += escape(to + n, c);
        }
    }
    return n;
}

bool robots_is_normal(str target)
{
    for (size_t i = 0; i < target.len; i++) {
        if (kinds[(uint8_t)target.p[i]] - 1U > 1) {
            return false;
        }
    }
    return true;
}

/* Where piece starts in s, or -1; most often its first byte is nowhere. */
static ptrdiff_t find(str s, str piece)
{
    ptrdiff_t first = piece.len ? str_find_char(s, piece.p[0]) : 0;
    if (first < 0 || piece.len == 0) {
        return first;
    }
    ptrdiff_t found = str_find(str_from(s, (size_t)first), piece);
    return found < 0 ? found : first + found;
}

bool robots_matches(const struct robots_rule *rule, str pattern, str target)
{
    size_t at = rule->prefix;
    assert(at <= pattern.len);
    if (target.len < at || memcmp(target.p, pattern.p, at) != 0) {
        return false;
    }
    if (at == pattern.len) {
        return !rule->anchored || target.len == at;
    }
    /* Between wildcards the leftmost place is always as good as any, so nothing is ever taken back. */
    str pieces = str_n(pattern.p + at + 1, pattern.len - at - 1);
    for (;;) {
        str piece = str_cut(&pieces, '*'), rest = str_n(target.p + at, target.len - at);
        if (!pieces.p && rule->anchored) {
            return str_ends(rest, piece);
        }
        ptrdiff_t found = find(rest, piece);
        if (found < 0 || !pieces.p) {
            return found >= 0;
        }
        at += (size_t)found + piece.len;
    }
}
