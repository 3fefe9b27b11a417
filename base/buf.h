/* buf.h: a growing run of bytes with a limit that is part of making it.
 *
 * p is never NULL and always NUL-terminated behind len. Every writer returns 0 or a negative code and the
 * first failure sticks in err, so a run of writes is checked once at the end; a failed write adds nothing. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/str.h"

DECLS_BEGIN

typedef struct buf {
    char *p;
    size_t len;   /* bytes, the NUL not counted */
    size_t room;  /* bytes held, the NUL counted; 0 when nothing is held yet */
    size_t limit; /* len never exceeds it */
    int err;      /* 0, -ENOMEM, or -E2BIG when the limit would be passed */
} buf;

void buf_init(buf *b, size_t limit);
void buf_release(buf *b); /* back to the state after buf_init */
void buf_clear(buf *b);   /* len and err to 0, memory kept */

int buf_put(buf *b, const void *p, size_t len);
int buf_put_char(buf *b, char c);
int buf_puts(buf *b, const char *s);
static inline int buf_put_str(buf *b, str s)
{
    return buf_put(b, s.p, s.len);
}
int buf_printf(buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
int buf_put_u64(buf *b, uint64_t v);
int buf_put_i64(buf *b, int64_t v);

/* Makes room for more bytes behind len and returns where they go; the caller writes and adds to len.
 * NULL (and err set) on failure. */
char *buf_reserve(buf *b, size_t more);
void buf_drop_front(buf *b, size_t n); /* removes the first n <= len bytes */
void buf_truncate(buf *b, size_t len); /* len <= b->len */

static inline str buf_str(const buf *b)
{
    return (str){b->p, b->len};
}
#define BUF_AUTO __attribute__((cleanup(buf_release)))

DECLS_END

#endif
