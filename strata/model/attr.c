#include "strata/model.h"

#include <assert.h>
#include <string.h>

const st_attr *st_model_attr(const st_model *m, const char *name)
{
    assert(m && name);
    for (size_t i = 0; i < m->n_attrs; i++) {
        const st_attr *a = &m->attrs[i];
        bool member = a->kind == ST_A_COLUMN || a->kind == ST_A_MANY || a->kind == ST_A_ONE;
        if (member && a->name && strcmp(a->name, name) == 0) {
            return a;
        }
    }
    return NULL;
}

const st_attr *st_model_attr_at(const st_model *m, size_t offset)
{
    assert(m);
    for (size_t i = 0; i < m->n_attrs; i++) {
        if (m->attrs[i].kind == ST_A_COLUMN && m->attrs[i].offset == offset) {
            return &m->attrs[i];
        }
    }
    return NULL;
}

const st_attr *st_model_tenant(const st_model *m)
{
    assert(m);
    for (size_t i = 0; i < m->n_attrs; i++) {
        if (m->attrs[i].kind == ST_A_COLUMN && m->attrs[i].tenant) {
            return &m->attrs[i];
        }
    }
    return NULL;
}

const char *st_attr_column(const st_attr *a)
{
    assert(a && a->kind == ST_A_COLUMN);
    return a->column ? a->column : a->name;
}
