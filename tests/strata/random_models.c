/* Sets of models as numbers: drawn, and changed. */
#include "random_models.h"

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

bool spec_is_value(enum st_type t)
{
    return t == ST_INT16 || t == ST_INT32 || t == ST_INT64 || t == ST_TEXT || t == ST_ENUM;
}

bool spec_is_number(const struct spec_column *c)
{
    return !c->foreign && (c->type == ST_INT16 || c->type == ST_INT32 || c->type == ST_INT64 || c->type == ST_DOUBLE);
}

static bool is_integer(const struct spec_column *c)
{
    return spec_is_number(c) && c->type != ST_DOUBLE;
}

static void draw_foreign(struct spec_column *c, uint64_t *seed)
{
    bool may = c->decimal || ((c->type == ST_TEXT || c->type == ST_TIME) && one_in(seed, 4));
    c->foreign = may ? 1 + spec_random(seed, 3) : 0;
}

static void draw_column(struct spec_column *c, uint64_t *seed, enum st_type type)
{
    static const enum st_type others[] = {ST_BOOL, ST_UUID, ST_TIME, ST_BYTES, ST_JSON, ST_TEXTS, ST_UUIDS, ST_DOUBLE};
    static const enum st_type values[] = {ST_INT16, ST_INT32, ST_INT64, ST_INT64, ST_TEXT, ST_TEXT, ST_ENUM, ST_ENUM};
    unsigned name = c->name, was = c->was;
    bool small = c->small, decimal = c->decimal, fresh = !type;
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
    c->unique = one_in(seed, 8);
    c->small = small || (fresh && type == ST_ENUM && one_in(seed, 3));
    c->native = type == ST_ENUM && !c->small && one_in(seed, 3);
    c->decimal = decimal || (fresh && type == ST_DOUBLE && one_in(seed, 2));
    c->values = spec_random(seed, 6);
    draw_foreign(c, seed);
    c->identity = is_integer(c) && !c->small && one_in(seed, 6);
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
                                  .method = spec_random(seed, 6),
                                  .how = one_in(seed, 2) ? spec_random(seed, 64) : 0,
                                  .down = one_in(seed, 3),
                                  .where = one_in(seed, 4),
                                  .expression = one_in(seed, 5),
                                  .unique = one_in(seed, 3),
                                  .deferrable =
                                      one_in(seed, 3) ? (enum st_deferral)spec_random(seed, 3) : ST_NOT_DEFERRABLE};
    }
}

static void draw_key(struct spec_key *k, uint64_t *seed)
{
    k->to = spec_random(seed, SPEC_TABLES + 3);
    k->on_delete = (enum st_action)spec_random(seed, 5);
    k->on_update = one_in(seed, 3) ? (enum st_action)spec_random(seed, 5) : ST_NO_ACTION;
    k->deferrable = one_in(seed, 2) ? (enum st_deferral)spec_random(seed, 3) : ST_NOT_DEFERRABLE;
}

static enum st_deferral draw_key_deferral(uint64_t *seed)
{
    return one_in(seed, 5) ? (enum st_deferral)spec_random(seed, 3) : ST_NOT_DEFERRABLE;
}

static void draw_table(struct spec_table *t, uint64_t *seed, unsigned name)
{
    *t = (struct spec_table){.name = name, .tenant = one_in(seed, 2), .wide_key = one_in(seed, 3)};
    t->numbered = !t->tenant && !t->wide_key && one_in(seed, 4);
    t->deferrable = draw_key_deferral(seed);
    t->has_comment = one_in(seed, 4);
    t->policy = one_in(seed, 3) ? 1 + spec_random(seed, 6) : 0;
    t->has_trigger = one_in(seed, 4);
    t->trigger = spec_random(seed, 12);
    for (unsigned i = 0; i < SPEC_COLUMNS; i++) {
        if (one_in(seed, 2)) {
            t->columns[i].name = new_name(t, seed, 1);
            draw_column(&t->columns[i], seed, (enum st_type)0);
            t->columns[i].generated = spec_is_number(&t->columns[i]) && one_in(seed, 8);
        }
    }
    draw_key(&t->parent, seed);
    draw_key(&t->wide, seed);
    draw_parts(t->uniques, seed);
    draw_parts(t->indexes, seed);
    draw_parts(t->checks, seed);
}

