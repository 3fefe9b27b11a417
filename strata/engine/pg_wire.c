#include "strata/engine/pg_wire.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>

enum { PARAMS_MAX = 65535 };

unsigned pg_value_oid(const st_value *v)
{
    switch (v->type) {
    case ST_BOOL:
        return PG_BOOL;
    case ST_INT16:
        return PG_INT2;
    case ST_INT32:
        return PG_INT4;
    case ST_INT64:
        return PG_INT8;
    case ST_DOUBLE:
        return PG_FLOAT8;
    case ST_TEXT:
        return PG_TEXT;
    case ST_UUID:
        return PG_UUID;
    case ST_TIME:
        return PG_TIMESTAMPTZ;
    case ST_BYTES:
        return PG_BYTEA;
    case ST_JSON:
        return PG_JSONB;
    case ST_TEXTS:
        return PG_TEXT_ARRAY;
    case ST_UUIDS:
        return PG_UUID_ARRAY;
    case ST_ENUM:
        return v->e.of ? 0 : PG_INT2; /* 0: whatever it is compared with or goes into, text or an enum type */
    case ST_TYPE_MAX:
        break;
    }
    return 0;
}

/* ---- arrays ---- */

bool pg_array_open(const char *p, size_t len, struct pg_array *ret)
{
    if (len < 12) {
        return false;
    }
    uint32_t dimensions = pg_get32(p);
    *ret = (struct pg_array){.element = pg_get32(p + 8), .at = p + 12, .end = p + len};
    if (dimensions == 0) {
        return true;
    }
    if (dimensions != 1 || len < 20) {
        return false;
    }
    uint32_t n = pg_get32(p + 12);
    ret->at = p + 20;
    ret->n = n;
    return n <= (len - 20) / 4; /* each element has a length at least */
}

bool pg_array_next(struct pg_array *a, const char **ret, size_t *ret_len)
{
    if (a->end - a->at < 4) {
        return false;
    }
    int32_t len = (int32_t)pg_get32(a->at);
    a->at += 4;
    if (len < 0) {
        *ret = NULL;
        *ret_len = 0;
        return len == -1;
    }
    if (len > a->end - a->at) {
        return false;
    }
    *ret = a->at;
    *ret_len = (size_t)len;
    a->at += len;
    return true;
}

char *pg_array_start(char *p, unsigned element, size_t n, bool has_null)
{
    assert(n <= INT32_MAX);
    pg_put32(p, n ? 1 : 0);
    pg_put32(p + 4, has_null);
    pg_put32(p + 8, element);
    if (n == 0) {
        return p + 12;
    }
    pg_put32(p + 12, (uint32_t)n);
    pg_put32(p + 16, 1); /* the lower bound */
    return p + 20;
}

/* ---- parameters ---- */

struct out { /* where the n-th parameter goes */
    const char **value;
    int *length;
    char *small; /* room for what has a fixed size of at most 8 bytes */
};

static st_err too_long(void)
{
    return diag_set(ST_E_INVALID, "a parameter is longer than 1 GiB");
}

/* Room for a parameter that has to be put together. */
static char *room(arena *a, size_t size, struct out *o, st_err *ret_err)
{
    char *p = size > INT_MAX / 2 ? NULL : arena_bytes(a, size);
    if (!p) {
        *ret_err = size > INT_MAX / 2 ? too_long() : diag_nomem();
        return NULL;
    }
    *o->value = p;
    *o->length = (int)size;
    return p;
}

static st_err put_json(arena *a, const st_value *v, struct out *o)
{
    st_err rc = 0;
    char *p = room(a, v->text.len < SIZE_MAX ? v->text.len + 1 : SIZE_MAX, o, &rc);
    if (p) {
        p[0] = 1; /* jsonb's version */
        memcpy(p + 1, v->text.p ? v->text.p : "", v->text.len);
    }
    return rc;
}

static st_err put_texts(arena *a, const st_value *v, struct out *o)
{
    size_t size = PG_ARRAY_HEAD;
    bool has_null = false;
    for (size_t i = 0; i < v->texts.n; i++) {
        const char *s = v->texts.v[i];
        size_t len = s ? strlen(s) : 0;
        if (len > INT_MAX / 2 - size) {
            return too_long();
        }
        size += 4 + len;
        has_null |= !s;
    }
    st_err rc = 0;
    char *p = room(a, size, o, &rc);
    if (!p) {
        return rc;
    }
    *o->length = (int)(v->texts.n ? size : PG_ARRAY_EMPTY);
    p = pg_array_start(p, PG_TEXT, v->texts.n, has_null);
    for (size_t i = 0; i < v->texts.n; i++) {
        const char *s = v->texts.v[i];
        size_t len = s ? strlen(s) : 0;
        pg_put32(p, s ? (uint32_t)len : UINT32_MAX);
        memcpy(p + 4, s ? s : "", len);
        p += 4 + len;
    }
    return 0;
}

