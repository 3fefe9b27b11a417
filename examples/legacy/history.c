/* A schema as it grew, and the way from there to uuid keys, while programs run.
 *
 * domains has keys that are text, some of them uuids and some not; jobs has keys that are numbers, and points at
 * domains. The revisions are what autogenerate cannot know: which release of the programs goes between which steps. */
#include "history.h"

/* clang-format off */
static st_err up_legacy(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "domains",
        ST_COLUMNS({"id", ST_TEXT, .pk = true}, {"name", ST_TEXT}, {"tenant_id", ST_TEXT, .nullable = true})});
    return st_create_table(o, &(const st_table){.name = "jobs",
        ST_COLUMNS({"id", ST_INT64, .pk = true, .identity = true}, {"domain_id", ST_TEXT},
                   {"tenant_id", ST_TEXT, .nullable = true}, {"status", ST_TEXT, .default_sql = "'pending'"}),
        ST_INDEXES({.columns = {"domain_id"}}),
        ST_FKS({.columns = {"domain_id"}, .table = "domains", .to = {"id"}, .on_delete = ST_CASCADE})});
}

static st_err down_legacy(st_ops *o)
{
    st_drop_table(o, "jobs");
    return st_drop_table(o, "domains");
}

/* The columns beside, and what they are filled with: a tenant that is no uuid stays without one, a domain or job gets a
 * new key in the end. */
#define DOMAIN_ID                                                    \
    {.table = "domains",                                             \
     .was = &(const st_table_column){"id", ST_TEXT, .pk = true},     \
     .is = &(const st_table_column){"id_uuid", ST_UUID},             \
     .otherwise = "uuid()"}
#define JOB_ID                                                                            \
    {.table = "jobs",                                                                     \
     .was = &(const st_table_column){"id", ST_INT64, .pk = true, .identity = true},       \
     .is = &(const st_table_column){"id_uuid", ST_UUID},                                  \
     .otherwise = "uuid()"}
static const st_parallel domain_id = DOMAIN_ID, job_id = JOB_ID;
static const st_parallel domain_tenant = {.table = "domains",
    .was = &(const st_table_column){"tenant_id", ST_TEXT, .nullable = true},
    .is = &(const st_table_column){"tenant_uuid", ST_UUID, .nullable = true}};
static const st_parallel job_tenant = {.table = "jobs",
    .was = &(const st_table_column){"tenant_id", ST_TEXT, .nullable = true},
    .is = &(const st_table_column){"tenant_uuid", ST_UUID, .nullable = true}};

/* Programs may write either column of each pair from here on. */
static st_err up_beside(st_ops *o)
{
    st_parallel_begin(o, &domain_id);
    st_parallel_begin(o, &domain_tenant);
    st_parallel_begin(o, &job_id);
    return st_parallel_begin(o, &job_tenant);
}

static st_err down_beside(st_ops *o)
{
    st_parallel_abort(o, &job_tenant);
    st_parallel_abort(o, &job_id);
    st_parallel_abort(o, &domain_tenant);
    return st_parallel_abort(o, &domain_id);
}

static st_err up_complete(st_ops *o)
{
    st_parallel_complete(o, &domain_id);
    return st_parallel_complete(o, &job_id);
}

static st_err down_complete(st_ops *o)
{
    st_parallel_reopen(o, &job_id);
    return st_parallel_reopen(o, &domain_id);
}

static const st_key_swap domains_key = {.key = DOMAIN_ID,
    .n_children = 1,
    .children = &(const st_key_child){.table = "jobs",
        .was = &(const st_table_column){"domain_id", ST_TEXT},
        .is = &(const st_table_column){"domain_uuid", ST_UUID},
        .fk = &(const st_table_fk){"jobs_domain_id_fkey", {"domain_id"}, "domains", {"id"}, .on_delete = ST_CASCADE}}};
static const st_key_swap jobs_key = {.key = JOB_ID};

/* Programs that know the old keys must be gone. */
static st_err up_keys(st_ops *o)
{
    st_swap_key(o, &domains_key);
    st_swap_key(o, &jobs_key);
    st_parallel_swap(o, &domain_tenant);
    return st_parallel_swap(o, &job_tenant);
}

static st_err down_keys(st_ops *o)
{
    st_parallel_swap_back(o, &job_tenant);
    st_parallel_swap_back(o, &domain_tenant);
    st_swap_key_back(o, &jobs_key);
    return st_swap_key_back(o, &domains_key);
}

static const st_revision legacy = {
    .id = "00001e6acf01", .message = "the tables as they were", .upgrade = up_legacy, .downgrade = down_legacy};
static const st_revision beside = {.id = "00001e6acf02", .parents = {"00001e6acf01"}, .message = "uuid columns beside",
    .label = "beside", .upgrade = up_beside, .downgrade = down_beside};
static const st_revision complete = {.id = "00001e6acf03", .parents = {"00001e6acf02"}, .message = "a uuid for every row",
    .label = "complete", .upgrade = up_complete, .downgrade = down_complete};
static const st_revision keys = {.id = "00001e6acf04", .parents = {"00001e6acf03"}, .message = "uuid primary keys",
    .label = "keys", .upgrade = up_keys, .downgrade = down_keys};
/* clang-format on */

const struct st_migrations legacy_migrations = {
    .revisions = (const st_revision *const[]){&legacy, &beside, &complete, &keys, NULL}, .program = "legacy"};
