/* The commands that write revision files: revision and merge. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "strata/migrate/autogen.h"
#include "strata/migrate/command.h"

enum { SLUG_MAX = 40, FILE_MAX = 4 << 20 };

struct writer {
    struct command *k;
    const char *dir, *message, *label;
    const char *parents[ST_PARENTS_MAX + 1];
    const char *id, *name, *path;
};

static st_err need_text(const char **ret, const char *text)
{
    *ret = text;
    return text ? 0 : diag_nomem();
}

/* 48 random bits: the end of a version 7 uuid. */
static st_err new_id(struct writer *w)
{
    do {
        uuid u = uuid_v7();
        const uint8_t *b = u.b + 10;
        st_err rc =
            need_text(&w->id, arena_printf(w->k->a, "%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5]));
        if (rc) {
            return rc;
        }
    } while (migrate_find_id(&w->k->g, w->id) >= 0);
    return 0;
}

/* rev_20261122_add_rank, and the file of that name in dir; a second one of the day has its id behind it. */
static st_err name_it(struct writer *w)
{
    arena *a = w->k->a;
    char slug[SLUG_MAX + 1], when[CLOCK_TEXT_MAX];
    size_t n = 0;
    for (const char *s = w->message; *s && n < SLUG_MAX; s++) {
        bool fine = ascii_is_alpha(*s) || ascii_is_digit(*s);
        if (fine || (n && slug[n - 1] != '_')) {
            slug[n++] = fine ? ascii_lower(*s) : '_';
        }
    }
    while (n && slug[n - 1] == '_') {
        n--;
    }
    slug[n] = '\0';
    (void)clock_format_rfc3339(clock_wall_us(), when);
    for (int again = 0; again < 2; again++) {
        const char *behind = again || !n ? w->id : "";
        st_err rc = need_text(&w->name, arena_printf(a, "rev_%.4s%.2s%.2s_%s%s%s", when, when + 5, when + 8, slug,
                                                     n && *behind ? "_" : "", behind));
        rc = rc ? rc : need_text(&w->path, arena_printf(a, "%s/%s.c", w->dir, w->name));
        if (rc || access(w->path, F_OK) != 0) {
            return rc;
        }
    }
    return diag_set(-EEXIST, "%s is there already", w->path);
}

static st_err broken_file(const char *path, const char *what)
{
    int e = errno;
    diag_set(-e, "%s cannot be %s: %s", path, what, strerror(e));
    diag_hint("--dir DIR names the folder of revision files");
    return -e;
}

static st_err write_file(const char *path, const char *mode, const char *text, size_t len)
{
    FILE *f = fopen(path, mode);
    if (!f) {
        return broken_file(path, "written");
    }
    bool wrote = fwrite(text, 1, len, f) == len;
    bool closed = fclose(f) == 0;
    return wrote && closed ? 0 : broken_file(path, "written");
}

static bool is_there(struct writer *w, const char *file)
{
    const char *path = arena_printf(w->k->a, "%s/%s", w->dir, file);
    return path && access(path, F_OK) == 0;
}

/* One line in revisions.list, which the build reads; without that file a person has to be told. */
static st_err list_it(struct writer *w)
{
    FILE *out = w->k->out;
    (void)fprintf(out, "wrote %s\n", w->path);
    if (!is_there(w, "revisions.list")) {
        (void)fprintf(out, "now add %s.c to the build, and &%s to the program's list of revisions\n", w->name, w->name);
        return 0;
    }
    const char *path = arena_printf(w->k->a, "%s/revisions.list", w->dir);
    const char *line = arena_printf(w->k->a, "REVISION(%s)\n", w->name);
    if (!path || !line) {
        return diag_nomem();
    }
    st_err rc = write_file(path, "a", line, strlen(line));
    if (!rc) {
        (void)fprintf(out, "added it to %s; read the revision, then build and run: %s upgrade\n", path,
                      w->k->m->program);
    }
    return rc;
}

static st_err write_revision(struct writer *w, const struct autogen *changes)
{
    buf b BUF_AUTO;
    buf_init(&b, FILE_MAX);
    struct codegen g = {.message = w->message,
                        .label = w->label,
                        .parents = w->parents,
                        .header = is_there(w, "revisions.h") ? "revisions.h" : "strata/migrate.h",
                        .changes = changes};
    st_err rc = new_id(w);
    rc = rc ? rc : name_it(w);
    g.id = w->id;
    g.name = w->name;
    rc = rc ? rc : codegen_revision(&b, &g);
    rc = rc ? rc : write_file(w->path, "wx", b.p, b.len);
    return rc ? rc : list_it(w);
}

static st_err misused(struct command *k, const char *what)
{
    k->usage = true;
    return diag_set(ST_E_INVALID, "%s", what);
}

static st_err begin(struct command *k, struct writer *w, const char *message)
{
    *w = (struct writer){.k = k, .message = command_option(k, "-m")};
    w->dir = command_option(k, "--dir");
    w->dir = w->dir ? w->dir : k->m->dir ? k->m->dir : ".";
    w->message = w->message ? w->message : message;
    w->label = command_option(k, "--branch-label");
    for (size_t i = 0; w->label && i < k->g.n; i++) {
        if (k->g.nodes[i].rev->label && strcmp(k->g.nodes[i].rev->label, w->label) == 0) {
            return diag_set(ST_E_INVALID, "the revision %s has the label %s already", k->g.nodes[i].rev->id, w->label);
        }
    }
    return w->message && *w->message ? 0 : misused(k, "what does it do? Say so: -m \"add the column rank\"");
}

/* The revision that the new one builds on. */
static st_err find_parent(struct command *k, struct writer *w)
{
    const char *head = command_option(k, "--head");
    if (head && strcmp(head, "base") == 0) {
        return 0;
    }
    if (!head && k->g.n_heads > 1) {
        diag_set(ST_E_INVALID, "the history has %zu heads", k->g.n_heads);
        diag_hint("name one with --head REV, or run: %s merge", k->m->program);
        return ST_E_INVALID;
    }
    size_t at = k->g.n;
    st_err rc = head ? migrate_find(&k->g, head, &at) : 0;
    for (size_t i = 0; !head && i < k->g.n; i++) {
        at = k->g.nodes[i].is_head ? i : at;
    }
    if (rc || at == k->g.n) {
        return rc;
    }
    if (!k->g.nodes[at].is_head && !command_option(k, "--splice")) {
        diag_set(ST_E_INVALID, "%s is no head: another revision builds on it", k->g.nodes[at].rev->id);
        diag_hint("--splice starts a branch there");
        return ST_E_INVALID;
    }
    w->parents[0] = k->g.nodes[at].rev->id;
    return 0;
}

/* Every revision must be applied, or the comparison would find again what they do. */
static st_err generate(struct command *k, struct autogen *ret)
{
    struct migrate_state s;
    bool *applied = ARENA_ARRAY(k->a, bool, k->g.n + 1);
    if (!k->e || !k->m->models) {
        return diag_set(ST_E_INVALID, "there are no %s to compare; --empty writes a revision to fill in by hand",
                        k->e ? "models" : "tables");
    }
    st_err rc = applied ? migrate_look(k->e, k->a, FIBER_FOREVER, &s) : diag_nomem();
    rc = rc ? rc : migrate_state_flags(&k->g, &s, applied);
    rc = rc ? rc : migrate_missing(k->m, &k->g, applied);
    return rc ? rc : autogen_run(k->e, k->m, k->a, FIBER_FOREVER, ret);
}

static st_err run_revision(struct command *k)
{
    struct writer w;
    struct autogen changes;
    bool empty = command_option(k, "--empty");
    if (empty && command_option(k, "--autogenerate")) {
        return misused(k, "it is --autogenerate or --empty");
    }
    st_err rc = begin(k, &w, NULL);
    rc = rc ? rc : find_parent(k, &w);
    rc = rc || empty ? rc : generate(k, &changes);
    if (rc) {
        return rc;
    }
    if (!empty && !changes.up.n) {
        (void)fprintf(k->out, "the database says what the models say: nothing to write\n");
        return 0;
    }
    for (size_t i = 0; !empty && i < changes.up.n; i++) {
        const char *says = autogen_says(k->a, &changes.up.ops[i]);
        (void)fprintf(k->out, "  %s\n", says ? says : "");
    }
    for (size_t i = 0; !empty && !rc && i < changes.up.n; i++) {
        const char *loses;
        rc = autogen_loses(k->a, &changes, &changes.up.ops[i], &loses);
        if (!rc && loses) {
            (void)fprintf(k->err, "%s revision: %s\n", k->m->program, loses);
        }
    }
    return rc ? rc : write_revision(&w, empty ? NULL : &changes);
}

static st_err run_merge(struct command *k)
{
    struct writer w;
    size_t n = 0;
    st_err rc = begin(k, &w, "merge");
    for (size_t i = 0; !rc && i < k->g.n && !k->n_args; i++) {
        if (k->g.nodes[i].is_head) {
            if (n == ST_PARENTS_MAX) {
                return diag_set(ST_E_INVALID, "a merge has at most %d parents: name them", ST_PARENTS_MAX);
            }
            size_t at = n++; /* by id, whatever the order in the program */
            for (; at && strcmp(w.parents[at - 1], k->g.nodes[i].rev->id) > 0; at--) {
                w.parents[at] = w.parents[at - 1];
            }
            w.parents[at] = k->g.nodes[i].rev->id;
        }
    }
    for (unsigned i = 0; !rc && i < k->n_args; i++) {
        size_t at;
        rc = migrate_find(&k->g, k->args[i], &at);
        for (size_t x = 0; !rc && x < n; x++) {
            rc = strcmp(w.parents[x], k->g.nodes[at].rev->id) == 0
                     ? diag_set(ST_E_INVALID, "%s is named twice", k->args[i])
                     : 0;
        }
        if (!rc) {
            w.parents[n++] = k->g.nodes[at].rev->id;
        }
    }
    if (!rc && n < 2) {
        return diag_set(ST_E_INVALID, "there is nothing to merge: the history has %zu head%s", k->g.n_heads,
                        k->g.n_heads == 1 ? "" : "s");
    }
    return rc ? rc : write_revision(&w, NULL);
}

static const struct command_option revision_options[] = {
    {"-m", "MESSAGE", "what it does, in a few words"},
    {"--autogenerate", NULL, "compare the database with the models (the default)"},
    {"--empty", NULL, "to be filled in by hand; needs no database"},
    {"--head", "REV", "what it builds on; base: nothing"},
    {"--splice", NULL, "REV may have revisions behind it: a branch"},
    {"--branch-label", "NAME", "another name for it"},
    {"--dir", "DIR", "where the file goes"},
    {0}};
static const struct command_option merge_options[] = {
    {"-m", "MESSAGE", "what it is called"}, {"--dir", "DIR", "where the file goes"}, {0}};

const struct command_verb command_revision = {
    "revision",
    NULL,
    "write a revision file",
    0,
    0,
    false,
    run_revision,
    revision_options,
    "It holds the operations that make the database say what the models say, and those that lead back. Read it before\n"
    "it runs: a column that was renamed is dropped and added unless the model says .was.\n"};
const struct command_verb command_merge = {"merge",   "[REV...]",     "write a revision that joins branches",
                                           0,         ST_PARENTS_MAX, false,
                                           run_merge, merge_options,  "Without REV it joins all heads.\n"};
