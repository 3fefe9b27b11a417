/* readers.h: several fibers that read rows by key at once, in sessions that share connections on PostgreSQL, and want
 * each answer to be the one that they asked for. */
#ifndef TEST_STRATA_READERS_H
#define TEST_STRATA_READERS_H

#include "club.h"

enum { READERS = 6, READS = 5, READER_ROWS = 12 };

struct reader {
    struct readers *all;
    int number;
    unsigned right; /* answers */
    st_err err;     /* the first failure */
    char why[200];
};
struct readers {
    struct world *w;
    st_uuid ids[READER_ROWS]; /* of the members whose rank is the index */
    struct reader each[READERS];
};

void readers_open(struct readers *r, struct world *w); /* puts the rows */
/* A new engine with two connections. */
st_err readers_engine(struct readers *r);
int readers_start(struct readers *r, fiber_bundle *b); /* the fibers start in the order of their numbers */
/* Nothing is in use, and on the same engine all reads succeed. */
void readers_check(struct readers *r, const char *what);

#endif
