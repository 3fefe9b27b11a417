#include "strata/session/keys.h"

#include <errno.h>
#include <string.h>

#include "strata/model/value.h"

static uint64_t hash_of(const struct keys *k, const st_attr *a, const void *obj)
{
    if (st_attr_type(a) == ST_UUID) {
        uint64_t half[2];
        memcpy(half, (const char *)obj + a->offset, sizeof half);
        return st_mix(half[0] ^ k->seed, half[1]);
    }
    return st_value_hash(a, obj, k->seed);
}

bool keys_same(const st_attr *a, const void *x, const st_attr *b, const void *y)
{
    enum st_type type = st_attr_type(a);
    assert(type == st_attr_type(b));
    if (type == ST_UUID && !st_attr_optional(a) && !st_attr_optional(b)) {
        return memcmp((const char *)x + a->offset, (const char *)y + b->offset, sizeof(st_uuid)) == 0;
    }
    st_value v = st_value_get(a, x), w = st_value_get(b, y);
    if (v.null || w.null) {
        return false;
    }
    if (type == ST_TEXT) {
        return v.text.len == w.text.len && memcmp(v.text.p, w.text.p, v.text.len) == 0;
    }
    return memcmp((const char *)x + a->offset, (const char *)y + b->offset, st_value_plain_size(type)) == 0;
}

static bool same_tenant(const struct keys *k, const void *mine, const st_attr *tenant, const void *obj)
{
    return !k->tenant || !tenant || keys_same(k->tenant, mine, tenant, obj);
}

/* Whether key number i is attr of obj, which is not null. */
static bool is_key(const struct keys *k, uint32_t i, const st_attr *attr, const void *obj)
{
    const char *key = (const char *)k->list + i * k->size, *at = (const char *)obj + attr->offset;
    enum st_type type = st_attr_type(attr);
    if (type == ST_UUID) {
        return memcmp(key, at, sizeof(st_uuid)) == 0;
    }
    return type != ST_TEXT ? memcmp(key, at, k->size) == 0 : keys_same(k->attr, k->objs[k->of[i]], attr, obj);
}

static uint32_t *slot_of(const struct keys *k, const st_attr *attr, const st_attr *tenant, const void *obj)
{
    size_t i = hash_of(k, attr, obj) & k->mask;
    for (; k->slots[i]; i = (i + 1) & k->mask) {
        uint32_t number = k->slots[i] - 1;
        if (is_key(k, number, attr, obj) && same_tenant(k, k->objs[k->of[number]], tenant, obj)) {
            break;
        }
    }
    return &k->slots[i];
}

uint32_t keys_find(const struct keys *k, const st_attr *attr, const st_attr *tenant, const void *obj)
{
    if (k->n == 0 || st_value_is_null(attr, obj)) {
        return KEYS_NONE;
    }
    uint32_t *slot = slot_of(k, attr, tenant, obj);
    return *slot ? k->of[*slot - 1] : KEYS_NONE;
}

uint32_t keys_find_next(const struct keys *k, uint32_t last, const st_attr *attr, const st_attr *tenant,
                        const void *obj)
{
    bool plain = st_attr_type(attr) == ST_UUID && !st_attr_optional(attr) && !k->tenant;
    if (plain && last != KEYS_NONE &&
        memcmp((const char *)k->objs[last] + k->attr->offset, (const char *)obj + attr->offset, sizeof(st_uuid)) == 0) {
        return last;
    }
    return keys_find(k, attr, tenant, obj);
}

st_err keys_read(struct keys *k, st_session *s, const st_mapper *m, const st_attr *attr, const void *const *objs,
                 size_t n)
{
    assert(n < UINT32_MAX / 4);
    size_t slots = 16, size = st_value_plain_size(st_attr_type(attr));
    while (slots < n * 2) {
        slots *= 2;
    }
    *k = (struct keys){.attr = attr,
                       .tenant = s->scope.system ? m->tenant : NULL,
                       .objs = objs,
                       .n = n,
                       .mask = slots - 1,
                       .size = size,
                       .seed = s->map.seed};
    k->first = ARENA_ARRAY(s->scratch, uint32_t, n);
    k->slots = ARENA_ARRAY(s->scratch, uint32_t, slots);
    k->of = ARENA_ARRAY(s->scratch, uint32_t, n);
    k->list = arena_alloc(s->scratch, n * size);
    if (!k->first || !k->slots || !k->of || !k->list) {
        return diag_nomem();
    }
    for (uint32_t i = 0; i < n; i++) {
        k->first[i] = KEYS_NONE;
        if (st_value_is_null(attr, objs[i])) {
            continue;
        }
        uint32_t *slot = slot_of(k, attr, m->tenant, objs[i]);
        if (*slot == 0) {
            k->of[k->n_list] = i;
            memcpy((char *)k->list + k->n_list * size, (const char *)objs[i] + attr->offset, size);
            *slot = ++k->n_list;
        }
        k->first[i] = k->of[*slot - 1];
    }
    return 0;
}

