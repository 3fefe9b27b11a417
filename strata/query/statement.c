#include "strata/query/statement.h"

#include <assert.h>
#include <errno.h>

#include "strata/model/value.h"

static void walk(struct st_pen *p, const struct st_statement *st)
{
    st_shape_byte(p, (unsigned char)st->form);
    st_shape_ptr(p, st->m);
    switch (st->form) {
    case ST_F_SELECT:
    case ST_F_COUNT:
        st_walk_select(p, st);
        break;
    case ST_F_JOINED:
        st_walk_joined(p, st);
        break;
    case ST_F_INSERT:
        st_walk_insert(p, st);
        break;
    case ST_F_UPDATE:
    case ST_F_UPDATE_WHERE:
        st_walk_update(p, st);
        break;
    case ST_F_DELETE:
    case ST_F_DELETE_WHERE:
        st_walk_delete(p, st);
        break;
    case ST_F_BULK:
        st_walk_bulk(p, st);
        break;
    case ST_F_BULK_UPDATE:
        st_walk_bulk_update(p, st);
        break;
    case ST_F_COPY:
        st_walk_copy(p, st);
        break;
    case ST_F_READ:
        st_walk_read(p, st->reading);
        break;
    }
    st_err full = p->reg->key.err ? p->reg->key.err : p->reg->sql.err;
    if (!p->err && full) {
        p->err = full == -ENOMEM
                     ? diag_nomem()
                     : diag_set(ST_E_INVALID, "a statement on %s is over %d bytes", st->m->model->name, SQL_MAX);
    }
}

/* Second walk: the same one, now with ink. */
static const struct st_plan *write_plan(struct st_pen *p, const struct st_statement *st, uint64_t hash)
{
    size_t n = p->n_params;
    p->writing = true;
    p->n_params = p->nodes = 0;
    p->n_sources = p->n_with = p->n_shared = 0;
    walk(p, st);
    if (p->err) {
        return NULL;
    }
    assert(p->n_params == n);
    struct st_plan *plan =
        st_registry_add_plan(p->reg, buf_str(&p->reg->key), hash, buf_str(&p->reg->sql), n, p->scratch);
    if (!plan) {
        p->err = diag_nomem();
        return NULL;
    }
    bool reads = st->form == ST_F_SELECT || st->form == ST_F_COUNT;
    plan->by_key = st->by_key || (reads && st_is_point(st->m, st->where));
    return plan;
}

st_err st_compile(const struct st_compiler *c, struct st_statement *st, struct st_stmt *ret)
{
    struct st_scoped scoped;
    const struct st_source table = {.model = st->m->model, .m = st->m};
    struct st_pen p = {.reg = c->reg, .m = st->m, .scope = c->scope, .scratch = c->scratch};
    p.long_lists = c->long_lists;
    if (st->form != ST_F_READ) {
        st_err rc = st_scope_where(c->scope, st->m, st->m->model, st->where, &scoped);
        if (rc) {
            return rc;
        }
        st->confined = scoped.where != st->where;
        st->where = scoped.where;
        p.sources = &table;
    }
    buf_clear(&c->reg->key);
    buf_clear(&c->reg->sql);
    walk(&p, st);
    if (p.err) {
        return p.err;
    }
    str key = buf_str(&c->reg->key);
    uint64_t hash = st_hash_bytes(key.p, key.len, c->reg->seed);
    const struct st_plan *plan = st_registry_find_plan(c->reg, key, hash);
    if (!plan && !(plan = write_plan(&p, st, hash))) {
        return p.err;
    }
    assert(plan->n_params == p.n_params);
    ret->sql = plan->sql;
    ret->id = plan->id;
    ret->params = p.params;
    ret->n_params = p.n_params;
    ret->quick = plan->by_key;
    ret->pure = st->form == ST_F_SELECT || st->form == ST_F_COUNT || st->form == ST_F_READ;
    ret->pure &= !st->query || !st->query->for_update;
    return 0;
}
