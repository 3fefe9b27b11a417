/* The disk fills up under SQLite, or breaks: the work fails with words that help, what was committed stays, nothing
 * else is there, and when there is space again the same engine goes on. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "day.h"
#include "disk.h"

static void says_full(const struct world *w)
{
    const struct diag *d = diag_last();
    ck_assert_msg(strstr(d->message, "the disk is full"), "%s", d->message);
    ck_assert_msg(strstr(d->message, w->dir) && strstr(d->message, "t.db"), "%s", d->message);
    ck_assert_msg(strstr(d->hint, "free space"), "%s", d->hint);
}

/* n notes of about 1 KiB in one transaction. */
static st_err put_notes(struct world *w, int n, bool one_by_one)
{
    enum { MANY = 4000 };
    static char text[1000];
    static Note notes[MANY], *rows[MANY];
    memset(text, 'x', sizeof text - 1);
    ck_assert_int_le(n, MANY);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    for (int i = 0; i < n; i++) {
        notes[i] = (Note){.body = text};
        rows[i] = &notes[i];
        if (one_by_one && (!st_add(s, Note, .body = text) || st_flush(s) != 0)) {
            return st_session_error(s);
        }
    }
    st_err rc = one_by_one ? 0 : st_insert_many(s, Note, rows, (size_t)n, NULL);
    return rc ? rc : st_commit(s);
}

static int64_t notes_in(struct world *w)
{
    int64_t n = -1;
    ST_SESSION(s, w->e, .tenant = tenant_a, .read_only = true);
    OK(st_count(s, Note, NULL, &n));
    return n;
}

static void is_sound(struct world *w)
{
    struct st_pool_stats stats;
    st_engine_stats(w->e, &stats);
    ck_assert_uint_eq(stats.in_use, 0);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}

static off_t size_of(const struct world *w, const char *suffix)
{
    struct stat st;
    const char *path = arena_printf(w->a, "%s/t.db%s", w->dir, suffix);
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static void open_world(struct world *w)
{
    world_open(w, ST_SQLITE, NULL);
    library_create(w);
}

START_TEST(a_database_that_may_not_grow_is_full)
{
    struct world w;
    open_world(&w);
    OK(put_notes(&w, 10, false));
    must(&w, server_printf("PRAGMA max_page_count = %lld", (long long)number(&w, "PRAGMA page_count") + 5));
    for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
        CODE(put_notes(&w, 200, one_by_one), ST_E_FULL);
        says_full(&w);
        ck_assert_int_eq(notes_in(&w), 10);
    }
    is_sound(&w);
    must(&w, "PRAGMA max_page_count = 100000");
    OK(put_notes(&w, 200, true));
    ck_assert_int_eq(notes_in(&w), 210);
    world_close(&w);
}
END_TEST

START_TEST(a_full_session_works_again_after_a_rollback)
{
    struct world w;
    open_world(&w);
    {
        ST_SESSION(s, w.e, .tenant = tenant_a);
        OK(st_flush(s));
        must(&w, server_printf("PRAGMA max_page_count = %lld", (long long)number(&w, "PRAGMA page_count")));
        static char text[100000];
        memset(text, 'y', sizeof text - 1);
        ck_assert_ptr_nonnull(st_add(s, Note, .body = text));
        CODE(st_commit(s), ST_E_FULL);
        CODE(st_commit(s), ST_E_FULL); /* until the rollback */
        OK(st_rollback(s));
        int64_t n;
        OK(st_count(s, Note, NULL, &n));
        ck_assert_int_eq(n, 0);
        OK(st_rollback(s)); /* the writer is free */
        must(&w, "PRAGMA max_page_count = 100000");
        ck_assert_ptr_nonnull(st_add(s, Note, .body = text));
        OK(st_commit(s));
    }
    ck_assert_int_eq(notes_in(&w), 1);
    world_close(&w);
}
END_TEST

/* The largest file that this process may write, in bytes. */
static void limit_files(rlim_t size)
{
    struct rlimit l;
    OK(getrlimit(RLIMIT_FSIZE, &l));
    l.rlim_cur = size;
    OK(setrlimit(RLIMIT_FSIZE, &l));
}

START_TEST(the_systems_limit_stops_the_log_anywhere_and_is_named)
{
    ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    struct world w;
    open_world(&w);
    OK(put_notes(&w, 50, false));
    int full = 0, through = 0;
    int64_t there = 50;
    for (off_t room = 0; room < 700 * 1024; room += 30 * 1024) {
        limit_files((rlim_t)(size_of(&w, "-wal") + room));
        st_err rc = put_notes(&w, 100, room % 20 == 0);
        ck_assert_msg(rc == 0 || rc == ST_E_FULL, "room %lld: %d: %s", (long long)room, rc, test_diag());
        if (rc) {
            says_full(&w);
            ck_assert_msg(strstr(diag_last()->message, "File too large"), "%s", test_diag());
        }
        there += rc ? 0 : 100;
        full += rc != 0;
        through += rc == 0;
        ck_assert_int_eq(notes_in(&w), there); /* reading needs no space */
    }
    limit_files(RLIM_INFINITY);
    ck_assert_int_gt(full, 3);
    ck_assert_int_gt(through, 3);
    OK(put_notes(&w, 100, false));
    is_sound(&w);
    world_reopen(&w, w.url, NULL);
    ck_assert_int_eq(notes_in(&w), there + 100);
    world_close(&w);
}
END_TEST

