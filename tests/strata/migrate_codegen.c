/* What autogenerate and inspect write is C that compiles with the strict flags, and does what it was written for. */
#include <unistd.h>

#include "catalog.h"
#include "shop.h"
#include "strata/define.h"
#include "strata/migrate/autogen.h"

ST_ENUM_DEFINE(mood_enum, "sad", "glad", "so \"so\"");
ST_ENUM_DEFINE(size_enum, "small", "large");
ST_ENUM_DEFINE(one_size_enum, "large");
ST_ENUM_DEFINE(more_mood_enum, "sad", "fine", "glad", "so \"so\"");

/* clang-format off */
typedef struct Owner { st_uuid tenant_id, id; const char *name; unsigned mood; st_time created_at; } Owner;
ST_DECLARE(Owner);
#define T Owner
ST_MODEL(Owner, "owners",
    COL(tenant_id, .tenant = true, .pk = true),
    COL(id, .pk = true),
    COL(name, .max = 80, .comment = "as \"they\" write it\nthemselves"),
    COL(mood, .enumeration = &mood_enum, .enum_type = "mood", .default_sql = "'glad'"),
    COL(created_at, .default_sql = "now()"),
    UNIQUE("owners_name_key", "name"),
    COMMENT("who has \\ what?""?/"),
    POLICY("owners_seen", .command = "SELECT", .using_sql = "name <> ''"),
    TRIGGER("owners_touch", .when = "BEFORE INSERT OR UPDATE", .postgresql = "NEW.name := trim(NEW.name);\nRETURN NEW;",
            .sqlite = "SELECT 1;"));
#undef T
typedef struct Thing { st_uuid tenant_id, id; st_opt_uuid owner_id; double price; unsigned size; st_texts tags;
                       const char *code; st_opt_int32 stock; } Thing;
ST_DECLARE(Thing);
#define T Thing
ST_MODEL(Thing, "things",
    COL(tenant_id, .tenant = true, .pk = true),
    COL(id, .pk = true),
    REF(owner_id, Owner, .on_delete = ST_CASCADE),
    COL(price, .min_value = ST_NUMBER(0), .max_value = ST_NUMBER(99.5), .default_sql = "0"),
    COL(size, .enumeration = &size_enum, .as_smallint = true, .default_sql = "'small'"),
    COL(tags, .max = 10, .default_sql = "'[]'"),
    COL(code, .column = "Odd Code", .check = "\"Odd Code\" <> ''"),
    COL(stock),
    UNMAPPED("twice", ST_INT32, .generated = "stock * 2", .null = true),
    INDEX("things_owner_id_idx", "owner_id", "-price"),
    {.kind = ST_A_INDEX, .name = "things_code_idx", .columns = MEMBERS("code"), .where = "stock > 0", .unique = true},
    {.kind = ST_A_INDEX, .name = "things_low_idx", .columns = MEMBERS("id"), .expression = "lower(\"Odd Code\")"},
    CHECK("things_check", "price >= 0 OR stock IS NULL"));
#undef T
/* The same later. */
typedef struct Maker { st_uuid tenant_id, id; const char *full_name; unsigned mood; st_time created_at; bool old; } Maker;
ST_DECLARE(Maker);
#define T Maker

ST_MODEL(Maker, "makers",
    COL(tenant_id, .tenant = true, .pk = true),
    COL(id, .pk = true),
    COL(full_name, .max = 120, .was = "name"),
    COL(mood, .enumeration = &more_mood_enum, .enum_type = "mood", .default_sql = "'glad'"),
    COL(created_at, .default_sql = "now()"),
    COL(old),
    UNIQUE("makers_full_name_key", "full_name"));
#undef T
/* Names that go round, of columns and of tables. */
typedef struct Left { st_uuid id; const char *a; const char *b; const char *c; } Left;
ST_DECLARE(Left);
#define T Left
ST_MODEL(Left, "lefts",
    COL(id, .pk = true),
    COL(a, .max = 10), COL(b, .max = 20), COL(c, .max = 30),
    UNIQUE("lefts_a_key", "a"), INDEX("lefts_b_idx", "b"),
    CHECK("lefts_check", "a <> 'x' AND b <> 'y'"),
    TRIGGER("lefts_touch", .when = "BEFORE INSERT", .postgresql = "NEW.a := trim(NEW.a);\nRETURN NEW;",
            .sqlite = "SELECT RAISE(ABORT, 'blank') WHERE trim(NEW.a) = '';"));
