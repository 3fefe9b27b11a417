/* One object: read again, copied out, or taken in. */
#include <errno.h>
#include <string.h>

#include "strata/model/value.h"
#include "strata/session/internal.h"

static st_err key_of(st_session *s, const struct row *r, const st_expr **ret)
{
    const st_mapper *m = r->mapper;
    st_expr *nodes = ARENA_ARRAY(s->scratch, st_expr, (size_t)m->n_key + 1);
    const st_expr **parts = ARENA_ARRAY(s->scratch, const st_expr *, m->n_key);
    st_value *values = ARENA_ARRAY(s->scratch, st_value, m->n_key);
    if (!nodes || !parts || !values) {
        return diag_nomem();
    }
    for (uint32_t i = 0; i < m->n_key; i++) {
        const st_attr *a = m->columns[m->key[i]].attr;
        values[i] = st_value_get(a, row_object(r));
        nodes[i] = (st_expr){.op = ST_OP_EQ, .model = m->model, .offset = a->offset, .n = 1, .values = &values[i]};
        parts[i] = &nodes[i];
    }
    nodes[m->n_key] = (st_expr){.op = ST_OP_AND, .n = m->n_key, .args = parts};
    *ret = &nodes[m->n_key];
    return 0;
}

static st_err reload(st_session *s, const void *obj)
{
    struct row *r;
    struct batch b;
    const st_expr *where;
    st_err rc = session_row(s, obj, &r);
    rc = rc ? rc : flush_late_changes(s);
    rc = rc ? rc : batch_begin(&b, s);
    rc = rc ? rc : flush_into(&b);
    rc = rc ? rc : batch_run(&b);
    rc = rc ? rc : key_of(s, r, &where);
    if (rc) {
        return rc;
    }
    r->epoch = s->epoch - 1;
    rc = session_load(s, r->mapper, where, NULL);
    if (!rc && s->n_found == 0) {
        rc = diag_set(ST_E_NOT_FOUND, "%s: the row is not there any more", r->mapper->model->name);
    }
    return rc;
}

st_err st_refresh(st_session *s, const void *obj)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, reload(s, obj));
}

static st_err expire(st_session *s, const void *obj)
{
    struct row *r;
    st_err rc = session_row(s, obj, &r);
    if (!rc && (r->flags & ROW_PENDING)) {
        rc = diag_set(ST_E_INVALID, "the %s has changes that are not written: st_flush first", r->mapper->model->name);
    }
    if (!rc) {
        r->epoch = s->epoch - 1;
    }
    return rc;
}

st_err st_expire(st_session *s, const void *obj)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, expire(s, obj));
}

static st_err detach(const st_session *s, const void *obj, arena *to, void **ret)
{
    struct row *r;
    st_err rc = session_row(s, obj, &r);
    if (rc) {
        return rc;
    }
    const st_mapper *m = r->mapper;
    struct row *copy = arena_zalloc(to, 1, ST_ROW_HEAD + m->model->size); /* so that no session takes it for its own */
    if (!copy) {
        return diag_nomem();
    }
    memcpy(row_object(copy), obj, m->model->size);
    st_mapper_unload(m, row_object(copy));
    for (uint32_t i = 0; i < m->n_columns; i++) {
        if (m->columns[i].points && st_value_keep(m->columns[i].attr, row_object(copy), to) != 0) {
            return diag_nomem();
        }
    }
    *ret = row_object(copy);
    return 0;
}

void *st_detach_(st_session *s, const void *obj, arena *to)
{
    void *copy = NULL;
    if (session_enter(s) == 0) {
        (void)session_leave(s, detach(s, obj, to, &copy));
    }
    return copy;
}

/* ---- merge: of public calls, each of which may fail the session ---- */

/* The tenant's part is left out when obj has none. */
static st_err read_key(st_session *s, const st_model *model, const void *obj, const st_mapper **ret_m, st_value **ret,
                       size_t *ret_n)
{
    st_err rc = session_mapper(s, model, ret_m);
    if (rc) {
        return rc;
    }
    const st_mapper *m = *ret_m;
    st_value *values = ARENA_ARRAY(s->arena, st_value, m->n_key);
    if (!values) {
        return diag_nomem();
    }
    size_t n = 0;
    for (uint32_t i = 0; i < m->n_key; i++) {
        const st_attr *a = m->columns[m->key[i]].attr;
        st_value v = st_value_get(a, obj);
        if (!a->tenant || !uuid_is_nil(v.uuid)) {
            values[n++] = v;
        }
    }
    *ret = values;
    *ret_n = n;
    return 0;
}

static bool is_kept(const st_mapper *m, uint32_t column)
{
    const st_attr *a = m->columns[column].attr;
    bool kept = a == m->tenant || a == m->version || a == m->created || a == m->updated;
    for (uint32_t i = 0; i < m->n_key && !kept; i++) {
        kept = m->key[i] == column;
    }
    return kept;
}

static int64_t version_of(const st_mapper *m, const void *obj)
{
    st_value v = m->version ? st_value_get(m->version, obj) : st_v_int64(0);
    return v.type == ST_INT32 ? v.i32 : v.i64;
}

static st_err check_version(const st_mapper *m, const void *there, const void *obj)
{
    int64_t seen = version_of(m, obj);
    if (seen == 0 || seen == version_of(m, there)) {
        return 0;
    }
    return diag_set(ST_E_CONFLICT, "%s: another writer changed it since this copy of it was made", m->model->name);
}

void *st_merge_(st_session *s, const st_model *model, const void *obj)
{
    const st_mapper *m = NULL;
    st_value *key = NULL;
    size_t n = 0;
    assert(obj);
    if (session_enter(s) != 0 || session_leave(s, read_key(s, model, obj, &m, &key, &n)) != 0) {
        return NULL;
    }
    const void *there = st_get_(s, model, key, n);
    if (st_session_error(s)) {
        return NULL;
    }
    if (!there) {
        void *added = st_add_(s, model, obj);
        if (added) {
            st_mapper_unload(m, added);
        }
        return added;
    }
    if (session_enter(s) != 0 || session_leave(s, check_version(m, there, obj)) != 0) {
        return NULL;
    }
    void *mine = st_edit_(s, there);
    for (uint32_t i = 0; mine && i < m->n_columns; i++) {
        const st_attr *a = m->columns[i].attr;
        if (!is_kept(m, i)) {
            memcpy((char *)mine + a->offset, (const char *)obj + a->offset, a->size);
        }
    }
    return mine;
}
