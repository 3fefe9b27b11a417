#include "strata/query/where.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "strata/model/value.h"
#include "strata/query/like.h"
#include "strata/query/operand.h"

static void put_comparison(struct st_pen *p, const st_expr *e, const struct st_operand *o)
{
    static const char *const signs[] = {[ST_OP_EQ] = " = ",  [ST_OP_NE] = " <> ", [ST_OP_LT] = " < ",
                                        [ST_OP_LE] = " <= ", [ST_OP_GT] = " > ",  [ST_OP_GE] = " >= "};
    st_shape_byte(p, e->right != NULL);
    if (e->right) {
        st_put_operand(p, o);
        st_put(p, signs[e->op]);
        st_put_term(p, e->right, 0);
        return;
    }
    bool null = e->values[0].null;
    if (null && e->op != ST_OP_EQ && e->op != ST_OP_NE) {
        st_fail(p, diag_set(ST_E_INVALID, "%s.%s is ordered against null", st_operand_model(p, o), st_operand_name(o)));
        return;
    }
    if (e->op > ST_OP_NE && o->attr && st_attr_type(o->attr) == ST_ENUM && !o->attr->as_smallint) {
        st_fail(p, diag_set(ST_E_INVALID, "%s.%s is stored by name: its values have no order", st_operand_model(p, o),
                            st_operand_name(o)));
        return;
    }
    st_shape_byte(p, null);
    st_put_operand(p, o);
    if (null) {
        st_put(p, e->op == ST_OP_EQ ? " IS NULL" : " IS NOT NULL");
        return;
    }
    st_put(p, signs[e->op]);
    st_put_against(p, o, e->values[0]);
}

/* PostgreSQL's LIKE minds case and its ILIKE does not; SQLite's LIKE does not, and its GLOB does. */
static void put_like(struct st_pen *p, const st_expr *e, const struct st_operand *o)
{
    st_value v = e->values[0];
    bool fold = e->op == ST_OP_ILIKE;
    if (v.null || (!o->term && st_attr_type(o->attr) != ST_TEXT)) {
        st_fail(p, diag_set(ST_E_INVALID, "%s.%s needs text and a pattern for LIKE", st_operand_model(p, o),
                            st_operand_name(o)));
        return;
    }
    str pattern = {v.text.p, v.text.len};
    st_err rc = st_like_check(pattern);
    if (!rc && !st_is_pg(p) && !fold) {
        rc = st_like_to_glob(p->scratch, pattern, &pattern);
    }
    if (rc) {
        st_fail(p, rc);
        return;
    }
    v.text.p = pattern.p;
    v.text.len = pattern.len;
    st_put_operand(p, o);
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
static bool put_any(struct st_pen *p, const st_expr *e, const struct st_operand *o)
{
    st_value v;
    enum st_type type = st_attr_type(o->attr);
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
static void put_list(struct st_pen *p, const st_expr *e, const struct st_operand *o)
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
        st_put_against(p, o, st_value_item(o->attr, e->list, i < e->n ? i : e->n - 1));
    }
    st_put(p, ")");
}

static void put_in(struct st_pen *p, const st_expr *e, const struct st_operand *o)
{
    st_shape_byte(p, e->n != 0);
    if (e->n == 0) {
        st_put(p, "1 = 0");
        return;
    }
    enum st_type type = st_attr_type(o->attr);
    bool may_be_long = p->long_lists && st_is_pg(p) && (type == ST_UUID || type == ST_TEXT);
    uint32_t max = may_be_long ? LONG_LIST_MAX : ST_IN_MAX;
    if (e->n > max) {
        st_fail(p, diag_set(ST_E_INVALID, "%s.%s is compared with a list of %u; at most %u are allowed: ask in parts",
                            st_operand_model(p, o), st_operand_name(o), e->n, max));
        return;
    }
    if (type == ST_TEXT && has_null_text(e)) {
        st_fail(p, diag_set(ST_E_INVALID, "%s.%s is compared with a list that holds null", st_operand_model(p, o),
                            st_operand_name(o)));
        return;
    }
    st_put_operand(p, o);
    if (!st_is_pg(p) || !put_any(p, e, o)) {
        put_list(p, e, o);
    }
}

static void put_query(struct st_pen *p, const st_expr *e)
{
    struct st_reading r = {.q = e->query, .what = e->op == ST_OP_EXISTS ? ST_READ_ONE : ST_READ_TERM, .term = e->right};
    if (e->op == ST_OP_EXISTS) {
        st_put(p, "EXISTS (");
    } else {
        st_put_term(p, e->left, 0);
        st_put(p, " IN (");
    }
    st_walk_read(p, &r);
    st_put(p, ")");
}

/* (a, b) > ($1, $2): rows behind a place in an order. */
static void put_after(struct st_pen *p, const st_expr *e)
{
    st_shape_u32(p, e->n);
    st_shape_byte(p, e->order[0].descending);
    for (uint32_t i = 0; i < e->n; i++) {
        struct st_column_ref c;
        assert(e->order[i].descending == e->order[0].descending);
        if (!st_find_column(p, e->order[i].model, e->order[i].offset, &c)) {
            return;
        }
        st_put(p, i ? ", " : "(");
        st_put_ref(p, c);
    }
    st_put(p, e->order[0].descending ? ") < " : ") > ");
    for (uint32_t i = 0; i < e->n; i++) {
        st_put(p, i ? ", " : "(");
        st_put_param(p, &e->values[i]);
    }
    st_put(p, ")");
}

