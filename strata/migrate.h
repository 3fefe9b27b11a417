/* migrate.h: revisions of a schema, in C, compiled into the program that owns the models.
 *
 * A revision file never looks at the models: it states tables and columns as they were then. Operations mean the
 * same on every dialect.
 *
 *     static st_err upgrade(st_ops *o)
 *     {
 *         return st_create_table(o, &(const st_table){.name = "notes",
 *             ST_COLUMNS({"id", ST_UUID, .pk = true}, {"body", ST_TEXT, .nullable = true, .max = 200}),
 *             ST_INDEXES({.columns = {"body"}})});
 *     }
 *     const st_revision rev_20261122_first = {
 *         .id = "a1b2c3d4e5f6", .message = "first", .upgrade = upgrade, .downgrade = downgrade};
 */
#ifndef STRATA_MIGRATE_H
#define STRATA_MIGRATE_H

#include <stdio.h>

#include "base/arena.h"
#include "base/decls.h"
#include "strata/engine.h"
#include "strata/model.h"

DECLS_BEGIN

struct st_session;
enum { ST_KEY_MAX = 8 }; /* columns of a key, index or foreign key */

/* The schema as data: what models turn into, what a database is read as, and what revisions state.
 *
 * Names are at most 63 bytes, PostgreSQL's limit. A NULL name of an index or key means the derived one,
 * <table>_<columns>_<key|idx|fkey> without the tenant's column; what a column's fields say of its values becomes CHECKs
 * named <table>_<column>_<kind>_check with kind enum, max, range, bool, json, uuid or array, and plain _check for
 * check. A derived name over 63 bytes is cut and ends in a hash of the whole. Expressions and conditions are SQL that
 * both dialects read, unless said otherwise. */
#define ST_TYPE_NONE ((enum st_type)0)
typedef struct st_table_column {
    const char *name;
    enum st_type type;
    bool pk, nullable, tenant; /* the primary key is the tenant's column, then the others in order */
    uint32_t max;              /* text, bytes: at most so many bytes; arrays: items */
    bool as_smallint;
    const char *const *values;           /* ST_ENUM: names, NULL-terminated */
    const double *min_value, *max_value; /* inclusive; ST_NUMBER(x) */
    const char *default_sql; /* one spelling for both dialects: "now()", "uuid()", "true", "0", "'text'", "'[]'" */
    const char *check;
    const char *comment;
    const char *was;
    const char *type_sql;  /* for a type that is none of ours, spelled as its database does: "numeric(10,2)"; type is
                              then ST_TYPE_NONE */
    const char *enum_type; /* ST_ENUM, PostgreSQL: a type made by st_create_enum instead of text with a CHECK */
    const char *generated; /* GENERATED ALWAYS AS (this) STORED */
    bool identity; /* an integer numbered by the database: an identity (BY DEFAULT) on PostgreSQL; on SQLite the one
                      column of the primary key, AUTOINCREMENT */
} st_table_column;
typedef struct st_table_index {
    const char *name;
    const char *columns[ST_KEY_MAX]; /* "-name" is descending; "(lower(name))" an expression, of an index with a name */
    bool unique;                     /* a unique index; a unique constraint when constraint is set */
    bool constraint;
    const char *where, *expression, *method; /* the expression comes after the columns */
    enum st_deferral deferrable;             /* of a constraint, PostgreSQL; SQLite checks it at once */
    /* What it says of each column besides, also behind a blank in columns: "-name nulls last" is "-name" and "nulls
     * last". In any order: an operator class with its parameters (PostgreSQL: "text_pattern_ops"), "nulls first" or
     * "nulls last" (PostgreSQL), "collate x": nocase, rtrim and binary are SQLite's, others and what is in double
     * quotes PostgreSQL's, and both may be said. Each is left out on the other. Of a constraint only SQLite's
     * collations. A name with a blank in it wants its how to be set, if only to "". */
    const char *how[ST_KEY_MAX];
    const char *include[ST_KEY_MAX]; /* PostgreSQL: columns that it holds beside its key */
    bool nulls_not_distinct;         /* PostgreSQL 15, of a unique one: two nulls are the same */
    const char *with;                /* PostgreSQL: storage parameters, "fillfactor = 70" */
} st_table_index;
typedef struct st_table_fk {
    const char *name;
    const char *columns[ST_KEY_MAX];
    const char *table;
    const char *to[ST_KEY_MAX];
    enum st_action on_delete, on_update;
    enum st_deferral deferrable;
} st_table_fk;
typedef struct st_table_check {
    const char *name, *sql;      /* the condition, without CHECK and brackets */
    bool exclude;                /* PostgreSQL: sql is what follows EXCLUDE; SQLite has none and leaves it out */
    enum st_deferral deferrable; /* of an exclusion */
} st_table_check;
typedef struct st_table_policy { /* PostgreSQL; nothing on SQLite */
    const char *name;
    const char *command; /* "SELECT", "INSERT", "UPDATE", "DELETE"; NULL: ALL */
    const char *roles;   /* after TO; NULL: PUBLIC */
    const char *using_sql, *check_sql;
    bool restrictive;
} st_table_policy;
/* Of each row. The body is what stands between BEGIN and END: plpgsql on PostgreSQL (a function <name>() is made for
 * it, in the table's schema), statements on SQLite. A NULL body: no trigger there. */
