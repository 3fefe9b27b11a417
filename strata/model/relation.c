#include "strata/model/relation.h"

#include <string.h>

const st_attr *st_model_own_key(const st_model *m)
{
    const st_attr *key = NULL;
    for (size_t i = 0; i < m->n_attrs; i++) {
        const st_attr *a = &m->attrs[i];
        if (a->kind == ST_A_COLUMN && a->pk && !a->tenant) {
            if (key) {
                return NULL;
            }
            key = a;
        }
    }
    return key;
}

static const st_attr *column(const st_model *m, const char *name)
{
    const st_attr *a = st_model_attr(m, name);
    return a && a->kind == ST_A_COLUMN ? a : NULL;
}

/* Of a ONE: its foreign key when that is a member here, else NULL. Both models may have a member of that name; then the
 * one that says what it references decides. */
static const st_attr *key_here(const st_model *m, const st_attr *a)
{
    const st_attr *here = a->kind == ST_A_ONE ? column(m, a->via) : NULL;
    const st_attr *there = here ? column(a->target, a->via) : NULL;
    bool back = there && m != a->target && there->references == m && here->references != a->target;
    return back ? NULL : here;
}

static bool is_relation(const st_attr *a)
{
    return (a->kind == ST_A_MANY || a->kind == ST_A_ONE) && a->target && a->via;
}

static const st_attr *find_inverse(const st_model *m, const struct st_relation *r)
{
    const st_model *target = r->attr->target;
    for (size_t i = 0; i < target->n_attrs; i++) {
        const st_attr *b = &target->attrs[i];
        if (b == r->attr || !is_relation(b) || b->target != m || b->through != r->attr->through) {
            continue;
        }
        bool same = strcmp(b->via, r->attr->through ? r->attr->far_via : r->attr->via) == 0;
        if (r->attr->through) {
            same = same && b->far_via && strcmp(b->far_via, r->attr->via) == 0;
        } else { /* one of the two sides has the key, and the other has not */
            same = same && (r->kind == ST_R_ONE) == (key_here(target, b) == NULL);
        }
        if (same) {
            return b;
        }
    }
    return NULL;
}

bool st_relation_read(const st_model *m, const st_attr *a, struct st_relation *ret)
{
    if (!is_relation(a)) {
        return false;
    }
    struct st_relation r = {.attr = a};
    const st_attr *here = key_here(m, a);
    if (a->through) {
        r.kind = ST_R_THROUGH;
        r.near = st_model_own_key(m);
        r.far = st_model_own_key(a->target);
        r.left = column(a->through, a->via);
        r.right = a->far_via ? column(a->through, a->far_via) : NULL;
        if (!r.near || !r.far || !r.left || !r.right || st_attr_type(r.left) != st_attr_type(r.near) ||
            st_attr_type(r.right) != st_attr_type(r.far)) {
            return false;
        }
    } else {
        r.kind = here ? ST_R_ONE : a->kind == ST_A_ONE ? ST_R_BACK : ST_R_MANY;
        r.near = here ? here : st_model_own_key(m);
        r.far = here ? st_model_own_key(a->target) : column(a->target, a->via);
        if (!r.near || !r.far || st_attr_type(r.near) != st_attr_type(r.far)) {
            return false;
        }
    }
    r.inverse = find_inverse(m, &r);
    *ret = r;
    return true;
}
