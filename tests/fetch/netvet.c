#include "waymark/scrape/netvet.h"

#include <errno.h>

#include "base/diag.h"
#include "test.h"

static const struct netvet_rules strict = {0}, intranet = {.allow_private = true};

static struct fiber_addr parsed(const char *ip)
{
    struct fiber_addr a;
    ck_assert_msg(fiber_addr_parse(ip, 80, &a) == 0, "%s", ip);
    return a;
}

static bool open_to(const struct netvet_rules *rules, const char *ip)
{
    struct fiber_addr a = parsed(ip);
    int r = netvet_address(rules, &a);
    ck_assert(r == 0 || r == -EACCES);
    return r == 0;
}

/* The first and last address of a range, and what lies just outside: NULL where that is denied for another reason. */
static const struct {
    const char *before, *first, *last, *after, *name;
} ranges[] = {
    {NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0", "this network (0.0.0.0/8)"},
    {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", "private (10.0.0.0/8)"},
    {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0", "carrier-grade NAT (100.64.0.0/10)"},
    {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0", "loopback (127.0.0.0/8)"},
    {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0", "link-local (169.254.0.0/16)"},
    {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0", "private (172.16.0.0/12)"},
    {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0", "IETF protocol assignments (192.0.0.0/24)"},
    {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0", "documentation (192.0.2.0/24)"},
    {"192.31.195.255", "192.31.196.0", "192.31.196.255", "192.31.197.0", "AS112 (192.31.196.0/24)"},
    {"192.52.192.255", "192.52.193.0", "192.52.193.255", "192.52.194.0", "AMT relay (192.52.193.0/24)"},
    {"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0", "6to4 relay (192.88.99.0/24)"},
    {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0", "private (192.168.0.0/16)"},
    {"192.175.47.255", "192.175.48.0", "192.175.48.255", "192.175.49.0", "AS112 (192.175.48.0/24)"},
    {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0", "benchmarking (198.18.0.0/15)"},
    {"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0", "documentation (198.51.100.0/24)"},
    {"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0", "documentation (203.0.113.0/24)"},
    {"223.255.255.255", "224.0.0.0", "239.255.255.255", NULL, "multicast (224.0.0.0/4)"},
    {NULL, "240.0.0.0", "255.255.255.254", NULL, "reserved (240.0.0.0/4)"},
    {NULL, "255.255.255.255", "255.255.255.255", NULL, "broadcast (255.255.255.255/32)"},

    {NULL, "::", "::", NULL, "unspecified (::/128)"},
    {NULL, "::1", "::1", NULL, "loopback (::1/128)"},
    {NULL, "::102:304", "::dfff:ffff", NULL, "IPv4-compatible (::/96)"},
    {NULL, "::ffff:1.0.0.0", "::ffff:223.255.255.255", NULL, "IPv4-mapped (::ffff:0:0/96)"},
    {NULL, "::ffff:0:1.0.0.0", "::ffff:0:223.255.255.255", NULL, "IPv4-translated (::ffff:0:0:0/96)"},
    {NULL, "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", NULL, "local-use NAT64 (64:ff9b:1::/48)"},
    {NULL, "100::", "100::ffff:ffff:ffff:ffff", NULL, "discard-only (100::/64)"},
    {NULL, "100:0:0:1::", "100::1:ffff:ffff:ffff:ffff", NULL, "dummy prefix (100:0:0:1::/64)"},
    {NULL, "2001::", "2001::ffff:ffff:ffff:ffff:ffff:ffff", NULL, "Teredo (2001::/32)"},
    {NULL, "2001:2::", "2001:2::ffff:ffff:ffff:ffff:ffff", NULL, "benchmarking (2001:2::/48)"},
    {NULL, "2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "ORCHID (2001:10::/28)"},
    {NULL, "2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "ORCHIDv2 (2001:20::/28)"},
    {NULL, "2001:30::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:200::", "IETF protocol assignments (2001::/23)"},
    {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:db9::", "documentation (2001:db8::/32)"},
    {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "2003::", "6to4 (2002::/16)"},
    {"2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
     "2620:4f:8001::", "AS112 (2620:4f:8000::/48)"},
    {"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
     "3fff:1000::", "documentation (3fff::/20)"},
    {NULL, "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "SRv6 segments (5f00::/16)"},
    {NULL, "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "unique-local (fc00::/7)"},
    {NULL, "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "link-local (fe80::/10)"},
    {NULL, "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "site-local (fec0::/10)"},
    {NULL, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "multicast (ff00::/8)"},
};

START_TEST(every_special_range_is_closed_from_its_first_to_its_last_address_and_no_further)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const char *const in[] = {ranges[i].first, ranges[i].last}, *const out[] = {ranges[i].before, ranges[i].after};
        for (int k = 0; k < 2; k++) {
            ck_assert_msg(!open_to(&strict, in[k]), "%s is open", in[k]);
            ck_assert_msg(strstr(diag_last()->message, ranges[i].name), "%s: %s", in[k], diag_last()->message);
            ck_assert_msg(!out[k] || open_to(&strict, out[k]), "%s is closed: %s", out[k], diag_last()->message);
        }
    }
}
END_TEST

START_TEST(the_diagnosis_names_the_address_and_the_range)
{
    ck_assert(!open_to(&strict, "127.0.0.1"));
    ck_assert_str_eq(diag_last()->message, "127.0.0.1 is loopback (127.0.0.0/8)");
    ck_assert_str_eq(diag_last()->hint, "--allow-private opens it");
}
END_TEST

START_TEST(public_addresses_are_open)
{
    static const char *const some[] = {"1.1.1.1", "8.8.8.8", "223.255.255.255", "2a00:1450:4001::1", "2606:4700::1111"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        ck_assert_msg(open_to(&strict, some[i]), "%s: %s", some[i], diag_last()->message);
    }
}
END_TEST

START_TEST(only_global_unicast_is_open_in_ipv6)
{
    static const char *const some[] = {"1::", "1fff:ffff::1", "4000::1", "5eff::1", "8000::1", "fbff::1", "200::1"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        ck_assert_msg(!open_to(&strict, some[i]), "%s is open", some[i]);
    }
}
END_TEST

START_TEST(a_carried_ipv4_address_is_judged_too)
{
    ck_assert(!open_to(&strict, "::ffff:127.0.0.1"));
    ck_assert(strstr(diag_last()->message, "carries 127.0.0.1, which is loopback"));
    ck_assert(!open_to(&strict, "::127.0.0.1"));
    ck_assert(!open_to(&strict, "64:ff9b::7f00:1"));
    ck_assert(strstr(diag_last()->message, "NAT64 (64:ff9b::/96) and carries 127.0.0.1"));
    ck_assert(!open_to(&strict, "64:ff9b::169.254.169.254"));
    ck_assert(open_to(&strict, "64:ff9b::8.8.8.8"));
    ck_assert(!open_to(&strict, "64:ff9b::1:0:808:808"));
}
END_TEST

START_TEST(allow_private_opens_intranets_and_no_more)
{
    static const char *const open[] = {"127.0.0.1",  "10.1.2.3", "172.16.0.1", "192.168.1.1",
                                       "100.64.0.1", "::1",      "fd00::1",    "64:ff9b::10.0.0.1"};
    static const char *const closed[] = {
        "169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255",  "192.0.2.1",
        "fe80::1",         "ff02::1", "::",        "::ffff:127.0.0.1", "64:ff9b::169.254.169.254"};
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        ck_assert_msg(open_to(&intranet, open[i]), "%s: %s", open[i], diag_last()->message);
    }
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        ck_assert_msg(!open_to(&intranet, closed[i]), "%s is open", closed[i]);
    }
}
END_TEST

START_TEST(a_zone_id_is_refused_even_on_a_public_address)
{
    struct fiber_addr a = parsed("2606:4700::1111");
    ((struct sockaddr_in6 *)&a.ss)->sin6_scope_id = 2;
    CODE(netvet_address(&strict, &a), -EACCES);
    struct fiber_addr other = {.ss.ss_family = AF_UNIX};
    CODE(netvet_address(&intranet, &other), -EACCES);
}
END_TEST

START_TEST(ports_80_and_443_are_open_and_others_when_named)
{
    static const uint16_t named[] = {8080};
    const struct netvet_rules widened = {.ports = named, .n_ports = 1};
    OK(netvet_port(&strict, 80));
    OK(netvet_port(&strict, 443));
    CODE(netvet_port(&strict, 8080), -EACCES);
    OK(netvet_port(&widened, 8080));
    CODE(netvet_port(&widened, 22), -EACCES);
    OK(netvet_port(&intranet, 22));
}
END_TEST

START_TEST(pins_are_parsed_in_every_form)
{
    static const struct {
        const char *text, *host, *address;
        uint16_t port, to;
    } good[] = {
        {"www.example.com:443:93.184.216.34", "www.example.com", "93.184.216.34", 443, 443},
        {"WWW.Example.COM.:80:127.0.0.1:8080", "www.example.com", "127.0.0.1", 80, 8080},
        {"a.test:80:::1", "a.test", "::1", 80, 80},
        {"a.test:80:[::1]", "a.test", "::1", 80, 80},
        {"a.test:80:[2001:db8::7]:8443", "a.test", "2001:db8::7", 80, 8443},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct netvet_pin pin;
        OK(netvet_parse_pin(str_of(good[i].text), &pin));
        struct fiber_addr want;
        OK(fiber_addr_parse(good[i].address, good[i].to, &want));
        ck_assert_str_eq(pin.host, good[i].host);
        ck_assert_uint_eq(pin.port, good[i].port);
        ck_assert_msg(netvet_same(&pin.addr, &want), "%s", good[i].text);
    }
    static const char *const bad[] = {"",
                                      "a.test",
                                      "a.test:80",
                                      "a.test:80:",
                                      "a.test:0:1.2.3.4",
                                      "a.test:99999:1.2.3.4",
                                      ":80:1.2.3.4",
                                      "a.test:80:name",
                                      "a.test:80:1.2.3.4:",
                                      "a.test:80:1.2.3.4:0",
                                      "a.test:80:[::1",
                                      "a.test:80:[::1]x",
                                      "a.test:80:[::1]:",
                                      "a.test:x:1.2.3.4"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct netvet_pin pin;
        ck_assert_msg(netvet_parse_pin(str_of(bad[i]), &pin) == -EINVAL, "\"%s\" was taken", bad[i]);
        ck_assert(diag_last()->hint[0]);
    }
}
END_TEST

START_TEST(a_pin_is_found_by_host_and_port)
{
    struct netvet_pin pin;
    OK(netvet_parse_pin(STR("a.test:80:127.0.0.1:8080"), &pin));
    const struct netvet_rules rules = {.pins = &pin, .n_pins = 1};
    ck_assert_ptr_eq(netvet_find_pin(&rules, STR("a.test"), 80), &pin);
    ck_assert_ptr_eq(netvet_find_pin(&rules, STR("a.test."), 80), &pin);
    ck_assert_ptr_null(netvet_find_pin(&rules, STR("a.test"), 443));
    ck_assert_ptr_null(netvet_find_pin(&rules, STR("b.a.test"), 80));
}
END_TEST

RUN("netvet", 10, CASE(every_special_range_is_closed_from_its_first_to_its_last_address_and_no_further),
    CASE(the_diagnosis_names_the_address_and_the_range), CASE(public_addresses_are_open),
    CASE(only_global_unicast_is_open_in_ipv6), CASE(a_carried_ipv4_address_is_judged_too),
    CASE(allow_private_opens_intranets_and_no_more), CASE(a_zone_id_is_refused_even_on_a_public_address),
    CASE(ports_80_and_443_are_open_and_others_when_named), CASE(pins_are_parsed_in_every_form),
    CASE(a_pin_is_found_by_host_and_port));
