/* Names of constraints and indexes that stay. */
#include <errno.h>

#include "strata/migrate/compare.h"

static st_err add(struct compare *c, const struct compare_pair *p, struct rename_list *l, enum st_constraint kind,
                  const char *from, const char *to)
{
    if (!from || !to || strcmp(from, to) == 0) {
        return 0;
    }
    bool of_table = kind == ST_C_CHECK || kind == ST_C_FK;
    return rename_add(c->a, l,
                      (struct rename_item){.kind = kind ? RENAME_CONSTRAINT : RENAME_INDEX,
                                           .constraint = kind,
                                           .table = p->to->name,
                                           .scope = of_table ? p->to->name : NULL,
                                           .from = from,
                                           .to = to});
}

/* What alters a column goes by derived names. So a CHECK that changes is called so before, and as to has it after. */
static st_err fields(struct compare *c, const struct compare_pair *p, const struct seen_column *x,
                     const struct seen_column *y, bool after, struct rename_list *l)
{
    st_err rc = 0;
    unsigned differs = column_differs(c, p, x, y, &rc);
    for (unsigned k = 0; !rc && k < SEEN_KINDS; k++) {
        unsigned part = k == SEEN_MAX ? SAME_MAX | SAME_TYPE : k == SEEN_RANGE ? SAME_RANGE | SAME_TYPE : SAME_TYPE;
        const char *derived =
            migrate_name(c->a, p->to->name, (const char *const[]){y->c.name, NULL}, NULL, seen_suffixes[k]);
        bool changes = differs & part || !x->names[k] || !y->names[k];
        if (!derived) {
            rc = diag_nomem();
        } else if (!after && (changes || !x->unnamed[k])) {
            rc = add(c, p, l, ST_C_CHECK, x->names[k], changes ? derived : y->names[k]);
        } else if (after && changes && !y->unnamed[k]) {
            rc = add(c, p, l, ST_C_CHECK, derived, y->names[k]);
        }
    }
    return rc;
}

static st_err parts(struct compare *c, const struct compare_pair *p, struct rename_list *l)
{
    const struct seen_table *f = p->from, *t = p->to;
    st_err rc = 0;
    for (size_t i = 0; !rc && i < f->n_indexes; i++) {
        if (p->indexes[i] != COMPARE_GONE) {
            rc = add(c, p, l, f->indexes[i].constraint ? ST_C_UNIQUE : (enum st_constraint)0, f->indexes[i].name,
                     t->indexes[p->indexes[i]].name);
        }
    }
    for (size_t i = 0; !rc && i < f->n_fks; i++) {
        if (p->fks[i] != COMPARE_GONE) {
            rc = add(c, p, l, ST_C_FK, f->fks[i].name, t->fks[p->fks[i]].name);
        }
    }
    for (size_t i = 0; !rc && i < f->n_checks; i++) {
        if (p->checks[i] != COMPARE_GONE) {
            const struct seen_check *y = &t->checks[p->checks[i]];
            rc = add(c, p, l, f->checks[i].c.exclude ? ST_C_EXCLUDE : ST_C_CHECK, f->checks[i].c.name, y->c.name);
        }
    }
    return rc;
}

/* The name of the key: a new one has the derived name on PostgreSQL, and the old one's on SQLite. */
static st_err key(struct compare *c, const struct compare_pair *p, bool after, struct rename_list *l)
{
    const char *derived = migrate_name(c->a, p->to->name, NULL, NULL, "pkey");
    if (!derived) {
        return diag_nomem();
    }
    const char *from = p->from->pk_name, *to = p->to->pk_name;
    if (same_key(p)) { /* models have no name for it: one that somebody gave it stays */
        st_err rc = 0;
        bool ours = same_key_is_ours(c->a, p, &rc);
        return rc || after || !ours ? rc : add(c, p, l, ST_C_PRIMARY_KEY, from, to);
    }
    return after ? add(c, p, l, ST_C_PRIMARY_KEY, derived, to) : add(c, p, l, ST_C_PRIMARY_KEY, from, derived);
}

st_err diff_names(struct compare *c, const struct compare_pair *p, bool after, struct rename_list *l)
{
    st_err rc = key(c, p, after, l);
    rc = rc || after ? rc : parts(c, p, l);
    for (size_t i = 0; !rc && i < p->from->n_columns; i++) {
        const struct seen_column *x = &p->from->columns[i], *y = compare_column_to(p, x->c.name);
        rc = y ? fields(c, p, x, y, after, l) : 0;
    }
    return rc;
}
