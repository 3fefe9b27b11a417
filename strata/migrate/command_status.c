/* The commands that compare a database with the program: status and check. */
#include <inttypes.h>

#include "base/clock.h"
#include "strata/migrate/autogen.h"
#include "strata/migrate/command.h"
#include "strata/migrate/run.h"

struct found {
    struct migrate_state state;
    struct migrate_journal journal;
    const char *hash; /* of the schema now; NULL: no revision is applied */
};

static st_err look(struct command *k, struct found *ret)
{
    st_conn *c;
    *ret = (struct found){0};
    st_err rc = st_conn_acquire(k->e, false, FIBER_FOREVER, &c);
    if (rc) {
        return rc;
    }
    struct migrate_scope scope;
    rc = migrate_scope_of(k->a, st_conn_dialect(c), k->m, &k->g, &scope);
    rc = rc ? rc : migrate_state_read(c, k->a, FIBER_FOREVER, &ret->state);
    rc = rc ? rc : migrate_journal_read(c, k->a, FIBER_FOREVER, &ret->journal);
    rc = rc || !ret->state.n ? rc : migrate_schema_hash(c, k->a, &scope, FIBER_FOREVER, &ret->hash);
    st_conn_release(c);
    return rc;
}

/* The hash that the newest revision left, or NULL when it left none. */
static const char *expected(const struct found *f)
{
    return f->state.n ? f->state.rows[f->state.n - 1].hash : NULL;
}

static bool changed_by_hand(const struct found *f)
{
    const char *hash = expected(f);
    return hash && f->hash && !migrate_journal_under_way(&f->journal) && strcmp(hash, f->hash) != 0;
}

/* A line for all rows of a revision: what is under way, or failed and left nothing, and what to do about it. */
static void show_under_way(struct command *k, const struct migrate_journal *j, size_t i)
{
    const struct migrate_journal_row *row = &j->rows[i];
    bool up = row->direction[0] == 'u', failed = true;
    for (size_t n = i; n < j->n && strcmp(j->rows[n].revision, row->revision) == 0; n++) {
        failed = failed && migrate_journal_failed(&j->rows[n]);
    }
    const char *verb = up ? "upgrade" : "downgrade", *target = up ? row->revision : "-1";
    if (failed) {
        (void)fprintf(k->out, "failed     %s of %s; nothing of it is left; try again with: %s %s %s\n", verb,
                      row->revision, k->m->program, verb, target);
    } else {
        bool back = strcmp(row->direction, "back") == 0; /* it sorts before the rows that it undoes */
        if (!back) {
            (void)fprintf(k->out, "under way  %s of %s; finish it with: %s %s %s\n", verb, row->revision, k->m->program,
                          verb, target);
        }
        (void)fprintf(k->out,
                      back ? "abandoned  %s, but not all of it is undone; go on with: %s abandon\n"
                           : "           what %s has done is undone by: %s abandon\n",
                      back ? row->revision : "it", k->m->program);
    }
}

/* The lines of an error, indented. */
static void show_error(struct command *k, const char *error)
{
    for (const char *line = error; *line;) {
        size_t len = strcspn(line, "\n");
        (void)fprintf(k->out, "           %s%.*s\n", line == error ? "" : "hint: ", (int)len, line);
        line += len + (line[len] != 0);
    }
}

static void show_journal(struct command *k, const struct migrate_journal *j)
{
    for (size_t i = 0; i < j->n; i++) {
        const struct migrate_journal_row *row = &j->rows[i];
        char when[CLOCK_TEXT_MAX];
        (void)clock_format_rfc3339(row->updated_at.us, when);
        if (i == 0 || strcmp(row->revision, j->rows[i - 1].revision) != 0) {
            show_under_way(k, j, i);
        }
        (void)fprintf(k->out, "  phase %d  %s: %s, %s", row->phase + 1, row->name, row->state, when);
        if (row->rows || row->total >= 0) {
            (void)fprintf(k->out, ", %" PRId64, row->rows);
            if (row->total >= 0) {
                (void)fprintf(k->out, " of %" PRId64, row->total);
            }
            (void)fprintf(k->out, " rows");
        }
        if (row->unfilled) {
            (void)fprintf(k->out, ", %" PRId64 " could not be filled", row->unfilled);
        }
        (void)fprintf(k->out, "\n");
        if (row->error) {
            show_error(k, row->error);
        }
    }
}

