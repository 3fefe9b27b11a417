/* Steps in C and backfills, on both databases and through PgBouncer. */
#include <signal.h>

#include "base/clock.h"
#include "catalog.h"
#include "notes.h"
#include "offline.h"
#include "pgbouncer.h"
#include "strata/migrate/run.h"
#include "strata/select.h"
#include "strata/session.h"

static bool says(const char *what)
{
    return strstr(diag_last()->message, what) || strstr(diag_last()->hint, what);
}

/* ---- steps in C ---- */

struct step {
    int runs, fail_until;
};
static struct step step;

static st_err insert_one(st_session *s, void *arg)
{
    struct step *k = arg;
    OK(st_raw_execute(s, "INSERT INTO things (id, name) VALUES (1, 'by hand')", NULL));
    return ++k->runs < k->fail_until ? diag_set(ST_E_INVALID, "not yet") : 0;
}

static st_err up_step(st_ops *o)
{
    st_create_table(o,
                    &(const st_table){.name = "things", ST_COLUMNS({"id", ST_INT64, .pk = true}, {"name", ST_TEXT})});
    st_run_step(o, "by hand", insert_one, &step);
    return st_sql(o, 0, "INSERT INTO things (id, name) VALUES (2, 'behind it')");
}
static st_err down_step(st_ops *o)
{
    return st_drop_table(o, "things");
}
static const st_revision with_step = {.id = "s1", .message = "step", .upgrade = up_step, .downgrade = down_step};
static const struct st_migrations steps = {.revisions = (const st_revision *const[]){&with_step, NULL},
                                           .program = "prog migrate"};

DB_TEST(a_step_in_c_is_a_transaction_with_its_place_in_the_journal)
{
    step = (struct step){.fail_until = 3};
    CODE(st_upgrade(w->e, &steps, "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(says("phase 2 of 3 (by hand)") && says("not yet"), "%s", diag_last()->message);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM things"), 0);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_journal WHERE state = 'done'"), 1);
    CODE(st_upgrade(w->e, &steps, "head", FIBER_FOREVER), ST_E_INVALID);
    OK(st_upgrade(w->e, &steps, "head", FIBER_FOREVER));
    ck_assert_int_eq(step.runs, 3);
    ck_assert_int_eq(number(w, "SELECT CAST(sum(id) AS bigint) FROM things"), 3);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_journal"), 0);
    OK(st_downgrade(w->e, &steps, "base", FIBER_FOREVER));
}

/* ---- backfills ---- */

enum { ROWS = 3000 };

static st_err up_pairs(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "pairs",
                                         ST_COLUMNS({"word", ST_TEXT, .pk = true}, {"n", ST_INT64, .pk = true},
                                                    {"v", ST_TEXT, .nullable = true})});
    return st_sql(
        o, 0,
        "INSERT INTO pairs (word, n) SELECT CASE i % 3 WHEN 0 THEN 'it''s' WHEN 1 THEN 'z\\\"z' ELSE 'ä' END, i FROM "
        "(WITH RECURSIVE k (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 3000) SELECT i FROM k) AS x");
}
static st_err fill_pairs(st_ops *o)
{
    return st_run_backfill(o, &(const st_backfill){.table = "pairs",
                                                   .set = "v = word || n::text",
                                                   .set_sqlite = "v = word || n",
                                                   .where = "v IS NULL AND n % 500 <> 0",
                                                   .left = "v IS NULL",
                                                   .batch = 400,
                                                   .pause_ms = 1});
}
static const st_revision pairs = {.id = "p1", .message = "pairs", .upgrade = up_pairs};
static const st_revision filled = {.id = "p2", .parents = {"p1"}, .message = "filled", .upgrade = fill_pairs};
static const struct st_migrations fills = {.revisions = (const st_revision *const[]){&pairs, &filled, NULL},
                                           .program = "prog migrate"};

struct seen {
    unsigned batches;
    int64_t rows, total, left;
    bool filled;
};

static void see(void *arg, const struct st_migrate_progress *p)
{
    struct seen *k = arg;
    if (p->event == ST_M_BATCH) {
        ck_assert_int_gt(p->rows, k->rows);
        ck_assert_str_eq(p->phase, "backfill pairs");
        k->batches++;
        k->rows = p->rows;
        k->total = p->total;
    } else if (p->event == ST_M_FILLED) {
        k->filled = true;
        k->left = p->left;
    }
}

