/* sqlite.h: what the files of the SQLite driver share.
 *
 * A connection is used by one thread at a time: the loop's own for quick batches, one of the pool's while the fiber
 * that has it checked out waits. Nothing here sleeps on a lock of another process: SQLITE_BUSY goes back to the fiber,
 * which sleeps and tries again. */
#ifndef STRATA_ENGINE_SQLITE_H
#define STRATA_ENGINE_SQLITE_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "strata/engine/conn.h"
#include "strata/engine/rowmem.h"
#include "strata/engine/stmt_cache.h"

enum {                          /* measured: docs/internals/engine.md */
       SQLITE_PAGE_SIZE = 8192, /* of new files */
       SQLITE_WRITER_CACHE_KIB = 8192,
       SQLITE_READER_CACHE_KIB = 2048,
       SQLITE_WAL_PAGES = 2000, /* a checkpoint is due when the log has that many */
       SQLITE_BUSY_MS = 10000
};

struct sqlite_conn {
    st_conn base;
    sqlite3 *db;
    bool writer;
    _Atomic bool stop; /* set by the loop's thread: give up */
    int wal_pages;     /* in the log after the last commit of this connection */
    unsigned hurried;  /* batches since the fiber last let others run */
    arena *params;     /* of the statement that runs */
    arena *json;       /* of the value that is decoded */
    struct stmt_cache cache;
};

static inline struct sqlite_conn *sqlite_conn(st_conn *c)
{
    return (struct sqlite_conn *)c;
}

/* sqlite_error.c: the code for what failed on db, with a diagnosis. rc is SQLite's (extended) code. */
st_err sqlite_error(sqlite3 *db, int rc, const char *sql);

/* sqlite_bind.c. Values stay where they are until the statement has run; what must be put together lives in a. */
st_err sqlite_bind(sqlite3_stmt *stmt, arena *a, const st_value *values, size_t n);
st_err sqlite_bind_one(sqlite3_stmt *stmt, arena *a, int at, const st_value *v);
/* A member of a struct, which stays where it is. */
st_err sqlite_bind_field(sqlite3_stmt *stmt, arena *a, int at, const struct st_field *f, const void *obj);

/* sqlite_hydrate.c: the row that stmt is at, from column first on, as a struct; NULL: it is absent. scratch is reset
 * where it is needed. */
st_err sqlite_read_row(sqlite3_stmt *stmt, int first, const struct st_shape *shape, struct rowmem *mem, arena *scratch,
                       void **ret_obj);

/* sqlite_open.c */
st_err sqlite_open(st_engine *e, bool writer, int64_t deadline, st_conn **ret);
void sqlite_close(st_conn *c);

/* sqlite_stmt.c: statements of one connection, on whatever thread. ST_E_BUSY: nothing has happened yet, try again. */
/* From the cache or prepared now. id 0: not kept, to be finalized by sqlite_stmt_done. */
st_err sqlite_stmt_get(struct sqlite_conn *c, str sql, uint64_t id, sqlite3_stmt **ret);
void sqlite_stmt_done(sqlite3_stmt *stmt, uint64_t id);
st_err sqlite_stmt_run(struct sqlite_conn *c, struct st_stmt *s);
st_err sqlite_simple(struct sqlite_conn *c, const char *sql); /* one statement without rows, kept prepared */
void sqlite_roll_back(struct sqlite_conn *c);                 /* when in a transaction; keeps the diagnosis */
void sqlite_stmt_drop_all(struct sqlite_conn *c);

/* sqlite_cursor.c: the next rows of s->cursor, as sqlite_stmt_run. */
st_err sqlite_cursor_run(struct sqlite_conn *c, struct st_stmt *s);

/* sqlite_work.c: pieces of work, in a thread or here, tried again while the database is busy. */
struct sqlite_work {
    struct sqlite_conn *conn;
    st_err (*step)(struct sqlite_work *w); /* goes on where it stopped with ST_E_BUSY */
    bool ran;
};
st_err sqlite_work(struct sqlite_conn *c, struct sqlite_work *w, bool here, int64_t deadline);
bool sqlite_in_transaction(const st_conn *c);

/* sqlite_bulk.c */
st_err sqlite_bulk(st_conn *c, struct st_bulk *b, int64_t deadline);

#endif
