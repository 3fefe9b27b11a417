/* fiber.h: stackful fibers over a libuv loop, so that asynchronous code reads straight.
 *
 * One loop belongs to one thread. Every call here that can wait ("suspends") works inside a fiber and outside:
 * outside, it runs the loop until it is done. Every one of them
 *   - takes a deadline, absolute, in nanoseconds of clock_mono_ns(); FIBER_FOREVER never passes. The deadline in
 *     force is the minimum of it and those of the enclosing fiber_deadline scopes;
 *   - returns -ETIMEDOUT when it passes and -ECANCELED once the fiber is cancelled, at once when it already is;
 *   - returns other negative errno values as its own comment says, with a diagnosis (base/diag.h).
 * Fibers are started in a bundle only, and a bundle's end cancels and joins them: nothing outlives its scope.
 * In a thread without a loop, calls that need none work (they block the thread); the others return -ENXIO.
 * A call that waits must not be made from a libuv callback: the loop cannot run inside itself.
 * All state hangs off the loop; there are no mutable globals but a thread-local pointer to the current loop. */
#ifndef FIBER_FIBER_H
#define FIBER_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#ifdef __cplusplus
#include <atomic>
typedef std::atomic<bool> fiber_flag;
#else
typedef _Atomic bool fiber_flag;
#endif

#include "base/arena.h"
#include "base/decls.h"
#include "base/diag.h"

DECLS_BEGIN

#define FIBER_FOREVER INT64_MAX

typedef struct fiber_loop fiber_loop;
typedef struct fiber fiber;

/* ---- loop ---- */
struct fiber_loop_options {
    uv_loop_t *uv;       /* an existing loop of the caller, who keeps running and closing it; NULL: make one */
    size_t stack_size;   /* bytes, 0: 128 KiB (256 under a sanitizer); rounded up to pages, guard page not counted */
    unsigned max_fibers; /* 0: 30,000 (two kernel mappings each) */
    unsigned threads;    /* size of the offload pool, 0: 4 */
    uint64_t seed;       /* not 0: deterministic simulation: a virtual clock that jumps to the next deadline when all
                            wait and nothing else is outstanding on the loop, and ready fibers picked in an order
                            drawn from the seed */
};
/* Makes the calling thread's current loop. options may be NULL. -ENOMEM, -EBUSY when the thread has one. */
int fiber_loop_open(const struct fiber_loop_options *options, fiber_loop **ret);
/* Every fiber must have ended (asserted) and every fiber_fd, socket, ... been closed. NULL is fine. On a caller's own
 * uv_loop_t the memory is freed when that loop comes round the next time: run it once before uv_loop_close. */
void fiber_loop_close(fiber_loop *l);
fiber_loop *fiber_loop_current(void); /* of this thread, or NULL */
uv_loop_t *fiber_loop_uv(fiber_loop *l);
/* Runs fn(arg) as a fiber, and the loop until it has ended; returns its result. Not from inside a fiber. When fibers
 * wait for each other only, so that nothing can ever wake one, the call in which fn waits returns -EDEADLK. */
int fiber_run(fiber_loop *l, int (*fn)(void *arg), void *arg);

struct fiber_stats {
    unsigned fibers, fibers_peak, stacks_pooled;
    uint64_t switches, started, offloads;
    size_t stack_peak; /* bytes, debug builds; 0 otherwise */
};
void fiber_loop_stats(const fiber_loop *l, struct fiber_stats *ret);
/* Debug builds: the most stack that an ended fiber of that name has used, in bytes; 0 otherwise. */
size_t fiber_stack_peak(const fiber_loop *l, const char *name);

/* ---- time ---- */
/* The loop's monotonic clock in ns (virtual in a seeded run); clock_mono_ns() without a loop. */
int64_t fiber_now(void);
static inline int64_t fiber_in_ms(int64_t ms) /* a deadline that far away; negative: FIBER_FOREVER */
{
    return ms < 0 || ms > INT64_MAX / 2000000 ? FIBER_FOREVER : fiber_now() + ms * 1000000;
}
/* Returns 0 when t has come. */
int fiber_sleep_until(int64_t t);
int fiber_yield(void); /* lets every other ready fiber and the loop's I/O run once */

/* Deadline scope: FIBER_DEADLINE(fiber_in_ms(500)); holds to the end of the C scope for all calls inside. */
struct fiber_deadline_scope {
    fiber *owner;
    int64_t outer;
};
struct fiber_deadline_scope fiber_deadline_enter(int64_t deadline);
void fiber_deadline_leave(struct fiber_deadline_scope *d);
#define FIBER_CAT_(a, b) a##b
#define FIBER_CAT(a, b) FIBER_CAT_(a, b)
#define FIBER_DEADLINE(at)                                                                                           \
    __attribute__((cleanup(fiber_deadline_leave), unused)) struct fiber_deadline_scope FIBER_CAT(scope_, __LINE__) = \
        fiber_deadline_enter(at)
int64_t fiber_deadline(int64_t own); /* the minimum of own and the scopes in force */

