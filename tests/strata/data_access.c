/* The patterns of docs/data-access.md, run in every world. tests/lint/snippets.py sees to it that each snippet of that
 * page stands here; the indentation of the page is its own. */
#include "data_access.h"

/* ---- session per request ---- */

/* n domains "d0.org".. of tenant_a with two jobs each. */
static void fill(struct world *w, int n)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    for (int i = 0; i < n; i++) {
        Domain *d = st_add(s, Domain, .domain = arena_printf(st_session_arena(s), "d%d.org", i));
        ck_assert_ptr_nonnull(d);
        for (int64_t k = 1; k <= 2; k++) {
            ck_assert_ptr_nonnull(st_add(s, Job, .domain_id = d->id, .pages = k * 10));
        }
    }
    OK(st_commit(s));
}

static int64_t domains_of(struct world *w, st_uuid tenant, const st_expr *where)
{
    int64_t n = -1;
    ST_SESSION(s, w->e, .tenant = tenant, .read_only = true);
    OK(st_count(s, Domain, where, &n));
    return n;
}

PATTERN(a_request_has_a_session)
{
    st_uuid id, again;
    OK(add_domain(w->e, tenant_a, "example.org", &id));
    CODE(add_domain(w->e, tenant_a, "example.org", &again), ST_E_UNIQUE);
    OK(add_domain(w->e, tenant_b, "example.org", &again));
    ck_assert_int_eq(domains_of(w, tenant_a, NULL), 1);
}

/* ---- unit of work ---- */

static st_err finish(st_session *s, st_uuid job_id, int64_t pages)
{
    const Job *j = st_get(s, Job, job_id);
    if (!j) {
        return st_session_error(s) ? st_session_error(s) : ST_E_NOT_FOUND;
    }
    const Domain *d = st_get(s, Domain, j->domain_id);
    Job *job = st_edit(s, j);
    Domain *domain = d ? st_edit(s, d) : NULL;
    if (job && domain) {
        job->status = JOB_COMPLETE;
        job->pages = pages;
        domain->status = DOMAIN_SCANNED;
    }
    return st_commit(s); /* both updates and COMMIT in one round trip */
}

PATTERN(changes_are_one_unit)
{
    fill(w, 1);
    st_uuid id;
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Job *j = st_first(s, Job, ST_EQ(Job, pages, 10));
        ck_assert_ptr_nonnull(j);
        id = j->id;
    }
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(finish(s, id, 123));
    ck_assert_int_eq(domains_of(w, tenant_a, ST_EQ(Domain, status, DOMAIN_SCANNED)), 1);
    ck_assert_int_eq(st_get(s, Job, id)->version, 2);
    CODE(finish(s, tenant_b, 1), ST_E_NOT_FOUND);
}

/* ---- relations ---- */

static st_err requeue(st_session *s, int64_t *ret_n)
{
    int64_t n = 0;
    st_each (Domain, d, st_select(s, Domain, ST_LIKE(Domain, domain, "%.org"), .with = ST_SELECTIN(Domain, jobs))) {
        st_each (Job, j, st_many(s, Domain, d, jobs)) {
            Job *edit = j->status == JOB_RUNNING ? st_edit(s, j) : NULL;
            if (edit) {
                edit->status = JOB_PENDING;
                n++;
            }
        }
    }
    *ret_n = n;
    return st_commit(s);
}

