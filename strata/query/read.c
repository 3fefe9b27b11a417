/* Queries of select.h as SQL. */
#include <assert.h>

#include "strata/query/statement.h"
#include "strata/query/where.h"

/* The sources of q: its own in an array of the scratch, in front of those that are there. */
static bool open_sources(struct st_pen *p, const struct st_read *q, struct st_source **ret, uint32_t *ret_n)
{
    uint32_t n = 1;
    for (const struct st_join *j = q->joins; j && j->model && n <= ST_SOURCES_MAX; j++) {
        n++;
    }
    st_shape_u32(p, n);
    struct st_source *all = ARENA_ARRAY(p->scratch, struct st_source, n);
    if (!all) {
        st_fail(p, diag_nomem());
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!st_open_source(p, i ? q->joins[i - 1].model : q->from, &all[i])) {
            return false;
        }
        p->sources = &all[i];
    }
    *ret = all;
    *ret_n = n;
    return true;
}

static const struct st_pick *pick_of(const struct st_pick *picks, const st_mapper *result, const st_attr *a)
{
    const struct st_pick *found = NULL;
    for (; picks && picks->term; picks++) {
        if (picks->result == result->model && picks->offset == a->offset) {
            if (found) {
                return NULL;
            }
            found = picks;
        }
    }
    return found;
}

/* A term as a value of a member's type. */
static void put_as(struct st_pen *p, const st_term *t, enum st_type type, const st_attr *member)
{
    const st_attr *from = st_term_attr(p, t);
    bool plain = t->op == ST_T_COLUMN && from && st_attr_type(from) == type;
    const struct st_enum *names = member ? member->enumeration : from ? from->enumeration : NULL;
    if (type == ST_ENUM &&
        (!from || from->enumeration != names || (member && from->as_smallint != member->as_smallint))) {
        st_fail(p, diag_set(ST_E_INVALID, "%s needs the .enumeration and .as_smallint of the column it takes",
                            member ? member->name : "the result"));
        return;
    }
    st_shape_byte(p, (unsigned char)(plain ? 0 : type));
    bool cast = st_is_pg(p) && !plain;
    st_put(p, cast ? "(" : "");
    st_put_term(p, t, 0);
    if (cast) {
        st_put(p, ")::");
        if (type == ST_ENUM && from->enum_type) { /* text would not compare with the column */
            st_put_name(p, from->enum_type);
        } else {
            st_put(p, st_cast_name(type, from && from->as_smallint));
        }
    }
}

static void put_result(struct st_pen *p, const struct st_read *q, const st_mapper *result)
{
    st_shape_ptr(p, result);
    uint32_t n = 0;
    for (uint32_t i = 0; i < result->n_columns && !p->err; i++) {
        const st_attr *a = result->columns[i].attr;
        const struct st_pick *pick = pick_of(q->fields, result, a);
        if (!pick) {
            st_fail(p, diag_set(ST_E_INVALID, "%s.%s needs one ST_FIELD, no more and no less", result->model->name,
                                a->name));
            return;
        }
        st_put(p, i ? ", " : "");
        put_as(p, pick->term, st_attr_type(a), a);
        n++;
    }
    for (const struct st_pick *pick = q->fields; pick && pick->term && !p->err; pick++) {
        if (n-- == 0) {
            st_fail(p, diag_set(ST_E_INVALID, "a query into %s fills members of another result", result->model->name));
        }
    }
}

static void put_model(struct st_pen *p, const struct st_source *s)
{
    if (!s->m->model->table) {
        st_fail(p, diag_set(ST_E_INVALID, "%s is no model whose rows could be found; read it into a result",
                            s->m->model->name));
        return;
    }
    for (uint32_t i = 0; p->writing && i < s->m->n_columns; i++) {
        st_put(p, i ? ", " : "");
        st_put_ref(p, (struct st_column_ref){s, s->m->columns[i].attr});
    }
}

static void put_picked(struct st_pen *p, const struct st_reading *r, const struct st_source *from)
{
    st_shape_byte(p, (unsigned char)((unsigned)r->what << 1 | r->q->distinct));
    st_put(p, r->q->distinct ? "SELECT DISTINCT " : "SELECT ");
    switch (r->what) {
    case ST_READ_RESULT:
        put_result(p, r->q, r->result);
        break;
    case ST_READ_MODEL:
        put_model(p, from);
        break;
    case ST_READ_TERM:
        if (r->type) {
            put_as(p, r->term, r->type, NULL);
        } else {
            st_put_term(p, r->term, 0);
        }
        break;
    case ST_READ_ONE:
        st_put(p, "1");
        break;
    }
}