typedef struct st_table_trigger {
    const char *name;
    const char *when; /* "BEFORE INSERT OR UPDATE", "AFTER DELETE", "BEFORE UPDATE OF a, b"; SQLite makes one trigger an
                         event, named <name>_insert and so on, when there are several */
    const char *condition; /* after WHEN, or NULL */
    const char *postgresql, *sqlite;
} st_table_trigger;
typedef struct st_enum_type { /* PostgreSQL; columns of it are text with a CHECK on SQLite */
    const char *name;
    const char *const *values; /* in order, NULL-terminated */
} st_enum_type;
typedef struct st_table {
    const char *name;
    const char *was;
    const st_table_column *columns;
    size_t n_columns;
    const st_table_index *indexes;
    size_t n_indexes;
    const st_table_fk *fks;
    size_t n_fks;
    const st_table_check *checks;
    size_t n_checks;
    bool no_rls;        /* PostgreSQL: without row-level security, which a table with a tenant's column has otherwise */
    bool without_rowid; /* SQLite */
    bool no_strict;     /* SQLite: not STRICT; a type_sql that STRICT does not know has the same effect */
    enum st_deferral key_deferrable; /* of the primary key, PostgreSQL; SQLite checks it at once */
    const char *comment;
    const st_table_policy
        *policies; /* without a tenant's column they turn row-level security on, for all but the owner */
    size_t n_policies;
    const st_table_trigger *triggers;
    size_t n_triggers;
} st_table;
/* For the members above: .columns = ..., .n_columns = ... in one go. */
/* clang-format off */
#define ST_LIST_(type, ...) (const type[]){__VA_ARGS__}
/* clang-format on */
#define ST_LEN_(type, ...) (sizeof((const type[]){__VA_ARGS__}) / sizeof(type))
#define ST_COLUMNS(...) \
    .columns = ST_LIST_(st_table_column, __VA_ARGS__), .n_columns = ST_LEN_(st_table_column, __VA_ARGS__)
#define ST_INDEXES(...) \
    .indexes = ST_LIST_(st_table_index, __VA_ARGS__), .n_indexes = ST_LEN_(st_table_index, __VA_ARGS__)
#define ST_FKS(...) .fks = ST_LIST_(st_table_fk, __VA_ARGS__), .n_fks = ST_LEN_(st_table_fk, __VA_ARGS__)
#define ST_CHECKS(...) .checks = ST_LIST_(st_table_check, __VA_ARGS__), .n_checks = ST_LEN_(st_table_check, __VA_ARGS__)
#define ST_POLICIES(...) \
    .policies = ST_LIST_(st_table_policy, __VA_ARGS__), .n_policies = ST_LEN_(st_table_policy, __VA_ARGS__)
#define ST_TRIGGERS(...) \
    .triggers = ST_LIST_(st_table_trigger, __VA_ARGS__), .n_triggers = ST_LEN_(st_table_trigger, __VA_ARGS__)
#define ST_VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The tables of models, parents before children (as far as they make no cycle), in arena a; every name is filled in.
 * The tenant's column leads primary keys, uniques and indexes, and foreign keys carry it. ST_E_INVALID names the model
 * and the member. */
st_err st_tables_of_models(arena *a, const st_model *const *models, size_t n, const st_table **ret, size_t *ret_n);
/* Creates what models describe: tables that are there already are left as they are (tests, first programs). */
st_err st_create_all(st_engine *e, const st_model *const *models, size_t n, int64_t deadline);

/* ---- operations, within upgrade and downgrade ----
 *
 * Each call copies what it is given (a row is put down as SQL at once); nothing runs before upgrade or downgrade has
 * returned 0. A failed call also makes the whole revision fail, so results need not be checked one by one. */
