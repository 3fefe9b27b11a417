#include "strata/migrate/sql_words.h"

#include <assert.h>
#include <errno.h>

/* Past a body in dollars, "$$ ... $$", whose opening is the token; false for a parameter, "$1". */
static bool skip_dollars(struct sql_reader *r, str token)
{
    ptrdiff_t second = str_find_char(str_from(token, 1), '$');
    if (second < 0 || ascii_is_digit(token.p[1])) {
        return false;
    }
    if (!r->rest.p) {
        return true;
    }
    str tag = str_n(token.p, (size_t)second + 2);
    const char *end = r->rest.p + r->rest.len;
    str behind = {tag.p + tag.len, (size_t)(end - (tag.p + tag.len))};
    ptrdiff_t close = str_find(behind, tag);
    r->rest = close < 0 ? str_from(r->rest, r->rest.len) : str_from(behind, (size_t)close + tag.len);
    return true;
}

struct sql_token words_next(struct sql_reader *r)
{
    struct sql_token t = sql_next(r);
    if (t.kind == SQL_WORD && t.text.p[0] == '$' && skip_dollars(r, t.text)) {
        t.kind = SQL_STRING;
    }
    return t;
}

st_err words_of(arena *a, str statement, struct sql_words *ret)
{
    *ret = (struct sql_words){.a = a};
    struct sql_reader r = {.rest = statement, .postgresql = true};
    size_t n = 0;
    while (words_next(&r).kind != SQL_END) {
        n++;
    }
    ret->v = ARENA_ARRAY(a, struct sql_token, n);
    if (!ret->v) {
        return diag_nomem();
    }
    r = (struct sql_reader){.rest = statement, .postgresql = true};
    while (ret->n < n) {
        ret->v[ret->n++] = words_next(&r);
    }
    return 0;
}

bool words_is(const struct sql_words *w, size_t at, const char *what)
{
    return at < w->n && sql_is(w->v[at], what);
}

bool words_among(const struct sql_words *w, size_t at, const char *const *list)
{
    for (; *list; list++) {
        if (words_is(w, at, *list)) {
            return true;
        }
    }
    return false;
}

bool words_listed(const struct sql_words *w, size_t at, const char *list)
{
    str rest = str_of(list);
    while (at < w->n && rest.p) {
        if (str_eq_nocase(w->v[at].text, str_cut(&rest, ' '))) {
            return true;
        }
    }
    return false;
}

bool words_take(struct sql_words *w, const char *first, const char *second)
{
    if (!words_is(w, w->at, first) || (second && !words_is(w, w->at + 1, second))) {
        return false;
    }
    w->at += second ? 2 : 1;
    return true;
}

static int step(const struct sql_words *w, size_t at)
{
    return words_is(w, at, "(") || words_is(w, at, "[") ? 1 : words_is(w, at, ")") || words_is(w, at, "]") ? -1 : 0;
}

size_t words_find(const struct sql_words *w, size_t from, size_t to, const char *first, const char *second)
{
    assert(from <= to);
    int64_t depth = 0;
    for (size_t i = from; i < to; i++) {
        if (depth <= 0 && words_is(w, i, first) && (!second || (i + 1 < to && words_is(w, i + 1, second)))) {
            return i;
        }
        depth += step(w, i);
    }
    return to;
}

bool words_have(const struct sql_words *w, size_t from, size_t to, const char *first, const char *second)
{
    return from < to && words_find(w, from, to, first, second) < to;
}

size_t words_close(const struct sql_words *w, size_t from, size_t to)
{
    int64_t depth = 0;
    for (size_t i = from; i < to; i++) {
        depth += step(w, i);
        if (depth <= 0) {
            return i + 1;
        }
    }
    return to;
}

size_t words_comma(const struct sql_words *w, size_t from, size_t to)
{
    return from < to ? words_find(w, from, to, ",", NULL) : to;
}

/* Without quotes a name is in lower case, with them as it is. */
static const char *folded(struct sql_words *w, struct sql_token t)
{
    char *name = t.kind == SQL_WORD ? arena_memdup0(w->a, t.text.p, t.text.len) : NULL;
    for (char *c = name; c && *c; c++) {
        *c = ascii_lower(*c);
    }
    const char *s = t.kind == SQL_WORD ? name : t.kind == SQL_NAME ? sql_unquote(w->a, t) : "?";
    w->nomem = w->nomem || !s;
    return s ? s : "?";
}

const char *words_name(struct sql_words *w)
{
    const char *name = w->at < w->n ? folded(w, w->v[w->at]) : "?";
    w->at++;
    for (unsigned parts = 1; parts < 3 && words_is(w, w->at, ".") && w->at + 1 < w->n; parts++) {
        const char *whole = arena_printf(w->a, "%s.%s", name, folded(w, w->v[w->at + 1]));
        w->nomem = w->nomem || !whole;
        name = whole ? whole : "?";
        w->at += 2;
    }
    return name;
}

void words_found(struct sql_words *w, enum sql_hazard hazard)
{
    assert(hazard < SQL_HAZARDS);
    w->look->hazards |= hazard ? UINT64_C(1) << hazard : 0;
}

void words_lock(struct sql_words *w, enum migrate_lock lock)
{
    w->look->lock = lock > w->look->lock ? lock : w->look->lock;
}

void words_other(struct sql_words *w, enum migrate_lock lock, const char *table)
{
    struct sql_look *k = w->look;
    if (k->table && strcmp(table, k->table) == 0) {
        return;
    }
    for (size_t i = 0; i < k->n_others; i++) {
        if (strcmp(k->others[i].table, table) == 0) {
            k->others[i].lock = lock > k->others[i].lock ? lock : k->others[i].lock;
            return;
        }
    }
    if (k->n_others == SQL_OTHERS_MAX) {
        return;
    }
    if (migrate_grow(w->a, &k->others, k->n_others, &k->others_room, sizeof *k->others)) {
        w->nomem = true;
        return;
    }
    k->others[k->n_others++] = (struct migrate_held){lock, table};
}
