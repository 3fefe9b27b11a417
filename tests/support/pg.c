#include "pg.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define PG_BIN "/usr/lib/postgresql/15/bin/"

static const char *const role_names[] = {
    [PG_OWNER] = "waymark_owner", [PG_APP] = "waymark_app", [PG_ADMIN] = "postgres"};

static struct pg_server shared;
static struct {
    const char *url[256]; /* databases to drop at the end */
    int n;
    pid_t owner;
} made;

static PGconn *connect_to(const char *url)
{
    PGconn *c = PQconnectdb(url);
    if (PQstatus(c) != CONNECTION_OK) {
        server_fail("%s", PQerrorMessage(c));
    }
    return c;
}

static PGresult *run(PGconn *c, const char *sql)
{
    PGresult *r = PQexec(c, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK) {
        server_fail("%s\n# %s", sql, PQerrorMessage(c));
    }
    return r;
}

void pg_test_exec(const char *url, const char *statements)
{
    PGconn *c = connect_to(url);
    PQclear(run(c, statements));
    PQfinish(c);
}

const char *pg_test_value(const char *url, const char *query)
{
    PGconn *c = connect_to(url);
    PGresult *r = run(c, query);
    const char *value = server_printf("%s", PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
    PQclear(r);
    PQfinish(c);
    return value;
}

static const char *url_with(const char *url, const char *role, const char *database)
{
    const char *colon = strchr(url + strlen("postgresql://"), ':'), *slash = strrchr(url, '/');
    if (!colon || !slash || slash < colon) {
        server_fail("not a URL of pg_test_url: %s", url);
    }
    return server_printf("postgresql://%s%.*s/%s", role, (int)(slash - colon), colon, database);
}

const char *pg_test_url_as(const char *url, enum pg_role role)
{
    return url_with(url, role_names[role], strrchr(url, '/') + 1);
}

static bool answers(void *arg)
{
    return PQping(arg) == PQPING_OK;
}

static void launch(struct pg_server *s)
{
    char data[SERVER_PATH_MAX + 8];
    (void)snprintf(data, sizeof data, "%s/data", s->server.dir);
    server_start(&s->server, (const char *const[]){PG_BIN "postgres", "-D", data, NULL}, SIGQUIT);
    server_wait(&s->server, answers, s->url);
}

/* Roles and a template, so that a fresh database is one statement. */
static void prepare(struct pg_server *s, const char *password)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql,
                   "CREATE ROLE waymark_owner LOGIN PASSWORD '%s'; CREATE ROLE waymark_app LOGIN PASSWORD '%s'",
                   password, password);
    pg_test_exec(s->url, sql);
    pg_test_exec(s->url, "CREATE DATABASE waymark_template TEMPLATE template0 OWNER waymark_owner");
    pg_test_exec(
        url_with(s->url, "postgres", "waymark_template"),
        "ALTER DEFAULT PRIVILEGES FOR ROLE waymark_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO waymark_app;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE waymark_owner GRANT USAGE, SELECT ON SEQUENCES TO waymark_app");
}

void pg_server_start(struct pg_server *s, bool fsync, const char *settings)
{
    unsigned char random[12];
    char password[25], data[SERVER_PATH_MAX + 8], file[SERVER_PATH_MAX + 24], conf[4096];
    if (getrandom(random, sizeof random, 0) != sizeof random) {
        server_fail("getrandom");
    }
    for (size_t i = 0; i < sizeof random; i++) {
        (void)snprintf(password + 2 * i, 3, "%02x", random[i]);
    }
    server_init(&s->server, "pg", !fsync);
    (void)snprintf(data, sizeof data, "%s/data", s->server.dir);
    (void)snprintf(file, sizeof file, "--pwfile=%s/password", s->server.dir);
    server_put_file(&s->server, "password", password, strlen(password));
    /* md5 keeps strangers on the machine out at no cost for each connection. */
    server_run(&s->server, (const char *const[]){server_program(PG_BIN "initdb", "postgresql-15"), "-D", data, "-U",
                                                 "postgres", file, "--auth=md5", "--encoding=UTF8", "--locale=C.UTF-8",
                                                 "--no-sync", "--no-instructions", NULL});
    s->server.port = server_free_port();
    int n = snprintf(
        conf, sizeof conf,
        "listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = ''\nmax_connections = 300\n"
        "shared_buffers = 64MB\nfsync = %s\nfull_page_writes = %s\nmax_wal_size = 256MB\n"
        "password_encryption = md5\nlog_min_messages = fatal\ntimezone = 'UTC'\nupdate_process_title = off\n%s\n",
        s->server.port, fsync ? "on" : "off", fsync ? "on" : "off", settings ? settings : "");
    if (n < 0 || (size_t)n >= sizeof conf) {
        server_fail("settings too long");
    }
    server_put_file(&s->server, "data/postgresql.conf", conf, (size_t)n);
    (void)snprintf(s->url, sizeof s->url, "postgresql://postgres:%s@127.0.0.1:%d/postgres", password, s->server.port);
    launch(s);
    prepare(s, password);
}

void pg_server_crash(struct pg_server *s)
{
    server_stop(&s->server, false);
}

void pg_server_restart(struct pg_server *s)
{
    launch(s);
}

void pg_server_stop(struct pg_server *s)
{
    server_stop(&s->server, true);
}

static const char *new_database(const char *admin_url)
{
    static atomic_int count;
    char name[64], sql[160];
    (void)snprintf(name, sizeof name, "test_%d_%d", (int)getpid(), atomic_fetch_add(&count, 1));
    (void)snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE waymark_template OWNER waymark_owner", name);
    pg_test_exec(admin_url, sql);
    return url_with(admin_url, "waymark_owner", name);
}

const char *pg_server_database(struct pg_server *s)
{
    return new_database(s->url);
}

/* A shared server would collect the databases of a whole run. Quiet: the server may be gone before us. */
static void drop_made(void)
{
    PGconn *c = made.owner == getpid() && made.n ? PQconnectdb(getenv("WAYMARK_TEST_PG")) : NULL;
    for (int i = 0; c && i < made.n; i++) {
        char sql[160];
        (void)snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", strrchr(made.url[i], '/') + 1);
        PQclear(PQexec(c, sql));
    }
    PQfinish(c);
}

const char *pg_test_url(void)
{
    const char *admin = getenv("WAYMARK_TEST_PG");
    if (!admin) {
        server_fail("pg_test_url outside a test: WAYMARK_TEST_PG is not set");
    }
    if (made.owner != getpid()) {
        made.owner = getpid();
        made.n = 0;
    }
    if (made.n == (int)(sizeof made.url / sizeof *made.url)) {
        server_fail("too many databases for one test");
    }
    const char *url = new_database(admin);
    /* After the first connection, so that it runs before OpenSSL takes itself down. */
    if (made.n == 0 && atexit(drop_made) != 0) {
        server_fail("atexit");
    }
    return made.url[made.n++] = url;
}

void pg_test_share(void)
{
    if (getenv("WAYMARK_TEST_PG")) {
        shared.server.leash = -1;
        return;
    }
    pg_server_start(&shared, false, NULL);
    if (setenv("WAYMARK_TEST_PG", shared.url, 1) != 0) {
        server_fail("setenv");
    }
}

void pg_test_unshare(void)
{
    pg_server_stop(&shared);
}

/* Called by test_main before and after the tests. */
void test_servers_start(void)
{
    pg_test_share();
}

void test_servers_stop(void)
{
    pg_test_unshare();
}
