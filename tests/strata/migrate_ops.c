/* Every operation on both databases, there and back and there again. */
#include "catalog.h"
#include "offline.h"
#include "strata/migrate/private.h"

struct way {
    st_err (*base)(st_ops *o), (*up)(st_ops *o), (*down)(st_ops *o);
    const char *before; /* rows that are there before */
    const char *after;  /* a query whose text both directions and both databases must give, before and after; or NULL */
};

static bool says(const char *what)
{
    return strstr(diag_last()->message, what) || strstr(diag_last()->hint, what);
}

/* The schema after the upgrade. */
static const char *there_and_back(struct world *w, const struct way *way)
{
    const st_revision base = {.id = "a", .message = "base", .upgrade = way->base};
    const st_revision next = {
        .id = "b", .parents = {"a"}, .message = "next", .upgrade = way->up, .downgrade = way->down};
    const st_revision *const list[] = {&base, &next, NULL};
    const struct st_migrations m = {.revisions = list, .program = "test"};
    OK(st_upgrade(w->e, &m, "a", FIBER_FOREVER));
    if (way->before) {
        must(w, way->before);
    }
    const char *rows = way->after ? text_of(w, way->after) : "", *first = catalog(w);
    OK(st_upgrade(w->e, &m, "b", FIBER_FOREVER));
    const char *changed = catalog(w);
    ck_assert_str_ne(changed, first);
    if (way->after) {
        ck_assert_str_eq(text_of(w, way->after), rows);
    }
    OK(st_downgrade(w->e, &m, "a", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), first);
    if (way->after) {
        ck_assert_str_eq(text_of(w, way->after), rows);
    }
    OK(st_upgrade(w->e, &m, "b", FIBER_FOREVER));
    ck_assert_str_eq(catalog(w), changed);
    if (way->after) {
        ck_assert_str_eq(text_of(w, way->after), rows);
    }
    return changed;
}

static bool has(struct world *w, const char *schema, enum st_dialect d, const char *what)
{
    return w->dialect != d || strstr(schema, what);
}
#define HAS(schema, d, what) ck_assert_msg(has(w, (schema), (d), (what)), "%s", (schema))

static st_err people(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "towns", ST_COLUMNS({"id", ST_INT64, .pk = true}, {"name", ST_TEXT})});
    return st_create_table(
        o, &(const st_table){.name = "people",
                             ST_COLUMNS({"id", ST_INT64, .pk = true}, {"name", ST_TEXT, .max = 20},
                                        {"age", ST_INT32, .nullable = true, .max_value = ST_NUMBER(150)},
                                        {"mood", ST_ENUM, .values = ST_VALUES("sad", "glad"), .default_sql = "'sad'"},
                                        {"town", ST_INT64, .nullable = true}, {"code", ST_TEXT, .nullable = true}),
                             ST_INDEXES({.columns = {"town"}}, {.columns = {"name", "-age"}, .where = "age > 3"})});
}
#define PEOPLE                                            \
    "INSERT INTO towns VALUES (5, 'Gouda'), (6, 'Lund');" \
    "INSERT INTO people (id, name, age, town, code) VALUES (1, 'Ann', 30, 5, '12'), (2, 'Bob', NULL, 6, '34')"

static const st_table_column age_was = {"age", ST_INT32, .nullable = true, .max_value = ST_NUMBER(150)};
static const st_table_column age_is = {
    "age", ST_INT64, .default_sql = "18", .min_value = ST_NUMBER(0), .check = "age <> 13", .comment = "in years"};

static st_err age_up(st_ops *o)
{
    st_sql(o, 0, "UPDATE people SET age = 1 WHERE age IS NULL");
    return st_alter_column(o, "people", &age_was, &age_is, NULL);
}
static st_err age_down(st_ops *o)
{
    st_alter_column(o, "people", &age_is, &age_was, NULL);
    return st_sql(o, 0, "UPDATE people SET age = NULL WHERE age = 1");
}

