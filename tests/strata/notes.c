#include "notes.h"

static const st_table_column mood_old = {"mood", ST_ENUM, .nullable = true, .values = ST_VALUES("sad", "glad")};
static const st_table_column mood_new = {"mood", ST_ENUM, .default_sql = "'glad'",
                                         .values = ST_VALUES("sad", "glad", "calm")};

static st_err up_first(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "authors",
                                         ST_COLUMNS({"id", ST_INT64, .pk = true}, {"name", ST_TEXT, .max = 40})});
    st_create_table(o,
                    &(const st_table){.name = "notes",
                                      ST_COLUMNS({"id", ST_INT64, .pk = true}, {"author", ST_INT64},
                                                 {"body", ST_TEXT, .nullable = true}, {"other", ST_INT64}, mood_old)});
    st_create_table(o, &(const st_table){.name = "tags",
                                         ST_COLUMNS({"id", ST_INT64, .pk = true}, {"author", ST_INT64}),
                                         ST_FKS({.columns = {"author"}, .table = "authors", .to = {"id"}})});
    st_sql(o, 0,
           "INSERT INTO authors (id, name) SELECT i, 'a' || i FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
           "SELECT i + 1 FROM n WHERE i < 20) SELECT i FROM n) AS x");
    return st_sql(o, 0,
                  "INSERT INTO notes (id, author, body, other, mood) SELECT i, 1 + i % 20, 'b' || i, i, 'sad' FROM "
                  "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i FROM "
                  "n) AS x");
}
static st_err down_first(st_ops *o)
{
    st_drop_table(o, "tags");
    st_drop_table(o, "notes");
    return st_drop_table(o, "authors");
}
const st_revision notes_first = {.id = "n0", .message = "notes", .upgrade = up_first, .downgrade = down_first};

#define RECIPE(name)                          \
    const st_revision notes_recipe_##name = { \
        .id = #name, .parents = {"n0"}, .message = #name, .upgrade = up_##name, .downgrade = down_##name}

static st_err up_index(st_ops *o)
{
    return st_create_index(o, "notes", &(const st_table_index){.columns = {"author", "-id"}});
}
static st_err down_index(st_ops *o)
{
    return st_drop_index(o, "notes", "notes_author_id_idx");
}
RECIPE(index);

static st_err up_unique(st_ops *o)
{
    return st_create_index(o, "notes",
                           &(const st_table_index){.columns = {"other"}, .unique = true, .constraint = true});
}
static st_err down_unique(st_ops *o)
{
    return st_drop_constraint(o, "notes", ST_C_UNIQUE, "notes_other_key");
}
RECIPE(unique);

static st_err up_check(st_ops *o)
{
    return st_add_check(o, "notes", &(const st_table_check){"notes_other_check", "other >= 0"});
}
static st_err down_check(st_ops *o)
{
    return st_drop_constraint(o, "notes", ST_C_CHECK, "notes_other_check");
}
RECIPE(check);

static st_err up_key(st_ops *o)
{
    return st_add_fk(o, "notes", &(const st_table_fk){.columns = {"author"}, .table = "authors", .to = {"id"}});
}
static st_err down_key(st_ops *o)
{
    return st_drop_constraint(o, "notes", ST_C_FK, "notes_author_fkey");
}
RECIPE(key);

static st_err up_column(st_ops *o)
{
    st_add_column(o, "notes", &(const st_table_column){"stars", ST_INT32, .default_sql = "3"});
    return st_add_column(o, "notes", &(const st_table_column){"short", ST_TEXT, .nullable = true, .max = 10});
}
static st_err down_column(st_ops *o)
{
    st_drop_column(o, "notes", "short");
    return st_drop_column(o, "notes", "stars");
}
RECIPE(column);

static st_err up_varies(st_ops *o)
{
    return st_add_column(o, "notes", &(const st_table_column){"token", ST_UUID, .default_sql = "uuid()"});
}
static st_err down_varies(st_ops *o)
{
    return st_drop_column(o, "notes", "token");
}
RECIPE(varies);

static st_err up_must(st_ops *o)
{
    st_alter_column(o, "notes", &(const st_table_column){"body", ST_TEXT, .nullable = true},
                    &(const st_table_column){"body", ST_TEXT, .max = 500}, NULL);
    return st_alter_column(o, "notes", &mood_old, &mood_new, NULL);
}
static st_err down_must(st_ops *o)
{
    st_alter_column(o, "notes", &mood_new, &mood_old, NULL);
    return st_alter_column(o, "notes", &(const st_table_column){"body", ST_TEXT, .max = 500},
                           &(const st_table_column){"body", ST_TEXT, .nullable = true}, NULL);
}
RECIPE(must);

static st_err up_pkey(st_ops *o)
{
    return st_change_primary_key(o, "notes", ST_VALUES("id"), ST_VALUES("author", "id"), NULL);
}
static st_err down_pkey(st_ops *o)
{
    return st_change_primary_key(o, "notes", ST_VALUES("author", "id"), ST_VALUES("id"), NULL);
}
RECIPE(pkey);

static st_err up_child(st_ops *o)
{
    return st_create_table(
        o, &(const st_table){.name = "marks",
                             ST_COLUMNS({"id", ST_INT64, .pk = true}, {"note", ST_INT64}, {"author", ST_INT64}),
                             ST_INDEXES({.columns = {"note"}}),
                             ST_FKS({.columns = {"note"}, .table = "notes", .to = {"id"}},
                                    {.columns = {"author"}, .table = "authors", .to = {"id"}})});
}
static st_err down_child(st_ops *o)
{
    return st_drop_table(o, "marks");
}
RECIPE(child);

static st_err up_fill(st_ops *o)
{
    st_add_column(o, "notes", &(const st_table_column){"loud", ST_TEXT, .nullable = true});
    return st_run_backfill(o,
                           &(const st_backfill){.table = "notes",
                                                .set = "loud = CASE WHEN id % 100 = 0 THEN NULL ELSE upper(body) END",
                                                .where = "loud IS NULL",
                                                .left = "loud IS NULL",
                                                .batch = 700,
                                                .pause_ms = 1});
}
static st_err down_fill(st_ops *o)
{
    return st_drop_column(o, "notes", "loud");
}
RECIPE(fill);

const st_revision *const notes_recipes[] = {&notes_recipe_index,
                                            &notes_recipe_unique,
                                            &notes_recipe_check,
                                            &notes_recipe_key,
                                            &notes_recipe_column,
                                            &notes_recipe_varies,
                                            &notes_recipe_must,
                                            &notes_recipe_pkey,
                                            &notes_recipe_child,
                                            &notes_recipe_fill,
                                            NULL};

/* Enough of them for every kind of phase. */
static const st_revision *const some[] = {&notes_recipe_unique, &notes_recipe_must, &notes_recipe_fill,
                                          &notes_recipe_key};

static st_err up_some(st_ops *o)
{
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        some[i]->upgrade(o);
    }
    return 0;
}
static st_err down_some(st_ops *o)
{
    for (size_t i = sizeof some / sizeof *some; i-- > 0;) {
        some[i]->downgrade(o);
    }
    return st_drop_index(o, "notes", "notes_mood_idx");
}
static st_err up_some_more(st_ops *o)
{
    up_some(o);
    return st_create_index(o, "notes", &(const st_table_index){.columns = {"mood"}});
}
const st_revision notes_some = {
    .id = "some", .parents = {"n0"}, .message = "some of them", .upgrade = up_some_more, .downgrade = down_some};
