/* Copying in. Countries have no tenant, so COPY itself runs in every PostgreSQL world; authors have policies, so that
 * for all but the superuser the rows go another way, with the same outcome. */
#include "session_support.h"

#include "fiber/fiber.h"

/* COPY_TEST runs as the superuser, too. */
#define COPY_TEST(name)                                                  \
    static void name##_in(struct world *w);                              \
    START_TEST(name)                                                     \
    {                                                                    \
        in_worlds(WORLD_SQLITE, WORLD_ADMIN, library_create, name##_in); \
    }                                                                    \
    END_TEST                                                             \
    static void name##_in(struct world *w)

/* A source of notes or authors, each string in one buffer that the next row overwrites. */
struct source {
    int64_t rows, given;
    int64_t fails_at;  /* ends with -EIO in front of that row, from 1 */
    int64_t broken_at; /* that row breaks a rule */
    int64_t twin_at;   /* that row has the name of the first */
    st_uuid id;        /* of every note, when it is not nil */
    bool waits;
    st_session *uses;
    char text[1024];
};

static int next_author(void *arg, void *row)
{
    struct source *f = arg;
    Author *a = row;
    ck_assert(uuid_is_nil(a->id) && !a->name && !a->born.set && a->version == 0);
    if (f->given == f->rows) {
        return 0;
    }
    if (++f->given == f->fails_at) {
        return -EIO;
    }
    int64_t number = f->given == f->twin_at ? 1 : f->given;
    (void)snprintf(f->text, sizeof f->text, f->given == f->broken_at ? "much too long %d" : "a%06d", (int)number);
    a->name = f->text;
    if (f->uses) {
        ck_assert_int_eq(st_flush(f->uses), -EBUSY);
    }
    return f->waits ? fiber_sleep_until(fiber_in_ms(1)) ? -ECANCELED : 1 : 1;
}

static int next_note(void *arg, void *row)
{
    struct source *f = arg;
    if (f->given == f->rows) {
        return 0;
    }
    memset(f->text, 'a' + (int)(f->given++ % 26), 1000);
    f->text[1000] = '\0';
    *(Note *)row = (Note){.id = f->id, .body = f->text};
    return 1;
}

/* The n-th country. */
static int next_country(void *arg, void *row)
{
    struct source *f = arg;
    if (f->given == f->rows) {
        return 0;
    }
    int n = (int)f->given++;
    f->text[0] = (char)('a' + n / 26 % 26);
    f->text[1] = (char)('a' + n % 26);
    f->text[2] = '\0';
    *(Country *)row = (Country){.code = f->text, .name = f->text, .population = n};
    return 1;
}

static int64_t countries_in(struct world *w)
{
    int64_t n = -1;
    ST_SESSION(s, w->e, .tenant = {{0}});
    OK(st_count(s, Country, NULL, &n));
    return n;
}

/* Nothing is in use, and what was opened is still what serves. */
static void is_healthy(struct world *w)
{
    struct st_pool_stats stats;
    st_engine_stats(w->e, &stats);
    ck_assert_uint_eq(stats.in_use, 0);
    ck_assert_uint_eq(stats.disconnects, 0);
}

COPY_TEST(copied_rows_are_there_and_have_their_ids)
{
    enum { N = 3000 };
    static Author authors[N], *at[N];
    static char names[N][12];
    memset(authors, 0, sizeof authors);
    for (int i = 0; i < N; i++) {
        (void)snprintf(names[i], sizeof names[i], "a%05d", i);
        authors[i].name = names[i];
        at[i] = &authors[i];
    }
    int64_t n = -1;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_copy_many(s, Author, at, N, &n));
    ck_assert_int_eq(n, N);
    ck_assert(!uuid_is_nil(authors[7].id) && uuid_eq(authors[7].tenant_id, tenant_a));
    ck_assert(authors[7].version == 1 && authors[7].created_at.us > 0);
    const Author *a = st_get(s, Author, authors[7].id);
    ck_assert_str_eq(a->name, "a00007");
    OK(st_copy_many(s, Author, at, 0, &n));
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(authors_in(w, tenant_a), 0); /* until the commit */
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), N);
    is_healthy(w);
}

