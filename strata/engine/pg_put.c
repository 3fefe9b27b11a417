#include "strata/engine/pg_put.h"

#include <errno.h>

#include "strata/engine/field.h"

/* More than any limit: the buffer says -E2BIG. */
static const size_t too_much = 2 * (size_t)PG_PUT_MAX;

static inline char *place(buf *out, size_t need)
{
    return __builtin_expect(out->room - out->len > need, 1) ? out->p + out->len : buf_reserve(out, need);
}

static inline void put_raw(buf *out, const void *p, size_t len)
{
    char *to = place(out, len < PG_PUT_MAX ? 4 + len : too_much);
    if (to) {
        pg_put32(to, (uint32_t)len);
        memcpy(to + 4, p, len);
        out->len += 4 + len;
    }
}

static inline void put16(buf *out, uint16_t v)
{
    char wire[2];
    pg_put16(wire, v);
    put_raw(out, wire, sizeof wire);
}

static inline void put64(buf *out, uint64_t v)
{
    char wire[8];
    pg_put64(wire, v);
    put_raw(out, wire, sizeof wire);
}

static void put_null(buf *out, bool *has_null)
{
    *has_null = true;
    buf_put(out, "\xff\xff\xff\xff", 4);
}

static void put_json(buf *out, const char *p)
{
    size_t len = strlen(p);
    char *to = buf_reserve(out, 5 + len);
    if (to) {
        pg_put32(to, (uint32_t)len + 1);
        to[4] = 1; /* jsonb's version */
        memcpy(to + 5, p, len);
        out->len += 5 + len;
    }
}

/* A value whose length is known when it is written: from start on. */
static void put_length(buf *out, size_t start)
{
    if (!out->err) {
        pg_put32(out->p + start, (uint32_t)(out->len - start - 4));
    }
}

/* An array as the literal that the server's input function reads. */
static void put_literal(buf *out, const st_value *v)
{
    size_t start = out->len;
    buf_put(out, "\0\0\0\0{", 5);
    size_t n = v->type == ST_TEXTS ? v->texts.n : v->uuids.n;
    for (size_t i = 0; i < n; i++) {
        if (i) {
            buf_put_char(out, ',');
        }
        if (v->type == ST_UUIDS) {
            char spelled[UUID_TEXT_LEN + 1];
            uuid_format(v->uuids.v[i], spelled);
            buf_puts(out, spelled);
            continue;
        }
        const char *s = v->texts.v[i];
        if (!s) {
            buf_puts(out, "NULL");
            continue;
        }
        buf_put_char(out, '"');
        for (; *s; s++) {
            if (*s == '"' || *s == '\\') {
                buf_put_char(out, '\\');
            }
            buf_put_char(out, *s);
        }
        buf_put_char(out, '"');
    }
    buf_put_char(out, '}');
    put_length(out, start);
}

static void put_array(buf *out, const st_value *v)
{
    size_t start = out->len, n = v->type == ST_TEXTS ? v->texts.n : v->uuids.n;
    bool has_null = false, ignored = false;
    for (size_t i = 0; v->type == ST_TEXTS && i < n; i++) {
        has_null |= !v->texts.v[i];
    }
    char *head = buf_reserve(out, n < PG_PUT_MAX ? 4 + PG_ARRAY_HEAD : too_much);
    if (!head) {
        return;
    }
    head = pg_array_start(head + 4, v->type == ST_TEXTS ? PG_TEXT : PG_UUID, n, has_null);
    out->len = (size_t)(head - out->p);
    for (size_t i = 0; i < n; i++) {
        if (v->type == ST_UUIDS) {
            put_raw(out, v->uuids.v[i].b, sizeof v->uuids.v[i].b);
        } else if (v->texts.v[i]) {
            put_raw(out, v->texts.v[i], strlen(v->texts.v[i]));
        } else {
            put_null(out, &ignored);
        }
    }
    put_length(out, start);
}

static st_err put_enum(buf *out, const struct st_field *f, unsigned v)
{
    if (f->of && !f->as_smallint) {
        if (v >= f->of->n) {
            return diag_set(ST_E_INVALID, "%u is not a value of the enum %s (0 to %u)", v, f->of->name, f->of->n - 1);
        }
        put_raw(out, f->of->values[v], strlen(f->of->values[v]));
        return 0;
    }
    if (v > INT16_MAX) {
        return diag_set(ST_E_INVALID, "enum value %u does not fit a smallint", v);
    }
    put16(out, (uint16_t)v);
    return 0;
}

/* The types that take some thought, through their value. */
static st_err put_value(buf *out, const struct st_field *f, const void *obj, enum pg_nesting nesting, bool *has_null)
{
    st_value v;
    st_field_get(f, obj, &v);
    if (v.null) {
        put_null(out, has_null);
        return 0;
    }
    switch (v.type) {
    case ST_BYTES:
        put_raw(out, v.bytes.p, v.bytes.len);
        return 0;
    case ST_JSON:
        put_json(out, v.text.p);
        return 0;
    case ST_ENUM:
        return put_enum(out, f, v.e.v);
    case ST_TEXTS:
    case ST_UUIDS:
        (nesting == PG_ELEMENT ? put_literal : put_array)(out, &v);
        return 0;
    case ST_BOOL:
    case ST_INT16:
    case ST_INT32:
    case ST_INT64:
    case ST_DOUBLE:
    case ST_TEXT:
    case ST_UUID:
    case ST_TIME:
    case ST_TYPE_MAX:
        break;
    }
    return diag_set(ST_E_INVALID, "a field without a type");
}

static st_err put(buf *out, const struct st_field *f, const void *obj, enum pg_nesting nesting, bool *has_null)
{
    const char *at = (const char *)obj + f->offset;
    uint8_t set_at = f->nullable ? st_field_set_at(f->type) : 0;
    if (set_at && !*(const bool *)(at + set_at)) {
        put_null(out, has_null);
        return 0;
    }
    const void *member = at;
    char wire[4];
    uint64_t bits;
    const char *text;
    switch (f->type) {
    case ST_BOOL:
        put_raw(out, *(const bool *)member ? "\1" : "\0", 1);
        return 0;
    case ST_INT16:
        put16(out, (uint16_t) * (const int16_t *)member);
        return 0;
    case ST_INT32:
        pg_put32(wire, (uint32_t) * (const int32_t *)member);
        put_raw(out, wire, sizeof wire);
        return 0;
    case ST_INT64:
        put64(out, (uint64_t) * (const int64_t *)member);
        return 0;
    case ST_DOUBLE:
        memcpy(&bits, member, sizeof bits);
        put64(out, bits);
        return 0;
    case ST_TIME:
        put64(out, (uint64_t)pg_time_out(((const st_time *)member)->us));
        return 0;
    case ST_UUID:
        put_raw(out, member, sizeof(st_uuid));
        return 0;
    case ST_TEXT:
        text = *(const char *const *)member;
        if (text) {
            put_raw(out, text, strlen(text));
        } else {
            put_null(out, has_null);
        }
        return 0;
    case ST_BYTES:
    case ST_JSON:
    case ST_TEXTS:
    case ST_UUIDS:
    case ST_ENUM:
    case ST_TYPE_MAX:
    default:
        return put_value(out, f, obj, nesting, has_null);
    }
}

st_err pg_put_field(buf *out, const struct st_field *f, const void *obj, enum pg_nesting nesting, bool *has_null)
{
    st_err rc = put(out, f, obj, nesting, has_null);
    if (!rc && out->err) {
        rc = out->err == -E2BIG ? diag_set(ST_E_INVALID, "a value longer than 1 GiB") : diag_nomem();
    }
    return rc;
}
