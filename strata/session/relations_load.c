#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "strata/model/value.h"
#include "strata/session/pairs.h"
#include "strata/session/relations.h"

/* ---- the foreign key is in the related rows: one-to-many and one-to-one ---- */

/* The rows found by one chunk, each with its owner: the number of the first object of that key. */
struct gathering {
    const struct relation_step *step;
    const struct keys *keys;
    const void *const *objs;
    uint32_t
        *owner; /* beside what is found; KEYS_NONE: the database takes more keys for equal than bytes do (citext) */
    size_t n, room;
    uint32_t *start;   /* [owner + 2] counts; then group g is start[g] up to start[g + 1] */
    const void **last; /* found of each owner */
    bool *unsorted;
};

static st_err gather_room(struct gathering *g)
{
    size_t room = g->room ? g->room * 2 : 64;
    uint32_t *owner = room < UINT32_MAX ? mem_realloc(g->owner, room * sizeof *owner) : NULL;
    if (!owner) {
        return diag_nomem();
    }
    g->owner = owner;
    g->room = room;
    return 0;
}

/* All that needs the row itself, while it is in the cache. */
static int gather(void *arg, void *obj)
{
    struct gathering *g = arg;
    const struct relation_step *step = g->step;
    st_err rc = g->n < g->room ? 0 : gather_room(g);
    if (rc) {
        return rc;
    }
    uint32_t before = g->n ? g->owner[g->n - 1] : KEYS_NONE;
    uint32_t owner = keys_find_next(g->keys, before, step->rel->far, step->target->tenant, obj);
    g->owner[g->n++] = owner;
    if (owner == KEYS_NONE) {
        return 0;
    }
    if (!step->plan->order && g->last[owner] && keys_compare(step->target, g->last[owner], obj) > 0) {
        g->unsorted[owner] = true;
    }
    g->last[owner] = obj;
    g->start[owner + 2]++;
    row_of(obj)->flags |= ROW_LISTED;
    if (step->rel->inverse) {
        *relation_ref(step->rel->inverse, obj) = (st_ref){.item = g->objs[owner], .loaded = true};
    }
    return 0;
}

static st_err put_groups(struct gathering *g, st_rows *ret)
{
    const struct relation_step *step = g->step;
    st_session *s = step->s;
    size_t n = g->keys->n;
    const void **items = arena_alloc(s->arena, s->n_found * sizeof *items); /* the lists point into it */
    if (!items) {
        return diag_nomem();
    }
    assert(g->n == s->n_found);
    for (size_t i = 2; i < n + 2; i++) {
        g->start[i] += g->start[i - 1];
    }
    for (size_t i = 0; i < g->n; i++) {
        if (g->owner[i] != KEYS_NONE) {
            items[g->start[g->owner[i] + 1]++] = s->found[i];
        }
    }
    st_err rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        if (g->keys->first[i] != i && g->keys->first[i] != KEYS_NONE) {
            continue; /* the same object once more */
        }
        const void **group = items + g->start[i];
        size_t count = g->start[i + 1] - g->start[i];
        rc = g->unsorted[i] ? keys_sort(s, step->target, group, count) : 0;
        if (step->rel->kind == ST_R_MANY) {
            *relation_list(step->rel, g->objs[i]) = (st_list){.items = group, .n = count, .loaded = true};
        } else {
            *relation_ref(step->rel->attr, g->objs[i]) = (st_ref){.item = count ? group[0] : NULL, .loaded = true};
        }
    }
    *ret = (st_rows){.items = items, .n = g->start[n]};
    return rc;
}

static st_err load_owned(const struct relation_step *step, const void *const *objs, size_t n, st_rows *ret)
{
    st_session *s = step->s;
    struct keys k;
    st_err rc = keys_read(&k, s, step->m, step->rel->near, objs, n);
    if (rc) {
        return rc;
    }
    struct gathering g = {.step = step,
                          .keys = &k,
                          .objs = objs,
                          .start = ARENA_ARRAY(s->scratch, uint32_t, n + 2),
                          .last = ARENA_ARRAY(s->scratch, const void *, n),
                          .unsorted = ARENA_ARRAY(s->scratch, bool, n)};
    if (!g.start || !g.last || !g.unsorted) {
        return diag_nomem();
    }
    s->watch = gather;
    s->watch_arg = &g;
    rc = keys_select(&k, s, step->target, step->rel->far, step->plan);
    s->watch = NULL;
    rc = rc ? rc : put_groups(&g, ret);
    mem_free(g.owner);
    return rc;
}

/* ---- the foreign key is here: many-to-one ---- */

