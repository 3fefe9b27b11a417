/* domain.h: a site of a tenant, what it runs on and how to reach the business behind it. */
#ifndef WAYMARK_MODELS_DOMAIN_H
#define WAYMARK_MODELS_DOMAIN_H

#include "strata/model.h"
#include "waymark/models/tenant.h"

/* Of the newest scan. */
enum domain_status { DOMAIN_PENDING, DOMAIN_SCANNING, DOMAIN_COMPLETE, DOMAIN_FAILED };
extern const struct st_enum domain_status_enum;
/* What a person decided about it. */
enum domain_curation { CURATION_NEW, CURATION_SELECTED, CURATION_MAYBE, CURATION_NOT_A_FIT, CURATION_ARCHIVED };
extern const struct st_enum domain_curation_enum;

typedef struct Domain {
    ST_BASE;
    const char *domain; /* host name, lower case, in its ASCII form */
    enum domain_status status;
    enum domain_curation curation_status;

    /* From the home page; NULL or not set: not known. */
    const char *title, *description, *language, *favicon_url, *logo_url;
    st_opt_bool is_wordpress;
    const char *wordpress_version;
    st_opt_bool has_elementor;
    st_json tech_stack;
    st_texts email_addresses, phone_numbers;
    const char *facebook_url, *twitter_url, *linkedin_url, *instagram_url, *youtube_url;
    st_json domain_metadata;
    const char *notes;

    int32_t total_sitemaps; /* rows in sitemap_files */
    int64_t sitemap_urls;   /* rows in pages */
    st_opt_time last_scan;
    st_opt_uuid batch_id, place_id; /* what brought it here */
} Domain;
ST_DECLARE(Domain);

#endif
