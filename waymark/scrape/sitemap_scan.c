/* The fast reader: whole entries of a urlset or sitemapindex, in place. Its plain path knows the four elements of the
 * protocol in their ordinary spelling and compares bytes; everything else in an entry goes through sitemap_markup. */
#include <assert.h>
#include <string.h>

#include "waymark/scrape/sitemap_impl.h"

static struct tag make_tag(const char *lead, str prefix, const char *name, const char *tail)
{
    struct tag t = {.len = 0};
    str parts[] = {str_of(lead), prefix, str_of(name), str_of(tail)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].len) {
            assert(t.len + parts[i].len <= sizeof t.text);
            memcpy(t.text + t.len, parts[i].p, parts[i].len);
            t.len += parts[i].len;
        }
    }
    char mask[sizeof t.mask] = {0};
    memset(mask, 0xff, t.len < sizeof mask ? t.len : sizeof mask);
    memcpy(t.mask, mask, sizeof mask);
    memcpy(t.word, t.text, sizeof t.word);
    return t;
}

void sitemap_scan_start(sitemap_parser *s)
{
    static const char *const names[TAGS] = {NULL, "loc", "lastmod", "changefreq", "priority"};
    str root = str_n(s->root, s->n_root), local = sitemap_local(root);
    str prefix = str_n(root.p, root.len - local.len); /* with its colon */
    if (prefix.len > 24) {
        prefix.len = 0; /* then no tag will be recognised, and expat reads it */
    }
    s->name_at = 1 + prefix.len;
    for (int i = 0; i < TAGS; i++) {
        const char *name = i == TAG_ENTRY ? s->result.type == SITEMAP_INDEX ? "sitemap" : "url" : names[i];
        s->open[i] = make_tag("<", prefix, name, i == TAG_ENTRY ? "" : ">");
        s->close[i] = make_tag("</", prefix, name, ">");
    }
    s->close_root = make_tag("</", prefix, s->result.type == SITEMAP_INDEX ? "sitemapindex" : "urlset", "");
}

static inline bool at_tag(const char *p, const char *end, const struct tag *t)
{
    uint64_t w[2];
    if ((size_t)(end - p) < sizeof w || t->len > sizeof w) {
        return (size_t)(end - p) >= t->len && memcmp(p, t->text, t->len) == 0;
    }
    memcpy(w, p, sizeof w);
    return (((w[0] & t->mask[0]) ^ t->word[0]) | ((w[1] & t->mask[1]) ^ t->word[1])) == 0;
}

static inline const char *skip_space(const char *p, const char *end)
{
    while (p < end && ascii_is_space(*p)) {
        p++;
    }
    return p;
}

/* "<loc>text</loc>" and its like without any other markup: sets *field and returns what is behind it, or NULL. */
static const char *plain_field(sitemap_parser *s, enum tag_id id, str *field, const char *p, const char *end)
{
    const char *text = p + s->open[id].len;
    const char *lt = memchr(text, '<', (size_t)(end - text));
    if (!lt || !at_tag(lt, end, &s->close[id]) || field->len || (size_t)(lt - text) > TEXT_MAX) {
        return NULL;
    }
    /* The same road as any other text, so that the checks are the same; the branches are short. */
    s->b.field = field;
    s->b.piece = (str){NULL, 0};
    builder_text(s, sitemap_decode(s, str_n(text, (size_t)(lt - text)), false), true);
    builder_end(s);
    return lt + s->close[id].len;
}

static const char *plain(sitemap_parser *s, const char *p, const char *end)
{
    struct draft *d = &s->b.draft;
    enum tag_id id;
    str *field;
    if ((size_t)(end - p) <= s->name_at + 1) {
        return NULL;
    }
    switch (p[s->name_at]) {
    case 'l':
        id = p[s->name_at + 1] == 'o' ? TAG_LOC : TAG_LASTMOD;
        field = id == TAG_LOC ? &d->loc : &d->lastmod;
        break;
    case 'c':
        id = TAG_CHANGEFREQ;
        field = &d->changefreq;
        break;
    case 'p':
        id = TAG_PRIORITY;
        field = &d->priority;
        break;
    default:
        return NULL;
    }
    return at_tag(p, end, &s->open[id]) ? plain_field(s, id, field, p, end) : NULL;
}

