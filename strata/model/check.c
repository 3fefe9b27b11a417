#include <errno.h>
#include <string.h>

#include "strata/model.h"
#include "strata/model/key.h"
#include "strata/model/relation.h"
#include "strata/model/validate.h"

/* Says what is wrong with member of m. Returns ST_E_INVALID. */
#define WRONG(m, member, ...) wrong((m), (member), diag_set(ST_E_INVALID, __VA_ARGS__))
static st_err wrong(const st_model *m, const char *member, st_err rc)
{
    return diag_wrap(rc, "model %s, %s", m->name ? m->name : "?", member ? member : "?");
}

static bool is_number(enum st_type t)
{
    return t == ST_INT16 || t == ST_INT32 || t == ST_INT64 || t == ST_DOUBLE;
}

static bool may_be_key(enum st_type t)
{
    return t == ST_UUID || t == ST_TEXT || t == ST_INT16 || t == ST_INT32 || t == ST_INT64 || t == ST_TIME ||
           t == ST_BOOL || t == ST_ENUM;
}

static st_err check_special(const st_model *m, const st_attr *a)
{
    enum st_type t = st_attr_type(a);
    bool nullable = st_attr_optional(a);
    if (a->pk && (nullable || !may_be_key(t))) {
        return WRONG(m, a->name, "a primary key is a scalar or text that may not be null");
    }
    if (a->tenant && (nullable || t != ST_UUID)) {
        return WRONG(m, a->name, "the tenant is an st_uuid that may not be null");
    }
    if (a->version && (nullable || (t != ST_INT32 && t != ST_INT64))) {
        return WRONG(m, a->name, "the version is an int32_t or int64_t");
    }
    if ((a->created || a->updated) && t != ST_TIME) {
        return WRONG(m, a->name, "a timestamp that the session keeps is an st_time");
    }
    return 0;
}

static st_err check_enum(const st_model *m, const st_attr *a)
{
    const struct st_enum *e = a->enumeration;
    if (st_attr_type(a) != ST_ENUM) {
        return e || a->as_smallint || a->enum_type
                   ? WRONG(m, a->name, "only an unsigned or enum member takes an enumeration")
                   : 0;
    }
    if (a->enum_type && a->as_smallint) {
        return WRONG(m, a->name, "a type of its own stores names: leave out .as_smallint or .enum_type");
    }
    if (!e || !e->n) {
        return WRONG(m, a->name, "an enum member needs .enumeration with its names (for a number use int32_t)");
    }
    for (unsigned i = 0; i < e->n; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(e->values[i], e->values[j]) == 0) {
                return WRONG(m, a->name, "the enumeration names \"%s\" twice", e->values[i]);
            }
        }
    }
    return 0;
}

static st_err check_rules(const st_model *m, const st_attr *a)
{
    enum st_type t = st_attr_type(a);
    if (a->max && t != ST_TEXT && t != ST_BYTES && t != ST_TEXTS && t != ST_UUIDS) {
        return WRONG(m, a->name, ".max limits text, bytes and arrays; a number takes .max_value");
    }
    if ((a->min_value || a->max_value) && !is_number(t)) {
        return WRONG(m, a->name, ".min_value and .max_value limit numbers");
    }
    if (a->pattern && t != ST_TEXT) {
        return WRONG(m, a->name, ".pattern limits text");
    }
    if (a->null && (a->type & ST_NULLABLE)) {
        return WRONG(m, a->name, ".null is for text, bytes, json and arrays; this type is nullable already");
    }
    static const unsigned no_null = 1u << ST_BOOL | 1u << ST_INT16 | 1u << ST_INT32 | 1u << ST_INT64 | 1u << ST_DOUBLE |
                                    1u << ST_UUID | 1u << ST_TIME | 1u << ST_ENUM;
    if (a->null && (no_null >> t & 1)) {
        return WRONG(m, a->name, "a scalar that may be null is an st_opt_ member");
    }
    if (a->pattern) {
        struct pcre2_real_code_8 *code;
        st_err rc = st_pattern_compile(a->pattern, &code);
        if (rc) {
            return wrong(m, a->name, rc);
        }
        st_pattern_free(code);
    }
    return 0;
}

/* The zero of a plain member would say both "not given" and 0. */
static bool zero_is_a_value(const st_attr *a)
{
    enum st_type t = st_attr_type(a);
    if ((a->type & ST_NULLABLE) || !(is_number(t) || t == ST_BOOL || t == ST_ENUM)) {
        return false;
    }
    bool none = (a->min_value && *a->min_value > 0) || (a->max_value && *a->max_value < 0);
    return t == ST_BOOL || t == ST_ENUM || !none;
}

