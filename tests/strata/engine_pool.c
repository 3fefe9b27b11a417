/* The pool: how many connections, who gets them when, and which are thrown away. */
#include "engine_support.h"

#include <netinet/in.h>

static struct st_pool_stats stats(const struct world *w)
{
    struct st_pool_stats s;
    st_engine_stats(w->e, &s);
    return s;
}

static st_conn *take(struct world *w)
{
    st_conn *c;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    return c;
}

static void open_with(struct world *w, struct st_engine_options o)
{
    world_open(w, ST_POSTGRESQL, &o);
}

#define BACKEND "SELECT CAST(pg_backend_pid() AS bigint)"

START_TEST(size_and_overflow_bound_the_connections)
{
    struct world w;
    open_with(&w, (struct st_engine_options){.pool_size = 2, .max_overflow = 1, .checkout_timeout_ms = 1000});
    st_conn *c[3] = {take(&w), take(&w), take(&w)}, *fourth;
    ck_assert_uint_eq(stats(&w).in_use, 3);
    ck_assert_uint_eq(stats(&w).overflow, 1);
    CODE(st_conn_acquire(w.e, false, FIBER_FOREVER, &fourth), ST_E_POOL_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "1000 ms"));
    CODE(st_conn_acquire(w.e, false, fiber_in_ms(5), &fourth), -ETIMEDOUT); /* the caller's own deadline */
    for (int i = 0; i < 3; i++) {
        st_conn_release(c[i]);
    }
    struct st_pool_stats s = stats(&w);
    ck_assert(s.idle == 2 && s.in_use == 0 && s.overflow == 0 && s.connects == 3 && s.disconnects == 1 &&
              s.timeouts == 1 && s.checkouts == 3 && s.size == 2);
    world_close(&w);
}
END_TEST

START_TEST(connections_are_reused_the_latest_first_or_the_oldest)
{
    for (int fifo = 0; fifo < 2; fifo++) {
        struct world w;
        open_with(&w, (struct st_engine_options){.fifo = fifo == 1});
        st_conn *a = take(&w), *b = take(&w);
        st_conn_release(a);
        st_conn_release(b);
        ck_assert_ptr_eq(take(&w), fifo ? a : b);
        st_conn_release(fifo ? a : b);
        world_close(&w);
    }
}
END_TEST

struct waiting {
    struct world *w;
    char *order;
    char mark;
    st_err rc;
};
static int wait_for_one(void *arg)
{
    struct waiting *t = arg;
    st_conn *c;
    t->rc = st_conn_acquire(t->w->e, false, FIBER_FOREVER, &c);
    if (!t->rc) {
        t->order[strlen(t->order)] = t->mark;
        OK(fiber_sleep_until(fiber_in_ms(1)));
        st_conn_release(c);
    }
    return 0;
}

START_TEST(those_who_wait_are_served_in_their_order)
{
    struct world w;
    open_with(&w, (struct st_engine_options){.pool_size = 1, .max_overflow = ST_NO_OVERFLOW});
    char order[8] = "";
    struct waiting t[5];
    st_conn *c = take(&w);
    {
        FIBER_BUNDLE(b);
        FIBER_BUNDLE(leaver);
        for (int i = 0; i < 5; i++) {
            t[i] = (struct waiting){.w = &w, .order = order, .mark = (char)('a' + i)};
            OK(fiber_start(i == 2 ? &leaver : &b, wait_for_one, &t[i]));
        }
        OK(fiber_sleep_until(fiber_in_ms(2)));
        ck_assert_uint_eq(stats(&w).waiting, 5);
        fiber_bundle_close(&leaver); /* c is cancelled in the queue */
        ck_assert_uint_eq(stats(&w).waiting, 4);
        st_conn_release(c);
        OK(fiber_bundle_wait(&b, fiber_in_ms(5000)));
    }
    ck_assert_int_eq(t[2].rc, -ECANCELED);
    ck_assert_str_eq(order, "abde");
    ck_assert_uint_eq(stats(&w).connects, 1);
    world_close(&w);
}
END_TEST

