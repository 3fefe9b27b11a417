/* Reads of many fibers over few connections.
 *
 * Who asks stands in a queue. Some of those who wait, at most as many as the pool has places, lead: a leader takes a
 * connection, loads its fair share of the queue on it as one pipeline with one Sync, and reads the answers for all of
 * them (the server keeps short ones back until the Sync). Nothing runs in the background: a leader that has its answer,
 * is cancelled or out of time leaves the load to another who waits for it, and when nobody does, the pool cancels what
 * still runs. What a failure of another skipped goes back to the front of the queue. */
#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "strata/engine/pg_load.h"

enum { CROWD_ONE = 256, LOAD_NS = 1000000, LANES_MIN = 3 };

/* ---- the queue ---- */

static void queue_put(struct st_sharing *s, struct pg_ask *a, bool in_front)
{
    a->queued = true;
    a->prev = in_front ? NULL : s->last;
    a->next = in_front ? s->first : NULL;
    *(a->prev ? &a->prev->next : &s->first) = a;
    *(a->next ? &a->next->prev : &s->last) = a;
    s->queued++;
}

static void queue_take(struct st_sharing *s, struct pg_ask *a)
{
    assert(a->queued && s->queued > 0);
    *(a->prev ? &a->prev->next : &s->first) = a->next;
    *(a->next ? &a->next->prev : &s->last) = a->prev;
    a->prev = a->next = NULL;
    a->queued = false;
    s->queued--;
}

static struct pg_ask *first_to_carry(const struct st_sharing *s)
{
    struct pg_ask *a = s->first;
    while (a && a->appointed) { /* fewer than there are connections */
        a = a->next;
    }
    return a;
}

/* Those who wait or are carried, and those who were just answered and are about to ask again: hence it rises at once
 * and sinks by a 256th with each load. */
static unsigned crowd_of(const struct st_sharing *s)
{
    unsigned now = (s->queued + s->carried) * CROWD_ONE;
    return s->crowd > now ? s->crowd : now;
}

/* How many loads are to be under way at once. For slow reads that is what the pool has. Quick ones are cheaper in
 * larger loads, for most of their cost is system calls: then as many go together as take a millisecond, but not all of
 * them, so that the server has some while others are being taken in. */
static unsigned lanes(const struct st_engine *e)
{
    const struct st_sharing *s = &e->sharing;
    int64_t together = crowd_of(s) / CROWD_ONE * s->pace;
    unsigned size = e->readers.size, least = size < LANES_MIN ? size : LANES_MIN;
    int64_t n = s->pace ? together / LOAD_NS + 1 : size;
    return n < least ? least : n < size ? (unsigned)n : size;
}

/* What each of them is to carry when all carry as many. */
static size_t fair_share(const struct st_engine *e)
{
    unsigned one = CROWD_ONE * lanes(e);
    size_t share = (crowd_of(&e->sharing) + one - 1) / one;
    return share > LOAD_MAX ? LOAD_MAX : share;
}

/* The place of a leader that has ended goes to the first who waits. */
static void pass_on(st_engine *e)
{
    struct st_sharing *s = &e->sharing;
    struct pg_ask *a = s->leaders <= lanes(e) ? first_to_carry(s) : NULL;
    if (a) {
        a->appointed = true;
        fiber_wake(&a->waiter);
    } else {
        assert(s->leaders > 0);
        s->leaders--;
    }
}

/* ---- leading ---- */

static void put_on(struct st_sharing *s, struct pg_load *k, struct pg_ask *a)
{
    queue_take(s, a);
    pg_load_put(k, a);
}

static st_err load_new(st_engine *e, struct pg_conn *c, struct pg_ask *own)
{
    struct st_sharing *s = &e->sharing;
    struct pg_load *k;
    st_err rc = pg_load_new(c, &k);
    if (rc) {
        return rc;
    }
    s->crowd -= s->crowd / CROWD_ONE;
    s->crowd = crowd_of(s);
    size_t share = fair_share(e);
    k->leader = own;
    put_on(s, k, own);
    for (struct pg_ask *a; k->n < share && (a = first_to_carry(s));) {
        put_on(s, k, a);
    }
    s->carried += (unsigned)k->n;
    s->reads += k->n;
    s->trips++;
    pg_batch_start(&k->batch);
    if (s->leaders < lanes(e)) {
        s->leaders++;
        pass_on(e);
    }
    return 0;
}

/* With a connection, but too few who ask: lets those run who are about to. When they become enough, the last of them
 * takes place and connection over. */
static st_err gather(struct st_sharing *s, struct pg_ask *own)
{
    bool first = !s->gathering;
    s->gathering = first ? own : s->gathering;
    st_err rc = fiber_yield();
    s->gathering = s->gathering == own ? NULL : s->gathering;
    return rc;
}

static void take_over(struct st_sharing *s, struct pg_ask *a)
{
    struct pg_ask *from = s->gathering;
    assert(from->appointed && from->conn);
    s->gathering = NULL;
    a->appointed = true;
    a->conn = from->conn;
    from->appointed = false;
    from->conn = NULL;
}

