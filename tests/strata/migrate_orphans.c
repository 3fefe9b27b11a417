/* Upgrades that are killed at one chosen moment: on PostgreSQL while the server goes on with what it was told, on
 * SQLite while rows or the whole file are copied. */
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "kills.h"
#include "strata/select.h"
#include "strata/session.h"

#define HISTORY(...)                                                                            \
    {                                                                                           \
        .revisions = (const st_revision *const[]){__VA_ARGS__, NULL}, .program = "prog migrate" \
    }

enum { WAIT_S = 20 };

static void nap(void)
{
    (void)usleep(2000);
}

/* Until a query, on a connection of its own, gives n. */
static void until(const char *url, const char *query, const char *n)
{
    int64_t last = clock_mono_ns() + WAIT_S * INT64_C(1000000000);
    while (strcmp(pg_test_value(url, query), n) != 0) {
        ck_assert_msg(clock_mono_ns() < last, "%s never gave %s", query, n);
        nap();
    }
}

static void kill_it(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert(course_wait(pid));
}

/* ---- a server process that outlives its client ---- */

#define SESSIONS \
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND "

/* A process that runs a script and keeps its transaction open until it is killed. */
static pid_t hold(const struct course *c, const char *sql)
{
    int ready[2];
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct world w = c->w;
        st_conn *conn;
        world_wake(&w);
        OK(st_conn_acquire(w.e, true, FIBER_FOREVER, &conn));
        OK(st_conn_exec(conn, sql, FIBER_FOREVER));
        ck_assert_int_eq(write(ready[1], "", 1), 1);
        (void)pause();
        _exit(1);
    }
    char byte;
    (void)close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return pid;
}

/* The statement that is under way when the client dies goes on without it. The next upgrade finds it there, and is
 * done some time after it has ended. holder 0: it ends by itself. */
static void leave_and_go_on(struct course *c, const char *under_way, const char *holder)
{
    course_reset(c);
    pid_t held = holder ? hold(c, holder) : 0, first = course_start(c, 0);
    const char *orphans = server_printf(SESSIONS "state = 'active' AND %s", under_way);
    until(c->w.url, orphans, "1");
    kill_it(first);
    ck_assert_str_eq(pg_test_value(c->w.url, orphans), "1");
    pid_t next = course_start(c, 0);
    if (held) { /* it waits, and must not be what the orphan waits for */
        (void)usleep(300000);
        ck_assert_str_eq(pg_test_value(c->w.url, orphans), "1");
        kill_it(held);
    }
    ck_assert(!course_wait(next));
    course_go_on(c, true);
}

static const struct recipe *recipe_of(const char *name)
{
    const struct recipe *r = recipes;
    while (r->name && strcmp(r->name, name) != 0) {
        r++;
    }
    ck_assert_ptr_nonnull(r->name);
    return r;
}

#define BUILDING "query LIKE '% CONCURRENTLY %' AND wait_event_type = 'Lock'"
#define OLD_READER "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM notes"

START_TEST(an_index_that_goes_on_being_built_or_dropped_is_waited_for)
{
    for (int up = 1; up >= 0; up--) {
        struct course c = {0};
        course_open(&c, ST_POSTGRESQL, recipe_of("create index"), up);
        leave_and_go_on(&c, BUILDING, OLD_READER);
        course_close(&c);
    }
}
END_TEST

START_TEST(an_index_that_is_left_invalid_is_built_or_dropped_again)
{
    for (int up = 1; up >= 0; up--) {
        struct course c = {0};
        course_open(&c, ST_POSTGRESQL, recipe_of("create index"), up);
        course_reset(&c);
        pid_t reader = hold(&c, OLD_READER), first = course_start(&c, 0);
        until(c.w.url, SESSIONS BUILDING, "1");
        kill_it(first);
        ck_assert_str_eq(pg_test_value(c.w.url,
                                       "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                                       "current_database() AND pid <> pg_backend_pid() AND " BUILDING),
                         "t");
        until(c.w.url, SESSIONS BUILDING, "0");
        ck_assert_str_eq(pg_test_value(c.w.url, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "1");
        kill_it(reader);
        course_go_on(&c, true);
        course_close(&c);
    }
}
END_TEST

static st_err up_words(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "words", ST_COLUMNS({"id", ST_INT64, .pk = true}, {"n", ST_INT64})});
    return st_sql(o, ST_POSTGRESQL, "INSERT INTO words SELECT i, i FROM generate_series(1, 200) AS i");
}
static const st_revision words = {.id = "words", .message = "words", .upgrade = up_words};

static st_err up_slowly(st_ops *o)
{
    return st_run_backfill(
        o, &(const st_backfill){
               .table = "words", .set = "n = n + 1 + 0 * length(pg_sleep(0.004)::text)", .batch = 100, .pause_ms = 1});
}
static const st_revision slowly = {.id = "slowly", .parents = {"words"}, .message = "slowly", .upgrade = up_slowly};

static const struct recipe slow_backfill = {"a slow backfill", .change = &slowly, .history = HISTORY(&words, &slowly)};

START_TEST(a_batch_that_goes_on_is_not_done_twice)
{
    struct course c = {0};
    course_open(&c, ST_POSTGRESQL, &slow_backfill, true);
    leave_and_go_on(&c, "wait_event = 'PgSleep'", NULL);
    ck_assert_int_eq(number(&c.w, "SELECT sum(n - id)::bigint FROM words"), 200);
    course_close(&c);
}
END_TEST

