/* What a database has, compared with what the program knows. */
#include <errno.h>

#include "strata/migrate/private.h"

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

static int pass(void *arg, void *obj)
{
    (void)arg;
    (void)obj;
    return 0;
}

struct st_stmt migrate_print_plainly(arena *a)
{
    static const struct st_field field = {.type = ST_TEXT};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    return (struct st_stmt){
        .sql =
            STR("SELECT concat(set_config('quote_all_identifiers', 'off', true), set_config('DateStyle', 'ISO, YMD', "
                "true), set_config('IntervalStyle', 'postgres', true), set_config('TimeZone', 'UTC', true), "
                "set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true))"),
        .shape = &shape,
        .arena = a,
        .row = pass};
}
