/* The rules of lint, and permissions. */
#include <errno.h>

#include "strata/migrate/lint.h"
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
    [SQL_ALL_ROWS] =
        {"all-rows",
         "it may be every row: all locked in one long transaction, and their old versions stay until its end",
         "st_run_backfill: batches, each a transaction, with a pause"},
    [SQL_JSON] = {"json", "json has no equality, so SELECT DISTINCT and GROUP BY on the table fail", "jsonb"},
    [SQL_WIDE_INDEX] = {"wide-index",
                        "a fourth column rarely makes an index that is not unique any better, and each "
                        "write pays for it",
                        "keep the columns that leave the fewest rows, those that are compared with = first"},
    [SQL_PARTITION] = {"partition", "all partitions are closed, or the new one is scanned, while others wait",
                       "create the table on its own, give it a CHECK of the bounds with st_add_check, then attach it; "
                       "detach by hand with CONCURRENTLY"},
    [SQL_TRANSACTION] = {"transaction",
                         "the upgrade's own transaction ends, and its journal no longer says what was "
                         "done",
                         "leave it out: each phase is a transaction"},
    [SQL_TIMEOUT] = {"timeout", "a lock that is not granted then keeps everybody else waiting",
                     "leave it out: upgrade sets both timeouts; --lock-timeout and --statement-timeout change them"},
    [SQL_LOCK_HELD] = {"lock-held", "the lock of a statement before it in the same transaction is held while it scans",
                       "the operations (st_add_check, st_add_fk, st_run_backfill) do that in transactions of their "
                       "own"},
    [SQL_SEVERAL_TABLES] = {"several-tables",
                            "programs that take the tables in another order wait for the upgrade, "
                            "and the upgrade for them",
                            "one table a revision, or the operations: each locks one table a transaction"},
    [SQL_DISABLE_TRIGGER] = {"disable-trigger",
                             "what programs write meanwhile passes the trigger or the foreign key "
                             "by",
                             "let the trigger itself tell whom it is not for"},
    [SQL_CHAR] = {"char", "char(n) is filled up with blanks, which then count or not, case by case",
                  "text: ST_TEXT with .max"},
    [SQL_VARCHAR] = {"varchar-length", "another length later is another type: a lock on all, and often a rewrite",
                     "text with a CHECK: ST_TEXT with .max"},
    [SQL_TIMESTAMP] = {"timestamp", "it is no moment: what it means depends on who reads it", "timestamptz: ST_TIME"},
    [SQL_SMALL_INT] = {"small-int", "the numbers end, and then every insert fails; another type rewrites the table",
                       "bigint: ST_INT64"},
    [SQL_SERIAL] = {"serial",
                    "its sequence has an owner, rights and a default of its own, which dumps and copies "
                    "lose",
                    "GENERATED BY DEFAULT AS IDENTITY: .identity, or uuid keys"},
    [SQL_DOMAIN] = {"domain", "every table that has a column of it is scanned when the domain changes, under a lock",
                    "a CHECK at the table: st_add_check"},
    [SQL_ENUM_ORDER] = {"enum-order", "the value comes last, so what is compared with < and > may mean something else",
                        "say BEFORE or AFTER, or st_add_enum_value"},
    [SQL_RENAME_OBJECT] = {"rename-object", "programs that run now fail at once: they ask for the old name",
                           "make a second one, move readers, drop the old one"},
    [SQL_DROP_OBJECT] = {"drop-object", "programs, defaults or triggers that use it fail from then on",
                         "first ship a program that does not use it"},
    [SQL_REVOKE] = {"revoke", "programs that run now with this right fail at once",
                    "first ship a program that does without"},
    [SQL_LONG_NAME] = {"long-name", "PostgreSQL cuts names to 63 bytes without an error, so two may become one",
                       "a shorter name"},
    [SQL_UNKNOWN] = {"unknown",
                     "what it does cannot be told from its words: a function, a block of code, or words "
                     "that lint does not know",
                     "an operation, or st_run_step; or read it yourself and allow it with the reason"},
    [SQL_UNUSED_ALLOW] = {"unused-allow", "nothing behind it does what it allows", "take it away"},
    [SQL_RENAME_VALUE] = {"rename-enum-value", "programs that run now write and compare the old value, which fails",
                          "add the new value, read both, fill, then stop using the old one"},
    [SQL_RENAME_SCHEMA] = {"rename-schema", "programs that run now fail at once", "make a new schema, move by steps"},
    [SQL_DROP_DATABASE] = {"drop-database", "everything in it is gone", "not in a revision"},
};

const struct lint_rule *lint_rule_at(size_t i)
{
    return i + 1 < SQL_HAZARDS ? &rules[i + 1] : NULL;
}

const struct lint_rule *lint_rule_find(const char *name)
{
    size_t at = 0;
    const struct lint_rule *r = lint_rule_at(at);
    while (r && strcmp(r->name, name) != 0) {
        r = lint_rule_at(++at);
    }
    return r;
}

st_err lint_no_rule(const char *name)
{
    diag_set(ST_E_INVALID, "lint has no rule \"%.60s\"", name);
    diag_hint("lint --rules lists them");
    return ST_E_INVALID;
}

st_err st_allow(st_ops *o, const char *rule, const char *reason)
{
    const struct lint_rule *r = rule ? lint_rule_find(rule) : NULL;
    if (o->err) {
        return o->err;
    }
    if (!r) {
        return migrate_op_fail(o, lint_no_rule(rule ? rule : ""));
    }
    if (!reason || !*reason) {
        return migrate_op_fail(o, diag_set(ST_E_INVALID, "st_allow %s: the reason must be said", rule));
    }
    struct migrate_allow *allow = ARENA_NEW(o->a, struct migrate_allow);
    const char *why = arena_strdup(o->a, reason);
    if (!allow || !why) {
        return migrate_op_fail(o, diag_nomem());
    }
    *allow = (struct migrate_allow){.rule = r->name, .reason = why, .next = o->allow, .before = o->all_allows};
    o->allow = allow;
    o->all_allows = allow;
    return 0;
}
