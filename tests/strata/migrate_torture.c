/* Every allocation, and every call of libpq and sqlite3, failed in turn while a database is upgraded, looked at and
 * downgraded: each time a command ends with an error that says so or does its work, nothing leaks or stays locked, and
 * the next try leads to the same schema and the same rows.
 *
 * WAYMARK_TEST_CALLS says how many calls of each kind and command are failed, spread over all of them from one that
 * WAYMARK_TEST_SEED chooses; 0: each of them. */
#include <dirent.h>
#include <unistd.h>

#include "catalog.h"
#include "faults.h"
#include "random.h"
#include "server.h"
#include "small.h"

struct kind {
    enum fault fault;
    st_err codes[4]; /* what may come back, beside 0 */
};

struct torture {
    struct world *w;
    struct chance chance;
    struct st_migrations m;
    const char *top, *bottom, *top_rows, *bottom_rows;
    const char *admin; /* PostgreSQL: its superuser */
    const char *made;  /* where revisions are written */
    const struct kind *kind;
};

static char *out, *err;
static st_err code; /* of the command that ran last */

static int run(st_engine *e, const struct st_migrations *m, const char *args)
{
    diag_clear();
    int status = command_run(e, m, args, &out, &err);
    code = diag_last()->code;
    return status;
}

static void must_run(struct torture *t, const char *args, const char *after)
{
    int status = run(t->w->e, &t->m, args);
    ck_assert_msg(status == 0, "%s, then %s: %s%s", after, args, out, err);
}

/* Files of the folder with word in their names. */
static unsigned files(const char *dir, const char *word)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *x = readdir(d); x; x = readdir(d)) {
        n += strstr(x->d_name, word) != NULL;
    }
    (void)closedir(d);
    return n;
}

