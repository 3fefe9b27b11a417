/* operand.h: the left side of a condition: a column or a term; private to the query layer. */
#ifndef STRATA_QUERY_OPERAND_H
#define STRATA_QUERY_OPERAND_H

#include "strata/query/source.h"

struct st_operand {
    struct st_column_ref column; /* attr NULL: the operand is term */
    const st_term *term;
    const st_attr *attr; /* whose values it has, or NULL */
};

/* False after an error. */
bool st_operand_of(struct st_pen *p, const st_expr *e, struct st_operand *ret);
void st_put_operand(struct st_pen *p, const struct st_operand *o);
/* v as a parameter, made to fit the operand. */
void st_put_against(struct st_pen *p, const struct st_operand *o, st_value v);
/* For messages: "Book" and "title". */
const char *st_operand_model(const struct st_pen *p, const struct st_operand *o);
const char *st_operand_name(const struct st_operand *o);

#endif
