/* The command plan: what an upgrade or downgrade would do, statement by statement. */
#include "strata/migrate/command.h"
#include "strata/migrate/run.h"
#include "strata/migrate/sql_look.h"

/* "ACCESS EXCLUSIVE on notes, while it is scanned", and what else it takes. */
static void show_locks(FILE *out, const struct migrate_step *s)
{
    if (s->lock) {
        (void)fprintf(out, "      -- %s on %s%s%s%s\n", migrate_lock_name(s->lock), s->locked ? s->locked : "a table",
                      s->scans ? ", while it is scanned" : "", s->rewrites ? ", while it is rewritten" : "",
                      s->referenced ? ", and on tables that foreign keys in it point at" : "");
    }
    for (size_t i = 0; i < s->n_others; i++) {
        (void)fprintf(out, "      -- %s on %s\n", migrate_lock_name(s->others[i].lock), s->others[i].table);
    }
}

/* Under the operation's last step. */
static void show_allowed(FILE *out, const struct migrate_op *op)
{
    for (const struct migrate_allow *w = op ? op->allow : NULL; w; w = w->next) {
        (void)fprintf(out, "      -- allowed %s: %s\n", w->rule, w->reason);
    }
}

/* Several lines become one, unless a remark ends with its line. */
static void show_text(FILE *out, const char *sql)
{
    bool lines = strstr(sql, "--") != NULL, blank = false;
    (void)fprintf(out, "      ");
    for (sql += strspn(sql, " \t\r\n"); *sql; sql++) {
        if (lines && *sql == '\n') {
            sql += strspn(sql, " \t\r\n") - 1;
            (void)fputs(sql[1] ? "\n      " : "", out);
        } else if (strchr(" \t\r\n", *sql)) {
            blank = true;
            continue;
        } else {
            (void)fprintf(out, "%s%c", blank ? " " : "", *sql);
        }
        blank = false;
    }
    (void)fprintf(out, "\n");
}

static st_err show_step(struct command *k, enum st_dialect d, const struct migrate_step *s)
{
    buf b BUF_AUTO;
    switch (s->kind) {
    case MIGRATE_STEP_SQL:
    case MIGRATE_STEP_INDEX:
        show_text(k->out, s->sql);
        break;
    case MIGRATE_STEP_REFUSE:
        (void)fprintf(k->out, "      refuses when: %s...\n", s->refuse);
        break;
    case MIGRATE_STEP_REBUILD:
        (void)fprintf(k->out,
                      "      the table %s is built anew beside the old one, filled from it, and takes its place\n",
                      s->op->table);
        break;
    case MIGRATE_STEP_RUN:
        (void)fprintf(k->out, "      in C: %s\n", s->op->run.name);
        break;
    case MIGRATE_STEP_BACKFILL:
        buf_init(&b, ST_DDL_MAX);
        migrate_backfill_text(&b, d, s->op->backfill);
        if (b.err) {
            return diag_nomem();
        }
        show_text(k->out, b.p);
        (void)fprintf(k->out, "      -- in batches of %s%u rows\n", s->op->backfill->batch ? "" : "at most ",
                      s->op->backfill->batch ? s->op->backfill->batch : 1000);
        break;
    }
    show_locks(k->out, s);
    return 0;
}

