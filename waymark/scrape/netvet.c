#include "waymark/scrape/netvet.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/diag.h"

struct range {
    uint8_t net[16];
    uint8_t bits;
    bool intranet; /* what allow_private opens */
    bool carries;  /* an IPv4 address in the last four bytes, judged first */
    bool open;     /* judged by that one alone */
    const char *name, *text;
};

#define V4(a, b, c, d)     \
    {                      \
        (a), (b), (c), (d) \
    }
/* The first match counts, so the narrow ones come before those that contain them. */
static const struct range ranges4[] = {
    {V4(255, 255, 255, 255), 32, .name = "broadcast", .text = "255.255.255.255/32"},
    {V4(0, 0, 0, 0), 8, .name = "this network", .text = "0.0.0.0/8"},
    {V4(10, 0, 0, 0), 8, .intranet = true, .name = "private", .text = "10.0.0.0/8"},
    {V4(100, 64, 0, 0), 10, .intranet = true, .name = "carrier-grade NAT", .text = "100.64.0.0/10"},
    {V4(127, 0, 0, 0), 8, .intranet = true, .name = "loopback", .text = "127.0.0.0/8"},
    {V4(169, 254, 0, 0), 16, .name = "link-local", .text = "169.254.0.0/16"},
    {V4(172, 16, 0, 0), 12, .intranet = true, .name = "private", .text = "172.16.0.0/12"},
    {V4(192, 0, 0, 0), 24, .name = "IETF protocol assignments", .text = "192.0.0.0/24"},
    {V4(192, 0, 2, 0), 24, .name = "documentation", .text = "192.0.2.0/24"},
    {V4(192, 31, 196, 0), 24, .name = "AS112", .text = "192.31.196.0/24"},
    {V4(192, 52, 193, 0), 24, .name = "AMT relay", .text = "192.52.193.0/24"},
    {V4(192, 88, 99, 0), 24, .name = "6to4 relay", .text = "192.88.99.0/24"},
    {V4(192, 168, 0, 0), 16, .intranet = true, .name = "private", .text = "192.168.0.0/16"},
    {V4(192, 175, 48, 0), 24, .name = "AS112", .text = "192.175.48.0/24"},
    {V4(198, 18, 0, 0), 15, .name = "benchmarking", .text = "198.18.0.0/15"},
    {V4(198, 51, 100, 0), 24, .name = "documentation", .text = "198.51.100.0/24"},
    {V4(203, 0, 113, 0), 24, .name = "documentation", .text = "203.0.113.0/24"},
    {V4(224, 0, 0, 0), 4, .name = "multicast", .text = "224.0.0.0/4"},
    {V4(240, 0, 0, 0), 4, .name = "reserved", .text = "240.0.0.0/4"},
};

static const struct range ranges6[] = {
    {{0}, 128, .name = "unspecified", .text = "::/128"},
    {{[15] = 1}, 128, .intranet = true, .name = "loopback", .text = "::1/128"},
    {{0}, 96, .carries = true, .name = "IPv4-compatible", .text = "::/96"},
    {{[10] = 0xff, 0xff}, 96, .carries = true, .name = "IPv4-mapped", .text = "::ffff:0:0/96"},
    {{[8] = 0xff, 0xff}, 96, .carries = true, .name = "IPv4-translated", .text = "::ffff:0:0:0/96"},
    /* A network without IPv4 sees every IPv4 site through this prefix (DNS64), so it stands or falls with that site. */
    {{0x00, 0x64, 0xff, 0x9b}, 96, .carries = true, .open = true, .name = "NAT64", .text = "64:ff9b::/96"},
    {{0x00, 0x64, 0xff, 0x9b, 0, 1}, 48, .name = "local-use NAT64", .text = "64:ff9b:1::/48"},
    {{0x01, 0x00}, 64, .name = "discard-only", .text = "100::/64"},
    {{0x01, 0x00, [7] = 1}, 64, .name = "dummy prefix", .text = "100:0:0:1::/64"},
    {{0x20, 0x01, 0, 0}, 32, .name = "Teredo", .text = "2001::/32"},
    {{0x20, 0x01, 0, 2}, 48, .name = "benchmarking", .text = "2001:2::/48"},
    {{0x20, 0x01, 0, 0x10}, 28, .name = "ORCHID", .text = "2001:10::/28"},
    {{0x20, 0x01, 0, 0x20}, 28, .name = "ORCHIDv2", .text = "2001:20::/28"},
    {{0x20, 0x01}, 23, .name = "IETF protocol assignments", .text = "2001::/23"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, .name = "documentation", .text = "2001:db8::/32"},
    {{0x20, 0x02}, 16, .name = "6to4", .text = "2002::/16"},
    {{0x26, 0x20, 0, 0x4f, 0x80}, 48, .name = "AS112", .text = "2620:4f:8000::/48"},
    {{0x3f, 0xff}, 20, .name = "documentation", .text = "3fff::/20"},
    {{0x5f, 0x00}, 16, .name = "SRv6 segments", .text = "5f00::/16"},
    {{0xfc}, 7, .intranet = true, .name = "unique-local", .text = "fc00::/7"},
    {{0xfe, 0x80}, 10, .name = "link-local", .text = "fe80::/10"},
    {{0xfe, 0xc0}, 10, .name = "site-local", .text = "fec0::/10"},
    {{0xff}, 8, .name = "multicast", .text = "ff00::/8"},
};

