/* driver.h: what the query and session layers ask of a connection; private to Strata.
 *
 * A connection runs batches of statements. On PostgreSQL a batch is one pipeline with one Sync, so one round trip;
 * on SQLite it runs in order, in a thread unless every statement is quick. Rows are decoded straight into
 * structs: a shape says which field lies where. */
#ifndef STRATA_ENGINE_DRIVER_H
#define STRATA_ENGINE_DRIVER_H

#include "base/arena.h"
#include "base/str.h"
#include "strata/engine.h"

typedef struct st_conn st_conn;

struct st_field {
    enum st_type type;
    bool nullable;
    bool as_smallint;         /* ST_ENUM */
    uint32_t offset;          /* in the struct */
    const struct st_enum *of; /* ST_ENUM */
};
struct st_shape {
    const struct st_field *fields; /* one a result column, in order */
    size_t n;
    size_t size; /* of the struct */
    size_t head; /* zeroed bytes to put before it, multiple of 16 (the session's row header) */

    /* Of rows that hold several objects: row() is called for each in turn. No cursor reads those. */
    const struct st_shape *next; /* from the columns behind */
    bool may_be_absent;          /* then row() gets NULL when the column `sure` is null */
    uint32_t sure;               /* the number of a field that is null in no object */
};
static inline size_t st_shape_columns(const struct st_shape *s)
{
    size_t n = 0;
    for (; s; s = s->next) {
        n += s->n;
    }
    return n;
}
/* A member as a value to bind; points into obj. */
void st_field_get(const struct st_field *f, const void *obj, st_value *ret);

/* A query of which a batch of rows is taken at a time. On SQLite a statement at rest: the first run of an st_stmt with
 * .cursor starts it, later ones go on, and row() returning 2 stops it behind the row it was given. On PostgreSQL
 * cursors are statements like others (DECLARE, FETCH). All zero but its arena at first; not to be run after done. */
struct st_cursor {
    arena *arena; /* for what is bound, until the close */
    void *stmt;
    bool done; /* there are no more rows, or it failed */
};
void st_cursor_close(struct st_cursor *cursor); /* before its connection is released */

struct st_stmt {
    str sql;     /* NUL-terminated too; placeholders $1.. on PostgreSQL, ?1.. on SQLite */
    uint64_t id; /* content hash: prepared under that name and cached per connection; 0: not prepared */
    const st_value *params;
    size_t n_params;          /* at most 65,535 on PostgreSQL, 32,766 on SQLite */
    bool quick;               /* touches a row or so: may run on the loop's own thread on SQLite */
    bool pure;                /* written by the query compiler, and only reads: st_share_run may take it */
    struct st_cursor *cursor; /* SQLite, or NULL */
    bool stream;              /* PostgreSQL: decode rows as they arrive: constant memory when row() returns 0 */

    /* Result. With a shape, each row becomes a struct in arena (strings and arrays too) and goes to row(arg, obj):
     * 1: keep it; 0: not needed, its memory may serve the next row; negative: stop with that code (statements of the
     * batch behind it may have run). row may run on another thread while the caller waits: it must not suspend.
     * row NULL keeps every row. Nobody else may touch arena meanwhile. */
    const struct st_shape *shape;
    arena *arena;
    int (*row)(void *arg, void *obj);
    void *arg;
    int64_t affected; /* out: rows inserted, updated, deleted or returned */
    int64_t ns;       /* out: how long it took; within a pipeline, since the statement before it was done */
};

/* Rows of structs into one table.
 *
 * PostgreSQL runs sql once a chunk of rows, with one array a field:
 *     INSERT INTO "t" ("id", "tags") SELECT u.c1, u.c2::text[] FROM unnest($1::uuid[], $2::text[]) AS u (c1, c2) …
 * where st_bulk_array names each parameter's type and st_bulk_cast what to put behind the element. No two rows of a
 * chunk may meet in one ON CONFLICT … DO UPDATE (SQLSTATE 21000): let sql pick with DISTINCT ON where that can be. */
