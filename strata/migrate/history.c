#include "strata/migrate/history.h"

#include <errno.h>

static bool same(const char *x, const char *y)
{
    return x == y || (x && y && strcmp(x, y) == 0);
}

const struct history_name *history_find(const struct history_names *l, const char *table, const char *name)
{
    for (size_t i = 0; i < l->n; i++) {
        if (same(l->v[i].table, table) && same(l->v[i].name, name)) {
            return &l->v[i];
        }
    }
    return NULL;
}

static st_err add(arena *a, struct history_names *l, struct history_name item)
{
    st_err rc = migrate_grow(a, &l->v, l->n, &l->room, sizeof *l->v);
    if (!rc) {
        l->v[l->n++] = item;
    }
    return rc;
}

/* name NULL: all of the table. */
static void drop(struct history_names *l, const char *table, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (!same(l->v[i].table, table) || (name && !same(l->v[i].name, name))) {
            l->v[n++] = l->v[i];
        }
    }
    l->n = n;
}

bool history_renamed(const struct history *h, const char *table, const char *from, const char *to)
{
    for (size_t i = 0; i < h->renames.n; i++) {
        const struct history_rename *r = &h->renames.v[i];
        if (same(r->table, table) && same(r->from, from) && same(r->to, to)) {
            return true;
        }
    }
    return false;
}

/* What has that name has it no more. */
static void forget_name(struct history *h, const char *table, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < h->renames.n; i++) {
        const struct history_rename *r = &h->renames.v[i];
        if (!same(r->table, table) || (name && !same(r->to, name))) {
            h->renames.v[n++] = *r;
        }
    }
    h->renames.n = n;
}

static st_err keep_rename(arena *a, struct history *h, struct history_rename r)
{
    struct history_renames *l = &h->renames;
    st_err rc = migrate_grow(a, &l->v, l->n, &l->room, sizeof *l->v);
    if (!rc) {
        l->v[l->n++] = r;
    }
    return rc;
}

/* One that stepped aside on the way has been renamed once. */
static st_err note_rename(arena *a, struct history *h, const char *table, const char *from, const char *to,
                          size_t revision)
{
    const char *origin = from;
    for (size_t i = 0; i < h->renames.n; i++) {
        const struct history_rename *r = &h->renames.v[i];
        bool goes_on = r->revision == revision && same(r->table, table) && same(r->to, from);
        origin = goes_on ? r->from : origin;
    }
    forget_name(h, table, from);
    return keep_rename(a, h, (struct history_rename){table, origin, to, revision});
}

static st_err note_made(arena *a, struct history *h, const char *table, const char *was, const char *name,
                        size_t revision)
{
    return was ? keep_rename(a, h, (struct history_rename){table, was, name, revision}) : 0;
}

static st_err note_table(arena *a, struct history *h, const st_table *t, size_t revision)
{
    st_err rc = note_made(a, h, NULL, t->was, t->name, revision);
    for (size_t i = 0; !rc && i < t->n_columns; i++) {
        rc = note_made(a, h, t->name, t->columns[i].was, t->columns[i].name, revision);
    }
    return rc;
}

static st_err note_table_renamed(arena *a, struct history *h, const char *from, const char *to, size_t revision)
{
    for (size_t i = 0; i < h->renames.n; i++) {
        h->renames.v[i].table = same(h->renames.v[i].table, from) ? to : h->renames.v[i].table;
    }
    return note_rename(a, h, NULL, from, to, revision);
}

static st_err note(arena *a, struct history *h, const struct migrate_op *op, size_t revision)
{
    switch ((int)op->kind) {
    case MIGRATE_CREATE_TABLE:
        return note_table(a, h, op->create, revision);
    case MIGRATE_DROP_TABLE:
        forget_name(h, op->table, NULL);
        forget_name(h, NULL, op->table);
        return 0;
    case MIGRATE_RENAME_TABLE:
        return note_table_renamed(a, h, op->table, op->rename.to, revision);
    case MIGRATE_ADD_COLUMN:
        return note_made(a, h, op->table, op->column->was, op->column->name, revision);
    case MIGRATE_RENAME_COLUMN:
        return note_rename(a, h, op->table, op->rename.from, op->rename.to, revision);
    case MIGRATE_DROP_COLUMN:
        forget_name(h, op->table, op->name);
        return 0;
    default:
        return 0;
    }
}

static st_err add_rules(arena *a, struct history *h, const st_table *t)
{
    st_err rc = add(a, &h->tables, (struct history_name){.name = t->name});
    for (size_t i = 0; !rc && i < t->n_triggers; i++) {
        rc = add(a, &h->triggers, (struct history_name){t->name, t->triggers[i].name, &t->triggers[i]});
    }
    for (size_t i = 0; !rc && i < t->n_policies; i++) {
        rc = add(a, &h->policies, (struct history_name){.table = t->name, .name = t->policies[i].name});
    }
    return rc;
}

static void rename_table(struct history *h, const char *from, const char *to)
{
    for (size_t i = 0; i < h->tables.n; i++) {
        h->tables.v[i].name = same(h->tables.v[i].name, from) ? to : h->tables.v[i].name;
    }
    struct history_names *of_tables[] = {&h->triggers, &h->policies};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < of_tables[k]->n; i++) {
            struct history_name *v = &of_tables[k]->v[i];
            v->table = same(v->table, from) ? to : v->table;
        }
    }
}

static st_err take(arena *a, struct history *h, const struct migrate_op *op)
{
    switch ((int)op->kind) { /* the others make nothing that has an owner */
    case MIGRATE_CREATE_TABLE:
        return add_rules(a, h, op->create);
    case MIGRATE_DROP_TABLE:
        drop(&h->tables, NULL, op->table);
        drop(&h->triggers, op->table, NULL);
        drop(&h->policies, op->table, NULL);
        return 0;
    case MIGRATE_RENAME_TABLE:
        rename_table(h, op->table, op->rename.to);
        return 0;
    case MIGRATE_CREATE_ENUM:
        return add(a, &h->enums, (struct history_name){.name = op->enumeration->name});
    case MIGRATE_DROP_ENUM:
        drop(&h->enums, NULL, op->name);
        return 0;
    case MIGRATE_CREATE_TRIGGER:
        return add(a, &h->triggers, (struct history_name){op->table, op->trigger->name, op->trigger});
    case MIGRATE_DROP_TRIGGER:
        drop(&h->triggers, op->table, op->trigger->name);
        return 0;
    case MIGRATE_CREATE_POLICY:
        return add(a, &h->policies, (struct history_name){.table = op->table, .name = op->policy->name});
    case MIGRATE_DROP_POLICY:
        drop(&h->policies, op->table, op->name);
        return 0;
    default:
        return 0;
    }
}

st_err history_read(arena *a, enum st_dialect d, const struct migrate_graph *g, const bool *applied,
                    struct history *ret)
{
    st_err rc = 0;
    *ret = (struct history){0};
    for (size_t i = 0; !rc && i < g->n; i++) {
        if (!applied[i]) {
            continue;
        }
        st_ops ops;
        migrate_ops_init(&ops, a, d);
        (void)g->nodes[i].rev->upgrade(&ops);
        rc = ops.err == -ENOMEM ? ops.err : 0;
        for (size_t k = 0; !rc && !ops.err && k < ops.n; k++) {
            rc = take(a, ret, &ops.ops[k]);
            rc = rc ? rc : note(a, ret, &ops.ops[k], i);
        }
    }
    return rc;
}
