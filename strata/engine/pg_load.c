#include "strata/engine/pg_load.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"

/* In commands: not the read, but the tenant's setting in front of it. */
enum { SCOPE = 128 };
_Static_assert((int)LOAD_MAX <= (int)SCOPE, "a place and that bit fit a byte");

void pg_load_drop(struct pg_load *k, size_t at)
{
    k->leader = k->leader == k->asks[at] ? NULL : k->leader;
    k->asks[at]->load = NULL;
    k->asks[at] = NULL;
    k->stmts[at] = NULL;
    k->open--;
}

void pg_ask_end(struct pg_ask *a, st_err rc)
{
    a->done = true;
    a->err = rc;
    if (rc && a->why != diag_last()) {
        *a->why = *diag_last();
    }
    fiber_wake(&a->waiter);
}

void pg_load_answer(struct pg_load *k, size_t at, st_err rc)
{
    struct pg_ask *a = k->asks[at];
    pg_load_drop(k, at);
    pg_ask_end(a, rc);
}

static st_err make_setting(struct pg_load *k, st_uuid tenant, struct pg_command *ret)
{
    k->setting[0] = '\0';
    if (!uuid_is_nil(tenant)) {
        uuid_format(tenant, k->setting);
    }
    k->tenant = tenant;
    const st_value v = {.type = ST_TEXT, .text = {k->setting, strlen(k->setting)}};
    ret->sql = STR(ST_SET_TENANT);
    ret->id = ST_SET_TENANT_ID;
    return pg_params_make(k->batch.conn->params, &v, 1, &ret->params);
}

static st_err make(struct pg_batch *b, size_t i, struct pg_command *ret)
{
    struct pg_load *k = (struct pg_load *)b;
    while (k->sent < k->n && !k->asks[k->sent]) {
        k->sent++; /* given up before it was sent */
    }
    if (k->sent == k->n) {
        return 1;
    }
    assert(i < sizeof k->commands);
    arena_reset(b->conn->params);
    const struct pg_ask *a = k->asks[k->sent];
    if (!uuid_eq(k->tenant, a->tenant)) {
        k->commands[i] = (uint8_t)(k->sent | SCOPE);
        return make_setting(k, a->tenant, ret);
    }
    k->commands[i] = (uint8_t)k->sent++;
    const struct st_stmt *s = a->stmt;
    ret->sql = s->sql;
    ret->id = s->id;
    return pg_params_make(b->conn->params, s->params, s->n_params, &ret->params);
}

static st_err take(struct pg_batch *b, size_t i, PGresult *res)
{
    struct pg_load *k = (struct pg_load *)b;
    size_t at = k->commands[i];
    if ((at & SCOPE) || !k->asks[at]) {
        return 0;
    }
    k->taking.shielded = k->asks[at] != k->leader;
    st_err rc = pg_take(&k->taking, &k->stmts[at], res);
    if (rc && k->asks[at]) { /* its own trouble, not that of those behind it */
        pg_load_answer(k, at, rc);
    }
    return 0;
}

static void done(struct pg_batch *b, size_t i)
{
    struct pg_load *k = (struct pg_load *)b;
    size_t at = k->commands[i];
    int64_t now = k->started ? clock_mono_ns() : 0;
    k->taking.planned = false;
    if (!(at & SCOPE) && k->asks[at]) {
        k->stmts[at]->ns = now - k->started;
        pg_load_answer(k, at, 0);
    }
    k->started = now;
}

/* Whoever's statement the server refused. */
static void failed(struct pg_batch *b)
{
    struct pg_load *k = (struct pg_load *)b;
    size_t at = b->received < b->sent ? k->commands[b->received] & ~(unsigned)SCOPE : k->sent;
    if (at >= k->n || !k->asks[at]) {
        return;
    }
    struct pg_ask *a = k->asks[at];
    k->stmts[at]->ns = k->started ? clock_mono_ns() - k->started : 0;
    if (b->stale_plan && !a->again) {
        a->again = true; /* goes with those behind it, when the connection has forgotten what it prepared */
        b->conn->stale = true;
    } else {
        pg_load_answer(k, at, b->err);
    }
}

static bool leaves(const struct pg_batch *b)
{
    const struct pg_load *k = (const struct pg_load *)b;
    return !k->leader && (k->open > 0 || k->abandoned);
}

st_err pg_load_new(struct pg_conn *c, struct pg_load **ret)
{
    struct pg_load *k = c->load ? c->load : mem_alloc(sizeof *k);
    if (!k) {
        return diag_nomem();
    }
    c->load = k;
    k->batch =
        (struct pg_batch){.conn = c, .make = make, .take = take, .done = done, .failed = failed, .leaves = leaves};
    k->taking = (struct pg_taking){.conn = c};
    k->leader = NULL;
    k->n = k->sent = k->open = 0;
    k->abandoned = false;
    k->tenant = (st_uuid){{0}};
    k->loaded = clock_mono_ns();
    k->started = c->base.engine->options.on_statement ? k->loaded : 0;
    *ret = k;
    return 0;
}

void pg_load_put(struct pg_load *k, struct pg_ask *a)
{
    assert(k->n < LOAD_MAX && !a->queued && !a->load);
    a->load = k;
    a->at = k->n;
    k->asks[k->n] = a;
    k->stmts[k->n] = a->stmt;
    k->n++;
    k->open++;
}
