/* Signals, as what a fiber waits for. */
#include <assert.h>
#include <signal.h>
#include <string.h>

#include "base/mem.h"
#include "fiber/internal.h"

enum { SIGNAL_MAX = 64 };

struct fiber_signal {
    uint64_t pending; /* bit n-1: signal n came; several of one number count once, as in the kernel */
    fiber_waiter *waiter;
    size_t n, open;
    uv_signal_t handles[];
};

static void on_signal(uv_signal_t *h, int signum)
{
    fiber_signal *s = h->data;
    s->pending |= UINT64_C(1) << (signum - 1);
    if (s->waiter) {
        fiber_wake(s->waiter);
    }
}

static void on_closed(uv_handle_t *h)
{
    fiber_signal *s = h->data;
    if (--s->open == 0) {
        mem_free(s);
    }
}

int fiber_signal_open(const int *signums, size_t n, fiber_signal **ret)
{
    assert(signums && n > 0 && n <= SIGNAL_MAX);
    fiber_loop *l = loop_needed();
    if (!l) {
        return -ENXIO;
    }
    fiber_signal *s = mem_zalloc(1, sizeof *s + n * sizeof s->handles[0]);
    if (!s) {
        return diag_nomem();
    }
    int rc = 0;
    for (s->n = 0; rc == 0 && s->n < n;) {
        int signum = signums[s->n];
        uv_signal_t *h = &s->handles[s->n];
        rc = signum < 1 || signum > SIGNAL_MAX ? -EINVAL : uv_signal_init(l->uv, h);
        if (rc == 0) {
            h->data = s;
            s->n++;
            rc = uv_signal_start(h, on_signal, signum);
            uv_unref((uv_handle_t *)h);
        }
        if (rc) {
            (void)diag_set(rc, "cannot take over signal %d: %s", signum, uv_strerror(rc));
        }
    }
    if (rc) {
        if (s->n == 0) {
            mem_free(s);
        } else {
            fiber_signal_close(s);
        }
        return rc;
    }
    *ret = s;
    return 0;
}

static void hold(fiber_signal *s, bool on)
{
    for (size_t i = 0; i < s->n; i++) {
        if (on) {
            uv_ref((uv_handle_t *)&s->handles[i]);
        } else {
            uv_unref((uv_handle_t *)&s->handles[i]);
        }
    }
}

int fiber_signal_wait(fiber_signal *s, int64_t deadline)
{
    int rc = suspend_begin(&deadline);
    if (rc) {
        return rc;
    }
    if (!s->pending) {
        if (s->waiter) {
            return diag_set(-EBUSY, "another fiber waits for these signals");
        }
        fiber_waiter w;
        fiber_waiter_init(&w);
        s->waiter = &w;
        hold(s, true);
        rc = park_begun(&w, deadline);
        hold(s, false);
        s->waiter = NULL;
        if (rc) {
            return rc;
        }
    }
    int signum = __builtin_ctzll(s->pending) + 1;
    s->pending &= s->pending - 1;
    return signum;
}

void fiber_signal_close(fiber_signal *s)
{
    if (s) {
        assert(!s->waiter);
        s->open = s->n;
        for (size_t i = 0; i < s->n; i++) {
            uv_close((uv_handle_t *)&s->handles[i], on_closed);
        }
    }
}
