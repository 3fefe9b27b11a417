#include "strata/query/source.h"

#include <assert.h>

enum { ALIAS_DEPTH_MAX = 4 };

const st_model *st_base_model(const st_model *m)
{
    for (int i = 0; m && m->alias_of && i < ALIAS_DEPTH_MAX; i++) {
        m = m->alias_of;
    }
    return m && !m->alias_of ? m : NULL;
}

bool st_find_column(struct st_pen *p, const st_model *model, uint32_t offset, struct st_column_ref *ret)
{
    const struct st_source *s = p->sources;
    while (s && s->model != model) {
        s = s->next;
    }
    if (!s) {
        st_fail(p, diag_set(ST_E_INVALID, "a query on %s names a column of %s, which is not one of its sources",
                            p->m->model->name, model ? model->name : "nothing"));
        return false;
    }
    uint32_t i = st_mapper_column_at(s->m, offset);
    if (i == UINT32_MAX) {
        st_fail(p, diag_set(ST_E_INVALID, "a query on %s names a member that is no column", model->name));
        return false;
    }
    *ret = (struct st_column_ref){s, s->m->columns[i].attr};
    st_shape_u32(p, s->number);
    st_shape_u32(p, offset);
    return true;
}

void st_put_alias(struct st_pen *p, uint32_t number)
{
    char name[16];
    (void)snprintf(name, sizeof name, "\"t%u\"", number);
    st_put(p, name);
}

void st_put_ref(struct st_pen *p, struct st_column_ref c)
{
    if (c.source->number) {
        st_put_alias(p, c.source->number);
        st_put(p, ".");
    } else if (c.source->level != p->level) {
        st_put_name(p, c.source->m->model->table);
        st_put(p, ".");
    }
    st_put_column(p, c.attr);
}

static bool is_named(const struct st_pen *p, const st_model *result)
{
    for (uint32_t i = 0; i < p->n_with; i++) {
        if (p->with[i].result == result) {
            return true;
        }
    }
    return false;
}

bool st_open_source(struct st_pen *p, const st_model *model, struct st_source *ret)
{
    const st_model *base = st_base_model(model);
    if (!base) {
        st_fail(p, diag_set(ST_E_INVALID, "a query names no source, or an alias of an alias of an alias"));
        return false;
    }
    for (const struct st_source *s = p->sources; s; s = s->next) {
        if (s->model == model) {
            st_fail(p, diag_set(ST_E_INVALID, "%s is a source of this query already; name it again by an ST_ALIAS",
                                model->name));
            return false;
        }
    }
    if (++p->n_sources > ST_SOURCES_MAX) {
        st_fail(p, diag_set(ST_E_INVALID, "a query on %s has over %d sources", p->m->model->name, ST_SOURCES_MAX));
        return false;
    }
    *ret = (struct st_source){.next = p->sources, .model = model, .number = p->n_sources, .level = p->level};
    if (!base->table && !is_named(p, base)) {
        st_fail(p, diag_set(ST_E_INVALID, "%s has no table, and no ST_CTE of this query makes it", base->name));
        return false;
    }
    st_err rc = base->table ? st_registry_mapper(p->reg, base, &ret->m) : st_registry_result(p->reg, base, &ret->m);
    if (rc) {
        st_fail(p, rc);
        return false;
    }
    st_shape_ptr(p, ret->m);
    return true;
}

void st_put_cte_name(struct st_pen *p, const st_model *result)
{
    st_put(p, "\"with ");
    st_put(p, result->name); /* a C identifier */
    st_put(p, "\"");
}

void st_put_source(struct st_pen *p, const struct st_source *s)
{
    if (s->m->model->table) {
        st_put_name(p, s->m->model->table);
    } else {
        st_put_cte_name(p, s->m->model);
    }
    st_put(p, " AS ");
    st_put_alias(p, s->number);
}
