/* url.h: http and https URLs, read as browsers read them (https://url.spec.whatwg.org).
 *
 * A parsed url is slices of one serialisation, href, that lies in the caller's buf: they hold until the buf is next
 * written or released (url_dup copies one to an arena). The buf's limit bounds the memory; the cost is linear in the
 * input. All text is ASCII afterwards: other bytes are percent-encoded as they came, hosts go through IDNA.
 * Where this departs from the standard: schemes other than http and https are errors, input is bytes and need not be
 * UTF-8, and a query is never re-encoded for a page's charset. */
#ifndef WAYMARK_SCRAPE_URL_H
#define WAYMARK_SCRAPE_URL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum url_error {
    URL_OK = 0,
    URL_NOMEM = -ENOMEM,
    URL_TOO_LONG = -E2BIG,    /* would pass the buf's limit */
    URL_EMPTY = -1000,        /* nothing but white space, and no base */
    URL_NO_BASE = -1001,      /* a relative reference, and no base */
    URL_OTHER_SCHEME = -1002, /* mailto:, javascript:, data:, ...; url_scheme tells which */
    URL_HOST_MISSING = -1003,
    URL_HOST_CHARACTER = -1004, /* one that no host may hold, such as a space or '%' */
    URL_HOST_IDNA = -1005,      /* outside ASCII or "xn--", and not valid by UTS 46 */
    URL_HOST_IPV4 = -1006,      /* ends in a number but is no IPv4 address */
    URL_HOST_IPV6 = -1007,
    URL_HOST_ZONE = -1008, /* IPv6 with a zone id (%eth0), which has no meaning elsewhere */
    URL_HOST_TOO_LONG = -1009,
    URL_PORT_SYNTAX = -1010,
    URL_PORT_RANGE = -1011,
};
/* A few words for people, such as "port out of range"; never NULL. */
const char *url_error_text(int error);

enum url_host_kind { URL_DOMAIN, URL_IPV4, URL_IPV6 };

typedef struct url {
    str href;     /* all of it, fragment included */
    str scheme;   /* "http" or "https" */
    str username; /* percent-encoded, as is password; empty when absent */
    str password;
    str host;     /* lower-case ASCII; IPv6 in brackets and compressed */
    str path;     /* starts with '/'; no dot segments */
    str query;    /* without '?' */
    str fragment; /* without '#' */
    bool https;
    bool has_query;    /* also true for an empty one, "?" */
    bool has_fragment; /* likewise */
    bool has_port;     /* href names one, so it is not the default */
    uint16_t port;     /* the one to connect to, default filled in */
    enum url_host_kind host_kind;
    uint8_t address[16]; /* network order: 4 bytes for URL_IPV4, 16 for URL_IPV6 */
} url;

/* A limit for the buf that no real URL reaches. */
enum { URL_BUF_MAX = 64 << 10 };

/* Reads in, resolved against base (NULL: it must be absolute), into b, whose former content goes; neither in nor base
 * may lie in b. Returns 0 or an enum url_error; on failure *ret is untouched. */
int url_parse(buf *b, str in, const url *base, url *ret);
/* Copies u and its text to a. 0 or URL_NOMEM. */
int url_dup(arena *a, const url *u, url *ret);

/* href; with fragment false, what goes to a server or a Referer. */
str url_serialize(const url *u, bool fragment);
/* Path and query as one slice: the request target, and what robots.txt rules are matched against. */
str url_target(const url *u);
/* Appends "https://host:port", the port only when it is not the default; never the credentials. */
int url_put_origin(buf *b, const url *u);
/* Same scheme, host and port. */
bool url_same_origin(const url *a, const url *b);
/* The scheme that in starts with, as written, or the empty slice; for saying why URL_OTHER_SCHEME. */
str url_scheme(str in);

/* The canonical form, for telling whether two URLs are the same: as url_parse gives it, without fragment,
 * percent-escapes in upper case, and unreserved characters (letters, digits, - . _ ~) never escaped. The query keeps
 * its order. Canonicalising twice changes nothing. Parameters go only when a flag says so: */
enum {
    URL_DROP_TRACKING = 1, /* utm_*, gclid, fbclid and the like */
    URL_DROP_SESSION = 2,  /* PHPSESSID, jsessionid, sid and the like; also ";jsessionid=..." in the path */
};
/* *ret is in itself when that is canonical already, which costs neither memory nor copying; otherwise it lies in b.
 * Returns as url_parse does. */
int url_canonicalize(buf *b, str in, const url *base, unsigned flags, str *ret);
/* True only when url_canonicalize without flags would return s as it is. Shapes too rare to be quick about
 * (credentials, "xn--" labels, IPv6, a stray '%') give false whether canonical or not. */
bool url_is_canonical(str s);

#endif
