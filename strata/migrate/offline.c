/* Revisions as SQL for another program: which ones, and what is said around them; see offline.h. */
#include "strata/migrate/offline.h"

#include <errno.h>

enum { SCRIPT_MAX = 1 << 30 };

/* ---- text ---- */

void offline_put(struct offline_script *k, const char *sql)
{
    if (k->quiet) {
        return;
    }
    size_t len = strlen(sql);
    while (len && strchr(" \t\r\n;", sql[len - 1])) {
        len--;
    }
    const char *line = sql + len;
    while (line > sql && line[-1] != '\n') {
        line--;
    }
    bool comment = false; /* behind one, a semicolon would be part of it */
    for (const char *p = line; p + 1 < sql + len; p++) {
        comment = comment || (p[0] == '-' && p[1] == '-');
    }
    buf_put(&k->text, sql, len);
    buf_puts(&k->text, comment ? "\n;\n" : ";\n");
}

void offline_remark(struct offline_script *k, const char *text, const char *name)
{
    if (k->quiet) {
        return;
    }
    buf_printf(&k->text, "-- %s", text);
    for (; *name; name++) {
        buf_put_char(&k->text, *name == '\n' || *name == '\r' ? ' ' : *name);
    }
    buf_put_char(&k->text, '\n');
}

size_t offline_count(const struct offline_script *k)
{
    size_t n = 0;
    for (size_t i = 0; i < k->o->g->n; i++) {
        n += k->applied[i];
    }
    return n;
}

static bool is_head(const struct offline_script *k, size_t at)
{
    for (size_t c = at + 1; c < k->o->g->n; c++) {
        for (size_t p = 0; k->applied[c] && p < k->o->g->nodes[c].n_parents; p++) {
            if (k->o->g->nodes[c].parents[p] == at) {
                return false;
            }
        }
    }
    return k->applied[at];
}

size_t offline_heads(const struct offline_script *k, buf *b)
{
    size_t n = 0;
    for (size_t i = 0; i < k->o->g->n; i++) {
        if (is_head(k, i)) {
            buf_printf(b, "%s'%s'", n++ ? ", " : "", k->o->g->nodes[i].rev->id);
        }
    }
    return n;
}

/* ---- which revisions ---- */

static const char *other_way(const struct migrate_offline *o)
{
    return o->up ? "downgrade" : "upgrade";
}

/* What is applied in front of the colon: a revision and all that it builds on. */
static st_err mark_from(const struct migrate_offline *o, const char *from, bool *applied, bool *scratch)
{
    if (!*from || strcmp(from, "base") == 0) {
        return 0;
    }
    if (from[0] == '+' || from[0] == '-') {
        diag_set(ST_E_INVALID, "a range begins at a revision or at base, not at %s", from);
        diag_hint("%s is for the other end, as in ID:%s", from, from);
        return ST_E_INVALID;
    }
    st_err rc = migrate_resolve_upgrade(o->g, from, applied, scratch);
    if (!rc) {
        memcpy(applied, scratch, o->g->n * sizeof *applied);
    }
    return rc;
}

/* Fills applied, and splits the range. */
static st_err where_from(struct offline_script *k, bool *scratch, const char **ret_from, const char **ret_to)
{
    const struct migrate_offline *o = k->o;
    const char *range = o->range ? o->range : "head", *colon = strchr(range, ':');
    *ret_from = NULL;
    k->has_hash = true;
    if (colon) {
        const char *from = arena_memdup0(k->a, range, (size_t)(colon - range));
        *ret_from = from && !*from ? "base" : from;
        *ret_to = colon[1] ? colon + 1 : o->up ? "head" : "base";
        return from ? mark_from(o, from, k->applied, scratch) : diag_nomem();
    }
    *ret_to = range;
    if (!o->e && !o->up) {
        diag_set(ST_E_INVALID, "without a database, say where the downgrade begins: FROM:%s", range);
        diag_hint("as in: %s downgrade --sql head:%s", o->m->program, range);
        return ST_E_INVALID;
    }
    struct migrate_state state = {0};
    st_err rc = o->e ? migrate_look(o->e, k->a, FIBER_FOREVER, &state) : 0;
    k->has_hash = rc || !state.table_exists || state.has_hash;
    return rc || !o->e ? rc : migrate_state_flags(o->g, &state, k->applied);
}

/* Of a range that says both ends, todo must have something. */
static st_err refuse_empty(const struct migrate_offline *o, const char *from, const char *to, const bool *applied)
{
    size_t at;
    const char *verb = o->up ? "upgrade" : "downgrade";
    if (o->up && strcmp(to, from) != 0 && migrate_find(o->g, to, &at) == 0 && applied[at]) {
        diag_set(ST_E_INVALID, "there is nothing to %s from %s to %s: %s is what %s builds on", verb, from, to, to,
                 from);
        diag_hint("the way back is: %s %s --sql %s:%s", o->m->program, other_way(o), from, to);
    } else {
        diag_set(ST_E_INVALID, "there is nothing to %s from %s to %s", verb, from, to);
        diag_hint("a range is FROM:TO, where the database is and where it is to be");
    }
    return ST_E_INVALID;
}

