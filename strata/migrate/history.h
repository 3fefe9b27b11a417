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
/* A table or a column that has its name from another: renamed by one revision, however many steps it took, or made with
 * that .was. */
struct history_rename {
    const char *table; /* of a column, as it is called now; NULL: a table */
    const char *from, *to;
    size_t revision;
};
struct history_renames {
    struct history_rename *v;
    size_t n, room;
};
struct history {
    struct history_names tables, enums, triggers, policies; /* what is there now, by its name now */
    struct history_renames renames;
};
/* applied: by node. A revision that fails to record is left out: it says so when it runs. */
st_err history_read(arena *a, enum st_dialect d, const struct migrate_graph *g, const bool *applied,
                    struct history *ret);
const struct history_name *history_find(const struct history_names *l, const char *table, const char *name);
/* Whether a revision has given what was called from that name; table NULL: a table. */
bool history_renamed(const struct history *h, const char *table, const char *from, const char *to);

#endif
