/* Revisions on both databases. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalog.h"
#include "library.h"
#include "offline.h"
#include "pgbouncer.h"
#include "strata/migrate.h"

static st_err up_notes(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "notes",
                                         ST_COLUMNS({"id", ST_INT64, .pk = true}, {"body", ST_TEXT, .max = 20},
                                                    {"at", ST_TIME, .default_sql = "now()"})});
    return ST_INSERT_ROW(o, "notes", {"id", st_v_int64(1)}, {"body", st_v_text("it's first")});
}
static st_err down_notes(st_ops *o)
{
    return st_drop_table(o, "notes");
}

static st_err up_mood(st_ops *o)
{
    st_add_column(
        o, "notes",
        &(const st_table_column){"mood", ST_ENUM, .values = ST_VALUES("sad", "glad"), .default_sql = "'glad'"});
    return st_create_index(o, "notes", &(const st_table_index){.columns = {"mood", "-at"}});
}
static st_err down_mood(st_ops *o)
{
    st_drop_index(o, "notes", "notes_mood_at_idx");
    return st_drop_column(o, "notes", "mood");
}

static st_err up_tags(st_ops *o)
{
    return st_create_table(o,
                           &(const st_table){.name = "tags",
                                             ST_COLUMNS({"note", ST_INT64, .pk = true}, {"tag", ST_TEXT, .pk = true}),
                                             ST_FKS({.columns = {"note"}, .table = "notes", .to = {"id"}})});
}
static st_err down_tags(st_ops *o)
{
    return st_drop_table(o, "tags");
}

/* Half of it works. */
static st_err up_broken(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "half", ST_COLUMNS({"id", ST_INT64, .pk = true})});
    return st_add_column(o, "nowhere", &(const st_table_column){"c", ST_INT64, .nullable = true});
}

static const st_revision rev1 = {.id = "a1", .message = "notes", .upgrade = up_notes, .downgrade = down_notes};
static const st_revision rev2 = {
    .id = "b2", .parents = {"a1"}, .message = "mood", .upgrade = up_mood, .downgrade = down_mood};
static const st_revision rev3 = {
    .id = "c3", .parents = {"b2"}, .message = "tags", .upgrade = up_tags, .downgrade = down_tags};
static const st_revision broken = {.id = "d4", .parents = {"c3"}, .message = "broken", .upgrade = up_broken};
static const st_revision one_way = {.id = "d5", .parents = {"c3"}, .message = "no way back", .upgrade = down_tags};

#define HISTORY(...)                                                                             \
    (&(const struct st_migrations){.revisions = (const st_revision *const[]){__VA_ARGS__, NULL}, \
                                   .program = "prog migrate"})
#define THREE HISTORY(&rev3, &rev1, &rev2)

/* The revisions that the database is at, with spaces between. */
static const char *current(struct world *w, const struct st_migrations *m)
{
    const char *const *ids;
    size_t n;
    const char *s = "";
    OK(st_current(w->e, m, w->a, &ids, &n));
    for (size_t i = 0; i < n; i++) {
        s = arena_printf(w->a, "%s%s%s", s, i ? " " : "", ids[i]);
    }
    return s;
}

static bool says(const char *what)
{
    return strstr(diag_last()->message, what) || strstr(diag_last()->hint, what);
}

DB_TEST(upgrade_applies_every_revision_once)
{
    ck_assert_str_eq(current(w, THREE), "");
    ck_assert(!st_is_at_head(w->e, THREE));
    ck_assert_msg(says("lacks 3 of 3 revisions") && says("prog migrate upgrade"), "%s", diag_last()->message);
    OK(st_upgrade(w->e, THREE, "head", FIBER_FOREVER));
    ck_assert_str_eq(current(w, THREE), "c3");
    ck_assert(st_is_at_head(w->e, THREE));
    ck_assert_str_eq(text_of(w, "SELECT body || ' ' || mood FROM notes"), "it's first glad");
    OK(st_upgrade(w->e, THREE, "head", FIBER_FOREVER));
    ck_assert_int_eq(number(w, "SELECT count(*) FROM notes"), 1);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_revisions"), 3);
}

