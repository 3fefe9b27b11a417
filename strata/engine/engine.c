#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "strata/engine/conn.h"

static st_err set_options(st_engine *e, const struct st_engine_options *given)
{
    struct st_engine_options o = given ? *given : (struct st_engine_options){0};
    o.pool_size = o.pool_size ? o.pool_size : 5;
    o.max_overflow = o.max_overflow == ST_NO_OVERFLOW ? 0 : o.max_overflow ? o.max_overflow : 10;
    o.checkout_timeout_ms = o.checkout_timeout_ms > 0 ? o.checkout_timeout_ms : 30000;
    o.connect_timeout_ms = o.connect_timeout_ms > 0 ? o.connect_timeout_ms : 10000;
    if (o.pool_size > 10000 || o.max_overflow > 10000) {
        return diag_set(ST_E_INVALID, "a pool of %u connections and %u more; each may be at most 10,000", o.pool_size,
                        o.max_overflow);
    }
    o.application = arena_strdup(e->arena, o.application ? o.application : "strata");
    e->options = o;
    return o.application ? 0 : diag_nomem();
}

static st_err start(st_engine *e, const char *url, const struct st_engine_options *options)
{
    e->arena = arena_new(NULL, 0);
    if (!e->arena) {
        return diag_nomem();
    }
    e->given = arena_strdup(e->arena, url);
    st_err rc = e->given ? st_url_parse(e->arena, url, &e->url) : diag_nomem();
    if (!rc) {
        rc = set_options(e, options);
    }
    if (!rc && !fiber_loop_current()) {
        rc = fiber_loop_open(NULL, &e->own_loop);
    }
    if (rc) {
        return rc;
    }
    const struct st_engine_options *o = &e->options;
    bool sqlite = e->url.dialect == ST_SQLITE;
    e->driver = sqlite ? &st_driver_sqlite : &st_driver_pg;
    e->one_pool = !sqlite || e->url.memory;
    if (e->url.memory) { /* the database is the connection */
        e->options.recycle_ms = 0;
        st_pool_init(&e->readers, e, true, 1, 0);
    } else {
        st_pool_init(&e->readers, e, false, o->pool_size, o->max_overflow);
    }
    st_pool_init(&e->writer, e, true, 1, 0);
    if (!sqlite) {
        return 0;
    }
    st_conn *c; /* a file that cannot be opened is told here, not at the first statement */
    rc = st_conn_acquire(e, !e->url.read_only, FIBER_FOREVER, &c);
    if (!rc) {
        st_conn_release(c);
    }
    return rc;
}

st_err st_engine_open(const char *url, const struct st_engine_options *options, st_engine **ret)
{
    st_engine *e = mem_zalloc(1, sizeof *e);
    if (!e) {
        return diag_nomem();
    }
    st_err rc = start(e, url, options);
    if (rc) {
        st_engine_close(e);
        return rc;
    }
    *ret = e;
    return 0;
}

void st_engine_close(st_engine *e)
{
    if (!e) {
        return;
    }
    if (e->driver) {
        st_pool_close(&e->readers);
        st_pool_close(&e->writer);
    }
    arena_free(e->arena);
    fiber_loop_close(e->own_loop);
    mem_free(e);
}

enum st_dialect st_engine_dialect(const st_engine *e)
{
    return e->url.dialect;
}

const char *st_engine_url(const st_engine *e)
{
    return e->url.shown;
}

st_err st_engine_open_again(const st_engine *e, const char *url, st_engine **ret)
{
    struct st_engine_options o = e->options;
    o.pool_size = 1;
    o.max_overflow = ST_NO_OVERFLOW;
    o.recycle_ms = 0;
    st_err rc = st_engine_open(url ? url : e->given, &o, ret);
    if (!rc) {
        st_engine_trace(*ret, e->trace, e->trace_arg);
    }
    return rc;
}

bool st_engine_pooler(const st_engine *e)
{
    return e->url.pooler;
}

void st_engine_trace(st_engine *e, void (*fn)(void *arg, const char *sql), void *arg)
{
    e->trace = fn;
    e->trace_arg = arg;
}

int st_conn_backend(const st_conn *c)
{
    const struct st_driver *d = c->engine->driver;
    return d->backend ? d->backend(c) : 0;
}

static void trace(const st_conn *c, const char *sql)
{
    if (c->engine->trace) {
        c->engine->trace(c->engine->trace_arg, sql);
    }
}

const struct st_hooks *st_engine_hooks(const st_engine *e)
{
    return e->options.hooks;
}

void st_engine_audit(const st_engine *e, const char *reason)
{
    if (e->options.on_audit) {
        e->options.on_audit(e->options.arg, reason);
    }
}

arena *st_engine_arena(st_engine *e)
{
    return e->arena;
}

void **st_engine_slot(st_engine *e)
{
    return &e->slot;
}

void st_engine_stats(const st_engine *e, struct st_pool_stats *ret)
{
    *ret = (struct st_pool_stats){0};
    const struct st_pool *pools[] = {&e->readers, &e->writer};
    for (size_t i = 0; i < (e->one_pool ? 1 : 2); i++) {
        const struct st_pool *p = pools[i];
        ret->size += p->size;
        ret->idle += p->idle;
        ret->in_use += p->in_use;
        ret->overflow += p->open > p->size ? p->open - p->size : 0;
        ret->waiting += p->waiting;
        ret->connects += p->connects;
        ret->disconnects += p->disconnects;
        ret->checkouts += p->checkouts;
        ret->timeouts += p->timeouts;
        ret->invalidations += p->invalidations;
    }
    ret->shared_reads = e->sharing.reads;
    ret->shared_trips = e->sharing.trips;
}

/* ---- connections ---- */

