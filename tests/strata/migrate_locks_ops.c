#include "migrate_locks_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "strata/expr.h"

const char *const locks_tables[] = {"authors", "notes", "tags", "parted", "parted_a", "parted_b", "pairs", NULL};

static const st_table_column mood_column = {"mood", ST_ENUM, .nullable = true, .values = ST_VALUES("sad", "glad")};
static const st_table_trigger trigger = {.name = "notes_touch", .when = "BEFORE UPDATE", .postgresql = "RETURN NEW;"};
static const st_table_policy policy = {.name = "notes_all", .using_sql = "true"};

st_err locks_base(st_ops *o)
{
    st_create_enum(o, &(const st_enum_type){"feeling", ST_VALUES("sad", "glad")});
    st_create_table(o, &(const st_table){.name = "authors",
                                         ST_COLUMNS({"id", ST_INT64, .pk = true}, {"name", ST_TEXT, .nullable = true},
                                                    {"code", ST_INT64})});
    st_create_table(
        o,
        &(const st_table){
            .name = "notes",
            ST_COLUMNS({"id", ST_INT64, .pk = true}, {"author", ST_INT64, .nullable = true},
                       {"n", ST_INT64, .default_sql = "1"}, {"body", ST_TEXT, .nullable = true, .max = 200},
                       {"m", ST_INT64}, {"g", ST_INT64, .nullable = true, .generated = "n + 1"},
                       {"tied", ST_TYPE_NONE, .nullable = true, .type_sql = "varchar(10)", .check = "tied <> 'x'"},
                       {"feel", ST_ENUM, .nullable = true, .values = ST_VALUES("sad", "glad"), .enum_type = "feeling"},
                       mood_column),
            ST_INDEXES({.name = "notes_n_idx", .columns = {"n"}},
                       {.name = "notes_m_key", .columns = {"m"}, .unique = true, .constraint = true}),
            ST_FKS({.name = "notes_author_fkey", .columns = {"author"}, .table = "authors", .to = {"id"}}),
            ST_CHECKS({"notes_n_check", "n >= 0"}),
            ST_POLICIES(policy),
            ST_TRIGGERS(trigger)});
    st_create_table(
        o, &(const st_table){.name = "tags",
                             ST_COLUMNS({"id", ST_INT64, .pk = true}, {"note", ST_INT64, .nullable = true},
                                        {"author", ST_INT64, .nullable = true}),
                             ST_FKS({.name = "tags_note_fkey", .columns = {"note"}, .table = "notes", .to = {"id"}})});
    st_sql(o, 0,
           "CREATE TABLE parted (id bigint NOT NULL, n bigint, tied varchar(10), author bigint, PRIMARY KEY (id)) "
           "PARTITION BY RANGE (id); CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (50); CREATE "
           "TABLE parted_b PARTITION OF parted FOR VALUES FROM (50) TO (1000)");
    return st_sql(o, 0,
                  "INSERT INTO authors SELECT i, NULL, i FROM generate_series(1, 90) AS i; INSERT INTO notes (id, "
                  "author, m) SELECT i, i, i FROM generate_series(1, 90) AS i; INSERT INTO tags SELECT i, i, i FROM "
                  "generate_series(1, 90) AS i; INSERT INTO parted SELECT i, i, NULL, i FROM generate_series(1, 90) AS "
                  "i");
}

/* ---- pairs of types ---- */

