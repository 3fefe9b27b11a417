/* Rebuilds of SQLite tables that somebody else wrote: nothing that was not to change has changed. */
#include "catalog.h"
#include "strata/migrate.h"

static struct world w;

static void setup(void)
{
    world_open(&w, ST_SQLITE, NULL);
}

static void teardown(void)
{
    world_close(&w);
}

/* What runs next; its downgrade is not asked for. */
static st_err upgrade_with(const char *id, st_err (*fn)(st_ops *o))
{
    st_revision r = {.id = id, .message = "test", .upgrade = fn};
    const st_revision *const list[] = {&r, NULL};
    must(&w, "DROP TABLE IF EXISTS strata_revisions");
    return st_upgrade(w.e, &(const struct st_migrations){.revisions = list, .program = "test"}, "head", FIBER_FOREVER);
}

static bool says(const char *what)
{
    return strstr(diag_last()->message, what) || strstr(diag_last()->hint, what);
}

static const char *sql_of(const char *name)
{
    return text_of(&w, arena_printf(w.a, "SELECT sql FROM sqlite_schema WHERE name = '%s'", name));
}

static st_err drop_old(st_ops *o)
{
    st_add_check(o, "notes", &(const st_table_check){"notes_body_check", "body <> ''", false});
    return st_drop_column(o, "notes", "old");
}

START_TEST(what_is_not_touched_stays_as_it_was_written)
{
    setup();
    must(&w, "CREATE TABLE people(id INTEGER PRIMARY KEY);"
             "CREATE TABLE notes(id INTEGER PRIMARY KEY AUTOINCREMENT, -- the key\n"
             "  [body] varchar(20) COLLATE NOCASE CHECK (length(body) > 0), /* no name */\n"
             "  `old` text, -- goes\n"
             "  \"at\" INTEGER DEFAULT (1 + 2) CONSTRAINT at_ok CHECK (\"at\" > 0),\n"
             "  up TEXT AS (upper(body)) VIRTUAL,\n"
             "  who REFERENCES people ON DELETE CASCADE,\n"
             "  parent INTEGER REFERENCES notes(id) DEFERRABLE INITIALLY DEFERRED,\n"
             "  CHECK (notes.\"at\" < 100)\n"
             ");"
             "CREATE INDEX notes_part ON notes(at) WHERE body LIKE 'a%';"
             "CREATE INDEX notes_expr ON notes(lower(body), at DESC);"
             "CREATE INDEX notes_old ON notes(at, old);"
             "CREATE VIEW short AS SELECT id, substr(body, 1, 3) AS s FROM notes;"
             "CREATE TABLE log(n);"
             "CREATE TRIGGER notes_log AFTER UPDATE OF body ON notes BEGIN INSERT INTO log VALUES (new.id); END;"
             "INSERT INTO people VALUES (7);"
             "INSERT INTO notes(id, body, old, who) VALUES (1, 'Abc', 'x', 7), (41, 'b', 'y', NULL), (99, 'z', 'z', 7);"
             "UPDATE notes SET parent = 41 WHERE id = 1; DELETE FROM notes WHERE id = 99");
    const char *part = sql_of("notes_part"), *expr = sql_of("notes_expr"), *view = sql_of("short"),
               *trigger = sql_of("notes_log");
    OK(upgrade_with("a", drop_old));
    ck_assert_str_eq(sql_of("notes"), "CREATE TABLE \"notes\"(id INTEGER PRIMARY KEY AUTOINCREMENT, -- the key\n"
                                      "  [body] varchar(20) COLLATE NOCASE CHECK (length(body) > 0) /* no name */\n"
                                      ", -- goes\n"
                                      "  \"at\" INTEGER DEFAULT (1 + 2) CONSTRAINT at_ok CHECK (\"at\" > 0),\n"
                                      "  up TEXT AS (upper(body)) VIRTUAL,\n"
                                      "  who REFERENCES people ON DELETE CASCADE,\n"
                                      "  parent INTEGER REFERENCES notes(id) DEFERRABLE INITIALLY DEFERRED,\n"
                                      "  CHECK (\"at\" < 100),\n"
                                      "    CONSTRAINT \"notes_body_check\" CHECK (body <> '')\n"
                                      ")");
    ck_assert_str_eq(sql_of("notes_part"), part);
    ck_assert_str_eq(sql_of("notes_expr"), expr);
    ck_assert_str_eq(sql_of("short"), view);
    ck_assert_str_eq(sql_of("notes_log"), trigger);
    ck_assert_str_eq(sql_of("notes_old"), ""); /* it was about the column */
    ck_assert_str_eq(text_of(&w, "SELECT group_concat(id || body || at || up || coalesce(who, '-') || coalesce(parent, "
                                 "'-')) FROM notes"),
                     "1Abc3ABC741,41b3B--");
    ck_assert_int_eq(number(&w, "SELECT seq FROM sqlite_sequence WHERE name = 'notes'"), 99);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM sqlite_sequence"), 1);
    must(&w, "INSERT INTO notes(body) VALUES ('new'); UPDATE notes SET body = 'B' WHERE body = 'b'");
    ck_assert_int_eq(number(&w, "SELECT max(id) FROM notes"), 100);
    ck_assert_int_eq(number(&w, "SELECT n FROM log"), 41);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM short"), 3);
    teardown();
}
END_TEST

