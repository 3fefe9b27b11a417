/* netvet.h: which addresses and ports the fetch door may reach.
 *
 * The table follows the IANA special-purpose address registries of both families (RFC 6890 and its successors),
 * and of IPv6 only 2000::/3 is open at all. An address that carries an IPv4 address is judged by that one too, so
 * that no spelling of 127.0.0.1 gets through. Nothing here allocates or waits; values are copied. */
#ifndef WAYMARK_SCRAPE_NETVET_H
#define WAYMARK_SCRAPE_NETVET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "fiber/fiber.h"

/* HOST:PORT:ADDRESS of --resolve: the operator's word for where a host is; the address is not vetted then. */
struct netvet_pin {
    char host[256];         /* lower case, no trailing dot */
    uint16_t port;          /* as it stands in the URL */
    struct fiber_addr addr; /* the port to connect to included */
};

struct netvet_rules {
    bool allow_private;    /* opens loopback, private, shared and unique-local addresses, and every port */
    const uint16_t *ports; /* besides 80 and 443 */
    size_t n_ports;
    const struct netvet_pin *pins; /* a pinned host:port is open whatever the rest says */
    size_t n_pins;
};

enum { NETVET_TEXT_MAX = 64 };

/* 0, or -EACCES with a diagnosis such as "127.0.0.1 is loopback (127.0.0.0/8)". */
int netvet_address(const struct netvet_rules *rules, const struct fiber_addr *a);
/* 0, or -EACCES with a diagnosis that names the open ports. */
int netvet_port(const struct netvet_rules *rules, uint16_t port);

/* The pin of host and port, or NULL. host as the URL parser leaves it (lower case); one trailing dot is ignored. */
const struct netvet_pin *netvet_find_pin(const struct netvet_rules *rules, str host, uint16_t port);
/* Parses HOST:PORT:ADDRESS, where ADDRESS is 192.0.2.1, 192.0.2.1:8080, 2001:db8::1, [2001:db8::1] or
 * [2001:db8::1]:8080; without a port of its own it is PORT. Returns 0 or -EINVAL with a diagnosis. */
int netvet_parse_pin(str text, struct netvet_pin *ret_pin);

/* The address without its port, as inet_ntop(3) writes it. */
void netvet_format(const struct fiber_addr *a, char out[static NETVET_TEXT_MAX]);
bool netvet_same(const struct fiber_addr *a, const struct fiber_addr *b); /* address and port */

#endif
