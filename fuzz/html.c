/* However a page is cut into chunks, the same tokens come out, and the same facts; every slice is UTF-8. The first byte
 * says what is wanted and what the Content-Type names, the second how the page is cut. */
#include <stdint.h>
#include <stdlib.h>

#include "waymark/scrape/site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void mix(uint64_t *h, str s)
{
    for (size_t i = 0; i < s.len; i++) {
        *h = (*h ^ (uint8_t)s.p[i]) * 0x100000001b3U;
    }
}

static void mix_end(uint64_t *h, str s, unsigned mark)
{
    must(str_is_utf8(s));
    mix(h, s);
    *h = (*h ^ (256 + mark)) * 0x100000001b3U;
}

/* Text counts as the bytes it has, since where it is split depends on the chunks. */
static int take(void *arg, const struct html_token *t)
{
    uint64_t *h = arg;
    if (t->kind == HTML_TEXT) {
        must(t->text.len > 0 && str_is_utf8(t->text));
        mix(h, t->text);
        return 0;
    }
    mix_end(h, t->name, t->kind * 2U + t->self_closing);
    mix_end(h, t->text, 10);
    must(t->n_attrs <= HTML_ATTRS_MAX);
    for (size_t i = 0; i < t->n_attrs; i++) {
        must(t->attrs[i].name.len > 0 || t->attrs[i].value.len == 0);
        mix_end(h, t->attrs[i].name, 11);
        mix_end(h, t->attrs[i].value, 12);
    }
    return 0;
}

static const char *const charsets[] = {NULL, "utf-8", "windows-1251", "shift_jis", "utf-16le", "iso-2022-jp", "x", ""};

static uint64_t tokens(const uint8_t *data, size_t size, size_t chunk, uint8_t flags, struct html_stats *stats)
{
    html *h;
    uint64_t sum = 0;
    struct html_options o = {.want = flags & HTML_WANT_ALL, .charset = charsets[flags >> 5]};
    must(html_new(&o, take, &sum, &h) == 0);
    for (size_t at = 0; at < size; at += chunk) {
        /* A block of its own shows the first byte read too far. */
        size_t n = size - at < chunk ? size - at : chunk;
        char *copy = malloc(n);
        must(copy);
        memcpy(copy, data + at, n);
        must(html_feed(h, copy, n) == 0);
        free(copy);
    }
    must(html_finish(h) == 0);
    *stats = *html_stats(h);
    html_free(h);
    return sum;
}

static int take_link(void *arg, const struct site_link *l)
{
    mix_end(arg, l->href, 20);
    mix_end(arg, l->rel, 21);
    return 0;
}

static uint64_t facts(const uint8_t *data, size_t size, size_t chunk, uint8_t flags)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    uint64_t sum = 0;
    site_reader *r;
    const struct site *s;
    struct site_options o = {.charset = charsets[flags >> 5]};
    must(a && site_reader_open(a, &o, take_link, &sum, &r) == 0);
    for (size_t at = 0; at < size; at += chunk) {
        must(site_reader_feed(r, (const char *)data + at, size - at < chunk ? size - at : chunk) == 0);
    }
    must(site_reader_finish(r, &s) == 0);
    site_reader_close(r);
    str all[] = {s->title,     s->description, s->language,   s->canonical, s->base,        s->robots,  s->generator,
                 s->site_name, s->favicon,     s->touch_icon, s->image,     s->theme_color, s->refresh, s->logo};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        mix_end(&sum, all[i], 30);
    }
    for (size_t i = 0; i < s->n_sitemaps; i++) {
        mix_end(&sum, s->sitemaps[i].href, 31);
    }
    return sum + (uint64_t)s->refresh_s + s->links;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    uint8_t flags = data[0];
    size_t chunk = 1 + data[1];
    struct html_stats whole, cut;
    data += 2;
    size -= 2;
    size_t all = size ? size : 1;
    must(tokens(data, size, all, flags, &whole) == tokens(data, size, chunk, flags, &cut));
    must(whole.cut == cut.cut && whole.dropped == cut.dropped && whole.truncated == cut.truncated);
    must(whole.bad_encoding == cut.bad_encoding && whole.encoding == cut.encoding);
    must(facts(data, size, all, flags) == facts(data, size, chunk, flags));
    return 0;
}
