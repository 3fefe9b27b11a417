#include <errno.h>

#include "site.h"

static struct site site;

START_TEST(redirects_are_followed_and_counted)
{
    site_open(&site, false, NULL);
    struct got g = get(&site, "http://site.test/chain?n=5");
    GIVES(g, FETCH_OK);
    ck_assert_uint_eq(g.redirects, 5);
    ck_assert_str_eq(g.url, "http://site.test/chain?n=0");
    ck_assert_str_eq(g.body, "hello\n");
    site_close(&site);
}
END_TEST

START_TEST(more_than_five_are_too_many)
{
    site_open(&site, false, NULL);
    struct got g = get(&site, "http://site.test/chain?n=6");
    GIVES(g, FETCH_TOO_MANY_REDIRECTS);
    ck_assert_int_eq(g.code, -ELOOP);
    ck_assert_uint_eq(g.redirects, 5);
    const struct fetch_limits more = {.redirects_max = 10};
    GIVES(get_with(&site, &(struct fetch_request){.url = STR("http://site.test/chain?n=10"), .limits = &more}),
          FETCH_OK);
    site_close(&site);
}
END_TEST

START_TEST(none_are_followed_when_none_are_wanted)
{
    site_open(&site, false, NULL);
    const struct fetch_limits none = {.redirects_max = FETCH_NO_REDIRECTS};
    struct got g = get_with(&site, &(struct fetch_request){.url = STR("http://site.test/chain?n=1"), .limits = &none});
    GIVES(g, FETCH_HTTP);
    ck_assert_int_eq(g.status, 301);
    ck_assert_str_eq(g.body, "moved\n");
    site_close(&site);
}
END_TEST

START_TEST(a_circle_is_seen_when_it_closes)
{
    site_open(&site, false, NULL);
    struct got g = get(&site, "http://site.test/loop");
    GIVES(g, FETCH_REDIRECT_LOOP);
    ck_assert_uint_eq(g.redirects, 1);
    GIVES(get(&site, "http://site.test/redirect?to=/redirect?to=x"), FETCH_HTTP); /* not a circle: other URLs, a 404 */
    site_close(&site);
}
END_TEST

START_TEST(flapping_between_http_and_https_ends)
{
    site_open(&site, true, NULL);
    struct got g = get(&site, "http://site.test/flap");
    GIVES(g, FETCH_REDIRECT_FLAPPING);
    ck_assert_uint_eq(g.redirects, 2);
    struct got up = get(&site, "http://site.test/redirect?to=https://site.test/redirect?to=http://site.test/ok");
    GIVES(up, FETCH_OK); /* up and down once is what some sites do */
    site_close(&site);
}
END_TEST

START_TEST(a_redirect_cannot_lead_inside)
{
    static const struct {
        const char *to;
        enum fetch_outcome outcome;
    } cases[] = {
        {"http://169.254.169.254/latest/meta-data/", FETCH_DENIED_ADDRESS},
        {"http://127.0.0.1/", FETCH_DENIED_ADDRESS},
        {"http://[::1]/", FETCH_DENIED_ADDRESS},
        {"//0x7f.1/", FETCH_DENIED_ADDRESS},
        {"\\\\127.0.0.1", FETCH_DENIED_ADDRESS},
        {"http://localhost/", FETCH_DENIED_ADDRESS},
        {"http://site.test:22/", FETCH_DENIED_PORT},
        {"file:///etc/passwd", FETCH_BAD_SCHEME},
        {"gopher://site.test:70/", FETCH_BAD_SCHEME},
        {"data:text/html,hello", FETCH_BAD_SCHEME},
        {"http://user:pw@site.test/ok", FETCH_USERINFO},
        {"http://", FETCH_BAD_URL},
    };
    site_open(&site, false, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char url[256];
        (void)snprintf(url, sizeof url, "http://site.test/redirect?to=%s", cases[i].to);
        struct got g = get(&site, url);
        GIVES(g, cases[i].outcome);
        ck_assert_int_eq(g.status, 302); /* of the last response that came */
    }
    site_close(&site);
}
END_TEST

START_TEST(credentials_stay_with_their_origin)
{
    static const struct fetch_header secret[] = {{"Authorization", "Bearer 123"}, {"X-Api-Key", "abc"}};
    struct fetch_request q = {.headers = secret, .n_headers = 2};
    site_open(&site, true, NULL);
    q.url = STR("http://site.test/redirect?to=/echo");
    ck_assert(strstr(get_with(&site, &q).body, "Bearer 123"));
    static const char *const foreign[] = {"http://site.test/redirect?to=http://other.test/echo",
                                          "http://site.test/redirect?to=https://site.test/echo",
                                          "https://site.test/redirect?to=http://site.test/echo"};
    for (size_t i = 0; i < 3; i++) {
        q.url = str_of(foreign[i]);
        struct got g = get_with(&site, &q);
        GIVES(g, FETCH_OK);
        ck_assert_msg(strstr(g.body, "Host: "), "%s", g.body);
        ck_assert_msg(!strstr(g.body, "Bearer") && !strstr(g.body, "X-Api-Key"), "%s", g.body);
    }
    site_close(&site);
}
END_TEST

START_TEST(a_redirect_without_location_is_a_response)
{
    site_open(&site, false, NULL);
    struct got g = get(&site, "http://site.test/status?n=302");
    GIVES(g, FETCH_HTTP);
    ck_assert_int_eq(g.status, 302);
    site_close(&site);
}
END_TEST

START_TEST(a_redirect_resolves_against_the_url_it_came_from)
{
    site_open(&site, true, NULL);
    ck_assert_str_eq(get(&site, "http://site.test/redirect?to=//other.test/ok").url, "http://other.test/ok");
    ck_assert_str_eq(get(&site, "http://site.test/redirect?to=ok#part").url, "http://site.test/ok");
    ck_assert_str_eq(get(&site, "http://site.test/redirect?to=?n=404").url, "http://site.test/redirect?n=404");
    ck_assert_str_eq(get(&site, "https://site.test/redirect?to=//other.test/ok").url, "https://other.test/ok");
    site_close(&site);
}
END_TEST

RUN("fetch_redirects", 20, CASE(redirects_are_followed_and_counted), CASE(more_than_five_are_too_many),
    CASE(none_are_followed_when_none_are_wanted), CASE(a_circle_is_seen_when_it_closes),
    CASE(flapping_between_http_and_https_ends), CASE(a_redirect_cannot_lead_inside),
    CASE(credentials_stay_with_their_origin), CASE(a_redirect_without_location_is_a_response),
    CASE(a_redirect_resolves_against_the_url_it_came_from));
