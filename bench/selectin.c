/* 100,000 authors with five books each: a select with a loader beside two queries by hand, the second one for the books
 * of the authors found, whose lists are then made. */
#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store.h"

static double ours_once(struct store *s)
{
    int64_t start = clock_mono_ns();
    {
        ST_SESSION(session, s->engine, .tenant = store_tenant, .read_only = true);
        st_rows rows = st_select(session, Author, NULL, .with = ST_SELECTIN(Author, books));
        if (rows.n != STORE_AUTHORS || st_many(session, Author, rows.items[rows.n / 2], books).n != STORE_BOOKS_EACH) {
            return store_failed("select");
        }
        bench_use(rows.items);
    }
    return store_rate(start, STORE_AUTHORS + STORE_BOOKS);
}

static double ours(enum st_dialect d)
{
    static bool warm[2];
    struct store *s = store_authors(d);
    if (!s) {
        return BENCH_FAILED;
    }
    double rate = warm[s->pq != NULL] ? 0 : ours_once(s);
    warm[s->pq != NULL] = true;
    return rate < 0 ? rate : ours_once(s);
}

/* ---- by hand ---- */

enum { SLOTS = 1 << 18, CHUNK_PG = STORE_AUTHORS, CHUNK_SQLITE = 16384 };

/* What a program would write for this: arrays of known size, a table from id to author, books chained to a count. All
 * of it is kept between rounds. */
struct shelf {
    Author **authors;
    Book **books;
    uint32_t *owner; /* of each book */
    uint32_t *slots; /* author's number + 1 */
    uint32_t *start;
    size_t n_authors, n_books;
};

static uint64_t hash_of(const st_uuid *id)
{
    uint64_t half;
    memcpy(&half, id->b + 8, sizeof half);
    return half * 0x9e3779b97f4a7c15U >> 46;
}

static bool shelf_begin(struct shelf *s)
{
    if (!s->authors) {
        s->authors = mem_zalloc(STORE_AUTHORS, sizeof *s->authors);
        s->books = mem_zalloc(STORE_BOOKS, sizeof *s->books);
        s->owner = mem_zalloc(STORE_BOOKS, sizeof *s->owner);
        s->slots = mem_zalloc(SLOTS, sizeof *s->slots);
        s->start = mem_zalloc(STORE_AUTHORS + 2, sizeof *s->start);
    }
    if (!s->authors || !s->books || !s->owner || !s->slots || !s->start) {
        return false;
    }
    memset(s->slots, 0, SLOTS * sizeof *s->slots);
    memset(s->start, 0, (STORE_AUTHORS + 2) * sizeof *s->start);
    s->n_authors = s->n_books = 0;
    return true;
}

static void shelf_index(struct shelf *s)
{
    for (uint32_t i = 0; i < s->n_authors; i++) {
        uint64_t at = hash_of(&s->authors[i]->id);
        while (s->slots[at]) {
            at = (at + 1) % SLOTS;
        }
        s->slots[at] = i + 1;
    }
}

static void shelf_add(struct shelf *s, Book *b)
{
    uint64_t at = hash_of(&b->author_id);
    while (memcmp(&s->authors[s->slots[at] - 1]->id, &b->author_id, 16) != 0) {
        at = (at + 1) % SLOTS;
    }
    uint32_t owner = s->slots[at] - 1;
    s->owner[s->n_books] = owner;
    s->books[s->n_books++] = b;
    s->start[owner + 2]++;
}

static bool shelf_end(struct shelf *s, arena *a)
{
    const void **items = arena_alloc(a, s->n_books * sizeof *items);
    if (!items) {
        return false;
    }
    for (size_t i = 2; i < s->n_authors + 2; i++) {
        s->start[i] += s->start[i - 1];
    }
    for (size_t i = 0; i < s->n_books; i++) {
        items[s->start[s->owner[i] + 1]++] = s->books[i];
    }
    for (size_t i = 0; i < s->n_authors; i++) {
        s->authors[i]->books = (st_list){items + s->start[i], s->start[i + 1] - s->start[i], true};
    }
    bench_use(s->authors);
    return s->n_authors == STORE_AUTHORS && s->n_books == STORE_BOOKS;
}

/* ---- SQLite: the keys of 16,384 authors at a time, the fastest of the powers of two that fit ---- */

static char *text_of(sqlite3_stmt *stmt, int column, arena *a)
{
    const void *p = sqlite3_column_text(stmt, column);
    return arena_memdup0(a, p, (size_t)sqlite3_column_bytes(stmt, column));
}

