#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "waymark/scrape/fetch_impl.h"

/* Far more than a name has honestly; every one of them is vetted, the first FETCH_ADDRESSES_MAX are used. */
enum { ANSWERS_MAX = 1024 };

static void literal_address(const url *u, struct fiber_addr *ret)
{
    *ret = (struct fiber_addr){0};
    if (u->host_kind == URL_IPV4) {
        struct sockaddr_in *in = (struct sockaddr_in *)&ret->ss;
        in->sin_family = AF_INET;
        in->sin_port = htons(u->port);
        memcpy(&in->sin_addr, u->address, 4);
        ret->len = sizeof *in;
    } else {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)&ret->ss;
        in->sin6_family = AF_INET6;
        in->sin6_port = htons(u->port);
        memcpy(&in->sin6_addr, u->address, 16);
        ret->len = sizeof *in;
    }
}

static int look_up(fetcher *f, const char *host, uint16_t port, struct fiber_addr *answers, int64_t deadline)
{
    return f->resolve ? f->resolve(f->resolve_arg, host, port, answers, ANSWERS_MAX, deadline)
                      : fiber_resolve(host, port, answers, ANSWERS_MAX, deadline);
}

/* Vets all of the answers, so that a name with one foot inside is not touched at all. */
static int vet_name(fetcher *f, const url *u, int64_t deadline, struct fiber_addr *addrs,
                    enum fetch_outcome *ret_outcome)
{
    MEM_AUTO struct fiber_addr *answers = mem_alloc(ANSWERS_MAX * sizeof *answers);
    MEM_AUTO char *host = mem_memdup0(u->host.p, u->host.len);
    if (!answers || !host) {
        return diag_nomem();
    }
    int n = look_up(f, host, u->port, answers, deadline);
    if (n == -ECANCELED || n == -ENOMEM) {
        return n;
    }
    if (n <= 0) {
        *ret_outcome = n == -ENOENT ? FETCH_DNS_NO_NAME : FETCH_DNS_FAILED;
        if (n == 0 || n == -ETIMEDOUT) {
            (void)diag_set(-EAGAIN, "the name service gave no address of %s%s", host, n ? " in time" : "");
        }
        return 0;
    }
    assert(n <= ANSWERS_MAX);
    for (int i = 0; i < n; i++) {
        if (netvet_address(&f->rules, &answers[i]) < 0) {
            *ret_outcome = FETCH_DENIED_ADDRESS;
            (void)diag_wrap(-EACCES, "%s", host);
            return 0;
        }
    }
    n = n < FETCH_ADDRESSES_MAX ? n : FETCH_ADDRESSES_MAX;
    memcpy(addrs, answers, (size_t)n * sizeof *addrs);
    return n;
}

int where_is(fetcher *f, const url *u, int64_t deadline, struct fiber_addr addrs[static FETCH_ADDRESSES_MAX],
             bool *ret_pinned, enum fetch_outcome *ret_outcome)
{
    const struct netvet_pin *pin = netvet_find_pin(&f->rules, u->host, u->port);
    *ret_pinned = pin != NULL;
    if (pin) {
        addrs[0] = pin->addr;
        return 1;
    }
    if (netvet_port(&f->rules, u->port) < 0) {
        *ret_outcome = FETCH_DENIED_PORT;
        return 0;
    }
    if (u->host_kind == URL_DOMAIN) {
        return vet_name(f, u, deadline, addrs, ret_outcome);
    }
    literal_address(u, &addrs[0]);
    if (netvet_address(&f->rules, &addrs[0]) < 0) {
        *ret_outcome = FETCH_DENIED_ADDRESS;
        return 0;
    }
    return 1;
}
