#include "strata/plain.h"

#include <assert.h>
#include <errno.h>

enum { OBJECT_MAX = 1 << 30 }; /* bytes of JSON */

const char *st_plain_error(void)
{
    return diag_last()->message;
}

static bool uuid_from(const char *text, st_uuid *ret)
{
    if (uuid_parse(str_of(text), ret)) {
        return true;
    }
    (void)diag_set(ST_E_INVALID, "\"%.60s\" is not a uuid; one looks like 0192f5a0-7c1e-7000-8000-000000000001", text);
    return false;
}

st_session *st_plain_session(st_engine *e, const char *tenant, bool read_only)
{
    struct st_session_options options = {.read_only = read_only};
    st_session *s;
    if (tenant && !uuid_from(tenant, &options.tenant)) {
        return NULL;
    }
    return st_session_open(e, &options, &s) == 0 ? s : NULL;
}

const void *st_plain_get(st_session *s, const st_model *m, const char *id)
{
    assert(s && m && id);
    st_uuid key;
    return uuid_from(id, &key) ? st_get_(s, m, &(const st_value){.type = ST_UUID, .uuid = key}, 1) : NULL;
}

st_err st_plain_select(st_session *s, const st_model *m, const st_expr *where, uint64_t limit, const void *const **ret,
                       size_t *ret_n)
{
    assert(s && m && ret && ret_n);
    st_rows rows = st_select_(s, m, where, &(const struct st_query){.limit = limit});
    if (rows.err) {
        return rows.err;
    }
    *ret = rows.items;
    *ret_n = rows.n;
    return 0;
}

const char *st_plain_json(st_session *s, const st_model *m, const void *obj)
{
    assert(s && m && obj);
    BUF_AUTO buf b;
    struct json_writer w;
    buf_init(&b, OBJECT_MAX);
    json_start(&w, &b);
    st_to_json(&w, m, obj, NULL);
    char *text = b.err ? NULL : arena_memdup0(st_session_arena(s), b.p, b.len);
    if (!text) {
        (void)diag_nomem();
    }
    return text;
}