static const st_table_column types[] = {
    {"c", ST_INT16, .nullable = true},
    {"c", ST_INT32, .nullable = true},
    {"c", ST_INT64, .nullable = true},
    {"c", ST_TEXT, .nullable = true},
    {"c", ST_TEXT, .nullable = true, .max = 20},
    {"c", ST_UUID, .nullable = true},
    {"c", ST_TIME, .nullable = true},
    {"c", ST_DOUBLE, .nullable = true},
    {"c", ST_BOOL, .nullable = true},
    {"c", ST_JSON, .nullable = true},
    {"c", ST_BYTES, .nullable = true},
    {"c", ST_TEXTS, .nullable = true},
    {"c", ST_ENUM, .nullable = true, .values = ST_VALUES("a", "b")},
    {"c", ST_ENUM, .nullable = true, .values = ST_VALUES("sad", "glad"), .enum_type = "feeling"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "varchar"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "varchar(10)"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "character varying(20)"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "char(5)"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "numeric"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "numeric(10,2)"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "numeric(12,2)"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "numeric(12,3)"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "timestamp"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "timestamptz(3)"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "timestamptz(6)"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "date"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "cidr"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "inet"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "varbit(4)"},
    {"c", ST_TYPE_NONE, .nullable = true, .type_sql = "varbit(8)"},
};
enum { TYPES = sizeof types / sizeof *types };

static size_t from, to; /* of the pair at hand */
static size_t pairs[TYPES * TYPES], n_pairs;

/* Numbers, texts, times, ...; the types of one kind are those that may be in the same bytes. */
static char kind_of(const st_table_column *c)
{
    static const char *const kinds[] = {"numeric", "var", "char", "time", "date", "cidr", "inet", NULL};
    static const char of_kinds[] = "nttddii";
    static const char of_types[] = {
        [ST_INT16] = 'n', [ST_INT32] = 'n', [ST_INT64] = 'n', [ST_DOUBLE] = 'n', [ST_TEXT] = 't',  [ST_ENUM] = 't',
        [ST_TIME] = 'd',  [ST_JSON] = 'j',  [ST_UUID] = 'u',  [ST_BOOL] = 'b',   [ST_BYTES] = 'y', [ST_TEXTS] = 'a'};
    for (size_t i = 0; c->type_sql && kinds[i]; i++) {
        if (strncmp(c->type_sql, kinds[i], strlen(kinds[i])) == 0) {
            return of_kinds[i];
        }
    }
    return of_types[c->type];
}

/* All of one kind, and every fourth of the others; WAYMARK_TEST_TYPES=all: all. */
static void choose_pairs(void)
{
    bool all = getenv("WAYMARK_TEST_TYPES") != NULL;
    for (size_t i = 0; i < (size_t)TYPES * TYPES; i++) {
        const st_table_column *x = &types[i / TYPES], *y = &types[i % TYPES];
        if (x != y && (all || kind_of(x) == kind_of(y) || (i / TYPES + i % TYPES) % 4 == 0)) {
            pairs[n_pairs++] = i;
        }
    }
}

static st_err change_pair(st_ops *o)
{
    return st_alter_column(o, "pairs", &types[from], &types[to], NULL);
}

/* ---- columns ---- */

static const st_table_column *column; /* the one at hand */

static st_err add_column(st_ops *o)
{
    return st_add_column(o, "notes", column);
}

static const st_table_column added[] = {
    {"x", ST_INT64, .nullable = true},
    {"x", ST_INT64, .default_sql = "0"},
    {"x", ST_INT64, .default_sql = "-1", .nullable = true},
    {"x", ST_INT64, .default_sql = "1 + 1"},
    {"x", ST_TIME, .default_sql = "now()"},
    {"x", ST_TIME, .default_sql = "clock_timestamp()"},
    {"x", ST_UUID, .default_sql = "uuid()"},
    {"x", ST_UUID, .default_sql = "uuid()", .nullable = true},
    {"x", ST_TEXT, .default_sql = "'a'"},
    {"x", ST_TEXT, .default_sql = "'a' || random()"},
    {"x", ST_TEXT, .default_sql = "lower('A')", .max = 3},
    {"x", ST_BOOL, .default_sql = "true"},
    {"x", ST_TEXTS, .default_sql = "'[]'"},
    {"x", ST_JSON, .default_sql = "'{}'", .comment = "it's"},
    {"x", ST_TEXT, .nullable = true, .max = 10},
    {"x", ST_INT64, .nullable = true, .min_value = ST_NUMBER(0), .check = "x < 5"},
    {"x", ST_ENUM, .nullable = true, .values = ST_VALUES("a", "b")},
    {"x", ST_ENUM, .values = ST_VALUES("a", "b"), .default_sql = "'a'", .as_smallint = false},
    {"x", ST_ENUM, .default_sql = "'sad'", .values = ST_VALUES("sad", "glad"), .enum_type = "feeling"},
    {"x", ST_INT64, .nullable = true, .generated = "n * 2"},
    {"x", ST_INT64, .identity = true},
};
enum { ADDED = sizeof added / sizeof *added };

