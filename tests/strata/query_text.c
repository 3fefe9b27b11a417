/* The compiler's text and parameters, dialect by dialect, without a database. */
#include "strata/query/query.h"

#include "base/mem.h"
#include "library.h"
#include "test.h"

static const st_uuid tenant = {{0xaa}}, other = {{0xbb}};

struct rig {
    arena *a;
    struct st_scope scope;
    struct st_compiler c;
    struct st_stmt s;
};

static void rig_open(struct rig *r, enum st_dialect dialect)
{
    *r = (struct rig){.a = arena_new(NULL, 0), .scope = {.tenant = tenant}};
    st_registry *reg;
    OK(st_registry_new(r->a, dialect, &reg));
    r->c = (struct st_compiler){.reg = reg, .scope = &r->scope, .scratch = r->a};
}

static const st_mapper *mapper(struct rig *r, const st_model *m)
{
    const st_mapper *found;
    OK(st_registry_mapper(r->c.reg, m, &found));
    return found;
}

static const char *notes(struct rig *r, const st_expr *where, const struct st_query *q)
{
    OK(st_compile_select(&r->c, mapper(r, &Note_model), where, q, &r->s));
    return r->s.sql.p;
}
#define NOTES(r, where, ...) notes((r), (where), &(const struct st_query){__VA_ARGS__})
/* What stands behind the WHERE of a select on Book. */
static const char *books(struct rig *r, const st_expr *where)
{
    OK(st_compile_select(&r->c, mapper(r, &Book_model), where, NULL, &r->s));
    const char *at = strstr(r->s.sql.p, " WHERE ");
    return at ? at + strlen(" WHERE ") : "";
}
static void books_refuse(struct rig *r, const st_expr *where, const char *word)
{
    CODE(st_compile_select(&r->c, mapper(r, &Book_model), where, NULL, &r->s), ST_E_INVALID);
    ck_assert_msg(strstr(test_diag(), word), "no \"%s\" in: %s", word, test_diag());
}

START_TEST(a_select_is_confined_to_its_tenant)
{
    struct rig r;
    rig_open(&r, ST_POSTGRESQL);
    ck_assert_str_eq(NOTES(&r, NULL), "SELECT \"tenant_id\", \"id\", \"body\" FROM \"notes\" WHERE \"tenant_id\" = $1");
    ck_assert_uint_eq(r.s.n_params, 1);
    ck_assert(uuid_eq(r.s.params[0].uuid, tenant));
    ck_assert_str_eq(NOTES(&r, ST_OR(ST_EQ(Note, body, "x"), ST_EQ(Note, tenant_id, other))),
                     "SELECT \"tenant_id\", \"id\", \"body\" FROM \"notes\" WHERE "
                     "(\"tenant_id\" = $1 AND (\"body\" = $2 OR \"tenant_id\" = $3))");
    arena_free(r.a);
}
END_TEST

START_TEST(without_a_tenant_only_system_work_and_tenantless_tables_compile)
{
    struct rig r;
    rig_open(&r, ST_SQLITE);
    r.scope = (struct st_scope){.system = false};
    const st_mapper *m = mapper(&r, &Note_model);
    Note n = {.body = "x"};
    void *row = &n;
    struct st_bulk b;
    CODE(st_compile_select(&r.c, m, NULL, NULL, &r.s), ST_E_TENANT);
    CODE(st_compile_count(&r.c, m, NULL, &r.s), ST_E_TENANT);
    CODE(st_compile_insert(&r.c, m, &n, &r.s), ST_E_TENANT);
    CODE(st_compile_update(&r.c, m, &n, &(const uint32_t){2}, 1, NULL, &r.s), ST_E_TENANT);
    CODE(st_compile_delete(&r.c, m, &n, NULL, &r.s), ST_E_TENANT);
    CODE(st_compile_delete_where(&r.c, m, NULL, &r.s), ST_E_TENANT);
    CODE(st_compile_bulk(&r.c, m, &row, 1, &(const struct st_bulk_options){0}, &b), ST_E_TENANT);
    OK(st_compile_select(&r.c, mapper(&r, &Country_model), NULL, NULL, &r.s));
    r.scope.system = true;
    ck_assert_str_eq(NOTES(&r, NULL), "SELECT \"tenant_id\", \"id\", \"body\" FROM \"notes\"");
    arena_free(r.a);
}
END_TEST

