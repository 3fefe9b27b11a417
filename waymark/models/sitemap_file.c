#include "waymark/models/sitemap_file.h"

#include "strata/define.h"

ST_ENUM_DEFINE(sitemap_file_type_enum, "unknown", "index", "urlset", "text", "rss", "atom", "html");
ST_ENUM_DEFINE(sitemap_discovery_enum, "robots", "well_known", "homepage_link", "sitemap_index", "given");
ST_ENUM_DEFINE(sitemap_status_enum, "pending", "complete", "partial", "failed");

/* clang-format off */
#define T SitemapFile
ST_MODEL(SitemapFile, "sitemap_files",
    BASE_KEY(),
    REF(domain_id, Domain, .on_delete = ST_CASCADE),
    REF(parent_id, SitemapFile, .along = "domain_id"),
    COL(url, .max = 2048),
    COL(type, .enumeration = &sitemap_file_type_enum, .default_sql = "'unknown'"),
    COL(discovery, .enumeration = &sitemap_discovery_enum),
    COL(status, .enumeration = &sitemap_status_enum, .default_sql = "'pending'"),
    COL(lastmod),
    COL(fetched_at),
    COL(http_status),
    COL(url_count, .default_sql = "0"),
    COL(size, .default_sql = "0"),
    COL(etag, .null = true),
    COL(last_modified),
    COL(problem_count, .default_sql = "0"),
    COL(error, .null = true),
    BASE_STAMPS,
    UNIQUE("sitemap_files_domain_id_id_key", "domain_id", "id"), /* what pages point at: no page of one site in another's */
    UNIQUE("sitemap_files_domain_id_url_key", "domain_id", "url"),
    INDEX("sitemap_files_parent_id_idx", "parent_id"));
#undef T
/* clang-format on */
