/* From elements, attributes and text to entries. Both readers of XML drive it, so that they cannot differ. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/sitemap_impl.h"

void builder_init(struct builder *b)
{
    buf_init(&b->text, TEXT_MAX);
}

void builder_release(struct builder *b)
{
    buf_release(&b->text);
    mem_free(b->alternates);
    mem_free(b->images);
    mem_free(b->videos);
    mem_free(b->data);
}

str sitemap_keep(sitemap_parser *s, str t)
{
    if (t.len == 0) {
        return (str){NULL, 0};
    }
    char *p = arena_bytes(s->scratch, t.len);
    if (!p) {
        sitemap_fail(s, diag_nomem());
        return (str){NULL, 0};
    }
    memcpy(p, t.p, t.len);
    return str_n(p, t.len);
}

void builder_begin(sitemap_parser *s, enum context in, bool is_index, str prefix)
{
    struct builder *b = &s->b;
    b->stack[0] = in;
    b->depth = 1;
    b->skip = 0;
    b->field = NULL;
    b->piece = (str){NULL, 0};
    buf_clear(&b->text); /* an entry that was dropped, or cut off, may have left some */
    b->is_index = is_index;
    b->mobile = b->has_news = false;
    b->draft = (struct draft){.guid_is_link = in == IN_ATOM};
    b->n_alternates = b->n_images = b->n_videos = b->n_data = 0;
    b->used = 0;
    b->n_prefix = prefix.len < sizeof b->prefix ? prefix.len : 0;
    if (b->n_prefix) {
        memcpy(b->prefix, prefix.p, b->n_prefix);
    }
    if (b->any_pending) {
        memset(b->pending, 0, sizeof b->pending);
        b->any_pending = false;
    }
}

void builder_drop(sitemap_parser *s)
{
    s->b.depth = 0;
    s->b.field = NULL;
}

/* Makes room for one more in a growing array; false when the entry has its share already. */
static bool grow(sitemap_parser *s, void *array, uint32_t *room, uint32_t n, uint32_t max, size_t size)
{
    void **p = array;
    assert(n <= *room && size > 0);
    if (n >= max) {
        builder_pending(&s->b, SITEMAP_EXTRAS_DROPPED);
        return false;
    }
    if (n == *room) {
        uint32_t more = *room ? *room * 2 : 8;
        void *q = mem_realloc(*p, more * size);
        if (!q) {
            sitemap_fail(s, diag_nomem());
            return false;
        }
        *p = q;
        *room = more;
    }
    memset((char *)*p + n * size, 0, size);
    return true;
}

static struct sitemap_image *new_image(sitemap_parser *s)
{
    struct builder *b = &s->b;
    return grow(s, &b->images, &b->room_images, b->n_images, s->options.max_extras, sizeof *b->images)
               ? &b->images[b->n_images++]
               : NULL;
}

/* Enters a group; false when it is to be skipped. */
static bool enter(sitemap_parser *s, enum context to)
{
    struct builder *b = &s->b;
    enum context from = b->stack[b->depth - 1];
    if (b->depth == sizeof b->stack / sizeof *b->stack) {
        return false;
    }
    bool ok = true;
    if (to == IN_IMAGE) {
        ok = new_image(s) != NULL;
    } else if (to == IN_VIDEO) {
        uint32_t max = s->options.max_extras / 10;
        ok = grow(s, &b->videos, &b->room_videos, b->n_videos, max ? max : 1, sizeof *b->videos);
        b->n_videos += ok;
    } else if (to == IN_NEWS && from != IN_NEWS) {
        ok = !b->has_news;
        b->has_news = true;
        b->news = ok ? (struct sitemap_news){0} : b->news;
    } else if (to == IN_OBJECT) {
        b->object = b->attrs[ATTR_TYPE];
    }
    if (ok) {
        b->stack[b->depth++] = to;
    }
    return ok;
}

/* The struct that the innermost context fills. */
static void *subject(struct builder *b)
{
    switch (b->stack[b->depth - 1]) {
    case IN_URL:
    case IN_ITEM:
    case IN_ATOM:
        return &b->draft;
    case IN_IMAGE:
        return &b->images[b->n_images - 1];
    case IN_VIDEO:
        return &b->videos[b->n_videos - 1];
    case IN_NEWS:
        return &b->news;
    case IN_PAGEMAP:
    case IN_OBJECT:
    case IN_GROUP:
    case IN_NOTHING:
        break;
    }
    __builtin_unreachable();
}

