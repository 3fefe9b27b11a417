/* One value from JSON, in the C type of its member. */
#include "strata/model/json_value.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"

static bool wrong(struct st_faults *f, const st_attr *a, const char *wanted)
{
    return st_fault(f, a->name, "type", "must be %s", wanted) && false;
}

static bool no_memory(struct st_faults *f)
{
    f->no_memory = true;
    return false;
}

static bool whole_number(struct st_faults *f, const st_attr *a, const struct json_value *in, int64_t min, int64_t max,
                         int64_t *ret)
{
    static const double exact = 9007199254740992.0; /* 2^53: up to here each whole number is a double */
    if (in->type == JSON_INT) {
        *ret = in->integer;
    } else if (in->type == JSON_DOUBLE && fabs(in->number) <= exact && floor(in->number) == in->number) {
        *ret = (int64_t)in->number;
    } else {
        return wrong(f, a, "a whole number");
    }
    if (*ret < min || *ret > max) {
        return st_fault(f, a->name, "range", "must be from %lld to %lld", (long long)min, (long long)max) && false;
    }
    return true;
}

static bool is_text(const struct json_value *in)
{
    return in->type == JSON_STRING && !memchr(in->string.p, 0, in->string.len);
}

static bool read_text(struct st_faults *f, const st_attr *a, const struct json_value *in, const char **ret)
{
    if (in->type != JSON_STRING) {
        return wrong(f, a, "text");
    }
    if (!is_text(in)) {
        return st_fault(f, a->name, "encoding", "holds a NUL character") && false;
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

static bool read_bytes(struct st_faults *f, const st_attr *a, const struct json_value *in, st_bytes *ret)
{
    if (in->type != JSON_STRING || in->string.len % 4 != 0) {
        return wrong(f, a, "bytes as base64 text");
    }
    uint8_t *out = arena_alloc(f->a, in->string.len / 4 * 3 + 1);
    if (!out) {
        return no_memory(f);
    }
    *ret = (st_bytes){.p = out};
    return base64(in->string, out, &ret->len) || wrong(f, a, "bytes as base64 text");
}

static bool read_json(struct st_faults *f, const st_attr *a, const struct json_value *in, const char **ret)
{
    BUF_AUTO buf b;
    struct json_writer w;
    buf_init(&b, JSON_SIZE_MAX);
    json_start(&w, &b);
    json_write_value(&w, in);
    if (b.err == -E2BIG) {
        return st_fault(f, a->name, "too_long", "is longer than 64 MiB") && false;
    }
    *ret = b.err ? NULL : arena_memdup0(f->a, b.p, b.len);
    return *ret || no_memory(f);
}

static bool read_texts(struct st_faults *f, const st_attr *a, const struct json_value *in, st_texts *ret)
{
    if (in->type != JSON_ARRAY) {
        return wrong(f, a, "an array of text");
    }
    const char **v = ARENA_ARRAY(f->a, const char *, in->array.n + 1); /* no items are not null */
    if (!v) {
        return no_memory(f);
    }
    for (size_t i = 0; i < in->array.n; i++) {
        if (!is_text(&in->array.items[i])) {
            return st_fault(f, a->name, "type", "must be an array of text; item %zu is not", i + 1) && false;
        }
        v[i] = in->array.items[i].string.p;
    }
    *ret = (st_texts){v, in->array.n};
    return true;
}

static bool read_uuids(struct st_faults *f, const st_attr *a, const struct json_value *in, st_uuids *ret)
{
    if (in->type != JSON_ARRAY) {
        return wrong(f, a, "an array of UUIDs");
    }
    st_uuid *v = ARENA_ARRAY(f->a, st_uuid, in->array.n + 1);
    if (!v) {
        return no_memory(f);
    }
    for (size_t i = 0; i < in->array.n; i++) {
        const struct json_value *item = &in->array.items[i];
        if (item->type != JSON_STRING || !uuid_parse(item->string, &v[i])) {
            return st_fault(f, a->name, "type", "must be an array of UUIDs; item %zu is not", i + 1) && false;
        }
    }
    *ret = (st_uuids){v, in->array.n};
    return true;
}

static bool read_enum(struct st_faults *f, const st_attr *a, const struct json_value *in, unsigned *ret)
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
        return no_memory(f);
    }
    return st_fault(f, a->name, in->type == JSON_STRING ? "enum" : "type", "must be one of %s%s",
                    names.len ? names.p : "its names", names.err ? ", ..." : "") &&
           false;
}

/* A value that is not null, in the member's type. False: the fault was noted. */
bool st_json_read_value(struct st_faults *f, const st_attr *a, const struct json_value *in, st_value *ret)
{
    int64_t n = 0;
    *ret = (st_value){.type = st_attr_type(a)};
    switch (ret->type) {
    case ST_BOOL:
        ret->b = in->type == JSON_BOOL && in->boolean;
        return in->type == JSON_BOOL || wrong(f, a, "true or false");
    case ST_INT16:
        if (whole_number(f, a, in, INT16_MIN, INT16_MAX, &n)) {
            ret->i16 = (int16_t)n;
            return true;
        }
        return false;
    case ST_INT32:
        if (whole_number(f, a, in, INT32_MIN, INT32_MAX, &n)) {
            ret->i32 = (int32_t)n;
            return true;
        }
        return false;
    case ST_INT64:
        return whole_number(f, a, in, INT64_MIN, INT64_MAX, &ret->i64);
    case ST_DOUBLE:
        ret->d = in->type == JSON_INT ? (double)in->integer : in->type == JSON_DOUBLE ? in->number : 0;
        return in->type == JSON_INT || in->type == JSON_DOUBLE || wrong(f, a, "a number");
    case ST_TEXT:
        if (!read_text(f, a, in, &ret->text.p)) {
            return false;
        }
        ret->text.len = in->string.len;
        return true;
    case ST_JSON:
        return read_json(f, a, in, &ret->text.p);
    case ST_UUID:
        return (in->type == JSON_STRING && uuid_parse(in->string, &ret->uuid)) || wrong(f, a, "a UUID");
    case ST_TIME:
        return (in->type == JSON_STRING && clock_parse_rfc3339(in->string, &ret->time.us)) ||
               wrong(f, a, "a time like 2026-11-22T17:20:00Z");
    case ST_BYTES:
        return read_bytes(f, a, in, &ret->bytes);
    case ST_TEXTS:
        return read_texts(f, a, in, &ret->texts);
    case ST_UUIDS:
        return read_uuids(f, a, in, &ret->uuids);
    case ST_ENUM:
        return read_enum(f, a, in, &ret->e.v);
    case ST_TYPE_MAX:
        break;
    }
    assert(0);
    return false;
}
