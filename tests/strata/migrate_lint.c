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
    OK(lint_operations(a, &o, &f));
    return names(&f);
}

static const char *found_in_sql(const char *sql)
{
    st_ops o;
    struct lint_findings f = {0};
    migrate_ops_init(&o, a, ST_POSTGRESQL);
    OK(st_sql(&o, 0, sql));
    OK(lint_operations(a, &o, &f));
    return names(&f);
}

START_TEST(sql_that_hurts_is_found)
{
    static const char *const cases[][2] = {
        /* rules of strong_migrations and squawk; see docs/lint.md */
        {"rename-table", "ALTER TABLE notes RENAME TO papers"},
        {"rename-table", "ALTER TABLE notes SET SCHEMA attic"},
        {"rename-column", "alter table only \"notes\" rename column body to text"},
        {"rename-column", "ALTER TABLE IF EXISTS ONLY notes RENAME body TO text"},
        {"drop-table", "DROP TABLE IF EXISTS notes"},
        {"drop-table", "DROP TABLE notes CASCADE; CREATE TABLE notes (id bigint)"},
        {"drop-column", "ALTER TABLE public.notes DROP COLUMN body"},
        {"drop-column", "ALTER TABLE notes ADD x bigint, DROP body"},
        {"drop-column change-type", "ALTER TABLE notes ALTER n TYPE bigint, DROP body"},
        {"change-type", "ALTER TABLE notes ALTER COLUMN n TYPE bigint"},
        {"change-type", "ALTER TABLE notes ALTER n SET DATA TYPE bigint USING n::bigint"},
        {"change-type", "ALTER TYPE address ALTER ATTRIBUTE zip TYPE text"},
        {"add-not-null", "ALTER TABLE notes ADD COLUMN n bigint NOT NULL"},
        {"add-not-null unique", "ALTER TABLE notes ADD COLUMN n bigint PRIMARY KEY"},
        {"set-not-null", "ALTER TABLE notes ALTER COLUMN n SET NOT NULL"},
        {"set-not-null", "ALTER TABLE notes ADD CONSTRAINT p PRIMARY KEY USING INDEX i"},
        {"drop-not-null", "ALTER TABLE notes ALTER COLUMN n DROP NOT NULL"},
        {"computed-column serial", "ALTER TABLE notes ADD COLUMN n bigserial"},
        {"computed-column", "ALTER TABLE notes ADD COLUMN n bigint GENERATED ALWAYS AS (a + b) STORED"},
        {"computed-column", "ALTER TABLE notes ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY"},
        {"volatile-default", "ALTER TABLE notes ADD COLUMN n uuid DEFAULT gen_random_uuid()"},
        {"volatile-default", "ALTER TABLE notes ADD COLUMN n float8 DEFAULT 1 + random()"},
        {"volatile-default", "ALTER TABLE notes ADD COLUMN n timestamptz DEFAULT my_own(now()) NOT NULL"},
        {"check", "ALTER TABLE notes ADD CONSTRAINT c CHECK (n > 0)"},
        {"check", "ALTER TABLE notes ADD COLUMN n bigint CHECK (n > 0)"},
        {"foreign-key", "ALTER TABLE notes ADD FOREIGN KEY (n) REFERENCES o (id)"},
        {"foreign-key", "ALTER TABLE notes ADD COLUMN n bigint REFERENCES o"},
        {"unique", "ALTER TABLE notes ADD CONSTRAINT u UNIQUE (n)"},
        {"unique", "ALTER TABLE notes ADD PRIMARY KEY (n)"},
        {"unique", "ALTER TABLE notes ADD COLUMN n bigint UNIQUE"},
        {"exclude", "ALTER TABLE notes ADD CONSTRAINT e EXCLUDE USING gist (r WITH &&)"},
        {"index", "CREATE UNIQUE INDEX i ON notes (n)"},
        {"index wide-index", "CREATE INDEX ON ONLY notes (a, lower(b), (c + d), e)"},
        {"drop-index", "DROP INDEX i"},
        {"partition", "ALTER TABLE notes DETACH PARTITION old"},
        {"partition", "ALTER TABLE notes ATTACH PARTITION new FOR VALUES IN (1)"},
        {"partition", "CREATE TABLE new PARTITION OF notes FOR VALUES IN (1)"},
        {"in-transaction", "ALTER TABLE notes DETACH PARTITION old CONCURRENTLY"},
        {"in-transaction", "CREATE INDEX CONCURRENTLY i ON notes (n)"},
        {"in-transaction", "DROP INDEX CONCURRENTLY i"},
        {"in-transaction", "REINDEX TABLE CONCURRENTLY notes"},
        {"in-transaction", "VACUUM notes"},
        {"in-transaction", "ALTER SYSTEM SET work_mem = '1GB'"},
        {"transaction", "COMMIT"},
        {"transaction all-rows transaction", "BEGIN; UPDATE notes SET n = 1; END"},
        {"timeout", "SET lock_timeout = 0"},
        {"timeout", "SET LOCAL statement_timeout TO '1d'"},
        {"timeout", "SELECT set_config('lock_timeout', '0', false)"},
        {"timeout", "RESET ALL"},
        {"lock-held",
         "ALTER TABLE notes ADD CONSTRAINT c CHECK (n > 0) NOT VALID; ALTER TABLE notes VALIDATE CONSTRAINT c"},
        {"lock-held all-rows", "ALTER TABLE notes ADD n bigint; UPDATE notes SET n = 1"},
        {"several-tables", "ALTER TABLE notes ADD n bigint; ALTER TABLE authors ADD n bigint"},
        {"several-tables", "ALTER TABLE notes ADD FOREIGN KEY (n) REFERENCES a NOT VALID; "
                           "ALTER TABLE tags ADD FOREIGN KEY (n) REFERENCES a NOT VALID"},
        {"rewrite", "VACUUM FULL notes"},
        {"rewrite", "VACUUM (FULL, ANALYZE) notes"},
        {"rewrite", "CLUSTER notes USING i"},
        {"rewrite", "REINDEX TABLE notes"},
        {"rewrite", "REFRESH MATERIALIZED VIEW v"},
        {"rewrite", "ALTER TABLE notes SET TABLESPACE fast"},
        {"rewrite", "ALTER TABLE notes SET UNLOGGED"},
        {"rewrite", "ALTER TABLE ALL IN TABLESPACE slow SET TABLESPACE fast"},
        {"truncate", "TRUNCATE TABLE notes"},
        {"truncate", "TRUNCATE ONLY notes CASCADE"},
        {"lock", "LOCK TABLE notes"},
        {"lock", "LOCK TABLE notes IN SHARE ROW EXCLUSIVE MODE"},
        {"lock", "LOCK notes IN EXCLUSIVE MODE"},
        {"all-rows", "UPDATE notes SET n = 1"},
        {"all-rows", "DELETE FROM notes"},
        {"all-rows", "UPDATE notes SET n = (SELECT m FROM o WHERE id = 1)"},
        {"all-rows", "UPDATE notes SET n = o.m FROM o WHERE o.id = notes.id"},
        {"all-rows", "DELETE FROM notes WHERE true"},
        {"all-rows", "DELETE FROM notes WHERE kind NOT IN ('a')"},
        {"all-rows", "DELETE FROM notes WHERE NOT (id = 1)"},
        {"all-rows", "UPDATE notes SET n = 1 WHERE n IS NULL"},
        {"all-rows", "DELETE FROM notes WHERE id = 1 OR n IS NULL"},
        {"all-rows", "WITH gone AS (DELETE FROM notes RETURNING id) SELECT count(*) FROM gone"},
        {"all-rows", "WITH a AS (SELECT 1) UPDATE notes SET n = 1"},
        {"all-rows", "MERGE INTO notes USING o ON o.id = notes.id WHEN MATCHED THEN DELETE"},
        {"disable-trigger", "ALTER TABLE notes DISABLE TRIGGER ALL"},
        {"json", "ALTER TABLE notes ADD COLUMN n json"},
        {"char", "ALTER TABLE notes ADD COLUMN n char(3)"},
        {"char", "CREATE TABLE t (n character(3))"},
        {"varchar-length", "ALTER TABLE notes ADD COLUMN n character varying (10)"},
        {"timestamp", "CREATE TABLE t (at timestamp(3) without time zone NOT NULL)"},
        {"small-int", "ALTER TABLE notes ADD COLUMN n int"},
        {"small-int", "CREATE TABLE t (id bigint PRIMARY KEY, n smallint CHECK (n > 0))"},
        {"small-int serial", "CREATE TABLE t (id serial PRIMARY KEY)"},
        {"domain", "CREATE DOMAIN positive AS bigint CHECK (value > 0)"},
        {"domain", "ALTER DOMAIN positive ADD CONSTRAINT c CHECK (value > 1) NOT VALID"},
        {"enum-order", "ALTER TYPE mood ADD VALUE 'x'"},
        {"rename-enum-value", "ALTER TYPE mood RENAME VALUE 'a' TO 'b'"},
        {"rename-schema", "ALTER SCHEMA a RENAME TO b"},
        {"rename-object", "ALTER VIEW v RENAME TO w"},
        {"rename-object", "ALTER FUNCTION f() SET SCHEMA attic"},
        {"drop-object", "DROP VIEW v"},
        {"drop-object", "DROP FUNCTION f()"},
        {"drop-object", "DROP EXTENSION citext"},
        {"drop-database", "DROP DATABASE shop"},
        {"drop-database", "DROP SCHEMA shop CASCADE"},
        {"revoke", "REVOKE SELECT ON notes FROM app"},
        {"long-name", "ALTER TABLE notes ADD a23456789012345678901234567890123456789012345678901234567890abcd text"},
        /* what it cannot judge it says */
        {"unknown", "DO $$ BEGIN UPDATE notes SET n = 1; END $$"},
        {"unknown", "SELECT drop_everything()"},
        {"unknown", "CALL tidy()"},
        {"unknown", "EXPLAIN ANALYZE DELETE FROM notes"},
        {"unknown", "ALTER TABLE notes FROBNICATE"},
        {"unknown", "PERFORM 1"},
        {"unknown", "INSERT INTO notes SELECT drop_everything(id) FROM old"},
        {"drop-table unknown", "DROP TABLE U&\"n\\006ftes\""},
        /* however it is written */
        {"all-rows index", "/* both */ UPDATE notes SET body = 'a;b'; CREATE INDEX i ON notes (n); -- end"},
        {"index", "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $x$ BEGIN DROP TABLE notes; END $x$; CREATE "
                  "INDEX i ON notes (n)"},
        {"drop-column", "/* a /* nested */ comment; */ ALTER\n/**/TABLE\tnotes -- x\n DROP /* y */ COLUMN body"},
        {"drop-column", "ALTER TABLE \"We\"\"ird; name\" DROP \"CO;LUMN\""},
        {"drop-table", "SELECT E'it\\'s; '; DROP TABLE notes"},
        {"drop-table", "SELECT $a$ $$ ; $b$ $a$; DROP TABLE notes"},
        {"drop-table", "DROP TABLE fresh.notes, notes"},
        {"drop-column",
         "ALTER TABLE notes ADD a bigint DEFAULT (1 + (2)), ADD b text[] DEFAULT ARRAY['x', 'y'], DROP c"},
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
        "-- nothing\n",
        "SELECT 1",
        "SELECT setval('notes_id_seq', (SELECT max(id) FROM notes))",
        "ALTER TABLE notes ADD COLUMN n bigint",
        "ALTER TABLE notes ADD COLUMN IF NOT EXISTS json text DEFAULT 'DROP TABLE notes'",
        "ALTER TABLE notes ADD COLUMN n bigint NOT NULL DEFAULT 0",
        "ALTER TABLE notes ADD COLUMN n timestamptz NOT NULL DEFAULT now() + interval '1 day'",
        "ALTER TABLE notes ADD COLUMN n varchar NOT NULL DEFAULT 'x'::varchar(3)",
        "ALTER TABLE notes ADD CONSTRAINT c CHECK (n > 0) NOT VALID",
        "ALTER TABLE notes VALIDATE CONSTRAINT c",
        "ALTER TABLE notes ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES o NOT VALID",
        "ALTER TABLE notes ADD CONSTRAINT u UNIQUE USING INDEX i",
        "ALTER TABLE notes ALTER COLUMN n SET DEFAULT 1",
        "ALTER TABLE notes ALTER COLUMN type DROP DEFAULT",
        "ALTER TABLE notes ALTER COLUMN n SET STATISTICS 500",
        "ALTER TABLE notes DROP CONSTRAINT c",
        "ALTER TABLE notes RENAME CONSTRAINT c TO d",
        "ALTER TABLE notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        "ALTER TABLE notes OWNER TO joe",
        "ALTER INDEX i RENAME TO j",
        "ALTER TYPE mood ADD VALUE 'x' BEFORE 'y'",
        "UPDATE notes SET n = 1 WHERE id = 1 AND n IS NOT NULL",
        "UPDATE notes SET n = 1 WHERE kind IN ('a', 'b') AND n IS NULL",
        "DELETE FROM notes WHERE id = 1",
        "INSERT INTO notes SELECT * FROM old",
        "INSERT INTO notes (id, n) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET n = 1",
        "WITH old AS (SELECT 1) INSERT INTO notes SELECT * FROM old",
        "LOCK TABLE notes IN ROW SHARE MODE",
        "COMMENT ON COLUMN notes.body IS 'DROP TABLE notes'",
        "CREATE TABLE t (id bigint PRIMARY KEY, n bigint CHECK (n > 0), FOREIGN KEY (n) REFERENCES o)",
        "CREATE TABLE t (id bigint); CREATE INDEX i ON t (id); ALTER TABLE t ALTER id SET NOT NULL; DROP TABLE t",
        "CREATE TABLE t AS SELECT id FROM notes",
        "CREATE TEMP TABLE t (n int)",
        "CREATE OR REPLACE VIEW v AS SELECT 1",
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'DELETE FROM notes; SELECT 1'",
        "CREATE TRIGGER t BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE POLICY p ON notes USING (true)",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO notes (id) SELECT abs(i) FROM n",
        "CREATE EXTENSION IF NOT EXISTS citext",
        "GRANT SELECT ON notes TO app",
        "SET LOCAL work_mem = '1GB'",
        "ANALYZE notes",
        "COPY notes FROM STDIN",
    };
    a = arena_new(NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(!*found_in_sql(cases[i]), "%s: found %s", cases[i], found_in_sql(cases[i]));
    }
    arena_free(a);
}
END_TEST

