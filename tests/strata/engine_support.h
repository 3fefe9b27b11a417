/* engine_support.h: an engine on each database, for tests that must hold on both. */
#ifndef ENGINE_SUPPORT_H
#define ENGINE_SUPPORT_H

#include <errno.h>

#include "base/mem.h"
#include "pg.h"
#include "strata/engine/driver.h"
#include "test.h"

/* Where a test runs. Engine tests use the first two, tests of sessions the first four (session_support.h). */
enum world_kind {
    WORLD_SQLITE,
    WORLD_PG,     /* as the owner of the tables */
    WORLD_POOLER, /* the same through PgBouncer in transaction mode */
    WORLD_APP,    /* as a role that owns nothing: row-level security holds */
    WORLD_ADMIN,  /* as the superuser: row-level security does not hold */
};

struct world {
    fiber_loop *loop;
    st_engine *e;
    enum st_dialect dialect;
    enum world_kind kind;
    arena *a;
    const char *url;
    char dir[64]; /* of the SQLite file */
};

/* By WAYMARK_TEST_WORLD, which is sqlite, postgresql, or not set for both. */
bool world_wanted(enum st_dialect d);
void world_open(struct world *w, enum st_dialect dialect, const struct st_engine_options *options);
void world_close(struct world *w);
void world_reopen(struct world *w, const char *url, const struct st_engine_options *options); /* the same data */
/* For a test that goes through several: when it fails, the last one given is named. NULL: it got through. */
void world_running(const char *name);

/* DB_TEST(name) { ... w->e ... }: runs on SQLite, then on PostgreSQL; CASE(name) lists it. */
#define DB_TEST(name)                                                  \
    static void name##_on(struct world *w);                            \
    START_TEST(name)                                                   \
    {                                                                  \
        for (enum st_dialect d = ST_SQLITE; d <= ST_POSTGRESQL; d++) { \
            struct world w;                                            \
            if (world_wanted(d)) {                                     \
                world_open(&w, d, NULL);                               \
                name##_on(&w);                                         \
                world_close(&w);                                       \
            }                                                          \
        }                                                              \
    }                                                                  \
    END_TEST                                                           \
    static void name##_on(struct world *w)

/* sql with $1 spelled as the database wants it; on SQLite also uuid, timestamptz, ... as its types. In w->a. */
str sql_for(struct world *w, const char *sql);
uint64_t id_of(str sql);
/* One statement with values on its own connection. */
st_err run_one(struct world *w, const char *sql, const st_value *values, size_t n, int64_t *ret_affected);
void must(struct world *w, const char *sql); /* a script, on its own connection */
/* The first column of the first row, a whole number. */
int64_t number(struct world *w, const char *sql);
int64_t number_on(struct world *w, st_conn *c, const char *sql);

static inline st_value v_text(const char *s)
{
    return (st_value){.type = ST_TEXT, .null = !s, .text = {s, s ? strlen(s) : 0}};
}
static inline st_value v_int(int64_t n)
{
    return (st_value){.type = ST_INT64, .i64 = n};
}

#endif
