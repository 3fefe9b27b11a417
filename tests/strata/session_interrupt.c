/* A fiber cancelled, or out of time, at each of the places where a day's work suspends: the work ends there, each
 * transaction is there whole or not at all, and the connection goes back clean. */
#include "day.h"
#include "faults.h"
#include "fiber/internal.h"
#include "interrupt.h"
#include "readers.h"

enum { HOUR_MS = 3600 * 1000 };

struct run {
    struct day *d;
    st_err rc;
    bool done;
};

static int victim(void *arg)
{
    struct run *r = arg;
    FIBER_DEADLINE(fiber_in_ms(HOUR_MS));
    r->rc = day_work(r->d);
    interrupt_disarm();
    r->done = true;
    return 0;
}

/* Takes the one connection now and then, so that the victim waits for it, and is not hurt itself (but that the time
 * passes for both). */
static int bystander(void *arg)
{
    struct run *r = arg;
    while (!r->done) {
        ST_SESSION(s, r->d->w->e, .tenant = tenant_a);
        int64_t n;
        st_err rc = st_count(s, Member, NULL, &n);
        ck_assert_msg(rc == 0 || interrupt_manner() == OUT_OF_TIME, "bystander: %d: %s", rc, test_diag());
        OK(fiber_yield());
    }
    return 0;
}

static uint64_t connects(const struct world *w)
{
    struct st_pool_stats stats;
    st_engine_stats(w->e, &stats);
    return stats.connects;
}

/* False: it waits less often than that. */
static bool interrupt(struct day *d, enum manner manner, uint64_t nth)
{
    struct world *w = d->w;
    struct run r = {.d = d};
    OK(st_engine_open(w->url, &(const struct st_engine_options){.pool_size = 1, .max_overflow = ST_NO_OVERFLOW},
                      &w->e));
    if (w->dialect == ST_SQLITE) {
        OK(st_engine_ping(w->e, FIBER_FOREVER)); /* a reader, beside the writer that is open */
    }
    {
        FIBER_BUNDLE(b);
        OK(fiber_start(&b, victim, &r));
        interrupt_arm(b.first, manner, nth);
        OK(fiber_start(&b, bystander, &r));
        OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    }
    char what[600];
    (void)snprintf(what, sizeof what, "%s at wait %llu: %d: %s", manners[manner], (unsigned long long)nth, r.rc,
                   r.rc ? test_diag() : "");
    ck_assert_msg(r.rc == 0 || r.rc == (manner == OUT_OF_TIME ? -ETIMEDOUT : -ECANCELED), "%s", what);
    uint64_t before = connects(w);
    day_check(d, r.rc, w->dialect == ST_POSTGRESQL, nth % 8 == 0, what);
    ck_assert_msg(manner == OUT_OF_TIME || before == 0 || connects(w) == before, "%s: its connection was thrown away",
                  what);
    st_engine_close(w->e);
    return interrupt_seen() >= nth;
}

static void interrupt_everywhere(struct world *w)
{
    struct day d;
    day_open(&d, w);
    st_engine_close(w->e);
    for (enum manner m = CANCELLED; m < MANNERS; m++) {
        uint64_t n = 1;
        while (interrupt(&d, m, n)) {
            n++;
        }
        (void)fprintf(stderr, "# %s: %llu waits\n", manners[m], (unsigned long long)n - 1);
        ck_assert_uint_gt(n, 10);
    }
    OK(st_engine_open(w->url, NULL, &w->e));
}

/* The number of the one that is interrupted; the others must not notice. False: it waits less often than that. */
static bool interrupt_reader(struct readers *r, enum manner manner, int number, uint64_t nth)
{
    OK(readers_engine(r));
    {
        FIBER_BUNDLE(b);
        OK(readers_start(r, &b));
        const fiber *f = b.first; /* the last one started */
        for (int i = READERS - 1; i > number; i--) {
            f = f->sibling_next;
        }
        interrupt_arm(f, manner, nth);
        OK(fiber_bundle_wait(&b, fiber_in_ms(INT64_C(10) * HOUR_MS)));
        interrupt_disarm();
    }
    char what[100];
    (void)snprintf(what, sizeof what, "reader %d %s at wait %llu", number, manners[manner], (unsigned long long)nth);
    for (int i = 0; i < READERS; i++) {
        const struct reader *me = &r->each[i];
        st_err may = i == number ? -ECANCELED : 0;
        ck_assert_msg(me->err == 0 || me->err == may, "%s: reader %d: %d: %s", what, i, me->err, me->why);
        ck_assert_msg(me->err || me->right == READS, "%s", what);
    }
    readers_check(r, what);
    st_engine_close(r->w->e);
    return interrupt_seen() >= nth;
}

static void interrupt_readers(struct world *w)
{
    struct readers r;
    readers_open(&r, w);
    st_engine_close(w->e);
    for (enum manner m = CANCELLED; m < OUT_OF_TIME; m++) {
        uint64_t waits = 0;
        for (int number = 0; number < READERS; number += 2) {
            for (uint64_t n = 1; interrupt_reader(&r, m, number, n); n++) {
                waits++;
            }
        }
        (void)fprintf(stderr, "# %s: %llu waits\n", manners[m], (unsigned long long)waits);
        ck_assert_uint_gt(waits, 10);
    }
    OK(readers_engine(&r));
}

START_TEST(readers_that_share_connections_interrupted_anywhere)
{
    in_world(WORLD_PG, club_create, interrupt_readers);
}
END_TEST

START_TEST(a_day_interrupted_anywhere_on_sqlite)
{
    in_world(WORLD_SQLITE, club_create, interrupt_everywhere);
}
END_TEST

/* As the superuser: row-level security would keep COPY away. */
START_TEST(a_day_interrupted_anywhere_on_postgresql)
{
    in_world(WORLD_ADMIN, club_create, interrupt_everywhere);
}
END_TEST

START_TEST(a_day_interrupted_anywhere_through_a_pooler)
{
    in_world(WORLD_POOLER, club_create, interrupt_everywhere);
}
END_TEST

RUN("session_interrupt", 300, CASE(readers_that_share_connections_interrupted_anywhere),
    CASE(a_day_interrupted_anywhere_on_sqlite), CASE(a_day_interrupted_anywhere_on_postgresql),
    CASE(a_day_interrupted_anywhere_through_a_pooler));
