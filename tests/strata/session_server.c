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

/* Each transaction of a fiber adds an author of the fiber's own country and counts that country on: whatever became of
 * it, the two must agree. */
enum { FIBERS = 12, ATTEMPTS_MAX = 20000, CODE_ROOM = 3, NAME_ROOM = 16 };
struct fleet {
    struct world *w;
    unsigned wanted; /* commits of each fiber since the count was set back */
    bool stop;       /* once each has them */
    bool calm;       /* nothing may fail */
};
struct load {
    struct fleet *fleet;
    int number;
    unsigned attempts, committed, recent;
    bool known[ATTEMPTS_MAX]; /* to be committed */
};

static void code_of(int number, char out[static CODE_ROOM])
{
    (void)snprintf(out, CODE_ROOM, "%c%c", 'A' + number / 10 % 10, 'A' + number % 10);
}

static void name_of(int number, unsigned attempt, char out[static NAME_ROOM])
{
    (void)snprintf(out, NAME_ROOM, "%02d-%05u", number % 100, attempt % 100000);
}

static st_err transact(struct load *l)
{
    char code[CODE_ROOM], name[NAME_ROOM];
    code_of(l->number, code);
    name_of(l->number, l->attempts, name);
    ST_SESSION(s, l->fleet->w->e, .tenant = tenant_a);
    (void)st_first(s, Author, ST_EQ(Author, name, "nobody"));
    (void)st_add(s, Author, .name = name, .country = code);
    int64_t n = 1;
    st_err rc = st_update_where(s, Country, ST_EQ(Country, code, code), &n, ST_ADD(Country, population, 1));
    ck_assert_int_eq(n, 1);
    return rc ? rc : st_commit(s);
}

static int work(void *arg)
{
    struct load *l = arg;
    while (!l->fleet->stop || l->recent < l->fleet->wanted) {
        st_err rc = transact(l);
        ck_assert_msg(rc == 0 || (rc == ST_E_CONNECTION && !l->fleet->calm), "%d: %s", rc, test_diag());
        l->known[l->attempts++] = rc == 0;
        l->committed += rc == 0;
        l->recent += rc == 0;
        ck_assert_uint_lt(l->attempts, ATTEMPTS_MAX);
        if (rc) {
            OK(fiber_sleep_until(fiber_in_ms(10)));
        }
    }
    return 0;
}

/* What the server still does for connections that are gone. */
static void wait_for_the_server(const struct world *w)
{
    const char *admin = pg_test_url_as(w->url, PG_ADMIN);
    for (int i = 0; strcmp(pg_test_value(admin, "SELECT count(*) FROM pg_stat_activity WHERE datname = "
                                                "current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"),
                           "0") != 0;
         i++) {
        ck_assert_int_lt(i, 1000);
        OK(fiber_sleep_until(fiber_in_ms(10)));
    }
}

static void check_one(st_session *s, const struct load *l, unsigned *failed)
{
    char code[CODE_ROOM], name[NAME_ROOM];
    code_of(l->number, code);
    const Country *c = st_first(s, Country, ST_EQ(Country, code, code));
    ck_assert_ptr_nonnull(c);
    st_rows authors = st_select(s, Author, ST_EQ(Author, country, code), .order = ST_ORDER(ST_ASC(Author, name)));
    OK(authors.err);
    ck_assert_int_eq((int64_t)authors.n, c->population); /* each transaction whole or not at all, and once */
    size_t at = 0;
    for (unsigned i = 0; i < l->attempts; i++) { /* a COMMIT without an answer may be either */
        name_of(l->number, i, name);
        bool there = at < authors.n && strcmp(((const Author *)authors.items[at])->name, name) == 0;
        ck_assert_msg(there || !l->known[i], "%s was committed and is lost", name);
        at += there;
        *failed += !l->known[i];
    }
    ck_assert_uint_eq(at, authors.n);
}

static void start(struct fleet *fleet, struct load *loads, fiber_bundle *b)
{
    for (int i = 0; i < FIBERS; i++) {
        loads[i].fleet = fleet;
        loads[i].number = i;
        OK(fiber_start(b, work, &loads[i]));
    }
}

