/* Pages by cursor: every row once, in order, however the order is made. */
#include "query_support.h"

enum { AUTHORS = 60 };

static void fill(struct world *w)
{
    static char names[AUTHORS][8];
    ST_SESSION(s, w->e, .tenant = tenant_a);
    for (int i = 0; i < AUTHORS; i++) {
        (void)snprintf(names[i], sizeof names[i], "n%02d", (i * 37) % AUTHORS);
        ck_assert_ptr_nonnull(
            st_add(s, Author, .name = names[i], .email = i % 3 ? "a@b" : NULL, .born = {i % 7, i % 5 != 0}));
    }
    OK(st_commit(s));
}

/* Pages of size through the order, beside one select of all. */
static void pages_agree(struct world *w, const struct st_order *order, uint64_t size)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    st_uuid seen[AUTHORS];
    size_t n = 0;
    const char *cursor = NULL;
    const Author *before = NULL;
    do {
        struct st_page page;
        OK(st_page(s, Author, ST_LT(Author, name, "n50"), order, cursor, size, &page));
        ck_assert_uint_le(page.rows.n, size);
        st_each (Author, a, page.rows) {
            ck_assert_uint_lt(n, AUTHORS);
            for (size_t i = 0; i < n; i++) {
                ck_assert_msg(!uuid_eq(seen[i], a->id), "%s comes twice", a->name);
            }
            if (before && order && order[0].offset == offsetof(Author, born)) {
                int was = before->born.set ? before->born.v : 1000, is = a->born.set ? a->born.v : 1000;
                ck_assert_msg(order[0].descending ? is <= was : is >= was, "%d behind %d", is, was);
            }
            seen[n++] = a->id;
            before = a;
        }
        cursor = page.next;
    } while (cursor);
    ck_assert_uint_eq(n, 50);
}

SESSION_TEST(no_row_is_skipped_and_none_comes_twice)
{
    fill(w);
    pages_agree(w, NULL, 7);
    pages_agree(w, ST_ORDER(ST_ASC(Author, name)), 7);
    pages_agree(w, ST_ORDER(ST_DESC(Author, created_at), ST_DESC(Author, name)), 10);
    pages_agree(w, ST_ORDER(ST_ASC(Author, born)), 1);
    pages_agree(w, ST_ORDER(ST_DESC(Author, born)), 3);
    pages_agree(w, ST_ORDER(ST_DESC(Author, born), ST_ASC(Author, email), ST_DESC(Author, name)), 4);
    pages_agree(w, ST_ORDER(ST_ASC(Author, version), ST_DESC(Author, name)), 100);
}

SESSION_TEST(a_cursor_belongs_to_its_order_and_tenant)
{
    fill(w);
    struct st_page page, other;
    char cursor[256];
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        OK(st_page(s, Author, NULL, ST_ORDER(ST_ASC(Author, name)), NULL, 5, &page));
        (void)snprintf(cursor, sizeof cursor, "%s", page.next);
        OK(st_page(s, Author, NULL, ST_ORDER(ST_ASC(Author, name)), cursor, 5, &other));
        ck_assert_str_eq(((const Author *)other.rows.items[0])->name, "n05");
        CODE(st_page(s, Author, NULL, ST_ORDER(ST_DESC(Author, name)), cursor, 5, &other), ST_E_INVALID);
    }
    {
        ST_SESSION(s, w->e, .tenant = tenant_b);
        CODE(st_page(s, Author, NULL, ST_ORDER(ST_ASC(Author, name)), cursor, 5, &other), ST_E_INVALID);
    }
    for (size_t i = 0; cursor[i]; i++) { /* every byte changed: refused, or another place in the tenant's own rows */
        ST_SESSION(s, w->e, .tenant = tenant_a);
        char kept = cursor[i];
        cursor[i] = kept == 'B' ? 'Q' : 'B';
        st_err rc = st_page(s, Author, NULL, ST_ORDER(ST_ASC(Author, name)), cursor, 5, &other);
        ck_assert_msg(rc == 0 || rc == ST_E_INVALID, "byte %zu: %d: %s", i, rc, test_diag());
        cursor[i] = i % 2 ? '*' : '\0';
        CODE(rc ? ST_E_INVALID : st_page(s, Author, NULL, ST_ORDER(ST_ASC(Author, name)), cursor, 5, &other),
             ST_E_INVALID);
        cursor[i] = kept;
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    CODE(st_page(s, Author, NULL, NULL, NULL, 0, &other), ST_E_INVALID);
}

SESSION_TEST(a_deep_page_costs_what_the_first_does)
{
    fill(w);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const struct st_value place[] = {st_v_text("n05"), st_v_uuid(tenant_a)};
    const st_expr after = {
        .op = ST_OP_AFTER, .n = 2, .values = place, .order = ST_ORDER(ST_ASC(Author, name), ST_ASC(Author, id))};
    const char *plan = st_explain(s, Author, .where = &after);
    ck_assert_ptr_nonnull(plan);
    if (w->dialect == ST_SQLITE) {
        ck_assert_msg(strstr(plan, "name>"), "%s", plan); /* an index is searched from the place on */
    } else {
        ck_assert_msg(strstr(plan, "ROW("), "%s", plan);
    }
}

RUN("query_page", 60, CASE(no_row_is_skipped_and_none_comes_twice), CASE(a_cursor_belongs_to_its_order_and_tenant),
    CASE(a_deep_page_costs_what_the_first_does));