START_TEST(a_broken_connection_frees_its_place_for_those_who_wait)
{
    struct world w;
    open_with(&w, (struct st_engine_options){.pool_size = 1, .max_overflow = ST_NO_OVERFLOW});
    char order[8] = "";
    struct waiting t = {.w = &w, .order = order, .mark = 'x'};
    st_conn *c = take(&w);
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, wait_for_one, &t));
    OK(fiber_sleep_until(fiber_in_ms(2)));
    CODE(st_conn_exec(c, "SELECT pg_terminate_backend(pg_backend_pid())", FIBER_FOREVER), ST_E_CONNECTION);
    st_conn_release(c);
    OK(fiber_bundle_wait(&b, fiber_in_ms(5000)));
    ck_assert_str_eq(order, "x");
    ck_assert_uint_eq(stats(&w).connects, 2);
    world_close(&w);
}
END_TEST

START_TEST(old_connections_are_recycled)
{
    struct world w;
    open_with(&w, (struct st_engine_options){.recycle_ms = 30});
    int64_t first = number(&w, BACKEND);
    ck_assert_int_eq(number(&w, BACKEND), first);
    OK(fiber_sleep_until(fiber_in_ms(40)));
    ck_assert_int_ne(number(&w, BACKEND), first);
    world_close(&w);
}
END_TEST

#define OTHERS "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

static void terminate_all(struct world *w)
{
    const char *admin = pg_test_url_as(w->url, PG_ADMIN);
    pg_test_exec(admin, "SELECT pg_terminate_backend(pid) " OTHERS);
    while (strcmp(pg_test_value(admin, "SELECT count(*) " OTHERS), "0") != 0) {
        OK(fiber_sleep_until(fiber_in_ms(5)));
    }
    OK(fiber_sleep_until(fiber_in_ms(20))); /* from its last entry to the end of its process */
}

START_TEST(idle_connections_that_the_server_ended_are_noticed_at_checkout)
{
    for (int ping = 0; ping < 2; ping++) {
        struct world w;
        open_with(&w, (struct st_engine_options){.pre_ping = ping == 1});
        st_conn *a = take(&w), *b = take(&w);
        st_conn_release(a);
        st_conn_release(b);
        terminate_all(&w);
        ck_assert_int_eq(number(&w, "SELECT 7"), 7);
        ck_assert_int_eq(number(&w, "SELECT 8"), 8);
        ck_assert_uint_eq(stats(&w).connects, 3);
        world_close(&w);
    }
}
END_TEST

START_TEST(a_lost_connection_makes_all_older_ones_suspect)
{
    struct world w;
    open_with(&w, (struct st_engine_options){0});
    st_conn *a = take(&w), *b = take(&w), *c = take(&w);
    st_conn_release(b);
    CODE(st_conn_exec(a, "SELECT pg_terminate_backend(pg_backend_pid())", FIBER_FOREVER), ST_E_CONNECTION);
    ck_assert_str_eq(diag_last()->sqlstate, "57P01");
    struct st_stmt s = {.sql = STR("SELECT 1")};
    CODE(st_conn_run(a, &s, 1, FIBER_FOREVER, NULL), ST_E_CONNECTION);
    OK(st_conn_run(c, &s, 1, FIBER_FOREVER, NULL)); /* those in use may go on */
    st_conn_release(a);
    st_conn_release(c);
    st_conn_release(take(&w));
    struct st_pool_stats now = stats(&w);
    ck_assert_uint_eq(now.connects, 4);
    ck_assert_uint_eq(now.disconnects, 3);
    ck_assert_uint_eq(now.invalidations, 2);
    world_close(&w);
}
END_TEST