DB_TEST(a_column_is_altered_in_every_respect)
{
    const char *s =
        there_and_back(w, &(const struct way){people, age_up, age_down, PEOPLE,
                                              "SELECT sum(age) || name FROM people WHERE id = 1 GROUP BY name"});
    HAS(s, ST_POSTGRESQL, "age bigint null f default 18");
    HAS(s, ST_POSTGRESQL, "comment in years");
    HAS(s, ST_POSTGRESQL, "people_age_range_check CHECK ((age >= 0))");
    HAS(s, ST_SQLITE,
        "\"age\" INTEGER NOT NULL DEFAULT 18 CONSTRAINT \"people_age_range_check\" CHECK (\"age\" >= 0) "
        "CONSTRAINT \"people_age_check\" CHECK (age <> 13),");
    CODE(st_engine_execute(w->e, "INSERT INTO people (id, name, age) VALUES (3, 'c', 13)", FIBER_FOREVER), ST_E_CHECK);
}

static const st_table_column code_was = {"code", ST_TEXT, .nullable = true};
static const st_table_column code_is = {"code", ST_INT64, .nullable = true};
static const st_table_column mood_was = {"mood", ST_ENUM, .values = ST_VALUES("sad", "glad"), .default_sql = "'sad'"};
static const st_table_column mood_is = {"mood", ST_ENUM, .values = ST_VALUES("blue", "glad", "calm"),
                                        .default_sql = "'blue'"};

static st_err types_up(st_ops *o)
{
    st_alter_column(o, "people", &code_was, &code_is, NULL);
    return st_alter_column(o, "people", &mood_was, &mood_is, "CASE mood WHEN 'sad' THEN 'blue' ELSE mood END");
}
static st_err types_down(st_ops *o)
{
    st_alter_column(o, "people", &code_is, &code_was, NULL);
    return st_alter_column(o, "people", &mood_is, &mood_was, "CASE mood WHEN 'glad' THEN 'glad' ELSE 'sad' END");
}

DB_TEST(values_are_converted_with_their_column)
{
    there_and_back(w, &(const struct way){people, types_up, types_down, PEOPLE,
                                          "SELECT CAST(sum(CAST(code AS integer)) AS text) FROM people"});
    ck_assert_str_eq(text_of(w, "SELECT min(mood) FROM people"), "blue");
    ck_assert_int_eq(number(w, "SELECT code + 1 FROM people WHERE id = 1"), 13);
    OK(st_engine_execute(w->e, "INSERT INTO people (id, name, mood) VALUES (9, 'x', 'calm')", FIBER_FOREVER));
}

static st_err to_number_up(st_ops *o)
{
    return st_alter_column(o, "people", &code_was, &code_is, NULL);
}

DB_TEST(a_value_that_does_not_convert_stops_the_upgrade)
{
    const st_revision base = {.id = "a", .message = "base", .upgrade = people};
    const st_revision bad = {.id = "b", .parents = {"a"}, .message = "bad", .upgrade = to_number_up};
    const st_revision *const list[] = {&base, &bad, NULL};
    const struct st_migrations m = {.revisions = list, .program = "test"};
    OK(st_upgrade(w->e, &m, "a", FIBER_FOREVER));
    must(w, PEOPLE);
    must(w, "UPDATE people SET code = 'x'");
    ck_assert_int_lt(st_upgrade(w->e, &m, "b", FIBER_FOREVER), 0);
    ck_assert_msg(says("table people"), "%s", diag_last()->message);
    ck_assert_str_eq(text_of(w, "SELECT max(code) FROM people"), "x");
}

