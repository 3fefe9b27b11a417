/* Which table and column of a database is which of the models. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "strata/migrate/compare.h"
#include "strata/migrate/history.h"

/* Names on both sides, for tables as for columns. */
struct names {
    size_t n_db, n_models;
    const char *(*db)(const void *arg, size_t i);
    const char *(*model)(const void *arg, size_t i);
    const char *(*was)(const void *arg, size_t i);
    bool (*done)(const void *arg, size_t i); /* whether a revision has made it of what .was names already */
    const void *arg;
    bool *taken; /* by the database's */
    size_t *of;  /* by the models': the database's, or n_db */
};

static size_t find(const struct names *k, const char *name)
{
    size_t i = 0;
    while (name && i < k->n_db && strcmp(k->db(k->arg, i), name) != 0) {
        i++;
    }
    return name ? i : k->n_db;
}

static bool take(struct names *k, size_t model, const char *name)
{
    size_t at = find(k, name);
    if (at == k->n_db || k->taken[at]) {
        return false;
    }
    k->taken[at] = true;
    k->of[model] = at;
    return true;
}

/* Those whose name is not there yet, and then those whose name such a one has left free: b was a, c was b. */
static void take_chains(struct names *k)
{
    for (bool any = true; any;) {
        any = false;
        for (size_t i = 0; i < k->n_models; i++) {
            size_t at = find(k, k->model(k->arg, i));
            bool left = at < k->n_db && k->taken[at] && !k->done(k->arg, i);
            if (k->of[i] == k->n_db && (at == k->n_db || left)) {
                any |= take(k, i, k->was(k->arg, i));
            }
        }
    }
}

/* Whose name is there, and the one that it was, too: whether it is of a ring (a was b, b was a) only others can say. */
static bool may_turn(const struct names *k, size_t i)
{
    size_t is = find(k, k->model(k->arg, i)), was = find(k, k->was(k->arg, i));
    return k->of[i] == k->n_db && is < k->n_db && !k->taken[is] && was < k->n_db && !k->taken[was] &&
           !k->done(k->arg, i);
}

/* The model that has the name that model i had, or n_models. */
static size_t heir(const struct names *k, size_t i)
{
    const char *was = k->was(k->arg, i);
    size_t h = 0;
    while (was && h < k->n_models && strcmp(k->model(k->arg, h), was) != 0) {
        h++;
    }
    return was ? h : k->n_models;
}

/* Rings turn as a whole, or not at all. */
static void take_rings(struct names *k)
{
    for (size_t i = 0; i < k->n_models; i++) {
        size_t at = i, steps = 0;
        while (at < k->n_models && steps <= k->n_models && may_turn(k, at) && (at != i || !steps)) {
            at = heir(k, at);
            steps++;
        }
        for (size_t n = at == i ? steps : 0; n; n--) {
            (void)take(k, at, k->was(k->arg, at));
            at = heir(k, at);
        }
    }
}

/* A former name that another has left free comes last. */
static st_err match(arena *a, struct names *k)
{
    k->taken = ARENA_ARRAY(a, bool, k->n_db + 1);
    k->of = ARENA_ARRAY(a, size_t, k->n_models + 1);
    if (!k->taken || !k->of) {
        return diag_nomem();
    }
    for (size_t i = 0; i < k->n_models; i++) {
        k->of[i] = k->n_db;
    }
    take_chains(k);
    take_rings(k);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < k->n_models; i++) {
            if (k->of[i] == k->n_db) {
                (void)take(k, i, round ? k->was(k->arg, i) : k->model(k->arg, i));
            }
        }
    }
    return 0;
}

struct tables {
    const struct compare_side *db, *models;
    const struct history *history;
};

static const char *db_table(const void *arg, size_t i)
{
    return ((const struct tables *)arg)->db->seen->tables[i].name;
}
static const char *model_table(const void *arg, size_t i)
{
    return ((const struct tables *)arg)->models->seen->tables[i].name;
}
static const char *was_table(const void *arg, size_t i)
{
    return ((const struct tables *)arg)->models->tables[i].was;
}

static bool done_table(const void *arg, size_t i)
{
    return history_renamed(((const struct tables *)arg)->history, NULL, was_table(arg, i), model_table(arg, i));
}

struct columns {
    const struct seen_table *db, *model;
    const st_table *stated;
    const struct history *history;
};

static const char *db_column(const void *arg, size_t i)
{
    return ((const struct columns *)arg)->db->columns[i].c.name;
}
static const char *model_column(const void *arg, size_t i)
{
    return ((const struct columns *)arg)->model->columns[i].c.name;
}
static const char *was_column(const void *arg, size_t i)
{
    const struct columns *k = arg;
    const st_table_column *c = migrate_column(k->stated, k->model->columns[i].c.name);
    return c ? c->was : NULL;
}

static bool done_column(const void *arg, size_t i)
{
    const struct columns *k = arg;
    return history_renamed(k->history, k->db->name, was_column(arg, i), model_column(arg, i));
}

static st_err match_columns(arena *a, struct compare_pair *p, const struct history *h)
{
    struct columns k = {p->from, p->to, p->to_stated, h};
    struct names names = {.n_db = k.db->n_columns,
                          .n_models = k.model->n_columns,
                          .db = db_column,
                          .model = model_column,
                          .was = was_column,
                          .done = done_column,
                          .arg = &k};
    struct sql_rename *renames = ARENA_ARRAY(a, struct sql_rename, names.n_models + 1);
    st_err rc = renames ? match(a, &names) : diag_nomem();
    if (rc) {
        return rc;
    }
    const size_t *of = names.of;
    for (size_t i = 0; i < names.n_models; i++) {
        const char *now = k.model->columns[i].c.name;
        if (of[i] < names.n_db && strcmp(k.db->columns[of[i]].c.name, now) != 0) {
            renames[p->n_renames++] = (struct sql_rename){k.db->columns[of[i]].c.name, now};
        }
    }
    p->renames = renames;
    return 0;
}

