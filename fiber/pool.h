/* pool.h: threads that run jobs for one loop.
 *
 * Threads start when there is work for them, up to the pool's size, and live until the pool is closed. A job belongs to
 * its submitter; done is called on the loop's thread, or on the pool's thread when the pool was closed before the
 * job's end (only abandoned jobs may be left by then). */
#ifndef FIBER_POOL_H
#define FIBER_POOL_H

#include <stdbool.h>

#include "fiber/fiber.h"

struct pool;

struct pool_job {
    void (*run)(struct pool_job *job);
    void (*done)(struct pool_job *job);
    struct pool_job *next; /* in the queue, or among those done */
    bool queued;
};

/* Makes *p when it is NULL. -ENOMEM, -EAGAIN (no thread could be started), or what uv_async_init says. */
int pool_submit(struct pool **p, fiber_loop *l, unsigned threads_max, struct pool_job *job);
/* True: the job had not begun and never will. */
bool pool_withdraw(struct pool *p, struct pool_job *job);
void pool_close(struct pool *p); /* does not wait for threads that are in abandoned jobs; NULL is fine */

#endif
