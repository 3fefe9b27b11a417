/* Row-level security as migrations set it up on PostgreSQL. */
#include "catalog.h"
#include "strata/expr.h"
#include "strata/migrate.h"

#define A "'aa000000-0000-0000-0000-000000000000'"
#define B "'bb000000-0000-0000-0000-000000000000'"

static const st_table notes = {
    .name = "notes", ST_COLUMNS({"owner", ST_UUID, .pk = true, .tenant = true}, {"id", ST_INT64, .pk = true})};
static const st_table bare = {.name = "notes",
                              .no_rls = true,
                              ST_COLUMNS({"owner", ST_UUID, .pk = true, .tenant = true}, {"id", ST_INT64, .pk = true})};

static st_err up_notes(st_ops *o)
{
    const st_uuid a = {{0xaa}}, b = {{0xbb}};
    st_create_table(o, &notes);
    ST_INSERT_ROW(o, "notes", {"owner", st_v_uuid(a)}, {"id", st_v_int64(1)});
    return ST_INSERT_ROW(o, "notes", {"owner", st_v_uuid(b)}, {"id", st_v_int64(2)});
}
static st_err up_bare(st_ops *o)
{
    return st_create_table(o, &bare);
}
static st_err down_notes(st_ops *o)
{
    return st_drop_table(o, "notes");
}
static st_err disable(st_ops *o)
{
    return st_disable_rls(o, "notes");
}
static st_err enable(st_ops *o)
{
    return st_enable_rls(o, "notes", "owner");
}
static st_err up_rows(st_ops *o)
{
    return st_sql(o, 0, "UPDATE notes SET id = id + 10");
}

static const st_revision made = {.id = "r1", .message = "notes", .upgrade = up_notes, .downgrade = down_notes};
static const st_revision without = {
    .id = "r2", .parents = {"r1"}, .message = "no wall", .upgrade = disable, .downgrade = enable};
static const st_revision rows = {.id = "r3", .parents = {"r1"}, .message = "rows", .upgrade = up_rows};
static const st_revision made_bare = {.id = "s1", .message = "bare", .upgrade = up_bare, .downgrade = down_notes};
static const st_revision with = {
    .id = "s2", .parents = {"s1"}, .message = "a wall", .upgrade = enable, .downgrade = disable};

#define HISTORY(...) \
    (&(const struct st_migrations){.revisions = (const st_revision *const[]){__VA_ARGS__, NULL}, .program = "migrate"})

DB_TEST(the_wall_comes_with_the_table_or_by_itself)
{
    OK(st_upgrade(w->e, HISTORY(&made, &without), "r1", FIBER_FOREVER));
    const char *walled = catalog(w);
    OK(st_upgrade(w->e, HISTORY(&made, &without), "head", FIBER_FOREVER));
    const char *open = catalog(w);
    ck_assert((strcmp(open, walled) != 0) == (w->dialect == ST_POSTGRESQL));
    OK(st_downgrade(w->e, HISTORY(&made, &without), "r1", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), walled);
    OK(st_downgrade(w->e, HISTORY(&made, &without), "base", FIBER_FOREVER));

    OK(st_upgrade(w->e, HISTORY(&made_bare, &with), "s1", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), open);
    OK(st_upgrade(w->e, HISTORY(&made_bare, &with), "head", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), walled);
}

/* What role sees of the two rows in a transaction with these settings. */
static const char *seen(const char *url, enum pg_role role, const char *settings)
{
    return pg_test_value(
        pg_test_url_as(url, role),
        server_printf("%s SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), 'none') FROM notes", settings));
}

START_TEST(each_role_sees_what_its_settings_say)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    OK(st_upgrade(w.e, HISTORY(&made), "head", FIBER_FOREVER));
    static const struct {
        const char *settings, *owner, *app;
    } cases[] = {
        {"", "none", "none"},
        {"SET strata.tenant = '';", "none", "none"},
        {"SET strata.tenant = " A ";", "1", "1"},
        {"SET strata.tenant = " B ";", "2", "2"},
        {"SET strata.system = 'on';", "1 2", "none"},
        {"SET strata.system = 'on'; SET strata.tenant = " B ";", "1 2", "2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_str_eq(seen(w.url, PG_OWNER, cases[i].settings), cases[i].owner);
        ck_assert_str_eq(seen(w.url, PG_APP, cases[i].settings), cases[i].app);
        ck_assert_str_eq(seen(w.url, PG_ADMIN, cases[i].settings), "1 2");
    }
    world_reopen(&w, pg_test_url_as(w.url, PG_APP), NULL);
    must(&w, "SET strata.tenant = " A "; INSERT INTO notes VALUES (" A ", 3)");
    ck_assert_int_lt(
        st_engine_execute(w.e, "SET strata.tenant = " A "; INSERT INTO notes VALUES (" B ", 4)", FIBER_FOREVER), 0);
    ck_assert_ptr_nonnull(strstr(test_diag(), "row-level security"));
    ck_assert_int_lt(st_engine_execute(w.e, "SET strata.tenant = " A "; UPDATE notes SET owner = " B, FIBER_FOREVER),
                     0);
    must(&w, "SET strata.tenant = " B "; DELETE FROM notes");
    ck_assert_str_eq(seen(w.url, PG_ADMIN, ""), "1 3");
    world_close(&w);
}
END_TEST

DB_TEST(a_migration_changes_rows_of_every_tenant)
{
    OK(st_upgrade(w->e, HISTORY(&made, &rows), "head", FIBER_FOREVER));
    if (w->dialect == ST_POSTGRESQL) {
        world_reopen(w, pg_test_url_as(w->url, PG_ADMIN), NULL);
    }
    ck_assert_int_eq(number(w, "SELECT CAST(sum(id) AS bigint) FROM notes"), 23);
}

RUN("strata migrate rls", 60, CASE(the_wall_comes_with_the_table_or_by_itself),
    CASE(each_role_sees_what_its_settings_say), CASE(a_migration_changes_rows_of_every_tenant));
