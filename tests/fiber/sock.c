#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

static void listen_on_loopback(const char *ip, fiber_sock **listener, struct fiber_addr *at)
{
    struct fiber_addr any;
    OK(fiber_addr_parse(ip, 0, &any));
    OK(fiber_sock_listen(&any, 512, listener));
    OK(fiber_sock_addr(*listener, at));
}

static int echo(void *arg)
{
    fiber_sock *s = arg;
    char buf[4096];
    ssize_t n;
    while ((n = fiber_sock_read(s, buf, sizeof buf, FIBER_FOREVER)) > 0) {
        OK(fiber_sock_write(s, buf, (size_t)n, FIBER_FOREVER));
    }
    fiber_sock_close(s);
    return 0;
}

static int serve(void *arg)
{
    FIBER_BUNDLE(clients);
    for (;;) {
        fiber_sock *s;
        int rc = fiber_sock_accept((fiber_sock *)arg, FIBER_FOREVER, &s);
        if (rc) {
            ck_assert_int_eq(rc, -ECANCELED);
            return 0;
        }
        OK(fiber_start(&clients, echo, s));
    }
}

static int talk(void *arg)
{
    fiber_sock *s;
    OK(fiber_sock_connect((struct fiber_addr *)arg, fiber_in_ms(10000), &s));
    for (int i = 0; i < 20; i++) {
        char sent[32], got[32];
        int len = snprintf(sent, sizeof sent, "message %d", i);
        OK(fiber_sock_write(s, sent, (size_t)len, FIBER_FOREVER));
        for (int at = 0; at < len;) {
            ssize_t n = fiber_sock_read(s, got + at, sizeof got - (size_t)at, FIBER_FOREVER);
            ck_assert_int_gt(n, 0);
            at += (int)n;
        }
        ck_assert_mem_eq(sent, got, (size_t)len);
    }
    fiber_sock_close(s);
    return 0;
}

static void many_clients_are_echoed(const char *ip)
{
    fiber_sock *listener;
    struct fiber_addr at;
    listen_on_loopback(ip, &listener, &at);
    {
        FIBER_BUNDLE(server);
        OK(fiber_start(&server, serve, listener));
        FIBER_BUNDLE(clients);
        for (int i = 0; i < 100; i++) {
            OK(fiber_start(&clients, talk, &at));
        }
        OK(fiber_bundle_wait(&clients, FIBER_FOREVER));
    }
    fiber_sock_close(listener);
}

START_FIBER_TEST(a_hundred_clients_are_echoed)
{
    many_clients_are_echoed("127.0.0.1");
}
END_FIBER_TEST

START_FIBER_TEST(unix_sockets_work_alike_even_past_a_full_backlog)
{
    char dir[] = "/tmp/fiber-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/s", dir);
    struct fiber_addr at;
    fiber_sock *listener;
    OK(fiber_addr_unix(path, &at));
    OK(fiber_sock_listen(&at, 1, &listener));
    {
        FIBER_BUNDLE(clients);
        for (int i = 0; i < 10; i++) {
            OK(fiber_start(&clients, talk, &at));
        }
        OK(fiber_sleep_until(fiber_in_ms(10)));
        FIBER_BUNDLE(server);
        OK(fiber_start(&server, serve, listener));
        OK(fiber_bundle_wait(&clients, FIBER_FOREVER));
    }
    fiber_sock_close(listener);
    OK(unlink(path));
    OK(rmdir(dir));
}
END_FIBER_TEST

enum { BULK = 8 << 20 };

static int send_bulk(void *arg)
{
    static char bulk[BULK];
    for (size_t i = 0; i < BULK; i++) {
        bulk[i] = (char)(i * 31 >> 3);
    }
    OK(fiber_sock_write((fiber_sock *)arg, bulk, BULK, FIBER_FOREVER));
    return fiber_sock_shutdown((fiber_sock *)arg);
}

