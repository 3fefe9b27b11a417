/* engine.h: a database and its connections.
 *
 * An engine belongs to one loop. Its URL decides what it talks to:
 *   sqlite:///relative/path   sqlite:////absolute/path   sqlite:///:memory:
 *       (?mode=ro, ?cache_kib=N, ?busy_ms=N, ?synchronous=full)
 *   postgresql://user:password@host:port/db?any_libpq_parameter=value   (or postgres://)
 *   ?pooler=transaction: behind PgBouncer or Supavisor: no named prepared statements, no session state
 * Calls suspend the calling fiber; outside fibers they run the loop. */
#ifndef STRATA_ENGINE_H
#define STRATA_ENGINE_H

#include "base/decls.h"
#include "fiber/fiber.h"
#include "strata/types.h"

DECLS_BEGIN

typedef struct st_engine st_engine;

struct st_engine_options {
    unsigned pool_size;    /* kept open; 0: 5. SQLite: readers; the writer is one more */
    unsigned max_overflow; /* opened beyond pool_size under load and closed after; default 10; ST_NO_OVERFLOW: none */
    int64_t checkout_timeout_ms; /* 0: 30,000 */
    int64_t recycle_ms;          /* connections older than that are replaced; 0: never */
    int64_t connect_timeout_ms;  /* 0: 10,000 */
    bool pre_ping;               /* test a connection at checkout */
    bool fifo;                   /* default is LIFO */
    const char *application;     /* application_name; NULL: "strata" */
    int64_t slow_ms;             /* statements slower than that go to on_statement with slow set; 0: none */
    void (*on_statement)(void *arg, const char *sql, int64_t ns, bool slow);
    void (*on_connect)(void *arg);
    void (*on_audit)(void *arg, const char *reason); /* a session across tenants is opened */
    void *arg;
    const struct st_hooks *hooks; /* hooks.h: of every session; must outlive the engine */
};
#define ST_NO_OVERFLOW UINT32_MAX

struct st_pool_stats {
    unsigned size, idle, in_use, overflow, waiting;
    uint64_t connects, disconnects, checkouts, timeouts, invalidations;
    uint64_t shared_reads, shared_trips; /* of .autocommit sessions on PostgreSQL: reads, and round trips they took */
};

/* Checks the URL; opens no connection yet on PostgreSQL, opens the file on SQLite. options may be NULL.
 * ST_E_URL names what is wrong in the URL. */
st_err st_engine_open(const char *url, const struct st_engine_options *options, st_engine **ret);
/* Every session must be closed (asserted). NULL is fine. */
void st_engine_close(st_engine *e);
enum st_dialect st_engine_dialect(const st_engine *e);
const char *st_engine_url(const st_engine *e); /* the password replaced by *** */
void st_engine_stats(const st_engine *e, struct st_pool_stats *ret);
st_err st_engine_ping(st_engine *e, int64_t deadline);

/* Plain statements outside sessions, for administration and tests: each string may hold several statements. */
st_err st_engine_execute(st_engine *e, const char *sql, int64_t deadline);

/* "SQLite 3.40.1, libpq 15.8, libuv 1.44.2": what this program runs with. */
void st_library_versions(char *out, size_t size);

/* Lets SQLite take its memory from base/mem.h too. It is a setting of the whole process, so nothing in Strata calls it:
 * call it before anything uses SQLite, if the program likes. ST_E_INVALID when it is too late. */
st_err st_sqlite_use_mem(void);

DECLS_END

#endif
