/* Random work in sessions beside a plain model of what should be, on SQLite and PostgreSQL (random.h says how to repeat
 * it). */
#include "random.h"

enum { ROWS_MAX = 40, NAMES = 30, OPS = 50000, SAVEPOINTS = 3 };

/* A row as it should be. Strings are numbers: name "n07", email "e3@x" or null at -1; born null at -1. */
struct row {
    bool there, pending, flushed;
    st_uuid id;
    int name, email, born, version;
};
struct table {
    struct row rows[ROWS_MAX];
};
struct play {
    struct world *w;
    struct chance chance;
    int tenant;
    st_session *s;
    struct table committed[2], now; /* now: of the open session */
    struct st_mark marks[SAVEPOINTS];
    struct table saved[SAVEPOINTS];
    int n_saved;
    arena *copies;
    char names[NAMES][4], emails[NAMES][8];
};

static uint64_t below(struct play *p, uint64_t n)
{
    return chance_below(&p->chance, n);
}

static const char *email_of(const struct play *p, int email)
{
    return email < 0 ? NULL : p->emails[email];
}
static st_opt_int32 born_of(int born)
{
    return (st_opt_int32){born < 0 ? 0 : born, born >= 0};
}
static struct row *named(struct play *p, int name)
{
    for (int i = 0; i < ROWS_MAX; i++) {
        if (p->now.rows[i].there && p->now.rows[i].name == name) {
            return &p->now.rows[i];
        }
    }
    return NULL;
}
static struct row *slot(struct play *p, bool there)
{
    int at = (int)below(p, ROWS_MAX);
    for (int i = 0; i < ROWS_MAX; i++) {
        struct row *r = &p->now.rows[(at + i) % ROWS_MAX];
        if (r->there == there) {
            return r;
        }
    }
    return NULL;
}

static void same(const struct play *p, const Author *a, const struct row *r)
{
    MUST(p, a && uuid_eq(a->id, r->id) && uuid_eq(a->tenant_id, p->tenant ? tenant_b : tenant_a));
    MUST(p, strcmp(a->name, p->names[r->name]) == 0);
    MUST(p, r->email < 0 ? !a->email : a->email && strcmp(a->email, p->emails[r->email]) == 0);
    MUST(p, a->born.set == (r->born >= 0) && (r->born < 0 || a->born.v == r->born));
    MUST(p, a->version == r->version);
}

/* What a flush does to the versions. */
static void flushed(struct play *p)
{
    for (int i = 0; i < ROWS_MAX; i++) {
        struct row *r = &p->now.rows[i];
        r->version += r->there && r->pending && r->flushed;
        r->flushed |= r->there;
        r->pending = false;
    }
}

static void reopen(struct play *p, int tenant)
{
    st_session_close(p->s);
    const struct st_session_options o = {.tenant = tenant ? tenant_b : tenant_a};
    DONE(p, st_session_open(p->w->e, &o, &p->s));
    p->tenant = tenant;
    p->now = p->committed[tenant];
    p->n_saved = 0;
}
static void undo(struct play *p)
{
    DONE(p, st_rollback(p->s));
    p->now = p->committed[p->tenant];
    p->n_saved = 0;
}
static void go_back(struct play *p)
{
    if (p->n_saved) {
        int to = (int)below(p, (uint64_t)p->n_saved);
        DONE(p, st_rollback_to(p->s, &p->marks[to]));
        p->now = p->saved[to];
        p->n_saved = to + 1;
    }
}
/* After a failure. */
static void undo_some(struct play *p)
{
    if (p->n_saved && below(p, 2) == 0) {
        go_back(p);
    } else {
        undo(p);
    }
}

/* ---- conditions, with SQL's three truths: 1, 0, -1 unknown ---- */
struct condition {
    int kind, x, y;
    bool not, with_or;
};

static int one_holds(int kind, int x, const struct row *r)
{
    switch (kind) {
    case 0:
        return r->name == x;
    case 1:
        return r->born < 0 ? -1 : r->born > x;
    case 2:
        return r->email < 0;
    case 3:
        return r->name / 10 == x % 3; /* LIKE */
    default:
        return r->name == x || r->name == (x + 1) % NAMES;
    }
}
static bool holds(const struct condition *c, const struct row *r)
{
    int a = one_holds(c->kind % 5, c->x, r), b = one_holds(c->kind / 5, c->y, r);
    a = c->not &&a >= 0 ? !a : a;
    return c->with_or ? a == 1 || b == 1 : a == 1 && b == 1;
}

