#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* What p points at while nothing is held; never written. */
static const char empty[1] = "";

static void set_empty(buf *b)
{
    b->p = (char *)(uintptr_t)empty;
    b->len = b->room = 0;
    b->err = 0;
}

void buf_init(buf *b, size_t limit)
{
    assert(limit < SIZE_MAX / 2);
    set_empty(b);
    b->limit = limit;
}

void buf_release(buf *b)
{
    if (b->room) {
        mem_free(b->p);
    }
    set_empty(b);
}

void buf_clear(buf *b)
{
    b->len = 0;
    b->err = 0;
    if (b->room) {
        b->p[0] = '\0';
    }
}

static int fail(buf *b, int err)
{
    if (!b->err) {
        b->err = err;
    }
    return b->err;
}

char *buf_reserve(buf *b, size_t more)
{
    assert(b->len <= b->limit);
    if (__builtin_expect(b->err != 0, 0)) {
        return NULL;
    }
    if (__builtin_expect(b->room > b->len && b->room - b->len > more, 1)) {
        return b->p + b->len;
    }
    if (more > b->limit - b->len) {
        (void)fail(b, -E2BIG);
        return NULL;
    }
    size_t need = b->len + more + 1, room = b->room ? b->room : 64;
    while (room < need) {
        room *= 2;
    }
    if (room > b->limit + 1) {
        room = b->limit + 1;
    }
    char *p = mem_realloc(b->room ? b->p : NULL, room);
    if (!p) {
        (void)fail(b, -ENOMEM);
        return NULL;
    }
    p[b->len] = '\0';
    b->p = p;
    b->room = room;
    return p + b->len;
}

int buf_put(buf *b, const void *p, size_t len)
{
    char *at = buf_reserve(b, len);
    if (!at) {
        return b->err;
    }
    if (len) {
        memcpy(at, p, len);
    }
    b->len += len;
    b->p[b->len] = '\0';
    return 0;
}

int buf_put_char(buf *b, char c)
{
    return buf_put(b, &c, 1);
}

int buf_puts(buf *b, const char *s)
{
    return buf_put(b, s, strlen(s));
}

int buf_vprintf(buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *at = n < 0 ? NULL : buf_reserve(b, (size_t)n);
    if (at) {
        (void)vsnprintf(at, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return n < 0 ? fail(b, -EINVAL) : b->err;
}

int buf_printf(buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int r = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return r;
}

int buf_put_u64(buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    return buf_put(b, digits + at, sizeof digits - at);
}

int buf_put_i64(buf *b, int64_t v)
{
    if (v >= 0) {
        return buf_put_u64(b, (uint64_t)v);
    }
    int r = buf_put_char(b, '-');
    return r ? r : buf_put_u64(b, -(uint64_t)v);
}

void buf_drop_front(buf *b, size_t n)
{
    assert(n <= b->len);
    if (n) {
        memmove(b->p, b->p + n, b->len - n + 1);
        b->len -= n;
    }
}

void buf_truncate(buf *b, size_t len)
{
    assert(len <= b->len);
    if (b->room) {
        b->len = len;
        b->p[len] = '\0';
    }
}
