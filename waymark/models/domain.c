#include "waymark/models/domain.h"

#include "strata/define.h"

ST_ENUM_DEFINE(domain_status_enum, "pending", "scanning", "complete", "failed");
ST_ENUM_DEFINE(domain_curation_enum, "new", "selected", "maybe", "not_a_fit", "archived");

/* clang-format off */
#define T Domain
ST_MODEL(Domain, "domains",
    BASE_KEY(.references = &Tenant_model),
    COL(domain, .max = 253),
    COL(status, .enumeration = &domain_status_enum, .default_sql = "'pending'"),
    COL(curation_status, .enumeration = &domain_curation_enum, .default_sql = "'new'"),
    COL(title, .null = true),
    COL(description, .null = true),
    COL(language, .null = true, .max = 64),
    COL(favicon_url, .null = true),
    COL(logo_url, .null = true),
    COL(is_wordpress),
    COL(wordpress_version, .null = true),
    COL(has_elementor),
    COL(tech_stack, .null = true),
    COL(email_addresses, .default_sql = "'[]'"),
    COL(phone_numbers, .default_sql = "'[]'"),
    COL(facebook_url, .null = true),
    COL(twitter_url, .null = true),
    COL(linkedin_url, .null = true),
    COL(instagram_url, .null = true),
    COL(youtube_url, .null = true),
    COL(domain_metadata, .null = true),
    COL(notes, .null = true),
    COL(total_sitemaps, .default_sql = "0"),
    COL(sitemap_urls, .default_sql = "0"),
    COL(last_scan),
    COL(batch_id),
    COL(place_id),
    BASE_STAMPS,
    UNIQUE("domains_domain_key", "domain"));
#undef T
/* clang-format on */
