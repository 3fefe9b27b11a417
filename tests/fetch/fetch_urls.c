/* URLs and names that try to get in where they must not. Nothing here leaves loopback: what is not denied is pinned. */
#include <errno.h>

#include "base/diag.h"
#include "site.h"

static struct site site;

START_TEST(every_spelling_of_an_inner_address_is_denied)
{
    static const char *const urls[] = {
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://0/",
        "http://0x7f000001/",
        "http://127.0.0.1./",
        "http://%31%32%37.0.0.1/",
        "http://\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.0.0.1/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b:1::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://192.168.1.1/",
        "http://255.255.255.255/",
        "http:\\\\127.0.0.1\\",
        "http:/127.0.0.1",
        "\t http://127.0.0.1/",
        "http://12\n7.0.0.1/",
    };
    site_open(&site, false, NULL);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct got g = get(&site, urls[i]);
        GIVES(g, FETCH_DENIED_ADDRESS);
        ck_assert_int_eq(g.code, -EACCES);
    }
    ck_assert(strstr(get(&site, "http://0x7f.1/").detail, "127.0.0.1 is loopback (127.0.0.0/8)"));
    struct fetch_stats stats;
    fetcher_stats(site.door, &stats);
    ck_assert_uint_eq(stats.connections, 0);
    site_close(&site);
}
END_TEST

START_TEST(urls_that_mean_nothing_or_another_scheme_are_named)
{
    static const struct {
        const char *url;
        enum fetch_outcome outcome;
    } cases[] = {
        {"", FETCH_BAD_URL},
        {"nonsense", FETCH_BAD_URL},
        {"http://", FETCH_BAD_URL},
        {"http://a b/", FETCH_BAD_URL},
        {"http://1.2.3.4.5/", FETCH_BAD_URL},
        {"http://256.1.1.1/", FETCH_BAD_URL},
        {"http://[fe80::1%25eth0]/", FETCH_BAD_URL},
        {"http://[fe80::1%eth0]/", FETCH_BAD_URL},
        {"http://site.test:99999/", FETCH_BAD_URL},
        {"http://xn--a/", FETCH_BAD_URL},
        {"file:///etc/passwd", FETCH_BAD_SCHEME},
        {"FTP://site.test/", FETCH_BAD_SCHEME},
        {"gopher://site.test/", FETCH_BAD_SCHEME},
        {"javascript:alert(1)", FETCH_BAD_SCHEME},
        {"http://user:secret@site.test/ok", FETCH_USERINFO},
        {"http://user@site.test/ok", FETCH_USERINFO},
        {"http://site.test@127.0.0.1/", FETCH_USERINFO},
        {"http://site.test:22/", FETCH_DENIED_PORT},
        {"http://site.test:8080/", FETCH_DENIED_PORT},
        {"http://93.184.216.34:6379/", FETCH_DENIED_PORT},
    };
    site_open(&site, false, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        GIVES(get(&site, cases[i].url), cases[i].outcome);
    }
    site_close(&site);
}
END_TEST

START_TEST(a_backslash_before_an_at_sign_ends_the_host_as_in_browsers)
{
    site_open(&site, false, NULL);
    struct got g = get(&site, "http://site.test\\@127.0.0.1/");
    GIVES(g, FETCH_HTTP); /* site.test, path "/@127.0.0.1/" */
    ck_assert_str_eq(g.url, "http://site.test/@127.0.0.1/");
    site_close(&site);
}
END_TEST

START_TEST(line_breaks_and_nul_cannot_split_a_request)
{
    site_open(&site, false, NULL);
    struct got g = get(&site, "http://site.test/echo?a\r\nX-Evil: 1");
    ck_assert(strncmp(g.body, "GET /echo?aX-Evil:%201 HTTP/1.1\r\n", 33) == 0);
    g = get(&site, "http://site.test/echo?a%0d%0aX-Evil:%201");
    ck_assert(strncmp(g.body, "GET /echo?a%0d%0aX-Evil:%201 HTTP/1.1\r\n", 39) == 0);
    GIVES(get_with(&site, &(struct fetch_request){.url = STR("http://site.test\0.evil/")}), FETCH_BAD_URL);
    g = get_with(&site, &(struct fetch_request){.url = STR("http://site.test/echo?\0b")});
    ck_assert(strncmp(g.body, "GET /echo?%00b HTTP/1.1\r\n", 25) == 0);
    site_close(&site);
}
END_TEST

