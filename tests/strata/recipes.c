#include "recipes.h"

#include "notes.h"
#include "strata/select.h"
#include "strata/session.h"

/* The numbers from 1 to n, as rows of one column i. */
#define NUMBERS(n) \
    "(WITH RECURSIVE k (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < " #n ") SELECT i FROM k) AS x"

/* ---- people of towns ---- */

static const st_table_column mood_was = {"mood", ST_ENUM, .values = ST_VALUES("sad", "glad"), .default_sql = "'sad'"};
static const st_table_column mood_is = {"mood", ST_ENUM, .values = ST_VALUES("blue", "glad", "calm"),
                                        .default_sql = "'blue'"};
static const st_table_index old_index = {.columns = {"old"}, .where = "age > 3"};
static const st_table_column old_column = {"old", ST_TEXT, .nullable = true, .max = 20};
static const st_table_fk town_key = {"people_town_fkey", {"town"}, "towns", {"id"}, .on_delete = ST_CASCADE};
static const st_table tours = {.name = "tours",
                               ST_COLUMNS({"id", ST_INT64, .pk = true}, {"town", ST_INT64}),
                               ST_INDEXES({.columns = {"town"}}),
                               ST_FKS({.columns = {"town"}, .table = "towns", .to = {"id"}})};

static st_err up_people(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "towns", ST_COLUMNS({"id", ST_INT64, .pk = true}, {"name", ST_TEXT})});
    st_create_table(o,
                    &(const st_table){.name = "people",
                                      ST_COLUMNS({"id", ST_INT64, .pk = true}, {"name", ST_TEXT, .max = 20},
                                                 {"town", ST_INT64}, {"age", ST_INT32, .nullable = true},
                                                 {"num", ST_TEXT}, {"code", ST_TEXT}, mood_was, old_column),
                                      ST_INDEXES(old_index, {.columns = {"name"}, .unique = true, .constraint = true}),
                                      ST_FKS(town_key),
                                      ST_CHECKS({"people_num_check", "num <> 'x'"})});
    st_create_table(o, &tours);
    st_sql(o, 0, "INSERT INTO towns (id, name) SELECT i, 't' || i FROM " NUMBERS(20));
    st_sql(o, 0, "INSERT INTO tours (id, town) SELECT i, i FROM " NUMBERS(20));
    return st_sql(o, 0,
                  "INSERT INTO people (id, name, town, age, num, code, mood, old) SELECT i, 'p' || i, 1 + i % 20, "
                  "i % 90, '' || i, CASE WHEN i % 50 = 0 THEN 'x' || i ELSE '' || (7 * i) END, CASE i % 2 WHEN 0 THEN "
                  "'sad' ELSE 'glad' END, 'o' || i FROM " NUMBERS(2300));
}
static const st_revision people = {.id = "people", .message = "people of towns", .upgrade = up_people};

/* A revision after another, both ways. */
#define REVISION(name, after)               \
    static const st_revision rev_##name = { \
        .id = #name, .parents = {#after}, .message = #name, .upgrade = up_##name, .downgrade = down_##name}

static const st_table_column num_was = {"num", ST_TEXT}, num_is = {"num", ST_INT64};

/* ADD CHECK would compare it with a text. */
static st_err up_type(st_ops *o)
{
    st_drop_constraint(o, "people", ST_C_CHECK, "people_num_check");
    return st_alter_column(o, "people", &num_was, &num_is, NULL);
}
static st_err down_type(st_ops *o)
{
    st_alter_column(o, "people", &num_is, &num_was, NULL);
    return st_add_check(o, "people", &(const st_table_check){"people_num_check", "num <> 'x'"});
}
REVISION(type, people);

static st_err up_values(st_ops *o)
{
    return st_alter_column(o, "people", &mood_was, &mood_is, "CASE mood WHEN 'sad' THEN 'blue' ELSE mood END");
}
static st_err down_values(st_ops *o)
{
    return st_alter_column(o, "people", &mood_is, &mood_was, "CASE mood WHEN 'glad' THEN 'glad' ELSE 'sad' END");
}
REVISION(values, people);

