/* A pipeline: commands go out while there is room, answers are read while they come, whichever the socket allows.
 * Nothing is sent in one piece that the server must answer before it reads on, so neither side can block the other. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "strata/engine/pg.h"

enum { SEND_MAX = 64 * 1024 }; /* bytes handed to libpq before it must have flushed */
enum pg_kind { KIND_DEALLOCATE = 1, KIND_PREPARE, KIND_EXECUTE, KIND_SYNC };
/* stmt_slot.state: 0, or the how-manieth PREPARE of the running batch made it. */
enum { NAME_SIZE = 20 };

static void name_of(uint64_t key, char out[static NAME_SIZE])
{
    memcpy(out, "st_", 3);
    for (int i = 0; i < 16; i++) {
        out[3 + i] = "0123456789abcdef"[key >> (60 - 4 * i) & 15];
    }
    out[19] = '\0';
}

/* ---- sending ---- */

static st_err count_command(struct pg_batch *b, enum pg_kind kind)
{
    buf *kinds = &b->conn->kinds;
    if (kinds->len + 1 < kinds->room) { /* most of the time */
        kinds->p[kinds->len++] = (char)kind;
        kinds->p[kinds->len] = '\0';
        return 0;
    }
    return buf_put_char(kinds, (char)kind) ? diag_nomem() : 0;
}

static st_err sent_or_failed(struct pg_batch *b, enum pg_kind kind, int ok)
{
    return ok ? count_command(b, kind) : pg_failed(b->conn, "cannot send a statement");
}

static st_err send_unnamed(struct pg_batch *b, const char *sql, enum pg_kind kind, const struct pg_params *p)
{
    static const struct pg_params none = {0};
    p = p ? p : &none;
    return sent_or_failed(b, kind,
                          PQsendQueryParams(b->conn->pq, sql, p->n, p->types, p->values, p->lengths, p->formats, 1));
}

static st_err evict(struct pg_batch *b, uint64_t key)
{
    char name[NAME_SIZE], sql[64];
    name_of(key, name);
    (void)snprintf(sql, sizeof sql, "DEALLOCATE \"%s\"", name);
    b->evicted = true;
    return send_unnamed(b, sql, KIND_DEALLOCATE, NULL);
}

/* Prepares key's statement in front of its first execution, in the same pipeline. */
static st_err prepare(struct pg_batch *b, uint64_t key, const char *name, const struct pg_command *cmd)
{
    struct pg_conn *c = b->conn;
    struct stmt_slot *slot = stmt_cache_place(&c->cache, key);
    st_err rc = 0;
    if (slot->key) {
        rc = evict(b, slot->key);
        slot->key = 0;
    }
    if (!rc) {
        rc = sent_or_failed(b, KIND_PREPARE, PQsendPrepare(c->pq, name, cmd->sql.p, cmd->params.n, cmd->params.types));
    }
    if (!rc) {
        slot->key = key;
        slot->state = ++b->prepares;
    }
    return rc;
}

static st_err send_command(struct pg_batch *b, const struct pg_command *cmd)
{
    struct pg_conn *c = b->conn;
    const struct pg_params *p = &cmd->params;
    bool failed = PQtransactionStatus(c->pq) == PQTRANS_INERROR; /* it takes no DEALLOCATE, which preparing may need */
    if (!cmd->id || c->pooler || c->stale || failed) {
        return send_unnamed(b, cmd->sql.p, KIND_EXECUTE, p);
    }
    uint64_t key = cmd->id ^ p->types_hash; /* the same text for other types is another statement */
    key = key ? key : 1;
    char name[NAME_SIZE];
    name_of(key, name);
    st_err rc = stmt_cache_find(&c->cache, key) ? 0 : prepare(b, key, name, cmd);
    return rc ? rc
              : sent_or_failed(b, KIND_EXECUTE,
                               PQsendQueryPrepared(c->pq, name, p->n, p->values, p->lengths, p->formats, 1));
}

