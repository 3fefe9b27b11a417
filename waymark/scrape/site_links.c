/* Links: what leads from a page to others, and which of them lead to sitemaps and icons. */
#include <assert.h>

#include "waymark/scrape/site_impl.h"

bool site_says_sitemap(str t)
{
    return str_find_nocase(t, STR("sitemap")) >= 0 || str_find_nocase(t, STR("site map")) >= 0 ||
           str_find_nocase(t, STR("site-map")) >= 0 || str_find_nocase(t, STR("site_map")) >= 0;
}

static bool rel_nofollow(str rel)
{
    return site_has_word(rel, STR("nofollow")) || site_has_word(rel, STR("sponsored")) ||
           site_has_word(rel, STR("ugc"));
}

/* Hands on one link; false when it is none or too long. */
static bool hand_on(site_reader *r, const struct html_token *t, enum site_link_kind kind, str href)
{
    struct site_link link = {.kind = kind, .href = str_trim(href)};
    if (link.href.len == 0 || link.href.p[0] == '#') {
        return false;
    }
    r->site.links++;
    if (r->site.links > SITE_LINKS_MAX || link.href.len > SITE_REFERENCE_MAX) {
        r->site.links_dropped++;
        return link.href.len <= SITE_REFERENCE_MAX;
    }
    (void)html_attr(t, "rel", &link.rel);
    (void)html_attr(t, "hreflang", &link.hreflang);
    (void)html_attr(t, "type", &link.type);
    link.nofollow = r->site.nofollow || rel_nofollow(link.rel);
    int err = r->sink ? r->sink(r->arg, &link) : 0;
    if (err < 0) {
        r->err = err;
    }
    return true;
}

void site_anchor(site_reader *r, const struct html_token *t, enum site_link_kind kind, const char *attr)
{
    str href;
    if (!html_attr(t, attr, &href) || !hand_on(r, t, kind, href) || kind == SITE_FRAME) {
        return;
    }
    if (site_says_sitemap(href)) {
        site_add_sitemap(r, href, false);
    } else if (kind == SITE_ANCHOR && r->n_sitemaps < SITE_SITEMAPS_MAX) {
        /* Its text may say so. Only a copy lives until the end tag. */
        buf_clear(&r->text);
        r->link_href = str_n(r->href, href.len < sizeof r->href ? href.len : 0);
        memcpy(r->href, href.p, r->link_href.len);
        html_set_want(r->html, HTML_WANT_TEXT | HTML_WANT_END);
    }
}

/* The width that sizes names ("32x32 64x64", "any"); icons without one count as 16. */
static unsigned icon_size(const struct html_token *t)
{
    str sizes, part;
    unsigned best = 16;
    if (!html_attr(t, "sizes", &sizes)) {
        return best;
    }
    for (str rest = sizes; rest.p;) {
        part = str_cut(&rest, ' ');
        uint64_t v;
        str number = str_cut(&part, 'x');
        if (str_to_u64(number, 10000, &v) && v > best) {
            best = (unsigned)v;
        } else if (str_eq_nocase(number, STR("any"))) {
            best = 1024; /* drawn at any size */
        }
    }
    return best;
}

void site_link_element(site_reader *r, const struct html_token *t)
{
    static const struct {
        str rel;
        enum site_link_kind kind;
    } kinds[] = {{{"canonical", 9}, SITE_CANONICAL},
                 {{"alternate", 9}, SITE_ALTERNATE},
                 {{"next", 4}, SITE_NEXT},
                 {{"sitemap", 7}, SITE_SITEMAP}};
    str rel, href;
    if (!html_attr(t, "rel", &rel) || !html_attr(t, "href", &href)) {
        return;
    }
    if (site_has_word(rel, STR("icon"))) {
        unsigned size = icon_size(t);
        if (size > r->icon_size) {
            r->icon_size = size;
            site_set_reference(r, FACT_ICON, href);
        }
    }
    if (site_has_word(rel, STR("apple-touch-icon")) || site_has_word(rel, STR("apple-touch-icon-precomposed"))) {
        site_keep_reference(r, FACT_TOUCH_ICON, href);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bool plain = kinds[i].kind != SITE_ALTERNATE || !site_has_word(rel, STR("stylesheet"));
        if (site_has_word(rel, kinds[i].rel) && plain && hand_on(r, t, kinds[i].kind, href)) {
            if (kinds[i].kind == SITE_CANONICAL) {
                site_keep_reference(r, FACT_CANONICAL, href);
            } else if (kinds[i].kind == SITE_SITEMAP) {
                site_add_sitemap(r, href, true);
            }
        }
    }
}