typedef struct st_ops st_ops;
enum st_dialect st_ops_dialect(const st_ops *o);
st_err st_create_table(st_ops *o, const st_table *t);
/* Refused when another table's foreign key points at it. Functions of its triggers stay on PostgreSQL: drop the
 * triggers first. */
st_err st_drop_table(st_ops *o, const char *table);
/* A column that is neither nullable nor has a default fails when there are rows. */
st_err st_add_column(st_ops *o, const char *table, const st_table_column *c);
/* Indexes and constraints that name it go with it (one that only includes it, on PostgreSQL alone: drop it first);
 * views, generated columns and foreign keys to it must have gone. */
st_err st_drop_column(st_ops *o, const char *table, const char *column);
st_err st_create_index(st_ops *o, const char *table, const st_table_index *i);
st_err st_drop_index(st_ops *o, const char *table, const char *index);
st_err st_rename_index(st_ops *o, const char *table, const char *from, const char *to);
/* Indexes, constraints and triggers keep the names they have, which were derived from the old name, and are renamed on
 * their own. Foreign keys, views and triggers follow (bodies in plpgsql do not). */
st_err st_rename_table(st_ops *o, const char *from, const char *to);
st_err st_rename_column(st_ops *o, const char *table, const char *from, const char *to);
/* Turns the column was into is (of the same name): type, nullability, default, checks, comment, generated, identity.
 * What both say the same is left alone; swapped arguments undo it. convert: the new value in terms of the old column,
 * NULL: the database's own cast, and a value that it cannot cast is an error. On PostgreSQL a column that becomes
 * generated is made anew, at the end and without its indexes. Values of a native enum are changed by st_add_enum_value
 * and st_rename_enum_value there, and here on SQLite, where convert also renames them. Of a table with many rows a
 * change of type that rewrites is for st_parallel_begin. */
st_err st_alter_column(st_ops *o, const char *table, const st_table_column *was, const st_table_column *is,
                       const char *convert);
/* Constraints of a table that is there; a unique one is st_create_index with .constraint. */
st_err st_add_check(st_ops *o, const char *table, const st_table_check *c);
st_err st_add_fk(st_ops *o, const char *table, const st_table_fk *fk);
enum st_constraint { ST_C_CHECK = 1, ST_C_UNIQUE, ST_C_FK, ST_C_PRIMARY_KEY, ST_C_EXCLUDE };
/* On SQLite an unnamed constraint goes by its derived name; the primary key by any. */
st_err st_drop_constraint(st_ops *o, const char *table, enum st_constraint kind, const char *name);
st_err st_rename_constraint(st_ops *o, const char *table, enum st_constraint kind, const char *from, const char *to);
/* NULL-terminated columns, in order; ST_VALUES("tenant_id", "id"); was or is NULL: none. Foreign keys that point at the
 * old key go first. The columns of the new key become, and stay, NOT NULL. index: a unique index over is, which becomes
 * the key's own; NULL: one is made. */
st_err st_change_primary_key(st_ops *o, const char *table, const char *const *was, const char *const *is,
                             const char *index);
/* When a constraint that is there is checked; was and is swapped undo it. A foreign key changes at once. A unique
 * constraint (i as it is, with .deferrable as it was) and a primary key, whose columns are stated, are made anew on
 * PostgreSQL, over an index that is built beside the old one; on SQLite this is nothing. A new key of
 * st_change_primary_key is not deferrable. An exclusion is dropped and added. */
st_err st_defer_fk(st_ops *o, const char *table, const char *name, enum st_deferral was, enum st_deferral is);
st_err st_defer_unique(st_ops *o, const char *table, const st_table_index *i, enum st_deferral is);
st_err st_defer_primary_key(st_ops *o, const char *table, const char *name, const char *const *columns,
                            enum st_deferral was, enum st_deferral is);
