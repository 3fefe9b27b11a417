/* The descriptors of a set. */
#include "base/buf.h"
#include "random_models.h"

#include <assert.h>
#include <string.h>

struct maker {
    arena *a;
    const struct spec *s;
    const struct spec_table *t;
    enum st_dialect d;
    st_attr attrs[64];
    size_t n;
    uint32_t size;
};

/* ---- names ---- */

/* What a name is of says which types may meet in it: whole numbers, texts and enums can be cast into each other.
 * (SQLite casts the double 7 to '7.0'.) */
const char *spec_column_name(arena *a, const struct spec_column *c)
{
    static const char *const prefixes[ST_TYPE_MAX] = {
        [ST_BOOL] = "flag",  [ST_UUID] = "uid", [ST_TIME] = "at",    [ST_BYTES] = "raw",
        [ST_DOUBLE] = "num", [ST_JSON] = "doc", [ST_TEXTS] = "tags", [ST_UUIDS] = "uids",
    };
    const char *prefix = c->generated             ? "sum"
                         : c->small               ? "size"
                         : c->decimal             ? "dec"
                         : spec_is_value(c->type) ? "val"
                                                  : prefixes[c->type];
    assert(prefix);
    switch (c->name) {
    case 3:
        return arena_printf(a, "%s Order%u", prefix, c->name);
    case 7:
        return arena_printf(a, "%s\"q'%u", prefix, c->name);
    case 11:
        return arena_printf(a, "%s%u_gr\u00f6\u00dfe", prefix, c->name);
    case 15: /* 63 bytes, so that derived names are cut */
        return arena_printf(a, "%s_abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz_abc%.*s", prefix,
                            5 - (int)strlen(prefix), "ABCDEF");
    case 24:
        return arena_printf(a, "%s\n%u", prefix, c->name);
    case 28:
        return arena_printf(a, "%s]`%u", prefix, c->name);
    default:
        return arena_printf(a, "%s%u", prefix, c->name);
    }
}

const char *spec_table_name(arena *a, unsigned name)
{
    return name == 2 ? "order" : name == 12 ? "ta\"b's" : arena_printf(a, name == 4 ? "Big Table%u" : "tab%u", name);
}

const char *spec_quoted(arena *a, const char *name)
{
    buf b BUF_AUTO;
    buf_init(&b, 1 << 10);
    buf_put_char(&b, '"');
    for (; *name; name++) {
        buf_puts(&b, *name == '"' ? "\"" : "");
        buf_put_char(&b, *name);
    }
    buf_put_char(&b, '"');
    return arena_memdup0(a, b.p, b.len);
}

static const char *quoted(struct maker *k, const struct spec_column *c)
{
    return spec_quoted(k->a, spec_column_name(k->a, c));
}

/* ---- columns ---- */

static st_attr *add(struct maker *k, enum st_attr_kind kind, const char *name)
{
    k->attrs[k->n] = (st_attr){.kind = kind, .name = name};
    return &k->attrs[k->n++];
}

static void place(struct maker *k, st_attr *x, uint32_t size)
{
    x->offset = k->size;
    x->size = size;
    k->size += size;
}

/* The first is in all of them: values come at the end, in the middle and in front, and change places. */
static const struct st_enum *enumeration(struct maker *k, const struct spec_column *c)
{
    static const char *const lists[6][6] = {{"7", "a"},           {"7", "a", "b", "c'c"},
                                            {"7", "m", "a", "b"}, {"z", "7", "a", "n", "b", "d"},
                                            {"b", "7", "a"},      {"c'c", "b", "a", "7", "d"}};
    const char *const *list = lists[c->native ? k->s->native : c->values];
    struct st_enum *e = ARENA_NEW(k->a, struct st_enum);
    *e = (struct st_enum){"values", list, 0};
    while (e->n < 6 && list[e->n]) {
        e->n++;
    }
    return e;
}

static const char *default_of(const struct spec_column *c)
{
    static const char *const defaults[ST_TYPE_MAX][2] = {[ST_BOOL] = {"true", "false"},
                                                         [ST_INT16] = {"7", "length('seven')"},
                                                         [ST_INT32] = {"7", "(3 + 4)"},
                                                         [ST_INT64] = {"-7", "length('se''n')"},
                                                         [ST_DOUBLE] = {"7.5", "abs(-7)"},
                                                         [ST_TEXT] = {"'it''s'", "lower('A?"
                                                                                 "?/\\B')"},
                                                         [ST_UUID] = {"uuid()", "uuid()"},
                                                         [ST_TIME] = {"now()", "now()"},
                                                         [ST_BYTES] = {NULL, "''"},
                                                         [ST_JSON] = {"'{\"a\": 1}'", "'[]'"},
                                                         [ST_TEXTS] = {"'[]'", "'[]'"},
                                                         [ST_UUIDS] = {"'[]'", "'[]'"},
                                                         [ST_ENUM] = {"'7'", "'7'"}};
    return defaults[c->type][c->values % 2];
}

