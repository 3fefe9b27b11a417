#include "strata/migrate/sql_text.h"

#include <assert.h>

#include "base/buf.h"

static bool is_word(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '_' || c == '$' || (uint8_t)c >= 0x80;
}

/* Behind the comment that begins there. */
static str comment_off(str s, bool nested)
{
    size_t depth = 0, i = 0;
    while (i + 1 < s.len) {
        bool opens = (nested || !depth) && s.p[i] == '/' && s.p[i + 1] == '*';
        bool closes = s.p[i] == '*' && s.p[i + 1] == '/';
        depth += opens;
        depth -= closes;
        i += opens || closes ? 2 : 1;
        if (!depth) {
            return str_from(s, i);
        }
    }
    return str_from(s, s.len);
}

static str blanks_off(str s, bool nested)
{
    for (;;) {
        size_t n = 0;
        while (n < s.len && (ascii_is_space(s.p[n]) || s.p[n] == '\v')) {
            n++;
        }
        s = str_from(s, n);
        if (str_starts(s, STR("--"))) {
            ptrdiff_t end = str_find_char(s, '\n');
            s = str_from(s, end < 0 ? s.len : (size_t)end);
        } else if (str_starts(s, STR("/*"))) {
            s = comment_off(s, nested);
        } else {
            return s;
        }
    }
}

/* The length of what begins with a quote at s.p[at], up to its closing one; a doubled one does not close. */
static size_t quoted(str s, size_t at, char close, bool escapes)
{
    size_t i = at + 1;
    while (i < s.len) {
        if (escapes && s.p[i] == '\\') {
            i += 2;
        } else if (s.p[i] != close) {
            i++;
        } else if (close != ']' && i + 1 < s.len && s.p[i + 1] == close) {
            i += 2;
        } else {
            return i + 1;
        }
    }
    return s.len;
}

static size_t number(str s)
{
    size_t n = 0;
    while (n < s.len && (is_word(s.p[n]) || s.p[n] == '.' ||
                         (n && (s.p[n] == '+' || s.p[n] == '-') && (s.p[n - 1] | 0x20) == 'e' && s.p[0] != '0'))) {
        n++;
    }
    return n;
}

static struct sql_token cut(struct sql_reader *r, enum sql_kind kind, size_t n)
{
    assert(n > 0 && n <= r->rest.len);
    struct sql_token t = {kind, str_n(r->rest.p, n)};
    r->rest = str_from(r->rest, n);
    return t;
}

struct sql_token sql_next(struct sql_reader *r)
{
    r->rest = blanks_off(r->rest, r->postgresql);
    str s = r->rest;
    if (!s.len) {
        return (struct sql_token){SQL_END, {NULL, 0}};
    }
    char c = s.p[0], next = s.len > 1 ? s.p[1] : '\0';
    if (c == '\'' || ((c | 0x20) == 'e' && next == '\'') || ((c | 0x20) == 'x' && next == '\'')) {
        bool prefix = c != '\'';
        return cut(r, SQL_STRING, quoted(s, prefix, '\'', prefix && (c | 0x20) == 'e'));
    }
    if (c == '"' || (c == '`' && !r->postgresql) || (r->brackets && c == '[')) {
        return cut(r, SQL_NAME, quoted(s, 0, c == '[' ? ']' : c, false));
    }
    if (ascii_is_digit(c) || (c == '.' && ascii_is_digit(next))) {
        return cut(r, SQL_NUMBER, number(s));
    }
    if (is_word(c)) {
        size_t n = 1;
        while (n < s.len && is_word(s.p[n])) {
            n++;
        }
        return cut(r, SQL_WORD, n);
    }
    static const char pairs[][3] = {"::", "<>", "!=", "<=", ">=", "||", "==", "->", "~~", "!~", "<<", ">>", "@>", "<@"};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (c == pairs[i][0] && next == pairs[i][1]) {
            return cut(r, SQL_OTHER, 2);
        }
    }
    return cut(r, SQL_OTHER, 1);
}

str sql_unwrap(str sql)
{
    for (;;) {
        sql = str_trim(sql);
        struct sql_reader r = {.rest = sql};
        struct sql_token t = sql_next(&r);
        if (!sql_is(t, "(")) {
            return sql;
        }
        size_t depth = 1;
        while (depth && (t = sql_next(&r)).kind != SQL_END) {
            depth += sql_is(t, "(");
            depth -= sql_is(t, ")");
        }
        if (depth || blanks_off(r.rest, false).len) {
            return sql;
        }
        sql = str_n(sql.p + 1, (size_t)(t.text.p - sql.p) - 1);
    }
}

const char *sql_unquote(arena *a, struct sql_token t)
{
    str s = t.text;
    if ((t.kind != SQL_NAME && t.kind != SQL_STRING) || s.len < 2) {
        return arena_memdup0(a, s.p, s.len);
    }
    bool escapes = t.kind == SQL_STRING && s.p[0] != '\'';
    s = str_from(s, escapes ? 2 : 1);
    char close = t.text.p[0] == '[' ? ']' : t.text.p[t.text.len - 1];
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < s.len; i++) {
        if (s.p[i] == close && (close == ']' || i + 1 >= s.len || s.p[++i] != close)) {
            break;
        }
        i += escapes && s.p[i] == '\\' && i + 1 < s.len;
        out[n++] = s.p[i];
    }
    if (out) {
        out[n] = '\0';
    }
    return out;
}

