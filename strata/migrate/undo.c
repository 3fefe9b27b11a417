/* What an upgrade (or downgrade) under way has done, undone.
 *
 * The journal says which phases were done or begun, and each step of a phase comes from an operation, so the operations
 * of which something is there are known. Each is undone by its opposite, the last first. Where the opposite needs to
 * know what was there before, as that of a drop does, it is taken from the revision's way back. */
#include <errno.h>

#include "strata/migrate/run.h"

struct done {
    size_t steps, done; /* those that change something */
    bool running;       /* one that is perhaps done */
};
struct undoer {
    arena *a;
    enum st_dialect d;
    st_ops was, back; /* what was to be done, and the revision's other direction */
    struct done *done;
    st_ops *out;
    buf left; /* what cannot be undone */
};

static bool same(const char *x, const char *y)
{
    return x == y || (x && y && strcmp(x, y) == 0);
}

static void cannot(struct undoer *k, const char *what, const char *name)
{
    buf_printf(&k->left, "%s%s %.80s", k->left.len ? "; " : "", what, name);
}

/* ---- what is there ---- */

/* The operation that a step comes from; the planner makes some of its own for them. */
static struct done *done_of(const struct undoer *k, const struct migrate_op *op)
{
    for (size_t i = 0; i < k->was.n; i++) {
        const struct migrate_op *o = &k->was.ops[i];
        if (o == op || (o->kind == MIGRATE_CREATE_TABLE && op->kind == o->kind && same(o->table, op->table))) {
            return &k->done[i];
        }
    }
    return NULL;
}

static void count_step(struct undoer *k, const struct migrate_step *s, const struct migrate_journal_row *row)
{
    for (size_t i = 0; s->op && s->kind != MIGRATE_STEP_REFUSE && i < (s->n_ops ? s->n_ops : 1); i++) {
        struct done *d = done_of(k, s->op + i);
        if (d) {
            d->steps++;
            d->done += migrate_journal_done(row);
            d->running = d->running || (row && !migrate_journal_done(row) && !migrate_journal_failed(row));
        }
    }
}

static st_err changed(const struct migrate_journal_row *row)
{
    diag_set(ST_E_INVALID, "the revision changed since it began: its phase %d was %s", row->phase + 1, row->name);
    diag_hint("abandon it with the program that began it, or give up its journal alone: --keep");
    return ST_E_INVALID;
}

/* The plan as it ran, and how far it has come. Whether it was --unsafe, its hashes say. */
static st_err count(struct undoer *k, const st_revision *rev, const struct migrate_journal *j, const char *direction,
                    bool unsafe)
{
    struct migrate_plan p = {0};
    const char **hashes;
    st_err rc = k->d == ST_POSTGRESQL && !unsafe ? migrate_plan_safe(k->a, k->was.ops, k->was.n, &p)
                                                 : migrate_plan_ops(k->a, k->d, k->was.ops, k->was.n, &p);
    rc = rc ? rc : migrate_plan_hashes(k->a, k->d, &p, &hashes);
    memset(k->done, 0, (k->was.n + 1) * sizeof *k->done);
    for (size_t i = 0; !rc && i < j->n; i++) {
        const struct migrate_journal_row *row = &j->rows[i];
        bool mine = same(row->revision, rev->id) && same(row->direction, direction) && !migrate_journal_failed(row);
        if (mine && ((size_t)row->phase >= p.n_phases || !same(row->hash, hashes[row->phase]))) {
            return changed(row);
        }
    }
    for (size_t i = 0; !rc && i < p.n_phases; i++) {
        for (size_t s = p.phases[i].first; s < p.phases[i].first + p.phases[i].n; s++) {
            count_step(k, &p.steps[s], migrate_journal_find(j, rev->id, direction, i));
        }
    }
    return rc;
}

/* ---- the opposite of what says what it did ---- */

/* The CHECK that a recipe makes on the way to NOT NULL. */
static void drop_not_null_check(struct undoer *k, const char *table, const char *column)
{
    const char *name = migrate_name(k->a, table, (const char *const[]){column, NULL}, NULL, "not_null");
    buf b BUF_AUTO;
    buf_init(&b, 4096);
    ddl_alter(&b, table);
    buf_puts(&b, "DROP CONSTRAINT IF EXISTS ");
    ddl_ident(&b, name ? name : "");
    if (name && !b.err) {
        (void)st_sql(k->out, ST_POSTGRESQL, b.p);
    } else {
        migrate_op_fail(k->out, diag_nomem());
    }
}

