/* Both sides kept in step, and what goes with what: save, delete, orphans, null, cycles. */
#include "club.h"

CLUB_TEST(a_child_appended_to_a_new_parent_gets_its_key_and_both_sides_say_so)
{
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        Club *c = st_add(s, Club, .name = "c");
        for (int i = 0; i < 20; i++) {
            Member *m = st_add(s, Member, .name = "m", .rank = i);
            OK(st_append(s, c, members, m));
            OK(st_append(s, c, members, m)); /* once is enough */
            ck_assert(m->club_id.set && uuid_eq(m->club_id.v, c->id));
            ck_assert_ptr_eq(st_one(s, Member, m, club, Club), c);
        }
        ck_assert_uint_eq(st_many(s, Club, c, members).n, 20);
        OK(st_commit(s));
        ck_assert_uint_eq(st_many(s, Club, c, members).n, 20);
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Club *c = st_first(s, Club, NULL, .with = ST_SELECTIN(Club, members));
    ck_assert_uint_eq(st_many(s, Club, c, members).n, 20);
}

CLUB_TEST(moving_a_child_takes_it_out_of_one_list_and_into_the_other)
{
    st_uuid x = club_put(w, tenant_a, "x", 3), y = club_put(w, tenant_a, "y", 2);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        st_rows clubs = st_select(s, Club, NULL, .with = ST_SELECTIN(Club, members));
        const Club *from = st_get(s, Club, x), *to = st_get(s, Club, y);
        ck_assert_uint_eq(clubs.n, 2);
        st_rows before = st_many(s, Club, from, members);
        const Member *m = before.items[1];
        OK(st_set_ref(s, m, club, to));
        ck_assert_uint_eq(before.n, 3); /* who walks the list is not disturbed */
        ck_assert_ptr_eq(before.items[1], m);
        ck_assert_uint_eq(st_many(s, Club, from, members).n, 2);
        st_rows after = st_many(s, Club, to, members);
        ck_assert_uint_eq(after.n, 3);
        ck_assert_ptr_eq(after.items[2], m);
        OK(st_append(s, from, members, m));
        OK(st_append(s, to, members, m));
        ck_assert_uint_eq(st_many(s, Club, to, members).n, 3);
        ck_assert_ptr_eq(st_one(s, Member, m, club, Club), to);
        OK(st_remove(s, to, members, to->members.items[0]));
        ck_assert_uint_eq(st_many(s, Club, to, members).n, 2);
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    int64_t n;
    OK(st_count(s, Member, ST_EQ(Member, club_id, x), &n));
    ck_assert_int_eq(n, 2);
    OK(st_count(s, Member, ST_EQ(Member, club_id, y), &n));
    ck_assert_int_eq(n, 2);
    OK(st_count(s, Member, ST_IS_NULL(Member, club_id), &n));
    ck_assert_int_eq(n, 1);
}

CLUB_TEST(a_changed_key_is_no_longer_answered_by_the_old_reference)
{
    st_uuid x = club_put(w, tenant_a, "x", 1), y = club_put(w, tenant_a, "y", 0);
    (void)x;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Member *m = st_first(s, Member, NULL, .with = ST_SELECTIN(Member, club));
    ck_assert_ptr_nonnull(st_one(s, Member, m, club, Club));
    st_edit(s, m)->club_id = (st_opt_uuid){y, true};
    ck_assert_ptr_null(st_one(s, Member, m, club, Club));
    CODE(st_session_error(s), ST_E_NOT_LOADED);
}

CLUB_TEST(a_rollback_forgets_what_was_related)
{
    club_put(w, tenant_a, "c", 2);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Club *c = st_first(s, Club, NULL, .with = ST_SELECTIN(Club, members));
    OK(st_append(s, c, members, st_add(s, Member, .name = "new")));
    ck_assert_uint_eq(st_many(s, Club, c, members).n, 3);
    OK(st_rollback(s));
    ck_assert(!c->members.loaded);
    OK(st_load(s, Club, c, members));
    ck_assert_uint_eq(st_many(s, Club, c, members).n, 2);
}

