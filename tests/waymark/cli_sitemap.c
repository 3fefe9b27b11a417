#include "program.h"
#include "test.h"

START_TEST(each_entry_is_a_line_and_the_file_is_the_last)
{
    BUF_AUTO buf out;
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(
        program("sitemap parse - --base https://Example.com/dir/",
                STR("<urlset><url><loc>/a b</loc><lastmod>2024-05-06</lastmod><changefreq>daily</changefreq>"
                    "<priority>0.25</priority></url><url><loc>mailto:x@y</loc><lastmod>soon</lastmod></url>"
                    "<url><loc>HTTP://EXAMPLE.com:80/%7ec</loc><image:image><image:loc>/i</image:loc>"
                    "</image:image><priority>0.333</priority></url></urlset>"),
                &out),
        0);
    ck_assert_str_eq(
        out.p,
        "{\"kind\":\"url\",\"loc\":\"https://example.com/a%20b\",\"lastmod\":\"2024-05-06T00:00:00Z\","
        "\"changefreq\":\"daily\",\"priority\":0.25}\n"
        "{\"kind\":\"url\",\"loc\":\"mailto:x@y\",\"lastmod_text\":\"soon\",\"invalid\":\"scheme is not http or "
        "https\"}\n"
        "{\"kind\":\"url\",\"loc\":\"http://example.com/~c\",\"priority\":0.333,\"images\":[{\"loc\":\"/i\"}]}\n"
        "{\"type\":\"urlset\",\"counts\":{\"urls\":3,\"sitemaps\":0,\"invalid\":1},\"bytes\":308,\"encoding\":\"UTF-"
        "8\","
        "\"gzip\":0,\"problems\":[{\"name\":\"bad-lastmod\",\"count\":1,\"text\":\"a lastmod that is no date\"}]}\n");
}
END_TEST

START_TEST(an_index_lists_sitemaps)
{
    BUF_AUTO buf out;
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(program("sitemap parse -", STR("<sitemapindex><sitemap><loc>http://a/1</loc></sitemap>"), &out),
                     0);
    ck_assert_ptr_nonnull(strstr(out.p, "{\"kind\":\"sitemap\",\"loc\":\"http://a/1\"}\n{\"type\":\"index\","
                                        "\"counts\":{\"urls\":0,\"sitemaps\":1,\"invalid\":0}"));
    ck_assert_ptr_nonnull(strstr(out.p, "\"problems\":[{\"name\":\"truncated\",\"count\":1,"));
}
END_TEST

START_TEST(a_relative_location_without_a_base_is_kept_and_marked)
{
    BUF_AUTO buf out;
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(program("sitemap parse -", STR("<urlset><url><loc>/a</loc></url></urlset>"), &out), 0);
    ck_assert_ptr_nonnull(strstr(out.p, "{\"kind\":\"url\",\"loc\":\"/a\",\"invalid\":\""));
}
END_TEST

START_TEST(what_is_no_sitemap_fails_and_says_why)
{
    BUF_AUTO buf out;
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(program("sitemap parse - 2>&1", STR("<html><body>Not found</body></html>"), &out), 1);
    ck_assert_ptr_nonnull(
        strstr(out.p, "{\"type\":\"html\",\"reason\":\"a web page stands where the sitemap should be\""));
    ck_assert_ptr_nonnull(strstr(out.p, "no sitemap: a web page stands"));
}
END_TEST

START_TEST(mistakes_are_usage_errors_and_missing_files_failures)
{
    static const struct {
        const char *args;
        int status;
        const char *text;
    } cases[] = {
        {"sitemap parse", 2, "name the file to read"},
        {"sitemap parse a b", 2, "only one file at a time"},
        {"sitemap parse - --base nowhere", 2, "--base 'nowhere': "},
        {"sitemap parse /nonexistent/s.xml", 1, "/nonexistent/s.xml: No such file"},
        {"sitemap parse /", 1, "/: Is a directory"},
        {"sitemap prase", 2, "did you mean 'parse'?"},
    };
    BUF_AUTO buf out;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char args[256];
        (void)snprintf(args, sizeof args, "%s 2>&1", cases[i].args);
        buf_clear(&out);
        ck_assert_int_eq(program(args, STR(""), &out), cases[i].status);
        ck_assert_msg(strstr(out.p, cases[i].text) != NULL, "%s: %s", cases[i].args, out.p);
    }
}
END_TEST

RUN("cli_sitemap", 30, CASE(each_entry_is_a_line_and_the_file_is_the_last), CASE(an_index_lists_sitemaps),
    CASE(a_relative_location_without_a_base_is_kept_and_marked), CASE(what_is_no_sitemap_fails_and_says_why),
    CASE(mistakes_are_usage_errors_and_missing_files_failures));
