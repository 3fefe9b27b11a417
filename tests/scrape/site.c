#include "waymark/scrape/site.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "peak.h"
#include "test.h"

static int collect(void *arg, const struct site_link *l)
{
    static const char *const kinds[] = {[SITE_ANCHOR] = "a",
                                        [SITE_AREA] = "area",
                                        [SITE_CANONICAL] = "canonical",
                                        [SITE_ALTERNATE] = "alternate",
                                        [SITE_NEXT] = "next",
                                        [SITE_SITEMAP] = "sitemap",
                                        [SITE_FRAME] = "frame"};
    return buf_printf(arg, "%s:%.*s%s ", kinds[l->kind], STR_FMT(l->href), l->nofollow ? "!" : "");
}

/* The facts of page, fed in chunks of this many bytes; links become "a:/x a:/y! " ("!" for nofollow). */
static const struct site *read_in(arena *a, str page, size_t chunk, buf *links)
{
    site_reader *r;
    const struct site *s;
    buf_init(links, 1 << 20);
    OK(site_reader_open(a, NULL, collect, links, &r));
    for (size_t at = 0; at < page.len; at += chunk) {
        int err = site_reader_feed(r, page.p + at, page.len - at < chunk ? page.len - at : chunk);
        if (err < 0) {
            ck_abort_msg("feed returned %d", err);
        }
    }
    OK(site_reader_finish(r, &s));
    site_reader_close(r);
    return s;
}

