/* A list of URLs, one a line. */
#include <assert.h>
#include <string.h>

#include "waymark/scrape/sitemap_impl.h"

enum { LINE_MAX_LEN = 16 << 10 };

/* One pass for both kinds of line end: looking for one past the other would be quadratic. */
static const char *line_end(const char *p, const char *end)
{
    while (p < end && *p != '\n' && *p != '\r') {
        p++;
    }
    return p < end ? p : NULL;
}

static bool is_url(str line)
{
    return str_starts_nocase(line, STR("http://")) || str_starts_nocase(line, STR("https://"));
}

static void take_line(sitemap_parser *s, str line)
{
    line = str_trim(line);
    if (line.len == 0) {
        return;
    }
    if (!is_url(line)) {
        sitemap_problem_add(s, SITEMAP_LINE_NOT_URL);
        return;
    }
    s->result.type = SITEMAP_TEXT;
    builder_begin(s, IN_URL, false, (str){NULL, 0});
    s->b.draft.loc = line;
    builder_commit(s);
}

/* What is too long for a line is counted by its start and skipped to its end. */
static void take_long(sitemap_parser *s, str start)
{
    bool url = is_url(str_trim(start));
    s->result.type = url ? SITEMAP_TEXT : s->result.type;
    sitemap_problem_add(s, url ? SITEMAP_LOC_TOO_LONG : SITEMAP_LINE_NOT_URL);
    s->skip = SKIP_LINE;
}

size_t sitemap_text(sitemap_parser *s, const char *p, size_t len, bool at_end)
{
    const char *at = p, *end = p + len;
    assert(p);
    while (at < end && s->stage == STAGE_TEXT && !s->err) {
        const char *eol = line_end(at, end);
        if (s->skip == SKIP_LINE) {
            s->skip = eol ? SKIP_NONE : SKIP_LINE;
            at = eol ? eol : end;
            continue;
        }
        size_t n = (size_t)((eol ? eol : end) - at);
        /* "Warning: ..." in front of a sitemap: as long as no line was a URL, markup means something else. */
        const char *markup = s->result.type == SITEMAP_NONE && n ? memchr(at, '<', n) : NULL;
        if (markup && !is_url(str_trim(str_n(at, n)))) {
            s->stage = STAGE_JUNK;
            s->result.problems[SITEMAP_LINE_NOT_URL] = 0;
            return (size_t)(markup - p);
        }
        if (n > LINE_MAX_LEN) {
            take_long(s, str_n(at, LINE_MAX_LEN));
            at += LINE_MAX_LEN;
        } else if (!eol && !at_end) {
            break;
        } else {
            take_line(s, str_n(at, n));
            at = eol ? eol + 1 : end;
        }
    }
    return at_end ? len : (size_t)(at - p);
}
