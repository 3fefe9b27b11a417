/* Batches: what runs, what is skipped, what stays. */
#include "engine_support.h"

#include "pgbouncer.h"

static st_conn *take(struct world *w)
{
    st_conn *c;
    OK(st_conn_acquire(w->e, true, FIBER_FOREVER, &c));
    return c;
}

static struct st_stmt stmt(struct world *w, const char *sql)
{
    return (struct st_stmt){.sql = sql_for(w, sql)};
}

static struct st_stmt prepared(struct world *w, const char *sql, const st_value *params, size_t n)
{
    struct st_stmt s = {.sql = sql_for(w, sql), .params = params, .n_params = n, .quick = true};
    s.id = id_of(s.sql);
    return s;
}

DB_TEST(a_failure_skips_the_rest_and_is_told_by_its_index)
{
    must(w, "CREATE TABLE t (n integer PRIMARY KEY)");
    st_conn *c = take(w);
    struct st_stmt s[] = {stmt(w, "BEGIN"), stmt(w, "INSERT INTO t VALUES (1)"), stmt(w, "INSERT INTO t VALUES (1)"),
                          stmt(w, "INSERT INTO nowhere VALUES (1)"), stmt(w, "COMMIT")};
    size_t failed = 99;
    CODE(st_conn_run(c, s, 5, FIBER_FOREVER, &failed), ST_E_UNIQUE);
    ck_assert_uint_eq(failed, 2);
    ck_assert(st_conn_in_transaction(c));
    st_conn_release(c);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM t"), 0); /* release rolled it back */
}

DB_TEST(a_batch_without_begin_is_all_or_nothing)
{
    must(w, "CREATE TABLE t (n integer PRIMARY KEY)");
    st_conn *c = take(w);
    struct st_stmt bad[] = {stmt(w, "INSERT INTO t VALUES (1)"), stmt(w, "INSERT INTO t VALUES (1)")};
    CODE(st_conn_run(c, bad, 2, FIBER_FOREVER, NULL), ST_E_UNIQUE);
    ck_assert(!st_conn_in_transaction(c));
    ck_assert_int_eq(number_on(w, c, "SELECT count(*) FROM t"), 0);
    struct st_stmt good[] = {stmt(w, "INSERT INTO t VALUES (1)"), stmt(w, "INSERT INTO t VALUES (2)")};
    OK(st_conn_run(c, good, 2, FIBER_FOREVER, NULL));
    ck_assert_int_eq(number_on(w, c, "SELECT count(*) FROM t"), 2);
    st_conn_release(c);
}

DB_TEST(affected_counts_rows_written_and_returned)
{
    must(w, "CREATE TABLE t (n integer PRIMARY KEY, v integer)");
    st_conn *c = take(w);
    struct st_stmt s[] = {stmt(w, "INSERT INTO t VALUES (1, 1), (2, 1), (3, 1)"),
                          stmt(w, "UPDATE t SET v = 2 WHERE n < 3"),
                          stmt(w, "DELETE FROM t WHERE n = 99"),
                          stmt(w, "SELECT n FROM t"),
                          stmt(w, "DELETE FROM t RETURNING n"),
                          stmt(w, "CREATE TABLE u (n integer)")};
    OK(st_conn_run(c, s, 6, FIBER_FOREVER, NULL));
    const int64_t want[] = {3, 2, 0, 3, 3, 0};
    for (int i = 0; i < 6; i++) {
        ck_assert_msg(s[i].affected == want[i], "statement %d: %lld", i, (long long)s[i].affected);
    }
    st_conn_release(c);
}

DB_TEST(a_statement_is_prepared_once_and_used_again_with_other_values_and_types)
{
    must(w, "CREATE TABLE t (n bigint, s text)");
    st_conn *c = take(w);
    enum { N = 300 };
    static st_value v[N][2];
    static struct st_stmt s[N];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            v[i][0] = i % 2 ? v_int(i) : (st_value){.type = ST_INT32, .i32 = i};
            v[i][1] = i % 3 ? v_text("x") : v_text(NULL);
            s[i] = prepared(w, "INSERT INTO t (n, s) VALUES ($1, $2)", v[i], 2);
        }
        OK(st_conn_run(c, s, N, FIBER_FOREVER, NULL));
    }
    ck_assert_int_eq(number_on(w, c, "SELECT count(*) FROM t WHERE s IS NULL"), 200);
    ck_assert_int_eq(number_on(w, c, "SELECT CAST(sum(n) AS bigint) FROM t"), 2 * (N * (N - 1) / 2));
    if (w->dialect == ST_POSTGRESQL) { /* one for each pair of types */
        ck_assert_int_eq(number_on(w, c, "SELECT count(*) FROM pg_prepared_statements"), 2);
    }
    st_conn_release(c);
}

