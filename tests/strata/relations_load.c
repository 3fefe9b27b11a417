/* Loaders: what a plan loads, in which order, whose, and that nothing else loads a relation. Also built with
 * LOAD_JOINED: the same by the joined loader. */
#include "club.h"

#ifdef LOAD_JOINED
#undef ST_SELECTIN
#define ST_SELECTIN ST_JOINED
enum { CLUBS = 900 }; /* no index holds members by their club, and a join would use one */
#else
enum { CLUBS = 18000 };
#endif

CLUB_TEST(a_loader_finds_the_children_of_each_parent_and_their_way_back)
{
    club_put(w, tenant_a, "empty", 0);
    club_put(w, tenant_a, "one", 3);
    club_put(w, tenant_a, "two", 5);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows clubs = st_select(s, Club, NULL, .order = ST_ORDER(ST_ASC(Club, name)), .with = ST_SELECTIN(Club, members));
    OK(clubs.err);
    ck_assert_uint_eq(clubs.n, 3);
    static const size_t expected[] = {0, 3, 5};
    for (size_t i = 0; i < 3; i++) {
        const Club *c = clubs.items[i];
        st_rows members = st_many(s, Club, c, members);
        OK(members.err);
        ck_assert_uint_eq(members.n, expected[i]);
        st_each (Member, m, members) {
            ck_assert(m->club_id.set && uuid_eq(m->club_id.v, c->id));
            ck_assert_ptr_eq(st_one(s, Member, m, club, Club), c);
        }
        for (size_t k = 1; k < members.n; k++) { /* by primary key */
            ck_assert_int_lt(
                memcmp(&((const Member *)members.items[k - 1])->id, &((const Member *)members.items[k])->id, 16), 0);
        }
    }
}

CLUB_TEST(a_loader_takes_a_condition_an_order_and_further_loaders)
{
    st_uuid id = club_put(w, tenant_a, "c", 6);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Club *c = st_first(
        s, Club, ST_EQ(Club, id, id),
        .with = ST_SELECTIN(Club, members, .where = ST_GT(Member, rank, 2), .order = ST_ORDER(ST_ASC(Member, rank)),
                            .then = ST_WITH(ST_SELECTIN(Member, posts), ST_SELECTIN(Member, badge))));
    ck_assert_msg(c != NULL, "%s", test_diag());
    st_rows members = st_many(s, Club, c, members);
    ck_assert_uint_eq(members.n, 4);
    int rank = 3;
    st_each (Member, m, members) {
        ck_assert_int_eq(m->rank, rank++);
        st_rows posts = st_many(s, Member, m, posts);
        ck_assert_uint_eq(posts.n, 2);
        const Badge *b = st_one(s, Member, m, badge, Badge);
        ck_assert(b != NULL && uuid_eq(b->member_id, m->id));
        ck_assert_ptr_eq(st_one(s, Badge, b, member, Member), m);
    }
    OK(st_session_error(s));
}

CLUB_TEST(many_to_one_is_loaded_once_a_target_and_null_is_loaded_too)
{
    st_uuid id = club_put(w, tenant_a, "c", 4);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        ck_assert_ptr_nonnull(st_add(s, Member, .name = "stray"));
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows members = st_select(s, Member, NULL, .with = ST_SELECTIN(Member, club, .then = ST_SELECTIN(Club, chair)));
    OK(members.err);
    ck_assert_uint_eq(members.n, 5);
    int strays = 0;
    st_each (Member, m, members) {
        const Club *c = st_one(s, Member, m, club, Club);
        OK(st_session_error(s));
        strays += c == NULL;
        if (c) {
            ck_assert(uuid_eq(c->id, id));
            const Member *chair = st_one(s, Club, c, chair, Member);
            ck_assert(chair && strcmp(chair->name, "m0") == 0);
        }
    }
    ck_assert_int_eq(strays, 1);
}

CLUB_TEST(many_to_many_is_loaded_from_both_sides)
{
    club_put(w, tenant_a, "c", 5);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_each (Member, m,
             st_select(s, Member, NULL, .with = ST_SELECTIN(Member, topics, .order = ST_ORDER(ST_ASC(Topic, name))))) {
        st_rows topics = st_many(s, Member, m, topics);
        ck_assert_uint_eq(topics.n, 2);
        ck_assert_str_eq(((const Topic *)topics.items[0])->name, "all");
        ck_assert_str_eq(((const Topic *)topics.items[1])->name, (m->name[1] - '0') % 2 ? "odd" : "even");
    }
    size_t n = 0;
    st_each (Topic, t,
             st_select(s, Topic, NULL, .with = ST_SELECTIN(Topic, members, .where = ST_GT(Member, rank, 1)))) {
        n += st_many(s, Topic, t, members).n;
    }
    OK(st_session_error(s));
    ck_assert_uint_eq(n, 8);
}