static st_err names_up(st_ops *o)
{
    st_rename_column(o, "people", "name", "full_name");
    st_rename_table(o, "people", "persons");
    st_rename_index(o, "persons", "people_town_idx", "persons_town_idx");
    return st_rename_constraint(o, "persons", ST_C_CHECK, "people_name_max_check", "persons_full_name_max_check");
}
static st_err names_down(st_ops *o)
{
    st_rename_constraint(o, "persons", ST_C_CHECK, "persons_full_name_max_check", "people_name_max_check");
    st_rename_index(o, "persons", "persons_town_idx", "people_town_idx");
    st_rename_table(o, "persons", "people");
    return st_rename_column(o, "people", "full_name", "name");
}

DB_TEST(tables_columns_indexes_and_constraints_are_renamed)
{
    const char *s = there_and_back(w, &(const struct way){people, names_up, names_down, PEOPLE, NULL});
    HAS(s, ST_POSTGRESQL, "persons constraint persons_full_name_max_check CHECK ((octet_length(full_name) <= 20))");
    HAS(s, ST_SQLITE, "CONSTRAINT \"persons_full_name_max_check\" CHECK (length(CAST(\"full_name\" AS BLOB)) <= 20)");
    ck_assert_str_eq(text_of(w, "SELECT full_name FROM persons WHERE id = 2"), "Bob");
}

static st_err constraints_up(st_ops *o)
{
    st_add_check(o, "people", &(const st_table_check){.name = "people_old_check", .sql = "age > 0 OR town IS NULL"});
    st_add_check(o, "people",
                 &(const st_table_check){.name = "people_excl", .sql = "USING hash (name WITH =)", .exclude = true});
    st_add_fk(o, "people",
              &(const st_table_fk){.columns = {"town"}, .table = "towns", .to = {"id"}, .on_delete = ST_CASCADE});
    st_create_index(o, "people",
                    &(const st_table_index){.columns = {"town", "name"}, .unique = true, .constraint = true});
    return st_create_index(o, "people",
                           &(const st_table_index){.name = "people_low", .expression = "lower(name)", .unique = true});
}
static st_err constraints_down(st_ops *o)
{
    st_drop_index(o, "people", "people_low");
    st_drop_constraint(o, "people", ST_C_UNIQUE, "people_town_name_key");
    st_drop_constraint(o, "people", ST_C_FK, "people_town_fkey");
    st_drop_constraint(o, "people", ST_C_EXCLUDE, "people_excl");
    return st_drop_constraint(o, "people", ST_C_CHECK, "people_old_check");
}

DB_TEST(constraints_of_every_kind_come_and_go)
{
    const char *s =
        there_and_back(w, &(const struct way){people, constraints_up, constraints_down, PEOPLE,
                                              "SELECT max(people.name) FROM people JOIN towns ON town = towns.id"});
    HAS(s, ST_POSTGRESQL, "people_excl EXCLUDE USING hash (name WITH =)");
    CODE(st_engine_execute(w->e, "INSERT INTO people (id, name, town) VALUES (7, 'x', 77)", FIBER_FOREVER),
         ST_E_FOREIGN_KEY);
    CODE(st_engine_execute(w->e, "INSERT INTO people (id, name, town) VALUES (7, 'Ann', 5)", FIBER_FOREVER),
         ST_E_UNIQUE);
    must(w, "DELETE FROM towns WHERE id = 5");
    ck_assert_int_eq(number(w, "SELECT count(*) FROM people"), 1);
}

static const st_table_index town_name = {.columns = {"town", "name"}, .unique = true, .constraint = true};
static st_err held_people(st_ops *o)
{
    people(o);
    st_create_index(o, "people", &town_name);
    return st_add_fk(
        o, "people",
        &(const st_table_fk){.columns = {"town"}, .table = "towns", .to = {"id"}, .on_delete = ST_SET_DEFAULT});
}
static st_err defer_up(st_ops *o)
{
    st_defer_fk(o, "people", "people_town_fkey", ST_NOT_DEFERRABLE, ST_DEFERRED);
    st_defer_unique(o, "people", &town_name, ST_DEFERRABLE);
    return st_defer_primary_key(o, "people", "people_pkey", ST_VALUES("id"), ST_NOT_DEFERRABLE, ST_DEFERRED);
}
static st_err defer_down(st_ops *o)
{
    st_table_index was = town_name;
    was.deferrable = ST_DEFERRABLE;
    st_defer_primary_key(o, "people", "people_pkey", ST_VALUES("id"), ST_DEFERRED, ST_NOT_DEFERRABLE);
    st_defer_unique(o, "people", &was, ST_NOT_DEFERRABLE);
    return st_defer_fk(o, "people", "people_town_fkey", ST_DEFERRED, ST_NOT_DEFERRABLE);
}

