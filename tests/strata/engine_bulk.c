/* Many rows at once. */
#include "base/buf.h"
#include "engine_support.h"

static ST_ENUM_DEFINE(colour, "red", "green", "blue");

typedef struct Row {
    int64_t id;
    const char *name;
    st_uuid uuid;
    st_opt_time seen;
    st_texts tags;
    st_uuids refs;
    st_json data;
    st_bytes bytes;
    st_opt_double score;
    bool ok;
    unsigned e, small;
    int16_t i16;
    int32_t i32;
} Row;

#define F(m, t, ...)                                         \
    {                                                        \
        .type = (t), .offset = offsetof(Row, m), __VA_ARGS__ \
    }
static const struct st_field fields[] = {
    F(id, ST_INT64),
    F(name, ST_TEXT),
    F(uuid, ST_UUID),
    F(seen, ST_TIME, .nullable = true),
    F(tags, ST_TEXTS, .nullable = true),
    F(refs, ST_UUIDS),
    F(data, ST_JSON, .nullable = true),
    F(bytes, ST_BYTES, .nullable = true),
    F(score, ST_DOUBLE, .nullable = true),
    F(ok, ST_BOOL),
    F(e, ST_ENUM, .of = &colour),
    F(small, ST_ENUM, .of = &colour, .as_smallint = true),
    F(i16, ST_INT16),
    F(i32, ST_INT32),
};
enum { N_FIELDS = sizeof fields / sizeof *fields };
#define COLUMNS "id, name, uuid, seen, tags, refs, data, bytes, score, ok, e, small, i16, i32"

static void create(struct world *w)
{
    const char *sql =
        w->dialect == ST_POSTGRESQL
            ? "CREATE TABLE t (id bigint PRIMARY KEY, name text UNIQUE, uuid uuid, seen timestamptz, tags text[], "
              "refs uuid[], data jsonb, bytes bytea, score float8, ok boolean, e text, small smallint, "
              "i16 smallint CHECK (i16 >= 0), i32 integer)"
            : "CREATE TABLE t (id integer PRIMARY KEY, name text UNIQUE, uuid blob, seen integer, tags text, "
              "refs text, data text, bytes blob, score real, ok integer, e text, small integer, "
              "i16 integer CHECK (i16 >= 0), i32 integer)";
    OK(st_engine_execute(w->e, sql, FIBER_FOREVER));
}

/* As the query compiler spells it; conflict is what stands behind the rows. */
static str insert_sql(struct world *w, const char *conflict)
{
    BUF_AUTO buf sql;
    buf_init(&sql, 4096);
    buf_puts(&sql, "INSERT INTO t (" COLUMNS ") ");
    if (w->dialect == ST_SQLITE) {
        buf_puts(&sql, "VALUES (?1");
        for (int i = 2; i <= N_FIELDS; i++) {
            buf_printf(&sql, ", ?%d", i);
        }
        buf_puts(&sql, ") ");
    } else {
        buf_puts(&sql, "SELECT ");
        for (int i = 0; i < N_FIELDS; i++) {
            buf_printf(&sql, "%su.c%d%s", i ? ", " : "", i, st_bulk_cast(&fields[i]));
        }
        buf_puts(&sql, " FROM unnest(");
        for (int i = 0; i < N_FIELDS; i++) {
            buf_printf(&sql, "%s$%d::%s", i ? ", " : "", i + 1, st_bulk_array(&fields[i]));
        }
        buf_puts(&sql, ") AS u (");
        for (int i = 0; i < N_FIELDS; i++) {
            buf_printf(&sql, "%sc%d", i ? ", " : "", i);
        }
        buf_puts(&sql, ") ");
    }
    buf_puts(&sql, conflict);
    OK(sql.err);
    return str_n(arena_memdup0(w->a, sql.p, sql.len), sql.len);
}

static const void **make_rows(struct world *w, size_t n, int64_t first_id)
{
    static const char *const tags[] = {"a,b", "c\"d\\e", "{}", "NULL", "", "ü ☃"};
    const void **rows = ARENA_ARRAY(w->a, const void *, n);
    Row *r = ARENA_ARRAY(w->a, Row, n);
    for (size_t i = 0; i < n; i++, r++) {
        int64_t id = first_id + (int64_t)i;
        *r = (Row){.id = id,
                   .name = arena_printf(w->a, "row %lld ü", (long long)id),
                   .i16 = 5,
                   .i32 = -7,
                   .ok = i % 2 == 0,
                   .e = (unsigned)(i % 3),
                   .small = (unsigned)(i % 3)};
        r->uuid.b[15] = (uint8_t)i;
        if (i % 2) {
            r->seen = (st_opt_time){{1763832000000000 + id}, true};
            r->tags = (st_texts){tags, 6};
            r->refs = (st_uuids){&r->uuid, 1};
            r->data = (st_json){"{\"k\": \"v\"}"};
            r->bytes = (st_bytes){(const uint8_t *)"\0\1\2", 3};
            r->score = (st_opt_double){0.5, true};
        }
        rows[i] = r;
    }
    return rows;
}

