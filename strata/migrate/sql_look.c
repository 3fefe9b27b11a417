#include "strata/migrate/sql_look.h"

#include <assert.h>
#include <errno.h>

#include "strata/migrate/sql_words.h"

bool sql_statement(str *script, str *ret)
{
    const char *end = script->p + script->len;
    struct sql_reader r = {.rest = *script, .postgresql = true};
    struct sql_token t = words_next(&r);
    while (sql_is(t, ";")) {
        t = words_next(&r);
    }
    if (t.kind == SQL_END) {
        *script = (str){end, 0};
        return false;
    }
    const char *first = t.text.p;
    while (t.kind != SQL_END && !sql_is(t, ";")) {
        t = words_next(&r);
    }
    const char *last = t.kind == SQL_END ? end : t.text.p;
    *ret = str_trim((str){first, (size_t)(last - first)});
    *script = t.kind == SQL_END ? (str){end, 0} : (str){last + 1, (size_t)(end - last) - 1};
    return true;
}

static void found(struct sql_words *w, enum migrate_lock lock, bool scans, bool rewrites, enum sql_hazard hazard)
{
    words_lock(w, lock);
    w->look->scans = w->look->scans || scans;
    w->look->rewrites = w->look->rewrites || rewrites;
    words_found(w, hazard);
}

/* "a, b, c": the table when it is one. */
static void tables(struct sql_words *w, enum migrate_lock lock)
{
    (void)words_take(w, "if", "exists");
    (void)words_take(w, "only", NULL);
    const char *first = words_name(w);
    (void)words_take(w, "*", NULL);
    w->look->table = words_is(w, w->at, ",") ? NULL : first;
    if (w->look->table) {
        return;
    }
    words_other(w, lock, first);
    while (words_take(w, ",", NULL)) {
        (void)words_take(w, "only", NULL);
        words_other(w, lock, words_name(w));
        (void)words_take(w, "*", NULL);
    }
}

static void on_table(struct sql_words *w, enum migrate_lock lock, bool scans, enum sql_hazard hazard)
{
    size_t on = words_find(w, w->at < w->n ? w->at : w->n, w->n, "on", NULL);
    if (on < w->n) {
        w->at = on + 1;
        (void)words_take(w, "only", NULL);
        w->look->table = words_name(w);
    }
    found(w, lock, scans, false, hazard);
}

/* Columns and expressions of the index whose table has just been read. */
static size_t index_columns(const struct sql_words *w)
{
    size_t open = words_find(w, w->at < w->n ? w->at : w->n, w->n, "(", NULL), n = 0;
    if (open < w->n) {
        size_t end = words_close(w, open, w->n) - 1;
        for (size_t at = open + 1; at < end; at = words_comma(w, at, end) + 1) {
            n++;
        }
    }
    return n;
}

static void create_index(struct sql_words *w, bool unique)
{
    bool beside = words_take(w, "concurrently", NULL);
    on_table(w, beside ? SUX : MIGRATE_LOCK_SHARE, true, beside ? SQL_IN_TRANSACTION : SQL_INDEX);
    words_found(w, !unique && index_columns(w) > 3 ? SQL_WIDE_INDEX : SQL_SAFE);
}

static void create(struct sql_words *w)
{
    static const char *const known[] = {
        "view",       "function",  "procedure", "aggregate",    "sequence",    "schema", "extension",
        "type",       "collation", "cast",      "role",         "user",        "group",  "operator",
        "statistics", "event",     "foreign",   "materialized", "language",    "access", "conversion",
        "recursive",  "server",    "text",      "transform",    "publication", NULL};
    static const char *const alone[] = {"database", "tablespace", "subscription", NULL};
    static const char *const kinds[] = {"temp",  "temporary", "unlogged",   "global",
                                        "local", "trusted",   "procedural", NULL};
    (void)words_take(w, "or", "replace");
    bool unique = words_take(w, "unique", NULL);
    bool own = words_is(w, w->at, "temp") || words_is(w, w->at, "temporary");
    w->at += words_among(w, w->at, kinds);
    if (words_take(w, "index", NULL)) {
        create_index(w, unique);
    } else if (words_take(w, "table", NULL)) {
        words_create_table(w);
        w->look->hazards = own ? 0 : w->look->hazards;
    } else if (words_take(w, "trigger", NULL) || words_take(w, "constraint", "trigger")) {
        on_table(w, SRX, false, SQL_SAFE);
    } else if (words_take(w, "policy", NULL)) {
        on_table(w, AX, false, SQL_SAFE);
    } else if (words_take(w, "rule", NULL)) {
        size_t to = words_find(w, w->at < w->n ? w->at : w->n, w->n, "to", NULL);
        w->at = to < w->n ? to + 1 : w->n;
        w->look->table = words_name(w);
        found(w, AX, false, false, SQL_SAFE);
    } else if (words_take(w, "domain", NULL)) {
        static const char *const constraints[] = {"constraint", "check", "not", NULL};
        bool bound = false;
        for (size_t i = w->at; i < w->n; i++) {
            bound = bound || words_among(w, i, constraints);
        }
        words_found(w, bound ? SQL_DOMAIN : SQL_SAFE);
    } else {
        words_found(w, words_among(w, w->at, alone)   ? SQL_IN_TRANSACTION
                       : words_among(w, w->at, known) ? SQL_SAFE
                                                      : SQL_UNKNOWN);
    }
}

