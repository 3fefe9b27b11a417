/* Running revisions, phase by phase; see run.h. */
#include "strata/migrate/run.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "strata/migrate/autogen.h"
#include "strata/migrate/sql_look.h"

void migrate_tell(const struct migrate_runner *r, struct st_migrate_progress p)
{
    if (r->o.progress) {
        p.up = r->up;
        p.revision = r->node ? r->node->rev : NULL;
        p.of = r->plan.n_phases;
        r->o.progress(r->o.arg, &p);
    }
}

/* Resolved once, with the state that the first transaction found: "+1" must not move on when another upgrade runs. */
static st_err resolve(struct migrate_runner *r, arena *a)
{
    if (r->resolved || r->back) {
        return 0;
    }
    st_err rc = r->up ? migrate_resolve_upgrade(r->g, r->target, r->applied, r->todo)
                      : migrate_resolve_downgrade(a, r->g, r->target, r->applied, r->todo);
    for (size_t i = 0; !rc && !r->up && i < r->g->n; i++) {
        const st_revision *rev = r->g->nodes[i].rev;
        if (r->todo[i] && !rev->downgrade) {
            rc = diag_set(ST_E_INVALID, "revision %s (\"%.100s\") cannot be undone: it has no downgrade", rev->id,
                          rev->message);
        }
    }
    r->resolved = !rc;
    return rc;
}

/* The next node to apply or undo, or NULL. */
static const struct migrate_node *next_node(const struct migrate_runner *r)
{
    for (size_t k = 0; k < r->g->n; k++) {
        size_t i = r->up ? k : r->g->n - 1 - k;
        if (r->todo[i] && r->applied[i] != r->up) {
            return &r->g->nodes[i];
        }
    }
    return NULL;
}

/* An upgrade beside it may have come in since the target was resolved, where nothing keeps the lock over all
 * transactions: what it applied builds on what is to be undone. */
static st_err refuse_to_undermine(const struct migrate_runner *r, const struct migrate_node *node)
{
    for (size_t i = 0; node && !r->up && !r->back && i < r->g->n; i++) {
        const struct migrate_node *child = &r->g->nodes[i];
        for (size_t k = 0; r->applied[i] && k < child->n_parents; k++) {
            if (&r->g->nodes[child->parents[k]] == node) {
                diag_set(ST_E_INVALID, "revision %s, which builds on %s, was applied meanwhile by another upgrade",
                         child->rev->id, node->rev->id);
                diag_hint("see that only one runs, and run the same command again");
                return ST_E_INVALID;
            }
        }
    }
    return 0;
}

/* A revision under way comes first; *ret stays untouched when there is none. It must be one that is wanted. */
static st_err under_way(const struct migrate_runner *r, const struct migrate_journal *j,
                        const struct migrate_node **ret)
{
    const struct migrate_journal_row *row = migrate_journal_under_way(j);
    if (!row) {
        return 0;
    }
    bool up = strcmp(row->direction, "up") == 0;
    ptrdiff_t at = migrate_find_id(r->g, row->revision);
    bool back = migrate_journal_find(j, row->revision, "back", 0);
    if (at < 0) {
        diag_set(ST_E_TOO_NEW, "the revision %s is under way (%s), and this program does not know it", row->revision,
                 up ? "an upgrade" : "a downgrade");
        diag_hint("let the program that began it finish it, or abandon it");
        return ST_E_TOO_NEW;
    }
    if (r->back) {
        *ret = &r->g->nodes[at];
        return 0;
    }
    if (back) {
        diag_set(ST_E_INVALID, "the revision %s was being abandoned, and that is not done", row->revision);
        diag_hint("finish that first: %s abandon", r->m->program);
        return ST_E_INVALID;
    }
    if (up != r->up || !r->todo[at]) {
        diag_set(ST_E_INVALID, "the %s of revision %s was interrupted in phase %d, %s", up ? "upgrade" : "downgrade",
                 row->revision, row->phase + 1, row->name);
        diag_hint("finish it first: %s %s %s; or undo what it has done: %s abandon", r->m->program,
                  up ? "upgrade" : "downgrade", up ? row->revision : "-1", r->m->program);
        return ST_E_INVALID;
    }
    *ret = &r->g->nodes[at];
    return 0;
}

