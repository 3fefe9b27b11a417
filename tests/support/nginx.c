#include "nginx.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char conf_before[] = "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log stderr;\n"
                                  "events { worker_connections 512; }\n"
                                  "http {\n"
                                  "include /etc/nginx/mime.types;\ndefault_type application/octet-stream;\n"
                                  "access_log off;\nclient_body_temp_path tmp;\nproxy_temp_path tmp;\n"
                                  "fastcgi_temp_path tmp;\nuwsgi_temp_path tmp;\nscgi_temp_path tmp;\n"
                                  "sendfile on;\nkeepalive_requests 100000;\nserver {\nserver_name _;\nroot root;\n";

static void put(FILE *f, const char *config, int port)
{
    for (const char *mark; (mark = strstr(config, "%PORT%")); config = mark + strlen("%PORT%")) {
        (void)fprintf(f, "%.*s%d", (int)(mark - config), config, port);
    }
    (void)fputs(config, f);
}

static void make_directory(const char *path)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        server_fail("cannot make %s: %s", path, strerror(errno));
    }
    server_give(path);
}

void nginx_init(struct nginx *n)
{
    server_init(&n->server, "nginx", false);
    (void)snprintf(n->root, sizeof n->root, "%s/root", n->server.dir);
    make_directory(n->root);
    n->server.port = server_free_port();
    (void)snprintf(n->url, sizeof n->url, "http://127.0.0.1:%d", n->server.port);
}

void nginx_put(const struct nginx *n, const char *path, const void *p, size_t len)
{
    char *full;
    if (asprintf(&full, "%s/%s", n->root, path) < 0) {
        server_fail("out of memory");
    }
    for (char *at = full + strlen(n->root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        make_directory(full);
        *at = '/';
    }
    server_put_file(&n->server, full + strlen(n->server.dir) + 1, p, len);
    free(full);
}

static bool accepts(void *arg)
{
    return server_accepts(*(int *)arg);
}

void nginx_start(struct nginx *n, const char *config)
{
    char *text;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    if (!f) {
        server_fail("out of memory");
    }
    if (!n->server.dir[0]) {
        nginx_init(n);
    }
    (void)fputs(conf_before, f);
    (void)fprintf(f, "listen 127.0.0.1:%d;\n", n->server.port);
    put(f, config ? config : "", n->server.port);
    (void)fputs("\n}\n}\n", f);
    (void)fclose(f);
    server_put_file(&n->server, "nginx.conf", text, len);
    free(text);
    char prefix[SERVER_PATH_MAX + 1];
    (void)snprintf(prefix, sizeof prefix, "%s/", n->server.dir);
    server_start(&n->server,
                 (const char *const[]){server_program("/usr/sbin/nginx", "nginx-light"), "-p", prefix, "-c",
                                       "nginx.conf", "-e", "stderr", NULL},
                 SIGTERM);
    server_wait(&n->server, accepts, &n->server.port);
}

void nginx_stop(struct nginx *n)
{
    server_stop(&n->server, true);
}
