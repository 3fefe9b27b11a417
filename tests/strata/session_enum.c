/* Enums that are types of the database's own on PostgreSQL, and text with a CHECK on SQLite: all that a session does
 * with a column goes with them, too. */
#include "session_support.h"
#include "strata/define.h"
#include "strata/stream.h"

ST_ENUM_DEFINE(level_enum, "low", "high", "so \"so\"");
ST_ENUM_DEFINE(colour_enum, "red", "green", "blue");
enum level { LOW, HIGH, SO_SO };
enum colour { RED, GREEN, BLUE };

/* clang-format off */
typedef struct Shelf { st_uuid tenant_id; enum level level; const char *name; st_list jars; } Shelf;
typedef struct Jar { st_uuid tenant_id, id; enum level level; st_opt_enum colour; const char *label; int32_t version;
                     st_ref shelf; } Jar;
typedef struct Tally { enum level level; st_opt_enum colour; int64_t jars; } Tally;
ST_DECLARE(Shelf);
ST_DECLARE(Jar);
ST_DECLARE(Tally);
#define T Shelf
ST_MODEL(Shelf, "shelves", COL(tenant_id, .tenant = true, .pk = true),
         COL(level, .pk = true, .enumeration = &level_enum, .enum_type = "a level"),
         COL(name), MANY(jars, Jar, level));
#undef T
#define T Jar
ST_MODEL(Jar, "jars", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true),
         REF(level, Shelf, .enumeration = &level_enum, .enum_type = "a level"),
         COL(colour, .enumeration = &colour_enum, .enum_type = "colour"), COL(label), COL(version, .version = true),
         ONE(shelf, Shelf, level), UNIQUE("jars_colour_label_key", "colour", "label"));
#undef T
#define T Tally
ST_RESULT(Tally, COL(level, .enumeration = &level_enum), COL(colour, .enumeration = &colour_enum), COL(jars));
#undef T
/* clang-format on */

/* Three shelves, and six jars added one by one: L0 red, L1 green, L2 without colour, ... on the shelves in turn. */
static void shelves_create(struct world *w)
{
    OK(st_create_all(w->e, (const st_model *const[]){&Shelf_model, &Jar_model}, 2, FIBER_FOREVER));
    static const char *const labels[] = {"L0", "L1", "L2", "L3", "L4", "L5"};
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_add(s, Shelf, .level = LOW, .name = "cellar");
    st_add(s, Shelf, .level = HIGH, .name = "attic");
    st_add(s, Shelf, .level = SO_SO, .name = "kitchen");
    OK(st_flush(s));
    for (unsigned i = 0; i < 6; i++) {
        st_add(s, Jar, .level = (enum level)(i % 3), .colour = {i % 3, i % 3 != 2}, .label = labels[i]);
        OK(st_flush(s));
    }
    OK(st_commit(s));
}
#define ENUM_TEST(name)                                                                                   \
    static void name##_in(struct world *w);                                                               \
    START_TEST(name)                                                                                      \
    {                                                                                                     \
        in_worlds(WORLD_SQLITE, WORLD_ADMIN, shelves_create, name##_in); /* COPY runs in the last only */ \
    }                                                                                                     \
    END_TEST                                                                                              \
    static void name##_in(struct world *w)

static void counts(struct world *w, int64_t wanted, const st_expr *where)
{
    int64_t n = -1;
    ST_SESSION(s, w->e, .tenant = tenant_a, .read_only = true);
    OK(st_count(s, Jar, where, &n));
    ck_assert_int_eq(n, wanted);
}

ENUM_TEST(one_row_is_added_changed_and_deleted)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    Jar *jar = st_add(s, Jar, .level = SO_SO, .colour = {BLUE, true}, .label = "new");
    OK(st_flush(s));
    jar->level = HIGH;
    jar->colour.set = false;
    OK(st_commit(s));
    OK(st_refresh(s, jar));
    ck_assert(jar->level == HIGH && !jar->colour.set);
    st_edit(s, jar)->colour = (st_opt_enum){GREEN, true};
    OK(st_commit(s));
    counts(w, 1, ST_AND(ST_EQ(Jar, label, "new"), ST_EQ(Jar, colour, GREEN)));
    OK(st_delete(s, jar));
    OK(st_commit(s));
    counts(w, 6, NULL);
}

