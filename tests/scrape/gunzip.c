#include "waymark/scrape/gunzip.h"

#include <errno.h>

#include "base/mem.h"
#include "gz.h"
#include "peak.h"
#include "test.h"

static int collect(void *arg, const char *p, size_t len)
{
    return buf_put(arg, p, len);
}

/* What data opens to, fed in chunks of this size. */
static struct gunzip_stats opened(str data, size_t chunk, const struct gunzip_options *o, buf *out)
{
    gunzip *g;
    buf_init(out, (size_t)1 << 30);
    OK(gunzip_new(o, collect, out, &g));
    for (size_t at = 0; at < data.len; at += chunk) {
        int r = gunzip_feed(g, data.p + at, data.len - at < chunk ? data.len - at : chunk);
        if (r < 0) {
            ck_abort_msg("gunzip_feed returned %d", r);
        }
    }
    OK(gunzip_finish(g));
    struct gunzip_stats stats = *gunzip_stats(g);
    gunzip_free(g);
    return stats;
}

static const size_t chunks[] = {1, 2, 3, 5, 64, 100000};

#define EACH_CHUNK(i) for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++)

START_TEST(what_is_not_gzip_passes_through)
{
    static const str plain[] = {{"hello", 5}, {"\x1f", 1}, {"\x1f\x8b", 2}, {"\x1f\x8b\x09x", 4}, {"", 0}};
    for (size_t p = 0; p < sizeof plain / sizeof *plain; p++) {
        EACH_CHUNK(i)
        {
            BUF_AUTO buf out;
            struct gunzip_stats s = opened(plain[p], chunks[i], NULL, &out);
            ck_assert(str_eq(buf_str(&out), plain[p]));
            ck_assert_uint_eq(s.levels, 0);
        }
    }
}
END_TEST

START_TEST(members_read_as_one_and_padding_is_no_matter)
{
    BUF_AUTO buf gz;
    buf_init(&gz, 1 << 20);
    gz_put(&gz, STR("one "));
    gz_put(&gz, STR(""));
    gz_put(&gz, STR("two"));
    OK(buf_put(&gz, "\0\0\0", 3));
    EACH_CHUNK(i)
    {
        BUF_AUTO buf out;
        struct gunzip_stats s = opened(buf_str(&gz), chunks[i], NULL, &out);
        ck_assert_str_eq(out.p, "one two");
        ck_assert_uint_eq(s.members, 3);
        ck_assert(!s.trailing && !s.truncated && !s.corrupt);
    }
}
END_TEST

START_TEST(what_stands_behind_the_last_member_is_ignored_and_told)
{
    BUF_AUTO buf gz;
    buf_init(&gz, 1 << 20);
    gz_put(&gz, STR("data"));
    OK(buf_puts(&gz, "\x1f\x8b<html>"));
    EACH_CHUNK(i)
    {
        BUF_AUTO buf out;
        struct gunzip_stats s = opened(buf_str(&gz), chunks[i], NULL, &out);
        ck_assert_str_eq(out.p, "data");
        ck_assert(s.trailing && !s.corrupt);
    }
}
END_TEST

START_TEST(gzip_in_gzip_is_opened_twice_but_not_three_times)
{
    BUF_AUTO buf one;
    BUF_AUTO buf two;
    BUF_AUTO buf three;
    buf_init(&one, 1 << 20);
    buf_init(&two, 1 << 20);
    buf_init(&three, 1 << 20);
    gz_put(&one, STR("inside"));
    gz_put(&two, buf_str(&one));
    gz_put(&three, buf_str(&two));
    EACH_CHUNK(i)
    {
        BUF_AUTO buf out;
        struct gunzip_stats s = opened(buf_str(&two), chunks[i], NULL, &out);
        ck_assert_str_eq(out.p, "inside");
        ck_assert_uint_eq(s.levels, 2);
        buf_release(&out);
        s = opened(buf_str(&three), chunks[i], NULL, &out);
        ck_assert_uint_eq(out.len, 0);
        ck_assert(s.over_depth);
        buf_release(&out);
        s = opened(buf_str(&two), chunks[i], &(struct gunzip_options){.depth = 1}, &out);
        ck_assert(s.over_depth);
    }
}
END_TEST

