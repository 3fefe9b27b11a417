#include "strata/query/cursor.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "strata/model/value.h"

enum { CURSOR_VERSION = 1 };
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const st_attr *column_of(const struct st_place *place, uint32_t i)
{
    return place->m->columns[st_mapper_column_at(place->m, place->order[i].offset)].attr;
}

/* By names, so that a cursor outlives the process. */
static uint64_t binding(const struct st_place *place)
{
    const char *table = place->m->model->table;
    uint64_t h = st_hash_bytes(table, strlen(table), st_hash_bytes(place->tenant.b, sizeof place->tenant.b, 0));
    for (uint32_t i = 0; i < place->n; i++) {
        const st_attr *a = column_of(place, i);
        h = st_hash_bytes(st_attr_column(a), strlen(st_attr_column(a)), h);
        h = st_mix(h, place->order[i].descending);
        h = st_mix(h, a->type);
    }
    return h;
}

static void put_u64(buf *b, uint64_t v)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(v >> (56 - 8 * i));
    }
    (void)buf_put(b, bytes, sizeof bytes);
}

/* Whole numbers, times, truth values and enums as one number; false: other types. */
static bool number_of(const st_value *v, uint64_t *ret)
{
    switch (v->type) {
    case ST_BOOL:
        *ret = v->b;
        return true;
    case ST_INT16:
        *ret = (uint64_t)v->i16;
        return true;
    case ST_INT32:
        *ret = (uint64_t)v->i32;
        return true;
    case ST_INT64:
        *ret = (uint64_t)v->i64;
        return true;
    case ST_TIME:
        *ret = (uint64_t)v->time.us;
        return true;
    case ST_ENUM:
        *ret = v->e.v;
        return true;
    case ST_DOUBLE:
        memcpy(ret, &v->d, sizeof *ret);
        return true;
    case ST_TEXT:
    case ST_UUID:
    case ST_BYTES:
    case ST_JSON:
    case ST_TEXTS:
    case ST_UUIDS:
    case ST_TYPE_MAX:
        break;
    }
    return false;
}

/* False: the number is none of the type. */
static bool value_of(enum st_type type, uint64_t n, st_value *ret)
{
    int64_t i = (int64_t)n;
    st_value v = {.type = type};
    switch (type) {
    case ST_BOOL:
        v.b = n == 1;
        break;
    case ST_INT16:
        v.i16 = (int16_t)i;
        break;
    case ST_INT32:
        v.i32 = (int32_t)i;
        break;
    case ST_INT64:
        v.i64 = i;
        break;
    case ST_TIME:
        v.time.us = i;
        break;
    case ST_ENUM:
        v.e.v = (unsigned)n;
        break;
    case ST_DOUBLE:
        memcpy(&v.d, &n, sizeof v.d);
        break;
    case ST_TEXT:
    case ST_UUID:
    case ST_BYTES:
    case ST_JSON:
    case ST_TEXTS:
    case ST_UUIDS:
    case ST_TYPE_MAX:
        return false;
    }
    uint64_t again = ~n;
    *ret = v;
    return number_of(&v, &again) && again == n;
}

static void put_value(buf *b, const st_value *v)
{
    uint64_t n;
    (void)buf_put_char(b, v->null ? 0 : 1);
    if (v->null) {
        return;
    }
    if (number_of(v, &n)) {
        put_u64(b, n);
    } else if (v->type == ST_UUID) {
        (void)buf_put(b, v->uuid.b, sizeof v->uuid.b);
    } else {
        assert(v->type == ST_TEXT); /* st_page saw to it */
        put_u64(b, v->text.len);
        (void)buf_put(b, v->text.p, v->text.len);
    }
}

static const char *encode(arena *a, str in)
{
    char *out = arena_bytes(a, in.len / 3 * 4 + 5), *to = out;
    for (size_t i = 0; out && i < in.len; i += 3) {
        size_t n = in.len - i < 3 ? in.len - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++) {
            bits = bits << 8 | (k < n ? (unsigned char)in.p[i + k] : 0u);
        }
        for (size_t k = 0; k <= n; k++) {
            *to++ = digits[bits >> (18 - 6 * k) & 63];
        }
    }
    if (out) {
        *to = '\0';
    }
    return out;
}

