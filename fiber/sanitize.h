/* sanitize.h: what AddressSanitizer, ThreadSanitizer and valgrind are told about stacks; nothing in other builds. */
#ifndef FIBER_SANITIZE_H
#define FIBER_SANITIZE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif

#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define SANITIZE_UNPOISON(p, size) __asan_unpoison_memory_region((p), (size))
#define NO_ASAN __attribute__((no_sanitize("address")))
#else
#define SANITIZE_UNPOISON(p, size) ((void)(p), (void)(size))
#define NO_ASAN
#endif
#ifdef FIBER_TSAN
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sanitizer/tsan_interface.h>
#define NO_TSAN __attribute__((no_sanitize("thread")))
#else
#define NO_TSAN
#endif

#ifdef FIBER_VALGRIND
#include <valgrind/valgrind.h>
#define STACK_REGISTER(low, high) VALGRIND_STACK_REGISTER((low), (high))
#define STACK_DEREGISTER(id) VALGRIND_STACK_DEREGISTER((id))
#define ON_VALGRIND RUNNING_ON_VALGRIND
#else
#define STACK_REGISTER(low, high) 0u
#define STACK_DEREGISTER(id) ((void)(id))
#define ON_VALGRIND 0
#endif

/* One for each fiber and for the thread itself. */
struct sanitize_ctx {
    const void *low; /* its stack; for the thread, learnt at the first switch away from it */
    size_t size;
    void *fake;
    void *tsan;
};

static inline void sanitize_init_thread(struct sanitize_ctx *c)
{
#ifdef FIBER_TSAN
    c->tsan = __tsan_get_current_fiber();
#else
    (void)c;
#endif
}

static inline void sanitize_init(struct sanitize_ctx *c, const void *low, size_t size)
{
    c->low = low;
    c->size = size;
#ifdef FIBER_TSAN
    c->tsan = __tsan_create_fiber(0);
#endif
}

static inline void sanitize_release(struct sanitize_ctx *c)
{
#ifdef FIBER_TSAN
    __tsan_destroy_fiber(c->tsan);
#else
    (void)c;
#endif
}

#ifdef FIBER_TSAN
/* TSan keeps a signal for the fiber it came in, until that calls something that TSan knows. When the loop waits for
 * just this signal, SIGCHLD say, the fiber never does: so what has come is delivered before the switch, and nothing
 * comes between. By system calls, of which TSan knows nothing. */
static inline void sanitize_switch(void *to)
{
    uint64_t all = UINT64_MAX, before;
    const char *volatile nothing = "";
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
    (void)strlen(nothing);
    __tsan_switch_to_fiber(to, 0);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
}
#endif

/* Right before the switch; last: from never runs again. */
static inline void sanitize_leave(struct sanitize_ctx *from, struct sanitize_ctx *to, int last)
{
#ifdef FIBER_ASAN
    __sanitizer_start_switch_fiber(last ? NULL : &from->fake, to->low, to->size);
#endif
#ifdef FIBER_TSAN
    sanitize_switch(to->tsan);
#endif
    (void)from, (void)to, (void)last;
}

/* First thing after it; from is where control came from. */
static inline void sanitize_enter(struct sanitize_ctx *self, struct sanitize_ctx *from)
{
#ifdef FIBER_ASAN
    const void *low;
    size_t size;
    __sanitizer_finish_switch_fiber(self->fake, &low, &size);
    if (!from->low) {
        from->low = low;
        from->size = size;
    }
#endif
    (void)self, (void)from;
}

#endif
