/* Operations as the statements that say them directly, on PostgreSQL. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/private.h"

static st_err add(struct migrate_planner *p, const struct migrate_op *op)
{
    return migrate_planner_add(p, NULL, op);
}

/* Whether a later operation creates table: then a key to it waits until then. */
static bool created_later(const struct migrate_planner *p, const struct migrate_op *op, const char *table)
{
    for (const struct migrate_op *o = op + 1; o < p->ops + p->n; o++) {
        if (o->kind == MIGRATE_CREATE_TABLE && strcmp(o->table, table) == 0) {
            return true;
        }
    }
    return false;
}

static st_err add_fk(struct migrate_planner *p, const struct migrate_op *op, const char *table, const st_table_fk *fk)
{
    ddl_alter(&p->sql, table);
    buf_puts(&p->sql, "ADD ");
    ddl_fk(&p->sql, fk);
    return add(p, op);
}

/* Keys of earlier tables that waited for this one. */
static st_err add_waiting_keys(struct migrate_planner *p, const struct migrate_op *op)
{
    st_err rc = 0;
    for (const struct migrate_op *o = p->ops; !rc && o < op; o++) {
        for (size_t i = 0; !rc && o->kind == MIGRATE_CREATE_TABLE && i < o->create->n_fks; i++) {
            if (strcmp(o->create->fks[i].table, op->table) == 0) {
                rc = add_fk(p, o, o->table, &o->create->fks[i]);
            }
        }
    }
    return rc;
}

static st_err comments(struct migrate_planner *p, const struct migrate_op *op)
{
    const st_table *t = op->create;
    st_err rc = 0;
    if (t->comment) {
        ddl_comment(&p->sql, op->table, NULL, t->comment);
        rc = add(p, op);
    }
    for (size_t i = 0; !rc && i < t->n_columns; i++) {
        if (t->columns[i].comment) {
            ddl_comment(&p->sql, op->table, t->columns[i].name, t->columns[i].comment);
            rc = add(p, op);
        }
    }
    return rc;
}

/* Row-level security, policies and triggers of a new table. */
static st_err rules(struct migrate_planner *p, const struct migrate_op *op)
{
    const st_table *t = op->create;
    const char *tenant = NULL;
    for (size_t i = 0; i < t->n_columns; i++) {
        tenant = t->columns[i].tenant ? t->columns[i].name : tenant;
    }
    st_err rc = 0;
    if (!t->no_rls && (tenant || t->n_policies)) {
        rc = migrate_plan_rls(p->a, p->plan, &p->sql, op, tenant, true);
    }
    for (size_t i = 0; !rc && i < t->n_policies; i++) {
        ddl_policy(&p->sql, op->table, &t->policies[i]);
        rc = add(p, op);
    }
    for (size_t i = 0; !rc && i < t->n_triggers; i++) {
        if (t->triggers[i].postgresql) {
            ddl_create_trigger(&p->sql, ST_POSTGRESQL, op->table, &t->triggers[i], 0);
            rc = add(p, op);
        }
    }
    return rc;
}

static st_err create_table(struct migrate_planner *p, const struct migrate_op *op)
{
    const st_table *t = op->create;
    bool *fks = ARENA_ARRAY(p->a, bool, t->n_fks);
    if (!fks) {
        return diag_nomem();
    }
    for (size_t i = 0; i < t->n_fks; i++) {
        fks[i] = !created_later(p, op, t->fks[i].table);
    }
    st_err rc = ddl_create_table(&p->sql, p->d, t, fks, p->a);
    rc = rc ? rc : add(p, op);
    for (size_t i = 0; !rc && i < t->n_indexes; i++) {
        if (!t->indexes[i].constraint) {
            ddl_create_index(&p->sql, p->d, op->table, &t->indexes[i]);
            rc = add(p, op);
        }
    }
    rc = rc ? rc : comments(p, op);
    rc = rc ? rc : add_waiting_keys(p, op);
    return rc ? rc : rules(p, op);
}

static st_err add_column(struct migrate_planner *p, const struct migrate_op *op)
{
    st_err rc = ddl_add_column(&p->sql, p->d, op->table, op->column, p->a);
    rc = rc ? rc : add(p, op);
    if (!rc && op->column->comment) {
        ddl_comment(&p->sql, op->table, op->column->name, op->column->comment);
        rc = add(p, op);
    }
    return rc;
}