PATTERN(relations_are_loaded_when_said)
{
    fill(w, 3);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    int64_t n;
    OK(st_update_where(s, Job, ST_EQ(Job, pages, 20), NULL, ST_SET(Job, status, JOB_RUNNING)));
    OK(requeue(s, &n));
    ck_assert_int_eq(n, 3);

    st_rows some =
        st_select(s, Domain, NULL, .order = ST_ORDER(ST_ASC(Domain, domain)), .limit = 2,
                  .with = ST_SELECTIN(Domain, jobs, .where = ST_GT(Job, pages, 10),
                                      .order = ST_ORDER(ST_DESC(Job, created_at)), .then = ST_SELECTIN(Job, domain)));
    ck_assert_uint_eq(some.n, 2);

    st_rows latest = st_select(s, Job, NULL, .order = ST_ORDER(ST_DESC(Job, created_at)), .limit = 2,
                               .with = ST_JOINED(Job, domain));
    ck_assert_uint_eq(latest.n, 2);
    ck_assert_ptr_nonnull(st_one(s, Job, latest.items[1], domain, Domain));

    const Domain *d = some.items[0];
    ck_assert_uint_eq(st_many(s, Domain, d, jobs).n, 1);
    OK(st_load(s, Domain, d, jobs)); /* now all of them */
    ck_assert_uint_eq(st_many(s, Domain, d, jobs).n, 2);

    st_expunge_all(s);
    d = st_first(s, Domain, NULL);
    ck_assert_uint_eq(st_many(s, Domain, d, jobs).n, 0);
    CODE(st_session_error(s), ST_E_NOT_LOADED);
    ck_assert_ptr_nonnull(strstr(diag_last()->hint, "ST_SELECTIN(Domain, jobs)"));
}

PATTERN(both_sides_stay_in_step)
{
    fill(w, 1);
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Domain *d = st_first(s, Domain, NULL, .with = ST_SELECTIN(Domain, jobs));
    Job *j = st_add(s, Job, .pages = 5);
    OK(st_append(s, d, jobs, j)); /* sets j->domain_id */
    ck_assert_ptr_eq(st_one(s, Job, j, domain, Domain), d);
    ck_assert_uint_eq(st_many(s, Domain, d, jobs).n, 3);
    OK(st_delete(s, d)); /* the jobs go along, as their foreign key says */
    OK(st_commit(s));
    int64_t n;
    OK(st_count(s, Job, NULL, &n));
    ck_assert_int_eq(n, 0);
}

/* ---- pages ---- */

static st_err list(st_session *s, const char *cursor, struct json_writer *out)
{
    struct st_page page;
    st_err rc =
        st_page(s, Domain, ST_EQ(Domain, status, DOMAIN_NEW), ST_ORDER(ST_ASC(Domain, domain)), cursor, 50, &page);
    json_object(out);
    json_key(out, "items");
    json_array(out);
    st_each (Domain, d, page.rows) {
        st_to_json(out, &Domain_model, d, (const char *const[]){"id", "domain", "status", NULL});
    }
    json_end(out);
    json_key(out, "next");
    json_cstring(out, rc ? NULL : page.next); /* null behind the last one */
    json_end(out);
    return rc;
}

PATTERN(a_listing_has_pages)
{
    fill(w, 60);
    BUF_AUTO buf b;
    struct json_writer out;
    buf_init(&b, 1 << 20);
    json_start(&out, &b);
    ST_SESSION(s, w->e, .tenant = tenant_a, .read_only = true);
    OK(list(s, NULL, &out));
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const struct json_value *v;
    OK(json_parse(a, (str){b.p, b.len}, &v, NULL));
    const struct json_value *items = json_get(v, "items"), *next = json_get(v, "next");
    ck_assert_uint_eq(items->array.n, 50);
    buf_clear(&b);
    json_start(&out, &b);
    OK(list(s, next->string.p, &out));
    ck_assert_ptr_nonnull(strstr(b.p, "\"next\":null"));
    json_start(&out, &b);
    CODE(list(s, "nonsense", &out), ST_E_INVALID);
}

/* ---- bulk ---- */

static st_err import(st_session *s, Domain *const *rows, size_t n, struct st_bulk_result *ret)
{
    return st_insert_many(s, Domain, rows, n, ret, .conflict = ST_MEMBERS(Domain, domain),
                          .update = ST_MEMBERS(Domain, status));
}