static const st_table_column plain_x = {"x", ST_INT64, .nullable = true};
static const st_table_column strict_x = {"x", ST_INT64};
static const struct {
    const char *name;
    st_table_column was, is;
} altered[] = {
    {"set not null", {"author", ST_INT64, .nullable = true}, {"author", ST_INT64}},
    {"drop not null", {"n", ST_INT64, .default_sql = "1"}, {"n", ST_INT64, .nullable = true, .default_sql = "1"}},
    {"set default", {"n", ST_INT64, .default_sql = "1"}, {"n", ST_INT64, .default_sql = "2"}},
    {"drop default", {"n", ST_INT64, .default_sql = "1"}, {"n", ST_INT64}},
    {"default now", {"n", ST_INT64, .default_sql = "1"}, {"n", ST_INT64, .default_sql = "floor(random())"}},
    {"another check", {"n", ST_INT64}, {"n", ST_INT64, .min_value = ST_NUMBER(0), .max_value = ST_NUMBER(1000)}},
    {"no check", {"body", ST_TEXT, .nullable = true, .max = 200}, {"body", ST_TEXT, .nullable = true}},
    {"longer", {"body", ST_TEXT, .nullable = true, .max = 200}, {"body", ST_TEXT, .nullable = true, .max = 300}},
    {"more values",
     {"mood", ST_ENUM, .nullable = true, .values = ST_VALUES("sad", "glad")},
     {"mood", ST_ENUM, .nullable = true, .values = ST_VALUES("sad", "glad", "calm")}},
    {"comment", {"n", ST_INT64}, {"n", ST_INT64, .comment = "a number"}},
    {"identity", {"m", ST_INT64}, {"m", ST_INT64, .identity = true}},
    {"no longer generated", {"g", ST_INT64, .nullable = true, .generated = "n + 1"}, {"g", ST_INT64, .nullable = true}},
    {"generated", {"author", ST_INT64, .nullable = true}, {"author", ST_INT64, .nullable = true, .generated = "n"}},
    {"text with a check of its own",
     {"tied", ST_TYPE_NONE, .nullable = true, .type_sql = "varchar(10)", .check = "tied <> 'x'"},
     {"tied", ST_TYPE_NONE, .nullable = true, .type_sql = "varchar(20)", .check = "tied <> 'x'"}},
    {"all at once",
     {"author", ST_INT64, .nullable = true},
     {"author", ST_INT64, .default_sql = "2", .max_value = ST_NUMBER(1000), .comment = "n"}},
};
enum { ALTERED = sizeof altered / sizeof *altered };
static size_t at; /* of altered */

static st_err alter_column(st_ops *o)
{
    return st_alter_column(o, "notes", &altered[at].was, &altered[at].is, NULL);
}

/* ---- the rest, by name ---- */

#define CHANGE(name, ...)         \
    static st_err name(st_ops *o) \
    {                             \
        __VA_ARGS__;              \
        return 0;                 \
    }
CHANGE(create_table,
       st_create_table(o, &(const st_table){.name = "t",
                                            ST_COLUMNS({"id", ST_INT64, .pk = true}, {"a", ST_INT64}),
                                            ST_INDEXES({.columns = {"a"}}),
                                            ST_FKS({.columns = {"a"}, .table = "authors", .to = {"id"}})}))
