/* Operations on PostgreSQL so that nobody waits for long: the recipes of docs/internals/migrate.md.
 *
 * A table that this revision creates is nobody's yet, and one that it drops nobody's any more: for these the direct
 * forms will do. Of the others a transaction locks one, and only for changes of the catalog; scans happen under locks
 * that let readers and writers through, in transactions of their own. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/plan_safe.h"

/* ---- which tables are in use ---- */

/* Whether an earlier operation made the table. */
static bool is_fresh(const struct migrate_planner *p, const struct migrate_op *op, const char *table)
{
    for (const struct migrate_op *o = op; o-- > p->ops;) {
        if (o->kind == MIGRATE_RENAME_TABLE && strcmp(o->rename.to, table) == 0) {
            table = o->table;
        } else if (o->kind == MIGRATE_CREATE_TABLE && strcmp(o->table, table) == 0) {
            return true;
        }
    }
    return false;
}

bool safe_is_made_later(const struct migrate_planner *p, const struct migrate_op *op, const char *table)
{
    for (const struct migrate_op *o = op + 1; o < p->ops + p->n; o++) {
        if (o->kind == MIGRATE_CREATE_TABLE && strcmp(o->table, table) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_doomed(const struct migrate_planner *p, const struct migrate_op *op, const char *table)
{
    for (const struct migrate_op *o = op; o < p->ops + p->n; o++) {
        if (o->kind == MIGRATE_RENAME_TABLE && strcmp(o->table, table) == 0) {
            table = o->rename.to;
        } else if (o->kind == MIGRATE_DROP_TABLE && strcmp(o->table, table) == 0) {
            return true;
        }
    }
    return false;
}

bool migrate_needs_recipe(const struct migrate_planner *p, const struct migrate_op *op)
{
    return p->safe && !is_fresh(p, op, op->table) && !is_doomed(p, op, op->table);
}

/* ---- phases ---- */

static st_err begin_phase(struct migrate_planner *p, const char *what, const char *name, bool no_transaction)
{
    const char *text = name ? arena_printf(p->a, "%s %s", what, name) : what;
    p->safe->strong = NULL;
    p->safe->closed = false;
    return text ? migrate_plan_phase(p->a, p->plan, text, no_transaction) : diag_nomem();
}

/* A phase for what comes next, which may share a transaction with what is there. */
static st_err go_on(struct migrate_planner *p)
{
    return p->safe->closed ? begin_phase(p, "go on", NULL, false) : 0;
}

/* The same before a lock on a table in use: one of them a transaction. */
st_err safe_enter(struct migrate_planner *p, const char *table)
{
    static const char doomed[] = "";
    struct migrate_safe *s = p->safe;
    const char *strong = is_doomed(p, s->op, table) ? doomed : table;
    if (s->together) {
        return 0;
    }
    if (is_fresh(p, s->op, table)) {
        return go_on(p);
    }
    if (s->closed || s->raw || (s->strong && strcmp(s->strong, strong) != 0)) {
        st_err rc = begin_phase(p, "change", table, false);
        if (rc) {
            return rc;
        }
    }
    s->raw = false;
    s->strong = strong;
    return 0;
}

/* A phase of its own, before and after which others begin. */
st_err safe_alone(struct migrate_planner *p, const char *what, const char *name, bool no_transaction)
{
    st_err rc = begin_phase(p, what, name, no_transaction);
    p->safe->closed = true;
    return rc;
}

st_err safe_add(struct migrate_planner *p)
{
    return migrate_planner_add(p, NULL, p->safe->op);
}

/* ---- foreign keys of new tables, which wait for a transaction of their own ---- */

st_err safe_keep_key(struct migrate_planner *p, const struct migrate_op *op, const st_table_fk *fk)
{
    struct migrate_safe *s = p->safe;
    st_err rc = migrate_grow(p->a, &s->keys, s->n_keys, &s->keys_room, sizeof *s->keys);
    if (!rc) {
        s->keys[s->n_keys++] = (struct safe_key){.op = op, .fk = fk};
    }
    return rc;
}

/* NOT VALID: it holds for new rows at once, and for the old ones after the next phase. */
st_err safe_add_key(struct migrate_planner *p, const struct migrate_op *op, const char *table, const st_table_fk *fk)
{
    bool moves = op > p->ops && op[-1].kind == MIGRATE_DROP_CONSTRAINT && op[-1].constraint.kind == ST_C_FK &&
                 strcmp(op[-1].table, table) == 0 && !p->safe->closed; /* the old one goes when the new one comes */
    p->safe->op = op;
    st_err rc = moves ? 0 : safe_alone(p, "key", fk->name, false);
    ddl_alter(&p->sql, table);
    buf_puts(&p->sql, "ADD ");
    ddl_fk(&p->sql, fk);
    buf_puts(&p->sql, " NOT VALID");
    rc = rc ? rc : safe_add(p);
    rc = rc ? rc : safe_alone(p, "validate", fk->name, false);
    ddl_alter(&p->sql, table);
    buf_puts(&p->sql, "VALIDATE CONSTRAINT ");
    ddl_ident(&p->sql, fk->name);
    rc = rc ? rc : safe_add(p);
    if (!rc && strcmp(fk->table, table) != 0) {
        struct migrate_step *s = &p->plan->steps[p->plan->n - 1];
        struct migrate_held *other = ARENA_NEW(p->a, struct migrate_held);
        if (!other) {
            return diag_nomem();
        }
        *other = (struct migrate_held){MIGRATE_LOCK_ROW_SHARE, fk->table};
        s->others = other;
        s->n_others = 1;
    }
    return rc;
}

/* Those whose table is there now. */
static st_err add_kept_keys(struct migrate_planner *p, const struct migrate_op *at)
{
    struct migrate_safe *s = p->safe;
    st_err rc = 0;
    for (size_t i = 0; !rc && i < s->n_keys; i++) {
        struct safe_key *k = &s->keys[i];
        if (!k->fk || safe_is_made_later(p, at, k->fk->table)) {
            continue;
        }
        const st_table_fk *fk = k->fk;
        k->fk = NULL;
        if (is_fresh(p, at + 1, fk->table)) {
            rc = go_on(p);
            ddl_alter(&p->sql, k->op->table);
            buf_puts(&p->sql, "ADD ");
            ddl_fk(&p->sql, fk);
            rc = rc ? rc : migrate_planner_add(p, NULL, k->op);
        } else {
            rc = safe_add_key(p, k->op, k->op->table, fk);
        }
    }
    return rc;
}

/* The direct form of one operation, as if it stood alone. */
st_err safe_direct(struct migrate_planner *p, const struct migrate_op *op)
{
    struct migrate_planner one = *p;
    one.ops = op;
    one.n = 1;
    one.safe = NULL;
    st_err rc = migrate_plan_postgresql(&one);
    p->sql = one.sql;
    return rc;
}

static st_err create_table(struct migrate_planner *p, const struct migrate_op *op)
{
    st_err rc = go_on(p);
    struct migrate_op *alone_op = ARENA_NEW(p->a, struct migrate_op);
    st_table *t = ARENA_NEW(p->a, st_table);
    st_table_fk *fks = ARENA_ARRAY(p->a, st_table_fk, op->create->n_fks);
    if (rc || !alone_op || !t || !fks) {
        return rc ? rc : diag_nomem();
    }
    *alone_op = *op;
    *t = *op->create;
    alone_op->create = t;
    t->fks = fks;
    t->n_fks = 0;
    for (size_t i = 0; !rc && i < op->create->n_fks; i++) {
        const st_table_fk *fk = &op->create->fks[i];
        if (strcmp(fk->table, op->table) == 0 || is_fresh(p, op, fk->table)) {
            fks[t->n_fks++] = *fk;
        } else {
            rc = safe_keep_key(p, op, fk);
        }
    }
    return rc ? rc : safe_direct(p, alone_op);
}

/* ---- refusals ---- */

st_err migrate_safe_guard(struct migrate_planner *p, const struct migrate_op *op, buf *query, const char *what)
{
    struct migrate_safe *s = p->safe;
    const char *sql = migrate_text(p->a, query);
    st_err rc = sql ? migrate_grow(p->a, &s->guards, s->n_guards, &s->guards_room, sizeof *s->guards) : diag_nomem();
    if (!rc) {
        s->guards[s->n_guards++] =
            (struct migrate_step){.kind = MIGRATE_STEP_REFUSE, .sql = sql, .refuse = what, .op = op};
    }
    return rc;
}

/* Of a table with more than a megabyte; a smaller one is rewritten before anybody notices. They are looked at before
 * anything else is done. */
st_err migrate_safe_rewrite(struct migrate_planner *p, const struct migrate_op *op, const char *what)
{
    buf name BUF_AUTO;
    buf_init(&name, 4096);
    ddl_ident(&name, op->table);
    buf_puts(&p->sql, "SELECT pg_size_pretty(pg_table_size(oid)) FROM pg_catalog.pg_class WHERE oid = to_regclass(");
    ddl_string(&p->sql, name.p);
    buf_puts(&p->sql, ") AND pg_table_size(oid) > 1048576");
    const char *refuse = arena_printf(p->a, "%s; the table has ", what);
    st_err rc = name.err || !refuse ? diag_nomem() : migrate_safe_guard(p, op, &p->sql, refuse);
    if (!rc) {
        p->safe->guards[p->safe->n_guards - 1].rewrites = true;
    }
    return rc;
}

static st_err put_guards_first(struct migrate_planner *p)
{
    struct migrate_safe *s = p->safe;
    struct migrate_plan *plan = p->plan;
    if (!s->n_guards) {
        return 0;
    }
    struct migrate_step *steps = ARENA_ARRAY(p->a, struct migrate_step, plan->n + s->n_guards);
    if (!steps) {
        return diag_nomem();
    }
    memcpy(steps, s->guards, s->n_guards * sizeof *steps);
    if (plan->n) {
        memcpy(steps + s->n_guards, plan->steps, plan->n * sizeof *steps);
    }
    if (!plan->n_phases || plan->phases[0].no_transaction) {
        st_err rc = migrate_grow(p->a, &plan->phases, plan->n_phases, &plan->phases_room, sizeof *plan->phases);
        if (rc) {
            return rc;
        }
        memmove(plan->phases + 1, plan->phases, plan->n_phases++ * sizeof *plan->phases);
        plan->phases[0] = (struct migrate_phase){.name = "look"};
    }
    plan->steps = steps;
    plan->n += s->n_guards;
    plan->room = plan->n;
    plan->phases[0].n += s->n_guards;
    for (size_t i = 1; i < plan->n_phases; i++) {
        plan->phases[i].first += s->n_guards;
    }
    return 0;
}

/* SQL of the revision's own: what it locks it may lock for long, so nothing that others wait for stands before it in a
 * transaction, nor behind it. */
static st_err own_sql(struct migrate_planner *p, const struct migrate_op *op)
{
    struct migrate_safe *s = p->safe;
    bool new_rows = op->table && is_fresh(p, op, op->table);
    if (op->sql.only && op->sql.only != ST_POSTGRESQL) {
        return 0;
    }
    st_err rc = s->closed || (s->strong && !new_rows) ? begin_phase(p, "sql", NULL, false) : 0;
    s->raw = s->raw || !new_rows;
    return rc ? rc : safe_direct(p, op);
}

/* Whether the table is there before the operations of first's number: no rename among them gives it that name. */
static bool is_before(const struct migrate_op *first, const struct migrate_op *op)
{
    for (const struct migrate_op *o = first; o < op; o++) {
        bool renames = o->kind == MIGRATE_RENAME_TABLE;
        if (strcmp(o->table, op->table) == 0 || (renames && strcmp(o->rename.to, op->table) == 0)) {
            return strcmp(o->table, op->table) == 0;
        }
    }
    return true;
}

/* Operations that are one transaction: all their tables are locked at its start, in the order of their names. Writers
 * take them in orders of their own, so whoever holds one waits for the next for less than deadlock_timeout, after which
 * one of the two would be ended, and then begins again. */
static st_err lock_together(struct migrate_planner *p, const struct migrate_op *op)
{
    struct migrate_safe *s = p->safe;
    st_err rc = begin_phase(p, "swap", op->table, false);
    s->together = op->together;
    for (const char *last = ""; !rc;) {
        const char *next = NULL;
        for (const struct migrate_op *o = op; o < p->ops + p->n && o->together == op->together; o++) {
            bool later = o->table && strcmp(o->table, last) > 0 && !is_fresh(p, op, o->table) && is_before(op, o);
            next = later && (!next || strcmp(o->table, next) < 0) ? o->table : next;
        }
        if (!next) {
            break;
        }
        buf_puts(&p->sql, "LOCK TABLE ");
        ddl_ident(&p->sql, next);
        buf_puts(&p->sql, " IN ACCESS EXCLUSIVE MODE");
        rc = safe_add(p);
        if (!rc && !*last) {
            buf_puts(&p->sql, "SET LOCAL lock_timeout = '100ms'");
            rc = safe_add(p);
        }
        last = next;
    }
    return rc;
}

static st_err plan_op(struct migrate_planner *p, const struct migrate_op *op)
{
    st_err rc = 0;
    p->safe->op = op;
    if (p->safe->together && p->safe->together != op->together) {
        p->safe->together = 0;
        p->safe->closed = true;
    }
    if (op->together && !p->safe->together) {
        rc = lock_together(p, op);
    }
    if (rc || op->together) {
        return rc ? rc : safe_direct(p, op);
    }
    if (op->kind == MIGRATE_CREATE_TABLE) {
        return create_table(p, op);
    }
    if (op->kind == MIGRATE_SQL) {
        return own_sql(p, op);
    }
    if (op->kind == MIGRATE_RUN || op->kind == MIGRATE_BACKFILL) {
        p->safe->closed = true;
        return safe_direct(p, op);
    }
    if (!op->table) { /* enums; a value that was added can be used in the next transaction only */
        rc = go_on(p);
        rc = rc ? rc : safe_direct(p, op);
        p->safe->closed = p->safe->closed || op->kind == MIGRATE_ADD_ENUM_VALUE;
        return rc;
    }
    if (migrate_needs_recipe(p, op)) {
        return safe_recipe(p, op);
    }
    if (op->kind == MIGRATE_ADD_FK && !is_fresh(p, op, op->fk->table)) { /* the other table is in use */
        return safe_keep_key(p, op, op->fk);
    }
    rc = safe_enter(p, op->table);
    return rc ? rc : safe_direct(p, op);
}

st_err migrate_plan_safe(arena *a, const struct migrate_op *ops, size_t n, struct migrate_plan *ret)
{
    struct migrate_safe s = {0};
    struct migrate_planner p = {.a = a, .d = ST_POSTGRESQL, .ops = ops, .n = n, .plan = ret, .safe = &s};
    buf_init(&p.sql, ST_DDL_MAX);
    st_err rc = migrate_plan_phase(a, ret, "expand", false);
    for (size_t i = 0; !rc && i < n; i++) {
        rc = plan_op(&p, &ops[i]);
        bool ends = s.closed || i + 1 == n; /* else they would cut in two what is one transaction */
        rc = rc || !ends ? rc : add_kept_keys(&p, &ops[i]);
    }
    rc = rc ? rc : put_guards_first(&p);
    buf_release(&p.sql);
    return rc;
}
