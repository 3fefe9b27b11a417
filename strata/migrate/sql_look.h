/* sql_look.h: what a statement does to those who use a table meanwhile, on PostgreSQL.
 *
 * Told from its words alone. Of what a function or a DO block does nothing is known, nor of words that PostgreSQL may
 * know and this does not: these are SQL_UNKNOWN. Linear in the text, but for names. */
#ifndef STRATA_MIGRATE_SQL_LOOK_H
#define STRATA_MIGRATE_SQL_LOOK_H

#include "strata/migrate/private.h"

/* What strong_migrations and squawk warn of, and what breaks an upgrade; docs/lint.md says which is whose. */
enum sql_hazard {
    SQL_SAFE,
    SQL_RENAME_TABLE,
    SQL_RENAME_COLUMN,
    SQL_DROP_TABLE,
    SQL_DROP_COLUMN,
    SQL_CHANGE_TYPE,
    SQL_ADD_NOT_NULL,
    SQL_SET_NOT_NULL,
    SQL_DROP_NOT_NULL,
    SQL_COMPUTED,
    SQL_VOLATILE_DEFAULT,
    SQL_CHECK,
    SQL_FOREIGN_KEY,
    SQL_UNIQUE,
    SQL_EXCLUDE,
    SQL_INDEX,
    SQL_WIDE_INDEX,
    SQL_DROP_INDEX,
    SQL_PARTITION,
    SQL_IN_TRANSACTION,
    SQL_TRANSACTION,
    SQL_TIMEOUT,
    SQL_LOCK_HELD,      /* of two statements of a transaction */
    SQL_SEVERAL_TABLES, /* likewise */
    SQL_REWRITE,
    SQL_TRUNCATE,
    SQL_LOCK,
    SQL_ALL_ROWS,
    SQL_DISABLE_TRIGGER,
    SQL_JSON,
    SQL_CHAR,
    SQL_VARCHAR,
    SQL_TIMESTAMP,
    SQL_SMALL_INT,
    SQL_SERIAL,
    SQL_DOMAIN,
    SQL_ENUM_ORDER,
    SQL_RENAME_VALUE,
    SQL_RENAME_SCHEMA,
    SQL_RENAME_OBJECT,
    SQL_DROP_OBJECT,
    SQL_DROP_DATABASE,
    SQL_REVOKE,
    SQL_LONG_NAME,
    SQL_UNKNOWN,
    SQL_UNUSED_ALLOW, /* of a permission */
    SQL_HAZARDS
};
_Static_assert(SQL_HAZARDS <= 64, "they are bits of a word");

enum { SQL_OTHERS_MAX = 16 };
struct sql_look {
    enum migrate_lock lock;
    const char *table;           /* in the arena, "schema.name" when it says so; NULL: none, several or not known */
    struct migrate_held *others; /* tables beside it, the first SQL_OTHERS_MAX */
    size_t n_others, others_room;
    bool referenced; /* and perhaps those that foreign keys of the table point at, which the catalog knows */
    bool rewrites, scans;
    uint64_t hazards;    /* bits, 1 << enum sql_hazard */
    const char *creates; /* a table, or NULL */
};
static inline bool sql_look_has(const struct sql_look *k, enum sql_hazard h)
{
    return (k->hazards >> h & 1) != 0;
}
/* The next statement of a script, without its semicolon; false at the end. */
bool sql_statement(str *script, str *ret);
/* -ENOMEM or 0. */
st_err sql_look(arena *a, str statement, struct sql_look *ret);
/* Of a type alone, "varchar(20)": the hazards. */
st_err sql_look_type(arena *a, const char *type, uint64_t *ret);
/* Fills in what the steps lock, where a plan has not said it. */
st_err migrate_plan_locks(arena *a, struct migrate_plan *p);
const char *migrate_lock_name(enum migrate_lock l);

#endif
