/* expr.h: conditions on models, typed: a value of a wrong C type for the column does not compile.
 *
 * Expressions are compound literals with the lifetime of the enclosing block; nothing is allocated.
 *
 *     ST_AND(ST_EQ(Domain, status, DOMAIN_NEW), ST_LIKE(Domain, name, "%.org"))
 *
 * NULL as a whole condition means "all rows of the session's tenant". A condition means the same on both databases:
 * LIKE minds case, and text equal to NULL is IS NULL. */
#ifndef STRATA_EXPR_H
#define STRATA_EXPR_H

#include "base/decls.h"
#include "strata/model.h"

DECLS_BEGIN

enum st_op {
    ST_OP_EQ = 1,
    ST_OP_NE,
    ST_OP_LT,
    ST_OP_LE,
    ST_OP_GT,
    ST_OP_GE,
    ST_OP_LIKE,
    ST_OP_ILIKE,
    ST_OP_IN,
    ST_OP_BETWEEN,
    ST_OP_IS_NULL,
    ST_OP_NOT_NULL,
    ST_OP_AND,
    ST_OP_OR,
    ST_OP_NOT,
    ST_OP_EXISTS,
    ST_OP_IN_QUERY,
    ST_OP_AFTER
};
/* Deeper nesting of AND, OR and NOT, more parts, and longer lists are ST_E_INVALID. */
enum { ST_EXPR_DEPTH_MAX = 32, ST_EXPR_NODES_MAX = 10000, ST_IN_MAX = 16384 };

typedef struct st_expr st_expr;
typedef struct st_term st_term; /* term.h */
struct st_read;                 /* select.h */
struct st_order;
struct st_expr {
    enum st_op op;
    const st_model *model; /* of the column */
    uint32_t offset;       /* of the column's member */
    uint32_t n;            /* values, items of the list, or arguments */
    const st_value *values;
    const void *list;             /* IN: an array of the member's plain C type */
    const st_expr *const *args;   /* AND, OR, NOT */
    const st_term *left;          /* a comparison of a term instead of a column */
    const st_term *right;         /* ... with another term instead of a value */
    const struct st_read *query;  /* EXISTS, IN_QUERY */
    const struct st_order *order; /* AFTER: rows behind values (n of them) in this order, all one way and not null */
};

/* Makers of values, chosen by the member's type; passing another type is an error of the compiler. */
static inline st_value st_v_bool(bool v)
{
    return (st_value){.type = ST_BOOL, .null = false, .b = v};
}
static inline st_value st_v_int16(int16_t v)
{
    return (st_value){.type = ST_INT16, .null = false, .i16 = v};
}
static inline st_value st_v_int32(int32_t v)
{
    return (st_value){.type = ST_INT32, .null = false, .i32 = v};
}
static inline st_value st_v_int64(int64_t v)
{
    return (st_value){.type = ST_INT64, .null = false, .i64 = v};
}
static inline st_value st_v_double(double v)
{
    return (st_value){.type = ST_DOUBLE, .null = false, .d = v};
}
static inline st_value st_v_text(const char *v)
{
    return (st_value){.type = ST_TEXT, .null = !v, .text = {v, v ? strlen(v) : 0}};
}
static inline st_value st_v_uuid(st_uuid v)
{
    return (st_value){.type = ST_UUID, .null = false, .uuid = v};
}
static inline st_value st_v_time(st_time v)
{
    return (st_value){.type = ST_TIME, .null = false, .time = v};
}
static inline st_value st_v_bytes(st_bytes v)
{
    return (st_value){.type = ST_BYTES, .null = !v.p, .bytes = v};
}
static inline st_value st_v_json(st_json v)
{
    return (st_value){.type = ST_JSON, .null = !v.text, .text = {v.text, v.text ? strlen(v.text) : 0}};
}
static inline st_value st_v_texts(st_texts v)
{
    return (st_value){.type = ST_TEXTS, .null = false, .texts = v};
}
static inline st_value st_v_uuids(st_uuids v)
{
    return (st_value){.type = ST_UUIDS, .null = false, .uuids = v};
}
static inline st_value st_v_enum(unsigned v)
{
    return (st_value){.type = ST_ENUM, .null = false, .e = {v, NULL}};
}

