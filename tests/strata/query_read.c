/* Queries into plain structs: joins, groups, windows, subqueries, common table expressions; the same on both databases.
 */
#include "query_support.h"

SESSION_TEST(groups_are_counted_and_summed)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows rows = st_read(
        s, Sales, Author, .joins = ST_JOINS(ST_LEFT_ALONG(Author, books, Book, NULL)),
        .fields = ST_FIELDS(ST_FIELD(Sales, author, ST_COL(Author, name)), ST_FIELD(Sales, books, ST_COUNT(Book, id)),
                            ST_FIELD(Sales, sold, ST_SUM(Book, sold)), ST_FIELD(Sales, price, ST_AVG(Book, price))),
        .group_by = ST_TERMS(ST_COL(Author, name)), .sort = ST_SORT(ST_DOWN(ST_SUM(Book, sold))));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 3);
    const Sales *const *x = (const Sales *const *)(const void *)rows.items;
    ck_assert_str_eq(x[0]->author, "Zoe"); /* null is the greatest: first when falling */
    ck_assert(x[0]->books == 0 && !x[0]->sold.set && !x[0]->price.set);
    ck_assert_str_eq(x[1]->author, "Anna");
    ck_assert(x[1]->books == 3 && x[1]->sold.v == 60 && x[1]->price.v == 2.0);
    ck_assert_str_eq(x[2]->author, "Otto");
    ck_assert(x[2]->books == 1 && x[2]->sold.v == 5);
}

SESSION_TEST(having_keeps_groups)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows rows = st_read(s, Kinds, Book,
                           .fields = ST_FIELDS(ST_FIELD(Kinds, kind, ST_COL(Book, kind)),
                                               ST_FIELD(Kinds, titles, ST_COUNT_DISTINCT(Book, title)),
                                               ST_FIELD(Kinds, last, ST_MAX(Book, title))),
                           .where = ST_GT(Book, sold, 1), .group_by = ST_TERMS(ST_COL(Book, kind)),
                           .having = ST_AND(ST_T_GT(ST_COUNT_ALL, 1), ST_T_GE(ST_SUM(Book, sold), 30)));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 1);
    const Kinds *k = rows.items[0];
    ck_assert(k->kind == KIND_NOVEL && k->titles == 3);
    ck_assert_str_eq(k->last, "Third");
}

SESSION_TEST(single_values_come_by_their_type)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    int64_t n;
    st_opt_int64 sum, none;
    double mean;
    const char *name;
    enum book_kind kind;
    OK(st_scalar(s, Book, ST_COUNT_ALL, &n));
    ck_assert_int_eq(n, 4);
    OK(st_scalar(s, Book, ST_SUM(Book, order), &sum, .where = ST_EQ(Book, kind, KIND_NOVEL)));
    ck_assert(sum.set && sum.v == 6);
    OK(st_scalar(s, Book, ST_SUM(Book, sold), &none, .where = ST_EQ(Book, title, "none")));
    ck_assert(!none.set);
    OK(st_scalar(s, Book, ST_COALESCE(ST_SUM(Book, sold), ST_CONST((int64_t)0)), &n,
                 .where = ST_EQ(Book, title, "none")));
    ck_assert_int_eq(n, 0);
    OK(st_scalar(s, Book, ST_AVG(Book, sold), &mean));
    ck_assert_double_eq(mean, 16.25);
    OK(st_scalar(s, Author, ST_LOWER(ST_MIN(Author, name)), &name));
    ck_assert_str_eq(name, "anna");
    OK(st_scalar(s, Book, ST_COL(Book, kind), &kind, .where = ST_EQ(Book, title, "Poems")));
    ck_assert_int_eq(kind, KIND_POEMS);
    OK(st_scalar(s, Book, ST_PLUS(ST_TIMES(ST_COL(Book, sold), ST_CONST((int64_t)2)), ST_CONST((int64_t)1)), &n,
                 .where = ST_EQ(Book, title, "Poems")));
    ck_assert_int_eq(n, 11);
    CODE(st_scalar(s, Book, ST_COL(Book, sold), &n, .where = ST_EQ(Book, title, "none")), ST_E_NOT_FOUND);
}

