#include "strata/engine/pg.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"

enum { ROWS_A_TURN = 2048 }; /* decoded before other fibers get a turn: 1 to 3 ms */

struct run {
    struct pg_batch batch;
    struct st_stmt *stmts;
    size_t n;
    struct pg_taking taking;
    int64_t started; /* on the clock; 0: no timing */
};

static st_err make(struct pg_batch *b, size_t i, struct pg_command *ret)
{
    struct run *r = (struct run *)b;
    if (i == r->n) {
        return 1;
    }
    const struct st_stmt *s = &r->stmts[i];
    ret->sql = s->sql;
    ret->id = s->id;
    arena_reset(b->conn->params);
    return pg_params_make(b->conn->params, s->params, s->n_params, &ret->params);
}

static bool streams(const struct pg_batch *b, size_t i)
{
    const struct run *r = (const struct run *)b;
    return r->stmts[i].stream && r->stmts[i].shape;
}

static st_err take_row(struct pg_taking *t, const struct st_stmt *s, const PGresult *res, int row)
{
    for (size_t i = 0; i < t->plan.n; i++) {
        struct rowmem_mark mark = rowmem_mark(&t->mem);
        void *obj;
        st_err rc = pg_plan_read(&t->plan.parts[i], res, row, &t->mem, &obj);
        if (rc) {
            return rc;
        }
        int keep = s->row ? s->row(s->arg, obj) : 1;
        if (keep < 0) {
            return keep;
        }
        if (keep == 0) {
            rowmem_rewind(&t->mem, mark);
        }
    }
    return 0;
}

static st_err let_others_run(const struct pg_taking *t)
{
    if (!fiber_self()) {
        return 0;
    }
    if (!t->shielded) {
        return fiber_yield();
    }
    fiber_shield_enter();
    (void)fiber_yield();
    fiber_shield_leave();
    return 0;
}

static st_err take_rows(struct pg_taking *t, struct st_stmt *const *at, const PGresult *res)
{
    struct st_stmt *s = *at;
    int n = PQntuples(res);
    if (!t->planned) {
        if (!s->id || s->id != t->id || s->shape != t->shape) {
            arena_reset(t->conn->decode);
            t->id = 0;
            st_err rc = pg_plan_make(t->conn->decode, res, s->shape, &t->plan);
            if (rc) {
                return rc;
            }
            t->id = s->shape->next ? 0 : s->id; /* shapes of several objects are made for their statement alone */
            t->shape = s->shape;
        }
        assert(s->arena);
        rowmem_init(&t->mem, s->arena, (size_t)n, s->shape->head + 2 * s->shape->size);
        t->planned = true;
    }
    t->delivered |= n > 0;
    for (int i = 0; i < n; i++) {
        st_err rc = take_row(t, s, res, i);
        if (!rc && i % ROWS_A_TURN == ROWS_A_TURN - 1) {
            rc = let_others_run(t);
        }
        if (rc || !*at) {
            return rc;
        }
    }
    s->affected += n;
    return 0;
}

/* COMMIT of a failed transaction succeeds, with another tag. */
static st_err take_tag(struct pg_taking *t, struct st_stmt *s, PGresult *res)
{
    const char *tag = PQcmdStatus(res);
    if (strcmp(tag, "COMMIT") == 0) {
        t->committed = true;
    } else if (strcmp(tag, "ROLLBACK") == 0 && str_starts_nocase(str_trim(s->sql), STR("commit"))) {
        return diag_set(ST_E_SQL, "the transaction had failed before, and was rolled back instead of committed");
    }
    uint64_t n;
    s->affected = str_to_u64(str_of(PQcmdTuples(res)), INT64_MAX, &n) ? (int64_t)n : 0;
    return 0;
}

st_err pg_take(struct pg_taking *t, struct st_stmt *const *at, PGresult *res)
{
    struct st_stmt *s = *at;
    if (s->shape) {
        return take_rows(t, at, res);
    }
    if (PQresultStatus(res) == PGRES_COMMAND_OK) {
        return take_tag(t, s, res);
    }
    s->affected += PQntuples(res);
    return 0;
}

static st_err take(struct pg_batch *b, size_t i, PGresult *res)
{
    struct run *r = (struct run *)b;
    struct st_stmt *s = &r->stmts[i];
    return pg_take(&r->taking, &s, res);
}

static void done(struct pg_batch *b, size_t i)
{
    struct run *r = (struct run *)b;
    r->taking.planned = false;
    if (r->started) {
        int64_t now = clock_mono_ns();
        r->stmts[i].ns = now - r->started;
        r->started = now;
    }
}