START_TEST(a_connection_killed_in_the_middle_of_a_query_is_lost)
{
    struct world w;
    open_with(&w, (struct st_engine_options){0});
    st_conn *a = take(&w), *b = take(&w);
    int64_t pid = number_on(&w, a, BACKEND);
    struct st_stmt slow[] = {{.sql = STR("BEGIN")}, {.sql = STR("SELECT pg_sleep(30)")}};
    CODE(st_conn_run(a, slow, 2, fiber_in_ms(20), NULL), -ETIMEDOUT);
    OK(st_conn_exec(b, arena_printf(w.a, "SELECT pg_terminate_backend(%d)", (int)pid), FIBER_FOREVER));
    st_conn_release(a);
    st_conn_release(b);
    ck_assert_int_eq(number(&w, "SELECT 5"), 5);
    world_close(&w);
}
END_TEST

START_TEST(a_server_that_restarts_is_found_again)
{
    struct pg_server server;
    pg_server_start(&server, false, NULL);
    fiber_loop *l;
    OK(fiber_loop_open(NULL, &l));
    st_engine *e;
    OK(st_engine_open(pg_server_database(&server), NULL, &e));
    OK(st_engine_execute(e, "CREATE TABLE t (n integer)", FIBER_FOREVER));
    st_conn *c;
    OK(st_conn_acquire(e, true, FIBER_FOREVER, &c));
    OK(st_conn_exec(c, "BEGIN; INSERT INTO t VALUES (1)", FIBER_FOREVER));
    pg_server_crash(&server);
    CODE(st_conn_exec(c, "COMMIT", FIBER_FOREVER), ST_E_CONNECTION);
    st_conn_release(c);
    CODE(st_engine_ping(e, FIBER_FOREVER), ST_E_CONNECTION);
    pg_server_restart(&server);
    OK(st_engine_ping(e, FIBER_FOREVER));
    OK(st_engine_execute(e, "INSERT INTO t VALUES (2)", FIBER_FOREVER));
    st_engine_close(e);
    fiber_loop_close(l);
    pg_server_stop(&server);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_named)
{
    fiber_loop *l;
    OK(fiber_loop_open(NULL, &l));
    char url[128];
    (void)snprintf(url, sizeof url, "postgresql://u:secret@127.0.0.1:%d/d", server_free_port());
    st_engine *e;
    OK(st_engine_open(url, NULL, &e)); /* connects at the first need */
    CODE(st_engine_ping(e, FIBER_FOREVER), ST_E_CONNECTION);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "127.0.0.1"));
    ck_assert_ptr_null(strstr(diag_last()->message, "secret"));
    st_engine_close(e);
    OK(st_engine_open("postgresql://localhost:1/d?connect_timeout=5", NULL, &e));
    CODE(st_engine_ping(e, FIBER_FOREVER), ST_E_CONNECTION);
    st_engine_close(e);
    fiber_loop_close(l);
}
END_TEST

START_TEST(several_hosts_are_tried_in_turn)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    const char *at = strchr(w.url, '@'), *slash = strrchr(w.url, '/'), *port = strrchr(w.url, ':');
    const char *url = arena_printf(w.a, "%.*s@127.0.0.1:%d,no-such-host.invalid:1,localhost%.*s%s?application_name=x",
                                   (int)(at - w.url), w.url, server_free_port(), (int)(slash - port), port, slash);
    st_engine *e;
    OK(st_engine_open(url, NULL, &e));
    OK(st_engine_ping(e, fiber_in_ms(20000)));
    st_engine_close(e);
    OK(st_engine_open("postgresql://no-such-host.invalid/d", NULL, &e));
    CODE(st_engine_ping(e, fiber_in_ms(20000)), ST_E_CONNECTION);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "no-such-host.invalid"));
    st_engine_close(e);
    world_close(&w);
}
END_TEST

static int swallow(void *arg)
{
    fiber_sock *s;
    OK(fiber_sock_accept(arg, FIBER_FOREVER, &s));
    int rc = fiber_sleep_until(FIBER_FOREVER); /* never answers */
    fiber_sock_close(s);
    return rc;
}

