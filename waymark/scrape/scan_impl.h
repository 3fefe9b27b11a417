/* scan_impl.h: what the parts of a scan share; private to scan*.c. */
#ifndef WAYMARK_SCRAPE_SCAN_IMPL_H
#define WAYMARK_SCRAPE_SCAN_IMPL_H

#include "waymark/scrape/robots.h"
#include "waymark/scrape/scan.h"
#include "waymark/scrape/sitemap.h"
#include "waymark/scrape/url.h"

/* A sitemap to read. Lives in the scan's arena. */
struct scan_task {
    struct scan_task *next;
    const char *url; /* canonical */
    enum sitemap_discovery discovery;
    unsigned depth; /* of indexes above it */
    bool guess;     /* ours, not the site's word: when it is no sitemap, nothing is wrong */
    st_opt_uuid parent;
    st_opt_time lastmod;
};

/* URLs seen, by open addressing over slices of the scan's arena. */
struct scan_seen {
    str *slots;
    size_t room, n; /* room is a power of two */
};

struct scan {
    struct scan_options o; /* defaults filled in */
    const struct scan_sink *sink;
    const char *agent; /* whom robots.txt speaks to */
    struct scan_counts counts;
    fetcher *door;
    arena *arena;   /* bounded; what lives as long as the scan */
    url home;       /* of the home page after redirects, in arena */
    str given_host; /* as it was named, before redirects */
    robots *rules;  /* NULL: robots.txt forbids nothing */
    bool closed;    /* robots.txt could not be read, so nothing may be but what the site names */

    struct scan_task *first, **last; /* the queue */
    struct scan_seen seen;
    fiber_cond changed;
    unsigned reading;
    bool sitemaps_capped;
    bool pages_capped; /* max_pages was reached: what is queued is left alone */
    int error;         /* the first failure of a reader; ends the others */
};

/* Tells the sink; the text is formatted into a bounded buffer. */
void scan_note(struct scan *s, const char *name, str where, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Adds a sitemap to the queue unless it is known already. base resolves a relative location. Negative only for memory.
 */
int scan_enqueue(struct scan *s, str location, const url *base, struct scan_task *like);
/* True when canonical was not there and is now; -ENOMEM through *ret_error. */
bool scan_seen_add(struct scan *s, str canonical, int *ret_error);
/* Reads the queue until it is empty and nothing is being read. */
int scan_tree(struct scan *s);

/* Reads one sitemap into the sink, its children into the queue. */
int scan_file(struct scan *s, const struct scan_task *t);

/* Whether pages of host belong to the site. */
bool scan_covers(const struct scan *s, str host);
/* The host of a canonical URL. */
str scan_host(str canonical);

/* Reads the home page at s->home, which becomes its URL after redirects; tells the sink what it says and queues the
 * sitemaps it names. *ret_links, NULL when it could not be read, keeps its links. */
struct scan_links;
int scan_home(struct scan *s, struct scan_links **ret_links);
/* Gives the home page and its links as pages of no sitemap. */
int scan_links_give(struct scan *s, struct scan_links *links);
void scan_links_free(struct scan_links *links); /* NULL is fine */

/* Rows on their way to the sink. */
struct scan_batch {
    arena *arena;
    SitemapFile *file; /* NULL: links of a home page */
    size_t n;
    uint64_t off_host, bad_url, too_long;
    buf url, json; /* scratch */
    char off_host_example[160], bad_url_example[160];
    int bad_url_error;
    Page *pointers[SCAN_BATCH];
    Page rows[SCAN_BATCH];
};
int scan_batch_new(struct scan_batch **ret);
void scan_batch_free(struct scan_batch *b);
/* Takes one entry: canonical, in scope, or counted as dropped. Hands the batch on when it is full. */
int scan_batch_add(struct scan *s, struct scan_batch *b, const url *base, const struct sitemap_entry *e);
int scan_batch_flush(struct scan *s, struct scan_batch *b);
/* Notes what was dropped. */
void scan_batch_notes(struct scan *s, struct scan_batch *b, str where);

#endif
