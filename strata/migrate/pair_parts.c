/* Which constraint, index and policy of a table stays, and as which: the one of the same name if it says the same, else
 * one that says the same. What depends on a column whose storage changes does not stay. */
#include <errno.h>

#include "strata/migrate/compare.h"
#include "strata/migrate/index_part.h"

static st_err find_moved(struct compare *c, struct compare_pair *p)
{
    bool *moved = ARENA_ARRAY(c->a, bool, p->from->n_columns + 1);
    st_err rc = moved ? 0 : diag_nomem();
    for (size_t i = 0; !rc && i < p->from->n_columns; i++) {
        const struct seen_column *x = &p->from->columns[i], *y = compare_column_to(p, x->c.name);
        moved[i] = y && column_moves(c, p, x, y, &rc);
    }
    p->moved = moved;
    for (size_t i = 0; !rc && i < p->from->n_columns; i++) { /* computed from one that moves */
        const char *sql = p->from->columns[i].c.generated;
        for (size_t k = 0; sql && k < p->from->n_columns; k++) {
            bool plain = !p->from->columns[k].c.generated;
            moved[i] |= plain && moved[k] && sql_mentions(sql, p->from->columns[k].c.name);
        }
    }
    return rc;
}

static bool moves(const struct compare_pair *p, const char *column)
{
    for (size_t i = 0; i < p->from->n_columns; i++) {
        if (p->moved[i] && strcmp(p->from->columns[i].c.name, column) == 0) {
            return true;
        }
    }
    return false;
}

static bool key_moves(const struct compare_pair *p, const char *const columns[static ST_KEY_MAX])
{
    for (size_t i = 0; i < migrate_key_len(columns); i++) {
        if (moves(p, columns[i] + (columns[i][0] == '-'))) {
            return true;
        }
    }
    return false;
}

static bool text_moves(const struct compare_pair *p, const char *sql)
{
    for (size_t i = 0; sql && i < p->from->n_columns; i++) {
        if (p->moved[i] && sql_mentions(sql, p->from->columns[i].c.name)) {
            return true;
        }
    }
    return false;
}

enum part { PART_INDEX, PART_FK, PART_CHECK, PART_POLICY };

static size_t count(const struct seen_table *t, enum part part)
{
    return part == PART_INDEX   ? t->n_indexes
           : part == PART_FK    ? t->n_fks
           : part == PART_CHECK ? t->n_checks
                                : t->n_policies;
}

static const char *name(const struct seen_table *t, enum part part, size_t i)
{
    return part == PART_INDEX   ? t->indexes[i].name
           : part == PART_FK    ? t->fks[i].name
           : part == PART_CHECK ? t->checks[i].c.name
                                : t->policies[i].name;
}

static bool same(const struct compare *c, const struct compare_pair *p, enum part part, size_t x, size_t y, st_err *err)
{
    const struct seen_table *f = p->from, *t = p->to;
    switch (part) {
    case PART_INDEX:
        return same_index(c, p, &f->indexes[x], &t->indexes[y], err);
    case PART_FK:
        return same_fk(c, p, &f->fks[x], &t->fks[y]);
    case PART_CHECK:
        return same_check(c, p, &f->checks[x].c, &t->checks[y].c, err);
    case PART_POLICY: /* they have no RENAME among the operations */
        return same_word(f->policies[x].name, t->policies[y].name) &&
               same_policy(c, p, &f->policies[x], &t->policies[y], err);
    }
    return false;
}

static bool names_column(const char *const columns[static ST_KEY_MAX], const char *name)
{
    for (size_t i = 0; i < migrate_key_len(columns); i++) {
        if (strcmp(columns[i] + (columns[i][0] == '-'), name) == 0) {
            return true;
        }
    }
    return false;
}

