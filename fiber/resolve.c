/* Names by getaddrinfo(3). A lookup may hang for half a minute, so it runs on threads of its own and is left behind by
 * a fiber that gives up; it frees itself when it ends. */
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"
#include "fiber/internal.h"
#include "fiber/pool.h"

enum { NAME_THREADS = 8, NAME_MAX_LEN = 255 };

struct lookup {
    struct pool_job job;
    fiber_waiter *waiter; /* NULL: left behind */
    struct addrinfo *found;
    int rc, err; /* getaddrinfo's result, and errno with EAI_SYSTEM */
    char host[NAME_MAX_LEN + 1];
};

static void run(struct pool_job *job)
{
    struct lookup *q = (struct lookup *)job;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    q->rc = getaddrinfo(q->host, NULL, &hints, &q->found);
    q->err = errno;
}

static void release(struct lookup *q)
{
    if (q->found) {
        freeaddrinfo(q->found);
    }
    mem_free(q);
}

static void done(struct pool_job *job)
{
    struct lookup *q = (struct lookup *)job;
    if (q->waiter) {
        fiber_wake(q->waiter);
    } else {
        release(q);
    }
}

static int failure(const struct lookup *q)
{
    switch (q->rc) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return diag_set(-ENOENT, "there is no host \"%s\"", q->host);
    case EAI_AGAIN:
        return diag_set(-EAGAIN, "the resolver cannot tell the address of \"%s\" for now", q->host);
    case EAI_MEMORY:
        return diag_nomem();
    case EAI_SYSTEM:
        return diag_set(q->err > 0 ? -q->err : -EIO, "cannot resolve \"%s\": %s", q->host, strerror(q->err));
    default:
        return diag_set(-EIO, "cannot resolve \"%s\": %s", q->host, gai_strerror(q->rc));
    }
}

static int collect(const struct lookup *q, uint16_t port, struct fiber_addr *addrs, size_t max)
{
    size_t n = 0;
    for (const struct addrinfo *i = q->found; i && n < max && n < INT32_MAX; i = i->ai_next) {
        if (i->ai_family != AF_INET && i->ai_family != AF_INET6) {
            continue;
        }
        struct fiber_addr *a = &addrs[n++];
        *a = (struct fiber_addr){.len = i->ai_addrlen};
        memcpy(&a->ss, i->ai_addr, i->ai_addrlen);
        if (i->ai_family == AF_INET) {
            ((struct sockaddr_in *)&a->ss)->sin_port = htons(port);
        } else {
            ((struct sockaddr_in6 *)&a->ss)->sin6_port = htons(port);
        }
    }
    return n ? (int)n : diag_set(-ENOENT, "\"%s\" has no IPv4 or IPv6 address", q->host);
}

int fiber_resolve(const char *host, uint16_t port, struct fiber_addr *addrs, size_t max, int64_t deadline)
{
    assert(host && addrs && max > 0);
    int rc = suspend_begin(&deadline);
    fiber_loop *l = rc ? NULL : loop_needed();
    if (!l) {
        return rc ? rc : -ENXIO;
    }
    size_t len = strlen(host);
    if (len == 0 || len > NAME_MAX_LEN) {
        return diag_set(-ENOENT, "a host name has 1 to %d bytes, not %zu", NAME_MAX_LEN, len);
    }
    struct lookup *q = mem_zalloc(1, sizeof *q);
    if (!q) {
        return diag_nomem();
    }
    memcpy(q->host, host, len);
    q->job.run = run;
    q->job.done = done;
    rc = pool_submit(&l->names, l, NAME_THREADS, &q->job);
    if (rc) {
        release(q);
        return rc;
    }
    fiber_waiter w;
    fiber_waiter_init(&w);
    q->waiter = &w;
    rc = park_begun(&w, deadline);
    if (rc) {
        q->waiter = NULL;
        if (pool_withdraw(l->names, &q->job)) {
            release(q);
        }
        return rc;
    }
    rc = q->rc ? failure(q) : collect(q, port, addrs, max);
    release(q);
    return rc;
}
