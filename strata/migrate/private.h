/* private.h: what the files of strata/migrate share.
 *
 * The way of a change: a revision's function records operations (ops.c, ops_rules.c, ops_rows.c), the planner turns
 * them into steps for one dialect (plan_postgresql.c, plan_sqlite.c, with the spelling in ddl.c, spell.c and so on),
 * and run.c executes the steps. Operations and steps are plain data in one arena, so that they can be printed, checked
 * or planned otherwise before anything runs. */
#ifndef STRATA_MIGRATE_PRIVATE_H
#define STRATA_MIGRATE_PRIVATE_H

#include "base/buf.h"
#include "strata/engine/driver.h"
#include "strata/migrate.h"

enum { ST_NAME_MAX = 63, ST_DDL_MAX = 1 << 20 };

/* ---- names.c ---- */
/* <table>_<columns>_<suffix> in arena a, shortened to fit; columns NULL-terminated or ST_KEY_MAX long, a leading '-'
 * and the column called skip (may be NULL) left out. NULL when memory is out. */
const char *migrate_name(arena *a, const char *table, const char *const *columns, const char *skip, const char *suffix);
bool migrate_name_ok(const char *name); /* not NULL or empty, and fits */
size_t migrate_key_len(const char *const columns[static ST_KEY_MAX]);
/* The same columns in any order. */
bool migrate_same_set(const char *const x[static ST_KEY_MAX], const char *const y[static ST_KEY_MAX]);

/* ---- schema.c, schema_parts.c, schema_rules.c ---- */
/* A deep copy with every derived name filled in. Returns -ENOMEM or ST_E_INVALID for a table that makes no sense; the
 * diagnosis names table and column. */
st_err migrate_copy_table(arena *a, const st_table *t, st_table *ret);
st_err migrate_copy_column(arena *a, const char *table, const st_table_column *c, st_table_column *ret);
/* skip: the tenant's column or NULL. */
st_err migrate_copy_index(arena *a, const char *table, const char *skip, const st_table_index *i, st_table_index *ret);
st_err migrate_copy_fk(arena *a, const char *table, const char *skip, const st_table_fk *fk, st_table_fk *ret);
st_err migrate_copy_check(arena *a, const char *table, const st_table_check *c, st_table_check *ret);
st_err migrate_copy_policy(arena *a, const char *table, const st_table_policy *p, st_table_policy *ret);
st_err migrate_copy_trigger(arena *a, const char *table, const st_table_trigger *t, st_table_trigger *ret);
st_err migrate_copy_enum(arena *a, const st_enum_type *t, st_enum_type *ret);
/* Copies of what may be NULL; a failure clears *ok. */
const char *migrate_copy_text(arena *a, const char *s, bool *ok);
const char *const *migrate_copy_texts(arena *a, const char *const *v, bool *ok); /* NULL-terminated */
/* The events of a trigger's .when, in its order. False when it makes no sense. */
enum { ST_EVENTS_MAX = 3 };
struct migrate_event {
    const char *word; /* "INSERT", "UPDATE" or "DELETE" */
    str of;           /* UPDATE: the columns as given, or empty */
};
bool migrate_trigger_events(const char *when, bool *ret_before, struct migrate_event ret[static ST_EVENTS_MAX],
                            size_t *ret_n);
const st_table_column *migrate_column(const st_table *t, const char *name); /* or NULL */
/* deferral.c: PostgreSQL lets no foreign key point at a key that may be deferred: ST_E_INVALID names both. */
st_err migrate_check_targets(const st_table *tables, size_t n);

