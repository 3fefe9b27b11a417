/* What a CHECK or a default says, in the words of st_table_column: the way back from spell.c. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "strata/migrate/seen.h"
#include "strata/migrate/sql_text.h"

const char *const seen_suffixes[SEEN_KINDS] = {
    [SEEN_BOOL] = "bool_check", [SEEN_UUID] = "uuid_check", [SEEN_JSON] = "json_check",  [SEEN_ARRAY] = "array_check",
    [SEEN_ENUM] = "enum_check", [SEEN_MAX] = "max_check",   [SEEN_RANGE] = "range_check"};

enum { TOKENS_MAX = 2048, ENUM_MAX = 512 };

struct condition {
    const struct sql_token *t;
    size_t n, at;
    const char *column;
    arena *a;
};

static bool take(struct condition *k, const char *word)
{
    bool is = k->at < k->n && sql_is(k->t[k->at], word);
    k->at += is;
    return is;
}

static bool take_column(struct condition *k)
{
    if (k->at >= k->n) {
        return false;
    }
    bool is = sql_is_name(k->t[k->at], k->column);
    k->at += is;
    return is;
}

static bool take_number(struct condition *k, double *ret)
{
    size_t at = k->at;
    bool minus = at < k->n && sql_is(k->t[at], "-");
    at += minus;
    if (at >= k->n || k->t[at].kind != SQL_NUMBER || k->t[at].text.len >= 64) {
        return false;
    }
    char digits[64], *end;
    memcpy(digits, k->t[at].text.p, k->t[at].text.len);
    digits[k->t[at].text.len] = '\0';
    double v = strtod(digits, &end);
    if (*end) {
        return false;
    }
    *ret = minus ? -v : v;
    k->at = at + 1;
    return true;
}

static bool at_end(const struct condition *k)
{
    return k->at == k->n;
}

/* column op number, to the end. */
static bool compare(struct condition *k, const char *op, double *ret)
{
    return take_column(k) && take(k, op) && take_number(k, ret);
}

/* IN ('a', 'b'), = ANY (ARRAY['a', 'b']), = 'a': the strings, NULL-terminated; NULL when it is none of these. */
static const char *const *take_strings(struct condition *k)
{
    if (!take_column(k)) {
        return NULL;
    }
    bool many = take(k, "in");
    bool array = !many && take(k, "=") && take(k, "any");
    if (array && !(take(k, "array") && take(k, "["))) {
        return NULL;
    }
    if (!many && !array && !(k->at && sql_is(k->t[k->at - 1], "="))) {
        return NULL;
    }
    const char **v = ARENA_ARRAY(k->a, const char *, k->n - k->at + 1);
    size_t n = 0;
    do {
        if (!v || k->at >= k->n || k->t[k->at].kind != SQL_STRING) {
            return NULL;
        }
        v[n++] = sql_unquote(k->a, k->t[k->at++]);
    } while ((many || array) && take(k, ","));
    bool closed = !array || take(k, "]");
    return closed && at_end(k) ? v : NULL;
}

static bool is_enum(struct condition *k, st_table_column *c)
{
    if (c->type == ST_TEXT && !c->type_sql) {
        const char *const *values = take_strings(k);
        if (values) {
            c->type = ST_ENUM;
            c->values = values;
        }
        return values;
    }
    double low = 1, count = 0;
    bool small = (c->type == ST_INT16 || c->type == ST_INT64) && compare(k, ">=", &low) && take(k, "and") &&
                 compare(k, "<", &count) && at_end(k) && low == 0 && count >= 1 && count <= ENUM_MAX;
    const char **values = small ? ARENA_ARRAY(k->a, const char *, (size_t)count + 1) : NULL;
    if (!values) {
        return false;
    }
    for (size_t i = 0; i < (size_t)count; i++) { /* their names are the program's alone */
        values[i] = arena_printf(k->a, "%zu", i);
    }
    c->type = ST_ENUM;
    c->as_smallint = true;
    c->values = values;
    return true;
}

