/* Reads that share connections, beside transactions, at random moments, and when memory runs out. */
#include "engine_share.h"

static int transact(void *arg)
{
    struct world *w = arg;
    for (int i = 0; i < 20; i++) {
        st_conn *c;
        OK(st_conn_acquire(w->e, true, FIBER_FOREVER, &c));
        struct st_stmt s[] = {{.sql = STR("BEGIN")}, {.sql = STR("INSERT INTO t VALUES (1)")}, {.sql = STR("COMMIT")}};
        OK(st_conn_run(c, s, i % 4 ? 3 : 2, FIBER_FOREVER, NULL)); /* some go back as they are */
        st_conn_release(c);
    }
    return 0;
}

START_TEST(transactions_and_shared_reads_get_their_turns)
{
    struct world w;
    struct ask q[20];
    open_with(&w, 2);
    must(&w, "CREATE TABLE t (n integer)");
    {
        FIBER_BUNDLE(b);
        for (int i = 0; i < 20; i++) {
            q[i] = (struct ask){.w = &w, .sql = SAME, .param = i, .times = 30};
            OK(fiber_start(&b, ask, &q[i]));
            OK(fiber_start(&b, transact, &w));
        }
        OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
    }
    for (int i = 0; i < 20; i++) {
        OK(q[i].rc);
    }
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM t"), 20 * 15);
    close_idle(&w);
}
END_TEST

/* A day of everything: answers, failures, lost connections, deadlines and cancellations at random moments. */
static uint64_t draw(uint64_t *state, uint64_t n)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state >> 33) % n;
}

static int ask_at_random(void *arg)
{
    struct ask *q = arg;
    uint64_t seed = (uint64_t)q->param;
    for (int i = 0; i < 25; i++) {
        static const char pause[] = PAUSE("0.002");
        static const char *const texts[] = {SAME, SAME, SAME, SAME, "SELECT 1 / ($1 - $1)", pause, SAME};
        uint64_t kind = draw(&seed, 60) == 0 ? 99 : draw(&seed, 7);
        struct ask one = {.w = q->w, .param = (int64_t)draw(&seed, 1000), .tenant = {{(uint8_t)draw(&seed, 3)}}};
        one.sql = kind == 99 ? "SELECT 1::bigint FROM pg_terminate_backend(pg_backend_pid())" : texts[kind];
        one.within_ms = draw(&seed, 9) == 0 ? 1 + (int64_t)draw(&seed, 3) : 0;
        OK(ask(&one));
        ck_assert_msg(!one.rc || one.rc == ST_E_SQL || one.rc == ST_E_CONNECTION || one.rc == -ETIMEDOUT ||
                          one.rc == -ECANCELED,
                      "%d", one.rc);
        ck_assert(one.rc != ST_E_SQL || kind == 4);
        ck_assert(one.rc || one.sql != texts[0] || one.n == one.param);
        if (one.rc == -ECANCELED) {
            return 0;
        }
    }
    return 0;
}

START_TEST(whatever_happens_everybody_gets_an_answer)
{
    struct world w;
    struct ask q[30];
    uint64_t seed = 20261122;
    open_with(&w, 3);
    for (int round = 0; round < 4; round++) {
        FIBER_BUNDLE(b);
        FIBER_BUNDLE(leavers);
        for (int i = 0; i < 30; i++) {
            q[i] = (struct ask){.w = &w, .param = (int64_t)draw(&seed, 1 << 30)};
            OK(fiber_start(i % 3 ? &b : &leavers, ask_at_random, &q[i]));
        }
        OK(fiber_sleep_until(fiber_in_ms(5 + (int64_t)draw(&seed, 30))));
        fiber_bundle_close(&leavers);
        OK(fiber_bundle_wait(&b, fiber_in_ms(60000)));
    }
    OK(fiber_sleep_until(fiber_in_ms(50)));
    close_idle(&w);
}
END_TEST

START_TEST(every_allocation_of_a_shared_read_may_fail)
{
    for (uint64_t n = 1;; n++) {
        struct world w;
        struct ask q[4];
        open_with(&w, 1);
        bool reached;
        {
            FIBER_BUNDLE(b);
            mem_fail_at(n, false);
            for (int i = 0; i < 4; i++) {
                q[i] = (struct ask){.w = &w, .sql = SAME, .param = i};
                st_err rc = fiber_start(&b, ask, &q[i]);
                ck_assert(!rc || rc == -ENOMEM);
                q[i].rc = rc ? rc : 1;
            }
            OK(fiber_bundle_wait(&b, fiber_in_ms(30000)));
            reached = mem_fail_seen() >= n;
            mem_fail_at(0, false);
        }
        for (int i = 0; i < 4; i++) {
            ck_assert_msg(!q[i].rc || q[i].rc == -ENOMEM, "allocation %d: %d", (int)n, q[i].rc);
            ck_assert(q[i].rc || q[i].n == i);
        }
        close_idle(&w);
        if (!reached) {
            ck_assert_uint_gt(n, 10);
            break;
        }
    }
}
END_TEST

RUN("engine_share_stress", 60, CASE(transactions_and_shared_reads_get_their_turns),
    CASE(whatever_happens_everybody_gets_an_answer), CASE(every_allocation_of_a_shared_read_may_fail));
