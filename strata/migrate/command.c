/* The command line over revisions, for any program that links Strata. */
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "strata/migrate/private.h"

enum { DONE = 0, FAILED = 1, USAGE = 2 };

struct command {
    st_engine *e;
    const struct st_migrations *m;
    const char *target; /* or NULL */
    FILE *out, *err;
    arena *a;
    struct migrate_graph g;
    size_t changed; /* revisions applied or undone */
};

struct verb {
    const char *name, *argument, *does;
    bool needs_argument, needs_database;
    st_err (*run)(struct command *k);
    const char *more;
};

static void show_done(void *arg, const st_revision *r, bool up, int64_t ns)
{
    struct command *k = arg;
    k->changed++;
    (void)fprintf(k->out, "%s %s  %s (%" PRId64 " ms)\n", up ? "applied" : "undone ", r->id, r->message, ns / 1000000);
    (void)fflush(k->out);
}

static st_err move(struct command *k, bool up)
{
    const struct migrate_watch watch = {show_done, k};
    st_err rc = migrate_run(k->e, k->m, k->target ? k->target : "head", up, &watch, FIBER_FOREVER);
    if (!rc && !k->changed) {
        (void)fprintf(k->out, "nothing to do\n");
    }
    return rc;
}

static st_err run_upgrade(struct command *k)
{
    return move(k, true);
}

static st_err run_downgrade(struct command *k)
{
    return move(k, false);
}

/* "id  message (head, label x)" and, with a state, when it was applied. */
static void show_revision(struct command *k, const struct migrate_node *node, const struct migrate_state *s)
{
    const st_revision *r = node->rev;
    (void)fprintf(k->out, "%s  %s", r->id, r->message);
    if (node->is_head || r->label) {
        (void)fprintf(k->out, " (%s%s%s)", node->is_head ? "head" : "", node->is_head && r->label ? ", " : "",
                      r->label ? r->label : "");
    }
    if (node->n_parents > 1) {
        (void)fprintf(k->out, ", merges");
        for (size_t i = 0; i < node->n_parents; i++) {
            (void)fprintf(k->out, "%s %s", i ? "," : "", r->parents[i]);
        }
    }
    for (size_t i = 0; s && i < s->n; i++) {
        if (strcmp(s->rows[i].id, r->id) == 0) {
            char when[CLOCK_TEXT_MAX];
            (void)clock_format_rfc3339(s->rows[i].at.us, when);
            (void)fprintf(k->out, ", applied %s", when);
        }
    }
    (void)fprintf(k->out, "\n");
}

static st_err run_current(struct command *k)
{
    struct migrate_state s;
    const char *const *heads;
    size_t n;
    st_err rc = migrate_look(k->e, k->a, FIBER_FOREVER, &s);
    rc = rc ? rc : migrate_state_heads(k->a, &s, &heads, &n);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < n; i++) {
        ptrdiff_t at = migrate_find_id(&k->g, heads[i]);
        if (at < 0) {
            (void)fprintf(k->out, "%s  (this program does not know it)\n", heads[i]);
        } else {
            show_revision(k, &k->g.nodes[at], NULL);
        }
    }
    if (!n) {
        (void)fprintf(k->out, "base  (no revision is applied)\n");
    }
    return 0;
}

static st_err run_history(struct command *k)
{
    struct migrate_state s = {0};
    st_err rc = k->e ? migrate_look(k->e, k->a, FIBER_FOREVER, &s) : 0;
    for (size_t i = k->g.n; !rc && i-- > 0;) {
        show_revision(k, &k->g.nodes[i], &s);
    }
    return rc;
}

static st_err run_heads(struct command *k)
{
    for (size_t i = 0; i < k->g.n; i++) {
        if (k->g.nodes[i].is_head) {
            show_revision(k, &k->g.nodes[i], NULL);
        }
    }
    return 0;
}

static st_err run_check(struct command *k)
{
    struct migrate_state s;
    bool *applied = ARENA_ARRAY(k->a, bool, k->g.n);
    st_err rc = applied ? migrate_look(k->e, k->a, FIBER_FOREVER, &s) : diag_nomem();
    rc = rc ? rc : migrate_state_flags(&k->g, &s, applied);
    rc = rc ? rc : migrate_missing(k->m, &k->g, applied);
    if (!rc) {
        (void)fprintf(k->out, "the database has all %zu revisions\n", k->g.n);
    }
    return rc;
}

