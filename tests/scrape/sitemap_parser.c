/* The parser as its callers see it: failures, stopping, and documents no one wrote. */
#include <errno.h>

#include "base/mem.h"
#include "gz.h"
#include "sitemap_dump.h"
#include "test.h"

static int count(void *arg, const struct sitemap_entry *entries, size_t n)
{
    (void)entries;
    *(uint64_t *)arg += n;
    return 0;
}

static int refuse(void *arg, const struct sitemap_entry *entries, size_t n)
{
    (void)arg;
    (void)entries;
    (void)n;
    return -5;
}

START_TEST(what_the_sink_returns_comes_back_from_every_reader)
{
    static const char *const docs[] = {"<urlset><url><loc>http://a/</loc></url></urlset>", "http://a/\n",
                                       "<rss><item><link>http://a/</link></item></rss>"};
    for (size_t i = 0; i < sizeof docs / sizeof *docs; i++) {
        sitemap_parser *s;
        OK(sitemap_parser_new(NULL, refuse, NULL, &s));
        int r = sitemap_parser_feed(s, docs[i], strlen(docs[i]));
        r = r ? r : sitemap_parser_finish(s);
        ck_assert_int_eq(r, -5);
        ck_assert(sitemap_parser_stopped(s));
        sitemap_parser_free(s);
    }
}
END_TEST

/* Everything at once, so that every allocation there is happens. */
static const char rich[] =
    "<?xml version='1.0' encoding='koi8-r'?><urlset><url><loc>http://a/&amp;\xc1</loc><lastmod>2024<!-- "
    "-->-01</lastmod>"
    "<image:image><image:loc>http://a/i</image:loc></image:image><video:video><video:title>t</video:title></"
    "video:video>"
    "<xhtml:link rel='alternate' href='&amp;' hreflang='de'/><news:news><news:title>t</news:title></news:news>"
    "<PageMap><DataObject type='x'><Attribute name='y'>z</Attribute></DataObject></PageMap></url>"
    "<url><loc>http://a/2</loc><broken></url><url><loc>http://a/3</loc></url></urlset>";

static int read_rich(str doc, bool expat, size_t chunk, uint64_t *n)
{
    sitemap_parser *s = NULL;
    struct sitemap_options o = {.without_scanner = expat};
    int r = sitemap_parser_new(&o, count, n, &s);
    for (size_t at = 0; r == 0 && at < doc.len; at += chunk) {
        r = sitemap_parser_feed(s, doc.p + at, doc.len - at < chunk ? doc.len - at : chunk);
    }
    r = r ? r : sitemap_parser_finish(s);
    sitemap_parser_free(s);
    return r;
}

START_TEST(memory_may_run_out_anywhere)
{
    BUF_AUTO buf gz;
    buf_init(&gz, 1 << 20);
    gz_put(&gz, str_of(rich));
    for (int way = 0; way < 4; way++) {
        bool done = false;
        for (uint64_t n = 1; !done; n++) {
            ck_assert_uint_lt(n, 500);
            uint64_t entries = 0;
            mem_fail_at(n, way & 2);
            int r = read_rich(way & 2 ? buf_str(&gz) : str_of(rich), way & 1, 40, &entries);
            done = mem_fail_seen() < n;
            mem_fail_at(0, false);
            CODE(r, done ? 0 : -ENOMEM);
            ck_assert(!done || entries == 3);
        }
    }
}
END_TEST

START_TEST(a_download_may_stop_once_nothing_more_counts)
{
    sitemap_parser *s;
    uint64_t n = 0;
    OK(sitemap_parser_new(&(struct sitemap_options){.max_entries = 1}, count, &n, &s));
    OK(sitemap_parser_feed(s, "http://a/1\n", 11));
    ck_assert(!sitemap_parser_stopped(s));
    OK(sitemap_parser_feed(s, "http://a/2\n", 11));
    ck_assert(sitemap_parser_stopped(s));
    OK(sitemap_parser_feed(s, "http://a/3\n", 11));
    OK(sitemap_parser_finish(s));
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(sitemap_parser_result(s)->bytes_in, 33);
    sitemap_parser_free(s);
}
END_TEST

START_TEST(a_compressed_download_that_was_stopped_is_not_called_truncated)
{
    BUF_AUTO buf gz;
    sitemap_parser *s;
    uint64_t n = 0;
    buf_init(&gz, 1 << 20);
    gz_put(&gz, STR("http://a/1\nhttp://a/2\nhttp://a/3\n"));
    OK(sitemap_parser_new(&(struct sitemap_options){.max_entries = 1}, count, &n, &s));
    for (size_t at = 0; !sitemap_parser_stopped(s); at++) {
        ck_assert_uint_lt(at, gz.len);
        OK(sitemap_parser_feed(s, gz.p + at, 1));
    }
    OK(sitemap_parser_finish(s));
    ck_assert_uint_eq(sitemap_parser_result(s)->problems[SITEMAP_URLS_CAPPED], 1);
    ck_assert_uint_eq(sitemap_parser_result(s)->problems[SITEMAP_GZIP_TRUNCATED], 0);
    sitemap_parser_free(s);
}
END_TEST

