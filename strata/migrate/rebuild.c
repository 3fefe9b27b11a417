/* A table changed on SQLite where ALTER TABLE alone does not say it. */
#include "strata/migrate/private.h"

st_err migrate_rebuild(st_conn *c, arena *a, const struct migrate_step *s, int64_t deadline)
{
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    st_err rc = 0;
    for (size_t i = 0; !rc && i < s->n_ops; i++) {
        const struct migrate_op *op = &s->op[i];
        buf_clear(&b);
        if (op->kind == MIGRATE_DROP_COLUMN) {
            ddl_alter(&b, op->table);
            buf_puts(&b, "DROP COLUMN ");
            ddl_ident(&b, op->name);
        } else if (op->kind == MIGRATE_ADD_COLUMN) {
            rc = ddl_add_column(&b, ST_SQLITE, op->table, op->column, a);
        } else {
            return diag_set(ST_E_INVALID, "SQLite cannot change the table %s in place", op->table);
        }
        rc = rc ? rc : b.err ? diag_nomem() : st_conn_exec(c, b.p, deadline);
    }
    return rc;
}
