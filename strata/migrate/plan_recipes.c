/* Operations on tables in use on PostgreSQL; see plan_safe.c. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/plan_safe.h"

/* ---- checks and NOT NULL: said at once, looked at later ---- */

static st_err keep(struct migrate_planner *p, const char *constraint, const char *column)
{
    struct migrate_safe *s = p->safe;
    st_err rc = migrate_grow(p->a, &s->later, s->n_later, &s->later_room, sizeof *s->later);
    if (!rc) {
        s->later[s->n_later++] = (struct safe_later){.constraint = constraint, .column = column};
    }
    return rc;
}

st_err migrate_safe_check(struct migrate_planner *p, const struct migrate_op *op, const char *name, const char *sql)
{
    ddl_alter(&p->sql, op->table);
    buf_puts(&p->sql, "ADD ");
    ddl_check(&p->sql, &(const st_table_check){name, sql, false});
    buf_puts(&p->sql, " NOT VALID");
    st_err rc = migrate_planner_add(p, NULL, op);
    return rc ? rc : keep(p, name, NULL);
}

st_err migrate_safe_not_null(struct migrate_planner *p, const struct migrate_op *op, const char *column)
{
    const char *name = migrate_name(p->a, op->table, (const char *const[]){column, NULL}, NULL, "not_null");
    buf sql BUF_AUTO;
    buf_init(&sql, 4096);
    ddl_ident(&sql, column);
    buf_puts(&sql, " IS NOT NULL");
    st_err rc = name && !sql.err ? migrate_safe_check(p, op, name, sql.p) : diag_nomem();
    if (!rc) {
        p->safe->later[p->safe->n_later - 1].column = arena_strdup(p->a, column);
        rc = p->safe->later[p->safe->n_later - 1].column ? 0 : diag_nomem();
    }
    return rc;
}

/* ALTER COLUMN c SET NOT NULL, which finds a valid CHECK that says so and scans nothing, and the CHECK away. */
static st_err set_not_null(struct migrate_planner *p, const char *table, const struct safe_later *l)
{
    ddl_alter(&p->sql, table);
    buf_puts(&p->sql, "ALTER COLUMN ");
    ddl_ident(&p->sql, l->column);
    buf_puts(&p->sql, " SET NOT NULL");
    st_err rc = safe_add(p);
    if (!rc) {
        p->plan->steps[p->plan->n - 1].proven = true;
        ddl_alter(&p->sql, table);
        buf_puts(&p->sql, "DROP CONSTRAINT ");
        ddl_ident(&p->sql, l->constraint);
        rc = safe_add(p);
    }
    return rc || !l->identity ? rc : migrate_plan_identity(p, l->identity);
}

static st_err validate(struct migrate_planner *p, const char *table)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->safe->n_later; i++) {
        rc = safe_alone(p, "validate", p->safe->later[i].constraint, false);
        ddl_alter(&p->sql, table);
        buf_puts(&p->sql, "VALIDATE CONSTRAINT ");
        ddl_ident(&p->sql, p->safe->later[i].constraint);
        rc = rc ? rc : safe_add(p);
    }
    return rc;
}

/* What the operation before has put off. */
static st_err finish_later(struct migrate_planner *p, const char *table)
{
    struct migrate_safe *s = p->safe;
    st_err rc = validate(p, table);
    for (size_t i = 0; !rc && i < s->n_later; i++) {
        if (s->later[i].column) {
            rc = safe_enter(p, table);
            rc = rc ? rc : set_not_null(p, table, &s->later[i]);
        }
    }
    s->n_later = 0;
    return rc;
}

/* ---- the recipes ---- */

static st_err column_checks(struct migrate_planner *p, const struct migrate_op *op)
{
    struct ddl_check checks[DDL_CHECKS_MAX];
    size_t n;
    st_err rc = ddl_checks(ST_POSTGRESQL, op->table, op->column, p->a, checks, &n);
    for (size_t i = 0; !rc && i < n; i++) {
        rc = migrate_safe_check(p, op, checks[i].name, checks[i].sql);
    }
    return rc;
}

/* The rows that are there get a default that differs from row to row. */
static st_err fill_default(struct migrate_planner *p, const struct migrate_op *op)
{
    struct migrate_op *fill = ARENA_NEW(p->a, struct migrate_op);
    st_backfill *f = ARENA_NEW(p->a, st_backfill);
    buf set BUF_AUTO, where BUF_AUTO;
    buf_init(&set, 4096);
    buf_init(&where, 4096);
    ddl_ident(&set, op->column->name);
    buf_puts(&set, " = DEFAULT");
    ddl_ident(&where, op->column->name);
    buf_puts(&where, " IS NULL");
    if (!fill || !f) {
        return diag_nomem();
    }
    *f = (st_backfill){.table = op->table, .set = migrate_text(p->a, &set), .where = migrate_text(p->a, &where)};
    *fill = (struct migrate_op){.kind = MIGRATE_BACKFILL, .table = op->table, .backfill = f};
    if (!f->set || !f->where) {
        return diag_nomem();
    }
    st_err rc = safe_alone(p, "backfill", op->table, true);
    return rc ? rc
              : migrate_plan_step(p->a, p->plan,
                                  &(const struct migrate_step){.kind = MIGRATE_STEP_BACKFILL, .op = fill});
}

