#include "strata/session/flush.h"

#include <errno.h>
#include <string.h>

#include "strata/model/value.h"
#include "strata/session/keys.h"

/* A group whose model is part of a cycle of references. */
struct part {
    struct row **rows, **sorted;
    const void **objs; /* as the database has them or will have them */
    size_t n;
    struct keys keys; /* by primary key */
    size_t *place;    /* of each row in the order, from 1; 0: not there yet */
    bool cyclic, done;
};
struct ordering {
    st_session *s;
    struct plan *p;
    struct part *parts; /* beside p->groups */
    size_t placed;
    bool deleted;
};

static size_t group_named(const struct ordering *o, const st_model *m)
{
    size_t i = 0;
    while (i < o->p->n && o->p->groups[i].m->model != m) {
        i++;
    }
    return i;
}

/* The group that column c of group g references, when both are in cycles; else SIZE_MAX. */
static size_t referenced(const struct ordering *o, size_t g, uint32_t c)
{
    const st_model *to = o->p->groups[g].m->columns[c].attr->references;
    size_t h = to && o->parts[g].cyclic ? group_named(o, to) : o->p->n;
    return h < o->p->n && o->parts[h].cyclic ? h : SIZE_MAX;
}

static bool find_cycles(struct ordering *o)
{
    bool any = false;
    for (size_t g = 0; g < o->p->n; g++) {
        const st_mapper *m = o->p->groups[g].m;
        for (uint32_t c = 0; c < m->n_columns && o->parts[g].n; c++) {
            const st_model *to = m->columns[c].attr->references;
            size_t h = to ? group_named(o, to) : o->p->n;
            if (h < o->p->n && o->parts[h].n && o->p->groups[h].m->rank >= m->rank) {
                o->parts[g].cyclic = o->parts[h].cyclic = any = true;
            }
        }
    }
    return any;
}

static st_err read_part(struct ordering *o, size_t g)
{
    struct part *part = &o->parts[g];
    arena *scratch = o->s->scratch;
    part->objs = ARENA_ARRAY(scratch, const void *, part->n);
    part->place = ARENA_ARRAY(scratch, size_t, part->n);
    if (!part->objs || !part->place) {
        return diag_nomem();
    }
    for (size_t i = 0; i < part->n; i++) {
        part->objs[i] = o->deleted ? (const void *)part->rows[i]->snapshot->image : row_object(part->rows[i]);
    }
    const st_mapper *m = o->p->groups[g].m;
    return m->id ? keys_read(&part->keys, o->s, m, m->id, part->objs, part->n) : 0;
}

/* The row of group h that column c of this row points at, or KEYS_NONE. */
static uint32_t points_at(const struct ordering *o, size_t g, size_t i, uint32_t c, size_t h)
{
    const st_mapper *m = o->p->groups[g].m;
    uint32_t to = o->parts[h].keys.n ? keys_find(&o->parts[h].keys, m->columns[c].attr, m->tenant, o->parts[g].objs[i])
                                     : KEYS_NONE;
    return g == h && to == i ? KEYS_NONE : to; /* a row may point at itself */
}

/* How many of the group's references point at rows of groups not placed yet; SIZE_MAX: it must come after one of them.
 */
static size_t cost(const struct ordering *o, size_t g)
{
    const st_mapper *m = o->p->groups[g].m;
    size_t n = 0;
    for (uint32_t c = 0; c < m->n_columns; c++) {
        const st_model *to = m->columns[c].attr->references;
        size_t h = to ? group_named(o, to) : o->p->n;
        if (h >= o->p->n || h == g || o->parts[h].done || !o->parts[h].n || !o->parts[g].n) {
            continue;
        }
        if (referenced(o, g, c) == SIZE_MAX) {
            return SIZE_MAX;
        }
        for (size_t i = 0; i < o->parts[g].n; i++) {
            n += points_at(o, g, i, c, h) != KEYS_NONE;
        }
    }
    return n;
}

/* Within a group: rows that others of it point at come first; what is left goes in circles. */
struct waiting {
    uint32_t *pending; /* of each row: references to rows of the group not placed */
    uint32_t *heads;   /* of each row: the chain of references to it, + 1 */
    uint32_t *next;    /* by reference */
    uint32_t *queue;
    size_t n_refs;
};

static void place(struct ordering *o, struct part *part, size_t i)
{
    part->place[i] = ++o->placed;
}

