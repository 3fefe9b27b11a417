/* data_access.h: the models that the patterns of docs/data-access.md work with. For one file of a program. */
#ifndef TEST_STRATA_DATA_ACCESS_H
#define TEST_STRATA_DATA_ACCESS_H

#include "session_support.h"

#include "base/json.h"
#include "strata/define.h"

/* clang-format off */
typedef struct Domain {
    ST_BASE;
    const char *domain;
    enum { DOMAIN_NEW, DOMAIN_SCANNED } status;
    st_json domain_metadata;
    st_list jobs;
} Domain;
ST_DECLARE(Domain);

typedef struct Job {
    ST_BASE;
    st_uuid domain_id;
    enum { JOB_PENDING, JOB_RUNNING, JOB_COMPLETE } status;
    int64_t pages;
    st_json job_metadata;
    st_ref domain;
} Job;
ST_DECLARE(Job);

ST_ENUM_DEFINE(domain_status, "new", "scanned");
ST_ENUM_DEFINE(job_status, "pending", "running", "complete");

#define T Domain
ST_MODEL(Domain, "domains",
    BASE_KEY(),
    COL(domain, .max = 253, .unique = true),
    COL(status, .enumeration = &domain_status),
    COL(domain_metadata, .column = "metadata", .null = true),
    MANY(jobs, Job, domain_id),
    BASE_STAMPS);
#undef T

#define T Job
ST_MODEL(Job, "jobs",
    BASE_KEY(),
    REF(domain_id, Domain, .on_delete = ST_CASCADE),
    COL(status, .enumeration = &job_status),
    COL(pages, .min_value = ST_NUMBER(0)),
    COL(job_metadata, .column = "metadata", .null = true),
    ONE(domain, Domain, domain_id),
    INDEX("jobs_domain_id_idx", "domain_id"),
    BASE_STAMPS);
#undef T
/* clang-format on */

static const st_model *const models[] = {&Domain_model, &Job_model};

static void create(struct world *w)
{
    OK(st_create_all(w->e, models, 2, FIBER_FOREVER));
}

#define PATTERN(name)                       \
    static void name##_in(struct world *w); \
    START_TEST(name)                        \
    {                                       \
        in_each_world(create, name##_in);   \
    }                                       \
    END_TEST                                \
    static void name##_in(struct world *w)

static st_err add_domain(st_engine *e, st_uuid tenant, const char *name, st_uuid *ret_id)
{
    ST_SESSION(s, e, .tenant = tenant);
    Domain *d = st_add(s, Domain, .domain = name, .status = DOMAIN_NEW);
    st_err rc = st_commit(s);
    if (!rc) {
        *ret_id = d->id;
    }
    return rc;
}

#endif