static st_err hash_step(buf *b, arena *a, enum st_dialect d, const struct migrate_step *s)
{
    buf_printf(b, "%d %s\n", (int)s->kind, s->sql ? s->sql : "");
    if (s->kind == MIGRATE_STEP_BACKFILL) {
        migrate_backfill_text(b, d, s->op->backfill);
    }
    if (s->kind == MIGRATE_STEP_RUN) {
        buf_puts(b, s->op->run.name);
    }
    st_err rc = 0;
    for (size_t i = 0; !rc && i < s->n_ops; i++) { /* a rebuild's text depends on the table as it is */
        if (!migrate_sqlite_ignores(&s->op[i])) {
            rc = codegen_operation(b, a, &s->op[i]);
            buf_put_char(b, '\n');
        }
    }
    return rc;
}

st_err migrate_plan_hashes(arena *a, enum st_dialect d, const struct migrate_plan *p, const char ***ret)
{
    st_err rc = 0;
    const char **hashes = ARENA_ARRAY(a, const char *, p->n_phases);
    buf b BUF_AUTO;
    buf_init(&b, 1u << 30);
    for (size_t i = 0; hashes && i < p->n_phases; i++) {
        buf_clear(&b);
        buf_printf(&b, "%s %d\n", p->phases[i].name, p->phases[i].no_transaction);
        for (size_t k = p->phases[i].first; !rc && k < p->phases[i].first + p->phases[i].n; k++) {
            rc = hash_step(&b, a, d, &p->steps[k]);
        }
        hashes[i] = rc || b.err ? NULL : migrate_hash_text(a, b.p, b.len);
        if (!hashes[i]) {
            return rc ? rc : diag_nomem();
        }
    }
    *ret = hashes;
    return hashes ? 0 : diag_nomem();
}

st_err migrate_plan_end(arena *a, struct migrate_plan *p)
{
    if (p->n_phases && !p->phases[p->n_phases - 1].no_transaction) {
        return 0;
    }
    st_err rc = migrate_grow(a, &p->phases, p->n_phases, &p->phases_room, sizeof *p->phases);
    if (!rc) {
        p->phases[p->n_phases++] = (struct migrate_phase){.name = "record", .first = p->n};
    }
    return rc;
}

st_err migrate_plan_revision(arena *a, enum st_dialect d, const st_revision *rev, bool up, bool unsafe,
                             struct migrate_plan *ret)
{
    st_ops ops;
    *ret = (struct migrate_plan){0};
    migrate_ops_init(&ops, a, d);
    st_err (*change)(st_ops *) = up ? rev->upgrade : rev->downgrade;
    st_err rc = change ? change(&ops) : 0;
    rc = ops.err ? ops.err : rc;
    rc = rc                              ? rc
         : d == ST_POSTGRESQL && !unsafe ? migrate_plan_safe(a, ops.ops, ops.n, ret)
                                         : migrate_plan_ops(a, d, ops.ops, ops.n, ret);
    return rc ? rc : migrate_plan_end(a, ret);
}

/* What runs outside of transactions needs one server process that stays, which a transaction pooler does not give. */
static st_err refuse_pooler(const struct migrate_runner *r)
{
    for (size_t i = 0; r->pooled && i < r->plan.n_phases; i++) {
        const struct migrate_phase *p = &r->plan.phases[i];
        enum migrate_step_kind kind = p->n ? r->plan.steps[p->first].kind : MIGRATE_STEP_SQL;
        if (p->no_transaction && kind != MIGRATE_STEP_RUN && kind != MIGRATE_STEP_BACKFILL) {
            diag_set(ST_E_INVALID,
                     "phase %zu of it, %s, runs outside of transactions, and the database is behind a "
                     "transaction pooler",
                     i + 1, p->name);
            diag_hint(
                "say how PostgreSQL itself is reached: --direct-url URL, or STRATA_MIGRATE_URL, or .direct_url of "
                "the options");
            return ST_E_INVALID;
        }
    }
    return 0;
}