static bool in_range(const struct range *r, const uint8_t *a)
{
    size_t whole = r->bits / 8u;
    unsigned rest = r->bits % 8u;
    if (memcmp(r->net, a, whole) != 0) {
        return false;
    }
    return rest == 0 || ((r->net[whole] ^ a[whole]) >> (8 - rest)) == 0;
}

static const struct range *find(const struct range *table, size_t n, const uint8_t *a)
{
    for (size_t i = 0; i < n; i++) {
        if (in_range(&table[i], a)) {
            return &table[i];
        }
    }
    return NULL;
}

static const struct range *find4(const uint8_t *a)
{
    return find(ranges4, sizeof ranges4 / sizeof *ranges4, a);
}

static int deny(const struct range *r, const char *text)
{
    (void)diag_set(-EACCES, "%s is %s (%s)", text, r->name, r->text);
    if (r->intranet) {
        diag_hint("--allow-private opens it");
    }
    return -EACCES;
}

static int vet4(const struct netvet_rules *rules, const uint8_t *a, const char *text)
{
    const struct range *r = find4(a);
    if (!r || (r->intranet && rules->allow_private)) {
        return 0;
    }
    return deny(r, text);
}

static int vet6(const struct netvet_rules *rules, const uint8_t *a, const char *text)
{
    const struct range *r = find(ranges6, sizeof ranges6 / sizeof *ranges6, a);
    if (!r) {
        return (a[0] & 0xe0) == 0x20 ? 0 : diag_set(-EACCES, "%s is not global unicast (2000::/3)", text);
    }
    if (r->intranet && rules->allow_private) {
        return 0;
    }
    if (r->carries) {
        const struct range *in = find4(a + 12);
        if (in && !(r->open && in->intranet && rules->allow_private)) {
            char inner[INET_ADDRSTRLEN];
            (void)inet_ntop(AF_INET, a + 12, inner, sizeof inner);
            return diag_set(-EACCES, "%s is %s (%s) and carries %s, which is %s (%s)", text, r->name, r->text, inner,
                            in->name, in->text);
        }
        if (r->open) {
            return 0;
        }
    }
    return deny(r, text);
}

void netvet_format(const struct fiber_addr *a, char out[static NETVET_TEXT_MAX])
{
    const void *p = a->ss.ss_family == AF_INET    ? (const void *)&((const struct sockaddr_in *)&a->ss)->sin_addr
                    : a->ss.ss_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)&a->ss)->sin6_addr
                                                  : NULL;
    if (!p || !inet_ntop(a->ss.ss_family, p, out, NETVET_TEXT_MAX)) {
        memcpy(out, "?", 2);
    }
}

int netvet_address(const struct netvet_rules *rules, const struct fiber_addr *a)
{
    char text[NETVET_TEXT_MAX];
    netvet_format(a, text);
    if (a->ss.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&a->ss;
        uint8_t v4[4];
        memcpy(v4, &in->sin_addr, sizeof v4);
        return vet4(rules, v4, text);
    }
    if (a->ss.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&a->ss;
        if (in->sin6_scope_id != 0) {
            return diag_set(-EACCES, "%s has a zone id, so it is not a public address", text);
        }
        return vet6(rules, in->sin6_addr.s6_addr, text);
    }
    return diag_set(-EACCES, "the address is neither IPv4 nor IPv6");
}

