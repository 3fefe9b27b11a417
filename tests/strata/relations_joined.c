/* What the joined loader does besides loading: in one statement, with limits that count objects, each row once. What
 * it loads is proved by relations_load.c, which is built with it, too. */
#include "club.h"

static void count_select(void *arg, const char *sql, int64_t ns, bool slow)
{
    (void)ns;
    (void)slow;
    *(int *)arg += strncmp(sql, "SELECT", 6) == 0 && !strstr(sql, "set_config");
}

CLUB_TEST(all_that_is_joined_comes_in_one_statement)
{
    int selects = 0;
    club_put(w, tenant_a, "c", 3);
    world_reopen(w, w->url, &(const struct st_engine_options){.on_statement = count_select, .arg = &selects});
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Club *c =
        st_first(s, Club, NULL,
                 .with = ST_WITH(
                     ST_JOINED(Club, chair),
                     ST_JOINED(Club, members, .then = ST_WITH(ST_JOINED(Member, badge), ST_JOINED(Member, topics)))));
    ck_assert_msg(c != NULL, "%s", test_diag());
    ck_assert_int_eq(selects, 1);
    st_rows members = st_many(s, Club, c, members);
    ck_assert_uint_eq(members.n, 3);
    st_each (Member, m, members) {
        ck_assert_ptr_eq(st_one(s, Member, m, club, Club), c);
        ck_assert_ptr_nonnull(st_one(s, Member, m, badge, Badge));
        ck_assert_uint_eq(st_many(s, Member, m, topics).n, 2);
    }
    const Member *chair = st_one(s, Club, c, chair, Member);
    ck_assert(chair && (chair == members.items[0] || chair == members.items[1] || chair == members.items[2]));
    OK(st_session_error(s));
}

CLUB_TEST(limit_and_offset_count_objects_and_not_rows)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < 5; i++) {
        club_put(w, tenant_a, names[i], i);
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows clubs = st_select(
        s, Club, ST_NE(Club, name, "c"), .order = ST_ORDER(ST_DESC(Club, name)), .limit = 2, .offset = 1,
        .with = ST_JOINED(Club, members, .order = ST_ORDER(ST_ASC(Member, rank)), .where = ST_GT(Member, rank, 1)));
    OK(clubs.err);
    ck_assert_uint_eq(clubs.n, 2);
    static const struct {
        const char *name;
        size_t members;
    } expected[] = {{"d", 2}, {"b", 0}};
    for (size_t i = 0; i < 2; i++) {
        const Club *c = clubs.items[i];
        ck_assert_str_eq(c->name, expected[i].name);
        st_rows members = st_many(s, Club, c, members);
        OK(members.err);
        ck_assert_uint_eq(members.n, expected[i].members);
        for (size_t k = 0; k < members.n; k++) {
            ck_assert_int_eq(((const Member *)members.items[k])->rank, (int)k + 2);
        }
    }
}

CLUB_TEST(siblings_do_not_multiply_each_other)
{
    club_put(w, tenant_a, "c", 2);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows members = st_select(s, Member, NULL, .order = ST_ORDER(ST_ASC(Member, name)),
                                .with = ST_WITH(ST_JOINED(Member, posts, .order = ST_ORDER(ST_DESC(Post, body))),
                                                ST_JOINED(Member, topics, .order = ST_ORDER(ST_ASC(Topic, name))),
                                                ST_JOINED(Member, club, .then = ST_JOINED(Club, members))));
    OK(members.err);
    ck_assert_uint_eq(members.n, 2); /* of 2 x 2 x 2 x 2 rows */
    st_each (Member, m, members) {
        st_rows posts = st_many(s, Member, m, posts), topics = st_many(s, Member, m, topics);
        ck_assert_uint_eq(posts.n, 2);
        ck_assert_uint_eq(topics.n, 2);
        ck_assert_str_eq(strrchr(((const Post *)posts.items[0])->body, '/'), "/1");
        ck_assert_str_eq(((const Topic *)topics.items[0])->name, "all");
        ck_assert_uint_eq(st_many(s, Club, st_one(s, Member, m, club, Club), members).n, 2);
    }
    OK(st_session_error(s));
}