static void connected_pair(fiber_sock **a, fiber_sock **b)
{
    fiber_sock *listener;
    struct fiber_addr at;
    listen_on_loopback("127.0.0.1", &listener, &at);
    OK(fiber_sock_connect(&at, fiber_in_ms(5000), a));
    OK(fiber_sock_accept(listener, fiber_in_ms(5000), b));
    fiber_sock_close(listener);
}

START_FIBER_TEST(a_write_writes_all_and_the_end_is_read_as_zero)
{
    fiber_sock *a, *b;
    connected_pair(&a, &b);
    FIBER_BUNDLE(sender);
    OK(fiber_start(&sender, send_bulk, a));
    static char buf[50000];
    size_t total = 0;
    ssize_t n;
    while ((n = fiber_sock_read(b, buf, sizeof buf, FIBER_FOREVER)) > 0) {
        for (size_t i = 0; i < (size_t)n; i += 997) {
            ck_assert_int_eq(buf[i], (char)((total + i) * 31 >> 3));
        }
        total += (size_t)n;
    }
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(total, BULK);
    OK(fiber_bundle_wait(&sender, FIBER_FOREVER));
    fiber_sock_close(a);
    fiber_sock_close(b);
}
END_FIBER_TEST

START_FIBER_TEST(calls_end_at_their_deadline)
{
    fiber_sock *a, *b, *none;
    connected_pair(&a, &b);
    char c;
    CODE((int)fiber_sock_read(a, &c, 1, fiber_in_ms(5)), -ETIMEDOUT);
    static char bulk[BULK];
    CODE(fiber_sock_write(a, bulk, BULK, fiber_in_ms(5)), -ETIMEDOUT);
    struct fiber_addr at;
    fiber_sock *listener;
    listen_on_loopback("127.0.0.1", &listener, &at);
    CODE(fiber_sock_accept(listener, fiber_in_ms(5), &none), -ETIMEDOUT);
    fiber_sock_close(listener);
    fiber_sock_close(a);
    fiber_sock_close(b);
}
END_FIBER_TEST

START_FIBER_TEST(failures_have_their_codes)
{
    fiber_sock *s, *listener;
    struct fiber_addr at;
    listen_on_loopback("127.0.0.1", &listener, &at);
    CODE(fiber_sock_listen(&at, 1, &s), -EADDRINUSE);
    fiber_sock_close(listener);
    CODE(fiber_sock_connect(&at, fiber_in_ms(5000), &s), -ECONNREFUSED);
    ck_assert_ptr_nonnull(strstr(test_diag(), "connect to 127.0.0.1:"));
    fiber_sock *a, *b;
    connected_pair(&a, &b);
    fiber_sock_close(b);
    int rc = 0;
    for (int i = 0; i < 10 && !rc; i++) {
        rc = fiber_sock_write(a, "xx", 2, fiber_in_ms(1000));
        OK(fiber_sleep_until(fiber_in_ms(1)));
    }
    ck_assert(rc == -EPIPE || rc == -ECONNRESET);
    fiber_sock_close(a);
    fiber_sock_close(NULL);
}
END_FIBER_TEST

static int flood(void *arg)
{
    char c[64] = "";
    while (fiber_sock_write((fiber_sock *)arg, c, sizeof c, FIBER_FOREVER) == 0) {
    }
    return 0;
}

START_FIBER_TEST(a_fast_peer_does_not_hold_the_loop)
{
    fiber_sock *a, *b;
    connected_pair(&a, &b);
    FIBER_BUNDLE(sender);
    OK(fiber_start(&sender, flood, a));
    OK(fiber_sleep_until(fiber_in_ms(5))); /* the socket is full of small pieces now */
    struct fiber_stats before, after;
    fiber_loop_stats(fiber_loop_current(), &before);
    for (int i = 0; i < 200; i++) {
        char c;
        ck_assert_int_eq(fiber_sock_read(b, &c, 1, FIBER_FOREVER), 1);
    }
    fiber_loop_stats(fiber_loop_current(), &after);
    ck_assert_uint_ge(after.switches, before.switches + 3);
    fiber_bundle_close(&sender);
    fiber_sock_close(a);
    fiber_sock_close(b);
}
END_FIBER_TEST

