/* Every type goes in and comes out the same. */
#include "engine_support.h"

#include <float.h>
#include <math.h>

static ST_ENUM_DEFINE(colour, "red", "green", "blue");

typedef struct Row {
    int32_t key;
    bool b;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    double d;
    const char *text;
    st_uuid uuid;
    st_time time;
    st_bytes bytes;
    st_json json;
    st_texts texts;
    st_uuids uuids;
    unsigned e, e_small;
} Row;

typedef struct Nullable {
    int32_t key;
    st_opt_bool b;
    st_opt_int16 i16;
    st_opt_int32 i32;
    st_opt_int64 i64;
    st_opt_double d;
    const char *text;
    st_opt_uuid uuid;
    st_opt_time time;
    st_bytes bytes;
    st_json json;
    st_texts texts;
    st_uuids uuids;
    st_opt_enum e, e_small;
} Nullable;

#define F(T, m, t, ...)                                    \
    {                                                      \
        .type = (t), .offset = offsetof(T, m), __VA_ARGS__ \
    }
#define FIELDS(T, null)                                                                             \
    F(T, key, ST_INT32), F(T, b, ST_BOOL, .nullable = null), F(T, i16, ST_INT16, .nullable = null), \
        F(T, i32, ST_INT32, .nullable = null), F(T, i64, ST_INT64, .nullable = null),               \
        F(T, d, ST_DOUBLE, .nullable = null), F(T, text, ST_TEXT, .nullable = null),                \
        F(T, uuid, ST_UUID, .nullable = null), F(T, time, ST_TIME, .nullable = null),               \
        F(T, bytes, ST_BYTES, .nullable = null), F(T, json, ST_JSON, .nullable = null),             \
        F(T, texts, ST_TEXTS, .nullable = null), F(T, uuids, ST_UUIDS, .nullable = null),           \
        F(T, e, ST_ENUM, .nullable = null, .of = &colour),                                          \
        F(T, e_small, ST_ENUM, .nullable = null, .of = &colour, .as_smallint = true)

enum { N_FIELDS = 15, HEAD = 32 };
static const struct st_field row_fields[] = {FIELDS(Row, false)};
static const struct st_field nullable_fields[] = {FIELDS(Nullable, true)};
static const struct st_shape row_shape = {row_fields, N_FIELDS, sizeof(Row), HEAD};
static const struct st_shape nullable_shape = {nullable_fields, N_FIELDS, sizeof(Nullable), HEAD};

#define COLUMNS "key, b, i16, i32, i64, d, t, u, ts, by, j, tx, us, e, es"

static void create(struct world *w)
{
    must(w, "CREATE TABLE t (key integer, b boolean, i16 smallint, i32 integer, i64 bigint, d double precision, t text,"
            " u uuid, ts timestamptz, by bytea, j jsonb, tx text[], us uuid[], e text, es smallint)");
}

static void insert(struct world *w, const struct st_field *fields, const void *obj)
{
    st_value values[N_FIELDS];
    for (int i = 0; i < N_FIELDS; i++) {
        st_field_get(&fields[i], obj, &values[i]);
    }
    int64_t n;
    OK(run_one(w, "INSERT INTO t (" COLUMNS ") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)", values,
               N_FIELDS, &n));
    ck_assert_int_eq(n, 1);
}

struct taken {
    const void *row[64];
    int n;
};
static int take(void *arg, void *obj)
{
    struct taken *t = arg;
    for (int i = 0; i < HEAD; i++) {
        ck_assert_int_eq(((const char *)obj - HEAD)[i], 0); /* the head is zeroed */
    }
    t->row[t->n++] = obj;
    return 1;
}

static st_err load_as(struct world *w, const struct st_shape *shape, const char *sql, struct taken *ret)
{
    *ret = (struct taken){0};
    st_conn *c;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    struct st_stmt s = {.sql = sql_for(w, sql), .shape = shape, .arena = w->a, .row = take, .arg = ret};
    s.id = id_of(s.sql);
    st_err rc = st_conn_run(c, &s, 1, FIBER_FOREVER, NULL);
    st_conn_release(c);
    return rc;
}

