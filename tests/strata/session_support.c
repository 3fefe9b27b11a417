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

void every_type_goes_in(struct world *w, st_err (*put)(st_session *s, Book *const *rows, size_t n))
{
    st_uuid author = author_put(w, tenant_a, "Anna");
    const st_uuid related[2] = {{{1}}, {{2}}};
    Book full = {.author_id = author,
                 .title = "full",
                 .order = -3,
                 .kind = KIND_OTHER,
                 .mood = {MOOD_GAY, true},
                 .in_print = true,
                 .shelf = -2,
                 .sold = INT64_MIN,
                 .price = 0.1,
                 .signed_copy = {true, true},
                 .floor = {-1, true},
                 .weight = {INT64_MAX, true},
                 .rating = {4.5, true},
                 .published = {{-5}, true},
                 .tags = {(const char *const[]){"a\\", "b,\"{c", ""}, 3},
                 .related = {related, 2},
                 .cover = {(const uint8_t *)"\0\xff", 2},
                 .book_metadata = {"[1]"}};
    Book bare = {.author_id = author, .title = "bare"};
    Book *rows[2] = {&full, &bare};
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        OK(put(s, rows, 2));
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Book *b = st_get(s, Book, full.id);
    ck_assert(b->order == -3 && b->kind == KIND_OTHER && b->mood.v == MOOD_GAY && b->in_print && b->shelf == -2);
    ck_assert(b->sold == INT64_MIN && b->price == 0.1 && b->signed_copy.v && b->floor.v == -1);
    ck_assert(b->weight.v == INT64_MAX && b->rating.v == 4.5 && b->published.v.us == -5);
    ck_assert_uint_eq(b->tags.n, 3);
    ck_assert_str_eq(b->tags.v[0], "a\\");
    ck_assert_str_eq(b->tags.v[1], "b,\"{c");
    ck_assert_str_eq(b->tags.v[2], "");
    ck_assert(b->related.n == 2 && uuid_eq(b->related.v[0], related[0]) && uuid_eq(b->related.v[1], related[1]));
    ck_assert(b->cover.len == 2 && memcmp(b->cover.p, "\0\xff", 2) == 0);
    ck_assert_str_eq(b->book_metadata.text, "[1]");
    b = st_get(s, Book, bare.id);
    ck_assert(!b->mood.set && !b->signed_copy.set && !b->rating.set && !b->published.set && !b->cover.p);
    ck_assert(b->tags.n == 0 && !b->related.v && !b->book_metadata.text);
}
