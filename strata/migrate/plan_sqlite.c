/* Operations as SQLite does them: its own ALTER TABLE where it has one, else a rebuild of the table, one for all
 * consecutive operations on it. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/private.h"

static st_err add(struct migrate_planner *p, const char *refuse, const struct migrate_op *op)
{
    return migrate_planner_add(p, refuse, op);
}

static st_err create_triggers(struct migrate_planner *p, const struct migrate_op *op, const st_table_trigger *t)
{
    struct migrate_event events[ST_EVENTS_MAX];
    size_t n = 0;
    bool before, ok = migrate_trigger_events(t->when, &before, events, &n);
    assert(ok);
    st_err rc = 0;
    for (size_t i = 0; ok && !rc && t->sqlite && i < n; i++) {
        if (op->kind == MIGRATE_DROP_TRIGGER) {
            ddl_drop_trigger(&p->sql, ST_SQLITE, op->table, t, i);
        } else {
            ddl_create_trigger(&p->sql, ST_SQLITE, op->table, t, i);
        }
        rc = add(p, NULL, op);
    }
    return rc;
}

static st_err create_table(struct migrate_planner *p, const struct migrate_op *op)
{
    const st_table *t = op->create;
    st_err rc = ddl_create_table(&p->sql, p->d, t, NULL, p->a);
    rc = rc ? rc : add(p, NULL, op);
    for (size_t i = 0; !rc && i < t->n_indexes; i++) {
        if (!t->indexes[i].constraint) {
            ddl_create_index(&p->sql, p->d, op->table, &t->indexes[i]);
            rc = add(p, NULL, op);
        }
    }
    for (size_t i = 0; !rc && i < t->n_triggers; i++) {
        rc = create_triggers(p, op, &t->triggers[i]);
    }
    return rc;
}

/* A DROP TABLE deletes the rows first, so that cascades empty the tables below without a word; PostgreSQL refuses. Both
 * refuse here. */
static st_err drop_table(struct migrate_planner *p, const struct migrate_op *op)
{
    buf_puts(&p->sql,
             "SELECT m.name FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'"
             " AND lower(f.\"table\") = lower(");
    ddl_string(&p->sql, op->table);
    buf_puts(&p->sql, ") AND lower(m.name) <> lower(");
    ddl_string(&p->sql, op->table);
    buf_puts(&p->sql, ") LIMIT 1");
    st_err rc = add(p, "it cannot be dropped while a foreign key points at it from the table ", op);
    if (!rc) {
        buf_puts(&p->sql, "DROP TABLE ");
        ddl_ident(&p->sql, op->table);
        rc = add(p, NULL, op);
    }
    return rc;
}

bool migrate_sqlite_ignores(const struct migrate_op *op)
{
    switch (op->kind) {
    case MIGRATE_COMMENT:
    case MIGRATE_CREATE_ENUM:
    case MIGRATE_DROP_ENUM:
    case MIGRATE_ADD_ENUM_VALUE:
    case MIGRATE_RENAME_ENUM_VALUE:
    case MIGRATE_CREATE_POLICY:
    case MIGRATE_DROP_POLICY:
    case MIGRATE_ENABLE_RLS:
    case MIGRATE_DISABLE_RLS:
        return true;
    case MIGRATE_ADD_CHECK:
        return op->check->exclude;
    case MIGRATE_DROP_CONSTRAINT:
    case MIGRATE_RENAME_CONSTRAINT:
        return op->constraint.kind == ST_C_EXCLUDE;
    case MIGRATE_DEFER:
        return op->defer.kind != ST_C_FK;
    case MIGRATE_SQL:
        return op->sql.only == ST_POSTGRESQL;
    case MIGRATE_CREATE_TABLE:
    case MIGRATE_DROP_TABLE:
    case MIGRATE_RENAME_TABLE:
    case MIGRATE_ADD_COLUMN:
    case MIGRATE_ALTER_COLUMN:
    case MIGRATE_DROP_COLUMN:
    case MIGRATE_RENAME_COLUMN:
    case MIGRATE_CREATE_INDEX:
    case MIGRATE_DROP_INDEX:
    case MIGRATE_RENAME_INDEX:
    case MIGRATE_ADD_FK:
    case MIGRATE_PRIMARY_KEY:
    case MIGRATE_CREATE_TRIGGER:
    case MIGRATE_DROP_TRIGGER:
    case MIGRATE_RUN:
    case MIGRATE_BACKFILL:
        return false;
    }
    return false;
}

