/* Copies of the parts of a table, in an arena, with derived names filled in and nonsense refused. */
#include <errno.h>

#include "strata/migrate/index_part.h"

const char *migrate_copy_text(arena *a, const char *s, bool *ok)
{
    const char *copy = s ? arena_strdup(a, s) : NULL;
    *ok = *ok && (!s || copy);
    return copy;
}

static const double *number(arena *a, const double *v, bool *ok)
{
    double *copy = v ? arena_alloc(a, sizeof *copy) : NULL;
    if (copy) {
        *copy = *v;
    }
    *ok = *ok && (!v || copy);
    return copy;
}

const char *const *migrate_copy_texts(arena *a, const char *const *v, bool *ok)
{
    size_t n = 0;
    while (v && v[n]) {
        n++;
    }
    const char **copy = v ? ARENA_ARRAY(a, const char *, n + 1) : NULL;
    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = migrate_copy_text(a, v[i], ok);
    }
    *ok = *ok && (!v || copy);
    return copy;
}

static void key(arena *a, const char *const from[static ST_KEY_MAX], const char *to[static ST_KEY_MAX], bool *ok)
{
    for (size_t i = 0; i < ST_KEY_MAX; i++) {
        to[i] = migrate_copy_text(a, from[i], ok);
    }
}

static st_err check_column(const char *table, const st_table_column *c)
{
    if (!migrate_name_ok(c->name)) {
        return diag_set(ST_E_INVALID, "table %s: a column's name must have 1 to %d bytes, not \"%.80s\"", table,
                        ST_NAME_MAX, c->name ? c->name : "");
    }
    bool foreign = c->type == ST_TYPE_NONE && c->type_sql && c->type_sql[0];
    if (!foreign && (c->type < ST_BOOL || c->type >= ST_TYPE_MAX)) {
        return diag_set(ST_E_INVALID, "table %s: column %s has no type; set .type, or .type_sql for one of its own",
                        table, c->name);
    }
    if (!foreign && c->type_sql) {
        return diag_set(ST_E_INVALID, "table %s: column %s has two types; leave .type or .type_sql out", table,
                        c->name);
    }
    if (c->type == ST_ENUM && !(c->values && c->values[0])) {
        return diag_set(ST_E_INVALID, "table %s: the enum column %s has no values; name them in .values", table,
                        c->name);
    }
    if (c->type != ST_ENUM && (c->values || c->as_smallint)) {
        return diag_set(ST_E_INVALID, "table %s: column %s has enum values but is no ST_ENUM", table, c->name);
    }
    if (c->enum_type && (c->type != ST_ENUM || c->as_smallint || !migrate_name_ok(c->enum_type))) {
        return diag_set(ST_E_INVALID,
                        "table %s: .enum_type of column %s must name the type of an ST_ENUM that is no smallint", table,
                        c->name);
    }
    if (c->generated && (c->default_sql || c->identity || c->pk)) {
        return diag_set(ST_E_INVALID,
                        "table %s: column %s is generated: it has no default and no identity, and is in no primary key",
                        table, c->name);
    }
    if (c->identity && (c->default_sql || c->nullable || c->type < ST_INT16 || c->type > ST_INT64)) {
        return diag_set(ST_E_INVALID,
                        "table %s: column %s has an identity: it must be an integer, not nullable and "
                        "without a default",
                        table, c->name);
    }
    bool sized = c->type == ST_TEXT || c->type == ST_BYTES || c->type == ST_TEXTS || c->type == ST_UUIDS;
    if (c->max && !sized) {
        return diag_set(ST_E_INVALID, "table %s: .max is for text, bytes and arrays; column %s is none", table,
                        c->name);
    }
    if (c->pk && c->nullable) {
        return diag_set(ST_E_INVALID, "table %s: column %s is in the primary key and cannot be nullable", table,
                        c->name);
    }
    return 0;
}

st_err migrate_copy_column(arena *a, const char *table, const st_table_column *c, st_table_column *ret)
{
    st_err rc = check_column(table, c);
    if (rc) {
        return rc;
    }
    bool ok = true;
    *ret = *c;
    ret->name = migrate_copy_text(a, c->name, &ok);
    ret->values = migrate_copy_texts(a, c->values, &ok);
    ret->min_value = number(a, c->min_value, &ok);
    ret->max_value = number(a, c->max_value, &ok);
    ret->default_sql = migrate_copy_text(a, c->default_sql, &ok);
    ret->check = migrate_copy_text(a, c->check, &ok);
    ret->comment = migrate_copy_text(a, c->comment, &ok);
    ret->was = migrate_copy_text(a, c->was, &ok);
    ret->type_sql = migrate_copy_text(a, c->type_sql, &ok);
    ret->enum_type = migrate_copy_text(a, c->enum_type, &ok);
    ret->generated = migrate_copy_text(a, c->generated, &ok);
    return ok ? 0 : diag_nomem();
}

