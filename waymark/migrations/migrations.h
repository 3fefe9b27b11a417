/* migrations.h: the history of the product's tables. A revision file states tables as they were then; it never includes
 * the models. */
#ifndef WAYMARK_MIGRATIONS_MIGRATIONS_H
#define WAYMARK_MIGRATIONS_MIGRATIONS_H

#include "strata/migrate.h"

extern const struct st_migrations waymark_migrations;

#endif
