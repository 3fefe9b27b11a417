#include <errno.h>
#include <stdio.h>

#include "strata/engine/sqlite.h"

static const struct {
    int code;
    st_err err;
} codes[] = {
    /* extended codes first: the search goes by the whole code, then by its low byte */
    {SQLITE_CONSTRAINT_UNIQUE, ST_E_UNIQUE},
    {SQLITE_CONSTRAINT_PRIMARYKEY, ST_E_UNIQUE},
    {SQLITE_CONSTRAINT_ROWID, ST_E_UNIQUE},
    {SQLITE_CONSTRAINT_FOREIGNKEY, ST_E_FOREIGN_KEY},
    {SQLITE_CONSTRAINT_NOTNULL, ST_E_NOT_NULL},
    {SQLITE_CONSTRAINT_CHECK, ST_E_CHECK},
    {SQLITE_CONSTRAINT_DATATYPE, ST_E_CHECK},
    {SQLITE_BUSY_SNAPSHOT, ST_E_SERIALIZATION},
    {SQLITE_IOERR_NOMEM, -ENOMEM},
    {SQLITE_CONSTRAINT, ST_E_CHECK},
    {SQLITE_BUSY, ST_E_BUSY},
    {SQLITE_LOCKED, ST_E_BUSY},
    {SQLITE_NOMEM, -ENOMEM},
    {SQLITE_READONLY, ST_E_READ_ONLY},
    {SQLITE_FULL, ST_E_FULL},
    {SQLITE_INTERRUPT, -ECANCELED},
    {SQLITE_CANTOPEN, ST_E_CONNECTION},
    {SQLITE_NOTADB, ST_E_CONNECTION},
    {SQLITE_TOOBIG, ST_E_INVALID},
    {SQLITE_RANGE, ST_E_INVALID},
};

static st_err find_code(int rc)
{
    for (int mask = -1;; mask = 0xff) {
        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
            if (codes[i].code == (rc & mask)) {
                return codes[i].err;
            }
        }
        if (mask == 0xff) {
            return ST_E_SQL;
        }
    }
}

static void put(char *out, size_t size, str s)
{
    (void)snprintf(out, size, "%.*s", STR_FMT(s));
}

/* "t.a, t.b" of "UNIQUE constraint failed: t.a, t.b": the table, and the columns without it. */
static void name_columns(struct diag *d, str list)
{
    if (str_starts(list, STR("index '"))) { /* an index on expressions has a name instead */
        str name = str_from(list, 7);
        put(d->constraint, sizeof d->constraint, str_cut(&name, '\''));
        return;
    }
    size_t used = 0;
    while (list.p) {
        str column = str_trim(str_cut(&list, ','));
        str table = str_cut(&column, '.');
        put(d->table, sizeof d->table, table);
        int n = snprintf(d->column + used, sizeof d->column - used, "%s%.*s", used ? ", " : "", STR_FMT(column));
        used += n > 0 ? (size_t)n : 0;
        if (used >= sizeof d->column) {
            return;
        }
    }
}

static st_err name_missing(struct diag *d, str message)
{
    if (str_starts(message, STR("no such table: "))) {
        put(d->table, sizeof d->table, str_from(message, 15));
        return ST_E_SCHEMA;
    }
    if (str_starts(message, STR("no such column: "))) {
        put(d->column, sizeof d->column, str_from(message, 16));
        return ST_E_SCHEMA;
    }
    ptrdiff_t at = str_find(message, STR(" has no column named "));
    if (str_starts(message, STR("table ")) && at > 0) {
        put(d->table, sizeof d->table, str_n(message.p + 6, (size_t)at - 6));
        put(d->column, sizeof d->column, str_from(message, (size_t)at + 21));
        return ST_E_SCHEMA;
    }
    return ST_E_SQL;
}

/* ---- what is wrong with the file, not with the statement ---- */

/* Of errno, which sqlite_work clears: sqlite3_system_errno knows nothing of a failed COMMIT. */
static bool means_full(int system_error)
{
    return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

static bool concerns_file(int rc, int system_error)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
        return true;
    case SQLITE_CANTOPEN: /* its log, perhaps */
        return means_full(system_error);
    default:
        return false;
    }
}

/* Names the file, and why the system refused. */
static st_err file_error(sqlite3 *db, int rc, int system_error)
{
    const char *path = sqlite3_db_filename(db, "main");
    int code = rc & 0xff, why = code == SQLITE_CORRUPT || system_error == ENOENT ? 0 : system_error;
    bool full = code == SQLITE_FULL || means_full(why);
    char text[128];
    st_err err = diag_set(full ? ST_E_FULL : ST_E_SQL, "%s: %s%s%s", full ? "the disk is full" : sqlite3_errmsg(db),
                          path && *path ? path : "a database in memory", why ? ": " : "",
                          why ? strerror_r(why, text, sizeof text) : "");
    if (full) {
        diag_hint("free space on the disk of that file, or raise what limits it (a quota, ulimit -f, max_page_count)");
    } else if (code == SQLITE_CORRUPT) {
        diag_hint("restore a backup, or save what can be read with .recover in the sqlite3 shell");
    } else {
        diag_hint("look at the disk, and at the system's log");
    }
    return err;
}

st_err sqlite_error(sqlite3 *db, int rc, const char *sql)
{
    int system_error = errno;
    st_err err = find_code(rc);
    if (err == -ENOMEM) {
        return diag_nomem();
    }
    if (db && concerns_file(rc, system_error)) {
        return file_error(db, rc, system_error);
    }
    str message = str_of(db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
    ptrdiff_t colon = str_find(message, STR(" failed: "));
    str names = colon < 0 ? (str){NULL, 0} : str_from(message, (size_t)colon + 9);
    diag_set(err, "%.*s", STR_FMT(message));
    struct diag *d = diag_last();
    switch (err) {
    case ST_E_UNIQUE:
    case ST_E_NOT_NULL:
        name_columns(d, names);
        break;
    case ST_E_CHECK:
        put(d->constraint, sizeof d->constraint, names);
        break;
    case ST_E_SQL:
        d->code = err = name_missing(d, message);
        break;
    default:
        break;
    }
    if (err == ST_E_SCHEMA) {
        diag_hint("run the migrations");
    } else if (err == ST_E_READ_ONLY && db && sqlite3_db_filename(db, "main") && *sqlite3_db_filename(db, "main")) {
        diag_hint(
            "see that this user may write %.300s, what has its name with -wal and -shm behind it, and the directory",
            sqlite3_db_filename(db, "main"));
    } else if (err == ST_E_SQL && sql) {
        diag_hint("in: %.200s", sql);
    }
    return err;
}