void spec_draw(struct spec *s, uint64_t *seed)
{
    *s = (struct spec){.native = spec_random(seed, 6)};
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

const struct spec_table *spec_parent(const struct spec *s, const struct spec_table *t, bool wide)
{
    const struct spec_table *p = spec_table(s, wide ? t->wide.to : t->parent.to);
    return p && p->tenant == t->tenant && !p->numbered && !p->deferrable && p->wide_key == wide && !(wide && p->tenant)
               ? p
               : NULL;
}

static void change_column(struct spec_table *t, struct spec_column *c, uint64_t *seed)
{
    if (!c->name || (!c->was && one_in(seed, 5))) { /* comes or goes; not one of a ring, which would be none then */
        *c = (struct spec_column){.name = c->name ? 0 : new_name(t, seed, 1)};
        if (c->name) {
            draw_column(c, seed, (enum st_type)0);
        }
        return;
    }
    if (one_in(seed, 3)) {
        c->was = c->was ? c->was : c->name;
        c->name = new_name(t, seed, 21); /* which nothing had before: else the table's own column of that name is it */
        if (one_in(seed, 2)) {
            return;
        }
    }
    bool generated = c->generated;
    draw_column(c, seed, c->type);
    c->generated = generated;
    if (generated && !spec_is_number(c)) {
        *c = (struct spec_column){
            .name = c->name, .was = c->was, .type = ST_INT64, .generated = true, .values = c->values};
    }
}

static void change_key(struct spec_key *k, uint64_t *seed)
{
    if (one_in(seed, 3)) {
        draw_key(k, seed);
    } else if (one_in(seed, 3)) { /* that alone, of a key that stays */
        k->deferrable = (enum st_deferral)spec_random(seed, 3);
    }
}

/* Whether names of both begin alike, so that they may have each other's. */
static bool same_names(const struct spec_column *x, const struct spec_column *y)
{
    return x->name && y->name && x->generated == y->generated && x->small == y->small && x->decimal == y->decimal &&
           (x->type == y->type || (spec_is_value(x->type) && spec_is_value(y->type)));
}

/* Names go round among two columns or three; of a chain the last one's is new. */
static void turn_columns(struct spec_table *t, uint64_t *seed)
{
    unsigned from = spec_random(seed, SPEC_COLUMNS), ring[3], n = 0, most = 2 + spec_random(seed, 2);
    for (unsigned i = 0; i < SPEC_COLUMNS && n < most; i++) {
        unsigned at = (from + i) % SPEC_COLUMNS;
        if (n ? same_names(&t->columns[ring[0]], &t->columns[at]) : t->columns[at].name) {
            ring[n++] = at;
        }
    }
    if (n < 2) {
        return;
    }
    unsigned first = one_in(seed, 3) ? new_name(t, seed, 21) : t->columns[ring[0]].name;
    for (unsigned i = 0; i < n; i++) {
        struct spec_column *c = &t->columns[ring[i]];
        c->was = c->name;
        c->name = i + 1 < n ? t->columns[ring[i + 1]].name : first;
    }
}

static void change_table(struct spec_table *t, uint64_t *seed)
{
    if (one_in(seed, 3)) {
        turn_columns(t, seed);
    }
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
    t->policy = one_in(seed, 4) ? spec_random(seed, 7) : t->policy;
    t->has_trigger ^= one_in(seed, 5);
    t->trigger += one_in(seed, 3) ? spec_random(seed, 12) : 0;
    t->tenant ^= !t->numbered && one_in(seed, 8);
    t->wide_key ^= !t->numbered && one_in(seed, 8);
    t->deferrable = one_in(seed, 4) ? draw_key_deferral(seed) : t->deferrable;
    t->turn = one_in(seed, 4) ? spec_random(seed, SPEC_COLUMNS) : t->turn;
    t->keys_last ^= one_in(seed, 6);
    change_key(&t->parent, seed);
    change_key(&t->wide, seed);
    for (unsigned i = 0; i < SPEC_PARTS; i++) {
        if (one_in(seed, 6)) {
            t->uniques[i].deferrable = (enum st_deferral)spec_random(seed, 3);
        }
    }
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

static void rename_table(struct spec *s, struct spec_table *t, unsigned to)
{
    t->was = t->name;
    t->name = to;
    for (unsigned k = 0; k < SPEC_TABLES; k++) {
        struct spec_table *o = &s->tables[k];
        o->parent.to = o->parent.to == t->was ? to : o->parent.to;
        o->wide.to = o->wide.to == t->was ? to : o->wide.to;
    }
}

/* Names go round among the tables that both sets have, each of which has one that was another's. */
static void turn_tables(struct spec *s, const struct spec *before, uint64_t *seed)
{
    static const unsigned none = 90;
    unsigned at[SPEC_TABLES], n = 0, names[SPEC_TABLES];
    for (unsigned i = 0; i < SPEC_TABLES; i++) {
        bool stays = s->tables[i].name && before->tables[i].name;
        if (stays && (s->tables[i].was ? s->tables[i].was : s->tables[i].name) == before->tables[i].name) {
            names[n] = s->tables[i].name;
            at[n++] = i;
        }
    }
    n = n > 2 && one_in(seed, 2) ? 2 : n;
    for (unsigned i = 0; i < n && n > 1; i++) {
        unsigned was = before->tables[at[i]].name;
        rename_table(s, &s->tables[at[i]], none + i); /* out of the way */
        s->tables[at[i]].was = was;
    }
    for (unsigned i = 0; i < n && n > 1; i++) {
        unsigned was = s->tables[at[i]].was;
        rename_table(s, &s->tables[at[i]], names[(i + 1) % n]);
        s->tables[at[i]].was = was;
    }
}

void spec_change(struct spec *s, uint64_t *seed)
{
    const struct spec before = *s;
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
            rename_table(s, t, 10 + i);
        }
    }
    if (one_in(seed, 3)) {
        turn_tables(s, &before, seed);
    }
    if (one_in(seed, 3)) {
        s->native = spec_random(seed, 6);
    }
}
