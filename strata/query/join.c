#include "strata/model/relation.h"
#include "strata/query/scope.h"
#include "strata/query/source.h"
#include "strata/query/where.h"

void st_put_keys(struct st_pen *p, const struct st_source *x, const st_attr *a, const struct st_source *y,
                 const st_attr *b)
{
    for (;;) {
        st_put_ref(p, (struct st_column_ref){x, a});
        st_put(p, " = ");
        st_put_ref(p, (struct st_column_ref){y, b});
        if (a == x->m->tenant || !x->m->tenant || !y->m->tenant) {
            return;
        }
        a = x->m->tenant;
        b = y->m->tenant;
        st_put(p, " AND ");
    }
}

static void put_along(struct st_pen *p, const struct st_join *j, const struct st_source *joined)
{
    const struct st_source *from = p->sources;
    while (from && (from->model != j->along || from == joined)) {
        from = from->next;
    }
    const st_attr *a = from && from->number < joined->number ? st_model_attr(from->m->model, j->relation) : NULL;
    struct st_relation r;
    const char *wrong = "that is not a source before it";
    if (a) {
        bool known = a->target == joined->m->model && st_relation_read(from->m->model, a, &r);
        wrong = !known                   ? "there is no such relation"
                : r.kind == ST_R_THROUGH ? "join the model between them first"
                                         : NULL;
    }
    if (wrong) {
        st_fail(p, diag_set(ST_E_INVALID, "a join along %s.%s to %s: %s", j->along->name, j->relation, j->model->name,
                            wrong));
        return;
    }
    st_shape_u32(p, from->number);
    st_shape_ptr(p, a);
    st_put_keys(p, joined, r.far, from, r.near);
    st_put(p, " AND ");
}

void st_put_join(struct st_pen *p, const struct st_join *j, const struct st_source *joined)
{
    struct st_scoped scoped;
    st_err rc = st_scope_where(p->scope, joined->m, joined->model, j->on, &scoped);
    if (rc) {
        st_fail(p, rc);
        return;
    }
    st_shape_byte(p, (unsigned char)(1 | (j->left ? 2 : 0) | (j->along ? 4 : 0) | (scoped.where ? 8 : 0)));
    st_put(p, j->left ? " LEFT JOIN " : " JOIN ");
    st_put_source(p, joined);
    st_put(p, " ON ");
    if (j->along) {
        put_along(p, j, joined);
    } else if (!j->on) {
        st_fail(p, diag_set(ST_E_INVALID, "the join of %s has no condition", j->model->name));
        return;
    }
    if (scoped.where) {
        st_put_expr(p, scoped.where, 0);
    } else {
        st_put(p, "1 = 1");
    }
}