static void fill_on(struct world *w, st_engine *e)
{
    struct seen k = {0};
    const struct st_migrate_options o = {.progress = see, .arg = &k};
    OK(st_upgrade_with(e, &fills, "head", &o, FIBER_FOREVER));
    ck_assert_uint_ge(k.batches, ROWS / 400);
    ck_assert_int_eq(k.rows, ROWS - 6);
    ck_assert_int_eq(k.total, ROWS - 6);
    ck_assert(k.filled);
    ck_assert_int_eq(k.left, 6);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM pairs WHERE v IS NULL"), 6);
    ck_assert_str_eq(text_of(w, "SELECT v FROM pairs WHERE n = 3"), "it's3");
}

DB_TEST(a_backfill_goes_along_any_key_and_counts_what_it_could_not_fill)
{
    OK(st_upgrade(w->e, &fills, "p1", FIBER_FOREVER));
    fill_on(w, w->e);
}

/* A column that was added a moment ago is in no statistics, and nor is a table that was just filled: PostgreSQL guesses
 * that there are few rows without a value, and would read the whole table to sort them. */
static st_err fill_new(st_ops *o)
{
    st_add_column(o, "pairs", &(const st_table_column){"w", ST_TEXT, .nullable = true});
    return st_run_backfill(
        o, &(const st_backfill){
               .table = "pairs", .set = "w = word", .where = "w IS NULL", .left = "w IS NULL", .batch = 100});
}
static const st_revision filled_new = {.id = "p3", .parents = {"p1"}, .message = "new", .upgrade = fill_new};

START_TEST(a_backfill_reads_no_more_of_the_table_for_each_batch)
{
    offline_off("it counts what is read");
    const struct st_migrations m = {.revisions = (const st_revision *const[]){&pairs, &filled_new, NULL},
                                    .program = "prog"};
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    OK(st_upgrade(w.e, &m, "p1", FIBER_FOREVER));
    must(&w, "ALTER TABLE pairs SET (autovacuum_enabled = off)");
    must(&w, "INSERT INTO pairs (word, n) SELECT 'more', i FROM generate_series(1, 20000) AS i");
    OK(st_upgrade(w.e, &m, "head", FIBER_FOREVER));
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pairs WHERE w IS NULL"), 0);
    st_engine_close(w.e); /* what a connection counted is there when it ends */
    OK(st_engine_open(w.url, NULL, &w.e));
    ck_assert_int_le(number(&w, "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'pairs'"), 6);
    world_close(&w);
}
END_TEST

START_TEST(a_backfill_goes_through_a_transaction_pooler)
{
    struct world w;
    struct pgbouncer b;
    world_open(&w, ST_POSTGRESQL, NULL);
    pgbouncer_start(&b, w.url);
    st_engine *pooled;
    const char *url = pgbouncer_url(&b, w.url);
    OK(st_engine_open(server_printf("%s%cpooler=transaction", url, strchr(url, '?') ? '&' : '?'), NULL, &pooled));
    OK(st_upgrade(pooled, &fills, "p1", FIBER_FOREVER));
    fill_on(&w, pooled);
    st_engine_close(pooled);
    pgbouncer_stop(&b);
    world_close(&w);
}
END_TEST

/* A deadline ends it in the middle; the next upgrade goes on behind the last batch. */
DB_TEST(a_backfill_that_was_ended_goes_on_where_it_was)
{
    OK(st_upgrade(w->e, &fills, "p1", FIBER_FOREVER));
    must(w, "CREATE TABLE writes (n bigint)");
    must(w, w->dialect == ST_SQLITE
                ? "CREATE TRIGGER t AFTER UPDATE ON pairs BEGIN INSERT INTO writes VALUES (NEW.n); END"
                : "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO writes VALUES (NEW.n); "
                  "RETURN NEW; END $$; CREATE TRIGGER t AFTER UPDATE ON pairs FOR EACH ROW EXECUTE FUNCTION t()");
    unsigned ended = 0;
    for (int64_t ms = 15;; ms += 15) {
        st_err rc = st_upgrade(w->e, &fills, "head", fiber_in_ms(ms));
        if (!rc) {
            break;
        }
        CODE(rc, -ETIMEDOUT);
        ended++;
    }
    ck_assert_uint_gt(ended, 0);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM writes"), ROWS - 6); /* none twice */
    ck_assert_int_eq(number(w, "SELECT count(*) FROM pairs WHERE v IS NULL"), 6);
}

static st_err fill_nothing(st_ops *o)
{
    st_sql(o, 0, "CREATE TABLE keyless (n bigint)");
    return st_run_backfill(o, &(const st_backfill){.table = "keyless", .set = "n = 1"});
}
static const st_revision keyless = {.id = "k1", .message = "keyless", .upgrade = fill_nothing};

