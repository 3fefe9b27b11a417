/* job.h: the durable record of a piece of work: what was asked, how far it is, what came of it. */
#ifndef WAYMARK_MODELS_JOB_H
#define WAYMARK_MODELS_JOB_H

#include "strata/model.h"
#include "waymark/models/domain.h"

enum job_type { JOB_SCAN };
extern const struct st_enum job_type_enum;
enum job_status { JOB_PENDING, JOB_RUNNING, JOB_COMPLETE, JOB_FAILED, JOB_CANCELLED };
extern const struct st_enum job_status_enum;

typedef struct Job {
    ST_BASE;
    enum job_type job_type;
    enum job_status status;
    st_opt_uuid domain_id, batch_id;

    double progress; /* 0..1 */
    int32_t sitemaps_total, sitemaps_done, sitemaps_failed;
    int64_t pages_found; /* entries read, each URL as often as it is listed */
    int64_t pages_new;   /* rows added to pages */

    st_json result_data, job_metadata;
    const char *error; /* a sentence, when it failed */
    int32_t attempts;
    st_opt_time started_at, finished_at;
} Job;
ST_DECLARE(Job);

#endif
