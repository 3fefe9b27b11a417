/* Tables made in a scratch place and read back, so that what they say is spelled by the database itself. */
#include <errno.h>

#include "strata/migrate/seen.h"

/* A role that may make no schema has its temporary one. */
static const char scratch_pg[] =
    "DO $$ DECLARE place text := 'pg_temp'; BEGIN "
    "IF has_database_privilege(current_database(), 'CREATE') THEN "
    "place := 'strata_scratch_' || pg_backend_pid(); EXECUTE format('CREATE SCHEMA %I', place); END IF; "
    "PERFORM set_config('search_path', place || ', ' || current_setting('search_path'), true); END $$";

/* No function is looked for in the temporary schema unless it is named. */
static st_err make_triggers(st_conn *c, arena *a, const st_table *t, int64_t deadline)
{
    static const char call[] = " EXECUTE FUNCTION ";
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    st_err rc = 0;
    for (size_t i = 0; !rc && i < t->n_triggers; i++) {
        if (!t->triggers[i].postgresql) {
            continue;
        }
        ddl_create_trigger(&b, ST_POSTGRESQL, t->name, &t->triggers[i], 0);
        const char *sql = migrate_text(a, &b);
        const char *end = sql ? sql + strlen(sql) : NULL;
        while (end && strncmp(end, call, sizeof call - 1) != 0) { /* the last one */
            end--;
        }
        sql = sql ? arena_printf(a, "%.*s%spg_temp.%s", (int)(end - sql), sql, call, end + sizeof call - 1) : NULL;
        rc = sql ? st_conn_exec(c, sql, deadline) : diag_nomem();
        rc = rc && sql ? diag_wrap(rc, "table %s, trigger %s", t->name, t->triggers[i].name) : rc;
    }
    return rc;
}

/* Straight from the plan: nobody else sees these tables, so the safe ways round locks are for others. */
static st_err make(st_conn *c, arena *a, const st_table *tables, size_t n, const st_enum_type *enums, size_t n_enums,
                   bool temporary, int64_t deadline)
{
    st_ops ops;
    struct migrate_plan plan = {0};
    migrate_ops_init(&ops, a, st_conn_dialect(c));
    for (size_t i = 0; i < n_enums; i++) {
        (void)st_create_enum(&ops, &enums[i]);
    }
    for (size_t i = 0; i < n; i++) {
        st_table t = tables[i];
        t.n_triggers = temporary ? 0 : t.n_triggers;
        (void)st_create_table(&ops, &t);
    }
    st_err rc = ops.err ? ops.err : migrate_plan_ops(a, ops.dialect, ops.ops, ops.n, &plan);
    for (size_t i = 0; !rc && i < plan.n; i++) {
        const struct migrate_step *s = &plan.steps[i];
        if (s->kind == MIGRATE_STEP_SQL) {
            rc = st_conn_exec(c, s->sql, deadline);
            rc = rc && s->op && s->op->table ? diag_wrap(rc, "table %s", s->op->table) : rc;
        }
    }
    for (size_t i = 0; temporary && !rc && i < n; i++) {
        rc = make_triggers(c, a, &tables[i], deadline);
    }
    return rc ? diag_wrap(rc, "making the models' tables in a scratch place") : 0;
}

struct place {
    bool temporary;
};

static int take_place(void *arg, void *obj)
{
    *(struct place *)arg = *(const struct place *)obj;
    return 0;
}

/* Whether the scratch place became the temporary schema. */
static st_err find_place(st_conn *c, arena *a, int64_t deadline, struct place *ret)
{
    static const struct st_field field = {.type = ST_BOOL, .offset = offsetof(struct place, temporary)};
    static const struct st_shape shape = {&field, 1, sizeof(struct place), 0};
    *ret = (struct place){false};
    struct st_stmt q = {.sql = STR("SELECT current_setting('search_path') LIKE 'pg\\_temp,%'"),
                        .shape = &shape,
                        .arena = a,
                        .row = take_place,
                        .arg = ret};
    return st_conn_run(c, &q, 1, deadline, NULL);
}

st_err seen_of_tables(st_conn *c, arena *a, const st_table *tables, size_t n, const st_enum_type *enums, size_t n_enums,
                      int64_t deadline, struct seen_schema *ret)
{
    if (st_conn_dialect(c) == ST_POSTGRESQL) {
        st_err rc = st_conn_exec(c, scratch_pg, deadline);
        struct place place = {false};
        rc = rc ? rc : find_place(c, a, deadline, &place);
        rc = rc ? rc : make(c, a, tables, n, enums, n_enums, place.temporary, deadline);
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
        rc = make(memory, a, tables, n, enums, n_enums, false, deadline);
        rc = rc ? rc : seen_read_sqlite(memory, a, deadline, ret);
        st_conn_release(memory);
    }
    st_engine_close(e);
    return rc;
}
