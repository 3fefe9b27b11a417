/* Going back a part of the way. */
#include "session_support.h"

SESSION_TEST(a_rollback_to_a_savepoint_undoes_what_came_after_it)
{
    st_uuid anna = author_put(w, tenant_a, "Anna"), otto = author_put(w, tenant_a, "Otto");
    for (int flushes = 0; flushes < 3; flushes++) {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Author *a = st_get(s, Author, anna), *o = st_get(s, Author, otto);
        struct st_mark sp;
        st_edit(s, a)->born = (st_opt_int32){1900 + flushes, true};
        Author *before = st_add(s, Author, .name = "Before");
        OK(st_savepoint(s, &sp));
        int32_t version = a->version;
        for (int again = 0; again < 2; again++) { /* the savepoint stays */
            st_edit(s, a)->name = "Zoe";
            st_edit(s, before)->name = "Changed";
            if (flushes) {
                OK(st_flush(s));
            }
            if (flushes > 1) {
                st_edit(s, a)->name = "Zita";
                OK(st_delete(s, before));
                OK(st_flush(s));
            }
            OK(st_delete(s, o));
            st_uuid after = st_add(s, Author, .name = "After")->id;
            if (flushes) {
                OK(st_flush(s));
            }
            OK(st_rollback_to(s, &sp));
            ck_assert_str_eq(a->name, "Anna");
            ck_assert_int_eq(a->born.v, 1900 + flushes);
            ck_assert_int_eq(a->version, version);
            ck_assert_str_eq(before->name, "Before");
            ck_assert_ptr_eq(st_get(s, Author, before->id), before);
            ck_assert_ptr_eq(st_get(s, Author, otto), o);
            ck_assert_ptr_null(st_get(s, Author, after));
            int64_t n;
            OK(st_count(s, Author, NULL, &n));
            ck_assert_int_eq(n, 3);
        }
        st_edit(s, a)->email = "anna@example.org";
        OK(st_delete(s, before));
        OK(st_commit(s));
        ck_assert_int_eq(authors_in(w, tenant_a), 2);
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, anna);
    ck_assert_int_eq(a->born.v, 1902);
    ck_assert_str_eq(a->email, "anna@example.org");
}

SESSION_TEST(savepoints_nest)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    struct st_mark outer, inner;
    Author *a = st_add(s, Author, .name = "Anna");
    OK(st_savepoint(s, &outer));
    a->name = "Two"; /* found by the flush of the next savepoint */
    OK(st_savepoint(s, &inner));
    a->name = "Three";
    st_uuid lost = st_add(s, Author, .name = "Lost")->id;
    OK(st_flush(s));
    OK(st_rollback_to(s, &inner));
    ck_assert_str_eq(a->name, "Two");
    ck_assert_ptr_null(st_get(s, Author, lost));
    OK(st_delete(s, a));
    OK(st_release(s, &inner));
    OK(st_rollback_to(s, &outer)); /* over the released one */
    ck_assert_str_eq(a->name, "Anna");
    ck_assert_ptr_eq(st_get(s, Author, a->id), a);
    OK(st_release(s, &outer));
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 1);
    ck_assert_str_eq(a->name, "Anna");
}

SESSION_TEST(a_failure_after_a_savepoint_costs_only_what_came_after_it)
{
    (void)author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    struct st_mark sp;
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Otto"));
    OK(st_savepoint(s, &sp));
    for (int i = 0; i < 12; i++) { /* one by one, and in bulk */
        ck_assert_ptr_nonnull(st_add(s, Author, .name = i % 3 == 2 ? "Anna" : i % 3 ? "Fine" : "Good"));
        if (i % 3 == 2 && i < 9) {
            CODE(st_flush(s), ST_E_UNIQUE);
            CODE(st_flush(s), ST_E_UNIQUE);
            OK(st_rollback_to(s, &sp));
            OK(st_session_error(s));
        }
    }
    OK(st_rollback_to(s, &sp)); /* nothing of the last three was sent */
    for (int i = 0; i < 12; i++) {
        ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna"));
    }
    CODE(st_flush(s), ST_E_UNIQUE);
    OK(st_rollback_to(s, &sp));
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Zoe"));
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 3);
}

