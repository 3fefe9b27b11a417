/* A reader that stays: the upgrade steps back again and again, programs pass it by, and whoever looks is told why. */
#include "notes.h"

#include <inttypes.h>

#include "engine_support.h"
#include "strata/migrate/run.h"

enum { WAIT_MS = 150, TRIES = 6, RETRIES_MAX = 64 };

static const st_table_column added = {"extra", ST_INT64, .nullable = true};

static st_err up(st_ops *o)
{
    st_add_column(o, "authors", &added);
    return st_add_column(o, "notes", &added);
}
static st_err down(st_ops *o)
{
    st_drop_column(o, "notes", "extra");
    return st_drop_column(o, "authors", "extra");
}
static const st_revision extra = {.id = "w1", .parents = {"n0"}, .message = "extra", .upgrade = up, .downgrade = down};
#define HISTORY NOTES_HISTORY(&extra)

struct waits {
    struct world *w;
    st_engine *others;
    st_conn *reader;
    int64_t pauses[RETRIES_MAX];
    unsigned retries, phases;
    size_t first_phase;
    char note[600];
    bool stop;
    int64_t written, longest_ns;
};

static void see(void *arg, const struct st_migrate_progress *p)
{
    struct waits *k = arg;
    if (p->event == ST_M_RETRY && k->retries < RETRIES_MAX) {
        k->pauses[k->retries++] = p->remaining_ms;
        (void)snprintf(k->note, sizeof k->note, "%s", p->note);
    } else if (p->event == ST_M_PHASE) {
        k->first_phase = k->phases++ ? k->first_phase : p->at;
    }
}

static int write_on(void *arg)
{
    struct waits *k = arg;
    while (!k->stop) {
        int64_t start = fiber_now();
        OK(st_engine_execute(k->others, "UPDATE notes SET other = 1 WHERE id = 1", FIBER_FOREVER));
        int64_t took = fiber_now() - start;
        k->longest_ns = took > k->longest_ns ? took : k->longest_ns;
        k->written++;
        OK(fiber_sleep_until(fiber_in_ms(2)));
    }
    return 0;
}

static void open_waits(struct waits *k, struct world *w)
{
    *k = (struct waits){.w = w};
    world_open(w, ST_POSTGRESQL, NULL);
    OK(st_upgrade(w->e, HISTORY, "n0", FIBER_FOREVER));
    OK(st_engine_open(w->url, NULL, &k->others));
    OK(st_conn_acquire(k->others, true, FIBER_FOREVER, &k->reader));
    OK(st_conn_exec(k->reader, "SET application_name = 'report'; BEGIN; SELECT count(*) FROM notes", FIBER_FOREVER));
}

static void close_waits(struct waits *k)
{
    st_conn_release(k->reader);
    st_engine_close(k->others);
    world_close(k->w);
}

START_TEST(writers_wait_no_longer_behind_the_upgrade_than_it_waits_itself)
{
    struct world w;
    struct waits k;
    open_waits(&k, &w);
    struct st_migrate_options o = {.lock_timeout_ms = WAIT_MS, .lock_tries = TRIES, .progress = see, .arg = &k};
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, write_on, &k));
    int64_t start = fiber_now();
    CODE(st_upgrade_with(w.e, HISTORY, "head", &o, FIBER_FOREVER), ST_E_BUSY);
    int64_t took = fiber_now() - start;
    k.stop = true;
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    ck_assert_uint_eq(k.retries, TRIES - 1);
    ck_assert_int_gt(took, INT64_C(1000000) * WAIT_MS * TRIES);
    /* on a busy machine a program is late by itself; without the time limit it would have waited all the time */
    ck_assert_msg(k.longest_ns < took / 3, "a writer waited %" PRId64 " ms of %" PRId64, k.longest_ns / 1000000,
                  took / 1000000);
    ck_assert_int_gt(k.written, TRIES);
    printf("# %u tries in %" PRId64 " ms; of %" PRId64 " writes the longest took %" PRId64 " ms\n", TRIES,
           took / 1000000, k.written, k.longest_ns / 1000000);
    close_waits(&k);
}
END_TEST

START_TEST(pauses_double_and_are_never_the_same)
{
    struct world w;
    struct waits k;
    open_waits(&k, &w);
    struct st_migrate_options o = {.lock_timeout_ms = 20, .lock_tries = TRIES, .progress = see, .arg = &k};
    CODE(st_upgrade_with(w.e, HISTORY, "head", &o, FIBER_FOREVER), ST_E_BUSY);
    CODE(st_upgrade_with(w.e, HISTORY, "head", &o, FIBER_FOREVER), ST_E_BUSY);
    const unsigned n = TRIES - 1;
    ck_assert_uint_eq(k.retries, 2 * n);
    bool differ = false;
    for (unsigned i = 0; i < 2 * n; i++) {
        int64_t most = 50 << i % n;
        most = most < 3000 ? most : 3000;
        ck_assert_msg(k.pauses[i] >= most / 2 && k.pauses[i] <= most, "pause %u: %" PRId64 " ms of %" PRId64, i,
                      k.pauses[i], most);
        differ = differ || (i >= n && k.pauses[i] != k.pauses[i - n]);
    }
    ck_assert(differ);
    close_waits(&k);
}
END_TEST

