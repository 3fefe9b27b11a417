/* What the fiber runtime costs, beside contexts of libc, threads, and libuv's own thread pool. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <ucontext.h>
#include <uv.h>

#include "bench.h"
#include "fiber/fiber.h"
#include "fiber/switch.h"

enum { STACK = 64 << 10, IDLE = 5000 };

/* ---- the switch alone ---- */

struct contexts {
    struct switch_ctx here, there;
    volatile uint64_t for_ever; /* in memory, so that the compiler makes no second copy of switch_often for it */
    ucontext_t uc_here, uc_there;
};

/* Both flows switch at one place, as fibers of one kind do; the processor then predicts where a switch returns to. */
static __attribute__((noinline)) void switch_often(struct switch_ctx *from, struct switch_ctx *to, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        switch_to(from, to);
    }
}

static void switch_for_ever(void *arg)
{
    struct contexts *c = arg;
    switch_often(&c->there, &c->here, c->for_ever);
}

static int switches(uint64_t n)
{
    struct contexts c = {.for_ever = UINT64_MAX};
    void *stack = malloc(STACK);
    if (!stack) {
        return -ENOMEM;
    }
    switch_make(&c.there, stack, STACK, switch_for_ever, &c);
    switch_often(&c.here, &c.there, (n + 1) / 2);
    free(stack);
    return 0;
}

static struct contexts *swapped; /* makecontext passes ints only */

static void swap_back(void)
{
    for (;;) {
        (void)swapcontext(&swapped->uc_there, &swapped->uc_here);
    }
}

static int swaps(uint64_t n)
{
    static struct contexts c;
    swapped = &c;
    void *stack = malloc(STACK);
    if (!stack || getcontext(&c.uc_there)) {
        free(stack);
        return -ENOMEM;
    }
    c.uc_there.uc_stack.ss_sp = stack;
    c.uc_there.uc_stack.ss_size = STACK;
    c.uc_there.uc_link = NULL;
    makecontext(&c.uc_there, swap_back, 0);
    for (uint64_t i = 0; i < n; i += 2) {
        if (swapcontext(&c.uc_here, &c.uc_there)) {
            free(stack);
            return -errno;
        }
    }
    free(stack);
    return 0;
}

/* ---- with a loop around ---- */

struct work {
    uint64_t n;
    fiber_chan *there, *back;
};

static int with_loop(int (*fn)(void *arg), struct work *w)
{
    fiber_loop *l;
    int rc = fiber_loop_open(NULL, &l);
    if (rc == 0) {
        rc = fiber_run(l, fn, w);
        fiber_loop_close(l);
    }
    return rc;
}

static int nothing(void *arg)
{
    bench_use(arg);
    return 0;
}

static int start_each(void *arg)
{
    const struct work *w = arg;
    int rc = 0;
    for (uint64_t i = 0; i < w->n && !rc; i++) {
        FIBER_BUNDLE(b);
        rc = fiber_start(&b, nothing, arg);
        rc = rc ? rc : fiber_bundle_wait(&b, FIBER_FOREVER);
    }
    return rc;
}

static int starts(uint64_t n)
{
    return with_loop(start_each, &(struct work){.n = n});
}

static void *nothing_in_thread(void *arg)
{
    bench_use(arg);
    return NULL;
}

static int thread_starts(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        pthread_t t;
        int rc = pthread_create(&t, NULL, nothing_in_thread, &n);
        if (rc || (rc = pthread_join(t, NULL))) {
            return -rc;
        }
    }
    return 0;
}

/* One hop is one item handed over and its receiver woken. */
static int answer(void *arg)
{
    const struct work *w = arg;
    char c;
    int rc;
    while ((rc = fiber_chan_recv(w->there, &c, FIBER_FOREVER)) == 0 &&
           (rc = fiber_chan_send(w->back, &c, FIBER_FOREVER)) == 0) {
    }
    return rc;
}

static int ask(void *arg)
{
    struct work *w = arg;
    char c = 0;
    int rc = fiber_chan_new(1, 0, &w->there);
    if (rc || (rc = fiber_chan_new(1, 0, &w->back))) {
        fiber_chan_free(w->there);
        return rc;
    }
    {
        FIBER_BUNDLE(b);
        rc = fiber_start(&b, answer, w);
        for (uint64_t i = 0; i < w->n && !rc; i += 2) {
            rc = fiber_chan_send(w->there, &c, FIBER_FOREVER);
            rc = rc ? rc : fiber_chan_recv(w->back, &c, FIBER_FOREVER);
        }
    }
    fiber_chan_free(w->there);
    fiber_chan_free(w->back);
    return rc;
}

