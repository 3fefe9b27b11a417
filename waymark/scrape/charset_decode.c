/* The streaming decoder: UTF-8 and windows-1252 by our own hand, the others through iconv(3). */
#include <assert.h>
#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/charset.h"

enum {
    PIECE = 32 << 10, /* what one call of the sink gets at most: small enough to stay in a cache */
    HELD_MAX = 32,    /* an unfinished sequence; ISO-2022-JP's escapes are the longest */
};

enum decoder_kind { DECODE_UTF8, DECODE_1252, DECODE_ICONV };

struct decoder {
    enum decoder_kind kind;
    enum charset_repair repair;
    decoder_sink *sink;
    void *arg;
    iconv_t iconv;
    uint64_t bad;
    size_t n_held;
    char held[HELD_MAX];
    char out[PIECE];
};

/* Where the Encoding Standard's name and its meaning differ from glibc's. */
static const char *iconv_name(const char *encoding)
{
    static const struct {
        const char *encoding, *name;
    } names[] = {{"Shift_JIS", "CP932"},     {"EUC-KR", "CP949"},      {"Big5", "BIG5-HKSCS"},
                 {"GBK", "GB18030"},         {"windows-874", "CP874"}, {"x-mac-cyrillic", "MAC-CYRILLIC"},
                 {"macintosh", "MACINTOSH"}, {"EUC-JP", "EUC-JP-MS"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].encoding, encoding) == 0) {
            return names[i].name;
        }
    }
    return encoding;
}

int decoder_open(const char *encoding, enum charset_repair repair, decoder_sink *sink, void *arg, decoder **ret)
{
    assert(encoding && sink);
    decoder *d = mem_alloc(sizeof *d);
    if (!d) {
        return diag_nomem();
    }
    d->kind = strcmp(encoding, "UTF-8") == 0          ? DECODE_UTF8
              : strcmp(encoding, "windows-1252") == 0 ? DECODE_1252
                                                      : DECODE_ICONV;
    d->repair = repair;
    d->sink = sink;
    d->arg = arg;
    d->bad = 0;
    d->n_held = 0;
    if (d->kind == DECODE_ICONV) {
        d->iconv = iconv_open("UTF-8", iconv_name(encoding));
        if (d->iconv == (iconv_t)-1) { /* NOLINT: the failure value POSIX defines */
            mem_free(d);
            return diag_set(-ENOTSUP, "this system cannot convert from the encoding %s", encoding);
        }
    }
    *ret = d;
    return 0;
}

void decoder_close(decoder *d)
{
    if (d) {
        if (d->kind == DECODE_ICONV) {
            (void)iconv_close(d->iconv);
        }
        mem_free(d);
    }
}

uint64_t decoder_bad(const decoder *d)
{
    return d->bad;
}

static size_t ascii_span(const char *p, size_t n)
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        uint64_t w[4];
        memcpy(w, p + i, sizeof w);
        if ((w[0] | w[1] | w[2] | w[3]) & 0x8080808080808080U) {
            break;
        }
    }
    while (i < n && (uint8_t)p[i] < 0x80) {
        i++;
    }
    return i;
}

enum utf8_class { UTF8_VALID, UTF8_BAD, UTF8_SHORT };

/* Looks at one multi-byte sequence: its length when valid; the bytes to replace at once when bad (the maximal
 * subpart, as the Encoding Standard counts them); n when it only lacks its end. */
static enum utf8_class utf8_look(const uint8_t *p, size_t n, size_t *ret_len)
{
    uint8_t lo = 0x80, hi = 0xbf, lead = p[0];
    size_t want = lead >= 0xc2 && lead <= 0xdf   ? 2
                  : lead >= 0xe0 && lead <= 0xef ? 3
                  : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                 : 0;
    assert(n > 0 && lead >= 0x80);
    *ret_len = 1;
    if (want == 0) {
        return UTF8_BAD;
    }
    lo = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : lo;
    hi = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : hi;
    for (size_t i = 1; i < want; i++, lo = 0x80, hi = 0xbf) {
        *ret_len = i;
        if (i == n) {
            return UTF8_SHORT;
        }
        if (p[i] < lo || p[i] > hi) {
            return UTF8_BAD;
        }
    }
    *ret_len = want;
    return UTF8_VALID;
}

/* The longest valid run at the start of p, whole sequences only. */
static size_t utf8_span(const char *p, size_t n)
{
    size_t i = 0;
    for (;;) {
        i += ascii_span(p + i, n - i);
        size_t len;
        if (i == n || utf8_look((const uint8_t *)p + i, n - i, &len) != UTF8_VALID) {
            return i;
        }
        i += len;
    }
}

