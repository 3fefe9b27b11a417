/* Upgrades and downgrades that are killed: at every point of the journal, and at any moment. What the next one makes of
 * it is what a run in one go makes. WAYMARK_TEST_KILLS says how many moments of each recipe. */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "kills.h"

static uint64_t below(uint64_t *random, uint64_t n)
{
    uint64_t z = *random += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (z ^ (z >> 31)) % n;
}

/* ---- at every point ---- */

struct fall {
    uint64_t left;
    bool everywhere, after; /* after: the statement before was a point */
};

/* The points are before and behind each COMMIT and each statement outside of transactions; on SQLite every statement.
 * No farewell to the server, no cleanup: as if it were killed. */
static void fall_at(void *arg, const char *sql)
{
    struct fall *f = arg;
    bool point = f->everywhere || strcmp(sql, "COMMIT") == 0 || strstr(sql, "CONCURRENTLY");
    if ((point || f->after) && --f->left == 0) {
        _exit(9);
    }
    f->after = point;
}

static void fall_everywhere(enum st_dialect d, const struct recipe *r, bool up)
{
    struct course c;
    course_open(&c, d, r, up);
    uint64_t n = 1;
    for (bool fell = true; fell; n++) {
        course_reset(&c);
        struct fall f = {.left = n, .everywhere = d == ST_SQLITE};
        fell = course_wait(course_start(&c, fall_at, &f));
        course_go_on(&c, fell);
    }
    ck_assert_uint_gt(n, 2);
    course_close(&c);
}

static void all_fall_everywhere(enum st_dialect d)
{
    for (const struct recipe *r = recipes; r->name && world_wanted(d); r++) {
        for (int up = 1; up >= 0 && recipe_is_for(r, d); up--) {
            fall_everywhere(d, r, up);
        }
    }
}

START_TEST(killed_at_any_point_on_sqlite_it_goes_on)
{
    all_fall_everywhere(ST_SQLITE);
}
END_TEST

START_TEST(killed_at_any_point_on_postgresql_it_goes_on)
{
    all_fall_everywhere(ST_POSTGRESQL);
}
END_TEST

/* ---- at any moment ---- */

static void kill_at_random(enum st_dialect d, const struct recipe *r, bool up, uint64_t kills, uint64_t *random)
{
    struct course c;
    course_open(&c, d, r, up);
    for (uint64_t i = 0; i < kills; i++) { /* one in each of as many parts of its time */
        course_reset(&c);
        pid_t pid = course_start(&c, NULL, NULL);
        uint64_t part = (uint64_t)c.took_us / kills + 1;
        (void)usleep((useconds_t)(i * part + below(random, part)));
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        course_go_on(&c, course_wait(pid));
    }
    course_close(&c);
}

static void all_killed_at_random(enum st_dialect d)
{
    const char *often = getenv("WAYMARK_TEST_KILLS"), *seed = getenv("WAYMARK_TEST_SEED");
    uint64_t kills = often ? strtoull(often, NULL, 10) : 2;
    uint64_t random = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    (void)fprintf(stderr, "# %llu kills each, WAYMARK_TEST_SEED=%llu\n", (unsigned long long)kills,
                  (unsigned long long)random);
    for (const struct recipe *r = recipes; r->name && world_wanted(d); r++) {
        for (int up = 1; up >= 0 && recipe_is_for(r, d); up--) {
            kill_at_random(d, r, up, kills, &random);
        }
    }
}

START_TEST(killed_at_any_moment_on_sqlite_it_goes_on)
{
    all_killed_at_random(ST_SQLITE);
}
END_TEST

START_TEST(killed_at_any_moment_on_postgresql_it_goes_on)
{
    all_killed_at_random(ST_POSTGRESQL);
}
END_TEST

RUN("strata migrate kills", 3600, CASE(killed_at_any_point_on_sqlite_it_goes_on),
    CASE(killed_at_any_point_on_postgresql_it_goes_on), CASE(killed_at_any_moment_on_sqlite_it_goes_on),
    CASE(killed_at_any_moment_on_postgresql_it_goes_on));
