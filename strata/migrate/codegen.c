/* A revision file, as a person would write it: tables as constants, then what is done with them. */
#include "strata/migrate/codegen.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>

#include "base/clock.h"
#include "strata/migrate/autogen.h"

/* Literals of a function lie on its stack, so many of them are shared out among functions. */
enum { OPS_A_FUNCTION = 16 };

struct constant {
    const struct migrate_op *op;
    const char *name;
};
struct constants {
    struct constant *v;
    size_t n, room;
};

static const char *constant_of(const struct constants *l, const struct migrate_op *op)
{
    size_t i = 0;
    while (i + 1 < l->n && l->v[i].op != op) {
        i++;
    }
    assert(i < l->n && l->v[i].op == op);
    return l->v[i].name;
}

static const char *constraint_word(enum st_constraint k)
{
    static const char *const words[] = {[ST_C_CHECK] = "ST_C_CHECK",
                                        [ST_C_UNIQUE] = "ST_C_UNIQUE",
                                        [ST_C_FK] = "ST_C_FK",
                                        [ST_C_PRIMARY_KEY] = "ST_C_PRIMARY_KEY",
                                        [ST_C_EXCLUDE] = "ST_C_EXCLUDE"};
    return words[k];
}

/* st_call(o, "first", "second" ...: NULL ends; "" prints NULL. */
static void call(buf *b, const char *fn, const char *const *texts)
{
    buf_printf(b, "%s(o", fn);
    for (; *texts; texts++) {
        buf_puts(b, ", ");
        if (**texts) {
            codegen_string(b, *texts, 11);
        } else {
            buf_puts(b, "NULL");
        }
    }
}
#define CALL(b, fn, ...) call((b), (fn), (const char *const[]){__VA_ARGS__, NULL})

static void key(buf *b, const char *const *columns)
{
    buf_puts(b, ", ");
    if (columns) {
        codegen_values(b, columns);
    } else {
        buf_puts(b, "NULL");
    }
}

static const char *or_null(const char *s)
{
    return s ? s : "";
}

