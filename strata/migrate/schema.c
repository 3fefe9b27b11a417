/* Tables as data: copies that live in an arena. */
#include <errno.h>

#include "strata/migrate/index_part.h"

const st_table_column *migrate_column(const st_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].name && strcmp(t->columns[i].name, name) == 0) {
            return &t->columns[i];
        }
    }
    return NULL;
}

/* Every column that a key, index or foreign key names is there. */
static st_err check_columns_exist(const st_table *t, const char *const columns[static ST_KEY_MAX], const char *of)
{
    for (size_t i = 0; i < migrate_key_len(columns); i++) {
        const char *name = columns[i] + (columns[i][0] == '-');
        if (!index_is_expression(name) && !migrate_column(t, name)) {
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
        rc = rc ? rc : check_columns_exist(t, indexes[i].include, indexes[i].name);
    }
    for (size_t i = 0; !rc && i < t->n_fks; i++) {
        rc = migrate_copy_fk(a, t->name, skip, &t->fks[i], &fks[i]);
        rc = rc ? rc : check_columns_exist(t, fks[i].columns, fks[i].name);
    }
    for (size_t i = 0; !rc && i < t->n_checks; i++) {
        rc = migrate_copy_check(a, t->name, &t->checks[i], &checks[i]);
    }
    ret->indexes = indexes;
    ret->fks = fks;
    ret->checks = checks;
    return rc;
}

static st_err copy_policies_and_triggers(arena *a, const st_table *t, st_table *ret)
{
    st_table_policy *policies = ARENA_ARRAY(a, st_table_policy, t->n_policies);
    st_table_trigger *triggers = ARENA_ARRAY(a, st_table_trigger, t->n_triggers);
    st_err rc = policies && triggers ? 0 : diag_nomem();
    for (size_t i = 0; !rc && i < t->n_policies; i++) {
        rc = migrate_copy_policy(a, t->name, &t->policies[i], &policies[i]);
    }
    for (size_t i = 0; !rc && i < t->n_triggers; i++) {
        rc = migrate_copy_trigger(a, t->name, &t->triggers[i], &triggers[i]);
    }
    ret->policies = policies;
    ret->triggers = triggers;
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
    copy.name = migrate_copy_text(a, t->name, &ok);
    copy.was = migrate_copy_text(a, t->was, &ok);
    copy.comment = migrate_copy_text(a, t->comment, &ok);
    st_err rc = ok ? copy_columns(a, t, &copy) : diag_nomem();
    const char *skip = NULL;
    for (size_t i = 0; !rc && i < t->n_columns; i++) {
        skip = t->columns[i].tenant ? t->columns[i].name : skip;
    }
    rc = rc ? rc : copy_constraints(a, t, skip, &copy);
    rc = rc ? rc : check_names_differ(&copy);
    rc = rc ? rc : copy_policies_and_triggers(a, t, &copy);
    if (!rc) {
        *ret = copy;
    }
    return rc;
}
