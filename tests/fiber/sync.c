#include "fixture.h"

struct turns {
    fiber_mutex m;
    fiber_cond c;
    fiber_sem s;
    int next, order[16], at_once, most;
    bool go;
};

struct member {
    struct turns *t;
    int id;
};

static int lock_in_turn(void *arg)
{
    struct member *m = arg;
    OK(fiber_mutex_lock(&m->t->m, FIBER_FOREVER));
    m->t->order[m->t->next++] = m->id;
    ck_assert_int_eq(m->t->at_once++, 0);
    OK(fiber_yield());
    m->t->at_once--;
    fiber_mutex_unlock(&m->t->m);
    return 0;
}

static int wait_in_turn(void *arg)
{
    struct member *m = arg;
    OK(fiber_mutex_lock(&m->t->m, FIBER_FOREVER));
    while (!m->t->go) {
        OK(fiber_cond_wait(&m->t->c, &m->t->m, FIBER_FOREVER));
    }
    ck_assert(m->t->m.locked);
    m->t->order[m->t->next++] = m->id;
    fiber_mutex_unlock(&m->t->m);
    return 0;
}

static int acquire_in_turn(void *arg)
{
    struct member *m = arg;
    OK(fiber_sem_acquire(&m->t->s, FIBER_FOREVER));
    m->t->order[m->t->next++] = m->id;
    if (++m->t->at_once > m->t->most) {
        m->t->most = m->t->at_once;
    }
    OK(fiber_yield());
    m->t->at_once--;
    fiber_sem_release(&m->t->s);
    return 0;
}

enum { N = 10 };

static void start_all(fiber_bundle *b, struct member *m, struct turns *t, int (*fn)(void *arg))
{
    for (int i = 0; i < N; i++) {
        m[i] = (struct member){t, i};
        OK(fiber_start(b, fn, &m[i]));
    }
}

static void check_order(const struct turns *t)
{
    ck_assert_int_eq(t->next, N);
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(t->order[i], i);
    }
}

START_FIBER_TEST(a_mutex_goes_to_those_who_wait_in_their_order)
{
    struct turns t = {0};
    struct member m[N];
    FIBER_BUNDLE(b);
    start_all(&b, m, &t, lock_in_turn);
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    check_order(&t);
    ck_assert(!t.m.locked);
}
END_FIBER_TEST

START_FIBER_TEST(nobody_overtakes_the_queue_of_a_mutex)
{
    struct turns t = {0};
    struct member m[N];
    OK(fiber_mutex_lock(&t.m, FIBER_FOREVER));
    ck_assert(!fiber_mutex_try_lock(&t.m));
    FIBER_BUNDLE(b);
    start_all(&b, m, &t, lock_in_turn);
    OK(fiber_yield());
    fiber_mutex_unlock(&t.m);
    ck_assert(!fiber_mutex_try_lock(&t.m)); /* it belongs to the first of them already */
    OK(fiber_mutex_lock(&t.m, FIBER_FOREVER));
    check_order(&t);
    fiber_mutex_unlock(&t.m);
}
END_FIBER_TEST

START_FIBER_TEST(a_lock_that_timed_out_has_left_the_queue)
{
    fiber_mutex m = {0};
    OK(fiber_mutex_lock(&m, FIBER_FOREVER));
    CODE(fiber_mutex_lock(&m, fiber_in_ms(2)), -ETIMEDOUT);
    fiber_mutex_unlock(&m);
    ck_assert(fiber_mutex_try_lock(&m));
    fiber_mutex_unlock(&m);
}
END_FIBER_TEST

START_FIBER_TEST(a_condition_wakes_in_order_one_or_all)
{
    struct turns t = {0};
    struct member m[N];
    FIBER_BUNDLE(b);
    start_all(&b, m, &t, wait_in_turn);
    OK(fiber_yield());
    t.go = true;
    fiber_cond_signal(&t.c);
    OK(fiber_yield());
    ck_assert_int_eq(t.next, 1);
    ck_assert_int_eq(t.order[0], 0);
    fiber_cond_broadcast(&t.c);
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    check_order(&t);
}
END_FIBER_TEST

static int cancelled_wait(void *arg)
{
    struct turns *t = arg;
    OK(fiber_mutex_lock(&t->m, FIBER_FOREVER));
    CODE(fiber_cond_wait(&t->c, &t->m, FIBER_FOREVER), -ECANCELED);
    ck_assert(t->m.locked);
    t->next++;
    fiber_mutex_unlock(&t->m);
    return 0;
}

START_FIBER_TEST(a_cancelled_or_late_condition_wait_has_its_mutex_again)
{
    struct turns t = {0};
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, cancelled_wait, &t));
        OK(fiber_yield());
    }
    ck_assert_int_eq(t.next, 1);
    OK(fiber_mutex_lock(&t.m, FIBER_FOREVER));
    CODE(fiber_cond_wait(&t.c, &t.m, fiber_in_ms(2)), -ETIMEDOUT);
    ck_assert(t.m.locked);
    fiber_mutex_unlock(&t.m);
    CODE(fiber_cond_wait(&t.c, NULL, fiber_in_ms(2)), -ETIMEDOUT);
}
END_FIBER_TEST

START_FIBER_TEST(a_semaphore_admits_its_count_in_order)
{
    struct turns t = {.s = {.count = 3}};
    struct member m[N];
    FIBER_BUNDLE(b);
    start_all(&b, m, &t, acquire_in_turn);
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    check_order(&t);
    ck_assert_int_eq(t.most, 3);
    ck_assert_uint_eq(t.s.count, 3);
    while (fiber_sem_try_acquire(&t.s)) {
    }
    CODE(fiber_sem_acquire(&t.s, fiber_in_ms(2)), -ETIMEDOUT);
    fiber_sem_release(&t.s);
    ck_assert_uint_eq(t.s.count, 1);
}
END_FIBER_TEST

static int cancelled_while_given(void *arg)
{
    struct turns *t = arg;
    OK(fiber_mutex_lock(&t->m, FIBER_FOREVER)); /* given first, cancelled afterwards: it has the lock */
    ck_assert(fiber_is_cancelled());
    fiber_mutex_unlock(&t->m);
    t->next++;
    return 0;
}

START_FIBER_TEST(what_was_given_before_the_cancellation_is_kept)
{
    struct turns t = {0};
    OK(fiber_mutex_lock(&t.m, FIBER_FOREVER));
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, cancelled_while_given, &t));
        OK(fiber_yield());
        fiber_mutex_unlock(&t.m);
    }
    ck_assert_int_eq(t.next, 1);
    ck_assert(!t.m.locked);
}
END_FIBER_TEST

RUN("fiber sync", 20, CASE(a_mutex_goes_to_those_who_wait_in_their_order), CASE(nobody_overtakes_the_queue_of_a_mutex),
    CASE(a_lock_that_timed_out_has_left_the_queue), CASE(a_condition_wakes_in_order_one_or_all),
    CASE(a_cancelled_or_late_condition_wait_has_its_mutex_again), CASE(a_semaphore_admits_its_count_in_order),
    CASE(what_was_given_before_the_cancellation_is_kept));
