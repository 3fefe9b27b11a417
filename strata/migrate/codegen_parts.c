#include <math.h>
#include <stdlib.h>

#include "strata/migrate/codegen.h"
#include "strata/migrate/index_part.h"

const char *const codegen_types[ST_TYPE_MAX] = {
    [0] = "ST_TYPE_NONE",    [ST_BOOL] = "ST_BOOL",     [ST_INT16] = "ST_INT16", [ST_INT32] = "ST_INT32",
    [ST_INT64] = "ST_INT64", [ST_DOUBLE] = "ST_DOUBLE", [ST_TEXT] = "ST_TEXT",   [ST_UUID] = "ST_UUID",
    [ST_TIME] = "ST_TIME",   [ST_BYTES] = "ST_BYTES",   [ST_JSON] = "ST_JSON",   [ST_TEXTS] = "ST_TEXTS",
    [ST_UUIDS] = "ST_UUIDS", [ST_ENUM] = "ST_ENUM",
};

const char *codegen_action(enum st_action a)
{
    static const char *const names[] = {[ST_NO_ACTION] = "ST_NO_ACTION",
                                        [ST_RESTRICT] = "ST_RESTRICT",
                                        [ST_CASCADE] = "ST_CASCADE",
                                        [ST_SET_NULL] = "ST_SET_NULL",
                                        [ST_SET_DEFAULT] = "ST_SET_DEFAULT"};
    return names[a];
}

const char *codegen_deferral(enum st_deferral d)
{
    static const char *const names[] = {
        [ST_NOT_DEFERRABLE] = "ST_NOT_DEFERRABLE", [ST_DEFERRABLE] = "ST_DEFERRABLE", [ST_DEFERRED] = "ST_DEFERRED"};
    return names[d];
}

void codegen_deferrable(buf *b, const char *word, enum st_deferral d)
{
    if (d != ST_NOT_DEFERRABLE) {
        buf_printf(b, ", .%s = %s", word, codegen_deferral(d));
    }
}

void codegen_string(buf *b, const char *s, unsigned indent)
{
    buf_put_char(b, '"');
    for (; *s; s++) {
        uint8_t c = (uint8_t)*s;
        if (c == '\n') {
            buf_puts(b, "\\n");
            if (s[1] && indent) {
                buf_printf(b, "\"\n%*s\"", (int)indent, "");
            }
        } else if (c == '"' || c == '\\') {
            buf_printf(b, "\\%c", c);
        } else if (c == '?' && s[1] == '?') {
            buf_puts(b, "?\"\""); /* no trigraph */
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(b, "\\%03o", c);
        } else {
            buf_put_char(b, (char)c);
        }
    }
    buf_put_char(b, '"');
}

void codegen_remark(buf *b, const char *s)
{
    for (char last = 0; *s; last = *s++) {
        bool opens = (last == '/' && *s == '*') || (last == '*' && *s == '/');
        buf_puts(b, opens ? " " : "");
        buf_put_char(b, (uint8_t)*s < 0x20 || *s == 0x7f ? ' ' : *s);
    }
}

void codegen_option(buf *b, const char *word, const char *text)
{
    if (text) {
        buf_printf(b, ", .%s = ", word);
        codegen_string(b, text, 0);
    }
}

void codegen_flag(buf *b, const char *word, bool on)
{
    if (on) {
        buf_printf(b, ", .%s = true", word);
    }
}

void codegen_values(buf *b, const char *const *values)
{
    buf_puts(b, "ST_VALUES(");
    for (size_t i = 0; values[i]; i++) {
        buf_puts(b, i ? ", " : "");
        codegen_string(b, values[i], 0);
    }
    buf_put_char(b, ')');
}

void codegen_number(buf *b, double v)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.15g", v);
    double back = strtod(text, NULL);
    if (back < v || back > v) {
        (void)snprintf(text, sizeof text, "%.17g", v);
    }
    buf_printf(b, "ST_NUMBER(%s)", text);
}

