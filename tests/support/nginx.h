/* nginx.h: nginx for tests that want a web server nobody here wrote. */
#ifndef TEST_NGINX_H
#define TEST_NGINX_H

#include "server.h"

struct nginx {
    struct server server;
    char root[SERVER_PATH_MAX + 8]; /* the documents; files may come and go while it runs */
    char url[64];                   /* http://127.0.0.1:PORT */
};

/* config: lines for the server block beside listen and root, e.g. "gzip on; location /old { return 301 /new; }";
 * NULL for none. A "%PORT%" in it becomes the port. */
void nginx_start(struct nginx *n, const char *config);
/* Before nginx_start too, once nginx_init has made the directories; makes the directories in path. */
void nginx_init(struct nginx *n);
void nginx_put(const struct nginx *n, const char *path, const void *p, size_t len);
void nginx_stop(struct nginx *n);

#endif
