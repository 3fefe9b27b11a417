/* mem.h: the one entry to the heap, so that a test can make the n-th allocation fail.
 *
 * Every heap block of base/, fiber/, strata/ and waymark/ comes from here; libraries that allow it are
 * pointed here too. Counting starts only when armed: unarmed, the cost is one predictable branch. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"

DECLS_BEGIN

/* All return NULL when memory is out; size 0 gives a unique pointer. Release with mem_free (NULL is fine). */
void *mem_alloc(size_t size) __attribute__((malloc, alloc_size(1), warn_unused_result));
void *mem_zalloc(size_t count, size_t size) __attribute__((malloc, alloc_size(1, 2), warn_unused_result));
void *mem_realloc(void *p, size_t size) __attribute__((alloc_size(2), warn_unused_result));
void mem_free(void *p);
char *mem_strdup(const char *s) __attribute__((malloc, warn_unused_result));
char *mem_memdup0(const void *p, size_t len) __attribute__((malloc, warn_unused_result)); /* adds a NUL */

/* The process's allocator; call before the first allocation, as sqlite3_config and curl_global_init_mem want. */
struct mem_hooks {
    void *(*alloc)(size_t size);
    void *(*realloc)(void *p, size_t size);
    void (*free)(void *p);
};
void mem_set_hooks(const struct mem_hooks *hooks);

/* Makes the n-th allocation from now fail (n = 1 is the next); persist keeps every later one failing too.
 * n = 0 disarms. Counts over all threads. */
void mem_fail_at(uint64_t n, bool persist);
/* Allocations seen since mem_fail_at armed the counter (arm with UINT64_MAX to only count). */
uint64_t mem_fail_seen(void);

/* For __attribute__((cleanup)): frees what a pointer variable holds. */
static inline void mem_freep(void *pp)
{
    mem_free(*(void **)pp);
}
#define MEM_AUTO __attribute__((cleanup(mem_freep)))

DECLS_END

#endif
