#include "strata/model/value.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "strata/engine/field.h"

static const void *at(const st_attr *a, const void *obj)
{
    assert(a->kind == ST_A_COLUMN);
    return (const char *)obj + a->offset;
}

st_value st_value_get(const st_attr *a, const void *obj)
{
    assert(a->kind == ST_A_COLUMN);
    const struct st_field f = {.type = st_attr_type(a),
                               .nullable = st_attr_optional(a),
                               .as_smallint = a->as_smallint,
                               .offset = a->offset,
                               .of = a->enumeration};
    st_value v = {.null = true};
    st_field_get(&f, obj, &v);
    return v;
}

size_t st_value_plain_size(enum st_type type)
{
    static const uint8_t sizes[ST_TYPE_MAX] = {
        [ST_BOOL] = sizeof(bool),     [ST_INT16] = sizeof(int16_t),  [ST_INT32] = sizeof(int32_t),
        [ST_INT64] = sizeof(int64_t), [ST_DOUBLE] = sizeof(double),  [ST_TEXT] = sizeof(char *),
        [ST_UUID] = sizeof(st_uuid),  [ST_TIME] = sizeof(st_time),   [ST_BYTES] = sizeof(st_bytes),
        [ST_JSON] = sizeof(st_json),  [ST_TEXTS] = sizeof(st_texts), [ST_UUIDS] = sizeof(st_uuids),
        [ST_ENUM] = sizeof(unsigned),
    };
    assert(type > 0 && type < ST_TYPE_MAX);
    return sizes[type];
}

void st_value_put(const st_attr *a, void *obj, const st_value *v)
{
    assert(v->null || v->type == st_attr_type(a));
    static const size_t members[ST_TYPE_MAX] = {
        [ST_BOOL] = offsetof(st_value, b),      [ST_INT16] = offsetof(st_value, i16),
        [ST_INT32] = offsetof(st_value, i32),   [ST_INT64] = offsetof(st_value, i64),
        [ST_DOUBLE] = offsetof(st_value, d),    [ST_TEXT] = offsetof(st_value, text.p),
        [ST_UUID] = offsetof(st_value, uuid),   [ST_TIME] = offsetof(st_value, time),
        [ST_BYTES] = offsetof(st_value, bytes), [ST_JSON] = offsetof(st_value, text.p),
        [ST_TEXTS] = offsetof(st_value, texts), [ST_UUIDS] = offsetof(st_value, uuids),
        [ST_ENUM] = offsetof(st_value, e.v),
    };
    char *p = (char *)obj + a->offset;
    enum st_type type = st_attr_type(a);
    if (v->null) {
        memset(p, 0, a->size);
        return;
    }
    memcpy(p, (const char *)v + members[type], st_value_plain_size(type));
    if (a->type & ST_NULLABLE) {
        const bool set = true;
        memcpy(p + st_field_set_at(type), &set, sizeof set);
    }
}

st_value st_value_item(const st_attr *a, const void *list, size_t i)
{
    enum st_type type = st_attr_type(a);
    const struct st_field f = {.type = type, .as_smallint = a->as_smallint, .of = a->enumeration};
    st_value v = {.null = true};
    st_field_get(&f, (const char *)list + i * st_value_plain_size(type), &v);
    return v;
}

bool st_value_adapt(const st_attr *a, st_value *v)
{
    enum st_type type = st_attr_type(a);
    if (!v->null && (v->type != type || (type == ST_ENUM && v->e.v >= a->enumeration->n))) {
        return false;
    }
    v->type = type;
    if (type == ST_ENUM) { /* a null, too: the database is told its type */
        v->e.of = a->as_smallint ? NULL : a->enumeration;
    }
    return true;
}

bool st_value_is_null(const st_attr *a, const void *obj)
{
    enum st_type type = st_attr_type(a);
    uint8_t set_at = st_field_set_at(type);
    if (set_at) {
        return st_attr_optional(a) && !*((const bool *)at(a, obj) + set_at);
    }
    return st_value_get(a, obj).null;
}

