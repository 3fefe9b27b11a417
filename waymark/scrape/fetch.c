#include "waymark/scrape/fetch.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/fetch_impl.h"

enum {
    MS = 1000000,
    HOPS_MAX = 32,
    FLAPS_MAX = 2,
    REDIRECT_BODY_MAX = 64 << 10,
    REDIRECT_BODY_MS = 1000,
    REQUEST_HEADER_MAX = 16 << 10,
};

/* ---- how it ends ---- */

static int end(struct fetch *f, enum fetch_outcome o, const char *detail)
{
    if (!f->code) {
        f->response.outcome = o;
        f->response.partial = f->has_body && !f->ended;
        f->code = outcome_code(o);
        (void)snprintf(f->response.detail, sizeof f->response.detail, "%s", detail);
        for (char *c = f->response.detail; *c; c++) { /* it may quote the site, and end on a terminal */
            *c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
        }
        (void)diag_set(f->code, "%.*s: %s", (int)(f->response.url.len < 150 ? f->response.url.len : 150),
                       f->response.url.p ? f->response.url.p : "", f->response.detail);
    }
    return f->code;
}

int fetch_fail(struct fetch *f, enum fetch_outcome o, const char *fmt, ...)
{
    char detail[FETCH_DETAIL_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    return end(f, o, detail);
}

int fetch_fail_transfer(struct fetch *f)
{
    assert(f->transfer.outcome != FETCH_OK);
    return end(f, f->transfer.outcome, f->transfer.detail);
}

int fetch_fail_wait(struct fetch *f, int r, enum fetch_outcome o, const char *what)
{
    if (r == -ETIMEDOUT) {
        return fetch_fail(f, o, "%s: %s", what, fetch_outcome_text(o));
    }
    return r == -ENOMEM ? fetch_fail(f, FETCH_NO_MEMORY, "out of memory") : fetch_fail(f, FETCH_CANCELLED, "cancelled");
}

/* Ends f with the sentence of the diagnosis. */
static int fail_diag(struct fetch *f, enum fetch_outcome o)
{
    return fetch_fail(f, o, "%s", diag_last()->message);
}

static void give_turn_back(void *arg)
{
    struct fetch *f = arg;
    const struct head *h = &f->transfer.head;
    polite_leave(&f->turn, h->complete ? h->status : 0, head_retry_after_ms(h));
}

/* ---- one hop ---- */

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int take_turn(struct fetch *f, str host, const struct fiber_addr *address)
{
    if (!f->door->polite) {
        return 0;
    }
    int64_t before = fiber_now();
    int r = polite_enter(f->door->polite, host, address, min64(f->deadline, before + f->limits.turn_ms * MS), &f->turn);
    f->total_end += fiber_now() - before;
    if (r == -EBUSY) {
        return fail_diag(f, FETCH_HELD_BACK);
    }
    return r < 0 ? fetch_fail_wait(f, r, FETCH_HELD_BACK, "waiting for a turn") : 0;
}

static int check_memory(struct fetch *f)
{
    return transfer_lacked_memory(&f->transfer) ? fetch_fail(f, FETCH_NO_MEMORY, "out of memory") : 0;
}

/* Waits for the last header line. */
static int wait_for_head(struct fetch *f, int64_t began)
{
    struct transfer *t = &f->transfer;
    while (!t->done && !t->head.complete && t->outcome == FETCH_OK) {
        bool asked = t->asked_at != 0;
        int64_t phase = asked ? t->asked_at + f->limits.first_byte_ms * MS : began + f->limits.connect_ms * MS;
        int64_t total = min64(f->total_end, f->deadline);
        int r = transfer_wait(t, min64(phase, total));
        if (r == -ECANCELED || (r < 0 && !t->done && !t->head.complete)) {
            enum fetch_outcome o = phase > total || fiber_now() < phase ? FETCH_TIMEOUT_TOTAL
                                   : asked                              ? FETCH_TIMEOUT_FIRST_BYTE
                                                                        : FETCH_TIMEOUT_CONNECT;
            return fetch_fail_wait(f, r, o, "the response");
        }
    }
    return t->head.complete ? check_memory(f) : fetch_fail_transfer(f);
}

static int hop(struct fetch *f, const url *u, const struct fetch_request *q, bool same_origin)
{
    struct fiber_addr addrs[FETCH_ADDRESSES_MAX];
    enum fetch_outcome o = FETCH_OK;
    struct transfer_spec spec = {
        .target = u, .request = q, .limits = &f->limits, .same_origin = same_origin, .addresses = addrs};
    int64_t began = fiber_now();
    int n = where_is(f->door, u, min64(began + f->limits.connect_ms * MS, min64(f->deadline, f->total_end)), addrs,
                     &spec.pinned, &o);
    if (n <= 0) {
        return n == 0 ? fail_diag(f, o) : fetch_fail_wait(f, n, FETCH_DNS_FAILED, "the name");
    }
    spec.n_addresses = (size_t)n;
    int64_t named = fiber_now();
    int r = take_turn(f, u->host, addrs);
    if (r < 0) {
        return r;
    }
    began += fiber_now() - named; /* what the name took counts, what the turn took does not */
    f->transfer.on_done = give_turn_back;
    f->transfer.on_done_arg = f;
    f->door->stats.hops++;
    r = transfer_start(&f->transfer, f->door, &spec);
    return r < 0 ? fail_diag(f, FETCH_NO_MEMORY) : wait_for_head(f, began);
}

static void end_hop(struct fetch *f)
{
    give_turn_back(f);
    transfer_release(&f->transfer);
}

/* Reads the small body that a redirect often has, so that its connection can be used again. */
static void drain(struct fetch *f)
{
    struct transfer *t = &f->transfer;
    int64_t until = fiber_now() + (int64_t)REDIRECT_BODY_MS * MS;
    while (!t->done && t->received < REDIRECT_BODY_MAX && transfer_wait(t, min64(until, f->deadline)) == 0) {
        transfer_skip(t, t->raw_len);
    }
}

/* ---- the response ---- */

/* Copies s into *ret; clears *ok when memory is out. */
static void keep(struct fetch *f, str s, str *ret, bool *ok)
{
    char *copy = s.len ? arena_memdup0(f->memory, s.p, s.len) : NULL;
    *ret = copy ? str_n(copy, s.len) : (str){0};
    *ok = *ok && (copy || !s.len);
}

static int fill_response(struct fetch *f)
{
    struct fetch_response *r = &f->response;
    const struct transfer *t = &f->transfer;
    const struct head *h = &t->head;
    uint64_t n;
    bool ok = true;
    r->status = h->status;
    r->http_version = h->version;
    r->address = t->connected;
    keep(f, head_find(h, STR("Content-Type")), &r->content_type, &ok);
    keep(f, head_find(h, STR("ETag")), &r->etag, &ok);
    keep(f, head_find(h, STR("Last-Modified")), &r->last_modified, &ok);
    keep(f, head_find(h, STR("Location")), &r->location, &ok);
    r->content_length = str_to_u64(head_find(h, STR("Content-Length")), INT64_MAX, &n) ? (int64_t)n : -1;
    r->retry_after_ms = head_retry_after_ms(h);
    if (!clock_parse_http(r->last_modified, &r->last_modified_us)) {
        r->last_modified_us = INT64_MIN;
    }
    return ok ? 0 : fetch_fail(f, FETCH_NO_MEMORY, "out of memory");
}

static bool is_redirect(const struct fetch *f, const struct fetch_request *q)
{
    int s = f->response.status;
    return (s == 301 || s == 302 || s == 303 || s == 307 || s == 308) && f->response.location.len && !q->body.p &&
           f->limits.redirects_max != FETCH_NO_REDIRECTS;
}

static void conclude(struct fetch *f, const struct fetch_request *q)
{
    struct fetch_response *r = &f->response;
    bool conditional = q->if_none_match || q->if_modified_since;
    if (r->status == 304 && conditional) {
        r->outcome = FETCH_NOT_MODIFIED;
    } else if (r->status < 200 || r->status > 299) {
        r->outcome = FETCH_HTTP;
        (void)snprintf(r->detail, sizeof r->detail, "the server answered with status %d", r->status);
    }
    (void)body_start(f);
}

/* ---- redirects ---- */

struct route {
    str seen[HOPS_MAX];
    unsigned n, flaps;
    buf text[2]; /* of the present URL and of the one before */
    url first, now;
};

static int set_url(struct fetch *f, const url *u)
{
    bool ok = true;
    keep(f, url_serialize(u, false), &f->response.url, &ok);
    return ok ? 0 : fetch_fail(f, FETCH_NO_MEMORY, "out of memory");
}

/* Takes the URL in for the next hop, relative to the present one unless it is the first. */
static int advance(struct fetch *f, struct route *route, str in)
{
    url next;
    bool first = route->n == 0, was_https = route->now.https;
    int e = url_parse(&route->text[route->n % 2], in, first ? NULL : &route->now, &next);
    if (e < 0) {
        int shown = (int)(in.len < 120 ? in.len : 120);
        return e == URL_NOMEM
                   ? fetch_fail(f, FETCH_NO_MEMORY, "out of memory")
                   : fetch_fail(f, e == URL_OTHER_SCHEME ? FETCH_BAD_SCHEME : FETCH_BAD_URL, "%s\"%.*s\": %s",
                                first ? "" : "redirect to ", shown, in.p ? in.p : "", url_error_text(e));
    }
    route->now = next;
    if (set_url(f, &next) < 0) {
        return f->code;
    }
    if (next.username.len || next.password.len) {
        return fetch_fail(f, FETCH_USERINFO, "%s; give them as a header", fetch_outcome_text(FETCH_USERINFO));
    }
    route->flaps += !first && next.https != was_https;
    if (route->flaps > FLAPS_MAX) {
        return fetch_fail(f, FETCH_REDIRECT_FLAPPING, "the redirects changed between http and https %u times",
                          route->flaps);
    }
    for (unsigned i = 0; i < route->n; i++) {
        if (str_eq(route->seen[i], f->response.url)) {
            return fetch_fail(f, FETCH_REDIRECT_LOOP, "redirect back to a URL that came before");
        }
    }
    if (route->n > f->limits.redirects_max && f->limits.redirects_max != FETCH_NO_REDIRECTS) {
        return fetch_fail(f, FETCH_TOO_MANY_REDIRECTS, "more than %u redirects", f->limits.redirects_max);
    }
    route->seen[route->n++] = f->response.url;
    if (first) {
        return url_dup(f->memory, &next, &route->first) < 0 ? fetch_fail(f, FETCH_NO_MEMORY, "out of memory") : 0;
    }
    f->response.redirects++;
    return 0;
}

/* Goes from hop to hop until a response is not a redirect, or the fetch has failed. */
static void follow(struct fetch *f, const struct fetch_request *q, struct route *route)
{
    int r = advance(f, route, q->url);
    while (r == 0) {
        r = hop(f, &route->now, q, url_same_origin(&route->first, &route->now));
        r = r < 0 ? r : fill_response(f);
        if (r == 0 && !is_redirect(f, q)) {
            conclude(f, q);
            return;
        }
        if (r == 0) {
            drain(f);
            r = check_memory(f);
            end_hop(f);
            r = r < 0 ? r : advance(f, route, f->response.location);
        }
    }
}

/* ---- opening and closing ---- */

static bool has_break(const char *s)
{
    return s && strpbrk(s, "\r\n");
}

static int check_request(const struct fetch_request *q)
{
    bool bad = has_break(q->accept) || has_break(q->if_none_match) || has_break(q->if_modified_since);
    for (size_t i = 0; i < q->n_headers; i++) {
        const char *name = q->headers[i].name;
        bad = bad || !name[0] || strpbrk(name, "\r\n:; ") || has_break(q->headers[i].value);
        bad = bad || strlen(name) + strlen(q->headers[i].value) > REQUEST_HEADER_MAX;
    }
    if (bad) {
        return diag_set(-EINVAL, "a request header has a line break in it, a name that is none, or over %d bytes",
                        REQUEST_HEADER_MAX);
    }
    return q->head && q->body.p ? diag_set(-EINVAL, "a HEAD request has no body") : 0;
}

static struct fetch_limits merged(const struct fetch_limits *base, const struct fetch_limits *over)
{
    struct fetch_limits l = *base;
#define TAKE(field) l.field = over && over->field ? over->field : l.field
    TAKE(connect_ms);
    TAKE(first_byte_ms);
    TAKE(total_ms);
    TAKE(turn_ms);
    TAKE(slow_window_ms);
    TAKE(slow_bytes);
    TAKE(body_max);
    TAKE(ratio_max);
    TAKE(encodings_max);
    TAKE(header_max);
    TAKE(header_bytes);
    TAKE(interim_max);
    TAKE(redirects_max);
#undef TAKE
    int64_t *const times[] = {&l.connect_ms, &l.first_byte_ms, &l.total_ms, &l.turn_ms, &l.slow_window_ms};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        *times[i] = min64(*times[i], INT32_MAX);
    }
    l.body_max = l.body_max < INT64_MAX / 2 ? l.body_max : INT64_MAX / 2;
    if (l.redirects_max != FETCH_NO_REDIRECTS && l.redirects_max > HOPS_MAX - 2) {
        l.redirects_max = HOPS_MAX - 2;
    }
    return l;
}

