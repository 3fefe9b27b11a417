/* Constraints, indexes, policies and comments of a table that both sides have. */
#include <errno.h>

#include "strata/migrate/compare.h"
#include "strata/migrate/index_part.h"

static bool stays(const size_t *of, size_t n, size_t to)
{
    for (size_t i = 0; i < n; i++) {
        if (of[i] == to) {
            return true;
        }
    }
    return false;
}

/* Whether dropping a column takes it along. */
static bool goes_with(const struct compare_pair *p, const char *column)
{
    return !compare_column_to(p, column);
}

static bool key_goes_with(const struct compare_pair *p, const char *const columns[static ST_KEY_MAX])
{
    for (size_t i = 0; i < migrate_key_len(columns); i++) {
        if (goes_with(p, columns[i] + (columns[i][0] == '-'))) {
            return true;
        }
    }
    return false;
}

/* Whether something that stays is to be called so; then what has the name does not wait for its column to go. */
static bool name_wanted(const struct compare *c, const char *name)
{
    for (size_t i = 0; i < c->n_pairs; i++) {
        const struct compare_pair *p = &c->pairs[i];
        for (size_t k = 0; k < p->from->n_indexes; k++) {
            if (p->indexes[k] != COMPARE_GONE && strcmp(p->to->indexes[p->indexes[k]].name, name) == 0) {
                return true;
            }
        }
        for (size_t k = 0; k < p->from->n_checks; k++) {
            if (p->checks[k] != COMPARE_GONE && strcmp(p->to->checks[p->checks[k]].c.name, name) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* CHECKs of a column that steps aside for one that takes its name, and would have theirs. */
static st_err drop_fields(struct compare *c, const struct compare_pair *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->from->n_columns; i++) {
        const struct seen_column *x = &p->from->columns[i];
        bool aside = !compare_column_to(p, x->c.name) && compare_gone_column(c, p, x->c.name) != x->c.name;
        for (unsigned k = 0; !rc && aside && k < SEEN_KINDS; k++) {
            rc = x->names[k] ? st_drop_constraint(c->out, p->to->name, ST_C_CHECK, x->names[k]) : 0;
        }
    }
    return rc;
}

st_err diff_drop_keys(struct compare *c, const struct compare_pair *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->from->n_fks; i++) {
        const st_table_fk *fk = &p->from->fks[i];
        if (p->fks[i] == COMPARE_GONE) {
            rc = st_drop_constraint(c->out, p->to->name, ST_C_FK, fk->name);
        }
    }
    return rc;
}

static st_err drop_checks(struct compare *c, const struct compare_pair *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->from->n_checks; i++) {
        const struct seen_check *k = &p->from->checks[i];
        if (p->checks[i] == COMPARE_GONE && !(k->column && goes_with(p, k->column) && !name_wanted(c, k->c.name))) {
            rc = st_drop_constraint(c->out, p->to->name, k->c.exclude ? ST_C_EXCLUDE : ST_C_CHECK, k->c.name);
        }
    }
    return rc;
}

/* Whether it goes by itself when a column goes, on either database: SQLite's include nothing. */
static bool index_goes_along(const struct compare *c, const struct compare_pair *p, const st_table_index *x)
{
    return !x->where && !x->include[0] && !index_has_expression(x) && key_goes_with(p, x->columns) &&
           !name_wanted(c, x->name);
}

static st_err drop_indexes(struct compare *c, const struct compare_pair *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->from->n_indexes; i++) {
        const st_table_index *x = &p->from->indexes[i];
        if (p->indexes[i] != COMPARE_GONE || index_goes_along(c, p, x)) {
            continue;
        }
        rc = x->constraint ? st_drop_constraint(c->out, p->to->name, ST_C_UNIQUE, x->name)
                           : st_drop_index(c->out, p->to->name, x->name);
    }
    return rc;
}

static bool same_rls(const struct compare_pair *p)
{
    return p->from->rls == p->to->rls &&
           (!p->from->tenant || !p->to->tenant
                ? p->from->tenant == p->to->tenant
                : strcmp(compare_now(p, p->from->tenant), p->to->tenant) == 0 &&
                      !compare_is_shadowed(p, p->from->tenant) &&
                      !p->moved[seen_column_of(p->from, p->from->tenant) - p->from->columns]);
}

st_err diff_drop_parts(struct compare *c, const struct compare_pair *p)
{
    st_err rc = diff_drop_triggers(c, p);
    for (size_t i = 0; !rc && i < p->from->n_policies; i++) {
        if (p->policies[i] == COMPARE_GONE) {
            rc = st_drop_policy(c->out, p->to->name, p->from->policies[i].name);
        }
    }
    if (!rc && p->from->rls && !same_rls(p)) {
        rc = st_disable_rls(c->out, p->to->name);
    }
    rc = rc ? rc : drop_checks(c, p);
    rc = rc ? rc : drop_fields(c, p);
    rc = rc ? rc : drop_indexes(c, p);
    for (size_t i = 0; !rc && i < p->from->n_columns; i++) { /* computed ones that are made anew */
        const struct seen_column *x = &p->from->columns[i], *y = compare_column_to(p, x->c.name);
        if (y && p->moved[i] && x->c.generated && y->c.generated) {
            rc = st_drop_column(c->out, p->to->name, y->c.name);
        }
    }
    return rc;
}

