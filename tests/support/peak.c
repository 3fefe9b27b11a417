#include "peak.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"

static atomic_size_t held, peak;
static double started;

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *account(void *p)
{
    if (p) {
        size_t now = atomic_fetch_add(&held, malloc_usable_size(p)) + malloc_usable_size(p), old = atomic_load(&peak);
        while (now > old && !atomic_compare_exchange_weak(&peak, &old, now)) {
        }
    }
    return p;
}

static void *count_alloc(size_t size)
{
    return account(malloc(size));
}

static void *count_realloc(void *p, size_t size)
{
    size_t before = p ? malloc_usable_size(p) : 0;
    void *q = realloc(p, size);
    if (q) {
        atomic_fetch_sub(&held, before);
    }
    return account(q);
}

static void count_free(void *p)
{
    atomic_fetch_sub(&held, p ? malloc_usable_size(p) : 0);
    free(p);
}

void peak_start(void)
{
    static const struct mem_hooks hooks = {count_alloc, count_realloc, count_free};
    mem_set_hooks(&hooks);
    atomic_store(&peak, atomic_load(&held));
    started = cpu_seconds();
}

size_t peak_bytes(void)
{
    return atomic_load(&peak);
}

double peak_seconds(void)
{
    return cpu_seconds() - started;
}

double peak_slow(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    double slow = 8;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    double slow = 8;
#else
    double slow = 1;
#endif
#else
    double slow = 1;
#endif
    const char *said = getenv("CK_TIMEOUT_MULTIPLIER"); /* ./dev test sets it for valgrind */
    double multiplier = said ? strtod(said, NULL) : 1;
    return multiplier > slow ? multiplier : slow;
}
