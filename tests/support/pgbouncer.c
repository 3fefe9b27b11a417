#include "pgbouncer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct parts {
    char role[64], password[64], port[8], database[64];
};

static struct parts split(const char *url)
{
    struct parts p;
    if (sscanf(url, "postgresql://%63[^:]:%63[^@]@127.0.0.1:%7[0-9]/%63s", p.role, p.password, p.port, p.database) !=
        4) {
        server_fail("not a URL of pg_test_url: %s", url);
    }
    return p;
}

static bool accepts(void *arg)
{
    return server_accepts(*(int *)arg);
}

void pgbouncer_start(struct pgbouncer *b, const char *url)
{
    struct parts p = split(url);
    char conf[1024], users[512], path[SERVER_PATH_MAX + 16];
    server_init(&b->server, "pgbouncer", false);
    b->server.port = server_free_port();
    int n = snprintf(users, sizeof users, "\"waymark_owner\" \"%s\"\n\"waymark_app\" \"%s\"\n\"postgres\" \"%s\"\n",
                     p.password, p.password, p.password);
    server_put_file(&b->server, "users", users, (size_t)n);
    n = snprintf(conf, sizeof conf,
                 "[databases]\n* = host=127.0.0.1 port=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\n"
                 "unix_socket_dir =\nauth_type = md5\nauth_file = %s/users\npool_mode = transaction\n"
                 "default_pool_size = 4\nmax_client_conn = 500\nlog_connections = 0\nlog_disconnections = 0\n",
                 p.port, b->server.port, b->server.dir);
    server_put_file(&b->server, "pgbouncer.ini", conf, (size_t)n);
    (void)snprintf(path, sizeof path, "%s/pgbouncer.ini", b->server.dir);
    server_start(&b->server, (const char *const[]){server_program("/usr/sbin/pgbouncer", "pgbouncer"), path, NULL},
                 SIGTERM);
    server_wait(&b->server, accepts, &b->server.port);
}

const char *pgbouncer_url(const struct pgbouncer *b, const char *url)
{
    struct parts p = split(url);
    return server_printf("postgresql://%s:%s@127.0.0.1:%d/%s", p.role, p.password, b->server.port, p.database);
}

void pgbouncer_stop(struct pgbouncer *b)
{
    server_stop(&b->server, true);
}
