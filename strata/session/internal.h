/* internal.h: what the files of the session share; private.
 *
 * Each object that a session hands out lies behind a row header. A row is in the identity map from its load, or from
 * the flush that inserts it, until it is deleted or the session forgets it. `pending` lists rows with unflushed work,
 * `touched` those flushed in the open transaction, each once; snapshots are kept until its end, so that a rollback can
 * undo. A flush takes one more of each row it wrote: what the caller changes behind it, through a pointer it still has,
 * is found by comparing at the next st_flush or st_commit. The flush of a commit needs none of that: its rows stay
 * pending until COMMIT has succeeded. The flush before a select does not compare, so that selects in a loop stay
 * linear. While rows are pending or touched, every row is in the map's slots (identity.h). */
#ifndef STRATA_SESSION_INTERNAL_H
#define STRATA_SESSION_INTERNAL_H

#include <assert.h>

#include "strata/query/query.h"
#include "strata/select.h"
#include "strata/session/identity.h"
#include "strata/stream.h"

enum row_flags {
    ROW_NEW = 1,           /* added, not flushed */
    ROW_PENDING = 2,       /* in s->pending */
    ROW_DELETE = 4,        /* to be deleted by the flush */
    ROW_TOUCHED = 8,       /* in s->touched */
    ROW_INSERTED = 16,     /* by this transaction */
    ROW_GONE = 32,         /* deleted by this transaction, or forgotten */
    ROW_LISTED = 64,       /* may stand in a loaded list */
    ROW_SHOWN = 1 << 14,   /* to the hooks, by this flush */
    ROW_STREAMED = 1 << 15 /* a copy in the memory of a stream, no object */
};

struct snapshot {
    struct snapshot *older;
    struct snapshot *next; /* made ahead of a flush, which must not fail once it has sent something */
    _Alignas(16) unsigned char image[];
};

struct row {
    const st_mapper *mapper;
    st_session *session;
    struct snapshot
        *snapshot; /* newest; its image is what the database has, but of a ROW_NEW: made ahead, not filled */
    uint32_t flags;
    uint32_t epoch; /* older than the session's: to be refreshed by the next load */
};
_Static_assert(sizeof(struct row) == ST_ROW_HEAD && ST_ROW_HEAD % 16 == 0, "objects stay aligned behind their header");

static inline struct row *row_of(const void *obj)
{
    return (struct row *)((uintptr_t)obj - ST_ROW_HEAD); /* the header is the session's, and never const */
}
static inline void *row_object(const struct row *r)
{
    return (void *)((uintptr_t)r + ST_ROW_HEAD);
}

struct row_list {
    struct row **v;
    size_t n, room;
};

struct journal_entry;
struct savepoint {
    uint64_t serial;
    size_t journal, touched; /* how many entries there were */
};
/* savepoint.c: those open, and what flushes did to rows since the outermost. */
struct savepoints {
    struct savepoint v[ST_SAVEPOINTS_MAX];
    size_t n;
    struct journal_entry *journal;
    size_t n_journal, room;
    uint64_t serial; /* the last one given */
};

/* stream.c: those of a session, and the cursors on the server that nobody needs any more. */
struct streams {
    st_stream *first;
    uint32_t n, n_left;
    uint64_t number;               /* of the last one */
    uint64_t left[ST_STREAMS_MAX]; /* to be closed by the next batch */
};

/* hooks.c */
struct hook_state {
    const struct st_hooks *of[2]; /* the engine's and the session's */
    unsigned n;
    bool flushing, committing, telling; /* a hook of that kind is being called */
    size_t flushed;                     /* to be told when the call is over: so many objects, ... */
    bool committed, rolled_back;
};

struct st_session {
    st_err err; /* sticks until rollback */
    struct diag failure;
    st_registry *reg;
    struct st_scope scope;
    bool read_only, busy, begun; /* begun: conn is in our transaction */
    bool autocommit;             /* read only, and there is never one */
    int64_t deadline;
    enum st_isolation isolation;
    st_conn *conn;
    arena *arena;   /* what is loaded */
    arena *scratch; /* of one call */
    identity map;
    struct row_list pending, touched;
    struct savepoints savepoints;
    void **found; /* by one select, in its order */
    size_t n_found, found_room;
    void **items;                       /* the same in the arena, or NULL */
    int (*watch)(void *arg, void *obj); /* or NULL: told of each while it is still in the cache; on any thread */
    void *watch_arg;
    const st_mapper *apart; /* selects that follow find no row of it twice */
    uint32_t epoch;
    bool long_lists;   /* st_compiler's */
    bool cascades;     /* rows are pending that are to be deleted */
    bool keys_changed; /* a delete made the database set keys of rows that may be loaded: read anew after the flush */
    bool lists_stale;  /* loaded lists may hold rows that are no longer theirs: looked at when they are read */
    struct streams streams;
    struct hook_state hook;
    st_session *next; /* in the pool */
};