DB_TEST(there_and_back_and_there_again_is_the_same_schema)
{
    OK(st_upgrade(w->e, THREE, "head", FIBER_FOREVER));
    const char *first = catalog(w);
    ck_assert_ptr_nonnull(strstr(first, "notes_mood_at_idx"));
    OK(st_downgrade(w->e, THREE, "base", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), "");
    ck_assert_str_eq(current(w, THREE), "");
    OK(st_upgrade(w->e, THREE, "c3", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), first);
}

DB_TEST(steps_may_be_relative)
{
    OK(st_upgrade(w->e, THREE, "+2", FIBER_FOREVER));
    ck_assert_str_eq(current(w, THREE), "b2");
    OK(st_downgrade(w->e, THREE, "-1", FIBER_FOREVER));
    ck_assert_str_eq(current(w, THREE), "a1");
    OK(st_upgrade(w->e, THREE, "+1", FIBER_FOREVER));
    OK(st_upgrade(w->e, THREE, "+1", FIBER_FOREVER));
    OK(st_downgrade(w->e, THREE, "a1", FIBER_FOREVER));
    ck_assert_str_eq(current(w, THREE), "a1");
    CODE(st_downgrade(w->e, THREE, "-2", FIBER_FOREVER), ST_E_INVALID);
    ck_assert(says("-2 goes too far"));
    CODE(st_upgrade(w->e, THREE, "zz", FIBER_FOREVER), ST_E_INVALID);
    ck_assert(says("no revision \"zz\""));
}

