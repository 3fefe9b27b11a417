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
static const char *bytes_of(sqlite3_value *v, size_t *ret_len)
{
    bool blob = sqlite3_value_type(v) == SQLITE_BLOB;
    const void *p = blob ? sqlite3_value_blob(v) : (const void *)sqlite3_value_text(v);
    *ret_len = (size_t)sqlite3_value_bytes(v);
    return p ? p : blob && *ret_len == 0 ? "" : NULL; /* an empty blob is NULL */
}

static st_err read_text(sqlite3_value *v, struct rowmem *mem, void *member)
{
    size_t len;
    const char *p = bytes_of(v, &len);
    char *copy = p ? rowmem_dup0(mem, p, len) : NULL;
    if (!copy) {
        return diag_nomem();
    }
    *(char **)member = copy;
    return 0;
}

static st_err read_bytes(sqlite3_value *v, struct rowmem *mem, void *member)
{
    size_t len;
    const char *p = bytes_of(v, &len);
    char *copy = p ? rowmem_dup0(mem, p, len) : NULL;
    if (!copy) {
        return diag_nomem();
    }
    *(st_bytes *)member = (st_bytes){(const uint8_t *)copy, len};
    return 0;
}

static st_err read_uuid(sqlite3_value *v, st_uuid *ret)
{
    size_t len;
    const char *p = bytes_of(v, &len);
    if (!p) {
        return diag_nomem();
    }
    if (len == sizeof *ret && sqlite3_value_type(v) == SQLITE_BLOB) {
        memcpy(ret->b, p, sizeof *ret);
        return 0;
    }
    return uuid_parse(str_n(p, len), ret) ? 0 : ST_E_SCHEMA;
}

static st_err parse_array(sqlite3_value *v, arena *scratch, const struct json_value **ret)
{
    size_t len;
    const char *p = bytes_of(v, &len);
    if (!p) {
        return diag_nomem();
    }
    arena_reset(scratch);
    int rc = json_parse(scratch, str_n(p, len), ret, NULL);
    return rc == -ENOMEM ? diag_nomem() : rc || (*ret)->type != JSON_ARRAY ? ST_E_SCHEMA : 0;
}

static st_err read_texts(sqlite3_value *v, struct rowmem *mem, arena *scratch, void *member)
{
    const struct json_value *list;
    st_err rc = parse_array(v, scratch, &list);
    if (rc) {
        return rc;
    }
    size_t n = list->array.n;
    const char **out = rowmem_take_aligned(mem, (n ? n : 1) * sizeof *out); /* never NULL: that would be null */
    if (!out) {
        return diag_nomem();
    }
    for (size_t i = 0; i < n; i++) {
        const struct json_value *item = &list->array.items[i];
        if (item->type != JSON_STRING && item->type != JSON_NULL) {
            return ST_E_SCHEMA;
        }
        out[i] = item->type == JSON_NULL ? NULL : rowmem_dup0(mem, item->string.p, item->string.len);
        if (!out[i] && item->type == JSON_STRING) {
            return diag_nomem();
        }
    }
    *(st_texts *)member = (st_texts){out, n};
    return 0;
}

static st_err read_uuids(sqlite3_value *v, struct rowmem *mem, arena *scratch, void *member)
{
    const struct json_value *list;
    st_err rc = parse_array(v, scratch, &list);
    if (rc) {
        return rc;
    }
    size_t n = list->array.n;
    st_uuid *out = rowmem_take_aligned(mem, (n ? n : 1) * sizeof *out);
    if (!out) {
        return diag_nomem();
    }
    for (size_t i = 0; i < n; i++) {
        const struct json_value *item = &list->array.items[i];
        if (item->type != JSON_STRING || !uuid_parse(item->string, &out[i])) {
            return ST_E_SCHEMA;
        }
    }
    *(st_uuids *)member = (st_uuids){out, n};
    return 0;
}

static st_err read_enum(sqlite3_value *v, const struct st_field *f, unsigned *ret)
{
    if (sqlite3_value_type(v) == SQLITE_INTEGER) {
        int64_t n = sqlite3_value_int64(v);
        if (n < 0 || n > INT32_MAX || (f->of && n >= f->of->n)) {
            return ST_E_SCHEMA;
        }
        *ret = (unsigned)n;
        return 0;
    }
    size_t len;
    const char *p = bytes_of(v, &len);
    return !p ? diag_nomem() : f->of && st_enum_find(f->of, p, len, ret) ? 0 : ST_E_SCHEMA;
}

static inline st_err read_integer(sqlite3_value *v, int type, int64_t min, int64_t max, int64_t *ret)
{
    *ret = sqlite3_value_int64(v);
    return type == SQLITE_INTEGER && *ret >= min && *ret <= max ? 0 : ST_E_SCHEMA;
}

