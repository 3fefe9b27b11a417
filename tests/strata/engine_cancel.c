/* A query that is cancelled or out of time ends, and leaves connections that the next can use. */
#include "engine_support.h"

static const char *endless(const struct world *w)
{
    return w->dialect == ST_POSTGRESQL
               ? "SELECT pg_sleep(1000)"
               : "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
}

struct job {
    struct world *w;
    int64_t deadline;
    bool script, in_transaction;
    st_err rc;
};

static int query(void *arg)
{
    struct job *j = arg;
    st_conn *c;
    OK(st_conn_acquire(j->w->e, true, FIBER_FOREVER, &c));
    const char *sql = endless(j->w);
    if (j->script) {
        j->rc = st_conn_exec(c, sql, j->deadline);
    } else {
        struct st_stmt s[] = {{.sql = STR("BEGIN")},
                              {.sql = STR("INSERT INTO t VALUES (1)")},
                              {.sql = str_of(sql)},
                              {.sql = STR("COMMIT")}};
        j->rc = st_conn_run(c, s, 4, j->deadline, NULL);
    }
    j->in_transaction = st_conn_in_transaction(c);
    st_conn_release(c);
    return 0;
}

static void is_healthy(struct world *w, unsigned connects)
{
    ck_assert_int_eq(number(w, "SELECT count(*) FROM t"), 0);
    must(w, "INSERT INTO t VALUES (9); DELETE FROM t");
    struct st_pool_stats s;
    st_engine_stats(w->e, &s);
    ck_assert_uint_eq(s.in_use, 0);
    ck_assert_msg(s.connects <= connects, "%u connections were made", (unsigned)s.connects); /* none was thrown away */
}

static void cancelled(struct world *w, bool script)
{
    struct job j = {.w = w, .deadline = FIBER_FOREVER, .script = script};
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, query, &j));
        OK(fiber_sleep_until(fiber_in_ms(60)));
        ck_assert_int_eq(j.rc, 0);
    }
    ck_assert_int_eq(j.rc, -ECANCELED);
}

DB_TEST(a_cancelled_fiber_gives_back_a_clean_connection)
{
    must(w, "CREATE TABLE t (n integer)");
    for (int i = 0; i < 3; i++) {
        cancelled(w, i == 1);
    }
    is_healthy(w, 2);
}

DB_TEST(a_deadline_ends_a_query)
{
    must(w, "CREATE TABLE t (n integer)");
    for (int script = 0; script < 2; script++) {
        struct job j = {.w = w, .script = script};
        int64_t start = fiber_now();
        j.deadline = fiber_in_ms(40);
        OK(query(&j));
        CODE(j.rc, -ETIMEDOUT);
        ck_assert_int_lt(fiber_now() - start, INT64_C(2000000000));
        {
            FIBER_DEADLINE(fiber_in_ms(40)); /* the same from a scope around it */
            j.deadline = FIBER_FOREVER;
            OK(query(&j));
        }
        CODE(j.rc, -ETIMEDOUT);
    }
    is_healthy(w, 2);
}

DB_TEST(a_connection_with_an_unfinished_batch_takes_no_other)
{
    must(w, "CREATE TABLE t (n integer)");
    st_conn *c;
    OK(st_conn_acquire(w->e, true, FIBER_FOREVER, &c));
    struct st_stmt s = {.sql = str_of(endless(w))}, next = {.sql = STR("SELECT 1")};
    CODE(st_conn_run(c, &s, 1, fiber_in_ms(20), NULL), -ETIMEDOUT);
    CODE(st_conn_run(c, &next, 1, FIBER_FOREVER, NULL), w->dialect == ST_POSTGRESQL ? ST_E_INVALID : 0);
    st_conn_release(c);
    is_healthy(w, 2);
}

DB_TEST(what_is_late_or_cancelled_already_does_not_start)
{
    must(w, "CREATE TABLE t (n integer)");
    st_conn *c;
    CODE(st_conn_acquire(w->e, true, fiber_now() - 1, &c), -ETIMEDOUT);
    OK(st_conn_acquire(w->e, true, FIBER_FOREVER, &c));
    struct st_stmt s = {.sql = STR("INSERT INTO t VALUES (1)"), .quick = true};
    CODE(st_conn_run(c, &s, 1, fiber_now() - 1, NULL), -ETIMEDOUT);
    st_conn_release(c);
    is_healthy(w, 2);
}

static int busy_loop(void *arg)
{
    struct world *w = arg;
    for (;;) {
        st_conn *c;
        st_err rc = st_conn_acquire(w->e, true, FIBER_FOREVER, &c);
        if (rc) {
            return rc == -ECANCELED ? 0 : rc;
        }
        struct st_stmt s[] = {{.sql = STR("BEGIN"), .quick = true, .id = 0x101},
                              {.sql = STR("INSERT INTO t VALUES (1)"), .quick = true, .id = 0x102},
                              {.sql = STR("DELETE FROM t"), .quick = true, .id = 0x103},
                              {.sql = STR("COMMIT"), .quick = true, .id = 0x104}};
        rc = st_conn_run(c, s, 4, FIBER_FOREVER, NULL);
        st_conn_release(c);
        if (rc) {
            return rc == -ECANCELED ? 0 : rc;
        }
    }
}

DB_TEST(cancelling_at_any_moment_leaves_the_pool_healthy)
{
    must(w, "CREATE TABLE t (n integer)");
    for (int i = 0; i < 40; i++) {
        FIBER_BUNDLE(b);
        for (int k = 0; k < 8; k++) {
            OK(fiber_start(&b, busy_loop, w));
        }
        OK(fiber_sleep_until(fiber_now() + i * 100000));
        fiber_bundle_cancel(&b);
        OK(fiber_bundle_wait(&b, fiber_in_ms(20000)));
    }
    ck_assert_int_eq(number(w, "SELECT count(*) FROM t"), 0);
}

RUN("engine_cancel", 60, CASE(a_cancelled_fiber_gives_back_a_clean_connection), CASE(a_deadline_ends_a_query),
    CASE(a_connection_with_an_unfinished_batch_takes_no_other), CASE(what_is_late_or_cancelled_already_does_not_start),
    CASE(cancelling_at_any_moment_leaves_the_pool_healthy));
