#include <assert.h>
#include <errno.h>

#include "strata/engine/conn.h"

/* Somebody in the queue; woken with a connection, or with the right to open one (slot). */
struct st_pool_waiter {
    fiber_waiter w;
    struct st_pool_waiter *next, *prev;
    st_conn *conn;
    bool slot;
};

void st_pool_init(struct st_pool *p, st_engine *e, bool writer, unsigned size, unsigned overflow)
{
    assert(size > 0);
    *p = (struct st_pool){.engine = e, .writer = writer, .size = size, .overflow = overflow};
}

/* ---- the idle list ---- */

static void idle_push(struct st_pool *p, st_conn *c)
{
    c->prev = p->tail;
    c->next = NULL;
    *(p->tail ? &p->tail->next : &p->head) = c;
    p->tail = c;
    p->idle++;
}

static void idle_remove(struct st_pool *p, st_conn *c)
{
    *(c->prev ? &c->prev->next : &p->head) = c->next;
    *(c->next ? &c->next->prev : &p->tail) = c->prev;
    c->prev = c->next = NULL;
    p->idle--;
}

/* ---- the queue ---- */

static void queue_push(struct st_pool *p, struct st_pool_waiter *w)
{
    w->prev = p->last;
    *(p->last ? &p->last->next : &p->first) = w;
    p->last = w;
    p->waiting++;
}

static void queue_remove(struct st_pool *p, struct st_pool_waiter *w)
{
    *(w->prev ? &w->prev->next : &p->first) = w->next;
    *(w->next ? &w->next->prev : &p->last) = w->prev;
    w->prev = w->next = NULL;
    p->waiting--;
}

/* Serves the first in the queue with c, or with the slot of a connection that is no more. False: nobody waits. */
static bool hand_over(struct st_pool *p, st_conn *c)
{
    struct st_pool_waiter *w = p->first;
    if (!w) {
        return false;
    }
    queue_remove(p, w);
    w->conn = c;
    w->slot = !c;
    fiber_wake(&w->w);
    return true;
}

static void give_slot_back(struct st_pool *p)
{
    if (!hand_over(p, NULL)) {
        assert(p->open > 0);
        p->open--;
    }
}

static void put_back(struct st_pool *p, st_conn *c)
{
    if (!hand_over(p, c)) {
        idle_push(p, c);
    }
}

static void discard(struct st_pool *p, st_conn *c)
{
    p->disconnects++;
    p->engine->driver->close(c);
}

/* ---- checkout ---- */

static bool usable(const struct st_pool *p, st_conn *c)
{
    const st_engine *e = p->engine;
    if (c->broken || c->epoch != e->epoch) {
        return false;
    }
    if (e->options.recycle_ms && fiber_now() - c->opened >= e->options.recycle_ms * 1000000) {
        return false;
    }
    return e->driver->alive(c);
}

/* The caller holds a slot. */
static st_err open_one(struct st_pool *p, int64_t deadline, st_conn **ret)
{
    st_engine *e = p->engine;
    int64_t limit = fiber_in_ms(e->options.connect_timeout_ms);
    st_conn *c;
    st_err rc = e->driver->open(e, p->writer, deadline < limit ? deadline : limit, &c);
    if (rc) {
        give_slot_back(p);
        if (rc == -ETIMEDOUT && fiber_now() < fiber_deadline(deadline)) {
            return diag_set(ST_E_CONNECTION, "no connection to %s within %lld ms", e->url.shown,
                            (long long)e->options.connect_timeout_ms);
        }
        return rc;
    }
    p->connects++;
    c->engine = e;
    c->pool = p;
    c->opened = fiber_now();
    c->epoch = e->epoch;
    if (e->options.on_connect) {
        e->options.on_connect(e->options.arg);
    }
    *ret = c;
    return 0;
}