int netvet_port(const struct netvet_rules *rules, uint16_t port)
{
    if (port == 80 || port == 443 || rules->allow_private) {
        return 0;
    }
    for (size_t i = 0; i < rules->n_ports; i++) {
        if (rules->ports[i] == port) {
            return 0;
        }
    }
    return diag_set(-EACCES, "port %u is closed: 80, 443%s are open", port,
                    rules->n_ports ? " and those you named" : "");
}

bool netvet_same(const struct fiber_addr *a, const struct fiber_addr *b)
{
    if (a->ss.ss_family != b->ss.ss_family) {
        return false;
    }
    if (a->ss.ss_family == AF_INET) {
        const struct sockaddr_in *x = (const struct sockaddr_in *)&a->ss, *y = (const struct sockaddr_in *)&b->ss;
        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    if (a->ss.ss_family == AF_INET6) {
        const struct sockaddr_in6 *x = (const struct sockaddr_in6 *)&a->ss, *y = (const struct sockaddr_in6 *)&b->ss;
        return x->sin6_port == y->sin6_port && x->sin6_scope_id == y->sin6_scope_id &&
               memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
    }
    return false;
}

/* ---- pins ---- */

static str without_dot(str host)
{
    return host.len > 1 && host.p[host.len - 1] == '.' ? str_n(host.p, host.len - 1) : host;
}

const struct netvet_pin *netvet_find_pin(const struct netvet_rules *rules, str host, uint16_t port)
{
    host = without_dot(host);
    for (size_t i = 0; i < rules->n_pins; i++) {
        const struct netvet_pin *pin = &rules->pins[i];
        if (pin->port == port && str_eq_nocase(host, str_of(pin->host))) {
            return pin;
        }
    }
    return NULL;
}

/* Splits "ip", "v4:port", "[v6]" and "[v6]:port"; *ret_port keeps its value when there is none. */
static bool split_address(str text, str *ret_ip, uint16_t *ret_port)
{
    str port = {0};
    if (text.len && text.p[0] == '[') {
        ptrdiff_t end = str_find_char(text, ']');
        if (end < 0) {
            return false;
        }
        *ret_ip = str_n(text.p + 1, (size_t)end - 1);
        port = str_from(text, (size_t)end + 1);
        if (port.len && port.p[0] != ':') {
            return false;
        }
        port = str_from(port, 1);
        if (text.len > (size_t)end + 1 && !port.len) {
            return false;
        }
    } else {
        ptrdiff_t colon = str_find_char(text, ':');
        bool v6 = colon >= 0 && str_find_char(str_from(text, (size_t)colon + 1), ':') >= 0;
        *ret_ip = colon < 0 || v6 ? text : str_n(text.p, (size_t)colon);
        port = colon < 0 || v6 ? (str){0} : str_from(text, (size_t)colon + 1);
        if (colon >= 0 && !v6 && !port.len) {
            return false;
        }
    }
    uint64_t n = *ret_port;
    if (port.len && (!str_to_u64(port, UINT16_MAX, &n) || n == 0)) {
        return false;
    }
    *ret_port = (uint16_t)n;
    return true;
}

int netvet_parse_pin(str text, struct netvet_pin *ret_pin)
{
    struct netvet_pin pin = {0};
    str rest = text;
    str host = without_dot(str_cut(&rest, ':')), port = str_cut(&rest, ':'), ip;
    uint64_t n;
    char literal[NETVET_TEXT_MAX];
    if (!host.len || host.len >= sizeof pin.host || !str_to_u64(port, UINT16_MAX, &n) || n == 0 || !rest.p) {
        goto bad;
    }
    pin.port = (uint16_t)n;
    uint16_t to = pin.port;
    if (!split_address(rest, &ip, &to) || !ip.len || ip.len >= sizeof literal) {
        goto bad;
    }
    memcpy(literal, ip.p, ip.len);
    literal[ip.len] = '\0';
    if (fiber_addr_parse(literal, to, &pin.addr) != 0) {
        goto bad;
    }
    for (size_t i = 0; i < host.len; i++) {
        pin.host[i] = ascii_lower(host.p[i]);
    }
    *ret_pin = pin;
    return 0;
bad:
    (void)diag_set(-EINVAL, "\"%.*s\" is not HOST:PORT:ADDRESS", (int)(text.len < 200 ? text.len : 200),
                   text.p ? text.p : "");
    diag_hint("write for example www.example.com:443:192.0.2.7, or www.example.com:443:127.0.0.1:8443");
    return -EINVAL;
}