/* A downgrade to what is not applied at from. */
static st_err refuse_target(const struct migrate_offline *o, const char *from, const char *to, const bool *applied)
{
    size_t at;
    if (o->up || !from || migrate_find(o->g, to, &at) || applied[at]) {
        return 0;
    }
    diag_set(ST_E_INVALID, "a downgrade from %s does not come to %s, which is not below it", from, to);
    diag_hint("the way up is: %s upgrade --sql %s:%s", o->m->program, from, to);
    return ST_E_INVALID;
}

static st_err resolve(struct offline_script *k, bool *todo, const char **ret_from, const char **ret_to)
{
    const struct migrate_offline *o = k->o;
    const char *from = NULL, *to = NULL;
    bool any = false;
    st_err rc = where_from(k, todo, &from, &to);
    rc = rc ? rc : refuse_target(o, from, to, k->applied);
    rc = rc      ? rc
         : o->up ? migrate_resolve_upgrade(o->g, to, k->applied, todo)
                 : migrate_resolve_downgrade(k->a, o->g, to, k->applied, todo);
    for (size_t i = 0; !rc && i < o->g->n; i++) {
        todo[i] = todo[i] && k->applied[i] != o->up;
        any = any || todo[i];
        if (todo[i] && !o->up && !o->g->nodes[i].rev->downgrade) {
            rc = diag_set(ST_E_INVALID, "revision %s cannot be undone: it has no downgrade", o->g->nodes[i].rev->id);
        }
    }
    *ret_from = from;
    *ret_to = to;
    return rc || any || !from ? rc : refuse_empty(o, from, to, k->applied);
}

/* ---- the script ---- */

/* SQL cannot say what is C, and a script that left it out without a word would record as done what is not. */
static st_err refuse_step(const struct migrate_offline *o, const struct migrate_node *node, const char *step)
{
    const char *id = node->rev->id, *parent = node->n_parents ? o->g->nodes[node->parents[0]].rev->id : "base";
    diag_set(ST_E_INVALID, "the %s of revision %s (\"%.100s\") has the step \"%.100s\", which is C: SQL cannot say it",
             o->up ? "upgrade" : "downgrade", id, node->rev->message, step);
    if (o->up) {
        diag_hint("make a script up to %s, then run %s upgrade %s, then go on with a script from %s:TO; or leave such "
                  "steps out with --skip-steps, where their work is done otherwise",
                  parent, o->m->program, id, id);
    } else {
        diag_hint("make a script down to %s, then run %s downgrade %s, then go on with a script from %s:TO; or leave "
                  "such steps out with --skip-steps, where their work is done otherwise",
                  id, o->m->program, node->n_parents ? parent : "base", parent);
    }
    return ST_E_INVALID;
}

static st_err plan(struct offline_script *k, const struct migrate_node *node, bool up, struct migrate_plan *p,
                   struct migrate_plan *record)
{
    const struct migrate_state state = {.table_exists = true, .has_hash = true};
    *record = (struct migrate_plan){0};
    st_err rc = migrate_plan_revision(k->a, k->o->d, node->rev, up, k->o->unsafe, p);
    rc = rc ? rc : migrate_record(k->a, k->o->d, &state, node->rev, up, record);
    for (size_t i = 0; !rc && !k->quiet && !k->o->skip_steps && i < p->n; i++) {
        if (p->steps[i].kind == MIGRATE_STEP_RUN) {
            return refuse_step(k->o, node, p->steps[i].op->run.name);
        }
    }
    k->journal = k->journal || (!k->quiet && p->n_phases > 1);
    return rc ? diag_wrap(rc, "%s of the revision %s", up ? "upgrade" : "downgrade", node->rev->id) : 0;
}

static st_err put_revision(struct offline_script *k, size_t at, bool up)
{
    const struct migrate_node *node = &k->o->g->nodes[at];
    struct migrate_plan p, record;
    st_err rc = plan(k, node, up, &p, &record);
    if (rc) {
        return rc;
    }
    if (!k->quiet) {
        buf_put_char(&k->text, '\n');
    }
    const char *head = arena_printf(k->a, "%s %s: ", up ? "upgrade" : "downgrade", node->rev->id);
    if (!head) {
        return diag_nomem();
    }
    offline_remark(k, head, node->rev->message);
    rc = k->o->d == ST_SQLITE ? offline_sqlite(k, node->rev, &p, &record)
                              : offline_postgresql(k, node->rev, up, &p, &record);
    k->applied[at] = up;
    return rc ? diag_wrap(rc, "%s of the revision %s", up ? "upgrade" : "downgrade", node->rev->id) : 0;
}

