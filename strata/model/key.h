/* key.h: what a constraint or an index of a model says of one column; private to Strata. */
#ifndef STRATA_MODEL_KEY_H
#define STRATA_MODEL_KEY_H

#include "strata/model.h"

/* "name", "-name", "name nulls last", "(lower(name)) text_pattern_ops"; everything points into it. */
struct st_key_part {
    const st_attr *attr; /* a column with a member or without; NULL of an expression */
    bool descends;
    const char *expression; /* from its bracket, up to how; NULL of a column */
    const char *how;        /* behind the name or expression, perhaps empty */
};
/* False: there is no such column. A column's name may hold blanks: the longest one counts. */
bool st_key_part_read(const st_model *m, const char *entry, struct st_key_part *ret);
/* The length of what stands in the bracket that begins s, with both; 0 when it does not close. */
size_t st_key_brackets(const char *s);

#endif
