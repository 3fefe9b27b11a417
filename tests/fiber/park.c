#include "fixture.h"

static int wake_it(void *arg)
{
    fiber_wake((fiber_waiter *)arg);
    fiber_wake((fiber_waiter *)arg);
    return 0;
}

START_FIBER_TEST(park_returns_when_woken)
{
    FIBER_BUNDLE(b);
    fiber_waiter w;
    fiber_waiter_init(&w);
    OK(fiber_start(&b, wake_it, &w));
    OK(fiber_park(&w, FIBER_FOREVER));
    CODE(fiber_park(&w, fiber_in_ms(1)), -ETIMEDOUT); /* two wakes before the park counted as one */
}
END_FIBER_TEST

START_FIBER_TEST(a_wake_before_the_park_is_kept)
{
    fiber_waiter w;
    fiber_waiter_init(&w);
    fiber_wake(&w);
    OK(fiber_park(&w, 0));
    CODE(fiber_park(&w, fiber_in_ms(1)), -ETIMEDOUT);
}
END_FIBER_TEST

static int yield_often(void *arg)
{
    char **at = arg;
    for (int i = 0; i < 3; i++) {
        *(*at)++ = 'y';
        OK(fiber_yield());
    }
    return 0;
}

START_FIBER_TEST(yield_lets_every_other_ready_fiber_run_once)
{
    char log[8] = "", *at = log;
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, yield_often, &at));
    OK(fiber_start(&b, yield_often, &at));
    for (size_t i = 1; i <= 3; i++) {
        OK(fiber_yield());
        ck_assert_uint_eq(strlen(log), 2 * i);
    }
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
}
END_FIBER_TEST

static void tick(uv_timer_t *t)
{
    ++*(int *)t->data;
}

START_FIBER_TEST(yielding_does_not_starve_the_loop)
{
    int ticks = 0;
    uv_timer_t t = {.data = &ticks};
    OK(uv_timer_init(fiber_loop_uv(fiber_loop_current()), &t));
    OK(uv_timer_start(&t, tick, 1, 1));
    int64_t end = fiber_in_ms(5000);
    while (ticks < 3 && fiber_now() < end) {
        OK(fiber_yield());
    }
    ck_assert_int_ge(ticks, 3);
    uv_close((uv_handle_t *)&t, NULL);
    OK(fiber_yield());
}
END_FIBER_TEST

START_TEST(outside_a_fiber_park_runs_the_loop)
{
    fiber_loop *l;
    OK(fiber_loop_open(NULL, &l));
    ck_assert_ptr_null(fiber_self());
    ck_assert_ptr_null(fiber_arena());
    ck_assert(!fiber_is_cancelled());
    {
        FIBER_BUNDLE(b);
        fiber_waiter w;
        fiber_waiter_init(&w);
        OK(fiber_start(&b, wake_it, &w));
        OK(fiber_park(&w, FIBER_FOREVER));
        CODE(fiber_park(&w, fiber_in_ms(2)), -ETIMEDOUT);
        OK(fiber_sleep_until(fiber_in_ms(2)));
        OK(fiber_yield());
        FIBER_DEADLINE(fiber_in_ms(2));
        CODE(fiber_sleep_until(FIBER_FOREVER), -ETIMEDOUT);
    }
    fiber_loop_close(l);
}
END_TEST

START_TEST(a_thread_without_a_loop_can_sleep_and_is_told_what_it_lacks)
{
    fiber_waiter w;
    fiber_waiter_init(&w);
    int64_t at = fiber_in_ms(3);
    CODE(fiber_park(&w, at), -ETIMEDOUT);
    ck_assert_int_ge(fiber_now(), at);
    OK(fiber_sleep_until(fiber_in_ms(1)));
    OK(fiber_yield());
    CODE(fiber_park(&w, FIBER_FOREVER), -EDEADLK);
    fiber_fd *f;
    CODE(fiber_fd_new(0, &f), -ENXIO);
    ck_assert_ptr_nonnull(strstr(test_diag(), "fiber_loop_open"));
}
END_TEST

static int wait_for_nothing(void *arg)
{
    (void)arg;
    fiber_waiter w;
    fiber_waiter_init(&w);
    return fiber_park(&w, FIBER_FOREVER);
}

static int wait_for_each_other(void *arg)
{
    (void)arg;
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, wait_for_nothing, NULL));
    return fiber_bundle_wait(&b, FIBER_FOREVER);
}

START_TEST(a_wait_that_nothing_can_end_is_an_error)
{
    CODE(in_fiber(wait_for_nothing, NULL), -EDEADLK);
    CODE(in_fiber(wait_for_each_other, NULL), -EDEADLK);
    fiber_loop *l;
    OK(fiber_loop_open(NULL, &l));
    CODE(wait_for_nothing(NULL), -EDEADLK);
    fiber_loop_close(l);
}
END_TEST

START_TEST(a_thread_has_one_loop)
{
    fiber_loop *l, *other;
    OK(fiber_loop_open(NULL, &l));
    ck_assert_ptr_eq(fiber_loop_current(), l);
    CODE(fiber_loop_open(NULL, &other), -EBUSY);
    fiber_loop_close(l);
    fiber_loop_close(NULL);
}
END_TEST

static int keep_diag(void *arg)
{
    (void)arg;
    diag_set(-EIO, "mine");
    OK(fiber_yield());
    ck_assert_str_eq(diag_last()->message, "mine");
    return 0;
}

START_FIBER_TEST(each_fiber_has_its_own_diagnosis)
{
    FIBER_BUNDLE(b);
    diag_set(-EPERM, "outer");
    OK(fiber_start(&b, keep_diag, NULL));
    OK(fiber_start(&b, keep_diag, NULL));
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    ck_assert_str_eq(diag_last()->message, "outer");
}
END_FIBER_TEST

RUN("fiber park", 20, CASE(park_returns_when_woken), CASE(a_wake_before_the_park_is_kept),
    CASE(yield_lets_every_other_ready_fiber_run_once), CASE(yielding_does_not_starve_the_loop),
    CASE(outside_a_fiber_park_runs_the_loop), CASE(a_thread_without_a_loop_can_sleep_and_is_told_what_it_lacks),
    CASE(a_wait_that_nothing_can_end_is_an_error), CASE(a_thread_has_one_loop), CASE(each_fiber_has_its_own_diagnosis));