static void drop(struct sql_words *w)
{
    static const char *const small[] = {"trigger", "policy", "rule", NULL};
    static const char *const alone[] = {"tablespace", "subscription", NULL};
    if (words_take(w, "table", NULL)) {
        tables(w, AX);
        found(w, AX, false, false, SQL_DROP_TABLE);
        w->look->referenced = true;
    } else if (words_take(w, "index", NULL)) {
        bool beside = words_take(w, "concurrently", NULL);
        found(w, beside ? SUX : AX, false, false, beside ? SQL_IN_TRANSACTION : SQL_DROP_INDEX);
    } else if (words_among(w, w->at, small)) {
        on_table(w, AX, false, SQL_SAFE);
    } else if (words_is(w, w->at, "database") || words_is(w, w->at, "schema") || words_is(w, w->at, "owned")) {
        words_found(w, SQL_DROP_DATABASE);
    } else if (words_among(w, w->at, alone)) {
        words_found(w, SQL_IN_TRANSACTION);
    } else {
        words_found(w, SQL_DROP_OBJECT);
    }
}

static void alter_type(struct sql_words *w)
{
    size_t at = w->at < w->n ? w->at : w->n;
    if (words_have(w, at, w->n, "add", "value")) {
        bool placed = words_have(w, at, w->n, "before", NULL) || words_have(w, at, w->n, "after", NULL);
        words_found(w, placed ? SQL_SAFE : SQL_ENUM_ORDER);
    } else if (words_have(w, at, w->n, "rename", "value")) {
        words_found(w, SQL_RENAME_VALUE);
    } else if (words_have(w, at, w->n, "rename", NULL) || words_have(w, at, w->n, "set", "schema")) {
        words_found(w, SQL_RENAME_OBJECT);
    } else if (words_have(w, at, w->n, "attribute", NULL)) { /* every table that has a column of it */
        words_found(w, SQL_CHANGE_TYPE);
    } else {
        words_found(w, words_have(w, at, w->n, "owner", NULL) ? SQL_SAFE : SQL_UNKNOWN);
    }
}

static void alter_domain(struct sql_words *w)
{
    size_t at = w->at < w->n ? w->at : w->n;
    bool renames = words_have(w, at, w->n, "rename", "to") || words_have(w, at, w->n, "set", "schema");
    bool bound = words_have(w, at, w->n, "add", NULL) || words_have(w, at, w->n, "validate", NULL) ||
                 words_have(w, at, w->n, "set", "not");
    words_found(w, renames ? SQL_RENAME_OBJECT : bound ? SQL_DOMAIN : SQL_SAFE);
}

static void alter_index(struct sql_words *w)
{
    size_t at = w->at < w->n ? w->at : w->n;
    bool moves = words_have(w, at, w->n, "tablespace", NULL), attaches = words_have(w, at, w->n, "attach", NULL);
    found(w, moves || attaches ? AX : MIGRATE_LOCK_NONE, false, moves, moves ? SQL_REWRITE : SQL_SAFE);
}

