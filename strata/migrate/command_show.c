/* The commands that look at the history: current, history, heads, branches, show. */
#include "base/clock.h"
#include "strata/migrate/command.h"

static const struct migrate_applied *row_of(const struct migrate_state *s, const char *id)
{
    for (size_t i = 0; s && i < s->n; i++) {
        if (strcmp(s->rows[i].id, id) == 0) {
            return &s->rows[i];
        }
    }
    return NULL;
}

void command_show_line(struct command *k, const struct migrate_node *node, const struct migrate_state *s)
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
    const struct migrate_applied *row = row_of(s, r->id);
    if (row) {
        char when[CLOCK_TEXT_MAX];
        (void)clock_format_rfc3339(row->at.us, when);
        (void)fprintf(k->out, ", applied %s", when);
    }
    (void)fprintf(k->out, "\n");
}

static st_err run_current(struct command *k)
{
    struct migrate_state s;
    const char *const *heads;
    size_t n;
    bool verbose = command_option(k, "--verbose");
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
            command_show_line(k, &k->g.nodes[at], verbose ? &s : NULL);
        }
        const struct migrate_applied *row = row_of(&s, heads[i]);
        if (verbose && row && row->hash) {
            (void)fprintf(k->out, "  schema %s\n", row->hash);
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
        command_show_line(k, &k->g.nodes[i], &s);
    }
    return rc;
}

static st_err run_heads(struct command *k)
{
    for (size_t i = 0; i < k->g.n; i++) {
        if (k->g.nodes[i].is_head) {
            command_show_line(k, &k->g.nodes[i], NULL);
        }
    }
    return 0;
}

static bool is_parent(const struct migrate_node *child, size_t at)
{
    for (size_t i = 0; i < child->n_parents; i++) {
        if (child->parents[i] == at) {
            return true;
        }
    }
    return false;
}

/* Revisions with several children, each with them. */
static st_err run_branches(struct command *k)
{
    for (size_t i = 0; i < k->g.n; i++) {
        size_t children = 0;
        for (size_t c = i + 1; c < k->g.n; c++) {
            children += is_parent(&k->g.nodes[c], i);
        }
        if (children < 2) {
            continue;
        }
        command_show_line(k, &k->g.nodes[i], NULL);
        for (size_t c = i + 1; c < k->g.n; c++) {
            if (is_parent(&k->g.nodes[c], i)) {
                (void)fprintf(k->out, "  -> ");
                command_show_line(k, &k->g.nodes[c], NULL);
            }
        }
    }
    return 0;
}

static st_err run_show(struct command *k)
{
    size_t at;
    struct migrate_state s = {0};
    st_err rc = migrate_find(&k->g, k->args[0], &at);
    rc = rc || !k->e ? rc : migrate_look(k->e, k->a, FIBER_FOREVER, &s);
    if (rc) {
        return rc;
    }
    const struct migrate_node *node = &k->g.nodes[at];
    const st_revision *r = node->rev;
    const struct migrate_applied *row = row_of(&s, r->id);
    (void)fprintf(k->out, "revision   %s%s\nmessage    %s\n", r->id, node->is_head ? " (head)" : "", r->message);
    if (r->label) {
        (void)fprintf(k->out, "label      %s\n", r->label);
    }
    for (size_t i = 0; i < node->n_parents; i++) {
        (void)fprintf(k->out, "parent     %s\n", r->parents[i]);
    }
    for (size_t c = at + 1; c < k->g.n; c++) {
        if (is_parent(&k->g.nodes[c], at)) {
            (void)fprintf(k->out, "child      %s\n", k->g.nodes[c].rev->id);
        }
    }
    (void)fprintf(k->out, "way back   %s\n", r->downgrade ? "yes" : "no");
    if (row) {
        char when[CLOCK_TEXT_MAX];
        (void)clock_format_rfc3339(row->at.us, when);
        (void)fprintf(k->out, "applied    %s\n", when);
    } else if (k->e) {
        (void)fprintf(k->out, "applied    no\n");
    }
    if (row && row->hash) {
        (void)fprintf(k->out, "schema     %s\n", row->hash);
    }
    return 0;
}

static const struct command_option current_options[] = {{"--verbose", NULL, "with the time and the hash of the schema"},
                                                        {0}};

const struct command_verb command_current = {
    "current", NULL, "print the revision that the database is at", 0, 0, true, run_current, current_options, ""};
const struct command_verb command_history = {
    "history", NULL, "print all revisions, newest first", 0, 0, false, run_history, NULL, ""};
const struct command_verb command_heads = {"heads", NULL, "print the newest revisions", 0, 0, false, run_heads,
                                           NULL,    ""};
const struct command_verb command_branches = {
    "branches", NULL, "print where the history forks", 0, 0, false, run_branches, NULL, ""};
const struct command_verb command_show = {
    "show",   "REVISION", "print what is known of one revision",
    1,        1,          false,
    run_show, NULL,       "REVISION is an id, the beginning of one, or a label. What it would do is said by plan.\n"};
