/* Running revisions: one transaction each, together with the row that records it. */
#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "strata/migrate/private.h"

struct runner {
    st_conn *conn;
    enum st_dialect d;
    const struct migrate_graph *g;
    const char *target;
    bool up;
    bool *todo;    /* by node; fixed once the target is resolved */
    bool *applied; /* by node; read again in each transaction */
    bool resolved;
    bool foreign_keys_off; /* SQLite: the next revision rebuilds tables, and the pragma holds outside transactions only
                            */
    const struct migrate_watch *watch;
    int64_t deadline;
};

/* Everything that one revision does, in the transaction that is open. *ret_again: nothing yet, for it wants foreign
 * keys off. */
static st_err run_revision(struct runner *r, arena *a, const struct migrate_state *state, const st_revision *rev,
                           bool *ret_again)
{
    st_ops ops;
    struct migrate_plan plan = {0};
    migrate_ops_init(&ops, a, r->d);
    st_err (*change)(st_ops *) = r->up ? rev->upgrade : rev->downgrade;
    st_err rc = change(&ops);
    rc = ops.err ? ops.err : rc;
    rc = rc ? rc : migrate_plan_ops(a, r->d, ops.ops, ops.n, &plan);
    for (size_t i = 0; !rc && i < plan.n_phases; i++) {
        *ret_again = *ret_again || (plan.phases[i].foreign_keys_off && !r->foreign_keys_off);
    }
    if (!rc && *ret_again) {
        return 0;
    }
    rc = rc ? rc : migrate_record(a, r->d, state, rev, r->up, &plan);
    rc = rc ? rc : migrate_run_steps(r->conn, a, &plan, r->deadline);
    return rc ? diag_wrap(rc, "%s of the revision %s", r->up ? "upgrade" : "downgrade", rev->id) : 0;
}

/* Resolved once, with the state that the first transaction found: "+1" must not move on when another upgrade runs. */
static st_err resolve(struct runner *r, arena *a)
{
    if (r->resolved) {
        return 0;
    }
    st_err rc = r->up ? migrate_resolve_upgrade(r->g, r->target, r->applied, r->todo)
                      : migrate_resolve_downgrade(a, r->g, r->target, r->applied, r->todo);
    for (size_t i = 0; !rc && !r->up && i < r->g->n; i++) {
        const st_revision *rev = r->g->nodes[i].rev;
        if (r->todo[i] && !rev->downgrade) {
            rc = diag_set(ST_E_INVALID, "revision %s (\"%.100s\") cannot be undone: it has no downgrade", rev->id,
                          rev->message);
        }
    }
    r->resolved = !rc;
    return rc;
}

/* The next node to apply or undo, or NULL. */
static const struct migrate_node *next_node(const struct runner *r)
{
    for (size_t k = 0; k < r->g->n; k++) {
        size_t i = r->up ? k : r->g->n - 1 - k;
        if (r->todo[i] && r->applied[i] != r->up) {
            return &r->g->nodes[i];
        }
    }
    return NULL;
}

/* One transaction. *ret_done when nothing is left. */
static st_err run_one(struct runner *r, arena *a, bool *ret_done)
{
    int64_t start = clock_mono_ns();
    struct migrate_state state;
    bool again = false;
    st_err rc = r->foreign_keys_off ? st_conn_exec(r->conn, "PRAGMA foreign_keys = OFF", r->deadline) : 0;
    rc = rc ? rc : migrate_begin(r->conn, r->deadline);
    rc = rc ? rc : migrate_state_read(r->conn, a, r->deadline, &state);
    rc = rc ? rc : migrate_state_flags(r->g, &state, r->applied);
    rc = rc ? rc : resolve(r, a);
    if (rc) {
        return rc;
    }
    const struct migrate_node *node = next_node(r);
    if (!node) {
        *ret_done = true;
        return st_conn_exec(r->conn, "ROLLBACK", r->deadline);
    }
    assert(st_conn_in_transaction(r->conn));
    rc = run_revision(r, a, &state, node->rev, &again);
    if (!rc && again) {
        r->foreign_keys_off = true;
        return st_conn_exec(r->conn, "ROLLBACK", r->deadline);
    }
    if (!rc) {
        rc = st_conn_exec(r->conn, "COMMIT", r->deadline);
    }
    if (!rc && r->foreign_keys_off) {
        r->foreign_keys_off = false;
        rc = st_conn_exec(r->conn, "PRAGMA foreign_keys = ON", r->deadline);
    }
    if (!rc && r->watch && r->watch->done) {
        r->watch->done(r->watch->arg, node->rev, r->up, clock_mono_ns() - start);
    }
    return rc;
}

