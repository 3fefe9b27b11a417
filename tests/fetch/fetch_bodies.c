#include <errno.h>

#include "site.h"

static struct site site;
static const char hello[] = "hello\nhello\nhello\n";

enum { MEMORY_MAX_KIB = 64 << 10 };

/* Fetches and holds the outcome, the time and the memory of this process against bounds. */
static struct got ends(const char *url, enum fetch_outcome outcome)
{
    struct got g = get(&site, url);
    GIVES(g, outcome);
    ck_assert_msg(g.cpu_ms < 1000 && g.ms < 5000, "%s took %.0f ms, %.0f of computing", url, g.ms, g.cpu_ms);
    ck_assert_msg(peak_kib() < MEMORY_MAX_KIB, "%s took %ld KiB", url, peak_kib());
    return g;
}

START_TEST(every_coding_that_is_asked_for_is_undone)
{
    static const char *const codings[] = {"gzip",
                                          "x-gzip",
                                          "deflate",
                                          "raw",
                                          "br",
                                          "zstd",
                                          "identity",
                                          "gzip,gzip",
                                          "gzip,br",
                                          "deflate,zstd,gzip",
                                          "identity,gzip,identity"};
    site_open(&site, false, NULL);
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        char url[128];
        (void)snprintf(url, sizeof url, "http://site.test/encoded?as=%s", codings[i]);
        if (strcmp(codings[i], "x-gzip") == 0) {
            continue; /* the server knows it by its other name */
        }
        struct got g = get(&site, url);
        GIVES(g, FETCH_OK);
        ck_assert_uint_eq(g.decoded, 600);
        ck_assert_int_eq(strncmp(g.body, hello, sizeof hello - 1), 0);
        ck_assert(!g.partial);
    }
    site_close(&site);
}
END_TEST

START_TEST(a_gzip_bomb_is_stopped_by_its_ratio)
{
    site_open(&site, false, NULL);
    struct got g = ends("http://site.test/bomb?as=gzip", FETCH_RATIO);
    ck_assert_int_eq(g.code, -E2BIG);
    ck_assert(g.partial);
    site_close(&site);
}
END_TEST

START_TEST(a_gzip_bomb_in_a_gzip_bomb_is_stopped)
{
    site_open(&site, false, NULL);
    (void)ends("http://site.test/bomb?as=gzip,gzip", FETCH_RATIO);
    site_close(&site);
}
END_TEST

START_TEST(a_brotli_bomb_is_stopped)
{
    site_open(&site, false, NULL);
    (void)ends("http://site.test/bomb?as=br", FETCH_RATIO);
    site_close(&site);
}
END_TEST

START_TEST(a_zstd_bomb_is_stopped)
{
    site_open(&site, false, NULL);
    (void)ends("http://site.test/bomb?as=zstd", FETCH_RATIO);
    site_close(&site);
}
END_TEST

START_TEST(without_a_ratio_a_bomb_ends_at_the_size_limit)
{
    site_open(&site, false,
              &(struct fetcher_options){.limits = {.ratio_max = 1000000, .body_max = 32 << 20, .slow_bytes = 1}});
    static const char *const codings[] = {"gzip", "br", "zstd", "gzip,gzip"};
    for (size_t i = 0; i < 4; i++) {
        char url[64];
        (void)snprintf(url, sizeof url, "http://site.test/bomb?as=%s", codings[i]);
        struct got g = ends(url, FETCH_TOO_LARGE);
        ck_assert_uint_eq(g.decoded, 32 << 20);
    }
    site_close(&site);
}
END_TEST

START_TEST(a_window_of_two_gigabytes_is_refused)
{
    site_open(&site, false, NULL);
    (void)ends("http://site.test/wide-zstd", FETCH_BAD_ENCODING);
    site_close(&site);
}
END_TEST

START_TEST(twenty_codings_are_too_many)
{
    site_open(&site, false, NULL);
    (void)ends(
        "http://site.test/encoded?as=gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip",
        FETCH_TOO_MANY_ENCODINGS);
    (void)ends("http://site.test/encoded-lines?n=20", FETCH_TOO_MANY_ENCODINGS);
    (void)ends("http://site.test/encoded?as=sdch", FETCH_UNKNOWN_ENCODING);
    struct got g = ends("http://site.test/escape", FETCH_UNKNOWN_ENCODING);
    ck_assert(!strchr(g.detail, 033)); /* nothing for a terminal to obey */
    (void)ends("http://site.test/encoded?as=gzip,rot13", FETCH_UNKNOWN_ENCODING);
    site_close(&site);
}
END_TEST

START_TEST(a_truncated_compressed_body_keeps_what_came)
{
    site_open(&site, false, NULL);
    struct got g = ends("http://site.test/cut-gzip", FETCH_TRUNCATED);
    ck_assert(g.partial);
    ck_assert_uint_gt(g.decoded, 0);
    ck_assert_int_eq(g.body[0], 'a');
    site_close(&site);
}
END_TEST

START_TEST(a_spoilt_compressed_body_keeps_what_was_good)
{
    site_open(&site, false, NULL);
    struct got g = ends("http://site.test/bad-gzip", FETCH_BAD_ENCODING);
    ck_assert_uint_eq(g.decoded, 4096); /* only the checksum is wrong */
    g = ends("http://site.test/not-gzip", FETCH_BAD_ENCODING);
    ck_assert_uint_eq(g.decoded, 0);
    site_close(&site);
}
END_TEST

