#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "strata/engine/sqlite.h"

enum { PROGRESS_STEPS = 4000, LOG_KEPT_BYTES = 64 << 20 };

/* Asked every few thousand steps of a statement: go on? */
static int on_progress(void *arg)
{
    struct sqlite_conn *c = arg;
    return atomic_load_explicit(&c->stop, memory_order_relaxed);
}

static int on_commit_to_log(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    struct sqlite_conn *c = arg;
    c->wal_pages = pages;
    return SQLITE_OK;
}

struct opening {
    struct sqlite_work work;
    const struct st_engine *engine;
};

static st_err explain_open(const struct st_url *u, sqlite3 *db, int rc)
{
    st_err err = sqlite_error(db, rc, NULL);
    if (err == ST_E_CONNECTION) {
        diag_wrap(err, "cannot open %s", u->path);
        if (rc == SQLITE_NOTADB) {
            diag_hint("the file is not a SQLite database");
        } else {
            diag_hint("does the directory exist, and may it be written?");
        }
    }
    return err;
}

static st_err configure(struct sqlite_conn *c, const struct st_url *u)
{
    unsigned cache = c->writer ? SQLITE_WRITER_CACHE_KIB : SQLITE_READER_CACHE_KIB;
    char sql[512];
    /* No trusted_schema = OFF: SQLite 3.40 then refuses json_valid in CHECKs, for it counts its JSON functions as
     * unsafe. */
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA cache_size = -%u; PRAGMA foreign_keys = ON; PRAGMA synchronous = %s; "
                   "PRAGMA journal_size_limit = %d; %s",
                   u->cache_kib ? u->cache_kib : cache, u->sync_full ? "FULL" : "NORMAL", LOG_KEPT_BYTES,
                   c->writer || u->memory ? "" : "PRAGMA query_only = ON;");
    if (c->writer && !u->memory) {
        char first[80]; /* the page size of a file that has none yet */
        (void)snprintf(first, sizeof first, "PRAGMA page_size = %d; PRAGMA journal_mode = WAL", SQLITE_PAGE_SIZE);
        int rc = sqlite3_exec(c->db, first, NULL, NULL, NULL);
        if (rc) {
            return explain_open(u, c->db, rc);
        }
    }
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    if (!rc) { /* the first touch of the file: is it a database? */
        rc = sqlite3_exec(c->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
    }
    return rc ? explain_open(u, c->db, rc) : 0;
}

static st_err open_step(struct sqlite_work *w)
{
    struct opening *o = (struct opening *)w;
    struct sqlite_conn *c = w->conn;
    const struct st_url *u = &o->engine->url;
    if (!c->db) {
        int flags = u->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | (u->create ? SQLITE_OPEN_CREATE : 0);
        int rc = sqlite3_open_v2(u->path, &c->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        if (rc) {
            st_err err = explain_open(u, c->db, rc);
            (void)sqlite3_close_v2(c->db);
            c->db = NULL;
            return err;
        }
        /* A misspelled "column" must be an error, not a string. */
        (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
        (void)sqlite3_db_config(c->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
        sqlite3_progress_handler(c->db, PROGRESS_STEPS, on_progress, c);
        (void)sqlite3_wal_hook(c->db, on_commit_to_log, c); /* in the place of automatic checkpoints */
    }
    return configure(c, u);
}

st_err sqlite_open(st_engine *e, bool writer, int64_t deadline, st_conn **ret)
{
    struct sqlite_conn *c = mem_zalloc(1, sizeof *c);
    if (!c) {
        return diag_nomem();
    }
    c->base.engine = e;
    c->writer = writer;
    c->params = arena_new(NULL, 0);
    c->json = arena_new(NULL, 0);
    st_err rc = c->params && c->json ? 0 : diag_nomem();
    if (!rc) {
        struct opening o = {.work = {.conn = c, .step = open_step}, .engine = e};
        rc = sqlite_work(c, &o.work, false, deadline);
    }
    if (rc) {
        sqlite_close(&c->base);
        return rc;
    }
    *ret = &c->base;
    return 0;
}

void sqlite_close(st_conn *conn)
{
    struct sqlite_conn *c = sqlite_conn(conn);
    if (c->db) {
        sqlite_stmt_drop_all(c);
        int rc = sqlite3_close(c->db);
        assert(rc == SQLITE_OK); /* no statement is left */
        (void)rc;
    }
    arena_free(c->params);
    arena_free(c->json);
    mem_free(c);
}