DB_TEST(constraints_wait_for_the_commit_and_no_longer)
{
    const char *s = there_and_back(w, &(const struct way){held_people, defer_up, defer_down, PEOPLE, NULL});
    HAS(s, ST_POSTGRESQL, "people_town_name_key UNIQUE (town, name) DEFERRABLE");
    HAS(s, ST_POSTGRESQL, "people_pkey PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED");
}

static st_err key_up(st_ops *o)
{
    st_change_primary_key(o, "people", ST_VALUES("id"), ST_VALUES("town", "id"), NULL);
    return st_alter_column(o, "towns", &(const st_table_column){"id", ST_INT64, .pk = true},
                           &(const st_table_column){"id", ST_INT64, .pk = true, .identity = true}, NULL);
}
static st_err key_down(st_ops *o)
{
    st_alter_column(o, "towns", &(const st_table_column){"id", ST_INT64, .pk = true, .identity = true},
                    &(const st_table_column){"id", ST_INT64, .pk = true}, NULL);
    st_change_primary_key(o, "people", ST_VALUES("town", "id"), ST_VALUES("id"), NULL);
    return st_alter_column(o, "people", &(const st_table_column){"town", ST_INT64},
                           &(const st_table_column){"town", ST_INT64, .nullable = true}, NULL);
}

DB_TEST(primary_keys_change_and_numbers_go_on)
{
    const char *s = there_and_back(
        w, &(const struct way){people, key_up, key_down, PEOPLE, "SELECT max(name) || count(*) FROM people"});
    HAS(s, ST_POSTGRESQL, "people constraint people_pkey PRIMARY KEY (town, id)");
    HAS(s, ST_SQLITE, "CONSTRAINT \"people_pkey\" PRIMARY KEY (\"town\", \"id\")");
    must(w, "INSERT INTO towns (name) VALUES ('new')");
    ck_assert_int_eq(number(w, "SELECT id FROM towns WHERE name = 'new'"), 7);
    must(w, "DELETE FROM towns WHERE id = 7; INSERT INTO towns (name) VALUES ('newer')");
    ck_assert_int_eq(number(w, "SELECT id FROM towns WHERE name = 'newer'"), 8);
}

static st_err columns_up(st_ops *o)
{
    st_add_column(o, "people", &(const st_table_column){"seen", ST_TIME, .default_sql = "now()"});
    st_add_column(o, "people", &(const st_table_column){"big", ST_TEXT, .generated = "upper(name)", .nullable = true});
    st_add_column(o, "people", &(const st_table_column){"price", .type_sql = "numeric", .nullable = true});
    st_create_index(o, "people", &(const st_table_index){.columns = {"seen"}});
    return st_add_column(o, "people",
                         &(const st_table_column){"ok", ST_BOOL, .default_sql = "true", .comment = "it's"});
}
static st_err columns_down(st_ops *o)
{
    st_drop_column(o, "people", "ok");
    st_drop_column(o, "people", "seen"); /* with its index */
    st_drop_column(o, "people", "price");
    return st_drop_column(o, "people", "big");
}
static st_err loose_people(st_ops *o)
{
    return st_create_table(o, &(const st_table){.name = "people",
                                                ST_COLUMNS({"id", ST_INT64, .pk = true}, {"name", ST_TEXT}),
                                                .no_strict = true,
                                                .comment = "who"});
}