CLUB_TEST(what_is_absent_is_loaded_as_absent)
{
    club_put(w, tenant_a, "empty", 0);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        ck_assert_ptr_nonnull(st_add(s, Member, .name = "stray"));
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Member *m = st_first(s, Member, ST_EQ(Member, name, "stray"),
                               .with = ST_WITH(ST_JOINED(Member, club, .then = ST_JOINED(Club, members)),
                                               ST_JOINED(Member, badge, .then = ST_SELECTIN(Badge, member)),
                                               ST_JOINED(Member, topics, .then = ST_JOINED(Topic, members))));
    ck_assert_msg(m != NULL, "%s", test_diag());
    ck_assert_ptr_null(st_one(s, Member, m, club, Club));
    ck_assert_ptr_null(st_one(s, Member, m, badge, Badge));
    ck_assert_uint_eq(st_many(s, Member, m, topics).n, 0);
    st_rows clubs = st_select(s, Club, NULL, .with = ST_JOINED(Club, members));
    ck_assert_uint_eq(clubs.n, 1);
    ck_assert_uint_eq(st_many(s, Club, clubs.items[0], members).n, 0);
    OK(st_session_error(s));
}

CLUB_TEST(a_joined_row_is_the_object_that_is_there_and_refreshes_it)
{
    st_uuid id = club_put(w, tenant_a, "c", 3);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Member *m0 = st_first(s, Member, ST_EQ(Member, name, "m0"));
    const Member *m1 = st_first(s, Member, ST_EQ(Member, name, "m1"));
    st_edit(s, m1)->rank = 77; /* flushed in front of the select */
    const Club *c = st_first(s, Club, ST_EQ(Club, id, id),
                             .with = ST_JOINED(Club, members, .order = ST_ORDER(ST_ASC(Member, name))));
    st_rows members = st_many(s, Club, c, members);
    ck_assert_uint_eq(members.n, 3);
    ck_assert(members.items[0] == m0 && members.items[1] == m1);
    OK(st_commit(s));
    {
        ST_SESSION(other, w->e, .tenant = tenant_a);
        st_edit(other, st_first(other, Member, ST_EQ(Member, name, "m0")))->rank = 5;
        OK(st_commit(other));
    }
    ck_assert_int_eq(m0->rank, 3);
    ck_assert_ptr_eq(st_first(s, Club, NULL, .with = ST_JOINED(Club, members)), c);
    ck_assert_int_eq(m0->rank, 5);
    ck_assert_int_eq(m1->rank, 77);
    OK(st_session_error(s));
}

CLUB_TEST(loaders_of_both_kinds_nest_in_each_other)
{
    club_put(w, tenant_a, "c", 4);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        st_rows posts = st_select(s, Post, NULL);
        st_each (Post, p, posts) {
            ck_assert_ptr_nonnull(st_add(s, Mark, .post_id = p->id, .stars = 3));
        }
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const struct st_load *posts = ST_SELECTIN(Member, posts, .then = ST_JOINED(Post, marks));
    st_rows clubs = st_select(s, Club, NULL, .with = ST_JOINED(Club, members, .then = posts));
    OK(clubs.err);
    size_t marks = 0;
    st_each (Member, m, st_many(s, Club, clubs.items[0], members)) {
        st_each (Post, p, st_many(s, Member, m, posts)) {
            ck_assert_ptr_eq(st_one(s, Post, p, member, Member), m);
            marks += st_many(s, Post, p, marks).n;
        }
    }
    ck_assert_uint_eq(marks, 8);
    st_rows again = st_select(s, Post, NULL, .with = ST_SELECTIN(Post, member, .then = ST_JOINED(Member, topics)));
    st_each (Post, p, again) {
        ck_assert_uint_eq(st_many(s, Member, st_one(s, Post, p, member, Member), topics).n, 2);
    }
    OK(st_session_error(s));
}

