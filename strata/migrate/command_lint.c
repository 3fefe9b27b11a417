/* The command lint. */
#include "strata/migrate/command.h"
#include "strata/migrate/lint.h"

static bool is_allowed(const struct command *k, const char *name)
{
    for (unsigned i = 0; i < k->n_options; i++) {
        if (strcmp(k->options[i].name, "--allow") == 0 && strcmp(k->options[i].value, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A line that is long goes on below, so that it reads in 80 columns. */
static void wrapped(FILE *out, const char *head, const char *text)
{
    size_t room = 78 - strlen(head);
    const char *lead = head;
    while (*text) {
        size_t n = strlen(text), cut = n;
        if (n > room) {
            for (cut = room; cut > 20 && text[cut] != ' '; cut--) {
            }
            cut = text[cut] == ' ' ? cut : room;
        }
        (void)fprintf(out, "%s%.*s\n", lead, (int)cut, text);
        text += cut + strspn(text + cut, " ");
        lead = "             ";
        room = 78 - strlen(lead);
    }
}

/* One line of the statement. */
static st_err show(struct command *k, const st_revision *rev, const struct lint_finding *x)
{
    buf what BUF_AUTO;
    buf_init(&what, 4096);
    for (const char *c = x->what; *c; c++) {
        bool blank = strchr(" \t\r\n", *c) != NULL;
        if (!blank || (what.len && what.p[what.len - 1] != ' ')) {
            buf_put_char(&what, blank ? ' ' : *c);
        }
    }
    if (what.err) {
        return diag_nomem();
    }
    (void)fprintf(k->out, "%s  %s%s: %s%s%s\n", rev->id, x->allowed ? "allowed " : "", x->rule->name,
                  x->table ? x->table : "", x->table ? ": " : "", what.len ? what.p : "");
    wrapped(k->out, "    because  ", x->allowed ? x->allowed : x->rule->why);
    if (!x->allowed) {
        wrapped(k->out, "    instead  ", x->rule->recipe);
    }
    return 0;
}

static st_err lint(struct command *k, const st_revision *rev, size_t *found)
{
    st_ops ops;
    struct lint_findings f = {0};
    migrate_ops_init(&ops, k->a, ST_POSTGRESQL);
    st_err rc = rev->upgrade ? rev->upgrade(&ops) : 0;
    rc = ops.err ? ops.err : rc;
    rc = rc ? rc : lint_operations(k->a, &ops, &f);
    for (size_t i = 0; !rc && i < f.n; i++) {
        if (!is_allowed(k, f.v[i].rule->name)) {
            rc = show(k, rev, &f.v[i]);
            *found += !f.v[i].allowed;
        }
    }
    return rc ? diag_wrap(rc, "upgrade of the revision %s", rev->id) : 0;
}

static st_err check_allowed(struct command *k)
{
    for (unsigned i = 0; i < k->n_options; i++) {
        if (strcmp(k->options[i].name, "--allow") == 0 && !lint_rule_find(k->options[i].value)) {
            k->usage = true;
            return lint_no_rule(k->options[i].value);
        }
    }
    return 0;
}

/* One revision; those that the database lacks; without a database all of them. */
static st_err run_lint(struct command *k)
{
    if (command_option(k, "--rules")) {
        const struct lint_rule *r;
        for (size_t i = 0; (r = lint_rule_at(i)); i++) {
            (void)fprintf(k->out, "%s\n", r->name);
            wrapped(k->out, "    because  ", r->why);
            wrapped(k->out, "    instead  ", r->recipe);
        }
        return 0;
    }
    bool *skip = ARENA_ARRAY(k->a, bool, k->g.n);
    struct migrate_state s = {0};
    size_t at = k->g.n, found = 0, looked = 0;
    st_err rc = skip ? check_allowed(k) : diag_nomem();
    if (!rc && k->n_args) {
        rc = migrate_find(&k->g, k->args[0], &at);
    } else if (!rc && k->e) {
        rc = migrate_look(k->e, k->a, FIBER_FOREVER, &s);
        rc = rc ? rc : migrate_state_flags(&k->g, &s, skip);
    }
    for (size_t i = 0; !rc && i < k->g.n; i++) {
        if (!skip[i] && (at == k->g.n || at == i)) {
            rc = lint(k, k->g.nodes[i].rev, &found);
            looked++;
        }
    }
    if (rc) {
        return rc;
    }
    if (found) {
        diag_set(ST_E_INVALID, "%zu finding%s in %zu revision%s", found, found == 1 ? "" : "s", looked,
                 looked == 1 ? "" : "s");
        diag_hint("allow what is meant: st_allow(o, \"RULE\", \"why\"), or \"-- lint: allow RULE: why\" in SQL");
        return ST_E_INVALID;
    }
    (void)fprintf(k->out, "nothing found in %zu revision%s\n", looked, looked == 1 ? "" : "s");
    return 0;
}

static const struct command_option options[] = {
    {"--allow", "RULE", "not to be told of; may be given several times"},
    {"--rules", NULL, "print all rules with reason and recipe"},
    {0},
};
const struct command_verb command_lint = {
    "lint",
    "[REVISION]",
    "find what would hurt programs that use the database meanwhile",
    0,
    1,
    false,
    run_lint,
    options,
    "Looks at the upgrades of the revisions that the database lacks (of all without a database), as PostgreSQL would "
    "run\n"
    "them. What the planner has a safe form for is no finding; exits with 1 when there are any.\n"};
