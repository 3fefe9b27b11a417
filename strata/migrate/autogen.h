/* autogen.h: what it takes for the database to say what the models say, and back. */
#ifndef STRATA_MIGRATE_AUTOGEN_H
#define STRATA_MIGRATE_AUTOGEN_H

#include "strata/migrate/compare.h"

struct autogen {
    st_ops up, down; /* none: nothing differs */
};
/* Changes nothing in the database. */
st_err autogen_run(st_engine *e, const struct st_migrations *m, arena *a, int64_t deadline, struct autogen *ret);
/* "add the column rank to the table notes", in arena a; NULL when memory is out. */
const char *autogen_says(arena *a, const struct migrate_op *op);
/* What an operation of the upgrade takes and the downgrade cannot bring back, or what one of either may fail at: "loses
 * data: ...", "may fail: ...", without the sentence's end; NULL: nothing. */
st_err autogen_loses(arena *a, const struct autogen *g, const struct migrate_op *op, const char **ret);
/* The enum types that columns name, each once. */
st_err autogen_enums(arena *a, const st_table *tables, size_t n, const st_enum_type **ret, size_t *ret_n);
/* A '*' stands for any run of characters. */
bool autogen_matches(const char *pattern, const char *name);
bool autogen_matches_any(const char *const *patterns, const char *name); /* NULL-terminated, or NULL: none */

/* ---- codegen.c: revision files ---- */
struct codegen {
    const char *id, *message, *name; /* name: of the variable, rev_20261122_add_rank */
    const char *label;               /* or NULL */
    const char *const *parents;      /* NULL-terminated */
    const char *header;              /* what to include: "revisions.h" or "strata/migrate.h" */
    const struct autogen *changes;   /* NULL: an empty one */
};
/* The call that records an operation: "st_drop_column(o, "notes", "rank")". */
st_err codegen_operation(buf *b, arena *a, const struct migrate_op *op);
/* The C source of a revision. */
st_err codegen_revision(buf *b, const struct codegen *g);

#endif
