/* One phase of a revision. A transaction is one together with the journal's row that says it is done, the last one with
 * the revision's own row; what runs outside of transactions has a row that says "running" before it, so that what it
 * left behind in a crash can be told from what was there before. */
#include <errno.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "strata/migrate/run.h"
#include "strata/select.h"

enum { PAUSE_MS = 50, PAUSE_LONGEST_MS = 3000 };

static struct migrate_journal_row row_of(const struct migrate_runner *r, size_t at, const char *state)
{
    return (struct migrate_journal_row){.revision = r->node->rev->id,
                                        .direction = migrate_direction(r),
                                        .phase = (int32_t)at,
                                        .name = r->plan.phases[at].name,
                                        .hash = r->hashes[at],
                                        .state = state,
                                        .total = -1};
}

static st_err put(struct migrate_runner *r, const struct migrate_round *round, size_t at, const char *state)
{
    struct migrate_journal_row row = row_of(r, at, state);
    return migrate_journal_put(r->conn, round->a, &row, r->deadline);
}

/* In the transaction that is open. */
static st_err need_journal(struct migrate_runner *r, struct migrate_round *round)
{
    return migrate_journal_ready(r->conn, round->a, &round->journal, r->deadline);
}

static void tell_end(struct migrate_runner *r, size_t at, int64_t start)
{
    r->tries = 0;
    migrate_tell(
        r, (struct st_migrate_progress){
               .event = ST_M_PHASE_DONE, .phase = r->plan.phases[at].name, .at = at, .ns = clock_mono_ns() - start});
}

/* With the last phase goes the revision itself. */
static st_err record(struct migrate_runner *r, struct migrate_round *round)
{
    struct migrate_plan p = {0};
    if (r->back) { /* it is applied, or not, as before */
        return migrate_journal_clear(r->conn, round->a, r->node->rev->id, r->deadline);
    }
    st_err rc = migrate_record(round->a, r->d, &round->state, r->node->rev, r->up, &p);
    for (size_t i = 0; !rc && i < p.n; i++) {
        rc = migrate_run_step(r->conn, round->a, &p.steps[i], r->deadline);
    }
    rc = rc ? rc : migrate_hash_store(r->conn, round->a, &r->scope, r->deadline);
    return rc || !round->journal.n ? rc : migrate_journal_clear(r->conn, round->a, r->node->rev->id, r->deadline);
}

static st_err in_transaction(struct migrate_runner *r, struct migrate_round *round, size_t at)
{
    const struct migrate_phase *p = &r->plan.phases[at];
    bool last = at + 1 == r->plan.n_phases;
    int64_t start = clock_mono_ns();
    if (p->foreign_keys_off && !r->keys_off) { /* outside of transactions only; and round again */
        r->keys_off = true;
        st_err off = st_conn_exec(r->conn, "ROLLBACK", r->deadline);
        return off ? off : st_conn_exec(r->conn, "PRAGMA foreign_keys = OFF", r->deadline);
    }
    st_err rc = last ? 0 : need_journal(r, round);
    for (size_t i = p->first; !rc && i < p->first + p->n; i++) {
        rc = migrate_watched_step(r, round->a, &r->plan.steps[i]);
    }
    rc = rc ? rc : last ? record(r, round) : put(r, round, at, "done");
    rc = rc ? rc : migrate_commit(r);
    if (rc) {
        return rc;
    }
    tell_end(r, at, start);
    if (last) {
        migrate_tell(r,
                     (struct st_migrate_progress){.event = ST_M_REVISION, .ns = clock_mono_ns() - r->revision_started});
        r->node = NULL;
    }
    if (r->keys_off) { /* when this fails, the phase is done all the same */
        r->keys_off = false;
        rc = st_conn_exec(r->conn, "PRAGMA foreign_keys = ON", r->deadline);
    }
    return rc;
}

/* ---- outside of transactions; PostgreSQL ---- */

static int take_bool(void *arg, void *obj)
{
    *(int *)arg = *(const bool *)obj;
    return 0;
}

