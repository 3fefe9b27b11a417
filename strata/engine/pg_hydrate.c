#include "strata/engine/pg_hydrate.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "strata/engine/field.h"
#include "strata/engine/pg_wire.h"

enum op {
    OP_BOOL,
    OP_I16,
    OP_I32,
    OP_I32_I16, /* an int32 member, int2 from the server */
    OP_I64,
    OP_I64_I32,
    OP_I64_I16,
    OP_DOUBLE,
    OP_DOUBLE_FLOAT,
    OP_TEXT,
    OP_TEXT_JSONB,
    OP_UUID,
    OP_TIME,
    OP_BYTES,
    OP_JSON, /* member st_json */
    OP_JSONB,
    OP_TEXTS,
    OP_UUIDS,
    OP_ENUM_TEXT,
    OP_ENUM_I16,
    OP_ENUM_I32
};

struct reading {
    enum st_type type;
    unsigned oid; /* 0: any type that a user made (enums, citext, ...), whose binary form is text */
    uint8_t op, width;
};
static const struct reading readings[] = {
    {ST_BOOL, PG_BOOL, OP_BOOL, 1},
    {ST_INT16, PG_INT2, OP_I16, 2},
    {ST_INT32, PG_INT4, OP_I32, 4},
    {ST_INT32, PG_INT2, OP_I32_I16, 2},
    {ST_INT64, PG_INT8, OP_I64, 8},
    {ST_INT64, PG_INT4, OP_I64_I32, 4},
    {ST_INT64, PG_INT2, OP_I64_I16, 2},
    {ST_DOUBLE, PG_FLOAT8, OP_DOUBLE, 8},
    {ST_DOUBLE, PG_FLOAT4, OP_DOUBLE_FLOAT, 4},
    {ST_TEXT, PG_TEXT, OP_TEXT, 0},
    {ST_TEXT, PG_VARCHAR, OP_TEXT, 0},
    {ST_TEXT, PG_BPCHAR, OP_TEXT, 0},
    {ST_TEXT, PG_NAME, OP_TEXT, 0},
    {ST_TEXT, PG_CHAR, OP_TEXT, 0},
    {ST_TEXT, PG_UNKNOWN, OP_TEXT, 0},
    {ST_TEXT, PG_JSON, OP_TEXT, 0},
    {ST_TEXT, PG_JSONB, OP_TEXT_JSONB, 0},
    {ST_TEXT, 0, OP_TEXT, 0},
    {ST_UUID, PG_UUID, OP_UUID, 16},
    {ST_TIME, PG_TIMESTAMPTZ, OP_TIME, 8},
    {ST_TIME, PG_TIMESTAMP, OP_TIME, 8},
    {ST_BYTES, PG_BYTEA, OP_BYTES, 0},
    {ST_JSON, PG_JSONB, OP_JSONB, 0},
    {ST_JSON, PG_JSON, OP_JSON, 0},
    {ST_TEXTS, PG_TEXT_ARRAY, OP_TEXTS, 0},
    {ST_TEXTS, PG_VARCHAR_ARRAY, OP_TEXTS, 0},
    {ST_TEXTS, PG_NAME_ARRAY, OP_TEXTS, 0},
    {ST_UUIDS, PG_UUID_ARRAY, OP_UUIDS, 0},
    {ST_ENUM, PG_TEXT, OP_ENUM_TEXT, 0},
    {ST_ENUM, PG_VARCHAR, OP_ENUM_TEXT, 0},
    {ST_ENUM, 0, OP_ENUM_TEXT, 0},
    {ST_ENUM, PG_INT2, OP_ENUM_I16, 2},
    {ST_ENUM, PG_INT4, OP_ENUM_I32, 4},
};

static const struct reading *find_reading(const struct st_field *f, unsigned oid)
{
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        const struct reading *r = &readings[i];
        if (r->type == f->type && (r->oid == oid || (r->oid == 0 && oid >= PG_FIRST_OWN))) {
            return r->op == OP_ENUM_TEXT && !f->of ? NULL : r;
        }
    }
    return NULL;
}

