/* Every call of libpq and sqlite3, and every allocation, failed in turn over a day's work: an error comes back, each
 * transaction is there whole or not at all, nothing leaks, and the engine goes on. WAYMARK_TEST_EVERY=n tries one call
 * in n, for slow tools. */
#include <unistd.h>

#include "day.h"
#include "faults.h"
#include "random.h"
#include "readers.h"

struct torture {
    struct day d;
    struct world *w;
    enum fault kind;
    st_err code;    /* what may come back, beside 0 */
    unsigned every; /* call; 0: each */
    uint64_t random;
};

/* One day, from opening the engine to closing it, with one failure (or run of them). False: there are no more calls. */
static bool one_day(struct torture *t, uint64_t nth, uint64_t run, bool again)
{
    struct world *w = t->w;
    int64_t owed = fault_owed();
    w->e = NULL;
    t->d.committed = 0;
    t->d.committing = false;
    fault_arm(t->kind, nth, run);
    st_err rc = st_engine_open(w->url, NULL, &w->e);
    rc = rc ? rc : day_work(&t->d);
    bool reached = fault_seen() >= nth;
    fault_disarm();
    char what[600];
    (void)snprintf(what, sizeof what, "%s, call %llu (%s), %llu in a row: %d: %s", fault_names[t->kind],
                   (unsigned long long)nth, fault_where(), (unsigned long long)run, rc, rc ? test_diag() : "");
    ck_assert_msg(run > 1 || rc == 0 || rc == t->code, "%s", what);
    if (!w->e) {
        OK(st_engine_open(w->url, NULL, &w->e));
    }
    day_check(&t->d, rc, w->dialect == ST_POSTGRESQL, again, what);
    st_engine_close(w->e);
    OK(fiber_sleep_until(fiber_now() + 1)); /* the loop lets go of closed sockets */
    ck_assert_msg(fault_owed() == owed, "%s: %lld are not given back", what, (long long)(fault_owed() - owed));
    return reached;
}

static void each_call(struct torture *t, uint64_t at_least)
{
    uint64_t n = 1;
    t->d.insists = true;
    while (one_day(t, n, 1, n % 8 == 0)) {
        n += (t->every ? t->every : 1) * chance_number("WAYMARK_TEST_EVERY", 1);
    }
    fprintf(stderr, "# %s: %llu calls\n", fault_names[t->kind], (unsigned long long)n);
    ck_assert_uint_gt(n, at_least);
    t->d.insists = false; /* the next failure may hit the rollback */
    for (int i = 0; i < 20; i++) {
        t->random = t->random * 6364136223846793005U + 1442695040888963407U;
        (void)one_day(t, 1 + (t->random >> 33) % n, 2 + (t->random >> 20) % 3, true);
    }
}

static void torture(struct world *w, const struct torture *kinds, size_t n)
{
    struct torture t = {.w = w, .random = 1};
    day_open(&t.d, w);
    st_engine_close(w->e);
    OK(fiber_sleep_until(fiber_now() + 1));
    for (size_t i = 0; i < n; i++) {
        t.kind = kinds[i].kind;
        t.code = kinds[i].code;
        t.every = kinds[i].every;
        each_call(&t, 30);
    }
    OK(st_engine_open(w->url, NULL, &w->e));
}

static void on_sqlite(struct world *w)
{
    static const struct torture kinds[] = {
        {.kind = FAULT_MEM, .code = -ENOMEM},
        {.kind = FAULT_NOMEM, .code = -ENOMEM},
        {.kind = FAULT_IO, .code = ST_E_SQL},
        {.kind = FAULT_FULL, .code = ST_E_FULL, .every = 3},
        {.kind = FAULT_CORRUPT, .code = ST_E_SQL, .every = 3},
        {.kind = FAULT_BUSY, .code = ST_E_SERIALIZATION}, /* only when rows were out already */
        {.kind = FAULT_IO_UNDONE, .code = ST_E_SQL},
    };
    torture(w, kinds, sizeof kinds / sizeof *kinds);
}

static void on_postgresql(struct world *w)
{
    static const struct torture kinds[] = {
        {.kind = FAULT_MEM, .code = -ENOMEM},
        {.kind = FAULT_NOMEM, .code = -ENOMEM},
        {.kind = FAULT_NO_RESULT, .code = -ENOMEM},
        {.kind = FAULT_LOST, .code = ST_E_CONNECTION},
    };
    torture(w, kinds, sizeof kinds / sizeof *kinds);
}

/* What a lost connection leaves behind is the pooler's to clean up. */
static void through_a_pooler(struct world *w)
{
    static const struct torture kinds[] = {{.kind = FAULT_LOST, .code = ST_E_CONNECTION, .every = 5}};
    torture(w, kinds, 1);
}

