#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/cli/sitemap.h"
#include "waymark/scrape/sitemap_json.h"

enum { READ_SIZE = 128 << 10, WRITE_SIZE = 256 << 10, LINE_ROOM = 64 << 20 };

struct printer {
    int out;
    const url *base;
    buf text; /* not written yet */
    buf href;
    uint64_t invalid;
};

static int write_out(struct printer *p)
{
    size_t done = 0;
    while (done < p->text.len) {
        ssize_t n = write(p->out, p->text.p + done, p->text.len - done);
        if (n < 0 && errno != EINTR) {
            return diag_set(-errno, "standard output: %s", strerror(errno));
        }
        done += n > 0 ? (size_t)n : 0;
    }
    buf_clear(&p->text);
    return 0;
}

static int print_entry(struct printer *p, const struct sitemap_entry *e)
{
    struct json_writer w;
    str canonical;
    int why = url_canonicalize(&p->href, e->loc, p->base, 0, &canonical);
    if (why == URL_NOMEM) {
        return diag_nomem();
    }
    json_start(&w, &p->text);
    json_object(&w);
    json_raw_members(&w, e->is_index ? STR("\"kind\":\"sitemap\"") : STR("\"kind\":\"url\""));
    sitemap_entry_json(&w, e, why ? e->loc : canonical);
    if (why) {
        p->invalid++;
        json_key(&w, "invalid");
        json_cstring(&w, url_error_text(why));
    }
    json_end(&w);
    return buf_put_char(&p->text, '\n') ? diag_nomem() : 0;
}

static int on_entries(void *arg, const struct sitemap_entry *entries, size_t n)
{
    struct printer *p = arg;
    for (size_t i = 0; i < n; i++) {
        int r = print_entry(p, &entries[i]);
        if (r == 0 && p->text.len >= WRITE_SIZE) {
            r = write_out(p);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int read_all(int in, sitemap_parser *parser)
{
    MEM_AUTO char *chunk = mem_alloc(READ_SIZE);
    if (!chunk) {
        return diag_nomem();
    }
    int r = 0;
    while (r == 0 && !sitemap_parser_stopped(parser)) {
        ssize_t n = read(in, chunk, READ_SIZE);
        if (n < 0 && errno != EINTR) {
            return diag_set(-errno, "%s", strerror(errno));
        }
        if (n == 0) {
            break;
        }
        r = n > 0 ? sitemap_parser_feed(parser, chunk, (size_t)n) : 0;
    }
    return r < 0 ? r : sitemap_parser_finish(parser);
}

static int print_result(struct printer *p, const struct sitemap_result *result)
{
    struct json_writer w;
    json_start(&w, &p->text);
    sitemap_result_json(&w, result, p->invalid);
    return buf_put_char(&p->text, '\n') ? diag_nomem() : write_out(p);
}

int sitemap_print(int in, int out, const url *base, struct sitemap_result *ret)
{
    struct printer p = {.out = out, .base = base};
    sitemap_parser *parser = NULL;
    buf_init(&p.text, WRITE_SIZE + LINE_ROOM);
    buf_init(&p.href, URL_BUF_MAX);
    /* One file at hand is read to its end; the ratio still ends a bomb. */
    const struct sitemap_options o = {.max_entries = UINT64_MAX, .max_size = UINT64_MAX};
    int r = sitemap_parser_new(&o, on_entries, &p, &parser);
    if (r == 0) {
        r = read_all(in, parser);
    }
    if (r == 0) {
        *ret = *sitemap_parser_result(parser);
        r = print_result(&p, ret);
    }
    sitemap_parser_free(parser);
    buf_release(&p.text);
    buf_release(&p.href);
    return r;
}
