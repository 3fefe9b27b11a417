#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "strata/model/value.h"
#include "strata/session/flush.h"

/* From this many new rows of a model on, one bulk statement beats as many in the pipeline. */
enum { BULK_MIN = 8 };

/* ---- before anything is sent ---- */

static st_err keep_changed(st_session *s, struct row *r)
{
    const st_mapper *m = r->mapper;
    void *obj = row_object(r);
    const char *was = (const char *)r->snapshot->image;
    for (uint32_t i = 0; i < m->n_columns; i++) {
        const st_attr *a = m->columns[i].attr;
        if (m->columns[i].points && memcmp((const char *)obj + a->offset, was + a->offset, a->size) != 0 &&
            st_value_keep(a, obj, s->arena) != 0) {
            return diag_nomem();
        }
    }
    return 0;
}

static st_err prepare_edit(st_session *s, struct row *r)
{
    const st_mapper *m = r->mapper;
    const void *obj = row_object(r), *was = r->snapshot->image;
    if (m->tenant && !st_value_same(m->tenant, obj, was)) {
        return diag_set(ST_E_TENANT, "%s: a row never changes its tenant", m->model->name);
    }
    if (!st_mapper_key_same(m, obj, was)) {
        return diag_set(ST_E_INVALID, "%s: a row never changes its primary key", m->model->name);
    }
    st_err rc = make_updates(s, m, row_object(r), was, s->arena);
    rc = rc ? rc : st_mapper_validate(m, obj);
    return rc ? rc : keep_changed(s, r);
}

/* The snapshot that settling the row will fill: a flush must not fail once it has sent something. */
static st_err make_snapshot(st_session *s, struct row *r, bool is_new)
{
    struct snapshot **ahead = is_new ? &r->snapshot : &r->snapshot->next;
    return *ahead || (*ahead = snapshot_new(s, r)) ? 0 : diag_nomem();
}

static st_err prepare(st_session *s, struct plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct group *g = &p->groups[i];
        for (size_t k = 0; k < g->n_new + g->n_edit; k++) {
            struct row *r = g->rows[k];
            bool is_new = k < g->n_new;
            st_err rc = is_new ? fill_new_row(s, g->m, row_object(r), p->now) : prepare_edit(s, r);
            rc = rc || !is_new ? rc : st_mapper_take(g->m, row_object(r), s->arena);
            rc = rc || p->last ? rc : make_snapshot(s, r, is_new);
            if (rc) {
                return rc;
            }
        }
    }
    if ((!p->last && row_list_reserve(&s->touched, s->pending.n) != 0) ||
        identity_reserve(&s->map, s->pending.n) != 0) {
        return diag_nomem();
    }
    return p->last ? 0 : savepoints_reserve(&s->savepoints, s->pending.n);
}

/* ---- statements ---- */

static st_err insert_bulk(struct batch *b, const struct group *g)
{
    st_session *s = b->s;
    void **objects = ARENA_ARRAY(s->scratch, void *, g->n_new);
    if (!objects) {
        return diag_nomem();
    }
    for (size_t i = 0; i < g->n_new; i++) {
        objects[i] = row_object(g->rows[i]);
    }
    struct st_compiler c = session_compiler(s);
    struct st_bulk bulk;
    st_err rc = st_compile_bulk(&c, g->m, objects, g->n_new, &(const struct st_bulk_options){.update = NULL}, &bulk);
    rc = rc ? rc : batch_run(b); /* parents, and BEGIN, go before */
    rc = rc ? rc : st_conn_bulk(s->conn, &bulk, s->deadline);
    return rc ? diag_wrap(rc, "%s", g->m->model->table) : 0;
}