SESSION_TEST(joins_take_conditions_on_both_sides)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows rows =
        st_find(s, Book, .joins = ST_JOINS(ST_INNER_ALONG(Book, author, Author, ST_LIKE(Author, name, "A%"))),
                .where = ST_GE(Book, order, 2), .sort = ST_SORT(ST_DOWN(ST_COL(Book, title))));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 2);
    const Book *third = rows.items[0];
    ck_assert_str_eq(third->title, "Third");
    ck_assert_ptr_eq(st_get(s, Book, third->id), third); /* they are the session's objects */
    rows =
        st_find(s, Author,
                .joins = ST_JOINS(ST_INNER(Book, ST_AND(ST_EQ_COL(Book, author_id, Author, id), ST_GT(Book, sold, 9)))),
                .distinct = true);
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 1);
}

SESSION_TEST(a_table_joins_itself_by_an_alias)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows rows = st_read(
        s, Pair, Book, .joins = ST_JOINS(ST_INNER(Sequel, ST_EQ_COL(Sequel, sequel_to, Book, id))),
        .fields = ST_FIELDS(ST_FIELD(Pair, first, ST_COL(Book, title)), ST_FIELD(Pair, second, ST_COL(Sequel, title))),
        .where = ST_COMPARE(ST_OP_LT, ST_COL(Book, sold), ST_COL(Sequel, sold)),
        .sort = ST_SORT(ST_UP(ST_COL(Sequel, title))));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 2);
    ck_assert_str_eq(((const Pair *)rows.items[0])->first, "First");
    ck_assert_str_eq(((const Pair *)rows.items[0])->second, "Second");
    ck_assert_str_eq(((const Pair *)rows.items[1])->second, "Third");
    CODE(st_read(s, Pair, Book, .joins = ST_JOINS(ST_INNER(Book, NULL))).err, ST_E_INVALID);
    ck_assert_msg(strstr(test_diag(), "ST_ALIAS"), "%s", test_diag());
}

SESSION_TEST(subqueries_see_the_query_around_them)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const st_expr *writes =
        ST_EXISTS(Book, .where = ST_AND(ST_EQ_COL(Book, author_id, Author, id), ST_GT(Book, sold, 9)));
    st_rows rows = st_select(s, Author, writes); /* in an ordinary select as well */
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 1);
    ck_assert_str_eq(((const Author *)rows.items[0])->name, "Anna");
    rows = st_select(s, Author, ST_NOT_EXISTS(Book, .where = ST_EQ_COL(Book, author_id, Author, id)));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 1);
    ck_assert_str_eq(((const Author *)rows.items[0])->name, "Zoe");
    rows = st_select(
        s, Author,
        ST_IN_QUERY(ST_COL(Author, id), ST_COL(Book, author_id), Book, .where = ST_EQ(Book, kind, KIND_POEMS)));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 1);
    ck_assert_str_eq(((const Author *)rows.items[0])->name, "Otto");
    rows = st_read(
        s, Sales, Author,
        .fields = ST_FIELDS(
            ST_FIELD(Sales, author, ST_COL(Author, name)), ST_FIELD(Sales, price, ST_CONST(1.5)),
            ST_FIELD(Sales, books, ST_SUBQUERY(ST_COUNT_ALL, Book, .where = ST_EQ_COL(Book, author_id, Author, id))),
            ST_FIELD(Sales, sold,
                     ST_SUBQUERY(ST_MAX(Book, sold), Book, .where = ST_EQ_COL(Book, author_id, Author, id)))),
        .sort = ST_SORT(ST_UP(ST_COL(Author, name))));
    OK(rows.err);
    const Sales *anna = rows.items[0], *zoe = rows.items[2];
    ck_assert(anna->books == 3 && anna->sold.v == 30 && anna->price.v == 1.5);
    ck_assert(zoe->books == 0 && !zoe->sold.set);
    int64_t n;
    OK(st_update_where(s, Author, ST_NOT(writes), &n, ST_SET(Author, email, "no@x")));
    ck_assert_int_eq(n, 2);
    OK(st_delete_where(s, Author, ST_NOT_EXISTS(Book, .where = ST_EQ_COL(Book, author_id, Author, id)), &n));
    ck_assert_int_eq(n, 1);
}

