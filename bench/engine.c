/* The data layer's engine beside the same work written by hand on libpq and sqlite3, without it. */
#include <endian.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bench.h"
#include "pg.h"
#include "strata/engine/driver.h"

enum { ROWS = 300000 };

/* Seven columns, about 138 bytes a row. */
typedef struct Row {
    st_uuid id, domain;
    const char *url;
    st_time seen;
    int32_t status;
    double score;
    bool live;
} Row;

#define F(m, t)                                 \
    {                                           \
        .type = (t), .offset = offsetof(Row, m) \
    }
static const struct st_field fields[] = {F(id, ST_UUID),      F(domain, ST_UUID),  F(url, ST_TEXT), F(seen, ST_TIME),
                                         F(status, ST_INT32), F(score, ST_DOUBLE), F(live, ST_BOOL)};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static const char create_pg[] =
    "DROP TABLE IF EXISTS page; CREATE TABLE page (id uuid PRIMARY KEY, domain uuid, url text, "
    "seen timestamptz, status integer, score float8, live boolean)";
static const char create_sqlite[] = "DROP TABLE IF EXISTS page; CREATE TABLE page (id blob PRIMARY KEY, domain blob, "
                                    "url text, seen integer, status integer, score real, live integer) WITHOUT ROWID";
static const char insert_pg[] =
    "INSERT INTO page SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::int4[], "
    "$6::float8[], $7::bool[])";
static const char insert_sqlite[] = "INSERT INTO page VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

static struct {
    bool ready;
    fiber_loop *loop;
    st_engine *pg, *sqlite;
    struct pg_server server;
    PGconn *hand_pg;
    sqlite3 *hand_sqlite;
    Row *rows;
    const void **ptrs;
} all;

static void stop(void)
{
    st_engine_close(all.pg);
    st_engine_close(all.sqlite);
    PQfinish(all.hand_pg);
    (void)sqlite3_close(all.hand_sqlite);
    fiber_loop_close(all.loop);
    pg_server_stop(&all.server);
}

static void must(bool ok, const char *what)
{
    if (!ok) {
        bench_say("%s: %s", what, diag_last()->message);
        exit(1);
    }
}

static void make_rows(void)
{
    all.rows = mem_zalloc(ROWS, sizeof *all.rows);
    all.ptrs = mem_zalloc(ROWS, sizeof *all.ptrs);
    must(all.rows && all.ptrs, "memory");
    for (int i = 0; i < ROWS; i++) {
        char url[80];
        (void)snprintf(url, sizeof url, "https://www.example.com/section-%d/a-page-with-a-name-%07d.html", i % 100, i);
        all.rows[i] = (Row){.id = uuid_v7(),
                            .domain = {{7}},
                            .url = mem_strdup(url),
                            .seen = {1763832000000000 + i},
                            .status = i,
                            .score = i * 0.5,
                            .live = i % 3 == 0};
        all.ptrs[i] = &all.rows[i];
    }
}

static void fill(st_engine *e, const char *create, const char *insert)
{
    must(st_engine_execute(e, create, FIBER_FOREVER) == 0, "create");
    st_conn *c;
    must(st_conn_acquire(e, true, FIBER_FOREVER, &c) == 0, "connect");
    struct st_bulk b = {
        .sql = str_of(insert), .fields = fields, .n_fields = N_FIELDS, .rows = all.ptrs, .n_rows = ROWS};
    must(st_conn_bulk(c, &b, FIBER_FOREVER) == 0, "bulk");
    st_conn_release(c);
}

