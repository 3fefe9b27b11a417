#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "strata/engine/field.h"
#include "strata/engine/sqlite.h"

static st_err bad_value(sqlite3_stmt *stmt, int at, const char *what, const char *more)
{
    const char *name = sqlite3_column_name(stmt, at);
    diag_set(ST_E_SCHEMA, "column %s: %s%s", name ? name : "?", what, more);
    (void)snprintf(diag_last()->column, sizeof diag_last()->column, "%s", name ? name : "?");
    return ST_E_SCHEMA;
}

/* Text or blob as it lies in SQLite's memory. NULL when converting it ran out of memory. */
static const char *bytes_at(sqlite3_stmt *stmt, int at, size_t *ret_len)
{
    const void *p = sqlite3_column_type(stmt, at) == SQLITE_BLOB ? sqlite3_column_blob(stmt, at)
                                                                  : (const void *)sqlite3_column_text(stmt, at);
    *ret_len = (size_t)sqlite3_column_bytes(stmt, at);
    return p || *ret_len ? p : sqlite3_errcode(sqlite3_db_handle(stmt)) == SQLITE_NOMEM ? NULL : "";
}

static st_err read_text(sqlite3_stmt *stmt, int at, struct rowmem *mem, void *member)
{
    size_t len;
    const char *p = bytes_at(stmt, at, &len);
    char *copy = p ? rowmem_dup0(mem, p, len) : NULL;
    if (!copy) {
        return diag_nomem();
    }
    *(char **)member = copy;
    return 0;
}

static st_err read_bytes(sqlite3_stmt *stmt, int at, struct rowmem *mem, void *member)
{
    size_t len;
    const char *p = bytes_at(stmt, at, &len);
    char *copy = p ? rowmem_dup0(mem, p, len) : NULL;
    if (!copy) {
        return diag_nomem();
    }
    *(st_bytes *)member = (st_bytes){(const uint8_t *)copy, len};
    return 0;
}

static st_err read_uuid(sqlite3_stmt *stmt, int at, st_uuid *ret)
{
    size_t len;
    const char *p = bytes_at(stmt, at, &len);
    if (!p) {
        return diag_nomem();
    }
    if (len == sizeof *ret && sqlite3_column_type(stmt, at) == SQLITE_BLOB) {
        memcpy(ret->b, p, sizeof *ret);
        return 0;
    }
    return uuid_parse(str_n(p, len), ret) ? 0 : ST_E_SCHEMA;
}

static st_err parse_array(sqlite3_stmt *stmt, int at, arena *scratch, const struct json_value **ret)
{
    size_t len;
    const char *p = bytes_at(stmt, at, &len);
    if (!p) {
        return diag_nomem();
    }
    arena_reset(scratch);
    int rc = json_parse(scratch, str_n(p, len), ret, NULL);
    return rc == -ENOMEM ? diag_nomem() : rc || (*ret)->type != JSON_ARRAY ? ST_E_SCHEMA : 0;
}

static st_err read_texts(sqlite3_stmt *stmt, int at, struct rowmem *mem, arena *scratch, void *member)
{
    const struct json_value *list;
    st_err rc = parse_array(stmt, at, scratch, &list);
    if (rc) {
        return rc;
    }
    size_t n = list->array.n;
    const char **v = rowmem_take_aligned(mem, (n ? n : 1) * sizeof *v); /* never NULL: that would be null */
    if (!v) {
        return diag_nomem();
    }
    for (size_t i = 0; i < n; i++) {
        const struct json_value *item = &list->array.items[i];
        if (item->type != JSON_STRING && item->type != JSON_NULL) {
            return ST_E_SCHEMA;
        }
        v[i] = item->type == JSON_NULL ? NULL : rowmem_dup0(mem, item->string.p, item->string.len);
        if (!v[i] && item->type == JSON_STRING) {
            return diag_nomem();
        }
    }
    *(st_texts *)member = (st_texts){v, n};
    return 0;
}

static st_err read_uuids(sqlite3_stmt *stmt, int at, struct rowmem *mem, arena *scratch, void *member)
{
    const struct json_value *list;
    st_err rc = parse_array(stmt, at, scratch, &list);
    if (rc) {
        return rc;
    }
    size_t n = list->array.n;
    st_uuid *v = rowmem_take_aligned(mem, (n ? n : 1) * sizeof *v);
    if (!v) {
        return diag_nomem();
    }
    for (size_t i = 0; i < n; i++) {
        const struct json_value *item = &list->array.items[i];
        if (item->type != JSON_STRING || !uuid_parse(item->string, &v[i])) {
            return ST_E_SCHEMA;
        }
    }
    *(st_uuids *)member = (st_uuids){v, n};
    return 0;
}

