#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "bench.h"
#include "peers.h"

int jansson_write_rows(const struct bench_row *rows, size_t n)
{
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *row = json_pack("{s:I, s:s, s:s, s:f, s:b}", "id", (json_int_t)rows[i].id, "url", rows[i].url, "title",
                                rows[i].title, "priority", rows[i].priority, "seen", (int)rows[i].seen);
        if (json_array_append_new(all, row) != 0) {
            json_decref(all);
            return -ENOMEM;
        }
    }
    char *text = json_dumps(all, JSON_COMPACT);
    json_decref(all);
    bench_use(text);
    int r = text ? 0 : -ENOMEM;
    free(text);
    return r;
}

int jansson_read(const char *text, size_t len)
{
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    bench_use(root);
    json_decref(root);
    return root ? 0 : -EINVAL;
}