/* *ret -1: there is none; 0: it is invalid, left by a build that did not end; 1: it is there. */
static st_err look_at_index(struct migrate_runner *r, arena *a, const char *index, int *ret)
{
    static const struct st_field field = {.type = ST_BOOL};
    static const struct st_shape shape = {&field, 1, sizeof(bool), 0};
    buf b BUF_AUTO;
    buf_init(&b, 4096);
    ddl_ident(&b, index);
    const st_value name = {.type = ST_TEXT, .text = {b.p, b.len}};
    *ret = -1;
    struct st_stmt q = {.sql =
                            STR("SELECT indisvalid FROM pg_catalog.pg_index WHERE indexrelid = to_regclass($1::text)"),
                        .params = &name,
                        .n_params = 1,
                        .shape = &shape,
                        .arena = a,
                        .row = take_bool,
                        .arg = ret};
    return b.err ? diag_nomem() : st_conn_run(r->conn, &q, 1, r->deadline, NULL);
}

static st_err drop_index(struct migrate_runner *r, const char *index)
{
    buf b BUF_AUTO;
    buf_init(&b, 4096);
    buf_puts(&b, "DROP INDEX CONCURRENTLY IF EXISTS ");
    ddl_ident(&b, index);
    return b.err ? diag_nomem() : st_conn_exec(r->conn, b.p, r->deadline);
}

static st_err build_index(struct migrate_runner *r, arena *a, const struct migrate_step *s, bool began)
{
    int there;
    st_err rc = look_at_index(r, a, s->index, &there);
    if (!rc && there == 1 && began) {
        return 0;
    }
    rc = rc || there != 0 ? rc : drop_index(r, s->index);
    rc = rc ? rc : migrate_watched_step(r, a, s);
    if (rc && rc != -ECANCELED && there < 1) { /* an invalid one costs every writer as much as a valid one */
        struct diag kept = *diag_last();
        int left;
        if (!look_at_index(r, a, s->index, &left) && left == 0) {
            (void)drop_index(r, s->index);
        }
        *diag_last() = kept;
    }
    return rc;
}

static st_err alone(struct migrate_runner *r, struct migrate_round *round, size_t at)
{
    const struct migrate_step *s = &r->plan.steps[r->plan.phases[at].first];
    const struct migrate_journal_row *row =
        migrate_journal_find(&round->journal, r->node->rev->id, migrate_direction(r), at);
    bool began = row && !migrate_journal_failed(row);
    int64_t start = clock_mono_ns();
    st_err rc = need_journal(r, round);
    rc = rc ? rc : put(r, round, at, "running");
    rc = rc ? rc : migrate_commit(r);
    if (rc) {
        return rc;
    }
    if (s->kind == MIGRATE_STEP_INDEX) {
        rc = build_index(r, round->a, s, began);
    } else {
        rc = migrate_watched_step(r, round->a, s);
        bool gone = rc && strcmp(diag_last()->sqlstate, "42704") == 0;
        rc = gone && (began || r->back) ? 0 : rc; /* dropped before the crash */
    }
    rc = rc ? rc : migrate_begin_locked(r);
    rc = rc ? rc : put(r, round, at, "done");
    rc = rc ? rc : migrate_commit(r);
    if (!rc) {
        tell_end(r, at, start);
    }
    return rc;
}

/* ---- C over a session ---- */

/* Puts the row of a phase that is still to be done: another upgrade may have done it since the journal was read, or all
 * of the revision, or have begun to undo it. */
static const char still_to_do[] =
    "INSERT INTO \"strata_journal\" (\"revision\", \"direction\", \"phase\", \"name\", \"hash\", \"state\") SELECT "
    "CAST($1 AS text), CAST($2 AS text), CAST($3 AS integer), CAST($4 AS text), CAST($5 AS text), CAST($6 AS text) "
    "WHERE (CAST($3 AS integer) = 0 OR EXISTS (SELECT 1 FROM \"strata_journal\" WHERE \"revision\" = $1 AND "
    "\"direction\" = $2 AND \"phase\" = $3 - 1 AND \"state\" = 'done')) AND NOT EXISTS (SELECT 1 FROM "
    "\"strata_journal\" WHERE \"direction\" = 'back')";
static const char not_applied[] = " AND NOT EXISTS (SELECT 1 FROM \"strata_revisions\" WHERE \"id\" = $1)";
static const char applied[] = " AND EXISTS (SELECT 1 FROM \"strata_revisions\" WHERE \"id\" = $1)";
static const char or_failed[] =
    " ON CONFLICT (\"revision\", \"direction\", \"phase\") DO UPDATE SET \"name\" = excluded.\"name\", \"hash\" = "
    "excluded.\"hash\", \"state\" = excluded.\"state\", \"error\" = NULL WHERE \"strata_journal\".\"state\" = 'failed'";

