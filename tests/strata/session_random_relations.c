/* Random work on relations beside a plain model of what should be: both sides in step at every moment, on SQLite and
 * PostgreSQL (random.h says how to repeat it). */
#include "club.h"
#include "random.h"

enum { CLUBS = 4, MEMBERS = 14, TOPICS = 5, SAVEPOINTS = 3, OPS = 6000, NONE = -1 };

struct club {
    bool there;
    st_uuid id;
    int chair;
};
struct member {
    bool there;
    st_uuid id;
    int club, mentor, rank;
    unsigned topics; /* one bit each */
};
struct state {
    struct club clubs[CLUBS];
    struct member members[MEMBERS];
};
struct play {
    struct world *w;
    struct chance chance;
    st_session *s;
    st_uuid topics[TOPICS];
    struct state committed, now;
    struct st_mark marks[SAVEPOINTS];
    struct state saved[SAVEPOINTS];
    int n_saved;
};

static int below(struct play *p, int n)
{
    return (int)chance_below(&p->chance, (uint64_t)n);
}

static int any_club(struct play *p)
{
    int at = below(p, CLUBS);
    return p->now.clubs[at].there ? at : NONE;
}
static int any_member(struct play *p)
{
    int at = below(p, MEMBERS);
    return p->now.members[at].there ? at : NONE;
}

static const Club *club(struct play *p, int i)
{
    const Club *c = st_get(p->s, Club, p->now.clubs[i].id);
    MUST(p, c);
    return c;
}
static const Member *member(struct play *p, int i)
{
    const Member *m = st_get(p->s, Member, p->now.members[i].id);
    MUST(p, m && m->rank == p->now.members[i].rank);
    return m;
}
static const Topic *topic(struct play *p, int i)
{
    const Topic *t = st_get(p->s, Topic, p->topics[i]);
    MUST(p, t);
    return t;
}
static int index_of(struct play *p, const Member *m)
{
    for (int i = 0; i < MEMBERS; i++) {
        if (p->now.members[i].there && uuid_eq(p->now.members[i].id, m->id)) {
            return i;
        }
    }
    MUST(p, !"a member is in a list that should not be there");
    return NONE;
}

/* ---- is it as it should be? ---- */

enum relation { IN_CLUB, OF_MENTOR, OF_TOPIC };

static bool belongs(const struct member *m, enum relation r, int to)
{
    return m->there && (r == IN_CLUB ? m->club == to : r == OF_MENTOR ? m->mentor == to : (m->topics >> to & 1) != 0);
}

static void holds(struct play *p, st_rows rows, enum relation r, int to)
{
    size_t want = 0;
    DONE(p, rows.err);
    for (int i = 0; i < MEMBERS; i++) {
        want += belongs(&p->now.members[i], r, to);
    }
    MUST(p, rows.n == want);
    for (size_t i = 0; i < rows.n; i++) {
        MUST(p, belongs(&p->now.members[index_of(p, rows.items[i])], r, to));
        for (size_t k = 0; k < i; k++) {
            MUST(p, rows.items[i] != rows.items[k]);
        }
    }
}

static void check_club(struct play *p, int i)
{
    const Club *c = club(p, i);
    if (c->members.loaded) {
        holds(p, st_many(p->s, Club, c, members), IN_CLUB, i);
    }
    if (c->chair.loaded) {
        const Member *chair = st_one(p->s, Club, c, chair, Member);
        MUST(p, chair ? index_of(p, chair) == p->now.clubs[i].chair : p->now.clubs[i].chair == NONE);
    }
}

static void check_member(struct play *p, int i)
{
    const Member *m = member(p, i);
    const struct member *want = &p->now.members[i];
    MUST(p, m->club_id.set == (want->club != NONE));
    MUST(p, m->mentor_id.set == (want->mentor != NONE));
    if (m->club.loaded) {
        const Club *c = st_one(p->s, Member, m, club, Club);
        MUST(p, want->club == NONE ? !c : c && uuid_eq(c->id, p->now.clubs[want->club].id));
    }
    if (m->mentor.loaded) {
        const Member *mentor = st_one(p->s, Member, m, mentor, Member);
        MUST(p, mentor ? index_of(p, mentor) == want->mentor : want->mentor == NONE);
    }
    if (m->pupils.loaded) {
        holds(p, st_many(p->s, Member, m, pupils), OF_MENTOR, i);
    }
    if (m->topics.loaded) {
        st_rows topics = st_many(p->s, Member, m, topics);
        MUST(p, topics.n == (size_t)__builtin_popcount(want->topics));
        for (int t = 0; t < TOPICS; t++) {
            bool there = false;
            for (size_t k = 0; k < topics.n; k++) {
                there |= uuid_eq(((const Topic *)topics.items[k])->id, p->topics[t]);
            }
            MUST(p, there == ((want->topics >> t & 1) != 0));
        }
    }
}

