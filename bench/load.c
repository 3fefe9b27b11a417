/* A million rows into a session's objects beside libpq and sqlite3 used by hand: the same SELECT, into structs in an
 * arena and a list of them. Both sides keep their memory between rounds, as a program that runs does. */
#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store.h"

static double load_once(struct store *s)
{
    int64_t start = clock_mono_ns();
    {
        ST_SESSION(session, s->engine, .tenant = store_tenant, .read_only = true);
        st_rows rows = st_select(session, Item, NULL);
        if (rows.n != STORE_ITEMS) {
            return store_failed("select");
        }
        bench_use(rows.items);
    }
    return store_rate(start, STORE_ITEMS);
}

static double load_ours(enum st_dialect d)
{
    static bool warm[2];
    struct store *s = store_items(d);
    if (!s) {
        return BENCH_FAILED;
    }
    double rate = warm[s->pq != NULL] ? 0 : load_once(s);
    warm[s->pq != NULL] = true;
    return rate < 0 ? rate : load_once(s);
}

/* ---- by hand ---- */

static const char select_items[] = "SELECT " ITEM_COLUMNS " FROM \"items\" WHERE \"tenant_id\" = ";

static char *text_of(sqlite3_stmt *stmt, int column, arena *a)
{
    const void *p = sqlite3_column_text(stmt, column);
    return arena_memdup0(a, p, (size_t)sqlite3_column_bytes(stmt, column));
}

struct items {
    Item **v;
    size_t n, room;
};

static bool items_push(struct items *l, Item *it)
{
    if (l->n == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        Item **v = mem_realloc(l->v, room * sizeof *v);
        if (!v) {
            return false;
        }
        l->v = v;
        l->room = room;
    }
    l->v[l->n++] = it;
    return true;
}

static bool read_sqlite(sqlite3_stmt *stmt, arena *a, struct items *ret)
{
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        Item *it = arena_alloc(a, sizeof *it);
        if (!it || !items_push(ret, it)) {
            return false;
        }
        memcpy(&it->tenant_id, sqlite3_column_blob(stmt, 0), 16);
        memcpy(&it->id, sqlite3_column_blob(stmt, 1), 16);
        it->name = text_of(stmt, 2, a);
        it->url = text_of(stmt, 3, a);
        it->size = sqlite3_column_int64(stmt, 4);
        it->score.set = sqlite3_column_type(stmt, 5) != SQLITE_NULL;
        it->score.v = sqlite3_column_double(stmt, 5);
        it->seen.us = sqlite3_column_int64(stmt, 6);
    }
    return true;
}

static double sqlite_once(struct store *s, sqlite3_stmt *stmt, struct items *items)
{
    int64_t start = clock_mono_ns();
    arena_reset(s->arena);
    items->n = 0;
    (void)sqlite3_bind_blob(stmt, 1, store_tenant.b, 16, SQLITE_STATIC);
    bool read = read_sqlite(stmt, s->arena, items);
    (void)sqlite3_reset(stmt);
    bench_use(items->v);
    return read && items->n == STORE_ITEMS ? store_rate(start, STORE_ITEMS) : BENCH_FAILED;
}

static double load_sqlite(void)
{
    static struct items items;
    struct store *s = store_items(ST_SQLITE);
    if (!s) {
        return BENCH_FAILED;
    }
    sqlite3_stmt *stmt = NULL;
    char sql[256];
    (void)snprintf(sql, sizeof sql, "%s?1", select_items);
    double rate = BENCH_FAILED;
    if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK) {
        rate = items.room ? 0 : sqlite_once(s, stmt, &items);
        rate = rate < 0 ? rate : sqlite_once(s, stmt, &items);
    }
    (void)sqlite3_finalize(stmt);
    return rate;
}

static uint64_t get64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return be64toh(v);
}

static bool read_pg(const PGresult *r, arena *a)
{
    int n = PQntuples(r);
    Item **items = arena_alloc(a, (size_t)n * sizeof *items);
    for (int i = 0; i < n; i++) {
        Item *it = arena_alloc(a, sizeof *it);
        if (!it || !items) {
            return false;
        }
        items[i] = it;
        memcpy(it->tenant_id.b, PQgetvalue(r, i, 0), 16);
        memcpy(it->id.b, PQgetvalue(r, i, 1), 16);
        it->name = arena_memdup0(a, PQgetvalue(r, i, 2), (size_t)PQgetlength(r, i, 2));
        it->url = arena_memdup0(a, PQgetvalue(r, i, 3), (size_t)PQgetlength(r, i, 3));
        it->size = (int64_t)get64(PQgetvalue(r, i, 4));
        it->score.set = !PQgetisnull(r, i, 5);
        uint64_t score = it->score.set ? get64(PQgetvalue(r, i, 5)) : 0;
        memcpy(&it->score.v, &score, 8);
        it->seen.us = (int64_t)get64(PQgetvalue(r, i, 6)) + 946684800000000;
    }
    bench_use(items);
    return n == STORE_ITEMS;
}

static double pg_once(struct store *s)
{
    static const int lengths[] = {16}, formats[] = {1};
    const char *const values[] = {(const char *)store_tenant.b};
    int64_t start = clock_mono_ns();
    arena_reset(s->arena);
    PGresult *r = PQexecPrepared(s->pq, "items", 1, values, lengths, formats, 1);
    bool read = read_pg(r, s->arena);
    PQclear(r);
    return read ? store_rate(start, STORE_ITEMS) : BENCH_FAILED;
}

static double load_pg(void)
{
    static bool warm;
    struct store *s = store_items(ST_POSTGRESQL);
    if (!s) {
        return BENCH_FAILED;
    }
    double rate = 0;
    if (!warm) {
        char sql[256];
        (void)snprintf(sql, sizeof sql, "%s$1", select_items);
        PQclear(PQprepare(s->pq, "items", sql, 1, NULL));
        rate = pg_once(s);
        warm = true;
    }
    return rate < 0 ? rate : pg_once(s);
}

static double load_sqlite_ours(void)
{
    return load_ours(ST_SQLITE);
}

static double load_pg_ours(void)
{
    return load_ours(ST_POSTGRESQL);
}

extern const struct bench_case load_cases[];
const struct bench_case load_cases[] = {
    {"sqlite-load", "rows/s", "1M rows of 7 columns into a session's objects; theirs: sqlite3 by hand into structs",
     load_sqlite_ours, load_sqlite, .sqlalchemy = "sqlite-load"},
    {"pg-load", "rows/s", "the same from PostgreSQL; theirs: binary libpq by hand into structs", load_pg_ours, load_pg,
     .sqlalchemy = "pg-load"},
    {NULL},
};