static size_t size_of(const struct pg_command *cmd)
{
    size_t size = cmd->sql.len + 64;
    for (int i = 0; i < cmd->params.n; i++) {
        size += 8 + (size_t)cmd->params.lengths[i];
    }
    return size;
}

static st_err send_sync(struct pg_batch *b)
{
    struct pg_conn *c = b->conn;
    if (!PQpipelineSync(c->pq)) {
        return pg_failed(c, "cannot send a batch");
    }
    c->busy = c->synced = true;
    return count_command(b, KIND_SYNC);
}

/* Fails only when the batch cannot go on; the server has then seen no Sync, so a transaction of the batch's own is
 * rolled back when the connection closes. */
static st_err send_some(struct pg_batch *b)
{
    struct pg_conn *c = b->conn;
    while (!c->synced && b->unflushed < SEND_MAX) {
        struct pg_command cmd;
        st_err rc = b->make(b, b->sent, &cmd);
        if (rc == 1) {
            return send_sync(b);
        }
        if (!rc) {
            c->busy = true;
            rc = send_command(b, &cmd);
        }
        if (rc) {
            c->base.broken |= c->busy;
            return rc;
        }
        b->unflushed += size_of(&cmd);
        b->sent++;
    }
    return 0;
}

/* ---- receiving ---- */

static enum pg_kind current(const struct pg_batch *b)
{
    assert(b->kinds_read < b->conn->kinds.len);
    return (enum pg_kind)b->conn->kinds.p[b->kinds_read];
}

/* What became of the statements that the batch prepares: those behind its failure were never prepared. */
static void settle_statements(struct pg_batch *b)
{
    struct pg_conn *c = b->conn;
    for (size_t i = 0; b->prepares && i < STMT_CACHE_SIZE; i++) {
        struct stmt_slot *slot = &c->cache.slots[i];
        if (slot->state > b->prepared) {
            slot->key = 0;
        }
        slot->state = 0;
    }
    if ((b->err && b->evicted) || c->busy) { /* some may be there that should not be */
        c->stale = true;
    }
}

static void fail(struct pg_batch *b, st_err rc)
{
    if (!b->err) {
        b->err = rc;
        if (b->failed) {
            b->failed(b);
        }
    }
}

static void take_error(struct pg_batch *b, const PGresult *res)
{
    if (b->err && PQstatus(b->conn->pq) != CONNECTION_BAD) {
        return; /* the first failure counts, and keeps its diagnosis */
    }
    st_err rc = pg_error(b->conn, res);
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *where = PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION);
    b->stale_plan = state && (strcmp(state, "26000") == 0 ||
                              (strcmp(state, "0A000") == 0 && where && strcmp(where, "RevalidateCachedQuery") == 0));
    fail(b, rc);
}

static void take_result(struct pg_batch *b, PGresult *res)
{
    struct pg_conn *c = b->conn;
    switch (PQresultStatus(res)) {
    case PGRES_PIPELINE_ABORTED:
        break;
    case PGRES_FATAL_ERROR:
    case PGRES_BAD_RESPONSE:
        take_error(b, res);
        break;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        c->base.broken = true;
        fail(b, diag_set(ST_E_INVALID, "COPY cannot run in a batch"));
        break;
    case PGRES_EMPTY_QUERY:
        if (!b->err) {
            fail(b, diag_set(ST_E_INVALID, "an empty statement"));
        }
        break;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
        if (current(b) == KIND_PREPARE) {
            b->prepared++;
        } else if (current(b) == KIND_EXECUTE && !b->err) {
            st_err rc = b->take(b, b->received, res);
            if (rc) {
                fail(b, rc);
            }
        }
        break;
    case PGRES_NONFATAL_ERROR:
    case PGRES_PIPELINE_SYNC:
        break;
    }
}

static void end_command(struct pg_batch *b)
{
    if (current(b) == KIND_EXECUTE && !b->err) { /* received stays at the command that failed */
        if (b->done) {
            b->done(b, b->received);
        }
        b->received++;
    }
    b->kinds_read++;
    b->started = b->answered = false;
}

