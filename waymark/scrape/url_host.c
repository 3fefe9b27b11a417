/* Hosts: percent-decoding, then IDNA or an address. */
#include "waymark/scrape/url_impl.h"

/* Undoes percent-encoding and upper case behind o->n. Returns the length; *ret_plain: ASCII throughout. */
static size_t decode(struct url_out *o, str raw, bool *ret_plain)
{
    char *at = o->p + o->n;
    size_t n = 0;
    bool plain = true;
    assert(raw.len < o->room - o->n);
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.p[i];
        if (url_is_escape(raw, i)) {
            c = url_unescape(raw.p + i);
            i += 2;
        }
        plain &= (uint8_t)c < 0x80;
        at[n++] = ascii_lower(c);
    }
    at[n] = '\0';
    *ret_plain = plain;
    return n;
}

static int out_ipv6(struct url_out *o, str raw, url *u)
{
    if (raw.p[raw.len - 1] != ']') {
        return URL_HOST_IPV6;
    }
    int rc = url_ipv6(str_n(raw.p + 1, raw.len - 2), u->address);
    if (rc == 0) {
        u->host_kind = URL_IPV6;
        url_out_ipv6(o, u->address);
    }
    return rc;
}

static int out_name(struct url_out *o, str raw, url *u)
{
    bool plain;
    size_t len = decode(o, raw, &plain);
    if (url_needs_idna(str_n(o->p + o->n, len), plain)) {
        int rc = url_idna(o->p + o->n, o->room - o->n, &len);
        if (rc) {
            return rc;
        }
    }
    str host = str_n(o->p + o->n, len);
    for (size_t i = 0; i < len; i++) {
        if (url_byte_is(host.p[i], BYTE_NOT_HOST)) {
            return URL_HOST_CHARACTER;
        }
    }
    int rc = len ? URL_OK : URL_HOST_MISSING;
    if (len && url_ipv4(host, u->address, &rc) && rc == 0) {
        u->host_kind = URL_IPV4;
        url_out_ipv4(o, u->address);
    } else {
        o->n += len;
    }
    return rc;
}

int url_out_host(struct url_out *o, str raw, url *u)
{
    size_t from = o->n;
    assert(raw.len > 0);
    u->host_kind = URL_DOMAIN;
    int rc = raw.p[0] == '[' ? out_ipv6(o, raw, u) : out_name(o, raw, u);
    u->host = str_n(o->p + from, o->n - from);
    return rc;
}