st_err migrate_copy_index(arena *a, const char *table, const char *skip, const st_table_index *i, st_table_index *ret)
{
    size_t n = migrate_key_len(i->columns);
    *ret = *i;
    if (n == 0 && !i->expression) {
        return diag_set(ST_E_INVALID, "table %s: the index %s has neither columns nor an expression", table,
                        i->name ? i->name : "without a name");
    }
    if (i->constraint && (!i->unique || i->where || i->method || index_has_expression(i))) {
        return diag_set(ST_E_INVALID,
                        "table %s: a constraint is unique, over columns and over all rows; leave .constraint "
                        "out for a partial or expression index",
                        table);
    }
    if (i->deferrable && !i->constraint) {
        return diag_set(ST_E_INVALID,
                        "table %s: an index cannot be deferred; set .constraint for a unique constraint that is",
                        table);
    }
    if (i->name && !migrate_name_ok(i->name)) {
        return diag_set(ST_E_INVALID, "table %s: the index name \"%.80s\" must have 1 to %d bytes", table, i->name,
                        ST_NAME_MAX);
    }
    bool nameless = n == 0;
    for (size_t k = 0; k < n; k++) {
        nameless |= index_is_expression(i->columns[k]);
    }
    if (!i->name && nameless) {
        return diag_set(ST_E_INVALID, "table %s: an index on an expression needs a name", table);
    }
    if (i->nulls_not_distinct && !i->unique) {
        return diag_set(ST_E_INVALID, "table %s: the index %s is not unique, so leave .nulls_not_distinct out", table,
                        i->name ? i->name : "without a name");
    }
    st_err rc = index_parts_copy(a, table, i, ret);
    if (rc) {
        return rc;
    }
    bool ok = true;
    ret->name = i->name ? migrate_copy_text(a, i->name, &ok)
                        : migrate_name(a, table, ret->columns, n > 1 ? skip : NULL, i->constraint ? "key" : "idx");
    ret->where = migrate_copy_text(a, i->where, &ok);
    ret->expression = migrate_copy_text(a, i->expression, &ok);
    ret->method = migrate_copy_text(a, i->method, &ok);
    return ok && ret->name ? 0 : diag_nomem();
}

st_err migrate_copy_fk(arena *a, const char *table, const char *skip, const st_table_fk *fk, st_table_fk *ret)
{
    size_t n = migrate_key_len(fk->columns);
    if (n == 0 || n != migrate_key_len(fk->to) || !migrate_name_ok(fk->table)) {
        return diag_set(ST_E_INVALID,
                        "table %s: a foreign key names as many columns in .to as in .columns, and a table", table);
    }
    if (n > 1 && (fk->on_delete >= ST_SET_NULL || fk->on_update >= ST_SET_NULL)) {
        bool clears = fk->on_delete == ST_SET_NULL || fk->on_update == ST_SET_NULL;
        diag_set(ST_E_INVALID, "table %s: %s every column of the foreign key to %s, the tenant's too", table,
                 clears ? "SET NULL would clear" : "SET DEFAULT would change", fk->table);
        diag_hint("use ST_CASCADE, or clear the column before the row it points at is deleted");
        return ST_E_INVALID;
    }
    if (fk->name && !migrate_name_ok(fk->name)) {
        return diag_set(ST_E_INVALID, "table %s: the foreign key name \"%.80s\" must have 1 to %d bytes", table,
                        fk->name, ST_NAME_MAX);
    }
    bool ok = true;
    *ret = *fk;
    ret->name = fk->name ? migrate_copy_text(a, fk->name, &ok)
                         : migrate_name(a, table, fk->columns, n > 1 ? skip : NULL, "fkey");
    ret->table = migrate_copy_text(a, fk->table, &ok);
    key(a, fk->columns, ret->columns, &ok);
    key(a, fk->to, ret->to, &ok);
    return ok && ret->name ? 0 : diag_nomem();
}

st_err migrate_copy_check(arena *a, const char *table, const st_table_check *c, st_table_check *ret)
{
    if (!migrate_name_ok(c->name) || !c->sql || !c->sql[0]) {
        return diag_set(ST_E_INVALID, "table %s: a CHECK needs a name of 1 to %d bytes and a condition", table,
                        ST_NAME_MAX);
    }
    if (c->deferrable && !c->exclude) {
        return diag_set(ST_E_INVALID, "table %s: the CHECK %s cannot be deferred; no database checks one later", table,
                        c->name);
    }
    bool ok = true;
    *ret = *c;
    ret->name = migrate_copy_text(a, c->name, &ok);
    ret->sql = migrate_copy_text(a, c->sql, &ok);
    return ok ? 0 : diag_nomem();
}
