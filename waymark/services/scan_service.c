#include "waymark/services/scan_service.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "strata/session.h"

enum { TRIES = 5 }; /* another program may edit the domain between our read and our write */

static st_time now(void)
{
    return (st_time){clock_wall_us()};
}

static st_err fail_silent_jobs(st_session *s, st_uuid domain_id)
{
    st_time limit = {clock_wall_us() - (int64_t)SCAN_LEASE_MS * 1000};
    st_rows jobs = st_select(
        s, Job,
        ST_AND(ST_EQ(Job, domain_id, domain_id), ST_EQ(Job, status, JOB_RUNNING), ST_LT(Job, updated_at, limit)));
    st_each (Job, j, jobs) {
        Job *edit = st_edit(s, j);
        if (!edit) {
            return st_session_error(s);
        }
        edit->status = JOB_FAILED;
        edit->error = "interrupted: the process that ran it is gone";
        edit->finished_at = (st_opt_time){now(), true};
    }
    return jobs.err;
}

static st_err begin(st_engine *e, const char *domain, scan_record *r)
{
    ST_SESSION(s, e, .tenant = r->tenant);
    const Domain *d = st_first(s, Domain, ST_EQ(Domain, domain, domain));
    if (!d && st_session_error(s)) {
        return st_session_error(s);
    }
    Domain *edit = d ? st_edit(s, d) : st_add(s, Domain, .domain = domain, .email_addresses = {0});
    if (!edit) {
        return st_session_error(s);
    }
    edit->status = DOMAIN_SCANNING;
    r->domain_id = edit->id;
    if (d) {
        st_err err = fail_silent_jobs(s, d->id);
        if (err) {
            return err;
        }
    }
    const Job *j = st_add(s, Job, .job_type = JOB_SCAN, .status = JOB_RUNNING, .domain_id = {r->domain_id, true},
                          .attempts = 1, .started_at = {r->started, true});
    if (!j) {
        return st_session_error(s);
    }
    r->job_id = j->id;
    return st_commit(s);
}

/* Whether to run a transaction again after it failed so. */
static bool again(st_err err, int tries)
{
    return tries < TRIES && (err == ST_E_CONFLICT || err == ST_E_SERIALIZATION || err == ST_E_DEADLOCK);
}

st_err scan_record_begin(st_engine *e, st_uuid tenant, const char *domain, scan_record *ret)
{
    assert(domain && *domain);
    scan_record r = {.engine = e, .tenant = tenant, .started = now()};
    st_err err;
    int tries = 0;
    do {
        err = begin(e, domain, &r);
        tries++;
    } while (again(err, tries) || (err == ST_E_UNIQUE && tries < TRIES)); /* somebody else added the domain meanwhile */
    if (!err) {
        *ret = r;
    }
    return err;
}

/* One transaction on the record: fn changes job and domain, both writable. */
typedef st_err change(st_session *s, scan_record *r, Job *job, Domain *domain, void *arg);

static st_err attempt(scan_record *r, change *fn, void *arg)
{
    ST_SESSION(s, r->engine, .tenant = r->tenant);
    const Domain *domain = st_get(s, Domain, r->domain_id);
    const Job *job = domain ? st_get(s, Job, r->job_id) : NULL;
    if (!job) {
        st_err err = st_session_error(s);
        return err ? err
                   : diag_set(ST_E_NOT_FOUND, "the %s of this scan was deleted meanwhile", domain ? "job" : "domain");
    }
    Domain *d = st_edit(s, domain);
    Job *j = st_edit(s, job);
    if (!d || !j) {
        return st_session_error(s);
    }
    j->updated_at = now();
    st_err err = fn(s, r, j, d, arg);
    if (err) {
        return err;
    }
    if (r->tally.sitemaps_total < r->tally.sitemaps_done) { /* known at the last renewal; more were found since */
        r->tally.sitemaps_total = r->tally.sitemaps_done;
    }
    j->sitemaps_total = r->tally.sitemaps_total;
    j->sitemaps_done = r->tally.sitemaps_done;
    j->sitemaps_failed = r->tally.sitemaps_failed;
    j->pages_found = r->tally.pages_found;
    j->pages_new = r->tally.pages_new;
    if (j->status == JOB_RUNNING && r->tally.sitemaps_total > 0) {
        j->progress = (double)r->tally.sitemaps_done / r->tally.sitemaps_total;
    }
    return st_commit(s);
}

static st_err transact(scan_record *r, change *fn, void *arg)
{
    st_err err = fiber_mutex_lock(&r->turn, FIBER_FOREVER);
    if (err) {
        return err;
    }
    const struct scan_tally before = r->tally;
    int tries = 0;
    do {
        r->tally = before;
        err = attempt(r, fn, arg);
        tries++;
    } while (again(err, tries));
    if (err) {
        r->tally = before;
    }
    fiber_mutex_unlock(&r->turn);
    return err;
}

static st_err set_site(st_session *s, scan_record *r, Job *job, Domain *d, void *arg)
{
    (void)s;
    (void)r;
    (void)job;
    const Domain *facts = arg;
    const char *const *from[] = {&facts->title,       &facts->description, &facts->language,
                                 &facts->favicon_url, &facts->logo_url,    &facts->wordpress_version};
    const char **to[] = {&d->title,       &d->description, &d->language,
                         &d->favicon_url, &d->logo_url,    &d->wordpress_version};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        if (*from[i]) {
            *to[i] = *from[i];
        }
    }
    if (facts->is_wordpress.set) {
        d->is_wordpress = facts->is_wordpress;
    }
    if (facts->domain_metadata.text) {
        d->domain_metadata = facts->domain_metadata;
    }
    return 0;
}

