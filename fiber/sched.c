/* Starting, switching and ending fibers.
 *
 * A fiber that suspends switches straight to the next ready one; when there is none, or enough have run since the
 * loop last polled, it switches to the thread outside, which is in sched_drain. */
#include <assert.h>
#include <stdalign.h>

#include "fiber/internal.h"

enum { BUDGET = 256 }; /* switches between two polls: some 10 us of pure switching */

static void reap(fiber_loop *l)
{
    fiber *f = l->dead;
    if (f) {
        l->dead = NULL;
        sanitize_release(&f->sanitize);
        struct fiber_stack s = f->stack;
        SANITIZE_UNPOISON(s.low, s.size); /* frames that never returned left red zones */
        check_stack(l, f);
        *f = (fiber){0};
        stack_put(&l->stacks, &s);
    }
}

static void switch_fiber(fiber_loop *l, fiber *to, bool last)
{
    fiber *from = l->current;
    assert(from != to);
    l->came_from = from;
    l->current = to;
    l->stats.switches++;
    if (to != &l->outside) {
        to->state = FIBER_RUNNING;
    }
    from->slot = diag_swap(to->slot);
    sanitize_leave(&from->sanitize, &to->sanitize, last);
    switch_to(&from->ctx, &to->ctx);
    sanitize_enter(&from->sanitize, &l->came_from->sanitize);
    reap(l);
}

static fiber *next_fiber(fiber_loop *l)
{
    fiber *f = l->budget ? ready_pop(l) : NULL;
    if (f) {
        l->budget--;
    }
    return f ? f : &l->outside;
}

void sched_suspend(fiber_loop *l)
{
    assert(l->current != &l->outside && l->current->state != FIBER_RUNNING);
    switch_fiber(l, next_fiber(l), false);
}

void sched_drain(fiber_loop *l)
{
    assert(l->current == &l->outside && !l->draining);
    l->budget = BUDGET;
    fiber *f = next_fiber(l);
    if (f != &l->outside) {
        l->draining = true;
        switch_fiber(l, f, false);
        l->draining = false;
    }
}

void sched_ready(fiber *f, int rc, const char *who)
{
    fiber_loop *l = f->loop;
    if (f->state != FIBER_PARKED) {
        fiber_die("fiber %s is resumed by %s while it is not suspended (last scheduled by %s)", fiber_label(f), who,
                  f->scheduled_by ? f->scheduled_by : "its start");
    }
    f->state = FIBER_READY;
    f->wake_rc = rc;
    f->scheduled_by = who;
    if (f->waiter) {
        f->waiter->parked = false;
        f->waiter = NULL;
    }
    if (f->timer.armed) {
        deadline_remove(l, &f->timer);
    }
    if (f != &l->outside) {
        ready_push(l, f);
    }
    loop_poke(l);
}

static _Noreturn void fiber_main(void *arg)
{
    fiber *f = arg;
    fiber_loop *l = f->loop;
    sanitize_enter(&f->sanitize, &l->came_from->sanitize);
    reap(l);
    int rc = f->fn(f->arg);
    assert(!f->guards && !f->shields && f->deadline == FIBER_FOREVER); /* every scope was left */
    arena_free(f->arena); /* its callbacks may still use what the bundle's owner keeps alive */
    f->arena = NULL;
    f->state = FIBER_ENDED;
    bundle_ended(f, rc);
    l->stats.fibers--;
    l->dead = f;
    switch_fiber(l, next_fiber(l), true);
    fiber_die("fiber %s was resumed after its end", fiber_label(f));
}

int sched_spawn(fiber_loop *l, int (*fn)(void *arg), void *arg, const char *name, fiber **ret)
{
    assert(fn && name);
    if (l->stats.fibers >= l->max_fibers) {
        return diag_set(-EAGAIN, "cannot start %s: %u fibers are running, the limit (max_fibers)", name,
                        l->stats.fibers);
    }
    if (l->random) {
        int rc = ready_reserve(&l->ready, l->stats.fibers + 1u);
        if (rc) {
            return rc;
        }
    }
    struct fiber_stack stack;
    int rc = stack_get(&l->stacks, &stack);
    if (rc) {
        return diag_wrap(rc, "cannot start %s", name);
    }
    uintptr_t top = (uintptr_t)stack.low + stack.size - sizeof(fiber);
    fiber *f = (fiber *)(top - top % alignof(max_align_t));
    *f = (fiber){.loop = l,
                 .state = FIBER_READY,
                 .deadline = FIBER_FOREVER,
                 .scheduled_by = "its start",
                 .fn = fn,
                 .arg = arg,
                 .name = name,
                 .stack = stack};
    f->slot = &f->diag;
    size_t usable = (size_t)((char *)f - (char *)stack.low);
    sanitize_init(&f->sanitize, stack.low, usable);
    switch_make(&f->ctx, stack.low, usable, fiber_main, f);
    l->stats.started++;
    if (++l->stats.fibers > l->stats.fibers_peak) {
        l->stats.fibers_peak = l->stats.fibers;
    }
    ready_push(l, f);
    loop_poke(l);
    *ret = f;
    return 0;
}

void sched_cancel(fiber *f)
{
    f->cancelled = true;
    if (f->state == FIBER_PARKED && !f->hard && !f->shields) {
        sched_ready(f, -ECANCELED, "its cancellation");
    }
}