DB_TEST(more_statements_than_the_cache_holds_push_each_other_out)
{
    must(w, "CREATE TABLE t (n bigint)");
    enum { N = 1000 };
    static struct st_stmt s[N];
    st_value v = v_int(1);
    st_conn *c = take(w);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            s[i] = prepared(w, arena_printf(w->a, "INSERT INTO t VALUES (%d + $1)", i), &v, 1);
        }
        OK(st_conn_run(c, s, N, FIBER_FOREVER, NULL));
    }
    ck_assert_int_eq(number_on(w, c, "SELECT count(*) FROM t"), 2 * N);
    if (w->dialect == ST_POSTGRESQL) {
        ck_assert_int_le(number_on(w, c, "SELECT count(*) FROM pg_prepared_statements"), 128);
    }
    /* A failure in the middle of evictions leaves a connection that can still use all of them. */
    s[N / 2] = stmt(w, "INSERT INTO nowhere VALUES (1)");
    CODE(st_conn_run(c, s, N, FIBER_FOREVER, NULL), ST_E_SCHEMA);
    st_conn_release(c);
    c = take(w);
    s[N / 2] = s[0];
    OK(st_conn_run(c, s, N, FIBER_FOREVER, NULL));
    st_conn_release(c);
}

DB_TEST(a_failed_transaction_goes_back_to_a_savepoint_however_full_the_cache_is)
{
    must(w, "CREATE TABLE t (n integer PRIMARY KEY)");
    st_conn *c = take(w);
    struct st_stmt start[] = {stmt(w, "BEGIN"), stmt(w, "SAVEPOINT sp")};
    OK(st_conn_run(c, start, 2, FIBER_FOREVER, NULL));
    for (int i = 0; i < 600; i++) {
        struct st_stmt s = prepared(w, arena_printf(w->a, "INSERT INTO t VALUES (%d)", i), NULL, 0);
        OK(st_conn_run(c, &s, 1, FIBER_FOREVER, NULL));
    }
    for (int i = 0; i < 40; i++) { /* of names that go to different places in the cache */
        struct st_stmt twice = prepared(w, "INSERT INTO t VALUES (599)", NULL, 0);
        struct st_stmt back = prepared(w, arena_printf(w->a, "ROLLBACK %*s TO SAVEPOINT sp", i, ""), NULL, 0);
        struct st_stmt again = prepared(w, "INSERT INTO t VALUES (599)", NULL, 0);
        CODE(st_conn_run(c, &twice, 1, FIBER_FOREVER, NULL), ST_E_UNIQUE);
        OK(st_conn_run(c, &back, 1, FIBER_FOREVER, NULL));
        OK(st_conn_run(c, &again, 1, FIBER_FOREVER, NULL));
    }
    struct st_stmt commit = prepared(w, "COMMIT", NULL, 0);
    OK(st_conn_run(c, &commit, 1, FIBER_FOREVER, NULL));
    st_conn_release(c);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM t"), 1);
}

DB_TEST(large_batches_flow_both_ways_without_blocking_each_other)
{
    must(w, "CREATE TABLE t (n bigint, s text)");
    enum { N = 3000, LEN = 4000 };
    char *big = arena_zalloc(w->a, 1, LEN + 1);
    memset(big, 'x', LEN);
    static st_value v[N];
    static struct st_stmt s[N];
    for (int i = 0; i < N; i++) {
        v[i] = v_text(big);
        s[i] = prepared(w, "INSERT INTO t (s) VALUES ($1) RETURNING s", &v[i], 1);
    }
    st_conn *c = take(w);
    OK(st_conn_run(c, s, N, fiber_in_ms(30000), NULL));
    ck_assert_int_eq(number_on(w, c, "SELECT CAST(sum(length(s)) AS bigint) FROM t"), (int64_t)N * LEN);
    st_conn_release(c);
}

struct only {
    int64_t n;
};
static const struct st_field only_field[] = {{.type = ST_INT64}};
static const struct st_shape only_shape = {only_field, 1, sizeof(struct only), 0};

static int stop_at_three(void *arg, void *obj)
{
    ++*(int *)arg;
    return ((struct only *)obj)->n == 3 ? -EBADMSG : 1;
}

