/* flush.h: one flush, and the order of its rows; private to the session. */
#ifndef STRATA_SESSION_FLUSH_H
#define STRATA_SESSION_FLUSH_H

#include "strata/session/internal.h"

/* The pending rows of one model, by what is to be done. */
struct group {
    const st_mapper *m;
    struct row **rows; /* new, then changed, then deleted; each in the order in which the caller named them */
    size_t n_new, n_edit, n_delete;
    size_t at_new, at_edit, at_delete; /* while being filled */
    bool first;                        /* its deletes come before everything else */
};

/* A foreign key that points at a row which is not there yet, in a cycle: null at first, and set by a second update. Of
 * rows that are deleted: made null before. */
struct knot {
    struct row *row;
    const st_attr *key;
    st_value value;
};
struct row_order {
    const size_t *groups; /* parents first, as far as the rows make no cycle */
    struct knot *knots;
    size_t n_knots;
};

struct plan {
    struct group *groups; /* by rank: parents first, as far as the models make no cycle */
    size_t n;
    st_time now;
    bool last;                        /* the transaction ends behind it: nothing is kept for undoing it */
    struct row_order insert, removal; /* removal runs backwards */
};

/* Fills in the groups of all that is pending. */
st_err flush_group(st_session *s, struct plan *p);
/* Finds the order of the new rows or of those deleted, and sorts them within their groups. Linear to the rows, and next
 * to nothing when their models reference neither themselves nor each other in a cycle. */
st_err flush_order(st_session *s, struct plan *p, bool deleted, struct row_order *ret);

/* Rows added and deleted again never were. */
static inline bool flush_is_void(unsigned flags)
{
    return (flags & ROW_NEW) && (flags & ROW_DELETE);
}

#endif
