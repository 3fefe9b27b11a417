#include <brotli/encode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "hostile_impl.h"

enum { PIECE = 1 << 20, TEXT_MAX = 64 << 10, BLOCK = 128 << 10, PREFIX = sizeof "Content-Encoding" - 1 };

/* ---- honest codings ---- */

static size_t deflated(int bits, const void *in, size_t n, void *out, size_t room)
{
    z_stream z = {0};
    z.next_in = (Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)room;
    if (deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) != Z_OK || deflate(&z, Z_FINISH) != Z_STREAM_END) {
        hostile_die("deflate");
    }
    (void)deflateEnd(&z);
    return z.total_out;
}

static size_t encode(const char *coding, const void *in, size_t n, void *out, size_t room)
{
    if (strcmp(coding, "gzip") == 0) {
        return deflated(15 + 16, in, n, out, room);
    }
    if (strcmp(coding, "deflate") == 0) {
        return deflated(15, in, n, out, room);
    }
    if (strcmp(coding, "raw") == 0) {
        return deflated(-15, in, n, out, room);
    }
    if (strcmp(coding, "br") == 0) {
        size_t made = room;
        if (!BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, n, in, &made, out)) {
            hostile_die("brotli");
        }
        return made;
    }
    if (strcmp(coding, "zstd") == 0) {
        return ZSTD_compress(out, room, in, n, 3);
    }
    memcpy(out, in, n);
    return n;
}

void hostile_encoded(struct conn *c, const char *as)
{
    char *a = calloc(2, TEXT_MAX), names[256], header[512];
    if (!a) {
        hostile_die("calloc");
    }
    char *b = a + TEXT_MAX;
    size_t n = 0;
    for (int i = 0; i < 100; i++, n += 6) {
        memcpy(a + n, "hello\n", 6);
    }
    (void)snprintf(names, sizeof names, "%s", as);
    int at = snprintf(header, sizeof header, "Content-Encoding");
    char *save, *from = a, *to = b;
    for (char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        char *other = from;
        n = encode(name, from, n, to, TEXT_MAX);
        from = to;
        to = other;
        at += snprintf(header + at, sizeof header - (size_t)at, "%s %s", at == PREFIX ? ":" : ",",
                       strcmp(name, "raw") == 0 ? "deflate" : name);
    }
    (void)snprintf(header + at, sizeof header - (size_t)at, "\r\n");
    (void)conn_respond(c, 200, header, from, n);
    free(a);
}

void hostile_spoilt_gzip(struct conn *c, const char *how)
{
    char text[4096], out[8192];
    size_t n = sizeof text;
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)('a' + i * i % 23);
    }
    if (strcmp(how, "not-gzip") == 0) {
        (void)conn_respond(c, 200, "Content-Encoding: gzip\r\n", text, n);
        return;
    }
    n = deflated(15 + 16, text, n, out, sizeof out);
    if (strcmp(how, "cut-gzip") == 0) {
        n /= 2;
    } else {
        out[n - 6] = (char)~out[n - 6]; /* the checksum */
    }
    (void)conn_respond(c, 200, "Content-Encoding: gzip\r\n", out, n);
}

/* ---- bombs: each sends until the client goes ---- */

/* Deflates zeros, and that once more when twice, into what one write of the outer stream gives. */
struct deflater {
    z_stream inner, outer;
    bool twice;
    unsigned char *zeros, *once, *out;
};

static size_t deflate_into(z_stream *z, const unsigned char *in, size_t n, unsigned char *out)
{
    z->next_in = (Bytef *)(uintptr_t)in;
    z->avail_in = (uInt)n;
    z->next_out = out;
    z->avail_out = PIECE;
    (void)deflate(z, Z_SYNC_FLUSH);
    return PIECE - z->avail_out;
}

static void gzip_bomb(struct conn *c, bool twice)
{
    struct deflater d = {.twice = twice};
    unsigned char *memory = calloc(3, PIECE);
    if (!memory || deflateInit2(&d.inner, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflateInit2(&d.outer, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        hostile_die("deflate");
    }
    d.zeros = memory;
    d.once = memory + PIECE;
    d.out = memory + 2 * PIECE;
    bool more = true;
    while (more) {
        size_t n = deflate_into(&d.inner, d.zeros, PIECE, d.once);
        if (twice) {
            size_t m = deflate_into(&d.outer, d.once, n, d.out);
            more = conn_send(c, d.out, m);
        } else {
            more = conn_send(c, d.once, n);
        }
    }
    (void)deflateEnd(&d.inner);
    (void)deflateEnd(&d.outer);
    free(memory);
}

static void brotli_bomb(struct conn *c)
{
    BrotliEncoderState *s = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    unsigned char *zeros = calloc(1, PIECE);
    if (!s || !zeros) {
        hostile_die("brotli");
    }
    (void)BrotliEncoderSetParameter(s, BROTLI_PARAM_QUALITY, 5);
    bool more = true;
    while (more) {
        size_t left = PIECE, room = 0;
        const uint8_t *in = zeros;
        (void)BrotliEncoderCompressStream(s, BROTLI_OPERATION_FLUSH, &left, &in, &room, NULL, NULL);
        size_t n = 0;
        const uint8_t *out = BrotliEncoderTakeOutput(s, &n);
        more = conn_send(c, out, n);
        while (more && left) {
            (void)BrotliEncoderCompressStream(s, BROTLI_OPERATION_FLUSH, &left, &in, &room, NULL, NULL);
            out = BrotliEncoderTakeOutput(s, &n);
            more = conn_send(c, out, n);
        }
    }
    BrotliEncoderDestroyInstance(s);
    free(zeros);
}

/* By hand (RFC 8878): four bytes for each block of 128 KiB. */
static void zstd_bomb(struct conn *c)
{
    static const unsigned char frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50}; /* window of 1 MiB */
    static const unsigned block = BLOCK << 3 | 1 << 1;                         /* one byte, repeated */
    const unsigned char bytes[] = {block & 0xff, block >> 8 & 0xff, block >> 16, 0};
    bool more = conn_send(c, frame, sizeof frame);
    while (more) {
        more = conn_send(c, bytes, sizeof bytes);
    }
}

void hostile_wide_zstd(struct conn *c)
{
    static const unsigned char frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x0b, 0x00, 0x00, 'x'}; /* 2 GiB */
    (void)conn_respond(c, 200, "Content-Encoding: zstd\r\n", frame, sizeof frame);
}

void hostile_bomb(struct conn *c, const char *as, const char *headers)
{
    if (!conn_printf(c, "HTTP/1.1 200 OK\r\n%s\r\n", headers)) {
        return;
    }
    c->keep = false;
    if (strcmp(as, "br") == 0) {
        brotli_bomb(c);
    } else if (strcmp(as, "zstd") == 0) {
        zstd_bomb(c);
    } else {
        gzip_bomb(c, strcmp(as, "gzip,gzip") == 0);
    }
}
