/* legacy_writers.h: programs that go on writing while a schema changes: processes of their own, on libpq and sqlite3
 * themselves. */
#ifndef TEST_LEGACY_WRITERS_H
#define TEST_LEGACY_WRITERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum writer_kind {
    WRITES_OLD,   /* text and number keys only */
    WRITES_NEW,   /* uuid keys only, under the names beside the old ones; waits until they are there */
    WRITES_MOVED, /* uuid keys only, under whichever name they have at the time */
    WATCHES_LOCKS /* PostgreSQL: how long anything holds a lock on the tables that others wait for */
};

struct writer_stats { /* shared with the process */
    bool stop;
    int64_t statements, refused; /* refused: for a column that is not there (yet, or any more) */
    int64_t longest_ns;          /* the slowest statement, or of a watcher the longest lock */
    char longest[128];           /* which one */
    char error[256];             /* any other failure ends the process with it */
};

struct writer {
    pid_t pid;
    struct writer_stats *stats;
};

/* url: postgresql://..., or the path of a SQLite file. */
void writer_start(struct writer *w, enum writer_kind kind, const char *url);
void writer_tried(struct writer *w); /* waits until it has, with success or not */
void writer_wrote(struct writer *w); /* waits until it has */
void writer_stop(struct writer *w);  /* fails the test when the process failed */

#endif