static st_err rebuild_parent(st_ops *o)
{
    return st_add_check(o, "parent", &(const st_table_check){"parent_id_check", "id > 0", false});
}

START_TEST(children_keep_their_rows)
{
    setup();
    must(&w, "CREATE TABLE parent(id INTEGER PRIMARY KEY, up REFERENCES parent ON DELETE CASCADE);"
             "CREATE TABLE child(id INTEGER PRIMARY KEY, p REFERENCES parent(id) ON DELETE CASCADE ON UPDATE CASCADE);"
             "CREATE TABLE orphan(id INTEGER PRIMARY KEY, p INTEGER DEFAULT 9 REFERENCES parent ON DELETE SET NULL);"
             "INSERT INTO parent VALUES (1, NULL), (2, 1);"
             "INSERT INTO child VALUES (1, 1), (2, 2); INSERT INTO orphan VALUES (1, 1)");
    OK(upgrade_with("a", rebuild_parent));
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM child"), 2);
    ck_assert_int_eq(number(&w, "SELECT p FROM orphan"), 1);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM parent"), 2);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pragma_foreign_key_list('child') WHERE \"table\" = 'parent'"), 1);
    /* and the keys are at work again */
    CODE(st_engine_execute(w.e, "INSERT INTO child VALUES (3, 77)", FIBER_FOREVER), ST_E_FOREIGN_KEY);
    must(&w, "DELETE FROM parent WHERE id = 1");
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM child"), 0);
    teardown();
}
END_TEST

static st_err add_broken_key(st_ops *o)
{
    return st_add_fk(o, "child", &(const st_table_fk){.columns = {"p"}, .table = "parent", .to = {"id"}});
}

START_TEST(a_reference_that_does_not_hold_stops_the_upgrade)
{
    setup();
    must(&w, "CREATE TABLE parent(id INTEGER PRIMARY KEY); CREATE TABLE child(id INTEGER PRIMARY KEY, p);"
             "INSERT INTO child VALUES (5, 3)");
    const char *before = catalog(&w);
    CODE(upgrade_with("a", add_broken_key), ST_E_INVALID);
    ck_assert_msg(says("child (rowid 5)") && says("not in parent"), "%s", diag_last()->message);
    ck_assert_str_eq(catalog(&w), before);
    CODE(st_engine_execute(w.e, "CREATE TABLE c2(p REFERENCES parent); INSERT INTO c2 VALUES (1)", FIBER_FOREVER),
         ST_E_FOREIGN_KEY); /* the connection checks keys again */
    teardown();
}
END_TEST

static st_err drop_seen(st_ops *o)
{
    st_drop_constraint(o, "t", ST_C_UNIQUE, "t_b_key");
    return st_drop_column(o, "t", "b");
}

