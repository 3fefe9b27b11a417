/* The way of the bytes: gzip, encoding, windows for the stages, and batches for the sink. */
#include "waymark/scrape/sitemap.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/sitemap_impl.h"

enum { HEAD_MAX = 1024, CARRY_STEP = 1024 };

void sitemap_problem_add(sitemap_parser *s, enum sitemap_problem p)
{
    assert(p < SITEMAP_PROBLEMS);
    s->result.problems[p]++;
}

void sitemap_fail(sitemap_parser *s, int err)
{
    assert(err < 0);
    if (!s->err) {
        s->err = err;
    }
}

void sitemap_flush(sitemap_parser *s)
{
    size_t n = s->n_batch;
    s->n_batch = 0;
    if (n && !s->err) {
        int r = s->sink(s->arg, s->batch, n);
        if (r < 0) {
            sitemap_fail(s, r);
        }
    }
    if (s->b.depth == 0) { /* an open entry's text is in there too */
        arena_reset(s->scratch);
    }
}

static size_t stopped(sitemap_parser *s, const char *p, size_t len, bool at_end)
{
    (void)s;
    (void)p;
    (void)at_end;
    return len;
}

typedef size_t stage_fn(sitemap_parser *s, const char *p, size_t len, bool at_end);

static size_t run(sitemap_parser *s, const char *p, size_t len, bool at_end)
{
    static stage_fn *const stages[] = {
        [STAGE_PROLOG] = sitemap_prolog, [STAGE_ROOT] = sitemap_root, [STAGE_JUNK] = sitemap_junk,
        [STAGE_TEXT] = sitemap_text,     [STAGE_SCAN] = sitemap_scan, [STAGE_EXPAT] = sitemap_expat,
        [STAGE_RESYNC] = sitemap_resync, [STAGE_TAIL] = sitemap_tail, [STAGE_STOPPED] = stopped,
    };
    size_t done = 0;
    while (done < len && !s->err) {
        enum stage before = s->stage;
        size_t used = stages[before](s, p + done, len - done, at_end);
        assert(used <= len - done);
        done += used;
        if (s->stage == before) {
            break;
        }
    }
    sitemap_flush(s); /* slices point into the window */
    return done;
}

/* Gets the decoded text in chunks. What a stage leaves is put in front of the next chunk; as soon as a window that
 * starts with such a rest reaches into the chunk itself, reading goes on there without copying. */
static int on_text(void *arg, const char *p, size_t len)
{
    sitemap_parser *s = arg;
    while (len && !s->err) {
        size_t old = s->carry.len;
        if (old == 0) {
            size_t used = run(s, p, len, false);
            p += used;
            len -= used;
            if (len == 0 || s->err) {
                break;
            }
            s->carry_need = len + len / 2 + 16;
            if (buf_put(&s->carry, p, len)) {
                sitemap_fail(s, diag_nomem());
            }
            break;
        }
        size_t take = s->carry_need > old + CARRY_STEP ? s->carry_need - old : CARRY_STEP;
        take = take < len ? take : len;
        if (buf_put(&s->carry, p, take)) {
            sitemap_fail(s, diag_nomem());
            break;
        }
        size_t window = s->carry.len;
        if (window < s->carry_need) {
            break; /* so that tiny chunks cost linear time */
        }
        size_t used = run(s, s->carry.p, window, false);
        if (used >= old) {
            buf_clear(&s->carry);
            s->carry_need = 0;
            p += used - old;
            len -= used - old;
        } else {
            buf_drop_front(&s->carry, used);
            s->carry_need = s->carry.len + s->carry.len / 2 + 16;
            p += take;
            len -= take;
        }
    }
    return s->err;
}

