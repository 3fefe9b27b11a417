/* with_pg COMMAND [ARGUMENT...]: runs the command with WAYMARK_TEST_PG naming a PostgreSQL that ends with it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pg.h"

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: with_pg COMMAND [ARGUMENT...]\n");
        return 2;
    }
    pg_test_share();
    pid_t pid = fork();
    if (pid == 0) {
        (void)execvp(argv[1], argv + 1);
        (void)fprintf(stderr, "with_pg: %s: %s\n", argv[1], strerror(errno));
        _exit(127);
    }
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    pg_test_unshare();
    return pid < 0 ? 1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
