/* What a target on the command line means, given what is applied. */
#include <assert.h>
#include <errno.h>

#include "base/str.h"
#include "strata/migrate/private.h"

/* "+3" or "-3" with that sign. */
static bool relative(const char *target, char sign, uint64_t *ret)
{
    return target[0] == sign && str_to_u64(str_of(target + 1), UINT32_MAX, ret) && *ret > 0;
}

static void mark_ancestors(const struct migrate_graph *g, bool *marked)
{
    for (size_t i = g->n; i-- > 0;) {
        for (size_t k = 0; marked[i] && k < g->nodes[i].n_parents; k++) {
            marked[g->nodes[i].parents[k]] = true;
        }
    }
}

static bool parents_done(const struct migrate_node *node, const bool *done)
{
    for (size_t k = 0; k < node->n_parents; k++) {
        if (!done[node->parents[k]]) {
            return false;
        }
    }
    return true;
}

static st_err ambiguous(const struct migrate_graph *g, const char *target, size_t a, size_t b)
{
    diag_set(ST_E_INVALID, "%s is ambiguous: the next revision could be %s or %s", target, g->nodes[a].rev->id,
             g->nodes[b].rev->id);
    diag_hint("name the revision instead");
    return ST_E_INVALID;
}

/* Adds the next n revisions to what is done, one at a time, as long as there is just one that can be next. */
static st_err next_n(const struct migrate_graph *g, const char *target, uint64_t n, bool *done)
{
    for (uint64_t step = 0; step < n; step++) {
        size_t next = g->n;
        for (size_t i = 0; i < g->n; i++) {
            if (!done[i] && parents_done(&g->nodes[i], done)) {
                if (next < g->n) {
                    return ambiguous(g, target, next, i);
                }
                next = i;
            }
        }
        if (next == g->n) {
            return diag_set(ST_E_INVALID, "%s goes too far: %d revisions are left", target, (int)step);
        }
        done[next] = true;
    }
    return 0;
}

st_err migrate_resolve_upgrade(const struct migrate_graph *g, const char *target, const bool *applied, bool *ret_wanted)
{
    memset(ret_wanted, 0, g->n * sizeof *ret_wanted);
    uint64_t steps;
    if (relative(target, '+', &steps)) {
        memcpy(ret_wanted, applied, g->n * sizeof *ret_wanted);
        return next_n(g, target, steps, ret_wanted);
    }
    bool heads = strcmp(target, "heads") == 0;
    if (heads || strcmp(target, "head") == 0) {
        if (!heads && g->n_heads > 1) {
            diag_set(ST_E_INVALID, "there are %zu heads, so head is ambiguous", g->n_heads);
            diag_hint("upgrade to heads for all of them, or name one; the command heads lists them");
            return ST_E_INVALID;
        }
        memset(ret_wanted, 1, g->n * sizeof *ret_wanted);
        return 0;
    }
    if (target[0] == '-' || strcmp(target, "base") == 0) {
        diag_set(ST_E_INVALID, "upgrade goes forward: %s is a target for downgrade", target);
        return ST_E_INVALID;
    }
    size_t at;
    st_err rc = migrate_find(g, target, &at);
    if (!rc) {
        ret_wanted[at] = true;
        mark_ancestors(g, ret_wanted);
    }
    return rc;
}

/* The last n, one at a time, as long as there is just one applied revision without an applied child. children: of each
 * revision, how many applied ones are left. */
static st_err last_n(const struct migrate_graph *g, const char *target, uint64_t n, const bool *applied,
                     size_t *children, bool *undo)
{
    for (size_t i = 0; i < g->n; i++) {
        for (size_t k = 0; applied[i] && k < g->nodes[i].n_parents; k++) {
            children[g->nodes[i].parents[k]]++;
        }
    }
    for (uint64_t step = 0; step < n; step++) {
        size_t last = g->n;
        for (size_t i = 0; i < g->n; i++) {
            if (applied[i] && !undo[i] && children[i] == 0) {
                if (last < g->n) {
                    return ambiguous(g, target, last, i);
                }
                last = i;
            }
        }
        if (last == g->n) {
            return diag_set(ST_E_INVALID, "%s goes too far: %d revisions are applied", target, (int)step);
        }
        undo[last] = true;
        assert(children[last] == 0);
        for (size_t k = 0; k < g->nodes[last].n_parents; k++) {
            assert(children[g->nodes[last].parents[k]] > 0);
            children[g->nodes[last].parents[k]]--;
        }
    }
    return 0;
}

st_err migrate_resolve_downgrade(arena *a, const struct migrate_graph *g, const char *target, const bool *applied,
                                 bool *ret_undo)
{
    memset(ret_undo, 0, g->n * sizeof *ret_undo);
    uint64_t steps;
    if (relative(target, '-', &steps)) {
        size_t *children = ARENA_ARRAY(a, size_t, g->n);
        return children ? last_n(g, target, steps, applied, children, ret_undo) : diag_nomem();
    }
    if (strcmp(target, "base") == 0) {
        memcpy(ret_undo, applied, g->n * sizeof *ret_undo);
        return 0;
    }
    if (target[0] == '+' || strcmp(target, "head") == 0 || strcmp(target, "heads") == 0) {
        return diag_set(ST_E_INVALID, "downgrade goes back: %s is a target for upgrade", target);
    }
    size_t at;
    st_err rc = migrate_find(g, target, &at);
    if (rc) {
        return rc;
    }
    if (!applied[at]) {
        return diag_set(ST_E_INVALID, "revision %s is not applied, so there is no way back to it",
                        g->nodes[at].rev->id);
    }
    for (size_t i = at + 1; i < g->n; i++) { /* descendants: a parent is the target or goes too */
        for (size_t k = 0; k < g->nodes[i].n_parents; k++) {
            size_t p = g->nodes[i].parents[k];
            ret_undo[i] = ret_undo[i] || (applied[i] && (p == at || ret_undo[p]));
        }
    }
    return 0;
}
