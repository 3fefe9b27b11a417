/* The descriptor of a model. */
#include <errno.h>

#include "strata/migrate/codegen.h"
#include "strata/migrate/index_part.h"
#include "strata/migrate/inspect_parts.h"

static size_t index_of(const struct printer *k, const char *table)
{
    const struct seen_table *t = seen_find(k->s, table);
    return t ? (size_t)(t - k->s->tables) : k->s->n_tables;
}

static void open_attr(struct printer *k, const char *word)
{
    buf_printf(k->b, ",\n    %s(", word);
}

static void print_enum_name(struct printer *k, size_t at, const st_table_column *c)
{
    buf_printf(k->b, "%s_%s_enum", k->names[at], inspect_member(k, &k->stated[at], c));
}

static bool is_last(const char *const columns[static ST_KEY_MAX], const char *name)
{
    size_t n = migrate_key_len(columns);
    return n && strcmp(columns[n - 1], name) == 0;
}

/* The part of the primary key beside the tenant's column, or NULL when that is not one column. */
static const char *own_key(const st_table *t)
{
    const char *key = NULL;
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].pk && !t->columns[i].tenant) {
            if (key) {
                return NULL;
            }
            key = t->columns[i].name;
        }
    }
    return key;
}

static const char *tenant_of(const st_table *t)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].tenant) {
            return t->columns[i].name;
        }
    }
    return NULL;
}

/* Whether REF of the key's last column says all of it. *ret_along: a column that it carries, or NULL. */
static bool is_ref(const struct printer *k, const st_table *t, const st_table_fk *fk, const char **ret_along)
{
    size_t at = index_of(k, fk->table), n = migrate_key_len(fk->columns), from = 0;
    *ret_along = NULL;
    if (at == k->s->n_tables || !k->names[at]) {
        return false;
    }
    const st_table *parent = &k->stated[at];
    const char *mine = tenant_of(t), *theirs = tenant_of(parent), *key = own_key(parent);
    if (theirs) {
        if (!mine || strcmp(fk->columns[0], mine) != 0 || strcmp(fk->to[0], theirs) != 0) {
            return false;
        }
        from = 1;
        if (n == 1) {
            return true; /* to the owner of all rows */
        }
    }
    const st_table_column *last = migrate_column(t, fk->columns[n - 1]),
                          *its = key ? migrate_column(parent, key) : NULL;
    enum st_dialect d = k->s->dialect;
    if (!last || !its || !is_last(fk->to, key) || n - from > 2 || inspect_type(d, last) != inspect_type(d, its)) {
        return false;
    }
    if (n - from == 2) {
        *ret_along = fk->columns[from];
        return strcmp(fk->columns[from], fk->to[from]) == 0;
    }
    return true;
}

static const st_table_fk *ref_of(const struct printer *k, const st_table *t, const char *column, const char **ret_along)
{
    const st_table_column *c = migrate_column(t, column);
    bool member = c && inspect_has_member(k, c);
    const char *name = member ? migrate_name(k->a, t->name, (const char *const[]){column, NULL}, NULL, "fkey") : NULL;
    for (size_t i = 0; name && i < t->n_fks; i++) { /* one of another name, or of no member, says FOREIGN_KEY */
        if (is_last(t->fks[i].columns, column) && strcmp(t->fks[i].name, name) == 0 &&
            is_ref(k, t, &t->fks[i], ret_along)) {
            return &t->fks[i];
        }
    }
    return NULL;
}

static void print_actions(struct printer *k, const st_table_fk *fk)
{
    if (fk->on_delete) {
        buf_printf(k->b, ", .on_delete = %s", codegen_action(fk->on_delete));
    }
    if (fk->on_update) {
        buf_printf(k->b, ", .on_update = %s", codegen_action(fk->on_update));
    }
    codegen_deferrable(k->b, "deferrable", fk->deferrable);
}

static void print_values(struct printer *k, size_t at, const st_table_column *c)
{
    if (c->max) {
        buf_printf(k->b, ", .max = %u", c->max);
    }
    if (c->type == ST_ENUM) {
        buf_puts(k->b, ", .enumeration = &");
        print_enum_name(k, at, c);
    }
    codegen_flag(k->b, "as_smallint", c->as_smallint);
    codegen_option(k->b, "enum_type", c->enum_type);
    if (c->min_value) {
        buf_puts(k->b, ", .min_value = ");
        codegen_number(k->b, *c->min_value);
    }
    if (c->max_value) {
        buf_puts(k->b, ", .max_value = ");
        codegen_number(k->b, *c->max_value);
    }
    const char *value = c->default_sql;
    bool flag = value && c->type == ST_TYPE_NONE && inspect_type(k->s->dialect, c) == ST_BOOL;
    codegen_option(k->b, "default_sql",
                   flag && strcmp(value, "1") == 0   ? "true"
                   : flag && strcmp(value, "0") == 0 ? "false"
                                                     : value);
    codegen_option(k->b, "check", c->check);
    codegen_flag(k->b, "identity", c->identity);
    codegen_option(k->b, "comment", c->comment);
}