struct lines {
    FILE *file;
    char line[256];
};

static int next_domain(void *arg, void *row)
{
    struct lines *from = arg;
    if (!fgets(from->line, sizeof from->line, from->file)) {
        return 0;
    }
    from->line[strcspn(from->line, "\n")] = '\0';
    ((Domain *)row)->domain = from->line; /* needed until the next call */
    return 1;
}

static st_err import_file(st_session *s, FILE *file, int64_t *ret_n)
{
    struct lines from = {.file = file};
    return st_copy_from(s, Domain, next_domain, &from, ret_n);
}

PATTERN(a_source_is_copied_in)
{
    static char text[] = "a.org\nb.org\nc.org\n";
    FILE *file = fmemopen(text, strlen(text), "r");
    int64_t n = 0;
    ST_SESSION(s, w->e, .tenant = tenant_a);
    OK(import_file(s, file, &n));
    ck_assert_int_eq(n, 3);
    ck_assert_ptr_nonnull(st_first(s, Domain, ST_EQ(Domain, domain, "c.org")));
    (void)fclose(file);
}

PATTERN(bulk_goes_past_the_identity_map)
{
    fill(w, 2);
    enum { N = 100 };
    Domain rows[N], *items[N];
    ST_SESSION(s, w->e, .tenant = tenant_a);
    for (int i = 0; i < N; i++) {
        rows[i] = (Domain){.domain = arena_printf(st_session_arena(s), "d%d.org", i), .status = DOMAIN_SCANNED};
        items[i] = &rows[i];
    }
    struct st_bulk_result r;
    OK(import(s, items, N, &r));
    ck_assert_int_eq(r.inserted, 98);
    ck_assert_int_eq(r.updated, 2);

    int64_t n;
    OK(st_update_where(s, Job, ST_AND(ST_EQ(Job, status, JOB_PENDING), ST_LT(Job, pages, 15)), &n,
                       ST_SET(Job, status, JOB_RUNNING), ST_ADD(Job, pages, 1)));
    ck_assert_int_eq(n, 2);
    OK(st_delete_where(s, Job, ST_EQ(Job, status, JOB_RUNNING), &n));
    ck_assert_int_eq(n, 2);
    OK(st_commit(s));
}

/* ---- tenancy ---- */

PATTERN(a_tenant_sees_its_own)
{
    fill(w, 3);
    ST_SESSION(s, w->e, .tenant = tenant_b);
    int64_t n;
    OK(st_count(s, Domain, NULL, &n)); /* WHERE tenant_id = $1 is there, whatever the condition */
    ck_assert_int_eq(n, 0);
    OK(st_delete_where(s, Domain, NULL, &n)); /* "all rows": all of its own */
    ck_assert_int_eq(n, 0);
    st_add(s, Domain, .domain = "theirs.org", .tenant_id = tenant_a);
    CODE(st_session_error(s), ST_E_TENANT);
}

/* ---- errors ---- */

static st_err add_once(st_session *s, const char *name, const char **ret_problem)
{
    struct st_mark before;
    *ret_problem = NULL;
    st_savepoint(s, &before);
    st_add(s, Domain, .domain = name);
    st_err rc = st_flush(s);
    if (rc == ST_E_UNIQUE) { /* what was done before stays; diag_last() has constraint, table, column and SQLSTATE */
        *ret_problem = "is there already";
        return st_rollback_to(s, &before);
    }
    if (rc == ST_E_INVALID) {
        *ret_problem = "is no domain";
        return st_rollback_to(s, &before);
    }
    return rc;
}

PATTERN(an_error_sticks_until_it_is_dealt_with)
{
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const char *problem;
    OK(add_once(s, "a.org", &problem));
    ck_assert_ptr_null(problem);
    OK(add_once(s, "a.org", &problem));
    ck_assert_str_eq(problem, "is there already");
    static const char long_name[300] = {[0 ... 298] = 'x'};
    OK(add_once(s, long_name, &problem));
    ck_assert_str_eq(problem, "is no domain");
    OK(st_commit(s));
    ck_assert_int_eq(domains_of(w, tenant_a, NULL), 1);
}

