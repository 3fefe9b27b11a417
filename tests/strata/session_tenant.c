/* Tenant B works against tenant A's rows by every form there is, and finds nothing; each form is first shown to work
 * for A. */
#include "session_support.h"

static void seed(struct world *w, st_uuid *ret_author)
{
    *ret_author = author_put(w, tenant_a, "Anna");
    author_put(w, tenant_a, "Otto");
    author_put(w, tenant_b, "Bea");
}

/* How many authors of A the form reaches when asked by tenant. */
typedef int64_t reads(struct world *w, st_uuid tenant, st_uuid of_a);

static int64_t by_select(struct world *w, st_uuid tenant, st_uuid of_a)
{
    ST_SESSION(s, w->e, .tenant = tenant);
    st_rows rows = st_select(s, Author, ST_OR(ST_EQ(Author, id, of_a), ST_EQ(Author, tenant_id, tenant_a)));
    OK(rows.err);
    return (int64_t)rows.n;
}
static int64_t by_select_of_all(struct world *w, st_uuid tenant, st_uuid of_a)
{
    (void)of_a;
    int64_t n = 0;
    ST_SESSION(s, w->e, .tenant = tenant);
    st_each (Author, a, st_select(s, Author, NULL, .order = ST_ORDER(ST_ASC(Author, name)), .limit = 100)) {
        n += uuid_eq(a->tenant_id, tenant_a);
    }
    OK(st_session_error(s));
    return n;
}
static int64_t by_negation(struct world *w, st_uuid tenant, st_uuid of_a)
{
    (void)of_a;
    ST_SESSION(s, w->e, .tenant = tenant);
    return (int64_t)st_select(s, Author, ST_NOT(ST_EQ(Author, name, "Bea"))).n;
}
static int64_t by_first(struct world *w, st_uuid tenant, st_uuid of_a)
{
    ST_SESSION(s, w->e, .tenant = tenant);
    return st_first(s, Author, ST_EQ(Author, id, of_a)) != NULL;
}
static int64_t by_get(struct world *w, st_uuid tenant, st_uuid of_a)
{
    ST_SESSION(s, w->e, .tenant = tenant);
    return st_get(s, Author, of_a) != NULL;
}
static int64_t by_whole_key(struct world *w, st_uuid tenant, st_uuid of_a)
{
    ST_SESSION(s, w->e, .tenant = tenant);
    const st_value key[] = {st_v_uuid(tenant_a), st_v_uuid(of_a)};
    return st_get_(s, &Author_model, key, 2) != NULL;
}
static int64_t by_count(struct world *w, st_uuid tenant, st_uuid of_a)
{
    int64_t n;
    ST_SESSION(s, w->e, .tenant = tenant);
    OK(st_count(s, Author, ST_EQ(Author, id, of_a), &n));
    return n;
}

SESSION_TEST(no_read_reaches_another_tenant)
{
    static const struct {
        const char *name;
        reads *read;
    } forms[] = {
        {"select", by_select}, {"select of all", by_select_of_all}, {"negation", by_negation}, {"first", by_first},
        {"get", by_get},       {"get by whole key", by_whole_key},  {"count", by_count}};
    st_uuid of_a;
    seed(w, &of_a);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        ck_assert_msg(forms[i].read(w, tenant_a, of_a) > 0, "%s does not work at all", forms[i].name);
        ck_assert_msg(forms[i].read(w, tenant_b, of_a) == 0, "%s reaches another tenant", forms[i].name);
    }
}