/* What the safe plan does in a form that PostgreSQL has not for partitioned tables. */
static bool is_not_for_partitions(const struct migrate_step *s)
{
    if (!s->op || !s->op->table) {
        return false;
    }
    switch ((int)s->op->kind) {
    case MIGRATE_CREATE_INDEX:
    case MIGRATE_DROP_INDEX:
    case MIGRATE_ADD_FK:
    case MIGRATE_PRIMARY_KEY:
        return true;
    default:
        return false;
    }
}

/* Before anything is done: half way the direct forms would no longer be the plan that was begun. */
static st_err refuse_partitions(const struct migrate_runner *r)
{
    for (size_t i = 0; r->d == ST_POSTGRESQL && !r->o.unsafe && i < r->plan.n; i++) {
        const struct migrate_step *s = &r->plan.steps[i];
        if (!is_not_for_partitions(s) || (i && r->plan.steps[i - 1].op == s->op)) {
            continue;
        }
        buf name BUF_AUTO, sql BUF_AUTO;
        buf_init(&name, 4096);
        buf_init(&sql, 4096);
        ddl_ident(&name, s->op->table);
        buf_puts(&sql, "SELECT relname::text FROM pg_catalog.pg_class WHERE relkind = 'p' AND oid = to_regclass(");
        ddl_string(&sql, name.p);
        buf_puts(&sql, ")");
        const struct migrate_step look = {.kind = MIGRATE_STEP_REFUSE,
                                          .sql = sql.p,
                                          .refuse = "the indexes and keys of a partitioned table cannot be changed "
                                                    "beside those who use it: "};
        st_err rc = name.err || sql.err ? diag_nomem() : migrate_run_step(r->conn, r->plan_arena, &look, r->deadline);
        if (rc) {
            diag_hint("upgrade with --unsafe at a quiet hour, or do it by hand, partition by partition, and stamp");
            return rc;
        }
    }
    return 0;
}

/* Before the first phase of each revision. */
static st_err make_plan(struct migrate_runner *r, const struct migrate_journal *j, const struct migrate_node *node)
{
    const struct migrate_journal_row *row = migrate_journal_under_way(j);
    arena_reset(r->plan_arena);
    r->node = NULL;
    r->tries = 0;
    r->revision_started = clock_mono_ns();
    st_err rc = r->back && row ? migrate_plan_undo(r->plan_arena, r->d, node->rev, strcmp(row->direction, "up") == 0, j,
                                                   r->leave, &r->plan)
                               : migrate_plan_revision(r->plan_arena, r->d, node->rev, r->up, r->o.unsafe, &r->plan);
    rc = rc || r->d == ST_SQLITE ? rc : migrate_plan_locks(r->plan_arena, &r->plan);
    rc = rc ? rc : migrate_plan_hashes(r->plan_arena, r->d, &r->plan, &r->hashes);
    rc = rc ? rc : refuse_pooler(r);
    rc = rc ? rc : refuse_partitions(r);
    if (!rc) {
        r->node = node;
    }
    return rc;
}

