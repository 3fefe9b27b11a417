#include "site.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"

#define OR(v, d) ((v) ? (v) : (d))

static void pin(struct site *s, const char *host, unsigned port, unsigned to)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%s:%u:127.0.0.1:%u", host, port, to);
    OK(netvet_parse_pin(str_of(text), &s->pins[s->n_pins++]));
}

void site_open(struct site *s, bool tls, const struct fetcher_options *options)
{
    static const char *const tls_names[] = {"site.test", "other.test",   "expired.test", "early.test",
                                            "self.test", "unknown.test", "wrong.test",   "broken.test"};
    struct fetcher_options o = options ? *options : (struct fetcher_options){0};
    memset(s, 0, sizeof *s);
    hostile_start(&s->server, tls);
    pin(s, "site.test", 80, s->server.port);
    pin(s, "other.test", 80, s->server.port);
    for (size_t i = 0; tls && i < sizeof tls_names / sizeof *tls_names; i++) {
        pin(s, tls_names[i], 443, s->server.tls_port);
    }
    for (size_t i = 0; i < o.rules.n_pins; i++) {
        s->pins[s->n_pins++] = o.rules.pins[i];
    }
    o.rules.pins = s->pins;
    o.rules.n_pins = s->n_pins;
    o.ca_file = tls ? s->server.ca_file : NULL;
    o.limits.connect_ms = OR(o.limits.connect_ms, 5000);
    o.limits.first_byte_ms = OR(o.limits.first_byte_ms, 5000);
    o.limits.total_ms = OR(o.limits.total_ms, 15000);
    o.limits.slow_window_ms = OR(o.limits.slow_window_ms, 5000);
    s->options = o;
    OK(fiber_loop_open(NULL, &s->loop));
    OK(fetcher_open(&o, &s->door));
}

void site_close(struct site *s)
{
    fetcher_close(s->door);
    fiber_loop_close(s->loop);
    hostile_stop(&s->server);
}

struct job {
    struct site *site;
    const struct fetch_request *request;
    struct got got;
};

static int fetch_it(void *arg)
{
    struct job *j = arg;
    struct got *g = &j->got;
    FETCH_AUTO fetch *f = NULL;
    g->code = fetch_open(j->site->door, j->request, &f);
    if (g->code < 0) {
        return 0;
    }
    static char chunk[16 << 10];
    size_t kept = 0;
    ssize_t n;
    while ((n = fetch_read(f, chunk, sizeof chunk)) > 0) {
        size_t more = sizeof g->body - 1 - kept < (size_t)n ? sizeof g->body - 1 - kept : (size_t)n;
        memcpy(g->body + kept, chunk, more);
        kept += more;
    }
    const struct fetch_response *r = fetch_result(f);
    g->outcome = r->outcome;
    g->code = (int)n;
    g->status = r->status;
    g->version = r->http_version;
    g->partial = r->partial;
    g->redirects = r->redirects;
    g->received = r->received;
    g->decoded = r->decoded;
    (void)snprintf(g->url, sizeof g->url, "%.*s", STR_FMT(r->url));
    (void)snprintf(g->detail, sizeof g->detail, "%s", r->detail);
    return 0;
}

struct got get_with(struct site *s, const struct fetch_request *q)
{
    struct job j = {.site = s, .request = q};
    int64_t began = clock_mono_ns();
    clock_t cpu = clock();
    OK(fiber_run(s->loop, fetch_it, &j));
    j.got.ms = (double)(clock_mono_ns() - began) / 1e6;
    j.got.cpu_ms = (double)(clock() - cpu) * 1e3 / CLOCKS_PER_SEC;
    return j.got;
}

struct got get(struct site *s, const char *url)
{
    return get_with(s, &(struct fetch_request){.url = str_of(url)});
}

long peak_kib(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}
