#include "waymark/cli/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "waymark/scrape/url.h"

enum { RESULT_MAX = 1 << 20, NOTES_ARENA_MAX = 1 << 20 };

struct storing {
    scan_record record;
    struct store_outcome *outcome;
    store_progress *progress;
    void *arg;
};

static int on_sitemap(void *arg, SitemapFile *f)
{
    struct storing *t = arg;
    return scan_record_sitemap(&t->record, f);
}

static int on_pages(void *arg, SitemapFile *f, Page *const *rows, size_t n)
{
    struct storing *t = arg;
    int r = scan_record_pages(&t->record, f, rows, n);
    t->outcome->pages_new = t->record.tally.pages_new;
    return r;
}

static int on_sitemap_done(void *arg, SitemapFile *f)
{
    struct storing *t = arg;
    return scan_record_sitemap_done(&t->record, f);
}

static int on_site(void *arg, const struct scan_site *site)
{
    struct storing *t = arg;
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    Domain d;
    int r = a ? scan_site_facts(a, site, &d) : diag_nomem();
    return r < 0 ? r : scan_record_site(&t->record, &d);
}

static void on_note(void *arg, const struct scan_note *note)
{
    struct storing *t = arg;
    struct store_outcome *o = t->outcome;
    o->notes_total++;
    if (o->n_notes < STORE_NOTES_MAX) {
        struct store_note *n = &o->notes[o->n_notes];
        n->name = note->name;
        n->url = arena_memdup0(o->arena, note->url.p, note->url.len);
        n->text = arena_strdup(o->arena, note->text);
        o->n_notes += n->url && n->text;
    }
}

static void on_progress(void *arg, const struct scan_counts *counts)
{
    struct storing *t = arg;
    t->outcome->counts = *counts;
    if (t->progress) {
        t->progress(t->arg, t->outcome);
    }
}

/* Keeps the job's lease while nothing else is written. */
static int renew(void *arg)
{
    struct storing *t = arg;
    for (;;) {
        int r = fiber_sleep_until(fiber_now() + (int64_t)SCAN_RENEW_MS * 1000000);
        if (r < 0) {
            return r;
        }
        (void)scan_record_progress(&t->record, t->record.tally.sitemaps_done + (int32_t)t->outcome->counts.queued);
    }
}

static int run(struct storing *t, const struct scan_options *options, const char *site)
{
    const struct scan_sink sink = {.arg = t,
                                   .site = on_site,
                                   .sitemap = on_sitemap,
                                   .pages = on_pages,
                                   .sitemap_done = on_sitemap_done,
                                   .note = on_note,
                                   .progress = on_progress};
    FIBER_BUNDLE(renewal);
    int r = fiber_start(&renewal, renew, t);
    return r < 0 ? r : scan_site(options, site, &sink, &t->outcome->counts);
}

static void say_error(struct store_outcome *o, int code)
{
    const struct diag *d = diag_last();
    if (code == -ECANCELED) {
        (void)snprintf(o->error, sizeof o->error, "cancelled");
    } else {
        (void)snprintf(o->error, sizeof o->error, "%s%s%s", d->message, d->hint[0] ? "; " : "", d->hint);
    }
}

/* The job's last word is written whatever happened, also in a cancelled fiber. */
static int finish(struct storing *t, int code)
{
    struct store_outcome *o = t->outcome;
    o->status = code == 0 ? JOB_COMPLETE : code == -ECANCELED ? JOB_CANCELLED : JOB_FAILED;
    if (code) {
        say_error(o, code);
    }
    buf result BUF_AUTO;
    buf_init(&result, RESULT_MAX);
    struct json_writer w;
    json_start(&w, &result);
    store_outcome_json(&w, o);
    /* Pages may only be called gone by a scan that read everything it should have. */
    bool whole = code == 0 && o->counts.sitemaps > 0 && !o->counts.incomplete;
    fiber_shield_enter();
    int r = scan_record_end(&t->record, o->status, code ? o->error : NULL, result.err ? NULL : result.p, whole,
                            &o->pages_gone);
    fiber_shield_leave();
    if (r < 0 && code == 0) {
        o->status = JOB_FAILED;
        say_error(o, r);
    }
    return r < 0 && code == 0 ? r : code;
}

int store_scan(st_engine *e, st_uuid tenant, const struct scan_options *options, const char *site,
               store_progress *progress, void *arg, struct store_outcome *o)
{
    struct storing t = {.outcome = o, .progress = progress, .arg = arg};
    int64_t start = fiber_now();
    *o = (struct store_outcome){.site = site, .status = JOB_FAILED, .arena = arena_new(NULL, NOTES_ARENA_MAX)};
    buf name BUF_AUTO;
    buf_init(&name, URL_BUF_MAX);
    int r = o->arena ? scan_domain_name(&name, site) : diag_nomem();
    if (r == 0 && !(o->domain = arena_strdup(o->arena, name.p))) {
        r = diag_nomem();
    }
    if (r == 0) {
        r = scan_record_begin(e, tenant, o->domain, &t.record);
    }
    if (r < 0) {
        say_error(o, r);
        return r;
    }
    o->job_id = t.record.job_id;
    r = run(&t, options, site);
    o->duration_ns = fiber_now() - start;
    r = finish(&t, r);
    return r == SCAN_UNREACHABLE ? 0 : r;
}

void store_outcome_json(struct json_writer *w, const struct store_outcome *o)
{
    char id[UUID_TEXT_LEN + 1];
    json_object(w);
    json_key(w, "site");
    json_cstring(w, o->site);
    json_key(w, "domain");
    json_cstring(w, o->domain);
    json_key(w, "status");
    json_cstring(w, job_status_enum.values[o->status]);
    json_key(w, "error");
    json_cstring(w, o->error[0] ? o->error : NULL);
    json_key(w, "job_id");
    uuid_format(o->job_id, id);
    json_cstring(w, uuid_is_nil(o->job_id) ? NULL : id);
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {{"sitemaps", o->counts.sitemaps},
                  {"sitemaps_failed", o->counts.sitemaps_bad},
                  {"pages", o->counts.entries - o->counts.dropped},
                  {"pages_new", (uint64_t)o->pages_new},
                  {"pages_gone", (uint64_t)o->pages_gone},
                  {"entries_dropped", o->counts.dropped},
                  {"requests", o->counts.requests},
                  {"bytes", o->counts.bytes},
                  {"duration_ms", (uint64_t)(o->duration_ns / 1000000)},
                  {"notes_total", o->notes_total}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        json_key(w, counts[i].key);
        json_uint(w, counts[i].value);
    }
    json_key(w, "notes");
    json_array(w);
    for (size_t i = 0; i < o->n_notes; i++) {
        json_object(w);
        json_key(w, "name");
        json_cstring(w, o->notes[i].name);
        json_key(w, "url");
        json_cstring(w, o->notes[i].url);
        json_key(w, "text");
        json_cstring(w, o->notes[i].text);
        json_end(w);
    }
    json_end(w);
    json_end(w);
}
