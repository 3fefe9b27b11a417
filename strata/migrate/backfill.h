/* backfill.h: the statements of a backfill; see backfill.c for how they run.
 *
 * A place in a table is kept as literals of the database's own, "'x'::text, 5::bigint": they may be put into the next
 * statement as they are, whatever the key's types. */
#ifndef STRATA_MIGRATE_BACKFILL_H
#define STRATA_MIGRATE_BACKFILL_H

#include "strata/migrate/run.h"

struct backfill_key {
    struct backfill_column {
        const char *name, *type; /* type: PostgreSQL */
    } * columns;
    size_t n, room;
};
/* The primary key of the table, in arena a. ST_E_SCHEMA: there is no such table; ST_E_INVALID: it has no key. */
st_err backfill_find_key(st_conn *c, arena *a, const char *table, int64_t deadline, struct backfill_key *ret);
/* A query of one row: how many rows the next batch has, how many of them still wanted it when they were locked, and its
 * last place. On PostgreSQL it fills them, too. after:
 * the place to go on behind, or NULL. */
void backfill_batch(buf *b, enum st_dialect d, const st_backfill *f, const struct backfill_key *key, const char *after,
                    uint32_t rows);
/* SQLite: fills what lies behind after and up to last. */
void backfill_update(buf *b, const st_backfill *f, const struct backfill_key *key, const char *after, const char *last);
void backfill_count(buf *b, const char *table, const char *where);

#endif