START_TEST(half_a_statement_is_not_passed_over)
{
    static const char *const cases[] = {"$$", "ALTER", "ALTER TABLE", "CREATE", "(",
                                        "'",  "\"",    "/*x*/ ]",     "DROP",   "\\d"};
    a = arena_new(NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool select = cases[i][0] == '(';
        ck_assert_msg(select || *found_in_sql(cases[i]), "%s: found nothing", cases[i]);
    }
    arena_free(a);
}
END_TEST

START_TEST(a_permission_in_sql_is_for_what_it_names)
{
    static const char *const cases[][2] = {
        {"drop-table: in the SQL", "DROP TABLE notes; -- lint: allow drop-table"},
        {"index: later drop-column: later",
         "-- lint: allow index, drop-column: later\nCREATE INDEX i ON notes (n); ALTER TABLE notes DROP COLUMN n"},
        {"drop-table: gone drop-column!", "-- lint: allow drop-table: gone\nDROP TABLE a; ALTER TABLE a DROP b"},
        {"drop-table! unused-allow!", "DROP TABLE notes -- lint: allow index"},
        {"unused-allow!", "SELECT 1 -- lint: allow no-such-rule"},
    };
    a = arena_new(NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        st_ops o;
        struct lint_findings f = {0};
        const char *s = "";
        migrate_ops_init(&o, a, ST_POSTGRESQL);
        OK(st_sql(&o, 0, cases[i][1]));
        OK(lint_operations(a, &o, &f));
        for (size_t k = 0; k < f.n; k++) {
            s = arena_printf(a, "%s%s%s%s%s", s, k ? " " : "", f.v[k].rule->name, f.v[k].allowed ? ": " : "!",
                             f.v[k].allowed ? f.v[k].allowed : "");
        }
        ck_assert_str_eq(s, cases[i][0]);
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
    st_defer_fk(o, "notes", "notes_p_fkey", ST_NOT_DEFERRABLE, ST_DEFERRED);
    st_defer_unique(o, "notes", &(const st_table_index){.columns = {"a"}}, ST_DEFERRED);
    st_defer_primary_key(o, "notes", "notes_pkey", ST_VALUES("id"), ST_DEFERRED, ST_NOT_DEFERRABLE);
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

static const st_parallel pair = {
    .table = "notes", .was = &(const st_table_column){"id", ST_TEXT}, .is = &(const st_table_column){"uid", ST_UUID}};

static st_err up_types(st_ops *o)
{
    st_create_table(o, &(const st_table){.name = "t", ST_COLUMNS({"id", ST_INT32, .pk = true}, {"n", ST_INT32})});
    st_create_table(
        o, &(const st_table){.name = "u",
                             ST_COLUMNS({"id", ST_INT64, .pk = true}, {"at", ST_TYPE_NONE, .type_sql = "timestamp"})});
    st_create_index(o, "notes", &(const st_table_index){.columns = {"a", "b", "c", "d"}});
    st_create_index(o, "notes", &(const st_table_index){.columns = {"a", "b", "c", "e"}, .unique = true});
    return st_add_column(o, "notes",
                         &(const st_table_column){"v", ST_TYPE_NONE, .nullable = true, .type_sql = "varchar(20)"});
}

START_TEST(types_and_indexes_that_will_hurt_later_are_found)
{
    a = arena_new(NULL, 0);
    ck_assert_str_eq(found_in(up_types), "small-int timestamp wide-index varchar-length");
    arena_free(a);
}
END_TEST

/* All findings, those that are allowed with the reason. */
static const char *allowed_in(st_err (*up)(st_ops *o))
{
    st_ops o;
    struct lint_findings f = {0};
    const char *s = "";
    migrate_ops_init(&o, a, ST_POSTGRESQL);
    OK(up(&o));
    OK(lint_operations(a, &o, &f));
    for (size_t k = 0; k < f.n; k++) {
        s = arena_printf(a, "%s%s%s %s%s%s", s, k ? "; " : "", f.v[k].rule->name, f.v[k].what,
                         f.v[k].allowed ? " because " : "", f.v[k].allowed ? f.v[k].allowed : "");
    }
    return s;
}

static st_err up_allowed(st_ops *o)
{
    st_allow(o, "drop-column", "readers gone since 1.4");
    st_drop_column(o, "notes", "old");
    st_drop_column(o, "notes", "other");
    st_allow(o, "drop-column", "moved");
    st_parallel_end(o, &pair);
    st_drop_column(o, "notes", "third");
    st_allow(o, "unknown", "read it");
    st_allow(o, "all-rows", "ten rows");
    st_sql(o, 0, "SELECT f(); UPDATE notes SET n = 1");
    return st_allow(o, "index", "for nothing");
}

START_TEST(a_permission_is_for_the_next_call)
{
    a = arena_new(NULL, 0);
    ck_assert_str_eq(allowed_in(up_allowed),
                     "drop-column old because readers gone since 1.4; drop-column other; drop-column id_legacy because "
                     "moved; drop-column third; unknown SELECT f() because read it; all-rows UPDATE notes SET n = 1 "
                     "because ten rows; unused-allow index");
    arena_free(a);
}
END_TEST

START_TEST(a_permission_names_a_rule_and_a_reason)
{
    st_ops o;
    a = arena_new(NULL, 0);
    migrate_ops_init(&o, a, ST_POSTGRESQL);
    CODE(st_allow(&o, "no-such-rule", "x"), ST_E_INVALID);
    ck_assert_str_eq(diag_last()->message, "lint has no rule \"no-such-rule\"");
    ck_assert_int_eq(o.err, ST_E_INVALID);
    migrate_ops_init(&o, a, ST_POSTGRESQL);
    CODE(st_allow(&o, "drop-table", ""), ST_E_INVALID);
    CODE(st_drop_table(&o, "t"), ST_E_INVALID);
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
    CASE(half_a_statement_is_not_passed_over), CASE(a_permission_in_sql_is_for_what_it_names),
    CASE(operations_are_judged_by_what_they_become), CASE(types_and_indexes_that_will_hurt_later_are_found),
    CASE(a_permission_is_for_the_next_call), CASE(a_permission_names_a_rule_and_a_reason),
    CASE(every_rule_has_a_reason_and_a_recipe));