#define LITERAL(b, type, print, v)             \
    do {                                       \
        buf_puts((b), ", &(const " #type ")"); \
        print((b), (v));                       \
        buf_put_char((b), ')');                \
    } while (0)

static void alter(buf *b, const struct migrate_op *op)
{
    CALL(b, "st_alter_column", op->table);
    buf_puts(b, ",\n                    &(const st_table_column)");
    codegen_column(b, op->alter.was);
    buf_puts(b, ",\n                    &(const st_table_column)");
    codegen_column(b, op->alter.is);
    buf_puts(b, ", ");
    if (op->alter.convert) {
        codegen_string(b, op->alter.convert, 0);
    } else {
        buf_puts(b, "NULL");
    }
    buf_put_char(b, ')');
}

static void defer(buf *b, const struct migrate_op *op)
{
    if (op->defer.kind == ST_C_UNIQUE) {
        CALL(b, "st_defer_unique", op->table);
        LITERAL(b, st_table_index, codegen_index, op->defer.index);
        b->len--; /* its bracket */
    } else if (op->defer.kind == ST_C_FK) {
        CALL(b, "st_defer_fk", op->table, op->defer.name);
        buf_printf(b, ", %s", codegen_deferral(op->defer.was));
    } else {
        const char *columns[ST_KEY_MAX + 1] = {NULL};
        memcpy(columns, op->defer.index->columns, sizeof op->defer.index->columns);
        CALL(b, "st_defer_primary_key", op->table, op->defer.name);
        key(b, columns);
        buf_printf(b, ", %s", codegen_deferral(op->defer.was));
    }
    buf_printf(b, ", %s)", codegen_deferral(op->defer.is));
}

st_err codegen_operation(buf *b, arena *a, const struct migrate_op *op)
{
    const char *t = op->table;
    switch (op->kind) {
    case MIGRATE_CREATE_TABLE: {
        const char *name = codegen_identifier(a, t);
        buf_printf(b, "st_create_table(o, &%s_table)", name ? name : "");
        return name ? 0 : diag_nomem();
    }
    case MIGRATE_DROP_TABLE:
        CALL(b, "st_drop_table", t);
        break;
    case MIGRATE_RENAME_TABLE:
        CALL(b, "st_rename_table", t, op->rename.to);
        break;
    case MIGRATE_ADD_COLUMN:
        CALL(b, "st_add_column", t);
        LITERAL(b, st_table_column, codegen_column, op->column);
        return 0;
    case MIGRATE_ALTER_COLUMN:
        alter(b, op);
        return 0;
    case MIGRATE_DROP_COLUMN:
        CALL(b, "st_drop_column", t, op->name);
        break;
    case MIGRATE_RENAME_COLUMN:
        CALL(b, "st_rename_column", t, op->rename.from, op->rename.to);
        break;
    case MIGRATE_CREATE_INDEX:
        CALL(b, "st_create_index", t);
        LITERAL(b, st_table_index, codegen_index, op->index);
        return 0;
    case MIGRATE_DROP_INDEX:
        CALL(b, "st_drop_index", t, op->name);
        break;
    case MIGRATE_RENAME_INDEX:
        CALL(b, "st_rename_index", t, op->rename.from, op->rename.to);
        break;
    case MIGRATE_ADD_CHECK:
        CALL(b, "st_add_check", t);
        LITERAL(b, st_table_check, codegen_check, op->check);
        return 0;
    case MIGRATE_ADD_FK:
        CALL(b, "st_add_fk", t);
        LITERAL(b, st_table_fk, codegen_fk, op->fk);
        return 0;
    case MIGRATE_DROP_CONSTRAINT:
    case MIGRATE_RENAME_CONSTRAINT:
        CALL(b, op->kind == MIGRATE_DROP_CONSTRAINT ? "st_drop_constraint" : "st_rename_constraint", t);
        buf_printf(b, ", %s, ", constraint_word(op->constraint.kind));
        codegen_string(b, op->constraint.name, 0);
        if (op->kind == MIGRATE_RENAME_CONSTRAINT) {
            buf_puts(b, ", ");
            codegen_string(b, op->constraint.to, 0);
        }
        break;
    case MIGRATE_PRIMARY_KEY:
        CALL(b, "st_change_primary_key", t);
        key(b, op->key.was);
        key(b, op->key.is);
        buf_puts(b, ", ");
        if (op->key.index) {
            codegen_string(b, op->key.index, 0);
        } else {
            buf_puts(b, "NULL");
        }
        break;
    case MIGRATE_DEFER:
        defer(b, op);
        return 0;
    case MIGRATE_COMMENT:
        CALL(b, "st_set_comment", t, or_null(op->comment.column), or_null(op->comment.text));
        break;
    case MIGRATE_CREATE_ENUM:
        buf_puts(b, "st_create_enum(o, &(const st_enum_type){");
        codegen_string(b, op->enumeration->name, 0);
        buf_puts(b, ", ");
        codegen_values(b, op->enumeration->values);
        buf_put_char(b, '}');
        break;
    case MIGRATE_DROP_ENUM:
        CALL(b, "st_drop_enum", op->name);
        break;
    case MIGRATE_ADD_ENUM_VALUE:
        CALL(b, "st_add_enum_value", op->value.type, op->value.value, or_null(op->value.before));
        break;
    case MIGRATE_RENAME_ENUM_VALUE:
        CALL(b, "st_rename_enum_value", op->rename.type, op->rename.from, op->rename.to);
        break;
    case MIGRATE_CREATE_POLICY:
        CALL(b, "st_create_policy", t);
        LITERAL(b, st_table_policy, codegen_policy, op->policy);
        return 0;
    case MIGRATE_DROP_POLICY:
        CALL(b, "st_drop_policy", t, op->name);
        break;
    case MIGRATE_ENABLE_RLS:
        CALL(b, "st_enable_rls", t, or_null(op->name));
        break;
    case MIGRATE_DISABLE_RLS:
        CALL(b, "st_disable_rls", t);
        break;
    case MIGRATE_CREATE_TRIGGER:
    case MIGRATE_DROP_TRIGGER:
        CALL(b, op->kind == MIGRATE_CREATE_TRIGGER ? "st_create_trigger" : "st_drop_trigger", t);
        LITERAL(b, st_table_trigger, codegen_trigger, op->trigger);
        return 0;
    case MIGRATE_SQL:
        buf_printf(b, "st_sql(o, %s, ",
                   op->sql.only == ST_SQLITE       ? "ST_SQLITE"
                   : op->sql.only == ST_POSTGRESQL ? "ST_POSTGRESQL"
                                                   : "0");
        codegen_string(b, op->sql.text, 11);
        break;
    case MIGRATE_RUN:
    case MIGRATE_BACKFILL:
        return diag_set(ST_E_INVALID, "a step in C cannot be printed");
    }
    buf_put_char(b, ')');
    return 0;
}

/* What a person should know who reads it. */
static void remark(buf *b, const struct migrate_op *op, const struct migrate_op *end)
{
    const struct migrate_op *next = op + 1 < end ? op + 1 : NULL;
    if (op->kind == MIGRATE_ADD_COLUMN && next && next->kind == MIGRATE_ALTER_COLUMN &&
        strcmp(next->table, op->table) == 0 && strcmp(next->alter.is->name, op->column->name) == 0) {
        buf_puts(b, "    /* Rows that are there get ");
        codegen_remark(b, op->column->default_sql);
        buf_puts(b, "; put another value here if that is not right for them. */\n");
    } else if (op->kind == MIGRATE_ADD_COLUMN && !op->column->nullable && !op->column->default_sql &&
               !op->column->generated && !op->column->identity) {
        buf_puts(b, "    /* Fails when there are rows: add it nullable then, fill it, and alter it. */\n");
    }
}

/* What is lost or may fail, before the operation. */
static st_err warn(buf *b, arena *a, const struct autogen *g, const struct migrate_op *op)
{
    const char *loses = NULL;
    st_err rc = g ? autogen_loses(a, g, op, &loses) : 0;
    if (loses) {
        buf_puts(b, "    /* ");
        buf_put_char(b, (char)toupper((unsigned char)*loses));
        codegen_remark(b, loses + 1);
        buf_puts(b, ". */\n");
    }
    return rc;
}

static st_err function(buf *b, arena *a, const struct autogen *g, const struct constants *tables, const char *name,
                       const struct migrate_op *ops, size_t n, const char *const *before, size_t n_before)
{
    buf_printf(b, "static st_err %s(st_ops *o)\n{\n", name);
    st_err rc = 0;
    for (size_t i = 0; i < n_before; i++) {
        buf_printf(b, "    %s(o);\n", before[i]);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        rc = warn(b, a, g, &ops[i]);
        remark(b, &ops[i], ops + n);
        buf_puts(b, i + 1 == n ? "    return " : "    ");
        if (ops[i].kind == MIGRATE_CREATE_TABLE) {
            buf_printf(b, "st_create_table(o, &%s_table)", constant_of(tables, &ops[i]));
        } else {
            rc = rc ? rc : codegen_operation(b, a, &ops[i]);
        }
        buf_puts(b, ";\n");
    }
    if (!n) {
        buf_puts(b, n_before ? "    return 0;\n" : "    (void)o;\n    return 0;\n");
    }
    buf_puts(b, "}\n\n");
    return rc;
}

static st_err functions(buf *b, arena *a, const struct autogen *g, const char *name, const st_ops *o,
                        const struct constants *tables)
{
    size_t parts = o && o->n > OPS_A_FUNCTION ? (o->n - 1) / OPS_A_FUNCTION : 0;
    const char **names = ARENA_ARRAY(a, const char *, parts + 1);
    st_err rc = names ? 0 : diag_nomem();
    for (size_t i = 0; !rc && i < parts; i++) {
        names[i] = arena_printf(a, "%s_part%zu", name, i + 1);
        rc = names[i] ? function(b, a, g, tables, names[i], o->ops + i * OPS_A_FUNCTION, OPS_A_FUNCTION, NULL, 0)
                      : diag_nomem();
    }
    size_t done = parts * OPS_A_FUNCTION;
    return rc ? rc : function(b, a, g, tables, name, o ? o->ops + done : NULL, o ? o->n - done : 0, names, parts);
}

/* One for each table that is made, up or down. Two tables may have one name in C. */
static st_err name_constants(arena *a, const struct autogen *c, struct constants *ret)
{
    const st_ops *const all[] = {&c->up, &c->down};
    st_err rc = 0;
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; !rc && i < all[k]->n; i++) {
            const struct migrate_op *op = &all[k]->ops[i];
            if (op->kind != MIGRATE_CREATE_TABLE ||
                (rc = migrate_grow(a, &ret->v, ret->n, &ret->room, sizeof *ret->v))) {
                continue;
            }
            const char *base = codegen_identifier(a, op->table), *name = base;
            unsigned number = 1;
            for (size_t x = 0; name && x < ret->n; x++) {
                if (strcmp(ret->v[x].name, name) == 0) {
                    name = arena_printf(a, "%s_%u", base, ++number);
                    x = SIZE_MAX; /* from the beginning */
                }
            }
            ret->v[ret->n++] = (struct constant){op, name};
            rc = name ? 0 : diag_nomem();
        }
    }
    return rc;
}

