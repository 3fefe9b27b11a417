/* lines.h: a descriptor's lines, one after the other, in memory of one fixed size. */
#ifndef WAYMARK_CLI_LINES_H
#define WAYMARK_CLI_LINES_H

#include <stdbool.h>

#include "base/str.h"

enum { LINES_MAX = 64 << 10 }; /* the longest line that is given whole */

struct lines {
    int fd;
    char *p;           /* LINES_MAX + 1 bytes */
    size_t from, till; /* what was read and not given yet */
    bool ended;
    bool skipping; /* inside a line that was given as too long */
};

int lines_init(struct lines *l, int fd); /* 0 or -ENOMEM; fd stays the caller's */
void lines_release(struct lines *l);

/* 1: *ret_line is the next line without its end, valid until the next call; with *ret_too_long it is only the start
 * of a line over LINES_MAX bytes, whose rest is passed over. 0: no more lines. Negative: a read's errno. */
int lines_next(struct lines *l, str *ret_line, bool *ret_too_long);

#endif
