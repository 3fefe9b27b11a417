/* Patterns of docs/data-access.md about rows that come from clients, and rows that are too many to be loaded. */
#include "data_access.h"

/* ---- what clients send ---- */

static st_err patch(st_session *s, st_uuid id, str body, struct json_writer *problem)
{
    static const char *const settable[] = {"status", "domain_metadata", NULL};
    const struct json_value *in;
    struct st_field_errors errors;
    const Domain *d = st_get(s, Domain, id);
    if (!d) {
        return st_session_error(s) ? st_session_error(s) : ST_E_NOT_FOUND;
    }
    arena *a = st_session_arena(s);
    st_err rc = json_parse(a, body, &in, NULL);
    if (rc) {
        return rc; /* not JSON: the diagnosis says where */
    }
    rc = st_from_json(a, Domain, in, ST_JSON_PATCH, settable, st_edit(s, d), &errors);
    if (rc == ST_E_INVALID) {
        st_errors_to_json(problem, &errors); /* [{"field": "status", "code": "enum", "message": ...}, ...] */
    }
    return rc ? rc : st_commit(s);
}

PATTERN(clients_change_what_they_may)
{
    st_uuid id;
    OK(add_domain(w->e, tenant_a, "a.org", &id));
    BUF_AUTO buf text;
    struct json_writer out;
    buf_init(&text, 4096);
    json_start(&out, &text);
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        CODE(patch(s, id, STR("{\"status\":\"old\",\"domain\":\"b.org\"}"), &out), ST_E_INVALID);
        ck_assert_ptr_nonnull(strstr(text.p, "\"enum\""));
        ck_assert_ptr_nonnull(strstr(text.p, "\"read_only\""));
        OK(patch(s, id, STR("{\"status\":\"scanned\",\"domain_metadata\":{\"pages\":7}}"), &out));
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Domain *d = st_get(s, Domain, id);
    ck_assert_int_eq(d->status, DOMAIN_SCANNED);
    ck_assert_ptr_nonnull(strstr(d->domain_metadata.text, "7"));
    CODE(patch(s, (st_uuid){{9}}, STR("{}"), &out), ST_E_NOT_FOUND);
}

/* ---- results of any size ---- */

static st_err mark_empty(st_session *s, int64_t *ret_seen)
{
    *ret_seen = 0;
    st_each_stream (Job, row, st_stream(s, Job, NULL, .order = ST_ORDER(ST_ASC(Job, id)))) {
        ++*ret_seen;
        const Job *j = row->pages == 0 ? st_attach(s, Job, row) : NULL; /* the few that are kept */
        if (j) {
            st_edit(s, j)->status = JOB_COMPLETE;
        }
    }
    return st_commit(s); /* tells what went wrong on the way, too */
}

PATTERN(results_of_any_size_pass_by)
{
    st_uuid id;
    OK(add_domain(w->e, tenant_a, "a.org", &id));
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        for (int i = 0; i < 300; i++) {
            ck_assert_ptr_nonnull(st_add(s, Job, .domain_id = id, .pages = i % 100));
        }
        OK(st_commit(s));
    }
    int64_t n;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(mark_empty(s, &n));
    ck_assert_int_eq(n, 300);
    OK(st_count(s, Job, ST_EQ(Job, status, JOB_COMPLETE), &n));
    ck_assert_int_eq(n, 3);
}

RUN("data_access_rows", 60, CASE(clients_change_what_they_may), CASE(results_of_any_size_pass_by));
