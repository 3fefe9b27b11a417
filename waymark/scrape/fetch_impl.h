/* fetch_impl.h: what the files of the fetch door share. Not for others.
 *
 *   fetch.c            a fetch: hops and redirects, the response
 *   fetch_body.c       fetch_read: decoding, caps, timeouts of the body
 *   fetch_where.c      from a URL to vetted addresses
 *   fetch_transfer.c   one request and its response through libcurl
 *   fetch_door.c       the fetcher: libcurl's multi handle on the loop
 *   fetch_head.c       the header lines of a response
 *   fetch_decode.c     content codings
 *   fetch_outcome.c    names, sentences and codes of the outcomes
 *
 * libcurl's callbacks run on the loop, never on a fiber, except that of curl_easy_pause, which calls on_body at once.
 * They never suspend: they note what happened in the transfer and wake the fiber that waits for it. */
#ifndef WAYMARK_SCRAPE_FETCH_IMPL_H
#define WAYMARK_SCRAPE_FETCH_IMPL_H

#include <curl/curl.h>

#include "waymark/scrape/fetch.h"
#include "waymark/scrape/fetch_decode.h"
#include "waymark/scrape/url.h"

/* ---- fetch_outcome.c ---- */
int outcome_code(enum fetch_outcome o); /* the negative code of fetch_read for it */
/* What a finished transfer came to; asked: the request had gone out. */
enum fetch_outcome outcome_of(CURL *easy, CURLcode code, bool asked);

/* ---- fetch_head.c ---- */
struct head {
    buf lines; /* "Name: value\n" of the present response */
    unsigned n, interim;
    size_t bytes;
    int status, version; /* version as in fetch_response */
    bool complete;       /* the blank line of the final response has come */
};
void head_init(struct head *h, const struct fetch_limits *limits);
void head_release(struct head *h);
/* One line as libcurl gives it. Returns FETCH_OK or why the response is refused. */
enum fetch_outcome head_line(struct head *h, str line, const struct fetch_limits *limits);
str head_find(const struct head *h, str name);
/* The next line of that name in *rest, which starts as all lines; a list may be spread over several. */
bool head_next(str *rest, str name, str *ret_value);
int64_t head_retry_after_ms(const struct head *h);

/* ---- fetch_transfer.c ---- */
struct transfer_spec {
    const url *target;
    const struct fetch_request *request;
    const struct fetch_limits *limits;
    bool same_origin; /* as the first URL, so the request's own headers go along */
    const struct fiber_addr *addresses;
    size_t n_addresses;
    bool pinned; /* addresses[0] is a pin, perhaps with a port of its own */
};

struct transfer {
    fetcher *door;
    struct transfer *next, *prev; /* of those that run */
    CURL *easy;
    struct curl_slist *resolve, *connect_to, *headers;
    struct fiber_addr addresses[FETCH_ADDRESSES_MAX];
    size_t n_addresses;
    struct fiber_addr connected;
    const struct fetch_limits *limits;
    void (*on_done)(void *arg); /* when the network part is over */
    void *on_done_arg;
    bool done, literal;
    bool running;               /* in the door's list and libcurl's */
    unsigned failed_before;     /* door_failed_allocations at the start */
    int64_t asked_at;           /* when the connection stood and the request went out; 0: not yet */
    enum fetch_outcome outcome; /* FETCH_OK, or the first thing that went wrong */
    char detail[FETCH_DETAIL_MAX];
    char error[CURL_ERROR_SIZE];
    struct head head;
    fiber_waiter *waiter;
    /* The body as received: a ring. */
    uint8_t *raw;
    size_t raw_room, raw_at, raw_len;
    uint64_t received, received_max;
    int64_t paused_at; /* 0: not paused */
};
/* Starts a request; t is all zero but for on_done and its arg. 0, -ENOMEM, -EINVAL. Release it in any case. */
int transfer_start(struct transfer *t, fetcher *door, const struct transfer_spec *spec);
void transfer_release(struct transfer *t);
/* Waits for anything new. */
int transfer_wait(struct transfer *t, int64_t deadline);
/* The oldest run of unread bytes, and how much of it was used. */
str transfer_peek(const struct transfer *t);
void transfer_skip(struct transfer *t, size_t n);
/* Lets a paused transfer go on when enough was read. Returns the time in ns that it had been paused, 0 if it was not.
 */
int64_t transfer_resume(struct transfer *t);
void transfer_fail(struct transfer *t, enum fetch_outcome o, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether libcurl was refused memory meanwhile: it then may send a URL without its query, so nothing is to be believed.
 */
bool transfer_lacked_memory(const struct transfer *t);
void transfer_finished(struct transfer *t, CURLcode code); /* from the door */

/* ---- fetch_where.c ---- */
/* Finds and vets the addresses of u. Returns how many (at most FETCH_ADDRESSES_MAX), 0 when *ret_outcome and the
 * diagnosis say why there are none, or -ECANCELED or -ENOMEM. */
int where_is(fetcher *f, const url *u, int64_t deadline, struct fiber_addr addrs[static FETCH_ADDRESSES_MAX],
             bool *ret_pinned, enum fetch_outcome *ret_outcome);

/* ---- fetch_door.c ---- */
struct door_handles;
struct fetcher {
    CURLM *multi;
    struct transfer *running;
    uv_loop_t *uv;
    int epoll;
    struct door_handles *handles;
    bool acting; /* inside libcurl */
    bool again;  /* it wants to be called at once */
    arena *memory;
    struct netvet_rules rules;
    struct fetch_limits limits;
    const char *user_agent, *ca_file;
    polite *polite;
    fetch_resolve_fn *resolve;
    void *resolve_arg;
    struct fetch_stats stats;
};
int door_add(fetcher *f, struct transfer *t); /* 0 or -ENOMEM */
void door_remove(fetcher *f, struct transfer *t);
/* Ends every transfer, and starts again with a new multi handle at the next: after a refused allocation libcurl 7.88
 * keeps half-made entries of sockets and stumbles over them later. */
void door_discard(fetcher *f);
/* How often libcurl's allocations have failed on this thread. */
unsigned door_failed_allocations(void);

/* ---- fetch.c ---- */
struct fetch {
    fetcher *door;
    arena *memory;
    struct fetch_limits limits;
    struct fetch_response response;
    struct transfer transfer;
    struct polite_turn turn;
    int64_t deadline; /* the caller's */
    int64_t total_end;
    decoder *decoder;
    bool head, has_body, ended;
    int code;          /* what fetch_read returns from now on */
    uint64_t consumed; /* received bytes that were decoded */
    size_t stretch;    /* bytes read since others last ran */
    int64_t window_end;
    uint64_t window_received;
};
/* Ends f with an outcome; keeps the first. Returns its code. */
int fetch_fail(struct fetch *f, enum fetch_outcome o, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Takes over what went wrong in the transfer. */
int fetch_fail_transfer(struct fetch *f);
/* Ends f for a failed wait: cancelled, or a deadline; o names the latter. */
int fetch_fail_wait(struct fetch *f, int r, enum fetch_outcome o, const char *what);
/* Prepares fetch_read for the body that the transfer brings. */
int body_start(struct fetch *f);

#endif
