/* Tables made in a scratch place and read back, so that what they say is spelled by the database itself. */
#include <errno.h>

#include "strata/migrate/seen.h"

/* A role that may make no schema has its temporary one. */
static const char scratch_pg[] =
    "DO $$ DECLARE place text := 'pg_temp'; BEGIN "
    "IF has_database_privilege(current_database(), 'CREATE') THEN "
    "place := 'strata_scratch_' || pg_backend_pid(); EXECUTE format('CREATE SCHEMA %I', place); END IF; "
    "PERFORM set_config('search_path', place || ', ' || current_setting('search_path'), true); END $$";

/* Straight from the plan: nobody else sees these tables, so the safe ways round locks are for others. */
static st_err make(st_conn *c, arena *a, const st_table *tables, size_t n, const st_enum_type *enums, size_t n_enums,
                   int64_t deadline)
{
    st_ops ops;
    struct migrate_plan plan = {0};
    migrate_ops_init(&ops, a, st_conn_dialect(c));
    for (size_t i = 0; i < n_enums; i++) {
        (void)st_create_enum(&ops, &enums[i]);
    }
    for (size_t i = 0; i < n; i++) {
        (void)st_create_table(&ops, &tables[i]);
    }
    st_err rc = ops.err ? ops.err : migrate_plan_ops(a, ops.dialect, ops.ops, ops.n, &plan);
    for (size_t i = 0; !rc && i < plan.n; i++) {
        const struct migrate_step *s = &plan.steps[i];
        if (s->kind == MIGRATE_STEP_SQL) {
            rc = st_conn_exec(c, s->sql, deadline);
            rc = rc && s->op && s->op->table ? diag_wrap(rc, "table %s", s->op->table) : rc;
        }
    }
    return rc ? diag_wrap(rc, "making the models' tables in a scratch place") : 0;
}

st_err seen_of_tables(st_conn *c, arena *a, const st_table *tables, size_t n, const st_enum_type *enums, size_t n_enums,
                      int64_t deadline, struct seen_schema *ret)
{
    if (st_conn_dialect(c) == ST_POSTGRESQL) {
        st_err rc = st_conn_exec(c, scratch_pg, deadline);
        rc = rc ? rc : make(c, a, tables, n, enums, n_enums, deadline);
        return rc ? rc : seen_read_pg(c, a, deadline, ret);
    }
    st_engine *e;
    st_conn *memory;
    st_err rc = st_engine_open("sqlite:///:memory:", NULL, &e);
    if (rc) {
        return rc;
    }
    rc = st_conn_acquire(e, true, deadline, &memory);
    if (!rc) {
        rc = make(memory, a, tables, n, enums, n_enums, deadline);
        rc = rc ? rc : seen_read_sqlite(memory, a, deadline, ret);
        st_conn_release(memory);
    }
    st_engine_close(e);
    return rc;
}
