/* Objects from JSON: what clients may set, each member in its type, and everything that is wrong at once. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "strata/json.h"
#include "strata/model/json_value.h"
#include "strata/model/value.h"

struct reading {
    struct st_faults faults;
    const st_model *m;
    const char *const *fields;
    bool patch;
    unsigned char *obj; /* a copy until all is well */
};

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
    } else if (!st_json_read_value(&r->faults, a, in, &v)) {
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
            r->faults.no_memory = true;
            return false;
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
