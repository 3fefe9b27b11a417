#include <errno.h>

#include "base/diag.h"
#include "site.h"

static struct site site;

static void set_up(void)
{
    site_open(&site, false, NULL);
}

START_TEST(a_page_is_fetched)
{
    set_up();
    struct got g = get(&site, "http://site.test/ok");
    GIVES(g, FETCH_OK);
    ck_assert_int_eq(g.status, 200);
    ck_assert_int_eq(g.version, 11);
    ck_assert_str_eq(g.body, "hello\n");
    ck_assert_str_eq(g.url, "http://site.test/ok");
    ck_assert_str_eq(g.detail, "");
    ck_assert(!g.partial);
    site_close(&site);
}
END_TEST

START_TEST(other_statuses_keep_their_body)
{
    set_up();
    struct got g = get(&site, "http://site.test/status?n=404");
    GIVES(g, FETCH_HTTP);
    ck_assert_int_eq(g.status, 404);
    ck_assert_str_eq(g.body, "status\n");
    ck_assert(strstr(g.detail, "404"));
    site_close(&site);
}
END_TEST

START_TEST(a_large_body_comes_whole_and_in_order)
{
    set_up();
    BUF_AUTO buf all;
    buf_init(&all, 8 << 20);
    FETCH_AUTO fetch *f = NULL; /* outside of a fiber, too */
    OK(fetch_open(site.door, &(struct fetch_request){.url = STR("http://site.test/ok?n=5000000")}, &f));
    OK(fetch_read_all(f, &all));
    ck_assert_uint_eq(all.len, 5000000);
    for (size_t i = 0; i < all.len; i++) {
        if (all.p[i] != "0123456789abcdef"[i % 16]) {
            ck_abort_msg("wrong at %zu", i);
        }
    }
    ck_assert_int_eq(fetch_result(f)->content_length, 5000000);
    fetch_close(f);
    f = NULL;
    site_close(&site);
}
END_TEST

START_TEST(read_all_stops_at_the_limit_of_its_buffer)
{
    set_up();
    BUF_AUTO buf exact, small;
    buf_init(&exact, 100000);
    buf_init(&small, 99999);
    for (int i = 0; i < 2; i++) {
        fetch *f;
        OK(fetch_open(site.door, &(struct fetch_request){.url = STR("http://site.test/ok?n=100000")}, &f));
        CODE(fetch_read_all(f, i ? &small : &exact), i ? -E2BIG : 0);
        fetch_close(f);
    }
    ck_assert_uint_eq(exact.len, 100000);
    ck_assert_uint_eq(small.len, 99999);
    site_close(&site);
}
END_TEST

START_TEST(connections_are_reused)
{
    set_up();
    ck_assert_str_eq(get(&site, "http://site.test/connection").body, "1");
    ck_assert_str_eq(get(&site, "http://site.test/connection").body, "1");
    struct got g = get(&site, "http://site.test/redirect?to=/connection");
    ck_assert_str_eq(g.body, "1");
    struct fetch_stats stats;
    fetcher_stats(site.door, &stats);
    ck_assert_uint_eq(stats.connections, 1);
    ck_assert_uint_eq(stats.fetches, 3);
    ck_assert_uint_eq(stats.hops, 4);
    site_close(&site);
}
END_TEST

START_TEST(connections_are_not_shared_by_two_fetchers)
{
    set_up();
    ck_assert_str_eq(get(&site, "http://site.test/connection").body, "1");
    fetcher *first = site.door;
    OK(fetcher_open(&site.options, &site.door));
    ck_assert_str_eq(get(&site, "http://site.test/connection").body, "2");
    fetcher_close(first);
    site_close(&site);
}
END_TEST

START_TEST(the_request_says_who_asks_and_for_what)
{
    static const struct fetch_header key = {"X-Key", "secret"};
    set_up();
    struct got g = get_with(&site, &(struct fetch_request){.url = STR("http://site.test/echo?a=b#frag"),
                                                           .accept = "text/html",
                                                           .headers = &key,
                                                           .n_headers = 1});
    ck_assert(strncmp(g.body, "GET /echo?a=b HTTP/1.1\r\n", 24) == 0);
    ck_assert(strstr(g.body, "\r\nHost: site.test\r\n"));
    ck_assert(strstr(g.body, "\r\nUser-Agent: waymark/"));
    ck_assert(strstr(g.body, "\r\nAccept: text/html\r\n"));
    ck_assert(strstr(g.body, "\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"));
    ck_assert(strstr(g.body, "\r\nX-Key: secret\r\n"));
    ck_assert(!strstr(g.body, "Cookie"));
    site_close(&site);
}
END_TEST

