/* Both sides of a relation in step when the program changes one. */
#include <errno.h>
#include <string.h>

#include "strata/model/value.h"
#include "strata/session/relations.h"

/* The two ends of a call: an object, its relation, and the other object (NULL: none). */
struct ends {
    struct row *owner, *other;
    const struct st_relation *rel;
};

static st_err read_ends(st_session *s, const void *owner, uint32_t member, const void *other, struct ends *ret)
{
    assert(owner);
    *ret = (struct ends){NULL, NULL, NULL};
    st_err rc = session_writes(s);
    rc = rc ? rc : session_row(s, owner, &ret->owner);
    rc = rc || !other ? rc : session_row(s, other, &ret->other);
    if (rc) {
        return rc;
    }
    const st_mapper *m = ret->owner->mapper;
    ret->rel = st_mapper_relation_at(m, member);
    if (!ret->rel) {
        return diag_set(ST_E_INVALID, "a member of %s that its descriptor does not have as a relation", m->model->name);
    }
    const st_model *target = ret->rel->attr->target;
    if (ret->other && ret->other->mapper->model != target) {
        return diag_set(ST_E_INVALID, "%s.%s holds %s, not %s", m->model->name, ret->rel->attr->name, target->name,
                        ret->other->mapper->model->name);
    }
    const st_attr *a = m->tenant, *b = ret->other ? ret->other->mapper->tenant : NULL;
    return a && b && !keys_same(a, owner, b, other)
               ? diag_set(ST_E_TENANT, "%s.%s: rows of two tenants are never related", m->model->name,
                          ret->rel->attr->name)
               : 0;
}

static bool stands_in(const st_list *l, const void *item)
{
    size_t i = l->n;
    while (i > 0 && l->items[i - 1] != item) {
        i--;
    }
    return i > 0;
}

/* Adds to a loaded list. In place when there is room behind it, which is this list's alone. */
static st_err push(st_session *s, st_list *l, const void *item)
{
    bool listed = row_of(item)->flags & ROW_LISTED;
    if (!l->loaded || (listed && stands_in(l, item))) {
        return 0;
    }
    if (l->room == 0) {
        size_t room = l->n < 8 ? 8 : l->n;
        const void **items = room < UINT32_MAX ? ARENA_ARRAY(s->arena, const void *, l->n + room) : NULL;
        if (!items) {
            return diag_nomem();
        }
        if (l->n) {
            memcpy(items, l->items, l->n * sizeof *items);
        }
        l->items = items;
        l->room = (uint32_t)room;
    }
    ((const void **)(uintptr_t)l->items)[l->n++] = item;
    l->room--;
    row_of(item)->flags |= ROW_LISTED;
    return 0;
}

static st_err drop(st_session *s, st_list *l, const void *item)
{
    if (!l->loaded || !stands_in(l, item)) {
        return 0;
    }
    const void **items = ARENA_ARRAY(s->arena, const void *, l->n);
    size_t n = 0;
    for (size_t i = 0; items && i < l->n; i++) {
        if (l->items[i] != item) {
            items[n++] = l->items[i];
        }
    }
    if (!items) {
        return diag_nomem();
    }
    *l = (st_list){.items = items, .n = n, .loaded = true};
    return 0;
}

/* A new object's list is what was put into it. */
static st_list *list_of(const struct st_relation *r, const struct row *owner)
{
    st_list *l = relation_list(r, row_object(owner));
    l->loaded |= (owner->flags & ROW_NEW) != 0;
    return l;
}

/* ---- one foreign key ---- */

/* Takes child out of its parent: a null key, or its deletion. parent_side is the relation that its parent has it in, or
 * NULL. */
