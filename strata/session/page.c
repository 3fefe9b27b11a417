/* Pages by the key of the last row. */
#include <errno.h>

#include "strata/query/cursor.h"
#include "strata/session/internal.h"

static bool sorts(const st_attr *a)
{
    enum st_type t = st_attr_type(a);
    return t != ST_BYTES && t != ST_JSON && t != ST_TEXTS && t != ST_UUIDS;
}

static bool is_given(const struct st_order *order, uint32_t n, const st_attr *a)
{
    for (uint32_t i = 0; i < n; i++) {
        if (order[i].offset == a->offset) {
            return true;
        }
    }
    return false;
}

/* The order with what is missing of the key behind it, in its last direction, so that one index serves all. */
static st_err make_total(st_session *s, const st_mapper *m, const struct st_order *order, struct st_place *ret)
{
    struct st_order *total = ARENA_ARRAY(s->scratch, struct st_order, CURSOR_COLUMNS_MAX + m->n_key + 1);
    int confined = st_scope_confines(&s->scope, m);
    uint32_t n = 0;
    if (!total) {
        return diag_nomem();
    }
    if (confined < 0) {
        return confined;
    }
    for (; order && order->model; order++) {
        const st_attr *a = order->model == m->model ? st_model_attr_at(m->model, order->offset) : NULL;
        if (!a || !sorts(a) || n == CURSOR_COLUMNS_MAX) {
            return diag_set(ST_E_INVALID,
                            "pages of %s are ordered by at most %d of its own columns, no bytes, JSON or arrays",
                            m->model->name, CURSOR_COLUMNS_MAX);
        }
        if (!is_given(total, n, a)) {
            total[n++] = *order;
        }
    }
    bool descending = n && total[n - 1].descending;
    for (uint32_t i = 0; i < m->n_key; i++) {
        const st_attr *a = m->columns[m->key[i]].attr;
        if (!is_given(total, n, a) && !(a->tenant && confined)) {
            total[n++] = (struct st_order){m->model, a->offset, descending};
        }
    }
    *ret = (struct st_place){.m = m, .tenant = s->scope.tenant, .order = total, .n = n};
    return 0;
}

static st_err page(st_session *s, const st_model *model, const st_expr *where, const struct st_order *order,
                   const char *cursor, uint64_t limit, struct st_page *ret)
{
    const st_mapper *m;
    struct st_place place;
    const st_expr *after = NULL;
    if (limit == 0 || limit > INT32_MAX) {
        return diag_set(ST_E_INVALID, "a page has 1 to %d rows", INT32_MAX);
    }
    st_err rc = session_mapper(s, model, &m);
    rc = rc ? rc : make_total(s, m, order, &place);
    if (!rc && cursor) {
        st_value *values;
        rc = st_cursor_read(&place, cursor, s->scratch, &values);
        rc = rc ? rc : st_cursor_after(&place, values, s->scratch, &after);
    }
    if (rc) {
        return rc;
    }
    struct st_page out = {.next = NULL};
    const struct st_query q = {.order = place.order,
                               .limit = limit + 1}; /* one more tells whether there is a next page */
    rc = session_select(s, model, ST_AND(where, after), &q, &out.rows);
    if (!rc && out.rows.n > limit) {
        out.rows.n = (size_t)limit;
        rc = st_cursor_write(&place, out.rows.items[limit - 1], s->arena, &out.next);
    }
    if (!rc) {
        *ret = out;
    }
    return rc;
}

st_err st_page_(st_session *s, const st_model *m, const st_expr *where, const struct st_order *order,
                const char *cursor, uint64_t limit, struct st_page *ret)
{
    st_err rc = session_enter(s);
    return rc ? rc : session_leave(s, page(s, m, where, order, cursor, limit, ret));
}
