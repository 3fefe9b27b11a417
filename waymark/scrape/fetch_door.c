/* libcurl's multi handle on the loop: one persistent uv_poll for each socket, made when libcurl opens it and closed
 * with it. Between two transfers a pooled connection stays polled, unreferenced, until something happens on it. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/fetch_impl.h"

enum { SPINS_MAX = 16, POOLED_MAX = 64, CONNECTION_IDLE_S = 60 };

struct sock {
    uv_poll_t poll;
    fetcher *door;
    curl_socket_t fd;
    int events;  /* what libcurl wants */
    int polled;  /* what libuv watches */
    bool foreign; /* not made by door_open_socket: lives from the first to the last wish of libcurl */
};

/* ---- memory of libcurl ---- */

static _Thread_local unsigned failed_allocations;

unsigned door_failed_allocations(void)
{
    return failed_allocations;
}

static void *noted(void *p)
{
    failed_allocations += !p;
    return p;
}

static void *curl_malloc_(size_t size)
{
    return noted(mem_alloc(size));
}

static void *curl_realloc_(void *p, size_t size)
{
    return noted(mem_realloc(p, size));
}

static char *curl_strdup_(const char *s)
{
    return noted(mem_strdup(s));
}

static void *curl_calloc_(size_t n, size_t size)
{
    return noted(mem_zalloc(n, size));
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_init(void)
{
    (void)curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc_, mem_free, curl_realloc_, curl_strdup_, curl_calloc_);
}

/* ---- driving ---- */

static void take_finished(fetcher *f)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(f->multi, &left))) {
        if (m->msg == CURLMSG_DONE) {
            struct transfer *t = NULL;
            CURLcode code = m->data.result;
            (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
            assert(t);
            transfer_finished(t, code);
        }
    }
}

static void on_timer(uv_timer_t *timer);

