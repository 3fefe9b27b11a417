/* The reader: which elements of a page are looked at, and what is made of the findings at its end. */
#include "waymark/scrape/site.h"

#include <assert.h>
#include <errno.h>

#include "base/diag.h"
#include "waymark/scrape/site_impl.h"
#include "waymark/scrape/url.h"

enum { LINK_TEXT_MAX = 256 /* bytes of a link's text that are looked at */ };

str site_copy(site_reader *r, str t)
{
    char *p = t.len ? arena_bytes(r->a, t.len) : NULL;
    if (!p) {
        r->err = t.len ? diag_nomem() : r->err;
        return (str){NULL, 0};
    }
    memcpy(p, t.p, t.len);
    return str_n(p, t.len);
}

/* t without white space around it, each run of it inside as one space, at most SITE_TEXT_MAX characters. */
static str collapse(site_reader *r, str t)
{
    t = str_trim(t);
    size_t room = t.len < (size_t)4 * SITE_TEXT_MAX ? t.len : (size_t)4 * SITE_TEXT_MAX, n = 0, chars = 0;
    char *p = room ? arena_bytes(r->a, room) : NULL;
    if (!p) {
        r->err = room ? diag_nomem() : r->err;
        return (str){NULL, 0};
    }
    for (size_t i = 0; i < t.len; i++) {
        char c = ascii_is_space(t.p[i]) ? ' ' : t.p[i];
        bool starts = ((uint8_t)c & 0xc0) != 0x80;
        if (c == ' ' && n && p[n - 1] == ' ') {
            continue;
        }
        if (starts && chars++ == SITE_TEXT_MAX) {
            break;
        }
        assert(n < room);
        p[n++] = c;
    }
    return str_trim(str_n(p, n));
}

void site_keep_text(site_reader *r, enum site_fact f, str value)
{
    if (!r->facts[f].len) {
        r->facts[f] = collapse(r, value);
    }
}

void site_set_reference(site_reader *r, enum site_fact f, str value)
{
    value = str_trim(value);
    if (value.len && value.len <= SITE_REFERENCE_MAX) {
        r->facts[f] = site_copy(r, value);
    }
}

void site_keep_reference(site_reader *r, enum site_fact f, str value)
{
    if (!r->facts[f].len) {
        site_set_reference(r, f, value);
    }
}

void site_add_sitemap(site_reader *r, str href, bool declared)
{
    href = str_trim(href);
    for (size_t i = 0; i < r->n_sitemaps; i++) {
        if (str_eq(r->sitemaps[i].href, href)) {
            r->sitemaps[i].declared |= declared;
            return;
        }
    }
    if (href.len && href.len <= SITE_REFERENCE_MAX && r->n_sitemaps < SITE_SITEMAPS_MAX) {
        r->sitemaps[r->n_sitemaps++] = (struct site_sitemap){site_copy(r, href), declared};
    }
}

bool site_has_word(str list, str word)
{
    for (size_t i = 0; i < list.len;) {
        size_t n = 0;
        while (i + n < list.len && !ascii_is_space(list.p[i + n]) && list.p[i + n] != ',') {
            n++;
        }
        if (str_eq_nocase(str_n(list.p + i, n), word)) {
            return true;
        }
        i += n + 1;
    }
    return false;
}

/* The text that is being gathered ended. */
static void end_text(site_reader *r)
{
    if (r->in_title) {
        site_keep_text(r, FACT_TITLE, buf_str(&r->text));
        r->in_title = false;
    }
    if (r->link_href.len && site_says_sitemap(buf_str(&r->text))) {
        site_add_sitemap(r, r->link_href, false);
    }
    r->link_href = (str){NULL, 0};
    buf_clear(&r->text);
    html_set_want(r->html, 0);
}

static void on_text(site_reader *r, str t)
{
    size_t limit = r->in_title ? (size_t)8 * SITE_TEXT_MAX : LINK_TEXT_MAX;
    size_t room = r->text.len < limit ? limit - r->text.len : 0;
    if (t.len > room) {
        while (room && ((uint8_t)t.p[room] & 0xc0) == 0x80) {
            room--; /* whole characters only */
        }
        t.len = room;
    }
    if (t.len && buf_put_str(&r->text, t)) {
        r->err = diag_nomem();
    }
}

static void on_image(site_reader *r, const struct html_token *t)
{
    static const char *const attrs[] = {"class", "id", "alt", "src"};
    str src, value;
    if (r->facts[FACT_LOGO].len || !html_attr(t, "src", &src)) {
        return;
    }
    for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++) {
        if (html_attr(t, attrs[i], &value) && str_find_nocase(value, STR("logo")) >= 0 &&
            !str_starts_nocase(str_trim(src), STR("data:"))) {
            site_keep_reference(r, FACT_LOGO, src);
            return;
        }
    }
}

static void on_title(site_reader *r, const struct html_token *t)
{
    if (!t->foreign && !r->facts[FACT_TITLE].len) {
        r->in_title = true;
        html_set_want(r->html, HTML_WANT_TEXT | HTML_WANT_END);
    }
}

static void on_html(site_reader *r, const struct html_token *t)
{
    str lang;
    if (html_attr(t, "lang", &lang) || html_attr(t, "xml:lang", &lang)) {
        site_keep_text(r, FACT_LANG, lang);
    }
}