static void alter(struct sql_words *w)
{
    static const char *const named[] = {"view",      "materialized", "sequence",   "function", "procedure", "routine",
                                        "aggregate", "extension",    "collation",  "foreign",  "role",      "user",
                                        "group",     "operator",     "statistics", "trigger",  "event",     "server",
                                        "language",  "publication",  "default",    "text",     NULL};
    size_t at = w->at + 1 < w->n ? w->at + 1 : w->n;
    if (words_is(w, w->at, "table") && words_is(w, w->at + 1, "all")) {
        found(w, AX, false, true, SQL_REWRITE);
    } else if (words_take(w, "table", NULL)) {
        words_alter_table(w);
    } else if (words_take(w, "type", NULL)) {
        alter_type(w);
    } else if (words_take(w, "domain", NULL)) {
        alter_domain(w);
    } else if (words_take(w, "index", NULL)) {
        alter_index(w);
    } else if (words_take(w, "policy", NULL)) {
        on_table(w, AX, false, SQL_SAFE);
    } else if (words_is(w, w->at, "schema")) {
        words_found(w, words_have(w, at, w->n, "rename", NULL) ? SQL_RENAME_SCHEMA : SQL_SAFE);
    } else if (words_is(w, w->at, "system")) {
        words_found(w, SQL_IN_TRANSACTION);
    } else if (words_among(w, w->at, named)) {
        bool renames = words_have(w, at, w->n, "rename", NULL) || words_have(w, at, w->n, "set", "schema");
        words_found(w, renames ? SQL_RENAME_OBJECT : SQL_SAFE);
    } else {
        words_found(w, SQL_UNKNOWN);
    }
}

static void empty_table(struct sql_words *w)
{
    (void)words_take(w, "table", NULL);
    tables(w, AX);
    found(w, AX, false, false, SQL_TRUNCATE);
}

static void cluster(struct sql_words *w)
{
    (void)words_take(w, "verbose", NULL);
    w->look->table = w->at < w->n ? words_name(w) : NULL;
    found(w, AX, true, true, SQL_REWRITE);
}

static void refresh(struct sql_words *w)
{
    (void)words_take(w, "materialized", "view");
    bool beside = words_take(w, "concurrently", NULL);
    w->look->table = words_name(w);
    found(w, beside ? MIGRATE_LOCK_EXCLUSIVE : AX, true, !beside, SQL_REWRITE);
}

/* Who reads by the index waits too, but what is locked ACCESS EXCLUSIVE is the index. */
static void reindex(struct sql_words *w)
{
    w->at = words_is(w, w->at, "(") ? words_close(w, w->at, w->n) : w->at;
    bool table = words_take(w, "table", NULL);
    w->at += table ? 0 : 1;
    bool beside = words_take(w, "concurrently", NULL) || words_have(w, 0, w->at < w->n ? w->at : w->n, "(", NULL);
    w->look->table = table ? words_name(w) : NULL;
    found(w, beside ? SUX : MIGRATE_LOCK_SHARE, true, false, beside ? SQL_IN_TRANSACTION : SQL_REWRITE);
}

static void vacuum(struct sql_words *w)
{
    bool full = false;
    for (size_t i = w->at; i < w->n; i++) {
        full = full || words_is(w, i, "full");
    }
    found(w, full ? AX : SUX, true, full, full ? SQL_REWRITE : SQL_IN_TRANSACTION);
}

static void lock_table(struct sql_words *w)
{
    static const struct {
        const char *first, *second;
        enum migrate_lock lock;
    } modes[] = {{"access", "exclusive", MIGRATE_LOCK_ACCESS_EXCLUSIVE},
                 {"share", "row", MIGRATE_LOCK_SHARE_ROW_EXCLUSIVE},
                 {"share", "update", MIGRATE_LOCK_SHARE_UPDATE_EXCLUSIVE},
                 {"access", "share", MIGRATE_LOCK_ACCESS_SHARE},
                 {"row", "share", MIGRATE_LOCK_ROW_SHARE},
                 {"row", "exclusive", MIGRATE_LOCK_ROW_EXCLUSIVE},
                 {"exclusive", "mode", MIGRATE_LOCK_EXCLUSIVE},
                 {"share", "mode", MIGRATE_LOCK_SHARE}};
    enum migrate_lock lock = AX;
    (void)words_take(w, "table", NULL);
    size_t in = words_find(w, w->at < w->n ? w->at : w->n, w->n, "in", NULL);
    for (size_t i = 0; in < w->n && i < sizeof modes / sizeof *modes; i++) {
        if (words_is(w, in + 1, modes[i].first) && words_is(w, in + 2, modes[i].second)) {
            lock = modes[i].lock;
            break;
        }
    }
    tables(w, lock);
    found(w, lock, false, false, lock >= MIGRATE_LOCK_SHARE ? SQL_LOCK : SQL_SAFE);
}

