/* The canonical form, and telling quickly that a URL has it. */
#include "waymark/scrape/url_impl.h"

/* ---- the quick way: one pass, no memory ---- */

static bool is_upper_hex(char c)
{
    return ascii_is_digit(c) || (c >= 'A' && c <= 'F');
}

/* An escape as canonical form writes it, with two more bytes known to be there. */
static bool is_canonical_escape(const char *p)
{
    return is_upper_hex(p[1]) && is_upper_hex(p[2]) && !url_byte_is(url_unescape(p), BYTE_UNRESERVED);
}

/* A dotted quad as canonical form writes it. */
static bool is_plain_ipv4(str host)
{
    for (unsigned i = 0; i < 4; i++) {
        str part = str_cut(&host, '.');
        uint64_t v;
        if (!part.p || (part.len > 1 && part.p[0] == '0') || !str_to_u64(part, 255, &v)) {
            return false;
        }
    }
    return host.p == NULL;
}

/* Behind the host and its port when both are canonical and easy; NULL otherwise. */
static const char *scan_host(const char *p, const char *end, bool https)
{
    const char *from = p, *label = p;
    for (; p < end; p++) {
        char c = *p;
        if (__builtin_expect(url_byte_is(c, BYTE_NOT_HOST | BYTE_NOT_PLAIN), 0)) {
            if (c != '.') {
                break;
            }
            label = p + 1;
        } else if ((uint8_t)(c - 'A') < 26 || (c == 'x' && p == label && end - p >= 4 && memcmp(p, "xn--", 4) == 0)) {
            return NULL;
        }
    }
    if (label == p || (ascii_is_digit(*label) && !is_plain_ipv4(str_n(from, (size_t)(p - from))))) {
        return NULL;
    }
    if (p < end && *p == ':') {
        unsigned port = 0;
        const char *digits = ++p;
        for (; p < end && ascii_is_digit(*p) && port <= UINT16_MAX; p++) {
            port = port * 10 + (unsigned)(*p - '0');
        }
        if (p == digits || port > UINT16_MAX || (*digits == '0' && p - digits > 1) || port == (https ? 443 : 80)) {
            return NULL;
        }
    }
    return p;
}

/* At the end of a canonical path that starts with the slash at p (a '?' or end); NULL when it is not canonical. */
static const char *scan_path(const char *p, const char *end)
{
    for (;;) {
        while (p < end && !url_byte_is(*p, BYTE_NOT_PLAIN)) {
            p++;
        }
        if (p == end || *p == '?') {
            return p;
        }
        if (*p == '%') {
            if (end - p < 3 || !is_canonical_escape(p)) {
                return NULL;
            }
            p += 3;
        } else if (*p == '.') {
            const char *after = p + 1 < end && p[1] == '.' ? p + 2 : p + 1;
            if (p[-1] == '/' && (after == end || *after == '/' || *after == '?')) {
                return NULL;
            }
            p++;
        } else {
            return NULL;
        }
    }
}

static bool scan_query(const char *p, const char *end)
{
    for (; p < end; p++) {
        if (__builtin_expect(url_byte_is(*p, BYTE_QUERY), 0)) {
            return false;
        }
        if (*p == '%') {
            if (end - p < 3 || !is_canonical_escape(p)) {
                return false;
            }
            p += 2;
        }
    }
    return true;
}

/* *ret_path_at is set when the result is true. */
static bool scan(str s, size_t *ret_path_at)
{
    const char *p = s.p, *end = s.p + s.len;
    if (s.len < sizeof "http://" || memcmp(p, "http", 4) != 0) {
        return false;
    }
    bool https = p[4] == 's';
    p += 4 + https;
    if (end - p < 4 || memcmp(p, "://", 3) != 0) {
        return false;
    }
    p = scan_host(p + 3, end, https);
    if (!p || p == end || *p != '/') {
        return false;
    }
    *ret_path_at = (size_t)(p - s.p);
    p = scan_path(p, end);
    return p && (p == end || scan_query(p + 1, end));
}

bool url_is_canonical(str s)
{
    size_t path_at;
    return scan(s, &path_at);
}

/* ---- the whole way ---- */

/* Rewrites the escapes of p[0..len) in place; returns the new length. */
static size_t normalize_escapes(char *p, size_t len)
{
    size_t n = 0, stray = len; /* where the last '%' that starts no escape was put */
    for (size_t i = 0; i < len;) {
        char c = p[i];
        if (!url_is_escape(str_n(p, len), i)) {
            stray = c == '%' ? n : stray;
            p[n++] = c;
            i++;
            continue;
        }
        char high = p[i + 1], low = p[i + 2], byte = url_unescape(p + i);
        /* Decoded behind a stray '%', a digit would turn that into an escape: "%%34%31". */
        bool joins = n > stray && n - stray <= 2 && ascii_hex(byte) >= 0;
        i += 3;
        if (url_byte_is(byte, BYTE_UNRESERVED) && !joins) {
            p[n++] = byte;
        } else {
            p[n++] = '%';
            p[n++] = high >= 'a' ? (char)(high - 0x20) : high;
            p[n++] = low >= 'a' ? (char)(low - 0x20) : low;
        }
    }
    return n;
}

int url_canonicalize(buf *b, str in, const url *base, unsigned flags, str *ret)
{
    size_t path_at, len = in.len;
    url u;
    if (scan(in, &path_at)) {
        str target = str_from(in, path_at);
        bool drops = flags && (str_find_char(target, '?') >= 0 || str_find_char(target, ';') >= 0);
        if (!drops) {
            *ret = in;
            return URL_OK;
        }
        buf_clear(b);
        if (buf_put_str(b, in)) {
            return b->err;
        }
    } else {
        int rc = url_parse(b, in, base, &u);
        if (rc) {
            return rc;
        }
        path_at = (size_t)(u.path.p - b->p);
        len = path_at + normalize_escapes(b->p + path_at, url_target(&u).len);
    }
    buf_truncate(b, flags ? url_drop(b->p, len, path_at, flags) : len);
    *ret = buf_str(b);
    return URL_OK;
}
