/* Upgrades that fail, are kept waiting, or run twice at once; those that are killed are in migrate_kills.c. */
#include <sys/wait.h>
#include <unistd.h>

#include "kills.h"
#include "notes.h"
#include "offline.h"

#define SOME NOTES_HISTORY(&notes_some)

static bool says(const char *what)
{
    return strstr(diag_last()->message, what) || strstr(diag_last()->hint, what);
}

/* ---- what stays ---- */

static st_err up_half(st_ops *o)
{
    st_add_column(o, "notes", &(const st_table_column){"seen", ST_BOOL, .nullable = true});
    st_add_column(o, "authors", &(const st_table_column){"seen", ST_BOOL, .nullable = true});
    return st_add_check(o, "notes", &(const st_table_check){"notes_few", "id < 100"});
}
static st_err up_whole(st_ops *o)
{
    st_add_column(o, "notes", &(const st_table_column){"seen", ST_BOOL, .nullable = true});
    st_add_column(o, "authors", &(const st_table_column){"seen", ST_BOOL, .nullable = true});
    return st_add_check(o, "notes", &(const st_table_check){"notes_few", "id < 100000"});
}
static st_err up_other(st_ops *o)
{
    st_add_column(o, "notes", &(const st_table_column){"heard", ST_BOOL, .nullable = true});
    return st_add_column(o, "authors", &(const st_table_column){"seen", ST_BOOL, .nullable = true});
}
static const st_revision half = {.id = "half", .parents = {"n0"}, .message = "half", .upgrade = up_half};
static const st_revision whole = {.id = "half", .parents = {"n0"}, .message = "half", .upgrade = up_whole};
static const st_revision other = {.id = "half", .parents = {"n0"}, .message = "half", .upgrade = up_other};

