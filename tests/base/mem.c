#include "base/mem.h"

#include <stdint.h>

#include "test.h"

START_TEST(size_zero_gives_a_unique_pointer)
{
    MEM_AUTO void *a = mem_alloc(0);
    MEM_AUTO void *b = mem_alloc(0);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_ne(a, b);
}
END_TEST

START_TEST(a_product_that_overflows_gives_null)
{
    volatile size_t half = SIZE_MAX / 2; /* volatile: the compiler would see through it */
    ck_assert_ptr_null(mem_zalloc(half, 3));
    MEM_AUTO unsigned char *p = mem_zalloc(3, 5);
    for (size_t i = 0; i < 15; i++) {
        ck_assert_uint_eq(p[i], 0);
    }
}
END_TEST

START_TEST(the_nth_allocation_fails_once_or_from_then_on)
{
    mem_fail_at(2, false);
    MEM_AUTO void *first = mem_alloc(1);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(mem_alloc(1));
    MEM_AUTO void *third = mem_alloc(1);
    ck_assert_ptr_nonnull(third);
    ck_assert_uint_eq(mem_fail_seen(), 3);

    mem_fail_at(1, true);
    ck_assert_ptr_null(mem_alloc(1));
    ck_assert_ptr_null(mem_strdup("x"));
    ck_assert_ptr_null(mem_realloc(first, 100));
    mem_fail_at(0, false);
    MEM_AUTO char *s = mem_strdup("x");
    ck_assert_str_eq(s, "x");
}
END_TEST

START_TEST(copies_end_with_a_nul)
{
    MEM_AUTO char *s = mem_memdup0("a\0b", 3);
    MEM_AUTO char *none = mem_memdup0(NULL, 0);
    ck_assert_mem_eq(s, "a\0b", 4);
    ck_assert_str_eq(none, "");
}
END_TEST

static int calls;

static void *counted_alloc(size_t n)
{
    calls++;
    return malloc(n);
}

START_TEST(hooks_replace_the_allocator)
{
    mem_set_hooks(&(struct mem_hooks){counted_alloc, realloc, free});
    MEM_AUTO void *p = mem_alloc(1);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(calls, 1);
}
END_TEST

RUN("mem", 10, CASE(size_zero_gives_a_unique_pointer), CASE(a_product_that_overflows_gives_null),
    CASE(the_nth_allocation_fails_once_or_from_then_on), CASE(copies_end_with_a_nul),
    CASE(hooks_replace_the_allocator));
