/* run.h: what the files that run revisions share.
 *
 * A runner goes round one loop: begin a transaction that no other upgrade can be in, read what the database has, find
 * the next phase, do it, commit. All it keeps from round to round is the plan of the revision at hand, so a round after
 * a crash, or beside another program's upgrade, is a round like any other. */
#ifndef STRATA_MIGRATE_RUN_H
#define STRATA_MIGRATE_RUN_H

#include "strata/migrate/private.h"

/* ---- journal.c: the table strata_journal, one row a phase of a revision under way ---- */
struct migrate_journal_row {
    const char *revision, *direction; /* "up", "down", "back": what one of these has done is being undone */
    int32_t phase;
    const char *name, *hash;       /* of the phase's text, so that a changed plan is noticed */
    const char *state;             /* "running", "done"; "failed": nothing of it is left, the row only says why */
    const char *error;             /* the last one, and behind a line feed what to do about it; or NULL */
    const char *cursor;            /* of a backfill: where it is, as literals of the database's; or NULL */
    int64_t rows, total, unfilled; /* of a backfill; total -1: not known */
    st_time started_at, updated_at;
};
struct migrate_journal {
    struct migrate_journal_row *rows; /* by revision, direction, phase */
    size_t n, room;
    bool table_exists, has_error; /* the column */
};
st_err migrate_journal_read(st_conn *c, arena *a, int64_t deadline, struct migrate_journal *ret);
/* The row of a phase, or NULL. */
const struct migrate_journal_row *migrate_journal_find(const struct migrate_journal *j, const char *revision,
                                                       const char *direction, size_t phase);
bool migrate_journal_done(const struct migrate_journal_row *row); /* row may be NULL */
bool migrate_journal_failed(const struct migrate_journal_row *row);
/* The last row of a revision of which something is done, or NULL. */
const struct migrate_journal_row *migrate_journal_under_way(const struct migrate_journal *j);
/* Makes the table, or brings it to today's form, in the transaction that is open. */
st_err migrate_journal_ready(st_conn *c, arena *a, const struct migrate_journal *j, int64_t deadline);
/* Puts the row there, or in the place of the one of its phase; the times are the database's. */
st_err migrate_journal_put(st_conn *c, arena *a, const struct migrate_journal_row *row, int64_t deadline);
/* The same as text. */
void migrate_journal_put_text(buf *b, const struct migrate_journal_row *row);
/* CREATE TABLE. */
st_err migrate_journal_create(buf *b, enum st_dialect d, arena *a);
/* Its rows, and those of failures that left nothing. */
st_err migrate_journal_clear(st_conn *c, arena *a, const char *revision, int64_t deadline);
void migrate_journal_clear_text(buf *b, const char *revision);
/* Says of the row's phase why it failed. */
st_err migrate_journal_fail(st_conn *c, arena *a, const struct migrate_journal_row *row, int64_t deadline);

/* ---- hash.c ---- */
enum { MIGRATE_HASH_LEN = 32 }; /* hexadecimal digits */
/* scope.c: the tables and enum types that the program's revisions and models speak of */
struct migrate_scope {
    const char *const *words; /* sorted */
    size_t n;
    const struct st_migrations *m;
};
st_err migrate_scope_of(arena *a, enum st_dialect d, const struct st_migrations *m, const struct migrate_graph *g,
                        struct migrate_scope *ret);
bool migrate_scope_has(const struct migrate_scope *s, const char *name);
/* Of what is in scope (NULL: of everything) in the database's (PostgreSQL: current) schema but Strata's own two tables,
 * in arena a. The order of columns does not count. */
st_err migrate_schema_hash(st_conn *c, arena *a, const struct migrate_scope *scope, int64_t deadline, const char **ret);
/* With the newest revision in strata_revisions, in the transaction that is open. */
st_err migrate_hash_store(st_conn *c, arena *a, const struct migrate_scope *scope, int64_t deadline);
/* PostgreSQL: a query of that hash. */
void migrate_hash_sql(buf *b, const struct migrate_scope *scope);
/* Puts value, an SQL expression, to the newest revision. */
void migrate_hash_update(buf *b, const char *value);
/* Of a text, 16 digits. */
const char *migrate_hash_text(arena *a, const char *text, size_t len);

