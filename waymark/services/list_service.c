#include "waymark/services/list_service.h"

#include <assert.h>

#include "base/mem.h"
#include "strata/session.h"

enum { AT_ONCE = 1000 };

/* Each page of a listing has a session of its own: what it loaded goes with it, and no transaction stays open while a
 * slow reader takes its time. The key of the last row, kept beyond, is where the next page starts. */

static st_err domain_step(st_engine *e, st_uuid tenant, char **last, bool *more, int (*fn)(void *, const Domain *),
                          void *arg)
{
    ST_SESSION(s, e, .tenant = tenant, .read_only = true);
    st_rows rows = st_select(s, Domain, *last ? ST_GT(Domain, domain, *last) : NULL,
                             .order = ST_ORDER(ST_ASC(Domain, domain)), .limit = AT_ONCE);
    *more = rows.n == AT_ONCE;
    st_each (Domain, d, rows) {
        int r = fn(arg, d);
        if (r) {
            *more = false;
            return r < 0 ? r : 0;
        }
    }
    if (rows.n) {
        mem_free(*last);
        *last = mem_strdup(((const Domain *)rows.items[rows.n - 1])->domain);
        return *last ? 0 : diag_nomem();
    }
    return rows.err;
}

st_err domain_list(st_engine *e, st_uuid tenant, int (*fn)(void *arg, const Domain *d), void *arg)
{
    MEM_AUTO char *last = NULL;
    bool more = true;
    st_err err = 0;
    while (more && !err) {
        err = domain_step(e, tenant, &last, &more, fn, arg);
    }
    return err;
}

st_err domain_find(st_engine *e, st_uuid tenant, const char *name, int (*fn)(void *arg, const Domain *d), void *arg)
{
    ST_SESSION(s, e, .tenant = tenant, .read_only = true);
    const Domain *d = st_first(s, Domain, ST_EQ(Domain, domain, name));
    if (!d) {
        st_err err = st_session_error(s);
        return err ? err
                   : diag_set(ST_E_NOT_FOUND, "there is no domain '%s'; `waymark domains` lists those there are", name);
    }
    int r = fn(arg, d);
    return r < 0 ? r : 0;
}

static st_err job_step(st_engine *e, st_uuid tenant, const st_uuid *domain_id, st_uuid *last, bool *more,
                       int (*fn)(void *, const Job *), void *arg)
{
    ST_SESSION(s, e, .tenant = tenant, .read_only = true);
    const st_expr *of = domain_id ? ST_EQ(Job, domain_id, *domain_id) : NULL;
    const st_expr *before = uuid_is_nil(*last) ? NULL : ST_LT(Job, id, *last); /* version 7: ids rise with time */
    st_rows rows = st_select(s, Job, ST_AND(of, before), .order = ST_ORDER(ST_DESC(Job, id)), .limit = AT_ONCE);
    *more = rows.n == AT_ONCE;
    st_each (Job, j, rows) {
        *last = j->id;
        int r = fn(arg, j);
        if (r) {
            *more = false;
            return r < 0 ? r : 0;
        }
    }
    return rows.err;
}

st_err job_list(st_engine *e, st_uuid tenant, const st_uuid *domain_id, int (*fn)(void *arg, const Job *j), void *arg)
{
    st_uuid last = {{0}};
    bool more = true;
    st_err err = 0;
    while (more && !err) {
        err = job_step(e, tenant, domain_id, &last, &more, fn, arg);
    }
    return err;
}

struct page_walk {
    st_engine *engine;
    st_uuid tenant;
    const struct page_filter *filter;
    int (*fn)(void *arg, const Page *p);
    void *arg;
    uint64_t given;
    bool ended;
};

static st_err page_step(struct page_walk *w, st_uuid domain_id, char **last, bool *more)
{
    ST_SESSION(s, w->engine, .tenant = w->tenant, .read_only = true);
    const st_expr *after = *last ? ST_GT(Page, url, *last) : NULL;
    const st_expr *listed = w->filter->gone ? NULL : ST_EQ(Page, status, PAGE_LISTED);
    st_rows rows = st_select(s, Page, ST_AND(ST_EQ(Page, domain_id, domain_id), listed, after),
                             .order = ST_ORDER(ST_ASC(Page, url)), .limit = AT_ONCE);
    *more = rows.n == AT_ONCE;
    st_each (Page, p, rows) {
        int r = w->fn(w->arg, p);
        w->given++;
        w->ended = r != 0 || (w->filter->limit && w->given >= w->filter->limit);
        if (w->ended) {
            *more = false;
            return r < 0 ? r : 0;
        }
    }
    if (rows.n) {
        mem_free(*last);
        *last = mem_strdup(((const Page *)rows.items[rows.n - 1])->url);
        return *last ? 0 : diag_nomem();
    }
    return rows.err;
}

static st_err pages_of(struct page_walk *w, st_uuid domain_id)
{
    MEM_AUTO char *last = NULL;
    bool more = true;
    st_err err = 0;
    while (more && !err) {
        err = page_step(w, domain_id, &last, &more);
    }
    return err;
}

static int pages_of_domain(void *arg, const Domain *d)
{
    struct page_walk *w = arg;
    st_err err = pages_of(w, d->id);
    return err ? err : w->ended;
}

st_err page_list(st_engine *e, st_uuid tenant, const struct page_filter *f, int (*fn)(void *arg, const Page *p),
                 void *arg)
{
    assert(f);
    struct page_walk w = {.engine = e, .tenant = tenant, .filter = f, .fn = fn, .arg = arg};
    return f->domain_id ? pages_of(&w, *f->domain_id) : domain_list(e, tenant, pages_of_domain, &w);
}
