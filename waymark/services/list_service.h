/* list_service.h: a tenant's domains, jobs and pages, in order, in constant memory.
 *
 * Rows come page by page through fn, which returns 0 to go on, or a code that ends the listing and is returned
 * (negative) or ends it quietly (positive). A row lives until fn returns. */
#ifndef WAYMARK_SERVICES_LIST_SERVICE_H
#define WAYMARK_SERVICES_LIST_SERVICE_H

#include "strata/engine.h"
#include "waymark/models/models.h"

/* By name. */
st_err domain_list(st_engine *e, st_uuid tenant, int (*fn)(void *arg, const Domain *d), void *arg);
/* The domain of that name; ST_E_NOT_FOUND. fn is called once with it. */
st_err domain_find(st_engine *e, st_uuid tenant, const char *name, int (*fn)(void *arg, const Domain *d), void *arg);

/* Newest first; domain_id NULL: of all domains. */
st_err job_list(st_engine *e, st_uuid tenant, const st_uuid *domain_id, int (*fn)(void *arg, const Job *j), void *arg);

struct page_filter {
    const st_uuid *domain_id; /* NULL: of all domains, each after the other */
    bool gone;                /* also those that the last complete scan no longer found */
    uint64_t limit;           /* 0: none */
};
/* By URL within each domain. */
st_err page_list(st_engine *e, st_uuid tenant, const struct page_filter *f, int (*fn)(void *arg, const Page *p),
                 void *arg);

#endif