SESSION_TEST(windows_number_and_add_up)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_rows rows =
        st_read(s, Ranked, Book,
                .fields = ST_FIELDS(
                    ST_FIELD(Ranked, title, ST_COL(Book, title)),
                    ST_FIELD(Ranked, place,
                             ST_OVER(ST_RANK, .partition = ST_TERMS(ST_COL(Book, author_id)),
                                     .sort = ST_SORT(ST_DOWN(ST_COL(Book, sold))))),
                    ST_FIELD(Ranked, number, ST_OVER(ST_ROW_NUMBER, .sort = ST_SORT(ST_UP(ST_COL(Book, title))))),
                    ST_FIELD(Ranked, total,
                             ST_OVER(ST_SUM(Book, sold), .partition = ST_TERMS(ST_COL(Book, author_id)),
                                     .sort = ST_SORT(ST_UP(ST_COL(Book, sold)))))),
                .sort = ST_SORT(ST_UP(ST_COL(Book, title))));
    OK(rows.err);
    static const Ranked want[] = {{"First", 3, 1, 10}, {"Poems", 1, 2, 5}, {"Second", 2, 3, 30}, {"Third", 1, 4, 60}};
    ck_assert_uint_eq(rows.n, 4);
    for (size_t i = 0; i < 4; i++) {
        const Ranked *r = rows.items[i];
        ck_assert_str_eq(r->title, want[i].title);
        ck_assert_msg(r->place == want[i].place && r->number == want[i].number && r->total == want[i].total,
                      "%s: %lld %lld %lld", r->title, (long long)r->place, (long long)r->number, (long long)r->total);
    }
    CODE(st_read(s, Ranked, Book,
                 .fields = ST_FIELDS(ST_FIELD(Ranked, title, ST_COL(Book, title)), ST_FIELD(Ranked, place, ST_RANK)))
             .err,
         ST_E_INVALID);
}

SESSION_TEST(a_named_part_is_a_source)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const struct st_read *per_author =
        ST_READ(Book,
                .fields = ST_FIELDS(ST_FIELD(PerAuthor, author_id, ST_COL(Book, author_id)),
                                    ST_FIELD(PerAuthor, sold, ST_SUM(Book, sold))),
                .group_by = ST_TERMS(ST_COL(Book, author_id)));
    st_rows rows =
        st_read(s, Pair, PerAuthor, .with = ST_CTES(ST_CTE(PerAuthor, per_author)),
                .joins = ST_JOINS(ST_INNER(Author, ST_EQ_COL(Author, id, PerAuthor, author_id))),
                .fields = ST_FIELDS(ST_FIELD(Pair, first, ST_COL(Author, name)),
                                    ST_FIELD(Pair, second, ST_COALESCE(ST_COL(Author, email), ST_CONST("none")))),
                .where = ST_GT(PerAuthor, sold, 5));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 1);
    ck_assert_str_eq(((const Pair *)rows.items[0])->first, "Anna");
    ck_assert_str_eq(((const Pair *)rows.items[0])->second, "none");
    CODE(st_read(s, Pair, PerAuthor, .fields = ST_FIELDS(ST_FIELD(Pair, first, ST_CONST("a")))).err, ST_E_INVALID);
}

SESSION_TEST(a_recursion_follows_a_chain)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const struct st_read *start =
        ST_READ(Book,
                .fields = ST_FIELDS(ST_FIELD(Chain, id, ST_COL(Book, id)), ST_FIELD(Chain, title, ST_COL(Book, title)),
                                    ST_FIELD(Chain, depth, ST_CONST((int64_t)0))),
                .where = ST_EQ(Book, title, "First"));
    const struct st_read *next =
        ST_READ(Book, .joins = ST_JOINS(ST_INNER(Chain, ST_EQ_COL(Book, sequel_to, Chain, id))),
                .fields = ST_FIELDS(ST_FIELD(Chain, id, ST_COL(Book, id)), ST_FIELD(Chain, title, ST_COL(Book, title)),
                                    ST_FIELD(Chain, depth, ST_PLUS(ST_COL(Chain, depth), ST_CONST((int64_t)1)))));
    st_rows rows = st_read(s, Chain, Chain, .with = ST_CTES(ST_RECURSIVE(Chain, start, next)),
                           .fields = ST_FIELDS(ST_FIELD(Chain, id, ST_COL(Chain, id)),
                                               ST_FIELD(Chain, title, ST_COL(Chain, title)),
                                               ST_FIELD(Chain, depth, ST_COL(Chain, depth))),
                           .sort = ST_SORT(ST_UP(ST_COL(Chain, depth))));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 3);
    ck_assert_str_eq(((const Chain *)rows.items[2])->title, "Third");
    ck_assert_int_eq(((const Chain *)rows.items[2])->depth, 2);
}

