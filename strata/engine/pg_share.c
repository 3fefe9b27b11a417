/* Reads of many fibers over few connections.
 *
 * Who asks stands in a queue. Some of those who wait, at most as many as the pool has places, lead: a leader takes a
 * connection, loads its fair share of the queue on it as one pipeline with one Sync, and reads the answers for all of
 * them (the server keeps short ones back until the Sync). Nothing runs in the background: a leader that has its answer,
 * is cancelled or out of time leaves the load to another who waits for it, and when nobody does, the pool cancels what
 * still runs.
 *
 * A pipeline up to its Sync is one transaction on the server, so a failure skips what is behind it: that goes back to
 * the front of the queue. The tenant is set for the transaction in front of the first read of each tenant in a row. */
#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "strata/engine/pg.h"

enum { LOAD_MAX = 64, SCOPE = 128, CROWD_ONE = 256 };
enum { LOAD_NS = 1000000, LANES_MIN = 3 };

/* On the stack of the fiber that asks. It is queued, or in a load, or done. */
struct pg_ask {
    fiber_waiter waiter;
    struct pg_ask *prev, *next;
    struct st_stmt *stmt;
    st_uuid tenant;
    struct pg_load *load;
    size_t at;     /* where in load */
    st_conn *conn; /* of one who is appointed, when it has taken it */
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
    uint8_t commands[2 * LOAD_MAX]; /* whose the commands of the batch are; with SCOPE, the tenant's setting for it */
};
_Static_assert((int)LOAD_MAX <= (int)SCOPE, "a place and that bit fit a byte");

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

/* ---- a load ---- */

static void drop(struct pg_load *k, size_t at)
{
    k->leader = k->leader == k->asks[at] ? NULL : k->leader;
    k->asks[at]->load = NULL;
    k->asks[at] = NULL;
    k->stmts[at] = NULL;
    k->open--;
}

static void answer(struct pg_load *k, size_t at, st_err rc)
{
    struct pg_ask *a = k->asks[at];
    drop(k, at);
    a->done = true;
    a->err = rc;
    if (rc && a->why != diag_last()) {
        *a->why = *diag_last();
    }
    fiber_wake(&a->waiter);
}

static st_err make_setting(struct pg_load *k, st_uuid tenant, struct pg_command *ret)
{
    k->setting[0] = '\0';
    if (!uuid_is_nil(tenant)) {
        uuid_format(tenant, k->setting);
    }
    k->tenant = tenant;
    const st_value v = {.type = ST_TEXT, .text = {k->setting, strlen(k->setting)}};
    ret->sql = STR(ST_SET_TENANT);
    ret->id = ST_SET_TENANT_ID;
    return pg_params_make(k->batch.conn->params, &v, 1, &ret->params);
}

static st_err make(struct pg_batch *b, size_t i, struct pg_command *ret)
{
    struct pg_load *k = (struct pg_load *)b;
    while (k->sent < k->n && !k->asks[k->sent]) {
        k->sent++; /* given up before it was sent */
    }
    if (k->sent == k->n) {
        return 1;
    }
    assert(i < sizeof k->commands);
    arena_reset(b->conn->params);
    const struct pg_ask *a = k->asks[k->sent];
    if (!uuid_eq(k->tenant, a->tenant)) {
        k->commands[i] = (uint8_t)(k->sent | SCOPE);
        return make_setting(k, a->tenant, ret);
    }
    k->commands[i] = (uint8_t)k->sent++;
    const struct st_stmt *s = a->stmt;
    ret->sql = s->sql;
    ret->id = s->id;
    return pg_params_make(b->conn->params, s->params, s->n_params, &ret->params);
}

static st_err take(struct pg_batch *b, size_t i, PGresult *res)
{
    struct pg_load *k = (struct pg_load *)b;
    size_t at = k->commands[i];
    if ((at & SCOPE) || !k->asks[at]) {
        return 0;
    }
    k->taking.shielded = k->asks[at] != k->leader;
    st_err rc = pg_take(&k->taking, &k->stmts[at], res);
    if (rc && k->asks[at]) { /* its own trouble, not that of those behind it */
        answer(k, at, rc);
    }
    return 0;
}

static void done(struct pg_batch *b, size_t i)
{
    struct pg_load *k = (struct pg_load *)b;
    size_t at = k->commands[i];
    int64_t now = k->started ? clock_mono_ns() : 0;
    k->taking.planned = false;
    if (!(at & SCOPE) && k->asks[at]) {
        k->stmts[at]->ns = now - k->started;
        answer(k, at, 0);
    }
    k->started = now;
}

/* Whoever's statement the server refused. */
static void failed(struct pg_batch *b)
{
    struct pg_load *k = (struct pg_load *)b;
    size_t at = b->received < b->sent ? k->commands[b->received] & ~(unsigned)SCOPE : k->sent;
    if (at >= k->n || !k->asks[at]) {
        return;
    }
    struct pg_ask *a = k->asks[at];
    k->stmts[at]->ns = k->started ? clock_mono_ns() - k->started : 0;
    if (b->stale_plan && !a->again) {
        a->again = true; /* goes with those behind it, when the connection has forgotten what it prepared */
        b->conn->stale = true;
    } else {
        answer(k, at, b->err);
    }
}

static bool leaves(const struct pg_batch *b)
{
    const struct pg_load *k = (const struct pg_load *)b;
    return !k->leader && (k->open > 0 || k->abandoned);
}

/* ---- leading ---- */

static void put_on(struct pg_load *k, struct pg_ask *a)
{
    queue_take(&k->batch.conn->base.engine->sharing, a);
    a->load = k;
    a->at = k->n;
    k->asks[k->n] = a;
    k->stmts[k->n++] = a->stmt;
}

static st_err load_new(struct st_sharing *s, struct pg_conn *c, struct pg_ask *own)
{
    struct pg_load *k = c->load ? c->load : mem_alloc(sizeof *k);
    if (!k) {
        return diag_nomem();
    }
    c->load = k;
    k->batch =
        (struct pg_batch){.conn = c, .make = make, .take = take, .done = done, .failed = failed, .leaves = leaves};
    k->taking = (struct pg_taking){.conn = c};
    k->leader = own;
    k->n = k->sent = 0;
    k->abandoned = false;
    k->tenant = (st_uuid){{0}};
    k->started = c->base.engine->options.on_statement ? clock_mono_ns() : 0;
    s->crowd -= s->crowd / CROWD_ONE;
    s->crowd = crowd_of(s);
    size_t share = fair_share(c->base.engine);
    put_on(k, own);
    for (struct pg_ask *a; k->n < share && (a = first_to_carry(s));) {
        put_on(k, a);
    }
    k->open = k->n;
    s->carried += (unsigned)k->n;
    s->reads += k->n;
    s->trips++;
    k->loaded = clock_mono_ns();
    pg_batch_start(&k->batch);
    if (s->leaders < lanes(c->base.engine)) {
        s->leaders++;
        pass_on(c->base.engine);
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

/* Makes own, who is appointed, the leader of a new load. A failure is its own; its place goes to another. */
static st_err load_up(st_engine *e, struct pg_ask *own, int64_t deadline)
{
    struct st_sharing *s = &e->sharing;
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
    rc = rc ? rc : load_new(s, pg_conn(c), own);
    if (rc) {
        queue_take(s, own);
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
            answer(k, i, rc);
        } else if (a) {
            drop(k, i);
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
        drop(k, a->at);
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