START_TEST(a_view_or_trigger_that_would_break_stops_the_upgrade)
{
    setup();
    must(&w, "CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE); CREATE VIEW broken AS SELECT nowhere FROM t;"
             "CREATE VIEW v AS SELECT a, b FROM t");
    CODE(upgrade_with("a", drop_seen), ST_E_SCHEMA);
    ck_assert_msg(says("the view v would break") && says("drop it before"), "%s", diag_last()->message);
    must(&w,
         "DROP VIEW v; CREATE TABLE other(x); CREATE TRIGGER tr AFTER UPDATE ON other BEGIN UPDATE t SET b = 1; END");
    CODE(upgrade_with("a", drop_seen), ST_E_SCHEMA);
    ck_assert_msg(says("the trigger tr would break"), "%s", diag_last()->message);
    must(&w, "DROP TRIGGER tr");
    OK(upgrade_with("a", drop_seen)); /* the view that was broken before is nobody's business */
    teardown();
}
END_TEST

static st_err drop_plain(st_ops *o)
{
    return st_drop_column(o, "t", "c");
}

START_TEST(a_view_that_was_broken_before_is_not_in_the_way_of_a_column_that_goes)
{
    setup();
    must(&w, "CREATE TABLE t(a, b, c); CREATE VIEW v AS SELECT nowhere FROM t; CREATE VIEW fine AS SELECT a, b FROM t;"
             "CREATE VIEW over AS SELECT * FROM fine; INSERT INTO t VALUES (1, 2, 3)");
    OK(upgrade_with("a", drop_plain));
    ck_assert_str_eq(sql_of("t"), "CREATE TABLE \"t\"(a, b)");
    ck_assert_int_eq(number(&w, "SELECT a + b FROM over"), 3);
    teardown();
}
END_TEST

static st_err check_and_key(st_ops *o)
{
    st_add_check(o, "t", &(const st_table_check){"t_b_check", "b > 0", false});
    return st_add_fk(o, "t", &(const st_table_fk){.columns = {"b"}, .table = "t", .to = {"a"}});
}

START_TEST(hidden_numbers_and_statistics_stay)
{
    setup();
    must(&w, "CREATE TABLE t(a UNIQUE, b); CREATE INDEX t_b ON t(b);"
             "INSERT INTO t(rowid, a, b) VALUES (7, 1, 1), (70, 2, 1), (700, 3, 2); ANALYZE");
    const char *stat = text_of(&w, "SELECT group_concat(tbl || idx || stat) FROM sqlite_stat1");
    OK(upgrade_with("a", check_and_key));
    ck_assert_str_eq(text_of(&w, "SELECT group_concat(rowid) FROM t"), "7,70,700");
    ck_assert_str_eq(text_of(&w, "SELECT group_concat(tbl || idx || stat) FROM sqlite_stat1"), stat);
    CODE(st_engine_execute(w.e, "INSERT INTO t VALUES (9, 10)", FIBER_FOREVER), ST_E_FOREIGN_KEY);
    CODE(st_engine_execute(w.e, "INSERT INTO t VALUES (9, -1)", FIBER_FOREVER), ST_E_CHECK);
    teardown();
}
END_TEST

static st_err edit_virtual(st_ops *o)
{
    return st_add_check(o, "x", &(const st_table_check){"x_check", "1", false});
}

START_TEST(what_is_no_table_is_not_rebuilt)
{
    setup();
    CODE(upgrade_with("a", edit_virtual), ST_E_SCHEMA);
    ck_assert_msg(says("there is no table x"), "%s", diag_last()->message);
    must(&w, "CREATE VIRTUAL TABLE x USING fts5(body)");
    CODE(upgrade_with("a", edit_virtual), ST_E_INVALID);
    ck_assert_msg(says("cannot be read at byte 7"), "%s", diag_last()->message);
    must(&w, "DROP TABLE x; CREATE VIEW x AS SELECT 1 AS a");
    CODE(upgrade_with("a", edit_virtual), ST_E_SCHEMA);
    teardown();
}
END_TEST

