/* Keys that the database numbers become uuids and numbers again. */
#include "base/clock.h"
#include "catalog.h"
#include "strata/migrate.h"

static const st_key_swap key = {.key = {.table = "jobs",
                                        .was = &(const st_table_column){"id", ST_INT64, .pk = true, .identity = true},
                                        .is = &(const st_table_column){"id_uuid", ST_UUID},
                                        .otherwise = "uuid()"}};

static st_err up_jobs(st_ops *o)
{
    return st_create_table(
        o, &(const st_table){.name = "jobs",
                             ST_COLUMNS({"id", ST_INT64, .pk = true, .identity = true}, {"status", ST_TEXT})});
}
static st_err up_beside(st_ops *o)
{
    st_parallel_begin(o, &key.key);
    return st_parallel_complete(o, &key.key);
}
static st_err down_beside(st_ops *o)
{
    st_parallel_reopen(o, &key.key);
    return st_parallel_abort(o, &key.key);
}
static st_err up_swap(st_ops *o)
{
    return st_swap_key(o, &key);
}
static st_err down_swap(st_ops *o)
{
    return st_swap_key_back(o, &key);
}

static const st_revision jobs = {.id = "a", .message = "jobs", .upgrade = up_jobs};
static const st_revision beside = {
    .id = "b", .parents = {"a"}, .message = "beside", .upgrade = up_beside, .downgrade = down_beside};
static const st_revision swapped = {
    .id = "c", .parents = {"b"}, .message = "swap", .upgrade = up_swap, .downgrade = down_swap};
static const struct st_migrations all = {.revisions = (const st_revision *const[]){&jobs, &beside, &swapped, NULL},
                                         .program = "test"};

DB_TEST(numbers_go_on_while_uuids_are_the_key)
{
    OK(st_upgrade(w->e, &all, "a", FIBER_FOREVER));
    must(w, "INSERT INTO jobs (status) VALUES ('one'), ('two'); DELETE FROM jobs WHERE status = 'two'");
    const char *before = catalog(w);
    OK(st_upgrade(w->e, &all, "b", FIBER_FOREVER));
    const char *between = catalog(w);
    OK(st_upgrade(w->e, &all, "c", FIBER_FOREVER));
    const char *after = catalog(w);
    must(w, w->dialect == ST_SQLITE
                ? "INSERT INTO jobs (id, status) VALUES (randomblob(16), 'new'); INSERT INTO jobs "
                  "(id, status) VALUES (randomblob(16), 'newer')"
                : "INSERT INTO jobs (id, status) VALUES (gen_random_uuid(), 'new'); INSERT INTO jobs "
                  "(id, status) VALUES (gen_random_uuid(), 'newer')");
    ck_assert_int_eq(number(w, "SELECT count(DISTINCT id_legacy) FROM jobs"), 3);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM jobs WHERE id_legacy IS NULL OR id IS NULL"), 0);
    OK(st_downgrade(w->e, &all, "b", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), between);
    must(w, "INSERT INTO jobs (status) VALUES ('old')"); /* by a program that knows numbers only */
    ck_assert_int_eq(number(w, "SELECT count(*) FROM jobs WHERE id_uuid IS NULL"), 0);
    must(w, "DELETE FROM jobs WHERE status = 'old'");
    OK(st_downgrade(w->e, &all, "a", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), before);
    must(w, "INSERT INTO jobs (status) VALUES ('last')");
    ck_assert_int_eq(number(w, "SELECT count(DISTINCT id) FROM jobs"), 4);
    ck_assert_str_eq(text_of(w, "SELECT status FROM jobs WHERE id = (SELECT max(id) FROM jobs)"), "last");
    OK(st_upgrade(w->e, &all, "c", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), after);
}

