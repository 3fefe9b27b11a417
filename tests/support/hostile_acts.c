#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "hostile_impl.h"

enum { PATTERN = 8 << 10, LOCATION_MAX = 4 << 10 };

static void stop(struct conn *c)
{
    c->keep = false;
}

static void ok(struct conn *c)
{
    long n = conn_number(c, "n", -1);
    if (n < 0) {
        (void)conn_respond(c, 200, "Content-Type: text/plain\r\n", "hello\n", 6);
        return;
    }
    static const char digits[] = "0123456789abcdef";
    char pattern[PATTERN];
    for (size_t i = 0; i < sizeof pattern; i++) {
        pattern[i] = digits[i % 16];
    }
    bool more = conn_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", n);
    for (more = more && strncmp(c->head, "HEAD ", 5) != 0; more && n > 0; n -= PATTERN) {
        more = conn_send(c, pattern, n < PATTERN ? (size_t)n : PATTERN);
    }
}

static void status(struct conn *c)
{
    char headers[128] = "";
    const char *after = conn_text(c, "after");
    if (after) {
        (void)snprintf(headers, sizeof headers, "Retry-After: %.64s\r\n", after);
    }
    (void)conn_respond(c, (int)conn_number(c, "n", 200), headers, "status\n", 7);
}

static void echo(struct conn *c)
{
    (void)conn_respond(c, 200, "", c->head, strlen(c->head));
}

static void connection(struct conn *c)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%d", c->number);
    (void)conn_respond(c, 200, "", text, (size_t)n);
}