st_err migrate_run(st_engine *e, const struct st_migrations *m, const char *target, bool up,
                   const struct migrate_watch *w, int64_t deadline)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    arena *each = a ? arena_new(a, 0) : NULL;
    struct migrate_graph g;
    if (!each) {
        return diag_nomem();
    }
    st_err rc = migrate_graph_of(a, m->revisions, &g);
    if (rc) {
        return rc;
    }
    struct runner r = {
        .d = st_engine_dialect(e), .g = &g, .target = target, .up = up, .watch = w, .deadline = deadline};
    r.todo = ARENA_ARRAY(a, bool, g.n);
    r.applied = ARENA_ARRAY(a, bool, g.n);
    if (!r.todo || !r.applied) {
        return diag_nomem();
    }
    rc = st_conn_acquire(e, true, deadline, &r.conn);
    if (rc) {
        return rc;
    }
    for (bool done = false; !rc && !done;) {
        arena_reset(each);
        rc = run_one(&r, each, &done);
    }
    st_conn_release(r.conn); /* rolls back what failed */
    return rc;
}

st_err st_upgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline)
{
    return migrate_run(e, m, target, true, NULL, deadline);
}

st_err st_downgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline)
{
    return migrate_run(e, m, target, false, NULL, deadline);
}

st_err migrate_look(st_engine *e, arena *a, int64_t deadline, struct migrate_state *ret)
{
    st_conn *c;
    st_err rc = st_conn_acquire(e, false, deadline, &c);
    if (!rc) {
        rc = migrate_state_read(c, a, deadline, ret);
        st_conn_release(c);
    }
    return rc;
}

st_err st_current(st_engine *e, const struct st_migrations *m, arena *a, const char *const **ret, size_t *ret_n)
{
    (void)m;
    struct migrate_state s;
    st_err rc = migrate_look(e, a, FIBER_FOREVER, &s);
    return rc ? rc : migrate_state_heads(a, &s, ret, ret_n);
}

st_err migrate_missing(const struct st_migrations *m, const struct migrate_graph *g, const bool *applied)
{
    size_t n = 0, first = 0;
    for (size_t i = g->n; i-- > 0;) {
        if (!applied[i]) {
            n++;
            first = i;
        }
    }
    if (!n) {
        return 0;
    }
    diag_set(ST_E_SCHEMA, "the database lacks %zu of %zu revisions, the first of them %s (\"%.100s\")", n, g->n,
             g->nodes[first].rev->id, g->nodes[first].rev->message);
    diag_hint("run: %s upgrade", m->program);
    return ST_E_SCHEMA;
}

bool st_is_at_head(st_engine *e, const struct st_migrations *m)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    struct migrate_graph g;
    struct migrate_state s;
    st_err rc = a ? migrate_graph_of(a, m->revisions, &g) : diag_nomem();
    bool *applied = rc ? NULL : ARENA_ARRAY(a, bool, g.n);
    if (!applied) {
        (void)(rc ? rc : diag_nomem());
        return false;
    }
    rc = migrate_look(e, a, FIBER_FOREVER, &s);
    rc = rc ? rc : migrate_state_flags(&g, &s, applied);
    return !(rc ? rc : migrate_missing(m, &g, applied));
}