static struct condition any_condition(struct play *p)
{
    return (struct condition){(int)below(p, 25), (int)below(p, NAMES), (int)below(p, NAMES), below(p, 3) == 0,
                              below(p, 2) == 0};
}

/* The condition as Strata has it, called where; expressions live in their block. */
#define ONE(kind, x, two)                              \
    ((kind) == 0   ? ST_EQ(Author, name, p->names[x])  \
     : (kind) == 1 ? ST_GT(Author, born, (int32_t)(x)) \
     : (kind) == 2 ? ST_EQ(Author, email, NULL)        \
     : (kind) == 3 ? ST_LIKE(Author, name,             \
                             (x) % 3 == 0   ? "n0%"    \
                             : (x) % 3 == 1 ? "n1%"    \
                                            : "n2%")   \
                   : ST_IN(Author, name, two, 2))
#define CONDITION(c)                                                                                           \
    const char *const two_x_[2] = {p->names[(c)->x], p->names[((c)->x + 1) % NAMES]};                          \
    const char *const two_y_[2] = {p->names[(c)->y], p->names[((c)->y + 1) % NAMES]};                          \
    const st_expr *first_ = ONE((c)->kind % 5, (c)->x, two_x_), *second_ = ONE((c)->kind / 5, (c)->y, two_y_); \
    first_ = (c)->not ? ST_NOT(first_) : first_;                                                               \
    const st_expr *where = (c)->with_or ? ST_OR(first_, second_) : ST_AND(first_, second_)

/* ---- operations ---- */

static void add(struct play *p)
{
    struct row *r = slot(p, false);
    int name = (int)below(p, NAMES);
    struct row *twin = named(p, name);
    if (!r || (twin && below(p, 8) != 0)) {
        return;
    }
    int email = (int)below(p, 4) - 1, born = (int)below(p, NAMES) - 1;
    const Author *a = st_add(p->s, Author, .name = p->names[name], .email = email_of(p, email), .born = born_of(born));
    MUST(p, a);
    if (twin) {
        MUST(p, st_flush(p->s) == ST_E_UNIQUE);
        undo_some(p);
        return;
    }
    *r = (struct row){true, true, false, a->id, name, email, born, 1};
    same(p, a, r);
}

/* A row that is in the identity map is got without a flush, any other behind one; let it be known which. */
static const Author *get(struct play *p, const struct row *r)
{
    if (!r->pending) {
        DONE(p, st_flush(p->s));
    }
    flushed(p);
    const Author *a = st_get(p->s, Author, r->id);
    same(p, a, r);
    return a;
}

static void look(struct play *p)
{
    struct row *r = slot(p, below(p, 4) != 0);
    if (r && r->there) {
        (void)get(p, r);
    } else if (r && !uuid_is_nil(r->id)) {
        MUST(p, !st_get(p->s, Author, r->id) && st_session_error(p->s) == 0);
        flushed(p);
    }
}

static void edit(struct play *p)
{
    struct row *r = slot(p, true);
    if (!r) {
        return;
    }
    Author *a = st_edit(p->s, get(p, r));
    struct row was = *r;
    MUST(p, a);
    int name = (int)below(p, NAMES);
    bool rename = below(p, 3) == 0 && !named(p, name);
    r->email = (int)below(p, 4) - 1;
    r->born = (int)below(p, NAMES) - 1;
    r->name = rename ? name : r->name;
    a->email = email_of(p, r->email);
    a->born = born_of(r->born);
    a->name = p->names[r->name];
    r->pending = was.email != r->email || was.born != r->born || was.name != r->name;
    DONE(p, st_flush(p->s)); /* a second edit could take the first one back, and a name must be free for others */
    flushed(p);
}

static void remove_one(struct play *p)
{
    struct row *r = slot(p, true);
    if (r) {
        DONE(p, st_delete(p->s, get(p, r)));
        DONE(p, st_flush(p->s));
        r->there = false;
        flushed(p);
    }
}

