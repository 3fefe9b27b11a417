#include "strata/model/mapper.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "strata/model/validate.h"
#include "strata/model/value.h"

static bool has_rules(const st_attr *a)
{
    switch (st_attr_type(a)) {
    case ST_TEXT:
    case ST_JSON:
    case ST_BYTES:
    case ST_TEXTS:
    case ST_DOUBLE:
    case ST_ENUM:
        return true;
    case ST_INT16:
    case ST_INT32:
    case ST_INT64:
        return a->min_value || a->max_value;
    case ST_UUIDS:
        return a->max != 0;
    case ST_BOOL:
    case ST_UUID:
    case ST_TIME:
    case ST_TYPE_MAX:
        break;
    }
    return false;
}

static bool points(enum st_type t)
{
    return t == ST_TEXT || t == ST_JSON || t == ST_BYTES || t == ST_TEXTS || t == ST_UUIDS;
}

static void free_patterns(void *arg)
{
    const st_mapper *m = arg;
    for (uint32_t i = 0; i < m->n_columns; i++) {
        st_pattern_free(m->columns[i].pattern);
    }
}

static st_err fill_columns(st_mapper *m, struct st_column *columns, struct st_field *fields, uint32_t *key)
{
    const st_model *model = m->model;
    for (size_t i = 0; i < model->n_attrs; i++) {
        const st_attr *a = &model->attrs[i];
        if (a->kind != ST_A_COLUMN) {
            continue;
        }
        enum st_type t = st_attr_type(a);
        struct st_column *c = &columns[m->n_columns];
        *c = (struct st_column){.attr = a, .has_rules = a->not_null || has_rules(a), .points = points(t)};
        st_err rc = a->pattern ? st_pattern_compile(a->pattern, &c->pattern) : 0;
        if (rc) {
            return rc;
        }
        fields[m->n_columns] = (struct st_field){.type = t,
                                                 .nullable = st_attr_optional(a),
                                                 .as_smallint = a->as_smallint,
                                                 .offset = a->offset,
                                                 .of = a->enumeration};
        if (a->pk) {
            key[m->n_key++] = m->n_columns;
        }
        m->tenant = a->tenant ? a : m->tenant;
        m->version = a->version ? a : m->version;
        m->created = a->created ? a : m->created;
        m->updated = a->updated ? a : m->updated;
        m->n_defaults += a->client_value || a->client_default;
        m->n_updates += a->client_update != NULL;
        m->n_columns++;
    }
    return 0;
}

static void fill_key(st_mapper *m)
{
    uint32_t own = 0;
    bool uuids = m->n_key <= 2;
    for (uint32_t i = 0; i < m->n_key; i++) {
        const st_attr *a = m->columns[m->key[i]].attr;
        uuids = uuids && st_attr_type(a) == ST_UUID;
        if (!a->tenant) {
            m->id = a;
            own++;
        }
    }
    m->id = own == 1 ? m->id : NULL;
    for (uint32_t i = 0; uuids && i < m->n_key; i++) {
        m->uuid_key[m->n_uuid_key++] = m->columns[m->key[i]].attr->offset;
    }
}

static void fill_relations(st_mapper *m, struct st_relation *relations)
{
    for (size_t i = 0; i < m->model->n_attrs; i++) {
        struct st_relation r;
        if (!st_relation_read(m->model, &m->model->attrs[i], &r)) {
            continue;
        }
        uint32_t k = m->n_relations++;
        for (; k > 0 && relations[k - 1].attr->offset > r.attr->offset; k--) {
            relations[k] = relations[k - 1];
        }
        relations[k] = r;
    }
}

st_err st_mapper_new(arena *a, const st_model *model, st_mapper **ret)
{
    st_err rc = st_model_check(model);
    if (rc) {
        return rc;
    }
    st_mapper *m = ARENA_NEW(a, st_mapper);
    struct st_column *columns = ARENA_ARRAY(a, struct st_column, model->n_attrs);
    struct st_field *fields = ARENA_ARRAY(a, struct st_field, model->n_attrs);
    uint32_t *key = ARENA_ARRAY(a, uint32_t, model->n_attrs);
    struct st_relation *relations = ARENA_ARRAY(a, struct st_relation, model->n_attrs);
    if (!m || !columns || !fields || !key || !relations) {
        return diag_nomem();
    }
    *m = (st_mapper){.model = model, .columns = columns, .key = key, .relations = relations};
    if (model->n_attrs > ST_COLUMNS_MAX) {
        return diag_set(ST_E_INVALID, "model %s has over %d members", model->name, ST_COLUMNS_MAX);
    }
    rc = fill_columns(m, columns, fields, key);
    if (!rc && arena_on_reset(a, free_patterns, m) != 0) {
        rc = diag_nomem();
    }
    if (rc) {
        free_patterns(m); /* those before the one that failed */
        return rc;
    }
    m->shape = (struct st_shape){.fields = fields, .n = m->n_columns, .size = model->size, .head = ST_ROW_HEAD};
    fill_key(m);
    fill_relations(m, relations);
    assert(m->n_key > 0);
    *ret = m;
    return 0;
}

uint32_t st_mapper_column_at(const st_mapper *m, uint32_t offset)
{
    for (uint32_t i = 0; i < m->n_columns; i++) {
        if (m->columns[i].attr->offset == offset) {
            return i;
        }
    }
    return UINT32_MAX;
}

uint64_t st_mapper_key_hash(const st_mapper *m, const void *obj, uint64_t seed)
{
    /* Keys of one model differ in the last uuid; the tenant before it seldom differs within a session. */
    for (uint8_t i = 0; i < m->n_uuid_key; i++) {
        uint64_t half[2];
        memcpy(half, (const char *)obj + m->uuid_key[i], sizeof half);
        seed = st_mix(half[0] ^ seed, half[1]);
    }
    for (uint32_t i = 0; !m->n_uuid_key && i < m->n_key; i++) {
        seed = st_value_hash(m->columns[m->key[i]].attr, obj, seed);
    }
    return seed;
}

bool st_mapper_key_same(const st_mapper *m, const void *x, const void *y)
{
    for (uint8_t i = 0; i < m->n_uuid_key; i++) {
        if (memcmp((const char *)x + m->uuid_key[i], (const char *)y + m->uuid_key[i], sizeof(st_uuid)) != 0) {
            return false;
        }
    }
    for (uint32_t i = 0; !m->n_uuid_key && i < m->n_key; i++) {
        if (!st_value_same(m->columns[m->key[i]].attr, x, y)) {
            return false;
        }
    }
    return true;
}

bool st_mapper_image_same(const st_mapper *m, const void *x, const void *y)
{
    const char *a = x, *b = y;
    size_t from = 0;
    for (uint32_t i = 0; i < m->n_relations; i++) {
        const st_attr *r = m->relations[i].attr;
        assert(r->offset >= from);
        if (memcmp(a + from, b + from, r->offset - from) != 0) {
            return false;
        }
        from = r->offset + r->size;
    }
    return memcmp(a + from, b + from, m->model->size - from) == 0;
}

const struct st_relation *st_mapper_relation_at(const st_mapper *m, uint32_t offset)
{
    for (uint32_t i = 0; i < m->n_relations; i++) {
        if (m->relations[i].attr->offset == offset) {
            return &m->relations[i];
        }
    }
    return NULL;
}

void st_mapper_unload(const st_mapper *m, void *obj)
{
    for (uint32_t i = 0; i < m->n_relations; i++) {
        const st_attr *r = m->relations[i].attr;
        memset((char *)obj + r->offset, 0, r->size);
    }
}