static bool same_texts(st_texts x, st_texts y)
{
    if (x.n != y.n) {
        return false;
    }
    for (size_t i = 0; i < x.n && x.v != y.v; i++) {
        if (strcmp(x.v[i], y.v[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool same_bytes(const void *x, const void *y, size_t len)
{
    return x == y || len == 0 || memcmp(x, y, len) == 0;
}

bool st_value_same(const st_attr *a, const void *x, const void *y)
{
    st_value v = st_value_get(a, x), w = st_value_get(a, y);
    if (v.null || w.null) {
        return v.null == w.null;
    }
    switch (v.type) {
    case ST_TEXT:
    case ST_JSON:
        return v.text.len == w.text.len && same_bytes(v.text.p, w.text.p, v.text.len);
    case ST_BYTES:
        return v.bytes.len == w.bytes.len && same_bytes(v.bytes.p, w.bytes.p, v.bytes.len);
    case ST_TEXTS:
        return same_texts(v.texts, w.texts);
    case ST_UUIDS:
        return v.uuids.n == w.uuids.n && same_bytes(v.uuids.v, w.uuids.v, v.uuids.n * sizeof(st_uuid));
    case ST_BOOL:
    case ST_INT16:
    case ST_INT32:
    case ST_INT64:
    case ST_DOUBLE:
    case ST_UUID:
    case ST_TIME:
    case ST_ENUM:
        return memcmp(at(a, x), at(a, y), st_value_plain_size(v.type)) == 0;
    case ST_TYPE_MAX:
        break;
    }
    assert(0);
    return false;
}

static int keep_texts(st_texts *t, arena *to)
{
    const char **copy = ARENA_ARRAY(to, const char *, t->n);
    if (!copy) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < t->n; i++) {
        if (!(copy[i] = arena_strdup(to, t->v[i]))) {
            return -ENOMEM;
        }
    }
    t->v = copy;
    return 0;
}

int st_value_keep(const st_attr *a, void *obj, arena *to)
{
    st_value v = st_value_get(a, obj);
    if (v.null) {
        return 0;
    }
    switch (v.type) {
    case ST_TEXT:
    case ST_JSON:
        v.text.p = arena_memdup0(to, v.text.p, v.text.len);
        if (!v.text.p) {
            return -ENOMEM;
        }
        break;
    case ST_BYTES:
        if (v.bytes.len && !(v.bytes.p = (const uint8_t *)arena_memdup0(to, v.bytes.p, v.bytes.len))) {
            return -ENOMEM;
        }
        break;
    case ST_TEXTS:
        if (v.texts.n && keep_texts(&v.texts, to) != 0) {
            return -ENOMEM;
        }
        break;
    case ST_UUIDS:
        if (v.uuids.n) {
            st_uuid *copy = ARENA_ARRAY(to, st_uuid, v.uuids.n);
            if (!copy) {
                return -ENOMEM;
            }
            memcpy(copy, v.uuids.v, v.uuids.n * sizeof *copy);
            v.uuids.v = copy;
        }
        break;
    case ST_BOOL:
    case ST_INT16:
    case ST_INT32:
    case ST_INT64:
    case ST_DOUBLE:
    case ST_UUID:
    case ST_TIME:
    case ST_ENUM:
    case ST_TYPE_MAX:
        return 0;
    }
    st_value_put(a, obj, &v);
    return 0;
}

uint64_t st_hash_bytes(const void *p, size_t len, uint64_t seed)
{
    const unsigned char *at_ = p;
    uint64_t h = st_mix(seed, len), a, b;
    for (; len > 16; len -= 16, at_ += 16) {
        memcpy(&a, at_, 8);
        memcpy(&b, at_ + 8, 8);
        h = st_mix(a ^ h, b);
    }
    unsigned char tail[16] = {0};
    if (len) {
        memcpy(tail, at_, len);
    }
    memcpy(&a, tail, 8);
    memcpy(&b, tail + 8, 8);
    return st_mix(a ^ h, b);
}

uint64_t st_value_hash(const st_attr *a, const void *obj, uint64_t seed)
{
    st_value v = st_value_get(a, obj);
    if (v.null) {
        return st_mix(seed, 1);
    }
    switch (v.type) {
    case ST_TEXT:
    case ST_JSON:
        return st_hash_bytes(v.text.p, v.text.len, seed);
    case ST_BYTES:
        return st_hash_bytes(v.bytes.p, v.bytes.len, seed);
    case ST_TEXTS:
        for (size_t i = 0; i < v.texts.n; i++) {
            seed = st_hash_bytes(v.texts.v[i], strlen(v.texts.v[i]), seed);
        }
        return seed;
    case ST_UUIDS:
        return st_hash_bytes(v.uuids.v, v.uuids.n * sizeof(st_uuid), seed);
    case ST_BOOL:
    case ST_INT16:
    case ST_INT32:
    case ST_INT64:
    case ST_DOUBLE:
    case ST_UUID:
    case ST_TIME:
    case ST_ENUM:
    case ST_TYPE_MAX:
        break;
    }
    return st_hash_bytes(at(a, obj), st_value_plain_size(v.type), seed);
}
