/* Many rows at once, and writes by criteria. */
#include "session_support.h"

enum { N = 3000 };
struct rows {
    Author authors[N];
    Author *at[N];
    char names[N][12];
};

static struct rows *some_rows(int from, int n)
{
    struct rows *r = mem_zalloc(1, sizeof *r);
    ck_assert_ptr_nonnull(r);
    for (int i = 0; i < n; i++) {
        (void)snprintf(r->names[i], sizeof r->names[i], "a%05d", from + i);
        r->authors[i].name = r->names[i];
        r->at[i] = &r->authors[i];
    }
    return r;
}

SESSION_TEST(many_rows_go_in_and_get_their_ids)
{
    struct rows *r = some_rows(0, N);
    struct st_bulk_result got;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_insert_many(s, Author, r->at, N, &got));
    ck_assert(got.inserted == N && got.updated == 0 && got.kept == 0);
    ck_assert(!uuid_is_nil(r->authors[7].id) && uuid_eq(r->authors[7].tenant_id, tenant_a));
    ck_assert(r->authors[7].version == 1 && r->authors[7].created_at.us > 0);
    const Author *a = st_get(s, Author, r->authors[7].id);
    ck_assert_str_eq(a->name, "a00007");
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), N);
    OK(st_insert_many(s, Author, r->at, 0, &got));
    ck_assert_int_eq(got.inserted, 0);
    mem_free(r);
}

SESSION_TEST(an_upsert_tells_new_rows_from_old)
{
    struct rows *r = some_rows(0, 100), *again = some_rows(60, 100);
    struct st_bulk_result got;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_insert_many(s, Author, r->at, 100, &got, .conflict = ST_MEMBERS(Author, name)));
    ck_assert(got.inserted == 100 && got.updated == 0 && got.kept == 0);
    const Author *old = st_first(s, Author, ST_EQ(Author, name, "a00060"));
    for (int i = 0; i < 100; i++) {
        again->authors[i].email = "new@example.org";
        again->authors[i].born = (st_opt_int32){5, true};
    }
    OK(st_insert_many(s, Author, again->at, 100, &got, .conflict = ST_MEMBERS(Author, name)));
    ck_assert(got.inserted == 60 && got.updated == 0 && got.kept == 40);
    OK(st_insert_many(s, Author, again->at, 100, &got, .conflict = ST_MEMBERS(Author, name),
                      .update = ST_MEMBERS(Author, email)));
    ck_assert(got.inserted == 0 && got.updated == 100 && got.kept == 0);
    ck_assert_ptr_eq(st_first(s, Author, ST_EQ(Author, name, "a00060")), old); /* and it is refreshed: */
    ck_assert_str_eq(old->email, "new@example.org");
    ck_assert(!old->born.set); /* not asked for */
    ck_assert_int_eq(old->version, 2);
    ck_assert(uuid_eq(old->id, r->authors[60].id));
    ck_assert_int_ge(old->updated_at.us, r->authors[60].updated_at.us);
    ck_assert_int_eq(old->created_at.us, r->authors[60].created_at.us);
    OK(st_commit(s));
    mem_free(r);
    mem_free(again);
}

SESSION_TEST(of_rows_given_twice_the_last_counts)
{
    Author x[4] = {
        {.name = "Anna", .email = "a@1"}, {.name = "Otto"}, {.name = "Anna", .email = "a@2"}, {.name = "Otto"}};
    Author *rows[4] = {&x[0], &x[1], &x[2], &x[3]};
    struct st_bulk_result got;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_insert_many(s, Author, rows, 4, &got, .conflict = ST_MEMBERS(Author, name),
                      .update = ST_MEMBERS(Author, email)));
    ck_assert(got.inserted == 2 && got.updated == 0);
    ck_assert_str_eq(st_first(s, Author, ST_EQ(Author, name, "Anna"))->email, "a@2");
    OK(st_insert_many(s, Author, rows, 4, &got, .conflict = ST_MEMBERS(Author, name)));
    ck_assert(got.inserted == 0 && got.kept == 2);
    CODE(st_insert_many(s, Author, rows, 4, &got), ST_E_UNIQUE);
}

static st_err insert_books(st_session *s, Book *const *rows, size_t n)
{
    return st_insert_many(s, Book, rows, n, NULL);
}

SESSION_TEST(every_type_goes_in_bulk)
{
    every_type_goes_in(w, insert_books);
}