static int sort_name; /* of by_order: +1, -1 or 0: born, null last, then name */
static int by_order(const void *x, const void *y)
{
    const struct row *a = *(const struct row *const *)x, *b = *(const struct row *const *)y;
    if (sort_name) {
        return sort_name * (a->name - b->name);
    }
    int left = a->born < 0 ? NAMES : a->born, right = b->born < 0 ? NAMES : b->born;
    return left != right ? left - right : a->name - b->name;
}

static void select_some(struct play *p)
{
    struct condition c = any_condition(p);
    bool all = below(p, 6) == 0;
    const struct row *want[ROWS_MAX];
    size_t n = 0, limit = below(p, 6), offset = below(p, 4);
    flushed(p);
    for (int i = 0; i < ROWS_MAX; i++) {
        const struct row *r = &p->now.rows[i];
        if (r->there && (all || holds(&c, r))) {
            want[n++] = r;
        }
    }
    sort_name = (int)below(p, 3) - 1;
    if (n) {
        qsort(want, n, sizeof *want, by_order);
    }
    CONDITION(&c);
    where = all ? NULL : where;
    int64_t count = -1;
    DONE(p, st_count(p->s, Author, where, &count));
    MUST(p, count == (int64_t)n);
    st_rows rows = st_select(p->s, Author, where, .limit = limit, .offset = offset,
                             .order = sort_name > 0   ? ST_ORDER(ST_ASC(Author, name))
                                      : sort_name < 0 ? ST_ORDER(ST_DESC(Author, name))
                                                      : ST_ORDER(ST_ASC(Author, born), ST_ASC(Author, name)));
    DONE(p, rows.err);
    size_t expected = n > offset ? n - offset : 0;
    expected = limit && limit < expected ? limit : expected;
    MUST(p, rows.n == expected);
    for (size_t i = 0; i < rows.n; i++) {
        same(p, rows.items[i], want[offset + i]);
    }
}

static void upsert(struct play *p)
{
    Author x[6] = {0};
    Author *rows[6];
    size_t n = 1 + below(p, 6);
    bool update = below(p, 2) == 0;
    int names[6], emails[6];
    struct st_bulk_result got, want = {0};
    flushed(p);
    for (size_t i = 0; i < n; i++) {
        names[i] = (int)below(p, NAMES);
        emails[i] = (int)below(p, 4) - 1;
        x[i].name = p->names[names[i]];
        x[i].email = email_of(p, emails[i]);
        rows[i] = &x[i];
    }
    DONE(p, st_insert_many(p->s, Author, rows, n, &got, .conflict = ST_MEMBERS(Author, name),
                           .update = update ? ST_MEMBERS(Author, email) : NULL));
    for (size_t i = 0; i < n; i++) {
        bool again = false; /* the last of equal ones counts */
        for (size_t k = i + 1; k < n; k++) {
            again |= names[k] == names[i];
        }
        struct row *old = named(p, names[i]), *r = old ? old : slot(p, false);
        if (again) {
            continue;
        }
        MUST(p, r);
        if (!old) {
            *r = (struct row){true, false, true, x[i].id, names[i], emails[i], -1, 1};
            want.inserted++;
        } else if (update) {
            r->email = emails[i];
            r->version++;
            want.updated++;
        } else {
            want.kept++;
        }
    }
    MUST(p, got.inserted == want.inserted && got.updated == want.updated && got.kept == want.kept);
}

static void by_criteria(struct play *p)
{
    struct condition c = any_condition(p);
    bool removes = below(p, 3) == 0;
    int email = (int)below(p, 3);
    int64_t n = -1, want = 0;
    flushed(p);
    CONDITION(&c);
    if (removes) {
        DONE(p, st_delete_where(p->s, Author, where, &n));
    } else {
        DONE(p, st_update_where(p->s, Author, where, &n, ST_SET(Author, email, p->emails[email])));
    }
    for (int i = 0; i < ROWS_MAX; i++) {
        struct row *r = &p->now.rows[i];
        if (r->there && holds(&c, r)) {
            want++;
            r->there = !removes;
            r->email = email;
            r->version++;
        }
    }
    MUST(p, n == want);
}

