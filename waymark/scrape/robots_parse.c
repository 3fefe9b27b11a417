#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "waymark/scrape/robots_impl.h"

enum field { FIELD_UNKNOWN, FIELD_AGENT, FIELD_ALLOW, FIELD_DISALLOW, FIELD_SITEMAP, FIELD_DELAY };

static const struct {
    const char *name;
    enum field field;
} fields[] = {
    {"user-agent", FIELD_AGENT},  {"useragent", FIELD_AGENT},    {"user agent", FIELD_AGENT},
    {"disallow", FIELD_DISALLOW}, {"dissallow", FIELD_DISALLOW}, {"dissalow", FIELD_DISALLOW},
    {"disalow", FIELD_DISALLOW},  {"diasllow", FIELD_DISALLOW},  {"disallaw", FIELD_DISALLOW},
    {"allow", FIELD_ALLOW},       {"sitemap", FIELD_SITEMAP},    {"site-map", FIELD_SITEMAP},
    {"crawl-delay", FIELD_DELAY}, {"crawldelay", FIELD_DELAY},   {"crawl delay", FIELD_DELAY},
};

struct parser {
    robots *r;
    unsigned line;
    bool in_group;  /* a User-agent line was seen */
    bool has_rules; /* the current group has rules, so the next User-agent line starts another */
    size_t delayed; /* agents before this one have their delay, or belong to an earlier group */
    size_t room_rules, room_agents, room_groups, room_sitemaps;
};

/* Twice the room for items; NULL when memory is out. */
static void *regrow(void *items, size_t size, size_t *room)
{
    size_t more = *room ? 2 * *room : 8;
    assert(more <= (size_t)4 * ROBOTS_MAX);
    void *p = mem_realloc(items, more * size);
    *room = p ? more : *room;
    return p;
}

/* Makes room for one more behind n_what; 0 or -ENOMEM. */
#define GROW(p, what)                                                                            \
    ({                                                                                           \
        robots *r_ = (p)->r;                                                                     \
        bool full_ = r_->n_##what == (p)->room_##what;                                           \
        void *grown_ = full_ ? regrow(r_->what, sizeof *r_->what, &(p)->room_##what) : r_->what; \
        r_->what = grown_ ? grown_ : r_->what;                                                   \
        grown_ ? 0 : -ENOMEM;                                                                    \
    })

static void problem(struct parser *p)
{
    struct robots_facts *f = &p->r->facts;
    f->problems++;
    f->first_problem = f->first_problem ? f->first_problem : p->line;
}

/* Appends s and a NUL to the texts. */
static int keep(robots *r, str s, struct robots_text *ret)
{
    *ret = (struct robots_text){(uint32_t)r->text.len, (uint32_t)s.len};
    int rc = buf_put_str(&r->text, s);
    return rc ? rc : buf_put(&r->text, "", 1);
}

/* ---- groups ---- */

static int start_group(struct parser *p)
{
    robots *r = p->r;
    /* One more for the end mark. */
    int rc = GROW(p, groups);
    if (rc) {
        return rc;
    }
    r->groups[r->n_groups++] = (uint32_t)r->n_rules;
    p->in_group = true;
    p->has_rules = false;
    p->delayed = r->n_agents;
    return 0;
}

static int add_agent(struct parser *p, str value)
{
    robots *r = p->r;
    str token = value;
    token.len = 0;
    while (token.len < value.len && robots_is_token_char(value.p[token.len])) {
        token.len++;
    }
    if (value.len && value.p[0] == '*' && (value.len == 1 || ascii_is_space(value.p[1]))) {
        token.len = 1;
    }
    int rc = !p->in_group || p->has_rules ? start_group(p) : 0;
    if (rc || token.len == 0) {
        /* A name that nobody can have still starts its group, whose rules then bind nobody. */
        problem(p);
        return rc;
    }
    struct robots_agent a = {.group = (uint32_t)r->n_groups - 1, .delay_ms = -1};
    rc = GROW(p, agents);
    rc = rc ? rc : keep(r, token, &a.token);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < token.len; i++) {
        r->text.p[a.token.at + i] = ascii_lower(r->text.p[a.token.at + i]);
    }
    r->agents[r->n_agents++] = a;
    return 0;
}

/* ---- rules ---- */

