#include "strata/query/source.h"

#include <assert.h>

const char *st_cast_name(enum st_type type, bool as_smallint)
{
    static const char *const names[ST_TYPE_MAX] = {
        [ST_BOOL] = "boolean",
        [ST_INT16] = "smallint",
        [ST_INT32] = "integer",
        [ST_INT64] = "bigint",
        [ST_DOUBLE] = "double precision",
        [ST_TEXT] = "text",
        [ST_UUID] = "uuid",
        [ST_TIME] = "timestamptz",
        [ST_BYTES] = "bytea",
        [ST_JSON] = "jsonb",
        [ST_TEXTS] = "text[]",
        [ST_UUIDS] = "uuid[]",
        [ST_ENUM] = "text",
    };
    assert(type > 0 && type < ST_TYPE_MAX);
    return as_smallint ? "smallint" : names[type];
}

const st_attr *st_term_attr(struct st_pen *p, const st_term *t)
{
    for (unsigned depth = 0; t && depth < ST_TERM_DEPTH_MAX; depth++) {
        if (t->op == ST_T_COALESCE || t->op == ST_T_OVER) {
            t = t->of;
            continue;
        }
        if (t->op != ST_T_COLUMN && t->op != ST_T_MIN && t->op != ST_T_MAX) {
            return NULL;
        }
        for (const struct st_source *s = p->sources; s; s = s->next) {
            if (s->model == t->model) {
                uint32_t i = st_mapper_column_at(s->m, t->offset);
                return i == UINT32_MAX ? NULL : s->m->columns[i].attr;
            }
        }
        return NULL; /* st_put_term says what is wrong */
    }
    return NULL;
}

static void put_list(struct st_pen *p, const st_term *const *list, const char *first, unsigned depth)
{
    for (uint32_t i = 0; list && list[i] && !p->err; i++) {
        st_shape_byte(p, 1);
        st_put(p, i ? ", " : first);
        st_put_term(p, list[i], depth + 1);
    }
    st_shape_byte(p, 0);
}

static bool never_null(struct st_pen *p, const st_term *t)
{
    if (t->op != ST_T_COLUMN) {
        return t->op == ST_T_COUNT_ALL || t->op == ST_T_COUNT || t->op == ST_T_COUNT_DISTINCT;
    }
    return p->n_sources == 1 && st_term_attr(p, t) && !st_attr_nullable(st_term_attr(p, t));
}

void st_put_sort(struct st_pen *p, const struct st_sort *sort, const char *first, unsigned depth)
{
    for (; sort && sort->term && !p->err; sort++) {
        st_shape_byte(p, sort->descending ? 2 : 1);
        st_put(p, first);
        st_put_term(p, sort->term, depth);
        st_put(p, sort->descending ? " DESC" : "");
        if (!st_is_pg(p) && !never_null(p, sort->term)) { /* SQLite puts null first when rising */
            st_put(p, sort->descending ? " NULLS FIRST" : " NULLS LAST");
        }
        first = ", ";
    }
    st_shape_byte(p, 0);
}

static void put_call(struct st_pen *p, const char *function, const st_term *t)
{
    struct st_column_ref c;
    if (st_find_column(p, t->model, t->offset, &c)) {
        st_put(p, function);
        st_put_ref(p, c);
        st_put(p, ")");
    }
}

/* Aggregates and functions of windows, without OVER. False: t is neither. */
static bool put_function(struct st_pen *p, const st_term *t)
{
    switch (t->op) {
    case ST_T_COUNT_ALL:
        st_put(p, "count(*)");
        return true;
    case ST_T_COUNT:
        put_call(p, "count(", t);
        return true;
    case ST_T_COUNT_DISTINCT:
        put_call(p, "count(DISTINCT ", t);
        return true;
    case ST_T_SUM:
        put_call(p, "sum(", t);
        return true;
    case ST_T_MIN:
        put_call(p, "min(", t);
        return true;
    case ST_T_MAX:
        put_call(p, "max(", t);
        return true;
    case ST_T_AVG:
        put_call(p, "avg(", t);
        return true;
    case ST_T_ROW_NUMBER:
        st_put(p, "row_number()");
        return true;
    case ST_T_RANK:
        st_put(p, "rank()");
        return true;
    case ST_T_DENSE_RANK:
        st_put(p, "dense_rank()");
        return true;
    case ST_T_COLUMN:
    case ST_T_CONST:
    case ST_T_OVER:
    case ST_T_JSON:
    case ST_T_SUBQUERY:
    case ST_T_COALESCE:
    case ST_T_PLUS:
    case ST_T_MINUS:
    case ST_T_TIMES:
    case ST_T_LOWER:
        break;
    }
    return false;
}

