/* Bundles: the only way to start a fiber, and the scope that none outlives. */
#include <assert.h>

#include "fiber/internal.h"

void fiber_bundle_open(fiber_bundle *b)
{
    b->loop = fiber_loop_current();
    b->first = NULL;
    b->waiter = NULL;
    b->running = 0;
    b->error = 0;
    b->closing = false;
    b->diag.code = 0;
}

int fiber_start_named(fiber_bundle *b, int (*fn)(void *arg), void *arg, const char *name)
{
    if (!b->loop) {
        return loop_needed() ? diag_set(-ENXIO, "the bundle was opened before the thread's loop") : -ENXIO;
    }
    assert(b->loop == fiber_loop_current());
    if (b->closing) {
        return diag_set(-ECANCELED, "cannot start %s: its bundle is closing", name);
    }
    fiber *f;
    int rc = sched_spawn(b->loop, fn, arg, name, &f);
    if (rc) {
        return rc;
    }
    f->bundle = b;
    f->sibling_next = b->first;
    if (b->first) {
        b->first->sibling_prev = f;
    }
    b->first = f;
    b->running++;
    return 0;
}

void bundle_ended(fiber *f, int rc)
{
    fiber_bundle *b = f->bundle;
    assert(b && b->running > 0);
    if (f->sibling_prev) {
        f->sibling_prev->sibling_next = f->sibling_next;
    } else {
        b->first = f->sibling_next;
    }
    if (f->sibling_next) {
        f->sibling_next->sibling_prev = f->sibling_prev;
    }
    if (rc < 0 && b->error == 0) {
        b->error = rc;
        b->diag = f->diag;
    }
    if (--b->running == 0 && b->waiter) {
        fiber_wake(b->waiter);
    }
}

void fiber_bundle_cancel(fiber_bundle *b)
{
    for (fiber *f = b->first; f; f = f->sibling_next) {
        sched_cancel(f);
    }
}

int fiber_bundle_wait(fiber_bundle *b, int64_t deadline)
{
    int rc = suspend_begin(&deadline);
    if (rc) {
        return rc;
    }
    if (b->running) {
        fiber_waiter w;
        fiber_waiter_init(&w);
        assert(!b->waiter);
        b->waiter = &w;
        rc = park_begun(&w, deadline);
        b->waiter = NULL;
        if (rc) {
            return rc;
        }
    }
    if (b->error) {
        *diag_last() = b->diag;
    }
    return b->error;
}

void fiber_bundle_close(fiber_bundle *b)
{
    b->closing = true;
    fiber_bundle_cancel(b);
    if (b->running) {
        fiber_waiter w;
        fiber_waiter_init(&w);
        assert(!b->waiter);
        b->waiter = &w;
        park_hard(&w);
        b->waiter = NULL;
    }
    assert(b->running == 0 && !b->first);
}

struct root {
    int (*fn)(void *arg);
    void *arg;
    int rc;
};

static int run_root(void *arg)
{
    struct root *r = arg;
    r->rc = r->fn(r->arg);
    return r->rc;
}

int fiber_run(fiber_loop *l, int (*fn)(void *arg), void *arg)
{
    assert(l == fiber_loop_current() && !fiber_self() && !l->root);
    struct root root = {fn, arg, 0};
    fiber_bundle b;
    fiber_bundle_open(&b);
    int rc = fiber_start_named(&b, run_root, &root, "fiber_run");
    if (rc) {
        return rc;
    }
    l->root = b.first;
    fiber_waiter w;
    fiber_waiter_init(&w);
    b.waiter = &w;
    park_hard(&w);
    l->root = NULL;
    if (b.error) {
        *diag_last() = b.diag;
    }
    return root.rc;
}
