/* PostgreSQL's indexes as data. What an index says of its columns is taken from the statement that the server prints of
 * it: only that tells an expression's own collation from one that the index gives it. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/index_part.h"
#include "strata/migrate/reflect_pg.h"
#include "strata/migrate/sql_text.h"

const char reflect_index_sql[] =
    "SELECT t.relname::text, x.relname::text, m.amname::text, pg_catalog.pg_get_expr(i.indpred, i.indrelid), "
    "pg_catalog.pg_get_indexdef(x.oid), pg_catalog.array_to_string(x.reloptions, ', '), i.indisunique, "
    /* names that look like something else here */
    "EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = ANY (i.indkey) AND "
    "a.attname "
    "~ '^[-(]'), c.oid IS NOT NULL, coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), "
    "(SELECT array_agg(CASE WHEN i.indkey[n] = 0 THEN '(' || pg_catalog.pg_get_indexdef(x.oid, n + 1, true) || "
    "')' ELSE a.attname::text END ORDER BY n) FROM generate_series(0, i.indnkeyatts - 1) n LEFT JOIN "
    "pg_catalog.pg_attribute a "
    "ON a.attrelid = t.oid AND a.attnum = i.indkey[n]), "
    "(SELECT array_agg(a.attname::text ORDER BY n) FROM generate_series(i.indnkeyatts::int, i.indnatts - 1) n JOIN "
    "pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[n]) "
    "FROM pg_catalog.pg_class t JOIN pg_catalog.pg_index i ON i.indrelid = t.oid AND i.indisvalid JOIN "
    "pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = x.relam LEFT JOIN "
    "pg_catalog.pg_constraint c ON c.conindid = x.oid AND c.contype = 'u' WHERE NOT EXISTS (SELECT FROM "
    "pg_catalog.pg_constraint o WHERE o.conindid = x.oid AND o.contype IN ('p', 'x')) AND " REFLECT_OURS
    " ORDER BY t.relname::text COLLATE \"C\", x.relname::text COLLATE \"C\"";

/* Behind the bracket that closes the one just read. */
static void skip_brackets(struct sql_reader *r)
{
    size_t depth = 1;
    for (struct sql_token t = {SQL_OTHER, {NULL, 0}}; depth && t.kind != SQL_END;) {
        t = sql_next(r);
        depth += sql_is(t, "(");
        depth -= sql_is(t, ")");
    }
}

/* Behind a column's name, an expression in brackets, or the call of a function: name, schema.name( ... ). */
static void skip_head(struct sql_reader *r)
{
    struct sql_reader at = *r;
    struct sql_token t = sql_next(&at);
    if (!sql_is(t, "(")) {
        *r = at;
        t = sql_next(&at);
        if (sql_is(t, ".")) {
            (void)sql_next(&at);
            *r = at;
            t = sql_next(&at);
        }
    }
    if (sql_is(t, "(")) {
        *r = at;
        skip_brackets(r);
    }
}

/* What is said behind each head of "... USING method (head said, head said)"; false when there are not n of them. */
static bool read_said(const char *def, size_t n, struct index_part *ret)
{
    struct sql_reader r = {.rest = str_of(def), .postgresql = true};
    struct sql_token t = sql_next(&r);
    while (t.kind != SQL_END && !sql_is(t, "using")) {
        t = sql_next(&r);
    }
    (void)sql_next(&r);
    t = sql_next(&r);
    for (size_t i = 0; i < n; i++) {
        if (!sql_is(t, i ? "," : "(")) {
            return false;
        }
        skip_head(&r);
        t = sql_next(&r);
        const char *from = t.text.p;
        while (t.kind != SQL_END && !sql_is(t, ",") && !sql_is(t, ")")) {
            if (sql_is(t, "(")) {
                skip_brackets(&r);
            }
            t = sql_next(&r);
        }
        if (t.kind == SQL_END || !index_part_read(str_n(from, (size_t)(t.text.p - from)), ST_POSTGRESQL, &ret[i])) {
            return false;
        }
    }
    return sql_is(t, ")");
}

/* The only expression, when it is last and nothing more is said of it, is .expression; others are among the columns. */
static st_err take_parts(struct reflect_reader *k, const st_texts *keys, const struct index_part *said,
                         st_table_index *i)
{
    size_t n = keys->n, expressions = 0;
    for (size_t c = 0; c < n; c++) {
        expressions += index_is_expression(keys->v[c]);
    }
    for (size_t c = 0; c < n; c++) {
        const struct index_part *p = &said[c];
        bool expression = index_is_expression(keys->v[c]);
        bool plain = !p->descends && !p->nulls && !p->ops.len && !p->postgresql.len;
        str bare = expression ? sql_unwrap(str_of(keys->v[c])) : str_of(keys->v[c]);
        if (expression && plain && expressions == 1 && c + 1 == n) {
            i->expression = arena_memdup0(k->a, bare.p, bare.len);
            return i->expression ? 0 : diag_nomem();
        }
        const char *down = p->descends ? "-" : "", *open = expression ? "(" : "", *close = expression ? ")" : "";
        i->columns[c] = arena_printf(k->a, "%s%s%.*s%s", down, open, STR_FMT(bare), close);
        i->how[c] = index_part_write(k->a, p);
        if (!i->columns[c] || !i->how[c]) {
            return diag_nomem();
        }
    }
    return 0;
}

static st_table_index *constraint_of(const struct seen_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_indexes; i++) {
        if (t->indexes[i].constraint && strcmp(t->indexes[i].name, name) == 0) {
            return &t->indexes[i];
        }
    }
    return NULL;
}

static st_err take_rest(struct reflect_reader *k, const struct reflect_row *r, st_table_index *i)
{
    str where = sql_unwrap(str_of(r->text[3]));
    for (size_t c = 0; c < r->list[1].n && c < ST_KEY_MAX; c++) {
        i->include[c] = r->list[1].v[c];
    }
    i->nulls_not_distinct = r->flag[3];
    i->with = r->text[5];
    i->method = strcmp(r->text[2], "btree") != 0 ? r->text[2] : NULL;
    i->where = r->text[3] ? arena_memdup0(k->a, where.p, where.len) : NULL;
    return r->text[3] && !i->where ? diag_nomem() : 0;
}

st_err reflect_index(struct reflect_reader *k, const struct reflect_row *r)
{
    struct seen_table *t = seen_find(k->s, r->text[0]);
    const st_texts *keys = &r->list[0];
    struct index_part said[ST_KEY_MAX];
    if (!t) {
        return 0;
    }
    if (r->flag[2]) {
        st_table_index *i = constraint_of(t, r->text[1]);
        return i ? take_rest(k, r, i) : 0;
    }
    bool fits = keys->n <= ST_KEY_MAX - 1u && r->list[1].n <= ST_KEY_MAX;
    if (r->flag[1] || !fits || !read_said(r->text[4], keys->n, said)) {
        return reflect_other(k, t, "index", r->text[1], r->text[4]);
    }
    st_err rc = REFLECT_ADD(k, t->indexes, t->n_indexes, t->indexes_room);
    if (rc) {
        return rc;
    }
    st_table_index *i = &t->indexes[t->n_indexes++];
    *i = (st_table_index){.name = r->text[1], .unique = r->flag[0]};
    rc = take_parts(k, keys, said, i);
    return rc ? rc : take_rest(k, r, i);
}