ENUM_TEST(conditions_compare_with_the_value)
{
    counts(w, 2, ST_EQ(Jar, level, SO_SO));
    counts(w, 4, ST_NE(Jar, level, SO_SO));
    counts(w, 2, ST_EQ(Jar, colour, RED));
    counts(w, 2, ST_IS_NULL(Jar, colour));
    counts(w, 6, ST_IN(Jar, level, ((const unsigned[]){LOW, SO_SO, HIGH}), 3));
    counts(w, 0, ST_IN(Jar, colour, &(const unsigned){BLUE}, 1));
    counts(w, 3, ST_OR(ST_NOT(ST_IN(Jar, level, ((const unsigned[]){LOW, SO_SO}), 2)), ST_EQ(Jar, label, "L0")));
}

ENUM_TEST(keys_find_rows_and_loaders_follow_them)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const st_value key = {.type = ST_ENUM, .e.v = SO_SO};
    const Shelf *shelf = st_get_(s, &Shelf_model, &key, 1);
    ck_assert_ptr_nonnull(shelf);
    ck_assert_str_eq(shelf->name, "kitchen");
    st_rows all = st_select(s, Shelf, NULL, .with = ST_SELECTIN(Shelf, jars));
    OK(all.err);
    ck_assert_uint_eq(all.n, 3);
    ck_assert_uint_eq(st_many(s, Shelf, shelf, jars).n, 2);
    st_expunge_all(s);
    all = st_select(s, Jar, NULL, .with = ST_JOINED(Jar, shelf), .order = ST_ORDER(ST_ASC(Jar, label)));
    OK(all.err);
    ck_assert_str_eq(st_one(s, Jar, all.items[4], shelf, Shelf)->name, "attic");
}

ENUM_TEST(criteria_write_values_and_null)
{
    int64_t n;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_update_where(s, Jar, ST_EQ(Jar, level, LOW), &n, ST_SET(Jar, colour, BLUE), ST_SET(Jar, level, HIGH)));
    ck_assert_int_eq(n, 2);
    OK(st_update_where(s, Jar, ST_EQ(Jar, colour, GREEN), &n, ST_SET_NULL(Jar, colour)));
    ck_assert_int_eq(n, 2);
    OK(st_delete_where(s, Jar, ST_EQ(Jar, level, SO_SO), &n));
    ck_assert_int_eq(n, 2);
    OK(st_commit(s));
    counts(w, 2, ST_AND(ST_EQ(Jar, level, HIGH), ST_EQ(Jar, colour, BLUE)));
    counts(w, 2, ST_IS_NULL(Jar, colour));
}

/* Twenty jars of a struct each; every fourth without colour. */
enum { MANY_JARS = 20 };
static void fill(Jar *rows, Jar **at, char labels[][8])
{
    for (unsigned i = 0; i < MANY_JARS; i++) {
        (void)snprintf(labels[i], 8, "m%u", i);
        rows[i] = (Jar){.level = (enum level)(i % 3), .colour = {i % 3, i % 4 != 0}, .label = labels[i]};
        at[i] = &rows[i];
    }
}

ENUM_TEST(many_rows_go_at_once)
{
    Jar rows[MANY_JARS], *at[MANY_JARS];
    char labels[MANY_JARS][8];
    fill(rows, at, labels);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        for (int i = 0; i < MANY_JARS; i++) {
            st_add(s, Jar, .level = rows[i].level, .colour = rows[i].colour, .label = labels[i]);
        }
        OK(st_commit(s)); /* a flush of so many is a bulk insert */
    }
    counts(w, 5, ST_AND(ST_EQ(Jar, colour, BLUE), ST_EQ(Jar, level, SO_SO)));
    struct st_bulk_result r;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    for (int i = 0; i < MANY_JARS; i++) {
        rows[i].level = LOW;
    }
    OK(st_insert_many(s, Jar, at, MANY_JARS, &r, .conflict = ST_MEMBERS(Jar, colour, label),
                      .update = ST_MEMBERS(Jar, level)));
    OK(st_commit(s));
    ck_assert(r.updated == 15 && r.inserted == 5); /* null is like no other null */
    counts(w, 15 + 2, ST_AND(ST_NOT_NULL(Jar, colour), ST_EQ(Jar, level, LOW)));
}

