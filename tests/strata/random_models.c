#include "random_models.h"

#include <string.h>

#include "base/buf.h"

static const char *const native_values[2][5] = {{"7", "p", "q", "r", "s"}, {"q", "7", "s", "p", "r"}};

unsigned spec_random(uint64_t *seed, unsigned below)
{
    *seed ^= *seed << 13; /* xorshift64 */
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (unsigned)((*seed >> 16) % below);
}

static bool one_in(uint64_t *seed, unsigned n)
{
    return spec_random(seed, n) == 0;
}

/* Names say which types may meet in them: a change among whole numbers, texts and enums can be cast. (SQLite casts the
 * double 7 to '7.0'.) */
bool spec_is_value(enum st_type t)
{
    return t == ST_INT16 || t == ST_INT32 || t == ST_INT64 || t == ST_TEXT || t == ST_ENUM;
}

static bool is_number(enum st_type t)
{
    return t == ST_INT16 || t == ST_INT32 || t == ST_INT64 || t == ST_DOUBLE;
}

const char *spec_column_name(arena *a, const struct spec_column *c)
{
    static const char *const prefixes[ST_TYPE_MAX] = {
        [ST_BOOL] = "flag",  [ST_UUID] = "uid", [ST_TIME] = "at",    [ST_BYTES] = "raw",
        [ST_DOUBLE] = "num", [ST_JSON] = "doc", [ST_TEXTS] = "tags", [ST_UUIDS] = "uids",
    };
    const char *prefix = c->generated ? "sum" : c->small ? "size" : spec_is_value(c->type) ? "val" : prefixes[c->type];
    return arena_printf(a, c->name == 3 ? "%s Order%u" : "%s%u", prefix, c->name);
}

const char *spec_table_name(arena *a, unsigned name)
{
    return arena_printf(a, name == 4 ? "Big Table%u" : "tab%u", name);
}

static void draw_column(struct spec_column *c, uint64_t *seed, enum st_type type)
{
    static const enum st_type others[] = {ST_BOOL, ST_UUID, ST_TIME, ST_BYTES, ST_JSON, ST_TEXTS, ST_UUIDS, ST_DOUBLE};
    static const enum st_type values[] = {ST_INT16, ST_INT32, ST_INT64, ST_INT64, ST_TEXT, ST_TEXT, ST_ENUM, ST_ENUM};
    unsigned name = c->name, was = c->was;
    bool small = c->small, fresh = !type;
    if (!type) {
        type = one_in(seed, 3) ? others[spec_random(seed, 8)] : values[spec_random(seed, 8)];
    } else if (spec_is_value(type) && !small) {
        type = values[spec_random(seed, 8)];
    }
    *c = (struct spec_column){.name = name, .was = was, .type = type};
    c->null = one_in(seed, 2);
    c->has_default = one_in(seed, 3);
    c->limit = one_in(seed, 3);
    c->has_check = one_in(seed, 6);
    c->has_comment = one_in(seed, 6);
    c->varchar = type == ST_TEXT && one_in(seed, 6);
    c->small = small || (fresh && type == ST_ENUM && one_in(seed, 3));
    c->native = type == ST_ENUM && !c->small && one_in(seed, 3);
    c->values = 2 + spec_random(seed, 4);
}

static bool name_taken(const struct spec_table *t, unsigned name)
{
    for (unsigned i = 0; i < SPEC_COLUMNS; i++) {
        if (t->columns[i].name == name) {
            return true;
        }
    }
    return false;
}

static unsigned new_name(const struct spec_table *t, uint64_t *seed, unsigned from)
{
    unsigned name;
    do {
        name = from + spec_random(seed, 20);
    } while (name_taken(t, name));
    return name;
}

static void draw_parts(struct spec_part *p, uint64_t *seed)
{
    for (unsigned i = 0; i < SPEC_PARTS; i++) {
        p[i] = (struct spec_part){.column = spec_random(seed, SPEC_COLUMNS + 1),
                                  .second = spec_random(seed, 2 * SPEC_COLUMNS),
                                  .down = one_in(seed, 3),
                                  .where = one_in(seed, 4),
                                  .expression = one_in(seed, 5),
                                  .unique = one_in(seed, 3)};
    }
}

