/* sql_look.h: what a statement does to those who use a table meanwhile, on PostgreSQL.
 *
 * Told from its words alone, so of what a function or a DO block does nothing is known. Linear; nothing is refused. */
#ifndef STRATA_MIGRATE_SQL_LOOK_H
#define STRATA_MIGRATE_SQL_LOOK_H

#include "strata/migrate/private.h"

/* What strong_migrations and squawk warn of, in the order of lint.c's table. */
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
    SQL_DROP_INDEX,
    SQL_IN_TRANSACTION,
    SQL_REWRITE,
    SQL_TRUNCATE,
    SQL_LOCK,
    SQL_ALL_ROWS,
    SQL_JSON,
    SQL_RENAME_VALUE,
    SQL_RENAME_SCHEMA,
    SQL_DROP_DATABASE,
    SQL_HAZARDS
};
struct sql_look {
    enum migrate_lock lock;
    const char *table; /* without quotes, in the arena; NULL: none, or not known */
    bool rewrites, scans;
    enum sql_hazard hazard; /* the first */
};
/* The next statement of a script, without its semicolon; false at the end. */
bool sql_statement(str *script, str *ret);
/* -ENOMEM or 0. */
st_err sql_look(arena *a, str statement, struct sql_look *ret);
/* Fills in what the steps lock, where a plan has not said it. */
st_err migrate_plan_locks(arena *a, struct migrate_plan *p);
const char *migrate_lock_name(enum migrate_lock l);

#endif
