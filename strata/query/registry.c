#include "strata/query/registry.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "strata/model/result.h"
#include "strata/model/value.h"

enum { REFERENCE_DEPTH_MAX = 64 };

static void release_buffers(void *arg)
{
    st_registry *r = arg;
    buf_release(&r->key);
    buf_release(&r->sql);
}

st_err st_registry_new(arena *a, enum st_dialect dialect, st_registry **ret)
{
    st_registry *r = ARENA_NEW(a, st_registry);
    if (!r) {
        return diag_nomem();
    }
    r->arena = a;
    r->dialect = dialect;
    st_uuid random = uuid_v7();
    memcpy(&r->seed, random.b + 8, sizeof r->seed);
    buf_init(&r->key, SQL_MAX);
    buf_init(&r->sql, SQL_MAX);
    if (arena_on_reset(a, release_buffers, r) != 0) {
        return diag_nomem();
    }
    *ret = r;
    return 0;
}

static st_mapper **bucket(st_registry *r, const st_model *m)
{
    return &r->mappers[st_mix((uintptr_t)m, 0) % REGISTRY_MAPPERS];
}

static st_err get_mapper(st_registry *r, const st_model *m, unsigned depth, const st_mapper **ret);

/* Ranks m above what it references. On a cycle the mapper that is being ranked counts as 0. */
static st_err rank(st_registry *r, st_mapper *mapper, unsigned depth)
{
    for (uint32_t i = 0; i < mapper->n_columns; i++) {
        const st_model *up = mapper->columns[i].attr->references;
        if (!up || up == mapper->model) {
            continue;
        }
        const st_mapper *above;
        st_err rc = get_mapper(r, up, depth + 1, &above);
        if (rc) {
            return rc;
        }
        mapper->rank = above->rank + 1 > mapper->rank ? above->rank + 1 : mapper->rank;
    }
    return 0;
}

static st_err get_mapper(st_registry *r, const st_model *m, unsigned depth, const st_mapper **ret)
{
    st_mapper **at = bucket(r, m);
    for (const st_mapper *x = *at; x; x = x->next) {
        if (x->model == m) {
            *ret = x;
            return 0;
        }
    }
    if (depth == REFERENCE_DEPTH_MAX) {
        return diag_set(ST_E_INVALID, "model %s: over %d models reference each other in a row", m->name,
                        REFERENCE_DEPTH_MAX);
    }
    st_mapper *mapper;
    st_err rc = st_mapper_new(r->arena, m, &mapper);
    if (rc) {
        return rc;
    }
    mapper->next = *at;
    *at = mapper;
    rc = rank(r, mapper, depth);
    if (rc) {
        while (*at != mapper) { /* those found meanwhile may stand before it */
            at = &(*at)->next;
        }
        *at = mapper->next;
        return rc;
    }
    *ret = mapper;
    return 0;
}

st_err st_registry_mapper(st_registry *r, const st_model *m, const st_mapper **ret)
{
    assert(r && m);
    return get_mapper(r, m, 0, ret);
}

st_err st_registry_result(st_registry *r, const st_model *m, const st_mapper **ret)
{
    st_mapper **at = &r->results[st_mix((uintptr_t)m, 0) % REGISTRY_MAPPERS];
    for (const st_mapper *x = *at; x; x = x->next) {
        if (x->model == m) {
            *ret = x;
            return 0;
        }
    }
    st_mapper *mapper;
    st_err rc = st_mapper_new_result(r->arena, m, &mapper);
    if (rc) {
        return rc;
    }
    mapper->next = *at;
    *at = mapper;
    *ret = mapper;
    return 0;
}

struct st_plan *st_registry_find_plan(const st_registry *r, str key, uint64_t hash)
{
    struct st_plan *p = r->plans[hash % REGISTRY_PLANS];
    while (p && (p->hash != hash || !str_eq(p->key, key))) {
        p = p->next;
    }
    return p;
}

struct st_plan *st_registry_add_plan(st_registry *r, str key, uint64_t hash, str sql, size_t n_params, arena *scratch)
{
    bool keep = r->n_plans < PLANS_MAX;
    arena *a = keep ? r->arena : scratch;
    struct st_plan *p = ARENA_NEW(a, struct st_plan);
    char *text = arena_memdup0(a, sql.p, sql.len);
    char *shape = keep ? arena_memdup0(a, key.p, key.len) : text;
    if (!p || !text || !shape) {
        return NULL;
    }
    uint64_t id = st_hash_bytes(sql.p, sql.len, 0);
    *p = (struct st_plan){
        .key = {shape, key.len}, .hash = hash, .sql = {text, sql.len}, .id = id ? id : 1, .n_params = n_params};
    if (keep) {
        p->next = r->plans[hash % REGISTRY_PLANS];
        r->plans[hash % REGISTRY_PLANS] = p;
        r->n_plans++;
    } else {
        p->key = (str){NULL, 0};
    }
    return p;
}
