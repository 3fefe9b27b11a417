#include "waymark/cli/opt.h"

#include <unistd.h>

#include "test.h"
#include "waymark/cli/cli.h"

struct seen {
    bool flag;
    const char *text;
    uint64_t number;
    unsigned choice;
    struct opt_list list;
    int argc, status;
    char *argv[8];
    char out[2048]; /* standard error, then standard output */
};

static const char *const colours[] = {"red", "green", NULL};

/* Parses the words, keeping what was printed. */
static bool parse(struct seen *s, int argc, const char *const *words)
{
    *s = (struct seen){.argc = argc, .status = -1};
    for (int i = 0; i < argc; i++) {
        s->argv[i] = (char *)(uintptr_t)words[i];
    }
    const struct opt opts[] = {
        OPT_FLAG("flag", &s->flag, "a flag"),
        OPT_TEXT("text", "WORD", &s->text, "a word"),
        OPT_UINT("number", "N", &s->number, 1, 9, "a number"),
        OPT_CHOICE("colour", "COLOUR", &s->choice, colours, "a colour"),
        OPT_LIST("item", "ITEM", &s->list, "an item; may be given again"),
    };
    const struct opt_spec spec = {"try", "[OPTION…] FILE", "Tries.", opts, sizeof opts / sizeof *opts};
    FILE *tmp = tmpfile();
    ck_assert_ptr_nonnull(tmp);
    ck_assert_int_ge(dup2(fileno(tmp), STDERR_FILENO), 0);
    ck_assert_int_ge(dup2(fileno(tmp), STDOUT_FILENO), 0);
    bool ok = opt_parse(&spec, &s->argc, s->argv, &s->status);
    (void)fflush(stdout);
    ssize_t n = pread(fileno(tmp), s->out, sizeof s->out - 1, 0);
    ck_assert_int_ge((int)n, 0);
    s->out[n] = '\0';
    return ok;
}
#define PARSE(s, ...) \
    parse((s), (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)), (const char *const[]){__VA_ARGS__})

START_TEST(options_and_operands_mix_and_values_may_be_attached)
{
    struct seen s;
    ck_assert(PARSE(&s, "try", "a", "--flag", "--text", "w", "-", "--number=7"));
    ck_assert(s.flag);
    ck_assert_str_eq(s.text, "w");
    ck_assert_uint_eq(s.number, 7);
    ck_assert_int_eq(s.argc, 3);
    ck_assert_str_eq(s.argv[1], "a");
    ck_assert_str_eq(s.argv[2], "-");
    ck_assert_ptr_null(s.argv[3]);
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
    struct seen s;
    ck_assert(PARSE(&s, "try", "--text=", "--", "--flag", "--"));
    ck_assert(!s.flag);
    ck_assert_str_eq(s.text, "");
    ck_assert_int_eq(s.argc, 3);
    ck_assert_str_eq(s.argv[1], "--flag");
    ck_assert_str_eq(s.argv[2], "--");
}
END_TEST

START_TEST(choices_and_lists_are_filled)
{
    struct seen s;
    ck_assert(PARSE(&s, "try", "--colour", "green", "--item", "a", "--item=b=c"));
    ck_assert_uint_eq(s.choice, 1);
    ck_assert_uint_eq(s.list.n, 2);
    ck_assert_str_eq(s.list.v[1], "b=c");
}
END_TEST

static void refuses(const char *word, const char *value, const char *message)
{
    struct seen s;
    ck_assert(!(value ? PARSE(&s, "try", word, value) : PARSE(&s, "try", word)));
    ck_assert_int_eq(s.status, CLI_USAGE);
    ck_assert_msg(strstr(s.out, message) != NULL, "%s", s.out);
    ck_assert_ptr_nonnull(strstr(s.out, "Try 'waymark try --help'."));
}

START_TEST(mistakes_are_named_with_their_remedy)
{
    refuses("--flog", NULL, "waymark try: unknown option '--flog'; did you mean '--flag'?");
    refuses("--completely-else", NULL, "unknown option '--completely-else'\n");
    refuses("-f", NULL, "unknown option '-f'");
    refuses("--text", NULL, "--text needs a value: --text WORD");
    refuses("--flag=1", NULL, "--flag takes no value");
    refuses("--number", "10", "--number takes a whole number from 1 to 9, not '10'");
    refuses("--number", "0", "from 1 to 9");
    refuses("--number", "x", "from 1 to 9");
    refuses("--colour", "gren", "--colour cannot be 'gren'; did you mean 'green'?");
}
END_TEST

START_TEST(help_lists_every_option)
{
    struct seen s;
    ck_assert(!PARSE(&s, "try", "--help", "--nonsense"));
    ck_assert_int_eq(s.status, CLI_OK);
    ck_assert_ptr_nonnull(strstr(s.out, "Usage: waymark try [OPTION…] FILE"));
    ck_assert_ptr_nonnull(strstr(s.out, "--colour COLOUR"));
    ck_assert_ptr_nonnull(strstr(s.out, "one of: red, green"));
}
END_TEST

RUN("opt", 10, CASE(options_and_operands_mix_and_values_may_be_attached), CASE(two_dashes_end_the_options),
    CASE(choices_and_lists_are_filled), CASE(mistakes_are_named_with_their_remedy), CASE(help_lists_every_option));
