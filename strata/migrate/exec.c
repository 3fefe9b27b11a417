/* Steps against a database. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/private.h"

static int note_text(void *arg, void *obj)
{
    *(const char **)arg = *(const char *const *)obj;
    return 1;
}

/* A step that must find nothing. */
static st_err run_refuse(st_conn *c, arena *a, const struct migrate_step *step, int64_t deadline)
{
    static const struct st_field field = {.type = ST_TEXT};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    const char *found = NULL;
    struct st_stmt q = {.sql = str_of(step->sql), .shape = &shape, .arena = a, .row = note_text, .arg = &found};
    st_err rc = st_conn_run(c, &q, 1, deadline, NULL);
    if (rc || !found) {
        return rc;
    }
    return diag_set(ST_E_INVALID, "%s%s", step->refuse, found);
}

static st_err run(st_conn *c, arena *a, const struct migrate_step *s, int64_t deadline)
{
    switch (s->kind) {
    case MIGRATE_STEP_SQL:
    case MIGRATE_STEP_INDEX:
        assert(s->sql && *s->sql);
        return st_conn_exec(c, s->sql, deadline);
    case MIGRATE_STEP_REFUSE:
        return run_refuse(c, a, s, deadline);
    case MIGRATE_STEP_REBUILD:
        return migrate_rebuild(c, a, s, deadline);
    case MIGRATE_STEP_RUN:
    case MIGRATE_STEP_BACKFILL:
        break;
    }
    return diag_set(ST_E_INVALID, "a step that is not one statement");
}

st_err migrate_run_step(st_conn *c, arena *a, const struct migrate_step *s, int64_t deadline)
{
    st_err rc = run(c, a, s, deadline);
    return rc && s->op && s->op->table ? diag_wrap(rc, "table %s", s->op->table) : rc;
}

st_err migrate_run_steps(st_conn *c, arena *a, const struct migrate_plan *p, int64_t deadline)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->n; i++) {
        rc = migrate_run_step(c, a, &p->steps[i], deadline);
    }
    return rc;
}