static void print_constants(buf *b, const struct constants *l)
{
    for (size_t i = 0; i < l->n; i++) {
        buf_printf(b, "static const st_table %s_table = {\n", l->v[i].name);
        codegen_table(b, l->v[i].op->create);
        buf_puts(b, "};\n\n");
    }
}

static void title(buf *b, const char *message)
{
    buf_puts(b, "/* ");
    codegen_remark(b, message);
    size_t len = strlen(message);
    buf_puts(b, len && strchr(".!?", message[len - 1]) ? " */\n" : ". */\n");
}

st_err codegen_revision(buf *b, const struct codegen *g)
{
    ARENA_AUTO arena *a = arena_new(NULL, 0);
    if (!a) {
        return diag_nomem();
    }
    const struct autogen *c = g->changes;
    title(b, g->message);
    buf_printf(b, "#include \"%s\"\n\n/* clang-format off */\n", g->header);
    struct constants tables = {0};
    st_err rc = c ? name_constants(a, c, &tables) : 0;
    print_constants(b, &tables);
    rc = rc ? rc : functions(b, a, c, "upgrade", c ? &c->up : NULL, &tables);
    rc = rc ? rc : functions(b, a, c, "downgrade", c ? &c->down : NULL, &tables);
    buf_printf(b, "const st_revision %s = {.id = \"%s\"", g->name, g->id);
    for (size_t i = 0; g->parents && g->parents[i]; i++) {
        buf_printf(b, "%s\"%s\"", i ? ", " : ", .parents = {", g->parents[i]);
    }
    buf_puts(b, g->parents && g->parents[0] ? "}" : "");
    buf_puts(b, ", .message = ");
    codegen_string(b, g->message, 0);
    codegen_option(b, "label", g->label);
    buf_puts(b, ",\n    .upgrade = upgrade, .downgrade = downgrade};\n/* clang-format on */\n");
    return rc                            ? rc
           : b->err == -E2BIG            ? diag_set(b->err, "the revision is too large to write")
           : b->err || arena_failures(a) ? diag_nomem()
                                         : 0;
}
