/* Large results row by row: in constant memory, with the session free in between, and nothing left behind. */
#include <unistd.h>

#include "peak.h"
#include "query_support.h"

enum { NOTES = 1000 };

static void notes_put(struct world *w, st_uuid tenant, int n)
{
    enum { CHUNK = 1000 };
    static Note notes[CHUNK];
    static char bodies[CHUNK][32];
    static Note *at[CHUNK];
    ST_SESSION(s, w->e, .tenant = tenant);
    for (int i = 0; i < n; i += CHUNK) {
        int k = 0;
        for (; k < CHUNK && i + k < n; k++) {
            (void)snprintf(bodies[k], sizeof bodies[k], "note %07d", i + k);
            notes[k] = (Note){.body = bodies[k]};
            at[k] = &notes[k];
        }
        OK(st_insert_many(s, Note, at, (size_t)k, NULL));
    }
    OK(st_commit(s));
}

static void is_note(const Note *n, int i)
{
    char body[32];
    (void)snprintf(body, sizeof body, "note %07d", i);
    ck_assert_str_eq(n->body, body);
}
#define BY_BODY .order = ST_ORDER(ST_ASC(Note, body))

/* Every connection is back, and none had to be thrown away. */
static void pool_is_clean(struct world *w)
{
    struct st_pool_stats stats;
    st_engine_stats(w->e, &stats);
    ck_assert_uint_eq(stats.in_use, 0);
    ck_assert_uint_eq(stats.invalidations, 0);
    ck_assert_uint_le(stats.connects, 2);
}

SESSION_TEST(every_row_comes_once_and_in_order_whatever_the_batch)
{
    notes_put(w, tenant_a, NOTES);
    static const uint32_t batches[] = {0, 1, 7, NOTES - 1, NOTES, NOTES + 1};
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        ST_SESSION(s, w->e, .tenant = tenant_a, .read_only = b % 2);
        int n = 0;
        st_each_stream (Note, x, st_stream(s, Note, NULL, BY_BODY, .batch = batches[b])) {
            is_note(x, n++);
        }
        ck_assert_int_eq(n, NOTES);
        n = 0;
        st_stream *st = st_stream(s, Note, ST_LT(Note, body, "note 0000500"), BY_BODY, .batch = batches[b]);
        for (st_rows rows; (rows = st_stream_batch(st)).n;) {
            st_each (Note, x, rows) {
                is_note(x, n++);
            }
        }
        ck_assert_int_eq(n, 500);
        ck_assert_ptr_null(st_stream_next(st)); /* the end stays the end */
        st_stream_close(st);
        OK(st_commit(s));
    }
    pool_is_clean(w);
}

SESSION_TEST(an_early_break_leaves_the_session_usable_and_the_connection_clean)
{
    notes_put(w, tenant_a, NOTES);
    for (int way = 0; way < 3; way++) {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        for (int i = 0; i < 40; i++) { /* more often than a session has streams */
            st_each_stream (Note, x, st_stream(s, Note, NULL, BY_BODY, .batch = 10)) {
                is_note(x, 0);
                break;
            }
            int64_t n;
            if (i % 3 == 0) {
                OK(st_count(s, Note, NULL, &n));
                ck_assert_int_eq(n, NOTES);
            }
        }
        if (way == 0) {
            OK(st_commit(s));
        } else if (way == 1) {
            OK(st_rollback(s));
        }
    }
    pool_is_clean(w);
}

