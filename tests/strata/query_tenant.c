/* Tenant B works against tenant A's rows by every form of query there is, and finds nothing; each form is first shown
 * to work for A. B has rows of its own, so that a form that reaches too far is seen. Also built with
 * ST_MUTATE_NO_TENANT, see session_proof.c. */
#include "query_support.h"

/* How many rows of A the form reaches when asked in session s. */
typedef int64_t reads(st_session *s, struct world *w);

static int64_t titles(st_rows rows)
{
    OK(rows.err);
    return (int64_t)rows.n;
}
#define A_BOOK(T_) ST_EQ(T_, tenant_id, tenant_a)

static int64_t by_fields(st_session *s, struct world *w)
{
    (void)w;
    return titles(st_read(
        s, Pair, Book,
        .fields = ST_FIELDS(ST_FIELD(Pair, first, ST_COL(Book, title)), ST_FIELD(Pair, second, ST_COL(Book, title))),
        .where = A_BOOK(Book)));
}
static int64_t by_group(st_session *s, struct world *w)
{
    (void)w;
    return titles(st_read(s, PerAuthor, Book,
                          .fields = ST_FIELDS(ST_FIELD(PerAuthor, author_id, ST_COL(Book, tenant_id)),
                                              ST_FIELD(PerAuthor, sold, ST_SUM(Book, sold))),
                          .group_by = ST_TERMS(ST_COL(Book, tenant_id)),
                          .having = ST_T_EQ(ST_COL(Book, tenant_id), tenant_a)));
}
static int64_t by_scalar(st_session *s, struct world *w)
{
    (void)w;
    int64_t n;
    OK(st_scalar(s, Book, ST_COUNT_ALL, &n, .where = ST_OR(A_BOOK(Book), A_BOOK(Book))));
    return n;
}
static int64_t by_find(st_session *s, struct world *w)
{
    (void)w;
    return titles(st_find(s, Book, .where = A_BOOK(Book)));
}
static int64_t by_inner_join(st_session *s, struct world *w)
{
    (void)w;
    return titles(
        st_find(s, Country, .joins = ST_JOINS(ST_INNER(Book, ST_AND(ST_EQ(Country, code, "at"), A_BOOK(Book))))));
}
static int64_t by_left_join(st_session *s, struct world *w)
{
    (void)w;
    return titles(
        st_read(s, Lang, Country, .joins = ST_JOINS(ST_LEFT(Book, A_BOOK(Book))),
                .fields = ST_FIELDS(ST_FIELD(Lang, lang, ST_COL(Book, title)), ST_FIELD(Lang, n, ST_CONST((int64_t)1))),
                .where = ST_NOT_NULL(Book, title)));
}
static int64_t by_relation(st_session *s, struct world *w)
{
    (void)w;
    return titles(
        st_find(s, Book, .joins = ST_JOINS(ST_INNER_ALONG(Book, author, Author, NULL)), .where = A_BOOK(Author)));
}
static int64_t by_alias(st_session *s, struct world *w)
{
    (void)w;
    return titles(st_read(s, Pair, Country, .joins = ST_JOINS(ST_INNER(Sequel, A_BOOK(Sequel))),
                          .fields = ST_FIELDS(ST_FIELD(Pair, first, ST_COL(Sequel, title)),
                                              ST_FIELD(Pair, second, ST_COL(Sequel, title)))));
}
static int64_t by_alias_alone(st_session *s, struct world *w)
{
    (void)w;
    return titles(st_read(s, Pair, Sequel,
                          .fields = ST_FIELDS(ST_FIELD(Pair, first, ST_COL(Sequel, title)),
                                              ST_FIELD(Pair, second, ST_COL(Sequel, title))),
                          .where = A_BOOK(Sequel)));
}
static int64_t by_exists(st_session *s, struct world *w)
{
    (void)w;
    return titles(st_select(s, Country, ST_EXISTS(Book, .where = A_BOOK(Book))));
}
static int64_t by_not_exists(st_session *s, struct world *w)
{
    (void)w;
    return 1 - titles(st_select(s, Country, ST_NOT_EXISTS(Book, .where = A_BOOK(Book))));
}
static int64_t by_in_query(st_session *s, struct world *w)
{
    (void)w;
    return titles(
        st_select(s, Country, ST_IN_QUERY(ST_COL(Country, code), ST_CONST("at"), Book, .where = A_BOOK(Book))));
}
static int64_t by_subquery(st_session *s, struct world *w)
{
    (void)w;
    int64_t n;
    OK(st_scalar(s, Country, ST_SUBQUERY(ST_COUNT_ALL, Book, .where = A_BOOK(Book)), &n));
    return n;
}
static int64_t by_nested_join(st_session *s, struct world *w)
{
    (void)w;
    return titles(st_select(s, Country,
                            ST_EXISTS(Note, .where = ST_EQ(Note, body, "x"),
                                      .joins = ST_JOINS(ST_LEFT(Book, ST_NOT_NULL(Book, title))), .having = NULL))) ||
           titles(st_select(
               s, Country,
               ST_EXISTS(Author, .joins = ST_JOINS(ST_INNER_ALONG(Author, books, Book, NULL)), .where = A_BOOK(Book))));
}
static int64_t by_window(st_session *s, struct world *w)
{
    (void)w;
    return titles(st_read(
        s, Lang, Book,
        .fields = ST_FIELDS(ST_FIELD(Lang, lang, ST_COL(Book, title)), ST_FIELD(Lang, n, ST_OVER(ST_COUNT_ALL))),
        .where = A_BOOK(Book)));
}
static int64_t by_cte(st_session *s, struct world *w)
{
    (void)w;
    const struct st_read *part =
        ST_READ(Book, .where = A_BOOK(Book),
                .fields = ST_FIELDS(ST_FIELD(Chain, id, ST_COL(Book, id)), ST_FIELD(Chain, title, ST_COL(Book, title)),
                                    ST_FIELD(Chain, depth, ST_COL(Book, sold))));
    return titles(st_read(s, Pair, Chain, .with = ST_CTES(ST_CTE(Chain, part)),
                          .fields = ST_FIELDS(ST_FIELD(Pair, first, ST_COL(Chain, title)),
                                              ST_FIELD(Pair, second, ST_COL(Chain, title)))));
}
static int64_t by_recursion(st_session *s, struct world *w)
{
    (void)w;
    const struct st_read *start = ST_READ(Country, .fields = ST_FIELDS(ST_FIELD(Lang, lang, ST_COL(Country, code)),
                                                                       ST_FIELD(Lang, n, ST_CONST((int64_t)0))));
    const struct st_read *next = ST_READ(
        Lang, .joins = ST_JOINS(ST_INNER(Book, A_BOOK(Book))),
        .fields = ST_FIELDS(ST_FIELD(Lang, lang, ST_COL(Book, title)), ST_FIELD(Lang, n, ST_CONST((int64_t)1))));
    return titles(
        st_read(s, Lang, Lang, .with = ST_CTES(ST_RECURSIVE(Lang, start, next)), .where = ST_EQ(Lang, n, 1),
                .fields = ST_FIELDS(ST_FIELD(Lang, lang, ST_COL(Lang, lang)), ST_FIELD(Lang, n, ST_COL(Lang, n)))));
}
static int64_t by_json(st_session *s, struct world *w)
{
    (void)w;
    int64_t n;
    OK(st_count(s, Book, ST_AND(A_BOOK(Book), ST_T_IS_NULL(ST_JSON_TEXT(Book, book_metadata, "x"))), &n));
    return n;
}
static int64_t by_page(st_session *s, struct world *w)
{
    (void)w;
    struct st_page page;
    OK(st_page(s, Book, A_BOOK(Book), ST_ORDER(ST_DESC(Book, sold)), NULL, 10, &page));
    return (int64_t)page.rows.n;
}
static int count_row(void *arg, const void *row)
{
    (void)row;
    ++*(int64_t *)arg;
    return 0;
}
static int64_t by_stream(st_session *s, struct world *w)
{
    (void)w;
    int64_t n = 0;
    OK(st_read(s, Pair, Book,
               .fields =
                   ST_FIELDS(ST_FIELD(Pair, first, ST_COL(Book, title)), ST_FIELD(Pair, second, ST_COL(Book, title))),
               .where = A_BOOK(Book), .each = count_row, .arg = &n)
           .err);
    return n;
}
static int64_t by_stream_of_rows(st_session *s, struct world *w)
{
    (void)w;
    int64_t n = 0;
    st_each_stream (Pair, x,
                    st_stream_read(s, Pair, Book, .where = A_BOOK(Book),
                                   .fields = ST_FIELDS(ST_FIELD(Pair, first, ST_COL(Book, title)),
                                                       ST_FIELD(Pair, second, ST_COL(Book, title))))) {
        n += x->first != NULL;
    }
    OK(st_session_error(s));
    return n;
}
static int64_t by_update_with_subquery(st_session *s, struct world *w)
{
    (void)w;
    int64_t n;
    OK(st_update_where(s, Country, ST_EXISTS(Book, .where = A_BOOK(Book)), &n, ST_ADD(Country, population, 1)));
    return n;
}
static int64_t by_delete_with_subquery(st_session *s, struct world *w)
{
    (void)w;
    int64_t n;
    OK(st_delete_where(s, Country, ST_EXISTS(Book, .where = A_BOOK(Book)), &n));
    OK(st_rollback(s));
    return n;
}

