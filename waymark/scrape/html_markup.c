/* Comments, document types, and what passes for them. */
#include <assert.h>
#include <string.h>

#include "waymark/scrape/html_impl.h"

enum { DOCTYPE_LIMIT = 256 };

static void comment_text(html *h, str t)
{
    if (h->options.want & HTML_WANT_COMMENT) {
        html_part(h, t, HTML_COMMENT_LIMIT);
    }
}

static void end_comment(html *h)
{
    h->state = H_DATA;
    if (h->options.want & HTML_WANT_COMMENT) {
        struct html_token t = {.kind = HTML_COMMENT, .text = buf_str(&h->part)};
        html_emit(h, &t);
    }
}

static void end_doctype(html *h)
{
    h->state = H_DATA;
    if (h->options.want & HTML_WANT_DOCTYPE) {
        str rest = str_trim(buf_str(&h->part));
        size_t n = 0;
        for (; n < rest.len && !ascii_is_space(rest.p[n]); n++) {
            h->part.p[(size_t)(rest.p - h->part.p) + n] = ascii_lower(rest.p[n]);
        }
        struct html_token t = {.kind = HTML_DOCTYPE, .name = str_n(rest.p, n)};
        html_emit(h, &t);
    }
}

/* "<!": a comment, a document type, a CDATA section where those exist, or none of them. */
static void in_declaration(html *h, const char **at, const char *end)
{
    static const struct {
        const char *word;
        enum html_state state;
    } words[] = {{"--", H_COMMENT_START}, {"DOCTYPE", H_DOCTYPE}, {"[CDATA[", H_CDATA}};
    while (*at < end) {
        bool fits = false;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            str word = str_of(words[i].word);
            if (!html_held_fits(h, 0, word, **at) || (words[i].state == H_CDATA && !h->foreign)) {
                continue;
            }
            fits = true;
            if (h->n_held + 1 == word.len) {
                ++*at;
                h->n_held = 0;
                h->state = words[i].state;
                html_part_start(h);
                return;
            }
        }
        if (!fits) {
            h->state = H_BOGUS;
            html_part_start(h);
            comment_text(h, str_n(h->held, h->n_held));
            h->n_held = 0;
            return;
        }
        h->held[h->n_held++] = *(*at)++;
    }
}

/* One byte of a comment's end or start; what turned out to be none is text. */
static void in_comment_dashes(html *h, const char **at)
{
    char c = **at;
    bool at_start = h->state == H_COMMENT_START || h->state == H_COMMENT_START_DASH;
    if (c == '>' && h->state != H_COMMENT_DASH) {
        ++*at;
        end_comment(h);
    } else if (c == '-' && h->state == H_COMMENT_BANG) {
        ++*at;
        comment_text(h, STR("--!"));
        h->state = H_COMMENT_DASH;
    } else if (c == '-' && h->state == H_COMMENT_END) {
        ++*at;
        comment_text(h, STR("-"));
    } else if (c == '-') {
        ++*at;
        h->state = h->state == H_COMMENT_START ? H_COMMENT_START_DASH : H_COMMENT_END;
    } else if (c == '!' && h->state == H_COMMENT_END) {
        ++*at;
        h->state = H_COMMENT_BANG;
    } else {
        comment_text(h, h->state == H_COMMENT_BANG                ? STR("--!")
                        : h->state == H_COMMENT_END               ? STR("--")
                        : h->state == H_COMMENT_START && at_start ? (str){NULL, 0}
                                                                  : STR("-"));
        h->state = H_COMMENT;
    }
}

/* Text up to a byte that is not taken; false when the window ends first. */
static bool text_until(html *h, const char **at, const char *end, char stop)
{
    const char *p = memchr(*at, stop, (size_t)(end - *at));
    str t = str_n(*at, (size_t)((p ? p : end) - *at));
    if (h->state == H_DOCTYPE) {
        html_part(h, t, DOCTYPE_LIMIT);
    } else {
        comment_text(h, t);
    }
    *at = p ? p + 1 : end;
    return p != NULL;
}

void html_in_markup(html *h, const char **at, const char *end)
{
    assert(*at < end);
    if (h->state == H_DECLARATION) {
        in_declaration(h, at, end);
    } else if (h->state == H_COMMENT) {
        if (text_until(h, at, end, '-')) {
            h->state = H_COMMENT_DASH;
        }
    } else if (h->state == H_BOGUS) {
        if (text_until(h, at, end, '>')) {
            end_comment(h);
        }
    } else if (h->state == H_DOCTYPE) {
        if (text_until(h, at, end, '>')) {
            end_doctype(h);
        }
    } else {
        in_comment_dashes(h, at);
    }
}

void html_end_markup(html *h)
{
    if (h->state == H_DOCTYPE) {
        end_doctype(h);
        return;
    }
    if (h->state == H_DECLARATION) {
        html_part_start(h);
        comment_text(h, str_n(h->held, h->n_held));
    }
    end_comment(h);
}
