#include "base/arena.h"

#include <stdint.h>

#include "base/mem.h"
#include "test.h"

START_TEST(memory_is_aligned_and_distinct)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    char *s = arena_strdup(a, "abc");
    uint64_t *n = arena_alloc(a, sizeof *n);
    *n = UINT64_MAX;
    ck_assert_uint_eq((uintptr_t)n % 16, 0);
    ck_assert_str_eq(s, "abc");
}
END_TEST

static void append(void *arg)
{
    char **at = arg;
    *(*at)++ = 'x';
}

START_TEST(reset_runs_callbacks_and_frees_children_then_memory_is_reused)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    char marks[4] = "", *at = marks;
    OK(arena_on_reset(a, append, &at));
    arena *child = arena_new(a, 0);
    OK(arena_on_reset(child, append, &at));
    ck_assert_ptr_nonnull(arena_alloc(a, 5000));
    size_t held = arena_held(a);
    arena_reset(a);
    ck_assert_str_eq(marks, "xx");
    ck_assert_uint_eq(arena_used(a), 0);
    ck_assert_ptr_nonnull(arena_alloc(a, 5000));
    ck_assert_uint_eq(arena_held(a), held);
}
END_TEST

START_TEST(limit_and_failed_allocations_give_null)
{
    ARENA_AUTO arena *a = arena_new(NULL, 4096);
    ck_assert_ptr_null(arena_alloc(a, 5000));
    ck_assert_ptr_nonnull(arena_alloc(a, 4000));
    ck_assert_ptr_null(arena_alloc(a, 4000));
    volatile size_t half = SIZE_MAX / 2; /* volatile: the compiler would see through it */
    ck_assert_ptr_null(arena_zalloc(a, half, 3));
    mem_fail_at(1, false);
    ck_assert_ptr_null(arena_new(NULL, 0));
    mem_fail_at(0, false);
    ck_assert_uint_eq(arena_failures(a), 2);
    arena *child = arena_new(a, 10);
    ck_assert_ptr_null(arena_alloc(child, 100));
    ck_assert_uint_eq(arena_failures(child), 1);
    ck_assert_uint_eq(arena_failures(a), 3);
}
END_TEST

RUN("arena", 10, CASE(memory_is_aligned_and_distinct),
    CASE(reset_runs_callbacks_and_frees_children_then_memory_is_reused), CASE(limit_and_failed_allocations_give_null));
