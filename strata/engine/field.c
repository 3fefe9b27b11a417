#include "strata/engine/field.h"

#include <assert.h>
#include <string.h>

static const struct {
    const char *name;
    uint8_t set_at;
} types[ST_TYPE_MAX] = {
    [ST_BOOL] = {"bool", offsetof(st_opt_bool, set)},
    [ST_INT16] = {"int16", offsetof(st_opt_int16, set)},
    [ST_INT32] = {"int32", offsetof(st_opt_int32, set)},
    [ST_INT64] = {"int64", offsetof(st_opt_int64, set)},
    [ST_DOUBLE] = {"double", offsetof(st_opt_double, set)},
    [ST_TEXT] = {"text", 0},
    [ST_UUID] = {"uuid", offsetof(st_opt_uuid, set)},
    [ST_TIME] = {"time", offsetof(st_opt_time, set)},
    [ST_BYTES] = {"bytes", 0},
    [ST_JSON] = {"json", 0},
    [ST_TEXTS] = {"array of text", 0},
    [ST_UUIDS] = {"array of uuid", 0},
    [ST_ENUM] = {"enum", offsetof(st_opt_enum, set)},
};

const char *st_type_name(enum st_type type)
{
    return type > 0 && type < ST_TYPE_MAX ? types[type].name : "unknown type";
}

uint8_t st_field_set_at(enum st_type type)
{
    assert(type > 0 && type < ST_TYPE_MAX);
    return types[type].set_at;
}

bool st_enum_find(const struct st_enum *of, const char *name, size_t len, unsigned *ret)
{
    for (unsigned i = 0; i < of->n; i++) {
        if (strlen(of->values[i]) == len && memcmp(of->values[i], name, len) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* A pointer's null is null whatever the field allows: the database has the last word on NOT NULL. */
void st_field_get(const struct st_field *f, const void *obj, st_value *ret)
{
    const char *member = (const char *)obj + f->offset;
    const void *at = member;
    st_value v = {.type = f->type};
    uint8_t set_at = st_field_set_at(f->type);
    v.null = f->nullable && set_at && !*(const bool *)(member + set_at);
    switch (f->type) {
    case ST_BOOL:
        v.b = *(const bool *)at;
        break;
    case ST_INT16:
        v.i16 = *(const int16_t *)at;
        break;
    case ST_INT32:
        v.i32 = *(const int32_t *)at;
        break;
    case ST_INT64:
        v.i64 = *(const int64_t *)at;
        break;
    case ST_DOUBLE:
        v.d = *(const double *)at;
        break;
    case ST_UUID:
        v.uuid = *(const st_uuid *)at;
        break;
    case ST_TIME:
        v.time = *(const st_time *)at;
        break;
    case ST_ENUM:
        v.e.v = *(const unsigned *)at;
        v.e.of = f->as_smallint ? NULL : f->of;
        break;
    case ST_TEXT:
    case ST_JSON: /* both are one pointer */
        v.text.p = *(const char *const *)at;
        v.text.len = v.text.p ? strlen(v.text.p) : 0;
        v.null = !v.text.p;
        break;
    case ST_BYTES:
        v.bytes = *(const st_bytes *)at;
        v.null = !v.bytes.p;
        break;
    case ST_TEXTS:
        v.texts = *(const st_texts *)at;
        v.null = f->nullable && !v.texts.v && v.texts.n == 0;
        break;
    case ST_UUIDS:
        v.uuids = *(const st_uuids *)at;
        v.null = f->nullable && !v.uuids.v && v.uuids.n == 0;
        break;
    case ST_TYPE_MAX:
        break;
    }
    *ret = v;
}
