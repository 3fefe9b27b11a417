#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

struct pair {
    int fd[2];
    fiber_fd *f[2];
};

static void pair_open(struct pair *p)
{
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->fd));
    for (int i = 0; i < 2; i++) {
        OK(fiber_fd_new(p->fd[i], &p->f[i]));
        ck_assert(fcntl(p->fd[i], F_GETFL) & O_NONBLOCK);
    }
}

static void pair_close(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        fiber_fd_free(p->f[i]);
        OK(close(p->fd[i]));
    }
}

static int echo(void *arg)
{
    struct pair *p = arg;
    char c;
    for (;;) {
        ck_assert_int_eq(fiber_fd_wait(p->f[1], FIBER_READ, FIBER_FOREVER), FIBER_READ);
        ssize_t n = read(p->fd[1], &c, 1);
        if (n <= 0) {
            return 0;
        }
        ck_assert_int_eq(write(p->fd[1], &c, 1), 1);
    }
}

START_FIBER_TEST(two_fibers_talk_over_a_pair)
{
    struct pair p;
    pair_open(&p);
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, echo, &p));
    for (int i = 0; i < 1000; i++) {
        char c = (char)i, back = 0;
        ck_assert_int_eq(write(p.fd[0], &c, 1), 1);
        ck_assert_int_eq(fiber_fd_wait(p.f[0], FIBER_READ, FIBER_FOREVER), FIBER_READ);
        ck_assert_int_eq(read(p.fd[0], &back, 1), 1);
        ck_assert_int_eq(back, c);
    }
    OK(shutdown(p.fd[0], SHUT_WR));
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    pair_close(&p);
}
END_FIBER_TEST

START_FIBER_TEST(a_wait_tells_which_events_are_ready)
{
    struct pair p;
    pair_open(&p);
    ck_assert_int_eq(fiber_fd_wait(p.f[0], FIBER_READ | FIBER_WRITE, FIBER_FOREVER), FIBER_WRITE);
    ck_assert_int_eq(write(p.fd[1], "x", 1), 1);
    ck_assert_int_eq(fiber_fd_wait(p.f[0], FIBER_READ | FIBER_WRITE, FIBER_FOREVER), FIBER_READ | FIBER_WRITE);
    CODE(fiber_fd_wait(p.f[1], FIBER_READ, fiber_in_ms(5)), -ETIMEDOUT);
    pair_close(&p);
}
END_FIBER_TEST

START_FIBER_TEST(an_event_that_came_while_nobody_waited_is_not_lost)
{
    struct pair p;
    pair_open(&p);
    CODE(fiber_fd_wait(p.f[0], FIBER_READ, fiber_in_ms(2)), -ETIMEDOUT);
    ck_assert_int_eq(write(p.fd[1], "x", 1), 1);
    OK(fiber_sleep_until(fiber_in_ms(5))); /* the handle is stopped here */
    ck_assert_int_eq(fiber_fd_wait(p.f[0], FIBER_READ, fiber_in_ms(1000)), FIBER_READ);
    pair_close(&p);
}
END_FIBER_TEST

static int wait_to_read(void *arg)
{
    return fiber_fd_wait((fiber_fd *)arg, FIBER_READ, FIBER_FOREVER);
}

static int wait_to_write(void *arg)
{
    return fiber_fd_wait((fiber_fd *)arg, FIBER_WRITE, FIBER_FOREVER);
}

START_FIBER_TEST(one_fiber_reads_while_another_writes)
{
    struct pair p;
    pair_open(&p);
    static char big[1 << 16];
    while (write(p.fd[0], big, sizeof big) > 0) {
    }
    FIBER_BUNDLE(reader);
    FIBER_BUNDLE(writer);
    OK(fiber_start(&reader, wait_to_read, p.f[0]));
    OK(fiber_start(&writer, wait_to_write, p.f[0]));
    OK(fiber_yield()); /* a sleep may be over before they have begun */
    CODE(fiber_fd_wait(p.f[0], FIBER_READ, FIBER_FOREVER), -EBUSY);
    while (read(p.fd[1], big, sizeof big) > 0) {
    }
    OK(fiber_bundle_wait(&writer, FIBER_FOREVER));
    CODE(fiber_bundle_wait(&reader, fiber_in_ms(2)), -ETIMEDOUT);
    ck_assert_int_eq(write(p.fd[1], "x", 1), 1);
    OK(fiber_bundle_wait(&reader, FIBER_FOREVER));
    pair_close(&p);
}
END_FIBER_TEST

START_FIBER_TEST(freeing_wakes_those_who_wait)
{
    struct pair p;
    pair_open(&p);
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, wait_to_read, p.f[0]));
    OK(fiber_yield());
    pair_close(&p);
    CODE(fiber_bundle_wait(&b, FIBER_FOREVER), -ECANCELED);
    fiber_fd_free(NULL);
}
END_FIBER_TEST

START_FIBER_TEST(hang_up_is_readable)
{
    struct pair p;
    pair_open(&p);
    OK(shutdown(p.fd[1], SHUT_RDWR));
    ck_assert_int_gt(fiber_fd_wait(p.f[0], FIBER_READ, FIBER_FOREVER), 0);
    pair_close(&p);
    int fd[2];
    OK(pipe2(fd, O_CLOEXEC));
    fiber_fd *w;
    OK(fiber_fd_new(fd[1], &w));
    OK(close(fd[0])); /* an error condition on the writing end */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_gt(fiber_fd_wait(w, FIBER_WRITE, fiber_in_ms(1000)), 0);
    }
    fiber_fd_free(w);
    OK(close(fd[1]));
}
END_FIBER_TEST

START_FIBER_TEST(what_cannot_be_watched_is_refused)
{
    fiber_fd *f;
    CODE(fiber_fd_new(-1, &f), -EBADF);
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    int file = open("/", O_RDONLY | O_CLOEXEC | O_TMPFILE | O_RDWR, 0600);
    if (file >= 0) {
        CODE(fiber_fd_new(file, &f), -EPERM);
        OK(close(file));
    }
    OK(close(fd));
}
END_FIBER_TEST

START_TEST(outside_a_fiber_a_wait_runs_the_loop)
{
    fiber_loop *l;
    OK(fiber_loop_open(NULL, &l));
    struct pair p;
    pair_open(&p);
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, echo, &p));
        ck_assert_int_eq(write(p.fd[0], "x", 1), 1);
        ck_assert_int_eq(fiber_fd_wait(p.f[0], FIBER_READ, FIBER_FOREVER), FIBER_READ);
        OK(shutdown(p.fd[0], SHUT_WR));
        OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    }
    pair_close(&p);
    fiber_loop_close(l);
}
END_TEST

RUN("fiber fd", 20, CASE(two_fibers_talk_over_a_pair), CASE(a_wait_tells_which_events_are_ready),
    CASE(an_event_that_came_while_nobody_waited_is_not_lost), CASE(one_fiber_reads_while_another_writes),
    CASE(freeing_wakes_those_who_wait), CASE(hang_up_is_readable), CASE(what_cannot_be_watched_is_refused),
    CASE(outside_a_fiber_a_wait_runs_the_loop));