DB_TEST(a_callback_stops_the_statement_with_its_code)
{
    must(w, "CREATE TABLE t (n bigint); INSERT INTO t VALUES (1), (2), (3), (4)");
    int seen = 0;
    st_conn *c = take(w);
    struct st_stmt s = {.sql = sql_for(w, "SELECT n FROM t ORDER BY n"),
                        .shape = &only_shape,
                        .arena = w->a,
                        .row = stop_at_three,
                        .arg = &seen};
    size_t failed = 9;
    CODE(st_conn_run(c, &s, 1, FIBER_FOREVER, &failed), -EBADMSG);
    ck_assert_uint_eq(failed, 0);
    ck_assert_int_eq(seen, 3);
    ck_assert_int_eq(number_on(w, c, "SELECT count(*) FROM t"), 4); /* the connection goes on */
    st_conn_release(c);
}

DB_TEST(missing_values_and_empty_statements_are_errors)
{
    st_value v = v_int(1);
    ck_assert_int_lt(run_one(w, "SELECT $1, $2", &v, 1, NULL), 0);
    CODE(run_one(w, "", NULL, 0, NULL), ST_E_INVALID);
}

DB_TEST(a_script_runs_until_its_first_failure)
{
    must(w, "CREATE TABLE a (n integer); INSERT INTO a VALUES (1);; SELECT n FROM a; ");
    CODE(st_engine_execute(w->e, "INSERT INTO a VALUES (2); INSERT INTO b VALUES (1); DROP TABLE a", FIBER_FOREVER),
         ST_E_SCHEMA);
    ck_assert_int_ge(number(w, "SELECT count(*) FROM a"), 1);
}

struct heard {
    int n, slow;
};
static void on_statement(void *arg, const char *sql, int64_t ns, bool slow)
{
    struct heard *h = arg;
    ck_assert_ptr_nonnull(sql);
    ck_assert_int_eq(slow, ns >= 20 * 1000000);
    h->n++;
    h->slow += slow;
}
static void on_connect(void *arg)
{
    ((struct heard *)arg)->n += 1000;
}

START_TEST(hooks_hear_of_connections_and_statements)
{
    for (enum st_dialect d = ST_SQLITE; d <= ST_POSTGRESQL; d++) {
        struct heard h = {0};
        struct world w;
        world_open(&w, d,
                   &(const struct st_engine_options){
                       .on_statement = on_statement, .on_connect = on_connect, .slow_ms = 20, .arg = &h});
        st_conn *c = take(&w);
        struct st_stmt s[] = {
            stmt(&w, "SELECT 1"),
            stmt(&w, d == ST_POSTGRESQL ? "SELECT pg_sleep(0.05)"
                                        : "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                                          "3000000) SELECT count(*) FROM n"),
            stmt(&w, "SELECT nonsense"), stmt(&w, "SELECT 4")};
        CODE(st_conn_run(c, s, 4, FIBER_FOREVER, NULL), ST_E_SCHEMA);
        st_conn_release(c);
        ck_assert_int_eq(h.n, 1003);
        ck_assert_int_ge(h.slow, 1);
        world_close(&w);
    }
}
END_TEST

/* ---- PostgreSQL alone ---- */

static void change_type(struct world *w, const char *type)
{
    pg_test_exec(w->url, arena_printf(w->a, "ALTER TABLE t ALTER n TYPE %s", type));
}

START_TEST(a_stale_plan_is_prepared_again_when_the_transaction_starts_with_it)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    must(&w, "CREATE TABLE t (n bigint); INSERT INTO t VALUES (5)");
    st_conn *c = take(&w);
    struct st_stmt s[] = {stmt(&w, "BEGIN"), prepared(&w, "SELECT n FROM t", NULL, 0), stmt(&w, "COMMIT")};
    OK(st_conn_run(c, s, 3, FIBER_FOREVER, NULL));
    change_type(&w, "integer");
    OK(st_conn_run(c, s, 3, FIBER_FOREVER, NULL)); /* in a batch that begins the transaction */
    change_type(&w, "text");
    OK(st_conn_run(c, &s[1], 1, FIBER_FOREVER, NULL)); /* without any */
    st_conn_release(c);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pg_prepared_statements"), 1);
    world_close(&w);
}
END_TEST

START_TEST(a_stale_plan_within_a_transaction_is_an_error_and_heals)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    must(&w, "CREATE TABLE t (n bigint); INSERT INTO t VALUES (5)");
    st_conn *c = take(&w);
    struct st_stmt s = prepared(&w, "SELECT n FROM t", NULL, 0), begin = stmt(&w, "BEGIN");
    OK(st_conn_run(c, &s, 1, FIBER_FOREVER, NULL));
    change_type(&w, "integer");
    OK(st_conn_run(c, &begin, 1, FIBER_FOREVER, NULL));
    CODE(st_conn_run(c, &s, 1, FIBER_FOREVER, NULL), ST_E_SQL);
    ck_assert_str_eq(diag_last()->sqlstate, "0A000");
    st_conn_release(c);
    c = take(&w);
    OK(st_conn_run(c, &begin, 1, FIBER_FOREVER, NULL));
    OK(st_conn_run(c, &s, 1, FIBER_FOREVER, NULL));
    st_conn_release(c);
    struct st_pool_stats stats;
    st_engine_stats(w.e, &stats);
    ck_assert_uint_eq(stats.connects, 1);
    world_close(&w);
}
END_TEST

