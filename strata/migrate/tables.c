/* Models to tables: the tenant's column goes in front of every key, unique and index, and along with foreign keys. */
#include <assert.h>
#include <errno.h>

#include "strata/migrate/index_part.h"
#include "strata/model/key.h"

struct maker {
    arena *a;
    const st_model *m;
    const char *tenant; /* column, or NULL */
    st_table t;
    st_table_column *columns;
    st_table_index *indexes;
    st_table_fk *fks;
    st_table_check *checks;
    st_table_policy *policies;
    st_table_trigger *triggers;
};

/* The column of a column, with a member or without. */
static const char *column_name(const st_attr *x)
{
    return x->kind == ST_A_UNMAPPED ? x->name : st_attr_column(x);
}

static st_err wrong(const st_model *m, const char *member, const char *what)
{
    return diag_set(ST_E_INVALID, "model %s: %s: %s", m->name, member, what);
}

static st_err add_column(struct maker *k, const st_attr *x)
{
    const struct st_enum *e = x->enumeration;
    const char **values = e ? ARENA_ARRAY(k->a, const char *, e->n + 1u) : NULL;
    if (e && !values) {
        return diag_nomem();
    }
    for (unsigned i = 0; e && i < e->n; i++) {
        values[i] = e->values[i];
    }
    k->columns[k->t.n_columns++] = (st_table_column){
        .name = column_name(x),
        .type = x->type_sql ? ST_TYPE_NONE : st_attr_type(x),
        .pk = x->pk,
        .nullable = st_attr_nullable(x),
        .tenant = x->tenant,
        .max = x->type_sql ? 0 : x->max,
        .as_smallint = x->as_smallint,
        .values = values,
        .min_value = x->min_value,
        .max_value = x->max_value,
        .default_sql = x->default_sql,
        .check = x->check,
        .comment = x->comment,
        .was = x->was,
        .type_sql = x->type_sql,
        .enum_type = x->enum_type,
        .generated = x->generated,
        .identity = x->identity,
    };
    return 0;
}

static const st_attr *column_attr(const st_model *m, const char *name)
{
    for (size_t i = 0; i < m->n_attrs; i++) {
        const st_attr *x = &m->attrs[i];
        if ((x->kind == ST_A_COLUMN || x->kind == ST_A_UNMAPPED) && strcmp(x->name, name) == 0) {
            return x;
        }
    }
    return NULL;
}

/* The columns and expressions of x, behind the tenant's column; of an index that is no btree, without it: the column
 * may be of no use there, or not allowed. */
static st_err key_of(struct maker *k, const st_attr *x, st_table_index *ret)
{
    size_t n = 0;
    bool has_tenant = !k->tenant || (x->method && strcmp(x->method, "btree") != 0);
    const char *name = x->name ? x->name : "index";
    for (size_t i = 0; x->columns && x->columns[i]; i++) {
        struct st_key_part part;
        if (!st_key_part_read(k->m, x->columns[i], &part)) {
            return diag_set(ST_E_INVALID, "model %s: %s names the member %s, which is no column", k->m->name, name,
                            x->columns[i]);
        }
        if (n == ST_KEY_MAX - 1) {
            return wrong(k->m, name, "too many columns");
        }
        const char *down = part.descends ? "-" : "";
        ret->columns[n] =
            part.attr ? arena_printf(k->a, "%s%s", down, column_name(part.attr))
                      : arena_printf(k->a, "%s%.*s", down, (int)st_key_brackets(part.expression), part.expression);
        ret->how[n] = part.how;
        has_tenant |= part.attr && part.attr->tenant;
        if (!ret->columns[n++]) {
            return diag_nomem();
        }
    }
    if (!has_tenant) {
        memmove(ret->columns + 1, ret->columns, n * sizeof *ret->columns);
        memmove(ret->how + 1, ret->how, n * sizeof *ret->how);
        ret->columns[0] = k->tenant;
        ret->how[0] = "";
    }
    return 0;
}

static st_err add_index(struct maker *k, const st_attr *x)
{
    bool unique = x->kind == ST_A_UNIQUE || x->unique;
    st_table_index i = {.name = x->name,
                        .unique = unique,
                        .constraint = x->kind == ST_A_UNIQUE && !x->where && !x->expression,
                        .where = x->where,
                        .expression = x->expression,
                        .method = x->method,
                        .nulls_not_distinct = x->nulls_not_distinct,
                        .with = x->with,
                        .deferrable = x->deferrable};
    st_err rc = key_of(k, x, &i);
    for (size_t n = 0; !rc && x->include && x->include[n]; n++) {
        const st_attr *c = column_attr(k->m, x->include[n]);
        if (!c || n == ST_KEY_MAX) {
            return diag_set(ST_E_INVALID, "model %s: %s includes the member %s, which is %s", k->m->name,
                            x->name ? x->name : "an index", x->include[n], c ? "one too many" : "no column");
        }
        i.include[n] = column_name(c);
    }
    i.constraint = i.constraint && !index_has_expression(&i);
    if (!rc) {
        k->indexes[k->t.n_indexes++] = i;
    }
    return rc;
}

