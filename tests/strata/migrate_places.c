/* SQLite files in places and states where not all may be done: what cannot be says why, changes nothing and leaves
 * nothing beside the file; and names that need care. */
#include <dirent.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog.h"
#include "server.h"
#include "small.h"

enum { NOBODY = 65534 };

static char *out, *err;

static int run(const char *url, const char *args)
{
    st_engine *e = NULL;
    if (st_engine_open(url, NULL, &e)) {
        free(err);
        err = strdup(diag_last()->message);
        return 1;
    }
    int status = command_run(e, &small_history, args, &out, &err);
    st_engine_close(e);
    return status;
}

static void does(const char *url, const char *args, const char *text)
{
    int status = run(url, args);
    ck_assert_msg(status == 0 && strstr(out, text), "%s, %s: %d: %s%s", url, args, status, out, err);
}

static void fails(const char *url, const char *args, const char *text)
{
    int status = run(url, args);
    ck_assert_msg(status == 1 && strstr(err, text), "%s, %s: %d: %s", url, args, status, err);
}

static unsigned copies(const char *dir)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *x = readdir(d); x; x = readdir(d)) {
        n += strstr(x->d_name, ".before-") != NULL;
    }
    (void)closedir(d);
    return n;
}

/* A world whose engine is not used. */
static const char *open_place(struct world *w)
{
    world_open(w, ST_SQLITE, NULL);
    does(w->url, "upgrade n0", "applied n0");
    return server_printf("%s/t.db", w->dir);
}

/* Permissions do not hold root, who is nobody for a while. A process that may not be looked into ends badly under a
 * sanitizer. */
static void become(uid_t id)
{
    if (getuid() == 0) {
        ck_assert_int_eq(seteuid(0), 0);
        ck_assert_int_eq(setegid(id), 0);
        ck_assert_int_eq(seteuid(id), 0);
        ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
    }
}

static sqlite3 *other_program(const char *file, const char *sql)
{
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
    return db;
}

static void does_too(sqlite3 *db, const char *sql)
{
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
}

START_TEST(what_may_only_be_read_says_so_and_stays)
{
    struct world w;
    become(NOBODY);
    const char *file = open_place(&w), *hash = small_hash(&w);
    st_engine_close(w.e);
    ck_assert_int_eq(chmod(file, 0444), 0);
    fails(w.url, "upgrade", "t.db, what has");
    ck_assert_uint_eq(copies(w.dir), 0);
    ck_assert_int_eq(chmod(file, 0644), 0);
    (void)chmod(server_printf("%s-wal", file), 0644); /* which SQLite makes with the rights of the file */
    (void)chmod(server_printf("%s-shm", file), 0644);
    ck_assert_int_eq(chmod(w.dir, 0555), 0);
    fails(w.url, "upgrade", "t.db.before-a1.part\nhint: see that this user may write in that directory");
    does(w.url, "upgrade --no-snapshot", "applied a2"); /* the log is there already */
    does(w.url, "downgrade n0 --no-snapshot", "undone  a1");
    ck_assert_int_eq(chmod(w.dir, 0755), 0);
    ck_assert_uint_eq(copies(w.dir), 0);
    OK(st_engine_open(w.url, NULL, &w.e));
    ck_assert_str_eq(small_hash(&w), hash);
    does(w.url, "upgrade", "applied a2");
    world_close(&w);
    become(0);
}
END_TEST

/* journal_mode DELETE: readers stand in the way of writers, and the engine wants WAL. */
START_TEST(a_program_with_a_rollback_journal_is_waited_for_and_goes_on)
{
    struct world w;
    const char *file = open_place(&w);
    st_engine_close(w.e);
    const char *hasty = server_printf("%s?busy_ms=200", w.url);
    sqlite3 *other = other_program(file, "PRAGMA journal_mode = DELETE; BEGIN; SELECT count(*) FROM notes");
    fails(hasty, "upgrade", "locked");
    ck_assert_uint_eq(copies(w.dir), 0);
    does_too(other, "COMMIT");
    does(w.url, "upgrade", "applied a2");
    does_too(other, "UPDATE notes SET stars = 4 WHERE id = 1; SELECT code_uuid FROM notes");
    (void)sqlite3_close(other);
    ck_assert_uint_eq(copies(w.dir), 0);
    OK(st_engine_open(w.url, NULL, &w.e));
    ck_assert_int_eq(number(&w, "SELECT stars FROM notes WHERE id = 1"), 4);
    world_close(&w);
}
END_TEST

