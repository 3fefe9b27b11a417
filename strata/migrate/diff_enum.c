/* Enum types: made before columns use them, dropped after. A type that loses values, or has them in another order, is
 * made anew, with its columns as text meanwhile. */
#include <errno.h>

#include "strata/migrate/compare.h"

static const st_enum_type *find(const struct compare_side *s, const char *name)
{
    for (size_t i = 0; i < s->n_enums; i++) {
        if (strcmp(s->enums[i].name, name) == 0) {
            return &s->enums[i];
        }
    }
    return NULL;
}

static bool has(const char *const *values, const char *value)
{
    while (*values && strcmp(*values, value) != 0) {
        values++;
    }
    return *values;
}

/* Whether all of x are in y, in that order. */
static bool is_part(const char *const *x, const char *const *y)
{
    for (; *x && *y; y++) {
        x += strcmp(*x, *y) == 0;
    }
    return !*x;
}

static st_err add_values(struct compare *c, const st_enum_type *x, const st_enum_type *y)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && y->values[i]; i++) {
        if (has(x->values, y->values[i])) {
            continue;
        }
        size_t next = i + 1;
        while (y->values[next] && !has(x->values, y->values[next])) {
            next++;
        }
        rc = st_add_enum_value(c->out, y->name, y->values[i], y->values[next]);
    }
    return rc;
}

/* Columns of that type in tables that stay, as text with their new values (out), or back. */
static st_err through_text(struct compare *c, const st_enum_type *x, const st_enum_type *y, bool back)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < c->n_pairs; i++) {
        const struct compare_pair *p = &c->pairs[i];
        for (size_t k = 0; !rc && k < p->to->n_columns; k++) {
            const struct seen_column *now = &p->to->columns[k], *was = compare_column_from(p, now->c.name);
            const st_table_column *stated = migrate_column(p->to_stated, now->c.name);
            const st_table_column *old = was ? migrate_column(p->from_stated, was->c.name) : NULL;
            if (!old || !stated || !same_word(old->enum_type, y->name) || !same_word(stated->enum_type, y->name)) {
                continue;
            }
            st_table_column typed = *stated, text = *stated;
            typed.check = text.check = NULL;
            text.enum_type = NULL;
            if (!back) {
                typed.values = x->values;
                typed.default_sql = old->default_sql;
            }
            rc = back ? st_alter_column(c->out, p->to->name, &text, &typed, NULL)
                      : st_alter_column(c->out, p->to->name, &typed, &text, NULL);
        }
    }
    return rc;
}

bool diff_enum_anew(const st_table_column *x, const st_table_column *y)
{
    return x->enum_type && same_word(x->enum_type, y->enum_type) && !is_part(x->values, y->values);
}

bool diff_enum_leaves(const struct compare *c, const struct compare_pair *p, const struct seen_column *was)
{
    const st_table_column *old = migrate_column(p->from_stated, was->c.name);
    const char *type = old ? old->enum_type : NULL;
    const st_enum_type *x = type ? find(&c->from, type) : NULL, *y = type ? find(&c->to, type) : NULL;
    const struct seen_column *now = compare_column_to(p, was->c.name);
    const st_table_column *stated = now ? migrate_column(p->to_stated, now->c.name) : NULL;
    return x && y && !is_part(x->values, y->values) && !(stated && same_word(stated->enum_type, type));
}

/* Columns that have the type no more. */
static st_err leave(struct compare *c, const st_enum_type *x)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < c->n_pairs; i++) {
        const struct compare_pair *p = &c->pairs[i];
        for (size_t k = 0; !rc && k < p->from->n_columns; k++) {
            const st_table_column *old = migrate_column(p->from_stated, p->from->columns[k].c.name);
            if (old && same_word(old->enum_type, x->name) && diff_enum_leaves(c, p, &p->from->columns[k])) {
                rc = diff_column(c, p, &p->from->columns[k]);
            }
        }
    }
    return rc;
}

static st_err change(struct compare *c, const st_enum_type *x, const st_enum_type *y)
{
    if (is_part(x->values, y->values)) {
        return add_values(c, x, y);
    }
    st_err rc = leave(c, x);
    rc = rc ? rc : through_text(c, x, y, false);
    rc = rc ? rc : st_drop_enum(c->out, x->name);
    rc = rc ? rc : st_create_enum(c->out, y);
    return rc ? rc : through_text(c, x, y, true);
}

st_err diff_enums_before(struct compare *c)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < c->to.n_enums; i++) {
        rc = find(&c->from, c->to.enums[i].name) ? 0 : st_create_enum(c->out, &c->to.enums[i]);
    }
    for (size_t i = 0; !rc && i < c->to.n_enums; i++) {
        const st_enum_type *y = &c->to.enums[i], *x = find(&c->from, y->name);
        bool same = !x || (is_part(x->values, y->values) && is_part(y->values, x->values));
        rc = same ? 0 : change(c, x, y);
    }
    return rc;
}

st_err diff_enums_after(struct compare *c)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < c->from.n_enums; i++) {
        if (!find(&c->to, c->from.enums[i].name)) {
            rc = st_drop_enum(c->out, c->from.enums[i].name);
        }
    }
    return rc;
}