CLUB_TEST(one_to_one_is_set_from_either_side)
{
    club_put(w, tenant_a, "c", 2);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        Member *m = st_add(s, Member, .name = "new");
        Badge *b = st_add(s, Badge, .number = 9);
        OK(st_set_ref(s, m, badge, b));
        ck_assert(uuid_eq(b->member_id, m->id));
        ck_assert_ptr_eq(st_one(s, Badge, b, member, Member), m);
        Member *m2 = st_add(s, Member, .name = "new2");
        Badge *b2 = st_add(s, Badge, .number = 10);
        OK(st_set_ref(s, b2, member, m2));
        ck_assert_ptr_eq(st_one(s, Member, m2, badge, Badge), b2);
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Badge *b = st_first(s, Badge, ST_EQ(Badge, number, 9), .with = ST_SELECTIN(Badge, member));
    ck_assert_str_eq(st_one(s, Badge, b, member, Member)->name, "new");
    CODE(st_set_ref(s, b, member, NULL), ST_E_INVALID); /* its key may not be null */
}

CLUB_TEST(many_to_many_is_changed_by_rows_between)
{
    club_put(w, tenant_a, "c", 2);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Member *m = st_first(s, Member, ST_EQ(Member, name, "m0"), .with = ST_SELECTIN(Member, topics));
        const Topic *odd = st_first(s, Topic, ST_EQ(Topic, name, "odd"), .with = ST_SELECTIN(Topic, members));
        const Topic *all = st_first(s, Topic, ST_EQ(Topic, name, "all"), .with = ST_SELECTIN(Topic, members));
        OK(st_append(s, m, topics, odd));
        OK(st_append(s, m, topics, odd));
        Topic *fresh = st_add(s, Topic, .name = "fresh");
        OK(st_append(s, fresh, members, m));
        ck_assert_uint_eq(st_many(s, Member, m, topics).n, 4);
        ck_assert_uint_eq(st_many(s, Topic, odd, members).n, 2);
        OK(st_remove(s, m, topics, all));
        ck_assert_uint_eq(st_many(s, Member, m, topics).n, 3);
        ck_assert_uint_eq(st_many(s, Topic, all, members).n, 1);
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Member *m = st_first(s, Member, ST_EQ(Member, name, "m0"),
                               .with = ST_SELECTIN(Member, topics, .order = ST_ORDER(ST_DESC(Topic, name))));
    st_rows topics = st_many(s, Member, m, topics);
    ck_assert_uint_eq(topics.n, 3);
    ck_assert_str_eq(((const Topic *)topics.items[0])->name, "odd");
    ck_assert_str_eq(((const Topic *)topics.items[1])->name, "fresh");
    ck_assert_str_eq(((const Topic *)topics.items[2])->name, "even");
    const Topic *all = st_first(s, Topic, ST_EQ(Topic, name, "all"));
    CODE(st_remove(s, m, topics, all), ST_E_NOT_FOUND);
}

CLUB_TEST(what_was_taken_out_may_be_put_in_again_before_a_flush)
{
    club_put(w, tenant_a, "c", 2);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Member *m = st_first(s, Member, ST_EQ(Member, name, "m0"));
        const Topic *all = st_first(s, Topic, ST_EQ(Topic, name, "all"));
        for (int i = 0; i < 3; i++) {
            OK(st_remove(s, m, topics, all));
            OK(st_append(s, m, topics, all));
        }
        OK(st_delete(s, st_first(s, Topic, ST_EQ(Topic, name, "odd"))));
        OK(st_commit(s));
        const Topic *even = st_first(s, Topic, ST_EQ(Topic, name, "even"));
        OK(st_delete(s, even));
        ck_assert_ptr_nonnull(st_add(s, Topic, .name = "even")); /* a unique name */
        OK(st_commit(s));
    }
    ck_assert_int_eq(club_count(w, tenant_a, &Topic_model), 2);
    ck_assert_int_eq(club_count(w, tenant_a, &MemberTopic_model), 2);
}

CLUB_TEST(a_delete_takes_along_what_the_session_or_the_database_sees_to)
{
    club_put(w, tenant_a, "c", 3);
    club_put(w, tenant_b, "c", 3);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Member *m = st_first(s, Member, ST_EQ(Member, name, "m1"));
        const Badge *badge = st_first(s, Badge, ST_EQ(Badge, member_id, m->id));
        const Post *post = st_first(s, Post, ST_EQ(Post, body, "m1/0"));
        OK(st_append(s, post, marks, st_add(s, Mark, .stars = 3)));
        OK(st_append(s, m, posts, st_add(s, Post, .body = "not there yet")));
        OK(st_flush(s));
        OK(st_append(s, m, posts, st_add(s, Post, .body = "nor this")));
        st_uuid id = badge->id;
        OK(st_delete(s, m));
        OK(st_flush(s));
        ck_assert_ptr_null(st_get(s, Badge, id));
        OK(st_commit(s));
    }
    ck_assert_int_eq(club_count(w, tenant_a, &Member_model), 2);
    ck_assert_int_eq(club_count(w, tenant_a, &Badge_model), 2);
    ck_assert_int_eq(club_count(w, tenant_a, &Post_model), 4);
    ck_assert_int_eq(club_count(w, tenant_a, &Mark_model), 0);
    ck_assert_int_eq(club_count(w, tenant_a, &MemberTopic_model), 4);
    ck_assert_int_eq(club_count(w, tenant_a, &Topic_model), 3);
    ck_assert_int_eq(club_count(w, tenant_b, &Post_model), 6);
    ck_assert_int_eq(club_count(w, tenant_b, &MemberTopic_model), 6);
}

