#include <unistd.h>

#include "fiber/sanitize.h"
#include "fixture.h"

#ifdef FIBER_TSAN
enum { SMALL_TOOL = 1 }; /* it has room for 8,000 flows of control */
#else
enum { SMALL_TOOL = 0 };
#endif
#if defined(FIBER_TSAN) || defined(FIBER_ASAN)
enum { MEASURED = 0 };
#else
enum { MEASURED = 1 };
#endif

static int how_many(void)
{
    return SMALL_TOOL || ON_VALGRIND ? 2000 : 20000; /* valgrind keeps at most 5,000 mappings */
}

struct crowd {
    fiber_sem gate;
    fiber_chan *results;
    int arrived;
};

static int member(void *arg)
{
    struct crowd *c = arg;
    c->arrived++;
    OK(fiber_sem_acquire(&c->gate, FIBER_FOREVER));
    int one = 1;
    return fiber_chan_send(c->results, &one, FIBER_FOREVER);
}

static long resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "r"); /* pages: the size, the resident part, ... */
    char line[128] = "", *resident;
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
    (void)fclose(f);
    (void)strtol(line, &resident, 10);
    long pages = strtol(resident, NULL, 10);
    ck_assert_int_gt(pages, 0);
    return pages * sysconf(_SC_PAGESIZE);
}

START_FIBER_TEST(twenty_thousand_fibers_wait_and_talk_at_once)
{
    const int many = how_many();
    struct crowd c = {0};
    OK(fiber_chan_new(sizeof(int), 16, &c.results));
    FIBER_BUNDLE(b);
    long before = resident_bytes();
    for (int i = 0; i < many; i++) {
        OK(fiber_start(&b, member, &c));
    }
    while (c.arrived < many) {
        OK(fiber_yield());
    }
    struct fiber_stats s;
    fiber_loop_stats(fiber_loop_current(), &s);
    ck_assert_uint_eq(s.fibers, (unsigned)many + 1);
    if (MEASURED && !ON_VALGRIND) {
        ck_assert_int_lt((resident_bytes() - before) / many, 10000); /* two pages each, and the kernel's share none */
    }
    int sum = 0, one;
    for (int i = 0; i < many; i++) {
        fiber_sem_release(&c.gate);
    }
    for (int i = 0; i < many; i++) {
        OK(fiber_chan_recv(c.results, &one, FIBER_FOREVER));
        sum += one;
    }
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    ck_assert_int_eq(sum, many);
    fiber_chan_free(c.results);
}
END_FIBER_TEST

static int nap(void *arg)
{
    int *n = arg;
    int64_t at = fiber_in_ms(10 + *n % 50);
    ++*n;
    OK(fiber_sleep_until(at));
    return fiber_sleep_until(FIBER_FOREVER) == -ECANCELED ? 0 : -EIO;
}

START_FIBER_TEST(as_many_sleep_and_are_cancelled)
{
    const int many = how_many();
    int n = 0;
    FIBER_BUNDLE(b);
    for (int i = 0; i < many; i++) {
        OK(fiber_start(&b, nap, &n));
    }
    while (n < many) {
        OK(fiber_yield());
    }
    OK(fiber_sleep_until(fiber_in_ms(70)));
    fiber_bundle_cancel(&b);
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    struct fiber_stats s;
    fiber_loop_stats(fiber_loop_current(), &s);
    ck_assert_uint_le(s.stacks_pooled, 1024); /* the rest went back to the kernel */
}
END_FIBER_TEST

static int nothing(void *arg)
{
    ++*(int *)arg;
    return 0;
}

START_FIBER_TEST(stacks_are_used_again)
{
    int n = 0;
    for (int i = 0; i < 1000; i++) {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, nothing, &n));
        OK(fiber_start(&b, nothing, &n));
        OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    }
    struct fiber_stats s;
    fiber_loop_stats(fiber_loop_current(), &s);
    ck_assert_uint_eq(s.started, 2001);
    ck_assert_uint_eq(s.fibers_peak, 3);
    ck_assert_uint_le(s.stacks_pooled, 3);
}
END_FIBER_TEST

RUN("fiber many", 60, CASE(twenty_thousand_fibers_wait_and_talk_at_once), CASE(as_many_sleep_and_are_cancelled),
    CASE(stacks_are_used_again));
