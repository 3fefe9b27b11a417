/* Upgrades that cannot finish as they are: what is known of them afterwards, and what can be done about it. */
#include "catalog.h"
#include "notes.h"
#include "offline.h"
#include "strata/select.h"

static char *out, *err;

/* Over the history of r; the exit code. */
static int run(struct world *w, const st_revision *r, const char *args)
{
    return command_run(w->e, NOTES_HISTORY(r), args, &out, &err);
}

static void prints(struct world *w, const st_revision *r, const char *args, int code, const char *text)
{
    int got = run(w, r, args);
    ck_assert_msg(got == code, "%s: exit code %d, not %d: %s%s", args, got, code, out, err);
    ck_assert_msg(strstr(code ? err : out, text), "%s printed \"%s%s\", not \"%s\"", args, out, err, text);
}

/* ---- one transaction ---- */

static st_err up_few(st_ops *o)
{
    return st_sql(o, 0, "INSERT INTO authors (id, name) VALUES (1, 'a1')");
}
static st_err up_more(st_ops *o)
{
    return st_sql(o, 0, "INSERT INTO authors (id, name) VALUES (1001, 'a1')");
}
static const st_revision few = {.id = "few", .parents = {"n0"}, .message = "few", .upgrade = up_few};
static const st_revision more = {.id = "few", .parents = {"n0"}, .message = "few", .upgrade = up_more};

DB_TEST(why_an_upgrade_failed_is_kept_until_one_works)
{
    OK(st_upgrade(w->e, NOTES_HISTORY(&few), "n0", FIBER_FOREVER));
    CODE(st_upgrade(w->e, NOTES_HISTORY(&few), "head", FIBER_FOREVER), ST_E_UNIQUE);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_journal WHERE error LIKE '%authors%'"), 1);
    prints(w, &few, "status", 0, "try again with: prog migrate upgrade few");
    ck_assert_msg(strstr(out, "authors") && strstr(out, "pending    few") && strstr(out, "current    n0"), "%s", out);
    /* Another failure takes its place. */
    CODE(st_upgrade(w->e, NOTES_HISTORY(&few), "head", FIBER_FOREVER), ST_E_UNIQUE);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_journal WHERE state = 'failed'"), 1);
    /* It is in nobody's way: neither of a downgrade nor of the revision once it is mended. */
    OK(st_downgrade(w->e, NOTES_HISTORY(&few), "base", FIBER_FOREVER));
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_journal"), 0);
    CODE(st_upgrade(w->e, NOTES_HISTORY(&few), "head", FIBER_FOREVER), ST_E_UNIQUE);
    OK(st_upgrade(w->e, NOTES_HISTORY(&more), "head", FIBER_FOREVER));
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_journal"), 0);
    prints(w, &more, "status", 0, "pending    none");
    ck_assert_msg(!strstr(out, "failed") && !strstr(out, "newest revision left"), "%s", out);
}

DB_TEST(a_journal_of_an_older_program_is_brought_up_to_date)
{
    OK(st_upgrade(w->e, NOTES_HISTORY(&few), "n0", FIBER_FOREVER));
    CODE(st_upgrade(w->e, NOTES_HISTORY(&few), "head", FIBER_FOREVER), ST_E_UNIQUE);
    must(w, "DELETE FROM strata_journal; ALTER TABLE strata_journal DROP COLUMN error");
    prints(w, &few, "status", 0, "pending    few");
    CODE(st_upgrade(w->e, NOTES_HISTORY(&few), "head", FIBER_FOREVER), ST_E_UNIQUE);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_journal WHERE error LIKE '%authors%'"), 1);
}

/* ---- a step in C ---- */

static int steps;

static st_err step(struct st_session *s, void *arg)
{
    (void)arg;
    st_err rc = st_raw_execute(s, "UPDATE notes SET body = body || '!'", NULL, .confined = true);
    return rc ? rc : ++steps < 3 ? diag_set(ST_E_INVALID, "the third time is the charm") : 0;
}
static st_err up_step(st_ops *o)
{
    st_add_column(o, "notes", &(const st_table_column){"seen", ST_BOOL, .nullable = true});
    st_run_step(o, "loud", step, NULL);
    return st_sql(o, 0, "DELETE FROM notes WHERE id = 1");
}
static const st_revision stepped = {.id = "step", .parents = {"n0"}, .message = "step", .upgrade = up_step};

DB_TEST(a_step_that_failed_is_tried_again)
{
    const struct st_migrations *m = NOTES_HISTORY(&stepped);
    steps = 0;
    OK(st_upgrade(w->e, m, "n0", FIBER_FOREVER));
    for (int i = 0; i < 2; i++) {
        CODE(st_upgrade(w->e, m, "head", FIBER_FOREVER), ST_E_INVALID);
        prints(w, &stepped, "status", 0, "under way  upgrade of step");
        ck_assert_msg(strstr(out, "loud: failed") && strstr(out, "the third time"), "%s", out);
    }
    OK(st_upgrade(w->e, m, "head", FIBER_FOREVER));
    ck_assert_int_eq(steps, 3);
    ck_assert_str_eq(text_of(w, "SELECT body FROM notes WHERE id = 2"), "b2!");
    ck_assert_int_eq(number(w, "SELECT count(*) FROM notes"), NOTES - 1);
}

/* ---- a revision that is edited between a failure and the next try ---- */

static const char *wanted_check = "other >= 0", *wanted_step = "first";

static st_err step_of_nothing(struct st_session *s, void *arg)
{
    (void)s;
    (void)arg;
    return 0;
}
static st_err up_edited(st_ops *o)
{
    st_add_check(o, "notes", &(const st_table_check){"notes_other_check", wanted_check});
    st_run_step(o, wanted_step, step_of_nothing, NULL);
    return st_sql(o, 0, "INSERT INTO authors (id, name) VALUES (1, 'a1')");
}
static const st_revision edited = {.id = "edit", .parents = {"n0"}, .message = "edited", .upgrade = up_edited};

DB_TEST(what_is_done_of_a_revision_cannot_be_edited_any_more)
{
    const struct st_migrations *m = NOTES_HISTORY(&edited);
    wanted_check = "other >= 0";
    wanted_step = "first";
    OK(st_upgrade(w->e, m, "n0", FIBER_FOREVER));
    CODE(st_upgrade(w->e, m, "head", FIBER_FOREVER), ST_E_UNIQUE);
    wanted_check = "other >= -1"; /* on SQLite that is a rebuild, which is known when its table is there */
    CODE(st_upgrade(w->e, m, "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(strstr(diag_last()->message, "the revision changed since it began"), "%s", diag_last()->message);
    wanted_check = "other >= 0";
    wanted_step = "second";
    CODE(st_upgrade(w->e, m, "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(strstr(diag_last()->message, ", first, has been done"), "%s", diag_last()->message);
    wanted_step = "first";
    must(w, "DELETE FROM authors WHERE id = 1");
    OK(st_upgrade(w->e, m, "head", FIBER_FOREVER));
}

RUN("migrate_failures", 60, CASE(why_an_upgrade_failed_is_kept_until_one_works),
    CASE(a_journal_of_an_older_program_is_brought_up_to_date), CASE(a_step_that_failed_is_tried_again),
    CASE(what_is_done_of_a_revision_cannot_be_edited_any_more));