static st_err insert_slowly(st_session *s, void *arg)
{
    (void)arg;
    st_err rc = st_raw_execute(s, "INSERT INTO words SELECT 1000 + id, n FROM words", NULL);
    return rc ? rc : st_raw_execute(s, "UPDATE words SET n = n + 0 * length(pg_sleep(0.5)::text) WHERE id = 1", NULL);
}
static st_err up_step(st_ops *o)
{
    return st_run_step(o, "insert slowly", insert_slowly, NULL);
}
static const st_revision step = {.id = "step", .parents = {"words"}, .message = "step", .upgrade = up_step};

static const struct recipe slow_step = {"a slow step", .change = &step, .history = HISTORY(&words, &step),
                                        .in_c = true};

/* Its session is not the one that has the lock on the schema, which is free at once. */
START_TEST(a_step_that_goes_on_is_not_done_twice)
{
    struct course c = {0};
    course_open(&c, ST_POSTGRESQL, &slow_step, true);
    leave_and_go_on(&c, "wait_event = 'PgSleep'", NULL);
    ck_assert_int_eq(number(&c.w, "SELECT count(*) FROM words"), 400);
    course_close(&c);
}
END_TEST

static st_err up_sql(st_ops *o)
{
    st_sql(o, ST_POSTGRESQL, "INSERT INTO words SELECT 1000 + id, n FROM words; SELECT pg_sleep(0.5)");
    return st_add_column(o, "words", &(const st_table_column){"m", ST_INT64, .default_sql = "5"});
}
static const st_revision sql = {.id = "sql", .parents = {"words"}, .message = "sql", .upgrade = up_sql};

static const struct recipe slow_sql = {"slow SQL", .change = &sql, .history = HISTORY(&words, &sql)};

START_TEST(sql_that_goes_on_is_not_done_twice)
{
    struct course c = {0};
    course_open(&c, ST_POSTGRESQL, &slow_sql, true);
    leave_and_go_on(&c, "wait_event = 'PgSleep'", NULL);
    ck_assert_int_eq(number(&c.w, "SELECT count(*) FROM words"), 400);
    course_close(&c);
}
END_TEST

/* ---- SQLite: copies of much ---- */

enum { TRIES = 4 };

static st_err up_large(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "large",
                                         ST_COLUMNS({"id", ST_INT64, .pk = true}, {"num", ST_TEXT}, {"body", ST_TEXT}),
                                         ST_INDEXES({.columns = {"num"}})});
    return st_sql(o, ST_SQLITE,
                  "INSERT INTO large SELECT i, i, hex(randomblob(60)) FROM (WITH RECURSIVE k (i) AS (SELECT 1 UNION "
                  "ALL SELECT i + 1 FROM k WHERE i < 20000) SELECT i FROM k)");
}
static const st_revision large = {.id = "large", .message = "large", .upgrade = up_large};

static const st_table_column num_was = {"num", ST_TEXT}, num_is = {"num", ST_INT64};
static st_err up_numbers(st_ops *o)
{
    return st_alter_column(o, "large", &num_was, &num_is, NULL);
}
static st_err down_numbers(st_ops *o)
{
    return st_alter_column(o, "large", &num_is, &num_was, NULL);
}
static const st_revision numbers = {
    .id = "numbers", .parents = {"large"}, .message = "numbers", .upgrade = up_numbers, .downgrade = down_numbers};
static const struct recipe rebuild = {"rebuild of a large table", .change = &numbers,
                                      .history = HISTORY(&large, &numbers)};

/* Kills in one part of the run after another, counted from the moment that it is. */
static void kill_while(bool (*is)(const struct course *), bool up)
{
    struct course c = {0};
    unsigned caught = 0;
    course_open(&c, ST_SQLITE, &rebuild, up);
    for (useconds_t i = 0; i < TRIES; i++) {
        course_reset(&c);
        pid_t pid = course_start(&c, 0);
        int64_t last = clock_mono_ns() + WAIT_S * INT64_C(1000000000);
        while (!is(&c)) {
            ck_assert(clock_mono_ns() < last);
            (void)usleep(100);
        }
        (void)usleep(i * 2000);
        bool caught_it = is(&c);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        bool killed = course_wait(pid);
        caught += caught_it && killed;
        course_go_on(&c, killed);
    }
    ck_assert_uint_gt(caught, 0);
    course_close(&c);
}

static bool copies_rows(const struct course *c)
{
    return c->watch->copying;
}

static bool copies_file(const struct course *c)
{
    const char *revision = recipe_end(c->recipe);
    return access(server_printf("%s.before-%s.part", c->w.url + strlen("sqlite:///"), revision), F_OK) == 0;
}

START_TEST(killed_while_a_rebuild_copies_rows_it_goes_on)
{
    kill_while(copies_rows, true);
    kill_while(copies_rows, false);
}
END_TEST

START_TEST(killed_while_the_file_is_copied_it_goes_on)
{
    kill_while(copies_file, true);
    kill_while(copies_file, false);
}
END_TEST

RUN("strata migrate orphans", 120, CASE(an_index_that_goes_on_being_built_or_dropped_is_waited_for),
    CASE(an_index_that_is_left_invalid_is_built_or_dropped_again), CASE(a_batch_that_goes_on_is_not_done_twice),
    CASE(a_step_that_goes_on_is_not_done_twice), CASE(sql_that_goes_on_is_not_done_twice),
    CASE(killed_while_a_rebuild_copies_rows_it_goes_on), CASE(killed_while_the_file_is_copied_it_goes_on));
