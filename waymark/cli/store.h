/* store.h: a scan whose findings go to the database, and what is told of it afterwards. */
#ifndef WAYMARK_CLI_STORE_H
#define WAYMARK_CLI_STORE_H

#include "base/json.h"
#include "waymark/scrape/scan.h"
#include "waymark/services/scan_service.h"

enum { STORE_NOTES_MAX = 100 }; /* kept of one scan; all are counted */

struct store_note {
    const char *name;
    char *url, *text; /* in the outcome's arena */
};

/* What came of one site. */
struct store_outcome {
    const char *site; /* as asked for */
    char *domain;     /* the name it is kept under; "" when it has none */
    enum job_status status;
    char error[800]; /* a diagnosis and its hint */
    st_uuid job_id;
    struct scan_counts counts;
    int64_t pages_new, pages_gone;
    int64_t duration_ns;
    struct store_note notes[STORE_NOTES_MAX];
    size_t n_notes, notes_total;
    arena *arena;
};

/* Progress of a running scan, at most some times a second. */
typedef void store_progress(void *arg, const struct store_outcome *o);

/* Scans o->site into the database; everything is told in *o, whose arena is the caller's to free. Returns 0 whatever
 * the site did, or a negative code of this side (also in o->error). Cancelling the fiber ends the job as cancelled. */
int store_scan(st_engine *e, st_uuid tenant, const struct scan_options *options, const char *site,
               store_progress *progress, void *arg, struct store_outcome *o);

void store_outcome_json(struct json_writer *w, const struct store_outcome *o);

#endif
