#include "waymark/cli/demo_site.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include <errno.h>

static const char *const pages[] = {"/", "/about", "/visit", "/contact"};
static const char *const subjects[] = {"tides", "charts", "storms", "islands", "signals", "seabirds"};
enum {
    N_PAGES = sizeof pages / sizeof *pages,
    N_SUBJECTS = sizeof subjects / sizeof *subjects,
    BOOKS = 60,
    POSTS = 24
};
_Static_assert(N_PAGES + BOOKS + POSTS == DEMO_SITE_PAGES, "the header says how many pages there are");

static void robots(const struct httpd_request *req, struct httpd_response *res)
{
    res->content_type = "text/plain; charset=utf-8";
    buf_printf(&res->body, "User-agent: *\nDisallow: /basket\n\nSitemap: http://%s/sitemap_index.xml\n", req->host);
}

static void index_entry(const struct httpd_request *req, struct httpd_response *res, const char *name)
{
    buf_printf(&res->body, "  <sitemap><loc>http://%s/%s</loc><lastmod>2026-11-01</lastmod></sitemap>\n", req->host,
               name);
}

static void sitemap_index(const struct httpd_request *req, struct httpd_response *res)
{
    res->content_type = "application/xml";
    buf_puts(&res->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                         "<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    index_entry(req, res, "sitemap-pages.xml");
    index_entry(req, res, "sitemap-books.xml.gz");
    index_entry(req, res, "sitemap-journal.xml");
    index_entry(req, res, "sitemap-pages.xml"); /* as real sites do */
    buf_puts(&res->body, "</sitemapindex>\n");
}

static void urlset_start(buf *b)
{
    buf_puts(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
}

static void sitemap_pages(const struct httpd_request *req, struct httpd_response *res)
{
    res->content_type = "application/xml";
    urlset_start(&res->body);
    for (size_t i = 0; i < N_PAGES; i++) {
        buf_printf(&res->body,
                   "  <url><loc>http://%s%s</loc><changefreq>monthly</changefreq><priority>%s</priority></url>\n",
                   req->host, pages[i], i == 0 ? "1.0" : "0.6");
    }
    buf_puts(&res->body, "</urlset>\n");
}

static void gzip_body(buf *b)
{
    buf packed;
    buf_init(&packed, 1 << 20);
    z_stream z = {0};
    char *at = buf_reserve(&packed, compressBound(b->len) + 32);
    if (!at || deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        b->err = -ENOMEM;
        buf_release(&packed);
        return;
    }
    z.next_in = (Bytef *)b->p;
    z.avail_in = (uInt)b->len;
    z.next_out = (Bytef *)at;
    z.avail_out = (uInt)(packed.room - packed.len - 1);
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) {
        b->err = -ENOMEM;
    }
    packed.len = z.total_out;
    (void)deflateEnd(&z);
    buf_clear(b);
    buf_put(b, packed.p, packed.len);
    buf_release(&packed);
}

static void sitemap_books(const struct httpd_request *req, struct httpd_response *res)
{
    res->content_type = "application/gzip";
    urlset_start(&res->body);
    for (size_t i = 0; i < BOOKS; i++) {
        buf_printf(&res->body,
                   "  <url><loc>http://%s/books/%s/%zu</loc><lastmod>2026-10-%02zuT09:00:00+00:00</lastmod></url>\n",
                   req->host, subjects[i % N_SUBJECTS], i + 1, i % 28 + 1);
    }
    buf_puts(&res->body, "</urlset>\n");
    gzip_body(&res->body);
}

static void sitemap_journal(const struct httpd_request *req, struct httpd_response *res)
{
    res->content_type = "application/xml";
    urlset_start(&res->body);
    for (size_t i = 0; i < POSTS; i++) {
        buf_printf(&res->body,
                   "  <url><loc>http://%s/journal/2026/%02zu/on-%s</loc><lastmod>2026-%02zu-01</lastmod></url>\n",
                   req->host, i % 11 + 1, subjects[i % N_SUBJECTS], i % 11 + 1);
    }
    buf_puts(&res->body, "</urlset>\n");
}

static void page(const struct httpd_request *req, struct httpd_response *res)
{
    buf *b = &res->body;
    buf_puts(b,
             "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<title>Lantern Room Books &ndash; the lighthouse bookshop</title>\n"
             "<meta name=\"description\" content=\"Books about the sea, the weather and the people who watch both.\">\n"
             "</head>\n<body>\n<h1>Lantern Room Books</h1>\n<nav>");
    for (size_t i = 0; i < N_PAGES; i++) {
        buf_printf(b, "<a href=\"%s\">%s</a> ", pages[i], i == 0 ? "Home" : pages[i] + 1);
    }
    buf_printf(b,
               "</nav>\n<p>This page is part of the demo that comes with Waymark.</p>\n<p>%zu books, %zu journal "
               "entries.</p>\n",
               (size_t)BOOKS, (size_t)POSTS);
    (void)req;
    buf_puts(b, "</body>\n</html>\n");
}

static const struct route {
    const char *path;
    void (*make)(const struct httpd_request *req, struct httpd_response *res);
} routes[] = {
    {"/robots.txt", robots},
    {"/sitemap_index.xml", sitemap_index},
    {"/sitemap-pages.xml", sitemap_pages},
    {"/sitemap-books.xml.gz", sitemap_books},
    {"/sitemap-journal.xml", sitemap_journal},
};

static bool is_page(const char *path)
{
    for (size_t i = 0; i < N_PAGES; i++) {
        if (strcmp(path, pages[i]) == 0) {
            return true;
        }
    }
    return strncmp(path, "/books/", 7) == 0 || strncmp(path, "/journal/", 9) == 0;
}

void demo_site(void *arg, const struct httpd_request *req, struct httpd_response *res)
{
    (void)arg;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(req->path, routes[i].path) == 0) {
            routes[i].make(req, res);
            return;
        }
    }
    if (is_page(req->path)) {
        page(req, res);
        return;
    }
    if (strcmp(req->path, "/sitemap.xml") == 0) {
        res->status = 301;
        res->location = "/sitemap_index.xml";
        return;
    }
    res->status = 404;
    buf_puts(&res->body, "<!doctype html>\n<title>Not found</title>\n<p>There is no such page here.</p>\n");
}
