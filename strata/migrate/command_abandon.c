/* abandon: what an upgrade or downgrade that cannot finish has done is undone. */
#include <inttypes.h>
#include <stdlib.h>

#include "strata/migrate/command.h"
#include "strata/migrate/run.h"

static void show(void *arg, const struct st_migrate_progress *p)
{
    struct command *k = arg;
    if (p->event == ST_M_PHASE_DONE && p->of > 1) {
        (void)fprintf(k->out, "  %zu/%zu %s (%" PRId64 " ms)\n", p->at + 1, p->of, p->phase, p->ns / 1000000);
    } else if (p->event == ST_M_REVISION) {
        k->moved++;
        (void)fprintf(k->out, "abandoned %s  %s\n", p->revision->id, p->revision->message);
    } else if (p->event == ST_M_RETRY) {
        (void)fprintf(k->out, "  %s: %s; again in %.1f s\n", p->phase, p->note, (double)p->remaining_ms / 1000);
    } else if (p->event == ST_M_WAIT) {
        (void)fprintf(k->out, "waiting for another upgrade%s%s\n", p->note ? ": " : "", p->note ? p->note : "");
    }
    (void)fflush(k->out);
}

static st_err run_abandon(struct command *k)
{
    struct st_migrate_options o = {.progress = show, .arg = k};
    o.direct_url = command_option(k, "--direct-url");
    o.direct_url = o.direct_url ? o.direct_url : getenv("STRATA_MIGRATE_URL");
    bool keep = command_option(k, "--keep"), leave = command_option(k, "--leave");
    st_err rc = command_duration(k, "--lock-timeout", &o.lock_timeout_ms);
    if (rc || (keep && leave)) {
        k->usage = true;
        return rc ? rc : diag_set(ST_E_INVALID, "it is --keep or --leave");
    }
    rc = migrate_abandon(k->e, k->m, keep, leave, &o, FIBER_FOREVER);
    if (!rc && keep) {
        (void)fprintf(k->out, "what was under way is forgotten; the schema is as it was left\n");
    } else if (!rc && !k->moved) {
        (void)fprintf(k->out, "nothing is under way\n");
    }
    return rc;
}

static const struct command_option options[] = {
    {"--leave", NULL, "undo what can be undone and leave the rest as it is"},
    {"--keep", NULL, "undo nothing: only forget how far it came"},
    {"--lock-timeout", "TIME", "how long to wait for a lock before a pause and another try; 100ms"},
    {"--direct-url", "URL", "the way past a transaction pooler; also STRATA_MIGRATE_URL"},
    {0},
};

const struct command_verb command_abandon = {
    "abandon",
    NULL,
    "undo what an upgrade or downgrade that cannot finish has done",
    0,
    0,
    true,
    run_abandon,
    options,
    "Each operation that was done or begun is undone by its opposite, the last first, and the database is where it "
    "was\n"
    "before the revision under way; revisions before it stay. Columns and tables that it made go with what is in "
    "them.\n"
    "When some of it cannot be undone (SQL of the revision's own, a step in C, values of a column that was dropped)\n"
    "nothing is done unless --leave says so. What a backfill wrote into columns that were there before stays.\n"
    "After --keep the schema is between two revisions: mend it by hand, and stamp what it is then.\n"};
