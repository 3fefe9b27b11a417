/* Statements on tables, and the constraints in them. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/index_part.h"

void ddl_alter(buf *b, const char *table)
{
    buf_puts(b, "ALTER TABLE ");
    ddl_ident(b, table);
    buf_put_char(b, ' ');
}

void ddl_columns(buf *b, const char *const *columns, size_t n)
{
    buf_put_char(b, '(');
    for (size_t i = 0; i < n; i++) {
        buf_puts(b, i ? ", " : "");
        ddl_ident(b, columns[i]);
    }
    buf_put_char(b, ')');
}

static void key_of(buf *b, enum st_dialect d, const st_table_index *i)
{
    size_t n = migrate_key_len(i->columns);
    buf_put_char(b, '(');
    for (size_t k = 0; k < n; k++) {
        buf_puts(b, k ? ", " : "");
        index_part_ddl(b, d, i->columns[k], i->how[k]);
    }
    if (i->expression) {
        buf_printf(b, "%s(%s)", n ? ", " : "", i->expression);
    }
    buf_put_char(b, ')');
}

/* What PostgreSQL lets stand behind the columns of an index and of a constraint. */
static void held_beside(buf *b, enum st_dialect d, const st_table_index *i)
{
    size_t n = migrate_key_len(i->include);
    if (n && d == ST_POSTGRESQL) {
        buf_puts(b, " INCLUDE ");
        ddl_columns(b, i->include, n);
    }
}

static void storage(buf *b, enum st_dialect d, const st_table_index *i)
{
    if (i->with && d == ST_POSTGRESQL) {
        buf_printf(b, " WITH (%s)", i->with);
    }
}

static void named(buf *b, const char *name)
{
    buf_puts(b, "CONSTRAINT ");
    ddl_ident(b, name);
    buf_put_char(b, ' ');
}

void ddl_deferral(buf *b, enum st_deferral d)
{
    if (d != ST_NOT_DEFERRABLE) {
        buf_puts(b, d == ST_DEFERRED ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE INITIALLY IMMEDIATE");
    }
}

static void primary_key(buf *b, enum st_dialect d, const st_table *t, const char *name)
{
    buf_puts(b, ",\n    ");
    named(b, name);
    buf_puts(b, "PRIMARY KEY (");
    bool first = true;
    for (int tenant = 1; tenant >= 0; tenant--) {
        for (size_t i = 0; i < t->n_columns; i++) {
            if (t->columns[i].pk && t->columns[i].tenant == tenant) {
                buf_puts(b, first ? "" : ", ");
                ddl_ident(b, t->columns[i].name);
                buf_puts(b, d == ST_SQLITE && t->columns[i].identity ? " AUTOINCREMENT" : "");
                first = false;
            }
        }
    }
    assert(!first);
    buf_put_char(b, ')');
    if (d == ST_POSTGRESQL) {
        ddl_deferral(b, t->key_deferrable);
    }
}

void ddl_fk(buf *b, const st_table_fk *fk)
{
    static const char *const actions[] = {[ST_NO_ACTION] = NULL,
                                          [ST_RESTRICT] = "RESTRICT",
                                          [ST_CASCADE] = "CASCADE",
                                          [ST_SET_NULL] = "SET NULL",
                                          [ST_SET_DEFAULT] = "SET DEFAULT"};
    named(b, fk->name);
    buf_puts(b, "FOREIGN KEY ");
    ddl_columns(b, fk->columns, migrate_key_len(fk->columns));
    buf_puts(b, " REFERENCES ");
    ddl_ident(b, fk->table);
    buf_put_char(b, ' ');
    ddl_columns(b, fk->to, migrate_key_len(fk->to));
    if (actions[fk->on_delete]) {
        buf_printf(b, " ON DELETE %s", actions[fk->on_delete]);
    }
    if (actions[fk->on_update]) {
        buf_printf(b, " ON UPDATE %s", actions[fk->on_update]);
    }
    ddl_deferral(b, fk->deferrable);
}

void ddl_unique(buf *b, enum st_dialect d, const st_table_index *i)
{
    named(b, i->name);
    buf_puts(b, "UNIQUE ");
    buf_puts(b, i->nulls_not_distinct && d == ST_POSTGRESQL ? "NULLS NOT DISTINCT " : "");
    key_of(b, d, i);
    held_beside(b, d, i);
    storage(b, d, i);
    if (d == ST_POSTGRESQL) {
        ddl_deferral(b, i->deferrable);
    }
}

void ddl_check(buf *b, const st_table_check *c)
{
    named(b, c->name);
    buf_printf(b, c->exclude ? "EXCLUDE %s" : "CHECK (%s)", c->sql);
    ddl_deferral(b, c->deferrable);
}

bool ddl_strict_takes(const st_table_column *c)
{
    static const char *const types[] = {"INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"};
    if (c->type != ST_TYPE_NONE) {
        return true;
    }
    str type = str_n(c->type_sql, strcspn(c->type_sql, " \t\n"));
    str more = str_trim(str_from(str_of(c->type_sql), type.len));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (str_eq_nocase(type, str_of(types[i]))) {
            return !more.len || str_starts_nocase(more, STR("COLLATE ")) || str_starts_nocase(more, STR("GENERATED "));
        }
    }
    return false;
}

