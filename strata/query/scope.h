/* scope.h: whose rows a statement may touch. The only place where a tenant enters SQL; private to Strata.
 *
 * Every statement is compiled within a scope. For a model with a tenant column the compiler replaces the caller's
 * condition by "tenant = the scope's AND (condition)" before it looks at anything else, and refuses or stamps the rows
 * of an insert; no statement form has a way around. */
#ifndef STRATA_QUERY_SCOPE_H
#define STRATA_QUERY_SCOPE_H

#include "strata/expr.h"
#include "strata/model/mapper.h"

struct st_scope {
    st_uuid tenant;
    bool system; /* with a nil tenant: across tenants */
};

struct st_scoped {        /* keeps the nodes that st_scope_where makes */
    const st_expr *where; /* the result; NULL: all rows */
    st_expr both, is_tenant;
    const st_expr *parts[2];
    st_value tenant;
};

/* Whether statements on m are confined to scope->tenant: 1 or 0. ST_E_TENANT: m has tenants, the scope has none. */
int st_scope_confines(const struct st_scope *scope, const st_mapper *m);
/* named: the name under which conditions know the source, m's model or an alias of it. */
st_err st_scope_where(const struct st_scope *scope, const st_mapper *m, const st_model *named, const st_expr *where,
                      struct st_scoped *ret);
/* Puts the tenant into a row that has none (nil). ST_E_TENANT: the row is of another tenant. */
st_err st_scope_row(const struct st_scope *scope, const st_mapper *m, void *row);
st_err st_scope_rows(const struct st_scope *scope, const st_mapper *m, void *const *rows, size_t n);

#endif