static st_err run_status(struct command *k)
{
    struct found f;
    const char *const *heads;
    size_t n, pending = 0;
    bool *applied = ARENA_ARRAY(k->a, bool, k->g.n);
    st_err rc = applied ? look(k, &f) : diag_nomem();
    rc = rc ? rc : migrate_state_heads(k->a, &f.state, &heads, &n);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < n; i++) {
        ptrdiff_t at = migrate_find_id(&k->g, heads[i]);
        (void)fprintf(k->out, "current    %s  %s\n", heads[i],
                      at < 0 ? "(this program does not know it)" : k->g.nodes[at].rev->message);
    }
    if (!n) {
        (void)fprintf(k->out, "current    base\n");
    }
    rc = migrate_state_flags(&k->g, &f.state, applied);
    if (rc && rc != ST_E_TOO_NEW) {
        return rc;
    }
    show_journal(k, &f.journal);
    for (size_t i = 0; !rc && i < k->g.n; i++) {
        if (!applied[i]) {
            (void)fprintf(k->out, "pending    %s  %s\n", k->g.nodes[i].rev->id, k->g.nodes[i].rev->message);
            pending++;
        }
    }
    if (!rc && !pending) {
        (void)fprintf(k->out, "pending    none\n");
    }
    if (f.hash) {
        (void)fprintf(k->out, "schema     %s%s\n", f.hash,
                      changed_by_hand(&f) ? ", which is not what the newest revision left"
                      : expected(&f)      ? ""
                                          : ", with nothing to compare: the newest revision has no hash");
    }
    return 0;
}

/* What the models say that the database does not; a program without models has nothing to compare. */
static st_err compare(struct command *k)
{
    struct autogen g;
    st_err rc = k->m->models ? autogen_run(k->e, k->m, k->a, FIBER_FOREVER, &g) : 0;
    if (rc || !k->m->models || !g.up.n) {
        return rc;
    }
    for (size_t i = 0; i < g.up.n; i++) {
        const char *says = autogen_says(k->a, &g.up.ops[i]);
        (void)fprintf(k->out, "to do: %s\n", says ? says : "");
    }
    diag_set(ST_E_SCHEMA, "the database does not say what the models say: %zu operation%s missing", g.up.n,
             g.up.n == 1 ? " is" : "s are");
    diag_hint("write them down: %s revision -m MESSAGE", k->m->program);
    return ST_E_SCHEMA;
}

static st_err run_check(struct command *k)
{
    struct found f;
    bool *applied = ARENA_ARRAY(k->a, bool, k->g.n);
    st_err rc = applied ? look(k, &f) : diag_nomem();
    rc = rc ? rc : migrate_state_flags(&k->g, &f.state, applied);
    rc = rc ? rc : migrate_missing(k->m, &k->g, applied);
    rc = rc ? rc : compare(k);
    if (rc) {
        return rc;
    }
    if (changed_by_hand(&f)) {
        diag_set(ST_E_SCHEMA, "the schema was changed past the revisions: its hash is %s, and %s left %s", f.hash,
                 f.state.rows[f.state.n - 1].id, expected(&f));
        diag_hint("undo the change, or write it as a revision and stamp that");
        return ST_E_SCHEMA;
    }
    (void)fprintf(k->out, "the database has %s %zu revision%s\n", k->g.n == 1 ? "the" : "all", k->g.n,
                  k->g.n == 1 ? "" : "s");
    return 0;
}

const struct command_verb command_status = {
    "status",
    NULL,
    "print where the database is, what is under way and what is pending",
    0,
    0,
    true,
    run_status,
    NULL,
    "Of a revision under way it prints the phases that were begun, how far backfills have come, and why the last\n"
    "attempt failed.\n"};
const struct command_verb command_check = {
    "check",
    NULL,
    "exit with 0 when the database is as the program needs it, else 1",
    0,
    0,
    true,
    run_check,
    NULL,
    "Every revision must be applied, and the schema be what the newest left and what the models say.\n"};