/* PostgreSQL's sum of bigint and average are numeric: back to what the term says. */
static const char *back_to(struct st_pen *p, const st_term *t)
{
    const struct st_source *s = p->sources;
    while (s && s->model != t->model) {
        s = s->next;
    }
    uint32_t i = s ? st_mapper_column_at(s->m, t->offset) : UINT32_MAX;
    bool fraction = i != UINT32_MAX && st_attr_type(s->m->columns[i].attr) == ST_DOUBLE;
    return t->op == ST_T_AVG || (t->op == ST_T_SUM && fraction) ? "::double precision"
           : t->op == ST_T_SUM                                  ? "::bigint"
                                                                : "";
}

static void put_over(struct st_pen *p, const st_term *t, unsigned depth)
{
    st_put(p, "(");
    if (t->of->op == ST_T_COUNT_DISTINCT || !put_function(p, t->of)) {
        st_fail(p, diag_set(ST_E_INVALID, "ST_OVER needs an aggregate or a window function, and no DISTINCT"));
        return;
    }
    st_put(p, " OVER (");
    put_list(p, t->window->partition, "PARTITION BY ", depth);
    st_put_sort(p, t->window->sort, t->window->partition && t->window->partition[0] ? " ORDER BY " : "ORDER BY ",
                depth + 1);
    st_put(p, "))");
    st_put(p, st_is_pg(p) ? back_to(p, t->of) : "");
}

static void put_two(struct st_pen *p, const st_term *t, const char *open, const char *between, unsigned depth)
{
    st_put(p, open);
    st_put_term(p, t->of, depth + 1);
    st_put(p, between);
    st_put_term(p, t->with, depth + 1);
    st_put(p, ")");
}

static void put_other(struct st_pen *p, const st_term *t, unsigned depth)
{
    struct st_column_ref c;
    switch (t->op) {
    case ST_T_COLUMN:
        if (st_find_column(p, t->model, t->offset, &c)) {
            st_put_ref(p, c);
        }
        return;
    case ST_T_CONST:
        st_put_number(p, st_share_param(p, &t->value));
        return;
    case ST_T_OVER:
        put_over(p, t, depth);
        return;
    case ST_T_JSON:
        st_put_json(p, t);
        return;
    case ST_T_SUBQUERY:
        st_put(p, "(");
        st_walk_read(p, &(const struct st_reading){.q = t->query, .what = ST_READ_TERM, .term = t->of});
        st_put(p, ")");
        return;
    case ST_T_COALESCE:
        put_two(p, t, "coalesce(", ", ", depth);
        return;
    case ST_T_PLUS:
        put_two(p, t, "(", " + ", depth);
        return;
    case ST_T_MINUS:
        put_two(p, t, "(", " - ", depth);
        return;
    case ST_T_TIMES:
        put_two(p, t, "(", " * ", depth);
        return;
    case ST_T_LOWER:
        st_put(p, "lower(");
        st_put_term(p, t->of, depth + 1);
        st_put(p, ")");
        return;
    case ST_T_COUNT_ALL:
    case ST_T_COUNT:
    case ST_T_COUNT_DISTINCT:
    case ST_T_SUM:
    case ST_T_MIN:
    case ST_T_MAX:
    case ST_T_AVG:
    case ST_T_ROW_NUMBER:
    case ST_T_RANK:
    case ST_T_DENSE_RANK:
        break;
    }
    st_fail(p, diag_set(ST_E_INVALID, "a query has a term of no known kind"));
}

void st_put_term(struct st_pen *p, const st_term *t, unsigned depth)
{
    if (p->err) {
        return;
    }
    if (depth > ST_TERM_DEPTH_MAX || ++p->nodes > ST_EXPR_NODES_MAX) {
        st_fail(p, diag_set(ST_E_INVALID, "a term nests deeper than %d, or a query has over %d parts",
                            ST_TERM_DEPTH_MAX, ST_EXPR_NODES_MAX));
        return;
    }
    st_shape_byte(p, (unsigned char)(0x80 | t->op));
    if (t->op == ST_T_ROW_NUMBER || t->op == ST_T_RANK || t->op == ST_T_DENSE_RANK) {
        st_fail(p, diag_set(ST_E_INVALID, "row numbers and ranks need a window: ST_OVER(ST_RANK, .sort = ...)"));
        return;
    }
    bool cast = st_is_pg(p) && (t->op == ST_T_SUM || t->op == ST_T_AVG);
    st_put(p, cast ? "(" : "");
    if (!put_function(p, t)) {
        put_other(p, t, depth);
    }
    if (cast) {
        st_put(p, ")");
        st_put(p, back_to(p, t));
    }
}
