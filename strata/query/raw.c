#include "strata/query/raw.h"

#include <errno.h>
#include <string.h>

enum { RAW_MAX = 1 << 20 };

/* Behind white space and comments. */
static const char *skip_blank(const char *p)
{
    for (;;) {
        while (ascii_is_space(*p) || *p == '\v') {
            p++;
        }
        const char *end = NULL;
        if (p[0] == '-' && p[1] == '-') {
            end = strchr(p, '\n');
        } else if (p[0] == '/' && p[1] == '*') {
            end = strstr(p + 2, "*/");
            end = end ? end + 2 : NULL;
        } else {
            return p;
        }
        if (!end) {
            return p + strlen(p);
        }
        p = end;
    }
}

static bool starts_with_any(const char *sql, const char *const *words)
{
    const char *p = skip_blank(sql);
    size_t n = 0;
    while (ascii_is_alpha(p[n])) {
        n++;
    }
    for (; *words; words++) {
        if (str_eq_nocase(str_n(p, n), str_of(*words))) {
            return true;
        }
    }
    return false;
}

bool st_raw_reads(const char *sql)
{
    static const char *const words[] = {"SELECT", "VALUES", "EXPLAIN", "SHOW", NULL};
    return starts_with_any(sql, words);
}

/* Behind a quoted piece or a comment that starts at p, or p itself. */
static const char *skip_quoted(const char *p)
{
    if ((p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '*')) {
        return skip_blank(p);
    }
    char close = *p == '[' ? ']' : *p;
    if (*p != '\'' && *p != '"' && *p != '`' && *p != '[') {
        return p;
    }
    for (p++; *p; p++) {
        if (*p == close) {
            if (p[1] != close || close == ']') {
                return p + 1;
            }
            p++;
        }
    }
    return p;
}

static st_err not_these(size_t n)
{
    return diag_set(ST_E_INVALID, "raw SQL takes its parameters as $1, $2, ...: %zu were given", n);
}

/* SQLite's ?1 for $1. */
static st_err number_for_sqlite(arena *a, const char *sql, size_t n, str *ret)
{
    size_t len = strlen(sql);
    char *out = arena_bytes(a, len + 1), *to = out;
    if (!out) {
        return diag_nomem();
    }
    uint64_t most = 0;
    for (const char *p = sql; *p;) {
        const char *behind = skip_quoted(p);
        if (behind != p) {
            memcpy(to, p, (size_t)(behind - p));
            to += behind - p;
            p = behind;
            continue;
        }
        if (*p == ';' && *skip_blank(p + 1)) {
            return diag_set(ST_E_INVALID, "raw SQL is one statement at a time");
        }
        bool numbered = *p == '$' && ascii_is_digit(p[1]);
        if (*p == '?' || ((*p == ':' || *p == '@' || *p == '$') && !numbered)) {
            return not_these(n);
        }
        if (numbered) {
            const char *digits = p + 1;
            size_t k = strspn(digits, "0123456789");
            uint64_t number;
            if (!str_to_u64(str_n(digits, k), 32766, &number) || number == 0) {
                return not_these(n);
            }
            most = number > most ? number : most;
            *to++ = '?';
            p++;
            continue;
        }
        *to++ = *p++;
    }
    *to = '\0';
    *ret = str_n(out, (size_t)(to - out));
    return most == n ? 0 : not_these(n);
}

st_err st_raw_prepare(arena *a, enum st_dialect dialect, const char *sql, size_t n, str *ret)
{
    static const char *const control[] = {"BEGIN",   "COMMIT", "END",   "ROLLBACK", "SAVEPOINT",
                                          "RELEASE", "START",  "ABORT", "PREPARE",  NULL};
    if (!sql || strlen(sql) > RAW_MAX) {
        return diag_set(ST_E_INVALID, "raw SQL is missing or longer than %d bytes", RAW_MAX);
    }
    if (starts_with_any(sql, control)) {
        st_err rc = diag_set(ST_E_INVALID, "raw SQL controls the transaction, which is the session's");
        diag_hint("use st_commit and st_rollback");
        return rc;
    }
    if (dialect == ST_SQLITE) {
        return number_for_sqlite(a, sql, n, ret);
    }
    *ret = str_of(sql);
    return 0;
}
