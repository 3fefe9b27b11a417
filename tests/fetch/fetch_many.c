/* Many fetches at once, fetches that are cancelled, and memory that runs out. */
#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "site.h"

static struct site site;

enum { MANY = 200 };

struct one {
    const char *url;
    size_t limit; /* stop reading there; 0: read all */
    uint64_t decoded;
    enum fetch_outcome outcome;
    int code;
};

static int fetch_one(void *arg)
{
    struct one *o = arg;
    char chunk[4096];
    FETCH_AUTO fetch *f = NULL;
    o->code = fetch_open(site.door, &(struct fetch_request){.url = str_of(o->url)}, &f);
    if (o->code < 0) {
        return 0;
    }
    ssize_t n;
    while ((n = fetch_read(f, chunk, sizeof chunk)) > 0) {
        o->decoded += (size_t)n;
        if (o->limit && o->decoded >= o->limit) {
            break;
        }
    }
    o->code = n < 0 ? (int)n : 0;
    o->outcome = fetch_result(f)->outcome;
    return 0;
}

START_TEST(two_hundred_fetches_at_once_all_arrive)
{
    site_open(&site, false, NULL);
    struct one all[MANY] = {0};
    {
        FIBER_BUNDLE(b);
        for (size_t i = 0; i < MANY; i++) {
            all[i].url = i % 2 ? "http://site.test/ok?n=50000" : "http://other.test/chain?n=2";
            OK(fiber_start(&b, fetch_one, &all[i]));
        }
        OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    }
    for (size_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(all[i].outcome, FETCH_OK);
        ck_assert_uint_eq(all[i].decoded, i % 2 ? 50000 : 6);
    }
    struct fetch_stats stats;
    fetcher_stats(site.door, &stats);
    ck_assert_uint_eq(stats.running, 0);
    ck_assert_uint_eq(stats.fetches, MANY);
    ck_assert_uint_eq(stats.bytes_decoded, MANY / 2 * 50006);
    site_close(&site);
}
END_TEST

START_TEST(cancelling_ends_a_fetch_wherever_it_stands)
{
    /* connecting, waiting for headers, in the body, paused for its reader */
    static const char *const urls[] = {"http://site.test/silent",  "http://site.test/slow-headers",
                                       "http://site.test/slow",    "http://site.test/stall",
                                       "http://site.test/endless", "http://site.test/loop"};
    site_open(&site, true, NULL);
    for (int delay_ms = 0; delay_ms <= 60; delay_ms += 20) {
        struct one all[12] = {0};
        int64_t began = clock_mono_ns();
        {
            FIBER_BUNDLE(b);
            for (size_t i = 0; i < 12; i++) {
                all[i].url = urls[i % 6];
                OK(fiber_start(&b, fetch_one, &all[i]));
            }
            OK(fiber_sleep_until(fiber_in_ms(delay_ms)));
        }
        ck_assert_double_lt((double)(clock_mono_ns() - began) / 1e6, delay_ms + 2000);
        for (size_t i = 0; i < 5; i++) {
            ck_assert_int_eq(all[i].code, -ECANCELED);
        }
        struct fetch_stats stats;
        fetcher_stats(site.door, &stats);
        ck_assert_uint_eq(stats.running, 0);
    }
    GIVES(get(&site, "http://site.test/ok"), FETCH_OK); /* and the door still works */
    site_close(&site);
}
END_TEST

START_TEST(closing_early_leaves_the_door_clean)
{
    site_open(&site, false, NULL);
    for (size_t i = 0; i < 20; i++) {
        struct one o = {.url = "http://site.test/endless", .limit = 1 + i * 50000};
        OK(fiber_run(site.loop, fetch_one, &o));
        OK(o.code);
    }
    fetch *f;
    OK(fetch_open(site.door, &(struct fetch_request){.url = STR("http://site.test/ok?n=9000000")}, &f));
    fetch_close(f);
    GIVES(get(&site, "http://site.test/ok"), FETCH_OK);
    site_close(&site);
}
END_TEST

static int within_deadline(void *arg)
{
    struct one *o = arg;
    FIBER_DEADLINE(fiber_in_ms(100));
    return fetch_one(o);
}

START_TEST(the_deadline_of_an_enclosing_scope_holds)
{
    site_open(&site, false, NULL);
    struct one o = {.url = "http://site.test/slow"};
    int64_t began = clock_mono_ns();
    OK(fiber_run(site.loop, within_deadline, &o));
    ck_assert_double_lt((double)(clock_mono_ns() - began) / 1e6, 2000);
    ck_assert_int_eq(o.code, -ETIMEDOUT);
    ck_assert_int_eq(o.outcome, FETCH_TIMEOUT_TOTAL);
    site_close(&site);
}
END_TEST

/* Fails each allocation of a fetch in turn: it must end in -ENOMEM or "no memory", leak nothing, and leave the door
 * fit. */
START_TEST(every_failed_allocation_is_survived)
{
    static const char *const urls[] = {"http://site.test/redirect?to=/encoded?as=gzip,br",
                                       "http://site.test/ok?n=300000"};
    site_open(&site, false, NULL);
    for (size_t u = 0; u < 2; u++) {
        GIVES(get(&site, urls[u]), FETCH_OK); /* what is made once is made */
        bool failed = true;
        for (uint64_t n = 1; failed; n++) {
            struct one o = {.url = urls[u]};
            mem_fail_at(n, false);
            int r = fiber_run(site.loop, fetch_one, &o);
            failed = mem_fail_seen() >= n;
            mem_fail_at(0, false);
            bool ok = r == -ENOMEM || o.code == -ENOMEM || (o.code == 0 && o.outcome == FETCH_OK) ||
                      o.outcome == FETCH_CONNECT; /* no memory for the poll of a socket */
            ck_assert_msg(ok, "allocation %llu: %d, %s", (unsigned long long)n, o.code, fetch_outcome_name(o.outcome));
            ck_assert_msg(failed || (r == 0 && o.outcome == FETCH_OK), "nothing failed, yet %d", o.code);
            ck_assert_uint_lt(n, 2000);
        }
    }
    GIVES(get(&site, urls[0]), FETCH_OK);
    site_close(&site);
}
END_TEST

START_TEST(a_fetcher_that_gets_no_memory_is_not_opened)
{
    site_open(&site, false, NULL);
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        fetcher *f = NULL;
        mem_fail_at(n, false);
        int r = fetcher_open(&site.options, &f);
        failed = mem_fail_seen() >= n;
        mem_fail_at(0, false);
        ck_assert_int_eq(r, failed ? -ENOMEM : 0);
        fetcher_close(f);
    }
    site_close(&site);
}
END_TEST

RUN("fetch_many", 30, CASE(two_hundred_fetches_at_once_all_arrive), CASE(cancelling_ends_a_fetch_wherever_it_stands),
    CASE(closing_early_leaves_the_door_clean), CASE(the_deadline_of_an_enclosing_scope_holds),
    CASE(every_failed_allocation_is_survived), CASE(a_fetcher_that_gets_no_memory_is_not_opened));
