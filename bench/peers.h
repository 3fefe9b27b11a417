/* peers.h: jansson's side of the JSON cases, in a file of its own since its names are those of base/json.h. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_row {
    int64_t id;
    const char *url, *title;
    double priority;
    bool seen;
};

int jansson_write_rows(const struct bench_row *rows, size_t n); /* tree, text, both freed */
int jansson_read(const char *text, size_t len);                 /* tree, freed */

#endif