static void draw_table(struct spec_table *t, uint64_t *seed, unsigned name)
{
    *t = (struct spec_table){.name = name, .tenant = one_in(seed, 2), .wide_key = one_in(seed, 5)};
    t->has_comment = one_in(seed, 4);
    t->has_policy = one_in(seed, 5);
    t->has_trigger = one_in(seed, 4);
    for (unsigned i = 0; i < SPEC_COLUMNS; i++) {
        if (one_in(seed, 2)) {
            t->columns[i].name = new_name(t, seed, 1);
            draw_column(&t->columns[i], seed, (enum st_type)0);
            t->columns[i].generated = is_number(t->columns[i].type) && one_in(seed, 8);
        }
    }
    t->parent = spec_random(seed, SPEC_TABLES + 3);
    t->on_delete = one_in(seed, 3) ? ST_CASCADE : ST_NO_ACTION;
    draw_parts(t->uniques, seed);
    draw_parts(t->indexes, seed);
    draw_parts(t->checks, seed);
}

void spec_draw(struct spec *s, uint64_t *seed)
{
    *s = (struct spec){.native_values = 2 + spec_random(seed, 4), .native_turned = one_in(seed, 3)};
    for (unsigned i = 0; i < SPEC_TABLES; i++) {
        if (!one_in(seed, 3) || i == 0) {
            draw_table(&s->tables[i], seed, i + 1);
        }
    }
}

const struct spec_table *spec_table(const struct spec *s, unsigned name)
{
    for (unsigned i = 0; i < SPEC_TABLES; i++) {
        if (name && s->tables[i].name == name) {
            return &s->tables[i];
        }
    }
    return NULL;
}

static void change_column(struct spec_table *t, struct spec_column *c, uint64_t *seed)
{
    if (!c->name || one_in(seed, 5)) { /* comes or goes */
        *c = (struct spec_column){.name = c->name ? 0 : new_name(t, seed, 1)};
        if (c->name) {
            draw_column(c, seed, (enum st_type)0);
        }
        return;
    }
    if (one_in(seed, 3)) {
        c->was = c->name;
        c->name = new_name(t, seed, 21); /* which nothing had before: else the table's own column of that name is it */
        if (one_in(seed, 2)) {
            return;
        }
    }
    bool generated = c->generated;
    draw_column(c, seed, c->type);
    c->generated = generated;
    if (generated && !is_number(c->type)) {
        c->type = ST_INT64;
        c->native = c->varchar = false;
    }
}

static void change_table(struct spec_table *t, uint64_t *seed)
{
    for (unsigned i = 0, n = spec_random(seed, 4); i < n; i++) {
        change_column(t, &t->columns[spec_random(seed, SPEC_COLUMNS)], seed);
    }
    struct spec_part *parts[] = {t->uniques, t->indexes, t->checks};
    for (unsigned i = 0; i < 3; i++) {
        if (one_in(seed, 3)) {
            draw_parts(parts[i], seed);
        }
    }
    t->has_comment ^= one_in(seed, 5);
    t->has_policy ^= one_in(seed, 5);
    t->has_trigger ^= one_in(seed, 5);
    t->trigger += one_in(seed, 5);
    t->tenant ^= one_in(seed, 8);
    t->wide_key ^= one_in(seed, 8);
    t->parent = one_in(seed, 4) ? spec_random(seed, SPEC_TABLES + 3) : t->parent;
    t->on_delete = one_in(seed, 6) ? ST_CASCADE : t->on_delete;
}

static void forget_names(struct spec *s)
{
    for (unsigned i = 0; i < SPEC_TABLES; i++) {
        s->tables[i].was = 0;
        for (unsigned k = 0; k < SPEC_COLUMNS; k++) {
            s->tables[i].columns[k].was = 0;
        }
    }
}

void spec_change(struct spec *s, uint64_t *seed)
{
    forget_names(s);
    for (unsigned i = 0; i < SPEC_TABLES; i++) {
        struct spec_table *t = &s->tables[i];
        if (!t->name) {
            if (one_in(seed, 3)) {
                draw_table(t, seed, spec_table(s, i + 1) ? 20 + i : i + 1);
            }
        } else if (one_in(seed, 8) && i) {
            *t = (struct spec_table){0};
        } else if (!one_in(seed, 4)) {
            change_table(t, seed);
        }
        if (t->name && t->name < 10 && one_in(seed, 8)) {
            unsigned was = t->name;
            t->name = 10 + i;
            t->was = was;
            for (unsigned k = 0; k < SPEC_TABLES; k++) {
                s->tables[k].parent = s->tables[k].parent == was ? t->name : s->tables[k].parent;
            }
        }
    }
    if (one_in(seed, 3)) {
        s->native_values = 2 + spec_random(seed, 4);
        s->native_turned = one_in(seed, 3);
    }
}

