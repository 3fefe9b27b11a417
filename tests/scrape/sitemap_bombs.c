/* Sitemaps that are made to exhaust a reader end soon and in little memory. */
#include "base/mem.h"
#include "gz.h"
#include "peak.h"
#include "sitemap_dump.h"
#include "test.h"

enum { MIB = 1 << 20 };

static int ignore(void *arg, const struct sitemap_entry *entries, size_t n)
{
    (void)entries;
    *(uint64_t *)arg += n;
    return 0;
}

/* Feeds start, then the middle over and over until total bytes are through, then end. Fails unless it is done in a
 * second and two MiB. */
static struct sitemap_result attack(const struct sitemap_options *o, const char *start, const char *middle,
                                    size_t total, const char *end)
{
    BUF_AUTO buf chunk;
    uint64_t n = 0;
    size_t fed = 0;
    sitemap_parser *s;
    buf_init(&chunk, MIB);
    while (chunk.len < 64000) {
        (void)buf_puts(&chunk, middle);
    }
    OK(chunk.err);
    peak_start();
    OK(sitemap_parser_new(o, ignore, &n, &s));
    OK(sitemap_parser_feed(s, start, strlen(start)));
    for (; fed < total; fed += chunk.len) {
        OK(sitemap_parser_feed(s, chunk.p, chunk.len));
    }
    OK(sitemap_parser_feed(s, end, strlen(end)));
    OK(sitemap_parser_finish(s));
    struct sitemap_result r = *sitemap_parser_result(s);
    sitemap_parser_free(s);
    ck_assert_msg(peak_seconds() < 1 * peak_slow(), "%s%s took %.2f s", start, middle, peak_seconds());
    ck_assert_msg(peak_bytes() < 2 * MIB, "%s%s took %zu KiB", start, middle, peak_bytes() >> 10);
    return r;
}

START_TEST(nested_elements_end_soon)
{
    static const char *const starts[] = {"<urlset>", "<urlset><url>", "<rss>", "<rss><channel><item>"};
    static const char *const tags[] = {"<a>",   "<loc>",  "<image:image>",
                                       "<url>", "<item>", "<news:news><news:publication>"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        for (size_t j = 0; j < sizeof tags / sizeof *tags; j++) {
            struct sitemap_result r = attack(NULL, starts[i], tags[j], 2 * MIB, "</urlset>");
            ck_assert_uint_ge(r.problems[SITEMAP_TOO_DEEP], 1);
        }
    }
}
END_TEST

START_TEST(markup_without_end_costs_nothing)
{
    static const char *const starts[] = {
        "<!-- ",
        "<?xml ",
        "<!DOCTYPE x [",
        "<urlset a=\"",
        "<urlset><!-- ",
        "<urlset><?x ",
        "<urlset><url><!--",
        "<urlset><url a=\"",
        "<urlset><url><loc>",
        "<urlset><url><loc><![CDATA[",
        "<rss><!-- ",
        "<rss><channel a='",
        "<rss><item><link>",
        "<urlset><url><loc>&",
        "http://a/",
        "<",
        "<urlset><url></",
        "<urlset></urlset><!--",
        "# text ",
        "<urlset><url><x y=",
    };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        (void)attack(NULL, starts[i], "xxxxxxxx", 8 * MIB, "");
        (void)attack(NULL, starts[i], "< \n", 4 * MIB, "");
    }
}
END_TEST

START_TEST(entities_never_expand)
{
    struct sitemap_result r =
        attack(NULL,
               "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
               "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY x SYSTEM \"file:///etc/passwd\">]><urlset>",
               "<url><loc>http://a/&c;&x;</loc></url>", MIB, "</urlset>");
    ck_assert_uint_eq(r.problems[SITEMAP_ENTITY_DECLARED], 4);
    ck_assert_uint_eq(r.problems[SITEMAP_ENTITY_UNDEFINED], 2 * r.entries);
    ck_assert_uint_gt(r.entries, 10000);
    r = attack(NULL, "<!DOCTYPE l [", "<!ENTITY a \"aaaa\">", 8 * MIB,
               "]><urlset><url><loc>http://a/</loc></url></urlset>");
    ck_assert_uint_eq(r.entries, 1);
}
END_TEST

