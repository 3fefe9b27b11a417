/* sitemap_json.h: entries of sitemaps as JSON, for the command line and for what is kept of a page. */
#ifndef WAYMARK_SCRAPE_SITEMAP_JSON_H
#define WAYMARK_SCRAPE_SITEMAP_JSON_H

#include "base/json.h"
#include "waymark/scrape/sitemap.h"

/* The members of an open object: loc (given, since the caller resolves it), lastmod in RFC 3339, and what else the
 * entry has. A lastmod that is no date stands under "lastmod_text". */
void sitemap_entry_json(struct json_writer *w, const struct sitemap_entry *e, str loc);
/* The members of an open object: alternates, images, videos, news, data, mobile, title; only those present. */
void sitemap_extras_json(struct json_writer *w, const struct sitemap_extras *x);
/* One value each: an array of objects, of news an object. What they write must be there. */
void sitemap_alternates_json(struct json_writer *w, const struct sitemap_extras *x);
void sitemap_images_json(struct json_writer *w, const struct sitemap_extras *x);
void sitemap_videos_json(struct json_writer *w, const struct sitemap_extras *x);
void sitemap_news_json(struct json_writer *w, const struct sitemap_extras *x);
/* One object: type, reason, encoding, gzip levels, counts and problems (name, count, text). invalid is how many
 * locations the caller found to be no URLs. */
void sitemap_result_json(struct json_writer *w, const struct sitemap_result *r, uint64_t invalid);

#endif