/* The first phase that is not done. What is done must be what the plan says. */
static st_err next_phase(const struct migrate_runner *r, const struct migrate_journal *j, size_t *ret)
{
    const char *id = r->node->rev->id;
    size_t at = 0;
    for (; at < r->plan.n_phases; at++) {
        const struct migrate_journal_row *row = migrate_journal_find(j, id, migrate_direction(r), at);
        if (row && !migrate_journal_failed(row) && strcmp(row->hash, r->hashes[at]) != 0) {
            diag_set(ST_E_INVALID,
                     "the revision changed since it began: its phase %zu, %s, %s, and the revision now says otherwise",
                     at + 1, row->name, migrate_journal_done(row) ? "has been done" : "has begun");
            diag_hint("finish it with the program that began it, and with the same --unsafe or without; or let that "
                      "undo it: %s abandon",
                      r->m->program);
            return ST_E_INVALID;
        }
        if (!migrate_journal_done(row)) {
            break;
        }
    }
    if (at == r->plan.n_phases) {
        return diag_set(ST_E_INVALID, "strata_journal says that all is done, and strata_revisions that it is not");
    }
    *ret = at;
    return 0;
}

static st_err work(struct migrate_runner *r, struct migrate_round *round, const struct migrate_node *node)
{
    size_t at = 0;
    bool began = false;
    st_err rc = r->node == node ? 0 : make_plan(r, &round->journal, node);
    rc = rc ? rc : next_phase(r, &round->journal, &at);
    if (!rc) {
        rc = migrate_phase(r, round, at);
        if (rc == ST_E_BUSY || rc == ST_E_DEADLOCK) {
            migrate_roll_back(r);
            rc = migrate_pause(r, at, rc);
        }
        began = true;
    }
    if (!rc) {
        return 0;
    }
    const struct diag *d = diag_last();
    bool held = strcmp(d->sqlstate, "2BP01") == 0 || strstr(d->message, "error in view") ||
                (strcmp(d->sqlstate, "0A000") == 0 && strstr(d->message, "used by a"));
    if (held) {
        diag_hint("drop what depends on it before, and create it again after, in this revision (st_sql)");
    } else if (strstr(d->message, "pending trigger events")) {
        diag_hint(
            "rows were written whose constraints wait for the commit: check them before the table is altered, with "
            "st_sql(o, ST_POSTGRESQL, \"SET CONSTRAINTS ALL IMMEDIATE\")");
    } else if (rc == ST_E_SCHEMA && strcmp(d->hint, "run the migrations") == 0) { /* which is what is being done */
        diag_hint(
            "the database has not what the revision names: is it spelled right, and was the schema changed past the "
            "revisions?");
    }
    const char *what = r->back ? "abandoning" : r->up ? "upgrade" : "downgrade";
    rc = r->node == node && r->plan.n_phases > 1
             ? diag_wrap(rc, "%s of the revision %s, phase %zu of %zu (%s)", what, node->rev->id, at + 1,
                         r->plan.n_phases, r->plan.phases[at].name)
             : diag_wrap(rc, "%s of the revision %s", what, node->rev->id);
    if (began && r->node == node) {
        migrate_note_failure(r, at, rc);
    }
    return rc;
}

/* *ret_done when nothing is left. */
static st_err go_round(struct migrate_runner *r, arena *a, bool *ret_done)
{
    struct migrate_round round = {.a = a};
    const struct migrate_node *node = NULL;
    st_err rc = migrate_begin_locked(r);
    rc = rc ? rc : migrate_state_read(r->conn, a, r->deadline, &round.state);
    rc = rc ? rc : migrate_journal_read(r->conn, a, r->deadline, &round.journal);
    rc = rc ? rc : migrate_state_flags(r->g, &round.state, r->applied);
    rc = rc ? rc : resolve(r, a);
    node = rc ? NULL : next_node(r);
    rc = rc ? rc : refuse_to_undermine(r, node);
    rc = rc ? rc : under_way(r, &round.journal, &node);
    if (rc) {
        return rc;
    }
    assert(st_conn_in_transaction(r->conn));
    rc = migrate_snapshot(r, &round.journal, node);
    if (!node) {
        *ret_done = true;
        if (!rc && r->back && round.journal.n) { /* of a failure that left nothing */
            rc = migrate_journal_clear(r->conn, a, "", r->deadline);
            return rc ? rc : st_conn_exec(r->conn, "COMMIT", r->deadline);
        }
        return rc ? rc : st_conn_exec(r->conn, "ROLLBACK", r->deadline);
    }
    return rc ? rc : work(r, &round, node);
}

