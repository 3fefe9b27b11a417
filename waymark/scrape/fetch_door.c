/* libcurl's multi handle on the loop. Its sockets are watched by an epoll of the fetcher's own, and that by one
 * uv_poll: libcurl closes some sockets without a word (those that lost the race of addresses), which the kernel
 * forgives, while a uv_poll of a number that now belongs to somebody else would take that one out of the loop. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/fetch_impl.h"

enum { READY_MAX = 64, SPINS_MAX = 16, POOLED_MAX = 64 };

/* In a block of their own, since libuv closes them later. */
struct door_handles {
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned open;
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

/* Lets libcurl work. */
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
        (void)uv_timer_start(&f->handles->timer, on_timer, 1, 0);
    }
    f->acting = false;
    if (m == CURLM_OK) {
        take_finished(f);
    } else {
        door_discard(f);
    }
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
        (void)uv_timer_stop(&f->handles->timer);
    } else if (!f->again) {
        uv_update_time(f->uv);
        (void)uv_timer_start(&f->handles->timer, on_timer, (uint64_t)ms, 0);
    }
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    fetcher *f = poll->data;
    struct epoll_event ready[READY_MAX];
    (void)status;
    (void)events;
    int n = epoll_wait(f->epoll, ready, READY_MAX, 0); /* what does not fit is there the next time */
    for (int i = 0; i < n && f->multi; i++) {
        uint32_t e = ready[i].events;
        bool broken = e & (EPOLLERR | EPOLLHUP); /* reading or writing will tell how */
        act(f, ready[i].data.fd,
            (broken || e & EPOLLIN ? CURL_CSELECT_IN : 0) | (broken || e & EPOLLOUT ? CURL_CSELECT_OUT : 0));
    }
}

static int want(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    fetcher *f = arg;
    (void)easy;
    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(f->epoll, EPOLL_CTL_DEL, fd, NULL); /* fails when it is closed already */
        return 0;
    }
    struct epoll_event e = {.data.fd = fd};
    e.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &e) != 0 &&
        (errno != EEXIST || epoll_ctl(f->epoll, EPOLL_CTL_MOD, fd, &e) != 0)) {
        return -1;
    }
    return 0;
}

static bool make_multi(fetcher *f)
{
    f->multi = curl_multi_init();
    if (!f->multi) {
        return false;
    }
    (void)curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, want);
    (void)curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    (void)curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    (void)curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    (void)curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)POOLED_MAX);
    /* One transfer a connection: an unread body must not hold up its neighbours on an HTTP/2 connection. */
    (void)curl_multi_setopt(f->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return true;
}

void door_discard(fetcher *f)
{
    while (f->running) {
        transfer_finished(f->running, CURLE_OUT_OF_MEMORY);
    }
    (void)uv_timer_stop(&f->handles->timer);
    (void)curl_multi_cleanup(f->multi);
    f->multi = NULL;
}

int door_add(fetcher *f, struct transfer *t)
{
    if (!f->multi && !make_multi(f)) {
        return diag_nomem();
    }
    CURLMcode m = curl_multi_add_handle(f->multi, t->easy);
    assert(m == CURLM_OK || m == CURLM_OUT_OF_MEMORY);
    if (m != CURLM_OK) {
        return diag_nomem();
    }
    t->next = f->running;
    if (t->next) {
        t->next->prev = t;
    }
    f->running = t;
    t->running = true;
    uv_ref((uv_handle_t *)&f->handles->poll);
    return 0;
}

void door_remove(fetcher *f, struct transfer *t)
{
    assert(t->running);
    (void)curl_multi_remove_handle(f->multi, t->easy);
    *(t->prev ? &t->prev->next : &f->running) = t->next;
    if (t->next) {
        t->next->prev = t->prev;
    }
    t->next = t->prev = NULL;
    t->running = false;
    if (!f->running) { /* pooled connections keep nobody waiting */
        uv_unref((uv_handle_t *)&f->handles->poll);
    }
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

static int open_handles(fetcher *f)
{
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (f->epoll < 0) {
        return diag_set(-errno, "cannot make an epoll: %s", strerror(errno));
    }
    struct door_handles *h = mem_zalloc(1, sizeof *h);
    if (!h) {
        return diag_nomem();
    }
    int r = uv_poll_init(f->uv, &h->poll, f->epoll);
    if (r < 0) {
        mem_free(h);
        return diag_set(r, "cannot watch an epoll: %s", uv_strerror(r));
    }
    (void)uv_timer_init(f->uv, &h->timer); /* cannot fail */
    h->poll.data = h->timer.data = f;
    h->open = 2;
    f->handles = h;
    (void)uv_poll_start(&h->poll, UV_READABLE, on_poll);
    uv_unref((uv_handle_t *)&h->poll);
    return 0;
}

int fetcher_open(const struct fetcher_options *options, fetcher **ret)
{
    assert(fiber_loop_current());
    (void)pthread_once(&curl_once, curl_init);
    if (options->user_agent && strpbrk(options->user_agent, "\r\n")) {
        return diag_set(-EINVAL, "the user agent has a line break in it");
    }
    if (options->ca_file && access(options->ca_file, R_OK) != 0) {
        return diag_set(-EINVAL, "the CA file %s cannot be read: %s", options->ca_file, strerror(errno));
    }
    fetcher *f = mem_zalloc(1, sizeof *f);
    if (!f) {
        return diag_nomem();
    }
    f->uv = fiber_loop_uv(fiber_loop_current());
    f->memory = arena_new(NULL, 0);
    f->epoll = -1;
    int r = f->memory ? copy_options(f, options) : diag_nomem();
    r = r < 0 ? r : open_handles(f);
    if (r == 0 && !make_multi(f)) {
        r = diag_nomem();
    }
    if (r < 0) {
        fetcher_close(f);
        return r;
    }
    *ret = f;
    return 0;
}

static void on_closed(uv_handle_t *h)
{
    struct door_handles *both = h->data;
    if (--both->open == 0) {
        mem_free(both);
    }
}

void fetcher_close(fetcher *f)
{
    if (!f) {
        return;
    }
    assert(f->stats.running == 0 && !f->running);
    if (f->multi) {
        (void)curl_multi_cleanup(f->multi); /* closes the pooled connections */
    }
    if (f->handles) {
        f->handles->poll.data = f->handles->timer.data = f->handles;
        uv_close((uv_handle_t *)&f->handles->poll, on_closed);
        uv_close((uv_handle_t *)&f->handles->timer, on_closed);
    }
    if (f->epoll >= 0) {
        (void)close(f->epoll);
    }
    arena_free(f->memory);
    mem_free(f);
}

void fetcher_stats(const fetcher *f, struct fetch_stats *ret)
{
    *ret = f->stats;
}