static const void *load_one(struct world *w, const struct st_shape *shape)
{
    struct taken t;
    OK(load_as(w, shape, "SELECT " COLUMNS " FROM t", &t));
    ck_assert_int_eq(t.n, 1);
    return t.row[0];
}

static const st_uuid some_uuid = {{0, 1, 2, 3, 4, 5, 0x76, 7, 0x88, 9, 10, 11, 12, 13, 14, 255}};

static Row example(void)
{
    static const uint8_t bytes[] = {0, 1, 255, 0};
    static const char *const texts[] = {"",        "a,b",  "quo\"te",   "back\\slash",
                                        "{brace}", "NULL", "näïve ☃ 𝄞", "line\nbreak"};
    static st_uuid uuids[2];
    uuids[0] = some_uuid;
    return (Row){.key = 1,
                 .b = true,
                 .i16 = -5,
                 .i32 = 70000,
                 .i64 = -5000000000,
                 .d = 0.1,
                 .text = "Grüße, 世界 𝄞",
                 .uuid = some_uuid,
                 .time = {1763832000123456},
                 .bytes = {bytes, sizeof bytes},
                 .json = {"{\"a\": [1, \"ü\"]}"},
                 .texts = {texts, 8},
                 .uuids = {uuids, 2},
                 .e = 2,
                 .e_small = 1};
}

static void same(const Row *a, const Row *b)
{
    ck_assert_int_eq(a->key, b->key);
    ck_assert_int_eq(a->b, b->b);
    ck_assert_int_eq(a->i16, b->i16);
    ck_assert_int_eq(a->i32, b->i32);
    ck_assert_int_eq(a->i64, b->i64);
    ck_assert_double_eq(a->d, b->d);
    ck_assert_str_eq(a->text, b->text);
    ck_assert(uuid_eq(a->uuid, b->uuid));
    ck_assert_int_eq(a->time.us, b->time.us);
    ck_assert_uint_eq(a->bytes.len, b->bytes.len);
    ck_assert(memcmp(a->bytes.p, b->bytes.p, a->bytes.len) == 0);
    ck_assert_str_eq(a->json.text, b->json.text);
    ck_assert_uint_eq(a->texts.n, b->texts.n);
    for (size_t i = 0; i < a->texts.n; i++) {
        ck_assert_str_eq(a->texts.v[i], b->texts.v[i]);
    }
    ck_assert_uint_eq(a->uuids.n, b->uuids.n);
    ck_assert(a->uuids.n == 0 || memcmp(a->uuids.v, b->uuids.v, a->uuids.n * sizeof(st_uuid)) == 0);
    ck_assert_uint_eq(a->e, b->e);
    ck_assert_uint_eq(a->e_small, b->e_small);
}

DB_TEST(every_type_comes_back_as_it_went_in)
{
    create(w);
    Row r = example();
    insert(w, row_fields, &r);
    same(&r, load_one(w, &row_shape));
}

DB_TEST(extremes_come_back)
{
    create(w);
    Row low = {.key = INT32_MIN,
               .i16 = INT16_MIN,
               .i32 = INT32_MIN,
               .i64 = INT64_MIN,
               .d = -DBL_MAX,
               .text = "",
               .time = {-62135596800000000},
               .bytes = {(const uint8_t *)"", 0},
               .json = {"0"}}; /* year 1 */
    insert(w, row_fields, &low);
    const Row *got = load_one(w, &row_shape);
    same(&low, got);
    ck_assert_ptr_nonnull(got->bytes.p);
    ck_assert_ptr_nonnull(got->texts.v); /* an empty array is not null */
    must(w, "DELETE FROM t");
    Row high = example();
    high.i16 = INT16_MAX, high.i32 = INT32_MAX, high.i64 = INT64_MAX, high.d = DBL_MIN, high.time.us = INT64_MAX;
    insert(w, row_fields, &high); /* PostgreSQL stores the end of time as infinity */
    same(&high, load_one(w, &row_shape));
}