CLUB_TEST(a_delete_sets_the_keys_of_children_to_null_and_a_rollback_undoes_it)
{
    club_put(w, tenant_a, "c", 3);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Member *m = st_first(s, Member, ST_EQ(Member, name, "m2")); /* loaded; the others are not */
    for (int again = 0; again < 2; again++) {
        const Club *c = st_first(s, Club, NULL);
        OK(st_delete(s, c));
        OK(st_flush(s));
        ck_assert(!m->club_id.set);
        int64_t n;
        OK(st_count(s, Member, ST_IS_NULL(Member, club_id), &n));
        ck_assert_int_eq(n, 3);
        if (!again) {
            OK(st_rollback(s));
            ck_assert(m->club_id.set);
        }
    }
    OK(st_commit(s));
    ck_assert_int_eq(club_count(w, tenant_a, &Club_model), 0);
    ck_assert_int_eq(club_count(w, tenant_a, &Member_model), 3);
}

CLUB_TEST(an_orphan_is_deleted)
{
    club_put(w, tenant_a, "c", 1);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Post *p = st_first(s, Post, NULL);
        OK(st_load(s, Post, p, marks));
        Mark *one = st_add(s, Mark, .stars = 1), *two = st_add(s, Mark, .stars = 2),
             *three = st_add(s, Mark, .stars = 3);
        OK(st_append(s, p, marks, one));
        OK(st_append(s, p, marks, two));
        OK(st_append(s, p, marks, three));
        OK(st_flush(s));
        OK(st_remove(s, p, marks, one));
        OK(st_set_ref(s, two, post, NULL));
        ck_assert_uint_eq(st_many(s, Post, p, marks).n, 1);
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows marks = st_select(s, Mark, NULL);
    ck_assert_uint_eq(marks.n, 1);
    ck_assert_int_eq(((const Mark *)marks.items[0])->stars, 3);
}

CLUB_TEST(rows_that_point_at_each_other_are_written_and_deleted)
{
    for (int many = 0; many < 2; many++) {
        int n = many ? 30 : 3;
        {
            ST_SESSION(s, w->e, .tenant = tenant_a);
            Club *c = st_add(s, Club, .name = "c");
            Member *first = NULL, *last = NULL;
            for (int i = 0; i < n; i++) { /* each is the next one's pupil, and the last one the first one's: a circle */
                Member *m = st_add(s, Member, .name = "m");
                OK(st_append(s, c, members, m));
                if (last) {
                    OK(st_set_ref(s, last, mentor, m));
                }
                first = first ? first : m;
                last = m;
            }
            OK(st_set_ref(s, last, mentor, first));
            OK(st_set_ref(s, c, chair, last));
            Member *own = st_add(s, Member, .name = "own");
            OK(st_set_ref(s, own, mentor, own));
            OK(st_commit(s));
        }
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Club *c = st_first(s, Club, NULL, .with = ST_WITH(ST_SELECTIN(Club, members), ST_SELECTIN(Club, chair)));
        ck_assert_ptr_nonnull(st_one(s, Club, c, chair, Member));
        st_rows members = st_select(s, Member, NULL, .with = ST_SELECTIN(Member, mentor));
        ck_assert_uint_eq(members.n, (size_t)n + 1);
        st_each (Member, m, members) {
            ck_assert_ptr_nonnull(st_one(s, Member, m, mentor, Member));
            ck_assert_int_eq(m->version, 1); /* the second update is part of the insert */
        }
        st_each (Member, m, members) {
            OK(st_delete(s, m));
        }
        OK(st_delete(s, c));
        OK(st_commit(s));
        ck_assert_int_eq(club_count(w, tenant_a, &Member_model), 0);
        ck_assert_int_eq(club_count(w, tenant_a, &Club_model), 0);
    }
}

