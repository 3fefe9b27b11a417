/* Sessions that write, beside the same rows written by hand on sqlite3 and libpq: the same table, made by Strata with
 * its key and checks, and the same data, made before anything is measured. Each side gives every row its id. */
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
#include "strata/define.h"
#include "strata/strata.h"

/* Seven columns, about 138 bytes a row. */
typedef struct Thing {
    st_uuid tenant_id, id;
    const char *name, *url;
    int64_t size;
    st_opt_double score;
    st_time seen;
} Thing;

#define T Thing
ST_MODEL(Thing, "things", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(name), COL(url),
         COL(size), COL(score), COL(seen));
#undef T
static const st_model *const models[] = {&Thing_model};
static const st_uuid tenant = {{7}};
enum { ROWS = 500000, N_COLUMNS = 7 };
#define COLUMNS "\"tenant_id\", \"id\", \"name\", \"url\", \"size\", \"score\", \"seen\""

static struct {
    bool ready;
    Thing *rows;
    st_engine *sqlite, *pg, *pg_admin; /* COPY is not for roles that policies hold for */
    struct pg_server server;
    PGconn *hand, *hand_admin;
} all;

static void must(bool ok, const char *what)
{
    if (!ok) {
        bench_say("%s: %s", what, diag_last()->message);
        exit(1);
    }
}

static void stop(void)
{
    st_engine_close(all.pg_admin);
    st_engine_close(all.pg); /* the first one opened holds the loop */
    st_engine_close(all.sqlite);
    PQfinish(all.hand);
    PQfinish(all.hand_admin);
    if (all.hand) {
        pg_server_stop(&all.server);
    }
}

static const char *keep(const char *text)
{
    const char *kept = mem_strdup(text);
    must(kept != NULL, "memory");
    return kept;
}

static void start(void)
{
    if (all.ready) {
        return;
    }
    all.ready = true;
    must(atexit(stop) == 0, "atexit");
    all.rows = mem_zalloc(ROWS, sizeof *all.rows);
    must(all.rows != NULL, "memory");
    for (int i = 0; i < ROWS; i++) {
        char name[64], url[96];
        (void)snprintf(name, sizeof name, "item number %d of the catalogue", i);
        (void)snprintf(url, sizeof url, "https://www.example.com/catalogue/section-%d/item-%d.html", i % 97, i);
        all.rows[i] = (Thing){.name = keep(name),
                              .url = keep(url),
                              .size = i,
                              .score = {i / 7.0, i % 3 != 0},
                              .seen = {1763832000000000 + i}};
    }
    char file[600];
    (void)snprintf(file, sizeof file, "sqlite:///%s", bench_temp("write.db"));
    must(st_engine_open(file, NULL, &all.sqlite) == 0, "engine");
    must(st_create_all(all.sqlite, models, 1, FIBER_FOREVER) == 0, "tables");
}

static void start_pg(void)
{
    start();
    if (!all.hand) {
        pg_server_start(&all.server, false, "shared_buffers = 256MB\nmax_wal_size = 4GB");
        const char *url = pg_server_database(&all.server), *admin = pg_test_url_as(url, PG_ADMIN);
        must(st_engine_open(url, NULL, &all.pg) == 0, "engine");
        must(st_engine_open(admin, NULL, &all.pg_admin) == 0, "engine");
        must(st_create_all(all.pg, models, 1, FIBER_FOREVER) == 0, "tables");
        all.hand = PQconnectdb(url);
        all.hand_admin = PQconnectdb(admin);
        must(PQstatus(all.hand) == CONNECTION_OK && PQstatus(all.hand_admin) == CONNECTION_OK, "connect");
    }
}

static double rate_since(int64_t start_ns)
{
    return ROWS / ((double)(clock_mono_ns() - start_ns) / 1e9);
}

/* Each measurement begins with an empty table, and on SQLite with an empty log. */
static void empty(st_engine *e)
{
    const char *sql = e == all.pg ? "TRUNCATE things" : "DELETE FROM things; PRAGMA wal_checkpoint(TRUNCATE)";
    must(st_engine_execute(e, sql, FIBER_FOREVER) == 0, "empty");
}

/* ---- a unit of work ---- */

static double flush(st_engine *e)
{
    empty(e);
    int64_t t = clock_mono_ns();
    ST_SESSION(s, e, .tenant = tenant);
    for (int i = 0; i < ROWS; i++) {
        bench_use(st_add_(s, &Thing_model, &all.rows[i]));
    }
    must(st_commit(s) == 0, "commit");
    return rate_since(t);
}

static double sqlite_flush_ours(void)
{
    start();
    return flush(all.sqlite);
}

static double pg_flush_ours(void)
{
    start_pg();
    return flush(all.pg);
}

