/* Many-to-many: two queries, one for the rows between and one for the targets; both go through the identity map. */
#include <errno.h>
#include <string.h>

#include "strata/model/value.h"
#include "strata/session/relations.h"

struct links {
    struct keys left;  /* the objects */
    struct keys right; /* the rows between, by the target's key */
    const void **between;
    size_t n;
    uint32_t *next; /* the next row between with the same target, + 1 */
};

static st_err load_between(const struct relation_step *step, const st_mapper *between, struct links *l)
{
    st_session *s = step->s;
    const struct st_relation *r = step->rel;
    st_err rc = keys_select(&l->left, s, between, r->left, NULL);
    if (rc) {
        return rc;
    }
    l->n = s->n_found;
    l->between = ARENA_ARRAY(s->scratch, const void *, l->n);
    l->next = ARENA_ARRAY(s->scratch, uint32_t, l->n);
    if (!l->between || !l->next) {
        return diag_nomem();
    }
    for (size_t i = 0; i < l->n; i++) {
        l->between[i] = s->found[i];
    }
    rc = keys_read(&l->right, s, between, r->right, l->between, l->n);
    for (uint32_t i = (uint32_t)l->n; i-- > 0 && !rc;) { /* chains from the first one of a key */
        uint32_t first = l->right.first[i];
        if (first != i && first != KEYS_NONE) {
            l->next[i] = l->next[first];
            l->next[first] = i + 1;
        }
    }
    return rc;
}

/* The targets of all rows between, in the list's order. */
static st_err load_targets(const struct relation_step *step, const struct links *l, const void ***ret, size_t *ret_n)
{
    st_session *s = step->s;
    size_t total = l->right.n_list, n = 0;
    if (step->plan->order && total > ST_IN_MAX) {
        return diag_set(ST_E_INVALID,
                        "%s.%s: a loader with .order found %zu rows; %d are ordered at most: select less at once",
                        step->m->model->name, step->rel->attr->name, total, ST_IN_MAX);
    }
    const void **targets = ARENA_ARRAY(s->scratch, const void *, total);
    if (!targets) {
        return diag_nomem();
    }
    size_t size = st_value_plain_size(st_attr_type(step->rel->right));
    size_t step_of = step->plan->order ? ST_IN_MAX : keys_chunk(s, step->rel->far);
    for (size_t from = 0; from < total; from += step_of) {
        struct keys part = l->right;
        part.list = (char *)l->right.list + from * size;
        part.n_list = (uint32_t)(total - from < step_of ? total - from : step_of);
        st_err rc = keys_select(&part, s, step->target, step->rel->far, step->plan);
        if (rc) {
            return rc;
        }
        for (size_t i = 0; i < s->n_found && n < total; i++) {
            targets[n++] = s->found[i];
        }
    }
    *ret = targets;
    *ret_n = n;
    return step->plan->order ? 0 : keys_sort(s, step->target, targets, n);
}

/* Which object a row between belongs to. */
static uint32_t owner_of(const struct relation_step *step, const st_mapper *between, const struct links *l, uint32_t i)
{
    return keys_find(&l->left, step->rel->left, between->tenant, l->between[i]);
}

static st_err put_lists(const struct relation_step *step, const st_mapper *between, const struct links *l,
                        const void *const *targets, size_t n_targets)
{
    st_session *s = step->s;
    const void **items = arena_alloc(s->arena, l->n * sizeof *items);
    uint32_t *start = ARENA_ARRAY(s->scratch, uint32_t, l->left.n + 2);
    if (!items || !start) {
        return diag_nomem();
    }
    for (int put = 0; put < 2; put++) { /* counts, then puts */
        for (size_t t = 0; t < n_targets; t++) {
            uint32_t i = keys_find(&l->right, step->rel->far, step->target->tenant, targets[t]);
            for (; i != KEYS_NONE; i = l->next[i] ? l->next[i] - 1 : KEYS_NONE) {
                uint32_t owner = owner_of(step, between, l, i);
                if (owner == KEYS_NONE) {
                    continue;
                }
                if (put) {
                    items[start[owner + 1]++] = targets[t];
                } else {
                    start[owner + 2]++;
                }
            }
            row_of(targets[t])->flags |= ROW_LISTED;
        }
        for (size_t i = 2; !put && i < l->left.n + 2; i++) {
            start[i] += start[i - 1];
        }
    }
    for (uint32_t i = 0; i < l->left.n; i++) {
        if (l->left.first[i] == i) {
            *relation_list(step->rel, l->left.objs[i]) =
                (st_list){.items = items + start[i], .n = start[i + 1] - start[i], .loaded = true};
        }
    }
    return 0;
}

st_err relations_load_through(const struct relation_step *step, const void *const *objs, size_t n, st_rows *ret)
{
    const st_mapper *between;
    struct links l = {.n = 0};
    const void **targets = NULL;
    size_t n_targets = 0;
    st_err rc = session_mapper(step->s, step->rel->attr->through, &between);
    rc = rc ? rc : keys_read(&l.left, step->s, step->m, step->rel->near, objs, n);
    rc = rc ? rc : load_between(step, between, &l);
    rc = rc ? rc : load_targets(step, &l, &targets, &n_targets);
    rc = rc ? rc : put_lists(step, between, &l, targets, n_targets);
    if (!rc) {
        *ret = (st_rows){.items = targets, .n = n_targets};
    }
    return rc;
}
