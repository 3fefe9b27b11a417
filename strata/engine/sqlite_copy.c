/* A copy of a database file, page by page, as the last commit left it. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "strata/engine/sqlite.h"

enum { COPY_PAGES = 256 }; /* at a time; then: go on? */

struct copying {
    struct sqlite_work work;
    const char *path;
    sqlite3 *to;
    sqlite3_backup *backup;
};

/* SQLite calls a quota or a limit that has been reached an I/O error. */
static st_err explain(const struct copying *k, int rc)
{
    if ((rc & 0xff) == SQLITE_FULL || rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_TRUNCATE) {
        diag_set(ST_E_FULL, "there is no room for %s", k->path);
        diag_hint("free space on that disk, or raise the quota or limit: the copy is as large as the database");
        return ST_E_FULL;
    }
    if ((rc & 0xff) == SQLITE_CANTOPEN) {
        diag_set(ST_E_CONNECTION, "cannot make the file %s", k->path);
        diag_hint("see that this user may write in that directory");
        return ST_E_CONNECTION;
    }
    return sqlite_error(NULL, rc, NULL);
}

static st_err open_copy(struct copying *k)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(k->path, &k->to, flags, NULL);
    rc = rc ? rc : sqlite3_exec(k->to, "PRAGMA journal_mode = OFF", NULL, NULL, NULL); /* nothing is there to keep */
    if (rc) {
        st_err err = explain(k, rc);
        (void)sqlite3_close(k->to);
        k->to = NULL; /* while busy it is tried again */
        return err;
    }
    k->backup = sqlite3_backup_init(k->to, "main", k->work.conn->db, "main");
    return k->backup ? 0 : explain(k, sqlite3_extended_errcode(k->to));
}

static st_err copy_step(struct sqlite_work *w)
{
    struct copying *k = (struct copying *)w;
    st_err err = k->backup ? 0 : open_copy(k);
    int rc = SQLITE_OK;
    while (!err && rc == SQLITE_OK) {
        if (atomic_load_explicit(&w->conn->stop, memory_order_relaxed)) {
            return diag_set(-ECANCELED, "cancelled while the database was copied");
        }
        rc = sqlite3_backup_step(k->backup, COPY_PAGES);
    }
    return err || rc == SQLITE_DONE ? err : explain(k, rc);
}

st_err st_conn_copy_file(st_conn *conn, const char *path, int64_t deadline)
{
    struct sqlite_conn *c = sqlite_conn(conn);
    struct copying k = {.work = {.conn = c, .step = copy_step}, .path = path};
    (void)unlink(path);
    st_err rc = sqlite_work(c, &k.work, false, deadline);
    struct diag kept = *diag_last();
    if (k.backup) {
        (void)sqlite3_backup_finish(k.backup);
    }
    (void)sqlite3_close(k.to);
    if (rc) {
        (void)unlink(path);
        *diag_last() = kept;
    }
    return rc;
}
