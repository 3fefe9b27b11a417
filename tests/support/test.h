/* test.h: a thin layer over Check, in fork mode: each test runs in a process of its own, so an assertion may fail
 * inside a fiber. A file lists its tests once:
 *
 *     START_TEST(memory_is_aligned) { ... ck_assert_ptr_nonnull(p); ... } END_TEST
 *     RUN("arena", 10, CASE(memory_is_aligned), ...);
 *
 * Output is TAP, for Meson. Arguments after the program's name run only the tests with these names. */
#ifndef TEST_H
#define TEST_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
    const char *name;
    const TTest *test;
};

#define CASE(fn) ((struct test_case){#fn, fn})
/* The program's main: RUN("arena", 10, CASE(a), CASE(b)); the number is each test's limit in seconds. */
#define RUN(suite, timeout_s, ...)                                                                  \
    int main(int argc, char **argv)                                                                 \
    {                                                                                               \
        const struct test_case cases_[] = {__VA_ARGS__};                                            \
        return test_main(argc, argv, (suite), (timeout_s), cases_, sizeof cases_ / sizeof *cases_); \
    }                                                                                               \
    extern int run_needs_a_semicolon_

int test_main(int argc, char **argv, const char *suite, double timeout_s, const struct test_case *cases, size_t n);

/* 0, or the test fails with the diagnosis. */
#define OK(expr)                                                                       \
    do {                                                                               \
        int ok_rc_ = (expr);                                                           \
        ck_assert_msg(ok_rc_ == 0, "%s: returned %d: %s", #expr, ok_rc_, test_diag()); \
    } while (0)
#define CODE(expr, want)                                                                            \
    do {                                                                                            \
        int rc_ = (expr), want_ = (want);                                                           \
        ck_assert_msg(rc_ == want_, "%s: returned %d, not %d: %s", #expr, rc_, want_, test_diag()); \
    } while (0)
const char *test_diag(void);

#endif
