/* history.h: what the revisions that are applied have made, so that autogenerate touches nothing that others did.
 *
 * Operations are data, so a history can be read without a database. */
#ifndef STRATA_MIGRATE_HISTORY_H
#define STRATA_MIGRATE_HISTORY_H

#include "strata/migrate/private.h"

struct history_name {
    const char *table; /* of a trigger; NULL else */
    const char *name;
    const st_table_trigger *trigger;
};
struct history_names {
    struct history_name *v;
    size_t n, room;
};
struct history {
    struct history_names tables, enums, triggers, policies; /* what is there now, by its name now */
};
/* applied: by node. A revision that fails to record is left out: it says so when it runs. */
st_err history_read(arena *a, enum st_dialect d, const struct migrate_graph *g, const bool *applied,
                    struct history *ret);
const struct history_name *history_find(const struct history_names *l, const char *table, const char *name);

#endif