START_TEST(a_body_that_is_cut_off_keeps_what_came)
{
    site_open(&site, false, NULL);
    struct got g = ends("http://site.test/cut?n=500", FETCH_TRUNCATED);
    ck_assert_uint_eq(g.decoded, 500);
    ck_assert(g.partial);
    ck_assert_int_eq(g.status, 200);
    g = ends("http://site.test/reset", FETCH_CONNECTION_LOST);
    ck_assert_uint_eq(g.decoded, 500);
    site_close(&site);
}
END_TEST

START_TEST(what_follows_the_declared_length_is_not_read_as_the_next_answer)
{
    site_open(&site, false, NULL);
    struct got g = ends("http://site.test/long", FETCH_OK);
    ck_assert_str_eq(g.body, "hello\n");
    ck_assert_str_eq(get(&site, "http://site.test/ok").body, "hello\n");
    ck_assert_str_ne(get(&site, "http://site.test/connection").body, "1");
    site_close(&site);
}
END_TEST

START_TEST(a_bad_chunk_is_a_protocol_error)
{
    site_open(&site, false, NULL);
    struct got g = ends("http://site.test/bad-chunk", FETCH_PROTOCOL);
    ck_assert_str_eq(g.body, "hello\n");
    ck_assert(g.partial);
    site_close(&site);
}
END_TEST

START_TEST(chunks_without_end_stop_at_the_size_limit)
{
    site_open(&site, false, &(struct fetcher_options){.limits.body_max = 1 << 20});
    struct got g = ends("http://site.test/endless", FETCH_TOO_LARGE);
    ck_assert_uint_eq(g.decoded, 1 << 20);
    ck_assert(g.partial);
    site_close(&site);
}
END_TEST

START_TEST(a_body_of_exactly_the_limit_is_whole)
{
    site_open(&site, false, &(struct fetcher_options){.limits.body_max = 1 << 20});
    struct got g = ends("http://site.test/ok?n=1048576", FETCH_OK);
    ck_assert_uint_eq(g.decoded, 1 << 20);
    g = ends("http://site.test/ok?n=1048577", FETCH_TOO_LARGE);
    ck_assert_uint_eq(g.decoded, 1 << 20);
    site_close(&site);
}
END_TEST

START_TEST(a_byte_now_and_then_is_too_slow)
{
    site_open(&site, false, &(struct fetcher_options){.limits.slow_window_ms = 300});
    struct got g = ends("http://site.test/slow", FETCH_TOO_SLOW);
    ck_assert_int_eq(g.code, -ETIMEDOUT);
    ck_assert_uint_gt(g.decoded, 5);
    g = ends("http://site.test/stall", FETCH_TOO_SLOW);
    ck_assert_uint_eq(g.decoded, 500);
    site_close(&site);
}
END_TEST

START_TEST(a_body_that_never_ends_meets_the_deadline)
{
    site_open(&site, false, &(struct fetcher_options){.limits = {.slow_bytes = 1, .total_ms = 300}});
    struct got g = ends("http://site.test/slow", FETCH_TIMEOUT_TOTAL);
    ck_assert(g.partial);
    site_close(&site);
}
END_TEST

START_TEST(the_network_waits_for_a_slow_reader)
{
    site_open(&site, false, &(struct fetcher_options){.limits = {.total_ms = 1000, .slow_window_ms = 300}});
    fetch *f;
    char chunk[8 << 10];
    size_t n = 0;
    OK(fetch_open(site.door, &(struct fetch_request){.url = STR("http://site.test/ok?n=8000000")}, &f));
    OK(fiber_sleep_until(fiber_in_ms(1200))); /* longer than both the slow window and the whole time allowed */
    struct fetch_stats stats;
    fetcher_stats(site.door, &stats);
    ck_assert_uint_le(stats.bytes_received, FETCH_UNREAD_MAX);
    ssize_t r;
    while ((r = fetch_read(f, chunk, sizeof chunk)) > 0) {
        n += (size_t)r;
    }
    OK((int)r);
    ck_assert_uint_eq(n, 8000000);
    ck_assert_int_eq(fetch_result(f)->outcome, FETCH_OK);
    fetch_close(f);
    site_close(&site);
}
END_TEST

RUN("fetch_bodies", 20, CASE(every_coding_that_is_asked_for_is_undone), CASE(a_gzip_bomb_is_stopped_by_its_ratio),
    CASE(a_gzip_bomb_in_a_gzip_bomb_is_stopped), CASE(a_brotli_bomb_is_stopped), CASE(a_zstd_bomb_is_stopped),
    CASE(without_a_ratio_a_bomb_ends_at_the_size_limit), CASE(a_window_of_two_gigabytes_is_refused),
    CASE(twenty_codings_are_too_many), CASE(a_truncated_compressed_body_keeps_what_came),
    CASE(a_spoilt_compressed_body_keeps_what_was_good), CASE(a_body_that_is_cut_off_keeps_what_came),
    CASE(what_follows_the_declared_length_is_not_read_as_the_next_answer), CASE(a_bad_chunk_is_a_protocol_error),
    CASE(chunks_without_end_stop_at_the_size_limit), CASE(a_body_of_exactly_the_limit_is_whole),
    CASE(a_byte_now_and_then_is_too_slow), CASE(a_body_that_never_ends_meets_the_deadline),
    CASE(the_network_waits_for_a_slow_reader));