/* Whether target has a UNIQUE over just these members (NULL entries do not count). */
static bool has_unique(const st_model *target, const char *x, const char *y)
{
    for (size_t i = 0; i < target->n_attrs; i++) {
        const st_attr *u = &target->attrs[i];
        size_t n = 0, found = 0;
        for (; u->kind == ST_A_UNIQUE && !u->where && u->columns && u->columns[n]; n++) {
            found += strcmp(u->columns[n], x) == 0 || (y && strcmp(u->columns[n], y) == 0);
        }
        if (n && n == found && n == (y ? 2u : 1u)) {
            return true;
        }
    }
    return false;
}

/* The one part of target's primary key beside its tenant's column. */
static const st_attr *own_key(const st_model *target)
{
    const st_attr *key = NULL;
    for (size_t i = 0; i < target->n_attrs; i++) {
        const st_attr *c = &target->attrs[i];
        if (c->kind == ST_A_COLUMN && c->pk && !c->tenant) {
            if (key) {
                return NULL;
            }
            key = c;
        }
    }
    return key;
}

static st_err add_fk(struct maker *k, const st_attr *x)
{
    const st_model *target = x->references;
    const st_attr *theirs = st_model_tenant(target), *id = own_key(target);
    st_table_fk fk = {
        .table = target->table, .on_delete = x->on_delete, .on_update = x->on_update, .deferrable = x->deferrable};
    size_t n = 0;
    if (x->tenant) { /* the owner of all rows: its tenant column alone is the key */
        if (!theirs || !has_unique(target, theirs->name, NULL)) {
            return wrong(k->m, x->name, "the tenants' model needs a UNIQUE over its tenant column alone");
        }
        fk.columns[n] = k->tenant;
        fk.to[n] = st_attr_column(theirs);
        k->fks[k->t.n_fks++] = fk;
        return 0;
    }
    if (!id) {
        return wrong(k->m, x->name, "refers to a model whose key is not one column beside the tenant's");
    }
    if (theirs) {
        if (!k->tenant) {
            return wrong(k->m, x->name, "a table without a tenant cannot refer to rows of tenants");
        }
        fk.columns[n] = k->tenant;
        fk.to[n++] = st_attr_column(theirs);
    }
    if (x->along) {
        const st_attr *mine = st_model_attr(k->m, x->along), *other = st_model_attr(target, x->along);
        if (!mine || !other || !has_unique(target, x->along, id->name)) {
            return diag_set(ST_E_INVALID,
                            "model %s: %s: .along %s needs that member in both models and UNIQUE over it and "
                            "%s in %s",
                            k->m->name, x->name, x->along, id->name, target->name);
        }
        fk.columns[n] = st_attr_column(mine);
        fk.to[n++] = st_attr_column(other);
    }
    fk.columns[n] = st_attr_column(x);
    fk.to[n] = st_attr_column(id);
    const char *name_of[] = {st_attr_column(x), NULL};
    fk.name = migrate_name(k->a, k->m->table, name_of, NULL, "fkey");
    k->fks[k->t.n_fks++] = fk;
    return fk.name ? 0 : diag_nomem();
}

static st_err add_foreign_key(struct maker *k, const st_attr *x)
{
    st_table_fk fk = {.name = x->name,
                      .table = x->target->table,
                      .on_delete = x->on_delete,
                      .on_update = x->on_update,
                      .deferrable = x->deferrable};
    for (size_t i = 0; x->columns[i] && x->to[i]; i++) {
        const st_attr *mine = column_attr(k->m, x->columns[i]), *theirs = column_attr(x->target, x->to[i]);
        if (!mine || !theirs || i == ST_KEY_MAX) {
            return wrong(k->m, x->name, "names a member that is no column, or too many");
        }
        fk.columns[i] = column_name(mine);
        fk.to[i] = column_name(theirs);
    }
    k->fks[k->t.n_fks++] = fk;
    return 0;
}