/* SQLite's tables that have such a type are not STRICT; it has times as numbers. */
static const char *foreign_type(enum st_dialect d, const struct spec_column *c)
{
    static const char *const decimals[] = {NULL, "numeric(10,2)", "numeric(12,4)", "numeric(6,0)"};
    static const char *const times[] = {NULL, "timestamp(3) with time zone", "timestamp(0) with time zone",
                                        "timestamp with time zone"};
    static const char *const texts[2][4] = {{NULL, "VARCHAR(40)", "VARCHAR(60)", "CLOB"},
                                            {NULL, "varchar(40)", "character varying(60)", "varchar"}};
    bool pg = d == ST_POSTGRESQL;
    return c->decimal           ? decimals[c->foreign]
           : c->type == ST_TIME ? pg && c->foreign < 3 ? times[c->foreign] : NULL
                                : texts[pg][c->foreign];
}

static bool is_scalar(enum st_type t)
{
    return t != ST_TEXT && t != ST_BYTES && t != ST_JSON && t != ST_TEXTS && t != ST_UUIDS;
}

/* A column that others may be computed from. */
static const struct spec_column *first_integer(const struct spec_table *t)
{
    for (unsigned i = 0; i < SPEC_COLUMNS; i++) {
        const struct spec_column *c = &t->columns[i];
        if (c->name && !c->generated && spec_is_number(c) && c->type != ST_DOUBLE) {
            return c;
        }
    }
    return NULL;
}

static void generated_column(struct maker *k, st_attr *x, const struct spec_column *c)
{
    const struct spec_column *from = first_integer(k->t);
    x->generated =
        from && c->values % 2 ? arena_printf(k->a, "1 + %s", quoted(k, from)) : arena_printf(k->a, "1 + %u", c->values);
}

static void rules_of_values(struct maker *k, st_attr *x, const struct spec_column *c)
{
    static const double low = -1000, high = 1000.25;
    bool number = spec_is_number(c);
    if (c->limit && !x->type_sql && (number || (!is_scalar(c->type) && c->type != ST_JSON))) {
        x->max = number ? 0 : 100 + c->values;
        x->min_value = number ? &low : NULL;
        x->max_value = number && c->values != 3 ? &high : NULL;
    }
    if (c->has_check && (number || x->type_sql) && c->type != ST_TEXT && c->type != ST_TIME) {
        x->check = arena_printf(k->a, "%s <> %u", quoted(k, c), 90 + c->values);
    } else if (c->has_check && c->type == ST_TEXT) {
        x->check = arena_printf(k->a, "%s <> 'z''%u'", quoted(k, c), c->values);
    }
}

static void column(struct maker *k, const struct spec_column *c)
{
    const char *name = spec_column_name(k->a, c);
    st_attr *x = add(k, c->generated || c->foreign ? ST_A_UNMAPPED : ST_A_COLUMN, name);
    x->type_sql = c->foreign ? foreign_type(k->d, c) : NULL;
    x->kind = c->generated || x->type_sql ? ST_A_UNMAPPED : ST_A_COLUMN;
    x->type = x->type_sql ? 0 : c->type;
    place(k, x, 8);
    x->identity = c->identity && !c->generated && k->d == ST_POSTGRESQL;
    bool null = (c->null || c->generated) && !x->identity;
    bool by_type = null && is_scalar(c->type) && !x->type_sql;
    x->type |= by_type ? ST_NULLABLE : 0u;
    x->null = null && !by_type;
    x->comment = c->has_comment ? arena_printf(k->a, "of '%s'", name) : NULL;
    if (c->was) {
        struct spec_column before = *c;
        before.name = c->was;
        x->was = spec_column_name(k->a, &before);
    }
    if (c->generated) {
        generated_column(k, x, c);
        return;
    }
    x->default_sql = c->has_default && !x->identity ? default_of(c) : NULL;
    if (c->type == ST_ENUM) {
        x->enumeration = enumeration(k, c);
        x->as_smallint = c->small;
        x->enum_type = c->native ? "mood" : NULL;
    }
    x->unique = c->unique && x->kind == ST_A_COLUMN && (spec_is_value(c->type) || c->type == ST_UUID);
    rules_of_values(k, x, c);
}

