/* Databases that are set up otherwise than the program thinks: settings of the database or role, schemas and rights. */
#include <string.h>
#include <unistd.h>

#include "catalog.h"
#include "small.h"
#include "strata/migrate.h"

static char *out, *err;

static int run(struct world *w, const char *args)
{
    return command_run(w->e, &small_history, args, &out, &err);
}

static void does(struct world *w, const char *args, int code, const char *text, const char *what)
{
    int got = run(w, args);
    ck_assert_msg(got == code && strstr(code ? err : out, text), "%s: %s ends with %d: %s%s", what, args, got, out,
                  err);
}

/* What a day of migrations leaves and says. */
static void a_day(struct world *w, const char *what, const char **ret_hash, const char **ret_rows)
{
    does(w, "upgrade", 0, "applied a2", what);
    *ret_hash = small_hash(w);
    *ret_rows = small_facts(w, true);
    does(w, "check", 1, "1 operation is missing", what);
    ck_assert_msg(strcmp(out, "to do: table authors: add the column born\n") == 0, "%s: %s", what, out);
    does(w, "status", 0, "pending    none", what);
    ck_assert_msg(!strstr(out, "newest revision left"), "%s: %s", what, out);
    does(w, "inspect", 0, "COL(other, .check = \"other >= 0\")", what);
    does(w, "downgrade base", 0, "undone  n0", what);
}

static void set(struct world *w, const char *setting)
{
    char sql[300];
    (void)snprintf(sql, sizeof sql,
                   "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET %s', current_database()); END $$", setting);
    pg_test_exec(pg_test_url_as(w->url, PG_ADMIN), sql);
    world_reopen(w, w->url, NULL);
}

START_TEST(settings_of_the_database_change_nothing)
{
    static const char *const settings[] = {
        "standard_conforming_strings = off",
        "DateStyle = ''German, DMY''",
        "IntervalStyle = ''sql_standard''",
        "TimeZone = ''Asia/Kathmandu''",
        "bytea_output = ''escape''",
        "extra_float_digits = -3",
        "quote_all_identifiers = on",
        "array_nulls = off",
        "client_min_messages = ''error''",
        "lc_messages = ''C''",
        "default_transaction_isolation = ''serializable''",
        "statement_timeout = ''1s''",
        "lock_timeout = ''1ms''",
        "idle_in_transaction_session_timeout = ''2s''",
        "row_security = off",
        "default_transaction_deferrable = on",
        "transform_null_equals = on",
        "check_function_bodies = on",
        "synchronous_commit = off",
    };
    struct world w;
    const char *hash, *rows, *hash_now, *rows_now;
    world_open(&w, ST_POSTGRESQL, NULL);
    a_day(&w, "as it is", &hash, &rows);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        set(&w, settings[i]); /* on top of those before */
        a_day(&w, settings[i], &hash_now, &rows_now);
        ck_assert_msg(strcmp(hash, hash_now) == 0 && strcmp(rows, rows_now) == 0, "%s: another schema", settings[i]);
    }
    world_close(&w);
}
END_TEST

START_TEST(a_database_that_may_only_be_read_says_so)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    set(&w, "default_transaction_read_only = on");
    int code = run(&w, "upgrade");
    ck_assert_msg(code == 0 || strstr(err, "read-only"), "%s", err);
    world_close(&w);
}
END_TEST

START_TEST(the_schema_is_that_of_the_search_path)
{
    struct world w;
    const char *hash, *rows, *hash_now, *rows_now;
    world_open(&w, ST_POSTGRESQL, NULL);
    a_day(&w, "public", &hash, &rows);
    must(&w, "CREATE SCHEMA \"My apps\"");
    set(&w, "search_path = ''My apps''");
    a_day(&w, "another schema", &hash, &rows_now); /* definitions name it, so the hash is another one */
    ck_assert_str_eq(rows, rows_now);
    pg_test_exec(pg_test_url_as(w.url, PG_ADMIN), "DROP SCHEMA public CASCADE");
    a_day(&w, "no public", &hash_now, &rows_now);
    ck_assert_str_eq(hash, hash_now);
    set(&w, "search_path = ''nowhere''");
    does(&w, "upgrade", 1, "schema", "no schema at all");
    world_close(&w);
}
END_TEST

START_TEST(a_role_without_rights_is_told_which)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    const char *owner = w.url;
    does(&w, "upgrade", 0, "applied a2", "as the owner");
    world_reopen(&w, pg_test_url_as(owner, PG_APP), NULL);
    does(&w, "status", 0, "pending    none", "as another role");
    does(&w, "downgrade n0", 1, "must be owner", "as another role");
    world_reopen(&w, owner, NULL);
    does(&w, "downgrade base", 0, "undone  n0", "as the owner");
    pg_test_exec(pg_test_url_as(owner, PG_ADMIN), "REVOKE CREATE ON SCHEMA public FROM PUBLIC, waymark_app");
    must(&w, "DROP TABLE strata_revisions, strata_journal");
    world_reopen(&w, pg_test_url_as(owner, PG_APP), NULL);
    does(&w, "upgrade", 1, "permission denied for schema public", "may not create");
    world_reopen(&w, owner, NULL);
    world_close(&w);
}
END_TEST

START_TEST(who_has_the_lock_is_said)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    st_engine *other;
    st_conn *c;
    OK(st_engine_open(w.url, NULL, &other));
    OK(st_conn_acquire(other, true, FIBER_FOREVER, &c));
    OK(st_conn_exec(c, "SET application_name = 'the other'; SELECT pg_advisory_lock(8319388081106739565)",
                    FIBER_FOREVER));
    CODE(st_upgrade(w.e, &small_history, "head", fiber_in_ms(300)), -ETIMEDOUT);
    ck_assert_msg(strstr(diag_last()->message, "pid ") && strstr(diag_last()->message, "the other"), "%s",
                  diag_last()->message);
    st_conn_release(c);
    st_engine_close(other);
    world_close(&w);
}
END_TEST

/* ---- SQLite ---- */

START_TEST(any_path_will_do)
{
    struct world w;
    const char *hash, *rows, *hash_now, *rows_now;
    world_open(&w, ST_SQLITE, NULL);
    a_day(&w, "as it is", &hash, &rows);
    world_reopen(&w, arena_printf(w.a, "sqlite:///%s/it's%%20a%%20%%22file%%22.db", w.dir), NULL);
    a_day(&w, "a path with spaces and quotes", &hash_now, &rows_now);
    ck_assert_str_eq(hash, hash_now);
    ck_assert_str_eq(rows, rows_now);
    world_close(&w);
}
END_TEST

START_TEST(a_reader_is_in_nobodys_way)
{
    struct world w;
    const char *hash, *rows;
    world_open(&w, ST_SQLITE, NULL);
    does(&w, "upgrade n0", 0, "applied n0", "first");
    st_engine *other;
    st_conn *c;
    OK(st_engine_open(w.url, NULL, &other));
    OK(st_conn_acquire(other, false, FIBER_FOREVER, &c));
    OK(st_conn_exec(c, "BEGIN; SELECT count(*) FROM notes", FIBER_FOREVER));
    a_day(&w, "with a reader", &hash, &rows);
    st_conn_release(c);
    st_engine_close(other);
    world_close(&w);
}
END_TEST

RUN("migrate_settings", 120, CASE(settings_of_the_database_change_nothing),
    CASE(a_database_that_may_only_be_read_says_so), CASE(the_schema_is_that_of_the_search_path),
    CASE(a_role_without_rights_is_told_which), CASE(who_has_the_lock_is_said), CASE(any_path_will_do),
    CASE(a_reader_is_in_nobodys_way));
