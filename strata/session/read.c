/* Queries into plain structs, past the identity map. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "strata/query/source.h"
#include "strata/session/internal.h"

/* May run on another thread while the session's fiber waits. */
static int take_plain(void *arg, void *obj)
{
    struct plain_rows *rows = arg;
    if (rows->each) {
        int rc = rows->each(rows->arg, obj);
        return rc < 0 ? rc : 0;
    }
    if (rows->n == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 32;
        const void **items = room > SIZE_MAX / sizeof *items ? NULL : mem_realloc(rows->items, room * sizeof *items);
        if (!items) {
            return diag_nomem();
        }
        rows->items = items;
        rows->room = room;
    }
    rows->items[rows->n++] = obj;
    return 1;
}

static st_err keep(st_session *s, const struct plain_rows *rows, st_rows *ret)
{
    const void **items = arena_alloc(s->arena, rows->n * sizeof *items);
    if (!items) {
        return diag_nomem();
    }
    if (rows->n) {
        memcpy(items, rows->items, rows->n * sizeof *items);
    }
    *ret = (st_rows){.items = items, .n = rows->n};
    return 0;
}

st_err session_read(st_session *s, struct st_stmt *last, const struct st_shape *shape, struct plain_rows *rows,
                    st_rows *ret)
{
    struct batch b;
    last->shape = shape;
    last->stream = rows->each != NULL;
    last->arena = rows->each ? s->scratch : s->arena;
    last->row = take_plain;
    last->arg = rows;
    st_err rc = batch_begin(&b, s);
    rc = rc ? rc : flush_into(&b);
    rc = rc ? rc : batch_finish(&b, last);
    rc = rc || !ret ? rc : keep(s, rows, ret);
    mem_free(rows->items);
    rows->items = NULL;
    return rc;
}

static st_err read_rows(st_session *s, const st_model *result, const struct st_read *q, st_rows *ret)
{
    const st_mapper *m;
    struct st_stmt last = {.affected = 0};
    struct plain_rows rows = {.each = q->each, .arg = q->arg};
    struct st_compiler c = session_compiler(s);
    st_err rc = st_registry_result(s->reg, result, &m);
    if (rc) {
        return rc;
    }
    rc = st_compile_read(&c, &(const struct st_reading){.q = q, .what = ST_READ_RESULT, .result = m}, &last);
    return rc ? rc : session_read(s, &last, &m->shape, &rows, ret);
}

st_rows st_read_(st_session *s, const st_model *result, const struct st_read *q)
{
    st_rows rows = {.n = 0};
    st_err rc = session_enter(s);
    rows.err = rc ? rc : session_leave(s, read_rows(s, result, q, &rows));
    return rows;
}

static st_err find(st_session *s, const struct st_read *q, st_rows *ret)
{
    const st_mapper *m;
    struct batch b;
    struct st_stmt last = {.affected = 0};
    struct st_compiler c = session_compiler(s);
    if (q->fields || q->each || q->group_by || q->from->alias_of) {
        return diag_set(ST_E_INVALID, "st_find returns objects of %s: no fields, groups, streams or aliases",
                        q->from->name);
    }
    st_err rc = session_mapper(s, q->from, &m);
    rc = rc ? rc : st_compile_read(&c, &(const struct st_reading){.q = q, .what = ST_READ_MODEL}, &last);
    rc = rc ? rc : batch_begin(&b, s);
    rc = rc ? rc : flush_into(&b);
    rc = rc ? rc : session_run(&b, m, &last, !q->joins || !q->joins->model);
    return rc ? rc : session_found(s, ret);
}

st_rows st_find_(st_session *s, const struct st_read *q)
{
    st_rows rows = {.n = 0};
    st_err rc = session_enter(s);
    rows.err = rc ? rc : session_leave(s, find(s, q, &rows));
    return rows;
}
