/* The joined loader: one select whose rows hold an object and those related to it, which are told apart here. */
#include <errno.h>
#include <string.h>

#include "strata/session/pairs.h"
#include "strata/session/relations.h"

enum { PARTS_MAX = 32 };

struct side {
    const void *now, *last; /* of the row at hand, NULL: absent; and the last one that was not */
    struct pairs seen;      /* of part 0: objects; of lists: owner and item, or NULL for a row without one */
};
struct joined {
    st_session *s;
    struct st_joined_part parts[PARTS_MAX];
    struct st_shape shapes[PARTS_MAX];
    struct side sides[PARTS_MAX];
    uint32_t n, at; /* parts; the one that comes next */
};

/* ---- the plan ---- */

static bool collects(const struct st_joined_part *part) /* what belongs to an owner is known at the end */
{
    return part->rel && part->rel->kind != ST_R_ONE;
}

static st_err add_part(struct joined *j, const struct st_load *plan, uint32_t parent)
{
    const st_mapper *m = j->parts[parent].m;
    struct st_joined_part *part = &j->parts[j->n];
    if (j->n == PARTS_MAX) {
        return diag_set(ST_E_INVALID, "a select joins over %d relations; load some by ST_SELECTIN", PARTS_MAX - 1);
    }
    *part = (struct st_joined_part){.plan = plan, .parent = parent};
    st_err rc = relations_find(m, plan, &part->rel);
    rc = rc ? rc : session_mapper(j->s, part->rel->attr->target, &part->m);
    if (!rc && part->rel->attr->through) {
        rc = session_mapper(j->s, part->rel->attr->through, &part->between);
    }
    if (rc) {
        return rc;
    }
    j->shapes[j->n] = part->m->shape;
    j->shapes[j->n].may_be_absent = true;
    j->shapes[j->n].sure = part->m->key[part->m->n_key - 1];
    j->shapes[j->n - 1].next = &j->shapes[j->n];
    j->n++;
    return 0;
}

static st_err add_plan(struct joined *j, const struct st_load *plan, uint32_t parent, unsigned depth)
{
    if (depth > ST_LOAD_DEPTH_MAX) {
        return diag_set(ST_E_INVALID, "loaders nest deeper than %d", ST_LOAD_DEPTH_MAX);
    }
    st_err rc = 0;
    if (plan->how == ST_L_ALL) {
        for (const struct st_load *const *each = plan->all; *each && !rc; each++) {
            rc = add_plan(j, *each, parent, depth + 1);
        }
    } else if (plan->how == ST_L_JOINED) {
        uint32_t own = j->n;
        rc = add_part(j, plan, parent);
        rc = rc || !plan->then ? rc : add_plan(j, plan->then, own, depth + 1);
    }
    return rc;
}

bool joined_wanted(const struct st_load *plan)
{
    bool wanted = plan && plan->how == ST_L_JOINED;
    for (const struct st_load *const *each = plan && plan->how == ST_L_ALL ? plan->all : NULL; each && *each; each++) {
        wanted |= (*each)->how == ST_L_JOINED || ((*each)->how == ST_L_ALL && joined_wanted(*each));
    }
    return wanted;
}

/* ---- rows; may run on another thread while the session's fiber waits ---- */

/* Unlike in a select of its own, a row may come again at once: it goes into the identity map when it comes. */
static int take(st_session *s, const st_mapper *m, void *obj, const void **ret)
{
    uint64_t hash = identity_hash(&s->map, m, obj);
    void *there = s->map.n ? identity_find(&s->map, m, obj, hash) : NULL;
    if (there) {
        *ret = there;
        return row_of(there)->epoch == s->epoch ? 0 : session_take_again(s, there, obj);
    }
    if (identity_reserve(&s->map, 1) != 0) {
        return diag_nomem();
    }
    session_take_new(s, m, obj);
    identity_add(&s->map, obj, hash);
    *ret = obj;
    return 1;
}

static st_err link_root(struct joined *j)
{
    struct side *x = &j->sides[0];
    int rc = pairs_add(&x->seen, x->now, NULL, NULL);
    return rc < 0 ? diag_nomem() : rc ? session_push_found(j->s, x->now) : 0;
}

static st_err link_part(struct joined *j, uint32_t i)
{
    const struct st_relation *r = j->parts[i].rel;
    struct side *x = &j->sides[i];
    const void *owner = j->sides[j->parts[i].parent].now;
    if (!owner) {
        return 0;
    }
    if (collects(&j->parts[i])) {
        return pairs_add(&x->seen, owner, x->now, NULL) < 0 ? diag_nomem() : 0;
    }
    *relation_ref(r->attr, owner) = (st_ref){.item = x->now, .loaded = true};
    if (x->now && r->inverse && r->inverse->kind == ST_A_ONE) {
        *relation_ref(r->inverse, x->now) = (st_ref){.item = owner, .loaded = true};
    }
    return 0;
}

