#include "strata/migrate/seen.h"

#include <errno.h>
#include <stdlib.h>

static int by_name(const void *key, const void *t)
{
    return strcmp(key, ((const struct seen_table *)t)->name);
}

struct seen_table *seen_find(const struct seen_schema *s, const char *name)
{
    return s->n_tables ? bsearch(name, s->tables, s->n_tables, sizeof *s->tables, by_name) : NULL;
}

struct seen_column *seen_column_of(const struct seen_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (strcmp(t->columns[i].c.name, name) == 0) {
            return &t->columns[i];
        }
    }
    return NULL;
}

st_err seen_read(st_conn *c, arena *a, int64_t deadline, struct seen_schema *ret)
{
    size_t failures = arena_failures(a);
    st_err rc =
        st_conn_dialect(c) == ST_SQLITE ? seen_read_sqlite(c, a, deadline, ret) : seen_read_pg(c, a, deadline, ret);
    return rc || arena_failures(a) == failures ? rc : diag_nomem(); /* a condition was not understood for want of it */
}

const struct seen_check *seen_own_check(arena *a, const struct seen_table *t, const char *column)
{
    const char *name = migrate_name(a, t->name, (const char *const[]){column, NULL}, NULL, "check");
    for (size_t i = 0; name && i < t->n_checks; i++) {
        const struct seen_check *k = &t->checks[i];
        if (k->column && !k->c.exclude && strcmp(k->column, column) == 0 && k->c.name && strcmp(k->c.name, name) == 0) {
            return k;
        }
    }
    return NULL;
}

st_err seen_to_column(arena *a, const struct seen_table *t, const struct seen_column *c, st_table_column *ret)
{
    const struct seen_check *own = seen_own_check(a, t, c->c.name);
    *ret = c->c;
    ret->check = own ? own->c.sql : NULL;
    return 0;
}

static size_t pk_place(const struct seen_table *t, const char *column)
{
    size_t i = 0;
    while (i < ST_KEY_MAX && t->pk[i] && strcmp(t->pk[i], column) != 0) {
        i++;
    }
    return i;
}

/* Columns of the key stand in its order, in the places of its columns: st_table has no other way to state it. */
static st_err columns_in_order(arena *a, const struct seen_table *t, st_table_column *columns)
{
    size_t key = 0;
    for (size_t i = 0; i < t->n_columns; i++) {
        const struct seen_column *c = &t->columns[i];
        if (c->c.pk && pk_place(t, c->c.name) < migrate_key_len(t->pk)) {
            c = seen_column_of(t, t->pk[key++]);
        }
        st_err rc = c ? seen_to_column(a, t, c, &columns[i]) : diag_set(ST_E_SCHEMA, "a key without its column");
        if (rc) {
            return rc;
        }
    }
    return 0;
}

st_err seen_to_table(arena *a, const struct seen_table *t, st_table *ret)
{
    if (t->strange) { /* nothing is asked of it */
        *ret = (st_table){.name = t->name};
        return 0;
    }
    st_table_column *columns = ARENA_ARRAY(a, st_table_column, t->n_columns);
    st_table_check *checks = ARENA_ARRAY(a, st_table_check, t->n_checks);
    if (!columns || !checks) {
        return diag_nomem();
    }
    st_err rc = columns_in_order(a, t, columns);
    size_t n_checks = 0;
    for (size_t i = 0; !rc && i < t->n_checks; i++) {
        const struct seen_check *k = &t->checks[i];
        if (!k->column || seen_own_check(a, t, k->column) != k) {
            checks[n_checks++] = k->c;
        }
    }
    bool tenant = false;
    for (size_t i = 0; i < t->n_columns; i++) {
        tenant |= columns[i].tenant;
    }
    *ret = (st_table){.name = t->name,
                      .columns = columns,
                      .n_columns = t->n_columns,
                      .indexes = t->indexes,
                      .n_indexes = t->n_indexes,
                      .fks = t->fks,
                      .n_fks = t->n_fks,
                      .checks = checks,
                      .n_checks = n_checks,
                      .no_rls = tenant && !t->rls,
                      .without_rowid = t->without_rowid,
                      .no_strict = t->no_strict,
                      .comment = t->comment,
                      .key_deferrable = t->key_deferrable,
                      .policies = t->policies,
                      .n_policies = t->n_policies};
    return rc;
}
