/* site.h: what a page says of itself: title, description, language, links, and where its sitemaps are.
 *
 * A reader is fed a page's bytes as they come and reads its tokens (html.h); facts and links are collected within
 * limits, whatever the page. References (canonical, favicon, links, ...) are as written, trimmed: the caller resolves
 * them against base or the page's URL (url.h) and vets them. All text is valid UTF-8. */
#ifndef WAYMARK_SCRAPE_SITE_H
#define WAYMARK_SCRAPE_SITE_H

#include "base/arena.h"
#include "waymark/scrape/html.h"

typedef struct site_reader site_reader;

enum {
    SITE_LINKS_MAX = 10000,    /* links handed on; more are counted */
    SITE_SITEMAPS_MAX = 100,   /* distinct ones kept */
    SITE_TEXT_MAX = 1024,      /* characters of title and description */
    SITE_REFERENCE_MAX = 2048, /* bytes of a reference; longer ones are left out */
};

enum site_link_kind {
    SITE_ANCHOR,    /* a[href] */
    SITE_AREA,      /* area[href] */
    SITE_CANONICAL, /* link[rel=canonical], as are the next ones */
    SITE_ALTERNATE, /* with hreflang or type */
    SITE_NEXT,
    SITE_SITEMAP,
    SITE_FRAME, /* iframe and frame [src] */
};

struct site_link {
    enum site_link_kind kind;
    str href;
    str rel, hreflang, type; /* as written, may be empty */
    bool nofollow;           /* rel says nofollow, sponsored or ugc, or the page's robots meta says nofollow */
};

/* Gets each link in document order; slices live until it returns. A negative result stops everything. */
typedef int site_link_sink(void *arg, const struct site_link *link);

struct site_sitemap {
    str href;
    bool declared; /* link[rel=sitemap]; else a link whose address or text looks like a sitemap */
};

struct site {
    str title;         /* of <title>, else og:title; white space collapsed */
    str description;   /* meta description, else og:description */
    str language;      /* html[lang], else content-language, else og:locale with '-' */
    str canonical;     /* link[rel=canonical] */
    str base;          /* the first base[href]; only when it is http, https or relative */
    str robots;        /* meta robots, lower-case; several joined by ", " */
    str generator;     /* meta generator: "WordPress 6.4" */
    str site_name;     /* og:site_name */
    str favicon;       /* link[rel~=icon], the largest that is named */
    str touch_icon;    /* link[rel=apple-touch-icon] */
    str image;         /* og:image, else twitter:image */
    str logo;          /* an img whose class, id, alt or address says "logo" */
    str theme_color;   /* meta theme-color */
    str refresh;       /* the address of a meta refresh; empty when it has none */
    int32_t refresh_s; /* its delay; -1: there is no meta refresh */
    bool noindex, nofollow;
    const struct site_sitemap *sitemaps;
    size_t n_sitemaps;
    uint64_t links;         /* met */
    uint64_t links_dropped; /* over SITE_LINKS_MAX, or too long */
    uint64_t bytes;
    const char *encoding;
    bool truncated; /* the page ended inside a tag or comment */
};

struct site_options {
    const char *charset; /* from the Content-Type, or NULL */
};

/* Facts live in a, as does the reader; neither fails on content. sink NULL: links are only counted. Returns -ENOMEM or
 * 0. site_reader_close gives back what is not in a; NULL is fine. */
int site_reader_open(arena *a, const struct site_options *options, site_link_sink *sink, void *arg, site_reader **ret);
void site_reader_close(site_reader *r);
/* Both return 0, -ENOMEM, or what the sink returned; after a failure only site_reader_close may follow. */
int site_reader_feed(site_reader *r, const char *p, size_t len);
/* *ret is complete and lives as long as the arena. */
int site_reader_finish(site_reader *r, const struct site **ret);

#endif
