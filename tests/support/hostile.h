/* hostile.h: an HTTP server that does to its clients what hostile and broken sites do.
 *
 * It runs in a child of the test's process, on loopback ports of its own, a thread for each connection, and dies with
 * the test. What it does is chosen by the path, with parameters in the query:
 *
 *   /ok?n=1000                 1,000 bytes of a pattern, with Content-Length; without n "hello\n"
 *   /status?n=404&after=7      that status, and Retry-After: 7
 *   /echo                      the request's head as body
 *   /connection                the number of this connection, from 1
 *   /cached                    an ETag and Last-Modified; 304 when asked for them
 *   /redirect?n=302&to=URL     the rest of the query behind "to=" goes into Location as it is
 *   /chain?n=3                 three redirects, then "hello\n"
 *   /loop                      to /loop-back and from there to /loop
 *   /flap?n=0                  to and fro between http and https on the host of the request, new paths each time
 *   /headers?n=3000  /long-header?n=200000  /interim?n=0 (without end)  /trailers?n=3000  /slow-headers
 *   /encoded?as=gzip,br        "hello\n" a hundred times over, encoded in that order (gzip, deflate, raw, br, zstd, and
 *                              any other word, which changes nothing but the header)
 *   /escape                    a Content-Encoding that clears the terminal it is shown on
 *   /encoded-lines?n=20        twenty Content-Encoding lines
 *   /bomb?as=gzip              zeros without end in that coding (gzip, br, zstd, gzip,gzip)
 *   /wide-zstd                 a zstd frame that wants a window of 2 GiB
 *   /transfer-gzip             a gzip bomb as Transfer-Encoding; second=1: said in a second line, behind chunked
 *   /cut-gzip  /bad-gzip  /not-gzip
 *   /cut?n=500                 500 of 1,000 bytes, then the connection is closed
 *   /reset                     the same, with a TCP reset
 *   /long                      more bytes than Content-Length says
 *   /bad-length  /bad-chunk  /endless (chunks)  /slow (a byte every 20 ms)  /stall (500 of 1,000 bytes, then nothing)
 *   /silent                    reads the request and never answers
 *   /empty                     closes instead of answering
 *   /garbage                   answers, but not in HTTP
 *
 * The TLS port chooses its certificate by the name asked for: expired.test, early.test (not valid yet), self.test
 * (signed by itself), unknown.test (by an issuer nobody knows), wrong.test (for another name); all other names get a
 * good one of the CA in ca_file. "broken.test" ends the handshake with an alert. */
#ifndef TEST_HOSTILE_H
#define TEST_HOSTILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct hostile {
    pid_t pid;
    uint16_t port, tls_port; /* 0 without TLS */
    int ca_fd;
    char ca_file[32];
};

/* What goes wrong ends the process with a message. */
void hostile_start(struct hostile *h, bool tls);
void hostile_stop(struct hostile *h);

#endif
