/* parallel.h: a column and the one beside it, for parallel*.c. */
#ifndef STRATA_MIGRATE_PARALLEL_H
#define STRATA_MIGRATE_PARALLEL_H

#include "strata/migrate/private.h"

/* One state of the pair: what the columns are called, and what happens with values that do not convert. */
struct pair {
    st_ops *o;
    const st_parallel *p;
    enum st_dialect d;
    const char *from, *to; /* old and new column */
    const char *otherwise;
};

/* Expressions over a row ("NEW.", or "" within an UPDATE): the old value as the new one, with what is said for values
 * that do not convert (fallback instead of it, when not NULL); the new value as the old one. */
void pair_forward(const struct pair *x, buf *b, const char *row);
void pair_forward_or(const struct pair *x, buf *b, const char *row, const char *fallback);
void pair_backward(const struct pair *x, buf *b, const char *row);
bool pair_converts(const struct pair *x); /* at all */
/* A condition of a row within an UPDATE: its old value converts. */
void pair_has_value(const struct pair *x, buf *b);
bool pair_writes_back(const struct pair *x);
/* parallel_column.c: whether the new column has an index of its own; makes or drops it, over the column as it is
 * called; adds the new column, c, its index when it has one, and the triggers. */
bool pair_indexed(const st_parallel *p);
st_err pair_index(st_ops *o, const st_parallel *p, const char *column, bool make);
st_err pair_add_column(const struct pair *x, const st_table_column *c);
/* Makes or drops the triggers that keep the pair in step. */
st_err pair_in_step(const struct pair *x, bool make);
/* What fn writes, in the arena of the operations; NULL after a failure, which is kept there. */
const char *pair_spell(const struct pair *x, void (*fn)(const struct pair *x, buf *b));

/* A text that stands in a key which a program left out, on SQLite, until the trigger has filled it. */
#define PAIR_PLACEHOLDER "('strata:' || hex(randomblob(16)))"

#endif
