#include "waymark/scrape/fetch_decode.h"

#include <assert.h>
#include <brotli/decode.h>
#include <errno.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/mem.h"

enum { BETWEEN = 16 << 10, ZSTD_WINDOW_LOG = 23 }; /* RFC 9659: 8 MiB is what a receiver must support, and no more */

enum coding { GZIP, DEFLATE, BROTLI, ZSTD };

/* One coding and the bytes that it has produced for the next. */
struct stage {
    enum coding coding;
    bool started, ended;
    int broken;   /* the code to return once what was good has been handed on */
    bool pending; /* the last run filled its room, so there may be more without further input */
    union {
        z_stream z;
        BrotliDecoderState *brotli;
        ZSTD_DStream *zstd;
    };
    uint8_t *made; /* NULL in the last stage, which writes to the caller */
    size_t at, len;
};

struct decoder {
    unsigned n;
    struct stage stages[];
};

static void *z_alloc(void *opaque, unsigned items, unsigned size)
{
    (void)opaque;
    return mem_zalloc(items, size);
}

static void z_free(void *opaque, void *p)
{
    (void)opaque;
    mem_free(p);
}

static void *brotli_alloc(void *opaque, size_t size)
{
    (void)opaque;
    return mem_alloc(size);
}

static int stage_start(struct stage *s, uint8_t first)
{
    switch (s->coding) {
    case GZIP:
    case DEFLATE: {
        /* "deflate" means a zlib stream, but many servers send it bare. */
        bool bare = (first & 0x0f) != Z_DEFLATED || first >> 4 > 7;
        s->z.zalloc = z_alloc;
        s->z.zfree = z_free;
        int bits = s->coding == GZIP ? MAX_WBITS + 16 : bare ? -MAX_WBITS : MAX_WBITS;
        if (inflateInit2(&s->z, bits) != Z_OK) {
            return -ENOMEM;
        }
        break;
    }
    case BROTLI:
        s->brotli = BrotliDecoderCreateInstance(brotli_alloc, z_free, NULL);
        if (!s->brotli) {
            return -ENOMEM;
        }
        break;
    case ZSTD:
        s->zstd = ZSTD_createDStream();
        if (!s->zstd) {
            return -ENOMEM;
        }
        (void)ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
        break;
    }
    s->started = true;
    return 0;
}

static void stage_release(struct stage *s)
{
    if (s->started && s->coding == BROTLI) {
        BrotliDecoderDestroyInstance(s->brotli);
    } else if (s->started && s->coding == ZSTD) {
        (void)ZSTD_freeDStream(s->zstd);
    } else if (s->started) {
        (void)inflateEnd(&s->z);
    }
    mem_free(s->made);
}

/* zlib counts in 32 bits. */
static unsigned narrow(size_t n)
{
    return n > INT32_MAX ? INT32_MAX : (unsigned)n;
}

static ptrdiff_t run_zlib(struct stage *s, str *in, uint8_t *out, size_t room)
{
    s->z.next_in = (const Bytef *)in->p;
    s->z.avail_in = narrow(in->len);
    s->z.next_out = out;
    s->z.avail_out = narrow(room);
    unsigned had = s->z.avail_in, wanted = s->z.avail_out;
    int r = inflate(&s->z, Z_NO_FLUSH);
    *in = str_from(*in, had - s->z.avail_in);
    if (r == Z_STREAM_END) {
        s->ended = true;
    } else if (r != Z_OK && r != Z_BUF_ERROR) {
        s->broken = r == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
    }
    return (ptrdiff_t)(wanted - s->z.avail_out);
}

static ptrdiff_t run_brotli(struct stage *s, str *in, uint8_t *out, size_t room)
{
    size_t left_in = in->len, left_out = room;
    const uint8_t *next_in = (const uint8_t *)in->p;
    uint8_t *next_out = out;
    BrotliDecoderResult r = BrotliDecoderDecompressStream(s->brotli, &left_in, &next_in, &left_out, &next_out, NULL);
    *in = str_from(*in, in->len - left_in);
    if (r == BROTLI_DECODER_RESULT_ERROR) {
        BrotliDecoderErrorCode e = BrotliDecoderGetErrorCode(s->brotli);
        bool memory = e <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES && e >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
        s->broken = memory ? -ENOMEM : -EBADMSG;
    }
    s->ended = r == BROTLI_DECODER_RESULT_SUCCESS;
    return (ptrdiff_t)(room - left_out);
}

static ptrdiff_t run_zstd(struct stage *s, str *in, uint8_t *out, size_t room)
{
    ZSTD_inBuffer from = {in->p, in->len, 0};
    ZSTD_outBuffer to = {out, room, 0};
    size_t r = ZSTD_decompressStream(s->zstd, &to, &from);
    *in = str_from(*in, from.pos);
    if (ZSTD_isError(r)) {
        s->broken = ZSTD_getErrorCode(r) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
    }
    s->ended = r == 0; /* of this frame; another may follow */
    return (ptrdiff_t)to.pos;
}

