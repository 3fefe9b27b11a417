/* Before and behind the root element: what kind of document it is, without holding any of it. A document type
 * declaration is skipped here and reaches neither reader, so no entity it declares can ever expand. */
#include <assert.h>
#include <string.h>

#include "waymark/scrape/sitemap_impl.h"

enum { LOOK = 16 /* bytes that tell one kind of markup from another */ };

const char *sitemap_name_end(const char *p, const char *end)
{
    while (p < end && *p != '>' && *p != '/' && *p != '<' && *p != '=' && !ascii_is_space(*p)) {
        p++;
    }
    return p;
}

str sitemap_local(str qname)
{
    const char *colon = qname.len ? memrchr(qname.p, ':', qname.len) : NULL;
    return colon ? str_from(qname, (size_t)(colon - qname.p) + 1) : qname;
}

/* Inside a DOCTYPE: s->quote is the quote that is open, '-' in a comment, '?' in a processing instruction. */
static bool skip_doctype(sitemap_parser *s, const char **at, const char *end)
{
    const char *p = *at;
    while (p < end) {
        size_t left = (size_t)(end - p);
        if (s->quote == '"' || s->quote == '\'') {
            const char *q = memchr(p, s->quote, left);
            p = q ? q + 1 : end;
            s->quote = q ? '\0' : s->quote;
        } else if (s->quote) {
            const char *term = s->quote == '-' ? "-->" : "?>";
            size_t n = strlen(term);
            const char *q = memmem(p, left, term, n);
            if (!q) {
                *at = left < n ? p : end - (n - 1);
                return false;
            }
            p = q + n;
            s->quote = '\0';
        } else if (*p == '<' && left < 8) {
            break; /* not enough to tell a comment from a declaration */
        } else if (*p == '<') {
            s->quote = memcmp(p, "<!--", 4) == 0 ? '-' : p[1] == '?' ? '?' : '\0';
            if (memcmp(p, "<!ENTITY", 8) == 0) {
                sitemap_problem_add(s, SITEMAP_ENTITY_DECLARED);
            }
            p += s->quote == '-' ? 4 : s->quote == '?' ? 2 : 1;
        } else {
            s->quote = *p == '"' || *p == '\'' ? *p : '\0';
            s->brackets += *p == '[';
            s->brackets -= *p == ']' && s->brackets;
            if (*p++ == '>' && s->brackets == 0) {
                *at = p;
                return true;
            }
        }
    }
    *at = p;
    return false;
}

bool sitemap_skip(sitemap_parser *s, const char **at, const char *end)
{
    static const char *const terms[] = {[SKIP_COMMENT] = "-->", [SKIP_PI] = "?>"};
    if (s->skip == SKIP_NONE) {
        return true;
    }
    if (s->skip == SKIP_DOCTYPE) {
        if (!skip_doctype(s, at, end)) {
            return false;
        }
        s->skip = SKIP_NONE;
        return true;
    }
    const char *term = terms[s->skip];
    size_t n = strlen(term), left = (size_t)(end - *at);
    const char *q = memmem(*at, left, term, n);
    if (!q) {
        *at = left < n ? *at : end - (n - 1);
        return false;
    }
    *at = q + n;
    s->skip = SKIP_NONE;
    return true;
}

/* A name that expat will take, too. */
static bool plain_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        if (!ascii_is_alpha(c) && c != '_' && (i == 0 || (!ascii_is_digit(c) && c != '-' && c != '.' && c != ':'))) {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_MAX_LEN;
}

/* Takes qname as the root when it is one; the rest of its tag comes next. */
static bool take_root(sitemap_parser *s, str qname)
{
    static const struct {
        const char *local;
        enum sitemap_type type;
    } roots[] = {{"urlset", SITEMAP_URLSET},
                 {"sitemapindex", SITEMAP_INDEX},
                 {"rss", SITEMAP_RSS},
                 {"RDF", SITEMAP_RSS},
                 {"feed", SITEMAP_ATOM}};
    str local = sitemap_local(qname);
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        if (str_eq(local, str_of(roots[i].local)) && plain_name(qname)) {
            memcpy(s->root, qname.p, qname.len);
            s->n_root = qname.len;
            s->result.type = roots[i].type;
            s->stage = STAGE_ROOT;
            s->quote = '\0';
            return true;
        }
    }
    s->saw_html |=
        str_eq_nocase(local, STR("html")) || str_eq_nocase(local, STR("head")) || str_eq_nocase(local, STR("body"));
    return false;
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && ascii_is_space(*p)) {
        p++;
    }
    return p;
}

/* The markup at *at before the root; false when it takes more bytes to tell. */
static bool prolog_markup(sitemap_parser *s, const char **at, const char *end, bool at_end)
{
    str rest = str_n(*at, (size_t)(end - *at));
    assert(rest.len && rest.p[0] == '<');
    if (rest.len < LOOK && !at_end) {
        return false;
    }
    if (str_starts(rest, STR("<?"))) {
        s->skip = SKIP_PI;
        *at += 2;
    } else if (str_starts(rest, STR("<!--"))) {
        s->skip = SKIP_COMMENT;
        *at += 4;
    } else if (str_starts_nocase(rest, STR("<!DOCTYPE"))) {
        bool html = str_starts_nocase(str_from(rest, 10), STR("html"));
        s->saw_html |= html;
        if (!html) {
            sitemap_problem_add(s, SITEMAP_DOCTYPE);
        }
        s->skip = SKIP_DOCTYPE;
        s->brackets = 0;
        s->quote = '\0';
        *at += 9;
    } else {
        const char *name = sitemap_name_end(*at + 1, end);
        if (name == end && !at_end && rest.len <= NAME_MAX_LEN) {
            return false;
        }
        if (take_root(s, str_n(*at + 1, (size_t)(name - *at) - 1))) {
            *at = name;
        } else {
            s->saw_markup = true;
            s->stage = STAGE_JUNK;
        }
    }
    return true;
}

