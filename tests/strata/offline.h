/* offline.h: whatever a test upgrades or downgrades, a script does, too.
 *
 * Linked into every test of migrations, with the calls that run revisions wrapped (meson.build). Before a run the
 * script for it is made, without a database, and the database copied; after a run that has worked, psql or sqlite3 runs
 * the script on the copy, and both must be the same: catalog, hash, rows, revisions, journal. A script that was proven
 * already in this process is not proven again. What no script can do is told as "# not as a script: why". */
#ifndef TEST_STRATA_OFFLINE_H
#define TEST_STRATA_OFFLINE_H

#include <stdint.h>

#include "strata/migrate.h"

/* From here on, in this process. why: of no use as a script, "others write meanwhile"; NULL: again as a script. */
void offline_off(const char *why);
/* Only one script in n; STRATA_OFFLINE=1 proves all, and 0 none. */
void offline_every(unsigned n);

/* A script to psql or sqlite3, as the database's user; the exit code, and what it printed to both in *said, which stays
 * until four programs later. */
int offline_feed(st_engine *e, const char *script, const char **said);

#endif