/* An index of plain columns follows their types by itself, unless a column is dropped and added again. */
static bool index_moves(const struct compare_pair *p, const st_table_index *x)
{
    bool special = x->where || index_has_expression(x), moves = false;
    for (size_t i = 0; i < migrate_key_len(x->columns); i++) {
        special |= x->how[i] && x->how[i][0];
        moves |= index_is_expression(x->columns[i]) && text_moves(p, x->columns[i]);
    }
    for (size_t i = 0; i < p->from->n_columns; i++) {
        const st_table_column *from = &p->from->columns[i].c;
        const struct seen_column *to = compare_column_to(p, from->name);
        moves |= to && p->moved[i] && (from->generated || to->c.generated) &&
                 (names_column(x->columns, from->name) || names_column(x->include, from->name));
    }
    return moves || (special && (key_moves(p, x->columns) || text_moves(p, x->where) || text_moves(p, x->expression)));
}

static bool part_moves(const struct compare_pair *p, enum part part, size_t i)
{
    const struct seen_table *f = p->from;
    switch (part) {
    case PART_INDEX:
        return index_moves(p, &f->indexes[i]);
    case PART_FK:
        return key_moves(p, f->fks[i].columns);
    case PART_CHECK:
        return text_moves(p, f->checks[i].c.sql);
    case PART_POLICY:
        return text_moves(p, f->policies[i].using_sql) || text_moves(p, f->policies[i].check_sql);
    }
    return false;
}

static st_err match(struct compare *c, const struct compare_pair *p, enum part part, const size_t **ret)
{
    size_t n = count(p->from, part), m = count(p->to, part);
    size_t *to = ARENA_ARRAY(c->a, size_t, n + 1);
    bool *taken = ARENA_ARRAY(c->a, bool, m + 1);
    st_err rc = to && taken ? 0 : diag_nomem();
    for (size_t i = 0; !rc && i < n; i++) {
        to[i] = COMPARE_GONE;
    }
    for (unsigned by_name = 2; !rc && by_name-- > 0;) {
        for (size_t i = 0; i < n; i++) {
            for (size_t k = 0; k < m && to[i] == COMPARE_GONE; k++) {
                if (!taken[k] && (!by_name || same_word(name(p->from, part, i), name(p->to, part, k))) &&
                    same(c, p, part, i, k, &rc)) {
                    taken[k] = true;
                    to[i] = k;
                }
            }
        }
    }
    for (size_t i = 0; !rc && i < n; i++) {
        to[i] = part_moves(p, part, i) ? COMPARE_GONE : to[i];
    }
    *ret = to;
    return rc;
}

/* Whether the key that a foreign key points at goes, if only to come again. */
static bool target_goes(const struct compare_pair *parent, const st_table_fk *fk)
{
    bool key_goes = !same_key(parent) || parent->from->key_deferrable != parent->to->key_deferrable;
    if (key_moves(parent, fk->to) || (key_goes && migrate_same_set(parent->from->pk, fk->to))) {
        return true;
    }
    for (size_t i = 0; i < parent->from->n_indexes; i++) {
        const st_table_index *x = &parent->from->indexes[i];
        size_t to = parent->indexes[i];
        bool goes = to == COMPARE_GONE || parent->to->indexes[to].deferrable != x->deferrable;
        if (goes && x->unique && migrate_same_set(x->columns, fk->to)) {
            return true;
        }
    }
    return false;
}

st_err compare_parts(struct compare *c, struct compare_pair *pairs)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < c->n_pairs; i++) {
        struct compare_pair *p = &pairs[i];
        rc = find_moved(c, p);
        rc = rc ? rc : match(c, p, PART_INDEX, &p->indexes);
        rc = rc ? rc : match(c, p, PART_FK, &p->fks);
        rc = rc ? rc : match(c, p, PART_CHECK, &p->checks);
        rc = rc ? rc : match(c, p, PART_POLICY, &p->policies);
    }
    for (size_t i = 0; !rc && i < c->n_pairs; i++) {
        struct compare_pair *p = &pairs[i];
        size_t *fks = ARENA_ARRAY(c->a, size_t, p->from->n_fks + 1);
        rc = fks ? 0 : diag_nomem();
        for (size_t k = 0; !rc && k < p->from->n_fks; k++) {
            const struct compare_pair *parent = compare_pair_from(c, p->from->fks[k].table);
            fks[k] = parent && target_goes(parent, &p->from->fks[k]) ? COMPARE_GONE : p->fks[k];
        }
        p->fks = fks;
    }
    return rc;
}
