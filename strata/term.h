/* term.h: what a query computes: columns, aggregates, window functions, parts of JSON, subqueries; and conditions on
 * them.
 *
 * A term carries the C type of its values: comparing it with another type, or putting it into a member of another type,
 * does not compile. Terms are compound literals with the lifetime of the enclosing block; nothing is allocated.
 *
 *     ST_T_GT(ST_SUM(Book, sold), 1000)            ST_EQ_COL(Book, author_id, Author, id)
 *
 * A name of a model stands for that source of the query. In a subquery the sources of the queries around it can be
 * named as well: that is how it is correlated. The same table twice needs a second name: ST_ALIAS. */
#ifndef STRATA_TERM_H
#define STRATA_TERM_H

#include "strata/expr.h"

DECLS_BEGIN

/* typedef of Type under the name of Alias, as a source of its own: ST_ALIAS(Boss, Employee); at file scope. */
#define ST_ALIAS(Alias, Type) \
    typedef Type Alias;       \
    static const st_model Alias##_model = {.name = #Alias, .alias_of = &Type##_model}

enum st_term_op {
    ST_T_COLUMN = 1,
    ST_T_CONST,
    ST_T_COUNT_ALL,
    ST_T_COUNT,
    ST_T_COUNT_DISTINCT,
    ST_T_SUM,
    ST_T_MIN,
    ST_T_MAX,
    ST_T_AVG,
    ST_T_ROW_NUMBER,
    ST_T_RANK,
    ST_T_DENSE_RANK,
    ST_T_OVER,
    ST_T_JSON,
    ST_T_SUBQUERY,
    ST_T_COALESCE,
    ST_T_PLUS,
    ST_T_MINUS,
    ST_T_TIMES,
    ST_T_LOWER
};
enum { ST_TERM_DEPTH_MAX = 16 };

struct st_sort {
    const st_term *term; /* NULL ends a list */
    bool descending;     /* null comes last when rising, first when falling, on both databases */
};
struct st_window {
    const st_term *const *partition; /* ST_TERMS(...) */
    const struct st_sort *sort;      /* ST_SORT(...) */
};
struct st_term {
    enum st_term_op op;
    enum st_type type;     /* of JSON's part */
    const st_model *model; /* of the column */
    uint32_t offset;
    uint32_t n;               /* steps of path */
    const char *const *path;  /* into JSON */
    const st_term *of, *with; /* what it is computed from */
    st_value value;           /* CONST */
    const struct st_window *window;
    const struct st_read *query;
};

/* A term's C type is a pointer to one of these, which are never defined. */
typedef struct st_t_bool st_t_bool;
typedef struct st_t_int st_t_int; /* whole numbers of any size */
typedef struct st_t_double st_t_double;
typedef struct st_t_text st_t_text;
typedef struct st_t_uuid st_t_uuid;
typedef struct st_t_time st_t_time;
typedef struct st_t_bytes st_t_bytes;
typedef struct st_t_json st_t_json;
typedef struct st_t_texts st_t_texts;
typedef struct st_t_uuids st_t_uuids;
typedef struct st_t_enum st_t_enum;
/* The term type for a member (or value) x. */
#define ST_TERM_OF_(x) \
    __typeof__(_Generic((x), bool: (const st_t_bool *)0, st_opt_bool: (const st_t_bool *)0,                           \
        short: (const st_t_int *)0, int: (const st_t_int *)0, long: (const st_t_int *)0, long long: (const st_t_int *)0, \
        st_opt_int16: (const st_t_int *)0, st_opt_int32: (const st_t_int *)0, st_opt_int64: (const st_t_int *)0,      \
        double: (const st_t_double *)0, st_opt_double: (const st_t_double *)0, char *: (const st_t_text *)0,          \
        const char *: (const st_t_text *)0, st_uuid: (const st_t_uuid *)0, st_opt_uuid: (const st_t_uuid *)0,         \
        st_time: (const st_t_time *)0, st_opt_time: (const st_t_time *)0, st_bytes: (const st_t_bytes *)0,            \
        st_json: (const st_t_json *)0, st_texts: (const st_t_texts *)0, st_uuids: (const st_t_uuids *)0,              \
        unsigned: (const st_t_enum *)0, st_opt_enum: (const st_t_enum *)0))
