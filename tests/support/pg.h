/* pg.h: a real PostgreSQL 15 for tests.
 *
 * One server serves a whole test executable, or a whole test run when WAYMARK_TEST_PG names one (./dev test sets it
 * through with_pg); every test that asks gets a fresh, empty database, dropped when the test's process ends.
 * Linking this file makes the executable's main start the server before the first test. */
#ifndef TEST_PG_H
#define TEST_PG_H

#include <stdbool.h>

#include "server.h"

/* postgresql://waymark_owner:...@127.0.0.1:PORT/NAME of a new empty database (UTF8, C.UTF-8). The role owns it and
 * may create what it likes in it, but is no superuser. Valid until the process ends. */
const char *pg_test_url(void);

enum pg_role {
    PG_OWNER, /* waymark_owner */
    PG_APP,   /* waymark_app: owns nothing; may read and write every table the owner makes; row-level security holds */
    PG_ADMIN, /* postgres, the superuser */
};
/* The same database, as another role. Valid until the process ends. */
const char *pg_test_url_as(const char *url, enum pg_role role);

/* Runs statements (several, separated by semicolons) on url; a failure fails the test. */
void pg_test_exec(const char *url, const char *statements);
/* The first column of the first row as text, or "" when there is none. Valid until the process ends. */
const char *pg_test_value(const char *url, const char *query);

/* Sets WAYMARK_TEST_PG, starting a server when it is not set; for with_pg and the main of tests. */
void pg_test_share(void);
void pg_test_unshare(void);

/* A server of the test's own, for what must not hurt others: restarts, crashes, settings. */
struct pg_server {
    struct server server;
    char url[256]; /* postgres, the superuser, database postgres; pg_test_url_as works on it */
};
/* fsync: whether data survives a crash of the machine, which costs time. settings: further lines of postgresql.conf,
 * or NULL. */
void pg_server_start(struct pg_server *s, bool fsync, const char *settings);
void pg_server_crash(struct pg_server *s);   /* SIGQUIT: no checkpoint, connections cut; its data stay */
void pg_server_restart(struct pg_server *s); /* after a crash: same port, same data, recovered */
void pg_server_stop(struct pg_server *s);    /* and its data are gone */
/* A fresh database on it. */
const char *pg_server_database(struct pg_server *s);

#endif
