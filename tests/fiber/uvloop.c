/* On a loop that the caller has and runs. */
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

static fiber_loop *join(uv_loop_t *uv)
{
    fiber_loop *l;
    OK(uv_loop_init(uv));
    OK(fiber_loop_open(&(struct fiber_loop_options){.uv = uv}, &l));
    ck_assert_ptr_eq(fiber_loop_uv(l), uv);
    return l;
}

static void leave(fiber_loop *l, uv_loop_t *uv)
{
    fiber_loop_close(l);
    ck_assert_int_eq(uv_run(uv, UV_RUN_DEFAULT), 0);
    OK(uv_loop_close(uv));
}

static int count_slowly(void *arg)
{
    for (int i = 0; i < 5; i++) {
        OK(fiber_sleep_until(fiber_in_ms(2)));
        OK(fiber_yield());
        ++*(int *)arg;
    }
    return 0;
}

START_TEST(fibers_run_while_the_caller_runs_its_loop_and_then_it_ends)
{
    uv_loop_t uv;
    fiber_loop *l = join(&uv);
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0); /* nothing waits: nothing holds it */
    int n = 0;
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, count_slowly, &n));
        OK(fiber_start(&b, count_slowly, &n));
        ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
        ck_assert_int_eq(n, 10);
    }
    leave(l, &uv);
}
END_TEST

static int receive(void *arg)
{
    void **a = arg;
    return fiber_chan_recv(a[0], a[1], FIBER_FOREVER);
}

static void send_from_callback(uv_timer_t *t)
{
    int v = 11;
    ck_assert(fiber_chan_try_send(t->data, &v));
    uv_close((uv_handle_t *)t, NULL);
}

START_TEST(a_fiber_that_only_another_can_wake_does_not_hold_the_loop)
{
    uv_loop_t uv;
    fiber_loop *l = join(&uv);
    int v = 0;
    fiber_chan *c;
    OK(fiber_chan_new(sizeof v, 0, &c));
    void *arg[] = {c, &v};
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, receive, arg));
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(b.running, 1);
    uv_timer_t t = {.data = c};
    OK(uv_timer_init(&uv, &t));
    OK(uv_timer_start(&t, send_from_callback, 1, 0));
    ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
    ck_assert_int_eq(v, 11);
    ck_assert_uint_eq(b.running, 0);
    fiber_chan_free(c);
    fiber_bundle_close(&b);
    leave(l, &uv);
}
END_TEST

static int block(void *arg)
{
    (void)usleep(5000);
    *(int *)arg = 1;
    return 0;
}

static int use_thread_and_socket(void *arg)
{
    int done = 0, fd[2];
    OK(fiber_offload(block, &done, NULL));
    ck_assert_int_eq(done, 1);
    fiber_fd *f;
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
    OK(fiber_fd_new(fd[0], &f));
    CODE(fiber_fd_wait(f, FIBER_READ, fiber_in_ms(3)), -ETIMEDOUT);
    ck_assert_int_eq(fiber_fd_wait(f, FIBER_WRITE, FIBER_FOREVER), FIBER_WRITE);
    fiber_fd_free(f);
    OK(close(fd[0]));
    OK(close(fd[1]));
    ++*(int *)arg;
    return 0;
}

START_TEST(offload_and_descriptors_hold_it_while_they_are_waited_for)
{
    uv_loop_t uv;
    fiber_loop *l = join(&uv);
    int n = 0;
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, use_thread_and_socket, &n));
        ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
        ck_assert_int_eq(n, 1);
    }
    leave(l, &uv);
}
END_TEST

static void tick(uv_timer_t *t)
{
    ++*(int *)t->data;
}

static int busy(void *arg)
{
    while (*(int *)arg < 5) {
        OK(fiber_yield());
    }
    return 0;
}

START_TEST(the_callers_callbacks_run_beside_busy_fibers)
{
    uv_loop_t uv;
    fiber_loop *l = join(&uv);
    int ticks = 0;
    uv_timer_t t = {.data = &ticks};
    OK(uv_timer_init(&uv, &t));
    OK(uv_timer_start(&t, tick, 1, 1));
    {
        FIBER_BUNDLE(b);
        for (int i = 0; i < 3; i++) {
            OK(fiber_start(&b, busy, &ticks));
        }
        while (b.running) {
            (void)uv_run(&uv, UV_RUN_ONCE);
        }
    }
    ck_assert_int_ge(ticks, 5);
    uv_close((uv_handle_t *)&t, NULL);
    leave(l, &uv);
}
END_TEST

static void start_from_callback(uv_timer_t *t)
{
    void **a = t->data;
    OK(fiber_start((fiber_bundle *)a[0], count_slowly, a[1]));
    uv_close((uv_handle_t *)t, NULL);
}

START_TEST(a_callback_may_start_a_fiber)
{
    uv_loop_t uv;
    fiber_loop *l = join(&uv);
    int n = 0;
    {
        FIBER_BUNDLE(b);
        void *arg[] = {&b, &n};
        uv_timer_t t = {.data = arg};
        OK(uv_timer_init(&uv, &t));
        OK(uv_timer_start(&t, start_from_callback, 1, 0));
        ck_assert_int_eq(uv_run(&uv, UV_RUN_DEFAULT), 0);
        ck_assert_int_eq(n, 5);
    }
    leave(l, &uv);
}
END_TEST

START_TEST(calls_outside_run_the_callers_loop)
{
    uv_loop_t uv;
    fiber_loop *l = join(&uv);
    int n = 0;
    OK(fiber_run(l, use_thread_and_socket, &n));
    OK(use_thread_and_socket(&n));
    ck_assert_int_eq(n, 2);
    leave(l, &uv);
}
END_TEST

RUN("fiber uvloop", 20, CASE(fibers_run_while_the_caller_runs_its_loop_and_then_it_ends),
    CASE(a_fiber_that_only_another_can_wake_does_not_hold_the_loop),
    CASE(offload_and_descriptors_hold_it_while_they_are_waited_for), CASE(the_callers_callbacks_run_beside_busy_fibers),
    CASE(a_callback_may_start_a_fiber), CASE(calls_outside_run_the_callers_loop));
