/* scan_home.c: the home page: where the site really is, what it says of itself, which sitemaps it names. */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "waymark/scrape/charset.h"
#include "waymark/scrape/scan_impl.h"
#include "waymark/scrape/site.h"

enum { HOME_MAX = 8 << 20, LINKS_BYTES_MAX = 4 << 20, CHUNK = 32 << 10, METADATA_MAX = 64 << 10 };

/* Links as written, until it is known that there is no sitemap. */
struct scan_links {
    arena *arena; /* bounded; links past it are dropped */
    struct link {
        struct link *next;
        str href;
    } * first, **last;
    url base; /* what they are resolved against, in the scan's arena */
};

void scan_links_free(struct scan_links *links)
{
    if (links) {
        arena_free(links->arena);
        mem_free(links);
    }
}

static int links_new(struct scan_links **ret)
{
    struct scan_links *l = mem_zalloc(1, sizeof *l);
    if (!l || !(l->arena = arena_new(NULL, LINKS_BYTES_MAX))) {
        mem_free(l);
        return diag_nomem();
    }
    l->last = &l->first;
    *ret = l;
    return 0;
}

static int keep_link(void *arg, const struct site_link *link)
{
    struct scan_links *l = arg;
    if ((link->kind != SITE_ANCHOR && link->kind != SITE_AREA) || link->nofollow) {
        return 0;
    }
    struct link *k = ARENA_NEW(l->arena, struct link);
    const char *href = k ? arena_memdup0(l->arena, link->href.p, link->href.len) : NULL;
    if (href) {
        k->href = str_n(href, link->href.len);
        *l->last = k;
        l->last = &k->next;
    }
    return 0;
}

int scan_links_give(struct scan *s, struct scan_links *links)
{
    struct scan_batch *b;
    int r = scan_batch_new(&b);
    if (r < 0) {
        return r;
    }
    const struct sitemap_entry home = {.loc = s->home.href, .lastmod_us = SITEMAP_NO_TIME, .priority = -1};
    r = scan_batch_add(s, b, NULL, &home);
    for (const struct link *l = links->first; l && r == 0; l = l->next) {
        str scheme = url_scheme(l->href);
        if (scheme.len && !str_starts_nocase(scheme, STR("http"))) {
            continue; /* mailto: and the like are links, but no pages */
        }
        const struct sitemap_entry e = {.loc = l->href, .lastmod_us = SITEMAP_NO_TIME, .priority = -1};
        r = scan_batch_add(s, b, &links->base, &e);
    }
    r = r < 0 ? r : scan_batch_flush(s, b);
    scan_batch_notes(s, b, s->home.href);
    scan_batch_free(b);
    return r;
}

/* ---- facts ---- */

static int copy_text(arena *a, str s, const char **ret)
{
    if (!s.len) {
        return 0;
    }
    *ret = arena_memdup0(a, s.p, s.len);
    return *ret ? 0 : diag_nomem();
}

/* A reference as an absolute URL; one that is none is left out. */
static int copy_reference(arena *a, str s, const url *base, const char **ret)
{
    buf scratch BUF_AUTO;
    buf_init(&scratch, URL_BUF_MAX);
    str canonical;
    if (!s.len) {
        return 0;
    }
    int r = url_canonicalize(&scratch, s, base, 0, &canonical);
    return r == -ENOMEM ? diag_nomem() : r < 0 ? 0 : copy_text(a, canonical, ret);
}

static int put_metadata(arena *a, const struct scan_site *site, Domain *d)
{
    const struct site *f = site->facts;
    const struct {
        const char *key;
        str value;
    } texts[] = {{"canonical", f->canonical}, {"generator", f->generator},     {"site_name", f->site_name},
                 {"robots", f->robots},       {"theme_color", f->theme_color}, {"image", f->image}};
    buf text BUF_AUTO;
    buf_init(&text, METADATA_MAX);
    struct json_writer w;
    json_start(&w, &text);
    json_object(&w);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].value.len) {
            json_key(&w, texts[i].key);
            json_string(&w, texts[i].value);
        }
    }
    json_key(&w, "home");
    json_string(&w, site->home);
    json_key(&w, "encoding");
    json_cstring(&w, f->encoding);
    json_end(&w);
    if (text.err == -ENOMEM || (!text.err && !(d->domain_metadata.text = arena_strdup(a, text.p)))) {
        return diag_nomem();
    }
    return 0;
}

static int put_generator(arena *a, str generator, Domain *d)
{
    static const str wordpress = {"WordPress", 9};
    if (!str_starts_nocase(generator, wordpress)) {
        return 0;
    }
    d->is_wordpress = (st_opt_bool){true, true};
    return copy_text(a, str_trim(str_from(generator, wordpress.len)), &d->wordpress_version);
}