START_TEST(each_comparison_has_its_sql)
{
    struct rig r;
    rig_open(&r, ST_SQLITE);
    r.scope = (struct st_scope){.system = true};
    ck_assert_str_eq(books(&r, ST_EQ(Book, title, "x")), "\"title\" = ?1");
    ck_assert_str_eq(books(&r, ST_NE(Book, order, 3)), "\"order\" <> ?1");
    ck_assert_str_eq(books(&r, ST_LT(Book, price, 3)), "\"price\" < ?1");
    ck_assert_str_eq(books(&r, ST_LE(Book, floor, 3)), "\"floor\" <= ?1");
    ck_assert_str_eq(books(&r, ST_GT(Book, sold, 3)), "\"sold\" > ?1");
    ck_assert_str_eq(books(&r, ST_GE(Book, mood, MOOD_GAY)), "\"mood\" >= ?1");
    ck_assert_ptr_null(r.s.params[0].e.of); /* bound as its number */
    ck_assert_str_eq(books(&r, ST_EQ(Book, kind, KIND_POEMS)), "\"kind\" = ?1");
    ck_assert_str_eq(r.s.params[0].e.of->values[r.s.params[0].e.v], "poems");
    ck_assert_str_eq(books(&r, ST_BETWEEN(Book, order, 1, 2)), "\"order\" BETWEEN ?1 AND ?2");
    ck_assert_str_eq(books(&r, ST_IS_NULL(Book, rating)), "\"rating\" IS NULL");
    ck_assert_str_eq(books(&r, ST_NOT_NULL(Book, rating)), "\"rating\" IS NOT NULL");
    ck_assert_str_eq(books(&r, ST_EQ(Book, book_metadata, (st_json){NULL})), "\"metadata\" IS NULL");
    ck_assert_str_eq(books(&r, ST_NE(Book, book_metadata, (st_json){NULL})), "\"metadata\" IS NOT NULL");
    ck_assert_str_eq(books(&r, ST_NOT(ST_EQ(Book, in_print, true))), "NOT (\"in_print\" = ?1)");
    ck_assert_str_eq(books(&r, ST_AND(NULL, ST_EQ(Book, order, 3), NULL)), "\"order\" = ?1");
    ck_assert_str_eq(books(&r, ST_AND(NULL)), "1 = 1");
    ck_assert_str_eq(books(&r, ST_OR(NULL)), "1 = 0");
    arena_free(r.a);
}
END_TEST

START_TEST(like_means_the_same_on_both)
{
    struct rig r;
    rig_open(&r, ST_POSTGRESQL);
    r.scope = (struct st_scope){.system = true};
    ck_assert_str_eq(books(&r, ST_LIKE(Book, title, "a%")), "\"title\" LIKE $1");
    ck_assert_str_eq(books(&r, ST_ILIKE(Book, title, "a%")), "\"title\" ILIKE $1");
    books_refuse(&r, ST_LIKE(Book, title, "a\\"), "backslash");
    arena_free(r.a);

    rig_open(&r, ST_SQLITE);
    r.scope = (struct st_scope){.system = true};
    ck_assert_str_eq(books(&r, ST_LIKE(Book, title, "a%_\\%\\\\*[?")), "\"title\" GLOB ?1");
    ck_assert_str_eq(r.s.params[0].text.p, "a*?%\\[*][[][?]");
    ck_assert_str_eq(books(&r, ST_ILIKE(Book, title, "a%")), "\"title\" LIKE ?1 ESCAPE '\\'");
    books_refuse(&r, ST_LIKE(Book, title, "a\\\\\\"), "backslash");
    arena_free(r.a);
}
END_TEST

START_TEST(lists_share_shapes)
{
    struct rig r;
    rig_open(&r, ST_POSTGRESQL);
    r.scope = (struct st_scope){.system = true};
    const st_uuid ids[3] = {{{1}}, {{2}}, {{3}}};
    const int32_t numbers[3] = {5, 6, 7};
    ck_assert_str_eq(books(&r, ST_IN(Book, id, ids, 3)), "\"id\" = ANY($1)");
    ck_assert_uint_eq(r.s.params[0].uuids.n, 3);
    ck_assert_str_eq(books(&r, ST_IN(Book, order, numbers, 3)), "\"order\" IN ($1, $2, $3, $4)");
    ck_assert_int_eq(r.s.params[3].i32, 7);
    uint64_t id = r.s.id;
    (void)books(&r, ST_IN(Book, order, ((const int32_t[]){1, 2, 3, 4}), 4));
    ck_assert_uint_eq(r.s.id, id);
    ck_assert_str_eq(books(&r, ST_IN(Book, order, numbers, 0)), "1 = 0");
    books_refuse(&r, ST_IN(Book, order, numbers, ST_IN_MAX + 1), "at most 16384");
    books_refuse(&r, ST_IN(Book, title, ((const char *const[]){"a", NULL}), 2), "null");
    arena_free(r.a);
}
END_TEST

