#include <errno.h>

#include "site.h"

static struct site site;

static void ends(const char *url, enum fetch_outcome outcome)
{
    struct got g = get(&site, url);
    GIVES(g, outcome);
    ck_assert_msg(g.cpu_ms < 1000 && g.ms < 4000, "%s took %.0f ms, %.0f of computing", url, g.ms, g.cpu_ms);
}

static const struct fetcher_options impatient = {.limits.first_byte_ms = 300};

START_TEST(three_thousand_headers_are_too_many)
{
    site_open(&site, false, NULL);
    ends("http://site.test/headers?n=200", FETCH_OK);
    ends("http://site.test/headers?n=3000", FETCH_TOO_MANY_HEADERS);
    site_close(&site);
}
END_TEST

START_TEST(large_headers_are_named_as_such)
{
    site_open(&site, false, NULL);
    ends("http://site.test/long-header?n=60000", FETCH_OK);
    ends("http://site.test/long-header?n=70000", FETCH_HEADERS_TOO_LARGE);
    ends("http://site.test/long-header?n=400000", FETCH_HEADERS_TOO_LARGE); /* "Out of memory", says libcurl */
    ends("http://site.test/long-header?n=50000000", FETCH_HEADERS_TOO_LARGE);
    site_close(&site);
}
END_TEST

START_TEST(a_flood_of_interim_responses_ends)
{
    site_open(&site, false, NULL);
    ends("http://site.test/interim?n=3", FETCH_OK);
    ends("http://site.test/interim", FETCH_TOO_MANY_INTERIM);
    site_close(&site);
}
END_TEST

START_TEST(trailers_count_as_headers)
{
    site_open(&site, false, NULL);
    struct got g = get(&site, "http://site.test/trailers?n=10");
    GIVES(g, FETCH_OK);
    ck_assert_str_eq(g.body, "hello\n");
    g = get(&site, "http://site.test/trailers?n=3000");
    GIVES(g, FETCH_TOO_MANY_HEADERS);
    ck_assert(g.partial);
    site_close(&site);
}
END_TEST

START_TEST(headers_that_come_byte_by_byte_run_out_of_time)
{
    site_open(&site, false, &impatient);
    ends("http://site.test/slow-headers", FETCH_TIMEOUT_FIRST_BYTE);
    site_close(&site);
}
END_TEST

START_TEST(a_server_that_never_answers_runs_out_of_time)
{
    site_open(&site, false, &impatient);
    ends("http://site.test/silent", FETCH_TIMEOUT_FIRST_BYTE);
    const struct fetch_limits total = {.total_ms = 100};
    struct got g = get_with(&site, &(struct fetch_request){.url = STR("http://site.test/silent"), .limits = &total});
    GIVES(g, FETCH_TIMEOUT_TOTAL);
    ck_assert_double_lt(g.ms, 2000);
    g = get_with(&site, &(struct fetch_request){.url = STR("http://site.test/silent"), .deadline = fiber_in_ms(100)});
    GIVES(g, FETCH_TIMEOUT_TOTAL);
    ck_assert_int_eq(g.code, -ETIMEDOUT);
    ck_assert_double_lt(g.ms, 2000);
    site_close(&site);
}
END_TEST

START_TEST(answers_that_are_none_are_named)
{
    site_open(&site, false, NULL);
    ends("http://site.test/empty", FETCH_EMPTY_REPLY);
    ends("http://site.test/garbage", FETCH_PROTOCOL);
    ends("http://site.test/bad-length", FETCH_PROTOCOL);
    ends("http://site.test/transfer-gzip", FETCH_UNKNOWN_ENCODING);
    ends("http://site.test/transfer-gzip?second=1", FETCH_UNKNOWN_ENCODING);
    site_close(&site);
}
END_TEST

static bool collect(void *arg, str name, str value)
{
    char *out = arg;
    (void)snprintf(out + strlen(out), 256 - strlen(out), "[%.*s|%.*s]", STR_FMT(name), STR_FMT(value));
    return !str_eq(name, STR("ETag"));
}

START_TEST(the_headers_of_the_final_response_can_be_walked)
{
    char seen[256] = "";
    fetch *f;
    site_open(&site, false, NULL);
    OK(fetch_open(site.door, &(struct fetch_request){.url = STR("http://site.test/redirect?to=/cached")}, &f));
    fetch_each_header(f, collect, seen);
    ck_assert_str_eq(seen, "[Content-Length|7][ETag|\"v1\"]");
    fetch_close(f);
    site_close(&site);
}
END_TEST

RUN("fetch_headers", 20, CASE(three_thousand_headers_are_too_many), CASE(large_headers_are_named_as_such),
    CASE(a_flood_of_interim_responses_ends), CASE(trailers_count_as_headers),
    CASE(headers_that_come_byte_by_byte_run_out_of_time), CASE(a_server_that_never_answers_runs_out_of_time),
    CASE(answers_that_are_none_are_named), CASE(the_headers_of_the_final_response_can_be_walked));
