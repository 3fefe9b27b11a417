/* where.h: conditions and orders as SQL; private to the query layer. */
#ifndef STRATA_QUERY_WHERE_H
#define STRATA_QUERY_WHERE_H

#include "strata/expr.h"
#include "strata/query/text.h"

/* " WHERE ..." of a condition that the scope has seen; nothing for NULL. */
void st_put_where(struct st_pen *p, const st_expr *where);
/* " ORDER BY ..."; tie_break adds the primary key's columns that are not there yet (the tenant's not when all rows have
 * the same one). */
void st_put_order(struct st_pen *p, const struct st_order *order, bool tie_break, bool skip_tenant);
/* The same of p's first source, begun with *between, which then is what stands in front of a further one. */
void st_put_order_behind(struct st_pen *p, const char **between, const struct st_order *order, bool tie_break,
                         bool skip_tenant);

/* A condition; depth counts the nesting around it. */
void st_put_expr(struct st_pen *p, const st_expr *e, unsigned depth);

#endif