static st_err show_revision(struct command *k, enum st_dialect d, const st_revision *rev, bool up,
                            const struct migrate_journal *j)
{
    struct migrate_plan p;
    struct command_made *made = NULL;
    bool unsafe = command_option(k, "--unsafe") != NULL;
    st_err rc = migrate_plan_revision(k->a, d, rev, up, unsafe, &p);
    rc = rc || d == ST_SQLITE ? rc : migrate_plan_locks(k->a, &p);
    if (rc) {
        return diag_wrap(rc, "%s of the revision %s", up ? "upgrade" : "downgrade", rev->id);
    }
    (void)fprintf(k->out, "%s %s  %s\n", up ? "upgrade" : "downgrade", rev->id, rev->message);
    for (size_t i = 0; !rc && i < p.n_phases; i++) {
        const struct migrate_phase *phase = &p.phases[i];
        bool done = migrate_journal_done(migrate_journal_find(j, rev->id, up ? "up" : "down", i));
        bool batches = phase->n && p.steps[phase->first].kind == MIGRATE_STEP_BACKFILL;
        (void)fprintf(k->out, "  %zu/%zu %s%s%s\n", i + 1, p.n_phases, phase->name,
                      batches                 ? ", a transaction a batch"
                      : phase->no_transaction ? ", outside of transactions"
                                              : "",
                      done ? ": done" : "");
        for (size_t s = phase->first; !rc && !done && s < phase->first + phase->n; s++) {
            rc = show_step(k, d, &p.steps[s]);
            if (!rc && unsafe && d == ST_POSTGRESQL && p.steps[s].sql) {
                rc = command_given_up(k, k->out, &p.steps[s], false, &made);
            }
            if (s + 1 == p.n || p.steps[s + 1].op != p.steps[s].op) {
                show_allowed(k->out, p.steps[s].op);
            }
        }
    }
    return rc;
}

static st_err look(struct command *k, enum st_dialect d, bool *applied, struct migrate_journal *ret)
{
    struct migrate_state state;
    st_conn *c;
    *ret = (struct migrate_journal){0};
    if (!k->e || st_engine_dialect(k->e) != d) {
        return 0;
    }
    st_err rc = st_conn_acquire(k->e, false, FIBER_FOREVER, &c);
    if (rc) {
        return rc;
    }
    rc = migrate_state_read(c, k->a, FIBER_FOREVER, &state);
    rc = rc ? rc : migrate_journal_read(c, k->a, FIBER_FOREVER, ret);
    st_conn_release(c);
    return rc ? rc : migrate_state_flags(&k->g, &state, applied);
}

/* Up when the target can be reached that way. */
static st_err resolve(struct command *k, const bool *applied, bool *todo, bool *ret_up)
{
    const char *target = k->n_args ? k->args[0] : "head";
    size_t at;
    *ret_up = target[0] != '-' && strcmp(target, "base") != 0;
    if (*ret_up && target[0] != '+' && migrate_find(&k->g, target, &at) == 0 && applied[at]) {
        *ret_up = false;
    }
    return *ret_up ? migrate_resolve_upgrade(&k->g, target, applied, todo)
                   : migrate_resolve_downgrade(k->a, &k->g, target, applied, todo);
}

static st_err run_plan(struct command *k)
{
    bool *applied = ARENA_ARRAY(k->a, bool, k->g.n), *todo = ARENA_ARRAY(k->a, bool, k->g.n), up;
    struct migrate_journal j;
    enum st_dialect d;
    size_t shown = 0;
    st_err rc = applied && todo ? command_dialect(k, &d) : diag_nomem();
    rc = rc ? rc : look(k, d, applied, &j);
    rc = rc ? rc : resolve(k, applied, todo, &up);
    for (size_t n = 0; !rc && n < k->g.n; n++) {
        size_t i = up ? n : k->g.n - 1 - n;
        if (todo[i] && applied[i] != up) {
            rc = show_revision(k, d, k->g.nodes[i].rev, up, &j);
            shown++;
        }
    }
    if (!rc && !shown) {
        (void)fprintf(k->out, "nothing to do\n");
    }
    return rc;
}

static const struct command_option options[] = {
    {"--dialect", "NAME", "postgresql or sqlite; the database's unless given"},
    {"--unsafe", NULL, "as it would run with --unsafe, and what that gives up"},
    {0},
};
const struct command_verb command_plan = {
    "plan",
    "[TARGET]",
    "print what an upgrade or downgrade would do",
    0,
    1,
    false,
    run_plan,
    options,
    "TARGET is one of upgrade or of downgrade. Each phase is a transaction unless it says otherwise; under each "
    "statement\n"
    "stands the lock that it takes on PostgreSQL, and what it does to the table while it holds it. ACCESS EXCLUSIVE "
    "keeps\n"
    "out readers and writers, SHARE ROW EXCLUSIVE and SHARE keep out writers, the others neither.\n"};