START_TEST(a_trailing_dot_and_international_names_reach_their_host)
{
    struct netvet_pin pin[2];
    site_open(&site, false, NULL);
    char text[64];
    (void)snprintf(text, sizeof text, "xn--bcher-kva.test:80:127.0.0.1:%u", site.server.port);
    OK(netvet_parse_pin(str_of(text), &pin[0]));
    pin[1] = site.pins[0];
    fetcher *first = site.door;
    struct fetcher_options o = site.options;
    o.rules.pins = pin;
    o.rules.n_pins = 2;
    OK(fetcher_open(&o, &site.door));
    struct got g = get(&site, "http://b\xC3\xBC"
                              "cher.test/echo");
    GIVES(g, FETCH_OK);
    ck_assert(strstr(g.body, "\r\nHost: xn--bcher-kva.test\r\n"));
    GIVES(get(&site, "http://site.test./ok"), FETCH_OK);
    fetcher_close(first);
    site_close(&site);
}
END_TEST

/* ---- names ---- */

/* A name service that answers from a list of addresses; each answer may depend on how often it was asked. */
struct names {
    const char *answers[4][3]; /* by question; NULL ends a list; the last one goes on */
    unsigned asked, questions;
    unsigned many; /* so many of 127.0.0.1 first */
    int code;      /* returned instead when negative */
    bool slow;
    uint16_t port; /* where 127.0.0.1 really listens */
};

static int answer(void *arg, const char *host, uint16_t port, struct fiber_addr *addrs, size_t max, int64_t deadline)
{
    struct names *n = arg;
    (void)host;
    if (n->code < 0) {
        return diag_set(n->code, "%s has no address", host);
    }
    if (n->slow) {
        int r = fiber_sleep_until(deadline);
        return r < 0 ? r : -ETIMEDOUT;
    }
    unsigned q = n->asked < n->questions - 1 ? n->asked : n->questions - 1;
    n->asked++;
    size_t made = 0;
    for (; made < n->many && made < max; made++) {
        OK(fiber_addr_parse("127.0.0.1", n->port, &addrs[made]));
    }
    for (size_t i = 0; i < 3 && n->answers[q][i] && made < max; i++, made++) {
        OK(fiber_addr_parse(n->answers[q][i], strcmp(n->answers[q][i], "127.0.0.1") == 0 ? n->port : port,
                            &addrs[made]));
    }
    return (int)made;
}

/* Loopback on every port is open, so that an honest answer can be 127.0.0.1 and the URL names the server's port. */
static struct got ask(struct names *n, const char *host, const char *path)
{
    site_open(
        &site, false,
        &(struct fetcher_options){
            .resolve = answer, .resolve_arg = n, .rules.allow_private = true, .limits.connect_ms = n->slow ? 300 : 0});
    n->port = site.server.port;
    char url[128];
    (void)snprintf(url, sizeof url, "http://%s:%u%s", host, site.server.port, path);
    return get(&site, url);
}

START_TEST(an_honest_answer_is_used)
{
    struct names n = {.answers = {{"127.0.0.1"}}, .questions = 1};
    struct got g = ask(&n, "name.test", "/echo");
    GIVES(g, FETCH_OK);
    ck_assert(strstr(g.body, "\r\nHost: name.test:"));
    ck_assert_uint_eq(n.asked, 1);
    site_close(&site);
}
END_TEST

START_TEST(a_trailing_dot_is_part_of_the_name_asked_for)
{
    struct names n = {.answers = {{"127.0.0.1"}}, .questions = 1};
    GIVES(ask(&n, "name.test.", "/echo"), FETCH_OK);
    site_close(&site);
}
END_TEST

START_TEST(a_name_with_one_inner_address_among_good_ones_is_denied)
{
    struct names n = {.answers = {{"127.0.0.1", "169.254.169.254"}}, .questions = 1};
    struct got g = ask(&n, "mixed.test", "/");
    GIVES(g, FETCH_DENIED_ADDRESS);
    ck_assert_msg(strstr(g.detail, "mixed.test: 169.254.169.254 is link-local (169.254.0.0/16)"), "%s", g.detail);
    site_close(&site);
}
END_TEST

START_TEST(a_name_that_leads_inside_by_cname_is_denied)
{
    /* getaddrinfo follows the chain and gives its end, so this is what it looks like. */
    struct names n = {.answers = {{"fe80::1"}}, .questions = 1};
    GIVES(ask(&n, "alias.test", "/"), FETCH_DENIED_ADDRESS);
    site_close(&site);
}
END_TEST

