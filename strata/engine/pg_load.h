/* pg_load.h: the reads of several fibers that one connection carries as one pipeline; private to the PostgreSQL driver.
 *
 * A pipeline up to its Sync is one transaction on the server, so a failure skips what is behind it: that stays in the
 * load unanswered. The tenant is set for the transaction in front of the first read of each tenant in a row. */
#ifndef STRATA_ENGINE_PG_LOAD_H
#define STRATA_ENGINE_PG_LOAD_H

#include "strata/engine/pg.h"

enum { LOAD_MAX = 64 };

/* On the stack of the fiber that asks. It is queued, or in a load, or done. */
struct pg_ask {
    fiber_waiter waiter;
    struct pg_ask *prev, *next;
    struct st_stmt *stmt;
    st_uuid tenant;
    struct pg_load *load;
    size_t at;       /* where in load */
    st_conn *conn;   /* of one who is appointed, when it has taken it */
    uint64_t number; /* rises with each that asks */
    bool queued, done;
    bool appointed; /* queued, and holds a leader's place: takes a connection, and rides on no other's */
    bool again;     /* its statement is prepared anew */
    st_err err;
    struct diag *why; /* the asking fiber's: filled in with err */
};

struct pg_load {
    struct pg_batch batch;
    struct pg_taking taking;
    struct pg_ask *leader;         /* one of them, or NULL: about to be left to another */
    struct pg_ask *asks[LOAD_MAX]; /* NULL: answered, or given up */
    struct st_stmt *stmts[LOAD_MAX];
    size_t n, sent, open; /* of asks: all, those sent, those not NULL */
    bool abandoned;       /* one was given up: the rest may take longer than anybody wants */
    st_uuid tenant;       /* set last */
    char setting[UUID_TEXT_LEN + 1];
    int64_t started; /* on the clock; 0: no statement is timed */
    int64_t loaded;
    uint8_t commands[2 * LOAD_MAX]; /* whose the commands of the batch are, or the tenant's setting for it */
};

/* The connection's load, empty; batch to be started when all were put on. -ENOMEM. */
st_err pg_load_new(struct pg_conn *c, struct pg_load **ret);
void pg_load_put(struct pg_load *k, struct pg_ask *a); /* at most LOAD_MAX */
void pg_load_drop(struct pg_load *k, size_t at);       /* whatever comes for it is dropped */
void pg_load_answer(struct pg_load *k, size_t at, st_err rc);
/* For one that waits: done, with rc and its diagnosis. */
void pg_ask_end(struct pg_ask *a, st_err rc);

#endif