static st_err up_not_null(st_ops *o)
{
    static const st_table_column loose = {"slug", ST_TEXT, .nullable = true, .max = 80};
    static const st_table_column strict = {"slug", ST_TEXT, .max = 80};
    st_add_column(o, "people", &loose);
    st_run_backfill(o, &(const st_backfill){.name = "slugs",
                                            .table = "people",
                                            .set = "slug = lower(replace(name, 'p', '-'))",
                                            .where = "slug IS NULL",
                                            .left = "slug IS NULL",
                                            .batch = 500,
                                            .pause_ms = 1});
    return st_alter_column(o, "people", &loose, &strict, NULL);
}
static st_err down_not_null(st_ops *o)
{
    return st_drop_column(o, "people", "slug");
}
REVISION(not_null, people);

/* What would show if a row were filled twice. */
static st_err up_add_one(st_ops *o)
{
    return st_run_backfill(o, &(const st_backfill){.table = "people", .set = "age = age + 1", .batch = 400});
}
static st_err down_add_one(st_ops *o)
{
    return st_run_backfill(o, &(const st_backfill){.table = "people", .set = "age = age - 1", .batch = 400});
}
REVISION(add_one, people);

static st_err up_drop_column(st_ops *o)
{
    return st_drop_column(o, "people", "old");
}
static st_err down_drop_column(st_ops *o)
{
    st_add_column(o, "people", &old_column);
    return st_create_index(o, "people", &old_index);
}
REVISION(drop_column, people);

static st_err up_drop_constraints(st_ops *o)
{
    st_drop_constraint(o, "people", ST_C_FK, "people_town_fkey");
    st_drop_constraint(o, "people", ST_C_UNIQUE, "people_name_key");
    return st_drop_constraint(o, "people", ST_C_CHECK, "people_num_check");
}
static st_err down_drop_constraints(st_ops *o)
{
    st_add_check(o, "people", &(const st_table_check){"people_num_check", "num <> 'x'"});
    st_create_index(o, "people", &(const st_table_index){.columns = {"name"}, .unique = true, .constraint = true});
    return st_add_fk(o, "people", &town_key);
}
REVISION(drop_constraints, people);

static st_err up_drop_table(st_ops *o)
{
    return st_drop_table(o, "tours");
}
static st_err down_drop_table(st_ops *o)
{
    return st_create_table(o, &tours);
}
REVISION(drop_table, people);

static st_err up_rename(st_ops *o)
{
    st_rename_column(o, "people", "name", "full_name");
    st_rename_table(o, "people", "persons");
    st_rename_index(o, "persons", "people_old_idx", "persons_old_idx");
    return st_rename_constraint(o, "persons", ST_C_CHECK, "people_name_max_check", "persons_full_name_max_check");
}
static st_err down_rename(st_ops *o)
{
    st_rename_constraint(o, "persons", ST_C_CHECK, "persons_full_name_max_check", "people_name_max_check");
    st_rename_index(o, "persons", "persons_old_idx", "people_old_idx");
    st_rename_table(o, "persons", "people");
    return st_rename_column(o, "people", "full_name", "name");
}
REVISION(rename, people);

static st_err up_computed(st_ops *o)
{
    return st_add_column(o, "people",
                         &(const st_table_column){"older", ST_INT32, .nullable = true, .generated = "age + 10"});
}
static st_err down_computed(st_ops *o)
{
    return st_drop_column(o, "people", "older");
}
REVISION(computed, people);

static const st_table_trigger born = {.name = "people_born",
                                      .when = "BEFORE UPDATE OF age",
                                      .condition = "OLD.age > NEW.age",
                                      .postgresql = "RAISE EXCEPTION 'younger'; RETURN NEW;",
                                      .sqlite = "SELECT RAISE(ABORT, 'younger');"};
static st_err up_trigger(st_ops *o)
{
    return st_create_trigger(o, "people", &born);
}
static st_err down_trigger(st_ops *o)
{
    return st_drop_trigger(o, "people", &born);
}
REVISION(trigger, people);

static st_err up_rights(st_ops *o)
{
    st_set_comment(o, "people", "age", "in years");
    st_enable_rls(o, "people", NULL);
    return st_create_policy(o, "people", &(const st_table_policy){"people_grown", "SELECT", .using_sql = "age > 18"});
}
static st_err down_rights(st_ops *o)
{
    st_drop_policy(o, "people", "people_grown");
    st_disable_rls(o, "people");
    return st_set_comment(o, "people", "age", NULL);
}
REVISION(rights, people);