size_t keys_chunk(const st_session *s, const st_attr *attr)
{
    enum { CHUNK = ST_IN_MAX }; /* a power of two */
    enum st_type type = st_attr_type(attr);
    return s->reg->dialect == ST_POSTGRESQL && (type == ST_UUID || type == ST_TEXT) ? LONG_LIST_MAX : CHUNK;
}

st_err keys_select(const struct keys *k, st_session *s, const st_mapper *m, const st_attr *attr,
                   const struct st_load *plan)
{
    static const struct st_load all;
    plan = plan ? plan : &all;
    s->n_found = 0;
    if (k->n_list == 0) {
        return 0;
    }
    const st_expr in = {.op = ST_OP_IN, .model = m->model, .offset = attr->offset, .n = k->n_list, .list = k->list};
    const st_expr *const parts[] = {&in, plan->where};
    const st_expr both = {.op = ST_OP_AND, .n = plan->where ? 2 : 1, .args = parts};
    s->long_lists = true;
    st_err rc = session_load(s, m, &both, &(const struct st_query){.order = plan->order, .with = plan->then});
    s->long_lists = false;
    return rc;
}

/* ---- by primary key ---- */

static int compare_values(enum st_type type, const st_value *v, const st_value *w)
{
    switch (type) {
    case ST_UUID:
        return memcmp(&v->uuid, &w->uuid, sizeof v->uuid);
    case ST_TEXT:
        return strcmp(v->text.p, w->text.p);
    case ST_INT16:
        return (v->i16 > w->i16) - (v->i16 < w->i16);
    case ST_INT32:
        return (v->i32 > w->i32) - (v->i32 < w->i32);
    case ST_INT64:
        return (v->i64 > w->i64) - (v->i64 < w->i64);
    case ST_TIME:
        return (v->time.us > w->time.us) - (v->time.us < w->time.us);
    case ST_BOOL:
        return v->b - w->b;
    case ST_ENUM:
        return (v->e.v > w->e.v) - (v->e.v < w->e.v);
    case ST_DOUBLE:
    case ST_BYTES:
    case ST_JSON:
    case ST_TEXTS:
    case ST_UUIDS:
    case ST_TYPE_MAX:
        break;
    }
    assert(0); /* no key is of those */
    return 0;
}

int keys_compare(const st_mapper *m, const void *x, const void *y)
{
    for (uint8_t i = 0; i < m->n_uuid_key; i++) {
        int c = memcmp((const char *)x + m->uuid_key[i], (const char *)y + m->uuid_key[i], sizeof(st_uuid));
        if (c) {
            return c;
        }
    }
    for (uint32_t i = 0; !m->n_uuid_key && i < m->n_key; i++) {
        const st_attr *a = m->columns[m->key[i]].attr;
        st_value v = st_value_get(a, x), w = st_value_get(a, y);
        int c = compare_values(st_attr_type(a), &v, &w);
        if (c) {
            return c;
        }
    }
    return 0;
}

st_err keys_sort(st_session *s, const st_mapper *m, const void **objs, size_t n)
{
    size_t sorted = 1;
    while (sorted < n && keys_compare(m, objs[sorted - 1], objs[sorted]) <= 0) {
        sorted++;
    }
    if (sorted >= n) {
        return 0; /* as most tables give them */
    }
    const void **other = ARENA_ARRAY(s->scratch, const void *, n), **from = objs, **to = other;
    if (!other) {
        return diag_nomem();
    }
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t at = 0; at < n; at += 2 * run) {
            size_t middle = at + run < n ? at + run : n, end = at + 2 * run < n ? at + 2 * run : n;
            size_t a = at, b = middle;
            for (size_t k = at; k < end; k++) {
                bool left = a < middle && (b == end || keys_compare(m, from[a], from[b]) <= 0);
                to[k] = left ? from[a++] : from[b++];
            }
        }
        const void **swap = from;
        from = to;
        to = swap;
    }
    if (from != objs) {
        memcpy(objs, from, n * sizeof *objs);
    }
    return 0;
}
