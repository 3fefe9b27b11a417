/* What SQLite takes for a table, it takes after an edit, too: what is left is never a text that it cannot read. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>

#include "strata/migrate/rebuild.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 8 << 10, EDITS_MAX = 200 };

/* Whether SQLite reads it; false also for what is no table on its own. It may refuse for what the columns are. */
static bool reads(const char *text, bool *ret_made)
{
    sqlite3 *db;
    sqlite3_stmt *s = NULL;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) {
        abort();
    }
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    int rc = sqlite3_prepare_v2(db, text, -1, &s, NULL);
    const char *why = sqlite3_errmsg(db);
    bool bad = rc != SQLITE_OK &&
               (strstr(why, "syntax error") || strstr(why, "unrecognized token") || strstr(why, "incomplete input"));
    *ret_made = rc == SQLITE_OK && sqlite3_step(s) == SQLITE_DONE;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return !bad;
}

static void must_read(const struct rebuild *r, st_err rc)
{
    bool made;
    char *text = arena_memdup0(r->a, r->t.text.p, r->t.text.len);
    if (rc == 0 && text && !reads(text, &made)) {
        abort();
    }
}

static struct rebuild fresh(arena *a, const struct lite_table *t)
{
    return (struct rebuild){.a = a, .table = t->name, .before = t->text.p, .old = *t, .t = *t};
}

static void edit_constraint(arena *a, const struct lite_table *t, const struct lite_constraint *c)
{
    static const enum st_constraint kinds[] = {[LITE_PRIMARY_KEY] = ST_C_PRIMARY_KEY,
                                               [LITE_UNIQUE] = ST_C_UNIQUE,
                                               [LITE_CHECK] = ST_C_CHECK,
                                               [LITE_FOREIGN_KEY] = ST_C_FK};
    enum st_constraint kind = c->kind <= LITE_FOREIGN_KEY ? kinds[c->kind] : 0;
    if (kind) {
        struct rebuild r = fresh(a, t);
        must_read(&r, rebuild_drop_constraint(&r, kind, c->known_as));
        r = fresh(a, t);
        must_read(&r, rebuild_rename_constraint(&r, kind, c->known_as, "other \"name\""));
    }
}

static void edit_column(arena *a, const struct lite_table *t, const char *name)
{
    struct rebuild r = fresh(a, t);
    must_read(&r, rebuild_drop_column(&r, name));
    r = fresh(a, t);
    must_read(&r, rebuild_change_key(&r, (const char *const[]){name, NULL}));
    const st_table_column plain = {name, ST_INT64, .nullable = true};
    const st_table_column full = {name, ST_TEXT, .max = 3, .default_sql = "'x'", .check = "1"};
    r = fresh(a, t);
    st_err rc = rebuild_alter_column(&r, &plain, &full, NULL);
    must_read(&r, rc);
    must_read(&r, rc ? rc : rebuild_alter_column(&r, &full, &plain, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    char *text = a && size <= TEXT_MAX ? arena_memdup0(a, data, size) : NULL;
    struct lite_table t;
    bool made;
    str whole = str_of(text);
    size_t at = 0;
    bool table = lite_is(lite_next(whole, &at), "create") && lite_is(lite_next(whole, &at), "table");
    if (!table || lite_mentions(whole, "select") || !reads(text, &made) || !made ||
        lite_table_read(a, str_of(text), &t) != 0) {
        return 0;
    }
    unsigned edits = 0;
    for (size_t i = 0; i < t.n_constraints && edits++ < EDITS_MAX; i++) {
        edit_constraint(a, &t, &t.constraints[i]);
    }
    for (size_t i = 0; i < t.n_columns && edits++ < EDITS_MAX; i++) {
        edit_column(a, &t, t.columns[i].name);
        for (size_t j = 0; j < t.columns[i].n_constraints && edits++ < EDITS_MAX; j++) {
            edit_constraint(a, &t, &t.columns[i].constraints[j]);
        }
    }
    struct rebuild r = fresh(a, &t);
    must_read(&r, rebuild_append(&r, "CHECK (1)"));
    r = fresh(a, &t);
    must_read(&r, rebuild_add_column(&r, &(const st_table_column){"new", ST_TEXT, .nullable = true}));
    return 0;
}