int scan_site_facts(arena *a, const struct scan_site *site, Domain *ret)
{
    const struct site *f = site->facts;
    Domain d = {.version = 0};
    buf text BUF_AUTO;
    buf_init(&text, URL_BUF_MAX);
    url base;
    int r = url_parse(&text, site->home, NULL, &base);
    if (r == -ENOMEM) {
        return diag_nomem();
    }
    const url *from = r == 0 ? &base : NULL;
    str language = str_is_utf8(f->language) && f->language.len <= 64 ? f->language : (str){NULL, 0};
    r = copy_text(a, f->title, &d.title);
    r = r ? r : copy_text(a, f->description, &d.description);
    r = r ? r : copy_text(a, language, &d.language);
    r = r ? r : copy_reference(a, f->favicon, from, &d.favicon_url);
    r = r ? r : copy_reference(a, f->logo, from, &d.logo_url);
    r = r ? r : put_generator(a, f->generator, &d);
    r = r ? r : put_metadata(a, site, &d);
    if (r == 0) {
        *ret = d;
    }
    return r;
}

/* ---- reading it ---- */

static int read_page(fetch *f, site_reader *reader)
{
    MEM_AUTO char *chunk = mem_alloc(CHUNK);
    if (!chunk) {
        return diag_nomem();
    }
    for (;;) {
        ssize_t n = fetch_read(f, chunk, CHUNK);
        if (n == -ECANCELED || n == -ENOMEM) {
            return (int)n;
        }
        if (n <= 0) {
            return 0;
        }
        int r = site_reader_feed(reader, chunk, (size_t)n);
        if (r < 0) {
            return r;
        }
    }
}

static int queue_sitemaps(struct scan *s, const struct site *facts, const url *base)
{
    for (size_t i = 0; i < facts->n_sitemaps; i++) {
        struct scan_task like = {.discovery = DISCOVERY_HOMEPAGE_LINK, .guess = !facts->sitemaps[i].declared};
        int r = scan_enqueue(s, facts->sitemaps[i].href, base, &like);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* The base element, resolved against the page's own URL, else that URL. In the scan's arena. */
static int base_of(struct scan *s, const struct site *facts, url *ret)
{
    buf text BUF_AUTO;
    buf_init(&text, URL_BUF_MAX);
    url base;
    *ret = s->home;
    if (!facts->base.len) {
        return 0;
    }
    int r = url_parse(&text, facts->base, &s->home, &base);
    return r == -ENOMEM || (r == 0 && url_dup(s->arena, &base, ret) < 0) ? diag_nomem() : 0;
}

static int tell(struct scan *s, const struct site *facts, const struct fetch_response *res, struct scan_links *links)
{
    int r = base_of(s, facts, &links->base);
    r = r ? r : queue_sitemaps(s, facts, &links->base);
    const struct scan_site site = {.home = s->home.href, .facts = facts, .response = res};
    return r ? r : s->sink->site(s->sink->arg, &site);
}

static int move_home(struct scan *s, str to)
{
    buf text BUF_AUTO;
    buf_init(&text, URL_BUF_MAX);
    url u;
    int r = url_parse(&text, to, NULL, &u);
    return r == -ENOMEM || (r == 0 && url_dup(s->arena, &u, &s->home) < 0) ? diag_nomem() : 0;
}

int scan_home(struct scan *s, struct scan_links **ret_links)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    FETCH_AUTO fetch *f = NULL;
    const struct fetch_request q = {.url = s->home.href,
                                    .accept = "text/html, application/xhtml+xml, */*;q=0.5",
                                    .limits = &(const struct fetch_limits){.body_max = HOME_MAX}};
    int r = a ? fetch_open(s->door, &q, &f) : diag_nomem();
    if (r < 0) {
        return r;
    }
    s->counts.requests++;
    const struct fetch_response *res = fetch_result(f);
    if (res->outcome != FETCH_OK) {
        scan_note(s, fetch_outcome_name(res->outcome), s->home.href, "the home page could not be read: %s",
                  res->detail[0] ? res->detail : fetch_outcome_text(res->outcome));
        return 0;
    }
    struct scan_links *links = NULL;
    site_reader *reader = NULL;
    const struct site *facts;
    if ((r = move_home(s, res->url)) < 0 || (r = links_new(&links)) < 0) {
        return r;
    }
    str charset = charset_of_content_type(res->content_type);
    const struct site_options o = {.charset = charset.len ? arena_memdup0(a, charset.p, charset.len) : NULL};
    r = site_reader_open(a, &o, keep_link, links, &reader) < 0 ? diag_nomem() : read_page(f, reader);
    r = r < 0 ? r : site_reader_finish(reader, &facts);
    s->counts.bytes += res->received;
    r = r < 0 ? r : tell(s, facts, res, links);
    site_reader_close(reader);
    if (r < 0) {
        scan_links_free(links);
        return r;
    }
    *ret_links = links;
    return 0;
}