/* ---- optimistic versions, trying again ---- */

static st_err count_page(st_session *s, void *arg)
{
    const Job *j = st_get(s, Job, *(const st_uuid *)arg);
    Job *edit = j ? st_edit(s, j) : NULL;
    if (edit) {
        edit->pages++;
    }
    return st_session_error(s);
}

static int count_in_a_fiber(void *arg)
{
    struct world *w = ((void **)arg)[0];
    return st_retry(w->e, &(const struct st_session_options){.tenant = tenant_a}, count_page, ((void **)arg)[1], 50);
}

static int count_in_fibers(void *arg)
{
    FIBER_BUNDLE(b);
    for (int i = 0; i < 8; i++) {
        OK(fiber_start(&b, count_in_a_fiber, arg)); /* a session each: a session serves one fiber at a time */
    }
    return fiber_bundle_wait(&b, FIBER_FOREVER); /* the first failure; leaving the scope cancels the others */
}

PATTERN(no_update_is_lost)
{
    fill(w, 1);
    st_uuid id;
    {
        ST_SESSION(s, w->e, .tenant = tenant_a);
        const Job *j = st_first(s, Job, ST_EQ(Job, pages, 10));
        ck_assert_ptr_nonnull(j);
        id = j->id;
    }
    void *arg[] = {w, &id};
    OK(fiber_run(fiber_loop_current(), count_in_fibers, arg));
    ST_SESSION(s, w->e, .tenant = tenant_a);
    const Job *j = st_get(s, Job, id);
    ck_assert_ptr_nonnull(j);
    ck_assert_int_eq(j->pages, 18);
}

/* ---- deadlines ---- */

static st_err count_quickly(st_engine *e, st_uuid tenant, int64_t *ret_n)
{
    FIBER_DEADLINE(fiber_in_ms(2000)); /* all that is waited for in this scope: connection, locks, rows */
    ST_SESSION(s, e, .tenant = tenant, .read_only = true);
    return st_count(s, Domain, NULL, ret_n);
}

PATTERN(a_deadline_holds_for_all_below)
{
    int64_t n;
    OK(count_quickly(w->e, tenant_a, &n));
    ck_assert_int_eq(n, 0);
    FIBER_DEADLINE(fiber_now() - 1);
    ck_assert_int_ne(count_quickly(w->e, tenant_a, &n), 0);
}

/* ---- objects that outlive the session ---- */

static const Domain *find(st_engine *e, st_uuid tenant, const char *name, arena *to)
{
    ST_SESSION(s, e, .tenant = tenant, .read_only = true);
    const Domain *d = st_first(s, Domain, ST_EQ(Domain, domain, name));
    return d ? st_detach(s, d, to) : NULL; /* a plain copy in the caller's memory */
}

PATTERN(a_detached_object_is_plain)
{
    fill(w, 1);
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    const Domain *d = find(w->e, tenant_a, "d0.org", a);
    ck_assert_ptr_nonnull(d);
    ck_assert_str_eq(d->domain, "d0.org");
    ck_assert_ptr_null(find(w->e, tenant_b, "d0.org", a));
}

RUN("data_access", 60, CASE(a_request_has_a_session), CASE(changes_are_one_unit), CASE(relations_are_loaded_when_said),
    CASE(both_sides_stay_in_step), CASE(a_listing_has_pages), CASE(bulk_goes_past_the_identity_map),
    CASE(a_source_is_copied_in), CASE(a_tenant_sees_its_own), CASE(an_error_sticks_until_it_is_dealt_with),
    CASE(no_update_is_lost), CASE(a_deadline_holds_for_all_below), CASE(a_detached_object_is_plain));
