/* What clients send for an object: refused with fields named, or taken, and then by the rules and the same when written
 * and read again. And json_is_valid says of a text what the reader says, but for what no database takes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "strata/define.h"
#include "strata/strata.h"

typedef struct Thing {
    st_uuid tenant_id, id, parent_id;
    const char *name;
    int16_t small;
    int32_t count;
    int64_t big;
    double price;
    bool open;
    unsigned state;
    st_opt_time due;
    st_opt_bool sure;
    st_texts tags;
    st_uuids links;
    st_bytes blob;
    st_json extra;
    int32_t version;
} Thing;

static ST_ENUM_DEFINE(states, "new", "selected", "archived");
#define T Thing
ST_DECLARE(Thing);
ST_MODEL(Thing, "things", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(parent_id),
         COL(name, .max = 12, .pattern = "[^#]*"), COL(small, .default_sql = "5"),
         COL(count, .min_value = ST_NUMBER(0), .max_value = ST_NUMBER(1000)), COL(big), COL(price), COL(open),
         COL(state, .enumeration = &states, .default_sql = "'new'"), COL(due), COL(sure), COL(tags, .max = 3),
         COL(links, .null = true), COL(blob, .null = true, .max = 16), COL(extra, .null = true),
         COL(version, .version = true));
#undef T

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void check_errors(const struct st_field_errors *e)
{
    for (size_t i = 0; i < e->n; i++) {
        must(e->v[i].field && e->v[i].code[0] && e->v[i].message[0] && str_is_utf8(str_of(e->v[i].message)));
    }
}

static void there_and_back(arena *a, const Thing *t)
{
    static const char *const settable[] = {"parent_id", "name", "small", "count", "big",  "price", "open", "state",
                                           "due",       "sure", "tags",  "links", "blob", "extra", NULL};
    BUF_AUTO buf first;
    BUF_AUTO buf second;
    struct json_writer w;
    const struct json_value *v;
    struct st_field_errors e;
    Thing again = {.version = 0};
    buf_init(&first, 1 << 24);
    buf_init(&second, 1 << 24);
    json_start(&w, &first);
    st_to_json(&w, &Thing_model, t, settable);
    must(!first.err && json_is_valid(buf_str(&first)) && json_parse(a, buf_str(&first), &v, NULL) == 0);
    must(st_from_json(a, Thing, v, ST_JSON_CREATE, NULL, &again, &e) == 0);
    json_start(&w, &second);
    st_to_json(&w, &Thing_model, &again, settable);
    must(str_eq(buf_str(&first), buf_str(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const struct json_value *v;
    str text = str_n((const char *)data, size);
    bool valid = json_is_valid(text);
    if (!a || json_parse(a, text, &v, NULL) != 0) {
        return 0;
    }
    if (!valid) { /* the one thing that the reader takes beyond it: NUL; and numbers without measure */
        bool odd = false;
        for (size_t i = 0; i + 1 < size; i++) {
            odd |= memcmp(data + i, "\\u", 2) == 0 || data[i] == 'e' || data[i] == 'E';
        }
        must(odd || size > 1000);
    }
    struct st_field_errors e = {.n = 0};
    Thing made = {.version = 4}, patched = {.name = "x", .version = 4};
    st_err rc = st_from_json(a, Thing, v, ST_JSON_CREATE, NULL, &made, &e);
    must(rc == 0 || (rc == ST_E_INVALID && e.n > 0));
    check_errors(&e);
    must(made.version == 4 && uuid_is_nil(made.tenant_id) && uuid_is_nil(made.id));
    if (rc == 0) {
        must(st_validate(&Thing_model, &made) == 0);
        there_and_back(a, &made);
    }
    rc = st_from_json(a, Thing, v, ST_JSON_PATCH, NULL, &patched, &e);
    check_errors(&e);
    must(rc == 0 ? st_validate(&Thing_model, &patched) == 0 : strcmp(patched.name, "x") == 0);
    return 0;
}
