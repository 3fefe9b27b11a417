/* Reading an object again, copying it out, taking one in. */
#include "session_support.h"

static void rename_elsewhere(struct world *w, st_uuid id, const char *name)
{
    ST_SESSION(other, w->e, .tenant = tenant_a);
    st_edit(other, st_get(other, Author, id))->name = name;
    OK(st_commit(other));
}

SESSION_TEST(a_refresh_reads_the_row_again)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, id);
    OK(st_commit(s));
    rename_elsewhere(w, id, "Otto");
    ck_assert_str_eq(a->name, "Anna");
    OK(st_refresh(s, a));
    ck_assert_str_eq(a->name, "Otto");
    st_edit(s, a)->name = "Zoe";
    OK(st_refresh(s, a)); /* flushes first */
    ck_assert_str_eq(a->name, "Zoe");
    ck_assert_int_eq(a->version, 3);
    st_edit(s, a)->name = "Zita";
    OK(st_commit(s));
    OK(st_delete_where(s, Author, NULL, NULL));
    CODE(st_refresh(s, a), ST_E_NOT_FOUND);
}

SESSION_TEST(an_expired_object_is_refreshed_by_its_next_load)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_a, .read_only = true, .isolation = ST_READ_COMMITTED);
    const Author *a = st_get(s, Author, id);
    if (w->kind != WORLD_SQLITE) {
        rename_elsewhere(w, id, "Otto");
        ck_assert_str_eq(st_get(s, Author, id)->name, "Anna");
        OK(st_expire(s, a));
        ck_assert_str_eq(a->name, "Anna");
        ck_assert_ptr_eq(st_get(s, Author, id), a);
        ck_assert_str_eq(a->name, "Otto");
    }
    ST_SESSION(writer, w->e, .tenant = tenant_a);
    a = st_get(writer, Author, id);
    st_edit(writer, a)->name = "Zoe";
    CODE(st_expire(writer, a), ST_E_INVALID);
    OK(st_rollback(writer));
    CODE(st_expire(s, a), ST_E_INVALID); /* another session's */
}

SESSION_TEST(a_detached_copy_outlives_its_session_and_is_merged_into_another)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    arena *mine = arena_new(NULL, 0);
    Author *copy;
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Author *a = st_get(s, Author, id);
        copy = st_detach(s, a, mine);
        ck_assert_ptr_nonnull(copy);
        ck_assert_ptr_ne(copy->name, a->name);
    }
    ck_assert_str_eq(copy->name, "Anna");
    copy->name = "Zoe";
    ST_SESSION(s, w->e, .tenant = tenant_a);
    ck_assert_ptr_null(st_edit(s, copy)); /* it is nobody's object */
    OK(st_rollback(s));
    const Author *a = st_get(s, Author, id);
    ck_assert_ptr_eq(st_merge(s, Author, copy), a);
    OK(st_commit(s));
    ck_assert_int_eq(a->version, 2);
    OK(st_refresh(s, a));
    ck_assert_str_eq(a->name, "Zoe");
    ck_assert_ptr_null(st_merge(s, Author, copy)); /* made of version 1 */
    ck_assert_int_eq(st_session_error(s), ST_E_CONFLICT);
    OK(st_rollback(s));
    OK(st_delete(s, a));
    OK(st_commit(s));
    Author *added = st_merge(s, Author, copy); /* no such row: a new one of that key */
    ck_assert_ptr_nonnull(added);
    ck_assert(uuid_eq(added->id, id));
    OK(st_commit(s));
    ck_assert_int_eq(authors_in(w, tenant_a), 1);
    arena_free(mine);
}

SESSION_TEST(a_merge_stays_within_the_tenant)
{
    st_uuid id = author_put(w, tenant_a, "Anna");
    ST_SESSION(s, w->e, .tenant = tenant_b);
    const Author foreign = {.tenant_id = tenant_a, .id = id, .name = "Stolen"};
    ck_assert_ptr_null(st_merge(s, Author, &foreign));
    ck_assert_int_eq(st_session_error(s), ST_E_TENANT);
    OK(st_rollback(s));
    ST_SESSION(own, w->e, .tenant = tenant_a, .read_only = true);
    ck_assert_str_eq(st_get(own, Author, id)->name, "Anna");
}

SESSION_TEST(what_clients_send_becomes_objects_and_changes)
{
    const struct json_value *in;
    struct st_field_errors errors;
    st_uuid id;
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        Author init = {.email = "set@by.program"};
        OK(json_parse(w->a, STR("{\"name\":\"Anna\",\"born\":1900}"), &in, NULL));
        OK(st_from_json(w->a, Author, in, ST_JSON_CREATE, ((const char *const[]){"name", "born", NULL}), &init,
                        &errors));
        const Author *a = st_add_(s, &Author_model, &init);
        ck_assert_ptr_nonnull(a);
        id = a->id;
        OK(st_commit(s));
    }
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        Author *a = st_edit(s, st_get(s, Author, id));
        OK(json_parse(w->a, STR("{\"email\":null,\"name\":\"Zoe\"}"), &in, NULL));
        OK(st_from_json(w->a, Author, in, ST_JSON_PATCH, NULL, a, &errors));
        OK(json_parse(w->a, STR("{\"name\":\"far too long\"}"), &in, NULL));
        CODE(st_from_json(w->a, Author, in, ST_JSON_PATCH, NULL, a, &errors), ST_E_INVALID);
        OK(st_commit(s)); /* the session has nothing to do with what a client did wrong */
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Author *a = st_get(s, Author, id);
    ck_assert_ptr_nonnull(a);
    ck_assert_str_eq(a->name, "Zoe");
    ck_assert_ptr_null(a->email);
    ck_assert(a->born.v == 1900 && a->version == 2);
}

RUN("session_object", 60, CASE(what_clients_send_becomes_objects_and_changes), CASE(a_refresh_reads_the_row_again),
    CASE(an_expired_object_is_refreshed_by_its_next_load),
    CASE(a_detached_copy_outlives_its_session_and_is_merged_into_another), CASE(a_merge_stays_within_the_tenant));