static st_err narrow(st_ops *o)
{
    st_alter_column(o, "t", &(const st_table_column){"k", .type_sql = "TEXT", .nullable = true},
                    &(const st_table_column){"k", .type_sql = "INTEGER", .default_sql = "0"}, NULL);
    return st_change_primary_key(o, "t", ST_VALUES("id"), ST_VALUES("k", "id"), NULL);
}

START_TEST(keys_and_types_change_where_they_stand)
{
    setup();
    must(&w, "CREATE TABLE \"t\" (id INT, k TEXT, PRIMARY KEY(id)) WITHOUT ROWID, STRICT;"
             "INSERT INTO t VALUES (1, '10'), (2, '20')");
    OK(upgrade_with("a", narrow));
    ck_assert_str_eq(sql_of("t"), "CREATE TABLE \"t\" (id INT NOT NULL, k INTEGER NOT NULL DEFAULT 0, CONSTRAINT "
                                  "\"t_pkey\" PRIMARY KEY (\"k\", \"id\")) WITHOUT ROWID, STRICT");
    ck_assert_str_eq(text_of(&w, "SELECT group_concat(typeof(k) || k) FROM t"), "integer10,integer20");
    must(&w, "DROP TABLE t; CREATE TABLE t(id INT, k TEXT, PRIMARY KEY(id)) STRICT; INSERT INTO t VALUES (1, 'ten')");
    CODE(upgrade_with("a", narrow), ST_E_CHECK);
    ck_assert_msg(says("cannot store TEXT value in INTEGER column"), "%s", diag_last()->message);
    ck_assert_str_eq(text_of(&w, "SELECT k FROM t"), "ten");
    teardown();
}
END_TEST

static st_err drop_unnamed(st_ops *o)
{
    st_drop_constraint(o, "t", ST_C_CHECK, "t_check1");
    st_drop_constraint(o, "t", ST_C_UNIQUE, "t_a_b_key");
    st_drop_constraint(o, "t", ST_C_FK, "t_a_fkey");
    st_rename_constraint(o, "t", ST_C_CHECK, "t_b_check", "b_ok");
    st_rename_index(o, "t", "old_idx", "new \"idx\"");
    return st_drop_constraint(o, "t", ST_C_PRIMARY_KEY, "whatever");
}

START_TEST(unnamed_constraints_go_by_their_derived_names)
{
    setup();
    must(&w,
         "CREATE TABLE t(a INTEGER REFERENCES u(x), b CHECK (b > 0) PRIMARY KEY, CHECK (a > 1) UNIQUE (a, b), CHECK "
         "(a > 2));"
         "CREATE UNIQUE INDEX IF NOT EXISTS old_idx ON t(b)");
    OK(upgrade_with("a", drop_unnamed));
    ck_assert_str_eq(sql_of("t"), "CREATE TABLE \"t\"(a INTEGER, b CONSTRAINT \"b_ok\" CHECK (b > 0), CHECK (a > 1) )");
    ck_assert_str_eq(sql_of("new \"idx\""), "CREATE UNIQUE INDEX \"new \"\"idx\"\"\" ON t(b)");
    ck_assert_str_eq(sql_of("old_idx"), "");
    CODE(upgrade_with("a", drop_unnamed), ST_E_SCHEMA);
    ck_assert_msg(says("table t has no CHECK called t_check1"), "%s", diag_last()->message);
    teardown();
}
END_TEST

RUN("strata migrate rebuild", 60, CASE(what_is_not_touched_stays_as_it_was_written), CASE(children_keep_their_rows),
    CASE(a_reference_that_does_not_hold_stops_the_upgrade), CASE(a_view_or_trigger_that_would_break_stops_the_upgrade),
    CASE(a_view_that_was_broken_before_is_not_in_the_way_of_a_column_that_goes),
    CASE(hidden_numbers_and_statistics_stay), CASE(what_is_no_table_is_not_rebuilt),
    CASE(keys_and_types_change_where_they_stand), CASE(unnamed_constraints_go_by_their_derived_names));
