#include <assert.h>
#include <errno.h>
#include <string.h>

#include "strata/model/validate.h"
#include "strata/model/value.h"
#include "strata/query/statement.h"

void st_walk_insert(struct st_pen *p, const struct st_statement *st)
{
    const st_mapper *m = st->m;
    st_reserve_params(p, m->n_columns);
    st_put(p, "INSERT INTO ");
    st_put_name(p, m->model->table);
    for (uint32_t i = 0; i < m->n_columns; i++) {
        st_put(p, i ? ", " : " (");
        st_put_column(p, m->columns[i].attr);
    }
    st_put(p, ") VALUES (");
    for (uint32_t i = 0; i < m->n_columns; i++) {
        st_value v = st_value_get(m->columns[i].attr, st->row);
        st_put(p, i ? ", " : "");
        st_put_param(p, &v);
    }
    st_put(p, ")");
}

/* PostgreSQL runs a whole pipeline without looking back, so a write that must touch its row says so itself: the
 * division fails when it touched none, and what follows in the pipeline is skipped. */
static void open_guard(struct st_pen *p, const struct st_statement *st)
{
    if (st_is_pg(p) && (st->form == ST_F_UPDATE || st->form == ST_F_DELETE)) {
        st_put(p, "WITH \"touched\" AS (");
    }
}

static void close_guard(struct st_pen *p, const struct st_statement *st)
{
    if (st_is_pg(p) && (st->form == ST_F_UPDATE || st->form == ST_F_DELETE)) {
        st_put(p, " RETURNING 1) SELECT 1 / count(*) FROM \"touched\"");
    }
}

static void put_assignment(struct st_pen *p, const st_attr *a, bool add, const st_value *v)
{
    st_put_column(p, a);
    st_put(p, " = ");
    if (add) {
        st_put_column(p, a);
        st_put(p, " + ");
    }
    st_put_param(p, v);
}

static void put_criteria_set(struct st_pen *p, const struct st_statement *st)
{
    st_shape_u32(p, (uint32_t)st->n_set);
    for (size_t i = 0; i < st->n_set; i++) {
        const struct st_assign *s = &st->set[i];
        const st_attr *a = st_model_attr_at(st->m->model, s->offset);
        st_value v = s->value;
        (void)st_value_adapt(a, &v); /* checked before */
        st_shape_byte(p, s->add);
        st_shape_u32(p, s->offset);
        st_put(p, i ? ", " : "");
        put_assignment(p, a, s->add, &v);
    }
    if (st->m->updated) {
        st_value now = st_v_time(st->now);
        st_put(p, ", ");
        put_assignment(p, st->m->updated, false, &now);
    }
    if (st->m->version) {
        st_put(p, ", ");
        st_put_column(p, st->m->version);
        st_put(p, " = ");
        st_put_column(p, st->m->version);
        st_put(p, " + 1");
    }
}

void st_walk_update(struct st_pen *p, const struct st_statement *st)
{
    open_guard(p, st);
    st_put(p, "UPDATE ");
    st_put_name(p, st->m->model->table);
    st_put(p, " SET ");
    if (st->form == ST_F_UPDATE_WHERE) {
        put_criteria_set(p, st);
    } else {
        st_shape_u32(p, (uint32_t)st->n_columns);
        for (size_t i = 0; i < st->n_columns; i++) {
            const st_attr *a = st->m->columns[st->columns[i]].attr;
            st_value v = st_value_get(a, st->row);
            st_shape_u32(p, st->columns[i]);
            st_put(p, i ? ", " : "");
            put_assignment(p, a, false, &v);
        }
    }
    st_put_where(p, st->where);
    close_guard(p, st);
}

void st_walk_delete(struct st_pen *p, const struct st_statement *st)
{
    open_guard(p, st);
    st_put(p, "DELETE FROM ");
    st_put_name(p, st->m->model->table);
    st_put_where(p, st->where);
    close_guard(p, st);
}