START_TEST(order_is_total_and_null_sorts_alike)
{
    struct rig r;
    rig_open(&r, ST_SQLITE);
    ck_assert_str_eq(NOTES(&r, NULL, .limit = 5, .offset = 2),
                     "SELECT \"tenant_id\", \"id\", \"body\" FROM \"notes\" WHERE \"tenant_id\" = ?1 ORDER BY \"id\" "
                     "LIMIT ?2 OFFSET ?3");
    ck_assert_str_eq(NOTES(&r, NULL, .order = ST_ORDER(ST_DESC(Note, body))),
                     "SELECT \"tenant_id\", \"id\", \"body\" FROM \"notes\" WHERE \"tenant_id\" = ?1 ORDER BY "
                     "\"body\" DESC");
    struct st_query q = {.order = ST_ORDER(ST_ASC(Book, rating), ST_DESC(Book, mood), ST_ASC(Book, id)), .limit = 1};
    OK(st_compile_select(&r.c, mapper(&r, &Book_model), NULL, &q, &r.s));
    ck_assert_ptr_nonnull(
        strstr(r.s.sql.p, "ORDER BY \"rating\" NULLS LAST, \"mood\" DESC NULLS FIRST, \"id\" LIMIT ?2"));
    r.scope = (struct st_scope){.system = true};
    OK(st_compile_select(&r.c, mapper(&r, &Book_model), NULL, &q, &r.s));
    ck_assert_ptr_nonnull(strstr(r.s.sql.p, "\"id\", \"tenant_id\" LIMIT ?1"));
    arena_free(r.a);

    rig_open(&r, ST_POSTGRESQL);
    ck_assert_ptr_nonnull(
        strstr(NOTES(&r, NULL, .offset = 2, .for_update = true), "ORDER BY \"id\" OFFSET $2 FOR NO KEY UPDATE"));
    arena_free(r.a);
}
END_TEST

START_TEST(writes_of_one_row_are_guarded_and_confined)
{
    struct rig r;
    Note n = {.id = {{7}}, .body = "x"};
    rig_open(&r, ST_POSTGRESQL);
    const st_mapper *m = mapper(&r, &Note_model);
    OK(st_compile_insert(&r.c, m, &n, &r.s));
    ck_assert_str_eq(r.s.sql.p, "INSERT INTO \"notes\" (\"tenant_id\", \"id\", \"body\") VALUES ($1, $2, $3)");
    ck_assert(uuid_eq(n.tenant_id, tenant) && uuid_eq(r.s.params[0].uuid, tenant));
    OK(st_compile_update(&r.c, m, &n, &(const uint32_t){2}, 1, NULL, &r.s));
    ck_assert_str_eq(r.s.sql.p, "WITH \"touched\" AS (UPDATE \"notes\" SET \"body\" = $1 WHERE "
                                "(\"tenant_id\" = $2 AND \"id\" = $3) RETURNING 1) "
                                "SELECT 1 / count(*) FROM \"touched\"");
    ck_assert(uuid_eq(r.s.params[1].uuid, tenant));
    r.scope.tenant = other;
    CODE(st_compile_insert(&r.c, m, &n, &r.s), ST_E_TENANT);
    arena_free(r.a);

    rig_open(&r, ST_SQLITE);
    Author a = {.id = {{7}}, .name = "x"};
    st_value v = st_v_int32(4);
    OK(st_compile_delete(&r.c, mapper(&r, &Author_model), &a, &v, &r.s));
    ck_assert_str_eq(r.s.sql.p,
                     "DELETE FROM \"authors\" WHERE (\"tenant_id\" = ?1 AND (\"id\" = ?2 AND \"version\" = ?3))");
    r.scope = (struct st_scope){.system = true};
    OK(st_compile_delete(&r.c, mapper(&r, &Author_model), &a, &v, &r.s));
    ck_assert_str_eq(r.s.sql.p,
                     "DELETE FROM \"authors\" WHERE (\"tenant_id\" = ?1 AND \"id\" = ?2 AND \"version\" = ?3)");
    arena_free(r.a);
}
END_TEST

