/* kills.h: upgrades and downgrades of one recipe that are killed, and what the next one makes of them.
 *
 * A course is one recipe, on one database, in one direction, with what a run in one go comes to. Its world has an
 * engine only between course_kill and the next reset: a fork must not share it. */
#ifndef TEST_STRATA_KILLS_H
#define TEST_STRATA_KILLS_H

#include <stdatomic.h>
#include <sys/types.h>

#include "catalog.h"
#include "pgbouncer.h"
#include "recipes.h"

struct course_watch {      /* shared with the process that runs the recipe */
    uint64_t at, seen;     /* points */
    bool after;            /* the statement before was one */
    _Atomic(bool) copying; /* SQLite: a rebuild copies its rows */
};

enum course_way { COURSE_GO, COURSE_ABANDON, COURSE_LEAVE, COURSE_KEEP }; /* the last two are options of abandon */

struct course {
    struct world w;
    const struct recipe *recipe;
    bool up;
    enum course_way way;                  /* what course_start and course_run do */
    const struct pgbouncer *pool;         /* the program's way to the database, set before course_open; or NULL */
    const char *direct;                   /* the migrations' own, past it; or NULL */
    const char *hash, *facts, *revisions; /* after a run in one go */
    int64_t took_us;                      /* by a process of its own, from the moment that its engine is open */
    struct course_watch *watch;
    uint64_t points;               /* of the journal, in a run in one go */
    char stash[96];                /* SQLite: the file as a run finds it */
    unsigned kills, late, between; /* late: it was through; between: phases were done, and others were not */
};

/* c is zero but for pool, and direct, where any text says that there is to be one. */
void course_open(struct course *c, enum st_dialect d, const struct recipe *r, bool up);
void course_close(struct course *c);
/* Prints the counts, when WAYMARK_TEST_KILLS is set, and begins to count anew. */
void course_tell(struct course *c, const char *what);

/* ---- one kill ---- */

/* The database as a run finds it, without an engine. */
void course_reset(struct course *c);
/* Runs the recipe in a process of its own, which has its engine open when this returns. At the n-th point, from 1, it
 * kills itself; 0: at none. The points are before and behind each COMMIT
 * and each statement outside of transactions; on SQLite every statement is one. */
pid_t course_start(struct course *c, uint64_t n);
/* The same by the course's own engine. */
st_err course_run(struct course *c);
/* Waits for its end. Whether it was killed; any other end than that and 0 fails the test. */
bool course_wait(pid_t pid);
/* Opens the engine, runs the recipe again and compares with the run in one go: schema, rows, revisions, an empty
 * journal, no invalid index, no copy of the file. */
void course_go_on(struct course *c, bool killed);

/* ---- what a database holds ---- */

/* Of each table: how many rows, and all values of all columns; of a column token how many distinct ones. A hash of that
 * on SQLite. */
const char *facts_of(struct world *w);
const char *hash_of(struct world *w);
/* The world without its loop and engine, and with them again. */
void world_pause(struct world *w);
void world_wake(struct world *w);
int64_t journal_rows(struct world *w);

#endif
