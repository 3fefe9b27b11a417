#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "strata/session/internal.h"

/* Used sessions, kept because memory that was touched before is what makes loading fast. */
enum { POOL_SESSIONS = 64 };
static const size_t POOL_BYTES = 256u << 20; /* held by arenas and maps of all of them */
struct st_session_pool {
    st_session *first;
    size_t n, held;
    size_t open; /* sessions not closed */
};

static size_t held_by(const st_session *s)
{
    size_t lists = (s->pending.room + s->touched.room) * sizeof(struct row *) + s->found_room * sizeof *s->found;
    size_t map = s->map.slots ? (s->map.mask + 1) * sizeof *s->map.slots : 0;
    return arena_held(s->arena) + arena_held(s->scratch) + lists + map;
}

static void session_free(st_session *s)
{
    if (s) {
        identity_release(&s->map);
        savepoints_release(&s->savepoints);
        mem_free(s->pending.v);
        mem_free(s->touched.v);
        mem_free(s->found);
        arena_free(s->arena);
        arena_free(s->scratch);
        mem_free(s);
    }
}

static void pool_free(void *arg)
{
    struct st_session_pool *p = arg;
    assert(p->open == 0); /* every session must be closed before its engine */
    while (p->first) {
        st_session *s = p->first;
        p->first = s->next;
        session_free(s);
    }
}

static struct st_session_pool *pool_of(st_registry *r)
{
    if (!r->sessions) {
        struct st_session_pool *p = ARENA_NEW(r->arena, struct st_session_pool);
        if (!p || arena_on_reset(r->arena, pool_free, p) != 0) {
            return NULL;
        }
        r->sessions = p;
    }
    return r->sessions;
}

static st_session *session_new(void)
{
    st_session *s = mem_zalloc(1, sizeof *s);
    if (s && (!(s->arena = arena_new(NULL, 0)) || !(s->scratch = arena_new(NULL, 0)))) {
        session_free(s);
        return NULL;
    }
    return s;
}

static st_session *pool_take(struct st_session_pool *p)
{
    st_session *s = p->first;
    if (s) {
        p->first = s->next;
        p->n--;
        p->held -= held_by(s);
    } else {
        s = session_new();
    }
    p->open += s != NULL;
    return s;
}

static void pool_put(struct st_session_pool *p, st_session *s)
{
    assert(p->open > 0 && !s->conn && s->pending.n == 0 && s->touched.n == 0);
    p->open--;
    savepoints_release(&s->savepoints);
    identity_clear(&s->map);
    arena_reset(s->arena);
    arena_reset(s->scratch);
    size_t held = held_by(s);
    if (p->n == POOL_SESSIONS || held > POOL_BYTES - p->held) {
        session_free(s);
        return;
    }
    s->next = p->first;
    p->first = s;
    p->n++;
    p->held += held;
}

st_err st_session_open(st_engine *e, const struct st_session_options *o, st_session **ret)
{
    assert(e && o && ret && o->isolation <= ST_SERIALIZABLE);
    st_registry *reg;
    st_err rc = st_registry_of(e, &reg);
    if (rc) {
        return rc;
    }
    struct st_session_pool *pool = pool_of(reg);
    st_session *s = pool ? pool_take(pool) : NULL;
    if (!s) {
        return diag_nomem();
    }
    s->err = 0;
    s->reg = reg;
    s->scope = (struct st_scope){.tenant = o->tenant, .system = o->system != NULL && uuid_is_nil(o->tenant)};
    s->read_only = o->read_only || o->autocommit;
    s->autocommit = o->autocommit;
    s->deadline = o->deadline ? o->deadline : FIBER_FOREVER;
    s->isolation = o->isolation;
    hooks_of(s, st_engine_hooks(e), o->hooks);
    s->map.seed = reg->seed;
    s->next = NULL;
    s->items = NULL;
    s->apart = NULL;
    s->watch = NULL;
    s->busy = s->begun = s->long_lists = s->cascades = s->lists_stale = s->keys_changed = false;
    if (s->scope.system) {
        st_engine_audit(e, o->system);
    }
    *ret = s;
    return 0;
}