/* clang-format off */
/* 1: whole numbers, 2: fractions, then one for each type that mixes with no other; 0: nothing that is stored. */
#define ST_KIND_(x)                                                                                                  \
    _Generic((x), bool: 1, char: 1, signed char: 1, unsigned char: 1, short: 1, unsigned short: 1, int: 1,           \
        unsigned: 1, long: 1, unsigned long: 1, long long: 1, unsigned long long: 1, float: 2, double: 2,            \
        char *: 3, const char *: 3, void *: 3, st_uuid: 4, st_time: 5, st_bytes: 6, st_json: 7, st_texts: 8,         \
        st_uuids: 9, st_opt_bool: 1, st_opt_int16: 1, st_opt_int32: 1, st_opt_int64: 1, st_opt_double: 2,            \
        st_opt_uuid: 4, st_opt_time: 5, st_opt_enum: 1, default: 0)
#define ST_SCALAR_(x) /* whether x is a value itself, not a nullable form */                                        \
    _Generic((x), st_opt_bool: 0, st_opt_int16: 0, st_opt_int32: 0, st_opt_int64: 0, st_opt_double: 0,               \
        st_opt_uuid: 0, st_opt_time: 0, st_opt_enum: 0, default: 1)
#define ST_MUST_(condition, text)                    \
    ((void)sizeof(struct {                           \
        _Static_assert(condition, text);             \
        char unused_;                                \
    }))
/* The member, for its type alone; at any address but 0, for cppcheck takes that for a dereference of NULL. */
#define ST_MEMBER(T_, m) (((const T_ *)64UL)->m)
#define ST_VALUE(T_, m, v)                                                                                           \
    (ST_MUST_(ST_SCALAR_(v) && (ST_KIND_(v) == ST_KIND_(ST_MEMBER(T_, m)) ||                                         \
                                (ST_KIND_(v) == 1 && ST_KIND_(ST_MEMBER(T_, m)) == 2)),                              \
              "the value is not of the column's type"),                                                              \
     _Generic(ST_MEMBER(T_, m), bool: st_v_bool, int16_t: st_v_int16, int32_t: st_v_int32, int64_t: st_v_int64,      \
         double: st_v_double, char *: st_v_text, const char *: st_v_text, st_uuid: st_v_uuid, st_time: st_v_time,    \
         st_bytes: st_v_bytes, st_json: st_v_json, st_texts: st_v_texts, st_uuids: st_v_uuids, unsigned: st_v_enum,  \
         st_opt_bool: st_v_bool, st_opt_int16: st_v_int16, st_opt_int32: st_v_int32, st_opt_int64: st_v_int64,       \
         st_opt_double: st_v_double, st_opt_uuid: st_v_uuid, st_opt_time: st_v_time, st_opt_enum: st_v_enum)(v))
#define ST_CMP_(op_, T_, m, n_, ...)                                                          \
    (&(const st_expr){.op = (op_), .model = &T_##_model, .offset = offsetof(T_, m), .n = (n_), \
                      .values = (const st_value[n_]){__VA_ARGS__}})
#define ST_EQ(T_, m, v) ST_CMP_(ST_OP_EQ, T_, m, 1, ST_VALUE(T_, m, v))
#define ST_NE(T_, m, v) ST_CMP_(ST_OP_NE, T_, m, 1, ST_VALUE(T_, m, v))
#define ST_LT(T_, m, v) ST_CMP_(ST_OP_LT, T_, m, 1, ST_VALUE(T_, m, v))
#define ST_LE(T_, m, v) ST_CMP_(ST_OP_LE, T_, m, 1, ST_VALUE(T_, m, v))
#define ST_GT(T_, m, v) ST_CMP_(ST_OP_GT, T_, m, 1, ST_VALUE(T_, m, v))
#define ST_GE(T_, m, v) ST_CMP_(ST_OP_GE, T_, m, 1, ST_VALUE(T_, m, v))
#define ST_BETWEEN(T_, m, lo, hi) ST_CMP_(ST_OP_BETWEEN, T_, m, 2, ST_VALUE(T_, m, lo), ST_VALUE(T_, m, hi))
/* % any run, _ any character, \ takes the next one as it is. ILIKE folds ASCII letters only on SQLite. */
#define ST_LIKE(T_, m, v) ST_CMP_(ST_OP_LIKE, T_, m, 1, (ST_TEXT_MEMBER_(T_, m), st_v_text(v)))
#define ST_ILIKE(T_, m, v) ST_CMP_(ST_OP_ILIKE, T_, m, 1, (ST_TEXT_MEMBER_(T_, m), st_v_text(v)))
#define ST_TEXT_MEMBER_(T_, m) ST_MUST_(ST_KIND_(ST_MEMBER(T_, m)) == 3, "only text is matched by a pattern")

