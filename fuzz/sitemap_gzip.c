/* Compressed sitemaps, sound and damaged. The first three bytes say where the compressed form of the rest is damaged,
 * how often it is wrapped, and how it is cut into chunks; with a first byte of 0 the rest is the compressed form. */
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/buf.h"
#include "waymark/scrape/sitemap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take(void *arg, const struct sitemap_entry *entries, size_t n)
{
    (void)entries;
    *(uint64_t *)arg += n;
    return 0;
}

static uint64_t read_in(str in, size_t chunk, struct sitemap_result *ret)
{
    sitemap_parser *s;
    uint64_t n = 0;
    struct sitemap_options o = {.max_size = 4 << 20};
    if (sitemap_parser_new(&o, take, &n, &s)) {
        abort();
    }
    for (size_t at = 0; at < in.len; at += chunk) {
        if (sitemap_parser_feed(s, in.p + at, in.len - at < chunk ? in.len - at : chunk)) {
            abort();
        }
    }
    if (sitemap_parser_finish(s)) {
        abort();
    }
    *ret = *sitemap_parser_result(s);
    sitemap_parser_free(s);
    if (ret->bytes > (uint64_t)4 << 20 || n != ret->entries) {
        abort();
    }
    return n;
}

static void wrap(buf *out, str in)
{
    z_stream z = {0};
    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        abort();
    }
    size_t bound = deflateBound(&z, in.len);
    char *to = buf_reserve(out, bound);
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (uInt)in.len;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)bound;
    if (!to || deflate(&z, Z_FINISH) != Z_STREAM_END) {
        abort();
    }
    out->len += bound - z.avail_out;
    (void)deflateEnd(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    BUF_AUTO buf gz;
    BUF_AUTO buf outer;
    struct sitemap_result whole, cut;
    buf_init(&gz, 64 << 20);
    buf_init(&outer, 64 << 20);
    str in = str_n((const char *)data + 3, size - 3);
    if (data[0]) {
        wrap(&gz, in);
        if (data[1] & 1) {
            wrap(&outer, buf_str(&gz));
        }
        buf *b = data[1] & 1 ? &outer : &gz;
        if (data[0] > 1) {
            b->p[(size_t)data[0] * 7 % b->len] ^= (char)(data[1] >> 1);
        }
        in = buf_str(b);
    }
    uint64_t a = read_in(in, in.len ? in.len : 1, &whole), b = read_in(in, 1 + (size_t)data[2], &cut);
    /* Behind the place where reading stopped, how much is decoded depends on the chunks. */
    whole.problems[SITEMAP_BAD_ENCODING] = cut.problems[SITEMAP_BAD_ENCODING] = 0;
    if (a != b || memcmp(whole.problems, cut.problems, sizeof whole.problems) != 0) {
        abort();
    }
    return 0;
}
