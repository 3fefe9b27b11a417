/* Blocking calls on the thread pool. */
#include <assert.h>
#include <stdatomic.h>

#include "fiber/internal.h"
#include "fiber/pool.h"

struct offload {
    struct pool_job job;
    int (*fn)(void *arg);
    void *arg;
    int rc;
    struct diag diag; /* fn's; the waiting fiber writes its own when it is cancelled meanwhile */
    fiber_waiter waiter;
};

static void run(struct pool_job *job)
{
    struct offload *o = (struct offload *)job;
    struct diag *old = diag_swap(&o->diag);
    o->rc = o->fn(o->arg);
    (void)diag_swap(old);
}

static void done(struct pool_job *job)
{
    fiber_wake(&((struct offload *)job)->waiter);
}

int fiber_offload(int (*fn)(void *arg), void *arg, _Atomic bool *stop)
{
    int64_t deadline = FIBER_FOREVER;
    int rc = suspend_begin(&deadline);
    fiber_loop *l = fiber_loop_current();
    if (rc || !l) {
        return rc ? rc : fn(arg);
    }
    struct offload o = {.job = {.run = run, .done = done}, .fn = fn, .arg = arg};
    fiber_waiter_init(&o.waiter);
    rc = pool_submit(&l->work, l, l->threads, &o.job);
    if (rc) {
        return rc;
    }
    l->stats.offloads++;
    rc = park_begun(&o.waiter, deadline);
    if (rc) {
        if (pool_withdraw(l->work, &o.job)) {
            return rc;
        }
        if (stop) {
            atomic_store(stop, true);
        }
        park_hard(&o.waiter);
    }
    if (o.diag.code) {
        *diag_last() = o.diag;
    }
    return o.rc;
}
