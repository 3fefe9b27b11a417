/* Indexes: CREATE [UNIQUE] INDEX name ON table (parts) [WHERE condition]. */
#include <errno.h>

#include "strata/migrate/index_part.h"
#include "strata/migrate/reflect_sqlite.h"
#include "strata/migrate/sql_text.h"
#include "strata/migrate/sqlite_table.h"

const char *reflect_sqlite_collation(const char *name)
{
    return lite_same_name(name, "nocase")   ? "collate nocase"
           : lite_same_name(name, "rtrim")  ? "collate rtrim"
           : lite_same_name(name, "binary") ? "collate binary"
                                            : NULL;
}

struct reader {
    arena *a;
    const struct seen_table *t;
    st_table_index i;
    bool odd; /* it says what st_table_index has no words for */
};

/* The text up to a comma or the closing bracket of its own level; *at moves behind that. */
static str part(str sql, size_t *at, bool *ret_last)
{
    size_t depth = 0, start = *at, end = *at;
    *ret_last = true;
    for (struct lite_token t = lite_next(sql, at); t.kind != LITE_END && t.kind != LITE_BAD; t = lite_next(sql, at)) {
        bool comma = lite_is(t, ","), close = lite_is(t, ")");
        if (depth == 0 && (comma || close)) {
            *ret_last = close;
            break;
        }
        depth += lite_is(t, "(");
        depth -= close;
        end = *at;
    }
    return str_trim(str_n(sql.p + start, end - start));
}

static bool is_over(struct lite_token t)
{
    return t.kind == LITE_END || t.kind == LITE_BAD;
}

/* Without ASC or DESC at its end. */
static str without_order(str text, bool *ret_down)
{
    struct lite_token last = {LITE_END, {NULL, 0}};
    size_t at = 0, n = 0;
    for (struct lite_token t = lite_next(text, &at); !is_over(t); t = lite_next(text, &at)) {
        last = t;
        n++;
    }
    *ret_down = lite_is(last, "DESC");
    bool ordered = n > 1 && (*ret_down || lite_is(last, "ASC"));
    return ordered ? str_trim(str_n(text.p, (size_t)(last.text.p - text.p))) : text;
}

/* The length of the name, call or expression in brackets that text begins with; 0 when it begins with none. */
static size_t operand(str text)
{
    size_t at = 0, behind = 0;
    struct lite_token t = lite_next(text, &at);
    if (t.kind == LITE_WORD || t.kind == LITE_QUOTED) {
        behind = at;
        t = lite_next(text, &at);
    }
    size_t depth = lite_is(t, "(");
    while (depth) {
        t = lite_next(text, &at);
        depth += lite_is(t, "(");
        depth -= lite_is(t, ")");
        behind = at;
        if (is_over(t)) {
            return 0;
        }
    }
    return behind;
}

/* "operand COLLATE name": the operand, and the collation. Behind anything longer COLLATE may be of the last operand
 * alone, so it stays. */
static str without_collation(str text, struct lite_token *ret_collation)
{
    size_t end = operand(text), at = end;
    if (end && lite_is(lite_next(text, &at), "COLLATE")) {
        struct lite_token name = lite_next(text, &at);
        if (lite_next(text, &at).kind == LITE_END) {
            *ret_collation = name;
            return str_n(text.p, end);
        }
    }
    return text;
}

static st_err take_part(struct reader *k, str text)
{
    bool down;
    struct lite_token collation = {LITE_END, {NULL, 0}};
    str body = without_collation(without_order(text, &down), &collation);
    size_t at = 0, n = migrate_key_len(k->i.columns);
    struct lite_token first = lite_next(body, &at);
    bool name = (first.kind == LITE_WORD || first.kind == LITE_QUOTED) && is_over(lite_next(body, &at));
    const char *column = name ? lite_name(k->a, first.text) : NULL;
    const char *of = collation.text.len ? lite_name(k->a, collation.text) : "binary";
    if ((name && !column) || !of) {
        return diag_nomem();
    }
    const char *how = collation.text.len ? reflect_sqlite_collation(of) : "";
    const struct seen_column *c = column ? reflect_sqlite_column(k->t, column) : NULL;
    k->odd |= !how || n >= ST_KEY_MAX - 1u || (c && (c->c.name[0] == '-' || c->c.name[0] == '('));
    if (k->odd) {
        return 0;
    }
    const char *sign = down ? "-" : "";
    k->i.columns[n] = c ? arena_printf(k->a, "%s%s", sign, c->c.name)
                        : arena_printf(k->a, "%s(%.*s)", sign, STR_FMT(sql_unwrap(body)));
    k->i.how[n] = how;
    return k->i.columns[n] ? 0 : diag_nomem();
}

/* The only expression, when it is last and nothing more is said of it, is .expression. */
static st_err name_expression(struct reader *k)
{
    size_t n = migrate_key_len(k->i.columns), expressions = 0;
    for (size_t c = 0; c < n; c++) {
        expressions += index_is_expression(k->i.columns[c]);
    }
    const char *last = n ? k->i.columns[n - 1] : "";
    if (expressions != 1 || last[0] != '(' || k->i.how[n - 1][0]) {
        return 0;
    }
    k->i.expression = arena_memdup0(k->a, last + 1, strlen(last) - 2);
    k->i.columns[n - 1] = k->i.how[n - 1] = NULL;
    return k->i.expression ? 0 : diag_nomem();
}

st_err reflect_sqlite_index(arena *a, struct seen_table *t, const char *name, const char *sql_text)
{
    str sql = str_of(sql_text);
    struct reader k = {.a = a, .t = t, .i = {.name = name}};
    size_t at = 0;
    for (struct lite_token w = lite_next(sql, &at); !lite_is(w, "("); w = lite_next(sql, &at)) {
        k.i.unique |= lite_is(w, "UNIQUE");
        if (is_over(w)) {
            return 0;
        }
    }
    st_err rc = 0;
    for (bool last = false; !rc && !last;) {
        str text = part(sql, &at, &last);
        rc = take_part(&k, text);
    }
    rc = rc || k.odd ? rc : name_expression(&k);
    struct lite_token where = lite_next(sql, &at);
    if (!rc && lite_is(where, "WHERE")) {
        str condition = sql_unwrap(str_from(sql, at));
        k.i.where = arena_memdup0(a, condition.p, condition.len);
        rc = k.i.where ? 0 : diag_nomem();
    }
    if (!rc && k.odd) {
        rc = migrate_grow(a, &t->others, t->n_others, &t->others_room, sizeof *t->others);
        if (!rc) {
            t->others[t->n_others++] = (struct seen_other){"index", name, sql_text};
        }
        return rc;
    }
    rc = rc ? rc : migrate_grow(a, &t->indexes, t->n_indexes, &t->indexes_room, sizeof *t->indexes);
    if (!rc) {
        t->indexes[t->n_indexes++] = k.i;
    }
    return rc;
}
