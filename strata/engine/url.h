/* url.h: a database URL taken apart; private to the engine.
 *
 * Everything points into the arena it was parsed with. The password appears in pairs only, never in shown. */
#ifndef STRATA_ENGINE_URL_H
#define STRATA_ENGINE_URL_H

#include "base/arena.h"
#include "strata/types.h"

enum { ST_URL_MAX = 8192, ST_URL_PAIRS_MAX = 64 };

struct st_url {
    enum st_dialect dialect;
    const char *shown; /* the URL, passwords replaced by *** */

    /* SQLite */
    const char *path; /* of the file; ":memory:" for none */
    bool memory, read_only, create, sync_full;
    unsigned cache_kib; /* page cache of each connection, KiB; 0: the default */
    int64_t busy_ms;    /* how long to wait for another process's lock; negative: the default */

    /* PostgreSQL: libpq's keywords with their values, both ended by NULL */
    const char *const *keywords;
    const char *const *values;
    bool pooler; /* ?pooler=transaction */
};

/* ST_E_URL, with a diagnosis that names what is wrong, or -ENOMEM. */
st_err st_url_parse(arena *a, const char *url, struct st_url *ret);
/* The value of a libpq keyword in url, or NULL. */
const char *st_url_get(const struct st_url *url, const char *keyword);

#endif