DB_TEST(nulls_come_back_in_every_nullable_type)
{
    create(w);
    Nullable empty = {.key = 3};
    insert(w, nullable_fields, &empty);
    const Nullable *n = load_one(w, &nullable_shape);
    ck_assert(!n->b.set && !n->i16.set && !n->i32.set && !n->i64.set && !n->d.set && !n->uuid.set && !n->time.set &&
              !n->e.set && !n->e_small.set);
    ck_assert(!n->text && !n->bytes.p && !n->json.text && !n->texts.v && !n->uuids.v);
    ck_assert_int_eq(number(w, "SELECT count(*) FROM t WHERE b IS NULL AND i16 IS NULL AND i32 IS NULL AND i64 IS NULL "
                               "AND d IS NULL AND t IS NULL AND u IS NULL AND ts IS NULL AND by IS NULL AND j IS NULL "
                               "AND tx IS NULL AND us IS NULL AND e IS NULL AND es IS NULL"),
                     1);
}

DB_TEST(nullable_types_hold_values_too)
{
    create(w);
    Row r = example();
    insert(w, row_fields, &r);
    const Nullable *n = load_one(w, &nullable_shape);
    ck_assert(n->b.set && n->b.v && n->i16.set && n->i16.v == r.i16 && n->i32.set && n->i32.v == r.i32);
    ck_assert(n->i64.set && n->i64.v == r.i64 && n->d.set && fabs(n->d.v - 0.1) < 1e-12);
    ck_assert(n->uuid.set && uuid_eq(n->uuid.v, r.uuid) && n->time.set && n->time.v.us == r.time.us);
    ck_assert(n->e.set && n->e.v == 2 && n->e_small.set && n->e_small.v == 1);
    ck_assert_str_eq(n->text, r.text);
}

DB_TEST(what_the_member_cannot_hold_is_an_error_that_names_the_column)
{
    create(w);
    struct taken t;
    must(w, "INSERT INTO t (key) VALUES (1)");
    CODE(load_as(w, &row_shape, "SELECT " COLUMNS " FROM t", &t), ST_E_SCHEMA);
    ck_assert_str_eq(diag_last()->column, "b");
    CODE(load_as(w, &nullable_shape, "SELECT key, b FROM t WHERE 1 = 1", &t), ST_E_SCHEMA);
    static const struct st_field fields[] = {{.type = ST_ENUM, .of = &colour}};
    static const struct st_shape shape = {fields, 1, sizeof(unsigned), 0};
    CODE(load_as(w, &shape, "SELECT 'violet' AS shade FROM t WHERE 2 = 2", &t), ST_E_SCHEMA);
    ck_assert_str_eq(diag_last()->column, "shade");
    CODE(load_as(w, &shape, "SELECT CAST(3 AS smallint) AS shade FROM t WHERE 3 = 3", &t), ST_E_SCHEMA);
    static const struct st_field small[] = {{.type = ST_INT16}};
    static const struct st_shape small_shape = {small, 1, sizeof(int16_t), 0};
    CODE(load_as(w, &small_shape, "SELECT 40000 AS big FROM t WHERE 4 = 4", &t), ST_E_SCHEMA);
    ck_assert_str_eq(diag_last()->column, "big");
}

DB_TEST(a_value_without_a_place_in_its_enum_is_refused_before_it_is_sent)
{
    create(w);
    st_value v = {.type = ST_ENUM, .e = {3, &colour}};
    CODE(run_one(w, "INSERT INTO t (e) VALUES ($1)", &v, 1, NULL), ST_E_INVALID);
    ck_assert_ptr_nonnull(strstr(diag_last()->message, "colour"));
    ck_assert_int_eq(number(w, "SELECT count(*) FROM t"), 0);
}

static int drop_odd(void *arg, void *obj)
{
    struct taken *t = arg;
    const Row *r = obj;
    if (r->key % 2) {
        return 0;
    }
    t->row[t->n++] = obj;
    return 1;
}

