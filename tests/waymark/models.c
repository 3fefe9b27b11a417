/* The product's tables: models and revisions say the same, and the databases hold what they promise. */
#include "waymark/models/models.h"
#include "catalog.h"
#include "strata/expr.h"
#include "strata/migrate/private.h"
#include "waymark/migrations/migrations.h"
#include "waymark/migrations/revisions.h"

/* What the models' tables take to create, by table; rows that a revision puts in are left out. */
static const char *spelled(arena *a, enum st_dialect d, struct migrate_op *ops, size_t n)
{
    buf b BUF_AUTO;
    struct migrate_plan p = {0};
    buf_init(&b, 1 << 20);
    OK(migrate_plan_ops(a, d, ops, n, &p));
    for (size_t i = 0; i < p.n; i++) {
        if (p.steps[i].op->kind != MIGRATE_SQL) {
            buf_puts(&b, p.steps[i].sql);
            buf_puts(&b, ";\n");
        }
    }
    return migrate_text(a, &b);
}

START_TEST(the_first_revision_states_what_the_models_say)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    for (enum st_dialect d = ST_SQLITE; d <= ST_POSTGRESQL; d++) {
        const st_table *tables;
        size_t n;
        st_ops stated, models;
        migrate_ops_init(&stated, a, d);
        migrate_ops_init(&models, a, d);
        OK(rev_20261122_first_tables.upgrade(&stated));
        OK(st_tables_of_models(a, waymark_models, WAYMARK_MODELS, &tables, &n));
        for (size_t i = 0; i < n; i++) {
            OK(st_create_table(&models, &tables[i]));
        }
        ck_assert_str_eq(spelled(a, d, stated.ops, stated.n), spelled(a, d, models.ops, models.n));
    }
}
END_TEST

DB_TEST(the_databases_report_the_same_schema_for_revisions_and_models)
{
    OK(st_upgrade(w->e, &waymark_migrations, "head", FIBER_FOREVER));
    const char *stated = catalog(w);
    ck_assert_ptr_nonnull(strstr(stated, "pages_domain_id_url_key"));
    OK(st_downgrade(w->e, &waymark_migrations, "base", FIBER_FOREVER));
    OK(st_create_all(w->e, waymark_models, WAYMARK_MODELS, FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), stated);
}

DB_TEST(the_history_goes_up_down_and_up)
{
    OK(st_upgrade(w->e, &waymark_migrations, "head", FIBER_FOREVER));
    ck_assert(st_is_at_head(w->e, &waymark_migrations));
    const char *first = catalog(w);
    OK(st_downgrade(w->e, &waymark_migrations, "base", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), "");
    OK(st_upgrade(w->e, &waymark_migrations, "head", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), first);
}