st_err scan_record_site(scan_record *r, const Domain *facts)
{
    return transact(r, set_site, (void *)(uintptr_t)facts);
}

/* Finds f by its URL and brings it up to date, or adds it; counts it in the domain when it is new. */
static st_err put_sitemap(st_session *s, scan_record *r, Domain *d, SitemapFile *f)
{
    const SitemapFile *old =
        st_first(s, SitemapFile, ST_AND(ST_EQ(SitemapFile, domain_id, r->domain_id), ST_EQ(SitemapFile, url, f->url)));
    if (!old && st_session_error(s)) {
        return st_session_error(s);
    }
    SitemapFile *row = old ? st_edit(s, old) : st_add(s, SitemapFile, .domain_id = r->domain_id, .url = f->url);
    if (!row) {
        return st_session_error(s);
    }
    if (!old) {
        d->total_sitemaps++;
        row->parent_id = f->parent_id;
        row->discovery = f->discovery;
    }
    f->id = row->id;
    row->type = f->type;
    row->status = f->status;
    row->lastmod = f->lastmod;
    row->fetched_at = f->fetched_at;
    row->http_status = f->http_status;
    row->url_count = f->url_count;
    row->size = f->size;
    row->etag = f->etag;
    row->last_modified = f->last_modified;
    row->problem_count = f->problem_count;
    row->error = f->error;
    return 0;
}

static st_err set_sitemap(st_session *s, scan_record *r, Job *job, Domain *d, void *arg)
{
    (void)job;
    return put_sitemap(s, r, d, arg);
}

st_err scan_record_sitemap(scan_record *r, SitemapFile *f)
{
    return transact(r, set_sitemap, f);
}

static st_err end_sitemap(st_session *s, scan_record *r, Job *job, Domain *d, void *arg)
{
    (void)job;
    SitemapFile *f = arg;
    r->tally.sitemaps_done++;
    r->tally.sitemaps_failed += f->status == SITEMAP_FAILED;
    return put_sitemap(s, r, d, f);
}

st_err scan_record_sitemap_done(scan_record *r, SitemapFile *f)
{
    return transact(r, end_sitemap, f);
}

struct page_batch {
    const SitemapFile *f;
    Page *const *rows;
    size_t n;
};

static st_err put_pages(st_session *s, scan_record *r, Job *job, Domain *d, void *arg)
{
    (void)job;
    const struct page_batch *b = arg;
    st_time at = now();
    for (size_t i = 0; i < b->n; i++) {
        Page *p = b->rows[i];
        p->domain_id = r->domain_id;
        p->sitemap_file_id = (st_opt_uuid){b->f ? b->f->id : (st_uuid){{0}}, b->f != NULL};
        p->status = PAGE_LISTED;
        p->first_seen = p->last_seen = at;
    }
    static const uint32_t update[] = {offsetof(Page, status),   offsetof(Page, last_seen),
                                      offsetof(Page, lastmod),  offsetof(Page, changefreq),
                                      offsetof(Page, priority), offsetof(Page, alternates),
                                      offsetof(Page, images),   offsetof(Page, news),
                                      offsetof(Page, videos),   ST_MEMBERS_END};
    struct st_bulk_result n;
    st_err err =
        st_insert_many(s, Page, b->rows, b->n, &n, .conflict = ST_MEMBERS(Page, domain_id, url), .update = update);
    if (err) {
        return err;
    }
    d->sitemap_urls += n.inserted;
    r->tally.pages_found += (int64_t)b->n;
    r->tally.pages_new += n.inserted;
    return 0;
}

st_err scan_record_pages(scan_record *r, const SitemapFile *f, Page *const *rows, size_t n)
{
    struct page_batch b = {f, rows, n};
    return n ? transact(r, put_pages, &b) : 0;
}

static st_err renew(st_session *s, scan_record *r, Job *job, Domain *d, void *arg)
{
    (void)s;
    (void)job;
    (void)d;
    r->tally.sitemaps_total = *(const int32_t *)arg;
    return 0;
}

st_err scan_record_progress(scan_record *r, int32_t known)
{
    return transact(r, renew, &known);
}

struct ending {
    enum job_status status;
    const char *error, *result;
    bool complete;
    int64_t gone;
};

static st_err end(st_session *s, scan_record *r, Job *job, Domain *d, void *arg)
{
    struct ending *e = arg;
    job->status = e->status;
    job->error = e->error;
    job->result_data = (st_json){e->result};
    job->finished_at = (st_opt_time){now(), true};
    d->status = e->status == JOB_COMPLETE ? DOMAIN_COMPLETE : DOMAIN_FAILED;
    d->last_scan = (st_opt_time){r->started, true};
    if (e->status == JOB_COMPLETE) {
        job->progress = 1;
    }
    if (!e->complete) {
        return 0;
    }
    return st_update_where(s, Page,
                           ST_AND(ST_EQ(Page, domain_id, r->domain_id), ST_EQ(Page, status, PAGE_LISTED),
                                  ST_LT(Page, last_seen, r->started)),
                           &e->gone, ST_SET(Page, status, PAGE_GONE));
}

st_err scan_record_end(scan_record *r, enum job_status status, const char *error, const char *result, bool complete,
                       int64_t *ret_gone)
{
    assert(status == JOB_COMPLETE || status == JOB_FAILED || status == JOB_CANCELLED);
    struct ending e = {status, error, result, complete, 0};
    st_err err = transact(r, end, &e);
    if (!err && ret_gone) {
        *ret_gone = e.gone;
    }
    return err;
}