DB_TEST(a_table_without_a_key_is_no_place_for_one)
{
    const struct st_migrations m = {.revisions = (const st_revision *const[]){&keyless, NULL}, .program = "prog"};
    CODE(st_upgrade(w->e, &m, "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(says("table keyless has no primary key") && says("st_sql"), "%s", diag_last()->message);
}

/* ---- rows that want nothing, between those that do ---- */

static st_err up_sparse(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "sparse",
                                         ST_COLUMNS({"id", ST_INT64, .pk = true}, {"v", ST_INT64, .nullable = true},
                                                    {"w", ST_INT64, .default_sql = "0"})});
    return st_sql(o, 0, "INSERT INTO sparse (id) SELECT i FROM generate_series(1, 1000) AS i");
}
static st_err fill_sparse(st_ops *o)
{
    return st_run_backfill(o, &(const st_backfill){.table = "sparse",
                                                   .set = "v = id",
                                                   .where = "v IS NULL AND (id = 1 OR pg_sleep(0.001)::text = '-')"});
}
static const st_revision sparse = {.id = "s1", .message = "sparse", .upgrade = up_sparse};
static const st_revision sparse_filled = {.id = "s2", .parents = {"s1"}, .message = "filled", .upgrade = fill_sparse};
static const struct st_migrations sparse_fills = {
    .revisions = (const st_revision *const[]){&sparse, &sparse_filled, NULL}, .program = "prog migrate"};

struct writing {
    st_engine *e;
    bool over;
    unsigned times;
    int64_t longest_ns;
};

static int write_first(void *arg)
{
    struct writing *k = arg;
    while (!k->over) {
        int64_t start = clock_mono_ns();
        OK(st_engine_execute(k->e, "UPDATE sparse SET w = w + 1 WHERE id = 1", FIBER_FOREVER));
        int64_t ns = clock_mono_ns() - start;
        k->longest_ns = ns > k->longest_ns ? ns : k->longest_ns;
        k->times++;
        OK(fiber_sleep_until(fiber_in_ms(5)));
    }
    return 0;
}

START_TEST(a_backfill_holds_no_row_while_it_looks_for_the_next)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    OK(st_upgrade(w.e, &sparse_fills, "s1", FIBER_FOREVER));
    offline_off("others write meanwhile");
    struct writing k = {.e = w.e};
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, write_first, &k));
    int64_t start = clock_mono_ns();
    OK(st_upgrade(w.e, &sparse_fills, "head", FIBER_FOREVER));
    int64_t took = clock_mono_ns() - start;
    k.over = true;
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    ck_assert_int_gt(took, INT64_C(1000000000)); /* the sleeps */
    ck_assert_uint_gt(k.times, 10);
    ck_assert_msg(k.longest_ns < took / 3, "waited %.0f ms of %.0f ms", (double)k.longest_ns / 1e6, (double)took / 1e6);
    ck_assert_int_eq(number(&w, "SELECT v FROM sparse WHERE id = 1"), 1);
    offline_off(NULL);
    world_close(&w);
}
END_TEST

/* ---- a replica that is behind ---- */

static bool replica_is_behind(const char *url)
{
    return strcmp(pg_test_value(url, "SELECT coalesce(max(extract(epoch FROM replay_lag)), 0) > 0.5 FROM "
                                     "pg_stat_replication"),
                  "t") == 0;
}

struct behind {
    const char *url;
    int64_t lag_ms;
};

static void see_lag(void *arg, const struct st_migrate_progress *p)
{
    struct behind *k = arg;
    if (p->event == ST_M_LAG) {
        k->lag_ms = p->lag_ms;
    }
}

/* Something to be behind with, until the backfill has noticed. */
static int write_on(void *arg)
{
    struct behind *k = arg;
    st_engine *e;
    OK(st_engine_open(k->url, NULL, &e));
    OK(st_engine_execute(e, "CREATE TABLE writes (n bigint)", FIBER_FOREVER));
    while (!k->lag_ms) {
        OK(st_engine_execute(e, "INSERT INTO writes VALUES (1)", FIBER_FOREVER));
        OK(fiber_sleep_until(fiber_in_ms(50)));
    }
    st_engine_close(e);
    return 0;
}

static int wait_until_behind(const struct behind *k)
{
    while (!replica_is_behind(k->url)) {
        OK(fiber_sleep_until(fiber_in_ms(100)));
    }
    return 0;
}

