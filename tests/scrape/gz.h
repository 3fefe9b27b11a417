/* gz.h: gzip for the tests. */
#ifndef GZ_H
#define GZ_H

#include <zlib.h>

#include "base/buf.h"
#include "test.h"

/* Appends one gzip member that holds data. */
static inline void gz_put(buf *out, str data)
{
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&z, data.len);
    char *to = buf_reserve(out, bound);
    ck_assert_ptr_nonnull(to);
    z.next_in = (Bytef *)(uintptr_t)data.p;
    z.avail_in = (uInt)data.len;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)bound;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += bound - z.avail_out;
    (void)deflateEnd(&z);
}

#endif
