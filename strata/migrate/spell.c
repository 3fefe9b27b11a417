/* Spelling: the only place that knows how a type, a default or a condition on a column is said in each dialect. */
#include <assert.h>
#include <math.h>

#include "strata/migrate/private.h"

void ddl_ident(buf *b, const char *name)
{
    buf_put_char(b, '"');
    for (; *name; name++) {
        if (*name == '"') {
            buf_put_char(b, '"');
        }
        buf_put_char(b, *name);
    }
    buf_put_char(b, '"');
}

void ddl_string(buf *b, const char *s)
{
    buf_put_char(b, '\'');
    for (; *s; s++) {
        if (*s == '\'') {
            buf_put_char(b, '\'');
        }
        buf_put_char(b, *s);
    }
    buf_put_char(b, '\'');
}

/* Text sorts by bytes on PostgreSQL as it does on SQLite: the same order of pages everywhere, no index that a newer
 * libc breaks, and comparisons at the speed of memcmp. */
static const struct {
    const char *sqlite, *postgresql;
} types[ST_TYPE_MAX] = {
    [ST_BOOL] = {"INTEGER", "boolean"},
    [ST_INT16] = {"INTEGER", "smallint"},
    [ST_INT32] = {"INTEGER", "integer"},
    [ST_INT64] = {"INTEGER", "bigint"},
    [ST_DOUBLE] = {"REAL", "double precision"},
    [ST_TEXT] = {"TEXT", "text COLLATE \"C\""},
    [ST_UUID] = {"BLOB", "uuid"},
    [ST_TIME] = {"INTEGER", "timestamptz"},
    [ST_BYTES] = {"BLOB", "bytea"},
    [ST_JSON] = {"TEXT", "jsonb"},
    [ST_TEXTS] = {"TEXT", "text[]"},
    [ST_UUIDS] = {"TEXT", "uuid[]"},
    [ST_ENUM] = {"TEXT", "text COLLATE \"C\""},
};

void ddl_type(buf *b, enum st_dialect d, const st_table_column *c)
{
    assert(c->type >= ST_BOOL && c->type < ST_TYPE_MAX);
    enum st_type t = c->type == ST_ENUM && c->as_smallint ? ST_INT16 : c->type;
    buf_puts(b, d == ST_SQLITE ? types[t].sqlite : types[t].postgresql);
}

static bool is_array(enum st_type t)
{
    return t == ST_TEXTS || t == ST_UUIDS;
}

/* 'new' of a smallint enum is its number. */
static bool default_enum(buf *b, const st_table_column *c)
{
    size_t len = strlen(c->default_sql);
    for (int i = 0; len >= 2 && c->values && c->values[i]; i++) {
        if (strlen(c->values[i]) == len - 2 && memcmp(c->values[i], c->default_sql + 1, len - 2) == 0) {
            buf_put_i64(b, i);
            return true;
        }
    }
    return false;
}

void ddl_default(buf *b, enum st_dialect d, const st_table_column *c)
{
    static const struct {
        const char *common, *sqlite, *postgresql;
    } words[] = {
        {"true", "1", "true"},
        {"false", "0", "false"},
        {"now()", "(CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000)", "now()"},
        {"uuid()", "(randomblob(16))", "gen_random_uuid()"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(c->default_sql, words[i].common) == 0) {
            buf_puts(b, d == ST_SQLITE ? words[i].sqlite : words[i].postgresql);
            return;
        }
    }
    if (is_array(c->type) && strcmp(c->default_sql, "'[]'") == 0) {
        buf_puts(b, d == ST_SQLITE ? "'[]'" : "'{}'");
        return;
    }
    if (c->type == ST_ENUM && c->as_smallint && default_enum(b, c)) {
        return;
    }
    bool plain = c->default_sql[0] == '\'' || strspn(c->default_sql, "+-.0123456789") == strlen(c->default_sql) ||
                 c->default_sql[0] == '(';
    buf_printf(b, plain ? "%s" : "(%s)", c->default_sql); /* SQLite wants brackets round expressions */
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

/* Starts " CONSTRAINT name CHECK (". json_valid(NULL) is 0 before SQLite 3.45, so null is let through by name. */
static st_err check_open(buf *b, const char *table, const st_table_column *c, const char *suffix, arena *a)
{
    const char *name = migrate_name(a, table, (const char *const[]){c->name, NULL}, NULL, suffix);
    if (!name) {
        return diag_nomem();
    }
    buf_puts(b, " CONSTRAINT ");
    ddl_ident(b, name);
    buf_puts(b, " CHECK (");
    return 0;
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
        buf_printf(b, " < %d)", n);
        return;
    }
    buf_puts(b, " IN (");
    for (int i = 0; c->values[i]; i++) {
        buf_puts(b, i ? ", " : "");
        ddl_string(b, c->values[i]);
    }
    buf_puts(b, "))");
}

static void max_condition(buf *b, enum st_dialect d, const st_table_column *c)
{
    bool lite = d == ST_SQLITE;
    const char *fmt = is_array(c->type)     ? lite ? "json_array_length(%s)" : "cardinality(%s)"
                      : c->type == ST_BYTES ? lite ? "length(%s)" : "octet_length(%s)"
                      : lite                ? "length(CAST(%s AS BLOB))"
                                            : "octet_length(%s)";
    put_with_column(b, fmt, c->name);
    buf_printf(b, " <= %u)", c->max);
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
    buf_put_char(b, ')');
}

st_err ddl_column_checks(buf *b, enum st_dialect d, const char *table, const st_table_column *c, arena *a)
{
    const char *fmt = NULL, *kind = d == ST_SQLITE ? sqlite_kind(c->type, &fmt) : NULL;
    st_err rc = 0;
    if (kind && !(rc = check_open(b, table, c, kind, a))) {
        if (c->nullable && (c->type == ST_JSON || is_array(c->type))) {
            put_with_column(b, "%s IS NULL OR ", c->name);
        }
        put_with_column(b, fmt, c->name);
        buf_put_char(b, ')');
    }
    if (!rc && c->type == ST_ENUM && !(rc = check_open(b, table, c, "enum_check", a))) {
        enum_condition(b, c);
    }
    if (!rc && c->max && !(rc = check_open(b, table, c, "max_check", a))) {
        max_condition(b, d, c);
    }
    if (!rc && (c->min_value || c->max_value) && !(rc = check_open(b, table, c, "range_check", a))) {
        range_condition(b, c);
    }
    if (!rc && c->check && !(rc = check_open(b, table, c, "check", a))) {
        buf_puts(b, c->check);
        buf_put_char(b, ')');
    }
    return rc;
}
