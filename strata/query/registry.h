/* registry.h: what an engine keeps for its queries: mappers, compiled statements and used session memory; private.
 *
 * Hangs in the engine's slot, lives in the engine's arena, and belongs to the engine's loop. */
#ifndef STRATA_QUERY_REGISTRY_H
#define STRATA_QUERY_REGISTRY_H

#include "base/buf.h"
#include "strata/engine/driver.h"
#include "strata/model/mapper.h"

/* A statement's text, compiled once per shape. */
struct st_plan {
    struct st_plan *next;
    str key; /* the shape: two statements of one key differ in their parameters only */
    uint64_t hash;
    str sql;
    uint64_t id; /* content hash of sql, never 0 */
    size_t n_params;
    bool by_key; /* touches a row or none */
};

/* PLANS_MAX bounds the memory; shapes beyond are compiled at each use. */
enum { REGISTRY_MAPPERS = 64, REGISTRY_PLANS = 1024, PLANS_MAX = 4096, SQL_MAX = 1 << 20, LONG_LIST_MAX = 1 << 17 };

struct st_session_pool;
typedef struct st_registry {
    st_engine *engine;
    enum st_dialect dialect;
    arena *arena;
    st_mapper *mappers[REGISTRY_MAPPERS];
    st_mapper *results[REGISTRY_MAPPERS]; /* of result structs: no table, no key */
    struct st_plan *plans[REGISTRY_PLANS];
    size_t n_plans;
    uint64_t seed;                    /* of hashes of keys, which may be chosen by strangers */
    buf key, sql;                     /* scratch of the compiler, which never suspends */
    struct st_session_pool *sessions; /* the session layer's */
} st_registry;

/* The engine's registry, made at the first call. */
st_err st_registry_of(st_engine *e, st_registry **ret);
/* One without an engine, for tests of the compiler; a's reset releases it. */
st_err st_registry_new(arena *a, enum st_dialect dialect, st_registry **ret);
/* The mapper of m, made with those of the models it references at the first call. */
st_err st_registry_mapper(st_registry *r, const st_model *m, const st_mapper **ret);
/* The same for a result struct. */
st_err st_registry_result(st_registry *r, const st_model *m, const st_mapper **ret);

struct st_plan *st_registry_find_plan(const st_registry *r, str key, uint64_t hash);
/* Keeps a plan made of key and sql in the registry, or in scratch when the registry is full. NULL: out of memory. */
struct st_plan *st_registry_add_plan(st_registry *r, str key, uint64_t hash, str sql, size_t n_params, arena *scratch);

#endif