/* ---- descriptors ---- */

struct maker {
    arena *a;
    const struct spec *s;
    const struct spec_table *t;
    enum st_dialect d;
    st_attr attrs[64];
    size_t n;
    uint32_t size;
};

static st_attr *add(struct maker *k, enum st_attr_kind kind, const char *name)
{
    k->attrs[k->n] = (st_attr){.kind = kind, .name = name};
    return &k->attrs[k->n++];
}

static const struct st_enum *enumeration(struct maker *k, const struct spec_column *c)
{
    static const char *const names[] = {"7", "a", "b", "c'c", "d"};
    struct st_enum *e = ARENA_NEW(k->a, struct st_enum);
    *e = (struct st_enum){"values", c->native ? native_values[k->s->native_turned] : names,
                          c->native ? k->s->native_values : c->values};
    return e;
}

static const char *const defaults[ST_TYPE_MAX] = {
    [ST_BOOL] = "true",    [ST_INT16] = "7",     [ST_INT32] = "7",    [ST_INT64] = "-7", [ST_DOUBLE] = "7.5",
    [ST_TEXT] = "'it''s'", [ST_UUID] = "uuid()", [ST_TIME] = "now()", [ST_BYTES] = NULL, [ST_JSON] = "'{\"a\": 1}'",
    [ST_TEXTS] = "'[]'",   [ST_UUIDS] = "'[]'",  [ST_ENUM] = "'7'"};

static void column(struct maker *k, const struct spec_column *c)
{
    const char *name = spec_column_name(k->a, c);
    static const double low = -1000, high = 1000.25;
    st_attr *x = add(k, c->generated ? ST_A_UNMAPPED : ST_A_COLUMN, name);
    x->type = c->type;
    x->offset = k->size;
    x->size = 8;
    k->size += 8;
    bool scalar =
        c->type != ST_TEXT && c->type != ST_BYTES && c->type != ST_JSON && c->type != ST_TEXTS && c->type != ST_UUIDS;
    if (c->null || c->generated) {
        x->type |= scalar ? ST_NULLABLE : 0u;
        x->null = !scalar;
    }
    x->comment = c->has_comment ? arena_printf(k->a, "of '%s'", name) : NULL;
    if (c->was) {
        struct spec_column before = *c;
        before.name = c->was;
        x->was = spec_column_name(k->a, &before);
    }
    if (c->generated) {
        x->generated = arena_printf(k->a, "1 + %u", c->values);
        return;
    }
    x->default_sql = c->has_default ? defaults[c->type] : NULL;
    x->type_sql = c->varchar && k->d == ST_POSTGRESQL ? "varchar(40)" : NULL; /* STRICT tables have no such type */
    if (c->limit && (!scalar || is_number(c->type)) && c->type != ST_JSON && !c->varchar) {
        x->max = scalar ? 0 : 100 + c->values;
        x->min_value = is_number(c->type) ? &low : NULL;
        x->max_value = is_number(c->type) && c->values != 3 ? &high : NULL;
    }
    if (c->type == ST_ENUM) {
        x->enumeration = enumeration(k, c);
        x->as_smallint = c->small;
        x->enum_type = c->native ? "mood" : NULL;
    }
    if (c->has_check && is_number(c->type)) {
        x->check = arena_printf(k->a, "\"%s\" <> %u", name, 90 + c->values);
    } else if (c->has_check && c->type == ST_TEXT) {
        x->check = arena_printf(k->a, "\"%s\" <> 'z''%u'", name, c->values);
    }
}

/* A column that indexes and checks may be about, or NULL. */
static const struct spec_column *part_column(const struct spec_table *t, unsigned at)
{
    const struct spec_column *c = at && at <= SPEC_COLUMNS ? &t->columns[at - 1] : NULL;
    return c && c->name && (spec_is_value(c->type) || c->type == ST_UUID || c->type == ST_BOOL || c->type == ST_DOUBLE)
               ? c
               : NULL;
}

static const char *expression(struct maker *k, const struct spec_column *c)
{
    const char *name = spec_column_name(k->a, c);
    return is_number(c->type)   ? arena_printf(k->a, "abs(\"%s\")", name)
           : c->type == ST_TEXT ? arena_printf(k->a, "lower(\"%s\")", name)
                                : NULL;
}

