#include "waymark/models/job.h"

#include "strata/define.h"

ST_ENUM_DEFINE(job_type_enum, "scan");
ST_ENUM_DEFINE(job_status_enum, "pending", "running", "complete", "failed", "cancelled");

/* clang-format off */
#define T Job
ST_MODEL(Job, "jobs",
    BASE_KEY(.references = &Tenant_model),
    COL(job_type, .enumeration = &job_type_enum),
    COL(status, .enumeration = &job_status_enum, .default_sql = "'pending'"),
    REF(domain_id, Domain, .on_delete = ST_CASCADE),
    COL(batch_id),
    COL(progress, .min_value = ST_NUMBER(0), .max_value = ST_NUMBER(1), .default_sql = "0"),
    COL(sitemaps_total, .default_sql = "0"),
    COL(sitemaps_done, .default_sql = "0"),
    COL(sitemaps_failed, .default_sql = "0"),
    COL(pages_found, .default_sql = "0"),
    COL(pages_new, .default_sql = "0"),
    COL(result_data, .null = true),
    COL(job_metadata, .null = true),
    COL(error, .null = true),
    COL(attempts, .default_sql = "0"),
    COL(started_at),
    COL(finished_at),
    BASE_STAMPS,
    INDEX("jobs_domain_id_idx", "domain_id"),
    INDEX("jobs_status_idx", "status"));
#undef T
/* clang-format on */
