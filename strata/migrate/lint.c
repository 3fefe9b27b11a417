#include "strata/migrate/lint.h"

#include <errno.h>

#include "strata/migrate/sql_look.h"

static const struct lint_rule rules[SQL_HAZARDS] = {
    [SQL_RENAME_TABLE] = {"rename-table", "programs that run now fail at once: they ask for the old name",
                          "make a view of the old name in the same revision, or move to a new table by steps"},
    [SQL_RENAME_COLUMN] = {"rename-column", "programs that run now fail at once: they ask for the old name",
                           "add the new column beside it, write both, fill it, switch readers, drop the old one "
                           "(st_parallel_begin)"},
    [SQL_DROP_TABLE] = {"drop-table", "programs that run now fail at once, and the rows are gone",
                        "first ship a program that does not use it; keep the rows until that is proven"},
    [SQL_DROP_COLUMN] = {"drop-column", "programs that run now fail at once: they select and insert it",
                         "first ship a program that does not know it, then drop it"},
    [SQL_CHANGE_TYPE] = {"change-type", "every row is rewritten while nobody can read or write",
                         "st_parallel_begin: a second column, filled in batches, that takes its place"},
    [SQL_ADD_NOT_NULL] = {"add-not-null", "it fails as soon as the table has a row",
                          "give it a default, or add it nullable, fill it, and make it NOT NULL with st_alter_column"},
    [SQL_SET_NOT_NULL] = {"set-not-null", "the table is scanned while nobody can read or write",
                          "st_alter_column: a CHECK that is validated beside the readers proves it first"},
    [SQL_DROP_NOT_NULL] = {"drop-not-null", "programs that run now may not bear a null",
                           "first ship a program that does"},
    [SQL_COMPUTED] = {"computed-column", "every row is rewritten while nobody can read or write",
                      "add a plain column, keep it by a trigger, fill it with st_run_backfill"},
    [SQL_VOLATILE_DEFAULT] = {"volatile-default", "every row is rewritten while nobody can read or write",
                              "st_add_column: it adds the column first and fills it in batches"},
    [SQL_CHECK] = {"check", "the table is scanned while nobody can read or write",
                   "st_add_check: NOT VALID first, validated beside readers and writers"},
    [SQL_FOREIGN_KEY] = {"foreign-key", "both tables are closed to writers while one is scanned",
                         "st_add_fk: NOT VALID first, validated beside readers and writers"},
    [SQL_UNIQUE] = {"unique", "an index is built while nobody can read or write",
                    "st_create_index with .constraint: the index is built beside writers and then made a constraint"},
    [SQL_EXCLUDE] = {"exclude", "an index is built while nobody can write, and there is no other way to make one",
                     "choose the hour, and upgrade with --unsafe"},
    [SQL_INDEX] = {"index", "nobody can write while it is built",
                   "st_create_index: CONCURRENTLY, and again when it fails"},
    [SQL_DROP_INDEX] = {"drop-index", "readers and writers wait for all who use the table",
                        "st_drop_index: CONCURRENTLY"},
    [SQL_IN_TRANSACTION] = {"in-transaction", "it cannot run in a transaction, and st_sql is one",
                            "st_create_index and st_drop_index run outside of transactions; run others by hand"},
    [SQL_REWRITE] = {"rewrite", "the table is written anew while nobody can read or write",
                     "leave it to the maintenance of the database (pg_repack, REINDEX CONCURRENTLY by hand)"},
    [SQL_TRUNCATE] = {"truncate", "the rows are gone, and readers and writers wait", "delete in batches (st_run_step)"},
    [SQL_LOCK] = {"lock", "others wait until the transaction ends", "leave the lock out: each operation takes its own"},
    [SQL_ALL_ROWS] = {"all-rows",
                      "every row is locked in one long transaction, and its old versions stay until the end",
                      "st_run_backfill: batches, each a transaction, with a pause"},
    [SQL_JSON] = {"json", "json has no equality, so SELECT DISTINCT and GROUP BY on the table fail", "jsonb"},
    [SQL_RENAME_VALUE] = {"rename-enum-value", "programs that run now write and compare the old value, which fails",
                          "add the new value, read both, fill, then stop using the old one"},
    [SQL_RENAME_SCHEMA] = {"rename-schema", "programs that run now fail at once", "make a new schema, move by steps"},
    [SQL_DROP_DATABASE] = {"drop-database", "everything in it is gone", "not in a revision"},
};

const struct lint_rule *lint_rule_at(size_t i)
{
    return i + 1 < SQL_HAZARDS ? &rules[i + 1] : NULL;
}

struct linter {
    arena *a;
    const struct migrate_op *ops;
    struct lint_findings *found;
};