#undef T
typedef struct Right { st_uuid id; st_uuid left_id; const char *a; } Right;
ST_DECLARE(Right);
#define T Right
ST_MODEL(Right, "rights", COL(id, .pk = true), REF(left_id, Left), COL(a, .max = 5));
#undef T
typedef struct Fewer { st_uuid id; st_uuid left_id; const char *note; } Fewer;
ST_DECLARE(Fewer);
#define T Fewer
ST_MODEL(Fewer, "rights", COL(id, .pk = true), REF(left_id, Left), COL(note, .max = 5));
#undef T
typedef struct Turned { st_uuid id; const char *a; const char *b; const char *c; } Turned;
ST_DECLARE(Turned);
#define T Turned
ST_MODEL(Turned, "rights", /* which lefts are called, and the other way round */
    COL(id, .pk = true),
    COL(a, .max = 30, .was = "c"), COL(b, .max = 10, .was = "a"), COL(c, .max = 20, .was = "b"),
    UNIQUE("rights_b_key", "b"), INDEX("rights_c_idx", "c"),
    CHECK("rights_check", "b <> 'x' AND c <> 'y'"),
    TRIGGER("rights_touch", .when = "BEFORE INSERT", .postgresql = "NEW.b := trim(NEW.b);\nRETURN NEW;",
            .sqlite = "SELECT RAISE(ABORT, 'blank') WHERE trim(NEW.b) = '';"));
#undef T
typedef struct Other { st_uuid id; st_uuid left_id; const char *a; } Other;
ST_DECLARE(Other);
#define T Other
ST_MODEL(Other, "lefts", COL(id, .pk = true), REF(left_id, Turned), COL(a, .max = 5));
#undef T
typedef struct Wide { st_uuid id; int64_t count; const char *label; const char *note; unsigned size; double price; st_opt_int64 stock; } Wide;
ST_DECLARE(Wide);
#define T Wide
ST_MODEL(Wide, "parcels",
    COL(id, .pk = true), COL(count), COL(label), COL(note, .max = 30),
    COL(size, .enumeration = &size_enum), COL(price, .min_value = ST_NUMBER(0)), COL(stock),
    UNMAPPED("twice", ST_INT32, .null = true),
    UNMAPPED("thrice", ST_INT64, .generated = "count * 3", .null = true), CHECK("parcels_any", "count > 0 OR price > 1"),
    INDEX_ON("parcels_few", MEMBERS("count"), .where = "count < 5 AND size <> 'none'"));
#undef T
typedef struct Narrow { st_uuid id; int32_t count; const char *label; const char *note; unsigned size; double price; int64_t stock; } Narrow;
ST_DECLARE(Narrow);
#define T Narrow
ST_MODEL(Narrow, "parcels",
    COL(id, .pk = true), COL(count), COL(label, .max = 20), COL(note, .max = 10),
    COL(size, .enumeration = &one_size_enum), COL(price, .min_value = ST_NUMBER(1)), COL(stock),
    UNMAPPED("twice", ST_INT32, .generated = "count * 2", .null = true),
    UNMAPPED("thrice", ST_INT64, .generated = "count * 3", .null = true), CHECK("parcels_any", "count > 0 OR price > 1"),
    INDEX_ON("parcels_few", MEMBERS("count"), .where = "count < 5 AND size <> 'none'"));
#undef T
/* clang-format on */

static st_err nothing(st_ops *o)
{
    (void)o;
    return 0;
}

static const st_model *const before[] = {&Owner_model, &Thing_model, NULL};

