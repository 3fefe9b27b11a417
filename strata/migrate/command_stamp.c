/* stamp: which revisions a database is said to have. */
#include <errno.h>

#include "strata/migrate/alembic.h"
#include "strata/migrate/command.h"
#include "strata/migrate/run.h"

struct found {
    arena *a;
    const char *text;
};

static int take(void *arg, void *obj)
{
    struct found *f = arg;
    const char *one = *(const char *const *)obj;
    f->text = f->text && *f->text ? arena_printf(f->a, "%s, %s", f->text, one) : one;
    return f->text ? 1 : diag_nomem();
}

st_err alembic_read(st_conn *c, arena *a, int64_t deadline, const char **ret)
{
    static const struct st_field field = {.type = ST_TEXT};
    static const struct st_shape shape = {&field, 1, sizeof(const char *), 0};
    bool there;
    st_err rc = migrate_table_exists(c, a, "alembic_version", deadline, &there);
    *ret = NULL;
    if (rc || !there) {
        return rc;
    }
    arena *own = arena_new(a, 0); /* rows go to a while texts are joined */
    struct found f = {.a = own, .text = ""};
    struct st_stmt q = {.sql = STR("SELECT CAST(version_num AS text) FROM alembic_version ORDER BY 1"),
                        .shape = &shape,
                        .arena = a,
                        .row = take,
                        .arg = &f};
    rc = own ? st_conn_run(c, &q, 1, deadline, NULL) : diag_nomem();
    *ret = f.text;
    return rc;
}

/* What is to be applied afterwards: target and all that it builds on, whatever is applied now. */
static st_err wanted_of(struct command *k, const char *target, bool *ret)
{
    bool *none = ARENA_ARRAY(k->a, bool, k->g.n + 1);
    memset(ret, 0, k->g.n * sizeof *ret);
    if (strcmp(target, "base") == 0 || !k->g.n) {
        return 0;
    }
    return none ? migrate_resolve_upgrade(&k->g, target, none, ret) : diag_nomem();
}

static st_err record(struct command *k, st_conn *c, struct migrate_state *s, const bool *wanted, const bool *applied)
{
    struct migrate_plan plan = {0};
    st_err rc = 0;
    for (size_t i = 0; !rc && i < 2 * k->g.n; i++) { /* away with the newest first, then in from the oldest on */
        bool up = i >= k->g.n;
        size_t at = up ? i - k->g.n : k->g.n - 1 - i;
        if (wanted[at] == up && applied[at] != up) {
            rc = migrate_record(k->a, st_conn_dialect(c), s, k->g.nodes[at].rev, up, &plan);
            s->table_exists = s->has_hash = true;
            (void)fprintf(k->out, "%s %s  %s\n", up ? "stamped" : "removed", k->g.nodes[at].rev->id,
                          k->g.nodes[at].rev->message);
        }
    }
    if (!rc && !plan.n) {
        (void)fprintf(k->out, "nothing to do\n");
        return 0;
    }
    return rc ? rc : migrate_run_steps(c, k->a, &plan, FIBER_FOREVER);
}

static st_err take_over(struct command *k, st_conn *c)
{
    const char *alembic;
    st_err rc = alembic_read(c, k->a, FIBER_FOREVER, &alembic);
    bool drop = command_option(k, "--drop-alembic");
    if (rc || !alembic) {
        return rc || !drop ? rc : diag_set(ST_E_INVALID, "there is no table alembic_version to drop");
    }
    (void)fprintf(k->out, "Alembic has it at %s; the table alembic_version %s\n", *alembic ? alembic : "base",
                  drop ? "is dropped" : "stays (--drop-alembic drops it)");
    return drop ? st_conn_exec(c, "DROP TABLE alembic_version", FIBER_FOREVER) : 0;
}

static st_err stamp(struct command *k, st_conn *c, const bool *wanted, bool *applied)
{
    struct migrate_state s;
    struct migrate_scope scope;
    st_err rc = migrate_scope_of(k->a, st_conn_dialect(c), k->m, &k->g, &scope);
    rc = rc ? rc : migrate_begin(c, FIBER_FOREVER);
    rc = rc ? rc : migrate_state_read(c, k->a, FIBER_FOREVER, &s);
    if (!rc && command_option(k, "--purge") && s.table_exists) {
        rc = st_conn_exec(c, "DELETE FROM strata_revisions", FIBER_FOREVER);
        s.n = 0;
    }
    rc = rc ? rc : migrate_state_flags(&k->g, &s, applied);
    rc = rc ? rc : take_over(k, c);
    rc = rc ? rc : record(k, c, &s, wanted, applied);
    rc = rc || !s.table_exists ? rc : migrate_hash_store(c, k->a, &scope, FIBER_FOREVER);
    return rc ? rc : st_conn_exec(c, "COMMIT", FIBER_FOREVER);
}

static st_err run_stamp(struct command *k)
{
    bool *wanted = ARENA_ARRAY(k->a, bool, k->g.n + 1), *applied = ARENA_ARRAY(k->a, bool, k->g.n + 1);
    st_conn *c;
    st_err rc = wanted && applied ? wanted_of(k, k->n_args ? k->args[0] : "head", wanted) : diag_nomem();
    rc = rc ? rc : st_conn_acquire(k->e, true, FIBER_FOREVER, &c);
    if (rc) {
        return rc;
    }
    rc = stamp(k, c, wanted, applied);
    st_conn_release(c); /* rolls back what failed */
    return rc;
}

static const struct command_option options[] = {
    {"--purge", NULL, "forget what is recorded first, revisions of other programs too"},
    {"--drop-alembic", NULL, "drop Alembic's table alembic_version"},
    {0}};

const struct command_verb command_stamp = {
    "stamp",
    "[REV]",
    "record revisions as applied without running them",
    0,
    1,
    true,
    run_stamp,
    options,
    "REV is an id, the beginning of one, a label, head (the default), heads or base. Whoever stamps says that the "
    "tables\n"
    "are as that revision leaves them; check says whether they are as the models want.\n"};
