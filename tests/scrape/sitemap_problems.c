/* What is wrong with a sitemap is counted by name, and everything readable is still delivered. */
#include "sitemap_dump.h"
#include "test.h"

/* The locations that doc gives, and how often each of the named problems is met; problems not named must not be met. */
static void expect(str doc, const char *locs, const char *problems)
{
    struct dump d;
    ck_assert_msg(strcmp(dump_locs(&d, doc).p, locs) == 0, "%.200s gave '%s'", doc.p, dump_locs(&d, doc).p);
    char met[512] = "";
    for (unsigned i = 0; i < SITEMAP_PROBLEMS; i++) {
        if (d.result.problems[i]) {
            size_t n = strlen(met);
            (void)snprintf(met + n, sizeof met - n, "%s=%lu ", sitemap_problem_name((enum sitemap_problem)i),
                           (unsigned long)d.result.problems[i]);
        }
    }
    ck_assert_msg(strcmp(met, problems) == 0, "%.200s: met %s and not %s", doc.p, met, problems);
    dump_close(&d);
}
#define EXPECT(doc, locs, problems) expect(STR(doc), locs, problems)
#define URL(path) "<url><loc>http://a/" path "</loc></url>"

START_TEST(a_file_that_ends_early_keeps_what_was_read)
{
    EXPECT("<urlset>" URL("1") "<url><loc>http://a/2</loc><lastmod>2024-0", "http://a/1 http://a/2 ", "truncated=1 ");
    EXPECT("<urlset>" URL("1") "<url><loc>http://a/2", "http://a/1 ", "truncated=1 ");
    EXPECT("<urlset>" URL("1"), "http://a/1 ", "truncated=1 ");
    EXPECT("<urlset>" URL("1") "</urlset", "http://a/1 ", "truncated=1 ");
    EXPECT("<urlset>" URL("1") "<!-- ", "http://a/1 ", "truncated=1 ");
    EXPECT("<urlset ", "", "truncated=1 ");
    EXPECT("<rss><channel><item><link>http://a/1</link></item><item><link>http://a/2</link>", "http://a/1 http://a/2 ",
           "truncated=1 ");
}
END_TEST

START_TEST(what_is_no_sitemap_says_why)
{
    EXPECT("", "", "empty=1 ");
    EXPECT(" \n ", "", "not-a-sitemap=1 ");
    EXPECT("Not found\n", "", "not-a-sitemap=1 ");
    EXPECT("{\"error\": 404}", "", "not-a-sitemap=1 ");
    EXPECT("<!DOCTYPE html><html><body><a href=\"/\">x</a></body></html>", "", "html=1 ");
    EXPECT("<HTML><head></head></HTML>", "", "html=1 ");
    EXPECT("<?xml version=\"1.0\"?><svg><url><loc>http://a/</loc></url></svg>", "", "unknown-root=1 ");
    struct dump d;
    dump_open(&d, NULL, STR("<html>"), 0);
    ck_assert_int_eq(d.result.type, SITEMAP_HTML);
    ck_assert_str_eq(d.result.reason, "a web page stands where the sitemap should be");
    dump_close(&d);
}
END_TEST

START_TEST(junk_around_the_xml_is_passed_over)
{
    EXPECT("\n\n <?xml version=\"1.0\"?><urlset>" URL("1") "</urlset>\n\n", "http://a/1 ", "");
    EXPECT("Warning: include(x.php): failed in <b>/srv/x</b>\n<?xml version=\"1.0\"?><urlset>" URL("1") "</urlset>",
           "http://a/1 ", "leading-junk=1 ");
    EXPECT("<html><body><pre><urlset>" URL("1") "</urlset></pre></body></html>", "http://a/1 ",
           "leading-junk=1 trailing-junk=1 ");
    EXPECT("<urlset>" URL("1") "</urlset><!-- 0.3 s --><?end?>", "http://a/1 ", "");
    EXPECT("<urlset>" URL("1") "</urlset><script>", "http://a/1 ", "trailing-junk=1 ");
}
END_TEST

START_TEST(a_document_type_and_its_entities_never_count)
{
    EXPECT("<!DOCTYPE urlset SYSTEM \"http://evil/x.dtd\"><urlset>" URL("1") "</urlset>", "http://a/1 ", "doctype=1 ");
    EXPECT("<!DOCTYPE urlset [<!ENTITY a \"]>'x\"> <!-- ' --> <!ENTITY b SYSTEM 'file:///etc/passwd'><?p ]>?>]>"
           "<urlset>" URL("&b;1") URL("2&a;") "</urlset>",
           "http://a/1 http://a/2 ", "doctype=1 entity-declared=2 entity-undefined=2 ");
    EXPECT("<urlset><url><loc>http://a/&nbsp;1</loc><image:image><image:title>a&eacute;b</image:title></image:image>"
           "</url></urlset>",
           "http://a/1 ", "entity-undefined=2 ");
    EXPECT("<rss standalone='yes'><channel><item><link>http://a/1&nbsp;</link></item></channel></rss>", "http://a/1 ",
           "entity-undefined=1 ");
}
END_TEST

