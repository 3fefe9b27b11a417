/* From text and number keys to uuid keys and back, while programs of the old and of the new kind read and write. The
 * history is that of examples/legacy. WAYMARK_TEST_ROWS says how many rows there are (3,000). */
#include <inttypes.h>
#include <sys/resource.h>

#include "../../examples/legacy/history.h"
#include "base/clock.h"
#include "catalog.h"
#include "engine_support.h"
#include "legacy_writers.h"
#include "offline.h"

struct counted { /* what the backfills said */
    char name[8][64];
    int64_t left[8], rows[8], ns[8];
    size_t n;
};

static void note(void *arg, const struct st_migrate_progress *p)
{
    struct counted *k = arg;
    if (p->event == ST_M_FILLED && k->n < 8) {
        (void)snprintf(k->name[k->n], sizeof k->name[0], "%s", p->phase);
        k->left[k->n] = p->left;
        k->rows[k->n] = p->rows;
        k->ns[k->n++] = p->ns;
    }
}

static int64_t rows_wanted(void)
{
    const char *said = getenv("WAYMARK_TEST_ROWS");
    return said ? strtoll(said, NULL, 10) : 3000;
}

static const char *series(struct world *w, int64_t n)
{
    return w->dialect == ST_SQLITE
               ? arena_printf(
                     w->a, "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < %" PRId64 ")", n)
               : arena_printf(w->a, "WITH g(i) AS (SELECT generate_series(1, %" PRId64 "))", n);
}

/* Of ten rows three are domains, two of three with a key that is a uuid, in either case; of five tenants one is none.
 */
static void fill(struct world *w, int64_t rows)
{
    int64_t domains = rows * 3 / 10;
    const char *hex = w->dialect == ST_SQLITE ? "printf('%012x', i)" : "lpad(to_hex(i), 12, '0')";
    must(w, arena_printf(w->a,
                         "%s INSERT INTO domains (id, name, tenant_id) SELECT CASE WHEN i %% 3 = 0 THEN 'site-' || i "
                         "WHEN i %% 3 = 1 THEN '00000000-0000-7000-8000-' || %s "
                         "ELSE '00000000-0000-7000-8000-' || upper(%s) END, 'site ' || i, "
                         "CASE WHEN i %% 5 = 0 THEN 'acme' ELSE '11111111-0000-7000-8000-000000000001' END FROM g",
                         series(w, domains), hex, hex));
    must(w, arena_printf(w->a,
                         "%s, d AS (SELECT id, tenant_id, row_number() OVER () AS at FROM domains) INSERT INTO jobs "
                         "(domain_id, tenant_id) SELECT d.id, d.tenant_id FROM g JOIN d ON d.at = 1 + i %% %" PRId64,
                         series(w, rows - domains), domains));
}

static const struct st_migrate_options *told(struct counted *k)
{
    static struct st_migrate_options o;
    o = (struct st_migrate_options){.progress = note, .arg = k};
    *k = (struct counted){0};
    return &o;
}

/* What the new column must be: the text as a uuid when it is one, else nothing; spelled apart from what is tested. */
static const char *expected(struct world *w, const char *text)
{
    return w->dialect == ST_SQLITE
               ? arena_printf(w->a,
                              "CASE WHEN length(%s) = 36 AND %s LIKE '________-____-____-____-____________' AND "
                              "replace(%s, '-', '') NOT GLOB '*[^0-9a-fA-F]*' THEN upper(replace(%s, '-', '')) END",
                              text, text, text, text)
               : arena_printf(w->a,
                              "CASE WHEN length(%s) = 36 AND %s LIKE '________-____-____-____-____________' AND "
                              "translate(lower(%s), '0123456789abcdef-', '') = '' THEN upper(replace(%s, '-', '')) END",
                              text, text, text, text);
}

static const char *spelled(struct world *w, const char *key)
{
    return arena_printf(w->a, w->dialect == ST_SQLITE ? "nullif(hex(%s), '')" : "upper(replace(%s::text, '-', ''))",
                        key);
}

