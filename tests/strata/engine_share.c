/* Reads that share connections: each fiber gets its own answer or its own failure, whatever befalls the others. */
#include "engine_share.h"

/* While a connection of one is busy the questions gather, and then go together, in their order. */
static void ask_together(struct world *w, fiber_bundle *b, struct ask *q, size_t n)
{
    static struct ask busy;
    busy = (struct ask){.w = w, .sql = PAUSE("0.1")};
    OK(fiber_start(b, ask, &busy));
    while (w->e->sharing.carried == 0) { /* the connection is opened first */
        OK(fiber_sleep_until(fiber_in_ms(1)));
    }
    for (size_t i = 0; i < n; i++) {
        q[i].w = w;
        OK(fiber_start(b, ask, &q[i]));
    }
}

START_TEST(many_fibers_read_over_few_connections)
{
    struct world w;
    struct ask q[40];
    open_with(&w, 2);
    {
        FIBER_BUNDLE(b);
        for (int i = 0; i < 40; i++) {
            q[i] = (struct ask){.w = &w, .sql = SAME, .param = i, .times = 20};
            OK(fiber_start(&b, ask, &q[i]));
        }
        OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
    }
    for (int i = 0; i < 40; i++) {
        OK(q[i].rc);
        ck_assert_int_eq(q[i].n, i);
    }
    struct st_pool_stats s;
    st_engine_stats(w.e, &s);
    ck_assert_uint_le(s.connects, 2);
    ck_assert_uint_eq(s.shared_reads, 800);
    ck_assert_uint_lt(s.shared_trips, 200); /* 40 would be ten for each connection */
    close_idle(&w);
}
END_TEST

START_TEST(a_lone_read_is_one_round_trip)
{
    struct world w;
    open_with(&w, 2);
    struct ask q = {.w = &w, .sql = SAME, .param = 5};
    OK(ask(&q)); /* in a plain program, too */
    OK(q.rc);
    ck_assert_int_eq(q.n, 5);
    struct st_pool_stats s;
    st_engine_stats(w.e, &s);
    ck_assert(s.shared_reads == 1 && s.shared_trips == 1 && s.in_use == 0 && s.idle == 1);
    close_idle(&w);
}
END_TEST

START_TEST(a_failure_is_its_own_and_those_behind_it_run)
{
    struct world w;
    struct ask q[9];
    open_with(&w, 1);
    for (int i = 0; i < 9; i++) {
        q[i] = (struct ask){.sql = i % 3 == 1 ? "SELECT 1 / ($1 - $1)" : SAME, .param = i};
    }
    {
        FIBER_BUNDLE(b);
        ask_together(&w, &b, q, 9);
        OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
    }
    for (int i = 0; i < 9; i++) {
        ck_assert_int_eq(q[i].rc, i % 3 == 1 ? ST_E_SQL : 0);
        ck_assert_str_eq(q[i].sqlstate, i % 3 == 1 ? "22012" : "");
        ck_assert_int_eq(q[i].n, i % 3 == 1 ? INT64_MIN : i);
    }
    ck_assert_uint_eq(w.e->sharing.trips, 5); /* the busy one, and one more behind each failure */
    close_idle(&w);
}
END_TEST

START_TEST(a_read_that_is_given_up_takes_nobody_along)
{
    for (int by_deadline = 0; by_deadline < 2; by_deadline++) {
        struct world w;
        for (int slow = 0; slow < 3; slow++) { /* the one that leads, and another */
            struct ask q[] = {{.sql = SAME, .param = 1},
                              {.sql = SAME, .param = 2},
                              {.sql = SAME, .param = 3},
                              {.sql = SAME, .param = 4, .within_ms = 300}};
            open_with(&w, 1);
            {
                FIBER_BUNDLE(b);
                FIBER_BUNDLE(leaver);
                ask_together(&w, &b, q, 0);
                q[slow].sql = PAUSE("0.6");
                q[slow].within_ms = by_deadline ? 300 : 0;
                for (int i = 0; i < 4; i++) {
                    q[i].w = &w;
                    OK(fiber_start(i == slow ? &leaver : &b, ask, &q[i]));
                }
                for (int i = 0; i < 200 && w.e->sharing.carried < 4; i++) {
                    OK(fiber_sleep_until(fiber_in_ms(1)));
                }
                OK(fiber_sleep_until(fiber_in_ms(20))); /* it runs */
                if (!by_deadline) {
                    fiber_bundle_close(&leaver);
                }
                OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
                OK(fiber_bundle_wait(&leaver, fiber_in_ms(30000)));
            }
            for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(q[i].rc, i != slow ? 0 : by_deadline ? -ETIMEDOUT : -ECANCELED);
                ck_assert(i == slow || q[i].n == i + 1);
            }
            ck_assert_int_eq(q[3].rc, -ETIMEDOUT);
            ck_assert_uint_eq(w.e->sharing.trips, 2);
            close_idle(&w);
        }
    }
}
END_TEST