/* Whether ALTER TABLE ADD COLUMN can do it: not with a value that is computed for each row, and not without one where
 * there must be one, for it refuses that for empty tables too. */
bool migrate_sqlite_adds(const st_table_column *c)
{
    return !c->generated && !c->identity && (c->default_sql ? ddl_default_is_constant(ST_SQLITE, c) : c->nullable);
}

/* How an operation is done: not by editing the table, by either way, or by editing alone. */
enum how { OTHERWISE, EITHER, EDIT };

static enum how how_done(const struct migrate_op *op)
{
    switch (op->kind) {
    case MIGRATE_ADD_COLUMN:
        /* of a type that STRICT does not know: its table knows */
        return migrate_sqlite_adds(op->column) && ddl_strict_takes(op->column) ? EITHER : EDIT;
    case MIGRATE_CREATE_INDEX:
        return op->index->constraint ? EDIT : OTHERWISE;
    case MIGRATE_ALTER_COLUMN:
    case MIGRATE_DROP_COLUMN: /* whether it may be native, its table knows */
    case MIGRATE_RENAME_INDEX:
    case MIGRATE_ADD_CHECK:
    case MIGRATE_ADD_FK:
    case MIGRATE_DROP_CONSTRAINT:
    case MIGRATE_RENAME_CONSTRAINT:
    case MIGRATE_PRIMARY_KEY:
    case MIGRATE_DEFER:
        return EDIT;
    case MIGRATE_CREATE_TABLE:
    case MIGRATE_DROP_TABLE:
    case MIGRATE_RENAME_TABLE:
    case MIGRATE_RENAME_COLUMN:
    case MIGRATE_DROP_INDEX:
    case MIGRATE_COMMENT:
    case MIGRATE_CREATE_ENUM:
    case MIGRATE_DROP_ENUM:
    case MIGRATE_ADD_ENUM_VALUE:
    case MIGRATE_RENAME_ENUM_VALUE:
    case MIGRATE_CREATE_POLICY:
    case MIGRATE_DROP_POLICY:
    case MIGRATE_ENABLE_RLS:
    case MIGRATE_DISABLE_RLS:
    case MIGRATE_CREATE_TRIGGER:
    case MIGRATE_DROP_TRIGGER:
    case MIGRATE_SQL:
    case MIGRATE_RUN:
    case MIGRATE_BACKFILL:
        return OTHERWISE;
    }
    return OTHERWISE;
}

bool migrate_sqlite_edits(const struct migrate_op *op)
{
    return !migrate_sqlite_ignores(op) && how_done(op) != OTHERWISE;
}

/* How many operations from op on are edits of one table, those that are nothing among them; 0 when ALTER TABLE will do
 * for the first. */
static size_t edits(const struct migrate_planner *p, const struct migrate_op *op)
{
    size_t n = 0;
    bool must = false;
    for (const struct migrate_op *o = op; o < p->ops + p->n; o++) {
        if (migrate_sqlite_ignores(o)) {
            continue;
        }
        enum how how = how_done(o);
        if (how == OTHERWISE || strcmp(o->table, op->table) != 0) {
            break;
        }
        must = must || how == EDIT;
        n = (size_t)(o - op) + 1;
    }
    return must ? n : 0;
}

static st_err edit(struct migrate_planner *p, const struct migrate_op *op, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (op[i].kind == MIGRATE_ADD_COLUMN && op[i].column->identity) {
            diag_set(ST_E_INVALID, "table %s: SQLite cannot number the new column %s", op->table, op[i].column->name);
            diag_hint("add it nullable and without .identity, fill it, make it the primary key, and then set .identity "
                      "with st_alter_column");
            return ST_E_INVALID;
        }
    }
    st_err rc = migrate_plan_step(p->a, p->plan,
                                  &(const struct migrate_step){.kind = MIGRATE_STEP_REBUILD, .op = op, .n_ops = n});
    if (!rc) {
        p->plan->phases[p->plan->n_phases - 1].foreign_keys_off = true;
    }
    return rc;
}

