/* migrate.h: revisions of a schema, in C, compiled into the program that owns the models.
 *
 * A revision file never looks at the models: it states tables and columns as they were then. Operations mean the
 * same on every dialect.
 *
 *     static st_err upgrade(st_ops *o)
 *     {
 *         return st_create_table(o, &(const st_table){.name = "notes",
 *             .columns = ST_COLUMNS({"id", ST_UUID, .pk = true}, {"body", ST_TEXT, .nullable = true, .max = 200}),
 *             .indexes = ST_INDEXES({"notes_body_idx", {"body"}})});
 *     }
 *     const st_revision rev_20261122_first = {.id = "a1b2c3d4e5f6", .message = "first", .upgrade = upgrade, .downgrade = downgrade};
 */
#ifndef STRATA_MIGRATE_H
#define STRATA_MIGRATE_H

#include <stdio.h>

#include "strata/engine.h"
#include "strata/model.h"

enum { ST_KEY_MAX = 8 }; /* columns of a key, index or foreign key */

/* The schema as data: what models turn into, what a database is read as, and what revisions state. */
typedef struct st_table_column {
    const char *name;
    enum st_type type;
    bool pk, nullable, tenant;
    uint32_t max;              /* text: at most so many characters (CHECK on both dialects) */
    bool as_smallint;
    const char *const *values; /* ST_ENUM: names, NULL-terminated (CHECK) */
    const char *default_sql;
    const char *check;
    const char *comment;
    const char *was;
} st_table_column;
typedef struct st_table_index {
    const char *name;
    const char *columns[ST_KEY_MAX]; /* "-name" is descending */
    bool unique;      /* a unique index; a unique constraint when constraint is set */
    bool constraint;
    const char *where, *expression, *method;
} st_table_index;
typedef struct st_table_fk {
    const char *name;
    const char *columns[ST_KEY_MAX];
    const char *table;
    const char *to[ST_KEY_MAX];
    enum st_action on_delete, on_update;
} st_table_fk;
typedef struct st_table_check {
    const char *name, *sql;
} st_table_check;
typedef struct st_table {
    const char *name;
    const char *was;
    const st_table_column *columns; size_t n_columns;
    const st_table_index *indexes;  size_t n_indexes;
    const st_table_fk *fks;         size_t n_fks;
    const st_table_check *checks;   size_t n_checks;
} st_table;

/* The tables of models, parents before children. */
st_err st_tables_of_models(arena *a, const st_model *const *models, size_t n, const st_table **ret, size_t *ret_n);
/* Creates what models describe, as far as it is not there (tests, first programs). */
st_err st_create_all(st_engine *e, const st_model *const *models, size_t n, int64_t deadline);

/* ---- operations, within upgrade and downgrade ---- */
typedef struct st_ops st_ops;
enum st_dialect st_ops_dialect(const st_ops *o);
st_err st_create_table(st_ops *o, const st_table *t);
st_err st_drop_table(st_ops *o, const char *table);
st_err st_add_column(st_ops *o, const char *table, const st_table_column *c);
st_err st_drop_column(st_ops *o, const char *table, const char *column);
st_err st_create_index(st_ops *o, const char *table, const st_table_index *i);
st_err st_drop_index(st_ops *o, const char *table, const char *index);
st_err st_sql(st_ops *o, enum st_dialect only, const char *sql); /* only 0: both */

/* ---- revisions ---- */
enum { ST_PARENTS_MAX = 4 };
typedef struct st_revision {
    const char *id;                      /* 12 hex digits, or any word */
    const char *parents[ST_PARENTS_MAX]; /* none: the base */
    const char *message;
    const char *label;
    st_err (*upgrade)(st_ops *o);
    st_err (*downgrade)(st_ops *o);
} st_revision;
struct st_migrations {
    const st_revision *const *revisions; /* in any order, NULL-terminated */
    const st_model *const *models;       /* NULL-terminated; what head must equal */
    const char *program;                 /* "waymark migrate", for messages */
};
/* target: "head", "heads", "base", an id or its unambiguous prefix, "+N", "-N". Runs each revision in its own transaction together
 * with the version table strata_revisions. */
st_err st_upgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline);
st_err st_downgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline);
/* Ids of the revisions the database is at, in arena a. */
st_err st_current(st_engine *e, const struct st_migrations *m, arena *a, const char *const **ret, size_t *ret_n);
bool st_is_at_head(st_engine *e, const struct st_migrations *m); /* false also on errors, then with a diagnosis */

/* The command line: upgrade [TARGET], downgrade TARGET, current, history, heads, check ... for any program's own
 * models. argv[0] is the word before them. Returns the exit code: 0, 1 failed, 2 usage. */
int st_migrate_main(st_engine *e, const struct st_migrations *m, int argc, char **argv, FILE *out, FILE *err);

#endif
