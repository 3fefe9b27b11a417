/* Upgrades and downgrades that are killed, then abandoned, and that is killed, too: at the points of the journal and at
 * any moment. The next abandon ends where the first would have; an upgrade goes on, or says that it has to wait for
 * that. WAYMARK_TEST_KILLS says how many kills of each recipe there are; without it some of the recipes have one of
 * each kind. */
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "kills.h"
#include "random.h"

enum { ONE_IN = 4, TRIES = 8 };

struct trial {
    struct course c;
    struct chance chance;
    uint64_t abandon_us;
    const char *bottom; /* the hash before the revision */
};

/* The revision ends at one of its points, which it does each time in the same way. */
static void cut_short(struct trial *t, uint64_t point)
{
    t->c.way = COURSE_GO;
    course_reset(&t->c);
    (void)course_wait(course_start(&t->c, point));
}

/* A point at which phases are done and others are not; 0: none was found, as where all is one transaction. */
static uint64_t find_point(struct trial *t)
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t point = 1 + chance_below(&t->chance, t->c.points);
        cut_short(t, point);
        world_wake(&t->c.w);
        bool half = journal_rows(&t->c.w) > 0;
        world_pause(&t->c.w);
        if (half) {
            return point;
        }
    }
    return 0;
}

/* What abandoning makes of it in one go: a hash. Sets *how to what can be done. */
static const char *abandon_in_one_go(struct trial *t, uint64_t point, enum course_way *how)
{
    cut_short(t, point);
    world_wake(&t->c.w);
    t->c.way = *how;
    st_err rc = course_run(&t->c);
    if (rc == ST_E_INVALID && *how == COURSE_ABANDON) {
        ck_assert_msg(strstr(diag_last()->hint, "--leave"), "%s", test_diag());
        *how = t->c.way = COURSE_LEAVE;
        rc = course_run(&t->c);
    }
    OK(rc);
    const char *hash = hash_of(&t->c.w);
    ck_assert(*how != COURSE_ABANDON || strcmp(hash, t->bottom) == 0);
    return hash;
}

static void check(struct trial *t, const char *hash)
{
    struct course *c = &t->c;
    ck_assert_str_eq(hash_of(&c->w), hash);
    ck_assert_int_eq(journal_rows(&c->w), 0);
    if (c->w.dialect == ST_POSTGRESQL) {
        ck_assert_int_eq(number(&c->w, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
    } else {
        ck_assert_int_eq(number(&c->w, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    }
}

/* Behind the kill. An upgrade first, or straight on. */
static void go_on(struct trial *t, enum course_way how, const char *hash, bool upgrade_first)
{
    struct course *c = &t->c;
    world_wake(&c->w);
    if (upgrade_first && how != COURSE_KEEP) {
        c->way = COURSE_GO;
        st_err rc = course_run(c);
        if (rc == 0) { /* the kill came before the abandoning had begun, or (not --leave) when it was through */
            ck_assert_str_eq(hash_of(&c->w), c->hash);
            return;
        }
        bool told = rc == ST_E_INVALID && strstr(diag_last()->message, "was being abandoned");
        ck_assert_msg(told || how == COURSE_LEAVE, "%s", test_diag());
    }
    c->way = how;
    OK(course_run(c));
    check(t, hash);
    if (how == COURSE_ABANDON) {
        c->way = COURSE_GO;
        OK(course_run(c));
        ck_assert_str_eq(hash_of(&c->w), c->hash);
    }
}

static void kill_at_point(struct trial *t, uint64_t point, enum course_way how, const char *hash, uint64_t at)
{
    cut_short(t, point);
    t->c.way = how;
    t->c.late += !course_wait(course_start(&t->c, at));
    t->c.kills++;
    go_on(t, how, hash, chance_below(&t->chance, 2));
}

static void kill_at_moment(struct trial *t, uint64_t point, enum course_way how, const char *hash)
{
    cut_short(t, point);
    t->c.way = how;
    pid_t pid = course_start(&t->c, 0);
    (void)usleep((useconds_t)chance_below(&t->chance, t->abandon_us + 1));
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    t->c.late += !course_wait(pid);
    t->c.kills++;
    go_on(t, how, hash, chance_below(&t->chance, 2));
}

static void kill_abandoning(struct trial *t, enum st_dialect d, const struct recipe *r, uint64_t kills)
{
    bool up = chance_below(&t->chance, 2);
    t->c = (struct course){0};
    course_open(&t->c, d, r, up);
    course_reset(&t->c);
    world_wake(&t->c.w);
    t->bottom = hash_of(&t->c.w);
    for (uint64_t i = 0; i < kills; i++) {
        uint64_t point = find_point(t);
        if (!point) {
            break;
        }
        enum course_way how = i % 4 == 3 ? COURSE_KEEP : COURSE_ABANDON;
        const char *hash = abandon_in_one_go(t, point, &how);
        cut_short(t, point);
        t->c.way = how;
        pid_t pid = course_start(&t->c, 0);
        int64_t began = clock_mono_ns();
        (void)course_wait(pid);
        t->abandon_us = (uint64_t)(clock_mono_ns() - began) / 1000;
        uint64_t points = t->c.watch->seen;
        kill_at_point(t, point, how, hash, 1 + chance_below(&t->chance, points ? points : 1));
        kill_at_moment(t, point, how, hash);
    }
    course_tell(&t->c, "kills of abandon");
    course_close(&t->c);
}

static void kill_all(enum st_dialect d)
{
    struct trial t = {.chance = chance_open(0)};
    const char *only = getenv("WAYMARK_TEST_RECIPE"), *often = getenv("WAYMARK_TEST_KILLS");
    uint64_t kills = chance_number("WAYMARK_TEST_KILLS", 1), from = chance_below(&t.chance, ONE_IN);
    for (const struct recipe *r = recipes; r->name && world_wanted(d); r++) {
        bool mine = often || only || (uint64_t)(r - recipes) % ONE_IN == from;
        if (mine && recipe_is_for(r, d) && (!only || strstr(r->name, only))) {
            kill_abandoning(&t, d, r, kills);
        }
    }
}

START_TEST(on_sqlite_abandoning_goes_on_after_a_kill)
{
    kill_all(ST_SQLITE);
}
END_TEST

START_TEST(on_postgresql_abandoning_goes_on_after_a_kill)
{
    kill_all(ST_POSTGRESQL);
}
END_TEST

RUN("strata migrate abandon kills", 7200, CASE(on_sqlite_abandoning_goes_on_after_a_kill),
    CASE(on_postgresql_abandoning_goes_on_after_a_kill));
