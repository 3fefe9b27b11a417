/* Memory runs out at every allocation in turn; a call then fails with -ENOMEM, and nothing is lost or leaked. */
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "fixture.h"

/* Calls fn with the first, second, ... allocation failing until it gets by with fewer. Returns how many it makes. */
static uint64_t fail_each_allocation(int (*fn)(void *arg), void *arg)
{
    for (uint64_t n = 1;; n++) {
        ck_assert_uint_lt(n, 100);
        mem_fail_at(n, false);
        int rc = fn(arg);
        uint64_t seen = mem_fail_seen();
        mem_fail_at(0, false);
        if (seen < n) {
            OK(rc);
            return n - 1;
        }
        ck_assert_msg(rc == -ENOMEM || rc == 0, "allocation %u: %d: %s", (unsigned)n, rc, test_diag());
        if (rc) {
            ck_assert_ptr_nonnull(strstr(test_diag(), "out of memory"));
        }
    }
}

static int open_and_close(void *arg)
{
    (void)arg;
    fiber_loop *l;
    int rc = fiber_loop_open(NULL, &l);
    if (rc == 0) {
        fiber_loop_close(l);
    }
    return rc;
}

START_TEST(opening_a_loop)
{
    ck_assert_uint_ge(fail_each_allocation(open_and_close, NULL), 1);
}
END_TEST

static int make_chan(void *arg)
{
    (void)arg;
    fiber_chan *c;
    int rc = fiber_chan_new(8, 8, &c);
    if (rc == 0) {
        fiber_chan_free(c);
    }
    return rc;
}

static int watch(void *arg)
{
    fiber_fd *f;
    int rc = fiber_fd_new(*(int *)arg, &f);
    if (rc == 0) {
        fiber_fd_free(f);
    }
    return rc;
}

static int answer(void *arg)
{
    (void)arg;
    return 0;
}

static int offload(void *arg)
{
    return fiber_offload(answer, arg, NULL);
}

static int resolve(void *arg)
{
    (void)arg;
    struct fiber_addr a;
    int rc = fiber_resolve("127.0.0.1", 80, &a, 1, FIBER_FOREVER);
    return rc > 0 ? 0 : rc;
}

static int take_signal(void *arg)
{
    (void)arg;
    fiber_signal *s;
    int rc = fiber_signal_open((const int[]){SIGUSR1, SIGUSR2}, 2, &s);
    if (rc == 0) {
        fiber_signal_close(s);
    }
    return rc;
}

static int start_process(void *arg)
{
    (void)arg;
    fiber_process *p;
    struct fiber_process_options o = {.argv = (const char *const[]){"true", NULL}, .fds = {-1, -1, -1}};
    int rc = fiber_process_start(&o, &p);
    if (rc == 0) {
        fiber_process_close(p);
    }
    return rc;
}

static int connect_and_accept(void *arg)
{
    (void)arg;
    struct fiber_addr at;
    fiber_sock *listener = NULL, *a = NULL, *b = NULL;
    OK(fiber_addr_parse("127.0.0.1", 0, &at));
    int rc = fiber_sock_listen(&at, 1, &listener);
    if (rc == 0) {
        OK(fiber_sock_addr(listener, &at));
        rc = fiber_sock_connect(&at, FIBER_FOREVER, &a);
    }
    if (rc == 0) {
        rc = fiber_sock_accept(listener, FIBER_FOREVER, &b);
    }
    fiber_sock_close(a);
    fiber_sock_close(b);
    fiber_sock_close(listener);
    return rc;
}

static int use_arena(void *arg)
{
    (void)arg;
    return fiber_arena() ? 0 : diag_nomem();
}

static int start_and_wait(void *arg)
{
    (void)arg;
    FIBER_BUNDLE(b);
    for (int i = 0; i < 100; i++) {
        int rc = fiber_start(&b, use_arena, NULL);
        if (rc) {
            return rc;
        }
    }
    return fiber_bundle_wait(&b, FIBER_FOREVER);
}

static int each_call(void *arg)
{
    int fd[2];
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
    ck_assert_uint_eq(fail_each_allocation(make_chan, NULL), 1);
    ck_assert_uint_eq(fail_each_allocation(watch, fd), 1);
    ck_assert_uint_ge(fail_each_allocation(offload, NULL), 2);
    ck_assert_uint_ge(fail_each_allocation(resolve, NULL), 2);
    ck_assert_uint_eq(fail_each_allocation(take_signal, NULL), 1);
    ck_assert_uint_eq(fail_each_allocation(start_process, NULL), 1);
    ck_assert_uint_eq(fail_each_allocation(connect_and_accept, NULL), 6);
    OK(close(fd[0]));
    OK(close(fd[1]));
    (void)arg;
    return 0;
}

START_TEST(each_call_that_allocates)
{
    OK(in_fiber(each_call, NULL));
}
END_TEST

static int start_in_seeded_loop(void *arg)
{
    mem_fail_at(2, true); /* the first is this fiber's own debug bookkeeping or place in the ready set */
    int rc = start_and_wait(arg);
    mem_fail_at(0, false);
    CODE(rc, -ENOMEM);
    return start_and_wait(arg);
}

START_TEST(starting_a_fiber_in_a_seeded_loop)
{
    OK(in_fiber_with(&(struct fiber_loop_options){.seed = 3}, start_in_seeded_loop, NULL));
}
END_TEST

static int exhaust_mappings(void *arg)
{
    (void)arg;
    struct rlimit old;
    OK(getrlimit(RLIMIT_AS, &old));
    OK(setrlimit(RLIMIT_AS, &(struct rlimit){UINT64_C(256) << 20, old.rlim_max}));
    int started = 0, rc = 0;
    FIBER_BUNDLE(b);
    while (rc == 0 && started < 20000) {
        rc = fiber_start(&b, answer, NULL);
        started += rc == 0;
    }
    CODE(rc, -ENOMEM);
    ck_assert_ptr_nonnull(strstr(test_diag(), "cannot start answer"));
    OK(setrlimit(RLIMIT_AS, &old));
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    return fiber_start(&b, answer, NULL);
}

START_TEST(a_stack_that_cannot_be_mapped)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
    OK(in_fiber(exhaust_mappings, NULL));
#else
    (void)exhaust_mappings; /* a sanitizer's own memory is far over any limit */
#endif
}
END_TEST

RUN("fiber fault", 30, CASE(opening_a_loop), CASE(each_call_that_allocates), CASE(starting_a_fiber_in_a_seeded_loop),
    CASE(a_stack_that_cannot_be_mapped));
