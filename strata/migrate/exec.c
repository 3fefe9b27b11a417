/* Steps against a database, in a transaction under a lock that one change of the schema holds at a time. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/private.h"

/* lock_timeout, so that a change which waits for a long reader does not make everybody else queue behind it; the
 * advisory lock before it may be waited for as long as the other upgrade takes. The number is "strata_m". */
static const char begin_postgresql[] =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = '1h';"
    "DO $$ BEGIN PERFORM pg_advisory_xact_lock(8319388081106739565); END $$;"
    "SET LOCAL lock_timeout = '10s'; SET LOCAL strata.system = 'on'"; /* for changes of rows, see rls.c */

st_err migrate_begin(st_conn *c, int64_t deadline)
{
    assert(!st_conn_in_transaction(c));
    st_err rc = st_conn_exec(c, st_conn_dialect(c) == ST_SQLITE ? "BEGIN IMMEDIATE" : begin_postgresql, deadline);
    return rc ? diag_wrap(rc, "waiting for the lock on the schema") : 0;
}

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

static st_err run_step(st_conn *c, arena *a, const struct migrate_step *s, int64_t deadline)
{
    switch (s->kind) {
    case MIGRATE_STEP_SQL:
        return st_conn_exec(c, s->sql, deadline);
    case MIGRATE_STEP_REFUSE:
        return run_refuse(c, a, s, deadline);
    case MIGRATE_STEP_REBUILD:
        return migrate_rebuild(c, a, s, deadline);
    case MIGRATE_STEP_INDEX:
    case MIGRATE_STEP_RUN:
    case MIGRATE_STEP_BACKFILL:
        break;
    }
    return diag_set(ST_E_INVALID, "a step that is not of one transaction");
}

st_err migrate_run_steps(st_conn *c, arena *a, const struct migrate_plan *p, int64_t deadline)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct migrate_step *s = &p->steps[i];
        st_err rc = run_step(c, a, s, deadline);
        if (rc) {
            if (rc == ST_E_BUSY) {
                diag_hint("something else holds the table %s for over 10 s: end it, or try again later",
                          s->op && s->op->table ? s->op->table : "");
            }
            return s->op && s->op->table ? diag_wrap(rc, "table %s", s->op->table) : rc;
        }
    }
    return 0;
}
