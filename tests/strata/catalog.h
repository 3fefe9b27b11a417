/* catalog.h: what the database itself says that it holds, for comparing schemas; and what the command line says. */
#ifndef TEST_STRATA_CATALOG_H
#define TEST_STRATA_CATALOG_H

#include "engine_support.h"
#include "strata/migrate.h"

/* Every table, column, default, constraint and index (but those of strata_revisions) as text, in a fixed order. */
const char *catalog(struct world *w);
/* The first column of the first row, text; "" when there is none. */
const char *text_of(struct world *w, const char *sql);

/* Runs a command line, split at blanks; the exit code. What it printed is in *out and *err, which are freed first. */
int command_run(st_engine *e, const struct st_migrations *m, const char *args, char **out, char **err);

#endif
