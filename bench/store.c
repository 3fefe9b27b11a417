#include "store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "pg.h"
#include "strata/define.h"

#define T Item
ST_MODEL(Item, "items", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(name), COL(url), COL(size),
         COL(score), COL(seen));
#undef T

#define T Author
ST_MODEL(Author, "authors", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(name),
         MANY(books, Book, author_id));
#undef T

#define T Book
ST_MODEL(Book, "books", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), REF(author_id, Author),
         COL(title), COL(year), INDEX("books_author_idx", "author_id"));
#undef T

static const st_model *const models[] = {&Author_model, &Book_model, &Item_model};
const st_uuid store_tenant = {{7}};
enum { CHUNK = 1000, TEXT = 96 };

static struct {
    struct store stores[2];
    fiber_loop *loop;
    struct pg_server server;
    char pg_url[512];
} all;

static void stop(void)
{
    for (int i = 0; i < 2; i++) {
        struct store *s = &all.stores[i];
        st_engine_close(s->engine);
        PQfinish(s->pq);
        (void)sqlite3_close(s->db);
        arena_free(s->arena);
    }
    fiber_loop_close(all.loop);
    if (*all.pg_url) {
        pg_server_stop(&all.server);
    }
}

double store_failed(const char *what)
{
    bench_say("%s: %s", what, diag_last()->message);
    return BENCH_FAILED;
}

double store_rate(int64_t start_ns, double n)
{
    return n / ((double)(clock_mono_ns() - start_ns) / 1e9);
}

static bool open_by_hand(struct store *s, enum st_dialect d, const char *url)
{
    if (d == ST_POSTGRESQL) {
        s->pq = PQconnectdb(url);
        char tenant[UUID_TEXT_LEN + 1], sql[100]; /* row-level security holds for both */
        uuid_format(store_tenant, tenant);
        (void)snprintf(sql, sizeof sql, "SET strata.tenant = '%s'", tenant);
        PQclear(PQexec(s->pq, sql));
        return PQstatus(s->pq) == CONNECTION_OK;
    }
    return sqlite3_open_v2(bench_temp("store.db"), &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
               SQLITE_OK &&
           sqlite3_exec(s->db, "PRAGMA synchronous = normal; PRAGMA cache_size = -8192", NULL, NULL, NULL) == SQLITE_OK;
}

static struct store *store_open(enum st_dialect d)
{
    struct store *s = &all.stores[d == ST_POSTGRESQL];
    if (s->engine) {
        return s;
    }
    static bool registered;
    char url[600];
    (void)snprintf(url, sizeof url, "sqlite:///%s", bench_temp("store.db"));
    if (d == ST_POSTGRESQL) {
        pg_server_start(&all.server, false, "shared_buffers = 512MB");
        (void)snprintf(all.pg_url, sizeof all.pg_url, "%s", pg_server_database(&all.server));
        (void)snprintf(url, sizeof url, "%s", all.pg_url);
    }
    if ((!fiber_loop_current() && fiber_loop_open(NULL, &all.loop) != 0) || !(s->arena = arena_new(NULL, 0)) ||
        st_engine_open(url, NULL, &s->engine) != 0 ||
        st_create_all(s->engine, models, sizeof models / sizeof *models, FIBER_FOREVER) != 0 ||
        !open_by_hand(s, d, url) || (!registered && atexit(stop) != 0)) {
        (void)store_failed("cannot open the database");
        return NULL;
    }
    registered = true;
    return s;
}

static void analyze(struct store *s)
{
    (void)st_engine_execute(s->engine, s->pq ? "VACUUM ANALYZE" : "ANALYZE", FIBER_FOREVER);
}

/* Fills in n rows from number from on and inserts them. */
typedef st_err insert_fn(st_session *s, int from, int n);

static st_err insert_items(st_session *s, int from, int n)
{
    static Item items[CHUNK], *at[CHUNK];
    static char names[CHUNK][TEXT], urls[CHUNK][TEXT];
    for (int i = 0; i < n; i++) {
        int k = from + i;
        (void)snprintf(names[i], TEXT, "item number %d of the catalogue", k);
        (void)snprintf(urls[i], TEXT, "https://www.example.com/catalogue/section-%d/item-%d.html", k % 97, k);
        items[i] = (Item){.name = names[i], .url = urls[i], .size = k, .seen = {k}};
        items[i].score = (st_opt_double){k / 7.0, k % 3 != 0};
        at[i] = &items[i];
    }
    return st_insert_many(s, Item, at, (size_t)n, NULL);
}

/* An author's books are made with those of others between them, as time would have it. */
static st_err insert_authors(st_session *s, int from, int n)
{
    static Author authors[CHUNK], *at[CHUNK];
    static Book books[CHUNK], *books_at[CHUNK];
    static char names[CHUNK][TEXT], titles[CHUNK][TEXT];
    for (int i = 0; i < n; i++) {
        (void)snprintf(names[i], TEXT, "author number %d", from + i);
        authors[i] = (Author){.name = names[i]};
        at[i] = &authors[i];
    }
    st_err rc = st_insert_many(s, Author, at, (size_t)n, NULL);
    for (int k = 0; k < STORE_BOOKS_EACH && !rc; k++) {
        for (int i = 0; i < n; i++) {
            (void)snprintf(titles[i], TEXT, "the book number %d of author number %d", k, from + i);
            books[i] = (Book){.author_id = authors[i].id, .title = titles[i], .year = 1900 + k};
            books_at[i] = &books[i];
        }
        rc = st_insert_many(s, Book, books_at, (size_t)n, NULL);
    }
    return rc;
}

static bool fill(struct store *s, insert_fn *insert, int rows)
{
    st_err rc = 0;
    {
        ST_SESSION(session, s->engine, .tenant = store_tenant);
        for (int i = 0; i < rows && !rc; i += CHUNK) {
            rc = insert(session, i, CHUNK);
        }
        rc = rc ? rc : st_commit(session);
    }
    if (rc) {
        (void)store_failed("cannot fill the tables");
        return false;
    }
    analyze(s);
    return true;
}

struct store *store_items(enum st_dialect d)
{
    struct store *s = store_open(d);
    if (s && !s->has_items) {
        s->has_items = fill(s, insert_items, STORE_ITEMS);
    }
    return s && s->has_items ? s : NULL;
}

struct store *store_authors(enum st_dialect d)
{
    struct store *s = store_open(d);
    if (s && !s->has_authors) {
        s->has_authors = fill(s, insert_authors, STORE_AUTHORS);
    }
    return s && s->has_authors ? s : NULL;
}