static bool sqlite_authors(sqlite3_stmt *stmt, struct shelf *s, arena *a)
{
    (void)sqlite3_bind_blob(stmt, 1, store_tenant.b, 16, SQLITE_STATIC);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        Author *x = arena_alloc(a, sizeof *x);
        if (!x || s->n_authors == STORE_AUTHORS) {
            return false;
        }
        memcpy(&x->tenant_id, sqlite3_column_blob(stmt, 0), 16);
        memcpy(&x->id, sqlite3_column_blob(stmt, 1), 16);
        x->name = text_of(stmt, 2, a);
        s->authors[s->n_authors++] = x;
    }
    shelf_index(s);
    return sqlite3_reset(stmt) == SQLITE_OK;
}

static bool sqlite_books(sqlite3_stmt *stmt, struct shelf *s, size_t from, arena *a)
{
    (void)sqlite3_bind_blob(stmt, 1, store_tenant.b, 16, SQLITE_STATIC);
    for (size_t i = 0; i < CHUNK_SQLITE; i++) {
        if (from + i < s->n_authors) {
            (void)sqlite3_bind_blob(stmt, (int)i + 2, s->authors[from + i]->id.b, 16, SQLITE_STATIC);
        } else {
            (void)sqlite3_bind_null(stmt, (int)i + 2);
        }
    }
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        Book *x = arena_alloc(a, sizeof *x);
        if (!x || s->n_books == STORE_BOOKS) {
            return false;
        }
        memcpy(&x->tenant_id, sqlite3_column_blob(stmt, 0), 16);
        memcpy(&x->id, sqlite3_column_blob(stmt, 1), 16);
        memcpy(&x->author_id, sqlite3_column_blob(stmt, 2), 16);
        x->title = text_of(stmt, 3, a);
        x->year = sqlite3_column_int(stmt, 4);
        shelf_add(s, x);
    }
    return sqlite3_reset(stmt) == SQLITE_OK;
}

static sqlite3_stmt *prepare_list(sqlite3 *db)
{
    enum { SIZE = CHUNK_SQLITE * 8 + 256 };
    static char sql[SIZE];
    int n =
        snprintf(sql, SIZE, "SELECT " BOOK_COLUMNS " FROM \"books\" WHERE \"tenant_id\" = ?1 AND \"author_id\" IN (?2");
    for (int i = 3; i < CHUNK_SQLITE + 2; i++) {
        n += snprintf(sql + n, SIZE - (size_t)n, ", ?%d", i);
    }
    (void)snprintf(sql + n, SIZE - (size_t)n, ")");
    sqlite3_stmt *stmt = NULL;
    (void)sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    return stmt;
}

static double sqlite_once(struct store *s, struct shelf *shelf, sqlite3_stmt *authors, sqlite3_stmt *books)
{
    int64_t start = clock_mono_ns();
    arena_reset(s->arena);
    bool ok = shelf_begin(shelf) && sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
              sqlite_authors(authors, shelf, s->arena);
    for (size_t from = 0; ok && from < shelf->n_authors; from += CHUNK_SQLITE) {
        ok = sqlite_books(books, shelf, from, s->arena);
    }
    ok = ok && shelf_end(shelf, s->arena) && sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    return ok ? store_rate(start, STORE_AUTHORS + STORE_BOOKS) : BENCH_FAILED;
}

static double sqlite_hand(void)
{
    static struct shelf shelf;
    static bool warm;
    struct store *s = store_authors(ST_SQLITE);
    if (!s) {
        return BENCH_FAILED;
    }
    sqlite3_stmt *authors = NULL, *books = prepare_list(s->db);
    double rate = BENCH_FAILED;
    if (books && sqlite3_prepare_v2(s->db, "SELECT " AUTHOR_COLUMNS " FROM \"authors\" WHERE \"tenant_id\" = ?1", -1,
                                    &authors, NULL) == SQLITE_OK) {
        rate = warm ? 0 : sqlite_once(s, &shelf, authors, books);
        rate = rate < 0 ? rate : sqlite_once(s, &shelf, authors, books);
        warm = true;
    }
    (void)sqlite3_finalize(authors);
    (void)sqlite3_finalize(books);
    return rate;
}

/* ---- PostgreSQL: one array of all keys ---- */

static const int binary[] = {1, 1};

