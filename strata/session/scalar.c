/* One value of a query. */
#include <errno.h>
#include <string.h>

#include "strata/query/source.h"
#include "strata/session/internal.h"

static st_err scalar(st_session *s, const st_term *t, unsigned type, size_t size, void *ret, const struct st_read *q)
{
    struct st_field field = {.type = (enum st_type)(type & ~(unsigned)ST_NULLABLE), .nullable = type & ST_NULLABLE};
    struct st_read one = *q;
    one.limit = one.limit ? one.limit : 1;
    if (q->fields || q->each) {
        return diag_set(ST_E_INVALID, "a query of one value has no fields and no stream");
    }
    const st_model *base = t->op == ST_T_COLUMN ? st_base_model(t->model) : NULL;
    const st_attr *a = base ? st_model_attr_at(base, t->offset) : NULL;
    field.nullable |=
        field.type == ST_TEXT || field.type == ST_JSON || field.type == ST_BYTES; /* a pointer may be NULL */
    if (a) {
        field.of = a->enumeration;
        field.as_smallint = a->as_smallint;
    }
    const struct st_shape shape = {.fields = &field, .n = 1, .size = size};
    struct st_stmt last = {.affected = 0};
    struct plain_rows rows = {.n = 0};
    st_rows found;
    struct st_compiler c = session_compiler(s);
    st_err rc = st_compile_read(
        &c, &(const struct st_reading){.q = &one, .what = ST_READ_TERM, .term = t, .type = field.type}, &last);
    rc = rc ? rc : session_read(s, &last, &shape, &rows, &found);
    if (!rc && found.n == 0) {
        rc = diag_set(ST_E_NOT_FOUND, "no row of %s has the value asked for", q->from->name);
    }
    if (!rc) {
        memcpy(ret, found.items[0], size);
    }
    return rc;
}

st_err st_scalar_(st_session *s, const st_term *t, unsigned type, size_t size, void *ret, const struct st_read *q)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, scalar(s, t, type, size, ret, q));
}
