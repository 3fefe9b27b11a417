/* Objects from JSON: what clients may set, each member in its type, and everything that is wrong at once. */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "strata/json.h"
#include "strata/model/fields.h"
#include "strata/model/value.h"

struct reading {
    struct st_faults faults;
    const st_model *m;
    const char *const *fields;
    bool patch;
    unsigned char *obj; /* a copy until all is well */
};

/* ---- values ---- */

static bool wrong(struct reading *r, const st_attr *a, const char *wanted)
{
    return st_fault(&r->faults, a->name, "type", "must be %s", wanted) && false;
}

static bool no_memory(struct reading *r)
{
    r->faults.no_memory = true;
    return false;
}

static bool whole_number(struct reading *r, const st_attr *a, const struct json_value *in, int64_t min, int64_t max,
                         int64_t *ret)
{
    static const double exact = 9007199254740992.0; /* 2^53: up to here each whole number is a double */
    if (in->type == JSON_INT) {
        *ret = in->integer;
    } else if (in->type == JSON_DOUBLE && fabs(in->number) <= exact && floor(in->number) == in->number) {
        *ret = (int64_t)in->number;
    } else {
        return wrong(r, a, "a whole number");
    }
    if (*ret < min || *ret > max) {
        return st_fault(&r->faults, a->name, "range", "must be from %lld to %lld", (long long)min, (long long)max) &&
               false;
    }
    return true;
}

static bool is_text(const struct json_value *in)
{
    return in->type == JSON_STRING && !memchr(in->string.p, 0, in->string.len);
}

static bool read_text(struct reading *r, const st_attr *a, const struct json_value *in, const char **ret)
{
    if (in->type != JSON_STRING) {
        return wrong(r, a, "text");
    }
    if (!is_text(in)) {
        return st_fault(&r->faults, a->name, "encoding", "holds a NUL character") && false;
    }
    *ret = in->string.p;
    return true;
}

