/* st_create_all: the tables of models, without revisions. */
#include <errno.h>
#include <stdlib.h>

#include "strata/migrate/autogen.h"

struct names {
    arena *a;
    const char **v;
    size_t n, room;
};

/* Sorted. */
static st_err table_names(st_conn *c, struct names *k, int64_t deadline)
{
    static const struct st_field field = {.type = ST_TEXT};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    struct migrate_rows rows = {k->a, &k->v, &k->n, &k->room, sizeof *k->v};
    struct st_stmt q = {.sql = st_conn_dialect(c) == ST_SQLITE
                                   ? STR("SELECT name FROM sqlite_master WHERE type = 'table'")
                                   : STR("SELECT relname::text FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p') "
                                         "AND pg_catalog.pg_table_is_visible(oid)"),
                        .shape = &shape,
                        .arena = k->a,
                        .row = migrate_take_row,
                        .arg = &rows};
    st_err rc = st_conn_run(c, &q, 1, deadline, NULL);
    if (!rc && k->n) {
        qsort(k->v, k->n, sizeof *k->v, migrate_by_text);
    }
    return rc;
}

/* Enum types that are not there. */
static st_err create_types(st_conn *c, arena *a, const st_table *tables, size_t n, int64_t deadline)
{
    const st_enum_type *types;
    size_t n_types;
    st_err rc = autogen_enums(a, tables, n, &types, &n_types);
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    for (size_t i = 0; !rc && i < n_types && st_conn_dialect(c) == ST_POSTGRESQL; i++) {
        buf_clear(&b);
        buf_puts(&b, "DO $strata$ BEGIN ");
        ddl_create_enum(&b, &types[i]);
        buf_puts(&b, "; EXCEPTION WHEN duplicate_object THEN NULL; END $strata$");
        rc = b.err ? diag_nomem() : st_conn_exec(c, b.p, deadline);
    }
    return rc;
}

static st_err create_missing(st_conn *c, arena *a, const st_table *tables, size_t n, int64_t deadline)
{
    struct names there = {.a = a};
    struct migrate_plan plan = {0};
    st_ops ops;
    migrate_ops_init(&ops, a, st_conn_dialect(c));
    st_err rc = table_names(c, &there, deadline);
    for (size_t i = 0; !rc && i < n; i++) {
        if (!there.n || !bsearch(&tables[i].name, there.v, there.n, sizeof *there.v, migrate_by_text)) {
            rc = st_create_table(&ops, &tables[i]);
        }
    }
    rc = rc ? rc : create_types(c, a, tables, n, deadline);
    rc = rc ? rc : migrate_plan_ops(a, ops.dialect, ops.ops, ops.n, &plan);
    return rc ? rc : migrate_run_steps(c, a, &plan, deadline);
}

st_err st_create_all(st_engine *e, const st_model *const *models, size_t n, int64_t deadline)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const st_table *tables;
    size_t n_tables;
    st_conn *c;
    st_err rc = a ? st_tables_of_models(a, models, n, &tables, &n_tables) : diag_nomem();
    rc = rc ? rc : st_conn_acquire(e, true, deadline, &c);
    if (rc) {
        return rc;
    }
    rc = migrate_begin(c, deadline);
    rc = rc ? rc : create_missing(c, a, tables, n_tables, deadline);
    rc = rc ? rc : st_conn_exec(c, "COMMIT", deadline);
    st_conn_release(c); /* rolls back what failed */
    return rc ? diag_wrap(rc, "creating the tables of models") : 0;
}
