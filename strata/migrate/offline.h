/* offline.h: revisions as SQL for another program to run. */
#ifndef STRATA_MIGRATE_OFFLINE_H
#define STRATA_MIGRATE_OFFLINE_H

#include "strata/migrate/private.h"

struct migrate_offline {
    const struct st_migrations *m;
    const struct migrate_graph *g;
    st_engine *e;      /* whose state says what is applied when range does not; NULL: nothing is */
    const char *range; /* "TARGET", "FROM:TO"; NULL: "head" */
    bool up, unsafe;
    enum st_dialect d;
    FILE *out;
};
/* For psql and sqlite3. PostgreSQL: the plans as they would run, statements outside of transactions outside of them;
 * SQLite: the statements that a database in memory was given, since a rebuild depends on what the table is. Steps in C
 * are left out with a remark, backfills are one statement each. */
st_err migrate_offline(const struct migrate_offline *o);

#endif
