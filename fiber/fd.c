/* Descriptors: one persistent uv_poll each. Starting and stopping it costs two system calls, so it stays started for
 * what was last waited for, and is stopped only when an event comes that nobody waits for. It holds the loop alive
 * only while somebody waits. */
#include <assert.h>

#include "base/mem.h"
#include "fiber/internal.h"

enum { READER, WRITER };

/* On the waiting fiber's stack, since the fiber_fd may be gone when it runs again. */
struct fd_wait {
    fiber_waiter waiter;
    int got; /* the events that came, or a negative code: the fiber_fd is gone */
};

struct fiber_fd {
    uv_poll_t poll;
    int active;                 /* the events it is started for */
    struct fd_wait *waiting[2]; /* reader, writer; the same one for both when it waits for either */
};

static void update_ref(fiber_fd *f)
{
    if (f->waiting[READER] || f->waiting[WRITER]) {
        uv_ref((uv_handle_t *)&f->poll);
    } else {
        uv_unref((uv_handle_t *)&f->poll);
    }
}

static void on_poll(uv_poll_t *h, int status, int events);

static int set_active(fiber_fd *f, int events)
{
    if (events == f->active) {
        return 0;
    }
    int rc = events ? uv_poll_start(&f->poll, events, on_poll) : uv_poll_stop(&f->poll);
    if (rc == 0) {
        f->active = events;
    }
    return rc;
}

static void wake(fiber_fd *f, int events)
{
    for (int side = READER; side <= WRITER; side++) {
        struct fd_wait *w = f->waiting[side];
        bool both = w && w == f->waiting[!side];
        int mine = events < 0 || both ? events : events & (side == READER ? FIBER_READ : FIBER_WRITE);
        if (w && mine) {
            w->got = mine;
            f->waiting[side] = NULL;
            if (both) {
                f->waiting[!side] = NULL;
            }
            fiber_wake(&w->waiter);
        }
    }
    update_ref(f);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
    fiber_fd *f = h->data;
    if (status < 0) { /* an error condition; libuv has stopped the handle. The next read or write tells */
        f->active = 0;
        wake(f, FIBER_READ | FIBER_WRITE);
        return;
    }
    int wanted = (f->waiting[READER] ? FIBER_READ : 0) | (f->waiting[WRITER] ? FIBER_WRITE : 0);
    wake(f, events & wanted);
    if (events & ~wanted) {
        (void)set_active(f, f->active & ~(events & ~wanted)); /* stopping, or restarting with less: cannot fail */
    }
}

int fiber_fd_new(int fd, fiber_fd **ret)
{
    _Static_assert(FIBER_READ == (int)UV_READABLE && FIBER_WRITE == (int)UV_WRITABLE, "passed on as they are");
    fiber_loop *l = loop_needed();
    if (!l) {
        return -ENXIO;
    }
    fiber_fd *f = mem_zalloc(1, sizeof *f);
    if (!f) {
        return diag_nomem();
    }
    int rc = uv_poll_init(l->uv, &f->poll, fd);
    if (rc) {
        mem_free(f);
        return diag_set(rc, "cannot watch descriptor %d: %s", fd, uv_strerror(rc));
    }
    f->poll.data = f;
    uv_unref((uv_handle_t *)&f->poll);
    *ret = f;
    return 0;
}

static void on_closed(uv_handle_t *h)
{
    mem_free(h->data);
}

void fiber_fd_free(fiber_fd *f)
{
    if (f) {
        wake(f, -ECANCELED);
        uv_close((uv_handle_t *)&f->poll, on_closed);
    }
}

int fiber_fd_wait(fiber_fd *f, int events, int64_t deadline)
{
    assert(events && !(events & ~(FIBER_READ | FIBER_WRITE)));
    int rc = suspend_begin(&deadline);
    if (rc) {
        return rc;
    }
    bool side[2] = {events & FIBER_READ, events & FIBER_WRITE};
    if ((side[READER] && f->waiting[READER]) || (side[WRITER] && f->waiting[WRITER])) {
        return diag_set(-EBUSY, "another fiber waits for the same direction of this descriptor");
    }
    rc = set_active(f, f->active | events);
    if (rc) {
        return diag_set(rc, "cannot watch a descriptor: %s", uv_strerror(rc));
    }
    struct fd_wait w = {.got = 0};
    fiber_waiter_init(&w.waiter);
    for (int i = READER; i <= WRITER; i++) {
        f->waiting[i] = side[i] ? &w : f->waiting[i];
    }
    update_ref(f);
    rc = park_begun(&w.waiter, deadline);
    if (w.got) { /* woken, perhaps after the deadline: an event will come again, but a freed fd will not */
        return w.got < 0 ? diag_set(w.got, "the descriptor was given up by another fiber") : rc ? rc : w.got;
    }
    assert(rc);
    for (int i = READER; i <= WRITER; i++) {
        f->waiting[i] = side[i] ? NULL : f->waiting[i];
    }
    update_ref(f);
    return rc;
}