static size_t count(const char *const *columns)
{
    size_t n = 0;
    while (columns && columns[n]) {
        n++;
    }
    return n;
}

static st_err change_primary_key(struct migrate_planner *p, const struct migrate_op *op)
{
    st_err rc = 0;
    if (op->key.was) {
        ddl_drop_primary_key(&p->sql, op->table);
        rc = add(p, op);
        migrate_plan_says(p->plan, rc, MIGRATE_LOCK_ACCESS_EXCLUSIVE, op->table);
    }
    if (!rc && op->key.is) {
        const char *name = migrate_name(p->a, op->table, NULL, NULL, "pkey");
        if (!name) {
            return diag_nomem();
        }
        ddl_alter(&p->sql, op->table);
        buf_puts(&p->sql, "ADD CONSTRAINT ");
        ddl_ident(&p->sql, name);
        buf_puts(&p->sql, " PRIMARY KEY ");
        if (op->key.index) {
            buf_puts(&p->sql, "USING INDEX ");
            ddl_ident(&p->sql, op->key.index);
        } else {
            ddl_columns(&p->sql, op->key.is, count(op->key.is));
        }
        rc = add(p, op);
    }
    return rc;
}

static void rename_of(buf *b, const char *from, const char *to)
{
    ddl_ident(b, from);
    buf_puts(b, " TO ");
    ddl_ident(b, to);
}

static st_err change_of_enum(struct migrate_planner *p, const struct migrate_op *op)
{
    buf *b = &p->sql;
    buf_puts(b, "ALTER TYPE ");
    if (op->kind == MIGRATE_RENAME_ENUM_VALUE) {
        ddl_ident(b, op->rename.type);
        buf_puts(b, " RENAME VALUE ");
        ddl_string(b, op->rename.from);
        buf_puts(b, " TO ");
        ddl_string(b, op->rename.to);
        return add(p, op);
    }
    ddl_ident(b, op->value.type);
    buf_puts(b, " ADD VALUE ");
    ddl_string(b, op->value.value);
    if (op->value.before) {
        buf_puts(b, " BEFORE ");
        ddl_string(b, op->value.before);
    }
    return add(p, op);
}

/* A phase of one step in C. */
static st_err phase_of_c(struct migrate_planner *p, const struct migrate_op *op)
{
    bool run = op->kind == MIGRATE_RUN;
    const char *name = run ? op->run.name : op->backfill->name;
    if (!name) {
        return diag_nomem();
    }
    st_err rc = migrate_plan_phase(p->a, p->plan, name, true);
    rc = rc ? rc
            : migrate_plan_step(
                  p->a, p->plan,
                  &(const struct migrate_step){.kind = run ? MIGRATE_STEP_RUN : MIGRATE_STEP_BACKFILL, .op = op});
    return rc ? rc : migrate_plan_phase(p->a, p->plan, "go on", false);
}

static st_err on_table(struct migrate_planner *p, const struct migrate_op *op)
{
    buf *b = &p->sql;
    ddl_alter(b, op->table);
    switch ((int)op->kind) {
    case MIGRATE_RENAME_TABLE:
        buf_puts(b, "RENAME TO ");
        ddl_ident(b, op->rename.to);
        break;
    case MIGRATE_DROP_COLUMN:
        buf_puts(b, "DROP COLUMN ");
        ddl_ident(b, op->name);
        break;
    case MIGRATE_RENAME_COLUMN:
        buf_puts(b, "RENAME COLUMN ");
        rename_of(b, op->rename.from, op->rename.to);
        break;
    case MIGRATE_ADD_CHECK:
        buf_puts(b, "ADD ");
        ddl_check(b, op->check);
        break;
    case MIGRATE_DROP_CONSTRAINT:
        buf_puts(b, "DROP CONSTRAINT ");
        ddl_ident(b, op->constraint.name);
        break;
    case MIGRATE_RENAME_CONSTRAINT:
        buf_puts(b, "RENAME CONSTRAINT ");
        rename_of(b, op->constraint.name, op->constraint.to);
        break;
    default:
        assert(false); /* plan_op sends no other */
    }
    return add(p, op);
}

