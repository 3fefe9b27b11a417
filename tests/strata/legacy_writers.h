/* legacy_writers.h: programs that go on reading and writing while a schema changes: processes of their own, on libpq
 * and sqlite3 themselves. Each counts what it did, so that afterwards the tables can be held against it. */
#ifndef TEST_LEGACY_WRITERS_H
#define TEST_LEGACY_WRITERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum program_kind {
    READS_OLD,    /* by text and number keys */
    WRITES_OLD,   /* by text and number keys */
    WRITES_NEW,   /* by uuid keys, under whichever name each has at the time; waits until they are there */
    WATCHES_LOCKS /* PostgreSQL: what anything holds or waits for on the tables, and what the programs wait for */
};

enum { SHARED_ROWS = 8, PROGRAMS_MAX = 4, TOO_LONG_MS = 200 };
/* Domains, each with a job, that the old and the new program change in turn: this with a digit behind it. */
#define SHARED_ID "33333333-0000-7000-8000-00000000000"

/* What a program was doing each time the watcher looked while one statement ran. */
struct looks {
    uint32_t at_work, lock, io, other;
};

struct program_stats { /* shared with the process; its own but for stop, may_move and looks */
    bool stop;
    bool may_move; /* the keys are about to change their names: old programs may be refused from here on */
    int64_t statements, refused; /* refused: for a column that is not there (yet, or any more), or of another type */
    int64_t longest_ns;          /* the slowest statement, or of a watcher the longest lock */
    char longest[160];           /* which one */
    struct looks longest_looks;
    int64_t too_long, too_long_locked; /* statements over TOO_LONG_MS, and those of them seen waiting for a lock */
    int64_t gap_ns;                    /* the longest time without a statement that worked, between two that did */
    int64_t domains, jobs;             /* rows that it added, less those that it deleted */
    int64_t done[8];                   /* statements that worked, by enum deed */
    int backend;
    struct looks looks; /* since the statement that runs began; by the watcher */
    char error[256];    /* any other failure ends the process with it */
};

enum deed { ADDED, RENAMED, CHANGED, EMPTIED, SPOILED, SHARED, DELETED, READ }; /* EMPTIED: to NULL; SPOILED: no uuid */

struct crowd {
    const char *url;
    struct program_stats *stats; /* PROGRAMS_MAX */
    pid_t pid[PROGRAMS_MAX];
    size_t n;
};

/* url: postgresql://..., or the path of a SQLite file. */
void crowd_open(struct crowd *c, const char *url);
struct program_stats *crowd_start(struct crowd *c, enum program_kind kind);
void crowd_await(const struct program_stats *s, int64_t statements); /* until it has done so many, or failed */
void crowd_stop(struct crowd *c); /* fails the test when a program failed; the statistics stay */

/* ---- between legacy_*.c ---- */
struct program;
enum outcome { DONE, NO_COLUMN, NOTHING_FOUND, BROKEN };
enum outcome legacy_round(struct program *p);                                             /* legacy_programs.c */
void legacy_watch(struct program_stats *all, struct program_stats *own, const char *url); /* legacy_watch.c */

struct program {
    enum program_kind kind;
    struct pg_conn *pg;
    struct sqlite3 *lite;
    struct program_stats *stats;
    int64_t n, last_ns;
    struct {
        bool there, domain, domain_tenant, job, job_tenant;
    } moved; /* WRITES_NEW: which columns have their final names */
};
/* One statement, *ret_rows of which were changed or found (NULL: it does not matter). */
enum outcome legacy_run(struct program *p, enum deed deed, const char *sql, int64_t *ret_rows);
enum outcome legacy_broken(struct program *p, const char *sql, const char *why);

#endif
