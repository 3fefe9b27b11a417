/* Every call that can wait, against every way in which a wait ends without what was waited for. */
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"

/* In the place of the resolver: a name server that does not answer for a while. */
int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict ret)
{
    (void)node, (void)service, (void)hints, (void)ret;
    (void)usleep(30000);
    return EAI_AGAIN;
}

struct world {
    fiber_mutex locked;
    fiber_cond cond;
    fiber_sem none;
    fiber_chan *chan;
    int pair[2];
    fiber_fd *fd;
    fiber_sock *listener, *full_listener, *a, *b;
    struct fiber_addr at, full_at;
    fiber_signal *signal;
    fiber_process *process;
    struct {
        _Atomic bool stop, begun;
    } thread;
    char dir[32], path[64];
};

static void listen_at(const char *path, int backlog, struct fiber_addr *at, fiber_sock **ret)
{
    OK(fiber_addr_unix(path, at));
    OK(fiber_sock_listen(at, backlog, ret));
}

static void world_open(struct world *w)
{
    *w = (struct world){.locked.locked = true, .dir = "/tmp/fiber-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(w->dir));
    OK(fiber_chan_new(1, 0, &w->chan));
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w->pair));
    OK(fiber_fd_new(w->pair[0], &w->fd));
    (void)snprintf(w->path, sizeof w->path, "%s/s", w->dir);
    listen_at(w->path, 8, &w->at, &w->listener);
    OK(fiber_sock_connect(&w->at, FIBER_FOREVER, &w->a));
    OK(fiber_sock_accept(w->listener, FIBER_FOREVER, &w->b));
    (void)snprintf(w->path, sizeof w->path, "%s/full", w->dir);
    listen_at(w->path, 0, &w->full_at, &w->full_listener);
    OK(fiber_signal_open((const int[]){SIGUSR1}, 1, &w->signal));
    struct fiber_process_options o = {.argv = (const char *const[]){"sleep", "1000", NULL}, .fds = {-1, -1, -1}};
    OK(fiber_process_start(&o, &w->process));
}

static void world_close(struct world *w)
{
    fiber_process_close(w->process);
    fiber_signal_close(w->signal);
    fiber_sock_close(w->a);
    fiber_sock_close(w->b);
    fiber_sock_close(w->listener);
    fiber_sock_close(w->full_listener);
    fiber_fd_free(w->fd);
    OK(close(w->pair[0]));
    OK(close(w->pair[1]));
    fiber_chan_free(w->chan);
    OK(unlink(w->path));
    (void)snprintf(w->path, sizeof w->path, "%s/s", w->dir);
    OK(unlink(w->path));
    OK(rmdir(w->dir));
}

static int call_park(struct world *w, int64_t deadline)
{
    (void)w;
    fiber_waiter waiter;
    fiber_waiter_init(&waiter);
    return fiber_park(&waiter, deadline);
}

static int call_sleep(struct world *w, int64_t deadline)
{
    (void)w, (void)deadline;
    return fiber_sleep_until(FIBER_FOREVER);
}

static int call_yield(struct world *w, int64_t deadline)
{
    (void)w, (void)deadline;
    int rc;
    while ((rc = fiber_yield()) == 0) {
    }
    return rc;
}

static int call_mutex(struct world *w, int64_t deadline)
{
    return fiber_mutex_lock(&w->locked, deadline);
}

static int call_cond(struct world *w, int64_t deadline)
{
    fiber_mutex m = {.locked = true};
    int rc = fiber_cond_wait(&w->cond, &m, deadline);
    ck_assert(m.locked);
    return rc;
}

static int call_cond_alone(struct world *w, int64_t deadline)
{
    return fiber_cond_wait(&w->cond, NULL, deadline);
}

static int call_sem(struct world *w, int64_t deadline)
{
    return fiber_sem_acquire(&w->none, deadline);
}

static int call_send(struct world *w, int64_t deadline)
{
    return fiber_chan_send(w->chan, "x", deadline);
}

static int call_recv(struct world *w, int64_t deadline)
{
    char c;
    return fiber_chan_recv(w->chan, &c, deadline);
}

static int until_told(void *arg)
{
    struct world *w = arg;
    atomic_store(&w->thread.begun, true);
    while (!atomic_load(&w->thread.stop)) {
        (void)usleep(200);
    }
    return -EINTR;
}

