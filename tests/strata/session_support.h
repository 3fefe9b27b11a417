/* session_support.h: a fresh database with the tables of library.h, on SQLite and then on PostgreSQL, for each test. */
#ifndef SESSION_SUPPORT_H
#define SESSION_SUPPORT_H

#include "engine_support.h"
#include "library.h"

static const st_uuid tenant_a = {{0xaa, 1}}, tenant_b = {{0xbb, 2}};

void library_create(struct world *w);

/* SESSION_TEST(name) { ... w->e ... }: DB_TEST with the tables there. */
#define SESSION_TEST(name)                  \
    static void name##_in(struct world *w); \
    DB_TEST(name)                           \
    {                                       \
        library_create(w);                  \
        name##_in(w);                       \
    }                                       \
    static void name##_in(struct world *w)

/* An author of tenant with that name, committed in a session of its own. */
st_uuid author_put(struct world *w, st_uuid tenant, const char *name);
int64_t authors_in(struct world *w, st_uuid tenant); /* as a new session of tenant counts them */

#endif
