/* Two processes that change one database's schema at the same time, from random moments on: each revision is applied or
 * undone once, what one of them cannot do it says, and rows that a third one writes meanwhile are kept.
 * WAYMARK_TEST_PAIRS says how many pairs of each kind there are; WAYMARK_TEST_SEED repeats their moments. */
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kills.h"
#include "random.h"
#include "small.h"

enum { PAIRS = 2, TEXT = 4000 };
#define WHEN_LET UINT64_MAX

struct process {
    pid_t pid;
    FILE *said;
    int gate; /* a byte lets it begin, when it waits for that */
    int status;
    char text[TEXT]; /* both streams */
};

struct pairs {
    struct world w;
    struct chance chance;
    const char *top, *bottom; /* hashes */
    uint64_t took_us;         /* an upgrade alone */
    int64_t *written;         /* rows of the writer, shared with it */
};

/* Both streams go to one file. */
static int say(st_engine *e, const char *args, FILE *to)
{
    char *out = NULL, *err = NULL;
    int status = command_run(e, &small_history, args, &out, &err);
    (void)fprintf(to, "%s%s", out, err);
    free(out);
    free(err);
    return status;
}

/* The world has no engine meanwhile. after_us: from when its engine is open; or WHEN_LET. */
static void start(struct pairs *p, struct process *x, const char *args, uint64_t after_us)
{
    x->said = tmpfile();
    ck_assert_ptr_nonnull(x->said);
    int gate[2];
    ck_assert_int_eq(pipe(gate), 0);
    x->gate = gate[1];
    x->pid = fork();
    ck_assert_int_ge(x->pid, 0);
    if (x->pid == 0) {
        char byte;
        world_wake(&p->w);
        if (after_us == WHEN_LET && read(gate[0], &byte, 1) != 1) {
            _exit(9);
        }
        (void)usleep(after_us == WHEN_LET ? 0 : (useconds_t)after_us);
        int status = say(p->w.e, args, x->said);
        _exit(fflush(x->said) ? 9 : status);
    }
    (void)close(gate[0]);
}

static void finish(struct process *x)
{
    int status;
    ck_assert_int_eq(waitpid(x->pid, &status, 0), x->pid);
    rewind(x->said);
    x->text[fread(x->text, 1, sizeof x->text - 1, x->said)] = '\0';
    (void)fclose(x->said);
    (void)close(x->gate);
    ck_assert_msg(WIFEXITED(status), "status %d: %s", status, x->text);
    x->status = WEXITSTATUS(status);
}

static unsigned times(const struct process *x, const char *words)
{
    unsigned n = 0;
    for (const char *s = strstr(x->text, words); s; s = strstr(s + 1, words)) {
        n++;
    }
    return n;
}

static void must_say(struct pairs *p, const char *args)
{
    FILE *f = tmpfile();
    char text[TEXT];
    ck_assert_ptr_nonnull(f);
    int status = say(p->w.e, args, f);
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    (void)fclose(f);
    ck_assert_msg(status == 0, "%s: %s", args, text);
}

/* ---- who writes meanwhile ---- */

static pid_t start_writer(struct pairs *p)
{
    *p->written = 0;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    int64_t id = SMALL_NOTES;
    while (pid == 0) {
        char sql[200];
        id++;
        if (!p->w.e) {
            world_wake(&p->w);
        }
        (void)snprintf(sql, sizeof sql, "INSERT INTO notes (id, author, body, other) VALUES (%lld, 1, 'w', %lld)",
                       (long long)id, (long long)id);
        st_err rc = st_engine_execute(p->w.e, sql, FIBER_FOREVER);
        if (rc) {
            (void)fprintf(stderr, "# the writer: %s\n", test_diag());
            _exit(1);
        }
        ++*p->written;
        (void)usleep(1000);
    }
    while (*(volatile int64_t *)p->written == 0) {
        (void)usleep(200);
    }
    return pid;
}

/* It may have been killed between its commit and its count. */
static void stop_writer(struct pairs *p, pid_t pid)
{
    int status;
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status), "the writer ended by itself");
    world_wake(&p->w);
    int64_t n = number(&p->w, "SELECT count(*) FROM notes WHERE body = 'w'");
    ck_assert_msg(n == *p->written || n == *p->written + 1, "%lld rows of %lld are there", (long long)n,
                  (long long)*p->written);
    ck_assert_int_gt(n, 0);
    must(&p->w, "DELETE FROM notes WHERE body = 'w'");
    world_pause(&p->w);
}

/* ---- a pair ---- */

struct pair {
    const char *first, *second;
    bool half_done; /* an upgrade was cut short before */
    bool writes;    /* a third process */
};

static void note(struct pairs *p, const struct process *x, const struct process *y)
{
    (void)fprintf(stderr, "# seed %llu, step %llu\n# %d: %s\n# %d: %s\n", (unsigned long long)p->chance.seed,
                  (unsigned long long)p->chance.step, x->status, x->text, y->status, y->text);
}

