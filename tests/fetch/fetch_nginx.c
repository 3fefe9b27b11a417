/* The fetch door against a server that nobody here wrote: HTTP/2 and gzip as nginx does them. */
#include <malloc.h>

#include "base/mem.h"
#include "nginx.h"
#include "test.h"
#include "waymark/scrape/fetch.h"

enum { BIG = 8 << 20 };

struct real {
    struct nginx nginx;
    fiber_loop *loop;
    fetcher *door;
    struct netvet_pin pins[2];
};

static void pin(struct netvet_pin *p, unsigned port, int to)
{
    char text[64];
    (void)snprintf(text, sizeof text, "site.test:%u:127.0.0.1:%d", port, to);
    OK(netvet_parse_pin(str_of(text), p));
}

static void open_real(struct real *r)
{
    static char config[1024], ca[256], cert[256], key[256];
    memset(r, 0, sizeof *r);
    nginx_init(&r->nginx);
    int tls_port = server_free_port();
    (void)snprintf(cert, sizeof cert, "%s/cert.pem", r->nginx.server.dir);
    (void)snprintf(key, sizeof key, "%s/key.pem", r->nginx.server.dir);
    server_run(&r->nginx.server,
               (const char *const[]){server_program("/usr/bin/openssl", "openssl"), "req", "-x509", "-newkey", "ec",
                                     "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                                     "-days", "2", "-subj", "/CN=site.test", "-addext", "subjectAltName=DNS:site.test",
                                     NULL});
    (void)snprintf(ca, sizeof ca, "%s", cert);
    (void)snprintf(config, sizeof config,
                   "listen 127.0.0.1:%d ssl http2;\nssl_certificate %s;\nssl_certificate_key %s;\n"
                   "gzip on;\ngzip_types text/plain;\ngzip_min_length 100;\n",
                   tls_port, cert, key);
    char *body = malloc(BIG);
    ck_assert_ptr_nonnull(body);
    for (size_t i = 0; i < BIG; i++) {
        body[i] = (char)(i * 2654435761u >> 13); /* nothing that packs */
    }
    nginx_put(&r->nginx, "big.bin", body, BIG);
    memset(body, 'z', 5000);
    nginx_put(&r->nginx, "text.txt", body, 5000);
    nginx_put(&r->nginx, "small.html", "small", 5);
    free(body);
    nginx_start(&r->nginx, config);
    pin(&r->pins[0], 80, r->nginx.server.port);
    pin(&r->pins[1], 443, tls_port);
    OK(fiber_loop_open(NULL, &r->loop));
    const struct fetcher_options o = {.rules = {.pins = r->pins, .n_pins = 2}, .ca_file = ca};
    OK(fetcher_open(&o, &r->door));
}

static void close_real(struct real *r)
{
    fetcher_close(r->door);
    fiber_loop_close(r->loop);
    nginx_stop(&r->nginx);
}

/* What base/mem.h has given out and not got back; libcurl's memory comes from there too. */
static size_t held;

static void *count(void *p)
{
    held += malloc_usable_size(p);
    return p;
}

static void *counted_alloc(size_t size)
{
    return count(malloc(size));
}

static void *counted_realloc(void *p, size_t size)
{
    size_t before = malloc_usable_size(p);
    void *new = realloc(p, size);
    held -= new ? before : 0;
    return count(new);
}

static void counted_free(void *p)
{
    held -= malloc_usable_size(p);
    free(p);
}

static fetch *opened(struct real *r, const char *url)
{
    fetch *f;
    OK(fetch_open(r->door, &(struct fetch_request){.url = str_of(url)}, &f));
    ck_assert_msg(fetch_result(f)->outcome == FETCH_OK, "%s", fetch_result(f)->detail);
    return f;
}

static size_t read_rest(fetch *f)
{
    char chunk[8192];
    size_t all = 0;
    ssize_t n;
    while ((n = fetch_read(f, chunk, sizeof chunk)) > 0) {
        all += (size_t)n;
    }
    ck_assert_msg(n == 0, "%s", fetch_result(f)->detail);
    return all;
}

START_TEST(http2_is_spoken_where_it_is_offered_and_its_connection_reused)
{
    struct real r;
    open_real(&r);
    for (int i = 0; i < 3; i++) {
        fetch *f = opened(&r, "https://site.test/small.html");
        ck_assert_int_eq(fetch_result(f)->http_version, 20);
        ck_assert_int_eq(fetch_result(f)->status, 200);
        ck_assert_uint_eq(read_rest(f), 5);
        fetch_close(f);
    }
    fetch *f = opened(&r, "http://site.test/small.html");
    ck_assert_int_eq(fetch_result(f)->http_version, 11);
    fetch_close(f);
    struct fetch_stats stats;
    fetcher_stats(r.door, &stats);
    ck_assert_uint_eq(stats.connections, 2);
    close_real(&r);
}
END_TEST

START_TEST(an_unread_body_on_http2_holds_up_nobody_and_takes_no_memory)
{
    struct real r;
    mem_set_hooks(&(struct mem_hooks){counted_alloc, counted_realloc, counted_free});
    open_real(&r);
    size_t before = held;
    fetch *big = opened(&r, "https://site.test/big.bin");
    OK(fiber_sleep_until(fiber_in_ms(100)));
    ck_assert_uint_lt(held - before, 1 << 20); /* libcurl holds nothing back either */
    struct fetch_stats stats;
    fetcher_stats(r.door, &stats);
    ck_assert_uint_le(stats.bytes_received, FETCH_UNREAD_MAX);
    fetch *small = opened(&r, "https://site.test/small.html");
    ck_assert_uint_eq(read_rest(small), 5);
    fetch_close(small);
    ck_assert_uint_eq(read_rest(big), BIG);
    fetch_close(big);
    close_real(&r);
}
END_TEST

START_TEST(what_the_server_packs_is_unpacked)
{
    struct real r;
    open_real(&r);
    fetch *f = opened(&r, "http://site.test/text.txt");
    ck_assert(str_eq(fetch_header_value(f, "Content-Encoding"), STR("gzip")));
    ck_assert_uint_eq(read_rest(f), 5000);
    ck_assert_uint_lt(fetch_result(f)->received, 500);
    fetch_close(f);
    close_real(&r);
}
END_TEST

START_TEST(the_end_of_a_server_under_tls_kills_nobody)
{
    struct real r;
    open_real(&r);
    fetch *f = opened(&r, "https://site.test/small.html");
    ck_assert_uint_eq(read_rest(f), 5);
    fetch_close(f);
    f = opened(&r, "https://site.test/big.bin");
    nginx_stop(&r.nginx);
    char chunk[8192];
    ssize_t n;
    while ((n = fetch_read(f, chunk, sizeof chunk)) > 0) {
    }
    ck_assert_int_lt(n, 0);
    ck_assert(fetch_result(f)->partial);
    fetch_close(f);
    OK(fetch_open(r.door, &(struct fetch_request){.url = STR("https://site.test/small.html")}, &f));
    ck_assert_int_eq(fetch_result(f)->outcome, FETCH_CONNECT);
    fetch_close(f);
    fetcher_close(r.door); /* says goodbye on sockets that are gone: no SIGPIPE */
    fiber_loop_close(r.loop);
}
END_TEST

RUN("fetch_nginx", 30, CASE(http2_is_spoken_where_it_is_offered_and_its_connection_reused),
    CASE(an_unread_body_on_http2_holds_up_nobody_and_takes_no_memory), CASE(what_the_server_packs_is_unpacked),
    CASE(the_end_of_a_server_under_tls_kills_nobody));
