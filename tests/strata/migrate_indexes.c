/* All that an index can say: written from models, read from a database, compared, and the way back. */
#include "catalog.h"
#include "shop.h"
#include "strata/define.h"

/* clang-format off */
typedef struct Page { int64_t id; const char *name, *title; int64_t at; st_opt_int64 rank; st_json data; } Page;
#define T Page
#define PAGE_COLUMNS COL(id, .pk = true), COL(name, .max = 80), COL(title, .column = "The Title"), COL(at), COL(rank), COL(data)
static const st_attr plain_attrs[] = {PAGE_COLUMNS,
    UNIQUE("pages_name_key", "name", "rank"),
    INDEX("pages_at_idx", "-at", "rank"),
    INDEX("pages_name_idx", "name"),
    INDEX("pages_title_idx", "title"),
    INDEX("pages_low_idx", "(lower(name))"),
    INDEX("pages_two_idx", "(lower(name))", "at", "(abs(rank))")};
static const st_attr rich_attrs[] = {PAGE_COLUMNS,
    UNIQUE_ON("pages_name_key", MEMBERS("name collate nocase", "rank"), .include = MEMBERS("title", "at"),
              .nulls_not_distinct = true, .with = "fillfactor = 70"),
    INDEX_ON("pages_at_idx", MEMBERS("-at nulls last", "rank nulls first"), .unique = true,
             .include = MEMBERS("name"), .nulls_not_distinct = true),
    INDEX("pages_name_idx", "name text_pattern_ops collate NOCASE"),
    INDEX("pages_title_idx", "title collate \"POSIX\" collate rtrim"),
    INDEX_ON("pages_low_idx", MEMBERS("-(lower(name)) collate nocase text_pattern_ops collate \"POSIX\" nulls last"),
             .where = "at > 0"),
    INDEX("pages_two_idx", "(lower(name)) text_pattern_ops", "at", "-(abs(rank))"),
    INDEX_ON("pages_data_idx", MEMBERS("data jsonb_path_ops"), .method = "gin", .with = "fastupdate = off"),
    INDEX_ON("pages_brin_idx", MEMBERS("at int8_minmax_multi_ops(values_per_range = 16)"), .method = "brin")};
#undef T
#define MODEL(attrs_) {.name = "Page", .table = "pages", .size = sizeof(Page), .attrs = attrs_, \
                       .n_attrs = sizeof attrs_ / sizeof *attrs_}
/* clang-format on */
static const st_model plain_page = MODEL(plain_attrs), rich_page = MODEL(rich_attrs);
static const st_model *const plain[] = {&plain_page, NULL}, *const rich[] = {&rich_page, NULL};

#define HAS(text, what) ck_assert_msg(strstr((text), (what)), "%s", (text))
static void has(struct world *w, const char *text, const char *postgresql, const char *sqlite)
{
    HAS(text, w->dialect == ST_POSTGRESQL ? postgresql : sqlite);
}

DB_TEST(whatever_an_index_says_is_written_read_and_undone)
{
    struct shop s;
    shop_open(&s, w);
    const st_revision *list[3] = {NULL};
    struct st_migrations m = {.revisions = list, .models = plain, .program = "prog migrate", .dir = s.dir};
    const char *name;
    RUN_IT(&m, 0, "revision", "-m", "plain");
    const char *path = shop_written(w, &name);
    list[0] = shop_load(&s, path, name);
    RUN_IT(&m, 0, "upgrade");
    RUN_IT(&m, 0, "check");
    const char *first = catalog(w);
    must(w, "INSERT INTO pages VALUES (1, 'a', 'b', 3, 4, '{}'), (2, 'b', 'b', 5, NULL, '[]')");

    m.models = rich;
    RUN_IT(&m, 0, "revision", "-m", "rich");
    path = shop_written(w, &name);
    const char *text = shop_text(w, path);
    HAS(text, ".include = {\"The Title\", \"at\"}, .nulls_not_distinct = true, .with = \"fillfactor = 70\"");
    list[1] = shop_load(&s, path, name);
    RUN_IT(&m, 0, "upgrade");
    RUN_IT(&m, 0, "check");
    RUN_IT(&m, 0, "revision", "-m", "nothing");
    HAS(shop_out, "nothing to write");
    const char *there = catalog(w);
    has(w, there, "UNIQUE NULLS NOT DISTINCT (name, rank) INCLUDE (\"The Title\", at)",
        "CONSTRAINT \"pages_name_key\" UNIQUE (\"name\" COLLATE nocase, \"rank\")");
    has(w, there, "(name, rank) INCLUDE (\"The Title\", at) NULLS NOT DISTINCT WITH (fillfactor='70')",
        "pages_name_key");
    has(w, there, "(at DESC NULLS LAST, rank NULLS FIRST) INCLUDE (name) NULLS NOT DISTINCT",
        "\"pages_at_idx\" ON \"pages\" (\"at\" DESC, \"rank\")");
    has(w, there, "(name text_pattern_ops)", "(\"name\" COLLATE NOCASE)");
    has(w, there, "(\"The Title\" COLLATE \"POSIX\")", "(\"The Title\" COLLATE rtrim)");
    has(w, there, "(lower(name) COLLATE \"POSIX\" text_pattern_ops DESC NULLS LAST) WHERE (at > 0)",
        "((lower(name)) COLLATE nocase DESC) WHERE at > 0");
    has(w, there, "(lower(name) text_pattern_ops, at, abs(rank) DESC)", "((lower(name)), \"at\", (abs(rank)) DESC)");
    has(w, there, "gin (data jsonb_path_ops) WITH (fastupdate=off)", "\"pages_data_idx\"");
    has(w, there, "brin (at int8_minmax_multi_ops (values_per_range='16'))", "\"pages_brin_idx\"");

    RUN_IT(&m, 0, "downgrade", "-1");
    ck_assert_str_eq(catalog(w), first);
    RUN_IT(&m, 0, "upgrade");
    ck_assert_str_eq(catalog(w), there);
    RUN_IT(&m, 0, "downgrade", "base");
    shop_close(&s);
}