/* What ST_SESSION holds when there was no memory for a session: read, never written. */
static const st_session no_memory = {.err = -ENOMEM};

st_session *st_session_start(st_engine *e, const struct st_session_options *o)
{
    st_session *s;
    return st_session_open(e, o, &s) == 0 ? s : (st_session *)(uintptr_t)&no_memory;
}

void st_session_close(st_session *s)
{
    if (!s || s == &no_memory) {
        return;
    }
    assert(!s->busy); /* another fiber is in a call on it */
    s->hook.rolled_back = s->hook.n && s->pending.n + s->touched.n > 0;
    transaction_undo(s);
    if (s->hook.rolled_back) {
        struct diag kept = *diag_last();
        s->err = diag_set(ST_E_INVALID, "the session is being closed");
        s->failure = *diag_last();
        hooks_tell(s);
        *diag_last() = kept;
    }
    streams_forget(s);
    pool_put(s->reg->sessions, s);
}

void st_session_closep(st_session **s)
{
    st_session_close(*s);
}

st_err st_session_error(const st_session *s)
{
    return s->err;
}

arena *st_session_arena(st_session *s)
{
    return s->arena;
}

/* ---- the frame of every call ---- */

st_err session_enter(st_session *s)
{
    if (s == &no_memory) {
        return diag_nomem();
    }
    if (s->err) {
        *diag_last() = s->failure;
        return s->err;
    }
    if (s->busy && !s->hook.flushing) {
        return diag_set(-EBUSY, "two fibers use one session at a time: open one for each");
    }
    s->busy = true;
    s->epoch += s->autocommit; /* each call reads anew */
    return 0;
}

st_err session_leave(st_session *s, st_err rc)
{
    assert(s->busy);
    s->busy = s->hook.flushing; /* a call within a hook: the frame around it goes on */
    if (rc && !s->err) {
        if (diag_last()->code != rc) {
            (void)diag_set(rc, "%s", rc == -ENOMEM ? "out of memory" : st_error_name(rc));
        }
        s->err = rc;
        s->failure = *diag_last();
    }
    if (s->hook.flushing) {
        return rc;
    }
    arena_reset(s->scratch);
    if (s->hook.n) {
        rc ? hooks_forget(s) : hooks_tell(s);
    }
    return rc;
}

st_err session_writes(const st_session *s)
{
    return s->read_only ? diag_set(ST_E_READ_ONLY, "a write in a session opened with %s",
                                   s->autocommit ? ".autocommit, which only reads" : ".read_only")
                        : 0;
}

st_err session_mapper(st_session *s, const st_model *m, const st_mapper **ret)
{
    return st_registry_mapper(s->reg, m, ret);
}

struct st_compiler session_compiler(const st_session *s)
{
    return (struct st_compiler){.reg = s->reg, .scope = &s->scope, .scratch = s->scratch, .long_lists = s->long_lists};
}

int row_list_reserve(struct row_list *l, size_t more)
{
    if (l->room - l->n >= more) {
        return 0;
    }
    size_t room = l->room ? l->room * 2 : 32;
    room = room < l->n + more ? l->n + more : room;
    if (room > SIZE_MAX / sizeof *l->v) {
        return -ENOMEM;
    }
    struct row **v = mem_realloc(l->v, room * sizeof *v);
    if (!v) {
        return -ENOMEM;
    }
    l->v = v;
    l->room = room;
    return 0;
}

int row_list_push(struct row_list *l, struct row *r)
{
    int rc = l->n < l->room ? 0 : row_list_reserve(l, 1);
    if (!rc) {
        l->v[l->n++] = r;
    }
    return rc;
}