SESSION_TEST(the_session_does_other_work_between_the_rows)
{
    notes_put(w, tenant_a, NOTES);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    int n = 0;
    st_each_stream (Note, x, st_stream(s, Note, ST_LT(Note, body, "note 0000050"), BY_BODY, .batch = 8)) {
        is_note(x, n);
        int inner = n;
        st_each_stream (Note, y, st_stream(s, Note, ST_GE(Note, body, x->body), BY_BODY, .batch = 3)) {
            is_note(y, inner++);
            if (inner == n + 7) {
                break;
            }
        }
        ck_assert_int_eq(inner, n + 7);
        ck_assert_ptr_nonnull(st_add(s, Author, .name = st_session_arena(s) ? arena_printf(w->a, "%d", n) : ""));
        if (n % 5 == 0) {
            OK(st_flush(s));
        }
        const Note *same = st_get(s, Note, x->id);
        ck_assert_ptr_nonnull(same);
        is_note(same, n++);
    }
    ck_assert_int_eq(n, 50);
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 50);
    pool_is_clean(w);
}

SESSION_TEST(pending_work_is_flushed_by_the_opening)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_nonnull(st_add(s, Note, .body = "note 0000000"));
    int n = 0;
    st_each_stream (Note, x, st_stream(s, Note, NULL)) {
        is_note(x, n++);
    }
    ck_assert_int_eq(n, 1);
}

/* Fails at its 501st row. */
static const char *failing(const struct world *w)
{
    return w->dialect == ST_POSTGRESQL
               ? "SELECT 'n'::text, 1000 / (500 - i) FROM generate_series(0::bigint, 1000) i"
               : "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
                 "SELECT 'n', CASE i WHEN 500 THEN json_extract('{', '$.a') ELSE i END FROM n";
}

SESSION_TEST(a_failure_in_the_middle_ends_the_loop_and_is_the_sessions)
{
    for (int way = 0; way < 2; way++) {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        struct st_mark sp;
        OK(st_savepoint(s, &sp));
        int n = 0;
        st_each_stream (Lang, x, st_stream_raw(s, Lang, failing(w), .confined = true, .batch = 100)) {
            ck_assert_str_eq(x->lang, "n");
            n++;
        }
        ck_assert_int_eq(n, 500);
        CODE(st_session_error(s), ST_E_SQL);
        int64_t count;
        CODE(st_count(s, Note, NULL, &count), ST_E_SQL);
        if (way) {
            OK(st_rollback(s));
        } else {
            OK(st_rollback_to(s, &sp));
        }
        OK(st_count(s, Note, NULL, &count));
        n = 0;
        st_each_stream (Author, x, st_stream(s, Author, NULL)) {
            n += x->version;
        }
        OK(st_session_error(s));
        OK(st_commit(s));
    }
    pool_is_clean(w);
}

SESSION_TEST(a_stream_ends_with_its_transaction)
{
    notes_put(w, tenant_a, NOTES);
    for (int way = 0; way < 3; way++) {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        struct st_mark sp;
        OK(st_savepoint(s, &sp));
        st_stream *st = st_stream(s, Note, NULL, BY_BODY);
        is_note(st_stream_next(st), 0);
        OK(way == 0 ? st_commit(s) : way == 1 ? st_rollback(s) : st_rollback_to(s, &sp));
        ck_assert_ptr_null(st_stream_next(st));
        CODE(st_session_error(s), ST_E_INVALID);
        ck_assert_ptr_nonnull(strstr(test_diag(), "ends with its transaction"));
        st_stream_close(st);
    }
    st_stream *left;
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        left = st_stream(s, Note, NULL, BY_BODY);
        is_note(st_stream_next(left), 0);
    }
    ck_assert_ptr_null(st_stream_next(left));
    CODE(st_stream_batch(left).err, ST_E_INVALID);
    st_stream_close(left);
    st_stream_close(NULL);
    pool_is_clean(w);
}

SESSION_TEST(what_cannot_be_streamed_is_refused)
{
    st_stream *open[ST_STREAMS_MAX];
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        for (int i = 0; i < ST_STREAMS_MAX; i++) {
            open[i] = st_stream(s, Note, NULL);
            ck_assert_ptr_nonnull(open[i]);
        }
        ck_assert_ptr_null(st_stream(s, Note, NULL));
        CODE(st_session_error(s), ST_E_INVALID);
        for (int i = 0; i < ST_STREAMS_MAX; i++) {
            st_stream_close(open[i]);
        }
    }