static st_err take_out(st_session *s, struct row *child, const st_attr *key, const st_attr *parent_side)
{
    struct row *r;
    s->lists_stale = true;
    if (parent_side && parent_side->delete_orphan) {
        return session_delete(s, row_object(child));
    }
    const char *name = child->mapper->model->name;
    if (!st_attr_nullable(key)) {
        st_err rc = diag_set(ST_E_INVALID, "%s.%s may not be null: a %s is never without it", name, key->name, name);
        diag_hint("delete it, or let the relation say .delete_orphan = true");
        return rc;
    }
    st_err rc = session_edit(s, row_object(child), &r);
    if (!rc) {
        st_value_put(key, row_object(child), &(const st_value){.null = true});
    }
    return rc;
}

/* Who is where parent's one-to-one points now makes room. */
static st_err make_room(st_session *s, const struct row *parent, const st_attr *back, const st_attr *key,
                        const void *child)
{
    const st_ref *ref = relation_ref(back, row_object(parent));
    if (!ref->loaded || !ref->item || ref->item == child || row_of(ref->item)->flags & (ROW_GONE | ROW_DELETE)) {
        return 0;
    }
    return take_out(s, row_of(ref->item), key, back);
}

/* child's key points at parent from now on; child_side and parent_side are the relations of each, or NULL. */
static st_err put_in(st_session *s, struct row *child, const st_attr *child_side, struct row *parent,
                     const st_attr *parent_side, const st_attr *key)
{
    struct row *r;
    const st_attr *id = st_model_own_key(parent->mapper->model);
    st_value v = st_value_get(id, row_object(parent));
    if (v.null) {
        return diag_set(ST_E_INVALID, "a new %s has no %s yet, which its children point at: set it first",
                        parent->mapper->model->name, id->name);
    }
    bool one = parent_side && parent_side->kind == ST_A_ONE;
    st_err rc = one ? make_room(s, parent, parent_side, key, row_object(child)) : 0;
    rc = rc ? rc : session_edit(s, row_object(child), &r);
    if (!rc && parent_side && !one) {
        const struct st_relation *side = st_mapper_relation_at(parent->mapper, parent_side->offset);
        rc = push(s, list_of(side, parent), row_object(child));
    }
    if (rc) {
        return rc;
    }
    st_value_put(key, row_object(child), &v);
    s->lists_stale = true;
    if (one) {
        *relation_ref(parent_side, row_object(parent)) = (st_ref){.item = row_object(child), .loaded = true};
    }
    if (child_side) {
        *relation_ref(child_side, row_object(child)) = (st_ref){.item = row_object(parent), .loaded = true};
    }
    return 0;
}

/* ---- many-to-many ---- */

static st_err relate(st_session *s, const struct ends *e)
{
    const struct st_relation *r = e->rel;
    st_list *mine = list_of(r, e->owner);
    const void *owner = row_object(e->owner), *other = row_object(e->other);
    if (mine->loaded && stands_in(mine, other)) {
        return 0;
    }
    void *between = arena_zalloc(s->scratch, 1, r->attr->through->size), *added;
    if (!between) {
        return diag_nomem();
    }
    st_value left = st_value_get(r->near, owner), right = st_value_get(r->far, other);
    st_value_put(r->left, between, &left);
    st_value_put(r->right, between, &right);
    const st_attr *tenant = st_model_tenant(r->attr->through);
    if (tenant && e->owner->mapper->tenant) {
        st_value t = st_value_get(e->owner->mapper->tenant, owner);
        st_value_put(tenant, between, &t);
    }
    st_err rc = session_add(s, r->attr->through, between, &added);
    rc = rc ? rc : push(s, mine, other);
    if (!rc && r->inverse) {
        rc = push(s, list_of(st_mapper_relation_at(e->other->mapper, r->inverse->offset), e->other), owner);
    }
    return rc;
}

