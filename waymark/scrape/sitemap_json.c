#include "waymark/scrape/sitemap_json.h"

#include <assert.h>

#include "base/clock.h"

static void member(struct json_writer *w, const char *key, str value)
{
    if (value.len) {
        json_key(w, key);
        json_string(w, value);
    }
}

/* One row a member of a struct of slices. */
struct row {
    const char *key;
    size_t offset;
};

static void object(struct json_writer *w, const void *p, const struct row *rows, size_t n)
{
    json_object(w);
    for (size_t i = 0; i < n; i++) {
        str value;
        memcpy(&value, (const char *)p + rows[i].offset, sizeof value);
        member(w, rows[i].key, value);
    }
    json_end(w);
}

static void list(struct json_writer *w, const void *p, size_t count, size_t size, const struct row *rows, size_t n)
{
    json_array(w);
    for (size_t i = 0; i < count; i++) {
        object(w, (const char *)p + i * size, rows, n);
    }
    json_end(w);
}

#define ROW(type, member_)                       \
    {                                            \
#member_, offsetof(struct type, member_) \
    }
#define LEN(array) (sizeof(array) / sizeof *(array))

void sitemap_alternates_json(struct json_writer *w, const struct sitemap_extras *x)
{
    static const struct row rows[] = {ROW(sitemap_alternate, hreflang), ROW(sitemap_alternate, href),
                                      ROW(sitemap_alternate, media)};
    list(w, x->alternates, x->n_alternates, sizeof *x->alternates, rows, LEN(rows));
}

void sitemap_images_json(struct json_writer *w, const struct sitemap_extras *x)
{
    static const struct row rows[] = {ROW(sitemap_image, loc), ROW(sitemap_image, title), ROW(sitemap_image, caption),
                                      ROW(sitemap_image, geo_location), ROW(sitemap_image, license)};
    list(w, x->images, x->n_images, sizeof *x->images, rows, LEN(rows));
}

void sitemap_videos_json(struct json_writer *w, const struct sitemap_extras *x)
{
    static const struct row rows[] = {ROW(sitemap_video, thumbnail_loc),
                                      ROW(sitemap_video, title),
                                      ROW(sitemap_video, description),
                                      ROW(sitemap_video, content_loc),
                                      ROW(sitemap_video, player_loc),
                                      ROW(sitemap_video, duration),
                                      ROW(sitemap_video, publication_date),
                                      ROW(sitemap_video, expiration_date),
                                      ROW(sitemap_video, category),
                                      ROW(sitemap_video, rating),
                                      ROW(sitemap_video, view_count),
                                      ROW(sitemap_video, family_friendly),
                                      ROW(sitemap_video, live),
                                      ROW(sitemap_video, uploader)};
    list(w, x->videos, x->n_videos, sizeof *x->videos, rows, LEN(rows));
}

void sitemap_news_json(struct json_writer *w, const struct sitemap_extras *x)
{
    static const struct row rows[] = {ROW(sitemap_news, publication),      ROW(sitemap_news, language),
                                      ROW(sitemap_news, publication_date), ROW(sitemap_news, title),
                                      ROW(sitemap_news, genres),           ROW(sitemap_news, keywords),
                                      ROW(sitemap_news, stock_tickers),    ROW(sitemap_news, access)};
    object(w, x->news, rows, LEN(rows));
}

void sitemap_extras_json(struct json_writer *w, const struct sitemap_extras *x)
{
    static const struct row data[] = {ROW(sitemap_data, object), ROW(sitemap_data, name), ROW(sitemap_data, value)};
    member(w, "title", x->title);
    const struct {
        const char *key;
        bool present;
        void (*write)(struct json_writer *w, const struct sitemap_extras *x);
    } lists[] = {{"alternates", x->n_alternates > 0, sitemap_alternates_json},
                 {"images", x->n_images > 0, sitemap_images_json},
                 {"videos", x->n_videos > 0, sitemap_videos_json},
                 {"news", x->news != NULL, sitemap_news_json}};
    for (size_t i = 0; i < LEN(lists); i++) {
        if (lists[i].present) {
            json_key(w, lists[i].key);
            lists[i].write(w, x);
        }
    }
    if (x->n_data) {
        json_key(w, "data");
        list(w, x->data, x->n_data, sizeof *x->data, data, LEN(data));
    }
    if (x->mobile) {
        json_key(w, "mobile");
        json_bool(w, true);
    }
}

