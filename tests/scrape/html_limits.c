/* Pages that are made to exhaust a reader, pages in every encoding, and real ones. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "html_dump.h"
#include "peak.h"
#include "test.h"

enum { MIB = 1 << 20 };

static int count(void *arg, const struct html_token *t)
{
    *(uint64_t *)arg += 1 + t->n_attrs;
    return 0;
}

/* Feeds start, then the middle over and over until total bytes are through, then end. Fails unless it is done in a
 * second and a MiB. */
static struct html_stats attack(const char *start, const char *middle, size_t total, const char *end, uint64_t *ret_n)
{
    BUF_AUTO buf chunk;
    struct html_options o = {.want = HTML_WANT_ALL};
    html *h;
    buf_init(&chunk, MIB);
    while (chunk.len < 32000) {
        (void)buf_puts(&chunk, middle);
    }
    OK(chunk.err);
    *ret_n = 0;
    peak_start();
    OK(html_new(&o, count, ret_n, &h));
    OK(html_feed(h, start, strlen(start)));
    for (size_t fed = 0; fed < total; fed += chunk.len) {
        OK(html_feed(h, chunk.p, chunk.len));
    }
    OK(html_feed(h, end, strlen(end)));
    OK(html_finish(h));
    struct html_stats s = *html_stats(h);
    html_free(h);
    ck_assert_msg(peak_seconds() < 1 * peak_slow(), "%s%s took %.2f s", start, middle, peak_seconds());
    ck_assert_msg(peak_bytes() < MIB, "%s%s took %zu KiB", start, middle, peak_bytes() >> 10);
    return s;
}

START_TEST(a_million_nested_tags_are_a_million_tokens)
{
    uint64_t n;
    (void)attack("", "<div>", 5 * 1000000, "", &n);
    ck_assert_uint_ge(n, 1000000);
    (void)attack("<svg>", "<g><title>", 5 * 1000000, "", &n);
    ck_assert_uint_ge(n, 1000000);
    (void)attack("<svg>", "<svg>", 5 * 1000000, "</svg>", &n);
    ck_assert_uint_ge(n, 1000000);
}
END_TEST

START_TEST(an_attribute_of_ten_megabytes_is_cut_and_the_next_one_is_read)
{
    uint64_t n;
    static const char *const starts[] = {"<a x=\"", "<a x='", "<a x=", "<a y='1' x=\"&amp;"};
    static const char *const ends[] = {"\" href='z'>", "' href='z'>", " href='z'>", "\">"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        struct html_stats s = attack(starts[i], "xxxxxxx&", 10 * MIB, ends[i], &n);
        ck_assert_uint_eq(s.cut, 1);
        ck_assert_uint_eq(n, 3); /* a tag, two attributes */
        ck_assert(!s.truncated);
    }
}
END_TEST

START_TEST(names_attributes_and_tags_have_limits)
{
    uint64_t n;
    struct html_stats s = attack("<", "xxxx", 10 * MIB, ">", &n);
    ck_assert_uint_eq(s.cut, 1);
    ck_assert_uint_eq(n, 1);
    s = attack("<a ", "x ", 4 * MIB, ">", &n);
    ck_assert_uint_eq(n, 1 + HTML_ATTRS_MAX);
    ck_assert_uint_gt(s.dropped, 1000000);
    (void)attack("<a ", "x", 4 * MIB, "=y>", &n);
    ck_assert_uint_eq(n, 2);
    (void)attack("<a ", "x='yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy' ", 4 * MIB, ">", &n);
    ck_assert_uint_eq(n, 1 + HTML_ATTRS_MAX);
}
END_TEST

START_TEST(what_never_ends_costs_nothing)
{
    static const char *const starts[] = {
        "<!--",    "<!",          "<!DOCTYPE ",     "<?",   "</", "<title>",   "<script>",    "<script><!--",
        "<style>", "<plaintext>", "<svg><![CDATA[", "<a b", "&",  "<a href=&", "<textarea>&", "<script><!--<script>"};
    static const char *const middles[] = {"xxxxxxxx", "- ",   "-",   "<",   "&",           "]",
                                          "</scrip",  "<!--", "&#0", "=\"", "\xc3\xa9\xff"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        for (size_t j = 0; j < sizeof middles / sizeof *middles; j++) {
            uint64_t n;
            (void)attack(starts[i], middles[j], MIB / 4, "", &n);
        }
    }
}
END_TEST

START_TEST(tiny_chunks_take_linear_time)
{
    BUF_AUTO buf page;
    struct html_dump d;
    buf_init(&page, 8 * MIB);
    OK(buf_puts(&page, "<a "));
    for (int i = 0; i < 250; i++) {
        (void)buf_puts(&page, "b='1' ");
    }
    while (page.len < MIB) {
        (void)buf_puts(&page, " x=\"yyyyyyyyyyyyyyyyyy\"");
    }
    OK(page.err);
    peak_start();
    html_dump_open(&d, NULL, buf_str(&page), 1);
    ck_assert_double_lt(peak_seconds(), 2 * peak_slow());
    html_dump_close(&d);
}
END_TEST

static void expect_encoding(const char *header, str page, const char *encoding, const char *title)
{
    struct html_options o = {.want = HTML_WANT_TEXT, .charset = header};
    struct html_dump d;
    html_dump_open(&d, &o, page, 0);
    ck_assert_str_eq(d.stats.encoding, encoding);
    ck_assert_msg(str_find(buf_str(&d.text), str_of(title)) >= 0, "'%s' has no '%s'", d.text.p, title);
    html_dump_close(&d);
    (void)html_dump_every_way(&o, page);
}

