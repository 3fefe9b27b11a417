#include "strata/query/text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

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
