/* What a session does day by day: the same on both databases. */
#include "session_support.h"

#include "base/clock.h"

SESSION_TEST(what_is_added_and_committed_is_found_by_another_session)
{
    int64_t before = clock_wall_us();
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, id);
    ck_assert_ptr_nonnull(a);
    ck_assert_str_eq(a->name, "Anna");
    ck_assert_ptr_null(a->email);
    ck_assert(!a->born.set);
    ck_assert(uuid_eq(a->tenant_id, tenant_a));
    ck_assert_int_eq(a->version, 1);
    ck_assert_int_ge(a->created_at.us, before);
    ck_assert_int_eq(a->created_at.us, a->updated_at.us);
    ck_assert(!a->books.loaded);
    ck_assert_ptr_null(st_get(s, Author, tenant_a));
    OK(st_session_error(s));
}

SESSION_TEST(every_type_survives_the_trip)
{
    st_uuid author = author_put(w, tenant_a, "Anna");
    const st_uuid related[2] = {{{1}}, {{2}}};
    const uint8_t cover[4] = {0, 1, 0xff, 0};
    st_uuid id;
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        Book *b =
            st_add(s, Book, .author_id = author, .title = "T\xc3\xa4tig \"q\"", .order = -3, .kind = KIND_POEMS,
                   .mood = {MOOD_GAY, true}, .in_print = true, .shelf = -2, .sold = INT64_MAX, .price = 0.1,
                   .signed_copy = {true, true}, .floor = {-1, true}, .weight = {INT64_MIN, true}, .rating = {4.5, true},
                   .published = {{1234567890123456}, true}, .tags = {(const char *const[]){"a", "b,\"c\""}, 2},
                   .related = {related, 2}, .cover = {cover, 4}, .book_metadata = {"{\"a\": 1}"});
        id = b->id;
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Book *b = st_get(s, Book, id);
    ck_assert_ptr_nonnull(b);
    ck_assert_str_eq(b->title, "T\xc3\xa4tig \"q\"");
    ck_assert(b->order == -3 && b->kind == KIND_POEMS && b->mood.set && b->mood.v == MOOD_GAY && b->in_print);
    ck_assert(b->shelf == -2 && b->sold == INT64_MAX && b->price == 0.1 && b->signed_copy.set && b->signed_copy.v);
    ck_assert(b->floor.v == -1 && b->weight.v == INT64_MIN && b->rating.v == 4.5);
    ck_assert(b->published.set && b->published.v.us == 1234567890123456);
    ck_assert_uint_eq(b->tags.n, 2);
    ck_assert_str_eq(b->tags.v[1], "b,\"c\"");
    ck_assert(b->related.n == 2 && uuid_eq(b->related.v[1], related[1]));
    ck_assert(b->cover.len == 4 && memcmp(b->cover.p, cover, 4) == 0);
    ck_assert_str_eq(b->book_metadata.text, "{\"a\": 1}");
    ck_assert(b->version == 1 && !b->sequel_to.set);
}

SESSION_TEST(a_row_is_one_object)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, id);
    ck_assert_ptr_eq(st_get(s, Author, id), a);
    ck_assert_ptr_eq(st_first(s, Author, ST_EQ(Author, name, "Anna")), a);
    st_rows all = st_select(s, Author, NULL);
    ck_assert(all.n == 1 && all.items[0] == a);
    Author *added = st_add(s, Author, .name = "Berta");
    ck_assert_ptr_eq(st_get(s, Author, added->id), added);
    ck_assert_ptr_eq(st_first(s, Author, ST_EQ(Author, name, "Berta")), added);
}

SESSION_TEST(a_select_flushes_first)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, id);
    st_edit(s, a)->name = "Zoe";
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Yve"));
    st_rows rows = st_select(s, Author, ST_GT(Author, name, "X"), .order = ST_ORDER(ST_DESC(Author, name)));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 2);
    ck_assert_ptr_eq(rows.items[0], a);
    int64_t n = -1;
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Xenia"));
    OK(st_count(s, Author, NULL, &n));
    ck_assert_int_eq(n, 3);
    ck_assert_int_eq(authors_in(w, tenant_b), 0);
}

