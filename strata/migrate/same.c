/* Whether two things that a database prints are the same, once renames are seen through. */
#include <errno.h>

#include "strata/migrate/compare.h"
#include "strata/migrate/index_part.h"

bool same_word(const char *x, const char *y)
{
    return x == y || (x && y && strcmp(x, y) == 0);
}

bool same_text(const struct compare *c, const struct compare_pair *p, const char *x, const char *y, st_err *err)
{
    if (!x || !y) {
        return x == y;
    }
    if (compare_text_is_shadowed(p, x)) {
        return false;
    }
    if (p->n_renames == 0 && strcmp(x, y) == 0) {
        return true;
    }
    const char *mine = sql_canon(c->a, x, p->renames, p->n_renames), *theirs = sql_canon(c->a, y, NULL, 0);
    if (!mine || !theirs) {
        *err = *err ? *err : diag_nomem();
        return false;
    }
    return strcmp(mine, theirs) == 0;
}

static bool same_column(const struct compare_pair *p, const char *x, const char *y)
{
    bool down = x[0] == '-';
    return down == (y[0] == '-') && !(p->from && compare_is_shadowed(p, x + down)) &&
           strcmp(compare_now(p, x + down), y + down) == 0;
}

static bool same_columns(const struct compare_pair *p, const char *const x[static ST_KEY_MAX],
                         const char *const y[static ST_KEY_MAX])
{
    for (size_t i = 0; i < ST_KEY_MAX; i++) {
        if (!x[i] || !y[i]) {
            return x[i] == y[i];
        }
        if (!same_column(p, x[i], y[i])) {
            return false;
        }
    }
    return true;
}

/* Expressions as they print, what is said of a column word for word. */
static bool same_parts(const struct compare *c, const struct compare_pair *p, const st_table_index *x,
                       const st_table_index *y, st_err *err)
{
    for (size_t i = 0; i < ST_KEY_MAX; i++) {
        const char *m = x->columns[i], *n = y->columns[i];
        if (!m || !n) {
            return m == n;
        }
        bool down = m[0] == '-', other = n[0] == '-';
        bool same = index_is_expression(m) && index_is_expression(n)
                        ? down == other && same_text(c, p, m + down, n + other, err)
                        : same_column(p, m, n);
        if (!same || !same_word(x->how[i], y->how[i])) {
            return false;
        }
    }
    return true;
}

bool same_index(const struct compare *c, const struct compare_pair *p, const st_table_index *x, const st_table_index *y,
                st_err *err)
{
    return x->unique == y->unique && x->constraint == y->constraint && x->nulls_not_distinct == y->nulls_not_distinct &&
           same_parts(c, p, x, y, err) && same_columns(p, x->include, y->include) && same_word(x->method, y->method) &&
           same_word(x->with, y->with) && same_text(c, p, x->where, y->where, err) &&
           same_text(c, p, x->expression, y->expression, err);
}

bool same_fk(const struct compare *c, const struct compare_pair *p, const st_table_fk *x, const st_table_fk *y)
{
    if (x->on_delete != y->on_delete || x->on_update != y->on_update || !same_columns(p, x->columns, y->columns)) {
        return false;
    }
    const struct compare_pair *parent = compare_pair_from(c, x->table);
    static const struct compare_pair as_it_is = {0};
    return strcmp(parent ? parent->to->name : x->table, y->table) == 0 &&
           same_columns(parent ? parent : &as_it_is, x->to, y->to);
}

bool same_check(const struct compare *c, const struct compare_pair *p, const st_table_check *x, const st_table_check *y,
                st_err *err)
{
    return x->exclude == y->exclude && x->deferrable == y->deferrable && same_text(c, p, x->sql, y->sql, err);
}

bool same_policy(const struct compare *c, const struct compare_pair *p, const st_table_policy *x,
                 const st_table_policy *y, st_err *err)
{
    return x->restrictive == y->restrictive && same_word(x->command, y->command) && same_word(x->roles, y->roles) &&
           same_text(c, p, x->using_sql, y->using_sql, err) && same_text(c, p, x->check_sql, y->check_sql, err);
}