SESSION_TEST(writes_past_the_identity_map_are_undone_and_read_again)
{
    st_uuid anna = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    struct st_mark sp;
    const Author *a = st_get(s, Author, anna);
    OK(st_savepoint(s, &sp));
    OK(st_update_where(s, Author, NULL, NULL, ST_SET(Author, name, "All")));
    ck_assert_str_eq(st_get(s, Author, anna)->name, "All");
    OK(st_rollback_to(s, &sp));
    ck_assert_ptr_eq(st_get(s, Author, anna), a);
    ck_assert_str_eq(a->name, "Anna");
    st_edit(s, a)->name = "Zoe";
    OK(st_commit(s));
}

SESSION_TEST(a_savepoint_ends_with_its_transaction_and_with_those_around_it)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    struct st_mark outer, inner;
    OK(st_savepoint(s, &outer));
    OK(st_savepoint(s, &inner));
    OK(st_rollback_to(s, &outer));
    CODE(st_rollback_to(s, &inner), ST_E_INVALID);
    OK(st_rollback_to(s, &outer)); /* also over the misuse */
    OK(st_savepoint(s, &inner));
    OK(st_release(s, &outer));
    CODE(st_release(s, &inner), ST_E_INVALID);
    OK(st_rollback(s));
    OK(st_savepoint(s, &outer));
    OK(st_commit(s));
    CODE(st_rollback_to(s, &outer), ST_E_INVALID);
    OK(st_rollback(s));
    OK(st_savepoint(s, &outer));
    OK(st_rollback(s));
    CODE(st_release(s, &outer), ST_E_INVALID);
    OK(st_rollback(s));
    for (int i = 0; i < ST_SAVEPOINTS_MAX; i++) {
        OK(st_savepoint(s, &outer));
    }
    CODE(st_savepoint(s, &outer), ST_E_INVALID);
}

/* Every allocation of a day with savepoints fails in turn: the session says so, and works after its rollback. */
static st_err day(st_session *s)
{
    struct st_mark sp;
    Author *a = st_add(s, Author, .name = "Anna");
    st_err rc = st_savepoint(s, &sp);
    if (!rc) {
        a->name = "Zoe";
        for (int i = 0; i < 40; i++) {
            (void)st_add(s, Note, .body = "x");
        }
        rc = st_flush(s);
        rc = rc ? rc : st_delete(s, a);
        rc = rc ? rc : st_flush(s);
        rc = rc ? rc : st_rollback_to(s, &sp);
    }
    rc = rc ? rc : st_release(s, &sp);
    rc = rc ? rc : st_commit(s);
    if (!rc) {
        ck_assert_str_eq(a->name, "Anna");
    }
    return rc;
}

START_TEST(memory_running_out_between_savepoints_is_told)
{
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    library_create(&w);
    st_err rc = -ENOMEM;
    unsigned failures = 0;
    for (unsigned at = 1; rc; at++) {
        ST_SESSION(s, w.e, .tenant = tenant_a);
        mem_fail_at(at, false);
        rc = day(s);
        mem_fail_at(0, false);
        ck_assert_int_lt(at, 5000);
        failures += rc != 0;
        ck_assert_msg(rc == 0 || rc == -ENOMEM, "%d: %s", rc, test_diag());
        OK(st_rollback(s));
    }
    ck_assert_uint_gt(failures, 0);
    ck_assert_int_eq(authors_in(&w, tenant_a), 1);
    world_close(&w);
}
END_TEST

RUN("session_savepoint", 60, CASE(a_rollback_to_a_savepoint_undoes_what_came_after_it), CASE(savepoints_nest),
    CASE(a_failure_after_a_savepoint_costs_only_what_came_after_it),
    CASE(writes_past_the_identity_map_are_undone_and_read_again),
    CASE(a_savepoint_ends_with_its_transaction_and_with_those_around_it),
    CASE(memory_running_out_between_savepoints_is_told));