static void comment(struct sql_words *w)
{
    bool column = words_take(w, "column", NULL);
    if (!column && !words_take(w, "table", NULL)) {
        return;
    }
    w->look->table = words_name(w);
    char *dot = column ? strrchr(w->look->table, '.') : NULL; /* a column is table.column */
    if (dot) {
        w->look->table = arena_memdup0(w->a, w->look->table, (size_t)(dot - w->look->table));
        w->nomem = w->nomem || !w->look->table;
    }
    words_lock(w, SUX);
}

static void setting(struct sql_words *w)
{
    w->at += words_is(w, w->at, "local") || words_is(w, w->at, "session");
    static const char *const limits[] = {
        "lock_timeout", "statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout", "all", NULL};
    words_found(w, words_is(w, w->at, "transaction") ? SQL_TRANSACTION
                   : words_among(w, w->at, limits)   ? SQL_TIMEOUT
                                                     : SQL_SAFE);
}

static void look(struct sql_words *w)
{
    static const struct {
        const char *word;
        void (*does)(struct sql_words *w);
    } verbs[] = {{"alter", alter},     {"create", create}, {"drop", drop},       {"truncate", empty_table},
                 {"lock", lock_table}, {"vacuum", vacuum}, {"cluster", cluster}, {"reindex", reindex},
                 {"refresh", refresh}, {"set", setting},   {"reset", setting},   {"with", words_with}};
    static const char *const transactions[] = {"begin", "start",     "commit",  "end",     "rollback",
                                               "abort", "savepoint", "release", "prepare", NULL};
    static const char *const plain[] = {"grant",    "security", "notify",     "listen",
                                        "unlisten", "show",     "checkpoint", NULL};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (words_take(w, verbs[i].word, NULL)) {
            verbs[i].does(w);
            return;
        }
    }
    if (words_write(w, w->n)) {
        words_read(w);
    } else if (words_take(w, "comment", "on")) {
        comment(w);
    } else if (words_is(w, w->at, "select") || words_is(w, w->at, "values") || words_is(w, w->at, "table") ||
               words_is(w, w->at, "(")) {
        words_read(w);
    } else if (words_take(w, "analyze", NULL) || words_take(w, "analyse", NULL)) {
        tables(w, SUX);
        words_lock(w, SUX);
    } else if (words_take(w, "copy", NULL)) {
        w->look->table = words_name(w);
        words_lock(w, MIGRATE_LOCK_ROW_EXCLUSIVE);
    } else if (words_is(w, w->at, "revoke")) {
        words_found(w, SQL_REVOKE);
    } else if (words_among(w, w->at, transactions)) {
        words_found(w, SQL_TRANSACTION);
    } else if (!words_among(w, w->at, plain)) {
        words_found(w, SQL_UNKNOWN);
    }
}

static void long_names(struct sql_words *w)
{
    for (size_t i = 0; i < w->n; i++) {
        size_t quotes = w->v[i].kind == SQL_NAME ? 2 : 0;
        bool name = quotes || w->v[i].kind == SQL_WORD;
        words_found(w, name && w->v[i].text.len > ST_NAME_MAX + quotes ? SQL_LONG_NAME : SQL_SAFE);
        /* U&"..." and what is like it: names and strings that are spelled in a way that is not read here */
        bool escaped = i + 2 < w->n && words_is(w, i, "u") && words_is(w, i + 1, "&") &&
                       (w->v[i + 2].kind == SQL_NAME || w->v[i + 2].kind == SQL_STRING) &&
                       w->v[i + 1].text.p == w->v[i].text.p + 1 && w->v[i + 2].text.p == w->v[i].text.p + 2;
        words_found(w, escaped ? SQL_UNKNOWN : SQL_SAFE);
    }
}

st_err sql_look(arena *a, str statement, struct sql_look *ret)
{
    *ret = (struct sql_look){0};
    struct sql_words w;
    st_err rc = words_of(a, statement, &w);
    if (rc) {
        return rc;
    }
    w.look = ret;
    if (w.n) {
        look(&w);
        long_names(&w);
    }
    return w.nomem ? diag_nomem() : 0;
}

st_err sql_look_type(arena *a, const char *type, uint64_t *ret)
{
    struct sql_look k = {0};
    struct sql_words w;
    st_err rc = words_of(a, str_of(type), &w);
    if (!rc) {
        w.look = &k;
        words_type(&w, 0, w.n);
        *ret = k.hazards;
    }
    return rc;
}