DB_TEST(two_nulls_are_the_same_where_an_index_says_so)
{
    OK(st_create_all(w->e, rich, 1, FIBER_FOREVER));
    must(w, "INSERT INTO pages VALUES (1, 'a', 'b', 3, NULL, '{}')");
    st_err rc = st_engine_execute(w->e, "INSERT INTO pages VALUES (2, 'a', 'b', 4, NULL, '{}')", FIBER_FOREVER);
    ck_assert_int_eq(rc, w->dialect == ST_POSTGRESQL ? ST_E_UNIQUE : 0);
    /* In any case, where SQLite's collation says so. */
    must(w, "INSERT INTO pages VALUES (3, 'Case', 'b', 5, 1, '{}')");
    rc = st_engine_execute(w->e, "INSERT INTO pages VALUES (4, 'CASE', 'b', 6, 1, '{}')", FIBER_FOREVER);
    ck_assert_int_eq(rc, w->dialect == ST_SQLITE ? ST_E_UNIQUE : 0);
}

static void write_and_load(struct shop *s, struct st_migrations *m, const char *text)
{
    const char *path = arena_printf(s->w->a, "%s/models%u.c", s->dir, s->n);
    shop_write(path, text);
    m->models = shop_load(s, path, "models");
}

static st_err nothing(st_ops *o)
{
    (void)o;
    return 0;
}

static st_schema found;
static st_err make_found(st_ops *o)
{
    return st_create_table(o, &found.tables[0]);
}

static const char *const found_pg =
    "CREATE TABLE found (id integer PRIMARY KEY, name varchar(80), \"odd name\" text COLLATE \"C\", at timestamptz, "
    "net inet, tags text[], CONSTRAINT found_u UNIQUE NULLS NOT DISTINCT (name, at) INCLUDE (\"odd name\") WITH "
    "(fillfactor = 60));"
    "CREATE INDEX f1 ON found (\"odd name\" DESC NULLS LAST, at NULLS FIRST);"
    "CREATE INDEX f2 ON found (name varchar_pattern_ops, \"odd name\" COLLATE \"POSIX\" text_pattern_ops);"
    "CREATE UNIQUE INDEX f3 ON found (lower(name), upper(name) COLLATE \"C\" DESC, (id + 1)) INCLUDE (at) NULLS NOT "
    "DISTINCT WHERE id > 3;"
    "CREATE INDEX f4 ON found USING gist (net inet_ops); CREATE INDEX f5 ON found USING gin (tags) WITH (fastupdate = "
    "off, gin_pending_list_limit = 128);"
    "CREATE INDEX f6 ON found (coalesce(name, '('), (\"odd name\" || ')') text_pattern_ops, (at AT TIME ZONE 'UTC') "
    "DESC);"
    "CREATE INDEX f7 ON found (name COLLATE pg_catalog.\"de-x-icu\"); CREATE INDEX f8 ON found (lower(name));"
    "CREATE INDEX f9 ON found USING brin (id int4_minmax_multi_ops (values_per_range = 8)) WITH (pages_per_range = 4);";
