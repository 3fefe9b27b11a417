/* revisions.h: one declaration a revision file; the files are named in revisions.list, to which `waymark migrate
 * revision` adds and from which the build takes them. */
#ifndef WAYMARK_MIGRATIONS_REVISIONS_H
#define WAYMARK_MIGRATIONS_REVISIONS_H

#include "strata/migrate.h"

#define REVISION(name) extern const st_revision name;
#include "waymark/migrations/revisions.list"
#undef REVISION

#endif