/* How the revision itself changes the column back, which may hold a conversion. */
static const struct migrate_op *way_back(const struct undoer *k, const struct migrate_op *op)
{
    for (size_t i = 0; i < k->back.n; i++) {
        const struct migrate_op *o = &k->back.ops[i];
        if (o->kind == MIGRATE_ALTER_COLUMN && same(o->table, op->table) &&
            same(o->alter.is->name, op->alter.was->name)) {
            return o;
        }
    }
    return NULL;
}

static void alter_back(struct undoer *k, const struct migrate_op *op, const struct done *d)
{
    const struct migrate_op *back = way_back(k, op);
    st_table_column is = *op->alter.is;
    if (d->done < d->steps && op->alter.was->nullable && !is.nullable) {
        drop_not_null_check(k, op->table, is.name);
        is.nullable = true;
        is.identity = op->alter.was->identity; /* which comes behind NOT NULL */
    }
    if (op->alter.convert && !(back && back->alter.convert)) {
        cannot(k, "what was converted in the column", is.name);
    }
    (void)st_alter_column(k->out, op->table, &is, op->alter.was, back ? back->alter.convert : NULL);
}

static void key_back(struct undoer *k, const struct migrate_op *op, const struct done *d)
{
    if (d->done == d->steps) {
        (void)st_change_primary_key(k->out, op->table, op->key.is, op->key.was, NULL);
        return;
    }
    for (const char *const *c = op->key.is; c && *c; c++) {
        drop_not_null_check(k, op->table, *c);
    }
    const char *name = migrate_name(k->a, op->table, NULL, NULL, "pkey_next");
    if (op->key.is && !op->key.index) {
        (void)st_drop_index(k->out, op->table, name);
    }
}

static void defer_back(struct undoer *k, const struct migrate_op *op, const struct done *d)
{
    if (op->defer.kind == ST_C_FK) {
        (void)st_defer_fk(k->out, op->table, op->defer.name, op->defer.is, op->defer.was);
    } else if (d->done < d->steps) {
        (void)st_drop_index(k->out, op->table, migrate_defer_index(k->a, op));
    } else if (op->defer.kind == ST_C_UNIQUE) {
        st_table_index i = *op->defer.index;
        i.deferrable = op->defer.is;
        (void)st_defer_unique(k->out, op->table, &i, op->defer.was);
    } else {
        const char *columns[ST_KEY_MAX + 1] = {NULL};
        memcpy(columns, op->defer.index->columns, sizeof op->defer.index->columns);
        (void)st_defer_primary_key(k->out, op->table, op->defer.name, columns, op->defer.is, op->defer.was);
    }
}

static void drop_table(struct undoer *k, const struct migrate_op *op)
{
    for (size_t i = 0; i < op->create->n_triggers; i++) { /* or their functions would stay */
        (void)st_drop_trigger(k->out, op->table, &op->create->triggers[i]);
    }
    (void)st_drop_table(k->out, op->table);
}

/* True: it was one of these. */
static bool undo_made(struct undoer *k, const struct migrate_op *op, const struct done *d)
{
    switch ((int)op->kind) {
    case MIGRATE_CREATE_TABLE:
        drop_table(k, op);
        return true;
    case MIGRATE_ADD_COLUMN:
        (void)st_drop_column(k->out, op->table, op->column->name);
        return true;
    case MIGRATE_CREATE_INDEX:
        if (op->index->constraint && d->done == d->steps) {
            (void)st_drop_constraint(k->out, op->table, ST_C_UNIQUE, op->index->name);
        } else {
            (void)st_drop_index(k->out, op->table, op->index->name);
        }
        return true;
    case MIGRATE_ADD_CHECK:
        (void)st_drop_constraint(k->out, op->table, op->check->exclude ? ST_C_EXCLUDE : ST_C_CHECK, op->check->name);
        return true;
    case MIGRATE_ADD_FK:
        (void)st_drop_constraint(k->out, op->table, ST_C_FK, op->fk->name);
        return true;
    case MIGRATE_ALTER_COLUMN:
        alter_back(k, op, d);
        return true;
    case MIGRATE_PRIMARY_KEY:
        key_back(k, op, d);
        return true;
    case MIGRATE_DEFER:
        defer_back(k, op, d);
        return true;
    case MIGRATE_CREATE_ENUM:
        (void)st_drop_enum(k->out, op->enumeration->name);
        return true;
    case MIGRATE_CREATE_POLICY:
        (void)st_drop_policy(k->out, op->table, op->policy->name);
        return true;
    case MIGRATE_ENABLE_RLS:
        (void)st_disable_rls(k->out, op->table);
        return true;
    case MIGRATE_CREATE_TRIGGER:
        (void)st_drop_trigger(k->out, op->table, op->trigger);
        return true;
    case MIGRATE_DROP_TRIGGER:
        (void)st_create_trigger(k->out, op->table, op->trigger);
        return true;
    default:
        return false;
    }
}

