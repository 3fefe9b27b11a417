/* The text of queries of select.h, without a database: every source confined, every value a parameter, every shape
 * compiled once. */
#include "strata/query/statement.h"

#include "base/mem.h"
#include "query_support.h"
#include "strata/query/raw.h"

struct rig {
    arena *a;
    struct st_scope scope;
    struct st_compiler c;
    struct st_stmt s;
};

static void rig_open(struct rig *r, enum st_dialect dialect)
{
    *r = (struct rig){.a = arena_new(NULL, 0), .scope = {.tenant = tenant_a}};
    st_registry *reg;
    OK(st_registry_new(r->a, dialect, &reg));
    r->c = (struct st_compiler){.reg = reg, .scope = &r->scope, .scratch = r->a};
}

static st_err compile(struct rig *r, const struct st_read *q)
{
    return st_compile_read(&r->c, &(const struct st_reading){.q = q, .what = ST_READ_ONE}, &r->s);
}
static const char *text(struct rig *r, const struct st_read *q)
{
    OK(compile(r, q));
    return r->s.sql.p;
}

START_TEST(each_source_has_the_tenant)
{
    struct rig r;
    rig_open(&r, ST_POSTGRESQL);
    ck_assert_str_eq(
        text(&r, ST_READ(Author, .joins = ST_JOINS(ST_LEFT_ALONG(Author, books, Book, ST_GT(Book, sold, 1))),
                         .where = ST_EXISTS(Note, .where = ST_EQ_COL(Note, body, Author, name)))),
        "SELECT 1 FROM \"authors\" AS \"t1\" LEFT JOIN \"books\" AS \"t2\" ON \"t2\".\"author_id\" = \"t1\".\"id\" AND "
        "\"t2\".\"tenant_id\" = \"t1\".\"tenant_id\" AND (\"t2\".\"tenant_id\" = $1 AND \"t2\".\"sold\" > $2) WHERE "
        "(\"t1\".\"tenant_id\" = $3 AND EXISTS (SELECT 1 FROM \"notes\" AS \"t3\" WHERE (\"t3\".\"tenant_id\" = $4 AND "
        "\"t3\".\"body\" = \"t1\".\"name\")))");
    ck_assert_uint_eq(r.s.n_params, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert(i == 1 || uuid_eq(r.s.params[i].uuid, tenant_a));
    }
    const st_mapper *notes;
    OK(st_registry_mapper(r.c.reg, &Note_model, &notes));
    OK(st_compile_delete_where(&r.c, notes, ST_EXISTS(Book, .where = ST_EQ_COL(Book, title, Note, body)), &r.s));
    ck_assert_str_eq(r.s.sql.p,
                     "DELETE FROM \"notes\" WHERE (\"tenant_id\" = $1 AND EXISTS (SELECT 1 FROM \"books\" AS \"t1\" "
                     "WHERE (\"t1\".\"tenant_id\" = $2 AND \"t1\".\"title\" = \"notes\".\"body\")))");
    arena_free(r.a);
}
END_TEST

START_TEST(a_shape_of_a_query_is_compiled_once)
{
    struct rig r;
    rig_open(&r, ST_SQLITE);
    const char *first = NULL;
    for (int i = 0; i < 3; i++) {
        const char *sql = text(&r, ST_READ(Book, .where = ST_GT(Book, sold, i), .limit = (uint64_t)i + 1,
                                           .having = ST_T_GT(ST_PLUS(ST_COUNT_ALL, ST_CONST((int64_t)i)), i),
                                           .group_by = ST_TERMS(ST_JSON_TEXT(Book, book_metadata, "a"))));
        first = first ? first : sql;
        ck_assert_ptr_eq(sql, first);
        ck_assert_uint_eq(r.c.reg->n_plans, 1);
        ck_assert_int_eq(r.s.params[1].i64, i);
    }
    ck_assert_ptr_ne(text(&r, ST_READ(Book, .where = ST_GE(Book, sold, 1))), first);
    ck_assert_ptr_ne(text(&r, ST_READ(Sequel, .where = ST_GE(Sequel, sold, 1), .distinct = true)), first);
    ck_assert_uint_eq(r.c.reg->n_plans, 3);
    arena_free(r.a);
}
END_TEST