/* ---- run.c ---- */
struct migrate_runner {
    st_engine *e;      /* the program's: for sessions, and to look at who has a lock */
    st_engine *direct; /* PostgreSQL: that of conn, closed with the runner; or NULL: conn is from e */
    st_conn *conn;     /* NULL: given back for a while (SQLite has one writer) */
    bool pooled;       /* it leads through a transaction pooler */
    bool held;         /* the lock on the schema, over all transactions */
    bool keys_off;     /* SQLite: foreign keys are not enforced on conn */
    enum st_dialect d;
    const struct st_migrations *m;
    const struct migrate_graph *g;
    const char *target;
    bool up;
    bool back;     /* what is under way is undone */
    bool leave;    /* ... but for what cannot be */
    bool *todo;    /* by node; fixed once the target is resolved */
    bool *applied; /* by node; read again in each transaction */
    bool resolved;
    struct st_migrate_options o; /* defaults filled in */
    arena *a;                    /* lives as long as the runner */
    const char *file, *snapshot; /* SQLite: the database's, and its copy from before; NULL: none, or not yet */
    bool looked;                 /* whether there should be a copy */
    bool committed;              /* something has been */
    unsigned tries;              /* that failed at the phase at hand, one after another */
    int64_t deadline;

    const struct migrate_node *node; /* whose plan it is, or NULL */
    arena *plan_arena;
    struct migrate_plan plan;
    const char **hashes; /* by phase */
    struct migrate_scope scope;
    int64_t revision_started;
};
struct migrate_round { /* what a transaction has read */
    arena *a;
    struct migrate_state state;
    struct migrate_journal journal;
};
st_err migrate_run(st_engine *e, const struct st_migrations *m, const char *target, bool up,
                   const struct st_migrate_options *o, int64_t deadline);
/* Undoes what is under way, or with keep only forgets that; ST_E_INVALID: some of it cannot be undone. */
st_err migrate_abandon(st_engine *e, const struct st_migrations *m, bool keep, bool leave,
                       const struct st_migrate_options *o, int64_t deadline);
static inline const char *migrate_direction(const struct migrate_runner *r)
{
    return r->back ? "back" : r->up ? "up" : "down";
}
/* The plan of one revision as it would run: phases, the last of which is a transaction. */
st_err migrate_plan_revision(arena *a, enum st_dialect d, const st_revision *rev, bool up, bool unsafe,
                             struct migrate_plan *ret);
/* The plan that undoes what the journal says of the revision under way; leave: as far as that can be done. */
st_err migrate_plan_undo(arena *a, enum st_dialect d, const st_revision *rev, bool up, const struct migrate_journal *j,
                         bool leave, struct migrate_plan *ret);
/* The last phase is a transaction, which records the revision. */
st_err migrate_plan_end(arena *a, struct migrate_plan *p);
/* Of each phase: of all that is known of what it does. Of a step in C that is its name. */
st_err migrate_plan_hashes(arena *a, enum st_dialect d, const struct migrate_plan *p, const char ***ret);
void migrate_tell(const struct migrate_runner *r, struct st_migrate_progress p); /* fills in what is the same for all */

/* ---- lock.c ---- */
#define MIGRATE_LOCK_NUMBER "8319388081106739565" /* "strata_m" */
/* The connection, and on a direct one the lock over all transactions. */
st_err migrate_open(struct migrate_runner *r);
void migrate_close(struct migrate_runner *r);
/* A transaction that no other upgrade can be in. */
st_err migrate_begin_locked(struct migrate_runner *r);
st_err migrate_commit(struct migrate_runner *r);
/* Rolls back; the diagnosis of what failed stays. */
void migrate_roll_back(struct migrate_runner *r);

/* ---- phase.c ---- */
/* Does the phase, or a part of it, and ends the round's transaction. */
st_err migrate_phase(struct migrate_runner *r, struct migrate_round *round, size_t at);
/* A step while somebody looks, shortly before the lock's timeout, who is in the way. */
st_err migrate_watched_step(struct migrate_runner *r, arena *a, const struct migrate_step *s);
/* After ST_E_BUSY and ST_E_DEADLOCK: a pause and 0, when it may be tried again; else rc. */
st_err migrate_pause(struct migrate_runner *r, size_t at, st_err rc);
/* Keeps in the journal why the phase failed, as far as the database lets it; the diagnosis stays. */
void migrate_note_failure(struct migrate_runner *r, size_t at, st_err rc);

/* ---- snapshot.c ---- */
/* SQLite: a copy of the file, in the transaction that is open, before anything is changed. j: a revision that is under
 * way has its copy already. node NULL: nothing is left to do, so no copy is made; but one may lie there from an upgrade
 * that was killed behind its last commit. */
st_err migrate_snapshot(struct migrate_runner *r, const struct migrate_journal *j, const struct migrate_node *node);
/* At the end, rc, with nothing open: the copy goes, or is offered in the diagnosis. */
void migrate_snapshot_end(struct migrate_runner *r, st_err rc);

/* ---- backfill.c ---- */
enum { MIGRATE_BATCH_ROWS = 1000 };
/* All batches that are left, each a transaction of its own, then the count of what could not be filled. */
st_err migrate_backfill(struct migrate_runner *r, struct migrate_round *round, size_t at);
/* The whole of it as one statement. */
void migrate_backfill_text(buf *b, enum st_dialect d, const st_backfill *f);

#endif
