/* Values as literals of each dialect, for rows that revisions put in. Parameters would be simpler, but a plan is text,
 * so that it can be printed and run by other programs too. */
#include <assert.h>
#include <math.h>

#include "base/clock.h"
#include "base/json.h"
#include "strata/migrate/private.h"

static void hex(buf *b, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        buf_printf(b, "%02x", p[i]);
    }
}

static void text(buf *b, const char *p, size_t len)
{
    buf_put_char(b, '\'');
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '\'') {
            buf_put_char(b, '\'');
        }
        buf_put_char(b, p[i]);
    }
    buf_put_char(b, '\'');
}

static void uuid_text(buf *b, st_uuid u)
{
    char s[UUID_TEXT_LEN + 1];
    uuid_format(u, s);
    buf_puts(b, s);
}

/* '["a","b"]' on SQLite, ARRAY['a','b']::text[] on PostgreSQL. */
static void array(buf *b, enum st_dialect d, const st_value *v)
{
    bool uuids = v->type == ST_UUIDS;
    size_t n = uuids ? v->uuids.n : v->texts.n;
    buf items BUF_AUTO;
    buf_init(&items, ST_DDL_MAX);
    struct json_writer w;
    json_start(&w, &items);
    json_array(&w);
    buf_puts(b, d == ST_SQLITE ? "" : "ARRAY[");
    for (size_t i = 0; i < n; i++) {
        char s[UUID_TEXT_LEN + 1];
        if (uuids) {
            uuid_format(v->uuids.v[i], s);
        }
        const char *item = uuids ? s : v->texts.v[i];
        json_cstring(&w, item);
        if (d == ST_POSTGRESQL) {
            buf_puts(b, i ? ", " : "");
            text(b, item, strlen(item));
        }
    }
    json_end(&w);
    if (d == ST_SQLITE) {
        text(b, items.p, items.len);
    } else {
        buf_puts(b, uuids ? "]::uuid[]" : "]::text[]");
    }
    if (items.err && !b->err) {
        b->err = items.err;
    }
}

static void number(buf *b, enum st_dialect d, double v)
{
    if (isfinite(v)) {
        buf_printf(b, "%.17g", v);
    } else if (d == ST_POSTGRESQL) {
        buf_puts(b, isnan(v) ? "'NaN'::float8" : v > 0 ? "'Infinity'::float8" : "'-Infinity'::float8");
    } else {
        buf_puts(b, isnan(v) ? "NULL" : v > 0 ? "9e999" : "-9e999");
    }
}

void ddl_literal(buf *b, enum st_dialect d, const st_value *v)
{
    bool lite = d == ST_SQLITE;
    if (v->null) {
        buf_puts(b, "NULL");
        return;
    }
    switch (v->type) {
    case ST_BOOL:
        buf_puts(b, lite ? v->b ? "1" : "0" : v->b ? "true" : "false");
        break;
    case ST_INT16:
        buf_put_i64(b, v->i16);
        break;
    case ST_INT32:
        buf_put_i64(b, v->i32);
        break;
    case ST_INT64:
        buf_put_i64(b, v->i64);
        break;
    case ST_DOUBLE:
        number(b, d, v->d);
        break;
    case ST_TEXT:
    case ST_JSON:
        text(b, v->text.p, v->text.len);
        break;
    case ST_UUID:
        buf_puts(b, lite ? "x'" : "'");
        if (lite) {
            hex(b, v->uuid.b, sizeof v->uuid.b);
        } else {
            uuid_text(b, v->uuid);
        }
        buf_put_char(b, '\'');
        break;
    case ST_TIME:
        if (lite) {
            buf_put_i64(b, v->time.us);
        } else {
            char s[CLOCK_TEXT_MAX];
            (void)clock_format_rfc3339(v->time.us, s);
            buf_printf(b, "'%s'", s);
        }
        break;
    case ST_BYTES:
        buf_puts(b, lite ? "x'" : "'\\x");
        hex(b, v->bytes.p, v->bytes.len);
        buf_put_char(b, '\'');
        break;
    case ST_TEXTS:
    case ST_UUIDS:
        array(b, d, v);
        break;
    case ST_ENUM:
        if (v->e.of) {
            assert(v->e.v < v->e.of->n);
            ddl_string(b, v->e.of->values[v->e.v]);
        } else {
            buf_put_i64(b, v->e.v);
        }
        break;
    case ST_TYPE_MAX:
        break;
    }
}

void ddl_insert_open(buf *b, const char *table, const char *const *columns, size_t n)
{
    buf_puts(b, "INSERT INTO ");
    ddl_ident(b, table);
    for (size_t i = 0; i < n; i++) {
        buf_puts(b, i ? ", " : " (");
        ddl_ident(b, columns[i]);
    }
    buf_puts(b, ") VALUES ");
}