START_TEST(equal_parameters_of_terms_are_one)
{
    struct rig r;
    rig_open(&r, ST_POSTGRESQL);
    const char *sql =
        text(&r, ST_READ(Country, .group_by = ST_TERMS(ST_COALESCE(ST_COL(Country, name), ST_CONST("none"))),
                         .sort = ST_SORT(ST_UP(ST_COALESCE(ST_COL(Country, name), ST_CONST("none"))))));
    ck_assert_msg(strstr(sql, "GROUP BY coalesce(\"t1\".\"name\", $1) ORDER BY coalesce(\"t1\".\"name\", $1)") != NULL,
                  "%s", sql);
    ck_assert_uint_eq(r.s.n_params, 1);
    arena_free(r.a);
}
END_TEST

START_TEST(nesting_is_bounded)
{
    struct rig r;
    rig_open(&r, ST_SQLITE);
    struct st_read deep[ST_QUERY_DEPTH_MAX + 2];
    st_model names[ST_QUERY_DEPTH_MAX + 2];
    st_expr in[ST_QUERY_DEPTH_MAX + 2];
    for (size_t i = 0; i < ST_QUERY_DEPTH_MAX + 2; i++) {
        names[i] = (st_model){.name = "Alias", .alias_of = &Note_model};
        deep[i] = (struct st_read){.from = &names[i], .where = i ? &in[i] : NULL};
        in[i] = (st_expr){.op = ST_OP_EXISTS, .query = i ? &deep[i - 1] : NULL};
    }
    OK(compile(&r, &deep[ST_QUERY_DEPTH_MAX]));
    CODE(compile(&r, &deep[ST_QUERY_DEPTH_MAX + 1]), ST_E_INVALID);
    ck_assert_msg(strstr(test_diag(), "deeper"), "%s", test_diag());
    const st_term *t = ST_ANY_(ST_CONST((int64_t)1));
    st_term sums[ST_TERM_DEPTH_MAX + 2];
    for (size_t i = 0; i < ST_TERM_DEPTH_MAX + 2; i++) {
        sums[i] = (st_term){.op = ST_T_PLUS, .of = t, .with = t};
        t = &sums[i];
    }
    const st_term *const by[] = {t, NULL};
    CODE(compile(&r, ST_READ(Country, .group_by = by)), ST_E_INVALID);
    ck_assert_msg(strstr(test_diag(), "deeper"), "%s", test_diag());
    arena_free(r.a);
}
END_TEST

START_TEST(memory_running_out_in_a_query_is_told)
{
    for (uint64_t i = 1;; i++) {
        struct rig r;
        rig_open(&r, ST_SQLITE);
        mem_fail_at(i, false);
        st_err rc = compile(&r, ST_READ(Author, .joins = ST_JOINS(ST_INNER_ALONG(Author, books, Book, NULL)),
                                        .where = ST_T_EQ(ST_JSON_TEXT(Book, book_metadata, "a"), "x")));
        mem_fail_at(0, false);
        ck_assert(rc == 0 || rc == -ENOMEM);
        if (rc) {
            OK(compile(&r, ST_READ(Author, .where = ST_EQ(Author, name, "x"))));
        }
        arena_free(r.a);
        if (!rc) {
            ck_assert_uint_gt(i, 3);
            return;
        }
    }
}
END_TEST

START_TEST(raw_placeholders_are_counted)
{
    arena *a = arena_new(NULL, 0);
    str sql;
    OK(st_raw_prepare(a, ST_SQLITE, "SELECT $2, $1 FROM \"a$3\" WHERE x = 'b$4''$5' -- $6", 2, &sql));
    ck_assert_str_eq(sql.p, "SELECT ?2, ?1 FROM \"a$3\" WHERE x = 'b$4''$5' -- $6");
    static const char *const wrong[] = {"SELECT $1",    "SELECT $3",           "SELECT $0, $2",       "SELECT ?, $2",
                                        "SELECT :a $2", "SELECT $2; SELECT 1", "SELECT $99999999999", "/* x */ Commit"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(st_raw_prepare(a, ST_SQLITE, wrong[i], 2, &sql) == ST_E_INVALID, "%s", wrong[i]);
    }
    arena_free(a);
}
END_TEST

RUN("query_shape", 20, CASE(each_source_has_the_tenant), CASE(a_shape_of_a_query_is_compiled_once),
    CASE(equal_parameters_of_terms_are_one), CASE(nesting_is_bounded), CASE(memory_running_out_in_a_query_is_told),
    CASE(raw_placeholders_are_counted));