COPY_TEST(a_source_is_asked_until_it_has_no_more)
{
    static const int64_t lengths[] = {0, 1, 999, 1000, 1001, 2500};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        int64_t n = -1;
        struct source from = {.rows = lengths[i]};
        ST_SESSION(s, w->e, .tenant = tenant_a);
        OK(st_copy_from(s, Author, next_author, &from, &n));
        ck_assert_int_eq(n, lengths[i]);
        const Author *last = st_first(s, Author, NULL, .order = ST_ORDER(ST_DESC(Author, name)));
        ck_assert(!last == !lengths[i]);
        ck_assert(!last || (last->version == 1 && strcmp(last->name, from.text) == 0));
        OK(st_delete_where(s, Author, NULL, NULL));
        OK(st_commit(s));
    }
    is_healthy(w);
}

/* More than the driver sends in one piece. */
COPY_TEST(what_is_longer_than_a_piece_arrives_whole)
{
    struct source from = {.rows = 26 * 650}; /* of 1,000 bytes */
    int64_t n = 0;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_copy_from(s, Note, next_note, &from, &n));
    ck_assert_int_eq(n, 26 * 650);
    OK(st_count(s, Note, ST_LIKE(Note, body, "zzz%"), &n));
    ck_assert_int_eq(n, 650);
}

static st_err copy_books(st_session *s, Book *const *rows, size_t n)
{
    return st_copy_many(s, Book, rows, n, NULL);
}

COPY_TEST(every_type_is_copied)
{
    every_type_goes_in(w, copy_books);
}

COPY_TEST(pending_rows_are_written_before)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_add(s, Author, .name = "Anna");
    Book book = {.author_id = a->id, .title = "Emma"}, *row = &book;
    OK(st_copy_many(s, Book, &row, 1, NULL));
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 1);
}

/* ---- what goes wrong ---- */

COPY_TEST(a_broken_row_stops_all)
{
    for (int listed = 0; listed < 2; listed++) {
        struct source from = {.rows = 2000, .broken_at = 1007};
        Author x[3] = {{.name = "Anna"}, {.name = "much too long"}, {.name = "Otto"}}, *rows[3] = {&x[0], &x[1], &x[2]};
        ST_SESSION(s, w->e, .tenant = tenant_a);
        CODE(listed ? st_copy_many(s, Author, rows, 3, NULL) : st_copy_from(s, Author, next_author, &from, NULL),
             ST_E_INVALID);
        ck_assert_ptr_nonnull(strstr(test_diag(), listed ? "row 2" : "row 1007"));
        CODE(st_commit(s), ST_E_INVALID);
        OK(st_rollback(s));
        ck_assert_ptr_nonnull(st_add(s, Author, .name = "Berta")); /* the session works again */
        OK(st_flush(s));
    }
    ck_assert_int_eq(authors_in(w, tenant_a), 0);
    is_healthy(w);
}

/* The same code and the same details as st_insert_many gives. */
COPY_TEST(the_database_says_what_was_violated)
{
    Author twins[2] = {{.name = "Anna"}, {.name = "Anna"}}, lost = {.name = "Otto", .country = "xx"};
    Author *same[2] = {&twins[0], &twins[1]}, *away[1] = {&lost};
    for (int i = 0; i < 2; i++) {
        Author **rows = i ? away : same;
        struct diag inserted;
        ST_SESSION(s, w->e, .tenant = tenant_a);
        struct st_mark sp;
        ck_assert_ptr_nonnull(st_add(s, Author, .name = "Berta"));
        OK(st_savepoint(s, &sp));
        CODE(st_insert_many(s, Author, rows, i ? 1 : 2, NULL), i ? ST_E_FOREIGN_KEY : ST_E_UNIQUE);
        inserted = *diag_last();
        OK(st_rollback_to(s, &sp));
        CODE(st_copy_many(s, Author, rows, i ? 1 : 2, NULL), i ? ST_E_FOREIGN_KEY : ST_E_UNIQUE);
        ck_assert_str_eq(diag_last()->constraint, inserted.constraint);
        ck_assert_str_eq(diag_last()->table, inserted.table);
        ck_assert_str_eq(diag_last()->sqlstate, inserted.sqlstate);
        OK(st_rollback_to(s, &sp));
        OK(st_commit(s)); /* Berta stays */
        OK(st_delete_where(s, Author, NULL, NULL));
        OK(st_commit(s));
    }
    is_healthy(w);
}

