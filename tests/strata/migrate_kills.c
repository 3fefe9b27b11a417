/* Upgrades and downgrades that are killed: at the points of the journal, and at any moment. What the next one makes of
 * it is what a run in one go makes. WAYMARK_TEST_KILLS says how many moments of each recipe, and then it is every
 * point; otherwise it is one of each. */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "kills.h"

struct plan {
    uint64_t kills, random;
    bool everywhere;
};

static struct plan plan_open(void)
{
    const char *often = getenv("WAYMARK_TEST_KILLS"), *seed = getenv("WAYMARK_TEST_SEED");
    struct plan p = {.kills = often ? strtoull(often, NULL, 10) : 1,
                     .random = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL),
                     .everywhere = often};
    (void)fprintf(stderr, "# WAYMARK_TEST_SEED=%llu\n", (unsigned long long)p.random);
    return p;
}

static uint64_t below(struct plan *p, uint64_t n)
{
    uint64_t z = p->random += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (z ^ (z >> 31)) % n;
}

static void fall(struct course *c, uint64_t point)
{
    course_reset(c);
    course_go_on(c, course_wait(course_start(c, point)));
}

static void kill_after(struct course *c, uint64_t us)
{
    course_reset(c);
    pid_t pid = course_start(c, 0);
    (void)usleep((useconds_t)us);
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    course_go_on(c, course_wait(pid));
}

static void kill_on(struct plan *p, struct course c, enum st_dialect d, const struct recipe *r, bool up)
{
    course_open(&c, d, r, up);
    if (p->everywhere) {
        for (uint64_t n = 1; n <= c.points; n++) {
            fall(&c, n);
        }
    } else {
        fall(&c, 1 + below(p, c.points));
    }
    course_tell(&c, "points");
    for (uint64_t i = 0; i < p->kills; i++) { /* one in each of as many parts of its time */
        uint64_t part = (uint64_t)c.took_us / p->kills + 1;
        kill_after(&c, i * part + below(p, part));
    }
    course_tell(&c, "moments");
    course_close(&c);
}

static void kill_all(enum st_dialect d)
{
    struct plan p = plan_open();
    const char *only = getenv("WAYMARK_TEST_RECIPE");
    for (const struct recipe *r = recipes; r->name && world_wanted(d); r++) {
        if (only && !strstr(r->name, only)) {
            continue;
        }
        bool up = below(&p, 2) > 0;
        for (int way = 0, ways = p.everywhere ? 2 : 1; way < ways && recipe_is_for(r, d); way++) {
            kill_on(&p, (struct course){0}, d, r, way ? !up : up);
        }
    }
}

START_TEST(on_sqlite_what_was_killed_goes_on)
{
    kill_all(ST_SQLITE);
}
END_TEST

START_TEST(on_postgresql_what_was_killed_goes_on)
{
    kill_all(ST_POSTGRESQL);
}
END_TEST

/* The program goes through PgBouncer, and so do steps in C. What runs outside of transactions needs the direct way. */
START_TEST(behind_a_pooler_what_was_killed_goes_on)
{
    static const struct {
        const char *recipe;
        bool direct;
    } ways[] = {{"create index", true}, {"several of them", true}, {"step in C", true},  {"backfill", true},
                {"step in C", false},   {"backfill", false},       {"add check", false}, {"add foreign key", false}};
    struct plan p = plan_open();
    struct pgbouncer pool;
    if (!world_wanted(ST_POSTGRESQL)) {
        return;
    }
    pgbouncer_start(&pool, pg_test_url());
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const struct recipe *r = recipes;
        while (strcmp(r->name, ways[i].recipe) != 0) {
            r++;
        }
        kill_on(&p, (struct course){.pool = &pool, .direct = ways[i].direct ? "yes" : NULL}, ST_POSTGRESQL, r,
                below(&p, 2) > 0);
    }
    pgbouncer_stop(&pool);
}
END_TEST

RUN("strata migrate kills", 7200, CASE(on_sqlite_what_was_killed_goes_on), CASE(on_postgresql_what_was_killed_goes_on),
    CASE(behind_a_pooler_what_was_killed_goes_on));