/* *ret_theirs when somebody else has done it. */
static st_err in_session(struct migrate_runner *r, const struct migrate_round *round, size_t at,
                         const struct migrate_op *op, bool *ret_theirs)
{
    struct migrate_journal_row row = row_of(r, at, "done");
    int64_t n = 0;
    const char *sql = arena_printf(round->a, "%s%s%s", still_to_do,
                                   !round->state.table_exists ? ""
                                   : r->up                    ? not_applied
                                                              : applied,
                                   or_failed);
    if (!sql) {
        return diag_nomem();
    }
    ST_SESSION(s, r->e, .system = "a step of a migration");
    /* First, so that of two upgrades only one goes on. */
    st_err rc = st_raw_execute(s, sql, &n,
                               ST_PARAMS(st_v_text(row.revision), st_v_text(row.direction), st_v_int32(row.phase),
                                         st_v_text(row.name), st_v_text(row.hash), st_v_text(row.state)));
    *ret_theirs = !rc && n == 0;
    if (rc || *ret_theirs) {
        return rc;
    }
    rc = op->run.fn(s, op->run.arg);
    return rc ? rc : st_commit(s);
}

static st_err in_c(struct migrate_runner *r, struct migrate_round *round, size_t at)
{
    const struct migrate_op *op = r->plan.steps[r->plan.phases[at].first].op;
    int64_t start = clock_mono_ns();
    st_err rc = need_journal(r, round);
    rc = rc ? rc : migrate_commit(r);
    if (rc) {
        return rc;
    }
    if (r->d == ST_SQLITE) { /* it has one writer */
        st_conn_release(r->conn);
        r->conn = NULL;
    }
    bool theirs = false;
    st_err ran = in_session(r, round, at, op, &theirs);
    struct diag kept = *diag_last();
    if (!r->conn) {
        rc = st_conn_acquire(r->e, true, r->deadline, &r->conn);
    }
    if (theirs) {
        return rc;
    }
    if (ran) {
        *diag_last() = kept;
        return diag_wrap(ran, "step %s", op->run.name);
    }
    if (!rc) {
        tell_end(r, at, start);
    }
    return rc;
}

st_err migrate_phase(struct migrate_runner *r, struct migrate_round *round, size_t at)
{
    const struct migrate_phase *p = &r->plan.phases[at];
    enum migrate_step_kind kind = p->n ? r->plan.steps[p->first].kind : MIGRATE_STEP_SQL;
    if (r->tries == 0 && !r->keys_off) {
        migrate_tell(r, (struct st_migrate_progress){.event = ST_M_PHASE, .phase = p->name, .at = at});
    }
    if (kind == MIGRATE_STEP_BACKFILL) {
        return migrate_backfill(r, round, at);
    }
    return kind == MIGRATE_STEP_RUN ? in_c(r, round, at)
           : p->no_transaction      ? alone(r, round, at)
                                    : in_transaction(r, round, at);
}

/* Between a half and all of a time that doubles, so that those who met once do not meet again. */
st_err migrate_pause(struct migrate_runner *r, size_t at, st_err rc)
{
    if (r->d == ST_SQLITE || ++r->tries >= r->o.lock_tries) {
        return r->tries > 1 ? diag_wrap(rc, "tried %u times", r->tries) : rc;
    }
    int64_t ms = r->tries < 7 ? PAUSE_MS << (r->tries - 1) : PAUSE_LONGEST_MS;
    uint32_t random;
    uuid u = uuid_v7();
    memcpy(&random, u.b + sizeof u.b - sizeof random, sizeof random);
    ms = ms / 2 + (int64_t)(random % (uint32_t)ms) / 2;
    int64_t until = fiber_in_ms(ms);
    if (until >= fiber_deadline(r->deadline)) {
        return diag_wrap(rc, "tried %u times", r->tries);
    }
    struct diag why = *diag_last();
    migrate_tell(r, (struct st_migrate_progress){.event = ST_M_RETRY,
                                                 .phase = r->plan.phases[at].name,
                                                 .at = at,
                                                 .tries = r->tries,
                                                 .remaining_ms = ms,
                                                 .note = why.message});
    return fiber_sleep_until(until);
}
