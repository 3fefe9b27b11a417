/* The command as a person runs it. */
#include "program.h"
#include "test.h"

START_TEST(each_line_becomes_its_canonical_form_or_says_why_not)
{
    BUF_AUTO buf out;
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(program("url normalize",
                             STR("HTTP://Example.com:80/%7ea#x\n"
                                 "\n"
                                 "/relative\n"
                                 "mailto:a@example.com\n"
                                 "http://h:99999/\r\n"
                                 "http://2130706433/\r\n"
                                 "http://h/last"),
                             &out),
                     0);
    ck_assert_str_eq(out.p, "http://example.com/~a\n"
                            "invalid: empty\n"
                            "invalid: relative, and there is no base to resolve it against\n"
                            "invalid: scheme is not http or https (mailto)\n"
                            "invalid: port out of range\n"
                            "http://127.0.0.1/\n"
                            "http://h/last\n");
}
END_TEST

START_TEST(options_give_a_base_and_drop_parameters)
{
    BUF_AUTO buf out;
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(program("url normalize --base https://h/a/b --drop-tracking --drop-session",
                             STR("c?utm_source=x&y=1\n../d;jsessionid=1\n"), &out),
                     0);
    ck_assert_str_eq(out.p, "https://h/a/c?y=1\nhttps://h/d\n");
    ck_assert_int_eq(program("url normalize --base=example.com", STR(""), &out), 2);
    ck_assert_ptr_nonnull(strstr(out.p, "--base 'example.com': relative"));
    ck_assert_int_eq(program("url normalise", STR(""), &out), 2);
    ck_assert_ptr_nonnull(strstr(out.p, "did you mean 'normalize'?"));
    ck_assert_int_eq(program("url normalize http://h/", STR(""), &out), 2);
    ck_assert_ptr_nonnull(strstr(out.p, "standard input"));
}
END_TEST

static void put_letters(buf *b, size_t n)
{
    char *at = buf_reserve(b, n);
    ck_assert_ptr_nonnull(at);
    memset(at, 'a', n);
    b->len += n;
}

START_TEST(a_line_of_any_length_is_one_line_of_output)
{
    enum { LINE = 3 << 20 };
    BUF_AUTO buf in, out;
    buf_init(&in, 2 * LINE);
    buf_init(&out, 1 << 20);
    OK(buf_puts(&in, "http://h/first\nhttp://h/"));
    put_letters(&in, LINE);
    OK(buf_puts(&in, "\nhttp://h/second\nhttp://h/"));
    put_letters(&in, 65000);
    ck_assert_int_eq(program("url normalize", buf_str(&in), &out), 0);
    str expected = STR("http://h/first\ninvalid: too long\nhttp://h/second\nhttp://h/");
    ck_assert(str_starts(buf_str(&out), expected));
    ck_assert_uint_eq(out.len, expected.len + 65000 + 1);
}
END_TEST

RUN("cli_url", 20, CASE(each_line_becomes_its_canonical_form_or_says_why_not),
    CASE(options_give_a_base_and_drop_parameters), CASE(a_line_of_any_length_is_one_line_of_output));