/* Whether what follows the end is one more gzip member or zstd frame; anything else is ignored, as browsers do. */
static bool restart(struct stage *s, str *in)
{
    uint8_t next = (uint8_t)in->p[0];
    if (s->coding == GZIP && next == 0x1f && inflateReset(&s->z) == Z_OK) {
        s->ended = false;
    } else if (s->coding == ZSTD && (next == 0x28 || (next & 0xf0) == 0x50)) {
        s->ended = false; /* the stream starts the next frame by itself */
    } else {
        *in = str_from(*in, in->len);
    }
    return !s->ended;
}

static ptrdiff_t stage_run(struct stage *s, str *in, uint8_t *out, size_t room)
{
    if (!s->started) {
        if (!in->len) {
            return 0;
        }
        int r = stage_start(s, (uint8_t)in->p[0]);
        if (r < 0) {
            return r;
        }
    }
    if (s->ended && (!in->len || !restart(s, in))) {
        return 0;
    }
    if (s->broken || (!in->len && !s->pending)) {
        return s->broken;
    }
    ptrdiff_t n = s->coding == BROTLI ? run_brotli(s, in, out, room)
                  : s->coding == ZSTD ? run_zstd(s, in, out, room)
                                      : run_zlib(s, in, out, room);
    s->pending = n == (ptrdiff_t)room;
    return n ? n : s->broken;
}

ptrdiff_t decoder_run(decoder *d, str *in, void *out, size_t room)
{
    size_t written = 0;
    bool moved = true;
    while (moved && written < room) {
        moved = false;
        for (unsigned i = 0; i < d->n; i++) {
            struct stage *s = &d->stages[i], *before = i ? &d->stages[i - 1] : NULL;
            str own = before ? str_n((const char *)before->made + before->at, before->len) : *in;
            size_t had = own.len;
            bool last = i + 1 == d->n;
            if (!last && s->len) {
                continue; /* the next one has not taken the last lot */
            }
            ptrdiff_t n =
                stage_run(s, &own, last ? (uint8_t *)out + written : s->made, last ? room - written : BETWEEN);
            if (n < 0) {
                return written ? (ptrdiff_t)written : n;
            }
            if (before) {
                before->at += had - own.len;
                before->len = own.len;
            } else {
                *in = own;
            }
            if (last) {
                written += (size_t)n;
            } else {
                s->at = 0;
                s->len = (size_t)n;
            }
            moved |= n > 0 || own.len < had;
        }
    }
    return (ptrdiff_t)written;
}

bool decoder_ended(const decoder *d)
{
    for (unsigned i = 0; i < d->n; i++) {
        if (!d->stages[i].ended || d->stages[i].len) {
            return false;
        }
    }
    return true;
}

/* ---- making one ---- */

static int coding_of(str name)
{
    static const struct {
        str name;
        enum coding coding;
    } known[] = {{{"gzip", 4}, GZIP},
                 {{"x-gzip", 6}, GZIP},
                 {{"deflate", 7}, DEFLATE},
                 {{"br", 2}, BROTLI},
                 {{"zstd", 4}, ZSTD}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (str_eq_nocase(name, known[i].name)) {
            return (int)known[i].coding;
        }
    }
    return -ENOTSUP;
}

static bool next_coding(str *rest, str *ret)
{
    while (rest->p) {
        *ret = str_trim(str_cut(rest, ','));
        if (ret->len && !str_eq_nocase(*ret, STR("identity"))) {
            return true;
        }
    }
    return false;
}

int decoder_new(str content_encoding, unsigned max, decoder **ret)
{
    unsigned n = 0;
    str rest = content_encoding, name;
    while (next_coding(&rest, &name)) {
        if (++n > max) {
            return -E2BIG;
        }
        if (coding_of(name) < 0) {
            return -ENOTSUP;
        }
    }
    if (n == 0) {
        *ret = NULL;
        return 0;
    }
    decoder *d = mem_zalloc(1, sizeof *d + n * sizeof d->stages[0]);
    if (!d) {
        return -ENOMEM;
    }
    d->n = n;
    rest = content_encoding;
    for (unsigned i = n; i-- > 0;) { /* the coding applied last is undone first */
        (void)next_coding(&rest, &name);
        d->stages[i].coding = (enum coding)coding_of(name);
    }
    for (unsigned i = 0; i + 1 < n; i++) {
        d->stages[i].made = mem_alloc(BETWEEN);
        if (!d->stages[i].made) {
            decoder_free(d);
            return -ENOMEM;
        }
    }
    *ret = d;
    return 0;
}

void decoder_free(decoder *d)
{
    for (unsigned i = 0; d && i < d->n; i++) {
        stage_release(&d->stages[i]);
    }
    mem_free(d);
}
