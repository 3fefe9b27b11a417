/* Every allocation fails in turn, SQLite's own among them: an error comes back, nothing is half done, and the same
 * engine goes on afterwards. */
#include "engine_support.h"

typedef struct Row {
    int64_t id;
    const char *name;
    st_texts tags;
} Row;
static const struct st_field fields[] = {{.type = ST_INT64, .offset = offsetof(Row, id)},
                                         {.type = ST_TEXT, .offset = offsetof(Row, name)},
                                         {.type = ST_TEXTS, .offset = offsetof(Row, tags)}};
static const struct st_shape shape = {fields, 3, sizeof(Row), 16};

/* Another round prepares its statements anew. */
static st_err write_and_read(struct world *w, uint64_t round)
{
    static const char *const tags[] = {"a", "b\"c"};
    const Row rows[] = {{10, "ten", {tags, 2}}, {11, "eleven", {tags, 1}}};
    const void *const ptrs[] = {&rows[0], &rows[1]};
    const st_value values[] = {v_int(1), v_text("one"), {.type = ST_TEXTS, .texts = {tags, 2}}};
    bool pg = w->dialect == ST_POSTGRESQL;
    arena *a = arena_new(NULL, 0);
    if (!a) {
        return -ENOMEM;
    }
    st_conn *c;
    st_err rc = st_conn_acquire(w->e, true, FIBER_FOREVER, &c);
    if (rc) {
        arena_free(a);
        return rc;
    }
    struct st_stmt s[] = {
        {.sql = STR("BEGIN"), .id = round * 8 + 1},
        {.sql = pg ? STR("INSERT INTO t VALUES ($1, $2, $3)") : STR("INSERT INTO t VALUES (?1, ?2, ?3)"),
         .id = round * 8 + 2,
         .params = values,
         .n_params = 3},
        {.sql = STR("SELECT id, name, tags FROM t ORDER BY name"), .id = round * 8 + 3, .shape = &shape, .arena = a},
    };
    struct st_bulk b = {
        .sql = pg ? STR("INSERT INTO t SELECT a, b, c::text[] FROM unnest($1::int8[], $2::text[], $3::text[]"
                        ") AS u (a, b, c)")
                  : STR("INSERT INTO t VALUES (?1, ?2, ?3)"),
        .id = round * 8 + 4,
        .fields = fields,
        .n_fields = 3,
        .rows = ptrs,
        .n_rows = 2};
    struct st_stmt commit = {.sql = STR("COMMIT"), .id = round * 8 + 5};
    rc = st_conn_run(c, s, 3, FIBER_FOREVER, NULL);
    rc = rc ? rc : st_conn_bulk(c, &b, FIBER_FOREVER);
    rc = rc ? rc : st_conn_run(c, &commit, 1, FIBER_FOREVER, NULL);
    st_conn_release(c);
    arena_free(a);
    return rc;
}

static void start(struct world *w, enum st_dialect d)
{
    OK(st_sqlite_use_mem());
    world_open(w, d, &(const struct st_engine_options){.pool_size = 2});
    must(w, "CREATE TABLE t (id bigint PRIMARY KEY, name text, tags text[])");
}

static void every_statement_fails_in_turn(enum st_dialect d, uint64_t at_least)
{
    struct world w;
    start(&w, d);
    for (uint64_t n = 1;; n++) {
        mem_fail_at(n, false);
        st_err rc = write_and_read(&w, n);
        bool reached = mem_fail_seen() >= n;
        mem_fail_at(0, false);
        ck_assert_msg(!rc || rc == -ENOMEM, "allocation %d: %d: %s", (int)n, rc, test_diag());
        ck_assert_int_eq(number(&w, "SELECT count(*) FROM t"), rc ? 0 : 3);
        must(&w, "DELETE FROM t");
        if (!reached) {
            ck_assert_uint_gt(n, at_least);
            break;
        }
    }
    world_close(&w);
}

START_TEST(every_allocation_of_a_transaction_may_fail_on_sqlite)
{
    every_statement_fails_in_turn(ST_SQLITE, 50);
}
END_TEST

START_TEST(every_allocation_of_a_transaction_may_fail_on_postgresql)
{
    every_statement_fails_in_turn(ST_POSTGRESQL, 5);
}
END_TEST

static void opening(enum st_dialect d, uint64_t at_least)
{
    struct world w;
    start(&w, d);
    for (uint64_t n = 1;; n++) {
        st_engine *e = NULL;
        mem_fail_at(n, false);
        st_err rc = st_engine_open(w.url, NULL, &e);
        rc = rc ? rc : st_engine_ping(e, FIBER_FOREVER);
        st_engine_close(e);
        bool reached = mem_fail_seen() >= n;
        mem_fail_at(0, false);
        ck_assert_msg(!rc || rc == -ENOMEM, "allocation %d: %d: %s", (int)n, rc, test_diag());
        if (!reached) {
            OK(rc);
            ck_assert_uint_gt(n, at_least);
            break;
        }
    }
    world_close(&w);
}

START_TEST(every_allocation_of_opening_may_fail_on_sqlite)
{
    opening(ST_SQLITE, 50);
}
END_TEST

START_TEST(every_allocation_of_opening_may_fail_on_postgresql)
{
    opening(ST_POSTGRESQL, 20);
}
END_TEST

START_TEST(memory_that_stays_out_is_survived)
{
    for (enum st_dialect d = ST_SQLITE; d <= ST_POSTGRESQL; d++) {
        struct world w;
        if (d == ST_SQLITE) {
            start(&w, d);
        } else {
            world_open(&w, d, NULL);
            must(&w, "CREATE TABLE t (id bigint PRIMARY KEY, name text, tags text[])");
        }
        for (uint64_t n = 1; n < 60; n++) {
            mem_fail_at(n, true);
            st_err rc = write_and_read(&w, n);
            mem_fail_at(0, false);
            if (!rc) {
                must(&w, "DELETE FROM t");
            }
        }
        OK(write_and_read(&w, 99));
        ck_assert_int_eq(number(&w, "SELECT count(*) FROM t"), 3);
        world_close(&w);
    }
}
END_TEST

RUN("engine_faults", 60, CASE(every_allocation_of_a_transaction_may_fail_on_sqlite),
    CASE(every_allocation_of_a_transaction_may_fail_on_postgresql),
    CASE(every_allocation_of_opening_may_fail_on_sqlite), CASE(every_allocation_of_opening_may_fail_on_postgresql),
    CASE(memory_that_stays_out_is_survived));