/* Numbers that the uuid holds, so that they come back when their column has gone. */
static const st_key_swap held = {
    .key = {.table = "jobs",
            .was = &(const st_table_column){"id", ST_INT64, .pk = true, .identity = true},
            .is = &(const st_table_column){"id_uuid", ST_UUID},
            .forward = {"lpad(to_hex({}), 32, '0')::uuid", "CAST(printf('%016d', {}) AS BLOB)"},
            .backward = {"('x' || right(replace({}::text, '-', ''), 16))::bit(64)::bigint",
                         "CAST(CAST({} AS TEXT) AS INTEGER)"}}};

static st_err up_held(st_ops *o)
{
    st_parallel_begin(o, &held.key);
    st_parallel_complete(o, &held.key);
    return st_swap_key(o, &held);
}
static st_err down_held(st_ops *o)
{
    st_swap_key_back(o, &held);
    st_parallel_reopen(o, &held.key);
    return st_parallel_abort(o, &held.key);
}
static st_err up_ended(st_ops *o)
{
    return st_swap_key_end(o, &held);
}
static st_err down_ended(st_ops *o)
{
    return st_swap_key_restore(o, &held);
}
static const st_revision numbers_held = {
    .id = "b", .parents = {"a"}, .message = "held", .upgrade = up_held, .downgrade = down_held};
static const st_revision ended = {
    .id = "c", .parents = {"b"}, .message = "ended", .upgrade = up_ended, .downgrade = down_ended};
static const struct st_migrations there_and_back = {
    .revisions = (const st_revision *const[]){&jobs, &numbers_held, &ended, NULL}, .program = "test"};

/* In one go: a column that came back is the last one, where a script expects it as it was made. */
DB_TEST(a_numbered_key_that_has_gone_comes_back_and_counts_on)
{
    OK(st_upgrade(w->e, &there_and_back, "a", FIBER_FOREVER));
    must(w, "INSERT INTO jobs (id, status) VALUES (3, 'three'), (70, 'seventy')");
    OK(st_upgrade(w->e, &there_and_back, "c", FIBER_FOREVER));
    OK(st_downgrade(w->e, &there_and_back, "a", FIBER_FOREVER));
    ck_assert_int_eq(number(w, "SELECT id FROM jobs WHERE status = 'three'"), 3);
    must(w, "INSERT INTO jobs (status) VALUES ('next')");
    ck_assert_int_eq(number(w, "SELECT id FROM jobs WHERE status = 'next'"), 71);
    if (w->dialect == ST_POSTGRESQL) {
        OK(st_upgrade(w->e, &there_and_back, "c", FIBER_FOREVER));
        OK(st_downgrade(w->e, &there_and_back, "b", FIBER_FOREVER));
        must(w, "INSERT INTO jobs (id, status) VALUES (gen_random_uuid(), 'between')");
        ck_assert_int_eq(number(w, "SELECT id_legacy FROM jobs WHERE status = 'between'"), 72);
        ck_assert_int_eq(number(w, "SELECT id_legacy FROM jobs WHERE status = 'seventy'"), 70);
    }
}

/* The 48 bits of RFC 9562's version 7 as milliseconds; of a trigger's uuid, too. */
DB_TEST(the_uuids_that_are_made_are_of_version_7_and_of_now)
{
    const char *hex = w->dialect == ST_SQLITE ? "hex(id_uuid)" : "upper(replace(id_uuid::text, '-', ''))";
    OK(st_upgrade(w->e, &all, "a", FIBER_FOREVER));
    must(w, "INSERT INTO jobs (status) VALUES ('one'), ('two'), ('three')");
    const int64_t before = clock_wall_us() / 1000;
    OK(st_upgrade(w->e, &all, "b", FIBER_FOREVER));
    must(w, "INSERT INTO jobs (status) VALUES ('four')");
    const int64_t after = clock_wall_us() / 1000;
    const char *rows = text_of(w, arena_printf(w->a,
                                               w->dialect == ST_SQLITE ? "SELECT group_concat(%s, ' ') FROM jobs"
                                                                       : "SELECT string_agg(%s, ' ') FROM jobs",
                                               hex));
    ck_assert_uint_eq(strlen(rows), 4 * 32 + 3);
    for (int i = 0; i < 4; i++) {
        char when[13];
        memcpy(when, rows + (size_t)i * 33, 12);
        when[12] = '\0';
        int64_t ms = strtoll(when, NULL, 16);
        ck_assert_msg(ms >= before - 1 && ms <= after + 1, "%s is not of now", when);
        ck_assert_int_eq(rows[i * 33 + 12], '7');
        ck_assert_ptr_nonnull(strchr("89AB", rows[i * 33 + 16]));
    }
    ck_assert_int_eq(number(w, "SELECT count(DISTINCT id_uuid) FROM jobs"), 4);
}

