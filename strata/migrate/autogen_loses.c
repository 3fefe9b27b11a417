/* What an operation takes that its way back cannot bring, and what of the rows may keep it from being done. */
#include <inttypes.h>

#include "strata/migrate/autogen.h"

/* What a table that up speaks of at the operation was called before; in the downgrade it is called so again. */
static const char *old_name(const st_ops *up, size_t at, const char *table)
{
    for (size_t i = at; i-- > 0;) {
        const struct migrate_op *op = &up->ops[i];
        if (op->kind == MIGRATE_RENAME_TABLE && strcmp(op->rename.to, table) == 0) {
            table = op->table;
        }
    }
    return table;
}

static const char *old_column(const st_ops *up, size_t at, const char *table, const char *column)
{
    for (size_t i = at; i-- > 0;) {
        const struct migrate_op *op = &up->ops[i];
        if (op->kind == MIGRATE_RENAME_COLUMN && strcmp(op->table, table) == 0 && strcmp(op->rename.to, column) == 0) {
            column = op->rename.from;
        }
    }
    return column;
}

static const st_table_column *added(const st_ops *o, size_t i, const char *table)
{
    const struct migrate_op *op = &o->ops[i];
    return op->kind == MIGRATE_ADD_COLUMN && strcmp(op->table, table) == 0 ? op->column : NULL;
}

static bool same_type(const st_table_column *x, const st_table_column *y)
{
    return x->type == y->type && same_word(x->type_sql, y->type_sql) && same_word(x->enum_type, y->enum_type);
}

/* A column of the same type comes to the same table: it may be this one. NULL: none does. */
static const st_table_column *look_alike(const st_ops *up, const char *table, const st_table_column *gone)
{
    for (size_t i = 0; i < up->n; i++) {
        const st_table_column *c = added(up, i, table);
        if (c && !c->generated && same_type(c, gone)) {
            return c;
        }
    }
    return NULL;
}

static const char *loses_column(arena *a, const struct autogen *g, size_t at)
{
    const struct migrate_op *op = &g->up.ops[at];
    const char *table = old_name(&g->up, at, op->table), *name = old_column(&g->up, at, op->table, op->name);
    const st_table_column *gone = NULL;
    for (size_t i = 0; i < g->down.n && !gone; i++) {
        const st_table_column *c = added(&g->down, i, table);
        gone = c && strcmp(c->name, name) == 0 ? c : NULL;
    }
    if (gone && gone->generated) {
        return NULL; /* it is computed again */
    }
    const st_table_column *like = gone ? look_alike(&g->up, op->table, gone) : NULL;
    return like ? arena_printf(a,
                               "loses data: the values of %s.%s go with the column, which the downgrade makes without "
                               "them; if %s was renamed to %s, say .was = \"%s\" in the model instead",
                               table, name, name, like->name, name)
                : arena_printf(
                      a, "loses data: the values of %s.%s go with the column, which the downgrade makes without them",
                      table, name);
}

/* The first of the names that the column may have no more. */
static const char *name_gone(const st_table_column *x, const st_table_column *y)
{
    for (size_t i = 0; x->values && y->values && x->values[i]; i++) {
        size_t k = 0;
        while (y->values[k] && strcmp(y->values[k], x->values[i]) != 0) {
            k++;
        }
        if (!y->values[k]) {
            return x->values[i];
        }
    }
    return NULL;
}

/* Whether another type holds all that this one does. */
static bool holds_all(const st_table_column *x, const st_table_column *y)
{
    bool grows = x->type >= ST_INT16 && x->type <= ST_INT64 && y->type <= ST_INT64 && y->type >= x->type;
    return same_type(x, y) || grows || (y->type == ST_TEXT && x->type != ST_BYTES) ||
           (x->type == ST_ENUM && y->type == ST_ENUM);
}

/* Text and bytes with less room than before. */
static bool is_shorter(const st_table_column *x, const st_table_column *y)
{
    return y->max && (!x->max || y->max < x->max) && (y->type == ST_TEXT || y->type == ST_BYTES);
}

static bool range_is_narrower(const st_table_column *x, const st_table_column *y)
{
    return (y->min_value && (!x->min_value || *y->min_value > *x->min_value)) ||
           (y->max_value && (!x->max_value || *y->max_value < *x->max_value));
}

static const char *loses_values(arena *a, const struct migrate_op *op)
{
    const st_table_column *x = op->alter.was, *y = op->alter.is;
    const char *t = op->table, *value = name_gone(x, y);
    if (value) {
        return arena_printf(a, "may fail: at rows where %s.%s is '%s', which want another value before", t, y->name,
                            value);
    }
    if (y->generated && !x->generated) {
        return arena_printf(a, "loses data: the values of %s.%s are computed from now on; those that are there go", t,
                            y->name);
    }
    if (!holds_all(x, y)) {
        return arena_printf(a,
                            "may fail: at values of %s.%s that the new type cannot hold; those that are rounded or cut "
                            "the downgrade does not bring back",
                            t, y->name);
    }
    if (x->nullable && !y->nullable) {
        return arena_printf(a, "may fail: at rows where %s.%s is null: fill them in before, with st_run_backfill", t,
                            y->name);
    }
    if (is_shorter(x, y)) {
        return arena_printf(a, "may fail: at rows where %s.%s is longer than %" PRIu32 " bytes", t, y->name, y->max);
    }
    return range_is_narrower(x, y)
               ? arena_printf(a, "may fail: at rows where %s.%s is outside of the new range", t, y->name)
               : NULL;
}

st_err autogen_loses(arena *a, const struct autogen *g, const struct migrate_op *op, const char **ret)
{
    const bool up = op >= g->up.ops && op < g->up.ops + g->up.n; /* what the downgrade drops was not there before */
    size_t failures = arena_failures(a);
    *ret = op->kind == MIGRATE_DROP_TABLE && up
               ? arena_printf(a, "loses data: the rows of %s go with the table, which the downgrade makes empty",
                              old_name(&g->up, (size_t)(op - g->up.ops), op->table))
           : op->kind == MIGRATE_DROP_COLUMN && up ? loses_column(a, g, (size_t)(op - g->up.ops))
           : op->kind == MIGRATE_ALTER_COLUMN      ? loses_values(a, op)
                                                   : NULL;
    return arena_failures(a) == failures ? 0 : diag_nomem();
}
