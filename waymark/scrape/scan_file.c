/* scan_file.c: one sitemap, from its URL through the door and the parser to the sink. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "waymark/scrape/charset.h"
#include "waymark/scrape/scan_impl.h"

enum { CHUNK = 64 << 10 };

struct reading {
    struct scan *scan;
    const struct scan_task *task;
    struct scan_batch *batch;
    sitemap_parser *parser;
    SitemapFile file;
    arena *arena; /* of the texts in file */
    url base;     /* what relative locations are resolved against: the URL after redirects */
    buf base_text;
    bool announced;    /* the sink knows the file */
    bool cut;          /* not read to its end, since max_pages was reached */
    uint64_t off_site; /* sitemaps of other sites in an index */
};

static enum sitemap_file_type stored_type(enum sitemap_type t)
{
    switch (t) {
    case SITEMAP_URLSET:
        return SITEMAP_FILE_URLSET;
    case SITEMAP_INDEX:
        return SITEMAP_FILE_INDEX;
    case SITEMAP_TEXT:
        return SITEMAP_FILE_TEXT;
    case SITEMAP_RSS:
        return SITEMAP_FILE_RSS;
    case SITEMAP_ATOM:
        return SITEMAP_FILE_ATOM;
    case SITEMAP_HTML:
        return SITEMAP_FILE_HTML;
    case SITEMAP_NONE:
        break;
    }
    return SITEMAP_FILE_UNKNOWN;
}

static int announce(struct reading *r, enum sitemap_type type)
{
    if (r->announced) {
        return 0;
    }
    r->file.type = stored_type(type);
    int err = r->scan->sink->sitemap(r->scan->sink->arg, &r->file);
    r->announced = err == 0;
    return err;
}

/* A sitemap named by an index must be of the index's own host or of the site: an index cannot send us anywhere. */
static bool child_belongs(const struct reading *r, str location)
{
    buf scratch BUF_AUTO;
    buf_init(&scratch, URL_BUF_MAX);
    url child;
    return url_parse(&scratch, location, &r->base, &child) < 0 || /* scan_enqueue will say what is wrong with it */
           scope_covers(SCOPE_SITE, r->base.host, child.host) ||
           scope_covers(SCOPE_SITE, r->scan->home.host, child.host);
}

static int take_child(struct reading *r, const struct sitemap_entry *e)
{
    if (!child_belongs(r, e->loc)) {
        if (r->off_site++ == 0) {
            scan_note(r->scan, "off_site_sitemap", e->loc, "a sitemap of another site, named by %s, is not read",
                      r->task->url);
        }
        return 0;
    }
    struct scan_task like = {
        .discovery = DISCOVERY_SITEMAP_INDEX, .depth = r->task->depth + 1, .parent = {r->file.id, true}};
    if (e->lastmod_us != SITEMAP_NO_TIME) {
        like.lastmod = (st_opt_time){{e->lastmod_us}, true};
    }
    return scan_enqueue(r->scan, e->loc, &r->base, &like);
}

static int take_entries(void *arg, const struct sitemap_entry *entries, size_t n)
{
    struct reading *r = arg;
    struct scan *s = r->scan;
    int err = announce(r, sitemap_parser_result(r->parser)->type);
    for (size_t i = 0; i < n && err >= 0; i++) {
        if (entries[i].is_index) {
            err = take_child(r, &entries[i]);
        } else if (s->o.max_pages && s->counts.entries - s->counts.dropped >= s->o.max_pages) {
            s->pages_capped = true;
            return 0;
        } else {
            err = scan_batch_add(s, r->batch, &r->base, &entries[i]);
        }
    }
    return err;
}

/* What the response's headers say goes to the row. */
static int take_headers(struct reading *r, const struct fetch_response *res)
{
    r->file.http_status = (st_opt_int32){res->status, res->status != 0};
    r->file.fetched_at = (st_opt_time){{clock_wall_us()}, true};
    if (res->etag.len && !(r->file.etag = arena_memdup0(r->arena, res->etag.p, res->etag.len))) {
        return diag_nomem();
    }
    if (res->last_modified_us != INT64_MIN) {
        r->file.last_modified = (st_opt_time){{res->last_modified_us}, true};
    }
    int err = url_parse(&r->base_text, res->url, NULL, &r->base);
    return err == -ENOMEM ? diag_nomem() : err < 0 ? diag_set(-EINVAL, "the door gave a URL that is none") : 0;
}

static int open_parser(struct reading *r, str content_type)
{
    str charset = charset_of_content_type(content_type);
    const struct sitemap_options o = {.max_size = r->scan->o.max_sitemap_bytes,
                                      .charset = charset.len ? arena_memdup0(r->arena, charset.p, charset.len) : NULL};
    return sitemap_parser_new(&o, take_entries, r, &r->parser) < 0 ? diag_nomem() : 0;
}

static int read_body(struct reading *r, fetch *f)
{
    struct scan *s = r->scan;
    MEM_AUTO char *chunk = mem_alloc(CHUNK);
    if (!chunk) {
        return diag_nomem();
    }
    for (;;) {
        ssize_t n = fetch_read(f, chunk, CHUNK);
        if (n == -ECANCELED || n == -ENOMEM) {
            return (int)n;
        }
        if (n <= 0) { /* the end, or one that came too early: the outcome says which */
            break;
        }
        int err = sitemap_parser_feed(r->parser, chunk, (size_t)n);
        if (err < 0) {
            return err;
        }
        s->counts.bytes += (uint64_t)n;
        if (s->sink->progress) {
            s->sink->progress(s->sink->arg, &s->counts);
        }
        r->cut = s->pages_capped;
        if (r->cut || sitemap_parser_stopped(r->parser)) {
            break;
        }
    }
    int err = sitemap_parser_finish(r->parser);
    return err < 0 ? err : scan_batch_flush(s, r->batch);
}