/* The target of that key when the session has it as the database does, else NULL. */
static const void *known(const struct relation_step *step, void *probe, const void *obj)
{
    st_session *s = step->s;
    const st_mapper *t = step->target;
    st_value key = st_value_get(step->rel->near, obj);
    st_value_put(step->rel->far, probe, &key);
    if (t->tenant) {
        const st_value tenant = step->m->tenant ? st_value_get(step->m->tenant, obj) : st_v_uuid(s->scope.tenant);
        st_value_put(t->tenant, probe, &tenant);
    }
    const void *there = identity_find(&s->map, t, probe, identity_hash(&s->map, t, probe));
    bool fresh = there && row_of(there)->epoch == s->epoch && !(row_of(there)->flags & ROW_DELETE);
    return fresh ? there : NULL;
}

/* Finds in the identity map what is there; the objects that still need a query are moved to ask. */
static st_err take_known(const struct relation_step *step, const void *const *objs, size_t n, const void **ask,
                         size_t *ret_ask)
{
    void *probe = arena_zalloc(step->s->scratch, 1, step->target->model->size);
    bool may = !step->plan->where && !joined_wanted(step->plan->then) && step->target->n_key <= 2;
    if (!probe || identity_settle(&step->s->map, step->target) != 0) {
        return diag_nomem();
    }
    size_t n_ask = 0;
    for (size_t i = 0; i < n; i++) {
        bool null = st_value_is_null(step->rel->near, objs[i]);
        const void *there = may && !null ? known(step, probe, objs[i]) : NULL;
        if (there || null) {
            *relation_ref(step->rel->attr, objs[i]) = (st_ref){.item = there, .loaded = true};
        } else {
            ask[n_ask++] = objs[i];
        }
    }
    *ret_ask = n_ask;
    return 0;
}

/* The distinct targets of the objects, for what is loaded along with them. */
static st_err collect(const struct relation_step *step, const void *const *objs, size_t n, st_rows *ret)
{
    st_session *s = step->s;
    const void **items = ARENA_ARRAY(s->scratch, const void *, n);
    struct keys k;
    st_err rc = items ? keys_read(&k, s, step->m, step->rel->near, objs, n) : diag_nomem();
    size_t found = 0;
    for (uint32_t i = 0; i < n && !rc; i++) {
        const void *item = relation_ref(step->rel->attr, objs[i])->item;
        if (k.first[i] == i && item) {
            items[found++] = item;
        }
    }
    *ret = (st_rows){.items = items, .n = found};
    return rc;
}

static st_err load_target(const struct relation_step *step, const void *const *objs, size_t n, st_rows *ret)
{
    st_session *s = step->s;
    const struct st_relation *r = step->rel;
    const void **ask = ARENA_ARRAY(s->scratch, const void *, n), **targets = ARENA_ARRAY(s->scratch, const void *, n);
    size_t n_ask = 0;
    struct keys k;
    st_err rc = ask && targets ? take_known(step, objs, n, ask, &n_ask) : diag_nomem();
    rc = rc ? rc : keys_read(&k, s, step->m, r->near, ask, n_ask);
    const struct st_load plan = {.where = step->plan->where, .then = step->plan->then};
    rc = rc ? rc : keys_select(&k, s, step->target, r->far, &plan);
    for (size_t i = 0; !rc && i < s->n_found; i++) {
        uint32_t at = keys_find(&k, r->far, step->target->tenant, s->found[i]);
        if (at != KEYS_NONE) {
            targets[at] = s->found[i];
        }
    }
    for (size_t i = 0; !rc && i < n_ask; i++) {
        *relation_ref(r->attr, ask[i]) = (st_ref){.item = targets[k.first[i]], .loaded = true};
    }
    bool one_to_one = r->inverse && r->inverse->kind == ST_A_ONE;
    for (size_t i = 0; !rc && one_to_one && i < n; i++) {
        const void *item = relation_ref(r->attr, objs[i])->item;
        if (item) {
            *relation_ref(r->inverse, item) = (st_ref){.item = objs[i], .loaded = true};
        }
    }
    return rc || !step->plan->then ? rc : collect(step, objs, n, ret);
}

/* ---- plans ---- */

static st_err load_step(st_session *s, const st_mapper *m, const void *const *objs, size_t n,
                        const struct st_load *plan, unsigned depth);

/* Whether no row is found by two chunks: each has one key, and each key is in one chunk. */
static bool chunks_differ(const struct relation_step *step)
{
    const struct st_relation *r = step->rel;
    return (r->kind == ST_R_MANY || r->kind == ST_R_BACK) && !step->plan->then && !step->s->scope.system &&
           st_attr_type(r->near) != ST_TEXT;
}

static st_err load_chunks(const struct relation_step *step, const void *const *objs, size_t n)
{
    bool differ = chunks_differ(step);
    size_t chunk = keys_chunk(step->s, step->rel->near);
    for (size_t from = 0; from < n; from += chunk) {
        size_t part = n - from < chunk ? n - from : chunk;
        st_rows related = {.n = 0};
        st_err rc = step->rel->kind == ST_R_ONE       ? load_target(step, objs + from, part, &related)
                    : step->rel->kind == ST_R_THROUGH ? relations_load_through(step, objs + from, part, &related)
                                                      : load_owned(step, objs + from, part, &related);
        if (!rc && step->plan->then && related.n) {
            rc = load_step(step->s, step->target, related.items, related.n, step->plan->then, step->depth + 1);
        }
        step->s->apart = differ && !rc && from + part < n ? step->target : NULL;
        if (rc) {
            return rc;
        }
    }
    return 0;
}

