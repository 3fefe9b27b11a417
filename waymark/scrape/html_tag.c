/* Tags: names, attributes and their values, in every way of quoting. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "waymark/scrape/html_impl.h"

/* What ends a run of a kind; one table, so that a state is one loop. */
enum { SPACE = 1, SLASH = 2, GREATER = 4, EQUALS = 8, CAPITAL = 16 };
static const uint8_t classes[256] = {
    ['\t'] = SPACE, ['\n'] = SPACE,  ['\f'] = SPACE, ['\r'] = SPACE,          [' '] = SPACE,
    ['/'] = SLASH,  ['>'] = GREATER, ['='] = EQUALS, ['A' ... 'Z'] = CAPITAL,
};

static uint8_t class_of(char c)
{
    return classes[(uint8_t)c];
}

static char *copy_room(html *h, size_t n)
{
    char *p = arena_bytes(h->tag, n);
    if (!p) {
        html_fail(h, diag_nomem());
    }
    return p;
}

/* t where it outlives the window, or as it is when it need not. */
static str keep(html *h, str t)
{
    char *p = t.len ? copy_room(h, t.len) : NULL;
    if (!p) {
        return (str){NULL, 0};
    }
    memcpy(p, t.p, t.len);
    return str_n(p, t.len);
}

static str end_name(html *h, str run)
{
    str t = html_part_end(h, run, HTML_NAME_LIMIT);
    if (!h->upper && !h->part_used) {
        return t;
    }
    char *p = t.len ? copy_room(h, t.len) : NULL;
    if (!p) {
        return (str){NULL, 0};
    }
    for (size_t i = 0; i < t.len; i++) {
        p[i] = ascii_lower(t.p[i]);
    }
    return str_n(p, t.len);
}

/* The value of the last attribute with its references resolved and NULs replaced. */
static str resolve(html *h, str t)
{
    bool nul = t.len && memchr(t.p, '\0', t.len), amp = t.len && memchr(t.p, '&', t.len);
    if (!nul && !amp) {
        return h->part_used || h->n_kept == h->n_attrs ? keep(h, t) : t;
    }
    char *p = copy_room(h, 2 * t.len);
    if (!p) {
        return (str){NULL, 0};
    }
    t = str_n(p, amp ? html_unescape(t, true, p) : (memcpy(p, t.p, t.len), t.len));
    if (!nul) {
        return t;
    }
    p = copy_room(h, 3 * t.len);
    size_t n = 0;
    for (size_t i = 0; p && i < t.len; i++) {
        if (t.p[i]) {
            p[n++] = t.p[i];
        } else {
            n += utf8_put(0xfffd, p + n);
        }
    }
    return str_n(p, n);
}

static void end_attr_name(html *h, str run)
{
    h->drop = h->is_end;
    if (h->drop) {
        return;
    }
    h->drop = h->n_attrs == HTML_ATTRS_MAX || h->tag_bytes > HTML_TAG_MAX;
    if (h->drop) {
        h->stats.dropped++;
        return;
    }
    str name = end_name(h, run);
    h->tag_bytes += name.len;
    h->attrs[h->n_attrs++] = (struct html_attr){.name = name, .value = {NULL, 0}};
}

static void end_value(html *h, str run)
{
    if (!h->drop) {
        assert(h->n_attrs > 0);
        str value = resolve(h, html_part_end(h, run, HTML_VALUE_MAX));
        h->tag_bytes += value.len;
        h->attrs[h->n_attrs - 1].value = value;
    }
}

/* HTML elements that end svg and math wherever they stand. */
static bool breaks_out(str name)
{
    static const char words[] =
        " b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i "
        "img li listing menu meta nobr ol p pre ruby s small span strong strike sub sup table tt "
        "u ul var ";
    char word[16];
    if (name.len == 0 || name.len + 3 > sizeof word) {
        return false;
    }
    word[0] = word[name.len + 1] = ' ';
    memcpy(word + 1, name.p, name.len);
    return memmem(words, sizeof words - 1, word, name.len + 2) != NULL;
}

static void emit_tag(html *h)
{
    str name = h->name;
    bool root = str_eq(name, STR("svg")) || str_eq(name, STR("math"));
    h->state = H_DATA;
    if (h->is_end) {
        h->foreign -= root && h->foreign;
        if (h->options.want & HTML_WANT_END) {
            struct html_token t = {.kind = HTML_END, .name = name};
            html_emit(h, &t);
        }
    } else {
        if (h->foreign && breaks_out(name)) {
            h->foreign = 0;
        }
        struct html_token t = {.kind = HTML_START,
                               .name = name,
                               .attrs = h->attrs,
                               .n_attrs = h->n_attrs,
                               .self_closing = h->self_closing};
        html_emit(h, &t);
        h->foreign += root && !h->self_closing;
        html_enter_raw(h, name);
    }
    if (arena_used(h->tag)) {
        arena_reset(h->tag);
    }
    h->n_attrs = h->n_kept = 0;
}

static void start_tag(html *h, bool is_end)
{
    h->is_end = is_end;
    h->self_closing = h->upper = h->drop = h->name_kept = false;
    h->n_attrs = h->n_kept = 0;
    h->tag_bytes = 0;
    h->name = (str){NULL, 0};
    html_part_start(h);
    h->state = H_TAG_NAME;
}

void html_raw_end_tag(html *h)
{
    start_tag(h, true);
    h->name = str_n(h->raw_name, h->n_raw_name);
    h->state = H_BEFORE_ATTR;
}

