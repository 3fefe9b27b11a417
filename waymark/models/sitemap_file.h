/* sitemap_file.h: one sitemap document of a domain: where it was found and what the last fetch brought. */
#ifndef WAYMARK_MODELS_SITEMAP_FILE_H
#define WAYMARK_MODELS_SITEMAP_FILE_H

#include "strata/model.h"
#include "waymark/models/domain.h"

enum sitemap_file_type {
    SITEMAP_FILE_UNKNOWN,
    SITEMAP_FILE_INDEX,
    SITEMAP_FILE_URLSET,
    SITEMAP_FILE_TEXT,
    SITEMAP_FILE_RSS,
    SITEMAP_FILE_ATOM,
    SITEMAP_FILE_HTML
};
extern const struct st_enum sitemap_file_type_enum;
enum sitemap_discovery {
    DISCOVERY_ROBOTS,
    DISCOVERY_WELL_KNOWN,
    DISCOVERY_HOMEPAGE_LINK,
    DISCOVERY_SITEMAP_INDEX,
    DISCOVERY_GIVEN
};
extern const struct st_enum sitemap_discovery_enum;
/* Of the newest fetch. */
enum sitemap_status { SITEMAP_PENDING, SITEMAP_COMPLETE, SITEMAP_PARTIAL, SITEMAP_FAILED };
extern const struct st_enum sitemap_status_enum;

typedef struct SitemapFile {
    ST_BASE;
    st_uuid domain_id;
    st_opt_uuid parent_id; /* the index that listed it first */
    const char *url;       /* canonical */
    enum sitemap_file_type type;
    enum sitemap_discovery discovery;
    enum sitemap_status status;
    st_opt_time lastmod; /* as the index says */

    st_opt_time fetched_at;
    st_opt_int32 http_status;
    int64_t url_count; /* entries read, problems not counted */
    int64_t size;      /* bytes after decoding */
    const char *etag;
    st_opt_time last_modified; /* the response's header */
    int32_t problem_count;
    const char *error; /* why it failed, or is partial */
} SitemapFile;
ST_DECLARE(SitemapFile);

#endif
