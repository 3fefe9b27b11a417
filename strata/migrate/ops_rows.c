/* Recording what is done to rows: literals, SQL, steps in C and backfills. */
#include <errno.h>

#include "strata/migrate/private.h"

/* What a statement with many rows may take: their number, and about how many bytes. */
enum { ROWS_MAX = 500, ROWS_BYTES = 128 << 10 };

static const char *wrong_value(const st_value *v)
{
    bool text = v->type == ST_TEXT || v->type == ST_JSON;
    return v->type < ST_BOOL || v->type >= ST_TYPE_MAX             ? "has no type"
           : v->null                                               ? NULL
           : text && memchr(v->text.p, 0, v->text.len)             ? "holds a NUL"
           : v->type == ST_ENUM && v->e.of && v->e.v >= v->e.of->n ? "is none of its enum"
                                                                   : NULL;
}

/* What b holds, as an operation. */
static st_err take_statement(st_ops *o, const char *table, buf *b)
{
    if (b->err == -E2BIG) {
        return migrate_op_fail(
            o, diag_set(-E2BIG, "table %s: a row to insert is longer than %d bytes", table, ST_DDL_MAX));
    }
    struct migrate_op *op = migrate_op_add(o, MIGRATE_SQL, table);
    if (!op) {
        return o->err;
    }
    op->sql.text = migrate_text(o->a, b);
    return op->sql.text ? 0 : migrate_op_fail(o, diag_nomem());
}

static st_err insert(st_ops *o, const char *table, const char *const *columns, size_t n_columns, const st_value *values,
                     size_t n_rows)
{
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    st_err rc = 0;
    size_t in_statement = 0;
    for (size_t row = 0; !rc && row < n_rows; row++) {
        if (in_statement == 0) {
            ddl_insert_open(&b, table, columns, n_columns);
        }
        buf_puts(&b, in_statement ? ",\n    (" : "(");
        for (size_t i = 0; i < n_columns; i++) {
            buf_puts(&b, i ? ", " : "");
            ddl_literal(&b, o->dialect, &values[row * n_columns + i]);
        }
        buf_put_char(&b, ')');
        if (++in_statement == ROWS_MAX || b.len > ROWS_BYTES || b.err || row + 1 == n_rows) {
            rc = take_statement(o, table, &b);
            in_statement = 0;
        }
    }
    return rc;
}

st_err st_insert_rows(st_ops *o, const char *table, const char *const *columns, const st_value *values, size_t n_values)
{
    size_t n = 0;
    while (columns && columns[n] && migrate_name_ok(columns[n])) {
        n++;
    }
    if (!migrate_name_ok(table) || n == 0 || columns[n] || n_values == 0 || n_values % n) {
        return migrate_op_fail(o, diag_set(ST_E_INVALID,
                                           "table %s: rows to insert need a table, columns with names and "
                                           "values for each of them (%zu values for %zu columns)",
                                           table ? table : "", n_values, n));
    }
    for (size_t i = 0; i < n_values; i++) {
        const char *wrong = wrong_value(&values[i]);
        if (wrong) {
            return migrate_op_fail(o, diag_set(ST_E_INVALID, "table %s: row %zu to insert: the value of %s %s", table,
                                               i / n + 1, columns[i % n], wrong));
        }
    }
    return o->err ? o->err : insert(o, table, columns, n, values, n_values / n);
}

st_err st_insert_row(st_ops *o, const char *table, const st_table_cell *cells, size_t n)
{
    const char **columns = ARENA_ARRAY(o->a, const char *, n + 1);
    st_value *values = ARENA_ARRAY(o->a, st_value, n);
    if (!columns || !values) {
        return migrate_op_fail(o, diag_nomem());
    }
    for (size_t i = 0; i < n; i++) {
        if (!migrate_name_ok(cells[i].column)) {
            return migrate_op_fail(
                o, diag_set(ST_E_INVALID, "table %s: value %zu of a row to insert has no column", table, i + 1));
        }
        columns[i] = cells[i].column;
        values[i] = cells[i].value;
    }
    return st_insert_rows(o, table, columns, values, n);
}

st_err st_sql(st_ops *o, enum st_dialect only, const char *sql)
{
    struct migrate_op *op = migrate_op_add(o, MIGRATE_SQL, NULL);
    if (!op) {
        return o->err;
    }
    op->sql.only = only;
    op->sql.text = arena_strdup(o->a, sql);
    return op->sql.text ? 0 : migrate_op_fail(o, diag_nomem());
}

st_err st_run_step(st_ops *o, const char *name, st_err (*fn)(struct st_session *s, void *arg), void *arg)
{
    struct migrate_op *op = migrate_op_add(o, MIGRATE_RUN, NULL);
    if (!op) {
        return o->err;
    }
    if (!migrate_name_ok(name) || !fn) {
        return migrate_op_fail(
            o, diag_set(ST_E_INVALID, "a step in C needs a function and a name of 1 to %d bytes", ST_NAME_MAX));
    }
    op->run.name = arena_strdup(o->a, name);
    op->run.fn = fn;
    op->run.arg = arg;
    return op->run.name ? 0 : migrate_op_fail(o, diag_nomem());
}

st_err st_run_backfill(st_ops *o, const st_backfill *b)
{
    struct migrate_op *op = migrate_op_add(o, MIGRATE_BACKFILL, b->table ? b->table : "");
    if (!op) {
        return o->err;
    }
    if (!b->set || !b->set[0]) {
        return migrate_op_fail(
            o,
            diag_set(ST_E_INVALID, "table %s: a backfill says nothing to set; \"column = value\" in .set", b->table));
    }
    bool ok = true;
    op->backfill = ARENA_NEW(o->a, st_backfill);
    if (op->backfill) {
        *op->backfill = *b;
        op->backfill->table = op->table;
        op->backfill->name =
            b->name ? migrate_copy_text(o->a, b->name, &ok) : arena_printf(o->a, "backfill %s", op->table);
        ok = ok && op->backfill->name;
        op->backfill->set = migrate_copy_text(o->a, b->set, &ok);
        op->backfill->set_sqlite = migrate_copy_text(o->a, b->set_sqlite, &ok);
        op->backfill->where = migrate_copy_text(o->a, b->where, &ok);
        op->backfill->left = migrate_copy_text(o->a, b->left, &ok);
    }
    return op->backfill && ok ? 0 : migrate_op_fail(o, diag_nomem());
}