DB_TEST(branches_are_upgraded_together)
{
    static const st_revision left = {.id = "l2", .parents = {"a1"}, .message = "left", .upgrade = up_mood};
    static const st_revision right = {
        .id = "r2", .parents = {"a1"}, .message = "tags", .label = "right", .upgrade = up_tags};
    const struct st_migrations *m = HISTORY(&left, &right, &rev1);
    CODE(st_upgrade(w->e, m, "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert(says("2 heads"));
    OK(st_upgrade(w->e, m, "right", FIBER_FOREVER));
    ck_assert_str_eq(current(w, m), "r2");
    OK(st_upgrade(w->e, m, "heads", FIBER_FOREVER));
    ck_assert_str_eq(current(w, m), "l2 r2");
    ck_assert(st_is_at_head(w->e, m));
}

DB_TEST(a_revision_that_fails_leaves_no_trace)
{
    const struct st_migrations *m = HISTORY(&rev1, &rev2, &rev3, &broken);
    st_err rc = st_upgrade(w->e, m, "head", FIBER_FOREVER);
    CODE(rc, ST_E_SCHEMA);
    ck_assert_msg(says("revision d4") && says("table nowhere"), "%s", diag_last()->message);
    ck_assert_str_eq(current(w, m), "c3");
    ck_assert_ptr_null(strstr(catalog(w), "half"));
    OK(st_upgrade(w->e, THREE, "head", FIBER_FOREVER)); /* the connection is fine */
}

DB_TEST(there_is_no_way_back_past_a_revision_without_one)
{
    const struct st_migrations *m = HISTORY(&rev1, &rev2, &rev3, &one_way);
    OK(st_upgrade(w->e, m, "head", FIBER_FOREVER));
    CODE(st_downgrade(w->e, m, "base", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(says("d5") && says("cannot be undone"), "%s", diag_last()->message);
    ck_assert_str_eq(current(w, m), "d5");
}

DB_TEST(a_database_of_a_newer_program_is_left_alone)
{
    OK(st_upgrade(w->e, THREE, "head", FIBER_FOREVER));
    const struct st_migrations *old = HISTORY(&rev1, &rev2);
    const char *before = catalog(w);
    CODE(st_upgrade(w->e, old, "head", FIBER_FOREVER), ST_E_TOO_NEW);
    ck_assert_msg(says("revision c3 (\"tags\"") && says("newer program"), "%s", diag_last()->message);
    CODE(st_downgrade(w->e, old, "base", FIBER_FOREVER), ST_E_TOO_NEW);
    ck_assert(!st_is_at_head(w->e, old));
    ck_assert_int_eq(diag_last()->code, ST_E_TOO_NEW);
    ck_assert_str_eq(current(w, old), "c3");
    ck_assert_str_eq(catalog(w), before);
}

DB_TEST(a_table_that_others_point_at_is_not_dropped)
{
    OK(st_upgrade(w->e, THREE, "head", FIBER_FOREVER));
    static const st_revision drop = {.id = "d6", .parents = {"c3"}, .message = "drop", .upgrade = down_notes};
    const struct st_migrations *m = HISTORY(&rev1, &rev2, &rev3, &drop);
    st_err rc = st_upgrade(w->e, m, "head", FIBER_FOREVER);
    ck_assert_int_lt(rc, 0);
    ck_assert_msg(says("table notes") && says("tags"), "%s", diag_last()->message);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM notes"), 1);
}

struct racer {
    struct world *w;
    st_err rc;
};

static int race(void *arg)
{
    struct racer *r = arg;
    st_engine *e;
    OK(st_engine_open(r->w->url, NULL, &e));
    r->rc = st_upgrade(e, THREE, "head", FIBER_FOREVER);
    st_engine_close(e);
    return 0;
}

DB_TEST(upgrades_at_once_apply_each_revision_once)
{
    offline_off("others upgrade meanwhile");
    struct racer racers[4];
    FIBER_BUNDLE(b);
    for (int i = 0; i < 4; i++) {
        racers[i] = (struct racer){w, -1};
        OK(fiber_start(&b, race, &racers[i]));
    }
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    for (int i = 0; i < 4; i++) {
        OK(racers[i].rc);
    }
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_revisions"), 3);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM notes"), 1);
}

DB_TEST(an_upgrade_gives_up_at_its_deadline)
{
    st_engine *other;
    st_conn *c;
    OK(st_engine_open(w->url, NULL, &other));
    OK(st_conn_acquire(other, true, FIBER_FOREVER, &c));
    OK(st_conn_exec(c,
                    w->dialect == ST_SQLITE ? "BEGIN IMMEDIATE"
                                            : "BEGIN; DO $$ BEGIN PERFORM pg_advisory_xact_lock(8319388081106739565); "
                                              "END $$",
                    FIBER_FOREVER));
    CODE(st_upgrade(w->e, THREE, "head", fiber_in_ms(300)), -ETIMEDOUT);
    ck_assert_msg(says("lock on the schema"), "%s", diag_last()->message);
    OK(st_conn_exec(c, "ROLLBACK", FIBER_FOREVER));
    st_conn_release(c);
    st_engine_close(other);
    OK(st_upgrade(w->e, THREE, "head", FIBER_FOREVER));
}

DB_TEST(models_become_tables_and_what_is_there_stays)
{
    OK(st_create_all(w->e, library_models, 2, FIBER_FOREVER));
    must(w, "INSERT INTO countries (code, name, population) VALUES ('nl', 'Netherlands', 18000000)");
    OK(st_create_all(w->e, library_models, 4, FIBER_FOREVER));
    ck_assert_int_eq(number(w, "SELECT population FROM countries"), 18000000);
    const char *all = catalog(w);
    ck_assert_ptr_nonnull(strstr(all, "books_title_order_key"));
    OK(st_create_all(w->e, library_models, 4, FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), all);
}

static st_err up_setting(st_ops *o)
{
    return st_sql(o, ST_POSTGRESQL, "CREATE TABLE setting AS SELECT current_setting('lock_timeout') AS v");
}

START_TEST(locks_are_waited_for_shortly)
{
    offline_off("a script has another lock_timeout");
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    static const st_revision r = {.id = "s1", .message = "setting", .upgrade = up_setting};
    OK(st_upgrade(w.e, HISTORY(&r), "head", FIBER_FOREVER));
    ck_assert_str_eq(text_of(&w, "SELECT v FROM setting"), "100ms");
    ck_assert_str_eq(text_of(&w, "SELECT current_setting('lock_timeout')"), "0");
    world_close(&w);
}
END_TEST

static st_err up_long(st_ops *o)
{
    return st_sql(o, ST_POSTGRESQL, "SELECT pg_sleep(100)");
}

/* Ctrl-C, the machine's end, a kill: the server does not go on with what nobody waits for. */
START_TEST(a_statement_ends_with_the_program_that_began_it)
{
    static const char asleep[] = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    static const st_revision r = {.id = "s1", .message = "long", .upgrade = up_long};
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    st_engine_close(w.e); /* which a fork must not share, nor the loop */
    fiber_loop_close(w.loop);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    OK(fiber_loop_open(NULL, &w.loop));
    OK(st_engine_open(w.url, NULL, &w.e));
    if (pid == 0) {
        OK(st_upgrade(w.e, HISTORY(&r), "head", FIBER_FOREVER));
        _exit(0);
    }
    while (number(&w, asleep) == 0) {
        ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
        OK(fiber_sleep_until(fiber_in_ms(20)));
    }
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    while (number(&w, asleep) != 0) { /* the test's own time limit is shorter than the statement */
        OK(fiber_sleep_until(fiber_in_ms(20)));
    }
    world_close(&w);
}
END_TEST

START_TEST(revisions_run_through_a_transaction_pooler)
{
    struct world w;
    struct pgbouncer b;
    world_open(&w, ST_POSTGRESQL, NULL);
    pgbouncer_start(&b, w.url);
    st_engine *pooled;
    OK(st_engine_open(server_printf("%s%cpooler=transaction", pgbouncer_url(&b, w.url),
                                    strchr(pgbouncer_url(&b, w.url), '?') ? '&' : '?'),
                      NULL, &pooled));
    OK(st_upgrade(pooled, THREE, "a1", FIBER_FOREVER)); /* a transaction */
    CODE(st_upgrade(pooled, THREE, "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(says("index notes_mood_at_idx, runs outside of transactions") && says("--direct-url"), "%s",
                  diag_last()->message);
    ck_assert_str_eq(current(&w, THREE), "a1");
    const struct st_migrate_options direct = {.direct_url = w.url};
    OK(st_upgrade_with(pooled, THREE, "head", &direct, FIBER_FOREVER));
    ck_assert(st_is_at_head(pooled, THREE));
    OK(st_downgrade_with(pooled, THREE, "base", &direct, FIBER_FOREVER));
    st_engine_close(pooled);
    /* One that does not say so is found out, and so is a direct URL that is none. */
    const char *through = pgbouncer_url(&b, w.url);
    OK(st_engine_open(through, NULL, &pooled));
    CODE(st_upgrade(pooled, THREE, "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(says("transaction pooler"), "%s", diag_last()->message);
    CODE(st_upgrade_with(w.e, THREE, "head", &(const struct st_migrate_options){.direct_url = through}, FIBER_FOREVER),
         ST_E_URL);
    ck_assert_msg(says("through a pooler, too"), "%s", diag_last()->message);
    st_engine_close(pooled);
    pgbouncer_stop(&b);
    world_close(&w);
}
END_TEST

START_TEST(an_upgrade_survives_every_failed_allocation)
{
    offline_off("allocations fail, which others than the upgrade would make, too");
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    uint64_t n = 1;
    for (;; n++) {
        mem_fail_at(n, false);
        st_err rc = st_upgrade(w.e, THREE, "head", FIBER_FOREVER);
        bool reached = mem_fail_seen() >= n;
        mem_fail_at(0, false);
        if (!reached) {
            OK(rc);
            break;
        }
        if (rc == 0) { /* a failure that was made good; start over */
            OK(st_downgrade(w.e, THREE, "base", FIBER_FOREVER));
        }
    }
    ck_assert_uint_gt(n, 20);
    ck_assert_str_eq(current(&w, THREE), "c3");
    world_close(&w);
}
END_TEST

RUN("strata migrate run", 60, CASE(upgrade_applies_every_revision_once),
    CASE(there_and_back_and_there_again_is_the_same_schema), CASE(steps_may_be_relative),
    CASE(branches_are_upgraded_together), CASE(a_revision_that_fails_leaves_no_trace),
    CASE(there_is_no_way_back_past_a_revision_without_one), CASE(a_database_of_a_newer_program_is_left_alone),
    CASE(a_table_that_others_point_at_is_not_dropped), CASE(upgrades_at_once_apply_each_revision_once),
    CASE(an_upgrade_gives_up_at_its_deadline), CASE(models_become_tables_and_what_is_there_stays),
    CASE(locks_are_waited_for_shortly), CASE(a_statement_ends_with_the_program_that_began_it),
    CASE(revisions_run_through_a_transaction_pooler), CASE(an_upgrade_survives_every_failed_allocation));