static void put_condition(struct st_pen *p, const struct st_source *from, const st_expr *where)
{
    struct st_scoped scoped;
    st_err rc = st_scope_where(p->scope, from->m, from->model, where, &scoped);
    if (rc) {
        st_fail(p, rc);
        return;
    }
    st_put_where(p, scoped.where);
}

static void put_groups(struct st_pen *p, const struct st_read *q)
{
    for (uint32_t i = 0; q->group_by && q->group_by[i] && !p->err; i++) {
        st_shape_byte(p, 1);
        st_put(p, i ? ", " : " GROUP BY ");
        st_put_term(p, q->group_by[i], 0);
    }
    st_shape_byte(p, q->having ? 2 : 0);
    if (q->having) {
        st_put(p, " HAVING ");
        st_put_expr(p, q->having, 0);
    }
}

static void put_body(struct st_pen *p, const struct st_reading *r)
{
    const struct st_read *q = r->q;
    struct st_source *own;
    uint32_t n;
    if (!open_sources(p, q, &own, &n)) {
        return;
    }
    put_picked(p, r, &own[0]);
    st_put(p, " FROM ");
    st_put_source(p, &own[0]);
    for (uint32_t i = 1; i < n && !p->err; i++) {
        st_put_join(p, &q->joins[i - 1], &own[i]);
    }
    if (p->err) {
        return;
    }
    put_condition(p, &own[0], q->where);
    put_groups(p, q);
    st_put_sort(p, q->sort, " ORDER BY ", 0);
    if (!p->err) {
        st_put_limits(p, &(const struct st_query){.limit = q->limit, .offset = q->offset});
    }
}

/* A query within, which sees outer. */
static void put_part(struct st_pen *p, const struct st_reading *r, const struct st_source *outer)
{
    const struct st_source *kept = p->sources;
    if (++p->level > ST_QUERY_DEPTH_MAX) {
        st_fail(p, diag_set(ST_E_INVALID, "queries nest deeper than %d", ST_QUERY_DEPTH_MAX));
    } else if (r->q->with) {
        st_fail(p, diag_set(ST_E_INVALID, "ST_CTES belongs to the outermost query"));
    } else {
        p->sources = outer;
        put_body(p, r);
        p->sources = kept;
    }
    p->level--;
}

static void put_cte(struct st_pen *p, const struct st_cte *cte)
{
    const st_mapper *m;
    st_err rc = st_registry_result(p->reg, cte->result, &m);
    if (rc) {
        st_fail(p, rc);
        return;
    }
    if (cte->then && (cte->query->sort || cte->query->limit || cte->then->sort || cte->then->limit)) {
        st_fail(p,
                diag_set(ST_E_INVALID, "%s: the parts of a recursion have no order and no limit", cte->result->name));
        return;
    }
    st_shape_byte(p, cte->then ? 2 : 1);
    st_put_cte_name(p, cte->result);
    for (uint32_t i = 0; i < m->n_columns; i++) {
        st_put(p, i ? ", " : " (");
        st_put_column(p, m->columns[i].attr);
    }
    st_put(p, ") AS (");
    put_part(p, &(const struct st_reading){.q = cte->query, .what = ST_READ_RESULT, .result = m}, NULL);
    p->n_with++;
    if (cte->then && !p->err) {
        st_put(p, " UNION ");
        put_part(p, &(const struct st_reading){.q = cte->then, .what = ST_READ_RESULT, .result = m}, NULL);
    }
    st_put(p, ")");
}

static void put_with(struct st_pen *p, const struct st_cte *with)
{
    bool recursive = false;
    for (const struct st_cte *c = with; c && c->result; c++) {
        recursive |= c->then != NULL;
    }
    p->with = with;
    for (uint32_t i = 0; with && with[i].result && !p->err; i++) {
        st_put(p, i ? ", " : recursive ? "WITH RECURSIVE " : "WITH ");
        put_cte(p, &with[i]);
    }
    st_put(p, with && with[0].result ? " " : "");
    st_shape_byte(p, 0);
}

void st_walk_read(struct st_pen *p, const struct st_reading *r)
{
    if (p->err) {
        return;
    }
    if (p->sources) {
        put_part(p, r, p->sources);
        return;
    }
    put_with(p, r->q->with);
    if (!p->err) {
        put_body(p, r);
    }
    p->sources = NULL;
}

st_err st_compile_read(const struct st_compiler *c, const struct st_reading *r, struct st_stmt *ret)
{
    const st_model *base = st_base_model(r->q->from);
    const st_mapper *m;
    if (!base) {
        return diag_set(ST_E_INVALID, "a query reads from nothing");
    }
    st_err rc = base->table ? st_registry_mapper(c->reg, base, &m) : st_registry_result(c->reg, base, &m);
    if (rc) {
        return rc;
    }
    struct st_statement st = {.form = ST_F_READ, .m = m, .reading = r};
    return st_compile(c, &st, ret);
}
