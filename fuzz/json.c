/* What json_parse accepts, written out again, parses to what is written the same. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_text(buf *b, const struct json_value *v)
{
    struct json_writer w;
    json_start(&w, b);
    json_write_value(&w, v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const struct json_value *v, *again;
    struct json_error e;
    int r = a ? json_parse(a, str_n((const char *)data, size), &v, &e) : 1;
    if (r < 0 && (e.line < 1 || e.column < 1 || !str_is_utf8(str_of(e.message)))) {
        abort();
    }
    if (r == 0) {
        BUF_AUTO buf first;
        BUF_AUTO buf second;
        buf_init(&first, (size_t)1 << 30);
        buf_init(&second, (size_t)1 << 30);
        write_text(&first, v);
        if (first.err || json_parse(a, buf_str(&first), &again, NULL) != 0) {
            abort();
        }
        write_text(&second, again);
        if (!str_eq(buf_str(&first), buf_str(&second))) {
            abort();
        }
    }
    return 0;
}
