/* Rows of streams as objects of their session. */
#include <string.h>

#include "strata/model/value.h"
#include "strata/session/internal.h"

static st_err copy_row(st_session *s, const st_mapper *m, const void *row, uint64_t hash, const void **ret)
{
    struct row *r = arena_alloc(s->arena, ST_ROW_HEAD + m->model->size);
    if (!r || identity_reserve(&s->map, 1) != 0) {
        return diag_nomem();
    }
    *r = (struct row){.mapper = m, .session = s, .epoch = s->epoch};
    memcpy(row_object(r), row, m->model->size);
    for (uint32_t i = 0; i < m->n_columns; i++) {
        if (m->columns[i].points && st_value_keep(m->columns[i].attr, row_object(r), s->arena) != 0) {
            return diag_nomem();
        }
    }
    identity_add(&s->map, row_object(r), hash);
    *ret = row_object(r);
    return 0;
}

/* *ret_key is not NULL when the row is to be loaded by it. */
static st_err attach(st_session *s, const st_model *model, const void *row, const void **ret, st_value **ret_key,
                     size_t *ret_n)
{
    assert(row);
    const struct row *r = row_of(row);
    if (r->session != s || !(r->flags & ROW_STREAMED) || r->mapper->model != model) {
        return diag_set(ST_E_INVALID, "st_attach takes a row that a stream of %s in this session has just given",
                        model->name);
    }
    const st_mapper *m = r->mapper;
    if (identity_settle(&s->map, m) != 0) {
        return diag_nomem();
    }
    uint64_t hash = identity_hash(&s->map, m, row);
    void *there = identity_find(&s->map, m, row, hash);
    if (there && row_of(there)->epoch == s->epoch) {
        *ret = row_of(there)->flags & ROW_DELETE ? NULL : there;
        return 0;
    }
    if (!there && r->epoch == s->epoch) {
        return copy_row(s, m, row, hash, ret);
    }
    st_value *key = ARENA_ARRAY(s->arena, st_value, m->n_key);
    if (!key) {
        return diag_nomem();
    }
    for (uint32_t i = 0; i < m->n_key; i++) {
        key[i] = st_value_get(m->columns[m->key[i]].attr, row);
    }
    *ret_key = key;
    *ret_n = m->n_key;
    return 0;
}

const void *st_attach_(st_session *s, const st_model *m, const void *row)
{
    const void *obj = NULL;
    st_value *key = NULL;
    size_t n = 0;
    if (session_enter(s) != 0 || session_leave(s, attach(s, m, row, &obj, &key, &n)) != 0) {
        return NULL;
    }
    return key ? st_get_(s, m, key, n) : obj;
}