START_TEST(what_nobody_waits_for_any_more_is_cancelled)
{
    struct world w;
    struct ask q[] = {{.sql = PAUSE("30")}, {.sql = PAUSE("30")}, {.sql = PAUSE("30")}};
    open_with(&w, 1);
    int64_t start = fiber_now();
    {
        FIBER_BUNDLE(b);
        ask_together(&w, &b, q, 3);
        OK(fiber_sleep_until(fiber_in_ms(100)));
        fiber_bundle_close(&b);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(q[i].rc, -ECANCELED);
    }
    close_idle(&w);
    ck_assert_int_lt(fiber_now() - start, INT64_C(10000000000));
}
END_TEST

START_TEST(a_lost_connection_fails_those_on_it_only)
{
    struct world w;
    struct ask q[] = {{.sql = SAME, .param = 1},
                      {.sql = "SELECT 1::bigint FROM pg_terminate_backend(pg_backend_pid())"},
                      {.sql = SAME, .param = 2}};
    open_with(&w, 1);
    {
        FIBER_BUNDLE(b);
        ask_together(&w, &b, q, 3);
        OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
    }
    ck_assert_int_eq(q[0].n, 1);
    ck_assert_int_eq(q[1].rc, ST_E_CONNECTION);
    ck_assert_int_eq(q[2].rc, ST_E_CONNECTION);
    close_idle(&w);
}
END_TEST

START_TEST(a_statement_that_went_stale_is_prepared_anew)
{
    struct world w;
    struct ask q[3];
    open_with(&w, 1);
    must(&w, "CREATE TABLE t (n integer); INSERT INTO t VALUES (7)");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++) {
            q[i] = (struct ask){.sql = "SELECT n FROM t"};
        }
        FIBER_BUNDLE(b);
        ask_together(&w, &b, q, 3);
        OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
        for (int i = 0; i < 3; i++) {
            ck_assert_msg(q[i].rc == 0, "round %d, read %d: %s", round, i, test_diag());
            ck_assert_int_eq(q[i].n, 7);
        }
        must(&w, "ALTER TABLE t ALTER n TYPE bigint");
    }
    close_idle(&w);
}
END_TEST

/* The tenant's first byte, as the server knows it for this read; 0: nobody. */
#define WHO "SELECT ('x' || coalesce(nullif(left(current_setting('strata.tenant', true), 2), ''), '00'))::bit(8)::int8"

START_TEST(each_read_has_its_own_tenant_and_none_stays)
{
    struct world w;
    struct ask q[60];
    open_with(&w, 2);
    {
        FIBER_BUNDLE(b);
        for (int i = 0; i < 60; i++) {
            q[i] = (struct ask){.w = &w, .sql = WHO, .tenant = {{(uint8_t)(i / 2 % 7)}}, .times = 10};
            OK(fiber_start(&b, ask, &q[i]));
        }
        OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
    }
    for (int i = 0; i < 60; i++) {
        OK(q[i].rc);
        ck_assert_int_eq(q[i].n, i / 2 % 7);
    }
    ck_assert_int_eq(number(&w, WHO), 0);
    close_idle(&w);
}
END_TEST

struct reader {
    struct world *w;
    int64_t rows;
    st_err rc;
};

static int count_row(void *arg, void *obj)
{
    (void)obj;
    ++*(int64_t *)arg;
    return 1;
}

static int read_many(void *arg)
{
    struct reader *r = arg;
    arena *a = arena_new(NULL, 0);
    struct st_stmt s = {.sql = STR("SELECT n::bigint FROM generate_series(1, 20000) AS n"),
                        .shape = &answer_shape,
                        .arena = a,
                        .row = count_row,
                        .arg = &r->rows};
    r->rc = st_share_run(r->w->e, &s, (st_uuid){{0}}, FIBER_FOREVER);
    arena_free(a);
    return 0;
}

