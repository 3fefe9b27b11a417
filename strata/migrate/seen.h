/* seen.h: a database's tables as it has them, read by reflect_pg.c and reflect_sqlite.c.
 *
 * Everything lies in the arena of the reader. What has no name on SQLite has the one
 * that operations know it by. Expressions are as the database prints them, types and values in the words
 * of st_table: a CHECK that says what a field of a column says has become that field. What st_table has no words for is
 * kept as a statement (others), or makes the whole table strange; neither is ever changed by autogenerate. */
#ifndef STRATA_MIGRATE_SEEN_H
#define STRATA_MIGRATE_SEEN_H

#include "strata/migrate/private.h"

/* CHECKs that become fields of a column. */
enum seen_kind { SEEN_BOOL, SEEN_UUID, SEEN_JSON, SEEN_ARRAY, SEEN_ENUM, SEEN_MAX, SEEN_RANGE, SEEN_KINDS };
extern const char *const seen_suffixes[SEEN_KINDS]; /* "bool_check", ... */

struct seen_column {
    st_table_column c;             /* default_sql in the words of st_table_column */
    const char *default_text;      /* as the database prints it, or NULL */
    const char *names[SEEN_KINDS]; /* of the constraints that became fields */
    bool unnamed[SEEN_KINDS];      /* SQLite: it goes by that name, but has none */
};
struct seen_check {
    st_table_check c;
    const char *column; /* the only one it is about, or NULL */
};
struct seen_trigger {
    const char *name;
    const char *text;     /* all that the database says of it */
    const char *function; /* PostgreSQL: its name, when it is in the schema */
};
struct seen_other {
    const char *what;       /* "index", "constraint" */
    const char *name, *sql; /* sql: NULL when no statement of its own makes it */
};
struct seen_table {
    const char *name, *comment;
    const char *strange; /* why it is left alone, or NULL */
    struct seen_column *columns;
    size_t n_columns, columns_room;
    const char *pk[ST_KEY_MAX];
    const char *pk_name;
    enum st_deferral key_deferrable;
    st_table_index *indexes;
    size_t n_indexes, indexes_room;
    st_table_fk *fks;
    size_t n_fks, fks_room;
    struct seen_check *checks;
    size_t n_checks, checks_room;
    st_table_policy *policies; /* but those of row-level security by tenant */
    size_t n_policies, policies_room;
    struct seen_trigger *triggers;
    size_t n_triggers, triggers_room;
    struct seen_other *others;
    size_t n_others, others_room;
    bool rls; /* row-level security is on, by rls.c's policies when tenant is set */
    const char *tenant;
    bool without_rowid, no_strict;
};
struct seen_schema {
    enum st_dialect dialect;
    struct seen_table *tables; /* sorted by name */
    size_t n_tables, tables_room;
    st_enum_type *enums; /* sorted by name */
    size_t n_enums, enums_room;
};

/* All tables of the schema that unqualified names go to, but Strata's own. A few statements, however many tables. */
st_err seen_read(st_conn *c, arena *a, int64_t deadline, struct seen_schema *ret);
st_err seen_read_pg(st_conn *c, arena *a, int64_t deadline, struct seen_schema *ret);
st_err seen_read_sqlite(st_conn *c, arena *a, int64_t deadline, struct seen_schema *ret);
/* The same for models: their tables are made in a scratch place of the database's kind, read back, and gone. On
 * PostgreSQL c is in a transaction that the caller rolls back. */
st_err seen_of_tables(st_conn *c, arena *a, const st_table *tables, size_t n, const st_enum_type *enums, size_t n_enums,
                      int64_t deadline, struct seen_schema *ret);

struct seen_table *seen_find(const struct seen_schema *s, const char *name);
struct seen_column *seen_column_of(const struct seen_table *t, const char *name);
/* What st_create_table takes: keys in front of their columns' order, a check of one column with the column. */
st_err seen_to_table(arena *a, const struct seen_table *t, st_table *ret);
/* The column with its own check, for st_add_column. */
st_err seen_to_column(arena *a, const struct seen_table *t, const struct seen_column *c, st_table_column *ret);
/* The check that st_table_column.check of the column stands for, or NULL. */
const struct seen_check *seen_own_check(arena *a, const struct seen_table *t, const char *column);

/* ---- seen_fields.c ---- */
/* Turns a condition on the column into a field of it, when it says what a field says. */
st_err seen_take_check(arena *a, enum st_dialect d, struct seen_column *c, const char *condition, const char *name,
                       bool unnamed, bool *ret_taken);
/* c->c.default_sql from c->default_text, once type and values are known. */
st_err seen_take_default(arena *a, enum st_dialect d, struct seen_column *c);

#endif
