/* Broken rules end the process, and say whose fault it was. */
#include "dies.h"
#include "fiber/internal.h"
#include "fixture.h"

#ifdef NDEBUG
enum { DEBUG = 0 };
#else
enum { DEBUG = 1 };
#endif

static int suspend_where_it_must_not(void *arg)
{
    fiber_mutex m = {0}; /* free: it would not even have to wait */
    fiber_no_suspend_enter("the index is half built");
    (void)fiber_mutex_lock(&m, FIBER_FOREVER);
    fiber_no_suspend_leave();
    (void)arg;
    return 0;
}

static void break_guard(void)
{
    (void)in_fiber(suspend_where_it_must_not, NULL);
}

static int between_guards(void *arg)
{
    fiber_no_suspend_enter("outer");
    fiber_no_suspend_enter("inner");
    fiber_no_suspend_leave();
    fiber_no_suspend_leave();
    OK(fiber_yield());
    (void)arg;
    return 0;
}

START_TEST(suspending_in_a_guarded_section_names_the_place)
{
    if (DEBUG) {
        aborts(break_guard, "fiber fiber_run suspends where it must not: the index is half built (");
        aborts(break_guard, "guard.c:");
    } else {
        break_guard();
    }
    OK(in_fiber(between_guards, NULL));
}
END_TEST

static int resume_self(void *arg)
{
    sched_ready(fiber_self(), 0, "the wrong hand");
    (void)arg;
    return 0;
}

static void resume_running(void)
{
    (void)in_fiber(resume_self, NULL);
}

static int forge_readiness(void *arg)
{
    fiber *self = fiber_self();
    self->state = FIBER_READY;
    self->scheduled_by = "a forger";
    ready_push(self->loop, self);
    self->state = FIBER_RUNNING;
    OK(fiber_sleep_until(fiber_in_ms(1)));
    (void)arg;
    return 0;
}

static void forge(void)
{
    (void)in_fiber(forge_readiness, NULL);
}

START_TEST(resuming_a_running_fiber_names_who_scheduled_it)
{
    aborts(resume_running, "fiber fiber_run is resumed by the wrong hand while it is not suspended");
    aborts(forge, "scheduled by a forger, is resumed while it is not ready");
}
END_TEST

static int sleep_on(void *arg)
{
    (void)arg;
    return fiber_sleep_until(FIBER_FOREVER);
}

static void close_early(void)
{
    fiber_loop *l;
    fiber_bundle b;
    OK(fiber_loop_open(NULL, &l));
    fiber_bundle_open(&b);
    OK(fiber_start(&b, sleep_on, NULL));
    fiber_loop_close(l);
}

static void leave_fd_open(void)
{
    fiber_loop *l;
    fiber_fd *f;
    int fd[2];
    OK(fiber_loop_open(NULL, &l));
    OK(pipe2(fd, O_CLOEXEC));
    OK(fiber_fd_new(fd[0], &f));
    fiber_loop_close(l);
}

START_TEST(closing_a_loop_in_use_says_what_is_left)
{
    aborts(close_early, "the loop is closed while 1 fibers run");
    aborts(leave_fd_open, "is still open on it");
}
END_TEST

static void wait_in_callback(uv_timer_t *t)
{
    (void)t;
    (void)fiber_sleep_until(fiber_in_ms(1));
}

static void callback_waits(void)
{
    fiber_loop *l;
    uv_timer_t t;
    OK(fiber_loop_open(NULL, &l));
    OK(uv_timer_init(fiber_loop_uv(l), &t));
    OK(uv_timer_start(&t, wait_in_callback, 1, 0));
    (void)fiber_sleep_until(fiber_in_ms(50));
}

START_TEST(waiting_in_a_callback_is_refused)
{
    aborts(callback_waits, "made from a libuv callback");
}
END_TEST

static int wait_shielded(void *arg)
{
    (void)arg;
    fiber_shield_enter();
    (void)fiber_sleep_until(FIBER_FOREVER);
    fiber_shield_leave();
    return 0;
}

static int leave_one_behind(void *arg)
{
    (void)arg;
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, wait_shielded, NULL));
    return fiber_yield();
}

static void join_for_ever(void)
{
    (void)in_fiber(leave_one_behind, NULL);
}

START_TEST(a_join_that_can_never_end_is_told)
{
    aborts(join_for_ever, "deadlock");
}
END_TEST

/* Fills about size bytes of stack in frames of 8 KiB. */
NO_ASAN static __attribute__((noinline)) int dig(volatile const char *above, long size)
{
    volatile char here[8192];
    for (size_t i = 0; i < sizeof here; i += 64) {
        here[i] = (char)(i | 1);
    }
    return size > 0 ? dig(here, size - (long)sizeof here) + here[0] : above[0];
}

enum { STACK = 512 << 10 };
static const struct fiber_loop_options options = {.stack_size = STACK};

static int dig_here(void *arg)
{
    volatile char top = 1;
    return dig(&top, *(long *)arg) != 0 ? 0 : 1;
}

static void dig_to_the_edge(void)
{
    long size = STACK - STACK / 8;
    (void)in_fiber_with(&options, dig_here, &size);
}

static void dig_through(void)
{
    long size = STACK * 2;
    (void)in_fiber_with(&options, dig_here, &size);
}

START_TEST(a_stack_that_overflows_meets_its_guard_page)
{
    dies_of(SIGSEGV, dig_through, NULL);
}
END_TEST

static int dig_beside(void *arg)
{
    FIBER_BUNDLE(b);
    OK(fiber_start_named(&b, dig_here, arg, "digger"));
    OK(fiber_start_named(&b, sleep_on, NULL, "sleeper"));
    OK(fiber_sleep_until(fiber_in_ms(1)));
    fiber_bundle_close(&b);
    if (DEBUG && !ON_VALGRIND) {
        size_t peak = fiber_stack_peak(fiber_loop_current(), "digger");
        ck_assert_uint_ge(peak, (size_t) * (long *)arg);
        ck_assert_uint_le(peak, (size_t) * (long *)arg * 3 + 30000); /* a sanitizer's frames are larger */
        ck_assert_uint_lt(fiber_stack_peak(fiber_loop_current(), "sleeper"), 30000);
        ck_assert_uint_eq(fiber_stack_peak(fiber_loop_current(), "nobody"), 0);
        struct fiber_stats s;
        fiber_loop_stats(fiber_loop_current(), &s);
        ck_assert_uint_eq(s.stack_peak, peak);
    }
    return 0;
}

START_TEST(the_deepest_stack_of_each_start_site_is_known)
{
    long size = 64 << 10;
    OK(in_fiber_with(&options, dig_beside, &size));
    if (DEBUG && !ON_VALGRIND) {
        aborts(dig_to_the_edge, "of the 524288 bytes of its stack");
    }
}
END_TEST

RUN("fiber guard", 20, CASE(suspending_in_a_guarded_section_names_the_place),
    CASE(resuming_a_running_fiber_names_who_scheduled_it), CASE(closing_a_loop_in_use_says_what_is_left),
    CASE(waiting_in_a_callback_is_refused), CASE(a_join_that_can_never_end_is_told),
    CASE(a_stack_that_overflows_meets_its_guard_page), CASE(the_deepest_stack_of_each_start_site_is_known));
