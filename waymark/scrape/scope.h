/* scope.h: which hosts belong to a site.
 *
 * Hosts are as url_parse gives them: lower-case ASCII, IPv6 in brackets. A dot at the end is not part of the
 * comparison. Addresses and public suffixes ("co.uk", "localhost") have no registrable domain and match only
 * themselves. The list is libpsl's built-in one (https://publicsuffix.org). */
#ifndef WAYMARK_SCRAPE_SCOPE_H
#define WAYMARK_SCRAPE_SCOPE_H

#include <stdbool.h>

#include "base/str.h"

enum scope {
    SCOPE_HOST, /* the same host */
    SCOPE_WWW,  /* the same host, with or without "www." in front */
    SCOPE_SITE, /* any host of the same registrable domain */
};

/* "www.example.co.uk" gives "example.co.uk", a slice of host; the empty slice when there is none. */
str scope_registrable(str host);
bool scope_covers(enum scope scope, str home, str host);

#endif
