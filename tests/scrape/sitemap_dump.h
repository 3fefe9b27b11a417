/* sitemap_dump.h: a sitemap read and written down as text, so that two readings can be compared as strings. */
#ifndef SITEMAP_DUMP_H
#define SITEMAP_DUMP_H

#include "base/buf.h"
#include "waymark/scrape/sitemap.h"

struct dump {
    buf text; /* one JSON object an entry, without what differs by the way of reading */
    struct sitemap_result result;
};

/* Chunks of this many bytes; 0: all at once; negative: random sizes with this seed. Failures fail the test. */
void dump_open(struct dump *d, const struct sitemap_options *o, str doc, int chunk);
void dump_close(struct dump *d);

/* Reads doc whole, byte by byte, in random chunks, and all that again with expat alone, and fails the test unless the
 * entries are the same each time. The result is of the first reading. */
void dump_every_way(struct dump *d, str doc);

/* The locations of all entries, each followed by a space. */
str dump_locs(struct dump *d, str doc);

#endif
