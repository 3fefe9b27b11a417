#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/fetch_impl.h"

enum { RAW_FIRST = 32 << 10, VALIDATOR_MAX = 1024 };

static void wake(struct transfer *t)
{
    if (t->waiter) {
        fiber_wake(t->waiter);
    }
}

void transfer_fail(struct transfer *t, enum fetch_outcome o, const char *fmt, ...)
{
    if (t->outcome != FETCH_OK) {
        return;
    }
    t->outcome = o;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(t->detail, sizeof t->detail, fmt, ap);
    va_end(ap);
}

/* ---- what libcurl calls ---- */

/* libcurl undoes transfer codings at once, without any bound, so none but chunked is let through. */
static bool only_chunked(struct transfer *t)
{
    str rest = buf_str(&t->head.lines), value;
    while (head_next(&rest, STR("Transfer-Encoding"), &value)) {
        if (!str_eq_nocase(value, STR("chunked")) && !str_eq_nocase(value, STR("identity"))) {
            transfer_fail(t, FETCH_UNKNOWN_ENCODING, "transfer coding \"%.*s\" was not asked for",
                          (int)(value.len < 80 ? value.len : 80), value.p);
            return false;
        }
    }
    return true;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * n;
    bool was_complete = t->head.complete;
    enum fetch_outcome o = head_line(&t->head, str_n(p, len), t->limits);
    if (o != FETCH_OK) {
        transfer_fail(t, o, "%s: %u lines, %zu bytes", fetch_outcome_text(o), t->head.n, t->head.bytes);
        return 0;
    }
    if (t->head.complete && !was_complete && !only_chunked(t)) {
        return 0;
    }
    if (t->head.complete) {
        wake(t);
    }
    return len;
}

/* Makes room for n more unread bytes. */
static int raw_grow(struct transfer *t, size_t n)
{
    size_t room = t->raw_room ? t->raw_room : RAW_FIRST;
    while (room < t->raw_len + n) {
        room *= 2;
    }
    if (room == t->raw_room) {
        return 0;
    }
    uint8_t *p = mem_alloc(room);
    if (!p) {
        return -ENOMEM;
    }
    size_t tail = t->raw_room - t->raw_at < t->raw_len ? t->raw_room - t->raw_at : t->raw_len;
    if (t->raw_len) {
        memcpy(p, t->raw + t->raw_at, tail);
        memcpy(p + tail, t->raw, t->raw_len - tail);
    }
    mem_free(t->raw);
    t->raw = p;
    t->raw_room = room;
    t->raw_at = 0;
    return 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * n;
    if (t->raw_len && t->raw_len + len > FETCH_UNREAD_MAX) {
        t->paused_at = fiber_now();
        return CURL_WRITEFUNC_PAUSE;
    }
    if (t->received + len > t->received_max) {
        transfer_fail(t, FETCH_TOO_LARGE, "more than %llu bytes came", (unsigned long long)t->received_max);
        return 0;
    }
    if (raw_grow(t, len) < 0) {
        transfer_fail(t, FETCH_NO_MEMORY, "out of memory");
        return 0;
    }
    size_t at = (t->raw_at + t->raw_len) % t->raw_room, tail = t->raw_room - at < len ? t->raw_room - at : len;
    memcpy(t->raw + at, p, tail);
    memcpy(t->raw, p + tail, len - tail);
    t->raw_len += len;
    t->received += len;
    t->door->stats.bytes_received += len;
    wake(t);
    return len;
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = arg;
    struct fiber_addr a = {.len = address->addrlen};
    memcpy(&a.ss, &address->addr, address->addrlen < sizeof a.ss ? address->addrlen : sizeof a.ss);
    for (size_t i = 0; purpose == CURLSOCKTYPE_IPCXN && i < t->n_addresses; i++) {
        if (netvet_same(&a, &t->addresses[i])) {
            int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
            t->door->stats.connections += fd >= 0;
            return fd; /* -1 is CURL_SOCKET_BAD */
        }
    }
    char text[NETVET_TEXT_MAX];
    netvet_format(&a, text);
    transfer_fail(t, FETCH_DENIED_ADDRESS, "%s is not among the addresses that were vetted", text);
    return CURL_SOCKET_BAD;
}

/* Names are looked up by us; that libcurl wants to do it means that it reads the URL in another way. */
static int on_resolve(void *resolver, void *reserved, void *arg)
{
    struct transfer *t = arg;
    (void)resolver;
    (void)reserved;
    if (t->literal) {
        return 0;
    }
    transfer_fail(t, FETCH_BAD_URL, "the host cannot be told for sure");
    return 1;
}

static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct transfer *t = arg;
    (void)local_ip;
    (void)local_port;
    (void)fiber_addr_parse(ip, (uint16_t)port, &t->connected);
    t->asked_at = fiber_now();
    wake(t);
    return CURL_PREREQFUNC_OK;
}