/* STRICT, because a schema that PostgreSQL enforces must not quietly take a text for a number here. Ordinary rowid
 * tables: WITHOUT ROWID stores rows over 1,000 bytes on overflow pages of their own. */
static void sqlite_options(buf *b, const st_table *t)
{
    bool strict = !t->no_strict;
    for (size_t i = 0; i < t->n_columns; i++) {
        strict = strict && ddl_strict_takes(&t->columns[i]);
    }
    buf_puts(b, strict ? " STRICT" : "");
    buf_puts(b, t->without_rowid ? strict ? ", WITHOUT ROWID" : " WITHOUT ROWID" : "");
}

/* On SQLite the one that AUTOINCREMENT can be said of. */
static st_err check_identities(enum st_dialect d, const st_table *t)
{
    size_t keys = 0;
    const st_table_column *identity = NULL;
    for (size_t i = 0; i < t->n_columns; i++) {
        keys += t->columns[i].pk;
        identity = t->columns[i].identity ? &t->columns[i] : identity;
    }
    if (d == ST_SQLITE && identity && (keys != 1 || !identity->pk || t->without_rowid)) {
        return diag_set(
            ST_E_INVALID,
            "table %s: SQLite numbers only the one column of a primary key of a table with rowids, so %s can "
            "have no .identity",
            t->name, identity->name);
    }
    return 0;
}

static void item(buf *b)
{
    buf_puts(b, ",\n    ");
}

st_err ddl_create_table(buf *b, enum st_dialect d, const st_table *t, const bool *fks, arena *a)
{
    st_err rc = check_identities(d, t);
    const char *pkey = rc ? NULL : migrate_name(a, t->name, NULL, NULL, "pkey");
    if (!pkey) {
        return rc ? rc : diag_nomem();
    }
    buf_puts(b, "CREATE TABLE ");
    ddl_ident(b, t->name);
    buf_puts(b, " (");
    for (size_t i = 0; i < t->n_columns; i++) {
        buf_puts(b, i ? ",\n    " : "\n    ");
        ddl_ident(b, t->columns[i].name);
        buf_put_char(b, ' ');
        rc = ddl_column(b, d, t->name, &t->columns[i], a);
        if (rc) {
            return rc;
        }
    }
    primary_key(b, d, t, pkey);
    for (size_t i = 0; i < t->n_indexes; i++) {
        if (t->indexes[i].constraint) {
            item(b);
            ddl_unique(b, d, &t->indexes[i]);
        }
    }
    for (size_t i = 0; i < t->n_fks; i++) {
        if (!fks || fks[i]) {
            item(b);
            ddl_fk(b, &t->fks[i]);
        }
    }
    for (size_t i = 0; i < t->n_checks; i++) {
        if (!t->checks[i].exclude || d == ST_POSTGRESQL) {
            item(b);
            ddl_check(b, &t->checks[i]);
        }
    }
    buf_puts(b, "\n)");
    if (d == ST_SQLITE) {
        sqlite_options(b, t);
    }
    return !b->err             ? 0
           : b->err == -ENOMEM ? diag_nomem()
                               : diag_set(b->err, "the table %s is too large to spell", t->name);
}

st_err ddl_add_column(buf *b, enum st_dialect d, const char *table, const st_table_column *c, arena *a)
{
    ddl_alter(b, table);
    buf_puts(b, "ADD COLUMN ");
    ddl_ident(b, c->name);
    buf_put_char(b, ' ');
    return ddl_column(b, d, table, c, a);
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
    key_of(b, d, i);
    held_beside(b, d, i);
    buf_puts(b, i->nulls_not_distinct && d == ST_POSTGRESQL ? " NULLS NOT DISTINCT" : "");
    storage(b, d, i);
    if (i->where) {
        buf_printf(b, " WHERE %s", i->where);
    }
}
