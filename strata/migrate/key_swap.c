/* A primary key moved to a parallel column, and the foreign keys with it.
 *
 * At every moment a foreign key holds: the new one is made before the key moves, on a unique index that takes the place
 * of the new column's plain one, and then becomes the primary key's own. Of the two names for a row each keeps an index
 * as long as triggers look rows up by it. */
#include "strata/migrate/private.h"

static const char *lookup(st_ops *o, const char *table, const char *wanted, const char *by)
{
    BUF_AUTO buf b;
    buf_init(&b, 1024);
    buf_puts(&b, "(SELECT p.");
    ddl_ident(&b, wanted);
    buf_puts(&b, " FROM ");
    ddl_ident(&b, table);
    buf_puts(&b, " AS p WHERE p.");
    ddl_ident(&b, by);
    buf_puts(&b, " = {})");
    const char *text = migrate_text(o->a, &b);
    if (!text) {
        migrate_op_fail(o, diag_nomem());
    }
    return text;
}

/* What keeps a child's pair in step: its parent's pair, under the names it has then. */
static st_parallel child_pair(st_ops *o, const st_key_swap *k, const st_key_child *c, bool swapped)
{
    const char *old = k->key.was->name, *new = k->key.is->name;
    if (swapped) {
        new = old;
        old = arena_printf(o->a, "%s_legacy", old);
        if (!old) {
            migrate_op_fail(o, diag_nomem());
            old = "";
        }
    }
    const char *to_new = lookup(o, k->key.table, new, old), *to_old = lookup(o, k->key.table, old, new);
    return (st_parallel){.table = c->table,
                         .was = c->was,
                         .is = c->is,
                         .forward = {to_new, to_new},
                         .backward = {to_old, to_old},
                         .indexed = true}; /* by joins and cascades */
}

static const char *index_name(st_ops *o, const st_key_swap *k, const char *column)
{
    const char *columns[] = {column, NULL};
    const char *name = migrate_name(o->a, k->key.table, columns, NULL, "key");
    if (!name) {
        migrate_op_fail(o, diag_nomem());
    }
    return name;
}

static st_err unique_index(st_ops *o, const st_key_swap *k, const char *name, const char *column)
{
    const st_table_index i = {.name = name, .columns = {column}, .how = {""}, .unique = true};
    return o->err ? o->err : st_create_index(o, k->key.table, &i);
}

/* The child's foreign key over the other pair of columns, under the same name. */
static st_err move_fk(st_ops *o, const st_key_child *c, const char *from, const char *to)
{
    st_table_fk fk = *c->fk;
    fk.columns[0] = from;
    fk.to[0] = to;
    st_err rc = st_drop_constraint(o, c->table, ST_C_FK, fk.name);
    return rc ? rc : st_add_fk(o, c->table, &fk);
}

static st_err check(st_ops *o, const st_key_swap *k)
{
    if (!o->err && k->key.was && !k->key.was->pk) {
        diag_set(ST_E_INVALID,
                 "table %s: .was of a key swap must be the primary key, with .pk as st_parallel_begin had it",
                 k->key.table ? k->key.table : "?");
        return migrate_op_fail(o, ST_E_INVALID);
    }
    for (size_t i = 0; !o->err && i < k->n_children; i++) {
        const st_key_child *c = &k->children[i];
        if (!c->table || !c->was || !c->is || !c->fk || !c->fk->name || migrate_key_len(c->fk->columns) != 1) {
            diag_set(ST_E_INVALID,
                     "table %s: child %zu of a key swap needs .table, .was, .is and a named .fk over one column",
                     k->key.table ? k->key.table : "?", i + 1);
            return migrate_op_fail(o, ST_E_INVALID);
        }
    }
    return o->err;
}

static st_err key_to(st_ops *o, const st_key_swap *k, const char *was, const char *is, const char *index)
{
    return st_change_primary_key(o, k->key.table, ST_VALUES(was), ST_VALUES(is), index);
}

/* A key that SQLite numbers is numbered no longer when it is none; then programs leave it out, and the trigger does it.
 */
static st_err numbered(st_ops *o, const st_key_swap *k, bool by_sqlite)
{
    if (st_ops_dialect(o) != ST_SQLITE || !k->key.was->identity) {
        return o->err;
    }
    st_table_column was = *k->key.was, is = was;
    was.pk = is.pk = by_sqlite;
    was.identity = false;
    is.identity = by_sqlite;
    is.nullable = !by_sqlite;
    return o->err ? o->err : st_alter_column(o, k->key.table, &was, &is, NULL);
}