static int call_offload(struct world *w, int64_t deadline)
{
    (void)deadline;
    return fiber_offload(until_told, w, &w->thread.stop);
}

static int call_fd(struct world *w, int64_t deadline)
{
    return fiber_fd_wait(w->fd, FIBER_READ, deadline);
}

static int call_connect(struct world *w, int64_t deadline)
{
    fiber_sock *s[4] = {NULL}; /* the backlog holds one or two */
    int rc = 0;
    for (int i = 0; i < 4 && rc == 0; i++) {
        rc = fiber_sock_connect(&w->full_at, deadline, &s[i]);
    }
    for (int i = 0; i < 4; i++) {
        fiber_sock_close(s[i]);
    }
    return rc;
}

static int call_accept(struct world *w, int64_t deadline)
{
    fiber_sock *s;
    return fiber_sock_accept(w->listener, deadline, &s);
}

static int call_read(struct world *w, int64_t deadline)
{
    char c;
    return (int)fiber_sock_read(w->a, &c, 1, deadline);
}

static int call_write(struct world *w, int64_t deadline)
{
    static const char bulk[4 << 20];
    return fiber_sock_write(w->b, bulk, sizeof bulk, deadline);
}

static int call_resolve(struct world *w, int64_t deadline)
{
    (void)w;
    struct fiber_addr a;
    return fiber_resolve("example.invalid", 80, &a, 1, deadline);
}

static int call_signal(struct world *w, int64_t deadline)
{
    return fiber_signal_wait(w->signal, deadline);
}

static int call_process(struct world *w, int64_t deadline)
{
    int status;
    return fiber_process_wait(w->process, deadline, &status);
}

static int sleep_on(void *arg)
{
    (void)arg;
    return fiber_sleep_until(FIBER_FOREVER);
}

static int call_bundle(struct world *w, int64_t deadline)
{
    (void)w;
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, sleep_on, NULL));
    return fiber_bundle_wait(&b, deadline);
}

static const struct call {
    const char *name;
    int (*fn)(struct world *w, int64_t deadline);
    bool no_deadline; /* it has none of its own */
} calls[] = {
    {"park", call_park},
    {"sleep", call_sleep, .no_deadline = true},
    {"yield", call_yield, .no_deadline = true},
    {"mutex_lock", call_mutex},
    {"cond_wait", call_cond},
    {"cond_wait without a mutex", call_cond_alone},
    {"sem_acquire", call_sem},
    {"chan_send", call_send},
    {"chan_recv", call_recv},
    {"offload", call_offload, .no_deadline = true},
    {"fd_wait", call_fd},
    {"sock_connect", call_connect},
    {"sock_accept", call_accept},
    {"sock_read", call_read},
    {"sock_write", call_write},
    {"resolve", call_resolve},
    {"signal_wait", call_signal},
    {"process_wait", call_process},
    {"bundle_wait", call_bundle},
};
enum { CALLS = sizeof calls / sizeof *calls };

struct attempt {
    const struct call *call;
    struct world *world;
    int64_t deadline, scope; /* FIBER_FOREVER: none */
    bool shielded, ended;
    int rc;
    uint64_t switches;
};

static uint64_t switches(void)
{
    struct fiber_stats s;
    fiber_loop_stats(fiber_loop_current(), &s);
    return s.switches;
}

static void scoped_call(struct attempt *a)
{
    FIBER_DEADLINE(a->scope);
    a->rc = a->call->fn(a->world, a->deadline);
}

static int attempt(void *arg)
{
    struct attempt *a = arg;
    if (a->shielded) {
        fiber_shield_enter();
    }
    uint64_t before = switches();
    scoped_call(a);
    a->switches = switches() - before;
    if (a->shielded) {
        fiber_shield_leave();
    }
    a->ended = true;
    return 0;
}

static struct attempt new_attempt(const struct call *c, struct world *w)
{
    return (struct attempt){.call = c, .world = w, .deadline = FIBER_FOREVER, .scope = FIBER_FOREVER};
}

static void check(const struct attempt *a, int want)
{
    if (atomic_load(&a->world->thread.begun)) {
        want = -EINTR; /* what the thread's function says, which is waited for */
    }
    ck_assert_msg(a->ended && a->rc == want, "%s: returned %d, not %d", a->call->name, a->rc, want);
}

