#include "waymark/scrape/polite.h"

#include <errno.h>

#include "base/diag.h"
#include "base/mem.h"
#include "test.h"

/* Seeded loops jump to the next timer, so a test of hours takes none. */
static fiber_loop *open_loop(void)
{
    fiber_loop *l;
    OK(fiber_loop_open(&(struct fiber_loop_options){.seed = 7}, &l));
    return l;
}

static struct fiber_addr address(const char *ip)
{
    struct fiber_addr a;
    OK(fiber_addr_parse(ip, 80, &a));
    return a;
}

static double seconds(int64_t from)
{
    return (double)(fiber_now() - from) / 1e9;
}

struct visit {
    polite *polite;
    const char *host, *ip;
    int64_t hold_ms, retry_after_ms;
    unsigned *inside, *most;
    double began; /* seconds after zero */
    int64_t zero;
    int status, result;
};

static int visit(void *arg)
{
    struct visit *v = arg;
    struct polite_turn turn;
    struct fiber_addr a = address(v->ip ? v->ip : "192.0.2.1");
    v->result = polite_enter(v->polite, str_of(v->host), &a, FIBER_FOREVER, &turn);
    if (v->result < 0) {
        return 0;
    }
    v->began = seconds(v->zero);
    if (v->inside && ++*v->inside > *v->most) {
        *v->most = *v->inside;
    }
    (void)fiber_sleep_until(fiber_in_ms(v->hold_ms));
    if (v->inside) {
        --*v->inside;
    }
    polite_leave(&turn, v->status, v->retry_after_ms);
    return 0;
}

/* Runs the visits at once and waits for all. */
static void run(struct visit *visits, size_t n, polite *p)
{
    FIBER_BUNDLE(b);
    int64_t zero = fiber_now();
    for (size_t i = 0; i < n; i++) {
        visits[i].polite = p;
        visits[i].zero = zero;
        OK(fiber_start(&b, visit, &visits[i]));
    }
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    for (size_t i = 0; i < n; i++) {
        OK(visits[i].result);
    }
}

