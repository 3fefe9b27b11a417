#include "waymark/models/job.h"

#include "strata/define.h"

ST_ENUM_DEFINE(job_type_enum, "scan");
ST_ENUM_DEFINE(job_status_enum, "pending", "running", "complete", "failed", "cancelled");

/* clang-format off */
#define T Job
ST_MODEL(Job, "jobs",
    REF(tenant_id, Tenant, .tenant = true, .pk = true),
    COL(id, .pk = true),
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
    COL(created_at, .created = true, .default_sql = "now()"),
    COL(updated_at, .updated = true, .default_sql = "now()"),
    COL(version, .version = true, .default_sql = "1"),
    INDEX("jobs_domain_id_idx", "domain_id"),
    INDEX("jobs_status_idx", "status"));
#undef T
/* clang-format on */
