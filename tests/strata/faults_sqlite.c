/* The calls of sqlite3 that may fail. */
#include <sqlite3.h>
#include <stddef.h>

#include "faults.h"

#define WRAP(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

static _Thread_local int failed; /* what sqlite3_errmsg is to explain */

WRAP(int, sqlite3_exec, sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **), void *arg, char **err);

static int code(void)
{
    switch (fault_kind()) {
    case FAULT_NOMEM:
        return failed = SQLITE_NOMEM;
    case FAULT_FULL:
        return failed = SQLITE_FULL;
    case FAULT_CORRUPT:
        return failed = SQLITE_CORRUPT;
    case FAULT_BUSY:
        return failed = SQLITE_BUSY;
    case FAULT_IO:
    case FAULT_IO_UNDONE:
    case FAULT_NO_RESULT:
    case FAULT_LOST:
    case FAULT_MEM:
        break;
    }
    return failed = SQLITE_IOERR_WRITE;
}

static bool due(const char *call, unsigned kinds)
{
    failed = 0;
    return fault_due(call, kinds);
}

static int code_in(sqlite3 *db)
{
    if (fault_kind() == FAULT_IO_UNDONE && !sqlite3_get_autocommit(db)) {
        (void)__real_sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return code();
}

enum { MEMORY = 1 << FAULT_NOMEM };

WRAP(int, sqlite3_open_v2, const char *path, sqlite3 **db, int flags, const char *vfs)
{
    if (!due("sqlite3_open_v2", FAULT_SQLITE & ~(1 << FAULT_BUSY))) {
        return __real_sqlite3_open_v2(path, db, flags, vfs);
    }
    *db = NULL; /* no memory for it */
    if (fault_kind() != FAULT_NOMEM) {
        (void)__real_sqlite3_open_v2(path, db, flags, vfs);
    }
    return code();
}

int __wrap_sqlite3_exec(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **), void *arg, char **err)
{
    return due("sqlite3_exec", FAULT_SQLITE) ? code_in(db) : __real_sqlite3_exec(db, sql, row, arg, err);
}

WRAP(int, sqlite3_prepare_v2, sqlite3 *db, const char *sql, int len, sqlite3_stmt **stmt, const char **tail)
{
    if (due("sqlite3_prepare_v2", FAULT_SQLITE)) {
        *stmt = NULL;
        return code();
    }
    return __real_sqlite3_prepare_v2(db, sql, len, stmt, tail);
}

WRAP(int, sqlite3_prepare_v3, sqlite3 *db, const char *sql, int len, unsigned flags, sqlite3_stmt **stmt,
     const char **tail)
{
    if (due("sqlite3_prepare_v3", FAULT_SQLITE)) {
        *stmt = NULL;
        return code();
    }
    return __real_sqlite3_prepare_v3(db, sql, len, flags, stmt, tail);
}

WRAP(int, sqlite3_step, sqlite3_stmt *stmt)
{
    return due("sqlite3_step", FAULT_SQLITE) ? code_in(sqlite3_db_handle(stmt)) : __real_sqlite3_step(stmt);
}

WRAP(int, sqlite3_wal_checkpoint_v2, sqlite3 *db, const char *name, int mode, int *log, int *done)
{
    return due("sqlite3_wal_checkpoint_v2", FAULT_SQLITE & ~(1 << FAULT_IO_UNDONE))
               ? code()
               : __real_sqlite3_wal_checkpoint_v2(db, name, mode, log, done);
}

WRAP(sqlite3_backup *, sqlite3_backup_init, sqlite3 *to, const char *to_name, sqlite3 *from, const char *from_name)
{
    if (due("sqlite3_backup_init", MEMORY)) { /* in to, where its caller looks for it */
        (void)code();
        return NULL;
    }
    return __real_sqlite3_backup_init(to, to_name, from, from_name);
}

WRAP(int, sqlite3_backup_step, sqlite3_backup *b, int pages)
{
    return due("sqlite3_backup_step", FAULT_SQLITE & ~(1 << FAULT_IO_UNDONE)) ? code()
                                                                              : __real_sqlite3_backup_step(b, pages);
}

WRAP(int, sqlite3_extended_errcode, sqlite3 *db)
{
    return failed ? failed : __real_sqlite3_extended_errcode(db);
}

#define BIND(name, call, ...)                        \
    WRAP(int, name, __VA_ARGS__)                     \
    {                                                \
        return due(#name, MEMORY) ? code() : (call); \
    }
BIND(sqlite3_bind_null, __real_sqlite3_bind_null(stmt, at), sqlite3_stmt *stmt, int at)
BIND(sqlite3_bind_int, __real_sqlite3_bind_int(stmt, at, v), sqlite3_stmt *stmt, int at, int v)
BIND(sqlite3_bind_int64, __real_sqlite3_bind_int64(stmt, at, v), sqlite3_stmt *stmt, int at, sqlite3_int64 v)
BIND(sqlite3_bind_double, __real_sqlite3_bind_double(stmt, at, v), sqlite3_stmt *stmt, int at, double v)
BIND(sqlite3_bind_text, __real_sqlite3_bind_text(stmt, at, p, len, done), sqlite3_stmt *stmt, int at, const char *p,
     int len, void (*done)(void *))
BIND(sqlite3_bind_text64, __real_sqlite3_bind_text64(stmt, at, p, len, done, encoding), sqlite3_stmt *stmt, int at,
     const char *p, sqlite3_uint64 len, void (*done)(void *), unsigned char encoding)
BIND(sqlite3_bind_blob, __real_sqlite3_bind_blob(stmt, at, p, len, done), sqlite3_stmt *stmt, int at, const void *p,
     int len, void (*done)(void *))
BIND(sqlite3_bind_blob64, __real_sqlite3_bind_blob64(stmt, at, p, len, done), sqlite3_stmt *stmt, int at, const void *p,
     sqlite3_uint64 len, void (*done)(void *))

/* Converting a value takes memory. */
WRAP(const unsigned char *, sqlite3_value_text, sqlite3_value *v)
{
    return due("sqlite3_value_text", MEMORY) ? NULL : __real_sqlite3_value_text(v);
}

WRAP(const void *, sqlite3_value_blob, sqlite3_value *v)
{
    return sqlite3_value_bytes(v) && due("sqlite3_value_blob", MEMORY) ? NULL : __real_sqlite3_value_blob(v);
}

WRAP(const char *, sqlite3_column_name, sqlite3_stmt *stmt, int at)
{
    return due("sqlite3_column_name", MEMORY) ? NULL : __real_sqlite3_column_name(stmt, at);
}

WRAP(const char *, sqlite3_errmsg, sqlite3 *db)
{
    return failed ? sqlite3_errstr(failed) : __real_sqlite3_errmsg(db);
}
