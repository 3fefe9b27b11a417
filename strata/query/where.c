#include "strata/query/where.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "strata/model/value.h"
#include "strata/query/like.h"

static void fail(struct st_pen *p, st_err rc)
{
    p->err = p->err ? p->err : rc;
}

/* The column that e compares, or NULL after an error. */
static const st_attr *column_of(struct st_pen *p, const st_model *model, uint32_t offset)
{
    if (model != p->m->model) {
        fail(p, diag_set(ST_E_INVALID, "a query on %s names a column of %s", p->m->model->name, model->name));
        return NULL;
    }
    uint32_t i = st_mapper_column_at(p->m, offset);
    if (i == UINT32_MAX) {
        fail(p, diag_set(ST_E_INVALID, "a query on %s names a member that is no column", model->name));
        return NULL;
    }
    return p->m->columns[i].attr;
}

static void put_value(struct st_pen *p, const st_attr *a, st_value v)
{
    if (!st_value_adapt(a, &v)) {
        fail(p,
             diag_set(ST_E_INVALID, "%s.%s is compared with a value that it cannot hold", p->m->model->name, a->name));
        return;
    }
    st_put_param(p, &v);
}

static void put_comparison(struct st_pen *p, const st_expr *e, const st_attr *a)
{
    static const char *const signs[] = {[ST_OP_EQ] = " = ",  [ST_OP_NE] = " <> ", [ST_OP_LT] = " < ",
                                        [ST_OP_LE] = " <= ", [ST_OP_GT] = " > ",  [ST_OP_GE] = " >= "};
    bool null = e->values[0].null;
    if (null && e->op != ST_OP_EQ && e->op != ST_OP_NE) {
        fail(p, diag_set(ST_E_INVALID, "%s.%s is ordered against null", p->m->model->name, a->name));
        return;
    }
    if (e->op > ST_OP_NE && st_attr_type(a) == ST_ENUM && !a->as_smallint) {
        fail(p,
             diag_set(ST_E_INVALID, "%s.%s is stored by name: its values have no order", p->m->model->name, a->name));
        return;
    }
    st_shape_byte(p, null);
    st_put_column(p, a);
    if (null) {
        st_put(p, e->op == ST_OP_EQ ? " IS NULL" : " IS NOT NULL");
        return;
    }
    st_put(p, signs[e->op]);
    put_value(p, a, e->values[0]);
}

/* PostgreSQL's LIKE minds case and its ILIKE does not; SQLite's LIKE does not, and its GLOB does. */
static void put_like(struct st_pen *p, const st_expr *e, const st_attr *a)
{
    st_value v = e->values[0];
    bool fold = e->op == ST_OP_ILIKE;
    if (v.null || st_attr_type(a) != ST_TEXT) {
        fail(p, diag_set(ST_E_INVALID, "%s.%s needs text and a pattern for LIKE", p->m->model->name, a->name));
        return;
    }
    str pattern = {v.text.p, v.text.len};
    st_err rc = st_like_check(pattern);
    if (!rc && !st_is_pg(p) && !fold) {
        rc = st_like_to_glob(p->scratch, pattern, &pattern);
    }
    if (rc) {
        fail(p, rc);
        return;
    }
    v.text.p = pattern.p;
    v.text.len = pattern.len;
    st_put_column(p, a);
    st_put(p, st_is_pg(p) ? (fold ? " ILIKE " : " LIKE ") : fold ? " LIKE " : " GLOB ");
    st_put_param(p, &v);
    st_put(p, !st_is_pg(p) && fold ? " ESCAPE '\\'" : "");
}

static bool has_null_text(const st_expr *e)
{
    const char *const *v = e->list;
    for (uint32_t i = 0; i < e->n; i++) {
        if (!v[i]) {
            return true;
        }
    }
    return false;
}

/* = ANY of one array parameter: one shape whatever the length. False when the type has no such parameter. */
static bool put_any(struct st_pen *p, const st_expr *e, const st_attr *a)
{
    st_value v;
    enum st_type type = st_attr_type(a);
    if (type == ST_UUID) {
        v = st_v_uuids((st_uuids){e->list, e->n});
    } else if (type == ST_TEXT) {
        v = st_v_texts((st_texts){e->list, e->n});
    } else {
        return false;
    }
    st_put(p, " = ANY(");
    st_put_param(p, &v);
    st_put(p, ")");
    return true;
}

/* The list is filled up to a power of two with its last item, so that lengths share few shapes. */
static void put_list(struct st_pen *p, const st_expr *e, const st_attr *a)
{
    uint32_t padded = 1;
    while (padded < e->n) {
        padded *= 2;
    }
    st_shape_u32(p, padded);
    st_reserve_params(p, padded);
    st_put(p, " IN (");
    for (uint32_t i = 0; i < padded && !p->err; i++) {
        st_put(p, i ? ", " : "");
        put_value(p, a, st_value_item(a, e->list, i < e->n ? i : e->n - 1));
    }
    st_put(p, ")");
}

