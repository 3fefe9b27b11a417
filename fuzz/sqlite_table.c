/* What SQLite takes for a table, lite_table_read reads, with the same columns; and whatever the bytes, it reads no more
 * than them. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "strata/migrate/sqlite_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 10000, TEXT_MAX = 64 << 10 };

static int give_up(void *arg)
{
    return ++*(int *)arg > STEPS_MAX;
}

static void same_columns(arena *a, sqlite3 *db, const char *name, const char *sql)
{
    struct lite_table t;
    sqlite3_stmt *s;
    if (lite_table_read(a, str_of(sql), &t) != 0 || !lite_same_name(t.name, name)) {
        abort();
    }
    if (sqlite3_prepare_v2(db, "SELECT name FROM pragma_table_xinfo(?1)", -1, &s, NULL) != SQLITE_OK) {
        abort();
    }
    sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    size_t n = 0;
    for (; sqlite3_step(s) == SQLITE_ROW; n++) {
        const char *column = (const char *)sqlite3_column_text(s, 0);
        if (n >= t.n_columns || !lite_same_name(t.columns[n].name, column)) {
            abort();
        }
    }
    sqlite3_finalize(s);
    if (n != t.n_columns) {
        abort();
    }
}

static void ask_sqlite(arena *a, const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    int steps = 0;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) {
        abort();
    }
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_progress_handler(db, 10, give_up, &steps);
    bool made = sqlite3_prepare_v2(db, text, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_DONE;
    sqlite3_finalize(s);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    if (made && sqlite3_prepare_v2(db,
                                   "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name <> "
                                   "'sqlite_sequence'",
                                   -1, &s, NULL) == SQLITE_OK) {
        if (sqlite3_step(s) == SQLITE_ROW) {
            same_columns(a, db, (const char *)sqlite3_column_text(s, 0), (const char *)sqlite3_column_text(s, 1));
        }
        sqlite3_finalize(s);
    }
    sqlite3_close(db);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    char *text = a && size <= TEXT_MAX ? arena_memdup0(a, data, size) : NULL;
    if (!text) {
        return 0;
    }
    struct lite_table t;
    int rc = lite_table_read(a, str_n(text, size), &t);
    if (rc == 0 && (t.n_columns == 0 || !t.name || !t.columns[0].name)) {
        abort();
    }
    str whole = str_of(text);
    size_t at = 0;
    bool table = lite_is(lite_next(whole, &at), "create") && lite_is(lite_next(whole, &at), "table");
    if (table && !lite_mentions(whole, "select")) {
        ask_sqlite(a, text);
    }
    return 0;
}