SESSION_TEST(no_write_by_criteria_reaches_another_tenant)
{
    st_uuid of_a;
    seed(w, &of_a);
    int64_t n = -1;
    {
        ST_SESSION(s, w->e, .tenant = tenant_b);
        OK(st_update_where(s, Author, ST_EQ(Author, id, of_a), &n, ST_SET(Author, email, "b@b")));
        ck_assert_int_eq(n, 0);
        OK(st_update_where(s, Author, NULL, &n, ST_SET(Author, email, "b@b")));
        ck_assert_int_eq(n, 1);
        OK(st_delete_where(s, Author, ST_EQ(Author, tenant_id, tenant_a), &n));
        ck_assert_int_eq(n, 0);
        OK(st_delete_where(s, Author, NULL, &n));
        ck_assert_int_eq(n, 1);
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_count(s, Author, ST_EQ(Author, email, NULL), &n));
    ck_assert_int_eq(n, 2);
    OK(st_update_where(s, Author, ST_EQ(Author, id, of_a), &n, ST_SET(Author, email, "a@a")));
    ck_assert_int_eq(n, 1);
    OK(st_delete_where(s, Author, ST_EQ(Author, id, of_a), &n));
    ck_assert_int_eq(n, 1);
}

/* An object that looks like A's row, brought into B's session by force. */
SESSION_TEST(no_write_of_a_row_reaches_another_tenant)
{
    st_uuid of_a, of_b = author_put(w, tenant_b, "Bob");
    seed(w, &of_a);
    for (int forged = 0; forged < 2; forged++) {
        ST_SESSION(s, w->e, .tenant = tenant_b);
        Author *a = st_edit(s, st_get(s, Author, of_b));
        if (forged) {
            a->tenant_id = tenant_a;
            a->id = of_a;
        }
        a->name = "Mine";
        CODE(st_flush(s), forged ? ST_E_TENANT : 0);
    }
    int64_t of_bs = authors_in(w, tenant_b);
    {
        ST_SESSION(s, w->e, .tenant = tenant_b);
        const Author *b = st_get(s, Author, of_b);
        OK(st_commit(s));
        Author *forged = st_edit(s, b); /* behind the snapshot's back too */
        OK(st_flush(s));
        (void)forged;
        union {
            const Author *loaded;
            Author *writable;
        } u = {.loaded = b};
        u.writable->tenant_id = tenant_a;
        u.writable->id = of_a;
        OK(st_delete(s, b));
        OK(st_commit(s)); /* what goes is the row that was loaded, whatever was written over its key */
    }
    ck_assert_int_eq(authors_in(w, tenant_b), of_bs - 1);
    ck_assert_int_eq(authors_in(w, tenant_a), 2);
}

