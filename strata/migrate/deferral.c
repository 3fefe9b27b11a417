/* Constraints that are checked at the end of a transaction: what may point at them, and how one becomes so. */
#include "strata/migrate/plan_safe.h"

/* ---- foreign keys ---- */

/* The name of the key that fk would point at, when each that it may point at can be deferred; else NULL. */
static const char *deferrable_target(const st_table *t, const st_table_fk *fk)
{
    const char *key[ST_KEY_MAX] = {NULL}, *later = NULL;
    for (size_t i = 0, n = 0; i < t->n_columns && n < ST_KEY_MAX; i++) {
        if (t->columns[i].pk) {
            key[n++] = t->columns[i].name;
        }
    }
    if (migrate_same_set(key, fk->to)) {
        if (!t->key_deferrable) {
            return NULL;
        }
        later = "the primary key";
    }
    for (size_t i = 0; i < t->n_indexes; i++) {
        const st_table_index *x = &t->indexes[i];
        if (x->unique && !x->where && !x->expression && migrate_same_set(x->columns, fk->to)) {
            if (!x->deferrable) {
                return NULL;
            }
            later = x->name;
        }
    }
    return later;
}

st_err migrate_check_targets(const st_table *tables, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < tables[i].n_fks; k++) {
            const st_table_fk *fk = &tables[i].fks[k];
            const char *key = NULL;
            for (size_t t = 0; t < n; t++) {
                key = strcmp(tables[t].name, fk->table) == 0 ? deferrable_target(&tables[t], fk) : key;
            }
            if (key) {
                diag_set(ST_E_INVALID,
                         "table %s: the foreign key %s points at %s of %s, which is deferrable: PostgreSQL takes no "
                         "such foreign key",
                         tables[i].name, fk->name, key, fk->table);
                diag_hint("leave .deferrable out there, or add a UNIQUE over the same columns that is not deferrable");
                return ST_E_INVALID;
            }
        }
    }
    return 0;
}

/* ---- PostgreSQL ---- */

static void drop(buf *b, const struct migrate_op *op)
{
    ddl_alter(b, op->table);
    buf_puts(b, "DROP CONSTRAINT ");
    ddl_ident(b, op->defer.name);
}

/* Up to what stands behind UNIQUE or PRIMARY KEY. */
static void begin_add(buf *b, const struct migrate_op *op)
{
    ddl_alter(b, op->table);
    buf_puts(b, "ADD CONSTRAINT ");
    ddl_ident(b, op->defer.name);
    buf_puts(b, op->defer.kind == ST_C_UNIQUE ? " UNIQUE " : " PRIMARY KEY ");
}

st_err migrate_plan_defer(struct migrate_planner *p, const struct migrate_op *op)
{
    buf *b = &p->sql;
    if (op->defer.kind == ST_C_FK) { /* in the catalog alone: its triggers say when they run */
        ddl_alter(b, op->table);
        buf_puts(b, "ALTER CONSTRAINT ");
        ddl_ident(b, op->defer.name);
        buf_puts(b, op->defer.is ? "" : " NOT DEFERRABLE");
        ddl_deferral(b, op->defer.is);
        return migrate_planner_add(p, NULL, op);
    }
    drop(b, op);
    st_err rc = migrate_planner_add(p, NULL, op);
    if (op->defer.kind == ST_C_UNIQUE) {
        st_table_index i = *op->defer.index;
        i.deferrable = op->defer.is;
        ddl_alter(b, op->table);
        buf_puts(b, "ADD ");
        ddl_unique(b, ST_POSTGRESQL, &i);
    } else {
        begin_add(b, op);
        ddl_columns(b, op->defer.index->columns, migrate_key_len(op->defer.index->columns));
        ddl_deferral(b, op->defer.is);
    }
    return rc ? rc : migrate_planner_add(p, NULL, op);
}

const char *migrate_defer_index(arena *a, const struct migrate_op *op)
{
    bool unique = op->defer.kind == ST_C_UNIQUE;
    return migrate_name(a, op->table, unique ? op->defer.index->columns : NULL, NULL,
                        unique ? "key_next" : "pkey_next");
}

/* The index is built beside the old one; then they change places, and there is no moment without either. */
st_err safe_defer(struct migrate_planner *p, const struct migrate_op *op)
{
    if (op->defer.kind == ST_C_FK) {
        st_err rc = safe_enter(p, op->table);
        return rc ? rc : safe_direct(p, op);
    }
    st_table_index i = *op->defer.index;
    i.name = migrate_defer_index(p->a, op);
    i.unique = true;
    i.constraint = false;
    i.deferrable = ST_NOT_DEFERRABLE;
    st_err rc = i.name ? safe_build_index(p, op, &i) : diag_nomem();
    rc = rc ? rc : safe_enter(p, op->table);
    if (rc) {
        return rc;
    }
    drop(&p->sql, op);
    rc = safe_add(p);
    begin_add(&p->sql, op);
    buf_puts(&p->sql, "USING INDEX ");
    ddl_ident(&p->sql, i.name);
    ddl_deferral(&p->sql, op->defer.is);
    rc = rc ? rc : safe_add(p);
    if (!rc) {
        p->plan->steps[p->plan->n - 1].proven = true; /* the columns of a primary key are NOT NULL */
    }
    return rc;
}
