/* The table strata_revisions: which revisions the database has. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "strata/migrate/private.h"

static const st_table version_table = {
    .name = "strata_revisions",
    ST_COLUMNS({"id", ST_TEXT, .pk = true, .max = ST_NAME_MAX}, {"parents", ST_TEXTS, .default_sql = "'[]'"},
               {"message", ST_TEXT}, {"applied_at", ST_TIME, .default_sql = "now()"},
               {"schema_hash", ST_TEXT, .nullable = true}),
};

static int take_any(void *arg, void *obj)
{
    (void)obj;
    *(bool *)arg = true;
    return 0;
}

/* Whether a query has a row. */
static st_err any(st_conn *c, arena *a, const char *sql, int64_t deadline, bool *ret)
{
    static const struct st_field field = {.type = ST_INT64};
    static const struct st_shape shape = {&field, 1, sizeof(int64_t), 0};
    *ret = false;
    struct st_stmt q = {.sql = str_of(sql), .quick = true, .shape = &shape, .arena = a, .row = take_any, .arg = ret};
    return sql ? st_conn_run(c, &q, 1, deadline, NULL) : diag_nomem();
}

st_err migrate_table_exists(st_conn *c, arena *a, const char *table, int64_t deadline, bool *ret)
{
    bool lite = st_conn_dialect(c) == ST_SQLITE;
    const char *sql = arena_printf(a,
                                   lite ? "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '%s'"
                                        : "SELECT 1::bigint WHERE to_regclass('%s') IS NOT NULL",
                                   table);
    return any(c, a, sql, deadline, ret);
}

st_err migrate_column_exists(st_conn *c, arena *a, const char *table, const char *column, int64_t deadline, bool *ret)
{
    bool lite = st_conn_dialect(c) == ST_SQLITE;
    const char *sql = arena_printf(a,
                                   lite ? "SELECT 1 FROM pragma_table_info('%s') WHERE name = '%s'"
                                        : "SELECT 1::bigint FROM pg_catalog.pg_attribute WHERE attrelid = "
                                          "to_regclass('%s') AND attname = '%s' AND NOT attisdropped",
                                   table, column);
    return any(c, a, sql, deadline, ret);
}

st_err migrate_state_read(st_conn *c, arena *a, int64_t deadline, struct migrate_state *ret)
{
    static const struct st_field fields[] = {
        {.type = ST_TEXT, .offset = offsetof(struct migrate_applied, id)},
        {.type = ST_TEXT, .offset = offsetof(struct migrate_applied, message)},
        {.type = ST_TEXTS, .offset = offsetof(struct migrate_applied, parents)},
        {.type = ST_TIME, .offset = offsetof(struct migrate_applied, at)},
        {.type = ST_TEXT, .nullable = true, .offset = offsetof(struct migrate_applied, hash)},
    };
    static const struct st_shape shape = {fields, sizeof fields / sizeof *fields, sizeof(struct migrate_applied), 0};
    *ret = (struct migrate_state){0};
    st_err rc = migrate_table_exists(c, a, "strata_revisions", deadline, &ret->table_exists);
    rc = rc || !ret->table_exists
             ? rc
             : migrate_column_exists(c, a, "strata_revisions", "schema_hash", deadline, &ret->has_hash);
    if (rc || !ret->table_exists) {
        return rc;
    }
    struct migrate_rows k = {a, &ret->rows, &ret->n, &ret->room, sizeof *ret->rows};
    struct st_stmt q = {
        .sql = ret->has_hash ? STR("SELECT \"id\", \"message\", \"parents\", \"applied_at\", \"schema_hash\" FROM "
                                   "\"strata_revisions\" ORDER BY \"applied_at\", \"id\"")
                             : STR("SELECT \"id\", \"message\", \"parents\", \"applied_at\", CAST(NULL AS text) FROM "
                                   "\"strata_revisions\" ORDER BY \"applied_at\", \"id\""),
        .quick = true,
        .shape = &shape,
        .arena = a,
        .row = migrate_take_row,
        .arg = &k};
    return st_conn_run(c, &q, 1, deadline, NULL);
}

static st_err unknown(const struct migrate_applied *row)
{
    char when[CLOCK_TEXT_MAX];
    (void)clock_format_rfc3339(row->at.us, when);
    diag_set(ST_E_TOO_NEW,
             "the database has the revision %s (\"%.100s\", applied %s), which this program does not know", row->id,
             row->message, when);
    diag_hint("a newer program has upgraded it: run that one, or downgrade with it first");
    return ST_E_TOO_NEW;
}