DB_TEST(a_revision_that_was_written_compiles_and_leaves_nothing_to_write)
{
    struct shop s;
    shop_open(&s, w);
    static const st_revision *none[] = {NULL};
    struct st_migrations m = {.revisions = none, .models = before, .program = "prog migrate", .dir = s.dir};
    const char *name;
    RUN_IT(&m, 0, "revision", "-m", "first: \"owners\" */ and things");
    const char *path = shop_written(w, &name);
    const st_revision *first = shop_load(&s, path, name);
    ck_assert_ptr_nonnull(strstr(shop_text(w, path), "{\"price\", ST_DOUBLE, .min_value = ST_NUMBER(0)"));
    m.revisions = (const st_revision *const[]){first, NULL};
    RUN_IT(&m, 1, "check"); /* it is not applied */
    RUN_IT(&m, 0, "upgrade");
    RUN_IT(&m, 0, "check");
    RUN_IT(&m, 0, "revision", "-m", "again");
    ck_assert_ptr_nonnull(strstr(shop_out, "nothing to write"));
    const char *was = catalog(w);

    /* Things go, owners become makers. */
    st_model makers = Maker_model;
    makers.was = "owners";
    m.models = (const st_model *const[]){&makers, NULL};
    RUN_IT(&m, 1, "check");
    ck_assert_ptr_nonnull(strstr(shop_out, "to do: rename the table owners to makers"));
    ck_assert_ptr_nonnull(strstr(shop_out, "to do: drop the table things"));
    RUN_IT(&m, 0, "revision", "-m", "makers", "--branch-label", "v2");
    ck_assert_ptr_nonnull(strstr(shop_err, "loses data: the rows of things go with the table"));
    path = shop_written(w, &name);
    ck_assert_ptr_nonnull(strstr(shop_text(w, path), "/* Loses data: the rows of things go with the table, which the "
                                                     "downgrade makes empty. */\n    st_drop_table(o, \"things\")"));
    const st_revision *second = shop_load(&s, path, name);
    ck_assert_str_eq(second->parents[0], first->id);
    ck_assert_str_eq(second->label, "v2");
    ck_assert_ptr_nonnull(strstr(shop_text(w, path), "/* Rows that are there get false;"));
    m.revisions = (const st_revision *const[]){second, first, NULL};
    RUN_IT(&m, 0, "upgrade");
    RUN_IT(&m, 0, "check");
    RUN_IT(&m, 0, "downgrade", "-1");
    m.models = before;
    m.revisions = (const st_revision *const[]){first, NULL};
    RUN_IT(&m, 0, "check");
    if (w->dialect == ST_POSTGRESQL) {
        ck_assert_str_eq(catalog(w), was);
    }
    RUN_IT(&m, 0, "downgrade", "base");
    shop_close(&s);
}

static const st_revision *write_and_load(struct world *w, struct shop *s, struct st_migrations *m, const char *message)
{
    const char *name;
    RUN_IT(m, 0, "revision", "-m", message);
    const char *path = shop_written(w, &name);
    return shop_load(s, path, name);
}

DB_TEST(names_that_go_round_take_their_rows_along_once)
{
    struct shop s;
    shop_open(&s, w);
    static const st_revision *none[] = {NULL};
    st_model turned = Turned_model, other = Other_model;
    turned.was = "lefts";
    other.was = "rights";
    const st_model *const straight[] = {&Left_model, &Right_model, NULL}, *const round[] = {&turned, &other, NULL};
    const bool lite = w->dialect == ST_SQLITE;
    const char *id = lite ? "x'00000000000070008000000000000007'" : "'00000000-0000-7000-8000-000000000007'";
    struct st_migrations m = {.revisions = none, .models = straight, .program = "prog migrate", .dir = s.dir};
    const st_revision *first = write_and_load(w, &s, &m, "straight");
    m.revisions = (const st_revision *const[]){first, NULL};
    RUN_IT(&m, 0, "upgrade");
    must(w, arena_printf(w->a,
                         "INSERT INTO lefts (id, a, b, c) VALUES (%s, 'a', 'b', 'c'); "
                         "INSERT INTO rights (id, left_id, a) VALUES (%s, %s, 'r')",
                         id, id, id));
    const char *before_it = catalog(w);

    m.models = round;
    const st_revision *second = write_and_load(w, &s, &m, "round");
    ck_assert_ptr_nonnull(strstr(shop_out, "rename the table rights to rights_aside"));
    m.revisions = (const st_revision *const[]){first, second, NULL};
    for (int again = 0; again < 2; again++) {
        RUN_IT(&m, 0, "upgrade");
        RUN_IT(&m, 0, "check"); /* although .was still says so */
        ck_assert_str_eq(text_of(w, "SELECT b || c || a FROM rights"), "abc");
        ck_assert_str_eq(text_of(w, "SELECT a FROM lefts"), "r");
        ck_assert_int_eq(st_engine_execute(w->e, "UPDATE rights SET b = 'x'", FIBER_FOREVER), ST_E_CHECK);
        RUN_IT(&m, 0, "downgrade", "-1");
        ck_assert_str_eq(text_of(w, "SELECT a || b || c FROM lefts"), "abc");
        if (!lite) {
            ck_assert_str_eq(catalog(w), before_it);
        }
    }
    m.models = straight;
    m.revisions = (const st_revision *const[]){first, NULL};
    RUN_IT(&m, 0, "check");
    RUN_IT(&m, 0, "downgrade", "base");

    m.models = round; /* made at once, nothing turns any more */
    m.revisions = none;
    first = write_and_load(w, &s, &m, "made round");
    m.revisions = (const st_revision *const[]){first, NULL};
    RUN_IT(&m, 0, "upgrade");
    RUN_IT(&m, 0, "check");
    shop_close(&s);
}

