/* raw.h: SQL that a program wrote itself, looked at as far as the session must; private to Strata. */
#ifndef STRATA_QUERY_RAW_H
#define STRATA_QUERY_RAW_H

#include "base/arena.h"
#include "base/str.h"
#include "strata/types.h"

/* sql as the database wants its placeholders, in a. ST_E_INVALID: it controls the transaction, or (on SQLite, where
 * nobody else would say so) it is several statements or its placeholders are not those of n parameters. */
st_err st_raw_prepare(arena *a, enum st_dialect dialect, const char *sql, size_t n, str *ret);
/* Whether it starts with a word that only reads. WITH may write on PostgreSQL. */
bool st_raw_reads(const char *sql);

#endif
