#include "day.h"

#include <inttypes.h>

#include "base/buf.h"
#include "faults.h"

#define TRY(expr)            \
    do {                     \
        st_err rc_ = (expr); \
        if (rc_) {           \
            return rc_;      \
        }                    \
    } while (0)
#define FOUND(s, p)                     \
    do {                                \
        if (!(p)) {                     \
            return st_session_error(s); \
        }                               \
    } while (0)

/* ---- the work ---- */

static const Topic *topic_named(st_session *s, const char *name)
{
    return st_first(s, Topic, ST_EQ(Topic, name, name));
}

/* Relations of each kind loaded, changed from either side, and taken along by a delete. */
static st_err relations(st_session *s)
{
    const Club *red =
        st_first(s, Club, ST_EQ(Club, name, "red"),
                 .with = ST_WITH(ST_JOINED(Club, chair),
                                 ST_SELECTIN(Club, members, .order = ST_ORDER(ST_ASC(Member, name)),
                                             .then = ST_WITH(ST_JOINED(Member, topics), ST_SELECTIN(Member, posts),
                                                             ST_JOINED(Member, badge)))));
    FOUND(s, red);
    st_rows members = st_many(s, Club, red, members);
    ck_assert_uint_eq(members.n, 4);
    const Member *m1 = members.items[1], *m2 = members.items[2], *m3 = members.items[3];
    Member *fresh = st_add(s, Member, .name = "fresh", .rank = 10);
    FOUND(s, fresh);
    TRY(st_append(s, red, members, fresh));
    TRY(st_set_ref(s, fresh, mentor, m1));
    const Topic *odd = topic_named(s, "odd"), *even = odd ? topic_named(s, "even") : NULL;
    FOUND(s, even);
    TRY(st_append(s, fresh, topics, odd));
    TRY(st_append(s, m2, topics, odd));
    TRY(st_remove(s, m2, topics, even));
    Badge *badge = st_add(s, Badge, .number = 77);
    FOUND(s, badge);
    TRY(st_set_ref(s, fresh, badge, badge));
    Post *post = st_add(s, Post, .body = "hello");
    FOUND(s, post);
    TRY(st_append(s, fresh, posts, post));
    TRY(st_delete(s, m3));
    Club *edit = st_edit(s, red);
    FOUND(s, edit);
    edit->chair_id = (st_opt_uuid){fresh->id, true}; /* a cycle: fresh is in the club that it chairs */
    return st_flush(s);
}

static st_err savepoints(st_session *s)
{
    struct st_mark outer, inner;
    TRY(st_savepoint(s, &outer));
    FOUND(s, st_add(s, Topic, .name = "kept"));
    TRY(st_savepoint(s, &inner));
    FOUND(s, st_add(s, Topic, .name = "undone"));
    TRY(st_update_where(s, Member, NULL, NULL, ST_ADD(Member, rank, 1000)));
    TRY(st_rollback_to(s, &inner));
    return st_release(s, &outer);
}

/* As many new rows as go in one statement, and an upsert. */
static st_err many(st_session *s)
{
    for (int i = 0; i < 12; i++) {
        FOUND(s, st_add(s, Member, .name = i % 2 ? "one of many" : "another of many", .rank = i));
    }
    TRY(st_flush(s));
    Topic topics[3] = {{.name = "all"}, {.name = "bulk"}, {.name = "bulk two"}};
    Topic *rows[3] = {&topics[0], &topics[1], &topics[2]};
    struct st_bulk_result got;
    TRY(st_insert_many(s, Topic, rows, 3, &got, .conflict = ST_MEMBERS(Topic, name)));
    ck_assert_int_eq(got.inserted, 2);
    Topic copied[2] = {{.name = "copied"}, {.name = "copied two"}};
    rows[0] = &copied[0];
    rows[1] = &copied[1];
    int64_t n;
    TRY(st_copy_many(s, Topic, rows, 2, &n));
    ck_assert_int_eq(n, 2);
    return 0;
}

/* Writes while it reads, and leaves a second stream open where it stops. */
static st_err streams(st_session *s)
{
    st_stream *rest __attribute__((cleanup(st_stream_closep))) =
        st_stream(s, Member, NULL, .order = ST_ORDER(ST_ASC(Member, name), ST_ASC(Member, rank)), .batch = 1);
    FOUND(s, rest);
    FOUND(s, st_stream_next(rest));
    int n = 0;
    st_each_stream (Topic, t, st_stream(s, Topic, NULL, .order = ST_ORDER(ST_ASC(Topic, name)), .batch = 2)) {
        const Topic *mine = strcmp(t->name, "kept") == 0 ? st_attach(s, Topic, t) : NULL;
        Topic *edit = mine ? st_edit(s, mine) : NULL;
        if (edit) {
            edit->name = "kept, and streamed";
            TRY(st_flush(s));
        }
        n++;
    }
    TRY(st_session_error(s));
    ck_assert_int_eq(n, 4);
    FOUND(s, st_stream_next(rest));
    return 0;
}

