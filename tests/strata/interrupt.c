#include "interrupt.h"

#include <unistd.h>

#include "base/clock.h"
#include "fiber/internal.h"

const char *const manners[MANNERS] = {"cancelled", "cancelled while busy", "cancelled late", "out of time"};

struct plan {
    const fiber *victim; /* NULL: nothing happens */
    enum manner manner;
    uint64_t nth, seen;
};
static struct plan plan;
static int64_t jumped; /* how far the clock is ahead, ns */

enum { TWO_HOURS_MS = 2 * 3600 * 1000, BUSY_US = 300 };

int64_t __real_clock_mono_ns(void);
int64_t __wrap_clock_mono_ns(void);
int64_t __wrap_clock_mono_ns(void)
{
    return __real_clock_mono_ns() + __atomic_load_n(&jumped, __ATOMIC_RELAXED);
}

static void strike(fiber *f)
{
    switch (plan.manner) {
    case CANCELLED_BUSY:
        (void)usleep(BUSY_US);
        sched_cancel(f);
        break;
    case CANCELLED:
        sched_cancel(f);
        break;
    case OUT_OF_TIME:
        __atomic_add_fetch(&jumped, TWO_HOURS_MS * INT64_C(1000000), __ATOMIC_RELAXED);
        f->loop->timer_at = INT64_MAX; /* what it was set for is long past */
        loop_poke(f->loop);
        break;
    case CANCELLED_LATE:
    case MANNERS:
        break;
    }
}

void interrupt_arm(const fiber *victim, enum manner manner, uint64_t nth)
{
    plan = (struct plan){.victim = victim, .manner = manner, .nth = nth};
}

void interrupt_disarm(void)
{
    plan.victim = NULL;
}

uint64_t interrupt_seen(void)
{
    return plan.seen;
}

enum manner interrupt_manner(void)
{
    return plan.manner;
}

/* Every fiber that waits comes through here. */
void __real_sched_suspend(fiber_loop *l);
void __wrap_sched_suspend(fiber_loop *l);
void __wrap_sched_suspend(fiber_loop *l)
{
    fiber *f = l->current;
    bool now = f == plan.victim && ++plan.seen == plan.nth;
    if (now) {
        strike(f);
        l->budget = 0; /* not straight back to itself */
    }
    __real_sched_suspend(l);
    if (now && plan.manner == CANCELLED_LATE) {
        sched_cancel(f);
    }
}
