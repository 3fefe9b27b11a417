/* The functions for callers that cannot use macros. */
#include <errno.h>

#include "base/mem.h"
#include "library.h"
#include "test.h"

static const char tenant[] = "00000000-0000-7000-8000-00000000000a";

static void open_notes(st_engine **ret)
{
    OK(st_engine_open("sqlite:///:memory:", NULL, ret));
    OK(st_create_all(*ret, (const st_model *const[]){&Note_model}, 1, FIBER_FOREVER));
}

START_TEST(rows_go_in_and_come_out_as_json)
{
    st_engine *e;
    open_notes(&e);
    st_session *s = st_plain_session(e, tenant, false);
    ck_assert_ptr_nonnull(s);
    const Note *added = st_add_(s, &Note_model, &(const Note){.body = "first"});
    ck_assert_ptr_nonnull(added);
    char id[UUID_TEXT_LEN + 1];
    uuid_format(added->id, id);
    OK(st_commit(s));
    const void *const *rows;
    size_t n;
    OK(st_plain_select(s, &Note_model, NULL, 10, &rows, &n));
    ck_assert_uint_eq(n, 1);
    char want[200];
    (void)snprintf(want, sizeof want, "{\"tenant_id\":\"%s\",\"id\":\"%s\",\"body\":\"first\"}", tenant, id);
    ck_assert_str_eq(st_plain_json(s, &Note_model, rows[0]), want);
    ck_assert_ptr_eq(st_plain_get(s, &Note_model, id), rows[0]);
    st_session_close(s);
    st_engine_close(e);
}
END_TEST

START_TEST(another_tenant_finds_nothing)
{
    st_engine *e;
    open_notes(&e);
    st_session *s = st_plain_session(e, tenant, false);
    const Note *added = st_add_(s, &Note_model, &(const Note){.body = "first"});
    char id[UUID_TEXT_LEN + 1];
    uuid_format(added->id, id);
    OK(st_commit(s));
    ck_assert_ptr_nonnull(st_plain_get(s, &Note_model, id));
    st_session_close(s);
    s = st_plain_session(e, "00000000-0000-7000-8000-00000000000b", true);
    ck_assert_ptr_null(st_plain_get(s, &Note_model, id));
    OK(st_session_error(s));
    const void *const *rows;
    size_t n = 1;
    OK(st_plain_select(s, &Note_model, NULL, 0, &rows, &n));
    ck_assert_uint_eq(n, 0);
    st_session_close(s);
    st_engine_close(e);
}
END_TEST

START_TEST(what_is_no_uuid_is_named)
{
    st_engine *e;
    open_notes(&e);
    ck_assert_ptr_null(st_plain_session(e, "acme", false));
    ck_assert_ptr_nonnull(strstr(st_plain_error(), "\"acme\" is not a uuid"));
    st_session *s = st_plain_session(e, tenant, true);
    diag_clear();
    ck_assert_ptr_null(st_plain_get(s, &Note_model, "7"));
    ck_assert_ptr_nonnull(strstr(st_plain_error(), "\"7\" is not a uuid"));
    st_session_close(s);
    st_engine_close(e);
}
END_TEST

START_TEST(a_failed_session_says_so)
{
    st_engine *e;
    OK(st_engine_open("sqlite:///:memory:", NULL, &e));
    st_session *s = st_plain_session(e, tenant, false);
    const void *const *rows;
    size_t n;
    CODE(st_plain_select(s, &Note_model, NULL, 0, &rows, &n), ST_E_SCHEMA);
    CODE(st_session_error(s), ST_E_SCHEMA);
    st_session_close(s);
    st_engine_close(e);
}
END_TEST

START_TEST(memory_that_runs_out_is_told)
{
    st_engine *e;
    open_notes(&e);
    st_session *s = st_plain_session(e, tenant, false);
    char body[5000];
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    const Note *note = st_add_(s, &Note_model, &(const Note){.body = body});
    OK(st_commit(s));
    mem_fail_at(1, true);
    const char *text = st_plain_json(s, &Note_model, note);
    mem_fail_at(0, false);
    ck_assert_ptr_null(text);
    ck_assert_int_eq(diag_last()->code, -ENOMEM);
    ck_assert_ptr_nonnull(st_plain_json(s, &Note_model, note));
    st_session_close(s);
    st_engine_close(e);
}
END_TEST

RUN("strata plain", 10, CASE(rows_go_in_and_come_out_as_json), CASE(another_tenant_finds_nothing),
    CASE(what_is_no_uuid_is_named), CASE(a_failed_session_says_so), CASE(memory_that_runs_out_is_told));