/* A copy of a row, changed outside of the session, comes in again. */
static void merge(struct play *p)
{
    struct row *r = slot(p, true);
    if (!r) {
        return;
    }
    arena_reset(p->copies);
    Author *copy = st_detach(p->s, get(p, r), p->copies);
    MUST(p, copy);
    if (below(p, 8) == 0) {
        copy->version++;
        MUST(p, !st_merge(p->s, Author, copy) && st_session_error(p->s) == ST_E_CONFLICT);
        undo_some(p);
        return;
    }
    struct row was = *r;
    r->email = (int)below(p, 4) - 1;
    r->born = (int)below(p, NAMES) - 1;
    copy->email = email_of(p, r->email);
    copy->born = born_of(r->born);
    copy->version = below(p, 2) ? copy->version : 0;
    const Author *mine = st_merge(p->s, Author, copy);
    MUST(p, mine && mine == st_get(p->s, Author, r->id));
    r->pending = was.email != r->email || was.born != r->born;
    DONE(p, st_flush(p->s));
    flushed(p);
    same(p, mine, r);
}

static void read_again(struct play *p)
{
    struct row *r = slot(p, true);
    if (!r) {
        return;
    }
    const Author *a = get(p, r);
    if (below(p, 2) == 0) {
        DONE(p, st_refresh(p->s, a));
        flushed(p);
    } else {
        DONE(p, st_flush(p->s));
        flushed(p);
        DONE(p, st_expire(p->s, a));
    }
    MUST(p, st_get(p->s, Author, r->id) == a);
    same(p, a, r);
}

static void savepoint(struct play *p)
{
    if (p->n_saved < SAVEPOINTS) {
        DONE(p, st_savepoint(p->s, &p->marks[p->n_saved]));
        flushed(p);
        p->saved[p->n_saved++] = p->now;
    }
}

static void release(struct play *p)
{
    if (p->n_saved) {
        int from = (int)below(p, (uint64_t)p->n_saved);
        DONE(p, st_release(p->s, &p->marks[from]));
        flushed(p);
        p->n_saved = from;
    }
}

static void commit(struct play *p)
{
    DONE(p, st_commit(p->s));
    flushed(p);
    p->n_saved = 0;
    p->committed[p->tenant] = p->now;
}

static void step(struct play *p)
{
    static void (*const acts[])(struct play *) = {
        add,         add,    add,         look,       look,  edit,       edit,      edit,      look,    select_some,
        select_some, upsert, by_criteria, remove_one, merge, read_again, savepoint, savepoint, go_back, release};
    uint64_t what = below(p, 26);
    if (what < sizeof acts / sizeof *acts) {
        acts[what](p);
    } else if (what < 23) {
        commit(p);
    } else if (what < 24) {
        undo(p);
    } else if (what < 25) {
        reopen(p, (int)below(p, 2));
    } else if (below(p, 8) == 0) {
        commit(p);
        st_expunge_all(p->s);
    }
}

static void random_work(struct world *w)
{
    struct play *p = mem_zalloc(1, sizeof *p);
    ck_assert_ptr_nonnull(p);
    p->w = w;
    p->chance = chance_open(OPS);
    for (int i = 0; i < NAMES; i++) {
        (void)snprintf(p->names[i], sizeof p->names[i], "n%02d", i % 100);
        (void)snprintf(p->emails[i], sizeof p->emails[i], "e%d@x", i % 100);
    }
    p->copies = arena_new(NULL, 0);
    reopen(p, 0);
    for (; p->chance.step < p->chance.ops; p->chance.step++) {
        step(p);
    }
    for (int tenant = 0; tenant < 2; tenant++) { /* what was committed is what is there */
        reopen(p, tenant);
        st_rows all = st_select(p->s, Author, NULL);
        size_t n = 0;
        for (int i = 0; i < ROWS_MAX; i++) {
            n += p->now.rows[i].there;
            if (p->now.rows[i].there) {
                (void)get(p, &p->now.rows[i]);
            }
        }
        MUST(p, all.err == 0 && all.n == n);
    }
    st_session_close(p->s);
    arena_free(p->copies);
    mem_free(p);
}

START_TEST(random_work_is_what_a_plain_model_says)
{
    in_worlds(WORLD_SQLITE, WORLD_PG, library_create, random_work);
}
END_TEST

RUN("session_random", 300, CASE(random_work_is_what_a_plain_model_says));
