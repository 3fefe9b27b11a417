/* scan.h: one site, from its name to every page that its sitemaps list.
 *
 * A scan reads robots.txt, the home page, and the tree of sitemaps: those that robots.txt and the home page name, and
 * when none of these is any good the paths where sites keep theirs. What it finds goes to a sink as it comes, in
 * batches, so memory does not depend on the site. What a site does wrong is a note with a stable name and a
 * sentence, never an error; the calls return negative codes for this side alone. */
#ifndef WAYMARK_SCRAPE_SCAN_H
#define WAYMARK_SCRAPE_SCAN_H

#include "base/arena.h"
#include "waymark/models/page.h"
#include "waymark/models/sitemap_file.h"
#include "waymark/scrape/fetch.h"
#include "waymark/scrape/scope.h"

enum { SCAN_BATCH = 4096 }; /* most pages handed to the sink at once */

struct scan_options {
    struct fetcher_options door;
    enum scope scope;           /* which hosts' pages are the site's; the home page's host after redirects counts too */
    unsigned concurrency;       /* sitemaps read at once; 0: 4 */
    unsigned max_sitemaps;      /* 0: 20,000 */
    unsigned max_depth;         /* of indexes in indexes; 0: 5 */
    uint64_t max_pages;         /* 0: no limit */
    uint64_t max_sitemap_bytes; /* one file, decoded; 0: 256 MiB (sites break the protocol's 50 MiB) */
    bool sitemaps_only;         /* do not read the home page */
    bool all_paths;             /* try the well-known paths even when robots.txt or the home page named a sitemap */
    unsigned url_flags;         /* URL_DROP_TRACKING | URL_DROP_SESSION */
};

/* Something that was blocked, capped or wrong. */
struct scan_note {
    const char *name; /* "denied_address", "off_host", "too_large", ...: static, stable */
    str url;          /* what it is about */
    const char *text; /* the case in one sentence */
};

struct scan_counts {
    uint64_t sitemaps;     /* files that turned out to be sitemaps */
    uint64_t sitemaps_bad; /* named by the site, yet unreadable */
    uint64_t entries;      /* page entries read, repeated ones counted */
    uint64_t dropped;      /* entries not taken: another host, not a URL, over a limit */
    uint64_t requests, bytes;
    unsigned queued; /* sitemaps known and not yet read */
    bool incomplete; /* something the site names was not read to its end */
};

struct site; /* site.h */
struct scan_site {
    str home; /* canonical URL of the home page after redirects; the name given when it could not be read */
    const struct site *facts;
    const struct fetch_response *response;
};

/* Where findings go. Each call may suspend, and ends the scan when it returns a negative code. */
struct scan_sink {
    void *arg;
    int (*site)(void *arg, const struct scan_site *site);
    /* A sitemap whose type is known now; comes before its pages. The sink may set f->id. */
    int (*sitemap)(void *arg, SitemapFile *f);
    /* Pages that f lists, f NULL for links of a home page without sitemaps. tenant, domain and sitemap are the sink's
     * to fill in; the rows may be changed and are gone after the call. */
    int (*pages)(void *arg, SitemapFile *f, Page *const *rows, size_t n);
    /* All of f is read; its counts and its error, if any, are final. Comes for unreadable ones too, then without
     * sitemap(). */
    int (*sitemap_done)(void *arg, SitemapFile *f);
    void (*note)(void *arg, const struct scan_note *note);
    void (*progress)(void *arg, const struct scan_counts *counts); /* often; cheap */
};

/* Reads the site that name gives: a URL, or a host (https first, then http). Returns 0 when it was read to the end,
 * however little there was; -ECANCELED; -EINVAL for a name that is none; SCAN_UNREACHABLE when the site did not answer
 * at all, with a diagnosis; or what the sink returned. */
enum { SCAN_UNREACHABLE = -3000 };
int scan_site(const struct scan_options *o, const char *name, const struct scan_sink *sink, struct scan_counts *ret);

/* The name under which a site is kept: its host, with the port when it is not the default. -EINVAL names the fault. */
int scan_domain_name(buf *out, const char *name);

/* What a home page says, as a Domain whose texts lie in a. -ENOMEM. */
int scan_site_facts(arena *a, const struct scan_site *site, Domain *ret);

#endif