static st_err rename_thing(struct migrate_planner *p, const struct migrate_op *op)
{
    ddl_alter(&p->sql, op->table);
    buf_puts(&p->sql, "RENAME ");
    if (op->kind == MIGRATE_RENAME_COLUMN) {
        buf_puts(&p->sql, "COLUMN ");
        ddl_ident(&p->sql, op->rename.from);
        buf_put_char(&p->sql, ' ');
    }
    buf_puts(&p->sql, "TO ");
    ddl_ident(&p->sql, op->rename.to);
    return add(p, NULL, op);
}

/* The last step of a phase whose foreign keys were off. */
static st_err end_phase(struct migrate_planner *p)
{
    if (!p->plan->n_phases || !p->plan->phases[p->plan->n_phases - 1].foreign_keys_off) {
        return 0;
    }
    buf_puts(&p->sql, "SELECT format('%s (rowid %s), which names a row that is not in %s', \"table\", "
                      "coalesce(rowid, '?'), \"parent\") FROM pragma_foreign_key_check LIMIT 1");
    return add(p, "with this change a foreign key does not hold, or it did not before: the table ", NULL);
}

static st_err phase_of_c(struct migrate_planner *p, const struct migrate_op *op)
{
    bool run = op->kind == MIGRATE_RUN;
    const char *name = run ? op->run.name : op->backfill->name;
    if (!name) {
        return diag_nomem();
    }
    const struct migrate_step step = {.kind = run ? MIGRATE_STEP_RUN : MIGRATE_STEP_BACKFILL, .op = op};
    st_err rc = end_phase(p);
    rc = rc ? rc : migrate_plan_phase(p->a, p->plan, name, true);
    rc = rc ? rc : migrate_plan_step(p->a, p->plan, &step);
    return rc ? rc : migrate_plan_phase(p->a, p->plan, "go on", false);
}

static st_err plan_op(struct migrate_planner *p, const struct migrate_op *op)
{
    switch ((int)op->kind) {
    case MIGRATE_CREATE_TABLE:
        return create_table(p, op);
    case MIGRATE_DROP_TABLE:
        return drop_table(p, op);
    case MIGRATE_RENAME_TABLE:
    case MIGRATE_RENAME_COLUMN:
        return rename_thing(p, op);
    case MIGRATE_ADD_COLUMN: {
        st_err rc = ddl_add_column(&p->sql, p->d, op->table, op->column, p->a);
        return rc ? rc : add(p, NULL, op);
    }
    case MIGRATE_CREATE_INDEX:
        ddl_create_index(&p->sql, p->d, op->table, op->index);
        return add(p, NULL, op);
    case MIGRATE_DROP_INDEX:
        buf_puts(&p->sql, "DROP INDEX ");
        ddl_ident(&p->sql, op->name);
        return add(p, NULL, op);
    case MIGRATE_CREATE_TRIGGER:
    case MIGRATE_DROP_TRIGGER:
        return create_triggers(p, op, op->trigger);
    case MIGRATE_SQL:
        buf_puts(&p->sql, op->sql.text);
        return add(p, NULL, op);
    case MIGRATE_RUN:
    case MIGRATE_BACKFILL:
        return phase_of_c(p, op);
    default:
        return diag_set(ST_E_INVALID, "an operation of no known kind");
    }
}

st_err migrate_plan_sqlite(struct migrate_planner *p)
{
    st_err rc = migrate_plan_phase(p->a, p->plan, "all", false);
    for (size_t i = 0; !rc && i < p->n;) {
        size_t n = migrate_sqlite_ignores(&p->ops[i]) ? 0 : edits(p, &p->ops[i]);
        rc = n ? edit(p, &p->ops[i], n) : migrate_sqlite_ignores(&p->ops[i]) ? 0 : plan_op(p, &p->ops[i]);
        i += n ? n : 1;
    }
    return rc ? rc : end_phase(p);
}
