/* polite.h: how often and how much at once a host and an address are asked.
 *
 * One polite is shared by all fetchers of a loop, so that a host sees one visitor however many tenants scan it.
 * Turns are taken in the order of asking. What is remembered of a host is small and bounded: beyond max_hosts the one
 * that was idle longest is forgotten. A caller that holds a turn of a host must not wait for another one of the same
 * host. */
#ifndef WAYMARK_SCRAPE_POLITE_H
#define WAYMARK_SCRAPE_POLITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "fiber/fiber.h"

/* 0 in any field: the default beside it. */
struct polite_options {
    unsigned per_host;      /* 4 requests at once */
    unsigned per_address;   /* 16 */
    int64_t delay_ms;       /* between two starts at one host; 0: none */
    int64_t delay_max_ms;   /* 30,000: what polite_set_delay is cut to */
    int64_t backoff_ms;     /* 1,000: after a 429 or 503 without Retry-After, doubling each time */
    int64_t backoff_max_ms; /* 600,000: no pause is longer, whatever the site asks */
    unsigned max_hosts;     /* 4,096 hosts and addresses */
};

typedef struct polite polite;
int polite_new(const struct polite_options *options, polite **ret); /* options may be NULL; -ENOMEM */
void polite_free(polite *p); /* no turn may be held or waited for (asserted); NULL is fine */

/* A turn at one host and one of its addresses. */
struct polite_turn {
    polite *polite; /* NULL: not held */
    struct polite_place *host, *address;
};
/* Waits for a turn. -EBUSY at once when the host is to be left alone until after the deadline (the diagnosis says how
 * long); -ETIMEDOUT, -ECANCELED, -ENOMEM. */
int polite_enter(polite *p, str host, const struct fiber_addr *address, int64_t deadline, struct polite_turn *ret);
/* Gives it back, and says what came of it: status 0 for none; retry_after_ms -1 for none. */
void polite_leave(struct polite_turn *turn, int status, int64_t retry_after_ms);

/* The Crawl-delay of a host's robots.txt. -ENOMEM. */
int polite_set_delay(polite *p, str host, int64_t delay_ms);

#endif
