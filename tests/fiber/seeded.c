#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "fixture.h"

enum { N = 40, LOG = 4096 };

struct story {
    fiber_chan *chan;
    fiber_mutex mutex;
    int log[LOG], len;
};

struct actor {
    struct story *s;
    int id;
};

static void note(struct story *s, int what)
{
    ck_assert_int_lt(s->len, LOG);
    s->log[s->len++] = what;
}

static int act(void *arg)
{
    struct actor *a = arg;
    for (int i = 0; i < 5; i++) {
        OK(fiber_mutex_lock(&a->s->mutex, FIBER_FOREVER));
        note(a->s, a->id);
        OK(fiber_yield());
        fiber_mutex_unlock(&a->s->mutex);
        OK(fiber_sleep_until(fiber_in_ms(a->id * 37 % 11 * 60000)));
        OK(fiber_chan_send(a->s->chan, &a->id, FIBER_FOREVER));
    }
    return 0;
}

static int tell(void *arg)
{
    struct story *s = arg;
    struct actor all[N];
    OK(fiber_chan_new(sizeof(int), 3, &s->chan));
    FIBER_BUNDLE(b);
    for (int i = 0; i < N; i++) {
        all[i] = (struct actor){s, i};
        OK(fiber_start(&b, act, &all[i]));
    }
    for (int i = 0; i < 5 * N; i++) {
        int id;
        OK(fiber_chan_recv(s->chan, &id, FIBER_FOREVER));
        note(s, 1000 + id);
    }
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    note(s, (int)(fiber_now() / 1000000));
    fiber_chan_free(s->chan);
    return 0;
}

static void run_story(uint64_t seed, struct story *s)
{
    *s = (struct story){.len = 0};
    OK(in_fiber_with(&(struct fiber_loop_options){.seed = seed}, tell, s));
}

START_TEST(the_same_seed_replays_the_same_order)
{
    static struct story first, again;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        run_story(seed, &first);
        run_story(seed, &again);
        ck_assert_int_eq(first.len, 10 * N + 1);
        ck_assert_int_eq(again.len, first.len);
        ck_assert_mem_eq(first.log, again.log, sizeof first.log);
    }
}
END_TEST

START_TEST(different_seeds_tell_different_stories)
{
    static struct story first, other;
    run_story(1, &first);
    for (uint64_t seed = 2; seed <= 5; seed++) {
        run_story(seed, &other);
        ck_assert_mem_ne(first.log, other.log, sizeof first.log);
    }
}
END_TEST

static int sleep_a_day(void *arg)
{
    (void)arg;
    int64_t start = fiber_now(), at = start + INT64_C(86400) * 1000000000;
    OK(fiber_sleep_until(at));
    ck_assert_int_eq(fiber_now(), at);
    FIBER_DEADLINE(at + 1);
    CODE(fiber_sleep_until(FIBER_FOREVER), -ETIMEDOUT);
    ck_assert_int_eq(fiber_now(), at + 1);
    return 0;
}

static const struct fiber_loop_options seeded = {.seed = 7};

START_TEST(the_clock_jumps_when_all_wait)
{
    int64_t start = clock_mono_ns();
    OK(in_fiber_with(&seeded, sleep_a_day, NULL));
    ck_assert_int_lt(clock_mono_ns() - start, 5000000000);
}
END_TEST

static int block(void *arg)
{
    (void)usleep(20000);
    *(bool *)arg = true;
    return 0;
}

static int sleep_an_hour(void *arg)
{
    OK(fiber_sleep_until(fiber_in_ms(3600000)));
    ck_assert(*(bool *)arg);
    return 0;
}

static int offload_beside_a_sleeper(void *arg)
{
    (void)arg;
    bool ended = false;
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, sleep_an_hour, &ended));
    int64_t start = fiber_now();
    OK(fiber_offload(block, &ended, NULL));
    ck_assert_int_eq(fiber_now(), start);
    return fiber_bundle_wait(&b, FIBER_FOREVER);
}

START_TEST(the_clock_stands_while_a_thread_works)
{
    OK(in_fiber_with(&seeded, offload_beside_a_sleeper, NULL));
}
END_TEST

static int wait_for_silence(void *arg)
{
    (void)arg;
    int fd[2];
    fiber_fd *f;
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
    OK(fiber_fd_new(fd[0], &f));
    int64_t at = fiber_in_ms(20);
    CODE(fiber_fd_wait(f, FIBER_READ, at), -ETIMEDOUT);
    ck_assert_int_eq(fiber_now(), at);
    fiber_fd_free(f);
    OK(close(fd[0]));
    return close(fd[1]);
}

START_TEST(io_that_does_not_come_is_waited_for_in_real_time)
{
    int64_t start = clock_mono_ns();
    OK(in_fiber_with(&seeded, wait_for_silence, NULL));
    ck_assert_int_ge(clock_mono_ns() - start, 20000000);
}
END_TEST

RUN("fiber seeded", 30, CASE(the_same_seed_replays_the_same_order), CASE(different_seeds_tell_different_stories),
    CASE(the_clock_jumps_when_all_wait), CASE(the_clock_stands_while_a_thread_works),
    CASE(io_that_does_not_come_is_waited_for_in_real_time));
