#include <assert.h>
#include <errno.h>

#include "strata/migrate/private.h"

static void columns_of(buf *b, const char *const columns[static ST_KEY_MAX], const char *expression)
{
    buf_put_char(b, '(');
    size_t n = migrate_key_len(columns);
    for (size_t i = 0; i < n; i++) {
        bool down = columns[i][0] == '-';
        buf_puts(b, i ? ", " : "");
        ddl_ident(b, columns[i] + down);
        buf_puts(b, down ? " DESC" : "");
    }
    if (expression) {
        buf_printf(b, "%s(%s)", n ? ", " : "", expression);
    }
    buf_put_char(b, ')');
}

static st_err column_of(buf *b, enum st_dialect d, const char *table, const st_table_column *c, arena *a)
{
    ddl_ident(b, c->name);
    buf_put_char(b, ' ');
    ddl_type(b, d, c);
    if (!c->nullable) {
        buf_puts(b, " NOT NULL");
    }
    if (c->default_sql) {
        buf_puts(b, " DEFAULT ");
        ddl_default(b, d, c);
    }
    return ddl_column_checks(b, d, table, c, a);
}

static void primary_key(buf *b, const st_table *t, const char *name)
{
    buf_puts(b, ",\n    CONSTRAINT ");
    ddl_ident(b, name);
    buf_puts(b, " PRIMARY KEY (");
    bool first = true;
    for (int tenant = 1; tenant >= 0; tenant--) {
        for (size_t i = 0; i < t->n_columns; i++) {
            if (t->columns[i].pk && t->columns[i].tenant == tenant) {
                buf_puts(b, first ? "" : ", ");
                ddl_ident(b, t->columns[i].name);
                first = false;
            }
        }
    }
    assert(!first);
    buf_put_char(b, ')');
}

static void foreign_key(buf *b, const st_table_fk *fk)
{
    static const char *const actions[] = {
        [ST_NO_ACTION] = NULL, [ST_RESTRICT] = "RESTRICT", [ST_CASCADE] = "CASCADE", [ST_SET_NULL] = "SET NULL"};
    buf_puts(b, "CONSTRAINT ");
    ddl_ident(b, fk->name);
    buf_puts(b, " FOREIGN KEY ");
    columns_of(b, fk->columns, NULL);
    buf_puts(b, " REFERENCES ");
    ddl_ident(b, fk->table);
    buf_put_char(b, ' ');
    columns_of(b, fk->to, NULL);
    if (actions[fk->on_delete]) {
        buf_printf(b, " ON DELETE %s", actions[fk->on_delete]);
    }
    if (actions[fk->on_update]) {
        buf_printf(b, " ON UPDATE %s", actions[fk->on_update]);
    }
}

st_err ddl_create_table(buf *b, enum st_dialect d, const st_table *t, const bool *fks, arena *a)
{
    const char *pkey = migrate_name(a, t->name, NULL, NULL, "pkey");
    if (!pkey) {
        return diag_nomem();
    }
    buf_puts(b, "CREATE TABLE ");
    ddl_ident(b, t->name);
    buf_puts(b, " (");
    for (size_t i = 0; i < t->n_columns; i++) {
        buf_puts(b, i ? ",\n    " : "\n    ");
        st_err rc = column_of(b, d, t->name, &t->columns[i], a);
        if (rc) {
            return rc;
        }
    }
    primary_key(b, t, pkey);
    for (size_t i = 0; i < t->n_indexes; i++) {
        if (t->indexes[i].constraint) {
            buf_puts(b, ",\n    CONSTRAINT ");
            ddl_ident(b, t->indexes[i].name);
            buf_puts(b, " UNIQUE ");
            columns_of(b, t->indexes[i].columns, NULL);
        }
    }
    for (size_t i = 0; i < t->n_fks; i++) {
        if (!fks || fks[i]) {
            buf_puts(b, ",\n    ");
            foreign_key(b, &t->fks[i]);
        }
    }
    for (size_t i = 0; i < t->n_checks; i++) {
        buf_puts(b, ",\n    CONSTRAINT ");
        ddl_ident(b, t->checks[i].name);
        buf_printf(b, " CHECK (%s)", t->checks[i].sql);
    }
    /* STRICT, because a schema that PostgreSQL enforces must not quietly take a text for a number here. Ordinary rowid
     * tables: WITHOUT ROWID stores rows over 1,000 bytes on overflow pages of their own. */
    buf_puts(b, d == ST_SQLITE ? "\n) STRICT" : "\n)");
    return b->err ? diag_set(b->err, "the table %s is too large to spell", t->name) : 0;
}

st_err ddl_add_column(buf *b, enum st_dialect d, const char *table, const st_table_column *c, arena *a)
{
    buf_puts(b, "ALTER TABLE ");
    ddl_ident(b, table);
    buf_puts(b, " ADD COLUMN ");
    return column_of(b, d, table, c, a);
}

void ddl_create_index(buf *b, enum st_dialect d, const char *table, const st_table_index *i)
{
    buf_puts(b, i->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    ddl_ident(b, i->name);
    buf_puts(b, " ON ");
    ddl_ident(b, table);
    buf_put_char(b, ' ');
    if (i->method && d == ST_POSTGRESQL) {
        buf_puts(b, "USING ");
        ddl_ident(b, i->method);
        buf_put_char(b, ' ');
    }
    columns_of(b, i->columns, i->expression);
    if (i->where) {
        buf_printf(b, " WHERE %s", i->where);
    }
}

void ddl_add_fk(buf *b, const char *table, const st_table_fk *fk)
{
    buf_puts(b, "ALTER TABLE ");
    ddl_ident(b, table);
    buf_puts(b, " ADD ");
    foreign_key(b, fk);
}

void ddl_comment(buf *b, const char *table, const st_table_column *c)
{
    buf_puts(b, "COMMENT ON COLUMN ");
    ddl_ident(b, table);
    buf_put_char(b, '.');
    ddl_ident(b, c->name);
    buf_puts(b, " IS ");
    ddl_string(b, c->comment);
}