static void on_marked(site_reader *r, const struct html_token *t)
{
    str prop, value;
    if (html_attr(t, "itemprop", &prop) && site_has_word(prop, STR("logo")) &&
        (html_attr(t, "content", &value) || html_attr(t, "src", &value) || html_attr(t, "href", &value))) {
        site_keep_reference(r, FACT_MARKED_LOGO, value);
    }
}

static void on_start(site_reader *r, const struct html_token *t)
{
    str name = t->name;
    if (str_eq(name, STR("a"))) {
        end_text(r);
        site_anchor(r, t, SITE_ANCHOR, "href");
    } else if (str_eq(name, STR("img"))) {
        on_marked(r, t);
        on_image(r, t);
    } else if (str_eq(name, STR("link"))) {
        on_marked(r, t);
        site_link_element(r, t);
    } else if (str_eq(name, STR("meta"))) {
        on_marked(r, t);
        site_meta(r, t);
    } else if (str_eq(name, STR("area"))) {
        site_anchor(r, t, SITE_AREA, "href");
    } else if (str_eq(name, STR("iframe")) || str_eq(name, STR("frame"))) {
        site_anchor(r, t, SITE_FRAME, "src");
    } else if (str_eq(name, STR("title"))) {
        on_title(r, t);
    } else if (str_eq(name, STR("html"))) {
        on_html(r, t);
    } else if (str_eq(name, STR("base"))) {
        str href;
        if (!r->base_seen && html_attr(t, "href", &href)) {
            str scheme = url_scheme(href);
            r->base_seen = true; /* later ones never count, whatever the first one says */
            if (!scheme.len || str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("https"))) {
                site_keep_reference(r, FACT_BASE, href);
            }
        }
    }
}

static int on_token(void *arg, const struct html_token *t)
{
    site_reader *r = arg;
    if (t->kind == HTML_START) {
        on_start(r, t);
    } else if (t->kind == HTML_TEXT) {
        on_text(r, t->text);
    } else if (t->kind == HTML_END && (str_eq(t->name, STR("a")) || str_eq(t->name, STR("title")))) {
        end_text(r);
    }
    return r->err;
}

int site_reader_open(arena *a, const struct site_options *options, site_link_sink *sink, void *arg, site_reader **ret)
{
    site_reader *r = ARENA_NEW(a, site_reader);
    if (!r) {
        return diag_nomem();
    }
    r->a = a;
    r->sink = sink;
    r->arg = arg;
    r->site.refresh_s = -1;
    buf_init(&r->text, 64 << 10);
    struct html_options o = {.charset = options ? options->charset : NULL};
    int err = html_new(&o, on_token, r, &r->html);
    if (err < 0) {
        return err;
    }
    *ret = r;
    return 0;
}

void site_reader_close(site_reader *r)
{
    if (r) {
        html_free(r->html);
        r->html = NULL;
        buf_release(&r->text);
    }
}

int site_reader_feed(site_reader *r, const char *p, size_t len)
{
    return html_feed(r->html, p, len);
}

/* The first of the facts from first to last that the page stated. */
static str choose(const site_reader *r, enum site_fact first, enum site_fact last)
{
    unsigned f = first;
    while (f < last && !r->facts[f].len) {
        f++;
    }
    return r->facts[f];
}

/* A language tag, or nothing: letters, digits and hyphens; "en_US" is mended. */
static str language(site_reader *r)
{
    for (unsigned f = FACT_LANG; f <= FACT_OG_LOCALE; f++) {
        str t = r->facts[f];
        bool ok = t.len >= 2 && t.len <= 35;
        for (size_t i = 0; ok && i < t.len; i++) {
            ok = ascii_is_alpha(t.p[i]) || ascii_is_digit(t.p[i]) || t.p[i] == '-' || t.p[i] == '_';
        }
        char *p = ok ? arena_memdup0(r->a, t.p, t.len) : NULL;
        if (ok && !p) {
            r->err = diag_nomem();
        }
        for (size_t i = 0; p && i < t.len; i++) {
            p[i] = p[i] == '_' ? '-' : p[i];
        }
        if (p) {
            return str_n(p, t.len);
        }
    }
    return (str){NULL, 0};
}

int site_reader_finish(site_reader *r, const struct site **ret)
{
    int err = html_finish(r->html);
    if (err < 0) {
        return err;
    }
    end_text(r);
    struct site *s = &r->site;
    s->title = choose(r, FACT_TITLE, FACT_OG_TITLE);
    s->description = choose(r, FACT_DESCRIPTION, FACT_TWITTER_DESCRIPTION);
    s->language = language(r);
    s->canonical = r->facts[FACT_CANONICAL];
    s->base = r->facts[FACT_BASE];
    s->robots = r->facts[FACT_ROBOTS];
    s->generator = r->facts[FACT_GENERATOR];
    s->site_name = r->facts[FACT_SITE_NAME];
    s->favicon = r->facts[FACT_ICON];
    s->touch_icon = r->facts[FACT_TOUCH_ICON];
    s->image = choose(r, FACT_OG_IMAGE, FACT_TWITTER_IMAGE);
    s->logo = choose(r, FACT_MARKED_LOGO, FACT_LOGO);
    s->theme_color = r->facts[FACT_THEME_COLOR];
    s->refresh = r->facts[FACT_REFRESH];
    s->sitemaps = r->sitemaps;
    s->n_sitemaps = r->n_sitemaps;
    const struct html_stats *h = html_stats(r->html);
    s->bytes = h->bytes;
    s->encoding = h->encoding;
    s->truncated = h->truncated;
    if (r->err == 0) {
        *ret = s;
    }
    return r->err;
}