/* text NULL: none; column NULL: of the table. Nothing on SQLite. */
st_err st_set_comment(st_ops *o, const char *table, const char *column, const char *text);
/* Enums, policies and row-level security: nothing on SQLite. */
st_err st_create_enum(st_ops *o, const st_enum_type *t);
st_err st_drop_enum(st_ops *o, const char *name);
st_err st_add_enum_value(st_ops *o, const char *type, const char *value, const char *before); /* before NULL: last */
st_err st_rename_enum_value(st_ops *o, const char *type, const char *from, const char *to);
st_err st_create_policy(st_ops *o, const char *table, const st_table_policy *p);
st_err st_drop_policy(st_ops *o, const char *table, const char *name);
st_err st_create_trigger(st_ops *o, const char *table, const st_table_trigger *t);
st_err st_drop_trigger(st_ops *o, const char *table, const st_table_trigger *t);
/* ENABLE, FORCE and two policies; st_create_table does the same for a table with a tenant's column. tenant_column NULL:
 * ENABLE alone, for policies of one's own. A transaction sees the rows of the tenant in its setting strata.tenant,
 * which sessions set; the owner of the table sees all rows while strata.system is 'on', which sessions across tenants
 * and migrations set. Other roles need BYPASSRLS for work across tenants. */
st_err st_enable_rls(st_ops *o, const char *table, const char *tenant_column);
st_err st_disable_rls(st_ops *o, const char *table);
/* A value of a row: {"name", st_v_text("x")}; the makers of values are in strata/expr.h. */
typedef struct st_table_cell {
    const char *column;
    st_value value;
} st_table_cell;
/* ST_INSERT_ROW(o, "notes", {"id", st_v_uuid(id)}, {"body", st_v_text("x")}); columns left out get their default. */
#define ST_INSERT_ROW(o, table, ...) \
    st_insert_row((o), (table), ST_LIST_(st_table_cell, __VA_ARGS__), ST_LEN_(st_table_cell, __VA_ARGS__))
st_err st_insert_row(st_ops *o, const char *table, const st_table_cell *cells, size_t n);
/* Many rows: values row after row, in the order of columns. ST_INSERT_ROWS(o, "notes", ST_VALUES("id", "body"),
 * st_v_int64(1), st_v_text("x"), st_v_int64(2), st_v_text("y")); */
#define ST_INSERT_ROWS(o, table, columns, ...) \
    st_insert_rows((o), (table), (columns), ST_LIST_(st_value, __VA_ARGS__), ST_LEN_(st_value, __VA_ARGS__))
st_err st_insert_rows(st_ops *o, const char *table, const char *const *columns, const st_value *values,
                      size_t n_values);
st_err st_sql(st_ops *o, enum st_dialect only, const char *sql); /* only 0: both; may hold several statements */
/* A step in C, over a session across tenants in a transaction of its own, which is committed when fn returns 0. It may
 * run again after a crash: what it has done must not harm it. Left out of offline SQL, with a remark. */
st_err st_run_step(st_ops *o, const char *name, st_err (*fn)(struct st_session *s, void *arg), void *arg);
/* Lint lets the next call do what rule would find in it ("drop-column"), and says the reason instead. ST_E_INVALID: no
 * such rule, or no reason. */
st_err st_allow(st_ops *o, const char *rule, const char *reason);
/* UPDATE table SET set WHERE where, in batches along the primary key, each a transaction of its own with a pause
 * behind it, going on where it was after a crash. */
typedef struct st_backfill {
    const char *name; /* in the journal and for progress; NULL: backfill <table> */
    const char *table;
    const char *set;        /* "upper_name = upper(name)" */
    const char *set_sqlite; /* when SQLite spells it otherwise; NULL: the same */
    const char *where;      /* of the rows that need it; NULL: all */
    const char *left;       /* rows of which this holds afterwards could not be filled; they are counted and
                               reported. NULL: none */
    uint32_t batch;         /* rows; 0: as many as take 50 ms, at most 1,000, which is what scripts of --sql take */
    uint32_t pause_ms;      /* 0: as long as the batch took, at most 100; 1 and more: that many */
} st_backfill;
st_err st_run_backfill(st_ops *o, const st_backfill *b);

/* ---- parallel columns ----
 *
 * A change of type that would rewrite a table under a lock, done beside the running programs, in as many revisions as
 * there are releases between them:
 *
 * - st_parallel_begin adds the new column, nullable; triggers keep both in step, whichever a program writes; it is
 * filled for the rows that are there, and the values that do not convert are counted. From the moment that programs can
 * name the column it is in step, and it has its index when it is to have one
 * - st_parallel_complete fills those by .otherwise, and makes it NOT NULL unless .is says nullable
 * - st_parallel_swap gives it the old one's name, which is <name>_legacy from then on; both still in step
 * - st_parallel_end drops the old column
 *
 * Backwards: st_parallel_abort, _reopen, _swap_back, and _restore, which makes the old column again from the new one.
 */