static st_err check_made(const st_model *m, const st_attr *a)
{
    bool new_row = a->client_value || a->client_default;
    if (a->not_null && !(a->type & ST_NULLABLE)) {
        return WRONG(m, a->name, ".not_null is for an st_opt_ member; any other is NOT NULL unless .null = true");
    }
    if ((new_row || a->client_update) && (a->tenant || a->version || a->created || a->updated)) {
        return WRONG(m, a->name, "the session keeps it: it takes neither a default nor .client_update");
    }
    if (a->client_value && a->client_default) {
        return WRONG(m, a->name, "has both .client_value and .client_default");
    }
    if (a->client_update && a->pk) {
        return WRONG(m, a->name, "a primary key never changes: it takes no .client_update");
    }
    return new_row && zero_is_a_value(a)
               ? WRONG(m, a->name,
                       "0 is a value of it, so nobody could give it: for a default make it an st_opt_ "
                       "member with .not_null = true")
               : 0;
}

static bool has_column(const st_model *m, const char *name)
{
    const st_attr *a = st_model_attr(m, name);
    return a && a->kind == ST_A_COLUMN;
}

/* Constraints and indexes are of the table: they may name what the struct has no member for. */
static bool has_any_column(const st_model *m, const char *name)
{
    for (size_t i = 0; i < m->n_attrs; i++) {
        const st_attr *a = &m->attrs[i];
        if (a->kind == ST_A_UNMAPPED && a->name && strcmp(a->name, name) == 0) {
            return true;
        }
    }
    return has_column(m, name);
}

static st_err check_column(const st_model *m, const st_attr *a)
{
    enum st_type t = st_attr_type(a);
    if (st_attr_type(a) == 0 || st_attr_type(a) >= ST_TYPE_MAX || a->offset + (size_t)a->size > m->size) {
        return WRONG(m, a->name, "not a member of the struct");
    }
    for (const st_attr *b = m->attrs; b < a; b++) {
        if (b->kind == ST_A_COLUMN && strcmp(st_attr_column(a), st_attr_column(b)) == 0) {
            return WRONG(m, a->name, "the column \"%s\" is already there", st_attr_column(a));
        }
    }
    if (a->references) {
        const st_attr *key = st_model_own_key(a->references);
        if (!key || st_attr_type(key) != st_attr_type(a)) {
            return WRONG(m, a->name, "references %s, whose primary key is not one column of this type",
                         a->references->name);
        }
    }
    if (a->along && (!a->references || !has_column(m, a->along) || !has_column(a->references, a->along))) {
        return WRONG(m, a->name, "carries along \"%s\", which must be a column here and of what it references",
                     a->along);
    }
    if (a->deferrable && !a->references && !a->unique) {
        return WRONG(m, a->name, ".deferrable is of a foreign key or .unique; of the primary key it is PRIMARY_KEY's");
    }
    if (a->generated) {
        return WRONG(m, a->name, "what the database computes is UNMAPPED");
    }
    bool number = t == ST_BOOL || t == ST_INT16 || t == ST_INT32 || t == ST_INT64 || t == ST_DOUBLE;
    if (a->type_sql && t != ST_TEXT && !number) {
        return WRONG(m, a->name, "a type of another name is for text, numbers and bool; any other is UNMAPPED");
    }
    st_err rc = check_special(m, a);
    rc = rc ? rc : check_made(m, a);
    rc = rc ? rc : check_enum(m, a);
    return rc ? rc : check_rules(m, a);
}

static st_err check_relation(const st_model *m, const st_attr *a)
{
    if (!a->target || !a->via || !a->through != !a->far_via) {
        return WRONG(m, a->name, "a relation names its target and the member that holds the key");
    }
    const st_model *holder = a->through ? a->through : a->target;
    bool here = a->kind == ST_A_ONE && has_column(m, a->via);
    if (!here && !has_column(holder, a->via)) {
        return WRONG(m, a->name, "%s has no column member \"%s\"", holder->name, a->via);
    }
    if (a->through && !has_column(a->through, a->far_via)) {
        return WRONG(m, a->name, "%s has no column member \"%s\"", a->through->name, a->far_via);
    }
    if (a->on_delete == ST_SET_DEFAULT) {
        return WRONG(m, a->name,
                     "the session does not know defaults: .on_delete = ST_SET_DEFAULT is the foreign key's");
    }
    struct st_relation r;
    return st_relation_read(m, a, &r) ? 0
                                      : WRONG(m, a->name,
                                              "the key has to be one column beside the tenant, and \"%s\" of "
                                              "its type",
                                              a->via);
}

