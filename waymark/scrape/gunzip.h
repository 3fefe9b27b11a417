/* gunzip.h: a layer that opens gzip and lets everything else through.
 *
 * What is gzip is decided by its first bytes, never by a name or a header. Bytes are pushed in, decoded bytes are
 * pushed on; a slice given to the sink is valid during the call only. Several members read as one; what stands
 * behind the last member is ignored; a file that is cut or corrupt keeps what was decoded before. No content makes
 * it fail: what was wrong is in the statistics. Memory is bounded (about 110 KiB a level) and so is the output. */
#ifndef WAYMARK_SCRAPE_GUNZIP_H
#define WAYMARK_SCRAPE_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gunzip gunzip;

enum { GUNZIP_DEPTH_MAX = 2 };

struct gunzip_options {
    uint64_t max_out;   /* decoded bytes; 0: 256 MiB. What was not gzip is not limited */
    unsigned max_ratio; /* decoded to given bytes, looked at after the first 8 MiB; 0: 300 */
    unsigned depth;     /* levels of gzip in gzip to open, at most GUNZIP_DEPTH_MAX; 0: 2 */
};

struct gunzip_stats {
    uint64_t in, out;
    unsigned levels;  /* 0: it was not gzip */
    unsigned members; /* of all levels */
    bool truncated;   /* the last member has no end */
    bool corrupt;     /* not deflate data, or a wrong checksum */
    bool trailing;    /* something other than zero bytes stood behind the last member */
    bool over_size;   /* stopped at max_out */
    bool over_ratio;  /* stopped at max_ratio */
    bool over_depth;  /* gzip within more levels than allowed: not opened, dropped */
};

/* A negative result stops everything and comes back from gunzip_feed. */
typedef int gunzip_sink(void *arg, const char *p, size_t len);

/* options NULL: the defaults. Returns -ENOMEM or 0 with *ret owned by the caller. */
int gunzip_new(const struct gunzip_options *options, gunzip_sink *sink, void *arg, gunzip **ret);
void gunzip_free(gunzip *g); /* NULL is fine */

/* Returns 0, -ENOMEM, or what the sink returned; after a failure only gunzip_free may follow. */
int gunzip_feed(gunzip *g, const char *p, size_t len);
/* No more bytes will come. */
int gunzip_finish(gunzip *g);
/* True when further bytes change nothing: a limit was reached or the data is corrupt. */
bool gunzip_stopped(const gunzip *g);
const struct gunzip_stats *gunzip_stats(const gunzip *g);

#endif
