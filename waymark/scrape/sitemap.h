/* sitemap.h: a streaming reader of everything that serves as a sitemap.
 *
 * Bytes of any chunk size go in, batches of entries come out; the size of the chunks never changes what comes out.
 * Read are urlset, sitemapindex (https://www.sitemaps.org/protocol.html), lists of URLs as text, RSS 0.9x, 1.0 and
 * 2.0, and Atom 0.3 and 1.0, each plain or gzipped, in any encoding of the WHATWG table; elements are told by their
 * local names, so any namespace or none will do. No content makes it fail: what is wrong is counted as a problem and
 * everything readable is delivered. Memory is bounded whatever comes (below 1 MiB for plain entries), time is linear.
 *
 * Every slice of an entry is valid UTF-8 and lives until the sink returns. Locations are as written (references
 * resolved, white space trimmed) and may be relative: the caller resolves and vets them. */
#ifndef WAYMARK_SCRAPE_SITEMAP_H
#define WAYMARK_SCRAPE_SITEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct sitemap_parser sitemap_parser;

enum sitemap_type {
    SITEMAP_NONE, /* not a sitemap; the result says why */
    SITEMAP_HTML, /* a web page instead of a sitemap */
    SITEMAP_URLSET,
    SITEMAP_INDEX,
    SITEMAP_TEXT,
    SITEMAP_RSS,
    SITEMAP_ATOM,
};
const char *sitemap_type_name(enum sitemap_type type); /* "urlset" */

enum sitemap_changefreq {
    SITEMAP_FREQ_NONE,
    SITEMAP_FREQ_ALWAYS,
    SITEMAP_FREQ_HOURLY,
    SITEMAP_FREQ_DAILY,
    SITEMAP_FREQ_WEEKLY,
    SITEMAP_FREQ_MONTHLY,
    SITEMAP_FREQ_YEARLY,
    SITEMAP_FREQ_NEVER,
};
const char *sitemap_changefreq_name(enum sitemap_changefreq f); /* "daily"; NONE: NULL */

struct sitemap_alternate {
    str hreflang, href, media;
};
struct sitemap_image {
    str loc, title, caption, geo_location, license;
};
struct sitemap_video {
    str thumbnail_loc, title, description, content_loc, player_loc;
    str duration, publication_date, expiration_date, category, rating, view_count, family_friendly, live, uploader;
};
struct sitemap_news {
    str publication, language, publication_date, title, genres, keywords, stock_tickers, access;
};
/* One attribute of a PageMap data object. */
struct sitemap_data {
    str object, name, value;
};

/* What the extensions say of one url. */
struct sitemap_extras {
    const struct sitemap_alternate *alternates;
    const struct sitemap_image *images;
    const struct sitemap_video *videos;
    const struct sitemap_data *data;
    const struct sitemap_news *news; /* NULL or one */
    uint32_t n_alternates, n_images, n_videos, n_data;
    bool mobile; /* <mobile:mobile/> */
    str title;   /* of an item of RSS or Atom */
};

#define SITEMAP_NO_TIME INT64_MIN

struct sitemap_entry {
    str loc;
    str lastmod;        /* as written; empty when absent */
    int64_t lastmod_us; /* SITEMAP_NO_TIME when absent or not a date */
    double priority;    /* 0 to 1; negative when absent or not a number in that range */
    enum sitemap_changefreq changefreq;
    bool is_index;                       /* the location of another sitemap */
    const struct sitemap_extras *extras; /* NULL when there are none */
};

/* Gets 1 or more entries in document order. A negative result stops everything and comes back from feed. */
typedef int sitemap_sink(void *arg, const struct sitemap_entry *entries, size_t n);