START_TEST(writes_by_criteria_keep_version_and_time)
{
    struct rig r;
    rig_open(&r, ST_SQLITE);
    const st_mapper *m = mapper(&r, &Author_model);
    const struct st_assign set[] = {ST_SET(Author, name, "x"), ST_ADD(Author, born, 2), ST_SET_NULL(Author, email)};
    OK(st_compile_update_where(&r.c, m, ST_IS_NULL(Author, email), set, 3, (st_time){5}, &r.s));
    ck_assert_str_eq(
        r.s.sql.p,
        "UPDATE \"authors\" SET \"name\" = ?1, \"born\" = \"born\" + ?2, \"email\" = ?3, \"updated_at\" = ?4, "
        "\"version\" = \"version\" + 1 WHERE (\"tenant_id\" = ?5 AND \"email\" IS NULL)");
    ck_assert(r.s.params[2].null);
    ck_assert_int_eq(r.s.params[3].time.us, 5);
    OK(st_compile_delete_where(&r.c, m, NULL, &r.s));
    ck_assert_str_eq(r.s.sql.p, "DELETE FROM \"authors\" WHERE \"tenant_id\" = ?1");
    const struct st_assign wrong[] = {
        ST_SET(Author, id, other), ST_SET(Author, tenant_id, other),        ST_SET(Author, version, 1),
        ST_SET_NULL(Author, name), ST_SET(Author, name, "too long a name"), ST_SET(Author, born, -5)};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CODE(st_compile_update_where(&r.c, m, NULL, &wrong[i], 1, (st_time){5}, &r.s), ST_E_INVALID);
    }
    arena_free(r.a);
}
END_TEST

START_TEST(upserts_name_the_tenant_first)
{
    struct rig r;
    Note n = {.id = {{7}}, .body = "x"};
    void *row = &n;
    struct st_bulk b;
    const struct st_bulk_options o = {.conflict = ST_MEMBERS(Note, id), .update = ST_MEMBERS(Note, body)};
    rig_open(&r, ST_POSTGRESQL);
    OK(st_compile_bulk(&r.c, mapper(&r, &Note_model), &row, 1, &o, &b));
    ck_assert_str_eq(
        b.sql.p, "INSERT INTO \"notes\" (\"tenant_id\", \"id\", \"body\") SELECT \"r\".\"0\", \"r\".\"1\", \"r\".\"2\" "
                 "FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS \"r\"(\"0\", \"1\", \"2\") "
                 "ON CONFLICT (\"tenant_id\", \"id\") DO UPDATE SET \"body\" = EXCLUDED.\"body\" RETURNING (xmax = 0)");
    ck_assert(b.upsert && b.sql_update.len == 0);
    arena_free(r.a);

    rig_open(&r, ST_SQLITE);
    OK(st_compile_bulk(&r.c, mapper(&r, &Note_model), &row, 1, &o, &b));
    ck_assert_str_eq(b.sql.p, "INSERT INTO \"notes\" (\"tenant_id\", \"id\", \"body\") VALUES (?1, ?2, ?3) "
                              "ON CONFLICT (\"tenant_id\", \"id\") DO NOTHING");
    ck_assert_str_eq(b.sql_update.p, "UPDATE \"notes\" SET \"body\" = ?3 WHERE \"tenant_id\" = ?1 AND \"id\" = ?2");
    const struct st_bulk_options key = {.conflict = ST_MEMBERS(Note, id), .update = ST_MEMBERS(Note, id)};
    CODE(st_compile_bulk(&r.c, mapper(&r, &Note_model), &row, 1, &key, &b), ST_E_INVALID);
    const struct st_bulk_options blind = {.update = ST_MEMBERS(Note, body)};
    CODE(st_compile_bulk(&r.c, mapper(&r, &Note_model), &row, 1, &blind, &b), ST_E_INVALID);
    arena_free(r.a);
}
END_TEST

START_TEST(a_shape_is_compiled_once)
{
    struct rig r;
    rig_open(&r, ST_SQLITE);
    const char *first = NOTES(&r, ST_EQ(Note, body, "x"));
    size_t plans = r.c.reg->n_plans;
    ck_assert_ptr_eq(NOTES(&r, ST_EQ(Note, body, "y")), first);
    ck_assert_str_eq(r.s.params[1].text.p, "y");
    ck_assert_uint_eq(r.c.reg->n_plans, plans);
    ck_assert_ptr_ne(NOTES(&r, ST_NE(Note, body, "y")), first);
    ck_assert(!r.s.quick);
    (void)NOTES(&r, ST_EQ(Note, id, other));
    ck_assert(r.s.quick);
    arena_free(r.a);
}
END_TEST

