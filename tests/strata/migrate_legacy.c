/* From text and number keys to uuid keys and back, while programs of the old and of the new kind write. The history is
 * that of examples/legacy. WAYMARK_TEST_ROWS says how many rows there are (3,000). */
#include <inttypes.h>

#include "../../examples/legacy/history.h"
#include "catalog.h"
#include "engine_support.h"
#include "legacy_writers.h"

struct counted { /* what the backfills said */
    int64_t left[8];
    size_t n;
};

static void note(void *arg, const struct st_migrate_progress *p)
{
    struct counted *k = arg;
    if (p->event == ST_M_FILLED && k->n < 8) {
        k->left[k->n++] = p->left;
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

/* Rows of a table whose two columns disagree: a text that is a uuid beside another one, or beside none. */
static int64_t disagreeing(struct world *w, const char *table, const char *text, const char *key)
{
    return number(w,
                  w->dialect == ST_SQLITE
                      ? arena_printf(w->a,
                                     "SELECT count(*) FROM %s WHERE length(%s) = 36 AND %s GLOB '*-*-*-*-*' AND "
                                     "lower(replace(%s, '-', '')) IS NOT lower(hex(%s))",
                                     table, text, text, text, key)
                      : arena_printf(w->a,
                                     "SELECT count(*) FROM %s WHERE length(%s) = 36 AND %s LIKE '%%-%%-%%-%%-%%' AND "
                                     "lower(%s) IS DISTINCT FROM %s::text",
                                     table, text, text, text, key));
}

static const char *plain_url(const struct world *w)
{
    return w->dialect == ST_SQLITE ? w->url + strlen("sqlite:///") : w->url;
}

static void report(const struct world *w, const char *who, const struct writer *x)
{
    (void)fprintf(stderr, "# %s, %s: %" PRId64 " statements, %" PRId64 " refused, longest %.1f ms: %s\n",
                  w->dialect == ST_SQLITE ? "SQLite" : "PostgreSQL", who, x->stats->statements, x->stats->refused,
                  (double)x->stats->longest_ns / 1e6, x->stats->longest);
}

DB_TEST(text_and_number_keys_become_uuids_and_go_back_while_programs_write)
{
    const struct st_migrations *m = &legacy_migrations;
    struct counted k;
    int64_t rows = rows_wanted();
    OK(st_upgrade(w->e, m, "+1", FIBER_FOREVER));
    const char *first = catalog(w);
    fill(w, rows);
    int64_t no_uuid = number(w, "SELECT count(*) FROM domains WHERE id LIKE 'site-%'");
    int64_t no_tenant = number(w, "SELECT count(*) FROM domains WHERE tenant_id = 'acme'");

    /* Both kinds of program write while the columns are made and filled. */
    struct writer old, new, locks = {0};
    writer_start(&old, WRITES_OLD, plain_url(w));
    writer_start(&new, WRITES_NEW, plain_url(w));
    if (w->dialect == ST_POSTGRESQL) {
        writer_start(&locks, WATCHES_LOCKS, w->url);
    }
    writer_wrote(&old);
    writer_tried(&new);
    OK(st_upgrade_with(w->e, m, "beside", told(&k), FIBER_FOREVER));
    writer_wrote(&new);
    ck_assert_uint_eq(k.n, 3);            /* numbers are no uuids, so there is nothing to fill yet */
    ck_assert_int_ge(k.left[0], no_uuid); /* and what the old program added meanwhile */
    ck_assert_int_ge(k.left[1], no_tenant);
    OK(st_upgrade_with(w->e, m, "complete", told(&k), FIBER_FOREVER));
    writer_stop(&new);
    writer_stop(&old);
    report(w, "text keys", &old);
    report(w, "uuid keys", &new);
    ck_assert_int_gt(old.stats->statements, 0);
    ck_assert_int_gt(new.stats->statements, 0);
    ck_assert_int_eq(old.stats->refused, 0); /* no old program ever noticed */
    ck_assert_int_eq(disagreeing(w, "domains", "id", "id_uuid"), 0);
    ck_assert_int_eq(disagreeing(w, "domains", "tenant_id", "tenant_uuid"), 0);
    ck_assert_int_eq(disagreeing(w, "jobs", "tenant_id", "tenant_uuid"), 0);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM domains WHERE id_uuid IS NULL"), 0);
    ck_assert_int_eq(
        number(w, "SELECT count(*) FROM domains WHERE tenant_uuid IS NULL AND tenant_id NOT IN ('acme', 'globex')"), 0);
    int64_t text_keys = number(w, "SELECT count(*) FROM domains WHERE id LIKE 'site-%'");
    ck_assert_int_eq(text_keys, no_uuid);

    /* The keys move, and back, under a program that knows uuids only. */
    struct writer moved;
    writer_start(&moved, WRITES_MOVED, plain_url(w));
    writer_wrote(&moved);
    OK(st_upgrade(w->e, m, "keys", FIBER_FOREVER));
    ck_assert_int_eq(
        number(w, "SELECT count(*) FROM jobs j LEFT JOIN domains d ON d.id = j.domain_id WHERE d.id IS NULL"), 0);
    ck_assert_int_eq(
        number(
            w,
            "SELECT count(*) FROM jobs j JOIN domains d ON d.id = j.domain_id WHERE d.id_legacy <> j.domain_id_legacy"),
        0);
    OK(st_downgrade(w->e, m, "complete", FIBER_FOREVER));
    writer_stop(&moved);
    report(w, "either name", &moved);
    ck_assert_int_gt(moved.stats->statements, 0);
    if (w->dialect == ST_POSTGRESQL) {
        writer_stop(&locks);
        report(w, "locks", &locks);
    }
    ck_assert_int_eq(disagreeing(w, "domains", "id", "id_uuid"), 0);
    OK(st_downgrade(w->e, m, "00001e6acf01", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), first);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM domains WHERE id LIKE 'site-%'"), no_uuid);
    ck_assert_int_eq(
        number(w, "SELECT count(*) FROM jobs j LEFT JOIN domains d ON d.id = j.domain_id WHERE d.id IS NULL"), 0);
    OK(st_downgrade(w->e, m, "base", FIBER_FOREVER));
}

RUN("migrate_legacy", 600, CASE(text_and_number_keys_become_uuids_and_go_back_while_programs_write));
