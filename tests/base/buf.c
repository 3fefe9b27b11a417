#include "base/buf.h"

#include <errno.h>

#include "base/mem.h"
#include "test.h"

START_TEST(it_is_a_string_from_the_start_and_after_release)
{
    BUF_AUTO buf b;
    buf_init(&b, 100);
    ck_assert_str_eq(b.p, "");
    OK(buf_puts(&b, "abc"));
    ck_assert_str_eq(b.p, "abc");
    buf_release(&b);
    ck_assert_str_eq(b.p, "");
    ck_assert_uint_eq(b.room, 0);
}
END_TEST

START_TEST(every_writer_appends)
{
    BUF_AUTO buf b;
    buf_init(&b, 1000);
    OK(buf_put(&b, "a", 1));
    OK(buf_put(&b, NULL, 0));
    OK(buf_put_char(&b, 'b'));
    OK(buf_put_str(&b, STR("c")));
    OK(buf_printf(&b, "-%d-", 42));
    OK(buf_put_u64(&b, UINT64_MAX));
    OK(buf_put_i64(&b, INT64_MIN));
    OK(buf_put_i64(&b, 0));
    ck_assert_str_eq(b.p, "abc-42-18446744073709551615-92233720368547758080");
    char *at = buf_reserve(&b, 2);
    memcpy(at, "!!", 3);
    b.len += 2;
    buf_drop_front(&b, 3);
    buf_truncate(&b, 4);
    ck_assert_str_eq(b.p, "-42-");
    buf_clear(&b);
    ck_assert_str_eq(b.p, "");
}
END_TEST

START_TEST(the_limit_is_exact_and_a_failed_write_adds_nothing)
{
    BUF_AUTO buf b;
    buf_init(&b, 5);
    OK(buf_puts(&b, "12345"));
    CODE(buf_put_char(&b, '6'), -E2BIG);
    ck_assert_str_eq(b.p, "12345");
    buf_truncate(&b, 1);
    CODE(buf_put_char(&b, '2'), -E2BIG); /* the first failure sticks */
    buf_clear(&b);
    CODE(buf_printf(&b, "%s", "123456"), -E2BIG);
    buf_clear(&b);
    OK(buf_printf(&b, "%s", "12345"));
    ck_assert_str_eq(b.p, "12345");
}
END_TEST

START_TEST(growing_keeps_the_content)
{
    BUF_AUTO buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 100000; i++) {
        (void)buf_put_char(&b, (char)('a' + i % 26));
    }
    OK(b.err);
    ck_assert_uint_eq(b.len, 100000);
    for (int i = 0; i < 100000; i++) {
        ck_assert_int_eq(b.p[i], 'a' + i % 26);
    }
}
END_TEST

START_TEST(without_memory_it_stays_as_it_was)
{
    BUF_AUTO buf b;
    buf_init(&b, 1000);
    mem_fail_at(1, false);
    CODE(buf_puts(&b, "abc"), -ENOMEM);
    ck_assert_str_eq(b.p, "");
    buf_clear(&b);
    OK(buf_puts(&b, "abc"));
    mem_fail_at(1, true);
    ck_assert_ptr_null(buf_reserve(&b, 500));
    mem_fail_at(0, false);
    CODE(b.err, -ENOMEM);
    ck_assert_str_eq(b.p, "abc");
}
END_TEST

RUN("buf", 10, CASE(it_is_a_string_from_the_start_and_after_release), CASE(every_writer_appends),
    CASE(the_limit_is_exact_and_a_failed_write_adds_nothing), CASE(growing_keeps_the_content),
    CASE(without_memory_it_stays_as_it_was));