/* ---- spell.c: pure text, no errors but those that stick in the buffer ---- */
void ddl_ident(buf *b, const char *name);
void ddl_string(buf *b, const char *s);
void ddl_type(buf *b, enum st_dialect d, const st_table_column *c);
void ddl_default(buf *b, enum st_dialect d, const st_table_column *c);
bool ddl_default_is_constant(enum st_dialect d, const st_table_column *c);
bool ddl_strict_takes(const st_table_column *c); /* whether a STRICT table of SQLite may have its type */
/* Everything behind the name: type, NOT NULL, default, generated, identity, checks. */
st_err ddl_column(buf *b, enum st_dialect d, const char *table, const st_table_column *c, arena *a);
/* The CHECKs for all that the column's fields say, in arena a. */
enum { DDL_CHECKS_MAX = 5 };
struct ddl_check {
    const char *name, *sql;
};
st_err ddl_checks(enum st_dialect d, const char *table, const st_table_column *c, arena *a,
                  struct ddl_check ret[static DDL_CHECKS_MAX], size_t *ret_n);

/* ---- ddl.c ---- */
/* The part of CREATE TABLE in front of its indexes. fks[i] decides whether foreign key i is part of it; NULL: all. */
st_err ddl_create_table(buf *b, enum st_dialect d, const st_table *t, const bool *fks, arena *a);
st_err ddl_add_column(buf *b, enum st_dialect d, const char *table, const st_table_column *c, arena *a);
void ddl_create_index(buf *b, enum st_dialect d, const char *table, const st_table_index *i);
void ddl_alter(buf *b, const char *table);                      /* "ALTER TABLE t " */
void ddl_columns(buf *b, const char *const *columns, size_t n); /* "(a, b)" */
/* CONSTRAINT name ..., as in CREATE TABLE. */
void ddl_fk(buf *b, const st_table_fk *fk);
void ddl_unique(buf *b, enum st_dialect d, const st_table_index *i);
void ddl_check(buf *b, const st_table_check *c);
void ddl_deferral(buf *b, enum st_deferral d); /* " DEFERRABLE INITIALLY DEFERRED", or nothing */
/* A trigger: PostgreSQL: the function and the trigger, two statements in one text; SQLite: of one event. */
void ddl_create_trigger(buf *b, enum st_dialect d, const char *table, const st_table_trigger *t, size_t event);
void ddl_drop_trigger(buf *b, enum st_dialect d, const char *table, const st_table_trigger *t, size_t event);
/* Whether the database has t, or a part of it, under that name. */
bool ddl_is_trigger(enum st_dialect d, const st_table_trigger *t, const char *name);
/* ddl_postgresql.c */
void ddl_policy(buf *b, const char *table, const st_table_policy *p);
void ddl_comment(buf *b, const char *table, const char *column, const char *text); /* column, text: may be NULL */
void ddl_drop_primary_key(buf *b, const char *table);                              /* whatever its name is */
void ddl_create_enum(buf *b, const st_enum_type *t);
/* literal.c */
void ddl_literal(buf *b, enum st_dialect d, const st_value *v);
void ddl_insert_open(buf *b, const char *table, const char *const *columns, size_t n); /* up to "VALUES " */

