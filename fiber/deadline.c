/* Deadlines: a pairing heap through the fibers themselves, so setting one cannot fail and costs O(1); most are
 * removed before they pass. One uv_timer serves the earliest (loop.c). */
#include <assert.h>

#include "fiber/internal.h"

static fiber *owner(struct deadline *d)
{
    return (fiber *)(void *)((char *)d - offsetof(fiber, timer));
}

static bool before(const struct deadline *a, const struct deadline *b)
{
    return a->at < b->at || (a->at == b->at && a->seq < b->seq);
}

static struct deadline *meld(struct deadline *a, struct deadline *b)
{
    if (!a || !b) {
        return a ? a : b;
    }
    if (before(b, a)) {
        struct deadline *t = a;
        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (b->next) {
        b->next->prev = b;
    }
    a->child = b;
    return a;
}

/* One heap of the siblings from first on: pairs from left to right, then all from right to left. */
static struct deadline *meld_siblings(struct deadline *first)
{
    struct deadline *pairs = NULL; /* through next, last pair first */
    while (first) {
        struct deadline *a = first, *b = a->next, *rest = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b) {
            b->next = b->prev = NULL;
        }
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
        first = rest;
    }
    struct deadline *heap = NULL;
    while (pairs) {
        struct deadline *rest = pairs->next;
        pairs->next = NULL;
        heap = meld(heap, pairs);
        pairs = rest;
    }
    return heap;
}

void deadline_add(fiber_loop *l, struct deadline *d, int64_t at)
{
    assert(!d->armed && at != FIBER_FOREVER);
    *d = (struct deadline){.at = at, .seq = l->deadline_seq++, .armed = true};
    l->deadlines = meld(l->deadlines, d);
}

void deadline_remove(fiber_loop *l, struct deadline *d)
{
    assert(d->armed);
    struct deadline *rest = meld_siblings(d->child);
    if (d == l->deadlines) {
        l->deadlines = rest;
    } else {
        assert(d->prev);
        if (d->prev->child == d) {
            d->prev->child = d->next;
        } else {
            d->prev->next = d->next;
        }
        if (d->next) {
            d->next->prev = d->prev;
        }
        l->deadlines = meld(l->deadlines, rest);
    }
    *d = (struct deadline){0};
}

void deadline_expire(fiber_loop *l)
{
    if (!l->deadlines) {
        return;
    }
    int64_t now = loop_now(l);
    while (l->deadlines && l->deadlines->at <= now) {
        sched_ready(owner(l->deadlines), -ETIMEDOUT, "its deadline"); /* removes it */
    }
}

/* ---- scopes ---- */

struct fiber_deadline_scope fiber_deadline_enter(int64_t deadline)
{
    fiber_loop *l = fiber_loop_current();
    if (!l) {
        return (struct fiber_deadline_scope){NULL, FIBER_FOREVER};
    }
    struct fiber_deadline_scope scope = {l->current, l->current->deadline};
    if (deadline < l->current->deadline) {
        l->current->deadline = deadline;
    }
    return scope;
}

void fiber_deadline_leave(struct fiber_deadline_scope *d)
{
    if (d->owner) {
        assert(d->owner == d->owner->loop->current); /* a scope is left by the fiber that entered it */
        d->owner->deadline = d->outer;
    }
}

int64_t fiber_deadline(int64_t own)
{
    fiber_loop *l = fiber_loop_current();
    return l && l->current->deadline < own ? l->current->deadline : own;
}
