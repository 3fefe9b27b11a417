/* Text: of the page, of elements that hold nothing else, and of scripts. */
#include <assert.h>
#include <string.h>

#include "waymark/scrape/html_impl.h"

void html_put_text(html *h, str t, bool raw)
{
    if (t.len && (h->options.want & (raw ? HTML_WANT_RAW : HTML_WANT_TEXT))) {
        struct html_token token = {.kind = HTML_TEXT, .text = t, .raw = raw};
        html_emit(h, &token);
    }
}

static bool text_is_raw(const html *h)
{
    return h->state != H_DATA && h->state != H_PLAINTEXT && h->state != H_CDATA && h->state != H_CDATA_END &&
           !h->raw_refs;
}

static void hold(html *h, char c)
{
    assert(h->n_held < HELD_MAX);
    h->held[h->n_held++] = c;
}

static void put_held(html *h)
{
    size_t n = h->n_held;
    h->n_held = 0;
    html_put_text(h, str_n(h->held, n), text_is_raw(h));
}

/* The reference that the last window broke off. True when it is settled. */
static bool held_reference(html *h, const char **at, const char *end, bool more)
{
    char out[8];
    size_t n = 0, used = SIZE_MAX;
    assert(h->n_held && h->held[0] == '&');
    for (;;) {
        used = html_charref(h->held + 1, h->n_held - 1, false, true, out, &n);
        if (used != SIZE_MAX || *at == end) {
            break;
        }
        char c = **at;
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '#' && c != ';') {
            more = false;
            break;
        }
        hold(h, c);
        ++*at;
    }
    if (used == SIZE_MAX) {
        if (more) {
            return false;
        }
        used = html_charref(h->held + 1, h->n_held - 1, false, false, out, &n);
    }
    if (used) {
        html_put_text(h, str_n(out, n), false);
        memmove(h->held, h->held + 1 + used, h->n_held - 1 - used);
        h->n_held -= 1 + used;
    }
    put_held(h);
    return true;
}

/* Text with references; the window ends behind it when last. */
static void put_references(html *h, str t, bool last)
{
    while (t.len && !h->err) {
        const char *amp = memchr(t.p, '&', t.len);
        size_t run = amp ? (size_t)(amp - t.p) : t.len, n = 0;
        html_put_text(h, str_n(t.p, run), false);
        t = str_from(t, run);
        if (!amp) {
            return;
        }
        char out[8];
        size_t used = html_charref(t.p + 1, t.len - 1, false, last, out, &n);
        if (used == SIZE_MAX) {
            assert(t.len <= HELD_MAX);
            memcpy(h->held, t.p, t.len);
            h->n_held = t.len;
            return;
        }
        html_put_text(h, used ? str_n(out, n) : str_n(t.p, 1), false);
        t = str_from(t, 1 + used);
    }
}

static void in_data(html *h, const char **at, const char *end)
{
    if (h->n_held && !held_reference(h, at, end, true)) {
        return;
    }
    const char *lt = memchr(*at, '<', (size_t)(end - *at)), *stop = lt ? lt : end;
    if (h->options.want & HTML_WANT_TEXT) {
        put_references(h, str_n(*at, (size_t)(stop - *at)), !lt);
    }
    *at = lt ? lt + 1 : end;
    h->state = lt ? H_TAG_OPEN : H_DATA;
}

/* In a script behind "<!--": where the next '<' is, keeping count of "-->". */
static const char *escaped_lt(html *h, const char *p, const char *end)
{
    for (; p < end && *p != '<'; p++) {
        if (*p == '>' && h->script_dashes >= 2) {
            h->script = SCRIPT_PLAIN;
            const char *lt = memchr(p, '<', (size_t)(end - p));
            return lt ? lt : end;
        }
        h->script_dashes = *p == '-' ? h->script_dashes + 1 : 0;
    }
    h->script_dashes = p < end ? 0 : h->script_dashes;
    return p;
}

static void in_raw(html *h, const char **at, const char *end)
{
    if (h->n_held && !held_reference(h, at, end, true)) {
        return;
    }
    const char *stop;
    if (h->script == SCRIPT_ESCAPED || h->script == SCRIPT_TWICE) {
        stop = escaped_lt(h, *at, end);
    } else {
        stop = memchr(*at, '<', (size_t)(end - *at));
        stop = stop ? stop : end;
    }
    str t = str_n(*at, (size_t)(stop - *at));
    if (!h->raw_refs) {
        html_put_text(h, t, true);
    } else if (h->options.want & HTML_WANT_TEXT) {
        put_references(h, t, stop == end);
    }
    *at = stop;
    if (stop < end) {
        ++*at;
        hold(h, '<');
        h->state = H_RAW_LT;
    }
}

