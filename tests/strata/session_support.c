#include "session_support.h"

#include "pgbouncer.h"

void library_create(struct world *w)
{
    OK(st_create_all(w->e, library_models, 4, FIBER_FOREVER));
}

static const char *const world_names[] = {[WORLD_SQLITE] = "sqlite",
                                          [WORLD_PG] = "postgresql",
                                          [WORLD_POOLER] = "pooler",
                                          [WORLD_APP] = "app",
                                          [WORLD_ADMIN] = "admin"};

void in_world(enum world_kind kind, void (*create)(struct world *w), void (*body)(struct world *w))
{
    struct world w;
    struct pgbouncer pooler;
    world_running(world_names[kind]);
    world_open(&w, kind == WORLD_SQLITE ? ST_SQLITE : ST_POSTGRESQL, NULL);
    create(&w);
    if (kind == WORLD_POOLER) {
        pgbouncer_start(&pooler, w.url);
        world_reopen(&w, server_printf("%s?pooler=transaction", pgbouncer_url(&pooler, w.url)), NULL);
    } else if (kind == WORLD_APP) {
        world_reopen(&w, pg_test_url_as(w.url, PG_APP), NULL);
    } else if (kind == WORLD_ADMIN) {
        world_reopen(&w, pg_test_url_as(w.url, PG_ADMIN), NULL);
    }
    w.kind = kind;
    body(&w);
    world_close(&w);
    if (kind == WORLD_POOLER) {
        pgbouncer_stop(&pooler);
    }
    world_running(NULL);
}

void in_worlds(enum world_kind first, enum world_kind last, void (*create)(struct world *w),
               void (*body)(struct world *w))
{
    const char *only = getenv("WAYMARK_TEST_WORLD");
    for (enum world_kind k = first; k <= last; k++) {
        if (!only || strcmp(only, world_names[k]) == 0) {
            in_world(k, create, body);
        }
    }
}

void in_each_world(void (*create)(struct world *w), void (*body)(struct world *w))
{
    in_worlds(WORLD_SQLITE, WORLD_APP, create, body);
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