static const st_table_index name_key = {.name = "people_name_key", .columns = {"name"}};
static st_err up_defer(st_ops *o)
{
    st_defer_fk(o, "people", "people_town_fkey", ST_NOT_DEFERRABLE, ST_DEFERRED);
    st_defer_unique(o, "people", &name_key, ST_DEFERRED);
    return st_defer_primary_key(o, "tours", "tours_pkey", ST_VALUES("id"), ST_NOT_DEFERRABLE, ST_DEFERRABLE);
}
static st_err down_defer(st_ops *o)
{
    st_table_index deferred = name_key;
    deferred.deferrable = ST_DEFERRED;
    st_defer_primary_key(o, "tours", "tours_pkey", ST_VALUES("id"), ST_DEFERRABLE, ST_NOT_DEFERRABLE);
    st_defer_unique(o, "people", &deferred, ST_NOT_DEFERRABLE);
    return st_defer_fk(o, "people", "people_town_fkey", ST_DEFERRED, ST_NOT_DEFERRABLE);
}
REVISION(defer, people);

static st_err up_exclude(st_ops *o)
{
    return st_add_check(o, "people", &(const st_table_check){"people_excl", "USING hash (num WITH =)", true});
}
static st_err down_exclude(st_ops *o)
{
    return st_drop_constraint(o, "people", ST_C_EXCLUDE, "people_excl");
}
REVISION(exclude, people);

enum { NEW_ROWS = 100 };
static st_err up_rows(st_ops *o)
{
    st_value values[3 * NEW_ROWS];
    st_add_column(o, "towns", &(const st_table_column){"large", ST_BOOL, .nullable = true});
    for (int64_t id = 1000; id < 1400; id += NEW_ROWS) {
        for (size_t i = 0; i < NEW_ROWS; i++) {
            values[3 * i] = st_v_int64(id + (int64_t)i);
            values[3 * i + 1] = st_v_text("many");
            values[3 * i + 2] = st_v_bool(i % 3 == 0);
        }
        st_insert_rows(o, "towns", ST_VALUES("id", "name", "large"), values, sizeof values / sizeof *values);
    }
    ST_INSERT_ROW(o, "towns", {"id", st_v_int64(2000)}, {"name", st_v_text("it's \\ one")});
    return st_sql(o, 0, "UPDATE towns SET large = (id < 10) WHERE large IS NULL");
}
static st_err down_rows(st_ops *o)
{
    st_sql(o, 0, "DELETE FROM towns WHERE id >= 1000");
    return st_drop_column(o, "towns", "large");
}
REVISION(rows, people);

static st_err insert_many(st_session *s, void *arg)
{
    (void)arg;
    st_err rc = 0;
    for (int64_t i = 0; !rc && i < 20; i++) {
        rc =
            st_raw_execute(s, "INSERT INTO towns (id, name) SELECT 5000 + 20 * $1 + id, name FROM towns WHERE id <= 20",
                           NULL, ST_PARAMS(st_v_int64(i)));
    }
    return rc;
}
static st_err delete_many(st_session *s, void *arg)
{
    (void)arg;
    return st_raw_execute(s, "DELETE FROM towns WHERE id > 5000", NULL);
}
static st_err up_step(st_ops *o)
{
    st_add_column(o, "towns", &(const st_table_column){"rank", ST_INT32, .default_sql = "1"});
    st_run_step(o, "insert many", insert_many, NULL);
    return st_add_check(o, "towns", &(const st_table_check){"towns_rank_check", "rank > 0"});
}
static st_err down_step(st_ops *o)
{
    st_drop_constraint(o, "towns", ST_C_CHECK, "towns_rank_check");
    st_run_step(o, "delete many", delete_many, NULL);
    return st_drop_column(o, "towns", "rank");
}
REVISION(step, people);

/* ---- an enum of PostgreSQL's ---- */

static const st_table_column kind_was = {"kind", ST_ENUM, .values = ST_VALUES("raw", "done"), .enum_type = "kinds"};