/* What is loaded, whenever that was. */
static void check_loaded(struct play *p)
{
    for (int i = 0; i < CLUBS; i++) {
        if (p->now.clubs[i].there) {
            check_club(p, i);
        }
    }
    for (int i = 0; i < MEMBERS; i++) {
        if (p->now.members[i].there) {
            check_member(p, i);
        }
    }
    for (int i = 0; i < TOPICS; i++) {
        const Topic *t = topic(p, i);
        if (t->members.loaded) {
            holds(p, st_many(p->s, Topic, t, members), OF_TOPIC, i);
        }
    }
}

/* Loads some relations first. */
static void look(struct play *p)
{
    const struct st_load *const plans[] = {
        ST_SELECTIN(Member, club), ST_SELECTIN(Member, mentor),
        ST_SELECTIN(Member, pupils, .then = ST_SELECTIN(Member, club, .then = ST_SELECTIN(Club, members))),
        ST_SELECTIN(Member, topics, .then = ST_SELECTIN(Topic, members))};
    int kind = below(p, 6), i = any_member(p);
    if (kind < 4) {
        st_rows rows = st_select(p->s, Member, i == NONE ? NULL : ST_EQ(Member, rank, p->now.members[i].rank),
                                 .with = plans[kind]);
        DONE(p, rows.err);
    } else if (kind == 4) {
        st_rows rows =
            st_select(p->s, Club, NULL, .with = ST_WITH(ST_SELECTIN(Club, chair), ST_SELECTIN(Club, members)));
        DONE(p, rows.err);
    } else if (i != NONE) {
        DONE(p, st_load(p->s, Member, member(p, i), topics));
    }
    check_loaded(p);
}

/* ---- changing it ---- */

static void add_club(struct play *p)
{
    int at = below(p, CLUBS);
    struct club *c = &p->now.clubs[at];
    if (!c->there) {
        const Club *added = st_add(p->s, Club, .name = "club");
        MUST(p, added);
        *c = (struct club){true, added->id, NONE};
    }
}

static void add_member(struct play *p)
{
    int at = below(p, MEMBERS), to = any_club(p), rank = below(p, 5);
    struct member *m = &p->now.members[at];
    if (m->there) {
        return;
    }
    const Club *c = to == NONE ? NULL : club(p, to);
    const Member *added = st_add(p->s, Member, .name = "member", .rank = rank);
    MUST(p, added);
    *m = (struct member){true, added->id, to, NONE, rank, 0};
    if (c) {
        DONE(p, st_append(p->s, c, members, added));
    }
}

static void move(struct play *p)
{
    int i = any_member(p), to = below(p, 4) ? any_club(p) : NONE;
    if (i == NONE) {
        return;
    }
    struct member *m = &p->now.members[i];
    const Member *obj = member(p, i);
    if (to == NONE && m->club != NONE && below(p, 2)) {
        DONE(p, st_remove(p->s, club(p, m->club), members, obj));
    } else if (to != NONE && below(p, 2)) {
        DONE(p, st_append(p->s, club(p, to), members, obj));
    } else {
        DONE(p, st_set_ref(p->s, obj, club, to == NONE ? NULL : club(p, to)));
    }
    m->club = to;
}

static void teach(struct play *p)
{
    int i = any_member(p), by = below(p, 4) ? any_member(p) : NONE;
    if (i == NONE) {
        return;
    }
    struct member *m = &p->now.members[i];
    const Member *obj = member(p, i);
    if (by == NONE && m->mentor != NONE && below(p, 2)) {
        DONE(p, st_remove(p->s, member(p, m->mentor), pupils, obj));
    } else if (by != NONE && below(p, 2)) {
        DONE(p, st_append(p->s, member(p, by), pupils, obj));
    } else {
        DONE(p, st_set_ref(p->s, obj, mentor, by == NONE ? NULL : member(p, by)));
    }
    m->mentor = by;
}

static void choose_topic(struct play *p)
{
    int i = any_member(p), t = below(p, TOPICS);
    if (i == NONE) {
        return;
    }
    struct member *m = &p->now.members[i];
    bool has = m->topics >> t & 1, here = below(p, 2) == 0;
    const Member *obj = member(p, i);
    const Topic *to = topic(p, t);
    if (has) {
        DONE(p, here ? st_remove(p->s, obj, topics, to) : st_remove(p->s, to, members, obj));
    } else {
        DONE(p, here ? st_append(p->s, obj, topics, to) : st_append(p->s, to, members, obj));
    }
    m->topics ^= 1U << t;
}

static void preside(struct play *p)
{
    int i = any_club(p), by = below(p, 3) ? any_member(p) : NONE;
    if (i != NONE) {
        DONE(p, st_set_ref(p->s, club(p, i), chair, by == NONE ? NULL : member(p, by)));
        p->now.clubs[i].chair = by;
    }
}