#define REFUSED(code, stream)                                                                 \
    do {                                                                                      \
        ST_SESSION(s, w->e, .tenant = tenant_a);                                              \
        int n_ = 0;                                                                           \
        st_each_stream (Note, x, (stream)) {                                                  \
            n_++;                                                                             \
        }                                                                                     \
        ck_assert_int_eq(n_, 0);                                                              \
        ck_assert_msg(st_session_error(s) == (code), "%s: %d", #stream, st_session_error(s)); \
    } while (0)
    REFUSED(ST_E_INVALID, st_stream(s, Note, NULL, .batch = ST_STREAM_BATCH_MAX + 1));
    REFUSED(ST_E_INVALID, st_stream(s, Author, NULL, .with = ST_SELECTIN(Author, books)));
    REFUSED(ST_E_TENANT, st_stream_raw(s, Lang, "SELECT 1, 2"));
    REFUSED(ST_E_INVALID, st_stream_raw(s, Lang, "COMMIT", .confined = true));
    REFUSED(w->dialect == ST_SQLITE ? ST_E_INVALID : ST_E_SQL,
            st_stream_raw(s, Lang, "UPDATE notes SET body = 'x' RETURNING body, 1", .confined = true));
    ST_SESSION(s, w->e);
    ck_assert_ptr_null(st_stream(s, Note, NULL));
    CODE(st_session_error(s), ST_E_TENANT);
}

SESSION_TEST(queries_and_raw_sql_are_streamed_into_plain_structs)
{
    notes_put(w, tenant_a, NOTES);
    notes_put(w, tenant_b, 10);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    int n = 0;
    st_each_stream (Lang, x,
                    st_stream_read(s, Lang, Note, .where = ST_LIKE(Note, body, "%5"),
                                   .fields = ST_FIELDS(ST_FIELD(Lang, lang, ST_COL(Note, body)),
                                                       ST_FIELD(Lang, n, ST_CONST((int64_t)7))),
                                   .sort = ST_SORT(ST_UP(ST_COL(Note, body))), .batch = 9)) {
        is_note(&(const Note){.body = x->lang}, n++ * 10 + 5);
        ck_assert_int_eq(x->n, 7);
    }
    ck_assert_int_eq(n, 100);
    char from[] = "note 0000990";
    st_bytes bytes = {(const uint8_t *)from, sizeof from - 1};
    st_stream *st = st_stream_raw(s, Lang, "SELECT body, length($2) FROM notes WHERE body >= $1 ORDER BY body",
                                  .confined = true, ST_PARAMS(ST_V((const char *)from), ST_V(bytes)), .batch = 2);
    memset(from, 'z', sizeof from - 1); /* what it was given need not live longer than the call */
    const Lang *x = st_stream_next(st);
    ck_assert_ptr_nonnull(x);
    ck_assert_str_eq(x->lang, "note 0000990");
    ck_assert_int_eq(x->n, 12);
    for (n = 1; st_stream_next(st);) {
        n++;
    }
    ck_assert_int_eq(n, 10);
    st_stream_close(st);
    OK(st_session_error(s));
}

/* ---- objects of rows ---- */

