#include "base/log.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <regex.h>
#include <unistd.h>

#include "base/mem.h"
#include "test.h"

static int log_pipe[2];

static void start(enum log_level level, enum log_format format)
{
    OK(pipe(log_pipe));
    OK(fcntl(log_pipe[0], F_SETFL, O_NONBLOCK));
    log_setup(log_pipe[1], level, format);
}

static const char *written(void)
{
    static char text[60000];
    ssize_t n = read(log_pipe[0], text, sizeof text - 1);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void matches(const char *pattern)
{
    const char *text = written();
    regex_t re;
    OK(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB));
    ck_assert_msg(regexec(&re, text, 0, NULL, 0) == 0, "%s does not match %s", text, pattern);
    regfree(&re);
}

START_TEST(a_pipe_gets_one_json_object_a_line)
{
    start(LOG_INFO, LOG_AUTO);
    log_info("scan started", LOG_S("domain", "a\"b\n"), LOG_I("pages", -3), LOG_D("share", 0.5), LOG_B("done", true),
             LOG_S("none", NULL));
    matches("^\\{\"time\":\"[0-9-]{10}T[0-9:.]{8,15}Z\",\"level\":\"info\",\"event\":\"scan started\","
            "\"domain\":\"a\\\\\"b\\\\n\",\"pages\":-3,\"share\":0\\.5,\"done\":true,\"none\":null\\}\n$");
}
END_TEST

START_TEST(text_is_for_people_and_cannot_steer_their_terminal)
{
    start(LOG_INFO, LOG_TEXT);
    log_warn("found", LOG_S("host", "example.com"), LOG_S("title", "x \x1b[2J\xc2\x9b\"q\"\xff\xe2\x82\xac"),
             LOG_S("empty", ""), LOG_I("n", 7), LOG_B("ok", false), LOG_D("d", 1.5));
    matches(
        "^[0-9:]{8} warn found host=example\\.com title=\"x \\?\\[2J\\?\\\\\"q\\\\\"\\?\xe2\x82\xac\" empty=\"\" n=7 "
        "ok=false d=1\\.5\n$");
}
END_TEST

START_TEST(lines_below_the_level_are_not_written)
{
    start(LOG_WARN, LOG_JSON);
    log_info("quiet");
    log_debug("quiet");
    ck_assert_str_eq(written(), "");
    ck_assert(!log_enabled(LOG_INFO) && log_enabled(LOG_ERROR));
    log_error("loud");
    matches("\"level\":\"error\",\"event\":\"loud\"");
}
END_TEST

START_TEST(a_line_that_cannot_be_made_is_said_to_be_lost)
{
    start(LOG_INFO, LOG_JSON);
    mem_fail_at(1, true);
    log_info("hello");
    mem_fail_at(0, false);
    matches("^\\{\"level\":\"error\",\"event\":\"log line lost.*\\}\n$");
    MEM_AUTO char *huge = mem_zalloc(1, 70000);
    memset(huge, 'x', 69999);
    log_info("hello", LOG_S("huge", huge));
    matches("log line lost");
}
END_TEST

static void *write_many(void *arg)
{
    for (int i = 0; i < 50; i++) {
        log_info("line", LOG_S("who", arg), LOG_S("filler", "ffffffffffffffffffffffffffffffffffffffff"));
    }
    return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
    start(LOG_INFO, LOG_JSON);
    char names[4][2] = {"a", "b", "c", "d"};
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        OK(pthread_create(&t[i], NULL, write_many, names[i]));
    }
    for (int i = 0; i < 4; i++) {
        OK(pthread_join(t[i], NULL));
    }
    matches(
        "^(\\{\"time\":\"[^\"]+\",\"level\":\"info\",\"event\":\"line\",\"who\":\"[a-d]\",\"filler\":\"f+\"\\}\n)+$");
}
END_TEST

RUN("log", 20, CASE(a_pipe_gets_one_json_object_a_line), CASE(text_is_for_people_and_cannot_steer_their_terminal),
    CASE(lines_below_the_level_are_not_written), CASE(a_line_that_cannot_be_made_is_said_to_be_lost),
    CASE(lines_of_threads_do_not_mix));
