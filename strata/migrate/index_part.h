/* index_part.h: what an index says of one of its columns, beside its name: st_table_index.how.
 *
 * Words as people write them and words as a database prints them are read into the same parts, and written in one form
 * and one order, so that what says the same is the same text. */
#ifndef STRATA_MIGRATE_INDEX_PART_H
#define STRATA_MIGRATE_INDEX_PART_H

#include "strata/migrate/private.h"

struct index_part {
    str sqlite, postgresql; /* collations, in double quotes or bare; empty: the column's own */
    str ops;                /* PostgreSQL: the operator class with its parameters */
    bool descends;          /* said by a database only: people write "-name" */
    char nulls;             /* 'f', 'l' or 0 */
};
/* by: who wrote it; 0: people. False: it says something else. Parts point into how. */
bool index_part_read(str how, enum st_dialect by, struct index_part *ret);
/* "collate \"C\" text_pattern_ops nulls last"; perhaps "". NULL when memory is out. */
const char *index_part_write(arena *a, const struct index_part *p);
/* The column or the expression as it stands in CREATE INDEX and UNIQUE; how may be NULL. */
void index_part_ddl(buf *b, enum st_dialect d, const char *column, const char *how);

/* Copies columns and how, taken apart, and include. ST_E_INVALID names table and index. */
st_err index_parts_copy(arena *a, const char *table, const st_table_index *i, st_table_index *ret);
static inline bool index_is_expression(const char *column) /* or a column of st_table_index.columns */
{
    return column[column[0] == '-'] == '(';
}
/* Whether it takes more than its columns being there to make it. */
bool index_has_expression(const st_table_index *i);

#endif