CHANGE(drop_table, st_drop_table(o, "tags"))
CHANGE(drop_parted, st_drop_table(o, "parted"))
CHANGE(rename_table, st_rename_table(o, "notes", "papers"))
CHANGE(drop_column, st_drop_column(o, "notes", "body"))
CHANGE(drop_key_column, st_drop_column(o, "notes", "author"))
CHANGE(rename_column, st_rename_column(o, "notes", "body", "text"))
CHANGE(create_index, st_create_index(o, "notes", &(const st_table_index){.columns = {"author"}}))
CHANGE(create_unique, st_create_index(o, "notes", &(const st_table_index){.columns = {"m", "n"}, .unique = true}))
CHANGE(create_partial,
       st_create_index(o, "notes", &(const st_table_index){.name = "part", .columns = {"-m"}, .where = "n > 1"}))
CHANGE(create_expression,
       st_create_index(o, "notes", &(const st_table_index){.name = "expr", .expression = "lower(body)"}))
CHANGE(create_hash, st_create_index(o, "notes", &(const st_table_index){.columns = {"m"}, .method = "hash"}))
CHANGE(create_rich, st_create_index(o, "notes",
                                    &(const st_table_index){.columns = {"body text_pattern_ops", "-m nulls last"},
                                                            .unique = true,
                                                            .include = {"n"},
                                                            .nulls_not_distinct = true,
                                                            .with = "fillfactor = 70"}))
CHANGE(create_rich_key, st_create_index(o, "notes",
                                        &(const st_table_index){.columns = {"m", "n"},
                                                                .unique = true,
                                                                .constraint = true,
                                                                .include = {"body"},
                                                                .nulls_not_distinct = true,
                                                                .with = "fillfactor = 70"}))
CHANGE(create_constraint,
       st_create_index(o, "notes", &(const st_table_index){.columns = {"m", "n"}, .unique = true, .constraint = true}))
CHANGE(drop_index, st_drop_index(o, "notes", "notes_n_idx"))
CHANGE(rename_index, st_rename_index(o, "notes", "notes_n_idx", "other_idx"))
CHANGE(add_check, st_add_check(o, "notes", &(const st_table_check){"m_check", "m > 0"}))
CHANGE(add_exclude,
       st_add_check(o, "notes", &(const st_table_check){"no_two", "USING btree (m WITH =)", .exclude = true}))
CHANGE(add_fk, st_add_fk(o, "tags", &(const st_table_fk){.columns = {"author"}, .table = "authors", .to = {"id"}}))
CHANGE(add_own_fk, st_add_fk(o, "notes", &(const st_table_fk){.columns = {"m"}, .table = "notes", .to = {"id"}}))
CHANGE(drop_check, st_drop_constraint(o, "notes", ST_C_CHECK, "notes_n_check"))
CHANGE(drop_unique, st_drop_constraint(o, "notes", ST_C_UNIQUE, "notes_m_key"))
CHANGE(drop_fk, st_drop_constraint(o, "notes", ST_C_FK, "notes_author_fkey"))
CHANGE(drop_primary_key, st_change_primary_key(o, "tags", ST_VALUES("id"), NULL, NULL))
CHANGE(rename_constraint, st_rename_constraint(o, "notes", ST_C_CHECK, "notes_n_check", "x_check"))
CHANGE(change_key, st_change_primary_key(o, "tags", ST_VALUES("id"), ST_VALUES("note", "id"), NULL))
static const st_table_index m_key = {.name = "notes_m_key", .columns = {"m"}};
CHANGE(add_deferred_fk, st_add_fk(o, "tags",
                                  &(const st_table_fk){.columns = {"author"},
                                                       .table = "authors",
                                                       .to = {"id"},
                                                       .on_delete = ST_SET_DEFAULT,
                                                       .deferrable = ST_DEFERRED}))
