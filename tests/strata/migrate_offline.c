/* Revisions as scripts: where they begin, how they stop and go on, and what is refused. That a script leads where the
 * program does is proven wherever a test runs a revision (offline.c). */
#include <sys/wait.h>
#include <unistd.h>

#include "catalog.h"
#include "notes.h"
#include "offline.h"
#include "recipes.h"
#include "strata/migrate/run.h"

static st_err add_three(struct st_session *s, void *arg)
{
    (void)s;
    (void)arg;
    return 0;
}
static st_err up_step(st_ops *o)
{
    return st_run_step(o, "add three", add_three, NULL);
}
static const st_revision step = {
    .id = "z9", .parents = {"some"}, .message = "step", .upgrade = up_step, .downgrade = up_step};

static const struct st_migrations history = {
    .revisions = (const st_revision *const[]){&notes_first, &notes_some, &step, NULL}, .program = "prog migrate"};

static char *out, *err;

static int run(st_engine *e, const char *args)
{
    return command_run(e, &history, args, &out, &err);
}

static void must_run(st_engine *e, const char *args)
{
    int code = run(e, args);
    ck_assert_msg(code == 0, "%s: %d: %s", args, code, err);
}

static void feed(struct world *w, const char *script)
{
    const char *said;
    int code = offline_feed(w->e, script, &said);
    ck_assert_msg(code == 0, "it ended with %d: %.2000s", code, said);
}

static void refuses(struct world *w, const char *script, const char *why)
{
    const char *said;
    int code = offline_feed(w->e, script, &said);
    ck_assert_msg(code != 0, "it did not fail: %.2000s", said);
    ck_assert_msg(strstr(said, why), "it said \"%.2000s\", not \"%s\"", said, why);
}

static const char rows[] = "SELECT count(*) || ' ' || count(loud) || ' ' || min(length(loud)) FROM notes";

static const char *name_of(const struct world *w)
{
    return w->dialect == ST_SQLITE ? "sqlite" : "postgresql";
}

DB_TEST(ranges_lead_there_and_back)
{
    must_run(NULL, server_printf("upgrade --sql --dialect %s some", name_of(w)));
    feed(w, out);
    ck_assert_str_eq(text_of(w, rows), "2500 2475 2");
    CODE(st_is_at_head(w->e, &history) ? 0 : 1, 1);
    OK(st_upgrade(w->e, &history, "head", FIBER_FOREVER)); /* the step in C */
    must_run(w->e, "check");
    must_run(w->e, "upgrade --sql"); /* the database says what it lacks */
    ck_assert_str_eq(out, "-- nothing to do\n");

    must_run(NULL, server_printf("downgrade --sql --skip-steps --dialect %s head:n0", name_of(w)));
    ck_assert_msg(strstr(out, "-- left out, since it is C: step add three") != NULL, "%s", out);
    feed(w, out);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_revisions"), 1);
    must_run(NULL, server_printf("upgrade --sql --dialect %s n0:some", name_of(w)));
    ck_assert_ptr_null(strstr(out, "CREATE TABLE \"notes\" ("));
    feed(w, out);
    must_run(w->e, "upgrade --sql --skip-steps");
    ck_assert_ptr_nonnull(strstr(out, "upgrade z9: step"));
    feed(w, out);
    must_run(w->e, "check");
    must_run(w->e, "downgrade --sql --skip-steps n0");
    feed(w, out);
    must_run(w->e, "current");
    ck_assert_msg(strstr(out, "n0  notes"), "%s", out);
}

/* By psql and sqlite3, too; see offline.h. */
static void there_and_back(enum st_dialect d, const struct recipe *r)
{
    const struct st_migrate_options direct = {.unsafe = true};
    struct world w;
    world_running(r->name);
    world_open(&w, d, NULL);
    OK(st_upgrade(w.e, &r->history, recipe_start(r), FIBER_FOREVER));
    OK(st_upgrade(w.e, &r->history, recipe_end(r), FIBER_FOREVER));
    OK(st_downgrade(w.e, &r->history, recipe_start(r), FIBER_FOREVER));
    if (d == ST_POSTGRESQL && r->change == &notes_some) {
        OK(st_upgrade_with(w.e, &r->history, recipe_end(r), &direct, FIBER_FOREVER));
    }
    world_close(&w);
    world_running(NULL);
}

START_TEST(every_recipe_leads_there_and_back)
{
    for (const struct recipe *r = recipes; r->name; r++) {
        for (enum st_dialect d = ST_SQLITE; d <= ST_POSTGRESQL; d++) {
            if (recipe_is_for(r, d) && world_wanted(d)) {
                there_and_back(d, r);
            }
        }
    }
}
END_TEST

