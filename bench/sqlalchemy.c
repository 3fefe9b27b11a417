/* SQLAlchemy from Debian's packages, in a process of its own, on databases of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "pg.h"

static struct pg_server server;

static void stop(void)
{
    pg_server_stop(&server);
}

static bool url_of(bool postgresql, size_t size, char *out)
{
    if (!postgresql) {
        int n = snprintf(out, size, "sqlite:///%s", bench_temp("sqlalchemy.db"));
        return n > 0 && (size_t)n < size;
    }
    if (!server.url[0]) {
        pg_server_start(&server, false, "shared_buffers = 256MB");
        if (atexit(stop) != 0) {
            return false;
        }
    }
    int n = snprintf(out, size, "%s", pg_server_database(&server));
    return n > 0 && (size_t)n < size;
}

double bench_sqlalchemy(const char *name)
{
    bool postgresql = strncmp(name, "pg-", 3) == 0;
    char url[512], command[2048], line[64] = "";
    const char *script = bench_source("bench/sqlalchemy_peer.py");
    if (!script || !url_of(postgresql, sizeof url, url)) {
        return BENCH_FAILED;
    }
    /* Debian's own interpreter has Debian's packages. */
    int n = snprintf(command, sizeof command, "/usr/bin/python3 '%s' %s '%s'", script, strchr(name, '-') + 1, url);
    /* NOLINTNEXTLINE(cert-env33-c): the words are ours */
    FILE *f = n > 0 && (size_t)n < sizeof command ? popen(command, "re") : NULL;
    bool got = f && fgets(line, sizeof line, f);
    if (!f || pclose(f) != 0 || !got) {
        bench_say("SQLAlchemy's %s failed", name);
        return BENCH_FAILED;
    }
    return strtod(line, NULL);
}
