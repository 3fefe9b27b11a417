#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench.h"

enum { ENOUGH_NS = 50 * 1000 * 1000 };

void bench_say(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fputs("bench: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
}

void bench_use(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

double bench_ns(int (*fn)(uint64_t n))
{
    for (uint64_t n = 1;; n *= 2) {
        int64_t start = clock_mono_ns();
        int r = fn(n);
        int64_t took = clock_mono_ns() - start;
        if (r < 0) {
            bench_say("failed with %d", r);
            return BENCH_FAILED;
        }
        if (took >= ENOUGH_NS || n > UINT64_MAX / 4) {
            return (double)took / (double)n;
        }
        if (took > 0 && took < ENOUGH_NS / 16) { /* jump most of the way */
            n *= 4;
        }
    }
}

double bench_rate(int (*fn)(uint64_t n))
{
    double ns = bench_ns(fn);
    return ns > 0 ? 1e9 / ns : BENCH_FAILED;
}

static double own_peak_mib(void)
{
    char line[256];
    double kib = BENCH_FAILED;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kib = strtod(line + 6, NULL);
        }
    }
    if (f) {
        (void)fclose(f);
    }
    return kib < 0 ? BENCH_FAILED : kib / 1024;
}

double bench_peak_mib(int (*fn)(void *arg), void *arg)
{
    int fds[2], status = 0;
    double peak = BENCH_FAILED;
    if (pipe(fds) != 0) {
        bench_say("pipe: %s", strerror(errno));
        return BENCH_FAILED;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int clear = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC); /* "5" forgets the peak so far */
        if (clear < 0 || write(clear, "5", 1) != 1) {
            _exit(1);
        }
        int r = fn(arg);
        peak = own_peak_mib();
        _exit(r == 0 && write(fds[1], &peak, sizeof peak) == sizeof peak ? 0 : 1);
    }
    (void)close(fds[1]);
    bool got = pid > 0 && read(fds[0], &peak, sizeof peak) == sizeof peak;
    (void)close(fds[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!got || status != 0) {
        bench_say("the child for the memory figure failed");
        return BENCH_FAILED;
    }
    return peak;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

bool bench_command(const char *const *argv, struct bench_usage *ret)
{
    struct rusage usage;
    int status = 0;
    (void)fflush(NULL);
    int64_t start = clock_mono_ns();
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)dup2(null, 0);
        (void)dup2(null, 1);
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    pid_t ended;
    while ((ended = pid < 0 ? -1 : wait4(pid, &status, 0, &usage)) < 0 && pid > 0 && errno == EINTR) {
    }
    if (ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        bench_say("%s %s", argv[0],
                  ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127 ? "is not there" : "failed");
        return false;
    }
    *ret = (struct bench_usage){.seconds = (double)(clock_mono_ns() - start) / 1e9,
                                .cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime),
                                .peak_mib = (double)usage.ru_maxrss / 1024};
    return true;
}
