#include "waymark/api/httpd.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"

enum { BODY_MAX = 16 << 20, CONNECTION_MEMORY = 32 << 10, CONNECTIONS_MAX = 1000, IDLE_SECONDS = 30 };

struct httpd {
    struct MHD_Daemon *daemon;
    fiber_fd *events;
    httpd_handler *handler;
    void *arg;
    uint16_t port;
};

static enum MHD_Result queue(struct MHD_Connection *c, struct httpd_response *res)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(res->body.len, res->body.p, MHD_RESPMEM_MUST_COPY);
    if (!r) {
        return MHD_NO;
    }
    enum MHD_Result ok = MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
                                                 res->content_type ? res->content_type : "text/html; charset=utf-8");
    if (ok && res->location) {
        ok = MHD_add_response_header(r, MHD_HTTP_HEADER_LOCATION, res->location);
    }
    if (ok) {
        ok = MHD_queue_response(c, res->status ? res->status : MHD_HTTP_OK, r);
    }
    MHD_destroy_response(r);
    return ok;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **request)
{
    (void)version;
    (void)upload;
    static const char seen;
    httpd *h = arg;
    if (!*request) { /* headers only so far; the body, if any, is read and dropped */
        *request = (void *)(uintptr_t)&seen;
        return MHD_YES;
    }
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    struct httpd_request req = {.method = method, .path = url, .host = host ? host : ""};
    struct httpd_response res = {0};
    buf_init(&res.body, BODY_MAX);
    h->handler(h->arg, &req, &res);
    if (res.body.err) {
        buf_clear(&res.body);
        res.status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    enum MHD_Result ok = queue(c, &res);
    buf_release(&res.body);
    return ok;
}

static int serve(void *arg)
{
    httpd *h = arg;
    for (;;) {
        MHD_UNSIGNED_LONG_LONG ms;
        int64_t deadline = MHD_get_timeout(h->daemon, &ms) == MHD_YES ? fiber_in_ms((int64_t)(ms < 60000 ? ms : 60000))
                                                                      : FIBER_FOREVER;
        int r = fiber_fd_wait(h->events, FIBER_READ, deadline);
        if (r < 0 && r != -ETIMEDOUT) {
            return r;
        }
        if (MHD_run(h->daemon) != MHD_YES) {
            return diag_set(-EIO, "the HTTP server stopped: libmicrohttpd could not go on");
        }
    }
}

int httpd_start(fiber_bundle *b, const char *address, uint16_t port, httpd_handler *handler, void *arg, httpd **ret)
{
    assert(handler);
    struct fiber_addr at;
    int r = fiber_addr_parse(address, port, &at);
    if (r < 0) {
        return r;
    }
    httpd *h = mem_zalloc(1, sizeof *h);
    if (!h) {
        return diag_nomem();
    }
    h->handler = handler;
    h->arg = arg;
    unsigned flags = MHD_USE_EPOLL | (at.ss.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    errno = 0;
    h->daemon = MHD_start_daemon(flags, port, NULL, NULL, on_request, h, MHD_OPTION_SOCK_ADDR,
                                 (const struct sockaddr *)&at.ss, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (!h->daemon) {
        int err = errno ? errno : EIO;
        r = diag_set(-err, "cannot listen on %s port %u: %s", address, port, strerror(err));
        goto fail;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);
    h->port = info ? info->port : port;
    info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info) {
        r = diag_set(-ENOTSUP, "this libmicrohttpd has no epoll support");
        goto fail;
    }
    if ((r = fiber_fd_new(info->epoll_fd, &h->events)) < 0 || (r = fiber_start(b, serve, h)) < 0) {
        goto fail;
    }
    *ret = h;
    return 0;
fail:
    httpd_close(h);
    return r;
}

uint16_t httpd_port(const httpd *h)
{
    return h->port;
}

void httpd_close(httpd *h)
{
    if (!h) {
        return;
    }
    fiber_fd_free(h->events);
    if (h->daemon) {
        MHD_stop_daemon(h->daemon);
    }
    mem_free(h);
}
