/* html_dump.h: a page's tokens written down as text, the pieces of text between two tags joined. */
#ifndef HTML_DUMP_H
#define HTML_DUMP_H

#include "base/buf.h"
#include "waymark/scrape/html.h"

struct html_dump {
    buf text; /* <a href="x">|text|</a>|raw text~|<!--c-->|<!DOCTYPE html>|, with <a/> for self-closing */
    bool in_text;
    struct html_stats stats;
};

/* Chunks of this many bytes; 0: all at once; negative: random sizes with this seed. Failures fail the test. */
void html_dump_open(struct html_dump *d, const struct html_options *o, str page, int chunk);
void html_dump_close(struct html_dump *d);

/* The tokens of page, which must be the same in chunks of all sizes. The result is static. */
const char *html_dump_every_way(const struct html_options *o, str page);

#endif
