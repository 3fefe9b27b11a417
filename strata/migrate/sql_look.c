#include "strata/migrate/sql_look.h"

#include <errno.h>

#include "strata/migrate/sql_text.h"

enum { WORDS_MAX = 400 };

/* Past a body in dollars, "$$ ... $$", whose opening is the token. */
static void skip_dollars(struct sql_reader *r, str token)
{
    ptrdiff_t second = str_find_char(str_from(token, 1), '$');
    if (second < 0 || !r->rest.p) {
        return;
    }
    str tag = str_n(token.p, (size_t)second + 2);
    const char *end = r->rest.p + r->rest.len;
    str behind = {tag.p + tag.len, (size_t)(end - (tag.p + tag.len))};
    ptrdiff_t close = str_find(behind, tag);
    r->rest = close < 0 ? str_from(r->rest, r->rest.len) : str_from(behind, (size_t)close + tag.len);
}

static struct sql_token next(struct sql_reader *r)
{
    struct sql_token t = sql_next(r);
    if (t.kind == SQL_WORD && t.text.p[0] == '$') {
        skip_dollars(r, t.text);
        t.kind = SQL_STRING;
    }
    return t;
}

bool sql_statement(str *script, str *ret)
{
    const char *end = script->p + script->len;
    struct sql_reader r = {.rest = *script};
    struct sql_token t = next(&r);
    while (sql_is(t, ";")) {
        t = next(&r);
    }
    if (t.kind == SQL_END) {
        *script = (str){end, 0};
        return false;
    }
    const char *first = t.text.p;
    while (t.kind != SQL_END && !sql_is(t, ";")) {
        t = next(&r);
    }
    const char *last = t.kind == SQL_END ? end : t.text.p;
    *ret = str_trim((str){first, (size_t)(last - first)});
    *script = t.kind == SQL_END ? (str){end, 0} : (str){last + 1, (size_t)(end - last) - 1};
    return true;
}

/* A statement as its tokens; those behind the last are all SQL_END. */
struct words {
    arena *a;
    struct sql_token v[WORDS_MAX + 4];
    size_t n, at;
    struct sql_look *look;
};

static bool is(const struct words *w, size_t at, const char *what)
{
    return at < w->n && sql_is(w->v[at], what);
}

/* Takes the words, "IF EXISTS", when they come next. */
static bool take(struct words *w, const char *first, const char *second)
{
    if (!is(w, w->at, first) || (second && !is(w, w->at + 1, second))) {
        return false;
    }
    w->at += second ? 2 : 1;
    return true;
}

static bool has(const struct words *w, size_t from, size_t to, const char *first, const char *second)
{
    for (size_t i = from; i < to; i++) {
        if (is(w, i, first) && (!second || is(w, i + 1, second))) {
            return true;
        }
    }
    return false;
}

/* The name that comes next; of "schema.name" the second. */
static const char *take_name(struct words *w)
{
    if (is(w, w->at + 1, ".")) {
        w->at += 2;
    }
    struct sql_token t = w->at < w->n ? w->v[w->at] : (struct sql_token){.kind = SQL_END};
    w->at++;
    return t.kind == SQL_WORD || t.kind == SQL_NAME ? sql_unquote(w->a, t) : "?";
}

static void found(struct words *w, enum migrate_lock lock, bool scans, bool rewrites, enum sql_hazard hazard)
{
    struct sql_look *k = w->look;
    k->lock = lock > k->lock ? lock : k->lock;
    k->scans = k->scans || scans;
    k->rewrites = k->rewrites || rewrites;
    k->hazard = k->hazard ? k->hazard : hazard;
}

static const enum migrate_lock SUX = MIGRATE_LOCK_SHARE_UPDATE_EXCLUSIVE, SRX = MIGRATE_LOCK_SHARE_ROW_EXCLUSIVE,
                               AX = MIGRATE_LOCK_ACCESS_EXCLUSIVE;

/* The words behind DEFAULT that give every row the same. */
static bool constant_default(const struct words *w, size_t at)
{
    static const char *const constants[] = {"now", "current_timestamp", "true", "false", "null", "-", "localtimestamp"};
    if (at < w->n && (w->v[at].kind == SQL_STRING || w->v[at].kind == SQL_NUMBER)) {
        return true;
    }
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        if (is(w, at, constants[i])) {
            return true;
        }
    }
    return false;
}