START_TEST(entries_come_as_soon_as_they_are_whole)
{
    sitemap_parser *s;
    uint64_t n = 0;
    static const char start[] = "<urlset><url><loc>http://a/1</loc></url><url><loc>http:";
    OK(sitemap_parser_new(NULL, count, &n, &s));
    OK(sitemap_parser_feed(s, start, sizeof start - 1));
    ck_assert_uint_eq(n, 1);
    OK(sitemap_parser_finish(s));
    sitemap_parser_free(s);
}
END_TEST

START_TEST(gzip_is_told_by_its_bytes_and_its_faults_are_counted)
{
    BUF_AUTO buf gz;
    BUF_AUTO buf twice;
    struct dump d;
    buf_init(&gz, 1 << 20);
    buf_init(&twice, 1 << 20);
    gz_put(&gz, STR("<urlset><url><loc>http://a/1</loc></url></urlset>"));
    gz_put(&twice, buf_str(&gz));
    ck_assert_str_eq(dump_locs(&d, buf_str(&twice)).p, "http://a/1 ");
    ck_assert_uint_eq(d.result.gzip_levels, 2);
    dump_close(&d);
    ck_assert_str_eq(dump_locs(&d, str_n(gz.p, gz.len - 4)).p, "http://a/1 ");
    ck_assert_uint_eq(d.result.problems[SITEMAP_GZIP_TRUNCATED], 1);
    dump_close(&d);
    gz.p[gz.len - 8] ^= 1;
    ck_assert_str_eq(dump_locs(&d, buf_str(&gz)).p, "http://a/1 ");
    ck_assert_uint_eq(d.result.problems[SITEMAP_GZIP_CORRUPT], 1);
    dump_close(&d);
}
END_TEST

START_TEST(both_readers_agree_on_documents_put_together_at_random)
{
    static const char *const parts[] = {
        "<loc>http://a/%u</loc>",
        "<loc>\n http://a/&amp;%u\n</loc>",
        "<loc><![CDATA[http://a/<%u>]]></loc>",
        "<lastmod>2024-01-%02u</lastmod>",
        "<priority>0.%u</priority>",
        "<changefreq>daily</changefreq>",
        "<x y='%u'/>",
        "<image:image><image:loc>http://i/%u</image:loc></image:image>",
        "<!-- %u <loc>no</loc> -->",
        " \n text %u ",
        "<xhtml:link rel=\"alternate\" hreflang=\"x%u\" href=\"http://a/\xc3\xa9\"/>",
        "<mobile:mobile/>",
        "<?pi %u?>",
        "<a><b>%u</b><loc>no</loc></a>",
        "<loc>http://a/%u&#x26;\xe2\x82\xac</loc>",
        "&#32;&lt;",
        "<loc></loc>",
    };
    unsigned seed = 42;
    for (int round = 0; round < 150; round++) {
        BUF_AUTO buf doc;
        struct dump d;
        buf_init(&doc, 1 << 20);
        (void)buf_puts(&doc, round % 3 ? "<urlset xmlns='x'>" : "<?xml version=\"1.0\"?>\n<!-- c --><urlset>\n");
        for (unsigned i = (unsigned)rand_r(&seed) % 6; i > 0; i--) {
            (void)buf_puts(&doc, "<url>");
            for (unsigned j = (unsigned)rand_r(&seed) % 8; j > 0; j--) {
                const char *part = parts[(unsigned)rand_r(&seed) % (sizeof parts / sizeof *parts)];
                char text[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                (void)snprintf(text, sizeof text, part, (unsigned)rand_r(&seed) % 28 + 1);
#pragma GCC diagnostic pop
                (void)buf_puts(&doc, text);
            }
            (void)buf_puts(&doc, i % 2 ? "</url>\r\n" : "</url><!-- between -->");
        }
        (void)buf_puts(&doc, "</urlset>");
        OK(doc.err);
        dump_every_way(&d, buf_str(&doc));
        dump_close(&d);
    }
}
END_TEST

RUN("sitemap_parser", 60, CASE(what_the_sink_returns_comes_back_from_every_reader), CASE(memory_may_run_out_anywhere),
    CASE(a_download_may_stop_once_nothing_more_counts),
    CASE(a_compressed_download_that_was_stopped_is_not_called_truncated), CASE(entries_come_as_soon_as_they_are_whole),
    CASE(gzip_is_told_by_its_bytes_and_its_faults_are_counted),
    CASE(both_readers_agree_on_documents_put_together_at_random));
