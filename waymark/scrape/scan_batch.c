/* scan_batch.c: entries of sitemaps become rows, handed on some thousands at a time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "waymark/scrape/scan_impl.h"
#include "waymark/scrape/sitemap_json.h"

enum { BATCH_BYTES = 1 << 20, EXTRAS_MAX = 1 << 20 }; /* a batch is handed on when its texts pass this */

int scan_batch_new(struct scan_batch **ret)
{
    struct scan_batch *b = mem_alloc(sizeof *b); /* rows are set one by one; untouched ones cost nothing */
    if (!b) {
        return diag_nomem();
    }
    memset(b, 0, offsetof(struct scan_batch, pointers));
    buf_init(&b->url, URL_BUF_MAX);
    buf_init(&b->json, EXTRAS_MAX);
    b->arena = arena_new(NULL, 0);
    if (!b->arena) {
        mem_free(b);
        return diag_nomem();
    }
    for (size_t i = 0; i < SCAN_BATCH; i++) {
        b->pointers[i] = &b->rows[i];
    }
    *ret = b;
    return 0;
}

void scan_batch_free(struct scan_batch *b)
{
    if (b) {
        arena_free(b->arena);
        buf_release(&b->url);
        buf_release(&b->json);
        mem_free(b);
    }
}

str scan_host(str canonical)
{
    ptrdiff_t at = str_find(canonical, STR("://"));
    str rest = at < 0 ? (str){NULL, 0} : str_from(canonical, (size_t)at + 3);
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.p[i] == '[') { /* IPv6: its colons are not a port's */
            ptrdiff_t end = str_find_char(rest, ']');
            return end < 0 ? rest : str_n(rest.p, (size_t)end + 1);
        }
        if (rest.p[i] == '/' || rest.p[i] == ':' || rest.p[i] == '?') {
            return str_n(rest.p, i);
        }
    }
    return rest;
}

bool scan_covers(const struct scan *s, str host)
{
    return str_eq(host, s->home.host) || scope_covers(s->o.scope, s->home.host, host) ||
           scope_covers(s->o.scope, s->given_host, host);
}

static void example(char out[static 160], str s)
{
    (void)snprintf(out, 160, "%.*s", (int)(s.len < 150 ? s.len : 150), s.p ? s.p : "");
}

/* One of the extensions as a JSON text in the batch; a text over EXTRAS_MAX is left out. */
static int put_json(struct scan_batch *b, bool present,
                    void (*write)(struct json_writer *, const struct sitemap_extras *), const struct sitemap_extras *x,
                    st_json *ret)
{
    if (!present) {
        return 0;
    }
    struct json_writer w;
    buf_clear(&b->json);
    json_start(&w, &b->json);
    write(&w, x);
    if (b->json.err == -E2BIG) {
        return 0;
    }
    ret->text = b->json.err ? NULL : arena_memdup0(b->arena, b->json.p, b->json.len);
    return ret->text ? 0 : diag_nomem();
}

static int put_extras(struct scan_batch *b, const struct sitemap_extras *x, Page *p)
{
    int r = put_json(b, x->n_alternates > 0, sitemap_alternates_json, x, &p->alternates);
    r = r ? r : put_json(b, x->n_images > 0, sitemap_images_json, x, &p->images);
    r = r ? r : put_json(b, x->n_videos > 0, sitemap_videos_json, x, &p->videos);
    return r ? r : put_json(b, x->news != NULL, sitemap_news_json, x, &p->news);
}

int scan_batch_flush(struct scan *s, struct scan_batch *b)
{
    int r = b->n ? s->sink->pages(s->sink->arg, b->file, b->pointers, b->n) : 0;
    b->n = 0;
    arena_reset(b->arena);
    return r;
}

_Static_assert((int)CHANGEFREQ_NEVER + 1 == (int)SITEMAP_FREQ_NEVER && (int)SITEMAP_FREQ_ALWAYS == 1,
               "the parser's frequencies are the model's, one on");

int scan_batch_add(struct scan *s, struct scan_batch *b, const url *base, const struct sitemap_entry *e)
{
    s->counts.entries++;
    str canonical;
    int r = url_canonicalize(&b->url, e->loc, base, s->o.url_flags, &canonical);
    if (r == -ENOMEM) {
        return diag_nomem();
    }
    if (r < 0 || canonical.len > PAGE_URL_MAX) {
        s->counts.dropped++;
        if (r == 0) {
            b->too_long++;
        } else if (b->bad_url++ == 0) {
            b->bad_url_error = r;
            example(b->bad_url_example, e->loc);
        }
        return 0;
    }
    if (!scan_covers(s, scan_host(canonical))) {
        s->counts.dropped++;
        if (b->off_host++ == 0) {
            example(b->off_host_example, canonical);
        }
        return 0;
    }
    Page *p = &b->rows[b->n];
    *p = (Page){.url = arena_memdup0(b->arena, canonical.p, canonical.len)};
    if (!p->url) {
        return diag_nomem();
    }
    if (e->lastmod_us != SITEMAP_NO_TIME) {
        p->lastmod = (st_opt_time){{e->lastmod_us}, true};
    }
    if (e->changefreq != SITEMAP_FREQ_NONE) {
        p->changefreq = (st_opt_enum){(unsigned)e->changefreq - 1, true};
    }
    if (e->priority >= 0) {
        p->priority = (st_opt_double){e->priority, true};
    }
    if (e->extras && (r = put_extras(b, e->extras, p)) < 0) {
        return r;
    }
    b->n++;
    return b->n == SCAN_BATCH || arena_used(b->arena) > BATCH_BYTES ? scan_batch_flush(s, b) : 0;
}

void scan_batch_notes(struct scan *s, struct scan_batch *b, str where)
{
    if (b->off_host) {
        scan_note(s, "off_host", where,
                  "%llu entr%s on other hosts left out, such as %s (--scope site takes subdomains)",
                  (unsigned long long)b->off_host, b->off_host == 1 ? "y" : "ies", b->off_host_example);
    }
    if (b->bad_url) {
        scan_note(s, "bad_url", where, "%llu entr%s no usable URL, such as '%s': %s", (unsigned long long)b->bad_url,
                  b->bad_url == 1 ? "y is" : "ies are", b->bad_url_example, url_error_text(b->bad_url_error));
    }
    if (b->too_long) {
        scan_note(s, "url_too_long", where, "%llu URL%s over 2,048 bytes left out", (unsigned long long)b->too_long,
                  b->too_long == 1 ? "" : "s");
    }
}
