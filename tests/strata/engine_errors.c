/* Each kind of failure has its code, and the diagnosis says where. */
#include "engine_support.h"

static void create(struct world *w)
{
    must(
        w,
        "CREATE TABLE parent (a integer, b integer, PRIMARY KEY (a, b));"
        "CREATE TABLE child (id integer PRIMARY KEY, a integer, b integer, name text NOT NULL, n integer, code text,"
        " CONSTRAINT child_n_check CHECK (n > 0), CONSTRAINT child_parent FOREIGN KEY (a, b) REFERENCES parent (a, b));"
        "CREATE UNIQUE INDEX child_name ON child (a, name); CREATE UNIQUE INDEX child_lower ON child (lower(code));"
        "INSERT INTO parent VALUES (1, 1); INSERT INTO child VALUES (1, 1, 1, 'one', 1, 'x')");
}

static const struct diag *fails(struct world *w, const char *sql, st_err want)
{
    CODE(run_one(w, sql, NULL, 0, NULL), want);
    ck_assert_int_eq(diag_last()->code, want);
    ck_assert(*diag_last()->message);
    return diag_last();
}

DB_TEST(each_constraint_has_its_code_and_its_names)
{
    bool pg = w->dialect == ST_POSTGRESQL;
    create(w);
    const struct diag *d = fails(w, "INSERT INTO parent VALUES (1, 1)", ST_E_UNIQUE);
    ck_assert_str_eq(d->table, "parent");
    ck_assert_str_eq(pg ? d->constraint : d->column, pg ? "parent_pkey" : "a, b");
    d = fails(w, "INSERT INTO child VALUES (2, 1, 1, 'one', 1, 'y')", ST_E_UNIQUE);
    ck_assert_str_eq(d->table, "child");
    ck_assert_str_eq(pg ? d->constraint : d->column, pg ? "child_name" : "a, name");
    d = fails(w, "INSERT INTO child VALUES (2, 1, 1, 'two', 1, 'X')", ST_E_UNIQUE);
    ck_assert_str_eq(d->constraint, "child_lower");
    d = fails(w, "INSERT INTO child VALUES (2, 7, 7, 'two', 1, 'y')", ST_E_FOREIGN_KEY);
    ck_assert(!pg || strcmp(d->constraint, "child_parent") == 0);
    fails(w, "DELETE FROM parent", ST_E_FOREIGN_KEY);
    d = fails(w, "INSERT INTO child VALUES (2, 1, 1, 'two', 0, 'y')", ST_E_CHECK);
    ck_assert_str_eq(d->constraint, "child_n_check");
    d = fails(w, "INSERT INTO child VALUES (2, 1, 1, NULL, 1, 'y')", ST_E_NOT_NULL);
    ck_assert_str_eq(d->table, "child");
    ck_assert_str_eq(d->column, "name");
}

DB_TEST(what_is_not_there_asks_for_migrations)
{
    create(w);
    const struct diag *d = fails(w, "SELECT 1 FROM nowhere", ST_E_SCHEMA);
    ck_assert_ptr_nonnull(strstr(d->message, "nowhere"));
    ck_assert_ptr_nonnull(strstr(d->hint, "migrations"));
    d = fails(w, "SELECT missing FROM child", ST_E_SCHEMA);
    ck_assert_ptr_nonnull(strstr(d->message, "missing"));
    fails(w, "SELECT \"missing\" FROM child", ST_E_SCHEMA); /* not a string, as SQLite would have it */
    fails(w, "INSERT INTO child (missing) VALUES (1)", ST_E_SCHEMA);
}

DB_TEST(other_errors_are_errors_of_sql)
{
    const struct diag *d = fails(w, "SELEKT 1", ST_E_SQL);
    ck_assert_ptr_nonnull(strstr(d->message, "SELEKT"));
    ck_assert_str_eq(d->sqlstate, w->dialect == ST_POSTGRESQL ? "42601" : "");
}