/* What one of them refuses, with the way on. */
static bool is_refusal(const struct process *x)
{
    static const char *const words[] = {"finish it first: ", "finish that first: ", "run the same command again"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strstr(x->text, words[i])) {
            return true;
        }
    }
    return false;
}

static void begin_half(struct pairs *p)
{
    struct process x;
    world_pause(&p->w);
    start(p, &x, "upgrade", 0);
    (void)usleep((useconds_t)(p->took_us / 4 + chance_below(&p->chance, p->took_us / 2)));
    (void)kill(x.pid, SIGKILL);
    ck_assert_int_eq(waitpid(x.pid, NULL, 0), x.pid);
    (void)fclose(x.said);
    (void)close(x.gate);
}

static void run_pair(struct pairs *p, const struct pair *pair)
{
    struct process x, y;
    p->chance.step++;
    if (pair->half_done) {
        begin_half(p);
    } else {
        world_pause(&p->w);
    }
    pid_t writer = pair->writes ? start_writer(p) : 0;
    uint64_t apart = chance_below(&p->chance, p->took_us);
    bool second_is_late = chance_below(&p->chance, 2);
    start(p, &x, pair->first, second_is_late ? 0 : apart);
    start(p, &y, pair->second, second_is_late ? apart : 0);
    finish(&x);
    finish(&y);
    if (x.status || y.status) {
        note(p, &x, &y);
    }
    if (writer) {
        stop_writer(p, writer);
    }
    world_wake(&p->w);
    bool same = strcmp(pair->first, pair->second) == 0;
    MUST(p, x.status == 0 || (!same && x.status == 1 && is_refusal(&x)));
    MUST(p, y.status == 0 || (!same && y.status == 1 && is_refusal(&y)));
    if (same && !pair->half_done) {
        MUST(p, times(&x, "applied a1 ") + times(&y, "applied a1 ") == 1);
        MUST(p, times(&x, "applied a2 ") + times(&y, "applied a2 ") == 1);
    }
    if (x.status || y.status) { /* as the refusal says */
        must_say(p, "abandon --leave");
    }
    const char *hash = small_hash(&p->w);
    bool at_top = strcmp(hash, p->top) == 0, at_bottom = strcmp(hash, p->bottom) == 0;
    bool ups = same && strcmp(pair->first, "upgrade") == 0, down = strstr(pair->second, "downgrade");
    MUST(p, at_top || !ups);
    MUST(p, x.status || y.status || at_top || at_bottom || !down);
    must_say(p, "upgrade");
    MUST(p, strcmp(small_hash(&p->w), p->top) == 0);
    MUST(p, number(&p->w, "SELECT count(*) FROM strata_journal") == 0);
    MUST(p, number(&p->w, "SELECT count(*) FROM strata_revisions") == 3);
    MUST(p, number(&p->w, "SELECT count(*) * 1000 + CAST(sum(other) AS bigint) FROM notes") ==
                SMALL_NOTES * 1000 + SMALL_NOTES * (SMALL_NOTES + 1) / 2);
    must_say(p, "downgrade n0");
    MUST(p, strcmp(small_hash(&p->w), p->bottom) == 0);
}