START_TEST(a_cut_or_corrupt_file_keeps_what_was_opened)
{
    BUF_AUTO buf plain;
    BUF_AUTO buf gz;
    buf_init(&plain, 1 << 20);
    buf_init(&gz, 1 << 20);
    unsigned seed = 1;
    for (int i = 0; i < 20000; i++) {
        (void)buf_printf(&plain, "%d ", rand_r(&seed));
    }
    OK(plain.err);
    gz_put(&gz, buf_str(&plain));
    EACH_CHUNK(i)
    {
        BUF_AUTO buf out;
        struct gunzip_stats s = opened(str_n(gz.p, gz.len / 2), chunks[i], NULL, &out);
        ck_assert(s.truncated && !s.corrupt);
        ck_assert_uint_gt(out.len, plain.len / 3);
        ck_assert(str_starts(buf_str(&plain), buf_str(&out)));
    }
    gz.p[gz.len - 5] ^= 1; /* the checksum */
    BUF_AUTO buf out;
    struct gunzip_stats s = opened(buf_str(&gz), 4096, NULL, &out);
    ck_assert(s.corrupt);
    ck_assert(str_eq(buf_str(&out), buf_str(&plain)));
}
END_TEST

START_TEST(output_ends_exactly_at_its_limit)
{
    BUF_AUTO buf gz;
    BUF_AUTO buf out;
    buf_init(&gz, 1 << 20);
    gz_put(&gz, STR("0123456789"));
    struct gunzip_stats s = opened(buf_str(&gz), 3, &(struct gunzip_options){.max_out = 4}, &out);
    ck_assert_str_eq(out.p, "0123");
    ck_assert(s.over_size);
    buf_release(&out);
    s = opened(buf_str(&gz), 3, &(struct gunzip_options){.max_out = 10}, &out);
    ck_assert_str_eq(out.p, "0123456789");
    ck_assert(!s.over_size);
}
END_TEST

static int count(void *arg, const char *p, size_t len)
{
    (void)p;
    *(uint64_t *)arg += len;
    return 0;
}

START_TEST(a_bomb_of_a_gigabyte_ends_early_in_little_memory)
{
    BUF_AUTO buf zeros;
    BUF_AUTO buf gz;
    buf_init(&zeros, 17 << 20);
    buf_init(&gz, 64 << 20);
    char *p = buf_reserve(&zeros, 16 << 20);
    ck_assert_ptr_nonnull(p);
    memset(p, 0, 16 << 20);
    gz_put(&gz, str_n(p, 16 << 20));
    peak_start();
    uint64_t out = 0;
    gunzip *g;
    OK(gunzip_new(NULL, count, &out, &g));
    for (int i = 0; i < 64; i++) { /* 64 members of 16 MiB */
        OK(gunzip_feed(g, gz.p, gz.len));
    }
    OK(gunzip_finish(g));
    ck_assert(gunzip_stats(g)->over_ratio && gunzip_stopped(g));
    ck_assert_uint_le(out, (8 << 20) + (64 << 10));
    ck_assert_double_lt(peak_seconds(), 1 * peak_slow());
    ck_assert_uint_lt(peak_bytes(), 256 << 10);
    gunzip_free(g);
}
END_TEST

static int refuse(void *arg, const char *p, size_t len)
{
    (void)arg;
    (void)p;
    (void)len;
    return -7;
}

START_TEST(what_the_sink_returns_comes_back)
{
    BUF_AUTO buf gz;
    gunzip *g;
    buf_init(&gz, 1 << 20);
    gz_put(&gz, STR("x"));
    OK(gunzip_new(NULL, refuse, NULL, &g));
    CODE(gunzip_feed(g, gz.p, gz.len), -7);
    gunzip_free(g);
}
END_TEST

START_TEST(memory_may_run_out_anywhere)
{
    BUF_AUTO buf gz;
    buf_init(&gz, 1 << 20);
    gz_put(&gz, STR("x"));
    for (uint64_t n = 1; n < 20; n++) {
        gunzip *g = NULL;
        uint64_t out = 0;
        mem_fail_at(n, false);
        int r = gunzip_new(NULL, count, &out, &g);
        r = r ? r : gunzip_feed(g, gz.p, gz.len);
        bool done = mem_fail_seen() < n;
        mem_fail_at(0, false);
        CODE(r, done ? 0 : -ENOMEM);
        gunzip_free(g);
        if (done) {
            ck_assert_uint_eq(out, 1);
            return;
        }
    }
    ck_abort_msg("it never ended");
}
END_TEST

RUN("gunzip", 20, CASE(what_is_not_gzip_passes_through), CASE(members_read_as_one_and_padding_is_no_matter),
    CASE(what_stands_behind_the_last_member_is_ignored_and_told),
    CASE(gzip_in_gzip_is_opened_twice_but_not_three_times), CASE(a_cut_or_corrupt_file_keeps_what_was_opened),
    CASE(output_ends_exactly_at_its_limit), CASE(a_bomb_of_a_gigabyte_ends_early_in_little_memory),
    CASE(what_the_sink_returns_comes_back), CASE(memory_may_run_out_anywhere));
