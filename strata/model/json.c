#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "strata/json.h"
#include "strata/model/value.h"

static void write_uuid(struct json_writer *w, st_uuid u)
{
    char text[UUID_TEXT_LEN + 1];
    uuid_format(u, text);
    json_string(w, str_n(text, UUID_TEXT_LEN));
}

/* RFC 4648 section 4, straight into the writer's buffer: no digit needs an escape. */
static void write_base64(struct json_writer *w, st_bytes b)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    json_raw(w, STR("\""));
    for (size_t i = 0; i < b.len; i += 3) {
        size_t n = b.len - i < 3 ? b.len - i : 3;
        uint32_t x = (uint32_t)b.p[i] << 16 | (n > 1 ? (uint32_t)b.p[i + 1] << 8 : 0) | (n > 2 ? b.p[i + 2] : 0u);
        const char out[4] = {digits[x >> 18], digits[x >> 12 & 63], n > 1 ? digits[x >> 6 & 63] : '=',
                             n > 2 ? digits[x & 63] : '='};
        (void)buf_put(w->out, out, sizeof out);
    }
    (void)buf_put_char(w->out, '"');
}

static void write_value(struct json_writer *w, const st_attr *a, const void *obj)
{
    st_value v = st_value_get(a, obj);
    if (v.null) {
        json_null(w);
        return;
    }
    switch (v.type) {
    case ST_BOOL:
        json_bool(w, v.b);
        break;
    case ST_INT16:
        json_int(w, v.i16);
        break;
    case ST_INT32:
        json_int(w, v.i32);
        break;
    case ST_INT64:
        json_int(w, v.i64);
        break;
    case ST_DOUBLE:
        json_double(w, v.d);
        break;
    case ST_TEXT:
        json_string(w, str_n(v.text.p, v.text.len));
        break;
    case ST_JSON:
        json_raw(w, str_n(v.text.p, v.text.len));
        break;
    case ST_UUID:
        write_uuid(w, v.uuid);
        break;
    case ST_TIME: {
        char text[CLOCK_TEXT_MAX];
        int n = clock_format_rfc3339(v.time.us, text);
        json_string(w, str_n(text, (size_t)n));
        break;
    }
    case ST_BYTES:
        write_base64(w, v.bytes);
        break;
    case ST_TEXTS:
        json_array(w);
        for (size_t i = 0; i < v.texts.n; i++) {
            json_cstring(w, v.texts.v[i]);
        }
        json_end(w);
        break;
    case ST_UUIDS:
        json_array(w);
        for (size_t i = 0; i < v.uuids.n; i++) {
            write_uuid(w, v.uuids.v[i]);
        }
        json_end(w);
        break;
    case ST_ENUM:
        if (v.e.v < a->enumeration->n) {
            json_cstring(w, a->enumeration->values[v.e.v]);
        } else {
            json_null(w);
        }
        break;
    case ST_TYPE_MAX:
        assert(0);
    }
}

static bool is_selected(const char *name, const char *const *fields)
{
    if (!fields) {
        return true;
    }
    for (; *fields; fields++) {
        if (strcmp(*fields, name) == 0) {
            return true;
        }
    }
    return false;
}

void st_to_json(struct json_writer *w, const st_model *m, const void *obj, const char *const *fields)
{
    assert(w && m && obj);
    json_object(w);
    for (size_t i = 0; i < m->n_attrs; i++) {
        const st_attr *a = &m->attrs[i];
        if (a->kind == ST_A_COLUMN && !a->hidden && is_selected(a->name, fields)) {
            json_key(w, a->name);
            write_value(w, a, obj);
        }
    }
    json_end(w);
}