/* ---- ops.c, ops_rules.c, ops_rows.c ---- */
enum migrate_op_kind {
    MIGRATE_CREATE_TABLE = 1,
    MIGRATE_DROP_TABLE,
    MIGRATE_RENAME_TABLE,
    MIGRATE_ADD_COLUMN,
    MIGRATE_ALTER_COLUMN,
    MIGRATE_DROP_COLUMN,
    MIGRATE_RENAME_COLUMN,
    MIGRATE_CREATE_INDEX, /* a unique constraint, too */
    MIGRATE_DROP_INDEX,
    MIGRATE_RENAME_INDEX,
    MIGRATE_ADD_CHECK,
    MIGRATE_ADD_FK,
    MIGRATE_DROP_CONSTRAINT,
    MIGRATE_RENAME_CONSTRAINT,
    MIGRATE_PRIMARY_KEY,
    MIGRATE_DEFER,
    MIGRATE_COMMENT,
    MIGRATE_CREATE_ENUM,
    MIGRATE_DROP_ENUM,
    MIGRATE_ADD_ENUM_VALUE,
    MIGRATE_RENAME_ENUM_VALUE,
    MIGRATE_CREATE_POLICY,
    MIGRATE_DROP_POLICY,
    MIGRATE_ENABLE_RLS,
    MIGRATE_DISABLE_RLS,
    MIGRATE_CREATE_TRIGGER,
    MIGRATE_DROP_TRIGGER,
    MIGRATE_SQL,
    MIGRATE_RUN,
    MIGRATE_BACKFILL
};
struct migrate_allow { /* a permission for lint; in the arena */
    const char *rule, *reason;
    struct migrate_allow *next;   /* for the same operations */
    struct migrate_allow *before; /* of the revision */
    bool used;
};
struct migrate_op {
    enum migrate_op_kind kind;
    unsigned together;           /* operations of one number are one transaction whatever it locks; 0: none */
    const char *table;           /* NULL for SQL of the revision's own and for enums */
    struct migrate_allow *allow; /* or NULL */
    union {
        st_table *create;
        st_table_column *column;
        st_table_index *index;
        st_table_check *check;
        st_table_fk *fk;
        st_table_policy *policy;
        st_table_trigger *trigger;
        st_enum_type *enumeration;
        st_backfill *backfill;
        const char *name; /* of the column, index, enum or policy to drop, or of the tenant's column (NULL: none) */
        struct {
            st_table_column *was, *is;
            const char *convert;
        } alter;
        struct {
            const char *from, *to;
            const char *type; /* of an enum's value: the type */
        } rename;
        struct {
            enum st_constraint kind;
            const char *name, *to; /* to: of a rename */
        } constraint;
        struct {
            const char *const *was, *const *is; /* NULL: none */
            const char *index;                  /* over is, or NULL */
        } key;
        struct {
            enum st_constraint kind; /* ST_C_FK, ST_C_UNIQUE or ST_C_PRIMARY_KEY */
            const char *name;
            st_table_index *index; /* of a unique constraint or primary key: the same under that name; or NULL */
            enum st_deferral was, is;
        } defer;
        struct {
            const char *column, *text;
        } comment;
        struct {
            const char *type, *value, *before;
        } value;
        struct {
            enum st_dialect only;
            const char *text;
        } sql;
        struct {
            const char *name;
            st_err (*fn)(struct st_session *s, void *arg);
            void *arg;
        } run;
    };
};
struct st_ops {
    arena *a;
    enum st_dialect dialect;
    struct migrate_op *ops;
    size_t n, room;
    unsigned together, n_together;            /* of the operations to come; the last number given */
    struct migrate_allow *allow, *all_allows; /* for the next call; the last of the revision */
    unsigned calls;                           /* under way, of those that record several operations */
    st_err err;                               /* the first failure */
};
/* At the beginning of a call that records several operations: what is allowed is allowed for all of them. */
static inline st_ops *migrate_call_begin(st_ops *o)
{
    o->calls++;
    return o;
}
static inline void migrate_call_end(st_ops **o)
{
    (*o)->allow = --(*o)->calls ? (*o)->allow : NULL;
}
#define MIGRATE_ONE_CALL(o) __attribute__((cleanup(migrate_call_end), unused)) st_ops *one_call_ = migrate_call_begin(o)
/* What is recorded between the two, renames and triggers, is one transaction: programs would stumble over half of it.
 */
void migrate_ops_together(st_ops *o, bool begin);

void migrate_ops_init(st_ops *o, arena *a, enum st_dialect d);
/* A new operation, or NULL after a failure that sticks. table NULL: none. */
struct migrate_op *migrate_op_add(st_ops *o, enum migrate_op_kind kind, const char *table);
st_err migrate_op_fail(st_ops *o, st_err rc); /* makes it stick */

/* ---- convert.c ---- */
/* A new uuid of version 7 as an expression: RFC 9562's 48 bits of milliseconds, then random ones. It is no constant
 * default on SQLite, since it has a subquery. */
void migrate_new_uuid(buf *b, enum st_dialect d);
/* The value, an SQL expression, of from's type as one of to's: NULL for what does not convert. own may be NULL. False
 * when nothing is known of these types. */
bool migrate_convert(buf *b, enum st_dialect d, const st_table_column *from, const st_table_column *to,
                     const struct st_conversion *own, const char *value);