DB_TEST(at_head_the_database_says_what_the_models_say)
{
    const char *const *lines;
    size_t n;
    OK(st_compare(w->e, &waymark_migrations, w->a, FIBER_FOREVER, &lines, &n));
    ck_assert_uint_eq(n, WAYMARK_MODELS); /* a table each */
    OK(st_upgrade(w->e, &waymark_migrations, "head", FIBER_FOREVER));
    OK(st_compare(w->e, &waymark_migrations, w->a, FIBER_FOREVER, &lines, &n));
    ck_assert_msg(n == 0, "%s", n ? lines[0] : "");
    must(w, "ALTER TABLE jobs DROP COLUMN attempts");
    OK(st_compare(w->e, &waymark_migrations, w->a, FIBER_FOREVER, &lines, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(lines[0], "table jobs: add the column attempts");
}

/* A role that owns nothing and may make nothing has a place for temporary tables. */
DB_TEST(a_role_without_rights_may_compare)
{
    const char *const *lines;
    size_t n;
    OK(st_upgrade(w->e, &waymark_migrations, "head", FIBER_FOREVER));
    if (w->dialect == ST_POSTGRESQL) {
        world_reopen(w, pg_test_url_as(w->url, PG_APP), NULL);
    }
    OK(st_compare(w->e, &waymark_migrations, w->a, FIBER_FOREVER, &lines, &n));
    ck_assert_msg(n == 0, "%s", n ? lines[0] : "");
}

/* A uuid as each database spells it in SQL; n makes them differ. */
static const char *id(struct world *w, unsigned n)
{
    return w->dialect == ST_SQLITE ? arena_printf(w->a, "x'00000000000070008000000000%06x'", n)
                                   : arena_printf(w->a, "'00000000-0000-7000-8000-000000%06x'", n);
}

static st_err insert(struct world *w, const char *into, const char *values, ...) __attribute__((format(printf, 3, 4)));
static st_err insert(struct world *w, const char *into, const char *values, ...)
{
    va_list ap;
    va_start(ap, values);
    const char *v = arena_vprintf(w->a, values, ap);
    va_end(ap);
    return st_engine_execute(w->e, arena_printf(w->a, "INSERT INTO %s VALUES (%s)", into, v), FIBER_FOREVER);
}

#define PAGES "pages (tenant_id, id, domain_id, sitemap_file_id, url, first_seen, last_seen)"
#define FILES "sitemap_files (tenant_id, id, domain_id, parent_id, url, discovery)"

/* To head, and then as one for whom row-level security does not hold: these tests write plain SQL. */
static void upgrade(struct world *w)
{
    OK(st_upgrade(w->e, &waymark_migrations, "head", FIBER_FOREVER));
    if (w->dialect == ST_POSTGRESQL) {
        world_reopen(w, pg_test_url_as(w->url, PG_ADMIN), NULL);
    }
}

/* Two sites of the local tenant (0x101, 0x102), one of another (0x103), with a sitemap each (0x201 ...). */
static void fill(struct world *w)
{
    upgrade(w);
    OK(insert(w, "tenants (tenant_id, id, name)", "%s, %s, 'other'", id(w, 2), id(w, 2)));
    for (unsigned i = 1; i <= 3; i++) {
        const char *tenant = id(w, i == 3 ? 2 : 1);
        OK(insert(w, "domains (tenant_id, id, domain)", "%s, %s, 'site%u.example'", tenant, id(w, 0x100 + i), i));
        OK(insert(w, FILES, "%s, %s, %s, NULL, 'https://x/s.xml', 'robots'", tenant, id(w, 0x200 + i),
                  id(w, 0x100 + i)));
    }
}

/* The time zero, as each database spells it. */
static const char *zero(struct world *w)
{
    return w->dialect == ST_SQLITE ? "0" : "'epoch'";
}

static st_err page(struct world *w, unsigned tenant, unsigned n, unsigned domain, unsigned file, const char *url)
{
    return insert(w, PAGES, "%s, %s, %s, %s, '%s', %s, %s", id(w, tenant), id(w, 0x300 + n), id(w, domain), id(w, file),
                  url, zero(w), zero(w));
}

DB_TEST(the_local_tenant_is_there_from_the_start)
{
    upgrade(w);
    const st_value local = st_v_uuid(TENANT_LOCAL);
    int64_t n;
    OK(run_one(w, "UPDATE tenants SET name = name WHERE id = $1 AND tenant_id = $1", &local, 1, &n));
    ck_assert_int_eq(n, 1);
    CODE(insert(w, "tenants (tenant_id, id, name)", "%s, %s, 'two in one'", id(w, 1), id(w, 9)), ST_E_CHECK);
}

DB_TEST(no_row_points_at_another_tenants_or_another_sites)
{
    fill(w);
    OK(page(w, 1, 1, 0x101, 0x201, "https://site1.example/"));
    CODE(page(w, 1, 2, 0x103, 0x203, "https://site3.example/"), ST_E_FOREIGN_KEY); /* the site is another tenant's */
    CODE(page(w, 1, 2, 0x101, 0x203, "https://site1.example/a"), ST_E_FOREIGN_KEY);
    CODE(page(w, 1, 2, 0x101, 0x202, "https://site1.example/a"), ST_E_FOREIGN_KEY); /* the sitemap is another site's */
    CODE(insert(w, FILES, "%s, %s, %s, %s, 'https://x/t.xml', 'sitemap_index'", id(w, 1), id(w, 0x210), id(w, 0x101),
                id(w, 0x202)),
         ST_E_FOREIGN_KEY);
    CODE(insert(w, "domains (tenant_id, id, domain)", "%s, %s, 'x.example'", id(w, 77), id(w, 0x104)),
         ST_E_FOREIGN_KEY);
}

DB_TEST(a_tenant_has_a_domain_once_and_a_domain_a_page_once)
{
    fill(w);
    OK(page(w, 1, 1, 0x101, 0x201, "https://a/"));
    OK(page(w, 1, 2, 0x102, 0x202, "https://a/"));
    CODE(page(w, 1, 3, 0x101, 0x201, "https://a/"), ST_E_UNIQUE);
    CODE(insert(w, "domains (tenant_id, id, domain)", "%s, %s, 'site1.example'", id(w, 1), id(w, 0x105)), ST_E_UNIQUE);
    OK(insert(w, "domains (tenant_id, id, domain)", "%s, %s, 'site1.example'", id(w, 2), id(w, 0x105)));
    CODE(insert(w, FILES, "%s, %s, %s, NULL, 'https://x/s.xml', 'given'", id(w, 1), id(w, 0x220), id(w, 0x101)),
         ST_E_UNIQUE);
}

DB_TEST(a_domain_goes_with_all_that_it_has)
{
    fill(w);
    OK(insert(w, FILES, "%s, %s, %s, %s, 'https://x/t.xml', 'sitemap_index'", id(w, 1), id(w, 0x210), id(w, 0x101),
              id(w, 0x201)));
    OK(page(w, 1, 1, 0x101, 0x210, "https://a/"));
    OK(page(w, 1, 2, 0x102, 0x202, "https://b/"));
    OK(insert(w, "jobs (tenant_id, id, job_type, domain_id)", "%s, %s, 'scan', %s", id(w, 1), id(w, 0x401),
              id(w, 0x101)));
    must(w, "DELETE FROM domains WHERE domain = 'site1.example'");
    ck_assert_int_eq(number(w, "SELECT count(*) FROM sitemap_files"), 2);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM pages"), 1);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM jobs"), 0);
    CODE(st_engine_execute(w->e, "DELETE FROM sitemap_files", FIBER_FOREVER), ST_E_FOREIGN_KEY); /* a page names one */
}

RUN("models", 60, CASE(the_first_revision_states_what_the_models_say),
    CASE(the_databases_report_the_same_schema_for_revisions_and_models), CASE(the_history_goes_up_down_and_up),
    CASE(at_head_the_database_says_what_the_models_say), CASE(a_role_without_rights_may_compare),
    CASE(the_local_tenant_is_there_from_the_start), CASE(no_row_points_at_another_tenants_or_another_sites),
    CASE(a_tenant_has_a_domain_once_and_a_domain_a_page_once), CASE(a_domain_goes_with_all_that_it_has));
