/* Migrations that take as long as the table is big, beside the same by a careful hand: batches along the key, each a
 * transaction that also notes where it is; a rebuild in twelve steps. */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench.h"
#include "pg.h"
#include "strata/strata.h"

enum { ROWS = 200000 };

static struct {
    st_engine *sqlite, *pg;
    sqlite3 *db;
    struct pg_server server;
    PGconn *pq;
} all;

static void must(bool ok, const char *what)
{
    if (!ok) {
        bench_say("%s: %s", what,
                  all.pq && *PQerrorMessage(all.pq) ? PQerrorMessage(all.pq)
                  : all.db                          ? sqlite3_errmsg(all.db)
                                                    : diag_last()->message);
        exit(1);
    }
}

static void stop(void)
{
    (void)sqlite3_close(all.db);
    st_engine_close(all.sqlite);
    st_engine_close(all.pg); /* the first one opened holds the loop */
    PQfinish(all.pq);
    if (all.pq) {
        pg_server_stop(&all.server);
    }
}

static void end_well(void)
{
    static bool known;
    must(known || atexit(stop) == 0, "atexit");
    known = true;
}

static void run_pq(const char *sql)
{
    PGresult *r = PQexec(all.pq, sql);
    ExecStatusType is = PQresultStatus(r);
    must(is == PGRES_COMMAND_OK || is == PGRES_TUPLES_OK, sql);
    PQclear(r);
}

