/* The commands that change a database: upgrade and downgrade. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "strata/migrate/command.h"
#include "strata/migrate/offline.h"
#include "strata/migrate/run.h"

enum { BAR = 30, SAY_EVERY_MS = 5000 };

struct screen {
    struct command *k;
    bool terminal; /* the last line is written over */
    bool open;     /* ... and has something on it */
    int64_t said;  /* when progress was last told */
    bool unsafe;   /* on PostgreSQL */
};

/* 75 s as "1:15", 4 h as "4:00:00". */
static void duration(char *out, size_t size, int64_t ms)
{
    int64_t s = ms / 1000;
    if (s < 3600) {
        (void)snprintf(out, size, "%d:%02d", (int)(s / 60), (int)(s % 60));
    } else {
        (void)snprintf(out, size, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    }
}

static void end_line(struct screen *s)
{
    if (s->open) {
        (void)fprintf(s->k->out, "\n");
        s->open = false;
    }
}

/* "  backfill notes [#####     ] 51,000 of 100,000, 9,300 rows/s, 0:05 left" */
static void show_batch(struct screen *s, const struct st_migrate_progress *p)
{
    char bar[BAR + 4] = "", of[40] = "", left[40] = "", time[24];
    if (!s->terminal && fiber_now() - s->said < SAY_EVERY_MS * INT64_C(1000000)) {
        return;
    }
    s->said = fiber_now();
    if (p->total >= 0) {
        (void)snprintf(of, sizeof of, " of %" PRId64, p->total);
    }
    if (p->total > 0 && s->terminal) {
        int64_t filled = p->rows < p->total ? p->rows * BAR / p->total : BAR;
        memset(bar, ' ', BAR + 3);
        memset(bar + 1, '#', (size_t)filled);
        bar[0] = '[';
        bar[BAR + 1] = ']';
    }
    if (p->remaining_ms >= 0) {
        duration(time, sizeof time, p->remaining_ms);
        (void)snprintf(left, sizeof left, ", %s left", time);
    }
    (void)fprintf(s->k->out, "%s  %s %s%" PRId64 "%s rows, %.0f rows/s%s%s", s->terminal ? "\r" : "", p->phase, bar,
                  p->rows, of, p->rate, left, s->terminal ? "\033[K" : "\n");
    s->open = s->terminal;
}

/* Who has the lock: at once, and then now and again. */
static void show_retry(struct screen *s, const struct st_migrate_progress *p)
{
    if (p->tries > 1 && fiber_now() - s->said < SAY_EVERY_MS * INT64_C(1000000)) {
        return;
    }
    s->said = fiber_now();
    const char *who = strstr(p->note, ": pid ");
    int n = who ? (int)(who - p->note) : (int)strlen(p->note);
    (void)fprintf(s->k->out, "  %s: %.*s\n", p->phase, n, p->note);
    if (who) {
        (void)fprintf(s->k->out, "      held by %s\n", who + 2);
    }
    (void)fprintf(s->k->out, "      it lets others pass; tried %u time%s, again in %" PRId64 " ms\n", p->tries,
                  p->tries == 1 ? "" : "s", p->remaining_ms);
}

static void show(void *arg, const struct st_migrate_progress *p)
{
    struct screen *s = arg;
    FILE *out = s->k->out;
    char time[24];
    if (p->event == ST_M_BATCH) {
        show_batch(s, p);
        (void)fflush(out);
        return;
    }
    end_line(s);
    switch (p->event) {
    case ST_M_WAIT:
        (void)fprintf(out, "waiting for another upgrade%s%s\n", p->note ? ": " : "", p->note ? p->note : "");
        break;
    case ST_M_PHASE_DONE:
        if (p->of > 1) {
            (void)fprintf(out, "  %zu/%zu %s (%" PRId64 " ms)\n", p->at + 1, p->of, p->phase, p->ns / 1000000);
        }
        break;
    case ST_M_LAG:
        (void)fprintf(out, "  %s waits for a replica that is %.1f s behind\n", p->phase, (double)p->lag_ms / 1000);
        break;
    case ST_M_FILLED:
        duration(time, sizeof time, p->ns / 1000000);
        (void)fprintf(out, "  %s: %" PRId64 " rows in %s", p->phase, p->rows, time);
        if (p->left) {
            (void)fprintf(out, ", %" PRId64 " could not be filled", p->left);
        }
        (void)fprintf(out, "\n");
        break;
    case ST_M_RETRY:
        show_retry(s, p);
        break;
    case ST_M_REVISION:
        s->k->moved++;
        (void)fprintf(out, "%s %s  %s (%" PRId64 " ms)\n", p->up ? "applied" : "undone ", p->revision->id,
                      p->revision->message, p->ns / 1000000);
        break;
    case ST_M_PHASE:
        if (s->unsafe && p->at == 0) {
            (void)command_say_unsafe(s->k, p->revision, p->up); /* what it cannot plan the upgrade itself refuses */
        }
        break;
    case ST_M_BATCH:
        break;
    }
    (void)fflush(out);
}

static st_err move(struct command *k, bool up)
{
    struct screen s = {.k = k, .said = fiber_now()};
    int fd = fileno(k->out);
    s.terminal = fd >= 0 && isatty(fd);
    struct st_migrate_options o = {.unsafe = command_option(k, "--unsafe") != NULL, .progress = show, .arg = &s};
    o.no_snapshot = command_option(k, "--no-snapshot") != NULL;
    o.direct_url = command_option(k, "--direct-url");
    o.direct_url = o.direct_url ? o.direct_url : getenv("STRATA_MIGRATE_URL");
    st_err rc = command_duration(k, "--lock-timeout", &o.lock_timeout_ms);
    rc = rc ? rc : command_duration(k, "--statement-timeout", &o.statement_timeout_ms);
    if (rc) {
        k->usage = true;
        return rc;
    }
    s.unsafe = o.unsafe && st_engine_dialect(k->e) == ST_POSTGRESQL;
    if (s.unsafe) {
        (void)fprintf(k->err, "--unsafe: each revision is one transaction of direct forms; its locks are held to its "
                              "end,\nand a failure begins it again. Beside that:\n");
    }
    const char *target = k->n_args ? k->args[0] : "head";
    rc = migrate_run(k->e, k->m, target, up, &o, FIBER_FOREVER);
    end_line(&s);
    if (!rc && !k->moved) {
        (void)fprintf(k->out, "nothing to do\n");
    }
    return rc;
}

/* What says something of a script alone. */
static st_err refuse_words_of_sql(struct command *k)
{
    static const char *const options[] = {"--dialect", "--skip-steps"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (command_option(k, options[i])) {
            k->usage = true;
            return diag_set(ST_E_INVALID, "%s goes with --sql", options[i]);
        }
    }
    if (k->n_args && strchr(k->args[0], ':')) {
        k->usage = true;
        diag_set(ST_E_INVALID, "%s is a range, which goes with --sql", k->args[0]);
        diag_hint("an upgrade or downgrade goes on from where the database is: give the TARGET alone");
        return ST_E_INVALID;
    }
    return 0;
}

static st_err move_or_print(struct command *k, bool up)
{
    if (!command_option(k, "--sql")) {
        st_err wrong = refuse_words_of_sql(k);
        return wrong ? wrong : k->e ? move(k, up) : diag_set(ST_E_INVALID, "there is no database to work on");
    }
    struct migrate_offline o = {.m = k->m,
                                .g = &k->g,
                                .e = k->e,
                                .range = k->n_args ? k->args[0] : NULL,
                                .up = up,
                                .unsafe = command_option(k, "--unsafe") != NULL,
                                .skip_steps = command_option(k, "--skip-steps") != NULL,
                                .out = k->out};
    st_err rc = command_dialect(k, &o.d);
    k->usage = rc != 0;
    if (!rc && k->e && o.d != st_engine_dialect(k->e)) { /* another database is meant */
        o.e = NULL;
    }
    return rc ? rc : migrate_offline(&o);
}

static st_err run_upgrade(struct command *k)
{
    return move_or_print(k, true);
}

static st_err run_downgrade(struct command *k)
{
    return move_or_print(k, false);
}

static const struct command_option options[] = {
    {"--sql", NULL, "print the SQL instead of running it; FROM:TO says from where"},
    {"--dialect", "NAME", "with --sql: postgresql or sqlite; the database's unless given"},
    {"--skip-steps", NULL, "with --sql: leave out steps in C, which SQL cannot say"},
    {"--unsafe", NULL, "PostgreSQL: direct forms, which lock, scan and rewrite while others wait"},
    {"--lock-timeout", "TIME", "how long to wait for a lock before a pause and another try; 100ms"},
    {"--statement-timeout", "TIME", "the longest that one statement may take; 60m"},
    {"--no-snapshot", NULL, "SQLite: keep no copy of the file until all has worked"},
    {"--direct-url", "URL", "the way past a transaction pooler; also STRATA_MIGRATE_URL"},
    {0},
};

const struct command_verb command_upgrade = {
    "upgrade",
    "[TARGET]",
    "apply revisions",
    0,
    1,
    false,
    run_upgrade,
    options,
    "TARGET is one of:\n"
    "  head    the newest revision (the default)\n"
    "  heads   all of the newest, when the history has branches\n"
    "  ID      a revision, or the beginning of its id, or its label: it and all that it builds on\n"
    "  +N      the next N revisions\n"
    "What fits into one transaction is one. Longer revisions run in phases, and after a failure or a crash the same\n"
    "command goes on behind the last phase that was done; status says where that is. Running it twice at once is "
    "safe.\n"};
const struct command_verb command_downgrade = {
    "downgrade",
    "TARGET",
    "undo revisions",
    1,
    1,
    false,
    run_downgrade,
    options,
    "TARGET is one of:\n"
    "  ID      a revision, or the beginning of its id, or its label: what came after it is undone\n"
    "  -N      the last N revisions are undone\n"
    "  base    all revisions are undone\n"
    "Tables and columns that a revision made go away with their rows.\n"
    "With --sql, FROM:TO says where the database is when it cannot be asked.\n"};