static st_err first_transaction(st_session *s)
{
    TRY(relations(s));
    TRY(savepoints(s));
    TRY(streams(s));
    TRY(many(s));
    int64_t n;
    TRY(st_update_where(s, Member, ST_LT(Member, rank, 100), &n, ST_ADD(Member, rank, 100)));
    ck_assert_int_eq(n, 4 + 12);
    const Topic *bulk = topic_named(s, "bulk");
    FOUND(s, bulk);
    return st_delete(s, bulk); /* goes with the commit */
}

/* Each time it happens the ranks are one higher. */
static st_err second_transaction(st_session *s)
{
    st_rows members =
        st_select(s, Member, ST_NOT(ST_IS_NULL(Member, club_id)), .order = ST_ORDER(ST_ASC(Member, name)));
    TRY(members.err);
    st_each (Member, m, members) {
        Member *edit = st_edit(s, m);
        FOUND(s, edit);
        edit->rank++;
    }
    TRY(st_delete_where(s, Post, ST_EQ(Post, body, "m0/0"), NULL));
    FOUND(s, st_add(s, Topic, .name = "second"));
    return 0;
}

static st_err commit(struct day *d, st_session *s)
{
    d->committing = true;
    st_err rc = st_commit(s);
    d->committing = rc != 0;
    d->committed += rc == 0;
    return rc;
}

/* Without a transaction: shared with others', and alone. */
static st_err between_transactions(struct day *d)
{
    for (int alone = 0; alone < 2; alone++) {
        int64_t n;
        ST_SESSION(s, d->w->e, .tenant = tenant_a, .autocommit = true,
                   .isolation = alone ? ST_REPEATABLE_READ : ST_ISOLATION_DEFAULT);
        TRY(st_count(s, Member, NULL, &n));
        st_rows topics = st_select(s, Topic, NULL, .limit = 3);
        TRY(topics.err);
        ck_assert(n > 0 && topics.n > 0);
    }
    return 0;
}

static st_err work(struct day *d, st_session *s)
{
    TRY(first_transaction(s));
    TRY(commit(d, s));
    TRY(between_transactions(d));
    if (d->stop_after == 1) {
        return 0;
    }
    TRY(second_transaction(s));
    return commit(d, s);
}

st_err day_work(struct day *d)
{
    d->committed = 0;
    d->committing = false;
    ST_SESSION(s, d->w->e, .tenant = tenant_a);
    st_err rc = work(d, s);
    if (rc && d->insists) {
        int64_t n;
        if (st_rollback(s) == 0) { /* else there was no memory for a session at all */
            OK(st_count(s, Member, NULL, &n));
        }
        (void)diag_set(rc, "(the session was rolled back and used)");
    }
    return rc;
}

/* ---- what is there ---- */

static void put_names(buf *out, const char *what, st_rows rows, const st_model *m)
{
    buf_printf(out, " %s", what);
    for (size_t i = 0; i < rows.n; i++) {
        const void *x = rows.items[i];
        buf_printf(out, " %s", m == &Topic_model ? ((const Topic *)x)->name : ((const Post *)x)->body);
    }
}

static void put_member(buf *out, st_session *s, const Member *m)
{
    const Club *club = st_one(s, Member, m, club, Club);
    const Member *mentor = st_one(s, Member, m, mentor, Member);
    const Badge *badge = st_one(s, Member, m, badge, Badge);
    buf_printf(out, "member %s rank %d version %d club %s mentor %s badge %d", m->name, m->rank, m->version,
               club ? club->name : "-", mentor ? mentor->name : "-", badge ? badge->number : -1);
    put_names(out, "posts", st_many(s, Member, m, posts), &Post_model);
    put_names(out, "topics", st_many(s, Member, m, topics), &Topic_model);
    buf_put_char(out, '\n');
}

/* All of it as text, read by a new session of the same engine. */
static void look(struct world *w, buf *out)
{
    buf_init(out, 1 << 20);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows clubs = st_select(s, Club, NULL, .order = ST_ORDER(ST_ASC(Club, name)), .with = ST_SELECTIN(Club, chair));
    OK(clubs.err);
    st_each (Club, c, clubs) {
        const Member *chair = st_one(s, Club, c, chair, Member);
        buf_printf(out, "club %s version %d chair %s\n", c->name, c->version, chair ? chair->name : "-");
    }
    st_rows members =
        st_select(s, Member, NULL, .order = ST_ORDER(ST_ASC(Member, name), ST_ASC(Member, rank)),
                  .with = ST_WITH(ST_SELECTIN(Member, club), ST_SELECTIN(Member, mentor), ST_SELECTIN(Member, badge),
                                  ST_SELECTIN(Member, posts, .order = ST_ORDER(ST_ASC(Post, body))),
                                  ST_SELECTIN(Member, topics, .order = ST_ORDER(ST_ASC(Topic, name)))));
    OK(members.err);
    st_each (Member, m, members) {
        put_member(out, s, m);
    }
    st_rows topics = st_select(s, Topic, NULL, .order = ST_ORDER(ST_ASC(Topic, name)));
    OK(topics.err);
    put_names(out, "topics", topics, &Topic_model);
    int64_t posts, badges, between;
    OK(st_count(s, Post, NULL, &posts));
    OK(st_count(s, Badge, NULL, &badges));
    OK(st_count(s, MemberTopic, NULL, &between));
    buf_printf(out, "\nposts %" PRId64 " badges %" PRId64 " between %" PRId64, posts, badges, between);
    OK(st_session_error(s));
    ck_assert_int_eq(out->err, 0);
}