START_FIBER_TEST(addresses_are_parsed)
{
    struct fiber_addr a;
    OK(fiber_addr_parse("127.0.0.1", 80, &a));
    ck_assert_int_eq(a.ss.ss_family, AF_INET);
    ck_assert_uint_eq(ntohs(((struct sockaddr_in *)&a.ss)->sin_port), 80);
    OK(fiber_addr_parse("2001:db8::1", 443, &a));
    ck_assert_int_eq(a.ss.ss_family, AF_INET6);
    ck_assert_uint_eq(ntohs(((struct sockaddr_in6 *)&a.ss)->sin6_port), 443);
    const char *const wrong[] = {"",           "localhost", "127.0.0.1.5",  "1.2.3",
                                 "0x7f.0.0.1", "::g",       "127.0.0.1:80", " 1.2.3.4"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CODE(fiber_addr_parse(wrong[i], 1, &a), -EINVAL);
    }
    char path[200];
    memset(path, 'x', sizeof path);
    path[199] = '\0';
    CODE(fiber_addr_unix(path, &a), -EINVAL);
    CODE(fiber_addr_unix("", &a), -EINVAL);
}
END_FIBER_TEST

START_FIBER_TEST(addresses_are_spelled_out)
{
    char text[FIBER_ADDR_TEXT];
    struct fiber_addr a;
    OK(fiber_addr_parse("127.0.0.1", 80, &a));
    ck_assert_str_eq(fiber_addr_format(&a, text), "127.0.0.1:80");
    OK(fiber_addr_parse("2001:DB8:0::1", 443, &a));
    ck_assert_str_eq(fiber_addr_format(&a, text), "[2001:db8::1]:443");
    OK(fiber_addr_unix("/run/x", &a));
    ck_assert_str_eq(fiber_addr_format(&a, text), "/run/x");
    char path[108];
    memset(path, 'x', sizeof path);
    path[107] = '\0';
    OK(fiber_addr_unix(path, &a));
    ck_assert_str_eq(fiber_addr_format(&a, text), path);
}
END_FIBER_TEST

START_FIBER_TEST(names_are_resolved)
{
    struct fiber_addr a[8];
    int n = fiber_resolve("localhost", 8080, a, 8, fiber_in_ms(20000));
    ck_assert_int_gt(n, 0);
    bool loopback = false;
    for (int i = 0; i < n; i++) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a[i].ss;
        if (v4->sin_family == AF_INET) {
            loopback |= ntohl(v4->sin_addr.s_addr) == INADDR_LOOPBACK;
            ck_assert_uint_eq(ntohs(v4->sin_port), 8080);
        }
    }
    ck_assert(loopback);
    ck_assert_int_eq(fiber_resolve("127.0.0.9", 1, a, 1, FIBER_FOREVER), 1);
    ck_assert_int_eq(fiber_resolve("::1", 1, a, 8, FIBER_FOREVER), 1);
    char big[300];
    memset(big, 'a', sizeof big);
    big[299] = '\0';
    CODE(fiber_resolve(big, 1, a, 8, FIBER_FOREVER), -ENOENT);
    CODE(fiber_resolve("", 1, a, 8, FIBER_FOREVER), -ENOENT);
}
END_FIBER_TEST

RUN("fiber sock", 30, CASE(a_hundred_clients_are_echoed), CASE(unix_sockets_work_alike_even_past_a_full_backlog),
    CASE(a_write_writes_all_and_the_end_is_read_as_zero), CASE(calls_end_at_their_deadline),
    CASE(failures_have_their_codes), CASE(a_fast_peer_does_not_hold_the_loop), CASE(addresses_are_parsed),
    CASE(addresses_are_spelled_out), CASE(names_are_resolved));