void codegen_column(buf *b, const st_table_column *c)
{
    buf_put_char(b, '{');
    codegen_string(b, c->name, 0);
    buf_printf(b, ", %s", codegen_types[c->type]);
    codegen_option(b, "type_sql", c->type_sql);
    codegen_flag(b, "pk", c->pk);
    codegen_flag(b, "tenant", c->tenant);
    codegen_flag(b, "nullable", c->nullable);
    if (c->max) {
        buf_printf(b, ", .max = %u", c->max);
    }
    codegen_flag(b, "as_smallint", c->as_smallint);
    if (c->values) {
        buf_puts(b, ", .values = ");
        codegen_values(b, c->values);
    }
    codegen_option(b, "enum_type", c->enum_type);
    if (c->min_value) {
        buf_puts(b, ", .min_value = ");
        codegen_number(b, *c->min_value);
    }
    if (c->max_value) {
        buf_puts(b, ", .max_value = ");
        codegen_number(b, *c->max_value);
    }
    codegen_option(b, "default_sql", c->default_sql);
    codegen_option(b, "check", c->check);
    codegen_option(b, "generated", c->generated);
    codegen_flag(b, "identity", c->identity);
    codegen_option(b, "comment", c->comment);
    codegen_option(b, "was", c->was);
    buf_put_char(b, '}');
}

static void names(buf *b, const char *const v[static ST_KEY_MAX])
{
    buf_put_char(b, '{');
    for (size_t i = 0; i < migrate_key_len(v); i++) {
        buf_puts(b, i ? ", " : "");
        codegen_string(b, v[i], 0);
    }
    buf_put_char(b, '}');
}

static void name_or_null(buf *b, const char *name)
{
    if (name) {
        codegen_string(b, name, 0);
    } else {
        buf_puts(b, "NULL");
    }
}

/* "-name nulls last"; names with a blank in them leave that to .how. */
static void index_columns(buf *b, const st_table_index *i)
{
    size_t n = migrate_key_len(i->columns);
    bool apart = false;
    for (size_t k = 0; k < n; k++) {
        apart |= !index_is_expression(i->columns[k]) && strpbrk(i->columns[k], " \t\n\f\r");
    }
    buf_puts(b, n ? ", {" : "");
    for (size_t k = 0; k < n; k++) {
        bool more = !apart && i->how[k] && i->how[k][0];
        buf entry BUF_AUTO;
        buf_init(&entry, ST_DDL_MAX);
        buf_printf(&entry, "%s%s%s", i->columns[k], more ? " " : "", more ? i->how[k] : "");
        buf_puts(b, k ? ", " : "");
        codegen_string(b, entry.p, 0);
        b->err = b->err ? b->err : entry.err;
    }
    buf_puts(b, n ? "}" : "");
    for (size_t k = 0; apart && k < n; k++) {
        buf_puts(b, k ? ", " : ", .how = {");
        codegen_string(b, i->how[k] ? i->how[k] : "", 0);
        buf_puts(b, k + 1 == n ? "}" : "");
    }
}

void codegen_index(buf *b, const st_table_index *i)
{
    buf_put_char(b, '{');
    name_or_null(b, i->name);
    index_columns(b, i);
    codegen_flag(b, "unique", i->unique);
    codegen_flag(b, "constraint", i->constraint);
    codegen_option(b, "where", i->where);
    codegen_option(b, "expression", i->expression);
    codegen_option(b, "method", i->method);
    codegen_deferrable(b, "deferrable", i->deferrable);
    if (i->include[0]) {
        buf_puts(b, ", .include = ");
        names(b, i->include);
    }
    codegen_flag(b, "nulls_not_distinct", i->nulls_not_distinct);
    codegen_option(b, "with", i->with);
    buf_put_char(b, '}');
}

void codegen_fk(buf *b, const st_table_fk *fk)
{
    buf_put_char(b, '{');
    name_or_null(b, fk->name);
    buf_puts(b, ", ");
    names(b, fk->columns);
    buf_puts(b, ", ");
    codegen_string(b, fk->table, 0);
    buf_puts(b, ", ");
    names(b, fk->to);
    if (fk->on_delete) {
        buf_printf(b, ", .on_delete = %s", codegen_action(fk->on_delete));
    }
    if (fk->on_update) {
        buf_printf(b, ", .on_update = %s", codegen_action(fk->on_update));
    }
    codegen_deferrable(b, "deferrable", fk->deferrable);
    buf_put_char(b, '}');
}

void codegen_check(buf *b, const st_table_check *c)
{
    buf_put_char(b, '{');
    codegen_string(b, c->name, 0);
    buf_puts(b, ", ");
    codegen_string(b, c->sql, 0);
    codegen_flag(b, "exclude", c->exclude);
    codegen_deferrable(b, "deferrable", c->deferrable);
    buf_put_char(b, '}');
}