static st_err add_attr(struct maker *k, const st_attr *x)
{
    st_err rc = 0;
    assert(k->t.n_columns <= k->m->n_attrs);
    switch (x->kind) {
    case ST_A_COLUMN:
    case ST_A_UNMAPPED:
        rc = add_column(k, x);
        if (!rc && x->unique) {
            const char *const self[] = {x->name, NULL};
            enum st_deferral later = x->references ? ST_NOT_DEFERRABLE : x->deferrable;
            rc = add_index(k, &(const st_attr){.kind = ST_A_UNIQUE, .columns = self, .deferrable = later});
        }
        return !rc && x->references ? add_fk(k, x) : rc;
    case ST_A_UNIQUE:
    case ST_A_INDEX:
        return add_index(k, x);
    case ST_A_CHECK:
        k->checks[k->t.n_checks++] = (st_table_check){x->name, x->check, x->exclude, x->deferrable};
        return 0;
    case ST_A_FOREIGN_KEY:
        return add_foreign_key(k, x);
    case ST_A_COMMENT:
        k->t.comment = x->comment;
        return 0;
    case ST_A_POLICY:
        k->policies[k->t.n_policies++] = *x->policy;
        return 0;
    case ST_A_TRIGGER:
        k->triggers[k->t.n_triggers++] = *x->trigger;
        return 0;
    case ST_A_PRIMARY_KEY:
        k->t.key_deferrable = x->deferrable;
        return 0;
    case ST_A_MANY:
    case ST_A_ONE:
        return 0;
    }
    return 0;
}

static st_err table_of(arena *a, const st_model *m, st_table *ret)
{
    st_err rc = st_model_check(m);
    struct maker k = {.a = a, .m = m, .t = {.name = m->table, .was = m->was}};
    if (rc) {
        return rc;
    }
    const st_attr *tenant = st_model_tenant(m);
    k.tenant = tenant ? st_attr_column(tenant) : NULL;
    k.columns = ARENA_ARRAY(a, st_table_column, m->n_attrs);
    k.indexes = ARENA_ARRAY(a, st_table_index, 2 * m->n_attrs);
    k.fks = ARENA_ARRAY(a, st_table_fk, m->n_attrs);
    k.checks = ARENA_ARRAY(a, st_table_check, m->n_attrs);
    k.policies = ARENA_ARRAY(a, st_table_policy, m->n_attrs);
    k.triggers = ARENA_ARRAY(a, st_table_trigger, m->n_attrs);
    if (!k.columns || !k.indexes || !k.fks || !k.checks || !k.policies || !k.triggers) {
        return diag_nomem();
    }
    for (size_t i = 0; !rc && i < m->n_attrs; i++) {
        rc = add_attr(&k, &m->attrs[i]);
    }
    if (rc) {
        return rc;
    }
    k.t.columns = k.columns;
    k.t.indexes = k.indexes;
    k.t.fks = k.fks;
    k.t.checks = k.checks;
    k.t.policies = k.policies;
    k.t.triggers = k.triggers;
    return migrate_copy_table(a, &k.t, ret);
}

static size_t model_index(const st_model *const *models, size_t n, const st_model *m)
{
    size_t i = 0;
    while (i < n && models[i] != m) {
        i++;
    }
    return i;
}

/* Whether every model in the list that m refers to has been placed. */
static bool parents_placed(const st_model *const *models, size_t n, size_t at, const bool *placed)
{
    const st_model *m = models[at];
    for (size_t i = 0; i < m->n_attrs; i++) {
        const st_attr *x = &m->attrs[i];
        const st_model *r = x->kind == ST_A_COLUMN ? x->references : x->kind == ST_A_FOREIGN_KEY ? x->target : NULL;
        size_t p = r ? model_index(models, n, r) : n;
        if (p < n && p != at && !placed[p]) {
            return false;
        }
    }
    return true;
}

/* Stable: what may come first in the given order does. Members of a cycle follow in the given order. */
static void parents_first(const st_model *const *models, size_t n, bool *placed, size_t *ret_order)
{
    for (size_t done = 0; done < n; done++) {
        size_t pick = n;
        for (size_t i = 0; i < n && pick == n; i++) {
            if (!placed[i] && parents_placed(models, n, i, placed)) {
                pick = i;
            }
        }
        for (size_t i = 0; i < n && pick == n; i++) {
            pick = placed[i] ? n : i;
        }
        assert(pick < n);
        placed[pick] = true;
        ret_order[done] = pick;
    }
}

st_err st_tables_of_models(arena *a, const st_model *const *models, size_t n, const st_table **ret, size_t *ret_n)
{
    st_table *tables = ARENA_ARRAY(a, st_table, n);
    bool *placed = ARENA_ARRAY(a, bool, n);
    size_t *order = ARENA_ARRAY(a, size_t, n);
    if (!tables || !placed || !order) {
        return diag_nomem();
    }
    parents_first(models, n, placed, order);
    for (size_t i = 0; i < n; i++) {
        st_err rc = table_of(a, models[order[i]], &tables[i]);
        if (rc) {
            return diag_wrap(rc, "schema of the model %s", models[order[i]]->name);
        }
    }
    st_err rc = migrate_check_targets(tables, n);
    if (rc) {
        return rc;
    }
    *ret = tables;
    *ret_n = n;
    return 0;
}