static int each_call(void (*with)(const struct call *c, struct world *w))
{
    for (int i = 0; i < CALLS; i++) {
        struct world w;
        world_open(&w);
        with(&calls[i], &w);
        world_close(&w);
    }
    return 0;
}

static void cancel_while_waiting(const struct call *c, struct world *w)
{
    struct attempt a = new_attempt(c, w);
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, attempt, &a));
    OK(fiber_sleep_until(fiber_in_ms(2)));
    ck_assert_msg(!a.ended, "%s did not wait: %d", c->name, a.rc);
    fiber_bundle_cancel(&b);
    OK(fiber_bundle_wait(&b, fiber_in_ms(5000)));
    check(&a, -ECANCELED);
}

START_FIBER_TEST(every_call_ends_when_its_fiber_is_cancelled)
{
    each_call(cancel_while_waiting);
}
END_FIBER_TEST

static void cancel_before(const struct call *c, struct world *w)
{
    struct attempt a = new_attempt(c, w);
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, attempt, &a));
    fiber_bundle_cancel(&b);
    OK(fiber_bundle_wait(&b, FIBER_FOREVER));
    check(&a, -ECANCELED);
    ck_assert_msg(a.switches == 0 || c->fn == call_bundle, "%s waited first", c->name); /* a bundle joins its own */
}

START_FIBER_TEST(every_call_fails_at_once_in_a_cancelled_fiber)
{
    each_call(cancel_before);
}
END_FIBER_TEST

static void own_deadline(const struct call *c, struct world *w)
{
    if (c->no_deadline) {
        return;
    }
    struct attempt a = new_attempt(c, w);
    a.deadline = fiber_in_ms(3);
    OK(attempt(&a));
    check(&a, -ETIMEDOUT);
    ck_assert_int_ge(fiber_now(), a.deadline);
    OK(attempt(&a));
    check(&a, -ETIMEDOUT);
    ck_assert_msg(a.switches == 0 || c->fn == call_bundle, "%s waited past its deadline", c->name);
}

START_FIBER_TEST(every_call_ends_at_its_own_deadline)
{
    each_call(own_deadline);
}
END_FIBER_TEST

static void scope_deadline(const struct call *c, struct world *w)
{
    struct attempt a = new_attempt(c, w);
    a.scope = fiber_in_ms(3);
    OK(attempt(&a));
    check(&a, -ETIMEDOUT);
    ck_assert_int_ge(fiber_now(), a.scope);
    atomic_store(&w->thread.begun, false);
    OK(attempt(&a));
    check(&a, -ETIMEDOUT);
}

START_FIBER_TEST(every_call_ends_at_the_deadline_of_its_scope)
{
    each_call(scope_deadline);
}
END_FIBER_TEST

static void shielded(const struct call *c, struct world *w)
{
    struct attempt a = new_attempt(c, w);
    a.scope = fiber_in_ms(8);
    a.shielded = true;
    FIBER_BUNDLE(b);
    OK(fiber_start(&b, attempt, &a));
    OK(fiber_sleep_until(fiber_in_ms(2)));
    fiber_bundle_cancel(&b);
    OK(fiber_sleep_until(fiber_in_ms(2)));
    ck_assert_msg(!a.ended || fiber_now() >= a.scope, "%s did not hold its shield", c->name);
    OK(fiber_bundle_wait(&b, fiber_in_ms(5000)));
    check(&a, -ETIMEDOUT);
}

START_FIBER_TEST(a_shielded_call_ends_at_its_deadline_only)
{
    each_call(shielded);
}
END_FIBER_TEST

START_TEST(outside_a_fiber_every_call_ends_at_its_deadline)
{
    fiber_loop *l;
    OK(fiber_loop_open(NULL, &l));
    each_call(own_deadline);
    each_call(scope_deadline);
    fiber_loop_close(l);
}
END_TEST

RUN("fiber cancel", 30, CASE(every_call_ends_when_its_fiber_is_cancelled),
    CASE(every_call_fails_at_once_in_a_cancelled_fiber), CASE(every_call_ends_at_its_own_deadline),
    CASE(every_call_ends_at_the_deadline_of_its_scope), CASE(a_shielded_call_ends_at_its_deadline_only),
    CASE(outside_a_fiber_every_call_ends_at_its_deadline));