#define EQ(slice, want)                                                                                  \
    do {                                                                                                 \
        str s_ = (slice);                                                                                \
        ck_assert_msg(str_eq(s_, str_of(want)), "%s is '%.*s' and not '%s'", #slice, STR_FMT(s_), want); \
    } while (0)

/* The block behind it sees s, the facts of page, and its links, read in chunks of 1, 61 and 3,721 bytes in turn. */
#define EACH_WAY(s, links, page)                                            \
    for (size_t chunk_ = 1; chunk_ < 4000; chunk_ *= 61)                    \
        for (arena *a_ = arena_new(NULL, 0); a_; arena_free(a_), a_ = NULL) \
            for (buf links = {0}; !links.limit; buf_release(&links))        \
                for (const struct site *s = read_in(a_, STR(page), chunk_, &links); s; s = NULL)

START_TEST(head_elements_say_what_the_page_is)
{
    EACH_WAY(s, links,
             "<!DOCTYPE html><html lang=' de-AT '><head><meta charset=utf-8><title>\n Ein \t <b>Titel</b> &amp; mehr "
             "</title>"
             "<title>second</title><meta name=Description content='  Kurz\n und  gut '>"
             "<meta property='og:title' content='OG'><meta property='og:site_name' content='Der Ort'>"
             "<meta name=generator content='WordPress 6.4'><meta name='theme-color' content='#fff'>"
             "<link rel=canonical href=' https://a.example/ '><link rel='shortcut icon' href=/favicon.ico>"
             "<link rel=icon sizes='16x16 64x64' href=/64.png><link rel=icon sizes=32x32 href=/32.png>"
             "<link rel='apple-touch-icon' href=/touch.png><meta property=og:image content=/og.png>"
             "<base href='/base/'><base href='/second/'></head><body><svg><title>no</title></svg>"
             "<img src=/l.png class='site-logo'><img src=/m.png alt=Logo>")
    {
        EQ(s->title, "Ein <b>Titel</b> & mehr");
        EQ(s->description, "Kurz und gut");
        EQ(s->language, "de-AT");
        EQ(s->site_name, "Der Ort");
        EQ(s->generator, "WordPress 6.4");
        EQ(s->theme_color, "#fff");
        EQ(s->canonical, "https://a.example/");
        EQ(s->favicon, "/64.png");
        EQ(s->touch_icon, "/touch.png");
        EQ(s->image, "/og.png");
        EQ(s->logo, "/l.png");
        EQ(s->base, "/base/");
        ck_assert_str_eq(s->encoding, "UTF-8");
        ck_assert_int_eq(s->refresh_s, -1);
    }
}
END_TEST

START_TEST(second_best_sources_stand_in)
{
    EACH_WAY(s, links,
             "<title> </title><meta property=og:title content=T><meta name=twitter:description content=D>"
             "<meta property=og:locale content=en_US><meta name=twitter:image content=/t>"
             "<span itemprop=logo content=/no><img itemprop=logo src=/marked>")
    {
        EQ(s->title, "T");
        EQ(s->description, "D");
        EQ(s->language, "en-US");
        EQ(s->image, "/t");
        EQ(s->logo, "/marked");
    }
    EACH_WAY(s, links, "<html lang='<x>'><meta http-equiv=Content-Language content=fr>")
    {
        EQ(s->language, "fr");
        EQ(s->title, "");
    }
}
END_TEST

START_TEST(a_base_that_is_no_web_address_does_not_count_nor_does_the_next)
{
    EACH_WAY(s, links, "<base target=x><base href='javascript:alert(1)//'><base href=/x>")
    {
        EQ(s->base, "");
    }
    EACH_WAY(s, links, "<base href=HTTPS://b.example/><base href=/x>")
    {
        EQ(s->base, "HTTPS://b.example/");
    }
}
END_TEST

START_TEST(robots_metas_add_up)
{
    EACH_WAY(s, links,
             "<a href=/1>x</a><meta name=robots content='NoIndex'><meta name=ROBOTS content='max-snippet:-1,nofollow'>"
             "<a href=/2>x</a>")
    {
        EQ(s->robots, "noindex, max-snippet:-1,nofollow");
        ck_assert(s->noindex && s->nofollow);
        ck_assert_str_eq(links.p, "a:/1 a:/2! ");
    }
    EACH_WAY(s, links, "<meta name=robots content=none>")
    {
        ck_assert(s->noindex && s->nofollow);
    }
}
END_TEST

START_TEST(refreshes_are_read_as_browsers_do)
{
    EACH_WAY(s, links,
             "<meta http-equiv=REFRESH content=\" 5 ; URL = '/next' x\"><meta http-equiv=refresh content='1;/no'>")
    {
        ck_assert_int_eq(s->refresh_s, 5);
        EQ(s->refresh, "/next");
    }
    EACH_WAY(s, links, "<meta http-equiv=refresh content='0.5;/a;b'>")
    {
        ck_assert_int_eq(s->refresh_s, 0);
        EQ(s->refresh, "/a;b");
    }
    EACH_WAY(s, links, "<meta http-equiv=refresh content='99999999999'>")
    {
        ck_assert_int_eq(s->refresh_s, INT32_MAX);
        EQ(s->refresh, "");
    }
    EACH_WAY(s, links, "<meta http-equiv=refresh content='soon; url=/x'>")
    {
        ck_assert_int_eq(s->refresh_s, -1);
    }
}
END_TEST

START_TEST(links_come_in_document_order)
{
    EACH_WAY(
        s, links,
        "<link rel=alternate hreflang=de href=/de><link rel='alternate stylesheet' href=/css><link rel=next href=/2>"
        "<a href='/a?x=1&amp;y=2'>A</a><a name=x>no</a><a href=#top>no</a><a href=''>no</a>"
        "<area href=/area><a rel='NOFOLLOW external' href=/n><a href=mailto:x@y>m</a>"
        "<iframe src=/f></iframe><script>'<a href=/no>'</script><!-- <a href=/no> --><svg><a href=/svg>")
    {
        ck_assert_str_eq(links.p, "alternate:/de next:/2 a:/a?x=1&y=2 area:/area a:/n! a:mailto:x@y frame:/f a:/svg ");
        ck_assert_uint_eq(s->links, 8);
        ck_assert_uint_eq(s->links_dropped, 0);
    }
}
END_TEST

START_TEST(sitemaps_are_told_by_rel_address_and_text)
{
    EACH_WAY(s, links,
             "<link rel=sitemap type=application/xml href=/map.xml><a href=/Sitemap_index.xml>x</a>"
             "<a href=/overview>Our <b>Site&#32;Map</b></a><a href=/other>other</a>sitemap<a href=/map.xml>sitemap</a>")
    {
        ck_assert_uint_eq(s->n_sitemaps, 3);
        EQ(s->sitemaps[0].href, "/map.xml");
        ck_assert(s->sitemaps[0].declared && !s->sitemaps[1].declared);
        EQ(s->sitemaps[1].href, "/Sitemap_index.xml");
        EQ(s->sitemaps[2].href, "/overview");
    }
}
END_TEST

START_TEST(everything_has_a_limit)
{
    BUF_AUTO buf page;
    BUF_AUTO buf links;
    buf_init(&page, 64 << 20);
    (void)buf_puts(&page, "<title>");
    for (int i = 0; i < 100000; i++) {
        (void)buf_puts(&page, "\xc3\xa9");
    }
    (void)buf_puts(&page, "</title><meta name=description content='");
    for (int i = 0; i < 30000; i++) {
        (void)buf_puts(&page, "\xc3\xa9");
    }
    (void)buf_puts(&page, "'><a href='");
    for (int i = 0; i <= SITE_REFERENCE_MAX; i++) {
        (void)buf_puts(&page, "x");
    }
    (void)buf_puts(&page, "'>");
    for (int i = 0; i < 12000; i++) {
        (void)buf_printf(&page, "<a href=/%d>sitemap</a>", i);
    }
    OK(page.err);
    peak_start();
    arena *a = arena_new(NULL, 0);
    const struct site *s = read_in(a, buf_str(&page), 50000, &links);
    ck_assert_uint_eq(s->title.len, (size_t)2 * SITE_TEXT_MAX);
    ck_assert_uint_eq(s->description.len, (size_t)2 * SITE_TEXT_MAX);
    ck_assert(str_is_utf8(s->title) && str_is_utf8(s->description));
    ck_assert_uint_eq(s->links, 12001);
    ck_assert_uint_eq(s->links_dropped, 2002);
    ck_assert_uint_eq(s->n_sitemaps, SITE_SITEMAPS_MAX);
    ck_assert_uint_lt(peak_bytes(), 1 << 20);
    arena_free(a);
}
END_TEST

START_TEST(memory_may_run_out_anywhere)
{
    static const char page[] =
        "<html lang=en_US><title>x</title><meta name=robots content=a><meta name=robots content=b>"
        "<meta name=description content=d><link rel=sitemap href=/s><link rel=icon href=/i>"
        "<a href=/overview>sitemap</a><a href=&amp;>";
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        site_reader *r = NULL;
        const struct site *s;
        ck_assert_uint_lt(n, 100);
        mem_fail_at(n, true);
        arena *a = arena_new(NULL, 0);
        int err = a ? site_reader_open(a, NULL, NULL, NULL, &r) : -ENOMEM;
        for (size_t at = 0; err == 0 && at < sizeof page - 1; at += 20) {
            err = site_reader_feed(r, page + at, sizeof page - 1 - at < 20 ? sizeof page - 1 - at : 20);
        }
        err = err ? err : site_reader_finish(r, &s);
        done = mem_fail_seen() < n;
        mem_fail_at(0, false);
        CODE(err, done ? 0 : -ENOMEM);
        site_reader_close(r);
        arena_free(a);
    }
}
END_TEST

