/* Recording operations on tables, columns and constraints as data. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/private.h"

void migrate_ops_init(st_ops *o, arena *a, enum st_dialect d)
{
    *o = (st_ops){.a = a, .dialect = d};
}

void migrate_ops_together(st_ops *o, bool begin)
{
    o->together = begin ? ++o->n_together : 0;
}

enum st_dialect st_ops_dialect(const st_ops *o)
{
    return o->dialect;
}

st_err migrate_op_fail(st_ops *o, st_err rc)
{
    assert(rc < 0);
    o->err = o->err ? o->err : rc;
    return rc;
}

struct migrate_op *migrate_op_add(st_ops *o, enum migrate_op_kind kind, const char *table)
{
    if (o->err) {
        return NULL;
    }
    if (table && !migrate_name_ok(table)) {
        migrate_op_fail(o, diag_set(ST_E_INVALID, "an operation names the table \"%.80s\"; a name has 1 to %d bytes",
                                    table, ST_NAME_MAX));
        return NULL;
    }
    const char *copy = table ? arena_strdup(o->a, table) : NULL;
    if ((table && !copy) || migrate_grow(o->a, &o->ops, o->n, &o->room, sizeof *o->ops)) {
        migrate_op_fail(o, diag_nomem());
        return NULL;
    }
    o->ops[o->n] = (struct migrate_op){.kind = kind, .together = o->together, .table = copy, .allow = o->allow};
    o->allow = o->calls ? o->allow : NULL;
    return &o->ops[o->n++];
}

/* What every call begins with: a table that is named. */
static struct migrate_op *add(st_ops *o, enum migrate_op_kind kind, const char *table)
{
    return migrate_op_add(o, kind, table ? table : "");
}

/* Copies with a function of schema_parts.c or its like; the type of the operation's member is what is copied. */
#define COPY(o, member, call)                                 \
    __extension__({                                           \
        (member) = arena_zalloc((o)->a, 1, sizeof *(member)); \
        st_err rc_ = (member) ? (call) : diag_nomem();        \
        rc_ ? migrate_op_fail((o), rc_) : 0;                  \
    })

static st_err invalid_name(st_ops *o, const char *table, const char *what, const char *name)
{
    return migrate_op_fail(o,
                           diag_set(ST_E_INVALID, "table %s: the name of the %s must have 1 to %d bytes, not \"%.80s\"",
                                    table, what, ST_NAME_MAX, name ? name : ""));
}

static st_err take_name(st_ops *o, const char **ret, const char *table, const char *what, const char *name)
{
    if (!migrate_name_ok(name)) {
        return invalid_name(o, table, what, name);
    }
    *ret = arena_strdup(o->a, name);
    return *ret ? 0 : migrate_op_fail(o, diag_nomem());
}

static st_err op_on_name(st_ops *o, enum migrate_op_kind kind, const char *table, const char *what, const char *name)
{
    struct migrate_op *op = add(o, kind, table);
    return op ? take_name(o, &op->name, table, what, name) : o->err;
}

static st_err op_rename(st_ops *o, enum migrate_op_kind kind, const char *table, const char *what, const char *from,
                        const char *to)
{
    struct migrate_op *op = add(o, kind, table);
    if (!op) {
        return o->err;
    }
    st_err rc = take_name(o, &op->rename.from, table, what, from);
    return rc ? rc : take_name(o, &op->rename.to, table, what, to);
}

st_err st_create_table(st_ops *o, const st_table *t)
{
    struct migrate_op *op = add(o, MIGRATE_CREATE_TABLE, t->name);
    return op ? COPY(o, op->create, migrate_copy_table(o->a, t, op->create)) : o->err;
}

st_err st_drop_table(st_ops *o, const char *table)
{
    return add(o, MIGRATE_DROP_TABLE, table) ? 0 : o->err;
}

/* Names that are handed on, a -> b behind b -> c: between the two a program would write into the wrong table, or find
 * none. So they are one transaction. */
static void keep_together(st_ops *o)
{
    size_t last = o->n - 1, first = last;
    while (first && o->ops[first - 1].kind == MIGRATE_RENAME_TABLE) {
        first--;
    }
    for (size_t i = first; i < last && !o->together; i++) {
        if (strcmp(o->ops[i].table, o->ops[last].rename.to) == 0) {
            unsigned number = o->ops[i].together ? o->ops[i].together : ++o->n_together;
            for (; i <= last; i++) {
                o->ops[i].together = number;
            }
        }
    }
}

