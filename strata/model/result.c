#include "strata/model/result.h"

#include <errno.h>

static st_err check(const st_model *m, const st_attr *a)
{
    if (a->kind != ST_A_COLUMN || a->pk || a->tenant || a->version || a->references) {
        return diag_set(ST_E_INVALID, "%s.%s: a result has plain columns only, no keys, relations or constraints",
                        m->name, a->name ? a->name : "?");
    }
    if (st_attr_type(a) == ST_ENUM && !a->enumeration) {
        return diag_set(ST_E_INVALID, "%s.%s: an enum needs its .enumeration", m->name, a->name);
    }
    return 0;
}

st_err st_mapper_new_result(arena *a, const st_model *model, st_mapper **ret)
{
    if (!model->name || model->table || model->alias_of || !model->size || model->n_attrs > ST_COLUMNS_MAX) {
        return diag_set(ST_E_INVALID, "%s is no result: describe it with ST_RESULT, with at most %d members",
                        model->name ? model->name : "?", ST_COLUMNS_MAX);
    }
    st_mapper *m = ARENA_NEW(a, st_mapper);
    struct st_column *columns = ARENA_ARRAY(a, struct st_column, model->n_attrs);
    struct st_field *fields = ARENA_ARRAY(a, struct st_field, model->n_attrs);
    if (!m || !columns || !fields) {
        return diag_nomem();
    }
    for (size_t i = 0; i < model->n_attrs; i++) {
        const st_attr *at = &model->attrs[i];
        st_err rc = check(model, at);
        if (rc) {
            return rc;
        }
        columns[i].attr = at;
        fields[i] = (struct st_field){.type = st_attr_type(at),
                                      .nullable = st_attr_optional(at),
                                      .as_smallint = at->as_smallint,
                                      .offset = at->offset,
                                      .of = at->enumeration};
    }
    *m = (st_mapper){.model = model,
                     .columns = columns,
                     .n_columns = (uint32_t)model->n_attrs,
                     .shape = {.fields = fields, .n = model->n_attrs, .size = model->size}};
    *ret = m;
    return 0;
}