/* No connection became free in time for the last of number: nor did one for those who asked before. */
static void time_out(struct st_sharing *s, uint64_t number, st_err rc)
{
    for (struct pg_ask *a = s->first, *next; a; a = next) {
        next = a->next;
        if (!a->appointed && a->number < number) {
            queue_take(s, a);
            pg_ask_end(a, rc);
        }
    }
}

/* Makes own, who is appointed, the leader of a new load. A failure is its own; its place goes to another. */
static st_err load_up(st_engine *e, struct pg_ask *own, int64_t deadline)
{
    struct st_sharing *s = &e->sharing;
    uint64_t asked = s->asked;
    st_err rc = own->conn ? 0 : st_conn_acquire(e, false, deadline, &own->conn);
    if (!rc && fiber_self() && s->queued < fair_share(e)) {
        rc = gather(s, own);
        if (!own->conn && !(rc && own->appointed)) {
            return rc; /* its connection was taken over; perhaps it was appointed again */
        }
    }
    st_conn *c = own->conn;
    own->conn = NULL;
    own->appointed = false;
    rc = rc ? rc : load_new(e, pg_conn(c), own);
    if (rc) {
        queue_take(s, own);
        if (rc == ST_E_POOL_TIMEOUT) {
            time_out(s, asked, rc);
        }
        pass_on(e);
        if (c) {
            st_conn_release(c);
        }
    }
    return rc;
}

/* Nobody leads the load any more: it is over (rc 0), or nothing more will come of it. */
static void unload(st_engine *e, struct pg_load *k, st_err rc)
{
    struct st_sharing *s = &e->sharing;
    struct pg_conn *c = k->batch.conn;
    assert(k->n > 0);
    s->pace += ((clock_mono_ns() - k->loaded) / (int64_t)k->n - s->pace) / 8;
    pg_batch_end(&k->batch);
    for (size_t i = k->n; i-- > 0;) {
        struct pg_ask *a = k->asks[i];
        if (a && rc) {
            pg_load_answer(k, i, rc);
        } else if (a) {
            pg_load_drop(k, i);
            queue_put(s, a, true);
        }
    }
    assert(k->open == 0 && s->carried >= k->n);
    s->carried -= (unsigned)k->n;
    pass_on(e);
    st_conn_release(&c->base);
}

static void leave_to_another(st_engine *e, struct pg_load *k)
{
    for (size_t i = 0; i < k->n; i++) {
        if (k->asks[i]) {
            k->leader = k->asks[i];
            fiber_wake(&k->leader->waiter);
            return;
        }
    }
    unload(e, k, 0);
}

static bool leads(const struct pg_ask *a)
{
    return a->load && a->load->leader == a;
}

static st_err lead(st_engine *e, struct pg_ask *a, int64_t deadline)
{
    struct pg_load *k = a->load;
    st_err rc = pg_batch_go(&k->batch, deadline);
    const struct pg_conn *c = k->batch.conn;
    if (rc == 1) {
        leave_to_another(e, k);
    } else if (rc == 0 || c->base.broken || !c->busy) {
        unload(e, k, rc);
    } else {
        return rc; /* cancelled, or out of time: a gives up, not the load */
    }
    return 0;
}

static void give_up(st_engine *e, struct pg_ask *a)
{
    struct st_sharing *s = &e->sharing;
    struct diag kept = *diag_last();
    struct pg_load *k = a->load;
    assert(!a->conn);
    if (a->queued) {
        queue_take(s, a);
        if (a->appointed) {
            pass_on(e);
        }
    } else if (k) {
        bool led = leads(a);
        pg_load_drop(k, a->at);
        k->abandoned = true;
        if (led) {
            leave_to_another(e, k);
        }
    }
    *diag_last() = kept;
}

st_err pg_share(st_engine *e, struct st_stmt *stmt, st_uuid tenant, int64_t deadline)
{
    struct st_sharing *s = &e->sharing;
    struct pg_ask a;
    a.stmt = stmt;
    a.tenant = tenant;
    a.why = diag_last();
    a.load = NULL;
    a.conn = NULL;
    a.done = a.appointed = a.again = false;
    a.err = 0;
    a.number = s->asked++;
    fiber_waiter_init(&a.waiter);
    queue_put(s, &a, false);
    if (s->gathering && s->queued >= fair_share(e)) {
        take_over(s, &a);
    } else if (!s->gathering && s->leaders < lanes(e)) {
        s->leaders++;
        a.appointed = true;
    }
    st_err rc = 0;
    while (!a.done && !rc) {
        rc = a.appointed ? load_up(e, &a, deadline)
             : leads(&a) ? lead(e, &a, deadline)
                         : fiber_park(&a.waiter, deadline);
    }
    if (!a.done) {
        give_up(e, &a);
    }
    return rc ? rc : a.err;
}
