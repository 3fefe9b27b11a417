/* scan_service.h: keeps what a scan finds, so that at every moment the counts equal the rows.
 *
 * A record belongs to one loop; its calls may come from several fibers and take turns. Each call is one
 * transaction, so a process that dies between two of them leaves a database that is right as far as it goes. */
#ifndef WAYMARK_SERVICES_SCAN_SERVICE_H
#define WAYMARK_SERVICES_SCAN_SERVICE_H

#include "fiber/fiber.h"
#include "strata/engine.h"
#include "waymark/models/models.h"

/* A running job writes at least every SCAN_RENEW_MS; one that was silent for SCAN_LEASE_MS has lost its process. */
enum { SCAN_RENEW_MS = 10000, SCAN_LEASE_MS = 30000 };

/* What this job has done, as far as it is committed. */
struct scan_tally {
    int64_t pages_found, pages_new;
    int32_t sitemaps_total, sitemaps_done, sitemaps_failed;
};
typedef struct scan_record {
    st_engine *engine;
    st_uuid tenant, domain_id, job_id;
    st_time started;
    fiber_mutex turn;
    struct scan_tally tally;
} scan_record;

/* Finds or makes the domain, fails jobs of it whose process is gone, and adds a running job. */
st_err scan_record_begin(st_engine *e, st_uuid tenant, const char *domain, scan_record *ret);
/* What the home page says; members that are NULL or not set are left as they are. */
st_err scan_record_site(scan_record *r, const Domain *facts);
/* A sitemap whose type is known; finds it by URL or adds it. Fills in f->id. */
st_err scan_record_sitemap(scan_record *r, SitemapFile *f);
/* Pages that f lists (NULL: no sitemap). Fills in the rest of the rows. */
st_err scan_record_pages(scan_record *r, const SitemapFile *f, Page *const *rows, size_t n);
/* The final state of f, which need not have been recorded before. */
st_err scan_record_sitemap_done(scan_record *r, SitemapFile *f);
/* known: sitemaps heard of so far. Also renews the job. */
st_err scan_record_progress(scan_record *r, int32_t known);
/* Ends the job: JOB_COMPLETE, JOB_FAILED (error says why) or JOB_CANCELLED; result is JSON or NULL. With complete,
 * pages that this scan did not find become PAGE_GONE. *ret_gone may be NULL. */
st_err scan_record_end(scan_record *r, enum job_status status, const char *error, const char *result, bool complete,
                       int64_t *ret_gone);

#endif