/* One whole entry at *at; the builder has nothing open afterwards unless the entry lacks its end. */
static enum scan entry(sitemap_parser *s, const char **at, const char *end)
{
    const char *p = *at + s->open[TAG_ENTRY].len;
    struct markup m = {.depth = 0};
    if (p == end) {
        return SCAN_NEED;
    }
    if (*p != '>' && *p != '/' && !ascii_is_space(*p)) {
        return SCAN_STRANGE; /* another name that starts alike */
    }
    bool empty;
    enum scan tag = sitemap_attributes(s, false, &p, end, &empty);
    if (tag != SCAN_OK) {
        return tag;
    }
    const char *colon = memchr(s->open[TAG_ENTRY].text, ':', s->open[TAG_ENTRY].len);
    str prefix =
        colon ? str_n(s->open[TAG_ENTRY].text + 1, (size_t)(colon - s->open[TAG_ENTRY].text) - 1) : (str){NULL, 0};
    builder_begin(s, IN_URL, s->result.type == SITEMAP_INDEX, prefix);
    if (empty) {
        *at = p;
        builder_commit(s);
        return SCAN_OK;
    }
    for (;;) {
        if (m.depth == 0) {
            p = skip_space(p, end);
            if (at_tag(p, end, &s->close[TAG_ENTRY])) {
                *at = p + s->close[TAG_ENTRY].len;
                builder_commit(s);
                return SCAN_OK;
            }
            const char *behind = plain(s, p, end);
            if (behind) {
                p = behind;
                continue;
            }
        }
        if (p == end) {
            return SCAN_NEED;
        }
        if (m.depth == 0 && p[0] == '<' && end - p > 1 && p[1] == '/') {
            return (size_t)(end - p) < s->close[TAG_ENTRY].len ? SCAN_NEED : SCAN_STRANGE;
        }
        enum scan r = sitemap_markup(s, &m, &p, end);
        if (r != SCAN_OK) {
            return r;
        }
    }
}

/* Whatever stands at '<' between entries. */
static enum scan between(sitemap_parser *s, const char **at, const char *end)
{
    const char *p = *at;
    size_t left = (size_t)(end - p);
    if (at_tag(p, end, &s->open[TAG_ENTRY])) {
        bool clipped = left > ENTRY_MAX;
        enum scan r = entry(s, at, clipped ? p + ENTRY_MAX : end);
        return r == SCAN_NEED && clipped ? SCAN_STRANGE : r;
    }
    if (left <= s->close_root.len) {
        return SCAN_NEED;
    }
    if (at_tag(p, end, &s->close_root)) {
        const char *gt = skip_space(p + s->close_root.len, end);
        if (gt < end && *gt == '>') {
            *at = gt + 1;
            s->stage = STAGE_TAIL;
            return SCAN_OK;
        }
        return gt == end ? SCAN_NEED : SCAN_STRANGE;
    }
    if (left >= 4 && memcmp(p, "<!--", 4) == 0) {
        s->skip = SKIP_COMMENT;
        *at += 4;
        return SCAN_OK;
    }
    if (left >= 2 && memcmp(p, "<?", 2) == 0) {
        s->skip = SKIP_PI;
        *at += 2;
        return SCAN_OK;
    }
    return SCAN_STRANGE;
}

size_t sitemap_scan(sitemap_parser *s, const char *p, size_t len, bool at_end)
{
    const char *at = p, *end = p + len;
    enum scan r = SCAN_OK;
    while (s->stage == STAGE_SCAN && !s->err) {
        if (!sitemap_skip(s, &at, end)) {
            break;
        }
        at = skip_space(at, end);
        if (at == end) {
            break;
        }
        if (*at != '<') {
            at = memchr(at, '<', (size_t)(end - at));
            if (!at) {
                return len; /* stray text */
            }
        }
        r = between(s, &at, end);
        if (r == SCAN_OK) {
            continue;
        }
        if (r == SCAN_NEED && at_end && s->b.depth && s->b.draft.loc.len) {
            builder_commit(s); /* cut off: what was complete of the entry is kept */
        } else {
            builder_drop(s);
        }
        if (r == SCAN_STRANGE) {
            s->stage = STAGE_EXPAT;
            int err = sitemap_expat_start(s);
            if (err < 0) {
                sitemap_fail(s, err);
            }
        }
        break;
    }
    bool all = at_end && s->stage == STAGE_SCAN;
    return all ? len : (size_t)(at - p);
}
