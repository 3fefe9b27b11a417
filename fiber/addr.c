/* Addresses of sockets: from text, and to text. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "fiber/internal.h"

int fiber_addr_parse(const char *ip, uint16_t port, struct fiber_addr *ret)
{
    struct fiber_addr a = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a.ss;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.ss;
    if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        a.len = sizeof *v4;
    } else if (inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        a.len = sizeof *v6;
    } else {
        return diag_set(-EINVAL, "\"%.64s\" is not an IPv4 or IPv6 address", ip);
    }
    *ret = a;
    return 0;
}

int fiber_addr_unix(const char *path, struct fiber_addr *ret)
{
    struct fiber_addr a = {0};
    struct sockaddr_un *un = (struct sockaddr_un *)&a.ss;
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof un->sun_path) {
        return diag_set(-EINVAL, "a Unix socket's path has 1 to %zu bytes, not %zu", sizeof un->sun_path - 1, len);
    }
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, len);
    a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    *ret = a;
    return 0;
}

const char *fiber_addr_format(const struct fiber_addr *a, char out[static FIBER_ADDR_TEXT])
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->ss;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->ss;
    const struct sockaddr_un *un = (const struct sockaddr_un *)&a->ss;
    char ip[INET6_ADDRSTRLEN] = "";
    switch (a->ss.ss_family) {
    case AF_INET:
        (void)inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof ip);
        (void)snprintf(out, FIBER_ADDR_TEXT, "%s:%d", ip, ntohs(v4->sin_port));
        break;
    case AF_INET6:
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof ip);
        (void)snprintf(out, FIBER_ADDR_TEXT, "[%s]:%d", ip, ntohs(v6->sin6_port));
        break;
    case AF_UNIX:
        (void)snprintf(out, FIBER_ADDR_TEXT, "%.*s", (int)sizeof un->sun_path, un->sun_path);
        break;
    default:
        (void)snprintf(out, FIBER_ADDR_TEXT, "an address of family %d", a->ss.ss_family);
    }
    return out;
}
