/* term.h: what a person sees: aligned tables and one progress line. */
#ifndef WAYMARK_CLI_TERM_H
#define WAYMARK_CLI_TERM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

/* A table whose columns are as wide as their widest cell; the last column is not padded. Cells are copied. Control
 * characters become '?', so that what a site sends cannot drive the terminal. */
typedef struct term_table term_table;
int term_table_new(size_t columns, term_table **ret); /* at most 16 */
void term_table_free(term_table *t);
/* titles: NULL-terminated list of `columns` names; one that starts with '>' is right-aligned. */
void term_table_head(term_table *t, const char *const *titles);
/* The next cell, row by row. Failure sticks and shows at print. */
void term_table_cell(term_table *t, str text);
void term_table_cellf(term_table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int term_table_print(term_table *t, FILE *out); /* 0 or -ENOMEM */

/* One line on a terminal, rewritten in place; nothing when out is no terminal. */
struct term_progress {
    FILE *out;
    bool on;
    int64_t last_ns;
};
void term_progress_init(struct term_progress *p, FILE *out);
/* Shows text unless the last was shown under 100 ms ago. fraction 0..1 draws a bar; negative: none. */
void term_progress_show(struct term_progress *p, double fraction, const char *text);
void term_progress_clear(struct term_progress *p);

/* 1234567 as "1,234,567"; 1536 as "1.5 KiB"; nanoseconds as "312 ms", "4.2 s", "3 min 20 s". */
const char *term_count(uint64_t n, char out[static 32]);
const char *term_bytes(uint64_t n, char out[static 32]);
const char *term_duration(int64_t ns, char out[static 32]);

#endif