CLUB_TEST(a_model_is_related_to_itself)
{
    st_uuid root;
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        Member *m = st_add(s, Member, .name = "root");
        root = m->id;
        for (int i = 0; i < 3; i++) {
            Member *p = st_add(s, Member, .name = "pupil", .mentor_id = {m->id, true});
            ck_assert_ptr_nonnull(st_add(s, Member, .name = "theirs", .mentor_id = {p->id, true}));
        }
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Member *m = st_first(s, Member, ST_EQ(Member, id, root),
                               .with = ST_SELECTIN(Member, pupils, .then = ST_SELECTIN(Member, pupils)));
    ck_assert_ptr_nonnull(m);
    st_each (Member, p, st_many(s, Member, m, pupils)) {
        ck_assert_str_eq(p->name, "pupil");
        ck_assert_ptr_eq(st_one(s, Member, p, mentor, Member), m);
        ck_assert_uint_eq(st_many(s, Member, p, pupils).n, 1);
    }
    OK(st_session_error(s));
    ck_assert_uint_eq(st_many(s, Member, m, pupils).n, 3);
}

CLUB_TEST(a_relation_is_loaded_on_request_of_one_object_or_of_many)
{
    club_put(w, tenant_a, "c", 3);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Club *c = st_first(s, Club, NULL);
    OK(st_load(s, Club, c, members));
    st_rows members = st_many(s, Club, c, members);
    ck_assert_uint_eq(members.n, 3);
    OK(st_load(s, Member, members, posts, .where = ST_LIKE(Post, body, "%/1")));
    st_each (Member, m, members) {
        ck_assert_uint_eq(st_many(s, Member, m, posts).n, 1);
    }
    OK(st_session_error(s));
    CODE(st_load(s, Post, members, member), ST_E_INVALID); /* they are no posts */
}

CLUB_TEST(what_was_not_loaded_is_an_error_that_names_the_loader)
{
    club_put(w, tenant_a, "c", 1);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Club *c = st_first(s, Club, NULL);
        CODE(st_many(s, Club, c, members).err, ST_E_NOT_LOADED);
        ck_assert_ptr_nonnull(strstr(diag_last()->hint, "ST_SELECTIN(Club, members)"));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Club *c = st_first(s, Club, NULL);
    ck_assert_ptr_null(st_one(s, Club, c, chair, Member));
    CODE(st_session_error(s), ST_E_NOT_LOADED);
    ck_assert_ptr_nonnull(strstr(diag_last()->hint, "ST_SELECTIN(Club, chair)"));
}

CLUB_TEST(loading_goes_through_the_identity_map)
{
    club_put(w, tenant_a, "c", 3);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Member *m1 = st_first(s, Member, ST_EQ(Member, name, "m1"));
    st_edit(s, m1)->rank = 77; /* flushed by the loader's query, and seen by it */
    const Club *c = st_first(s, Club, NULL, .with = ST_SELECTIN(Club, members, .where = ST_EQ(Member, rank, 77)));
    st_rows members = st_many(s, Club, c, members);
    ck_assert_uint_eq(members.n, 1);
    ck_assert_ptr_eq(members.items[0], m1);
}

CLUB_TEST(more_parents_than_one_query_takes)
{
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        for (int i = 0; i < CLUBS; i++) {
            Club *c = st_add(s, Club, .name = "c");
            for (int k = 0; k < i % 3; k++) {
                ck_assert_ptr_nonnull(st_add(s, Member, .club_id = {c->id, true}, .name = "m"));
            }
        }
        OK(st_commit(s));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    size_t n = 0, lists[3] = {0};
    st_each (Club, c, st_select(s, Club, NULL, .with = ST_SELECTIN(Club, members))) {
        size_t k = st_many(s, Club, c, members).n;
        n += k;
        lists[k]++;
    }
    ck_assert_uint_eq(n, CLUBS);
    ck_assert(lists[0] == CLUBS / 3 && lists[1] == CLUBS / 3 && lists[2] == CLUBS / 3);
    st_rows members = st_select(s, Member, NULL, .with = ST_SELECTIN(Member, club));
    ck_assert_uint_eq(members.n, CLUBS);
    st_each (Member, m, members) {
        const Club *c = st_one(s, Member, m, club, Club);
        ck_assert(c && uuid_eq(c->id, m->club_id.v));
    }
    OK(st_session_error(s));
}