SESSION_TEST(an_edit_writes_and_counts_the_version_on)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    st_time created, updated;
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Author *a = st_get(s, Author, id);
        created = a->created_at;
        updated = a->updated_at;
        Author *e = st_edit(s, a);
        ck_assert_ptr_eq(e, a);
        e->email = "anna@example.org";
        e->born = (st_opt_int32){1900, true};
        OK(st_flush(s));
        st_edit(s, a)->born.v = 1901;
        OK(st_commit(s));
        ck_assert_int_eq(a->version, 3);
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, id);
    ck_assert_str_eq(a->email, "anna@example.org");
    ck_assert_int_eq(a->born.v, 1901);
    ck_assert_int_eq(a->version, 3);
    ck_assert_int_eq(a->created_at.us, created.us);
    ck_assert_int_gt(a->updated_at.us, updated.us);
    Author *e = st_edit(s, a); /* an edit that changes nothing writes nothing */
    e->name = "Anna";
    OK(st_commit(s));
    ck_assert_int_eq(a->version, 3);
}

SESSION_TEST(a_deleted_row_is_gone)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_delete(s, st_get(s, Author, id)));
    ck_assert_ptr_null(st_get(s, Author, id));
    ck_assert_ptr_null(st_first(s, Author, NULL));
    OK(st_commit(s));
    Author *never = st_add(s, Author, .name = "Otto");
    OK(st_delete(s, never));
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 0);
}

SESSION_TEST(parents_go_before_children_and_leave_after_them)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_uuid author = uuid_v7(), first = uuid_v7();
    for (int i = 0; i < 20; i++) { /* children named before their parents, enough of them for a bulk statement */
        ck_assert_ptr_nonnull(st_add(s, Book, .author_id = author, .title = "B", .order = i));
    }
    ck_assert_ptr_nonnull(st_add(s, Book, .id = first, .author_id = author, .title = "First"));
    ck_assert_ptr_nonnull(st_add(s, Book, .author_id = author, .title = "Second", .sequel_to = {first, true}));
    Author *a = st_add(s, Author, .id = author, .name = "Anna", .country = "at");
    ck_assert_ptr_nonnull(st_add(s, Country, .code = "at", .name = "Austria"));
    OK(st_commit(s));
    int64_t n;
    OK(st_count(s, Book, ST_EQ(Book, author_id, author), &n));
    ck_assert_int_eq(n, 22);
    OK(st_delete(s, st_first(s, Country, NULL)));
    OK(st_delete(s, a));
    st_each (Book, b, st_select(s, Book, ST_NOT_NULL(Book, sequel_to))) {
        OK(st_delete(s, b));
    }
    OK(st_commit(s));
    OK(st_count(s, Book, NULL, &n));
    ck_assert_int_eq(n, 0); /* the rest went by the cascade */
}

SESSION_TEST(many_rows_are_flushed_and_loaded)
{
    enum { N = 1500 };
    static char names[N][12];
    ST_SESSION(s, w->e, .tenant = tenant_a);
    for (int i = 0; i < N; i++) {
        (void)snprintf(names[i], sizeof names[i], "a%04d", i);
        ck_assert_ptr_nonnull(st_add(s, Author, .name = names[i], .born = {i, true}));
    }
    OK(st_flush(s));
    memset(names, 'x', sizeof names); /* the flush copied them */
    st_rows rows = st_select(s, Author, ST_LT(Author, born, 1000), .order = ST_ORDER(ST_ASC(Author, name)));
    ck_assert_uint_eq(rows.n, 1000);
    ck_assert_str_eq(((const Author *)rows.items[999])->name, "a0999");
    st_each (Author, a, rows) {
        st_edit(s, a)->email = "a@b";
    }
    OK(st_commit(s));
    int64_t n;
    OK(st_count(s, Author, ST_EQ(Author, email, "a@b"), &n));
    ck_assert_int_eq(n, 1000);
    rows = st_select(s, Author, NULL, .order = ST_ORDER(ST_DESC(Author, born)), .limit = 10, .offset = 5);
    ck_assert_uint_eq(rows.n, 10);
    ck_assert_int_eq(((const Author *)rows.items[0])->born.v, N - 6);
}

