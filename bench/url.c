#include <curl/curl.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>

#include "bench.h"
#include "waymark/scrape/robots.h"
#include "waymark/scrape/url.h"

/* As sitemaps write them: canonical already. */
static const char *const listed[] = {
    "https://www.example.com/",
    "https://www.example.com/blog/2026/11/why-a-longer-headline-reads-better",
    "https://www.example.com/products/garden/tools/spade-with-ash-handle.html",
    "https://shop.example.co.uk/p/18273645?variant=3&colour=green",
    "https://www.example.com/de/%C3%BCber-uns/",
    "http://127.0.0.1:8080/docs/sql-createtable.html",
    "https://news.example.org/2026/11/22/economy/a-story_that-goes-on.amp.html",
    "https://www.example.com/tag/c++/page/12/",
};
/* As links in pages are written: each needs work. */
static const char *const linked[] = {
    "HTTPS://WWW.Example.COM",
    "https://www.example.com:443/a/../b/./c.html#top",
    "https://www.example.com/caf\xc3\xa9?q=\"x\"",
    "http://www.example.com/%7euser/%41%2fb",
    "  https:\\\\www.example.com\\a\\b  ",
    "http://user:pw@example.com/x y",
    "http://0x7f.1/",
    "https://www.example.com/a?b=1#fragment",
};
enum { URLS = 8 };

static int canonicalize(const char *const *urls, uint64_t n)
{
    BUF_AUTO buf b;
    str slices[URLS], got;
    buf_init(&b, URL_BUF_MAX);
    for (int i = 0; i < URLS; i++) {
        slices[i] = str_of(urls[i]);
    }
    for (uint64_t i = 0; i < n; i++) {
        int rc = url_canonicalize(&b, slices[i % URLS], NULL, 0, &got);
        if (rc) {
            return rc;
        }
        bench_use(got.p);
    }
    return 0;
}

static int canonicalize_listed(uint64_t n)
{
    return canonicalize(listed, n);
}

static int canonicalize_linked(uint64_t n)
{
    return canonicalize(linked, n);
}

static int with_curl(const char *const *urls, uint64_t n)
{
    CURLU *h = curl_url();
    int rc = h ? 0 : -ENOMEM;
    for (uint64_t i = 0; i < n && rc == 0; i++) {
        char *text = NULL;
        if (curl_url_set(h, CURLUPART_URL, urls[i % URLS], CURLU_URLENCODE) != CURLUE_OK ||
            curl_url_set(h, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
            curl_url_get(h, CURLUPART_URL, &text, CURLU_NO_DEFAULT_PORT) != CURLUE_OK) {
            rc = -EINVAL;
        }
        bench_use(text);
        curl_free(text);
    }
    curl_url_cleanup(h);
    return rc;
}

static int curl_listed(uint64_t n)
{
    return with_curl(listed, n);
}

static int curl_linked(uint64_t n)
{
    return with_curl(linked, n);
}

static double listed_ours(void)
{
    return bench_ns(canonicalize_listed);
}

static double listed_theirs(void)
{
    return bench_ns(curl_listed);
}

static double linked_ours(void)
{
    return bench_ns(canonicalize_linked);
}

static double linked_theirs(void)
{
    return bench_ns(curl_linked);
}

/* ---- robots ---- */

enum { RULES = 60 };

static const char *rule(int i, char out[static 64])
{
    static const char *const shapes[][2] = {
        {"/wp-admin/", "/"}, {"/*?session=", ""}, {"/search/", "/*.php$"}, {"/private-", ""}};
    (void)snprintf(out, 64, "%s%d%s", shapes[i % 4][0], i, shapes[i % 4][1]);
    return out;
}

static int ask_robots(uint64_t n)
{
    BUF_AUTO buf body;
    ROBOTS_AUTO robots *r = NULL;
    char text[64];
    buf_init(&body, ROBOTS_MAX);
    (void)buf_puts(&body, "User-agent: *\n");
    for (int i = 0; i < RULES; i++) {
        (void)buf_printf(&body, "Disallow: %s\n", rule(i, text));
    }
    int rc = body.err ? body.err : robots_parse(body.p, body.len, &r);
    for (uint64_t i = 0; i < n && rc == 0; i++) {
        bool allowed = robots_allows(r, "waymark", STR("/products/garden/tools/spade-with-ash-handle.html"));
        rc = allowed ? 0 : -EINVAL;
    }
    return rc;
}

static int ask_fnmatch(uint64_t n)
{
    char patterns[RULES][66];
    for (int i = 0; i < RULES; i++) {
        char text[64];
        size_t len = strlen(rule(i, text));
        bool anchored = text[len - 1] == '$';
        (void)snprintf(patterns[i], sizeof patterns[i], "%.*s%s", (int)(len - anchored), text, anchored ? "" : "*");
    }
    for (uint64_t i = 0; i < n; i++) {
        for (int j = 0; j < RULES; j++) {
            if (fnmatch(patterns[j], "/products/garden/tools/spade-with-ash-handle.html", FNM_NOESCAPE) == 0) {
                return -EINVAL;
            }
        }
    }
    return 0;
}

static double robots_ours(void)
{
    return bench_ns(ask_robots);
}

static double robots_theirs(void)
{
    return bench_ns(ask_fnmatch);
}

extern const struct bench_case url_cases[];
const struct bench_case url_cases[] = {
    {"url_listed", "ns/op", "canonical form of a URL as sitemaps write it; theirs: curl_url", listed_ours,
     listed_theirs, false, 0},
    {"url_linked", "ns/op", "the same of URLs that need work; theirs: curl_url, which does less of it", linked_ours,
     linked_theirs, false, 0},
    {"robots_check", "ns/op", "a path against 60 rules; theirs: fnmatch(3)", robots_ours, robots_theirs, false, 0},
    {NULL, NULL, NULL, NULL, NULL, false, 0},
};
