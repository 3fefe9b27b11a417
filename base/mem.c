#include "base/mem.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct mem_hooks hooks = {malloc, realloc, free};

static atomic_bool armed;
static atomic_bool sticky;
static _Atomic uint64_t seen, fail_nth;

void mem_set_hooks(const struct mem_hooks *h)
{
    assert(h && h->alloc && h->realloc && h->free);
    hooks = *h;
}

void mem_fail_at(uint64_t n, bool persist)
{
    atomic_store(&armed, false);
    atomic_store(&seen, 0);
    atomic_store(&fail_nth, n);
    atomic_store(&sticky, persist);
    atomic_store(&armed, n != 0);
}

uint64_t mem_fail_seen(void)
{
    return atomic_load(&seen);
}

static bool must_fail(void)
{
    if (__builtin_expect(!atomic_load_explicit(&armed, memory_order_relaxed), 1)) {
        return false;
    }
    uint64_t nth = atomic_fetch_add(&seen, 1) + 1;
    uint64_t target = atomic_load(&fail_nth);
    return nth == target || (nth > target && atomic_load(&sticky));
}

void *mem_alloc(size_t size)
{
    return must_fail() ? NULL : hooks.alloc(size ? size : 1);
}

void *mem_zalloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *p = mem_alloc(total);
    return p ? memset(p, 0, total) : NULL;
}

void *mem_realloc(void *p, size_t size)
{
    return must_fail() ? NULL : hooks.realloc(p, size ? size : 1);
}

void mem_free(void *p)
{
    if (p) {
        hooks.free(p);
    }
}

char *mem_strdup(const char *s)
{
    return mem_memdup0(s, strlen(s));
}

char *mem_memdup0(const void *p, size_t len)
{
    assert(p || len == 0);
    if (len == SIZE_MAX) {
        return NULL;
    }
    char *copy = mem_alloc(len + 1);
    if (copy) {
        if (len) {
            memcpy(copy, p, len);
        }
        copy[len] = '\0';
    }
    return copy;
}