static st_err forget(struct migrate_runner *r, arena *a)
{
    struct migrate_journal j;
    st_err rc = migrate_begin_locked(r);
    rc = rc ? rc : migrate_journal_read(r->conn, a, r->deadline, &j);
    rc = rc || !j.n ? rc : st_conn_exec(r->conn, "DELETE FROM \"strata_journal\"", r->deadline);
    return rc ? rc : st_conn_exec(r->conn, "COMMIT", r->deadline);
}

static void set_options(struct st_migrate_options *o)
{
    o->lock_timeout_ms = o->lock_timeout_ms > 0 ? o->lock_timeout_ms : MIGRATE_LOCK_MS;
    o->statement_timeout_ms = o->statement_timeout_ms > 0 ? o->statement_timeout_ms : MIGRATE_STATEMENT_MS;
    o->lock_tries = o->lock_tries ? o->lock_tries : 100;
    o->max_lag_ms = o->max_lag_ms > 0 ? o->max_lag_ms : 10000;
}

struct wish {
    const char *target;
    bool up, back, keep, leave;
};

static st_err run(st_engine *e, const struct st_migrations *m, struct wish wish, const struct st_migrate_options *o,
                  int64_t deadline)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    arena *each = a ? arena_new(a, 0) : NULL, *plan = each ? arena_new(a, 0) : NULL;
    struct migrate_graph g;
    if (!plan) {
        return diag_nomem();
    }
    st_err rc = migrate_graph_of(a, m->revisions, &g);
    if (rc) {
        return rc;
    }
    struct migrate_runner r = {.e = e,
                               .d = st_engine_dialect(e),
                               .m = m,
                               .g = &g,
                               .target = wish.target,
                               .up = wish.up,
                               .back = wish.back,
                               .leave = wish.leave,
                               .o = o ? *o : (struct st_migrate_options){0},
                               .deadline = deadline,
                               .a = a,
                               .plan_arena = plan};
    set_options(&r.o);
    r.todo = ARENA_ARRAY(a, bool, g.n);
    r.applied = ARENA_ARRAY(a, bool, g.n);
    if (!r.todo || !r.applied) {
        return diag_nomem();
    }
    rc = migrate_scope_of(a, r.d, m, &g, &r.scope);
    rc = rc ? rc : migrate_open(&r);
    if (!rc && wish.keep) {
        rc = forget(&r, each);
    }
    for (bool done = wish.keep; !rc && !done;) {
        arena_reset(each);
        rc = go_round(&r, each, &done);
    }
    migrate_close(&r);
    migrate_snapshot_end(&r, rc);
    return rc;
}

st_err migrate_run(st_engine *e, const struct st_migrations *m, const char *target, bool up,
                   const struct st_migrate_options *o, int64_t deadline)
{
    return run(e, m, (struct wish){.target = target, .up = up}, o, deadline);
}

st_err migrate_abandon(st_engine *e, const struct st_migrations *m, bool keep, bool leave,
                       const struct st_migrate_options *o, int64_t deadline)
{
    return run(e, m, (struct wish){.back = true, .keep = keep, .leave = leave}, o, deadline);
}

st_err st_upgrade_with(st_engine *e, const struct st_migrations *m, const char *target,
                       const struct st_migrate_options *o, int64_t deadline)
{
    return migrate_run(e, m, target, true, o, deadline);
}

st_err st_downgrade_with(st_engine *e, const struct st_migrations *m, const char *target,
                         const struct st_migrate_options *o, int64_t deadline)
{
    return migrate_run(e, m, target, false, o, deadline);
}

st_err st_upgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline)
{
    return migrate_run(e, m, target, true, NULL, deadline);
}

st_err st_downgrade(st_engine *e, const struct st_migrations *m, const char *target, int64_t deadline)
{
    return migrate_run(e, m, target, false, NULL, deadline);
}