static int take_part(void *arg, void *obj)
{
    struct joined *j = arg;
    uint32_t i = j->at;
    const st_mapper *m = j->parts[i].m;
    struct side *x = &j->sides[i];
    int keep = 0;
    j->at = i + 1 == j->n ? 0 : i + 1;
    x->now = NULL;
    if (obj && x->last && st_mapper_key_same(m, x->last, obj)) {
        x->now = x->last;
    } else if (obj) {
        keep = take(j->s, m, obj, &x->now);
        if (keep < 0) {
            return keep;
        }
        x->last = x->now;
    }
    assert(i || x->now);
    st_err rc = i ? link_part(j, i) : link_root(j);
    return rc ? rc : keep;
}

/* ---- afterwards ---- */

struct groups {
    struct pairs owners;
    uint32_t *owner; /* of each pair */
    uint32_t *start;
    const void **items;
};

static st_err count_items(st_session *s, const struct pairs *seen, struct groups *g)
{
    g->owner = ARENA_ARRAY(s->scratch, uint32_t, seen->n);
    g->start = ARENA_ARRAY(s->scratch, uint32_t, (size_t)seen->n + 2);
    g->items = arena_alloc(s->arena, seen->n * sizeof *g->items);
    if (!g->owner || !g->start || !g->items) {
        return diag_nomem();
    }
    for (uint32_t i = 0; i < seen->n; i++) {
        if (pairs_add(&g->owners, seen->v[i].a, NULL, &g->owner[i]) < 0) {
            return diag_nomem();
        }
        g->start[g->owner[i] + 2] += seen->v[i].b != NULL;
    }
    for (uint32_t i = 2; i < g->owners.n + 2; i++) {
        g->start[i] += g->start[i - 1];
    }
    for (uint32_t i = 0; i < seen->n; i++) {
        if (seen->v[i].b) {
            g->items[g->start[g->owner[i] + 1]++] = seen->v[i].b;
        }
    }
    return 0;
}

static void put_group(const struct st_joined_part *part, const void *owner, const void **items, size_t n)
{
    const struct st_relation *r = part->rel;
    for (size_t i = 0; i < n; i++) {
        row_of(items[i])->flags |= ROW_LISTED;
        if (r->inverse && r->kind != ST_R_THROUGH) {
            *relation_ref(r->inverse, items[i]) = (st_ref){.item = owner, .loaded = true};
        }
    }
    if (st_relation_is_list(r)) {
        *relation_list(r, owner) = (st_list){.items = items, .n = n, .loaded = true};
    } else {
        *relation_ref(r->attr, owner) = (st_ref){.item = n ? items[0] : NULL, .loaded = true};
    }
}

static st_err put_lists(struct joined *j, uint32_t i)
{
    const struct st_joined_part *part = &j->parts[i];
    struct groups g = {.owner = NULL};
    st_err rc = count_items(j->s, &j->sides[i].seen, &g);
    for (uint32_t k = 0; !rc && k < g.owners.n; k++) {
        const void **items = g.items + g.start[k];
        size_t n = g.start[k + 1] - g.start[k];
        rc = part->plan->order ? 0 : keys_sort(j->s, part->m, items, n);
        put_group(part, g.owners.v[k].a, items, n);
    }
    pairs_release(&g.owners);
    return rc;
}

static st_err run(struct joined *j, struct batch *b, const st_expr *where, const struct st_query *q)
{
    st_session *s = j->s;
    struct st_compiler c = session_compiler(s);
    struct st_stmt last = {.shape = j->shapes, .arena = s->arena, .row = take_part, .arg = j};
    st_err rc = st_compile_joined(&c, j->parts, j->n, where, q, &last);
    if (!rc && identity_settle(&s->map, NULL) != 0) {
        rc = diag_nomem();
    }
    s->n_found = 0;
    s->items = NULL;
    rc = rc ? rc : batch_finish(b, &last);
    for (uint32_t i = 1; i < j->n && !rc; i++) {
        rc = collects(&j->parts[i]) ? put_lists(j, i) : 0;
    }
    return rc;
}

st_err joined_select(struct batch *b, const st_mapper *m, const st_expr *where, const struct st_query *q)
{
    struct joined *j = ARENA_NEW(b->s->scratch, struct joined);
    if (!j) {
        return diag_nomem();
    }
    j->s = b->s;
    j->parts[0].m = m;
    j->shapes[0] = m->shape;
    j->n = 1;
    st_err rc = add_plan(j, q->with, 0, 1);
    rc = rc ? rc : run(j, b, where, q);
    for (uint32_t i = 0; i < j->n; i++) {
        pairs_release(&j->sides[i].seen);
    }
    return rc;
}
