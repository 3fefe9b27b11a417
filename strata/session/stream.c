/* Large results, a batch at a time. */
#include "strata/stream.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "strata/query/raw.h"
#include "strata/query/source.h"
#include "strata/session/internal.h"

/* A batch is as large as the caches near the processor like it; the first one is small, for how wide rows are is not
 * known yet. */
enum { BATCH_BYTES = 256 * 1024, BATCH_FIRST = 128, BATCH_ROWS = 8192 };

struct st_stream {
    st_session *s; /* NULL: it was closed */
    st_stream *prev, *next;
    const st_mapper *m;
    arena *rows;  /* of the batch */
    arena *bound; /* what the statement is bound to */
    const void **items;
    size_t n, at, room;
    uint32_t fixed, want; /* rows a batch: as the caller said, or 0; as measured */
    uint32_t epoch;       /* the session's at the opening */
    uint64_t number;      /* of the cursor on PostgreSQL */
    struct st_cursor cursor;
    bool drained; /* the database has no more rows */
    bool at_end;  /* that was said to the caller */
    bool ended;   /* with its transaction */
};

/* ---- a session's streams ---- */

static void unlink_stream(st_stream *st)
{
    assert(st->s);
    struct streams *all = &st->s->streams;
    *(st->prev ? &st->prev->next : &all->first) = st->next;
    if (st->next) {
        st->next->prev = st->prev;
    }
    all->n--;
    st->s = NULL;
}

void streams_end(st_session *s)
{
    for (st_stream *st = s->streams.first; st; st = st->next) {
        st_cursor_close(&st->cursor);
        st->ended = true;
    }
    s->streams.n_left = 0;
}

void streams_forget(st_session *s)
{
    while (s->streams.first) {
        unlink_stream(s->streams.first);
    }
}

