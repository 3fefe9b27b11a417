#include "base/uuid.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "test.h"

START_TEST(version_7_carries_the_time_and_the_two_fixed_fields)
{
    int64_t before = clock_wall_us() / 1000;
    uuid u = uuid_v7();
    int64_t after = clock_wall_us() / 1000, ms = 0;
    for (int i = 0; i < 6; i++) {
        ms = ms << 8 | u.b[i];
    }
    ck_assert_int_ge(ms, before);
    ck_assert_int_le(ms, after);
    ck_assert_int_eq(u.b[6] >> 4, 7);
    ck_assert_int_eq(u.b[8] >> 6, 2);
}
END_TEST

START_TEST(those_of_one_thread_rise_strictly)
{
    uuid last = uuid_v7();
    for (int i = 0; i < 200000; i++) {
        uuid next = uuid_v7();
        ck_assert(uuid_cmp(last, next) < 0);
        last = next;
    }
}
END_TEST

START_TEST(a_forked_child_makes_others)
{
    uuid warm = uuid_v7();
    int fds[2];
    OK(pipe(fds));
    pid_t pid = fork();
    if (pid == 0) {
        uuid u = uuid_v7();
        _exit(write(fds[1], &u, sizeof u) == sizeof u ? 0 : 1);
    }
    uuid mine = uuid_v7(), theirs;
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(read(fds[0], &theirs, sizeof theirs), sizeof theirs);
    ck_assert(!uuid_eq(mine, theirs) && !uuid_eq(warm, theirs));
    ck_assert_mem_ne(mine.b + 10, theirs.b + 10, 6);
}
END_TEST

static void *make_one(void *arg)
{
    *(uuid *)arg = uuid_v7();
    return NULL;
}

START_TEST(threads_make_different_ones)
{
    uuid made[8];
    pthread_t t[8];
    for (int i = 0; i < 8; i++) {
        OK(pthread_create(&t[i], NULL, make_one, &made[i]));
    }
    for (int i = 0; i < 8; i++) {
        OK(pthread_join(t[i], NULL));
        for (int j = 0; j < i; j++) {
            ck_assert(!uuid_eq(made[i], made[j]));
        }
    }
}
END_TEST

START_TEST(text_goes_there_and_back)
{
    static const char text[] = "0192f0c1-2b3d-7abc-8def-0123456789ab";
    char out[UUID_TEXT_LEN + 1];
    const char *forms[] = {text, "0192F0C1-2B3D-7ABC-8DEF-0123456789AB", "{0192f0c1-2b3d-7abc-8def-0123456789ab}",
                           "URN:uuid:0192f0c1-2b3d-7abc-8def-0123456789ab"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        uuid u;
        ck_assert_msg(uuid_parse(str_of(forms[i]), &u), "%s", forms[i]);
        uuid_format(u, out);
        ck_assert_str_eq(out, text);
    }
}
END_TEST

START_TEST(other_text_is_refused_and_leaves_the_result_alone)
{
    const char *bad[] = {"",
                         "0192f0c1-2b3d-7abc-8def-0123456789a",
                         "0192f0c1-2b3d-7abc-8def-0123456789abc",
                         "0192f0c12b3d7abc8def0123456789ab",
                         "0192f0c1-2b3d-7abc-8def-0123456789ag",
                         "0192f0c1+2b3d-7abc-8def-0123456789ab",
                         "{0192f0c1-2b3d-7abc-8def-0123456789ab",
                         "{0192f0c1-2b3d-7abc-8def-0123456789ab)",
                         " 0192f0c1-2b3d-7abc-8def-0123456789ab"};
    uuid nil = {{0}}, u = nil;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!uuid_parse(str_of(bad[i]), &u), "%s", bad[i]);
        ck_assert(uuid_is_nil(u));
    }
}
END_TEST

RUN("uuid", 20, CASE(version_7_carries_the_time_and_the_two_fixed_fields), CASE(those_of_one_thread_rise_strictly),
    CASE(a_forked_child_makes_others), CASE(threads_make_different_ones), CASE(text_goes_there_and_back),
    CASE(other_text_is_refused_and_leaves_the_result_alone));
