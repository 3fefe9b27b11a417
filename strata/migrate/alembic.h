/* alembic.h: a database that Alembic has looked after so far. */
#ifndef STRATA_MIGRATE_ALEMBIC_H
#define STRATA_MIGRATE_ALEMBIC_H

#include "strata/migrate/private.h"

/* The revisions in alembic_version, with commas between, in arena a; NULL when there is no such table, "" when it is
 * empty. */
st_err alembic_read(st_conn *c, arena *a, int64_t deadline, const char **ret);

#endif