SESSION_TEST(no_insert_lands_with_another_tenant)
{
    st_uuid of_a;
    seed(w, &of_a);
    {
        ST_SESSION(s, w->e, .tenant = tenant_b);
        ck_assert_ptr_null(st_add(s, Author, .tenant_id = tenant_a, .name = "Spy"));
        CODE(st_commit(s), ST_E_TENANT);
    }
    {
        ST_SESSION(s, w->e, .tenant = tenant_b);
        Author *a = st_add(s, Author, .name = "Spy");
        a->tenant_id = tenant_a; /* after the check of st_add */
        CODE(st_commit(s), ST_E_TENANT);
    }
    {
        ST_SESSION(s, w->e, .tenant = tenant_b);
        void *row = &(Author){.tenant_id = tenant_a, .name = "Spy"};
        CODE(st_insert_many(s, Author, &row, 1, NULL), ST_E_TENANT);
    }
    {
        ST_SESSION(s, w->e, .tenant = tenant_b);
        void *row = &(Author){.name = "Anna", .email = "b@b"}; /* A has an author of that name: not the same row */
        struct st_bulk_result r;
        OK(st_insert_many(s, Author, &row, 1, &r, .conflict = ST_MEMBERS(Author, name),
                          .update = ST_MEMBERS(Author, email)));
        ck_assert(r.inserted == 1 && r.updated == 0);
        OK(st_commit(s));
    }
    {
        ST_SESSION(s, w->e, .tenant = tenant_b);
        ck_assert_ptr_nonnull(st_add(s, Book, .author_id = of_a, .title = "Stolen")); /* the key carries the tenant */
        CODE(st_commit(s), ST_E_FOREIGN_KEY);
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    int64_t n;
    OK(st_count(s, Author, ST_EQ(Author, email, NULL), &n));
    ck_assert_int_eq(n, 2);
    OK(st_count(s, Author, ST_EQ(Author, name, "Spy"), &n));
    ck_assert_int_eq(n, 0);
    ck_assert_ptr_nonnull(st_add(s, Book, .author_id = of_a, .title = "Own"));
    OK(st_commit(s));
}

SESSION_TEST(a_session_without_tenant_touches_no_tenants_table)
{
    st_uuid of_a;
    seed(w, &of_a);
    int64_t n;
    for (int form = 0; form < 6; form++) {
        ST_SESSION(s, w->e, .read_only = false);
        void *row = &(Author){.name = "x"};
        switch (form) {
        case 0:
            ck_assert_int_eq(st_select(s, Author, NULL).err, ST_E_TENANT);
            break;
        case 1:
            ck_assert_ptr_null(st_get(s, Author, of_a));
            break;
        case 2:
            ck_assert_ptr_null(st_add(s, Author, .name = "x"));
            break;
        case 3:
            CODE(st_count(s, Author, NULL, &n), ST_E_TENANT);
            break;
        case 4:
            CODE(st_delete_where(s, Author, NULL, &n), ST_E_TENANT);
            break;
        default:
            CODE(st_insert_many(s, Author, &row, 1, NULL), ST_E_TENANT);
        }
        CODE(st_session_error(s), ST_E_TENANT);
    }
}

static size_t authors_across(struct world *w, const char *reason)
{
    ST_SESSION(s, w->e, .system = reason);
    st_rows rows = st_select(s, Author, NULL);
    OK(rows.err);
    return rows.n;
}

SESSION_TEST(work_across_tenants_says_so_and_each_row_its_tenant)
{
    st_uuid of_a;
    seed(w, &of_a);
    if (w->kind == WORLD_APP) { /* saying so does not help against row-level security: it takes another role */
        ck_assert_uint_eq(authors_across(w, "count the customers"), 0);
        world_reopen(w, pg_test_url_as(w->url, PG_ADMIN), NULL);
    }
    ST_SESSION(s, w->e, .system = "count the customers");
    int64_t n;
    OK(st_count(s, Author, NULL, &n));
    ck_assert_int_eq(n, 3);
    const Author *a = st_get(s, Author, of_a);
    ck_assert_ptr_nonnull(a);
    st_edit(s, a)->email = "x@y";
    ck_assert_ptr_nonnull(st_add(s, Author, .tenant_id = tenant_b, .name = "New"));
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_b), 2);
    ck_assert_ptr_null(st_add(s, Author, .name = "Nobody's"));
    CODE(st_session_error(s), ST_E_TENANT);
}

static void note_reason(void *arg, const char *reason)
{
    (void)snprintf(arg, 64, "%s", reason);
}

START_TEST(work_across_tenants_is_audited)
{
    char reason[64] = "";
    const struct st_engine_options options = {.on_audit = note_reason, .arg = reason};
    struct world w;
    world_open(&w, ST_SQLITE, &options);
    {
        ST_SESSION(s, w.e, .tenant = tenant_a, .system = "not across tenants");
        ck_assert_str_eq(reason, "");
        ST_SESSION(across, w.e, .system = "billing run");
        ck_assert_str_eq(reason, "billing run");
    }
    world_close(&w);
}
END_TEST

RUN("session_tenant", 60, CASE(no_read_reaches_another_tenant), CASE(no_write_by_criteria_reaches_another_tenant),
    CASE(no_write_of_a_row_reaches_another_tenant), CASE(no_insert_lands_with_another_tenant),
    CASE(a_session_without_tenant_touches_no_tenants_table), CASE(work_across_tenants_says_so_and_each_row_its_tenant),
    CASE(work_across_tenants_is_audited));