START_TEST(the_user_agent_is_the_operators_choice)
{
    site_open(&site, false, &(struct fetcher_options){.user_agent = "bot/2 (+https://bot.example)"});
    ck_assert(strstr(get(&site, "http://site.test/echo").body, "\r\nUser-Agent: bot/2 (+https://bot.example)\r\n"));
    site_close(&site);
}
END_TEST

START_TEST(head_and_post_are_sent)
{
    set_up();
    struct got g = get_with(&site, &(struct fetch_request){.url = STR("http://site.test/ok?n=1000"), .head = true});
    GIVES(g, FETCH_OK);
    ck_assert_uint_eq(g.received, 0);
    g = get_with(&site, &(struct fetch_request){.url = STR("http://site.test/echo"), .body = STR("a=1&b=2")});
    ck_assert_msg(strncmp(g.body, "POST /echo ", 11) == 0, "%s: %s", g.detail, g.body);
    ck_assert(strstr(g.body, "Content-Length: 7\r\n"));
    g = get_with(&site, &(struct fetch_request){.url = STR("http://site.test/redirect?to=/ok"), .body = STR("a")});
    GIVES(g, FETCH_HTTP);
    ck_assert_int_eq(g.status, 302);
    ck_assert_str_eq(get(&site, "http://site.test/connection").body, "1"); /* all of it on one connection */
    site_close(&site);
}
END_TEST

START_TEST(a_request_with_a_line_break_in_a_header_is_not_sent)
{
    static const struct fetch_header bad[] = {{"X-A", "b\r\nX-Evil: 1"}, {"X-A: 1\r\nX-Evil", "b"}, {"", "b"}};
    set_up();
    for (size_t i = 0; i < 3; i++) {
        struct got g = get_with(
            &site, &(struct fetch_request){.url = STR("http://site.test/echo"), .headers = &bad[i], .n_headers = 1});
        ck_assert_int_eq(g.code, -EINVAL);
    }
    ck_assert_int_eq(
        get_with(&site, &(struct fetch_request){.url = STR("http://site.test/"), .if_none_match = "\"a\"\n"}).code,
        -EINVAL);
    site_close(&site);
}
END_TEST

START_TEST(a_page_that_has_not_changed_says_so)
{
    set_up();
    fetch *f;
    OK(fetch_open(site.door, &(struct fetch_request){.url = STR("http://site.test/cached")}, &f));
    const struct fetch_response *r = fetch_result(f);
    ck_assert(str_eq(r->etag, STR("\"v1\"")));
    ck_assert(str_eq(r->last_modified, STR("Sun, 06 Nov 1994 08:49:37 GMT")));
    ck_assert_int_eq(r->last_modified_us, 784111777000000);
    ck_assert(str_eq(fetch_header_value(f, "etag"), STR("\"v1\"")));
    ck_assert_ptr_null(fetch_header_value(f, "X-None").p);
    fetch_close(f);
    struct got g =
        get_with(&site, &(struct fetch_request){.url = STR("http://site.test/cached"), .if_none_match = "\"v1\""});
    GIVES(g, FETCH_NOT_MODIFIED);
    ck_assert_int_eq(g.code, 0);
    g = get_with(&site, &(struct fetch_request){.url = STR("http://site.test/cached"),
                                                .if_modified_since = "Sun, 06 Nov 1994 08:49:37 GMT"});
    GIVES(g, FETCH_NOT_MODIFIED);
    g = get_with(&site, &(struct fetch_request){.url = STR("http://site.test/cached"), .if_none_match = "\"v0\""});
    GIVES(g, FETCH_OK);
    GIVES(get(&site, "http://site.test/status?n=304"), FETCH_HTTP); /* nobody asked for it */
    site_close(&site);
}
END_TEST

START_TEST(a_validator_of_absurd_length_is_left_out)
{
    char etag[1100] = "\"";
    memset(etag + 1, 'e', sizeof etag - 2);
    site_open(&site, false, NULL);
    struct got g = get_with(&site, &(struct fetch_request){.url = STR("http://site.test/echo"), .if_none_match = etag});
    GIVES(g, FETCH_OK);
    ck_assert(!strstr(g.body, "If-None-Match"));
    site_close(&site);
}
END_TEST

