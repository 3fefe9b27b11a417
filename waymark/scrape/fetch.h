/* fetch.h: the one door through which every request of the program goes out.
 *
 * A fetcher belongs to one loop and to one tenant's piece of work (a scan, a webhook delivery): connections are reused
 * inside it and never beyond it. What a site can do to a fetch is never an error of the call but its outcome, a
 * word and a sentence; negative codes are for this side alone (memory, cancellation, a request that makes no sense).
 *
 * Each hop of a fetch is held against the same rules: http or https, an open port, and a name of which every address
 * is public (netvet.h). Those addresses are pinned, and held against the list again when the socket is made, so
 * that a name which changes its mind between the two looks gains nothing. Redirects are followed here, not by the
 * library. No proxy, cookie, netrc file or HTTP cache of the environment is used.
 *
 * The body is pulled: fetch_read decodes what its caller asks for, and the network is left to wait while
 * FETCH_UNREAD_MAX bytes are unread. So memory is bounded whatever the body does. */
#ifndef WAYMARK_SCRAPE_FETCH_H
#define WAYMARK_SCRAPE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"
#include "fiber/fiber.h"
#include "waymark/scrape/netvet.h"
#include "waymark/scrape/polite.h"

enum { FETCH_UNREAD_MAX = 256 << 10, FETCH_ADDRESSES_MAX = 8, FETCH_DETAIL_MAX = 320 };

enum fetch_outcome {
    FETCH_OK,           /* 2xx */
    FETCH_NOT_MODIFIED, /* 304, asked for by if_none_match or if_modified_since */
    FETCH_HTTP,         /* any other status; the body can be read all the same */
    /* Refused before anything was sent. */
    FETCH_BAD_URL,
    FETCH_BAD_SCHEME,
    FETCH_USERINFO, /* user:password@ in the URL */
    FETCH_DENIED_PORT,
    FETCH_DENIED_ADDRESS,
    FETCH_HELD_BACK, /* the host asked for a pause that goes past the deadline */
    /* Before the response. */
    FETCH_DNS_NO_NAME,
    FETCH_DNS_FAILED,
    FETCH_CONNECT,
    FETCH_TLS_EXPIRED,
    FETCH_TLS_NOT_YET_VALID,
    FETCH_TLS_WRONG_NAME,
    FETCH_TLS_SELF_SIGNED,
    FETCH_TLS_UNTRUSTED,
    FETCH_TLS, /* anything else of the handshake */
    FETCH_TIMEOUT_CONNECT,
    FETCH_TIMEOUT_FIRST_BYTE,
    FETCH_TIMEOUT_TOTAL,
    FETCH_EMPTY_REPLY,
    FETCH_PROTOCOL, /* not HTTP, or not right */
    FETCH_TOO_MANY_HEADERS,
    FETCH_HEADERS_TOO_LARGE,
    FETCH_TOO_MANY_INTERIM, /* 1xx without end */
    /* Redirects. */
    FETCH_REDIRECT_LOOP,
    FETCH_REDIRECT_FLAPPING, /* between http and https */
    FETCH_TOO_MANY_REDIRECTS,
    /* The body; what was read before is good as far as it goes. */
    FETCH_TOO_MANY_ENCODINGS,
    FETCH_UNKNOWN_ENCODING,
    FETCH_BAD_ENCODING,
    FETCH_TOO_LARGE,
    FETCH_RATIO,
    FETCH_TOO_SLOW,
    FETCH_TRUNCATED,
    FETCH_CONNECTION_LOST,
    /* This side. */
    FETCH_CANCELLED,
    FETCH_NO_MEMORY,
    FETCH_OUTCOMES
};
/* "denied_address"; these names are stored and shown, and do not change. */
const char *fetch_outcome_name(enum fetch_outcome o);
/* A sentence about the outcome in general. */
const char *fetch_outcome_text(enum fetch_outcome o);

/* 0 in any field: the default beside it. Times over 24 days are cut to that. */
struct fetch_limits {
    int64_t connect_ms;     /* 10,000: name, TCP and TLS of one hop */
    int64_t first_byte_ms;  /* 20,000: from the request to the last header line */
    int64_t total_ms;       /* 120,000: all hops and the body, less waiting for a turn and for the body's reader */
    int64_t turn_ms;        /* 120,000: waiting for a turn at a polite host */
    int64_t slow_window_ms; /* 10,000: in each of these windows ... */
    uint64_t slow_bytes;    /* 1,000: ... at least so much must come */
    uint64_t body_max;      /* 64 MiB, decoded */
    unsigned ratio_max;     /* 250 decoded bytes for each one received, judged above 1 MiB */
    unsigned encodings_max; /* 3 */
    unsigned header_max;    /* 256 lines, trailers and interim responses counted */
    size_t header_bytes;    /* 64 KiB of them */
    unsigned interim_max;   /* 8 responses of 1xx */
    unsigned redirects_max; /* 5; FETCH_NO_REDIRECTS: a redirect is a FETCH_HTTP */
};
#define FETCH_NO_REDIRECTS UINT32_MAX

