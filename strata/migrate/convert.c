/* Values of one type as SQL expressions of another: NULL for what does not convert, on both databases for the same. */
#include <inttypes.h>

#include "strata/migrate/private.h"

/* Puts text with each "{}" replaced by value. */
static void fill_in(buf *b, const char *text, const char *value)
{
    for (const char *hole; (hole = strstr(text, "{}")); text = hole + 2) {
        buf_put(b, text, (size_t)(hole - text));
        buf_puts(b, value);
    }
    buf_puts(b, text);
}

static void glob_uuid(buf *b)
{
    static const int groups[] = {8, 4, 4, 4, 12};
    buf_puts(b, " GLOB '");
    for (size_t g = 0; g < 5; g++) {
        buf_puts(b, g ? "-" : "");
        for (int i = 0; i < groups[g]; i++) {
            buf_puts(b, "[0-9a-f]");
        }
    }
    buf_puts(b, "'");
}

/* A blob of n bytes that count up. */
static void bytes(buf *b, unsigned first, unsigned n)
{
    buf_puts(b, "x'");
    for (unsigned i = first; i < first + n; i++) {
        buf_printf(b, "%02x", i);
    }
    buf_puts(b, "'");
}

/* 8-4-4-4-12 hexadecimal digits, in either case: what both databases' programs write. PostgreSQL reads more forms. */
static void text_to_uuid(buf *b, enum st_dialect d, const char *value)
{
    if (d == ST_POSTGRESQL) {
        fill_in(b, "CASE WHEN {} ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN {}::uuid END", value);
        return;
    }
    /* SQLite 3.40 has no unhex: each byte is cut out of a blob of all bytes; || keeps bytes, and the cast makes them a
     * blob again. */
    buf_puts(b, "(SELECT CASE WHEN h");
    glob_uuid(b);
    buf_puts(b, " THEN CAST(");
    for (int byte = 0, at = 1; byte < 16; byte++, at += 2) {
        at += byte == 4 || byte == 6 || byte == 8 || byte == 10; /* the dash */
        buf_printf(b, "%ssubstr(b, 16 * instr(d, substr(h, %d, 1)) + instr(d, substr(h, %d, 1)) - 16, 1)",
                   byte ? " || " : "", at, at + 1);
    }
    buf_puts(b, " AS BLOB) END FROM (SELECT lower(");
    buf_puts(b, value);
    buf_puts(b, ") AS h, '0123456789abcdef' AS d, ");
    bytes(b, 0, 256);
    buf_puts(b, " AS b))");
}

void migrate_new_uuid(buf *b, enum st_dialect d)
{
    if (d == ST_POSTGRESQL) { /* 52 and 53: what makes a version 4 a version 7 */
        buf_puts(b, "encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send(floor("
                    "extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), "
                    "'hex')::uuid");
        return;
    }
    buf_puts(b, "CAST((SELECT "); /* depends on no row: once in a statement */
    for (int shift = 40; shift >= 0; shift -= 8) {
        buf_printf(b, "substr(b, 1 + (t >> %d & 255), 1)%s", shift, shift ? " || " : "");
    }
    buf_puts(b, " FROM (SELECT ");
    bytes(b, 0, 256);
    buf_puts(b, " AS b, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS t)) || substr(");
    bytes(b, 0x70, 16);
    buf_puts(b, ", 1 + (random() & 15), 1) || randomblob(1) || substr(");
    bytes(b, 0x80, 64);
    buf_puts(b, ", 1 + (random() & 63), 1) || randomblob(7) AS BLOB)");
}

static void uuid_to_text(buf *b, enum st_dialect d, const char *value)
{
    if (d == ST_POSTGRESQL) {
        fill_in(b, "{}::text", value);
        return;
    }
    fill_in(b,
            "(SELECT substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-' || substr(h, 13, 4) || '-' || substr(h, 17, 4)"
            " || '-' || substr(h, 21) FROM (SELECT lower(hex({})) AS h))",
            value);
}

static bool is_int(enum st_type t)
{
    return t == ST_INT16 || t == ST_INT32 || t == ST_INT64;
}

static void int_to_int(buf *b, enum st_dialect d, enum st_type to, const char *value)
{
    int64_t max = to == ST_INT16 ? INT16_MAX : to == ST_INT32 ? INT32_MAX : INT64_MAX;
    const st_table_column c = {.type = to};
    buf_printf(b, "CASE WHEN %s BETWEEN %" PRId64 " AND %" PRId64 " THEN CAST(%s AS ", value, -max - 1, max, value);
    ddl_type(b, d, &c);
    buf_puts(b, ") END");
}

/* Up to 18 digits: always within an int64. */
static void text_to_int(buf *b, enum st_dialect d, enum st_type to, const char *value)
{
    int digits = to == ST_INT16 ? 4 : to == ST_INT32 ? 9 : 18;
    if (d == ST_POSTGRESQL) {
        const st_table_column c = {.type = to};
        buf_printf(b, "CASE WHEN %s ~ '^-?[0-9]{1,%d}$' THEN %s::", value, digits, value);
        ddl_type(b, d, &c);
        buf_puts(b, " END");
        return;
    }
    buf_printf(b,
               "CASE WHEN ltrim(%s, '-') NOT GLOB '*[^0-9]*' AND length(ltrim(%s, '-')) BETWEEN 1 AND %d"
               " AND length(%s) - length(ltrim(%s, '-')) < 2 THEN CAST(%s AS INTEGER) END",
               value, value, digits, value, value, value);
}

bool migrate_convert(buf *b, enum st_dialect d, const st_table_column *from, const st_table_column *to,
                     const struct st_conversion *own, const char *value)
{
    const char *said = own ? d == ST_SQLITE ? own->sqlite : own->postgresql : NULL;
    bool text_from = from->type == ST_TEXT || from->type == ST_ENUM, text_to = to->type == ST_TEXT;
    if (said) {
        fill_in(b, said, value);
    } else if (text_from && to->type == ST_UUID) {
        text_to_uuid(b, d, value);
    } else if (from->type == ST_UUID && text_to) {
        uuid_to_text(b, d, value);
    } else if (is_int(from->type) && is_int(to->type)) {
        int_to_int(b, d, to->type, value);
    } else if (text_from && is_int(to->type)) {
        text_to_int(b, d, to->type, value);
    } else if (is_int(from->type) && text_to) {
        fill_in(b, "CAST({} AS text)", value);
    } else if (from->type == to->type && from->type) {
        buf_puts(b, value);
    } else {
        return false;
    }
    return true;
}

void migrate_converts(buf *b, enum st_dialect d, const st_table_column *from, const st_table_column *to,
                      const struct st_conversion *own, const char *value)
{
    bool text_from = from->type == ST_TEXT || from->type == ST_ENUM;
    if (d == ST_SQLITE && !(own && own->sqlite) && text_from && to->type == ST_UUID) { /* ten times as fast */
        buf_printf(b, "lower(%s)", value);
        glob_uuid(b);
        return;
    }
    (void)migrate_convert(b, d, from, to, own, value);
    buf_puts(b, " IS NOT NULL");
}
