/* Any body is a robots.txt, and any question to it has an answer that agrees with itself. The input's first line is the
 * target, its second the agent; the body is the rest. */
#include <stdlib.h>

#include "base/mem.h"
#include "waymark/scrape/robots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str body = str_n((const char *)data, size), target = str_cut(&body, '\n'), agent_text = str_cut(&body, '\n');
    MEM_AUTO char *agent = mem_memdup0(agent_text.p, agent_text.len);
    ROBOTS_AUTO robots *r = NULL;
    must(agent != NULL && robots_parse(body.p, body.len, &r) == 0);
    struct robots_verdict v = robots_check(r, agent, target);
    must(v.allowed == robots_allows(r, agent, target));
    must(v.allowed || v.rule);
    must(!v.rule || (v.line > 0 && str_starts(str_of(v.rule), v.allowed ? STR("Allow: ") : STR("Disallow: "))));
    must(robots_allows(r, agent, STR("/robots.txt")));
    int64_t delay = robots_crawl_delay_ms(r, agent);
    must(delay >= -1 && delay <= ROBOTS_DELAY_MAX_MS);
    for (size_t i = 0; i < robots_sitemaps(r); i++) {
        must(robots_sitemap(r, i).len > 0);
    }
    const struct robots_facts *f = robots_facts(r);
    must((f->problems == 0) == (f->first_problem == 0));
    return 0;
}
