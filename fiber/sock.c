/* Stream sockets. Each call tries first and waits only when the kernel says so; after many tries in a row that did
 * not have to wait it yields, so that one fast peer cannot hold the loop. */
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "fiber/internal.h"

struct fiber_sock {
    int fd;
    fiber_fd *watch;
};

/* Takes fd over, also on failure. */
static int wrap(int fd, int family, fiber_sock **ret)
{
    fiber_sock *s = mem_alloc(sizeof *s);
    int rc = s ? fiber_fd_new(fd, &s->watch) : diag_nomem();
    if (rc) {
        mem_free(s);
        (void)close(fd);
        return rc;
    }
    s->fd = fd;
    if (family == AF_INET || family == AF_INET6) {
        int on = 1; /* latency over packet counts; what is written here is written whole */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    *ret = s;
    return 0;
}

static int failed(int err, const char *what)
{
    return diag_set(-err, "cannot %s: %s", what, strerror(err));
}

static int failed_at(int err, const char *what, const struct fiber_addr *at)
{
    char text[FIBER_ADDR_TEXT];
    return diag_set(-err, "cannot %s %s: %s", what, fiber_addr_format(at, text), strerror(err));
}

static int new_socket(const struct fiber_addr *a, fiber_sock **ret)
{
    if (!loop_needed()) {
        return -ENXIO;
    }
    int family = a->ss.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? failed(errno, "make a socket") : wrap(fd, family, ret);
}

/* EAGAIN: a Unix listener's backlog is full, which no event tells the end of. */
static int try_connect(const fiber_sock *s, const struct fiber_addr *to, int64_t deadline)
{
    while (connect(s->fd, (const struct sockaddr *)&to->ss, to->len)) {
        if (errno != EAGAIN) {
            return errno == EINTR ? -EINPROGRESS : -errno;
        }
        int64_t next = fiber_in_ms(2);
        int rc = fiber_sleep_until(next < deadline ? next : deadline);
        if (rc) {
            return rc;
        }
        if (fiber_now() >= deadline) {
            return -ETIMEDOUT;
        }
    }
    return 0;
}

int fiber_sock_connect(const struct fiber_addr *to, int64_t deadline, fiber_sock **ret)
{
    int rc = suspend_begin(&deadline);
    fiber_sock *s = NULL;
    if (rc || (rc = new_socket(to, &s))) {
        return rc;
    }
    rc = try_connect(s, to, deadline);
    if (rc == -EINPROGRESS) {
        rc = fiber_fd_wait(s->watch, FIBER_WRITE, deadline);
        if (rc > 0) {
            int err = 0;
            socklen_t len = sizeof err;
            rc = getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len) ? -errno : -err;
        }
    }
    if (rc) {
        fiber_sock_close(s);
        return rc == -ECANCELED ? rc : failed_at(-rc, "connect to", to);
    }
    *ret = s;
    return 0;
}

int fiber_sock_listen(const struct fiber_addr *on, int backlog, fiber_sock **ret)
{
    fiber_sock *s;
    int rc = new_socket(on, &s);
    if (rc) {
        return rc;
    }
    int yes = 1;
    if (setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) ||
        bind(s->fd, (const struct sockaddr *)&on->ss, on->len) || listen(s->fd, backlog)) {
        rc = failed_at(errno, "listen on", on);
        fiber_sock_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

/* Waits when err says that the call would have blocked; 0: try again. */
static int wait_ready(fiber_sock *s, int err, int event, int64_t deadline, const char *what)
{
    if (err == EINTR) {
        return 0;
    }
    if (err != EAGAIN) {
        return failed(err, what);
    }
    int rc = fiber_fd_wait(s->watch, event, deadline);
    return rc < 0 ? rc : 0;
}

int fiber_sock_accept(fiber_sock *listener, int64_t deadline, fiber_sock **ret)
{
    int rc = suspend_begin(&deadline);
    if (!rc) {
        rc = suspend_tick();
    }
    while (!rc) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof from;
        int fd = accept4(listener->fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            return wrap(fd, from.ss_family, ret);
        }
        if (errno != ECONNABORTED) { /* that one left while it was queued: take the next */
            rc = wait_ready(listener, errno, FIBER_READ, deadline, "accept a connection");
        }
    }
    return rc;
}

int fiber_sock_addr(const fiber_sock *s, struct fiber_addr *ret)
{
    struct fiber_addr a = {.len = sizeof a.ss};
    if (getsockname(s->fd, (struct sockaddr *)&a.ss, &a.len)) {
        return failed(errno, "tell a socket's address");
    }
    *ret = a;
    return 0;
}

ssize_t fiber_sock_read(fiber_sock *s, void *p, size_t len, int64_t deadline)
{
    int rc = suspend_begin(&deadline);
    if (!rc) {
        rc = suspend_tick();
    }
    while (!rc) {
        ssize_t n = recv(s->fd, p, len, 0);
        if (n >= 0) {
            return n;
        }
        rc = wait_ready(s, errno, FIBER_READ, deadline, "read from a socket");
    }
    return rc;
}

int fiber_sock_write(fiber_sock *s, const void *p, size_t len, int64_t deadline)
{
    int rc = suspend_begin(&deadline);
    if (!rc) {
        rc = suspend_tick();
    }
    const char *at = p;
    while (!rc && len) {
        ssize_t n = send(s->fd, at, len, MSG_NOSIGNAL);
        if (n >= 0) {
            at += n;
            len -= (size_t)n;
        } else {
            rc = wait_ready(s, errno, FIBER_WRITE, deadline, "write to a socket");
        }
    }
    return rc;
}

int fiber_sock_shutdown(fiber_sock *s)
{
    return shutdown(s->fd, SHUT_WR) ? failed(errno, "shut a socket down") : 0;
}

void fiber_sock_close(fiber_sock *s)
{
    if (s) {
        fiber_fd_free(s->watch);
        (void)close(s->fd);
        mem_free(s);
    }
}

int fiber_sock_fd(const fiber_sock *s)
{
    return s->fd;
}