/* The same numbers as ST_KIND_; whole numbers, truth values and enums are told apart where they meet each other. */
#define ST_TERM_KIND_(t)                                                                                       \
    _Generic((t), const st_t_bool * : 1, const st_t_int * : 1, const st_t_enum * : 1, const st_t_double * : 2, \
             const st_t_text * : 3, const st_t_uuid * : 4, const st_t_time * : 5, const st_t_bytes * : 6,      \
             const st_t_json * : 7, const st_t_texts * : 8, const st_t_uuids * : 9)
#define ST_TERM_EXACT_(t)                                                                                        \
    _Generic((t), const st_t_bool * : 1, const st_t_int * : 2, const st_t_enum * : 10, const st_t_double * : 11, \
             const st_t_text * : 3, const st_t_uuid * : 4, const st_t_time * : 5, const st_t_bytes * : 6,        \
             const st_t_json * : 7, const st_t_texts * : 8, const st_t_uuids * : 9)
/* ST_MUST_ without its words: a term must not be named within a struct, which clang takes for file scope. */
#define ST_NEED_(condition) ((void)sizeof(char[(condition) ? 1 : -1]))
#define ST_ANY_(t) ((void)sizeof(int[ST_TERM_KIND_(t)]), (const st_term *)(t))
#define ST_AS_TERM_(type_, ...) ((type_)(const void *)&(const st_term){__VA_ARGS__})
#define ST_ON_COL_(type_, op_, T_, m) ST_AS_TERM_(type_, .op = (op_), .model = &T_##_model, .offset = offsetof(T_, m))
/* Of number terms only. */
#define ST_NUMBER_TERM_(x)                                      \
    __typeof__(_Generic((x), short                              \
                        : (const st_t_int *)0, int              \
                        : (const st_t_int *)0, long             \
                        : (const st_t_int *)0, long long        \
                        : (const st_t_int *)0, st_opt_int16     \
                        : (const st_t_int *)0, st_opt_int32     \
                        : (const st_t_int *)0, st_opt_int64     \
                        : (const st_t_int *)0, double           \
                        : (const st_t_double *)0, st_opt_double \
                        : (const st_t_double *)0))
/* Of what both databases order. */
#define ST_ORDERED_TERM_(x) \
    __typeof__(_Generic((x), short: (const st_t_int *)0, int: (const st_t_int *)0, long: (const st_t_int *)0,         \
        long long: (const st_t_int *)0, st_opt_int16: (const st_t_int *)0, st_opt_int32: (const st_t_int *)0,         \
        st_opt_int64: (const st_t_int *)0, double: (const st_t_double *)0, st_opt_double: (const st_t_double *)0,     \
        char *: (const st_t_text *)0, const char *: (const st_t_text *)0, st_time: (const st_t_time *)0,              \
        st_opt_time: (const st_t_time *)0))

#define ST_COL(T_, m) ST_ON_COL_(ST_TERM_OF_(ST_MEMBER(T_, m)), ST_T_COLUMN, T_, m)
/* A value; no enum, whose names only a column knows. */
#define ST_CONST(v) ST_AS_TERM_(ST_TERM_OF_(v), .op = ST_T_CONST, .value = ST_V(v))

/* Aggregates. Of no rows, or of nulls only, all but the counts are null: the member that takes one is a nullable form.
 */
#define ST_COUNT_ALL ST_AS_TERM_(const st_t_int *, .op = ST_T_COUNT_ALL)
#define ST_COUNT(T_, m) ST_ON_COL_(const st_t_int *, ST_T_COUNT, T_, m)
#define ST_COUNT_DISTINCT(T_, m) ST_ON_COL_(const st_t_int *, ST_T_COUNT_DISTINCT, T_, m)
#define ST_SUM(T_, m) ST_ON_COL_(ST_NUMBER_TERM_(ST_MEMBER(T_, m)), ST_T_SUM, T_, m)
#define ST_MIN(T_, m) ST_ON_COL_(ST_ORDERED_TERM_(ST_MEMBER(T_, m)), ST_T_MIN, T_, m)
#define ST_MAX(T_, m) ST_ON_COL_(ST_ORDERED_TERM_(ST_MEMBER(T_, m)), ST_T_MAX, T_, m)
#define ST_AVG(T_, m) \
    ((void)sizeof(ST_NUMBER_TERM_(ST_MEMBER(T_, m))), ST_ON_COL_(const st_t_double *, ST_T_AVG, T_, m))