DB_TEST(what_loses_data_is_marked_and_what_looks_like_a_rename_is_told)
{
    struct shop s;
    shop_open(&s, w);
    static const st_revision *none[] = {NULL};
    static const st_model *const straight[] = {&Left_model, &Right_model, NULL};
    static const st_model *const fewer[] = {&Left_model, &Fewer_model, NULL};
    struct st_migrations m = {.revisions = none, .models = straight, .program = "prog migrate", .dir = s.dir};
    const st_revision *first = write_and_load(w, &s, &m, "first");
    ck_assert_str_eq(shop_err, "");
    m.revisions = (const st_revision *const[]){first, NULL};
    RUN_IT(&m, 0, "upgrade");
    m.models = fewer;
    const char *name;
    RUN_IT(&m, 0, "revision", "-m", "fewer");
    const char *told = "the values of rights.a go with the column, which the downgrade makes without them; if a was "
                       "renamed to note, say .was = \"a\" in the model instead";
    ck_assert_ptr_nonnull(strstr(shop_err, told));
    const char *text = shop_text(w, shop_written(w, &name));
    const char *mark = strstr(text, arena_printf(w->a, "    /* Loses data: %s. */\n", told));
    ck_assert_ptr_nonnull(mark);
    ck_assert_ptr_null(strstr(mark + strlen(told), "Loses data")); /* what the downgrade drops was not there before */
    RUN_IT(&m, 0, "downgrade", "base");
    shop_close(&s);
}

DB_TEST(what_holds_less_than_before_is_told_and_what_holds_more_is_not)
{
    struct shop s;
    shop_open(&s, w);
    static const st_revision *none[] = {NULL};
    static const st_model *const wide[] = {&Wide_model, NULL}, *const narrow[] = {&Narrow_model, NULL};
    static const char *const told[] = {
        "may fail: at values of parcels.count that the new type cannot hold; those that are rounded or cut",
        "may fail: at rows where parcels.label is longer than 20 bytes",
        "may fail: at rows where parcels.note is longer than 10 bytes",
        "may fail: at rows where parcels.size is 'small', which want another value before",
        "may fail: at rows where parcels.price is outside of the new range",
        "may fail: at rows where parcels.stock is null: fill them in before, with st_run_backfill",
        "loses data: the values of parcels.twice are computed from now on; those that are there go",
    };
    struct st_migrations m = {.revisions = none, .models = wide, .program = "prog migrate", .dir = s.dir};
    const st_revision *first = write_and_load(w, &s, &m, "wide");
    m.revisions = (const st_revision *const[]){first, NULL};
    RUN_IT(&m, 0, "upgrade");
    m.models = narrow;
    const st_revision *second = write_and_load(w, &s, &m, "narrow");
    const bool lite = w->dialect == ST_SQLITE; /* where every integer has 64 bits */
    for (size_t i = lite ? 1 : 0; i < sizeof told / sizeof *told; i++) {
        ck_assert_msg(strstr(shop_err, told[i]) != NULL, "%s: %s", told[i], shop_err);
    }
    must(w, arena_printf(w->a,
                         "INSERT INTO parcels (id, count, label, note, size, price, stock) VALUES (%s, 1, "
                         "'much too long a label for it', 'n', 'large', 2, 3)",
                         lite ? "x'00000000000070008000000000000007'" : "'00000000-0000-7000-8000-000000000007'"));
    m.revisions = (const st_revision *const[]){first, second, NULL};
    RUN_IT(&m, 1, "upgrade");
    must(w, "UPDATE parcels SET label = 'short'");
    RUN_IT(&m, 0, "upgrade");
    RUN_IT(&m, 0, "check");
    st_engine *other; /* what was written against one database runs on another, and back */
    OK(st_engine_open(arena_printf(w->a, "sqlite:///%s/other.db", s.dir), NULL, &other));
    OK(st_upgrade(other, &m, "head", FIBER_FOREVER));
    OK(st_downgrade(other, &m, "base", FIBER_FOREVER));
    st_engine_close(other);
    m.models = wide;
    const char *name;
    RUN_IT(&m, 0, "revision", "-m", "wide again");
    ck_assert_ptr_null(strstr(shop_err, "may fail"));
    const char *text = shop_text(w, shop_written(w, &name)), *down = strstr(text, "downgrade(");
    const char *mark = strstr(text, "/* May fail: at rows where parcels.stock is null");
    ck_assert(down && mark && mark > down);
    shop_close(&s);
}