/* What was joined to the objects, each once. */
static st_err collect_joined(const struct relation_step *step, const void *const *objs, size_t n, st_rows *ret)
{
    st_session *s = step->s;
    struct pairs seen = {.n = 0};
    int added = 0;
    for (size_t i = 0; i < n && added >= 0; i++) {
        if (st_relation_is_list(step->rel)) {
            const st_list *list = relation_list(step->rel, objs[i]);
            for (size_t k = 0; k < list->n && added >= 0; k++) {
                added = pairs_add(&seen, list->items[k], NULL, NULL);
            }
        } else if (relation_ref(step->rel->attr, objs[i])->item) {
            added = pairs_add(&seen, relation_ref(step->rel->attr, objs[i])->item, NULL, NULL);
        }
    }
    const void **items = added < 0 ? NULL : ARENA_ARRAY(s->scratch, const void *, seen.n);
    for (uint32_t i = 0; items && i < seen.n; i++) {
        items[i] = seen.v[i].a;
    }
    *ret = (st_rows){.items = items, .n = items ? seen.n : 0};
    pairs_release(&seen);
    return items ? 0 : diag_nomem();
}

static st_err load_behind(const struct relation_step *step, const void *const *objs, size_t n)
{
    st_rows related = {.n = 0};
    st_err rc = step->plan->then ? collect_joined(step, objs, n, &related) : 0;
    return rc || related.n == 0
               ? rc
               : load_step(step->s, step->target, related.items, related.n, step->plan->then, step->depth + 1);
}

st_err relations_find(const st_mapper *m, const struct st_load *plan, const struct st_relation **ret)
{
    if (plan->model != m->model) {
        return diag_set(ST_E_INVALID, "a loader of %s along with objects of %s", plan->model->name, m->model->name);
    }
    *ret = st_mapper_relation_at(m, plan->member);
    return *ret
               ? 0
               : diag_set(ST_E_INVALID, "a loader of %s names a member that its descriptor does not have as a relation",
                          m->model->name);
}

/* How objects that are there are loaded for, whatever the plan says: nothing can be joined to them any more. */
static st_err load_one(st_session *s, const st_mapper *m, const void *const *objs, size_t n, const struct st_load *plan,
                       unsigned depth, bool joined)
{
    struct relation_step step = {.s = s, .plan = plan, .m = m, .depth = depth};
    st_err rc = relations_find(m, plan, &step.rel);
    rc = rc ? rc : session_mapper(s, step.rel->attr->target, &step.target);
    return rc || n == 0 ? rc : joined ? load_behind(&step, objs, n) : load_chunks(&step, objs, n);
}

static st_err load_step(st_session *s, const st_mapper *m, const void *const *objs, size_t n,
                        const struct st_load *plan, unsigned depth)
{
    if (depth > ST_LOAD_DEPTH_MAX) {
        return diag_set(ST_E_INVALID, "loaders nest deeper than %d", ST_LOAD_DEPTH_MAX);
    }
    if (plan->how != ST_L_ALL) {
        return load_one(s, m, objs, n, plan, depth, plan->how == ST_L_JOINED);
    }
    st_err rc = 0;
    for (const struct st_load *const *each = plan->all; *each && !rc; each++) {
        rc = load_step(s, m, objs, n, *each, depth + 1);
    }
    return rc;
}

st_err relations_load(st_session *s, const st_mapper *m, const void *const *objs, size_t n, const struct st_load *plan)
{
    return load_step(s, m, objs, n, plan, 1);
}

/* Loads for objects that the caller names, which may be any. */
static st_err load_named(st_session *s, st_rows rows, const struct st_load *plan)
{
    if (rows.err) {
        return rows.err;
    }
    const st_mapper *m;
    st_err rc = session_mapper(s, plan->model, &m);
    for (size_t i = 0; i < rows.n && !rc; i++) {
        struct row *r;
        rc = session_row(s, rows.items[i], &r);
        if (!rc && r->mapper != m) {
            rc = diag_set(ST_E_INVALID, "a loader of %s along with objects of %s", m->model->name,
                          r->mapper->model->name);
        }
    }
    return rc ? rc : load_one(s, m, rows.items, rows.n, plan, 1, false);
}

st_err st_load_rows_(st_session *s, st_rows rows, const struct st_load *plan)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, load_named(s, rows, plan));
}

st_err st_load_one_(st_session *s, const void *obj, const struct st_load *plan)
{
    assert(obj);
    return st_load_rows_(s, (st_rows){.items = &obj, .n = 1}, plan);
}