/* Nothing is left of who was there. */
static void look_around(struct torture *t, bool failed, const char *what)
{
    if (t->admin) {
        fault_settle(t->admin);
        ck_assert_msg(
            strcmp(pg_test_value(t->admin, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
                                           "(SELECT oid FROM pg_database WHERE datname = current_database())"),
                   "0") == 0,
            "%s: a lock is left", what);
        ck_assert_msg(strcmp(pg_test_value(t->admin, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'strata_%'"),
                             "0") == 0,
                      "%s: a scratch schema is left", what);
    } else {
        ck_assert_msg(!files(t->w->dir, ".part"), "%s: half a copy is left", what);
        unsigned copies = files(t->w->dir, ".before-");
        bool named = strstr(err, "as it was before is in ");
        ck_assert_msg(failed ? copies == named : !copies, "%s: %u copies are left: %s", what, copies, err);
    }
}

/* The loop lets go of closed sockets. */
static void let_go(int ms)
{
    OK(fiber_sleep_until(fiber_in_ms(ms) + 1));
}

/* One command while the nth call fails. *ret_reached: it came to that. Returns the exit code. */
static int one(struct torture *t, const char *args, uint64_t nth, bool *ret_reached, char *what, size_t room)
{
    struct world *w = t->w;
    let_go(3);
    int64_t owed = fault_owed();
    st_engine *e = NULL;
    fault_arm(t->kind->fault, nth, 1);
    int status = -1;
    st_err rc = st_engine_open(w->url, NULL, &e);
    if (rc) { /* as a program would say it */
        code = rc;
        free(err);
        err = strdup(server_printf("%s, which could not open %s", diag_last()->message, w->url));
    } else {
        status = run(e, &t->m, args);
        rc = status ? code : 0;
    }
    st_engine_close(e);
    *ret_reached = fault_seen() >= nth;
    fault_disarm();
    (void)snprintf(what, room, "%s, call %llu of %s (%s): %d: %.300s", fault_names[t->kind->fault],
                   (unsigned long long)nth, args, fault_where(), rc,
                   status > 0 ? err
                   : rc       ? test_diag()
                              : "");
    for (int i = 0; i < 200 && (i < 1 || fault_owed() != owed); i++) {
        let_go(i);
    }
    ck_assert_msg(fault_owed() == owed, "%s: %lld are not given back", what, (long long)(fault_owed() - owed));
    return status < 0 ? 1 : status;
}

static void must_be_known(const struct torture *t, st_err rc, const char *what)
{
    bool known = false;
    for (size_t i = 0; i < sizeof t->kind->codes / sizeof *t->kind->codes; i++) {
        known = known || (t->kind->codes[i] && rc == t->kind->codes[i]);
    }
    ck_assert_msg(known, "%s: another error than what was to come", what);
}

static void open_engine(struct torture *t)
{
    OK(st_engine_open(t->w->url, NULL, &t->w->e));
}

static void close_engine(struct torture *t)
{
    st_engine_close(t->w->e);
    t->w->e = NULL;
    let_go(0);
}

/* From the one end to the other, with a failure on the way and a second try. */
static bool move(struct torture *t, bool up, uint64_t nth)
{
    const char *args = up ? "upgrade" : "downgrade n0";
    char what[700];
    bool reached;
    int status = one(t, args, nth, &reached, what, sizeof what);
    if (status) {
        must_be_known(t, code, what);
        ck_assert_msg(strlen(err) > 30, "%s: it says nothing", what);
    }
    look_around(t, status, what);
    open_engine(t);
    if (status) {
        must_run(t, "status", what);
        must_run(t, args, what);
    }
    ck_assert_msg(strcmp(small_hash(t->w), up ? t->top : t->bottom) == 0, "%s: another schema", what);
    ck_assert_msg(strcmp(small_facts(t->w, up), up ? t->top_rows : t->bottom_rows) == 0, "%s: other rows: %s", what,
                  small_facts(t->w, up));
    ck_assert_msg(number(t->w, "SELECT count(*) FROM strata_journal") == 0, "%s: the journal is not empty", what);
    close_engine(t);
    look_around(t, false, what);
    return reached;
}

/* Calls of the kind that the command makes. */
static uint64_t count_calls(struct torture *t, const char *args)
{
    st_engine *e;
    fault_arm(t->kind->fault, UINT64_MAX, 1);
    OK(st_engine_open(t->w->url, NULL, &e));
    int status = run(e, &t->m, args);
    st_engine_close(e);
    uint64_t n = fault_seen();
    fault_disarm();
    let_go(0);
    ck_assert_msg(status == 0 || code == ST_E_SCHEMA, "%s: %s%s", args, out, err);
    return n;
}

/* The calls that fail: first, first + step, ... */
static uint64_t stride(struct torture *t, uint64_t calls, uint64_t share, uint64_t *ret_first)
{
    uint64_t wanted = chance_number("WAYMARK_TEST_CALLS", share);
    uint64_t step = wanted && calls > wanted ? calls / wanted : 1;
    *ret_first = 1 + chance_below(&t->chance, step);
    return step;
}

static void move_with_each(struct torture *t, uint64_t share)
{
    uint64_t up = count_calls(t, "upgrade"), down = count_calls(t, "downgrade n0"), nth, n = 0;
    uint64_t step = stride(t, up > down ? up : down, share, &nth);
    for (bool more = true; more; nth += step, n++) {
        more = move(t, true, nth);
        more = move(t, false, nth) || more;
    }
    (void)fprintf(stderr, "# %s: %llu calls of an upgrade and %llu of a downgrade, %llu failed\n",
                  fault_names[t->kind->fault], (unsigned long long)up, (unsigned long long)down, (unsigned long long)n);
    ck_assert_uint_gt(up, 20);
}

/* ---- what only looks ---- */

static const char *const looks[] = {"current",
                                    "status",
                                    "check",
                                    "plan base",
                                    "inspect",
                                    "lint",
                                    "history",
                                    "upgrade --sql --skip-steps base:head",
                                    "downgrade --sql --skip-steps head:base",
                                    "stamp head",
                                    "revision -m more"};

static void forget_files(struct torture *t)
{
    DIR *d = opendir(t->made);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *x = readdir(d); x; x = readdir(d)) {
        if (x->d_name[0] != '.') {
            (void)unlink(server_printf("%s/%s", t->made, x->d_name));
        }
    }
    (void)closedir(d);
}