/* Emits what the len bytes of a bad sequence become. */
static int emit_bad(decoder *d, const char *p, size_t len)
{
    char out[4 * 4];
    size_t n = 0;
    assert(len > 0 && len <= 3);
    d->bad++;
    if (d->repair == CHARSET_REPLACE) {
        n = utf8_put(0xfffd, out);
    } else {
        for (size_t i = 0; i < len; i++) {
            n += utf8_put(windows_1252((uint8_t)p[i]), out + n);
        }
    }
    return d->sink(d->arg, out, n);
}

/* Decodes whole sequences of p; *used stops before an unfinished one. */
static int decode_utf8(decoder *d, const char *p, size_t len, size_t *used)
{
    size_t at = 0;
    int r = 0;
    while (at < len && r == 0) {
        size_t piece = len - at < PIECE ? len - at : PIECE, n = utf8_span(p + at, piece);
        if (n) {
            r = d->sink(d->arg, p + at, n);
            at += n;
            continue;
        }
        enum utf8_class class = utf8_look((const uint8_t *)p + at, len - at, &n);
        if (class == UTF8_SHORT) {
            break;
        }
        assert(class == UTF8_BAD);
        r = emit_bad(d, p + at, n);
        at += n;
    }
    *used = at;
    return r;
}

static int decode_1252(decoder *d, const char *p, size_t len, size_t *used)
{
    size_t at = 0;
    *used = len;
    while (at < len) {
        size_t plain = ascii_span(p + at, len - at), n = 0;
        plain = plain < PIECE ? plain : PIECE;
        if (plain >= 64) {
            int r = d->sink(d->arg, p + at, plain);
            if (r < 0) {
                return r;
            }
            at += plain;
            continue;
        }
        while (at < len && n + 4 <= PIECE) {
            n += utf8_put(windows_1252((uint8_t)p[at++]), d->out + n);
        }
        int r = d->sink(d->arg, d->out, n);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int decode_iconv(decoder *d, const char *p, size_t len, size_t *used)
{
    union {
        const char *given;
        char *taken; /* iconv only reads it */
    } in = {p};
    size_t left = len;
    int r = 0;
    bool more = true;
    while (more && r == 0) {
        char *out = d->out;
        size_t room = PIECE - 4;
        size_t got = iconv(d->iconv, &in.taken, &left, &out, &room);
        int why = got == (size_t)-1 ? errno : 0;
        more = why == E2BIG;
        if (left && (why == EILSEQ || (why == EINVAL && left >= HELD_MAX))) {
            out += utf8_put(0xfffd, out);
            d->bad++;
            in.taken++;
            left--;
            more = true;
        }
        r = out > d->out ? d->sink(d->arg, d->out, (size_t)(out - d->out)) : 0;
    }
    *used = len - left;
    return r;
}

static int decode(decoder *d, const char *p, size_t len, size_t *used)
{
    switch (d->kind) {
    case DECODE_UTF8:
        return decode_utf8(d, p, len, used);
    case DECODE_1252:
        return decode_1252(d, p, len, used);
    case DECODE_ICONV:
        return decode_iconv(d, p, len, used);
    }
    __builtin_unreachable();
}

int decoder_feed(decoder *d, const char *p, size_t len)
{
    while (d->n_held && len) {
        /* The sequence that the last chunk broke off: one byte more at a time until it is whole. */
        size_t used;
        d->held[d->n_held++] = *p++;
        len--;
        int r = decode(d, d->held, d->n_held, &used);
        if (r < 0) {
            return r;
        }
        memmove(d->held, d->held + used, d->n_held - used);
        d->n_held -= used;
        if (d->n_held == HELD_MAX) { /* no encoding has sequences that long */
            d->n_held = 0;
            r = emit_bad(d, d->held, 1);
            if (r < 0) {
                return r;
            }
        }
    }
    if (len == 0) {
        return 0;
    }
    size_t used;
    int r = decode(d, p, len, &used);
    size_t rest = len - used;
    assert(r < 0 || rest < HELD_MAX);
    if (r == 0 && rest) {
        memcpy(d->held, p + used, rest);
        d->n_held = rest;
    }
    return r;
}

int decoder_finish(decoder *d)
{
    size_t n = d->n_held;
    d->n_held = 0;
    int r = n ? emit_bad(d, d->held, n < 3 ? n : 3) : 0;
    if (r == 0 && d->kind == DECODE_ICONV) {
        /* windows-1255 and 1258 hold back a letter that a mark may follow. */
        char *out = d->out;
        size_t room = PIECE;
        (void)iconv(d->iconv, NULL, NULL, &out, &room);
        r = out > d->out ? d->sink(d->arg, d->out, (size_t)(out - d->out)) : 0;
    }
    return r;
}