static const struct verb verbs[] = {
    {"upgrade", "[TARGET]", "apply revisions", false, true, run_upgrade,
     "TARGET is one of:\n"
     "  head    the newest revision (the default)\n"
     "  heads   all of the newest, when the history has branches\n"
     "  ID      a revision, or the beginning of its id, or its label: it and all that it builds on\n"
     "  +N      the next N revisions\n"
     "Each revision is applied in a transaction of its own. Nothing is lost when it fails: the database stays at the\n"
     "revision before it. Running it twice at once is safe.\n"},
    {"downgrade", "TARGET", "undo revisions", true, true, run_downgrade,
     "TARGET is one of:\n"
     "  ID      a revision, or the beginning of its id, or its label: what came after it is undone\n"
     "  -N      the last N revisions are undone\n"
     "  base    all revisions are undone\n"
     "Tables and columns that a revision made go away with their rows.\n"},
    {"current", NULL, "print the revision that the database is at", false, true, run_current, ""},
    {"history", NULL, "print all revisions, newest first", false, false, run_history, ""},
    {"heads", NULL, "print the newest revisions", false, false, run_heads, ""},
    {"check", NULL, "exit with 0 when the database has every revision, else 1", false, true, run_check, ""},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void show_help(FILE *to, const struct st_migrations *m)
{
    (void)fprintf(to, "Usage: %s COMMAND\n\nBrings the tables of a database to the form this program works with.\n\n",
                  m->program);
    for (size_t i = 0; i < VERBS; i++) {
        (void)fprintf(to, "  %-10s%-10s %s\n", verbs[i].name, verbs[i].argument ? verbs[i].argument : "",
                      verbs[i].does);
    }
    (void)fprintf(to, "\n%s COMMAND --help says more.\n", m->program);
}

static void show_verb_help(FILE *to, const struct st_migrations *m, const struct verb *v)
{
    (void)fprintf(to, "Usage: %s %s%s%s\n\nTo %s.\n%s%s", m->program, v->name, v->argument ? " " : "",
                  v->argument ? v->argument : "", v->does, v->more[0] ? "\n" : "", v->more);
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

/* Takes the arguments behind the verb. Returns false after a message when they are wrong. */
static bool take_arguments(struct command *k, const struct verb *v, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        bool option = argv[i][0] == '-' && !ascii_is_digit(argv[i][1]); /* -1 is a target */
        if (option) {
            (void)fprintf(k->err, "%s %s: it has no option %s\n", k->m->program, v->name, argv[i]);
            return false;
        }
        if (!v->argument || k->target) {
            (void)fprintf(k->err, "%s %s: too many arguments, from \"%s\" on\n", k->m->program, v->name, argv[i]);
            return false;
        }
        k->target = argv[i];
    }
    if (v->needs_argument && !k->target) {
        (void)fprintf(k->err, "%s %s: which %s? For example: %s %s -1\n", k->m->program, v->name, v->argument,
                      k->m->program, v->name);
        return false;
    }
    return true;
}

static int report(struct command *k, const struct verb *v)
{
    const struct diag *d = diag_last();
    (void)fprintf(k->err, "%s %s: %s\n", k->m->program, v->name, d->message);
    if (d->hint[0]) {
        (void)fprintf(k->err, "hint: %s\n", d->hint);
    }
    return FAILED;
}

static int run_verb(struct command *k, const struct verb *v)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    k->a = a;
    st_err rc = a ? migrate_graph_of(a, k->m->revisions, &k->g) : diag_nomem();
    if (!rc && v->needs_database && !k->e) {
        rc = diag_set(ST_E_INVALID, "there is no database to work on");
    }
    rc = rc ? rc : v->run(k);
    return rc ? report(k, v) : DONE;
}

int st_migrate_main(st_engine *e, const struct st_migrations *m, int argc, char **argv, FILE *out, FILE *err)
{
    if (argc >= 2 && is_help(argv[1])) {
        show_help(out, m);
        return DONE;
    }
    const struct verb *v = argc >= 2 ? find_verb(argv[1]) : NULL;
    if (!v) {
        if (argc >= 2) {
            (void)fprintf(err, "%s: there is no command \"%s\"\n\n", m->program, argv[1]);
        }
        show_help(err, m);
        return USAGE;
    }
    for (int i = 2; i < argc; i++) {
        if (is_help(argv[i])) {
            show_verb_help(out, m, v);
            return DONE;
        }
    }
    struct command k = {.e = e, .m = m, .out = out, .err = err};
    return take_arguments(&k, v, argc, argv) ? run_verb(&k, v) : USAGE;
}
