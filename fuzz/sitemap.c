/* However the bytes are cut into chunks, the same entries and the same problems come out; every slice is UTF-8. The
 * first byte says how they are cut and which reader reads them. */
#include <stdint.h>
#include <stdlib.h>

#include "waymark/scrape/sitemap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mix(uint64_t *h, str s)
{
    if (!str_is_utf8(s)) {
        abort();
    }
    for (size_t i = 0; i < s.len; i++) {
        *h = (*h ^ (uint8_t)s.p[i]) * 0x100000001b3U;
    }
    *h = (*h ^ s.len) * 0x100000001b3U;
}

static int take(void *arg, const struct sitemap_entry *entries, size_t n)
{
    uint64_t *h = arg;
    for (size_t i = 0; i < n; i++) {
        const struct sitemap_extras *x = entries[i].extras;
        if (entries[i].loc.len == 0 || entries[i].priority > 1) {
            abort();
        }
        mix(h, entries[i].loc);
        mix(h, entries[i].lastmod);
        for (uint32_t j = 0; x && j < x->n_images; j++) {
            mix(h, x->images[j].loc);
            mix(h, x->images[j].title);
        }
        for (uint32_t j = 0; x && j < x->n_alternates; j++) {
            mix(h, x->alternates[j].href);
        }
        for (uint32_t j = 0; x && j < x->n_data; j++) {
            mix(h, x->data[j].value);
        }
        if (x) {
            mix(h, x->title);
        }
    }
    return 0;
}

static uint64_t read_in(const uint8_t *data, size_t size, size_t chunk, bool expat, struct sitemap_result *ret)
{
    sitemap_parser *s;
    uint64_t h = 0;
    struct sitemap_options o = {.without_scanner = expat, .max_size = 1 << 20};
    if (sitemap_parser_new(&o, take, &h, &s)) {
        abort();
    }
    for (size_t at = 0; at < size; at += chunk) {
        /* A block of its own shows the first byte read too far. */
        size_t n = size - at < chunk ? size - at : chunk;
        char *copy = malloc(n);
        if (!copy) {
            abort();
        }
        memcpy(copy, data + at, n);
        if (sitemap_parser_feed(s, copy, n)) {
            abort();
        }
        free(copy);
    }
    if (sitemap_parser_finish(s)) {
        abort();
    }
    *ret = *sitemap_parser_result(s);
    sitemap_parser_free(s);
    return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct sitemap_result whole, cut;
    bool expat = data[0] & 1;
    size_t chunk = 1 + data[0] / 2;
    data++;
    size--;
    uint64_t a = read_in(data, size, size ? size : 1, expat, &whole);
    uint64_t b = read_in(data, size, chunk, expat, &cut);
    if (a != b || whole.type != cut.type || whole.entries != cut.entries) {
        abort();
    }
    /* Behind the place where reading stopped, how much is decoded depends on the chunks. */
    whole.problems[SITEMAP_BAD_ENCODING] = cut.problems[SITEMAP_BAD_ENCODING] = 0;
    if (memcmp(whole.problems, cut.problems, sizeof whole.problems) != 0) {
        abort();
    }
    return 0;
}