static st_err up_things(st_ops *o)
{
    st_create_enum(o, &(const st_enum_type){"kinds", ST_VALUES("raw", "done")});
    st_create_table(o, &(const st_table){.name = "things", ST_COLUMNS({"id", ST_INT64, .pk = true}, kind_was)});
    return st_sql(o, ST_POSTGRESQL,
                  "INSERT INTO things (id, kind) SELECT i, (CASE i % 2 WHEN 0 THEN 'raw' ELSE 'done' "
                  "END)::kinds FROM generate_series(1, 500) AS i");
}
static const st_revision things = {.id = "things", .message = "things", .upgrade = up_things};

static st_err up_enum(st_ops *o)
{
    st_add_enum_value(o, "kinds", "half", "done");
    st_rename_enum_value(o, "kinds", "raw", "new");
    return st_sql(o, ST_POSTGRESQL, "UPDATE things SET kind = 'half' WHERE id % 5 = 0");
}
/* A value of an enum cannot be dropped. */
static st_err down_enum(st_ops *o)
{
    st_sql(o, ST_POSTGRESQL, "UPDATE things SET kind = 'new' WHERE kind = 'half'");
    return st_rename_enum_value(o, "kinds", "new", "raw");
}
REVISION(enum, things);

/* ---- a parallel column, release by release ---- */

static const st_parallel code = {
    .table = "people",
    .was = &(const st_table_column){"code", ST_TEXT},
    .is = &(const st_table_column){"code_number", ST_INT64},
    .forward = {"CASE WHEN {} ~ '^[0-9]+$' THEN {}::bigint END",
                "CASE WHEN {} <> '' AND {} NOT GLOB '*[^0-9]*' THEN CAST({} AS INTEGER) END"},
    .backward = {"{}::text", "CAST({} AS TEXT)"},
    .otherwise = "0"};

static st_err up_begin(st_ops *o)
{
    return st_parallel_begin(o, &code);
}
static st_err down_begin(st_ops *o)
{
    return st_parallel_abort(o, &code);
}
REVISION(begin, people);

static st_err up_complete(st_ops *o)
{
    return st_parallel_complete(o, &code);
}
static st_err down_complete(st_ops *o)
{
    return st_parallel_reopen(o, &code);
}
REVISION(complete, begin);

static st_err up_swap(st_ops *o)
{
    return st_parallel_swap(o, &code);
}
static st_err down_swap(st_ops *o)
{
    return st_parallel_swap_back(o, &code);
}
REVISION(swap, complete);

static st_err up_end(st_ops *o)
{
    return st_parallel_end(o, &code);
}
static st_err down_end(st_ops *o)
{
    return st_parallel_restore(o, &code);
}
REVISION(end, swap);

/* ---- a key that becomes a uuid of 16 digits ---- */

static const st_table_fk land_key = {"cities_land_fkey", {"land"}, "lands", {"id"}};
static const st_key_swap lands_key = {
    .key = {.table = "lands",
            .was = &(const st_table_column){"id", ST_INT64, .pk = true},
            .is = &(const st_table_column){"id_uuid", ST_UUID},
            .forward = {"encode(convert_to(lpad({}::text, 16, '0'), 'UTF8'), 'hex')::uuid",
                        "CAST(format('%016d', {}) AS BLOB)"},
            .backward = {"convert_from(decode(replace({}::text, '-', ''), 'hex'), 'UTF8')::bigint",
                         "CAST(CAST({} AS TEXT) AS INTEGER)"},
            .otherwise = "uuid()"},
    .n_children = 1,
    .children = &(const st_key_child){.table = "cities",
                                      .was = &(const st_table_column){"land", ST_INT64},
                                      .is = &(const st_table_column){"land_uuid", ST_UUID},
                                      .fk = &land_key}};

static st_err up_lands(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "lands", ST_COLUMNS({"id", ST_INT64, .pk = true}, {"name", ST_TEXT})});
    st_create_table(o,
                    &(const st_table){.name = "cities",
                                      ST_COLUMNS({"id", ST_INT64, .pk = true}, {"land", ST_INT64}, {"name", ST_TEXT}),
                                      ST_INDEXES({.columns = {"land"}}),
                                      ST_FKS(land_key)});
    st_sql(o, 0, "INSERT INTO lands (id, name) SELECT i, 'l' || i FROM " NUMBERS(1200));
    return st_sql(o, 0, "INSERT INTO cities (id, land, name) SELECT i, 1 + i % 1200, 'c' || i FROM " NUMBERS(1500));
}
static const st_revision lands = {.id = "lands", .message = "cities of lands", .upgrade = up_lands};

