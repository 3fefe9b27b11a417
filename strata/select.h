/* select.h: queries beyond the rows of one model: joins, groups, windows, common table expressions, raw SQL; into plain
 * structs, models or single values.
 *
 *     typedef struct Sales { const char *author; st_opt_int64 sold; } Sales;
 *     #define T Sales
 *     ST_RESULT(Sales, COL(author), COL(sold));            // define.h
 *     #undef T
 *
 *     st_rows rows = st_read(s, Sales, Author,
 *         .joins = ST_JOINS(ST_LEFT_ALONG(Author, books, Book, NULL)),
 *         .fields = ST_FIELDS(ST_FIELD(Sales, author, ST_COL(Author, name)), ST_FIELD(Sales, sold, ST_SUM(Book,
 * sold))), .group_by = ST_TERMS(ST_COL(Author, name)), .sort = ST_SORT(ST_DOWN(ST_SUM(Book, sold))), .limit = 10);
 *     st_each (Sales, x, rows) ...
 *
 * The tenant's condition is put to every source of every part of a query by the compiler. Pending writes are flushed
 * first. Results are plain copies in the session's memory; models come through the identity map. */
#ifndef STRATA_SELECT_H
#define STRATA_SELECT_H

#include "strata/session.h"
#include "strata/term.h"

DECLS_BEGIN

enum { ST_QUERY_DEPTH_MAX = 8, ST_SOURCES_MAX = 64 };

struct st_pick { /* a member of the result and what it gets */
    const st_model *result;
    uint32_t offset;
    const st_term *term; /* NULL ends a list */
};
#define ST_FIELD(R_, m, t)                                                                         \
    {                                                                                              \
        .result = &R_##_model, .offset = offsetof(R_, m),                                          \
        .term = (ST_NEED_(ST_TERM_EXACT_((ST_TERM_OF_(ST_MEMBER(R_, m)))0) == ST_TERM_EXACT_(t) || \
                          (ST_KIND_(ST_MEMBER(R_, m)) == 2 && ST_TERM_EXACT_(t) == 2)),            \
                 ST_ANY_(t))                                                                       \
    }
/* Every member of the result, once, in any order. */
#define ST_FIELDS(...) ((const struct st_pick[]){__VA_ARGS__, {.term = NULL}})

struct st_join {
    const st_model *model; /* NULL ends a list */
    bool left;             /* also rows without a partner, whose columns are null */
    const st_model *along; /* the model with the relation, or NULL */
    const char *relation;  /* its member */
    const st_expr *on;     /* may be NULL */
};
#define ST_INNER(T_, on_)                 \
    {                                     \
        .model = &T_##_model, .on = (on_) \
    }
#define ST_LEFT(T_, on_)                                \
    {                                                   \
        .model = &T_##_model, .left = true, .on = (on_) \
    }