/* A condition: the value does convert. Only where migrate_convert says true. */
void migrate_converts(buf *b, enum st_dialect d, const st_table_column *from, const st_table_column *to,
                      const struct st_conversion *own, const char *value);

/* ---- parallel.c, for key_swap.c ---- */
/* Makes or drops what keeps a complete pair in step, before or after its swap; swaps the names alone. */
st_err migrate_parallel_step(st_ops *o, const st_parallel *p, bool swapped, bool make);
st_err migrate_parallel_rename(st_ops *o, const st_parallel *p, bool back);
/* The new column's index, as st_parallel_begin makes it: a key that is moved has another, which is unique. */
st_err migrate_parallel_index(st_ops *o, const st_parallel *p, bool make);

/* ---- plan.c ----
 *
 * A plan is phases, and a phase is steps. The steps of a phase are one transaction together with the journal's row that
 * says it is done, unless the phase says otherwise; such a phase has one step, which finds out by itself whether it
 * was done before. A revision of one phase needs no journal. */
enum migrate_lock { /* PostgreSQL's, weakest first; what a step takes on step.locked */
                    MIGRATE_LOCK_NONE,
                    MIGRATE_LOCK_ACCESS_SHARE,
                    MIGRATE_LOCK_ROW_SHARE,
                    MIGRATE_LOCK_ROW_EXCLUSIVE,
                    MIGRATE_LOCK_SHARE_UPDATE_EXCLUSIVE,
                    MIGRATE_LOCK_SHARE,
                    MIGRATE_LOCK_SHARE_ROW_EXCLUSIVE,
                    MIGRATE_LOCK_EXCLUSIVE,
                    MIGRATE_LOCK_ACCESS_EXCLUSIVE
};
struct migrate_held {
    enum migrate_lock lock;
    const char *table;
};
enum migrate_step_kind {
    MIGRATE_STEP_SQL,
    MIGRATE_STEP_REFUSE,  /* sql is a query of one text column that must find nothing; what it finds ends the sentence
                             in refuse, which is the error then */
    MIGRATE_STEP_REBUILD, /* SQLite's twelve steps on a table: migrate_rebuild */
    MIGRATE_STEP_INDEX,   /* CREATE INDEX CONCURRENTLY: a leftover that is INVALID goes first */
    MIGRATE_STEP_RUN,     /* C over a session */
    MIGRATE_STEP_BACKFILL
};
struct migrate_step {
    enum migrate_step_kind kind;
    const char *sql;
    const char *refuse;
    const struct migrate_op *op; /* where it comes from, or NULL */
    const char *index;           /* MIGRATE_STEP_INDEX: its name */
    enum migrate_lock lock;
    const char *locked;                /* the table */
    const struct migrate_held *others; /* tables beside it */
    size_t n_others;
    bool referenced;      /* and those that its foreign keys point at, which the catalog knows */
    bool rewrites, scans; /* while it holds the lock */
    bool proven;          /* a constraint says already what it would scan for */
    bool keeps;           /* the plan knows that the rows stay as they are, and says of itself whether they are read */
    size_t n_ops;         /* MIGRATE_STEP_REBUILD: op and those behind it, all of one table */
};
struct migrate_phase {
    const char *name; /* "expand", "index notes_at_idx", "validate notes_body_check" */
    size_t first, n;  /* steps */
    bool no_transaction;
    bool foreign_keys_off; /* SQLite: PRAGMA foreign_keys = OFF around the transaction; a step in it finds out whether
                              every reference holds */
};
/* All zero to begin with. */
struct migrate_plan {
    struct migrate_step *steps;
    size_t n, room;
    struct migrate_phase *phases;
    size_t n_phases, phases_room;
};
/* Starts a phase, or goes on with the last one when it has no steps yet. */
st_err migrate_plan_phase(arena *a, struct migrate_plan *p, const char *name, bool no_transaction);
/* Adds what sql holds to the last phase (to a first one when there is none) and clears it. */
st_err migrate_plan_add(arena *a, struct migrate_plan *p, buf *sql, const char *refuse, const struct migrate_op *op);
st_err migrate_plan_step(arena *a, struct migrate_plan *p, const struct migrate_step *s);
/* What the last step locks, which its words do not say; nothing when adding it failed. */
static inline void migrate_plan_says(struct migrate_plan *p, st_err rc, enum migrate_lock lock, const char *table)
{
    if (!rc) {
        p->steps[p->n - 1].lock = lock;
        p->steps[p->n - 1].locked = table;
    }
}
/* SQLite: ops are brought into the order in which they run, for good. */
st_err migrate_plan_ops(arena *a, enum st_dialect d, struct migrate_op *ops, size_t n, struct migrate_plan *ret);

