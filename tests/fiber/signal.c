#include <signal.h>
#include <unistd.h>

#include "fixture.h"

static fiber_signal *open_signals(void)
{
    fiber_signal *s;
    OK(fiber_signal_open((const int[]){SIGUSR1, SIGUSR2}, 2, &s));
    return s;
}

static int raise_later(void *arg)
{
    OK(fiber_sleep_until(fiber_in_ms(2)));
    OK(kill(getpid(), (int)(intptr_t)arg));
    return 0;
}

START_FIBER_TEST(a_signal_ends_the_wait_with_its_number)
{
    fiber_signal *s = open_signals();
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, raise_later, (void *)(intptr_t)SIGUSR2));
    ck_assert_int_eq(fiber_signal_wait(s, fiber_in_ms(5000)), SIGUSR2);
    CODE(fiber_signal_wait(s, fiber_in_ms(5)), -ETIMEDOUT);
    fiber_signal_close(s);
}
END_FIBER_TEST

START_FIBER_TEST(signals_that_came_before_the_wait_are_kept_once_each)
{
    fiber_signal *s = open_signals();
    OK(kill(getpid(), SIGUSR1));
    OK(kill(getpid(), SIGUSR2));
    OK(kill(getpid(), SIGUSR2));
    OK(fiber_sleep_until(fiber_in_ms(5)));
    ck_assert_int_eq(fiber_signal_wait(s, fiber_in_ms(5000)), SIGUSR1);
    ck_assert_int_eq(fiber_signal_wait(s, fiber_in_ms(5000)), SIGUSR2);
    CODE(fiber_signal_wait(s, fiber_in_ms(5)), -ETIMEDOUT);
    fiber_signal_close(s);
}
END_FIBER_TEST

static int wait_here(void *arg)
{
    return fiber_signal_wait((fiber_signal *)arg, FIBER_FOREVER);
}

START_FIBER_TEST(one_fiber_at_a_time_waits)
{
    fiber_signal *s = open_signals();
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, wait_here, s));
    OK(fiber_yield());
    CODE(fiber_signal_wait(s, FIBER_FOREVER), -EBUSY);
    fiber_bundle_close(&b);
    fiber_signal_close(s);
}
END_FIBER_TEST

START_FIBER_TEST(signals_that_cannot_be_taken_over_are_refused)
{
    fiber_signal *s;
    CODE(fiber_signal_open((const int[]){SIGUSR1, SIGKILL}, 2, &s), -EINVAL);
    CODE(fiber_signal_open((const int[]){0}, 1, &s), -EINVAL);
    CODE(fiber_signal_open((const int[]){65}, 1, &s), -EINVAL);
    ck_assert_ptr_nonnull(strstr(test_diag(), "65"));
    fiber_signal_close(NULL);
}
END_FIBER_TEST

START_TEST(after_closing_the_signal_has_its_old_meaning)
{
    fiber_loop *l;
    OK(fiber_loop_open(NULL, &l));
    fiber_signal *s = open_signals();
    OK(kill(getpid(), SIGUSR1));
    ck_assert_int_eq(fiber_signal_wait(s, fiber_in_ms(5000)), SIGUSR1);
    fiber_signal_close(s);
    fiber_loop_close(l);
    struct sigaction now;
    OK(sigaction(SIGUSR1, NULL, &now));
    ck_assert(now.sa_handler == SIG_DFL);
}
END_TEST

RUN("fiber signal", 20, CASE(a_signal_ends_the_wait_with_its_number),
    CASE(signals_that_came_before_the_wait_are_kept_once_each), CASE(one_fiber_at_a_time_waits),
    CASE(signals_that_cannot_be_taken_over_are_refused), CASE(after_closing_the_signal_has_its_old_meaning));