static bool pg_authors(PGconn *pq, struct shelf *s, arena *a)
{
    PGresult *r = PQexecPrepared(pq, "authors", 1, (const char *const[]){(const char *)store_tenant.b},
                                 (const int[]){16}, binary, 1);
    int n = PQntuples(r);
    for (int i = 0; i < n && i < STORE_AUTHORS; i++) {
        Author *x = arena_alloc(a, sizeof *x);
        if (!x) {
            break;
        }
        memcpy(&x->tenant_id, PQgetvalue(r, i, 0), 16);
        memcpy(&x->id, PQgetvalue(r, i, 1), 16);
        x->name = arena_memdup0(a, PQgetvalue(r, i, 2), (size_t)PQgetlength(r, i, 2));
        s->authors[s->n_authors++] = x;
    }
    PQclear(r);
    shelf_index(s);
    return s->n_authors == STORE_AUTHORS;
}

static void take_books(const PGresult *r, struct shelf *s, arena *a)
{
    int n = PQntuples(r);
    for (int i = 0; i < n && s->n_books < STORE_BOOKS; i++) {
        Book *x = arena_alloc(a, sizeof *x);
        if (!x) {
            return;
        }
        memcpy(&x->tenant_id, PQgetvalue(r, i, 0), 16);
        memcpy(&x->id, PQgetvalue(r, i, 1), 16);
        memcpy(&x->author_id, PQgetvalue(r, i, 2), 16);
        x->title = arena_memdup0(a, PQgetvalue(r, i, 3), (size_t)PQgetlength(r, i, 3));
        uint32_t year;
        memcpy(&year, PQgetvalue(r, i, 4), 4);
        x->year = (int32_t)be32toh(year);
        shelf_add(s, x);
    }
}

static void pg_books(PGconn *pq, struct shelf *s, size_t from, arena *a)
{
    static char list[20 + CHUNK_PG * 20];
    size_t n = s->n_authors - from < CHUNK_PG ? s->n_authors - from : CHUNK_PG;
    const uint32_t head[] = {htobe32(1), 0, htobe32(2950), htobe32((uint32_t)n), htobe32(1)}, sixteen = htobe32(16);
    char *p = list;
    memcpy(p, head, sizeof head);
    p += sizeof head;
    for (size_t i = 0; i < n; i++, p += 20) {
        memcpy(p, &sixteen, 4);
        memcpy(p + 4, &s->authors[from + i]->id, 16);
    }
    PGresult *r = PQexecPrepared(pq, "books", 2, (const char *const[]){(const char *)store_tenant.b, list},
                                 (const int[]){16, (int)(p - list)}, binary, 1);
    take_books(r, s, a);
    PQclear(r);
}

static double pg_once(struct store *s, struct shelf *shelf)
{
    int64_t start = clock_mono_ns();
    arena_reset(s->arena);
    PQclear(PQexec(s->pq, "BEGIN"));
    bool ok = shelf_begin(shelf) && pg_authors(s->pq, shelf, s->arena);
    for (size_t from = 0; ok && from < shelf->n_authors; from += CHUNK_PG) {
        pg_books(s->pq, shelf, from, s->arena);
    }
    ok = ok && shelf_end(shelf, s->arena);
    PQclear(PQexec(s->pq, "COMMIT"));
    return ok ? store_rate(start, STORE_AUTHORS + STORE_BOOKS) : BENCH_FAILED;
}

static double pg_hand(void)
{
    static struct shelf shelf;
    static bool warm;
    struct store *s = store_authors(ST_POSTGRESQL);
    if (!s) {
        return BENCH_FAILED;
    }
    double rate = 0;
    if (!warm) {
        PQclear(PQprepare(s->pq, "authors", "SELECT " AUTHOR_COLUMNS " FROM \"authors\" WHERE \"tenant_id\" = $1", 1,
                          NULL));
        PQclear(PQprepare(s->pq, "books",
                          "SELECT " BOOK_COLUMNS " FROM \"books\" WHERE \"tenant_id\" = $1 AND \"author_id\" = ANY($2)",
                          2, NULL));
        rate = pg_once(s, &shelf);
        warm = true;
    }
    return rate < 0 ? rate : pg_once(s, &shelf);
}

static double sqlite_ours(void)
{
    return ours(ST_SQLITE);
}

static double pg_ours(void)
{
    return ours(ST_POSTGRESQL);
}

extern const struct bench_case selectin_cases[];
const struct bench_case selectin_cases[] = {
    {"sqlite-selectin", "rows/s", "100,000 authors and their five books each; theirs: two queries by hand, lists made",
     sqlite_ours, sqlite_hand, .sqlalchemy = "sqlite-selectin"},
    {"pg-selectin", "rows/s", "the same from PostgreSQL; theirs: the second query by = ANY of all keys", pg_ours,
     pg_hand, .sqlalchemy = "pg-selectin"},
    {NULL},
};
