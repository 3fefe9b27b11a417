/* Recording operations on enums, policies and triggers. */
#include "strata/migrate/private.h"

static bool take(st_ops *o, const char **ret, const char *s)
{
    bool ok = true;
    *ret = migrate_copy_text(o->a, s, &ok);
    if (!ok) {
        migrate_op_fail(o, diag_nomem());
    }
    return ok;
}

st_err st_create_enum(st_ops *o, const st_enum_type *t)
{
    struct migrate_op *op = migrate_op_add(o, MIGRATE_CREATE_ENUM, NULL);
    if (!op) {
        return o->err;
    }
    op->enumeration = ARENA_NEW(o->a, st_enum_type);
    st_err rc = op->enumeration ? migrate_copy_enum(o->a, t, op->enumeration) : diag_nomem();
    return rc ? migrate_op_fail(o, rc) : 0;
}

/* Of an enum, or of a value of one. */
static bool name_ok(st_ops *o, const char *type, const char *name)
{
    if (migrate_name_ok(type) && name && strlen(name) <= ST_NAME_MAX) {
        return true;
    }
    migrate_op_fail(o, diag_set(ST_E_INVALID,
                                "the enum \"%.80s\": its name has 1 to %d bytes; its values (\"%.80s\") at most that",
                                type ? type : "", ST_NAME_MAX, name ? name : ""));
    return false;
}

st_err st_drop_enum(st_ops *o, const char *name)
{
    struct migrate_op *op = migrate_op_add(o, MIGRATE_DROP_ENUM, NULL);
    return op && name_ok(o, name, name) && take(o, &op->name, name) ? 0 : o->err;
}

st_err st_add_enum_value(st_ops *o, const char *type, const char *value, const char *before)
{
    struct migrate_op *op = migrate_op_add(o, MIGRATE_ADD_ENUM_VALUE, NULL);
    return op && name_ok(o, type, value) && name_ok(o, type, before ? before : value) &&
                   take(o, &op->value.type, type) && take(o, &op->value.value, value) &&
                   take(o, &op->value.before, before)
               ? 0
               : o->err;
}

st_err st_rename_enum_value(st_ops *o, const char *type, const char *from, const char *to)
{
    struct migrate_op *op = migrate_op_add(o, MIGRATE_RENAME_ENUM_VALUE, NULL);
    return op && name_ok(o, type, from) && name_ok(o, type, to) && take(o, &op->rename.type, type) &&
                   take(o, &op->rename.from, from) && take(o, &op->rename.to, to)
               ? 0
               : o->err;
}

static struct migrate_op *add(st_ops *o, enum migrate_op_kind kind, const char *table)
{
    return migrate_op_add(o, kind, table ? table : "");
}

st_err st_create_policy(st_ops *o, const char *table, const st_table_policy *p)
{
    struct migrate_op *op = add(o, MIGRATE_CREATE_POLICY, table);
    if (!op) {
        return o->err;
    }
    op->policy = ARENA_NEW(o->a, st_table_policy);
    st_err rc = op->policy ? migrate_copy_policy(o->a, table, p, op->policy) : diag_nomem();
    return rc ? migrate_op_fail(o, rc) : 0;
}

static st_err rule_of_table(st_ops *o, enum migrate_op_kind kind, const char *table, const char *what, const char *name)
{
    struct migrate_op *op = add(o, kind, table);
    if (op && name && !migrate_name_ok(name)) {
        return migrate_op_fail(o, diag_set(ST_E_INVALID, "table %s: the name of the %s must have 1 to %d bytes", table,
                                           what, ST_NAME_MAX));
    }
    return op && take(o, &op->name, name) ? 0 : o->err;
}

st_err st_drop_policy(st_ops *o, const char *table, const char *name)
{
    return rule_of_table(o, MIGRATE_DROP_POLICY, table, "policy", name ? name : "");
}

st_err st_enable_rls(st_ops *o, const char *table, const char *tenant_column)
{
    return rule_of_table(o, MIGRATE_ENABLE_RLS, table, "tenant's column", tenant_column);
}

st_err st_disable_rls(st_ops *o, const char *table)
{
    return add(o, MIGRATE_DISABLE_RLS, table) ? 0 : o->err;
}

static st_err trigger(st_ops *o, enum migrate_op_kind kind, const char *table, const st_table_trigger *t)
{
    struct migrate_op *op = add(o, kind, table);
    if (!op) {
        return o->err;
    }
    op->trigger = ARENA_NEW(o->a, st_table_trigger);
    st_err rc = op->trigger ? migrate_copy_trigger(o->a, table, t, op->trigger) : diag_nomem();
    return rc ? migrate_op_fail(o, rc) : 0;
}

st_err st_create_trigger(st_ops *o, const char *table, const st_table_trigger *t)
{
    return trigger(o, MIGRATE_CREATE_TRIGGER, table, t);
}

st_err st_drop_trigger(st_ops *o, const char *table, const st_table_trigger *t)
{
    return trigger(o, MIGRATE_DROP_TRIGGER, table, t);
}