/* The encoding that the XML declaration names; the empty slice when it names none. */
static str declared_encoding(str head)
{
    head = str_trim(str_n(head.p, head.len < HEAD_MAX ? head.len : HEAD_MAX));
    ptrdiff_t end = str_find(head, STR("?>"));
    if (end < 0 || !str_starts(head, STR("<?xml"))) {
        return (str){NULL, 0};
    }
    head.len = (size_t)end;
    ptrdiff_t at = str_find(head, STR("encoding"));
    str v = str_trim(str_from(head, at < 0 ? head.len : (size_t)at + 8));
    if (!str_starts(v, STR("="))) {
        return (str){NULL, 0};
    }
    v = str_trim(str_from(v, 1));
    if (v.len == 0 || (v.p[0] != '"' && v.p[0] != '\'')) {
        return (str){NULL, 0};
    }
    ptrdiff_t close = str_find_char(str_from(v, 1), v.p[0]);
    return close < 0 ? (str){NULL, 0} : str_n(v.p + 1, (size_t)close);
}

/* Opens the decoder for what the first bytes say and feeds it all but the byte order mark. */
static int start_decoder(sitemap_parser *s, str head)
{
    size_t bom = 0;
    const char *name = charset_bom(head, &bom);
    if (!name && head.len >= 4 && (memcmp(head.p, "<\0", 2) == 0 || memcmp(head.p, "\0<", 2) == 0)) {
        name = head.p[0] == '<' ? "UTF-16LE" : "UTF-16BE";
    }
    if (!name) {
        str label = declared_encoding(head);
        if (label.len == 0 && s->options.charset) {
            label = str_of(s->options.charset);
        }
        name = charset_lookup(label);
        if (label.len && !name) {
            sitemap_problem_add(s, SITEMAP_UNKNOWN_ENCODING);
        }
        /* A document whose first bytes could be read cannot be UTF-16, whatever it says. */
        name = !name || str_starts(str_of(name), STR("UTF-16")) ? "UTF-8" : name;
    }
    assert(bom <= head.len);
    int r = decoder_open(name, CHARSET_WINDOWS_1252, on_text, s, &s->decoder);
    if (r == -ENOTSUP) {
        sitemap_problem_add(s, SITEMAP_UNKNOWN_ENCODING);
        name = "UTF-8";
        r = decoder_open(name, CHARSET_WINDOWS_1252, on_text, s, &s->decoder);
    }
    if (r < 0) {
        return r;
    }
    s->result.encoding = name;
    return decoder_feed(s->decoder, head.p + bom, head.len - bom);
}

/* Whether the first bytes are enough to know the encoding. */
static bool head_complete(str head)
{
    str t = str_trim(head);
    if (head.len >= HEAD_MAX) {
        return true;
    }
    if (t.len < 5) {
        return false;
    }
    return !str_starts(str_from(head, (size_t)(t.p - head.p)), STR("<?xml")) || str_find(t, STR("?>")) >= 0;
}

static int on_bytes(void *arg, const char *p, size_t len)
{
    sitemap_parser *s = arg;
    uint64_t room = s->options.max_size - s->result.bytes;
    if (s->stage == STAGE_STOPPED) {
        return s->err;
    }
    bool capped = len > room;
    len = capped ? (size_t)room : len;
    if (s->result.bytes <= SITEMAP_SIZE_MAX && s->result.bytes + len > SITEMAP_SIZE_MAX) {
        sitemap_problem_add(s, SITEMAP_OVER_SIZE);
    }
    s->result.bytes += len;
    int r = 0;
    if (s->decoder) {
        r = decoder_feed(s->decoder, p, len);
    } else if (s->head.len == 0 && head_complete(str_n(p, len))) {
        r = start_decoder(s, str_n(p, len));
    } else {
        size_t take = HEAD_MAX - s->head.len;
        take = take < len ? take : len;
        if (buf_put(&s->head, p, take)) {
            return diag_nomem();
        }
        if (head_complete(buf_str(&s->head))) {
            r = start_decoder(s, buf_str(&s->head));
            r = r < 0 || take == len ? r : decoder_feed(s->decoder, p + take, len - take);
        }
    }
    if (r == 0 && capped) {
        sitemap_problem_add(s, SITEMAP_SIZE_CAPPED);
        sitemap_flush(s);
        s->stage = STAGE_STOPPED;
    }
    return r;
}

