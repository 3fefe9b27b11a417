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

static st_err lint(struct command *k, const st_revision *rev, size_t *found)
{
    st_ops ops;
    struct lint_findings f = {0};
    migrate_ops_init(&ops, k->a, ST_POSTGRESQL);
    st_err rc = rev->upgrade ? rev->upgrade(&ops) : 0;
    rc = ops.err ? ops.err : rc;
    rc = rc ? rc : lint_operations(k->a, ops.ops, ops.n, &f);
    if (rc) {
        return diag_wrap(rc, "upgrade of the revision %s", rev->id);
    }
    for (size_t i = 0; i < f.n; i++) {
        const struct lint_finding *x = &f.v[i];
        if (!is_allowed(k, x->rule->name)) {
            (void)fprintf(k->out, "%s  %s: %s%s%s: %s\n  instead: %s\n", rev->id, x->rule->name,
                          x->table ? x->table : "", x->table ? ": " : "", x->what, x->rule->why, x->rule->recipe);
            (*found)++;
        }
    }
    return 0;
}

static st_err check_allowed(struct command *k)
{
    for (unsigned i = 0; i < k->n_options; i++) {
        size_t at = 0;
        const struct lint_rule *r = lint_rule_at(at);
        while (r && strcmp(r->name, k->options[i].value) != 0) {
            r = lint_rule_at(++at);
        }
        if (strcmp(k->options[i].name, "--allow") == 0 && !r) {
            k->usage = true;
            return diag_set(ST_E_INVALID, "--allow %.60s: there is no such rule; --rules lists them",
                            k->options[i].value);
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
            (void)fprintf(k->out, "%-18s %s\n%20sinstead: %s\n", r->name, r->why, "", r->recipe);
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
        diag_hint("mend it as said, or allow it: --allow RULE, or \"-- lint: allow RULE\" in the SQL");
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
