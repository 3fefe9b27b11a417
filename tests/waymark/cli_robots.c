#include "program.h"
#include "test.h"

START_TEST(each_url_is_answered_with_the_rule_that_decides)
{
    BUF_AUTO buf out;
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(program("robots check - --agent FooBot/2.1 https://example.com/private/a /private/open?x "
                             "'http://example.com/a b' /robots.txt",
                             STR("User-agent: *\nDisallow: /\n\nUser-agent: foobot\nDisallow: /private/\n"
                                 "Allow: /private/open # for all\nDisallow: /a%20\x1b[31m\nDisallow /a%20b$\n"),
                             &out),
                     0);
    ck_assert_str_eq(out.p, "disallow\tDisallow: /private/ (line 5)\thttps://example.com/private/a\n"
                            "allow\tAllow: /private/open (line 6)\t/private/open?x\n"
                            "disallow\tDisallow: /a%20b$ (line 8)\thttp://example.com/a b\n"
                            "allow\tno rule\t/robots.txt\n");
}
END_TEST

START_TEST(control_characters_of_a_rule_do_not_reach_the_terminal)
{
    BUF_AUTO buf out;
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(program("robots check - /x%1b", STR("User-agent: *\nDisallow: /x\x1b\n"), &out), 0);
    ck_assert_str_eq(out.p, "disallow\tDisallow: /x? (line 2)\t/x%1b\n");
}
END_TEST

START_TEST(odd_files_are_noted)
{
    BUF_AUTO buf out;
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(program("robots check - /x 2>&1", STR("<html>\nUser-agent: *\nDisallow: x\n"), &out), 0);
    ck_assert_ptr_nonnull(strstr(out.p, "note: - starts like an HTML page"));
    ck_assert_ptr_nonnull(strstr(out.p, "note: - has 2 lines that mean nothing, the first is line 1"));
    ck_assert_ptr_nonnull(strstr(out.p, "allow\tno rule\t/x\n"));
}
END_TEST

START_TEST(mistakes_are_usage_errors_and_missing_files_failures)
{
    static const struct {
        const char *args;
        int status;
        const char *text;
    } cases[] = {
        {"robots check", 2, "FILE is missing"},
        {"robots check /dev/null", 2, "URL is missing"},
        {"robots check /dev/null foo", 2, "URL 'foo': relative"},
        {"robots check /dev/null --agent '' /x", 2, "--agent needs a name"},
        {"robots check /nonexistent/robots.txt /x", 1, "/nonexistent/robots.txt: No such file"},
        {"robots check / /x", 1, "/: Is a directory"},
        {"robots chek", 2, "did you mean 'check'?"},
        {"robots", 2, "no command given"},
    };
    BUF_AUTO buf out;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(program(cases[i].args, STR(""), &out), cases[i].status);
        ck_assert_msg(strstr(out.p, cases[i].text) != NULL, "%s: %s", cases[i].args, out.p);
    }
}
END_TEST

RUN("cli_robots", 20, CASE(each_url_is_answered_with_the_rule_that_decides),
    CASE(control_characters_of_a_rule_do_not_reach_the_terminal), CASE(odd_files_are_noted),
    CASE(mistakes_are_usage_errors_and_missing_files_failures));
