/* SQL that the program wrote itself. */
#include "query_support.h"

static const char named[] =
    "SELECT title, order_, sold, sold FROM (SELECT \"title\", \"order\" + 0 AS order_, \"sold\" FROM "
    "\"books\" WHERE \"tenant_id\" = $1 AND \"sold\" > $2) AS b ORDER BY title";
static const char widened[] =
    "SELECT title, CAST(order_ AS bigint), sold, sold FROM (SELECT \"title\", \"order\" + 0 AS order_, "
    "\"sold\" FROM \"books\" WHERE \"tenant_id\" = $1 AND \"sold\" > $2) AS b ORDER BY title";

SESSION_TEST(raw_rows_fill_a_struct)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_nonnull(st_first(s, Book, ST_EQ(Book, title, "Poems")));
    st_rows rows = st_raw(s, Ranked, w->dialect == ST_SQLITE ? named : widened, ST_PARAMS(ST_V(tenant_a), ST_V(5)),
                          .confined = true);
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 3);
    const Ranked *second = rows.items[1];
    ck_assert_str_eq(second->title, "Second");
    ck_assert(second->place == 2 && second->number == 20);
}

SESSION_TEST(placeholders_are_numbered_alike)
{
    ST_SESSION(s, w->e, .system = "test");
    st_rows rows = st_raw(s, Pair, "SELECT CAST($2 AS text), CAST($1 AS text) || ' $1 ''?' /* $3 ? */ -- ;?\n",
                          ST_PARAMS(ST_V("one"), ST_V("two")));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 1);
    ck_assert_str_eq(((const Pair *)rows.items[0])->first, "two");
    ck_assert_str_eq(((const Pair *)rows.items[0])->second, "one $1 '?");
}

SESSION_TEST(raw_writes_count_their_rows_and_refresh)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Book *b = st_first(s, Book, ST_EQ(Book, title, "Poems"));
    int64_t n;
    OK(st_raw_execute(s, "UPDATE \"books\" SET \"sold\" = \"sold\" + $2 WHERE \"tenant_id\" = $1", &n,
                      ST_PARAMS(ST_V(tenant_a), ST_V((int64_t)100)), .confined = true));
    ck_assert_int_eq(n, 4);
    ck_assert_ptr_eq(st_first(s, Book, ST_EQ(Book, title, "Poems")), b);
    ck_assert_int_eq(b->sold, 105);
    OK(st_rollback(s));
    ST_SESSION(reader, w->e, .system = "test", .read_only = true);
    CODE(st_raw_execute(reader, "DELETE FROM \"books\"", NULL), ST_E_READ_ONLY);
}

SESSION_TEST(raw_sql_in_a_tenants_session_says_that_it_minds_the_tenant)
{
    for (int form = 0; form < 3; form++) {
        ST_SESSION(s, w->e, .tenant = form < 2 ? tenant_a : (st_uuid){{0}});
        if (form == 0) {
            CODE(st_raw(s, Lang, "SELECT 'x', 1").err, ST_E_TENANT);
        } else {
            CODE(st_raw_execute(s, "DELETE FROM \"notes\"", NULL), ST_E_TENANT);
        }
        ck_assert_msg(strstr(diag_last()->hint, ".confined"), "%s", diag_last()->hint);
    }
}

SESSION_TEST(transactions_and_scripts_are_refused)
{
    static const char *const refused[] = {
        "COMMIT", " -- x\n/* y */ rollback", "begin", "SELECT 'a', 1; DELETE FROM notes", "SELECT 'a', $2", ""};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ST_SESSION(s, w->e, .system = "test");
        st_rows rows = st_raw(s, Lang, refused[i], ST_PARAMS(ST_V(1)));
        ck_assert_msg(rows.err == ST_E_INVALID || (w->dialect == ST_POSTGRESQL && i > 2 && rows.err != 0), "%s: %d",
                      refused[i], rows.err);
    }
    ST_SESSION(s, w->e, .system = "test");
    CODE(st_raw(s, Pair, "SELECT 'one'").err, ST_E_SCHEMA); /* two members, one column */
}

static int count_row(void *arg, const void *row)
{
    *(int64_t *)arg += ((const Lang *)row)->n;
    return 0;
}

SESSION_TEST(raw_rows_stream)
{
    ST_SESSION(s, w->e, .system = "test");
    int64_t sum = 0;
    OK(st_raw(s, Lang,
              "WITH RECURSIVE c(n) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT n + 1 FROM c WHERE n < $1) "
              "SELECT 'x', n FROM c",
              ST_PARAMS(ST_V((int64_t)1000)), .each = count_row, .arg = &sum)
           .err);
    ck_assert_int_eq(sum, 500500);
}

RUN("query_raw", 60, CASE(raw_rows_fill_a_struct), CASE(placeholders_are_numbered_alike),
    CASE(raw_writes_count_their_rows_and_refresh), CASE(raw_sql_in_a_tenants_session_says_that_it_minds_the_tenant),
    CASE(transactions_and_scripts_are_refused), CASE(raw_rows_stream));