static void run_pairs(enum st_dialect d, const struct pair *pair)
{
    struct pairs p = {.chance = chance_open(chance_number("WAYMARK_TEST_PAIRS", PAIRS))};
    if (!world_wanted(d)) {
        return;
    }
    world_open(&p.w, d, NULL);
    p.written = mmap(NULL, sizeof *p.written, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(p.written, MAP_FAILED);
    must_say(&p, "upgrade n0");
    p.bottom = small_hash(&p.w);
    int64_t began = clock_mono_ns();
    must_say(&p, "upgrade");
    p.took_us = (uint64_t)(clock_mono_ns() - began) / 1000;
    p.top = small_hash(&p.w);
    must_say(&p, "downgrade n0");
    while (p.chance.step < p.chance.ops) {
        run_pair(&p, pair);
    }
    ck_assert_int_eq(munmap(p.written, sizeof *p.written), 0);
    world_close(&p.w);
}

#define PAIR_TEST(name, ...)                                         \
    START_TEST(name)                                                 \
    {                                                                \
        run_pairs(ST_SQLITE, &(const struct pair){__VA_ARGS__});     \
        run_pairs(ST_POSTGRESQL, &(const struct pair){__VA_ARGS__}); \
    }                                                                \
    END_TEST

PAIR_TEST(of_two_upgrades_each_revision_is_applied_once, "upgrade", "upgrade")
PAIR_TEST(of_two_upgrades_beside_a_writer_no_row_is_lost, "upgrade", "upgrade", .writes = true)
PAIR_TEST(two_upgrades_finish_what_was_cut_short, "upgrade", "upgrade", .half_done = true)
PAIR_TEST(an_upgrade_beside_a_downgrade_ends_at_one_end_or_says_so, "upgrade", "downgrade n0")
PAIR_TEST(a_downgrade_of_what_was_cut_short_says_so, "upgrade", "downgrade n0", .half_done = true)
PAIR_TEST(an_upgrade_beside_an_abandon_goes_through_or_says_so, "upgrade", "abandon --leave", .half_done = true)
PAIR_TEST(an_upgrade_under_way_may_be_abandoned, "upgrade", "abandon --leave", .writes = true)
PAIR_TEST(two_abandon_what_was_cut_short_once, "abandon --leave", "abandon --leave", .half_done = true)

/* ---- one that runs between two transactions of another ---- */

static void let_in(void *arg, const char *sql)
{
    struct process *x = arg;
    if (x->pid && strcmp(sql, "PRAGMA foreign_keys = OFF") == 0) { /* before which it rolled back */
        ck_assert_int_eq(write(x->gate, "", 1), 1);
        finish(x);
        x->pid = 0;
    }
}

START_TEST(a_downgrade_does_not_undermine_what_was_applied_meanwhile)
{
    struct pairs p = {.chance = chance_open(0)};
    struct process x;
    char text[TEXT];
    FILE *f = tmpfile();
    ck_assert_ptr_nonnull(f);
    world_open(&p.w, ST_SQLITE, NULL);
    must_say(&p, "upgrade n0");
    p.bottom = small_hash(&p.w);
    must_say(&p, "upgrade");
    p.top = small_hash(&p.w);
    must_say(&p, "downgrade a1");
    world_pause(&p.w);
    start(&p, &x, "upgrade", WHEN_LET);
    world_wake(&p.w);
    st_engine_trace(p.w.e, let_in, &x);
    ck_assert_int_eq(say(p.w.e, "downgrade n0", f), 1);
    st_engine_trace(p.w.e, NULL, NULL);
    rewind(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    (void)fclose(f);
    ck_assert_msg(x.status == 0 && times(&x, "applied a2 ") == 1, "%s", x.text);
    ck_assert_msg(strstr(text, "a2, which builds on a1, was applied meanwhile") && strstr(text, "run the same command"),
                  "%s", text);
    ck_assert_str_eq(small_hash(&p.w), p.top);
    must_say(&p, "downgrade n0");
    ck_assert_str_eq(small_hash(&p.w), p.bottom);
    world_close(&p.w);
}
END_TEST

struct step {
    struct process other;
    bool near; /* the step comes next */
};

static void come_near(void *arg, const struct st_migrate_progress *p)
{
    struct step *k = arg;
    k->near = k->near || (p->event == ST_M_PHASE && strcmp(p->phase, "by hand") == 0);
}

static void let_in_before_the_step(void *arg, const char *sql)
{
    struct step *k = arg;
    if (k->near && k->other.pid && strncmp(sql, "BEGIN", 5) == 0) {
        ck_assert_int_eq(write(k->other.gate, "", 1), 1);
        finish(&k->other);
        k->other.pid = 0;
    }
}

START_TEST(a_step_in_c_is_not_done_again_when_all_was_done_meanwhile)
{
    struct pairs p = {.chance = chance_open(0)};
    struct step k = {.near = false};
    const struct st_migrate_options o = {.progress = come_near, .arg = &k};
    world_open(&p.w, ST_SQLITE, NULL);
    must_say(&p, "upgrade");
    p.top = small_hash(&p.w);
    must_say(&p, "downgrade a1");
    world_pause(&p.w);
    start(&p, &k.other, "upgrade", WHEN_LET);
    world_wake(&p.w);
    st_engine_trace(p.w.e, let_in_before_the_step, &k);
    OK(st_upgrade_with(p.w.e, &small_history, "head", &o, FIBER_FOREVER));
    st_engine_trace(p.w.e, NULL, NULL);
    ck_assert_msg(k.other.pid == 0 && k.other.status == 0 && times(&k.other, "applied a2 ") == 1, "%s", k.other.text);
    ck_assert_str_eq(small_hash(&p.w), p.top);
    ck_assert_int_eq(number(&p.w, "SELECT count(*) FROM strata_journal"), 0);
    world_close(&p.w);
}
END_TEST

RUN("strata migrate pairs", 2400, CASE(of_two_upgrades_each_revision_is_applied_once),
    CASE(of_two_upgrades_beside_a_writer_no_row_is_lost), CASE(two_upgrades_finish_what_was_cut_short),
    CASE(an_upgrade_beside_a_downgrade_ends_at_one_end_or_says_so), CASE(a_downgrade_of_what_was_cut_short_says_so),
    CASE(an_upgrade_beside_an_abandon_goes_through_or_says_so), CASE(an_upgrade_under_way_may_be_abandoned),
    CASE(two_abandon_what_was_cut_short_once), CASE(a_downgrade_does_not_undermine_what_was_applied_meanwhile),
    CASE(a_step_in_c_is_not_done_again_when_all_was_done_meanwhile));
