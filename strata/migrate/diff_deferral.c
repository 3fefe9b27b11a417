/* When constraints are checked that stay otherwise. */
#include <errno.h>

#include "strata/migrate/compare.h"

static st_err primary_key(struct compare *c, const struct compare_pair *p)
{
    bool stays = same_key(p); /* one that was made anew is not deferrable yet */
    enum st_deferral was = stays ? p->from->key_deferrable : ST_NOT_DEFERRABLE, is = p->to->key_deferrable;
    if (was == is) {
        return 0;
    }
    st_err rc = 0;
    const char *name = !stays || same_key_is_ours(c->a, p, &rc) ? p->to->pk_name : p->from->pk_name;
    const char *columns[ST_KEY_MAX + 1] = {NULL};
    memcpy(columns, p->to->pk, sizeof p->to->pk);
    return rc ? rc : st_defer_primary_key(c->out, p->to->name, name, columns, was, is);
}

st_err diff_defer_keys(struct compare *c, const struct compare_pair *p)
{
    st_err rc = primary_key(c, p);
    for (size_t i = 0; !rc && i < p->from->n_indexes; i++) {
        const st_table_index *x = &p->from->indexes[i];
        if (p->indexes[i] != COMPARE_GONE && p->to->indexes[p->indexes[i]].deferrable != x->deferrable) {
            st_table_index y = p->to->indexes[p->indexes[i]];
            enum st_deferral is = y.deferrable;
            y.deferrable = x->deferrable;
            rc = st_defer_unique(c->out, p->to->name, &y, is);
        }
    }
    return rc;
}

st_err diff_defer_fks(struct compare *c, const struct compare_pair *p)
{
    st_err rc = 0;
    for (size_t i = 0; !rc && i < p->from->n_fks; i++) {
        const st_table_fk *x = &p->from->fks[i];
        if (p->fks[i] != COMPARE_GONE && p->to->fks[p->fks[i]].deferrable != x->deferrable) {
            const st_table_fk *y = &p->to->fks[p->fks[i]];
            rc = st_defer_fk(c->out, p->to->name, y->name, x->deferrable, y->deferrable);
        }
    }
    return rc;
}
