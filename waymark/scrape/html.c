/* The way of the bytes: the encoding, windows for the state machine, tokens for the sink. */
#include "waymark/scrape/html.h"

#include <assert.h>
#include <errno.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/html_impl.h"

enum { PRESCAN = 1024 };

void html_fail(html *h, int err)
{
    assert(err < 0);
    if (!h->err) {
        h->err = err;
    }
}

void html_emit(html *h, struct html_token *t)
{
    t->foreign = h->foreign > 0;
    int r = h->err ? 0 : h->sink(h->arg, t);
    if (r < 0) {
        html_fail(h, r);
    }
}

/* t cut to limit bytes, whole characters only; counts the cut. */
static str cut_to(html *h, str t, size_t limit)
{
    if (t.len > limit) {
        h->stats.cut++;
        while (limit && ((uint8_t)t.p[limit] & 0xc0) == 0x80) {
            limit--;
        }
        t.len = limit;
    }
    return t;
}

void html_part_start(html *h)
{
    buf_clear(&h->part);
    h->part_used = h->part_cut = false;
}

void html_part(html *h, str t, size_t limit)
{
    size_t room = h->part.len < limit ? limit - h->part.len : 0, whole = t.len;
    h->part_used = true;
    if (h->part_cut || whole == 0) {
        return;
    }
    t = cut_to(h, t, room);
    h->part_cut = t.len < whole;
    if (t.len && buf_put_str(&h->part, t)) {
        html_fail(h, diag_nomem());
    }
}

str html_part_end(html *h, str rest, size_t limit)
{
    if (!h->part_used) {
        return cut_to(h, rest, limit);
    }
    html_part(h, rest, limit);
    return buf_str(&h->part);
}

void html_run(html *h, const char *p, size_t len)
{
    const char *at = p, *end = p + len;
    while (at < end && !h->err) {
        if (h->state <= H_PLAINTEXT || h->state >= H_CDATA) {
            html_in_text(h, &at, end);
        } else if (h->state < H_DECLARATION) {
            html_in_tag(h, &at, end);
        } else {
            html_in_markup(h, &at, end);
        }
    }
    if (h->state > H_END_OPEN && h->state < H_DECLARATION) {
        html_keep_tag(h);
    }
}

static void end_of_input(html *h)
{
    if (h->state <= H_PLAINTEXT || h->state >= H_CDATA) {
        html_end_text(h);
    } else if (h->state == H_TAG_OPEN || h->state == H_END_OPEN) {
        html_put_text(h, h->state == H_TAG_OPEN ? STR("<") : STR("</"), false);
    } else if (h->state < H_DECLARATION) {
        h->stats.truncated = true; /* a tag without its end is no tag */
    } else {
        h->stats.truncated = true;
        html_end_markup(h);
    }
}

static int on_text(void *arg, const char *p, size_t len)
{
    html *h = arg;
    html_run(h, p, len);
    return h->err;
}

int html_new(const struct html_options *options, html_sink *sink, void *arg, html **ret)
{
    assert(sink && ret);
    html *h = mem_alloc(sizeof *h);
    if (!h) {
        return diag_nomem();
    }
    memset(h, 0, offsetof(html, attrs));
    h->options = options ? *options : (struct html_options){0};
    h->sink = sink;
    h->arg = arg;
    buf_init(&h->head, PRESCAN);
    buf_init(&h->part, HTML_VALUE_MAX);
    h->tag = arena_new(NULL, 0);
    if (!h->tag) {
        html_free(h);
        return diag_nomem();
    }
    *ret = h;
    return 0;
}

void html_free(html *h)
{
    if (h) {
        decoder_close(h->decoder);
        arena_free(h->tag);
        buf_release(&h->head);
        buf_release(&h->part);
        mem_free(h);
    }
}

void html_set_want(html *h, unsigned want)
{
    h->options.want = want;
}

const struct html_stats *html_stats(const html *h)
{
    return &h->stats;
}