bool sql_is_name(struct sql_token t, const char *name)
{
    str s = t.text;
    if (t.kind == SQL_WORD) {
        return str_eq_nocase(s, str_of(name));
    }
    if (t.kind != SQL_NAME || s.len < 2) {
        return false;
    }
    char close = s.p[s.len - 1];
    size_t at = 0;
    for (size_t i = 1; i + 1 < s.len; i++, at++) {
        if (!name[at] || s.p[i] != name[at]) {
            return false;
        }
        i += s.p[i] == close && close != ']'; /* doubled */
    }
    return !name[at];
}

bool sql_mentions(const char *sql, const char *column)
{
    struct sql_reader r = {.rest = str_of(sql), .brackets = false};
    for (struct sql_token t = sql_next(&r); t.kind != SQL_END; t = sql_next(&r)) {
        if (sql_is_name(t, column)) {
            return true;
        }
    }
    return false;
}

/* A name of lower-case letters says the same with and without quotes. */
static bool needs_no_quotes(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        if (!is_word(c) || (c >= 'A' && c <= 'Z') || (i == 0 && (ascii_is_digit(c) || c == '$'))) {
            return false;
        }
    }
    return name.len > 0;
}

static void put_name(buf *b, const char *name)
{
    bool plain = needs_no_quotes(str_of(name));
    buf_puts(b, plain ? "" : "\"");
    for (; *name; name++) {
        buf_puts(b, *name == '"' ? "\"" : "");
        buf_put_char(b, *name);
    }
    buf_puts(b, plain ? "" : "\"");
}

static void put_token(buf *b, struct sql_token t, const struct sql_rename *renames, size_t n)
{
    if (t.kind == SQL_WORD || t.kind == SQL_NAME) {
        for (size_t i = 0; i < n; i++) {
            if (sql_is_name(t, renames[i].from)) {
                put_name(b, renames[i].to);
                return;
            }
        }
    }
    if (t.kind == SQL_WORD) {
        for (size_t i = 0; i < t.text.len; i++) {
            buf_put_char(b, ascii_lower(t.text.p[i]));
        }
        return;
    }
    str inner = t.kind == SQL_NAME && t.text.len > 2 ? str_n(t.text.p + 1, t.text.len - 2) : (str){NULL, 0};
    buf_put_str(b, needs_no_quotes(inner) ? inner : t.text);
}

const char *sql_canon(arena *a, const char *sql, const struct sql_rename *renames, size_t n)
{
    buf b BUF_AUTO;
    buf_init(&b, 1 << 20);
    struct sql_reader r = {.rest = sql_unwrap(str_of(sql))};
    for (struct sql_token t = sql_next(&r); t.kind != SQL_END; t = sql_next(&r)) {
        if (b.len) {
            buf_put_char(&b, ' ');
        }
        put_token(&b, t, renames, n);
    }
    return b.err ? arena_fail(a) : arena_memdup0(a, b.p, b.len);
}

/* Moves behind the type of a cast. *ret_number: a string before it is a number. */
static void skip_type(struct sql_reader *r, bool *ret_number)
{
    static const char *const numbers[] = {"integer", "bigint", "smallint", "numeric", "double", "real"};
    struct sql_token t = sql_next(r);
    *ret_number = false;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        *ret_number |= sql_is(t, numbers[i]);
    }
    for (;;) {
        struct sql_reader ahead = *r;
        t = sql_next(&ahead);
        if (sql_is(t, "precision") || sql_is(t, "varying") || sql_is(t, "with") || sql_is(t, "without") ||
            sql_is(t, "time") || sql_is(t, "zone") || sql_is(t, ".")) {
            *r = ahead;
        } else if (sql_is(t, "[")) {
            struct sql_token close = sql_next(&ahead);
            if (!sql_is(close, "]")) {
                return;
            }
            *ret_number = false;
            *r = ahead;
        } else if (sql_is(t, "(")) { /* its argument: digits only */
            struct sql_token digits = sql_next(&ahead);
            struct sql_token close = sql_next(&ahead);
            if (digits.kind != SQL_NUMBER || !sql_is(close, ")")) {
                return;
            }
            *r = ahead;
        } else {
            return;
        }
    }
}

/* '-7', '1.5e9'; not 'NaN'. */
static bool is_digits(str s)
{
    for (size_t i = 1; i + 1 < s.len; i++) {
        if (!ascii_is_digit(s.p[i]) && !strchr("+-.e", s.p[i])) {
            return false;
        }
    }
    return s.len > 2 && s.p[0] == '\'';
}

size_t sql_loose(const char *sql, struct sql_token *ret, size_t max)
{
    struct sql_reader r = {.rest = str_of(sql)};
    size_t n = 0;
    for (struct sql_token t = sql_next(&r); t.kind != SQL_END; t = sql_next(&r)) {
        bool number_string = false;
        if (sql_is(t, "::")) {
            skip_type(&r, &number_string);
            str s = n ? ret[n - 1].text : (str){NULL, 0};
            if (number_string && n && ret[n - 1].kind == SQL_STRING && is_digits(s)) {
                ret[n - 1] = (struct sql_token){SQL_NUMBER, str_n(s.p + 1, s.len - 2)};
            }
        } else if (!sql_is(t, "(") && !sql_is(t, ")")) {
            if (n == max) {
                return max + 1;
            }
            ret[n++] = t;
        }
    }
    return n;
}
