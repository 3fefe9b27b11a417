/* The command line over revisions, for any program that links Strata: words to a verb, its arguments and options. */
#include "strata/migrate/command.h"

#include <errno.h>

enum { DONE = 0, FAILED = 1, USAGE = 2 };

static const struct command_verb *const verbs[] = {
    &command_upgrade,  &command_downgrade, &command_abandon, &command_plan,     &command_status, &command_check,
    &command_current,  &command_history,   &command_heads,   &command_branches, &command_show,   &command_lint,
    &command_revision, &command_merge,     &command_stamp,   &command_inspect,
};
enum { VERBS = sizeof verbs / sizeof *verbs };

const char *command_option(const struct command *k, const char *name)
{
    for (unsigned i = k->n_options; i-- > 0;) {
        if (strcmp(k->options[i].name, name) == 0) {
            return k->options[i].value;
        }
    }
    return NULL;
}

st_err command_duration(const struct command *k, const char *name, int64_t *ret_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"", 1}};
    const char *value = command_option(k, name);
    if (!value) {
        return 0;
    }
    size_t digits = strspn(value, "0123456789");
    uint64_t n;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(value + digits, units[i].unit) == 0 && str_to_u64((str){value, digits}, 86400000, &n) && n > 0) {
            *ret_ms = (int64_t)n * units[i].ms;
            return 0;
        }
    }
    return diag_set(ST_E_INVALID, "%s %.40s is no duration; 500ms, 10s and 5m are", name, value);
}

st_err command_dialect(const struct command *k, enum st_dialect *ret)
{
    const char *name = command_option(k, "--dialect");
    if (name && strcmp(name, "postgresql") == 0) {
        *ret = ST_POSTGRESQL;
    } else if (name && strcmp(name, "sqlite") == 0) {
        *ret = ST_SQLITE;
    } else if (name) {
        return diag_set(ST_E_INVALID, "--dialect %.40s: it is postgresql or sqlite", name);
    } else if (k->e) {
        *ret = st_engine_dialect(k->e);
    } else {
        return diag_set(ST_E_INVALID, "without a database, --dialect says which SQL: postgresql or sqlite");
    }
    return 0;
}

static void show_help(FILE *to, const struct st_migrations *m)
{
    (void)fprintf(to, "Usage: %s COMMAND\n\nBrings the tables of a database to the form this program works with.\n\n",
                  m->program);
    for (size_t i = 0; i < VERBS; i++) {
        (void)fprintf(to, "  %-10s%-12s %s\n", verbs[i]->name, verbs[i]->argument ? verbs[i]->argument : "",
                      verbs[i]->does);
    }
    (void)fprintf(to, "  +N, -N                 the same as upgrade +N and downgrade -N\n");
    (void)fprintf(to, "\n%s COMMAND --help says more.\n", m->program);
}

static void show_verb_help(FILE *to, const struct st_migrations *m, const struct command_verb *v)
{
    (void)fprintf(to, "Usage: %s %s%s%s%s\n\nTo %s.\n%s%s", m->program, v->name, v->options ? " [OPTIONS]" : "",
                  v->argument ? " " : "", v->argument ? v->argument : "", v->does, v->more[0] ? "\n" : "", v->more);
    for (const struct command_option *o = v->options; o && o->name; o++) {
        char words[40];
        (void)snprintf(words, sizeof words, "%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
        (void)fprintf(to, "%s  %-22s %s\n", o == v->options ? "\n" : "", words, o->does);
    }
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static const struct command_verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(verbs[i]->name, name) == 0) {
            return verbs[i];
        }
    }
    return NULL;
}

/* "+2" or "-1". */
static bool is_relative(const char *word)
{
    return (word[0] == '+' || word[0] == '-') && word[1] && strspn(word + 1, "0123456789") == strlen(word + 1);
}

/* The option that arg names, alone or before a '='. */
static const struct command_option *find_option(const struct command_verb *v, const char *arg)
{
    size_t len = strcspn(arg, "=");
    for (const struct command_option *o = v->options; o && o->name; o++) {
        if (strlen(o->name) == len && memcmp(o->name, arg, len) == 0) {
            return o;
        }
    }
    return NULL;
}

/* Takes the option at argv[*i]. Returns false after a message when it is wrong. */
static bool take_option(struct command *k, const struct command_verb *v, int argc, char **argv, int *i)
{
    const struct command_option *o = find_option(v, argv[*i]);
    const char *equals = strchr(argv[*i], '=');
    const char *wrong = !o                                         ? "it has no option"
                        : !o->argument && equals                   ? "a value is nothing for"
                        : o->argument && !equals && *i + 1 >= argc ? "a value is missing behind"
                        : k->n_options == COMMAND_OPTIONS_MAX      ? "too many options, from here on:"
                                                                   : NULL;
    if (wrong) {
        (void)fprintf(k->err, "%s %s: %s %s\n", k->m->program, v->name, wrong, argv[*i]);
        return false;
    }
    k->options[k->n_options].name = o->name;
    k->options[k->n_options++].value = !o->argument ? "" : equals ? equals + 1 : argv[++*i];
    return true;
}

/* Takes the arguments from argv[first] on. Returns false after a message when they are wrong. */
static bool take_arguments(struct command *k, const struct command_verb *v, int first, int argc, char **argv)
{
    for (int i = first; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1] && !is_relative(argv[i])) {
            if (!take_option(k, v, argc, argv, &i)) {
                return false;
            }
        } else if (k->n_args >= v->takes) {
            (void)fprintf(k->err, "%s %s: too many arguments, from \"%s\" on\n", k->m->program, v->name, argv[i]);
            return false;
        } else {
            k->args[k->n_args++] = argv[i];
        }
    }
    if (k->n_args < v->needs) {
        (void)fprintf(k->err, "%s %s: which %s? See %s %s --help\n", k->m->program, v->name, v->argument, k->m->program,
                      v->name);
        return false;
    }
    return true;
}

static int report(struct command *k)
{
    const struct diag *d = diag_last();
    (void)fflush(k->out); /* both may be one file */
    (void)fprintf(k->err, "%s %s: %s\n", k->m->program, k->verb->name, d->message);
    if (d->hint[0]) {
        (void)fprintf(k->err, "hint: %s\n", d->hint);
    }
    return k->usage ? USAGE : FAILED;
}

static int run_verb(struct command *k)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    k->a = a;
    st_err rc = a ? migrate_graph_of(a, k->m->revisions, &k->g) : diag_nomem();
    if (!rc && k->verb->database && !k->e) {
        rc = diag_set(ST_E_INVALID, "there is no database to work on");
    }
    rc = rc ? rc : k->verb->run(k);
    rc = rc || arena_failures(a) == 0 ? rc : diag_nomem(); /* what was printed may lack something */
    return rc ? report(k) : DONE;
}

int st_migrate_main(st_engine *e, const struct st_migrations *m, int argc, char **argv, FILE *out, FILE *err)
{
    if (argc >= 2 && is_help(argv[1])) {
        show_help(out, m);
        return DONE;
    }
    bool relative = argc >= 2 && is_relative(argv[1]);
    const struct command_verb *v = relative    ? argv[1][0] == '+' ? &command_upgrade : &command_downgrade
                                   : argc >= 2 ? find_verb(argv[1])
                                               : NULL;
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
    struct command k = {.e = e, .m = m, .verb = v, .out = out, .err = err};
    return take_arguments(&k, v, relative ? 1 : 2, argc, argv) ? run_verb(&k) : USAGE;
}
