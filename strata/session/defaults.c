/* Values that the session makes for columns of any kind: .client_value, .client_default and .client_update. */
#include <errno.h>
#include <string.h>

#include "strata/engine/field.h"
#include "strata/model/value.h"
#include "strata/session/internal.h"

/* Null, nil or zero: st_model_check lets no member have a default whose zero is a value. */
static bool is_given(const st_attr *a, const void *obj)
{
    static const unsigned char zero[sizeof(st_uuid)];
    const char *at = (const char *)obj + a->offset;
    if (a->type & ST_NULLABLE) {
        return *((const bool *)(const void *)at + st_field_set_at(st_attr_type(a)));
    }
    assert(a->size <= sizeof zero);
    return memcmp(at, zero, a->size) != 0;
}

static st_err make(st_session *s, const st_mapper *m, const st_attr *by, st_maker *maker, const void *row, arena *a,
                   st_value *ret)
{
    *ret = (st_value){.type = st_attr_type(by), .null = true};
    st_err rc = maker(s, row, a, ret);
    if (rc < 0) {
        if (diag_last()->code != rc) {
            (void)diag_set(rc, "%s", rc == -ENOMEM ? "out of memory" : st_error_name(rc));
        }
        return diag_wrap(rc, "%s.%s could not be made", m->model->name, by->name);
    }
    if (!st_value_adapt(by, ret)) {
        return diag_set(ST_E_INVALID, "%s.%s: what was made for it is of another type, or no value of its enum",
                        m->model->name, by->name);
    }
    return 0;
}

static st_err put(st_session *s, const st_mapper *m, const st_attr *by, st_maker *maker, void *obj, arena *a)
{
    st_value v;
    st_err rc = make(s, m, by, maker, obj, a, &v);
    if (!rc) {
        st_value_put(by, obj, &v);
    }
    return rc;
}

st_err fill_defaults(st_session *s, const st_mapper *m, void *obj, arena *a)
{
    st_err rc = 0;
    for (uint32_t i = 0; m->n_defaults && i < m->n_columns && !rc; i++) {
        const st_attr *by = m->columns[i].attr;
        if (!(by->client_value || by->client_default) || is_given(by, obj)) {
            continue;
        }
        if (by->client_value) {
            memcpy((char *)obj + by->offset, by->client_value, by->size);
        } else {
            rc = put(s, m, by, by->client_default, obj, a);
        }
    }
    return rc;
}

/* Relations apart: they are no part of the row. */
static bool is_changed(const st_mapper *m, const void *obj, const void *was)
{
    for (uint32_t i = 0; i < m->n_columns; i++) {
        const st_attr *a = m->columns[i].attr;
        if (a != m->version && a != m->updated && !st_value_same(a, obj, was)) {
            return true;
        }
    }
    return false;
}

st_err make_updates(st_session *s, const st_mapper *m, void *obj, const void *was, arena *a)
{
    st_err rc = 0;
    if (!m->n_updates || !is_changed(m, obj, was)) {
        return 0;
    }
    for (uint32_t i = 0; i < m->n_columns && !rc; i++) {
        const st_attr *by = m->columns[i].attr;
        if (by->client_update && st_value_same(by, obj, was)) {
            rc = put(s, m, by, by->client_update, obj, a);
        }
    }
    return rc;
}

static bool names(const uint32_t *members, const st_attr *a)
{
    for (; members && *members != ST_MEMBERS_END; members++) {
        if (*members == a->offset) {
            return true;
        }
    }
    return false;
}

st_err make_upsert(st_session *s, const st_mapper *m, void *obj, const struct st_bulk_options *o, arena *a)
{
    st_err rc = 0;
    for (uint32_t i = 0; m->n_updates && i < m->n_columns && !rc; i++) {
        const st_attr *by = m->columns[i].attr;
        if (by->client_update && !names(o->update, by) && !names(o->conflict, by)) {
            rc = put(s, m, by, by->client_update, obj, a);
        }
    }
    return rc;
}

st_err make_assignments(st_session *s, const st_mapper *m, const struct st_assign **set, size_t *n)
{
    st_err rc = 0;
    if (!m->n_updates || *n == 0) { /* an update of nothing is refused */
        return 0;
    }
    struct st_assign *all = ARENA_ARRAY(s->scratch, struct st_assign, *n + m->n_updates);
    if (!all) {
        return diag_nomem();
    }
    size_t at = *n;
    memcpy(all, *set, *n * sizeof *all);
    for (uint32_t i = 0; i < m->n_columns && !rc; i++) {
        const st_attr *by = m->columns[i].attr;
        bool named = !by->client_update;
        for (size_t k = 0; k < *n && !named; k++) {
            named = (*set)[k].offset == by->offset;
        }
        if (!named) {
            all[at] = (struct st_assign){.offset = by->offset};
            rc = make(s, m, by, by->client_update, NULL, s->scratch, &all[at++].value);
        }
    }
    *set = all;
    *n = at;
    return rc;
}
