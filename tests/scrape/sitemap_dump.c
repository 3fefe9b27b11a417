#include "sitemap_dump.h"

#include "base/json.h"
#include "test.h"
#include "waymark/scrape/sitemap_json.h"

/* Check writes a message at each of its own assertions; these are met a million times. */
#define MUST(cond)                     \
    do {                               \
        if (!(cond)) {                 \
            ck_abort_msg("%s", #cond); \
        }                              \
    } while (0)

static int take(void *arg, const struct sitemap_entry *entries, size_t n)
{
    struct dump *d = arg;
    MUST(n > 0);
    for (size_t i = 0; i < n; i++) {
        struct json_writer w;
        json_start(&w, &d->text);
        json_object(&w);
        sitemap_entry_json(&w, &entries[i], entries[i].loc);
        if (entries[i].is_index) {
            json_key(&w, "index");
            json_bool(&w, true);
        }
        json_end(&w);
        (void)buf_put_char(&d->text, '\n');
        MUST(str_is_utf8(entries[i].loc));
    }
    return 0;
}

void dump_open(struct dump *d, const struct sitemap_options *o, str doc, int chunk)
{
    sitemap_parser *s;
    unsigned seed = (unsigned)-chunk;
    *d = (struct dump){0};
    buf_init(&d->text, (size_t)1 << 30);
    OK(sitemap_parser_new(o, take, d, &s));
    for (size_t at = 0; at < doc.len;) {
        size_t n = chunk == 0 ? doc.len : chunk > 0 ? (size_t)chunk : 1 + (size_t)rand_r(&seed) % 300;
        n = n < doc.len - at ? n : doc.len - at;
        /* A block of its own, so that a sanitizer sees every byte read past it. */
        char *copy = malloc(n);
        MUST(copy);
        memcpy(copy, doc.p + at, n);
        MUST(sitemap_parser_feed(s, copy, n) == 0);
        free(copy);
        at += n;
    }
    OK(sitemap_parser_finish(s));
    OK(d->text.err);
    d->result = *sitemap_parser_result(s);
    sitemap_parser_free(s);
}

void dump_close(struct dump *d)
{
    buf_release(&d->text);
}

void dump_every_way(struct dump *d, str doc)
{
    static const int chunks[] = {1, 2, 3, 7, 16, 61, 1021, 4096, -1, -2, -3, -4};
    dump_open(d, NULL, doc, 0);
    for (int expat = 0; expat <= 1; expat++) {
        struct sitemap_options o = {.without_scanner = expat};
        for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
            struct dump other;
            dump_open(&other, &o, doc, chunks[i]);
            ck_assert_msg(str_eq(buf_str(&d->text), buf_str(&other.text)),
                          "chunk %d, expat %d: the entries are\n%s\nand not\n%s", chunks[i], expat, other.text.p,
                          d->text.p);
            ck_assert_int_eq(d->result.type, other.result.type);
            for (unsigned p = 0; p < SITEMAP_PROBLEMS && !expat; p++) {
                if (d->result.problems[p] != other.result.problems[p]) {
                    ck_abort_msg("chunk %d: %s %lu times, not %lu", chunks[i],
                                 sitemap_problem_name((enum sitemap_problem)p), (unsigned long)other.result.problems[p],
                                 (unsigned long)d->result.problems[p]);
                }
            }
            dump_close(&other);
        }
    }
}

str dump_locs(struct dump *d, str doc)
{
    dump_every_way(d, doc);
    static char locs[4096];
    size_t n = 0;
    str rest = buf_str(&d->text);
    while (rest.len) {
        str line = str_cut(&rest, '\n');
        ptrdiff_t at = str_find(line, STR("\"loc\":\""));
        if (at < 0) {
            continue;
        }
        str loc = str_from(line, (size_t)at + 7);
        ptrdiff_t end = str_find_char(loc, '"');
        ck_assert_int_ge(end, 0);
        ck_assert_uint_lt(n + (size_t)end + 2, sizeof locs);
        memcpy(locs + n, loc.p, (size_t)end);
        n += (size_t)end;
        locs[n++] = ' ';
    }
    locs[n] = '\0';
    return str_n(locs, n);
}
