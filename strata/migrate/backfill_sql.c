#include <errno.h>

#include "strata/migrate/backfill.h"

struct finder {
    arena *a;
    struct backfill_key *key;
};

static int take_column(void *arg, void *obj)
{
    struct finder *k = arg;
    struct backfill_key *key = k->key;
    st_err rc = migrate_grow(k->a, &key->columns, key->n, &key->room, sizeof *key->columns);
    if (!rc) {
        key->columns[key->n++] = *(struct backfill_column *)obj;
    }
    return rc ? rc : 1;
}

st_err backfill_find_key(st_conn *c, arena *a, const char *table, int64_t deadline, struct backfill_key *ret)
{
    static const struct st_field fields[] = {
        {.type = ST_TEXT, .offset = offsetof(struct backfill_column, name)},
        {.type = ST_TEXT, .offset = offsetof(struct backfill_column, type)},
    };
    static const struct st_shape shape = {fields, 2, sizeof(struct backfill_column), 0};
    bool lite = st_conn_dialect(c) == ST_SQLITE, there;
    buf name BUF_AUTO;
    buf_init(&name, 4096);
    if (lite) {
        buf_puts(&name, table);
    } else {
        ddl_ident(&name, table);
    }
    const st_value param = {.type = ST_TEXT, .text = {name.p, name.len}};
    struct finder k = {a, ret};
    *ret = (struct backfill_key){0};
    struct st_stmt q = {
        .sql = lite ? STR("SELECT name, type FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")
                    : STR("SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_index i CROSS JOIN LATERAL "
                          "unnest(i.indkey) WITH ORDINALITY AS k (n, at) JOIN pg_attribute ON attrelid = indrelid AND "
                          "attnum = k.n WHERE indrelid = to_regclass($1::text) AND indisprimary ORDER BY k.at"),
        .params = &param,
        .n_params = 1,
        .shape = &shape,
        .arena = a,
        .row = take_column,
        .arg = &k};
    st_err rc = name.err ? diag_nomem() : st_conn_run(c, &q, 1, deadline, NULL);
    rc = rc || ret->n ? rc : migrate_table_exists(c, a, table, deadline, &there);
    if (rc || ret->n) {
        return rc;
    }
    if (!there) {
        return diag_set(ST_E_SCHEMA, "there is no table %s to fill", table);
    }
    diag_set(ST_E_INVALID, "the table %s has no primary key, along which it could be filled in batches", table);
    diag_hint("fill it with st_sql, in one statement");
    return ST_E_INVALID;
}

/* ("a", "b"), of the table or of the batch. */
static void names(buf *b, const struct backfill_key *key, bool brackets, const char *suffix)
{
    buf_puts(b, brackets ? "(" : "");
    for (size_t i = 0; i < key->n; i++) {
        buf_puts(b, i ? ", " : "");
        ddl_ident(b, key->columns[i].name);
        buf_puts(b, suffix);
    }
    buf_puts(b, brackets ? ")" : "");
}

/* The plus takes the condition out of SQLite's choice of an index: one on a column that is all NULL would have every
 * batch read and sort what is left of the table. PostgreSQL is talked out of that by settings (backfill.c). */
static void wanted(buf *b, enum st_dialect d, const st_backfill *f, const struct backfill_key *key, const char *after,
                   const char *last)
{
    const char *lead = " WHERE ";
    if (after) {
        buf_puts(b, lead);
        names(b, key, true, "");
        buf_printf(b, " > (%s)", after);
        lead = " AND ";
    }
    if (last) {
        buf_puts(b, lead);
        names(b, key, true, "");
        buf_printf(b, " <= (%s)", last);
        lead = " AND ";
    }
    if (f->where) {
        buf_printf(b, "%s%s(%s)", lead, d == ST_SQLITE ? "+" : "", f->where);
    }
}

