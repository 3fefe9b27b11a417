/* Selects whose rows hold an object and, by outer joins along relations, related ones. */
#include <assert.h>

#include "strata/query/statement.h"

/* Sources of the parts: target, and before it the rows between of a many-to-many. */
struct joined {
    const struct st_statement *st;
    struct st_source *targets, *betweens; /* beside the parts */
};

static bool open_sources(struct st_pen *p, struct joined *j)
{
    uint32_t n = j->st->n_parts;
    j->targets = ARENA_ARRAY(p->scratch, struct st_source, n);
    j->betweens = ARENA_ARRAY(p->scratch, struct st_source, n);
    if (!j->targets || !j->betweens) {
        st_fail(p, diag_nomem());
        return false;
    }
    st_shape_u32(p, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct st_joined_part *part = &j->st->parts[i];
        if (part->between) {
            j->betweens[i] =
                (struct st_source){.model = part->between->model, .m = part->between, .number = ++p->n_sources};
        }
        j->targets[i] = (struct st_source){.model = part->m->model, .m = part->m, .number = ++p->n_sources};
        st_shape_ptr(p, part->m);
        st_shape_ptr(p, part->rel);
        st_shape_u32(p, part->parent);
    }
    return true;
}

static void put_columns(struct st_pen *p, const struct joined *j)
{
    for (uint32_t i = 0; p->writing && i < j->st->n_parts; i++) {
        const struct st_source *s = &j->targets[i];
        for (uint32_t k = 0; k < s->m->n_columns; k++) {
            st_put(p, i || k ? ", " : "");
            st_put_ref(p, (struct st_column_ref){s, s->m->columns[k].attr});
        }
    }
}

/* joined.far = from.near, their tenants, and where in the scope: all of it in ON, so that the rows of from stay. */
static void put_join(struct st_pen *p, struct st_source *joined, const st_attr *far, const struct st_source *from,
                     const st_attr *near, const st_expr *where)
{
    struct st_scoped scoped;
    st_err rc = st_scope_where(p->scope, joined->m, joined->model, where, &scoped);
    if (rc) {
        st_fail(p, rc);
        return;
    }
    st_put(p, " LEFT JOIN ");
    st_put_source(p, joined);
    st_put(p, " ON ");
    st_put_keys(p, joined, far, from, near);
    st_shape_byte(p, scoped.where != NULL);
    if (scoped.where) {
        const struct st_source *kept = p->sources;
        p->sources = joined; /* a condition names the related rows alone, as it would in a query of their own */
        st_put(p, " AND ");
        st_put_expr(p, scoped.where, 0);
        p->sources = kept;
    }
}

static void put_joins(struct st_pen *p, const struct joined *j)
{
    for (uint32_t i = 1; i < j->st->n_parts && !p->err; i++) {
        const struct st_joined_part *part = &j->st->parts[i];
        const struct st_relation *r = part->rel;
        const struct st_source *from = &j->targets[part->parent];
        assert(part->parent < i);
        if (part->between) {
            put_join(p, &j->betweens[i], r->left, from, r->near, NULL);
            put_join(p, &j->targets[i], r->far, &j->betweens[i], r->right, part->plan->where);
        } else {
            put_join(p, &j->targets[i], r->far, from, r->near, part->plan->where);
        }
    }
}

static void put_order(struct st_pen *p, const struct joined *j, bool tie_break)
{
    const char *between = " ORDER BY ";
    for (uint32_t i = 0; i < j->st->n_parts && !p->err; i++) {
        const struct st_order *order = i ? j->st->parts[i].plan->order : j->st->query->order;
        p->sources = &j->targets[i];
        st_put_order_behind(p, &between, order, i == 0 && tie_break, j->st->confined);
    }
}

/* Limits count objects, not the rows that joins make of them: so they stand in a query within. */
void st_walk_joined(struct st_pen *p, const struct st_statement *st)
{
    const struct st_query *q = st->query;
    const struct st_source *table = p->sources;
    struct joined j = {.st = st};
    bool limited = q->limit || q->offset;
    bool within = limited || q->for_update;
    if (!open_sources(p, &j)) {
        return;
    }
    st_shape_byte(p, within);
    st_put(p, "SELECT ");
    put_columns(p, &j);
    st_put(p, " FROM ");
    if (within) {
        st_put(p, "(");
        st_put_select(p, st);
        st_put(p, ") AS ");
        st_put_alias(p, j.targets[0].number);
    } else {
        st_put_source(p, &j.targets[0]);
    }
    put_joins(p, &j);
    if (!within) {
        p->sources = &j.targets[0];
        st_put_where(p, st->where);
    }
    put_order(p, &j, limited);
    p->sources = table;
}

st_err st_compile_joined(const struct st_compiler *c, const struct st_joined_part *parts, uint32_t n,
                         const st_expr *where, const struct st_query *q, struct st_stmt *ret)
{
    assert(n > 1 && q);
    struct st_statement st = {
        .form = ST_F_JOINED, .m = parts[0].m, .where = where, .query = q, .parts = parts, .n_parts = n};
    return st_compile(c, &st, ret);
}
