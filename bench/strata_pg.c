/* Round trips to PostgreSQL: sessions beside libpq's pipeline mode used by hand for the same work. */
#include <assert.h>
#include <endian.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "bench.h"
#include "pg.h"
#include "strata/define.h"
#include "strata/strata.h"

typedef struct Part {
    st_uuid id;
    const char *name, *url;
    int64_t size;
    double score;
    st_time seen;
} Part;
#define T Part
ST_MODEL(Part, "parts", COL(id, .pk = true), COL(name), COL(url), COL(size), COL(score), COL(seen));
#undef T

typedef struct Stock {
    st_uuid tenant_id, id;
    const char *name, *url;
    int64_t size;
    double score;
    st_time seen;
} Stock;
#define T Stock
ST_MODEL(Stock, "stock", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(name), COL(url),
         COL(size), COL(score), COL(seen));
#undef T
static const st_model *const models[] = {&Part_model, &Stock_model};

enum { ROWS = 20000, FIBERS = 64, CONNECTIONS = 8, GETS = 32000, TRANSACTIONS = 4000 };
#define COLUMNS "\"id\", \"name\", \"url\", \"size\", \"score\", \"seen\""

static struct {
    bool ready;
    struct pg_server server;
    fiber_loop *loop;
    st_engine *e;
    PGconn *hand[CONNECTIONS];
    arena *arena;
    st_uuid ids[ROWS];
} all;

static st_uuid tenant_of(int i) /* of the i-th row */
{
    return (st_uuid){{0x7e, (uint8_t)(i % FIBERS)}};
}

static void stop(void)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        PQfinish(all.hand[i]);
    }
    arena_free(all.arena);
    st_engine_close(all.e);
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

static void fill(void)
{
    static Part parts[ROWS], *part_at[ROWS];
    static Stock stock[ROWS / FIBERS + 1], *stock_at[ROWS / FIBERS + 1];
    for (int i = 0; i < ROWS; i++) {
        all.ids[i] = uuid_v7();
        parts[i] = (Part){.id = all.ids[i],
                          .name = arena_printf(all.arena, "part number %d of the catalogue", i),
                          .url = arena_printf(all.arena, "https://www.example.com/parts/section-%d/%d", i % 97, i),
                          .size = i,
                          .score = i / 7.0,
                          .seen = {i}};
        part_at[i] = &parts[i];
    }
    ST_SESSION(s, all.e, .read_only = false);
    must(st_insert_many(s, Part, part_at, ROWS, NULL) == 0 && st_commit(s) == 0, "parts");
    for (int t = 0; t < FIBERS; t++) {
        ST_SESSION(of, all.e, .tenant = tenant_of(t));
        size_t n = 0;
        for (int i = t; i < ROWS; i += FIBERS) {
            const Part *p = &parts[i];
            stock[n] = (Stock){.id = p->id, .name = p->name, .url = p->url, .size = i, .score = p->score, .seen = {i}};
            stock_at[n] = &stock[n];
            n++;
        }
        must(st_insert_many(of, Stock, stock_at, n, NULL) == 0 && st_commit(of) == 0, "stock");
    }
}

static const char get_part[] = "SELECT " COLUMNS " FROM \"parts\" WHERE \"id\" = $1";
static const char get_stock[] =
    "SELECT \"tenant_id\", " COLUMNS " FROM \"stock\" WHERE \"tenant_id\" = $1 AND \"id\" = $2";
static const char set_tenant[] = "SELECT set_config('strata.tenant', $1, true)";

static void prepare(PGconn *pq)
{
    static const unsigned uuids[] = {2950, 2950}, text[] = {25};
    PQclear(PQprepare(pq, "part", get_part, 1, uuids));
    PQclear(PQprepare(pq, "stock", get_stock, 2, uuids));
    PQclear(PQprepare(pq, "tenant", set_tenant, 1, text));
    PQclear(PQprepare(pq, "begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY", 0, NULL));
    PQclear(PQprepare(pq, "commit", "COMMIT", 0, NULL));
    must(PQsetnonblocking(pq, 1) == 0 && PQenterPipelineMode(pq) == 1, PQerrorMessage(pq));
}

static void start(void)
{
    if (all.ready) {
        return;
    }
    all.ready = true;
    pg_server_start(&all.server, false, "shared_buffers = 256MB");
    must(atexit(stop) == 0, "atexit");
    must(fiber_loop_open(NULL, &all.loop) == 0, "loop");
    all.arena = arena_new(NULL, 0);
    const char *url = pg_server_database(&all.server);
    const struct st_engine_options o = {.pool_size = CONNECTIONS, .max_overflow = ST_NO_OVERFLOW};
    must(all.arena && st_engine_open(url, &o, &all.e) == 0, "engine");
    must(st_create_all(all.e, models, 2, FIBER_FOREVER) == 0, "tables");
    fill();
    must(st_engine_execute(all.e, "ANALYZE", FIBER_FOREVER) == 0, "analyze");
    for (int i = 0; i < CONNECTIONS; i++) {
        all.hand[i] = PQconnectdb(url);
        prepare(all.hand[i]);
    }
}