static st_err plan_op(struct migrate_planner *p, const struct migrate_op *op)
{
    buf *b = &p->sql;
    switch (op->kind) {
    case MIGRATE_CREATE_TABLE:
        return create_table(p, op);
    case MIGRATE_DROP_TABLE:
        buf_puts(b, "DROP TABLE ");
        ddl_ident(b, op->table);
        return add(p, op);
    case MIGRATE_RENAME_TABLE:
    case MIGRATE_DROP_COLUMN:
    case MIGRATE_RENAME_COLUMN:
    case MIGRATE_ADD_CHECK:
    case MIGRATE_DROP_CONSTRAINT:
    case MIGRATE_RENAME_CONSTRAINT:
        return on_table(p, op);
    case MIGRATE_ADD_COLUMN:
        return add_column(p, op);
    case MIGRATE_ALTER_COLUMN:
        return migrate_plan_alter(p, op);
    case MIGRATE_CREATE_INDEX:
        if (op->index->constraint) {
            ddl_alter(b, op->table);
            buf_puts(b, "ADD ");
            ddl_unique(b, p->d, op->index);
        } else {
            ddl_create_index(b, p->d, op->table, op->index);
        }
        return add(p, op);
    case MIGRATE_DROP_INDEX:
        buf_puts(b, "DROP INDEX ");
        ddl_ident(b, op->name);
        return add(p, op);
    case MIGRATE_RENAME_INDEX:
        buf_puts(b, "ALTER INDEX ");
        ddl_ident(b, op->rename.from);
        buf_puts(b, " RENAME TO ");
        ddl_ident(b, op->rename.to);
        return add(p, op);
    case MIGRATE_ADD_FK:
        return add_fk(p, op, op->table, op->fk);
    case MIGRATE_PRIMARY_KEY:
        return change_primary_key(p, op);
    case MIGRATE_DEFER:
        return migrate_plan_defer(p, op);
    case MIGRATE_COMMENT:
        ddl_comment(b, op->table, op->comment.column, op->comment.text);
        return add(p, op);
    case MIGRATE_CREATE_ENUM:
        ddl_create_enum(b, op->enumeration);
        return add(p, op);
    case MIGRATE_DROP_ENUM:
        buf_puts(b, "DROP TYPE ");
        ddl_ident(b, op->name);
        return add(p, op);
    case MIGRATE_ADD_ENUM_VALUE:
    case MIGRATE_RENAME_ENUM_VALUE:
        return change_of_enum(p, op);
    case MIGRATE_CREATE_POLICY:
        ddl_policy(b, op->table, op->policy);
        return add(p, op);
    case MIGRATE_DROP_POLICY:
        buf_puts(b, "DROP POLICY ");
        ddl_ident(b, op->name);
        buf_puts(b, " ON ");
        ddl_ident(b, op->table);
        return add(p, op);
    case MIGRATE_ENABLE_RLS:
    case MIGRATE_DISABLE_RLS:
        return migrate_plan_rls(p->a, p->plan, b, op, op->name, op->kind == MIGRATE_ENABLE_RLS);
    case MIGRATE_CREATE_TRIGGER:
    case MIGRATE_DROP_TRIGGER:
        if (!op->trigger->postgresql) {
            return 0;
        }
        if (op->kind == MIGRATE_CREATE_TRIGGER) {
            ddl_create_trigger(b, p->d, op->table, op->trigger, 0);
        } else {
            ddl_drop_trigger(b, p->d, op->table, op->trigger, 0);
        }
        return add(p, op);
    case MIGRATE_SQL:
        if (op->sql.only && op->sql.only != p->d) {
            return 0;
        }
        buf_puts(b, op->sql.text);
        return add(p, op);
    case MIGRATE_RUN:
    case MIGRATE_BACKFILL:
        return phase_of_c(p, op);
    }
    return diag_set(ST_E_INVALID, "an operation of no known kind");
}

st_err migrate_plan_postgresql(struct migrate_planner *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->n; i++) {
        rc = plan_op(p, &p->ops[i]);
    }
    return rc;
}