bool same_key(const struct compare_pair *p)
{
    return same_columns(p, p->from->pk, p->to->pk);
}

bool same_key_is_ours(arena *a, const struct compare_pair *p, st_err *err)
{
    const char *was = migrate_name(a, p->from->name, NULL, NULL, "pkey");
    const char *is = migrate_name(a, p->to->name, NULL, NULL, "pkey");
    *err = *err || (was && is) ? *err : diag_nomem();
    return was && is && same_word(p->from->pk_name, was) && same_word(p->to->pk_name, is);
}

static bool same_number(const double *x, const double *y)
{
    return x && y ? !(*x < *y) && !(*x > *y) : x == y;
}

static bool same_values(const char *const *x, const char *const *y, bool by_count)
{
    size_t i = 0;
    while (x && y && x[i] && y[i] && (by_count || strcmp(x[i], y[i]) == 0)) {
        i++;
    }
    return x && y ? !x[i] && !y[i] : x == y;
}

/* SQLite: how a column without a type is stated, which is stored as a BLOB is. */
static bool is_untyped(const st_table_column *c, enum st_dialect d)
{
    return d == ST_SQLITE && c->type == ST_TYPE_NONE && str_eq_nocase(str_of(c->type_sql), STR("BLOB"));
}

static bool same_type_sql(const st_table_column *x, const st_table_column *y, enum st_dialect d)
{
    return same_word(is_untyped(x, d) ? NULL : x->type_sql, is_untyped(y, d) ? NULL : y->type_sql);
}

/* A text with a CHECK is a text, and SQLite has one kind of integer. */
static enum st_type storage(const st_table_column *c, enum st_dialect d)
{
    enum st_type t = is_untyped(c, d) ? ST_BYTES : c->type;
    t = t != ST_ENUM || c->enum_type ? t : c->as_smallint ? ST_INT16 : ST_TEXT;
    bool integer = t == ST_TIME || t == ST_INT16 || t == ST_INT32 || t == ST_INT64;
    return d == ST_SQLITE && integer ? ST_INT64 : t;
}

bool column_moves(const struct compare *c, const struct compare_pair *p, const struct seen_column *x,
                  const struct seen_column *y, st_err *err)
{
    enum st_dialect d = c->from.seen->dialect;
    return storage(&x->c, d) != storage(&y->c, d) || !same_type_sql(&x->c, &y->c, d) ||
           !same_word(x->c.enum_type, y->c.enum_type) || !same_text(c, p, x->c.generated, y->c.generated, err);
}

static bool same_type(const st_table_column *m, const st_table_column *n, enum st_dialect d)
{
    return storage(m, d) == storage(n, d) && (m->type == ST_ENUM) == (n->type == ST_ENUM) && same_type_sql(m, n, d) &&
           same_word(m->enum_type, n->enum_type) && m->as_smallint == n->as_smallint &&
           (m->enum_type || same_values(m->values, n->values, m->as_smallint));
}

unsigned column_differs(const struct compare *c, const struct compare_pair *p, const struct seen_column *x,
                        const struct seen_column *y, st_err *err)
{
    const st_table_column *m = &x->c, *n = &y->c;
    unsigned d = 0;
    d |= same_type(m, n, c->from.seen->dialect) ? 0 : SAME_TYPE;
    d |= m->max == n->max ? 0 : SAME_MAX;
    d |= same_number(m->min_value, n->min_value) && same_number(m->max_value, n->max_value) ? 0 : SAME_RANGE;
    d |= m->nullable == n->nullable ? 0 : SAME_NULL;
    d |= same_text(c, p, x->default_text, y->default_text, err) ? 0 : SAME_DEFAULT;
    d |= same_word(m->comment, n->comment) ? 0 : SAME_COMMENT;
    d |= same_text(c, p, m->generated, n->generated, err) ? 0 : SAME_GENERATED;
    d |= m->identity == n->identity ? 0 : SAME_IDENTITY;
    return d;
}
