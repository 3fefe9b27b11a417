#include "base/arena.h"
#include "fixture.h"

static int add_one(void *arg)
{
    ++*(int *)arg;
    return 0;
}

static int sleep_long(void *arg)
{
    int rc = fiber_sleep_until(FIBER_FOREVER);
    *(int *)arg = rc;
    return rc;
}

static int fail_later(void *arg)
{
    OK(fiber_yield());
    return diag_set(*(int *)arg, "failed with %d", *(int *)arg);
}

START_FIBER_TEST(members_run_after_the_starter_suspends_and_wait_joins_them)
{
    FIBER_BUNDLE(b);
    int n = 0;
    for (int i = 0; i < 10; i++) {
        OK(fiber_start(&b, add_one, &n));
    }
    ck_assert_int_eq(n, 0);
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    ck_assert_int_eq(n, 10);
}
END_FIBER_TEST

START_FIBER_TEST(leaving_the_scope_cancels_and_joins)
{
    int rc = 0;
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, sleep_long, &rc));
        OK(fiber_yield());
    }
    ck_assert_int_eq(rc, -ECANCELED);
}
END_FIBER_TEST

START_FIBER_TEST(a_member_cancelled_before_it_ran_still_runs)
{
    int rc = 0;
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, sleep_long, &rc));
    }
    ck_assert_int_eq(rc, -ECANCELED);
}
END_FIBER_TEST

START_FIBER_TEST(wait_returns_the_first_error_with_its_diagnosis)
{
    FIBER_BUNDLE(b);
    int first = -EIO, second = -EPERM, n = 0;
    OK(fiber_start(&b, fail_later, &first));
    OK(fiber_start(&b, fail_later, &second));
    OK(fiber_start(&b, add_one, &n));
    CODE(fiber_bundle_wait(&b, FIBER_FOREVER), -EIO);
    ck_assert_str_eq(diag_last()->message, "failed with -5");
    ck_assert_int_eq(n, 1);
}
END_FIBER_TEST

static int start_in(void *arg)
{
    int n = 0, rc = fiber_sleep_until(FIBER_FOREVER);
    ck_assert_int_eq(rc, -ECANCELED);
    CODE(fiber_start((fiber_bundle *)arg, add_one, &n), -ECANCELED);
    return 0;
}

START_FIBER_TEST(a_closing_bundle_takes_no_more)
{
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, start_in, &b));
    OK(fiber_yield());
}
END_FIBER_TEST

static int shielded_sleep(void *arg)
{
    CODE(fiber_sleep_until(FIBER_FOREVER), -ECANCELED);
    ck_assert(fiber_is_cancelled());
    fiber_shield_enter();
    ck_assert(!fiber_is_cancelled());
    OK(fiber_sleep_until(fiber_in_ms(5)));
    fiber_shield_leave();
    CODE(fiber_sleep_until(fiber_in_ms(5)), -ECANCELED);
    *(bool *)arg = true;
    return 0;
}

START_FIBER_TEST(a_shield_lets_cleanup_suspend)
{
    bool done = false;
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, shielded_sleep, &done));
        OK(fiber_yield());
    }
    ck_assert(done);
}
END_FIBER_TEST

START_FIBER_TEST(a_shield_lifts_the_deadlines_around_it)
{
    FIBER_DEADLINE(fiber_now() - 1);
    CODE(fiber_sleep_until(fiber_in_ms(1)), -ETIMEDOUT);
    fiber_shield_enter();
    OK(fiber_sleep_until(fiber_in_ms(1)));
    {
        FIBER_DEADLINE(fiber_in_ms(1));
        CODE(fiber_sleep_until(fiber_in_ms(1000)), -ETIMEDOUT);
    }
    fiber_shield_leave();
    CODE(fiber_sleep_until(fiber_in_ms(1)), -ETIMEDOUT);
}
END_FIBER_TEST

static int nest(void *arg)
{
    int depth = *(int *)arg, deeper = depth - 1;
    FIBER_BUNDLE(b);
    if (depth) {
        OK(fiber_start(&b, nest, &deeper));
    }
    CODE(fiber_sleep_until(FIBER_FOREVER), -ECANCELED);
    return 0;
}

START_FIBER_TEST(closing_the_outermost_ends_a_tree_of_bundles)
{
    FIBER_BUNDLE(b);
    int depth = 50;
    OK(fiber_start(&b, nest, &depth));
    OK(fiber_sleep_until(fiber_in_ms(5)));
}
END_FIBER_TEST

static int wait_for_members(void *arg)
{
    FIBER_BUNDLE(b);
    int rc = 0;
    OK(fiber_start(&b, sleep_long, &rc));
    CODE(fiber_bundle_wait(&b, fiber_in_ms(5)), -ETIMEDOUT);
    ck_assert_int_eq(rc, 0);
    return *(int *)arg;
}

START_TEST(run_returns_the_result_of_its_function)
{
    int want = 42;
    ck_assert_int_eq(in_fiber(wait_for_members, &want), 42);
    want = -EIO;
    ck_assert_int_eq(in_fiber(wait_for_members, &want), -EIO);
}
END_TEST

static void set(void *arg)
{
    *(bool *)arg = true;
}

static int use_arena(void *arg)
{
    ck_assert_ptr_nonnull(arena_alloc(fiber_arena(), 1000));
    OK(arena_on_reset(fiber_arena(), set, arg));
    return 0;
}

START_FIBER_TEST(a_fibers_arena_ends_with_it)
{
    FIBER_BUNDLE(b);
    bool freed = false;
    OK(fiber_start(&b, use_arena, &freed));
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    ck_assert(freed);
}
END_FIBER_TEST

START_TEST(a_loop_has_a_limit_of_fibers)
{
    fiber_loop *l;
    OK(fiber_loop_open(&(struct fiber_loop_options){.max_fibers = 2}, &l));
    {
        FIBER_BUNDLE(b);
        int n = 0;
        OK(fiber_start(&b, add_one, &n));
        OK(fiber_start(&b, add_one, &n));
        CODE(fiber_start(&b, add_one, &n), -EAGAIN);
    }
    fiber_loop_close(l);
}
END_TEST

START_TEST(bundles_work_outside_a_fiber)
{
    fiber_loop *l;
    OK(fiber_loop_open(NULL, &l));
    int n = 0, rc = 0;
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, add_one, &n));
        OK(fiber_bundle_wait(&b, FIBER_FOREVER));
        OK(fiber_start(&b, sleep_long, &rc));
        CODE(fiber_bundle_wait(&b, fiber_in_ms(1)), -ETIMEDOUT);
    }
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(rc, -ECANCELED);
    fiber_loop_close(l);
}
END_TEST

RUN("fiber bundle", 20, CASE(members_run_after_the_starter_suspends_and_wait_joins_them),
    CASE(leaving_the_scope_cancels_and_joins), CASE(a_member_cancelled_before_it_ran_still_runs),
    CASE(wait_returns_the_first_error_with_its_diagnosis), CASE(a_closing_bundle_takes_no_more),
    CASE(a_shield_lets_cleanup_suspend), CASE(a_shield_lifts_the_deadlines_around_it),
    CASE(closing_the_outermost_ends_a_tree_of_bundles), CASE(run_returns_the_result_of_its_function),
    CASE(a_fibers_arena_ends_with_it), CASE(a_loop_has_a_limit_of_fibers), CASE(bundles_work_outside_a_fiber));