static st_err check_constraint(const st_model *m, const st_attr *a)
{
    if (a->deferrable &&
        (a->kind == ST_A_INDEX || a->where || a->expression || (a->kind == ST_A_CHECK && !a->exclude))) {
        return WRONG(m, a->name, "only foreign keys, UNIQUE over all rows, EXCLUDE and PRIMARY_KEY can be .deferrable");
    }
    if (!a->name) {
        return WRONG(m, "a constraint", "needs a name");
    }
    if (a->kind == ST_A_CHECK) {
        return a->check ? 0 : WRONG(m, a->name, "needs its condition");
    }
    if (!a->columns || (!a->columns[0] && !a->expression)) {
        return WRONG(m, a->name, "names no column");
    }
    struct st_key_part part;
    for (const char *const *c = a->columns; *c; c++) {
        if (!st_key_part_read(m, *c, &part)) {
            return WRONG(m, a->name, "there is no column member \"%s\"", *c);
        }
    }
    for (const char *const *c = a->include; c && *c; c++) {
        if (!has_any_column(m, *c)) {
            return WRONG(m, a->name, "its .include names \"%s\", which is no column member", *c);
        }
    }
    return 0;
}

static st_err check_unmapped(const st_model *m, const st_attr *a)
{
    if (!a->name || has_column(m, a->name)) {
        return WRONG(m, a->name, "a column without a member has a name of its own");
    }
    bool foreign = st_attr_type(a) == 0;
    if (st_attr_type(a) >= ST_TYPE_MAX || foreign != (a->type_sql != NULL)) {
        return WRONG(m, a->name, "a column without a member has one of our types, or ST_TYPE_NONE and .type_sql");
    }
    return a->pk || a->tenant || a->version || a->references
               ? WRONG(m, a->name, "a key, a tenant and a version have members")
               : check_enum(m, a);
}

static st_err check_attr(const st_model *m, const st_attr *a)
{
    switch (a->kind) {
    case ST_A_COLUMN:
    case ST_A_MANY:
    case ST_A_ONE:
        if (!a->name || st_model_attr(m, a->name) != a) {
            return WRONG(m, a->name, "the member is named twice");
        }
        return a->kind == ST_A_COLUMN ? check_column(m, a) : check_relation(m, a);
    case ST_A_UNIQUE:
    case ST_A_INDEX:
    case ST_A_CHECK:
        return check_constraint(m, a);
    case ST_A_FOREIGN_KEY:
        return a->target && a->to ? check_constraint(m, a) : WRONG(m, a->name, "points at nothing");
    case ST_A_UNMAPPED:
        return check_unmapped(m, a);
    case ST_A_COMMENT:
        return 0;
    case ST_A_POLICY:
        return a->policy ? 0 : WRONG(m, "a policy", "is empty");
    case ST_A_PRIMARY_KEY:
        return 0;
    case ST_A_TRIGGER:
        return a->trigger ? 0 : WRONG(m, "a trigger", "is empty");
    }
    return WRONG(m, a->name, "of no known kind");
}

st_err st_model_check(const st_model *m)
{
    if (!m->name || !m->table || !*m->table || !m->size) {
        return WRONG(m, "the model", "needs the names of its struct and table");
    }
    unsigned keys = 0, tenants = 0, versions = 0, words = 0;
    for (size_t i = 0; i < m->n_attrs; i++) {
        const st_attr *a = &m->attrs[i];
        st_err rc = check_attr(m, a);
        if (rc) {
            return rc;
        }
        bool column = a->kind == ST_A_COLUMN;
        keys += column && a->pk;
        tenants += column && a->tenant;
        versions += column && a->version;
        words += a->kind == ST_A_PRIMARY_KEY;
    }
    if (!keys) {
        return WRONG(m, "the model", "has no primary key: mark its members .pk = true");
    }
    if (tenants > 1 || versions > 1 || words > 1) {
        return WRONG(m, "the model", "has more than one %s",
                     tenants > 1    ? "tenant"
                     : versions > 1 ? "version"
                                    : "PRIMARY_KEY");
    }
    return 0;
}
