/* club.h: models related in every way: one-to-many, many-to-one, one-to-one, many-to-many, to themselves, and in a
 * cycle. */
#ifndef TEST_STRATA_CLUB_H
#define TEST_STRATA_CLUB_H

#include "session_support.h"

typedef struct Club {
    st_uuid tenant_id, id;
    const char *name;
    st_opt_uuid chair_id; /* a member: with club_id a cycle */
    int32_t version;
    st_list members;
    st_ref chair;
} Club;
ST_DECLARE(Club);

typedef struct Member {
    st_uuid tenant_id, id;
    st_opt_uuid club_id;
    const char *name;
    int32_t rank;
    st_opt_uuid mentor_id; /* a member */
    int32_t version;
    st_ref club, badge, mentor;
    st_list pupils, posts, topics;
} Member;
ST_DECLARE(Member);

typedef struct Badge { /* goes with its member: the database sees to it */
    st_uuid tenant_id, id, member_id;
    int32_t number;
    st_ref member;
} Badge;
ST_DECLARE(Badge);

typedef struct Post { /* goes with its member: the session sees to it */
    st_uuid tenant_id, id, member_id;
    const char *body;
    st_ref member;
    st_list marks;
} Post;
ST_DECLARE(Post);

typedef struct Mark { /* of a post; one taken out of it is deleted */
    st_uuid tenant_id, id, post_id;
    int32_t stars;
    st_ref post;
} Mark;
ST_DECLARE(Mark);

typedef struct Topic {
    st_uuid tenant_id, id;
    const char *name;
    st_list members;
} Topic;
ST_DECLARE(Topic);

typedef struct MemberTopic {
    st_uuid tenant_id, id, member_id, topic_id;
} MemberTopic;
ST_DECLARE(MemberTopic);

void club_create(struct world *w);
/* CLUB_TEST(name) { ... w->e ... }: SESSION_TEST with these tables. */
#define CLUB_TEST(name)                        \
    static void name##_in(struct world *w);    \
    START_TEST(name)                           \
    {                                          \
        in_each_world(club_create, name##_in); \
    }                                          \
    END_TEST                                   \
    static void name##_in(struct world *w)

/* A club with n members "m0".. and for each member two posts "m0/0", "m0/1", a badge and the topics "even" or "odd" and
 * "all", committed. Member 0 chairs it. */
st_uuid club_put(struct world *w, st_uuid tenant, const char *name, int n);
int64_t club_count(struct world *w, st_uuid tenant, const st_model *m);

#endif