DB_TEST(columns_with_any_default_come_and_go)
{
    const char *s = there_and_back(w, &(const struct way){loose_people, columns_up, columns_down,
                                                          "INSERT INTO people (id, name) VALUES (1, 'Ann')",
                                                          "SELECT name FROM people"});
    HAS(s, ST_POSTGRESQL, "people comment who");
    HAS(s, ST_POSTGRESQL, "generated s");
    ck_assert_str_eq(text_of(w, "SELECT big FROM people"), "ANN");
    ck_assert_int_eq(number(w, "SELECT count(*) FROM people WHERE seen IS NOT NULL AND ok"), 1);
    must(w, "UPDATE people SET name = 'bea'");
    ck_assert_str_eq(text_of(w, "SELECT big FROM people"), "BEA");
}

static st_err made_up(st_ops *o)
{
    st_alter_column(o, "people", &code_was,
                    &(const st_table_column){"code", ST_TEXT, .nullable = true, .generated = "lower(name)"}, NULL);
    return st_set_comment(o, "people", NULL, "all of them");
}

DB_TEST(a_column_becomes_generated)
{
    const st_revision base = {.id = "a", .message = "base", .upgrade = people};
    const st_revision next = {.id = "b", .parents = {"a"}, .message = "next", .upgrade = made_up};
    const st_revision *const list[] = {&base, &next, NULL};
    const struct st_migrations m = {.revisions = list, .program = "test"};
    OK(st_upgrade(w->e, &m, "a", FIBER_FOREVER));
    must(w, PEOPLE);
    OK(st_upgrade(w->e, &m, "b", FIBER_FOREVER));
    ck_assert_str_eq(text_of(w, "SELECT max(code) FROM people"), "bob");
    HAS(catalog(w), ST_POSTGRESQL, "people comment all of them");
}

static st_err trigger_base(st_ops *o)
{
    people(o);
    return st_create_table(
        o, &(const st_table){.name = "log",
                             ST_COLUMNS({"id", ST_INT64, .pk = true, .identity = true}, {"what", ST_TEXT})});
}
static const st_table_trigger logger = {.name = "people_log",
                                        .when = "AFTER INSERT OR UPDATE OF name, \"age\"",
                                        .condition = "NEW.name <> 'quiet'",
                                        .postgresql =
                                            "INSERT INTO log (what) VALUES (NEW.name);\nRETURN NULL; -- the end",
                                        .sqlite = "INSERT INTO log (what) VALUES (NEW.name)"};
static const st_table_trigger elsewhere = {.name = "nowhere", .when = "BEFORE DELETE", .sqlite = "SELECT 1;"};
static st_err triggers_up(st_ops *o)
{
    st_create_trigger(o, "people", &logger);
    st_create_trigger(o, "people", &elsewhere);
    return st_create_table(o, &(const st_table){.name = "more",
                                                ST_COLUMNS({"name", ST_TEXT, .pk = true}),
                                                ST_TRIGGERS({.name = "more_log",
                                                             .when = "BEFORE DELETE",
                                                             .postgresql = "INSERT INTO log (what) VALUES ('gone'); "
                                                                           "RETURN OLD",
                                                             .sqlite = "INSERT INTO log (what) VALUES ('gone')"}),
                                                .without_rowid = true});
}
static st_err triggers_down(st_ops *o)
{
    st_drop_trigger(
        o, "more",
        &(const st_table_trigger){.name = "more_log", .when = "BEFORE DELETE", .postgresql = "", .sqlite = ""});
    st_drop_table(o, "more");
    st_drop_trigger(o, "people", &elsewhere);
    return st_drop_trigger(o, "people", &logger);
}

