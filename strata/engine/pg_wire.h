/* pg_wire.h: PostgreSQL's binary formats: type numbers, parameters, arrays. */
#ifndef STRATA_ENGINE_PG_WIRE_H
#define STRATA_ENGINE_PG_WIRE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "strata/types.h"

enum pg_oid { /* src/include/catalog/pg_type.dat */
              PG_BOOL = 16,
              PG_BYTEA = 17,
              PG_CHAR = 18,
              PG_NAME = 19,
              PG_INT8 = 20,
              PG_INT2 = 21,
              PG_INT4 = 23,
              PG_TEXT = 25,
              PG_OID = 26,
              PG_JSON = 114,
              PG_FLOAT4 = 700,
              PG_FLOAT8 = 701,
              PG_UNKNOWN = 705,
              PG_BOOL_ARRAY = 1000,
              PG_BYTEA_ARRAY = 1001,
              PG_NAME_ARRAY = 1003,
              PG_INT2_ARRAY = 1005,
              PG_INT4_ARRAY = 1007,
              PG_TEXT_ARRAY = 1009,
              PG_VARCHAR_ARRAY = 1015,
              PG_INT8_ARRAY = 1016,
              PG_FLOAT8_ARRAY = 1022,
              PG_BPCHAR = 1042,
              PG_VARCHAR = 1043,
              PG_TIMESTAMP = 1114,
              PG_TIMESTAMPTZ = 1184,
              PG_TIMESTAMPTZ_ARRAY = 1185,
              PG_UUID = 2950,
              PG_UUID_ARRAY = 2951,
              PG_JSONB = 3802,
              PG_JSONB_ARRAY = 3807,
              PG_FIRST_OWN = 16384 /* types that users made */
};

static inline uint16_t pg_get16(const char *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return be16toh(v);
}
static inline uint32_t pg_get32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return be32toh(v);
}
static inline uint64_t pg_get64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}
static inline void pg_put16(char *p, uint16_t v)
{
    v = htobe16(v);
    memcpy(p, &v, sizeof v);
}
static inline void pg_put32(char *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof v);
}
static inline void pg_put64(char *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof v);
}

/* PostgreSQL counts from 2000. Its infinities are the ends of int64 and stay that; what would pass them saturates. */
#define PG_EPOCH_US INT64_C(946684800000000)
static inline int64_t pg_time_in(int64_t wire)
{
    int64_t us;
    return wire == INT64_MIN || __builtin_add_overflow(wire, PG_EPOCH_US, &us) ? (wire < 0 ? INT64_MIN : INT64_MAX)
                                                                               : us;
}
static inline int64_t pg_time_out(int64_t us)
{
    int64_t wire;
    return us == INT64_MAX || __builtin_sub_overflow(us, PG_EPOCH_US, &wire) ? (us < 0 ? INT64_MIN : INT64_MAX) : wire;
}

/* The type a value is bound as. */
unsigned pg_value_oid(const st_value *v);

/* Parameters as libpq takes them, in binary. */
struct pg_params {
    int n;
    unsigned *types;
    const char **values;
    int *lengths;
    int *formats;
    uint64_t types_hash; /* of types: the same SQL prepared for other types is another statement */
};
/* Everything lives in a and in the values. -ENOMEM; ST_E_INVALID for an enum value without a name or too many. */
st_err pg_params_make(arena *a, const st_value *values, size_t n, struct pg_params *ret);

/* The elements of a one-dimensional array, in wire form. False when it is none. Each element follows as a 32-bit length
 * (-1: null) and its bytes; the caller checks that they stay within the value. */
struct pg_array {
    unsigned element;
    size_t n;
    const char *at, *end;
};
bool pg_array_open(const char *p, size_t len, struct pg_array *ret);
/* The next element; false when the value is malformed. *ret NULL: null. */
bool pg_array_next(struct pg_array *a, const char **ret, size_t *ret_len);
/* Writes the header of a one-dimensional array; returns the place of the first element. */
enum { PG_ARRAY_EMPTY = 12, PG_ARRAY_HEAD = 20 };
char *pg_array_start(char *p, unsigned element, size_t n, bool has_null);

#endif
