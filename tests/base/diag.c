#include "base/diag.h"

#include <errno.h>
#include <pthread.h>

#include "test.h"

START_TEST(it_keeps_code_place_and_sentence)
{
    CODE(diag_set(-EINVAL, "port %d is over %d", 70000, 65535), -EINVAL);
    diag_hint("give one of 1..%d", 65535);
    const struct diag *d = diag_last();
    ck_assert_int_eq(d->code, -EINVAL);
    ck_assert_str_eq(d->message, "port 70000 is over 65535");
    ck_assert_str_eq(d->hint, "give one of 1..65535");
    ck_assert_ptr_nonnull(strstr(d->file, "tests/base/diag.c"));
    ck_assert_int_gt(d->line, 0);
}
END_TEST

START_TEST(wrapping_puts_the_context_in_front)
{
    (void)diag_set(-ENOENT, "no such file");
    CODE(diag_wrap(-EIO, "reading %s", "a.conf"), -EIO);
    ck_assert_str_eq(diag_last()->message, "reading a.conf: no such file");
    (void)diag_set(-EINVAL, "again: %s", diag_last()->message); /* arguments may point into the old one */
    ck_assert_str_eq(diag_last()->message, "again: reading a.conf: no such file");
}
END_TEST

START_TEST(a_new_failure_forgets_the_old_one_and_long_ones_are_cut)
{
    (void)diag_set(-EINVAL, "first");
    diag_hint("old hint");
    (void)snprintf(diag_last()->sqlstate, sizeof diag_last()->sqlstate, "23505");
    char text[2000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    (void)diag_set(-EIO, "%s", text);
    ck_assert_str_eq(diag_last()->hint, "");
    ck_assert_str_eq(diag_last()->sqlstate, "");
    ck_assert_uint_eq(strlen(diag_last()->message), sizeof diag_last()->message - 1);
    (void)diag_wrap(-EIO, "%s", text);
    ck_assert_uint_eq(strlen(diag_last()->message), sizeof diag_last()->message - 1);
    diag_clear();
    ck_assert_int_eq(diag_last()->code, 0);
}
END_TEST

START_TEST(a_slot_of_its_own_keeps_two_apart)
{
    struct diag mine = {0};
    (void)diag_set(-EIO, "the thread's");
    struct diag *old = diag_swap(&mine);
    (void)diag_set(-EPERM, "the fiber's");
    diag_swap(old);
    ck_assert_str_eq(diag_last()->message, "the thread's");
    ck_assert_str_eq(mine.message, "the fiber's");
}
END_TEST

static void *fail_in_thread(void *arg)
{
    (void)arg;
    (void)diag_set(-EPERM, "other thread");
    return NULL;
}

START_TEST(threads_have_their_own)
{
    (void)diag_set(-EIO, "this thread");
    pthread_t t;
    OK(pthread_create(&t, NULL, fail_in_thread, NULL));
    OK(pthread_join(t, NULL));
    ck_assert_str_eq(diag_last()->message, "this thread");
}
END_TEST

RUN("diag", 10, CASE(it_keeps_code_place_and_sentence), CASE(wrapping_puts_the_context_in_front),
    CASE(a_new_failure_forgets_the_old_one_and_long_ones_are_cut), CASE(a_slot_of_its_own_keeps_two_apart),
    CASE(threads_have_their_own));
