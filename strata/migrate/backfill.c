/* Filling rows in batches along the primary key: each a transaction of its own together with the place it came to, so
 * that nobody waits for longer than a batch, and nothing is done twice after a crash. */
#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "strata/migrate/backfill.h"
#include "strata/select.h"

/* A batch holds its rows' locks until it commits, and a program that writes one of them waits. */
enum { BATCH_FIRST = 250, BATCH_LEAST = 25, BATCH_MS = 50 };
enum { PAUSE_LONGEST_MS = 100, COUNT_MS = 15000, LAG_EVERY_MS = 1000, LAG_PAUSE_MS = 1000 };
static const int64_t RATE_NS = 5000000000;

struct filler {
    struct migrate_runner *r;
    const st_backfill *f;
    struct backfill_key key;
    struct migrate_journal_row row; /* as it stands in the journal; the cursor in a buffer of its own */
    buf cursor;
    size_t at;
    uint32_t size; /* of the next batch, in rows */
    int64_t began;
    struct {
        int64_t at, rows;
    } mark[2]; /* the rate is that since the older of them: of the last one or two RATE_NS */
    int64_t lag_at;
};

static void tell(struct filler *k, enum st_migrate_event event, int64_t lag_ms)
{
    int64_t now = clock_mono_ns();
    if (now - k->mark[1].at > RATE_NS) {
        k->mark[0] = k->mark[1];
        k->mark[1].at = now;
        k->mark[1].rows = k->row.rows;
    }
    double s = (double)(now - k->mark[0].at) / 1e9;
    double rate = s > 0 ? (double)(k->row.rows - k->mark[0].rows) / s : 0;
    int64_t to_do = k->row.total - k->row.rows;
    bool known = k->row.total >= 0 && rate > 0;
    migrate_tell(k->r, (struct st_migrate_progress){.event = event,
                                                    .phase = k->row.name,
                                                    .at = k->at,
                                                    .ns = now - k->began,
                                                    .rows = k->row.rows,
                                                    .total = k->row.total,
                                                    .left = k->row.unfilled,
                                                    .rate = rate,
                                                    .remaining_ms = !known      ? -1
                                                                    : to_do > 0 ? (int64_t)((double)to_do / rate * 1000)
                                                                                : 0,
                                                    .lag_ms = lag_ms});
}

/* Takes over what the journal says, or what a first row of it will. */
static st_err take_row(struct filler *k, const struct migrate_journal_row *row)
{
    k->row = row ? *row
                 : (struct migrate_journal_row){.revision = k->r->node->rev->id,
                                                .direction = migrate_direction(k->r),
                                                .phase = (int32_t)k->at,
                                                .total = -1};
    k->row.name = k->r->plan.phases[k->at].name; /* those of the journal lie in the round's arena */
    k->row.hash = k->r->hashes[k->at];
    k->row.revision = k->r->node->rev->id;
    k->row.direction = migrate_direction(k->r);
    buf_clear(&k->cursor);
    if (row && row->cursor) {
        buf_puts(&k->cursor, row->cursor);
    }
    k->row.cursor = k->cursor.len ? k->cursor.p : NULL;
    return k->cursor.err ? diag_nomem() : 0;
}

static st_err put_row(struct filler *k, arena *a, const char *state)
{
    k->row.state = state;
    k->row.cursor = k->cursor.len ? k->cursor.p : NULL;
    return migrate_journal_put(k->r->conn, a, &k->row, k->r->deadline);
}

static int take_number(void *arg, void *obj)
{
    *(int64_t *)arg = *(const int64_t *)obj;
    return 0;
}

static st_err number_of(struct filler *k, arena *a, const char *sql, int64_t *ret)
{
    static const struct st_field field = {.type = ST_INT64};
    static const struct st_shape shape = {&field, 1, sizeof(int64_t), 0};
    struct st_stmt q = {.sql = str_of(sql), .shape = &shape, .arena = a, .row = take_number, .arg = ret};
    return st_conn_run(k->r->conn, &q, 1, k->r->deadline, NULL);
}

static st_err count_rows(struct filler *k, arena *a, const char *where, int64_t *ret)
{
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    backfill_count(&b, k->f->table, where);
    return b.err ? diag_nomem() : number_of(k, a, b.p, ret);
}