static st_err add_column(struct migrate_planner *p, const struct migrate_op *op)
{
    const st_table_column *c = op->column;
    if (c->generated || c->identity) {
        const char *what =
            arena_printf(p->a,
                         "a column that is computed or numbered by the database rewrites the table while "
                         "nobody can read or write: add a plain %s, fill it by a trigger and a backfill, or "
                         "upgrade with --unsafe",
                         c->name);
        st_err rc = what ? migrate_safe_rewrite(p, op, what) : diag_nomem();
        return rc ? rc : safe_direct(p, op);
    }
    bool varies = c->default_sql && !ddl_default_is_constant(ST_POSTGRESQL, c);
    buf *b = &p->sql;
    ddl_alter(b, op->table);
    buf_puts(b, "ADD COLUMN ");
    ddl_ident(b, c->name);
    buf_put_char(b, ' ');
    ddl_type(b, ST_POSTGRESQL, c);
    buf_puts(b, c->nullable || varies ? "" : " NOT NULL");
    if (c->default_sql && !varies) {
        buf_puts(b, " DEFAULT ");
        ddl_default(b, ST_POSTGRESQL, c);
    }
    st_err rc = safe_add(p);
    if (!rc && varies) {
        ddl_alter(b, op->table);
        buf_puts(b, "ALTER COLUMN ");
        ddl_ident(b, c->name);
        buf_puts(b, " SET DEFAULT ");
        ddl_default(b, ST_POSTGRESQL, c);
        rc = safe_add(p);
    }
    if (!rc && c->comment) {
        ddl_comment(b, op->table, c->name, c->comment);
        rc = safe_add(p);
    }
    rc = rc || !varies ? rc : fill_default(p, op);
    rc = rc ? rc : safe_enter(p, op->table);
    rc = rc || !varies || c->nullable ? rc : migrate_safe_not_null(p, op, c->name);
    return rc ? rc : column_checks(p, op);
}