START_TEST(a_program_that_has_it_attached_is_waited_for_and_goes_on)
{
    struct world w;
    const char *file = open_place(&w);
    const char *hasty = server_printf("%s?busy_ms=200", w.url);
    sqlite3 *other = other_program(server_printf("%s/other.db", w.dir), "CREATE TABLE mine (id)");
    does_too(other, server_printf("ATTACH '%s' AS theirs; BEGIN; INSERT INTO mine VALUES (1); UPDATE theirs.notes SET "
                                  "body = 'theirs' WHERE id = 1",
                                  file));
    fails(hasty, "upgrade", "locked");
    ck_assert_uint_eq(copies(w.dir), 0);
    does_too(other, "COMMIT");
    does(w.url, "upgrade", "applied a2");
    does_too(other, "UPDATE theirs.notes SET stars = 4 WHERE id = 1 AND body = 'theirs'");
    ck_assert_int_eq(sqlite3_changes(other), 1);
    (void)sqlite3_close(other);
    world_close(&w);
}
END_TEST

START_TEST(a_symbolic_link_stays_one)
{
    struct world w;
    struct stat st;
    const char *file = open_place(&w), *far = server_printf("%s/far", w.dir), *link = server_printf("%s/l.db", far);
    ck_assert_int_eq(mkdir(far, 0755), 0);
    ck_assert_int_eq(symlink(file, link), 0);
    const char *url = server_printf("sqlite:///%s", link);
    does(url, "upgrade", "applied a2");
    does(url, "downgrade n0", "undone  a1");
    ck_assert(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    ck_assert_uint_eq(copies(far) + copies(w.dir), 0);
    ck_assert_int_eq(number(&w, "SELECT count(*) FROM strata_revisions"), 1);
    world_close(&w);
}
END_TEST

/* The copy has the same name with an ending, and is named when something was committed before the failure. */
START_TEST(blanks_quotes_percent_signs_and_utf8_are_part_of_a_name)
{
    static const char *const names[][2] = {{"a b.db", "a b.db"},
                                           {"it's \"so\".db", "it's \"so\".db"},
                                           {"50%25 off.db", "50% off.db"},
                                           {"gr\xc3\xbc\xc3\x9f"
                                            "e.db",
                                            "gr\xc3\xbc\xc3\x9f"
                                            "e.db"},
                                           {"q%3Fx=%231.db", "q?x=#1.db"}};
    struct world w;
    (void)open_place(&w);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *url = server_printf("sqlite:///%s/%s", w.dir, names[i][0]);
        does(url, "upgrade n0", "applied n0");
        ck_assert_int_eq(access(server_printf("%s/%s", w.dir, names[i][1]), F_OK), 0);
        st_engine *e;
        OK(st_engine_open(url, NULL, &e));
        OK(st_engine_execute(e, "UPDATE notes SET other = -1 WHERE id = 1", FIBER_FOREVER)); /* a1 has a CHECK */
        st_engine_close(e);
        fails(url, "upgrade", server_printf("is in %s/%s.before-a1", w.dir, names[i][1]));
        ck_assert_uint_eq(copies(w.dir), 1);
        OK(st_engine_open(url, NULL, &e));
        OK(st_engine_execute(e, "UPDATE notes SET other = 1 WHERE id = 1", FIBER_FOREVER));
        st_engine_close(e);
        does(url, "upgrade", "applied a2");
        ck_assert_uint_eq(copies(w.dir), 0);
    }
    world_close(&w);
}
END_TEST

RUN("strata migrate places", 60, CASE(what_may_only_be_read_says_so_and_stays),
    CASE(a_program_with_a_rollback_journal_is_waited_for_and_goes_on),
    CASE(a_program_that_has_it_attached_is_waited_for_and_goes_on), CASE(a_symbolic_link_stays_one),
    CASE(blanks_quotes_percent_signs_and_utf8_are_part_of_a_name));