CLUB_TEST(a_model_is_joined_to_itself)
{
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        Member *root = st_add(s, Member, .name = "root");
        for (int i = 0; i < 3; i++) {
            Member *p = st_add(s, Member, .name = "pupil", .mentor_id = {root->id, true});
            ck_assert_ptr_nonnull(st_add(s, Member, .name = "theirs", .mentor_id = {p->id, true}));
        }
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const struct st_load *both = ST_WITH(ST_JOINED(Member, pupils), ST_JOINED(Member, mentor));
    st_rows pupils = st_select(s, Member, ST_EQ(Member, name, "pupil"), .with = both);
    ck_assert_uint_eq(pupils.n, 3);
    st_each (Member, p, pupils) {
        ck_assert_str_eq(st_one(s, Member, p, mentor, Member)->name, "root");
        ck_assert_uint_eq(st_many(s, Member, p, pupils).n, 1);
    }
    OK(st_session_error(s));
}

CLUB_TEST(rows_are_locked_and_large_results_told_apart)
{
    enum { CLUBS = 500, MEMBERS = 7 };
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        for (int i = 0; i < CLUBS; i++) {
            Club *c = st_add(s, Club, .name = "c");
            for (int k = 0; k < MEMBERS; k++) {
                ck_assert_ptr_nonnull(st_add(s, Member, .club_id = {c->id, true}, .name = "m", .rank = k));
            }
        }
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows clubs = st_select(s, Club, NULL, .for_update = true,
                              .with = ST_JOINED(Club, members, .order = ST_ORDER(ST_DESC(Member, rank))));
    OK(clubs.err);
    ck_assert_uint_eq(clubs.n, CLUBS);
    st_each (Club, c, clubs) {
        st_rows members = st_many(s, Club, c, members);
        ck_assert_uint_eq(members.n, MEMBERS);
        for (int k = 0; k < MEMBERS; k++) {
            ck_assert_int_eq(((const Member *)members.items[k])->rank, MEMBERS - 1 - k);
        }
    }
    OK(st_session_error(s));
}

CLUB_TEST(wrong_plans_are_named)
{
    const struct st_load none = {.how = ST_L_JOINED, .model = &Club_model, .member = 1};
    struct st_load chain[40];
    for (int i = 0; i < 40; i++) {
        chain[i] = *ST_JOINED(Member, mentor, .then = i ? &chain[i - 1] : NULL);
    }
    const struct st_load *one = ST_JOINED(Member, mentor), *many[34] = {NULL};
    for (int i = 0; i < 33; i++) {
        many[i] = one;
    }
    const struct st_load all = {.how = ST_L_ALL, .all = many};
    const struct {
        const st_model *model;
        const struct st_load *with;
        const char *says;
    } wrong[] = {{&Club_model, ST_JOINED(Member, club), "a loader of Member along with objects of Club"},
                 {&Club_model, &none, "does not have as a relation"},
                 {&Member_model, &chain[39], "nest deeper than 16"},
                 {&Member_model, &all, "over 31 relations"},
                 {&Member_model, ST_JOINED(Member, club, .where = ST_EQ(Badge, number, 1)), "not one of its sources"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        CODE(st_select_(s, wrong[i].model, NULL, &(const struct st_query){.with = wrong[i].with}).err, ST_E_INVALID);
        ck_assert_msg(strstr(diag_last()->message, wrong[i].says) != NULL, "%s", diag_last()->message);
    }
}

RUN("relations_joined", 100, CASE(all_that_is_joined_comes_in_one_statement),
    CASE(limit_and_offset_count_objects_and_not_rows), CASE(siblings_do_not_multiply_each_other),
    CASE(what_is_absent_is_loaded_as_absent), CASE(a_joined_row_is_the_object_that_is_there_and_refreshes_it),
    CASE(loaders_of_both_kinds_nest_in_each_other), CASE(a_model_is_joined_to_itself),
    CASE(rows_are_locked_and_large_results_told_apart), CASE(wrong_plans_are_named));
