/* Sessions without transactions: each read sees what is committed now, holds no connection afterwards, and on
 * PostgreSQL shares one with those of other fibers. */
#include "session_support.h"
#include "strata/define.h"

static struct st_pool_stats stats(const struct world *w)
{
    struct st_pool_stats s;
    st_engine_stats(w->e, &s);
    return s;
}

static void rename_author(struct world *w, st_uuid id, const char *name)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_edit(s, st_get(s, Author, id))->name = name;
    OK(st_commit(s));
}

SESSION_TEST(each_call_reads_what_is_committed_now)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a, .autocommit = true);
    const Author *a = st_get(s, Author, id);
    ck_assert_str_eq(a->name, "Anna");
    rename_author(w, id, "Berta");
    ck_assert_str_eq(a->name, "Anna"); /* nothing is read behind the caller's back */
    ck_assert_ptr_eq(st_get(s, Author, id), a);
    ck_assert_str_eq(a->name, "Berta");
    rename_author(w, id, "Carla");
    int64_t n;
    OK(st_count(s, Author, ST_EQ(Author, name, "Carla"), &n));
    ck_assert_int_eq(n, 1);
    st_rows rows = st_select(s, Author, NULL);
    ck_assert(rows.n == 1 && rows.items[0] == a && strcmp(a->name, "Carla") == 0);
    ck_assert_ptr_null(st_get(s, Author, uuid_v7()));
    OK(st_commit(s)); /* there is nothing to end */
    OK(st_session_error(s));
}

SESSION_TEST(no_connection_is_held_between_reads)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a, .autocommit = true);
    ck_assert_ptr_nonnull(st_get(s, Author, id));
    ck_assert_uint_eq(stats(w).in_use, 0);
    ST_SESSION(alone, w->e, .tenant = tenant_a, .autocommit = true, .isolation = ST_REPEATABLE_READ);
    ck_assert_ptr_nonnull(st_get(alone, Author, id));
    ck_assert_uint_eq(stats(w).in_use, 0);
    ST_SESSION(system, w->e, .system = "test", .autocommit = true);
    ck_assert_uint_ge(st_select(system, Author, NULL).n, w->kind == WORLD_APP ? 0 : 1);
    OK(st_session_error(system));
    ck_assert_uint_eq(stats(w).in_use, 0);
}

SESSION_TEST(relations_are_loaded_along)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        ck_assert_ptr_nonnull(st_add(s, Book, .author_id = id, .title = "One"));
        ck_assert_ptr_nonnull(st_add(s, Book, .author_id = id, .title = "Two"));
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a, .autocommit = true);
    st_rows rows = st_select(s, Author, NULL, .with = ST_SELECTIN(Author, books));
    OK(rows.err);
    const Author *a = rows.items[0];
    ck_assert_uint_eq(st_many(s, Author, a, books).n, 2);
    OK(st_load(s, Author, a, books, .where = ST_EQ(Book, title, "Two")));
    ck_assert_uint_eq(st_many(s, Author, a, books).n, 1);
    OK(st_refresh(s, a));
    OK(st_session_error(s));
}

SESSION_TEST(nothing_is_written)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    for (int what = 0; what < 6; what++) {
        ST_SESSION(s, w->e, .tenant = tenant_a, .autocommit = true);
        const Author *a = st_get(s, Author, id);
        struct st_mark mark;
        st_err expected = ST_E_READ_ONLY;
        if (what == 0) {
            ck_assert_ptr_null(st_add(s, Author, .name = "Otto"));
        } else if (what == 1) {
            ck_assert_ptr_null(st_edit(s, a));
        } else if (what == 2) {
            CODE(st_delete(s, a), ST_E_READ_ONLY);
        } else if (what == 3) {
            CODE(st_delete_where(s, Author, NULL, NULL), ST_E_READ_ONLY);
        } else if (what == 4) {
            CODE(st_savepoint(s, &mark), expected = ST_E_INVALID);
        } else {
            expected = w->dialect == ST_POSTGRESQL ? ST_E_READ_ONLY : 0; /* the lock would be gone at once */
            CODE(st_select(s, Author, NULL, .for_update = true).err, expected);
        }
        CODE(st_session_error(s), expected);
        CODE(st_commit(s), expected);
        OK(st_rollback(s));
        ck_assert_ptr_nonnull(st_get(s, Author, id));
    }
    ck_assert_int_eq(authors_in(w, tenant_a), 1);
}

typedef struct Counted {
    int64_t n;
} Counted;
#define T Counted
ST_RESULT(Counted, COL(n));
#undef T

SESSION_TEST(raw_sql_reads_and_does_not_write)
{
    author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a, .autocommit = true);
    st_rows rows = st_raw(s, Counted, "SELECT count(*) AS n FROM authors", .confined = true);
    OK(rows.err);
    ck_assert_int_eq(((const Counted *)rows.items[0])->n, 1);
    CODE(st_raw_execute(s, "DELETE FROM authors", NULL, .confined = true), ST_E_READ_ONLY);
    OK(st_rollback(s));
    CODE(st_raw(s, Counted, "DELETE FROM authors RETURNING 1 AS n", .confined = true).err, ST_E_READ_ONLY);
    ck_assert_int_eq(authors_in(w, tenant_a), 1);
}

struct reader {
    struct world *w;
    st_uuid tenant, own, other;
    bool whole; /* does all its reads with one session */
};

static int read_own(void *arg)
{
    const struct reader *r = arg;
    for (int i = 0; i < 20; i++) {
        ST_SESSION(s, r->w->e, .tenant = r->tenant, .autocommit = true);
        for (int k = 0; k < (r->whole ? 5 : 1); k++) {
            const Author *a = st_get(s, Author, r->own);
            ck_assert_msg(a && uuid_eq(a->tenant_id, r->tenant), "%s", test_diag());
            ck_assert_ptr_null(st_get(s, Author, r->other));
            st_rows rows = st_select(s, Author, NULL);
            ck_assert(rows.n == 1 && rows.items[0] == a);
        }
        OK(st_session_error(s));
    }
    return 0;
}

SESSION_TEST(tenants_that_share_connections_see_their_own)
{
    st_uuid of_a = author_put(w, tenant_a, "Anna"), of_b = author_put(w, tenant_b, "Bea");
    struct reader r[24];
    FIBER_BUNDLE(b);
    for (int i = 0; i < 24; i++) {
        bool a = i % 3 == 0;
        r[i] = (struct reader){w, a ? tenant_a : tenant_b, a ? of_a : of_b, a ? of_b : of_a, i % 2 == 0};
        OK(fiber_start(&b, read_own, &r[i]));
    }
    OK(fiber_bundle_wait(&b, fiber_in_ms(60000)));
    struct st_pool_stats s = stats(w);
    ck_assert_uint_eq(s.in_use, 0);
    if (w->dialect == ST_POSTGRESQL) {
        ck_assert_uint_eq(s.shared_reads, (12 * 5 + 12) * 20 * 3);
        ck_assert_uint_lt(s.shared_trips, s.shared_reads / 2);
        ck_assert_uint_le(s.connects, s.size);
    }
}

RUN("session_autocommit", 60, CASE(each_call_reads_what_is_committed_now), CASE(no_connection_is_held_between_reads),
    CASE(relations_are_loaded_along), CASE(nothing_is_written), CASE(raw_sql_reads_and_does_not_write),
    CASE(tenants_that_share_connections_see_their_own));
