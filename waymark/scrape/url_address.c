/* IP addresses in every spelling that browsers accept, and in the one that they write. */
#include "waymark/scrape/url_impl.h"

/* ---- IPv4 ---- */

/* A part of an address: decimal, octal behind "0", hexadecimal behind "0x". False: not a number. What does not fit
 * 32 bits comes out as something else that does not. */
static bool ipv4_number(str s, uint64_t *ret)
{
    unsigned base = 10;
    if (s.len >= 2 && s.p[0] == '0') {
        bool hex = (s.p[1] | 0x20) == 'x';
        base = hex ? 16 : 8;
        s = str_from(s, hex ? 2 : 1);
    } else if (s.len == 0) {
        return false;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < s.len; i++) {
        int digit = ascii_hex(s.p[i]);
        if (digit < 0 || (unsigned)digit >= base) {
            return false;
        }
        v = v > UINT32_MAX ? INT64_MAX : v * base + (unsigned)digit;
    }
    *ret = v;
    return true;
}

static bool ends_in_number(str host)
{
    const char *dot = host.len ? memrchr(host.p, '.', host.len) : NULL;
    if (dot && dot == host.p + host.len - 1) {
        host.len--;
        dot = host.len ? memrchr(host.p, '.', host.len) : NULL;
    }
    str last = dot ? str_from(host, (size_t)(dot - host.p) + 1) : host;
    uint64_t v;
    size_t digits = 0;
    while (digits < last.len && ascii_is_digit(last.p[digits])) {
        digits++;
    }
    return (last.len && digits == last.len) || ipv4_number(last, &v);
}

bool url_ipv4(str host, uint8_t ret_address[static 4], int *ret_error)
{
    if (!ends_in_number(host)) {
        return false;
    }
    *ret_error = URL_HOST_IPV4;
    if (host.p[host.len - 1] == '.') {
        host.len--;
    }
    uint64_t parts[4];
    unsigned n = 0;
    while (host.p) {
        if (n == 4 || !ipv4_number(str_cut(&host, '.'), &parts[n++])) {
            return true;
        }
    }
    /* The last part fills all bytes that the ones before it leave. */
    uint64_t address = parts[n - 1];
    if (address >> (8 * (5 - n))) {
        return true;
    }
    for (unsigned i = 0; i + 1 < n; i++) {
        if (parts[i] > 255) {
            return true;
        }
        address |= parts[i] << (8 * (3 - i));
    }
    for (unsigned i = 0; i < 4; i++) {
        ret_address[i] = (uint8_t)(address >> (8 * (3 - i)));
    }
    *ret_error = URL_OK;
    return true;
}

static void put_decimal(struct url_out *o, unsigned v)
{
    if (v >= 100) {
        url_out_char(o, (char)('0' + v / 100));
    }
    if (v >= 10) {
        url_out_char(o, (char)('0' + v / 10 % 10));
    }
    url_out_char(o, (char)('0' + v % 10));
}

void url_out_ipv4(struct url_out *o, const uint8_t address[static 4])
{
    for (unsigned i = 0; i < 4; i++) {
        if (i) {
            url_out_char(o, '.');
        }
        put_decimal(o, address[i]);
    }
}

/* ---- IPv6 ---- */

/* Four decimal parts, as the last 32 bits of an IPv6 address may be written. */
static bool dotted_quad(str s, uint8_t ret[static 4])
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t v;
        str part = str_cut(&s, '.');
        if (!part.p || (part.len > 1 && part.p[0] == '0') || !str_to_u64(part, 255, &v)) {
            return false;
        }
        ret[i] = (uint8_t)v;
    }
    return s.p == NULL;
}

static bool hex_piece(str s, uint8_t ret[static 2])
{
    unsigned v = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (ascii_hex(s.p[i]) < 0) {
            return false;
        }
        v = v << 4 | (unsigned)ascii_hex(s.p[i]);
        if (i == 4) {
            return false;
        }
    }
    ret[0] = (uint8_t)(v >> 8);
    ret[1] = (uint8_t)v;
    return s.len > 0;
}

/* Reads pieces into at most room bytes; a dotted quad may be the last. The number of bytes, or -1. */
static int pieces(str s, uint8_t *to, int room)
{
    int n = 0;
    while (s.p && s.len) {
        str rest = s, piece = str_cut(&rest, ':');
        if (!rest.p && str_find_char(piece, '.') >= 0) {
            return n + 4 <= room && dotted_quad(piece, to + n) ? n + 4 : -1;
        }
        /* A colon with nothing behind it. */
        bool dangling = rest.p && rest.len == 0;
        if (n + 2 > room || dangling || !hex_piece(piece, to + n)) {
            return -1;
        }
        n += 2;
        s = rest;
    }
    return n;
}

int url_ipv6(str s, uint8_t ret_address[static 16])
{
    uint8_t head[16] = {0}, tail[16] = {0};
    if (str_find_char(s, '%') >= 0) {
        return URL_HOST_ZONE;
    }
    ptrdiff_t gap = str_find(s, STR("::"));
    if (gap < 0) {
        if (pieces(s, head, 16) != 16) {
            return URL_HOST_IPV6;
        }
    } else {
        str before = str_n(s.p, (size_t)gap);
        /* A dotted quad may only end the whole address. */
        int front = str_find_char(before, '.') >= 0 ? -1 : pieces(before, head, 14);
        int back = front < 0 ? -1 : pieces(str_from(s, (size_t)gap + 2), tail, 14 - front);
        if (back < 0) {
            return URL_HOST_IPV6;
        }
        memcpy(head + 16 - back, tail, (size_t)back);
    }
    memcpy(ret_address, head, 16);
    return URL_OK;
}

void url_out_ipv6(struct url_out *o, const uint8_t address[static 16])
{
    static const char hex[] = "0123456789abcdef";
    unsigned piece[8], gap = 8, gap_len = 1;
    for (unsigned i = 0, run = 0; i < 8; i++) {
        piece[i] = (unsigned)address[2 * i] << 8 | address[2 * i + 1];
        run = piece[i] ? 0 : run + 1;
        if (run > gap_len) {
            gap_len = run;
            gap = i + 1 - run;
        }
    }
    url_out_char(o, '[');
    for (unsigned i = 0; i < 8; i++) {
        if (i == gap) {
            url_out_str(o, i == 0 ? STR("::") : STR(":"));
            i += gap_len - 1;
            continue;
        }
        bool started = false;
        for (int shift = 12; shift >= 0; shift -= 4) {
            unsigned digit = piece[i] >> shift & 15;
            started = started || digit || shift == 0;
            if (started) {
                url_out_char(o, hex[digit]);
            }
        }
        if (i < 7) {
            url_out_char(o, ':');
        }
    }
    url_out_char(o, ']');
}
