#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hostile_impl.h"

enum { LINE_MAX_ = 8 << 10, NOBODY = 65534 };

void hostile_die(const char *what)
{
    (void)fprintf(stderr, "hostile server: %s: %s\n", what, strerror(errno));
    _exit(1);
}

void hostile_sleep(int ms)
{
    (void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* ---- a connection ---- */

bool conn_send(struct conn *c, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        int part = n > 1 << 20 ? 1 << 20 : (int)n;
        ssize_t done = c->ssl ? SSL_write(c->ssl, at, part) : send(c->fd, at, (size_t)part, MSG_NOSIGNAL);
        if (done <= 0) {
            c->keep = false;
            return false;
        }
        at += done;
        n -= (size_t)done;
    }
    return true;
}

bool conn_sends(struct conn *c, const char *s)
{
    return conn_send(c, s, strlen(s));
}

bool conn_printf(struct conn *c, const char *fmt, ...)
{
    char text[LINE_MAX_];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return conn_send(c, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

bool conn_respond(struct conn *c, int status, const char *headers, const void *body, size_t n)
{
    bool bodiless = status == 304 || status == 204;
    return (bodiless ? conn_printf(c, "HTTP/1.1 %d Status\r\n%s\r\n", status, headers)
                     : conn_printf(c, "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n%s\r\n", status, n, headers)) &&
           (bodiless || strncmp(c->head, "HEAD ", 5) == 0 || conn_send(c, body, n));
}

const char *conn_text(const struct conn *c, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = c->query; p && *p; p = strchr(p, '&') ? strchr(p, '&') + 1 : NULL) {
        if (strncmp(p, name, len) == 0 && p[len] == '=') {
            return p + len + 1;
        }
    }
    return NULL;
}

long conn_number(const struct conn *c, const char *name, long otherwise)
{
    const char *text = conn_text(c, name);
    return text ? strtol(text, NULL, 10) : otherwise;
}

/* ---- serving ---- */

static ssize_t receive(struct conn *c, char *p, size_t n)
{
    return c->ssl ? SSL_read(c->ssl, p, (int)n) : recv(c->fd, p, n, 0);
}

/* Reads one request head into head and takes it apart; a body, which only tests of POST send, is skipped. */
static bool read_request(struct conn *c)
{
    size_t n = 0;
    char *end = NULL, *head = c->head, *parts = c->parts;
    while (!end) {
        ssize_t got = n < sizeof c->head - 1 ? receive(c, head + n, 1) : 0;
        if (got <= 0) {
            return false;
        }
        n += (size_t)got;
        head[n] = '\0';
        end = strstr(head + (n > 4 ? n - 4 : 0), "\r\n\r\n");
    }
    const char *length = strcasestr(head, "\r\nContent-Length:");
    for (long left = length ? strtol(length + 17, NULL, 10) : 0; left > 0; left--) {
        char byte;
        if (receive(c, &byte, 1) <= 0) {
            return false;
        }
    }
    memcpy(parts, head, n + 1);
    char *save, *path = strtok_r(parts, " ", &save) ? strtok_r(NULL, " ", &save) : NULL;
    char *host = save ? strcasestr(save, "\nHost: ") : NULL;
    char *query = path ? strchr(path, '?') : NULL;
    if (query) {
        *query++ = '\0';
    }
    if (host) {
        host += 7;
        host[strcspn(host, "\r")] = '\0';
    }
    c->path = path ? path : "/";
    c->query = query;
    c->host = host ? host : "";
    return true;
}

static void serve(struct conn *c)
{
    c->keep = true;
    while (c->keep && read_request(c)) {
        if (!hostile_act(c)) {
            (void)conn_respond(c, 404, "", "nothing here\n", 13);
        }
    }
}

static void *serve_thread(void *arg)
{
    struct conn *c = arg;
    if (!c->ssl || SSL_accept(c->ssl) == 1) {
        serve(c);
        if (c->ssl) {
            (void)SSL_shutdown(c->ssl);
        }
    }
    SSL_free(c->ssl);
    (void)close(c->fd);
    free(c);
    return NULL;
}

struct listener {
    int fd;
    SSL_CTX *tls;
    atomic_int *connections;
};

static void *accept_loop(void *arg)
{
    const struct listener *l = arg;
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attr, 256 << 10);
    for (;;) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
        struct conn *c = fd < 0 ? NULL : calloc(1, sizeof *c);
        if (!c) {
            continue;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        c->fd = fd;
        c->number = atomic_fetch_add(l->connections, 1) + 1;
        if (l->tls) {
            c->ssl = SSL_new(l->tls);
            (void)SSL_set_fd(c->ssl, fd);
        }
        pthread_t thread;
        if (pthread_create(&thread, &attr, serve_thread, c) != 0) {
            hostile_die("pthread_create");
        }
    }
    return NULL;
}

static int listen_on(uint16_t *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
        hostile_die("listen");
    }
    *ret_port = ntohs(a.sin_port);
    return fd;
}

static _Noreturn void run(int plain, int tls, SSL_CTX *ctx)
{
    atomic_int connections = 0;
    struct listener with = {tls, ctx, &connections}, without = {plain, NULL, &connections};
    pthread_t thread;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) {
        hostile_die("setuid");
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* setuid has cleared it */
    if (ctx && pthread_create(&thread, NULL, accept_loop, &with) != 0) {
        hostile_die("pthread_create");
    }
    (void)accept_loop(&without);
    _exit(0);
}

void hostile_start(struct hostile *h, bool tls)
{
    *h = (struct hostile){.ca_fd = -1};
    int plain = listen_on(&h->port), secure = tls ? listen_on(&h->tls_port) : -1;
    if (tls) {
        h->ca_fd = memfd_create("ca.pem", MFD_CLOEXEC);
        (void)snprintf(h->ca_file, sizeof h->ca_file, "/proc/self/fd/%d", h->ca_fd);
    }
    SSL_CTX *ctx = tls ? hostile_tls(h->ca_fd) : NULL;
    h->pid = fork();
    if (h->pid < 0) {
        hostile_die("fork");
    }
    if (h->pid == 0) {
        run(plain, secure, ctx);
    }
    SSL_CTX_free(ctx);
    (void)close(plain);
    if (tls) {
        (void)close(secure);
    }
}

void hostile_stop(struct hostile *h)
{
    (void)kill(h->pid, SIGKILL);
    (void)waitpid(h->pid, NULL, 0);
    if (h->ca_fd >= 0) {
        (void)close(h->ca_fd);
    }
}
