/* An operation as a sentence. */
#include "strata/migrate/autogen.h"

static bool same(const char *x, const char *y)
{
    return x == y || (x && y && strcmp(x, y) == 0);
}

static bool same_values(const char *const *x, const char *const *y)
{
    while (*x && *y && strcmp(*x, *y) == 0) {
        x++;
        y++;
    }
    return !*x && !*y;
}

/* "table notes: change the column rank: type, default" */
static const char *says_alter(arena *a, const struct migrate_op *op)
{
    const st_table_column *x = op->alter.was, *y = op->alter.is;
    const struct {
        const char *what;
        bool differs;
    } parts[] = {
        {"type", x->type != y->type || !same(x->type_sql, y->type_sql) || !same(x->enum_type, y->enum_type) ||
                     x->as_smallint != y->as_smallint},
        {"names", x->values && y->values && !same_values(x->values, y->values)},
        {"largest size", x->max != y->max},
        {"range",
         !x->min_value != !y->min_value || !x->max_value != !y->max_value ||
             (x->min_value && y->min_value && (*x->min_value < *y->min_value || *x->min_value > *y->min_value)) ||
             (x->max_value && y->max_value && (*x->max_value < *y->max_value || *x->max_value > *y->max_value))},
        {y->nullable ? "NULL, which it may be now" : "NULL, which it may be no more", x->nullable != y->nullable},
        {"default", !same(x->default_sql, y->default_sql)},
        {"comment", !same(x->comment, y->comment)},
        {"expression", !same(x->generated, y->generated)},
        {"numbering", x->identity != y->identity},
    };
    const char *text = arena_printf(a, "table %s: change the column %s", op->table, y->name);
    const char *sign = ":";
    for (size_t i = 0; text && i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].differs) {
            text = arena_printf(a, "%s%s %s", text, sign, parts[i].what);
            sign = ",";
        }
    }
    return text;
}

const char *autogen_says(arena *a, const struct migrate_op *op)
{
    const char *t = op->table;
    switch (op->kind) {
    case MIGRATE_CREATE_TABLE:
        return arena_printf(a, "create the table %s", t);
    case MIGRATE_DROP_TABLE:
        return arena_printf(a, "drop the table %s", t);
    case MIGRATE_RENAME_TABLE:
        return arena_printf(a, "rename the table %s to %s", t, op->rename.to);
    case MIGRATE_ADD_COLUMN:
        return arena_printf(a, "table %s: add the column %s", t, op->column->name);
    case MIGRATE_ALTER_COLUMN:
        return says_alter(a, op);
    case MIGRATE_DROP_COLUMN:
        return arena_printf(a, "table %s: drop the column %s", t, op->name);
    case MIGRATE_RENAME_COLUMN:
        return arena_printf(a, "table %s: rename the column %s to %s", t, op->rename.from, op->rename.to);
    case MIGRATE_CREATE_INDEX:
        return arena_printf(a, "table %s: create the %s %s", t, op->index->constraint ? "constraint" : "index",
                            op->index->name);
    case MIGRATE_DROP_INDEX:
        return arena_printf(a, "table %s: drop the index %s", t, op->name);
    case MIGRATE_RENAME_INDEX:
        return arena_printf(a, "table %s: rename the index %s to %s", t, op->rename.from, op->rename.to);
    case MIGRATE_ADD_CHECK:
        return arena_printf(a, "table %s: add the constraint %s", t, op->check->name);
    case MIGRATE_ADD_FK:
        return arena_printf(a, "table %s: add the foreign key %s", t, op->fk->name);
    case MIGRATE_DROP_CONSTRAINT:
        return arena_printf(a, "table %s: drop the constraint %s", t, op->constraint.name);
    case MIGRATE_RENAME_CONSTRAINT:
        return arena_printf(a, "table %s: rename the constraint %s to %s", t, op->constraint.name, op->constraint.to);
    case MIGRATE_PRIMARY_KEY:
        return arena_printf(a, "table %s: change the primary key", t);
    case MIGRATE_DEFER:
        return arena_printf(a, "table %s: make the constraint %s %s", t, op->defer.name,
                            op->defer.is == ST_DEFERRED     ? "deferred"
                            : op->defer.is == ST_DEFERRABLE ? "deferrable"
                                                            : "not deferrable");
    case MIGRATE_COMMENT:
        return arena_printf(a, "table %s: change the comment", t);
    case MIGRATE_CREATE_ENUM:
        return arena_printf(a, "create the enum %s", op->enumeration->name);
    case MIGRATE_DROP_ENUM:
        return arena_printf(a, "drop the enum %s", op->name);
    case MIGRATE_ADD_ENUM_VALUE:
        return arena_printf(a, "enum %s: add the value %s", op->value.type, op->value.value);
    case MIGRATE_RENAME_ENUM_VALUE:
        return arena_printf(a, "enum %s: rename the value %s to %s", op->rename.type, op->rename.from, op->rename.to);
    case MIGRATE_CREATE_POLICY:
        return arena_printf(a, "table %s: create the policy %s", t, op->policy->name);
    case MIGRATE_DROP_POLICY:
        return arena_printf(a, "table %s: drop the policy %s", t, op->name);
    case MIGRATE_ENABLE_RLS:
        return arena_printf(a, "table %s: turn row-level security on", t);
    case MIGRATE_DISABLE_RLS:
        return arena_printf(a, "table %s: turn row-level security off", t);
    case MIGRATE_CREATE_TRIGGER:
        return arena_printf(a, "table %s: create the trigger %s", t, op->trigger->name);
    case MIGRATE_DROP_TRIGGER:
        return arena_printf(a, "table %s: drop the trigger %s", t, op->trigger->name);
    case MIGRATE_SQL:
        return arena_printf(a, "run: %s", op->sql.text);
    case MIGRATE_RUN:
        return arena_printf(a, "run the step %s", op->run.name);
    case MIGRATE_BACKFILL:
        return arena_printf(a, "fill the table %s", op->backfill->table);
    }
    return "";
}
