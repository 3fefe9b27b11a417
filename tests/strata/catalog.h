/* catalog.h: what the database itself says that it holds, for comparing schemas. */
#ifndef TEST_STRATA_CATALOG_H
#define TEST_STRATA_CATALOG_H

#include "engine_support.h"

/* Every table, column, default, constraint and index (but those of strata_revisions) as text, in a fixed order. */
const char *catalog(struct world *w);
/* The first column of the first row, text; "" when there is none. */
const char *text_of(struct world *w, const char *sql);

#endif
