/* fixture.h: a loop around a test's fiber. */
#ifndef TEST_FIBER_FIXTURE_H
#define TEST_FIBER_FIXTURE_H

#include <errno.h>

#include "fiber/fiber.h"
#include "test.h"

/* Runs fn as a fiber on a new loop, which must then be empty; returns fn's result. */
static inline int in_fiber_with(const struct fiber_loop_options *o, int (*fn)(void *arg), void *arg)
{
    fiber_loop *l;
    OK(fiber_loop_open(o, &l));
    int rc = fiber_run(l, fn, arg);
    struct fiber_stats s;
    fiber_loop_stats(l, &s);
    ck_assert_uint_eq(s.fibers, 0);
    fiber_loop_close(l);
    ck_assert_ptr_null(fiber_loop_current());
    return rc;
}
static inline int in_fiber(int (*fn)(void *arg), void *arg)
{
    return in_fiber_with(NULL, fn, arg);
}

/* START_FIBER_TEST(name) { ... } END_FIBER_TEST: a test whose body runs as a fiber. */
#define START_FIBER_TEST(name)          \
    static void name##_body(void);      \
    static int name##_run(void *arg)    \
    {                                   \
        (void)arg;                      \
        name##_body();                  \
        return 0;                       \
    }                                   \
    START_TEST(name)                    \
    {                                   \
        OK(in_fiber(name##_run, NULL)); \
    }                                   \
    END_TEST                            \
    static void name##_body(void)
#define END_FIBER_TEST

#endif