/* For the progress only: when it takes long it is left unknown. */
static st_err estimate(struct filler *k, arena *a)
{
    if (k->r->d == ST_SQLITE) {
        return count_rows(k, a, k->f->where, &k->row.total);
    }
    char limit[80];
    (void)snprintf(limit, sizeof limit, "SAVEPOINT strata_count; SET LOCAL statement_timeout = %d", COUNT_MS);
    st_err rc = st_conn_exec(k->r->conn, limit, k->r->deadline);
    st_err counted = rc ? rc : count_rows(k, a, k->f->where, &k->row.total);
    bool too_long = counted == -ETIMEDOUT && fiber_now() < fiber_deadline(k->r->deadline);
    if (rc || (counted && !too_long)) {
        return rc ? rc : counted;
    }
    return st_conn_exec(k->r->conn, "ROLLBACK TO SAVEPOINT strata_count", k->r->deadline);
}

/* The row as the open transaction sees it; *ret_theirs when another upgrade has finished the phase meanwhile. */
static st_err read_row(struct filler *k, arena *a, bool *ret_theirs)
{
    struct migrate_journal j;
    st_err rc = migrate_journal_read(k->r->conn, a, k->r->deadline, &j);
    const struct migrate_journal_row *row =
        rc ? NULL : migrate_journal_find(&j, k->r->node->rev->id, migrate_direction(k->r), k->at);
    *ret_theirs = !rc && (!row || migrate_journal_done(row));
    return rc || *ret_theirs ? rc : take_row(k, row);
}

struct batch_result {
    int64_t found, rows;
    const char *cursor;
};

static int take_batch(void *arg, void *obj)
{
    *(struct batch_result *)arg = *(const struct batch_result *)obj;
    return 1;
}

/* The planner knows nothing of a column that is new, takes "it is null" for rare, and would read and sort the whole
 * table for every batch. The way along the key is the right one whatever it knows. (A plan that it is talked out of
 * costs more than compiling pays for, by its own account.) */
static const char along_the_key[] =
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), "
    "set_config('enable_sort', 'off', true), set_config('jit', 'off', true)";

/* Finds the batch's keys; on PostgreSQL the same statement fills them. */
static st_err run_batch(struct filler *k, arena *a, struct batch_result *ret)
{
    static const struct st_field fields[] = {
        {.type = ST_INT64, .offset = offsetof(struct batch_result, found)},
        {.type = ST_INT64, .offset = offsetof(struct batch_result, rows)},
        {.type = ST_TEXT, .nullable = true, .offset = offsetof(struct batch_result, cursor)},
    };
    static const struct st_shape shape = {fields, 3, sizeof(struct batch_result), 0};
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    backfill_batch(&b, k->r->d, k->f, &k->key, k->row.cursor, k->size);
    if (b.err) {
        return diag_nomem();
    }
    *ret = (struct batch_result){0};
    bool lite = k->r->d == ST_SQLITE;
    struct st_stmt q[] = {{.sql = str_of(along_the_key)},
                          {.sql = {b.p, b.len}, .shape = &shape, .arena = a, .row = take_batch, .arg = ret}};
    st_err rc = st_conn_run(k->r->conn, q + lite, 2 - lite, k->r->deadline, NULL);
    if (rc || !ret->found || k->r->d == ST_POSTGRESQL) {
        return rc;
    }
    buf_clear(&b);
    backfill_update(&b, k->f, &k->key, k->row.cursor, ret->cursor);
    return b.err ? diag_nomem() : st_conn_exec(k->r->conn, b.p, k->r->deadline);
}

/* As many rows as take BATCH_MS, unless the revision says how many. */
static uint32_t next_size(const struct filler *k, int64_t took_ns)
{
    if (k->f->batch) {
        return k->f->batch;
    }
    int64_t fits = (int64_t)k->size * BATCH_MS * 1000000 / (took_ns > 0 ? took_ns : 1);
    int64_t most = (int64_t)k->size * 2 < MIGRATE_BATCH_ROWS ? (int64_t)k->size * 2 : MIGRATE_BATCH_ROWS;
    return (uint32_t)(fits < BATCH_LEAST ? BATCH_LEAST : fits < most ? fits : most);
}

/* One transaction. *ret_done when it was the last, or somebody else's. */
static st_err batch(struct filler *k, arena *a, bool *ret_done, bool *ret_theirs)
{
    struct batch_result got = {0};
    st_err rc = migrate_begin_locked(k->r);
    int64_t start = clock_mono_ns();
    rc = rc || k->r->held ? rc : read_row(k, a, ret_theirs);
    if (!rc && *ret_theirs) {
        return st_conn_exec(k->r->conn, "ROLLBACK", k->r->deadline);
    }
    rc = rc ? rc : run_batch(k, a, &got);
    if (rc) {
        return rc;
    }
    if (got.found) {
        buf_clear(&k->cursor);
        buf_puts(&k->cursor, got.cursor);
        k->row.rows += got.rows;
    }
    rc = k->cursor.err ? diag_nomem() : put_row(k, a, "running");
    rc = rc ? rc : migrate_commit(k->r);
    *ret_done = got.found < k->size;
    k->size = next_size(k, clock_mono_ns() - start);
    if (!rc) {
        k->r->tries = 0;
        tell(k, ST_M_BATCH, 0);
    }
    return rc;
}

