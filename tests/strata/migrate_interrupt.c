/* Commands whose fiber is cancelled, or out of time, at each of the places where it waits (torture.h). Afterwards the
 * engine works on, with nothing open on its connections. WAYMARK_TEST_WAITS says at how many waits of each kind and
 * command; 0: at each of them. */
#include "catalog.h"
#include "interrupt.h"
#include "torture.h"

enum { HOUR_MS = 3600 * 1000 };

struct command {
    struct torture *t;
    st_engine *e;
    const char *args;
    uint64_t nth;
    int status;
};

static int victim(void *arg)
{
    struct command *c = arg;
    FIBER_DEADLINE(fiber_in_ms(HOUR_MS));
    interrupt_arm(fiber_self(), (enum manner)c->t->kind->how, c->nth);
    c->status = torture_run(c->t, c->e, c->args);
    interrupt_disarm();
    return 0;
}

/* Nothing is open, and each connection does what a new one would. */
static void must_be_clean(struct torture *t, st_engine *e, const char *what)
{
    struct world w = *t->w;
    struct st_pool_stats s;
    ARENA_AUTO arena *own = arena_new(NULL, 0);
    w.e = e;
    w.a = own;
    st_engine_stats(e, &s);
    ck_assert_msg(s.in_use == 0 && s.waiting == 0, "%s: %u connections are in use", what, s.in_use);
    if (t->admin) {
        ck_assert_msg(number(&w, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state "
                                 "LIKE 'idle in transaction%'") == 0,
                      "%s: a transaction is open", what);
        ck_assert_msg(strcmp(text_of(&w, "SELECT coalesce(current_setting('strata.system', true), '')"), "on") != 0,
                      "%s: the wall is down", what);
        return;
    }
    st_conn *c;
    st_engine *other;
    OK(st_conn_acquire(e, true, FIBER_FOREVER, &c));
    ck_assert_msg(number_on(&w, c, "PRAGMA foreign_keys") == 1, "%s: foreign keys are off", what);
    ck_assert_msg(number_on(&w, c, "PRAGMA legacy_alter_table") == 0, "%s: tables are altered as of old", what);
    st_conn_release(c);
    OK(st_engine_open(w.url, NULL, &other));
    st_err rc = st_engine_execute(other, "BEGIN IMMEDIATE; ROLLBACK", fiber_in_ms(2000));
    ck_assert_msg(rc == 0, "%s: the file is locked: %s", what, test_diag());
    st_engine_close(other);
}

static int run(struct torture *t, const char *args, uint64_t nth, uint64_t *ret_times)
{
    struct command c = {.t = t, .args = args, .nth = nth};
    char what[200];
    OK(st_engine_open(t->w->url, NULL, &c.e));
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, victim, &c));
        OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    }
    *ret_times = interrupt_seen();
    (void)snprintf(what, sizeof what, "%s, wait %llu of %s", manners[t->kind->how], (unsigned long long)nth, args);
    must_be_clean(t, c.e, what);
    st_engine_close(c.e);
    return c.status;
}

static const char *where(void)
{
    return "a wait";
}

static const struct torture_way interruptions = {"WAYMARK_TEST_WAITS", manners, run, where};

static const struct torture_kind kinds[] = {
    {CANCELLED, {-ECANCELED}},
    {CANCELLED_BUSY, {-ECANCELED}},
    {CANCELLED_LATE, {-ECANCELED}},
    {OUT_OF_TIME, {-ETIMEDOUT}},
};

START_TEST(on_sqlite_a_command_may_be_cancelled_wherever_it_waits)
{
    torture(ST_SQLITE, &interruptions, kinds, sizeof kinds / sizeof *kinds, 8, 2);
}
END_TEST

START_TEST(on_postgresql_a_command_may_be_cancelled_wherever_it_waits)
{
    torture(ST_POSTGRESQL, &interruptions, kinds, sizeof kinds / sizeof *kinds, 3, 1);
}
END_TEST

RUN("migrate_interrupt", 3000, CASE(on_sqlite_a_command_may_be_cancelled_wherever_it_waits),
    CASE(on_postgresql_a_command_may_be_cancelled_wherever_it_waits));