START_TEST(more_shapes_than_are_kept_still_compile)
{
    struct rig r;
    rig_open(&r, ST_SQLITE);
    const st_expr *parts[16], *is = ST_EQ(Note, body, "x"), *is_not = ST_NE(Note, body, "x");
    for (unsigned bits = 0; bits < PLANS_MAX + 8; bits++) {
        for (unsigned i = 0; i < 16; i++) {
            parts[i] = bits >> i & 1 ? is : is_not;
        }
        (void)notes(&r, &(const st_expr){.op = ST_OP_AND, .n = 16, .args = parts}, NULL);
    }
    ck_assert_uint_eq(r.c.reg->n_plans, PLANS_MAX);
    ck_assert_uint_eq(r.s.n_params, 17);
    ck_assert_uint_ne(r.s.id, 0);
    arena_free(r.a);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    struct rig r;
    rig_open(&r, ST_SQLITE);
    books_refuse(&r, ST_EQ(Note, body, "x"), "Note");
    books_refuse(&r, ST_EQ(Book, kind, 9), "cannot hold");
    books_refuse(&r, ST_LT(Book, kind, KIND_POEMS), "no order");
    books_refuse(&r, ST_LT(Book, title, NULL), "null");
    books_refuse(&r, ST_NOT(NULL), "ST_NOT");
    st_expr nest[ST_EXPR_DEPTH_MAX + 2];
    const st_expr *inner[ST_EXPR_DEPTH_MAX + 2];
    inner[0] = ST_EQ(Book, order, 1);
    for (unsigned i = 0; i < ST_EXPR_DEPTH_MAX + 1; i++) {
        nest[i] = (st_expr){.op = ST_OP_NOT, .n = 1, .args = &inner[i]};
        inner[i + 1] = &nest[i];
    }
    books_refuse(&r, inner[ST_EXPR_DEPTH_MAX + 1], "deeper");
    const st_expr *twice[20][2] = {{ST_EQ(Book, order, 1), ST_EQ(Book, order, 1)}};
    st_expr both[20];
    for (unsigned i = 0; i < 19; i++) { /* 20 nodes that stand for a million */
        both[i] = (st_expr){.op = ST_OP_AND, .n = 2, .args = twice[i]};
        twice[i + 1][0] = twice[i + 1][1] = &both[i];
    }
    books_refuse(&r, &both[18], "parts");
    arena_free(r.a);
}
END_TEST

START_TEST(models_rank_below_what_they_reference)
{
    struct rig r;
    rig_open(&r, ST_SQLITE);
    uint32_t book = mapper(&r, &Book_model)->rank, author = mapper(&r, &Author_model)->rank;
    ck_assert_uint_gt(book, author);
    ck_assert_uint_gt(author, mapper(&r, &Country_model)->rank);
    arena_free(r.a);
}
END_TEST

START_TEST(memory_running_out_is_told_and_mended)
{
    for (uint64_t i = 1;; i++) {
        struct rig r;
        rig_open(&r, ST_SQLITE);
        mem_fail_at(i, false);
        const st_mapper *m;
        st_err rc = st_registry_mapper(r.c.reg, &Book_model, &m);
        rc = rc ? rc : st_compile_select(&r.c, m, ST_LIKE(Book, title, "a%"), NULL, &r.s);
        mem_fail_at(0, false);
        if (rc) {
            ck_assert_int_eq(rc, -ENOMEM);
            ck_assert_str_eq(books(&r, ST_LIKE(Book, title, "a%")), "(\"tenant_id\" = ?1 AND \"title\" GLOB ?2)");
        }
        arena_free(r.a);
        if (!rc) {
            ck_assert_uint_gt(i, 3);
            break;
        }
    }
}
END_TEST

RUN("query_text", 20, CASE(a_select_is_confined_to_its_tenant),
    CASE(without_a_tenant_only_system_work_and_tenantless_tables_compile), CASE(each_comparison_has_its_sql),
    CASE(like_means_the_same_on_both), CASE(lists_share_shapes), CASE(order_is_total_and_null_sorts_alike),
    CASE(writes_of_one_row_are_guarded_and_confined), CASE(writes_by_criteria_keep_version_and_time),
    CASE(upserts_name_the_tenant_first), CASE(a_shape_is_compiled_once), CASE(more_shapes_than_are_kept_still_compile),
    CASE(nonsense_is_refused), CASE(models_rank_below_what_they_reference),
    CASE(memory_running_out_is_told_and_mended));