static int add_rule(struct parser *p, bool allow, str value)
{
    robots *r = p->r;
    p->has_rules |= p->in_group;
    if (value.len == 0) {
        return 0; /* "Disallow:" forbids nothing */
    }
    if (!p->in_group || (value.p[0] != '/' && value.p[0] != '*')) {
        problem(p);
        return 0;
    }
    if (value.len > ROBOTS_VALUE_MAX) {
        problem(p);
        if (allow) {
            return 0;
        }
        value.len = ROBOTS_VALUE_MAX; /* a part of the pattern forbids more, never less */
    }
    str field = allow ? STR("Allow: ") : STR("Disallow: ");
    struct robots_rule rule = {.shown = (uint32_t)r->text.len, .line = p->line, .allow = allow};
    struct robots_text shown;
    int rc = GROW(p, rules);
    rc = rc ? rc : buf_put_str(&r->text, field);
    rc = rc ? rc : keep(r, value, &shown);
    if (rc) {
        return rc;
    }
    rule.anchored = value.p[value.len - 1] == '$';
    value.len -= rule.anchored;
    char *to = buf_reserve(&r->text, 3 * value.len);
    if (!to) {
        return r->text.err;
    }
    size_t n = robots_normalize(to, value, true);
    ptrdiff_t star = str_find_char(str_n(to, n), '*');
    rule.prefix = (uint32_t)(star < 0 ? n : (size_t)star);
    rule.pattern = (struct robots_text){(uint32_t)r->text.len, (uint32_t)n};
    if (str_eq(str_n(to, n), value)) {
        rule.pattern = (struct robots_text){shown.at, (uint32_t)n}; /* no need for two */
    } else {
        r->text.len += n;
    }
    rule.length = (uint32_t)n + rule.anchored;
    r->rules[r->n_rules++] = rule;
    return 0;
}

/* Seconds with at most one point, in ms; -1 for anything else. */
static int32_t parse_delay(str s)
{
    uint64_t whole = 0, thousandths = 0;
    str fraction = s, digits = str_cut(&fraction, '.');
    bool ok = (digits.len == 0 && fraction.len) || str_to_u64(digits, UINT64_MAX / 2000, &whole);
    for (size_t i = 0, unit = 100; ok && i < fraction.len; i++, unit /= 10) {
        ok = ascii_is_digit(fraction.p[i]);
        thousandths += unit * (uint64_t)(fraction.p[i] - '0');
    }
    if (!ok) {
        return -1;
    }
    uint64_t ms = whole * 1000 + thousandths;
    return ms > ROBOTS_DELAY_MAX_MS ? ROBOTS_DELAY_MAX_MS : (int32_t)ms;
}

/* Holds for the agents named so far in this group that have none yet. */
static void set_delay(struct parser *p, str value)
{
    int32_t delay = parse_delay(value);
    if (delay < 0 || !p->in_group) {
        problem(p);
        return;
    }
    for (; p->delayed < p->r->n_agents; p->delayed++) {
        p->r->agents[p->delayed].delay_ms = delay;
    }
}

static int add_sitemap(struct parser *p, str value)
{
    if (value.len == 0 || value.len > ROBOTS_VALUE_MAX) {
        problem(p);
        return 0;
    }
    struct robots_text t;
    int rc = GROW(p, sitemaps);
    rc = rc ? rc : keep(p->r, value, &t);
    if (rc == 0) {
        p->r->sitemaps[p->r->n_sitemaps++] = t;
    }
    return rc;
}

/* ---- lines ---- */

/* A field's name, or one with more letters behind it ("disallowed", "sitemaps"). */
static enum field field_of(str key)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        str name = str_of(fields[i].name);
        size_t j = name.len;
        while (j < key.len && ascii_is_alpha(key.p[j])) {
            j++;
        }
        if (j >= key.len && str_starts_nocase(key, name)) {
            return fields[i].field;
        }
    }
    return FIELD_UNKNOWN;
}

static str first_word(str s)
{
    size_t n = 0;
    while (n < s.len && !ascii_is_space(s.p[n])) {
        n++;
    }
    return str_n(s.p, n);
}

