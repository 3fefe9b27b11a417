/* model.h: a plain struct, and one descriptor that says everything else about it.
 *
 * The descriptor drives DDL, migrations, queries, JSON, validation and API schemas; nothing restates a column.
 * Descriptors are static const and live as long as the program.
 *
 *     typedef struct Domain { st_uuid tenant_id, id; const char *name; int32_t version; st_list jobs; } Domain;
 *     extern const st_model Domain_model;               // in the header: ST_DECLARE(Domain);
 *
 *     #define T Domain                                  // in one .c file, which includes strata/define.h
 *     ST_MODEL(Domain, "domains",
 *         COL(tenant_id, .tenant = true, .pk = true),
 *         COL(id,        .pk = true),
 *         COL(name,      .max = 253, .was = "fqdn"),
 *         COL(version,   .version = true),
 *         MANY(jobs, Job, domain_id, .on_delete = ST_CASCADE),
 *         UNIQUE("domains_name_key", "name"));          // tenant_id is put in front by itself
 *     #undef T
 *
 * The SQL type is inferred from the member with _Generic; a misspelled member or an unsupported type does not
 * compile. Text, bytes, json and arrays are NOT NULL unless .null = true; scalars are nullable by their type. */
#ifndef STRATA_MODEL_H
#define STRATA_MODEL_H

#include "base/arena.h"
#include "base/decls.h"
#include "strata/types.h"

DECLS_BEGIN

typedef struct st_model st_model;
typedef struct st_attr st_attr;
struct st_session;
struct st_table_policy;
struct st_table_trigger;

/* Makes a member's value for s, which may be asked for its arena and be used in no other way meanwhile (-EBUSY). row is
 * the struct so far: tenant, id and the members before this one are there; NULL for an update by criteria. *ret is null
 * at first; what it points to comes from a or outlives it. A negative code fails the session. */
typedef st_err st_maker(struct st_session *s, const void *row, arena *a, st_value *ret);

enum st_attr_kind {
    ST_A_COLUMN = 1,
    ST_A_MANY,   /* one-to-many: this model's key is in target's via member; many-to-many: both keys are in rows of
                    through */
    ST_A_ONE,    /* many-to-one (via is a member here) or one-to-one (via is a member of target) */
    ST_A_UNIQUE, /* table-level, from columns */
    ST_A_INDEX,
    ST_A_CHECK,
    ST_A_FOREIGN_KEY, /* table-level: columns to columns of target; the tenant is not put in front */
    ST_A_UNMAPPED,    /* a column of the table that the struct has no member for: migrations know it, sessions do not */
    ST_A_COMMENT,     /* the table's */
    ST_A_POLICY,
    ST_A_TRIGGER,
    ST_A_PRIMARY_KEY /* what the key of the .pk columns says besides: .deferrable */
};
enum st_action { ST_NO_ACTION, ST_RESTRICT, ST_CASCADE, ST_SET_NULL, ST_SET_DEFAULT };
/* When a constraint is checked: after each statement; the same unless a transaction says SET CONSTRAINTS ... DEFERRED
 * (which SQLite has not); at COMMIT. */
enum st_deferral { ST_NOT_DEFERRABLE, ST_DEFERRABLE, ST_DEFERRED };

struct st_attr {
    enum st_attr_kind kind;
    const char *name;   /* the member and the JSON name; of a constraint or index: its name */
    const char *column; /* the column's name when unlike the member's */
    unsigned type;      /* enum st_type, perhaps | ST_NULLABLE */
    uint32_t offset, size;

