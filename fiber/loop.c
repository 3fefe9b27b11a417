/* The libuv side: fibers run in prepare (what timers woke) and check (what I/O woke) of each turn of the loop; an
 * idle handle keeps a turn from sleeping while fibers are ready. Handles hold the loop alive only while a fiber waits
 * for what they bring. */
#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fiber/internal.h"
#include "fiber/pool.h"

static _Thread_local fiber_loop *current_loop;

fiber_loop *fiber_loop_current(void)
{
    return current_loop;
}

uv_loop_t *fiber_loop_uv(fiber_loop *l)
{
    return l->uv;
}

fiber_loop *loop_needed(void)
{
    if (!current_loop) {
        (void)diag_set(-ENXIO, "this thread has no loop: call fiber_loop_open first");
    }
    return current_loop;
}

int64_t loop_now(fiber_loop *l)
{
    return l->random ? l->virtual_now : clock_mono_ns();
}

int64_t fiber_now(void)
{
    return current_loop ? loop_now(current_loop) : clock_mono_ns();
}

static bool something_ready(const fiber_loop *l)
{
    return !ready_empty(l) || l->yielded_head || l->outside.state == FIBER_READY;
}

static void on_idle(uv_idle_t *h)
{
    (void)h;
}

static void set_idle(fiber_loop *l, bool on)
{
    if (on != l->idling) {
        int rc = on ? uv_idle_start(&l->idle, on_idle) : uv_idle_stop(&l->idle);
        assert(rc == 0);
        (void)rc;
        l->idling = on;
    }
}

void loop_poke(fiber_loop *l)
{
    if (!l->draining) {
        set_idle(l, true);
    }
}

static void on_timer(uv_timer_t *h)
{
    fiber_loop *l = h->data;
    if (l->random && l->virtual_now < l->timer_at) {
        l->virtual_now = l->timer_at; /* real time was waited out, for I/O that did not come */
    }
    l->timer_at = INT64_MAX;
    set_idle(l, true); /* the loop may run timers last in a turn: keep it alive for the next */
}

static void set_timer(fiber_loop *l, int64_t at)
{
    if (at == INT64_MAX) { /* seeded only: one that fired in vain would move the virtual clock */
        (void)uv_timer_stop(&l->timer);
    } else {
        int64_t left = at - loop_now(l);
        uv_update_time(l->uv);
        /* One more millisecond, so that rounding never fires early; never 0, which would starve polling. */
        int rc = uv_timer_start(&l->timer, on_timer, left > 0 ? (uint64_t)left / 1000000 + 1 : 1, 0);
        assert(rc == 0);
        (void)rc;
    }
    l->timer_at = at;
}

static void hold_timer(fiber_loop *l, bool on)
{
    if (on) {
        uv_ref((uv_handle_t *)&l->timer);
    } else {
        uv_unref((uv_handle_t *)&l->timer);
    }
}

/* Sets our handles to what the fibers wait for now. */
static void sync_handles(fiber_loop *l)
{
    bool ready = something_ready(l);
    int64_t first = l->deadlines ? l->deadlines->at : INT64_MAX;
    if (l->random && !ready && first != INT64_MAX) {
        set_idle(l, false);
        hold_timer(l, false);
        if (!uv_loop_alive(l->uv)) { /* nothing outstanding: time jumps */
            l->virtual_now = first;
            deadline_expire(l);
            ready = true;
            first = l->deadlines ? l->deadlines->at : INT64_MAX;
        }
    }
    set_idle(l, ready);
    if (first < l->timer_at || (l->random && first == INT64_MAX)) {
        set_timer(l, first); /* one that is armed too early fires once in vain, which is cheaper than re-arming */
    }
    hold_timer(l, first != INT64_MAX);
}

static void turn(fiber_loop *l)
{
    deadline_expire(l);
    sched_drain(l);
    sync_handles(l);
}

static void on_prepare(uv_prepare_t *h)
{
    turn(h->data);
}

static void on_check(uv_check_t *h)
{
    fiber_loop *l = h->data;
    ready_unyield(l);
    turn(l);
}

