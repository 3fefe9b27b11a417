/* versions.h: the libraries that read the web. */
#ifndef WAYMARK_SCRAPE_VERSIONS_H
#define WAYMARK_SCRAPE_VERSIONS_H

#include <stdbool.h>
#include <stddef.h>

/* "libcurl 7.88.1 (OpenSSL/3.0.15), expat 2.5.0, zlib 1.2.13". Returns whether https can be read. */
bool scrape_versions(char *out, size_t size);

#endif
