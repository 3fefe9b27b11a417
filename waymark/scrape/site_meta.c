/* <meta>: what a page says of itself for machines. */
#include <assert.h>
#include <errno.h>

#include "base/diag.h"
#include "waymark/scrape/site_impl.h"

enum meta_kind { META_TEXT, META_REFERENCE, META_ROBOTS };

/* Joins what several robots metas say, in lower-case. */
static void add_robots(site_reader *r, str content)
{
    str old = r->facts[FACT_ROBOTS], t = str_trim(content);
    r->site.noindex |= site_has_word(t, STR("noindex")) || site_has_word(t, STR("none"));
    r->site.nofollow |= site_has_word(t, STR("nofollow")) || site_has_word(t, STR("none"));
    size_t n = old.len + (old.len ? 2 : 0) + t.len;
    if (t.len == 0 || n > SITE_TEXT_MAX) {
        return;
    }
    char *p = arena_bytes(r->a, n);
    if (!p) {
        r->err = diag_nomem();
        return;
    }
    if (old.len) {
        memcpy(p, old.p, old.len);
        memcpy(p + old.len, ", ", 2);
    }
    for (size_t i = 0; i < t.len; i++) {
        p[n - t.len + i] = ascii_lower(t.p[i]);
    }
    r->facts[FACT_ROBOTS] = str_n(p, n);
}

/* "5; url='/next'": the seconds and, when there is one, the address. */
static void refresh(site_reader *r, str content)
{
    str t = str_trim(content);
    size_t n = 0;
    while (n < t.len && ascii_is_digit(t.p[n])) {
        n++;
    }
    uint64_t seconds = 0;
    if (r->site.refresh_s >= 0 || (n == 0 && !(t.len && t.p[0] == '.'))) {
        return;
    }
    if (n && !str_to_u64(str_n(t.p, n), INT32_MAX, &seconds)) {
        seconds = INT32_MAX;
    }
    r->site.refresh_s = (int32_t)seconds;
    while (n < t.len && (ascii_is_digit(t.p[n]) || t.p[n] == '.')) {
        n++;
    }
    while (n < t.len && (ascii_is_space(t.p[n]) || t.p[n] == ';' || t.p[n] == ',')) {
        n++;
    }
    t = str_from(t, n);
    if (str_starts_nocase(t, STR("url"))) {
        str behind = str_trim(str_from(t, 3));
        t = str_starts(behind, STR("=")) ? str_trim(str_from(behind, 1)) : t;
    }
    if (t.len && (t.p[0] == '"' || t.p[0] == '\'')) {
        char quote = t.p[0];
        t = str_from(t, 1);
        ptrdiff_t close = str_find_char(t, quote);
        t.len = close >= 0 ? (size_t)close : t.len;
    }
    site_keep_reference(r, FACT_REFRESH, t);
}

void site_meta(site_reader *r, const struct html_token *t)
{
    static const struct {
        const char *name;
        enum site_fact fact;
        enum meta_kind kind;
    } table[] = {
        {"description", FACT_DESCRIPTION, META_TEXT},
        {"robots", FACT_ROBOTS, META_ROBOTS},
        {"generator", FACT_GENERATOR, META_TEXT},
        {"theme-color", FACT_THEME_COLOR, META_TEXT},
        {"og:title", FACT_OG_TITLE, META_TEXT},
        {"og:description", FACT_OG_DESCRIPTION, META_TEXT},
        {"twitter:description", FACT_TWITTER_DESCRIPTION, META_TEXT},
        {"og:locale", FACT_OG_LOCALE, META_TEXT},
        {"og:site_name", FACT_SITE_NAME, META_TEXT},
        {"og:image", FACT_OG_IMAGE, META_REFERENCE},
        {"og:image:url", FACT_OG_IMAGE, META_REFERENCE},
        {"og:image:secure_url", FACT_OG_IMAGE, META_REFERENCE},
        {"og:logo", FACT_MARKED_LOGO, META_REFERENCE},
        {"twitter:image", FACT_TWITTER_IMAGE, META_REFERENCE},
        {"twitter:image:src", FACT_TWITTER_IMAGE, META_REFERENCE},
        {"msapplication-tileimage", FACT_TOUCH_ICON, META_REFERENCE},
    };
    str content, name;
    if (!html_attr(t, "content", &content)) {
        return;
    }
    if (html_attr(t, "http-equiv", &name)) {
        name = str_trim(name);
        if (str_eq_nocase(name, STR("refresh"))) {
            refresh(r, content);
        } else if (str_eq_nocase(name, STR("content-language"))) {
            site_keep_text(r, FACT_CONTENT_LANGUAGE, content);
        }
        return;
    }
    if (!html_attr(t, "name", &name) && !html_attr(t, "property", &name)) {
        return;
    }
    name = str_trim(name);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!str_eq_nocase(name, str_of(table[i].name))) {
            continue;
        }
        if (table[i].kind == META_ROBOTS) {
            add_robots(r, content);
        } else if (table[i].kind == META_TEXT) {
            site_keep_text(r, table[i].fact, content);
        } else {
            site_keep_reference(r, table[i].fact, content);
        }
        return;
    }
}