START_TEST(many_rows_let_others_run_and_may_be_given_up_halfway)
{
    struct world w;
    open_with(&w, 1);
    for (int many_first = 0; many_first < 2; many_first++) { /* the reader leads, or another does */
        struct reader r = {.w = &w};
        struct ask q = {.sql = SAME, .param = 9};
        FIBER_BUNDLE(b);
        FIBER_BUNDLE(leaver);
        ask_together(&w, &b, &q, many_first ? 0 : 1);
        OK(fiber_start(&leaver, read_many, &r));
        OK(fiber_yield());
        if (many_first) {
            q.w = &w;
            OK(fiber_start(&b, ask, &q));
        }
        while (r.rows == 0) {
            OK(fiber_yield());
        }
        ck_assert_int_lt(r.rows, 20000);
        fiber_bundle_close(&leaver);
        ck_assert_int_eq(r.rc, -ECANCELED);
        ck_assert_int_lt(r.rows, 20000);
        OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
        ck_assert_int_eq(q.n, 9);
    }
    close_idle(&w);
}
END_TEST

START_TEST(a_pool_that_is_used_up_fails_all_who_wait_in_time)
{
    struct world w;
    struct ask q[6];
    world_open(
        &w, ST_POSTGRESQL,
        &(const struct st_engine_options){.pool_size = 1, .max_overflow = ST_NO_OVERFLOW, .checkout_timeout_ms = 100});
    st_conn *c;
    OK(st_conn_acquire(w.e, true, FIBER_FOREVER, &c));
    int64_t start = fiber_now();
    {
        FIBER_BUNDLE(b);
        for (int i = 0; i < 6; i++) {
            q[i] = (struct ask){.w = &w, .sql = SAME, .param = i, .within_ms = i == 5 ? 20 : 0};
            OK(fiber_start(&b, ask, &q[i]));
        }
        OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    }
    ck_assert_int_lt(fiber_now() - start, 2000000000);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(q[i].rc, i == 5 ? -ETIMEDOUT : ST_E_POOL_TIMEOUT);
    }
    st_conn_release(c);
    close_idle(&w);
}
END_TEST

struct hooked {
    int statements, slow;
    int64_t ns;
};
static void on_statement(void *arg, const char *sql, int64_t ns, bool slow)
{
    struct hooked *h = arg;
    ck_assert_ptr_nonnull(strstr(sql, "SELECT"));
    ck_assert_int_eq(slow, ns >= 30000000);
    h->statements++;
    h->slow += slow;
    h->ns += ns;
}

START_TEST(shared_reads_are_told_to_the_statement_hook)
{
    struct world w;
    struct hooked h = {0};
    world_open(&w, ST_POSTGRESQL,
               &(const struct st_engine_options){.on_statement = on_statement, .slow_ms = 30, .arg = &h});
    struct ask q[] = {
        {.w = &w, .sql = SAME}, {.w = &w, .sql = PAUSE("0.06")}, {.w = &w, .sql = "SELECT 1 / 0::bigint"}};
    for (int i = 0; i < 3; i++) {
        OK(ask(&q[i]));
    }
    ck_assert_int_eq(h.statements, 3);
    ck_assert_int_ge(h.slow, 1);
    ck_assert_int_ge(h.ns, 60000000);
    close_idle(&w);
}
END_TEST

RUN("engine_share", 60, CASE(many_fibers_read_over_few_connections), CASE(a_lone_read_is_one_round_trip),
    CASE(a_failure_is_its_own_and_those_behind_it_run), CASE(a_read_that_is_given_up_takes_nobody_along),
    CASE(what_nobody_waits_for_any_more_is_cancelled), CASE(a_lost_connection_fails_those_on_it_only),
    CASE(a_statement_that_went_stale_is_prepared_anew), CASE(each_read_has_its_own_tenant_and_none_stays),
    CASE(many_rows_let_others_run_and_may_be_given_up_halfway), CASE(shared_reads_are_told_to_the_statement_hook),
    CASE(a_pool_that_is_used_up_fails_all_who_wait_in_time));