static const char *const found_sqlite =
    "CREATE TABLE found (id INTEGER PRIMARY KEY, name VARCHAR(80), \"odd name\" TEXT COLLATE NOCASE, at INTEGER, "
    "CONSTRAINT found_u UNIQUE (name COLLATE nocase, at), UNIQUE (\"odd name\" COLLATE BINARY));"
    "CREATE INDEX f1 ON found (\"odd name\" COLLATE rtrim DESC, at ASC);"
    "CREATE UNIQUE INDEX f3 ON found (lower(name), upper(name) COLLATE NOCASE DESC, (id + 1)) WHERE id > 3;"
    "CREATE INDEX f6 ON found ((lower(name)) COLLATE NOCASE, name || 'x' COLLATE NOCASE, coalesce(name, '(') DESC);"
    "CREATE INDEX f7 ON found (name COLLATE \"NOCASE\"); CREATE INDEX f8 ON found (lower(name));";

DB_TEST(what_an_index_of_others_says_is_adopted_whole)
{
    struct shop s;
    shop_open(&s, w);
    must(w, w->dialect == ST_POSTGRESQL ? found_pg : found_sqlite);
    static const st_revision base = {.id = "ad0123", .message = "as it was", .upgrade = nothing};
    struct st_migrations m = {.revisions = (const st_revision *const[]){&base, NULL}, .program = "prog", .dir = s.dir};
    RUN_IT(&m, 0, "inspect");
    ck_assert_msg(!strstr(shop_out, "left alone"), "%s", shop_out);
    has(w, shop_out,
        "UNIQUE_ON(\"found_u\", MEMBERS(\"name\", \"at\"), .include = MEMBERS(\"odd_name\"), "
        ".nulls_not_distinct = true, .with = \"fillfactor=60\")",
        "UNIQUE(\"found_u\", \"name collate nocase\", \"at\")");
    has(w, shop_out, "INDEX(\"f1\", \"-odd_name nulls last\", \"at nulls first\")",
        "INDEX(\"f1\", \"-odd_name collate rtrim\", \"at\")");
    has(w, shop_out,
        "INDEX_ON(\"f9\", MEMBERS(\"id int4_minmax_multi_ops (values_per_range='8')\"), .method = \"brin\"",
        "INDEX(\"f6\", \"(lower(name)) collate nocase\", \"(name || 'x' COLLATE NOCASE)\", \"-(coalesce(name, "
        "'('))\")");
    write_and_load(&s, &m, shop_out);
    RUN_IT(&m, 0, "stamp", "head");
    int code = shop_run(w, &m, (const char *const[]){"check", NULL});
    ck_assert_msg(code == 0, "%s%s", shop_out, shop_err);

    /* Made of what was read of them, they are the same. */
    const char *was = catalog(w);
    OK(st_reflect(w->e, w->a, ST_VALUES("found"), FIBER_FOREVER, &found));
    ck_assert_uint_eq(found.n_tables, 1);
    must(w, "DROP TABLE found");
    const st_revision again = {.id = "ad0124", .parents = {"ad0123"}, .message = "again", .upgrade = make_found};
    m.revisions = (const st_revision *const[]){&base, &again, NULL};
    OK(st_upgrade(w->e, &m, "head", FIBER_FOREVER));
    if (w->dialect == ST_POSTGRESQL) { /* which keeps no text */
        ck_assert_str_eq(catalog(w), was);
    }
    RUN_IT(&m, 0, "check");
    shop_close(&s);
}

/* One that includes a column goes with it on PostgreSQL, and stays on SQLite: the revision drops it on both. */
DB_TEST(a_column_that_goes_takes_what_includes_it_along)
{
    struct shop s;
    shop_open(&s, w);
    /* clang-format off */
#define T Page
    const st_attr with[] = {COL(id, .pk = true), COL(name), COL(at), COL(rank),
        INDEX_ON("pages_at_idx", MEMBERS("at"), .include = MEMBERS("rank")),
        UNIQUE_ON("pages_name_key", MEMBERS("name"), .include = MEMBERS("rank"))};
    const st_attr without[] = {COL(id, .pk = true), COL(name), COL(at, .column = "seen", .was = "at"),
        INDEX("pages_at_idx", "at"), UNIQUE("pages_name_key", "name")};
#undef T
    /* clang-format on */
    const st_model before = MODEL(with), after = MODEL(without);
    const st_revision *list[3] = {NULL};
    struct st_migrations m = {.revisions = list, .program = "prog migrate", .dir = s.dir};
    const st_model *const *models[] = {(const st_model *const[]){&before, NULL},
                                       (const st_model *const[]){&after, NULL}};
    const char *name;
    for (unsigned i = 0; i < 2; i++) {
        m.models = models[i];
        RUN_IT(&m, 0, "revision", "-m", "next");
        const char *path = shop_written(w, &name);
        list[i] = shop_load(&s, path, name);
        RUN_IT(&m, 0, "upgrade");
        RUN_IT(&m, 0, "check");
    }
    RUN_IT(&m, 0, "downgrade", "-1");
    m.models = models[0];
    list[1] = NULL;
    RUN_IT(&m, 0, "check");
    shop_close(&s);
}