/* Replicas that are behind would fall back farther, and who reads from them would see the past. */
static st_err wait_for_replicas(struct filler *k, arena *a)
{
    if (k->r->d == ST_SQLITE || fiber_now() < k->lag_at) {
        return 0;
    }
    for (;;) {
        int64_t ms = 0;
        st_err rc = number_of(k, a,
                              "SELECT coalesce(max(extract(epoch FROM replay_lag) * 1000), 0)::bigint FROM "
                              "pg_catalog.pg_stat_replication",
                              &ms);
        k->lag_at = fiber_in_ms(LAG_EVERY_MS);
        if (rc || ms <= k->r->o.max_lag_ms) {
            return rc;
        }
        tell(k, ST_M_LAG, ms);
        rc = fiber_sleep_until(fiber_in_ms(LAG_PAUSE_MS));
        if (rc) {
            return rc;
        }
    }
}

static st_err pause_batch(const struct filler *k, int64_t took_ns)
{
    int64_t ms = took_ns / 1000000;
    ms = k->f->pause_ms ? (int64_t)k->f->pause_ms : ms < PAUSE_LONGEST_MS ? ms : PAUSE_LONGEST_MS;
    return ms ? fiber_sleep_until(fiber_in_ms(ms)) : fiber_yield();
}

/* Counts what is left and closes the phase. */
static st_err finish(struct filler *k, arena *a)
{
    bool theirs = false;
    st_err rc = migrate_begin_locked(k->r);
    rc = rc || k->r->held ? rc : read_row(k, a, &theirs);
    if (!rc && theirs) {
        return st_conn_exec(k->r->conn, "ROLLBACK", k->r->deadline);
    }
    rc = rc || !k->f->left ? rc : count_rows(k, a, k->f->left, &k->row.unfilled);
    rc = rc ? rc : put_row(k, a, "done");
    rc = rc ? rc : migrate_commit(k->r);
    if (!rc) {
        tell(k, ST_M_FILLED, 0);
        migrate_tell(
            k->r, (struct st_migrate_progress){
                      .event = ST_M_PHASE_DONE, .phase = k->row.name, .at = k->at, .ns = clock_mono_ns() - k->began});
    }
    return rc;
}

static st_err fill(struct filler *k, struct migrate_round *round)
{
    const struct migrate_journal_row *row =
        migrate_journal_find(&round->journal, k->r->node->rev->id, migrate_direction(k->r), k->at);
    row = migrate_journal_failed(row) ? NULL : row; /* nothing of it is left */
    st_err rc = migrate_journal_ready(k->r->conn, round->a, &round->journal, k->r->deadline);
    rc = rc ? rc : backfill_find_key(k->r->conn, round->a, k->f->table, k->r->deadline, &k->key);
    rc = rc ? rc : take_row(k, row);
    rc = rc || row ? rc : estimate(k, round->a);
    rc = rc || row ? rc : put_row(k, round->a, "running");
    rc = rc ? rc : migrate_commit(k->r);
    k->mark[0].at = k->mark[1].at = clock_mono_ns();
    k->mark[0].rows = k->mark[1].rows = k->row.rows;
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    bool done = false, theirs = false;
    rc = rc ? rc : a ? 0 : diag_nomem();
    while (!rc && !done) {
        int64_t start = clock_mono_ns();
        arena_reset(a);
        rc = batch(k, a, &done, &theirs);
        if (rc || theirs) {
            return rc;
        }
        if (!done) {
            rc = pause_batch(k, clock_mono_ns() - start);
            rc = rc ? rc : wait_for_replicas(k, a);
        }
    }
    return rc ? rc : finish(k, a);
}

st_err migrate_backfill(struct migrate_runner *r, struct migrate_round *round, size_t at)
{
    const struct migrate_step *s = &r->plan.steps[r->plan.phases[at].first];
    assert(s->kind == MIGRATE_STEP_BACKFILL && s->op);
    struct filler k = {.r = r, .f = s->op->backfill, .at = at, .began = clock_mono_ns()};
    k.size = k.f->batch ? k.f->batch : BATCH_FIRST;
    buf_init(&k.cursor, ST_DDL_MAX);
    st_err rc = fill(&k, round);
    buf_release(&k.cursor);
    return rc ? diag_wrap(rc, "table %s", s->op->backfill->table) : 0;
}