static st_err bulk(struct world *w, struct st_bulk *b, const void *const *rows, size_t n)
{
    b->fields = fields;
    b->n_fields = N_FIELDS;
    b->rows = rows;
    b->n_rows = n;
    b->id = id_of(b->sql);
    b->id_update = id_of(b->sql_update);
    st_conn *c;
    st_err rc = st_conn_acquire(w->e, true, FIBER_FOREVER, &c);
    if (rc) {
        return rc;
    }
    rc = st_conn_bulk(c, b, fiber_in_ms(30000));
    st_conn_release(c);
    return rc;
}

static struct st_bulk upsert(struct world *w)
{
    bool pg = w->dialect == ST_POSTGRESQL;
    struct st_bulk b = {.upsert = true};
    b.sql = insert_sql(w, pg ? "ON CONFLICT (id) DO UPDATE SET i32 = excluded.i32 RETURNING (xmax = 0)"
                             : "ON CONFLICT (id) DO NOTHING");
    if (!pg) {
        b.sql_update = STR("UPDATE t SET i32 = ?14 WHERE id = ?1");
    }
    return b;
}

static int check_row(void *arg, void *obj)
{
    const Row *r = obj;
    const Row *want = ((const Row *const *)arg)[r->id];
    ck_assert_str_eq(r->name, want->name);
    ck_assert(uuid_eq(r->uuid, want->uuid));
    ck_assert(r->seen.set == want->seen.set && r->seen.v.us == want->seen.v.us);
    ck_assert_int_eq(r->tags.v != NULL, want->tags.v != NULL);
    ck_assert_uint_eq(r->tags.n, want->tags.n);
    for (size_t i = 0; i < r->tags.n; i++) {
        ck_assert_str_eq(r->tags.v[i], want->tags.v[i]);
    }
    ck_assert_uint_eq(r->refs.n, want->refs.n);
    ck_assert(r->refs.n == 0 || uuid_eq(r->refs.v[0], want->refs.v[0]));
    ck_assert_int_eq(r->data.text != NULL, want->data.text != NULL);
    ck_assert(r->bytes.len == want->bytes.len &&
              memcmp(r->bytes.p ? r->bytes.p : (const uint8_t *)"", want->bytes.p ? want->bytes.p : (const uint8_t *)"",
                     r->bytes.len) == 0);
    ck_assert(r->score.set == want->score.set && r->ok == want->ok && r->e == want->e && r->small == want->small);
    ck_assert(r->i16 == want->i16 && r->i32 == want->i32);
    return 0;
}

DB_TEST(every_type_goes_in_by_thousands)
{
    create(w);
    enum { N = 12000 };
    const void **rows = make_rows(w, N, 0);
    struct st_bulk b = {.sql = insert_sql(w, "")};
    OK(bulk(w, &b, rows, N));
    ck_assert_int_eq(b.inserted, N);
    ck_assert_int_eq(b.updated, 0);
    static const struct st_shape shape = {fields, N_FIELDS, sizeof(Row), 0};
    st_conn *c;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    struct st_stmt s = {
        .sql = STR("SELECT " COLUMNS " FROM t"), .shape = &shape, .arena = w->a, .row = check_row, .arg = rows};
    OK(st_conn_run(c, &s, 1, FIBER_FOREVER, NULL));
    ck_assert_int_eq(s.affected, N);
    st_conn_release(c);
}

DB_TEST(an_upsert_tells_new_rows_from_those_that_were_there)
{
    create(w);
    struct st_bulk b = upsert(w);
    OK(bulk(w, &b, make_rows(w, 700, 0), 700));
    ck_assert(b.inserted == 700 && b.updated == 0);
    OK(bulk(w, &b, make_rows(w, 1000, 500), 1000));
    ck_assert_int_eq(b.inserted, 800);
    ck_assert_int_eq(b.updated, 200);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM t"), 1500);
}

DB_TEST(rows_that_were_there_may_be_left_alone)
{
    create(w);
    struct st_bulk b = {.sql = insert_sql(w, "ON CONFLICT DO NOTHING")};
    OK(bulk(w, &b, make_rows(w, 10, 0), 10));
    OK(bulk(w, &b, make_rows(w, 10, 5), 10));
    ck_assert(b.inserted == 5 && b.updated == 5);
}