static st_err up_beside(st_ops *o)
{
    st_parallel_begin(o, &lands_key.key);
    return st_parallel_complete(o, &lands_key.key);
}
static st_err down_beside(st_ops *o)
{
    st_parallel_reopen(o, &lands_key.key);
    return st_parallel_abort(o, &lands_key.key);
}
REVISION(beside, lands);

static st_err up_key_swap(st_ops *o)
{
    return st_swap_key(o, &lands_key);
}
static st_err down_key_swap(st_ops *o)
{
    return st_swap_key_back(o, &lands_key);
}
REVISION(key_swap, beside);

static st_err up_key_end(st_ops *o)
{
    return st_swap_key_end(o, &lands_key);
}
static st_err down_key_end(st_ops *o)
{
    return st_swap_key_restore(o, &lands_key);
}
REVISION(key_end, key_swap);

static const st_table_column age_was = {"age", ST_INT32, .nullable = true},
                             age_is = {"age", ST_INT32, .identity = true};

static st_err up_number(st_ops *o)
{
    return st_alter_column(o, "people", &age_was, &age_is, NULL);
}
static st_err down_number(st_ops *o)
{
    return st_alter_column(o, "people", &age_is, &age_was, NULL);
}
REVISION(number, people);

/* ---- all of them ---- */

#define HISTORY(...) \
    .history = {.revisions = (const st_revision *const[]){__VA_ARGS__, NULL}, .program = "prog migrate"}
#define NOTE(name) .change = &notes_recipe_##name, HISTORY(&notes_first, &notes_recipe_##name)
#define PEOPLE(name) .change = &rev_##name, HISTORY(&people, &rev_##name)

const struct recipe recipes[] = {
    {"create index", NOTE(index)},
    {"add unique constraint", NOTE(unique)},
    {"add check", NOTE(check)},
    {"add foreign key", NOTE(key)},
    {"add columns", NOTE(column)},
    {"add column with a default that varies", NOTE(varies)},
    {"set not null", NOTE(must)},
    {"change primary key", NOTE(pkey)},
    {"create table with foreign keys", NOTE(child)},
    {"backfill", NOTE(fill)},
    {"several of them", .change = &notes_some, HISTORY(&notes_first, &notes_some)},
    {"add column not null with a backfill", PEOPLE(not_null)},
    {"backfill of all rows", PEOPLE(add_one)},
    {"change type", PEOPLE(type)},
    {"change values", PEOPLE(values)},
    {"drop column", PEOPLE(drop_column)},
    {"drop constraints", PEOPLE(drop_constraints)},
    {"drop table", PEOPLE(drop_table)},
    {"rename", PEOPLE(rename)},
    {"add computed column", PEOPLE(computed)},
    {"trigger", PEOPLE(trigger)},
    {"comment, policy, row-level security", PEOPLE(rights), .only = ST_POSTGRESQL},
    {"defer constraints", PEOPLE(defer)},
    {"add exclusion", PEOPLE(exclude), .only = ST_POSTGRESQL},
    {"number a column", PEOPLE(number), .only = ST_POSTGRESQL},
    {"insert rows", PEOPLE(rows)},
    {"step in C", PEOPLE(step), .in_c = true},
    {"add and rename enum value", .only = ST_POSTGRESQL, .phases = true, .change = &rev_enum,
     HISTORY(&things, &rev_enum)},
    {"parallel begin", PEOPLE(begin)},
    {"parallel complete", .change = &rev_complete, HISTORY(&people, &rev_begin, &rev_complete)},
    {"parallel swap", .change = &rev_swap, HISTORY(&people, &rev_begin, &rev_complete, &rev_swap)},
    {"parallel end", .change = &rev_end, HISTORY(&people, &rev_begin, &rev_complete, &rev_swap, &rev_end)},
    {"key beside", .change = &rev_beside, HISTORY(&lands, &rev_beside)},
    {"key swap", .change = &rev_key_swap, HISTORY(&lands, &rev_beside, &rev_key_swap)},
    {"key swap end", .change = &rev_key_end, HISTORY(&lands, &rev_beside, &rev_key_swap, &rev_key_end)},
    {0},
};
