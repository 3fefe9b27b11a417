/* The end of an entry: values are read and checked, and what is sound goes into the batch. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "waymark/scrape/sitemap_impl.h"

/* Decimal digits with at most one point, 0 to 1: what the protocol allows and nothing strtod adds to it. */
static bool parse_priority(str t, double *ret)
{
    double v = 0, scale = 1;
    bool point = false, digit = false;
    for (size_t i = 0; i < t.len; i++) {
        if (t.p[i] == '.' && !point) {
            point = true;
        } else if (i < 20 && ascii_is_digit(t.p[i])) {
            digit = true;
            v = v * 10 + (t.p[i] - '0');
            scale = point ? scale * 10 : scale;
        } else {
            return false;
        }
    }
    *ret = v / scale;
    return digit && v <= scale;
}

static const char *const freq_names[] = {
    [SITEMAP_FREQ_ALWAYS] = "always", [SITEMAP_FREQ_HOURLY] = "hourly",   [SITEMAP_FREQ_DAILY] = "daily",
    [SITEMAP_FREQ_WEEKLY] = "weekly", [SITEMAP_FREQ_MONTHLY] = "monthly", [SITEMAP_FREQ_YEARLY] = "yearly",
    [SITEMAP_FREQ_NEVER] = "never",
};

const char *sitemap_changefreq_name(enum sitemap_changefreq f)
{
    assert((size_t)f < sizeof freq_names / sizeof *freq_names);
    return freq_names[f];
}

static enum sitemap_changefreq parse_changefreq(str t)
{
    for (unsigned i = SITEMAP_FREQ_ALWAYS; i <= SITEMAP_FREQ_NEVER; i++) {
        if (t.len && ascii_lower(t.p[0]) == freq_names[i][0] && str_eq_nocase(t, str_of(freq_names[i]))) {
            return (enum sitemap_changefreq)i;
        }
    }
    return SITEMAP_FREQ_NONE;
}

static int64_t parse_lastmod(sitemap_parser *s, str t)
{
    struct builder *b = &s->b;
    /* Generated files repeat one date for thousands of entries. */
    if (t.len && t.len == b->n_memo && memcmp(t.p, b->memo, t.len) == 0) {
        return b->memo_us;
    }
    int64_t us;
    bool feed = s->result.type == SITEMAP_RSS || s->result.type == SITEMAP_ATOM;
    if (!clock_parse_w3c(t, &us) && !(feed && clock_parse_http(t, &us))) {
        return SITEMAP_NO_TIME;
    }
    if (t.len <= sizeof b->memo) {
        memcpy(b->memo, t.p, t.len);
        b->n_memo = t.len;
        b->memo_us = us;
    }
    return us;
}

static size_t count_chars(str t)
{
    size_t n = 0;
    for (size_t i = 0; i < t.len; i++) {
        n += ((uint8_t)t.p[i] & 0xc0) != 0x80;
    }
    return n;
}

static void *keep_array(sitemap_parser *s, const void *p, size_t n, size_t size)
{
    str copy = {NULL, 0};
    if (n) {
        void *to = arena_zalloc(s->scratch, n, size);
        if (to) {
            memcpy(to, p, n * size);
            return to;
        }
        copy = sitemap_keep(s, str_n(p, n * size)); /* fails again and says so */
    }
    assert(!copy.p);
    return NULL;
}

/* Moves what the extensions said out of the builder. */
static const struct sitemap_extras *keep_extras(sitemap_parser *s)
{
    struct builder *b = &s->b;
    struct sitemap_extras x = {
        .alternates = keep_array(s, b->alternates, b->n_alternates, sizeof *b->alternates),
        .images = keep_array(s, b->images, b->n_images, sizeof *b->images),
        .videos = keep_array(s, b->videos, b->n_videos, sizeof *b->videos),
        .data = keep_array(s, b->data, b->n_data, sizeof *b->data),
        .news = keep_array(s, &b->news, b->has_news, sizeof b->news),
        .n_alternates = b->n_alternates,
        .n_images = b->n_images,
        .n_videos = b->n_videos,
        .n_data = b->n_data,
        .mobile = b->mobile,
        .title = b->draft.title,
    };
    return keep_array(s, &x, 1, sizeof x);
}

/* The address of the entry; false when there is none that may be used. */
static bool settle_loc(sitemap_parser *s)
{
    struct draft *d = &s->b.draft;
    if (d->loc.len == 0 && d->guid_is_link &&
        (str_starts_nocase(d->guid, STR("http://")) || str_starts_nocase(d->guid, STR("https://")))) {
        d->loc = d->guid;
    }
    if (d->loc.len == 0) {
        sitemap_problem_add(s, SITEMAP_LOC_MISSING);
        return false;
    }
    if (d->loc.len > s->options.max_loc && count_chars(d->loc) > s->options.max_loc) {
        sitemap_problem_add(s, SITEMAP_LOC_TOO_LONG);
        return false;
    }
    return true;
}

static void count_pending(sitemap_parser *s)
{
    for (size_t i = 0; i < SITEMAP_PROBLEMS; i++) {
        s->result.problems[i] += s->b.pending[i];
    }
}

void builder_commit(sitemap_parser *s)
{
    struct builder *b = &s->b;
    struct draft *d = &b->draft;
    assert(b->depth > 0 && s->n_batch < BATCH);
    b->depth = 0;
    b->field = NULL;
    if (b->any_pending) {
        count_pending(s);
    }
    if (!settle_loc(s)) {
        return;
    }
    if (s->result.entries == s->options.max_entries) {
        sitemap_problem_add(s, SITEMAP_URLS_CAPPED);
        s->stage = STAGE_STOPPED;
        return;
    }
    struct sitemap_entry *e = &s->batch[s->n_batch];
    *e = (struct sitemap_entry){.loc = d->loc, .lastmod_us = SITEMAP_NO_TIME, .priority = -1, .is_index = b->is_index};
    e->lastmod = d->lastmod.len ? d->lastmod : d->published;
    if (e->lastmod.len) {
        e->lastmod_us = parse_lastmod(s, e->lastmod);
        if (e->lastmod_us == SITEMAP_NO_TIME) {
            sitemap_problem_add(s, SITEMAP_BAD_LASTMOD);
        }
    }
    if (d->priority.len && !parse_priority(d->priority, &e->priority)) {
        e->priority = -1;
        sitemap_problem_add(s, SITEMAP_BAD_PRIORITY);
    }
    if (d->changefreq.len && (e->changefreq = parse_changefreq(d->changefreq)) == SITEMAP_FREQ_NONE) {
        sitemap_problem_add(s, SITEMAP_BAD_CHANGEFREQ);
    }
    if (b->n_alternates || b->n_images || b->n_videos || b->n_data || b->has_news || b->mobile || d->title.len) {
        e->extras = keep_extras(s);
    }
    s->result.entries++;
    s->result.sitemaps += b->is_index;
    if (s->result.entries > SITEMAP_URLS_MAX) {
        sitemap_problem_add(s, SITEMAP_OVER_URLS);
    }
    s->n_batch++;
    if (s->n_batch == BATCH || arena_used(s->scratch) > SCRATCH_MAX) {
        sitemap_flush(s);
    }
}
