/* Recording operations as data. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/private.h"

void migrate_ops_init(st_ops *o, arena *a, enum st_dialect d)
{
    *o = (st_ops){.a = a, .dialect = d};
}

enum st_dialect st_ops_dialect(const st_ops *o)
{
    return o->dialect;
}

static st_err fail(st_ops *o, st_err rc)
{
    assert(rc < 0);
    o->err = o->err ? o->err : rc;
    return rc;
}

/* A new operation, or NULL after a failure that sticks. */
static struct migrate_op *add(st_ops *o, enum migrate_op_kind kind, const char *table)
{
    if (o->err) {
        return NULL;
    }
    if (kind != MIGRATE_SQL && !migrate_name_ok(table)) {
        fail(o, diag_set(ST_E_INVALID, "an operation names the table \"%.80s\"; a name has 1 to %d bytes",
                         table ? table : "", ST_NAME_MAX));
        return NULL;
    }
    const char *copy = table ? arena_strdup(o->a, table) : NULL;
    if ((table && !copy) || migrate_grow(o->a, &o->ops, o->n, &o->room, sizeof *o->ops)) {
        fail(o, diag_nomem());
        return NULL;
    }
    o->ops[o->n] = (struct migrate_op){.kind = kind, .table = copy};
    return &o->ops[o->n++];
}

st_err st_create_table(st_ops *o, const st_table *t)
{
    struct migrate_op *op = add(o, MIGRATE_CREATE_TABLE, t->name);
    if (!op) {
        return o->err;
    }
    op->create = ARENA_NEW(o->a, st_table);
    st_err rc = op->create ? migrate_copy_table(o->a, t, op->create) : diag_nomem();
    return rc ? fail(o, rc) : 0;
}

st_err st_drop_table(st_ops *o, const char *table)
{
    return add(o, MIGRATE_DROP_TABLE, table) ? 0 : o->err;
}

st_err st_add_column(st_ops *o, const char *table, const st_table_column *c)
{
    struct migrate_op *op = add(o, MIGRATE_ADD_COLUMN, table);
    if (!op) {
        return o->err;
    }
    if (c->pk) {
        return fail(o, diag_set(ST_E_INVALID, "table %s: column %s cannot be added to the primary key", table,
                                c->name ? c->name : ""));
    }
    op->column = ARENA_NEW(o->a, st_table_column);
    st_err rc = op->column ? migrate_copy_column(o->a, table, c, op->column) : diag_nomem();
    return rc ? fail(o, rc) : 0;
}

static st_err name_thing(st_ops *o, enum migrate_op_kind kind, const char *table, const char *name)
{
    struct migrate_op *op = add(o, kind, table);
    if (!op) {
        return o->err;
    }
    if (!migrate_name_ok(name)) {
        return fail(
            o, diag_set(ST_E_INVALID, "table %s: no column or index is called \"%.80s\"", table, name ? name : ""));
    }
    op->name = arena_strdup(o->a, name);
    return op->name ? 0 : fail(o, diag_nomem());
}

st_err st_drop_column(st_ops *o, const char *table, const char *column)
{
    return name_thing(o, MIGRATE_DROP_COLUMN, table, column);
}

st_err st_create_index(st_ops *o, const char *table, const st_table_index *i)
{
    struct migrate_op *op = add(o, MIGRATE_CREATE_INDEX, table);
    if (!op) {
        return o->err;
    }
    if (i->constraint) {
        diag_set(ST_E_INVALID, "table %s: a unique constraint cannot be added to a table that is there", table);
        diag_hint("create a unique index: leave .constraint out");
        return fail(o, ST_E_INVALID);
    }
    op->index = ARENA_NEW(o->a, st_table_index);
    st_err rc = op->index ? migrate_copy_index(o->a, table, NULL, i, op->index) : diag_nomem();
    return rc ? fail(o, rc) : 0;
}

st_err st_drop_index(st_ops *o, const char *table, const char *index)
{
    return name_thing(o, MIGRATE_DROP_INDEX, table, index);
}

st_err st_enable_rls(st_ops *o, const char *table, const char *tenant_column)
{
    return name_thing(o, MIGRATE_ENABLE_RLS, table, tenant_column);
}

st_err st_disable_rls(st_ops *o, const char *table)
{
    return add(o, MIGRATE_DISABLE_RLS, table) ? 0 : o->err;
}

st_err st_insert_row(st_ops *o, const char *table, const st_table_cell *cells, size_t n)
{
    if (n == 0) {
        return fail(o, diag_set(ST_E_INVALID, "table %s: a row to insert has no values", table));
    }
    for (size_t i = 0; i < n; i++) {
        const st_value *v = &cells[i].value;
        bool text = v->type == ST_TEXT || v->type == ST_JSON;
        const char *wrong = !migrate_name_ok(cells[i].column)                       ? "has no column"
                            : v->type < ST_BOOL || v->type >= ST_TYPE_MAX           ? "has no type"
                            : v->null                                               ? NULL
                            : text && memchr(v->text.p, 0, v->text.len)             ? "holds a NUL"
                            : v->type == ST_ENUM && v->e.of && v->e.v >= v->e.of->n ? "is none of its enum"
                                                                                    : NULL;
        if (wrong) {
            return fail(o, diag_set(ST_E_INVALID, "table %s: value %zu of a row to insert %s", table, i + 1, wrong));
        }
    }
    struct migrate_op *op = add(o, MIGRATE_SQL, table);
    if (!op) {
        return o->err;
    }
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    ddl_insert(&b, o->dialect, table, cells, n);
    if (b.err == -E2BIG) {
        return fail(o, diag_set(-E2BIG, "table %s: a row to insert is longer than %d bytes", table, ST_DDL_MAX));
    }
    op->sql.text = migrate_text(o->a, &b);
    return op->sql.text ? 0 : fail(o, diag_nomem());
}

st_err st_sql(st_ops *o, enum st_dialect only, const char *sql)
{
    struct migrate_op *op = add(o, MIGRATE_SQL, NULL);
    if (!op) {
        return o->err;
    }
    op->sql.only = only;
    op->sql.text = arena_strdup(o->a, sql);
    return op->sql.text ? 0 : fail(o, diag_nomem());
}