DB_TEST(rows_that_nobody_keeps_give_their_memory_to_the_next)
{
    create(w);
    for (int i = 0; i < 20; i++) {
        Row r = example();
        r.key = i;
        insert(w, row_fields, &r);
    }
    struct taken t = {0};
    st_conn *c;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    for (int stream = 0; stream < 2; stream++) {
        t.n = 0;
        struct st_stmt s = {.sql = sql_for(w, "SELECT " COLUMNS " FROM t ORDER BY key"),
                            .shape = &row_shape,
                            .arena = w->a,
                            .row = drop_odd,
                            .arg = &t,
                            .stream = stream == 1};
        OK(st_conn_run(c, &s, 1, FIBER_FOREVER, NULL));
        ck_assert_int_eq(s.affected, 20);
        ck_assert_int_eq(t.n, 10);
        for (int i = 0; i < 10; i++) {
            Row want = example();
            want.key = 2 * i;
            same(&want, t.row[i]);
        }
    }
    st_conn_release(c);
    must(w, "DELETE FROM t");
}

static int keep_none(void *arg, void *obj)
{
    (void)arg;
    (void)obj;
    return 0;
}

DB_TEST(a_stream_of_dropped_rows_takes_constant_memory)
{
    static const struct st_field fields[] = {{.type = ST_INT64}, {.type = ST_TEXT, .offset = 8}};
    static const struct st_shape shape = {fields, 2, 16, 0};
    arena *a = arena_new(NULL, 512 * 1024);
    st_conn *c;
    OK(st_conn_acquire(w->e, false, FIBER_FOREVER, &c));
    struct st_stmt s = {.sql =
                            sql_for(w, "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM n"
                                       " WHERE i < 20000) SELECT i, substr('"
                                       "0123456789012345678901234567890123456789"
                                       "', 1, CAST(i % 40 AS integer)) FROM n"),
                        .shape = &shape,
                        .arena = a,
                        .row = keep_none,
                        .stream = true};
    OK(st_conn_run(c, &s, 1, FIBER_FOREVER, NULL));
    ck_assert_int_eq(s.affected, 20000);
    ck_assert_uint_lt(arena_held(a), 64 * 1024);
    st_conn_release(c);
    arena_free(a);
}

START_TEST(postgresql_types_without_a_reading_are_refused_by_name)
{
    struct world w;
    world_open(&w, ST_POSTGRESQL, NULL);
    must(&w, "CREATE TYPE mood AS ENUM ('red', 'blue')");
    static const struct st_field one[] = {
        {.type = ST_TEXTS}, {.type = ST_UUIDS}, {.type = ST_INT64}, {.type = ST_ENUM, .of = &colour}};
    static const struct {
        int field;
        st_err want;
        const char *sql;
    } cases[] = {{0, ST_E_SCHEMA, "SELECT ARRAY[['a'], ['b']] AS c"},
                 {0, 0, "SELECT ARRAY['a', NULL] AS c"},
                 {1, ST_E_SCHEMA, "SELECT ARRAY[NULL]::uuid[] AS c"},
                 {2, ST_E_SCHEMA, "SELECT 1::numeric AS c"},
                 {2, ST_E_SCHEMA, "SELECT 'x'::text AS c"},
                 {2, 0, "SELECT 5::smallint AS c"},
                 {3, 0, "SELECT 'blue'::mood AS c"}}; /* enums of the server's own are read by name */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct st_shape one_shape = {&one[cases[i].field], 1, 16, HEAD};
        struct taken t;
        CODE(load_as(&w, &one_shape, cases[i].sql, &t), cases[i].want);
        ck_assert_str_eq(cases[i].want ? diag_last()->column : "c", "c");
    }
    world_close(&w);
}
END_TEST

RUN("engine_types", 60, CASE(every_type_comes_back_as_it_went_in), CASE(extremes_come_back),
    CASE(nulls_come_back_in_every_nullable_type), CASE(nullable_types_hold_values_too),
    CASE(what_the_member_cannot_hold_is_an_error_that_names_the_column),
    CASE(a_value_without_a_place_in_its_enum_is_refused_before_it_is_sent),
    CASE(rows_that_nobody_keeps_give_their_memory_to_the_next), CASE(a_stream_of_dropped_rows_takes_constant_memory),
    CASE(postgresql_types_without_a_reading_are_refused_by_name));
