/* url_impl.h: what the parts of the URL parser share. */
#ifndef WAYMARK_SCRAPE_URL_IMPL_H
#define WAYMARK_SCRAPE_URL_IMPL_H

#include <assert.h>

#include "waymark/scrape/url.h"

/* What a byte is; the percent-encode sets are those of https://url.spec.whatwg.org/#percent-encoded-bytes. */
enum {
    BYTE_FRAGMENT = 1,    /* to be escaped in a fragment */
    BYTE_QUERY = 2,       /* ... in the query of an http or https URL */
    BYTE_PATH = 4,        /* ... in a path */
    BYTE_USERINFO = 8,    /* ... in user name and password; every byte of the sets above but the apostrophe */
    BYTE_NOT_HOST = 16,   /* forbidden domain code point */
    BYTE_UNRESERVED = 32, /* RFC 3986 section 2.3: never escaped in canonical form */
    BYTE_NOT_PLAIN = 64,  /* ends the quick scan of a canonical path */
    BYTE_DELIMITER = 128, /* ends a host or a path segment: / \ ? # */
};
extern const uint8_t url_byte[256];

static inline bool url_byte_is(char c, unsigned set)
{
    return (url_byte[(uint8_t)c] & set) != 0;
}

/* Whether s holds an escape at i, and the byte that it stands for. */
static inline bool url_is_escape(str s, size_t i)
{
    return s.p[i] == '%' && s.len - i > 2 && ascii_hex(s.p[i + 1]) >= 0 && ascii_hex(s.p[i + 2]) >= 0;
}
static inline char url_unescape(const char *p)
{
    return (char)((unsigned)ascii_hex(p[1]) << 4 | (unsigned)ascii_hex(p[2]));
}

/* Where a serialisation is written: room for the longest one was reserved beforehand. */
struct url_out {
    char *p;
    size_t n, room;
};
static inline void url_out_char(struct url_out *o, char c)
{
    assert(o->n < o->room);
    o->p[o->n++] = c;
}
static inline void url_out_str(struct url_out *o, str s)
{
    assert(s.len <= o->room - o->n);
    if (s.len) {
        memcpy(o->p + o->n, s.p, s.len);
        o->n += s.len;
    }
}
/* s with the bytes of set escaped. */
void url_out_escaped(struct url_out *o, str s, unsigned set);

/* How much longer than its input a host may come out (IDNA, and "1" as "0.0.0.1"). */
enum { URL_HOST_GROWTH = 256 };

/* Writes the host that raw stands for, and sets host, host_kind and address. 0 or an enum url_error. */
int url_out_host(struct url_out *o, str raw, url *u);
/* Whether host is more than letters to be lower-cased; plain: it is ASCII. */
bool url_needs_idna(str host, bool plain);
/* Replaces host, *len bytes and a NUL in lower case with room bytes for more, with its ASCII form. 0 or an error. */
int url_idna(char *host, size_t room, size_t *len);
/* The address in a host that ends in a number (false: it does not), spelled in any way inet_aton knows.
 * *ret_error is URL_HOST_IPV4 when it is no address. */
bool url_ipv4(str host, uint8_t ret_address[static 4], int *ret_error);
/* What stands between the brackets. 0, URL_HOST_ZONE or URL_HOST_IPV6. */
int url_ipv6(str s, uint8_t ret_address[static 16]);
void url_out_ipv4(struct url_out *o, const uint8_t address[static 4]);
/* In brackets; the longest run of zero pieces, at least two long, is written "::". */
void url_out_ipv6(struct url_out *o, const uint8_t address[static 16]);

/* Whether a query parameter of that name goes; flags as for url_canonicalize. */
bool url_drops_parameter(str name, unsigned flags);
/* Takes what flags name out of path and query (both as canonical), in place; returns the new length of href. */
size_t url_drop(char *href, size_t len, size_t path_at, unsigned flags);

#endif
