/* scan.c: the order of a scan: robots.txt, home page, sitemaps named, sitemaps guessed. */
#include "waymark/scrape/scan.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/scan_impl.h"

enum { ARENA_MAX = 16 << 20, NOTE_MAX = 512 };

void scan_note(struct scan *s, const char *name, str where, const char *fmt, ...)
{
    char text[NOTE_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    s->sink->note(s->sink->arg, &(const struct scan_note){.name = name, .url = where, .text = text});
}

/* ---- the site's name ---- */

/* A name without a scheme gets https; *ret_guessed says so. */
static int parse_name(buf *b, const char *name, bool https, url *ret, bool *ret_guessed)
{
    buf text BUF_AUTO;
    buf_init(&text, URL_BUF_MAX);
    str s = str_trim(str_of(name));
    *ret_guessed = str_find(s, STR("://")) < 0;
    if (*ret_guessed) {
        (void)buf_puts(&text, https ? "https://" : "http://");
    }
    (void)buf_put_str(&text, s);
    int r = text.err ? text.err : url_parse(b, buf_str(&text), NULL, ret);
    if (r == -ENOMEM) {
        return diag_nomem();
    }
    if (r == 0 && (ret->username.len || ret->password.len)) {
        return diag_set(-EINVAL, "'%s' holds a user name or password; leave them out", name);
    }
    return r < 0 ? diag_set(-EINVAL, "'%s' is no site: %s; give a host such as example.com, or a URL", name,
                            url_error_text(r))
                 : 0;
}

int scan_domain_name(buf *out, const char *name)
{
    buf text BUF_AUTO;
    buf_init(&text, URL_BUF_MAX);
    url u = {0};
    bool guessed;
    int r = parse_name(&text, name, true, &u, &guessed);
    if (r < 0) {
        return r;
    }
    buf_clear(out);
    (void)buf_put_str(out, u.host);
    if (u.has_port) {
        (void)buf_printf(out, ":%u", u.port);
    }
    return out->err ? diag_nomem() : 0;
}

/* ---- robots.txt ---- */

/* What a first answer tells of a site. */
struct answer {
    enum fetch_outcome outcome;
    int status; /* 0: none came */
    char detail[FETCH_DETAIL_MAX];
};

static int take_rules(struct scan *s, robots *rules, const url *base)
{
    robots_free(s->rules); /* those of the host that the site redirected to replace those of the host that was named */
    s->rules = rules;
    for (size_t i = 0; i < robots_sitemaps(rules); i++) {
        struct scan_task like = {.discovery = DISCOVERY_ROBOTS};
        int r = scan_enqueue(s, robots_sitemap(rules, i), base, &like);
        if (r < 0) {
            return r;
        }
    }
    int64_t delay = robots_crawl_delay_ms(rules, s->agent);
    return delay > 0 && s->o.door.polite ? polite_set_delay(s->o.door.polite, base->host, delay) : 0;
}

/* Reads robots.txt at the origin of at. */
static int read_robots(struct scan *s, const url *at, struct answer *ret)
{
    buf where BUF_AUTO, body BUF_AUTO, base_text BUF_AUTO;
    buf_init(&where, URL_BUF_MAX);
    buf_init(&body, ROBOTS_MAX);
    buf_init(&base_text, URL_BUF_MAX);
    if (url_put_origin(&where, at) < 0 || buf_puts(&where, "/robots.txt") < 0) {
        return diag_nomem();
    }
    FETCH_AUTO fetch *f = NULL;
    const struct fetch_request q = {.url = buf_str(&where),
                                    .accept = "text/plain, */*;q=0.5",
                                    .limits = &(const struct fetch_limits){.redirects_max = ROBOTS_REDIRECTS_MAX}};
    int r = fetch_open(s->door, &q, &f);
    if (r < 0) {
        return r;
    }
    s->counts.requests++;
    r = fetch_read_all(f, &body);
    if (r == -ENOMEM || r == -ECANCELED) {
        return r;
    }
    const struct fetch_response *res = fetch_result(f);
    s->counts.bytes += body.len;
    *ret = (struct answer){.outcome = res->outcome, .status = res->status};
    (void)snprintf(ret->detail, sizeof ret->detail, "%s",
                   res->detail[0] ? res->detail : fetch_outcome_text(res->outcome));
    bool cut_short = res->partial && r != -E2BIG; /* over ROBOTS_MAX is the file's fault and no failure */
    enum robots_policy policy = robots_policy(cut_short ? 0 : res->status, res->redirects);
    s->closed = policy == ROBOTS_DISALLOW_ALL;
    if (s->closed && ret->status) { /* a site that says nothing at all is the caller's to report */
        scan_note(s, "robots_unreadable", buf_str(&where),
                  "robots.txt could not be read, so nothing is fetched but sitemaps named elsewhere: %s", ret->detail);
    }
    if (policy != ROBOTS_PARSE) {
        return 0;
    }
    url base;
    robots *rules;
    r = url_parse(&base_text, res->url, NULL, &base);
    if (r < 0) {
        return r;
    }
    return robots_parse(body.p, body.len, &rules) < 0 ? diag_nomem() : take_rules(s, rules, &base);
}

static bool allowed(const struct scan *s, const url *u)
{
    return !s->closed && (!s->rules || robots_allows(s->rules, s->agent, url_target(u)));
}

/* ---- guesses ---- */

/* By how many of 2,196 hosts declare the path, so that the first questions gain most; then those of common software. */
static const char *const well_known[] = {
    "/sitemap.xml",
    "/sitemap_index.xml",
    "/sitemap-index.xml",
    "/sitemapindex.xml",
    "/sitemap.xml.gz",
    "/sitemap/sitemap.xml",
    "/sitemap",
    "/wp-sitemap.xml",
    "/sitemap.php",
    "/news-sitemap.xml",
    "/sitemaps",
    "/en/sitemap.xml",
    "/siteindex.xml",
    "/sitemap/index.xml",
    "/sitemaps/index.xml",
    "/sitemaps/sitemap.xml",
    "/sitemaps.xml",
    "/sitemaps/sitemap-index.xml",
    "/sitemaps/news.xml",
    "/sitemap.txt",
    "/sitemap.aspx",
    "/blog/sitemap_index.xml",
    "/sitemaps/sitemap_index.xml",
    "/sitemap/sitemap-index.xml",
    "/en-us/sitemap.xml",
    "/Sitemap.xml",
    "/sitemaps/sitemap.xml.gz",
    "/arcio/news-sitemap/",
    "/post-sitemap.xml",
    "/page-sitemap.xml",
    "/product-sitemap.xml",
    "/category-sitemap.xml",
    "/sitemap-news.xml",
    "/admin/config/search/xmlsitemap",
};
enum { FEW_PATHS = 4 }; /* of a site that answers 200 to everything */

/* Asks once for a path that cannot exist. */
static int answers_everything(struct scan *s, bool *ret)
{
    char path[64], id[UUID_TEXT_LEN + 1];
    buf where BUF_AUTO;
    buf_init(&where, URL_BUF_MAX);
    uuid_format(uuid_v7(), id);
    (void)snprintf(path, sizeof path, "/waymark-%s.xml", id);
    if (url_put_origin(&where, &s->home) < 0 || buf_puts(&where, path) < 0) {
        return diag_nomem();
    }
    FETCH_AUTO fetch *f = NULL;
    const struct fetch_request q = {.url = buf_str(&where)};
    int r = fetch_open(s->door, &q, &f);
    if (r < 0) {
        return r;
    }
    s->counts.requests++;
    *ret = fetch_result(f)->outcome == FETCH_OK;
    if (*ret) {
        scan_note(s, "answers_everything", buf_str(&where),
                  "the site answers 200 to a path that cannot exist, so only the likeliest sitemap paths are tried");
    }
    return 0;
}

static int guess_paths(struct scan *s)
{
    bool any = false;
    int r = answers_everything(s, &any);
    size_t n = any ? FEW_PATHS : sizeof well_known / sizeof *well_known;
    for (size_t i = 0; r == 0 && i < n; i++) {
        buf path BUF_AUTO;
        buf_init(&path, URL_BUF_MAX);
        url u;
        struct scan_task like = {.discovery = DISCOVERY_WELL_KNOWN, .guess = true};
        if ((r = url_parse(&path, str_of(well_known[i]), &s->home, &u)) < 0) {
            return r == -ENOMEM ? diag_nomem() : 0;
        }
        if (!allowed(s, &u)) {
            continue;
        }
        uint64_t before = s->counts.sitemaps;
        if ((r = scan_enqueue(s, u.href, NULL, &like)) == 0) {
            r = scan_tree(s);
        }
        if (s->counts.sitemaps > before && !s->o.all_paths) {
            break;
        }
    }
    return r;
}

/* ---- the whole ---- */

/* Failures that another scheme may not share. */
static bool try_http(const struct answer *a)
{
    return a->status == 0 && a->outcome != FETCH_DENIED_ADDRESS && a->outcome != FETCH_BAD_URL &&
           a->outcome != FETCH_TIMEOUT_TOTAL;
}

static int unreachable(const char *name, const struct answer *a)
{
    bool denied = a->outcome == FETCH_DENIED_PORT || a->outcome == FETCH_DENIED_ADDRESS;
    (void)diag_set(SCAN_UNREACHABLE, "%s %s: %s (%s)", name, denied ? "was not asked" : "did not answer", a->detail,
                   fetch_outcome_name(a->outcome));
    if (denied) {
        diag_hint("--allow-private reaches private addresses and other ports");
    }
    return SCAN_UNREACHABLE;
}

/* Sets s->home and s->given_host to what name says, and reads robots.txt there. A bare host is tried with https, then
 * with http. */
static int knock(struct scan *s, const char *name)
{
    struct answer a = {0};
    bool guessed;
    for (int https = 1; https >= 0; https--) {
        buf text BUF_AUTO;
        buf_init(&text, URL_BUF_MAX);
        url u;
        int r = parse_name(&text, name, https, &u, &guessed);
        if (r < 0) {
            return r;
        }
        if (url_dup(s->arena, &u, &s->home) < 0) {
            return diag_nomem();
        }
        s->given_host = s->home.host;
        if ((r = read_robots(s, &s->home, &a)) < 0) {
            return r;
        }
        if (!guessed || !try_http(&a)) {
            break;
        }
    }
    return a.status ? 0 : unreachable(name, &a);
}

/* After the home page led to another host, that host's robots.txt counts. */
static int follow_home(struct scan *s, const url *named)
{
    struct answer a;
    return str_eq(named->host, s->home.host) && named->port == s->home.port ? 0 : read_robots(s, &s->home, &a);
}

static int run(struct scan *s, const char *name)
{
    int r = knock(s, name);
    if (r < 0) {
        return r;
    }
    url named = s->home;
    struct scan_links *links = NULL; /* for a site that has no sitemap */
    if (!s->o.sitemaps_only) {
        if (!allowed(s, &s->home)) {
            scan_note(s, "robots_disallows", s->home.href, "robots.txt does not let us read the home page");
        } else if ((r = scan_home(s, &links)) == 0) {
            r = follow_home(s, &named);
        }
    }
    if (r == 0) {
        r = scan_tree(s);
    }
    if (r == 0 && !s->closed && (s->counts.sitemaps == 0 || s->o.all_paths)) {
        r = guess_paths(s);
    }
    if (r == 0 && s->counts.sitemaps == 0) {
        scan_note(s, "no_sitemap", s->home.href,
                  "no sitemap was found in robots.txt, on the home page or at the usual paths%s",
                  links ? "; the pages are those that the home page links to" : "");
        r = links ? scan_links_give(s, links) : 0;
    }
    scan_links_free(links);
    return r;
}

static struct scan_options with_defaults(const struct scan_options *o)
{
    struct scan_options d = *o;
    d.concurrency = d.concurrency ? d.concurrency : 4;
    d.max_sitemaps = d.max_sitemaps ? d.max_sitemaps : 20000;
    d.max_depth = d.max_depth ? d.max_depth : 5;
    d.max_sitemap_bytes = d.max_sitemap_bytes ? d.max_sitemap_bytes : (uint64_t)256 << 20;
    return d;
}

int scan_site(const struct scan_options *o, const char *name, const struct scan_sink *sink, struct scan_counts *ret)
{
    assert(sink->site && sink->sitemap && sink->pages && sink->sitemap_done && sink->note);
    struct scan s = {.o = with_defaults(o), .sink = sink, .agent = o->door.user_agent ? o->door.user_agent : "waymark"};
    s.last = &s.first;
    s.arena = arena_new(NULL, ARENA_MAX);
    int r = s.arena ? fetcher_open(&o->door, &s.door) : diag_nomem();
    if (r == 0) {
        r = run(&s, name);
    }
    *ret = s.counts;
    robots_free(s.rules);
    mem_free(s.seen.slots);
    fetcher_close(s.door);
    arena_free(s.arena);
    return r;
}