START_TEST(malformed_markup_costs_its_entry_only)
{
    EXPECT("<urlset>" URL("1") "<url><loc>http://a/x</lok></url>" URL("2") "</urlset>", "http://a/1 http://a/2 ",
           "malformed=1 ");
    EXPECT("<urlset>" URL("1") "<url><loc>http://a/2</loc><lastmod></url>" URL("3") "</urlset>",
           "http://a/1 http://a/2 http://a/3 ", "malformed=1 ");
    EXPECT("<urlset>" URL("1") "<url <bad></url>" URL("2") "</urlset>", "http://a/1 http://a/2 ", "malformed=1 ");
    EXPECT("<rss><channel><item><link>http://a/1</link></item><item><link>http://a/?a=1&b</link></item>"
           "<item><link>http://a/3</link></item></channel></rss>",
           "http://a/1 http://a/3 ", "malformed=1 ");
}
END_TEST

START_TEST(an_entry_that_is_not_closed_does_not_swallow_the_next)
{
    EXPECT("<urlset><url><loc>http://a/1</loc><url><loc>http://a/2</loc></url></urlset>", "http://a/1 http://a/2 ",
           "malformed=1 ");
}
END_TEST

START_TEST(unknown_elements_are_passed_over_with_all_they_hold)
{
    EXPECT("<urlset><x><y/></x>" URL("1") "<url><z><loc>no</loc></z><loc>http://a/2</loc></url></urlset>",
           "http://a/1 http://a/2 ", "");
    EXPECT("<urlset><sitemap><loc>http://a/s.xml</loc></sitemap>" URL("1") "</urlset>", "http://a/s.xml http://a/1 ",
           "");
}
END_TEST

START_TEST(values_that_make_no_sense_are_counted)
{
    EXPECT("<urlset><url><lastmod>2024</lastmod></url><url><loc> </loc></url><url/></urlset>", "", "loc-missing=3 ");
    EXPECT("<urlset><url><loc>http://a/</loc><lastmod>yesterday</lastmod><priority>high</priority>"
           "<changefreq>often</changefreq></url><url><loc>http://b/</loc><priority>1.1</priority></url></urlset>",
           "http://a/ http://b/ ", "bad-lastmod=1 bad-priority=2 bad-changefreq=1 ");
    EXPECT("http://a/1\nnonsense\n", "http://a/1 ", "line-not-url=1 ");
}
END_TEST

START_TEST(bytes_that_are_not_utf_8_are_read_as_windows_1252)
{
    EXPECT("<urlset>" URL("caf\xe9") URL("\xc3\xa9") "</urlset>", "http://a/caf\xc3\xa9 http://a/\xc3\xa9 ",
           "bad-encoding=1 ");
    EXPECT("<?xml version='1.0' encoding='klingon'?><urlset>" URL("1") "</urlset>", "http://a/1 ",
           "unknown-encoding=1 ");
}
END_TEST

START_TEST(a_bare_ampersand_is_kept_by_the_scanner)
{
    struct dump d;
    dump_open(&d, NULL, STR("<urlset>" URL("?a=1&b=2&#0;&amp;c") "</urlset>"), 0);
    ck_assert_str_eq(d.text.p, "{\"loc\":\"http://a/?a=1&b=2&c\"}\n");
    ck_assert_uint_eq(d.result.problems[SITEMAP_BAD_REFERENCE], 2);
    dump_close(&d);
}
END_TEST

/* A document of n times the middle. */
static str repeat(buf *b, const char *start, const char *middle, size_t n, const char *end)
{
    buf_init(b, (size_t)1 << 30);
    OK(buf_puts(b, start));
    for (size_t i = 0; i < n; i++) {
        (void)buf_puts(b, middle);
    }
    OK(buf_puts(b, end));
    return buf_str(b);
}

START_TEST(a_location_over_2048_characters_is_dropped)
{
    BUF_AUTO buf b;
    str doc = repeat(&b, "<urlset><url><loc>http://a/", "\xc3\xa9", 2048 - 9, "</loc></url>" URL("2") "</urlset>");
    struct dump d;
    dump_open(&d, NULL, doc, 0);
    ck_assert_uint_eq(d.result.entries, 2);
    dump_close(&d);
    buf_release(&b);
    expect(repeat(&b, "<urlset><url><loc>http://a/", "x", 2049 - 9, "</loc></url>" URL("2") "</urlset>"), "http://a/2 ",
           "loc-too-long=1 ");
    buf_release(&b);
    expect(repeat(&b, "http://a/1\nhttp://a/", "x", 70000, "\nhttp://a/2\n"), "http://a/1 http://a/2 ",
           "loc-too-long=1 ");
}
END_TEST

