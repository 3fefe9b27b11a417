/* compare.h: from one schema to another, as operations.
 *
 * Both sides are read from a database of one kind (seen.h), so what they say is compared as it prints it; what
 * operations state is taken from how each side states its tables, so that a revision reads as a person would write it.
 * One side is the program's models: theirs are the words where both sides mean the same. */
#ifndef STRATA_MIGRATE_COMPARE_H
#define STRATA_MIGRATE_COMPARE_H

#include "strata/migrate/seen.h"
#include "strata/migrate/sql_text.h"

struct compare_side {
    bool models;
    const struct seen_schema *seen;
    const st_table *tables; /* as stated: one for each of seen->tables, in their order */
    const bool *skip;       /* by table: left alone; NULL: none */
    const st_enum_type *enums;
    size_t n_enums;
};
/* A table on both sides. Columns that have another name there are in renames, from its name here. */
struct compare_pair {
    const struct seen_table *from, *to;
    const st_table *from_stated, *to_stated;
    const struct sql_rename *renames;
    size_t n_renames;
    /* The rest is compare_run's. By from's column: its storage changes, so that what depends on it is made anew. */
    const bool *moved;
    /* By from's index, ...: to's that it stays, or COMPARE_GONE. */
    const size_t *indexes, *fks, *checks, *policies;
};
#define COMPARE_GONE SIZE_MAX
struct compare {
    arena *a;
    struct compare_side from, to;
    const struct compare_pair *pairs; /* in the order of to's tables */
    size_t n_pairs;
    st_ops *out;
};

/* match.c: which table, and which column, of the database is which of the models: by name, or by .was when there is
 * none of that name, or when former names go round in a ring that no revision has turned yet. */
struct history;
st_err compare_match(arena *a, const struct compare_side *db, const struct compare_side *models,
                     const struct history *h, struct compare *ret);
/* The same pairs the other way. */
st_err compare_turn(arena *a, const struct compare *c, st_ops *out, struct compare *ret);
const struct compare_pair *compare_pair_from(const struct compare *c, const char *table);
const struct compare_pair *compare_pair_to(const struct compare *c, const char *table);
const char *compare_now(const struct compare_pair *p, const char *column); /* from's column by its name in to */
const struct seen_column *compare_column_to(const struct compare_pair *p, const char *column);   /* of from's column */
const struct seen_column *compare_column_from(const struct compare_pair *p, const char *column); /* of to's column */

/* Whether the name is that of a column of from which goes while another takes its name: what is said of it is not said
 * of that one; whether a text is about such a column. */
bool compare_is_shadowed(const struct compare_pair *p, const char *column);
bool compare_text_is_shadowed(const struct compare_pair *p, const char *sql);

/* The name under which a column or table of from goes that to has not; NULL when memory is out. */
const char *compare_gone_column(const struct compare *c, const struct compare_pair *p, const char *column);
const char *compare_gone_table(const struct compare *c, const char *table);

/* same.c: equality of what a pair has, with from's names read as to's; -ENOMEM sticks in *err. An index and a foreign
 * key may differ in when they are checked: that changes while they stay. */
bool same_index(const struct compare *c, const struct compare_pair *p, const st_table_index *x, const st_table_index *y,
                st_err *err);
bool same_fk(const struct compare *c, const struct compare_pair *p, const st_table_fk *x, const st_table_fk *y);
bool same_check(const struct compare *c, const struct compare_pair *p, const st_table_check *x, const st_table_check *y,
                st_err *err);
bool same_policy(const struct compare *c, const struct compare_pair *p, const st_table_policy *x,
                 const st_table_policy *y, st_err *err);
bool same_text(const struct compare *c, const struct compare_pair *p, const char *x, const char *y, st_err *err);
bool same_word(const char *x, const char *y); /* NULL equals NULL alone */
bool same_key(const struct compare_pair *p);  /* the columns of the primary keys */
/* Whether the name of the key, which both have, is the derived one on both sides; another stays as it is. */
bool same_key_is_ours(arena *a, const struct compare_pair *p, st_err *err);
enum same_part {
    SAME_TYPE = 1,
    SAME_MAX = 2,
    SAME_RANGE = 4,
    SAME_NULL = 8,
    SAME_DEFAULT = 16,
    SAME_COMMENT = 32,
    SAME_GENERATED = 64,
    SAME_IDENTITY = 128
};
/* What of a column differs, or'ed. */
unsigned column_differs(const struct compare *c, const struct compare_pair *p, const struct seen_column *x,
                        const struct seen_column *y, st_err *err);

/* Whether what depends on the column has to be made anew: another type, or it is computed otherwise. */
bool column_moves(const struct compare *c, const struct compare_pair *p, const struct seen_column *x,
                  const struct seen_column *y, st_err *err);

/* pair_parts.c: fills in moved, indexes, fks, checks and policies of all pairs. */
st_err compare_parts(struct compare *c, struct compare_pair *pairs);

/* rename.c: names that change, put into an order in which each is free when it is taken. */
enum rename_kind { RENAME_TABLE, RENAME_COLUMN, RENAME_INDEX, RENAME_CONSTRAINT };
struct rename_item {
    enum rename_kind kind;
    enum st_constraint constraint;
    const char *table; /* as it is called by then; NULL of a table */
    const char *scope; /* within which names differ; NULL: the schema */
    const char *from, *to;
};
struct rename_list {
    struct rename_item *items;
    size_t n, room;
};
st_err rename_add(arena *a, struct rename_list *l, struct rename_item item);
st_err rename_all(arena *a, struct rename_list *l, st_ops *out);

/* diff_enum.c */
st_err diff_enums_before(struct compare *c);
st_err diff_enums_after(struct compare *c);
/* Whether a column of x became one of y when the type was made anew; type and default are y's by then. */
bool diff_enum_anew(const st_table_column *x, const st_table_column *y);
/* Whether from's column is changed or dropped before a type is made anew that it has and will not have. */
bool diff_enum_leaves(const struct compare *c, const struct compare_pair *p, const struct seen_column *was);
/* diff_column.c: the columns and the primary key of a pair. */
st_err diff_columns(struct compare *c, const struct compare_pair *p);
st_err diff_column(struct compare *c, const struct compare_pair *p, const struct seen_column *was); /* or drops it */
/* diff_parts.c: constraints, indexes, policies and triggers of a pair; foreign keys of all tables by themselves. */
st_err diff_drop_keys(struct compare *c, const struct compare_pair *p);
st_err diff_drop_parts(struct compare *c, const struct compare_pair *p);
st_err diff_add_parts(struct compare *c, const struct compare_pair *p);
st_err diff_add_keys(struct compare *c, const struct compare_pair *p);
/* diff_deferral.c: when constraints that stay are checked: the keys of a pair, and its foreign keys. */
st_err diff_defer_keys(struct compare *c, const struct compare_pair *p);
st_err diff_defer_fks(struct compare *c, const struct compare_pair *p);
/* diff_trigger.c: those of a pair; and whether a new trigger's place is free. of: the table in from, or NULL. */
st_err diff_drop_triggers(struct compare *c, const struct compare_pair *p);
st_err diff_add_triggers(struct compare *c, const struct compare_pair *p);
st_err diff_make_way(struct compare *c, const struct seen_table *of, const char *table, const st_table_trigger *g);
/* diff_names.c: constraints and indexes that stay get their new names; once before columns change (operations on
 * columns go by derived names), once after. */
st_err diff_names(struct compare *c, const struct compare_pair *p, bool after, struct rename_list *l);

/* diff.c: records all that turns from into to. */
st_err compare_run(struct compare *c);

#endif