size_t sitemap_prolog(sitemap_parser *s, const char *p, size_t len, bool at_end)
{
    const char *at = p, *end = p + len;
    while (s->stage == STAGE_PROLOG) {
        if (!sitemap_skip(s, &at, end)) {
            break;
        }
        at = skip_space(at, end);
        if (at == end) {
            break;
        }
        if (*at != '<') {
            s->stage = STAGE_TEXT;
        } else if (!prolog_markup(s, &at, end, at_end)) {
            break;
        }
    }
    return at_end && s->stage == STAGE_PROLOG ? len : (size_t)(at - p);
}

size_t sitemap_root(sitemap_parser *s, const char *p, size_t len, bool at_end)
{
    (void)at_end;
    for (size_t i = 0; i < len; i++) {
        if (s->quote) {
            const char *q = memchr(p + i, s->quote, len - i);
            if (!q) {
                return len;
            }
            i = (size_t)(q - p);
            s->quote = '\0';
        } else if (p[i] == '"' || p[i] == '\'') {
            s->quote = p[i];
        } else if (p[i] == '>') {
            bool scan =
                (s->result.type == SITEMAP_URLSET || s->result.type == SITEMAP_INDEX) && !s->options.without_scanner;
            s->stage = s->bare_root ? STAGE_TAIL : scan ? STAGE_SCAN : STAGE_EXPAT;
            if (s->stage == STAGE_SCAN) {
                sitemap_scan_start(s);
            } else if (s->stage == STAGE_EXPAT) {
                int r = sitemap_expat_start(s);
                if (r < 0) {
                    sitemap_fail(s, r);
                }
            }
            return i + 1;
        }
        s->bare_root = p[i] == '/';
    }
    return len;
}

size_t sitemap_junk(sitemap_parser *s, const char *p, size_t len, bool at_end)
{
    const char *at = p, *end = p + len;
    while ((at = memchr(at, '<', (size_t)(end - at)))) {
        const char *name = sitemap_name_end(at + 1, end);
        size_t n = (size_t)(name - at) - 1;
        if (name == end && !at_end && n <= NAME_MAX_LEN) {
            return (size_t)(at - p);
        }
        if (take_root(s, str_n(at + 1, n))) {
            sitemap_problem_add(s, SITEMAP_LEADING_JUNK);
            return (size_t)(name - p);
        }
        at = name;
    }
    return len;
}

size_t sitemap_tail(sitemap_parser *s, const char *p, size_t len, bool at_end)
{
    const char *at = p, *end = p + len;
    for (;;) {
        if (!sitemap_skip(s, &at, end)) {
            return at_end ? len : (size_t)(at - p);
        }
        at = skip_space(at, end);
        str rest = str_n(at, (size_t)(end - at));
        if (rest.len == 0) {
            return len;
        }
        bool could_be = str_starts(STR("<!--"), rest) || str_starts(STR("<?"), rest);
        if (rest.len < 4 && could_be && !at_end) {
            return (size_t)(at - p);
        }
        if (str_starts(rest, STR("<!--"))) {
            s->skip = SKIP_COMMENT;
            at += 4;
        } else if (str_starts(rest, STR("<?"))) {
            s->skip = SKIP_PI;
            at += 2;
        } else {
            sitemap_problem_add(s, SITEMAP_TRAILING_JUNK);
            s->stage = STAGE_STOPPED;
            return (size_t)(at - p);
        }
    }
}

static void no_sitemap(sitemap_parser *s, enum sitemap_problem why)
{
    s->result.type = why == SITEMAP_IS_HTML ? SITEMAP_HTML : SITEMAP_NONE;
    s->result.problems[SITEMAP_LINE_NOT_URL] = 0;
    s->result.reason = sitemap_problem_text(why);
    sitemap_problem_add(s, why);
}

void sitemap_prolog_finish(sitemap_parser *s)
{
    const struct gunzip_stats *g = gunzip_stats(s->gunzip);
    switch (s->stage) {
    case STAGE_PROLOG:
        no_sitemap(s, s->result.bytes == 0 ? SITEMAP_EMPTY : s->saw_html ? SITEMAP_IS_HTML : SITEMAP_NOT_A_SITEMAP);
        break;
    case STAGE_JUNK:
        no_sitemap(s, s->saw_html ? SITEMAP_IS_HTML : s->saw_markup ? SITEMAP_UNKNOWN_ROOT : SITEMAP_NOT_A_SITEMAP);
        break;
    case STAGE_TEXT:
        if (s->result.type == SITEMAP_NONE) {
            no_sitemap(s, SITEMAP_NOT_A_SITEMAP);
        }
        break;
    case STAGE_ROOT:
    case STAGE_SCAN:
    case STAGE_EXPAT:
    case STAGE_RESYNC:
        s->result.problems[SITEMAP_TRUNCATED] += !g->over_size && !g->over_ratio;
        break;
    case STAGE_TAIL:
    case STAGE_STOPPED:
        break;
    }
}