static void finish(struct fleet *fleet, struct load *loads, fiber_bundle *b)
{
    for (int i = 0; i < FIBERS; i++) {
        loads[i].recent = 0;
    }
    fleet->stop = true;
    OK(fiber_bundle_wait(b, fiber_in_ms(100000)));
    wait_for_the_server(fleet->w);
}

static struct st_pool_stats stats_of(const struct world *w)
{
    struct st_pool_stats stats;
    st_engine_stats(w->e, &stats);
    ck_assert_uint_eq(stats.in_use, 0);
    ck_assert_uint_eq(stats.waiting, 0);
    return stats;
}

/* Load while hurt() does its worst, and after; then load with nothing in its way, on connections that are all good. */
static void under_load(struct world *w, void (*hurt)(struct fleet *fleet, void *arg), void *arg)
{
    struct fleet fleet = {.w = w, .wanted = 5};
    struct load *loads = mem_zalloc(FIBERS, sizeof *loads);
    ck_assert_ptr_nonnull(loads);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        for (int i = 0; i < FIBERS; i++) {
            char code[CODE_ROOM];
            code_of(i, code);
            ck_assert_ptr_nonnull(st_add(s, Country, .code = code, .name = "one of many"));
            OK(st_flush(s));
        }
        OK(st_commit(s));
    }
    FIBER_BUNDLE(b);
    start(&fleet, loads, &b);
    hurt(&fleet, arg);
    finish(&fleet, loads, &b);
    struct st_pool_stats before = stats_of(w);
    fleet = (struct fleet){.w = w, .wanted = 5, .calm = true};
    start(&fleet, loads, &b);
    finish(&fleet, loads, &b);
    struct st_pool_stats after = stats_of(w);
    ck_assert_uint_le(after.disconnects - before.disconnects, after.connects - before.connects);
    ck_assert_uint_eq(after.invalidations, before.invalidations);
    ST_SESSION(s, w->e, .tenant = tenant_a, .read_only = true);
    unsigned failed = 0, committed = 0;
    for (int i = 0; i < FIBERS; i++) {
        check_one(s, &loads[i], &failed);
        committed += loads[i].committed;
    }
    (void)fprintf(stderr, "# %u committed, %u failed\n", committed, failed);
    ck_assert_uint_gt(failed, 0);
    mem_free(loads);
}

static void end_all_connections(struct fleet *fleet, void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        pg_test_exec(pg_test_url_as(fleet->w->url, PG_ADMIN),
                     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                     "AND pid <> pg_backend_pid()");
        OK(fiber_sleep_until(fiber_in_ms(30)));
    }
}

START_TEST(connections_ended_under_load_lose_and_double_nothing_and_are_replaced)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    library_create(&w);
    under_load(&w, end_all_connections, NULL);
    world_close(&w);
}
END_TEST

static int crash(void *arg)
{
    pg_server_crash(arg);
    return 0;
}

static int restart(void *arg)
{
    pg_server_restart(arg);
    return 0;
}

static void crash_and_restart(struct fleet *fleet, void *arg)
{
    (void)fleet;
    for (int i = 0; i < 2; i++) { /* in a thread: the load goes on, also while nobody listens */
        OK(fiber_sleep_until(fiber_in_ms(150)));
        OK(fiber_offload(crash, arg, NULL));
        OK(fiber_sleep_until(fiber_in_ms(50)));
        OK(fiber_offload(restart, arg, NULL));
    }
}

START_TEST(a_server_killed_under_load_loses_and_doubles_nothing)
{
    struct pg_server server;
    struct world w;
    pg_server_start(&server, true, NULL);
    world_open(&w, ST_POSTGRESQL, NULL);
    world_reopen(&w, pg_server_database(&server), &(const struct st_engine_options){.checkout_timeout_ms = 150000});
    library_create(&w);
    under_load(&w, crash_and_restart, &server);
    world_close(&w);
    pg_server_stop(&server);
}
END_TEST

RUN("session_server", 200, CASE(a_server_killed_in_a_transaction_loses_that_transaction_only),
    CASE(a_server_killed_under_load_loses_and_doubles_nothing),
    CASE(connections_ended_under_load_lose_and_double_nothing_and_are_replaced));