static void start(void)
{
    if (all.ready) {
        return;
    }
    all.ready = true;
    make_rows();
    pg_server_start(&all.server, false, "shared_buffers = 256MB");
    must(atexit(stop) == 0, "atexit");
    must(fiber_loop_open(NULL, &all.loop) == 0, "loop");
    const char *url = pg_server_database(&all.server);
    must(st_engine_open(url, &(const struct st_engine_options){.pool_size = 8}, &all.pg) == 0, "engine");
    all.hand_pg = PQconnectdb(url);
    char file[600];
    (void)snprintf(file, sizeof file, "sqlite:///%s", bench_temp("strata.db"));
    must(st_engine_open(file, NULL, &all.sqlite) == 0, "engine");
    must(sqlite3_open(bench_temp("strata.db"), &all.hand_sqlite) == SQLITE_OK, "sqlite");
    must(sqlite3_exec(all.hand_sqlite, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192", NULL, NULL, NULL) == 0,
         "pragmas");
    fill(all.pg, create_pg, insert_pg);
    fill(all.sqlite, create_sqlite, insert_sqlite);
}

static double rate_since(int64_t start_ns, double n)
{
    return n / ((double)(clock_mono_ns() - start_ns) / 1e9);
}

/* ---- bulk ---- */

static double bulk(st_engine *e, const char *create, const char *insert)
{
    must(st_engine_execute(e, create, FIBER_FOREVER) == 0, "create");
    int64_t t = clock_mono_ns();
    st_conn *c;
    must(st_conn_acquire(e, true, FIBER_FOREVER, &c) == 0, "connect");
    struct st_bulk b = {
        .sql = str_of(insert), .fields = fields, .n_fields = N_FIELDS, .rows = all.ptrs, .n_rows = ROWS};
    must(st_conn_bulk(c, &b, FIBER_FOREVER) == 0, "bulk");
    st_conn_release(c);
    return rate_since(t, ROWS);
}

static double pg_bulk_ours(void)
{
    start();
    return bulk(all.pg, create_pg, insert_pg);
}

static double sqlite_bulk_ours(void)
{
    start();
    return bulk(all.sqlite, create_sqlite, insert_sqlite);
}

static double sqlite_bulk_hand(void)
{
    start();
    must(st_engine_execute(all.sqlite, create_sqlite, FIBER_FOREVER) == 0, "create");
    int64_t t = clock_mono_ns();
    sqlite3 *db = all.hand_sqlite;
    sqlite3_stmt *s;
    must(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == 0, "begin");
    must(sqlite3_prepare_v2(db, insert_sqlite, -1, &s, NULL) == SQLITE_OK, "prepare");
    for (int i = 0; i < ROWS; i++) {
        const Row *r = &all.rows[i];
        sqlite3_bind_blob(s, 1, r->id.b, 16, SQLITE_STATIC);
        sqlite3_bind_blob(s, 2, r->domain.b, 16, SQLITE_STATIC);
        sqlite3_bind_text(s, 3, r->url, -1, SQLITE_STATIC);
        sqlite3_bind_int64(s, 4, r->seen.us);
        sqlite3_bind_int(s, 5, r->status);
        sqlite3_bind_double(s, 6, r->score);
        sqlite3_bind_int(s, 7, r->live);
        must(sqlite3_step(s) == SQLITE_DONE, "step");
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == 0, "commit");
    return rate_since(t, ROWS);
}

/* One array in binary: what a program would write for itself. */
static char *put_array(char *p, unsigned oid, int n)
{
    const uint32_t head[] = {htobe32(1), 0, htobe32(oid), htobe32((uint32_t)n), htobe32(1)};
    memcpy(p, head, sizeof head);
    return p + sizeof head;
}

static char *put(char *p, const void *v, uint32_t len)
{
    uint32_t be = htobe32(len);
    memcpy(p, &be, 4);
    memcpy(p + 4, v, len);
    return p + 4 + len;
}

static double pg_bulk_hand(void)
{
    enum { CHUNK = 5000 };
    start();
    must(st_engine_execute(all.pg, create_pg, FIBER_FOREVER) == 0, "create");
    static char column[N_FIELDS][CHUNK * 90 + 20];
    static const unsigned oids[] = {2950, 2950, 25, 1184, 23, 701, 16};
    static const unsigned array_oids[] = {2951, 2951, 1009, 1185, 1007, 1022, 1000};
    static const int binary[] = {1, 1, 1, 1, 1, 1, 1};
    int64_t t = clock_mono_ns();
    PQclear(PQexec(all.hand_pg, "BEGIN"));
    PQclear(PQprepare(all.hand_pg, "bulk", insert_pg, N_FIELDS, array_oids));
    for (int from = 0; from < ROWS; from += CHUNK) {
        char *p[N_FIELDS];
        for (int k = 0; k < N_FIELDS; k++) {
            p[k] = put_array(column[k], oids[k], CHUNK);
        }
        for (int i = from; i < from + CHUNK; i++) {
            const Row *r = &all.rows[i];
            uint64_t seen = htobe64((uint64_t)(r->seen.us - 946684800000000)), score;
            uint32_t status = htobe32((uint32_t)r->status);
            memcpy(&score, &r->score, 8);
            score = htobe64(score);
            p[0] = put(p[0], r->id.b, 16);
            p[1] = put(p[1], r->domain.b, 16);
            p[2] = put(p[2], r->url, (uint32_t)strlen(r->url));
            p[3] = put(p[3], &seen, 8);
            p[4] = put(p[4], &status, 4);
            p[5] = put(p[5], &score, 8);
            p[6] = put(p[6], &r->live, 1);
        }
        const char *values[N_FIELDS];
        int lengths[N_FIELDS];
        for (int k = 0; k < N_FIELDS; k++) {
            values[k] = column[k];
            lengths[k] = (int)(p[k] - column[k]);
        }
        PGresult *r = PQexecPrepared(all.hand_pg, "bulk", N_FIELDS, values, lengths, binary, 1);
        must(PQresultStatus(r) == PGRES_COMMAND_OK, PQerrorMessage(all.hand_pg));
        PQclear(r);
    }
    PQclear(PQexec(all.hand_pg, "COMMIT"));
    PQclear(PQexec(all.hand_pg, "DEALLOCATE bulk"));
    return rate_since(t, ROWS);
}

extern const struct bench_case engine_cases[];
const struct bench_case engine_cases[] = {
    {"engine-pg-bulk", "rows/s", "300,000 rows of 7 columns into a table; theirs: binary unnest of 5,000 by hand",
     pg_bulk_ours, pg_bulk_hand, false, 3},
    {"engine-sqlite-bulk", "rows/s", "the same into SQLite; theirs: a prepared insert by hand", sqlite_bulk_ours,
     sqlite_bulk_hand, false, 3},
    {NULL, NULL, NULL, NULL, NULL, false, 0},
};