static st_err read_enum(sqlite3_stmt *stmt, int at, const struct st_field *f, unsigned *ret)
{
    if (sqlite3_column_type(stmt, at) == SQLITE_INTEGER) {
        int64_t v = sqlite3_column_int64(stmt, at);
        if (v < 0 || v > INT32_MAX || (f->of && v >= f->of->n)) {
            return ST_E_SCHEMA;
        }
        *ret = (unsigned)v;
        return 0;
    }
    size_t len;
    const char *p = bytes_at(stmt, at, &len);
    return !p ? diag_nomem() : f->of && st_enum_find(f->of, p, len, ret) ? 0 : ST_E_SCHEMA;
}

static inline st_err read_integer(sqlite3_stmt *stmt, int at, int type, int64_t min, int64_t max, int64_t *ret)
{
    *ret = sqlite3_column_int64(stmt, at);
    return type == SQLITE_INTEGER && *ret >= min && *ret <= max ? 0 : ST_E_SCHEMA;
}

static inline st_err read_field(sqlite3_stmt *stmt, int at, int type, const struct st_field *f, struct rowmem *mem,
                                arena *scratch, void *member)
{
    int64_t v;
    st_err rc;
    switch (f->type) {
    case ST_BOOL:
        rc = read_integer(stmt, at, type, 0, 1, &v);
        *(bool *)member = v == 1;
        return rc;
    case ST_INT16:
        rc = read_integer(stmt, at, type, INT16_MIN, INT16_MAX, &v);
        *(int16_t *)member = (int16_t)v;
        return rc;
    case ST_INT32:
        rc = read_integer(stmt, at, type, INT32_MIN, INT32_MAX, &v);
        *(int32_t *)member = (int32_t)v;
        return rc;
    case ST_INT64:
    case ST_TIME: /* one int64, too */
        rc = read_integer(stmt, at, type, INT64_MIN, INT64_MAX, &v);
        *(int64_t *)member = v;
        return rc;
    case ST_DOUBLE:
        *(double *)member = sqlite3_column_double(stmt, at);
        return type == SQLITE_FLOAT || type == SQLITE_INTEGER ? 0 : ST_E_SCHEMA;
    case ST_TEXT:
    case ST_JSON: /* one pointer, too */
        return type == SQLITE_BLOB ? ST_E_SCHEMA : read_text(stmt, at, mem, member);
    case ST_BYTES:
        return read_bytes(stmt, at, mem, member);
    case ST_UUID:
        return read_uuid(stmt, at, member);
    case ST_TEXTS:
        return read_texts(stmt, at, mem, scratch, member);
    case ST_UUIDS:
        return read_uuids(stmt, at, mem, scratch, member);
    case ST_ENUM:
        return read_enum(stmt, at, f, member);
    case ST_TYPE_MAX:
        break;
    }
    return ST_E_SCHEMA;
}

st_err sqlite_read_row(sqlite3_stmt *stmt, const struct st_shape *shape, struct rowmem *mem, arena *scratch,
                       void **ret_obj)
{
    assert(shape->n == (size_t)sqlite3_column_count(stmt));
    size_t total = shape->head + shape->size;
    char *obj = rowmem_take_aligned(mem, total);
    if (!obj) {
        return diag_nomem();
    }
    memset(obj, 0, total);
    obj += shape->head;
    for (size_t i = 0; i < shape->n; i++) {
        const struct st_field *f = &shape->fields[i];
        int at = (int)i;
        int type = sqlite3_column_type(stmt, at);
        if (type == SQLITE_NULL) {
            if (!f->nullable) {
                return bad_value(stmt, at, "is null in a row where the model does not allow it", "");
            }
            continue;
        }
        st_err rc = read_field(stmt, at, type, f, mem, scratch, obj + f->offset);
        if (rc) {
            return rc == -ENOMEM ? rc : bad_value(stmt, at, "holds a value that cannot be read as ", st_type_name(f->type));
        }
        if (f->nullable) {
            uint8_t set_at = st_field_set_at(f->type);
            if (set_at) {
                *(obj + f->offset + set_at) = true;
            }
        }
    }
    *ret_obj = obj;
    return 0;
}