bool builder_start(sitemap_parser *s, str qname)
{
    struct builder *b = &s->b;
    assert(b->depth > 0);
    if (b->skip || b->field) {
        b->skip++;
        return false;
    }
    str local = sitemap_local(qname);
    size_t n_prefix = local.len < qname.len ? qname.len - local.len - 1 : 0;
    bool own = str_eq(str_n(qname.p, n_prefix), str_n(b->prefix, b->n_prefix));
    const struct element *e = local.len ? sitemap_element(b->stack[b->depth - 1], local, own) : NULL;
    if (!e) {
        b->skip = 1;
        return false;
    }
    b->element = e;
    bool wants = e->action != ACT_TEXT && e->action != ACT_MOBILE && (e->action != ACT_ENTER || e->enters == IN_OBJECT);
    if (wants) {
        memset(b->attrs, 0, sizeof b->attrs);
    }
    return wants;
}

bool builder_wants(str qname)
{
    return sitemap_attribute(sitemap_local(qname)) >= 0;
}

void builder_attr(sitemap_parser *s, str qname, str value, bool stays)
{
    struct builder *b = &s->b;
    int i = sitemap_attribute(sitemap_local(qname));
    if (i >= 0 && !b->attrs[i].p && b->used <= s->options.max_entry_size) {
        value = str_trim(value);
        b->attrs[i] = stays ? value : sitemap_keep(s, value);
        b->used += value.len;
    }
}

static void open_field(struct builder *b, str *field)
{
    if (field->len) { /* the first one counts */
        b->skip = 1;
        return;
    }
    b->field = field;
    b->piece = (str){NULL, 0};
    b->cut = false;
    buf_clear(&b->text);
}

static void add_alternate(sitemap_parser *s)
{
    struct builder *b = &s->b;
    str rel = b->attrs[ATTR_REL];
    if (b->attrs[ATTR_HREF].len == 0 || (rel.len && !str_eq_nocase(rel, STR("alternate")))) {
        return;
    }
    if (grow(s, &b->alternates, &b->room_alternates, b->n_alternates, s->options.max_extras, sizeof *b->alternates)) {
        b->alternates[b->n_alternates++] = (struct sitemap_alternate){
            .hreflang = b->attrs[ATTR_HREFLANG], .href = b->attrs[ATTR_HREF], .media = b->attrs[ATTR_MEDIA]};
    }
}

/* A link of a feed: the address as text (RSS) or as href (Atom, also inside RSS). */
static void add_link(sitemap_parser *s)
{
    struct builder *b = &s->b;
    str href = b->attrs[ATTR_HREF], rel = b->attrs[ATTR_REL];
    if (href.len == 0) {
        open_field(b, &b->draft.loc);
        return;
    }
    b->skip = 1;
    if (rel.len && !str_eq_nocase(rel, STR("alternate"))) {
        return;
    }
    if (b->draft.loc.len == 0) {
        b->draft.loc = href;
    } else if (b->attrs[ATTR_HREFLANG].len) {
        add_alternate(s);
    }
}

static void add_media(sitemap_parser *s)
{
    struct builder *b = &s->b;
    str url = b->attrs[ATTR_URL], type = b->attrs[ATTR_TYPE], medium = b->attrs[ATTR_MEDIUM];
    bool thumbnail = str_eq(str_of(b->element->name), STR("thumbnail"));
    bool image = thumbnail || str_eq_nocase(medium, STR("image")) || str_starts_nocase(type, STR("image/"));
    if (url.len && image) {
        struct sitemap_image *i = new_image(s);
        if (i) {
            i->loc = url;
        }
    }
}