st_err migrate_state_flags(const struct migrate_graph *g, const struct migrate_state *s, bool *ret)
{
    memset(ret, 0, g->n * sizeof *ret);
    for (size_t i = 0; i < s->n; i++) {
        ptrdiff_t at = migrate_find_id(g, s->rows[i].id);
        if (at < 0) {
            return unknown(&s->rows[i]);
        }
        ret[at] = true;
    }
    return 0;
}

st_err migrate_state_heads(arena *a, const struct migrate_state *s, const char *const **ret, size_t *ret_n)
{
    size_t n_parents = 0, n = 0;
    for (size_t i = 0; i < s->n; i++) {
        n_parents += s->rows[i].parents.n;
    }
    const char **parents = ARENA_ARRAY(a, const char *, n_parents), **heads = ARENA_ARRAY(a, const char *, s->n);
    if (!parents || !heads) {
        return diag_nomem();
    }
    n_parents = 0;
    for (size_t i = 0; i < s->n; i++) {
        for (size_t k = 0; k < s->rows[i].parents.n; k++) {
            parents[n_parents++] = s->rows[i].parents.v[k];
        }
    }
    if (n_parents) {
        qsort(parents, n_parents, sizeof *parents, migrate_by_text);
    }
    for (size_t i = 0; i < s->n; i++) {
        const char *id = s->rows[i].id;
        if (!n_parents || !bsearch(&id, parents, n_parents, sizeof *parents, migrate_by_text)) {
            heads[n++] = id;
        }
    }
    if (n) {
        qsort(heads, n, sizeof *heads, migrate_by_text);
    }
    *ret = heads;
    *ret_n = n;
    return 0;
}

/* Parents as the dialect spells an array of text: ids are plain words. */
static void spell_parents(buf *b, enum st_dialect d, const st_revision *r)
{
    buf_puts(b, d == ST_SQLITE ? "'[" : "'{");
    for (size_t i = 0; i < ST_PARENTS_MAX && r->parents[i]; i++) {
        buf_printf(b, "%s\"%s\"", i ? "," : "", r->parents[i]);
    }
    buf_puts(b, d == ST_SQLITE ? "]'" : "}'");
}

/* The time, but later than that of any other row: the newest is the one whose hash counts, however coarse the clock is
 * and if it was set back. */
static void spell_later(buf *b, enum st_dialect d)
{
    bool lite = d == ST_SQLITE;
    buf_puts(b, lite ? "max(" : "greatest(");
    ddl_default(b, d, migrate_column(&version_table, "applied_at"));
    buf_puts(b, lite ? ", coalesce((SELECT max(\"applied_at\") + 1 FROM \"strata_revisions\"), 0))"
                     : ", (SELECT max(\"applied_at\") + interval '1 microsecond' FROM \"strata_revisions\"))");
}

st_err migrate_version_create(buf *b, enum st_dialect d, arena *a)
{
    return ddl_create_table(b, d, &version_table, NULL, a);
}

st_err migrate_record(arena *a, enum st_dialect d, const struct migrate_state *s, const st_revision *r, bool up,
                      struct migrate_plan *p)
{
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    st_err rc = 0;
    if (!s->table_exists) {
        rc = ddl_create_table(&b, d, &version_table, NULL, a);
        rc = rc ? rc : migrate_plan_add(a, p, &b, NULL, NULL);
    } else if (!s->has_hash) {
        rc = ddl_add_column(&b, d, version_table.name, migrate_column(&version_table, "schema_hash"), a);
        rc = rc ? rc : migrate_plan_add(a, p, &b, NULL, NULL);
    }
    if (rc) {
        return rc;
    }
    if (up) {
        buf_puts(&b, "INSERT INTO \"strata_revisions\" (\"id\", \"parents\", \"message\", \"applied_at\") VALUES (");
        ddl_string(&b, r->id);
        buf_puts(&b, ", ");
        spell_parents(&b, d, r);
        buf_puts(&b, ", ");
        ddl_string(&b, r->message);
        buf_puts(&b, ", ");
        spell_later(&b, d);
        buf_put_char(&b, ')');
    } else {
        buf_puts(&b, "DELETE FROM \"strata_revisions\" WHERE \"id\" = ");
        ddl_string(&b, r->id);
    }
    return migrate_plan_add(a, p, &b, NULL, NULL);
}
