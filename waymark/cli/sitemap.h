/* sitemap.h: what `waymark sitemap parse` does, apart from its options, so that the benchmark runs the same path. */
#ifndef WAYMARK_CLI_SITEMAP_H
#define WAYMARK_CLI_SITEMAP_H

#include <stdbool.h>

#include "waymark/scrape/sitemap.h"
#include "waymark/scrape/url.h"

/* Reads the descriptor in to its end and writes a line of JSON an entry and a last one for the file to out. base, when
 * not NULL, is what relative locations are resolved against. Returns 0 or a negative code with a diagnosis; *ret is
 * the outcome. */
int sitemap_print(int in, int out, const url *base, struct sitemap_result *ret);

#endif
