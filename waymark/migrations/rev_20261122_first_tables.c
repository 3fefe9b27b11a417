/* The tables of a scan, and the tenant that the program on one desk works for. */
#include "strata/expr.h"
#include "waymark/migrations/revisions.h"

/* clang-format off */
#define STAMPS \
    {"created_at", ST_TIME, .default_sql = "now()"}, {"updated_at", ST_TIME, .default_sql = "now()"}, \
    {"version", ST_INT32, .default_sql = "1"}
static st_err create_tenants(st_ops *o)
{
    st_create_table(o, &(const st_table){
        .name = "tenants",
        ST_COLUMNS({"tenant_id", ST_UUID, .pk = true, .tenant = true}, {"id", ST_UUID, .pk = true},
                   {"name", ST_TEXT, .max = 200}, STAMPS),
        ST_INDEXES({"tenants_tenant_id_key", {"tenant_id"}, .unique = true, .constraint = true}),
        ST_CHECKS({"tenants_self_check", "tenant_id = id"})});
    const st_uuid local = {{0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}};
    return ST_INSERT_ROW(o, "tenants", {"tenant_id", st_v_uuid(local)}, {"id", st_v_uuid(local)}, {"name", st_v_text("local")});
}

static st_err create_domains(st_ops *o)
{
    return st_create_table(o, &(const st_table){
        .name = "domains",
        ST_COLUMNS({"tenant_id", ST_UUID, .pk = true, .tenant = true}, {"id", ST_UUID, .pk = true},
                   {"domain", ST_TEXT, .max = 253},
                   {"status", ST_ENUM, .values = ST_VALUES("pending", "scanning", "complete", "failed"),
                    .default_sql = "'pending'"},
                   {"curation_status", ST_ENUM,
                    .values = ST_VALUES("new", "selected", "maybe", "not_a_fit", "archived"), .default_sql = "'new'"},
                   {"title", ST_TEXT, .nullable = true}, {"description", ST_TEXT, .nullable = true},
                   {"language", ST_TEXT, .nullable = true, .max = 64}, {"favicon_url", ST_TEXT, .nullable = true},
                   {"logo_url", ST_TEXT, .nullable = true}, {"is_wordpress", ST_BOOL, .nullable = true},
                   {"wordpress_version", ST_TEXT, .nullable = true}, {"has_elementor", ST_BOOL, .nullable = true},
                   {"tech_stack", ST_JSON, .nullable = true}, {"email_addresses", ST_TEXTS, .default_sql = "'[]'"},
                   {"phone_numbers", ST_TEXTS, .default_sql = "'[]'"}, {"facebook_url", ST_TEXT, .nullable = true},
                   {"twitter_url", ST_TEXT, .nullable = true}, {"linkedin_url", ST_TEXT, .nullable = true},
                   {"instagram_url", ST_TEXT, .nullable = true}, {"youtube_url", ST_TEXT, .nullable = true},
                   {"domain_metadata", ST_JSON, .nullable = true}, {"notes", ST_TEXT, .nullable = true},
                   {"total_sitemaps", ST_INT32, .default_sql = "0"}, {"sitemap_urls", ST_INT64, .default_sql = "0"},
                   {"last_scan", ST_TIME, .nullable = true}, {"batch_id", ST_UUID, .nullable = true},
                   {"place_id", ST_UUID, .nullable = true}, STAMPS),
        ST_INDEXES({"domains_domain_key", {"tenant_id", "domain"}, .unique = true, .constraint = true}),
        ST_FKS({"domains_tenant_id_fkey", {"tenant_id"}, "tenants", {"tenant_id"}})});
}

static st_err create_jobs(st_ops *o)
{
    return st_create_table(o, &(const st_table){
        .name = "jobs",
        ST_COLUMNS({"tenant_id", ST_UUID, .pk = true, .tenant = true}, {"id", ST_UUID, .pk = true},
                   {"job_type", ST_ENUM, .values = ST_VALUES("scan")},
                   {"status", ST_ENUM, .values = ST_VALUES("pending", "running", "complete", "failed", "cancelled"),
                    .default_sql = "'pending'"},
                   {"domain_id", ST_UUID, .nullable = true}, {"batch_id", ST_UUID, .nullable = true},
                   {"progress", ST_DOUBLE, .min_value = ST_NUMBER(0), .max_value = ST_NUMBER(1), .default_sql = "0"},
                   {"sitemaps_total", ST_INT32, .default_sql = "0"}, {"sitemaps_done", ST_INT32, .default_sql = "0"},
                   {"sitemaps_failed", ST_INT32, .default_sql = "0"}, {"pages_found", ST_INT64, .default_sql = "0"},
                   {"pages_new", ST_INT64, .default_sql = "0"}, {"result_data", ST_JSON, .nullable = true},
                   {"job_metadata", ST_JSON, .nullable = true}, {"error", ST_TEXT, .nullable = true},
                   {"attempts", ST_INT32, .default_sql = "0"}, {"started_at", ST_TIME, .nullable = true},
                   {"finished_at", ST_TIME, .nullable = true}, STAMPS),
        ST_INDEXES({"jobs_domain_id_idx", {"tenant_id", "domain_id"}}, {"jobs_status_idx", {"tenant_id", "status"}}),
        ST_FKS({"jobs_tenant_id_fkey", {"tenant_id"}, "tenants", {"tenant_id"}},
               {"jobs_domain_id_fkey", {"tenant_id", "domain_id"}, "domains", {"tenant_id", "id"},
                .on_delete = ST_CASCADE})});
}