/* ---- constraints and indexes ---- */

/* A column that these may be about, or NULL. */
static const struct spec_column *part_column(const struct spec_table *t, unsigned at)
{
    const struct spec_column *c = at && at <= SPEC_COLUMNS ? &t->columns[at - 1] : NULL;
    bool fine = c && c->name && !c->foreign &&
                (spec_is_value(c->type) || c->type == ST_UUID || c->type == ST_BOOL || c->type == ST_DOUBLE);
    return fine ? c : NULL;
}

static const char *expression(struct maker *k, const struct spec_column *c)
{
    const char *name = quoted(k, c);
    return spec_is_number(c)    ? arena_printf(k->a, "abs(%s)", name)
           : c->type == ST_TEXT ? arena_printf(k->a, "lower(%s)", name)
                                : NULL;
}

static const char **columns_of(struct maker *k, const char *first, const char *second)
{
    const char **columns = ARENA_ARRAY(k->a, const char *, 3);
    columns[0] = first;
    columns[1] = first ? second : NULL;
    return columns;
}

/* What an index may say of the column; of a constraint SQLite's collations alone. */
static const char *how_of(struct maker *k, const struct spec_column *c, const char *entry, unsigned how,
                          bool constraint)
{
    static const char *const collations[] = {"", " collate nocase", " collate rtrim", " collate binary"};
    static const char *const nulls[] = {"", " nulls first", " nulls last", ""};
    bool text = c->type == ST_TEXT && !c->foreign && !c->generated;
    const char *lite = text ? collations[how % 4] : "";
    if (constraint || !entry) {
        return entry ? arena_printf(k->a, "%s%s", entry, lite) : NULL;
    }
    return arena_printf(k->a, "%s%s%s%s%s", entry, text && how % 5 == 1 ? " text_pattern_ops" : "", lite,
                        nulls[how / 4 % 4], text && how % 3 == 1 ? " collate \"POSIX\"" : "");
}

/* The first column that is no other's key, as what is held beside. */
static void held_beside(struct maker *k, st_attr *x, unsigned how)
{
    x->with = how % 7 == 1 ? "fillfactor = 80" : NULL;
    x->nulls_not_distinct = (x->kind == ST_A_UNIQUE || x->unique) && how % 6 == 2;
    const struct spec_column *c = &k->t->columns[how % SPEC_COLUMNS];
    if (how % 3 == 2 && c->name) {
        x->include = columns_of(k, spec_column_name(k->a, c), "id");
    }
}

static const char *part_name(struct maker *k, const char *kind, unsigned i)
{
    return arena_printf(k->a, "t%u_%s%u", k->t->name, kind, i);
}

static void unique_part(struct maker *k, const struct spec_part *p, unsigned i)
{
    const struct spec_column *c = part_column(k->t, p->column), *d = part_column(k->t, p->second);
    if (c) {
        st_attr *x = add(k, ST_A_UNIQUE, part_name(k, "key", i));
        x->deferrable = p->deferrable;
        x->columns = columns_of(k, how_of(k, c, spec_column_name(k->a, c), p->how, true),
                                d && d != c ? spec_column_name(k->a, d) : NULL);
        held_beside(k, x, p->how);
    }
}

/* Those of PostgreSQL that are no btree, over one column; the tenant's would be in front of it. */
static bool by_method(struct maker *k, const struct spec_part *p, unsigned i)
{
    const struct spec_column *c = p->column && p->column <= SPEC_COLUMNS ? &k->t->columns[p->column - 1] : NULL;
    if (k->d != ST_POSTGRESQL || k->t->tenant || !c || !c->name || c->generated || c->foreign) {
        return false;
    }
    bool many = c->type == ST_TEXTS || c->type == ST_UUIDS || c->type == ST_JSON;
    const char *method = many                                                           ? "gin"
                         : p->method == 1 && part_column(k->t, p->column) && !c->native ? "hash"
                         : p->method == 2 && (spec_is_number(c) || c->type == ST_TIME)  ? "brin"
                                                                                        : NULL;
    if (method) {
        st_attr *x = add(k, ST_A_INDEX, part_name(k, "idx", i));
        bool path = c->type == ST_JSON && p->how % 2;
        x->columns = columns_of(
            k, path ? arena_printf(k->a, "%s jsonb_path_ops", spec_column_name(k->a, c)) : spec_column_name(k->a, c),
            NULL);
        x->with = many && p->how % 3 == 1 ? "fastupdate = off" : NULL;
        x->method = method;
        x->where = p->where ? arena_printf(k->a, "%s IS NOT NULL", quoted(k, c)) : NULL;
    }
    return method;
}

