/* rebuild.h: a table of SQLite while its text is edited; private to rebuild*.c.
 *
 * Edits are made on the text, which is read again after each, so that every edit sees what the one before it left. */
#ifndef STRATA_MIGRATE_REBUILD_H
#define STRATA_MIGRATE_REBUILD_H

#include "strata/migrate/private.h"
#include "strata/migrate/sqlite_table.h"

struct rebuild_object { /* an index or trigger, or a view */
    const char *kind, *name, *sql, *table;
    bool gone, made; /* made: by this step */
};
struct rebuild_value { /* where a column's values come from when not from the column itself */
    const char *column;
    const char *expr; /* NULL: it is new, and gets its default */
    bool added;       /* it is new, and expr the default it came with, which may go again in the same step */
};
struct rebuild {
    arena *a;
    const char *table;        /* as sqlite_schema has it */
    const char *before;       /* its text at first */
    struct lite_table old, t; /* at first and now */
    struct rebuild_value *values;
    size_t n_values, values_room;
    struct rebuild_object *objects; /* indexes with a text and triggers of the table, in the order of their making */
    size_t n_objects, objects_room;
};

/* One operation's edits. */
st_err rebuild_apply(struct rebuild *r, const struct migrate_op *op);

/* rebuild_text.c: the text with what is at [from, from + len) replaced, read again. */
st_err rebuild_splice(struct rebuild *r, size_t from, size_t len, const char *with);
size_t rebuild_at(const struct rebuild *r, str part);  /* where it begins */
size_t rebuild_end(const struct rebuild *r, str part); /* and ends */
/* Takes out a column or a constraint behind the columns, with its comma. */
st_err rebuild_remove_part(struct rebuild *r, str part);
/* Takes out a constraint of a column, with the space before it. */
st_err rebuild_remove_inline(struct rebuild *r, str constraint);
st_err rebuild_append(struct rebuild *r, const char *constraint);   /* behind everything else */
st_err rebuild_loosen(struct rebuild *r, const st_table_column *c); /* STRICT goes when it does not know c's type */

/* rebuild_column.c */
st_err rebuild_no_column(const struct rebuild *r, const char *name); /* the error */
/* Where the values of a column come from; one that is new stays so. */
st_err rebuild_note_value(struct rebuild *r, const char *column, const char *expr);
st_err rebuild_add_column(struct rebuild *r, const st_table_column *c);
st_err rebuild_drop_column(struct rebuild *r, const char *name);
/* rebuild_alter.c */
st_err rebuild_alter_column(struct rebuild *r, const st_table_column *was, const st_table_column *is,
                            const char *convert);
/* What of the table would keep ALTER TABLE DROP COLUMN from it. */
bool rebuild_column_is_bound(const struct rebuild *r, const char *name);
/* rebuild_key.c */
st_err rebuild_change_key(struct rebuild *r, const char *const *columns);
st_err rebuild_defer(struct rebuild *r, const char *fk, enum st_deferral is);
st_err rebuild_drop_constraint(struct rebuild *r, enum st_constraint kind, const char *name);
st_err rebuild_rename_constraint(struct rebuild *r, enum st_constraint kind, const char *name, const char *to);

/* rebuild_check.c: what else speaks of a table that loses a column; views and triggers that compile before must compile
 * after. */
st_err rebuild_list_others(st_conn *c, struct rebuild *all, const char *table, int64_t deadline);
st_err rebuild_check_others(st_conn *c, struct rebuild *all, bool before, int64_t deadline);
extern const struct st_shape rebuild_object_shape; /* type, name, sql, tbl_name */

/* What the statements write into b, as text in the arena; NULL when memory is out. */
#define REBUILD_SPELL(r, ret, ...)        \
    do {                                  \
        buf b BUF_AUTO;                   \
        buf_init(&b, ST_DDL_MAX);         \
        __VA_ARGS__;                      \
        (ret) = migrate_text((r)->a, &b); \
    } while (0)

/* rebuild_copy.c: the statements that turn the table into what its text says now. */
st_err rebuild_statements(struct rebuild *r, bool has_stat, const char *const **ret, size_t *ret_n);

#endif
