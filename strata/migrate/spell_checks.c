/* What a column's fields say of its values, as CHECKs. */
#include <assert.h>
#include <math.h>

#include "strata/migrate/private.h"

static bool is_array(enum st_type t)
{
    return t == ST_TEXTS || t == ST_UUIDS;
}

static void number(buf *b, double v)
{
    if (fabs(v) < 1e15 && v == floor(v)) {
        buf_put_i64(b, (int64_t)v);
    } else {
        buf_printf(b, "%.17g", v);
    }
}

/* What a type of PostgreSQL guarantees and SQLite only by a CHECK; empty when nothing is missing. */
static const char *sqlite_kind(enum st_type t, const char **ret_fmt)
{
    switch (t) {
    case ST_BOOL:
        *ret_fmt = "%s IN (0, 1)";
        return "bool_check";
    case ST_UUID:
        *ret_fmt = "length(%s) = 16";
        return "uuid_check";
    case ST_JSON:
        *ret_fmt = "json_valid(%s)";
        return "json_check";
    case ST_TEXTS:
    case ST_UUIDS:
        *ret_fmt = "CASE WHEN json_valid(%s) THEN json_type(%s) = 'array' ELSE 0 END";
        return "array_check";
    case ST_INT16:
    case ST_INT32:
    case ST_INT64:
    case ST_DOUBLE:
    case ST_TEXT:
    case ST_TIME:
    case ST_BYTES:
    case ST_ENUM:
    case ST_TYPE_MAX:
        return NULL;
    }
    return NULL;
}

static void put_with_column(buf *b, const char *fmt, const char *column)
{
    for (; *fmt; fmt++) {
        if (fmt[0] == '%' && fmt[1] == 's') {
            ddl_ident(b, column);
            fmt++;
        } else {
            buf_put_char(b, *fmt);
        }
    }
}

static void enum_condition(buf *b, const st_table_column *c)
{
    assert(c->values && c->values[0]);
    ddl_ident(b, c->name);
    if (c->as_smallint) {
        int n = 0;
        while (c->values[n]) {
            n++;
        }
        buf_puts(b, " >= 0 AND ");
        ddl_ident(b, c->name);
        buf_printf(b, " < %d", n);
        return;
    }
    buf_puts(b, " IN (");
    for (int i = 0; c->values[i]; i++) {
        buf_puts(b, i ? ", " : "");
        ddl_string(b, c->values[i]);
    }
    buf_put_char(b, ')');
}

static void max_condition(buf *b, enum st_dialect d, const st_table_column *c)
{
    bool lite = d == ST_SQLITE;
    const char *fmt = is_array(c->type)     ? lite ? "json_array_length(%s)" : "cardinality(%s)"
                      : c->type == ST_BYTES ? lite ? "length(%s)" : "octet_length(%s)"
                      : lite                ? "length(CAST(%s AS BLOB))"
                                            : "octet_length(%s)";
    put_with_column(b, fmt, c->name);
    buf_printf(b, " <= %u", c->max);
}

static void range_condition(buf *b, const st_table_column *c)
{
    if (c->min_value) {
        ddl_ident(b, c->name);
        buf_puts(b, " >= ");
        number(b, *c->min_value);
    }
    if (c->max_value) {
        buf_puts(b, c->min_value ? " AND " : "");
        ddl_ident(b, c->name);
        buf_puts(b, " <= ");
        number(b, *c->max_value);
    }
}

struct checks {
    enum st_dialect d;
    const char *table;
    const st_table_column *c;
    arena *a;
    buf sql;
    struct ddl_check *v;
    size_t n;
};

/* Takes what sql holds as the condition of the next CHECK, named by suffix. */
static void take(struct checks *k, const char *suffix)
{
    assert(k->n < DDL_CHECKS_MAX);
    const char *sql = migrate_text(k->a, &k->sql);
    k->v[k->n++] =
        (struct ddl_check){migrate_name(k->a, k->table, (const char *const[]){k->c->name, NULL}, NULL, suffix), sql};
}

/* json_valid(NULL) is 0 before SQLite 3.45, so null is let through by name. */
static void collect(struct checks *k)
{
    const st_table_column *c = k->c;
    const char *fmt = NULL, *kind = k->d == ST_SQLITE ? sqlite_kind(c->type, &fmt) : NULL;
    if (kind) {
        if (c->nullable && (c->type == ST_JSON || is_array(c->type))) {
            put_with_column(&k->sql, "%s IS NULL OR ", c->name);
        }
        put_with_column(&k->sql, fmt, c->name);
        take(k, kind);
    }
    if (c->type == ST_ENUM && !(c->enum_type && k->d == ST_POSTGRESQL)) {
        enum_condition(&k->sql, c);
        take(k, "enum_check");
    }
    if (c->max) {
        max_condition(&k->sql, k->d, c);
        take(k, "max_check");
    }
    if (c->min_value || c->max_value) {
        range_condition(&k->sql, c);
        take(k, "range_check");
    }
    if (c->check) {
        buf_puts(&k->sql, c->check);
        take(k, "check");
    }
}

st_err ddl_checks(enum st_dialect d, const char *table, const st_table_column *c, arena *a,
                  struct ddl_check ret[static DDL_CHECKS_MAX], size_t *ret_n)
{
    struct checks k = {.d = d, .table = table, .c = c, .a = a, .v = ret};
    buf_init(&k.sql, ST_DDL_MAX);
    collect(&k);
    buf_release(&k.sql);
    for (size_t i = 0; i < k.n; i++) {
        if (!ret[i].name || !ret[i].sql) {
            return diag_nomem();
        }
    }
    *ret_n = k.n;
    return 0;
}