START_TEST(statements_that_somebody_deallocated_are_prepared_again)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    st_conn *c = take(&w);
    struct st_stmt s = prepared(&w, "SELECT 1", NULL, 0);
    OK(st_conn_run(c, &s, 1, FIBER_FOREVER, NULL));
    OK(st_conn_exec(c, "DISCARD ALL", FIBER_FOREVER));
    OK(st_conn_run(c, &s, 1, FIBER_FOREVER, NULL));
    st_conn_release(c);
    world_close(&w);
}
END_TEST

START_TEST(a_commit_that_rolls_back_is_an_error)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    st_conn *c = take(&w);
    struct st_stmt s[] = {stmt(&w, "BEGIN"), stmt(&w, "SELECT 1 / 0")}, commit = stmt(&w, "COMMIT");
    CODE(st_conn_run(c, s, 2, FIBER_FOREVER, NULL), ST_E_SQL);
    ck_assert_str_eq(diag_last()->sqlstate, "22012");
    CODE(st_conn_run(c, &commit, 1, FIBER_FOREVER, NULL), ST_E_SQL);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "rolled back"));
    st_conn_release(c);
    world_close(&w);
}
END_TEST

START_TEST(copy_is_refused_and_its_connection_closed)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    must(&w, "CREATE TABLE t (n bigint)");
    CODE(run_one(&w, "COPY t FROM STDIN", NULL, 0, NULL), ST_E_INVALID);
    CODE(run_one(&w, "COPY t TO STDOUT", NULL, 0, NULL), ST_E_INVALID);
    CODE(st_engine_execute(w.e, "COPY t FROM STDIN", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM t"), 0);
    world_close(&w);
}
END_TEST

START_TEST(a_transaction_pooler_sees_no_named_statements)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    must(&w, "CREATE TABLE t (n bigint)");
    struct pgbouncer b;
    pgbouncer_start(&b, w.url);
    const char *url = pgbouncer_url(&b, w.url);
    st_engine *direct = w.e;
    OK(st_engine_open(arena_printf(w.a, "%s%cpooler=transaction", url, strchr(url, '?') ? '&' : '?'), NULL, &w.e));
    st_conn *two[2] = {take(&w), take(&w)};
    st_value v = v_int(4);
    for (int i = 0; i < 40; i++) {
        struct st_stmt s[] = {stmt(&w, "BEGIN"), prepared(&w, "INSERT INTO t VALUES ($1)", &v, 1), stmt(&w, "COMMIT")};
        OK(st_conn_run(two[i % 2], s, 3, FIBER_FOREVER, NULL));
    }
    ck_assert_int_eq(number_on(&w, two[0], "SELECT count(*) FROM t"), 40);
    ck_assert_int_eq(number_on(&w, two[1], "SELECT count(*) FROM pg_prepared_statements"), 0);
    st_conn_release(two[0]);
    st_conn_release(two[1]);
    st_engine_close(w.e);
    w.e = direct;
    pgbouncer_stop(&b);
    world_close(&w);
}
END_TEST

RUN("engine_batch", 60, CASE(a_failure_skips_the_rest_and_is_told_by_its_index),
    CASE(a_batch_without_begin_is_all_or_nothing), CASE(affected_counts_rows_written_and_returned),
    CASE(a_statement_is_prepared_once_and_used_again_with_other_values_and_types),
    CASE(more_statements_than_the_cache_holds_push_each_other_out),
    CASE(a_failed_transaction_goes_back_to_a_savepoint_however_full_the_cache_is),
    CASE(large_batches_flow_both_ways_without_blocking_each_other), CASE(a_callback_stops_the_statement_with_its_code),
    CASE(missing_values_and_empty_statements_are_errors), CASE(a_script_runs_until_its_first_failure),
    CASE(hooks_hear_of_connections_and_statements),
    CASE(a_stale_plan_is_prepared_again_when_the_transaction_starts_with_it),
    CASE(a_stale_plan_within_a_transaction_is_an_error_and_heals),
    CASE(statements_that_somebody_deallocated_are_prepared_again), CASE(a_commit_that_rolls_back_is_an_error),
    CASE(copy_is_refused_and_its_connection_closed), CASE(a_transaction_pooler_sees_no_named_statements));