struct st_bulk {
    str sql;        /* PostgreSQL: as above; SQLite: INSERT … VALUES (?1, …), run once a row */
    str sql_update; /* SQLite, for an upsert that must tell new rows from old: run for a row whose insert changed
                       nothing, same placeholders; else empty */
    uint64_t id, id_update;
    const struct st_field *fields;
    size_t n_fields;
    const void *const *rows;
    size_t n_rows;
    bool upsert;               /* PostgreSQL: sql ends in RETURNING (xmax = 0) so that new rows can be told from old */
    int64_t inserted, updated; /* out: rows that were new; rows that were there (n_rows - inserted) */
};
/* Rows of structs into one table by COPY, on PostgreSQL only:
 *     COPY "t" ("id", "tags") FROM STDIN (FORMAT binary)
 * Columns must have exactly the fields' types: nothing is cast. */
struct st_copy {
    str sql;
    const struct st_field *fields;
    size_t n_fields;
    /* 1 and the next row, which stays until the next call; 0: there are no more; negative: that code ends all. Called
     * in the caller's fiber; may suspend, but not use the connection. */
    int (*next)(struct st_copy *c, const void **ret);
    int64_t copied; /* out */
};
const char *st_bulk_array(const struct st_field *f); /* "uuid[]", "text[]", ... */
const char *st_bulk_cast(const struct st_field *f);  /* "::text[]", "::uuid[]" (arrays cannot be unnested) or "" */

/* Checks a connection out; for_write asks SQLite for its one writer. */
st_err st_conn_acquire(st_engine *e, bool for_write, int64_t deadline, st_conn **ret);
/* Gives it back; one that is in a transaction or had an unfinished batch is cancelled, drained and reset first, or
 * closed. */
void st_conn_release(st_conn *c);
/* Runs all; at the first failure the rest is skipped, and the code and diagnosis are that statement's
 * (*ret_failed, when not NULL, its index). A batch outside a transaction that does not itself begin one is a
 * transaction: all of it or nothing. Cancellation and deadlines leave the connection to be reset by release. */
st_err st_conn_run(st_conn *c, struct st_stmt *stmts, size_t n, int64_t deadline, size_t *ret_failed);
/* All rows or, outside a transaction, none. Memory is bounded whatever n_rows is. */
st_err st_conn_bulk(st_conn *c, struct st_bulk *b, int64_t deadline);
/* Within a transaction, which is lost when it fails. Memory is bounded by the largest row. An error of the database is
 * known after some megabytes of rows more. */
st_err st_conn_copy(st_conn *c, struct st_copy *copy, int64_t deadline);
/* A read that is a transaction by itself. On PostgreSQL it may share a connection with those of other fibers: what
 * waits when one becomes free goes there in one pipeline with one Sync. So the statement must do nothing but read: when
 * another's fails before it, it runs again. No streams. Who is cancelled or out of time just stops waiting. tenant is
 * whom row-level security is to let see; nil: nobody. */
st_err st_share_run(st_engine *e, struct st_stmt *stmt, st_uuid tenant, int64_t deadline);
/* Whom row-level security lets see, for one transaction: the only parameter is the tenant as text, "" for nobody. */
#define ST_SET_TENANT "SELECT set_config('strata.tenant', $1, true)"
#define ST_SET_TENANT_ID UINT64_C(0x7374726174610001)
/* Several statements in one string, no parameters, no rows. */
st_err st_conn_exec(st_conn *c, const char *sql, int64_t deadline);
/* SQLite: writes the database as its last commit left it to path, in the place of what is there. ST_E_FULL: no room. */
st_err st_conn_copy_file(st_conn *c, const char *path, int64_t deadline);
bool st_conn_in_transaction(const st_conn *c);
enum st_dialect st_conn_dialect(const st_conn *c);
st_engine *st_conn_engine(const st_conn *c);

const struct st_hooks *st_engine_hooks(const st_engine *e);   /* or NULL */
void st_engine_audit(const st_engine *e, const char *reason); /* calls on_audit, if there is one */

/* ---- for migrations ---- */
/* Another engine of the same URL and options, but for one connection at a time. */
st_err st_engine_open_again(const st_engine *e, const char *url, st_engine **ret); /* url NULL: the same */
bool st_engine_pooler(const st_engine *e);                                         /* ?pooler=transaction */
/* The process id that the server told when it was connected to, 0 on SQLite. A pooler tells one of its own invention.
 */
int st_conn_backend(const st_conn *c);
/* fn is told of every statement, or script, before it is sent. NULL: nobody. */
void st_engine_trace(st_engine *e, void (*fn)(void *arg, const char *sql), void *arg);

/* A place in the engine for things derived from descriptors (compiled queries), freed with it. */
arena *st_engine_arena(st_engine *e);
void **st_engine_slot(st_engine *e); /* for the query layer */

#endif
