/* plan_safe.h: what the files of the safe plan share. */
#ifndef STRATA_MIGRATE_PLAN_SAFE_H
#define STRATA_MIGRATE_PLAN_SAFE_H

#include "strata/migrate/private.h"

struct safe_key { /* a foreign key that waits */
    const struct migrate_op *op;
    const st_table_fk *fk; /* NULL: done */
};
struct safe_later { /* a CHECK to validate; column: that then becomes NOT NULL, or NULL */
    const char *constraint, *column;
    const struct migrate_op *identity; /* that the column gets behind that, which must be NOT NULL for it; or NULL */
};
struct migrate_safe {
    const struct migrate_op *op; /* at hand */
    const char *strong; /* the table in use that the phase at hand locks, "" for those that are dropped; or NULL */
    bool closed;        /* the phase at hand takes no more */
    unsigned together;  /* the number of the operations that it is for */
    bool raw;           /* it has SQL of the revision's own */
    struct safe_key *keys;
    size_t n_keys, keys_room;
    struct safe_later *later;
    size_t n_later, later_room;
    struct migrate_step *guards;
    size_t n_guards, guards_room;
};

/* ---- plan_safe.c ---- */
/* Before a lock on a table in use: one of them a transaction. */
st_err safe_enter(struct migrate_planner *p, const char *table);
/* A phase of its own, before and after which others begin. */
st_err safe_alone(struct migrate_planner *p, const char *what, const char *name, bool no_transaction);
/* What the planner's buffer holds, as a step of the operation at hand. */
st_err safe_add(struct migrate_planner *p);
/* The direct form of one operation, as if it stood alone. */
st_err safe_direct(struct migrate_planner *p, const struct migrate_op *op);
bool safe_is_made_later(const struct migrate_planner *p, const struct migrate_op *op, const char *table);
/* A foreign key that waits until its table is there, or for a transaction of its own; and one that need not. */
st_err safe_keep_key(struct migrate_planner *p, const struct migrate_op *op, const st_table_fk *fk);
st_err safe_add_key(struct migrate_planner *p, const struct migrate_op *op, const char *table, const st_table_fk *fk);
/* CREATE INDEX CONCURRENTLY, in a phase outside of transactions. */
st_err safe_build_index(struct migrate_planner *p, const struct migrate_op *op, const st_table_index *i);
/* ---- deferral.c ---- */
st_err safe_defer(struct migrate_planner *p, const struct migrate_op *op);
/* ---- plan_recipes.c ---- */
st_err safe_recipe(struct migrate_planner *p, const struct migrate_op *op);

/* ---- for plan_alter.c ---- */
/* Whether the operation is on a table in use, in a plan that minds that. */
bool migrate_needs_recipe(const struct migrate_planner *p, const struct migrate_op *op);
/* Within such an operation. Adds a CHECK that is validated behind it. */
st_err migrate_safe_check(struct migrate_planner *p, const struct migrate_op *op, const char *name, const char *sql);
/* Makes a column NOT NULL behind it. */
st_err migrate_safe_not_null(struct migrate_planner *p, const struct migrate_op *op, const char *column);
/* What gives the column its identity. */
st_err migrate_plan_identity(struct migrate_planner *p, const struct migrate_op *op);
/* Refuses the revision when the table is large; what says why and what to do. */
st_err migrate_safe_rewrite(struct migrate_planner *p, const struct migrate_op *op, const char *what);
/* Refuses the revision, before anything is done, when the query in sql finds something; what begins the sentence. */
st_err migrate_safe_guard(struct migrate_planner *p, const struct migrate_op *op, buf *sql, const char *what);
/* same_bytes.c: whether another type leaves the rows as they are. */
bool migrate_same_bytes(const char *old_type, const char *type);

#endif
