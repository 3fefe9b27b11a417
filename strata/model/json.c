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

/* What a selection says of a name: the whole of it, or by "name.rest" parts of it. */
struct selected {
    bool whole, parts;
};

static struct selected selects(const char *const *fields, const char *prefix, size_t prefix_len, const char *name)
{
    struct selected ret = {false, false};
    size_t len = strlen(name);
    for (; fields && *fields; fields++) {
        if (strncmp(*fields, prefix, prefix_len) != 0 || strncmp(*fields + prefix_len, name, len) != 0) {
            continue;
        }
        ret.whole |= (*fields)[prefix_len + len] == '\0';
        ret.parts |= (*fields)[prefix_len + len] == '.';
    }
    return ret;
}

/* An object within another one: the selection's names behind prefix ("jobs.files."), or all columns. */
struct selection {
    const char *const *fields; /* NULL: all columns */
    char prefix[256];
    size_t len;
    unsigned depth;
};
enum { JSON_RELATIONS_MAX = 8 };

static void write_object(struct json_writer *w, const st_model *m, const void *obj, const struct selection *of);

static void write_relation(struct json_writer *w, const st_attr *a, const void *obj, const struct selection *of)
{
    if (a->kind == ST_A_MANY) {
        const st_list *list = (const void *)((const char *)obj + a->offset);
        json_array(w);
        for (size_t i = 0; i < list->n; i++) {
            write_object(w, a->target, list->items[i], of);
        }
        json_end(w);
        return;
    }
    const st_ref *ref = (const void *)((const char *)obj + a->offset);
    if (ref->item) {
        write_object(w, a->target, ref->item, of);
    } else {
        json_null(w);
    }
}

static bool is_loaded(const st_attr *a, const void *obj)
{
    const char *at = (const char *)obj + a->offset;
    return a->kind == ST_A_MANY ? ((const st_list *)(const void *)at)->loaded
                                : ((const st_ref *)(const void *)at)->loaded;
}

/* A relation that the selection names, when it is loaded. Depth is bounded by the names, and by JSON_RELATIONS_MAX. */
static void write_selected(struct json_writer *w, const st_attr *a, const void *obj, const struct selection *of)
{
    struct selected named = selects(of->fields, of->prefix, of->len, a->name);
    size_t len = strlen(a->name);
    if (!(named.whole || named.parts) || !is_loaded(a, obj) || of->depth == JSON_RELATIONS_MAX ||
        of->len + len + 1 >= sizeof of->prefix) {
        return;
    }
    struct selection inner = {.fields = named.parts ? of->fields : NULL, .depth = of->depth + 1};
    memcpy(inner.prefix, of->prefix, of->len);
    memcpy(inner.prefix + of->len, a->name, len);
    inner.prefix[of->len + len] = '.';
    inner.len = of->len + len + 1;
    json_key(w, a->name);
    write_relation(w, a, obj, &inner);
}

static void write_object(struct json_writer *w, const st_model *m, const void *obj, const struct selection *of)
{
    json_object(w);
    for (size_t i = 0; i < m->n_attrs; i++) {
        const st_attr *a = &m->attrs[i];
        if (a->kind == ST_A_COLUMN && !a->hidden &&
            (!of->fields || selects(of->fields, of->prefix, of->len, a->name).whole)) {
            json_key(w, a->name);
            write_value(w, a, obj);
        } else if ((a->kind == ST_A_MANY || a->kind == ST_A_ONE) && of->fields) {
            write_selected(w, a, obj, of);
        }
    }
    json_end(w);
}

void st_to_json(struct json_writer *w, const st_model *m, const void *obj, const char *const *fields)
{
    assert(w && m && obj);
    const struct selection all = {.fields = fields};
    write_object(w, m, obj, &all);
}