static void run_db(const char *sql)
{
    must(sqlite3_exec(all.db, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
}

static void start_sqlite(void)
{
    if (!all.db) {
        char url[600];
        end_well();
        const char *file = bench_temp("migrate.db");
        (void)snprintf(url, sizeof url, "sqlite:///%s", file);
        must(st_engine_open(url, NULL, &all.sqlite) == 0, "engine");
        must(st_engine_execute(all.sqlite, "CREATE TABLE first (n)", FIBER_FOREVER) == 0, "file");
        must(sqlite3_open(file, &all.db) == SQLITE_OK, "open");
        run_db("PRAGMA synchronous = normal; PRAGMA cache_size = -8192; PRAGMA foreign_keys = on");
    }
    run_db("DROP TABLE IF EXISTS fills; DROP TABLE IF EXISTS place; DROP TABLE IF EXISTS strata_revisions; "
           "DROP TABLE IF EXISTS strata_journal; CREATE TABLE place (after TEXT, rows INTEGER) STRICT; "
           "INSERT INTO place VALUES (NULL, 0); "
           "CREATE TABLE fills (id BLOB NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL, slug TEXT, "
           "PRIMARY KEY (id)) STRICT; CREATE INDEX fills_n_idx ON fills (n);"
           "WITH RECURSIVE g (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 200000) "
           "INSERT INTO fills SELECT randomblob(16), 'Item number ' || i || ' of the catalogue', i, NULL FROM g; "
           "PRAGMA wal_checkpoint(TRUNCATE)");
}

static void start_pg(void)
{
    if (!all.pq) {
        end_well();
        pg_server_start(&all.server, false, "shared_buffers = 256MB\nmax_wal_size = 4GB");
        const char *url = pg_server_database(&all.server);
        must(st_engine_open(url, NULL, &all.pg) == 0, "engine");
        all.pq = PQconnectdb(url);
        must(PQstatus(all.pq) == CONNECTION_OK, "connect");
        run_pq("SET client_min_messages = warning");
    }
    run_pq("DROP TABLE IF EXISTS fills, place, strata_revisions, strata_journal; "
           "CREATE TABLE place (after text, rows bigint); INSERT INTO place VALUES (NULL, 0); "
           "CREATE TABLE fills (id uuid PRIMARY KEY, name text NOT NULL, n bigint NOT NULL, slug text); "
           "CREATE INDEX fills_n_idx ON fills (n); INSERT INTO fills SELECT gen_random_uuid(), 'Item number ' || i || "
           "' of the catalogue', i, NULL FROM generate_series(1, 200000) AS i");
    run_pq("VACUUM ANALYZE fills");
}

static double rate_since(int64_t start_ns)
{
    return ROWS / ((double)(clock_mono_ns() - start_ns) / 1e9);
}

/* ---- a backfill ---- */

static st_err fill(st_ops *o)
{
    return st_run_backfill(o, &(const st_backfill){.table = "fills",
                                                   .set = "slug = lower(replace(name, ' ', '-'))",
                                                   .where = "slug IS NULL",
                                                   .pause_ms = 1});
}
static const st_revision filled = {.id = "f1", .message = "slugs", .upgrade = fill};

static double upgrade(st_engine *e, const st_revision *rev)
{
    const struct st_migrations m = {.revisions = (const st_revision *const[]){rev, NULL}, .program = "bench"};
    const struct st_migrate_options o = {.no_snapshot = true};
    int64_t t = clock_mono_ns();
    must(st_upgrade_with(e, &m, "head", &o, FIBER_FOREVER) == 0, "upgrade");
    return rate_since(t);
}

static double pg_backfill_ours(void)
{
    start_pg();
    return upgrade(all.pg, &filled);
}

static double sqlite_backfill_ours(void)
{
    start_sqlite();
    return upgrade(all.sqlite, &filled);
}

static double pg_backfill_theirs(void)
{
    start_pg();
    char sql[1200], after[80] = "00000000-0000-0000-0000-000000000000";
    int64_t t = clock_mono_ns();
    for (;;) {
        (void)snprintf(sql, sizeof sql,
                       "BEGIN; WITH b AS MATERIALIZED (SELECT id AS k FROM fills WHERE id > '%s' AND slug IS NULL "
                       "ORDER BY id LIMIT 1000 FOR NO KEY UPDATE), f AS (UPDATE fills SET slug = lower(replace(name, "
                       "' ', '-')) FROM b WHERE fills.id = k) SELECT (SELECT count(*) FROM b), (SELECT k FROM b ORDER "
                       "BY k DESC LIMIT 1)",
                       after);
        PGresult *r = PQexec(all.pq, sql);
        must(PQresultStatus(r) == PGRES_TUPLES_OK, "batch");
        int n = (int)strtol(PQgetvalue(r, 0, 0), NULL, 10);
        if (n) {
            (void)snprintf(after, sizeof after, "%s", PQgetvalue(r, 0, 1));
        }
        PQclear(r);
        (void)snprintf(sql, sizeof sql, "UPDATE place SET after = '%s', rows = rows + %d; COMMIT", after, n);
        run_pq(sql);
        if (n < 1000) {
            return rate_since(t);
        }
        (void)usleep(1000);
    }
}

static int take_key(void *arg, int n, char **values, char **names)
{
    char(*row)[80] = arg;
    (void)n;
    (void)names;
    (void)snprintf(row[0], sizeof row[0], "%s", values[0]);
    (void)snprintf(row[1], sizeof row[1], "%s", values[1] ? values[1] : "");
    return 0;
}

static double sqlite_backfill_theirs(void)
{
    start_sqlite();
    char sql[1200], after[80] = "x''", row[2][80];
    int64_t t = clock_mono_ns();
    for (;;) {
        (void)snprintf(sql, sizeof sql,
                       "WITH b AS MATERIALIZED (SELECT id AS k FROM fills WHERE id > %s AND slug IS NULL ORDER BY id "
                       "LIMIT 1000) SELECT (SELECT count(*) FROM b), (SELECT quote(k) FROM b ORDER BY k DESC LIMIT 1)",
                       after);
        run_db("BEGIN IMMEDIATE");
        must(sqlite3_exec(all.db, sql, take_key, row, NULL) == SQLITE_OK, "keys");
        int n = (int)strtol(row[0], NULL, 10);
        if (n) {
            (void)snprintf(sql, sizeof sql,
                           "UPDATE fills SET slug = lower(replace(name, ' ', '-')) WHERE id > %s AND id <= %s AND slug "
                           "IS NULL; UPDATE place SET after = '%s', rows = rows + %d",
                           after, row[1], "x", n);
            run_db(sql);
            memcpy(after, row[1], sizeof after);
        }
        run_db("COMMIT");
        if (n < 1000) {
            return rate_since(t);
        }
        (void)usleep(1000);
    }
}

/* ---- a rebuild ---- */

static st_err retype(st_ops *o)
{
    return st_alter_column(o, "fills", &(const st_table_column){"n", ST_INT64}, &(const st_table_column){"n", ST_TEXT},
                           NULL);
}
static const st_revision retyped = {.id = "r1", .message = "text", .upgrade = retype};

static double sqlite_rebuild_ours(void)
{
    start_sqlite();
    return upgrade(all.sqlite, &retyped);
}

static double sqlite_rebuild_theirs(void)
{
    start_sqlite();
    int64_t t = clock_mono_ns();
    run_db("PRAGMA foreign_keys = off; BEGIN IMMEDIATE; CREATE TABLE fills_new (id BLOB NOT NULL, name TEXT NOT NULL, "
           "n TEXT NOT NULL, slug TEXT, PRIMARY KEY (id)) STRICT; INSERT INTO fills_new SELECT id, name, CAST(n AS "
           "TEXT), slug FROM fills; DROP TABLE fills; ALTER TABLE fills_new RENAME TO fills; "
           "CREATE INDEX fills_n_idx ON fills (n); PRAGMA foreign_key_check; COMMIT; PRAGMA foreign_keys = on");
    return rate_since(t);
}

const struct bench_case migrate_cases[] = {
    {"pg-backfill", "rows/s",
     "200,000 rows filled, 1,000 at a time with 1 ms between; theirs: the same batches by libpq", pg_backfill_ours,
     pg_backfill_theirs, .rounds = 3},
    {"sqlite-backfill", "rows/s", "the same; theirs: sqlite3 by hand", sqlite_backfill_ours, sqlite_backfill_theirs,
     .rounds = 3},
    {"sqlite-rebuild", "rows/s", "a column's type changed in 200,000 rows; theirs: the twelve steps by hand",
     sqlite_rebuild_ours, sqlite_rebuild_theirs, .rounds = 3},
    {0},
};