COPY_TEST(a_source_that_fails_ends_all_with_its_code)
{
    for (int64_t at = 1; at < 3000; at = at * 7) {
        struct source from = {.rows = 5000, .fails_at = at};
        ST_SESSION(s, w->e, .tenant = tenant_a);
        CODE(st_copy_from(s, Author, next_author, &from, NULL), -EIO);
        ck_assert_int_eq(from.given, at);
        OK(st_rollback(s));
        ck_assert_int_eq(authors_in(w, tenant_a), 0);
    }
    is_healthy(w);
}

static void create_closed(struct world *w)
{
    library_create(w);
    pg_test_exec(w->url, "REVOKE INSERT ON countries FROM waymark_app");
}

static void be_refused(struct world *w)
{
    struct source from = {.rows = 10};
    ST_SESSION(s, w->e, .tenant = tenant_a);
    CODE(st_copy_from(s, Country, next_country, &from, NULL), ST_E_SQL);
    ck_assert_str_eq(diag_last()->sqlstate, "42501");
    ck_assert_int_eq(from.given, 1);
    OK(st_rollback(s));
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna"));
    OK(st_commit(s));
    is_healthy(w);
}

START_TEST(a_copy_that_the_server_refuses_costs_no_connection)
{
    in_world(WORLD_APP, create_closed, be_refused);
}
END_TEST

/* Of rows without end, the second is refused. */
COPY_TEST(an_error_is_told_before_the_source_ends)
{
    struct source from = {.rows = INT64_MAX, .id = {{5}}};
    ST_SESSION(s, w->e, .tenant = tenant_a);
    CODE(st_copy_from(s, Note, next_note, &from, NULL), ST_E_UNIQUE);
    ck_assert_int_lt(from.given, 20000);
    OK(st_rollback(s));
    is_healthy(w);
}

COPY_TEST(a_source_may_wait_and_not_use_the_session)
{
    int64_t n = 0;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    struct source from = {.rows = 12, .waits = true, .uses = s};
    OK(st_copy_from(s, Author, next_author, &from, &n));
    ck_assert_int_eq(n, 12);
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 12);
}

COPY_TEST(a_read_only_session_copies_nothing)
{
    Country at = {.code = "at", .name = "Austria"}, *row = &at;
    ST_SESSION(s, w->e, .read_only = true);
    CODE(st_copy_many(s, Country, &row, 1, NULL), ST_E_READ_ONLY);
}

/* ---- cancellation ---- */

struct job {
    struct world *w;
    bool waits, authors;
    st_err rc;
};

static int copy_on(void *arg)
{
    struct job *j = arg;
    struct source from = {.rows = j->waits ? 100000 : 300, .waits = j->waits};
    ST_SESSION(s, j->w->e, .tenant = tenant_a);
    j->rc = j->authors ? st_copy_from(s, Author, next_author, &from, NULL)
                       : st_copy_from(s, Country, next_country, &from, NULL);
    return 0;
}

COPY_TEST(a_cancelled_copy_gives_back_a_clean_connection)
{
    for (int i = 0; i < 3; i++) {
        struct job j = {.w = w, .waits = true, .authors = true};
        {
            FIBER_BUNDLE(b);
            OK(fiber_start(&b, copy_on, &j));
            OK(fiber_sleep_until(fiber_in_ms(30)));
            ck_assert_int_eq(j.rc, 0);
        }
        ck_assert_int_eq(j.rc, -ECANCELED);
    }
    ck_assert_int_eq(authors_in(w, tenant_a), 0);
    is_healthy(w);
}