int fetch_open(fetcher *door, const struct fetch_request *q, struct fetch **ret_fetch)
{
    int r = check_request(q);
    if (r < 0) {
        return r;
    }
    arena *memory = arena_new(NULL, 0);
    struct fetch *f = memory ? ARENA_NEW(memory, struct fetch) : NULL;
    struct route *route = f ? ARENA_NEW(memory, struct route) : NULL;
    if (!route) {
        arena_free(memory);
        return diag_nomem();
    }
    f->door = door;
    f->memory = memory;
    f->limits = merged(&door->limits, q->limits);
    f->head = q->head;
    f->deadline = q->deadline ? q->deadline : FIBER_FOREVER;
    f->total_end = fiber_now() + f->limits.total_ms * MS;
    f->response.content_length = f->response.retry_after_ms = -1;
    f->response.last_modified_us = INT64_MIN;
    door->stats.fetches++;
    door->stats.running++;
    buf_init(&route->text[0], URL_BUF_MAX);
    buf_init(&route->text[1], URL_BUF_MAX);
    follow(f, q, route);
    buf_release(&route->text[0]);
    buf_release(&route->text[1]);
    enum fetch_outcome o = f->response.outcome;
    if (o == FETCH_CANCELLED || o == FETCH_NO_MEMORY) {
        fetch_close(f);
        return outcome_code(o);
    }
    *ret_fetch = f;
    return 0;
}

void fetch_close(struct fetch *f)
{
    if (!f) {
        return;
    }
    end_hop(f);
    decoder_free(f->decoder);
    f->door->stats.running--;
    arena_free(f->memory);
}

const struct fetch_response *fetch_result(const struct fetch *f)
{
    return &f->response;
}

str fetch_header_value(const struct fetch *f, const char *name)
{
    return head_find(&f->transfer.head, str_of(name));
}

void fetch_each_header(const struct fetch *f, bool (*fn)(void *arg, str name, str value), void *arg)
{
    str rest = buf_str(&f->transfer.head.lines);
    bool more = true;
    while (more && rest.p && rest.len) {
        str value = str_cut(&rest, '\n'), name = str_cut(&value, ':');
        more = fn(arg, name, str_trim(value));
    }
}