st_err st_swap_key(st_ops *o, const st_key_swap *k)
{
    MIGRATE_ONE_CALL(o);
    if (check(o, k)) {
        return o->err;
    }
    const char *old = k->key.was->name, *new = k->key.is->name;
    const char *by_new = index_name(o, k, new);
    st_err rc = unique_index(o, k, by_new, new);
    rc = rc ? rc : migrate_parallel_index(o, &k->key, false);
    rc = rc ? rc : unique_index(o, k, index_name(o, k, old), old);
    for (size_t i = 0; !rc && i < k->n_children; i++) {
        const st_key_child *c = &k->children[i];
        const st_parallel p = child_pair(o, k, c, false);
        rc = st_parallel_begin(o, &p);
        rc = rc ? rc : st_parallel_complete(o, &p);
        rc = rc ? rc : move_fk(o, c, c->is->name, new);
    }
    rc = rc ? rc : key_to(o, k, old, new, by_new);
    rc = rc ? rc : numbered(o, k, false);
    /* The triggers of children name the parent's columns: they are made again under the new names. */
    migrate_ops_together(o, true);
    for (size_t i = 0; !rc && i < k->n_children; i++) {
        const st_parallel before = child_pair(o, k, &k->children[i], false);
        rc = migrate_parallel_step(o, &before, false, false);
    }
    rc = rc ? rc : st_parallel_swap(o, &k->key);
    for (size_t i = 0; !rc && i < k->n_children; i++) {
        const st_parallel after = child_pair(o, k, &k->children[i], true);
        rc = migrate_parallel_rename(o, &after, false);
        rc = rc ? rc : migrate_parallel_step(o, &after, true, true);
    }
    migrate_ops_together(o, false);
    return rc;
}

st_err st_swap_key_back(st_ops *o, const st_key_swap *k)
{
    MIGRATE_ONE_CALL(o);
    if (check(o, k)) {
        return o->err;
    }
    const char *old = k->key.was->name, *new = k->key.is->name;
    st_err rc = 0;
    migrate_ops_together(o, true);
    for (size_t i = 0; !rc && i < k->n_children; i++) {
        const st_parallel after = child_pair(o, k, &k->children[i], true);
        rc = migrate_parallel_step(o, &after, true, false);
        rc = rc ? rc : migrate_parallel_rename(o, &after, true);
    }
    rc = rc ? rc : st_parallel_swap_back(o, &k->key);
    for (size_t i = 0; !rc && i < k->n_children; i++) {
        const st_parallel before = child_pair(o, k, &k->children[i], false);
        rc = migrate_parallel_step(o, &before, false, true);
    }
    migrate_ops_together(o, false);
    for (size_t i = 0; !rc && i < k->n_children; i++) {
        const st_key_child *c = &k->children[i];
        const st_parallel before = child_pair(o, k, c, false);
        rc = move_fk(o, c, c->was->name, old);
        rc = rc ? rc : st_parallel_abort(o, &before);
    }
    rc = rc ? rc : migrate_parallel_index(o, &k->key, true);
    rc = rc ? rc : key_to(o, k, new, old, index_name(o, k, old));
    return rc ? rc : numbered(o, k, true);
}

st_err st_swap_key_end(st_ops *o, const st_key_swap *k)
{
    MIGRATE_ONE_CALL(o);
    if (check(o, k)) {
        return o->err;
    }
    st_err rc = 0;
    for (size_t i = 0; !rc && i < k->n_children; i++) {
        const st_parallel p = child_pair(o, k, &k->children[i], true);
        rc = st_parallel_end(o, &p);
    }
    rc = rc ? rc : st_drop_index(o, k->key.table, index_name(o, k, k->key.was->name));
    return rc ? rc : st_parallel_end(o, &k->key);
}

st_err st_swap_key_restore(st_ops *o, const st_key_swap *k)
{
    MIGRATE_ONE_CALL(o);
    if (check(o, k)) {
        return o->err;
    }
    const char *legacy = arena_printf(o->a, "%s_legacy", k->key.was->name);
    st_err rc = legacy ? st_parallel_restore(o, &k->key) : migrate_op_fail(o, diag_nomem());
    rc = rc ? rc : unique_index(o, k, index_name(o, k, k->key.was->name), legacy);
    for (size_t i = 0; !rc && i < k->n_children; i++) {
        const st_parallel p = child_pair(o, k, &k->children[i], true);
        rc = st_parallel_restore(o, &p);
    }
    return rc;
}