st_err st_cursor_write(const struct st_place *place, const void *obj, arena *a, const char **ret)
{
    BUF_AUTO buf b;
    buf_init(&b, CURSOR_BYTES_MAX);
    (void)buf_put_char(&b, CURSOR_VERSION);
    put_u64(&b, binding(place));
    for (uint32_t i = 0; i < place->n; i++) {
        st_value v = st_value_get(column_of(place, i), obj);
        put_value(&b, &v);
    }
    if (b.err == -E2BIG) {
        return diag_set(ST_E_INVALID, "the cursor of a %s is longer than %d bytes: order by something shorter",
                        place->m->model->name, CURSOR_BYTES_MAX);
    }
    *ret = b.err ? NULL : encode(a, buf_str(&b));
    return *ret ? 0 : diag_nomem();
}

struct reader {
    const unsigned char *p;
    size_t left;
};

static bool take(struct reader *r, size_t n, const unsigned char **ret)
{
    if (r->left < n) {
        return false;
    }
    *ret = r->p;
    r->p += n;
    r->left -= n;
    return true;
}

static bool take_u64(struct reader *r, uint64_t *ret)
{
    const unsigned char *p;
    if (!take(r, 8, &p)) {
        return false;
    }
    *ret = 0;
    for (int i = 0; i < 8; i++) {
        *ret = *ret << 8 | p[i];
    }
    return true;
}

/* 0, -ENOMEM, or ST_E_INVALID without a diagnosis. */
static int take_value(struct reader *r, const st_attr *at, arena *a, st_value *ret)
{
    enum st_type type = st_attr_type(at);
    const unsigned char *p;
    uint64_t n;
    if (!take(r, 1, &p) || *p > 1) {
        return ST_E_INVALID;
    }
    *ret = (st_value){.type = type, .null = *p == 0};
    if (*p == 0) {
        return st_attr_nullable(at) ? 0 : ST_E_INVALID;
    }
    if (type == ST_UUID) {
        if (!take(r, sizeof ret->uuid.b, &p)) {
            return ST_E_INVALID;
        }
        memcpy(ret->uuid.b, p, sizeof ret->uuid.b);
        return 0;
    }
    if (!take_u64(r, &n)) {
        return ST_E_INVALID;
    }
    if (type != ST_TEXT) {
        return value_of(type, n, ret) && st_value_adapt(at, ret) ? 0 : ST_E_INVALID;
    }
    if (n > r->left || !take(r, (size_t)n, &p) || memchr(p, '\0', (size_t)n) ||
        !str_is_utf8(str_n((const char *)p, (size_t)n))) {
        return ST_E_INVALID;
    }
    ret->text.p = arena_memdup0(a, p, (size_t)n);
    ret->text.len = (size_t)n;
    return ret->text.p ? 0 : -ENOMEM;
}

static int decode(arena *a, const char *text, struct reader *ret)
{
    size_t len = strnlen(text, CURSOR_BYTES_MAX * 2), n = 0;
    unsigned char *out = arena_alloc(a, len + 1);
    uint32_t bits = 0;
    if (!out) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < len; i++) {
        const char *d = strchr(digits, text[i]);
        if (!d) {
            return ST_E_INVALID;
        }
        bits = (bits << 6 | (uint32_t)(d - digits)) & 0xffffff;
        if (i % 4 != 0) { /* the i-th digit ends a byte */
            out[n++] = (unsigned char)(bits >> (i % 4 == 1 ? 4 : i % 4 == 2 ? 2 : 0));
        }
    }
    *ret = (struct reader){out, n};
    return len < CURSOR_BYTES_MAX * 2 && len % 4 != 1 ? 0 : ST_E_INVALID;
}

static int read_all(const struct st_place *place, const char *cursor, arena *a, st_value *values)
{
    struct reader r;
    const unsigned char *version;
    uint64_t bound;
    int rc = decode(a, cursor, &r);
    if (rc) {
        return rc;
    }
    if (!take(&r, 1, &version) || *version != CURSOR_VERSION || !take_u64(&r, &bound) || bound != binding(place)) {
        return ST_E_INVALID;
    }
    for (uint32_t i = 0; i < place->n && !rc; i++) {
        rc = take_value(&r, column_of(place, i), a, &values[i]);
    }
    return rc ? rc : r.left ? ST_E_INVALID : 0;
}

st_err st_cursor_read(const struct st_place *place, const char *cursor, arena *a, st_value **ret)
{
    st_value *values = ARENA_ARRAY(a, st_value, place->n);
    int rc = values ? read_all(place, cursor, a, values) : -ENOMEM;
    if (rc == -ENOMEM) {
        return diag_nomem();
    }
    if (rc) {
        rc = diag_set(ST_E_INVALID, "the cursor is not one of this list of %s in this order", place->m->model->table);
        diag_hint("start again without a cursor");
        return rc;
    }
    *ret = values;
    return 0;
}