static int next_jar(void *arg, void *row)
{
    unsigned *given = arg;
    *(Jar *)row = (Jar){.level = HIGH, .colour = {*given % 3, *given % 2}, .label = "copied"};
    return (*given)++ < 4;
}

ENUM_TEST(rows_are_copied_in)
{
    Jar rows[MANY_JARS], *at[MANY_JARS];
    char labels[MANY_JARS][8];
    unsigned given = 0;
    int64_t n;
    fill(rows, at, labels);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_copy_many(s, Jar, at, MANY_JARS, &n));
    ck_assert_int_eq(n, MANY_JARS);
    OK(st_copy_from(s, Jar, next_jar, &given, &n));
    ck_assert_int_eq(n, 4);
    OK(st_commit(s));
    counts(w, 4, ST_AND(ST_EQ(Jar, label, "copied"), ST_EQ(Jar, level, HIGH)));
    counts(w, 1, ST_EQ(Jar, label, "m5"));
}

ENUM_TEST(what_json_says_is_stored_and_other_names_are_told)
{
    static const char good[] = "{\"level\": \"so \\\"so\\\"\", \"colour\": \"green\", \"label\": \"j\"}";
    const struct json_value *in;
    Jar jar = {.label = NULL};
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(json_parse(w->a, str_of(good), &in, NULL));
    OK(st_from_json(w->a, Jar, in, ST_JSON_CREATE, NULL, &jar, NULL));
    ck_assert_ptr_nonnull(st_add_(s, &Jar_model, &jar));
    OK(st_commit(s));
    counts(w, 1, ST_AND(ST_EQ(Jar, label, "j"), ST_EQ(Jar, level, SO_SO), ST_EQ(Jar, colour, GREEN)));
    OK(json_parse(w->a, STR("{\"colour\": \"pink\"}"), &in, NULL));
    CODE(st_from_json(w->a, Jar, in, ST_JSON_PATCH, NULL, &jar, NULL), ST_E_INVALID);
    ck_assert_str_eq(diag_last()->constraint, "enum");
}

ENUM_TEST(queries_group_by_it_and_pass_it_on)
{
    ST_SESSION(s, w->e, .tenant = tenant_a, .read_only = true);
    const struct st_read *tallies =
        ST_READ(Jar,
                .fields = ST_FIELDS(ST_FIELD(Tally, level, ST_COL(Jar, level)),
                                    ST_FIELD(Tally, colour, ST_COALESCE(ST_COL(Jar, colour), ST_COL(Jar, colour))),
                                    ST_FIELD(Tally, jars, ST_COUNT_ALL)),
                .group_by = ST_TERMS(ST_COL(Jar, level), ST_COL(Jar, colour)));
    st_rows rows = st_find(s, Shelf, .with = ST_CTES(ST_CTE(Tally, tallies)),
                           .joins = ST_JOINS(ST_INNER(Tally, ST_EQ_COL(Tally, level, Shelf, level))),
                           .where = ST_AND(ST_T_EQ(ST_COL(Tally, jars), 2), ST_T_EQ(ST_COL(Tally, colour), GREEN)));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 1);
    ck_assert_int_eq(((const Shelf *)rows.items[0])->level, HIGH);
}

ENUM_TEST(streams_and_pages_go_through_all)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    int sum = 0;
    st_each_stream (Jar, j, st_stream(s, Jar, ST_IN(Jar, level, ((const unsigned[]){HIGH, SO_SO}), 2), .batch = 2)) {
        sum += (int)j->level;
    }
    OK(st_session_error(s));
    ck_assert_int_eq(sum, 2 * HIGH + 2 * SO_SO);
    struct st_page page = {.next = NULL};
    size_t found = 0;
    do {
        OK(st_page(s, Jar, NULL, ST_ORDER(ST_ASC(Jar, level)), page.next, 4, &page));
        found += page.rows.n;
    } while (page.next);
    ck_assert_uint_eq(found, 6);
}

RUN("strata session_enum", 60, CASE(one_row_is_added_changed_and_deleted), CASE(conditions_compare_with_the_value),
    CASE(keys_find_rows_and_loaders_follow_them), CASE(criteria_write_values_and_null), CASE(many_rows_go_at_once),
    CASE(rows_are_copied_in), CASE(what_json_says_is_stored_and_other_names_are_told),
    CASE(queries_group_by_it_and_pass_it_on), CASE(streams_and_pages_go_through_all));
