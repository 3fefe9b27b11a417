#include "fixture.h"

static bool at_least_ms(int64_t since, int64_t ms)
{
    return fiber_now() - since >= ms * 1000000;
}

START_FIBER_TEST(sleep_ends_when_its_time_has_come)
{
    int64_t start = fiber_now();
    OK(fiber_sleep_until(fiber_in_ms(20)));
    ck_assert(at_least_ms(start, 20));
    ck_assert(!at_least_ms(start, 2000));
}
END_FIBER_TEST

START_FIBER_TEST(the_deadline_in_force_is_the_minimum_of_own_and_scopes)
{
    int64_t far = fiber_in_ms(60000), near = fiber_in_ms(10);
    FIBER_DEADLINE(far);
    ck_assert_int_eq(fiber_deadline(FIBER_FOREVER), far);
    ck_assert_int_eq(fiber_deadline(near), near);
    {
        FIBER_DEADLINE(near);
        ck_assert_int_eq(fiber_deadline(far), near);
        FIBER_DEADLINE(far + 1); /* a wider scope inside does not widen */
        ck_assert_int_eq(fiber_deadline(FIBER_FOREVER), near);
        CODE(fiber_sleep_until(FIBER_FOREVER), -ETIMEDOUT);
        ck_assert_int_ge(fiber_now(), near);
        CODE(fiber_yield(), -ETIMEDOUT);
        CODE(fiber_sleep_until(0), -ETIMEDOUT);
    }
    ck_assert_int_eq(fiber_deadline(FIBER_FOREVER), far);
    OK(fiber_sleep_until(fiber_in_ms(1)));
}
END_FIBER_TEST

START_FIBER_TEST(a_wait_ends_at_its_own_deadline)
{
    fiber_waiter w;
    fiber_waiter_init(&w);
    int64_t start = fiber_now();
    CODE(fiber_park(&w, fiber_in_ms(10)), -ETIMEDOUT);
    ck_assert(at_least_ms(start, 10));
    CODE(fiber_park(&w, start), -ETIMEDOUT);
}
END_FIBER_TEST

struct sleeper {
    int64_t at;
    int *order, *count, index;
};

static int sleep_and_note(void *arg)
{
    struct sleeper *s = arg;
    OK(fiber_sleep_until(s->at));
    s->order[(*s->count)++] = s->index;
    return 0;
}

static int sleepers(void *arg)
{
    enum { N = 500 };
    static struct sleeper all[N];
    int order[N], count = 0;
    int64_t base = fiber_in_ms(20);
    FIBER_BUNDLE(b);
    for (int i = 0; i < N; i++) {
        all[i] = (struct sleeper){base + (i * 7919 % N) * 1000, order, &count, i}; /* 7919 is prime: a permutation */
        OK(fiber_start(&b, sleep_and_note, &all[i]));
    }
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    for (int i = 1; i < N; i++) {
        ck_assert_int_lt(all[order[i - 1]].at, all[order[i]].at);
    }
    (void)arg;
    return 0;
}

START_TEST(sleepers_wake_in_the_order_of_their_deadlines)
{
    OK(in_fiber_with(&(struct fiber_loop_options){.seed = 1}, sleepers, NULL)); /* no start takes time */
}
END_TEST

static int short_wait(void *arg)
{
    int64_t at = fiber_in_ms(1 + (int64_t)(intptr_t)arg % 7);
    fiber_waiter w;
    fiber_waiter_init(&w);
    CODE(fiber_park(&w, at), -ETIMEDOUT);
    ck_assert_int_ge(fiber_now(), at);
    return 0;
}

static int dropped_wait(void *arg)
{
    CODE(fiber_sleep_until(fiber_in_ms(1000 + (int64_t)(intptr_t)arg % 7)), -ECANCELED);
    return 0;
}

START_FIBER_TEST(removing_deadlines_leaves_the_others_in_order)
{
    FIBER_BUNDLE(kept);
    for (int round = 0; round < 5; round++) {
        FIBER_BUNDLE(dropped);
        for (intptr_t i = 0; i < 200; i++) {
            OK(fiber_start(&kept, short_wait, (void *)i));
            OK(fiber_start(&dropped, dropped_wait, (void *)i));
        }
        OK(fiber_yield());
    }
    OK(fiber_bundle_wait(&kept, FIBER_FOREVER));
}
END_FIBER_TEST

START_FIBER_TEST(milliseconds_become_a_deadline)
{
    int64_t now = fiber_now();
    ck_assert_int_ge(fiber_in_ms(5), now + 5000000);
    ck_assert_int_eq(fiber_in_ms(-1), FIBER_FOREVER);
    ck_assert_int_eq(fiber_in_ms(INT64_MAX), FIBER_FOREVER);
}
END_FIBER_TEST

RUN("fiber deadline", 20, CASE(sleep_ends_when_its_time_has_come),
    CASE(the_deadline_in_force_is_the_minimum_of_own_and_scopes), CASE(a_wait_ends_at_its_own_deadline),
    CASE(sleepers_wake_in_the_order_of_their_deadlines), CASE(removing_deadlines_leaves_the_others_in_order),
    CASE(milliseconds_become_a_deadline));