static void index_part(struct maker *k, const struct spec_part *p, unsigned i)
{
    const struct spec_column *c = part_column(k->t, p->column), *d = part_column(k->t, p->second);
    if (by_method(k, p, i) || !c) {
        return;
    }
    st_attr *x = add(k, ST_A_INDEX, part_name(k, "idx", i));
    const char *first = arena_printf(k->a, "%s%s", p->down ? "-" : "", spec_column_name(k->a, c));
    x->expression = p->expression ? expression(k, c) : NULL;
    bool alone = x->expression && p->method == 3;
    x->columns = columns_of(k, alone ? NULL : how_of(k, c, first, p->how, false),
                            d && d != c ? spec_column_name(k->a, d) : NULL);
    if (alone && p->how % 2) { /* among the columns, with more said of it */
        bool text = c->type == ST_TEXT;
        x->columns = columns_of(k,
                                arena_printf(k->a, "%s(%s)%s%s", p->down ? "-" : "", x->expression,
                                             text ? " collate nocase text_pattern_ops" : "",
                                             p->how % 4 == 1 ? " nulls first" : ""),
                                d && d != c ? spec_column_name(k->a, d) : NULL);
        x->expression = NULL;
    }
    x->unique = p->unique;
    held_beside(k, x, p->how);
    x->where = p->where ? arena_printf(k->a, "%s IS NOT NULL", quoted(k, c)) : NULL;
}

static void check_part(struct maker *k, const struct spec_part *p, unsigned i)
{
    const struct spec_column *c = part_column(k->t, p->column), *d = part_column(k->t, p->second);
    if (!c) {
        return;
    }
    const char *x = quoted(k, c), *y = d ? quoted(k, d) : x;
    st_attr *check = add(k, ST_A_CHECK, part_name(k, "check", i));
    check->exclude = p->unique && p->method == 4 && k->d == ST_POSTGRESQL;
    check->deferrable = check->exclude ? p->deferrable : ST_NOT_DEFERRABLE;
    check->check = check->exclude                  ? arena_printf(k->a, "USING btree (%s WITH =)", x)
                   : p->where && spec_is_number(c) ? arena_printf(k->a, "%s < 5000 OR %s IS NULL", x, y)
                   : p->expression
                       ? arena_printf(k->a, "%s IS NOT NULL OR 1 = 1", x)
                       : arena_printf(k->a, "NOT (%s IS NULL AND %s IS NULL) OR 1 < %u", x, y, 2 + p->second);
}

/* ---- tables ---- */

static const st_table_trigger *trigger(struct maker *k)
{
    static const char *const when[] = {"BEFORE INSERT OR UPDATE", "AFTER DELETE", "AFTER INSERT", "BEFORE INSERT"};
    unsigned n = k->t->trigger;
    const struct spec_column *c = first_integer(k->t);
    st_table_trigger *g = ARENA_NEW(k->a, st_table_trigger);
    bool of = n % 4 == 3 && c;
    *g =
        (st_table_trigger){.name = arena_printf(k->a, "t%u_trg", k->t->name),
                           .when = of ? arena_printf(k->a, "BEFORE UPDATE OF %s OR INSERT", quoted(k, c)) : when[n % 4],
                           .postgresql = n % 4 == 1 ? "RETURN OLD;"
                                         : n % 3    ? "RETURN NEW;"
                                                    : "-- '\nRETURN NEW;",
                           .sqlite = n % 3 ? "SELECT 1;" : "SELECT 2;"};
    bool row = n % 4 != 1 && c && n % 5 == 0;
    g->condition = row ? arena_printf(k->a, "NEW.%s IS NOT NULL", quoted(k, c)) : NULL;
    return g;
}

static const st_table_policy *policy(struct maker *k)
{
    static const st_table_policy policies[] = {
        {.name = "seen", .using_sql = "id IS NOT NULL"},
        {.name = "seen", .command = "SELECT", .using_sql = "id IS NOT NULL"},
        {.name = "seen", .command = "SELECT", .roles = "waymark_app", .using_sql = "id IS NOT NULL"},
        {.name = "seen", .command = "INSERT", .roles = "waymark_app, CURRENT_USER", .check_sql = "true"},
        {.name = "kept", .using_sql = "true", .check_sql = "id IS NOT NULL", .restrictive = true},
        {.name = "seen", .using_sql = "id IS NOT NULL OR 1 = 2"}};
    return &policies[k->t->policy - 1];
}