static bool is_max(struct condition *k, enum st_dialect d, st_table_column *c)
{
    bool bytes = c->type == ST_TEXT || c->type == ST_BYTES, array = c->type == ST_TEXTS || c->type == ST_UUIDS;
    bool head = false;
    if (d == ST_POSTGRESQL) {
        head = (bytes && take(k, "octet_length")) || (array && take(k, "cardinality"));
        head = head && take_column(k);
    } else if (c->type == ST_BYTES) {
        head = take(k, "length") && take_column(k);
    } else if (bytes) {
        head = take(k, "length") && take(k, "cast") && take_column(k) && take(k, "as") && take(k, "blob");
    } else if (array) {
        head = take(k, "json_array_length") && take_column(k);
    }
    double max = 0;
    if (!head || !take(k, "<=") || !take_number(k, &max) || !at_end(k) || max < 1 || max > UINT32_MAX || c->max) {
        return false;
    }
    c->max = (uint32_t)max;
    return true;
}

static bool is_range(struct condition *k, st_table_column *c)
{
    bool number = c->type == ST_INT16 || c->type == ST_INT32 || c->type == ST_INT64 || c->type == ST_DOUBLE;
    if (!number || c->min_value || c->max_value) {
        return false;
    }
    double low, high;
    size_t start = k->at;
    bool has_low = compare(k, ">=", &low), has_high = false;
    if (has_low && take(k, "and")) {
        has_high = compare(k, "<=", &high);
        has_low = has_high;
    } else if (!has_low) {
        k->at = start;
        has_high = compare(k, "<=", &high);
    }
    if (!at_end(k) || (!has_low && !has_high)) {
        return false;
    }
    double *v = ARENA_ARRAY(k->a, double, 2);
    if (!v) {
        return false;
    }
    if (has_low) {
        v[0] = low;
        c->min_value = &v[0];
    }
    if (has_high) {
        v[1] = high;
        c->max_value = &v[1];
    }
    return true;
}

/* SQLite: what the types of PostgreSQL say by themselves. */
static bool is_type(struct condition *k, enum seen_kind kind, st_table_column *c)
{
    double v = 0, w = 0;
    if (kind == SEEN_BOOL) {
        bool is = c->type == ST_INT64 && take_column(k) && take(k, "in") && take_number(k, &v) && take(k, ",") &&
                  take_number(k, &w) && at_end(k) && v == 0 && w == 1;
        c->type = is ? ST_BOOL : c->type;
        return is;
    }
    if (kind == SEEN_UUID) {
        bool is = c->type == ST_BYTES && take(k, "length") && take_column(k) && take(k, "=") && take_number(k, &v) &&
                  at_end(k) && v == 16;
        c->type = is ? ST_UUID : c->type;
        return is;
    }
    size_t start = k->at;
    if (!(take_column(k) && take(k, "is") && take(k, "null") && take(k, "or"))) {
        k->at = start;
    }
    bool array = kind == SEEN_ARRAY;
    if (c->type != ST_TEXT || (array && !(take(k, "case") && take(k, "when"))) || !take(k, "json_valid") ||
        !take_column(k)) {
        return false;
    }
    static const char *const before[] = {"then", "json_type"}, *const after[] = {"else", "0", "end"};
    bool is = true;
    for (size_t i = 0; array && is && i < 2; i++) {
        is = take(k, before[i]);
    }
    if (array) {
        is = is && take_column(k) && take(k, "=") && k->at < k->n && k->t[k->at].kind == SQL_STRING &&
             str_eq(k->t[k->at].text, STR("'array'"));
        k->at++;
        is = is && take(k, after[0]) && take_number(k, &v) && v == 0 && take(k, after[2]);
    }
    if (is && at_end(k)) {
        c->type = array ? ST_TEXTS : ST_JSON;
        return true;
    }
    return false;
}

