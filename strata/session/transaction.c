#include <errno.h>
#include <string.h>

#include "strata/session/internal.h"

static void release(st_session *s)
{
    st_conn *c = s->conn;
    streams_end(s);
    s->conn = NULL;
    s->begun = false;
    if (c) {
        struct diag kept = *diag_last(); /* the failure that led here counts, not what cleaning up meets */
        st_conn_release(c);              /* rolls back what is open, also in a cancelled fiber */
        *diag_last() = kept;
    }
}

void transaction_end(st_session *s)
{
    for (size_t i = 0; i < s->touched.n; i++) {
        struct row *r = s->touched.v[i];
        r->flags &= ~(unsigned)(ROW_TOUCHED | ROW_INSERTED);
        r->snapshot = NULL;
    }
    s->touched.n = 0;
    savepoints_forget(&s->savepoints);
    s->epoch++;
    release(s);
}

/* The row as it was before the transaction. */
static void undo(st_session *s, struct row *r)
{
    void *obj = row_object(r);
    const struct snapshot *first = r->flags & ROW_NEW ? NULL : r->snapshot;
    while (first && first->older) {
        first = first->older;
    }
    if (first) {
        memcpy(obj, first->image, r->mapper->model->size);
        r->snapshot = NULL;
    }
    bool deleted = (r->flags & ROW_GONE) && !(r->flags & ROW_INSERTED);
    if (r->flags & (ROW_NEW | ROW_INSERTED)) {
        if (!(r->flags & (ROW_NEW | ROW_GONE))) {
            identity_remove(&s->map, r->mapper, obj);
        }
        r->flags = ROW_GONE;
        return;
    }
    r->flags = 0;
    if (deleted) {
        uint64_t hash = identity_hash(&s->map, r->mapper, obj);
        if (identity_find(&s->map, r->mapper, obj, hash) || identity_reserve(&s->map, 1) != 0) {
            r->flags = ROW_GONE; /* the next load makes a new object */
        } else {
            identity_add(&s->map, obj, hash);
        }
    }
}

void transaction_undo(st_session *s)
{
    for (size_t i = s->pending.n; i-- > 0;) {
        undo(s, s->pending.v[i]);
    }
    s->pending.n = 0;
    for (size_t i = s->touched.n; i-- > 0;) {
        if (s->touched.v[i]->flags & ROW_TOUCHED) { /* else it was pending, too */
            undo(s, s->touched.v[i]);
        }
    }
    s->touched.n = 0;
    savepoints_forget(&s->savepoints);
    s->epoch++;
    release(s);
}

static st_err flush(st_session *s)
{
    st_err rc = flush_late_changes(s);
    if (rc || s->pending.n == 0) {
        return rc;
    }
    struct batch b;
    rc = batch_begin(&b, s);
    rc = rc ? rc : flush_into(&b);
    return rc ? rc : batch_run(&b);
}

st_err st_flush(st_session *s)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, flush(s));
}

static st_err commit(st_session *s)
{
    if (!s->begun && s->pending.n == 0) {
        return 0;
    }
    struct batch b;
    struct st_stmt last = batch_plain(STR("COMMIT"));
    st_err rc = flush_late_changes(s);
    rc = rc ? rc : batch_begin(&b, s);
    rc = rc ? rc : flush_last(&b);
    rc = rc ? rc : batch_finish(&b, &last);
    if (!rc) {
        flush_settle(s, true);
        transaction_end(s);
        s->hook.committed = true;
    }
    return rc;
}

st_err st_commit(st_session *s)
{
    st_err rc = hooks_before_commit(s);
    rc = rc ? rc : session_enter(s);
    return rc ? rc : session_leave(s, commit(s));
}

void relations_forget(st_session *s)
{
    for (size_t i = 0; s->map.slots && i <= s->map.mask; i++) {
        void *obj = s->map.slots[i].obj;
        if (obj) {
            st_mapper_unload(row_of(obj)->mapper, obj);
        }
    }
    for (const struct identity_list *l = s->map.later; l; l = l->next) {
        for (size_t i = 0; i < l->n; i++) {
            st_mapper_unload(l->m, l->objs[i]);
        }
    }
    s->lists_stale = s->cascades = s->keys_changed = false;
}

st_err st_rollback(st_session *s)
{
    st_err failed = s->err;
    if (!s->reg) {
        return failed; /* ST_SESSION found no memory: there is nothing to go back to */
    }
    st_err rc = s->hook.flushing ? hooks_refuse(s) : 0;
    if (s->hook.committing) {
        rc = diag_set(ST_E_INVALID, "a before_commit hook may not commit or roll back");
    }
    rc = rc || failed ? rc : session_enter(s);
    if (rc) {
        return rc;
    }
    s->busy = true;
    s->hook.rolled_back = s->hook.n && (s->begun || s->pending.n + s->touched.n > 0);
    transaction_undo(s);
    relations_forget(s);
    s->err = 0;
    return session_leave(s, 0);
}

void st_expunge_all(st_session *s)
{
    if (session_enter(s) != 0) {
        return;
    }
    assert(s->pending.n == 0 && !s->hook.flushing);
    s->pending.n = s->touched.n = 0;
    savepoints_forget(&s->savepoints);
    identity_clear(&s->map);
    arena_reset(s->arena);
    s->epoch++; /* rows that streams gave before may be older than what was written */
    (void)session_leave(s, 0);
}
