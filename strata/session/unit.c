/* The unit of work: what is to be written, until the flush. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "strata/model/value.h"
#include "strata/session/internal.h"

static void put_time(void *obj, const st_attr *a, st_time t)
{
    st_value v = st_v_time(t);
    st_value_put(a, obj, &v);
}

static bool is_zero(const st_attr *a, const void *obj)
{
    static const unsigned char zero[sizeof(st_opt_uuid)];
    assert(a->size <= sizeof zero);
    return memcmp((const char *)obj + a->offset, zero, a->size) == 0;
}

st_err fill_new_row(st_session *s, const st_mapper *m, void *obj, st_time now)
{
    if (m->id && st_attr_type(m->id) == ST_UUID && !m->id->client_default && is_zero(m->id, obj)) {
        st_uuid id = uuid_v7();
        memcpy((char *)obj + m->id->offset, &id, sizeof id); /* a key is never of the nullable form */
    }
    if (m->version && is_zero(m->version, obj)) {
        st_value one = st_attr_type(m->version) == ST_INT32 ? st_v_int32(1) : st_v_int64(1);
        st_value_put(m->version, obj, &one);
    }
    if (m->created && is_zero(m->created, obj)) {
        put_time(obj, m->created, now);
    }
    if (m->updated && is_zero(m->updated, obj)) {
        put_time(obj, m->updated, now);
    }
    return st_scope_row(&s->scope, m, obj);
}

st_err session_add(st_session *s, const st_model *m, const void *init, void **ret)
{
    const st_mapper *mapper;
    st_err rc = session_writes(s);
    rc = rc ? rc : session_mapper(s, m, &mapper);
    if (rc) {
        return rc;
    }
    struct row *r = arena_alloc(s->arena, ST_ROW_HEAD + m->size);
    if (!r || identity_settle(&s->map, NULL) != 0) {
        return diag_nomem();
    }
    *r = (struct row){.mapper = mapper, .session = s, .flags = ROW_NEW | ROW_PENDING, .epoch = s->epoch};
    void *obj = row_object(r);
    memcpy(obj, init, m->size);
    bool dated = mapper->created || mapper->updated;
    rc = fill_new_row(s, mapper, obj, (st_time){dated ? clock_wall_us() : 0});
    rc = rc ? rc : fill_defaults(s, mapper, obj, s->arena);
    if (!rc && row_list_push(&s->pending, r) != 0) {
        rc = diag_nomem();
    }
    *ret = obj;
    return rc;
}

void *st_add_(st_session *s, const st_model *m, const void *init)
{
    void *obj = NULL;
    st_err rc = session_enter(s);
    if (rc) {
        return NULL;
    }
    rc = session_leave(s, session_add(s, m, init, &obj));
    return rc ? NULL : obj;
}

st_err session_row(const st_session *s, const void *obj, struct row **ret)
{
    assert(obj);
    struct row *r = row_of(obj);
    if (r->session != s) {
        return diag_set(ST_E_INVALID, "an object of another session; load it in this one");
    }
    if (r->flags & ROW_STREAMED) {
        return diag_set(ST_E_INVALID, "a row of a stream is no object of the session: st_attach makes one of it");
    }
    if (r->flags & (ROW_GONE | ROW_DELETE)) {
        return diag_set(ST_E_INVALID, "a %s that is deleted, or was forgotten by a rollback", r->mapper->model->name);
    }
    *ret = r;
    return 0;
}

struct snapshot *snapshot_new(st_session *s, const struct row *r)
{
    struct snapshot *snap = arena_alloc(s->arena, sizeof *snap + r->mapper->model->size);
    if (snap) {
        snap->older = r->snapshot;
        snap->next = NULL;
    }
    return snap;
}

static st_err take_snapshot(st_session *s, struct row *r)
{
    if (identity_settle(&s->map, NULL) != 0) {
        return diag_nomem();
    }
    if (!r->snapshot) { /* else the one that the last flush took is what the database has */
        struct snapshot *snap = snapshot_new(s, r);
        if (!snap) {
            return diag_nomem();
        }
        memcpy(snap->image, row_object(r), r->mapper->model->size);
        r->snapshot = snap;
    }
    if (row_list_push(&s->pending, r) != 0) {
        return diag_nomem();
    }
    r->flags |= ROW_PENDING;
    return 0;
}

st_err session_edit(st_session *s, const void *obj, struct row **ret)
{
    st_err rc = session_row(s, obj, ret);
    rc = rc ? rc : session_writes(s);
    return rc || ((*ret)->flags & ROW_PENDING) ? rc : take_snapshot(s, *ret);
}

void *st_edit_(st_session *s, const void *obj)
{
    struct row *r = NULL;
    if (session_enter(s) != 0) {
        return NULL;
    }
    st_err rc = session_leave(s, session_edit(s, obj, &r));
    return rc ? NULL : row_object(r);
}

st_err session_delete(st_session *s, const void *obj)
{
    struct row *r;
    st_err rc = session_edit(s, obj, &r); /* the snapshot has the version that must still be there */
    if (!rc) {
        r->flags |= ROW_DELETE;
        s->cascades = s->lists_stale = true;
    }
    return rc;
}

st_err st_delete(st_session *s, const void *obj)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, session_delete(s, obj));
}
