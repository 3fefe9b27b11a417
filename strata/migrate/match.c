/* Which table and column of a database is which of the models. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "strata/migrate/compare.h"

/* Names on both sides, for tables as for columns. */
struct names {
    size_t n_db, n_models;
    const char *(*db)(const void *arg, size_t i);
    const char *(*model)(const void *arg, size_t i);
    const char *(*was)(const void *arg, size_t i);
    const void *arg;
};

static size_t find(const struct names *k, const char *name)
{
    size_t i = 0;
    while (i < k->n_db && strcmp(k->db(k->arg, i), name) != 0) {
        i++;
    }
    return i;
}

/* of[model] is the database's or n_db. First what has a new name that is not there yet, so that a chain (b was a, c was
 * b) is one; then what has its name; a former name that another has left free comes last. */
static void match(const struct names *k, bool *taken, size_t *of)
{
    for (size_t i = 0; i < k->n_models; i++) {
        of[i] = k->n_db;
    }
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < k->n_models; i++) {
            const char *was = k->was(k->arg, i);
            bool by_name = round == 1;
            if (of[i] < k->n_db || (!by_name && !was) || (round == 0 && find(k, k->model(k->arg, i)) < k->n_db)) {
                continue;
            }
            size_t at = find(k, by_name ? k->model(k->arg, i) : was);
            if (at < k->n_db && !taken[at]) {
                taken[at] = true;
                of[i] = at;
            }
        }
    }
}

struct tables {
    const struct compare_side *db, *models;
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

struct columns {
    const struct seen_table *db, *model;
    const st_table *stated;
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

static st_err match_columns(arena *a, struct compare_pair *p)
{
    struct columns k = {p->from, p->to, p->to_stated};
    struct names names = {k.db->n_columns, k.model->n_columns, db_column, model_column, was_column, &k};
    bool *taken = ARENA_ARRAY(a, bool, names.n_db + 1);
    size_t *of = ARENA_ARRAY(a, size_t, names.n_models + 1);
    struct sql_rename *renames = ARENA_ARRAY(a, struct sql_rename, names.n_models + 1);
    if (!taken || !of || !renames) {
        return diag_nomem();
    }
    match(&names, taken, of);
    for (size_t i = 0; i < names.n_models; i++) {
        const char *now = k.model->columns[i].c.name;
        if (of[i] < names.n_db && strcmp(k.db->columns[of[i]].c.name, now) != 0) {
            renames[p->n_renames++] = (struct sql_rename){k.db->columns[of[i]].c.name, now};
        }
    }
    p->renames = renames;
    return 0;
}

st_err compare_match(arena *a, const struct compare_side *db, const struct compare_side *models, struct compare *ret)
{
    struct tables k = {db, models};
    struct names names = {db->seen->n_tables, models->seen->n_tables, db_table, model_table, was_table, &k};
    bool *taken = ARENA_ARRAY(a, bool, names.n_db + 1);
    size_t *of = ARENA_ARRAY(a, size_t, names.n_models + 1);
    struct compare_pair *pairs = ARENA_ARRAY(a, struct compare_pair, names.n_models + 1);
    if (!taken || !of || !pairs) {
        return diag_nomem();
    }
    *ret = (struct compare){.a = a, .from = *db, .to = *models, .pairs = pairs};
    match(&names, taken, of);
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
        st_err rc = match_columns(a, p);
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