enum sitemap_problem {
    SITEMAP_EMPTY,
    SITEMAP_NOT_A_SITEMAP,
    SITEMAP_UNKNOWN_ROOT,
    SITEMAP_IS_HTML,
    SITEMAP_TRUNCATED,
    SITEMAP_MALFORMED,
    SITEMAP_LEADING_JUNK,
    SITEMAP_TRAILING_JUNK,
    SITEMAP_DOCTYPE,
    SITEMAP_ENTITY_DECLARED,
    SITEMAP_ENTITY_UNDEFINED,
    SITEMAP_BAD_REFERENCE,
    SITEMAP_BAD_ENCODING,
    SITEMAP_UNKNOWN_ENCODING,
    SITEMAP_OVER_URLS,
    SITEMAP_OVER_SIZE,
    SITEMAP_URLS_CAPPED,
    SITEMAP_SIZE_CAPPED,
    SITEMAP_LOC_MISSING,
    SITEMAP_LOC_TOO_LONG,
    SITEMAP_LINE_NOT_URL,
    SITEMAP_BAD_LASTMOD,
    SITEMAP_BAD_PRIORITY,
    SITEMAP_BAD_CHANGEFREQ,
    SITEMAP_EXTRAS_DROPPED,
    SITEMAP_TEXT_CUT,
    SITEMAP_TOO_DEEP,
    SITEMAP_MARKUP_TOO_LONG,
    SITEMAP_GZIP_CORRUPT,
    SITEMAP_GZIP_TRUNCATED,
    SITEMAP_GZIP_TRAILING,
    SITEMAP_GZIP_RATIO,
    SITEMAP_GZIP_DEPTH,
    SITEMAP_PROBLEMS
};
const char *sitemap_problem_name(enum sitemap_problem p); /* "loc-too-long" */
const char *sitemap_problem_text(enum sitemap_problem p); /* one sentence for people */

enum {
    SITEMAP_URLS_MAX = 50000, /* the protocol's limits of one file: over them is a problem, not an end */
    SITEMAP_SIZE_MAX = 52428800,
    SITEMAP_LOC_MAX = 2048, /* characters */
};

struct sitemap_options {     /* 0 takes the default everywhere */
    uint64_t max_entries;    /* where reading stops; 1,000,000 */
    uint64_t max_size;       /* decoded bytes, where reading stops; 256 MiB */
    uint32_t max_loc;        /* characters; SITEMAP_LOC_MAX */
    uint32_t max_extras;     /* alternates, images, data attributes an entry, and a tenth of it of videos; 1,000 */
    uint32_t max_entry_size; /* bytes of one entry's extensions; 1 MiB */
    uint32_t max_depth;      /* nested elements; 64 */
    uint32_t max_ratio;      /* of gzip, see gunzip.h */
    uint32_t gzip_depth;     /* levels of gzip in gzip; 2 */
    const char *charset;     /* from the Content-Type; used when the document itself names none */
    bool without_scanner;    /* expat for everything: for comparisons */
};

struct sitemap_result {
    enum sitemap_type type;
    const char *reason; /* why type is NONE or HTML; NULL otherwise */
    uint64_t entries;   /* delivered */
    uint64_t sitemaps;  /* those of them that locate another sitemap */
    uint64_t bytes_in;  /* as given */
    uint64_t bytes;     /* after gzip */
    unsigned gzip_levels;
    const char *encoding; /* "UTF-8" */
    bool used_expat;
    uint64_t problems[SITEMAP_PROBLEMS]; /* how often each was met */
};

/* options NULL: the defaults. Returns -ENOMEM or 0 with *ret owned by the caller. */
int sitemap_parser_new(const struct sitemap_options *options, sitemap_sink *sink, void *arg, sitemap_parser **ret);
void sitemap_parser_free(sitemap_parser *s); /* NULL is fine */

/* Both return 0, -ENOMEM, or what the sink returned; after a failure only free may follow. What feed delivers has been
 * delivered when it returns, but for an entry whose end has not come. */
int sitemap_parser_feed(sitemap_parser *s, const char *p, size_t len);
int sitemap_parser_finish(sitemap_parser *s);
/* True when further bytes change nothing, so that a download may stop. */
bool sitemap_parser_stopped(const sitemap_parser *s);
/* Complete after finish; owned by the parser. */
const struct sitemap_result *sitemap_parser_result(const sitemap_parser *s);

#endif
