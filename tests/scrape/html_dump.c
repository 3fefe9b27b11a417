#include "html_dump.h"

#include "test.h"

/* Check writes a message at each of its own assertions; these are met a million times. */
#define MUST(cond)                     \
    do {                               \
        if (!(cond)) {                 \
            ck_abort_msg("%s", #cond); \
        }                              \
    } while (0)

static void end_text(struct html_dump *d)
{
    if (d->in_text) {
        (void)buf_puts(&d->text, "|");
        d->in_text = false;
    }
}

static int take(void *arg, const struct html_token *t)
{
    struct html_dump *d = arg;
    MUST(str_is_utf8(t->text) && str_is_utf8(t->name));
    if (t->kind == HTML_TEXT) {
        MUST(t->text.len > 0);
        if (t->raw && !d->in_text) {
            (void)buf_puts(&d->text, "~");
        }
        d->in_text = true;
        return buf_put_str(&d->text, t->text);
    }
    end_text(d);
    switch (t->kind) {
    case HTML_START:
        (void)buf_printf(&d->text, "<%.*s", STR_FMT(t->name));
        for (size_t i = 0; i < t->n_attrs; i++) {
            MUST(str_is_utf8(t->attrs[i].value));
            (void)buf_puts(&d->text, " ");
            (void)buf_put_str(&d->text, t->attrs[i].name);
            (void)buf_puts(&d->text, "=\"");
            (void)buf_put_str(&d->text, t->attrs[i].value);
            (void)buf_puts(&d->text, "\"");
        }
        (void)buf_puts(&d->text, t->self_closing ? "/>" : ">");
        break;
    case HTML_END:
        (void)buf_printf(&d->text, "</%.*s>", STR_FMT(t->name));
        break;
    case HTML_COMMENT:
        (void)buf_printf(&d->text, "<!--%.*s-->", STR_FMT(t->text));
        break;
    case HTML_DOCTYPE:
        (void)buf_printf(&d->text, "<!DOCTYPE %.*s>", STR_FMT(t->name));
        break;
    case HTML_TEXT:
        break;
    }
    return buf_puts(&d->text, "|");
}

void html_dump_open(struct html_dump *d, const struct html_options *o, str page, int chunk)
{
    html *h;
    unsigned seed = (unsigned)-chunk;
    *d = (struct html_dump){0};
    buf_init(&d->text, (size_t)1 << 30);
    OK(html_new(o, take, d, &h));
    for (size_t at = 0; at < page.len;) {
        size_t n = chunk == 0 ? page.len : chunk > 0 ? (size_t)chunk : 1 + (size_t)rand_r(&seed) % 300;
        n = n < page.len - at ? n : page.len - at;
        /* A block of its own, so that a sanitizer sees every byte read past it. */
        char *copy = malloc(n);
        MUST(copy);
        memcpy(copy, page.p + at, n);
        MUST(html_feed(h, copy, n) == 0);
        free(copy);
        at += n;
    }
    OK(html_finish(h));
    OK(d->text.err);
    end_text(d);
    d->stats = *html_stats(h);
    html_free(h);
}

void html_dump_close(struct html_dump *d)
{
    buf_release(&d->text);
}

const char *html_dump_every_way(const struct html_options *o, str page)
{
    static const int chunks[] = {1, 2, 3, 5, 17, 100, -1, -2};
    static char result[64 << 10];
    struct html_dump whole;
    html_dump_open(&whole, o, page, 0);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        struct html_dump other;
        html_dump_open(&other, o, page, chunks[i]);
        ck_assert_msg(str_eq(buf_str(&whole.text), buf_str(&other.text)), "chunk %d: the tokens are\n%s\nand not\n%s",
                      chunks[i], other.text.p, whole.text.p);
        ck_assert_uint_eq(whole.stats.cut, other.stats.cut);
        ck_assert_uint_eq(whole.stats.dropped, other.stats.dropped);
        ck_assert_int_eq(whole.stats.truncated, other.stats.truncated);
        html_dump_close(&other);
    }
    ck_assert_uint_lt(whole.text.len, sizeof result);
    memcpy(result, whole.text.p, whole.text.len + 1);
    html_dump_close(&whole);
    return result;
}
