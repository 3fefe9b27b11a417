#include "strata/query/like.h"

#include <errno.h>

st_err st_like_check(str pattern)
{
    size_t escapes = 0;
    while (escapes < pattern.len && pattern.p[pattern.len - 1 - escapes] == '\\') {
        escapes++;
    }
    if (escapes % 2) {
        return diag_set(ST_E_INVALID, "the pattern \"%.*s\" ends in a lone backslash; write \\\\ for one",
                        STR_FMT(pattern));
    }
    return 0;
}

st_err st_like_to_glob(arena *a, str pattern, str *ret)
{
    if (pattern.len > SIZE_MAX / 4) {
        return diag_nomem();
    }
    char *out = arena_bytes(a, pattern.len * 3 + 1), *at = out; /* "*" becomes "[*]" */
    if (!out) {
        return diag_nomem();
    }
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.p[i];
        bool plain = c == '\\';
        if (plain) {
            c = pattern.p[++i]; /* st_like_check saw to it that there is one */
        }
        if (!plain && (c == '%' || c == '_')) {
            *at++ = c == '%' ? '*' : '?';
        } else if (c == '*' || c == '?' || c == '[') {
            *at++ = '[';
            *at++ = c;
            *at++ = ']';
        } else {
            *at++ = c;
        }
    }
    *at = '\0';
    *ret = (str){out, (size_t)(at - out)};
    return 0;
}
