/* Operations to steps of one dialect. */
#include <errno.h>

#include "strata/migrate/private.h"

struct planner {
    arena *a;
    enum st_dialect d;
    const struct migrate_op *ops;
    size_t n;
    struct migrate_plan *plan;
    buf sql;
};

st_err migrate_plan_add(arena *a, struct migrate_plan *p, buf *sql, const char *refuse, const struct migrate_op *op)
{
    st_err rc = sql->err;
    const char *text = migrate_text(a, sql);
    if (!text) {
        return rc == -E2BIG ? diag_set(rc, "a statement for the table %s is longer than %d bytes",
                                       op && op->table ? op->table : "?", ST_DDL_MAX)
                            : diag_nomem();
    }
    rc = migrate_grow(a, &p->steps, p->n, &p->room, sizeof *p->steps);
    if (!rc) {
        p->steps[p->n++] = (struct migrate_step){
            .kind = refuse ? MIGRATE_STEP_REFUSE : MIGRATE_STEP_SQL, .sql = text, .refuse = refuse, .op = op};
    }
    return rc;
}

static st_err add(struct planner *p, const char *refuse, const struct migrate_op *op)
{
    return migrate_plan_add(p->a, p->plan, &p->sql, refuse, op);
}

/* Whether a later operation creates table: then a key to it waits until then. SQLite looks at parents only when rows
 * are written, and could not add a key later. */
static bool created_later(const struct planner *p, const struct migrate_op *op, const char *table)
{
    for (const struct migrate_op *o = op + 1; p->d == ST_POSTGRESQL && o < p->ops + p->n; o++) {
        if (o->kind == MIGRATE_CREATE_TABLE && strcmp(o->table, table) == 0) {
            return true;
        }
    }
    return false;
}

static st_err create_indexes(struct planner *p, const struct migrate_op *op)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < op->create->n_indexes; i++) {
        if (!op->create->indexes[i].constraint) {
            ddl_create_index(&p->sql, p->d, op->table, &op->create->indexes[i]);
            rc = add(p, NULL, op);
        }
    }
    for (size_t i = 0; !rc && i < op->create->n_columns; i++) {
        if (op->create->columns[i].comment && p->d == ST_POSTGRESQL) {
            ddl_comment(&p->sql, op->table, &op->create->columns[i]);
            rc = add(p, NULL, op);
        }
    }
    return rc;
}

/* Keys of earlier tables that waited for this one. */
static st_err add_waiting_keys(struct planner *p, const struct migrate_op *op)
{
    st_err rc = 0;
    for (const struct migrate_op *o = p->ops; !rc && p->d == ST_POSTGRESQL && o < op; o++) {
        for (size_t i = 0; !rc && o->kind == MIGRATE_CREATE_TABLE && i < o->create->n_fks; i++) {
            if (strcmp(o->create->fks[i].table, op->table) == 0) {
                ddl_add_fk(&p->sql, o->table, &o->create->fks[i]);
                rc = add(p, NULL, o);
            }
        }
    }
    return rc;
}

static st_err create_table(struct planner *p, const struct migrate_op *op)
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
    rc = rc ? rc : add(p, NULL, op);
    rc = rc ? rc : create_indexes(p, op);
    rc = rc ? rc : add_waiting_keys(p, op);
    for (size_t i = 0; !rc && p->d == ST_POSTGRESQL && !t->no_rls && i < t->n_columns; i++) {
        if (t->columns[i].tenant) {
            rc = migrate_plan_rls(p->a, p->plan, &p->sql, op, t->columns[i].name, true);
        }
    }
    return rc;
}

/* On SQLite a DROP TABLE deletes the rows first, so that cascades empty the tables below without a word; PostgreSQL
 * refuses. Both refuse here. */
static st_err drop_table(struct planner *p, const struct migrate_op *op)
{
    if (p->d == ST_SQLITE) {
        buf_puts(&p->sql,
                 "SELECT m.name FROM sqlite_master AS m, pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'"
                 " AND lower(f.\"table\") = lower(");
        ddl_string(&p->sql, op->table);
        buf_puts(&p->sql, ") AND lower(m.name) <> lower(");
        ddl_string(&p->sql, op->table);
        buf_puts(&p->sql, ") LIMIT 1");
        st_err rc = add(p, "it cannot be dropped while a foreign key points at it from the table ", op);
        if (rc) {
            return rc;
        }
    }
    buf_puts(&p->sql, "DROP TABLE ");
    ddl_ident(&p->sql, op->table);
    return add(p, NULL, op);
}

static st_err add_column(struct planner *p, const struct migrate_op *op)
{
    const st_table_column *c = op->column;
    if (p->d == ST_SQLITE && c->default_sql) {
        ddl_default(&p->sql, p->d, c);
        bool constant = p->sql.p[0] != '(';
        buf_clear(&p->sql);
        if (!constant) {
            diag_set(ST_E_INVALID, "table %s: SQLite cannot add the column %s, because its default %s is no constant",
                     op->table, c->name, c->default_sql);
            diag_hint("add it nullable without a default, and fill it with st_sql");
            return ST_E_INVALID;
        }
    }
    st_err rc = ddl_add_column(&p->sql, p->d, op->table, c, p->a);
    rc = rc ? rc : add(p, NULL, op);
    if (!rc && c->comment && p->d == ST_POSTGRESQL) {
        ddl_comment(&p->sql, op->table, c);
        rc = add(p, NULL, op);
    }
    return rc;
}

static st_err plan_op(struct planner *p, const struct migrate_op *op)
{
    switch (op->kind) {
    case MIGRATE_CREATE_TABLE:
        return create_table(p, op);
    case MIGRATE_DROP_TABLE:
        return drop_table(p, op);
    case MIGRATE_ADD_COLUMN:
        return add_column(p, op);
    case MIGRATE_DROP_COLUMN:
        buf_puts(&p->sql, "ALTER TABLE ");
        ddl_ident(&p->sql, op->table);
        buf_puts(&p->sql, " DROP COLUMN ");
        ddl_ident(&p->sql, op->name);
        return add(p, NULL, op);
    case MIGRATE_CREATE_INDEX:
        ddl_create_index(&p->sql, p->d, op->table, op->index);
        return add(p, NULL, op);
    case MIGRATE_DROP_INDEX:
        buf_puts(&p->sql, "DROP INDEX ");
        ddl_ident(&p->sql, op->name);
        return add(p, NULL, op);
    case MIGRATE_ENABLE_RLS:
    case MIGRATE_DISABLE_RLS:
        return p->d == ST_SQLITE
                   ? 0
                   : migrate_plan_rls(p->a, p->plan, &p->sql, op, op->name, op->kind == MIGRATE_ENABLE_RLS);
    case MIGRATE_SQL:
        if (op->sql.only && op->sql.only != p->d) {
            return 0;
        }
        buf_puts(&p->sql, op->sql.text);
        return add(p, NULL, op);
    }
    return diag_set(ST_E_INVALID, "an operation of no known kind");
}

st_err migrate_plan_ops(arena *a, enum st_dialect d, const struct migrate_op *ops, size_t n, struct migrate_plan *ret)
{
    struct planner p = {.a = a, .d = d, .ops = ops, .n = n, .plan = ret};
    buf_init(&p.sql, ST_DDL_MAX);
    st_err rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = plan_op(&p, &ops[i]);
    }
    buf_release(&p.sql);
    return rc;
}
