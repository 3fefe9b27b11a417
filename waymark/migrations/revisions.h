/* revisions.h: one declaration a revision file, oldest first. */
#ifndef WAYMARK_MIGRATIONS_REVISIONS_H
#define WAYMARK_MIGRATIONS_REVISIONS_H

#include "strata/migrate.h"

extern const st_revision rev_20261122_first_tables;

#endif
