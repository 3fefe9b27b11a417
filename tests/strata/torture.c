#include "torture.h"

#include <dirent.h>
#include <unistd.h>

#include "catalog.h"
#include "small.h"

enum { RENEW = 100 };

static char *out, *err;
static st_err code; /* of the command that ran last */

int torture_run(struct torture *t, st_engine *e, const char *args)
{
    diag_clear();
    int status = command_run(e, &t->m, args, &out, &err);
    code = diag_last()->code;
    return status;
}

static void must_run(struct torture *t, const char *args, const char *after)
{
    int status = torture_run(t, t->w->e, args);
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

int torture_not_open(struct torture *t, st_err rc)
{
    code = rc;
    free(err);
    err = strdup(server_printf("%s, which could not open %s", diag_last()->message, t->w->url));
    return 1;
}

/* One command while the nth time goes wrong. *ret_reached: it came to that. Returns the exit code. */
static int one(struct torture *t, const char *args, uint64_t nth, bool *ret_reached, char *what, size_t room)
{
    uint64_t times;
    int64_t owed = fault_owed(), before = owed + 1;
    for (int i = 0; i < 100 && owed != before; i++) { /* what the last one is still giving back */
        before = owed;
        let_go(3);
        owed = fault_owed();
    }
    int status = t->way->run(t, args, nth, &times);
    *ret_reached = times >= nth;
    (void)snprintf(what, room, "%s, time %llu of %s (%s): %d: %.300s", t->way->names[t->kind->how],
                   (unsigned long long)nth, args, t->way->where(), status ? code : 0, status ? err : "");
    for (int i = 0; i < 200 && (i < 1 || fault_owed() != owed); i++) {
        let_go(i);
    }
    ck_assert_msg(fault_owed() == owed, "%s: %lld are not given back", what, (long long)(fault_owed() - owed));
    return status;
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

/* How often it could go wrong. */
static uint64_t count_times(struct torture *t, const char *args)
{
    uint64_t n;
    int status = t->way->run(t, args, UINT64_MAX, &n);
    let_go(0);
    ck_assert_msg(status == 0 || code == ST_E_SCHEMA, "%s: %s%s", args, out, err);
    return n;
}

/* The times that go wrong: first, first + step, ... */
static uint64_t stride(struct torture *t, uint64_t times, uint64_t share, uint64_t *ret_first)
{
    uint64_t wanted = chance_number(t->way->variable, share);
    uint64_t step = wanted && times > wanted ? times / wanted : 1;
    *ret_first = 1 + chance_below(&t->chance, step);
    return step;
}

/* PostgreSQL's tables count the columns that they once had, up to 1,600. */
static void renew(struct torture *t)
{
    open_engine(t);
    must_run(t, "downgrade base", "");
    must_run(t, "upgrade n0", "");
    close_engine(t);
}

static void move_with_each(struct torture *t, uint64_t share)
{
    uint64_t up = count_times(t, "upgrade"), down = count_times(t, "downgrade n0"), nth, n = 0;
    uint64_t step = stride(t, up > down ? up : down, share, &nth);
    for (bool more = true; more; nth += step, n++) {
        if (n % RENEW == RENEW - 1) {
            renew(t);
        }
        more = move(t, true, nth);
        more = move(t, false, nth) || more;
    }
    (void)fprintf(stderr, "# %s: %llu times in an upgrade and %llu in a downgrade, %llu went wrong\n",
                  t->way->names[t->kind->how], (unsigned long long)up, (unsigned long long)down, (unsigned long long)n);
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
    uint64_t nth, times = count_times(t, args), step = stride(t, times, share, &nth);
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
            ck_assert_msg(as_ever, "%s: it prints \"%.1400s\" instead of \"%.1400s\"", what, out, said);
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

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

void torture(enum st_dialect d, const struct torture_way *way, const struct torture_kind *kinds, size_t n,
             uint64_t share, uint64_t share_of_looks)
{
    struct world w;
    if (!world_wanted(d)) {
        return;
    }
    fault_watch();
    world_open(&w, d, NULL);
    char made[] = "/tmp/strata-made-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(made));
    struct torture t = {.w = &w, .m = small_history, .made = made, .way = way, .chance = chance_open(0)};
    t.m.dir = made;
    t.admin = d == ST_POSTGRESQL ? pg_test_url_as(w.url, PG_ADMIN) : NULL;
    OK(fiber_offload(nothing, NULL, NULL)); /* the loop keeps its threads */
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