/* Has the shape of fiber_resolve; a test puts its own answers here, which are vetted like any. */
typedef int fetch_resolve_fn(void *arg, const char *host, uint16_t port, struct fiber_addr *addrs, size_t max,
                             int64_t deadline);

struct fetcher_options {
    const char *user_agent;    /* NULL: "waymark/VERSION"; name a page about the operator, as in "waymark/1.0 (+URL)" */
    struct netvet_rules rules; /* copied, what it points at too */
    struct fetch_limits limits;
    polite *polite;            /* shared by all fetchers of the loop; NULL: no politeness */
    const char *ca_file;       /* PEM; NULL: the system's */
    fetch_resolve_fn *resolve; /* NULL: fiber_resolve */
    void *resolve_arg;
};

typedef struct fetcher fetcher;
/* Needs a current loop. The program ignores SIGPIPE. -ENOMEM; -EINVAL for a ca_file that cannot be read and a bad
 * user_agent. */
int fetcher_open(const struct fetcher_options *options, fetcher **ret);
/* All its fetches must have been closed (asserted). NULL is fine. */
void fetcher_close(fetcher *f);

struct fetch_stats {
    uint64_t fetches, hops, connections, bytes_received, bytes_decoded;
    unsigned running;
};
void fetcher_stats(const fetcher *f, struct fetch_stats *ret);

struct fetch_header {
    const char *name, *value;
};

struct fetch_request {
    str url;
    bool head;
    str body;                           /* p not NULL: POST; a redirect of it is not followed, but a FETCH_HTTP */
    const char *accept;                 /* NULL: any */
    const char *if_none_match;          /* an ETag as the site sent it; over 1,024 bytes: not sent */
    const char *if_modified_since;      /* a Last-Modified, likewise */
    const struct fetch_header *headers; /* credentials and the like: sent to the origin of url only */
    size_t n_headers;
    const struct fetch_limits *limits; /* fields that are not 0 take the place of the fetcher's */
    int64_t deadline;                  /* 0: none but total_ms and those of the enclosing scopes */
};

/* What is known of a fetch; all of it lives until fetch_close. Times are of the wall clock. */
struct fetch_response {
    enum fetch_outcome outcome;
    int status;                                      /* of the last response that came, 0: none */
    bool partial;                                    /* a body began and is not complete */
    unsigned redirects;                              /* followed */
    str url;                                         /* the last one asked for, in canonical form */
    str content_type, etag, last_modified, location; /* empty: not sent */
    int64_t content_length;                          /* as declared, of the encoded body; -1: not said */
    int64_t last_modified_us;                        /* INT64_MIN: not sent, or not a date */
    int64_t retry_after_ms;                          /* from now; -1: not asked */
    uint64_t received, decoded;                      /* bytes of the body so far */
    struct fiber_addr address;                       /* connected to; len 0: not yet */
    int http_version;                                /* 10, 11, 20; 0: no response */
    char detail[FETCH_DETAIL_MAX];                   /* the sentence about this very case, empty for FETCH_OK */
};

typedef struct fetch fetch;
/* Follows q until the headers of its final response are there, or nothing more can come. Returns 0 with *ret_fetch
 * set whatever the outcome; -ECANCELED; -ENOMEM; -EINVAL for a request that cannot be sent (a header with a line break,
 * say). What q points at must live until fetch_open returns. */
int fetch_open(fetcher *f, const struct fetch_request *q, fetch **ret_fetch);
const struct fetch_response *fetch_result(const fetch *f);
/* The value of the first header of that name in the final response; p is NULL when there is none. */
str fetch_header_value(const fetch *f, const char *name);
/* Calls fn for each header line of the final response, in order, until it returns false. */
void fetch_each_header(const fetch *f, bool (*fn)(void *arg, str name, str value), void *arg);

/* Up to len decoded bytes of the body, waiting for the first. 0 at its end. Negative when the body ends too early or
 * is stopped: the outcome then says why, and every later call returns the same code (-ECANCELED, -ENOMEM,
 * -ETIMEDOUT, -E2BIG, -EBADMSG, -ECONNRESET). Lets others run after each stretch of work of its own. */
ssize_t fetch_read(fetch *f, void *p, size_t len);
/* Ends the transfer wherever it stands. NULL is fine. */
void fetch_close(fetch *f);

/* The rest of the body into out (its limit counts: -E2BIG). Returns 0 or what fetch_read or buf_put return. */
int fetch_read_all(fetch *f, buf *out);

static inline void fetch_closep(fetch **f)
{
    fetch_close(*f);
}
#define FETCH_AUTO __attribute__((cleanup(fetch_closep)))

#endif