static st_err print_column(struct printer *k, size_t at, const st_table_column *c)
{
    const st_table *t = &k->stated[at];
    const char *member = inspect_member(k, t, c), *along = NULL;
    if (!inspect_has_member(k, c)) {
        open_attr(k, "UNMAPPED");
        codegen_string(k->b, c->name, 0);
        buf_printf(k->b, ", %s", codegen_types[c->type]);
        codegen_option(k->b, "type_sql", c->type_sql);
        codegen_flag(k->b, "null", c->nullable);
        codegen_option(k->b, "generated", c->generated);
        print_values(k, at, c);
        buf_put_char(k->b, ')');
        return 0;
    }
    const st_table_fk *fk = ref_of(k, t, c->name, &along);
    open_attr(k, fk ? "REF" : "COL");
    buf_puts(k->b, member);
    if (fk) {
        buf_printf(k->b, ", %s", k->names[index_of(k, fk->table)]);
    }
    if (strcmp(member, c->name) != 0) {
        codegen_option(k->b, "column", c->name);
    }
    codegen_option(k->b, "type_sql", c->type_sql);
    codegen_flag(k->b, "tenant", c->tenant);
    codegen_flag(k->b, "pk", c->pk);
    enum st_type type = inspect_type(k->s->dialect, c);
    bool by_option = type == ST_TEXT || type == ST_BYTES || type == ST_JSON || type == ST_TEXTS || type == ST_UUIDS;
    codegen_flag(k->b, "null", c->nullable && by_option);
    print_values(k, at, c);
    if (fk) {
        print_actions(k, fk);
        const st_table_column *carried = along ? migrate_column(t, along) : NULL;
        codegen_option(k->b, "along", carried ? inspect_member(k, t, carried) : NULL);
    }
    buf_put_char(k->b, ')');
    return 0;
}

/* Its member, or its name when it has none. */
static const char *member_of(struct printer *k, const st_table *of, const char *column)
{
    const st_table_column *c = migrate_column(of, column);
    return c && inspect_has_member(k, c) ? inspect_member(k, of, c) : column;
}

static st_err print_members(struct printer *k, const st_table *of, const char *const columns[static ST_KEY_MAX])
{
    for (size_t i = 0; i < migrate_key_len(columns); i++) {
        const char *member = member_of(k, of, columns[i]);
        if (!member) {
            return diag_nomem();
        }
        buf_puts(k->b, i ? ", " : "");
        codegen_string(k->b, member, 0);
    }
    return 0;
}

/* "-member nulls last", "(lower(name))". */
static st_err print_parts(struct printer *k, const st_table *t, const st_table_index *i)
{
    size_t n = migrate_key_len(i->columns);
    for (size_t c = 0; c < n; c++) {
        const char *column = i->columns[c], *how = i->how[c] ? i->how[c] : "";
        bool down = column[0] == '-';
        const char *member = index_is_expression(column) ? column + down : member_of(k, t, column + down);
        const char *entry =
            member ? arena_printf(k->a, "%s%s%s%s", down ? "-" : "", member, how[0] ? " " : "", how) : NULL;
        if (!entry) {
            return diag_nomem();
        }
        buf_puts(k->b, c ? ", " : "");
        codegen_string(k->b, entry, 0);
    }
    if (i->expression) {
        const char *entry = arena_printf(k->a, "(%s)", i->expression);
        if (!entry) {
            return diag_nomem();
        }
        buf_puts(k->b, n ? ", " : "");
        codegen_string(k->b, entry, 0);
    }
    return 0;
}

static st_err print_index(struct printer *k, const st_table *t, const st_table_index *i)
{
    bool plain = i->unique == i->constraint && !i->where && !i->method && !i->include[0] && !i->nulls_not_distinct &&
                 !i->with && !i->deferrable;
    open_attr(k, plain ? i->constraint ? "UNIQUE" : "INDEX" : i->constraint ? "UNIQUE_ON" : "INDEX_ON");
    codegen_string(k->b, i->name, 0);
    buf_puts(k->b, plain ? ", " : ", MEMBERS(");
    st_err rc = print_parts(k, t, i);
    if (!plain) {
        buf_put_char(k->b, ')');
        codegen_flag(k->b, "unique", i->unique && !i->constraint);
        codegen_option(k->b, "where", i->where);
        codegen_option(k->b, "method", i->method);
        if (!rc && i->include[0]) {
            buf_puts(k->b, ", .include = MEMBERS(");
            rc = print_members(k, t, i->include);
            buf_put_char(k->b, ')');
        }
        codegen_flag(k->b, "nulls_not_distinct", i->nulls_not_distinct);
        codegen_option(k->b, "with", i->with);
        codegen_deferrable(k->b, "deferrable", i->deferrable);
    }
    buf_put_char(k->b, ')');
    return rc;
}

