/* Every allocation failed in turn over queries of each kind: the code is -ENOMEM, nothing leaks, and the engine works
 * after. */
#include "query_support.h"

static int no_row(void *arg, const void *row)
{
    (void)arg;
    (void)row;
    return 0;
}

static st_err work(st_engine *e)
{
    ST_SESSION(s, e, .tenant = tenant_a);
    int64_t n;
    struct st_page page;
    st_err rc = st_read(s, Lang, Book,
                        .fields = ST_FIELDS(ST_FIELD(Lang, lang, ST_COL(Book, title)), ST_FIELD(Lang, n, ST_COUNT_ALL)),
                        .group_by = ST_TERMS(ST_COL(Book, title)),
                        .where = ST_EXISTS(Author, .where = ST_EQ_COL(Author, id, Book, author_id)))
                    .err;
    rc = rc ? rc : st_find(s, Author, .joins = ST_JOINS(ST_INNER_ALONG(Author, books, Book, NULL))).err;
    rc = rc ? rc : st_scalar(s, Book, ST_COUNT_ALL, &n);
    rc = rc ? rc : st_page(s, Book, NULL, ST_ORDER(ST_DESC(Book, sold)), NULL, 2, &page);
    rc = rc ? rc : st_page(s, Book, NULL, ST_ORDER(ST_DESC(Book, sold)), page.next, 2, &page);
    rc = rc ? rc
            : st_raw(s, Lang, "SELECT 'x', $1 + 1", ST_PARAMS(ST_V((int64_t)1)), .confined = true, .each = no_row).err;
    rc = rc || st_explain(s, Book, .where = ST_EQ(Book, title, "x")) ? rc : st_session_error(s);
    return rc;
}

START_TEST(every_allocation_of_a_query_may_fail)
{
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    library_create(&w);
    library_fill(&w, tenant_a);
    uint64_t failed = 0;
    for (uint64_t i = 1;; i++) {
        st_engine_close(w.e); /* a fresh engine: its first mappers, plans and sessions fail too */
        OK(st_engine_open(w.url, NULL, &w.e));
        mem_fail_at(i, false);
        st_err rc = work(w.e);
        bool reached = mem_fail_seen() >= i;
        mem_fail_at(0, false);
        ck_assert_msg(rc == 0 || rc == -ENOMEM, "allocation %llu: %d: %s", (unsigned long long)i, rc, test_diag());
        failed += rc != 0;
        struct st_pool_stats stats;
        st_engine_stats(w.e, &stats);
        ck_assert_uint_eq(stats.in_use, 0);
        OK(work(w.e));
        if (!reached) {
            break;
        }
    }
    ck_assert_uint_gt(failed, 20);
    world_close(&w);
}
END_TEST

RUN("query_faults", 60, CASE(every_allocation_of_a_query_may_fail));
