#include "waymark/models/page.h"

#include "strata/define.h"

ST_ENUM_DEFINE(page_changefreq_enum, "always", "hourly", "daily", "weekly", "monthly", "yearly", "never");
ST_ENUM_DEFINE(page_status_enum, "listed", "gone");

/* clang-format off */
#define T Page
ST_MODEL(Page, "pages",
    BASE_KEY(),
    REF(domain_id, Domain, .on_delete = ST_CASCADE),
    REF(sitemap_file_id, SitemapFile, .along = "domain_id"),
    COL(url, .max = PAGE_URL_MAX),
    COL(status, .enumeration = &page_status_enum, .as_smallint = true, .default_sql = "'listed'"),
    COL(changefreq, .enumeration = &page_changefreq_enum, .as_smallint = true),
    COL(priority, .min_value = ST_NUMBER(0), .max_value = ST_NUMBER(1)),
    COL(lastmod),
    COL(first_seen),
    COL(last_seen),
    COL(alternates, .null = true),
    COL(images, .null = true),
    COL(news, .null = true),
    COL(videos, .null = true),
    BASE_STAMPS,
    UNIQUE("pages_domain_id_url_key", "domain_id", "url"));
#undef T
/* clang-format on */