/* Reads what has come. Returns 1 when the Sync's answer was among it. */
static st_err receive_some(struct pg_batch *b)
{
    struct pg_conn *c = b->conn;
    while (b->kinds_read < c->kinds.len && !c->base.broken) {
        if (!b->started && current(b) == KIND_EXECUTE) {
            b->started = true;
            if (b->streams && b->streams(b, b->received)) {
                (void)PQsetSingleRowMode(c->pq); /* refused when the answer is here already, which is as well */
            }
        }
        if (PQisBusy(c->pq)) {
            return 0;
        }
        PGresult *res = PQgetResult(c->pq);
        bool sync = res && PQresultStatus(res) == PGRES_PIPELINE_SYNC;
        if (res) {
            b->answered = true;
            take_result(b, res);
            PQclear(res);
        } else if (b->answered) {
            end_command(b);
        } else { /* which answer is whose is lost */
            fail(b, pg_no_result(c));
        }
        if (sync) {
            assert(current(b) == KIND_SYNC);
            return 1;
        }
    }
    return c->base.broken ? (b->err ? b->err : ST_E_CONNECTION) : 0;
}

static st_err pump(struct pg_batch *b, int64_t deadline)
{
    struct pg_conn *c = b->conn;
    for (;;) {
        st_err rc = send_some(b);
        if (rc) {
            return rc;
        }
        int more = PQflush(c->pq);
        if (more < 0) {
            return pg_failed(c, "the connection was lost");
        }
        b->unflushed = more ? b->unflushed : 0;
        rc = receive_some(b);
        if (rc) {
            return rc == 1 ? 0 : rc;
        }
        if (!more && !c->synced) {
            continue;
        }
        if (b->leaves && b->leaves(b)) {
            return 1;
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

void pg_batch_start(struct pg_batch *b)
{
    struct pg_conn *c = b->conn;
    assert(!c->busy && PQpipelineStatus(c->pq) == PQ_PIPELINE_ON);
    buf_clear(&c->kinds);
    c->synced = false;
}

st_err pg_batch_go(struct pg_batch *b, int64_t deadline)
{
    st_err rc = pump(b, deadline);
    if (!rc) {
        b->conn->busy = b->conn->synced = false;
    }
    return rc;
}

void pg_batch_end(struct pg_batch *b)
{
    settle_statements(b);
}

st_err pg_batch_run(struct pg_batch *b, int64_t deadline)
{
    pg_batch_start(b);
    st_err rc = pg_batch_go(b, deadline);
    if (rc) {
        fail(b, rc);
    }
    pg_batch_end(b);
    return b->err;
}

/* ---- dropping what nobody waits for any more ---- */

st_err pg_drain(struct pg_conn *c, int64_t deadline)
{
    bool pipeline = PQpipelineStatus(c->pq) != PQ_PIPELINE_OFF;
    if (pipeline && !c->synced) { /* a Sync alone would commit what the batch did so far */
        if (!PQsendQueryParams(c->pq, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 1) || !PQpipelineSync(c->pq)) {
            return pg_failed(c, "cannot end a batch");
        }
        c->synced = true;
    }
    for (;;) {
        int more = PQflush(c->pq);
        if (more < 0) {
            return pg_failed(c, "the connection was lost");
        }
        while (!PQisBusy(c->pq)) {
            PGresult *res = PQgetResult(c->pq);
            bool last = pipeline ? res && PQresultStatus(res) == PGRES_PIPELINE_SYNC : !res;
            bool copying = PQresultStatus(res) == PGRES_COPY_IN; /* said again until its end is sent */
            PQclear(res);
            if (copying && PQputCopyEnd(c->pq, "given up") != 1) {
                return pg_failed(c, "cannot end a COPY");
            }
            if (last) {
                c->busy = c->synced = false;
                return 0;
            }
            if (PQstatus(c->pq) == CONNECTION_BAD) {
                return pg_failed(c, "the connection was lost");
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