/* ---- how it ended ---- */

bool transfer_lacked_memory(const struct transfer *t)
{
    return door_failed_allocations() != t->failed_before;
}

void transfer_finished(struct transfer *t, CURLcode code)
{
    enum fetch_outcome o = outcome_of(t->easy, code, t->asked_at != 0);
    if (transfer_lacked_memory(t)) {
        o = FETCH_NO_MEMORY;
    } else if (o == FETCH_NO_MEMORY && t->asked_at && !t->head.complete) {
        o = FETCH_HEADERS_TOO_LARGE; /* how libcurl puts a header line of over 100 KiB */
    } else if (o == FETCH_CONNECTION_LOST && t->head.complete && strstr(t->error, "chunk")) {
        o = FETCH_PROTOCOL;
    }
    if (o != FETCH_OK) {
        transfer_fail(t, o, "%s%s%s", fetch_outcome_text(o), t->error[0] ? ": " : "", t->error);
    } else if (!t->head.complete) {
        transfer_fail(t, FETCH_PROTOCOL, "there was no response in the answer");
    }
    door_remove(t->door, t);
    t->done = true;
    t->on_done(t->on_done_arg);
    wake(t);
}

/* ---- starting ---- */

static bool add_line(struct curl_slist **list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool add_line(struct curl_slist **list, const char *fmt, ...)
{
    buf b;
    buf_init(&b, URL_BUF_MAX);
    va_list ap;
    va_start(ap, fmt);
    int r = buf_vprintf(&b, fmt, ap);
    va_end(ap);
    struct curl_slist *longer = r == 0 ? curl_slist_append(*list, b.p) : NULL;
    *list = longer ? longer : *list;
    buf_release(&b);
    return longer != NULL;
}

/* Validators are the site's own words of an earlier time; it does not get to make our requests large. */
static bool usable(const char *validator)
{
    return validator && strnlen(validator, VALIDATOR_MAX + 1) <= VALIDATOR_MAX;
}

static bool add_headers(struct transfer *t, const struct transfer_spec *spec)
{
    const struct fetch_request *q = spec->request;
    struct curl_slist **list = &t->headers;
    bool ok = add_line(list, "Accept-Encoding: " DECODER_ACCEPTS) && add_line(list, "Expect:");
    ok = ok && (!q->accept || add_line(list, "Accept: %s", q->accept));
    ok = ok && (!usable(q->if_none_match) || add_line(list, "If-None-Match: %s", q->if_none_match));
    ok = ok && (!usable(q->if_modified_since) || add_line(list, "If-Modified-Since: %s", q->if_modified_since));
    for (size_t i = 0; ok && spec->same_origin && i < q->n_headers; i++) {
        const struct fetch_header *h = &q->headers[i];
        ok = h->value[0] ? add_line(list, "%s: %s", h->name, h->value) : add_line(list, "%s;", h->name);
    }
    return ok;
}

/* Tells libcurl where the host is, so that it never asks anybody else. */
static bool add_addresses(struct transfer *t, const struct transfer_spec *spec)
{
    const url *u = spec->target;
    char ip[NETVET_TEXT_MAX];
    if (spec->pinned) {
        netvet_format(&t->addresses[0], ip);
        bool v6 = t->addresses[0].ss.ss_family == AF_INET6;
        unsigned port = ntohs(v6 ? ((const struct sockaddr_in6 *)&t->addresses[0].ss)->sin6_port
                                 : ((const struct sockaddr_in *)&t->addresses[0].ss)->sin_port);
        return add_line(&t->connect_to, "%.*s:%u:%s%s%s:%u", STR_FMT(u->host), u->port, v6 ? "[" : "", ip,
                        v6 ? "]" : "", port);
    }
    if (t->literal) {
        return true;
    }
    buf list;
    buf_init(&list, 1024);
    for (size_t i = 0; i < t->n_addresses; i++) {
        netvet_format(&t->addresses[i], ip);
        bool v6 = t->addresses[i].ss.ss_family == AF_INET6;
        (void)buf_printf(&list, "%s%s%s%s", i ? "," : "", v6 ? "[" : "", ip, v6 ? "]" : "");
    }
    bool ok = list.err == 0 && add_line(&t->resolve, "+%.*s:%u:%s", STR_FMT(u->host), u->port, list.p);
    buf_release(&list);
    return ok;
}

static bool configure(struct transfer *t, const struct transfer_spec *spec)
{
    const struct fetch_request *q = spec->request;
    const fetcher *door = t->door;
    str href = url_serialize(spec->target, false);
    MEM_AUTO char *text = mem_memdup0(href.p, href.len);
    CURLcode c = CURLE_OK;
#define SET(option, value) c = c == CURLE_OK ? curl_easy_setopt(t->easy, CURLOPT_##option, (value)) : c
    SET(URL, text);
    SET(PATH_AS_IS, 1L);
    SET(PROTOCOLS_STR, "http,https");
    SET(REDIR_PROTOCOLS_STR, "http,https");
    SET(FOLLOWLOCATION, 0L);
    SET(PROXY, "");
    SET(NOPROXY, "*");
    SET(NETRC, (long)CURL_NETRC_IGNORED);
    SET(NOSIGNAL, 1L);
    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(HTTP09_ALLOWED, 0L);
    SET(HTTP_CONTENT_DECODING, 0L);
    SET(USERAGENT, door->user_agent);
    SET(HTTPHEADER, t->headers);
    SET(RESOLVE, t->resolve);
    SET(CONNECT_TO, t->connect_to);
    SET(CONNECTTIMEOUT_MS, (long)t->limits->connect_ms);
    SET(ERRORBUFFER, t->error);
    SET(PRIVATE, t);
    SET(HEADERFUNCTION, on_header);
    SET(HEADERDATA, t);
    SET(WRITEFUNCTION, on_body);
    SET(WRITEDATA, t);
    SET(OPENSOCKETFUNCTION, on_open_socket);
    SET(OPENSOCKETDATA, t);
    SET(RESOLVER_START_FUNCTION, on_resolve);
    SET(RESOLVER_START_DATA, t);
    SET(PREREQFUNCTION, on_connected);
    SET(PREREQDATA, t);
    /* One of the two: with both, libcurl 7.88 parses all of the system's certificates for each connection (21 ms). */
    if (door->ca_file) {
        SET(CAINFO, door->ca_file);
        SET(CAPATH, NULL);
    } else if (curl_version_info(CURLVERSION_NOW)->capath) {
        SET(CAINFO, NULL);
    }
    if (q->head) {
        SET(NOBODY, 1L);
    } else if (q->body.p) {
        SET(POSTFIELDSIZE_LARGE, (curl_off_t)q->body.len);
        SET(COPYPOSTFIELDS, q->body.p);
    }
#undef SET
    return text && c == CURLE_OK;
}

int transfer_start(struct transfer *t, fetcher *door, const struct transfer_spec *spec)
{
    assert(spec->n_addresses > 0 && spec->n_addresses <= FETCH_ADDRESSES_MAX && t->on_done);
    t->door = door;
    t->limits = spec->limits;
    t->n_addresses = spec->n_addresses;
    memcpy(t->addresses, spec->addresses, spec->n_addresses * sizeof *spec->addresses);
    t->literal = spec->pinned || spec->target->host_kind != URL_DOMAIN;
    t->received_max = spec->limits->body_max + (spec->limits->body_max >> 6) + (64 << 10); /* what no coding exceeds */
    t->failed_before = door_failed_allocations();
    head_init(&t->head, spec->limits);
    t->easy = curl_easy_init();
    if (!t->easy || !add_addresses(t, spec) || !add_headers(t, spec) || !configure(t, spec)) {
        return diag_nomem();
    }
    return door_add(door, t);
}

void transfer_release(struct transfer *t)
{
    assert(!t->waiter);
    if (t->running) {
        door_remove(t->door, t);
    }
    curl_easy_cleanup(t->easy); /* NULL is fine */
    head_release(&t->head);
    curl_slist_free_all(t->resolve);
    curl_slist_free_all(t->connect_to);
    curl_slist_free_all(t->headers);
    mem_free(t->raw);
    *t = (struct transfer){0};
}

/* ---- the reading side ---- */

int transfer_wait(struct transfer *t, int64_t deadline)
{
    fiber_waiter w;
    assert(!t->waiter);
    fiber_waiter_init(&w);
    t->waiter = &w;
    int r = fiber_park(&w, deadline);
    t->waiter = NULL;
    return r;
}

str transfer_peek(const struct transfer *t)
{
    if (!t->raw_len) {
        return (str){0};
    }
    size_t tail = t->raw_room - t->raw_at;
    return str_n((const char *)t->raw + t->raw_at, tail < t->raw_len ? tail : t->raw_len);
}

void transfer_skip(struct transfer *t, size_t n)
{
    assert(n <= t->raw_len);
    t->raw_len -= n;
    t->raw_at = t->raw_len ? (t->raw_at + n) % t->raw_room : 0;
}

int64_t transfer_resume(struct transfer *t)
{
    if (!t->paused_at || !t->running || t->raw_len > FETCH_UNREAD_MAX / 2) {
        return 0;
    }
    int64_t waited = fiber_now() - t->paused_at;
    t->paused_at = 0;
    CURLcode c = curl_easy_pause(t->easy, CURLPAUSE_CONT); /* may call on_body */
    if (c != CURLE_OK && transfer_lacked_memory(t)) {
        door_discard(t->door);
    } else if (c != CURLE_OK) {
        enum fetch_outcome o = outcome_of(t->easy, c, true);
        transfer_fail(t, o, "%s", fetch_outcome_text(o));
    }
    return waited > 0 ? waited : 1;
}
