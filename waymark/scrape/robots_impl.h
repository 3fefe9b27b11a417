/* robots_impl.h: what a robots is made of. Texts are offsets into one buf, since it moves while it grows. */
#ifndef WAYMARK_SCRAPE_ROBOTS_IMPL_H
#define WAYMARK_SCRAPE_ROBOTS_IMPL_H

#include <assert.h>

#include "base/buf.h"
#include "waymark/scrape/robots.h"

struct robots_text {
    uint32_t at, len;
};

struct robots_rule {
    struct robots_text pattern; /* normalised, '*' being a wildcard; without the '$' of an anchored one */
    uint32_t prefix;            /* bytes of pattern before its first wildcard; all of it when it has none */
    uint32_t shown;             /* "Disallow: /x", NUL-terminated */
    uint32_t line;
    uint32_t length; /* octets, for the contest */
    bool allow, anchored;
};

/* A User-agent line. Sorted by token and group, each pair once. */
struct robots_agent {
    struct robots_text token; /* lower case, or "*" */
    uint32_t group;
    int32_t delay_ms; /* -1: none */
};

/* The rules of group g are rules[groups[g]] up to rules[groups[g + 1]]. */
struct robots {
    buf text;
    struct robots_rule *rules;
    struct robots_agent *agents;
    uint32_t *groups;
    struct robots_text *sitemaps;
    size_t n_rules, n_agents, n_groups, n_sitemaps; /* n_groups does not count the end mark */
    struct robots_facts facts;
};

static inline str robots_text(const robots *r, struct robots_text t)
{
    assert((size_t)t.at + t.len <= r->text.len);
    return str_n(r->text.p + t.at, t.len);
}

/* Product tokens: what RFC 9309 allows, and digits, which many agents' names hold. */
static inline bool robots_is_token_char(char c)
{
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '_';
}

/* Writes s so that spellings of one path become equal: unreserved characters plain, all other octets that a URL may
 * not hold as they are in escapes, escapes in upper case. In a pattern '*' is kept and '$' is a character; in a URL
 * both are escaped, so that "%2A" in a rule means a real asterisk (RFC 9309 section 2.2.3). Reserved characters stay as
 * they are written: "/" and "%2F" differ. At most 3 bytes per byte of s. */
size_t robots_normalize(char *to, str s, bool is_pattern);
bool robots_is_normal(str target);
/* Linear in both, however many wildcards there are. */
bool robots_matches(const struct robots_rule *rule, str pattern, str target);

#endif