/* The columns of the batch have names that no table has, so that the revision's own words mean the table. */
static void keys_of_batch(buf *b, enum st_dialect d, const st_backfill *f, const struct backfill_key *key,
                          const char *after, uint32_t rows)
{
    buf_puts(b, "WITH strata_found AS MATERIALIZED (SELECT ");
    for (size_t i = 0; i < key->n; i++) {
        buf_puts(b, i ? ", " : "");
        ddl_ident(b, key->columns[i].name);
        buf_printf(b, " AS strata_key_%zu", i);
    }
    buf_puts(b, " FROM ");
    ddl_ident(b, f->table);
    wanted(b, d, f, key, after, NULL);
    buf_puts(b, " ORDER BY ");
    names(b, key, false, "");
    buf_printf(b, " LIMIT %u)", rows);
}

static void same_key(buf *b, const st_backfill *f, const struct backfill_key *key)
{
    buf_puts(b, " WHERE ");
    for (size_t i = 0; i < key->n; i++) {
        buf_puts(b, i ? " AND " : "");
        ddl_ident(b, f->table);
        buf_put_char(b, '.');
        ddl_ident(b, key->columns[i].name);
        buf_printf(b, " = strata_key_%zu", i);
    }
}

/* Rows are locked when all of the batch have been found: between two of them there may be a million to read. They are
 * looked up one by one, in the order of their keys, which no plan can turn round, and looked at again. (What is
 * MATERIALIZED is still read row by row, but for the count.) */
static void fill_batch(buf *b, const st_backfill *f, const struct backfill_key *key)
{
    buf_puts(b, ", strata_batch AS MATERIALIZED (SELECT strata_found.* FROM strata_found, LATERAL (SELECT 1 FROM ");
    ddl_ident(b, f->table);
    same_key(b, f, key);
    if (f->where) {
        buf_printf(b, " AND (%s)", f->where);
    }
    buf_puts(b, " FOR NO KEY UPDATE) AS strata_row WHERE (SELECT count(*) FROM strata_found) > 0), strata_fill AS "
                "(UPDATE ");
    ddl_ident(b, f->table);
    buf_printf(b, " SET %s FROM strata_batch", f->set);
    same_key(b, f, key);
    buf_put_char(b, ')');
}

void backfill_batch(buf *b, enum st_dialect d, const st_backfill *f, const struct backfill_key *key, const char *after,
                    uint32_t rows)
{
    bool lite = d == ST_SQLITE;
    keys_of_batch(b, d, f, key, after, rows);
    if (!lite) {
        fill_batch(b, f, key);
    }
    buf_printf(b, " SELECT (SELECT count(*) FROM strata_found), (SELECT count(*) FROM %s), (SELECT ",
               lite ? "strata_found" : "strata_batch");
    for (size_t i = 0; i < key->n; i++) {
        buf_puts(b, i ? " || ', ' || " : "");
        if (lite) {
            buf_printf(b, "quote(strata_key_%zu)", i);
        } else {
            buf_printf(b, "quote_literal(strata_key_%zu::text) || ", i);
            buf part BUF_AUTO;
            buf_init(&part, 4096);
            buf_printf(&part, "::%s", key->columns[i].type);
            ddl_string(b, part.p);
            b->err = b->err ? b->err : part.err;
        }
    }
    buf_puts(b, " FROM strata_found ORDER BY ");
    for (size_t i = 0; i < key->n; i++) {
        buf_printf(b, "%sstrata_key_%zu DESC", i ? ", " : "", i);
    }
    buf_puts(b, " LIMIT 1)");
}

void backfill_update(buf *b, const st_backfill *f, const struct backfill_key *key, const char *after, const char *last)
{
    buf_puts(b, "UPDATE ");
    ddl_ident(b, f->table);
    buf_printf(b, " SET %s", f->set_sqlite ? f->set_sqlite : f->set);
    wanted(b, ST_SQLITE, f, key, after, last);
}

void backfill_count(buf *b, const char *table, const char *where)
{
    buf_puts(b, "SELECT count(*) FROM ");
    ddl_ident(b, table);
    if (where) {
        buf_printf(b, " WHERE %s", where);
    }
}

void migrate_backfill_text(buf *b, enum st_dialect d, const st_backfill *f)
{
    buf_puts(b, "UPDATE ");
    ddl_ident(b, f->table);
    buf_printf(b, " SET %s", d == ST_SQLITE && f->set_sqlite ? f->set_sqlite : f->set);
    if (f->where) {
        buf_printf(b, " WHERE %s", f->where);
    }
}