/* Makes sure that c can be used, or opens another in its place. */
static st_err verify(struct st_pool *p, int64_t deadline, st_conn *c, st_conn **ret)
{
    st_err rc = 0;
    if (usable(p, c)) {
        if (p->engine->options.pre_ping) {
            rc = p->engine->driver->ping(c, deadline);
        }
        if (!rc) {
            *ret = c;
            return 0;
        }
        if (!c->broken) { /* cancelled, or its time is up: nothing wrong with c but an unread answer */
            c->broken = true;
            discard(p, c);
            give_slot_back(p);
            return rc;
        }
    } else if (c->epoch != p->engine->epoch) {
        p->invalidations++;
    }
    discard(p, c);
    return open_one(p, deadline, ret);
}

static st_err wait_in_queue(struct st_pool *p, int64_t deadline, struct st_pool_waiter *w)
{
    fiber_waiter_init(&w->w);
    queue_push(p, w);
    st_err rc = fiber_park(&w->w, deadline);
    if (!w->conn && !w->slot) {
        assert(rc < 0);
        queue_remove(p, w);
        return rc;
    }
    if (rc == -ECANCELED) { /* served and cancelled in the same moment */
        if (w->conn) {
            put_back(p, w->conn);
        } else {
            give_slot_back(p);
        }
        return rc;
    }
    return 0;
}

static st_err find(struct st_pool *p, int64_t deadline, st_conn **ret)
{
    if (p->waiting == 0 && p->idle) { /* those who wait come first */
        st_conn *c = p->engine->options.fifo ? p->head : p->tail;
        idle_remove(p, c);
        return verify(p, deadline, c, ret);
    }
    if (p->waiting == 0 && p->open < p->size + p->overflow) {
        p->open++;
        return open_one(p, deadline, ret);
    }
    struct st_pool_waiter w = {0};
    st_err rc = wait_in_queue(p, deadline, &w);
    if (rc) {
        return rc;
    }
    return w.conn ? verify(p, deadline, w.conn, ret) : open_one(p, deadline, ret);
}

st_err st_pool_acquire(struct st_pool *p, int64_t deadline, st_conn **ret)
{
    if (fiber_is_cancelled()) {
        return diag_set(-ECANCELED, "cancelled before a connection was taken");
    }
    int64_t limit = fiber_in_ms(p->engine->options.checkout_timeout_ms);
    int64_t own = fiber_deadline(deadline);
    if (own <= fiber_now()) {
        return diag_set(-ETIMEDOUT, "the deadline passed before a connection was taken");
    }
    st_conn *c;
    st_err rc = find(p, own < limit ? own : limit, &c);
    if (rc == -ETIMEDOUT && fiber_now() < own) {
        p->timeouts++;
        return diag_set(ST_E_POOL_TIMEOUT, "no connection became free within %lld ms (%u in use)",
                        (long long)p->engine->options.checkout_timeout_ms, p->in_use);
    }
    if (rc) {
        return rc;
    }
    assert(!c->in_use && c->pool == p);
    c->in_use = true;
    p->in_use++;
    p->checkouts++;
    *ret = c;
    return 0;
}

/* ---- return ---- */

void st_pool_release(st_conn *c)
{
    struct st_pool *p = c->pool;
    assert(c->in_use && p->in_use > 0);
    bool suspect = c->epoch != p->engine->epoch;
    if (!c->broken && !suspect && !p->engine->driver->clean(c)) {
        fiber_shield_enter();
        {
            FIBER_DEADLINE(fiber_in_ms(ST_RESET_MS));
            struct diag kept = *diag_last(); /* the caller's failure is worth more than that of tidying up */
            if (p->engine->driver->reset(c)) {
                c->broken = true;
            }
            *diag_last() = kept;
        }
        fiber_shield_leave();
    }
    c->in_use = false;
    p->in_use--;
    bool surplus = p->open > p->size && !p->first;
    suspect = c->epoch != p->engine->epoch;
    if (c->broken || suspect || surplus) {
        p->invalidations += suspect && !c->broken;
        discard(p, c);
        give_slot_back(p);
    } else {
        put_back(p, c);
    }
}

void st_pool_close(struct st_pool *p)
{
    assert(p->in_use == 0 && !p->first);
    while (p->head) {
        st_conn *c = p->head;
        idle_remove(p, c);
        discard(p, c);
        p->open--;
    }
    assert(p->open == 0);
}