static st_err unrelate(st_session *s, const struct ends *e)
{
    const struct st_relation *r = e->rel;
    const void *owner = row_object(e->owner), *other = row_object(e->other);
    const st_mapper *between;
    st_err rc = session_mapper(s, r->attr->through, &between);
    const st_value left = st_value_get(r->near, owner), right = st_value_get(r->far, other);
    const st_expr is_left = {
        .op = ST_OP_EQ, .model = r->attr->through, .offset = r->left->offset, .n = 1, .values = &left};
    const st_expr is_right = {
        .op = ST_OP_EQ, .model = r->attr->through, .offset = r->right->offset, .n = 1, .values = &right};
    const st_expr *const parts[] = {&is_left, &is_right};
    const st_expr both = {.op = ST_OP_AND, .n = 2, .args = parts};
    rc = rc ? rc : session_load(s, between, &both, NULL);
    if (!rc && s->n_found == 0) {
        rc = diag_set(ST_E_NOT_FOUND, "%s.%s does not hold that %s", e->owner->mapper->model->name, r->attr->name,
                      r->attr->target->name);
    }
    for (size_t i = 0; !rc && i < s->n_found; i++) {
        rc = session_delete(s, s->found[i]);
    }
    rc = rc ? rc : drop(s, relation_list(r, owner), other);
    if (!rc && r->inverse) {
        const struct st_relation *inverse = st_mapper_relation_at(e->other->mapper, r->inverse->offset);
        rc = drop(s, relation_list(inverse, other), owner);
    }
    return rc;
}

/* ---- the calls ---- */

static st_err append(st_session *s, const void *parent, uint32_t member, const void *child)
{
    assert(child);
    struct ends e;
    st_err rc = read_ends(s, parent, member, child, &e);
    if (rc) {
        return rc;
    }
    return e.rel->kind == ST_R_THROUGH ? relate(s, &e)
                                       : put_in(s, e.other, e.rel->inverse, e.owner, e.rel->attr, e.rel->far);
}

st_err st_append_(st_session *s, const void *parent, uint32_t member, const void *child)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, append(s, parent, member, child));
}

static st_err remove_(st_session *s, const void *parent, uint32_t member, const void *child)
{
    assert(child);
    struct ends e;
    st_err rc = read_ends(s, parent, member, child, &e);
    if (rc) {
        return rc;
    }
    if (e.rel->kind == ST_R_THROUGH) {
        return unrelate(s, &e);
    }
    if (!keys_same(e.rel->far, child, e.rel->near, parent)) {
        return diag_set(ST_E_NOT_FOUND, "%s.%s does not hold that %s", e.owner->mapper->model->name, e.rel->attr->name,
                        e.rel->attr->target->name);
    }
    rc = take_out(s, e.other, e.rel->far, e.rel->attr);
    if (!rc && e.rel->inverse) {
        *relation_ref(e.rel->inverse, child) = (st_ref){.item = NULL, .loaded = true};
    }
    return rc;
}

st_err st_remove_(st_session *s, const void *parent, uint32_t member, const void *child)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, remove_(s, parent, member, child));
}

static st_err set_ref(st_session *s, const void *obj, uint32_t member, const void *other)
{
    struct ends e;
    st_err rc = read_ends(s, obj, member, other, &e);
    if (rc) {
        return rc;
    }
    const struct st_relation *r = e.rel;
    st_ref *ref = relation_ref(r->attr, obj);
    if (e.other) {
        return r->kind == ST_R_ONE ? put_in(s, e.owner, r->attr, e.other, r->inverse, r->near)
                                   : put_in(s, e.other, r->inverse, e.owner, r->attr, r->far);
    }
    if (r->kind == ST_R_ONE) {
        rc = take_out(s, e.owner, r->near, r->inverse);
    } else if (ref->loaded || e.owner->flags & ROW_NEW) {
        rc = ref->item ? take_out(s, row_of(ref->item), r->far, r->attr) : 0;
    } else {
        rc = diag_set(ST_E_NOT_LOADED, "%s.%s was not loaded: what it holds is to be let go first",
                      e.owner->mapper->model->name, r->attr->name);
    }
    if (!rc) {
        *ref = (st_ref){.item = NULL, .loaded = true};
    }
    return rc;
}

st_err st_set_ref_(st_session *s, const void *obj, uint32_t member, const void *other)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, set_ref(s, obj, member, other));
}