/* "CREATE UNIQUE INDEX CONCURRENTLY ...", in a phase outside of transactions. */
st_err safe_build_index(struct migrate_planner *p, const struct migrate_op *op, const st_table_index *i)
{
    buf spelled BUF_AUTO;
    buf_init(&spelled, ST_DDL_MAX);
    ddl_create_index(&spelled, ST_POSTGRESQL, op->table, i);
    size_t head = strlen(i->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    st_err rc = safe_alone(p, "index", i->name, true);
    if (rc || spelled.err) {
        return rc ? rc : diag_nomem();
    }
    const char *sql = arena_printf(p->a, "%.*sCONCURRENTLY %s", (int)head, spelled.p, spelled.p + head);
    return sql ? migrate_plan_step(
                     p->a, p->plan,
                     &(const struct migrate_step){.kind = MIGRATE_STEP_INDEX, .sql = sql, .op = op, .index = i->name})
               : diag_nomem();
}

static st_err create_index(struct migrate_planner *p, const struct migrate_op *op)
{
    st_table_index i = *op->index;
    i.unique = i.unique || i.constraint;
    st_err rc = safe_build_index(p, op, &i);
    if (!rc && i.constraint) {
        rc = safe_enter(p, op->table);
        ddl_alter(&p->sql, op->table);
        buf_puts(&p->sql, "ADD CONSTRAINT ");
        ddl_ident(&p->sql, i.name);
        buf_puts(&p->sql, " UNIQUE USING INDEX ");
        ddl_ident(&p->sql, i.name);
        ddl_deferral(&p->sql, i.deferrable);
        rc = rc ? rc : safe_add(p);
    }
    return rc;
}

static st_err drop_index(struct migrate_planner *p, const struct migrate_op *op)
{
    st_err rc = safe_alone(p, "drop index", op->name, true);
    buf_puts(&p->sql, "DROP INDEX CONCURRENTLY ");
    ddl_ident(&p->sql, op->name);
    return rc ? rc : safe_add(p);
}

/* Both tables in one order, and the second without waiting for long, as in lock_together. */
static st_err drop_key(struct migrate_planner *p, const struct migrate_op *op)
{
    buf name BUF_AUTO;
    buf_init(&name, 4096);
    ddl_ident(&name, op->table);
    buf_puts(&p->sql, "DO $$ DECLARE t text; BEGIN FOR t IN SELECT DISTINCT x::regclass::text FROM "
                      "pg_catalog.pg_constraint, unnest(ARRAY[conrelid, confrelid]) AS x WHERE conrelid = ");
    ddl_string(&p->sql, name.p);
    buf_puts(&p->sql, "::regclass AND conname = ");
    ddl_string(&p->sql, op->constraint.name);
    buf_puts(&p->sql, " ORDER BY 1 LOOP EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', t); "
                      "PERFORM set_config('lock_timeout', '100ms', true); END LOOP; END $$");
    st_err rc = name.err ? diag_nomem() : safe_add(p);
    if (!rc) {
        p->plan->steps[p->plan->n - 1].lock = MIGRATE_LOCK_ACCESS_EXCLUSIVE;
        p->plan->steps[p->plan->n - 1].locked = op->table;
        p->plan->steps[p->plan->n - 1].referenced = true;
    }
    return rc ? rc : safe_direct(p, op);
}

static bool among(const char *const *columns, const char *name)
{
    for (; columns && *columns; columns++) {
        if (strcmp(*columns, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The index of the new key is built beside the old one; then they change places. */
static st_err change_key(struct migrate_planner *p, const struct migrate_op *op)
{
    struct migrate_safe *s = p->safe;
    const char *name = migrate_name(p->a, op->table, NULL, NULL, "pkey");
    const char *next = op->key.index ? op->key.index : migrate_name(p->a, op->table, NULL, NULL, "pkey_next");
    st_table_index i = {.name = next, .unique = true};
    st_err rc = name && i.name ? 0 : diag_nomem();
    for (size_t n = 0; !rc && op->key.is[n]; n++) {
        assert(n < ST_KEY_MAX);
        i.columns[n] = op->key.is[n];
        if (!among(op->key.was, op->key.is[n])) {
            rc = migrate_safe_not_null(p, op, op->key.is[n]);
        }
    }
    rc = rc ? rc : validate(p, op->table);
    rc = rc || op->key.index ? rc : safe_build_index(p, op, &i);
    rc = rc ? rc : safe_enter(p, op->table);
    for (size_t n = 0; !rc && n < s->n_later; n++) {
        rc = set_not_null(p, op->table, &s->later[n]);
    }
    s->n_later = 0;
    if (!rc && op->key.was) {
        ddl_drop_primary_key(&p->sql, op->table);
        rc = safe_add(p);
        migrate_plan_says(p->plan, rc, MIGRATE_LOCK_ACCESS_EXCLUSIVE, op->table);
    }
    ddl_alter(&p->sql, op->table);
    buf_puts(&p->sql, "ADD CONSTRAINT ");
    ddl_ident(&p->sql, name ? name : "");
    buf_puts(&p->sql, " PRIMARY KEY USING INDEX ");
    ddl_ident(&p->sql, i.name ? i.name : "");
    rc = rc ? rc : safe_add(p);
    if (!rc) {
        p->plan->steps[p->plan->n - 1].proven = true; /* its columns are NOT NULL */
    }
    return rc;
}

static st_err add_check(struct migrate_planner *p, const struct migrate_op *op)
{
    if (!op->check->exclude) {
        return migrate_safe_check(p, op, op->check->name, op->check->sql);
    }
    st_err rc =
        migrate_safe_rewrite(p, op,
                             "an exclusion constraint is built while nobody can write; there is no other way to "
                             "add one, so choose the hour and upgrade with --unsafe");
    return rc ? rc : safe_direct(p, op);
}

/* On a table in use. */
st_err safe_recipe(struct migrate_planner *p, const struct migrate_op *op)
{
    switch ((int)op->kind) {
    case MIGRATE_CREATE_INDEX:
        return create_index(p, op);
    case MIGRATE_DROP_INDEX:
        return drop_index(p, op);
    case MIGRATE_DEFER:
        return safe_defer(p, op);
    case MIGRATE_ADD_FK:
        return safe_is_made_later(p, op, op->fk->table) ? safe_keep_key(p, op, op->fk)
                                                        : safe_add_key(p, op, op->table, op->fk);
    default:
        break;
    }
    st_err rc = safe_enter(p, op->table);
    if (rc) {
        return rc;
    }
    switch ((int)op->kind) {
    case MIGRATE_ADD_COLUMN:
        rc = add_column(p, op);
        break;
    case MIGRATE_ALTER_COLUMN:
        rc = migrate_plan_alter(p, op);
        break;
    case MIGRATE_ADD_CHECK:
        rc = add_check(p, op);
        break;
    case MIGRATE_PRIMARY_KEY:
        rc = op->key.is ? change_key(p, op) : safe_direct(p, op);
        break;
    case MIGRATE_DROP_CONSTRAINT:
        rc = op->constraint.kind == ST_C_FK ? drop_key(p, op) : safe_direct(p, op);
        break;
    default:
        rc = safe_direct(p, op);
    }
    return rc ? rc : finish_later(p, op->table);
}
