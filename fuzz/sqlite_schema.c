/* What SQLite takes for an index, a trigger or a view, seen_read_sqlite reads: all tables as they were, the index with
 * as many parts as it has, or kept as a statement, the trigger with its text.
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "strata/engine/sqlite.h"
#include "strata/migrate/seen.h"
#include "strata/migrate/sqlite_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 10000, TEXT_MAX = 64 << 10, TABLES = 2 };

static const char tables[] =
    "CREATE TABLE t (a INTEGER PRIMARY KEY, \"b c\" TEXT COLLATE NOCASE, [d,e] BLOB, \"-f\" INT, \"x\"\"y\" REAL);"
    "CREATE TABLE \"u(\" (a TEXT, b TEXT, c, PRIMARY KEY (a, b)) WITHOUT ROWID;"
    "CREATE VIEW v AS SELECT a, d, 'x' AS x FROM (SELECT a, \"b c\" AS d FROM t)";

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static int give_up(void *arg)
{
    return ++*(int *)arg > STEPS_MAX;
}

static bool run(sqlite3 *db, const char *text)
{
    sqlite3_stmt *s = NULL;
    int steps = 0;
    sqlite3_progress_handler(db, 10, give_up, &steps);
    bool done = sqlite3_prepare_v2(db, text, -1, &s, NULL) == SQLITE_OK && s && sqlite3_step(s) == SQLITE_DONE;
    sqlite3_finalize(s);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    return done;
}

static int parts_of(sqlite3 *db, const char *index)
{
    sqlite3_stmt *s;
    must(sqlite3_prepare_v2(db, "SELECT count(*) FROM pragma_index_xinfo(?1) WHERE key", -1, &s, NULL) == SQLITE_OK);
    sqlite3_bind_text(s, 1, index, -1, SQLITE_STATIC);
    must(sqlite3_step(s) == SQLITE_ROW);
    int n = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return n;
}

static bool is_other(const struct seen_table *t, const char *name, const char *sql)
{
    for (size_t i = 0; i < t->n_others; i++) {
        if (strcmp(t->others[i].name, name) == 0) {
            return t->others[i].sql && strcmp(t->others[i].sql, sql) == 0;
        }
    }
    return false;
}

/* An expression is the last part, or several are kept as the statement. */
static void same_index(sqlite3 *db, const struct seen_table *t, const char *name, const char *sql)
{
    for (size_t i = 0; i < t->n_indexes; i++) {
        const st_table_index *x = &t->indexes[i];
        if (strcmp(x->name, name) == 0) {
            must(migrate_key_len(x->columns) + (x->expression != NULL) == (size_t)parts_of(db, name));
            must(!x->where || *x->where);
            return;
        }
    }
    must(is_other(t, name, sql));
}

static void same_trigger(const struct seen_table *t, const char *name, const char *sql)
{
    for (size_t i = 0; i < t->n_triggers; i++) {
        if (strcmp(t->triggers[i].name, name) == 0) {
            must(strcmp(t->triggers[i].text, sql) == 0);
            return;
        }
    }
    abort();
}

static void compare(sqlite3 *db, const struct seen_schema *seen)
{
    sqlite3_stmt *s;
    must(seen->n_tables == TABLES && !seen->tables[0].strange && !seen->tables[1].strange);
    must(sqlite3_prepare_v2(db,
                            "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') "
                            "AND sql IS NOT NULL",
                            -1, &s, NULL) == SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(s, 1), *sql = (const char *)sqlite3_column_text(s, 3);
        const struct seen_table *t = seen_find(seen, (const char *)sqlite3_column_text(s, 2));
        if (!t) { /* a trigger of the view */
            must(strcmp((const char *)sqlite3_column_text(s, 2), "v") == 0);
        } else if (strcmp((const char *)sqlite3_column_text(s, 0), "index") == 0) {
            same_index(db, t, name, sql);
        } else {
            same_trigger(t, name, sql);
        }
    }
    sqlite3_finalize(s);
}

static void read_back(arena *a, st_conn *c, const char *text)
{
    sqlite3 *db = sqlite_conn(c)->db;
    struct seen_schema seen;
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    must(sqlite3_exec(db, tables, NULL, NULL, NULL) == SQLITE_OK);
    if (run(db, text)) {
        must(seen_read_sqlite(c, a, FIBER_FOREVER, &seen) == 0);
        compare(db, &seen);
    }
}

/* CREATE and one of these; others would make or change tables. */
static bool is_wanted(str text)
{
    size_t at = 0;
    if (!lite_is(lite_next(text, &at), "create")) {
        return false;
    }
    struct lite_token t = lite_next(text, &at);
    if (lite_is(t, "unique")) {
        t = lite_next(text, &at);
    }
    return lite_is(t, "index") || lite_is(t, "trigger") || lite_is(t, "view");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    char *text = a && size <= TEXT_MAX ? arena_memdup0(a, data, size) : NULL;
    fiber_loop *loop;
    st_engine *e;
    st_conn *c;
    if (!text || !is_wanted(str_of(text))) {
        return 0;
    }
    must(fiber_loop_open(NULL, &loop) == 0);
    must(st_engine_open("sqlite:///:memory:", NULL, &e) == 0);
    must(st_conn_acquire(e, true, FIBER_FOREVER, &c) == 0);
    read_back(a, c, text);
    st_conn_release(c);
    st_engine_close(e);
    fiber_loop_close(loop);
    return 0;
}
