/* demo_site.h: the small built-in site of `waymark demo`: a lighthouse bookshop with a robots.txt, a sitemap index,
 * three sitemaps (one gzipped, one listed twice) and a redirect, so that a first scan needs no network. */
#ifndef WAYMARK_CLI_DEMO_SITE_H
#define WAYMARK_CLI_DEMO_SITE_H

#include "waymark/api/httpd.h"

enum { DEMO_SITE_PAGES = 4 + 60 + 24, DEMO_SITE_SITEMAPS = 4 }; /* what a scan must find, the index counted */

/* An httpd_handler; arg is not used. */
void demo_site(void *arg, const struct httpd_request *req, struct httpd_response *res);

#endif