static bool undo_renamed(struct undoer *k, const struct migrate_op *op)
{
    switch ((int)op->kind) {
    case MIGRATE_RENAME_TABLE:
        (void)st_rename_table(k->out, op->rename.to, op->table);
        return true;
    case MIGRATE_RENAME_COLUMN:
        (void)st_rename_column(k->out, op->table, op->rename.to, op->rename.from);
        return true;
    case MIGRATE_RENAME_INDEX:
        (void)st_rename_index(k->out, op->table, op->rename.to, op->rename.from);
        return true;
    case MIGRATE_RENAME_CONSTRAINT:
        (void)st_rename_constraint(k->out, op->table, op->constraint.kind, op->constraint.to, op->constraint.name);
        return true;
    case MIGRATE_RENAME_ENUM_VALUE:
        (void)st_rename_enum_value(k->out, op->rename.type, op->rename.to, op->rename.from);
        return true;
    default:
        return false;
    }
}

/* ---- the opposite that the revision's way back knows ---- */

/* Whether made, of the way back, makes again what op dropped. */
static bool makes(const struct migrate_op *made, const struct migrate_op *op)
{
    if (!same(made->table, op->table)) {
        return false;
    }
    switch ((int)op->kind) {
    case MIGRATE_DROP_TABLE:
        return made->kind == MIGRATE_CREATE_TABLE;
    case MIGRATE_DROP_COLUMN:
        return made->kind == MIGRATE_ADD_COLUMN && same(made->column->name, op->name);
    case MIGRATE_DROP_INDEX:
        return made->kind == MIGRATE_CREATE_INDEX && same(made->index->name, op->name);
    case MIGRATE_DROP_POLICY:
        return made->kind == MIGRATE_CREATE_POLICY && same(made->policy->name, op->name);
    case MIGRATE_DROP_ENUM:
        return made->kind == MIGRATE_CREATE_ENUM && same(made->enumeration->name, op->name);
    case MIGRATE_DISABLE_RLS:
        return made->kind == MIGRATE_ENABLE_RLS;
    case MIGRATE_COMMENT:
        return made->kind == MIGRATE_COMMENT && same(made->comment.column, op->comment.column);
    case MIGRATE_DROP_CONSTRAINT:
        return (made->kind == MIGRATE_ADD_CHECK && same(made->check->name, op->constraint.name)) ||
               (made->kind == MIGRATE_ADD_FK && same(made->fk->name, op->constraint.name)) ||
               (made->kind == MIGRATE_CREATE_INDEX && made->index->constraint &&
                same(made->index->name, op->constraint.name)) ||
               (made->kind == MIGRATE_PRIMARY_KEY && op->constraint.kind == ST_C_PRIMARY_KEY);
    default:
        return false;
    }
}

/* A column that the way back adds under another name first, as parallel columns come. */
static bool add_renamed(struct undoer *k, const struct migrate_op *op)
{
    for (size_t i = 0; op->kind == MIGRATE_DROP_COLUMN && i < k->back.n; i++) {
        const struct migrate_op *rename = &k->back.ops[i];
        if (rename->kind != MIGRATE_RENAME_COLUMN || !same(rename->table, op->table) ||
            !same(rename->rename.to, op->name)) {
            continue;
        }
        for (size_t j = 0; j < i; j++) {
            const struct migrate_op *made = &k->back.ops[j];
            if (made->kind == MIGRATE_ADD_COLUMN && same(made->table, op->table) &&
                same(made->column->name, rename->rename.from)) {
                st_table_column column = *made->column;
                column.name = op->name;
                (void)st_add_column(k->out, op->table, &column);
                return true;
            }
        }
    }
    return false;
}