static const struct {
    st_table_index index;
    const char *says;
} wrong[] = {
    {{"i", {"name nulls frist"}}, "table t: the index i says \"nulls frist\" of name"},
    {{"i", {"name text_pattern_ops other_ops"}}, "\"text_pattern_ops other_ops\" of name"},
    {{"i", {"name desc"}}, "\"desc\" of name"},
    {{"i", {"name collate"}}, "\"collate\" of name"},
    {{"i", {"name collate nocase collate rtrim"}}, "of name"},
    {{"i", {"name ops(a = (1)"}}, "of name"},
    {{"i", {"name; drop table t"}}, "of name;"},
    {{"i", {"(lower(name)"}}, "\"(lower(name)\" of the index i does not close"},
    {{NULL, {"(lower(name))"}}, "an index on an expression needs a name"},
    {{"i", {"name"}, .how = {"nulls twice"}}, "\"nulls twice\" of name"},
    {{"i", {"name"}, .include = {"gone"}}, "table t: i names the column gone, which the table has not"},
    {{"i", {"gone nulls last"}}, "table t: i names the column gone"},
    {{"i", {"name"}, .nulls_not_distinct = true}, "the index i is not unique"},
    {{"i", {"name nulls last"}, .unique = true, .constraint = true}, "over plain columns"},
    {{"i", {"-name"}, .unique = true, .constraint = true}, "that on name says more"},
    {{"i", {"(lower(name))"}, .unique = true, .constraint = true}, "a constraint is unique, over columns"},
};

static size_t case_at;
static st_err wrong_up(st_ops *o)
{
    return st_create_table(o, &(const st_table){.name = "t",
                                                ST_COLUMNS({"id", ST_INT64, .pk = true}, {"name", ST_TEXT}),
                                                .indexes = &wrong[case_at].index,
                                                .n_indexes = 1});
}

DB_TEST(what_no_index_says_is_refused_by_name)
{
    const st_revision r = {.id = "a", .message = "a", .upgrade = wrong_up};
    const struct st_migrations m = {.revisions = (const st_revision *const[]){&r, NULL}, .program = "test"};
    for (case_at = 0; case_at < sizeof wrong / sizeof *wrong; case_at++) {
        CODE(st_upgrade(w->e, &m, "head", FIBER_FOREVER), ST_E_INVALID);
        ck_assert_msg(strstr(diag_last()->message, wrong[case_at].says), "%zu: %s", case_at, diag_last()->message);
    }
}

DB_TEST(a_model_that_says_it_wrong_is_named)
{
    /* clang-format off */
#define T Page
    const st_attr bad[][2] = {
        {COL(id, .pk = true), INDEX("i1", "id nulls never")},
        {COL(id, .pk = true), INDEX("i2", "idd nulls last")},
        {COL(id, .pk = true), INDEX_ON("i3", MEMBERS("id"), .include = MEMBERS("none"))},
        {COL(id, .pk = true), UNIQUE("i4", "id int8_ops")}};
#undef T
    /* clang-format on */
    static const char *const says[] = {"model Page: table pages: the index i1 says \"nulls never\" of id",
                                       "model Page, i2: there is no column member \"idd nulls last\"",
                                       "model Page, i3: its .include names \"none\"",
                                       "model Page: table pages: a constr"};
    for (size_t i = 0; i < 4; i++) {
        const st_model page = {.name = "Page", .table = "pages", .size = sizeof(Page), .attrs = bad[i], .n_attrs = 2};
        CODE(st_create_all(w->e, (const st_model *const[]){&page}, 1, FIBER_FOREVER), ST_E_INVALID);
        ck_assert_msg(strstr(diag_last()->message, says[i]), "%s", diag_last()->message);
    }
}

RUN("migrate indexes", 120, CASE(whatever_an_index_says_is_written_read_and_undone),
    CASE(two_nulls_are_the_same_where_an_index_says_so), CASE(what_an_index_of_others_says_is_adopted_whole),
    CASE(a_column_that_goes_takes_what_includes_it_along), CASE(what_no_index_says_is_refused_by_name),
    CASE(a_model_that_says_it_wrong_is_named));