st_err st_conn_acquire(st_engine *e, bool for_write, int64_t deadline, st_conn **ret)
{
    if (for_write && e->url.dialect == ST_SQLITE && e->url.read_only) {
        return diag_set(ST_E_READ_ONLY, "%s is opened with mode=ro", e->url.shown);
    }
    return st_pool_acquire(for_write && !e->one_pool ? &e->writer : &e->readers, deadline, ret);
}

void st_conn_release(st_conn *c)
{
    st_pool_release(c);
}

/* Before anything is sent: after a refusal nothing has happened. */
static st_err refuse(const st_conn *c, int64_t deadline)
{
    assert(c->in_use);
    if (c->broken) {
        return diag_set(ST_E_CONNECTION, "the connection was lost earlier; take a new one");
    }
    if (fiber_is_cancelled()) {
        return diag_set(-ECANCELED, "cancelled before the statement was sent");
    }
    if (fiber_deadline(deadline) <= fiber_now()) {
        return diag_set(-ETIMEDOUT, "the deadline passed before the statement was sent");
    }
    return 0;
}

static void report(st_engine *e, const char *sql, int64_t ns)
{
    e->options.on_statement(e->options.arg, sql, ns, e->options.slow_ms > 0 && ns >= e->options.slow_ms * 1000000);
}

static int64_t started(const st_conn *c)
{
    return c->engine->options.on_statement ? clock_mono_ns() : 0;
}

static void report_since(const st_conn *c, const char *sql, int64_t start_ns)
{
    if (c->engine->options.on_statement) {
        struct diag kept = *diag_last();
        report(c->engine, sql, clock_mono_ns() - start_ns);
        *diag_last() = kept;
    }
}

st_err st_conn_run(st_conn *c, struct st_stmt *stmts, size_t n, int64_t deadline, size_t *ret_failed)
{
    st_err rc = refuse(c, deadline);
    size_t failed = 0;
    if (rc || n == 0) {
        if (rc && ret_failed) {
            *ret_failed = 0;
        }
        return rc;
    }
    st_engine *e = c->engine;
    for (size_t i = 0; e->trace && i < n; i++) {
        trace(c, stmts[i].sql.p);
    }
    rc = e->driver->run(c, stmts, n, deadline, &failed);
    assert(failed < n);
    if (e->options.on_statement) {
        struct diag kept = *diag_last();
        for (size_t i = 0; i < (rc ? failed + 1 : n); i++) {
            report(e, stmts[i].sql.p, stmts[i].ns);
        }
        *diag_last() = kept;
    }
    if (rc && ret_failed) {
        *ret_failed = failed;
    }
    return rc;
}

static st_err share_alone(st_engine *e, struct st_stmt *stmt, int64_t deadline)
{
    st_conn *c;
    st_err rc = st_conn_acquire(e, false, deadline, &c);
    if (!rc) {
        rc = st_conn_run(c, stmt, 1, deadline, NULL);
        st_conn_release(c);
    }
    return rc;
}

st_err st_share_run(st_engine *e, struct st_stmt *stmt, st_uuid tenant, int64_t deadline)
{
    if (!e->driver->share) {
        return share_alone(e, stmt, deadline);
    }
    stmt->affected = stmt->ns = 0;
    st_err rc = e->driver->share(e, stmt, tenant, deadline);
    if (e->options.on_statement) {
        struct diag kept = *diag_last();
        report(e, stmt->sql.p, stmt->ns);
        *diag_last() = kept;
    }
    return rc;
}

st_err st_conn_bulk(st_conn *c, struct st_bulk *b, int64_t deadline)
{
    b->inserted = b->updated = 0;
    st_err rc = refuse(c, deadline);
    if (rc || b->n_rows == 0) {
        return rc;
    }
    int64_t start_ns = started(c);
    rc = c->engine->driver->bulk(c, b, deadline);
    report_since(c, b->sql.p, start_ns);
    return rc;
}

st_err st_conn_copy(st_conn *c, struct st_copy *copy, int64_t deadline)
{
    assert(c->engine->driver->copy);
    copy->copied = 0;
    st_err rc = refuse(c, deadline);
    if (rc) {
        return rc;
    }
    int64_t start_ns = started(c);
    rc = c->engine->driver->copy(c, copy, deadline);
    report_since(c, copy->sql.p, start_ns);
    return rc;
}

st_err st_conn_exec(st_conn *c, const char *sql, int64_t deadline)
{
    st_err rc = refuse(c, deadline);
    if (!rc) {
        trace(c, sql);
        rc = c->engine->driver->exec(c, sql, deadline);
    }
    return rc;
}

bool st_conn_in_transaction(const st_conn *c)
{
    return c->engine->driver->in_transaction(c);
}

enum st_dialect st_conn_dialect(const st_conn *c)
{
    return c->engine->url.dialect;
}

st_engine *st_conn_engine(const st_conn *c)
{
    return c->engine;
}

st_err st_conn_lost(st_conn *c)
{
    if (!c->broken) {
        c->broken = true;
        if (c->epoch == c->engine->epoch) { /* connections opened since a loss are not suspect because of an old one */
            c->engine->epoch++;
        }
    }
    return ST_E_CONNECTION;
}

/* ---- without a session ---- */

st_err st_engine_ping(st_engine *e, int64_t deadline)
{
    st_conn *c;
    st_err rc = st_conn_acquire(e, false, deadline, &c);
    if (!rc) {
        rc = e->driver->ping(c, deadline);
        st_conn_release(c);
    }
    return rc;
}

st_err st_engine_execute(st_engine *e, const char *sql, int64_t deadline)
{
    st_conn *c;
    st_err rc = st_conn_acquire(e, true, deadline, &c);
    if (!rc) {
        rc = st_conn_exec(c, sql, deadline);
        st_conn_release(c);
    }
    return rc;
}
