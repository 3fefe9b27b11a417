/* httpd.h: an HTTP/1.1 server on the fiber loop (libmicrohttpd behind its epoll descriptor).
 *
 * One fiber of the caller's bundle drives it. A handler runs on that fiber and must not suspend for long; it fills
 * the response, whose memory lives until the response has been sent. */
#ifndef WAYMARK_API_HTTPD_H
#define WAYMARK_API_HTTPD_H

#include "base/arena.h"
#include "base/buf.h"
#include "fiber/fiber.h"

struct httpd_request {
    const char *method, *path, *host; /* path is percent-decoded; host as sent, or "" */
};
struct httpd_response {
    unsigned status;          /* 200 unless set */
    const char *content_type; /* "text/html; charset=utf-8" unless set */
    const char *location;     /* NULL: no such header */
    buf body;                 /* bounded by 16 MiB */
};
typedef void httpd_handler(void *arg, const struct httpd_request *req, struct httpd_response *res);

typedef struct httpd httpd;

/* Listens on address:port (0: any free port) and serves in a fiber of b until closed. address is a literal.
 * -EADDRINUSE and the like name the address. */
int httpd_start(fiber_bundle *b, const char *address, uint16_t port, httpd_handler *handler, void *arg, httpd **ret);
uint16_t httpd_port(const httpd *h);
void httpd_close(httpd *h); /* after the bundle's fibers have ended; NULL is fine */

#endif
