/* Schema as data: copies that live in an arena, with derived names filled in and nonsense refused. */
#include <errno.h>

#include "strata/migrate/private.h"

/* Copies *s when it is set; flags failure in *ok. */
static const char *text(arena *a, const char *s, bool *ok)
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

static const char *const *texts(arena *a, const char *const *v, bool *ok)
{
    size_t n = 0;
    while (v && v[n]) {
        n++;
    }
    const char **copy = v ? ARENA_ARRAY(a, const char *, n + 1) : NULL;
    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = text(a, v[i], ok);
    }
    *ok = *ok && (!v || copy);
    return copy;
}

static void key(arena *a, const char *const from[static ST_KEY_MAX], const char *to[static ST_KEY_MAX], bool *ok)
{
    for (size_t i = 0; i < ST_KEY_MAX; i++) {
        to[i] = text(a, from[i], ok);
    }
}

const st_table_column *migrate_column(const st_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].name && strcmp(t->columns[i].name, name) == 0) {
            return &t->columns[i];
        }
    }
    return NULL;
}

static st_err check_column(const char *table, const st_table_column *c)
{
    if (!migrate_name_ok(c->name)) {
        return diag_set(ST_E_INVALID, "table %s: a column's name must have 1 to %d bytes, not \"%.80s\"", table,
                        ST_NAME_MAX, c->name ? c->name : "");
    }
    if (c->type < ST_BOOL || c->type >= ST_TYPE_MAX) {
        return diag_set(ST_E_INVALID, "table %s: column %s has no type", table, c->name);
    }
    if (c->type == ST_ENUM && !(c->values && c->values[0])) {
        return diag_set(ST_E_INVALID, "table %s: the enum column %s has no values; name them in .values", table,
                        c->name);
    }
    if (c->type != ST_ENUM && (c->values || c->as_smallint)) {
        return diag_set(ST_E_INVALID, "table %s: column %s has enum values but is no ST_ENUM", table, c->name);
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
    ret->name = text(a, c->name, &ok);
    ret->values = texts(a, c->values, &ok);
    ret->min_value = number(a, c->min_value, &ok);
    ret->max_value = number(a, c->max_value, &ok);
    ret->default_sql = text(a, c->default_sql, &ok);
    ret->check = text(a, c->check, &ok);
    ret->comment = text(a, c->comment, &ok);
    ret->was = text(a, c->was, &ok);
    return ok ? 0 : diag_nomem();
}

st_err migrate_copy_index(arena *a, const char *table, const char *skip, const st_table_index *i, st_table_index *ret)
{
    size_t n = migrate_key_len(i->columns);
    if (n == 0 && !i->expression) {
        return diag_set(ST_E_INVALID, "table %s: the index %s has neither columns nor an expression", table,
                        i->name ? i->name : "without a name");
    }
    if (i->constraint && (!i->unique || i->where || i->expression || i->method)) {
        return diag_set(ST_E_INVALID,
                        "table %s: a constraint is unique, over columns and over all rows; leave .constraint "
                        "out for a partial or expression index",
                        table);
    }
    if (i->name && !migrate_name_ok(i->name)) {
        return diag_set(ST_E_INVALID, "table %s: the index name \"%.80s\" must have 1 to %d bytes", table, i->name,
                        ST_NAME_MAX);
    }
    if (!i->name && n == 0) {
        return diag_set(ST_E_INVALID, "table %s: an index on an expression alone needs a name", table);
    }
    bool ok = true;
    *ret = *i;
    ret->name = i->name ? text(a, i->name, &ok)
                        : migrate_name(a, table, i->columns, n > 1 ? skip : NULL, i->constraint ? "key" : "idx");
    ret->where = text(a, i->where, &ok);
    ret->expression = text(a, i->expression, &ok);
    ret->method = text(a, i->method, &ok);
    key(a, i->columns, ret->columns, &ok);
    return ok && ret->name ? 0 : diag_nomem();
}

static st_err copy_fk(arena *a, const st_table *t, const char *skip, const st_table_fk *fk, st_table_fk *ret)
{
    size_t n = migrate_key_len(fk->columns);
    if (n == 0 || n != migrate_key_len(fk->to) || !migrate_name_ok(fk->table)) {
        return diag_set(ST_E_INVALID,
                        "table %s: a foreign key names as many columns in .to as in .columns, and a table", t->name);
    }
    if (n > 1 && (fk->on_delete == ST_SET_NULL || fk->on_update == ST_SET_NULL)) {
        diag_set(ST_E_INVALID, "table %s: SET NULL would clear every column of the foreign key to %s, the tenant's too",
                 t->name, fk->table);
        diag_hint("use ST_CASCADE, or clear the column before the row it points at is deleted");
        return ST_E_INVALID;
    }
    if (fk->name && !migrate_name_ok(fk->name)) {
        return diag_set(ST_E_INVALID, "table %s: the foreign key name \"%.80s\" must have 1 to %d bytes", t->name,
                        fk->name, ST_NAME_MAX);
    }
    bool ok = true;
    *ret = *fk;
    ret->name = fk->name ? text(a, fk->name, &ok) : migrate_name(a, t->name, fk->columns, n > 1 ? skip : NULL, "fkey");
    ret->table = text(a, fk->table, &ok);
    key(a, fk->columns, ret->columns, &ok);
    key(a, fk->to, ret->to, &ok);
    return ok && ret->name ? 0 : diag_nomem();
}

/* Every column that a key, index or foreign key names is there. */
static st_err check_columns_exist(const st_table *t, const char *const columns[static ST_KEY_MAX], const char *of)
{
    for (size_t i = 0; i < migrate_key_len(columns); i++) {
        const char *name = columns[i] + (columns[i][0] == '-');
        if (!migrate_column(t, name)) {
            return diag_set(ST_E_INVALID, "table %s: %s names the column %s, which the table has not", t->name, of,
                            name);
        }
    }
    return 0;
}

/* Names of constraints and indexes differ, as PostgreSQL wants. Tables have few of them. */
static st_err check_names_differ(const st_table *t)
{
    size_t n = t->n_indexes + t->n_fks + t->n_checks;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            const char *names[2];
            for (int k = 0; k < 2; k++) {
                size_t at = k ? j : i;
                names[k] = at < t->n_indexes              ? t->indexes[at].name
                           : at - t->n_indexes < t->n_fks ? t->fks[at - t->n_indexes].name
                                                          : t->checks[at - t->n_indexes - t->n_fks].name;
            }
            if (strcmp(names[0], names[1]) == 0) {
                return diag_set(ST_E_INVALID, "table %s: two constraints or indexes are called %s", t->name, names[0]);
            }
        }
    }
    return 0;
}

