#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "fixture.h"

static int square(void *arg)
{
    int *n = arg;
    (void)usleep(1000);
    *n *= *n;
    return *n;
}

static int offload_square(void *arg)
{
    int n = *(int *)arg, want = n * n;
    ck_assert_int_eq(fiber_offload(square, arg, NULL), want);
    ck_assert_int_eq(*(int *)arg, want);
    return 0;
}

START_FIBER_TEST(many_fibers_offload_at_once)
{
    enum { N = 200 };
    int numbers[N];
    FIBER_BUNDLE(b);
    for (int i = 0; i < N; i++) {
        numbers[i] = i;
        OK(fiber_start(&b, offload_square, &numbers[i]));
    }
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    struct fiber_stats s;
    fiber_loop_stats(fiber_loop_current(), &s);
    ck_assert_uint_eq(s.offloads, N);
}
END_FIBER_TEST

static int is_other_thread(void *arg)
{
    return !pthread_equal(*(pthread_t *)arg, pthread_self());
}

static int count(void *arg)
{
    while (fiber_yield() == 0) {
        ++*(int *)arg;
    }
    return 0;
}

START_FIBER_TEST(the_loop_goes_on_meanwhile)
{
    pthread_t self = pthread_self();
    ck_assert_int_eq(fiber_offload(is_other_thread, &self, NULL), 1);
    int n = 0, v = 3;
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, count, &n));
    ck_assert_int_eq(fiber_offload(square, &v, NULL), 9);
    ck_assert_int_gt(n, 1);
}
END_FIBER_TEST

struct stoppable {
    _Atomic bool begun, stop, ended;
};

static int until_stopped(void *arg)
{
    struct stoppable *s = arg;
    atomic_store(&s->begun, true);
    while (!atomic_load(&s->stop)) {
        (void)usleep(500);
    }
    (void)usleep(2000);
    atomic_store(&s->ended, true);
    return 5;
}

static void until_begun(const struct stoppable *s)
{
    while (!atomic_load(&s->begun)) {
        OK(fiber_sleep_until(fiber_in_ms(1)));
    }
}

static int run_stoppable(void *arg)
{
    struct stoppable *s = arg;
    ck_assert_int_eq(fiber_offload(until_stopped, s, &s->stop), 5);
    ck_assert(atomic_load(&s->ended));
    CODE(fiber_offload(until_stopped, s, &s->stop), -ECANCELED);
    return 0;
}

START_FIBER_TEST(a_cancelled_call_is_told_to_stop_and_waited_for)
{
    struct stoppable s = {0};
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, run_stoppable, &s));
        until_begun(&s);
    }
    ck_assert(s.ended);
}
END_FIBER_TEST

START_FIBER_TEST(a_late_call_is_told_to_stop_and_waited_for)
{
    struct stoppable s = {0};
    FIBER_DEADLINE(fiber_in_ms(300)); /* long enough for a thread to begin on a busy machine */
    ck_assert_int_eq(fiber_offload(until_stopped, &s, &s.stop), 5);
    ck_assert(s.ended);
}
END_FIBER_TEST

static int never(void *arg)
{
    (void)arg;
    ck_abort_msg("it was withdrawn before it began");
    return 0;
}

static int run_never(void *arg)
{
    CODE(fiber_offload(never, arg, NULL), -ECANCELED);
    return 0;
}

static int waits_behind_a_busy_thread(void *arg)
{
    (void)arg;
    struct stoppable s = {0};
    FIBER_BUNDLE(busy);
    OK(fiber_start(&busy, run_stoppable, &s));
    until_begun(&s);
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, run_never, NULL));
        OK(fiber_yield());
    }
    ck_assert(!s.ended);
    return 0;
}

START_TEST(a_call_that_has_not_begun_is_withdrawn)
{
    OK(in_fiber_with(&(struct fiber_loop_options){.threads = 1}, waits_behind_a_busy_thread, NULL));
}
END_TEST

static int fail_with_words(void *arg)
{
    (void)arg;
    return diag_set(-EIO, "said in the thread");
}

START_FIBER_TEST(the_diagnosis_comes_back_from_the_thread)
{
    CODE(fiber_offload(fail_with_words, NULL, NULL), -EIO);
    ck_assert_str_eq(diag_last()->message, "said in the thread");
}
END_FIBER_TEST

START_TEST(outside_a_fiber_it_works_with_and_without_a_loop)
{
    pthread_t self = pthread_self();
    ck_assert_int_eq(fiber_offload(is_other_thread, &self, NULL), 0);
    fiber_loop *l;
    OK(fiber_loop_open(NULL, &l));
    ck_assert_int_eq(fiber_offload(is_other_thread, &self, NULL), 1);
    fiber_loop_close(l);
}
END_TEST

RUN("fiber offload", 20, CASE(many_fibers_offload_at_once), CASE(the_loop_goes_on_meanwhile),
    CASE(a_cancelled_call_is_told_to_stop_and_waited_for), CASE(a_late_call_is_told_to_stop_and_waited_for),
    CASE(a_call_that_has_not_begun_is_withdrawn), CASE(the_diagnosis_comes_back_from_the_thread),
    CASE(outside_a_fiber_it_works_with_and_without_a_loop));