DB_TEST(a_script_begins_where_it_says_only)
{
    must_run(NULL, server_printf("upgrade --sql --dialect %s n0:some", name_of(w)));
    char *later = strdup(out);
    refuses(w, later,
            w->dialect == ST_SQLITE ? "this script goes on from 'n0', and the database is not there"
                                    : "\"strata_revisions\" does not exist");
    ck_assert_int_eq(number(w, w->dialect == ST_SQLITE ? "SELECT count(*) FROM sqlite_schema"
                                                       : "SELECT count(*) FROM pg_class WHERE relnamespace = "
                                                         "'public'::regnamespace"),
                     0);
    must_run(NULL, server_printf("upgrade --sql --dialect %s n0", name_of(w)));
    feed(w, out);
    must(w, "UPDATE strata_revisions SET id = 'zz'");
    refuses(w, later,
            w->dialect == ST_SQLITE ? "this script goes on from 'n0', and the database is not there"
                                    : "this script goes on from n0, and the database is at zz");
    must(w, "UPDATE strata_revisions SET id = 'n0'");
    feed(w, later);
    if (w->dialect == ST_SQLITE) {
        refuses(w, later, "this script goes on from 'n0'");
    } else {
        feed(w, later); /* nothing is left of it */
    }
    must_run(w->e, "upgrade");
    must_run(w->e, "check");
    free(later);
}