static void add_constraint(struct words *w, size_t from, size_t to)
{
    bool unchecked = has(w, from, to, "not", "valid");
    if (has(w, from, to, "foreign", "key")) {
        found(w, SRX, !unchecked, false, unchecked ? SQL_SAFE : SQL_FOREIGN_KEY);
    } else if (has(w, from, to, "exclude", NULL)) {
        found(w, AX, true, false, SQL_EXCLUDE);
    } else if (has(w, from, to, "using", "index")) {
        found(w, AX, false, false, SQL_SAFE);
    } else if (has(w, from, to, "unique", NULL) || has(w, from, to, "primary", "key")) {
        found(w, AX, true, false, SQL_UNIQUE);
    } else {
        found(w, AX, !unchecked, false, unchecked ? SQL_SAFE : SQL_CHECK);
    }
}

static void add_column(struct words *w, size_t from, size_t to)
{
    static const char *const numbered[] = {"serial", "bigserial", "smallserial", "serial4", "serial8", "generated"};
    bool computed = false, filled = false, varies = false;
    for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++) {
        computed = computed || has(w, from, to, numbered[i], NULL);
    }
    for (size_t i = from; i < to; i++) {
        filled = filled || is(w, i, "default");
        varies = varies || (is(w, i, "default") && !constant_default(w, i + 1));
    }
    bool must = has(w, from, to, "not", "null") && !filled && !computed;
    bool checks = has(w, from, to, "check", NULL) || has(w, from, to, "references", NULL);
    bool unique = has(w, from, to, "unique", NULL) || has(w, from, to, "primary", "key");
    found(w, AX, checks || unique, computed || varies,
          computed                          ? SQL_COMPUTED
          : varies                          ? SQL_VOLATILE_DEFAULT
          : must                            ? SQL_ADD_NOT_NULL
          : has(w, from, to, "check", NULL) ? SQL_CHECK
          : checks                          ? SQL_FOREIGN_KEY
          : unique                          ? SQL_UNIQUE
          : has(w, from, to, "json", NULL)  ? SQL_JSON
                                            : SQL_SAFE);
}

static void alter_of_column(struct words *w, size_t from, size_t to)
{
    if (has(w, from, to, "type", NULL)) {
        found(w, AX, true, true, SQL_CHANGE_TYPE);
    } else if (has(w, from, to, "set", "not")) {
        found(w, AX, true, false, SQL_SET_NOT_NULL);
    } else if (has(w, from, to, "drop", "not")) {
        found(w, AX, false, false, SQL_DROP_NOT_NULL);
    } else if (has(w, from, to, "statistics", NULL) || has(w, from, to, "set", "(")) {
        found(w, SUX, false, false, SQL_SAFE);
    } else {
        found(w, AX, false, false, SQL_SAFE);
    }
}

/* One action of ALTER TABLE, between its commas. */
static void action(struct words *w, size_t from, size_t to)
{
    static const char *const constraints[] = {"constraint", "check", "foreign", "unique", "primary", "exclude"};
    if (is(w, from, "add")) {
        for (size_t i = 0; i < sizeof constraints / sizeof *constraints; i++) {
            if (is(w, from + 1, constraints[i])) {
                add_constraint(w, from, to);
                return;
            }
        }
        add_column(w, from, to);
    } else if (is(w, from, "alter") && !is(w, from + 1, "constraint")) {
        alter_of_column(w, from, to);
    } else if (is(w, from, "validate")) {
        found(w, SUX, true, false, SQL_SAFE);
    } else if (is(w, from, "drop") && !is(w, from + 1, "constraint")) {
        found(w, AX, false, false, SQL_DROP_COLUMN);
    } else if (is(w, from, "rename")) {
        found(w, AX, false, false,
              is(w, from + 1, "to")           ? SQL_RENAME_TABLE
              : is(w, from + 1, "constraint") ? SQL_SAFE
                                              : SQL_RENAME_COLUMN);
    } else if ((is(w, from, "enable") || is(w, from, "disable")) && has(w, from, to, "trigger", NULL)) {
        found(w, SRX, false, false, SQL_SAFE);
    } else if (is(w, from, "attach") || is(w, from, "cluster") || has(w, from, from + 2, "set", "(")) {
        found(w, SUX, is(w, from, "attach"), false, SQL_SAFE);
    } else if (is(w, from, "set") && (is(w, from + 1, "tablespace") || is(w, from + 1, "logged") ||
                                      is(w, from + 1, "unlogged") || is(w, from + 1, "access"))) {
        found(w, AX, false, true, SQL_REWRITE);
    } else {
        found(w, AX, false, false, SQL_SAFE);
    }
}

