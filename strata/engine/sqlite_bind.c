#include <assert.h>

#include "base/json.h"
#include "strata/engine/field.h"
#include "strata/engine/sqlite.h"

enum { ARRAY_TEXT_MAX = 256 << 20 };

static int bind_array(sqlite3_stmt *stmt, arena *a, int at, const st_value *v, st_err *ret_err)
{
    BUF_AUTO buf text;
    buf_init(&text, ARRAY_TEXT_MAX);
    struct json_writer w;
    json_start(&w, &text);
    json_array(&w);
    if (v->type == ST_TEXTS) {
        for (size_t i = 0; i < v->texts.n; i++) {
            json_cstring(&w, v->texts.v[i]);
        }
    } else {
        for (size_t i = 0; i < v->uuids.n; i++) {
            char spelled[UUID_TEXT_LEN + 1];
            uuid_format(v->uuids.v[i], spelled);
            json_cstring(&w, spelled);
        }
    }
    json_end(&w);
    char *copy = text.err ? NULL : arena_memdup0(a, text.p, text.len);
    if (!copy) {
        *ret_err = text.err == -E2BIG ? diag_set(ST_E_INVALID, "an array is longer than %d bytes", ARRAY_TEXT_MAX)
                                      : diag_nomem();
        return SQLITE_OK;
    }
    return sqlite3_bind_text64(stmt, at, copy, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

static int bind_enum(sqlite3_stmt *stmt, int at, const st_value *v, st_err *ret_err)
{
    if (!v->e.of) {
        return sqlite3_bind_int64(stmt, at, v->e.v);
    }
    if (v->e.v >= v->e.of->n) {
        *ret_err =
            diag_set(ST_E_INVALID, "%u is not a value of the enum %s (0 to %u)", v->e.v, v->e.of->name, v->e.of->n - 1);
        return SQLITE_OK;
    }
    return sqlite3_bind_text(stmt, at, v->e.of->values[v->e.v], -1, SQLITE_STATIC);
}

st_err sqlite_bind_one(sqlite3_stmt *stmt, arena *a, int at, const st_value *v)
{
    st_err err = 0;
    int rc = SQLITE_OK;
    if (v->null) {
        rc = sqlite3_bind_null(stmt, at);
        return rc ? sqlite_error(sqlite3_db_handle(stmt), rc, NULL) : 0;
    }
    switch (v->type) {
    case ST_BOOL:
        rc = sqlite3_bind_int(stmt, at, v->b);
        break;
    case ST_INT16:
        rc = sqlite3_bind_int(stmt, at, v->i16);
        break;
    case ST_INT32:
        rc = sqlite3_bind_int(stmt, at, v->i32);
        break;
    case ST_INT64:
        rc = sqlite3_bind_int64(stmt, at, v->i64);
        break;
    case ST_DOUBLE:
        rc = sqlite3_bind_double(stmt, at, v->d);
        break;
    case ST_TIME:
        rc = sqlite3_bind_int64(stmt, at, v->time.us);
        break;
    case ST_TEXT:
    case ST_JSON:
        rc = sqlite3_bind_text64(stmt, at, v->text.p ? v->text.p : "", v->text.len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case ST_BYTES: /* a NULL pointer would bind null */
        rc = sqlite3_bind_blob64(stmt, at, v->bytes.p ? (const void *)v->bytes.p : "", v->bytes.len, SQLITE_STATIC);
        break;
    case ST_UUID:
        rc = sqlite3_bind_blob(stmt, at, v->uuid.b, sizeof v->uuid.b, SQLITE_STATIC);
        break;
    case ST_TEXTS:
    case ST_UUIDS:
        rc = bind_array(stmt, a, at, v, &err);
        break;
    case ST_ENUM:
        rc = bind_enum(stmt, at, v, &err);
        break;
    case ST_TYPE_MAX:
        return diag_set(ST_E_INVALID, "parameter %d has no type", at);
    }
    return err ? err : rc ? sqlite_error(sqlite3_db_handle(stmt), rc, NULL) : 0;
}

/* The common types without the way through st_value: this runs for each member of each row of a bulk. */
st_err sqlite_bind_field(sqlite3_stmt *stmt, arena *a, int at, const struct st_field *f, const void *obj)
{
    const void *member = (const char *)obj + f->offset;
    uint8_t set_at = f->nullable ? st_field_set_at(f->type) : 0;
    if (set_at && !*((const bool *)member + set_at)) {
        int rc = sqlite3_bind_null(stmt, at);
        return rc ? sqlite_error(sqlite3_db_handle(stmt), rc, NULL) : 0;
    }
    st_value v;
    int rc;
    switch (f->type) {
    case ST_BOOL:
        rc = sqlite3_bind_int64(stmt, at, *(const bool *)member);
        break;
    case ST_INT16:
        rc = sqlite3_bind_int64(stmt, at, *(const int16_t *)member);
        break;
    case ST_INT32:
        rc = sqlite3_bind_int64(stmt, at, *(const int32_t *)member);
        break;
    case ST_INT64:
    case ST_TIME: /* one int64, too */
        rc = sqlite3_bind_int64(stmt, at, *(const int64_t *)member);
        break;
    case ST_DOUBLE:
        rc = sqlite3_bind_double(stmt, at, *(const double *)member);
        break;
    case ST_UUID: /* in the struct, which outlives the step */
        rc = sqlite3_bind_blob(stmt, at, member, sizeof(st_uuid), SQLITE_STATIC);
        break;
    case ST_TEXT:
    case ST_JSON: /* one pointer, too; NULL binds null */
        rc = sqlite3_bind_text(stmt, at, *(const char *const *)member, -1, SQLITE_STATIC);
        break;
    case ST_BYTES:
    case ST_TEXTS:
    case ST_UUIDS:
    case ST_ENUM:
    case ST_TYPE_MAX:
    default:
        st_field_get(f, obj, &v);
        return sqlite_bind_one(stmt, a, at, &v);
    }
    return rc ? sqlite_error(sqlite3_db_handle(stmt), rc, NULL) : 0;
}

st_err sqlite_bind(sqlite3_stmt *stmt, arena *a, const st_value *values, size_t n)
{
    int wanted = sqlite3_bind_parameter_count(stmt);
    assert(wanted >= 0);
    if ((size_t)wanted != n) {
        return diag_set(ST_E_INVALID, "the statement has %d placeholders, but %zu values are given", wanted, n);
    }
    for (size_t i = 0; i < n; i++) {
        st_err rc = sqlite_bind_one(stmt, a, (int)i + 1, &values[i]);
        if (rc) {
            return rc;
        }
    }
    return 0;
}
