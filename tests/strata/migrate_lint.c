/* What lint finds, and what it lets pass. */
#include "strata/migrate/lint.h"
#include "strata/migrate/sql_look.h"
#include "test.h"

static arena *a;

static const char *names(const struct lint_findings *f)
{
    const char *s = "";
    for (size_t i = 0; i < f->n; i++) {
        s = arena_printf(a, "%s%s%s", s, i ? " " : "", f->v[i].rule->name);
    }
    return s;
}

static const char *found_in(st_err (*up)(st_ops *o))
{
    st_ops o;
    struct lint_findings f = {0};
    migrate_ops_init(&o, a, ST_POSTGRESQL);
    OK(up(&o));
    OK(lint_operations(a, o.ops, o.n, &f));
    return names(&f);
}

static const char *found_in_sql(const char *sql)
{
    st_ops o;
    struct lint_findings f = {0};
    migrate_ops_init(&o, a, ST_POSTGRESQL);
    OK(st_sql(&o, 0, sql));
    OK(lint_operations(a, o.ops, o.n, &f));
    return names(&f);
}

START_TEST(sql_that_hurts_is_found)
{
    static const char *const cases[][2] = {
        {"rename-table", "ALTER TABLE notes RENAME TO papers"},
        {"rename-column", "alter table only \"notes\" rename column body to text"},
        {"rename-column", "ALTER TABLE notes RENAME body TO text"},
        {"drop-table", "DROP TABLE IF EXISTS notes"},
        {"drop-column", "ALTER TABLE public.notes DROP COLUMN body"},
        {"drop-column", "ALTER TABLE notes ADD x int, DROP body"},
        {"change-type", "ALTER TABLE notes ALTER COLUMN n TYPE bigint"},
        {"change-type", "ALTER TABLE notes ALTER n SET DATA TYPE bigint USING n::bigint"},
        {"add-not-null", "ALTER TABLE notes ADD COLUMN n int NOT NULL"},
        {"set-not-null", "ALTER TABLE notes ALTER COLUMN n SET NOT NULL"},
        {"drop-not-null", "ALTER TABLE notes ALTER COLUMN n DROP NOT NULL"},
        {"computed-column", "ALTER TABLE notes ADD COLUMN n bigserial"},
        {"computed-column", "ALTER TABLE notes ADD COLUMN n int GENERATED ALWAYS AS (a + b) STORED"},
        {"volatile-default", "ALTER TABLE notes ADD COLUMN n uuid DEFAULT gen_random_uuid()"},
        {"check", "ALTER TABLE notes ADD CONSTRAINT c CHECK (n > 0)"},
        {"check", "ALTER TABLE notes ADD COLUMN n int CHECK (n > 0)"},
        {"foreign-key", "ALTER TABLE notes ADD FOREIGN KEY (n) REFERENCES o (id)"},
        {"foreign-key", "ALTER TABLE notes ADD COLUMN n int REFERENCES o"},
        {"unique", "ALTER TABLE notes ADD CONSTRAINT u UNIQUE (n)"},
        {"unique", "ALTER TABLE notes ADD PRIMARY KEY (n)"},
        {"exclude", "ALTER TABLE notes ADD CONSTRAINT e EXCLUDE USING gist (r WITH &&)"},
        {"index", "CREATE UNIQUE INDEX i ON notes (n)"},
        {"drop-index", "DROP INDEX i"},
        {"in-transaction", "CREATE INDEX CONCURRENTLY i ON notes (n)"},
        {"in-transaction", "DROP INDEX CONCURRENTLY i"},
        {"in-transaction", "VACUUM notes"},
        {"rewrite", "VACUUM FULL notes"},
        {"rewrite", "CLUSTER notes USING i"},
        {"rewrite", "REINDEX TABLE notes"},
        {"rewrite", "REFRESH MATERIALIZED VIEW v"},
        {"rewrite", "ALTER TABLE notes SET TABLESPACE fast"},
        {"truncate", "TRUNCATE TABLE notes"},
        {"lock", "LOCK TABLE notes"},
        {"lock", "LOCK TABLE notes IN SHARE ROW EXCLUSIVE MODE"},
        {"all-rows", "UPDATE notes SET n = 1"},
        {"all-rows", "DELETE FROM notes"},
        {"json", "ALTER TABLE notes ADD COLUMN n json"},
        {"rename-enum-value", "ALTER TYPE mood RENAME VALUE 'a' TO 'b'"},
        {"rename-schema", "ALTER SCHEMA a RENAME TO b"},
        {"drop-database", "DROP DATABASE shop"},
        {"drop-database", "DROP SCHEMA shop CASCADE"},
        {"all-rows index", "/* both */ UPDATE notes SET body = 'a;b'; CREATE INDEX i ON notes (n); -- end"},
        {"index", "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $x$ BEGIN DROP TABLE notes; END $x$; CREATE "
                  "INDEX i ON notes (n)"},
    };
    a = arena_new(NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = found_in_sql(cases[i][1]);
        ck_assert_msg(strcmp(found, cases[i][0]) == 0, "%s: found \"%s\", not %s", cases[i][1], found, cases[i][0]);
    }
    arena_free(a);
}
END_TEST