/* One number a C type whose array a list may be. */
#define ST_ELEMENT_(x)                                                                                               \
    _Generic((x), bool: 1, int16_t: 2, int32_t: 3, int64_t: 4, double: 5, char *: 6, const char *: 6, st_uuid: 7,    \
        st_time: 8, unsigned: 9, st_opt_bool: 1, st_opt_int16: 2, st_opt_int32: 3, st_opt_int64: 4,                  \
        st_opt_double: 5, st_opt_uuid: 7, st_opt_time: 8, st_opt_enum: 9, default: 0)
/* array: n values of the member's plain type (of const char * for text); n == 0 matches nothing. */
#define ST_IN(T_, m, array, n_)                                                                                      \
    (&(const st_expr){.op = ST_OP_IN, .model = &T_##_model, .offset = offsetof(T_, m), .n = (uint32_t)(n_),          \
                      .list = (ST_MUST_(ST_ELEMENT_(ST_MEMBER(T_, m)) != 0 &&                                        \
                                            ST_ELEMENT_(*(array)) == ST_ELEMENT_(ST_MEMBER(T_, m)),                  \
                                        "the array is not of the column's type"),                                    \
                               (array))})
#define ST_IS_NULL(T_, m) (&(const st_expr){.op = ST_OP_IS_NULL, .model = &T_##_model, .offset = offsetof(T_, m)})
#define ST_NOT_NULL(T_, m) (&(const st_expr){.op = ST_OP_NOT_NULL, .model = &T_##_model, .offset = offsetof(T_, m)})
#define ST_JOIN_(op_, ...)                                                                         \
    (&(const st_expr){.op = (op_), .n = sizeof((const st_expr *[]){__VA_ARGS__}) / sizeof(st_expr *), \
                      .args = (const st_expr *const[]){__VA_ARGS__}})
#define ST_AND(...) ST_JOIN_(ST_OP_AND, __VA_ARGS__) /* NULL arguments are left out; of none: every row */
#define ST_OR(...) ST_JOIN_(ST_OP_OR, __VA_ARGS__)   /* the same; of none: no row */
#define ST_NOT(e) ST_JOIN_(ST_OP_NOT, e)
/* clang-format on */

struct st_order {
    const st_model *model; /* NULL ends a list */
    uint32_t offset;
    bool descending; /* null comes last when rising, first when falling, on both databases */
};
/* clang-format off */
#define ST_ASC(T_, m) {&T_##_model, offsetof(T_, m), false}
#define ST_DESC(T_, m) {&T_##_model, offsetof(T_, m), true}
#define ST_ORDER(...) ((const struct st_order[]){__VA_ARGS__, {NULL, 0, false}})
/* clang-format on */

/* What an update by criteria writes. */
struct st_assign {
    uint32_t offset;
    bool add; /* column = column + value */
    st_value value;
};
/* clang-format off */
#define ST_SET(T_, m, v) {.offset = offsetof(T_, m), .value = ST_VALUE(T_, m, v)}
#define ST_SET_NULL(T_, m) {.offset = offsetof(T_, m), .value = {.null = true}}
#define ST_ADD(T_, m, v)                                                                                      \
    {.offset = offsetof(T_, m), .add = true,                                                                  \
     .value = (ST_MUST_(ST_KIND_(ST_MEMBER(T_, m)) == 1 || ST_KIND_(ST_MEMBER(T_, m)) == 2, "only numbers add up"), \
               ST_VALUE(T_, m, v))}
/* clang-format on */

DECLS_END

#endif