START_TEST(postgresql_tells_locks_deadlocks_and_serialization_apart)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    must(&w, "CREATE TABLE t (n integer PRIMARY KEY, v integer); INSERT INTO t VALUES (1, 0), (2, 0)");
    st_conn *a, *b;
    OK(st_conn_acquire(w.e, true, FIBER_FOREVER, &a));
    OK(st_conn_acquire(w.e, true, FIBER_FOREVER, &b));
    OK(st_conn_exec(a, "BEGIN; UPDATE t SET v = 1 WHERE n = 1", FIBER_FOREVER));
    CODE(st_conn_exec(b, "SET lock_timeout = '20ms'; UPDATE t SET v = 1 WHERE n = 1", FIBER_FOREVER), ST_E_BUSY);
    ck_assert_str_eq(diag_last()->sqlstate, "55P03");
    OK(st_conn_exec(a, "ROLLBACK", FIBER_FOREVER));
    const char *begin = "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT sum(v) FROM t";
    OK(st_conn_exec(a, begin, FIBER_FOREVER));
    OK(st_conn_exec(b, begin, FIBER_FOREVER));
    OK(st_conn_exec(a, "UPDATE t SET v = 5 WHERE n = 1; COMMIT", FIBER_FOREVER));
    CODE(st_conn_exec(b, "UPDATE t SET v = 6 WHERE n = 2; COMMIT", FIBER_FOREVER), ST_E_SERIALIZATION);
    OK(st_conn_exec(b, "ROLLBACK; SET statement_timeout = '20ms'", FIBER_FOREVER));
    CODE(st_conn_exec(b, "SELECT pg_sleep(5)", FIBER_FOREVER), -ETIMEDOUT);
    CODE(st_conn_exec(b, "BEGIN READ ONLY; DELETE FROM t", FIBER_FOREVER), ST_E_READ_ONLY);
    st_conn_release(a);
    st_conn_release(b);
    world_close(&w);
}
END_TEST

struct locker {
    st_conn *c;
    const char *first, *second;
    int *turn;
};
static int lock_both(void *arg)
{
    struct locker *l = arg;
    OK(st_conn_exec(l->c, l->first, FIBER_FOREVER));
    ++*l->turn;
    while (*l->turn < 2) {
        OK(fiber_sleep_until(fiber_in_ms(1)));
    }
    return st_conn_exec(l->c, l->second, FIBER_FOREVER);
}

START_TEST(postgresql_names_the_victim_of_a_deadlock)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    must(&w, "CREATE TABLE t (n integer PRIMARY KEY, v integer); INSERT INTO t VALUES (1, 0), (2, 0)");
    int turn = 0;
    struct locker l[] = {
        {.first = "BEGIN; UPDATE t SET v = 1 WHERE n = 1", .second = "UPDATE t SET v = 1 WHERE n = 2"},
        {.first = "BEGIN; UPDATE t SET v = 1 WHERE n = 2", .second = "UPDATE t SET v = 1 WHERE n = 1"}};
    {
        FIBER_BUNDLE(bundle);
        for (int i = 0; i < 2; i++) {
            l[i].turn = &turn;
            OK(st_conn_acquire(w.e, true, FIBER_FOREVER, &l[i].c));
            OK(fiber_start(&bundle, lock_both, &l[i]));
        }
        CODE(fiber_bundle_wait(&bundle, fiber_in_ms(10000)), ST_E_DEADLOCK);
    }
    st_conn_release(l[0].c);
    st_conn_release(l[1].c);
    world_close(&w);
}
END_TEST

START_TEST(sqlite_waits_for_another_process_and_then_says_busy)
{
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    must(&w, "CREATE TABLE t (n integer)");
    st_engine *other;
    OK(st_engine_open(arena_printf(w.a, "%s?busy_ms=60", w.url), NULL, &other));
    st_conn *a, *b;
    OK(st_conn_acquire(w.e, true, FIBER_FOREVER, &a));
    OK(st_conn_exec(a, "BEGIN IMMEDIATE", FIBER_FOREVER));
    OK(st_conn_acquire(other, true, FIBER_FOREVER, &b));
    int64_t start = fiber_now();
    CODE(st_conn_exec(b, "INSERT INTO t VALUES (1)", FIBER_FOREVER), ST_E_BUSY);
    ck_assert_int_ge(fiber_now() - start, 50 * 1000000);
    CODE(st_conn_exec(b, "INSERT INTO t VALUES (1)", fiber_in_ms(10)), -ETIMEDOUT);
    /* A snapshot that another writer has left behind cannot be written on: start again. */
    OK(st_conn_exec(b, "BEGIN; SELECT * FROM t", FIBER_FOREVER));
    OK(st_conn_exec(a, "INSERT INTO t VALUES (2); COMMIT", FIBER_FOREVER));
    CODE(st_conn_exec(b, "INSERT INTO t VALUES (1)", FIBER_FOREVER), ST_E_SERIALIZATION);
    st_conn_release(a);
    st_conn_release(b);
    st_engine_close(other);
    world_close(&w);
}
END_TEST

static int unlock_later(void *arg)
{
    OK(fiber_sleep_until(fiber_in_ms(30)));
    return st_conn_exec(arg, "COMMIT", FIBER_FOREVER);
}

