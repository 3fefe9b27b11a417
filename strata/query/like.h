/* like.h: LIKE patterns, made to mean the same on SQLite as on PostgreSQL; private to the query layer. */
#ifndef STRATA_QUERY_LIKE_H
#define STRATA_QUERY_LIKE_H

#include "base/arena.h"
#include "base/str.h"
#include "strata/types.h"

/* ST_E_INVALID when the pattern ends in a lone escape. */
st_err st_like_check(str pattern);
/* The same pattern for SQLite's GLOB, which minds case, in a. -ENOMEM. */
st_err st_like_to_glob(arena *a, str pattern, str *ret);

#endif
