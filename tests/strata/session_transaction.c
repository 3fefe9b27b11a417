/* Commit, rollback, conflicts and failures. */
#include "session_support.h"

#include "fiber/fiber.h"

SESSION_TEST(a_rollback_undoes_everything)
{
    st_uuid anna = author_put(w, tenant_a, "Anna"), otto = author_put(w, tenant_a, "Otto");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, anna), *o = st_get(s, Author, otto);
    for (int flushes = 0; flushes < 3; flushes++) {
        st_edit(s, a)->name = "Zoe";
        if (flushes) {
            OK(st_flush(s));
        }
        if (flushes > 1) {
            st_edit(s, a)->name = "Zita";
            OK(st_flush(s));
        }
        OK(st_delete(s, o));
        Author *added = st_add(s, Author, .name = "New");
        st_uuid id = added->id;
        if (flushes) {
            OK(st_flush(s));
        }
        OK(st_rollback(s));
        ck_assert_str_eq(a->name, "Anna");
        ck_assert_int_eq(a->version, 1);
        ck_assert_ptr_null(st_get(s, Author, id));
        ck_assert_ptr_eq(st_get(s, Author, otto), o);
        ck_assert_ptr_eq(st_get(s, Author, anna), a);
        ck_assert_int_eq(authors_in(w, tenant_a), 2);
    }
}

/* The commit's own flush is refused at its last row: what it did before is undone here, too. */
SESSION_TEST(after_a_commit_that_failed_objects_are_as_before)
{
    st_uuid anna = author_put(w, tenant_a, "Anna"), otto = author_put(w, tenant_a, "Otto");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    for (int savepoint = 0; savepoint < 2; savepoint++) {
        struct st_mark sp;
        const Author *a = st_get(s, Author, anna), *o = st_get(s, Author, otto);
        OK(savepoint ? st_savepoint(s, &sp) : 0);
        st_edit(s, a)->name = "Zoe";
        OK(st_delete(s, o));
        Author *added[20];
        for (int i = 0; i < 20; i++) {
            added[i] = st_add(s, Author, .name = arena_printf(w->a, "a%d", i));
        }
        added[19]->name = "a3";
        CODE(st_commit(s), ST_E_UNIQUE);
        OK(savepoint ? st_rollback_to(s, &sp) : st_rollback(s));
        ck_assert_str_eq(a->name, "Anna");
        ck_assert_int_eq(a->version, savepoint + 1);
        ck_assert_ptr_eq(st_get(s, Author, otto), o);
        ck_assert_ptr_null(st_get(s, Author, added[0]->id));
        ck_assert_uint_eq(st_select(s, Author, NULL).n, 2);
        st_edit(s, a)->born = (st_opt_int32){savepoint, true}; /* and the session works */
        OK(st_commit(s));
    }
}

SESSION_TEST(a_forgotten_object_is_not_taken_again)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    Author *a = st_add(s, Author, .name = "Anna");
    OK(st_flush(s));
    st_edit(s, a)->name = "Zoe"; /* both written and pending */
    OK(st_rollback(s));
    ck_assert_ptr_null(st_get(s, Author, a->id));
    ck_assert_ptr_null(st_edit(s, a));
    CODE(st_commit(s), ST_E_INVALID);
}

SESSION_TEST(closing_without_commit_rolls_back)
{
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna"));
        OK(st_flush(s));
    }
    ck_assert_int_eq(authors_in(w, tenant_a), 0);
}

SESSION_TEST(a_session_goes_on_after_its_rollback)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna"));
    OK(st_rollback(s));
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Otto"));
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 1);
    OK(st_commit(s)); /* nothing to do */
    OK(st_rollback(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 1);
}