SESSION_TEST(parts_of_json_are_read_and_compared)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    static const struct {
        const char *json;
        int order;
    } docs[] = {{"{\"lang\": \"de\", \"pages\": 120, \"new\": true, \"ids\": [7, {\"k\": 1.5}]}", 50},
                {"{\"lang\": \"en\", \"pages\": 80.5, \"new\": false}", 51},
                {"{\"lang\": null, \"pages\": \"120\"}", 52}};
    st_uuid author = ((const Author *)st_first(s, Author, NULL))->id;
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(st_add(s, Book, .author_id = author, .title = "J", .order = docs[i].order,
                                     .book_metadata = {docs[i].json}));
    }
    const struct {
        const st_expr *where;
        int64_t want;
    } cases[] = {
        {ST_T_EQ(ST_JSON_TEXT(Book, book_metadata, "lang"), "de"), 1},
        {ST_T_IS_NULL(ST_JSON_TEXT(Book, book_metadata, "lang")), 5},
        {ST_T_EQ(ST_JSON_TEXT(Book, book_metadata, "new"), "true"), 1},
        {ST_T_EQ(ST_JSON_TEXT(Book, book_metadata, "pages"), "120"), 2},
        {ST_T_GT(ST_JSON_INT(Book, book_metadata, "pages"), 100), 1},
        {ST_T_GT(ST_JSON_DOUBLE(Book, book_metadata, "pages"), 80), 2},
        {ST_T_EQ(ST_JSON_BOOL(Book, book_metadata, "new"), false), 1},
        {ST_T_EQ(ST_JSON_INT(Book, book_metadata, "ids", "0"), 7), 1},
        {ST_T_EQ(ST_JSON_DOUBLE(Book, book_metadata, "ids", "1", "k"), 1.5), 1},
        {ST_T_LIKE(ST_JSON_TEXT(Book, book_metadata, "lang"), "d%"), 1},
        {ST_T_EQ(ST_JSON_TEXT(Book, book_metadata, "') OR 1 = 1 --"), "de"), 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t n = -1;
        OK(st_count(s, Book, cases[i].where, &n));
        ck_assert_msg(n == cases[i].want, "condition %zu: %lld, not %lld", i, (long long)n, (long long)cases[i].want);
    }
    st_rows rows = st_read(s, Lang, Book,
                           .fields = ST_FIELDS(ST_FIELD(Lang, lang, ST_JSON_TEXT(Book, book_metadata, "lang")),
                                               ST_FIELD(Lang, n, ST_COUNT_ALL)),
                           .group_by = ST_TERMS(ST_JSON_TEXT(Book, book_metadata, "lang")),
                           .sort = ST_SORT(ST_UP(ST_JSON_TEXT(Book, book_metadata, "lang"))));
    OK(rows.err);
    ck_assert_uint_eq(rows.n, 3);
    ck_assert_str_eq(((const Lang *)rows.items[0])->lang, "de");
    ck_assert_ptr_null(((const Lang *)rows.items[2])->lang);
    int64_t n;
    CODE(st_count(s, Book, ST_T_EQ(ST_JSON_TEXT(Book, book_metadata, "a\"b"), "x"), &n), ST_E_INVALID);
}

struct counted {
    int64_t n, sum;
    int stop_at;
};
static int add_row(void *arg, const void *row)
{
    struct counted *c = arg;
    c->sum += ((const Ranked *)row)->place;
    return ++c->n == c->stop_at ? -ECANCELED : 0;
}