/* Written once for each: there are a million entries to a file, and these are most of what they say. */
static const str freq_members[] = {
#define FREQ(id, name) [SITEMAP_FREQ_##id] = {"\"changefreq\":\"" name "\"", sizeof("\"changefreq\":\"" name "\"") - 1}
    FREQ(ALWAYS, "always"),   FREQ(HOURLY, "hourly"), FREQ(DAILY, "daily"), FREQ(WEEKLY, "weekly"),
    FREQ(MONTHLY, "monthly"), FREQ(YEARLY, "yearly"), FREQ(NEVER, "never"),
#undef FREQ
};

static void lastmod(struct json_writer *w, int64_t us)
{
    static const char key[] = "\"lastmod\":\"";
    char text[sizeof key + CLOCK_TEXT_MAX + 1];
    size_t n = sizeof key - 1;
    memcpy(text, key, n);
    int len = clock_format_rfc3339(us, text + n);
    assert(len > 0 && len < CLOCK_TEXT_MAX);
    n += (size_t)len;
    text[n++] = '"';
    json_raw_members(w, str_n(text, n));
}

/* By hand while two digits are enough, as they are: the shortest form of any double is costly to find. */
static void priority(struct json_writer *w, double v)
{
    int hundredths = (int)(v * 100 + 0.5);
    if (v * 100 != hundredths) {
        json_key(w, "priority");
        json_double(w, v);
        return;
    }
    char text[] = "\"priority\":0.00";
    size_t n = sizeof text - 1;
    text[n - 4] = (char)('0' + hundredths / 100);
    text[n - 2] = (char)('0' + hundredths / 10 % 10);
    text[n - 1] = (char)('0' + hundredths % 10);
    json_raw_members(w, str_n(text, hundredths % 10 ? n : n - 1));
}

void sitemap_entry_json(struct json_writer *w, const struct sitemap_entry *e, str loc)
{
    json_key_str(w, STR("loc"));
    json_string(w, loc);
    if (e->lastmod_us != SITEMAP_NO_TIME) {
        lastmod(w, e->lastmod_us);
    } else {
        member(w, "lastmod_text", e->lastmod);
    }
    if (e->changefreq != SITEMAP_FREQ_NONE) {
        json_raw_members(w, freq_members[e->changefreq]);
    }
    if (e->priority >= 0) {
        priority(w, e->priority);
    }
    if (e->extras) {
        sitemap_extras_json(w, e->extras);
    }
}

static void member_uint(struct json_writer *w, const char *key, uint64_t v)
{
    json_key(w, key);
    json_uint(w, v);
}

void sitemap_result_json(struct json_writer *w, const struct sitemap_result *r, uint64_t invalid)
{
    json_object(w);
    json_key(w, "type");
    json_cstring(w, sitemap_type_name(r->type));
    if (r->reason) {
        json_key(w, "reason");
        json_cstring(w, r->reason);
    }
    json_key(w, "counts");
    json_object(w);
    member_uint(w, "urls", r->entries - r->sitemaps);
    member_uint(w, "sitemaps", r->sitemaps);
    member_uint(w, "invalid", invalid);
    json_end(w);
    member_uint(w, "bytes", r->bytes);
    json_key(w, "encoding");
    json_cstring(w, r->encoding);
    member_uint(w, "gzip", r->gzip_levels);
    json_key(w, "problems");
    json_array(w);
    for (unsigned i = 0; i < SITEMAP_PROBLEMS; i++) {
        if (r->problems[i]) {
            enum sitemap_problem p = (enum sitemap_problem)i;
            json_object(w);
            json_key(w, "name");
            json_cstring(w, sitemap_problem_name(p));
            member_uint(w, "count", r->problems[i]);
            json_key(w, "text");
            json_cstring(w, sitemap_problem_text(p));
            json_end(w);
        }
    }
    json_end(w);
    json_end(w);
}