/* ---- whose ---- */

/* How many related rows the loader reaches, asked by tenant through an object of its own that points at A's rows. */
typedef size_t loads(st_session *s);
static size_t many(st_session *s)
{
    const Club *c = st_first(s, Club, NULL, .with = ST_SELECTIN(Club, members));
    return c ? st_many(s, Club, c, members).n : 0;
}
static size_t one(st_session *s)
{
    const Member *m = st_first(s, Member, NULL, .with = ST_SELECTIN(Member, club));
    return m && st_one(s, Member, m, club, Club) != NULL;
}
static size_t back(st_session *s)
{
    const Member *m = st_first(s, Member, NULL, .with = ST_SELECTIN(Member, badge));
    return m && st_one(s, Member, m, badge, Badge) != NULL;
}
static size_t through(st_session *s)
{
    const Member *m = st_first(s, Member, NULL, .with = ST_SELECTIN(Member, topics));
    return m ? st_many(s, Member, m, topics).n : 0;
}
static size_t on_request(st_session *s)
{
    const Club *c = st_first(s, Club, NULL);
    return c && st_load(s, Club, c, members) == 0 ? st_many(s, Club, c, members).n : 0;
}

/* B's rows have the keys of A's, which only the tenant tells apart; so B's relations would reach A's rows. */
CLUB_TEST(no_loader_reaches_another_tenant)
{
    club_put(w, tenant_a, "c", 1);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Club *c = st_first(s, Club, NULL);
        const Member *m = st_first(s, Member, NULL);
        ST_SESSION(other, w->e, .tenant = tenant_b);
        st_uuid club = c->id, member = m->id;
        OK(st_commit(s));
        ck_assert_ptr_nonnull(st_add(other, Club, .id = club, .name = "b"));
        ck_assert_ptr_nonnull(st_add(other, Member, .id = member, .name = "b"));
        OK(st_commit(other));
    }
    static const struct {
        const char *name;
        loads *load;
    } forms[] = {{"one-to-many", many},
                 {"many-to-one", one},
                 {"one-to-one", back},
                 {"many-to-many", through},
                 {"on request", on_request}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        ST_SESSION(a, w->e, .tenant = tenant_a);
        ck_assert_msg(forms[i].load(a) > 0, "%s does not work at all: %s", forms[i].name, test_diag());
        OK(st_commit(a));
        ST_SESSION(b, w->e, .tenant = tenant_b);
        ck_assert_msg(forms[i].load(b) == 0, "%s reaches another tenant", forms[i].name);
        OK(st_session_error(b));
        OK(st_commit(b));
    }
    if (w->dialect == ST_POSTGRESQL) { /* row-level security lets others see no tenant's rows */
        world_reopen(w, pg_test_url_as(w->url, PG_ADMIN), NULL);
    }
    ST_SESSION(all, w->e, .system = "look at all members");
    st_rows clubs = st_select(all, Club, NULL, .with = ST_SELECTIN(Club, members));
    ck_assert_uint_eq(clubs.n, 2);
    st_each (Club, c, clubs) {
        st_rows members = st_many(all, Club, c, members);
        ck_assert_uint_eq(members.n, uuid_eq(c->tenant_id, tenant_a));
        st_each (Member, m, members) {
            ck_assert(uuid_eq(m->tenant_id, c->tenant_id));
        }
    }
    OK(st_session_error(all));
}

RUN("relations_load", 100, CASE(a_loader_finds_the_children_of_each_parent_and_their_way_back),
    CASE(a_loader_takes_a_condition_an_order_and_further_loaders),
    CASE(many_to_one_is_loaded_once_a_target_and_null_is_loaded_too), CASE(many_to_many_is_loaded_from_both_sides),
    CASE(a_model_is_related_to_itself), CASE(a_relation_is_loaded_on_request_of_one_object_or_of_many),
    CASE(what_was_not_loaded_is_an_error_that_names_the_loader), CASE(loading_goes_through_the_identity_map),
    CASE(more_parents_than_one_query_takes), CASE(no_loader_reaches_another_tenant));
