/* dies.h: that something ends the process, and with which words. */
#ifndef TEST_FIBER_DIES_H
#define TEST_FIBER_DIES_H

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

/* Runs fn in a child; it must die of signum after saying words on standard error (NULL: any, or none). */
static inline void dies_of(int signum, void (*fn)(void), const char *words)
{
    int fd[2];
    ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        (void)signal(signum, SIG_DFL); /* a sanitizer may have taken it */
        (void)dup2(fd[1], STDERR_FILENO);
        fn();
        _exit(0);
    }
    ck_assert_int_eq(close(fd[1]), 0);
    char said[4096];
    size_t len = 0;
    ssize_t n;
    while (len < sizeof said - 1 && (n = read(fd[0], said + len, sizeof said - 1 - len)) > 0) {
        len += (size_t)n;
    }
    said[len] = '\0';
    ck_assert_int_eq(close(fd[0]), 0);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == signum, "status %x: %s", (unsigned)status, said);
    ck_assert_msg(!words || strstr(said, words), "\"%s\" is not in: %s", words, said);
}
static inline void aborts(void (*fn)(void), const char *words)
{
    dies_of(SIGABRT, fn, words);
}

#endif