static int row_of(int i) /* that the i-th get is for: of a fiber always the same tenant's */
{
    return i % FIBERS + i / FIBERS * 7919 % (ROWS / FIBERS) * FIBERS;
}

static double rate_since(int64_t start_ns, double n)
{
    return n / ((double)(clock_mono_ns() - start_ns) / 1e9);
}

/* ---- gets of many fibers ---- */

struct getter {
    int number;
    bool tenants;
};

static int get_some(void *arg)
{
    const struct getter *g = arg;
    for (int i = g->number; i < GETS; i += FIBERS) {
        int row = row_of(i);
        int64_t size = -1;
        if (g->tenants) {
            ST_SESSION(s, all.e, .tenant = tenant_of(row), .autocommit = true);
            const Stock *it = st_get(s, Stock, all.ids[row]);
            size = it ? it->size : -1;
        } else {
            ST_SESSION(s, all.e, .autocommit = true);
            const Part *it = st_get(s, Part, all.ids[row]);
            size = it ? it->size : -1;
        }
        must(size == row, "get");
    }
    return 0;
}

static double gets_ours(bool tenants)
{
    start();
    struct getter g[FIBERS];
    int64_t t = clock_mono_ns();
    {
        FIBER_BUNDLE(b);
        for (int i = 0; i < FIBERS; i++) {
            g[i] = (struct getter){i, tenants};
            must(fiber_start(&b, get_some, &g[i]) == 0, "fiber");
        }
        must(fiber_bundle_wait(&b, FIBER_FOREVER) == 0, "fibers");
    }
    return rate_since(t, GETS);
}

static uint64_t get64(const PGresult *r, int column)
{
    uint64_t v;
    memcpy(&v, PQgetvalue(r, 0, column), 8);
    return be64toh(v);
}

static char *get_text(const PGresult *r, int column, arena *a)
{
    return arena_memdup0(a, PQgetvalue(r, 0, column), (size_t)PQgetlength(r, 0, column));
}

/* One row into a struct, as a program writes it for itself. */
static int64_t take_by_hand(const PGresult *r, arena *a, bool tenants)
{
    Stock *it = arena_alloc(a, sizeof *it);
    must(it && PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1, PQresultErrorMessage(r));
    int at = 0;
    if (tenants) {
        memcpy(it->tenant_id.b, PQgetvalue(r, 0, at++), 16);
    }
    memcpy(it->id.b, PQgetvalue(r, 0, at), 16);
    it->name = get_text(r, at + 1, a);
    it->url = get_text(r, at + 2, a);
    it->size = (int64_t)get64(r, at + 3);
    uint64_t score = get64(r, at + 4);
    memcpy(&it->score, &score, 8);
    it->seen.us = (int64_t)get64(r, at + 5) + 946684800000000;
    bench_use(it);
    return it->size;
}

static void send_get(PGconn *pq, int row, bool tenants)
{
    static const int binary[] = {1, 1}, lengths[] = {16, 16};
    st_uuid tenant = tenant_of(row);
    char text[UUID_TEXT_LEN + 1];
    const char *key[] = {(const char *)tenant.b, (const char *)all.ids[row].b}, *setting = text;
    if (tenants) {
        uuid_format(tenant, text);
        must(PQsendQueryPrepared(pq, "tenant", 1, &setting, (const int[]){36}, binary, 1) == 1, "send");
    }
    must(PQsendQueryPrepared(pq, tenants ? "stock" : "part", tenants ? 2 : 1, tenants ? key : key + 1, lengths, binary,
                             1) == 1,
         "send");
}

struct by_hand {
    PGconn *pq;
    arena *a;
    int first, next, answered;                /* gets of this connection: first, first + CONNECTIONS, ... */
    int rows[FIBERS / CONNECTIONS], n, taken; /* what is outstanding */
    bool over, setting;
};

static void send_more(struct by_hand *h, bool tenants)
{
    h->n = h->taken = 0;
    h->setting = tenants;
    arena_reset(h->a);
    for (; h->n < FIBERS / CONNECTIONS && h->next < GETS; h->next += CONNECTIONS) {
        h->rows[h->n] = row_of(h->next);
        send_get(h->pq, h->rows[h->n++], tenants);
    }
    h->over = h->n == 0;
    if (!h->over) {
        must(PQpipelineSync(h->pq) == 1 && PQflush(h->pq) == 0, "sync");
    }
}

