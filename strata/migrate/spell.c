/* Spelling: the only place that knows how a type, a default or a condition on a column is said in each dialect. */
#include <assert.h>

#include "strata/migrate/private.h"
#include "strata/migrate/sql_text.h"

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
    if (c->type == ST_TYPE_NONE) {
        buf_puts(b, c->type_sql);
        return;
    }
    if (c->enum_type && d == ST_POSTGRESQL) {
        ddl_ident(b, c->enum_type);
        return;
    }
    assert(c->type >= ST_BOOL && c->type < ST_TYPE_MAX);
    enum st_type t = c->type == ST_ENUM && c->as_smallint ? ST_INT16 : c->type;
    buf_puts(b, d == ST_SQLITE ? types[t].sqlite : types[t].postgresql);
}

static bool is_array(enum st_type t)
{
    return t == ST_TEXTS || t == ST_UUIDS;
}

/* Whether text is the value as a string of SQL. */
static bool is_string(const char *text, const char *value)
{
    if (*text++ != '\'') {
        return false;
    }
    for (; *value; value++, text++) {
        if (*text != *value || (*value == '\'' && *++text != '\'')) {
            return false;
        }
    }
    return text[0] == '\'' && !text[1];
}

/* 'new' of a smallint enum is its number. */
static bool default_enum(buf *b, const st_table_column *c)
{
    for (int i = 0; c->values && c->values[i]; i++) {
        if (is_string(c->default_sql, c->values[i])) {
            buf_put_i64(b, i);
            return true;
        }
    }
    return false;
}

/* A number or a string, on PostgreSQL perhaps with its type. */
static bool is_literal(enum st_dialect d, const char *sql)
{
    struct sql_token t[2];
    struct sql_reader r = {.rest = str_of(sql), .postgresql = d == ST_POSTGRESQL};
    t[0] = sql_next(&r);
    bool string =
        t[0].kind == SQL_STRING && (sql_next(&r).kind == SQL_END || (d == ST_POSTGRESQL && sql_loose(sql, t, 2) == 1));
    sql += *sql == '+' || *sql == '-';
    return string || (*sql && strspn(sql, ".0123456789") == strlen(sql));
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
    if (c->type == ST_BYTES && strcmp(c->default_sql, "''") == 0) {
        buf_puts(b, d == ST_SQLITE ? "x''" : "''");
        return;
    }
    if (is_array(c->type) && strcmp(c->default_sql, "'[]'") == 0) {
        buf_puts(b, d == ST_SQLITE ? "'[]'" : "'{}'");
        return;
    }
    if (c->type == ST_ENUM && c->as_smallint && default_enum(b, c)) {
        return;
    }
    str whole = str_of(c->default_sql);
    bool plain = is_literal(d, c->default_sql) || sql_unwrap(whole).len < str_trim(whole).len;
    buf_printf(b, plain ? "%s" : "(%s)", c->default_sql); /* SQLite wants brackets round expressions */
}

bool ddl_default_is_constant(enum st_dialect d, const st_table_column *c)
{
    assert(c->default_sql);
    bool now = strcmp(c->default_sql, "now()") == 0; /* of the transaction, on PostgreSQL */
    if (now || strcmp(c->default_sql, "uuid()") == 0) {
        return now && d == ST_POSTGRESQL;
    }
    bool word = strcmp(c->default_sql, "true") == 0 || strcmp(c->default_sql, "false") == 0;
    return word || is_literal(d, c->default_sql);
}

st_err ddl_column(buf *b, enum st_dialect d, const char *table, const st_table_column *c, arena *a)
{
    struct ddl_check checks[DDL_CHECKS_MAX];
    size_t n;
    st_err rc = ddl_checks(d, table, c, a, checks, &n);
    if (rc) {
        return rc;
    }
    ddl_type(b, d, c);
    buf_puts(b, c->nullable ? "" : " NOT NULL");
    if (c->default_sql) {
        buf_puts(b, " DEFAULT ");
        ddl_default(b, d, c);
    }
    if (c->generated) {
        buf_printf(b, " GENERATED ALWAYS AS (%s) STORED", c->generated);
    }
    if (c->identity && d == ST_POSTGRESQL) {
        buf_puts(b, " GENERATED BY DEFAULT AS IDENTITY");
    }
    for (size_t i = 0; i < n; i++) {
        buf_put_char(b, ' ');
        ddl_check(b, &(const st_table_check){checks[i].name, checks[i].sql, false});
    }
    return 0;
}
