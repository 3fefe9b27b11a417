/* migrate_locks_ops.h: changes of every kind, one after another, for the test of what they lock. */
#ifndef MIGRATE_LOCKS_OPS_H
#define MIGRATE_LOCKS_OPS_H

#include "strata/migrate.h"

/* Tables with rows, a partitioned one, foreign keys between them. */
st_err locks_base(st_ops *o);
extern const char *const locks_tables[]; /* NULL-terminated */
/* Makes the i-th change the one that locks_run does; its name, or NULL behind the last. */
const char *locks_case(size_t i);
st_err locks_run(st_ops *o);
/* Whether PostgreSQL may refuse the change at hand: pairs of types. */
bool locks_may_be_impossible(void);
/* Changes that the planner runs directly after it has seen that the table is small. */
bool locks_refused_when_large(void);
/* What makes the tables ready for the change at hand, where they are not made anew for it; NULL: nothing. */
const char *locks_before(void);

#endif