static st_err create_sitemap_files(st_ops *o)
{
    return st_create_table(o, &(const st_table){
        .name = "sitemap_files",
        ST_COLUMNS({"tenant_id", ST_UUID, .pk = true, .tenant = true}, {"id", ST_UUID, .pk = true},
                   {"domain_id", ST_UUID}, {"parent_id", ST_UUID, .nullable = true}, {"url", ST_TEXT, .max = 2048},
                   {"type", ST_ENUM, .values = ST_VALUES("unknown", "index", "urlset", "text", "rss", "atom", "html"),
                    .default_sql = "'unknown'"},
                   {"discovery", ST_ENUM,
                    .values = ST_VALUES("robots", "well_known", "homepage_link", "sitemap_index", "given")},
                   {"status", ST_ENUM, .values = ST_VALUES("pending", "complete", "partial", "failed"),
                    .default_sql = "'pending'"},
                   {"lastmod", ST_TIME, .nullable = true}, {"fetched_at", ST_TIME, .nullable = true},
                   {"http_status", ST_INT32, .nullable = true}, {"url_count", ST_INT64, .default_sql = "0"},
                   {"size", ST_INT64, .default_sql = "0"}, {"etag", ST_TEXT, .nullable = true},
                   {"last_modified", ST_TIME, .nullable = true}, {"problem_count", ST_INT32, .default_sql = "0"},
                   {"error", ST_TEXT, .nullable = true}, STAMPS),
        ST_INDEXES({"sitemap_files_domain_id_id_key", {"tenant_id", "domain_id", "id"}, .unique = true, .constraint = true},
                   {"sitemap_files_domain_id_url_key", {"tenant_id", "domain_id", "url"}, .unique = true, .constraint = true},
                   {"sitemap_files_parent_id_idx", {"tenant_id", "parent_id"}}),
        ST_FKS({"sitemap_files_domain_id_fkey", {"tenant_id", "domain_id"}, "domains", {"tenant_id", "id"},
                .on_delete = ST_CASCADE},
               {"sitemap_files_parent_id_fkey", {"tenant_id", "domain_id", "parent_id"}, "sitemap_files",
                {"tenant_id", "domain_id", "id"}})});
}

static st_err create_pages(st_ops *o)
{
    return st_create_table(o, &(const st_table){
        .name = "pages",
        ST_COLUMNS({"tenant_id", ST_UUID, .pk = true, .tenant = true}, {"id", ST_UUID, .pk = true},
                   {"domain_id", ST_UUID}, {"sitemap_file_id", ST_UUID, .nullable = true},
                   {"url", ST_TEXT, .max = 2048},
                   {"status", ST_ENUM, .as_smallint = true, .values = ST_VALUES("listed", "gone"), .default_sql = "'listed'"},
                   {"changefreq", ST_ENUM, .nullable = true, .as_smallint = true,
                    .values = ST_VALUES("always", "hourly", "daily", "weekly", "monthly", "yearly", "never")},
                   {"priority", ST_DOUBLE, .nullable = true, .min_value = ST_NUMBER(0), .max_value = ST_NUMBER(1)},
                   {"lastmod", ST_TIME, .nullable = true}, {"first_seen", ST_TIME}, {"last_seen", ST_TIME},
                   {"alternates", ST_JSON, .nullable = true}, {"images", ST_JSON, .nullable = true},
                   {"news", ST_JSON, .nullable = true}, {"videos", ST_JSON, .nullable = true}, STAMPS),
        ST_INDEXES({"pages_domain_id_url_key", {"tenant_id", "domain_id", "url"}, .unique = true, .constraint = true}),
        ST_FKS({"pages_domain_id_fkey", {"tenant_id", "domain_id"}, "domains", {"tenant_id", "id"},
                .on_delete = ST_CASCADE},
               {"pages_sitemap_file_id_fkey", {"tenant_id", "domain_id", "sitemap_file_id"}, "sitemap_files",
                {"tenant_id", "domain_id", "id"}})});
}

static st_err upgrade(st_ops *o)
{
    create_tenants(o);
    create_domains(o);
    create_jobs(o);
    create_sitemap_files(o);
    return create_pages(o);
}

static st_err downgrade(st_ops *o)
{
    st_drop_table(o, "pages");
    st_drop_table(o, "sitemap_files");
    st_drop_table(o, "jobs");
    st_drop_table(o, "domains");
    return st_drop_table(o, "tenants");
}

const st_revision rev_20261122_first_tables = {
    .id = "5b0e6c2f9d14", .message = "first tables", .upgrade = upgrade, .downgrade = downgrade};
/* clang-format on */
