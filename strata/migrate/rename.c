/* Names that change, one after the other: b becomes c before a becomes b. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/compare.h"

st_err rename_add(arena *a, struct rename_list *l, struct rename_item item)
{
    st_err rc = migrate_grow(a, &l->items, l->n, &l->room, sizeof *l->items);
    if (!rc) {
        l->items[l->n++] = item;
    }
    return rc;
}

static st_err record(st_ops *out, const struct rename_item *i)
{
    switch (i->kind) {
    case RENAME_TABLE:
        return st_rename_table(out, i->from, i->to);
    case RENAME_COLUMN:
        return st_rename_column(out, i->table, i->from, i->to);
    case RENAME_INDEX:
        return st_rename_index(out, i->table, i->from, i->to);
    case RENAME_CONSTRAINT:
        return st_rename_constraint(out, i->table, i->constraint, i->from, i->to);
    }
    return 0;
}

static bool is_held(const struct rename_list *l, const struct rename_item *item)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct rename_item *o = &l->items[i];
        /* A unique has a name among the table's constraints and one among the schema's indexes. */
        bool siblings =
            o->kind == RENAME_CONSTRAINT && item->kind == RENAME_CONSTRAINT && same_word(o->table, item->table);
        if (o != item && (siblings || same_word(o->scope, item->scope)) && strcmp(o->from, item->to) == 0) {
            return true;
        }
    }
    return false;
}

st_err rename_all(arena *a, struct rename_list *l, st_ops *out)
{
    st_err rc = 0;
    while (!rc && l->n) {
        size_t pick = l->n;
        for (size_t i = 0; i < l->n && pick == l->n; i++) {
            pick = is_held(l, &l->items[i]) ? l->n : i;
        }
        struct rename_item *item = &l->items[pick < l->n ? pick : 0];
        if (pick == l->n) { /* round in a circle: one steps aside */
            struct rename_item aside = *item;
            aside.to = migrate_name(a, item->from, NULL, NULL, "aside");
            rc = aside.to ? record(out, &aside) : diag_nomem();
            item->from = aside.to;
            continue;
        }
        rc = record(out, item);
        memmove(item, item + 1, (l->n - pick - 1) * sizeof *item);
        l->n--;
    }
    return rc;
}
