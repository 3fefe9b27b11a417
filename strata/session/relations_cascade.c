/* What goes with a deleted row. It is worked out once a flush, for all rows to be deleted together: one query a
 * relation and some thousands of rows, and one look through what is loaded. */
#include <errno.h>
#include <string.h>

#include "strata/model/value.h"
#include "strata/session/relations.h"

/* Rows to be deleted whose relations were not followed yet are behind `next`; rows of one model mostly stand together.
 */
struct work {
    st_session *s;
    struct batch *b;
    const void **rows;
    size_t n, room, next;
};

static st_err push(struct work *w, const void *obj)
{
    if (w->n == w->room) {
        size_t room = w->room ? w->room * 2 : 64;
        const void **rows = ARENA_ARRAY(w->s->scratch, const void *, room);
        if (!rows) {
            return diag_nomem();
        }
        if (w->n) {
            memcpy(rows, w->rows, w->n * sizeof *rows);
        }
        w->rows = rows;
        w->room = room;
    }
    w->rows[w->n++] = obj;
    return 0;
}

struct following {
    const st_mapper *m; /* of the rows that point at those deleted */
    const st_attr *key; /* by this column of theirs */
    enum st_action action;
    bool database; /* which does it for rows that are not loaded */
};

/* One row that points at a deleted one, by its key as the session has it now. */
static st_err follow(struct work *w, const struct following *f, const struct keys *k, const void *obj)
{
    struct row *r = row_of(obj);
    if (r->mapper != f->m || r->flags & (ROW_DELETE | ROW_GONE) ||
        keys_find(k, f->key, f->m->tenant, obj) == KEYS_NONE) {
        return 0;
    }
    st_err rc = f->action == ST_CASCADE ? session_delete(w->s, obj) : session_edit(w->s, obj, &r);
    if (!rc && f->action == ST_CASCADE) {
        rc = push(w, obj);
    } else if (!rc) {
        st_value_put(f->key, row_object(r), &(const st_value){.null = true});
    }
    return rc;
}

static st_err follow_all(struct work *w, const struct following *f, const struct keys *k)
{
    st_session *s = w->s;
    st_err rc = 0;
    if (f->database) {
        for (size_t i = 0; !rc && s->map.slots && i <= s->map.mask; i++) {
            rc = s->map.slots[i].obj ? follow(w, f, k, s->map.slots[i].obj) : 0;
        }
    } else {
        const st_expr in = {
            .op = ST_OP_IN, .model = f->m->model, .offset = f->key->offset, .n = k->n_list, .list = k->list};
        rc = session_select_behind(w->b, f->m, &in, NULL);
        for (size_t i = 0; !rc && i < s->n_found; i++) {
            rc = follow(w, f, k, s->found[i]);
        }
    }
    for (size_t i = s->pending.n; !rc && i-- > 0;) { /* those that the database does not know of */
        rc = follow(w, f, k, row_object(s->pending.v[i]));
    }
    return rc;
}

static bool read_following(const struct st_relation *r, const st_model *m, struct following *ret)
{
    const st_attr *key = r->kind == ST_R_THROUGH ? r->left : r->far;
    enum st_action by_key = key->references == m ? key->on_delete : ST_NO_ACTION;
    ret->key = key;
    ret->database = by_key == ST_CASCADE || by_key == ST_SET_NULL || by_key == ST_SET_DEFAULT;
    ret->action = ret->database ? by_key : r->attr->on_delete;
    if (r->kind == ST_R_THROUGH && ret->action == ST_NO_ACTION) {
        ret->action = ST_CASCADE; /* a row between means nothing without its ends */
    }
    return r->kind != ST_R_ONE && (ret->action == ST_CASCADE || ret->action == ST_SET_NULL);
}

/* The next rows of one model. */
enum { FOLLOW_CHUNK = 8192 };
static st_err follow_relations(struct work *w)
{
    const st_mapper *m = row_of(w->rows[w->next])->mapper;
    size_t end = w->next;
    while (end < w->n && end - w->next < FOLLOW_CHUNK && row_of(w->rows[end])->mapper == m) {
        end++;
    }
    const void *const *rows = w->rows + w->next; /* stays when push makes room */
    size_t n = end - w->next;
    w->next = end;
    st_err rc = 0;
    for (uint32_t i = 0; i < m->n_relations && !rc; i++) {
        const struct st_relation *r = &m->relations[i];
        struct following f;
        struct keys k;
        bool follows = read_following(r, m->model, &f);
        w->s->keys_changed |= f.action == ST_SET_DEFAULT; /* to what, the database alone knows */
        if (!follows) {
            continue;
        }
        rc = session_mapper(w->s, r->kind == ST_R_THROUGH ? r->attr->through : r->attr->target, &f.m);
        rc = rc ? rc : keys_read(&k, w->s, m, r->near, rows, n);
        rc = rc || k.n_list == 0 ? rc : follow_all(w, &f, &k);
    }
    return rc;
}

st_err relations_cascade(struct batch *b)
{
    st_session *s = b->s;
    struct work w = {.s = s, .b = b};
    st_err rc = 0;
    for (size_t i = 0; i < s->pending.n && !rc; i++) {
        rc = s->pending.v[i]->flags & ROW_DELETE ? push(&w, row_object(s->pending.v[i])) : 0;
    }
    while (w.next < w.n && !rc) {
        rc = follow_relations(&w);
    }
    s->cascades = false;
    return rc;
}
