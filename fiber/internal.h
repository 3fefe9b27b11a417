/* internal.h: what the files of fiber/ share. Not for other directories.
 *
 * A fiber is in exactly one of these places: running (loop->current, or the thread itself while loop->current is
 * &loop->outside), in the ready list, in the yielded list, or parked. The struct lies at the top of the fiber's own
 * stack, so an idle fiber costs one page. loop->outside stands for the thread outside of all fibers; it can be
 * parked like a fiber, which means that the thread is running the loop until it is woken. */
#ifndef FIBER_INTERNAL_H
#define FIBER_INTERNAL_H

#include <errno.h>

#include "base/diag.h"
#include "fiber/fiber.h"
#include "fiber/sanitize.h"
#include "fiber/stack.h"
#include "fiber/switch.h"

enum fiber_state { FIBER_NEW, FIBER_READY, FIBER_RUNNING, FIBER_PARKED, FIBER_ENDED };

/* A node of the pairing heap of deadlines. */
struct deadline {
    int64_t at;
    uint64_t seq;                         /* equal deadlines pass in the order in which they were set */
    struct deadline *child, *next, *prev; /* prev: the parent for a first child */
    bool armed;
};

struct fiber {
    struct switch_ctx ctx;
    fiber_loop *loop;
    fiber *next; /* in the ready or yielded list */
    enum fiber_state state;
    int wake_rc;          /* what the park returns */
    bool cancelled, hard; /* hard: this park is not ended by cancellation */
    unsigned shields, guards;
    const char *guard_why, *guard_where; /* the innermost no-suspend section's */
    const char *scheduled_by;
    fiber_waiter *waiter; /* while parked */
    struct deadline timer;
    int64_t deadline;   /* the minimum of the scopes in force */
    int64_t unshielded; /* what that was outside of the shield */
    unsigned hurried;   /* I/O calls in a row that did not have to wait */

    fiber_bundle *bundle;
    fiber *sibling_next, *sibling_prev;
    int (*fn)(void *arg);
    void *arg;
    const char *name;
    arena *arena;
    struct fiber_stack stack;
    struct diag *slot; /* of the suspended flow */
    struct diag diag;
    struct sanitize_ctx sanitize;
};

struct ready_list {
    fiber *head, *tail; /* FIFO */
    fiber **set;        /* seeded: unordered, room for every fiber of the loop */
    size_t len, room;
};

struct stack_site { /* debug builds: the deepest stack of one start site */
    const char *name;
    size_t peak;
};

struct pool;

struct fiber_loop {
    uv_loop_t *uv;
    uv_loop_t own;
    bool owns, polling, idling, closing;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    uv_timer_t timer;
    unsigned handles; /* of ours that are not closed yet */

    fiber outside;
    fiber *current, *came_from, *dead, *root;
    struct ready_list ready;
    fiber *yielded_head, *yielded_tail;
    unsigned budget; /* fibers that may still run before the loop polls */
    bool draining;

    struct deadline *deadlines;
    uint64_t deadline_seq;
    int64_t timer_at; /* INT64_MAX: not armed */

    uint64_t random; /* 0: not seeded */
    int64_t virtual_now;

    struct stack_pool stacks;
    unsigned max_fibers, threads;
    struct pool *work, *names; /* offloaded calls; name lookups, which may hang for long */
    struct fiber_stats stats;
    struct stack_site *sites;
    size_t n_sites;
};

/* loop.c */
int64_t loop_now(fiber_loop *l);
void loop_poke(fiber_loop *l); /* something became ready: let the loop come round */
void loop_run_until_woken(fiber_loop *l);
/* The thread's loop, or a diagnosis that tells to open one (NULL). */
fiber_loop *loop_needed(void);

/* ready.c */
int ready_reserve(struct ready_list *r, size_t n); /* seeded loops only */
void ready_push(fiber_loop *l, fiber *f);
fiber *ready_pop(fiber_loop *l); /* or NULL */
static inline bool ready_empty(const fiber_loop *l)
{
    return l->ready.len == 0;
}
void ready_yield(fiber_loop *l, fiber *f); /* ready after the next poll */
void ready_unyield(fiber_loop *l);

/* sched.c */
void sched_ready(fiber *f, int rc, const char *who); /* f is parked */
void sched_suspend(fiber_loop *l);                   /* the current fiber, whose state says why */
void sched_drain(fiber_loop *l);                     /* from outside: runs what is ready, within the budget */
int sched_spawn(fiber_loop *l, int (*fn)(void *arg), void *arg, const char *name, fiber **ret);
void sched_cancel(fiber *f);

/* bundle.c: takes an ended fiber out of its bundle. */
void bundle_ended(fiber *f, int rc);

/* deadline.c */
void deadline_add(fiber_loop *l, struct deadline *d, int64_t at);
void deadline_remove(fiber_loop *l, struct deadline *d);
void deadline_expire(fiber_loop *l); /* wakes those parked past their deadline */

/* park.c */
/* What every call that can wait does first: takes the minimum of *deadline and the scopes, and fails in a cancelled
 * fiber and past that deadline. */
int suspend_begin(int64_t *deadline);
/* Parks on a waiter that nobody has woken yet, suspend_begin having passed and deadline being the one in force. */
int park_begun(fiber_waiter *w, int64_t deadline);
/* Parks until woken, whatever cancellation and deadlines say. */
void park_hard(fiber_waiter *w);
/* For I/O that did not have to wait: yields now and then, so that a fast peer cannot hold the loop. */
int suspend_tick(void);

/* check.c */
_Noreturn void fiber_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *fiber_label(const fiber *f);   /* name for messages */
void check_stack(fiber_loop *l, fiber *f); /* debug: the watermark of an ended fiber */

/* Queues of waiters, first in first out. */
static inline void queue_push(struct fiber_queue *q, fiber_waiter *w)
{
    w->next = NULL;
    w->prev = q->tail;
    if (q->tail) {
        q->tail->next = w;
    } else {
        q->head = w;
    }
    q->tail = w;
}
static inline void queue_remove(struct fiber_queue *q, fiber_waiter *w)
{
    if (w->prev) {
        w->prev->next = w->next;
    } else {
        q->head = w->next;
    }
    if (w->next) {
        w->next->prev = w->prev;
    } else {
        q->tail = w->prev;
    }
    w->next = w->prev = NULL;
}
static inline fiber_waiter *queue_pop(struct fiber_queue *q)
{
    fiber_waiter *w = q->head;
    if (w) {
        queue_remove(q, w);
    }
    return w;
}
/* park_begun in q, for a fiber that pops w from it and wakes it; leaves q on failure. */
int queue_park(struct fiber_queue *q, fiber_waiter *w, int64_t deadline);

#endif