static st_err make_column(const PGresult *res, int at, const struct st_field *f, struct pg_column *ret)
{
    unsigned oid = PQftype(res, at);
    const struct reading *r = PQfformat(res, at) == 1 ? find_reading(f, oid) : NULL;
    if (!r) {
        diag_set(ST_E_SCHEMA, "column %s has a type (number %u) that cannot be read as %s", PQfname(res, at), oid,
                 st_type_name(f->type));
        (void)snprintf(diag_last()->column, sizeof diag_last()->column, "%s", PQfname(res, at));
        return ST_E_SCHEMA;
    }
    *ret = (struct pg_column){.op = r->op,
                              .width = r->width,
                              .set_at = st_field_set_at(f->type),
                              .nullable = f->nullable,
                              .offset = f->offset,
                              .of = f->of};
    return 0;
}

st_err pg_plan_make(arena *a, const PGresult *res, const struct st_shape *shape, struct pg_plan *ret)
{
    size_t n = (size_t)PQnfields(res), n_parts = 0, expected = st_shape_columns(shape);
    if (n != expected) {
        return diag_set(ST_E_SCHEMA, "the statement returns %zu columns where %zu are expected", n, expected);
    }
    for (const struct st_shape *s = shape; s; s = s->next) {
        n_parts++;
    }
    struct pg_column *columns = ARENA_ARRAY(a, struct pg_column, n);
    struct pg_part *parts = ARENA_ARRAY(a, struct pg_part, n_parts);
    if (!columns || !parts) {
        return diag_nomem();
    }
    size_t first = 0;
    for (struct pg_part *p = parts; shape; shape = shape->next, p++) {
        for (size_t i = 0; i < shape->n; i++) {
            st_err rc = make_column(res, (int)(first + i), &shape->fields[i], &columns[first + i]);
            if (rc) {
                return rc;
            }
        }
        *p = (struct pg_part){.columns = columns + first,
                              .n = shape->n,
                              .head = shape->head,
                              .size = shape->size,
                              .first = (int)first,
                              .sure = shape->may_be_absent ? (int)(first + shape->sure) : -1};
        first += shape->n;
    }
    *ret = (struct pg_plan){.parts = parts, .n = n_parts};
    return 0;
}

static st_err bad_value(const PGresult *res, int column, const char *what)
{
    const char *name = PQfname(res, column);
    diag_set(ST_E_SCHEMA, "column %s: %s", name ? name : "?", what);
    (void)snprintf(diag_last()->column, sizeof diag_last()->column, "%s", name ? name : "?");
    return ST_E_SCHEMA;
}

static st_err read_texts(const char *p, size_t len, struct rowmem *mem, void *member)
{
    struct pg_array array;
    if (!pg_array_open(p, len, &array)) {
        return ST_E_SCHEMA;
    }
    const char **v = rowmem_take_aligned(mem, (array.n ? array.n : 1) * sizeof *v); /* never NULL: that would be null */
    if (!v) {
        return diag_nomem();
    }
    for (size_t i = 0; i < array.n; i++) {
        const char *item;
        size_t item_len;
        if (!pg_array_next(&array, &item, &item_len)) {
            return ST_E_SCHEMA;
        }
        v[i] = item ? rowmem_dup0(mem, item, item_len) : NULL;
        if (item && !v[i]) {
            return diag_nomem();
        }
    }
    *(st_texts *)member = (st_texts){v, array.n};
    return 0;
}

static st_err read_uuids(const char *p, size_t len, struct rowmem *mem, void *member)
{
    struct pg_array array;
    if (!pg_array_open(p, len, &array)) {
        return ST_E_SCHEMA;
    }
    st_uuid *v = rowmem_take_aligned(mem, (array.n ? array.n : 1) * sizeof *v);
    if (!v) {
        return diag_nomem();
    }
    for (size_t i = 0; i < array.n; i++) {
        const char *item;
        size_t item_len;
        if (!pg_array_next(&array, &item, &item_len) || !item || item_len != sizeof *v) {
            return ST_E_SCHEMA;
        }
        memcpy(v[i].b, item, sizeof *v);
    }
    *(st_uuids *)member = (st_uuids){v, array.n};
    return 0;
}

