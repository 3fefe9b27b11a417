/* The proof of tenancy: every form of reading and writing, asked by tenant B for tenant A's rows, reaches none, and
 * asked by A reaches some.
 *
 * Built with ST_MUTATE_NO_TENANT, together with a scope.c that leaves the tenant out, it proves itself: now each form
 * must do what the proof would have noticed; and with row-level security it must still reach nothing.
 *
 * A's author and book have the same keys as B's, so that a statement which left the tenant out meets both. */
#include "session_support.h"
#include "strata/define.h"

/* Countries have no tenant; what is joined to them has. */
typedef struct Land {
    const char *code, *name;
    int64_t population;
    st_list authors;
} Land;
#define T Land
ST_MODEL(Land, "countries", COL(code, .pk = true), COL(name), COL(population), MANY(authors, Author, country));
#undef T

static const st_uuid twin = {{1}}, alone = {{2}}, twin_book = {{3}}; /* alone: of A only */

static void put(struct world *w, st_uuid tenant, const char *name)
{
    ST_SESSION(s, w->e, .tenant = tenant);
    OK(st_delete_where(s, Author, ST_EQ(Author, tenant_id, tenant), NULL)); /* the books go along */
    ck_assert_ptr_nonnull(st_add(s, Author, .id = twin, .name = name, .country = "at"));
    ck_assert_ptr_nonnull(st_add(s, Book, .id = twin_book, .author_id = twin, .title = name));
    OK(st_commit(s));
}

static void seed(struct world *w)
{
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        if (!st_get_(s, &Country_model, (const st_value[]){st_v_text("at")}, 1)) {
            ck_assert_ptr_nonnull(st_add(s, Country, .code = "at", .name = "Austria"));
        }
        OK(st_commit(s));
    }
    put(w, tenant_a, "Anna");
    put(w, tenant_b, "Bea");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_nonnull(st_add(s, Author, .id = alone, .name = "Otto"));
    OK(st_commit(s));
}

/* All that A has, as text. */
static const char *state_of_a(struct world *w)
{
    const char *text = "";
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_each (Author, a,
             st_select(s, Author, ST_EQ(Author, tenant_id, tenant_a), .order = ST_ORDER(ST_ASC(Author, name)))) {
        text = arena_printf(w->a, "%s %s/%s/%d", text, a->name, a->email ? a->email : "", (int)a->version);
    }
    st_each (Book, b, st_select(s, Book, ST_EQ(Book, tenant_id, tenant_a))) {
        text = arena_printf(w->a, "%s %s/%d", text, b->title, (int)b->version);
    }
    OK(st_session_error(s));
    return text;
}

/* ---- reading: how many rows of A came ---- */
typedef int64_t reads(st_session *s, const char *own);

static int64_t authors(st_rows rows)
{
    int64_t n = 0;
    st_each (Author, a, rows) {
        n += uuid_eq(a->tenant_id, tenant_a);
    }
    return n;
}
static int64_t author(const Author *a)
{
    return a && uuid_eq(a->tenant_id, tenant_a);
}
static int64_t books(st_rows rows)
{
    int64_t n = 0;
    st_each (Book, b, rows) {
        n += uuid_eq(b->tenant_id, tenant_a);
    }
    return n;
}

#define READ(name, ...)                                                         \
    static int64_t name(st_session *s, __attribute__((unused)) const char *own) \
    {                                                                           \
        return __VA_ARGS__;                                                     \
    }
READ(by_key_of_both, authors(st_select(s, Author, ST_EQ(Author, id, twin))))
READ(by_tenant, authors(st_select(s, Author, ST_EQ(Author, tenant_id, tenant_a))))
READ(by_nothing, authors(st_select(s, Author, NULL)))
READ(by_order, authors(st_select(s, Author, NULL, .order = ST_ORDER(ST_ASC(Author, name)), .limit = 9)))
READ(by_offset, authors(st_select(s, Author, NULL, .order = ST_ORDER(ST_DESC(Author, name)), .offset = 1)))
READ(by_lock, authors(st_select(s, Author, NULL, .for_update = true)))
READ(by_or, authors(st_select(s, Author, ST_OR(ST_EQ(Author, name, "Bea"), ST_LIKE(Author, name, "%")))))
READ(by_not, authors(st_select(s, Author, ST_NOT(ST_EQ(Author, name, "Bea")))))
READ(by_list, authors(st_select(s, Author, ST_IN(Author, name, ((const char *const[]){"Anna", "Otto"}), 2))))
READ(by_first, author(st_first(s, Author, NULL, .order = ST_ORDER(ST_ASC(Author, name))))) /* "Anna" leads */
READ(by_get, author(st_get(s, Author, alone)))
READ(by_whole_key, author(st_get_(s, &Author_model, (const st_value[]){st_v_uuid(tenant_a), st_v_uuid(alone)}, 2)))

