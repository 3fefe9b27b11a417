/* expr.h: conditions on models, typed: a value of a wrong C type for the column does not compile.
 *
 * Expressions are compound literals with the lifetime of the enclosing block; nothing is allocated.
 *
 *     ST_AND(ST_EQ(Domain, status, DOMAIN_NEW), ST_LIKE(Domain, name, "%.org"))
 *
 * NULL as a whole condition means "all rows of the session's tenant". */
#ifndef STRATA_EXPR_H
#define STRATA_EXPR_H

#include "strata/model.h"

enum st_op {
    ST_OP_EQ = 1, ST_OP_NE, ST_OP_LT, ST_OP_LE, ST_OP_GT, ST_OP_GE, ST_OP_LIKE, ST_OP_ILIKE, ST_OP_IN,
    ST_OP_BETWEEN, ST_OP_IS_NULL, ST_OP_NOT_NULL, ST_OP_AND, ST_OP_OR, ST_OP_NOT
};
typedef struct st_expr st_expr;
struct st_expr {
    enum st_op op;
    const st_model *model; /* of the column */
    uint32_t offset;       /* of the column's member */
    const st_value *values;
    size_t n_values;
    const st_expr *const *args; /* AND, OR, NOT */
    size_t n_args;
};

/* Makers of values, chosen by the member's type; passing another type is an error of the compiler. */
static inline st_value st_v_bool(bool v) { return (st_value){.type = ST_BOOL, .b = v}; }
static inline st_value st_v_int16(int16_t v) { return (st_value){.type = ST_INT16, .i16 = v}; }
static inline st_value st_v_int32(int32_t v) { return (st_value){.type = ST_INT32, .i32 = v}; }
static inline st_value st_v_int64(int64_t v) { return (st_value){.type = ST_INT64, .i64 = v}; }
static inline st_value st_v_double(double v) { return (st_value){.type = ST_DOUBLE, .d = v}; }
static inline st_value st_v_text(const char *v)
{
    return (st_value){.type = ST_TEXT, .null = !v, .text = {v, v ? strlen(v) : 0}};
}
static inline st_value st_v_uuid(st_uuid v) { return (st_value){.type = ST_UUID, .uuid = v}; }
static inline st_value st_v_time(st_time v) { return (st_value){.type = ST_TIME, .time = v}; }
static inline st_value st_v_bytes(st_bytes v) { return (st_value){.type = ST_BYTES, .null = !v.p, .bytes = v}; }
static inline st_value st_v_json(st_json v)
{
    return (st_value){.type = ST_JSON, .null = !v.text, .text = {v.text, v.text ? strlen(v.text) : 0}};
}
static inline st_value st_v_texts(st_texts v) { return (st_value){.type = ST_TEXTS, .texts = v}; }
static inline st_value st_v_uuids(st_uuids v) { return (st_value){.type = ST_UUIDS, .uuids = v}; }
static inline st_value st_v_enum(unsigned v) { return (st_value){.type = ST_ENUM, .e = {v, NULL}}; }

#define ST_MEMBER(T_, m) (((const T_ *)0)->m)
#define ST_VALUE(T_, m, v)                                                                                       \
    _Generic(ST_MEMBER(T_, m), bool: st_v_bool, int16_t: st_v_int16, int32_t: st_v_int32, int64_t: st_v_int64,   \
        double: st_v_double, char *: st_v_text, const char *: st_v_text, st_uuid: st_v_uuid, st_time: st_v_time, \
        st_bytes: st_v_bytes, st_json: st_v_json, st_texts: st_v_texts, st_uuids: st_v_uuids,                    \
        unsigned: st_v_enum, st_opt_bool: st_v_bool, st_opt_int16: st_v_int16, st_opt_int32: st_v_int32,         \
        st_opt_int64: st_v_int64, st_opt_double: st_v_double, st_opt_uuid: st_v_uuid, st_opt_time: st_v_time,    \
        st_opt_enum: st_v_enum)(v)
#define ST_CMP_(op_, T_, m, ...)                                                                       \
    (&(const st_expr){.op = (op_), .model = &T_##_model, .offset = offsetof(T_, m),                    \
                      .values = (const st_value[]){__VA_ARGS__},                                       \
                      .n_values = sizeof((const st_value[]){__VA_ARGS__}) / sizeof(st_value)})
#define ST_EQ(T_, m, v) ST_CMP_(ST_OP_EQ, T_, m, ST_VALUE(T_, m, v))
#define ST_NE(T_, m, v) ST_CMP_(ST_OP_NE, T_, m, ST_VALUE(T_, m, v))
#define ST_LT(T_, m, v) ST_CMP_(ST_OP_LT, T_, m, ST_VALUE(T_, m, v))
#define ST_LE(T_, m, v) ST_CMP_(ST_OP_LE, T_, m, ST_VALUE(T_, m, v))
#define ST_GT(T_, m, v) ST_CMP_(ST_OP_GT, T_, m, ST_VALUE(T_, m, v))
#define ST_GE(T_, m, v) ST_CMP_(ST_OP_GE, T_, m, ST_VALUE(T_, m, v))
#define ST_BETWEEN(T_, m, lo, hi) ST_CMP_(ST_OP_BETWEEN, T_, m, ST_VALUE(T_, m, lo), ST_VALUE(T_, m, hi))
#define ST_LIKE(T_, m, v) ST_CMP_(ST_OP_LIKE, T_, m, st_v_text(v))
#define ST_ILIKE(T_, m, v) ST_CMP_(ST_OP_ILIKE, T_, m, st_v_text(v))
/* values: an array of st_value of the column's type, n of them; n == 0 matches nothing. */
#define ST_IN(T_, m, values_, n_)                                                                \
    (&(const st_expr){.op = ST_OP_IN, .model = &T_##_model, .offset = offsetof(T_, m), .values = (values_), \
                      .n_values = (n_)})
#define ST_IS_NULL(T_, m) (&(const st_expr){.op = ST_OP_IS_NULL, .model = &T_##_model, .offset = offsetof(T_, m)})
#define ST_NOT_NULL(T_, m) (&(const st_expr){.op = ST_OP_NOT_NULL, .model = &T_##_model, .offset = offsetof(T_, m)})
#define ST_JOIN_(op_, ...)                                                       \
    (&(const st_expr){.op = (op_), .args = (const st_expr *const[]){__VA_ARGS__}, \
                      .n_args = sizeof((const st_expr *const[]){__VA_ARGS__}) / sizeof(st_expr *)})
#define ST_AND(...) ST_JOIN_(ST_OP_AND, __VA_ARGS__) /* NULL arguments are left out */
#define ST_OR(...) ST_JOIN_(ST_OP_OR, __VA_ARGS__)
#define ST_NOT(e) ST_JOIN_(ST_OP_NOT, e)

struct st_order {
    const st_model *model; /* NULL ends a list */
    uint32_t offset;
    bool descending;
};
#define ST_ASC(T_, m) {&T_##_model, offsetof(T_, m), false}
#define ST_DESC(T_, m) {&T_##_model, offsetof(T_, m), true}
#define ST_ORDER(...) ((const struct st_order[]){__VA_ARGS__, {NULL, 0, false}})

#endif
