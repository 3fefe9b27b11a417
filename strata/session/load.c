#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "strata/model/value.h"
#include "strata/session/internal.h"
#include "strata/session/relations.h"

struct loading {
    st_session *s;
    const st_mapper *m;
};

int session_push_found(st_session *s, const void *obj)
{
    if (s->n_found == s->found_room) {
        size_t room = s->found_room ? s->found_room * 2 : 32;
        void **found = room > SIZE_MAX / sizeof *found ? NULL : mem_realloc(s->found, room * sizeof *found);
        if (!found) {
            return diag_nomem();
        }
        s->found = found;
        s->found_room = room;
    }
    s->found[s->n_found++] = (void *)(uintptr_t)obj; /* objects are the session's to write */
    return s->watch ? s->watch(s->watch_arg, s->found[s->n_found - 1]) : 0;
}

/* A row written by this transaction keeps what the caller changed since its flush; a commit then finds the conflict. */
int session_take_again(st_session *s, void *obj, const void *loaded)
{
    struct row *r = row_of(obj);
    size_t size = r->mapper->model->size;
    if (r->flags & ROW_PENDING) { /* only a cascade's select goes before the flush */
        return 0;
    }
    if (r->snapshot) {
        if (!st_mapper_image_same(r->mapper, obj, r->snapshot->image)) {
            return 0;
        }
        memcpy(r->snapshot->image, loaded, size); /* newer than the one that a rollback goes back to */
    }
    memcpy(obj, loaded, size);
    r->epoch = s->epoch;
    return 1; /* its strings stay where they are */
}

void session_take_new(st_session *s, const st_mapper *m, void *obj)
{
    *row_of(obj) = (struct row){.mapper = m, .session = s, .epoch = s->epoch};
}

/* Takes one decoded row in. Returns whether its memory is needed, as the driver asks; may run on another thread while
 * the session's fiber waits. A row that is not there yet goes into the map only afterwards: rows of one select differ
 * in their keys, so that none of them has to be looked for among the others. */
static int take_row(void *arg, void *obj)
{
    const struct loading *l = arg;
    st_session *s = l->s;
    void *there = s->map.n ? identity_find(&s->map, l->m, obj, identity_hash(&s->map, l->m, obj)) : NULL;
    int keep = 1;
    if (!there) {
        session_take_new(s, l->m, obj);
        there = obj;
    } else {
        keep = row_of(there)->epoch == s->epoch ? 0 : session_take_again(s, there, obj);
    }
    st_err rc = session_push_found(s, there);
    return rc ? rc : keep;
}

/* What is found, for the identity map to look at when somebody asks it. Only while nothing is pending or touched: what
 * undoes work must find all rows in the map and must not fail. */
static st_err defer(st_session *s, const st_mapper *m)
{
    struct identity_list *list = ARENA_NEW(s->arena, struct identity_list);
    void **items = arena_alloc(s->arena, s->n_found * sizeof *items);
    if (!list || !items) {
        return diag_nomem();
    }
    memcpy(items, s->found, s->n_found * sizeof *items);
    *list = (struct identity_list){.m = m, .objs = items, .n = s->n_found};
    identity_defer(&s->map, list);
    s->items = items;
    return 0;
}

st_err session_run(struct batch *b, const st_mapper *m, struct st_stmt *last, bool apart)
{
    st_session *s = b->s;
    struct loading *l = ARENA_NEW(s->scratch, struct loading);
    if (!l || (s->apart != m && identity_settle(&s->map, m) != 0)) {
        return diag_nomem();
    }
    *l = (struct loading){s, m};
    last->shape = &m->shape;
    last->arena = s->arena;
    last->row = take_row;
    last->arg = l;
    s->n_found = 0;
    s->items = NULL;
    st_err rc = batch_finish(b, last);
    if (rc) {
        return rc;
    }
    if (apart && s->n_found > 1 && s->pending.n == 0 && s->touched.n == 0) {
        return defer(s, m);
    }
    return identity_take(&s->map, m, s->found, s->n_found) ? diag_nomem() : 0;
}

st_err session_select_behind(struct batch *b, const st_mapper *m, const st_expr *where, const struct st_query *q)
{
    if (q && joined_wanted(q->with)) {
        return joined_select(b, m, where, q);
    }
    struct st_compiler c = session_compiler(b->s);
    struct st_stmt last = {.affected = 0};
    st_err rc = st_compile_select(&c, m, where, q, &last);
    return rc ? rc : session_run(b, m, &last, true);
}

st_err session_load(st_session *s, const st_mapper *m, const st_expr *where, const struct st_query *q)
{
    struct batch b;
    st_err rc = st_scope_confines(&s->scope, m); /* before a connection is taken for nothing */
    rc = rc < 0 ? rc : batch_begin(&b, s);
    int (*watch)(void *arg, void *obj) = s->watch; /* not of what a flush has to look up */
    s->watch = NULL;
    rc = rc ? rc : flush_into(&b);
    s->watch = watch;
    return rc ? rc : session_select_behind(&b, m, where, q);
}

st_err session_found(st_session *s, st_rows *ret)
{
    if (!s->items) {
        s->items = arena_alloc(s->arena, s->n_found * sizeof *s->items);
        if (!s->items) {
            return diag_nomem();
        }
        if (s->n_found) {
            memcpy(s->items, s->found, s->n_found * sizeof *s->items);
        }
    }
    *ret = (st_rows){.items = (const void *const *)s->items, .n = s->n_found};
    return 0;
}