START_TEST(a_real_page_gives_its_facts)
{
    static const char path[] = "/usr/share/doc/postgresql-doc-15/html/index.html";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return; /* the package postgresql-doc-15 is not there */
    }
    static char page[1 << 20];
    ssize_t n = read(fd, page, sizeof page);
    ck_assert_int_gt(n, 1000);
    (void)close(fd);
    BUF_AUTO buf links;
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const struct site *s = read_in(a, str_n(page, (size_t)n), 1000, &links);
    ck_assert(str_starts(s->title, STR("PostgreSQL 15")));
    ck_assert_uint_gt(s->links, 50);
    ck_assert_uint_eq(s->links_dropped, 0);
    ck_assert_int_ge(str_find(buf_str(&links), STR("a:preface.html ")), 0);
}
END_TEST

RUN("site", 30, CASE(head_elements_say_what_the_page_is), CASE(second_best_sources_stand_in),
    CASE(a_base_that_is_no_web_address_does_not_count_nor_does_the_next), CASE(robots_metas_add_up),
    CASE(refreshes_are_read_as_browsers_do), CASE(links_come_in_document_order),
    CASE(sitemaps_are_told_by_rel_address_and_text), CASE(everything_has_a_limit), CASE(memory_may_run_out_anywhere),
    CASE(a_real_page_gives_its_facts));
