#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

void server_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fputs("# ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

const char *server_printf(const char *fmt, ...)
{
    static struct kept {
        struct kept *next;
        char text[];
    } * kept; /* a list, so that no leak checker takes them for lost */
    char text[4096];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct kept *k = n >= 0 && (size_t)n < sizeof text ? malloc(sizeof *k + (size_t)n + 1) : NULL;
    if (!k) {
        server_fail("text too long or out of memory");
    }
    memcpy(k->text, text, (size_t)n + 1);
    k->next = kept;
    kept = k;
    return k->text;
}

const char *server_program(const char *path, const char *package)
{
    if (access(path, X_OK) != 0) {
        server_fail("%s is missing: apt-get install %s (./dev test does it)", path, package);
    }
    return path;
}

/* The user the servers run as: never root. */
static void server_user(uid_t *ret_uid, gid_t *ret_gid)
{
    *ret_uid = geteuid();
    *ret_gid = getegid();
    if (*ret_uid == 0) {
        const struct passwd *pw = getpwnam("nobody");
        if (!pw) {
            server_fail("there is no user nobody to run servers as");
        }
        *ret_uid = pw->pw_uid;
        *ret_gid = pw->pw_gid;
    }
}

void server_give(const char *path)
{
    uid_t uid;
    gid_t gid;
    server_user(&uid, &gid);
    if (geteuid() == 0 && chown(path, uid, gid) != 0) {
        server_fail("chown %s: %s", path, strerror(errno));
    }
}

static void drop_privileges(void)
{
    if (geteuid() != 0) {
        return;
    }
    uid_t uid;
    gid_t gid;
    server_user(&uid, &gid);
    if (setgroups(0, NULL) != 0 || setgid(gid) != 0 || setuid(uid) != 0) {
        server_fail("cannot run as nobody: %s", strerror(errno));
    }
}

static const char *base_directory(bool in_memory)
{
    const char *tmp = getenv("TMPDIR");
    struct statvfs fs;
    if (tmp && *tmp == '/') {
        return tmp;
    }
    if (in_memory && access("/dev/shm", W_OK | X_OK) == 0 && statvfs("/dev/shm", &fs) == 0 &&
        (uint64_t)fs.f_bavail * fs.f_frsize >= (uint64_t)2 << 30) {
        return "/dev/shm";
    }
    return "/tmp";
}

void server_init(struct server *s, const char *what, bool in_memory)
{
    *s = (struct server){.leash = -1};
    int n = snprintf(s->dir, sizeof s->dir, "%s/waymark-%s-XXXXXX", base_directory(in_memory), what);
    if (n < 0 || (size_t)n >= sizeof s->dir || !mkdtemp(s->dir)) {
        server_fail("no temporary directory %s: %s", s->dir, strerror(errno));
    }
    server_give(s->dir);
}

void server_put_file(const struct server *s, const char *name, const void *p, size_t len)
{
    char path[1024];
    int n = snprintf(path, sizeof path, "%s/%s", s->dir, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        server_fail("path too long: %s", name);
    }
    FILE *f = fopen(path, "we");
    if (!f || fwrite(p, 1, len, f) != len || fclose(f) != 0) {
        server_fail("cannot write %s: %s", path, strerror(errno));
    }
    server_give(path);
}

int server_free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        server_fail("no free port on 127.0.0.1: %s", strerror(errno));
    }
    (void)close(fd);
    return ntohs(at.sin_port);
}

bool server_accepts(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool accepts = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return accepts;
}

/* In a child: output to fd, its own directory, no other descriptor, no root, and the program. */
static _Noreturn void become(const struct server *s, const char *const *argv, int out)
{
    (void)umask(022);
    int in = open("/dev/null", O_RDONLY);
    if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) {
        _exit(126);
    }
    (void)close_range(3, ~0U, 0);
    drop_privileges();
    if (chdir(s->dir) != 0 || setenv("LC_ALL", "C.UTF-8", 1) != 0 || setenv("HOME", s->dir, 1) != 0) {
        _exit(126);
    }
    (void)execv(argv[0], (char *const *)(uintptr_t)argv);
    (void)fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int open_log(const struct server *s)
{
    char path[2 * SERVER_PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/log", s->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        server_fail("cannot write %s: %s", path, strerror(errno));
    }
    return fd;
}

