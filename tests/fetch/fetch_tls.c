#include <errno.h>
#include <unistd.h>

#include "base/diag.h"
#include "site.h"

static struct site site;

START_TEST(a_good_certificate_is_accepted_and_its_connection_reused)
{
    site_open(&site, true, NULL);
    GIVES(get(&site, "https://site.test/ok"), FETCH_OK);
    ck_assert_str_eq(get(&site, "https://site.test/connection").body, "1");
    ck_assert_str_eq(get(&site, "https://other.test/connection").body, "2");
    struct got g = get(&site, "https://site.test/ok?n=2000000");
    GIVES(g, FETCH_OK);
    ck_assert_uint_eq(g.decoded, 2000000);
    site_close(&site);
}
END_TEST

START_TEST(every_bad_certificate_has_its_own_name)
{
    static const struct {
        const char *url;
        enum fetch_outcome outcome;
    } cases[] = {
        {"https://expired.test/ok", FETCH_TLS_EXPIRED},  {"https://early.test/ok", FETCH_TLS_NOT_YET_VALID},
        {"https://self.test/ok", FETCH_TLS_SELF_SIGNED}, {"https://unknown.test/ok", FETCH_TLS_UNTRUSTED},
        {"https://wrong.test/ok", FETCH_TLS_WRONG_NAME}, {"https://broken.test/ok", FETCH_TLS},
    };
    site_open(&site, true, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct got g = get(&site, cases[i].url);
        GIVES(g, cases[i].outcome);
        ck_assert_int_eq(g.status, 0);
        ck_assert_double_lt(g.ms, 4000);
    }
    site_close(&site);
}
END_TEST

START_TEST(a_redirect_to_a_bad_certificate_ends_there)
{
    site_open(&site, true, NULL);
    struct got g = get(&site, "http://site.test/redirect?to=https://expired.test/ok");
    GIVES(g, FETCH_TLS_EXPIRED);
    ck_assert_str_eq(g.url, "https://expired.test/ok");
    site_close(&site);
}
END_TEST

START_TEST(the_systems_authorities_do_not_know_the_test_ca)
{
    site_open(&site, true, NULL);
    fetcher *first = site.door;
    struct fetcher_options o = site.options;
    o.ca_file = NULL;
    OK(fetcher_open(&o, &site.door));
    struct got g = get(&site, "https://site.test/ok");
    GIVES(g, FETCH_TLS_UNTRUSTED);
    fetcher_close(first);
    site_close(&site);
}
END_TEST

START_TEST(a_ca_file_that_is_not_there_is_said_at_once)
{
    fiber_loop *l;
    fetcher *f;
    OK(fiber_loop_open(NULL, &l));
    CODE(fetcher_open(&(struct fetcher_options){.ca_file = "/no/such/file.pem"}, &f), -EINVAL);
    ck_assert(strstr(diag_last()->message, "/no/such/file.pem"));
    fiber_loop_close(l);
}
END_TEST

START_TEST(a_server_that_speaks_no_tls_is_named)
{
    struct hostile plain;
    hostile_start(&plain, false);
    char text[64];
    (void)snprintf(text, sizeof text, "plain.test:443:127.0.0.1:%u", plain.port);
    struct netvet_pin pin;
    OK(netvet_parse_pin(str_of(text), &pin));
    site_open(&site, false, &(struct fetcher_options){.rules = {.pins = &pin, .n_pins = 1}, .limits.connect_ms = 500});
    struct got g = get(&site, "https://plain.test/");
    ck_assert_msg(g.outcome == FETCH_TLS || g.outcome == FETCH_TIMEOUT_CONNECT, "%s", fetch_outcome_name(g.outcome));
    ck_assert_double_lt(g.ms, 2000);
    hostile_stop(&plain);
    site_close(&site);
}
END_TEST

RUN("fetch_tls", 20, CASE(a_good_certificate_is_accepted_and_its_connection_reused),
    CASE(every_bad_certificate_has_its_own_name), CASE(a_redirect_to_a_bad_certificate_ends_there),
    CASE(the_systems_authorities_do_not_know_the_test_ca), CASE(a_ca_file_that_is_not_there_is_said_at_once),
    CASE(a_server_that_speaks_no_tls_is_named));
