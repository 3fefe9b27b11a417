/* offline.h: revisions as SQL for another program to run.
 *
 * A script is written as a whole or not at all. It stops at its first error, and begins only in a database that has the
 * revisions which it goes on from. */
#ifndef STRATA_MIGRATE_OFFLINE_H
#define STRATA_MIGRATE_OFFLINE_H

#include "strata/migrate/run.h"

struct migrate_offline {
    const struct st_migrations *m;
    const struct migrate_graph *g;
    st_engine *e;      /* whose state says what is applied when range does not; NULL: nothing is */
    const char *range; /* "TARGET", "FROM:TO"; NULL: "head" */
    bool up, unsafe;
    bool skip_steps; /* leave steps in C out, with a remark, instead of refusing */
    enum st_dialect d;
    FILE *out;
};
/* For psql, in the phases as they would run and with the journal, so that it may be run again after a failure, and an
 * upgrade goes on where it stopped; for sqlite3, the statements that a database in memory was given, since a rebuild
 * depends on what the table is. ST_E_INVALID: the range makes no sense, or a step is C, which SQL cannot say. */
st_err migrate_offline(const struct migrate_offline *o);

/* ---- what its files share ---- */
struct offline_script {
    const struct migrate_offline *o;
    arena *a;
    buf text;
    bool *applied;              /* by node, at this place of the script */
    bool has_hash;              /* the column of strata_revisions, which an older program's has not */
    struct migrate_scope scope; /* for the hash */
    bool journal;               /* PostgreSQL: some revision has several phases */
    st_engine *e;               /* SQLite: in memory */
    bool begun;                 /* SQLite: some revision is in the script */
    bool quiet;                 /* SQLite: only brings the database in memory to where the script begins */
};
/* A statement, ended as psql and sqlite3 want it. */
void offline_put(struct offline_script *k, const char *sql);
/* "-- text name", on one line whatever name holds. */
void offline_remark(struct offline_script *k, const char *text, const char *name);
/* How many revisions are applied here; those that no other builds on as the elements of a list, 'a', 'b', and how many
 * they are. */
size_t offline_count(const struct offline_script *k);
size_t offline_heads(const struct offline_script *k, buf *b);

/* offline_postgresql.c, offline_sqlite.c */
st_err offline_postgresql_begin(struct offline_script *k);
st_err offline_postgresql(struct offline_script *k, const st_revision *rev, bool up, const struct migrate_plan *p,
                          const struct migrate_plan *record);
void offline_postgresql_end(struct offline_script *k);
st_err offline_sqlite_open(struct offline_script *k); /* the database in memory */
void offline_sqlite_begin(struct offline_script *k);
st_err offline_sqlite(struct offline_script *k, const st_revision *rev, const struct migrate_plan *p,
                      const struct migrate_plan *record);

/* offline_functions.c: what the scripts for psql call. */
extern const char offline_functions[], offline_journal_functions[];

#endif