CHANGE(defer_fk, st_defer_fk(o, "notes", "notes_author_fkey", ST_NOT_DEFERRABLE, ST_DEFERRED))
CHANGE(defer_unique, st_defer_unique(o, "notes", &m_key, ST_DEFERRED))
CHANGE(defer_key, st_defer_primary_key(o, "tags", "tags_pkey", ST_VALUES("id"), ST_NOT_DEFERRABLE, ST_DEFERRABLE))
CHANGE(comment_table, st_set_comment(o, "notes", NULL, "x"))
CHANGE(comment_column, st_set_comment(o, "notes", "n", NULL))
CHANGE(create_enum, st_create_enum(o, &(const st_enum_type){"e", ST_VALUES("a")}))
CHANGE(add_value, st_add_enum_value(o, "feeling", "calm", "glad"))
CHANGE(rename_value, st_rename_enum_value(o, "feeling", "sad", "blue"))
CHANGE(drop_enum, st_drop_column(o, "notes", "feel"); st_drop_enum(o, "feeling"))
CHANGE(create_policy,
       st_create_policy(o, "notes", &(const st_table_policy){.name = "p", .using_sql = "n > 1", .command = "SELECT"}))
CHANGE(drop_policy, st_drop_policy(o, "notes", "notes_all"))
CHANGE(enable_rls, st_enable_rls(o, "tags", NULL))
CHANGE(disable_rls, st_disable_rls(o, "notes"))
CHANGE(create_trigger,
       st_create_trigger(o, "tags",
                         &(const st_table_trigger){
                             .name = "t", .when = "AFTER INSERT OR DELETE", .postgresql = "RETURN NULL;"}))
CHANGE(drop_trigger, st_drop_trigger(o, "notes", &trigger))
CHANGE(insert_row, ST_INSERT_ROW(o, "tags", {"id", st_v_int64(1000)}))
CHANGE(own_sql, st_sql(o, 0, "UPDATE notes SET n = 2 WHERE id = 3"))
CHANGE(backfill, st_run_backfill(o, &(const st_backfill){.table = "notes", .set = "n = n + 1"}))
CHANGE(add_and_strict, st_add_column(o, "notes", &plain_x); st_sql(o, 0, "UPDATE notes SET x = 1");
       st_alter_column(o, "notes", &plain_x, &strict_x, NULL))
/* partitioned */
CHANGE(parted_column, st_add_column(o, "parted", &plain_x))
CHANGE(parted_default, st_add_column(o, "parted", &(const st_table_column){"x", ST_INT64, .default_sql = "0"}))
CHANGE(parted_check, st_add_check(o, "parted", &(const st_table_check){"p_check", "n > 0"}))
CHANGE(parted_not_null, st_alter_column(o, "parted", &(const st_table_column){"n", ST_INT64, .nullable = true},
                                        &(const st_table_column){"n", ST_INT64}, NULL))
CHANGE(parted_wider,
       st_alter_column(o, "parted",
                       &(const st_table_column){"tied", ST_TYPE_NONE, .nullable = true, .type_sql = "varchar(10)"},
                       &(const st_table_column){"tied", ST_TYPE_NONE, .nullable = true, .type_sql = "varchar(20)"},
                       NULL))
CHANGE(parted_type, st_alter_column(o, "parted", &(const st_table_column){"n", ST_INT64, .nullable = true},
                                    &(const st_table_column){"n", ST_INT32, .nullable = true}, NULL))