struct st_conversion { /* "{}" stands for the value; NULL for what does not convert */
    const char *postgresql, *sqlite;
};
typedef struct st_parallel {
    const char *table;
    const st_table_column *was;             /* the column that is there */
    const st_table_column *is;              /* the new one, by its name until the swap; keys are for other operations */
    struct st_conversion forward, backward; /* NULL: what is known of the types (text, enum, uuid, integers); nothing is
                                               written back when nothing is known */
    const char *otherwise;                  /* as in default_sql; "uuid()" makes them in the order of time (version 7),
                                               so that indexes grow at their end. NULL: what does not convert stays null */
    bool indexed; /* programs look rows up by the new column: an index <table>_<column>_idx on it. That beside a column
                     of the primary key has one anyway. Not unique: two texts may be one uuid; st_swap_key wants it */
} st_parallel;
st_err st_parallel_begin(st_ops *o, const st_parallel *p);
st_err st_parallel_abort(st_ops *o, const st_parallel *p);
st_err st_parallel_complete(st_ops *o, const st_parallel *p);
st_err st_parallel_reopen(st_ops *o, const st_parallel *p);
st_err st_parallel_swap(st_ops *o, const st_parallel *p);
st_err st_parallel_swap_back(st_ops *o, const st_parallel *p);
st_err st_parallel_end(st_ops *o, const st_parallel *p);
st_err st_parallel_restore(st_ops *o, const st_parallel *p);

/* Moves a table's primary key to a parallel column that is complete, and the foreign keys of other tables with it. Each
 * child gets a parallel column too, which follows its parent's and has an index. Afterwards all carry the old names,
 * and the old columns are <name>_legacy, still in step, until st_swap_key_end; st_swap_key_back undoes it. */
typedef struct st_key_child {
    const char *table;
    const st_table_column *was, *is;
    const st_table_fk *fk; /* the foreign key that is there, over was alone; it is the same afterwards, over is */
} st_key_child;
typedef struct st_key_swap {
    st_parallel key;
    const st_key_child *children;
    size_t n_children;
} st_key_swap;
st_err st_swap_key(st_ops *o, const st_key_swap *k);
st_err st_swap_key_back(st_ops *o, const st_key_swap *k);
st_err st_swap_key_end(st_ops *o, const st_key_swap *k);
st_err st_swap_key_restore(st_ops *o, const st_key_swap *k);

/* ---- revisions ---- */
enum { ST_PARENTS_MAX = 4 };
typedef struct st_revision {
    const char *id;                      /* 12 hex digits, or any word of letters, digits, '_' and '-' */
    const char *parents[ST_PARENTS_MAX]; /* none: the base */
    const char *message;
    const char *label; /* another name for it, or NULL */
    st_err (*upgrade)(st_ops *o);
    st_err (*downgrade)(st_ops *o); /* NULL: there is no way back */
} st_revision;
struct st_migrations {
    const st_revision *const *revisions; /* in any order, NULL-terminated */
    const st_model *const *models;       /* NULL-terminated; what head must equal */
    const char *program;                 /* "waymark migrate", for messages */
    const char *dir;                     /* where revision files are written; NULL: where the program runs */
    /* Tables of the database that no model and no revision names are left alone by autogenerate and check. Patterns,
     * NULL-terminated, a '*' for any run of characters: take names some that are ours all the same, leave some that are
     * not. NULL: none. */
    const char *const *take, *const *leave;
};

/* The database remembers in strata_revisions every revision that was applied to it. Two upgrades at once wait for each
 * other (an advisory lock on PostgreSQL, the writer's lock on SQLite), and the second finds nothing left to do.
 *
 * Operations run in their safe form: on PostgreSQL nothing holds a lock that readers or writers wait for longer than a
 * change of the catalog takes. A revision that fits into one transaction is that transaction, together with its row in
 * strata_revisions. Another is cut into phases, each of them a transaction that also notes its end in strata_journal;
 * after a failure or a crash the next call in the same direction goes on behind the last of them.
 *
 * Targets of an upgrade: "head" (an error when there are several), "heads", an id, its unambiguous beginning, a label,
 * or "+N", N more. Of a downgrade: an id, beginning or label (what came after it is undone), "base" (everything), or
 * "-N", the last N.
 *
 * ST_E_INVALID: the target or the revisions are wrong, or a change is refused because it would lock a large table; the
 * diagnosis says how to go about it. ST_E_TOO_NEW: the database has a revision that the program does not know.
 * ST_E_BUSY: a lock was not granted in all tries; the diagnosis says who has it. */