/* Loads id, lets meanwhile happen, then commits change. */
enum meanwhile { EDITED, DELETED };
static void conflicts(struct world *w, enum meanwhile m, bool by_delete)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, id);
    OK(st_commit(s));
    {
        ST_SESSION(other, w->e, .tenant = tenant_a);
        const Author *same = st_get(other, Author, id);
        if (m == EDITED) {
            st_edit(other, same)->name = "Otto";
        } else {
            OK(st_delete(other, same));
        }
        OK(st_commit(other));
    }
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Innocent"));
    if (by_delete) {
        OK(st_delete(s, a));
    } else {
        st_edit(s, a)->name = "Zoe";
    }
    char text[UUID_TEXT_LEN + 1];
    uuid_format(id, text);
    CODE(st_commit(s), ST_E_CONFLICT);
    ck_assert_msg(strstr(test_diag(), "authors") && strstr(test_diag(), text), "%s", test_diag());
    ck_assert_str_eq(diag_last()->table, "authors");
    CODE(st_commit(s), ST_E_CONFLICT);
    OK(st_rollback(s));
    ck_assert_str_eq(a->name, "Anna");
    int64_t n;
    OK(st_count(s, Author, ST_EQ(Author, name, "Innocent"), &n));
    ck_assert_int_eq(n, 0); /* nothing of the failed commit stayed */
    OK(st_delete_where(s, Author, NULL, NULL));
    OK(st_commit(s));
}

SESSION_TEST(a_conflict_names_the_row_and_commits_nothing)
{
    conflicts(w, EDITED, false);
    conflicts(w, DELETED, false);
    conflicts(w, EDITED, true);
    conflicts(w, DELETED, true);
}

SESSION_TEST(a_failure_sticks_until_rollback)
{
    (void)author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna"));
    CODE(st_flush(s), ST_E_UNIQUE);
    CODE(st_commit(s), ST_E_UNIQUE);
    ck_assert_ptr_null(st_add(s, Author, .name = "Otto"));
    ck_assert_int_eq(st_select(s, Author, NULL).err, ST_E_UNIQUE);
    ck_assert_ptr_nonnull(strstr(test_diag(), "authors"));
    ck_assert_int_eq(st_session_error(s), ST_E_UNIQUE);
    OK(st_rollback(s));
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Otto"));
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 2);
}

SESSION_TEST(the_database_says_what_was_violated)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_nonnull(st_add(s, Book, .author_id = tenant_b, .title = "x"));
    CODE(st_commit(s), ST_E_FOREIGN_KEY);
    OK(st_rollback(s));
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Anna", .country = "zz"));
    CODE(st_flush(s), ST_E_FOREIGN_KEY);
}

SESSION_TEST(a_broken_rule_is_told_before_anything_is_sent)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "Fine"));
    ck_assert_ptr_nonnull(st_add(s, Author, .name = "much too long"));
    CODE(st_flush(s), ST_E_INVALID);
    ck_assert_str_eq(diag_last()->column, "name");
    OK(st_rollback(s));
    Author *a = st_add(s, Author, .name = "Anna");
    OK(st_commit(s));
    st_edit(s, a)->email = "nonsense";
    CODE(st_commit(s), ST_E_INVALID);
    ck_assert_str_eq(diag_last()->column, "email");
    OK(st_rollback(s));
    st_edit(s, a)->id = tenant_b;
    CODE(st_commit(s), ST_E_INVALID);
    ck_assert_ptr_nonnull(strstr(test_diag(), "key"));
    OK(st_rollback(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 1);
}

SESSION_TEST(a_read_only_session_writes_nothing)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a, .read_only = true);
    const Author *a = st_get(s, Author, id);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_null(st_edit(s, a));
    CODE(st_commit(s), ST_E_READ_ONLY);
    OK(st_rollback(s));
    ck_assert_ptr_null(st_add(s, Author, .name = "Otto"));
    OK(st_rollback(s));
    CODE(st_delete(s, a), ST_E_READ_ONLY);
    OK(st_rollback(s));
    CODE(st_delete_where(s, Author, NULL, NULL), ST_E_READ_ONLY);
    OK(st_rollback(s));
    void *row = &(Author){.name = "x"};
    CODE(st_insert_many(s, Author, &row, 1, NULL), ST_E_READ_ONLY);
    ck_assert_int_eq(authors_in(w, tenant_a), 1);
}

SESSION_TEST(readers_do_not_wait_for_a_writer)
{
    (void)author_put(w, tenant_a, "Anna");
    ST_SESSION(writer, w->e, .tenant = tenant_a);
    ck_assert_ptr_nonnull(st_add(writer, Author, .name = "Otto"));
    OK(st_flush(writer));
    ST_SESSION(reader, w->e, .tenant = tenant_a, .read_only = true);
    int64_t n;
    OK(st_count(reader, Author, NULL, &n));
    ck_assert_int_eq(n, 1);
    OK(st_commit(writer));
}