static const struct {
    const char *name;
    reads *read;
} forms[] = {
    {"fields", by_fields},
    {"group by", by_group},
    {"one value", by_scalar},
    {"find", by_find},
    {"inner join", by_inner_join},
    {"left join", by_left_join},
    {"join along a relation", by_relation},
    {"alias in a join", by_alias},
    {"alias", by_alias_alone},
    {"exists", by_exists},
    {"not exists", by_not_exists},
    {"in query", by_in_query},
    {"scalar subquery", by_subquery},
    {"join in a subquery", by_nested_join},
    {"window", by_window},
    {"named part", by_cte},
    {"recursion", by_recursion},
    {"json", by_json},
    {"page", by_page},
    {"callback", by_stream},
    {"stream", by_stream_of_rows},
    {"update with a subquery", by_update_with_subquery},
    {"delete with a subquery", by_delete_with_subquery},
};

static void prove(struct world *w)
{
    library_fill(w, tenant_a);
    library_fill(w, tenant_b);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        ck_assert_ptr_nonnull(st_add(s, Country, .code = "at", .name = "Austria"));
        OK(st_commit(s));
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        ST_SESSION(a, w->e, .tenant = tenant_a);
        ck_assert_msg(forms[i].read(a, w) > 0, "%s does not work at all", forms[i].name);
        OK(st_rollback(a));
        ST_SESSION(b, w->e, .tenant = tenant_b);
        int64_t n = forms[i].read(b, w);
        if (MUTANT && !walled(w)) {
            ck_assert_msg(n != 0, "without the tenant in the compiler, the proof does not notice %s", forms[i].name);
            continue;
        }
        ck_assert_msg(n == 0, "%s reaches %lld rows of another tenant", forms[i].name, (long long)n);
    }
}

START_TEST(no_query_reaches_another_tenant)
{
    in_worlds(WORLD_SQLITE, WORLD_ADMIN, library_create, prove);
}
END_TEST

SESSION_TEST(without_a_tenant_no_source_is_read)
{
    const struct st_read *const queries[] = {
        ST_READ(Book, .where = NULL),
        ST_READ(Country, .joins = ST_JOINS(ST_INNER(Book, ST_NOT_NULL(Book, title)))),
        ST_READ(Country, .where = ST_EXISTS(Book, .where = NULL)),
        ST_READ(Country, .joins = ST_JOINS(ST_LEFT(Sequel, ST_NOT_NULL(Sequel, title)))),
    };
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        ST_SESSION(s, w->e, .read_only = true);
        CODE(st_find_(s, queries[i]).err, ST_E_TENANT);
    }
    ST_SESSION(s, w->e, .system = "test", .read_only = true);
    OK(st_find_(s, queries[1]).err);
}

RUN("query_tenant", 60, CASE(no_query_reaches_another_tenant), CASE(without_a_tenant_no_source_is_read));
