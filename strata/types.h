/* types.h: the values that Strata stores, as C types, and the codes it returns.
 *
 * Pointers inside values belong to whoever made the value; what a session loads points into the session. */
#ifndef STRATA_TYPES_H
#define STRATA_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/diag.h"
#include "base/uuid.h"

DECLS_BEGIN

typedef struct uuid st_uuid;
typedef struct st_time {
    int64_t us; /* microseconds since 1970-01-01T00:00:00Z */
} st_time;
typedef struct st_bytes {
    const uint8_t *p; /* NULL: null */
    size_t len;
} st_bytes;
typedef struct st_json {
    const char *text; /* NULL: null; valid JSON, NUL-terminated */
} st_json;
typedef struct st_texts { /* array of text */
    const char *const *v;
    size_t n; /* v == NULL and n == 0: null when the column may be null, else the empty array */
} st_texts;
typedef struct st_uuids { /* array of uuid */
    const st_uuid *v;
    size_t n;
} st_uuids;

/* The nullable form of each scalar; text, bytes, json and arrays are null when their pointer is NULL. */
#define ST_OPT(name, type) \
    typedef struct name {  \
        type v;            \
        bool set;          \
    } name
ST_OPT(st_opt_bool, bool);
ST_OPT(st_opt_int16, int16_t);
ST_OPT(st_opt_int32, int32_t);
ST_OPT(st_opt_int64, int64_t);
ST_OPT(st_opt_double, double);
ST_OPT(st_opt_uuid, st_uuid);
ST_OPT(st_opt_time, st_time);
ST_OPT(st_opt_enum, unsigned);

enum st_type {
    ST_BOOL = 1,
    ST_INT16,
    ST_INT32,
    ST_INT64,
    ST_DOUBLE,
    ST_TEXT,
    ST_UUID,
    ST_TIME, /* timestamptz */
    ST_BYTES,
    ST_JSON,  /* jsonb on PostgreSQL */
    ST_TEXTS, /* text[]; JSON text on SQLite */
    ST_UUIDS, /* uuid[]; JSON text on SQLite */
    ST_ENUM,  /* a C enum from 0; text with CHECK, or smallint */
    ST_TYPE_MAX
};
enum { ST_NULLABLE = 0x40 }; /* or'ed to a type inferred from an st_opt_ member */

/* The names of an enum, in the order of its C values. */
struct st_enum {
    const char *name;
    const char *const *values;
    unsigned n;
};
#define ST_ENUM_DEFINE(id, ...)                                         \
    const struct st_enum id = {#id, (const char *const[]){__VA_ARGS__}, \
                               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)}

/* A value to bind. */
typedef struct st_value {
    enum st_type type;
    bool null;
    union {
        bool b;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        double d;
        struct {
            const char *p;
            size_t len;
        } text; /* ST_TEXT, ST_JSON */
        st_uuid uuid;
        st_time time;
        st_bytes bytes;
        st_texts texts;
        st_uuids uuids;
        struct {
            unsigned v;
            const struct st_enum *of; /* NULL: bound as smallint */
        } e;
    };
} st_value;

enum st_dialect { ST_SQLITE = 1, ST_POSTGRESQL };

/* What Strata's calls return beside 0, -ENOMEM, -ECANCELED and -ETIMEDOUT; the diagnosis has the details. */
typedef int st_err;
enum st_error {
    ST_E_INVALID = -2000,       /* the call or the value breaks a rule of the model; diag names the field */
    ST_E_NOT_FOUND = -2001,     /* no such row for this tenant */
    ST_E_CONFLICT = -2002,      /* another writer changed or deleted the row (optimistic version) */
    ST_E_UNIQUE = -2003,        /* unique or primary key violated; diag names the constraint */
    ST_E_FOREIGN_KEY = -2004,   /* foreign key violated */
    ST_E_CHECK = -2005,         /* check violated */
    ST_E_NOT_NULL = -2006,      /* null in a column that may not be */
    ST_E_SERIALIZATION = -2007, /* serialization failure: run the transaction again */
    ST_E_DEADLOCK = -2008,      /* chosen as deadlock victim: run the transaction again */
    ST_E_CONNECTION = -2009,    /* the connection was refused or lost */
    ST_E_POOL_TIMEOUT = -2010,  /* no connection became free in time */
    ST_E_BUSY = -2011,          /* lock not granted in time (SQLite busy, PostgreSQL lock_timeout) */
    ST_E_SQL = -2012,           /* any other error of the database; diag has the SQLSTATE */
    ST_E_SCHEMA = -2013,        /* a table or column is not there: run the migrations */
    ST_E_NOT_LOADED = -2014,    /* a relation was read that was not loaded; diag names the loader to add */
    ST_E_URL = -2015,           /* the database URL is wrong; diag says where */
    ST_E_TENANT = -2016,        /* a tenant's row in a session of another, or no tenant where one is needed */
    ST_E_READ_ONLY = -2017,     /* a write in a read-only session or database */
    ST_E_FULL = -2018,          /* disk full */
    ST_E_TOO_NEW = -2019        /* the database is at a revision this program does not know */
};
const char *st_error_name(st_err code); /* "unique", "conflict", ...; never NULL */

DECLS_END

#endif