static void look_with_each(struct torture *t, const char *args, uint64_t share)
{
    char what[700];
    uint64_t nth, calls = count_calls(t, args), step = stride(t, calls, share, &nth);
    forget_files(t);
    bool reached = true;
    int status = one(t, args, UINT64_MAX, &reached, what, sizeof what), clean = status;
    char *said = strdup(out), *complained = strdup(err);
    unsigned made = files(t->made, "rev_");
    for (reached = true; reached; nth += step) {
        forget_files(t);
        status = one(t, args, nth, &reached, what, sizeof what);
        bool as_ever = status == clean && strcmp(out, said) == 0 && strcmp(err, complained) == 0;
        if (status == 0) {
            ck_assert_msg(as_ever, "%s: it prints \"%.3000s\" instead of \"%.3000s\"", what, out, said);
        } else if (!as_ever) {
            must_be_known(t, code, what);
        }
        ck_assert_msg(files(t->made, "") == (status && status != clean ? 2 : 2 + made), "%s: files are left", what);
        look_around(t, true, what);
    }
    free(said);
    free(complained);
}

static void look_with_all(struct torture *t, uint64_t share)
{
    open_engine(t);
    must_run(t, "upgrade", "");
    close_engine(t);
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        look_with_each(t, looks[i], share);
    }
    open_engine(t);
    ck_assert_str_eq(small_hash(t->w), t->top);
    must_run(t, "downgrade n0", "");
    close_engine(t);
}

static void torture(enum st_dialect d, const struct kind *kinds, size_t n, uint64_t share, uint64_t share_of_looks)
{
    struct world w;
    if (!world_wanted(d)) {
        return;
    }
    fault_watch();
    world_open(&w, d, NULL);
    char made[] = "/tmp/strata-made-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(made));
    struct torture t = {.w = &w, .m = small_history, .made = made, .chance = chance_open(0)};
    t.m.dir = made;
    t.admin = d == ST_POSTGRESQL ? pg_test_url_as(w.url, PG_ADMIN) : NULL;
    must_run(&t, "upgrade", "");
    t.top = small_hash(&w);
    t.top_rows = small_facts(&w, true);
    must_run(&t, "downgrade n0", "");
    t.bottom = small_hash(&w);
    t.bottom_rows = small_facts(&w, false);
    close_engine(&t);
    for (size_t i = 0; i < n; i++) {
        t.kind = &kinds[i];
        move_with_each(&t, share);
        look_with_all(&t, share_of_looks);
    }
    forget_files(&t);
    (void)rmdir(made);
    open_engine(&t);
    world_close(&w);
}

START_TEST(every_call_of_sqlite_may_fail)
{
    static const struct kind kinds[] = {
        {FAULT_MEM, {-ENOMEM}},
        {FAULT_NOMEM, {-ENOMEM}},
        {FAULT_IO, {ST_E_SQL, ST_E_FULL}},
        {FAULT_FULL, {ST_E_FULL}},
        {FAULT_CORRUPT, {ST_E_SQL}},
        {FAULT_BUSY, {ST_E_BUSY, ST_E_SERIALIZATION}},
        {FAULT_IO_UNDONE, {ST_E_SQL, ST_E_FULL}},
    };
    torture(ST_SQLITE, kinds, sizeof kinds / sizeof *kinds, 8, 2);
}
END_TEST

START_TEST(every_call_of_libpq_may_fail)
{
    static const struct kind kinds[] = {
        {FAULT_MEM, {-ENOMEM}},
        {FAULT_NOMEM, {-ENOMEM}},
        {FAULT_NO_RESULT, {-ENOMEM}},
        {FAULT_LOST, {ST_E_CONNECTION}},
    };
    torture(ST_POSTGRESQL, kinds, sizeof kinds / sizeof *kinds, 6, 2);
}
END_TEST

RUN("migrate_torture", 3000, CASE(every_call_of_sqlite_may_fail), CASE(every_call_of_libpq_may_fail));