static void note_problems(struct reading *r, const struct sitemap_result *res)
{
    for (unsigned p = 0; p < SITEMAP_PROBLEMS; p++) {
        bool ours = p == SITEMAP_TRUNCATED && r->cut; /* it was we who stopped reading */
        if (res->problems[p] && !ours) {
            r->file.problem_count += (int32_t)(res->problems[p] < 1000000 ? res->problems[p] : 1000000);
            scan_note(r->scan, sitemap_problem_name((enum sitemap_problem)p), str_of(r->task->url), "%s%s",
                      sitemap_problem_text((enum sitemap_problem)p), res->problems[p] > 1 ? " (more than once)" : "");
        }
    }
}

/* The body is read; says what came of it. */
static int conclude(struct reading *r, const struct fetch_response *res)
{
    struct scan *s = r->scan;
    const struct sitemap_result *result = sitemap_parser_result(r->parser);
    str where = str_of(r->task->url);
    bool usable = result->type != SITEMAP_NONE && result->type != SITEMAP_HTML;
    if (!usable && r->task->guess) {
        return 0; /* a guess that was wrong says nothing about the site */
    }
    if (usable) {
        int err = announce(r, result->type);
        if (err < 0) {
            return err;
        }
        s->counts.sitemaps++;
    }
    note_problems(r, result);
    scan_batch_notes(s, r->batch, where);
    r->file.url_count = (int64_t)result->entries;
    r->file.size = (int64_t)result->bytes;
    r->file.status = SITEMAP_COMPLETE;
    if (res->partial) {
        r->file.status = SITEMAP_PARTIAL;
        r->file.error = res->detail[0] ? res->detail : fetch_outcome_text(res->outcome);
        scan_note(s, fetch_outcome_name(res->outcome), where, "%s", r->file.error);
    }
    if (r->cut) {
        r->file.status = SITEMAP_PARTIAL;
        r->file.error = "the limit of pages was reached (--max-pages)";
        if (!s->counts.incomplete) {
            scan_note(s, "too_many_pages", where, "%s; what is left of the site is not read", r->file.error);
        }
    }
    if (!usable) {
        r->file.type = stored_type(result->type);
        r->file.status = SITEMAP_FAILED;
        r->file.error = result->reason ? result->reason : "not a sitemap";
        s->counts.sitemaps_bad++;
    }
    s->counts.incomplete |= r->file.status != SITEMAP_COMPLETE;
    return s->sink->sitemap_done(s->sink->arg, &r->file);
}

static int refused(struct reading *r, const struct fetch_response *res)
{
    struct scan *s = r->scan;
    if (r->task->guess && res->outcome == FETCH_HTTP) {
        return 0;
    }
    s->counts.sitemaps_bad++;
    s->counts.incomplete = true;
    r->file.status = SITEMAP_FAILED;
    r->file.error = res->detail[0] ? res->detail : fetch_outcome_text(res->outcome);
    scan_note(s, fetch_outcome_name(res->outcome), str_of(r->task->url), "%s", r->file.error);
    return s->sink->sitemap_done(s->sink->arg, &r->file);
}

static int read_file(struct reading *r)
{
    struct scan *s = r->scan;
    FETCH_AUTO fetch *f = NULL;
    const struct fetch_request q = {.url = str_of(r->task->url),
                                    .accept =
                                        "application/xml, text/xml, text/plain, application/rss+xml;q=0.9, */*;q=0.5",
                                    .limits = &(const struct fetch_limits){.body_max = s->o.max_sitemap_bytes}};
    int err = fetch_open(s->door, &q, &f);
    if (err < 0) {
        return err;
    }
    s->counts.requests++;
    const struct fetch_response *res = fetch_result(f);
    if (res->outcome != FETCH_OK) {
        r->file.http_status = (st_opt_int32){res->status, res->status != 0};
        r->file.fetched_at = (st_opt_time){{clock_wall_us()}, true};
        return refused(r, res);
    }
    if ((err = take_headers(r, res)) < 0) {
        return err;
    }
    if (res->redirects && !str_eq(res->url, str_of(r->task->url)) && !scan_seen_add(s, res->url, &err)) {
        if (err < 0) {
            return err;
        }
        scan_note(s, "redirect_to_known", str_of(r->task->url), "redirects to %.*s, which is read already",
                  STR_FMT(res->url));
        return 0;
    }
    if ((err = open_parser(r, res->content_type)) < 0 || (err = read_body(r, f)) < 0) {
        return err;
    }
    return conclude(r, fetch_result(f));
}

int scan_file(struct scan *s, const struct scan_task *t)
{
    struct reading r = {
        .scan = s,
        .task = t,
        .file = {.url = t->url, .discovery = t->discovery, .parent_id = t->parent, .lastmod = t->lastmod}};
    buf_init(&r.base_text, URL_BUF_MAX);
    int err = scan_batch_new(&r.batch);
    if (err < 0) {
        return err;
    }
    r.batch->file = &r.file;
    r.arena = arena_new(NULL, 0);
    err = r.arena ? read_file(&r) : diag_nomem();
    sitemap_parser_free(r.parser);
    arena_free(r.arena);
    scan_batch_free(r.batch);
    buf_release(&r.base_text);
    return err;
}