START_TEST(one_entry_of_many_megabytes_is_kept_within_its_share)
{
    static const char *const parts[] = {"<image:image><image:loc>http://a/i</image:loc></image:image>",
                                        "<xhtml:link rel=\"alternate\" hreflang=\"de\" href=\"http://a/de\"/>",
                                        "<x>y</x>", "text ", "<loc>http://a/2</loc>"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct sitemap_result r =
            attack(NULL, "<urlset><url><loc>http://a/</loc>", parts[i], 16 * MIB, "</url></urlset>");
        ck_assert_uint_eq(r.entries, 1);
        ck_assert_uint_eq(r.problems[SITEMAP_TRUNCATED], 0);
    }
}
END_TEST

START_TEST(endless_errors_end)
{
    (void)attack(NULL, "<urlset>", "<url><loc>http://a/</lok></url>", 16 * MIB, "");
    (void)attack(NULL, "<rss>", "<item><&></item>", 16 * MIB, "");
    (void)attack(NULL, "<urlset>", "</x>", 16 * MIB, "");
    (void)attack(NULL, "<html>", "<urlsets><", 16 * MIB, "");
}
END_TEST

START_TEST(a_file_of_any_size_takes_the_same_memory)
{
    struct sitemap_options o = {.max_entries = UINT64_MAX, .max_size = UINT64_MAX};
    struct sitemap_result r =
        attack(&o, "<urlset>",
               "<url><loc>https://example.org/some/path/of/a/page</loc><lastmod>2024-05-06</lastmod>"
               "</url>\n",
               64 * MIB, "</urlset>");
    ck_assert_uint_gt(r.entries, 600000);
    ck_assert_uint_eq(r.problems[SITEMAP_OVER_SIZE], 1);
}
END_TEST

START_TEST(a_gzip_bomb_ends_at_its_ratio)
{
    BUF_AUTO buf spaces;
    BUF_AUTO buf gz;
    struct dump d;
    buf_init(&spaces, 32 * MIB);
    buf_init(&gz, 64 * MIB);
    OK(buf_puts(&spaces, "<urlset><url><loc>http://a/1</loc></url>"));
    char *p = buf_reserve(&spaces, 31 * MIB);
    ck_assert_ptr_nonnull(p);
    memset(p, ' ', 31 * MIB);
    spaces.len += 31 * MIB;
    gz_put(&gz, buf_str(&spaces));
    peak_start();
    dump_open(&d, NULL, buf_str(&gz), 0);
    ck_assert_double_lt(peak_seconds(), 1 * peak_slow());
    ck_assert_uint_eq(d.result.entries, 1);
    ck_assert_uint_eq(d.result.problems[SITEMAP_GZIP_RATIO], 1);
    ck_assert_uint_eq(d.result.problems[SITEMAP_TRUNCATED], 0);
    dump_close(&d);
}
END_TEST

START_TEST(tiny_chunks_take_linear_time)
{
    BUF_AUTO buf doc;
    struct dump d;
    buf_init(&doc, 64 * MIB);
    OK(buf_puts(&doc, "<urlset><url><loc>http://a/1</loc><x>"));
    for (int i = 0; i < 60000; i++) {
        (void)buf_puts(&doc, "<!---->ab");
    }
    OK(buf_puts(&doc, "</x></url></urlset>"));
    peak_start();
    dump_open(&d, NULL, buf_str(&doc), 1);
    ck_assert_double_lt(peak_seconds(), 2 * peak_slow());
    ck_assert_uint_eq(d.result.entries, 1);
    dump_close(&d);
}
END_TEST

RUN("sitemap_bombs", 60, CASE(nested_elements_end_soon), CASE(markup_without_end_costs_nothing),
    CASE(entities_never_expand), CASE(one_entry_of_many_megabytes_is_kept_within_its_share), CASE(endless_errors_end),
    CASE(a_file_of_any_size_takes_the_same_memory), CASE(a_gzip_bomb_ends_at_its_ratio),
    CASE(tiny_chunks_take_linear_time));