static int hops(uint64_t n)
{
    return with_loop(ask, &(struct work){.n = n});
}

struct court {
    pthread_mutex_t lock;
    pthread_cond_t turned;
    uint64_t turns, n;
};

static void play(struct court *c, uint64_t side)
{
    (void)pthread_mutex_lock(&c->lock);
    while (c->turns < c->n) {
        if (c->turns % 2 == side) {
            c->turns++;
            (void)pthread_cond_signal(&c->turned);
        } else {
            (void)pthread_cond_wait(&c->turned, &c->lock);
        }
    }
    (void)pthread_cond_signal(&c->turned);
    (void)pthread_mutex_unlock(&c->lock);
}

static void *play_other_side(void *arg)
{
    play(arg, 1);
    return NULL;
}

static int thread_hops(uint64_t n)
{
    struct court c = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, n};
    pthread_t t;
    int rc = pthread_create(&t, NULL, play_other_side, &c);
    if (rc == 0) {
        play(&c, 0);
        rc = pthread_join(t, NULL);
    }
    return -rc;
}

static int offload_each(void *arg)
{
    const struct work *w = arg;
    int rc = 0;
    for (uint64_t i = 0; i < w->n && !rc; i++) {
        rc = fiber_offload(nothing, arg, NULL);
    }
    return rc;
}

static int offloads(uint64_t n)
{
    return with_loop(offload_each, &(struct work){.n = n});
}

static void uv_nothing(uv_work_t *w)
{
    bench_use(w);
}

static void uv_next(uv_work_t *w, int status)
{
    uint64_t *left = w->data;
    if (status == 0 && --*left > 0) {
        (void)uv_queue_work(w->loop, w, uv_nothing, uv_next);
    }
}

static int uv_works(uint64_t n)
{
    uv_loop_t loop;
    int rc = uv_loop_init(&loop);
    if (rc == 0) {
        uint64_t left = n;
        uv_work_t w = {.data = &left};
        rc = uv_queue_work(&loop, &w, uv_nothing, uv_next);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        rc = rc ? rc : uv_loop_close(&loop);
    }
    return rc;
}

/* ---- memory ---- */

static int sleep_on(void *arg)
{
    bench_use(arg);
    return fiber_sleep_until(FIBER_FOREVER) == -ECANCELED ? 0 : -EIO;
}

static int idle_many(void *arg)
{
    FIBER_BUNDLE(b);
    int rc = 0;
    for (int i = 0; i < IDLE && !rc; i++) {
        rc = fiber_start(&b, sleep_on, arg);
    }
    return rc ? rc : fiber_sleep_until(fiber_in_ms(1));
}

static int idle_fibers(void *arg)
{
    return with_loop(idle_many, arg);
}

static double idle_ours(void)
{
    return bench_peak_mib(idle_fibers, &(struct work){.n = IDLE});
}

#define SIDE(name, fn)       \
    static double name(void) \
    {                        \
        return bench_ns(fn); \
    }                        \
    extern int semicolon_required
SIDE(switch_ours, switches);
SIDE(switch_theirs, swaps);
SIDE(start_ours, starts);
SIDE(start_theirs, thread_starts);
SIDE(wake_ours, hops);
SIDE(wake_theirs, thread_hops);
SIDE(offload_ours, offloads);
SIDE(offload_theirs, uv_works);

extern const struct bench_case fiber_cases[];
const struct bench_case fiber_cases[] = {
    {"fiber_switch", "ns/op", "one change of stacks; theirs: swapcontext", switch_ours, switch_theirs, false, 0},
    {"fiber_start", "ns/op", "start and join; theirs: pthread_create and pthread_join", start_ours, start_theirs, false,
     0},
    {"fiber_wake", "ns/op", "an item through a channel to a waiting fiber; theirs: a condition between two threads",
     wake_ours, wake_theirs, false, 0},
    {"fiber_offload", "ns/op", "an empty call on a thread and back; theirs: uv_queue_work", offload_ours,
     offload_theirs, false, 0},
    {"fiber_idle", "MiB", "peak of 5,000 fibers that sleep", idle_ours, NULL, false, 1},
    {NULL, NULL, NULL, NULL, NULL, false, 0},
};