START_TEST(a_phase_that_fails_can_be_mended_and_the_upgrade_goes_on)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    const struct st_migrations *m = NOTES_HISTORY(&half);
    CODE(st_upgrade(w.e, m, "head", FIBER_FOREVER), ST_E_CHECK);
    ck_assert_msg(says("revision half, phase 4 of 4 (validate notes_few)"), "%s", diag_last()->message);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM strata_journal WHERE state = 'done'"), 3);
    ck_assert(!st_is_at_head(w.e, m));
    CODE(st_downgrade(w.e, m, "base", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(says("upgrade of revision half was interrupted") && says("prog migrate upgrade half"), "%s",
                  diag_last()->hint);
    /* Another first phase is noticed, another unsafe too. */
    CODE(st_upgrade(w.e, NOTES_HISTORY(&other), "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(says("the revision changed since it began: its phase 1, ") && says("has been done, and the revision"),
                  "%s", diag_last()->message);
    CODE(st_upgrade_with(w.e, m, "head", &(const struct st_migrate_options){.unsafe = true}, FIBER_FOREVER),
         ST_E_INVALID);
    /* What was to be validated is mended in the rows. */
    must(&w, "DELETE FROM notes WHERE id >= 100");
    OK(st_upgrade(w.e, m, "head", FIBER_FOREVER));
    ck_assert(st_is_at_head(w.e, m));
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM strata_journal"), 0);
    world_close(&w);
}
END_TEST

START_TEST(of_two_upgrades_at_once_one_waits)
{
    offline_off("others upgrade meanwhile");
    for (enum st_dialect d = ST_SQLITE; d <= ST_POSTGRESQL; d++) {
        struct world w;
        world_open(&w, d, NULL);
        pid_t pids[3];
        world_pause(&w);
        for (int i = 0; i < 3; i++) {
            pids[i] = fork();
            ck_assert_int_ge(pids[i], 0);
            if (pids[i] == 0) {
                world_wake(&w);
                st_err rc = st_upgrade(w.e, SOME, "head", FIBER_FOREVER);
                if (rc) {
                    (void)fprintf(stderr, "# %s\n", diag_last()->message);
                }
                _exit(rc ? 1 : 0);
            }
        }
        for (int i = 0; i < 3; i++) {
            int status;
            ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
            ck_assert_int_eq(status, 0);
        }
        world_wake(&w);
        ck_assert(st_is_at_head(w.e, SOME));
        ck_assert_int_eq(number(&w, "SELECT count(*) FROM notes WHERE loud IS NULL"), NOTES / 100);
        world_close(&w);
    }
}
END_TEST

/* ---- locks ---- */

struct waits {
    unsigned retries;
    char note[600];
    st_conn *blocker;
};

static void see_wait(void *arg, const struct st_migrate_progress *p)
{
    struct waits *k = arg;
    if (p->event == ST_M_RETRY) {
        (void)snprintf(k->note, sizeof k->note, "%s", p->note);
        if (++k->retries == 2) {
            OK(st_conn_exec(k->blocker, "COMMIT", FIBER_FOREVER));
        }
    }
}

START_TEST(a_lock_that_is_taken_is_tried_again_and_who_has_it_is_said)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    OK(st_upgrade(w.e, SOME, "n0", FIBER_FOREVER));
    st_engine *other_engine;
    struct waits k = {0};
    OK(st_engine_open(w.url, NULL, &other_engine));
    OK(st_conn_acquire(other_engine, true, FIBER_FOREVER, &k.blocker));
    OK(st_conn_exec(k.blocker, "BEGIN; SELECT count(*) FROM notes", FIBER_FOREVER));
    struct st_migrate_options o = {.lock_timeout_ms = 300, .lock_tries = 1, .progress = see_wait, .arg = &k};
    CODE(st_upgrade_with(w.e, NOTES_HISTORY(&whole), "head", &o, FIBER_FOREVER), ST_E_BUSY);
    ck_assert_msg(says("a lock on the table notes was not granted in 0.") && says("idle in transaction") &&
                      says("SELECT count(*) FROM notes"),
                  "%s; %s", diag_last()->message, diag_last()->hint);
    ck_assert_uint_eq(k.retries, 0);
    o.lock_tries = 5;
    OK(st_upgrade_with(w.e, NOTES_HISTORY(&whole), "head", &o, FIBER_FOREVER));
    ck_assert_uint_eq(k.retries, 2);
    ck_assert_msg(strstr(k.note, "pid ") && strstr(k.note, "SELECT count(*) FROM notes"), "%s", k.note);
    st_conn_release(k.blocker);
    st_engine_close(other_engine);
    world_close(&w);
}
END_TEST

static st_err up_dup(st_ops *o)
{
    return st_create_index(o, "notes", &(const st_table_index){.columns = {"author"}, .unique = true});
}
static const st_revision twice = {.id = "dup", .parents = {"n0"}, .message = "dup", .upgrade = up_dup};

START_TEST(an_index_that_cannot_be_built_leaves_nothing_and_one_left_invalid_is_built_anew)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    const struct st_migrations *m = NOTES_HISTORY(&twice);
    CODE(st_upgrade(w.e, m, "head", FIBER_FOREVER), ST_E_UNIQUE);
    ck_assert_msg(says("index notes_author_key") || says("index notes_author_idx"), "%s", diag_last()->message);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
    /* As a crash would leave it. */
    CODE(st_engine_execute(w.e, "CREATE UNIQUE INDEX CONCURRENTLY notes_author_idx ON notes (author)", FIBER_FOREVER),
         ST_E_UNIQUE);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 1);
    must(&w, "DELETE FROM notes WHERE id > 20");
    OK(st_upgrade(w.e, m, "head", FIBER_FOREVER));
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pg_class WHERE relname = 'notes_author_idx'"), 1);
    world_close(&w);
}
END_TEST

static st_err up_long(st_ops *o)
{
    return st_alter_column(o, "notes", &(const st_table_column){"author", ST_INT64},
                           &(const st_table_column){"author", ST_TEXT}, NULL);
}
static const st_revision longer = {.id = "long", .parents = {"n0"}, .message = "long", .upgrade = up_long};

START_TEST(what_would_rewrite_a_large_table_is_refused_before_anything_is_done)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    const struct st_migrations *m = NOTES_HISTORY(&longer);
    OK(st_upgrade(w.e, m, "n0", FIBER_FOREVER));
    must(&w, "UPDATE notes SET body = repeat('x', 1000)");
    CODE(st_upgrade(w.e, m, "head", FIBER_FOREVER), ST_E_INVALID);
    ck_assert_msg(says("st_parallel_begin") && says("--unsafe"), "%s", diag_last()->message);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'notes'::regclass AND attname = "
                                "'author' AND atttypid = 'bigint'::regtype"),
                     1);
    OK(st_upgrade_with(w.e, m, "head", &(const struct st_migrate_options){.unsafe = true}, FIBER_FOREVER));
    world_close(&w);
}
END_TEST

RUN("strata migrate journal", 120, CASE(a_phase_that_fails_can_be_mended_and_the_upgrade_goes_on),
    CASE(of_two_upgrades_at_once_one_waits), CASE(a_lock_that_is_taken_is_tried_again_and_who_has_it_is_said),
    CASE(an_index_that_cannot_be_built_leaves_nothing_and_one_left_invalid_is_built_anew),
    CASE(what_would_rewrite_a_large_table_is_refused_before_anything_is_done));