/* The log has room because it is written from its start again, the file itself has none: commits go on, for they only
 * need the log; what they wrote stays in it until there is space. */
START_TEST(a_checkpoint_without_space_loses_nothing)
{
    ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    struct world w;
    open_world(&w);
    int64_t there = 0;
    for (; there < 60000; there += 4000) { /* checkpoints on the way: the file outgrows the log */
        OK(put_notes(&w, 4000, false));
    }
    world_reopen(&w, w.url, NULL); /* all of it into the file */
    ck_assert_int_gt(size_of(&w, ""), 32 << 20);
    ck_assert_int_eq(size_of(&w, "-wal"), 0);
    limit_files((rlim_t)size_of(&w, ""));
    st_err rc;
    int more = 0;
    while ((rc = put_notes(&w, 4000, false)) == 0) { /* 2,000 pages of log and more: each tries a checkpoint */
        ck_assert_int_lt(++more, 40);
        there += 4000;
        ck_assert_int_eq(notes_in(&w), there);
    }
    CODE(rc, ST_E_FULL);
    says_full(&w);
    ck_assert_int_gt(more, 2);
    ck_assert_int_eq(notes_in(&w), there);
    limit_files(RLIM_INFINITY);
    OK(put_notes(&w, 4000, false));
    is_sound(&w);
    world_reopen(&w, w.url, NULL);
    ck_assert_int_eq(notes_in(&w), there + 4000);
    ck_assert_int_eq(size_of(&w, "-wal"), 0);
    world_close(&w);
}
END_TEST

START_TEST(a_database_that_cannot_be_made_for_lack_of_space_says_so)
{
    ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    limit_files(0);
    st_engine *e = NULL;
    CODE(st_engine_open(server_printf("sqlite:///%s/t.db-new", w.dir), NULL, &e), ST_E_FULL);
    says_full(&w);
    limit_files(RLIM_INFINITY);
    world_close(&w);
}
END_TEST

/* ---- at every write ---- */

static void on_bad_disk(struct world *w, enum disk_fault fault)
{
    struct day d;
    day_open(&d, w);
    st_engine_close(w->e);
    uint64_t n = 1, failed = 0;
    for (bool reached = true; reached; n++) {
        d.committed = 0;
        d.committing = false;
        w->e = NULL;
        disk_fail_at(fault, n);
        st_err rc = st_engine_open(w->url, NULL, &w->e);
        rc = rc ? rc : day_work(&d);
        reached = disk_seen() >= n;
        char what[600];
        (void)snprintf(what, sizeof what, "fault %d at %llu: %d: %s", fault, (unsigned long long)n, rc,
                       rc ? test_diag() : "");
        ck_assert_msg(rc == 0 || (fault == DISK_FULL ? rc == ST_E_FULL : rc < 0), "%s", what);
        if (rc && fault == DISK_FULL) {
            says_full(w);
        }
        failed += rc != 0;
        disk_fail_at(fault, 0);
        if (!w->e) {
            OK(st_engine_open(w->url, NULL, &w->e));
        }
        day_check(&d, rc, false, n % 4 == 0, what);
        is_sound(w);
        st_engine_close(w->e);
    }
    (void)fprintf(stderr, "# %llu places, %llu failures\n", (unsigned long long)n - 2, (unsigned long long)failed);
    ck_assert_uint_gt(failed, 10);
    OK(st_engine_open(w->url, NULL, &w->e));
}

static void full(struct world *w)
{
    on_bad_disk(w, DISK_FULL);
}

static void breaking(struct world *w)
{
    on_bad_disk(w, DISK_BREAKS);
}

START_TEST(a_disk_may_be_full_at_any_write)
{
    disk_open();
    in_world(WORLD_SQLITE, club_create, full);
}
END_TEST

START_TEST(a_disk_may_break_at_any_access)
{
    disk_open();
    in_world(WORLD_SQLITE, club_create, breaking);
}
END_TEST

RUN("session_full", 100, CASE(a_database_that_may_not_grow_is_full), CASE(a_full_session_works_again_after_a_rollback),
    CASE(the_systems_limit_stops_the_log_anywhere_and_is_named), CASE(a_checkpoint_without_space_loses_nothing),
    CASE(a_database_that_cannot_be_made_for_lack_of_space_says_so), CASE(a_disk_may_be_full_at_any_write),
    CASE(a_disk_may_break_at_any_access));
