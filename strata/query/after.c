/* The condition "behind this place in the order". */
#include <errno.h>

#include "strata/query/cursor.h"

static bool is_uniform(const struct st_place *place)
{
    for (uint32_t i = 0; i < place->n; i++) {
        const st_attr *a = st_model_attr_at(place->m->model, place->order[i].offset);
        if (st_attr_nullable(a) || place->order[i].descending != place->order[0].descending) {
            return false;
        }
    }
    return true;
}

struct nodes {
    st_expr *v;
    const st_expr **args;
    size_t n, n_args;
};

static const st_expr *leaf(struct nodes *to, const struct st_order *o, enum st_op op, const st_value *v)
{
    st_expr *e = &to->v[to->n++];
    *e = (st_expr){.op = op, .model = o->model, .offset = o->offset, .n = v ? 1 : 0, .values = v};
    return e;
}

static const st_expr **take_args(struct nodes *to, size_t n)
{
    const st_expr **args = &to->args[to->n_args];
    to->n_args += n;
    return args;
}

static const st_expr *group(struct nodes *to, enum st_op op, const st_expr **args, size_t n)
{
    st_expr *e = &to->v[to->n++];
    *e = (st_expr){.op = op, .n = (uint32_t)n, .args = args};
    return e;
}

/* Behind v in one column: null is the last when rising, the first when falling. */
static const st_expr *behind(struct nodes *to, const struct st_order *o, const st_attr *a, const st_value *v)
{
    if (v->null) {
        return o->descending ? leaf(to, o, ST_OP_NOT_NULL, NULL) : group(to, ST_OP_OR, NULL, 0);
    }
    if (o->descending || !st_attr_nullable(a)) {
        return leaf(to, o, o->descending ? ST_OP_LT : ST_OP_GT, v);
    }
    const st_expr **args = take_args(to, 2);
    args[0] = leaf(to, o, ST_OP_GT, v);
    args[1] = leaf(to, o, ST_OP_IS_NULL, NULL);
    return group(to, ST_OP_OR, args, 2);
}

/* a > x, or a = x and b > y, or ...; and, for an index to start at, a >= x. */
static const st_expr *mixed(const struct st_place *place, const st_value *values, struct nodes *to)
{
    const st_expr **ways = take_args(to, place->n);
    for (uint32_t i = 0; i < place->n; i++) {
        const st_expr **parts = take_args(to, i + 1);
        for (uint32_t k = 0; k < i; k++) {
            parts[k] = leaf(to, &place->order[k], ST_OP_EQ, &values[k]);
        }
        const st_attr *a = st_model_attr_at(place->m->model, place->order[i].offset);
        parts[i] = behind(to, &place->order[i], a, &values[i]);
        ways[i] = group(to, ST_OP_AND, parts, i + 1);
    }
    const st_expr *way = group(to, ST_OP_OR, ways, place->n);
    const struct st_order *first = &place->order[0];
    if (values[0].null || st_attr_nullable(st_model_attr_at(place->m->model, first->offset))) {
        return way;
    }
    const st_expr **both = take_args(to, 2);
    both[0] = leaf(to, first, first->descending ? ST_OP_LE : ST_OP_GE, &values[0]);
    both[1] = way;
    return group(to, ST_OP_AND, both, 2);
}

st_err st_cursor_after(const struct st_place *place, const st_value *values, arena *a, const st_expr **ret)
{
    size_t most = ((size_t)place->n + 4) * (place->n + 4);
    st_expr *nodes = ARENA_ARRAY(a, st_expr, most);
    struct nodes to = {.v = nodes, .args = ARENA_ARRAY(a, const st_expr *, most)};
    if (!nodes || !to.args) {
        return diag_nomem();
    }
    if (is_uniform(place)) {
        nodes[0] = (st_expr){.op = ST_OP_AFTER, .n = place->n, .values = values, .order = place->order};
        *ret = nodes;
    } else {
        *ret = mixed(place, values, &to);
    }
    return 0;
}