st_err st_upgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline);
st_err st_downgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline);

enum st_migrate_event {
    ST_M_WAIT = 1,   /* another upgrade has the lock; once a second; note says who (PostgreSQL) */
    ST_M_PHASE,      /* begins */
    ST_M_PHASE_DONE, /* ns: how long it took */
    ST_M_BATCH,      /* of a backfill is committed: rows, total, rate, remaining_ms */
    ST_M_LAG,        /* a backfill waits for a replica: lag_ms */
    ST_M_FILLED,     /* a backfill is done: rows; left: that could not be filled */
    ST_M_RETRY,      /* a lock was not granted; note says who has it, remaining_ms is the pause */
    ST_M_REVISION    /* is done; ns */
};
struct st_migrate_progress {
    enum st_migrate_event event;
    bool up;
    const st_revision *revision;
    const char *phase; /* its name; NULL for events of a revision */
    size_t at, of;     /* the phase's number, from 0, and how many there are */
    int64_t ns;
    int64_t rows, total, left; /* total -1: unknown */
    double rate;               /* rows a second */
    int64_t remaining_ms;      /* -1: unknown */
    int64_t lag_ms;
    unsigned tries; /* that failed so far */
    const char *note;
};
/* How an upgrade or downgrade runs; all zero is right for most. */
struct st_migrate_options {
    bool unsafe;                  /* PostgreSQL: direct forms in one transaction: short to run on small tables, but they
                                     lock, scan and rewrite while others wait, and a failure starts from the beginning */
    int64_t lock_timeout_ms;      /* how long to stand in the queue for a lock, with others behind; 0: 100 */
    unsigned lock_tries;          /* 0: 100, with pauses that grow to 3 s */
    int64_t statement_timeout_ms; /* 0: an hour */
    const char *direct_url;       /* when the engine's URL leads through a transaction pooler: the way past it, which
                                     changes outside of transactions need; NULL: the engine's own */
    bool no_snapshot;             /* SQLite: no copy of the file is kept until the end, see below */
    int64_t max_lag_ms;           /* backfills wait while a replica is farther behind; 0: 10,000 */
    void (*progress)(void *arg, const struct st_migrate_progress *p);
    void *arg;
};
/* On SQLite the file is copied to FILE.before-<first revision> before anything is changed. The copy goes when all has
 * worked, or when nothing was committed; else the diagnosis names it. */
/* The same with options, which may be NULL. */
st_err st_upgrade_with(st_engine *e, const struct st_migrations *m, const char *target,
                       const struct st_migrate_options *o, int64_t deadline);
st_err st_downgrade_with(st_engine *e, const struct st_migrations *m, const char *target,
                         const struct st_migrate_options *o, int64_t deadline);
/* Ids of the revisions the database is at (applied, and no child of theirs is), sorted, in arena a; the program may not
 * know them. */
st_err st_current(st_engine *e, const struct st_migrations *m, arena *a, const char *const **ret, size_t *ret_n);
/* Whether every revision of the program is applied and no other; false also on errors. The diagnosis says why not. */
bool st_is_at_head(st_engine *e, const struct st_migrations *m);

/* ---- a database as data ---- */
typedef struct st_schema {
    const st_table *tables; /* by name */
    size_t n_tables;
    const st_enum_type *enums; /* PostgreSQL */
    size_t n_enums;
} st_schema;
/* The tables of the schema that plain names go to, but Strata's own, in arena a: types and values in the words of
 * st_table as far as it has any, expressions as the database prints them. Triggers are left out. only: patterns of
 * names, NULL-terminated; NULL: all. */
st_err st_reflect(st_engine *e, arena *a, const char *const *only, int64_t deadline, st_schema *ret);
/* What it would take for the database to say what the models say, a line each ("table notes: add the column rank");
 * none: nothing. Both are read from a database: the models' tables are made in a scratch schema that is rolled back
 * (PostgreSQL) or in memory (SQLite). */
st_err st_compare(st_engine *e, const struct st_migrations *m, arena *a, int64_t deadline, const char *const **ret,
                  size_t *ret_n);

/* The command line, for any program's own models; --help lists its commands. argv[0] is the word before them. Returns
 * the exit code: 0, 1 failed, 2 usage. e may be NULL for what needs no database: help, history, heads, branches, show,
 * lint, and --sql with a --dialect. */
int st_migrate_main(st_engine *e, const struct st_migrations *m, int argc, char **argv, FILE *out, FILE *err);

DECLS_END

#endif