static double float_at(const char *p)
{
    uint32_t bits = pg_get32(p);
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static st_err read_number(const struct pg_column *c, int32_t v, void *member)
{
    if (v < 0 || (c->of && (unsigned)v >= c->of->n)) {
        return ST_E_SCHEMA;
    }
    *(unsigned *)member = (unsigned)v;
    return 0;
}

/* One field. Fixed widths were checked; len is that of the others. */
static inline st_err read_field(const struct pg_column *c, const char *p, size_t len, struct rowmem *mem, char *member)
{
    uint64_t bits;
    switch ((enum op)c->op) {
    case OP_BOOL:
        *(bool *)member = *p != 0;
        return 0;
    case OP_I16:
        *(int16_t *)(void *)member = (int16_t)pg_get16(p);
        return 0;
    case OP_I32:
        *(int32_t *)(void *)member = (int32_t)pg_get32(p);
        return 0;
    case OP_I32_I16:
        *(int32_t *)(void *)member = (int16_t)pg_get16(p);
        return 0;
    case OP_I64:
        *(int64_t *)(void *)member = (int64_t)pg_get64(p);
        return 0;
    case OP_I64_I32:
        *(int64_t *)(void *)member = (int32_t)pg_get32(p);
        return 0;
    case OP_I64_I16:
        *(int64_t *)(void *)member = (int16_t)pg_get16(p);
        return 0;
    case OP_DOUBLE:
        bits = pg_get64(p);
        memcpy(member, &bits, sizeof bits);
        return 0;
    case OP_DOUBLE_FLOAT:
        *(double *)(void *)member = float_at(p);
        return 0;
    case OP_TIME:
        ((st_time *)(void *)member)->us = pg_time_in((int64_t)pg_get64(p));
        return 0;
    case OP_UUID:
        memcpy(member, p, 16);
        return 0;
    case OP_TEXT_JSONB:
    case OP_JSONB:
        if (len == 0 || *p != 1) { /* the format's version */
            return ST_E_SCHEMA;
        }
        p++;
        len--;
        __attribute__((fallthrough));
    case OP_TEXT: /* st_json is a text, too */
    case OP_JSON:
        return (*(char **)(void *)member = rowmem_dup0(mem, p, len)) ? 0 : diag_nomem();
    case OP_BYTES:
        *(st_bytes *)(void *)member = (st_bytes){(const uint8_t *)rowmem_dup0(mem, p, len), len};
        return ((st_bytes *)(void *)member)->p ? 0 : diag_nomem();
    case OP_TEXTS:
        return read_texts(p, len, mem, member);
    case OP_UUIDS:
        return read_uuids(p, len, mem, member);
    case OP_ENUM_TEXT:
        return st_enum_find(c->of, p, len, (unsigned *)(void *)member) ? 0 : ST_E_SCHEMA;
    case OP_ENUM_I16:
        return read_number(c, (int16_t)pg_get16(p), member);
    case OP_ENUM_I32:
        return read_number(c, (int32_t)pg_get32(p), member);
    }
    return ST_E_SCHEMA;
}

st_err pg_plan_read(const struct pg_part *part, const PGresult *res, int row, struct rowmem *mem, void **ret_obj)
{
    if (part->sure >= 0 && PQgetisnull(res, row, part->sure)) {
        *ret_obj = NULL;
        return 0;
    }
    size_t total = part->head + part->size;
    char *obj = rowmem_take_aligned(mem, total);
    if (!obj) {
        return diag_nomem();
    }
    memset(obj, 0, total);
    obj += part->head;
    for (size_t i = 0; i < part->n; i++) {
        const struct pg_column *c = &part->columns[i];
        int at = part->first + (int)i, len = PQgetlength(res, row, at);
        if (len == 0 && PQgetisnull(res, row, at)) {
            if (!c->nullable) {
                return bad_value(res, at, "is null in a row where the model does not allow it");
            }
            continue;
        }
        if (c->width && len != c->width) {
            return bad_value(res, at, "has a length that its type cannot have");
        }
        char *member = obj + c->offset;
        st_err rc = read_field(c, PQgetvalue(res, row, at), (size_t)len, mem, member);
        if (rc) {
            return rc == -ENOMEM ? rc : bad_value(res, at, "holds a value that the model's field cannot hold");
        }
        if (c->set_at && c->nullable) {
            member[c->set_at] = true;
        }
    }
    *ret_obj = obj;
    return 0;
}