START_TEST(the_message_says_who_since_when_and_what_to_do_and_the_next_upgrade_goes_on)
{
    struct world w;
    struct waits k;
    open_waits(&k, &w);
    struct st_migrate_options o = {.lock_timeout_ms = 400, .lock_tries = 2, .progress = see, .arg = &k};
    CODE(st_upgrade_with(w.e, HISTORY, "head", &o, FIBER_FOREVER), ST_E_BUSY);
    const char *said = diag_last()->message;
    char pid[80], end[64];
    (void)snprintf(pid, sizeof pid, "pid %d (report, idle in transaction, since ", st_conn_backend(k.reader));
    (void)snprintf(end, sizeof end, "SELECT pg_terminate_backend(%d)", st_conn_backend(k.reader));
    ck_assert_msg(
        strstr(said, "phase 2 of 2 (change notes): tried 2 times: a lock on the table notes was not granted") &&
            strstr(said, pid) && strstr(said, "SELECT count(*) FROM notes"),
        "%s", said);
    ck_assert_msg(strstr(diag_last()->hint, end) && strstr(diag_last()->hint, "goes on from here"), "%s",
                  diag_last()->hint);
    ck_assert_msg(strstr(k.note, "pid "), "%s", k.note);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM strata_journal WHERE state = 'done'"), 1);
    OK(st_conn_exec(k.reader, "COMMIT", FIBER_FOREVER));
    k.phases = 0;
    OK(st_upgrade_with(w.e, HISTORY, "head", &o, FIBER_FOREVER));
    ck_assert_uint_eq(k.phases, 1);
    ck_assert_uint_eq(k.first_phase, 1);
    close_waits(&k);
}
END_TEST

/* ---- indexes, which are built outside of transactions: seen from beside while they wait for a writer ---- */

static st_err up_index(st_ops *o)
{
    return st_create_index(o, "notes", &(const st_table_index){.name = "beside", .columns = {"other"}});
}
static st_err down_index(st_ops *o)
{
    return st_drop_index(o, "notes", "beside");
}
static const st_revision indexed = {
    .id = "w2", .parents = {"n0"}, .message = "index", .upgrade = up_index, .downgrade = down_index};

struct beside {
    struct waits *k;
    bool up;
};

static int move(void *arg)
{
    struct beside *b = arg;
    const struct st_migrations *m = NOTES_HISTORY(&indexed);
    OK(b->up ? st_upgrade(b->k->w->e, m, "head", FIBER_FOREVER) : st_downgrade(b->k->w->e, m, "n0", FIBER_FOREVER));
    return 0;
}

START_TEST(an_index_comes_and_goes_under_the_lock_that_lets_writers_through)
{
    static const char mode[] =
        "SELECT count(*) FROM pg_locks AS l WHERE relation = 'notes'::regclass AND granted AND mode = "
        "'ShareUpdateExclusiveLock' AND EXISTS (SELECT FROM pg_locks AS x WHERE x.pid = l.pid AND NOT x.granted) AND "
        "NOT EXISTS (SELECT FROM pg_locks AS y WHERE y.pid = l.pid AND y.relation = l.relation AND y.mode IN "
        "('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))";
    struct world w;
    struct waits k;
    open_waits(&k, &w);
    struct world beside = w;
    beside.e = k.others;
    OK(st_conn_exec(k.reader, "COMMIT", FIBER_FOREVER));
    for (int up_now = 1; up_now >= 0; up_now--) {
        struct beside b = {&k, up_now};
        FIBER_BUNDLE(all);
        OK(st_conn_exec(k.reader, "BEGIN; UPDATE notes SET other = 2 WHERE id = 2", FIBER_FOREVER));
        OK(fiber_start(&all, move, &b));
        int64_t until = fiber_in_ms(20000);
        while (number(&beside, mode) == 0) {
            ck_assert_msg(fiber_now() < until, "it never stood there waiting under the lock that was promised");
            OK(fiber_sleep_until(fiber_in_ms(5)));
        }
        must(&beside, "UPDATE notes SET other = 3 WHERE id = 3");
        OK(st_conn_exec(k.reader, "COMMIT", FIBER_FOREVER));
        OK(fiber_bundle_wait(&all, FIBER_FOREVER));
    }
    close_waits(&k);
}
END_TEST

static st_err up_parted(st_ops *o)
{
    return st_create_index(o, "parted", &(const st_table_index){.columns = {"n"}});
}
static const st_revision parted = {.id = "w3", .parents = {"n0"}, .message = "parted", .upgrade = up_parted};

START_TEST(what_partitioned_tables_cannot_is_refused_with_the_way_out)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    OK(st_upgrade(w.e, NOTES_HISTORY(&parted), "n0", FIBER_FOREVER));
    must(&w, "CREATE TABLE parted (n bigint) PARTITION BY RANGE (n)");
    CODE(st_upgrade(w.e, NOTES_HISTORY(&parted), "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(strstr(diag_last()->message, "cannot be changed beside those who use it: parted") &&
                      strstr(diag_last()->hint, "--unsafe"),
                  "%s; %s", diag_last()->message, diag_last()->hint);
    const struct st_migrate_options unsafe = {.unsafe = true}; /* nothing has been begun that would stand in its way */
    OK(st_upgrade_with(w.e, NOTES_HISTORY(&parted), "head", &unsafe, FIBER_FOREVER));
    world_close(&w);
}
END_TEST

RUN("strata migrate wait", 60, CASE(writers_wait_no_longer_behind_the_upgrade_than_it_waits_itself),
    CASE(pauses_double_and_are_never_the_same),
    CASE(the_message_says_who_since_when_and_what_to_do_and_the_next_upgrade_goes_on),
    CASE(an_index_comes_and_goes_under_the_lock_that_lets_writers_through),
    CASE(what_partitioned_tables_cannot_is_refused_with_the_way_out));
