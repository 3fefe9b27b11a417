/* Isolation levels, and transactions that are run again. */
#include "session_support.h"

#include <errno.h>

#include "fiber/fiber.h"

struct job {
    struct world *w;
    st_uuid id;
    int calls, disturbed; /* how many of the calls another writer comes between */
    st_err code;          /* what to return */
};

static void disturb(const struct job *j)
{
    ST_SESSION(other, j->w->e, .tenant = tenant_a);
    st_edit(other, st_get(other, Author, j->id))->born = (st_opt_int32){j->calls, true};
    OK(st_commit(other));
}

static st_err rename_author(st_session *s, void *arg)
{
    struct job *j = arg;
    const Author *a = st_get(s, Author, j->id);
    if (st_commit(s) != 0) { /* from here on only the version guards it */
        return st_session_error(s);
    }
    ck_assert_ptr_nonnull(a);
    if (j->calls++ < j->disturbed) {
        disturb(j);
    }
    st_edit(s, a)->name = "Renamed";
    return j->code;
}

SESSION_TEST(a_conflict_is_tried_again_and_then_committed)
{
    struct job j = {.w = w, .id = author_put(w, tenant_a, "Anna"), .disturbed = 2};
    OK(st_retry(w->e, &(const struct st_session_options){.tenant = tenant_a}, rename_author, &j, 0));
    ck_assert_int_eq(j.calls, 3);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, j.id);
    ck_assert_str_eq(a->name, "Renamed");
    ck_assert_int_eq(a->born.v, 2);
}

SESSION_TEST(tries_and_time_are_limited)
{
    struct job j = {.w = w, .id = author_put(w, tenant_a, "Anna"), .disturbed = 100};
    CODE(st_retry(w->e, &(const struct st_session_options){.tenant = tenant_a}, rename_author, &j, 3), ST_E_CONFLICT);
    ck_assert_int_eq(j.calls, 3);
    ck_assert_ptr_nonnull(strstr(test_diag(), "tried 3 times"));
    j.calls = 0;
    const struct st_session_options o = {.tenant = tenant_a, .deadline = fiber_in_ms(400)};
    st_err rc = st_retry(w->e, &o, rename_author, &j, 100);
    ck_assert_msg(rc == ST_E_CONFLICT || rc == -ETIMEDOUT || rc == ST_E_POOL_TIMEOUT, "%d: %s", rc, test_diag());
    ck_assert_int_lt(j.calls, 100);
}

SESSION_TEST(other_failures_are_not_tried_again)
{
    const struct st_session_options o = {.tenant = tenant_a};
    struct job j = {.w = w, .id = author_put(w, tenant_a, "Anna"), .code = -EPERM};
    CODE(st_retry(w->e, &o, rename_author, &j, 0), -EPERM);
    (void)author_put(w, tenant_a, "Renamed");
    j.code = 0;
    CODE(st_retry(w->e, &o, rename_author, &j, 0), ST_E_UNIQUE);
    ck_assert_int_eq(j.calls, 2);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_str_eq(st_get(s, Author, j.id)->name, "Anna"); /* nothing was committed */
}

/* ---- isolation ---- */

struct counting {
    struct world *w;
    enum st_isolation isolation;
    int calls;
    int64_t first, second;
};

static st_err count_and_add(st_session *s, void *arg)
{
    struct counting *c = arg;
    OK(st_count(s, Author, NULL, &c->first));
    if (c->calls++ == 0) {
        int64_t n;
        ST_SESSION(other, c->w->e, .tenant = tenant_a, .isolation = c->isolation);
        OK(st_count(other, Author, NULL, &n));
        ck_assert_ptr_nonnull(st_add(other, Author, .name = "Other"));
        OK(st_commit(other));
    }
    OK(st_count(s, Author, NULL, &c->second));
    return st_add(s, Author, .name = "Mine") ? 0 : st_session_error(s);
}

SESSION_TEST(a_level_decides_what_a_transaction_sees_of_others)
{
    static const int calls[] = {[ST_READ_COMMITTED] = 1, [ST_REPEATABLE_READ] = 1, [ST_SERIALIZABLE] = 2};
    if (w->kind == WORLD_SQLITE) {
        return; /* writers go one after the other */
    }
    for (enum st_isolation i = ST_READ_COMMITTED; i <= ST_SERIALIZABLE; i++) {
        struct counting c = {.w = w, .isolation = i};
        OK(st_retry(w->e, &(const struct st_session_options){.tenant = tenant_a, .isolation = i}, count_and_add, &c,
                    0));
        ck_assert_int_eq(c.calls, calls[i]);
        ck_assert_int_eq(c.second - c.first, i == ST_READ_COMMITTED);
        ST_SESSION(s, w->e, .tenant = tenant_a);
        int64_t n;
        OK(st_delete_where(s, Author, NULL, &n));
        ck_assert_int_eq(n, 2);
        OK(st_commit(s));
    }
}

SESSION_TEST(every_level_reads_and_writes)
{
    for (enum st_isolation i = ST_ISOLATION_DEFAULT; i <= ST_SERIALIZABLE; i++) {
        ST_SESSION(s, w->e, .tenant = tenant_a, .isolation = i);
        ck_assert_ptr_nonnull(st_add(s, Note, .body = "x"));
        OK(st_commit(s));
        ST_SESSION(reader, w->e, .tenant = tenant_a, .isolation = i, .read_only = true);
        int64_t n;
        OK(st_count(reader, Note, NULL, &n));
        ck_assert_int_eq(n, (int)i + 1);
    }
}

RUN("session_retry", 60, CASE(a_conflict_is_tried_again_and_then_committed), CASE(tries_and_time_are_limited),
    CASE(other_failures_are_not_tried_again), CASE(a_level_decides_what_a_transaction_sees_of_others),
    CASE(every_level_reads_and_writes));