DB_TEST(a_bad_row_undoes_all)
{
    create(w);
    const void **rows = make_rows(w, 9000, 0);
    ((Row *)(uintptr_t)rows[8000])->i16 = -1;
    struct st_bulk b = {.sql = insert_sql(w, "")};
    CODE(bulk(w, &b, rows, 9000), ST_E_CHECK);
    ck_assert(b.inserted == 0 && b.updated == 0);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM t"), 0);
    ((Row *)(uintptr_t)rows[8000])->i16 = 1;
    ((Row *)(uintptr_t)rows[8000])->e = 17;
    CODE(bulk(w, &b, rows, 9000), ST_E_INVALID);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "row 8001 of 9000"));
    ck_assert_int_eq(number(w, "SELECT count(*) FROM t"), 0);
    ((Row *)(uintptr_t)rows[8000])->e = 1;
    OK(bulk(w, &b, rows, 9000));
}

DB_TEST(within_a_transaction_rows_stay_only_when_it_commits)
{
    create(w);
    st_conn *c;
    OK(st_conn_acquire(w->e, true, FIBER_FOREVER, &c));
    for (int commit = 0; commit < 2; commit++) {
        OK(st_conn_exec(c, "BEGIN", FIBER_FOREVER));
        struct st_bulk b = {.sql = insert_sql(w, ""),
                            .fields = fields,
                            .n_fields = N_FIELDS,
                            .rows = make_rows(w, 10, 0),
                            .n_rows = 10};
        OK(st_conn_bulk(c, &b, FIBER_FOREVER));
        ck_assert(st_conn_in_transaction(c));
        OK(st_conn_exec(c, commit ? "COMMIT" : "ROLLBACK", FIBER_FOREVER));
        ck_assert_int_eq(number_on(w, c, "SELECT count(*) FROM t"), commit ? 10 : 0);
    }
    struct st_bulk none = {.sql = insert_sql(w, ""), .fields = fields, .n_fields = N_FIELDS};
    OK(st_conn_bulk(c, &none, FIBER_FOREVER));
    ck_assert_int_eq(none.inserted, 0);
    st_conn_release(c);
}

struct cut {
    struct world *w;
    const void **rows;
    size_t n;
    st_err rc;
};
static int insert_rows(void *arg)
{
    struct cut *c = arg;
    struct st_bulk b = {.sql = insert_sql(c->w, "")};
    c->rc = bulk(c->w, &b, c->rows, c->n);
    return 0;
}

/* Late in the day nobody can know whether it was committed; but it is all or nothing, whenever the cut comes. */
DB_TEST(a_cancelled_bulk_is_all_or_nothing)
{
    create(w);
    enum { N = 20000 };
    struct cut c = {.w = w, .rows = make_rows(w, N, 0), .n = N};
    int cut = 0;
    for (int i = 0; i < 20; i++) {
        {
            FIBER_BUNDLE(b);
            OK(fiber_start(&b, insert_rows, &c));
            OK(fiber_sleep_until(fiber_now() + (int64_t)i * 3000000));
        }
        int64_t there = number(w, "SELECT count(*) FROM t");
        ck_assert_msg(c.rc == 0 || c.rc == -ECANCELED, "%d: %s", c.rc, test_diag());
        ck_assert_msg(there == 0 || there == N, "%d rows of %d", (int)there, N);
        ck_assert(c.rc != 0 || there == N);
        cut += c.rc != 0;
        must(w, "DELETE FROM t");
    }
    ck_assert_int_gt(cut, 1);
    struct st_bulk b = {.sql = insert_sql(w, "")};
    OK(bulk(w, &b, make_rows(w, 10, 0), 10));
}

START_TEST(postgresql_prepares_again_after_foreign_changes)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    create(&w);
    struct st_bulk b = upsert(&w);
    OK(bulk(&w, &b, make_rows(&w, 6000, 0), 6000));
    must(&w, "DISCARD ALL");
    OK(bulk(&w, &b, make_rows(&w, 6000, 3000), 6000));
    ck_assert(b.inserted == 3000 && b.updated == 3000);
    world_close(&w);
}
END_TEST

RUN("engine_bulk", 60, CASE(every_type_goes_in_by_thousands), CASE(an_upsert_tells_new_rows_from_those_that_were_there),
    CASE(rows_that_were_there_may_be_left_alone), CASE(a_bad_row_undoes_all),
    CASE(within_a_transaction_rows_stay_only_when_it_commits), CASE(a_cancelled_bulk_is_all_or_nothing),
    CASE(postgresql_prepares_again_after_foreign_changes));
