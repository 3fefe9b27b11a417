#include "strata/engine/sqlite.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"

enum { QUICK_MAX = 64 }; /* statements that may run on the loop's thread in one go */

/* A batch; at and wrapped are its state over several tries. */
struct batch {
    struct sqlite_work work;
    struct st_stmt *stmts;
    size_t n, at;
    bool wrap, wrapped, timing;
};

static bool controls_transaction(str sql)
{
    str s = str_trim(sql);
    return str_starts_nocase(s, STR("begin")) || str_starts_nocase(s, STR("savepoint")) ||
           str_starts_nocase(s, STR("commit")) || str_starts_nocase(s, STR("end")) ||
           str_starts_nocase(s, STR("rollback")) || str_starts_nocase(s, STR("release")) ||
           str_starts_nocase(s, STR("pragma"));
}

static st_err run_rest(struct batch *b)
{
    for (; b->at < b->n; b->at++) {
        struct st_stmt *s = &b->stmts[b->at];
        int64_t start = b->timing ? clock_mono_ns() : 0;
        st_err rc = s->cursor ? sqlite_cursor_run(b->work.conn, s) : sqlite_stmt_run(b->work.conn, s);
        s->ns = b->timing ? clock_mono_ns() - start : 0;
        if (rc) {
            return rc;
        }
    }
    return 0;
}

static st_err batch_step(struct sqlite_work *w)
{
    struct batch *b = (struct batch *)w;
    struct sqlite_conn *c = w->conn;
    if (b->wrap && !b->wrapped) {
        st_err rc = sqlite_simple(c, c->writer ? "BEGIN IMMEDIATE" : "BEGIN");
        if (rc) {
            return rc;
        }
        b->wrapped = true;
    }
    st_err rc = run_rest(b);
    if (!rc && b->wrapped) {
        rc = sqlite_simple(c, "COMMIT");
    }
    if (rc && rc != ST_E_BUSY && b->wrapped) {
        sqlite_roll_back(c);
    }
    return rc;
}

static st_err run(st_conn *conn, struct st_stmt *stmts, size_t n, int64_t deadline, size_t *ret_failed)
{
    struct sqlite_conn *c = sqlite_conn(conn);
    bool quick = n <= QUICK_MAX;
    for (size_t i = 0; i < n; i++) {
        quick &= stmts[i].quick;
        stmts[i].affected = 0;
    }
    struct batch b = {.work = {.conn = c, .step = batch_step},
                      .stmts = stmts,
                      .n = n,
                      .timing = conn->engine->options.on_statement != NULL,
                      .wrap = n > 1 && !sqlite_in_transaction(conn) && !controls_transaction(stmts[0].sql)};
    st_err rc = sqlite_work(c, &b.work, quick, deadline);
    if (rc && b.wrapped) {
        sqlite_roll_back(c); /* given up while busy */
    }
    if (rc && ret_failed) {
        *ret_failed = b.at < n ? b.at : n - 1;
    }
    return rc;
}

/* ---- scripts ---- */

struct script {
    struct sqlite_work work;
    const char *rest;
};

static st_err script_step(struct sqlite_work *w)
{
    struct script *s = (struct script *)w;
    sqlite3 *db = w->conn->db;
    while (*s->rest) {
        sqlite3_stmt *stmt = NULL;
        const char *tail = s->rest;
        int rc = sqlite3_prepare_v2(db, s->rest, -1, &stmt, &tail);
        if (rc) {
            return sqlite_error(db, rc, s->rest);
        }
        do {
            rc = stmt ? sqlite3_step(stmt) : SQLITE_DONE;
        } while (rc == SQLITE_ROW);
        st_err err = rc == SQLITE_DONE ? 0 : sqlite_error(db, rc, s->rest);
        (void)sqlite3_finalize(stmt);
        if (err) {
            return err;
        }
        s->rest = tail;
    }
    return 0;
}

static st_err exec(st_conn *conn, const char *sql, int64_t deadline)
{
    struct sqlite_conn *c = sqlite_conn(conn);
    struct script s = {.work = {.conn = c, .step = script_step}, .rest = sql};
    return sqlite_work(c, &s.work, false, deadline);
}

/* ---- the pool's questions ---- */

static bool alive(st_conn *c)
{
    (void)c;
    return true;
}

/* Foreign keys are off while a migration rebuilds a table; however that ends, the next user finds them on. */
static bool clean(const st_conn *conn)
{
    sqlite3 *db = ((const struct sqlite_conn *)conn)->db;
    int checked = 1, legacy = 0;
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &checked);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, -1, &legacy);
    return !sqlite_in_transaction(conn) && checked && !legacy;
}

static st_err ping(st_conn *conn, int64_t deadline)
{
    struct st_stmt s = {.sql = STR("SELECT 1"), .quick = true};
    return run(conn, &s, 1, deadline, NULL);
}

static st_err reset(st_conn *conn)
{
    struct st_stmt s = {.sql = STR("ROLLBACK")}; /* may have much to undo: not quick */
    st_err rc = sqlite_in_transaction(conn) ? run(conn, &s, 1, FIBER_FOREVER, NULL) : 0;
    (void)sqlite3_db_config(sqlite_conn(conn)->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    (void)sqlite3_db_config(sqlite_conn(conn)->db, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, 0, NULL);
    return rc;
}

const struct st_driver st_driver_sqlite = {
    .open = sqlite_open,
    .close = sqlite_close,
    .run = run,
    .bulk = sqlite_bulk,
    .exec = exec,
    .in_transaction = sqlite_in_transaction,
    .alive = alive,
    .ping = ping,
    .clean = clean,
    .reset = reset,
};