START_TEST(a_backfill_waits_for_a_replica_that_is_behind)
{
    struct pg_server primary;
    struct server replica;
    pg_server_start(&primary, false, NULL);
    server_init(&replica, "replica", true);
    server_run(&replica,
               (const char *const[]){server_program("/usr/lib/postgresql/15/bin/pg_basebackup", "postgresql-15"), "-d",
                                     primary.url, "-D", server_printf("%s/data", replica.dir), "-R", "-c", "fast",
                                     "--no-sync", NULL});
    server_start(
        &replica,
        (const char *const[]){server_program("/usr/lib/postgresql/15/bin/postgres", "postgresql-15"), "-D",
                              server_printf("%s/data", replica.dir), "-c", server_printf("port=%d", server_free_port()),
                              "-c", "recovery_min_apply_delay=1200ms", "-c", "wal_receiver_status_interval=1s", NULL},
        SIGQUIT);
    struct world w = {.dialect = ST_POSTGRESQL, .kind = WORLD_ADMIN, .a = arena_new(NULL, 0), .url = primary.url};
    OK(fiber_loop_open(NULL, &w.loop));
    OK(st_engine_open(w.url, NULL, &w.e));
    OK(st_upgrade(w.e, &fills, "p1", FIBER_FOREVER));
    struct behind k = {.url = primary.url};
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, write_on, &k));
    OK(wait_until_behind(&k));
    const struct st_migrate_options o = {.max_lag_ms = 500, .progress = see_lag, .arg = &k};
    OK(st_upgrade_with(w.e, &fills, "head", &o, FIBER_FOREVER));
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    ck_assert_int_gt(k.lag_ms, 500);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pairs WHERE v IS NULL"), 6);
    world_close(&w);
    server_stop(&replica, true);
    pg_server_stop(&primary);
}
END_TEST

/* ---- no memory ---- */

START_TEST(phases_survive_every_failed_allocation)
{
    offline_off("allocations fail, which others than the upgrade would make, too");
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    uint64_t n = 1;
    step = (struct step){0};
    for (;; n++) {
        mem_fail_at(n, false);
        st_err rc = st_upgrade(w.e, &steps, "head", FIBER_FOREVER);
        bool reached = mem_fail_seen() >= n;
        mem_fail_at(0, false);
        if (!reached) {
            OK(rc);
            break;
        }
        OK(st_upgrade(w.e, &steps, "head", FIBER_FOREVER)); /* whatever was left */
        OK(st_downgrade(w.e, &steps, "base", FIBER_FOREVER));
    }
    ck_assert_uint_gt(n, 10);
    ck_assert_int_eq(number(&w, "SELECT CAST(sum(id) AS bigint) FROM things"), 3);
    world_close(&w);
}
END_TEST

static void every_allocation(char **argv, int argc)
{
    const struct st_migrations m = {.revisions = (const st_revision *const[]){&notes_first, &notes_some, NULL},
                                    .program = "prog migrate"};
    uint64_t n = 1;
    for (;; n++) {
        char *out, *err;
        size_t len;
        FILE *o = open_memstream(&out, &len), *x = open_memstream(&err, &len);
        mem_fail_at(n, false);
        int code = st_migrate_main(NULL, &m, argc, argv, o, x);
        bool reached = mem_fail_seen() >= n;
        mem_fail_at(0, false);
        (void)fclose(o);
        (void)fclose(x);
        ck_assert_msg(reached || code == 0, "%s", err);
        ck_assert_msg(code == 0 || strstr(err, "memory"), "%s", err);
        free(out);
        free(err);
        if (!reached) {
            break;
        }
    }
    ck_assert_uint_gt(n, 5);
}

START_TEST(plans_survive_every_failed_allocation)
{
    static char word[] = "migrate", plan[] = "plan", dialect[] = "--dialect=postgresql", upgrade[] = "upgrade",
                sql[] = "--sql", lint[] = "lint";
    every_allocation((char *[]){word, plan, dialect, NULL}, 3);
    every_allocation((char *[]){word, upgrade, sql, dialect, NULL}, 4);
    every_allocation((char *[]){word, lint, NULL}, 2);
}
END_TEST

RUN("strata migrate steps", 60, CASE(a_step_in_c_is_a_transaction_with_its_place_in_the_journal),
    CASE(a_backfill_goes_along_any_key_and_counts_what_it_could_not_fill),
    CASE(a_backfill_reads_no_more_of_the_table_for_each_batch), CASE(a_backfill_goes_through_a_transaction_pooler),
    CASE(a_backfill_that_was_ended_goes_on_where_it_was), CASE(a_table_without_a_key_is_no_place_for_one),
    CASE(a_backfill_waits_for_a_replica_that_is_behind), CASE(a_backfill_holds_no_row_while_it_looks_for_the_next),
    CASE(phases_survive_every_failed_allocation), CASE(plans_survive_every_failed_allocation));
