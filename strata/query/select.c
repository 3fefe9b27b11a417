#include "strata/query/statement.h"

#include <assert.h>
#include <string.h>

#include "strata/model/key.h"

/* The columns that conditions which all hold compare for equality. */
enum { POINT_COLUMNS = 8 };
struct point {
    uint32_t offsets[POINT_COLUMNS];
    uint32_t n;
};

static void collect(struct point *pt, const st_expr *e, unsigned depth)
{
    if (!e) {
        return;
    }
    assert(depth <= ST_EXPR_DEPTH_MAX + 1); /* walked before */
    if (e->op == ST_OP_EQ && !e->left && pt->n < POINT_COLUMNS) {
        pt->offsets[pt->n++] = e->offset;
    }
    for (uint32_t i = 0; e->op == ST_OP_AND && i < e->n; i++) {
        collect(pt, e->args[i], depth + 1);
    }
}

static bool names(const struct point *pt, const st_attr *a)
{
    for (uint32_t i = 0; i < pt->n; i++) {
        if (pt->offsets[i] == a->offset) {
            return true;
        }
    }
    return false;
}

static bool names_constraint(const struct point *pt, const st_model *m, const st_attr *u)
{
    for (const char *const *c = u->columns; *c; c++) {
        struct st_key_part part;
        bool read = st_key_part_read(m, *c, &part) && part.attr && part.attr->kind == ST_A_COLUMN;
        if (!read || (!part.attr->tenant && !names(pt, part.attr))) {
            return false;
        }
    }
    return !u->where;
}

bool st_is_point(const st_mapper *m, const st_expr *where)
{
    struct point pt = {.n = 0};
    collect(&pt, where, 0);
    if (pt.n == 0) {
        return false;
    }
    if (m->id && names(&pt, m->id)) {
        return true;
    }
    for (size_t i = 0; i < m->model->n_attrs; i++) {
        const st_attr *a = &m->model->attrs[i];
        bool unique = a->kind == ST_A_COLUMN && a->unique && names(&pt, a);
        if (unique || (a->kind == ST_A_UNIQUE && a->columns[0] && names_constraint(&pt, m->model, a))) {
            return true;
        }
    }
    return false;
}

static void put_columns(struct st_pen *p)
{
    for (uint32_t i = 0; p->writing && i < p->m->n_columns; i++) {
        st_put(p, i ? ", " : "");
        st_put_column(p, p->m->columns[i].attr);
    }
}

void st_put_limits(struct st_pen *p, const struct st_query *q)
{
    st_shape_byte(p, (unsigned char)((q->limit ? 1 : 0) | (q->offset ? 2 : 0) | (q->for_update ? 4 : 0)));
    if (q->limit) {
        st_value v = st_v_int64(q->limit > INT64_MAX ? INT64_MAX : (int64_t)q->limit);
        st_put(p, " LIMIT ");
        st_put_param(p, &v);
    } else if (q->offset && !st_is_pg(p)) {
        st_put(p, " LIMIT -1"); /* SQLite has no OFFSET without it */
    }
    if (q->offset) {
        st_value v = st_v_int64(q->offset > INT64_MAX ? INT64_MAX : (int64_t)q->offset);
        st_put(p, " OFFSET ");
        st_put_param(p, &v);
    }
    if (q->for_update && st_is_pg(p)) {
        st_put(p, " FOR NO KEY UPDATE");
    }
}

void st_put_select(struct st_pen *p, const struct st_statement *st)
{
    st_put(p, "SELECT ");
    if (st->form == ST_F_COUNT) {
        st_put(p, "count(*)");
    } else {
        put_columns(p);
    }
    st_put(p, " FROM ");
    st_put_name(p, st->m->model->table);
    st_put_where(p, st->where);
    if (st->form != ST_F_COUNT && st->query) {
        st_put_order(p, st->query->order, st->query->limit || st->query->offset, st->confined);
        st_put_limits(p, st->query);
    }
}

void st_walk_select(struct st_pen *p, const struct st_statement *st)
{
    st_put_select(p, st);
}

st_err st_compile_select(const struct st_compiler *c, const st_mapper *m, const st_expr *where,
                         const struct st_query *q, struct st_stmt *ret)
{
    struct st_statement st = {.form = ST_F_SELECT, .m = m, .where = where, .query = q};
    return st_compile(c, &st, ret);
}

st_err st_compile_count(const struct st_compiler *c, const st_mapper *m, const st_expr *where, struct st_stmt *ret)
{
    struct st_statement st = {.form = ST_F_COUNT, .m = m, .where = where};
    return st_compile(c, &st, ret);
}