static st_err find(struct linter *k, enum sql_hazard hazard, const char *table, const char *what)
{
    st_err rc = migrate_grow(k->a, &k->found->v, k->found->n, &k->found->room, sizeof *k->found->v);
    if (!rc) {
        k->found->v[k->found->n++] = (struct lint_finding){&rules[hazard], table, what};
    }
    return rc;
}

/* A table that the revision makes itself is in nobody's way. */
static bool is_fresh(const struct linter *k, const struct migrate_op *op, const char *table)
{
    for (const struct migrate_op *o = op; table && o-- > k->ops;) {
        if (o->kind == MIGRATE_RENAME_TABLE && strcmp(o->rename.to, table) == 0) {
            table = o->table;
        } else if (o->kind == MIGRATE_CREATE_TABLE && strcmp(o->table, table) == 0) {
            return true;
        }
    }
    return false;
}

/* "-- lint: allow drop-column, index" anywhere in the text. */
static bool allowed(const char *sql, const char *name)
{
    static const char mark[] = "-- lint: allow";
    for (const char *p = strstr(sql, mark); p; p = strstr(p, mark)) {
        p += strlen(mark);
        const char *end = p + strcspn(p, "\n"), *at = p;
        size_t len = strlen(name);
        while (at < end) {
            at += strspn(at, " ,");
            size_t word = strcspn(at, " ,\n");
            if (word == len && memcmp(at, name, len) == 0) {
                return true;
            }
            at += word ? word : 1;
        }
    }
    return false;
}

static st_err own_sql(struct linter *k, const struct migrate_op *op)
{
    str rest = str_of(op->sql.text), one;
    st_err rc = 0;
    if (op->table || (op->sql.only && op->sql.only != ST_POSTGRESQL)) { /* rows of a revision are inserted */
        return 0;
    }
    while (!rc && sql_statement(&rest, &one)) {
        struct sql_look look;
        rc = sql_look(k->a, one, &look);
        if (rc || !look.hazard || is_fresh(k, op, look.table) || allowed(op->sql.text, rules[look.hazard].name)) {
            continue;
        }
        const char *what = arena_memdup0(k->a, one.p, one.len < 60 ? one.len : 60);
        rc = what ? find(k, look.hazard, look.table, what) : diag_nomem();
    }
    return rc;
}

static st_err alter_column(struct linter *k, const struct migrate_op *op)
{
    struct migrate_plan p = {0};
    st_err rc = op->alter.is->nullable && !op->alter.was->nullable
                    ? find(k, SQL_DROP_NOT_NULL, op->table, op->alter.is->name)
                    : 0;
    rc = rc ? rc : migrate_plan_safe(k->a, op, 1, &p);
    bool rewrites = false;
    for (size_t i = 0; i < p.n; i++) {
        rewrites = rewrites || p.steps[i].kind == MIGRATE_STEP_REFUSE;
    }
    return rc || !rewrites ? rc : find(k, SQL_CHANGE_TYPE, op->table, op->alter.is->name);
}

static st_err operation(struct linter *k, const struct migrate_op *op)
{
    switch ((int)op->kind) {
    case MIGRATE_RENAME_TABLE:
        return find(k, SQL_RENAME_TABLE, op->table, op->rename.to);
    case MIGRATE_RENAME_COLUMN:
        return find(k, SQL_RENAME_COLUMN, op->table, op->rename.from);
    case MIGRATE_DROP_TABLE:
        return find(k, SQL_DROP_TABLE, op->table, op->table);
    case MIGRATE_DROP_COLUMN:
        return find(k, SQL_DROP_COLUMN, op->table, op->name);
    case MIGRATE_ALTER_COLUMN:
        return alter_column(k, op);
    case MIGRATE_ADD_COLUMN:
        if (op->column->generated || op->column->identity) {
            return find(k, SQL_COMPUTED, op->table, op->column->name);
        }
        return op->column->nullable || op->column->default_sql ? 0
                                                               : find(k, SQL_ADD_NOT_NULL, op->table, op->column->name);
    case MIGRATE_ADD_CHECK:
        return op->check->exclude ? find(k, SQL_EXCLUDE, op->table, op->check->name) : 0;
    case MIGRATE_RENAME_ENUM_VALUE:
        return find(k, SQL_RENAME_VALUE, op->rename.type, op->rename.from);
    case MIGRATE_SQL:
        return own_sql(k, op);
    default: /* the planner has a recipe for it */
        return 0;
    }
}

st_err lint_operations(arena *a, const struct migrate_op *ops, size_t n, struct lint_findings *ret)
{
    struct linter k = {.a = a, .ops = ops, .found = ret};
    st_err rc = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        if (!is_fresh(&k, &ops[i], ops[i].table)) {
            rc = operation(&k, &ops[i]);
        }
    }
    return rc;
}
