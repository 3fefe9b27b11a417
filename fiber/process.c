/* Child processes. */
#include <assert.h>
#include <signal.h>

#include "base/mem.h"
#include "fiber/internal.h"

struct fiber_process {
    uv_process_t uv;
    struct fiber_queue waiters;
    bool ended;
    int status;
};

static void on_exit(uv_process_t *h, int64_t status, int signum)
{
    fiber_process *p = h->data;
    p->ended = true;
    p->status = signum ? 128 + signum : (int)status;
    fiber_waiter *w;
    while ((w = queue_pop(&p->waiters))) {
        fiber_wake(w);
    }
}

static void on_closed(uv_handle_t *h)
{
    mem_free(h->data);
}

int fiber_process_start(const struct fiber_process_options *o, fiber_process **ret)
{
    assert(o->argv && o->argv[0]);
    fiber_loop *l = loop_needed();
    if (!l) {
        return -ENXIO;
    }
    fiber_process *p = mem_zalloc(1, sizeof *p);
    if (!p) {
        return diag_nomem();
    }
    p->uv.data = p;
    uv_stdio_container_t stdio[3];
    for (int i = 0; i < 3; i++) {
        stdio[i] = o->fds[i] < 0 ? (uv_stdio_container_t){.flags = UV_IGNORE}
                                 : (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = o->fds[i]};
    }
    /* libuv only reads what these pointers do not promise to leave alone. */
    uv_process_options_t uv = {
        .exit_cb = on_exit,
        .file = o->argv[0],
        .args = (char **)(uintptr_t)o->argv,
        .env = (char **)(uintptr_t)o->env,
        .cwd = o->dir,
        .stdio_count = 3,
        .stdio = stdio,
    };
    int rc = uv_spawn(l->uv, &p->uv, &uv);
    if (rc) {
        uv_close((uv_handle_t *)&p->uv, on_closed);
        return diag_set(rc, "cannot start %s: %s", o->argv[0], uv_strerror(rc));
    }
    uv_unref((uv_handle_t *)&p->uv);
    *ret = p;
    return 0;
}

int fiber_process_pid(const fiber_process *p)
{
    return p->uv.pid;
}

int fiber_process_kill(fiber_process *p, int signum)
{
    int rc = p->ended ? -ESRCH : uv_process_kill(&p->uv, signum); /* an ended one's number may be another's now */
    return rc ? diag_set(rc, "cannot signal process %d: %s", p->uv.pid, uv_strerror(rc)) : 0;
}

int fiber_process_wait(fiber_process *p, int64_t deadline, int *ret_status)
{
    int rc = suspend_begin(&deadline);
    if (rc == 0 && !p->ended) {
        fiber_waiter w;
        fiber_waiter_init(&w);
        uv_ref((uv_handle_t *)&p->uv);
        rc = queue_park(&p->waiters, &w, deadline);
        if (!p->waiters.head) {
            uv_unref((uv_handle_t *)&p->uv);
        }
    }
    if (rc == 0) {
        assert(p->ended);
        *ret_status = p->status;
    }
    return rc;
}

void fiber_process_close(fiber_process *p)
{
    if (!p) {
        return;
    }
    assert(!p->waiters.head);
    if (!p->ended) {
        (void)uv_process_kill(&p->uv, SIGKILL);
        fiber_waiter w;
        fiber_waiter_init(&w);
        queue_push(&p->waiters, &w);
        uv_ref((uv_handle_t *)&p->uv);
        park_hard(&w);
    }
    uv_close((uv_handle_t *)&p->uv, on_closed);
}
