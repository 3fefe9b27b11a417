#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/diag.h"
#include "waymark/scrape/fetch_impl.h"

enum {
    MS = 1000000,
    RATIO_FROM = 1 << 20,    /* a small page may well be mostly white space */
    STRETCH_MAX = 512 << 10, /* a few milliseconds of decoding */
    READ_ALL_STEP = 16 << 10,
};

/* The values of all Content-Encoding lines as one list. */
static int codings(const struct head *h, buf *out)
{
    str rest = buf_str(&h->lines), value;
    while (head_next(&rest, STR("Content-Encoding"), &value)) {
        (void)buf_put_str(out, value);
        (void)buf_put_char(out, ',');
    }
    return out->err;
}

static void new_window(struct fetch *f)
{
    f->window_end = fiber_now() + f->limits.slow_window_ms * MS;
    f->window_received = f->transfer.received;
}

int body_start(struct fetch *f)
{
    struct fetch_response *r = &f->response;
    int status = r->status;
    f->has_body = !(f->head || status == 204 || status == 304);
    new_window(f);
    if (!f->has_body) {
        return 0;
    }
    BUF_AUTO buf list;
    buf_init(&list, f->limits.header_bytes + f->limits.header_max);
    int e = codings(&f->transfer.head, &list);
    e = e < 0 ? e : decoder_new(buf_str(&list), f->limits.encodings_max, &f->decoder);
    switch (e) {
    case 0:
        return 0;
    case -ENOMEM:
        return fetch_fail(f, FETCH_NO_MEMORY, "out of memory");
    case -ENOTSUP:
        return fetch_fail(f, FETCH_UNKNOWN_ENCODING, "content coding \"%.*s\" was not asked for",
                          (int)(list.len > 80 ? 80 : list.len - 1), list.p);
    default:
        return fetch_fail(f, FETCH_TOO_MANY_ENCODINGS, "more than %u content codings", f->limits.encodings_max);
    }
}

/* Takes what has been received as far as it fills p. */
static ssize_t produce(struct fetch *f, char *p, size_t len)
{
    struct transfer *t = &f->transfer;
    size_t made = 0;
    while (made < len && (t->raw_len || f->decoder)) {
        str in = transfer_peek(t);
        size_t had = in.len;
        ptrdiff_t n;
        if (f->decoder) {
            n = decoder_run(f->decoder, &in, p + made, len - made);
        } else {
            n = (ptrdiff_t)(had < len - made ? had : len - made);
            memcpy(p + made, in.p, (size_t)n);
            in = str_from(in, (size_t)n);
        }
        if (n < 0) {
            return made ? (ssize_t)made : n; /* it fails again the next time */
        }
        transfer_skip(t, had - in.len);
        f->consumed += had - in.len;
        made += (size_t)n;
        if (n == 0 && in.len == had) {
            break;
        }
    }
    return (ssize_t)made;
}

static ssize_t bad_coding(struct fetch *f, ssize_t code)
{
    return code == -ENOMEM
               ? fetch_fail(f, FETCH_NO_MEMORY, "out of memory")
               : fetch_fail(f, FETCH_BAD_ENCODING, "the body is not what its Content-Encoding says, after %llu bytes",
                            (unsigned long long)f->response.decoded);
}

/* Counts n new bytes against the caps. */
static ssize_t account(struct fetch *f, size_t n)
{
    struct fetch_response *r = &f->response;
    r->decoded += n;
    f->door->stats.bytes_decoded += n;
    if (f->decoder && r->decoded > RATIO_FROM && r->decoded / f->limits.ratio_max > f->consumed) {
        return fetch_fail(f, FETCH_RATIO, "%llu bytes became %llu, more than %u times as many",
                          (unsigned long long)f->consumed, (unsigned long long)r->decoded, f->limits.ratio_max);
    }
    f->stretch += n;
    if (f->stretch >= STRETCH_MAX) {
        f->stretch = 0;
        int e = fiber_yield();
        if (e < 0) {
            return fetch_fail_wait(f, e, FETCH_TIMEOUT_TOTAL, "the body");
        }
    }
    return (ssize_t)n;
}

/* The network part is over and all of it was decoded. */
static ssize_t finish(struct fetch *f)
{
    if (f->transfer.outcome != FETCH_OK) {
        return fetch_fail_transfer(f);
    }
    if (f->decoder && f->consumed && !decoder_ended(f->decoder)) {
        return fetch_fail(f, FETCH_TRUNCATED, "the compressed body ended before its end, after %llu bytes",
                          (unsigned long long)f->response.decoded);
    }
    f->ended = true;
    return 0;
}

static int wait_for_more(struct fetch *f)
{
    struct transfer *t = &f->transfer;
    f->stretch = 0;
    int64_t until = f->total_end < f->window_end ? f->total_end : f->window_end;
    until = until < f->deadline ? until : f->deadline;
    int r = transfer_wait(t, until);
    int64_t now = fiber_now();
    if (r == -ETIMEDOUT && now >= f->window_end && now < f->total_end && now < fiber_deadline(f->deadline)) {
        uint64_t came = t->received - f->window_received;
        if (came < f->limits.slow_bytes) {
            return fetch_fail(f, FETCH_TOO_SLOW, "%llu bytes came in %lld ms, fewer than %llu",
                              (unsigned long long)came, (long long)f->limits.slow_window_ms,
                              (unsigned long long)f->limits.slow_bytes);
        }
        new_window(f);
        return 0;
    }
    return r < 0 ? fetch_fail_wait(f, r, FETCH_TIMEOUT_TOTAL, "the body") : 0;
}

ssize_t fetch_read(struct fetch *f, void *p, size_t len)
{
    struct transfer *t = &f->transfer;
    struct fetch_response *r = &f->response;
    if (f->code || f->ended || !f->has_body || len == 0) {
        return f->code;
    }
    len = len < STRETCH_MAX ? len : STRETCH_MAX;
    char extra;
    uint64_t left = f->limits.body_max - r->decoded;
    char *to = left ? p : &extra; /* at the cap, one more byte tells whether the body ends here */
    len = !left ? 1 : len < left ? len : (size_t)left;
    for (;;) {
        ssize_t n = produce(f, to, len);
        r->received = t->received;
        int64_t paused = transfer_resume(t);
        if (paused) {
            f->total_end += paused;
            new_window(f);
        }
        if (n < 0) {
            return bad_coding(f, n);
        }
        if (n > 0) {
            return left ? account(f, (size_t)n)
                        : fetch_fail(f, FETCH_TOO_LARGE, "the body has more than %llu bytes",
                                     (unsigned long long)f->limits.body_max);
        }
        if (t->raw_len == 0 && (t->done || t->outcome != FETCH_OK)) {
            return finish(f);
        }
        int e = t->raw_len ? (int)bad_coding(f, -EBADMSG) : wait_for_more(f);
        if (e < 0) {
            return e;
        }
    }
}

int fetch_read_all(struct fetch *f, buf *out)
{
    for (;;) {
        char extra; /* when out is full: one more byte tells whether the body ends here */
        size_t left = out->limit - out->len, want = left < READ_ALL_STEP ? left : READ_ALL_STEP;
        char *to = want ? buf_reserve(out, want) : &extra;
        if (!to) {
            return out->err;
        }
        ssize_t n = fetch_read(f, to, want ? want : 1);
        if (n > 0 && !want) {
            return buf_put(out, &extra, 1);
        }
        out->len += n > 0 ? (size_t)n : 0;
        if (out->room) {
            out->p[out->len] = '\0';
        }
        if (n <= 0) {
            return (int)n;
        }
    }
}