static void promote(struct play *p)
{
    int i = any_member(p);
    if (i != NONE) {
        Member *m = st_edit(p->s, member(p, i));
        MUST(p, m);
        m->rank = p->now.members[i].rank = below(p, 5);
    }
}

/* Nobody may point at it: the database would refuse. */
static void leave(struct play *p)
{
    int i = any_member(p);
    bool needed = i == NONE;
    for (int k = 0; k < MEMBERS && !needed; k++) {
        needed = k != i && p->now.members[k].there && p->now.members[k].mentor == i;
    }
    for (int k = 0; k < CLUBS && !needed; k++) {
        needed = p->now.clubs[k].there && p->now.clubs[k].chair == i;
    }
    if (!needed) {
        DONE(p, st_delete(p->s, member(p, i)));
        p->now.members[i].there = false;
    }
}

static void close_club(struct play *p)
{
    int i = any_club(p);
    if (i == NONE || below(p, 3)) {
        return;
    }
    DONE(p, st_delete(p->s, club(p, i)));
    p->now.clubs[i].there = false;
    DONE(p, st_flush(p->s));
    for (int k = 0; k < MEMBERS; k++) {
        struct member *m = &p->now.members[k];
        m->club = m->club == i ? NONE : m->club;
    }
}

static void read_again(struct play *p)
{
    int i = any_member(p);
    if (i == NONE) {
        return;
    }
    const Member *m = member(p, i);
    if (below(p, 2)) {
        DONE(p, st_refresh(p->s, m));
    } else {
        DONE(p, st_flush(p->s));
        DONE(p, st_expire(p->s, m));
    }
    MUST(p, member(p, i) == m);
}

/* ---- transactions ---- */

static void commit(struct play *p)
{
    DONE(p, st_commit(p->s));
    p->committed = p->now;
    p->n_saved = 0;
}

static void undo(struct play *p)
{
    DONE(p, st_rollback(p->s));
    p->now = p->committed;
    p->n_saved = 0;
}

static void reopen(struct play *p)
{
    st_session_close(p->s);
    const struct st_session_options o = {.tenant = tenant_a};
    DONE(p, st_session_open(p->w->e, &o, &p->s));
    p->now = p->committed;
    p->n_saved = 0;
}

static void savepoint(struct play *p)
{
    if (p->n_saved < SAVEPOINTS) {
        DONE(p, st_savepoint(p->s, &p->marks[p->n_saved]));
        p->saved[p->n_saved++] = p->now;
    }
}

static void go_back(struct play *p)
{
    if (p->n_saved) {
        int to = below(p, p->n_saved);
        DONE(p, st_rollback_to(p->s, &p->marks[to]));
        p->now = p->saved[to];
        p->n_saved = to + 1;
    }
}

static void release(struct play *p)
{
    if (p->n_saved) {
        int from = below(p, p->n_saved);
        DONE(p, st_release(p->s, &p->marks[from]));
        p->n_saved = from;
    }
}

static void random_relations(struct world *w)
{
    static void (*const acts[])(struct play *) = {
        add_club, add_club,     add_member,   add_member, move,   move,       teach,      teach, choose_topic,
        preside,  choose_topic, choose_topic, promote,    leave,  close_club, read_again, look,  look,
        look,     savepoint,    go_back,      release,    commit, commit,     undo,       reopen};
    struct play *p = mem_zalloc(1, sizeof *p);
    ck_assert_ptr_nonnull(p);
    p->w = w;
    p->chance = chance_open(OPS);
    reopen(p);
    for (int i = 0; i < TOPICS; i++) {
        static const char *const names[TOPICS] = {"one", "two", "three", "four", "five"};
        const Topic *t = st_add(p->s, Topic, .name = names[i]);
        MUST(p, t);
        p->topics[i] = t->id;
    }
    commit(p);
    for (; p->chance.step < p->chance.ops; p->chance.step++) {
        acts[below(p, sizeof acts / sizeof *acts)](p);
        check_loaded(p);
    }
    reopen(p);
    for (int i = 0; i < 20; i++) {
        look(p);
    }
    int64_t between;
    size_t want = 0;
    DONE(p, st_count(p->s, MemberTopic, NULL, &between));
    for (int i = 0; i < MEMBERS; i++) {
        want += p->now.members[i].there ? (size_t)__builtin_popcount(p->now.members[i].topics) : 0;
    }
    MUST(p, (size_t)between == want);
    st_session_close(p->s);
    mem_free(p);
}

START_TEST(random_relations_are_what_a_plain_model_says)
{
    in_worlds(WORLD_SQLITE, WORLD_PG, club_create, random_relations);
}
END_TEST

RUN("session_random_relations", 300, CASE(random_relations_are_what_a_plain_model_says));
