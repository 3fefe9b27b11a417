#include <errno.h>
#include <sqlite3.h>
#include <time.h>

#include "base/mem.h"
#include "library.h"
#include "strata/migrate/private.h"
#include "test.h"

static arena *a;

static void setup(void)
{
    a = arena_new(NULL, 0);
    ck_assert_ptr_nonnull(a);
}

/* All steps of the operations, each ended by ";\n"; refusals in brackets. */
static const char *planned(const st_ops *o)
{
    struct migrate_plan p = {0};
    OK(migrate_plan_ops(a, o->dialect, o->ops, o->n, &p));
    buf b BUF_AUTO;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < p.n; i++) {
        buf_puts(&b, p.steps[i].refuse ? "[" : "");
        buf_puts(&b, p.steps[i].sql);
        buf_puts(&b, p.steps[i].refuse ? "];\n" : ";\n");
    }
    return migrate_text(a, &b);
}

static st_ops ops_for(enum st_dialect d)
{
    st_ops o;
    migrate_ops_init(&o, a, d);
    return o;
}

static const char *created(enum st_dialect d, const st_table *t)
{
    st_ops o = ops_for(d);
    OK(st_create_table(&o, t));
    return planned(&o);
}

/* An SQLite database in memory with the table in it. */
static sqlite3 *database(const st_table *t)
{
    sqlite3 *db;
    char *err = NULL;
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    int rc = sqlite3_exec(db, created(ST_SQLITE, t), NULL, NULL, &err);
    ck_assert_msg(rc == SQLITE_OK, "%s", err);
    return db;
}

/* "" when the statement works, else what SQLite says. */
static const char *tried(sqlite3 *db, const char *sql)
{
    char *err = NULL;
    (void)sqlite3_exec(db, sql, NULL, NULL, &err);
    const char *copy = arena_strdup(a, err ? err : "");
    sqlite3_free(err);
    return copy;
}

static const char *value(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(s, 0);
    const char *copy = arena_strdup(a, text ? text : "NULL");
    sqlite3_finalize(s);
    return copy;
}

START_TEST(a_table_is_spelled_for_each_dialect)
{
    setup();
    const st_table notes = {
        .name = "notes",
        ST_COLUMNS({"id", ST_UUID, .pk = true}, {"tenant_id", ST_UUID, .pk = true, .tenant = true},
                   {"order", ST_TEXT, .max = 5}, {"at", ST_TIME, .default_sql = "now()"},
                   {"done", ST_BOOL, .default_sql = "true"}, {"page", ST_UUID, .nullable = true}),
        ST_INDEXES({.columns = {"tenant_id", "order"}, .unique = true, .constraint = true},
                   {.columns = {"tenant_id", "-at"}, .where = "done"}),
        ST_FKS(
            {.columns = {"tenant_id", "page"}, .table = "pages", .to = {"tenant_id", "id"}, .on_delete = ST_CASCADE}),
        ST_CHECKS({"notes_order_check", "\"order\" <> ''"})};
    ck_assert_str_eq(created(ST_POSTGRESQL, &notes),
                     "CREATE TABLE \"notes\" (\n"
                     "    \"id\" uuid NOT NULL,\n"
                     "    \"tenant_id\" uuid NOT NULL,\n"
                     "    \"order\" text COLLATE \"C\" NOT NULL CONSTRAINT \"notes_order_max_check\" CHECK "
                     "(octet_length(\"order\") <= 5),\n"
                     "    \"at\" timestamptz NOT NULL DEFAULT now(),\n"
                     "    \"done\" boolean NOT NULL DEFAULT true,\n"
                     "    \"page\" uuid,\n"
                     "    CONSTRAINT \"notes_pkey\" PRIMARY KEY (\"tenant_id\", \"id\"),\n"
                     "    CONSTRAINT \"notes_order_key\" UNIQUE (\"tenant_id\", \"order\"),\n"
                     "    CONSTRAINT \"notes_page_fkey\" FOREIGN KEY (\"tenant_id\", \"page\") REFERENCES \"pages\" "
                     "(\"tenant_id\", \"id\") ON DELETE CASCADE,\n"
                     "    CONSTRAINT \"notes_order_check\" CHECK (\"order\" <> '')\n"
                     ");\n"
                     "CREATE INDEX \"notes_at_idx\" ON \"notes\" (\"tenant_id\", \"at\" DESC) WHERE done;\n"
                     "ALTER TABLE \"notes\" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;\n"
                     "CREATE POLICY strata_tenant ON \"notes\" "
                     "USING (\"tenant_id\" = (SELECT nullif(current_setting('strata.tenant', true), '')::uuid)) "
                     "WITH CHECK (\"tenant_id\" = (SELECT nullif(current_setting('strata.tenant', true), '')::uuid));\n"
                     "CREATE POLICY strata_system ON \"notes\" TO CURRENT_USER "
                     "USING ((SELECT current_setting('strata.system', true)) = 'on');\n");
    const char *lite = created(ST_SQLITE, &notes);
    ck_assert_ptr_nonnull(
        strstr(lite, "\"done\" INTEGER NOT NULL DEFAULT 1 CONSTRAINT \"notes_done_bool_check\" CHECK"));
    ck_assert_ptr_nonnull(strstr(lite, "\n) STRICT;\n"));
    sqlite3 *db = database(&notes);
    ck_assert_str_eq(value(db, "SELECT count(*) FROM pragma_index_list('notes')"), "3");
    sqlite3_close(db);
}
END_TEST