static st_err copy_columns(arena *a, const st_table *t, st_table *ret)
{
    st_table_column *columns = ARENA_ARRAY(a, st_table_column, t->n_columns);
    if (!columns) {
        return diag_nomem();
    }
    size_t pk = 0, tenants = 0;
    for (size_t i = 0; i < t->n_columns; i++) {
        st_err rc = migrate_copy_column(a, t->name, &t->columns[i], &columns[i]);
        if (rc) {
            return rc;
        }
        if (migrate_column(t, columns[i].name) != &t->columns[i]) {
            return diag_set(ST_E_INVALID, "table %s: two columns are called %s", t->name, columns[i].name);
        }
        pk += columns[i].pk;
        tenants += columns[i].tenant;
    }
    if (pk == 0 || tenants > 1) {
        return diag_set(ST_E_INVALID,
                        pk ? "table %s: more than one column is the tenant's"
                           : "table %s has no primary key; mark its columns .pk",
                        t->name);
    }
    ret->columns = columns;
    return 0;
}

static st_err copy_constraints(arena *a, const st_table *t, const char *skip, st_table *ret)
{
    st_table_index *indexes = ARENA_ARRAY(a, st_table_index, t->n_indexes);
    st_table_fk *fks = ARENA_ARRAY(a, st_table_fk, t->n_fks);
    st_table_check *checks = ARENA_ARRAY(a, st_table_check, t->n_checks);
    if (!indexes || !fks || !checks) {
        return diag_nomem();
    }
    st_err rc = 0;
    for (size_t i = 0; !rc && i < t->n_indexes; i++) {
        rc = migrate_copy_index(a, t->name, skip, &t->indexes[i], &indexes[i]);
        rc = rc ? rc : check_columns_exist(t, indexes[i].columns, indexes[i].name);
    }
    for (size_t i = 0; !rc && i < t->n_fks; i++) {
        rc = copy_fk(a, t, skip, &t->fks[i], &fks[i]);
        rc = rc ? rc : check_columns_exist(t, fks[i].columns, fks[i].name);
    }
    for (size_t i = 0; !rc && i < t->n_checks; i++) {
        bool ok = true;
        checks[i] = (st_table_check){text(a, t->checks[i].name, &ok), text(a, t->checks[i].sql, &ok)};
        if (!migrate_name_ok(t->checks[i].name) || !t->checks[i].sql) {
            return diag_set(ST_E_INVALID, "table %s: a CHECK needs a name of 1 to %d bytes and a condition", t->name,
                            ST_NAME_MAX);
        }
        rc = ok ? 0 : diag_nomem();
    }
    ret->indexes = indexes;
    ret->fks = fks;
    ret->checks = checks;
    return rc;
}

st_err migrate_copy_table(arena *a, const st_table *t, st_table *ret)
{
    if (!migrate_name_ok(t->name)) {
        return diag_set(ST_E_INVALID, "a table's name must have 1 to %d bytes, not \"%.80s\"", ST_NAME_MAX,
                        t->name ? t->name : "");
    }
    st_table copy = *t;
    bool ok = true;
    copy.name = text(a, t->name, &ok);
    copy.was = text(a, t->was, &ok);
    st_err rc = ok ? copy_columns(a, t, &copy) : diag_nomem();
    const char *skip = NULL;
    for (size_t i = 0; !rc && i < t->n_columns; i++) {
        skip = t->columns[i].tenant ? t->columns[i].name : skip;
    }
    rc = rc ? rc : copy_constraints(a, t, skip, &copy);
    rc = rc ? rc : check_names_differ(&copy);
    if (!rc) {
        *ret = copy;
    }
    return rc;
}
