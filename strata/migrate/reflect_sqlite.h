/* reflect_sqlite.h: what the files that read SQLite's texts share. */
#ifndef STRATA_MIGRATE_REFLECT_SQLITE_H
#define STRATA_MIGRATE_REFLECT_SQLITE_H

#include "strata/migrate/seen.h"

/* SQLite's names differ by more than case; ours do by case, so a column is called as where it is defined. */
const struct seen_column *reflect_sqlite_column(const struct seen_table *t, const char *name);
/* reflect_sqlite_index.c: "collate nocase" of one that every SQLite has; NULL of another. */
const char *reflect_sqlite_collation(const char *name);
/* Adds what CREATE INDEX says to the table. */
st_err reflect_sqlite_index(arena *a, struct seen_table *t, const char *name, const char *sql);

#endif