/* ---- cancellation ---- */

struct wait {
    struct world *w;
    st_err got, after;
    bool done;
};

static int wait_for_lock(void *arg)
{
    struct wait *x = arg;
    ST_SESSION(s, x->w->e, .tenant = tenant_a);
    const Author *a = st_first(s, Author, NULL, .for_update = true); /* another session has it */
    x->got = a ? 0 : st_session_error(s);
    x->after = st_commit(s);
    x->done = true;
    return 0;
}

SESSION_TEST(a_cancelled_session_returns_its_connection_clean)
{
    (void)author_put(w, tenant_a, "Anna");
    struct wait x = {.w = w};
    {
        ST_SESSION(holder, w->e, .tenant = tenant_a);
        const Author *a = st_first(holder, Author, NULL, .for_update = true);
        st_edit(holder, a)->born = (st_opt_int32){1, true};
        OK(st_flush(holder));
        {
            FIBER_BUNDLE(b);
            OK(fiber_start(&b, wait_for_lock, &x));
            OK(fiber_sleep_until(fiber_now() + 30000000));
            ck_assert(!x.done);
        } /* cancels */
        ck_assert(x.done);
        ck_assert_int_eq(x.got, -ECANCELED);
        ck_assert_int_eq(x.after, -ECANCELED);
    }
    struct st_pool_stats stats;
    st_engine_stats(w->e, &stats);
    ck_assert_uint_eq(stats.in_use, 0);
    ck_assert_int_eq(authors_in(w, tenant_a), 1);
}

SESSION_TEST(a_deadline_ends_a_wait)
{
    (void)author_put(w, tenant_a, "Anna");
    ST_SESSION(holder, w->e, .tenant = tenant_a);
    st_edit(holder, st_first(holder, Author, NULL))->born = (st_opt_int32){1, true};
    OK(st_flush(holder));
    ST_SESSION(s, w->e, .tenant = tenant_a, .deadline = fiber_in_ms(30));
    ck_assert_ptr_null(st_first(s, Author, NULL, .for_update = true));
    st_err rc = st_session_error(s);
    ck_assert_msg(rc == -ETIMEDOUT || rc == ST_E_POOL_TIMEOUT, "%d: %s", rc, test_diag());
}

static int second_user(void *arg)
{
    st_session *s = arg;
    return st_select(s, Author, NULL).err;
}

SESSION_TEST(two_fibers_in_one_session_are_told)
{
    (void)author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, second_user, s));
    OK(fiber_start(&b, second_user, s));
    ck_assert_int_eq(fiber_bundle_wait(&b, FIBER_FOREVER), -EBUSY);
    OK(st_session_error(s)); /* the first one's call is not harmed */
    OK(st_commit(s));
}

START_TEST(without_memory_the_session_still_answers)
{
    struct world w;
    world_open(&w, ST_SQLITE, NULL);
    {
        mem_fail_at(1, true);
        ST_SESSION(s, w.e, .tenant = tenant_a);
        mem_fail_at(0, false);
        ck_assert_ptr_nonnull(s);
        ck_assert_ptr_null(st_add(s, Author, .name = "Anna"));
        CODE(st_commit(s), -ENOMEM);
        CODE(st_rollback(s), -ENOMEM);
        ck_assert_int_eq(st_select(s, Author, NULL).err, -ENOMEM);
        ck_assert_int_eq(st_session_error(s), -ENOMEM);
    }
    world_close(&w);
}
END_TEST

RUN("session_transaction", 60, CASE(a_rollback_undoes_everything),
    CASE(after_a_commit_that_failed_objects_are_as_before), CASE(a_forgotten_object_is_not_taken_again),
    CASE(closing_without_commit_rolls_back), CASE(a_session_goes_on_after_its_rollback),
    CASE(a_conflict_names_the_row_and_commits_nothing), CASE(a_failure_sticks_until_rollback),
    CASE(the_database_says_what_was_violated), CASE(a_broken_rule_is_told_before_anything_is_sent),
    CASE(a_read_only_session_writes_nothing), CASE(readers_do_not_wait_for_a_writer),
    CASE(a_cancelled_session_returns_its_connection_clean), CASE(a_deadline_ends_a_wait),
    CASE(two_fibers_in_one_session_are_told), CASE(without_memory_the_session_still_answers));
