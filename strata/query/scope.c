#include "strata/query/scope.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The tests build this file once without the tenant, to see that they would notice (session_proof.c). */
#ifdef ST_MUTATE_NO_TENANT
enum { WALL = false };
#else
enum { WALL = true };
#endif

int st_scope_confines(const struct st_scope *scope, const st_mapper *m)
{
    if (!m->tenant) {
        return 0;
    }
    if (!uuid_is_nil(scope->tenant)) {
        return 1;
    }
    if (scope->system) {
        return 0;
    }
    st_err rc = diag_set(ST_E_TENANT, "%s belongs to tenants, and the session was opened for none", m->model->name);
    diag_hint("open the session with .tenant, or across tenants with .system and the reason for it");
    return rc;
}

st_err st_scope_where(const struct st_scope *scope, const st_mapper *m, const st_model *named, const st_expr *where,
                      struct st_scoped *ret)
{
    int confines = st_scope_confines(scope, m);
    if (confines <= 0) {
        ret->where = where;
        return confines;
    }
    ret->tenant = st_v_uuid(scope->tenant);
    ret->is_tenant =
        (st_expr){.op = ST_OP_EQ, .model = named, .offset = m->tenant->offset, .n = 1, .values = &ret->tenant};
    ret->parts[0] = &ret->is_tenant;
    ret->parts[1] = where;
    ret->both = (st_expr){.op = ST_OP_AND, .n = 2, .args = ret->parts};
    ret->where = WALL ? &ret->both : where;
    return 0;
}

static st_err take_in(const struct st_scope *scope, const st_mapper *m, bool confined, void *row)
{
    char *at = (char *)row + m->tenant->offset;
    st_uuid has;
    memcpy(&has, at, sizeof has);
    if (!confined) { /* across tenants: each row says whose it is */
        return uuid_is_nil(has)
                   ? diag_set(ST_E_TENANT, "a %s without a tenant; set its %s", m->model->name, m->tenant->name)
                   : 0;
    }
    if (uuid_is_nil(has)) {
        memcpy(at, &scope->tenant, sizeof scope->tenant);
        return 0;
    }
    if (!WALL || uuid_eq(has, scope->tenant)) {
        return 0;
    }
    st_err rc = diag_set(ST_E_TENANT, "a %s of another tenant in this tenant's session", m->model->name);
    (void)snprintf(diag_last()->table, sizeof diag_last()->table, "%s", m->model->table);
    return rc;
}

st_err st_scope_rows(const struct st_scope *scope, const st_mapper *m, void *const *rows, size_t n)
{
    int confined = st_scope_confines(scope, m);
    if (confined < 0 || !m->tenant) {
        return confined;
    }
    st_err rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        rc = take_in(scope, m, confined, rows[i]);
    }
    return rc;
}

st_err st_scope_row(const struct st_scope *scope, const st_mapper *m, void *row)
{
    return st_scope_rows(scope, m, &row, 1);
}
