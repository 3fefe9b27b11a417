/* site.h: a hostile server, a loop and a fetcher that knows the server by names, for the tests of the fetch door. */
#ifndef TEST_SITE_H
#define TEST_SITE_H

#include "hostile.h"
#include "test.h"
#include "waymark/scrape/fetch.h"

struct site {
    struct hostile server;
    fiber_loop *loop;
    fetcher *door;
    struct netvet_pin pins[16];
    size_t n_pins;
    struct fetcher_options options; /* what the door was opened with */
};

/* site.test and other.test, port 80, are pinned to the server; with TLS all names of hostile.h, port 443, too. options
 * may be NULL; its pins are added to. Where it has none, limits are such that a busy machine does not reach them. */
void site_open(struct site *s, bool tls, const struct fetcher_options *options);
void site_close(struct site *s);

/* What came of one fetch, copied. */
struct got {
    enum fetch_outcome outcome;
    int code; /* of the last fetch_read, or of fetch_open */
    int status, version;
    bool partial;
    unsigned redirects;
    uint64_t received, decoded;
    char url[256], detail[FETCH_DETAIL_MAX];
    char body[768];    /* its beginning, with a NUL */
    double ms, cpu_ms; /* on the clock; of this process */
};

/* Fetches url in a fiber, whole body included. */
struct got get(struct site *s, const char *url);
struct got get_with(struct site *s, const struct fetch_request *q);

#define GIVES(got_, outcome_)                                                                                          \
    do {                                                                                                               \
        struct got g_ = (got_);                                                                                        \
        ck_assert_msg(g_.outcome == (outcome_), "%s: outcome %s (%s), not %s", g_.url, fetch_outcome_name(g_.outcome), \
                      g_.detail, fetch_outcome_name(outcome_));                                                        \
    } while (0)

long peak_kib(void); /* of this process's memory so far */

#endif
