/* robots.h: which URLs a site lets our agent fetch (RFC 9309).
 *
 * A robots is built once from a body and never changes; readers may share it. Nothing points into the body
 * afterwards; texts that it gives live as long as it does. Where RFC 9309 is silent it reads what Google's parser
 * reads (https://github.com/google/robotstxt): misspelled fields, a missing colon. */
#ifndef WAYMARK_SCRAPE_ROBOTS_H
#define WAYMARK_SCRAPE_ROBOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct robots robots;

enum {
    ROBOTS_MAX = 512 << 10,     /* bytes of a body that are read; RFC 9309 asks for 500 KiB */
    ROBOTS_VALUE_MAX = 8 << 10, /* bytes of a rule or a sitemap's URL */
    ROBOTS_DELAY_MAX_MS = 24 * 3600 * 1000,
};

/* Parses at most ROBOTS_MAX bytes of body; never fails on content, since unknown lines are ignored.
 * Returns -ENOMEM or 0 with *ret_robots owned by the caller. */
int robots_parse(const char *body, size_t len, robots **ret_robots);
void robots_free(robots *r); /* NULL is fine */

struct robots_verdict {
    bool allowed;
    const char *rule; /* the rule that decided, "Disallow: /x"; NULL when none matched */
    unsigned line;    /* the rule's, from 1 */
};
/* The verdict of the longest matching rule for agent (a product token such as "waymark"; a version behind '/' is left
 * out), Allow winning a tie. The rules are those of all groups that name agent, without regard to case; else those that
 * name it up to one of its hyphens or underscores, the longest first ("googlebot" for "googlebot-news"); else those of
 * '*'. target is path and query, percent-encoded, and starts with '/'. When memory is out the answer is no. */
struct robots_verdict robots_check(const robots *r, const char *agent, str target);
bool robots_allows(const robots *r, const char *agent, str target);
/* The Crawl-delay for agent, or -1; the largest when several apply, at most ROBOTS_DELAY_MAX_MS. */
int64_t robots_crawl_delay_ms(const robots *r, const char *agent);

/* The Sitemap lines, which belong to no group, in the file's order and as written: relative ones are for the caller to
 * resolve, and nothing says that they are URLs at all. */
size_t robots_sitemaps(const robots *r);
str robots_sitemap(const robots *r, size_t i);

struct robots_facts {
    unsigned groups, rules;
    unsigned problems;      /* lines that look meant and say nothing: rules outside groups, bad values, no separator */
    unsigned first_problem; /* line of the first, 0 for none */
    bool truncated;         /* the body was longer than ROBOTS_MAX; its last, cut line was left out */
    bool is_html;           /* the body starts with '<': an error page rather than a robots.txt */
};
const struct robots_facts *robots_facts(const robots *r);

/* What to make of an attempt to fetch robots.txt (RFC 9309 section 2.3.1). */
enum robots_policy { ROBOTS_PARSE, ROBOTS_ALLOW_ALL, ROBOTS_DISALLOW_ALL };
enum { ROBOTS_REDIRECTS_MAX = 5 };
/* status is the last response's, 0 when there was none (no name, no connection, a broken body); redirects is how many
 * were followed. 2xx: parse. 4xx and too many redirects: the site has none, so allow. 5xx, 429 (as Google treats it)
 * and unreachable: disallow. */
enum robots_policy robots_policy(int status, unsigned redirects);
/* How long that holds, in seconds; max_age is from Cache-Control, -1 when absent. At most 24 hours, at least 5 minutes;
 * a disallow that only stands for a failure is tried again after at most 30 minutes. */
int64_t robots_lifetime_s(enum robots_policy policy, int64_t max_age);

static inline void robots_freep(robots **r)
{
    robots_free(*r);
}
#define ROBOTS_AUTO __attribute__((cleanup(robots_freep)))

#endif