/* Stopped by what stands in the way, once in each kind of phase. */
START_TEST(psql_goes_on_where_it_stopped_and_so_does_a_program)
{
    for (unsigned by_program = 0; by_program < 2; by_program++) {
        struct world w;
        world_open(&w, ST_POSTGRESQL, NULL);
        OK(st_upgrade(w.e, &history, "n0", FIBER_FOREVER));
        must_run(NULL, "upgrade --sql --dialect postgresql n0:some");
        must(&w, "UPDATE notes SET other = 1 WHERE id = 2"); /* the unique index cannot be built */
        refuses(&w, out, "could not create unique index");
        ck_assert_int_eq(number(&w, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 1);
        must(&w, "UPDATE notes SET other = 2 WHERE id = 2");
        must(&w, "UPDATE notes SET author = 99 WHERE id = 3"); /* then a constraint does not hold */
        refuses(&w, out, "notes_author_fkey");
        ck_assert_int_gt(number(&w, "SELECT count(*) FROM strata_journal WHERE state = 'done'"), 0);
        must(&w, "UPDATE notes SET author = 1 WHERE id = 3");
        if (by_program) {
            OK(st_upgrade(w.e, &history, "some", FIBER_FOREVER));
        } else {
            feed(&w, out);
        }
        ck_assert_int_eq(number(&w, "SELECT count(*) FROM strata_journal"), 0);
        ck_assert_int_eq(number(&w, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
        OK(st_upgrade(w.e, &history, "head", FIBER_FOREVER));
        must_run(w.e, "check");
        world_close(&w);
    }
}
END_TEST

/* A batch is a transaction: those before the one that fails stay, and are not done again. */
START_TEST(psql_fills_in_batches)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    OK(st_upgrade(w.e, &history, "n0", FIBER_FOREVER));
    must_run(NULL, "upgrade --sql --dialect postgresql n0:some");
    must(&w,
         "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $a$no further$a$; END'");
    must(&w, "CREATE TRIGGER stop BEFORE UPDATE ON notes FOR EACH ROW WHEN (new.id = 2400) EXECUTE FUNCTION stop()");
    refuses(&w, out, "no further");
    ck_assert_int_eq(number(&w, "SELECT rows FROM strata_journal WHERE cursor IS NOT NULL"), 2100);
    ck_assert_int_eq(number(&w, "SELECT count(loud) FROM notes"), 2100 - 21);
    must(&w, "DROP TRIGGER stop ON notes; UPDATE notes SET loud = 'kept' WHERE id = 5");
    feed(&w, out);
    ck_assert_str_eq(text_of(&w, rows), "2500 2475 2");
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM notes WHERE loud = 'kept'"), 1);
    world_close(&w);
}
END_TEST

/* Whoever holds a table for long is waited for in short tries, and whoever comes behind does not wait. */
START_TEST(psql_lets_go_of_a_queue)
{
    struct world w;
    st_conn *c;
    const char *said;
    world_open(&w, ST_POSTGRESQL, NULL);
    OK(st_upgrade(w.e, &history, "n0", FIBER_FOREVER));
    must_run(NULL, "upgrade --sql --dialect postgresql n0:some");
    OK(st_conn_acquire(w.e, true, FIBER_FOREVER, &c));
    OK(st_conn_exec(c, "BEGIN; SELECT 1 FROM notes LIMIT 1", FIBER_FOREVER));
    pid_t pid = fork();
    if (pid == 0) {
        _exit(offline_feed(w.e, out, &said));
    }
    int64_t worst = 0, waits = 0;
    for (unsigned i = 0; i < 60; i++) {
        int64_t start = fiber_now();
        waits += number(&w, "SELECT count(*) FROM pg_locks WHERE NOT granted");
        (void)number(&w, "SELECT count(*) FROM notes");
        int64_t took = fiber_now() - start;
        worst = took > worst ? took : worst;
        OK(fiber_sleep_until(fiber_in_ms(20)));
    }
    OK(st_conn_exec(c, "ROLLBACK", FIBER_FOREVER));
    st_conn_release(c);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_gt(waits, 0);
    ck_assert_msg(worst < INT64_C(1000000000), "a reader waited for %lld ms", (long long)(worst / 1000000));
    world_close(&w);
}
END_TEST

START_TEST(two_upgrades_at_once_are_one_and_a_refusal)
{
    struct world w;
    st_conn *c;
    world_open(&w, ST_POSTGRESQL, NULL);
    must_run(NULL, "upgrade --sql --dialect postgresql some");
    OK(st_conn_acquire(w.e, true, FIBER_FOREVER, &c));
    OK(st_conn_exec(c, "SELECT pg_advisory_lock(" MIGRATE_LOCK_NUMBER ")", FIBER_FOREVER));
    refuses(&w, out, "another upgrade of this database is under way");
    OK(st_conn_exec(c, "SELECT pg_advisory_unlock_all()", FIBER_FOREVER));
    st_conn_release(c);
    feed(&w, out);
    world_close(&w);
}
END_TEST

/* Rows that no database in memory has. */
START_TEST(sqlite3_refuses_what_a_program_would)
{
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    OK(st_upgrade(w.e, &history, "n0", FIBER_FOREVER));
    must(&w, "UPDATE notes SET author = 99 WHERE id = 3");
    must_run(NULL, "upgrade --sql --dialect sqlite n0:some");
    refuses(&w, out, "the table notes (rowid 3), which names a row that is not in authors");
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM strata_revisions"), 1);
    must(&w, "UPDATE notes SET author = 1 WHERE id = 3");
    must(&w, "CREATE TABLE strata_journal (state text)");
    must(&w, "INSERT INTO strata_journal VALUES ('done')");
    refuses(&w, out, "a revision is under way, which must be finished first");
    must(&w, "DROP TABLE strata_journal");
    feed(&w, out);
    world_close(&w);
}
END_TEST

static st_err up_talk(st_ops *o)
{
    return st_sql(o, 0, "CREATE TABLE talk (t text) -- with a remark");
}
static st_err down_talk(st_ops *o)
{
    return st_sql(o, 0, "DROP TABLE talk;\n");
}
static const st_revision talk = {
    .id = "t1", .message = "it's\n\\! echo a 'line'; DROP TABLE talk", .upgrade = up_talk, .downgrade = down_talk};

DB_TEST(what_a_revision_says_of_itself_stays_a_remark)
{
    const struct st_migrations m = {.revisions = (const st_revision *const[]){&talk, NULL}, .program = "prog"};
    ck_assert_int_eq(command_run(w->e, &m, "upgrade --sql", &out, &err), 0);
    feed(w, out);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM talk"), 0);
    ck_assert_int_eq(command_run(w->e, &m, "check", &out, &err), 0);
    ck_assert_int_eq(command_run(w->e, &m, "downgrade --sql base", &out, &err), 0);
    feed(w, out);
}

START_TEST(a_script_is_written_whole_or_not_at_all)
{
    char *argv[] = {
        strdup("migrate"), strdup("upgrade"), strdup("--sql"), strdup("--dialect=postgresql"), strdup("some"), NULL};
    char *said;
    size_t n;
    FILE *full = fopen("/dev/full", "w"), *x = open_memstream(&said, &n);
    ck_assert(full && x);
    ck_assert_int_eq(st_migrate_main(NULL, &history, 5, argv, full, x), 1);
    (void)fclose(x);
    (void)fclose(full);
    ck_assert_msg(strstr(said, "the script could not be written: No space left on device"), "%s", said);
    free(said);
    for (int i = 0; i < 5; i++) {
        free(argv[i]);
    }
    ck_assert_int_eq(run(NULL, "upgrade --sql --dialect sqlite"), 1);
    ck_assert_str_eq(out, "");
    ck_assert_msg(strstr(err, "the upgrade of revision z9 (\"step\") has the step \"add three\", which is C"), "%s",
                  err);
    ck_assert_msg(strstr(err, "make a script up to some, then run prog migrate upgrade z9"), "%s", err);
    ck_assert_int_eq(run(NULL, "downgrade --sql --dialect sqlite head:base"), 1);
    ck_assert_str_eq(out, "");
    ck_assert_msg(strstr(err, "then run prog migrate downgrade some"), "%s", err);
}
END_TEST

START_TEST(what_cannot_be_known_is_asked_for)
{
    ck_assert_int_eq(run(NULL, "upgrade --sql"), 2);
    ck_assert_ptr_nonnull(strstr(err, "--dialect says which SQL"));
    ck_assert_int_eq(run(NULL, "upgrade --sql --dialect oracle"), 2);
    ck_assert_ptr_nonnull(strstr(err, "postgresql or sqlite"));
    ck_assert_int_eq(run(NULL, "downgrade --sql --dialect sqlite n0"), 1);
    ck_assert_ptr_nonnull(strstr(err, "say where the downgrade begins: FROM:n0"));
    ck_assert_int_eq(run(NULL, "upgrade --sql --dialect sqlite nowhere:head"), 1);
    ck_assert_ptr_nonnull(strstr(err, "no revision \"nowhere\""));
    static const struct {
        const char *args, *says;
    } wrong[] = {
        {"upgrade --sql --dialect sqlite some:n0",
         "some builds on\nhint: the way back is: prog migrate downgrade --sql some:n0"},
        {"upgrade --sql --dialect sqlite some:some", "there is nothing to upgrade from some to some"},
        {"upgrade --sql --dialect sqlite n0:base", "upgrade goes forward: base"},
        {"upgrade --sql --dialect sqlite +1:some", "a range begins at a revision or at base"},
        {"upgrade --sql --dialect sqlite n0:some:z9", "there is no revision \"some:z9\""},
        {"downgrade --sql --dialect sqlite n0:some", "hint: the way up is: prog migrate upgrade --sql n0:some"},
        {"downgrade --sql --dialect sqlite some:some", "there is nothing to downgrade from some to some"},
        {"downgrade --sql --dialect sqlite base:base", "there is nothing to downgrade from base to base"},
        {"downgrade --sql --dialect sqlite some:+1", "downgrade goes back: +1"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(run(NULL, wrong[i].args) == 1 && !*out, "%s: %s", wrong[i].args, out);
        ck_assert_msg(strstr(err, wrong[i].says), "%s: %s", wrong[i].args, err);
    }
    ck_assert_int_eq(run(NULL, "upgrade n0:some"), 2);
    ck_assert_ptr_nonnull(strstr(err, "n0:some is a range, which goes with --sql"));
    ck_assert_int_eq(run(NULL, "upgrade --dialect sqlite"), 2);
    ck_assert_ptr_nonnull(strstr(err, "--dialect goes with --sql"));
}
END_TEST

START_TEST(a_plan_says_what_runs_and_what_it_locks)
{
    must_run(NULL, "plan --dialect postgresql");
    ck_assert_msg(strstr(out, "outside of transactions\n      CREATE UNIQUE INDEX CONCURRENTLY") != NULL, "%s", out);
    ck_assert_msg(strstr(out, "-- SHARE UPDATE EXCLUSIVE on notes, while it is scanned") != NULL, "%s", out);
    ck_assert_msg(strstr(out, "backfill notes, a transaction a batch") != NULL, "%s", out);
    ck_assert_msg(strstr(out, "in C: add three") != NULL, "%s", out);
    must_run(NULL, "plan --dialect postgresql --unsafe");
    ck_assert_msg(strstr(out, "-- ACCESS EXCLUSIVE on notes, while it is scanned") != NULL, "%s", out);
    must_run(NULL, "plan --dialect sqlite");
    ck_assert_msg(strstr(out, "the table notes is built anew") != NULL, "%s", out);
}
END_TEST

RUN("strata migrate offline", 300, CASE(ranges_lead_there_and_back), CASE(every_recipe_leads_there_and_back),
    CASE(a_script_begins_where_it_says_only), CASE(psql_goes_on_where_it_stopped_and_so_does_a_program),
    CASE(psql_fills_in_batches), CASE(psql_lets_go_of_a_queue), CASE(two_upgrades_at_once_are_one_and_a_refusal),
    CASE(sqlite3_refuses_what_a_program_would), CASE(what_a_revision_says_of_itself_stays_a_remark),
    CASE(a_script_is_written_whole_or_not_at_all), CASE(what_cannot_be_known_is_asked_for),
    CASE(a_plan_says_what_runs_and_what_it_locks));
