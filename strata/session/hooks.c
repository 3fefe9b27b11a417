/* Hooks: when they are called, and what they may do meanwhile. */
#include "strata/hooks.h"

#include "strata/session/internal.h"

/* Hooks that add objects for objects that hooks added must come to an end. */
enum { ROUNDS_MAX = 32 };

void hooks_of(st_session *s, const struct st_hooks *engine, const struct st_hooks *own)
{
    s->hook = (struct hook_state){.n = 0};
    if (engine) {
        s->hook.of[s->hook.n++] = engine;
    }
    if (own) {
        s->hook.of[s->hook.n++] = own;
    }
}

st_err hooks_refuse(const st_session *s)
{
    if (!s->hook.flushing) {
        return 0;
    }
    st_err rc = diag_set(ST_E_INVALID, "a before_flush hook may edit, add and delete, but not ask the database");
    diag_hint("ask in before_commit, or load what it needs before the flush");
    return rc;
}

/* 0: nothing will be written for it. */
static unsigned change_of(const struct row *r)
{
    bool added = r->flags & ROW_NEW, deleted = r->flags & ROW_DELETE;
    if (added || deleted) {
        return added && deleted ? 0 : added ? ST_INSERT : ST_DELETE;
    }
    return st_mapper_image_same(r->mapper, row_object(r), r->snapshot->image) ? 0 : ST_UPDATE;
}

static st_err show(st_session *s, const struct row *r, enum st_change what)
{
    const st_model *m = r->mapper->model;
    for (unsigned i = 0; i < s->hook.n; i++) {
        const struct st_hooks *h = s->hook.of[i];
        st_err rc = h->before_flush ? h->before_flush(h->arg, s, what, m, row_object(r)) : 0;
        assert(rc <= 0);
        if (s->err) { /* a call in it failed */
            *diag_last() = s->failure;
            return s->err;
        }
        if (rc) {
            return diag_last()->code == rc ? rc : diag_set(rc, "a before_flush hook refused a %s", m->name);
        }
    }
    return 0;
}

static st_err show_all(st_session *s, size_t *ret_shown)
{
    size_t n = s->pending.n; /* what hooks add comes next time */
    for (size_t i = 0; i < n; i++) {
        struct row *r = s->pending.v[i];
        unsigned what = r->flags & ROW_SHOWN ? 0 : change_of(r);
        if (what) {
            r->flags |= ROW_SHOWN;
            ++*ret_shown;
            st_err rc = show(s, r, (enum st_change)what);
            if (rc) {
                return rc;
            }
        }
    }
    return 0;
}

st_err hooks_before_flush(struct batch *b)
{
    st_session *s = b->s;
    st_err rc = 0;
    size_t all = 0, shown = s->hook.n > 0;
    for (unsigned round = 0; !rc && (shown || s->cascades); round++) {
        shown = 0;
        rc = s->cascades ? relations_cascade(b) : 0;
        if (!rc && s->hook.n) {
            s->hook.flushing = true;
            rc = round < ROUNDS_MAX ? show_all(s, &shown)
                                    : diag_set(ST_E_INVALID, "before_flush hooks make work for each other without end");
            s->hook.flushing = false;
        }
        all += shown;
    }
    for (size_t i = 0; all && i < s->pending.n; i++) {
        s->pending.v[i]->flags &= ~(unsigned)ROW_SHOWN;
    }
    s->hook.flushed += rc ? 0 : all;
    return rc;
}

st_err hooks_before_commit(st_session *s)
{
    struct hook_state *k = &s->hook;
    if (!s->reg || !k->n || s->err || s->busy || (!s->begun && s->pending.n == 0)) {
        return 0; /* what is wrong is told by the commit */
    }
    st_err rc = k->committing ? diag_set(ST_E_INVALID, "a before_commit hook may not commit or roll back") : 0;
    for (unsigned i = 0; i < k->n && !rc; i++) {
        const struct st_hooks *h = k->of[i];
        k->committing = true;
        rc = h->before_commit ? h->before_commit(h->arg, s) : 0;
        k->committing = false;
        assert(rc <= 0);
        rc = s->err ? s->err : rc;
    }
    if (s->err) {
        *diag_last() = s->failure;
        return s->err;
    }
    if (rc) { /* from here on the session's failure */
        s->busy = true;
        return session_leave(s, rc);
    }
    return 0;
}

void hooks_forget(st_session *s)
{
    s->hook.flushed = 0;
    s->hook.committed = s->hook.rolled_back = false;
}

void hooks_tell(st_session *s)
{
    struct hook_state now = s->hook;
    hooks_forget(s);
    if (now.telling) {
        return;
    }
    struct diag kept = *diag_last();
    s->hook.telling = true;
    for (unsigned i = 0; i < now.n; i++) {
        const struct st_hooks *h = now.of[i];
        if (now.flushed && h->after_flush) {
            h->after_flush(h->arg, s, now.flushed);
        }
        if (now.committed && h->after_commit) {
            h->after_commit(h->arg, s);
        }
        if (now.rolled_back && h->after_rollback) {
            h->after_rollback(h->arg, s);
        }
    }
    s->hook.telling = false;
    *diag_last() = kept;
}
