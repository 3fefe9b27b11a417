/* conn.h: what a connection is to the pool and to its driver; private to the engine.
 *
 * A connection is owned by exactly one of: a checkout (in_use), a pool's idle list, or the code that opens or closes
 * it. The driver allocates it, with st_conn as its first member. */
#ifndef STRATA_ENGINE_CONN_H
#define STRATA_ENGINE_CONN_H

#include "strata/engine/driver.h"
#include "strata/engine/url.h"

struct st_pool;

/* What a database does for its connections. Calls may suspend where they take a deadline. */
struct st_driver {
    st_err (*open)(st_engine *e, bool writer, int64_t deadline, st_conn **ret);
    void (*close)(st_conn *c); /* never suspends for long: a polite goodbye, no waiting */
    st_err (*run)(st_conn *c, struct st_stmt *stmts, size_t n, int64_t deadline, size_t *ret_failed);
    st_err (*bulk)(st_conn *c, struct st_bulk *b, int64_t deadline);
    st_err (*copy)(st_conn *c, struct st_copy *copy, int64_t deadline); /* NULL: it has none */
    st_err (*exec)(st_conn *c, const char *sql, int64_t deadline);
    st_err (*share)(st_engine *e, struct st_stmt *stmt, st_uuid tenant,
                    int64_t deadline); /* NULL: on a connection of its own */
    bool (*in_transaction)(const st_conn *c);
    bool (*alive)(st_conn *c);                    /* what can be told without a round trip */
    st_err (*ping)(st_conn *c, int64_t deadline); /* with one */
    int (*backend)(const st_conn *c);             /* may be NULL */
    bool (*clean)(const st_conn *c);              /* may be used by the next as it is */
    st_err (*reset)(st_conn *c);                  /* makes it clean; called shielded, in a deadline scope */
};
extern const struct st_driver st_driver_pg;
extern const struct st_driver st_driver_sqlite;

struct st_conn {
    st_engine *engine;
    struct st_pool *pool;
    st_conn *prev, *next; /* in the pool's idle list */
    int64_t opened;       /* fiber_now() */
    uint64_t epoch;       /* of the engine when it was opened */
    bool broken;          /* to be closed, never reused */
    bool in_use;
};

struct st_pool_waiter;

/* The connections of one kind. open = in use + idle + being opened; it never exceeds size + overflow. */
struct st_pool {
    st_engine *engine;
    bool writer;
    unsigned size, overflow;
    unsigned open, idle, in_use, waiting;
    st_conn *head, *tail; /* idle, the longest idle first */
    struct st_pool_waiter *first, *last;
    uint64_t connects, disconnects, checkouts, timeouts, invalidations;
};

void st_pool_init(struct st_pool *p, st_engine *e, bool writer, unsigned size, unsigned overflow);
void st_pool_close(struct st_pool *p); /* nothing may be in use or waiting (asserted) */
st_err st_pool_acquire(struct st_pool *p, int64_t deadline, st_conn **ret);
void st_pool_release(st_conn *c);

/* Reads that share connections (pg_share.c). */
struct pg_ask;
struct st_sharing {
    struct pg_ask *first, *last; /* those who wait to be carried */
    unsigned queued, carried;    /* how many wait, and how many were sent and not answered */
    unsigned leaders;            /* fibers that hold a connection for them, or are about to take one */
    unsigned crowd;              /* how many fibers ask in turn, in CROWD_ONEs; sinks slowly */
    int64_t pace;                /* ns from sending a load to its end, for each read on it; an average */
    struct pg_ask *gathering;    /* holds a connection and waits a moment for others to ask, too */
    uint64_t asked, reads, trips;
};

struct st_engine {
    const struct st_driver *driver;
    struct st_url url;
    const char *given;                /* the URL with its password */
    struct st_engine_options options; /* defaults filled in */
    void (*trace)(void *arg, const char *sql);
    void *trace_arg;
    fiber_loop *own_loop; /* made because the thread had none */
    arena *arena;
    void *slot;
    struct st_pool readers; /* on PostgreSQL and in memory: the only pool */
    struct st_pool writer;
    bool one_pool;
    struct st_sharing sharing;
    uint64_t epoch; /* rises with each lost connection: older ones are suspect */
};

/* For drivers: marks c as lost and every connection opened before as suspect. Returns ST_E_CONNECTION. */
st_err st_conn_lost(st_conn *c);

enum { ST_RESET_MS = 5000 };

#endif