SESSION_TEST(rows_stream_without_being_kept)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_uuid author = ((const Author *)st_first(s, Author, NULL))->id;
    for (int i = 0; i < 5000; i++) {
        ck_assert_ptr_nonnull(st_add(s, Book, .author_id = author, .title = "S", .order = i, .sold = 1));
    }
    OK(st_flush(s));
    size_t held = arena_used(st_session_arena(s));
    int64_t copies = 0;
    st_each_stream (Book, b, st_stream(s, Book, ST_EQ(Book, title, "S"), .order = ST_ORDER(ST_ASC(Book, order)))) {
        copies += b->sold;
        if (copies == 3000) {
            break;
        }
    }
    ck_assert_int_eq(copies, 3000);
    struct counted c = {.n = 0};
    for (int i = 0; i < 2; i++) {
        c = (struct counted){.stop_at = i ? 10 : 0};
        st_rows rows = st_read(s, Ranked, Book, .where = ST_EQ(Book, title, "S"), .each = add_row, .arg = &c,
                               .fields = ST_FIELDS(ST_FIELD(Ranked, title, ST_COL(Book, title)),
                                                   ST_FIELD(Ranked, place, ST_COL(Book, sold)),
                                                   ST_FIELD(Ranked, number, ST_COL(Book, order)),
                                                   ST_FIELD(Ranked, total, ST_COL(Book, sold))));
        CODE(rows.err, i ? -ECANCELED : 0);
        ck_assert_int_eq(c.sum, i ? 10 : 5000);
    }
    ck_assert_uint_lt(arena_used(st_session_arena(s)) - held, 4096);
}

SESSION_TEST(a_plan_can_be_looked_at)
{
    library_fill(w, tenant_a);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const char *plan = st_explain(s, Book, .where = ST_EQ(Book, title, "First"));
    ck_assert_msg(plan && strstr(plan, w->dialect == ST_SQLITE ? "SEARCH" : "can"), "%s", plan ? plan : test_diag());
    plan = st_explain(s, Book,
                      .fields = ST_FIELDS(ST_FIELD(Lang, lang, ST_COL(Book, title)), ST_FIELD(Lang, n, ST_COUNT_ALL)),
                      .group_by = ST_TERMS(ST_COL(Book, title)));
    ck_assert_msg(plan && strlen(plan) > 10, "%s", plan ? plan : test_diag());
}

#define LANGS ST_FIELDS(ST_FIELD(Lang, n, ST_COUNT_ALL), ST_FIELD(Lang, lang, ST_CONST("x")))
SESSION_TEST(nonsense_is_named)
{
    library_fill(w, tenant_a);
    const struct {
        const struct st_read *q;
        const char *word;
    } cases[] = {
        {ST_READ(Book, .fields = ST_FIELDS(ST_FIELD(Lang, n, ST_COUNT_ALL))), "Lang.lang"},
        {ST_READ(Book,
                 .fields = ST_FIELDS(ST_FIELD(Lang, n, ST_COUNT_ALL), ST_FIELD(Lang, lang, ST_COL(Author, name)))),
         "Author"},
        {ST_READ(Book, .fields = ST_FIELDS(ST_FIELD(Lang, n, ST_COUNT_ALL), ST_FIELD(Lang, lang, ST_COL(Book, title)),
                                           ST_FIELD(Pair, first, ST_COL(Book, title)))),
         "another result"},
        {ST_READ(Country, .fields = LANGS, .joins = ST_JOINS(ST_LEFT(Sequel, NULL))), "no condition"},
        {ST_READ(Country, .fields = LANGS, .joins = ST_JOINS(ST_INNER_ALONG(Author, books, Book, NULL))),
         "source before"},
        {ST_READ(Book, .fields = ST_FIELDS(ST_FIELD(Lang, n, ST_COUNT_ALL), ST_FIELD(Lang, lang, ST_COL(Book, title))),
                 .where = ST_EXISTS(Book, .where = NULL)),
         "ST_ALIAS"},
        {ST_READ(Chain, .fields = LANGS), "ST_CTE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        CODE(st_read_(s, &Lang_model, cases[i].q).err, ST_E_INVALID);
        ck_assert_msg(strstr(test_diag(), cases[i].word), "no \"%s\" in: %s", cases[i].word, test_diag());
    }
}

RUN("query_read", 60, CASE(groups_are_counted_and_summed), CASE(having_keeps_groups),
    CASE(single_values_come_by_their_type), CASE(joins_take_conditions_on_both_sides),
    CASE(a_table_joins_itself_by_an_alias), CASE(subqueries_see_the_query_around_them), CASE(windows_number_and_add_up),
    CASE(a_named_part_is_a_source), CASE(a_recursion_follows_a_chain), CASE(parts_of_json_are_read_and_compared),
    CASE(rows_stream_without_being_kept), CASE(a_plan_can_be_looked_at), CASE(nonsense_is_named));