static st_err put_uuids(arena *a, const st_value *v, struct out *o)
{
    size_t n = v->uuids.n;
    st_err rc = 0;
    char *p = room(a, n > INT_MAX / 40 ? SIZE_MAX : PG_ARRAY_HEAD + n * 20, o, &rc);
    if (!p) {
        return rc;
    }
    *o->length = (int)(n ? PG_ARRAY_HEAD + n * 20 : PG_ARRAY_EMPTY);
    p = pg_array_start(p, PG_UUID, n, false);
    for (size_t i = 0; i < n; i++, p += 20) {
        pg_put32(p, 16);
        memcpy(p + 4, v->uuids.v[i].b, 16);
    }
    return 0;
}

static st_err put_enum(const st_value *v, struct out *o)
{
    if (!v->e.of) {
        if (v->e.v > INT16_MAX) {
            return diag_set(ST_E_INVALID, "enum value %u does not fit a smallint", v->e.v);
        }
        pg_put16(o->small, (uint16_t)v->e.v);
        *o->length = 2;
        return 0;
    }
    if (v->e.v >= v->e.of->n) {
        return diag_set(ST_E_INVALID, "%u is not a value of the enum %s (0 to %u)", v->e.v, v->e.of->name,
                        v->e.of->n - 1);
    }
    *o->value = v->e.of->values[v->e.v];
    *o->length = (int)strlen(*o->value);
    return 0;
}

static st_err put_bytes(const char *p, size_t len, struct out *o)
{
    if (len > INT_MAX / 2) {
        return too_long();
    }
    *o->value = p ? p : "";
    *o->length = (int)len;
    return 0;
}

static st_err put(arena *a, const st_value *v, struct out *o)
{
    uint64_t bits;
    *o->value = o->small;
    switch (v->type) {
    case ST_BOOL:
        o->small[0] = v->b;
        *o->length = 1;
        return 0;
    case ST_INT16:
        pg_put16(o->small, (uint16_t)v->i16);
        *o->length = 2;
        return 0;
    case ST_INT32:
        pg_put32(o->small, (uint32_t)v->i32);
        *o->length = 4;
        return 0;
    case ST_INT64:
        pg_put64(o->small, (uint64_t)v->i64);
        *o->length = 8;
        return 0;
    case ST_DOUBLE:
        memcpy(&bits, &v->d, sizeof bits);
        pg_put64(o->small, bits);
        *o->length = 8;
        return 0;
    case ST_TIME:
        pg_put64(o->small, (uint64_t)pg_time_out(v->time.us));
        *o->length = 8;
        return 0;
    case ST_TEXT:
        return put_bytes(v->text.p, v->text.len, o);
    case ST_BYTES:
        return put_bytes((const char *)v->bytes.p, v->bytes.len, o);
    case ST_UUID:
        return put_bytes((const char *)v->uuid.b, sizeof v->uuid.b, o);
    case ST_JSON:
        return put_json(a, v, o);
    case ST_TEXTS:
        return put_texts(a, v, o);
    case ST_UUIDS:
        return put_uuids(a, v, o);
    case ST_ENUM:
        return put_enum(v, o);
    case ST_TYPE_MAX:
        break;
    }
    return diag_set(ST_E_INVALID, "a parameter has no type (%d)", (int)v->type);
}

st_err pg_params_make(arena *a, const st_value *values, size_t n, struct pg_params *ret)
{
    if (n > PARAMS_MAX) {
        return diag_set(ST_E_INVALID, "%zu parameters; PostgreSQL takes at most %d a statement", n, PARAMS_MAX);
    }
    struct pg_params p = {.n = (int)n, .types_hash = 0xcbf29ce484222325U}; /* FNV-1a */
    p.types = arena_alloc(a, n * sizeof *p.types);
    p.values = arena_alloc(a, n * sizeof *p.values);
    p.lengths = arena_alloc(a, n * sizeof *p.lengths);
    p.formats = arena_alloc(a, n * sizeof *p.formats);
    char *small = arena_alloc(a, n * 8);
    if (!p.types || !p.values || !p.lengths || !p.formats || !small) {
        return diag_nomem();
    }
    for (size_t i = 0; i < n; i++) {
        p.types[i] = pg_value_oid(&values[i]);
        p.types_hash = (p.types_hash ^ p.types[i]) * 0x100000001b3U;
        p.formats[i] = 1;
        p.values[i] = NULL;
        p.lengths[i] = 0;
        struct out o = {&p.values[i], &p.lengths[i], small + i * 8};
        st_err rc = values[i].null ? 0 : put(a, &values[i], &o);
        if (rc) {
            return diag_wrap(rc, "parameter %zu", i + 1);
        }
    }
    *ret = p;
    return 0;
}