START_TEST(sql_that_does_not_hurt_passes)
{
    static const char *const cases[] = {
        "",
        " ; ; ",
        "$$",
        "ALTER",
        "ALTER TABLE",
        "CREATE",
        "SELECT 1",
        "ALTER TABLE notes ADD COLUMN n int",
        "ALTER TABLE notes ADD COLUMN n int NOT NULL DEFAULT 0",
        "ALTER TABLE notes ADD COLUMN n timestamptz NOT NULL DEFAULT now()",
        "ALTER TABLE notes ADD CONSTRAINT c CHECK (n > 0) NOT VALID",
        "ALTER TABLE notes VALIDATE CONSTRAINT c",
        "ALTER TABLE notes ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES o NOT VALID",
        "ALTER TABLE notes ADD CONSTRAINT u UNIQUE USING INDEX i",
        "ALTER TABLE notes ALTER COLUMN n SET DEFAULT 1",
        "ALTER TABLE notes DROP CONSTRAINT c",
        "ALTER TABLE notes RENAME CONSTRAINT c TO d",
        "ALTER INDEX i RENAME TO j",
        "ALTER TYPE mood ADD VALUE 'x'",
        "UPDATE notes SET n = 1 WHERE id = 1",
        "DELETE FROM notes WHERE id = 1",
        "INSERT INTO notes SELECT * FROM old",
        "LOCK TABLE notes IN ROW SHARE MODE",
        "COMMENT ON COLUMN notes.body IS 'DROP TABLE notes'",
        "CREATE TABLE t (id int PRIMARY KEY, n int CHECK (n > 0))",
        "DROP TABLE notes; -- lint: allow drop-table",
        "-- lint: allow index, drop-column\nCREATE INDEX i ON notes (n); ALTER TABLE notes DROP COLUMN n",
        "DO $$ BEGIN UPDATE notes SET n = 1; END $$",
    };
    a = arena_new(NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(!*found_in_sql(cases[i]), "%s: found %s", cases[i], found_in_sql(cases[i]));
    }
    arena_free(a);
}
END_TEST

static st_err up_bad(st_ops *o)
{
    st_rename_column(o, "notes", "a", "b");
    st_rename_table(o, "notes", "papers");
    st_add_column(o, "papers", &(const st_table_column){"n", ST_INT64});
    st_add_column(o, "papers", &(const st_table_column){"g", ST_INT64, .generated = "1 + 1"});
    st_alter_column(o, "papers", &(const st_table_column){"i", ST_INT32}, &(const st_table_column){"i", ST_INT64},
                    NULL);
    st_alter_column(o, "papers", &(const st_table_column){"j", ST_INT32},
                    &(const st_table_column){"j", ST_INT32, .nullable = true}, NULL);
    st_rename_enum_value(o, "mood", "a", "b");
    st_drop_column(o, "papers", "old");
    return st_drop_table(o, "papers");
}

/* The planner knows a safe form for these. */
static st_err up_good(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "fresh", ST_COLUMNS({"id", ST_INT64, .pk = true})});
    st_add_column(o, "fresh", &(const st_table_column){"n", ST_INT64});
    st_rename_column(o, "fresh", "n", "m");
    st_sql(o, 0, "CREATE INDEX i ON fresh (m)");
    st_create_index(o, "notes", &(const st_table_index){.columns = {"a"}});
    st_add_column(o, "notes", &(const st_table_column){"u", ST_UUID, .default_sql = "uuid()"});
    st_add_check(o, "notes", &(const st_table_check){"c", "a > 0"});
    st_alter_column(o, "notes", &(const st_table_column){"j", ST_INT32, .nullable = true},
                    &(const st_table_column){"j", ST_INT32}, NULL);
    return st_alter_column(o, "notes", &(const st_table_column){"v", ST_TYPE_NONE, .type_sql = "varchar(10)"},
                           &(const st_table_column){"v", ST_TYPE_NONE, .type_sql = "varchar(20)"}, NULL);
}

START_TEST(operations_are_judged_by_what_they_become)
{
    a = arena_new(NULL, 0);
    ck_assert_str_eq(found_in(up_bad),
                     "rename-column rename-table add-not-null computed-column change-type drop-not-null "
                     "rename-enum-value drop-column drop-table");
    ck_assert_str_eq(found_in(up_good), "");
    arena_free(a);
}
END_TEST

START_TEST(every_rule_has_a_reason_and_a_recipe)
{
    const struct lint_rule *r;
    size_t n = 0;
    for (; (r = lint_rule_at(n)); n++) {
        ck_assert_msg(r->name && r->why && r->recipe, "rule %zu", n);
    }
    ck_assert_uint_eq(n, SQL_HAZARDS - 1);
}
END_TEST

RUN("strata migrate lint", 10, CASE(sql_that_hurts_is_found), CASE(sql_that_does_not_hurt_passes),
    CASE(operations_are_judged_by_what_they_become), CASE(every_rule_has_a_reason_and_a_recipe));