SESSION_TEST(a_broken_row_stops_all)
{
    struct rows *r = some_rows(0, 10);
    r->authors[6].name = "much too long";
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        CODE(st_insert_many(s, Author, r->at, 10, NULL), ST_E_INVALID);
        ck_assert_ptr_nonnull(strstr(test_diag(), "row 7 of 10"));
    }
    r->authors[6].name = r->names[5];
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        CODE(st_insert_many(s, Author, r->at, 10, NULL), ST_E_UNIQUE);
        CODE(st_commit(s), ST_E_UNIQUE);
    }
    ck_assert_int_eq(authors_in(w, tenant_a), 0);
    mem_free(r);
}

SESSION_TEST(updates_by_criteria_count_and_refresh)
{
    struct rows *r = some_rows(0, 50);
    int64_t n;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_insert_many(s, Author, r->at, 50, NULL));
    const Author *a = st_get(s, Author, r->authors[3].id);
    st_edit(s, a)->born = (st_opt_int32){10, true};
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "late", .born = {20, true}));
    OK(st_update_where(s, Author, ST_NOT_NULL(Author, born), &n, ST_ADD(Author, born, 5),
                       ST_SET(Author, email, "x@y")));
    ck_assert_int_eq(n, 2);
    ck_assert_ptr_eq(st_get(s, Author, r->authors[3].id), a);
    ck_assert_int_eq(a->born.v, 15);
    ck_assert_str_eq(a->email, "x@y");
    ck_assert_int_eq(a->version, 3);
    OK(st_update_where(s, Author, NULL, &n, ST_SET_NULL(Author, email)));
    ck_assert_int_eq(n, 51);
    OK(st_rollback(s));
    OK(st_count(s, Author, NULL, &n));
    ck_assert_int_eq(n, 0);
    CODE(st_update_where(s, Author, NULL, &n, ST_SET(Author, email, "nonsense")), ST_E_INVALID);
    mem_free(r);
}

SESSION_TEST(criteria_meet_rows_written_before_them)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        Author *a = st_edit(s, st_get(s, Author, id)), *b = st_add(s, Author, .name = "Berta");
        a->born = (st_opt_int32){1, true};
        OK(st_flush(s));
        b->born = (st_opt_int32){2, true}; /* the update flushes it first */
        OK(st_update_where(s, Author, NULL, NULL, ST_ADD(Author, born, 10)));
        ck_assert_uint_eq(st_select(s, Author, NULL).n, 2);
        ck_assert(a->born.v == 11 && b->born.v == 12);
        OK(st_commit(s)); /* and nothing is taken for a change of the caller's */
        ck_assert(a->version == 3 && b->version == 3);
        st_edit(s, a)->born.v = 50;
        OK(st_flush(s));
        OK(st_update_where(s, Author, NULL, NULL, ST_ADD(Author, born, 10)));
        ck_assert_ptr_eq(st_get(s, Author, id), a);
        OK(st_rollback(s));
        ck_assert_int_eq(a->born.v, 11);
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    Author *a = st_edit(s, st_get(s, Author, id));
    OK(st_flush(s));
    OK(st_update_where(s, Author, NULL, NULL, ST_ADD(Author, born, 10)));
    a->born.v = 0; /* written over what the update did, unseen */
    (void)st_select(s, Author, NULL);
    ck_assert_int_eq(a->born.v, 0);
    CODE(st_commit(s), ST_E_CONFLICT);
}

SESSION_TEST(deletes_by_criteria_count)
{
    struct rows *r = some_rows(0, 50);
    int64_t n;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_insert_many(s, Author, r->at, 50, NULL));
    OK(st_delete_where(s, Author, ST_LT(Author, name, "a00010"), &n));
    ck_assert_int_eq(n, 10);
    ck_assert_ptr_null(st_get(s, Author, r->authors[3].id));
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 40);
    mem_free(r);
}

RUN("session_bulk", 60, CASE(many_rows_go_in_and_get_their_ids), CASE(an_upsert_tells_new_rows_from_old),
    CASE(of_rows_given_twice_the_last_counts), CASE(every_type_goes_in_bulk), CASE(a_broken_row_stops_all),
    CASE(updates_by_criteria_count_and_refresh), CASE(criteria_meet_rows_written_before_them),
    CASE(deletes_by_criteria_count));
