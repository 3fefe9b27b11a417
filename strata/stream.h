/* stream.h: large results in constant memory, row by row, with the session free for other work in between.
 *
 *     st_each_stream (Page, p, st_stream(s, Page, ST_EQ(Page, status, PAGE_GONE))) {
 *         if (enough) break;                    // return and goto are fine, too: nothing is left behind
 *     }
 *     return st_session_error(s);               // a failure in the middle ends the loop
 *
 * Rows are plain copies: they do not enter the identity map and have no relations. A row lives until the next one is
 * asked for; the memory of a batch serves the next. st_attach makes an object of one, to edit or to keep.
 *
 * A stream belongs to the transaction that it was opened in. st_commit, st_rollback and st_rollback_to end it, and
 * asking it for more is ST_E_INVALID then. Opening flushes; fetching does not. At most ST_STREAMS_MAX of a session are
 * open at a time.
 *
 * On PostgreSQL a stream is a cursor: its rows are those of the moment it was opened, whatever the loop writes. On
 * SQLite it is a statement at rest: the loop may delete or change the row it is at, but whether rows that it adds or
 * moves in the stream's order still come is open. */
#ifndef STRATA_STREAM_H
#define STRATA_STREAM_H

#include "strata/select.h"

DECLS_BEGIN

typedef struct st_stream st_stream;
enum { ST_STREAMS_MAX = 16, ST_STREAM_BATCH_MAX = 65536 };

/* Opens one and gets its first rows; NULL when that failed, and then the session says why. What follows the condition
 * are members of struct st_query, but no .with; .batch is how many rows come from the database at a time (0: as many as
 * take about 256 KiB, however wide they are). */
#define st_stream(s, T_, where, ...) st_stream_((s), &T_##_model, (where), &(const struct st_query){__VA_ARGS__})
st_stream *st_stream_(st_session *s, const st_model *m, const st_expr *where, const struct st_query *q);
/* The same of a query of select.h, into plain structs. */
#define st_stream_read(s, R_, From_, ...) st_stream_read_((s), &R_##_model, ST_READ(From_, __VA_ARGS__))
st_stream *st_stream_read_(st_session *s, const st_model *result, const struct st_read *q);
/* ... and of raw SQL, which must be a SELECT or VALUES. */
#define st_stream_raw(s, R_, sql, ...) st_stream_raw_((s), &R_##_model, (sql), &(const struct st_raw){__VA_ARGS__})
st_stream *st_stream_raw_(st_session *s, const st_model *result, const char *sql, const struct st_raw *o);

/* The next row; NULL at the end, of NULL, and after a failure, which is the session's. */
const void *st_stream_next(st_stream *st);
/* All rows at hand that st_stream_next has not given, or else the next batch; none at the end. They live until the
 * stream is asked again. */
st_rows st_stream_batch(st_stream *st);
/* At any time, also with rows left, in a failed session or a cancelled fiber: it asks nothing of the database. NULL is
 * fine. A session may be closed before its streams. */
void st_stream_close(st_stream *st);
void st_stream_closep(st_stream **st);

/* st_each_stream (Page, p, stream) { ... }: p is const Page *; stream is evaluated once, and closed on every way out.
 */
#define st_each_stream(T_, x, stream)                                                              \
    for (st_stream * ST_NAME_(h_, __LINE__) __attribute__((cleanup(st_stream_closep))) = (stream), \
                                            *ST_NAME_(o_, __LINE__) = ST_NAME_(h_, __LINE__);      \
         ST_NAME_(o_, __LINE__); ST_NAME_(o_, __LINE__) = NULL)                                    \
        for (const T_ *x = (const T_ *)st_stream_next(ST_NAME_(h_, __LINE__)); x;                  \
             x = (const T_ *)st_stream_next(ST_NAME_(h_, __LINE__)))

/* The session's object of a row that a stream of models has just given, as if st_select had found it: no query, unless
 * rows were written past the identity map since the stream was opened. NULL: the row was deleted meanwhile, or see
 * st_session_error. */
#define st_attach(s, T_, row) ((const T_ *)st_attach_((s), &T_##_model, ((const T_ *){(row)})))
const void *st_attach_(st_session *s, const st_model *m, const void *row);

DECLS_END

#endif