/* ---- fibers and bundles ---- */
typedef struct fiber_bundle {
    fiber_loop *loop;
    fiber *first; /* running members */
    struct fiber_waiter *waiter;
    unsigned running;
    int error; /* the first negative result of a member, 0 otherwise */
    bool closing;
    struct diag diag; /* that member's */
} fiber_bundle;

/* Declare with FIBER_BUNDLE(b); to have it closed on every path out of the scope. One fiber at a time may wait. */
void fiber_bundle_open(fiber_bundle *b);
/* Cancels all members and waits for their end, whatever the deadline or cancellation in force. */
void fiber_bundle_close(fiber_bundle *b);
#define FIBER_BUNDLE(name)                                          \
    __attribute__((cleanup(fiber_bundle_close))) fiber_bundle name; \
    fiber_bundle_open(&name)
/* Starts fn(arg); it runs after the next suspend of the caller, also when it was cancelled before. name is static, for
 * diagnostics. -ENOMEM, -EAGAIN at max_fibers, -ECANCELED when the bundle is closing, -ENXIO without a loop. */
#define fiber_start(b, fn, arg) fiber_start_named((b), (fn), (arg), #fn)
int fiber_start_named(fiber_bundle *b, int (*fn)(void *arg), void *arg, const char *name);
/* Waits until all members have ended. Returns the first member's error, or 0. */
int fiber_bundle_wait(fiber_bundle *b, int64_t deadline);
void fiber_bundle_cancel(fiber_bundle *b); /* sets the flag on all and wakes them; does not wait */

fiber *fiber_self(void); /* NULL outside */
bool fiber_is_cancelled(void);
arena *fiber_arena(void); /* freed with the fiber; NULL outside, and when memory is out */
const char *fiber_name(const fiber *f);
/* Cleanup that must suspend (closing a connection politely) in a cancelled fiber, or past its deadline: between the two
 * calls neither cancellation nor the deadline scopes around them are seen; deadlines set inside are. */
void fiber_shield_enter(void);
void fiber_shield_leave(void);
/* Debug builds abort, naming the place, when a call that can wait is made between the two. why is static. */
#define fiber_no_suspend_enter(why) fiber_no_suspend_enter_at((why), FIBER_HERE)
void fiber_no_suspend_enter_at(const char *why, const char *where);
void fiber_no_suspend_leave(void);
#define FIBER_STR_(x) #x
#define FIBER_STR(x) FIBER_STR_(x)
#define FIBER_HERE __FILE__ ":" FIBER_STR(__LINE__)

/* ---- the primitive the others are made of ---- */
/* Suspends until fiber_wake(w) (w filled in by fiber_waiter_init in the fiber that will park), the deadline or
 * cancellation, whichever comes first. Spurious wakes do not occur. A wake before the park is kept; a park that returns
 * 0 has used it up, and the waiter can be parked on again. */
typedef struct fiber_waiter {
    fiber_loop *loop;
    fiber *fiber; /* NULL: the thread outside */
    bool woken, parked;
    struct fiber_waiter *next, *prev; /* for queues of the owner */
} fiber_waiter;
void fiber_waiter_init(fiber_waiter *w);
int fiber_park(fiber_waiter *w, int64_t deadline);
#define fiber_wake(w) fiber_wake_at((w), FIBER_HERE) /* same thread only; idempotent; fine in a libuv callback */
void fiber_wake_at(fiber_waiter *w, const char *where);

/* ---- synchronisation between fibers of one loop (not threads); FIFO fair ---- */
struct fiber_queue {
    fiber_waiter *head, *tail;
};
typedef struct fiber_mutex {
    struct fiber_queue waiters;
    bool locked;
} fiber_mutex; /* all zero: unlocked */
int fiber_mutex_lock(fiber_mutex *m, int64_t deadline);
bool fiber_mutex_try_lock(fiber_mutex *m);
void fiber_mutex_unlock(fiber_mutex *m);

typedef struct fiber_cond {
    struct fiber_queue waiters;
} fiber_cond; /* all zero */
/* Unlocks m (may be NULL: no mutex), waits, locks again (shielded). */
int fiber_cond_wait(fiber_cond *c, fiber_mutex *m, int64_t deadline);
void fiber_cond_signal(fiber_cond *c);
void fiber_cond_broadcast(fiber_cond *c);

typedef struct fiber_sem {
    struct fiber_queue waiters;
    unsigned count;
} fiber_sem; /* set count */
int fiber_sem_acquire(fiber_sem *s, int64_t deadline);
bool fiber_sem_try_acquire(fiber_sem *s);
void fiber_sem_release(fiber_sem *s);

