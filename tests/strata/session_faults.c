/* Every allocation failed in turn over a day's work: the code is -ENOMEM, nothing leaks (AddressSanitizer looks),
 * nothing is half written, and the engine works after. */
#include "session_support.h"

/* Loads, adds, edits, deletes, counts, upserts; ends with a commit. */
static st_err work(st_engine *e, st_uuid anna)
{
    ST_SESSION(s, e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, anna);
    if (a) {
        Author *edit = st_edit(s, a);
        if (edit) {
            edit->email = "anna@example.org";
        }
    }
    for (int i = 0; i < 10; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "new%d", i);
        Author *added = st_add(s, Author, .name = name);
        if (!added || st_flush(s) != 0) {
            return st_session_error(s);
        }
    }
    static const char *const names[] = {"b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8"};
    for (int i = 0; i < 9; i++) {
        (void)st_add(s, Author, .name = names[i]);
    }
    Author bulk[2] = {{.name = "bulk", .email = "a@b"}, {.name = "new3", .email = "a@b"}};
    void *const rows[2] = {&bulk[0], &bulk[1]};
    struct st_bulk_result got;
    int64_t n = 0;
    st_err rc = st_insert_many(s, Author, rows, 2, &got, .conflict = ST_MEMBERS(Author, name),
                               .update = ST_MEMBERS(Author, email));
    rc = rc ? rc : st_count(s, Author, ST_LIKE(Author, name, "new%"), &n);
    if (rc) {
        return rc;
    }
    st_each_stream (Author, x, st_stream(s, Author, ST_LIKE(Author, name, "b%"), .batch = 4)) {
        if (strcmp(x->name, "b3") == 0) {
            const Author *row = st_attach(s, Author, x);
            Author *b = row ? st_edit(s, row) : NULL;
            if (!b) {
                return st_session_error(s);
            }
            b->email = "b@example.org";
        }
    }
    if (st_session_error(s)) {
        return st_session_error(s);
    }
    const Author *last = st_first(s, Author, ST_IN(Author, name, names, 9), .order = ST_ORDER(ST_DESC(Author, name)));
    rc = last ? st_delete(s, last) : st_session_error(s);
    return rc ? rc : st_commit(s);
}

static void clear(struct world *w)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(st_delete_where(s, Author, ST_NE(Author, name, "Anna"), NULL));
    OK(st_update_where(s, Author, NULL, NULL, ST_SET_NULL(Author, email)));
    OK(st_commit(s));
}

static void expect(struct world *w, bool committed)
{
    struct st_pool_stats stats;
    st_engine_stats(w->e, &stats);
    ck_assert_uint_eq(stats.in_use, 0);
    ck_assert_int_eq(authors_in(w, tenant_a), committed ? 20 : 1);
}

START_TEST(every_allocation_may_fail)
{
    uint64_t failed = 0;
    for (uint64_t i = 1;; i++) {
        struct world w;
        world_open(&w, ST_SQLITE, NULL);
        library_create(&w);
        st_uuid anna = author_put(&w, tenant_a, "Anna");
        (void)anna;
        st_engine_close(w.e); /* a fresh engine: its first mappers, plans and sessions fail too */
        OK(st_engine_open(w.url, NULL, &w.e));
        mem_fail_at(i, false);
        st_err rc = work(w.e, anna);
        bool reached = mem_fail_seen() >= i;
        mem_fail_at(0, false);
        if (rc) {
            ck_assert_msg(rc == -ENOMEM, "allocation %llu: %d: %s", (unsigned long long)i, rc, test_diag());
            failed++;
        }
        expect(&w, rc == 0);
        clear(&w);
        OK(work(w.e, anna));
        expect(&w, true);
        world_close(&w);
        if (!reached) {
            break;
        }
    }
    ck_assert_uint_gt(failed, 30);
}
END_TEST

START_TEST(all_allocations_fail_from_one_on)
{
    for (uint64_t i = 1; i < 200; i += 7) {
        struct world w;
        world_open(&w, ST_SQLITE, NULL);
        library_create(&w);
        st_uuid anna = author_put(&w, tenant_a, "Anna");
        mem_fail_at(i, true);
        st_err rc = work(w.e, anna);
        mem_fail_at(0, false);
        ck_assert(rc == 0 || rc == -ENOMEM);
        expect(&w, rc == 0);
        world_close(&w);
    }
}
END_TEST

RUN("session_faults", 100, CASE(every_allocation_may_fail), CASE(all_allocations_fail_from_one_on));