static int64_t text_that_is_none(struct world *w, const char *table, const char *text)
{
    return number(w, arena_printf(w->a, "SELECT count(*) FROM %s WHERE %s IS NOT NULL AND (%s) IS NULL", table, text,
                                  expected(w, text)));
}

/* Rows whose two columns disagree. made: those that do not convert have a new value. One statement: it sees one moment,
 * so it must find none whatever programs write meanwhile. */
static int64_t disagreeing(struct world *w, const char *table, const char *text, const char *key, bool made)
{
    const char *other = w->dialect == ST_SQLITE ? "IS NOT" : "IS DISTINCT FROM";
    return number(
        w, arena_printf(
               w->a, "SELECT count(*) FROM %s WHERE (%s) %s (%s)%s", table, expected(w, text), other, spelled(w, key),
               made ? arena_printf(w->a, " AND ((%s) IS NOT NULL OR %s IS NULL)", expected(w, text), key) : ""));
}

enum stage { BESIDE, COMPLETE, KEYS };

static void all_agree(struct world *w, enum stage s)
{
    const char *old = s == KEYS ? "id_legacy" : "id", *new = s == KEYS ? "id" : "id_uuid";
    const char *old_tenant = s == KEYS ? "tenant_id_legacy" : "tenant_id",
               *tenant = s == KEYS ? "tenant_id" : "tenant_uuid";
    if (s != BESIDE) {
        ck_assert_int_eq(disagreeing(w, "domains", old, new, true), 0);
        ck_assert_int_eq(
            number(w, arena_printf(w->a, "SELECT count(*) FROM jobs WHERE %s IS NULL OR %s IS NULL", old, new)), 0);
        ck_assert_int_eq(number(w, arena_printf(w->a, "SELECT count(*) - count(DISTINCT %s) FROM jobs", new)), 0);
    }
    ck_assert_int_eq(disagreeing(w, "domains", old_tenant, tenant, false), 0);
    ck_assert_int_eq(disagreeing(w, "jobs", old_tenant, tenant, false), 0);
    ck_assert_int_eq(
        number(w, "SELECT count(*) FROM jobs j LEFT JOIN domains d ON d.id = j.domain_id WHERE d.id IS NULL"), 0);
    if (s == KEYS) {
        ck_assert_int_eq(number(w, "SELECT count(*) FROM jobs j JOIN domains d ON d.id = j.domain_id WHERE d.id_legacy "
                                   "<> j.domain_id_legacy OR j.domain_id_legacy IS NULL"),
                         0);
    }
}

static const char *plain_url(const struct world *w)
{
    return w->dialect == ST_SQLITE ? w->url + strlen("sqlite:///") : w->url;
}

static void say(const struct world *w, const char *who, const struct program_stats *s)
{
    const struct looks *l = &s->longest_looks;
    (void)fprintf(
        stderr,
        "# %s, %s: %" PRId64 " statements, %" PRId64 " refused, %" PRId64 " over %d ms (%" PRId64
        " of them waited for a lock), at most %.0f ms without one; longest %.1f ms (seen %u times at work, %u "
        "waiting for a lock, %u for I/O, %u for other things): %s\n",
        w->dialect == ST_SQLITE ? "SQLite" : "PostgreSQL", who, s->statements, s->refused, s->too_long,
        (int)TOO_LONG_MS, s->too_long_locked, (double)s->gap_ns / 1e6, (double)s->longest_ns / 1e6, l->at_work, l->lock,
        l->io, l->other, s->longest);
}

struct stopwatch {
    int64_t at;
    double cpu;
};