/* What the dialects' planners share. */
struct migrate_planner {
    arena *a;
    enum st_dialect d;
    const struct migrate_op *ops;
    size_t n;
    struct migrate_plan *plan;
    buf sql;
    struct migrate_safe *safe; /* plan_safe.h; NULL: direct forms */
};
st_err migrate_planner_add(struct migrate_planner *p, const char *refuse, const struct migrate_op *op);
st_err migrate_plan_postgresql(struct migrate_planner *p);
st_err migrate_plan_sqlite(struct migrate_planner *p);
bool migrate_sqlite_adds(const st_table_column *c);       /* whether ALTER TABLE ADD COLUMN can do it, STRICT apart */
bool migrate_sqlite_ignores(const struct migrate_op *op); /* what there is nothing to do for there */
bool migrate_sqlite_edits(const struct migrate_op *op);   /* what is, or may be, a part of a rebuild */
st_err migrate_order_edits(arena *a, struct migrate_op *ops, size_t n);            /* plan_order.c */
st_err migrate_plan_alter(struct migrate_planner *p, const struct migrate_op *op); /* PostgreSQL, directly */
st_err migrate_plan_defer(struct migrate_planner *p, const struct migrate_op *op); /* the same */
/* The index that takes the place of a key's own, while it is built. */
const char *migrate_defer_index(arena *a, const struct migrate_op *op);

/* rebuild.c: what a MIGRATE_STEP_REBUILD does to the table as it is now, in an open transaction with foreign keys off.
 * The statements depend on the table, so SQL for a database that is elsewhere comes from a like one in memory. */
st_err migrate_rebuild_statements(st_conn *c, arena *a, const struct migrate_step *s, int64_t deadline,
                                  const char *const **ret, size_t *ret_n);
st_err migrate_rebuild(st_conn *c, arena *a, const struct migrate_step *s, int64_t deadline);

/* rls.c: for PostgreSQL; tenant NULL: without the two policies. */
st_err migrate_plan_rls(arena *a, struct migrate_plan *p, buf *sql, const struct migrate_op *op, const char *tenant,
                        bool enable);

/* ---- graph.c ---- */
struct migrate_node {
    const st_revision *rev;
    size_t parents[ST_PARENTS_MAX]; /* positions in order, always lower */
    size_t n_parents;
    bool is_head; /* no children */
};
/* Parents before children; the same for the same revisions in any order. */
struct migrate_graph {
    const struct migrate_node *nodes;
    size_t n;
    size_t n_heads;
};
st_err migrate_graph_of(arena *a, const st_revision *const *revisions, struct migrate_graph *ret);
/* The position of the revision called that: id, label, or beginning of just one id. ST_E_INVALID otherwise. */
st_err migrate_find(const struct migrate_graph *g, const char *name, size_t *ret);
ptrdiff_t migrate_find_id(const struct migrate_graph *g, const char *id); /* exact id, or -1 */
/* ---- target.c; flags are one a node ---- */
/* Which revisions are applied after an upgrade to target (those that are already may be among them). */
st_err migrate_resolve_upgrade(const struct migrate_graph *g, const char *target, const bool *applied,
                               bool *ret_wanted);
/* Which of the applied ones a downgrade to target undoes. */
st_err migrate_resolve_downgrade(arena *a, const struct migrate_graph *g, const char *target, const bool *applied,
                                 bool *ret_undo);

