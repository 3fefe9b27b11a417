/* page.h: one URL that a site publishes. The bulk table: millions of rows a domain, so it has the fewest indexes and
 * stores its enums as small numbers. */
#ifndef WAYMARK_MODELS_PAGE_H
#define WAYMARK_MODELS_PAGE_H

#include "strata/model.h"
#include "waymark/models/sitemap_file.h"

enum { PAGE_URL_MAX = 2048 }; /* bytes; sitemaps.org, and what fits a PostgreSQL index entry */

enum page_changefreq {
    CHANGEFREQ_ALWAYS,
    CHANGEFREQ_HOURLY,
    CHANGEFREQ_DAILY,
    CHANGEFREQ_WEEKLY,
    CHANGEFREQ_MONTHLY,
    CHANGEFREQ_YEARLY,
    CHANGEFREQ_NEVER
};
extern const struct st_enum page_changefreq_enum;
enum page_status {
    PAGE_LISTED,
    PAGE_GONE /* a later complete scan no longer found it */
};
extern const struct st_enum page_status_enum;

typedef struct Page {
    ST_BASE;
    st_uuid domain_id;
    st_opt_uuid sitemap_file_id; /* provenance: the file that listed it first */
    const char *url;             /* canonical */
    enum page_status status;
    st_opt_enum changefreq; /* enum page_changefreq */
    st_opt_double priority; /* 0..1 */
    st_opt_time lastmod;
    st_time first_seen, last_seen;
    st_json alternates, images, news, videos; /* arrays of objects (news: an object), or null */
} Page;
ST_DECLARE(Page);

#endif