static int64_t by_count(st_session *s, const char *own)
{
    (void)own;
    int64_t n = 0;
    (void)st_count(s, Author, ST_NE(Author, name, "Bea"), &n);
    return n;
}
static int64_t by_selectin(st_session *s, const char *own)
{
    const Author *a = st_first(s, Author, ST_EQ(Author, name, own), .with = ST_SELECTIN(Author, books));
    return a ? books(st_many(s, Author, a, books)) : 0;
}
static int64_t by_joined(st_session *s, const char *own)
{
    (void)own;
    int64_t n = 0;
    st_each (Author, a, st_select(s, Author, NULL, .with = ST_JOINED(Author, books))) {
        n += books(st_many(s, Author, a, books));
    }
    return n;
}
static int64_t by_joined_to_all(st_session *s, const char *own)
{
    (void)own;
    int64_t n = 0;
    st_each (Land, l, st_select(s, Land, NULL, .limit = 9, .with = ST_JOINED(Land, authors))) {
        n += authors(st_many(s, Land, l, authors));
    }
    return n;
}
static int64_t by_load(st_session *s, const char *own)
{
    const Author *a = st_first(s, Author, ST_EQ(Author, name, own));
    return a && st_load(s, Author, a, books) == 0 ? books(st_many(s, Author, a, books)) : 0;
}

static int64_t by_stream(st_session *s, const char *own)
{
    (void)own;
    int64_t n = 0;
    st_each_stream (Author, a, st_stream(s, Author, NULL, .batch = 1)) {
        n += author(st_attach(s, Author, a));
    }
    return n;
}

static const struct {
    const char *name;
    reads *ask;
} reading[] = {{"select by a key that both have", by_key_of_both},
               {"select by tenant", by_tenant},
               {"select without a condition", by_nothing},
               {"order and limit", by_order},
               {"offset", by_offset},
               {"for update", by_lock},
               {"or", by_or},
               {"not", by_not},
               {"in", by_list},
               {"first", by_first},
               {"get", by_get},
               {"get by the whole key", by_whole_key},
               {"count", by_count},
               {"selectin", by_selectin},
               {"joined", by_joined},
               {"joined to a model without tenants", by_joined_to_all},
               {"load", by_load},
               {"stream", by_stream}};

/* ---- writing: what becomes of A's rows is seen after the commit ---- */
typedef void writes(st_session *s, const char *own);

#define WRITE(name, ...)                                                     \
    static void name(st_session *s, __attribute__((unused)) const char *own) \
    {                                                                        \
        (void)__VA_ARGS__;                                                   \
    }
WRITE(update_where, st_update_where(s, Author, ST_NE(Author, name, "Bea"), NULL, ST_SET(Author, email, "b@b")))
WRITE(update_all, st_update_where(s, Author, NULL, NULL, ST_SET(Author, email, "b@b")))
WRITE(delete_where, st_delete_where(s, Author, ST_EQ(Author, id, alone), NULL))
WRITE(delete_all, st_delete_where(s, Book, NULL, NULL))
WRITE(add, st_add(s, Author, .tenant_id = tenant_a, .name = "Spy"))

static void edit(st_session *s, const char *own)
{
    st_rows rows = st_select(s, Author, ST_EQ(Author, name, own));
    st_each (Author, a, rows) {
        st_edit(s, a)->email = "x@y";
    }
}
static void delete_one(st_session *s, const char *own)
{
    st_rows rows = st_select(s, Book, ST_EQ(Book, title, own));
    st_each (Book, b, rows) {
        (void)st_delete(s, b);
    }
}
static void add_and_change(st_session *s, const char *own)
{
    (void)own;
    st_add(s, Author, .name = "Spy")->tenant_id = tenant_a;
}
static void add_many(st_session *s, const char *own)
{
    (void)own;
    for (int i = 0; i < 20; i++) { /* enough for a bulk statement */
        Author *a = st_add(s, Author, .name = arena_printf(st_session_arena(s), "Spy%d", i));
        a->tenant_id = tenant_a;
    }
}
static void insert_many(st_session *s, const char *own)
{
    (void)own;
    void *row = &(Author){.tenant_id = tenant_a, .name = "Spy"};
    (void)st_insert_many(s, Author, &row, 1, NULL);
}
static void upsert(st_session *s, const char *own)
{
    (void)own;
    void *row = &(Author){.tenant_id = tenant_a, .name = "Anna", .email = "x@y"};
    (void)st_insert_many(s, Author, &row, 1, NULL, .conflict = ST_MEMBERS(Author, name),
                         .update = ST_MEMBERS(Author, email));
}

