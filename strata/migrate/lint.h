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
    const char *table;   /* or NULL */
    const char *what;    /* the column, the statement's beginning */
    const char *allowed; /* why it is allowed; NULL: it is not */
};
struct lint_findings {
    struct lint_finding *v;
    size_t n, room;
};
/* By number from 0; NULL behind the last. */
const struct lint_rule *lint_rule_at(size_t i);
const struct lint_rule *lint_rule_find(const char *name); /* or NULL */
st_err lint_no_rule(const char *name);                    /* the error for a name that is none */
/* What is found in a revision's operations on PostgreSQL, what is allowed among it. SQL of its own may say
 * "-- lint: allow NAME: REASON". */
st_err lint_operations(arena *a, const st_ops *o, struct lint_findings *ret);

#endif