static st_err insert_new(struct batch *b, const struct group *g)
{
    if (g->n_new >= BULK_MIN) {
        return insert_bulk(b, g);
    }
    struct st_compiler c = session_compiler(b->s);
    for (size_t i = 0; i < g->n_new; i++) {
        struct st_stmt *stmt;
        st_err rc = batch_add(b, g->rows[i], false, &stmt);
        rc = rc ? rc : st_compile_insert(&c, g->m, row_object(g->rows[i]), stmt);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

/* Counts the row's version on; returns what it was, for the guard. */
static const st_value *next_version(const struct row *r, void *obj, st_value *ret_old)
{
    const st_attr *a = r->mapper->version;
    if (!a) {
        return NULL;
    }
    *ret_old = st_value_get(a, r->snapshot->image);
    st_value next = *ret_old;
    if (next.type == ST_INT32) {
        next.i32 = next.i32 < INT32_MAX ? next.i32 + 1 : 1;
    } else {
        next.i64 = next.i64 < INT64_MAX ? next.i64 + 1 : 1;
    }
    if (obj) {
        st_value_put(a, obj, &next);
    }
    return ret_old;
}

static st_err update_row(struct batch *b, const struct group *g, struct row *r, st_time now)
{
    const st_mapper *m = g->m;
    void *obj = row_object(r);
    uint32_t *changed = ARENA_ARRAY(b->s->scratch, uint32_t, m->n_columns);
    if (!changed) {
        return diag_nomem();
    }
    size_t n = 0;
    for (uint32_t i = 0; i < m->n_columns; i++) {
        const st_attr *a = m->columns[i].attr;
        if (a != m->version && a != m->updated && !st_value_same(a, obj, r->snapshot->image)) {
            changed[n++] = i;
            b->s->lists_stale |= a->references != NULL;
        }
    }
    if (n == 0) {
        return 0;
    }
    st_value old;
    const st_value *version = next_version(r, obj, &old);
    if (m->version) {
        changed[n++] = st_mapper_column_at(m, m->version->offset);
    }
    if (m->updated) {
        st_value t = st_v_time(now);
        st_value_put(m->updated, obj, &t);
        changed[n++] = st_mapper_column_at(m, m->updated->offset);
    }
    struct st_stmt *stmt;
    struct st_compiler c = session_compiler(b->s);
    st_err rc = batch_add(b, r, true, &stmt);
    return rc ? rc : st_compile_update(&c, m, obj, changed, n, version, stmt);
}

static st_err delete_row(struct batch *b, const struct group *g, const struct row *r)
{
    st_value old;
    const st_value *version = next_version(r, NULL, &old);
    struct st_stmt *stmt;
    struct st_compiler c = session_compiler(b->s);
    st_err rc = batch_add(b, r, true, &stmt);
    return rc ? rc : st_compile_delete(&c, g->m, r->snapshot->image, version, stmt);
}

/* The group's new rows, those foreign keys that wait for rows of a later group left null meanwhile. */
static st_err insert_group(struct batch *b, const struct plan *p, const struct group *g)
{
    const struct row_order *o = &p->insert;
    const st_value null = {.null = true};
    for (size_t i = 0; i < o->n_knots; i++) {
        if (o->knots[i].row->mapper == g->m) {
            st_value_put(o->knots[i].key, row_object(o->knots[i].row), &null);
        }
    }
    st_err rc = insert_new(b, g);
    for (size_t i = 0; i < o->n_knots; i++) {
        if (o->knots[i].row->mapper == g->m) {
            st_value_put(o->knots[i].key, row_object(o->knots[i].row), &o->knots[i].value);
        }
    }
    return rc;
}

/* The second update: of new rows to what they point at, of rows about to be deleted to null. */
static st_err write_knots(struct batch *b, const struct row_order *o, bool deleted)
{
    st_err rc = 0;
    for (size_t i = 0; i < o->n_knots && !rc; i++) {
        const struct knot *k = &o->knots[i];
        const st_mapper *m = k->row->mapper;
        void *obj = arena_alloc(b->s->scratch, m->model->size);
        uint32_t *column = ARENA_NEW(b->s->scratch, uint32_t);
        if (!obj || !column) {
            return diag_nomem();
        }
        memcpy(obj, deleted ? (const void *)k->row->snapshot->image : row_object(k->row), m->model->size);
        if (deleted) {
            st_value_put(k->key, obj, &(const st_value){.null = true});
        }
        *column = st_mapper_column_at(m, k->key->offset);
        struct st_stmt *stmt;
        struct st_compiler c = session_compiler(b->s);
        rc = batch_add(b, k->row, true, &stmt);
        rc = rc ? rc : st_compile_update(&c, m, obj, column, 1, NULL, stmt);
    }
    return rc;
}

/* Whether m has a foreign key to the model. */
static bool refers(const st_mapper *m, const st_model *to)
{
    for (uint32_t c = 0; c < m->n_columns; c++) {
        if (m->columns[c].attr->references == to) {
            return true;
        }
    }
    return false;
}

/* Deletes come before all else where they may, so that another row can take a deleted one's place in a unique key: in
 * groups whose rows are referred to only by rows that go first, too, and not by any that a change still points
 * elsewhere.
 */
static void choose_first(const struct plan *p)
{
    bool wanted = false;
    for (size_t i = 0; i < p->n; i++) {
        wanted |= p->groups[i].n_delete && p->groups[i].n_new + p->groups[i].n_edit;
    }
    for (size_t i = p->n; wanted && i-- > 0;) { /* children first */
        struct group *g = &p->groups[p->removal.groups[i]];
        bool first = g->n_delete > 0;
        for (size_t k = 0; k < p->removal.n_knots && first; k++) {
            first = p->removal.knots[k].row->mapper != g->m;
        }
        for (size_t k = 0; k < p->n && first; k++) {
            const struct group *by = &p->groups[k];
            bool safe = by->n_edit == 0 && (by == g || by->n_delete == 0 || by->first);
            first = safe || !refers(by->m, g->m->model);
        }
        g->first = first;
    }
}

/* Those that come first, or the others. */
static st_err delete_rows(struct batch *b, const struct plan *p, bool first)
{
    st_err rc = 0;
    for (size_t i = p->n; i-- > 0 && !rc;) {
        const struct group *g = &p->groups[p->removal.groups[i]];
        for (size_t k = g->first == first ? g->n_delete : 0; k-- > 0 && !rc;) {
            rc = delete_row(b, g, g->rows[g->n_new + g->n_edit + k]);
        }
    }
    return rc;
}

static st_err write_all(struct batch *b, const struct plan *p)
{
    choose_first(p);
    st_err rc = delete_rows(b, p, true);
    for (size_t i = 0; i < p->n && !rc; i++) {
        rc = insert_group(b, p, &p->groups[p->insert.groups[i]]);
    }
    rc = rc ? rc : write_knots(b, &p->insert, false);
    for (size_t i = 0; i < p->n && !rc; i++) {
        const struct group *g = &p->groups[i];
        for (size_t k = g->n_new; k < g->n_new + g->n_edit && !rc; k++) {
            rc = update_row(b, g, g->rows[k], p->now);
        }
    }
    rc = rc ? rc : write_knots(b, &p->removal, true);
    return rc ? rc : delete_rows(b, p, false);
}

/* What is pending, as statements; it stays pending. last: nothing of the transaction follows but its end. */
static st_err write_pending(struct batch *b, bool last)
{
    st_session *s = b->s;
    struct plan p = {.now = {clock_wall_us()}, .last = last};
    st_err rc = s->cascades || s->hook.n ? hooks_before_flush(b) : 0;
    rc = rc ? rc : flush_group(s, &p);
    rc = rc ? rc : prepare(s, &p);
    rc = rc ? rc : flush_order(s, &p, false, &p.insert);
    rc = rc ? rc : flush_order(s, &p, true, &p.removal);
    return rc ? rc : write_all(b, &p);
}

st_err flush_into(struct batch *b)
{
    if (b->s->pending.n == 0) {
        return 0;
    }
    st_err rc = write_pending(b, false);
    if (!rc) {
        flush_settle(b->s, false);
        b->s->epoch += b->s->keys_changed;
        b->s->keys_changed = false;
    }
    return rc;
}

st_err flush_last(struct batch *b)
{
    return b->s->pending.n ? write_pending(b, true) : 0;
}