CHANGE(parted_drop, st_drop_column(o, "parted", "n"))
CHANGE(parted_rename, st_rename_column(o, "parted", "n", "nn"))
CHANGE(parted_comment, st_set_comment(o, "parted", "n", "x"))
CHANGE(parted_rls, st_enable_rls(o, "parted", NULL))
CHANGE(parted_backfill, st_run_backfill(o, &(const st_backfill){.table = "parted", .set = "n = n + 1"}))
/* what a revision's own SQL may say */
#define SQL(name, text) CHANGE(name, st_sql(o, ST_POSTGRESQL, text))
SQL(sql_attach, "CREATE TABLE c (LIKE parted); ALTER TABLE parted ATTACH PARTITION c FOR VALUES FROM (2000) TO (3000)")
SQL(sql_partition, "CREATE TABLE c PARTITION OF parted FOR VALUES FROM (2000) TO (3000)")
SQL(sql_detach, "ALTER TABLE parted DETACH PARTITION parted_a")
SQL(sql_lock, "LOCK TABLE notes, ONLY tags IN SHARE MODE")
SQL(sql_lock_exclusive, "LOCK notes IN EXCLUSIVE MODE")
SQL(sql_logged, "ALTER TABLE tags SET UNLOGGED")
SQL(sql_statistics, "ALTER TABLE notes ALTER n SET STATISTICS 100")
SQL(sql_fillfactor, "ALTER TABLE notes SET (fillfactor = 80)")
SQL(sql_storage, "ALTER TABLE notes ALTER body SET STORAGE external")
SQL(sql_owner, "ALTER TABLE notes OWNER TO CURRENT_USER")
SQL(sql_replica, "ALTER TABLE notes REPLICA IDENTITY FULL")
SQL(sql_disable, "ALTER TABLE notes DISABLE TRIGGER notes_touch")
SQL(sql_cluster_on, "ALTER TABLE notes CLUSTER ON notes_n_idx")
SQL(sql_cluster, "CLUSTER notes USING notes_n_idx")
SQL(sql_reindex, "REINDEX TABLE notes")
SQL(sql_truncate, "TRUNCATE tags")
SQL(sql_drop_two, "DROP TABLE tags, parted")
SQL(sql_analyze, "ANALYZE notes")
SQL(sql_with, "WITH a AS (DELETE FROM tags WHERE id = 1) UPDATE notes SET n = 3 WHERE id = 2")
SQL(sql_inherit, "CREATE TABLE kid () INHERITS (tags)")
SQL(sql_references, "CREATE TABLE kid (a bigint REFERENCES authors, b bigint, FOREIGN KEY (b) REFERENCES notes (id))")
SQL(sql_rule, "CREATE RULE r AS ON DELETE TO tags DO NOTHING")
SQL(sql_several, "ALTER TABLE notes ADD x bigint, ADD y bigint CHECK (y > 0), ALTER n SET DEFAULT 3")
SQL(sql_constraint, "ALTER TABLE tags ADD CONSTRAINT f FOREIGN KEY (author) REFERENCES authors NOT VALID")
SQL(sql_defer, "ALTER TABLE notes ALTER CONSTRAINT notes_author_fkey DEFERRABLE")
SQL(sql_validate, "ALTER TABLE notes ADD CHECK (m > 1) NOT VALID")

static const struct {
    const char *name;
    st_err (*run)(st_ops *o);
} others[] = {
#define NAMED(f) \
    {            \
#f, f    \
    }
    NAMED(create_table),       NAMED(drop_table),      NAMED(drop_parted),       NAMED(rename_table),
    NAMED(drop_column),        NAMED(drop_key_column), NAMED(rename_column),     NAMED(create_index),
    NAMED(create_unique),      NAMED(create_partial),  NAMED(create_expression), NAMED(create_hash),
    NAMED(create_constraint),  NAMED(drop_index),      NAMED(rename_index),      NAMED(add_check),
    NAMED(add_exclude),        NAMED(add_fk),          NAMED(add_own_fk),        NAMED(drop_check),
    NAMED(drop_unique),        NAMED(drop_fk),         NAMED(drop_primary_key),  NAMED(rename_constraint),
    NAMED(change_key),         NAMED(comment_table),   NAMED(comment_column),    NAMED(create_enum),
    NAMED(add_value),          NAMED(rename_value),    NAMED(drop_enum),         NAMED(create_policy),
    NAMED(drop_policy),        NAMED(enable_rls),      NAMED(disable_rls),       NAMED(create_trigger),
    NAMED(drop_trigger),       NAMED(insert_row),      NAMED(own_sql),           NAMED(backfill),
    NAMED(add_and_strict),     NAMED(parted_column),   NAMED(parted_default),    NAMED(parted_check),
    NAMED(parted_not_null),    NAMED(parted_wider),    NAMED(parted_type),       NAMED(parted_drop),
    NAMED(parted_rename),      NAMED(parted_comment),  NAMED(parted_rls),        NAMED(parted_backfill),
    NAMED(sql_attach),         NAMED(sql_partition),   NAMED(sql_detach),        NAMED(sql_lock),
    NAMED(sql_lock_exclusive), NAMED(sql_logged),      NAMED(sql_statistics),    NAMED(sql_fillfactor),
    NAMED(sql_storage),        NAMED(sql_owner),       NAMED(sql_replica),       NAMED(sql_disable),
    NAMED(sql_cluster_on),     NAMED(sql_cluster),     NAMED(sql_reindex),       NAMED(sql_truncate),
    NAMED(sql_drop_two),       NAMED(sql_analyze),     NAMED(sql_with),          NAMED(sql_inherit),
    NAMED(sql_references),     NAMED(sql_rule),        NAMED(sql_several),       NAMED(sql_constraint),
    NAMED(sql_validate),       NAMED(sql_defer),       NAMED(add_deferred_fk),   NAMED(defer_fk),
    NAMED(defer_unique),       NAMED(defer_key),       NAMED(create_rich),       NAMED(create_rich_key),
};
enum { OTHERS = sizeof others / sizeof *others };

