/* relation.h: what a relation of a descriptor means: which columns meet; private to Strata.
 *
 * Read from descriptors alone, so that two models may name each other. Keys that meet are one column beside the tenant;
 * the tenants of related rows are always the same. */
#ifndef STRATA_MODEL_RELATION_H
#define STRATA_MODEL_RELATION_H

#include "strata/model.h"

enum st_relation_kind {
    ST_R_MANY = 1, /* one-to-many: the target's rows hold this model's key */
    ST_R_BACK,     /* one-to-one, the same with one row at most */
    ST_R_ONE,      /* many-to-one: this model's rows hold the target's key */
    ST_R_THROUGH   /* many-to-many */
};

struct st_relation {
    enum st_relation_kind kind;
    const st_attr *attr;
    const st_attr *near;    /* the column of this model that is compared: its key, or of ONE the foreign key */
    const st_attr *far;     /* the column of the target: the foreign key, or of ONE and THROUGH its key */
    const st_attr *inverse; /* the target's relation that says the same from there, or NULL */
    const st_attr *left,
        *right; /* THROUGH: the columns of the rows between that hold this model's and the target's key */
};

/* False: a is no relation, or its columns are not there or of unlike types. */
bool st_relation_read(const st_model *m, const st_attr *a, struct st_relation *ret);
/* The one key column beside the tenant, or NULL. */
const st_attr *st_model_own_key(const st_model *m);
/* The foreign key of a relation that is a column, not of THROUGH. */
static inline const st_attr *st_relation_foreign_key(const struct st_relation *r)
{
    return r->kind == ST_R_ONE ? r->near : r->far;
}
static inline bool st_relation_is_list(const struct st_relation *r)
{
    return r->kind == ST_R_MANY || r->kind == ST_R_THROUGH;
}

#endif