static struct run run_of(struct pg_conn *c, struct st_stmt *stmts, size_t n)
{
    return (struct run){
        .batch = {.conn = c, .make = make, .take = take, .done = done, .streams = streams},
        .stmts = stmts,
        .n = n,
        .taking = {.conn = c},
        .started = c->base.engine->options.on_statement ? clock_mono_ns() : 0,
    };
}

static st_err run_once(struct run *r, int64_t deadline)
{
    for (size_t i = 0; i < r->n; i++) {
        r->stmts[i].affected = r->stmts[i].ns = 0;
    }
    st_err rc = pg_batch_run(&r->batch, deadline);
    if (rc && r->started && r->batch.received < r->n) {
        r->stmts[r->batch.received].ns = clock_mono_ns() - r->started;
    }
    return rc;
}

st_err pg_run(st_conn *conn, struct st_stmt *stmts, size_t n, int64_t deadline, size_t *ret_failed)
{
    struct pg_conn *c = pg_conn(conn);
    if (c->busy) {
        return diag_set(ST_E_INVALID, "the connection has an unfinished batch; release it");
    }
    bool fresh = PQtransactionStatus(c->pq) == PQTRANS_IDLE;
    struct run r = run_of(c, stmts, n);
    st_err rc = run_once(&r, deadline);
    if (rc && pg_may_start_again(&r.batch, fresh && !r.taking.delivered && !r.taking.committed, deadline)) {
        r = run_of(c, stmts, n);
        rc = run_once(&r, deadline);
    }
    if (rc && ret_failed) {
        *ret_failed = r.batch.received < n ? r.batch.received : n - 1;
    }
    return rc;
}

st_err pg_simple(struct pg_conn *c, const char *sql, const char *then, int64_t deadline)
{
    struct st_stmt stmts[2] = {{.sql = str_of(sql)}, {.sql = str_of(then)}};
    struct run r = run_of(c, stmts, then ? 2 : 1);
    return run_once(&r, deadline);
}

/* ---- scripts ---- */

static st_err script_results(struct pg_conn *c, int64_t deadline)
{
    st_err err = 0;
    bool any = false;
    for (;;) {
        int more = PQflush(c->pq);
        if (more < 0) {
            return pg_failed(c, "the connection was lost");
        }
        while (!PQisBusy(c->pq)) {
            PGresult *res = PQgetResult(c->pq);
            if (!res && (!any || PQtransactionStatus(c->pq) == PQTRANS_ACTIVE)) { /* not the end of them */
                return pg_no_result(c);
            }
            any = true;
            if (!res) {
                c->busy = false;
                return err;
            }
            ExecStatusType status = PQresultStatus(res);
            if (status == PGRES_FATAL_ERROR && !err) {
                err = pg_error(c, res);
            } else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
                c->base.broken = true;
                err = diag_set(ST_E_INVALID, "COPY cannot run in a script");
            }
            PQclear(res);
            if (c->base.broken) {
                return err;
            }
        }
        int events = fiber_fd_wait(c->fd, FIBER_READ | (more ? FIBER_WRITE : 0), deadline);
        if (events < 0) {
            return events;
        }
        if ((events & FIBER_READ) && !PQconsumeInput(c->pq)) {
            return pg_failed(c, "the connection was lost");
        }
    }
}

static st_err exec(st_conn *conn, const char *sql, int64_t deadline)
{
    struct pg_conn *c = pg_conn(conn);
    if (c->busy) {
        return diag_set(ST_E_INVALID, "the connection has an unfinished batch; release it");
    }
    if (!PQexitPipelineMode(c->pq)) { /* several statements in one string need the simple protocol */
        return pg_failed(c, "cannot leave pipeline mode");
    }
    c->busy = true;
    st_err rc = PQsendQuery(c->pq, sql) ? script_results(c, deadline) : pg_failed(c, "cannot send a script");
    if (!c->busy && !PQenterPipelineMode(c->pq)) {
        return pg_failed(c, "cannot enter pipeline mode");
    }
    return rc;
}

static bool in_transaction(const st_conn *conn)
{
    PGTransactionStatusType status = PQtransactionStatus(((const struct pg_conn *)conn)->pq);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

static st_err ping(st_conn *conn, int64_t deadline)
{
    return pg_simple(pg_conn(conn), "SELECT 1", NULL, deadline);
}

static int backend(const st_conn *c)
{
    return PQbackendPID(((const struct pg_conn *)c)->pq);
}

const struct st_driver st_driver_pg = {
    .open = pg_open,
    .close = pg_close,
    .run = pg_run,
    .bulk = pg_bulk,
    .copy = pg_copy,
    .exec = exec,
    .in_transaction = in_transaction,
    .alive = pg_alive,
    .ping = ping,
    .backend = backend,
    .share = pg_share,
    .clean = pg_clean,
    .reset = pg_reset,
};
