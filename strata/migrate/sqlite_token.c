/* The tokens of SQLite's SQL. */
#include <assert.h>

#include "strata/migrate/sqlite_table.h"

static bool in_name(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static char peek(str s, size_t at)
{
    return at < s.len ? s.p[at] : 0;
}

/* Behind white space and comments; an open comment ends with the text, as SQLite has it. */
static size_t skip_space(str s, size_t at)
{
    for (;;) {
        for (size_t from = at; at < s.len && (is_space(s.p[at]) || (s.p[at] == '\v' && at > from));) {
            at++; /* a vertical tab is no token of SQLite's, but may stand in white space that began without it */
        }
        if (peek(s, at) == '-' && peek(s, at + 1) == '-') {
            ptrdiff_t end = str_find_char(str_from(s, at), '\n');
            at = end < 0 ? s.len : at + (size_t)end + 1;
        } else if (peek(s, at) == '/' && peek(s, at + 1) == '*' && at + 2 < s.len) {
            ptrdiff_t end = str_find(str_from(s, at + 2), STR("*/"));
            at = end < 0 ? s.len : at + 2 + (size_t)end + 2;
        } else {
            return at;
        }
    }
}

/* The length of what begins with an opening quote; 0 when it is not closed. */
static size_t quoted(str s)
{
    char close = s.p[0] == '[' ? ']' : s.p[0];
    for (size_t i = 1; i < s.len; i++) {
        if (s.p[i] != close) {
            continue;
        }
        if (close == ']' || peek(s, i + 1) != close) {
            return i + 1;
        }
        i++;
    }
    return 0;
}

static size_t number(str s)
{
    size_t n = 1;
    while (n < s.len &&
           (in_name(s.p[n]) || s.p[n] == '.' ||
            ((s.p[n] == '+' || s.p[n] == '-') && (s.p[n - 1] | 0x20) == 'e' && ascii_lower(peek(s, 1)) != 'x'))) {
        n++;
    }
    return n;
}

static size_t sign(str s)
{
    static const char *const longer[] = {"->>", "->", "||", "<<", ">>", "<=", ">=", "<>", "==", "!="};
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
        if (str_starts(s, str_of(longer[i]))) {
            return strlen(longer[i]);
        }
    }
    return strchr("(),;.+-*/%&|~<>=", s.p[0]) ? 1 : 0;
}

static size_t word(str s)
{
    size_t n = 1;
    while (n < s.len && in_name(s.p[n])) {
        n++;
    }
    return n;
}

struct lite_token lite_next(str text, size_t *at)
{
    *at = skip_space(text, *at);
    str s = str_from(text, *at);
    if (s.len == 0) {
        return (struct lite_token){LITE_END, str_n(text.p + text.len, 0)};
    }
    char c = s.p[0];
    enum lite_token_kind kind = LITE_SIGN;
    size_t len;
    if (c == '\'' || c == '"' || c == '`' || c == '[') {
        kind = c == '\'' ? LITE_STRING : LITE_QUOTED;
        len = quoted(s);
    } else if ((c == 'x' || c == 'X') && peek(s, 1) == '\'') {
        kind = LITE_LITERAL;
        len = quoted(str_from(s, 1));
        len += len > 0;
    } else if (ascii_is_digit(c) || (c == '.' && ascii_is_digit(peek(s, 1)))) {
        kind = LITE_LITERAL;
        len = number(s);
    } else if (c == '?' || c == ':' || c == '@' || c == '$' || c == '#') {
        kind = LITE_LITERAL;
        len = word(s);
    } else if (in_name(c)) {
        kind = LITE_WORD;
        len = word(s);
    } else {
        len = c ? sign(s) : 0;
    }
    kind = len ? kind : LITE_BAD;
    len = len ? len : s.len;
    assert(len <= s.len);
    *at += len;
    return (struct lite_token){kind, str_n(s.p, len)};
}

bool lite_is(struct lite_token t, const char *word)
{
    return (t.kind == LITE_WORD || t.kind == LITE_SIGN) && str_eq_nocase(t.text, str_of(word));
}

const char *lite_name(arena *a, str text)
{
    char first = text.len ? text.p[0] : 0;
    if (text.len < 2 || !(first == '"' || first == '\'' || first == '`' || first == '[')) {
        return arena_memdup0(a, text.p ? text.p : "", text.len);
    }
    char *name = arena_bytes(a, text.len);
    size_t n = 0;
    for (size_t i = 1; name && i + 1 < text.len; i++) {
        name[n++] = text.p[i];
        i += first != '[' && text.p[i] == first; /* doubled */
    }
    if (name) {
        name[n] = 0;
    }
    return name;
}

bool lite_same_name(const char *x, const char *y)
{
    return str_eq_nocase(str_of(x), str_of(y));
}

/* Compared without taking the quotes off first, so that nothing can fail. */
static bool token_is_name(str t, const char *name)
{
    char first = t.p[0], close = first == '[' ? ']' : first;
    bool quotes = first == '"' || first == '\'' || first == '`' || first == '[';
    size_t i = quotes ? 1 : 0, end = t.len - (quotes ? 1 : 0);
    for (; i < end && *name; i++, name++) {
        if (ascii_lower(t.p[i]) != ascii_lower(*name)) {
            return false;
        }
        i += quotes && first != '[' && t.p[i] == close;
    }
    return i >= end && !*name;
}

bool lite_mentions(str text, const char *name)
{
    for (size_t at = 0;;) {
        struct lite_token t = lite_next(text, &at);
        if (t.kind == LITE_END || t.kind == LITE_BAD) {
            return false;
        }
        if ((t.kind == LITE_WORD || t.kind == LITE_QUOTED) && token_is_name(t.text, name)) {
            return true;
        }
    }
}