static bool says(struct condition *k, enum st_dialect d, enum seen_kind kind, st_table_column *c)
{
    switch (kind) {
    case SEEN_BOOL:
    case SEEN_UUID:
    case SEEN_JSON:
    case SEEN_ARRAY:
        return d == ST_SQLITE && is_type(k, kind, c);
    case SEEN_ENUM:
        return is_enum(k, c);
    case SEEN_MAX:
        return is_max(k, d, c);
    case SEEN_RANGE:
        return is_range(k, c);
    case SEEN_KINDS:
        break;
    }
    return false;
}

/* A condition with a name of the program's own is a CHECK of that name, also when it could be said as a field. Names
 * cut to fit have lost their ends. */
static bool may_be_field(enum seen_kind kind, const char *name, bool unnamed)
{
    bool of_type = kind == SEEN_BOOL || kind == SEEN_UUID || kind == SEEN_JSON || kind == SEEN_ARRAY;
    return unnamed || of_type || !name || strlen(name) >= ST_NAME_MAX ||
           str_ends(str_of(name), str_of(seen_suffixes[kind]));
}

st_err seen_take_check(arena *a, enum st_dialect d, struct seen_column *c, const char *condition, const char *name,
                       bool unnamed, bool *ret_taken)
{
    *ret_taken = false;
    struct sql_token *tokens = mem_alloc(TOKENS_MAX * sizeof *tokens);
    if (!tokens) {
        return diag_nomem();
    }
    struct condition k = {.t = tokens, .n = sql_loose(condition, tokens, TOKENS_MAX), .column = c->c.name, .a = a};
    for (unsigned kind = 0; k.n <= TOKENS_MAX && !*ret_taken && kind < SEEN_KINDS; kind++) {
        st_table_column changed = c->c;
        k.at = 0;
        if (!c->names[kind] && may_be_field((enum seen_kind)kind, name, unnamed) &&
            says(&k, d, (enum seen_kind)kind, &changed)) {
            c->c = changed;
            c->names[kind] = name;
            c->unnamed[kind] = unnamed;
            *ret_taken = true;
        }
    }
    mem_free(tokens);
    return 0;
}

/* 'x'::type as 'x' or, of a number, as it is; NULL when text is more than a constant. */
static const char *constant(arena *a, const char *text)
{
    struct sql_reader r = {.rest = str_of(text)};
    struct sql_token first = sql_next(&r), sign = sql_next(&r);
    if (first.kind != SQL_STRING || !sql_is(sign, "::")) {
        return NULL;
    }
    struct sql_token loose[2];
    if (sql_loose(text, loose, 2) != 1) {
        return NULL;
    }
    return arena_memdup0(a, loose[0].text.p, loose[0].text.len);
}

st_err seen_take_default(arena *a, enum st_dialect d, struct seen_column *c)
{
    if (!c->default_text) {
        return 0;
    }
    static const struct {
        enum st_type type;
        const char *lite, *pg, *ours;
    } words[] = {
        {ST_BOOL, "1", "true", "true"},
        {ST_BOOL, "0", "false", "false"},
        {ST_INT64, "CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000", NULL, "now()"},
        {ST_UUID, "randomblob(16)", "gen_random_uuid()", "uuid()"},
        {ST_BYTES, "x''", "'\\x'::bytea", "''"},
        {ST_TEXTS, NULL, "'{}'::text[]", "'[]'"},
        {ST_UUIDS, NULL, "'{}'::uuid[]", "'[]'"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *text = d == ST_SQLITE ? words[i].lite : words[i].pg;
        if (text && words[i].type == c->c.type && strcmp(text, c->default_text) == 0) {
            c->c.default_sql = words[i].ours;
            c->c.type = words[i].type == ST_INT64 ? ST_TIME : c->c.type; /* SQLite's times are integers */
            return 0;
        }
    }
    c->c.default_sql = d == ST_POSTGRESQL ? constant(a, c->default_text) : NULL;
    if (!c->c.default_sql) {
        c->c.default_sql = c->default_text;
    }
    return 0;
}