START_TEST(sqlite_refuses_what_postgresql_types_would)
{
    setup();
    const st_table all = {.name = "t",
                          ST_COLUMNS({"k", ST_INT64, .pk = true}, {"flag", ST_BOOL, .nullable = true},
                                     {"id", ST_UUID, .nullable = true}, {"doc", ST_JSON, .nullable = true},
                                     {"tags", ST_TEXTS, .nullable = true, .max = 2},
                                     {"ids", ST_UUIDS, .default_sql = "'[]'"}, {"n", ST_INT32, .nullable = true})};
    sqlite3 *db = database(&all);
    static const struct {
        const char *sql, *error;
    } cases[] = {
        {"INSERT INTO t (flag) VALUES (2)", "CHECK constraint failed: t_flag_bool_check"},
        {"INSERT INTO t (id) VALUES (x'00')", "CHECK constraint failed: t_id_uuid_check"},
        {"INSERT INTO t (doc) VALUES ('{')", "CHECK constraint failed: t_doc_json_check"},
        {"INSERT INTO t (tags) VALUES ('{}')", "CHECK constraint failed: t_tags_array_check"},
        {"INSERT INTO t (tags) VALUES ('[')", "CHECK constraint failed: t_tags_array_check"},
        {"INSERT INTO t (tags) VALUES ('[\"a\",\"b\",\"c\"]')", "CHECK constraint failed: t_tags_max_check"},
        {"INSERT INTO t (n) VALUES ('x')", "cannot store TEXT value in INTEGER column t.n"},
        {"INSERT INTO t (ids) VALUES (NULL)", "NOT NULL constraint failed: t.ids"},
        {"INSERT INTO t (flag, id, doc, tags) VALUES (NULL, NULL, NULL, NULL)", ""},
        {"INSERT INTO t (flag, id, doc, tags) VALUES (1, zeroblob(16), '3', '[\"a\"]')", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_str_eq(tried(db, cases[i].sql), cases[i].error);
    }
    sqlite3_close(db);
}
END_TEST

START_TEST(length_enum_range_and_own_checks_hold)
{
    setup();
    const st_table all = {
        .name = "t",
        ST_COLUMNS({"k", ST_INT64, .pk = true}, {"name", ST_TEXT, .nullable = true, .max = 3},
                   {"cover", ST_BYTES, .nullable = true, .max = 2},
                   {"state", ST_ENUM, .values = ST_VALUES("new", "it's"), .default_sql = "'new'"},
                   {"mood", ST_ENUM, .as_smallint = true, .values = ST_VALUES("sad", "glad"), .default_sql = "'glad'"},
                   {"part", ST_DOUBLE, .nullable = true, .min_value = ST_NUMBER(0), .max_value = ST_NUMBER(0.5)},
                   {"odd", ST_INT32, .nullable = true, .check = "odd % 2 = 1"})};
    sqlite3 *db = database(&all);
    static const struct {
        const char *sql, *error;
    } cases[] = {
        {"INSERT INTO t (name) VALUES ('\xc3\xa9\xc3\xa9')", "CHECK constraint failed: t_name_max_check"}, /* 4 bytes */
        {"INSERT INTO t (name) VALUES ('\xc3\xa9z')", ""},
        {"INSERT INTO t (cover) VALUES (x'010203')", "CHECK constraint failed: t_cover_max_check"},
        {"INSERT INTO t (state) VALUES ('old')", "CHECK constraint failed: t_state_enum_check"},
        {"INSERT INTO t (state) VALUES ('it''s')", ""},
        {"INSERT INTO t (mood) VALUES (2)", "CHECK constraint failed: t_mood_enum_check"},
        {"INSERT INTO t (mood) VALUES (-1)", "CHECK constraint failed: t_mood_enum_check"},
        {"INSERT INTO t (part) VALUES (0.6)", "CHECK constraint failed: t_part_range_check"},
        {"INSERT INTO t (part) VALUES (0.5)", ""},
        {"INSERT INTO t (odd) VALUES (2)", "CHECK constraint failed: t_odd_check"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_str_eq(tried(db, cases[i].sql), cases[i].error);
    }
    ck_assert_str_eq(value(db, "SELECT mood FROM t LIMIT 1"), "1");
    sqlite3_close(db);
    const char *pg = created(ST_POSTGRESQL, &all);
    ck_assert_ptr_nonnull(strstr(pg, "\"mood\" smallint NOT NULL DEFAULT 1 CONSTRAINT \"t_mood_enum_check\" "
                                     "CHECK (\"mood\" >= 0 AND \"mood\" < 2)"));
    ck_assert_ptr_nonnull(strstr(pg, "CHECK (\"part\" >= 0 AND \"part\" <= 0.5)"));
}
END_TEST

START_TEST(the_default_now_is_microseconds)
{
    setup();
    const st_table t = {.name = "t", ST_COLUMNS({"k", ST_INT64, .pk = true}, {"at", ST_TIME, .default_sql = "now()"})};
    sqlite3 *db = database(&t);
    ck_assert_str_eq(tried(db, "INSERT INTO t (k) VALUES (1)"), "");
    long long at = strtoll(value(db, "SELECT at FROM t"), NULL, 10);
    long long now = (long long)time(NULL) * 1000000;
    ck_assert_msg(at > now - 5000000 && at < now + 5000000, "%lld, not near %lld", at, now);
    sqlite3_close(db);
}
END_TEST

START_TEST(derived_names_fit_in_63_bytes_and_stay_distinct)
{
    setup();
    const char *const columns[] = {"tenant_id", "-created_at", "kind", NULL};
    ck_assert_str_eq(migrate_name(a, "jobs", columns, "tenant_id", "idx"), "jobs_created_at_kind_idx");
    const char *const one[] = {"a_column_with_a_name_that_goes_on_and_on_and_on_and_on_1", NULL};
    const char *const two[] = {"a_column_with_a_name_that_goes_on_and_on_and_on_and_on_2", NULL};
    const char *x = migrate_name(a, "some_table", one, NULL, "fkey"),
               *y = migrate_name(a, "some_table", two, NULL, "fkey");
    ck_assert_uint_eq(strlen(x), 63);
    ck_assert_str_ne(x, y);
    ck_assert_str_eq(x + strlen(x) - 5, "_fkey");
    ck_assert_str_eq(x, migrate_name(a, "some_table", one, NULL, "fkey"));
}
END_TEST

START_TEST(operations_keep_copies_of_what_they_are_given)
{
    setup();
    st_ops o = ops_for(ST_POSTGRESQL);
    char table[] = "t", column[] = "c", sql[] = "SELECT 1";
    OK(st_add_column(&o, table, &(const st_table_column){column, ST_TEXT, .nullable = true}));
    OK(st_sql(&o, 0, sql));
    table[0] = column[0] = sql[0] = '!';
    ck_assert_str_eq(planned(&o), "ALTER TABLE \"t\" ADD COLUMN \"c\" text COLLATE \"C\";\nSELECT 1;\n");
}
END_TEST

START_TEST(sql_for_one_dialect_runs_there_only)
{
    setup();
    st_ops o = ops_for(ST_SQLITE);
    OK(st_sql(&o, ST_POSTGRESQL, "SELECT 'pg'"));
    OK(st_sql(&o, ST_SQLITE, "SELECT 'lite'"));
    ck_assert_str_eq(planned(&o), "SELECT 'lite';\n");
}
END_TEST

START_TEST(indexes_columns_and_tables_come_and_go)
{
    setup();
    st_ops o = ops_for(ST_POSTGRESQL);
    OK(st_create_index(&o, "t", &(const st_table_index){.columns = {"a"}, .method = "gin"}));
    OK(st_create_index(&o, "t", &(const st_table_index){.name = "low", .expression = "lower(a)", .unique = true}));
    OK(st_drop_index(&o, "t", "low"));
    OK(st_drop_column(&o, "t", "a\"b"));
    OK(st_drop_table(&o, "t"));
    ck_assert_str_eq(planned(&o), "CREATE INDEX \"t_a_idx\" ON \"t\" USING \"gin\" (\"a\");\n"
                                  "CREATE UNIQUE INDEX \"low\" ON \"t\" ((lower(a)));\n"
                                  "DROP INDEX \"low\";\n"
                                  "ALTER TABLE \"t\" DROP COLUMN \"a\"\"b\";\n"
                                  "DROP TABLE \"t\";\n");
}
END_TEST

START_TEST(tables_in_a_circle_get_their_keys_when_both_are_there)
{
    setup();
    st_ops o = ops_for(ST_POSTGRESQL);
    OK(st_create_table(&o, &(const st_table){.name = "hen",
                                             ST_COLUMNS({"id", ST_INT64, .pk = true}, {"egg", ST_INT64}),
                                             ST_FKS({.columns = {"egg"}, .table = "egg", .to = {"id"}})}));
    OK(st_create_table(&o, &(const st_table){.name = "egg",
                                             ST_COLUMNS({"id", ST_INT64, .pk = true}, {"hen", ST_INT64}),
                                             ST_FKS({.columns = {"hen"}, .table = "hen", .to = {"id"}})}));
    const char *sql = planned(&o);
    const char *alter =
        strstr(sql, "ALTER TABLE \"hen\" ADD CONSTRAINT \"hen_egg_fkey\" FOREIGN KEY (\"egg\") REFERENCES "
                    "\"egg\" (\"id\");\n");
    ck_assert_ptr_nonnull(alter);
    ck_assert_ptr_null(strstr(alter, "CREATE"));
    ck_assert_ptr_eq(strstr(sql, "hen_egg_fkey"), strstr(alter, "hen_egg_fkey"));
}
END_TEST

START_TEST(dropping_a_table_that_others_point_at_is_refused_on_sqlite_too)
{
    setup();
    st_ops o = ops_for(ST_SQLITE);
    OK(st_drop_table(&o, "parent"));
    struct migrate_plan p = {0};
    OK(migrate_plan_ops(a, ST_SQLITE, o.ops, o.n, &p));
    ck_assert_uint_eq(p.n, 2);
    ck_assert_ptr_nonnull(p.steps[0].refuse);
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    ck_assert_str_eq(tried(db, "CREATE TABLE parent (id INTEGER PRIMARY KEY, up REFERENCES parent);"
                               "CREATE TABLE child (p REFERENCES Parent)"),
                     "");
    ck_assert_str_eq(value(db, p.steps[0].sql), "child");
    ck_assert_str_eq(tried(db, "DROP TABLE child"), "");
    sqlite3_stmt *s;
    ck_assert_int_eq(sqlite3_prepare_v2(db, p.steps[0].sql, -1, &s, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(s), SQLITE_DONE);
    sqlite3_finalize(s);
    sqlite3_close(db);
}
END_TEST

START_TEST(a_row_is_spelled_with_every_type)
{
    setup();
    const char *const two[] = {"a'b", "c\"d"};
    const st_uuid id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    for (int d = ST_SQLITE; d <= ST_POSTGRESQL; d++) {
        st_ops o = ops_for((enum st_dialect)d);
        OK(ST_INSERT_ROW(&o, "t", {"b", st_v_bool(true)}, {"i", st_v_int16(-3)}, {"x", st_v_double(0.1)},
                         {"s", st_v_text("it's")}, {"u", st_v_uuid(id)}, {"at", st_v_time((st_time){1500000})},
                         {"raw", st_v_bytes((st_bytes){(const uint8_t *)"\0\xff", 2})},
                         {"j", st_v_json((st_json){"{}"})}, {"tags", st_v_texts((st_texts){two, 2})},
                         {"ids", st_v_uuids((st_uuids){&id, 1})}, {"none", st_v_text(NULL)}, {"e", st_v_enum(4)}));
        ck_assert_str_eq(
            planned(&o),
            d == ST_SQLITE
                ? "INSERT INTO \"t\" (\"b\", \"i\", \"x\", \"s\", \"u\", \"at\", \"raw\", \"j\", \"tags\", \"ids\", "
                  "\"none\", "
                  "\"e\") VALUES (1, -3, 0.10000000000000001, 'it''s', x'0102030405060708090a0b0c0d0e0f10', 1500000, "
                  "x'00ff', "
                  "'{}', '[\"a''b\",\"c\\\"d\"]', '[\"01020304-0506-0708-090a-0b0c0d0e0f10\"]', NULL, 4);\n"
                : "INSERT INTO \"t\" (\"b\", \"i\", \"x\", \"s\", \"u\", \"at\", \"raw\", \"j\", \"tags\", \"ids\", "
                  "\"none\", "
                  "\"e\") VALUES (true, -3, 0.10000000000000001, 'it''s', '01020304-0506-0708-090a-0b0c0d0e0f10', "
                  "'1970-01-01T00:00:01.500000Z', '\\x00ff', '{}', ARRAY['a''b', 'c\"d']::text[], "
                  "ARRAY['01020304-0506-0708-090a-0b0c0d0e0f10']::uuid[], NULL, 4);\n");
    }
}
END_TEST

static void refused(const st_table *t, const char *says)
{
    st_ops o = ops_for(ST_SQLITE);
    CODE(st_create_table(&o, t), ST_E_INVALID);
    ck_assert_msg(strstr(diag_last()->message, says), "\"%s\" does not say \"%s\"", diag_last()->message, says);
    CODE(st_drop_table(&o, "x"), ST_E_INVALID); /* the failure sticks */
}

START_TEST(nonsense_is_refused_by_name)
{
    setup();
    refused(&(const st_table){.name = "t", ST_COLUMNS({"c", ST_TEXT})}, "t has no primary key");
    refused(&(const st_table){.name = "t", ST_COLUMNS({"c", ST_TEXT, .pk = true}, {"c", ST_BOOL})},
            "two columns are called c");
    refused(&(const st_table){.name = "t", ST_COLUMNS({"c", ST_TEXT, .pk = true, .nullable = true})},
            "column c is in the");
    refused(&(const st_table){.name = "t", ST_COLUMNS({"c", ST_TEXT, .pk = true}, {"e", ST_ENUM})},
            "enum column e has no");
    refused(&(const st_table){.name = "t", ST_COLUMNS({"c", ST_TEXT, .pk = true}, {"n", ST_INT32, .max = 3})},
            "column n is");
    refused(&(const st_table){.name = "t", ST_COLUMNS({"c", ST_TEXT, .pk = true}), ST_INDEXES({.columns = {"d"}})},
            "the column d, which the table has not");
    refused(&(const st_table){.name = "t",
                              ST_COLUMNS({"c", ST_TEXT, .pk = true}),
                              ST_FKS({.columns = {"c"}, .table = "u", .to = {"x", "y"}})},
            "as many columns");
    refused(
        &(const st_table){.name = "t",
                          ST_COLUMNS({"c", ST_TEXT, .pk = true}, {"d", ST_TEXT}),
                          ST_FKS({.columns = {"c", "d"}, .table = "u", .to = {"x", "y"}, .on_delete = ST_SET_NULL})},
        "SET NULL");
    refused(&(const st_table){.name = "t",
                              ST_COLUMNS({"c", ST_TEXT, .pk = true}),
                              ST_INDEXES({.columns = {"c"}}, {.columns = {"-c"}})},
            "are called t_c_idx");
    st_ops o = ops_for(ST_SQLITE);
    OK(st_add_column(&o, "t", &(const st_table_column){"n", ST_INT64, .identity = true}));
    struct migrate_plan p = {0};
    CODE(migrate_plan_ops(a, ST_SQLITE, o.ops, o.n, &p), ST_E_INVALID);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "SQLite cannot number the new column n"));
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    for (uint64_t n = 1;; n++) {
        arena *mine = arena_new(NULL, 0);
        ck_assert_ptr_nonnull(mine);
        const st_table *tables;
        size_t n_tables;
        struct migrate_plan p = {0};
        st_ops o;
        migrate_ops_init(&o, mine, ST_POSTGRESQL);
        mem_fail_at(n, false);
        st_err rc = st_tables_of_models(mine, library_models, 4, &tables, &n_tables);
        for (size_t i = 0; !rc && i < n_tables; i++) {
            rc = st_create_table(&o, &tables[i]);
        }
        rc = rc ? rc : migrate_plan_ops(mine, ST_POSTGRESQL, o.ops, o.n, &p);
        bool reached = mem_fail_seen() >= n;
        mem_fail_at(0, false);
        arena_free(mine);
        if (!reached) {
            OK(rc);
            ck_assert_uint_gt(n, 5);
            break;
        }
        CODE(rc, -ENOMEM);
    }
}
END_TEST

RUN("strata migrate ddl", 10, CASE(a_table_is_spelled_for_each_dialect),
    CASE(sqlite_refuses_what_postgresql_types_would), CASE(length_enum_range_and_own_checks_hold),
    CASE(the_default_now_is_microseconds), CASE(derived_names_fit_in_63_bytes_and_stay_distinct),
    CASE(operations_keep_copies_of_what_they_are_given), CASE(sql_for_one_dialect_runs_there_only),
    CASE(indexes_columns_and_tables_come_and_go), CASE(tables_in_a_circle_get_their_keys_when_both_are_there),
    CASE(dropping_a_table_that_others_point_at_is_refused_on_sqlite_too), CASE(a_row_is_spelled_with_every_type),
    CASE(nonsense_is_refused_by_name), CASE(every_allocation_may_fail));
