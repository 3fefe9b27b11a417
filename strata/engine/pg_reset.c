/* Between two users of a connection: is it there, is it clean, and if not, how it becomes so. */
#include <assert.h>
#include <errno.h>
#include <poll.h>

#include "strata/engine/pg.h"

enum { LOOKS_MAX = 16, ROLLBACK_TRIES = 3 };

/* An idle server says nothing: what can be read is a notice, a notification, or its goodbye. */
bool pg_alive(st_conn *conn)
{
    struct pg_conn *c = pg_conn(conn);
    for (int i = 0; i < LOOKS_MAX; i++) {
        struct pollfd p = {.fd = PQsocket(c->pq), .events = POLLIN};
        if (PQstatus(c->pq) != CONNECTION_OK) {
            return false;
        }
        if (poll(&p, 1, 0) <= 0) {
            return true;
        }
        if (!PQconsumeInput(c->pq)) {
            return false;
        }
        (void)PQisBusy(c->pq); /* parses what was read */
        for (PGnotify *n = PQnotifies(c->pq); n; n = PQnotifies(c->pq)) {
            PQfreemem(n);
        }
    }
    return true;
}

bool pg_clean(const st_conn *conn)
{
    const struct pg_conn *c = (const struct pg_conn *)conn;
    return !c->busy && !c->stale && PQtransactionStatus(c->pq) == PQTRANS_IDLE;
}

st_err pg_forget_statements(struct pg_conn *c, int64_t deadline)
{
    bool failed = PQtransactionStatus(c->pq) != PQTRANS_IDLE;
    st_err rc =
        failed ? pg_simple(c, "ROLLBACK", "DEALLOCATE ALL", deadline) : pg_simple(c, "DEALLOCATE ALL", NULL, deadline);
    if (!rc) {
        c->cache = (struct stmt_cache){0};
        c->stale = false;
    }
    return rc;
}

bool pg_may_start_again(const struct pg_batch *b, bool fresh, int64_t deadline)
{
    struct pg_conn *c = b->conn;
    if (!b->stale_plan || c->busy || c->base.broken) {
        return false;
    }
    c->stale = true; /* at the latest when it is released */
    if (!fresh) {
        return false;
    }
    struct diag kept = *diag_last();
    bool ok = pg_forget_statements(c, deadline) == 0;
    *diag_last() = kept;
    return ok;
}

struct cancel {
    PGcancel *handle;
    char why[256];
};

static int send_cancel(void *arg)
{
    struct cancel *c = arg;
    return PQcancel(c->handle, c->why, sizeof c->why) ? 0 : -EIO;
}

/* PQcancel blocks (it makes a connection of its own), so it runs in a thread. */
static st_err cancel(struct pg_conn *c)
{
    struct cancel request = {.handle = PQgetCancel(c->pq)};
    if (!request.handle) {
        return diag_nomem();
    }
    int rc = fiber_offload(send_cancel, &request, NULL);
    PQfreeCancel(request.handle);
    return rc == -EIO ? diag_set(ST_E_CONNECTION, "cannot cancel a statement: %s", request.why) : rc;
}

st_err pg_reset(st_conn *conn)
{
    struct pg_conn *c = pg_conn(conn);
    st_err rc = 0;
    if (c->busy) {
        rc = cancel(c);
        if (!rc) {
            rc = pg_drain(c, FIBER_FOREVER);
        }
        if (!rc && PQpipelineStatus(c->pq) == PQ_PIPELINE_OFF && !PQenterPipelineMode(c->pq)) {
            rc = pg_failed(c, "cannot enter pipeline mode");
        }
    }
    /* A cancel request that came late may hit the ROLLBACK instead. */
    for (int i = 0; !rc && PQtransactionStatus(c->pq) != PQTRANS_IDLE; i++) {
        rc = pg_simple(c, "ROLLBACK", NULL, FIBER_FOREVER);
        if (rc == -ETIMEDOUT && !c->busy && i < ROLLBACK_TRIES) {
            rc = 0;
        }
    }
    return rc || !c->stale ? rc : pg_forget_statements(c, FIBER_FOREVER);
}