/* Takes a run of bytes that are in none of the classes; false when the window ends first. */
static bool take_run(html *h, const char **at, const char *end, unsigned stops, size_t limit, str *ret)
{
    const char *p = *at;
    uint8_t seen = 0;
    while (p < end && !(class_of(*p) & stops)) {
        seen |= class_of(*p++);
    }
    h->upper |= (seen & CAPITAL) != 0;
    *ret = str_n(*at, (size_t)(p - *at));
    *at = p;
    if (p == end) {
        html_part(h, *ret, limit);
    }
    return p < end;
}

static void start_attr(html *h, const char **at)
{
    html_part_start(h);
    h->upper = false;
    h->state = H_ATTR_NAME;
    if (**at == '=') { /* a name may start with it, and only start */
        html_part(h, STR("="), HTML_NAME_LIMIT);
        ++*at;
    }
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && class_of(*p) == SPACE) {
        p++;
    }
    return p;
}

static void in_tag_name(html *h, const char **at, const char *end)
{
    str run;
    if (take_run(h, at, end, SPACE | SLASH | GREATER, HTML_NAME_LIMIT, &run)) {
        h->name = end_name(h, run);
        h->state = H_BEFORE_ATTR;
    }
}

/* Before an attribute, behind a name, behind a quoted value: what comes next decides. */
static void in_between(html *h, const char **at, const char *end)
{
    *at = skip_space(*at, end);
    if (*at == end) {
        return;
    }
    char c = **at;
    if (c == '>') {
        ++*at;
        emit_tag(h);
    } else if (c == '/') {
        ++*at;
        h->state = H_SLASH;
    } else if (c == '=' && h->state == H_AFTER_NAME) {
        ++*at;
        h->state = H_BEFORE_VALUE;
    } else {
        start_attr(h, at);
    }
}

static void in_slash(html *h, const char **at, const char *end)
{
    h->self_closing = **at == '>';
    h->state = H_BEFORE_ATTR;
    in_between(h, at, end);
}

static void in_attr_name(html *h, const char **at, const char *end)
{
    str run;
    if (take_run(h, at, end, SPACE | SLASH | GREATER | EQUALS, HTML_NAME_LIMIT, &run)) {
        end_attr_name(h, run);
        h->state = H_AFTER_NAME;
    }
}

static void before_value(html *h, const char **at, const char *end)
{
    *at = skip_space(*at, end);
    if (*at == end) {
        return;
    }
    char c = **at;
    if (c == '>') {
        in_between(h, at, end);
        return;
    }
    html_part_start(h);
    h->state = c == '"' ? H_VALUE_DOUBLE : c == '\'' ? H_VALUE_SINGLE : H_VALUE_BARE;
    *at += c == '"' || c == '\'';
}

static void in_quoted(html *h, const char **at, const char *end)
{
    char quote = h->state == H_VALUE_DOUBLE ? '"' : '\'';
    const char *close = memchr(*at, quote, (size_t)(end - *at));
    str run = str_n(*at, (size_t)((close ? close : end) - *at));
    if (!close) {
        html_part(h, run, HTML_VALUE_MAX);
        *at = end;
        return;
    }
    end_value(h, run);
    *at = close + 1;
    h->state = H_AFTER_VALUE;
}

static void in_bare(html *h, const char **at, const char *end)
{
    str run;
    if (take_run(h, at, end, SPACE | GREATER, HTML_VALUE_MAX, &run)) {
        end_value(h, run);
        h->state = H_BEFORE_ATTR;
    }
}

static void in_open(html *h, const char **at, const char *end)
{
    char c = **at;
    bool is_end = h->state == H_END_OPEN;
    (void)end;
    if (ascii_is_alpha(c)) {
        start_tag(h, is_end);
    } else if (c == '!' && !is_end) {
        ++*at;
        h->state = H_DECLARATION;
        h->n_held = 0;
    } else if (c == '/' && !is_end) {
        ++*at;
        h->state = H_END_OPEN;
    } else if (c == '>' && is_end) {
        ++*at;
        h->state = H_DATA;
    } else if (c == '?' || is_end) {
        html_part_start(h);
        h->state = H_BOGUS;
    } else {
        h->state = H_DATA;
        html_put_text(h, STR("<"), false);
    }
}

void html_in_tag(html *h, const char **at, const char *end)
{
    typedef void state_fn(html *, const char **, const char *);
    static state_fn *const states[] = {
        [H_TAG_OPEN] = in_open,          [H_END_OPEN] = in_open,       [H_TAG_NAME] = in_tag_name,
        [H_BEFORE_ATTR] = in_between,    [H_ATTR_NAME] = in_attr_name, [H_AFTER_NAME] = in_between,
        [H_BEFORE_VALUE] = before_value, [H_VALUE_DOUBLE] = in_quoted, [H_VALUE_SINGLE] = in_quoted,
        [H_VALUE_BARE] = in_bare,        [H_AFTER_VALUE] = in_between, [H_SLASH] = in_slash,
    };
    assert(*at < end && h->state < sizeof states / sizeof *states && states[h->state]);
    states[h->state](h, at, end);
}

void html_keep_tag(html *h)
{
    if (!h->name_kept && h->name.len) {
        h->name = keep(h, h->name);
        h->name_kept = true;
    }
    for (; h->n_kept < h->n_attrs; h->n_kept++) {
        struct html_attr *a = &h->attrs[h->n_kept];
        a->name = keep(h, a->name); /* its value may be still to come: then end_value keeps it */
        a->value = keep(h, a->value);
    }
}