static void check_most(const struct polite_options *o, bool same_host, bool same_address, unsigned want)
{
    static const char *const hosts[] = {"a.test", "b.test", "c.test", "d.test", "e.test", "f.test"};
    static const char *const ips[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"};
    fiber_loop *l = open_loop();
    polite *p;
    OK(polite_new(o, &p));
    unsigned inside = 0, most = 0;
    struct visit v[6] = {0};
    for (size_t i = 0; i < 6; i++) {
        v[i] = (struct visit){.host = hosts[same_host ? 0 : i],
                              .ip = ips[same_address ? 0 : i],
                              .hold_ms = 10,
                              .status = 200,
                              .inside = &inside,
                              .most = &most};
    }
    run(v, 6, p);
    ck_assert_uint_eq(most, want);
    polite_free(p);
    fiber_loop_close(l);
}

START_TEST(a_host_gets_no_more_at_once_than_its_limit)
{
    check_most(&(struct polite_options){.per_host = 2}, true, false, 2);
    check_most(&(struct polite_options){.per_host = 2}, false, false, 6);
}
END_TEST

START_TEST(an_address_shared_by_hosts_gets_no_more_than_its_limit)
{
    check_most(&(struct polite_options){.per_host = 2, .per_address = 3}, false, true, 3);
}
END_TEST

START_TEST(starts_at_one_host_are_the_crawl_delay_apart)
{
    fiber_loop *l = open_loop();
    polite *p;
    OK(polite_new(NULL, &p));
    OK(polite_set_delay(p, STR("A.test."), 2000));
    struct visit v[4] = {{.host = "a.test", .status = 200},
                         {.host = "a.test", .status = 200},
                         {.host = "A.TEST", .status = 200},
                         {.host = "b.test", .status = 200}};
    run(v, 4, p);
    double spread[3] = {v[0].began, v[1].began, v[2].began};
    double sum = spread[0] + spread[1] + spread[2];
    ck_assert_double_eq_tol(sum, 2.0 + 4.0 + 6.0, 0.1);
    ck_assert_double_lt(v[3].began, 0.1);
    polite_free(p);
    fiber_loop_close(l);
}
END_TEST

START_TEST(a_delay_is_cut_to_the_operators_limit)
{
    fiber_loop *l = open_loop();
    polite *p;
    OK(polite_new(&(struct polite_options){.delay_max_ms = 5000}, &p));
    OK(polite_set_delay(p, STR("a.test"), INT64_MAX));
    struct visit v[1] = {{.host = "a.test", .status = 200}};
    run(v, 1, p);
    ck_assert_double_eq_tol(v[0].began, 5.0, 0.1);
    polite_free(p);
    fiber_loop_close(l);
}
END_TEST

START_TEST(retry_after_keeps_everyone_away_for_that_long)
{
    fiber_loop *l = open_loop();
    polite *p;
    OK(polite_new(NULL, &p));
    run(&(struct visit){.host = "a.test", .status = 429, .retry_after_ms = 30000}, 1, p);
    struct visit v[2] = {{.host = "a.test", .status = 200}, {.host = "b.test", .status = 200}};
    run(v, 2, p);
    ck_assert_double_eq_tol(v[0].began, 30, 0.1);
    ck_assert_double_lt(v[1].began, 0.1);
    polite_free(p);
    fiber_loop_close(l);
}
END_TEST

START_TEST(without_retry_after_the_pause_doubles_up_to_its_limit_and_a_success_forgets_it)
{
    fiber_loop *l = open_loop();
    polite *p;
    OK(polite_new(&(struct polite_options){.backoff_ms = 1000, .backoff_max_ms = 5000}, &p));
    static const double want[] = {0, 1, 2, 4, 5, 5};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        struct visit v = {.host = "a.test", .status = i == 5 ? 200 : 503, .retry_after_ms = -1};
        run(&v, 1, p);
        ck_assert_double_eq_tol(v.began, want[i], 0.1);
    }
    struct visit again[2] = {{.host = "a.test", .status = 503, .retry_after_ms = -1},
                             {.host = "a.test", .status = 200}};
    run(&again[0], 1, p);
    run(&again[1], 1, p);
    ck_assert_double_eq_tol(again[1].began, 1, 0.1);
    polite_free(p);
    fiber_loop_close(l);
}
END_TEST

START_TEST(a_pause_beyond_the_deadline_fails_at_once_and_says_how_long)
{
    fiber_loop *l = open_loop();
    polite *p;
    OK(polite_new(NULL, &p));
    run(&(struct visit){.host = "a.test", .status = 503, .retry_after_ms = 3600000}, 1, p);
    int64_t zero = fiber_now();
    struct polite_turn turn;
    struct fiber_addr a = address("192.0.2.1");
    CODE(polite_enter(p, STR("a.test"), &a, fiber_in_ms(1000), &turn), -EBUSY);
    ck_assert_double_lt(seconds(zero), 0.01);
    ck_assert_msg(strstr(diag_last()->message, "another 600 s"), "%s", diag_last()->message); /* cut to backoff_max */
    polite_free(p);
    fiber_loop_close(l);
}
END_TEST

START_TEST(those_who_wait_hear_of_a_pause_that_is_told_meanwhile)
{
    fiber_loop *l = open_loop();
    polite *p;
    OK(polite_new(&(struct polite_options){.per_host = 2, .delay_ms = 1000}, &p));
    struct visit v[2] = {{.host = "a.test", .status = 429, .retry_after_ms = 20000}, {.host = "a.test", .status = 200}};
    run(v, 2, p);
    double later = v[0].began > v[1].began ? v[0].began : v[1].began;
    ck_assert_double_gt(later, v[0].began < v[1].began ? 20 : 0.9);
    polite_free(p);
    fiber_loop_close(l);
}
END_TEST

