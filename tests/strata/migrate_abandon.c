/* What an upgrade that cannot finish has done, undone. */
#include <sys/wait.h>
#include <unistd.h>

#include "catalog.h"
#include "notes.h"
#include "strata/migrate/run.h"

static char *out, *err;

static int run(st_engine *e, const st_revision *r, const char *args)
{
    return command_run(e, NOTES_HISTORY(r), args, &out, &err);
}

static void prints(struct world *w, const st_revision *r, const char *args, int code, const char *text)
{
    int got = run(w->e, r, args);
    ck_assert_msg(got == code, "%s: exit code %d, not %d: %s%s", args, got, code, out, err);
    ck_assert_msg(strstr(code ? err : out, text), "%s printed \"%s%s\", not \"%s\"", args, out, err, text);
}

/* The revision fails, which of its operations it may be; afterwards the database is as it was. */
static void abandon(struct world *w, const st_revision *r, const char *before, const char *what)
{
    ck_assert_msg(st_upgrade(w->e, NOTES_HISTORY(r), "head", FIBER_FOREVER) != 0, "%s: it does not fail", what);
    ck_assert_msg(run(w->e, r, "abandon") == 0, "%s: %s%s", what, out, err);
    ck_assert_msg(strcmp(catalog(w), before) == 0, "%s: it was\n%s\nand is\n%s", what, before, catalog(w));
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_journal"), 0);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM notes"), NOTES);
}

/* ---- whatever was done before ---- */

static const st_table_column loose = {"body", ST_TEXT, .nullable = true}, strict = {"body", ST_TEXT, .max = 500};
static const st_table_column mood_old = {"mood", ST_ENUM, .nullable = true, .values = ST_VALUES("sad", "glad")};
static const st_table_column mood_new = {"mood", ST_ENUM, .default_sql = "'glad'",
                                         .values = ST_VALUES("sad", "glad", "calm")};
static const st_table_trigger quiet = {
    .name = "quiet", .when = "BEFORE UPDATE", .postgresql = "RETURN NEW;", .sqlite = "SELECT 1;"};

static int wanted;

static void some_op(st_ops *o, int n)
{
    switch (n) {
    case 0:
        st_add_column(o, "notes", &(const st_table_column){"stars", ST_INT32, .default_sql = "3"});
        break;
    case 1:
        st_add_column(o, "notes", &(const st_table_column){"token", ST_UUID, .default_sql = "uuid()"});
        break;
    case 2:
        st_alter_column(o, "notes", &mood_old, &mood_new, NULL);
        break;
    case 3:
        st_create_index(o, "notes", &(const st_table_index){.columns = {"other"}, .unique = true, .constraint = true});
        break;
    case 4:
        st_add_check(o, "notes", &(const st_table_check){"notes_other_check", "other >= 0"});
        break;
    case 5:
        st_add_fk(o, "notes", &(const st_table_fk){.columns = {"author"}, .table = "authors", .to = {"id"}});
        break;
    case 6:
        st_create_index(o, "notes", &(const st_table_index){.columns = {"author", "-id"}});
        break;
    case 7:
        st_create_table(o, &(const st_table){.name = "marks",
                                             ST_COLUMNS({"id", ST_INT64, .pk = true}, {"note", ST_INT64}),
                                             ST_FKS({.columns = {"note"}, .table = "notes", .to = {"id"}})});
        break;
    case 8:
        st_create_trigger(o, "notes", &quiet);
        break;
    case 9:
        st_rename_column(o, "authors", "name", "called");
        break;
    case 10:
        st_rename_table(o, "authors", "people");
        break;
    default:
        st_drop_constraint(o, "tags", ST_C_FK, "tags_author_fkey");
    }
}
enum { OPS = 12 };

static st_err up_all(st_ops *o)
{
    for (int i = 0; i < wanted; i++) {
        some_op(o, i);
    }
    st_run_backfill(o, &(const st_backfill){.table = "notes", .set = "other = other", .batch = 2000, .pause_ms = 1});
    return st_sql(o, 0, "SELECT nothing FROM nowhere");
}
static st_err down_all(st_ops *o) /* the last operation's opposite comes first, when the table has its new name */
{
    return st_add_fk(o, "tags", &(const st_table_fk){.columns = {"author"}, .table = "people", .to = {"id"}});
}
static const st_revision all = {
    .id = "all", .parents = {"n0"}, .message = "all", .upgrade = up_all, .downgrade = down_all};

DB_TEST(each_operation_that_was_done_is_undone)
{
    OK(st_upgrade(w->e, NOTES_HISTORY(&all), "n0", FIBER_FOREVER));
    const char *before = catalog(w);
    for (wanted = 0; wanted <= OPS; wanted += wanted < 2 ? 1 : 2) {
        char what[40];
        (void)snprintf(what, sizeof what, "%d operations", wanted);
        abandon(w, &all, before, what);
    }
    prints(w, &all, "abandon", 0, "nothing is under way");
    prints(w, &all, "status", 0, "pending    all");
}

/* ---- one that cannot finish, half done ---- */

