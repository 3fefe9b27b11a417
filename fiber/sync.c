/* Mutex, condition and semaphore. What is released goes to the first in the queue at once, so nobody overtakes, and a
 * fiber that was given it has it even when it is cancelled before it runs. */
#include <assert.h>

#include "fiber/internal.h"

bool fiber_mutex_try_lock(fiber_mutex *m)
{
    bool got = !m->locked;
    m->locked = true;
    return got;
}

int fiber_mutex_lock(fiber_mutex *m, int64_t deadline)
{
    int rc = suspend_begin(&deadline);
    if (rc || fiber_mutex_try_lock(m)) {
        return rc;
    }
    fiber_waiter w;
    fiber_waiter_init(&w);
    return queue_park(&m->waiters, &w, deadline);
}

void fiber_mutex_unlock(fiber_mutex *m)
{
    assert(m->locked);
    fiber_waiter *w = queue_pop(&m->waiters);
    if (w) {
        fiber_wake(w);
    } else {
        m->locked = false;
    }
}

static void lock_hard(fiber_mutex *m)
{
    if (!fiber_mutex_try_lock(m)) {
        fiber_waiter w;
        fiber_waiter_init(&w);
        queue_push(&m->waiters, &w);
        park_hard(&w);
    }
}

int fiber_cond_wait(fiber_cond *c, fiber_mutex *m, int64_t deadline)
{
    assert(!m || m->locked);
    int rc = suspend_begin(&deadline);
    if (rc) {
        return rc;
    }
    fiber_waiter w;
    fiber_waiter_init(&w);
    if (m) {
        fiber_mutex_unlock(m);
    }
    rc = queue_park(&c->waiters, &w, deadline);
    if (m) {
        lock_hard(m);
    }
    return rc;
}

void fiber_cond_signal(fiber_cond *c)
{
    fiber_waiter *w = queue_pop(&c->waiters);
    if (w) {
        fiber_wake(w);
    }
}

void fiber_cond_broadcast(fiber_cond *c)
{
    while (c->waiters.head) {
        fiber_cond_signal(c);
    }
}

bool fiber_sem_try_acquire(fiber_sem *s)
{
    if (s->count == 0) {
        return false;
    }
    s->count--;
    return true;
}

int fiber_sem_acquire(fiber_sem *s, int64_t deadline)
{
    int rc = suspend_begin(&deadline);
    if (rc || fiber_sem_try_acquire(s)) {
        return rc;
    }
    fiber_waiter w;
    fiber_waiter_init(&w);
    return queue_park(&s->waiters, &w, deadline);
}

void fiber_sem_release(fiber_sem *s)
{
    fiber_waiter *w = queue_pop(&s->waiters);
    if (w) {
        fiber_wake(w);
    } else {
        assert(s->count < UINT32_MAX);
        s->count++;
    }
}