st_err st_rename_table(st_ops *o, const char *from, const char *to)
{
    st_err rc = op_rename(o, MIGRATE_RENAME_TABLE, from, "table", from, to);
    if (!rc) {
        keep_together(o);
    }
    return rc;
}

st_err st_add_column(st_ops *o, const char *table, const st_table_column *c)
{
    struct migrate_op *op = add(o, MIGRATE_ADD_COLUMN, table);
    if (!op) {
        return o->err;
    }
    if (c->pk) {
        diag_set(ST_E_INVALID, "table %s: column %s cannot be added to the primary key", table, c->name ? c->name : "");
        diag_hint("add it without .pk, fill it, and then use st_change_primary_key");
        return migrate_op_fail(o, ST_E_INVALID);
    }
    return COPY(o, op->column, migrate_copy_column(o->a, table, c, op->column));
}

st_err st_drop_column(st_ops *o, const char *table, const char *column)
{
    return op_on_name(o, MIGRATE_DROP_COLUMN, table, "column", column);
}

st_err st_rename_column(st_ops *o, const char *table, const char *from, const char *to)
{
    return op_rename(o, MIGRATE_RENAME_COLUMN, table, "column", from, to);
}

st_err st_alter_column(st_ops *o, const char *table, const st_table_column *was, const st_table_column *is,
                       const char *convert)
{
    struct migrate_op *op = add(o, MIGRATE_ALTER_COLUMN, table);
    if (!op) {
        return o->err;
    }
    st_err rc = COPY(o, op->alter.was, migrate_copy_column(o->a, table, was, op->alter.was));
    rc = rc ? rc : COPY(o, op->alter.is, migrate_copy_column(o->a, table, is, op->alter.is));
    if (rc) {
        return rc;
    }
    if (strcmp(was->name, is->name) != 0) {
        diag_set(ST_E_INVALID, "table %s: column %s cannot become %s by st_alter_column", table, was->name, is->name);
        diag_hint("rename it first, with st_rename_column");
        return migrate_op_fail(o, ST_E_INVALID);
    }
    if (was->pk != is->pk) {
        diag_set(ST_E_INVALID, "table %s: column %s joins or leaves the primary key", table, is->name);
        diag_hint("use st_change_primary_key for that, and the same .pk on both sides here");
        return migrate_op_fail(o, ST_E_INVALID);
    }
    bool ok = true;
    op->alter.convert = migrate_copy_text(o->a, convert, &ok);
    return ok ? 0 : migrate_op_fail(o, diag_nomem());
}

st_err st_create_index(st_ops *o, const char *table, const st_table_index *i)
{
    struct migrate_op *op = add(o, MIGRATE_CREATE_INDEX, table);
    return op ? COPY(o, op->index, migrate_copy_index(o->a, table, NULL, i, op->index)) : o->err;
}

st_err st_drop_index(st_ops *o, const char *table, const char *index)
{
    return op_on_name(o, MIGRATE_DROP_INDEX, table, "index", index);
}

st_err st_rename_index(st_ops *o, const char *table, const char *from, const char *to)
{
    return op_rename(o, MIGRATE_RENAME_INDEX, table, "index", from, to);
}

st_err st_add_check(st_ops *o, const char *table, const st_table_check *c)
{
    struct migrate_op *op = add(o, MIGRATE_ADD_CHECK, table);
    return op ? COPY(o, op->check, migrate_copy_check(o->a, table, c, op->check)) : o->err;
}

st_err st_add_fk(st_ops *o, const char *table, const st_table_fk *fk)
{
    struct migrate_op *op = add(o, MIGRATE_ADD_FK, table);
    return op ? COPY(o, op->fk, migrate_copy_fk(o->a, table, NULL, fk, op->fk)) : o->err;
}

static st_err op_constraint(st_ops *o, enum migrate_op_kind what, const char *table, enum st_constraint kind,
                            const char *name, const char *to)
{
    struct migrate_op *op = add(o, what, table);
    if (!op) {
        return o->err;
    }
    if (kind < ST_C_CHECK || kind > ST_C_EXCLUDE) {
        return migrate_op_fail(o, diag_set(ST_E_INVALID,
                                           "table %s: %d is no kind of constraint; use one of ST_C_CHECK, ...", table,
                                           (int)kind));
    }
    op->constraint.kind = kind;
    st_err rc = take_name(o, &op->constraint.name, table, "constraint", name);
    return rc || what == MIGRATE_DROP_CONSTRAINT ? rc : take_name(o, &op->constraint.to, table, "constraint", to);
}

st_err st_drop_constraint(st_ops *o, const char *table, enum st_constraint kind, const char *name)
{
    return op_constraint(o, MIGRATE_DROP_CONSTRAINT, table, kind, name, NULL);
}