SESSION_TEST(an_attached_row_is_the_sessions_object)
{
    notes_put(w, tenant_a, NOTES);
    (void)author_put(w, tenant_a, "Anna");
    (void)author_put(w, tenant_a, "Otto");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *otto = st_first(s, Author, ST_EQ(Author, name, "Otto"));
    const Author *anna = NULL;
    st_edit(s, otto)->email = "otto@example.org";
    st_each_stream (Author, x, st_stream(s, Author, NULL, .order = ST_ORDER(ST_ASC(Author, name)), .batch = 1)) {
        const Author *a = st_attach(s, Author, x);
        ck_assert_ptr_nonnull(a);
        ck_assert_ptr_ne(a, x);
        ck_assert_str_eq(a->name, x->name);
        if (!anna) {
            anna = a;
            st_edit(s, a)->born = (st_opt_int32){1900, true};
        } else {
            ck_assert_ptr_eq(a, otto);
            ck_assert_str_eq(a->email, "otto@example.org");
        }
        ck_assert_ptr_eq(st_attach(s, Author, x), a);
    }
    ck_assert_ptr_nonnull(anna);
    ck_assert_str_eq(anna->name, "Anna"); /* it lives on */
    ck_assert_ptr_eq(st_first(s, Author, ST_EQ(Author, name, "Anna")), anna);
    OK(st_commit(s));
    ST_SESSION(again, w->e, .tenant = tenant_a);
    const Author *a = st_first(again, Author, ST_EQ(Author, born, 1900));
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(a->version, 2);
}

SESSION_TEST(a_row_that_may_be_older_than_the_table_is_read_again_when_it_is_attached)
{
    (void)author_put(w, tenant_a, "Anna");
    (void)author_put(w, tenant_a, "Otto");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_stream *st = st_stream(s, Author, NULL, .order = ST_ORDER(ST_ASC(Author, name)));
    const Author *anna = st_stream_next(st);
    OK(st_update_where(s, Author, ST_EQ(Author, name, "Anna"), NULL, ST_SET(Author, email, "a@b")));
    OK(st_delete_where(s, Author, ST_EQ(Author, name, "Otto"), NULL));
    const Author *a = st_attach(s, Author, anna);
    ck_assert_ptr_nonnull(a);
    ck_assert_str_eq(a->email, "a@b");
    const Author *otto = st_stream_next(st);
    if (otto) { /* as it was when the stream was opened */
        ck_assert_ptr_null(st_attach(s, Author, otto));
    }
    OK(st_session_error(s));
    st_stream_close(st);
}

SESSION_TEST(a_row_of_a_stream_is_taken_for_no_object)
{
    (void)author_put(w, tenant_a, "Anna");
    for (int way = 0; way < 4; way++) {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        ST_SESSION(other, w->e, .tenant = tenant_a, .read_only = true);
        st_each_stream (Author, x, st_stream(s, Author, NULL)) {
            if (way == 0) {
                ck_assert_ptr_null(st_edit(s, x));
                ck_assert_ptr_nonnull(strstr(test_diag(), "st_attach"));
            } else if (way == 1) {
                CODE(st_delete(s, x), ST_E_INVALID);
            } else if (way == 2) {
                CODE(st_load(s, Author, x, books), ST_E_INVALID);
            } else {
                ck_assert_ptr_null(st_attach(other, Author, x));
                CODE(st_session_error(other), ST_E_INVALID);
            }
        }
    }
}

/* ---- cancellation, memory ---- */

static const char *endless(const struct world *w)
{
    return w->dialect == ST_POSTGRESQL
               ? "SELECT 'n'::text, i FROM generate_series(0::bigint, 100) i WHERE i < 10 OR pg_sleep(1000) IS NULL"
               : "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) "
                 "SELECT 'n', i FROM n WHERE i < 10 OR i < 0";
}

struct job {
    struct world *w;
    int n;
    st_err rc;
    int64_t deadline;
};

static int read_endless(void *arg)
{
    struct job *j = arg;
    ST_SESSION(s, j->w->e, .tenant = tenant_a, .deadline = j->deadline);
    st_each_stream (Lang, x, st_stream_raw(s, Lang, endless(j->w), .confined = true, .batch = 5)) {
        j->n += x->lang[0] == 'n';
    }
    j->rc = st_session_error(s);
    return 0;
}