void builder_started(sitemap_parser *s)
{
    struct builder *b = &s->b;
    if (b->skip || b->field) {
        return;
    }
    const struct element *e = b->element;
    if (b->used > s->options.max_entry_size && e->action != ACT_TEXT && e->action != ACT_ENTER) {
        builder_pending(b, SITEMAP_EXTRAS_DROPPED);
        b->skip = 1;
        return;
    }
    switch (e->action) {
    case ACT_TEXT:
        open_field(b, (str *)((char *)subject(b) + e->offset)); /* NOLINT: offsetof a str */
        return;
    case ACT_ENTER:
        b->skip = !enter(s, e->enters);
        return;
    case ACT_LINK:
        add_link(s);
        return;
    case ACT_GUID:
        b->draft.guid_is_link = !str_eq_nocase(b->attrs[ATTR_PERMALINK], STR("false"));
        open_field(b, &b->draft.guid);
        return;
    case ACT_DATA:
        if (grow(s, &b->data, &b->room_data, b->n_data, s->options.max_extras, sizeof *b->data)) {
            struct sitemap_data *d = &b->data[b->n_data++];
            *d = (struct sitemap_data){b->object, b->attrs[ATTR_NAME], b->attrs[ATTR_VALUE]};
            open_field(b, &d->value);
            return;
        }
        break;
    case ACT_ALTERNATE:
        add_alternate(s);
        break;
    case ACT_MOBILE:
        b->mobile = true;
        break;
    case ACT_MEDIA:
        add_media(s);
        break;
    }
    b->skip = 1;
}

static void append(struct builder *b, str t)
{
    size_t room = TEXT_MAX - b->text.len;
    if (b->cut) {
        return;
    }
    if (t.len > room) {
        builder_pending(b, SITEMAP_TEXT_CUT);
        b->cut = true;
        while (room && ((uint8_t)t.p[room] & 0xc0) == 0x80) {
            room--; /* whole characters only */
        }
        t.len = room;
    }
    (void)buf_put_str(&b->text, t);
}

void builder_text(sitemap_parser *s, str t, bool stays)
{
    struct builder *b = &s->b;
    if (!b->field || b->skip || t.len == 0) {
        return;
    }
    if (stays && !b->piece.len && !b->text.len && t.len <= TEXT_MAX) {
        b->piece = t;
        return;
    }
    if (b->piece.len) {
        append(b, b->piece);
        b->piece.len = 0;
    }
    append(b, t);
    if (b->text.err == -ENOMEM) {
        sitemap_fail(s, diag_nomem());
    }
}

static bool has_control(str t)
{
    size_t i = 0;
    for (; i + 8 <= t.len; i += 8) {
        uint64_t w;
        memcpy(&w, t.p + i, sizeof w);
        if ((w - 0x2020202020202020U) & ~w & 0x8080808080808080U) {
            break;
        }
    }
    for (; i < t.len; i++) {
        if ((uint8_t)t.p[i] < 0x20) {
            return true;
        }
    }
    return false;
}

/* Text without line ends and other controls: gone from locations as the URL standard wants, else one space. */
static str without_controls(sitemap_parser *s, str t, bool location)
{
    str copy = has_control(t) ? sitemap_keep(s, t) : (str){NULL, 0};
    if (copy.len == 0) {
        return t;
    }
    char *to = (char *)(uintptr_t)copy.p; /* our own copy */
    size_t n = 0;
    for (size_t i = 0; i < copy.len; i++) {
        bool space = (uint8_t)copy.p[i] <= 0x20;
        if (!space || (copy.p[i] == ' ' && location)) {
            to[n++] = copy.p[i];
        } else if (!location && n && to[n - 1] != ' ') {
            to[n++] = ' ';
        }
    }
    return str_n(to, n);
}

void builder_end(sitemap_parser *s)
{
    struct builder *b = &s->b;
    if (b->skip) {
        b->skip--;
        return;
    }
    if (!b->field) {
        assert(b->depth > 1);
        b->depth--;
        return;
    }
    bool copied = b->piece.len == 0;
    str t = str_trim(copied ? buf_str(&b->text) : b->piece);
    bool location = b->field == &b->draft.loc || b->field == &b->draft.guid;
    b->used += location ? 0 : t.len;
    if (b->used > s->options.max_entry_size) {
        builder_pending(b, SITEMAP_EXTRAS_DROPPED);
        t.len = 0;
    }
    *b->field = without_controls(s, copied ? sitemap_keep(s, t) : t, location);
    b->field = NULL;
    if (copied) {
        buf_clear(&b->text); /* the scanner's plain path begins with none */
    }
}
