#include "strata/query/operand.h"

#include "strata/model/value.h"

bool st_operand_of(struct st_pen *p, const st_expr *e, struct st_operand *ret)
{
    *ret = (struct st_operand){.term = e->left};
    st_shape_byte(p, e->left != NULL);
    if (e->left) {
        ret->attr = st_term_attr(p, e->left);
        return !p->err;
    }
    if (!st_find_column(p, e->model, e->offset, &ret->column)) {
        return false;
    }
    ret->attr = ret->column.attr;
    return true;
}

void st_put_operand(struct st_pen *p, const struct st_operand *o)
{
    if (o->term) {
        st_put_term(p, o->term, 0);
    } else {
        st_put_ref(p, o->column);
    }
}

void st_put_against(struct st_pen *p, const struct st_operand *o, st_value v)
{
    bool fits = true;
    if (!o->term ||
        v.type == ST_ENUM) { /* other values of terms are bound as they are: the databases compare numbers alike */
        fits = o->attr && st_value_adapt(o->attr, &v);
    }
    if (!fits) {
        st_fail(p, diag_set(ST_E_INVALID, "%s.%s is compared with a value that it cannot hold", st_operand_model(p, o),
                            st_operand_name(o)));
        return;
    }
    st_put_param(p, &v);
}

const char *st_operand_model(const struct st_pen *p, const struct st_operand *o)
{
    return o->column.source ? o->column.source->model->name : p->m->model->name;
}

const char *st_operand_name(const struct st_operand *o)
{
    return o->attr ? o->attr->name : "(a term)";
}