/* ---- back to the start ---- */

static const char *const tables[] = {"member_topics", "marks", "posts", "badges", "members", "clubs", "topics"};
enum { TABLES = sizeof tables / sizeof *tables };

/* Past row-level security. */
static void run_script(struct day *d, const char *script)
{
    if (d->control) {
        fault_control(d->control, script);
    } else {
        OK(st_engine_execute(d->w->e, script, FIBER_FOREVER));
    }
}

static void keep(struct day *d)
{
    buf script;
    buf_init(&script, 1 << 20);
    buf_puts(&script, "BEGIN; UPDATE clubs SET chair_id = NULL; ");
    for (size_t i = 0; i < TABLES; i++) {
        run_script(d, arena_printf(d->w->a, "CREATE TABLE kept_%s AS SELECT * FROM %s", tables[i], tables[i]));
        buf_printf(&script, "DELETE FROM %s; ", tables[i]);
    }
    buf_puts(&script, "UPDATE kept_clubs SET chair_id = NULL; ");
    for (size_t i = TABLES; i-- > 0;) {
        buf_printf(&script, "INSERT INTO %s SELECT * FROM kept_%s; ", tables[i], tables[i]);
    }
    buf_puts(&script, "COMMIT");
    d->restore = arena_strdup(d->w->a, script.p);
    ck_assert_int_eq(script.err, 0);
    buf_release(&script);
}

static void restore(struct day *d)
{
    run_script(d, d->restore);
}

/* ---- checking ---- */

static const char *state_of(struct world *w)
{
    buf text;
    look(w, &text);
    const char *kept = arena_strdup(w->a, text.p);
    buf_release(&text);
    return kept;
}

void day_open(struct day *d, struct world *w)
{
    *d = (struct day){.w = w};
    if (w->dialect == ST_POSTGRESQL) {
        char *plain = arena_strdup(w->a, pg_test_url_as(w->url, PG_ADMIN));
        plain[strcspn(plain, "?")] = '\0'; /* libpq knows no pooler */
        d->control = plain;
    }
    (void)club_put(w, tenant_a, "red", 4);
    keep(d);
    restore(d); /* without the chair, whose cycle a script would have to take apart */
    d->states[0] = state_of(w);
    for (unsigned i = 0; i < DAY_TRANSACTIONS; i++) {
        d->stop_after = i + 1;
        OK(day_work(d));
        d->states[i + 1] = state_of(w);
        ck_assert_str_ne(d->states[i], d->states[i + 1]);
        restore(d);
    }
    d->stop_after = DAY_TRANSACTIONS;
}

static unsigned state_there(struct day *d, const char *what)
{
    buf now;
    look(d->w, &now);
    unsigned i = 0;
    while (i <= DAY_TRANSACTIONS && strcmp(now.p, d->states[i]) != 0) {
        i++;
    }
    ck_assert_msg(i <= DAY_TRANSACTIONS, "%s: no transaction leaves this behind:\n%s\nbefore:\n%s", what, now.p,
                  d->states[d->committed]);
    buf_release(&now);
    return i;
}

void day_check(struct day *d, st_err rc, bool may_be_done, bool again, const char *what)
{
    struct st_pool_stats stats;
    st_engine_stats(d->w->e, &stats);
    ck_assert_msg(stats.in_use == 0 && stats.waiting == 0, "%s: %u connections in use", what, stats.in_use);
    if (d->control) {
        fault_settle(d->control);
    }
    unsigned there = state_there(d, what);
    bool or_next = may_be_done && d->committing && there == d->committed + 1;
    ck_assert_msg(there == d->committed || or_next, "%s: %d, %u transactions committed, %u there", what, rc,
                  d->committed, there);
    ck_assert_msg((rc == 0) == (d->committed == DAY_TRANSACTIONS), "%s", what);
    if (there) {
        restore(d);
    }
    if (again) {
        OK(day_work(d));
        ck_assert_uint_eq(state_there(d, what), DAY_TRANSACTIONS);
        restore(d);
    }
}