static inline st_err read_field(sqlite3_value *v, int type, const struct st_field *f, struct rowmem *mem,
                                arena *scratch, void *member)
{
    int64_t n;
    st_err rc;
    switch (f->type) {
    case ST_BOOL:
        rc = read_integer(v, type, 0, 1, &n);
        *(bool *)member = n == 1;
        return rc;
    case ST_INT16:
        rc = read_integer(v, type, INT16_MIN, INT16_MAX, &n);
        *(int16_t *)member = (int16_t)n;
        return rc;
    case ST_INT32:
        rc = read_integer(v, type, INT32_MIN, INT32_MAX, &n);
        *(int32_t *)member = (int32_t)n;
        return rc;
    case ST_INT64:
    case ST_TIME: /* one int64, too */
        rc = read_integer(v, type, INT64_MIN, INT64_MAX, &n);
        *(int64_t *)member = n;
        return rc;
    case ST_DOUBLE:
        *(double *)member = sqlite3_value_double(v);
        return type == SQLITE_FLOAT || type == SQLITE_INTEGER ? 0 : ST_E_SCHEMA;
    case ST_TEXT:
    case ST_JSON: /* one pointer, too */
        return type == SQLITE_BLOB ? ST_E_SCHEMA : read_text(v, mem, member);
    case ST_BYTES:
        return read_bytes(v, mem, member);
    case ST_UUID:
        return read_uuid(v, member);
    case ST_TEXTS:
        return read_texts(v, mem, scratch, member);
    case ST_UUIDS:
        return read_uuids(v, mem, scratch, member);
    case ST_ENUM:
        return read_enum(v, f, member);
    case ST_TYPE_MAX:
        break;
    }
    return ST_E_SCHEMA;
}

/* What most columns are, without a call that this type does not need. The value's own functions do less than those of
 * the column; one thread has the connection. False: read_field says how to read it, or what is wrong. */
static inline bool read_plain(sqlite3_value *v, int type, enum st_type as, struct rowmem *mem, void *member)
{
    if (type == SQLITE_INTEGER) {
        int64_t n = sqlite3_value_int64(v);
        if (as == ST_INT64 || as == ST_TIME) { /* one int64, too */
            *(int64_t *)member = n;
            return true;
        }
        if (as == ST_INT32) {
            *(int32_t *)member = (int32_t)n;
            return n == (int32_t)n;
        }
    } else if (type == SQLITE_TEXT && (as == ST_TEXT || as == ST_JSON)) { /* one pointer, too */
        const unsigned char *text = sqlite3_value_text(v);
        char *copy = text ? rowmem_dup0(mem, text, (size_t)sqlite3_value_bytes(v)) : NULL;
        *(char **)member = copy;
        return copy != NULL;
    } else if (type == SQLITE_BLOB && as == ST_UUID) {
        const void *blob = sqlite3_value_blob(v);
        if (blob && sqlite3_value_bytes(v) == (int)sizeof(st_uuid)) {
            memcpy(member, blob, sizeof(st_uuid));
            return true;
        }
    } else if (type == SQLITE_FLOAT && as == ST_DOUBLE) {
        *(double *)member = sqlite3_value_double(v);
        return true;
    }
    return false;
}

static st_err read_other(sqlite3_stmt *stmt, int at, sqlite3_value *v, const struct st_field *f, struct rowmem *mem,
                         arena *scratch, void *member)
{
    int type = sqlite3_value_type(v);
    if (type == SQLITE_NULL) {
        return f->nullable ? 1 : bad_value(stmt, at, "is null in a row where the model does not allow it", "");
    }
    st_err rc = read_field(v, type, f, mem, scratch, member);
    return !rc || rc == -ENOMEM ? rc
                                : bad_value(stmt, at, "holds a value that cannot be read as ", st_type_name(f->type));
}

st_err sqlite_read_row(sqlite3_stmt *stmt, int first, const struct st_shape *shape, struct rowmem *mem, arena *scratch,
                       void **ret_obj)
{
    if (shape->may_be_absent && sqlite3_column_type(stmt, first + (int)shape->sure) == SQLITE_NULL) {
        *ret_obj = NULL;
        return 0;
    }
    size_t total = shape->head + shape->size;
    char *obj = rowmem_take_aligned(mem, total);
    if (!obj) {
        return diag_nomem();
    }
    memset(obj, 0, total);
    obj += shape->head;
    for (size_t i = 0; i < shape->n; i++) {
        const struct st_field *f = &shape->fields[i];
        char *member = obj + f->offset;
        int at = first + (int)i;
        sqlite3_value *v = sqlite3_column_value(stmt, at);
        if (!read_plain(v, sqlite3_value_type(v), f->type, mem, member)) {
            st_err rc = read_other(stmt, at, v, f, mem, scratch, member);
            if (rc < 0) {
                return rc;
            }
            if (rc) {
                continue;
            }
        }
        if (f->nullable) {
            uint8_t set_at = st_field_set_at(f->type);
            if (set_at) {
                member[set_at] = true;
            }
        }
    }
    *ret_obj = obj;
    return 0;
}
