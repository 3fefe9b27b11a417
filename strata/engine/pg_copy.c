/* COPY in pieces. A server says that a row was refused only to whoever ends a COPY, so that one of all rows would tell
 * at their end what went wrong with the first; a piece is short enough to be told in time, and long enough for its
 * round trip not to count. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "strata/engine/pg.h"
#include "strata/engine/pg_put.h"

enum { SEND_BYTES = 64 * 1024, PIECE_BYTES = 16 << 20, SENDS_A_TURN = 16 };

/* The signature, and no flags and no extension. */
static const char head[19] = "PGCOPY\n\377\r\n\0";

struct copying {
    struct pg_conn *c;
    struct st_copy *what;
    int64_t deadline;
    buf out;      /* rows not handed to libpq */
    size_t piece; /* bytes of this piece handed to it */
    unsigned sends;
};

/* Until libpq has sent all and, if asked to, the next answer is there. */
static st_err pump(struct copying *k, bool answer)
{
    PGconn *pq = k->c->pq;
    for (;;) {
        int more = PQflush(pq);
        if (more < 0) {
            return pg_failed(k->c, "the connection was lost");
        }
        if (!more && (!answer || !PQisBusy(pq))) {
            return 0;
        }
        int events = fiber_fd_wait(k->c->fd, FIBER_READ | (more ? FIBER_WRITE : 0), k->deadline);
        if (events < 0) {
            return events;
        }
        if ((events & FIBER_READ) && !PQconsumeInput(pq)) {
            return pg_failed(k->c, "the connection was lost");
        }
        (void)PQisBusy(pq); /* takes notices, which may come at any time, off its hands */
    }
}

/* The answers up to the last, of which there is one at least. Returns the first failure among them, or one of reading
 * them. */
static st_err take_answers(struct copying *k, int64_t *ret_rows)
{
    st_err err = 0;
    for (bool answered = false;; answered = true) {
        st_err rc = pump(k, true);
        if (rc) {
            return rc;
        }
        PGresult *res = PQgetResult(k->c->pq);
        if (!res && (!answered || PQtransactionStatus(k->c->pq) == PQTRANS_ACTIVE)) {
            return pg_no_result(k->c);
        }
        if (!res) {
            k->c->busy = false;
            return err;
        }
        uint64_t n;
        if (PQresultStatus(res) == PGRES_FATAL_ERROR) {
            err = err ? err : pg_error(k->c, res);
        } else if (str_to_u64(str_of(PQcmdTuples(res)), INT64_MAX, &n)) {
            *ret_rows += (int64_t)n;
        }
        PQclear(res);
        if (k->c->base.broken) {
            return err ? err : ST_E_CONNECTION;
        }
    }
}

/* The server did not begin to copy: 0 when it said why, and has said all. */
static st_err refused(struct copying *k)
{
    for (;;) {
        st_err rc = pump(k, true);
        if (rc) {
            return rc;
        }
        PGresult *res = PQgetResult(k->c->pq);
        PQclear(res);
        if (!res) {
            k->c->busy = false;
            return 0;
        }
        if (PQstatus(k->c->pq) == CONNECTION_BAD) {
            return ST_E_CONNECTION;
        }
    }
}

static st_err begin_piece(struct copying *k)
{
    struct pg_conn *c = k->c;
    c->busy = true;
    k->piece = 0;
    buf_clear(&k->out);
    st_err rc = PQsendQuery(c->pq, k->what->sql.p) ? pump(k, true) : pg_failed(c, "cannot send a COPY");
    if (rc) {
        return rc;
    }
    PGresult *res = PQgetResult(c->pq);
    if (!res) {
        return pg_no_result(c);
    }
    st_err err = PQresultStatus(res) == PGRES_COPY_IN ? 0 : pg_error(c, res);
    PQclear(res);
    if (err && !c->base.broken) {
        struct diag kept = *diag_last();
        (void)refused(k); /* when it fails, the connection is to be reset */
        *diag_last() = kept;
    }
    return err;
}

static st_err send_rows(struct copying *k)
{
    if (PQputCopyData(k->c->pq, k->out.p, (int)k->out.len) != 1) {
        return pg_failed(k->c, "cannot send rows");
    }
    k->piece += k->out.len;
    buf_clear(&k->out);
    st_err rc = pump(k, false);
    if (!rc && ++k->sends % SENDS_A_TURN == 0 && fiber_self()) {
        rc = fiber_yield();
    }
    return rc;
}

static st_err put_row(struct copying *k, const void *row)
{
    const struct st_copy *what = k->what;
    bool has_null;
    char count[2];
    pg_put16(count, (uint16_t)what->n_fields);
    st_err rc = buf_put(&k->out, count, sizeof count) ? diag_nomem() : 0;
    for (size_t i = 0; i < what->n_fields && !rc; i++) {
        rc = pg_put_field(&k->out, &what->fields[i], row, PG_FIELD, &has_null);
    }
    return rc;
}

/* why: the rows end early. What the server says to that is no news, and the failure that led here is to be told. */
static st_err end_piece(struct copying *k, const char *why)
{
    struct diag kept = *diag_last();
    int64_t rows = 0;
    st_err rc = PQputCopyEnd(k->c->pq, why) == 1 ? take_answers(k, &rows) : pg_failed(k->c, "cannot end a COPY");
    if (why) {
        *diag_last() = kept;
    } else if (!rc) {
        k->what->copied += rows;
    }
    return rc;
}

/* From the first row on; *row becomes the first that is not in it, NULL when there are no more. */
static st_err copy_piece(struct copying *k, const void **row)
{
    st_err rc = begin_piece(k);
    if (rc) {
        return rc;
    }
    rc = buf_put(&k->out, head, sizeof head) ? diag_nomem() : 0;
    while (!rc && *row && k->piece < PIECE_BYTES) {
        rc = put_row(k, *row);
        rc = rc || k->out.len < SEND_BYTES ? rc : send_rows(k);
        if (!rc) {
            const void *next = NULL;
            int more = k->what->next(k->what, &next);
            rc = more < 0 ? more : 0;
            *row = more > 0 ? next : NULL;
        }
    }
    if (!rc) {
        rc = buf_put(&k->out, "\377\377", 2) ? diag_nomem() : send_rows(k);
    }
    if (rc) {
        if (!k->c->base.broken) {
            (void)end_piece(k, "the rows ended early");
        }
        return rc;
    }
    return end_piece(k, NULL);
}

st_err pg_copy(st_conn *conn, struct st_copy *what, int64_t deadline)
{
    struct pg_conn *c = pg_conn(conn);
    if (c->busy || PQtransactionStatus(c->pq) == PQTRANS_IDLE) {
        return diag_set(ST_E_INVALID, c->busy ? "the connection has an unfinished batch; release it"
                                              : "a COPY needs a transaction, since it goes in pieces");
    }
    const void *row = NULL;
    int more = what->next(what, &row);
    if (more <= 0) {
        return more;
    }
    if (!PQexitPipelineMode(c->pq)) {
        return pg_failed(c, "cannot leave pipeline mode");
    }
    struct copying k = {.c = c, .what = what, .deadline = deadline};
    buf_init(&k.out, PG_PUT_MAX);
    st_err rc = 0;
    while (row && !rc) {
        rc = copy_piece(&k, &row);
    }
    buf_release(&k.out);
    if (!c->busy && !c->base.broken && !PQenterPipelineMode(c->pq)) {
        rc = pg_failed(c, "cannot enter pipeline mode");
    }
    what->copied = rc ? 0 : what->copied;
    return rc;
}
