/* The pending rows of a flush by model, and models by rank. Linear to the rows. */
#include <errno.h>

#include "strata/session/flush.h"

static struct group *group_of(struct plan *p, const st_mapper *m, size_t last)
{
    if (last < p->n && p->groups[last].m == m) {
        return &p->groups[last];
    }
    size_t i = 0;
    while (i < p->n && p->groups[i].m != m) {
        i++;
    }
    if (i == p->n) {
        p->groups[p->n++] = (struct group){.m = m};
    }
    return &p->groups[i];
}

static void sort_by_rank(struct plan *p) /* stable; groups are few */
{
    for (size_t i = 1; i < p->n; i++) {
        struct group g = p->groups[i];
        size_t k = i;
        for (; k > 0 && p->groups[k - 1].m->rank > g.m->rank; k--) {
            p->groups[k] = p->groups[k - 1];
        }
        p->groups[k] = g;
    }
}

static size_t count_models(const st_session *s)
{
    size_t n = 0;
    for (size_t i = 0; i < REGISTRY_MAPPERS; i++) {
        for (const st_mapper *m = s->reg->mappers[i]; m; m = m->next) {
            n++;
        }
    }
    return n;
}

static void count_rows(const struct row_list *l, struct plan *p)
{
    size_t last = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct group *g = group_of(p, l->v[i]->mapper, last);
        last = (size_t)(g - p->groups);
        unsigned f = l->v[i]->flags;
        if (!flush_is_void(f)) {
            *(f & ROW_NEW ? &g->n_new : f & ROW_DELETE ? &g->n_delete : &g->n_edit) += 1;
        }
    }
}

static void place_rows(const struct row_list *l, struct plan *p, struct row **rows)
{
    for (size_t i = 0; i < p->n; i++) {
        struct group *g = &p->groups[i];
        g->rows = rows;
        g->at_new = 0;
        g->at_edit = g->n_new;
        g->at_delete = g->n_new + g->n_edit;
        rows += g->n_new + g->n_edit + g->n_delete;
    }
    size_t last = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct group *g = group_of(p, l->v[i]->mapper, last);
        assert(g->rows); /* the first pass met every model */
        last = (size_t)(g - p->groups);
        unsigned f = l->v[i]->flags;
        if (!flush_is_void(f)) {
            g->rows[(*(f & ROW_NEW ? &g->at_new : f & ROW_DELETE ? &g->at_delete : &g->at_edit))++] = l->v[i];
        }
    }
}

st_err flush_group(st_session *s, struct plan *p)
{
    const struct row_list *l = &s->pending;
    p->groups = ARENA_ARRAY(s->scratch, struct group, count_models(s));
    if (!p->groups) {
        return diag_nomem();
    }
    count_rows(l, p);
    if (p->n == 1 && p->groups[0].n_new == l->n) { /* as a program that fills a table has it */
        p->groups[0].rows = l->v;
        return 0;
    }
    struct row **rows = arena_alloc(s->scratch, l->n * sizeof *rows);
    if (!rows) {
        return diag_nomem();
    }
    sort_by_rank(p);
    place_rows(l, p, rows);
    return 0;
}