CLUB_TEST(rows_of_one_model_are_written_in_the_order_of_their_references)
{
    enum { N = 12 };
    ST_SESSION(s, w->e, .tenant = tenant_a);
    Member *m[N];
    for (int i = 0; i < N; i++) {
        m[i] = st_add(s, Member, .name = "m");
    }
    for (int i = 0; i + 1 < N; i++) { /* each points at one added after it */
        OK(st_set_ref(s, m[i], mentor, m[i + 1]));
    }
    OK(st_commit(s));
    for (int i = N - 1; i >= 0; i--) { /* and is deleted after it is pointed at */
        OK(st_delete(s, m[i]));
    }
    OK(st_commit(s));
    ck_assert_int_eq(club_count(w, tenant_a, &Member_model), 0);
}

CLUB_TEST(rows_of_two_tenants_are_never_related)
{
    club_put(w, tenant_a, "a", 1);
    club_put(w, tenant_b, "b", 1);
    if (w->dialect == ST_POSTGRESQL) { /* row-level security lets others see no tenant's rows */
        world_reopen(w, pg_test_url_as(w->url, PG_ADMIN), NULL);
    }
    ST_SESSION(s, w->e, .system = "try to mix them");
    const Club *a = st_first(s, Club, ST_EQ(Club, name, "a"));
    const Member *b = st_first(s, Member, ST_EQ(Member, tenant_id, tenant_b));
    CODE(st_append(s, a, members, b), ST_E_TENANT);
}

/* ---- memory running out ---- */

static st_err day(st_engine *e)
{
    ST_SESSION(s, e, .tenant = tenant_a);
    const Club *c =
        st_first(s, Club, NULL,
                 .with = ST_SELECTIN(Club, members,
                                     .then = ST_WITH(ST_SELECTIN(Member, posts), ST_SELECTIN(Member, topics),
                                                     ST_SELECTIN(Member, badge))));
    if (!c) {
        return st_session_error(s);
    }
    Member *x = st_add(s, Member, .name = "x"), *y = st_add(s, Member, .name = "y");
    if (!x || !y || st_append(s, c, members, x) || st_set_ref(s, x, mentor, y) || st_set_ref(s, y, mentor, x) ||
        st_load(s, Club, c, chair)) {
        return st_session_error(s);
    }
    const Member *chair = st_one(s, Club, c, chair, Member);
    st_rows members = st_many(s, Club, c, members);
    if (!chair || members.err || st_set_ref(s, c, chair, NULL) || st_append(s, x, topics, chair->topics.items[0]) ||
        st_delete(s, chair)) {
        return st_session_error(s);
    }
    return st_commit(s);
}

START_TEST(every_allocation_may_fail)
{
    uint64_t failed = 0;
    for (uint64_t i = 1;; i++) {
        struct world w;
        world_open(&w, ST_SQLITE, NULL);
        club_create(&w);
        club_put(&w, tenant_a, "c", 2);
        st_engine_close(w.e);
        OK(st_engine_open(w.url, NULL, &w.e));
        mem_fail_at(i, false);
        st_err rc = day(w.e);
        bool reached = mem_fail_seen() >= i;
        mem_fail_at(0, false);
        ck_assert_msg(rc == 0 || rc == -ENOMEM, "allocation %llu: %d: %s", (unsigned long long)i, rc, test_diag());
        failed += rc != 0;
        ck_assert_int_eq(club_count(&w, tenant_a, &Member_model), rc ? 2 : 3);
        ck_assert_int_eq(club_count(&w, tenant_a, &Post_model), rc ? 4 : 2);
        ck_assert_int_eq(club_count(&w, tenant_a, &MemberTopic_model), rc ? 4 : 3);
        world_close(&w);
        if (!reached) {
            break;
        }
    }
    ck_assert_uint_gt(failed, 15);
}
END_TEST

RUN("relations_edit", 100, CASE(a_child_appended_to_a_new_parent_gets_its_key_and_both_sides_say_so),
    CASE(moving_a_child_takes_it_out_of_one_list_and_into_the_other),
    CASE(a_changed_key_is_no_longer_answered_by_the_old_reference), CASE(a_rollback_forgets_what_was_related),
    CASE(one_to_one_is_set_from_either_side), CASE(many_to_many_is_changed_by_rows_between),
    CASE(what_was_taken_out_may_be_put_in_again_before_a_flush),
    CASE(a_delete_takes_along_what_the_session_or_the_database_sees_to),
    CASE(a_delete_sets_the_keys_of_children_to_null_and_a_rollback_undoes_it), CASE(an_orphan_is_deleted),
    CASE(rows_that_point_at_each_other_are_written_and_deleted),
    CASE(rows_of_one_model_are_written_in_the_order_of_their_references), CASE(rows_of_two_tenants_are_never_related),
    CASE(every_allocation_may_fail));
