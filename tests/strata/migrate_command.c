/* The command line over revisions: what it prints and how it ends. */
#include "catalog.h"
#include "offline.h"

static st_err up(st_ops *o)
{
    return st_create_table(o, &(const st_table){.name = "notes", ST_COLUMNS({"id", ST_INT64, .pk = true})});
}
static st_err down(st_ops *o)
{
    return st_drop_table(o, "notes");
}
static st_err up_loud(st_ops *o)
{
    return st_sql(o, 0, "CREATE TABLE \"Loud Notes\" (n bigint)");
}
static st_err down_loud(st_ops *o)
{
    return st_sql(o, 0, "DROP TABLE \"Loud Notes\"");
}

static const st_revision rev1 = {.id = "a1", .message = "notes", .upgrade = up, .downgrade = down, .label = "start"};
static const st_revision rev2 = {
    .id = "b2", .parents = {"a1"}, .message = "more", .upgrade = up_loud, .downgrade = down_loud};
static const struct st_migrations two = {.revisions = (const st_revision *const[]){&rev1, &rev2, NULL},
                                         .program = "prog migrate"};

static char *out, *err;

static int run(st_engine *e, const char *args)
{
    return command_run(e, &two, args, &out, &err);
}

static void ends(st_engine *e, const char *args, int code, const char *prints)
{
    int got = run(e, args);
    const char *text = code ? err : out;
    ck_assert_msg(got == code, "%s: exit code %d, not %d: %s%s", args, got, code, out, err);
    ck_assert_msg(strstr(text, prints), "%s printed \"%s\", not \"%s\"", args, text, prints);
    ck_assert_msg(code || !*err, "%s complained: %s", args, err);
}

START_TEST(help_needs_no_database)
{
    ends(NULL, "--help", 0, "Usage: prog migrate COMMAND");
    ends(NULL, "upgrade --help", 0, "the next N revisions");
    ends(NULL, "downgrade -1 -h", 0, "go away with their rows");
    ends(NULL, "heads", 0, "b2  more (head)\n");
    ends(NULL, "history", 0, "b2  more (head)\na1  notes (start)\n");
    ends(NULL, "upgrade", 1, "there is no database");
    ends(NULL, "show a1", 0, "message    notes\nlabel      start\nchild      b2\nway back   yes\n");
    ends(NULL, "branches", 0, "");
    ends(NULL, "lint", 0, "nothing found in 2 revisions\n");
    ends(NULL, "lint --rules", 0, "rename-column\n    because  programs that run now fail");
    ends(NULL, "plan --dialect postgresql", 0, "upgrade a1  notes\n  1/1 expand\n      CREATE TABLE \"notes\" (");
}
END_TEST

START_TEST(wrong_words_are_explained)
{
    ends(NULL, "", 2, "Usage: prog migrate COMMAND");
    ends(NULL, "upgade", 2, "there is no command \"upgade\"");
    ends(NULL, "upgrade --fast", 2, "prog migrate upgrade: it has no option --fast");
    ends(NULL, "upgrade head again", 2, "too many arguments, from \"again\" on");
    ends(NULL, "current head", 2, "too many arguments, from \"head\" on");
    ends(NULL, "upgrade --lock-timeout", 2, "a value is missing behind --lock-timeout");
    ends(NULL, "upgrade --unsafe=1", 2, "a value is nothing for --unsafe=1");
    ends(NULL, "upgrade --sql --dialect=db2", 2, "--dialect db2: it is postgresql or sqlite");
    ends(NULL, "lint --allow rename", 2, "lint has no rule \"rename\"\nhint: lint --rules lists them");
    ends(NULL, "downgrade", 2, "which TARGET? See prog migrate downgrade --help");
}
END_TEST

DB_TEST(a_database_goes_up_and_down)
{
    ends(w->e, "check", 1,
         "lacks 2 of 2 revisions, the first of them a1 (\"notes\")\nhint: run: prog migrate upgrade\n");
    ends(w->e, "current", 0, "base  (no revision is applied)\n");
    ends(w->e, "upgrade", 0, "applied a1  notes (");
    ck_assert_ptr_nonnull(strstr(out, "applied b2  more ("));
    ends(w->e, "upgrade", 0, "nothing to do\n");
    ends(w->e, "check", 0, "the database has all 2 revisions\n");
    ends(w->e, "current", 0, "b2  more (head)\n");
    ends(w->e, "history", 0, "a1  notes (start), applied 20");
    ends(w->e, "downgrade start", 0, "undone  b2  more (");
    ends(w->e, "current", 0, "a1  notes (start)\n");
    ends(w->e, "downgrade -1", 0, "undone  a1  notes (");
    ends(w->e, "downgrade -1", 1, "prog migrate downgrade: -1 goes too far: 0 revisions are applied\n");
    ends(w->e, "upgrade zz", 1, "there is no revision \"zz\"\nhint: ");
}

