/* Savepoints: a journal of what flushes did to rows, kept while one is open, and walked back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "strata/session/internal.h"

/* A row as it was before a flush. */
struct journal_entry {
    struct row *row;
    struct snapshot *snapshot;
    uint32_t flags;
};

void savepoints_release(struct savepoints *p)
{
    mem_free(p->journal);
    *p = (struct savepoints){.n = 0};
}

void savepoints_forget(struct savepoints *p)
{
    p->n = 0;
    p->n_journal = 0;
}

st_err savepoints_reserve(struct savepoints *p, size_t more)
{
    if (p->n == 0 || p->room - p->n_journal >= more) {
        return 0;
    }
    size_t room = p->room ? p->room * 2 : 32;
    room = room < p->n_journal + more ? p->n_journal + more : room;
    struct journal_entry *journal =
        room > SIZE_MAX / sizeof *journal ? NULL : mem_realloc(p->journal, room * sizeof *journal);
    if (!journal) {
        return diag_nomem();
    }
    p->journal = journal;
    p->room = room;
    return 0;
}

void savepoints_note(struct savepoints *p, struct row *r)
{
    if (p->n) {
        assert(p->n_journal < p->room);
        p->journal[p->n_journal++] = (struct journal_entry){r, r->snapshot, r->flags};
    }
}

/* ---- going back ---- */

static void put_image(struct row *r)
{
    memcpy(row_object(r), r->snapshot->image, r->mapper->model->size);
    if (!(r->flags & ROW_TOUCHED)) {
        r->snapshot = NULL;
    }
}

static void undo_pending(struct row *r)
{
    bool added = r->flags & ROW_NEW;
    r->flags &= ~(unsigned)(ROW_PENDING | ROW_DELETE | ROW_NEW);
    if (added) {
        r->flags = ROW_GONE;
    } else {
        put_image(r);
    }
}

static void undo_flushed(st_session *s, const struct journal_entry *e)
{
    struct row *r = e->row;
    void *obj = row_object(r);
    bool gone = r->flags & ROW_GONE;
    if (e->flags & ROW_NEW) {
        if (!gone) {
            identity_remove(&s->map, r->mapper, obj);
        }
        r->flags = ROW_GONE;
        return;
    }
    r->flags = e->flags & ~(unsigned)(ROW_PENDING | ROW_DELETE);
    r->snapshot = e->snapshot;
    put_image(r);
    if (gone) {
        uint64_t hash = identity_hash(&s->map, r->mapper, obj);
        if (identity_find(&s->map, r->mapper, obj, hash)) {
            r->flags |= ROW_GONE; /* loaded anew meanwhile */
        } else {
            identity_add(&s->map, obj, hash); /* reserved */
        }
    }
}

static void undo_to(st_session *s, const struct savepoint *to)
{
    struct savepoints *p = &s->savepoints;
    for (size_t i = s->pending.n; i-- > 0;) {
        undo_pending(s->pending.v[i]);
    }
    s->pending.n = 0;
    while (p->n_journal > to->journal) {
        undo_flushed(s, &p->journal[--p->n_journal]);
    }
    s->touched.n = to->touched;
    for (size_t i = 0; i < s->touched.n; i++) { /* what was changed through pointers from before */
        struct row *r = s->touched.v[i];
        if (!(r->flags & ROW_GONE)) {
            put_image(r);
        }
    }
    s->epoch++;
    relations_forget(s);
}

/* ---- calls ---- */

static st_err find(const st_session *s, const struct st_mark *sp, size_t *ret)
{
    const struct savepoints *p = &s->savepoints;
    if (sp->depth >= p->n || p->v[sp->depth].serial != sp->serial) {
        return diag_set(ST_E_INVALID, "the savepoint was released or rolled back over, or its transaction is over");
    }
    *ret = sp->depth;
    return 0;
}

/* Flushes, and runs verb for the savepoint of that depth behind it. */
static st_err say(st_session *s, const char *verb, size_t depth, bool flushes)
{
    char *sql = arena_printf(s->scratch, "%s strata_%zu", verb, depth);
    if (!sql) {
        return diag_nomem();
    }
    struct batch b;
    struct st_stmt last = batch_plain(str_of(sql));
    last.id = 0; /* preparing it might have to make room for it, which a failed transaction does not allow */
    st_err rc = flushes ? flush_late_changes(s) : 0;
    rc = rc ? rc : batch_begin(&b, s);
    rc = rc || !flushes ? rc : flush_into(&b);
    return rc ? rc : batch_finish(&b, &last);
}

static st_err save(st_session *s, struct st_mark *ret)
{
    struct savepoints *p = &s->savepoints;
    if (s->autocommit) {
        return diag_set(ST_E_INVALID, "a savepoint in a session opened with .autocommit, which has no transactions");
    }
    if (p->n == ST_SAVEPOINTS_MAX) {
        return diag_set(ST_E_INVALID, "savepoints nest %d deep at most: release some", ST_SAVEPOINTS_MAX);
    }
    st_err rc = say(s, "SAVEPOINT", p->n, true);
    if (!rc) {
        *ret = (struct st_mark){.serial = ++p->serial, .depth = (uint32_t)p->n};
        p->v[p->n++] = (struct savepoint){.serial = p->serial, .journal = p->n_journal, .touched = s->touched.n};
    }
    return rc;
}

st_err st_savepoint(st_session *s, struct st_mark *ret)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, save(s, ret));
}

static st_err release(st_session *s, const struct st_mark *sp)
{
    size_t depth;
    st_err rc = find(s, sp, &depth);
    rc = rc ? rc : say(s, "RELEASE SAVEPOINT", depth, true);
    if (!rc) {
        s->savepoints.n = depth;
        s->savepoints.n_journal = depth ? s->savepoints.n_journal : 0; /* outer ones may go back over it */
    }
    return rc;
}

st_err st_release(st_session *s, const struct st_mark *sp)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, release(s, sp));
}

static st_err roll_back_to(st_session *s, const struct st_mark *sp)
{
    size_t depth;
    st_err rc = find(s, sp, &depth);
    if (!rc && identity_reserve(&s->map, s->savepoints.n_journal - s->savepoints.v[depth].journal) != 0) {
        rc = diag_nomem();
    }
    if (!rc) {
        streams_end(s);
        rc = say(s, "ROLLBACK TO SAVEPOINT", depth, false);
    }
    if (!rc) {
        undo_to(s, &s->savepoints.v[depth]);
        s->savepoints.n = depth + 1;
        s->err = 0;
    }
    return rc;
}

st_err st_rollback_to(st_session *s, const struct st_mark *sp)
{
    if (!s->reg) {
        return s->err; /* ST_SESSION found no memory */
    }
    st_err rc = s->err ? 0 : session_enter(s);
    if (rc) {
        return rc;
    }
    s->busy = true;
    return session_leave(s, roll_back_to(s, sp));
}