static void put_in(struct st_pen *p, const st_expr *e, const st_attr *a)
{
    st_shape_byte(p, e->n != 0);
    if (e->n == 0) {
        st_put(p, "1 = 0");
        return;
    }
    if (e->n > ST_IN_MAX) {
        fail(p, diag_set(ST_E_INVALID, "%s.%s is compared with a list of %u; at most %d are allowed: ask in parts",
                         p->m->model->name, a->name, e->n, ST_IN_MAX));
        return;
    }
    if (st_attr_type(a) == ST_TEXT && has_null_text(e)) {
        fail(p, diag_set(ST_E_INVALID, "%s.%s is compared with a list that holds null", p->m->model->name, a->name));
        return;
    }
    st_put_column(p, a);
    if (!st_is_pg(p) || !put_any(p, e, a)) {
        put_list(p, e, a);
    }
}

static void put_leaf(struct st_pen *p, const st_expr *e)
{
    const st_attr *a = column_of(p, e->model, e->offset);
    if (!a) {
        return;
    }
    st_shape_u32(p, e->offset);
    switch (e->op) {
    case ST_OP_EQ:
    case ST_OP_NE:
    case ST_OP_LT:
    case ST_OP_LE:
    case ST_OP_GT:
    case ST_OP_GE:
        put_comparison(p, e, a);
        break;
    case ST_OP_LIKE:
    case ST_OP_ILIKE:
        put_like(p, e, a);
        break;
    case ST_OP_IN:
        put_in(p, e, a);
        break;
    case ST_OP_BETWEEN:
        if (e->values[0].null || e->values[1].null) {
            fail(p, diag_set(ST_E_INVALID, "%s.%s is ordered against null", p->m->model->name, a->name));
            break;
        }
        st_put_column(p, a);
        st_put(p, " BETWEEN ");
        put_value(p, a, e->values[0]);
        st_put(p, " AND ");
        put_value(p, a, e->values[1]);
        break;
    case ST_OP_IS_NULL:
    case ST_OP_NOT_NULL:
        st_put_column(p, a);
        st_put(p, e->op == ST_OP_IS_NULL ? " IS NULL" : " IS NOT NULL");
        break;
    case ST_OP_AND:
    case ST_OP_OR:
    case ST_OP_NOT:
        assert(0);
    }
}

static void put_expr(struct st_pen *p, const st_expr *e, unsigned depth);

static void put_joined(struct st_pen *p, const st_expr *e, unsigned depth)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        n += e->args[i] != NULL;
    }
    st_shape_u32(p, n);
    if (n == 0) {
        st_put(p, e->op == ST_OP_AND ? "1 = 1" : "1 = 0");
        return;
    }
    st_put(p, n > 1 ? "(" : "");
    const char *between = "";
    for (uint32_t i = 0; i < e->n && !p->err; i++) {
        if (e->args[i]) {
            st_put(p, between);
            put_expr(p, e->args[i], depth + 1);
            between = e->op == ST_OP_AND ? " AND " : " OR ";
        }
    }
    st_put(p, n > 1 ? ")" : "");
}

static void put_expr(struct st_pen *p, const st_expr *e, unsigned depth)
{
    if (depth > ST_EXPR_DEPTH_MAX) {
        fail(p, diag_set(ST_E_INVALID, "a condition on %s nests deeper than %d", p->m->model->name, ST_EXPR_DEPTH_MAX));
        return;
    }
    if (++p->nodes > ST_EXPR_NODES_MAX) {
        fail(p, diag_set(ST_E_INVALID, "a condition on %s has over %d parts", p->m->model->name, ST_EXPR_NODES_MAX));
        return;
    }
    st_shape_byte(p, (unsigned char)e->op);
    if (e->op == ST_OP_NOT) {
        if (e->n != 1 || !e->args[0]) {
            fail(p, diag_set(ST_E_INVALID, "ST_NOT needs one condition"));
            return;
        }
        st_put(p, "NOT (");
        put_expr(p, e->args[0], depth + 1);
        st_put(p, ")");
    } else if (e->op == ST_OP_AND || e->op == ST_OP_OR) {
        put_joined(p, e, depth);
    } else {
        put_leaf(p, e);
    }
}

void st_put_where(struct st_pen *p, const st_expr *where)
{
    st_shape_byte(p, where != NULL);
    if (where && !p->err) {
        st_put(p, " WHERE ");
        put_expr(p, where, 0);
    }
}

void st_put_order(struct st_pen *p, const struct st_order *order, bool tie_break, bool skip_tenant)
{
    const char *between = " ORDER BY ";
    const struct st_order *o = order;
    for (; o && o->model && !p->err; o++) {
        const st_attr *a = column_of(p, o->model, o->offset);
        if (!a) {
            return;
        }
        st_shape_byte(p, o->descending ? 2 : 1);
        st_shape_u32(p, o->offset);
        st_put(p, between);
        st_put_column(p, a);
        st_put(p, o->descending ? " DESC" : "");
        if (!st_is_pg(p) && st_attr_nullable(a)) { /* SQLite puts null first when rising */
            st_put(p, o->descending ? " NULLS FIRST" : " NULLS LAST");
        }
        between = ", ";
    }
    st_shape_byte(p, (unsigned char)(!tie_break ? 0 : skip_tenant ? 3 : 4));
    for (uint32_t i = 0; tie_break && i < p->m->n_key; i++) {
        const st_attr *a = p->m->columns[p->m->key[i]].attr;
        bool given = a->tenant && skip_tenant;
        for (o = order; o && o->model; o++) {
            given |= o->offset == a->offset;
        }
        if (!given) {
            st_put(p, between);
            st_put_column(p, a);
            between = ", ";
        }
    }
}