DB_TEST(an_empty_revision_needs_no_database_and_names_its_parents)
{
    struct shop s;
    shop_open(&s, w);
    const st_revision a = {.id = "a1", .message = "a", .upgrade = nothing},
                      b = {.id = "b1", .parents = {"a1"}, .message = "b", .upgrade = nothing},
                      c = {.id = "c1", .parents = {"a1"}, .message = "c", .upgrade = nothing};
    struct st_migrations m = {.revisions = (const st_revision *const[]){&a, &b, &c, NULL}, .program = "prog migrate"};
    st_engine *e = w->e;
    const char *name, *path;
    w->e = NULL;
    RUN_IT(&m, 2, "revision", "--empty");
    RUN_IT(&m, 1, "revision", "--empty", "-m", "x", "--dir", s.dir);
    ck_assert_ptr_nonnull(strstr(shop_err, "2 heads"));
    RUN_IT(&m, 1, "revision", "--empty", "-m", "x", "--dir", s.dir, "--head", "a1");
    ck_assert_ptr_nonnull(strstr(shop_err, "--splice"));
    RUN_IT(&m, 1, "revision", "-m", "x", "--dir", s.dir, "--head", "b1");
    ck_assert_ptr_nonnull(strstr(shop_err, "--empty"));
    RUN_IT(&m, 0, "revision", "--empty", "-m", "fix it", "--dir", s.dir, "--head", "a1", "--splice");
    ck_assert_ptr_nonnull(strstr(shop_out, "to the program's list of revisions"));
    path = shop_written(w, &name);
    const st_revision *r = shop_load(&s, path, name);
    ck_assert_str_eq(r->parents[0], "a1");
    ck_assert_uint_eq(strlen(r->id), 12);
    FILE *list = fopen(arena_printf(w->a, "%s/revisions.list", s.dir), "w");
    ck_assert(list && fputs("REVISION(rev_a)\n", list) >= 0 && fclose(list) == 0);
    RUN_IT(&m, 0, "merge", "--dir", s.dir);
    path = shop_written(w, &name);
    r = shop_load(&s, path, name);
    ck_assert_str_eq(r->parents[0], "b1");
    ck_assert_str_eq(r->parents[1], "c1");
    ck_assert_str_eq(shop_text(w, arena_printf(w->a, "%s/revisions.list", s.dir)),
                     arena_printf(w->a, "REVISION(rev_a)\nREVISION(%s)\n", name));
    RUN_IT(&m, 1, "merge", "b1", "b", "--dir", s.dir);
    ck_assert_ptr_nonnull(strstr(shop_err, "named twice"));
    RUN_IT(&m, 1, "revision", "--empty", "-m", "x", "--dir", "/nowhere", "--head", "b1");
    ck_assert_ptr_nonnull(strstr(shop_err, "--dir DIR"));
    w->e = e;
    shop_close(&s);
}

/* Each allocation of a comparison fails in turn (in steps: there are thousands); nothing is leaked or half told. */
DB_TEST(a_comparison_bears_any_failed_allocation)
{
    static const st_revision *none[] = {NULL};
    const struct st_migrations m = {.revisions = none, .models = before, .program = "prog migrate"};
    const char *const *lines;
    size_t n = 0;
    OK(st_compare(w->e, &m, w->a, FIBER_FOREVER, &lines, &n)); /* the connection is there */
    const size_t all = n;
    st_err rc = -ENOMEM;
    for (uint64_t at = 1; rc; at += 1 + at / 20) {
        arena *a = arena_new(NULL, 0);
        mem_fail_at(at, false);
        rc = st_compare(w->e, &m, a, FIBER_FOREVER, &lines, &n);
        mem_fail_at(0, false);
        ck_assert_msg(rc == 0 || rc == -ENOMEM, "allocation %llu: %d, %s", (unsigned long long)at, rc,
                      diag_last()->message);
        ck_assert(rc || n == all);
        arena_free(a);
    }
}