/* All plans once: what cannot be is said before anything is. */
static st_err look_ahead(struct offline_script *k, const bool *todo)
{
    struct migrate_plan p, record;
    st_err rc = 0;
    for (size_t n = 0; !rc && n < k->o->g->n; n++) {
        size_t i = k->o->up ? n : k->o->g->n - 1 - n;
        rc = todo[i] ? plan(k, &k->o->g->nodes[i], k->o->up, &p, &record) : 0;
    }
    return rc;
}

static void put_head(struct offline_script *k, const char *from, const char *to)
{
    bool lite = k->o->d == ST_SQLITE;
    buf b BUF_AUTO;
    buf_init(&b, SCRIPT_MAX);
    (void)offline_heads(k, &b);
    const char *head = arena_printf(k->a, "%s %s --sql, for %s: from %s to ", k->o->m->program,
                                    k->o->up ? "upgrade" : "downgrade", lite ? "sqlite3" : "psql",
                                    from    ? from
                                    : b.len ? b.p
                                            : "base");
    if (!head || b.err) {
        k->text.err = -ENOMEM;
        return;
    }
    offline_remark(k, head, to);
    buf_puts(&k->text,
             lite
                 ? "-- Run it as: sqlite3 FILE <SCRIPT. It stops at the first error; a revision is done as a whole or "
                   "not at all.\n"
                   "-- It refuses to begin at another revision, so make a new one to go on after an error. Keep a "
                   "copy of the file first.\n"
                 : "-- Run it as: psql -X -f SCRIPT URL, past any transaction pooler. It stops at the first error; run "
                   "it again to go on\n"
                   "-- behind what is done, or go on with the program. It refuses to begin at another revision.\n");
}

static st_err put_all(struct offline_script *k, const bool *todo, const char *from, const char *to)
{
    put_head(k, from, to);
    st_err rc = 0;
    if (k->o->d == ST_SQLITE) {
        offline_sqlite_begin(k);
    } else {
        rc = offline_postgresql_begin(k);
    }
    for (size_t n = 0; !rc && n < k->o->g->n; n++) {
        size_t i = k->o->up ? n : k->o->g->n - 1 - n;
        rc = todo[i] ? put_revision(k, i, k->o->up) : 0;
    }
    if (!rc && k->o->d == ST_POSTGRESQL) {
        offline_postgresql_end(k);
    }
    return rc;
}

/* The database in memory gets what is applied. */
static st_err come_there(struct offline_script *k)
{
    st_err rc = offline_sqlite_open(k);
    k->quiet = true;
    for (size_t i = 0; !rc && i < k->o->g->n; i++) {
        rc = k->applied[i] ? put_revision(k, i, true) : 0;
    }
    k->quiet = false;
    return rc;
}

static st_err write_out(struct offline_script *k)
{
    if (k->text.err) {
        return k->text.err == -E2BIG ? diag_set(-E2BIG, "the script would be longer than a gigabyte") : diag_nomem();
    }
    errno = 0;
    if (fwrite(k->text.p, 1, k->text.len, k->o->out) == k->text.len && fflush(k->o->out) == 0) {
        return 0;
    }
    int error = errno ? errno : EIO;
    return diag_set(-error, "the script could not be written: %s", strerror(error));
}

static st_err script(struct offline_script *k)
{
    const struct migrate_offline *o = k->o;
    const char *from = NULL, *to = NULL;
    bool *todo = ARENA_ARRAY(k->a, bool, o->g->n);
    k->applied = ARENA_ARRAY(k->a, bool, o->g->n);
    st_err rc = k->applied && todo ? resolve(k, todo, &from, &to) : diag_nomem();
    rc = rc ? rc : look_ahead(k, todo);
    rc = rc ? rc : migrate_scope_of(k->a, o->d, o->m, o->g, &k->scope);
    bool any = false;
    for (size_t i = 0; i < o->g->n && !rc; i++) {
        any = any || todo[i];
    }
    if (!rc && !any) {
        buf_puts(&k->text, "-- nothing to do\n");
        return write_out(k);
    }
    rc = rc || o->d == ST_POSTGRESQL ? rc : come_there(k);
    rc = rc ? rc : put_all(k, todo, from, to);
    return rc ? rc : write_out(k);
}

st_err migrate_offline(const struct migrate_offline *o)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    struct offline_script k = {.o = o, .a = a};
    buf_init(&k.text, SCRIPT_MAX);
    st_err rc = a ? script(&k) : diag_nomem();
    st_engine_close(k.e);
    buf_release(&k.text);
    return rc;
}