static st_err order_group(struct ordering *o, size_t g)
{
    const st_mapper *m = o->p->groups[g].m;
    struct part *part = &o->parts[g];
    size_t self = 0, n = part->n;
    for (uint32_t c = 0; c < m->n_columns; c++) {
        self += referenced(o, g, c) == g;
    }
    arena *scratch = o->s->scratch;
    struct waiting w = {.pending = ARENA_ARRAY(scratch, uint32_t, n),
                        .heads = ARENA_ARRAY(scratch, uint32_t, n),
                        .next = ARENA_ARRAY(scratch, uint32_t, n * (self ? self : 1)),
                        .queue = ARENA_ARRAY(scratch, uint32_t, n)};
    struct row **sorted = ARENA_ARRAY(scratch, struct row *, n);
    part->sorted = sorted;
    uint32_t *child = ARENA_ARRAY(scratch, uint32_t, n * (self ? self : 1));
    if (!w.pending || !w.heads || !w.next || !w.queue || !sorted || !child) {
        return diag_nomem();
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t c = 0; c < m->n_columns; c++) {
            uint32_t to = referenced(o, g, c) == g ? points_at(o, g, i, c, g) : KEYS_NONE;
            if (to != KEYS_NONE) {
                w.pending[i]++;
                child[w.n_refs] = i;
                w.next[w.n_refs] = w.heads[to];
                w.heads[to] = (uint32_t)++w.n_refs;
            }
        }
    }
    size_t head = 0, tail = 0, circles = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (w.pending[i] == 0) {
            w.queue[tail++] = i;
        }
    }
    while (tail < n || head < tail) {
        if (head == tail) { /* only circles are left: cut one open */
            while (part->place[circles] || w.pending[circles] == 0) {
                circles++;
            }
            w.pending[circles] = 0;
            w.queue[tail++] = (uint32_t)circles;
        }
        uint32_t i = w.queue[head];
        sorted[head++] = part->rows[i];
        place(o, part, i);
        for (uint32_t r = w.heads[i]; r; r = w.next[r - 1]) {
            uint32_t k = child[r - 1];
            if (w.pending[k] && --w.pending[k] == 0) {
                w.queue[tail++] = k;
            }
        }
    }
    assert(head == n);
    return 0;
}

static st_err push_knot(struct ordering *o, struct row_order *ret, size_t *room, const struct knot *knot)
{
    if (ret->n_knots == *room) {
        size_t bigger = *room ? *room * 2 : 16;
        struct knot *knots = ARENA_ARRAY(o->s->scratch, struct knot, bigger);
        if (!knots) {
            return diag_nomem();
        }
        if (ret->n_knots) {
            memcpy(knots, ret->knots, ret->n_knots * sizeof *knots);
        }
        ret->knots = knots;
        *room = bigger;
    }
    ret->knots[ret->n_knots++] = *knot;
    return 0;
}

/* References to rows that come later. One that may not be null stays: the database decides. */
static st_err find_knots(struct ordering *o, struct row_order *ret)
{
    size_t room = 0;
    for (size_t at = 0; at < o->p->n; at++) {
        size_t g = ret->groups[at];
        const st_mapper *m = o->p->groups[g].m;
        for (uint32_t c = 0; c < m->n_columns; c++) {
            const st_attr *a = m->columns[c].attr;
            size_t h = referenced(o, g, c);
            for (size_t i = 0; h != SIZE_MAX && st_attr_nullable(a) && i < o->parts[g].n; i++) {
                uint32_t to = points_at(o, g, i, c, h);
                if (to == KEYS_NONE || o->parts[h].place[to] < o->parts[g].place[i]) {
                    continue;
                }
                const struct knot knot = {o->parts[g].rows[i], a, st_value_get(a, o->parts[g].objs[i])};
                st_err rc = push_knot(o, ret, &room, &knot);
                if (rc) {
                    return rc;
                }
            }
        }
    }
    return 0;
}

static size_t cheapest(const struct ordering *o)
{
    size_t best = SIZE_MAX, least = SIZE_MAX;
    for (size_t g = 0; g < o->p->n; g++) {
        size_t c = o->parts[g].done ? SIZE_MAX : cost(o, g);
        if (c < least) {
            least = c;
            best = g;
        }
    }
    assert(best != SIZE_MAX); /* the one of lowest rank waits for none that it must */
    return best;
}

static st_err order_cycles(struct ordering *o, size_t *groups, struct row_order *ret)
{
    st_err rc = 0;
    for (size_t g = 0; g < o->p->n && !rc; g++) {
        rc = o->parts[g].cyclic ? read_part(o, g) : 0;
    }
    for (size_t at = 0; at < o->p->n && !rc; at++) {
        size_t g = cheapest(o);
        groups[at] = g;
        o->parts[g].done = true;
        rc = o->parts[g].cyclic ? order_group(o, g) : 0;
    }
    rc = rc ? rc : find_knots(o, ret);
    for (size_t g = 0; g < o->p->n && !rc; g++) { /* at the end: the keys know the rows by their former numbers */
        if (o->parts[g].cyclic) {
            memcpy(o->parts[g].rows, o->parts[g].sorted, o->parts[g].n * sizeof *o->parts[g].sorted);
        }
    }
    return rc;
}

st_err flush_order(st_session *s, struct plan *p, bool deleted, struct row_order *ret)
{
    size_t *groups = ARENA_ARRAY(s->scratch, size_t, p->n);
    struct ordering o = {.s = s, .p = p, .parts = ARENA_ARRAY(s->scratch, struct part, p->n), .deleted = deleted};
    if (!groups || !o.parts) {
        return diag_nomem();
    }
    for (size_t g = 0; g < p->n; g++) {
        const struct group *of = &p->groups[g];
        groups[g] = g;
        o.parts[g].rows = of->rows + (deleted ? of->n_new + of->n_edit : 0);
        o.parts[g].n = deleted ? of->n_delete : of->n_new;
    }
    *ret = (struct row_order){.groups = groups};
    return find_cycles(&o) ? order_cycles(&o, groups, ret) : 0;
}