SESSION_TEST(a_cancelled_fiber_and_a_deadline_leave_clean_connections)
{
    for (int way = 0; way < 2; way++) {
        struct job j = {.w = w, .deadline = way ? fiber_in_ms(150) : 0};
        {
            FIBER_BUNDLE(b);
            OK(fiber_start(&b, read_endless, &j));
            while (way == 0 && j.n < 10) {
                OK(fiber_sleep_until(fiber_in_ms(5)));
            }
            OK(way ? fiber_bundle_wait(&b, FIBER_FOREVER) : fiber_sleep_until(fiber_in_ms(50)));
        }
        ck_assert(way ? j.n <= 10 : j.n == 10); /* its time may be up sooner where all is slow */
        ck_assert_int_eq(j.rc, way ? -ETIMEDOUT : -ECANCELED);
        ck_assert_int_eq(authors_in(w, tenant_a), 0);
    }
    pool_is_clean(w);
}

static long resident_kib(void)
{
    char line[128] = "", *rest = line;
    FILE *f = fopen("/proc/self/statm", "re");
    ck_assert(f && fgets(line, sizeof line, f));
    (void)fclose(f);
    (void)strtol(line, &rest, 10); /* all of it, mapped or not */
    long pages = strtol(rest, NULL, 10);
    ck_assert_int_gt(pages, 0);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

SESSION_TEST(memory_does_not_grow_with_the_rows)
{
    enum { ROWS = 200000 };
    const char *sql = w->dialect == ST_POSTGRESQL
                          ? "SELECT repeat('x', 100), i FROM generate_series(0::bigint, $1 - 1) i"
                          : "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $1 - 1) "
                            "SELECT printf('%0100d', i), i FROM n";
    ST_SESSION(s, w->e, .tenant = tenant_a, .read_only = true);
    int64_t n = 0;
    long early = 0;
    st_each_stream (Lang, x, st_stream_raw(s, Lang, sql, .confined = true, ST_PARAMS(ST_V((int64_t)ROWS)))) {
        ck_assert_int_eq(x->n, n++);
        if (n == ROWS / 10) {
            early = resident_kib();
        }
    }
    OK(st_session_error(s));
    ck_assert_int_eq(n, ROWS);
    if (peak_slow() <= 1) { /* sanitizers keep what is freed */
        ck_assert_int_lt(resident_kib() - early, 2048);
    }
    ck_assert_uint_lt(arena_held(st_session_arena(s)), 65536);
}

SESSION_TEST(batches_are_measured_in_bytes)
{
    const char *sql = w->dialect == ST_POSTGRESQL
                          ? "SELECT repeat('x', 200000), i FROM generate_series(0::bigint, 40) i"
                          : "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 40) "
                            "SELECT printf('%0200000d', i), i FROM n";
    ST_SESSION(s, w->e, .tenant = tenant_a, .read_only = true);
    st_stream *st = st_stream_raw(s, Lang, sql, .confined = true);
    (void)st_stream_batch(st);
    for (st_rows rows; (rows = st_stream_batch(st)).n;) {
        ck_assert_uint_le(rows.n, 2);
    }
    OK(st_session_error(s));
    st_stream_close(st);
}

RUN("session_stream", 60, CASE(every_row_comes_once_and_in_order_whatever_the_batch),
    CASE(an_early_break_leaves_the_session_usable_and_the_connection_clean),
    CASE(the_session_does_other_work_between_the_rows), CASE(pending_work_is_flushed_by_the_opening),
    CASE(a_failure_in_the_middle_ends_the_loop_and_is_the_sessions), CASE(a_stream_ends_with_its_transaction),
    CASE(what_cannot_be_streamed_is_refused), CASE(queries_and_raw_sql_are_streamed_into_plain_structs),
    CASE(an_attached_row_is_the_sessions_object),
    CASE(a_row_that_may_be_older_than_the_table_is_read_again_when_it_is_attached),
    CASE(a_row_of_a_stream_is_taken_for_no_object), CASE(a_cancelled_fiber_and_a_deadline_leave_clean_connections),
    CASE(memory_does_not_grow_with_the_rows), CASE(batches_are_measured_in_bytes));