int sitemap_parser_new(const struct sitemap_options *options, sitemap_sink *sink, void *arg, sitemap_parser **ret)
{
    assert(sink && ret);
    sitemap_parser *s = mem_zalloc(1, sizeof *s);
    if (!s) {
        return diag_nomem();
    }
    struct sitemap_options *o = &s->options;
    *o = options ? *options : (struct sitemap_options){0};
    o->max_entries = o->max_entries ? o->max_entries : 1000000;
    o->max_size = o->max_size ? o->max_size : (uint64_t)256 << 20;
    o->max_loc = o->max_loc ? o->max_loc : SITEMAP_LOC_MAX;
    o->max_extras = o->max_extras ? o->max_extras : 1000;
    o->max_entry_size = o->max_entry_size ? o->max_entry_size : 1 << 20;
    o->max_depth = o->max_depth && o->max_depth < DEPTH_MAX ? o->max_depth : 64;
    s->sink = sink;
    s->arg = arg;
    s->result.encoding = "UTF-8";
    buf_init(&s->head, HEAD_MAX);
    buf_init(&s->carry, SIZE_MAX / 4);
    builder_init(&s->b);
    struct gunzip_options gz = {.max_out = o->max_size, .max_ratio = o->max_ratio, .depth = o->gzip_depth};
    int r = gunzip_new(&gz, on_bytes, s, &s->gunzip);
    if (r == 0 && !(s->scratch = arena_new(NULL, 0))) {
        r = diag_nomem();
    }
    if (r < 0) {
        sitemap_parser_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void sitemap_parser_free(sitemap_parser *s)
{
    if (!s) {
        return;
    }
    if (s->expat) {
        XML_ParserFree(s->expat);
    }
    decoder_close(s->decoder);
    gunzip_free(s->gunzip);
    builder_release(&s->b);
    arena_free(s->scratch);
    buf_release(&s->head);
    buf_release(&s->carry);
    mem_free(s);
}

int sitemap_parser_feed(sitemap_parser *s, const char *p, size_t len)
{
    assert(!s->err);
    s->result.bytes_in += len;
    int r = len ? gunzip_feed(s->gunzip, p, len) : 0;
    if (r < 0) {
        sitemap_fail(s, r);
    }
    return s->err;
}

bool sitemap_parser_stopped(const sitemap_parser *s)
{
    return s->err || s->stage == STAGE_STOPPED || gunzip_stopped(s->gunzip);
}

static void count_gzip(sitemap_parser *s)
{
    const struct gunzip_stats *g = gunzip_stats(s->gunzip);
    uint64_t *n = s->result.problems;
    s->result.gzip_levels = g->levels;
    n[SITEMAP_GZIP_CORRUPT] += g->corrupt;
    n[SITEMAP_GZIP_TRUNCATED] += g->truncated && s->stage != STAGE_STOPPED; /* then the caller may have stopped */
    n[SITEMAP_GZIP_TRAILING] += g->trailing;
    n[SITEMAP_GZIP_RATIO] += g->over_ratio;
    n[SITEMAP_GZIP_DEPTH] += g->over_depth;
    n[SITEMAP_SIZE_CAPPED] += g->over_size && n[SITEMAP_SIZE_CAPPED] == 0;
}

int sitemap_parser_finish(sitemap_parser *s)
{
    assert(!s->err);
    int r = gunzip_finish(s->gunzip);
    if (r == 0 && !s->decoder && s->head.len) {
        r = start_decoder(s, buf_str(&s->head));
    }
    r = r == 0 && s->decoder ? decoder_finish(s->decoder) : r;
    if (r < 0) {
        sitemap_fail(s, r);
        return s->err;
    }
    if (s->carry.len) {
        size_t used = run(s, s->carry.p, s->carry.len, true);
        assert(s->err || used == s->carry.len);
        buf_clear(&s->carry);
    }
    if (!s->err && (s->stage == STAGE_EXPAT || s->stage == STAGE_RESYNC)) {
        sitemap_expat_finish(s);
    }
    sitemap_flush(s);
    count_gzip(s);
    s->result.problems[SITEMAP_BAD_ENCODING] += s->decoder ? decoder_bad(s->decoder) : 0;
    sitemap_prolog_finish(s);
    return s->err;
}

const struct sitemap_result *sitemap_parser_result(const sitemap_parser *s)
{
    return &s->result;
}
