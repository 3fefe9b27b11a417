#include "strata/migrate/inspect.h"

#include <errno.h>

#include "strata/migrate/codegen.h"
#include "strata/migrate/inspect_parts.h"

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
    const char *name = b.err ? arena_fail(k->a) : codegen_identifier(k->a, b.p);
    for (size_t i = 0; name && i < k->s->n_tables; i++) { /* two tables of one name in C */
        name = k->names[i] && strcmp(k->names[i], name) == 0 ? arena_printf(k->a, "%s_", name) : name;
    }
    return name;
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

/* SQLite goes by what is in a type's name; what it makes of it is what a member reads. */
static enum st_type type_by_name(const char *name)
{
    static const struct {
        const char *has;
        enum st_type type;
    } words[] = {{"point", ST_TYPE_MAX}, {"int", ST_INT64},     {"bool", ST_BOOL},
                 {"real", ST_DOUBLE},    {"double", ST_DOUBLE}, {"float", ST_DOUBLE}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_find_nocase(str_of(name), str_of(words[i].has)) >= 0) {
            return words[i].type;
        }
    }
    return ST_TYPE_MAX;
}

enum st_type inspect_type(enum st_dialect d, const st_table_column *c)
{
    if (c->generated) {
        return ST_TYPE_MAX;
    }
    return c->type != ST_TYPE_NONE ? c->type
           : is_text_like(c)       ? ST_TEXT
           : d == ST_SQLITE        ? type_by_name(c->type_sql)
                                   : ST_TYPE_MAX;
}

static const char *why_not(enum st_dialect d, const struct seen_table *t, const st_table *stated)
{
    if (t->strange) {
        return t->strange;
    }
    bool key = false;
    for (size_t i = 0; i < stated->n_columns; i++) {
        const st_table_column *c = &stated->columns[i];
        key |= c->pk;
        enum st_type type = inspect_type(d, c);
        bool fits = type != ST_TYPE_MAX && type != ST_DOUBLE && type != ST_BYTES && type != ST_JSON &&
                    type != ST_TEXTS && type != ST_UUIDS;
        if (c->pk && !fits) {
            return "a column of its primary key has a type that no member has";
        }
    }
    return key ? NULL : "it has no primary key";
}

/* ---- structs ---- */

static const char *member_type(enum st_type type, bool nullable)
{
    static const struct {
        const char *plain, *nullable;
    } types[ST_TYPE_MAX] = {
        [ST_BOOL] = {"bool ", "st_opt_bool "},       [ST_INT16] = {"int16_t ", "st_opt_int16 "},
        [ST_INT32] = {"int32_t ", "st_opt_int32 "},  [ST_INT64] = {"int64_t ", "st_opt_int64 "},
        [ST_DOUBLE] = {"double ", "st_opt_double "}, [ST_TEXT] = {"const char *", "const char *"},
        [ST_UUID] = {"st_uuid ", "st_opt_uuid "},    [ST_TIME] = {"st_time ", "st_opt_time "},
        [ST_BYTES] = {"st_bytes ", "st_bytes "},     [ST_JSON] = {"st_json ", "st_json "},
        [ST_TEXTS] = {"st_texts ", "st_texts "},     [ST_UUIDS] = {"st_uuids ", "st_uuids "},
        [ST_ENUM] = {"unsigned ", "st_opt_enum "},
    };
    return nullable ? types[type].nullable : types[type].plain;
}

/* Two columns of one name in C get a number. */
static st_err name_members(struct printer *k, size_t at)
{
    const st_table *t = &k->stated[at];
    const char **names = ARENA_ARRAY(k->a, const char *, t->n_columns + 1);
    k->members[at] = names;
    for (size_t i = 0; names && i < t->n_columns; i++) {
        const char *base = codegen_identifier(k->a, t->columns[i].name);
        names[i] = base;
        unsigned number = 1;
        for (size_t x = 0; names[i] && x < i; x++) {
            if (strcmp(names[x], names[i]) == 0) {
                names[i] = arena_printf(k->a, "%s_%u", base, ++number);
                x = (size_t)-1; /* from the beginning */
            }
        }
        if (!names[i]) {
            return diag_nomem();
        }
    }
    return names ? 0 : diag_nomem();
}

static void print_struct(struct printer *k, size_t at)
{
    const st_table *t = &k->stated[at];
    buf_printf(k->b, "typedef struct %s {\n", k->names[at]);
    for (size_t i = 0; i < t->n_columns; i++) {
        const st_table_column *c = &t->columns[i];
        enum st_type type = inspect_type(k->s->dialect, c);
        if (type != ST_TYPE_MAX) {
            buf_printf(k->b, "    %s%s;%s\n", member_type(type, c->nullable), inspect_member(k, t, c),
                       c->type == ST_ENUM && c->as_smallint ? " /* its names are not in the database */" : "");
        }
    }
    buf_printf(k->b, "} %s;\nST_DECLARE(%s);\n\n", k->names[at], k->names[at]);
}

static st_err prepare(struct printer *k, const bool *wanted)
{
    size_t n = k->s->n_tables;
    k->names = ARENA_ARRAY(k->a, const char *, n + 1);
    k->why = ARENA_ARRAY(k->a, const char *, n + 1);
    k->stated = ARENA_ARRAY(k->a, st_table, n + 1);
    k->members = ARENA_ARRAY(k->a, const char *const *, n + 1);
    st_err rc = k->names && k->why && k->stated && k->members ? 0 : diag_nomem();
    for (size_t i = 0; !rc && i < n; i++) {
        rc = seen_to_table(k->a, &k->s->tables[i], &k->stated[i]);
        k->why[i] = rc ? NULL : why_not(k->s->dialect, &k->s->tables[i], &k->stated[i]);
        if (!rc && !k->why[i] && (!wanted || wanted[i])) {
            k->names[i] = struct_name(k, k->s->tables[i].name);
            rc = k->names[i] ? name_members(k, i) : diag_nomem();
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
            buf_puts(b, "/* The table ");
            codegen_remark(b, s->tables[i].name);
            buf_printf(b, " can be no model: %s. */\n", k.why[i]);
        }
    }
    for (size_t i = 0; i < s->n_tables; i++) {
        if (k.names[i]) {
            print_struct(&k, i);
        }
    }
    for (size_t i = 0; !rc && i < s->n_tables; i++) {
        if (k.names[i]) {
            inspect_enums(&k, i);
            rc = inspect_model(&k, i);
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