    bool pk, tenant, version, unique, null;
    bool created, updated;               /* timestamps the session keeps: set at insert; at insert and each update */
    bool not_null;                       /* of an st_opt_ member: the column is NOT NULL; not set is not given, for what
                                            follows */
    bool hidden;                         /* never in JSON */
    bool read_only;                      /* never taken from JSON */
    bool as_smallint;                    /* ST_ENUM stored as its number */
    uint32_t max;                        /* most characters of a text, bytes of bytes, items of an array; 0: no limit */
    const double *min_value, *max_value; /* inclusive range of a number, through ST_NUMBER(x) */
    const char *pattern;                 /* PCRE2, text must match it whole */
    const char *default_sql; /* server default, spelled the same for both dialects: "0", "false", "'new'", "now()" */
    /* What the session puts into a new row where nothing was given (null; a nil uuid, a zero time, or a zero out of its
     * range): CONSTANT(member, value), or what a function makes. st_add sees to it, st_insert_many and the copies. */
    const void *client_value;
    st_maker *client_default;
    st_maker *client_update; /* whenever the session updates the row and leaves the member as it was */
    const char *check;       /* SQL condition on this column (or, for ST_A_CHECK, on the row) */
    const char *was;         /* former name, for exact renames by autogenerate */
    const char *comment;
    const char *type_sql;  /* the column's type when it is none of ours, spelled for its database: of a text,
                              "varchar(20)"; on SQLite of a number or bool, "BIGINT"; of an ST_A_UNMAPPED, any */
    const char *enum_type; /* with enumeration, PostgreSQL: an enum type of that name instead of text with a CHECK */
    const char *generated; /* ST_A_UNMAPPED: GENERATED ALWAYS AS (this) STORED */
    bool identity;         /* an integer that the database numbers when a statement leaves it out; sessions write the
                              member as it is */
    bool exclude;          /* ST_A_CHECK, PostgreSQL: check is what follows EXCLUDE */
    const struct st_enum *enumeration;
    const st_model *references; /* foreign key to its primary key; tenant_id is carried along by itself */
    enum st_action on_delete, on_update;
    enum st_deferral deferrable; /* of the foreign key; of the column's UNIQUE when it has none; of an ST_A_UNIQUE,
                                    EXCLUDE and PRIMARY_KEY, PostgreSQL: SQLite checks these at once. No foreign key
                                    points at one that may be deferred, and no .conflict of st_insert_many names it */
    const char *along; /* a member that the foreign key carries beside the tenant: the target's row must have the same
                          value in its member of that name, and a UNIQUE over it and its key */

    const st_model *target;  /* relations */
    const char *via;         /* relations: the member that holds the foreign key (with through: this model's, in it) */
    const st_model *through; /* many-to-many: the model of the rows between */
    const char *far_via;     /* many-to-many: the member of through that holds the target's key */
    bool delete_orphan;      /* MANY: a child that is taken out of its parent is deleted */
    /* Constraints and indexes: member names, NULL-terminated. "-name" is descending; of an index "(lower(name))" is an
     * expression over columns. Behind a blank stands what it says besides, st_table_index.how: "-name nulls last". */
    const char *const *columns;
    const char *const *include;             /* PostgreSQL: members that it holds beside its key, NULL-terminated */
    bool nulls_not_distinct;                /* PostgreSQL 15, of a unique one: two nulls are the same */
    const char *with;                       /* PostgreSQL: storage parameters, "fillfactor = 70" */
    const char *const *to;                  /* ST_A_FOREIGN_KEY: members of target */
    const char *where;                      /* partial index */
    const char *expression;                 /* expression index */
    const char *method;                     /* index method, PostgreSQL */
    const struct st_table_policy *policy;   /* strata/migrate.h */
    const struct st_table_trigger *trigger; /* strata/migrate.h */
};

struct st_model {
    const char *name; /* of the struct */
    const char *table;
    const char *was;
    size_t size; /* of the struct, bytes */
    const st_attr *attrs;
    size_t n_attrs;
    const st_model *alias_of; /* ST_ALIAS: that table under another name within a query; only name is set besides */
};

#define ST_DECLARE(type) extern const st_model type##_model
/* What most structs begin with; the descriptor says it with BASE_KEY(...) and BASE_STAMPS (define.h). */
#define ST_BASE                     \
    st_uuid tenant_id, id;          \
    st_time created_at, updated_at; \
    int32_t version

