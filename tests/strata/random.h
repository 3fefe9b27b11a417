/* random.h: random work that can be repeated: WAYMARK_TEST_SEED repeats a run, WAYMARK_TEST_OPS says how long one is.
 */
#ifndef TEST_STRATA_RANDOM_H
#define TEST_STRATA_RANDOM_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "session_support.h"

struct chance {
    uint64_t seed, random, step, ops;
};

static inline uint64_t chance_below(struct chance *c, uint64_t n)
{
    uint64_t z = c->random += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (z ^ (z >> 31)) % n;
}

static inline uint64_t chance_number(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static inline struct chance chance_open(uint64_t ops)
{
    struct chance c = {.seed = chance_number("WAYMARK_TEST_SEED", (uint64_t)time(NULL)),
                       .ops = chance_number("WAYMARK_TEST_OPS", ops)};
    c.random = c.seed;
    (void)fprintf(stderr, "# %llu operations, WAYMARK_TEST_SEED=%llu\n", (unsigned long long)c.ops,
                  (unsigned long long)c.seed);
    return c;
}

/* p is a struct with a chance in it. */
#define MUST(p, cond)                                                                         \
    ck_assert_msg(cond, "seed %llu, step %llu: %s: %s", (unsigned long long)(p)->chance.seed, \
                  (unsigned long long)(p)->chance.step, #cond, test_diag())
#define DONE(p, expr) MUST(p, (expr) == 0)

#endif
