/* relations.h: loading related rows and keeping both sides of a relation in step; private to the session. */
#ifndef STRATA_SESSION_RELATIONS_H
#define STRATA_SESSION_RELATIONS_H

#include "strata/session/keys.h"

/* Loads along a plan from n objects of m, which must differ and were selected with it: what the select joined is there,
 * and only what is to be loaded behind that is loaded here. */
st_err relations_load(st_session *s, const st_mapper *m, const void *const *objs, size_t n, const struct st_load *plan);

/* The relation of m that a plan names. ST_E_INVALID: there is none. */
st_err relations_find(const st_mapper *m, const struct st_load *plan, const struct st_relation **ret);

/* Of one plan's step. */
struct relation_step {
    st_session *s;
    const struct st_load *plan;
    const struct st_relation *rel;
    const st_mapper *m, *target;
    unsigned depth;
};

/* One chunk of a step; ret gets the related rows found, for the plan's next. */
st_err relations_load_through(const struct relation_step *step, const void *const *objs, size_t n, st_rows *ret);

static inline st_list *relation_list(const struct st_relation *r, const void *obj)
{
    return (st_list *)((uintptr_t)obj + r->attr->offset); /* relations are the session's to write */
}
static inline st_ref *relation_ref(const st_attr *a, const void *obj)
{
    return (st_ref *)((uintptr_t)obj + a->offset);
}

#endif
