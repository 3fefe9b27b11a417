/* notes.h: revisions that make use of every recipe, on tables with rows, for the tests of how they run. */
#ifndef NOTES_H
#define NOTES_H

#include "strata/migrate.h"

enum { NOTES = 2500 }; /* rows */

extern const st_revision notes_first;
/* One recipe each, on top of the first. */
extern const st_revision *const notes_recipes[]; /* NULL-terminated */
extern const st_revision notes_recipe_index, notes_recipe_unique, notes_recipe_check, notes_recipe_key,
    notes_recipe_column, notes_recipe_varies, notes_recipe_must, notes_recipe_pkey, notes_recipe_child,
    notes_recipe_fill;
/* Several in one revision, with every kind of phase. */
extern const st_revision notes_some;

/* The first and r. */
#define NOTES_HISTORY(r)                                                                               \
    (&(const struct st_migrations){.revisions = (const st_revision *const[]){&notes_first, (r), NULL}, \
                                   .program = "prog migrate"})

#endif