/* Every public call is between these two. enter returns the code of a failed session and -EBUSY when another fiber is
 * in a call; leave makes rc stick, frees the scratch and returns rc. */
st_err session_enter(st_session *s);
st_err session_leave(st_session *s, st_err rc);
st_err session_writes(const st_session *s); /* ST_E_READ_ONLY */
st_err session_mapper(st_session *s, const st_model *m, const st_mapper **ret);
struct st_compiler session_compiler(const st_session *s);

int row_list_push(struct row_list *l, struct row *r); /* -ENOMEM */
int row_list_reserve(struct row_list *l, size_t more);

struct batch;
/* ---- load.c ---- */
/* Flushes, then loads into s->found, all in one batch. */
st_err session_load(st_session *s, const st_mapper *m, const st_expr *where, const struct st_query *q);
/* The same without the flush, behind what is in b. */
st_err session_select_behind(struct batch *b, const st_mapper *m, const st_expr *where, const struct st_query *q);

/* ---- unit.c ---- */
/* The row behind obj, which must be this session's, and there. ST_E_INVALID says what is wrong. */
st_err session_row(const st_session *s, const void *obj, struct row **ret);
/* What st_add, st_edit and st_delete do, within a call. */
st_err session_add(st_session *s, const st_model *m, const void *init, void **ret);
st_err session_edit(st_session *s, const void *obj, struct row **ret);
st_err session_delete(st_session *s, const void *obj);

/* ---- relations_cascade.c ---- */
/* Takes what goes with the rows about to be deleted into the pending work: before a flush looks at it. */
st_err relations_cascade(struct batch *b);

/* ---- batch.c: statements that go together ---- */
struct batch {
    st_session *s;
    struct st_stmt *stmts;
    const struct row **rows; /* beside stmts: the row a statement must touch or insert, or NULL */
    size_t n, room;
    bool guarded; /* a statement of it must touch its row */
};
enum { BATCH_MAX = 256 };
/* Takes a connection and puts BEGIN in front when the transaction has not begun. */
st_err batch_begin(struct batch *b, st_session *s);
/* A new statement to be filled in; runs what is there first when the batch is full. */
st_err batch_add(struct batch *b, const struct row *r, bool guarded, struct st_stmt **ret);
/* Runs all and looks at the guarded ones; ST_E_CONFLICT names the row. Empties the batch. */
st_err batch_run(struct batch *b);
/* A statement without parameters that reads no model: BEGIN, COMMIT. */
struct st_stmt batch_plain(str sql);
str batch_begin_text(const st_session *s);
/* Tells PostgreSQL for one transaction whom row-level security is to let see: the tenant, or all. No text: nobody. */
st_err batch_scope(st_session *s, struct st_stmt *ret);
/* autocommit.c: a read in a transaction of its own. */
st_err autocommit_run(st_session *s, struct st_stmt *stmt);
/* The last statement, which must not run unless all before it succeeded and touched their rows. */
st_err batch_finish(struct batch *b, const struct st_stmt *last);

/* ---- load.c ---- */
/* Runs b and, last, a compiled select of m's columns into s->found. apart: no row comes twice. */
st_err session_run(struct batch *b, const st_mapper *m, struct st_stmt *last, bool apart);
/* What is found, as a list that lives as long as the objects. */
st_err session_found(st_session *s, st_rows *ret);
/* st_select within a call. */
st_err session_select(st_session *s, const st_model *m, const st_expr *where, const struct st_query *q, st_rows *ret);

/* For those who take rows as they come, on any thread: a new row of m; one that is there and of an older epoch, which
 * returns whether the loaded one's memory is needed; the next one found. */
void session_take_new(st_session *s, const st_mapper *m, void *obj);
int session_take_again(st_session *s, void *there, const void *loaded);
int session_push_found(st_session *s, const void *obj);

