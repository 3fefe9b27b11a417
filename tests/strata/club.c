#include "club.h"

#include "strata/define.h"

#define T Club
ST_MODEL(Club, "clubs", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(name),
         REF(chair_id, Member), COL(version, .version = true), MANY(members, Member, club_id, .on_delete = ST_SET_NULL),
         ONE(chair, Member, chair_id));
#undef T

#define T Member
ST_MODEL(Member, "members", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), REF(club_id, Club),
         COL(name), COL(rank), REF(mentor_id, Member), COL(version, .version = true), ONE(club, Club, club_id),
         ONE(badge, Badge, member_id), ONE(mentor, Member, mentor_id), MANY(pupils, Member, mentor_id),
         MANY(posts, Post, member_id, .on_delete = ST_CASCADE),
         MANY_THROUGH(topics, Topic, MemberTopic, member_id, topic_id));
#undef T

#define T Badge
ST_MODEL(Badge, "badges", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true),
         REF(member_id, Member, .on_delete = ST_CASCADE, .unique = true), COL(number), ONE(member, Member, member_id));
#undef T

#define T Post
ST_MODEL(Post, "posts", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), REF(member_id, Member),
         COL(body), ONE(member, Member, member_id),
         MANY(marks, Mark, post_id, .on_delete = ST_CASCADE, .delete_orphan = true));
#undef T

#define T Mark
ST_MODEL(Mark, "marks", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), REF(post_id, Post), COL(stars),
         ONE(post, Post, post_id));
#undef T

#define T Topic
ST_MODEL(Topic, "topics", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true), COL(name),
         MANY_THROUGH(members, Member, MemberTopic, topic_id, member_id), UNIQUE("topics_name_key", "name"));
#undef T

#define T MemberTopic
ST_MODEL(MemberTopic, "member_topics", COL(tenant_id, .tenant = true, .pk = true), COL(id, .pk = true),
         REF(member_id, Member), REF(topic_id, Topic), UNIQUE("member_topics_key", "member_id", "topic_id"));
#undef T

void club_create(struct world *w)
{
    static const st_model *const models[] = {&Club_model, &Member_model, &Badge_model,      &Post_model,
                                             &Mark_model, &Topic_model,  &MemberTopic_model};
    OK(st_create_all(w->e, models, 7, FIBER_FOREVER));
}

static const Topic *topic(st_session *s, const char *name)
{
    const Topic *t = st_first(s, Topic, ST_EQ(Topic, name, name));
    return t ? t : st_add(s, Topic, .name = name);
}

st_uuid club_put(struct world *w, st_uuid tenant, const char *name, int n)
{
    ST_SESSION(s, w->e, .tenant = tenant);
    Club *c = st_add(s, Club, .name = name);
    const Topic *topics[] = {topic(s, "even"), topic(s, "odd"), topic(s, "all")};
    arena *a = st_session_arena(s);
    for (int i = 0; i < n; i++) {
        const char *called = arena_printf(a, "m%d", i);
        const Member *m = st_add(s, Member, .club_id = {c->id, true}, .name = called, .rank = n - i);
        ck_assert_ptr_nonnull(m);
        for (int k = 0; k < 2; k++) {
            ck_assert_ptr_nonnull(st_add(s, Post, .member_id = m->id, .body = arena_printf(a, "%s/%d", called, k)));
        }
        ck_assert_ptr_nonnull(st_add(s, Badge, .member_id = m->id, .number = i));
        ck_assert_ptr_nonnull(st_add(s, MemberTopic, .member_id = m->id, .topic_id = topics[i % 2]->id));
        ck_assert_ptr_nonnull(st_add(s, MemberTopic, .member_id = m->id, .topic_id = topics[2]->id));
    }
    st_uuid id = c->id;
    OK(st_flush(s));
    const Member *chair = st_first(s, Member, ST_AND(ST_EQ(Member, club_id, id), ST_EQ(Member, name, "m0")));
    if (chair) {
        st_edit(s, c)->chair_id = (st_opt_uuid){chair->id, true};
    }
    OK(st_commit(s));
    return id;
}

int64_t club_count(struct world *w, st_uuid tenant, const st_model *m)
{
    int64_t n = -1;
    ST_SESSION(s, w->e, .tenant = tenant);
    OK(st_count_(s, m, NULL, &n));
    return n;
}