static st_err make_statement(arena *a, struct st_stmt *ret, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static st_err make_statement(arena *a, struct st_stmt *ret, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *sql = arena_vprintf(a, fmt, ap);
    va_end(ap);
    if (!sql) {
        return diag_nomem();
    }
    ret->sql = str_of(sql);
    ret->id = 0; /* numbered: not worth being kept prepared */
    return 0;
}

st_err streams_sweep(struct batch *b)
{
    struct streams *all = &b->s->streams;
    while (all->n_left) {
        struct st_stmt *stmt;
        st_err rc = batch_add(b, NULL, false, &stmt);
        rc = rc ? rc
                : make_statement(b->s->scratch, stmt, "CLOSE strata_%llu",
                                 (unsigned long long)all->left[all->n_left - 1]);
        if (rc) {
            return rc;
        }
        all->n_left--;
    }
    return 0;
}

/* ---- batches ---- */

/* May run on another thread while the session's fiber waits. */
static int take(void *arg, void *obj)
{
    st_stream *st = arg;
    if (st->n == st->room) {
        size_t room = st->room ? st->room * 2 : BATCH_FIRST;
        const void **items = mem_realloc(st->items, room * sizeof *items);
        if (!items) {
            return diag_nomem();
        }
        st->items = items;
        st->room = room;
    }
    if (st->m->shape.head) {
        *row_of(obj) = (struct row){.mapper = st->m, .session = st->s, .flags = ROW_STREAMED, .epoch = st->epoch};
    }
    st->items[st->n++] = obj;
    bool full = st->fixed ? st->n == st->fixed : arena_used(st->rows) >= BATCH_BYTES || st->n == BATCH_ROWS;
    return full ? 2 : 1;
}

static st_err make_fetch(st_stream *st, arena *a, struct st_stmt *ret)
{
    arena_reset(st->rows);
    st->n = st->at = 0;
    *ret = (struct st_stmt){.shape = &st->m->shape, .arena = st->rows, .row = take, .arg = st};
    if (st->s->reg->dialect == ST_SQLITE) {
        ret->cursor = &st->cursor;
        return 0;
    }
    return make_statement(a, ret, "FETCH FORWARD %u FROM strata_%llu", st->want, (unsigned long long)st->number);
}

static void fetched(st_stream *st)
{
    if (st->s->reg->dialect == ST_SQLITE) {
        st->drained = st->cursor.done;
        return;
    }
    st->drained = st->n < st->want;
    if (!st->fixed && st->n) {
        size_t fit = BATCH_BYTES / (arena_used(st->rows) / st->n + 1), most = (size_t)st->want * 8;
        fit = fit < most ? fit : most;
        st->want = (uint32_t)(fit < 1 ? 1 : fit > BATCH_ROWS ? BATCH_ROWS : fit);
    }
}

/* ---- opening ---- */

static void stream_free(st_stream *st)
{
    if (st->s) {
        unlink_stream(st);
    }
    st_cursor_close(&st->cursor);
    mem_free(st->items);
    arena_free(st->rows);
    arena_free(st->bound);
    mem_free(st);
}

static st_err stream_new(st_session *s, const st_mapper *m, uint32_t batch, st_stream **ret)
{
    struct streams *all = &s->streams;
    if (s->autocommit) {
        return diag_set(ST_E_INVALID, "a stream in a session opened with .autocommit, which has no transactions");
    }
    if (all->n == ST_STREAMS_MAX) {
        return diag_set(ST_E_INVALID, "a session has %d streams at most: close some", ST_STREAMS_MAX);
    }
    if (batch > ST_STREAM_BATCH_MAX) {
        return diag_set(ST_E_INVALID, "a batch of %u rows; at most %d are allowed", batch, ST_STREAM_BATCH_MAX);
    }
    st_stream *st = mem_zalloc(1, sizeof *st);
    if (!st) {
        return diag_nomem();
    }
    st->s = s;
    st->m = m;
    st->fixed = batch;
    st->want = batch ? batch : BATCH_FIRST;
    st->number = ++all->number;
    st->next = all->first;
    if (st->next) {
        st->next->prev = st;
    }
    all->first = st;
    all->n++;
    if (!(st->rows = arena_new(NULL, 0)) || !(st->bound = arena_new(NULL, 0))) {
        stream_free(st);
        return diag_nomem();
    }
    st->cursor.arena = st->bound;
    *ret = st;
    return 0;
}

/* Runs the compiled query of that statement, behind a flush, as far as its first batch. */
static st_err start(st_stream *st, const struct st_stmt *query)
{
    st_session *s = st->s;
    struct batch b;
    struct st_stmt first;
    st_err rc = batch_begin(&b, s);
    rc = rc ? rc : flush_into(&b);
    st->epoch = s->epoch;
    rc = rc ? rc : make_fetch(st, s->scratch, &first);
    if (!rc && s->reg->dialect == ST_SQLITE) {
        first.sql = query->sql;
        first.params = query->params;
        first.n_params = query->n_params;
    } else if (!rc) {
        struct st_stmt *declare;
        rc = batch_add(&b, NULL, false, &declare);
        rc = rc ? rc
                : make_statement(s->scratch, declare, "DECLARE strata_%llu NO SCROLL CURSOR FOR %s",
                                 (unsigned long long)st->number, query->sql.p);
        if (!rc) {
            declare->params = query->params;
            declare->n_params = query->n_params;
        }
    }
    rc = rc ? rc : batch_finish(&b, &first);
    if (!rc) {
        fetched(st);
    }
    return rc;
}

static st_err open_stream(st_session *s, const st_mapper *m, uint32_t batch, const struct st_stmt *query,
                          st_stream **ret)
{
    st_stream *st;
    st_err rc = stream_new(s, m, batch, &st);
    if (rc) {
        return rc;
    }
    rc = start(st, query);
    if (rc) {
        stream_free(st);
        return rc;
    }
    *ret = st;
    return 0;
}

static st_err stream_models(st_session *s, const st_model *model, const st_expr *where, const struct st_query *q,
                            st_stream **ret)
{
    const st_mapper *m;
    struct st_stmt query = {.affected = 0};
    struct st_compiler c = session_compiler(s);
    if (q->with) {
        return diag_set(ST_E_INVALID, "a stream of %s loads no relations", model->name);
    }
    st_err rc = session_mapper(s, model, &m);
    rc = rc ? rc : st_compile_select(&c, m, where, q, &query);
    return rc ? rc : open_stream(s, m, q->batch, &query, ret);
}

st_stream *st_stream_(st_session *s, const st_model *m, const st_expr *where, const struct st_query *q)
{
    st_stream *st = NULL;
    if (session_enter(s) == 0) {
        (void)session_leave(s, stream_models(s, m, where, q, &st));
    }
    return st;
}

static st_err no_callback(void)
{
    return diag_set(ST_E_INVALID, "a stream has no .each: ask it for its rows");
}

static st_err stream_read(st_session *s, const st_model *result, const struct st_read *q, st_stream **ret)
{
    const st_mapper *m;
    struct st_stmt query = {.affected = 0};
    struct st_compiler c = session_compiler(s);
    st_err rc = q->each ? no_callback() : st_registry_result(s->reg, result, &m);
    rc = rc ? rc : st_compile_read(&c, &(const struct st_reading){.q = q, .what = ST_READ_RESULT, .result = m}, &query);
    return rc ? rc : open_stream(s, m, q->batch, &query, ret);
}

st_stream *st_stream_read_(st_session *s, const st_model *result, const struct st_read *q)
{
    st_stream *st = NULL;
    if (session_enter(s) == 0) {
        (void)session_leave(s, stream_read(s, result, q, &st));
    }
    return st;
}

static st_err stream_raw(st_session *s, const st_model *result, const char *sql, const struct st_raw *o,
                         st_stream **ret)
{
    const st_mapper *m;
    struct st_stmt query = {.affected = 0};
    st_err rc = o->each ? no_callback() : session_raw(s, sql, o, &query);
    rc = rc ? rc : st_registry_result(s->reg, result, &m);
    return rc ? rc : open_stream(s, m, o->batch, &query, ret);
}

st_stream *st_stream_raw_(st_session *s, const st_model *result, const char *sql, const struct st_raw *o)
{
    st_stream *st = NULL;
    if (session_enter(s) == 0) {
        (void)session_leave(s, stream_raw(s, result, sql, o, &st));
    }
    return st;
}

/* ---- reading ---- */

static st_err fetch(st_stream *st)
{
    st_session *s = st->s;
    struct st_stmt next;
    if (s->hook.flushing) {
        return hooks_refuse(s);
    }
    if (st->ended) {
        st_err rc = diag_set(ST_E_INVALID, "a stream ends with its transaction: it was committed or rolled back");
        diag_hint("write in a session of its own what is to be committed while the stream is read");
        return rc;
    }
    if (st->drained) {
        st->n = st->at = 0;
        return 0;
    }
    st_err rc = make_fetch(st, s->scratch, &next);
    rc = rc ? rc : st_conn_run(s->conn, &next, 1, s->deadline, NULL);
    if (!rc) {
        fetched(st);
    }
    return rc;
}

/* Whether there are rows at hand; false at the end and after a failure. */
static st_err refill(st_stream *st)
{
    if (st->at_end || !st->s) {
        st->n = st->at = 0;
        return st->at_end ? 0 : diag_set(ST_E_INVALID, "the session of a stream was closed");
    }
    st_err rc = session_enter(st->s);
    rc = rc ? rc : session_leave(st->s, fetch(st));
    if (rc) {
        st->n = st->at = 0;
    }
    st->at_end = !rc && st->n == 0;
    return rc;
}

static bool at_hand(const st_stream *st)
{
    return st->at < st->n && !st->ended && st->s && !st->s->err;
}

const void *st_stream_next(st_stream *st)
{
    if (!st || (!at_hand(st) && (refill(st) != 0 || st->n == 0))) {
        return NULL;
    }
    return st->items[st->at++];
}

st_rows st_stream_batch(st_stream *st)
{
    st_rows rows = {.n = 0};
    if (!st) {
        rows.err = diag_last()->code;
        return rows;
    }
    rows.err = at_hand(st) ? 0 : refill(st);
    if (!rows.err) {
        rows.items = st->items + st->at;
        rows.n = st->n - st->at;
        st->at = st->n;
    }
    return rows;
}

void st_stream_close(st_stream *st)
{
    if (!st) {
        return;
    }
    st_session *s = st->s;
    if (s && !st->ended && s->reg->dialect == ST_POSTGRESQL) {
        assert(!s->busy);
        struct streams *all = &s->streams;
        if (all->n_left < ST_STREAMS_MAX) { /* others stay until the transaction's end */
            all->left[all->n_left++] = st->number;
        }
    }
    stream_free(st);
}

void st_stream_closep(st_stream **st)
{
    st_stream_close(*st);
}