/* ---- joined.c ---- */
/* Whether some of a plan is to be loaded by the select itself. */
bool joined_wanted(const struct st_load *plan);
/* session_select_behind for such a q->with. */
st_err joined_select(struct batch *b, const st_mapper *m, const st_expr *where, const struct st_query *q);

/* ---- read.c: rows that are no objects of the session ---- */
struct plain_rows {
    int (*each)(void *arg, const void *row); /* or NULL: keep them */
    void *arg;
    const void **items;
    size_t n, room;
};
/* Flushes and runs last, whose rows have that shape. The rows kept go to ret, which may be NULL when each is set. */
st_err session_read(st_session *s, struct st_stmt *last, const struct st_shape *shape, struct plain_rows *rows,
                    st_rows *ret);

/* ---- raw.c ---- */
st_err session_raw(st_session *s, const char *sql, const struct st_raw *o, struct st_stmt *ret);

/* ---- bulk.c ---- */
/* Structs of the caller's on their way in. */
struct filling {
    st_session *s;
    const st_mapper *m;
    st_time now;
    arena *made;                          /* what makers need */
    bool keep;                            /* copies of all that rows point to go there, too */
    const struct st_bulk_options *upsert; /* or NULL */
};
/* fill_new_row, the defaults, and the check. */
st_err fill_bulk_row(const struct filling *f, void *row);

/* ---- defaults.c ---- */
/* Gives members of a new row that were not given their defaults. */
st_err fill_defaults(st_session *s, const st_mapper *m, void *obj, arena *a);
/* Makes the members anew that have .client_update and are as they were in was. */
st_err make_updates(st_session *s, const st_mapper *m, void *obj, const void *was, arena *a);
/* The same for a row of an upsert, which cannot know whether the row is there; not what its options name. */
st_err make_upsert(st_session *s, const st_mapper *m, void *obj, const struct st_bulk_options *o, arena *a);
/* The same for an update by criteria: *set and *n with those that it does not name. */
st_err make_assignments(st_session *s, const st_mapper *m, const struct st_assign **set, size_t *n);

/* ---- flush.c ---- */
/* Validates the pending rows and adds their statements to b, running full batches and bulk inserts on the way. From
 * here on they count as flushed; when a statement fails the session fails, and rollback undoes all. */
st_err flush_into(struct batch *b);
/* The same in front of the transaction's COMMIT: the rows stay pending until flush_settle(s, true) behind it. Neither
 * snapshots nor the list of touched rows are needed then, which is a third of what a flush of new rows costs. */
st_err flush_last(struct batch *b);
/* ---- settle.c ---- */
/* The pending rows are written. last: and committed. */
void flush_settle(st_session *s, bool last);
/* Makes rows pending that were changed after they were flushed. */
st_err flush_late_changes(st_session *s);
/* A snapshot without an image. */
struct snapshot *snapshot_new(st_session *s, const struct row *r);
/* Sets what is still zero of what the session keeps in a new row: id, tenant, version, timestamps. */
st_err fill_new_row(st_session *s, const st_mapper *m, void *obj, st_time now);

/* ---- savepoint.c ---- */
st_err savepoints_reserve(struct savepoints *p, size_t more);
void savepoints_note(struct savepoints *p, struct row *r); /* before a flush settles it; reserved */
void savepoints_forget(struct savepoints *p);              /* all of them */
void savepoints_release(struct savepoints *p);

/* ---- hooks.c ---- */
void hooks_of(st_session *s, const struct st_hooks *engine, const struct st_hooks *own); /* either may be NULL */
st_err hooks_refuse(const st_session *s);   /* what a before_flush hook may not do */
st_err hooks_before_flush(struct batch *b); /* cascades, too: hooks see what they take along, and delete */
st_err hooks_before_commit(st_session *s);  /* outside of the call's frame */
void hooks_tell(st_session *s);             /* what has happened */
void hooks_forget(st_session *s);           /* it did not */

/* ---- stream.c ---- */
st_err streams_sweep(struct batch *b); /* closes the cursors that are left */
void streams_end(st_session *s);       /* with the transaction, or what they saw of it */
void streams_forget(st_session *s);    /* the session closes */

/* ---- transaction.c ---- */
void transaction_end(st_session *s); /* after COMMIT: objects stay, snapshots go */
/* Behind a rollback: which rows belong together may have changed meanwhile, and relations are to be loaded again. */
void relations_forget(st_session *s);
void transaction_undo(st_session *s); /* objects as at its begin; gives the connection back */

#endif