static void take_answers(struct by_hand *h, bool tenants)
{
    must(PQconsumeInput(h->pq) == 1, PQerrorMessage(h->pq));
    while (!h->over && !PQisBusy(h->pq)) {
        PGresult *r = PQgetResult(h->pq);
        if (!r) {
            continue;
        }
        if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
            PQclear(r);
            send_more(h, tenants);
            return;
        }
        if (h->setting) {
            h->setting = false;
        } else {
            must(take_by_hand(r, h->a, tenants) == h->rows[h->taken++], "get by hand");
            h->setting = tenants;
        }
        PQclear(r);
    }
}

/* One thread over all connections, on each eight queries and a Sync at a time. */
static double gets_by_hand(bool tenants)
{
    start();
    struct by_hand h[CONNECTIONS];
    struct pollfd fds[CONNECTIONS];
    int64_t t = clock_mono_ns();
    for (int i = 0; i < CONNECTIONS; i++) {
        h[i] = (struct by_hand){.pq = all.hand[i], .a = arena_new(NULL, 0), .next = i};
        fds[i] = (struct pollfd){.fd = PQsocket(all.hand[i]), .events = POLLIN};
        must(h[i].a, "arena");
        send_more(&h[i], tenants);
    }
    for (int open = CONNECTIONS; open > 0;) {
        must(poll(fds, CONNECTIONS, -1) > 0, "poll");
        for (int i = 0; i < CONNECTIONS; i++) {
            if (fds[i].revents) {
                take_answers(&h[i], tenants);
                if (h[i].over) {
                    fds[i].fd = -1;
                    open--;
                }
            }
        }
    }
    double rate = rate_since(t, GETS);
    for (int i = 0; i < CONNECTIONS; i++) {
        arena_free(h[i].a);
    }
    return rate;
}

static double get_ours(void)
{
    return gets_ours(false);
}
static double get_theirs(void)
{
    return gets_by_hand(false);
}
static double get_tenant_ours(void)
{
    return gets_ours(true);
}
static double get_tenant_theirs(void)
{
    return gets_by_hand(true);
}

/* ---- a tenant's transaction: begin, setting, read by key, commit ---- */

static double tx_ours(void)
{
    start();
    int64_t t = clock_mono_ns();
    for (int i = 0; i < TRANSACTIONS; i++) {
        int row = row_of(i);
        ST_SESSION(s, all.e, .tenant = tenant_of(row), .autocommit = true, .isolation = ST_READ_COMMITTED);
        const Stock *it = st_get(s, Stock, all.ids[row]);
        must(it && it->size == row, "transaction");
    }
    return rate_since(t, TRANSACTIONS);
}

static PGresult *next_result(PGconn *pq)
{
    struct pollfd p = {.fd = PQsocket(pq), .events = POLLIN};
    while (PQisBusy(pq)) {
        must(poll(&p, 1, -1) == 1 && PQconsumeInput(pq) == 1, "read");
    }
    return PQgetResult(pq);
}

static double tx_theirs(void)
{
    start();
    PGconn *pq = all.hand[0];
    arena *a = arena_new(NULL, 0);
    must(a, "arena");
    int64_t t = clock_mono_ns();
    for (int i = 0; i < TRANSACTIONS; i++) {
        int row = row_of(i);
        arena_reset(a);
        PQsendQueryPrepared(pq, "begin", 0, NULL, NULL, NULL, 1);
        send_get(pq, row, true);
        PQsendQueryPrepared(pq, "commit", 0, NULL, NULL, NULL, 1);
        must(PQpipelineSync(pq) == 1 && PQflush(pq) == 0, "sync");
        for (int k = 0; k < 4; k++) {
            PGresult *r = next_result(pq);
            must(k != 2 || take_by_hand(r, a, true) == row, "transaction by hand");
            PQclear(r);
            PQclear(next_result(pq));
        }
        PQclear(next_result(pq));
    }
    double rate = rate_since(t, TRANSACTIONS);
    arena_free(a);
    return rate;
}

extern const struct bench_case strata_pg_cases[];
const struct bench_case strata_pg_cases[] = {
    {"pg-get", "gets/s",
     "64 fibers, 8 connections: a session and a row by key each; theirs: libpq's pipelines by hand, 8 gets a Sync",
     get_ours, get_theirs, .sqlalchemy = "pg-get"},
    {"pg-get-tenant", "gets/s", "the same with 64 tenants, each told to row-level security; theirs: so do they",
     get_tenant_ours, get_tenant_theirs},
    {"pg-tenant-tx", "/s",
     "BEGIN, the tenant, a row by key, COMMIT in one round trip, one after the other; theirs: one pipeline by hand",
     tx_ours, tx_theirs, .sqlalchemy = "pg-tenant-tx"},
    {NULL},
};
