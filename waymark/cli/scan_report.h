/* scan_report.h: what a person or a program is told of finished and running scans. */
#ifndef WAYMARK_CLI_SCAN_REPORT_H
#define WAYMARK_CLI_SCAN_REPORT_H

#include "waymark/cli/store.h"
#include "waymark/cli/term.h"

/* The table of sites, and below it what was blocked, capped or wrong, and why. */
void scan_report(FILE *out, const struct store_outcome *outcomes, size_t n);
/* One line; 0 or -ENOMEM. */
int scan_report_json(FILE *out, const struct store_outcome *o);
void scan_report_progress(struct term_progress *p, const struct store_outcome *all, size_t n, size_t done,
                          const struct store_outcome *current);

#endif
