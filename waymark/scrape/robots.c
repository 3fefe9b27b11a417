#include "waymark/scrape/robots.h"

#include "base/mem.h"
#include "waymark/scrape/robots_impl.h"

void robots_free(robots *r)
{
    if (r) {
        buf_release(&r->text);
        mem_free(r->rules);
        mem_free(r->agents);
        mem_free(r->groups);
        mem_free(r->sitemaps);
        mem_free(r);
    }
}

size_t robots_sitemaps(const robots *r)
{
    return r->n_sitemaps;
}

str robots_sitemap(const robots *r, size_t i)
{
    assert(i < r->n_sitemaps);
    return robots_text(r, r->sitemaps[i]);
}

const struct robots_facts *robots_facts(const robots *r)
{
    return &r->facts;
}

/* ---- whose rules ---- */

struct range {
    const struct robots_agent *first, *end;
};

/* The lines that name exactly this token, which is lower-cased here. */
static struct range lines_of(const robots *r, str token)
{
    size_t low = 0, high = r->n_agents;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        str at = robots_text(r, r->agents[middle].token);
        int order = memcmp(at.p, token.p, at.len < token.len ? at.len : token.len);
        if (order < 0 || (order == 0 && at.len < token.len)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    struct range found = {r->agents + low, r->agents + low};
    while (found.end < r->agents + r->n_agents && str_eq(robots_text(r, found.end->token), token)) {
        found.end++;
    }
    return found;
}

enum { AGENT_MAX = 128 };

static struct range lines_for(const robots *r, const char *agent)
{
    char token[AGENT_MAX];
    size_t len = 0;
    while (agent[len] && agent[len] != '/' && len < AGENT_MAX) {
        token[len] = ascii_lower(agent[len]);
        len++;
    }
    while (len) {
        struct range found = lines_of(r, str_n(token, len));
        if (found.first < found.end) {
            return found;
        }
        do {
            len--;
        } while (len && token[len] != '-' && token[len] != '_');
    }
    return lines_of(r, STR("*"));
}

int64_t robots_crawl_delay_ms(const robots *r, const char *agent)
{
    struct range lines = lines_for(r, agent);
    int64_t delay = -1;
    for (const struct robots_agent *a = lines.first; a < lines.end; a++) {
        delay = a->delay_ms > delay ? a->delay_ms : delay;
    }
    return delay;
}

/* ---- which rule ---- */

static const struct robots_rule *decide(const robots *r, struct range lines, str target)
{
    const struct robots_rule *best = NULL;
    for (const struct robots_agent *a = lines.first; a < lines.end; a++) {
        assert(a->group < r->n_groups);
        const struct robots_rule *rule = r->rules + r->groups[a->group], *end = r->rules + r->groups[a->group + 1];
        for (; rule < end; rule++) {
            bool wins =
                !best || rule->length > best->length || (rule->length == best->length && rule->allow && !best->allow);
            if (wins && robots_matches(rule, robots_text(r, rule->pattern), target)) {
                best = rule;
            }
        }
    }
    return best;
}

struct robots_verdict robots_check(const robots *r, const char *agent, str target)
{
    static const str own = {"/robots.txt", sizeof "/robots.txt" - 1};
    target = target.len ? target : STR("/");
    if (str_eq(target, own)) {
        return (struct robots_verdict){.allowed = true};
    }
    char *normal = NULL;
    if (!robots_is_normal(target)) {
        normal = target.len < SIZE_MAX / 3 ? mem_alloc(3 * target.len) : NULL;
        if (!normal) {
            return (struct robots_verdict){.allowed = false};
        }
        target = str_n(normal, robots_normalize(normal, target, false));
    }
    const struct robots_rule *rule = decide(r, lines_for(r, agent), target);
    mem_free(normal);
    return rule ? (struct robots_verdict){rule->allow, r->text.p + rule->shown, rule->line}
                : (struct robots_verdict){.allowed = true};
}

bool robots_allows(const robots *r, const char *agent, str target)
{
    return robots_check(r, agent, target).allowed;
}

/* ---- fetching it ---- */

enum robots_policy robots_policy(int status, unsigned redirects)
{
    if (redirects > ROBOTS_REDIRECTS_MAX || (status >= 300 && status < 400)) {
        return ROBOTS_ALLOW_ALL;
    }
    if (status >= 200 && status < 300) {
        return ROBOTS_PARSE;
    }
    return status >= 400 && status < 500 && status != 429 ? ROBOTS_ALLOW_ALL : ROBOTS_DISALLOW_ALL;
}

int64_t robots_lifetime_s(enum robots_policy policy, int64_t max_age)
{
    const int64_t day = 86400, least = 300, retry = 1800;
    int64_t most = policy == ROBOTS_DISALLOW_ALL ? retry : day;
    int64_t wanted = max_age < 0 ? most : max_age;
    return wanted > most ? most : wanted < least ? least : wanted;
}
