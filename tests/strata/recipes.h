/* recipes.h: every recipe of the planner, as a history each: tables with rows, and one revision that is the recipe.
 *
 * Nothing here runs by itself. A test walks the array, which has at least one entry for each kind of phase and of
 * rebuild:
 *
 *     for (const struct recipe *r = recipes; r->name; r++) {
 *         if (recipe_is_for(r, w->dialect)) {
 *             OK(st_upgrade(w->e, &r->history, recipe_start(r), FIBER_FOREVER));    the tables and rows
 *             OK(st_upgrade(w->e, &r->history, recipe_end(r), FIBER_FOREVER));      the recipe
 *             OK(st_downgrade(w->e, &r->history, recipe_start(r), FIBER_FOREVER));  and back
 *         }
 *     }
 *
 * All rows come from the revisions, so what a history makes of an empty database is the same each time, up to
 * the values of notes.token, which are made at random. A way back need not lead to where it began: a column that was
 * dropped is empty when it returns, and a value of an enum stays. */
#ifndef TEST_STRATA_RECIPES_H
#define TEST_STRATA_RECIPES_H

#include "strata/migrate.h"

struct recipe {
    const char *name;
    enum st_dialect only;         /* 0: both */
    const st_revision *change;    /* with one parent, which is where it starts */
    struct st_migrations history; /* in order, up to change */
    bool phases;                  /* cannot be one transaction, so not for .unsafe */
    bool in_c;                    /* a step in C, which offline SQL leaves out */
};
extern const struct recipe recipes[]; /* the last has no name */

static inline bool recipe_is_for(const struct recipe *r, enum st_dialect d)
{
    return !r->only || r->only == d;
}
static inline const char *recipe_start(const struct recipe *r)
{
    return r->change->parents[0];
}
static inline const char *recipe_end(const struct recipe *r)
{
    return r->change->id;
}

#endif