/* Channel of fixed-size items; room 0 hands over directly. */
typedef struct fiber_chan fiber_chan;
int fiber_chan_new(size_t item_size, size_t room, fiber_chan **ret);    /* -ENOMEM */
void fiber_chan_free(fiber_chan *c);                                    /* nobody may wait in it (asserted) */
int fiber_chan_send(fiber_chan *c, const void *item, int64_t deadline); /* -EPIPE after close */
int fiber_chan_recv(fiber_chan *c, void *item, int64_t deadline);       /* -EPIPE when closed and empty */
bool fiber_chan_try_send(fiber_chan *c, const void *item);              /* false: full or closed */
bool fiber_chan_try_recv(fiber_chan *c, void *item);
void fiber_chan_close(fiber_chan *c);
size_t fiber_chan_len(const fiber_chan *c);

/* ---- threads ---- */
/* Runs fn(arg) on the loop's thread pool and returns its result. A fiber cancelled or timed out meanwhile still waits
 * until fn has ended (fn's arg may be on its stack); *stop, when not NULL, is then set for fn to look at. A call costs
 * about 10 us: move whole pieces of work, never single steps. -ENOMEM. */
int fiber_offload(int (*fn)(void *arg), void *arg, fiber_flag *stop);

/* ---- I/O ---- */
enum { FIBER_READ = 1, FIBER_WRITE = 2 };
/* A descriptor watched by the loop through one persistent uv_poll. Several fibers may wait on one, at most one for
 * each direction. The descriptor stays the caller's. */
typedef struct fiber_fd fiber_fd;
int fiber_fd_new(int fd, fiber_fd **ret); /* sets O_NONBLOCK; -ENOMEM, -EBADF, -EPERM (regular file) */
void fiber_fd_free(fiber_fd *f);          /* before close(fd); wakes waiters with -ECANCELED; NULL is fine */
/* Returns the ready events among events (FIBER_READ|FIBER_WRITE), > 0. */
int fiber_fd_wait(fiber_fd *f, int events, int64_t deadline);

/* Stream sockets (TCP and Unix). */
typedef struct fiber_sock fiber_sock;
struct fiber_addr {
    struct sockaddr_storage ss;
    socklen_t len;
};
int fiber_addr_parse(const char *ip, uint16_t port, struct fiber_addr *ret); /* literal v4 or v6; -EINVAL */
/* "127.0.0.1:80", "[::1]:80", or a path; returns out. */
enum { FIBER_ADDR_TEXT = 128 };
const char *fiber_addr_format(const struct fiber_addr *a, char out[DECLS_AT_LEAST(FIBER_ADDR_TEXT)]);
int fiber_addr_unix(const char *path, struct fiber_addr *ret);                           /* -EINVAL: too long */
int fiber_sock_connect(const struct fiber_addr *to, int64_t deadline, fiber_sock **ret); /* -ECONNREFUSED, ... */
int fiber_sock_listen(const struct fiber_addr *on, int backlog, fiber_sock **ret);       /* SO_REUSEADDR */
int fiber_sock_accept(fiber_sock *listener, int64_t deadline, fiber_sock **ret);
int fiber_sock_addr(const fiber_sock *s, struct fiber_addr *ret); /* its own address: the port after port 0 */
ssize_t fiber_sock_read(fiber_sock *s, void *p, size_t len, int64_t deadline);    /* 0 at the end */
int fiber_sock_write(fiber_sock *s, const void *p, size_t len, int64_t deadline); /* all of it */
int fiber_sock_shutdown(fiber_sock *s);                                           /* no more writes */
void fiber_sock_close(fiber_sock *s);                                             /* NULL is fine */
int fiber_sock_fd(const fiber_sock *s);

/* All addresses of host by getaddrinfo(3) on the thread pool, in its order, port set; at most max of them.
 * Returns how many (> 0), -ENOENT when there is no such name, -EAGAIN when the resolver failed for now. A lookup given
 * up goes on in its thread until the resolver returns, and nobody waits for it. */
int fiber_resolve(const char *host, uint16_t port, struct fiber_addr *addrs, size_t max, int64_t deadline);

/* ---- signals and processes ---- */
typedef struct fiber_signal fiber_signal;
int fiber_signal_open(const int *signums, size_t n, fiber_signal **ret); /* takes them over until closed */
/* The signal's number. Signals that came before the wait are kept, each number once; one fiber at a time waits. */
int fiber_signal_wait(fiber_signal *s, int64_t deadline);
void fiber_signal_close(fiber_signal *s);

struct fiber_process_options {
    const char *const *argv; /* argv[0] is the program, looked up in PATH; NULL-terminated */
    const char *const *env;  /* NULL: the caller's */
    const char *dir;         /* NULL: the caller's */
    int fds[3];              /* negative: /dev/null; else a descriptor to hand down as stdin, stdout, stderr */
};
typedef struct fiber_process fiber_process;
int fiber_process_start(const struct fiber_process_options *o, fiber_process **ret); /* -ENOENT, -EACCES, ... */
int fiber_process_pid(const fiber_process *p);
int fiber_process_kill(fiber_process *p, int signum);
/* *ret_status: exit code, or 128 + signal. */
int fiber_process_wait(fiber_process *p, int64_t deadline, int *ret_status);
void fiber_process_close(fiber_process *p); /* kills (SIGKILL) and reaps one that still runs */

DECLS_END

#endif