START_TEST(more_than_50000_urls_are_read_and_counted)
{
    BUF_AUTO buf b;
    struct dump d;
    dump_open(&d, NULL, repeat(&b, "<urlset>", URL("1"), 50003, "</urlset>"), 0);
    ck_assert_uint_eq(d.result.entries, 50003);
    ck_assert_uint_eq(d.result.problems[SITEMAP_OVER_URLS], 3);
    dump_close(&d);
}
END_TEST

START_TEST(hard_limits_end_the_reading)
{
    BUF_AUTO buf b;
    struct dump d;
    struct sitemap_options o = {.max_entries = 10};
    str doc = repeat(&b, "<urlset>", URL("1"), 11, "</urlset>");
    dump_open(&d, &o, doc, 0);
    ck_assert_uint_eq(d.result.entries, 10);
    ck_assert_uint_eq(d.result.problems[SITEMAP_URLS_CAPPED], 1);
    ck_assert_uint_eq(d.result.problems[SITEMAP_TRUNCATED], 0);
    dump_close(&d);
    o = (struct sitemap_options){.max_size = 8 + 3 * sizeof URL("1")};
    dump_open(&d, &o, doc, 7);
    ck_assert_uint_eq(d.result.entries, 3);
    ck_assert_uint_eq(d.result.problems[SITEMAP_SIZE_CAPPED], 1);
    dump_close(&d);
    o = (struct sitemap_options){.max_size = doc.len, .max_entries = 11};
    dump_open(&d, &o, doc, 100);
    ck_assert_uint_eq(d.result.problems[SITEMAP_SIZE_CAPPED] + d.result.problems[SITEMAP_URLS_CAPPED], 0);
    dump_close(&d);
}
END_TEST

START_TEST(extensions_past_the_limits_of_an_entry_are_dropped)
{
    BUF_AUTO buf b;
    struct dump d;
    str doc = repeat(&b, "<urlset><url><loc>http://a/</loc>",
                     "<image:image><image:loc>http://a/i</image:loc></image:image>", 1005, "</url></urlset>");
    for (int expat = 0; expat <= 1; expat++) {
        struct sitemap_options o = {.without_scanner = expat};
        dump_open(&d, &o, doc, 1000);
        ck_assert_uint_eq(d.result.entries, 1);
        ck_assert_uint_eq(d.result.problems[SITEMAP_EXTRAS_DROPPED], 5);
        dump_close(&d);
        o.max_entry_size = 500; /* 50 images of 10 bytes */
        dump_open(&d, &o, doc, 1000);
        ck_assert_uint_eq(d.result.entries, 1);
        ck_assert_uint_eq(d.result.problems[SITEMAP_EXTRAS_DROPPED], 955);
        dump_close(&d);
    }
}
END_TEST

START_TEST(text_past_64_kib_is_cut_at_a_character)
{
    BUF_AUTO buf b;
    str doc = repeat(&b, "<urlset><url><loc>http://a/</loc><news:news><news:title>x", "\xc3\xa9", 40000,
                     "y</news:title></news:news></url></urlset>");
    struct dump d;
    dump_every_way(&d, doc);
    ck_assert_uint_eq(d.result.problems[SITEMAP_TEXT_CUT], 1);
    ck_assert_uint_gt(d.text.len, 65000);
    ck_assert(str_is_utf8(buf_str(&d.text)));
    dump_close(&d);
}
END_TEST

RUN("sitemap_problems", 60, CASE(a_file_that_ends_early_keeps_what_was_read), CASE(what_is_no_sitemap_says_why),
    CASE(junk_around_the_xml_is_passed_over), CASE(a_document_type_and_its_entities_never_count),
    CASE(malformed_markup_costs_its_entry_only), CASE(an_entry_that_is_not_closed_does_not_swallow_the_next),
    CASE(unknown_elements_are_passed_over_with_all_they_hold), CASE(values_that_make_no_sense_are_counted),
    CASE(bytes_that_are_not_utf_8_are_read_as_windows_1252), CASE(a_bare_ampersand_is_kept_by_the_scanner),
    CASE(a_location_over_2048_characters_is_dropped), CASE(more_than_50000_urls_are_read_and_counted),
    CASE(hard_limits_end_the_reading), CASE(extensions_past_the_limits_of_an_entry_are_dropped),
    CASE(text_past_64_kib_is_cut_at_a_character));
