/* Sessions that read from SQLite, beside sqlite3 used by hand for the same work. */
#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bench.h"
#include "strata/define.h"
#include "strata/strata.h"

typedef struct Item {
    st_uuid tenant_id, id;
    const char *name, *url;
    int64_t size;
    st_opt_double score;
    st_time seen;
} Item;

#define T Item
ST_MODEL(Item, "items", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(name), COL(url), COL(size),
         COL(score), COL(seen));
#undef T
static const st_model *const models[] = {&Item_model};
static const st_uuid tenant = {{7}};
enum { ROWS = 200000 };

#define COLUMNS "\"tenant_id\", \"id\", \"name\", \"url\", \"size\", \"score\", \"seen\""

static double seconds_since(int64_t start)
{
    return (double)(clock_mono_ns() - start) / 1e9;
}

static double failed(const char *what)
{
    bench_say("%s: %s", what, diag_last()->message);
    return BENCH_FAILED;
}

enum { ITEM_NAME = 64, ITEM_URL = 96 };
static void fill(Item *it, char name[static ITEM_NAME], char url[static ITEM_URL], int i)
{
    (void)snprintf(name, ITEM_NAME, "item number %d of the catalogue", i);
    (void)snprintf(url, ITEM_URL, "https://www.example.com/catalogue/section-%d/item-%d.html", i % 97, i);
    *it = (Item){.id = uuid_v7(), .tenant_id = tenant, .name = name, .url = url, .size = i, .seen = {i}};
    it->score = (st_opt_double){i / 7.0, i % 3 != 0};
}

static st_err insert_chunk(st_session *s, int from, int n, Item *items, char (*names)[ITEM_NAME],
                           char (*urls)[ITEM_URL], Item **at)
{
    for (int i = 0; i < n; i++) {
        fill(&items[i], names[i], urls[i], from + i);
        at[i] = &items[i];
    }
    return st_insert_many(s, Item, at, (size_t)n, NULL);
}

/* A database with ROWS items of one tenant, made once. */
static const char *filled(void)
{
    static char url[600];
    if (*url) {
        return url;
    }
    enum { CHUNK = 1000 };
    static Item items[CHUNK], *at[CHUNK];
    static char names[CHUNK][ITEM_NAME], urls[CHUNK][ITEM_URL];
    char path[600];
    (void)snprintf(path, sizeof path, "sqlite:///%s", bench_temp("strata.db"));
    st_engine *e;
    st_err rc = st_engine_open(path, NULL, &e);
    if (rc) {
        return NULL;
    }
    rc = st_create_all(e, models, 1, FIBER_FOREVER);
    {
        ST_SESSION(s, e, .tenant = tenant);
        for (int i = 0; i < ROWS && !rc; i += CHUNK) {
            rc = insert_chunk(s, i, CHUNK, items, names, urls, at);
        }
        rc = rc ? rc : st_commit(s);
    }
    st_engine_close(e);
    if (rc) {
        return NULL;
    }
    memcpy(url, path, sizeof url);
    return url;
}

/* Like a program that runs: the second load finds touched memory on both sides. */
static double load_ours(void)
{
    st_engine *e;
    const char *url = filled();
    if (!url || st_engine_open(url, NULL, &e) != 0) {
        return failed("open");
    }
    double rate = BENCH_FAILED;
    for (int round = 0; round < 2; round++) {
        int64_t start = clock_mono_ns();
        ST_SESSION(s, e, .tenant = tenant, .read_only = true);
        st_rows rows = st_select(s, Item, NULL);
        if (rows.n != ROWS) {
            rate = failed("select");
            break;
        }
        bench_use(rows.items);
        rate = ROWS / seconds_since(start);
    }
    st_engine_close(e);
    return rate;
}

/* As a careful hand does: no locks around each call, and the settings that an engine uses. */
static bool open_by_hand(const char *name, sqlite3 **ret)
{
    return sqlite3_open_v2(bench_temp(name), ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
           sqlite3_exec(*ret, "PRAGMA synchronous = normal; PRAGMA cache_size = -8192", NULL, NULL, NULL) == SQLITE_OK;
}

static char *text_of(sqlite3_stmt *stmt, int column, arena *a)
{
    const void *p = sqlite3_column_text(stmt, column);
    return arena_memdup0(a, p, (size_t)sqlite3_column_bytes(stmt, column));
}

static bool read_by_hand(sqlite3_stmt *stmt, arena *a, Item ***items, size_t *n, size_t *room)
{
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        Item *it = arena_alloc(a, sizeof *it);
        if (*n == *room) {
            *room = *room ? *room * 2 : 64;
            Item **more = mem_realloc(*items, *room * sizeof *more);
            if (!more) {
                return false;
            }
            *items = more;
        }
        assert(*items);
        if (!it) {
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
        (*items)[(*n)++] = it;
    }
    return true;
}

static double load_theirs(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    double rate = BENCH_FAILED;
    if (!filled() || !open_by_hand("strata.db", &db) ||
        sqlite3_prepare_v2(db, "SELECT " COLUMNS " FROM \"items\" WHERE \"tenant_id\" = ?1", -1, &stmt, NULL) !=
            SQLITE_OK) {
        bench_say("sqlite3: %s", sqlite3_errmsg(db));
    } else {
        arena *a = arena_new(NULL, 0);
        Item **items = NULL;
        size_t room = 0;
        for (int round = 0; a && round < 2; round++) {
            int64_t start = clock_mono_ns();
            size_t n = 0;
            arena_reset(a);
            (void)sqlite3_bind_blob(stmt, 1, tenant.b, 16, SQLITE_STATIC);
            rate = read_by_hand(stmt, a, &items, &n, &room) && n == ROWS ? ROWS / seconds_since(start) : BENCH_FAILED;
            bench_use(items);
            (void)sqlite3_reset(stmt);
        }
        mem_free(items);
        arena_free(a);
    }
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return rate;
}

const struct bench_case strata_cases[] = {
    {"sqlite-load", "rows/s",
     "200,000 rows of 7 columns into objects; theirs: sqlite3 by hand into structs in an arena", load_ours,
     load_theirs, .sqlalchemy = "sqlite-load"},
    {NULL},
};
