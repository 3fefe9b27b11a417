/* What becomes of rows once they are written. */
#include <string.h>

#include "strata/session/flush.h"

enum { AHEAD = 16 }; /* slots of the identity map asked for before they are looked at */

static void enter_map(st_session *s, struct row *r, uint64_t hash)
{
    void *obj = row_object(r), *there = identity_find(&s->map, r->mapper, obj, hash);
    if (there) { /* loaded before, and deleted since past the session */
        identity_remove(&s->map, r->mapper, there);
        row_of(there)->flags |= ROW_GONE;
    }
    identity_add(&s->map, obj, hash); /* reserved */
}

static void leave_map(st_session *s, struct row *r)
{
    void *obj = row_object(r);
    memcpy(obj, r->snapshot->image, r->mapper->model->size); /* edits before the delete are void, to its key too */
    identity_remove(&s->map, r->mapper, obj);
    r->flags |= ROW_GONE;
}

/* The transaction goes on: what is needed to undo it, and to find what is changed behind the flush. */
static void remember(st_session *s, struct row *r, unsigned was)
{
    if (was & ROW_NEW) {
        r->flags |= ROW_INSERTED;
    } else if (!(was & ROW_DELETE)) {
        r->snapshot = r->snapshot->next;
    }
    if (!(was & ROW_DELETE)) {
        memcpy(r->snapshot->image, row_object(r), r->mapper->model->size);
    }
    if (!(was & ROW_TOUCHED)) {
        r->flags |= ROW_TOUCHED;
        s->touched.v[s->touched.n++] = r; /* reserved */
    }
}

static void settle(st_session *s, struct row *r, uint64_t hash, bool last)
{
    unsigned was = r->flags;
    if (!last) {
        savepoints_note(&s->savepoints, r);
    }
    r->flags &= ~(unsigned)(ROW_PENDING | ROW_NEW);
    if (flush_is_void(was)) {
        r->flags |= ROW_GONE;
        return;
    }
    if (was & ROW_NEW) {
        enter_map(s, r, hash);
    } else if (was & ROW_DELETE) {
        leave_map(s, r);
    }
    r->epoch = s->epoch;
    if (last) {
        r->snapshot = NULL;
    } else {
        remember(s, r, was);
    }
}

void flush_settle(st_session *s, bool last)
{
    struct row **rows = s->pending.v;
    uint64_t hashes[AHEAD] = {0};
    for (size_t from = 0; from < s->pending.n; from += AHEAD) {
        size_t n = s->pending.n - from < AHEAD ? s->pending.n - from : AHEAD;
        for (size_t i = 0; i < n; i++) {
            const struct row *r = rows[from + i];
            if (r->flags & ROW_NEW) {
                hashes[i] = identity_hash(&s->map, r->mapper, row_object(r));
                identity_prefetch(&s->map, hashes[i]);
            }
        }
        for (size_t i = 0; i < n; i++) {
            settle(s, rows[from + i], hashes[i], last);
        }
    }
    s->pending.n = 0;
}

st_err flush_late_changes(st_session *s)
{
    for (size_t i = 0; i < s->touched.n; i++) {
        struct row *r = s->touched.v[i];
        if (r->flags & (ROW_PENDING | ROW_GONE) || st_mapper_image_same(r->mapper, row_object(r), r->snapshot->image)) {
            continue;
        }
        if (row_list_push(&s->pending, r) != 0) {
            return diag_nomem();
        }
        r->flags |= ROW_PENDING;
    }
    return 0;
}
