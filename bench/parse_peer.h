/* parse_peer.h: libxml2's side of the HTML case, in a file of its own since its headers need other flags. */
#ifndef BENCH_PARSE_PEER_H
#define BENCH_PARSE_PEER_H

#include <stddef.h>
#include <stdint.h>

/* How many events the push parser fires for the page; 0 when libxml2 was not there to build with. */
uint64_t peer_html_events(const char *p, size_t len, size_t chunk);

#endif