static void index_part(struct maker *k, const struct spec_part *p, unsigned i, bool constraint)
{
    const struct spec_column *c = part_column(k->t, p->column), *d = part_column(k->t, p->second);
    if (!c) {
        return;
    }
    st_attr *x = add(k, constraint ? ST_A_UNIQUE : ST_A_INDEX,
                     arena_printf(k->a, "t%u_%s%u", k->t->name, constraint ? "key" : "idx", i));
    const char **columns = ARENA_ARRAY(k->a, const char *, 4);
    bool down = p->down && !constraint;
    columns[0] = arena_printf(k->a, "%s%s", down ? "-" : "", spec_column_name(k->a, c));
    columns[1] = d && d != c ? spec_column_name(k->a, d) : NULL;
    x->columns = columns;
    if (!constraint) {
        x->unique = p->unique;
        x->expression = p->expression ? expression(k, c) : NULL;
        x->where = p->where ? arena_printf(k->a, "\"%s\" IS NOT NULL", spec_column_name(k->a, c)) : NULL;
    }
}

static void check_part(struct maker *k, const struct spec_part *p, unsigned i)
{
    const struct spec_column *c = part_column(k->t, p->column), *d = part_column(k->t, p->second);
    if (!c) {
        return;
    }
    const char *x = spec_column_name(k->a, c), *y = d ? spec_column_name(k->a, d) : x;
    const char *sql =
        p->where && is_number(c->type) ? arena_printf(k->a, "\"%s\" < 5000 OR \"%s\" IS NULL", x, y)
        : p->expression                ? arena_printf(k->a, "\"%s\" IS NOT NULL OR 1 = 1", x)
                        : arena_printf(k->a, "NOT (\"%s\" IS NULL AND \"%s\" IS NULL) OR 1 < %u", x, y, 2 + p->second);
    add(k, ST_A_CHECK, arena_printf(k->a, "t%u_check%u", k->t->name, i))->check = sql;
}

static const st_table_trigger *trigger(struct maker *k)
{
    static const char *const when[] = {"BEFORE INSERT OR UPDATE", "AFTER DELETE", "AFTER INSERT"};
    st_table_trigger *g = ARENA_NEW(k->a, st_table_trigger);
    *g = (st_table_trigger){.name = arena_printf(k->a, "t%u_trg", k->t->name),
                            .when = when[k->t->trigger % 3],
                            .postgresql = "RETURN NULL = NEW;",
                            .sqlite = "SELECT 1;"};
    g->postgresql = k->t->trigger % 3 == 1 ? "RETURN OLD;" : "RETURN NEW;";
    return g;
}

static void key(struct maker *k, const char *name, bool tenant)
{
    st_attr *x = add(k, ST_A_COLUMN, name);
    x->type = ST_UUID;
    x->pk = true;
    x->tenant = tenant;
    x->offset = k->size;
    x->size = 16;
    k->size += 16;
}

/* The table that this one refers to: of the same tenancy, with a key of one column. */
static const struct spec_table *parent_of(const struct spec *s, const struct spec_table *t)
{
    const struct spec_table *p = spec_table(s, t->parent);
    return p && p->tenant == t->tenant && !p->wide_key ? p : NULL;
}

static void make(struct maker *k, const struct spec_table *t, st_model *models)
{
    k->t = t;
    k->n = 0;
    k->size = 0;
    if (t->tenant) {
        key(k, "tenant_id", true);
    }
    key(k, "id", false);
    if (t->wide_key) {
        key(k, "part", false);
    }
    for (unsigned i = 0; i < SPEC_COLUMNS; i++) {
        if (t->columns[i].name) {
            column(k, &t->columns[i]);
        }
    }
    const struct spec_table *parent = parent_of(k->s, t);
    if (parent) {
        st_attr *x = add(k, ST_A_COLUMN, "parent_id");
        x->type = ST_UUID | ST_NULLABLE;
        x->references = &models[parent - k->s->tables];
        x->on_delete = t->on_delete;
        x->offset = k->size;
        x->size = 24;
        k->size += 24;
    }
    for (unsigned i = 0; i < SPEC_PARTS; i++) {
        index_part(k, &t->uniques[i], i, true);
        index_part(k, &t->indexes[i], i, false);
        check_part(k, &t->checks[i], i);
    }
    if (t->has_comment) {
        add(k, ST_A_COMMENT, NULL)->comment = arena_printf(k->a, "table \"%u\"", t->name);
    }
    if (t->has_policy) {
        st_table_policy *p = ARENA_NEW(k->a, st_table_policy);
        *p = (st_table_policy){.name = "seen", .command = t->tenant ? "SELECT" : NULL, .using_sql = "id IS NOT NULL"};
        add(k, ST_A_POLICY, NULL)->policy = p;
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