/* The thread waits outside of all fibers, yet nothing on the loop can happen any more. */
static void deadlock(fiber_loop *l)
{
    if (!l->outside.hard) {
        sched_ready(&l->outside, -EDEADLK, "the end of all activity");
    } else if (l->root && l->root->state == FIBER_PARKED && !l->root->hard) {
        sched_ready(l->root, -EDEADLK, "the end of all activity");
    } else {
        fiber_die("deadlock: a bundle is being closed whose %u fibers wait for what can never happen", l->stats.fibers);
    }
}

void loop_run_until_woken(fiber_loop *l)
{
    assert(!l->polling);
    l->polling = true;
    sync_handles(l);
    while (l->outside.state == FIBER_PARKED) {
        if (!uv_run(l->uv, UV_RUN_ONCE) && l->outside.state == FIBER_PARKED && !something_ready(l) && !l->deadlines) {
            deadlock(l);
        }
    }
    l->polling = false;
    l->outside.state = FIBER_RUNNING;
}

static void on_closed(uv_handle_t *h)
{
    fiber_loop *l = h->data;
    if (--l->handles == 0 && !l->owns) {
        mem_free(l);
    }
}

static void close_handles(fiber_loop *l)
{
    uv_handle_t *const all[] = {(uv_handle_t *)&l->prepare, (uv_handle_t *)&l->check, (uv_handle_t *)&l->idle,
                                (uv_handle_t *)&l->timer};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        uv_close(all[i], on_closed);
    }
}

int fiber_loop_open(const struct fiber_loop_options *options, fiber_loop **ret)
{
    const struct fiber_loop_options none = {0}, *o = options ? options : &none;
    if (current_loop) {
        return diag_set(-EBUSY, "this thread has a loop already");
    }
    fiber_loop *l = mem_zalloc(1, sizeof *l);
    if (!l) {
        return diag_nomem();
    }
    l->owns = !o->uv;
    l->uv = o->uv ? o->uv : &l->own;
    int rc = l->owns ? uv_loop_init(&l->own) : 0;
    if (rc) {
        mem_free(l);
        return diag_set(rc, "cannot make an event loop: %s", uv_strerror(rc));
    }
    l->max_fibers = o->max_fibers ? o->max_fibers : 30000;
    l->threads = o->threads ? o->threads : 4;
    l->random = o->seed;
    l->virtual_now = l->random ? 1000000000 : 0;
    l->timer_at = INT64_MAX;
    stack_pool_init(&l->stacks, o->stack_size);
    l->outside = (fiber){.loop = l, .state = FIBER_RUNNING, .deadline = FIBER_FOREVER, .name = "outside"};
    sanitize_init_thread(&l->outside.sanitize);
    l->current = &l->outside;

    l->prepare.data = l->check.data = l->idle.data = l->timer.data = l;
    (void)uv_prepare_init(l->uv, &l->prepare); /* these four cannot fail */
    (void)uv_check_init(l->uv, &l->check);
    (void)uv_idle_init(l->uv, &l->idle);
    (void)uv_timer_init(l->uv, &l->timer);
    l->handles = 4;
    (void)uv_prepare_start(&l->prepare, on_prepare);
    (void)uv_check_start(&l->check, on_check);
    uv_unref((uv_handle_t *)&l->prepare);
    uv_unref((uv_handle_t *)&l->check);
    current_loop = l;
    *ret = l;
    return 0;
}

void fiber_loop_close(fiber_loop *l)
{
    if (!l) {
        return;
    }
    assert(l == current_loop && l->current == &l->outside);
    if (l->stats.fibers) {
        fiber_die("the loop is closed while %u fibers run: close their bundles first", l->stats.fibers);
    }
    pool_close(l->work);
    pool_close(l->names);
    stack_pool_release(&l->stacks);
    mem_free(l->ready.set);
    mem_free(l->sites);
    current_loop = NULL;
    close_handles(l);
    if (l->owns) {
        int rc;
        do {
            (void)uv_run(&l->own, UV_RUN_NOWAIT);
            rc = uv_loop_close(&l->own);
        } while (l->handles);
        if (rc) {
            fiber_die("the loop is closed while a descriptor, socket, process or signal is still open on it");
        }
        mem_free(l);
    }
}

void fiber_loop_stats(const fiber_loop *l, struct fiber_stats *ret)
{
    *ret = l->stats;
    ret->stacks_pooled = l->stacks.pooled;
}
