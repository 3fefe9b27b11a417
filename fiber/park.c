/* Suspending and waking: what every call that waits is made of. */
#include <assert.h>
#include <time.h>

#include "fiber/internal.h"

static int timed_out(void)
{
    return diag_set(-ETIMEDOUT, "the deadline has passed");
}

static int cancelled(const fiber *f)
{
    return diag_set(-ECANCELED, "fiber %s was cancelled", fiber_label(f));
}

static void check_guard(const fiber *f)
{
#ifndef NDEBUG
    if (f->guards) {
        fiber_die("fiber %s suspends where it must not: %s (%s)", fiber_label(f), f->guard_why, f->guard_where);
    }
#else
    (void)f;
#endif
}

int suspend_begin(int64_t *deadline)
{
    fiber_loop *l = fiber_loop_current();
    if (l) {
        fiber *f = l->current;
        check_guard(f);
        if (f->deadline < *deadline) {
            *deadline = f->deadline;
        }
        if (f->cancelled && !f->shields) {
            return cancelled(f);
        }
    }
    return *deadline != FIBER_FOREVER && *deadline <= fiber_now() ? timed_out() : 0;
}

void fiber_waiter_init(fiber_waiter *w)
{
    fiber_loop *l = fiber_loop_current();
    *w = (fiber_waiter){.loop = l, .fiber = fiber_self()};
}

static int park(fiber_waiter *w, int64_t deadline, bool hard)
{
    fiber_loop *l = w->loop;
    fiber *f = l->current;
    if (f == &l->outside && l->polling) {
        fiber_die("a call that waits was made from a libuv callback");
    }
    assert(f && w->fiber == (f == &l->outside ? NULL : f)); /* one parks on one's own waiter */
    assert(!w->parked && !f->waiter);
    w->parked = true;
    f->waiter = w;
    f->state = FIBER_PARKED;
    f->hard = hard;
    if (deadline != FIBER_FOREVER) {
        deadline_add(l, &f->timer, deadline);
    }
    if (f == &l->outside) {
        loop_run_until_woken(l);
    } else {
        sched_suspend(l);
    }
    f->hard = false;
    assert(!w->parked && !f->timer.armed);
    if (f->wake_rc == 0) {
        w->woken = false;
    }
    return f->wake_rc;
}

/* A thread without a loop: nothing can wake it, but a deadline can pass. */
static int park_thread(int64_t deadline)
{
    if (deadline == FIBER_FOREVER) {
        return diag_set(-EDEADLK, "nothing can end this wait: the thread has no loop (fiber_loop_open)");
    }
    struct timespec at = {deadline / 1000000000, deadline % 1000000000};
    while (deadline > 0 && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
    }
    return timed_out();
}

int park_begun(fiber_waiter *w, int64_t deadline)
{
    if (!w->loop) {
        return park_thread(deadline);
    }
    int rc = park(w, deadline, false);
    switch (rc) {
    case -ETIMEDOUT:
        return timed_out();
    case -ECANCELED:
        return cancelled(w->loop->current);
    case -EDEADLK:
        return diag_set(rc, "fibers wait for each other only: nothing can ever end this wait");
    default:
        return rc;
    }
}

int fiber_park(fiber_waiter *w, int64_t deadline)
{
    if (w->loop) {
        check_guard(w->loop->current);
    }
    if (w->woken) {
        w->woken = false;
        return 0;
    }
    int rc = suspend_begin(&deadline);
    return rc ? rc : park_begun(w, deadline);
}

void park_hard(fiber_waiter *w)
{
    assert(w->loop);
    check_guard(w->loop->current);
    while (!w->woken && park(w, FIBER_FOREVER, true) != 0) {
    }
    w->woken = false;
}

void fiber_wake_at(fiber_waiter *w, const char *where)
{
    assert(w->loop == fiber_loop_current()); /* one thread */
    if (w->woken) {
        return;
    }
    w->woken = true;
    if (w->parked) {
        sched_ready(w->fiber ? w->fiber : &w->loop->outside, 0, where);
    }
}

int queue_park(struct fiber_queue *q, fiber_waiter *w, int64_t deadline)
{
    queue_push(q, w);
    int rc = park_begun(w, deadline);
    if (rc) {
        queue_remove(q, w);
    }
    return rc;
}

int fiber_sleep_until(int64_t t)
{
    int64_t scope = FIBER_FOREVER;
    int rc = suspend_begin(&scope);
    if (rc || t <= fiber_now()) {
        return rc;
    }
    fiber_waiter w;
    fiber_waiter_init(&w);
    rc = park_begun(&w, t < scope ? t : scope);
    return rc == -ETIMEDOUT && t <= scope ? 0 : rc;
}

int fiber_yield(void)
{
    int64_t deadline = FIBER_FOREVER;
    int rc = suspend_begin(&deadline);
    fiber_loop *l = fiber_loop_current();
    if (rc || !l) {
        return rc;
    }
    fiber *f = l->current;
    if (f == &l->outside) {
        fiber_waiter w;
        fiber_waiter_init(&w);
        rc = park_begun(&w, fiber_now() + 1);
        return rc == -ETIMEDOUT ? 0 : rc;
    }
    f->state = FIBER_READY;
    f->scheduled_by = "its own yield";
    ready_yield(l, f);
    sched_suspend(l);
    return f->cancelled && !f->shields ? cancelled(f) : 0;
}

int suspend_tick(void)
{
    enum { HURRIED_MAX = 64 };
    fiber_loop *l = fiber_loop_current();
    if (!l || ++l->current->hurried < HURRIED_MAX) {
        return 0;
    }
    l->current->hurried = 0;
    return fiber_yield();
}

/* ---- the current fiber ---- */

fiber *fiber_self(void)
{
    fiber_loop *l = fiber_loop_current();
    return l && l->current != &l->outside ? l->current : NULL;
}

bool fiber_is_cancelled(void)
{
    const fiber *f = fiber_self();
    return f && f->cancelled && !f->shields;
}

arena *fiber_arena(void)
{
    fiber *f = fiber_self();
    if (f && !f->arena) {
        f->arena = arena_new(NULL, 0);
    }
    return f ? f->arena : NULL;
}

const char *fiber_name(const fiber *f)
{
    return f ? f->name : "outside";
}

/* Outside of all fibers nothing is cancelled, but deadline scopes are lifted as well. */
void fiber_shield_enter(void)
{
    fiber_loop *l = fiber_loop_current();
    if (l && l->current->shields++ == 0) {
        l->current->unshielded = l->current->deadline;
        l->current->deadline = FIBER_FOREVER;
    }
}

void fiber_shield_leave(void)
{
    fiber_loop *l = fiber_loop_current();
    if (l) {
        assert(l->current->shields > 0);
        if (--l->current->shields == 0) {
            l->current->deadline = l->current->unshielded;
        }
    }
}

void fiber_no_suspend_enter_at(const char *why, const char *where)
{
    fiber_loop *l = fiber_loop_current();
    if (l && l->current->guards++ == 0) {
        l->current->guard_why = why;
        l->current->guard_where = where;
    }
}

void fiber_no_suspend_leave(void)
{
    fiber_loop *l = fiber_loop_current();
    if (l) {
        assert(l->current->guards > 0);
        l->current->guards--;
    }
}
