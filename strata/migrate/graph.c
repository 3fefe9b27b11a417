/* The graph of revisions. Positions follow the order in which revisions apply, so that ancestors are found in one pass
 * down and descendants in one pass up. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "strata/migrate/private.h"

struct sorted {
    const st_revision *rev;
    size_t parents[ST_PARENTS_MAX]; /* in the sorted array */
    size_t n_parents, waiting;      /* waiting: parents not placed yet */
    size_t first_child, place;
};
struct edge {
    size_t child, next;
};
static const size_t NONE = SIZE_MAX;

static int by_id(const void *x, const void *y)
{
    return strcmp(((const struct sorted *)x)->rev->id, ((const struct sorted *)y)->rev->id);
}

static size_t find_sorted(const struct sorted *s, size_t n, const char *id)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int cmp = strcmp(s[mid].rev->id, id);
        if (cmp == 0) {
            return mid;
        }
        *(cmp < 0 ? &lo : &hi) = cmp < 0 ? mid + 1 : mid;
    }
    return NONE;
}

static st_err check_revision(const st_revision *r)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    if (!migrate_name_ok(r->id) || strspn(r->id, letters) != strlen(r->id) || r->id[0] == '-') {
        return diag_set(ST_E_INVALID, "a revision's id is a word of letters, digits, '_' and '-', not \"%.80s\"",
                        r->id ? r->id : "");
    }
    if (!r->upgrade || !r->message) {
        return diag_set(ST_E_INVALID, "revision %s: %s is missing", r->id, r->upgrade ? ".message" : ".upgrade");
    }
    return 0;
}

/* Sorted by id, so that the outcome does not depend on the order of the list. */
static st_err sort_revisions(struct sorted *s, const st_revision *const *revisions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        st_err rc = check_revision(revisions[i]);
        if (rc) {
            return rc;
        }
        s[i] = (struct sorted){.rev = revisions[i], .first_child = NONE};
    }
    qsort(s, n, sizeof *s, by_id);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(s[i - 1].rev->id, s[i].rev->id) == 0) {
            return diag_set(ST_E_INVALID, "two revisions have the id %s", s[i].rev->id);
        }
    }
    return 0;
}

static st_err link_parents(struct sorted *s, size_t n, struct edge *edges)
{
    size_t n_edges = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < ST_PARENTS_MAX && s[i].rev->parents[k]; k++) {
            size_t p = find_sorted(s, n, s[i].rev->parents[k]);
            if (p == NONE) {
                diag_set(ST_E_INVALID, "revision %s: its parent %s is not among the revisions", s[i].rev->id,
                         s[i].rev->parents[k]);
                diag_hint("add the parent's file to the list of revisions, or correct .parents");
                return ST_E_INVALID;
            }
            s[i].parents[s[i].n_parents++] = p;
            edges[n_edges] = (struct edge){i, s[p].first_child};
            s[p].first_child = n_edges++;
        }
        s[i].waiting = s[i].n_parents;
    }
    return 0;
}

/* Who is in a cycle, for the message: follow waiting parents long enough to be on it, then around it once. */
static st_err say_cycle(const struct sorted *s, size_t n, const bool *placed)
{
    size_t at = 0;
    while (placed[at]) {
        at++;
    }
    buf names BUF_AUTO;
    buf_init(&names, 300);
    for (size_t pass = 0; pass < 2; pass++) {
        size_t start = at, steps = pass ? 0 : n;
        do {
            if (pass) {
                buf_printf(&names, "%s needs ", s[at].rev->id);
            }
            size_t k = 0;
            while (placed[s[at].parents[k]]) {
                k++;
                assert(k < s[at].n_parents);
            }
            at = s[at].parents[k];
        } while (pass ? at != start : steps-- > 0);
    }
    return diag_set(ST_E_INVALID, "the revisions go in a circle: %s%s", names.p, s[at].rev->id);
}

/* Kahn's algorithm; queue holds sorted positions in the order they are placed. */
static st_err place_all(struct sorted *s, size_t n, const struct edge *edges, size_t *queue, bool *placed)
{
    size_t head = 0, tail = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i].waiting == 0) {
            queue[tail++] = i;
        }
    }
    while (head < tail) {
        size_t i = queue[head];
        s[i].place = head++;
        placed[i] = true;
        for (size_t e = s[i].first_child; e != NONE; e = edges[e].next) {
            assert(s[edges[e].child].waiting > 0);
            if (--s[edges[e].child].waiting == 0) {
                queue[tail++] = edges[e].child;
            }
        }
    }
    return tail == n ? 0 : say_cycle(s, n, placed);
}

st_err migrate_graph_of(arena *a, const st_revision *const *revisions, struct migrate_graph *ret)
{
    size_t n = 0;
    while (revisions[n]) {
        n++;
    }
    struct sorted *s = ARENA_ARRAY(a, struct sorted, n);
    struct edge *edges = ARENA_ARRAY(a, struct edge, n * ST_PARENTS_MAX);
    size_t *queue = ARENA_ARRAY(a, size_t, n);
    bool *placed = ARENA_ARRAY(a, bool, n);
    struct migrate_node *nodes = ARENA_ARRAY(a, struct migrate_node, n);
    if (!s || !edges || !queue || !placed || !nodes) {
        return diag_nomem();
    }
    st_err rc = sort_revisions(s, revisions, n);
    rc = rc ? rc : link_parents(s, n, edges);
    rc = rc ? rc : place_all(s, n, edges, queue, placed);
    if (rc) {
        return rc;
    }
    struct migrate_graph g = {.nodes = nodes, .n = n};
    for (size_t i = 0; i < n; i++) {
        const struct sorted *x = &s[queue[i]];
        nodes[i] = (struct migrate_node){.rev = x->rev, .n_parents = x->n_parents, .is_head = x->first_child == NONE};
        for (size_t k = 0; k < x->n_parents; k++) {
            nodes[i].parents[k] = s[x->parents[k]].place;
            assert(nodes[i].parents[k] < i);
        }
        g.n_heads += nodes[i].is_head;
    }
    *ret = g;
    return 0;
}

ptrdiff_t migrate_find_id(const struct migrate_graph *g, const char *id)
{
    for (size_t i = 0; i < g->n; i++) {
        if (strcmp(g->nodes[i].rev->id, id) == 0) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

st_err migrate_find(const struct migrate_graph *g, const char *name, size_t *ret)
{
    size_t len = strlen(name), found = 0, at = 0;
    for (size_t i = 0; i < g->n; i++) {
        const st_revision *r = g->nodes[i].rev;
        if (strcmp(r->id, name) == 0 || (r->label && strcmp(r->label, name) == 0)) {
            *ret = i;
            return 0;
        }
        if (len && strncmp(r->id, name, len) == 0) {
            at = found++ ? at : i;
        }
    }
    if (found == 1) {
        *ret = at;
        return 0;
    }
    diag_set(ST_E_INVALID, found ? "several revisions begin with \"%.80s\"" : "there is no revision \"%.80s\"", name);
    diag_hint("the command history lists all revisions");
    return ST_E_INVALID;
}