SESSION_TEST(conditions_select_alike)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    static const char *const names[] = {"anna", "Anna", "a%a", "berta", "[x]", "\xc3\xa4rger"};
    for (int i = 0; i < 6; i++) {
        ck_assert_ptr_nonnull(st_add(s, Author, .name = names[i], .born = {i, i != 3}));
    }
    struct {
        const st_expr *where;
        int64_t want;
    } cases[] = {
        {ST_LIKE(Author, name, "a%"), 2},
        {ST_LIKE(Author, name, "a\\%_"), 1},
        {ST_ILIKE(Author, name, "ANN_"), 2},
        {ST_LIKE(Author, name, "[x]"), 1},
        {ST_LIKE(Author, name, "_rger"), 1},
        {ST_IN(Author, name, names, 4), 4},
        {ST_IN(Author, born, ((const int32_t[]){0, 2, 9}), 3), 2},
        {ST_IN(Author, born, ((const int32_t[]){0}), 0), 0},
        {ST_IS_NULL(Author, born), 1},
        {ST_NOT(ST_IS_NULL(Author, born)), 5},
        {ST_BETWEEN(Author, born, 1, 4), 3},
        {ST_OR(ST_EQ(Author, name, "anna"), ST_EQ(Author, born, 1)), 2},
        {ST_AND(ST_GE(Author, born, 1), ST_NE(Author, name, "[x]")), 3},
        {ST_EQ(Author, email, NULL), 6},
        {ST_NE(Author, email, NULL), 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t n = -1;
        OK(st_count(s, Author, cases[i].where, &n));
        ck_assert_msg(n == cases[i].want, "condition %zu: %lld, not %lld", i, (long long)n, (long long)cases[i].want);
    }
    st_rows rows = st_select(s, Author, NULL, .order = ST_ORDER(ST_ASC(Author, born)));
    ck_assert(!((const Author *)rows.items[5])->born.set); /* null last */
    rows = st_select(s, Author, NULL, .order = ST_ORDER(ST_DESC(Author, born)));
    ck_assert(!((const Author *)rows.items[0])->born.set);
}

SESSION_TEST(after_the_transaction_a_load_refreshes)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, id);
    OK(st_commit(s));
    {
        ST_SESSION(other, w->e, .tenant = tenant_a);
        st_edit(other, st_get(other, Author, id))->name = "Otto";
        OK(st_commit(other));
    }
    ck_assert_str_eq(a->name, "Anna");
    ck_assert_ptr_eq(st_get(s, Author, id), a);
    ck_assert_str_eq(a->name, "Otto");
    ck_assert_int_eq(a->version, 2);
}

SESSION_TEST(tables_without_tenant_need_none)
{
    {
        ST_SESSION(s, w->e, .tenant = {{0}});
        ck_assert_ptr_nonnull(st_add(s, Country, .code = "at", .name = "Austria", .population = 9));
        OK(st_commit(s));
        const st_value key = st_v_text("at");
        const Country *c = st_get_(s, &Country_model, &key, 1);
        ck_assert_int_eq(c->population, 9);
        ck_assert_ptr_eq(st_get_(s, &Country_model, &key, 1), c);
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_nonnull(st_first(s, Country, NULL));
}

SESSION_TEST(a_relation_that_was_not_loaded_is_an_error)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, id);
    st_rows books = st_many(s, Author, a, books);
    ck_assert_int_eq(books.err, ST_E_NOT_LOADED);
    ck_assert_ptr_nonnull(strstr(test_diag(), "Author.books"));
    CODE(st_commit(s), ST_E_NOT_LOADED);
}

SESSION_TEST(expunging_frees_what_was_loaded)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_nonnull(st_get(s, Author, id));
    st_expunge_all(s);
    ck_assert_uint_eq(arena_used(st_session_arena(s)), 0);
    const Author *a = st_get(s, Author, id);
    ck_assert_str_eq(a->name, "Anna");
}

SESSION_TEST(a_change_made_after_a_select_flushed_is_not_lost)
{
    st_uuid id = author_put(w, tenant_a, "Anna"), added;
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        Author *a = st_edit(s, st_get(s, Author, id));
        Author *b = st_add(s, Author, .name = "Berta");
        added = b->id;
        a->name = "Anne";
        ck_assert_ptr_nonnull(st_first(s, Author, ST_EQ(Author, name, "Anne"))); /* flushes both */
        a->email = "anne@example.org";
        b->name = "Bertha";
        OK(st_commit(s));
        ck_assert_int_eq(a->version, 3);
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_str_eq(st_get(s, Author, id)->email, "anne@example.org");
    ck_assert_str_eq(st_get(s, Author, id)->name, "Anne");
    ck_assert_str_eq(st_get(s, Author, added)->name, "Bertha");
}

RUN("session_work", 60, CASE(what_is_added_and_committed_is_found_by_another_session),
    CASE(every_type_survives_the_trip), CASE(a_row_is_one_object), CASE(a_select_flushes_first),
    CASE(an_edit_writes_and_counts_the_version_on), CASE(a_deleted_row_is_gone),
    CASE(parents_go_before_children_and_leave_after_them), CASE(many_rows_are_flushed_and_loaded),
    CASE(conditions_select_alike), CASE(after_the_transaction_a_load_refreshes), CASE(tables_without_tenant_need_none),
    CASE(a_relation_that_was_not_loaded_is_an_error), CASE(expunging_frees_what_was_loaded),
    CASE(a_change_made_after_a_select_flushed_is_not_lost));