/* As a careful hand does: no locks around each call, and the settings that an engine uses. */
static double sqlite_flush_hand(void)
{
    start();
    empty(all.sqlite);
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    must(sqlite3_open_v2(bench_temp("write.db"), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK,
         "sqlite3");
    must(sqlite3_exec(db, "PRAGMA synchronous = normal; PRAGMA cache_size = -8192; PRAGMA foreign_keys = on", NULL,
                      NULL, NULL) == SQLITE_OK,
         "settings");
    int64_t t = clock_mono_ns();
    must(sqlite3_prepare_v2(db, "INSERT INTO \"things\" (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", -1, &stmt,
                            NULL) == SQLITE_OK,
         "prepare");
    must(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK, "begin");
    for (int i = 0; i < ROWS; i++) {
        const Thing *r = &all.rows[i];
        st_uuid id = uuid_v7();
        (void)sqlite3_bind_blob(stmt, 1, tenant.b, 16, SQLITE_STATIC);
        (void)sqlite3_bind_blob(stmt, 2, id.b, 16, SQLITE_STATIC);
        (void)sqlite3_bind_text(stmt, 3, r->name, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(stmt, 4, r->url, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(stmt, 5, r->size);
        (void)(r->score.set ? sqlite3_bind_double(stmt, 6, r->score.v) : sqlite3_bind_null(stmt, 6));
        (void)sqlite3_bind_int64(stmt, 7, r->seen.us);
        must(sqlite3_step(stmt) == SQLITE_DONE, "insert");
        (void)sqlite3_reset(stmt);
    }
    must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, "commit");
    double rate = rate_since(t);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return rate;
}

/* ---- libpq by hand ---- */

static char *put(char *p, const void *v, uint32_t len)
{
    uint32_t be = htobe32(len);
    memcpy(p, &be, 4);
    memcpy(p + 4, v, len);
    return p + 4 + len;
}

static char *put64(char *p, uint64_t v)
{
    v = htobe64(v);
    return put(p, &v, sizeof v);
}

static char *put_text(char *p, const char *s)
{
    return put(p, s, (uint32_t)strlen(s));
}

static char *put_score(char *p, st_opt_double score)
{
    uint64_t bits;
    memcpy(&bits, &score.v, sizeof bits);
    return score.set ? put64(p, bits) : (char *)memset(p, 0xff, 4) + 4;
}

static uint64_t pg_time(st_time t)
{
    return (uint64_t)(t.us - 946684800000000);
}

static void by_hand(PGconn *pq, const char *sql, ExecStatusType expected)
{
    PGresult *r = PQexec(pq, sql);
    must(PQresultStatus(r) == expected, PQerrorMessage(pq));
    PQclear(r);
}

enum { CHUNK = 1000 };
static const unsigned oids[N_COLUMNS] = {2950, 2950, 25, 25, 20, 701, 1184};
static const unsigned array_oids[N_COLUMNS] = {2951, 2951, 1009, 1009, 1016, 1022, 1185};

/* CHUNK rows as one array a column. */
static void put_chunk(const Thing *rows, char (*out)[CHUNK * 90], int *lengths)
{
    char *p[N_COLUMNS];
    for (int k = 0; k < N_COLUMNS; k++) {
        const uint32_t head[] = {htobe32(1), htobe32(1), htobe32(oids[k]), htobe32(CHUNK), htobe32(1)};
        memcpy(out[k], head, sizeof head);
        p[k] = out[k] + sizeof head;
    }
    for (int i = 0; i < CHUNK; i++) {
        const Thing *r = &rows[i];
        st_uuid id = uuid_v7();
        p[0] = put(p[0], tenant.b, 16);
        p[1] = put(p[1], id.b, 16);
        p[2] = put_text(p[2], r->name);
        p[3] = put_text(p[3], r->url);
        p[4] = put64(p[4], (uint64_t)r->size);
        p[5] = put_score(p[5], r->score);
        p[6] = put64(p[6], pg_time(r->seen));
    }
    for (int k = 0; k < N_COLUMNS; k++) {
        lengths[k] = (int)(p[k] - out[k]);
    }
}

static double pg_flush_hand(void)
{
    static const char insert[] = "INSERT INTO things (" COLUMNS ") SELECT * FROM unnest($1::uuid[], $2::uuid[], "
                                 "$3::text[], $4::text[], $5::int8[], $6::float8[], $7::timestamptz[]) RETURNING id";
    static const int binary[N_COLUMNS] = {1, 1, 1, 1, 1, 1, 1};
    static char columns[N_COLUMNS][CHUNK * 90];
    start_pg();
    empty(all.pg);
    const char *values[N_COLUMNS];
    for (int k = 0; k < N_COLUMNS; k++) {
        values[k] = columns[k];
    }
    int64_t t = clock_mono_ns();
    by_hand(all.hand, "BEGIN", PGRES_COMMAND_OK); /* and the tenant, for the table's policies */
    by_hand(all.hand, "SET LOCAL strata.tenant = '07000000-0000-0000-0000-000000000000'", PGRES_COMMAND_OK);
    PQclear(PQprepare(all.hand, "flush", insert, N_COLUMNS, array_oids));
    for (int from = 0; from < ROWS; from += CHUNK) {
        int lengths[N_COLUMNS];
        put_chunk(&all.rows[from], columns, lengths);
        PGresult *r = PQexecPrepared(all.hand, "flush", N_COLUMNS, values, lengths, binary, 1);
        must(PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == CHUNK, PQerrorMessage(all.hand));
        PQclear(r);
    }
    by_hand(all.hand, "COMMIT", PGRES_COMMAND_OK);
    double rate = rate_since(t);
    by_hand(all.hand, "DEALLOCATE flush", PGRES_COMMAND_OK);
    return rate;
}

/* ---- bulk ---- */

static double pg_copy_ours(void)
{
    static void *rows[ROWS];
    start_pg();
    empty(all.pg);
    Thing *things = mem_alloc(ROWS * sizeof *things); /* the call gives them ids */
    must(things != NULL, "memory");
    memcpy(things, all.rows, ROWS * sizeof *things);
    for (int i = 0; i < ROWS; i++) {
        rows[i] = &things[i];
    }
    int64_t n = 0, t = clock_mono_ns();
    ST_SESSION(s, all.pg_admin, .tenant = tenant);
    must(st_copy_many(s, Thing, rows, ROWS, &n) == 0 && st_commit(s) == 0 && n == ROWS, "copy");
    double rate = rate_since(t);
    mem_free(things);
    return rate;
}

static char *put_row(char *p, const Thing *r)
{
    uint16_t fields = htobe16(N_COLUMNS);
    st_uuid id = uuid_v7();
    memcpy(p, &fields, 2);
    p = put(p + 2, tenant.b, 16);
    p = put(p, id.b, 16);
    p = put_text(p, r->name);
    p = put_text(p, r->url);
    p = put64(p, (uint64_t)r->size);
    p = put_score(p, r->score);
    return put64(p, pg_time(r->seen));
}

static double pg_copy_hand(void)
{
    enum { SEND = 64 * 1024, ROW_MAX = 400 };
    static const char head[19] = "PGCOPY\n\377\r\n\0";
    static char out[SEND + ROW_MAX];
    start_pg();
    empty(all.pg);
    PGconn *pq = all.hand_admin;
    int64_t t = clock_mono_ns();
    by_hand(pq, "BEGIN", PGRES_COMMAND_OK);
    by_hand(pq, "COPY things (" COLUMNS ") FROM STDIN (FORMAT binary)", PGRES_COPY_IN);
    memcpy(out, head, sizeof head);
    char *p = out + sizeof head;
    for (int i = 0; i < ROWS; i++) {
        p = put_row(p, &all.rows[i]);
        if (p - out >= SEND) {
            must(PQputCopyData(pq, out, (int)(p - out)) == 1, PQerrorMessage(pq));
            p = out;
        }
    }
    p = (char *)memset(p, 0xff, 2) + 2;
    must(PQputCopyData(pq, out, (int)(p - out)) == 1 && PQputCopyEnd(pq, NULL) == 1, PQerrorMessage(pq));
    PGresult *r = PQgetResult(pq);
    must(PQresultStatus(r) == PGRES_COMMAND_OK, PQerrorMessage(pq));
    PQclear(r);
    must(PQgetResult(pq) == NULL, "the end of a copy");
    by_hand(pq, "COMMIT", PGRES_COMMAND_OK);
    return rate_since(t);
}

extern const struct bench_case strata_write_cases[];
const struct bench_case strata_write_cases[] = {
    {"sqlite-flush", "rows/s", "500,000 objects added and committed; theirs: one prepared insert by hand",
     sqlite_flush_ours, sqlite_flush_hand, .rounds = 3, .sqlalchemy = "sqlite-flush"},
    {"pg-flush", "rows/s", "the same into PostgreSQL; theirs: binary unnest of 1,000 with RETURNING by hand",
     pg_flush_ours, pg_flush_hand, .rounds = 3, .sqlalchemy = "pg-flush"},
    {"pg-copy", "rows/s", "500,000 structs copied in and committed; theirs: binary COPY by hand", pg_copy_ours,
     pg_copy_hand, .rounds = 3, .sqlalchemy = "pg-copy"},
    {NULL},
};
