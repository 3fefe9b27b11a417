/* The copy of a SQLite file from before an upgrade. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog.h"
#include "strata/migrate.h"

static struct world w;
static bool fails;
static char seen[256];

static bool says(const char *what)
{
    return strstr(diag_last()->message, what) || strstr(diag_last()->hint, what);
}

static const char *file_of(const char *tail)
{
    return text_of(&w, arena_printf(w.a, "SELECT file || '%s' FROM pragma_database_list WHERE name = 'main'", tail));
}

static bool exists(const char *tail)
{
    return access(file_of(tail), F_OK) == 0;
}

static st_err look(struct st_session *s, void *arg)
{
    (void)s;
    (void)snprintf(seen, sizeof seen, "%d", access(arg, F_OK));
    return fails ? diag_set(ST_E_INVALID, "no more") : 0;
}

static st_err first(st_ops *o)
{
    return st_create_table(o, &(const st_table){.name = "t", ST_COLUMNS({"id", ST_INT64, .pk = true})});
}
static st_err second(st_ops *o)
{
    return st_add_column(o, "t", &(const st_table_column){"n", ST_INT64, .default_sql = "7"});
}
static st_err third(st_ops *o)
{
    return st_run_step(o, "look", look, (void *)(uintptr_t)file_of(".before-b"));
}
static st_err broken(st_ops *o)
{
    return st_sql(o, 0, "INSERT INTO nowhere VALUES (1)");
}

static const st_revision a = {.id = "a", .message = "first", .upgrade = first};
static const st_revision b = {.id = "b", .parents = {"a"}, .message = "second", .upgrade = second};
static const st_revision c = {.id = "c", .parents = {"b"}, .message = "third", .upgrade = third};
static const st_revision bad = {.id = "b", .parents = {"a"}, .message = "bad", .upgrade = broken};
static const struct st_migrations all = {.revisions = (const st_revision *const[]){&a, &b, &c, NULL},
                                         .program = "test"};
static const struct st_migrations bad_one = {.revisions = (const st_revision *const[]){&a, &bad, NULL},
                                             .program = "test"};

static void setup(void)
{
    world_open(&w, ST_SQLITE, NULL);
    fails = false;
    OK(st_upgrade(w.e, &all, "a", FIBER_FOREVER));
    ck_assert(!exists(".before-a")); /* there was nothing to keep */
    must(&w, "INSERT INTO t VALUES (1)");
}

START_TEST(a_copy_is_there_until_all_has_worked)
{
    setup();
    OK(st_upgrade(w.e, &all, "head", FIBER_FOREVER));
    ck_assert_str_eq(seen, "0");
    ck_assert(!exists(".before-b") && !exists(".before-b.part"));
    world_close(&w);
}
END_TEST

START_TEST(after_a_failure_it_is_offered_and_can_be_put_back)
{
    setup();
    fails = true;
    CODE(st_upgrade(w.e, &all, "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(says("no more; the database as it was before is in /") && says(".before-b") && says("rename "),
                  "%s (%s)", diag_last()->message, diag_last()->hint);
    ck_assert_int_eq(number(&w, "SELECT n FROM t"), 7);
    const char *file = file_of(""), *copy = file_of(".before-b"), *wal = file_of("-wal"), *shm = file_of("-shm");
    const char *kept = arena_printf(w.a, "%s.kept", copy);
    ck_assert_int_eq(link(copy, kept), 0);

    CODE(st_upgrade(w.e, &all, "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_int_eq(access(copy, F_OK), 0);
    fails = false; /* going on removes it */
    OK(st_upgrade(w.e, &all, "head", FIBER_FOREVER));
    ck_assert_int_ne(access(copy, F_OK), 0);

    st_engine_close(w.e); /* going back */
    ck_assert_int_eq(rename(kept, file), 0);
    (void)unlink(wal);
    (void)unlink(shm);
    OK(st_engine_open(w.url, NULL, &w.e));
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM t"), 1);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pragma_table_info('t')"), 1);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM strata_revisions"), 1);
    ck_assert_str_eq(text_of(&w, "PRAGMA integrity_check"), "ok");
    world_close(&w);
}
END_TEST

START_TEST(a_failure_that_has_changed_nothing_leaves_nothing)
{
    setup();
    CODE(st_upgrade(w.e, &bad_one, "head", FIBER_FOREVER), ST_E_SCHEMA);
    ck_assert_msg(!says("before"), "%s", diag_last()->message);
    ck_assert(!exists(".before-b"));
    world_close(&w);
}
END_TEST

START_TEST(a_full_disk_is_said_before_anything_is_changed)
{
    setup();
    must(&w, "CREATE TABLE much(b BLOB); INSERT INTO much VALUES (randomblob(400000))");
    must(&w, "PRAGMA wal_checkpoint(TRUNCATE)");
    const char *before = catalog(&w);
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small = {200000, 200000};
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    st_err rc = st_upgrade(w.e, &all, "head", FIBER_FOREVER);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    CODE(rc, ST_E_FULL);
    ck_assert_msg(says("there is no room for") && says(".before-b") && says("--no-snapshot"), "%s (%s)",
                  diag_last()->message, diag_last()->hint);
    ck_assert_str_eq(catalog(&w), before);
    ck_assert(!exists(".before-b") && !exists(".before-b.part"));
    OK(st_upgrade_with(w.e, &all, "b", &(const struct st_migrate_options){.no_snapshot = true}, FIBER_FOREVER));
    world_close(&w);
}
END_TEST

START_TEST(a_database_in_memory_has_none)
{
    world_open(&w, ST_SQLITE, NULL);
    st_engine *e;
    OK(st_engine_open("sqlite:///:memory:", NULL, &e));
    OK(st_upgrade(e, &all, "b", FIBER_FOREVER));
    ck_assert_int_ne(access(":memory:.before-b", F_OK), 0);
    st_engine_close(e);
    world_close(&w);
}
END_TEST

RUN("strata migrate snapshot", 60, CASE(a_copy_is_there_until_all_has_worked),
    CASE(after_a_failure_it_is_offered_and_can_be_put_back), CASE(a_failure_that_has_changed_nothing_leaves_nothing),
    CASE(a_full_disk_is_said_before_anything_is_changed), CASE(a_database_in_memory_has_none));
