/* Who runs next: first in, first out; in a seeded loop, drawn from its random numbers. */
#include <assert.h>

#include "base/mem.h"
#include "fiber/internal.h"

int ready_reserve(struct ready_list *r, size_t n)
{
    if (n <= r->room) {
        return 0;
    }
    size_t room = r->room ? r->room * 2 : 64;
    room = room < n ? n : room;
    fiber **set = mem_realloc(r->set, room * sizeof *set);
    if (!set) {
        return diag_nomem();
    }
    r->set = set;
    r->room = room;
    return 0;
}

void ready_push(fiber_loop *l, fiber *f)
{
    struct ready_list *r = &l->ready;
    assert(f->state == FIBER_READY && f != &l->outside);
    if (l->random) {
        assert(r->len < r->room);
        r->set[r->len] = f;
    } else {
        f->next = NULL;
        if (r->len) {
            r->tail->next = f;
        } else {
            r->head = f;
        }
        r->tail = f;
    }
    r->len++;
}

/* splitmix64; https://prng.di.unimi.it/splitmix64.c */
static uint64_t next_random(fiber_loop *l)
{
    uint64_t z = (l->random += 0x9e3779b97f4a7c15u);
    if (l->random == 0) { /* 0 would mean "not seeded" */
        l->random = 0x9e3779b97f4a7c15u;
    }
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

fiber *ready_pop(fiber_loop *l)
{
    struct ready_list *r = &l->ready;
    if (r->len == 0) {
        return NULL;
    }
    fiber *f;
    r->len--;
    if (l->random) {
        size_t i = next_random(l) % (r->len + 1);
        f = r->set[i];
        r->set[i] = r->set[r->len];
    } else {
        f = r->head;
        r->head = f->next;
        f->next = NULL;
    }
    if (f->state != FIBER_READY) {
        fiber_die("fiber %s, scheduled by %s, is resumed while it is not ready", fiber_label(f), f->scheduled_by);
    }
    return f;
}

void ready_yield(fiber_loop *l, fiber *f)
{
    f->next = NULL;
    if (l->yielded_head) {
        l->yielded_tail->next = f;
    } else {
        l->yielded_head = f;
    }
    l->yielded_tail = f;
}

void ready_unyield(fiber_loop *l)
{
    while (l->yielded_head) {
        fiber *f = l->yielded_head;
        l->yielded_head = f->next;
        ready_push(l, f);
    }
}
