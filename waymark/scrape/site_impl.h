/* site_impl.h: private to site*.c. */
#ifndef WAYMARK_SCRAPE_SITE_IMPL_H
#define WAYMARK_SCRAPE_SITE_IMPL_H

#include "base/buf.h"
#include "waymark/scrape/site.h"

/* What a page may say in several places, the better one first; the choice is made at the end. */
enum site_fact {
    FACT_TITLE,
    FACT_OG_TITLE,
    FACT_DESCRIPTION,
    FACT_OG_DESCRIPTION,
    FACT_TWITTER_DESCRIPTION,
    FACT_LANG,
    FACT_CONTENT_LANGUAGE,
    FACT_OG_LOCALE,
    FACT_CANONICAL,
    FACT_BASE,
    FACT_ROBOTS,
    FACT_GENERATOR,
    FACT_SITE_NAME,
    FACT_ICON,
    FACT_TOUCH_ICON,
    FACT_OG_IMAGE,
    FACT_TWITTER_IMAGE,
    FACT_MARKED_LOGO, /* itemprop=logo */
    FACT_LOGO,
    FACT_THEME_COLOR,
    FACT_REFRESH,
    FACTS
};

struct site_reader {
    arena *a;
    html *html;
    site_link_sink *sink;
    void *arg;
    int err;
    str facts[FACTS];
    struct site site;
    struct site_sitemap sitemaps[SITE_SITEMAPS_MAX];
    size_t n_sitemaps;
    unsigned icon_size;
    bool base_seen;
    bool in_title;
    buf text;      /* of the title, or of the link being read */
    str link_href; /* a link whose text may say that it leads to a sitemap; empty: none */
    char href[SITE_REFERENCE_MAX];
};

/* Keeps the first value of a fact. text collapses white space and cuts at SITE_TEXT_MAX characters; a reference is
 * trimmed and left out when it is too long. */
void site_keep_text(site_reader *r, enum site_fact f, str value);
void site_keep_reference(site_reader *r, enum site_fact f, str value);
void site_set_reference(site_reader *r, enum site_fact f, str value); /* also when there is one */
void site_add_sitemap(site_reader *r, str href, bool declared);
str site_copy(site_reader *r, str t);

/* A word of a list separated by white space or commas, without regard to case. */
bool site_has_word(str list, str word);

/* site_meta.c */
void site_meta(site_reader *r, const struct html_token *t);
/* site_links.c */
void site_link_element(site_reader *r, const struct html_token *t);
void site_anchor(site_reader *r, const struct html_token *t, enum site_link_kind kind, const char *attr);
bool site_says_sitemap(str t);

#endif
