#include "session_support.h"

void library_create(struct world *w)
{
    OK(st_create_all(w->e, library_models, 4, FIBER_FOREVER));
}

st_uuid author_put(struct world *w, st_uuid tenant, const char *name)
{
    ST_SESSION(s, w->e, .tenant = tenant);
    Author *a = st_add(s, Author, .name = name);
    ck_assert_ptr_nonnull(a);
    st_uuid id = a->id;
    OK(st_commit(s));
    return id;
}

int64_t authors_in(struct world *w, st_uuid tenant)
{
    int64_t n = -1;
    ST_SESSION(s, w->e, .tenant = tenant, .read_only = true); /* beside a writer that may be open */
    OK(st_count(s, Author, NULL, &n));
    return n;
}