void codegen_policy(buf *b, const st_table_policy *p)
{
    buf_put_char(b, '{');
    codegen_string(b, p->name, 0);
    codegen_option(b, "command", p->command);
    codegen_option(b, "roles", p->roles);
    codegen_option(b, "using_sql", p->using_sql);
    codegen_option(b, "check_sql", p->check_sql);
    codegen_flag(b, "restrictive", p->restrictive);
    buf_put_char(b, '}');
}

static void body(buf *b, const char *word, const char *text)
{
    if (text) {
        buf_printf(b, ",\n     .%s = ", word);
        codegen_string(b, text, 9);
    }
}

void codegen_trigger(buf *b, const st_table_trigger *t)
{
    buf_put_char(b, '{');
    codegen_string(b, t->name, 0);
    codegen_option(b, "when", t->when);
    codegen_option(b, "condition", t->condition);
    body(b, "postgresql", t->postgresql);
    body(b, "sqlite", t->sqlite);
    buf_put_char(b, '}');
}

#define LIST(b, word, n, print, items)                          \
    for (size_t i_ = 0; i_ < (n); i_++) {                       \
        buf_puts((b), i_ ? ",\n        " : ",\n    " word "("); \
        print((b), &(items)[i_]);                               \
        buf_puts((b), i_ + 1 == (n) ? ")" : "");                \
    }

void codegen_table(buf *b, const st_table *t)
{
    buf_puts(b, "    .name = ");
    codegen_string(b, t->name, 0);
    codegen_option(b, "was", t->was);
    LIST(b, "ST_COLUMNS", t->n_columns, codegen_column, t->columns)
    LIST(b, "ST_INDEXES", t->n_indexes, codegen_index, t->indexes)
    LIST(b, "ST_FKS", t->n_fks, codegen_fk, t->fks)
    LIST(b, "ST_CHECKS", t->n_checks, codegen_check, t->checks)
    LIST(b, "ST_POLICIES", t->n_policies, codegen_policy, t->policies)
    LIST(b, "ST_TRIGGERS", t->n_triggers, codegen_trigger, t->triggers)
    static const char *const words[] = {"no_rls", "without_rowid", "no_strict"};
    const bool flags[] = {t->no_rls, t->without_rowid, t->no_strict};
    for (size_t i = 0; i < sizeof flags; i++) {
        if (flags[i]) {
            buf_printf(b, ",\n    .%s = true", words[i]);
        }
    }
    if (t->key_deferrable) {
        buf_printf(b, ",\n    .key_deferrable = %s", codegen_deferral(t->key_deferrable));
    }
    if (t->comment) {
        buf_puts(b, ",\n    .comment = ");
        codegen_string(b, t->comment, 0);
    }
}

const char *codegen_identifier(arena *a, const char *name)
{
    static const char *const keywords[] = {
        "auto",           "bool",     "break",  "case",    "char",     "const",     "continue",
        "default",        "do",       "double", "else",    "enum",     "extern",    "false",
        "float",          "for",      "goto",   "if",      "inline",   "int",       "long",
        "register",       "restrict", "return", "short",   "signed",   "sizeof",    "static",
        "struct",         "switch",   "true",   "typedef", "union",    "unsigned",  "void",
        "volatile",       "while",    "class",  "new",     "delete",   "this",      "private",
        "public",         "template", "T",      "NULL",    "operator", "namespace", "_Bool",
        "errno",          "linux",    "unix",   "EOF",     "FILE",     "asm",       "typeof",
        "_Static_assert", "_Generic", "stdin",  "stdout",  "stderr"};
    buf b BUF_AUTO;
    buf_init(&b, 1024);
    for (const char *s = name; *s; s++) {
        bool fine = ascii_is_alpha(*s) || (ascii_is_digit(*s) && b.len) || *s == '_';
        if (!b.len && ascii_is_digit(*s)) {
            buf_printf(&b, "n%c", *s);
        } else {
            buf_put_char(&b, fine ? *s : '_');
        }
    }
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        if (str_eq(buf_str(&b), str_of(keywords[i]))) {
            buf_put_char(&b, '_');
            break;
        }
    }
    return b.err ? arena_fail(a) : arena_memdup0(a, b.p, b.len);
}