DB_TEST(one_step_may_be_said_in_short)
{
    ends(w->e, "+1", 0, "applied a1");
    ends(w->e, "status", 0, "current    a1  notes\npending    b2  more\nschema     ");
    ends(w->e, "plan", 0, "upgrade b2  more\n");
    ck_assert_ptr_null(strstr(out, "a1"));
    ends(w->e, "+1", 0, "applied b2");
    ends(w->e, "plan -2", 0, "downgrade a1  notes\n");
    ends(w->e, "-2", 0, "undone  a1");
    ends(w->e, "upgrade --lock-timeout x", 2, "--lock-timeout x is no duration");
    ends(w->e, "upgrade --lock-timeout=2s --statement-timeout 1m", 0, "applied b2");
    ends(w->e, "show b2", 0, "applied    20");
}

DB_TEST(what_was_changed_past_the_revisions_is_noticed)
{
    ends(w->e, "upgrade", 0, "applied");
    ends(w->e, "current --verbose", 0, "  schema ");
    must(w, "ALTER TABLE notes ADD COLUMN x integer");
    ends(w->e, "check", 1, "the schema was changed past the revisions");
    ends(w->e, "status", 0, "which is not what the newest revision left");
    must(w, "ALTER TABLE notes DROP COLUMN x");
    ends(w->e, "check", 0, "the database has all 2 revisions\n");
    must(w, "CREATE TABLE theirs (x integer)"); /* who shares the database may do in it as they like */
    must(w, "CREATE INDEX theirs_idx ON theirs (x)");
    ends(w->e, "check", 0, "the database has all 2 revisions\n");
    must(w, "CREATE INDEX extra ON \"Loud Notes\" (n)"); /* made by a revision's own SQL */
    ends(w->e, "check", 1, "the schema was changed past the revisions");
    must(w, "DROP INDEX extra");
    ends(w->e, "check", 0, "the database has all 2 revisions\n");
    must(w, "UPDATE strata_revisions SET schema_hash = NULL");
    ends(w->e, "status", 0, ", with nothing to compare: the newest revision has no hash");
}

/* As programs made strata_revisions before it had a hash. */
DB_TEST(the_table_of_an_older_program_gets_todays_form)
{
    offline_off("what an older program made, only the database can tell");
    ends(w->e, "+1", 0, "applied a1");
    must(w, "ALTER TABLE strata_revisions DROP COLUMN schema_hash");
    ends(w->e, "current --verbose", 0, "a1  notes (start), applied 20");
    ends(w->e, "status", 0, "pending    b2");
    ends(w->e, "upgrade", 0, "applied b2");
    ends(w->e, "check", 0, "the database has all 2 revisions\n");
    ck_assert_int_eq(number(w, "SELECT count(schema_hash) FROM strata_revisions"), 1);
    must(w, "ALTER TABLE strata_revisions DROP COLUMN schema_hash");
    ends(w->e, "downgrade -1", 0, "undone  b2");
    ck_assert_int_eq(number(w, "SELECT count(schema_hash) FROM strata_revisions"), 1);
}

DB_TEST(revisions_of_a_newer_program_are_shown_as_such)
{
    ends(w->e, "upgrade", 0, "applied");
    must(w, w->dialect == ST_SQLITE
                ? "INSERT INTO strata_revisions (id, parents, message) VALUES ('f9', '[\"b2\"]', 'from later')"
                : "INSERT INTO strata_revisions (id, parents, message) VALUES ('f9', '{b2}', 'from later')");
    ends(w->e, "current", 0, "f9  (this program does not know it)\n");
    ends(w->e, "check", 1, "the database has the revision f9 (\"from later\", applied 20");
    ends(w->e, "downgrade base", 1, "newer program");
}

RUN("strata migrate command", 60, CASE(help_needs_no_database), CASE(wrong_words_are_explained),
    CASE(a_database_goes_up_and_down), CASE(one_step_may_be_said_in_short),
    CASE(what_was_changed_past_the_revisions_is_noticed), CASE(the_table_of_an_older_program_gets_todays_form),
    CASE(revisions_of_a_newer_program_are_shown_as_such));