st_err compare_match(arena *a, const struct compare_side *db, const struct compare_side *models,
                     const struct history *h, struct compare *ret)
{
    struct tables k = {db, models, h};
    struct names names = {.n_db = db->seen->n_tables,
                          .n_models = models->seen->n_tables,
                          .db = db_table,
                          .model = model_table,
                          .was = was_table,
                          .done = done_table,
                          .arg = &k};
    struct compare_pair *pairs = ARENA_ARRAY(a, struct compare_pair, names.n_models + 1);
    st_err rc = pairs ? match(a, &names) : diag_nomem();
    if (rc) {
        return rc;
    }
    const size_t *of = names.of;
    *ret = (struct compare){.a = a, .from = *db, .to = *models, .pairs = pairs};
    for (size_t i = 0; i < names.n_models; i++) {
        if (of[i] == names.n_db) {
            continue;
        }
        struct compare_pair *p = &pairs[ret->n_pairs++];
        *p = (struct compare_pair){.from = &db->seen->tables[of[i]],
                                   .to = &models->seen->tables[i],
                                   .from_stated = &db->tables[of[i]],
                                   .to_stated = &models->tables[i]};
        if (p->from->strange) {
            return diag_set(ST_E_INVALID, "the table %s cannot be compared: %s", p->from->name, p->from->strange);
        }
        rc = match_columns(a, p, h);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

st_err compare_turn(arena *a, const struct compare *c, st_ops *out, struct compare *ret)
{
    struct compare_pair *pairs = ARENA_ARRAY(a, struct compare_pair, c->n_pairs + 1);
    if (!pairs) {
        return diag_nomem();
    }
    for (size_t i = 0; i < c->n_pairs; i++) {
        const struct compare_pair *p = &c->pairs[i];
        struct sql_rename *renames = ARENA_ARRAY(a, struct sql_rename, p->n_renames + 1);
        if (!renames) {
            return diag_nomem();
        }
        for (size_t k = 0; k < p->n_renames; k++) {
            renames[k] = (struct sql_rename){p->renames[k].to, p->renames[k].from};
        }
        pairs[i] = (struct compare_pair){p->to, p->from, p->to_stated, p->from_stated, renames, p->n_renames};
    }
    *ret = (struct compare){.a = a, .from = c->to, .to = c->from, .pairs = pairs, .n_pairs = c->n_pairs, .out = out};
    return 0;
}

const struct compare_pair *compare_pair_from(const struct compare *c, const char *table)
{
    for (size_t i = 0; i < c->n_pairs; i++) {
        if (strcmp(c->pairs[i].from->name, table) == 0) {
            return &c->pairs[i];
        }
    }
    return NULL;
}

const struct compare_pair *compare_pair_to(const struct compare *c, const char *table)
{
    for (size_t i = 0; i < c->n_pairs; i++) {
        if (strcmp(c->pairs[i].to->name, table) == 0) {
            return &c->pairs[i];
        }
    }
    return NULL;
}

const char *compare_now(const struct compare_pair *p, const char *column)
{
    for (size_t i = 0; i < p->n_renames; i++) {
        if (strcmp(p->renames[i].from, column) == 0) {
            return p->renames[i].to;
        }
    }
    return column;
}

/* A column that took the name of one that was renamed away is not that one. */
const struct seen_column *compare_column_to(const struct compare_pair *p, const char *column)
{
    const char *now = compare_now(p, column);
    for (size_t i = 0; now == column && i < p->n_renames; i++) {
        if (strcmp(p->renames[i].to, column) == 0) {
            return NULL;
        }
    }
    return seen_column_of(p->to, now);
}

const struct seen_column *compare_column_from(const struct compare_pair *p, const char *column)
{
    for (size_t i = 0; i < p->n_renames; i++) {
        if (strcmp(p->renames[i].to, column) == 0) {
            return seen_column_of(p->from, p->renames[i].from);
        }
    }
    for (size_t i = 0; i < p->n_renames; i++) {
        if (strcmp(p->renames[i].from, column) == 0) {
            return NULL;
        }
    }
    return seen_column_of(p->from, column);
}

bool compare_is_shadowed(const struct compare_pair *p, const char *column)
{
    return !compare_column_to(p, column) && seen_column_of(p->from, column) && seen_column_of(p->to, column);
}

bool compare_text_is_shadowed(const struct compare_pair *p, const char *sql)
{
    for (size_t i = 0; sql && i < p->n_renames; i++) { /* a name is taken by one that was renamed */
        if (compare_is_shadowed(p, p->renames[i].to) && sql_mentions(sql, p->renames[i].to)) {
            return true;
        }
    }
    return false;
}

/* What goes and has the name that another takes steps aside. */
const char *compare_gone_column(const struct compare *c, const struct compare_pair *p, const char *column)
{
    for (size_t i = 0; i < p->n_renames; i++) {
        if (strcmp(p->renames[i].to, column) == 0) {
            return migrate_name(c->a, column, NULL, NULL, "aside");
        }
    }
    return column;
}

const char *compare_gone_table(const struct compare *c, const char *table)
{
    return compare_pair_to(c, table) ? migrate_name(c->a, table, NULL, NULL, "aside") : table;
}
