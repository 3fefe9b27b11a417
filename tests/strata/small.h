/* small.h: a history with few rows and many recipes, for tests that run it over and over. */
#ifndef SMALL_H
#define SMALL_H

#include "engine_support.h"

enum { SMALL_NOTES = 24 };

/* Revisions n0, a1, a2; the models say one column more than a2 leaves. */
extern const struct st_migrations small_history;
/* What the rows hold, at the top (a2) and at the bottom (n0), as text. */
const char *small_facts(struct world *w, bool top);
const char *small_hash(struct world *w); /* of the schema */

#endif