static void undo_dropped(struct undoer *k, const struct migrate_op *op, const struct done *d)
{
    const struct migrate_op *made = NULL;
    for (size_t i = 0; i < k->back.n && !made; i++) {
        made = makes(&k->back.ops[i], op) ? &k->back.ops[i] : NULL;
    }
    const char *name = op->kind == MIGRATE_DROP_CONSTRAINT ? op->constraint.name
                       : op->kind == MIGRATE_DROP_TABLE    ? op->table
                       : op->kind == MIGRATE_COMMENT       ? "of it"
                       : op->kind == MIGRATE_DISABLE_RLS   ? op->table
                                                           : op->name;
    if (op->kind == MIGRATE_DROP_TABLE || op->kind == MIGRATE_DROP_COLUMN) {
        cannot(k, op->kind == MIGRATE_DROP_TABLE ? "the rows of the table" : "the values of the column", name);
    }
    if (!made && add_renamed(k, op)) {
        return;
    }
    if (!made) {
        cannot(k, op->kind == MIGRATE_COMMENT ? "a comment" : "the drop of", name);
        return;
    }
    if (op->kind == MIGRATE_DROP_INDEX && d->running) { /* it may be there still, or be half gone */
        (void)st_drop_index(k->out, op->table, op->name);
    }
    struct migrate_op *copy = migrate_op_add(k->out, made->kind, made->table);
    if (copy) {
        const char *table = copy->table;
        unsigned together = copy->together;
        *copy = *made;
        copy->table = table;
        copy->together = together;
    }
}

static void undo_one(struct undoer *k, const struct migrate_op *op, const struct done *d)
{
    if (undo_made(k, op, d) || undo_renamed(k, op)) {
        return;
    }
    switch ((int)op->kind) {
    case MIGRATE_BACKFILL: /* the column goes, or the values do no harm */
        return;
    case MIGRATE_SQL:
        cannot(k, op->table ? "rows of the table" : "the revision's own SQL:", op->table ? op->table : op->sql.text);
        return;
    case MIGRATE_RUN:
        cannot(k, "the step", op->run.name);
        return;
    case MIGRATE_ADD_ENUM_VALUE:
        cannot(k, "the enum's value", op->value.value);
        return;
    default:
        undo_dropped(k, op, d);
    }
}

static void undo_all(struct undoer *k)
{
    unsigned together = 0;
    for (size_t i = k->was.n; i-- > 0;) {
        const struct migrate_op *op = &k->was.ops[i];
        if (op->together != together) { /* what was one transaction is one */
            migrate_ops_together(k->out, false);
            if (op->together) {
                migrate_ops_together(k->out, true);
            }
            together = op->together;
        }
        if (k->done[i].done || k->done[i].running) {
            undo_one(k, op, &k->done[i]);
        }
    }
    migrate_ops_together(k->out, false);
}

static st_err refuse(const struct undoer *k, bool leave)
{
    if (k->left.err) {
        return k->left.err == -E2BIG ? 0 : diag_nomem();
    }
    if (!k->left.len || leave) {
        return 0;
    }
    diag_set(ST_E_INVALID, "not all that it has done can be undone: %.300s", k->left.p);
    diag_hint("--leave undoes the rest and leaves that as it is; --keep leaves all of it and forgets how far it came; "
              "finishing it is the third way");
    return ST_E_INVALID;
}

st_err migrate_plan_undo(arena *a, enum st_dialect d, const st_revision *rev, bool up, const struct migrate_journal *j,
                         bool leave, struct migrate_plan *ret)
{
    st_ops out;
    struct undoer k = {.a = a, .d = d, .out = &out};
    migrate_ops_init(&k.was, a, d);
    migrate_ops_init(&k.back, a, d);
    migrate_ops_init(&out, a, d);
    buf_init(&k.left, 1 << 16);
    st_err rc = (up ? rev->upgrade : rev->downgrade)(&k.was);
    rc = k.was.err ? k.was.err : rc;
    st_err (*other)(st_ops *) = up ? rev->downgrade : rev->upgrade;
    if (!rc && other) {
        rc = other(&k.back);
        rc = k.back.err ? k.back.err : rc;
    }
    k.done = rc ? NULL : ARENA_ARRAY(a, struct done, k.was.n + 1);
    rc = rc || k.done ? rc : diag_nomem();
    const char *direction = up ? "up" : "down";
    if (!rc && count(&k, rev, j, direction, false) && (d == ST_SQLITE || count(&k, rev, j, direction, true))) {
        rc = diag_last()->code;
    }
    if (!rc) {
        undo_all(&k);
        rc = out.err ? out.err : refuse(&k, leave);
    }
    *ret = (struct migrate_plan){0};
    rc = rc                   ? rc
         : d == ST_POSTGRESQL ? migrate_plan_safe(a, out.ops, out.n, ret)
                              : migrate_plan_ops(a, d, out.ops, out.n, ret);
    buf_release(&k.left);
    return rc ? rc : migrate_plan_end(a, ret);
}