COPY_TEST(cancelling_at_any_moment_leaves_the_pool_healthy)
{
    for (int i = 0; i < 40; i++) {
        struct job j[4];
        FIBER_BUNDLE(b);
        for (int k = 0; k < 4; k++) {
            j[k] = (struct job){.w = w};
            OK(fiber_start(&b, copy_on, &j[k]));
        }
        OK(fiber_sleep_until(fiber_now() + i * 150000));
        fiber_bundle_cancel(&b);
        OK(fiber_bundle_wait(&b, fiber_in_ms(20000)));
        for (int k = 0; k < 4; k++) {
            ck_assert_msg(j[k].rc == 0 || j[k].rc == -ECANCELED, "%d: %s", j[k].rc, test_diag());
        }
    }
    ck_assert_int_eq(countries_in(w), 0);
    is_healthy(w);
}

/* ---- how it goes ---- */

static void note_copy(void *arg, const char *sql, int64_t ns, bool slow)
{
    (void)ns;
    (void)slow;
    *(bool *)arg |= strncmp(sql, "COPY ", 5) == 0;
}

COPY_TEST(copy_is_used_wherever_it_is_allowed)
{
    bool copied = false;
    world_reopen(w, w->url, &(const struct st_engine_options){.on_statement = note_copy, .arg = &copied});
    struct source from = {.rows = 100}, authors = {.rows = 100};
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_copy_from(s, Country, next_country, &from, NULL));
    ck_assert_int_eq(copied, w->dialect == ST_POSTGRESQL);
    copied = false;
    OK(st_copy_from(s, Author, next_author, &authors, NULL));
    ck_assert_int_eq(copied, w->kind == WORLD_ADMIN);
    OK(st_commit(s));
    ck_assert_int_eq(countries_in(w), 100);
    ck_assert_int_eq(authors_in(w, tenant_a), 100);
}

/* Of base/mem.h, SQLite's own among them. A bulk statement makes its arrays anew for each 1,000 rows. */
COPY_TEST(ten_times_the_rows_take_no_more_allocations)
{
    uint64_t seen[2];
    for (int i = 0; i < 2; i++) {
        struct source from = {.rows = i ? 20000 : 2000};
        ST_SESSION(s, w->e, .tenant = tenant_a);
        OK(st_copy_from(s, Author, next_author, &(struct source){.rows = 1}, NULL)); /* what is kept is there */
        OK(st_rollback(s));
        mem_fail_at(UINT64_MAX, false);
        OK(st_copy_from(s, Author, next_author, &from, NULL));
        seen[i] = mem_fail_seen();
        mem_fail_at(0, false);
    }
    ck_assert_uint_le(seen[1], seen[0] + (walled(w) ? 18 * 100 : 20));
}

static void create_talking(struct world *w)
{
    library_create(w);
    must(w, "CREATE FUNCTION talk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', repeat('x', 8000); "
            "RETURN NEW; END $$; CREATE TRIGGER talk BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION talk()");
}

/* Neither side waits for the other to read what it says. */
static void talk(struct world *w)
{
    struct source from = {.rows = 2000};
    int64_t n = 0;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_copy_from(s, Note, next_note, &from, &n));
    ck_assert_int_eq(n, 2000);
}

START_TEST(a_server_that_talks_meanwhile_is_listened_to)
{
    in_worlds(WORLD_ADMIN, WORLD_ADMIN, create_talking, talk);
}
END_TEST

RUN("session_copy", 100, CASE(copied_rows_are_there_and_have_their_ids), CASE(a_source_is_asked_until_it_has_no_more),
    CASE(what_is_longer_than_a_piece_arrives_whole), CASE(every_type_is_copied), CASE(pending_rows_are_written_before),
    CASE(a_broken_row_stops_all), CASE(the_database_says_what_was_violated),
    CASE(a_source_that_fails_ends_all_with_its_code), CASE(an_error_is_told_before_the_source_ends),
    CASE(a_copy_that_the_server_refuses_costs_no_connection), CASE(a_source_may_wait_and_not_use_the_session),
    CASE(a_read_only_session_copies_nothing), CASE(a_cancelled_copy_gives_back_a_clean_connection),
    CASE(cancelling_at_any_moment_leaves_the_pool_healthy), CASE(copy_is_used_wherever_it_is_allowed),
    CASE(ten_times_the_rows_take_no_more_allocations), CASE(a_server_that_talks_meanwhile_is_listened_to));
