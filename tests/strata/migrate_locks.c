/* What a plan says that its statements lock, scan and rewrite, held against what PostgreSQL does: every operation, safe
 * and direct, each statement in a transaction of its own, on tables with rows. */
#include "migrate_locks_ops.h"

#include "engine_support.h"
#include "strata/migrate/run.h"
#include "strata/migrate/sql_look.h"

struct bench {
    struct world *w;
    st_conn *c;
    unsigned statements, impossible, n_wrong;
    const char *name; /* of the case */
    bool safe;
};

static int take(void *arg, void *obj)
{
    *(const char **)arg = *(const char *const *)obj;
    return 0;
}

static const char *ask(struct bench *k, const char *sql)
{
    static const struct st_field field = {.type = ST_TEXT, .nullable = true};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    const char *text = NULL;
    struct st_stmt s = {.sql = str_of(sql), .shape = &shape, .arena = k->w->a, .row = take, .arg = &text};
    OK(st_conn_run(k->c, &s, 1, FIBER_FOREVER, NULL));
    return text ? text : "";
}

/* The strongest lock on each table that was there before, as the number of enum migrate_lock: " authors=6 notes=8". */
static const char held[] =
    "SELECT string_agg(' ' || t || '=' || n, '' ORDER BY t) FROM (SELECT b.name AS t, max(CASE mode WHEN "
    "'AccessExclusiveLock' THEN 8 WHEN 'ExclusiveLock' THEN 7 WHEN 'ShareRowExclusiveLock' THEN 6 WHEN 'ShareLock' "
    "THEN 5 WHEN 'ShareUpdateExclusiveLock' THEN 4 WHEN 'RowExclusiveLock' THEN 3 WHEN 'RowShareLock' THEN 2 ELSE 0 "
    "END) AS n FROM pg_locks JOIN before b ON b.id = relation WHERE pid = pg_backend_pid() AND locktype = 'relation' "
    "GROUP BY b.name) AS x WHERE n > 0";
/* Tables whose rows are in another file now, and those that were read from end to end. */
static const char rewritten[] = "SELECT string_agg(' ' || b.name || '=', '') FROM before b JOIN pg_class c ON c.oid = "
                                "b.id WHERE c.relfilenode <> b.file";
static const char scanned[] = "SELECT string_agg(' ' || b.name || '=', '') FROM before b WHERE "
                              "pg_stat_get_xact_numscans(b.id) > b.scans";

/* What stands behind " name=", or 0; 1 for nothing. */
static int value_of(const char *list, const char *name)
{
    char key[80];
    (void)snprintf(key, sizeof key, " %s=", name);
    const char *at = strstr(list, key);
    return !at ? 0 : ascii_is_digit(at[strlen(key)]) ? at[strlen(key)] - '0' : 1;
}

static void wrong(struct bench *k, const struct migrate_step *s, const char *what)
{
    k->n_wrong++;
    printf("# %s, %s: %.200s: %s\n", k->name, k->safe ? "safe" : "direct", s->sql ? s->sql : "backfill", what);
}

static enum migrate_lock claimed_on(const struct migrate_step *s, const char *table)
{
    enum migrate_lock lock = s->locked && strcmp(s->locked, table) == 0 ? s->lock : MIGRATE_LOCK_NONE;
    for (size_t i = 0; i < s->n_others; i++) {
        bool it = strcmp(s->others[i].table, table) == 0;
        lock = it && s->others[i].lock > lock ? s->others[i].lock : lock;
    }
    return lock;
}

/* Partitions share what happens to the whole. */
static const char *whole_of(const char *table)
{
    return strncmp(table, "parted_", 7) == 0 ? "parted" : table;
}

static void compare(struct bench *k, const struct migrate_step *s)
{
    const char *locks = ask(k, held), *anew = ask(k, rewritten), *read = ask(k, scanned);
    bool reads = false, rewrites = false, known = false, emptied = s->sql && strncmp(s->sql, "TRUNCATE", 8) == 0;
    for (const char *const *t = locks_tables; *t; t++) {
        enum migrate_lock real = (enum migrate_lock)value_of(locks, *t), claim = claimed_on(s, whole_of(*t));
        bool part = whole_of(*t) != *t, referenced = s->referenced && strcmp(*t, s->locked ? s->locked : "") != 0;
        bool perhaps = part || (s->sql && strstr(s->sql, "IF EXISTS")); /* what is not there is not locked */
        if (perhaps || referenced ? real > claim && !referenced : real != claim) {
            char what[200];
            (void)snprintf(what, sizeof what, "%s is said to be locked \"%s\", and is \"%s\"", *t,
                           migrate_lock_name(claim), migrate_lock_name(real));
            wrong(k, s, what);
        }
        bool own = s->locked && strcmp(whole_of(*t), s->locked) == 0;
        known = known || own;
        rewrites = rewrites || value_of(anew, *t);
        reads = reads || (own && value_of(read, *t));
    }
    if (rewrites != s->rewrites && !emptied) {
        wrong(k, s, rewrites ? "it rewrites, and that is not said" : "it is said to rewrite, and does not");
    }
    if (known && !rewrites && !emptied && s->lock >= MIGRATE_LOCK_SHARE_UPDATE_EXCLUSIVE && reads != s->scans) {
        wrong(k, s, reads ? "it scans, and that is not said" : "it is said to scan, and does not");
    }
    if (k->safe && known && s->scans && s->lock >= MIGRATE_LOCK_SHARE && !locks_refused_when_large()) {
        wrong(k, s, "a recipe scans while others wait");
    }
}

