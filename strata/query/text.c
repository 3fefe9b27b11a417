#include "strata/query/text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "strata/model/value.h"

enum { PARAMS_FIRST = 16 };

void st_shape_byte(struct st_pen *p, unsigned char b)
{
    if (!p->writing) {
        (void)buf_put_char(&p->reg->key, (char)b);
    }
}

void st_shape_u32(struct st_pen *p, uint32_t v)
{
    if (!p->writing) {
        (void)buf_put(&p->reg->key, &v, sizeof v);
    }
}

void st_shape_ptr(struct st_pen *p, const void *v)
{
    if (!p->writing) {
        (void)buf_put(&p->reg->key, &v, sizeof v);
    }
}

void st_put(struct st_pen *p, const char *text)
{
    if (p->writing) {
        (void)buf_puts(&p->reg->sql, text);
    }
}

void st_put_name(struct st_pen *p, const char *name)
{
    if (!p->writing) {
        return;
    }
    buf *out = &p->reg->sql;
    (void)buf_put_char(out, '"');
    for (; *name; name++) {
        if (*name == '"') {
            (void)buf_put_char(out, '"');
        }
        (void)buf_put_char(out, *name);
    }
    (void)buf_put_char(out, '"');
}

void st_put_column(struct st_pen *p, const st_attr *a)
{
    st_put_name(p, st_attr_column(a));
}

void st_put_number(struct st_pen *p, size_t n)
{
    if (p->writing) {
        (void)buf_put_char(&p->reg->sql, st_is_pg(p) ? '$' : '?');
        (void)buf_put_u64(&p->reg->sql, n);
    }
}

void st_reserve_params(struct st_pen *p, size_t n)
{
    if (p->err || p->room - p->n_params >= n) {
        return;
    }
    size_t room = p->room ? p->room * 2 : PARAMS_FIRST;
    room = room < p->n_params + n ? p->n_params + n : room;
    st_value *params = ARENA_ARRAY(p->scratch, st_value, room);
    if (!params) {
        p->err = diag_nomem();
        return;
    }
    if (p->n_params) {
        memcpy(params, p->params, p->n_params * sizeof *params);
    }
    p->params = params;
    p->room = room;
}

void st_put_param(struct st_pen *p, const st_value *v)
{
    st_reserve_params(p, 1);
    if (p->err) {
        return;
    }
    assert(v->null || v->type != ST_ENUM || !v->e.of || v->e.v < v->e.of->n);
    p->params[p->n_params++] = *v;
    st_put_number(p, p->n_params);
}

void st_fail(struct st_pen *p, st_err rc)
{
    assert(rc);
    p->err = p->err ? p->err : rc;
}

static bool same_param(const st_value *x, const st_value *y)
{
    if (x->type != y->type || x->null != y->null) {
        return false;
    }
    const st_attr a = {.kind = ST_A_COLUMN, .name = "", .type = (unsigned)x->type};
    _Alignas(16) unsigned char one[sizeof(st_value)] = {0}, other[sizeof(st_value)] = {0};
    st_value_put(&a, one, x);
    st_value_put(&a, other, y);
    return x->null || st_value_same(&a, one, other);
}

size_t st_share_param(struct st_pen *p, const st_value *v)
{
    for (uint32_t i = 0; i < p->n_shared; i++) {
        if (same_param(&p->params[p->shared[i] - 1], v)) {
            st_shape_u32(p, p->shared[i]);
            return p->shared[i];
        }
    }
    st_reserve_params(p, 1);
    if (p->err) {
        return 0;
    }
    p->params[p->n_params++] = *v;
    if (p->n_shared < SHARED_PARAMS) {
        p->shared[p->n_shared++] = (uint32_t)p->n_params;
    }
    st_shape_u32(p, (uint32_t)p->n_params);
    return p->n_params;
}