/* ---- applied.c: the table strata_revisions, one row a revision that is applied ---- */
struct migrate_applied {
    const char *id, *message;
    st_texts parents; /* so that the revisions of a newer program can be told apart */
    st_time at;
    const char *hash; /* of the schema after it, for the newest; or NULL */
};
struct migrate_state {
    struct migrate_applied *rows; /* in the order of their application */
    size_t n, room;
    bool table_exists, has_hash; /* older programs made it without schema_hash */
};
st_err migrate_table_exists(st_conn *c, arena *a, const char *table, int64_t deadline, bool *ret);
st_err migrate_column_exists(st_conn *c, arena *a, const char *table, const char *column, int64_t deadline, bool *ret);
st_err migrate_state_read(st_conn *c, arena *a, int64_t deadline, struct migrate_state *ret);
/* Flags by node; ST_E_TOO_NEW for a row that is none. */
st_err migrate_state_flags(const struct migrate_graph *g, const struct migrate_state *s, bool *ret);
/* Ids of rows that are no other row's parent, sorted. */
st_err migrate_state_heads(arena *a, const struct migrate_state *s, const char *const **ret, size_t *ret_n);
/* CREATE TABLE strata_revisions. */
st_err migrate_version_create(buf *b, enum st_dialect d, arena *a);
/* The steps that record a revision's coming or going; before them the table is made, or brought to today's form. */
st_err migrate_record(arena *a, enum st_dialect d, const struct migrate_state *s, const st_revision *r, bool up,
                      struct migrate_plan *p);

/* plan_safe.c: the same for PostgreSQL, so that nobody waits for long. */
st_err migrate_plan_safe(arena *a, const struct migrate_op *ops, size_t n, struct migrate_plan *ret);

/* ---- lock.c ---- */
/* Behind whoever waits for a table's lock, everybody else waits. So a wait is short, and shorter than PostgreSQL's
 * deadlock_timeout, 1 s: of two that wait for each other it is then we who step back. What is not tried again, or holds
 * nobody up, may wait longer. */
enum { MIGRATE_LOCK_MS = 100, MIGRATE_LOCK_LONG_MS = 10000, MIGRATE_STATEMENT_MS = 3600000 };
/* Begins a transaction that no other upgrade can be in. */
st_err migrate_begin(st_conn *c, int64_t deadline);

/* ---- exec.c ---- */
/* One step, in the transaction that is open. */
st_err migrate_run_step(st_conn *c, arena *a, const struct migrate_step *s, int64_t deadline);
st_err migrate_run_steps(st_conn *c, arena *a, const struct migrate_plan *p, int64_t deadline);

/* ---- look.c ---- */
/* PostgreSQL: a statement before others of one batch, so that settings of the role or database do not show in what the
 * server prints of expressions. */
struct st_stmt migrate_print_plainly(arena *a);

/* ---- run.c ---- */
/* What the database has, read in a connection of its own. */
st_err migrate_look(st_engine *e, arena *a, int64_t deadline, struct migrate_state *ret);
/* 0 when the flags say that all is applied; else ST_E_SCHEMA and a diagnosis with what is missing and the remedy. */
st_err migrate_missing(const struct st_migrations *m, const struct migrate_graph *g, const bool *applied);

/* ---- arrays in an arena ---- */
/* Makes room for one more item; -ENOMEM. items is a struct member pointer. */
st_err migrate_grow(arena *a, void *items, size_t n, size_t *room, size_t size);
/* An st_stmt's row and arg: each row's struct, of size bytes, goes behind the others; the strings stay in the arena. */
struct migrate_rows {
    arena *a;
    void *items; /* as of migrate_grow */
    size_t *n, *room, size;
};
int migrate_take_row(void *arg, void *obj);
int migrate_by_text(const void *x, const void *y); /* for qsort, of strings */
const char *migrate_text(arena *a, buf *b);        /* what b holds as a string in a, or NULL; b is cleared */

#endif