/* The row itself: its key (without the tenant, which the scope puts in) and its version. */
static st_err is_row(const struct st_compiler *c, const st_mapper *m, const void *row, const st_value *version,
                     const st_expr **ret)
{
    size_t most = (size_t)m->n_key + 1;
    st_expr *nodes = ARENA_ARRAY(c->scratch, st_expr, most + 1);
    const st_expr **parts = ARENA_ARRAY(c->scratch, const st_expr *, most);
    st_value *values = ARENA_ARRAY(c->scratch, st_value, most);
    if (!nodes || !parts || !values) {
        return diag_nomem();
    }
    int confined = st_scope_confines(c->scope, m);
    if (confined < 0) {
        return confined;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i <= m->n_key; i++) {
        const st_attr *a = i < m->n_key ? m->columns[m->key[i]].attr : version ? m->version : NULL;
        if (!a || (a->tenant && confined)) {
            continue;
        }
        values[n] = i < m->n_key ? st_value_get(a, row) : *version;
        nodes[n] = (st_expr){.op = ST_OP_EQ, .model = m->model, .offset = a->offset, .n = 1, .values = &values[n]};
        parts[n] = &nodes[n];
        n++;
    }
    nodes[most] = (st_expr){.op = ST_OP_AND, .n = n, .args = parts};
    *ret = &nodes[most];
    return 0;
}

st_err st_compile_insert(const struct st_compiler *c, const st_mapper *m, void *row, struct st_stmt *ret)
{
    st_err rc = st_scope_row(c->scope, m, row);
    if (rc) {
        return rc;
    }
    struct st_statement st = {.form = ST_F_INSERT, .m = m, .row = row, .by_key = true};
    return st_compile(c, &st, ret);
}

st_err st_compile_update(const struct st_compiler *c, const st_mapper *m, const void *row, const uint32_t *columns,
                         size_t n, const st_value *version, struct st_stmt *ret)
{
    assert(n > 0);
    struct st_statement st = {
        .form = ST_F_UPDATE, .m = m, .row = row, .columns = columns, .n_columns = n, .by_key = true};
    st_err rc = is_row(c, m, row, version, &st.where);
    return rc ? rc : st_compile(c, &st, ret);
}

st_err st_compile_delete(const struct st_compiler *c, const st_mapper *m, const void *row, const st_value *version,
                         struct st_stmt *ret)
{
    struct st_statement st = {.form = ST_F_DELETE, .m = m, .by_key = true};
    st_err rc = is_row(c, m, row, version, &st.where);
    return rc ? rc : st_compile(c, &st, ret);
}

/* What an assignment may say: not a key, not what Strata keeps itself, and only what the column's rules allow. */
static st_err check_assignment(const struct st_compiler *c, const st_mapper *m, const struct st_assign *s)
{
    uint32_t i = st_mapper_column_at(m, s->offset);
    if (i == UINT32_MAX) {
        return diag_set(ST_E_INVALID, "an update of %s writes a member that is no column", m->model->name);
    }
    const struct st_column *col = &m->columns[i];
    const st_attr *a = col->attr;
    if (a->pk || a->tenant || a == m->version || a == m->updated) {
        return diag_set(ST_E_INVALID, "an update of %s may not write %s: keys never change, version and %s",
                        m->model->name, a->name, "timestamp are kept by themselves");
    }
    st_value v = s->value;
    if (!st_value_adapt(a, &v)) {
        return diag_set(ST_E_INVALID, "%s.%s cannot hold the value", m->model->name, a->name);
    }
    if (s->add) {
        return v.null ? diag_set(ST_E_INVALID, "%s.%s: null is added", m->model->name, a->name) : 0;
    }
    void *probe = arena_zalloc(c->scratch, 1, m->model->size);
    if (!probe) {
        return diag_nomem();
    }
    st_value_put(a, probe, &s->value);
    return v.null || col->has_rules ? st_validate_attr(m->model, a, probe, col->pattern) : 0;
}

st_err st_compile_update_where(const struct st_compiler *c, const st_mapper *m, const st_expr *where,
                               const struct st_assign *set, size_t n, st_time now, struct st_stmt *ret)
{
    if (n == 0) {
        return diag_set(ST_E_INVALID, "an update of %s writes nothing", m->model->name);
    }
    for (size_t i = 0; i < n; i++) {
        st_err rc = check_assignment(c, m, &set[i]);
        if (rc) {
            return rc;
        }
    }
    struct st_statement st = {.form = ST_F_UPDATE_WHERE, .m = m, .where = where, .set = set, .n_set = n, .now = now};
    return st_compile(c, &st, ret);
}

st_err st_compile_delete_where(const struct st_compiler *c, const st_mapper *m, const st_expr *where,
                               struct st_stmt *ret)
{
    struct st_statement st = {.form = ST_F_DELETE_WHERE, .m = m, .where = where};
    return st_compile(c, &st, ret);
}