static bool read_once(struct readers *r, enum fault kind, st_err code, uint64_t nth)
{
    int64_t owed = fault_owed();
    OK(readers_engine(r));
    char what[600];
    bool reached;
    {
        FIBER_BUNDLE(b);
        OK(readers_start(r, &b));
        fault_arm(kind, nth, 1);
        OK(fiber_bundle_wait(&b, fiber_in_ms(20000)));
        reached = fault_seen() >= nth;
        fault_disarm();
    }
    (void)snprintf(what, sizeof what, "%s, call %llu (%s)", fault_names[kind], (unsigned long long)nth, fault_where());
    for (int i = 0; i < READERS; i++) {
        const struct reader *me = &r->each[i];
        ck_assert_msg(me->err == 0 || me->err == code, "%s: %d: %s", what, me->err, me->why);
        ck_assert_msg(reached || me->right == READS, "%s: a reader failed without a fault", what);
    }
    readers_check(r, what);
    st_engine_close(r->w->e);
    OK(fiber_sleep_until(fiber_now() + 1));
    ck_assert_msg(fault_owed() == owed, "%s: %lld are not given back", what, (long long)(fault_owed() - owed));
    return reached;
}

static void shared_reads(struct world *w)
{
    static const struct {
        enum fault kind;
        st_err code;
    } kinds[] = {
        {FAULT_MEM, -ENOMEM}, {FAULT_NOMEM, -ENOMEM}, {FAULT_NO_RESULT, -ENOMEM}, {FAULT_LOST, ST_E_CONNECTION}};
    struct readers r;
    readers_open(&r, w);
    st_engine_close(w->e);
    { /* stacks and the like, which the loop keeps */
        OK(readers_engine(&r));
        readers_check(&r, "at first");
        st_engine_close(w->e);
        OK(fiber_sleep_until(fiber_now() + 1));
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint64_t n = 1;
        while (read_once(&r, kinds[i].kind, kinds[i].code, n)) {
            n += chance_number("WAYMARK_TEST_EVERY", 1);
        }
        (void)fprintf(stderr, "# %s: %llu calls\n", fault_names[kinds[i].kind], (unsigned long long)n);
    }
    OK(readers_engine(&r));
}

START_TEST(every_call_of_reads_that_share_connections_may_fail)
{
    fault_watch();
    in_world(WORLD_PG, club_create, shared_reads);
}
END_TEST

/* One copy of the file, with one failure. False: there are no more calls. */
static bool copy_once(struct world *w, const char *path, enum fault kind, st_err code, uint64_t nth)
{
    st_conn *c;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    int64_t owed = fault_owed();
    fault_arm(kind, nth, 1);
    st_err rc = st_conn_copy_file(c, path, FIBER_FOREVER);
    bool reached = fault_seen() >= nth;
    fault_disarm();
    char what[300];
    (void)snprintf(what, sizeof what, "%s, call %llu (%s): %d: %.150s", fault_names[kind], (unsigned long long)nth,
                   fault_where(), rc, rc ? test_diag() : "");
    ck_assert_msg(rc == code || (rc == 0 && (!reached || kind == FAULT_BUSY)), "%s", what);
    ck_assert_msg(fault_owed() == owed, "%s: %lld are not given back", what, (long long)(fault_owed() - owed));
    st_conn_release(c);
    ck_assert_msg((access(path, F_OK) == 0) == (rc == 0), "%s: half a copy", what);
    if (rc == 0) {
        st_engine *copy;
        int64_t n = 0;
        OK(st_engine_open(server_printf("sqlite:///%s", path), NULL, &copy));
        {
            ST_SESSION(s, copy, .tenant = tenant_a);
            OK(st_count(s, Member, NULL, &n));
        }
        ck_assert_int_eq(n, 4);
        st_engine_close(copy);
    }
    return reached;
}

static void copy_file(struct world *w)
{
    static const struct {
        enum fault kind;
        st_err code;
    } kinds[] = {{FAULT_NOMEM, -ENOMEM}, {FAULT_IO, ST_E_FULL}, {FAULT_FULL, ST_E_FULL}, {FAULT_BUSY, 0}};
    const char *path = server_printf("%s/copy.db", w->dir);
    (void)club_put(w, tenant_a, "red", 4);
    ck_assert(!copy_once(w, path, FAULT_NOMEM, 0, 1000)); /* what the connections keep is there then */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        uint64_t n = 1;
        while (copy_once(w, path, kinds[i].kind, kinds[i].code, n)) {
            n++;
        }
        ck_assert_uint_gt(n, 2);
    }
}

START_TEST(every_call_of_copying_a_file_may_fail)
{
    fault_watch();
    in_world(WORLD_SQLITE, club_create, copy_file);
}
END_TEST

START_TEST(every_call_of_sqlite_may_fail)
{
    fault_watch();
    in_world(WORLD_SQLITE, club_create, on_sqlite);
}
END_TEST

/* As the superuser: row-level security would keep COPY away. */
START_TEST(every_call_of_libpq_may_fail)
{
    fault_watch();
    in_world(WORLD_ADMIN, club_create, on_postgresql);
}
END_TEST

START_TEST(a_connection_to_a_pooler_may_break_at_calls_of_libpq)
{
    fault_watch();
    in_world(WORLD_POOLER, club_create, through_a_pooler);
}
END_TEST

RUN("session_torture", 500, CASE(every_call_of_copying_a_file_may_fail), CASE(every_call_of_sqlite_may_fail),
    CASE(every_call_of_libpq_may_fail), CASE(every_call_of_reads_that_share_connections_may_fail),
    CASE(a_connection_to_a_pooler_may_break_at_calls_of_libpq));