/* clang-format off */
#define ST_TYPE_OF(x)                                                                                              \
    _Generic((x), bool: ST_BOOL, int16_t: ST_INT16, int32_t: ST_INT32, int64_t: ST_INT64, double: ST_DOUBLE,       \
        char *: ST_TEXT, const char *: ST_TEXT, st_uuid: ST_UUID, st_time: ST_TIME, st_bytes: ST_BYTES,            \
        st_json: ST_JSON, st_texts: ST_TEXTS, st_uuids: ST_UUIDS, unsigned: ST_ENUM,                               \
        st_opt_bool: ST_BOOL | ST_NULLABLE, st_opt_int16: ST_INT16 | ST_NULLABLE,                                  \
        st_opt_int32: ST_INT32 | ST_NULLABLE, st_opt_int64: ST_INT64 | ST_NULLABLE,                                \
        st_opt_double: ST_DOUBLE | ST_NULLABLE, st_opt_uuid: ST_UUID | ST_NULLABLE,                                \
        st_opt_time: ST_TIME | ST_NULLABLE, st_opt_enum: ST_ENUM | ST_NULLABLE)
#define ST_NUMBER(x) (&(const double){x})
/* clang-format on */

/* A loaded collection (ST_A_MANY) or object (ST_A_ONE) of a model; all zero: not loaded. Read them through st_many and
 * st_one (session.h), which refuse what was not loaded. .on_delete of a MANY is what the session does when its owner is
 * deleted and the database does nothing of the kind by itself (the foreign key's own .on_delete). */
typedef struct st_list {
    const void *const *items;
    size_t n;
    bool loaded;
    uint32_t room; /* the session's: items behind n that belong to this list */
} st_list;
typedef struct st_ref {
    const void *item;
    bool loaded;
} st_ref;

/* What the rest of the library and programs ask of a descriptor. */
const st_attr *st_model_attr(const st_model *m, const char *name); /* by member name, or NULL */
const st_attr *st_model_attr_at(const st_model *m, size_t offset); /* the column at that offset, or NULL */
const st_attr *st_model_tenant(const st_model *m);                 /* or NULL */
const char *st_attr_column(const st_attr *a);                      /* the column's name */
static inline enum st_type st_attr_type(const st_attr *a)
{
    return (enum st_type)(a->type & ~(unsigned)ST_NULLABLE);
}
static inline bool st_attr_nullable(const st_attr *a) /* the column */
{
    return a->null || ((a->type & ST_NULLABLE) && !a->not_null);
}
static inline bool st_attr_optional(const st_attr *a) /* the member: it can say null */
{
    return a->null || (a->type & ST_NULLABLE);
}
/* Checks a descriptor once (one tenant column at most, a key, enums have names, relations name members that exist,
 * ...). Returns 0 or ST_E_INVALID with a diagnosis that names the model and the member. */
st_err st_model_check(const st_model *m);
/* Checks obj against length, range, pattern, enum and null rules, and that text is UTF-8 and numbers are numbers (so
 * that both databases take or refuse the same). ST_E_INVALID names the first bad field in diag->column. Compiles
 * patterns at each call; a session's flush keeps them. */
st_err st_validate(const st_model *m, const void *obj);

/* One field of an object that is not as its descriptor wants it. */
struct st_field_error {
    const char *field;   /* the member, as JSON names it; "": the object itself */
    const char *code;    /* for programs: "required", "null", "unknown", "read_only", "type", "range", "too_long",
                            "pattern", "enum", "encoding", "json" */
    const char *message; /* for people, to stand behind the field's name: "has 12 characters; at most 10 are allowed" */
};
enum { ST_FIELD_ERRORS_MAX = 64 };
struct st_field_errors {
    const struct st_field_error *v;
    size_t n;
    bool more; /* than ST_FIELD_ERRORS_MAX */
};
/* As st_validate, but of all fields; the diagnosis is that of the first, its code in diag->constraint. *ret, which may
 * be NULL, is set when 0 or ST_E_INVALID is returned, and lives in a. */
st_err st_validate_all(const st_model *m, const void *obj, arena *a, struct st_field_errors *ret);

DECLS_END

#endif
