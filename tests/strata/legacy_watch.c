/* Who holds what, and who waits for what: sampled from pg_locks and pg_stat_activity. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "legacy_writers.h"

enum { HELD_MAX = 16, PAUSE_US = 2000 };

struct held {
    char what[96], how[120];
    int64_t since, seen;
};

/* Locks of tables that readers or writers wait for; whoever waits for one has others waiting behind it. */
static const char locks_sql[] =
    "SELECT l.virtualtransaction || ' ' || l.mode || ' ' || c.relname, l.mode || ' ' || c.relname || ', ' || "
    "coalesce(left(regexp_replace(a.query, '\\s+', ' ', 'g'), 80), '') FROM pg_locks l JOIN pg_class c ON c.oid = "
    "l.relation LEFT JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'relation' AND "
    "c.relname IN ('domains', 'jobs') AND l.mode IN "
    "('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')";
static const char waits_sql[] = "SELECT pid, coalesce(wait_event_type, '') FROM pg_stat_activity WHERE "
                                "application_name = 'legacy program' AND state = 'active'";

static void see_locks(PGconn *pg, struct held held[static HELD_MAX], struct program_stats *own)
{
    PGresult *r = PQexecPrepared(pg, "locks", 0, NULL, NULL, NULL, 0);
    int64_t now = clock_mono_ns();
    for (int i = 0; i < PQntuples(r); i++) {
        struct held *h = held, *end = held + HELD_MAX - 1;
        while (h < end && h->seen && strcmp(h->what, PQgetvalue(r, i, 0)) != 0) {
            h++;
        }
        if (!h->seen || strcmp(h->what, PQgetvalue(r, i, 0)) != 0) {
            (void)snprintf(h->what, sizeof h->what, "%s", PQgetvalue(r, i, 0));
            h->since = now;
        }
        h->seen = now;
        if (now - h->since > own->longest_ns) {
            own->longest_ns = now - h->since;
            (void)snprintf(own->longest, sizeof own->longest, "%s", PQgetvalue(r, i, 1));
        }
        own->too_long += now - h->since > TOO_LONG_MS * INT64_C(1000000);
    }
    PQclear(r);
    for (size_t i = 0; i < HELD_MAX; i++) { /* gone */
        if (held[i].seen && held[i].seen != now) {
            held[i] = (struct held){0};
        }
    }
}

static void see_waits(PGconn *pg, struct program_stats *all)
{
    PGresult *r = PQexecPrepared(pg, "waits", 0, NULL, NULL, NULL, 0);
    for (int i = 0; i < PQntuples(r); i++) {
        int pid = (int)strtol(PQgetvalue(r, i, 0), NULL, 10);
        const char *type = PQgetvalue(r, i, 1);
        for (size_t k = 0; k < PROGRAMS_MAX; k++) {
            struct looks *l = &all[k].looks;
            if (all[k].backend != pid) {
                continue;
            }
            uint32_t *n = !*type                      ? &l->at_work
                          : strcmp(type, "Lock") == 0 ? &l->lock
                          : strcmp(type, "IO") == 0   ? &l->io
                                                      : &l->other;
            __atomic_add_fetch(n, 1, __ATOMIC_RELAXED);
        }
    }
    PQclear(r);
}

void legacy_watch(struct program_stats *all, struct program_stats *own, const char *url)
{
    struct held held[HELD_MAX] = {0};
    PGconn *pg = PQconnectdb(url);
    PQclear(PQprepare(pg, "locks", locks_sql, 0, NULL));
    PQclear(PQprepare(pg, "waits", waits_sql, 0, NULL));
    while (PQstatus(pg) == CONNECTION_OK && !__atomic_load_n(&own->stop, __ATOMIC_ACQUIRE)) {
        see_locks(pg, held, own);
        see_waits(pg, all);
        own->statements++;
        (void)usleep(PAUSE_US);
    }
    if (PQstatus(pg) != CONNECTION_OK) {
        (void)snprintf(own->error, sizeof own->error, "%.200s", PQerrorMessage(pg));
    }
    PQfinish(pg);
}
