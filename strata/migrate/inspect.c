#include "strata/migrate/inspect.h"

#include <errno.h>

#include "strata/migrate/codegen.h"

struct printer {
    buf *b;
    arena *a;
    const struct seen_schema *s;
    const char **names; /* of structs, by table; NULL: it cannot be a model */
    const char **why;   /* it cannot */
    st_table *stated;
};

/* ---- names ---- */

/* "sitemap_files" is SitemapFiles. */
static const char *struct_name(struct printer *k, const char *table)
{
    buf b BUF_AUTO;
    buf_init(&b, 256);
    bool up = true;
    for (const char *s = table; *s; s++) {
        bool fine = ascii_is_alpha(*s) || ascii_is_digit(*s);
        if (fine && !b.len && ascii_is_digit(*s)) {
            buf_put_char(&b, 'N');
        }
        if (fine) {
            buf_put_char(&b, up && *s >= 'a' && *s <= 'z' ? (char)(*s - 'a' + 'A') : *s);
        }
        up = !fine;
    }
    if (!b.len) {
        buf_puts(&b, "Table");
    }
    const char *name = b.err ? arena_fail(k->a) : arena_memdup0(k->a, b.p, b.len);
    for (size_t i = 0; name && i < k->s->n_tables; i++) { /* two tables of one name in C */
        name = k->names[i] && strcmp(k->names[i], name) == 0 ? arena_printf(k->a, "%s_", name) : name;
    }
    return name;
}

static size_t index_of(const struct printer *k, const char *table)
{
    const struct seen_table *t = seen_find(k->s, table);
    return t ? (size_t)(t - k->s->tables) : k->s->n_tables;
}

/* Text by another name is read and written as text; what else there is, sessions cannot. */
static bool is_text_like(const st_table_column *c)
{
    static const char *const begins[] = {"char", "varchar", "nchar", "nvarchar", "text", "citext", "clob", "name"};
    for (size_t i = 0; c->type_sql && i < sizeof begins / sizeof *begins; i++) {
        if (str_starts_nocase(str_of(c->type_sql), str_of(begins[i]))) {
            return !strstr(c->type_sql, "[]") && str_find_nocase(str_of(c->type_sql), STR("generated")) < 0;
        }
    }
    return false;
}

static bool has_member(const st_table_column *c)
{
    return !c->generated && (c->type != ST_TYPE_NONE || is_text_like(c));
}

static const char *why_not(const struct seen_table *t, const st_table *stated)
{
    if (t->strange) {
        return t->strange;
    }
    bool key = false;
    for (size_t i = 0; i < stated->n_columns; i++) {
        const st_table_column *c = &stated->columns[i];
        key |= c->pk;
        bool fits = has_member(c) && c->type != ST_DOUBLE && c->type != ST_BYTES && c->type != ST_JSON &&
                    c->type != ST_TEXTS && c->type != ST_UUIDS;
        if (c->pk && !fits) {
            return "a column of its primary key has a type that no member has";
        }
    }
    return key ? NULL : "it has no primary key";
}

/* ---- structs ---- */

static const char *member_type(const st_table_column *c)
{
    static const struct {
        const char *plain, *nullable;
    } types[ST_TYPE_MAX] = {
        [0] = {"const char *", "const char *"},       [ST_BOOL] = {"bool ", "st_opt_bool "},
        [ST_INT16] = {"int16_t ", "st_opt_int16 "},   [ST_INT32] = {"int32_t ", "st_opt_int32 "},
        [ST_INT64] = {"int64_t ", "st_opt_int64 "},   [ST_DOUBLE] = {"double ", "st_opt_double "},
        [ST_TEXT] = {"const char *", "const char *"}, [ST_UUID] = {"st_uuid ", "st_opt_uuid "},
        [ST_TIME] = {"st_time ", "st_opt_time "},     [ST_BYTES] = {"st_bytes ", "st_bytes "},
        [ST_JSON] = {"st_json ", "st_json "},         [ST_TEXTS] = {"st_texts ", "st_texts "},
        [ST_UUIDS] = {"st_uuids ", "st_uuids "},      [ST_ENUM] = {"unsigned ", "st_opt_enum "},
    };
    return c->nullable ? types[c->type].nullable : types[c->type].plain;
}