static void left_out(struct printer *k, const char *what, const char *name, const char *no_model)
{
    buf_printf(k->b, "\n    /* %s", what ? what : "");
    codegen_remark(k->b, name);
    if (no_model) {
        buf_puts(k->b, " to ");
        codegen_remark(k->b, no_model);
        buf_puts(k->b, ", which is no model");
    }
    buf_puts(k->b, " */");
}

static st_err print_fk(struct printer *k, const st_table *t, const st_table_fk *fk)
{
    const char *along;
    size_t at = index_of(k, fk->table);
    const char *last = fk->columns[migrate_key_len(fk->columns) - 1];
    if (ref_of(k, t, last, &along) == fk) {
        return 0;
    }
    if (at == k->s->n_tables || !k->names[at]) {
        left_out(k, "not said: the foreign key ", fk->name, fk->table);
        return 0;
    }
    open_attr(k, "FOREIGN_KEY");
    codegen_string(k->b, fk->name, 0);
    buf_printf(k->b, ", %s, MEMBERS(", k->names[at]);
    st_err rc = print_members(k, t, fk->columns);
    buf_puts(k->b, "), MEMBERS(");
    rc = rc ? rc : print_members(k, &k->stated[at], fk->to);
    buf_put_char(k->b, ')');
    print_actions(k, fk);
    buf_put_char(k->b, ')');
    return rc;
}

static void print_rules(struct printer *k, size_t at)
{
    const st_table *t = &k->stated[at];
    const struct seen_table *seen = &k->s->tables[at];
    for (size_t i = 0; i < t->n_checks; i++) {
        open_attr(k, t->checks[i].exclude ? "EXCLUDE" : "CHECK");
        codegen_string(k->b, t->checks[i].name, 0);
        buf_puts(k->b, ", ");
        codegen_string(k->b, t->checks[i].sql, 0);
        codegen_deferrable(k->b, "deferrable", t->checks[i].deferrable);
        buf_put_char(k->b, ')');
    }
    for (size_t i = 0; i < t->n_policies; i++) {
        buf body BUF_AUTO;
        buf_init(&body, ST_DDL_MAX);
        codegen_policy(&body, &t->policies[i]);
        open_attr(k, "POLICY");
        buf_put(k->b, body.p + 1, body.len > 2 ? body.len - 2 : 0); /* without its braces */
        buf_put_char(k->b, ')');
        k->b->err = k->b->err ? k->b->err : body.err;
    }
    if (t->key_deferrable) {
        open_attr(k, "PRIMARY_KEY");
        buf_printf(k->b, ".deferrable = %s)", codegen_deferral(t->key_deferrable));
    }
    if (t->comment) {
        open_attr(k, "COMMENT");
        codegen_string(k->b, t->comment, 0);
        buf_put_char(k->b, ')');
    }
    for (size_t i = 0; i < seen->n_others; i++) {
        left_out(k, arena_printf(k->a, "left alone: the %s ", seen->others[i].what), seen->others[i].name, NULL);
    }
    for (size_t i = 0; i < seen->n_triggers; i++) {
        left_out(k, "left alone: the trigger ", seen->triggers[i].name, NULL);
    }
}

st_err inspect_model(struct printer *k, size_t at)
{
    const st_table *t = &k->stated[at];
    buf_printf(k->b, "#define T %s\nST_MODEL(%s, ", k->names[at], k->names[at]);
    codegen_string(k->b, t->name, 0);
    st_err rc = 0;
    for (size_t i = 0; !rc && i < t->n_columns; i++) {
        rc = print_column(k, at, &t->columns[i]);
    }
    for (size_t i = 0; !rc && i < t->n_indexes; i++) {
        rc = print_index(k, t, &t->indexes[i]);
    }
    for (size_t i = 0; !rc && i < t->n_fks; i++) {
        rc = print_fk(k, t, &t->fks[i]);
    }
    print_rules(k, at);
    buf_puts(k->b, ");\n#undef T\n\n");
    return rc;
}

void inspect_enums(struct printer *k, size_t at)
{
    const st_table *t = &k->stated[at];
    for (size_t i = 0; i < t->n_columns; i++) {
        if (t->columns[i].type == ST_ENUM) {
            buf_puts(k->b, "ST_ENUM_DEFINE(");
            print_enum_name(k, at, &t->columns[i]);
            for (size_t v = 0; t->columns[i].values[v]; v++) {
                buf_puts(k->b, ", ");
                codegen_string(k->b, t->columns[i].values[v], 0);
            }
            buf_puts(k->b, ");\n");
        }
    }
}