/* False when PostgreSQL refuses it, as a cast that there is not. */
static bool run(struct bench *k, const struct migrate_step *s, bool alone)
{
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    if (s->kind == MIGRATE_STEP_BACKFILL) {
        migrate_backfill_text(&b, ST_POSTGRESQL, s->op->backfill);
    } else {
        buf_puts(&b, s->sql);
    }
    if (alone) {
        return st_conn_exec(k->c, b.p, FIBER_FOREVER) == 0;
    }
    OK(st_conn_exec(k->c,
                    "BEGIN; INSERT INTO before SELECT oid, relname, relfilenode, pg_stat_get_xact_numscans(oid) "
                    "FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'work'::regnamespace",
                    FIBER_FOREVER));
    bool done = st_conn_exec(k->c, b.p, FIBER_FOREVER) == 0;
    if (done) {
        k->statements++;
        compare(k, s);
    }
    OK(st_conn_exec(k->c, done ? "COMMIT" : "ROLLBACK", FIBER_FOREVER));
    return done;
}

static void plan_of(struct bench *k, st_err (*change)(st_ops *o), bool safe, struct migrate_plan *ret)
{
    const st_revision rev = {.id = "c0", .message = k->name, .upgrade = change};
    OK(migrate_plan_revision(k->w->a, ST_POSTGRESQL, &rev, true, !safe, ret));
    OK(migrate_plan_locks(k->w->a, ret));
}

/* In one transaction: it is done for each change. */
static void anew(struct bench *k)
{
    struct migrate_plan p;
    buf b BUF_AUTO;
    buf_init(&b, ST_DDL_MAX);
    buf_puts(&b, "BEGIN; DROP SCHEMA IF EXISTS work CASCADE; CREATE SCHEMA work");
    plan_of(k, locks_base, false, &p);
    for (size_t i = 0; i < p.n; i++) {
        buf_printf(&b, "; %s", p.steps[i].sql);
    }
    buf_puts(&b, "; COMMIT");
    OK(st_conn_exec(k->c, b.p, FIBER_FOREVER));
}

static void one_case(struct bench *k, st_err (*change)(st_ops *o), bool safe)
{
    struct migrate_plan p;
    if (!locks_before()) {
        anew(k);
    } else {
        OK(st_conn_exec(k->c, locks_before(), FIBER_FOREVER));
    }
    k->safe = safe;
    plan_of(k, change, safe, &p);
    for (size_t f = 0; f < p.n_phases; f++) {
        for (size_t i = p.phases[f].first; i < p.phases[f].first + p.phases[f].n; i++) {
            const struct migrate_step *s = &p.steps[i];
            bool alone = p.phases[f].no_transaction && s->kind != MIGRATE_STEP_BACKFILL;
            if (s->kind != MIGRATE_STEP_REFUSE && !run(k, s, alone)) {
                if (!locks_may_be_impossible()) {
                    wrong(k, s, diag_last()->message);
                }
                k->impossible++;
                return;
            }
        }
    }
}

START_TEST(every_statement_locks_scans_and_rewrites_what_the_plan_says)
{
    struct world w;
    struct bench k = {.w = &w};
    world_open(&w, ST_POSTGRESQL, NULL);
    OK(st_conn_acquire(w.e, false, FIBER_FOREVER, &k.c));
    OK(st_conn_exec(k.c,
                    "SET search_path = work; SET client_min_messages = error; SET timezone = 'Europe/Berlin'; CREATE "
                    "TEMP TABLE before (id oid, name "
                    "text, file oid, scans bigint) ON COMMIT DELETE ROWS",
                    FIBER_FOREVER));
    unsigned cases = 0;
    for (size_t i = 0; (k.name = locks_case(i)); i++) {
        world_running(k.name);
        one_case(&k, locks_run, true);
        if (!locks_before()) { /* a type is changed by the same statement in both */
            one_case(&k, locks_run, false);
        }
        cases++;
    }
    world_running(NULL);
    st_conn_release(k.c);
    printf("# %u changes, %u statements, %u that PostgreSQL refuses\n", cases, k.statements, k.impossible);
    ck_assert_msg(!k.n_wrong, "%u claims are wrong, see above", k.n_wrong);
    ck_assert_uint_gt(k.statements, 400);
    world_close(&w);
}
END_TEST

RUN("strata migrate locks", 120, CASE(every_statement_locks_scans_and_rewrites_what_the_plan_says));
