/* lint.h: what in a revision would hurt the programs that use the database meanwhile, or cannot be undone. */
#ifndef STRATA_MIGRATE_LINT_H
#define STRATA_MIGRATE_LINT_H

#include "strata/migrate/private.h"

struct lint_rule {
    const char *name;   /* "rename-column" */
    const char *why;    /* what happens */
    const char *recipe; /* what to do instead */
};
struct lint_finding {
    const struct lint_rule *rule;
    const char *table; /* or NULL */
    const char *what;  /* the column, the statement's beginning */
};
struct lint_findings {
    struct lint_finding *v;
    size_t n, room;
};
/* By number from 0; NULL behind the last. */
const struct lint_rule *lint_rule_at(size_t i);
/* What is found in a revision's operations on PostgreSQL. SQL of its own may say "-- lint: allow NAME". */
st_err lint_operations(arena *a, const struct migrate_op *ops, size_t n, struct lint_findings *ret);

#endif