bool html_attr(const struct html_token *t, const char *name, str *ret)
{
    str want = str_of(name);
    for (size_t i = 0; i < t->n_attrs; i++) {
        if (str_eq(t->attrs[i].name, want)) {
            if (ret) {
                *ret = t->attrs[i].value;
            }
            return true;
        }
    }
    return false;
}

/* What a <meta> of the prescan says: the encoding, or NULL still. */
static int on_prescan(void *arg, const struct html_token *t)
{
    const char **encoding = arg;
    str label = {NULL, 0}, equiv;
    if (*encoding || t->kind != HTML_START || !str_eq(t->name, STR("meta"))) {
        return 0;
    }
    if (!html_attr(t, "charset", &label) && html_attr(t, "http-equiv", &equiv) &&
        str_eq_nocase(str_trim(equiv), STR("content-type")) && html_attr(t, "content", &label)) {
        label = charset_of_content_type(label);
    }
    if (str_eq_nocase(str_trim(label), STR("x-user-defined"))) {
        label = STR("windows-1252");
    }
    const char *name = charset_lookup(label);
    /* Whoever can read the meta is not reading UTF-16. */
    *encoding = name && str_starts(str_of(name), STR("UTF-16")) ? "UTF-8" : name;
    return 0;
}

/* The tokenizer itself, on the bytes as they are, looks for the meta: what it searches for is ASCII. */
static int prescan(str head, const char **ret)
{
    html *h;
    *ret = NULL;
    int r = html_new(NULL, on_prescan, ret, &h);
    if (r == 0) {
        html_run(h, head.p, head.len);
        r = h->err;
        html_free(h);
    }
    return r;
}

static int start_decoder(html *h, str head)
{
    size_t bom = 0;
    const char *name = charset_bom(head, &bom);
    if (!name && h->options.charset) {
        name = charset_lookup(str_of(h->options.charset));
    }
    int r = 0;
    if (!name) {
        r = prescan(str_n(head.p, head.len < PRESCAN ? head.len : PRESCAN), &name);
    }
    h->stats.declared = name != NULL;
    enum charset_repair repair = name ? CHARSET_REPLACE : CHARSET_WINDOWS_1252;
    name = name ? name : "UTF-8";
    r = r ? r : decoder_open(name, repair, on_text, h, &h->decoder);
    if (r == -ENOTSUP) {
        h->stats.declared = false;
        name = "UTF-8";
        r = decoder_open(name, CHARSET_WINDOWS_1252, on_text, h, &h->decoder);
    }
    if (r < 0) {
        return r;
    }
    h->stats.encoding = name;
    assert(bom <= head.len);
    return decoder_feed(h->decoder, head.p + bom, head.len - bom);
}

int html_feed(html *h, const char *p, size_t len)
{
    int r = 0;
    assert(!h->err);
    h->stats.bytes += len;
    if (h->decoder) {
        r = decoder_feed(h->decoder, p, len);
    } else if (h->head.len == 0 && len >= PRESCAN) {
        r = start_decoder(h, str_n(p, len));
    } else if (len) {
        size_t take = PRESCAN - h->head.len < len ? PRESCAN - h->head.len : len;
        if (buf_put(&h->head, p, take)) {
            r = diag_nomem();
        } else if (h->head.len == PRESCAN) {
            r = start_decoder(h, buf_str(&h->head));
            r = r < 0 || take == len ? r : decoder_feed(h->decoder, p + take, len - take);
        }
    }
    if (r < 0) {
        html_fail(h, r);
    }
    return h->err;
}

int html_finish(html *h)
{
    int r = 0;
    assert(!h->err);
    if (!h->decoder) {
        r = start_decoder(h, buf_str(&h->head));
    }
    r = r ? r : decoder_finish(h->decoder);
    if (r < 0) {
        html_fail(h, r);
        return h->err;
    }
    end_of_input(h);
    h->stats.bad_encoding = decoder_bad(h->decoder);
    return h->err;
}