bool html_held_fits(const html *h, size_t from, str word, char c)
{
    size_t n = h->n_held - from;
    return n < word.len && ascii_lower(word.p[n]) == ascii_lower(c) &&
           str_eq_nocase(str_n(h->held + from, n), str_n(word.p, n));
}

static bool is_word(const html *h, str word, char c)
{
    bool ends = ascii_is_space(c) || c == '/' || c == '>';
    return ends && str_eq_nocase(str_n(h->held + 1, h->n_held - 1), word);
}

/* '<' in raw text: an end tag, or one of the turns that scripts take. */
static void in_raw_lt(html *h, const char **at, const char *end)
{
    char text[sizeof h->raw_name + 1];
    text[0] = '/';
    memcpy(text + 1, h->raw_name, h->n_raw_name);
    str slash_name = str_n(text, h->n_raw_name + 1);
    bool is_text = false;
    for (; *at < end && !is_text; ++*at) {
        char c = **at;
        bool fits = html_held_fits(h, 1, slash_name, c) ||
                    (h->script == SCRIPT_PLAIN && html_held_fits(h, 1, STR("!--"), c)) ||
                    (h->script == SCRIPT_ESCAPED && html_held_fits(h, 1, STR("script"), c));
        if (!fits) {
            break;
        }
        hold(h, c);
        is_text = h->script == SCRIPT_PLAIN && h->n_held == 4 && memcmp(h->held, "<!--", 4) == 0;
    }
    if (is_text) {
        h->script = SCRIPT_ESCAPED;
        h->script_dashes = 2;
    } else if (*at == end) {
        return;
    } else if (is_word(h, slash_name, **at)) {
        if (h->script != SCRIPT_TWICE) {
            h->n_held = 0;
            html_raw_end_tag(h);
            return;
        }
        h->script = SCRIPT_ESCAPED;
    } else if (h->script == SCRIPT_ESCAPED && is_word(h, STR("script"), **at)) {
        h->script = SCRIPT_TWICE;
    }
    put_held(h);
    h->state = H_RAW;
}

/* "]]>": at the first ']' that is not part of it, what was held is text. */
static void in_cdata(html *h, const char **at, const char *end)
{
    if (h->state == H_CDATA) {
        const char *bracket = memchr(*at, ']', (size_t)(end - *at)), *stop = bracket ? bracket : end;
        html_put_text(h, str_n(*at, (size_t)(stop - *at)), false);
        *at = stop;
        if (bracket) {
            ++*at;
            hold(h, ']');
            h->state = H_CDATA_END;
        }
        return;
    }
    char c = **at;
    if (c == ']' && h->n_held == 2) {
        html_put_text(h, STR("]"), false);
        ++*at;
    } else if (c == ']') {
        hold(h, c);
        ++*at;
    } else if (c == '>' && h->n_held == 2) {
        h->n_held = 0;
        h->state = H_DATA;
        ++*at;
    } else {
        put_held(h);
        h->state = H_CDATA;
    }
}

void html_in_text(html *h, const char **at, const char *end)
{
    if (h->state == H_DATA) {
        in_data(h, at, end);
    } else if (h->state == H_RAW) {
        in_raw(h, at, end);
    } else if (h->state == H_RAW_LT) {
        in_raw_lt(h, at, end);
    } else if (h->state == H_PLAINTEXT) {
        html_put_text(h, str_n(*at, (size_t)(end - *at)), false);
        *at = end;
    } else {
        in_cdata(h, at, end);
    }
}

void html_end_text(html *h)
{
    const char *none = "", *end = none;
    if (h->n_held && (h->state == H_DATA || h->state == H_RAW)) {
        (void)held_reference(h, &none, end, false);
    } else {
        put_held(h);
    }
}

void html_enter_raw(html *h, str name)
{
    static const struct {
        const char *name;
        bool references;
        enum script_mode script;
    } table[] = {
        {"script", false, SCRIPT_PLAIN}, {"style", false, SCRIPT_NOT},    {"title", true, SCRIPT_NOT},
        {"textarea", true, SCRIPT_NOT},  {"iframe", false, SCRIPT_NOT},   {"xmp", false, SCRIPT_NOT},
        {"noembed", false, SCRIPT_NOT},  {"noframes", false, SCRIPT_NOT},
    };
    if (h->foreign || name.len < 3 || name.len > 9) {
        return;
    }
    if (str_eq(name, STR("plaintext"))) {
        h->state = H_PLAINTEXT;
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (str_eq(name, str_of(table[i].name))) {
            assert(name.len < sizeof h->raw_name);
            memcpy(h->raw_name, name.p, name.len);
            h->n_raw_name = name.len;
            h->raw_refs = table[i].references;
            h->script = table[i].script;
            h->script_dashes = 0;
            h->state = H_RAW;
        }
    }
}
