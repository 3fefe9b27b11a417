/* pg.h: what the files of the PostgreSQL driver share.
 *
 * Nothing here blocks: libpq is used in its non-blocking mode, and the fiber waits on the socket. A connection stays in
 * pipeline mode but for scripts and COPY. While busy is set the server may still answer to something: only the code
 * that set it or pg_reset may go on. */
#ifndef STRATA_ENGINE_PG_H
#define STRATA_ENGINE_PG_H

#include <libpq-fe.h>

#include "base/buf.h"
#include "strata/engine/conn.h"
#include "strata/engine/pg_hydrate.h"
#include "strata/engine/pg_wire.h"
#include "strata/engine/stmt_cache.h"

struct pg_conn {
    st_conn base;
    PGconn *pq;
    fiber_fd *fd;
    bool pooler;
    bool busy;   /* something was sent whose last answer has not been read */
    bool synced; /* ... and its Sync was sent too */
    bool stale;  /* the server's prepared statements may not be those of the cache */
    arena *params, *decode;
    buf kinds; /* one byte a command sent and not answered: enum pg_kind */
    struct stmt_cache cache;
    struct pg_load *load; /* pg_share.c: the reads that it carries; made when it first carries some */
};

static inline struct pg_conn *pg_conn(st_conn *c)
{
    return (struct pg_conn *)c;
}

/* pg_error.c: the code for a failed result, with a diagnosis; a lost connection is marked. */
st_err pg_error(struct pg_conn *c, const PGresult *res);
/* The same for a call of libpq that failed without a result. */
st_err pg_failed(struct pg_conn *c, const char *what);
/* PQgetResult gave none where there must be one: libpq had no memory for it. */
st_err pg_no_result(struct pg_conn *c);
st_err pg_connect_error(PGconn *pq, const char *url);

/* pg_connect.c */
st_err pg_open(st_engine *e, bool writer, int64_t deadline, st_conn **ret);
void pg_close(st_conn *c);

/* pg_batch.c: commands in one pipeline with one Sync. */
struct pg_command {
    str sql;
    uint64_t id; /* 0: not prepared */
    struct pg_params params;
};
struct pg_batch {
    struct pg_conn *conn;
    /* The i-th command: 0; 1 when there are no more; negative codes end the batch. Valid until the next call. */
    st_err (*make)(struct pg_batch *b, size_t i, struct pg_command *ret);
    /* A result of the i-th command that is no error. Negative: its code becomes the batch's. */
    st_err (*take)(struct pg_batch *b, size_t i, PGresult *res);
    /* The i-th command has no more results; may be NULL. */
    void (*done)(struct pg_batch *b, size_t i);
    bool (*streams)(const struct pg_batch *b, size_t i); /* row by row? may be NULL */
    void (*failed)(struct pg_batch *b);                  /* err was just set, by the received-th; may be NULL */
    bool (*leaves)(const struct pg_batch *b);            /* instead of waiting, stop for now? may be NULL */

    size_t sent, received; /* commands made; commands whose answers were all read */
    size_t kinds_read;
    unsigned prepares, prepared; /* PREPAREs sent; those that were answered well */
    size_t unflushed;            /* bytes, about */
    bool evicted;                /* a DEALLOCATE is in it */
    bool started;                /* single-row mode was chosen for the command whose answer comes next */
    bool answered;               /* ... has come in part */
    bool stale_plan;             /* it failed because a prepared statement is not what it was */
    st_err err;                  /* the first failure */
};
/* Returns err; on cancellation, a deadline or a loss the connection stays busy. */
st_err pg_batch_run(struct pg_batch *b, int64_t deadline);
/* The same in parts. go returns 0 when all was answered, 1 when leaves said so, and a negative code when it was
 * cancelled, timed out (another fiber may go on) or lost the connection; end follows the last go. */
void pg_batch_start(struct pg_batch *b);
st_err pg_batch_go(struct pg_batch *b, int64_t deadline);
void pg_batch_end(struct pg_batch *b);
/* Reads and drops answers until nothing is outstanding. */
st_err pg_drain(struct pg_conn *c, int64_t deadline);

/* pg.c: a statement's results. */
struct pg_taking {
    struct pg_conn *conn;
    struct pg_plan plan;
    struct rowmem mem;
    bool planned; /* plan and mem are those of the running statement */
    uint64_t id;  /* of the statement that plan was made for, and its shape; 0: of none that can come again */
    const struct st_shape *shape;
    bool delivered; /* a row went to its callback */
    bool committed; /* a COMMIT succeeded */
    bool shielded;  /* the fiber that reads is not the one that asked: its cancellation is not the statement's */
};
/* *at becomes NULL while other fibers run: nobody wants the rest. */
st_err pg_take(struct pg_taking *t, struct st_stmt *const *at, PGresult *res);
st_err pg_run(st_conn *c, struct st_stmt *stmts, size_t n, int64_t deadline, size_t *ret_failed);
/* One or two statements without parameters and rows, not prepared. */
st_err pg_simple(struct pg_conn *c, const char *sql, const char *then, int64_t deadline);
/* pg_share.c */
st_err pg_share(st_engine *e, struct st_stmt *stmt, st_uuid tenant, int64_t deadline);
/* pg_bulk.c */
st_err pg_bulk(st_conn *c, struct st_bulk *b, int64_t deadline);
/* pg_copy.c */
st_err pg_copy(st_conn *c, struct st_copy *copy, int64_t deadline);
/* pg_reset.c */
bool pg_alive(st_conn *c);
bool pg_clean(const st_conn *c);
st_err pg_reset(st_conn *c);
st_err pg_forget_statements(struct pg_conn *c, int64_t deadline); /* on the server and here */
/* After a failure: was it a prepared statement that is not what it was? Then they are forgotten, and when nothing is
 * left of the batch (fresh: it began outside a transaction, and neither committed nor delivered a row) it may run
 * again. */
bool pg_may_start_again(const struct pg_batch *b, bool fresh, int64_t deadline);

#endif