START_TEST(a_name_that_changes_after_the_look_is_asked_once_and_denied_the_next_time)
{
    struct names n = {.answers = {{"127.0.0.1"}, {"169.254.169.254"}}, .questions = 2};
    struct got g = ask(&n, "rebind.test", "/connection");
    GIVES(g, FETCH_OK);
    ck_assert_uint_eq(n.asked, 1);
    char url[64];
    (void)snprintf(url, sizeof url, "http://rebind.test:%u/connection", site.server.port);
    GIVES(get(&site, url), FETCH_DENIED_ADDRESS); /* not even over the connection that is open */
    site_close(&site);
}
END_TEST

START_TEST(the_addresses_of_each_fetch_are_those_that_were_vetted_for_it)
{
    struct names n = {.answers = {{"127.0.0.1"}, {"127.0.0.2"}}, .questions = 2}; /* nobody listens on the second */
    GIVES(ask(&n, "moved.test", "/cut"), FETCH_TRUNCATED);
    char url[64];
    (void)snprintf(url, sizeof url, "http://moved.test:%u/ok", site.server.port);
    GIVES(get(&site, url), FETCH_CONNECT); /* not the first again, out of some cache */
    site_close(&site);
}
END_TEST

START_TEST(a_redirect_to_a_name_that_has_turned_inside_is_denied)
{
    struct names n = {.answers = {{"127.0.0.1"}, {"169.254.169.254"}}, .questions = 2};
    struct got g = ask(&n, "rebind.test", "/redirect?to=/ok");
    GIVES(g, FETCH_DENIED_ADDRESS);
    ck_assert_uint_eq(g.redirects, 1);
    site_close(&site);
}
END_TEST

START_TEST(a_thousand_addresses_are_all_looked_at_and_a_few_used)
{
    struct names n = {.answers = {{NULL}}, .questions = 1, .many = 1000};
    GIVES(ask(&n, "many.test", "/ok"), FETCH_OK);
    site_close(&site);
    struct names last = {.answers = {{"0.0.0.0"}}, .questions = 1, .many = 999};
    GIVES(ask(&last, "many.test", "/ok"), FETCH_DENIED_ADDRESS);
    site_close(&site);
}
END_TEST

START_TEST(a_dead_first_address_does_not_hide_a_living_second)
{
    struct names n = {.answers = {{"::1", "127.0.0.1"}}, .questions = 1}; /* nobody listens on ::1 */
    struct got g = ask(&n, "two.test", "/ok");
    GIVES(g, FETCH_OK);
    site_close(&site);
}
END_TEST

START_TEST(names_without_addresses_are_named)
{
    struct names none = {.code = -ENOENT}, down = {.code = -EAGAIN}, empty = {.questions = 1}, slow = {.slow = true};
    GIVES(ask(&none, "none.test", "/"), FETCH_DNS_NO_NAME);
    site_close(&site);
    GIVES(ask(&down, "down.test", "/"), FETCH_DNS_FAILED);
    site_close(&site);
    GIVES(ask(&empty, "empty.test", "/"), FETCH_DNS_FAILED);
    site_close(&site);
    struct got g = ask(&slow, "slow.test", "/");
    GIVES(g, FETCH_DNS_FAILED);
    ck_assert_double_lt(g.ms, 2500);
    site_close(&site);
}
END_TEST

START_TEST(localhost_is_asked_for_and_denied)
{
    site_open(&site, false, NULL);
    GIVES(get(&site, "http://localhost/"), FETCH_DENIED_ADDRESS);
    site_close(&site);
}
END_TEST

RUN("fetch_urls", 20, CASE(every_spelling_of_an_inner_address_is_denied),
    CASE(urls_that_mean_nothing_or_another_scheme_are_named),
    CASE(a_backslash_before_an_at_sign_ends_the_host_as_in_browsers), CASE(line_breaks_and_nul_cannot_split_a_request),
    CASE(a_trailing_dot_and_international_names_reach_their_host), CASE(an_honest_answer_is_used),
    CASE(a_trailing_dot_is_part_of_the_name_asked_for), CASE(a_name_with_one_inner_address_among_good_ones_is_denied),
    CASE(a_name_that_leads_inside_by_cname_is_denied),
    CASE(a_name_that_changes_after_the_look_is_asked_once_and_denied_the_next_time),
    CASE(the_addresses_of_each_fetch_are_those_that_were_vetted_for_it),
    CASE(a_redirect_to_a_name_that_has_turned_inside_is_denied),
    CASE(a_thousand_addresses_are_all_looked_at_and_a_few_used),
    CASE(a_dead_first_address_does_not_hide_a_living_second), CASE(names_without_addresses_are_named),
    CASE(localhost_is_asked_for_and_denied));
