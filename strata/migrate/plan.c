/* Plans: phases of steps. What the steps are is the dialects' matter, plan_postgresql.c and plan_sqlite.c. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/private.h"

st_err migrate_plan_phase(arena *a, struct migrate_plan *p, const char *name, bool no_transaction)
{
    if (p->n_phases == 0 || p->phases[p->n_phases - 1].n > 0) {
        st_err rc = migrate_grow(a, &p->phases, p->n_phases, &p->phases_room, sizeof *p->phases);
        if (rc) {
            return rc;
        }
        p->n_phases++;
    }
    p->phases[p->n_phases - 1] = (struct migrate_phase){.name = name, .first = p->n, .no_transaction = no_transaction};
    return 0;
}

st_err migrate_plan_step(arena *a, struct migrate_plan *p, const struct migrate_step *s)
{
    st_err rc = p->n_phases ? 0 : migrate_plan_phase(a, p, "all", false);
    rc = rc ? rc : migrate_grow(a, &p->steps, p->n, &p->room, sizeof *p->steps);
    if (!rc) {
        struct migrate_phase *last = &p->phases[p->n_phases - 1];
        assert(last->first + last->n == p->n && !(last->no_transaction && last->n));
        p->steps[p->n++] = *s;
        last->n++;
    }
    return rc;
}

st_err migrate_plan_add(arena *a, struct migrate_plan *p, buf *sql, const char *refuse, const struct migrate_op *op)
{
    st_err rc = sql->err;
    const char *text = migrate_text(a, sql);
    if (!text) {
        return rc == -E2BIG ? diag_set(rc, "a statement for the table %s is longer than %d bytes",
                                       op && op->table ? op->table : "?", ST_DDL_MAX)
                            : diag_nomem();
    }
    return migrate_plan_step(
        a, p,
        &(const struct migrate_step){
            .kind = refuse ? MIGRATE_STEP_REFUSE : MIGRATE_STEP_SQL, .sql = text, .refuse = refuse, .op = op});
}

st_err migrate_planner_add(struct migrate_planner *p, const char *refuse, const struct migrate_op *op)
{
    return migrate_plan_add(p->a, p->plan, &p->sql, refuse, op);
}

st_err migrate_plan_ops(arena *a, enum st_dialect d, struct migrate_op *ops, size_t n, struct migrate_plan *ret)
{
    struct migrate_planner p = {.a = a, .d = d, .ops = ops, .n = n, .plan = ret};
    buf_init(&p.sql, ST_DDL_MAX);
    st_err rc = d == ST_SQLITE ? migrate_order_edits(a, ops, n) : 0;
    rc = rc ? rc : d == ST_SQLITE ? migrate_plan_sqlite(&p) : migrate_plan_postgresql(&p);
    buf_release(&p.sql);
    return rc;
}