DB_TEST(what_is_created_at_once_is_what_the_models_say)
{
    static const st_revision *none[] = {NULL};
    const struct st_migrations m = {.revisions = none, .models = before, .program = "prog migrate"};
    const char *const *lines;
    size_t n;
    OK(st_create_all(w->e, before, 2, FIBER_FOREVER));
    OK(st_create_all(w->e, before, 2, FIBER_FOREVER)); /* again: all is there */
    OK(st_compare(w->e, &m, w->a, FIBER_FOREVER, &lines, &n));
    ck_assert_msg(n == 0, "%s", n ? lines[0] : "");
}

typedef struct Counter {
    st_uuid id;
    int32_t n;
} Counter;
#define T Counter
ST_MODEL(Counter, "counters", COL(id, .pk = true), COL(n), CHECK("counters_n_check", "n >= 0"));
#undef T

/* It says what .min_value could say as well. */
DB_TEST(a_check_with_a_name_of_its_own_stays_that_check)
{
    static const st_model *const models[] = {&Counter_model, NULL};
    static const st_revision *none[] = {NULL};
    const struct st_migrations m = {
        .revisions = none, .models = models, .program = "prog", .take = ST_VALUES("counters")};
    const char *const *lines;
    size_t n;
    OK(st_create_all(w->e, models, 1, FIBER_FOREVER));
    OK(st_compare(w->e, &m, w->a, FIBER_FOREVER, &lines, &n));
    ck_assert_msg(n == 0, "%s", n ? lines[0] : "");
    must(
        w,
        w->dialect == ST_SQLITE
            ? "DROP TABLE counters; CREATE TABLE counters (id BLOB NOT NULL CONSTRAINT counters_id_uuid_check CHECK "
              "(length(id) = 16), n INTEGER NOT NULL, CONSTRAINT counters_pkey PRIMARY KEY (id), "
              "CONSTRAINT counters_n_check CHECK (n >= -1)) STRICT"
            : "ALTER TABLE counters DROP CONSTRAINT counters_n_check, ADD CONSTRAINT counters_n_check CHECK (n >= -1)");
    OK(st_compare(w->e, &m, w->a, FIBER_FOREVER, &lines, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(lines[0], "table counters: drop the constraint counters_n_check");
    ck_assert_str_eq(lines[1], "table counters: add the constraint counters_n_check");
}

DB_TEST(tables_of_others_are_left_alone)
{
    must(w, "CREATE TABLE theirs (id integer PRIMARY KEY); CREATE TABLE old_ours (id integer PRIMARY KEY)");
    static const st_revision *none[] = {NULL};
    struct st_migrations m = {.revisions = none, .models = (const st_model *const[]){NULL}, .program = "prog migrate"};
    const char *const *lines;
    size_t n;
    OK(st_compare(w->e, &m, w->a, FIBER_FOREVER, &lines, &n));
    ck_assert_uint_eq(n, 0);
    m.take = (const char *const[]){"old_*", NULL};
    OK(st_compare(w->e, &m, w->a, FIBER_FOREVER, &lines, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(lines[0], "drop the table old_ours");
    m.leave = (const char *const[]){"*_ours", NULL};
    OK(st_compare(w->e, &m, w->a, FIBER_FOREVER, &lines, &n));
    ck_assert_uint_eq(n, 0);
    st_schema schema;
    OK(st_reflect(w->e, w->a, (const char *const[]){"th*", NULL}, FIBER_FOREVER, &schema));
    ck_assert_uint_eq(schema.n_tables, 1);
    ck_assert_str_eq(schema.tables[0].name, "theirs");
    ck_assert(schema.tables[0].columns[0].pk);
}

RUN("migrate codegen", 120, CASE(a_revision_that_was_written_compiles_and_leaves_nothing_to_write),
    CASE(names_that_go_round_take_their_rows_along_once),
    CASE(what_loses_data_is_marked_and_what_looks_like_a_rename_is_told),
    CASE(what_holds_less_than_before_is_told_and_what_holds_more_is_not),
    CASE(an_empty_revision_needs_no_database_and_names_its_parents), CASE(a_comparison_bears_any_failed_allocation),
    CASE(what_is_created_at_once_is_what_the_models_say), CASE(a_check_with_a_name_of_its_own_stays_that_check),
    CASE(tables_of_others_are_left_alone));