static void copy_many(st_session *s, const char *own)
{
    (void)own;
    void *row = &(Author){.tenant_id = tenant_a, .name = "Spy"};
    (void)st_copy_many(s, Author, &row, 1, NULL);
}
static int next_spy(void *arg, void *row)
{
    int n = (*(int *)arg)++;
    *(Author *)row = (Author){.tenant_id = tenant_a, .name = n ? "Spy" : "Own"};
    return n < 2;
}
static void copy_from(st_session *s, const char *own)
{
    (void)own;
    (void)st_copy_from(s, Author, next_spy, &(int){0}, NULL);
}

static const struct {
    const char *name;
    writes *act;
} writing[] = {{"update by criteria", update_where},
               {"update of all", update_all},
               {"delete by criteria", delete_where},
               {"delete of all", delete_all},
               {"add", add},
               {"add, then another tenant", add_and_change},
               {"many added", add_many},
               {"edit", edit},
               {"delete", delete_one},
               {"insert many", insert_many},
               {"upsert", upsert},
               {"copy many", copy_many},
               {"copy from a source", copy_from}};

struct outcome {
    bool reached; /* A's rows */
    st_err err;
};

static struct outcome read_as(struct world *w, size_t form, bool autocommit, st_uuid tenant, const char *own)
{
    ST_SESSION(s, w->e, .tenant = tenant, .autocommit = autocommit);
    bool reached = reading[form].ask(s, own) > 0;
    return (struct outcome){reached, st_session_error(s)};
}

static struct outcome write_as(struct world *w, size_t form, st_uuid tenant, const char *own)
{
    seed(w);
    const char *before = state_of_a(w);
    st_err err;
    {
        ST_SESSION(s, w->e, .tenant = tenant);
        writing[form].act(s, own);
        err = st_commit(s);
    }
    return (struct outcome){strcmp(before, state_of_a(w)) != 0, err};
}

/* What B may see of an attempt: nothing happened, or "that is another tenant's". */
static void judge(const struct world *w, const char *name, struct outcome a, struct outcome b)
{
    bool noticed = b.reached || (b.err && b.err != ST_E_TENANT);
    if (MUTANT && !walled(w)) {
        ck_assert_msg(noticed, "without the tenant in the compiler, the proof does not notice %s", name);
        return;
    }
    ck_assert_msg(a.reached && a.err == 0, "%s does not work at all: %d %s", name, a.err, test_diag());
    if (MUTANT) {
        ck_assert_msg(!b.reached, "%s reaches another tenant through row-level security", name);
    } else {
        ck_assert_msg(!noticed, "%s reaches another tenant (%d): %s", name, b.err, test_diag());
    }
}

static void prove_reading(struct world *w)
{
    seed(w);
    size_t n = sizeof reading / sizeof *reading;
    for (size_t k = 0; k < 2 * n; k++) { /* in transactions, then without */
        size_t i = k % n;
        if (k < n || (reading[i].ask != by_lock && reading[i].ask != by_stream)) {
            struct outcome a = read_as(w, i, k >= n, tenant_a, "Anna");
            judge(w, reading[i].name, a, read_as(w, i, k >= n, tenant_b, "Bea"));
        }
    }
}

static void prove_writing(struct world *w)
{
    for (size_t i = 0; i < sizeof writing / sizeof *writing; i++) {
        struct outcome a = write_as(w, i, tenant_a, "Anna");
        judge(w, writing[i].name, a, write_as(w, i, tenant_b, "Bea"));
    }
}

START_TEST(no_form_of_reading_reaches_another_tenant)
{
    in_worlds(WORLD_SQLITE, WORLD_ADMIN, library_create, prove_reading);
}
END_TEST

START_TEST(no_form_of_writing_reaches_another_tenant)
{
    in_worlds(WORLD_SQLITE, WORLD_ADMIN, library_create, prove_writing);
}
END_TEST

RUN("session_proof", 60, CASE(no_form_of_reading_reaches_another_tenant),
    CASE(no_form_of_writing_reaches_another_tenant));