static const char *member_of(struct printer *k, const char *column)
{
    return codegen_identifier(k->a, column);
}

static st_err print_struct(struct printer *k, size_t at)
{
    const st_table *t = &k->stated[at];
    buf_printf(k->b, "typedef struct %s {\n", k->names[at]);
    for (size_t i = 0; i < t->n_columns; i++) {
        const st_table_column *c = &t->columns[i];
        const char *member = has_member(c) ? member_of(k, c->name) : NULL;
        if (member) {
            buf_printf(k->b, "    %s%s;%s\n", member_type(c), member,
                       c->type == ST_ENUM && c->as_smallint ? " /* its names are not in the database */" : "");
        } else if (has_member(c)) {
            return diag_nomem();
        }
    }
    buf_printf(k->b, "} %s;\nST_DECLARE(%s);\n\n", k->names[at], k->names[at]);
    return 0;
}

/* ---- descriptors ---- */

static void open_attr(struct printer *k, const char *word)
{
    buf_printf(k->b, ",\n    %s(", word);
}

static void print_enum_name(struct printer *k, size_t at, const st_table_column *c)
{
    const char *name = codegen_identifier(k->a, c->name);
    buf_printf(k->b, "%s_%s_enum", k->names[at], name ? name : "");
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
    if (!key || !is_last(fk->to, key) || n - from > 2) {
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
    for (size_t i = 0; i < t->n_fks; i++) {
        if (is_last(t->fks[i].columns, column) && is_ref(k, t, &t->fks[i], ret_along)) {
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
    codegen_option(k->b, "default_sql", c->default_sql);
    codegen_option(k->b, "check", c->check);
    codegen_flag(k->b, "identity", c->identity);
    codegen_option(k->b, "comment", c->comment);
}

static st_err print_column(struct printer *k, size_t at, const st_table_column *c)
{
    const st_table *t = &k->stated[at];
    const char *member = member_of(k, c->name), *along = NULL;
    if (!member) {
        return diag_nomem();
    }
    if (!has_member(c)) {
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
    bool by_option = c->type == ST_TYPE_NONE || c->type == ST_TEXT || c->type == ST_BYTES || c->type == ST_JSON ||
                     c->type == ST_TEXTS || c->type == ST_UUIDS;
    codegen_flag(k->b, "null", c->nullable && by_option);
    print_values(k, at, c);
    if (fk) {
        print_actions(k, fk);
        if (along && !(along = member_of(k, along))) {
            return diag_nomem();
        }
        codegen_option(k->b, "along", along);
    }
    buf_put_char(k->b, ')');
    return 0;
}

static st_err print_members(struct printer *k, const st_table *of, const char *const columns[static ST_KEY_MAX])
{
    for (size_t i = 0; i < migrate_key_len(columns); i++) {
        bool down = columns[i][0] == '-';
        const st_table_column *c = migrate_column(of, columns[i] + down);
        const char *member = c && has_member(c) ? member_of(k, columns[i] + down) : columns[i] + down;
        member = member && down ? arena_printf(k->a, "-%s", member) : member;
        if (!member) {
            return diag_nomem();
        }
        buf_puts(k->b, i ? ", " : "");
        codegen_string(k->b, member, 0);
    }
    return 0;
}

/* UNIQUE and INDEX have no room for options, which stand in the descriptor's own words then. */
static st_err print_index(struct printer *k, const st_table *t, const st_table_index *i)
{
    bool plain = i->unique == i->constraint && !i->where && !i->expression && !i->method;
    if (plain) {
        open_attr(k, i->unique ? "UNIQUE" : "INDEX");
        codegen_string(k->b, i->name, 0);
        buf_puts(k->b, ", ");
    } else {
        buf_puts(k->b, ",\n    {.kind = ST_A_INDEX, .name = ");
        codegen_string(k->b, i->name, 0);
        codegen_flag(k->b, "unique", i->unique);
        buf_puts(k->b, i->columns[0] ? ", .columns = MEMBERS(" : ", .columns = (const char *const[]){NULL");
    }
    st_err rc = print_members(k, t, i->columns);
    if (!plain) {
        buf_put_char(k->b, i->columns[0] ? ')' : '}');
        codegen_option(k->b, "where", i->where);
        codegen_option(k->b, "expression", i->expression);
        codegen_option(k->b, "method", i->method);
    }
    buf_put_char(k->b, plain ? ')' : '}');
    return rc;
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
        buf_printf(k->b, " /* not said: the foreign key %s to %s, which is no model */", fk->name, fk->table);
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
    if (t->comment) {
        open_attr(k, "COMMENT");
        codegen_string(k->b, t->comment, 0);
        buf_put_char(k->b, ')');
    }
    for (size_t i = 0; i < seen->n_others; i++) {
        buf_printf(k->b, " /* left alone: the %s %s */", seen->others[i].what, seen->others[i].name);
    }
    for (size_t i = 0; i < seen->n_triggers; i++) {
        buf_printf(k->b, " /* left alone: the trigger %s */", seen->triggers[i].name);
    }
}

static st_err print_model(struct printer *k, size_t at)
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

static void print_enums(struct printer *k, size_t at)
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

static st_err prepare(struct printer *k, const bool *wanted)
{
    size_t n = k->s->n_tables;
    k->names = ARENA_ARRAY(k->a, const char *, n + 1);
    k->why = ARENA_ARRAY(k->a, const char *, n + 1);
    k->stated = ARENA_ARRAY(k->a, st_table, n + 1);
    st_err rc = k->names && k->why && k->stated ? 0 : diag_nomem();
    for (size_t i = 0; !rc && i < n; i++) {
        rc = seen_to_table(k->a, &k->s->tables[i], &k->stated[i]);
        k->why[i] = rc ? NULL : why_not(&k->s->tables[i], &k->stated[i]);
        if (!rc && !k->why[i] && (!wanted || wanted[i])) {
            k->names[i] = struct_name(k, k->s->tables[i].name);
            rc = k->names[i] ? 0 : diag_nomem();
        }
    }
    return rc;
}

st_err inspect_print(buf *b, const struct seen_schema *s, const bool *wanted, const char *source)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    struct printer k = {.b = b, .a = a, .s = s};
    st_err rc = a ? prepare(&k, wanted) : diag_nomem();
    if (rc) {
        return rc;
    }
    buf_printf(b,
               "/* The tables of %s as models. */\n#include \"strata/define.h\"\n#include \"strata/migrate.h\"\n\n"
               "/* clang-format off */\n",
               source);
    for (size_t i = 0; i < s->n_tables; i++) {
        if (k.why[i] && (!wanted || wanted[i])) {
            buf_printf(b, "/* The table %s can be no model: %s. */\n", s->tables[i].name, k.why[i]);
        }
    }
    for (size_t i = 0; !rc && i < s->n_tables; i++) {
        rc = k.names[i] ? print_struct(&k, i) : 0;
    }
    for (size_t i = 0; !rc && i < s->n_tables; i++) {
        if (k.names[i]) {
            print_enums(&k, i);
            rc = print_model(&k, i);
        }
    }
    buf_puts(b, "extern const st_model *const models[];\nconst st_model *const models[] = {");
    for (size_t i = 0; i < s->n_tables; i++) {
        if (k.names[i]) {
            buf_printf(b, "&%s_model, ", k.names[i]);
        }
    }
    buf_puts(b, "NULL};\n/* clang-format on */\n");
    return rc                            ? rc
           : b->err == -E2BIG            ? diag_set(b->err, "the models are too large to write")
           : b->err || arena_failures(a) ? diag_nomem()
                                         : 0;
}