st_err st_rename_constraint(st_ops *o, const char *table, enum st_constraint kind, const char *from, const char *to)
{
    return op_constraint(o, MIGRATE_RENAME_CONSTRAINT, table, kind, from, to);
}

st_err st_change_primary_key(st_ops *o, const char *table, const char *const *was, const char *const *is,
                             const char *index)
{
    struct migrate_op *op = add(o, MIGRATE_PRIMARY_KEY, table);
    if (!op) {
        return o->err;
    }
    if (!(was && was[0]) && !(is && is[0])) {
        return migrate_op_fail(o,
                               diag_set(ST_E_INVALID, "table %s: a change of the primary key names no columns", table));
    }
    for (int side = 0; side < 2; side++) {
        const char *const *columns = side ? is : was;
        for (size_t i = 0; columns && columns[i]; i++) {
            if (i >= ST_KEY_MAX || !migrate_name_ok(columns[i])) {
                return migrate_op_fail(o,
                                       diag_set(ST_E_INVALID, "table %s: a primary key has 1 to %d columns with names",
                                                table, ST_KEY_MAX));
            }
        }
    }
    bool ok = true;
    op->key.was = migrate_copy_texts(o->a, was && was[0] ? was : NULL, &ok);
    op->key.is = migrate_copy_texts(o->a, is && is[0] ? is : NULL, &ok);
    op->key.index = migrate_copy_text(o->a, index, &ok);
    if (!ok) {
        return migrate_op_fail(o, diag_nomem());
    }
    return index && o->dialect == ST_SQLITE ? st_drop_index(o, table, index) : 0; /* its key has an index by itself */
}

/* i NULL: of a foreign key. */
static st_err op_defer(st_ops *o, const char *table, enum st_constraint kind, const char *name, const st_table_index *i,
                       enum st_deferral was, enum st_deferral is)
{
    struct migrate_op *op = add(o, MIGRATE_DEFER, table);
    if (!op) {
        return o->err;
    }
    if (was == is || was < ST_NOT_DEFERRABLE || was > ST_DEFERRED || is < ST_NOT_DEFERRABLE || is > ST_DEFERRED) {
        return migrate_op_fail(o,
                               diag_set(ST_E_INVALID,
                                        "table %s: the constraint %s is to be checked when it is already: was and is "
                                        "are two of ST_NOT_DEFERRABLE, ST_DEFERRABLE and ST_DEFERRED",
                                        table, name ? name : ""));
    }
    op->defer.kind = kind;
    op->defer.was = was;
    op->defer.is = is;
    st_err rc = i ? COPY(o, op->defer.index, migrate_copy_index(o->a, table, NULL, i, op->defer.index)) : 0;
    return rc ? rc : take_name(o, &op->defer.name, table, "constraint", i ? op->defer.index->name : name);
}

st_err st_defer_fk(st_ops *o, const char *table, const char *name, enum st_deferral was, enum st_deferral is)
{
    return op_defer(o, table, ST_C_FK, name, NULL, was, is);
}

st_err st_defer_unique(st_ops *o, const char *table, const st_table_index *i, enum st_deferral is)
{
    st_table_index constraint = *i;
    constraint.unique = constraint.constraint = true;
    return op_defer(o, table, ST_C_UNIQUE, i->name, &constraint, i->deferrable, is);
}

st_err st_defer_primary_key(st_ops *o, const char *table, const char *name, const char *const *columns,
                            enum st_deferral was, enum st_deferral is)
{
    st_table_index i = {.name = name, .unique = true, .constraint = true, .deferrable = was};
    for (size_t n = 0; columns && columns[n]; n++) {
        if (n == ST_KEY_MAX) {
            return migrate_op_fail(
                o, diag_set(ST_E_INVALID, "table %s: a primary key has 1 to %d columns", table, ST_KEY_MAX));
        }
        i.columns[n] = columns[n];
    }
    if (!name) {
        return invalid_name(o, table, "primary key", name);
    }
    return op_defer(o, table, ST_C_PRIMARY_KEY, name, &i, was, is);
}

st_err st_set_comment(st_ops *o, const char *table, const char *column, const char *text)
{
    struct migrate_op *op = add(o, MIGRATE_COMMENT, table);
    if (!op) {
        return o->err;
    }
    bool ok = true;
    op->comment.column = migrate_copy_text(o->a, column, &ok);
    op->comment.text = migrate_copy_text(o->a, text, &ok);
    return ok ? 0 : migrate_op_fail(o, diag_nomem());
}