static st_err up_half(st_ops *o)
{
    st_add_column(o, "authors", &(const st_table_column){"seen", ST_BOOL, .nullable = true});
    st_run_backfill(o, &(const st_backfill){.table = "authors", .set = "seen = true", .set_sqlite = "seen = 1"});
    if (wanted == 0) {
        return st_alter_column(o, "notes", &loose, &strict, NULL); /* some have none */
    }
    if (wanted == 1) {
        return st_add_check(o, "notes", &(const st_table_check){"notes_few", "id < 100"});
    }
    if (wanted == 2) {
        return st_create_index(o, "notes",
                               &(const st_table_index){.columns = {"author"}, .unique = true, .constraint = true});
    }
    if (wanted == 3) {
        return st_change_primary_key(o, "notes", ST_VALUES("id"), ST_VALUES("body"), NULL);
    }
    if (wanted == 4) {
        return st_add_fk(o, "notes", &(const st_table_fk){.columns = {"id"}, .table = "authors", .to = {"id"}});
    }
    return st_run_backfill(o, &(const st_backfill){.table = "notes",
                                                   .set = "body = CASE WHEN id > 2000 THEN "
                                                          "nothing(body) ELSE body END"});
}
static const st_revision half = {.id = "half", .parents = {"n0"}, .message = "half", .upgrade = up_half};

DB_TEST(an_operation_that_is_half_done_is_undone)
{
    OK(st_upgrade(w->e, NOTES_HISTORY(&half), "n0", FIBER_FOREVER));
    must(w, "UPDATE notes SET body = NULL WHERE id = 7");
    const char *before = catalog(w);
    for (wanted = 0; wanted < 6; wanted++) {
        char what[40];
        (void)snprintf(what, sizeof what, "half %d", wanted);
        abandon(w, &half, before, what);
    }
    /* Mended, it goes through. */
    must(w, "UPDATE notes SET body = '' WHERE body IS NULL");
    wanted = 0;
    OK(st_upgrade(w->e, NOTES_HISTORY(&half), "head", FIBER_FOREVER));
}

/* ---- what cannot be undone ---- */

static st_err up_sql(st_ops *o)
{
    st_sql(o, 0, "DELETE FROM tags");
    st_add_column(o, "notes", &(const st_table_column){"seen", ST_BOOL, .nullable = true});
    st_run_backfill(o, &(const st_backfill){.table = "notes", .set = "other = other"});
    return st_sql(o, 0, "SELECT nothing FROM nowhere");
}
static const st_revision own = {.id = "own", .parents = {"n0"}, .message = "own", .upgrade = up_sql};

DB_TEST(what_cannot_be_undone_is_named_and_left_when_that_is_wanted)
{
    OK(st_upgrade(w->e, NOTES_HISTORY(&own), "n0", FIBER_FOREVER));
    const char *before = catalog(w);
    ck_assert_int_ne(st_upgrade(w->e, NOTES_HISTORY(&own), "head", FIBER_FOREVER), 0);
    prints(w, &own, "status", 0, "is undone by: prog migrate abandon");
    prints(w, &own, "abandon", 1, "DELETE FROM tags");
    ck_assert_msg(strstr(err, "--leave") && strstr(err, "--keep"), "%s", err);
    ck_assert_str_ne(catalog(w), before);
    prints(w, &own, "abandon --leave --keep", 2, "--keep or --leave");
    prints(w, &own, "abandon --leave", 0, "abandoned own");
    ck_assert_str_eq(catalog(w), before);
    /* Or its traces stay, and the history goes on from there. */
    ck_assert_int_ne(st_upgrade(w->e, NOTES_HISTORY(&own), "head", FIBER_FOREVER), 0);
    prints(w, &own, "abandon --keep", 0, "as it was left");
    ck_assert_int_eq(number(w, "SELECT count(*) FROM strata_journal"), 0);
    ck_assert_str_ne(catalog(w), before);
}

/* ---- a kill meanwhile ---- */

static void fall_at(void *arg, const char *sql)
{
    int *left = arg;
    if (strcmp(sql, "COMMIT") == 0 && --*left == 0) {
        _exit(9);
    }
}

DB_TEST(abandoning_goes_on_after_a_kill)
{
    wanted = 8;
    OK(st_upgrade(w->e, NOTES_HISTORY(&all), "n0", FIBER_FOREVER));
    const char *before = catalog(w);
    for (int n = 2;; n++) {
        ck_assert_int_ne(st_upgrade(w->e, NOTES_HISTORY(&all), "head", FIBER_FOREVER), 0);
        st_engine_close(w->e);
        fiber_loop_close(w->loop);
        pid_t pid = fork();
        if (pid == 0) {
            int left = n;
            OK(fiber_loop_open(NULL, &w->loop));
            OK(st_engine_open(w->url, NULL, &w->e));
            st_engine_trace(w->e, fall_at, &left);
            _exit(run(w->e, &all, "abandon"));
        }
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        OK(fiber_loop_open(NULL, &w->loop));
        OK(st_engine_open(w->url, NULL, &w->e));
        ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9), "status %d", status);
        if (WEXITSTATUS(status) == 0) {
            break;
        }
        if (w->dialect == ST_POSTGRESQL) { /* on SQLite it is one transaction */
            prints(w, &all, "upgrade", 1, "was being abandoned");
            prints(w, &all, "status", 0, "go on with: prog migrate abandon");
        }
        prints(w, &all, "abandon", 0, "abandoned all");
        ck_assert_str_eq(catalog(w), before);
        if (w->dialect == ST_SQLITE) {
            break;
        }
    }
}

RUN("migrate_abandon", 120, CASE(each_operation_that_was_done_is_undone),
    CASE(an_operation_that_is_half_done_is_undone), CASE(what_cannot_be_undone_is_named_and_left_when_that_is_wanted),
    CASE(abandoning_goes_on_after_a_kill));