static int enter_and_be_cancelled(void *arg)
{
    struct visit *v = arg;
    struct polite_turn turn;
    struct fiber_addr a = address("192.0.2.1");
    v->result = polite_enter(v->polite, str_of(v->host), &a, FIBER_FOREVER, &turn);
    return 0;
}

START_TEST(a_cancelled_wait_leaves_no_turn_behind)
{
    fiber_loop *l = open_loop();
    polite *p;
    OK(polite_new(&(struct polite_options){.per_host = 1}, &p));
    struct polite_turn turn;
    struct fiber_addr a = address("192.0.2.1");
    OK(polite_enter(p, STR("a.test"), &a, FIBER_FOREVER, &turn));
    struct visit v = {.polite = p, .host = "a.test"};
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, enter_and_be_cancelled, &v));
        OK(fiber_yield());
    }
    CODE(v.result, -ECANCELED);
    polite_leave(&turn, 200, -1);
    struct visit next = {.host = "a.test", .status = 200};
    run(&next, 1, p);
    ck_assert_double_lt(next.began, 0.1);
    polite_free(p); /* asserts that nobody is left */
    fiber_loop_close(l);
}
END_TEST

START_TEST(beyond_its_limit_the_host_idle_longest_is_forgotten)
{
    fiber_loop *l = open_loop();
    polite *p;
    OK(polite_new(&(struct polite_options){.max_hosts = 4}, &p));
    OK(polite_set_delay(p, STR("kept.test"), 1000));
    OK(polite_set_delay(p, STR("gone.test"), 1000));
    OK(polite_set_delay(p, STR("kept.test"), 1000));
    for (int i = 0; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "h%d.test", i);
        OK(polite_set_delay(p, str_of(name), 1000));
    }
    struct visit v[2] = {{.host = "kept.test", .status = 200}, {.host = "gone.test", .status = 200}};
    run(&v[0], 1, p);
    ck_assert_double_gt(v[0].began, 0.9);
    run(&v[1], 1, p);
    ck_assert_double_lt(v[1].began, 0.1);
    polite_free(p);
    fiber_loop_close(l);
}
END_TEST

START_TEST(without_memory_nothing_is_remembered_and_nothing_held)
{
    fiber_loop *l = open_loop();
    polite *p;
    struct polite_turn turn;
    struct fiber_addr a = address("192.0.2.1");
    mem_fail_at(1, false);
    CODE(polite_new(NULL, &p), -ENOMEM);
    mem_fail_at(0, false);
    OK(polite_new(NULL, &p));
    for (uint64_t n = 1; n <= 2; n++) { /* the host, the address */
        mem_fail_at(n, false);
        CODE(polite_enter(p, STR("a.test"), &a, FIBER_FOREVER, &turn), -ENOMEM);
        mem_fail_at(0, false);
    }
    mem_fail_at(1, false);
    CODE(polite_set_delay(p, STR("b.test"), 1000), -ENOMEM);
    mem_fail_at(0, false);
    OK(polite_enter(p, STR("a.test"), &a, FIBER_FOREVER, &turn));
    polite_leave(&turn, 200, -1);
    polite_free(p);
    fiber_loop_close(l);
}
END_TEST

RUN("polite", 10, CASE(a_host_gets_no_more_at_once_than_its_limit),
    CASE(an_address_shared_by_hosts_gets_no_more_than_its_limit), CASE(starts_at_one_host_are_the_crawl_delay_apart),
    CASE(a_delay_is_cut_to_the_operators_limit), CASE(retry_after_keeps_everyone_away_for_that_long),
    CASE(without_retry_after_the_pause_doubles_up_to_its_limit_and_a_success_forgets_it),
    CASE(a_pause_beyond_the_deadline_fails_at_once_and_says_how_long),
    CASE(those_who_wait_hear_of_a_pause_that_is_told_meanwhile), CASE(a_cancelled_wait_leaves_no_turn_behind),
    CASE(beyond_its_limit_the_host_idle_longest_is_forgotten),
    CASE(without_memory_nothing_is_remembered_and_nothing_held));
