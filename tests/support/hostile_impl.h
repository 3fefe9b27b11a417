/* hostile_impl.h: what the files of the hostile server share. */
#ifndef TEST_HOSTILE_IMPL_H
#define TEST_HOSTILE_IMPL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct conn {
    int fd, number;
    SSL *ssl;
    bool keep;                       /* another request may follow */
    const char *host, *path, *query; /* in parts; query may be NULL */
    char head[8 << 10], parts[8 << 10];
};

/* The ones that send return false when the client has gone. */
bool conn_send(struct conn *c, const void *p, size_t n);
bool conn_sends(struct conn *c, const char *s);
bool conn_printf(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A complete response with Content-Length. headers: further lines, each with its end, or "". */
bool conn_respond(struct conn *c, int status, const char *headers, const void *body, size_t n);
long conn_number(const struct conn *c, const char *name, long otherwise); /* a parameter of the query */
const char *conn_text(const struct conn *c, const char *name);            /* the query from there on, or NULL */
void hostile_sleep(int ms);

/* hostile_acts.c: does what the path says; false when it says nothing. */
bool hostile_act(struct conn *c);

/* hostile_codings.c */
void hostile_encoded(struct conn *c, const char *as);
void hostile_bomb(struct conn *c, const char *as, const char *headers);
void hostile_spoilt_gzip(struct conn *c, const char *how);
void hostile_wide_zstd(struct conn *c);

/* hostile_tls.c */
SSL_CTX *hostile_tls(int ca_fd); /* writes the CA there */

_Noreturn void hostile_die(const char *what);

#endif