/* Along a relation, both keys with their tenants; on_ adds to that or is NULL. */
#define ST_INNER_ALONG(From_, member_, T_, on_) ST_ALONG_(From_, member_, T_, on_, false)
#define ST_LEFT_ALONG(From_, member_, T_, on_) ST_ALONG_(From_, member_, T_, on_, true)
#define ST_ALONG_(From_, member_, T_, on_, left_)                       \
    {                                                                   \
        .model = &T_##_model, .left = (left_), .along = &From_##_model, \
        .relation = _Generic(ST_MEMBER(From_, member_), st_list         \
                             : #member_, st_ref                         \
                             : #member_),                               \
        .on = (on_)                                                     \
    }
#define ST_JOINS(...) ((const struct st_join[]){__VA_ARGS__, {.model = NULL}})

/* A named part of a query (CTE), a source like a model from then on: its struct is an ST_RESULT. */
struct st_cte {
    const st_model *result; /* NULL ends a list */
    const struct st_read *query;
    const struct st_read *then; /* recursive: run on what the part before found, until it finds no new rows */
};
#define ST_CTE(R_, q)                       \
    {                                       \
        .result = &R_##_model, .query = (q) \
    }
#define ST_RECURSIVE(R_, first_, then_)                           \
    {                                                             \
        .result = &R_##_model, .query = (first_), .then = (then_) \
    }
#define ST_CTES(...) ((const struct st_cte[]){__VA_ARGS__, {.result = NULL}})
#define ST_READ(From_, ...) (&(const struct st_read){.from = &From_##_model, __VA_ARGS__})

struct st_read {
    const st_model *from;
    const struct st_pick *fields; /* ST_FIELDS(...) */
    const struct st_join *joins;  /* ST_JOINS(...), in order: each may name those before it */
    const st_expr *where;
    const st_term *const *group_by; /* ST_TERMS(...) */
    const st_expr *having;
    const struct st_sort *sort; /* ST_SORT(...); nothing is added: with a limit, sort by something unique */
    uint64_t limit, offset;
    bool distinct;
    const struct st_cte *with; /* ST_CTES(...), only in the outermost query */
    /* Streaming: called with each row instead of keeping them, in constant memory. 0: go on; negative: the query fails
     * with that code. May run on another thread while the caller waits; must neither suspend nor keep the row. */
    int (*each)(void *arg, const void *row);
    void *arg;
    uint32_t batch; /* of streams (stream.h) */
};

/* Into a plain struct. */
#define st_read(s, R_, From_, ...) st_read_((s), &R_##_model, ST_READ(From_, __VA_ARGS__))
st_rows st_read_(st_session *s, const st_model *result, const struct st_read *q);
/* Into the model From_ itself, through the identity map; a row that several partners match comes as often. No fields.
 */
#define st_find(s, From_, ...) st_find_((s), ST_READ(From_, __VA_ARGS__))
st_rows st_find_(st_session *s, const struct st_read *q);
/* One value, the first row's: int64_t n; st_scalar(s, Book, ST_COUNT_ALL, &n, .where = ...). ST_E_NOT_FOUND without a
 * row. ret may be of a nullable form; a null that it cannot hold is ST_E_SCHEMA. */
#define st_scalar(s, From_, t, ret_, ...)                                                \
    st_scalar_((s),                                                                      \
               (ST_NEED_(ST_TERM_EXACT_((ST_TERM_OF_(*(ret_)))0) == ST_TERM_EXACT_(t) || \
                         (ST_KIND_(*(ret_)) == 2 && ST_TERM_EXACT_(t) == 2)),            \
                ST_ANY_(t)),                                                             \
               ST_TYPE_OF(*(ret_)), sizeof(*(ret_)), (ret_), ST_READ(From_, __VA_ARGS__))
st_err st_scalar_(st_session *s, const st_term *t, unsigned type, size_t size, void *ret, const struct st_read *q);
/* How the database would run it, as text; of st_find when there are no fields. NULL: see st_session_error. */
#define st_explain(s, From_, ...) st_explain_((s), ST_READ(From_, __VA_ARGS__))
const char *st_explain_(st_session *s, const struct st_read *q);

/* Conditions. */
#define ST_EXISTS(From_, ...) \
    (&(const st_expr){.op = ST_OP_EXISTS, .query = &(const struct st_read){.from = &From_##_model, __VA_ARGS__}})
#define ST_NOT_EXISTS(From_, ...) ST_NOT(ST_EXISTS(From_, __VA_ARGS__))
/* t, of any query of one column: ST_IN_QUERY(ST_COL(Author, id), ST_COL(Book, author_id), Book, .where = ...) */
#define ST_IN_QUERY(t, u, From_, ...)                        \
    (&(const st_expr){.op = ST_OP_IN_QUERY,                  \
                      .left = (ST_ALIKE_(t, u), ST_ANY_(t)), \
                      .right = ST_ANY_(u),                   \
                      .query = &(const struct st_read){.from = &From_##_model, __VA_ARGS__}})

/* ---- pages ---- */
struct st_page {
    st_rows rows;
    const char *next; /* the cursor of the page behind this one; NULL: there is none. Lives as long as the rows. */
};
/* limit rows behind the cursor (NULL: the first ones) in the order, to which the key is added: no row is skipped or
 * comes twice however deep one pages, and each page costs the same. A cursor belongs to its tenant, model and order;
 * any other is ST_E_INVALID. where must be the same for all pages. */
#define st_page(s, T_, where, order, cursor, limit, ret) \
    st_page_((s), &T_##_model, (where), (order), (cursor), (limit), (ret))
st_err st_page_(st_session *s, const st_model *m, const st_expr *where, const struct st_order *order,
                const char *cursor, uint64_t limit, struct st_page *ret);

/* ---- raw SQL ----
 * Placeholders are $1, $2, ... on both databases. The compiler does not look into raw SQL, so it cannot confine it: in
 * a session that is not .system the caller says .confined = true, "this text minds the tenant itself", or gets
 * ST_E_TENANT. Row-level security holds on PostgreSQL all the same. Transactions are the session's: BEGIN, COMMIT and
 * their like are refused. Never build the text from input: that is what the parameters are for. */
struct st_raw {
    const st_value *params; /* ST_PARAMS(ST_V(1), ST_V("x")) sets both */
    size_t n_params;
    bool confined;
    int (*each)(void *arg, const void *row); /* as in struct st_read */
    void *arg;
    uint32_t batch; /* of streams (stream.h) */
};
#define ST_PARAMS(...) \
    .params = (const st_value[]){__VA_ARGS__}, .n_params = sizeof((const st_value[]){__VA_ARGS__}) / sizeof(st_value)
/* The columns fill the members of the result in their order. */
#define st_raw(s, R_, sql, ...) st_raw_((s), &R_##_model, (sql), &(const struct st_raw){__VA_ARGS__})
st_rows st_raw_(st_session *s, const st_model *result, const char *sql, const struct st_raw *o);
/* A statement without rows. ret_n, when not NULL, gets the number of rows touched. */
#define st_raw_execute(s, sql, ret_n, ...) st_raw_execute_((s), (sql), (ret_n), &(const struct st_raw){__VA_ARGS__})
st_err st_raw_execute_(st_session *s, const char *sql, int64_t *ret_n, const struct st_raw *o);

DECLS_END

#endif