START_TEST(the_encoding_is_found_as_browsers_find_it)
{
    expect_encoding("koi8-r", STR("\xef\xbb\xbf<meta charset=latin1><p>\xc3\xa9"), "UTF-8", "\xc3\xa9");
    expect_encoding("koi8-r", STR("<meta charset=utf-8><p>\xc1"), "KOI8-R", "\xd0\xb0");
    expect_encoding(NULL, STR("<meta charset=' KOI8-R '><p>\xc1"), "KOI8-R", "\xd0\xb0");
    expect_encoding("nonsense", STR("<META HTTP-EQUIV='Content-Type' content='text/html; charset=iso-8859-2'><p>\xb1"),
                    "ISO-8859-2", "\xc4\x85");
    expect_encoding(NULL, STR("<!-- <meta charset=koi8-r> --><p>\xc3\xa9 \xe9"), "UTF-8", "\xc3\xa9 \xc3\xa9");
    expect_encoding(NULL, STR("<meta charset=utf-16><p>\xc3\xa9"), "UTF-8", "\xc3\xa9");
    expect_encoding(NULL, STR("<meta charset=utf-8><p>\xe9."), "UTF-8", "\xef\xbf\xbd.");
    expect_encoding(NULL, str_n("\xff\xfe<\0p\0>\0x\0", 10), "UTF-16LE", "x");
    expect_encoding(NULL, STR("<p>\x80"), "UTF-8", "\xe2\x82\xac");
}
END_TEST

START_TEST(a_meta_behind_the_first_1024_bytes_does_not_count)
{
    BUF_AUTO buf page;
    buf_init(&page, 4096);
    OK(buf_puts(&page, "<!--"));
    while (page.len < 1010) {
        OK(buf_puts(&page, "x"));
    }
    OK(buf_puts(&page, "--><meta charset=koi8-r><p>\xc3\xa9"));
    expect_encoding(NULL, buf_str(&page), "UTF-8", "\xc3\xa9");
}
END_TEST

static int refuse(void *arg, const struct html_token *t)
{
    (void)arg;
    return t->kind == HTML_START ? -7 : 0;
}

START_TEST(what_the_sink_returns_comes_back)
{
    html *h;
    OK(html_new(NULL, refuse, NULL, &h));
    OK(html_feed(h, "<p>", 3));
    CODE(html_finish(h), -7);
    html_free(h);
}
END_TEST

START_TEST(memory_may_run_out_anywhere)
{
    static const char page[] = "<!--c--><A B='&amp;' C=\"d\">&amp;</A><title>x</title><p class";
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct html_options o = {.want = HTML_WANT_ALL, .charset = "koi8-r"};
        uint64_t tokens = 0;
        html *h = NULL;
        ck_assert_uint_lt(n, 100);
        mem_fail_at(n, false);
        int r = html_new(&o, count, &tokens, &h);
        for (size_t at = 0; r == 0 && at < sizeof page - 1; at += 10) {
            r = html_feed(h, page + at, sizeof page - 1 - at < 10 ? sizeof page - 1 - at : 10);
        }
        r = r ? r : html_finish(h);
        done = mem_fail_seen() < n;
        mem_fail_at(0, false);
        CODE(r, done ? 0 : -ENOMEM);
        html_free(h);
    }
}
END_TEST

static char *read_file(int dir, const char *name, size_t *ret_len)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    off_t size = lseek(fd, 0, SEEK_END);
    char *p = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(pread(fd, p, (size_t)size, 0), size);
    (void)close(fd);
    *ret_len = (size_t)size;
    return p;
}

START_TEST(pages_of_a_real_manual_are_read_alike_in_all_chunks)
{
    static const char folder[] = "/usr/share/doc/postgresql-doc-15/html";
    DIR *dir = opendir(folder);
    if (!dir) {
        return; /* the package postgresql-doc-15 is not there */
    }
    unsigned pages = 0;
    for (const struct dirent *e; (e = readdir(dir));) {
        size_t len;
        if (!str_ends(str_of(e->d_name), STR(".html")) || pages++ % 64) {
            continue;
        }
        char *p = read_file(dirfd(dir), e->d_name, &len);
        struct html_options o = {.want = HTML_WANT_ALL};
        struct html_dump whole, cut;
        html_dump_open(&whole, &o, str_n(p, len), 0);
        html_dump_open(&cut, &o, str_n(p, len), -(int)pages);
        ck_assert_msg(str_eq(buf_str(&whole.text), buf_str(&cut.text)), "%s", e->d_name);
        ck_assert_uint_eq(whole.stats.cut + whole.stats.dropped + whole.stats.bad_encoding, 0);
        ck_assert(!whole.stats.truncated);
        str t = buf_str(&whole.text);
        ck_assert_int_ge(str_find(t, STR("<title>|")), 0);
        ck_assert_int_ge(str_find(t, STR("</html>|")), 0);
        html_dump_close(&whole);
        html_dump_close(&cut);
        free(p);
    }
    ck_assert_uint_gt(pages, 1000);
    (void)closedir(dir);
}
END_TEST

RUN("html_limits", 60, CASE(a_million_nested_tags_are_a_million_tokens),
    CASE(an_attribute_of_ten_megabytes_is_cut_and_the_next_one_is_read), CASE(names_attributes_and_tags_have_limits),
    CASE(what_never_ends_costs_nothing), CASE(tiny_chunks_take_linear_time),
    CASE(the_encoding_is_found_as_browsers_find_it), CASE(a_meta_behind_the_first_1024_bytes_does_not_count),
    CASE(what_the_sink_returns_comes_back), CASE(memory_may_run_out_anywhere),
    CASE(pages_of_a_real_manual_are_read_alike_in_all_chunks));
