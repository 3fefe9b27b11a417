#include "fiber/pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>

#include "base/mem.h"
#include "fiber/internal.h"

struct pool_thread {
    pthread_t id;
    struct pool *pool;
    bool busy;
};

/* The loop's side and each thread hold a reference; the handle's memory is the loop's own (struct completion). */
struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct pool_job *head, *tail; /* the queue */
    struct pool_job *done;
    struct completion *completion; /* NULL: closed */
    unsigned idle, started, threads_max, references;
    unsigned outstanding; /* the loop's thread only: jobs whose done is to come */
    struct pool_thread threads[];
};

struct completion {
    uv_async_t async;
    struct pool *pool;
};

static void lock(struct pool *p)
{
    int rc = pthread_mutex_lock(&p->lock);
    assert(rc == 0);
    (void)rc;
}

static void unlock(struct pool *p)
{
    int rc = pthread_mutex_unlock(&p->lock);
    assert(rc == 0);
    (void)rc;
}

/* Called locked; unlocks. */
static void drop_reference(struct pool *p)
{
    bool last = --p->references == 0;
    unlock(p);
    if (last) {
        (void)pthread_mutex_destroy(&p->lock);
        (void)pthread_cond_destroy(&p->work);
        mem_free(p);
    }
}

static struct pool_job *take(struct pool *p)
{
    struct pool_job *job = p->head;
    p->head = job->next;
    if (!p->head) {
        p->tail = NULL;
    }
    job->next = NULL;
    job->queued = false;
    return job;
}

static void *thread_main(void *arg)
{
    struct pool_thread *self = arg;
    struct pool *p = self->pool;
    lock(p);
    while (p->completion) {
        if (!p->head) {
            p->idle++;
            (void)pthread_cond_wait(&p->work, &p->lock);
            p->idle--;
            continue;
        }
        struct pool_job *job = take(p);
        self->busy = true;
        unlock(p);
        job->run(job);
        lock(p);
        self->busy = false;
        if (p->completion) {
            job->next = p->done;
            p->done = job;
            (void)uv_async_send(&p->completion->async); /* under the lock, so it is not being closed */
        } else {
            unlock(p);
            job->done(job);
            lock(p);
        }
    }
    drop_reference(p);
    return NULL;
}

/* With the lock held. Signals are left to the loop's thread. */
static int start_thread(struct pool *p)
{
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    struct pool_thread *t = &p->threads[p->started];
    t->pool = p;
    int rc = pthread_create(&t->id, NULL, thread_main, t);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc == 0) {
        p->started++;
        p->references++;
    }
    return -rc;
}

static void on_async(uv_async_t *h)
{
    struct pool *p = ((struct completion *)h->data)->pool;
    lock(p);
    struct pool_job *done = p->done, *in_order = NULL;
    p->done = NULL;
    unlock(p);
    while (done) {
        struct pool_job *next = done->next;
        done->next = in_order;
        in_order = done;
        done = next;
    }
    while (in_order) {
        struct pool_job *job = in_order;
        in_order = job->next;
        if (--p->outstanding == 0) {
            uv_unref((uv_handle_t *)h);
        }
        job->done(job);
    }
}

static int pool_new(fiber_loop *l, unsigned threads_max, struct pool **ret)
{
    struct pool *p = mem_zalloc(1, sizeof *p + threads_max * sizeof p->threads[0]);
    struct completion *c = mem_zalloc(1, sizeof *c);
    if (!p || !c) {
        mem_free(p);
        mem_free(c);
        return diag_nomem();
    }
    int rc = uv_async_init(l->uv, &c->async, on_async);
    if (rc) {
        mem_free(p);
        mem_free(c);
        return diag_set(rc, "cannot make a thread pool: %s", uv_strerror(rc));
    }
    uv_unref((uv_handle_t *)&c->async);
    c->async.data = c;
    c->pool = p;
    (void)pthread_mutex_init(&p->lock, NULL); /* with default attributes these cannot fail in glibc */
    (void)pthread_cond_init(&p->work, NULL);
    p->threads_max = threads_max;
    p->references = 1;
    p->completion = c;
    *ret = p;
    return 0;
}

int pool_submit(struct pool **pp, fiber_loop *l, unsigned threads_max, struct pool_job *job)
{
    int rc = *pp ? 0 : pool_new(l, threads_max, pp);
    if (rc) {
        return rc;
    }
    struct pool *p = *pp;
    lock(p);
    size_t waiting = 1;
    for (const struct pool_job *j = p->head; j && waiting <= p->idle; j = j->next) {
        waiting++;
    }
    if (waiting > p->idle && p->started < p->threads_max) {
        rc = start_thread(p);
        if (rc && p->started == 0) {
            unlock(p);
            return diag_set(-EAGAIN, "no thread could be started to run a blocking call: %s", uv_strerror(rc));
        }
    }
    job->next = NULL;
    job->queued = true;
    if (p->tail) {
        p->tail->next = job;
    } else {
        p->head = job;
    }
    p->tail = job;
    (void)pthread_cond_signal(&p->work);
    unlock(p);
    if (p->outstanding++ == 0) {
        uv_ref((uv_handle_t *)&p->completion->async);
    }
    return 0;
}

bool pool_withdraw(struct pool *p, struct pool_job *job)
{
    lock(p);
    bool withdrawn = job->queued;
    if (withdrawn) {
        struct pool_job *prev = NULL;
        for (struct pool_job *j = p->head; j != job; j = j->next) {
            prev = j;
        }
        if (prev) {
            prev->next = job->next;
        } else {
            p->head = job->next;
        }
        if (p->tail == job) {
            p->tail = prev;
        }
        job->queued = false;
    }
    unlock(p);
    if (withdrawn && --p->outstanding == 0) {
        uv_unref((uv_handle_t *)&p->completion->async);
    }
    return withdrawn;
}

static void on_closed(uv_handle_t *h)
{
    mem_free(h->data);
}

void pool_close(struct pool *p)
{
    if (!p) {
        return;
    }
    lock(p);
    struct completion *c = p->completion;
    struct pool_job *done = p->done;
    p->done = NULL;
    p->completion = NULL;
    assert(!p->head); /* whoever abandoned a job withdrew it first */
    (void)pthread_cond_broadcast(&p->work);
    unlock(p);
    while (done) {
        struct pool_job *next = done->next;
        done->done(done);
        done = next;
    }
    for (unsigned i = 0; i < p->started; i++) {
        lock(p);
        bool busy = p->threads[i].busy;
        unlock(p);
        if (busy) {
            (void)pthread_detach(p->threads[i].id);
        } else {
            (void)pthread_join(p->threads[i].id, NULL);
        }
    }
    uv_close((uv_handle_t *)&c->async, on_closed);
    lock(p);
    drop_reference(p);
}