static void alter_table(struct words *w)
{
    (void)take(w, "if", "exists");
    (void)take(w, "only", NULL);
    w->look->table = take_name(w);
    (void)take(w, "*", NULL);
    size_t from = w->at;
    int depth = 0;
    for (size_t i = from; i <= w->n; i++) {
        depth += is(w, i, "(") - is(w, i, ")");
        if (i == w->n || (depth == 0 && is(w, i, ","))) {
            action(w, from, i);
            from = i + 1;
        }
    }
}

static void on_table(struct words *w, enum migrate_lock lock, bool scans, enum sql_hazard hazard)
{
    for (size_t i = w->at; i < w->n; i++) {
        if (is(w, i, "on")) {
            w->at = i + 1;
            (void)take(w, "only", NULL);
            w->look->table = take_name(w);
            break;
        }
    }
    found(w, lock, scans, false, hazard);
}

static void create(struct words *w)
{
    (void)take(w, "or", "replace");
    bool unique = take(w, "unique", NULL);
    if (take(w, "index", NULL)) {
        bool beside = take(w, "concurrently", NULL);
        on_table(w, beside ? SUX : MIGRATE_LOCK_SHARE, true, beside ? SQL_IN_TRANSACTION : SQL_INDEX);
    } else if (!unique && (take(w, "trigger", NULL) || take(w, "constraint", "trigger"))) {
        on_table(w, SRX, false, SQL_SAFE);
    } else if (take(w, "policy", NULL) || take(w, "rule", NULL)) {
        on_table(w, AX, false, SQL_SAFE);
    }
}

static void drop(struct words *w)
{
    if (take(w, "table", NULL)) {
        (void)take(w, "if", "exists");
        w->look->table = take_name(w);
        found(w, AX, false, false, SQL_DROP_TABLE);
    } else if (take(w, "index", NULL)) {
        bool beside = take(w, "concurrently", NULL);
        found(w, beside ? SUX : AX, false, false, beside ? SQL_IN_TRANSACTION : SQL_DROP_INDEX);
    } else if (take(w, "trigger", NULL) || take(w, "policy", NULL) || take(w, "rule", NULL)) {
        on_table(w, AX, false, SQL_SAFE);
    } else if (take(w, "database", NULL) || take(w, "schema", NULL)) {
        found(w, AX, false, false, SQL_DROP_DATABASE);
    }
}

static void alter(struct words *w)
{
    if (take(w, "table", NULL)) {
        alter_table(w);
    } else if (take(w, "type", NULL)) {
        bool renames = has(w, w->at, w->n, "rename", "value");
        found(w, MIGRATE_LOCK_NONE, false, false, renames ? SQL_RENAME_VALUE : SQL_SAFE);
    } else if (take(w, "index", NULL)) {
        found(w, SUX, false, false, SQL_SAFE);
    } else if (take(w, "policy", NULL)) {
        on_table(w, AX, false, SQL_SAFE);
    } else if (take(w, "schema", NULL)) {
        bool renames = has(w, w->at, w->n, "rename", NULL);
        found(w, MIGRATE_LOCK_NONE, false, false, renames ? SQL_RENAME_SCHEMA : SQL_SAFE);
    }
}

static void write_rows(struct words *w, bool all)
{
    (void)take(w, "only", NULL);
    w->look->table = take_name(w);
    bool every = all && !has(w, w->at, w->n, "where", NULL);
    found(w, MIGRATE_LOCK_ROW_EXCLUSIVE, all, false, every ? SQL_ALL_ROWS : SQL_SAFE);
}

static void rewrite(struct words *w)
{
    bool beside = has(w, w->at, w->n, "concurrently", NULL);
    found(w, beside ? SUX : AX, true, true, beside ? SQL_IN_TRANSACTION : SQL_REWRITE);
}

static void lock_table(struct words *w)
{
    static const struct {
        const char *first, *second;
        enum migrate_lock lock;
    } modes[] = {{"access", "exclusive", MIGRATE_LOCK_ACCESS_EXCLUSIVE},
                 {"share", "row", MIGRATE_LOCK_SHARE_ROW_EXCLUSIVE},
                 {"share", "update", MIGRATE_LOCK_SHARE_UPDATE_EXCLUSIVE},
                 {"access", "share", MIGRATE_LOCK_NONE},
                 {"row", "share", MIGRATE_LOCK_ROW_SHARE},
                 {"row", "exclusive", MIGRATE_LOCK_ROW_EXCLUSIVE},
                 {"share", "mode", MIGRATE_LOCK_SHARE}};
    (void)take(w, "table", NULL);
    (void)take(w, "only", NULL);
    w->look->table = take_name(w);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (has(w, w->at, w->n, modes[i].first, modes[i].second)) {
            found(w, modes[i].lock, false, false, modes[i].lock >= MIGRATE_LOCK_SHARE ? SQL_LOCK : SQL_SAFE);
            return;
        }
    }
    found(w, AX, false, false, SQL_LOCK);
}

