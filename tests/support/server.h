/* server.h: other programs that a test needs running: databases, a pooler, a web server.
 *
 * A server runs as an unprivileged user (nobody when the test is root, since PostgreSQL refuses root; otherwise the
 * caller) in a temporary directory of its own, listens on loopback only, and is held on a leash: it is killed and its
 * directory removed when server_stop is called or the last process that holds the leash has ended, however that
 * ended. What goes wrong here ends the process with a message; a missing program is an error that names its Debian
 * package, never a reason to skip. */
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum { SERVER_PATH_MAX = 128 };

struct server {
    char dir[SERVER_PATH_MAX]; /* removed at the end */
    int leash;                 /* -1: not running */
    int port;                  /* set by the caller, for its own use */
};

/* Makes s->dir below TMPDIR, else /tmp, or for in_memory /dev/shm when that has room; what names the server in it. */
void server_init(struct server *s, const char *what, bool in_memory);
/* Starts argv in s->dir, output to the file "log" there. stop_signal is what ends it at once. */
void server_start(struct server *s, const char *const *argv, int stop_signal);
/* Until ready(arg) is true; a server that ended or did not get ready in 30 s fails the test with the end of its log. */
void server_wait(struct server *s, bool (*ready)(void *arg), void *arg);
bool server_has_ended(struct server *s);
/* Ends the server and waits for it. remove: its directory too; otherwise it can be started again. */
void server_stop(struct server *s, bool remove);

/* Runs argv to its end as the same user; anything but exit code 0 fails the test with its output. */
void server_run(const struct server *s, const char *const *argv);
/* Writes a file below s->dir, readable to the server. */
void server_put_file(const struct server *s, const char *name, const void *p, size_t len);
void server_give(const char *path); /* makes path belong to the server's user */
/* A loopback port nobody listens on now. */
int server_free_port(void);
bool server_accepts(int port); /* somebody accepts connections there */
/* path, or the end of the test naming the package to install. */
const char *server_program(const char *path, const char *package);

/* A string that stays until the process ends. */
const char *server_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void server_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What an executable's tests share, started before the first of them and stopped after the last; defined by
 * support/pg.c, absent elsewhere. */
__attribute__((weak)) void test_servers_start(void);
__attribute__((weak)) void test_servers_stop(void);

#endif