st_err session_select(st_session *s, const st_model *m, const st_expr *where, const struct st_query *q, st_rows *ret)
{
    const st_mapper *mapper;
    st_err rc = session_mapper(s, m, &mapper);
    rc = rc ? rc : session_load(s, mapper, where, q);
    rc = rc ? rc : session_found(s, ret);
    return rc || !q || !q->with ? rc : relations_load(s, mapper, ret->items, ret->n, q->with);
}

st_rows st_select_(st_session *s, const st_model *m, const st_expr *where, const struct st_query *q)
{
    st_rows rows = {.n = 0};
    st_err rc = session_enter(s);
    rc = rc ? rc : session_leave(s, session_select(s, m, where, q, &rows));
    if (rc) {
        rows = (st_rows){.err = rc};
    }
    return rows;
}

static st_err first(st_session *s, const st_model *m, const st_expr *where, const struct st_query *q, const void **ret)
{
    const st_mapper *mapper;
    struct st_query one = *q;
    one.limit = 1;
    st_err rc = session_mapper(s, m, &mapper);
    rc = rc ? rc : session_load(s, mapper, where, &one);
    if (!rc && s->n_found) {
        *ret = s->found[0];
        rc = q->with ? relations_load(s, mapper, ret, 1, q->with) : 0;
    }
    return rc;
}

const void *st_first_(st_session *s, const st_model *m, const st_expr *where, const struct st_query *q)
{
    const void *obj = NULL;
    if (session_enter(s) == 0) {
        if (session_leave(s, first(s, m, where, q, &obj))) {
            return NULL;
        }
    }
    return obj;
}

struct key {
    void *probe;       /* a struct that is all zero but for the key */
    bool tenant_given; /* as the first part, or the model has none */
};

/* The tenant's part, when it is not given, is the session's. */
static st_err read_key(st_session *s, const st_mapper *m, const st_value *parts, size_t n, struct key *ret)
{
    ret->probe = arena_zalloc(s->scratch, 1, m->model->size);
    ret->tenant_given = n == m->n_key;
    if (!ret->probe) {
        return diag_nomem();
    }
    size_t next = 0;
    for (uint32_t i = 0; i < m->n_key; i++) {
        const st_attr *a = m->columns[m->key[i]].attr;
        st_value v = st_v_uuid(s->scope.tenant);
        if (!a->tenant || ret->tenant_given) {
            v = next < n ? parts[next] : (st_value){.null = true};
            next++;
        }
        if (v.null || !st_value_adapt(a, &v)) {
            return diag_set(ST_E_INVALID, "%s: the key has no %s of its type", m->model->name, a->name);
        }
        st_value_put(a, ret->probe, &v);
    }
    return next == n ? 0 : diag_set(ST_E_INVALID, "%s: the key has %zu parts, %zu were given", m->model->name, next, n);
}

/* The condition that names the key; without a tenant's part it is left to the scope. */
static st_err key_condition(st_session *s, const st_mapper *m, const struct key *k, const st_expr **ret)
{
    st_expr *nodes = ARENA_ARRAY(s->scratch, st_expr, (size_t)m->n_key + 1);
    const st_expr **parts = ARENA_ARRAY(s->scratch, const st_expr *, m->n_key);
    st_value *values = ARENA_ARRAY(s->scratch, st_value, m->n_key);
    if (!nodes || !parts || !values) {
        return diag_nomem();
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_key; i++) {
        const st_attr *a = m->columns[m->key[i]].attr;
        if (a->tenant && !k->tenant_given) {
            continue;
        }
        values[n] = st_value_get(a, k->probe);
        nodes[n] = (st_expr){.op = ST_OP_EQ, .model = m->model, .offset = a->offset, .n = 1, .values = &values[n]};
        parts[n] = &nodes[n];
        n++;
    }
    nodes[m->n_key] = (st_expr){.op = ST_OP_AND, .n = n, .args = parts};
    *ret = &nodes[m->n_key];
    return 0;
}

static st_err get(st_session *s, const st_model *m, const st_value *parts, size_t n, const void **ret)
{
    const st_mapper *mapper;
    st_err rc = session_mapper(s, m, &mapper);
    if (rc) {
        return rc;
    }
    int confines = st_scope_confines(&s->scope, mapper);
    struct key k;
    rc = confines < 0 ? confines : read_key(s, mapper, parts, n, &k);
    if (rc) {
        return rc;
    }
    if (k.tenant_given || confines) {
        if (identity_settle(&s->map, mapper) != 0) {
            return diag_nomem();
        }
        void *there = identity_find(&s->map, mapper, k.probe, identity_hash(&s->map, mapper, k.probe));
        if (there && row_of(there)->epoch == s->epoch) {
            *ret = row_of(there)->flags & ROW_DELETE ? NULL : there;
            return 0;
        }
    }
    const st_expr *where;
    rc = key_condition(s, mapper, &k, &where);
    rc = rc ? rc : session_load(s, mapper, where, NULL);
    if (!rc && s->n_found) {
        *ret = s->found[0];
    }
    return rc;
}

const void *st_get_(st_session *s, const st_model *m, const st_value *key, size_t n)
{
    const void *obj = NULL;
    if (session_enter(s) == 0) {
        (void)session_leave(s, get(s, m, key, n, &obj));
    }
    return obj;
}