START_TEST(a_server_that_does_not_answer_runs_into_the_connect_timeout)
{
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    struct fiber_addr addr;
    OK(fiber_addr_parse("127.0.0.1", 0, &addr));
    fiber_sock *listener;
    OK(fiber_sock_listen(&addr, 8, &listener));
    OK(fiber_sock_addr(listener, &addr));
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, swallow, listener));
    st_engine *e;
    OK(st_engine_open(
        arena_printf(w.a, "postgresql://127.0.0.1:%d/d", ntohs(((struct sockaddr_in *)(void *)&addr.ss)->sin_port)),
        &(const struct st_engine_options){.connect_timeout_ms = 50}, &e));
    CODE(st_engine_ping(e, FIBER_FOREVER), ST_E_CONNECTION);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "50 ms"));
    st_engine_close(e);
    fiber_bundle_cancel(&b);
    CODE(fiber_bundle_wait(&b, FIBER_FOREVER), -ECANCELED);
    fiber_sock_close(listener);
    world_close(&w);
}
END_TEST

static int count_fibers(void *arg)
{
    struct world *w = arg;
    for (int i = 0; i < 50; i++) {
        st_conn *c;
        st_err rc = st_conn_acquire(w->e, i % 5 == 0, FIBER_FOREVER, &c);
        if (rc) {
            return rc;
        }
        struct st_stmt s = {.sql = STR("INSERT INTO t VALUES (1)"), .quick = true, .id = 5};
        rc = i % 5 == 0 ? st_conn_run(c, &s, 1, FIBER_FOREVER, NULL) : (int)(number_on(w, c, "SELECT 3") - 3);
        st_conn_release(c);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

DB_TEST(many_fibers_share_few_connections)
{
    must(w, "CREATE TABLE t (n integer)");
    FIBER_BUNDLE(b);
    for (int i = 0; i < 40; i++) {
        OK(fiber_start(&b, count_fibers, w));
    }
    OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
    ck_assert_int_eq(number(w, "SELECT count(*) FROM t"), 400);
}

START_TEST(in_memory_everything_is_one_connection)
{
    fiber_loop *l;
    OK(fiber_loop_open(NULL, &l));
    struct world w = {.loop = l, .dialect = ST_SQLITE, .a = arena_new(NULL, 0)};
    OK(st_engine_open("sqlite:///:memory:", NULL, &w.e));
    must(&w, "CREATE TABLE t (n integer); INSERT INTO t VALUES (1)");
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM t"), 1);
    ck_assert_uint_eq(stats(&w).connects, 1);
    ck_assert_uint_eq(stats(&w).size, 1);
    world_close(&w);
}
END_TEST

START_TEST(an_engine_makes_its_own_loop_where_there_is_none)
{
    st_engine *e;
    OK(st_engine_open(pg_test_url(), NULL, &e));
    OK(st_engine_execute(e, "SELECT 1", FIBER_FOREVER));
    ck_assert_ptr_nonnull(fiber_loop_current());
    st_engine_close(e);
    ck_assert_ptr_null(fiber_loop_current());
}
END_TEST

RUN("engine_pool", 60, CASE(size_and_overflow_bound_the_connections),
    CASE(connections_are_reused_the_latest_first_or_the_oldest), CASE(those_who_wait_are_served_in_their_order),
    CASE(a_broken_connection_frees_its_place_for_those_who_wait), CASE(old_connections_are_recycled),
    CASE(idle_connections_that_the_server_ended_are_noticed_at_checkout),
    CASE(a_lost_connection_makes_all_older_ones_suspect), CASE(a_connection_killed_in_the_middle_of_a_query_is_lost),
    CASE(a_server_that_restarts_is_found_again), CASE(a_server_that_is_not_there_is_named),
    CASE(several_hosts_are_tried_in_turn), CASE(a_server_that_does_not_answer_runs_into_the_connect_timeout),
    CASE(many_fibers_share_few_connections), CASE(in_memory_everything_is_one_connection),
    CASE(an_engine_makes_its_own_loop_where_there_is_none));