DB_TEST(triggers_come_and_go)
{
    const char *s = there_and_back(w, &(const struct way){trigger_base, triggers_up, triggers_down, PEOPLE, NULL});
    HAS(s, ST_SQLITE, "people_log_insert");
    must(w, "INSERT INTO people (id, name) VALUES (3, 'C'), (4, 'quiet'); UPDATE people SET code = 'z';"
            "UPDATE people SET age = 5 WHERE id = 3; INSERT INTO more VALUES ('m'); DELETE FROM more");
    ck_assert_str_eq(text_of(w, w->dialect == ST_SQLITE ? "SELECT group_concat(what) FROM log"
                                                        : "SELECT string_agg(what, ',' ORDER BY id) FROM log"),
                     "C,C,gone");
}

static st_err enums_up(st_ops *o)
{
    st_create_enum(o, &(const st_enum_type){"weather", ST_VALUES("sun", "rain")});
    st_create_table(o, &(const st_table){
                           .name = "days",
                           ST_COLUMNS({"id", ST_INT64, .pk = true}, {"w", ST_ENUM, .values = ST_VALUES("sun", "rain"),
                                                                     .enum_type = "weather", .default_sql = "'sun'"})});
    st_create_policy(o, "days", &(const st_table_policy){"mine", "SELECT", "PUBLIC", "id > 3", NULL, true});
    st_enable_rls(o, "days", NULL);
    return st_create_table(o,
                           &(const st_table){.name = "logs",
                                             ST_COLUMNS({"id", ST_INT64, .pk = true}),
                                             ST_POLICIES({"all_of_it", .using_sql = "true", .check_sql = "id > 0"})});
}
static st_err enums_down(st_ops *o)
{
    st_drop_table(o, "logs");
    st_disable_rls(o, "days");
    st_drop_policy(o, "days", "mine");
    st_drop_table(o, "days");
    return st_drop_enum(o, "weather");
}

DB_TEST(enums_and_policies_come_and_go)
{
    const char *s = there_and_back(w, &(const struct way){people, enums_up, enums_down, NULL, NULL});
    HAS(s, ST_POSTGRESQL, "enum weather sun,rain");
    HAS(s, ST_POSTGRESQL, "days policy mine r f to {-} using (id > 3)");
    HAS(s, ST_POSTGRESQL, "logs rows t forced f");
    HAS(s, ST_SQLITE,
        "\"w\" TEXT NOT NULL DEFAULT 'sun' CONSTRAINT \"days_w_enum_check\" CHECK (\"w\" IN ('sun', 'rain'))");
    must(w, "INSERT INTO days (id) VALUES (9)");
    ck_assert_str_eq(text_of(w, "SELECT CAST(w AS text) FROM days"), "sun");
}

static st_err values_up(st_ops *o)
{
    st_add_enum_value(o, "weather", "snow", "rain");
    st_rename_enum_value(o, "weather", "sun", "shine");
    return st_alter_column(o, "days",
                           &(const st_table_column){"w", ST_ENUM, .values = ST_VALUES("sun", "rain"),
                                                    .enum_type = "weather", .default_sql = "'sun'"},
                           &(const st_table_column){"w", ST_ENUM, .values = ST_VALUES("shine", "snow", "rain"),
                                                    .enum_type = "weather", .default_sql = "'shine'"},
                           "CASE w WHEN 'sun' THEN 'shine' ELSE w END");
}

DB_TEST(values_of_an_enum_are_added_and_renamed)
{
    const st_revision base = {.id = "a", .message = "base", .upgrade = enums_up};
    const st_revision next = {.id = "b", .parents = {"a"}, .message = "next", .upgrade = values_up};
    const st_revision *const list[] = {&base, &next, NULL};
    const struct st_migrations m = {.revisions = list, .program = "test"};
    OK(st_upgrade(w->e, &m, "a", FIBER_FOREVER));
    must(w, "INSERT INTO days (id) VALUES (9)");
    OK(st_upgrade(w->e, &m, "b", FIBER_FOREVER));
    must(w, "INSERT INTO days (id) VALUES (8); INSERT INTO days VALUES (7, 'snow')");
    ck_assert_int_eq(number(w, "SELECT count(*) FROM days WHERE CAST(w AS text) = 'shine'"), 2);
    HAS(catalog(w), ST_POSTGRESQL, "enum weather shine,snow,rain");
}