/* ---- one after another ---- */

static st_err (*current)(st_ops *o);
static char name[200], before[400];
static bool direct; /* the planner runs it directly, having seen that the table is small */

static const char *spelled(const st_table_column *c)
{
    static const char *const names[] = {[ST_INT16] = "smallint",
                                        [ST_INT32] = "integer",
                                        [ST_INT64] = "bigint",
                                        [ST_TEXT] = "text COLLATE \"C\"",
                                        [ST_UUID] = "uuid",
                                        [ST_TIME] = "timestamptz",
                                        [ST_DOUBLE] = "double precision",
                                        [ST_BOOL] = "boolean",
                                        [ST_JSON] = "jsonb",
                                        [ST_BYTES] = "bytea",
                                        [ST_TEXTS] = "text[]",
                                        [ST_ENUM] = "text COLLATE \"C\""};
    return c->type_sql ? c->type_sql : c->enum_type ? c->enum_type : names[c->type];
}

const char *locks_case(size_t i)
{
    before[0] = '\0';
    direct = false;
    if (i < OTHERS) {
        current = others[i].run;
        (void)snprintf(name, sizeof name, "%s", others[i].name);
        direct = strcmp(name, "add_exclude") == 0 || strcmp(name, "parted_type") == 0 || strncmp(name, "sql_", 4) == 0;
        return name;
    }
    i -= OTHERS;
    if (i < ADDED) {
        current = add_column;
        column = &added[i];
        direct = column->generated || column->identity;
        (void)snprintf(name, sizeof name, "add %zu default %s", i, column->default_sql ? column->default_sql : "none");
        return name;
    }
    i -= ADDED;
    if (i < ALTERED) {
        current = alter_column;
        at = i;
        direct = altered[i].is.generated != NULL;
        (void)snprintf(name, sizeof name, "%s", altered[i].name);
        return name;
    }
    i -= ALTERED;
    if (!n_pairs) {
        choose_pairs();
    }
    if (i >= n_pairs) {
        return NULL;
    }
    i = pairs[i];
    from = i / TYPES;
    to = i % TYPES;
    current = change_pair;
    direct = true;
    (void)snprintf(name, sizeof name, "%s to %s", spelled(&types[from]), spelled(&types[to]));
    const char *check = types[from].max ? " CONSTRAINT pairs_c_max_check CHECK (octet_length(c) <= 20)"
                        : types[from].values && !types[from].enum_type
                            ? " CONSTRAINT pairs_c_enum_check CHECK (c IN ('a', 'b'))"
                            : "";
    (void)snprintf(before, sizeof before,
                   "DROP TABLE IF EXISTS pairs; CREATE TABLE pairs (id bigint PRIMARY KEY, c %s%s); INSERT INTO pairs "
                   "SELECT i FROM generate_series(1, 90) AS i",
                   spelled(&types[from]), check);
    return name;
}

st_err locks_run(st_ops *o)
{
    return current(o);
}

const char *locks_before(void)
{
    return before[0] ? before : NULL;
}

bool locks_may_be_impossible(void)
{
    return current == change_pair;
}

bool locks_refused_when_large(void)
{
    return direct;
}
