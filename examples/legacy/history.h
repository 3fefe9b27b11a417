/* history.h: the migrations of the example. */
#ifndef LEGACY_HISTORY_H
#define LEGACY_HISTORY_H

#include <strata/strata.h>

extern const struct st_migrations legacy_migrations;

#endif