static void put_leaf(struct st_pen *p, const st_expr *e)
{
    struct st_operand operand, *o = &operand;
    if (!st_operand_of(p, e, o)) {
        return;
    }
    switch (e->op) {
    case ST_OP_EQ:
    case ST_OP_NE:
    case ST_OP_LT:
    case ST_OP_LE:
    case ST_OP_GT:
    case ST_OP_GE:
        put_comparison(p, e, o);
        break;
    case ST_OP_LIKE:
    case ST_OP_ILIKE:
        put_like(p, e, o);
        break;
    case ST_OP_IN:
        put_in(p, e, o);
        break;
    case ST_OP_BETWEEN:
        if (e->values[0].null || e->values[1].null) {
            st_fail(
                p, diag_set(ST_E_INVALID, "%s.%s is ordered against null", st_operand_model(p, o), st_operand_name(o)));
            break;
        }
        st_put_operand(p, o);
        st_put(p, " BETWEEN ");
        st_put_against(p, o, e->values[0]);
        st_put(p, " AND ");
        st_put_against(p, o, e->values[1]);
        break;
    case ST_OP_IS_NULL:
    case ST_OP_NOT_NULL:
        st_put_operand(p, o);
        st_put(p, e->op == ST_OP_IS_NULL ? " IS NULL" : " IS NOT NULL");
        break;
    case ST_OP_AND:
    case ST_OP_OR:
    case ST_OP_NOT:
    case ST_OP_EXISTS:
    case ST_OP_IN_QUERY:
    case ST_OP_AFTER:
        assert(0);
    }
}

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
            st_put_expr(p, e->args[i], depth + 1);
            between = e->op == ST_OP_AND ? " AND " : " OR ";
        }
    }
    st_put(p, n > 1 ? ")" : "");
}

void st_put_expr(struct st_pen *p, const st_expr *e, unsigned depth)
{
    if (depth > ST_EXPR_DEPTH_MAX) {
        st_fail(p,
                diag_set(ST_E_INVALID, "a condition on %s nests deeper than %d", p->m->model->name, ST_EXPR_DEPTH_MAX));
        return;
    }
    if (++p->nodes > ST_EXPR_NODES_MAX) {
        st_fail(p, diag_set(ST_E_INVALID, "a condition on %s has over %d parts", p->m->model->name, ST_EXPR_NODES_MAX));
        return;
    }
    st_shape_byte(p, (unsigned char)e->op);
    if (e->op == ST_OP_NOT) {
        if (e->n != 1 || !e->args[0]) {
            st_fail(p, diag_set(ST_E_INVALID, "ST_NOT needs one condition"));
            return;
        }
        st_put(p, "NOT (");
        st_put_expr(p, e->args[0], depth + 1);
        st_put(p, ")");
    } else if (e->op == ST_OP_AND || e->op == ST_OP_OR) {
        put_joined(p, e, depth);
    } else if (e->op == ST_OP_EXISTS || e->op == ST_OP_IN_QUERY) {
        put_query(p, e);
    } else if (e->op == ST_OP_AFTER) {
        put_after(p, e);
    } else {
        put_leaf(p, e);
    }
}

void st_put_where(struct st_pen *p, const st_expr *where)
{
    st_shape_byte(p, where != NULL);
    if (where && !p->err) {
        st_put(p, " WHERE ");
        st_put_expr(p, where, 0);
    }
}

void st_put_order_behind(struct st_pen *p, const char **between, const struct st_order *order, bool tie_break,
                         bool skip_tenant)
{
    const struct st_order *o = order;
    const struct st_source *from = p->sources;
    for (; o && o->model && !p->err; o++) {
        struct st_column_ref c;
        st_shape_byte(p, o->descending ? 2 : 1);
        if (!st_find_column(p, o->model, o->offset, &c)) {
            return;
        }
        st_put(p, *between);
        st_put_ref(p, c);
        st_put(p, o->descending ? " DESC" : "");
        if (!st_is_pg(p) && st_attr_nullable(c.attr)) { /* SQLite puts null first when rising */
            st_put(p, o->descending ? " NULLS FIRST" : " NULLS LAST");
        }
        *between = ", ";
    }
    st_shape_byte(p, (unsigned char)(!tie_break ? 0 : skip_tenant ? 3 : 4));
    for (uint32_t i = 0; tie_break && i < from->m->n_key; i++) {
        const st_attr *a = from->m->columns[from->m->key[i]].attr;
        bool given = a->tenant && skip_tenant;
        for (o = order; o && o->model; o++) {
            given |= o->offset == a->offset;
        }
        if (!given) {
            st_put(p, *between);
            st_put_ref(p, (struct st_column_ref){from, a});
            *between = ", ";
        }
    }
}

void st_put_order(struct st_pen *p, const struct st_order *order, bool tie_break, bool skip_tenant)
{
    const char *between = " ORDER BY ";
    st_put_order_behind(p, &between, order, tie_break, skip_tenant);
}