/* ---- the index of the new column ---- */

static const double least = 1;
static const st_parallel code = {
    .table = "parts",
    .was = &(const st_table_column){"code", ST_TEXT},
    .is = &(const st_table_column){"number", ST_INT32, .min_value = &least, .check = "number < 1000"},
    .indexed = true};
static const st_parallel part_id = {.table = "parts",
                                    .was = &(const st_table_column){"id", ST_TEXT, .pk = true},
                                    .is = &(const st_table_column){"id_uuid", ST_UUID}};

static st_err up_parts(st_ops *o)
{
    return st_create_table(
        o, &(const st_table){.name = "parts", ST_COLUMNS({"id", ST_TEXT, .pk = true}, {"code", ST_TEXT})});
}
static st_err up_indexed(st_ops *o)
{
    st_parallel_begin(o, &part_id);
    return st_parallel_begin(o, &code);
}
static st_err down_indexed(st_ops *o)
{
    st_parallel_abort(o, &code);
    return st_parallel_abort(o, &part_id);
}
static const st_revision parts = {.id = "p", .message = "parts", .upgrade = up_parts};
static const st_revision indexed = {
    .id = "q", .parents = {"p"}, .message = "beside", .upgrade = up_indexed, .downgrade = down_indexed};
static const struct st_migrations with_index = {.revisions = (const st_revision *const[]){&parts, &indexed, NULL},
                                                .program = "test"};

static bool refuses(struct world *w, const char *sql)
{
    return st_engine_execute(w->e, sql, FIBER_FOREVER) == ST_E_CHECK;
}

DB_TEST(the_column_beside_comes_with_its_index_and_checks_and_goes_with_them)
{
    OK(st_upgrade(w->e, &with_index, "p", FIBER_FOREVER));
    must(w, "INSERT INTO parts (id, code) VALUES ('11111111-0000-7000-8000-0000000000ab', '7'), ('x', 'seven')");
    const char *before = catalog(w);
    OK(st_upgrade(w->e, &with_index, "q", FIBER_FOREVER));
    const char *after = catalog(w);
    ck_assert_ptr_nonnull(strstr(after, "parts_number_idx"));
    ck_assert_ptr_nonnull(strstr(after, "parts_id_uuid_idx"));
    ck_assert_ptr_null(strstr(after, "_strata"));
    ck_assert_int_eq(number(w, "SELECT number FROM parts WHERE code = '7'"), 7);
    ck_assert(refuses(w, "UPDATE parts SET number = 0 WHERE id = 'x'"));
    ck_assert(refuses(w, "UPDATE parts SET number = 1000 WHERE id = 'x'"));
    /* No program stumbles over two texts that are one uuid. */
    must(w, "INSERT INTO parts (id, code) VALUES ('11111111-0000-7000-8000-0000000000AB', '8')");
    OK(st_downgrade(w->e, &with_index, "p", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), before);
    OK(st_upgrade_with(w->e, &with_index, "q", &(const struct st_migrate_options){.unsafe = true}, FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), after);
}

RUN("strata migrate keys", 60, CASE(numbers_go_on_while_uuids_are_the_key),
    CASE(the_uuids_that_are_made_are_of_version_7_and_of_now),
    CASE(a_numbered_key_that_has_gone_comes_back_and_counts_on),
    CASE(the_column_beside_comes_with_its_index_and_checks_and_goes_with_them));