static st_err many(st_ops *o)
{
    people(o);
    static st_value v[2 * 1200];
    for (int64_t i = 0; i < 1200; i++) {
        v[2 * i] = (st_value){.type = ST_INT64, .i64 = i + 1};
        v[2 * i + 1] = i % 2 ? v_text("it's") : v_text("plain");
    }
    return st_insert_rows(o, "towns", ST_VALUES("id", "name"), v, 2 * 1200);
}

DB_TEST(many_rows_are_inserted_at_once)
{
    const st_revision base = {.id = "a", .message = "base", .upgrade = many};
    const st_revision *const list[] = {&base, NULL};
    OK(st_upgrade(w->e, &(const struct st_migrations){.revisions = list, .program = "test"}, "a", FIBER_FOREVER));
    ck_assert_int_eq(number(w, "SELECT count(*) FROM towns"), 1200);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM towns WHERE name = 'it''s'"), 600);
}

static st_err faulty_up(st_ops *o)
{
    age_up(o);
    constraints_up(o);
    st_add_column(o, "people", &(const st_table_column){"seen", ST_TIME, .default_sql = "now()"});
    return st_drop_column(o, "people", "code");
}
static st_err faulty_down(st_ops *o)
{
    st_drop_column(o, "people", "seen");
    constraints_down(o);
    age_down(o);
    return st_add_column(o, "people", &code_was);
}

START_TEST(a_rebuild_survives_every_failed_allocation)
{
    offline_off("allocations fail, which others than the upgrade would make, too");
    struct world world, *w = &world;
    world_open(w, ST_SQLITE, NULL);
    const st_revision base = {.id = "a", .message = "base", .upgrade = people};
    const st_revision next = {
        .id = "b", .parents = {"a"}, .message = "next", .upgrade = faulty_up, .downgrade = faulty_down};
    const st_revision *const list[] = {&base, &next, NULL};
    const struct st_migrations m = {.revisions = list, .program = "test"};
    OK(st_upgrade(w->e, &m, "a", FIBER_FOREVER));
    must(w, PEOPLE);
    uint64_t n = 1;
    for (;; n += 1 + n / 64) {
        mem_fail_at(n, false);
        st_err rc = st_upgrade(w->e, &m, "b", FIBER_FOREVER);
        bool reached = mem_fail_seen() >= n;
        mem_fail_at(0, false);
        ck_assert_int_eq(number(w, "SELECT count(*) FROM people"), 2);
        ck_assert_int_eq(number(w, "PRAGMA foreign_keys"), 1);
        if (!reached) {
            OK(rc);
            break;
        }
        if (rc == 0) { /* a failure that was made good */
            OK(st_downgrade(w->e, &m, "a", FIBER_FOREVER));
        }
    }
    ck_assert_uint_gt(n, 40);
    world_close(w);
}
END_TEST

RUN("strata migrate ops", 60, CASE(a_column_is_altered_in_every_respect), CASE(values_are_converted_with_their_column),
    CASE(a_value_that_does_not_convert_stops_the_upgrade), CASE(tables_columns_indexes_and_constraints_are_renamed),
    CASE(constraints_of_every_kind_come_and_go), CASE(constraints_wait_for_the_commit_and_no_longer),
    CASE(primary_keys_change_and_numbers_go_on), CASE(columns_with_any_default_come_and_go),
    CASE(a_column_becomes_generated), CASE(triggers_come_and_go), CASE(enums_and_policies_come_and_go),
    CASE(values_of_an_enum_are_added_and_renamed), CASE(many_rows_are_inserted_at_once),
    CASE(a_rebuild_survives_every_failed_allocation));