static void act(fetcher *f, curl_socket_t fd, int events)
{
    int running;
    f->acting = true;
    f->again = false;
    CURLMcode m = curl_multi_socket_action(f->multi, fd, events, &running);
    /* A timer of 0 ms that sets itself again would keep libuv 1.44 from polling, so it is served here. */
    for (int i = 0; m == CURLM_OK && f->again && i < SPINS_MAX; i++) {
        f->again = false;
        m = curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    assert(m != CURLM_RECURSIVE_API_CALL && m != CURLM_BAD_HANDLE);
    if (f->again) {
        (void)uv_timer_start(f->timer, on_timer, 1, 0);
    }
    f->acting = false;
    take_finished(f);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
    fetcher *f = arg;
    (void)multi;
    f->again = ms == 0 && f->acting;
    if (ms < 0) {
        (void)uv_timer_stop(f->timer);
    } else if (!f->again) {
        uv_update_time(f->uv);
        (void)uv_timer_start(f->timer, on_timer, (uint64_t)ms, 0);
    }
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct sock *s = poll->data;
    if (!s->events) { /* a pooled connection was closed by the other side; libcurl looks when it wants it again */
        (void)uv_poll_stop(poll);
        s->polled = 0;
        return;
    }
    int what = status < 0 ? CURL_CSELECT_ERR : 0;
    what |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    what |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    act(s->door, s->fd, what);
}

static void on_sock_closed(uv_handle_t *h)
{
    mem_free(h->data);
}

static void sock_free(struct sock *s)
{
    s->door->socks[s->fd] = NULL;
    uv_close((uv_handle_t *)&s->poll, on_sock_closed);
}

static struct sock *sock_new(fetcher *f, curl_socket_t fd)
{
    size_t at = (size_t)fd;
    if (at >= f->n_socks) {
        size_t n = at + 64;
        struct sock **p = mem_realloc(f->socks, n * sizeof(struct sock *));
        if (!p) {
            return NULL;
        }
        memset(p + f->n_socks, 0, (n - f->n_socks) * sizeof *p);
        f->socks = p;
        f->n_socks = n;
    }
    assert(!f->socks[at]);
    struct sock *s = mem_zalloc(1, sizeof *s);
    if (!s || uv_poll_init(f->uv, &s->poll, fd) != 0) {
        mem_free(s);
        return NULL;
    }
    s->poll.data = s;
    s->door = f;
    s->fd = fd;
    uv_unref((uv_handle_t *)&s->poll);
    f->socks[at] = s;
    return s;
}

static int want(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    fetcher *f = arg;
    (void)easy;
    (void)unused;
    struct sock *s = (size_t)fd < f->n_socks ? f->socks[fd] : NULL;
    if (what == CURL_POLL_REMOVE) {
        if (s && s->foreign) {
            sock_free(s);
        } else if (s) {
            s->events = 0;
            uv_unref((uv_handle_t *)&s->poll);
        }
        return 0;
    }
    if (!s) {
        s = sock_new(f, fd);
        if (!s) {
            return -1;
        }
        s->foreign = true;
    }
    s->events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_ref((uv_handle_t *)&s->poll);
    if (s->events != s->polled) {
        (void)uv_poll_start(&s->poll, s->events, on_poll);
        s->polled = s->events;
    }
    return 0;
}

curl_socket_t door_open_socket(fetcher *f, const struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
    if (fd < 0) {
        return CURL_SOCKET_BAD;
    }
    if (!sock_new(f, fd)) {
        (void)close(fd);
        return CURL_SOCKET_BAD;
    }
    f->stats.connections++;
    return fd;
}

int door_close_socket(void *fetcher_, curl_socket_t fd)
{
    fetcher *f = fetcher_;
    if ((size_t)fd < f->n_socks && f->socks[fd]) {
        sock_free(f->socks[fd]); /* before close: libuv takes it out of epoll at once */
    }
    return close(fd);
}

int door_add(fetcher *f, CURL *easy)
{
    CURLMcode m = curl_multi_add_handle(f->multi, easy);
    assert(m == CURLM_OK || m == CURLM_OUT_OF_MEMORY);
    return m == CURLM_OK ? 0 : diag_nomem();
}

void door_remove(fetcher *f, CURL *easy)
{
    (void)curl_multi_remove_handle(f->multi, easy);
}

/* ---- opening and closing ---- */

#define OR(v, d) ((v) ? (v) : (d))

static void set_limits(struct fetch_limits *l)
{
    l->connect_ms = OR(l->connect_ms, 10000);
    l->first_byte_ms = OR(l->first_byte_ms, 20000);
    l->total_ms = OR(l->total_ms, 120000);
    l->turn_ms = OR(l->turn_ms, 120000);
    l->slow_window_ms = OR(l->slow_window_ms, 10000);
    l->slow_bytes = OR(l->slow_bytes, 1000);
    l->body_max = OR(l->body_max, 64 << 20);
    l->ratio_max = OR(l->ratio_max, 250);
    l->encodings_max = OR(l->encodings_max, 3);
    l->header_max = OR(l->header_max, 256);
    l->header_bytes = OR(l->header_bytes, 64 << 10);
    l->interim_max = OR(l->interim_max, 8);
    l->redirects_max = OR(l->redirects_max, 5);
}

/* The rules with everything they point at in the fetcher's own memory. */
static int copy_options(fetcher *f, const struct fetcher_options *o)
{
    f->rules = o->rules;
    uint16_t *ports = ARENA_ARRAY(f->memory, uint16_t, o->rules.n_ports);
    struct netvet_pin *pins = ARENA_ARRAY(f->memory, struct netvet_pin, o->rules.n_pins);
    f->user_agent = arena_strdup(f->memory, o->user_agent ? o->user_agent : "waymark/" WAYMARK_VERSION);
    f->ca_file = o->ca_file ? arena_strdup(f->memory, o->ca_file) : NULL;
    if (!ports || !pins || !f->user_agent || (o->ca_file && !f->ca_file)) {
        return diag_nomem();
    }
    if (o->rules.n_ports) {
        memcpy(ports, o->rules.ports, o->rules.n_ports * sizeof *ports);
    }
    if (o->rules.n_pins) {
        memcpy(pins, o->rules.pins, o->rules.n_pins * sizeof *pins);
    }
    f->rules.ports = ports;
    f->rules.pins = pins;
    f->limits = o->limits;
    set_limits(&f->limits);
    f->polite = o->polite;
    f->resolve = o->resolve;
    f->resolve_arg = o->resolve_arg;
    return 0;
}

int fetcher_open(const struct fetcher_options *options, fetcher **ret)
{
    assert(fiber_loop_current());
    (void)pthread_once(&curl_once, curl_init);
    if (options->ca_file && access(options->ca_file, R_OK) != 0) {
        return diag_set(-EINVAL, "the CA file %s cannot be read: %s", options->ca_file, strerror(errno));
    }
    fetcher *f = mem_zalloc(1, sizeof *f);
    uv_timer_t *timer = f ? mem_zalloc(1, sizeof *timer) : NULL;
    if (!timer) {
        mem_free(f);
        return diag_nomem();
    }
    f->uv = fiber_loop_uv(fiber_loop_current());
    f->timer = timer;
    (void)uv_timer_init(f->uv, timer); /* cannot fail */
    timer->data = f;
    f->memory = arena_new(NULL, 0);
    f->multi = f->memory ? curl_multi_init() : NULL;
    int r = f->multi ? copy_options(f, options) : diag_nomem();
    if (r < 0) {
        fetcher_close(f);
        return r;
    }
    (void)curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, want);
    (void)curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    (void)curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    (void)curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)POOLED_MAX);
    /* One transfer a connection: an unread body must not hold up its neighbours on an HTTP/2 connection. */
    (void)curl_multi_setopt(f->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    *ret = f;
    return 0;
}

static void on_timer_closed(uv_handle_t *h)
{
    mem_free(h);
}

void fetcher_close(fetcher *f)
{
    if (!f) {
        return;
    }
    assert(f->stats.running == 0);
    if (f->multi) {
        (void)curl_multi_cleanup(f->multi); /* closes the pooled connections, by door_close_socket */
    }
    for (size_t i = 0; i < f->n_socks; i++) {
        assert(!f->socks[i]);
    }
    mem_free(f->socks);
    uv_close((uv_handle_t *)f->timer, on_timer_closed);
    arena_free(f->memory);
    mem_free(f);
}

void fetcher_stats(const fetcher *f, struct fetch_stats *ret)
{
    *ret = f->stats;
}
