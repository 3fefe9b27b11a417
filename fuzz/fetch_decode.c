/* Encoded bodies. The first byte chooses the coding (or two of them), the second how the rest is cut into pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "waymark/scrape/fetch_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUTPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const codings[] = {"gzip",          "deflate",       "br", "zstd", "gzip, gzip", "br, gzip",
                                          "zstd, deflate", "gzip, br, zstd"};
    if (size < 2) {
        return 0;
    }
    decoder *d;
    if (decoder_new(str_of(codings[data[0] % 8]), 3, &d) != 0 || !d) {
        abort();
    }
    size_t piece = (size_t)data[1] + 1, made = 0;
    static char out[512];
    ptrdiff_t n = 0;
    for (size_t at = 2; at < size && n >= 0 && made < OUTPUT_MAX; at += piece) {
        str in = str_n((const char *)data + at, size - at < piece ? size - at : piece);
        do {
            size_t before = in.len;
            n = decoder_run(d, &in, out, sizeof out);
            if (n > (ptrdiff_t)sizeof out || in.len > before || (n == 0 && in.len == before && in.len)) {
                abort(); /* wrote too much, or would go on for ever */
            }
            made += n > 0 ? (size_t)n : 0;
        } while (n > 0 && made < OUTPUT_MAX);
    }
    if (n < 0 && decoder_run(d, &(str){NULL, 0}, out, sizeof out) != n) {
        abort(); /* a failure stays */
    }
    decoder_free(d);
    return 0;
}