static void print_log_end(const struct server *s)
{
    char path[2 * SERVER_PATH_MAX], text[3000];
    (void)snprintf(path, sizeof path, "%s/log", s->dir);
    FILE *f = fopen(path, "re");
    if (f) {
        (void)fseek(f, 0, SEEK_END);
        long size = ftell(f), from = size > (long)sizeof text ? size - (long)sizeof text : 0;
        (void)fseek(f, from, SEEK_SET);
        size_t n = fread(text, 1, sizeof text, f);
        (void)fwrite(text, 1, n, stderr);
        (void)fclose(f);
    }
}

void server_run(const struct server *s, const char *const *argv)
{
    int log = open_log(s), status = 0;
    pid_t pid = fork();
    if (pid < 0) {
        server_fail("fork: %s", strerror(errno));
    }
    if (pid == 0) {
        become(s, argv, log);
    }
    (void)close(log);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) {
        print_log_end(s);
        server_fail("%s failed", argv[0]);
    }
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

/* Holds the server: ends it when the other side of the leash is closed, or says so there when it ended by itself.
 * What the other side sends last decides about the directory: 'k' keeps it. */
static _Noreturn void guard(const struct server *s, const char *const *argv, int stop_signal, int leash)
{
    (void)setsid();
    int log = open_log(s), null = open("/dev/null", O_RDWR | O_CLOEXEC);
    log = fcntl(log, F_DUPFD, 10); /* clear of the numbers they are to get */
    leash = fcntl(leash, F_DUPFD, 10);
    (void)dup2(null, 0);
    (void)dup2(null, 1);
    (void)dup2(null, 2);
    (void)dup2(leash, 3);
    (void)dup2(log, 4);
    (void)close_range(5, ~0U, 0);
    for (int sig = 1; sig < NSIG; sig++) {
        (void)signal(sig, SIG_DFL);
    }
    pid_t guard_pid = getpid(), pid = fork();
    if (pid == 0) {
        (void)setpgid(0, 0);
        drop_privileges();
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* after the change of user, which clears it */
        if (getppid() != guard_pid) {
            _exit(1);
        }
        become(s, argv, 4);
    }
    bool keep = false, ended = pid < 0, told = false;
    for (;;) {
        if (!ended && waitpid(pid, NULL, WNOHANG) == pid) {
            ended = true;
        }
        if (ended && !told) {
            told = true;
            (void)send(3, "e", 1, MSG_NOSIGNAL);
        }
        struct pollfd p = {.fd = 3, .events = POLLIN};
        char c;
        if (poll(&p, 1, 100) > 0) {
            if (read(3, &c, 1) <= 0) {
                break;
            }
            keep = c == 'k';
        }
    }
    if (!ended) {
        (void)kill(pid, stop_signal);
        for (int i = 0; i < 3000 && !ended; i++) { /* PostgreSQL itself gives its processes 5 s */
            (void)usleep(10000);
            ended = waitpid(pid, NULL, WNOHANG) == pid;
        }
    }
    (void)kill(-pid, SIGKILL); /* what it left behind */
    if (!ended) {
        (void)waitpid(pid, NULL, 0); /* a restart takes its id for that of a server that runs */
    }
    if (!keep) {
        (void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    _exit(0);
}

void server_start(struct server *s, const char *const *argv, int stop_signal)
{
    int ends[2];
    if (s->leash >= 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        server_fail("cannot hold %s", argv[0]);
    }
    (void)fflush(NULL);
    /* Forked twice, so that the guard is no child of the test and needs no reaping. */
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        if (fork() == 0) {
            guard(s, argv, stop_signal, ends[1]);
        }
        _exit(0);
    }
    (void)close(ends[1]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    s->leash = ends[0];
}

bool server_has_ended(struct server *s)
{
    struct pollfd p = {.fd = s->leash, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

void server_wait(struct server *s, bool (*ready)(void *arg), void *arg)
{
    for (int i = 0; i < 3000; i++) {
        if (ready(arg)) {
            return;
        }
        if (server_has_ended(s)) {
            break;
        }
        (void)usleep(10000);
    }
    bool ended = server_has_ended(s);
    print_log_end(s);
    server_fail("the server in %s %s", s->dir, ended ? "ended" : "did not get ready in 30 s");
}

void server_stop(struct server *s, bool remove)
{
    if (s->leash < 0) {
        return;
    }
    char c;
    if (!remove) {
        (void)send(s->leash, "k", 1, MSG_NOSIGNAL);
    }
    (void)shutdown(s->leash, SHUT_WR);
    while (read(s->leash, &c, 1) != 0 && errno != ECONNRESET) { /* the guard's end closes when all is done */
    }
    (void)close(s->leash);
    s->leash = -1;
}