static void cached(struct conn *c)
{
    bool fresh = strstr(c->head, "If-None-Match: \"v1\"") || strstr(c->head, "If-Modified-Since: Sun, 06 Nov");
    (void)conn_respond(c, fresh ? 304 : 200, "ETag: \"v1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                       "cached\n", 7);
}

static void to(struct conn *c, int status_, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void to(struct conn *c, int status_, const char *fmt, ...)
{
    char headers[LOCATION_MAX + 16] = "Location: ";
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(headers + 10, LOCATION_MAX, fmt, ap);
    va_end(ap);
    memcpy(headers + 10 + (n < LOCATION_MAX ? n : LOCATION_MAX - 1), "\r\n", 3);
    (void)conn_respond(c, status_, headers, "moved\n", 6);
}

static void redirect(struct conn *c)
{
    const char *where = conn_text(c, "to");
    to(c, (int)conn_number(c, "n", 302), "%s", where ? where : "");
}

static void chain(struct conn *c)
{
    long n = conn_number(c, "n", 0);
    if (n == 0) {
        (void)conn_respond(c, 200, "", "hello\n", 6);
    } else {
        to(c, 301, "chain?n=%ld", n - 1);
    }
}

static void loop(struct conn *c)
{
    to(c, 302, "%s", strcmp(c->path, "/loop") == 0 ? "/loop-back" : "/loop#again");
}

static void flap(struct conn *c)
{
    to(c, 302, "http%s://%s/flap?n=%ld", c->ssl ? "" : "s", c->host, conn_number(c, "n", 0) + 1);
}

static void headers(struct conn *c)
{
    bool more = conn_sends(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (long i = 0; more && i < conn_number(c, "n", 0); i++) {
        more = conn_printf(c, "X-%ld: y\r\n", i);
    }
    (void)(more && conn_sends(c, "\r\n"));
}

static void long_header(struct conn *c)
{
    bool more = conn_sends(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Long: ");
    for (long i = 0; more && i < conn_number(c, "n", 0); i += 10) {
        more = conn_sends(c, "aaaaaaaaaa");
    }
    (void)(more && conn_sends(c, "\r\n\r\n"));
}

static void interim(struct conn *c)
{
    long n = conn_number(c, "n", 0);
    bool more = true;
    for (long i = 0; more && (n == 0 || i < n); i++) {
        more = conn_sends(c, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
    }
    (void)(more && conn_respond(c, 200, "", "hello\n", 6));
}

static void trailers(struct conn *c)
{
    bool more = conn_sends(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n0\r\n");
    for (long i = 0; more && i < conn_number(c, "n", 0); i++) {
        more = conn_printf(c, "X-%ld: y\r\n", i);
    }
    (void)(more && conn_sends(c, "\r\n"));
}

static void slow_headers(struct conn *c)
{
    bool more = conn_sends(c, "HTTP/1.1 200 OK\r\nX-Slow: ");
    while (more) {
        hostile_sleep(20);
        more = conn_sends(c, "z");
    }
}

static void encoded(struct conn *c)
{
    const char *as = conn_text(c, "as");
    hostile_encoded(c, as ? as : "gzip");
}

static void escape(struct conn *c)
{
    (void)conn_respond(c, 200, "Content-Encoding: \033[2Jclear\r\n", "hello\n", 6);
}

static void encoded_lines(struct conn *c)
{
    bool more = conn_sends(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n");
    for (long i = 0; more && i < conn_number(c, "n", 0); i++) {
        more = conn_sends(c, "Content-Encoding: gzip\r\n");
    }
    (void)(more && conn_sends(c, "\r\nhello\n"));
}

static void bomb(struct conn *c)
{
    const char *as = conn_text(c, "as");
    char header[128];
    (void)snprintf(header, sizeof header, "Content-Encoding: %s\r\n", as ? as : "gzip");
    hostile_bomb(c, as ? as : "gzip", header);
}

static void transfer_gzip(struct conn *c)
{
    hostile_bomb(c, "gzip",
                 conn_number(c, "second", 0) ? "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n"
                                             : "Transfer-Encoding: gzip\r\n");
}

static void spoilt_gzip(struct conn *c)
{
    hostile_spoilt_gzip(c, c->path + 1);
}

static void cut(struct conn *c)
{
    char text[1000];
    memset(text, 'c', sizeof text);
    (void)(conn_sends(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n") &&
           conn_send(c, text, (size_t)conn_number(c, "n", 500)));
    stop(c);
}

static void reset(struct conn *c)
{
    cut(c);
    hostile_sleep(20); /* or the reset overtakes the bytes */
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
}

static void too_long(struct conn *c)
{
    (void)conn_sends(
        c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
}

static void bad_length(struct conn *c)
{
    (void)conn_sends(c, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello\n");
    stop(c);
}

static void bad_chunk(struct conn *c)
{
    (void)conn_sends(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\nzz\r\n");
    stop(c);
}

static void endless(struct conn *c)
{
    bool more = conn_sends(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (more) {
        more = conn_sends(c, "40\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    }
}

static void slow(struct conn *c)
{
    bool more = conn_sends(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (more) {
        more = conn_sends(c, "s");
        hostile_sleep(20);
    }
}

static void wait_for_close(struct conn *c)
{
    char byte;
    while (recv(c->fd, &byte, 1, 0) > 0) {
    }
    stop(c);
}

static void stall(struct conn *c)
{
    cut(c);
    wait_for_close(c);
}

static void garbage(struct conn *c)
{
    (void)conn_sends(c, "SSH-2.0-OpenSSH_9.2\r\n");
    stop(c);
}

static const struct {
    const char *path;
    void (*act)(struct conn *c);
} acts[] = {
    {"/ok", ok},
    {"/status", status},
    {"/echo", echo},
    {"/connection", connection},
    {"/cached", cached},
    {"/redirect", redirect},
    {"/chain", chain},
    {"/loop", loop},
    {"/loop-back", loop},
    {"/flap", flap},
    {"/headers", headers},
    {"/long-header", long_header},
    {"/interim", interim},
    {"/trailers", trailers},
    {"/slow-headers", slow_headers},
    {"/encoded", encoded},
    {"/encoded-lines", encoded_lines},
    {"/escape", escape},
    {"/bomb", bomb},
    {"/wide-zstd", hostile_wide_zstd},
    {"/transfer-gzip", transfer_gzip},
    {"/cut-gzip", spoilt_gzip},
    {"/bad-gzip", spoilt_gzip},
    {"/not-gzip", spoilt_gzip},
    {"/cut", cut},
    {"/reset", reset},
    {"/long", too_long},
    {"/bad-length", bad_length},
    {"/bad-chunk", bad_chunk},
    {"/endless", endless},
    {"/slow", slow},
    {"/stall", stall},
    {"/silent", wait_for_close},
    {"/empty", stop},
    {"/garbage", garbage},
};

bool hostile_act(struct conn *c)
{
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(acts[i].path, c->path) == 0) {
            acts[i].act(c);
            return true;
        }
    }
    return false;
}