static void say_time(struct world *w, struct stopwatch *t, const char *what, const struct counted *k)
{
    struct rusage u;
    int64_t now = clock_mono_ns();
    (void)getrusage(RUSAGE_SELF, &u);
    double cpu =
        (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    (void)fprintf(stderr, "# %s, %s: %.2f s, of the upgrade's own processor %.2f s, at most %ld MB in memory\n",
                  w->dialect == ST_SQLITE ? "SQLite" : "PostgreSQL", what, (double)(now - t->at) / 1e9, cpu - t->cpu,
                  u.ru_maxrss / 1024);
    for (size_t i = 0; k && i < k->n; i++) {
        (void)fprintf(stderr, "#   %s: %" PRId64 " rows, %.0f a second, %" PRId64 " could not be\n", k->name[i],
                      k->rows[i], (double)k->rows[i] / ((double)k->ns[i] / 1e9), k->left[i]);
    }
    t->at = now;
    t->cpu = cpu;
}

/* Everything that a program of the kind does, it has done, and on rows of the other's. */
static void has_done_all(const struct program_stats *s, bool old)
{
    for (enum deed d = ADDED; d <= READ; d++) {
        if (d != SPOILED || old) {
            ck_assert_msg(s->done[d] > 0, "%s: %d never worked", old ? "old" : "new", (int)d);
        }
    }
}

/* Neither a lock was held for so long that it shows on a busy machine, nor did anybody wait for one. */
static void nobody_waited(const struct program_stats *s)
{
    enum { FAR_TOO_LONG_MS = 1000 };
    ck_assert_msg(s->longest_ns < FAR_TOO_LONG_MS * INT64_C(1000000) || !s->longest_looks.lock, "%.1f ms: %s",
                  (double)s->longest_ns / 1e6, s->longest);
}

/* A row for each of them, which both programs change. */
static void add_shared(struct world *w)
{
    for (int i = 0; i < SHARED_ROWS; i++) {
        must(w, arena_printf(w->a,
                             "INSERT INTO domains (id, name, tenant_id) VALUES ('" SHARED_ID "%d', 'shared', NULL); "
                             "INSERT INTO jobs (domain_id, tenant_id) VALUES ('" SHARED_ID "%d', 'acme')",
                             i, i));
    }
}

DB_TEST(text_and_number_keys_become_uuids_and_go_back_while_programs_write)
{
    const struct st_migrations *m = &legacy_migrations;
    struct counted k;
    struct stopwatch t = {.at = clock_mono_ns()};
    int64_t rows = rows_wanted();
    offline_off("others write meanwhile");
    OK(st_upgrade(w->e, m, "+1", FIBER_FOREVER));
    const char *first = catalog(w);
    fill(w, rows);
    add_shared(w);
    int64_t no_uuid = text_that_is_none(w, "domains", "id"), no_tenant = text_that_is_none(w, "domains", "tenant_id");
    int64_t domains = number(w, "SELECT count(*) FROM domains"), jobs = number(w, "SELECT count(*) FROM jobs");
    say_time(w, &t, "the rows", NULL);

    struct crowd crowd;
    crowd_open(&crowd, plain_url(w));
    struct program_stats *old = crowd_start(&crowd, WRITES_OLD), *new = crowd_start(&crowd, WRITES_NEW);
    struct program_stats *reader = crowd_start(&crowd, READS_OLD);
    struct program_stats *locks = w->dialect == ST_POSTGRESQL ? crowd_start(&crowd, WATCHES_LOCKS) : NULL;
    crowd_await(old, 20);
    crowd_await(reader, 1);
    crowd_await(new, 1);

    /* Both kinds of program write while the columns are made and filled. */
    OK(st_upgrade_with(w->e, m, "beside", told(&k), FIBER_FOREVER));
    say_time(w, &t, "beside", &k);
    all_agree(w, BESIDE);
    ck_assert_uint_eq(k.n, 3);            /* numbers are no uuids, so there is nothing to fill yet */
    ck_assert_int_ge(k.left[0], no_uuid); /* and what the old program added meanwhile */
    ck_assert_int_ge(k.left[1], no_tenant);
    crowd_await(new, new->statements + 50);
    t.at = clock_mono_ns();
    OK(st_upgrade_with(w->e, m, "complete", told(&k), FIBER_FOREVER));
    say_time(w, &t, "complete", &k);
    all_agree(w, COMPLETE);
    crowd_await(old, old->statements + 50);
    crowd_await(new, new->statements + 50);
    ck_assert_int_eq(old->refused, 0); /* no old program ever noticed */
    ck_assert_int_eq(reader->refused, 0);

    /* The keys move, and back, under a program that knows the uuids by either name. */
    __atomic_store_n(&old->may_move, true, __ATOMIC_RELEASE);
    __atomic_store_n(&reader->may_move, true, __ATOMIC_RELEASE);
    t.at = clock_mono_ns();
    OK(st_upgrade_with(w->e, m, "keys", told(&k), FIBER_FOREVER));
    say_time(w, &t, "keys", &k);
    crowd_await(new, new->statements + 50);
    all_agree(w, KEYS);
    t.at = clock_mono_ns();
    OK(st_downgrade(w->e, m, "complete", FIBER_FOREVER));
    say_time(w, &t, "back from keys", NULL);
    crowd_await(old, old->statements + 50); /* the old program is at home again */
    crowd_await(reader, reader->statements + 50);
    crowd_await(new, new->statements + 50);
    __atomic_store_n(&old->may_move, false, __ATOMIC_RELEASE);
    __atomic_store_n(&reader->may_move, false, __ATOMIC_RELEASE);
    all_agree(w, COMPLETE);
    int64_t refused = old->refused + reader->refused;
    t.at = clock_mono_ns();
    OK(st_downgrade(w->e, m, "00001e6acf01", FIBER_FOREVER));
    say_time(w, &t, "back from beside", NULL);
    crowd_await(old, old->statements + 20);
    crowd_stop(&crowd);
    say(w, "old program", old);
    say(w, "old reader", reader);
    say(w, "new program", new);
    if (locks) {
        (void)fprintf(stderr, "# PostgreSQL, locks: longest asked for or held %.1f ms: %s\n",
                      (double)locks->longest_ns / 1e6, locks->longest);
        nobody_waited(old);
        nobody_waited(reader);
        nobody_waited(new);
        ck_assert_int_lt(locks->longest_ns, INT64_C(1000000000));
    }
    ck_assert_int_eq(old->refused + reader->refused, refused);
    has_done_all(old, true);
    has_done_all(new, false);
    ck_assert_str_eq(catalog(w), first);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM domains"), domains + old->domains + new->domains);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM jobs"), jobs + old->jobs + new->jobs);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM domains WHERE id LIKE 'site-%'"), no_uuid);

    /* What all of that has left, without anybody there: the count is exact. */
    no_uuid = text_that_is_none(w, "domains", "id");
    no_tenant = text_that_is_none(w, "domains", "tenant_id");
    int64_t no_job_tenant = text_that_is_none(w, "jobs", "tenant_id");
    t.at = clock_mono_ns();
    OK(st_upgrade_with(w->e, m, "beside", told(&k), FIBER_FOREVER));
    say_time(w, &t, "beside, alone", &k);
    ck_assert_int_eq(k.left[0], no_uuid);
    ck_assert_int_eq(k.left[1], no_tenant);
    ck_assert_int_eq(k.left[2], no_job_tenant);
    all_agree(w, BESIDE);
    OK(st_downgrade(w->e, m, "base", FIBER_FOREVER));
}

/* Each step by a script, too; see offline.h. */
DB_TEST(so_they_do_step_by_step_when_nobody_writes)
{
    const struct st_migrations *m = &legacy_migrations;
    OK(st_upgrade(w->e, m, "+1", FIBER_FOREVER));
    fill(w, 600);
    for (const st_revision *const *r = m->revisions + 1; *r; r++) {
        OK(st_upgrade(w->e, m, "+1", FIBER_FOREVER));
    }
    CODE(st_upgrade(w->e, m, "+1", FIBER_FOREVER), ST_E_INVALID);
    for (const st_revision *const *r = m->revisions; *r; r++) {
        OK(st_downgrade(w->e, m, "-1", FIBER_FOREVER));
    }
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_revisions"), 0);
}

RUN("migrate_legacy", 6000, CASE(text_and_number_keys_become_uuids_and_go_back_while_programs_write),
    CASE(so_they_do_step_by_step_when_nobody_writes));
