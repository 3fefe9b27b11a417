/* SQLite: edits of a table that other operations part are brought together, since each run of them makes the table anew
 * while writers wait.
 *
 * An edit is moved up to the one before it on the same table, past what it has nothing to do with. No rows change on
 * the way, for what may change some is not passed. */
#include "strata/migrate/private.h"

static bool same(const char *x, const char *y)
{
    return x == y || (x && y && strcmp(x, y) == 0);
}

/* Whether ALTER COLUMN says of the column's values what it said before, so that its name is all there is to spell, nor
 * is the key concerned. */
static bool keeps_values(const struct migrate_op *op)
{
    const st_table_column *was = op->alter.was, *is = op->alter.is;
    return was->type == is->type && was->max == is->max && was->values == is->values &&
           was->min_value == is->min_value && was->max_value == is->max_value && same(was->check, is->check) &&
           same(was->type_sql, is->type_sql) && same(was->generated, is->generated) &&
           was->as_smallint == is->as_smallint && was->pk == is->pk && was->identity == is->identity;
}

/* Such a column is renamed before it is the key: "rowid" in a trigger would become its name. */
static bool is_in_key(const struct migrate_op *op, const char *column)
{
    for (size_t i = 0; op->key.is && op->key.is[i]; i++) {
        if (strcmp(op->key.is[i], column) == 0) {
            return true;
        }
    }
    return false;
}

static bool may_move(const struct migrate_op *op)
{
    switch ((int)op->kind) {
    case MIGRATE_ALTER_COLUMN:
        return !op->alter.convert; /* which may read other tables */
    case MIGRATE_PRIMARY_KEY:
    case MIGRATE_ADD_CHECK:
    case MIGRATE_ADD_FK:
    case MIGRATE_DROP_CONSTRAINT:
    case MIGRATE_DEFER:
        return true;
    case MIGRATE_CREATE_INDEX:
        return op->index->constraint;
    case MIGRATE_ADD_COLUMN: /* which would have the table made anew by itself */
        return !migrate_sqlite_adds(op->column);
    default:
        return false;
    }
}

/* Whether the operation means the same in front of x, but for names that x changes. */
static bool passes(const struct migrate_op *op, const struct migrate_op *x)
{
    bool own = x->table && strcmp(x->table, op->table) == 0;
    switch ((int)x->kind) {
    case MIGRATE_CREATE_TABLE: /* a key may point at it */
    case MIGRATE_DROP_TABLE:
    case MIGRATE_RENAME_TABLE:
    case MIGRATE_SQL:
    case MIGRATE_RUN:
    case MIGRATE_BACKFILL:
        return false;
    case MIGRATE_RENAME_COLUMN:
        return own ? (op->kind == MIGRATE_PRIMARY_KEY && !is_in_key(op, x->rename.to)) ||
                         (op->kind == MIGRATE_ALTER_COLUMN && keeps_values(op))
                   : op->kind != MIGRATE_ADD_FK || strcmp(op->fk->table, x->table) != 0;
    default:
        return true;
    }
}

static const char *before(const struct migrate_op *rename, const char *name)
{
    return strcmp(name, rename->rename.to) == 0 ? rename->rename.from : name;
}

static st_table_column *column_before(arena *a, const struct migrate_op *rename, const st_table_column *c)
{
    st_table_column *copy = ARENA_ARRAY(a, st_table_column, 1);
    if (copy) {
        *copy = *c;
        copy->name = before(rename, c->name);
    }
    return copy;
}

/* Makes ALTER COLUMN one in front of the rename of a column of its table. */
static st_err rename_in(arena *a, const struct migrate_op *rename, struct migrate_op *op)
{
    op->alter.was = column_before(a, rename, op->alter.was);
    op->alter.is = column_before(a, rename, op->alter.is);
    return op->alter.was && op->alter.is ? 0 : diag_nomem();
}

st_err migrate_order_edits(arena *a, struct migrate_op *ops, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct migrate_op op = ops[i];
        if (!migrate_sqlite_edits(&op) || !may_move(&op)) {
            continue;
        }
        size_t to = i;
        bool found = false;
        st_err rc = 0;
        while (!rc && to > 0 && !found) {
            const struct migrate_op *x = &ops[to - 1];
            bool own = x->table && strcmp(x->table, op.table) == 0;
            found = own && migrate_sqlite_edits(x);
            if (!found && !passes(&op, x)) {
                break;
            }
            bool renames = !found && own && x->kind == MIGRATE_RENAME_COLUMN && op.kind == MIGRATE_ALTER_COLUMN;
            rc = renames ? rename_in(a, x, &op) : 0;
            to -= found ? 0 : 1;
        }
        if (rc) {
            return rc;
        }
        if (found) {
            memmove(&ops[to + 1], &ops[to], (i - to) * sizeof *ops);
            ops[to] = op;
        }
    }
    return 0;
}