static enum field split(str line, str *ret_value, bool *ret_separator)
{
    str rest = line, key = str_trim(str_cut(&rest, ':')), word = first_word(line);
    enum field field = rest.p ? field_of(key) : FIELD_UNKNOWN;
    *ret_separator = rest.p != NULL;
    *ret_value = str_trim(rest);
    if (field == FIELD_UNKNOWN && word.len < key.len) {
        /* No colon, or none where one belongs: "Disallow /x", "Sitemap https://...". */
        str value = str_trim(str_from(line, word.len));
        if (value.len && first_word(value).len == value.len && field_of(word) != FIELD_UNKNOWN) {
            *ret_separator = true;
            *ret_value = value;
            return field_of(word);
        }
    }
    return field;
}

static int parse_line(struct parser *p, str line)
{
    bool separator;
    str value;
    ptrdiff_t comment = str_find_char(line, '#');
    line = str_trim(comment >= 0 ? str_n(line.p, (size_t)comment) : line);
    if (line.len == 0) {
        return 0;
    }
    switch (split(line, &value, &separator)) {
    case FIELD_AGENT:
        return add_agent(p, value);
    case FIELD_ALLOW:
        return add_rule(p, true, value);
    case FIELD_DISALLOW:
        return add_rule(p, false, value);
    case FIELD_SITEMAP:
        return add_sitemap(p, value);
    case FIELD_DELAY:
        set_delay(p, value);
        return 0;
    case FIELD_UNKNOWN:
        if (!separator) {
            problem(p);
        }
        return 0;
    }
    __builtin_unreachable();
}

/* Ends in LF, CR or CRLF. */
static str next_line(str *rest)
{
    size_t n = 0;
    while (n < rest->len && rest->p[n] != '\n' && rest->p[n] != '\r') {
        n++;
    }
    str line = str_n(rest->p, n);
    if (n < rest->len) {
        n += rest->p[n] == '\r' && n + 1 < rest->len && rest->p[n + 1] == '\n' ? 2 : 1;
    }
    *rest = str_n(rest->p + n, rest->len - n);
    return line;
}

static int parse_body(struct parser *p, str body)
{
    while (body.len) {
        str line = next_line(&body);
        p->line++;
        int rc = p->r->facts.truncated && body.len == 0 ? 0 : parse_line(p, line);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

/* ---- the whole ---- */

static int by_token_and_group(const void *a, const void *b, void *arg)
{
    const struct robots_agent *x = a, *y = b;
    str s = robots_text(arg, x->token), t = robots_text(arg, y->token);
    int order = memcmp(s.p, t.p, s.len < t.len ? s.len : t.len);
    if (order == 0) {
        order = s.len != t.len ? (s.len < t.len ? -1 : 1) : 0;
    }
    return order ? order : (x->group > y->group) - (x->group < y->group);
}

static void sort_agents(robots *r)
{
    size_t n = 0;
    if (r->n_agents == 0) {
        return;
    }
    qsort_r(r->agents, r->n_agents, sizeof *r->agents, by_token_and_group, r);
    for (size_t i = 1; i < r->n_agents; i++) {
        if (by_token_and_group(&r->agents[n], &r->agents[i], r) != 0) {
            r->agents[++n] = r->agents[i];
        } else if (r->agents[i].delay_ms > r->agents[n].delay_ms) {
            r->agents[n].delay_ms = r->agents[i].delay_ms;
        }
    }
    r->n_agents = n + 1;
}

int robots_parse(const char *body, size_t len, robots **ret_robots)
{
    ROBOTS_AUTO robots *r = mem_zalloc(1, sizeof *r);
    if (!r) {
        return -ENOMEM;
    }
    /* Each byte is kept at most once as shown and three times as a pattern, with a field's name and NULs beside. */
    buf_init(&r->text, (size_t)16 * ROBOTS_MAX);
    struct parser p = {.r = r};
    str text = str_n(body, len);
    r->facts.truncated = len > ROBOTS_MAX;
    text.len = len > ROBOTS_MAX ? ROBOTS_MAX : len;
    if (str_starts(text, STR("\xef\xbb\xbf"))) {
        text = str_from(text, 3);
    }
    r->facts.is_html = str_starts(str_trim(text), STR("<"));
    int rc = parse_body(&p, text);
    rc = rc ? rc : GROW(&p, groups);
    if (rc) {
        return rc;
    }
    r->groups[r->n_groups] = (uint32_t)r->n_rules;
    sort_agents(r);
    r->facts.groups = (unsigned)r->n_groups;
    r->facts.rules = (unsigned)r->n_rules;
    *ret_robots = r;
    r = NULL;
    return 0;
}