static int digit64(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    return c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 section 4, with its padding, no other character and no bit set behind the last byte. */
static bool base64(str s, uint8_t *out, size_t *ret_len)
{
    size_t pad = s.len && s.p[s.len - 1] == '=' ? 1 + (s.p[s.len - 2] == '=') : 0, n = 0; /* a multiple of four */
    uint32_t bits = 0;
    for (size_t i = 0; i < s.len - pad; i++) {
        int d = digit64(s.p[i]);
        if (d < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)d;
        if (i % 4 > 0) {
            out[n++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
        }
    }
    *ret_len = n;
    return pad == 0 || (bits & (pad == 2 ? 0xf : 3)) == 0;
}

static bool read_bytes(struct reading *r, const st_attr *a, const struct json_value *in, st_bytes *ret)
{
    if (in->type != JSON_STRING || in->string.len % 4 != 0) {
        return wrong(r, a, "bytes as base64 text");
    }
    uint8_t *out = arena_alloc(r->faults.a, in->string.len / 4 * 3 + 1);
    if (!out) {
        return no_memory(r);
    }
    *ret = (st_bytes){.p = out};
    return base64(in->string, out, &ret->len) || wrong(r, a, "bytes as base64 text");
}

static bool read_json(struct reading *r, const st_attr *a, const struct json_value *in, const char **ret)
{
    BUF_AUTO buf b;
    struct json_writer w;
    buf_init(&b, JSON_SIZE_MAX);
    json_start(&w, &b);
    json_write_value(&w, in);
    if (b.err == -E2BIG) {
        return st_fault(&r->faults, a->name, "too_long", "is longer than 64 MiB") && false;
    }
    *ret = b.err ? NULL : arena_memdup0(r->faults.a, b.p, b.len);
    return *ret || no_memory(r);
}

static bool read_texts(struct reading *r, const st_attr *a, const struct json_value *in, st_texts *ret)
{
    if (in->type != JSON_ARRAY) {
        return wrong(r, a, "an array of text");
    }
    const char **v = ARENA_ARRAY(r->faults.a, const char *, in->array.n + 1); /* no items are not null */
    if (!v) {
        return no_memory(r);
    }
    for (size_t i = 0; i < in->array.n; i++) {
        if (!is_text(&in->array.items[i])) {
            return st_fault(&r->faults, a->name, "type", "must be an array of text; item %zu is not", i + 1) && false;
        }
        v[i] = in->array.items[i].string.p;
    }
    *ret = (st_texts){v, in->array.n};
    return true;
}

static bool read_uuids(struct reading *r, const st_attr *a, const struct json_value *in, st_uuids *ret)
{
    if (in->type != JSON_ARRAY) {
        return wrong(r, a, "an array of UUIDs");
    }
    st_uuid *v = ARENA_ARRAY(r->faults.a, st_uuid, in->array.n + 1);
    if (!v) {
        return no_memory(r);
    }
    for (size_t i = 0; i < in->array.n; i++) {
        const struct json_value *item = &in->array.items[i];
        if (item->type != JSON_STRING || !uuid_parse(item->string, &v[i])) {
            return st_fault(&r->faults, a->name, "type", "must be an array of UUIDs; item %zu is not", i + 1) && false;
        }
    }
    *ret = (st_uuids){v, in->array.n};
    return true;
}

static bool read_enum(struct reading *r, const st_attr *a, const struct json_value *in, unsigned *ret)
{
    const struct st_enum *e = a->enumeration;
    for (unsigned i = 0; in->type == JSON_STRING && i < e->n; i++) {
        if (str_eq(in->string, str_of(e->values[i]))) {
            *ret = i;
            return true;
        }
    }
    BUF_AUTO buf names;
    buf_init(&names, 200);
    for (unsigned i = 0; i < e->n; i++) {
        (void)buf_printf(&names, "%s%s", i ? ", " : "", e->values[i]);
    }
    if (names.err == -ENOMEM) {
        return no_memory(r);
    }
    return st_fault(&r->faults, a->name, in->type == JSON_STRING ? "enum" : "type", "must be one of %s%s",
                    names.len ? names.p : "its names", names.err ? ", ..." : "") &&
           false;
}

/* A value that is not null, in the member's type. False: the fault was noted. */
static bool read_value(struct reading *r, const st_attr *a, const struct json_value *in, st_value *ret)
{
    int64_t n = 0;
    *ret = (st_value){.type = st_attr_type(a)};
    switch (ret->type) {
    case ST_BOOL:
        ret->b = in->type == JSON_BOOL && in->boolean;
        return in->type == JSON_BOOL || wrong(r, a, "true or false");
    case ST_INT16:
        if (whole_number(r, a, in, INT16_MIN, INT16_MAX, &n)) {
            ret->i16 = (int16_t)n;
            return true;
        }
        return false;
    case ST_INT32:
        if (whole_number(r, a, in, INT32_MIN, INT32_MAX, &n)) {
            ret->i32 = (int32_t)n;
            return true;
        }
        return false;
    case ST_INT64:
        return whole_number(r, a, in, INT64_MIN, INT64_MAX, &ret->i64);
    case ST_DOUBLE:
        ret->d = in->type == JSON_INT ? (double)in->integer : in->type == JSON_DOUBLE ? in->number : 0;
        return in->type == JSON_INT || in->type == JSON_DOUBLE || wrong(r, a, "a number");
    case ST_TEXT:
        if (!read_text(r, a, in, &ret->text.p)) {
            return false;
        }
        ret->text.len = in->string.len;
        return true;
    case ST_JSON:
        return read_json(r, a, in, &ret->text.p);
    case ST_UUID:
        return (in->type == JSON_STRING && uuid_parse(in->string, &ret->uuid)) || wrong(r, a, "a UUID");
    case ST_TIME:
        return (in->type == JSON_STRING && clock_parse_rfc3339(in->string, &ret->time.us)) ||
               wrong(r, a, "a time like 2026-11-22T17:20:00Z");
    case ST_BYTES:
        return read_bytes(r, a, in, &ret->bytes);
    case ST_TEXTS:
        return read_texts(r, a, in, &ret->texts);
    case ST_UUIDS:
        return read_uuids(r, a, in, &ret->uuids);
    case ST_ENUM:
        return read_enum(r, a, in, &ret->e.v);
    case ST_TYPE_MAX:
        break;
    }
    assert(0);
    return false;
}

/* ---- members ---- */

/* The session gives it: the only part of the key beside the tenant, a uuid. */
static bool is_given_key(const st_model *m, const st_attr *a)
{
    size_t parts = 0;
    for (size_t i = 0; i < m->n_attrs; i++) {
        parts += m->attrs[i].kind == ST_A_COLUMN && m->attrs[i].pk && !m->attrs[i].tenant;
    }
    return parts == 1 && st_attr_type(a) == ST_UUID;
}

static bool may_set(const struct reading *r, const st_attr *a)
{
    if (a->read_only || a->hidden || a->tenant || a->version || a->created || a->updated) {
        return false;
    }
    if (a->pk && (r->patch || is_given_key(r->m, a))) {
        return false;
    }
    const char *const *f = r->fields;
    while (f && *f && strcmp(*f, a->name) != 0) {
        f++;
    }
    return !f || *f;
}

static void read_member(struct reading *r, const st_attr *a, const struct json_value *in)
{
    st_value v = {.null = true};
    if (in->type == JSON_NULL) {
        if (!st_attr_nullable(a)) {
            (void)st_fault(&r->faults, a->name, "null", "may not be null");
            return;
        }
    } else if (!read_value(r, a, in, &v)) {
        return;
    }
    st_value_put(a, r->obj, &v);
    (void)st_fault_attr(&r->faults, a, r->obj);
}

/* Members that are not there, are hidden, or may not be set; the first few of them are enough. */
static void refuse_others(struct reading *r, const struct json_value *in)
{
    for (size_t i = 0; i < in->object.n; i++) {
        const struct json_member *member = &in->object.members[i];
        const st_attr *a = st_model_attr(r->m, member->key.p); /* the reader takes no NUL in a key */
        bool known = a && a->kind == ST_A_COLUMN && !a->hidden;
        if (known && may_set(r, a)) {
            continue;
        }
        if (!st_fault(&r->faults, member->key.p, known ? "read_only" : "unknown",
                      known ? "cannot be set" : "is not known")) {
            return;
        }
    }
}

/* What the database would put there, of the forms that are plain values. */
static bool put_default(struct reading *r, const st_attr *a)
{
    const char *sql = a->default_sql ? a->default_sql : "";
    enum st_type type = st_attr_type(a);
    struct json_value in = {.type = JSON_NULL};
    size_t len = strlen(sql);
    char *end;
    if (strcmp(sql, "now()") == 0 && type == ST_TIME) {
        st_value now = {.type = ST_TIME, .time = {clock_wall_us()}};
        st_value_put(a, r->obj, &now);
        return true;
    }
    if (len >= 2 && sql[0] == '\'' && !memchr(sql + 1, '\'', len - 2) && (type == ST_TEXT || type == ST_ENUM)) {
        char *text = arena_memdup0(r->faults.a, sql + 1, len - 2);
        if (!text) {
            return no_memory(r);
        }
        in = (struct json_value){.type = JSON_STRING, .string = str_n(text, len - 2)};
    } else if (strcmp(sql, "true") == 0 || strcmp(sql, "false") == 0) {
        in = (struct json_value){.type = JSON_BOOL, .boolean = sql[0] == 't'};
    } else if (len && type == ST_DOUBLE) {
        in = (struct json_value){.type = JSON_DOUBLE, .number = strtod(sql, &end)};
        in.type = *end ? JSON_NULL : JSON_DOUBLE;
    } else if (len && type != ST_TEXT) {
        errno = 0;
        in = (struct json_value){.type = JSON_INT, .integer = strtoll(sql, &end, 10)};
        in.type = *end || errno ? JSON_NULL : JSON_INT;
        if (in.type == JSON_INT && type == ST_ENUM && in.integer >= 0 && in.integer < a->enumeration->n) {
            in = (struct json_value){.type = JSON_STRING, .string = str_of(a->enumeration->values[in.integer])};
        }
    }
    if (in.type == JSON_NULL) {
        return false;
    }
    read_member(r, a, &in);
    return true;
}

/* Of a new object. An array that is not given is empty. */
static void read_absent(struct reading *r, const st_attr *a)
{
    enum st_type type = st_attr_type(a);
    if (a->client_value) {
        memcpy(r->obj + a->offset, a->client_value, a->size);
        return;
    }
    if (a->client_default || put_default(r, a) || st_attr_nullable(a) || type == ST_TEXTS || type == ST_UUIDS) {
        return;
    }
    (void)st_fault(&r->faults, a->name, "required", "is missing");
}

static void read_object(struct reading *r, const struct json_value *in)
{
    bool flood = in->object.n > r->m->n_attrs + ST_FIELD_ERRORS_MAX; /* looking each up would cost as many looks */
    for (size_t i = 0; i < r->m->n_attrs && !flood; i++) {
        const st_attr *a = &r->m->attrs[i];
        if (a->kind != ST_A_COLUMN || !may_set(r, a)) {
            continue;
        }
        const struct json_value *member = json_get(in, a->name);
        if (member) {
            read_member(r, a, member);
        } else if (!r->patch) {
            read_absent(r, a);
        }
    }
    refuse_others(r, in);
}

st_err st_from_json_(arena *a, const st_model *m, const struct json_value *in, enum st_json_mode mode,
                     const char *const *fields, void *obj, struct st_field_errors *ret)
{
    assert(a && m && in && obj && (mode == ST_JSON_CREATE || mode == ST_JSON_PATCH));
    struct reading r = {.faults = {.a = a, .m = m}, .m = m, .fields = fields, .patch = mode == ST_JSON_PATCH};
    r.obj = arena_alloc(a, m->size);
    if (!r.obj) {
        return diag_nomem();
    }
    memcpy(r.obj, obj, m->size);
    if (in->type == JSON_OBJECT) {
        read_object(&r, in);
    } else {
        (void)st_fault(&r.faults, "", "type", "must be a JSON object");
    }
    st_err rc = st_faults_end(&r.faults, ret);
    for (size_t i = 0; i < m->n_attrs && !rc; i++) {
        const st_attr *c = &m->attrs[i];
        if (c->kind == ST_A_COLUMN && may_set(&r, c)) {
            memcpy((char *)obj + c->offset, r.obj + c->offset, c->size);
        }
    }
    return rc;
}
