/* session_support.h: a fresh database with the tables of library.h for each test, in each world. */
#ifndef SESSION_SUPPORT_H
#define SESSION_SUPPORT_H

#include "engine_support.h"
#include "library.h"

static const st_uuid tenant_a = {{0xaa, 1}}, tenant_b = {{0xbb, 2}};

void library_create(struct world *w);

/* SESSION_TEST(name) { ... w->e ... }: runs on SQLite, on PostgreSQL as the owner of the tables, through PgBouncer in
 * transaction mode, and as a role for which row-level security holds; each with the tables there. Only the one called
 * that when WAYMARK_TEST_WORLD is sqlite, postgresql, pooler or app. */
#define SESSION_TEST(name)                        \
    static void name##_in(struct world *w);       \
    START_TEST(name)                              \
    {                                             \
        in_each_world(library_create, name##_in); \
    }                                             \
    END_TEST                                      \
    static void name##_in(struct world *w)
/* create is called as the owner of the tables. */
void in_each_world(void (*create)(struct world *w), void (*body)(struct world *w));
void in_world(enum world_kind kind, void (*create)(struct world *w), void (*body)(struct world *w));

/* The same, in the worlds from first to last. */
void in_worlds(enum world_kind first, enum world_kind last, void (*create)(struct world *w),
               void (*body)(struct world *w));

/* Built with a scope.c that leaves the tenant out: what proves tenancy must fail then, unless there is a second wall.
 */
#ifdef ST_MUTATE_NO_TENANT
enum { MUTANT = true };
#else
enum { MUTANT = false };
#endif

static inline bool walled(const struct world *w) /* by row-level security */
{
    return w->dialect == ST_POSTGRESQL && w->kind != WORLD_ADMIN;
}

/* An author of tenant with that name, committed in a session of its own. */
st_uuid author_put(struct world *w, st_uuid tenant, const char *name);
int64_t authors_in(struct world *w, st_uuid tenant); /* as a new session of tenant counts them */
/* A book with a value of every type and one of nulls and zeroes go in by put, and come back the same. */
void every_type_goes_in(struct world *w, st_err (*put)(st_session *s, Book *const *rows, size_t n));

#endif