/* Names as they are: what the models and the database print alike under one name the models' words may stand for, also
 * where the database is the side that it is made for. */
static const struct compare_pair as_it_is;

static bool check_has_words(const struct compare *c, const struct compare_pair *p, const st_table_check *k, st_err *err)
{
    bool has = c->to.models;
    for (size_t i = 0; !has && i < p->from->n_checks; i++) {
        const st_table_check *x = &p->from->checks[i].c;
        has = same_word(x->name, k->name) && same_check(c, &as_it_is, x, k, err);
    }
    return has;
}

static bool index_has_words(const struct compare *c, const struct compare_pair *p, const st_table_index *k, st_err *err)
{
    bool has = c->to.models;
    for (size_t i = 0; !has && i < p->from->n_indexes; i++) {
        const st_table_index *x = &p->from->indexes[i];
        has = same_word(x->name, k->name) && x->deferrable == k->deferrable && same_index(c, &as_it_is, x, k, err);
    }
    return has;
}

/* The check as the models state it: its condition as it was written. */
static st_err stated_check(struct compare *c, const struct compare_pair *p, const st_table_check *k,
                           st_table_check *ret)
{
    const st_table *words = c->to.models ? p->to_stated : p->from_stated;
    st_err rc = 0;
    *ret = *k;
    if (!check_has_words(c, p, k, &rc)) {
        return rc;
    }
    for (size_t i = 0; i < words->n_checks; i++) {
        if (same_word(words->checks[i].name, k->name)) {
            *ret = words->checks[i];
            return rc;
        }
    }
    for (size_t i = 0; !rc && i < words->n_columns; i++) {
        const st_table_column *column = &words->columns[i];
        const char *name = migrate_name(c->a, words->name, (const char *const[]){column->name, NULL}, NULL, "check");
        rc = name ? 0 : diag_nomem();
        if (column->check && same_word(name, k->name)) {
            ret->sql = column->check;
        }
    }
    return rc;
}

static st_err add_checks(struct compare *c, const struct compare_pair *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->to->n_checks; i++) {
        const struct seen_check *k = &p->to->checks[i];
        bool new_column = k->column && !compare_column_from(p, k->column);
        if (stays(p->checks, p->from->n_checks, i) || (new_column && seen_own_check(c->a, p->to, k->column) == k)) {
            continue;
        }
        st_table_check stated;
        rc = stated_check(c, p, &k->c, &stated);
        rc = rc ? rc : st_add_check(c->out, p->to->name, &stated);
    }
    return rc;
}

static st_err add_indexes(struct compare *c, const struct compare_pair *p)
{
    const st_table *words = c->to.models ? p->to_stated : p->from_stated;
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->to->n_indexes; i++) {
        if (stays(p->indexes, p->from->n_indexes, i)) {
            continue;
        }
        const st_table_index *x = &p->to->indexes[i];
        bool has = index_has_words(c, p, x, &rc);
        for (size_t k = 0; has && k < words->n_indexes; k++) {
            x = same_word(words->indexes[k].name, x->name) ? &words->indexes[k] : x;
        }
        rc = rc ? rc : st_create_index(c->out, p->to->name, x);
    }
    return rc;
}

st_err diff_add_parts(struct compare *c, const struct compare_pair *p)
{
    st_err rc = add_checks(c, p);
    rc = rc ? rc : add_indexes(c, p);
    if (!rc && p->to->rls && !same_rls(p)) {
        rc = st_enable_rls(c->out, p->to->name, p->to->tenant);
    }
    for (size_t i = 0; !rc && i < p->to->n_policies; i++) {
        if (!stays(p->policies, p->from->n_policies, i)) {
            const st_table_policy *x = &p->to->policies[i];
            for (size_t k = 0; k < p->to_stated->n_policies; k++) {
                x = same_word(p->to_stated->policies[k].name, x->name) ? &p->to_stated->policies[k] : x;
            }
            rc = st_create_policy(c->out, p->to->name, x);
        }
    }
    rc = rc ? rc : diff_add_triggers(c, p);
    if (!rc && !same_word(p->from->comment, p->to->comment)) {
        rc = st_set_comment(c->out, p->to->name, NULL, p->to->comment);
    }
    return rc;
}

st_err diff_add_keys(struct compare *c, const struct compare_pair *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->to->n_fks; i++) {
        if (!stays(p->fks, p->from->n_fks, i)) {
            rc = st_add_fk(c->out, p->to->name, &p->to->fks[i]);
        }
    }
    return rc;
}