static void key(struct maker *k, const char *name, bool tenant)
{
    st_attr *x = add(k, ST_A_COLUMN, name);
    x->type = k->t->numbered ? ST_INT64 : ST_UUID;
    x->identity = k->t->numbered;
    x->pk = true;
    x->tenant = tenant;
    place(k, x, 16);
}

static void keys(struct maker *k)
{
    if (k->t->tenant) {
        key(k, "tenant_id", true);
    }
    key(k, "id", false);
    if (k->t->wide_key) {
        key(k, "part", false);
    }
}

static st_attr *pointer(struct maker *k, const char *name)
{
    st_attr *x = add(k, ST_A_COLUMN, name);
    x->type = ST_UUID | ST_NULLABLE;
    place(k, x, 24);
    return x;
}

static void parents(struct maker *k, const st_model *models)
{
    const struct spec_table *t = k->t, *one = spec_parent(k->s, t, false), *two = spec_parent(k->s, t, true);
    if (one) {
        st_attr *x = pointer(k, "parent_id");
        bool clear = !t->tenant; /* it would clear the tenant's column, too */
        x->references = &models[one - k->s->tables];
        x->on_delete = t->parent.on_delete >= ST_SET_NULL && !clear ? ST_CASCADE : t->parent.on_delete;
        x->on_update = t->parent.on_update >= ST_SET_NULL && !clear ? ST_CASCADE : t->parent.on_update;
        x->deferrable = t->parent.deferrable;
    }
    if (two) {
        static const char *const mine[] = {"wide_id", "wide_part", NULL}, *const theirs[] = {"id", "part", NULL};
        (void)pointer(k, mine[0]);
        (void)pointer(k, mine[1]);
        st_attr *x = add(k, ST_A_FOREIGN_KEY, arena_printf(k->a, "t%u_wide", t->name));
        x->columns = mine;
        x->target = &models[two - k->s->tables];
        x->to = theirs;
        x->on_delete = t->wide.on_delete >= ST_SET_NULL ? ST_NO_ACTION : t->wide.on_delete;
        x->on_update = t->wide.on_update >= ST_SET_NULL ? ST_NO_ACTION : t->wide.on_update;
        x->deferrable = t->wide.deferrable;
    }
}

static void make(struct maker *k, const struct spec_table *t, const st_model *models)
{
    k->t = t;
    k->n = 0;
    k->size = 0;
    if (!t->keys_last) {
        keys(k);
    }
    for (unsigned i = 0; i < SPEC_COLUMNS; i++) {
        const struct spec_column *c = &t->columns[(i + t->turn) % SPEC_COLUMNS];
        if (c->name) {
            column(k, c);
        }
    }
    if (t->keys_last) {
        keys(k);
    }
    parents(k, models);
    for (unsigned i = 0; i < SPEC_PARTS; i++) {
        unique_part(k, &t->uniques[i], i);
        index_part(k, &t->indexes[i], i);
        check_part(k, &t->checks[i], i);
    }
    if (t->deferrable) {
        add(k, ST_A_PRIMARY_KEY, NULL)->deferrable = t->deferrable;
    }
    if (t->has_comment) {
        add(k, ST_A_COMMENT, NULL)->comment = arena_printf(k->a, "table \"%u\"", t->name);
    }
    if (t->policy) {
        add(k, ST_A_POLICY, NULL)->policy = policy(k);
    }
    if (t->has_trigger) {
        add(k, ST_A_TRIGGER, NULL)->trigger = trigger(k);
    }
}

size_t spec_models(arena *a, const struct spec *s, enum st_dialect d, const st_model *const **ret)
{
    st_model *models = ARENA_ARRAY(a, st_model, SPEC_TABLES);
    const st_model **list = ARENA_ARRAY(a, const st_model *, SPEC_TABLES + 1);
    struct maker *k = ARENA_NEW(a, struct maker);
    size_t n = 0;
    *k = (struct maker){.a = a, .s = s, .d = d};
    for (unsigned i = 0; i < SPEC_TABLES; i++) {
        const struct spec_table *t = &s->tables[i];
        if (t->name) {
            make(k, t, models);
            st_attr *attrs = ARENA_ARRAY(a, st_attr, k->n);
            memcpy(attrs, k->attrs, k->n * sizeof *attrs);
            models[i] = (st_model){.name = arena_printf(a, "Tab%u", t->name),
                                   .table = spec_table_name(a, t->name),
                                   .was = t->was ? spec_table_name(a, t->was) : NULL,
                                   .size = k->size,
                                   .attrs = attrs,
                                   .n_attrs = k->n};
            list[n++] = &models[i];
        }
    }
    *ret = list;
    return n;
}
