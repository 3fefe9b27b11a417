/* Hosts: names through IDNA, the rest to url_address.c. */
#include <idn2.h>

#include "waymark/scrape/url_impl.h"

/* Longer ones with characters to map cannot come down to the 253 bytes that DNS allows, short of padding. */
enum { IDNA_INPUT_MAX = 1024 };

static bool has_punycode(str host)
{
    while (host.p) {
        if (str_starts(str_cut(&host, '.'), STR("xn--"))) {
            return true;
        }
    }
    return false;
}

/* Replaces the NUL-terminated text behind o->n, len bytes, with its ASCII form. */
static int map_idna(struct url_out *o, size_t *len)
{
    char *at = o->p + o->n;
    if (memchr(at, '\0', *len)) {
        return URL_HOST_CHARACTER;
    }
    if (*len > IDNA_INPUT_MAX) {
        return URL_HOST_TOO_LONG;
    }
    uint8_t *ascii = NULL;
    const int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
    int rc = idn2_lookup_u8((const uint8_t *)at, &ascii, flags);
    if (rc == IDN2_DISALLOWED) {
        /* IDNA 2008 disallows symbols, UTS 46 does not: this accepts them in "xn--" labels. */
        rc = idn2_lookup_u8((const uint8_t *)at, &ascii, flags | IDN2_NO_ALABEL_ROUNDTRIP);
    }
    if (rc != IDN2_OK) {
        bool long_name = rc == IDN2_TOO_BIG_DOMAIN || rc == IDN2_TOO_BIG_LABEL || rc == IDN2_PUNYCODE_BIG_OUTPUT;
        return rc == IDN2_MALLOC ? URL_NOMEM : long_name ? URL_HOST_TOO_LONG : URL_HOST_IDNA;
    }
    size_t n = strlen((const char *)ascii);
    bool fits = n < o->room - o->n;
    if (fits) {
        memcpy(at, ascii, n + 1);
    }
    idn2_free(ascii);
    *len = n;
    return fits ? URL_OK : URL_HOST_TOO_LONG;
}

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
    if (!plain || has_punycode(str_n(o->p + o->n, len))) {
        int rc = map_idna(o, &len);
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
