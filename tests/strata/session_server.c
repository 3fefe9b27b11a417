/* Sessions whose server goes away: killed in the middle of a transaction, and all of its connections ended under load.
 */
#include "session_support.h"

#include "fiber/fiber.h"

static void put(st_session *s, const char *name)
{
    ck_assert_ptr_nonnull(st_add(s, Author, .name = name));
}

START_TEST(a_server_killed_in_a_transaction_loses_that_transaction_only)
{
    struct pg_server server;
    struct world w;
    struct st_pool_stats stats;
    pg_server_start(&server, true, NULL);
    world_open(&w, ST_POSTGRESQL, NULL);
    world_reopen(&w, pg_server_database(&server), NULL);
    library_create(&w);
    {
        ST_SESSION(s, w.e, .tenant = tenant_a);
        put(s, "before");
        OK(st_commit(s));
        put(s, "lost");
        OK(st_flush(s));
        pg_server_crash(&server);
        CODE(st_commit(s), ST_E_CONNECTION);
        CODE(st_count(s, Author, NULL, &(int64_t){0}), ST_E_CONNECTION); /* it sticks */
        OK(st_rollback(s));
        ck_assert_ptr_null(st_first(s, Author, NULL)); /* the server is still down */
        CODE(st_session_error(s), ST_E_CONNECTION);
        OK(st_rollback(s));
        pg_server_restart(&server);
        put(s, "after");
        OK(st_commit(s));
        st_rows rows = st_select(s, Author, NULL, .order = ST_ORDER(ST_ASC(Author, name)));
        OK(rows.err);
        ck_assert_uint_eq(rows.n, 2);
        ck_assert_str_eq(((const Author *)rows.items[0])->name, "after");
        ck_assert_str_eq(((const Author *)rows.items[1])->name, "before");
    }
    st_engine_stats(w.e, &stats);
    ck_assert_uint_eq(stats.in_use, 0);
    world_close(&w);
    pg_server_stop(&server);
}
END_TEST

enum { FIBERS = 16, ROUNDS = 25 };
struct load {
    struct world *w;
    int number, *running;
    int committed, failed;
    bool known[ROUNDS]; /* to be committed */
};

static int work(void *arg)
{
    struct load *l = arg;
    for (int i = 0; i < ROUNDS; i++) {
        char name[11];
        (void)snprintf(name, sizeof name, "%02d-%03d", l->number % 100, i % 1000);
        ST_SESSION(s, l->w->e, .tenant = tenant_a);
        (void)st_first(s, Author, ST_EQ(Author, name, "nobody"));
        (void)st_add(s, Author, .name = name);
        st_err rc = st_commit(s);
        ck_assert_msg(rc == 0 || rc == ST_E_CONNECTION, "%d: %s", rc, test_diag());
        l->known[i] = rc == 0;
        l->committed += rc == 0;
        l->failed += rc != 0;
    }
    --*l->running;
    return 0;
}

START_TEST(connections_ended_under_load_are_errors_of_the_connection_and_replaced)
{
    struct world w;
    struct st_pool_stats stats;
    struct load loads[FIBERS] = {0};
    int running = FIBERS, committed = 0, failed = 0;
    world_open(&w, ST_POSTGRESQL, NULL);
    library_create(&w);
    {
        FIBER_BUNDLE(b);
        for (int i = 0; i < FIBERS; i++) {
            loads[i] = (struct load){.w = &w, .number = i, .running = &running};
            OK(fiber_start(&b, work, &loads[i]));
        }
        while (running) {
            pg_test_exec(pg_test_url_as(w.url, PG_ADMIN),
                         "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                         "AND pid <> pg_backend_pid()");
            OK(fiber_sleep_until(fiber_in_ms(30)));
        }
        OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    }
    for (int i = 0; i < FIBERS; i++) {
        committed += loads[i].committed;
        failed += loads[i].failed;
    }
    ck_assert_int_gt(committed, 0);
    ck_assert_int_gt(failed, 0);
    st_engine_stats(w.e, &stats);
    ck_assert_uint_eq(stats.in_use, 0);
    ck_assert_uint_eq(stats.waiting, 0);
    OK(fiber_sleep_until(fiber_in_ms(50))); /* the last goodbye arrives */
    int64_t there = authors_in(&w, tenant_a);
    ck_assert_int_ge(there,
                     committed); /* nothing that was confirmed is lost; a COMMIT without an answer may be either */
    ck_assert_int_le(there, committed + failed);
    st_session *s = st_session_start(w.e, &(const struct st_session_options){.tenant = tenant_a});
    for (int i = 0; i < FIBERS; i++) {
        for (int k = 0; k < ROUNDS; k++) {
            char name[11];
            (void)snprintf(name, sizeof name, "%02d-%03d", i % 100, k % 1000);
            ck_assert(!loads[i].known[k] || st_first(s, Author, ST_EQ(Author, name, name)));
            OK(st_session_error(s));
        }
    }
    st_session_close(s);
    world_close(&w);
}
END_TEST

RUN("session_server", 100, CASE(a_server_killed_in_a_transaction_loses_that_transaction_only),
    CASE(connections_ended_under_load_are_errors_of_the_connection_and_replaced));