/* Window functions: ST_OVER(ST_SUM(Book, sold), .partition = ST_TERMS(...), .sort = ST_SORT(...)). */
#define ST_ROW_NUMBER ST_AS_TERM_(const st_t_int *, .op = ST_T_ROW_NUMBER)
#define ST_RANK ST_AS_TERM_(const st_t_int *, .op = ST_T_RANK)
#define ST_DENSE_RANK ST_AS_TERM_(const st_t_int *, .op = ST_T_DENSE_RANK)
#define ST_OVER(t, ...) \
    ST_AS_TERM_(__typeof__(t), .op = ST_T_OVER, .of = ST_ANY_(t), .window = &(const struct st_window){__VA_ARGS__})

/* What lies at the path in a JSON column: keys, or numbers (as text) that count an array's items from 0. Null when
 * nothing lies there, or something of another type; ST_JSON_TEXT spells numbers, truth values and whole objects. */
#define ST_JSON_TEXT(T_, m, ...) ST_JSON_AT_(const st_t_text *, ST_TEXT, T_, m, __VA_ARGS__)
#define ST_JSON_INT(T_, m, ...) ST_JSON_AT_(const st_t_int *, ST_INT64, T_, m, __VA_ARGS__)
#define ST_JSON_DOUBLE(T_, m, ...) ST_JSON_AT_(const st_t_double *, ST_DOUBLE, T_, m, __VA_ARGS__)
#define ST_JSON_BOOL(T_, m, ...) ST_JSON_AT_(const st_t_bool *, ST_BOOL, T_, m, __VA_ARGS__)
#define ST_JSON_AT_(type_, sql_type_, T_, m, ...)                                                              \
    (ST_MUST_(ST_KIND_(ST_MEMBER(T_, m)) == 7, "only JSON has parts"),                                         \
     ST_AS_TERM_(type_, .op = ST_T_JSON, .type = (sql_type_), .model = &T_##_model, .offset = offsetof(T_, m), \
                 .path = (const char *const[]){__VA_ARGS__},                                                   \
                 .n = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

/* The first term, or the second where that is null; two numbers of one kind added, ...; lower case (ASCII on SQLite).
 */
#define ST_COALESCE(t, u) ST_TWO_(ST_T_COALESCE, t, u)
#define ST_PLUS(t, u) (ST_NUMBERS_(t), ST_TWO_(ST_T_PLUS, t, u))
#define ST_MINUS(t, u) (ST_NUMBERS_(t), ST_TWO_(ST_T_MINUS, t, u))
#define ST_TIMES(t, u) (ST_NUMBERS_(t), ST_TWO_(ST_T_TIMES, t, u))
#define ST_LOWER(t) \
    (ST_NEED_(ST_TERM_EXACT_(t) == 3), ST_AS_TERM_(const st_t_text *, .op = ST_T_LOWER, .of = ST_ANY_(t)))
#define ST_NUMBERS_(t) ST_NEED_(ST_TERM_EXACT_(t) == 2 || ST_TERM_EXACT_(t) == 11)
#define ST_ALIKE_(t, u) ST_NEED_(ST_TERM_EXACT_(t) == ST_TERM_EXACT_(u))
#define ST_TWO_(op_, t, u) \
    (ST_ALIKE_(t, u), ST_AS_TERM_(__typeof__(t), .op = (op_), .of = ST_ANY_(t), .with = ST_ANY_(u)))
/* The one value of a query of at most one row: ST_SUBQUERY(ST_MAX(Book, sold), Book, .where = ...). */
#define ST_SUBQUERY(t, From_, ...)                                    \
    ST_AS_TERM_(__typeof__(t), .op = ST_T_SUBQUERY, .of = ST_ANY_(t), \
                .query = &(const struct st_read){.from = &From_##_model, __VA_ARGS__})

/* ---- lists of up to eight terms ---- */
#define ST_A1_(t) ST_ANY_(t)
#define ST_A2_(t, ...) ST_ANY_(t), ST_A1_(__VA_ARGS__)
#define ST_A3_(t, ...) ST_ANY_(t), ST_A2_(__VA_ARGS__)
#define ST_A4_(t, ...) ST_ANY_(t), ST_A3_(__VA_ARGS__)
#define ST_A5_(t, ...) ST_ANY_(t), ST_A4_(__VA_ARGS__)
#define ST_A6_(t, ...) ST_ANY_(t), ST_A5_(__VA_ARGS__)
#define ST_A7_(t, ...) ST_ANY_(t), ST_A6_(__VA_ARGS__)
#define ST_A8_(t, ...) ST_ANY_(t), ST_A7_(__VA_ARGS__)
#define ST_A_PICK_(a, b, c, d, e, f, g, h, pick, ...) pick
#define ST_TERMS(...)          \
    ((const st_term *const[]){ \
        ST_A_PICK_(__VA_ARGS__, ST_A8_, ST_A7_, ST_A6_, ST_A5_, ST_A4_, ST_A3_, ST_A2_, ST_A1_, )(__VA_ARGS__), NULL})
#define ST_UP(t)          \
    {                     \
        ST_ANY_(t), false \
    }
#define ST_DOWN(t)       \
    {                    \
        ST_ANY_(t), true \
    }
#define ST_SORT(...) ((const struct st_sort[]){__VA_ARGS__, {NULL, false}})

/* ---- conditions on terms ---- */
#define ST_TERM_VALUE_(t, v) \
    (ST_NEED_(ST_SCALAR_(v) && (ST_KIND_(v) == ST_TERM_KIND_(t) || (ST_KIND_(v) == 1 && ST_TERM_KIND_(t) == 2))),                                                                 \
     _Generic((t), const st_t_bool *: st_v_bool, const st_t_int *: st_v_int64, const st_t_enum *: st_v_enum,          \
         const st_t_double *: st_v_double, const st_t_text *: st_v_text, const st_t_uuid *: st_v_uuid,                \
         const st_t_time *: st_v_time, const st_t_bytes *: st_v_bytes, const st_t_json *: st_v_json,                  \
         const st_t_texts *: st_v_texts, const st_t_uuids *: st_v_uuids)(v))
#define ST_T_CMP_(op_, t, v) \
    (&(const st_expr){.op = (op_), .left = ST_ANY_(t), .n = 1, .values = (const st_value[1]){ST_TERM_VALUE_(t, v)}})
#define ST_T_EQ(t, v) ST_T_CMP_(ST_OP_EQ, t, v)
#define ST_T_NE(t, v) ST_T_CMP_(ST_OP_NE, t, v)
#define ST_T_LT(t, v) ST_T_CMP_(ST_OP_LT, t, v)
#define ST_T_LE(t, v) ST_T_CMP_(ST_OP_LE, t, v)
#define ST_T_GT(t, v) ST_T_CMP_(ST_OP_GT, t, v)
#define ST_T_GE(t, v) ST_T_CMP_(ST_OP_GE, t, v)
#define ST_T_LIKE(t, v) ST_T_MATCH_(ST_OP_LIKE, t, v)
#define ST_T_ILIKE(t, v) ST_T_MATCH_(ST_OP_ILIKE, t, v)
#define ST_T_MATCH_(op_, t, v)                                                \
    (&(const st_expr){.op = (op_),                                            \
                      .left = (ST_NEED_(ST_TERM_EXACT_(t) == 3), ST_ANY_(t)), \
                      .n = 1,                                                 \
                      .values = (const st_value[1]){st_v_text(v)}})
#define ST_T_IS_NULL(t) (&(const st_expr){.op = ST_OP_IS_NULL, .left = ST_ANY_(t)})
#define ST_T_NOT_NULL(t) (&(const st_expr){.op = ST_OP_NOT_NULL, .left = ST_ANY_(t)})
/* Two terms of one type: ST_COMPARE(ST_OP_LT, ST_COL(Book, sold), ST_COL(Rival, sold)). Null equals nothing here. */
#define ST_COMPARE(op_, t, u) \
    (&(const st_expr){.op = (op_), .left = (ST_ALIKE_(t, u), ST_ANY_(t)), .right = ST_ANY_(u)})
#define ST_EQ_COL(T_, m, U_, k) ST_COMPARE(ST_OP_EQ, ST_COL(T_, m), ST_COL(U_, k))

/* A value of any C type that is stored, for ST_CONST and for parameters of raw SQL; no enum: its number is an int. */
#define ST_V(v) \
    _Generic((v), bool: st_v_bool, short: st_v_int16, int: st_v_int32, long: st_v_int64, long long: st_v_int64,       \
        double: st_v_double, char *: st_v_text, const char *: st_v_text, st_uuid: st_v_uuid, st_time: st_v_time,      \
        st_bytes: st_v_bytes, st_json: st_v_json, st_texts: st_v_texts, st_uuids: st_v_uuids)(v)

DECLS_END

#endif
