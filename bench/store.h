/* store.h: the tables that the reading cases read, on both databases: made once and filled with the same rows; a
 * session's engine and a connection to use by hand beside each other. */
#ifndef BENCH_STORE_H
#define BENCH_STORE_H

#include <libpq-fe.h>
#include <sqlite3.h>

#include "base/arena.h"
#include "bench.h"
#include "strata/strata.h"

enum { STORE_ITEMS = 1000000, STORE_AUTHORS = 100000, STORE_BOOKS_EACH = 5 };
enum { STORE_BOOKS = STORE_AUTHORS * STORE_BOOKS_EACH };

typedef struct Item { /* 7 columns, about 141 bytes a row */
    st_uuid tenant_id, id;
    const char *name, *url;
    int64_t size;
    st_opt_double score;
    st_time seen;
} Item;
ST_DECLARE(Item);
#define ITEM_COLUMNS "\"tenant_id\", \"id\", \"name\", \"url\", \"size\", \"score\", \"seen\""

typedef struct Author {
    st_uuid tenant_id, id;
    const char *name;
    st_list books;
} Author;
ST_DECLARE(Author);
#define AUTHOR_COLUMNS "\"tenant_id\", \"id\", \"name\""

typedef struct Book {
    st_uuid tenant_id, id, author_id;
    const char *title;
    int32_t year;
} Book;
ST_DECLARE(Book);
#define BOOK_COLUMNS "\"tenant_id\", \"id\", \"author_id\", \"title\", \"year\""

extern const st_uuid store_tenant;

struct store {
    st_engine *engine;
    PGconn *pq;   /* of the one */
    sqlite3 *db;  /* of the other: opened as a careful hand does, without locks around each call */
    arena *arena; /* for the hand's rows: kept, so that its memory is touched like a session's */
    bool has_items, has_authors;
};
/* NULL after bench_say(why). */
struct store *store_items(enum st_dialect d);
struct store *store_authors(enum st_dialect d);

double store_rate(int64_t start_ns, double n); /* n since then, a second */
double store_failed(const char *what);

#endif