START_TEST(sqlite_goes_on_when_the_other_process_is_done)
{
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    must(&w, "CREATE TABLE t (n integer)");
    st_engine *other;
    OK(st_engine_open(w.url, NULL, &other));
    st_conn *a, *b;
    OK(st_conn_acquire(w.e, true, FIBER_FOREVER, &a));
    OK(st_conn_acquire(other, true, FIBER_FOREVER, &b));
    OK(st_conn_exec(a, "BEGIN IMMEDIATE", FIBER_FOREVER));
    {
        FIBER_BUNDLE(bundle);
        OK(fiber_start(&bundle, unlock_later, a));
        struct st_stmt s[] = {{.sql = STR("INSERT INTO t VALUES (1)"), .quick = true},
                              {.sql = STR("INSERT INTO t VALUES (2)"), .quick = true}};
        OK(st_conn_run(b, s, 2, FIBER_FOREVER, NULL));
        OK(fiber_bundle_wait(&bundle, FIBER_FOREVER));
    }
    st_conn_release(a);
    st_conn_release(b);
    st_engine_close(other);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM t"), 2);
    world_close(&w);
}
END_TEST

START_TEST(sqlite_readers_and_read_only_files_refuse_writes)
{
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    must(&w, "CREATE TABLE t (n integer)");
    st_conn *c;
    OK(st_conn_acquire(w.e, false, FIBER_FOREVER, &c));
    CODE(st_conn_exec(c, "INSERT INTO t VALUES (1)", FIBER_FOREVER), ST_E_READ_ONLY);
    st_conn_release(c);
    st_engine *ro;
    OK(st_engine_open(arena_printf(w.a, "%s?mode=ro", w.url), NULL, &ro));
    CODE(st_conn_acquire(ro, true, FIBER_FOREVER, &c), ST_E_READ_ONLY);
    OK(st_conn_acquire(ro, false, FIBER_FOREVER, &c));
    ck_assert_int_eq(number_on(&w, c, "SELECT count(*) FROM t"), 0);
    st_conn_release(c);
    st_engine_close(ro);
    world_close(&w);
}
END_TEST

START_TEST(sqlite_says_why_a_file_cannot_be_opened)
{
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    st_engine *e;
    CODE(st_engine_open(arena_printf(w.a, "sqlite:///%s/no/such/dir/x.db", w.dir), NULL, &e), ST_E_CONNECTION);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "no/such/dir/x.db"));
    ck_assert_ptr_nonnull(strstr(diag_last()->hint, "directory"));
    CODE(st_engine_open(arena_printf(w.a, "sqlite:///%s/new.db?mode=rw", w.dir), NULL, &e), ST_E_CONNECTION);
    const char *path = arena_printf(w.a, "%s/text.db", w.dir);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 200; i++) {
        (void)fputs("this is a text and no database\n", f);
    }
    (void)fclose(f);
    CODE(st_engine_open(arena_printf(w.a, "sqlite:///%s", path), NULL, &e), ST_E_CONNECTION);
    ck_assert_ptr_nonnull(strstr(diag_last()->hint, "not a SQLite database"));
    world_close(&w);
}
END_TEST

START_TEST(sqlite_on_a_full_disk_says_so_and_goes_on_later)
{
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    must(&w, "CREATE TABLE t (n integer, s blob); PRAGMA max_page_count = 20");
    CODE(run_one(&w, "INSERT INTO t VALUES (1, zeroblob(200000))", NULL, 0, NULL), ST_E_FULL);
    ck_assert_ptr_nonnull(strstr(diag_last()->hint, "disk"));
    must(&w, "PRAGMA max_page_count = 100000");
    OK(run_one(&w, "INSERT INTO t VALUES (1, zeroblob(200000))", NULL, 0, NULL));
    world_close(&w);
}
END_TEST

RUN("engine_errors", 60, CASE(each_constraint_has_its_code_and_its_names), CASE(what_is_not_there_asks_for_migrations),
    CASE(other_errors_are_errors_of_sql), CASE(postgresql_tells_locks_deadlocks_and_serialization_apart),
    CASE(postgresql_names_the_victim_of_a_deadlock), CASE(sqlite_waits_for_another_process_and_then_says_busy),
    CASE(sqlite_goes_on_when_the_other_process_is_done), CASE(sqlite_readers_and_read_only_files_refuse_writes),
    CASE(sqlite_says_why_a_file_cannot_be_opened), CASE(sqlite_on_a_full_disk_says_so_and_goes_on_later));