static int64_t retry_after(const char *url)
{
    fetch *f;
    OK(fetch_open(site.door, &(struct fetch_request){.url = str_of(url)}, &f));
    int64_t ms = fetch_result(f)->retry_after_ms;
    fetch_close(f);
    return ms;
}

START_TEST(retry_after_is_read_as_seconds_or_date)
{
    set_up();
    ck_assert_int_eq(retry_after("http://site.test/status?n=503&after=120"), 120000);
    ck_assert_int_eq(retry_after("http://site.test/status?n=503"), -1);
    ck_assert_int_eq(retry_after("http://site.test/status?n=503&after=soon"), -1);
    ck_assert_int_eq(retry_after("http://site.test/status?n=503&after=-5"), -1);
    site_close(&site);
}
END_TEST

START_TEST(a_host_that_says_wait_is_waited_for_and_then_asked_again)
{
    polite *p;
    OK(polite_new(NULL, &p));
    site_open(&site, false, &(struct fetcher_options){.polite = p, .limits.turn_ms = 1500});
    GIVES(get(&site, "http://site.test/status?n=429&after=1"), FETCH_HTTP);
    struct got g = get(&site, "http://site.test/ok");
    GIVES(g, FETCH_OK);
    ck_assert_double_gt(g.ms, 800);
    GIVES(get(&site, "http://other.test/status?n=503&after=3600"), FETCH_HTTP);
    g = get(&site, "http://other.test/ok");
    GIVES(g, FETCH_HELD_BACK);
    ck_assert_double_lt(g.ms, 1000);
    site_close(&site);
    polite_free(p);
}
END_TEST

START_TEST(proxies_of_the_environment_are_ignored)
{
    OK(setenv("http_proxy", "http://127.0.0.1:1", 1) | setenv("https_proxy", "http://127.0.0.1:1", 1) |
       setenv("ALL_PROXY", "http://127.0.0.1:1", 1) | unsetenv("no_proxy"));
    set_up();
    GIVES(get(&site, "http://site.test/ok"), FETCH_OK);
    site_close(&site);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_a_failed_connection)
{
    struct netvet_pin pin;
    OK(netvet_parse_pin(STR("down.test:80:127.0.0.1:1"), &pin));
    site_open(&site, false, &(struct fetcher_options){.rules = {.pins = &pin, .n_pins = 1}});
    struct got g = get(&site, "http://down.test/");
    GIVES(g, FETCH_CONNECT);
    ck_assert_int_eq(g.code, -ECONNREFUSED);
    ck_assert_int_eq(g.status, 0);
    site_close(&site);
}
END_TEST

static bool in_snake_case(const char *name)
{
    return name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name);
}

START_TEST(every_outcome_has_a_name_of_its_own_and_a_sentence)
{
    for (int o = 0; o < FETCH_OUTCOMES; o++) {
        const char *name = fetch_outcome_name((enum fetch_outcome)o);
        ck_assert_ptr_nonnull(name);
        ck_assert_msg(in_snake_case(name), "%s", name);
        ck_assert(strlen(fetch_outcome_text((enum fetch_outcome)o)) > 10);
        for (int k = 0; k < o; k++) {
            ck_assert_str_ne(name, fetch_outcome_name((enum fetch_outcome)k));
        }
    }
}
END_TEST

RUN("fetch_basics", 20, CASE(a_page_is_fetched), CASE(other_statuses_keep_their_body),
    CASE(a_large_body_comes_whole_and_in_order), CASE(read_all_stops_at_the_limit_of_its_buffer),
    CASE(connections_are_reused), CASE(connections_are_not_shared_by_two_fetchers),
    CASE(the_request_says_who_asks_and_for_what), CASE(the_user_agent_is_the_operators_choice),
    CASE(head_and_post_are_sent), CASE(a_request_with_a_line_break_in_a_header_is_not_sent),
    CASE(a_page_that_has_not_changed_says_so), CASE(a_validator_of_absurd_length_is_left_out),
    CASE(retry_after_is_read_as_seconds_or_date), CASE(a_host_that_says_wait_is_waited_for_and_then_asked_again),
    CASE(proxies_of_the_environment_are_ignored), CASE(a_server_that_is_not_there_is_a_failed_connection),
    CASE(every_outcome_has_a_name_of_its_own_and_a_sentence));
