#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "fixture.h"

#define SHELL(script) ((const char *const[]){"sh", "-c", (script), NULL})

static int status_of(const char *const *argv, const struct fiber_process_options *with)
{
    struct fiber_process_options o = with ? *with : (struct fiber_process_options){.fds = {-1, -1, -1}};
    o.argv = argv;
    fiber_process *p;
    OK(fiber_process_start(&o, &p));
    ck_assert_int_gt(fiber_process_pid(p), 0);
    int status = -1;
    OK(fiber_process_wait(p, fiber_in_ms(20000), &status));
    CODE(fiber_process_kill(p, SIGTERM), -ESRCH);
    fiber_process_close(p);
    return status;
}

START_FIBER_TEST(the_exit_code_or_the_signal_comes_back)
{
    ck_assert_int_eq(status_of(SHELL("exit 0"), NULL), 0);
    ck_assert_int_eq(status_of(SHELL("exit 7"), NULL), 7);
    ck_assert_int_eq(status_of(SHELL("kill -TERM $$"), NULL), 128 + SIGTERM);
}
END_FIBER_TEST

START_FIBER_TEST(descriptors_environment_and_directory_are_handed_down)
{
    int fd[2];
    OK(pipe2(fd, O_CLOEXEC));
    const char *const env[] = {"WORD=hello", "PATH=/usr/bin:/bin", NULL};
    struct fiber_process_options o = {.env = env, .dir = "/", .fds = {-1, fd[1], -1}};
    ck_assert_int_eq(status_of(SHELL("printf '%s %s' \"$WORD\" \"$(pwd)\"; read -r line || exit 9"), &o), 9);
    char got[32] = "";
    ck_assert_int_eq(read(fd[0], got, sizeof got - 1), 7);
    ck_assert_str_eq(got, "hello /");
    OK(close(fd[0]));
    OK(close(fd[1]));
}
END_FIBER_TEST

START_FIBER_TEST(a_program_that_does_not_exist_is_an_error)
{
    fiber_process *p;
    struct fiber_process_options o = {.argv = (const char *const[]){"/nonexistent/program", NULL}, .fds = {-1, -1, -1}};
    CODE(fiber_process_start(&o, &p), -ENOENT);
    ck_assert_ptr_nonnull(strstr(test_diag(), "/nonexistent/program"));
}
END_FIBER_TEST

START_FIBER_TEST(waiting_ends_at_the_deadline_and_closing_kills_and_reaps)
{
    fiber_process *p;
    struct fiber_process_options o = {.argv = (const char *const[]){"sleep", "1000", NULL}, .fds = {-1, -1, -1}};
    OK(fiber_process_start(&o, &p));
    int status = 0, pid = fiber_process_pid(p);
    CODE(fiber_process_wait(p, fiber_in_ms(5), &status), -ETIMEDOUT);
    OK(kill(pid, 0));
    fiber_process_close(p);
    ck_assert_int_eq(kill(pid, 0), -1);
    ck_assert_int_eq(errno, ESRCH);
    fiber_process_close(NULL);
}
END_FIBER_TEST

START_FIBER_TEST(a_process_can_be_signalled)
{
    fiber_process *p;
    struct fiber_process_options o = {.argv = (const char *const[]){"sleep", "1000", NULL}, .fds = {-1, -1, -1}};
    OK(fiber_process_start(&o, &p));
    OK(fiber_process_kill(p, SIGINT));
    int status = 0;
    OK(fiber_process_wait(p, fiber_in_ms(20000), &status));
    ck_assert_int_eq(status, 128 + SIGINT);
    OK(fiber_process_wait(p, fiber_in_ms(20000), &status)); /* its end stays known */
    fiber_process_close(p);
}
END_FIBER_TEST

static int one_child(void *arg)
{
    ck_assert_int_eq(status_of((const char *const *)arg, NULL), 3);
    return 0;
}

START_FIBER_TEST(many_children_at_once)
{
    static const char *const argv[] = {"sh", "-c", "exit 3", NULL};
    FIBER_BUNDLE(b);
    for (int i = 0; i < 20; i++) {
        OK(fiber_start(&b, one_child, (void *)(uintptr_t)argv));
    }
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
}
END_FIBER_TEST

START_TEST(outside_a_fiber_it_works_too)
{
    fiber_loop *l;
    OK(fiber_loop_open(NULL, &l));
    ck_assert_int_eq(status_of(SHELL("exit 4"), NULL), 4);
    fiber_loop_close(l);
}
END_TEST

RUN("fiber process", 30, CASE(the_exit_code_or_the_signal_comes_back),
    CASE(descriptors_environment_and_directory_are_handed_down), CASE(a_program_that_does_not_exist_is_an_error),
    CASE(waiting_ends_at_the_deadline_and_closing_kills_and_reaps), CASE(a_process_can_be_signalled),
    CASE(many_children_at_once), CASE(outside_a_fiber_it_works_too));