static void look(struct words *w)
{
    if (take(w, "alter", NULL)) {
        alter(w);
    } else if (take(w, "create", NULL)) {
        create(w);
    } else if (take(w, "drop", NULL)) {
        drop(w);
    } else if (take(w, "comment", "on")) {
        bool column = take(w, "column", NULL);
        if (column || take(w, "table", NULL)) { /* a column is table.column */
            w->look->table = column && is(w, w->at + 1, ".") && !is(w, w->at + 3, ".") ? sql_unquote(w->a, w->v[w->at])
                                                                                       : take_name(w);
            found(w, SUX, false, false, SQL_SAFE);
        }
    } else if (take(w, "insert", "into")) {
        write_rows(w, false);
    } else if (take(w, "update", NULL) || take(w, "delete", "from")) {
        write_rows(w, true);
    } else if (take(w, "truncate", NULL)) {
        (void)take(w, "table", NULL);
        (void)take(w, "only", NULL);
        w->look->table = take_name(w);
        found(w, AX, false, false, SQL_TRUNCATE);
    } else if (take(w, "lock", NULL)) {
        lock_table(w);
    } else if (take(w, "vacuum", NULL)) {
        found(w, has(w, w->at, w->n, "full", NULL) ? AX : SUX, true, has(w, w->at, w->n, "full", NULL),
              has(w, w->at, w->n, "full", NULL) ? SQL_REWRITE : SQL_IN_TRANSACTION);
    } else if (take(w, "cluster", NULL) || take(w, "reindex", NULL) || take(w, "refresh", NULL)) {
        rewrite(w);
    }
}

st_err sql_look(arena *a, str statement, struct sql_look *ret)
{
    *ret = (struct sql_look){0};
    struct words *w = ARENA_NEW(a, struct words);
    if (!w) {
        return diag_nomem();
    }
    w->a = a;
    w->look = ret;
    struct sql_reader r = {.rest = statement};
    for (struct sql_token t = next(&r); t.kind != SQL_END && w->n < WORDS_MAX; t = next(&r)) {
        w->v[w->n++] = t;
    }
    look(w);
    return 0;
}

const char *migrate_lock_name(enum migrate_lock l)
{
    static const char *const names[] = {
        [MIGRATE_LOCK_NONE] = "",
        [MIGRATE_LOCK_ROW_SHARE] = "ROW SHARE",
        [MIGRATE_LOCK_ROW_EXCLUSIVE] = "ROW EXCLUSIVE",
        [MIGRATE_LOCK_SHARE_UPDATE_EXCLUSIVE] = "SHARE UPDATE EXCLUSIVE",
        [MIGRATE_LOCK_SHARE] = "SHARE",
        [MIGRATE_LOCK_SHARE_ROW_EXCLUSIVE] = "SHARE ROW EXCLUSIVE",
        [MIGRATE_LOCK_ACCESS_EXCLUSIVE] = "ACCESS EXCLUSIVE",
    };
    return names[l];
}

/* The strongest of a step's statements. */
static st_err look_at_step(arena *a, struct migrate_step *s)
{
    str rest = str_of(s->sql), one;
    while (sql_statement(&rest, &one)) {
        struct sql_look k;
        st_err rc = sql_look(a, one, &k);
        if (rc) {
            return rc;
        }
        if (k.lock > s->lock) {
            s->lock = k.lock;
            s->locked = k.table;
        }
        s->scans = s->scans || (k.scans && !s->proven);
        s->rewrites = s->rewrites || k.rewrites;
    }
    if (!s->locked && s->lock && s->op) {
        s->locked = s->op->table;
    }
    return 0;
}

st_err migrate_plan_locks(arena *a, struct migrate_plan *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->n; i++) {
        struct migrate_step *s = &p->steps[i];
        if (s->kind == MIGRATE_STEP_BACKFILL) {
            s->lock = MIGRATE_LOCK_ROW_EXCLUSIVE;
            s->locked = s->op->backfill->table;
        } else if (s->sql && !s->lock && s->kind != MIGRATE_STEP_REFUSE) {
            rc = look_at_step(a, s);
        }
    }
    return rc;
}
